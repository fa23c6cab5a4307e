// What is shown at the moment, and the link that remembers it.

const { FROZEN_WORDS } = flow.constants;

const SCALES = ["open", "all", "log"];
const state = {
  weights: [...flow.weights],
  spans: [], // by loss: from where to where its slider goes
  run: flow.base ?? 0, // which training
  compare: false, // are the runs compared?
  frame: 0,
  opening: 0, // the step at which the page opens
  zoom: 1,
  open: null, // the fold that is open; ALL: every one
  select: null, // a key
  hover: null,
  scale: "open", // or "all" steps, or "log"
  dragging: false,
  sweep: null, // which of its steps is shown
  asked: null, // about the sweep: one of two wrong ideas
  stop: null, // of the tour
  slide: 0, // the panel that is presented
  inside: false, // whether the formula is shown
};
// What can be selected has a key of its kind and names: "card/lstm", "wire/lstm/output". In a name
// the "/" and all other signs are escaped, so that no two things have the same.
const keyOf = (...labels) => labels.map(encodeURIComponent).join("/");
const keysOfArrays = flow.parameters.map(({ name }) => keyOf("weights", name));
const views = new Map(); // made when they are looked at
function view() {
  if (!views.has(state.open)) views.set(state.open, makeView(state.open));
  return views.get(state.open);
}
// Trainings with other weights of the losses, each with its recorded steps.
const runs = flow.runs ?? [];
if (runs.length) runs[flow.base].frames = flow.frames;
const hasRuns = () => runs.length > 1;
function enterRun(n) {
  if (!runs.length) return;
  state.run = runs[n] ? n : flow.base;
  flow.frames = runs[state.run].frames;
}
// What scales and questions are made of: the run with which the page opens.
function inBase(make) {
  const { run } = state;
  enterRun(flow.base);
  const made = make();
  enterRun(run);
  return made;
}
const frameNow = () => flow.frames[state.frame];
const pick = (numbers, frame = state.frame) =>
  Measure.together(numbers.map((n) => measuresAt(frame)[n]));

// What was set when a step was recorded: which weights were frozen, which function was measured.
const setup = (frame = state.frame) => flow.setups[flow.frames[frame].setup ?? 0];
const isFrozen = (parameter, frame) => setup(frame).frozen.includes(parameter);
// Whether training leaves all or some of these weights as they are.
function frozenWord(parameters) {
  const frozen = parameters.filter((p) => isFrozen(p)).length;
  return frozen ? FROZEN_WORDS[frozen < parameters.length ? 1 : 0] : "";
}
// The measures of those of these weights that training changes; of all, if it changes none.
function measuresOf(parameters, frame) {
  const free = parameters.filter((p) => !isFrozen(p, frame));
  return (free.length ? free : parameters).map((p) => flow.parameters[p].measure);
}
const measuresOfCard = (card, frame) => measuresOf(card.parameters ?? [], frame);
const trainedMeasures = () =>
  flow.parameters.filter((_, p) => !isFrozen(p)).map((parameter) => parameter.measure);
// The weights that the losses had when a step was recorded.
const weightsAt = (frame) => flow.frames[frame].weights ?? flow.weights;
const weightsNow = () => weightsAt(state.frame);

// Sliders run from 0 to 1, or to five times a smaller weight, or as far as their weight needs.
function spanSliders() {
  state.spans = losses.map((k) => {
    const now = state.weights[k], first = flow.weights[k];
    const usual = Math.max(first, first > 0 ? Math.min(1, 5 * first) : 1);
    return [Math.min(0, now, first), Math.max(usual, now)];
  });
}

function remember() {
  const parts = [`w=${state.weights.join(",")}`];
  if (flow.frames.length > 1) parts.push(`step=${frameNow().step}`);
  if (runs.length && state.run !== flow.base) parts.push(`run=${state.run + 1}`);
  if (state.compare) parts.push("compare=1");
  if (state.select) parts.push(`select=${encodeURIComponent(state.select)}`);
  const { open } = state;
  if (open === ALL) parts.push("all=1");
  else if (open !== null) parts.push(`open=${encodeURIComponent(open)}`);
  if (state.scale !== "open") parts.push(`scale=${state.scale}`);
  if (state.sweep !== null) parts.push(`sweep=${state.sweep + 1}`);
  if (state.inside) parts.push("inside=1");
  if (state.stop !== null) parts.push(`tour=${state.stop + 1}`);
  try {
    history.replaceState(null, "", `#${parts.join("&")}`);
  } catch {
    // inside a notebook there is no address
  }
}
function recall() {
  recallState(location.hash.slice(1));
}
function recallState(text) {
  const link = new URLSearchParams(text);
  enterRun(parseInt(link.get("run"), 10) - 1);
  state.compare = link.has("compare");
  const weights = (link.get("w") ?? "").split(",").map(parseFloat);
  const frame = flow.frames.findIndex((f) => String(f.step) === link.get("step"));
  if (frame >= 0) state.frame = frame;
  const isMix = weights.length === losses.length && weights.every(isFinite);
  if (isMix || link.has("run")) state.weights = isMix ? weights : [...weightsNow()];
  const asked = link.get("open"), isFold = flow.folds.some(([name]) => name === asked);
  state.open = link.has("all") ? ALL : isFold ? asked : null;
  if (SCALES.includes(link.get("scale"))) state.scale = link.get("scale");
  state.inside = link.has("inside");
  state.select = link.get("select") ?? state.select;
  state.sweep = link.has("sweep") ? Math.max(0, parseInt(link.get("sweep"), 10) - 1 || 0) : null;
  spanSliders();
}
// What opposition takes from the lengths of the pulls on the weights of a card, as a part of them.
function opposition(card, frame = state.frame) {
  const measure = pick(measuresOfCard(card, frame), frame);
  const { sum, oppose } = measure.added(weightsAt(frame));
  return sum > 0 && isFinite(sum) ? oppose / sum : 0;
}
const WORTH_A_LOOK = 0.02; // of the length: where opposition costs less, the last step is shown
// The step and the card at which opposition costs most; otherwise the step of this flow itself.
function openWhereItMatters() {
  const cards = view().cards.filter((card) => card.parameters);
  let most = WORTH_A_LOOK;
  state.opening = Math.max(0, flow.frames.findIndex((frame) => frame.step === flow.step));
  flow.frames.forEach((_, n) => {
    for (const card of cards) {
      const lost = opposition(card, n);
      if (lost > most) [most, state.opening, state.select] = [lost, n, keyOf("card", card.name)];
    }
  });
  state.frame = state.opening;
  state.weights = [...weightsNow()];
}
function worthALook() {
  const cards = view().cards.filter((card) => card.parameters);
  const cosine = (card) => pick(measuresOfCard(card)).worstPair(flow.weights)?.[0] ?? 2;
  const found = cards.map((card) => [cosine(card), keyOf("card", card.name)]);
  return found.sort((a, b) => a[0] - b[0])[0]?.[1] ?? null;
}
