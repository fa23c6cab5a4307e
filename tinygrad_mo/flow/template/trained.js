// The panel "Who trains what?": a bar for each weight array, or for each card if there are many.

const { MANY, THRESHOLDS } = flow.constants;
const TRAINED = "The gradient of all weights, by the loss that sent it, each times its weight.";
const trained = { rows: [], full: 0 };

function buildTrained() {
  const box = byId("bars"), cards = view().cards.filter((card) => card.parameters);
  const each = sumOf(cards.map((card) => card.parameters.length)) <= MANY;
  const known = new Set(cards.flatMap((card) => card.parameters));
  const others = flow.parameters.flatMap((_, p) => (known.has(p) ? [] : [rowOfLoss(p)]));
  box.replaceChildren();
  trained.rows = cards.flatMap((card) => [...rowsOf(card, each), ...rowsOfCalls(card)]);
  trained.rows.push(...others);
  trained.rows.forEach((row, i) => makeRow(box, row, i));
}
function rowsOf(card, each) {
  const { name, kind, parameters } = card, key = keyOf("card", name);
  const all = { card: key, key, name, title: name };
  if (!each || kind === "fold") {
    return [{ ...all, part: `${parameters.length} arrays`, parameters }];
  }
  return parameters.map((p, i) => {
    const array = flow.parameters[p].name, first = kind === "weights" ? WEIGHTS.length : 0;
    const path = `${name.slice(first)}/`, isOwn = array.startsWith(path);
    const part = isOwn ? array.slice(path.length) : array;
    const own = { key: keysOfArrays[p], name: array, title: i ? "" : name };
    return { ...all, ...own, part, parameters: [p] };
  });
}
function rowsOfCalls({ name, parameters, calls = [] }) {
  return calls.map(([call, parts]) => {
    const from = view().cards[call].name, part = `↳ from ${from}`, key = keyOf("use", name, from);
    const about = { name: `${name} · ${from}`, title: "", part };
    return { card: keyOf("card", name), key, ...about, parameters, parts };
  });
}
// Of weights that no layer has.
function rowOfLoss(p) {
  const { name } = flow.parameters[p], key = keysOfArrays[p];
  return { card: key, key, name, title: name, part: "", parameters: [p] };
}
function makeRow(box, row, i) {
  const first = row.title ? " first" : "", { parts, parameters } = row;
  row.frozen = frozenWord(parameters);
  row.pickAt = (n) => pick(parts ?? measuresOf(parameters, n), n);
  row.group = el(box, "div", { class: `bar-row${first}`, role: "group" });
  const start = { tabindex: i ? -1 : 0, role: "button" };
  row.label = el(row.group, "div", { class: "label", ...start });
  if (row.title) el(row.label, "b", {}, row.title);
  row.label.append(" "); // two words, for those who listen
  el(row.label, "span", {}, row.frozen ? `${row.part} (${row.frozen})` : row.part);
  const svg = el(el(row.group, "div"), "svg", { "aria-hidden": true });
  row.bar = makeBar(svg, 0, 0, "100%", "100%", row.pickAt(state.frame).reach);
  if (row.frozen === FROZEN_WORDS[0]) fade(row.bar);
  row.cosine = el(row.group, "div", { class: "cosine" });
}

function measureTrained() {
  for (const row of trained.rows) row.measure = row.pickAt(state.frame);
}
function scaleTrained() {
  const { most, middle } = scaleOf(trained.rows, lengthsAdded);
  trained.full = Math.min(most, WIDER * middle);
  const size = `A full bar is a gradient of ${number(trained.full)}; a longer one is cut.`;
  const full = most ? ` ${size}` : "";
  const pale = setup().frozen.length ? " Pale: frozen, training does not change it." : "";
  const words = losses.length > 1 ? ` ${THRESHOLDS[0].toUpperCase()}${THRESHOLDS.slice(1)}.` : "";
  say(byId("trained-hint"), TRAINED + full + pale + words);
}

function drawTrained() {
  for (const row of trained.rows) {
    const judged = verdict(row.measure, state.weights);
    drawBar(row.bar, row.measure, state.weights, trained.full);
    const whole = number(row.measure.total(state.weights));
    set(row.label, { title: `${row.name}: weighted gradient ${whole}` });
    if (row.said === judged.text) continue;
    row.said = judged.text;
    const frozen = row.frozen && `, ${row.frozen}`, seen = row.label.textContent.trim();
    set(row.label, { "aria-label": `${seen}, ${row.name}${frozen}: ${judged.text}` });
    drawCosine(row.cosine, judged);
  }
}
// How the losses agree; of more than two, the pair that agrees least.
function drawCosine(box, { text, worst }) {
  box.replaceChildren();
  if (!worst) {
    el(box, "span", { title: text }, text);
    return;
  }
  const [cosine, ...pair] = worst;
  if (losses.length > 2) {
    for (const k of pair) swatch(box, k);
  }
  el(box, "b", { class: relation(cosine), title: text }, signed(cosine));
}
