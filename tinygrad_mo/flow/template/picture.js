// The picture of the model: where it stands, how large its cards and wires are, and its key.

const { KEY, PORTS, RIMS, THRESHOLDS } = flow.constants;
const BESIDE = 860; // pixels: on a narrower page the panels stand below a tall picture
const READABLE = 0.72; // a smaller picture is hard to read
let picture = null; // the drawn cards and wires of the current view

// Left to right if that can be read; otherwise top to bottom, with the other panels beside it.
function orientation(parts) {
  const { wide, tall } = view(), room = parts.clientWidth, side = room >= BESIDE;
  const column = side ? (room - parseFloat(getComputedStyle(parts).columnGap)) / 2 : room;
  const across = room / wide.size[0], down = column / tall.size[0];
  if (across >= READABLE || across >= Math.min(down, 1)) return { tall: false, side: false, room };
  return { tall: true, side, room: column };
}

function buildPicture() {
  const parts = byId("parts"), { tall, side, room } = orientation(parts);
  const now = view(), layout = tall ? now.tall : now.wide, [width, height] = layout.size;
  const most = tall ? 1.15 : Math.min(1.35, Math.max(0.95, (0.62 * innerHeight) / height));
  const zoom = Math.max(0.5, Math.min(room / width, most));
  set(parts, { class: side ? "side" : parts.clientWidth < BESIDE ? "narrow" : "" });
  byId("drawing").replaceChildren();
  const svg = el(byId("drawing"), "svg", {
    viewBox: `0 0 ${width} ${height}`,
    width: Math.floor(width * zoom),
    height: Math.floor(height * zoom),
    role: "group",
    "aria-label": "The model: arrow keys move between cards and wires, Enter selects",
  });
  if (now.wires.length > 80) svg.classList.add("calm");
  for (const { name, cards } of now.frames) drawFrame(svg, name, cards.map((i) => layout.cards[i]));
  now.cards.forEach((card, i) => (card.calls ?? []).forEach(([call]) => {
    const [ax, ay] = layout.cards[i], [bx, by] = layout.cards[call];
    el(svg, "path", { class: "tie", d: `M${ax} ${ay}L${bx} ${by}` });
  }));
  picture = { zoom, tall, room: parts.clientWidth };
  picture.wires = now.wires.map((wire, i) => makeWire(svg, wire, layout.paths[i], now.cards, tall));
  picture.cards = now.cards.map((card, i) => makeCard(svg, card, layout.cards[i]));
  picture.cards[0]?.group.setAttribute("tabindex", 0);
  say(byId("forward"), tall ? "data goes forward ↓" : "data goes forward →");
  say(byId("backward"), tall ? "↑ gradient goes backward" : "← gradient goes backward");
}
// Around the cards of an open fold, with its name above them.
function drawFrame(svg, name, boxes) {
  const pad = 12, title = 12;
  const edge = (axis, side) => boxes.map((box) => box[axis] + side * (box[axis + 2] / 2 + pad));
  const x = Math.min(...edge(0, -1)), y = Math.min(...edge(1, -1)) - title;
  const width = Math.max(...edge(0, 1)) - x, height = Math.max(...edge(1, 1)) - y;
  el(el(svg, "rect", { class: "frame", x, y, width, height, rx: 14 }), "title", {}, name);
  write(svg, x + 10, y + 16, name, width - 20, 13, 400, { class: "frame-name" });
}

// The measurements of the training step that is shown.
function measurePicture() {
  for (const wire of picture.wires) wire.measure = pick(wire.parts);
  for (const card of picture.cards) card.measure = pick(card.parameters);
  picture.whole = pick(trainedMeasures());
}

