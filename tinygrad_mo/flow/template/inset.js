// The panel "How do the pulls add up?": of what is selected, the arrows, the numbers, the sequence.

const PLANE = [96, 130]; // the least width and height for the arrows
const { WORTH } = flow.constants;
const LABELLED = 3; // more arrows have no names beside them: the numbers say who is who
let inset = null; // what is drawn, and its scale and place, which stay while a slider is dragged

// Whether an SGD step changes them, and words that say so.
function ofWeights(parameters, chosen) {
  const frozen = frozenWord(parameters), what = chosen.what + (frozen && ` (${frozen})`);
  return { ...chosen, what, trained: frozen !== FROZEN_WORDS[0] };
}
// What is selected, or where the sweep is: its measure, words for it, and the wire or the card.
function selected() {
  const step = isSweeping() && sweep.steps[state.sweep];
  if (step && step.kind === "fork") return ofFork(step.fork);
  if (step && step.kind === "wave") {
    const own = step.cards.map((i) => picture.cards[i]).find((card) => card.parameters.length);
    if (own) return { measure: own.measure, what: WEIGHTS + own.data.name, card: own };
    const wire = picture.wires.find(({ ends: [from] }) => step.cards.includes(from));
    if (wire) return ofWire(wire);
  }
  const isEarly = step && ["forward", "start"].includes(step.kind);
  return isEarly ? { measure: new Measure([], []), what: "nothing has come back yet" } : chosen();
}
const ofWire = (wire) => ({ measure: wire.measure, what: `wire ${wireText(wire.names)}`, wire });
// What comes back to a tensor that several cards use: from each, and all together.
function ofFork(i) {
  const { measure, ends } = largestFork(i), { label } = view().cards[i];
  const from = [...ends].map(([card, part]) => [view().cards[card].label, pick([part])]);
  const what = `output of ${label}: ${ends.size} gradients come back`;
  return { measure: pick([measure]), what, from };
}
function chosen() {
  const key = state.select, { cards, wires, whole } = picture;
  const everything = { measure: whole, what: "all weights that are trained", trained: true };
  const card = cards.find((c) => c.key === key);
  if (card?.data.kind === "loss") return everything;
  if (card?.parameters.length) {
    const { name, kind, parameters } = card.data, what = kind === "weights" ? name : WEIGHTS + name;
    return ofWeights(parameters, { measure: card.measure, what, card });
  }
  const wire = wires.find((w) => w.key === key);
  if (wire) return ofWire(wire);
  const row = trained.rows.find((r) => r.key === key);
  if (row?.parts) return { measure: row.measure, what: row.name };
  if (row) return ofWeights(row.parameters, { measure: row.measure, what: row.name, row });
  const p = keysOfArrays.indexOf(key);
  if (p >= 0) {
    return ofWeights([p], { measure: pick(measuresOf([p])), what: flow.parameters[p].name });
  }
  const leaving = wires.find((w) => cards[w.ends[0]] === card);
  return leaving ? ofWire(leaving) : everything;
}

function drawInset() {
  const now = selected(), { what, measure } = now;
  drawFormulaOf(now); // which may take room from the arrows
  const { arrows, length } = pulls(measure, state.weights);
  say(byId("inset-what"), what);
  say(byId("inset-hint"), hintFor(arrows.length));
  drawPulls(what, arrows, arrows.length ? length : 0, verdict(measure, state.weights).text);
  drawNumbers(measure, arrows, length, now.trained);
  for (const [label, part] of now.from ?? []) {
    const row = el(byId("numbers"), "div", { class: "head" });
    el(row, "span", {}, `came back from ${label}`);
    el(row, "span", {}, number(part.total(state.weights)));
  }
  drawSequence(now);
}

// ---------------------------------------------------------------- arrows

