// The tour: questions that the page answers, each with the state that does; or a teacher's own.

const DAUNTING = 8; // names: more are counted
const namesOf = (some) => (some.length > DAUNTING ? `${some.length} layers` : listing(some));

function layersNow(weights = state.weights, frame = state.opening) {
  const { layers } = setup(frame);
  return layers.filter((layer) => layer.trained).map((layer) =>
    ({ name: layer.name, measure: pick(measuresOf(layer.parameters, frame), frame) }));
}
const linkOf = (weights, frame, more = "") =>
  `w=${weights.join(",")}&step=${flow.frames[frame].step}${more}`;

function questions() {
  const asked = [whoTrainsWhat()];
  if (losses.length > 1) asked.push(whoTouchesWhom(), agreeOrFight(), raised());
  if (hasRuns()) asked.push(trainedWith());
  return [...asked.filter(Boolean), oneOrTwo()];
}
function whoTrainsWhat() {
  const layers = layersNow();
  const trains = losses.map((k) => {
    const some = layers.filter(({ measure }) => measure.reach.includes(k)).map(({ name }) => name);
    return `${fullNames[k]} has a path to ${namesOf(some) || "no layer"}`;
  });
  return {
    title: "Which loss trains which layer?",
    text: `${trains.join("; ")}.`,
    look: ["the colours of the wires, from a loss back to where they end", "the word on each card"],
    link: linkOf(weightsAt(state.opening), state.opening),
  };
}
// The loss that weighs least: as a rule, the auxiliary one.
const lightestLoss = () => {
  const last = losses.at(-1);
  return losses.reduce((best, k) => (flow.weights[k] < flow.weights[best] ? k : best), last);
};
function whoTouchesWhom() {
  const k = lightestLoss(), layers = layersNow(), called = fullNames[k];
  const [able, unable] = [true, false].map((on) =>
    layers.filter(({ measure }) => measure.reach.includes(k) === on).map(({ name }) => name));
  const weights = weightsAt(state.opening).map((w, j) => (j === k ? 0 : w));
  const text = unable.length
    ? `No path leads from it to ${namesOf(unable)}: whatever ${called} weighs, their gradient `
      + `stays exactly as it is. It has a path to ${namesOf(able) || "no layer"}.`
    : "It has a path to every layer that is trained.";
  return {
    title: `What does the weight of ${called} touch?`,
    text,
    look: [`${called} weighs 0 here: what is dashed in its colour was its own`,
      "drag its slider: the other wires stand still"],
    link: linkOf(weights, state.opening),
  };
}
function agreeOrFight() {
  const frame = state.opening, even = losses.map(() => 1);
  const cards = view().cards.filter((card) => card.parameters && isShared(card));
  if (!cards.length) return null;
  const card = cards.reduce((a, b) => (opposition(b, frame) > opposition(a, frame) ? b : a));
  const at = (n) => pick(measuresOfCard(card, n), n);
  const worst = at(frame).worstPair(weightsAt(frame));
  if (!worst) return null;
  const [cosine, k, j] = worst, { sum, oppose, differ } = at(frame).added(weightsAt(frame));
  const words = { conflict: "they fight", agree: "they agree", unrelated: "they do neither" };
  const word = words[relation(cosine)];
  const fights = flow.frames.map((_, n) => n).filter((n) => at(n).worstPair(even)?.[0] < CONFLICT);
  const steps = fights.map((n) => flow.frames[n].step), total = flow.frames.length;
  const which = steps.length > 6 ? `, the first of them ${steps[0]}, the last ${steps.at(-1)}.`
    : `: ${listing(steps.map(String))}.`;
  const when = total < 2 ? "" : !steps.length ? ` At none of ${total} recorded steps do they fight.`
    : ` They fight at ${steps.length} of ${total} recorded steps${which}`;
  const degrees = Math.round((Math.acos(cosine) * 180) / Math.PI);
  const key = keyOf("card", card.name), lost = formatted((oppose + differ) / sum, "", 0, "%");
  return {
    title: `Do the losses agree or fight in ${card.label}, and when?`,
    text: `At step ${flow.frames[frame].step} ${word}: ${fullNames[k]} and ${fullNames[j]} are `
      + `${degrees}° apart (cosine ${signed(cosine)}), and ${lost} of the length of all pulls is `
      + `lost when they are added.${when}`,
    look: [`the word on ${card.label}, and its compass`,
      "its row in the strip: hatched from above is conflict",
      "the arrows: the black one is their sum"],
    link: linkOf(weightsAt(frame), frame, `&select=${encodeURIComponent(key)}`),
  };
}
function raised() {
  const k = lightestLoss(), before = weightsAt(state.opening), w = before[k] ? 5 * before[k] : 1;
  const after = before.map((old, j) => (j === k ? w : old));
  const free = flow.parameters.filter((_, p) => !isFrozen(p, state.opening));
  const measure = pick(free.map((one) => one.measure), state.opening);
  const [now, then] = [before, after].map((weights) => forecast(measure, weights));
  const changes = losses.slice(0, 3).map((j) =>
    `${fullNames[j]} by ${number(then[j])} instead of ${number(now[j])}`);
  return {
    title: `What happens when I raise the weight of ${fullNames[k]}?`,
    text: `Now: at ${weightText(w)} instead of ${weightText(before[k])}, a small plain SGD step `
      + `changes ${listing(changes)} (× learning rate). What training with it leads to, no re-mix `
      + `can tell: ${hasRuns() ? "the next question can." : "the model must be trained again."}`,
    look: ["the words beside the sliders", `drag ${names[k]} back and forth`],
    link: linkOf(after, state.opening),
  };
}
// The run that is farthest from the base, on the side of the larger weights.
function trainedWith() {
  const n = flow.base === runs.length - 1 ? 0 : runs.length - 1, run = runs[n];
  return {
    title: `And if the model is trained with ${run.label}?`,
    text: run.said,
    look: [`"Trained with": ${runs.length} runs; choose one, and the whole page shows it`,
      "the curves: the broad one is chosen, and the pale area holds all its seeds"],
    link: `${linkOf(run.weights, state.opening)}&run=${n + 1}&compare=1`,
  };
}
function oneOrTwo() {
  return {
    title: "One backward sweep, or two?",
    text: `One: it starts from one number, L, and carries ${ALL_LOSSES}. `
      + (losses.length > 1 ? twoSweeps() : ""),
    look: ["Play, below, runs the sweep; Next makes one step",
      "where ways meet, gradients are added as arrows"],
    link: linkOf(weightsAt(state.opening), state.opening, "&sweep=1"),
  };
}

// ---------------------------------------------------------------- showing it

let stops = null;
function showStop(n) {
  stops ??= flow.tour ?? inBase(questions);
  const was = state.stop;
  state.stop = n === null || n < 0 || n >= stops.length ? null : n;
  document.body.classList.toggle("touring", state.stop !== null);
  set(byId("tour-button"), { "aria-pressed": state.stop !== null });
  if (state.stop !== null) drawStop(stops[state.stop]);
  if (state.stop !== null) recallState(stops[state.stop].link);
  else if (was !== null) state.sweep = null;
  spanSliders();
  build();
  remember();
  if (state.stop !== null) byId("tour").focus();
  else if (was !== null) byId("tour-button").focus();
}
function drawStop({ title, text = "", look = [] }) {
  say(byId("tour-count"), `Question ${state.stop + 1} of ${stops.length}`);
  say(byId("tour-title"), title);
  say(byId("tour-words"), text);
  const list = byId("tour-look");
  list.replaceChildren();
  for (const one of look) el(list, "li", {}, one);
  const isLast = state.stop === stops.length - 1;
  byId("tour-back").disabled = state.stop === 0;
  say(byId("tour-next"), isLast ? "End of the tour" : "Next ›");
}
