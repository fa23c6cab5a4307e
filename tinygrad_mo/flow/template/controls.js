// The weights of the losses: the formula, a slider for each, and a choice that sets all of them.

const { HARDLY } = flow.constants;
let sliders = [];
const presets = [["as trained", () => weightsNow()]];
if (losses.length > 1) {
  const only = (k) => losses.map((j) => (j === k ? weightsNow()[k] || 1 : 0));
  const alone = losses.map((k) => [`only ${names[k]}`, () => only(k)]);
  presets.push(["all equal", () => losses.map(() => 1)], ...alone);
}

function buildSliders() {
  sliders = losses.map((k) => {
    const { name } = flow.losses[k], id = `weight-${k}`;
    const row = el(byId("sliders"), "div", { class: "slider", style: `--c:var(--loss${k})` });
    const label = el(row, "label", { for: id, class: `t${k}`, title: name });
    swatch(label, k);
    const text = el(label, "span");
    for (const word of wordsOf(names[k])) text.append(word, el(null, "wbr")); // it may break there
    const range = el(row, "input", { type: "range", id, step: "any" });
    const hidden = { "aria-label": `weight of ${name}` };
    const typed = el(row, "input", { type: "text", inputmode: "decimal", ...hidden });
    return { range, typed, pill: el(row, "span", { class: "pill" }) };
  });
  set(byId("controls"), { class: `panel ${losses.length > 2 ? "many" : "few"}` });
  presets.forEach(([label], i) => el(byId("presets"), "option", { value: i }, label));
  el(byId("presets"), "option", { value: "", hidden: true }, "mixed by hand");
}
// A small area with the colour and texture of a loss.
function swatch(parent, k) {
  const size = { width: 14, height: 14, class: "mark", "aria-hidden": true };
  el(el(parent, "svg", size), "rect", { width: 14, height: 14, rx: 3, class: `p${k}` });
}

// What a small plain SGD step would do to each loss: a case of the sentences.
function outlooks(slopes, whole, { values }) {
  const step = whole.total(state.weights);
  const parts = losses.map((k) => {
    const isKnown = values[k] && isFinite(values[k]) && isFinite(slopes[k]);
    return isKnown ? Math.abs(slopes[k] / values[k]) : null;
  });
  const most = Math.max(0, ...parts);
  return slopes.map((slope, k) => {
    if (!isFinite(slope)) return "infinite change";
    if (!slope) return "keep";
    const isAside = Math.abs(slope) < HARDLY * whole.norms[k] * step;
    if (isAside || (parts[k] ?? most) < HARDLY * most) return "hardly";
    return slope < 0 ? "lower" : "raise";
  });
}
const OUTLOOKS = {
  lower: ["better", "improves ↓"], raise: ["worse", "gets worse ↑"], hardly: ["", "hardly changes"],
  keep: ["", "no change"], "infinite change": ["", "not finite"],
};
// The tone, and the words.
const outlook = (k) => OUTLOOKS[state.outlooks[k]];
const isCrowded = () => hasRuns() && innerWidth < 1400;
const outlookText = (k) => `SGD step: ${outlook(k)[1]}`;

function drawControls() {
  byId("scale").value = state.scale;
  state.forecast = forecast(picture.whole, state.weights);
  state.outlooks = outlooks(state.forecast, picture.whole, frameNow());
  losses.forEach(drawSlider);
  const same = presets.findIndex(([, make]) => make().every((w, k) => w === state.weights[k]));
  byId("presets").value = same < 0 ? "" : same;
  say(byId("remix"), `Re-mix step ${frameNow().step}`);
  const { mode } = setup();
  say(byId("mode"), `${mode[0].toUpperCase()}${mode.slice(1)}.`);
}
function drawSlider(k) {
  const { range, typed, pill } = sliders[k], w = state.weights[k], [min, max] = state.spans[k];
  const [tone, short] = outlook(k), isShort = losses.length > 2 || !isStage();
  const text = isShort ? short : isCrowded() ? `SGD: ${short}` : outlookText(k);
  set(range, { min, max, "aria-valuetext": `${names[k]} ${weightText(w)}, ${outlookText(k)}` });
  if (+range.value !== w) range.value = w;
  range.style.setProperty("--at", `${(100 * (w - min)) / (max - min)}%`);
  if (document.activeElement !== typed || +typed.value !== w) typed.value = +w.toPrecision(4);
  const what = `a small plain SGD step would change ${flow.losses[k].name}`;
  const change = `${what} by ${number(state.forecast[k])} × its learning rate`;
  set(pill, { class: `pill ${tone}`, title: change });
  say(pill, text);
}

function drawFormula() {
  const formula = byId("formula");
  formula.replaceChildren("L = ");
  if (losses.length > 5) formula.append(`the weighted sum of ${losses.length} losses`);
  else losses.forEach((k) => {
    if (k) formula.append(" + ");
    el(formula, "b", {}, `${weightText(state.weights[k])} × `);
    el(formula, "b", { class: `t${k}`, title: flow.losses[k].name }, names[k]);
  });
  set(formula, { title: weightedSum() });
}

// For those who listen to the page: what a change of weights leads to.
function speak() {
  const said = losses.map((k) => {
    return `${names[k]} ${weightText(state.weights[k])}: ${outlookText(k)}`;
  });
  say(byId("spoken"), said.join(". "));
}
