// The one sweep, step by step: data forward, then the gradient from the losses to the inputs, wave
// by wave; where ways meet, the gradients are added.

const LONG_SWEEP = 12; // steps: in a longer one, waves without a fork are one step
let sweep = null; // its steps, and the step at which each card is reached
let ticking = null;

// Steps between every card and the farthest loss, or -1 where no loss is behind it.
function farFromLosses({ cards, wires }) {
  const after = cards.map(() => []), far = cards.map(() => undefined);
  for (const [a, b] of wires) after[a].push(b);
  const find = (i) => {
    if (far[i] !== undefined) return far[i];
    const behind = after[i].map(find).filter((n) => n >= 0);
    const own = cards[i].kind === "loss" ? 0 : -1;
    return (far[i] = behind.length ? 1 + Math.max(...behind) : own);
  };
  cards.forEach((_, i) => find(i));
  return far;
}
function planSweep() {
  const shown = view(), { cards, forks } = shown, far = farFromLosses(shown);
  const waves = count(Math.max(...far) + 1, (n) =>
    cards.map((_, i) => i).filter((i) => far[i] === n));
  const steps = [{ kind: "forward" }, { kind: "start", cards: waves[0] }];
  for (const wave of waves.slice(1)) {
    const meeting = wave.filter((i) => forks[i].length && cards[i].kind !== "input");
    for (const i of meeting) steps.push({ kind: "fork", fork: i, cards: [] });
    steps.push({ kind: "wave", cards: wave });
  }
  steps.push({ kind: "done", cards: [] });
  const short = steps.length > LONG_SWEEP ? joined(steps) : steps;
  const at = cards.map(() => Infinity);
  short.forEach(({ cards: some = [] }, n) => some.forEach((i) => { at[i] = n; }));
  return { steps: short, at, forks: short.filter(({ kind }) => kind === "fork").length };
}
function joined(steps) {
  return steps.reduce((found, step) => {
    const last = found.at(-1), both = last?.kind === "wave" && step.kind === "wave";
    if (both) last.cards = [...last.cards, ...step.cards];
    else found.push({ ...step });
    return found;
  }, []);
}

// ---------------------------------------------------------------- words

const SHOWN_NAMES = 5;
function fewNames(some) {
  const called = some.map((i) => view().cards[i].label), more = called.length - SHOWN_NAMES;
  return more > 1 ? `${called.slice(0, SHOWN_NAMES).join(", ")} and ${more} more` : listing(called);
}
const ALL_LOSSES = losses.length === 1 ? "the loss" : losses.length === 2 ? "both losses"
  : `all ${losses.length} losses`;
