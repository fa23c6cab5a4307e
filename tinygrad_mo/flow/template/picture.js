// The picture of the model: the stage it stands on, its cards and wires, and its key.

const { KEY, LOST } = flow.constants;
const STAGE = 900; // pixels: on a narrower page the model stands upright
const LARGEST = 1.5, ENOUGH = 1.12; // a picture is not made larger; and not before it shows all
const SCREENS = 1.25; // how many a picture may be high that stands upright
const ROWS = [1, 2, 3, 4, 5, 6, 8, 10, 14, 20, 30];
const isStage = () => innerWidth >= STAGE;
const isPresenting = () => document.body.classList.contains("presenting");
const enlarged = () => (isPresenting() ? 16 / 12 : 1); // what is drawn for a text of 12 pixels
let picture = null; // the drawn cards and wires of the current view

// ---------------------------------------------------------------- the stage

// What the model may be drawn like: as much on each card as possible, in as few rows as possible.
function* waysToDraw(tall) {
  for (const level of LEVELS) {
    yield { level, near: false, stacked: false, rows: 1 };
    if (tall) yield { level, near: true, stacked: false, rows: 1 };
    if (!tall) yield { level, near: true, stacked: true, rows: 1 };
    if (!tall) for (const rows of ROWS.slice(1)) yield { level, near: true, stacked: false, rows };
  }
}
// The first of these ways that fits; or, as one can scroll, the shortest of those that are not too
// wide; or the one that is least too wide.
function chooseWay(shown, room, tall) {
  const ways = [];
  for (const way of waysToDraw(tall)) {
    const sizes = sizesOf(shown, way.level, tall, room);
    const plan = makePlan(shown, sizes, way.level, way), rows = makeRows(plan, way.rows);
    if (rows.length < way.rows || (way.stacked && !plan.stacks.size)) continue;
    const { along, across } = needsOf(plan, rows);
    const most = way.level === LEVELS[0] ? LARGEST : ENOUGH;
    const zoom = Math.min(room[0] / along, room[1] / across, most);
    const [width, height] = tall ? [across / room[1], along] : [along / room[0], across];
    const found = { ...way, sizes, zoom, along, width, height };
    if (zoom >= 1) return found;
    ways.push(found);
  }
  const narrow = ways.filter((way) => way.width <= 1);
  return narrow.sort((a, b) => a.height - b.height)[0] ?? ways.sort((a, b) => a.width - b.width)[0];
}
// Where a column has room left, its cards show more.
function showMore(shown, way, room, tall) {
  const { level: usual, sizes } = way, levels = shown.cards.map(() => usual);
  const fits = () => {
    const plan = makePlan(shown, sizes, usual, way), rows = makeRows(plan, way.rows);
    const { along, across } = needsOf(plan, rows);
    return along <= room[0] + 0.5 && across <= room[1] + 0.5;
  };
  const columns = makePlan(shown, sizes, usual, way).columns;
  for (const better of LEVELS.slice(0, LEVELS.indexOf(usual))) {
    const wished = sizesOf(shown, better, tall, room);
    for (const some of columns) {
      const cards = some.map((t) => t.card).filter((i) => i !== undefined && levels[i] === usual);
      const before = cards.map((i) => sizes[i]);
      for (const i of cards) sizes[i] = wished[i];
      if (fits()) for (const i of cards) levels[i] = better;
      else cards.forEach((i, n) => { sizes[i] = before[n]; });
    }
  }
  return levels;
}
// Of all cards, [along, across], large enough for their wires.
function sizesOf({ cards, wires }, level, tall, room) {
  const leaving = cards.map(() => 0), arriving = cards.map(() => 0);
  for (const [a, b] of wires) {
    leaving[a] += 1;
    arriving[b] += 1;
  }
  const isTight = tall && level === LEVELS.at(-1);
  const widest = isTight ? narrowest({ cards, wires }, level, room[1]) : cards.map(() => Infinity);
  return cards.map((card, i) => {
    const most = Math.max(leaving[i], arriving[i]);
    const needed = most > 1 ? (level.port * most) / PORTS : 0;
    const [natural, height] = sizeOf(card, level, tall), width = Math.min(natural, widest[i]);
    return tall ? [height, Math.max(width, needed)] : [width, Math.max(height, needed)];
  });
}
// How wide each card may be, so that the columns of an upright picture fit.
function narrowest({ cards, wires }, level, room) {
  const columns = findColumns(cards, wires, false), number = cards.map(() => 0);
  for (const c of columns) number[c] += 1;
  return columns.map((c) =>
    Math.max(level.least, (room - 2 * MARGIN - level.across * (number[c] - 1)) / number[c]));
}
// Where all stands, in pixels of the picture; drawn so much larger.
function layOut(shown, [width, height], tall) {
  const smallest = enlarged();
  const room = (tall ? [height, width] : [width, height]).map((x) => x / smallest);
  const way = chooseWay(shown, room, tall), zoom = Math.max(1, way.zoom);
  const inside = room.map((x) => x / zoom);
  if (tall) inside[0] = Math.min(inside[0], 1.4 * way.along);
  const levels = showMore(shown, way, inside, tall);
  const made = arrange(shown, way.sizes, way.level, way, inside);
  const turn = ([along, across]) => (tall ? [across, along] : [along, across]);
  return {
    level: way.level,
    levels,
    zoom: zoom * smallest,
    boxes: made.places.map((place, i) => [...turn(place), ...turn(way.sizes[i])]),
    paths: made.paths.map((path) => path.map(turn)),
    rows: made.rows,
    lanes: made.lanes,
    apart: made.apart,
    size: turn(made.size),
  };
}