// So that no wire is too wide, nor all those together that meet at one side of a card.
function scalePicture() {
  const { wires, cards, tall } = picture, count = new Map();
  const sides = ({ ends: [a, b] }) => [[a, `${a} out`], [b, `${b} in`]];
  for (const [, side] of wires.flatMap(sides)) count.set(side, (count.get(side) ?? 0) + 1);
  const room = ([card, side]) =>
    (1.2 * PORTS * (tall ? cards[card].width : cards[card].height)) / count.get(side);
  for (const wire of wires) wire.widest = Math.min(WIDEST, ...sides(wire).map(room));
  const ofWires = scaleOf(wires);
  const ofBars = scaleOf(cards.filter((card) => card.bar).flatMap((c) => [c, ...c.calls]));
  picture.full = ofWires.full;
  picture.fullBar = ofBars.full;
  picture.cuts = ofWires.cuts || ofBars.cuts;
  picture.isBroken = wires.some((wire) => !wire.history.flat().every(isFinite));
}

function drawPicture() {
  for (const wire of picture.wires) drawWire(wire, state.weights, picture.full);
  for (const card of picture.cards) drawCard(card, state.weights, picture.fullBar);
}

// What thickness and colours mean.
function drawKey() {
  const key = byId("key");
  key.replaceChildren();
  const item = (text, make) => {
    const span = el(key, "span");
    make(el(span, "svg", { width: 30, height: 20, "aria-hidden": true }));
    span.append(text);
  };
  const grey = { style: "fill:var(--muted)" };
  const box = (svg, x, y, width, height, look = grey) =>
    el(svg, "rect", { x, y, width, height, ...look });
  const { full, fullBar, zoom, cuts, isBroken } = picture;
  if (full) {
    const size = state.log ? full : roundNumber((KEY / WIDEST) * full);
    const thick = share(size, full) * WIDEST * zoom, height = Math.max(20, Math.ceil(thick));
    const least = formatted(ofShare(THINNEST / WIDEST, full), "", 3);
    const log = state.log ? "; half as thick: a thousand times smaller" : "";
    const thinnest = `${log}; thinnest: ${least} or less`;
    item(`this thick: a gradient of ${+size.toPrecision(3)}${thinnest}`, (svg) => {
      set(svg, { height });
      box(svg, 8, (height - thick) / 2, 14, thick);
    });
  }
  if (cuts) {
    item("cut: larger than there is room for", (svg) => {
      box(svg, 0, 4, 30, 12);
      el(svg, "path", { class: "gap", d: "M13 2L17 18" });
    });
  }
  if (fullBar) item(`a full bar on a card: ${number(fullBar)}`, (svg) => box(svg, 0, 6, 30, 8));
  for (const k of losses) {
    item(`sent by ${names[k]}`, (svg) => box(svg, 2, 5, 26, 10, { class: `p${k}`, rx: 2 }));
  }
  if (flow.repeated) el(key, "span", {}, flow.repeated);
  if (losses.length > 1) for (const kind of RIM_KINDS) {
    item(RIMS[kind], (svg) => {
      box(svg, 2, 2, 26, 16, { class: kind });
      box(svg, 2, 7, 26, 6);
    });
  }
  const dashes = (colour) => (svg) => {
    const style = `stroke:var(--${colour});stroke-width:1.5;stroke-dasharray:4 4`;
    el(svg, "path", { d: "M1 10H29", style });
  };
  const none = "no gradient; in colour: there is a path, but the weight or the gradient is 0";
  item(none, dashes("faint"));
  if (isBroken) item("not finite", dashes("conflict"));
  if (losses.length > 1) el(key, "span", {}, THRESHOLDS);
}
// The nearest of 1, 2 and 5 times a power of ten.
function roundNumber(x) {
  const power = 10 ** Math.floor(Math.log10(x));
  return [1, 2, 5, 10].reduce(
    (best, n) => (Math.abs(n * power - x) < Math.abs(best - x) ? n * power : best), power);
}

// Above a large picture: what is folded, and what is open.
function buildFolds() {
  const box = byId("folds"), { open } = view();
  box.replaceChildren();
  box.hidden = flow.views.length < 2;
  if (box.hidden) return;
  const button = (label, which) => {
    const value = flow.views.findIndex((v) => v.open === which);
    el(box, "button", { type: "button", value, "aria-pressed": open === which }, label);
  };
  button("folded", null);
  if (open !== null && open !== ALL) button(`open: ${open}`, open);
  button("all cards", ALL);
}
