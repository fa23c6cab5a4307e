// The panel "Who trains what?": a bar for each weight array, or for each card if there are many.

const { MANY } = flow.constants;
const trained = { rows: [], full: 1 };

function buildTrained() {
  const box = byId("bars"), cards = view().cards.filter((card) => card.parameters);
  const each = sumOf(cards.map((card) => card.parameters.length)) <= MANY;
  box.replaceChildren();
  trained.rows = cards.flatMap((card) => [...rowsOf(card, each), ...rowsOfCalls(card)]);
  trained.rows.forEach((row, i) => makeRow(box, row, i));
}
function rowsOf(card, each) {
  const { name, parameters } = card, all = { card: name, key: name, title: name };
  if (!each || card.kind === "fold") {
    return [{ ...all, part: `${parameters.length} arrays`, parts: measuresOfCard(card) }];
  }
  return parameters.map((p, i) => {
    const { name: key, measure, frozen } = flow.parameters[p];
    const part = key.replace(`${name.replace(WEIGHTS, "")}/`, "") + (frozen ? " (frozen)" : "");
    return { ...all, key, title: i ? "" : name, part, parts: [measure] };
  });
}
function rowsOfCalls({ name, calls = [] }) {
  return calls.map(([call, parts]) => {
    const from = view().cards[call].name;
    return { card: name, key: `${name} · ${from}`, title: "", part: `↳ from ${from}`, parts };
  });
}
function makeRow(box, row, i) {
  const first = row.title ? " first" : "";
  row.group = el(box, "div", { class: `bar-row${first}`, role: "group" });
  const start = { tabindex: i ? -1 : 0, role: "button", title: row.key };
  row.label = el(row.group, "div", { class: "label", ...start });
  if (row.title) el(row.label, "b", {}, row.title);
  el(row.label, "span", {}, row.part);
  const svg = el(el(row.group, "div"), "svg", { "aria-hidden": true });
  row.bar = makeBar(svg, 0, 0, "100%", "100%", pick(row.parts).reach);
  row.cosine = el(row.group, "div", { class: "cosine" });
}

function measureTrained() {
  for (const row of trained.rows) row.measure = pick(row.parts);
}
function scaleTrained() {
  trained.full = loudest(trained.rows.map((row) => row.measure));
}

function drawTrained() {
  for (const row of trained.rows) {
    const judged = verdict(row.measure, state.weights);
    drawBar(row.bar, row.measure, state.weights, trained.full);
    if (row.said === judged.text) continue;
    row.said = judged.text;
    set(row.label, { "aria-label": `${row.key}: ${judged.text}` });
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
  const [cosine, ...pair] = worst, { paint, ink } = heatOf(cosine);
  if (losses.length > 2) {
    for (const k of pair) el(box, "i", { class: `mark p${k}`, title: names[k] });
  }
  el(box, "b", { style: `background:${paint};color:${ink}`, title: text }, signed(cosine));
}