function buildPicture() {
  const box = byId("drawing"), tall = !isStage();
  document.body.classList.toggle("stage", !tall);
  box.replaceChildren();
  const height = tall ? SCREENS * innerHeight : box.clientHeight;
  const shown = view(), placed = layOut(shown, [box.clientWidth, height], tall);
  const { level, boxes, paths } = placed, [across, down] = placed.size;
  const zoom = placed.zoom * state.zoom;
  const svg = el(box, "svg", {
    viewBox: `0 0 ${r1(across)} ${r1(down)}`,
    width: Math.floor(across * zoom),
    height: Math.floor(down * zoom),
    role: "group",
    "aria-label": "The model: arrow keys move between cards and wires, Enter selects",
  });
  if (shown.wires.length > 80) svg.classList.add("calm");
  for (const { name, cards } of shown.frames) {
    for (const row of new Set(cards.map((i) => placed.rows[i]))) {
      const inside = cards.filter((i) => placed.rows[i] === row).map((i) => boxes[i]);
      drawFrame(svg, name, inside);
    }
  }
  shown.cards.forEach((card, i) => (card.calls ?? []).forEach(([call]) => {
    const [ax, ay] = boxes[i], [bx, by] = boxes[call];
    el(svg, "path", { class: "tie", d: `M${r1(ax)} ${r1(ay)}L${r1(bx)} ${r1(by)}` });
  }));
  picture = { svg, zoom, tall, level, room: innerWidth, height: box.clientHeight };
  picture.wires = shown.wires.map((wire, i) =>
    makeWire(svg, wire, paths[i], shown.cards, placed.lanes[i], placed.apart[i]));
  picture.cards = shown.cards.map((card, i) => makeCard(svg, card, boxes[i], placed.levels[i]));
  for (const wire of picture.wires) svg.append(wire.cut.group); // numbers lie above all
  picture.cards[0]?.group.setAttribute("tabindex", 0);
  const isLarge = across * zoom > box.clientWidth + 2 || down * zoom > box.clientHeight + 2;
  byId("picture").classList.toggle("large", !tall && (isLarge || state.zoom !== 1));
  const [forward, backward] = tall ? ["data runs down ↓", "↑ the gradient runs up, once"]
    : ["data runs forward →", "← the gradient runs backward, once"];
  say(byId("forward"), forward);
  say(byId("backward"), backward);
}
// Around the cards of an open fold, with its name above them.
function drawFrame(svg, name, boxes) {
  const pad = 7;
  const edge = (axis, side) => boxes.map((box) => box[axis] + side * (box[axis + 2] / 2 + pad));
  const x = Math.min(...edge(0, -1)), y = Math.min(...edge(1, -1));
  const width = Math.max(...edge(0, 1)) - x, height = Math.max(...edge(1, 1)) - y;
  const place = { x: r1(x), y: r1(y), width: r1(width), height: r1(height), rx: 12 };
  el(el(svg, "rect", { class: "frame", ...place }), "title", {}, name);
}

// ---------------------------------------------------------------- numbers

// The measurements of the training step that is shown.
function measurePicture() {
  for (const wire of picture.wires) wire.measure = pick(wire.parts);
  for (const card of picture.cards) card.measure = pick(card.parameters);
  picture.whole = pick(trainedMeasures());
}

// So that no wire is too wide, nor all those together that meet at one side of a card.
function scalePicture() {
  const { wires, cards, tall, level } = picture, meeting = new Map();
  const sides = ({ ends: [a, b] }) => [[a, `${a} out`], [b, `${b} in`]];
  for (const [, side] of wires.flatMap(sides)) meeting.set(side, (meeting.get(side) ?? 0) + 1);
  const room = ([card, side]) =>
    (1.1 * PORTS * (tall ? cards[card].width : cards[card].height)) / meeting.get(side);
  for (const wire of wires) {
    wire.widest = Math.min(level.widest, wire.room, ...sides(wire).map(room));
  }
  const found = scaleOf(wires, (measure, weights) => measure.total(weights));
  const ofWires = found.most ? found : scaleOf(wires, lengthsAdded); // all cancels: rims remain
  const bars = cards.filter((card) => card.bar).flatMap((c) => [barOf(c.parameters), ...c.calls.map(
    ({ parts }) => barOf(parts))]);
  const ofBars = scaleOf(bars, lengthsAdded);
  picture.full = isLog() ? ofWires.most : WIDER * ofWires.middle;
  picture.fullBar = Math.min(ofBars.most, WIDER * ofBars.middle);
}
const barOf = (parts) => ({ pickAt: (n) => pick(parts, n) });

