// The box "Trained with", which snaps to recorded runs, and the panel that compares them.

const RUN_DASHES = ["1 3", "5 3", "9 3 2 3", "2 2", "12 4"]; // of the curves, by run
const LEAST_CURVE = [240, 84]; // the least width and height of a panel of curves
// A run in few letters: its number where one loss alone varies.
const shortRun = ({ label, weights }) =>
  flow.vary.length === 1 ? formatted(weights[flow.vary[0]], "", 4) : label;

function buildRuns() {
  byId("retrain").hidden = !hasRuns();
  byId("to-runs").hidden = !hasRuns();
  document.body.classList.toggle("has-runs", hasRuns());
  if (!hasRuns()) return;
  const [only, ...others] = flow.vary, box = byId("runs");
  const what = only === undefined || others.length ? "" : `${names[only]} ×`;
  say(byId("retrain-what"), what);
  if (what) set(byId("retrain-what"), { class: `t${only}` });
  say(byId("retrain-about"), `${runs.length} runs, each from the start`);
  runs.forEach((run, n) => {
    const label = el(box, "label", { title: run.label });
    const named = { "aria-label": `trained with ${run.label}` };
    el(label, "input", { type: "radio", name: "run", value: n, ...named });
    el(label, "span", {}, shortRun(run));
  });
}

// ---------------------------------------------------------------- comparing

const isComparing = () => hasRuns() && state.compare;
function drawRuns() {
  document.body.classList.toggle("comparing", isComparing());
  if (!hasRuns()) return;
  [...byId("runs").children].forEach((label, n) => {
    label.classList.toggle("chosen", n === state.run);
    label.firstChild.checked = n === state.run;
  });
  if (!isComparing()) return;
  const run = runs[state.run];
  say(byId("compare-what"), run.label);
  say(byId("compare-said"), run.said);
  drawRunRows(run);
  drawRunCurves();
  say(byId("compare-notes"), flow.about.map((note) => `${note[0].toUpperCase()}${note.slice(1)}.`)
    .join(" "));
}
function drawRunRows({ rows }) {
  const table = byId("run-rows");
  table.replaceChildren();
  const head = el(el(table, "thead"), "tr");
  for (const text of ["", "at the end", `less ${shortRun(runs[flow.base])}`, ""]) {
    el(head, "th", { scope: "col" }, text);
  }
  const body = el(table, "tbody");
  for (const [title, ...cells] of rows) {
    const row = el(body, "tr");
    el(row, "th", { scope: "row" }, title);
    for (const cell of cells) el(row, "td", {}, cell);
  }
}

// ---------------------------------------------------------------- curves