function stepTitle({ kind, cards = [], fork }) {
  if (kind === "forward") return `forward: the data runs once, to ${ALL_LOSSES}`;
  if (kind === "start") return losses.length > 1 ? `${ALL_LOSSES} start together, each × its weight`
    : "the loss starts, × its weight";
  if (kind === "fork") return `output of ${view().cards[fork].label}: gradients are added`;
  if (kind === "done") return "done: one forward pass, one sweep";
  return fewNames(cards);
}
function stepText({ kind, cards = [], fork }) {
  const text = { forward: "Data runs forward, once. Nothing has come back yet.",
    done: `Done: one sweep has carried ${ALL_LOSSES}. Each weight has one gradient.` }[kind];
  if (text) return text;
  if (kind === "start") {
    return `One number is minimised: L = ${weightedSum()}. One sweep starts from it.`;
  }
  if (kind === "fork") {
    const { ends } = largestFork(fork);
    const many = ["", "", "Two", "Three", "Four", "Five"][ends.size] ?? ends.size;
    return `${many} gradients have come back to the output of ${view().cards[fork].label}. `
      + `They are added there, as arrows; ONE goes on.${laterIn(view().cards[fork], fork)}`;
  }
  const own = cards.filter((i) => view().cards[i].parameters).length;
  const found = own ? ", that of the weights is found" : "";
  return `${fewNames(cards)}: the gradient arrives${found}, and it goes on.`;
}
// Where the losses agree otherwise about the weights of the card than about its output.
function laterIn(card, i) {
  const [here, later] = [[largestFork(i).measure], measuresOfCard(card)].map((parts) =>
    pick(parts).worstPair(state.weights)?.[0]);
  if (here === undefined || later === undefined || relation(here) === relation(later)) return "";
  const [now, then] = [here, later].map((x) => phrase(VERDICTS[relation(x)], signed(x)));
  return ` Here: ${now}. In the weights of ${card.label}, one step later: ${then}.`;
}
// Of the tensors that leave a card to several others, the one with the longest gradient.
function largestFork(card) {
  const size = ({ measure }) => pick([measure]).total(state.weights);
  return [...view().forks[card]].sort((a, b) => size(b) - size(a))[0];
}
// What two wrong ideas would mean, in numbers.
function twoSweeps() {
  const { wires, cards } = view(), passed = losses.map(() => new Set());
  for (const [a, , parts] of wires) for (const k of pick(parts).reach) passed[k].add(a);
  const once = new Set(passed.flatMap((some) => [...some])).size;
  const sum = sumOf(passed.map((some) => some.size)), all = cards.length;
  return "A sweep for each loss would find the same gradients, as they are added in the end. "
    + `But it would pass ${sum} cards instead of ${once} `
    + `(of ${all} in this picture): ${sum - once} a second time.`;
}
function average(card) {
  const { measure, ends } = largestFork(card), whole = pick([measure]).total(state.weights);
  const parts = [...ends.values()].map((part) => number(pick([part]).total(state.weights)));
  return `No: at the output of ${view().cards[card].label} ${listing(parts)} are added, as arrows: `
    + `${number(whole)}. The average would be ${number(whole / ends.size)}. The chain rule adds, `
    + "since a change of this output changes the loss on each of its ways at once.";
}

// ---------------------------------------------------------------- drawing

const isSweeping = () => state.sweep !== null;
function drawSweep() {
  const n = state.sweep ?? Infinity, step = sweep.steps[state.sweep];
  const ahead = (element, at) => {
    element.classList.toggle("ahead", n < at);
    element.classList.toggle("arriving", n === at);
  };
  for (const wire of picture.wires) {
    ahead(wire.group, sweep.at[wire.ends[1]]);
    wire.cut.group.classList.toggle("ahead", n < sweep.at[wire.ends[1]]);
  }
  picture.cards.forEach(({ group, data: { kind } }, i) =>
    ahead(group, kind === "loss" ? 1 : sweep.at[i]));
  document.body.classList.toggle("sweeping", isSweeping());
  document.body.classList.toggle("forward", n === 0);
  picture.cards.forEach(({ group }, i) => group.classList.toggle("meeting", step?.fork === i));
  const carries = `1 sweep carries ${ALL_LOSSES.replace("losses", "").trim()}`;
  const idle = losses.length > 1 ? carries : "1 sweep";
  say(byId("sweep-text"), step ? `1 sweep · step ${n + 1} of ${sweep.steps.length}` : idle);
  byId("play").classList.toggle("playing", ticking !== null);
  set(byId("play"), { "aria-label": ticking ? "Pause the sweep" : "Play the sweep" });
  say(byId("sweep-play"), ticking ? "Pause" : "Play");
  if (step) listSteps(step);
}
function listSteps(step) {
  const list = byId("steps"), forks = sweep.steps.filter(({ kind }) => kind === "fork");
  list.replaceChildren();
  sweep.steps.forEach((one, n) => {
    const mark = n < state.sweep ? "past" : n === state.sweep ? "now" : "ahead";
    const item = el(list, "li", { class: mark, "aria-current": n === state.sweep ? "step" : null });
    el(item, "button", { type: "button", value: n }, stepTitle(one));
  });
  list.querySelector(".now")?.scrollIntoView({ block: "nearest" });
  say(byId("sweep-said"), stepText(step));
  const fork = step.fork ?? forks[0]?.fork;
  byId("ask-average").hidden = fork === undefined;
  byId("ask-two").hidden = losses.length < 2;
  const two = () => `No: one sweep carries ${ALL_LOSSES}. ${twoSweeps()}`;
  const answers = { two, average: () => average(fork) };
  say(byId("refuted"), state.asked ? answers[state.asked]() : "");
  for (const one of ["two", "average"]) {
    set(byId(`ask-${one}`), { "aria-pressed": state.asked === one });
  }
}