function hintFor(count) {
  if (losses.length < 2) return "With one loss there is one pull. Click a card or a wire.";
  return count > 2
    ? "Along the total: exact. Across it: a shadow, from where most is to be seen."
    : "True lengths and true angle, whatever the number of weights.";
}
function drawPulls(what, arrows, length, otherwise) {
  const box = byId("arrows"), [least, high] = PLANE, more = enlarged();
  const width = Math.max(least, box.clientWidth / more);
  const height = Math.max(high, isStage() ? box.clientHeight / more : 0);
  placePulls(what, arrows, length, width, height);
  const { zoom, origin: [ox, oy] } = inset;
  const alone = arrows.map((a) => `${termOf(a.k)} ${number(a.size)}`);
  const sum = arrows.length ? `${alone.join(", ")}, added together ${number(length)}` : otherwise;
  const size = { viewBox: `0 0 ${width} ${height}`, width: width * more, height: height * more };
  const svg = el(null, "svg", { ...size, role: "img", "aria-label": `${what}: ${sum}` });
  box.replaceChildren(svg);
  const plane = el(svg, "g", { transform: `translate(${r1(ox)} ${r1(oy)})` });
  const middle = { "text-anchor": "middle" };
  if (!arrows.length) {
    el(svg, "text", { x: width / 2, y: height / 2, class: "muted", ...middle }, otherwise);
  }
  const ends = arrows.map(({ k, x, y }) => ({ k, x: x * zoom, y: y * zoom }));
  const total = -length * zoom;
  if (ends.length === 2) for (const { k, x, y } of ends) {
    const dashes = { "stroke-width": 1.6, "stroke-dasharray": "2 4" };
    el(plane, "line", { x1: x, y1: y, x2: total, y2: 0, class: `q${k}`, ...dashes });
  }
  if (ends.length > 1) makeArrow(plane, total, 0, 6, { class: "total" });
  for (const { k, x, y } of ends) makeArrow(plane, x, y, 4.5, { class: `q${k}` });
  if (ends.length) el(plane, "circle", { r: 5, class: "total" });
  const labels = ends.length > LABELLED ? [] : placeLabels(ends, 16 - oy);
  for (const { k, x, y } of labels) {
    const half = Math.min(lengthOf(names[k], 13, BOLD), width - 8) / 2 + 3;
    const at = Math.min(width - half, Math.max(half, x + ox)) - ox;
    const look = { class: `t${k}`, "text-anchor": "middle" };
    write(plane, r1(at), r1(Math.min(height - oy - 6, y)), names[k], 2 * half, 13, BOLD, look);
  }
  if (ends.length > 1 && -total > 50) {
    const between = ends[0].y < -30 && ends[1].y > 30; // above the line is more room than below
    const place = { x: total / 2, y: between ? -10 : 22, ...middle };
    el(plane, "text", { "font-size": 13, "font-weight": 700, ...place }, "total");
  }
}
// As large as it fits; the scale stays while a slider is dragged, unless it would not fit.
function placePulls(what, arrows, length, width, height) {
  const xs = [0, -length, ...arrows.map((a) => a.x)], ys = [0, ...arrows.map((a) => a.y)];
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  const roomDown = height - (arrows.length > LABELLED ? 26 : 54);
  const across = (width - 70) / Math.max(right - left, 1e-300);
  const zoom = Math.min(across, roomDown / Math.max(bottom - top, 1e-300));
  if (state.dragging && inset?.what === what && inset.zoom <= zoom * 1.02) return;
  const ox = width / 2 - ((left + right) / 2) * zoom, oy = height / 2 - ((top + bottom) / 2) * zoom;
  inset = { what, zoom, origin: [ox, oy] };
}
// Above or below the tips, and below each other where they would overlap.
function placeLabels(ends, highest) {
  const isBelow = (y, i) => y > 0 || (y === 0 && i > 0);
  const labels = ends.map(({ k, x, y }, i) => ({ k, x, y: y + (isBelow(y, i) ? 18 : -8) }));
  labels.sort((a, b) => a.y - b.y).forEach((label, i) => {
    const near = labels.slice(0, i).filter((other) => Math.abs(other.x - label.x) < 90);
    label.y = Math.max(highest, label.y, ...near.map((other) => other.y + 16));
  });
  return labels;
}

// ---------------------------------------------------------------- numbers

// A loss times its weight.
const termOf = (k) => `${weightText(state.weights[k])} × ${names[k]}`;

