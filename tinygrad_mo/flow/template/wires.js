// Wires of the picture: how long the gradient on each is, who sent it, and what adding took away.

const { BARBS, THINNEST, THINNEST_RIM } = flow.constants;
const r3 = (x) => Math.round(x * 1000) / 1000;

function makeWire(parent, [a, b, parts], points, cards, lane, room) {
  const called = [cards[a].name, cards[b].name], key = keyOf("wire", ...called);
  const body = behindHead(points), across = normals(body), [x, y] = points[points.length >> 1];
  const wire = { key, names: called, ends: [a, b], parts, tip: points[0], body, across, x, y };
  wire.room = room;
  wire.reach = pick(parts).reach;
  wire.pickAt = (n) => pick(parts, n);
  const group = (wire.group = el(parent, "g", { class: "wire", tabindex: -1, role: "button" }));
  wire.title = el(group, "title");
  const whole = beside(points, normals(points), 0), short = beside(body, across, 0);
  el(group, "path", { class: "hit", d: whole });
  wire.halo = el(group, "path", { class: "halo", d: whole });
  wire.none = el(group, "path", { class: "none", d: whole });
  wire.data = makeData(group, points, whole);
  wire.back = el(group, "g", { class: "back" }); // all that comes back
  wire.differ = el(wire.back, "path", { class: "differ", d: short });
  wire.oppose = el(wire.back, "path", { class: "oppose", d: short });
  wire.stripes = wire.reach.map((k) => el(wire.back, "path", { class: `s${k}` }));
  wire.heads = wire.reach.map((k) => el(wire.back, "polygon", { class: `p${k}` }));
  wire.hollow = el(wire.back, "path", { class: "hollow", d: short });
  wire.dots = el(wire.back, "path", { class: "dots", d: short });
  wire.cut = makeCut(wire.back, points, NEXT * lane);
  return wire;
}
// The same wire while only data has run along it: a thin line with its tip at the other end.
function makeData(parent, points, d) {
  const group = el(parent, "g", { class: "data" });
  const [x, y] = points.at(-1), [bx, by] = points.at(-2);
  const length = Math.hypot(x - bx, y - by) || 1, [ux, uy] = [(x - bx) / length, (y - by) / length];
  el(group, "path", { d });
  const wing = (side) => [x - 8 * ux - side * 4 * uy, y - 8 * uy + side * 4 * ux];
  el(group, "polygon", { points: [[x, y], wing(1), wing(-1)].flat().map(r1).join(" ") });
  return group;
}

function drawWire(wire, weights, full, widest) {
  const { measure, reach } = wire, added = measure.added(weights), { parts, sum, whole } = added;
  const { total, oppose, differ } = fills(added, full);
  const isCut = (wire.isCut = (total + oppose + differ) * widest > 1.001 * wire.widest);
  const unit = isCut ? wire.widest / (total + oppose + differ) : widest;
  wire.width = whole > 0 ? Math.max(total * unit, THINNEST) : 0;
  wire.isHollow = whole > 0 && total * unit < THINNEST;
  const inner = wire.width + oppose * unit, outer = inner + differ * unit;
  drawRim(wire.oppose, inner, wire.width);
  drawRim(wire.differ, outer, inner);
  show(wire.none, !(whole > 0));
  // Dashed, in colour where there is a path.
  const tone = isFinite(whole) ? reach.length && `var(--loss${reach[0]})` : "var(--conflict)";
  set(wire.none, { style: !(whole > 0) && tone ? `stroke:${tone}` : null });
  set(wire.halo, { "stroke-width": r1(Math.max(outer, 2) + 6) });
  drawStripes(wire, losses.map((k) => (wire.width ? (wire.width * parts[k]) / sum : 0)));
  show(wire.hollow, wire.isHollow);
  show(wire.dots, wire.width > 6 && !isCut);
  drawCut(wire.cut, isCut, outer, whole);
  const several = wire.parts.length > 1 ? ` (${wire.parts.length} tensors)` : "";
  const size = whole > 0 ? `weighted gradient ${number(whole)}, ` : "";
  const text = `${wireText(wire.names)}${several}: ${size}${verdict(measure, weights).text}`;
  say(wire.title, text);
  set(wire.group, { "aria-label": text });
}