function drawRunCurves() {
  const box = byId("run-curves"), zoom = enlarged(), [least, low] = LEAST_CURVE;
  box.replaceChildren();
  const width = Math.max(least, box.clientWidth / zoom);
  const room = isStage() ? box.clientHeight / zoom / losses.length : 0;
  const height = Math.max(low, Math.min(200, room - 1));
  for (const k of losses) {
    const said = runs.map(({ label, curves }) => `${label}: ${number(curves[k][0].at(-1))}`);
    const svg = el(box, "svg", {
      viewBox: `0 0 ${width} ${height}`, width: width * zoom, height: height * zoom, role: "img",
      "aria-label": `loss ${names[k]}, the mean of the seeds at the end: ${said.join(", ")}`,
    });
    drawRunCurve(svg, k, width, height);
  }
}
// Of one loss: a line for each run, the mean of its seeds; the chosen one is broad, and around it
// an area holds all its seeds.
function drawRunCurve(svg, k, width, height) {
  const title = `loss ${names[k]}`, from = lengthOf(title, 12, BOLD) + 8;
  write(svg, 0, 12, title, width * 0.4, 12, BOLD, { class: `t${k}` });
  const about = flow.seeds.length > 1 ? "mean; pale: all seeds" : "one seed";
  write(svg, from, 12, about, width - from, 12, 400, { class: "muted" });
  const plan = planCurves(k, width, height);
  if (!plan) return;
  const { x, y, left, right, ticks } = plan, [mean, lowest, highest] = runs[state.run].curves[k];
  for (const [value, text] of ticks) {
    el(svg, "line", { class: "grid", x1: left, x2: right, y1: y(value), y2: y(value) });
    const place = { x: left - 6, y: r1(y(value) + 4), "text-anchor": "end" };
    el(svg, "text", { class: "muted", ...place }, text);
  }
  const pointsOf = (values) => values.flatMap((v, n) =>
    Number.isFinite(v) ? [`${r1(x(n))} ${r1(y(v))}`] : []);
  const line = (n) => pointsOf(runs[n].curves[k][0]).join(" ");
  const seeds = [...pointsOf(lowest), ...pointsOf(highest).reverse()].join(" ");
  el(svg, "polygon", { class: `q${k} seeds`, points: seeds });
  for (const n of runs.keys()) {
    const dashes = { "stroke-dasharray": RUN_DASHES[n % RUN_DASHES.length] };
    if (n !== state.run) el(svg, "polyline", { class: "other-run", points: line(n), ...dashes });
  }
  el(svg, "polyline", { class: `q${k} curve`, points: pointsOf(mean).join(" ") });
  nameCurves(svg, k, plan);
  const now = r1(x(state.frame));
  el(svg, "line", { class: "moment", x1: now, x2: now, y1: plan.top - 4, y2: plan.bottom });
}
// Where the curves of a loss stand; null if none has a number.
function planCurves(k, width, height) {
  const top = 22, bottom = height - 9, [, ...seeds] = runs[state.run].curves[k];
  const all = [...runs.flatMap(({ curves }) => curves[k][0]), ...seeds.flat()];
  const known = all.filter(Number.isFinite);
  if (!known.length) return null;
  const least = Math.min(...known), most = Math.max(...known);
  const longest = (texts) => Math.max(...texts.map((text) => lengthOf(text, 12, BOLD)));
  const ticks = [least, most].map((value) => [value, number(value)]);
  const left = longest(ticks.map(([, text]) => text)) + 8;
  const right = width - Math.min(width * 0.3, longest(runs.map(shortRun)) + 16);
  const steps = flow.frames.map((frame) => frame.step), length = steps.at(-1) - steps[0] || 1;
  const x = (n) => left + ((steps[n] - steps[0]) / length) * (right - left);
  const y = (value) => bottom - ((value - least) / (most - least || 1)) * (bottom - top);
  return { x, y, left, right, top, bottom, ticks, width };
}
// Which run it is, at the end of each curve: moved apart, each tied to its curve.
function nameCurves(svg, k, { y, right, top, bottom, width }) {
  const ends = runs.map(({ curves }, n) => [y(curves[k][0].at(-1) ?? NaN), n]);
  const known = ends.filter(([at]) => isFinite(at)).sort((a, b) => a[0] - b[0]);
  const pitch = Math.min(13, (bottom - top + 10) / Math.max(1, known.length - 1));
  const places = known.map(([at]) => at + 4), [first, last] = [top - 2, bottom + 4];
  places.forEach((at, i) => {
    places[i] = Math.max(at, i ? places[i - 1] + pitch : first);
  });
  for (let i = places.length - 1, most = last; i >= 0; i--, most -= pitch) {
    places[i] = Math.min(places[i], most);
  }
  known.forEach(([at, n], i) => {
    const isNow = n === state.run, look = { class: isNow ? `t${k}` : "muted" }, to = places[i];
    const tie = `M${r1(right + 1)} ${r1(at)}L${r1(right + 10)} ${r1(to - 4)}`;
    el(svg, "path", { class: "tie-end", d: tie });
    const room = width - right - 13, weight = isNow ? BOLD : 400;
    write(svg, r1(right + 13), r1(to), shortRun(runs[n]), room, 12, weight, look);
  });
}
