// Wires of the picture: how long the gradient on each is, who sent it, and what adding took away.

const { BARBS, THINNEST, THINNEST_RIM, WIDEST } = flow.constants;

function makeWire(parent, [a, b, parts], path, cards, tall) {
  const key = `${cards[a].name}>${cards[b].name}`, points = curve(path, tall);
  const body = behindHead(points), across = normals(body), [x, y] = points[points.length >> 1];
  const wire = { key, ends: [a, b], parts, tip: points[0], body, across, x, y };
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
  return wire;
}

function drawWire(wire, weights, full) {
  const { measure, reach } = wire, added = measure.added(weights), { parts, sum, whole } = added;
  const { total, oppose, differ } = fills(added, full);
  wire.width = whole > 0 ? Math.max(total * WIDEST, THINNEST) : 0;
  const inner = wire.width + oppose * WIDEST, outer = inner + differ * WIDEST;
  drawRim(wire.oppose, inner, wire.width);
  drawRim(wire.differ, outer, inner);
  show(wire.none, !(whole > 0));
  // Dashed, in colour where there is a path.
  const tone = isFinite(whole) ? reach.length && `var(--loss${reach[0]})` : "var(--conflict)";
  set(wire.none, { style: !(whole > 0) && tone ? `stroke:${tone};opacity:.55` : null });
  set(wire.halo, { "stroke-width": r1(Math.max(outer, 2) + 6) });
  drawStripes(wire, losses.map((k) => (wire.width ? (wire.width * parts[k]) / sum : 0)));
  show(wire.dots, wire.width > 5);
  const several = wire.parts.length > 1 ? ` (${wire.parts.length} tensors)` : "";
  const size = whole > 0 ? `weighted gradient ${number(whole)}, ` : "";
  const text = `${wireText(wire.key)}${several}: ${size}${verdict(measure, weights).text}`;
  say(wire.title, text);
  set(wire.group, { "aria-label": text });
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