// Two strokes across the middle of a wire that is cut, and beside it the length of its gradient;
// those of wires that run beside each other stand apart.
const NEXT = 7;
function makeCut(parent, points, shift) {
  const lengths = [0];
  points.slice(1).forEach(([x, y], i) => {
    lengths.push(lengths[i] + Math.hypot(x - points[i][0], y - points[i][1]));
  });
  const half = (lengths.at(-1) + HEAD) / 2 + shift;
  const i = Math.max(1, lengths.findIndex((length) => length >= half));
  const [a, b] = [points[i - 1], points[i]];
  const t = (half - lengths[i - 1]) / (lengths[i] - lengths[i - 1]);
  const middle = [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
  const far = Math.hypot(b[0] - a[0], b[1] - a[1]) || 1;
  const normal = [(b[1] - a[1]) / far, (a[0] - b[0]) / far];
  const group = el(parent, "g", { class: "cut" });
  const gap = el(group, "path", { class: "gap" });
  const strokes = el(group, "path", { class: "strokes" });
  return { group, gap, strokes, size: el(group, "text"), middle, normal };
}
function drawCut(cut, isCut, width, whole) {
  const { group, gap, strokes, size, middle, normal: [nx, ny] } = cut;
  show(group, isCut);
  if (!isCut) return;
  const [x, y] = middle, far = width / 2 + 3, [tx, ty] = [-ny, nx]; // along the wire
  const stroke = (shift) => {
    const at = (side) => [0, 1].map((k) =>
      r1([x, y][k] + side * far * [nx, ny][k] + (shift - side * 2.5) * [tx, ty][k])).join(" ");
    return `M${at(-1)}L${at(1)}`;
  };
  set(gap, { d: stroke(0) });
  set(strokes, { d: stroke(-3) + stroke(3) });
  say(size, number(whole));
  const up = ny > 0 || (!ny && nx < 0) ? -1 : 1; // above it, or at its right
  cut.half = lengthOf(size.textContent, 12, BOLD) / 2;
  const aside = (side) => {
    const away = side * (far + 8), more = Math.abs(ny) > 0.5 ? 0 : Math.sign(away * nx) * cut.half;
    return [x + away * nx + more, y + away * ny];
  };
  cut.places = [aside(up), aside(-up), [x, y - far - 12], [x, y + far + 12]];
}
// The numbers of the wires that are cut: where they hide no card, if there is such a place.
function placeNumbers(wires, cards) {
  const taken = cards.map((card) => [card.x, card.y, card.width / 2, card.height / 2]);
  for (const { isCut, cut: { size, half, places } } of wires) {
    if (!isCut) continue;
    const hidden = ([x, y]) => sumOf(taken.map(([cx, cy, wide, high]) =>
      Math.max(0, half + wide - Math.abs(x - cx)) * Math.max(0, 7 + high - Math.abs(y - cy))));
    const [x, y] = places.reduce((best, one) => (hidden(one) < hidden(best) - 12 ? one : best));
    set(size, { x: r1(x), y: r1(y + 4), "text-anchor": "middle" });
    taken.push([x, y, half, 7]);
  }
}
// What was lost, from the width `before` on, half at each side; under all that is narrower.
function drawRim(rim, width, before) {
  show(rim, width - before > 2 * THINNEST_RIM);
  set(rim, { "stroke-width": r3(width) });
}

// Beside each other, a stripe and its part of the arrow head for each loss.
function drawStripes({ reach, stripes, heads, width, tip, body, across }, widths) {
  const base = body[0], spread = (width / 2 + 5) / (width / 2);
  const back = [0, 1].map((i) => base[i] + (base[i] - tip[i]) * BARBS);
  const corner = (offset) => back.map((x, i) => r1(x + across[0][i] * offset * spread)).join(" ");
  let low = -width / 2;
  reach.forEach((k, i) => {
    const stripe = widths[k];
    show(stripes[i], stripe > 0);
    show(heads[i], stripe > 0);
    if (!(stripe > 0)) return;
    const d = beside(body, across, low + stripe / 2);
    set(stripes[i], { d, "stroke-width": r3(stripe) });
    set(heads[i], { points: `${r1(tip[0])} ${r1(tip[1])} ${corner(low)} ${corner(low + stripe)}` });
    low += stripe;
  });
}
