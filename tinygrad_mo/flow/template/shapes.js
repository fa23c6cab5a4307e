// Lines, arrows and bars: the shapes of which the picture and the panels are made.

const { FROZEN, HEAD } = flow.constants;
const POWERS = 60; // steps of the power method
const RIM_KINDS = ["oppose", "differ"]; // from the inside to the outside

// ---------------------------------------------------------------- sizes

// How much of a bar, or of the width of a wire, a gradient fills. Logarithmic: powers of ten.
const DECADES = 6;
const isLog = () => state.scale === "log";
function share(x, full) {
  if (!(x > 0)) return 0;
  if (!(full > 0)) return 1; // there is nothing to compare it with
  return isLog() ? Math.max(0.02, 1 + Math.log10(x / full) / DECADES) : x / full;
}
const ofShare = (part, full) => (isLog() ? 10 ** (DECADES * (part - 1)) : part) * full;

// What the total fills, and beside it what was lost: as pulls oppose each other, as they differ.
function fills({ whole, oppose, differ }, full) {
  const [a, b, c] = [whole, whole + oppose, whole + oppose + differ].map((x) => share(x, full));
  return { total: a, oppose: b - a, differ: c - b };
}

// The scale of all that is drawn, for all steps of training: by the step at which the page opens,
// or by all of them. The widest is four times the median, so that one wire does not make all others
// thin; what is larger is cut. `sizeAt` is the size of a thing at a
// step, with the weights that the losses had there.
const WIDER = 4;
const lengthsAdded = (measure, weights) => sumOf(measure.parts(weights));
function scaleOf(drawn, sizeAt) {
  const frames = state.scale === "all" ? flow.frames.map((_, n) => n) : [state.opening];
  const found = inBase(() =>
    frames.flatMap((n) => drawn.map((one) => sizeAt(one.pickAt(n), weightsAt(n)))));
  const sizes = found.filter((x) => x > 0 && isFinite(x)).sort((a, b) => a - b);
  return { middle: sizes[sizes.length >> 1] ?? 0, most: sizes.at(-1) ?? 0 };
}

// ---------------------------------------------------------------- lines

function normals(points) {
  return points.map((_, i) => {
    const [ax, ay] = points[Math.max(0, i - 1)];
    const [bx, by] = points[Math.min(points.length - 1, i + 1)];
    const length = Math.hypot(bx - ax, by - ay) || 1;
    return [(by - ay) / length, (ax - bx) / length];
  });
}
// The line without its first pixels, which the arrow head covers.
function behindHead(points) {
  const cut = HEAD * 0.85, [x, y] = points[0];
  const far = (point) => Math.hypot(point[0] - x, point[1] - y);
  let i = 1;
  while (i < points.length - 1 && far(points[i]) <= cut) i++;
  const [a, b] = [points[i - 1], points[i]], whole = Math.hypot(b[0] - a[0], b[1] - a[1]);
  const t = Math.min(1, Math.max(0, (cut - far(a)) / whole));
  return [[a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])], ...points.slice(i)];
}
// As the data of a path: the line moved to its side.
function beside(points, across, offset) {
  const moved = points.map(([x, y], i) => [x + across[i][0] * offset, y + across[i][1] * offset]);
  return moved.map(([x, y], i) => `${i ? "L" : "M"}${r1(x)} ${r1(y)}`).join("");
}

// ---------------------------------------------------------------- arrows