function drawPicture() {
  const { full, level: { widest } } = picture;
  for (const wire of picture.wires) drawWire(wire, state.weights, full, widest);
  placeNumbers(picture.wires, picture.cards);
  for (const card of picture.cards) drawCard(card, state.weights, picture.fullBar);
}

// ---------------------------------------------------------------- the key

// What thickness and colours mean.
function drawKey() {
  const key = byId("key");
  key.replaceChildren();
  const item = (text, make, title = "") => {
    const span = el(key, "span", { title: title || null });
    make(el(span, "svg", { width: 26, height: 18, "aria-hidden": true }));
    span.append(text);
    return span;
  };
  const grey = { class: "grey" };
  const box = (svg, x, y, width, height, look = grey) =>
    el(svg, "rect", { x, y, width, height, ...look });
  const { full, fullBar, zoom, level, wires } = picture;
  if (full) {
    const size = isLog() ? full : roundNumber((KEY / level.widest / zoom) * full);
    const thick = share(size, full) * level.widest * zoom, height = Math.max(18, Math.ceil(thick));
    const log = isLog() ? "; half as thick: a thousand times smaller" : "";
    const bars = fullBar ? `A full bar on a card: ${number(fullBar)}` : "";
    item(`this thick: ${+size.toPrecision(3)}${log}`, (svg) => {
      set(svg, { height, width: 16 });
      box(svg, 0, (height - thick) / 2, 16, thick);
    }, bars);
  }
  const senders = losses.length < 5 ? losses.map((k) =>
    item(`from ${names[k]}`, (svg) => box(svg, 0, 4, 26, 10, { class: `p${k}`, rx: 2 }))) : [];
  if (flow.repeated) el(key, "span", {}, flow.repeated);
  if (losses.length > 1) for (const kind of RIM_KINDS) {
    item(LOST[kind], (svg) => box(svg, 0.5, 3.5, 25, 11, { class: `${kind} edged` }));
  }
  if (wires.some((wire) => wire.isCut)) item("cut: read the number", (svg) => {
    box(svg, 0, 4, 26, 10);
    el(svg, "path", { class: "gap", d: "M11 16L15 2" });
    el(svg, "path", { class: "strokes", d: "M8 16L12 2M14 16L18 2" });
  });
  if (wires.some((wire) => wire.isHollow)) {
    const least = number(ofShare(THINNEST / level.widest, full));
    item(`hollow: under ${least}`, (svg) => {
      box(svg, 0, 7.5, 26, 3);
      el(svg, "path", { class: "hollow", d: "M0 9H26" });
    });
  }
  item("no gradient", (svg) => el(svg, "path", { class: "none", d: "M0 9H26" }),
    "in colour: there is a path, but the weight or the gradient is 0");
  if (wires.some((wire) => !isFinite(wire.measure.total(state.weights)))) {
    item("not finite", (svg) => el(svg, "path", { class: "none bad", d: "M0 9H26" }));
  }
  if (flow.frames.length > 1) {
    const all = hasRuns() ? "runs" : "steps";
    el(key, "b", { class: "one-scale" }, `one scale for all ${all}`);
  }
  if (isStage() && key.scrollHeight > key.clientHeight + 2) for (const one of senders) one.remove();
}
// The nearest of 1, 2 and 5 times a power of ten.
function roundNumber(x) {
  const power = 10 ** Math.floor(Math.log10(x));
  return [1, 2, 5, 10].reduce(
    (best, n) => (Math.abs(n * power - x) < Math.abs(best - x) ? n * power : best), power);
}

// Above a large picture: the way from all cards folded to what is open.
function buildFolds() {
  const box = byId("folds"), { open } = state;
  box.replaceChildren();
  box.hidden = !flow.folds.length;
  if (box.hidden) return;
  const way = [];
  for (let n = flow.folds.findIndex(([name]) => name === open); n >= 0; n = parentOf(n)) {
    way.unshift(flow.folds[n][0]);
  }
  const button = (label, which) => {
    const made = el(box, "button", { type: "button", "aria-pressed": open === which }, label);
    made.opens = which;
  };
  button("folded", null);
  for (const name of way) button(name, name);
  button("all cards", ALL);
}
