// The panel "Through training": the losses, and how they agree, at each recorded step.

const { LOGARITHMIC } = flow.constants;
let strip = null; // the drawing, and its places

function buildTraining() {
  const { frames } = flow, panel = byId("training");
  panel.hidden = frames.length < 2;
  if (panel.hidden) return;
  const width = Math.max(280, panel.clientWidth - 38), key = `${width} ${state.view}`;
  if (strip?.key === key) return;
  const left = Math.min(130, width * 0.26), right = width - Math.min(80, width * 0.18);
  const [first, last] = [frames[0].step, frames.at(-1).step];
  const x = (step) => left + ((step - first) / (last - first)) * (right - left);
  const isTrained = (p) => frames.some((_, n) => !isFrozen(p, n));
  const isShared = ({ parameters = [] }) =>
    parameters.some(isTrained) && pick(measuresOf(parameters)).reach.length > 1;
  const shared = view().cards.filter(isShared);
  const dense = shared.length > 12, cell = dense ? 11 : 19;
  const top = 108, height = top + shared.length * cell + 22;
  const svg = el(null, "svg", {
    viewBox: `0 0 ${width} ${height}`, width, height, tabindex: 0,
    role: "slider", "aria-label": "training step", "aria-valuemin": first, "aria-valuemax": last,
  });
  byId("strip").replaceChildren(svg);
  strip = { key, svg, x, left, right, width };
  drawCurves();
  shared.forEach((card, i) => {
    const y = top + i * cell;
    if (!dense) write(svg, 0, y + 14, card.name, left - 12, 12, 600);
    drawCells(card, y, cell - 1);
  });
  if (dense) write(svg, 0, (top + height) / 2, `${shared.length} shared cards`, left - 12, 12, 600);
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    const { step } = frames[Math.round(part * (frames.length - 1))];
    el(svg, "text", { class: "muted", x: x(step), y: height - 5, "text-anchor": "middle" }, step);
  }
  el(svg, "text", { class: "muted", x: 0, y: height - 5 }, "step");
  strip.needle = el(svg, "g");
  el(strip.needle, "line", { class: "total", y1: 6, y2: height - 20, "stroke-width": 2 });
  el(strip.needle, "polygon", { class: "total", points: "-7 0 7 0 0 10" });
}
// Logarithmic where one loss is very much larger than another.
function drawCurves() {
  const { svg, x, left, right, width } = strip, { frames } = flow, low = 96, high = 10;
  const values = frames.flatMap((frame) => frame.values).filter(Number.isFinite);
  if (!values.length) return;
  const most = Math.max(...values), least = Math.min(...values);
  const log = least > 0 && most > LOGARITHMIC * least, height = log ? Math.log : (v) => v;
  const ground = log ? least : least > most / 2 ? least - (most - least) / 4 : Math.min(0, least);
  const full = height(most) - height(ground) || 1;
  const y = (v) => low - ((height(v) - height(ground)) / full) * (low - high);
  write(svg, 0, 52, log ? "losses (log)" : "losses", left - 50, 12, 600);
  for (const tick of [ground, most]) {
    el(svg, "line", { class: "grid", x1: left, x2: right, y1: y(tick), y2: y(tick) });
    const place = { x: left - 8, y: y(tick) + 4, "text-anchor": "end" };
    el(svg, "text", { class: "muted", ...place }, number(tick));
  }
  for (const k of losses) {
    const known = frames.filter((f) => Number.isFinite(f.values[k]));
    const points = known.map((f) => `${r1(x(f.step))} ${r1(y(f.values[k]))}`).join(" ");
    const round = { "stroke-width": 2.4, "stroke-linejoin": "round" };
    el(svg, "polyline", { class: `s${k}`, points, ...round });
  }
  let free = 0;
  const lastOf = (k) => frames.at(-1).values[k];
  const ends = losses.map((k) => [y(Number.isFinite(lastOf(k)) ? lastOf(k) : most), k]);
  for (const [at, k] of ends.sort((a, b) => a[0] - b[0])) {
    const place = Math.max(at + 4, free);
    write(svg, right + 8, place, names[k], width - right - 8, 13, 700, { class: `t${k}` });
    free = place + 14;
  }
}
// One cell per recorded step: how the losses agree about the weights of a card.
function drawCells(card, y, height) {
  const { svg, x, left, right } = strip, { frames } = flow, even = losses.map(() => 1);
  const middles = frames.slice(1).map((frame, n) => (x(frames[n].step) + x(frame.step)) / 2);
  const edges = [left, ...middles, right];
  frames.forEach((frame, n) => {
    const worst = pick(measuresOfCard(card, n), n).worstPair(even);
    const width = Math.max(0.5, r1(edges[n + 1] - edges[n]) - 0.4);
    const look = worst ? { style: `fill:${heatOf(worst[0]).paint}` } : { class: "empty" };
    const rect = el(svg, "rect", { x: r1(edges[n]), y, width, height, ...look });
    const text = worst ? signed(worst[0]) : "a gradient is 0 or not finite";
    el(rect, "title", {}, `${card.name}, step ${frame.step}: ${text}`);
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
  const { step } = frameNow();
  set(strip.needle, { transform: `translate(${r1(strip.x(step))} 0)` });
  set(strip.svg, { "aria-valuenow": step, "aria-valuetext": `step ${step}` });
  const total = weightsNow().map((w, k) => phrase(SENTENCES.term, w, names[k])).join(" + ");
  say(byId("training-what"), `step ${step} (its weights in this run: ${total})`);
}
