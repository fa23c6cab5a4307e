// The weights of the losses: the formula, a slider for each, and buttons that set all of them.

let sliders = [];
const presets = [["as trained", weightsNow]];
if (losses.length > 1) {
  const only = (k) => losses.map((j) => (j === k ? weightsNow()[k] || 1 : 0));
  const alone = losses.map((k) => [`only ${names[k]}`, () => only(k)]);
  presets.unshift(...alone, ["equal", () => losses.map(() => 1)]);
}

function buildSliders() {
  sliders = losses.map((k) => {
    const { name } = flow.losses[k], id = `weight-${k}`;
    const row = el(byId("sliders"), "div", { class: "slider", style: `--c:var(--loss${k})` });
    el(row, "label", { for: id, class: `t${k}`, title: name }, names[k]);
    const range = el(row, "input", { type: "range", id, step: "any" });
    const label = { "aria-label": `weight of ${name}` };
    const typed = el(row, "input", { type: "number", step: 0.01, ...label });
    return { range, typed, pill: el(row, "span", { class: "pill" }) };
  });
  for (const [label] of presets) el(byId("presets"), "button", { type: "button" }, label);
}

// What a plain SGD step would do to a loss: the tone, and the words.
const outlook = (slope) =>
  slope < 0 ? ["better", "SGD step: improves ↓"]
    : slope > 0 ? ["worse", "SGD step: gets worse ↑"]
      : ["", `SGD step: ${isFinite(slope) ? "no change" : "not finite"}`];

function drawControls() {
  byId("log").checked = state.log;
  state.forecast = forecast(picture.whole, state.weights);
  losses.forEach(drawSlider);
  [...byId("presets").children].forEach((button, i) => {
    set(button, { "aria-pressed": presets[i][1]().every((w, k) => w === state.weights[k]) });
  });
}
function drawSlider(k) {
  const { range, typed, pill } = sliders[k], w = state.weights[k], [min, max] = state.spans[k];
  const slope = state.forecast[k], [tone, text] = outlook(slope);
  set(range, { min, max, "aria-valuetext": `${names[k]} ${weightText(w)}, ${text}` });
  if (+range.value !== w) range.value = w;
  range.style.setProperty("--at", `${(100 * (w - min)) / (max - min)}%`);
  if (document.activeElement !== typed || +typed.value !== w) typed.value = +w.toPrecision(6);
  const what = `a small plain SGD step would change ${flow.losses[k].name}`;
  set(pill, { class: `pill ${tone}`, title: `${what} by ${number(slope)} × its learning rate` });
  say(pill, text);
}

function drawFormula() {
  const formula = byId("formula");
  formula.replaceChildren();
  formula.append("One loss is minimised: ");
  const sum = el(formula, "b", {}, "L = ");
  losses.forEach((k) => {
    if (k) sum.append(" + ");
    sum.append(`${weightText(state.weights[k])} × `);
    el(sum, "span", { class: `t${k}`, title: flow.losses[k].name }, names[k]);
  });
  formula.append(`. Its gradient, ${setup().mode}, runs backward through the model. `);
  el(formula, "b", {}, "Drag a weight");
  formula.append(": every wire shows its exact size at once.");
}

// For those who listen to the page: what a change of weights leads to.
function speak() {
  const said = losses.map((k) => {
    const [, text] = outlook(state.forecast[k]);
    return `${names[k]} ${weightText(state.weights[k])}: ${text}`;
  });
  say(byId("spoken"), said.join(". "));
}
