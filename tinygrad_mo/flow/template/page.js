"use strict";
{
const flow = JSON.parse(document.getElementById("flow").textContent);
const losses = flow.losses.map((_, k) => k);
const byId = (id) => document.getElementById(id);
const drawing = byId("drawing");
const HEAD = 13, WIDEST = 30, FAINT = 1.2; // pixels: arrow head, strongest wire, thinnest wire
const CONFLICT = -0.25, AGREE = 0.25, OPPOSED = -0.1; // cosines

// ---------------------------------------------------------------- what was measured

// The gradients of one array by loss: which losses have a path to it, and rows of numbers whose
// inner products are those of the gradients (the triangular factor R). |sum of w_k g_k| = |R w|.
class Measure {
  constructor(reach, rows) {
    this.reach = reach;
    this.rows = rows;
    this.norms = losses.map((k) => Math.sqrt(this.dot(k, k)));
  }
  // Different arrays as one long one: their rows below each other.
  static together(parts) {
    if (parts.length === 1) return parts[0];
    const reach = losses.filter((k) => parts.some((m) => m.reach.includes(k)));
    return new Measure(reach, parts.flatMap((m) => m.rows));
  }
  dot(k, j) { return this.rows.reduce((sum, row) => sum + row[k] * row[j], 0); }
  mixed(weights) { return this.rows.map((row) => losses.reduce((sum, k) => sum + row[k] * weights[k], 0)); }
  total(weights) { return Math.sqrt(this.mixed(weights).reduce((sum, x) => sum + x * x, 0)); }
  parts(weights) { return losses.map((k) => Math.abs(weights[k]) * this.norms[k]); }
  cosine(k, j) {
    const size = this.norms[k] * this.norms[j];
    return size ? Math.max(-1, Math.min(1, this.dot(k, j) / size)) : null;
  }
  // The pair that agrees least, among the losses that are switched on.
  worstPair(weights) {
    this.pairs ??= this.reach.flatMap((k) => this.reach.filter((j) => k < j).map((j) => [this.cosine(k, j), k, j]));
    let worst = null;
    for (const [cosine, k, j] of this.pairs) {
      if (cosine === null || !weights[k] || !weights[j]) continue;
      const signed = weights[k] * weights[j] > 0 ? cosine : -cosine;
      if (!worst || signed < worst[0]) worst = [signed, k, j];
    }
    return worst;
  }
}

function measuresOf(frame) {
  let at = 0;
  return flow.reach.map((bits) => {
    const reach = losses.filter((k) => (bits >> k) & 1);
    const rows = reach.map((_, i) => {
      const row = losses.map(() => 0);
      for (const k of reach.slice(i)) row[k] = frame.r[at++] ?? NaN;
      return row;
    });
    return new Measure(reach, rows);
  });
}

const measured = flow.frames.map(() => null); // by frame, when it is needed
const measuresAt = (frame) => (measured[frame] ??= measuresOf(flow.frames[frame]));
const pick = (numbers, frame = state.frame) => Measure.together(numbers.map((n) => measuresAt(frame)[n]));
const arraysOf = (card) => (card.parameters ?? []).map((p) => flow.parameters[p].measure);
const everyWeight = (frame) => pick(flow.parameters.filter((p) => !p.frozen).map((p) => p.measure), frame);

// How fast each loss changes along a plain SGD step, per unit of learning rate.
function forecast(measure, weights) {
  return losses.map((k) => -losses.reduce((sum, j) => sum + measure.dot(k, j) * weights[j], 0));
}

// ---------------------------------------------------------------- words and numbers

const names = flow.losses.map((loss) => loss.short);

function number(x) {
  if (x === null || !isFinite(x)) return "not finite";
  if (x === 0) return "0";
  const size = Math.abs(x);
  const text = size >= 1e5 || size < 1e-3 ? x.toExponential(1) : size >= 1000 ? x.toFixed(0) : x.toPrecision(3);
  return text.replace("-", "−").replace("e+", "e").replace("e-", "e−");
}
const signed = (x) => (x < 0 || Object.is(x, -0) ? "" : "+") + x.toFixed(2).replace("-", "−");
const weightText = (w) => w.toFixed(Math.abs(w * 100 - Math.round(w * 100)) < 1e-9 ? 2 : 4).replace("-", "−");
const listing = (words) => (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`);

// In a word, who trains this: "only" is a matter of paths, "off" of weights.
function verdict(measure, weights) {
  const able = measure.reach, active = able.filter((k) => weights[k]);
  const off = able.filter((k) => !weights[k]).map((k) => names[k]).join(", ");
  if (!able.length) return { text: "no gradient", tone: "muted" };
  if (!active.length) return { text: `${off} off`, tone: "muted" };
  if (active.length === 1) {
    const name = names[active[0]];
    return { text: off ? `${name}, ${off} off` : `${name} only`, tone: `t${active[0]}`, fitted: (room) => (off ? "" : `${fit(name, room - 40, 14, 700)} only`) };
  }
  const worst = measure.worstPair(weights);
  if (!worst) {
    const [alive, silent] = [true, false].map((on) => active.filter((k) => measure.norms[k] > 0 === on));
    return { text: alive.length ? `${names[alive[0]]}, ${silent.map((k) => names[k]).join(", ")} is 0` : "gradient is 0", tone: "muted" };
  }
  const [cosine, k, j] = worst;
  const word = cosine < CONFLICT ? "conflict" : cosine > AGREE ? "agree" : "unrelated";
  const pair = active.length > 2 ? ` ${names[k]}/${names[j]}` : "";
  return { text: `${word} ${signed(cosine)}${pair}`, tone: word === "unrelated" ? "muted" : word, worst, fitted: () => `${word} ${signed(cosine)}` };
}

// ---------------------------------------------------------------- what is shown

const state = { weights: [...flow.weights], frame: 0, view: 0, select: null, hover: null, log: false, dragging: false };
state.frame = Math.max(0, flow.frames.findIndex((frame) => frame.step === flow.step));
let picture = null; // the drawn cards and wires of the current view
let most = []; // per loss the largest weight that its slider gives
const view = () => flow.views[state.view];

// The size that fills a bar, or a wire, fits with all sliders up: it stays while one is dragged.
const share = (x, full) => (!(x > 0) ? 0 : state.log ? Math.max(0.02, 1 + Math.log10(x / full) / 6) : x / full);
const loudest = (measures) => Math.max(1e-300, ...measures.map((m) => sumOf(m.parts(most))));
const sumOf = (numbers) => numbers.reduce((a, b) => a + b, 0);

// ---------------------------------------------------------------- making elements

function el(parent, tag, attributes = {}, text = null) {
  const svg = parent instanceof SVGElement || tag === "svg";
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  set(made, attributes);
  if (text !== null) made.textContent = text;
  parent?.append(made);
  return made;
}
function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
  }
}
const show = (element, on) => set(element, { visibility: on ? null : "hidden" });
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
const r1 = (x) => Math.round(x * 10) / 10;

const ruler = document.createElement("canvas").getContext("2d");
const fitted = new Map(), family = getComputedStyle(document.body).fontFamily;
// Text that fits a width: shortened in the middle, as beginnings and ends tell names apart.
function fit(text, width, size, weight = 400) {
  const key = `${text}|${width}|${size}|${weight}`;
  if (!fitted.has(key)) {
    ruler.font = `${weight} ${size}px ${family}`;
    let short = text, keep = text.length;
    while (keep > 1 && ruler.measureText(short).width > width) {
      keep -= 1;
      short = `${text.slice(0, Math.ceil(keep / 2))}…${text.slice(text.length - Math.floor(keep / 2))}`;
    }
    fitted.set(key, short);
  }
  return fitted.get(key);
}
function write(parent, x, y, text, room, size, weight = 400, attributes = {}) {
  const font = { "font-size": size, "font-weight": weight };
  const made = el(parent, "text", { x, y, ...font, ...attributes }, fit(text, room, size, weight));
  if (made.textContent !== text) el(made, "title", {}, text);
  return made;
}

// Colours of the losses: for areas, for text (darker, to be read), and with a texture.
function makeColours() {
  const rules = flow.losses.map(({ colour }, k) => `
    :root { --loss${k}: ${colour}; --text${k}: color-mix(in srgb, ${colour} 78%, black); }
    @media (prefers-color-scheme: dark) { :root { --loss${k}: color-mix(in srgb, ${colour} 82%, white); --text${k}: color-mix(in srgb, ${colour} 65%, white); } }
    .p${k} { fill: var(--loss${k}); background: var(--loss${k}); }
    .s${k} { stroke: var(--loss${k}); }
    .textured .p${k} { fill: url(#texture${k}); }
    .textured .s${k} { stroke: url(#texture${k}); }
    .t${k}, svg text.t${k} { color: var(--text${k}); fill: var(--text${k}); }`);
  el(document.head, "style", {}, rules.join("\n"));
  const defs = el(el(document.body, "svg", { width: 0, height: 0, style: "position:absolute", "aria-hidden": true }), "defs");
  const pattern = (id, base, lines, turn = 0) => {
    const p = el(defs, "pattern", { id, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: `rotate(${turn})` });
    el(p, "rect", { width: 6, height: 6, style: `fill:${base};stroke:none` });
    for (const [d, paint, width] of lines) el(p, "path", { d, style: `stroke:${paint};stroke-width:${width};fill:none` });
  };
  pattern("hatch", "var(--rim-conflict)", [["M0 3H6", "var(--hatch)", 1.5]], -45);
  const light = "rgba(255,255,255,.62)";
  const marks = [[], [["M0 3H6", light, 1.6]], [["M2 3H4", light, 2]], [["M3 0V6", light, 1.6]], [["M0 3H6M3 0V6", light, 1]], [["M0 3H6", light, 1.6]]];
  losses.forEach((k) => pattern(`texture${k}`, `var(--loss${k})`, marks[k % 6], [0, -45, 0, 0, 0, 45][k % 6]));
}

// ---------------------------------------------------------------- wires

// A smooth line through the points of a wire, level (wide) or upright (tall) at each of them.
function curve(flat, tall) {
  const points = [];
  for (let i = 0; i + 3 < flat.length; i += 2) {
    const [x0, y0, x1, y1] = flat.slice(i, i + 4);
    const straight = Math.abs(tall ? x1 - x0 : y1 - y0) < 0.3, count = straight ? 1 : 16;
    const [bx, by] = tall ? [0, (y1 - y0) / 2] : [(x1 - x0) / 2, 0];
    for (let n = points.length ? 1 : 0; n <= count; n++) {
      const t = n / count, s = 1 - t, [a, b, c, d] = [s * s * s, 3 * t * s * s, 3 * t * t * s, t * t * t];
      points.push([a * x0 + b * (x0 + bx) + c * (x1 - bx) + d * x1, a * y0 + b * (y0 + by) + c * (y1 - by) + d * y1]);
    }
  }
  return points;
}
function normals(points) {
  return points.map((_, i) => {
    const [ax, ay] = points[Math.max(0, i - 1)], [bx, by] = points[Math.min(points.length - 1, i + 1)];
    const length = Math.hypot(bx - ax, by - ay) || 1;
    return [(by - ay) / length, (ax - bx) / length];
  });
}
// The line without its first pixels, which the arrow head covers.
function without(points, cut) {
  let i = 1;
  while (i < points.length - 1 && Math.hypot(points[i][0] - points[0][0], points[i][1] - points[0][1]) <= cut) i++;
  const [a, b] = [points[i - 1], points[i]], whole = Math.hypot(b[0] - a[0], b[1] - a[1]);
  const t = Math.min(1, Math.max(0, (cut - Math.hypot(a[0] - points[0][0], a[1] - points[0][1])) / whole));
  return [[a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])], ...points.slice(i)];
}
function beside(points, across, offset) {
  return points.map(([x, y], i) => `${i ? "L" : "M"}${r1(x + across[i][0] * offset)} ${r1(y + across[i][1] * offset)}`).join("");
}

function makeWire(parent, [a, b, parts], path, cards, tall) {
  const key = `${cards[a].name}>${cards[b].name}`, points = curve(path, tall), body = without(points, HEAD * 0.85);
  const wire = { key, parts, points, body, across: normals(body), reach: pick(parts).reach };
  wire.group = el(parent, "g", { class: "wire", tabindex: -1, role: "button" });
  wire.title = el(wire.group, "title");
  const d = beside(points, normals(points), 0);
  el(wire.group, "path", { class: "hit", d });
  wire.halo = el(wire.group, "path", { class: "halo", d });
  wire.none = el(wire.group, "path", { class: "none", d });
  wire.rim = el(wire.group, "path", { d: beside(body, wire.across, 0) });
  wire.stripes = wire.reach.map((k) => el(wire.group, "path", { class: `s${k}` }));
  wire.heads = wire.reach.map((k) => el(wire.group, "polygon", { class: `p${k}` }));
  wire.dots = el(wire.group, "path", { class: "dots", d: beside(body, wire.across, 0) });
  wire.middle = points[points.length >> 1];
  pickable(wire.group, key);
  return wire;
}

function drawWire(wire, weights) {
  const measure = wire.measure, whole = measure.total(weights), parts = measure.parts(weights), sum = sumOf(parts);
  const on = whole > 0, full = picture.full;
  wire.total = whole;
  wire.width = on ? Math.max(share(whole, full) * WIDEST, FAINT) : 0;
  const outer = on ? Math.max(share(sum, full) * WIDEST, wire.width) : 0;
  show(wire.none, !on);
  set(wire.none, { style: !on && wire.reach.length ? `stroke:var(--loss${wire.reach[0]});opacity:.55` : null });
  const rim = on && outer - wire.width > 0.8;
  show(wire.rim, rim);
  set(wire.rim, { class: rimTone(measure, weights), "stroke-width": r1(outer) });
  set(wire.halo, { "stroke-width": r1(Math.max(outer, 2) + 6) });
  let low = -wire.width / 2;
  const [tip, base] = [wire.points[0], wire.body[0]], spread = (wire.width / 2 + 5) / (wire.width / 2);
  const back = [base[0] + (base[0] - tip[0]) * 0.15, base[1] + (base[1] - tip[1]) * 0.15];
  const corner = (offset) => `${r1(back[0] + wire.across[0][0] * offset * spread)} ${r1(back[1] + wire.across[0][1] * offset * spread)}`;
  wire.reach.forEach((k, i) => {
    const stripe = on ? (wire.width * parts[k]) / sum : 0, shown = stripe > 0;
    show(wire.stripes[i], shown);
    show(wire.heads[i], shown);
    if (!shown) return;
    set(wire.stripes[i], { d: beside(wire.body, wire.across, low + stripe / 2), "stroke-width": Math.round(stripe * 1000) / 1000 });
    set(wire.heads[i], { points: `${r1(tip[0])} ${r1(tip[1])} ${corner(low)} ${corner(low + stripe)}` });
    low += stripe;
  });
  show(wire.dots, wire.width > 5);
  const text = `${wire.key.replace(">", " → ")}: ${on ? `gradient ${number(whole)}, ` : ""}${verdict(measure, weights).text}`;
  say(wire.title, text);
  set(wire.group, { "aria-label": text });
}

// Grey where the pulls merely differ, hatched in pink where they oppose.
const rimTone = (measure, weights) => ((measure.worstPair(weights)?.[0] ?? 1) < OPPOSED ? "opposed" : "grey");

// ---------------------------------------------------------------- bars: stripes and rim

function makeBar(parent, x, y, width, height, reach) {
  const place = { y, height };
  const bar = { x, width };
  el(parent, "rect", { class: "empty", x: `${x}`, width: `${width}`, rx: 2, ...place });
  bar.rim = el(parent, "rect", { ...place });
  bar.stripes = reach.map((k) => [k, el(parent, "rect", { class: `p${k}`, ...place })]);
  return bar;
}
function drawBar(bar, measure, weights, full) {
  const unit = typeof bar.width === "string" ? "%" : "", room = parseFloat(bar.width), start = parseFloat(bar.x);
  const whole = measure.total(weights), parts = measure.parts(weights), sum = sumOf(parts);
  const length = whole > 0 ? room * Math.min(1, share(whole, full)) : 0;
  const put = (rect, x, width) => set(rect, { x: x.toFixed(2) + unit, width: width.toFixed(2) + unit });
  let x = start;
  for (const [k, rect] of bar.stripes) {
    const stripe = sum > 0 ? (length * parts[k]) / sum : 0;
    put(rect, x, stripe);
    x += stripe;
  }
  const rim = whole > 0 ? room * Math.min(1, share(sum, full)) - length : 0;
  put(bar.rim, x, Math.max(0, rim));
  set(bar.rim, { class: rimTone(measure, weights) });
}

// ---------------------------------------------------------------- arrows: lengths and angles

// The pulls of the losses in the plane, the total pointing left. With two losses all angles are
// exact; with more, lengths and angles to the total are, and neighbours go to different sides.
function pulls(measure, weights) {
  const active = measure.reach.filter((k) => weights[k] && measure.norms[k]);
  const total = measure.mixed(weights), length = Math.sqrt(sumOf(total.map((x) => x * x)));
  const arrows = active.map((k, i) => {
    const size = Math.abs(weights[k]) * measure.norms[k];
    const along = length ? sumOf(measure.rows.map((row, n) => weights[k] * row[k] * total[n])) / length : i ? -size : size;
    const across = Math.sqrt(Math.max(0, size * size - along * along));
    return { k, size, x: -along, y: (i % 2 ? 1 : -1) * across };
  });
  return { arrows, length };
}
function arrow(parent, x, y, width, attributes) {
  const group = el(parent, "g", attributes);
  return drawArrow({ group, line: el(group, "line"), tip: el(group, "polygon") }, x, y, width);
}
function drawArrow(made, x, y, width) {
  const length = Math.hypot(x, y), head = Math.min(width * 3.4, length), t = length ? (length - head * 0.8) / length : 0;
  const [ux, uy] = length ? [x / length, y / length] : [0, 0], [bx, by] = [ux * (length - head), uy * (length - head)], side = head * 0.42;
  set(made.line, { x1: 0, y1: 0, x2: r1(x * t), y2: r1(y * t), "stroke-width": width, "stroke-linecap": "round" });
  set(made.tip, { points: `${r1(x)} ${r1(y)} ${r1(bx - uy * side)} ${r1(by + ux * side)} ${r1(bx + uy * side)} ${r1(by - ux * side)}` });
  show(made.group, length > 0.5);
  return made;
}

// ---------------------------------------------------------------- cards

function makeCard(parent, data, [cx, cy, width, height]) {
  const x = -width / 2, y = -height / 2, middle = { "text-anchor": "middle" };
  const card = { data, key: data.name, x: cx, y: cy, width, height };
  const group = (card.group = el(parent, "g", { class: "card", transform: `translate(${cx} ${cy})`, tabindex: -1, role: "button" }));
  card.title = el(group, "title");
  const label = data.label ?? data.name;
  if (data.kind === "fold") for (const d of [7, 3.5]) el(group, "rect", { class: "behind", x: x - d, y: y - d, width, height, rx: 9 });
  const box = el(group, "rect", { class: "box", x, y, width, height, rx: 9 });
  card.parameters = arraysOf(data);
  if (data.kind === "loss") {
    const loss = flow.losses[data.loss];
    box.setAttribute("style", `fill:color-mix(in srgb, var(--card) var(--tint), var(--loss${data.loss}))`);
    const long = `loss: ${loss.short}`, short = loss.short === "regularization" || fit(long, width - 14, 15, 700) !== long;
    card.said = short ? "loss now" : "now";
    write(group, 0, y + 28, short ? loss.short : long, width - 14, 15, 700, { class: `name t${data.loss}`, ...middle });
    card.value = el(group, "text", { class: "value", x: 0, y: y + 51, ...middle });
    el(group, "rect", { class: "pillbox", x: -44, y: y + 64, width: 88, height: 28, style: `fill:var(--loss${data.loss})` });
    card.pill = el(group, "text", { class: "pilltext", x: 0, y: y + 83.5, ...middle });
  } else if (!card.parameters.length) {
    write(group, 0, -4, label, width - 14, 15, 700, { class: "name", ...middle });
    const shape = data.silent ? "output, no loss" : data.shape || data.type || "";
    write(group, 0, 15, shape, width - 14, 13, 400, { class: "small", ...middle });
  } else {
    const [title, until] = label.split(" … "), { calls } = data;
    write(group, x + 10, y + 23, until ? `${title} …` : title, width - 20 - (data.kind === "fold" ? 18 : 0), calls ? 14.5 : 16, 700, { class: "name" });
    const frozen = data.parameters.every((p) => flow.parameters[p].frozen);
    const about = until ? `… ${until}` : [data.type, data.shape].filter(Boolean).join(" ");
    const aboutFits = (room) => (fit(about, room, 13) === about ? about : data.shape || about);
    card.reach = pick(card.parameters).reach;
    const compass = card.reach.length > 1;
    const room = width - (compass ? 66 : 20);
    write(group, x + 10, y + 42, frozen ? "frozen" : data.silent ? "no loss on it" : aboutFits(room), room, 13, 400, { class: "small" });
    if (compass) {
      card.disc = el(group, "g", { transform: `translate(${width / 2 - 29} ${y + 50})` });
      el(card.disc, "circle", { class: "disc", r: 20 });
      card.arrows = losses.map((k) => arrow(card.disc, 0, 0, 2.6, { class: `p${k} s${k}` }));
    }
    const foot = height / 2 - (data.calls ?? []).length * 17;
    card.verdict = el(group, "text", { x: x + 10, y: foot - 24 });
    card.pair = [0, 1].map((i) => el(group, "rect", { x: width / 2 - 18 + i * 5, y: foot - 33, width: 4, height: 10 }));
    card.bar = makeBar(group, x + 10, foot - 17, width - 20, 9, card.reach);
    if (frozen) card.bar.stripes.forEach(([, rect]) => set(rect, { opacity: 0.45 }));
    card.calls = (data.calls ?? []).map(([call, parts], i) => {
      const name = view().cards[call].name, top = foot - 1 + i * 17;
      write(group, x + 10, top + 9, name, 82, 12, 400, { class: "small" });
      return { parts, bar: makeBar(group, x + 98, top + 2, width - 108, 7, card.reach) };
    });
  }
  if (data.kind === "fold") {
    const open = el(group, "g", { class: "open" });
    el(open, "circle", { cx: -x - 14, cy: y + 15, r: 8, class: "disc" });
    el(open, "path", { d: `M${-x - 18} ${y + 15}h8m-4 -4v8`, style: "stroke:var(--ink);stroke-width:1.6" });
    open.addEventListener("click", (event) => { event.stopPropagation(); openFold(data.name); });
  }
  pickable(group, data.name);
  return card;
}

function drawCard(card, weights) {
  const { data } = card;
  let text = `${data.name}${data.shape ? `, output ${data.shape}` : ""}`;
  if (data.kind === "loss") {
    const value = number(flow.frames[state.frame].values[data.loss]), w = weights[data.loss];
    say(card.value, `${card.said} ${value}`);
    say(card.pill, fit(`× ${weightText(w)}`, 80, 15.5, 700));
    set(card.group, { opacity: w ? null : 0.55 });
    text = `loss ${flow.losses[data.loss].name}: now ${value}, weight ${weightText(w)}`;
  } else if (card.verdict) {
    const judged = verdict(card.measure, weights), width = card.width - 20;
    say(card.verdict, judged.fitted?.(width) || fit(judged.text, width, 14, 700));
    card.pair.forEach((mark, i) => {
      show(mark, judged.worst && losses.length > 2);
      set(mark, { class: `p${judged.worst?.[i + 1]}` });
    });
    set(card.verdict, { class: `verdict ${judged.tone}`, style: losses.length > 2 ? "font-size:12.5px" : null });
    drawBar(card.bar, card.measure, weights, picture.fullBar);
    for (const call of card.calls) drawBar(call.bar, pick(call.parts), weights, picture.fullBar);
    if (card.disc) {
      const { arrows } = pulls(card.measure, weights), longest = Math.max(...arrows.map((a) => a.size), 1e-300);
      card.arrows.forEach((made) => show(made.group, false));
      for (const a of arrows) drawArrow(card.arrows[a.k], (a.x / longest) * 17, (a.y / longest) * 17, 2.6);
    }
    text += `: ${judged.text}, gradient of its weights ${number(card.measure.total(weights))}`;
  }
  if (data.kind === "fold") text += `. ${data.type} are folded here: press Enter twice to open`;
  if (data.silent) text += ". An output without a loss";
  say(card.title, text);
  set(card.group, { "aria-label": text });
}

// ---------------------------------------------------------------- the picture

// Left to right if that can be read; otherwise top to bottom, with the other panels beside it.
function orientation() {
  const room = byId("parts").clientWidth, { wide, tall } = view(), side = room >= 860, column = side ? (room - 16) / 2 : room;
  const across = room / wide.size[0], down = column / tall.size[0];
  return across >= 0.72 || across >= Math.min(down, 1) ? { tall: false, side: false, room } : { tall: true, side, room: column };
}

function build() {
  const { tall, side, room } = orientation(), now = view(), layout = tall ? now.tall : now.wide;
  const [width, height] = layout.size, zoom = Math.max(0.5, Math.min(room / width, tall ? 1.15 : Math.min(1.35, Math.max(0.95, (0.62 * innerHeight) / height))));
  const parts = byId("parts");
  set(parts, { class: side ? "side" : parts.clientWidth < 860 ? "narrow" : "" });
  drawing.replaceChildren();
  const svg = el(drawing, "svg", { viewBox: `0 0 ${width} ${height}`, width: Math.floor(width * zoom), height: Math.floor(height * zoom), role: "group", "aria-label": "The model: arrow keys move between cards and wires, Enter selects" });
  if (now.wires.length > 80) svg.classList.add("calm");
  picture = { zoom, tall, room: parts.clientWidth, cards: [], wires: [] };
  for (const { name, cards } of now.frames) {
    const boxes = cards.map((i) => layout.cards[i]), pad = 12;
    const [left, top] = [Math.min(...boxes.map((b) => b[0] - b[2] / 2)) - pad, Math.min(...boxes.map((b) => b[1] - b[3] / 2)) - pad - 12];
    const [right, bottom] = [Math.max(...boxes.map((b) => b[0] + b[2] / 2)) + pad, Math.max(...boxes.map((b) => b[1] + b[3] / 2)) + pad];
    const frame = el(svg, "rect", { class: "frame", x: left, y: top, width: right - left, height: bottom - top, rx: 14 });
    el(frame, "title", {}, name);
    write(svg, left + 10, top + 16, name, right - left - 20, 13, 400, { class: "frame-name" });
  }
  now.cards.forEach((card, i) => (card.calls ?? []).forEach(([call]) => {
    const [ax, ay] = layout.cards[i], [bx, by] = layout.cards[call];
    el(svg, "path", { class: "tie", d: `M${ax} ${ay}L${bx} ${by}` });
  }));
  picture.wires = now.wires.map((wire, i) => makeWire(svg, wire, layout.paths[i], now.cards, tall));
  picture.cards = now.cards.map((card, i) => makeCard(svg, card, layout.cards[i]));
  [...picture.cards, ...picture.wires][0]?.group.setAttribute("tabindex", 0);
  byId("forward").textContent = tall ? "data goes forward ↓" : "data goes forward →";
  byId("backward").textContent = tall ? "↑ gradient goes backward" : "← gradient goes backward";
  byId("training").hidden = flow.frames.length < 2;
  picture.stripWidth = Math.max(280, byId("training").clientWidth - 38);
  buildFolds();
  buildBars();
  newFrame();
}

// Another step of training, or another view: other measurements.
function newFrame() {
  for (const wire of picture.wires) wire.measure = pick(wire.parts);
  for (const card of picture.cards) card.measure = pick(card.parameters);
  for (const row of bars) row.measure = pick(row.parts);
  picture.whole = everyWeight(state.frame);
  rescale();
  redraw();
}

function rescale() {
  most = losses.map((k) => Math.max(Math.abs(sliders[k].range.max), Math.abs(sliders[k].range.min)));
  const room = new Map(); // how wide a wire may be where several meet
  for (const wire of view().wires) for (const end of [`${wire[0]} out`, `${wire[1]} in`]) room.set(end, (room.get(end) ?? 0) + 1);
  picture.full = 1e-300;
  picture.wires.forEach((wire, i) => {
    const [a, b] = view().wires[i], boxes = [picture.cards[a], picture.cards[b]];
    const [out, inn] = boxes.map((box) => (picture.tall ? box.width : box.height) * 0.72);
    const limit = Math.min(WIDEST, (1.2 * out) / room.get(`${a} out`), (1.2 * inn) / room.get(`${b} in`));
    picture.full = Math.max(picture.full, (sumOf(wire.measure.parts(most)) * WIDEST) / limit || 0);
  });
  picture.fullBar = loudest(picture.cards.filter((card) => card.bar).map((card) => card.measure));
  picture.fullRow = loudest(bars.map((row) => row.measure));
}

function redraw() {
  const { weights } = state;
  for (const wire of picture.wires) drawWire(wire, weights);
  for (const card of picture.cards) drawCard(card, weights);
  drawFormula();
  drawSliders();
  drawBars();
  drawKey();
  buildStrip();
  drawNeedle();
  drawSelection();
  drawInset();
  drawText();
}

// The weights, at most once per frame of the screen.
let waiting = false;
function redrawSoon() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; redraw(); });
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
  formula.append(". Its gradient runs backward through the model. ");
  el(formula, "b", {}, "Drag a weight");
  formula.append(": every wire shows its exact size at once.");
}

function drawKey() {
  const key = byId("key"), size = roundNumber(12 / (WIDEST / picture.full));
  key.replaceChildren();
  const item = (text, make) => {
    const span = el(key, "span"), svg = el(span, "svg", { width: 30, height: 20, "aria-hidden": true });
    make(svg);
    span.append(text);
  };
  if (state.log) item("logarithmic: half as thick is a thousand times smaller", (svg) => el(svg, "rect", { x: 10, y: 2, width: 10, height: 16, class: "muted" }));
  else {
    const tall = (size / picture.full) * WIDEST * picture.zoom;
    item(`this thick: a gradient of ${+size.toPrecision(3)}`, (svg) => {
      set(svg, { height: Math.max(20, Math.ceil(tall)) });
      el(svg, "rect", { id: "scale-bar", x: 8, y: (Math.max(20, Math.ceil(tall)) - tall) / 2, width: 14, height: tall, style: "fill:var(--muted)" });
    });
  }
  losses.forEach((k) => item(`sent by ${names[k]}`, (svg) => el(svg, "rect", { class: `p${k}`, x: 2, y: 5, width: 26, height: 10, rx: 2 })));
  if (losses.length > 1) {
    const rim = (tone) => (svg) => {
      el(svg, "rect", { class: tone, x: 2, y: 2, width: 26, height: 16 });
      el(svg, "rect", { x: 2, y: 7, width: 26, height: 6, style: "fill:var(--muted)" });
    };
    item("pale rim: lost because the pulls differ", rim("grey"));
    item("pink rim: lost because they oppose", rim("opposed"));
  }
  item("no gradient; in colour: there is a path, but it is off", (svg) => el(svg, "path", { d: "M1 10H29", style: "stroke:var(--faint);stroke-width:1.5;stroke-dasharray:4 4" }));
}
function roundNumber(x) {
  const power = 10 ** Math.floor(Math.log10(x));
  return [1, 2, 5, 10].reduce((best, n) => (Math.abs(n * power - x) < Math.abs(best - x) ? n * power : best), power);
}

// ---------------------------------------------------------------- weights

let sliders = [];
const presets = [
  ...(losses.length > 1 ? losses.map((k) => [`only ${names[k]}`, () => losses.map((j) => (j === k ? flow.weights[k] || 1 : 0))]) : []),
  ...(losses.length > 1 ? [["equal", () => losses.map(() => 1)]] : []),
  ["as trained", () => flow.weights],
];

function buildSliders() {
  sliders = losses.map((k) => {
    const row = el(byId("sliders"), "div", { class: "slider", style: `--c:var(--loss${k})` }), id = `weight-${k}`;
    el(row, "label", { for: id, class: `t${k}`, title: flow.losses[k].name }, names[k]);
    const range = el(row, "input", { type: "range", id, step: "any", min: 0, max: 1 });
    const typed = el(row, "input", { type: "number", step: 0.01, "aria-label": `weight of ${flow.losses[k].name}` });
    const pill = el(row, "span", { class: "pill" });
    range.addEventListener("input", () => { state.dragging = true; state.weights[k] = nearNice(+range.value, range.max); redrawSoon(); });
    range.addEventListener("change", () => { state.dragging = false; settled(); });
    range.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
      if (!steps) return;
      event.preventDefault();
      const unit = range.max / 100, value = Math.round(state.weights[k] / unit + steps) * unit;
      state.weights[k] = nearNice(Math.min(+range.max, Math.max(+range.min, value)), range.max);
      settled();
    });
    typed.addEventListener("change", () => { if (typed.value !== "" && isFinite(+typed.value)) { state.weights[k] = +typed.value; spanSliders(); rescale(); settled(); } });
    return { range, typed, pill };
  });
  for (const [label, weights] of presets) {
    el(byId("presets"), "button", { type: "button" }, label).addEventListener("click", () => mix(weights()));
  }
  spanSliders();
}
const nearNice = (x, most) => { const unit = most / 200; return +(Math.round(x / unit) * unit).toPrecision(6); };

// Sliders run from 0 to 1, or to five times a smaller weight, or as far as their weight needs.
function spanSliders() {
  losses.forEach((k) => {
    const { range } = sliders[k], w = state.weights[k], trained = flow.weights[k];
    const usual = Math.max(trained, trained > 0 ? Math.min(1, 5 * trained) : 1);
    set(range, { max: Math.max(usual, w), min: Math.min(0, w, trained) });
  });
}
function mix(weights) {
  state.weights = [...weights];
  spanSliders();
  rescale();
  settled();
}
// After a change that is not part of a drag.
function settled() {
  state.dragging = false;
  redraw();
  remember();
  const change = forecast(picture.whole, state.weights);
  say(byId("spoken"), losses.map((k) => `${names[k]} ${weightText(state.weights[k])}: ${outlook(change[k])[1]}`).join(". "));
}
const outlook = (slope) => (slope < 0 ? ["better", "next step: improves ↓"] : slope > 0 ? ["worse", "next step: gets worse ↑"] : ["", "next step: no change"]);

function drawSliders() {
  const change = forecast(picture.whole, state.weights);
  state.forecast = change;
  losses.forEach((k) => {
    const { range, typed, pill } = sliders[k], w = state.weights[k], [tone, text] = outlook(change[k]);
    if (+range.value !== w) range.value = w;
    const at = (100 * (w - range.min)) / (range.max - range.min);
    range.style.setProperty("--at", `${at}%`);
    set(range, { "aria-valuetext": `${names[k]} ${weightText(w)}, ${text}` });
    if (document.activeElement !== typed || +typed.value !== w) typed.value = +w.toPrecision(6);
    set(pill, { class: `pill ${tone}`, title: `a plain SGD step changes ${flow.losses[k].name} by ${number(change[k])} × its learning rate` });
    say(pill, text);
  });
  [...byId("presets").children].forEach((button, i) => {
    set(button, { "aria-pressed": presets[i][1]().every((w, k) => w === state.weights[k]) });
  });
}

// ---------------------------------------------------------------- how do the pulls add up?

// What is selected: its measure, and words for it.
function selected() {
  const key = state.select, frame = state.frame;
  const loss = picture.cards.find((card) => card.key === key && card.data.kind === "loss");
  if (loss) return { measure: picture.whole, what: "all weights of the model", weights: true };
  const card = picture.cards.find((c) => c.key === key && c.parameters.length);
  if (card) return { measure: card.measure, what: card.data.kind === "weights" ? key : `weights of ${key}`, weights: true, card };
  const wire = picture.wires.find((w) => w.key === key);
  if (wire) return { measure: wire.measure, what: `wire ${key.replace(">", " → ")}`, wire };
  const row = bars.find((r) => r.key === key);
  if (row) return { measure: row.measure, what: key, weights: true };
  const weight = flow.parameters.find((p) => p.name === key);
  if (weight) return { measure: measuresAt(frame)[weight.measure], what: key, weights: true };
  const through = picture.wires.find((w) => w.key.startsWith(`${key}>`));
  if (through) return { measure: through.measure, what: `wire ${through.key.replace(">", " → ")}`, wire: through };
  return { measure: picture.whole, what: "all weights of the model", weights: true };
}

let inset = null;
function drawInset() {
  const { measure, what, weights: hasWeights } = selected(), { weights } = state, { arrows, length } = pulls(measure, weights);
  say(byId("inset-what"), what);
  say(byId("inset-hint"), losses.length < 2 ? "With one loss there is one pull. Click a card or a wire." : arrows.length > 2
    ? "True lengths, and true angles to the total; the angles between the arrows are not exact, as more than two gradients do not lie in one plane."
    : "True lengths and true angle: two gradients always lie in one plane, however many numbers they hold. Click a card or a wire.");
  const width = 400, height = 240 + 22 * Math.max(0, arrows.length - 3), ends = [[0, 0], [-length, 0], ...arrows.map((a) => [a.x, a.y])];
  const span = (axis) => [Math.min(...ends.map((e) => e[axis])), Math.max(...ends.map((e) => e[axis]))];
  const [[left, right], [top, bottom]] = [span(0), span(1)];
  const fits = Math.min((width - 110) / Math.max(right - left, 1e-300), (height - 44 - 16 * Math.max(1, arrows.length - 1)) / Math.max(bottom - top, 1e-300));
  const keep = state.dragging && inset && inset.what === what && inset.zoom <= fits * 1.02;
  inset = { what, zoom: keep ? inset.zoom : fits, origin: keep ? inset.origin : null };
  inset.origin ??= [width / 2 - ((left + right) / 2) * inset.zoom, height / 2 - ((top + bottom) / 2) * inset.zoom];
  const { zoom } = inset, [ox, oy] = inset.origin, box = byId("arrows");
  box.replaceChildren();
  const svg = el(box, "svg", { viewBox: `0 0 ${width} ${height}`, width, role: "img", "aria-label": `${what}: ${arrows.map((a) => `${names[a.k]} alone ${number(a.size)}`).join(", ")}, added together ${number(length)}` });
  const plane = el(svg, "g", { transform: `translate(${r1(ox)} ${r1(oy)})` });
  if (!arrows.length) { el(svg, "text", { x: width / 2, y: height / 2, "text-anchor": "middle", class: "muted" }, verdict(measure, weights).text); }
  const total = [-length * zoom, 0];
  if (arrows.length === 2) for (const a of arrows) {
    el(plane, "line", { x1: a.x * zoom, y1: a.y * zoom, x2: total[0], y2: 0, class: `s${a.k}`, "stroke-width": 1.6, "stroke-dasharray": "2 4" });
  }
  if (arrows.length > 1) arrow(plane, total[0], 0, 8, { class: "total" });
  for (const a of arrows) arrow(plane, a.x * zoom, a.y * zoom, 4.5, { class: `p${a.k} s${a.k}` });
  el(plane, "circle", { r: 5, class: "total" });
  const labels = arrows.map((a) => ({ text: names[a.k], x: a.x * zoom, y: a.y * zoom, tone: `t${a.k}` }));
  labels.forEach((label, i) => { label.y += label.y > 0 || (label.y === 0 && i) ? 18 : -8; });
  labels.sort((a, b) => a.y - b.y).forEach((label, i) => {
    const above = labels.slice(0, i).filter((other) => Math.abs(other.x - label.x) < 90).map((other) => other.y + 16);
    label.y = Math.max(16 - oy, label.y, ...above);
  });
  for (const { x, y, text, tone } of labels) {
    const at = Math.min(width - ox - 8, Math.max(8 - ox, x)), anchor = at + ox < 60 ? "start" : at + ox > width - 60 ? "end" : "middle";
    write(plane, r1(at), r1(Math.min(height - oy - 6, y)), text, 110, 15, 700, { class: tone, "text-anchor": anchor });
  }
  if (arrows.length > 1 && length * zoom > 50) el(plane, "text", { x: total[0] / 2, y: arrows[0].y * zoom < -30 && arrows[1].y * zoom > 30 ? -10 : 22, "text-anchor": "middle", "font-size": 14, "font-weight": 700 }, "total");
  drawNumbers(measure, weights, arrows, length, hasWeights);
  drawSequence();
}

function drawNumbers(measure, weights, arrows, length, hasWeights) {
  const box = byId("numbers");
  box.replaceChildren();
  const line = (label, value, { mark = null, style = "", tone = "" } = {}) => {
    const row = el(box, "div", { class: style }), left = el(row, "span");
    if (mark !== null) el(left, "i", { class: `mark p${mark}` });
    left.append(label);
    el(row, "span", { class: tone }, value);
  };
  for (const k of measure.reach) line(`${names[k]} alone`, number(Math.abs(weights[k]) * measure.norms[k]), { mark: k });
  line("added together", number(length), { style: "sum" });
  const apart = sumOf(arrows.map((a) => a.size));
  if (arrows.length > 1) {
    line("lost in the addition", `${Math.round(100 * (1 - length / apart))} %`);
    const [cosine, k, j] = measure.worstPair(weights);
    line(arrows.length > 2 ? `smallest cosine: ${names[k]} and ${names[j]}` : "cosine of the angle", signed(cosine), { tone: cosine < CONFLICT ? "conflict" : cosine > AGREE ? "agree" : "" });
  }
  if (hasWeights && measure.reach.length) {
    line("An SGD step on these weights alone changes", "× rate", { style: "head" });
    const change = forecast(measure, weights);
    for (const k of measure.reach) line(names[k], `${change[k] > 0 ? "+" : ""}${number(change[k])}`, { mark: k, tone: change[k] > 0 ? "conflict" : change[k] < 0 ? "agree" : "" });
  }
}

// The gradient that arrives at each step of a sequence, one row of cells per loss.
function drawSequence() {
  const box = byId("sequence"), { wire, card } = selected();
  box.replaceChildren();
  const found = flow.sequences.findIndex((s) => s.wire === wire?.key || (card && s.wire.endsWith(`>${card.key}`)));
  if (found < 0) return;
  const { wire: between, steps } = flow.sequences[found], norms = flow.frames[state.frame].time[found];
  el(box, "h3", {}, `The gradient that reaches each step of the sequence (${between.replace(">", " → ")})`);
  const top = Math.max(...norms.flat(), 1e-300), count = norms[0].length, width = Math.max(240, box.clientWidth), left = 70, cell = (width - left) / count;
  const ends = (at) => norms.map((row, k) => `${names[k]} ${number(row.at(at))}`).join(", ");
  const bottom = norms.length * 20 + 14, svg = el(box, "svg", { viewBox: `0 0 ${width} ${bottom + 4}`, width, role: "img", "aria-label": `first: ${ends(0)}; last: ${ends(-1)}` });
  norms.forEach((row, k) => {
    write(svg, 0, k * 20 + 14, names[k], left - 8, 13, 700, { class: `t${k}` });
    row.forEach((x, t) => {
      const strength = x > 0 ? Math.max(0.05, 1 + Math.log10(x / top) / 4) : 0;
      const rect = el(svg, "rect", { x: r1(left + t * cell), y: k * 20 + 2, width: r1(Math.max(1, cell - (cell > 4 ? 1 : 0))), height: 15, class: strength ? `p${k}` : "empty", "fill-opacity": strength ? strength.toFixed(2) : null });
      el(rect, "title", {}, `${names[k]}, ${Math.round((100 * t) / count)} % of the way: ${number(x)}`);
    });
  });
  el(svg, "text", { x: left, y: bottom, class: "muted", "font-size": 12 }, "first");
  el(svg, "text", { x: width, y: bottom, class: "muted", "text-anchor": "end", "font-size": 12 }, `step ${steps}; pale: up to 10,000 times smaller`);
}

// ---------------------------------------------------------------- who trains what?

let bars = [];
function buildBars() {
  const box = byId("bars"), cards = view().cards.filter((card) => card.parameters);
  const each = sumOf(cards.map((card) => card.parameters.length)) <= 48;
  box.replaceChildren();
  bars = cards.flatMap((card) => {
    const rows = each && card.kind !== "fold"
      ? card.parameters.map((p, i) => ({ key: flow.parameters[p].name, label: i ? "" : card.name, part: flow.parameters[p].name.replace(`${card.name.replace("weights of ", "")}/`, ""), parts: [flow.parameters[p].measure], frozen: flow.parameters[p].frozen }))
      : [{ key: card.name, label: card.name, part: `${card.parameters.length} arrays`, parts: arraysOf(card) }];
    const calls = (card.calls ?? []).map(([call, parts]) => ({ key: `${card.name} · ${view().cards[call].name}`, label: "", part: `↳ from ${view().cards[call].name}`, parts }));
    return [...rows, ...calls].map((row) => ({ ...row, card: card.name }));
  });
  bars.forEach((row, i) => {
    row.group = el(box, "div", { class: `bar-row${row.label ? " first" : ""}`, role: "group" });
    const label = el(row.group, "div", { class: "label", tabindex: i ? -1 : 0, role: "button", title: row.key });
    if (row.label) el(label, "b", {}, row.label);
    el(label, "span", {}, row.part + (row.frozen ? " (frozen)" : ""));
    row.label = label;
    const svg = el(el(row.group, "div"), "svg", { "aria-hidden": true });
    row.bar = makeBar(svg, "0", 0, "100%", 13, pick(row.parts).reach);
    row.cosine = el(row.group, "div", { class: "cosine" });
    pickable(row.group, row.key, label);
  });
}
function drawBars() {
  for (const row of bars) {
    const judged = verdict(row.measure, state.weights), worst = judged.text.match(/^(conflict|agree|unrelated)/) && row.measure.worstPair(state.weights);
    drawBar(row.bar, row.measure, state.weights, picture.fullRow);
    if (row.said === judged.text) continue;
    row.said = judged.text;
    set(row.label, { "aria-label": `${row.key}: ${judged.text}` });
    row.cosine.replaceChildren();
    if (!worst) { el(row.cosine, "span", { title: judged.text }, judged.text); continue; }
    const [cosine, k, j] = worst;
    if (losses.length > 2) for (const loss of [k, j]) el(row.cosine, "i", { class: `mark p${loss}`, title: names[loss] });
    el(row.cosine, "b", { style: heat(cosine), title: judged.text }, signed(cosine));
  }
}
// Pink for conflict, green for agreement, the stronger the more.
function heat(cosine) {
  const tone = cosine < 0 ? "--conflict" : "--agree", strength = Math.round(8 + 80 * Math.abs(cosine));
  return `background:color-mix(in srgb, var(${tone}) ${strength}%, var(--card));color:${strength > 52 ? "var(--card)" : "var(--ink)"}`;
}

// ---------------------------------------------------------------- through training

let strip = null;
function buildStrip() {
  const { frames } = flow, width = picture.stripWidth, key = `${width} ${state.view}`;
  if (frames.length < 2 || strip?.key === key) return;
  const left = Math.min(130, width * 0.26), right = width - Math.min(80, width * 0.18);
  const [first, last] = [frames[0].step, frames.at(-1).step], x = (step) => left + ((step - first) / (last - first)) * (right - left);
  const rows = view().cards.filter((card) => card.parameters && pick(arraysOf(card)).reach.length > 1);
  const cell = rows.length > 12 ? 11 : 19, top = 108, height = top + rows.length * cell + 22;
  const svg = el(null, "svg", { viewBox: `0 0 ${width} ${height}`, width, height, tabindex: 0, role: "slider", "aria-label": "training step", "aria-valuemin": first, "aria-valuemax": last });
  byId("strip").replaceChildren(svg);
  strip = { key, svg, x, left, right, width, height, cell, top };
  drawCurves();
  rows.forEach((card, i) => drawCells(card, top + i * cell));
  if (cell < 12) write(svg, 0, (top + height) / 2, `${rows.length} shared cards`, left - 12, 12, 600);
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    const { step } = frames[Math.round(part * (frames.length - 1))];
    el(svg, "text", { class: "muted", x: x(step), y: height - 5, "text-anchor": "middle" }, step);
  }
  el(svg, "text", { class: "muted", x: 0, y: height - 5 }, "step");
  strip.needle = el(svg, "g");
  el(strip.needle, "line", { class: "total", y1: 6, y2: height - 20, "stroke-width": 2 });
  el(strip.needle, "polygon", { class: "total", points: "-7 0 7 0 0 10" });
  listen(svg);
}
// The losses through training: logarithmic where one is very much larger than another.
function drawCurves() {
  const { svg, x, left, right, width } = strip, { frames } = flow, low = 96, high = 10;
  const values = frames.flatMap((frame) => frame.values).filter((v) => v !== null), most = Math.max(...values), least = Math.min(...values);
  const log = least > 0 && most > 60 * least, height = log ? Math.log : (v) => v;
  const ground = log ? least : least > most / 2 ? least - (most - least) / 4 : Math.min(0, least);
  const y = (v) => low - ((height(v) - height(ground)) / (height(most) - height(ground) || 1)) * (low - high);
  write(svg, 0, 52, log ? "losses (log)" : "losses", left - 50, 12, 600);
  for (const tick of [ground, most]) {
    el(svg, "line", { class: "grid", x1: left, x2: right, y1: y(tick), y2: y(tick) });
    el(svg, "text", { class: "muted", x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, number(tick));
  }
  for (const k of losses) {
    const points = frames.filter((f) => f.values[k] !== null).map((f) => `${r1(x(f.step))} ${r1(y(f.values[k]))}`);
    el(svg, "polyline", { class: `s${k}`, points: points.join(" "), "stroke-width": 2.4, "stroke-linejoin": "round" });
  }
  let free = 0;
  for (const [at, k] of losses.map((k) => [y(frames.at(-1).values[k] ?? most), k]).sort((a, b) => a[0] - b[0])) {
    const place = Math.max(at + 4, free);
    write(svg, right + 8, place, names[k], width - right - 8, 13, 700, { class: `t${k}` });
    free = place + 14;
  }
}
// One cell per recorded step: how the losses agree about the weights of a card.
function drawCells(card, y) {
  const { svg, x, left, right, cell } = strip, { frames } = flow;
  if (cell > 12) write(svg, 0, y + 14, card.name, left - 12, 12, 600);
  const edges = [left, ...frames.slice(1).map((frame, n) => (x(frames[n].step) + x(frame.step)) / 2), right];
  frames.forEach((frame, n) => {
    const worst = pick(arraysOf(card), n).worstPair(losses.map(() => 1));
    const rect = el(svg, "rect", { x: r1(edges[n]), y, width: Math.max(0.5, r1(edges[n + 1] - edges[n]) - 0.4), height: cell - 1, class: worst ? null : "empty", style: worst && heat(worst[0]).replace("background", "fill") });
    el(rect, "title", {}, `${card.name}, step ${frame.step}: ${worst ? signed(worst[0]) : "a gradient is 0"}`);
  });
}
function listen(svg) {
  const { x, width } = strip, { frames } = flow, last = frames.length - 1;
  const nearest = (event) => {
    const box = svg.getBoundingClientRect(), at = ((event.clientX - box.left) * width) / box.width;
    return frames.reduce((best, frame, n) => (Math.abs(x(frame.step) - at) < Math.abs(x(frames[best].step) - at) ? n : best), 0);
  };
  svg.addEventListener("pointerdown", (event) => { svg.setPointerCapture(event.pointerId); showFrame(nearest(event)); });
  svg.addEventListener("pointermove", (event) => event.buttons && showFrame(nearest(event)));
  svg.addEventListener("keydown", (event) => {
    const now = state.frame, to = { ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1, PageDown: now - 5, PageUp: now + 5, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    showFrame(Math.max(0, Math.min(last, to)));
  });
}
function drawNeedle() {
  if (!strip) return;
  const { step } = flow.frames[state.frame];
  set(strip.needle, { transform: `translate(${r1(strip.x(step))} 0)` });
  set(strip.svg, { "aria-valuenow": step, "aria-valuetext": `step ${step}` });
  const total = losses.map((k) => `${flow.weights[k]} × ${names[k]}`).join(" + ");
  say(byId("training-what"), `step ${step} (this run was trained with ${total})`);
}
function showFrame(n) {
  if (n === state.frame) return;
  state.frame = n;
  newFrame();
  remember();
}

// ---------------------------------------------------------------- folds

function buildFolds() {
  const box = byId("folds"), open = view().open;
  box.replaceChildren();
  box.hidden = flow.views.length < 2;
  if (box.hidden) return;
  const button = (label, name, pressed) => el(box, "button", { type: "button", "aria-pressed": pressed }, label).addEventListener("click", () => openFold(name));
  button("folded", null, open === null);
  if (open !== null && open !== "*") button(`open: ${open}`, open, true);
  button("all cards", "*", open === "*");
}
function openFold(name) {
  const found = flow.views.findIndex((v) => v.open === name);
  if (found < 0 || found === state.view) return;
  state.view = found;
  build();
  remember();
}

// ---------------------------------------------------------------- selecting

function pickable(group, key, focus = group) {
  const choose = () => {
    const fold = state.select === key && picture.cards.find((card) => card.key === key && card.data.kind === "fold");
    if (fold) openFold(key);
    else select(key);
  };
  group.addEventListener("click", choose);
  group.addEventListener("pointerenter", () => hover(key));
  group.addEventListener("pointerleave", () => hover(null));
  focus.addEventListener("focus", () => hover(key));
  focus.addEventListener("blur", () => hover(null));
  focus.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(); }
    else if (event.key === "Escape") select(null);
    else if (event.key.startsWith("Arrow")) { event.preventDefault(); moveFocus(focus, event.key); }
  });
}
// From one thing to the nearest in the direction of the arrow key.
function moveFocus(from, key) {
  const row = bars.findIndex((r) => r.label === from);
  const to = row >= 0 ? bars[row + (key === "ArrowDown" ? 1 : key === "ArrowUp" ? -1 : 0)]?.label : nearestIn(from, key);
  if (!to) return;
  from.setAttribute("tabindex", -1);
  to.setAttribute("tabindex", 0);
  to.focus();
}
function nearestIn(from, key) {
  const things = [...picture.cards.map((c) => [c.group, c.x, c.y]), ...picture.wires.map((w) => [w.group, ...w.middle])];
  const [, x, y] = things.find(([group]) => group === from);
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  let best = null, least = Infinity;
  for (const [group, tx, ty] of things) {
    const along = (tx - x) * dx + (ty - y) * dy, aside = Math.abs((tx - x) * dy) + Math.abs((ty - y) * dx);
    if (along > 4 && along + 2.5 * aside < least) [best, least] = [group, along + 2.5 * aside];
  }
  return best;
}
function select(key) {
  state.select = key;
  drawSelection();
  drawInset();
  remember();
}
function hover(key) {
  state.hover = key;
  drawSelection();
}
function drawSelection() {
  const loss = picture.cards.find((c) => c.key === (state.hover ?? state.select) && c.data.kind === "loss")?.data.loss;
  const aside = (reach) => loss !== undefined && !reach.includes(loss);
  const mark = (element, key, related) => {
    element.classList.toggle("selected", key === state.select);
    element.classList.toggle("hover", (key === state.hover && key !== state.select) || related);
  };
  for (const card of picture.cards) {
    const holds = (card.data.parameters ?? []).some((p) => flow.parameters[p].name === state.select || flow.parameters[p].name === state.hover);
    mark(card.group, card.key, holds);
    card.group.classList.toggle("aside", card.data.kind === "loss" ? loss !== undefined && card.data.loss !== loss : card.parameters.length > 0 && aside(card.measure.reach));
  }
  for (const wire of picture.wires) {
    mark(wire.group, wire.key, false);
    wire.group.classList.toggle("aside", aside(wire.reach));
  }
  for (const row of bars) mark(row.group, row.key, row.card === state.select || row.card === state.hover);
}

// ---------------------------------------------------------------- the same as text

function drawText() {
  if (byId("words").open) drawWords();
  if (byId("table").open) drawTable();
}
const trainedCards = () => picture.cards.filter((card) => card.parameters.length);

function drawWords() {
  const { weights } = state, box = byId("report"), frame = flow.frames[state.frame], cards = trainedCards();
  const keys = (some) => listing(some.map((card) => card.key)), percent = (x) => `${Math.round(100 * x)} %`;
  box.replaceChildren();
  const tell = (text) => el(box, "p", {}, text);
  tell(`Step ${frame.step}. One loss is minimised, ${losses.map((k) => `${weightText(weights[k])} × ${flow.losses[k].name}`).join(" + ")}, with one backward sweep.`);
  for (const k of losses) {
    const [able, unable] = [true, false].map((path) => cards.filter((card) => card.measure.reach.includes(k) === path));
    const far = able.length && unable.length ? ` There is no path from it to ${keys(unable)}: its weight cannot change these.` : "";
    tell(`${flow.losses[k].name} (now ${number(frame.values[k])}, weight ${weightText(weights[k])}) trains ${keys(able) || "nothing"}.${far}`);
  }
  for (const { key, measure } of cards.filter((card) => card.measure.reach.length > 1)) {
    const parts = measure.parts(weights), apart = sumOf(parts) || 1;
    const shares = listing(measure.reach.map((k) => `${percent(parts[k] / apart)} from ${names[k]}`));
    tell(`${key} is pulled by ${measure.reach.length} losses: ${shares} (${verdict(measure, weights).text}); ${percent(1 - measure.total(weights) / apart)} is lost in the addition.`);
  }
  const step = forecast(picture.whole, weights).map((x, k) => `${x < 0 ? "lower" : x > 0 ? "raise" : "not change"} ${flow.losses[k].name} (by ${number(Math.abs(x))} × the learning rate)`);
  tell(`A small plain SGD step along this gradient would, to first order, ${listing(step)}.`);
}

function drawTable() {
  const table = byId("rows"), { weights } = state;
  table.replaceChildren();
  const line = (parent, cells, tag) => {
    const row = el(parent, "tr");
    cells.forEach((cell, i) => el(row, i && tag === "td" ? "td" : "th", { scope: tag === "th" ? "col" : i ? null : "row" }, cell));
  };
  el(table, "caption", { class: "unseen" }, "Length of the gradient of each weight array, by loss");
  line(el(table, "thead"), ["weights", ...flow.losses.map((loss) => loss.name), "weighted sum", "verdict"], "th");
  const body = el(table, "tbody"), all = measuresAt(state.frame);
  for (const { name, measure, frozen } of flow.parameters) {
    const m = all[measure];
    line(body, [name + (frozen ? " (frozen)" : ""), ...losses.map((k) => (m.reach.includes(k) ? number(m.norms[k]) : "no path")), number(m.total(weights)), verdict(m, weights).text], "td");
  }
}

// ---------------------------------------------------------------- links, and the start

function remember() {
  const parts = [`w=${state.weights.join(",")}`];
  if (flow.frames.length > 1) parts.push(`step=${flow.frames[state.frame].step}`);
  if (state.select) parts.push(`select=${encodeURIComponent(state.select)}`);
  if (view().open) parts.push(`open=${encodeURIComponent(view().open)}`);
  if (state.log) parts.push("log=1");
  try { history.replaceState(null, "", `#${parts.join("&")}`); } catch { /* inside a notebook there is no address */ }
}
function recall() {
  const link = new URLSearchParams(location.hash.slice(1));
  const weights = (link.get("w") ?? "").split(",").map(parseFloat);
  if (weights.length === losses.length && weights.every(isFinite)) state.weights = weights;
  const frame = flow.frames.findIndex((f) => String(f.step) === link.get("step"));
  if (frame >= 0) state.frame = frame;
  const open = flow.views.findIndex((v) => v.open === link.get("open"));
  if (link.has("open") && open >= 0) state.view = open;
  state.log = link.get("log") === "1";
  byId("log").checked = state.log;
  state.select = link.get("select") ?? state.select;
}
// What is most worth a look at first: the weights on which losses disagree most.
function worthALook() {
  const shared = view().cards.filter((card) => card.parameters).map((card) => [pick(arraysOf(card)).worstPair(flow.weights)?.[0] ?? 2, card.name]);
  return shared.sort((a, b) => a[0] - b[0])[0]?.[1] ?? null;
}

makeColours();
if (flow.name) document.title = `Where does the gradient go? ${flow.name}`;
say(byId("note"), flow.note);
if (losses.length < 2) say(byId("training-hint"), "Click or drag, and the whole page shows that step.");
recall();
state.select ??= worthALook();
buildSliders();
build();

byId("log").addEventListener("change", (event) => { state.log = event.target.checked; redraw(); remember(); });
byId("texture").addEventListener("change", (event) => document.body.classList.toggle("textured", event.target.checked));
byId("words").addEventListener("toggle", drawText);
byId("table").addEventListener("toggle", drawText);
window.addEventListener("beforeprint", () => { drawWords(); drawTable(); });
window.addEventListener("hashchange", () => { recall(); spanSliders(); build(); });
new ResizeObserver(() => byId("parts").clientWidth !== picture.room && build()).observe(byId("parts"));

// For tests, and for the curious in the console.
window.gradientFlow = { flow, state, mix, redraw, select, openFold, showFrame, measuresAt, verdict, forecast, picture: () => picture };
}