// The pulls of the losses in the plane, the total pointing left: as they are along it, and across
// it their shadow in the direction in which most of the rest lies. So they add up to the total, and
// two of them are shown as they are.
function pulls(measure, weights) {
  const length = measure.total(weights), isKnown = isFinite(length);
  const active = measure.reach.filter((k) => isKnown && weights[k] && measure.norms[k]);
  const vectors = active.map((k) => measure.rows.map((row) => weights[k] * row[k]));
  const ahead = unit(length ? measure.mixed(weights) : vectors[0] ?? []);
  const rests = vectors.map((v) => plus(v, ahead, -dot(v, ahead))), side = mainDirection(rests);
  const up = rests.length && dot(rests[0], side) > 0 ? -1 : 1; // the first goes up
  const arrows = active.map((k, i) => ({
    k, size: Math.hypot(...vectors[i]), x: -dot(vectors[i], ahead), y: up * dot(rests[i], side),
  }));
  return { arrows, length };
}
const dot = (a, b) => sumOf(a.map((x, n) => x * b[n]));
const plus = (a, b, times) => a.map((x, n) => x + times * b[n]);
const unit = (a) => a.map((x) => x / Math.hypot(...a));
// The direction in which vectors are longest all in all, by the power method.
function mainDirection(vectors) {
  const sizes = vectors.map((v) => Math.hypot(...v)), most = Math.max(0, ...sizes);
  if (!most) return (vectors[0] ?? []).map(() => 0);
  const scaled = vectors.map((v) => v.map((x) => x / most));
  let found = unit(scaled[sizes.indexOf(most)]);
  for (let n = 0; n < POWERS && vectors.length > 2; n++) {
    found = unit(scaled.reduce((sum, v) => plus(sum, v, dot(v, found)), found.map(() => 0)));
  }
  return found;
}
function makeArrow(parent, x, y, width, attributes) {
  const group = el(parent, "g", attributes);
  const made = { group, line: el(group, "line"), tip: el(group, "polygon"), width };
  drawArrow(made, x, y);
  return made;
}
function drawArrow({ group, line, tip, width }, x, y) {
  const length = Math.hypot(x, y), head = Math.min(width * 3.4, length), side = head * 0.42;
  const t = length ? (length - head * 0.8) / length : 0;
  const [ux, uy] = length ? [x / length, y / length] : [0, 0];
  const [bx, by] = [ux * (length - head), uy * (length - head)];
  const round = { "stroke-width": width, "stroke-linecap": "round" };
  set(line, { x1: 0, y1: 0, x2: r1(x * t), y2: r1(y * t), ...round });
  const corners = [[x, y], [bx - uy * side, by + ux * side], [bx + uy * side, by - ux * side]];
  set(tip, { points: corners.flat().map(r1).join(" ") });
  show(group, length > 0.5);
}

// ---------------------------------------------------------------- bars: stripes and rims

// In pixels, or where `width` is a text such as "100%" in percent.
function makeBar(parent, x, y, width, height, reach) {
  const place = { y, height };
  el(parent, "rect", { class: "empty", x, width, rx: 2, ...place });
  const found = el(parent, "g", { class: "found" });
  const [oppose, differ] = RIM_KINDS.map((kind) => el(found, "rect", { class: kind, ...place }));
  const stripes = reach.map((k) => [k, el(found, "rect", { class: `p${k}`, ...place })]);
  const start = x, room = parseFloat(width), unit = typeof width === "string" ? "%" : "";
  const gap = el(found, "line", { class: "gap", y1: y - 1, y2: y + parseFloat(height) + 1 });
  set(gap, { x1: `${start + 0.93 * room}${unit}`, x2: `${start + 0.95 * room}${unit}` });
  return { start, room, unit, oppose, differ, stripes, gap };
}
function drawBar({ start, room, unit, oppose, differ, stripes, gap }, measure, weights, full) {
  const added = measure.added(weights), { parts, sum } = added, filled = fills(added, full);
  const text = (x) => x.toFixed(3) + unit, most = sumOf(Object.values(filled));
  const isCut = most > 1.001, one = isCut ? room / most : room;
  let x = start;
  const put = (rect, width) => {
    set(rect, { x: text(x), width: text(width) });
    x += width;
  };
  for (const [k, rect] of stripes) put(rect, sum > 0 ? (one * filled.total * parts[k]) / sum : 0);
  put(oppose, one * filled.oppose);
  put(differ, one * filled.differ);
  show(gap, isCut);
}
// Of weights that training leaves as they are.
function fade({ stripes, oppose, differ }) {
  const pieces = [...stripes.map(([, rect]) => rect), oppose, differ];
  for (const rect of pieces) set(rect, { opacity: FROZEN });
}