function drawNumbers(measure, arrows, length, areTrained) {
  const box = byId("numbers"), { weights } = state, many = arrows.length > 2;
  box.replaceChildren();
  const line = (label, value, { mark = null, style = "", tone = "", angle = null } = {}) => {
    const row = el(box, "div", { class: style }), left = el(row, "span");
    if (mark !== null) swatch(left, mark);
    left.append(label);
    set(left, { title: label });
    if (value !== null) el(row, "span", { class: tone }, value);
    if (angle !== null) el(row, "span", { class: "angle" }, angle);
  };
  const { parts, sum, oppose, differ } = measure.added(weights);
  const degrees = (cosine) => `${Math.round((Math.acos(cosine) * 180) / Math.PI)}°`;
  if (many) line("pull", "length", { style: "head", angle: "to total" });
  for (const k of measure.reach) {
    const arrow = arrows.find((one) => one.k === k);
    const cosine = arrow && length ? Math.max(-1, Math.min(1, -arrow.x / arrow.size)) : null;
    const angle = cosine === null ? "–" : degrees(cosine);
    line(termOf(k), number(parts[k]), { mark: k, angle: many ? angle : null });
  }
  if (arrows.length === 2) line("lengths added", number(sum));
  const added = arrows.length > 1 ? "arrows added" : "total", outOf = many && `of ${number(sum)}`;
  line(added, number(length), many ? { style: "sum", angle: outOf } : { style: "sum" });
  if (arrows.length > 1) {
    const [cosine, k, j] = measure.worstPair(weights), percent = (x) => Math.round((100 * x) / sum);
    const lost = percent(differ + oppose), opposed = oppose > WORTH * sum ? percent(oppose) : 0;
    line(`lost ${lost} %: ${lost - opposed} to 90°, ${opposed} past`, null);
    const tone = relation(cosine);
    if (many) line(`least: ${names[k]}, ${names[j]}`, signed(cosine), { tone });
    else line(`angle ${degrees(cosine)}, cosine`, signed(cosine), { tone });
  }
  if (areTrained && measure.reach.length && !many) {
    line("plain SGD step, these alone", "× rate", { style: "head" });
    const change = forecast(measure, weights), cases = outlooks(change, measure, frameNow());
    for (const k of measure.reach) {
      const tone = { raise: "conflict", lower: "agree" }[cases[k]] ?? "";
      line(names[k], `${change[k] > 0 ? "+" : ""}${number(change[k])}`, { mark: k, tone });
    }
  }
}

// ---------------------------------------------------------------- sequence

// The gradient that arrives at each step of a sequence, one row of cells per loss.
function drawSequence({ wire, card }) {
  const box = byId("sequence"), panel = byId("time");
  const found = flow.sequences.findIndex((ends) =>
    keyOf("wire", ...ends) === wire?.key || (card && ends[1] === card.data.name));
  const [steps, packed] = frameNow().time[found] ?? [];
  panel.hidden = !packed;
  box.replaceChildren();
  if (!packed) return;
  say(byId("time-what"), wireText(flow.sequences[found]));
  const norms = packed.map((row) => row.map(unpack));
  const cells = norms[0].length, width = Math.max(240, box.clientWidth), left = 70, row = 20;
  const cell = (width - left) / cells, bottom = norms.length * row + 14;
  const decades = 4, palest = (10 ** decades).toLocaleString("en");
  const top = Math.max(...norms.flat().filter(isFinite), 1e-300);
  const strength = (x) => (x > 0 ? Math.max(0.05, 1 + Math.log10(x / top) / decades) : 0);
  const ends = (at) => norms.map((sizes, k) => `${names[k]} ${number(sizes.at(at))}`).join(", ");
  const svg = el(box, "svg", {
    viewBox: `0 0 ${width} ${bottom + 4}`, width, role: "img",
    "aria-label": `first: ${ends(0)}; last: ${ends(-1)}`,
  });
  norms.forEach((sizes, k) => {
    write(svg, 0, k * row + 14, names[k], left - 8, 13, 700, { class: `t${k}` });
    sizes.forEach((x, t) => {
      const strong = strength(x), room = r1(Math.max(1, cell - (cell > 4 ? 1 : 0)));
      const paint = { class: `p${k}`, "fill-opacity": strong.toFixed(2) };
      const look = strong ? paint : { class: "empty" };
      const place = { x: r1(left + t * cell), y: k * row + 2, width: room, height: 15 };
      const rect = el(svg, "rect", { ...place, ...look }), way = Math.round((100 * t) / cells);
      el(rect, "title", {}, `${names[k]}, ${way} % of the way: ${number(x)}`);
    });
  });
  const small = { y: bottom, class: "muted", "font-size": 12 };
  el(svg, "text", { x: left, ...small }, "first");
  const last = `step ${steps}; pale: up to ${palest} times smaller`;
  el(svg, "text", { x: width, "text-anchor": "end", ...small }, last);
}
