// Wires of the picture: how long the gradient on each is, who sent it, and what adding took away.

const { BARBS, THINNEST, THINNEST_RIM } = flow.constants;

function makeWire(parent, [a, b, parts], path, cards, tall) {
  const called = [cards[a].name, cards[b].name], key = keyOf("wire", ...called);
  const points = curve(path, tall);
  const body = behindHead(points), across = normals(body), [x, y] = points[points.length >> 1];
  const wire = { key, names: called, ends: [a, b], parts, tip: points[0], body, across, x, y };
  wire.reach = pick(parts).reach;
  wire.history = historyOf((n) => pick(parts, n));
  const group = (wire.group = el(parent, "g", { class: "wire", tabindex: -1, role: "button" }));
  wire.title = el(group, "title");
  const whole = beside(points, normals(points), 0), short = beside(body, across, 0);
  el(group, "path", { class: "hit", d: whole });
  wire.halo = el(group, "path", { class: "halo", d: whole });
  wire.none = el(group, "path", { class: "none", d: whole });
  wire.differ = el(group, "path", { class: "differ", d: short });
  wire.oppose = el(group, "path", { class: "oppose", d: short });
  wire.stripes = wire.reach.map((k) => el(group, "path", { class: `s${k}` }));
  wire.heads = wire.reach.map((k) => el(group, "polygon", { class: `p${k}` }));
  wire.dots = el(group, "path", { class: "dots", d: short });
  wire.cut = makeCut(group, wire, tall);
  return wire;
}

function drawWire(wire, weights, full) {
  const { measure, reach } = wire, added = measure.added(weights), { parts, sum, whole } = added;
  const { total, oppose, differ } = fills(added, full);
  const isCut = (total + oppose + differ) * WIDEST > 1.001 * wire.widest;
  const unit = isCut ? wire.widest / (total + oppose + differ) : WIDEST;
  wire.width = whole > 0 ? Math.max(total * unit, THINNEST) : 0;
  const inner = wire.width + oppose * unit, outer = inner + differ * unit;
  drawRim(wire.oppose, inner, wire.width);
  drawRim(wire.differ, outer, inner);
  show(wire.none, !(whole > 0));
  // Dashed, in colour where there is a path.
  const tone = isFinite(whole) ? reach.length && `var(--loss${reach[0]})` : "var(--conflict)";
  set(wire.none, { style: !(whole > 0) && tone ? `stroke:${tone};opacity:.55` : null });
  set(wire.halo, { "stroke-width": r1(Math.max(outer, 2) + 6) });
  drawStripes(wire, losses.map((k) => (wire.width ? (wire.width * parts[k]) / sum : 0)));
  show(wire.dots, wire.width > 5);
  drawCut(wire.cut, isCut, outer, whole);
  const several = wire.parts.length > 1 ? ` (${wire.parts.length} tensors)` : "";
  const size = whole > 0 ? `weighted gradient ${number(whole)}, ` : "";
  const text = `${wireText(wire.names)}${several}: ${size}${verdict(measure, weights).text}`;
  say(wire.title, text);
  set(wire.group, { "aria-label": text });
}

// A gap across the middle of a wire that is cut, and beside it the length of its gradient.
function makeCut(parent, { body, across }, tall) {
  const [a, b] = [body[(body.length - 1) >> 1], body[body.length >> 1]];
  const middle = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], normal = across[body.length >> 1];
  const group = el(parent, "g", { class: "cut" });
  const size = el(group, "text", { "text-anchor": tall ? "start" : "middle" });
  return { group, gap: el(group, "path", { class: "gap" }), size, middle, normal, tall };
}
function drawCut({ group, gap, size, middle, normal: [nx, ny], tall }, isCut, width, whole) {
  show(group, isCut);
  if (!isCut) return;
  const [x, y] = middle;
  const far = width / 2 + 4, [dx, dy] = [nx * far + 3 * ny, ny * far - 3 * nx]; // a little aslant
  set(gap, { d: `M${r1(x - dx)} ${r1(y - dy)}L${r1(x + dx)} ${r1(y + dy)}` });
  set(size, tall ? { x: r1(x + far + 4), y: r1(y + 4) } : { x: r1(x), y: r1(y - far - 4) });
  say(size, number(whole));
}
// What was lost, from the width `before` on, half at each side; under all that is narrower.
function drawRim(rim, width, before) {
  show(rim, width - before > 2 * THINNEST_RIM);
  set(rim, { "stroke-width": Math.round(width * 1000) / 1000 });
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
    set(stripes[i], { d, "stroke-width": Math.round(stripe * 1000) / 1000 });
    set(heads[i], { points: `${r1(tip[0])} ${r1(tip[1])} ${corner(low)} ${corner(low + stripe)}` });
    low += stripe;
  });
}
