// The panel "Through training": the losses, and how they agree, at each recorded step.

const { LOGARITHMIC } = flow.constants;
const DASHES = ["", "7 4", "2 4", "9 3 2 3", "4 3", "12 4"]; // of the curves, by loss
const ROW = 21; // pixels of a layer's cells
let strip = null; // the drawing, and its places

function buildTraining() {
  const { frames } = flow, panel = byId("training"), box = byId("strip");
  panel.hidden = frames.length < 2;
  if (losses.length > 1) buildLegend();
  document.body.classList.toggle("untrained", panel.hidden);
  if (panel.hidden) return;
  const zoom = enlarged(), width = Math.max(250, box.clientWidth / zoom), shared = sharedCards();
  const below = weightsMove() ? WEIGHTS_HIGH : 0, rows = below + shared.length * ROW + 22;
  const free = isStage() ? box.clientHeight / zoom : 0;
  const high = Math.max(isStage() ? 76 : 96, Math.min(isPresenting() ? 420 : 260, free - rows));
  const key = `${width} ${high} ${state.open} ${state.run}`;
  if (strip?.key === key) return;
  const labels = [...shared.map((card) => card.label), "losses (log)", "0.00000"];
  const letters = Math.max(...labels.map((text) => lengthOf(text, 12, BOLD)));
  const left = Math.min(width * 0.3, letters + 14);
  const texts = below ? [...names, "× 0.0000"] : names;
  const ends = Math.max(...texts.map((text) => lengthOf(text, 12, BOLD)));
  const right = width - Math.min(width * 0.2, ends + 12);
  const [first, last] = [frames[0].step, frames.at(-1).step];
  const x = (step) => left + ((step - first) / (last - first)) * (right - left);
  const height = high + rows;
  const svg = el(null, "svg", {
    viewBox: `0 0 ${width} ${height}`, width: width * zoom, height: height * zoom, tabindex: 0,
    role: "slider", "aria-label": "training step", "aria-valuemin": first, "aria-valuemax": last,
  });
  box.replaceChildren(svg);
  const middles = frames.slice(1).map((frame, n) => (x(frames[n].step) + x(frame.step)) / 2);
  strip = { key, svg, x, left, right, width, high, edges: [left, ...middles, right], height };
  drawCurves();
  if (below) drawWeights(strip, high - 8, DASHES);
  shared.forEach((card, i) => {
    const y = high + below + i * ROW;
    write(svg, left - 10, y + 14, card.label, left - 12, 12, 600, { "text-anchor": "end" });
    drawCells(card, y, ROW - 2);
  });
  drawSteps(height - 6);
  strip.needle = el(svg, "rect", { class: "needle", y: 1, height: height - 19, rx: 3 });
}
// What the cells mean, and where the words for them begin.
function buildLegend() {
  const box = byId("legend"), words = [
    ["conflict", `conflict < ${signed(CONFLICT)}`],
    ["unrelated", "unrelated"],
    ["agree", `agree > ${signed(AGREE)}`],
  ];
  box.replaceChildren();
  for (const [kind, text] of words) {
    const item = el(box, "span"), size = { width: 14, height: 14 };
    const svg = el(item, "svg", { ...size, "aria-hidden": true });
    el(svg, "rect", { class: `cell ${kind}`, ...size });
    if (kind === "agree") el(svg, "rect", { class: "agreeing", y: 5, width: 14, height: 9 });
    if (kind === "conflict") el(svg, "rect", { class: "opposing", width: 14, height: 8 });
    item.append(text);
  }
}
function sharedCards() {
  const isTrained = (p) => flow.frames.some((_, n) => !isFrozen(p, n));
  return view().cards.filter((card) => (card.parameters ?? []).some(isTrained) && isShared(card));
}
function drawSteps(y) {
  const { svg, x } = strip, { frames } = flow;
  el(svg, "text", { class: "muted", x: 0, y }, "step");
  let free = 40;
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    const { step } = frames[Math.round(part * (frames.length - 1))];
    const half = lengthOf(String(step), 12) / 2;
    if (x(step) - half < free) continue;
    el(svg, "text", { class: "muted", x: r1(x(step)), y, "text-anchor": "middle" }, step);
    free = x(step) + half + 8;
  }
}
// Logarithmic where one loss is very much larger than another.
function drawCurves() {
  const { svg, x, left, right, width, high } = strip, { frames } = flow;
  const low = high - 12, top = 14;
  const values = frames.flatMap((frame) => frame.values).filter(Number.isFinite);
  if (!values.length) return;
  const most = Math.max(...values), least = Math.min(...values);
  const log = least > 0 && most > LOGARITHMIC * least, height = log ? Math.log : (v) => v;
  const ground = log ? least : least > most / 2 ? least - (most - least) / 4 : Math.min(0, least);
  const full = height(most) - height(ground) || 1;
  const y = (v) => low - ((height(v) - height(ground)) / full) * (low - top);
  const label = { "text-anchor": "end" }, title = log ? "losses (log)" : "losses";
  write(svg, left - 10, (low + top) / 2 + 4, title, left - 12, 12, 600, label);
  for (const tick of [ground, most]) {
    el(svg, "line", { class: "grid", x1: left, x2: right, y1: y(tick), y2: y(tick) });
    const place = { x: left - 10, y: y(tick) + 4, ...label };
    el(svg, "text", { class: "muted", ...place }, number(tick));
  }
  for (const k of losses) {
    const known = frames.filter((f) => Number.isFinite(f.values[k]));
    const points = known.map((f) => `${r1(x(f.step))} ${r1(y(f.values[k]))}`).join(" ");
    const dashes = { "stroke-dasharray": DASHES[flow.losses[k].place % DASHES.length] };
    el(svg, "polyline", { class: `q${k} curve`, points, ...dashes });
  }
  let free = 12;
  const lastOf = (k) => frames.at(-1).values[k];
  const ends = losses.map((k) => [y(Number.isFinite(lastOf(k)) ? lastOf(k) : most), k]);
  for (const [at, k] of ends.sort((a, b) => a[0] - b[0])) {
    const place = Math.max(at + 4, free);
    if (place > high + 8) break;
    write(svg, right + 8, r1(place), names[k], width - right - 8, 12, BOLD, { class: `t${k}` });
    free = place + 14;
  }
}
// One cell per recorded step: how the losses agree about the weights of a card. A solid bar from
// below for agreement, a hatched one from above in a framed cell for conflict; the longer the more.
function drawCells(card, y, height) {
  const { svg, edges } = strip, { frames } = flow, even = losses.map(() => 1);
  frames.forEach((frame, n) => {
    const worst = pick(measuresOfCard(card, n), n).worstPair(even), cosine = worst?.[0];
    const x = r1(edges[n]), width = r1(Math.max(0.5, edges[n + 1] - edges[n] - 0.8));
    const cell = el(svg, "g"), put = (look, more) =>
      el(cell, "rect", { class: look, x, y, width, height, ...more });
    const kind = worst ? relation(cosine) : "unknown", part = r1(Math.abs(cosine ?? 0) * height);
    put(`cell ${kind}`);
    if (kind === "agree") put("agreeing", { y: r1(y + height - part), height: part });
    if (kind === "conflict") put("opposing", { height: part });
    const text = worst ? signed(cosine) : "a gradient is 0 or not finite";
    el(cell, "title", {}, `${card.name}, step ${frame.step}: ${text}`);
  });
}

// The recorded step that stands nearest to a place on the screen.
function frameAt(clientX) {
  const { svg, x, width } = strip, box = svg.getBoundingClientRect();
  const far = ({ step }) => Math.abs(x(step) - ((clientX - box.left) * width) / box.width);
  const { frames } = flow;
  return frames.reduce((best, frame, n) => (far(frame) < far(frames[best]) ? n : best), 0);
}

function drawNeedle() {
  if (!strip) return;
  const { step } = frameNow(), n = state.frame, { edges } = strip;
  const [from, to] = [edges[n] - 1.5, edges[n + 1] + 0.8], width = Math.max(9, to - from);
  set(strip.needle, { x: r1((from + to - width) / 2), width: r1(width) });
  set(strip.svg, { "aria-valuenow": step, "aria-valuetext": `step ${step}` });
  const total = weightsNow().map((w, k) => phrase(SENTENCES.term, w, names[k])).join(" + ");
  const seed = runs.length ? `, seed ${flow.seeds[0]}` : "";
  say(byId("training-what"), `step ${step}${seed} (its weights in this run: ${total})`);
}
