// Cards of the picture: losses, cards without weights, and cards that show who trains theirs.

const { BAR } = flow.constants;
const PAD = 9; // pixels between a card's edge and text that starts there
const LETTERS = { title: 13, small: 12, verdict: 12 };
const CENTRED = { "text-anchor": "middle" };

// How much a card shows, and how large it is: the most that there is room for.
const LEVELS = [
  { name: "full", high: 104, plain: 46, loss: 104, least: 84, most: 162, compass: 19, widest: 44,
    along: 34, across: 18, spread: 24, farthest: 120, stack: 34, port: 18, call: 17 },
  { name: "medium", high: 66, plain: 42, loss: 58, least: 76, most: 150, compass: 15, widest: 28,
    along: 28, across: 12, spread: 22, farthest: 120, stack: 28, port: 13, call: 15 },
  { name: "small", high: 46, plain: 26, loss: 42, least: 66, most: 130, compass: 0, widest: 18,
    along: 24, across: 8, spread: 20, farthest: 90, stack: 24, port: 9, call: 15 },
  { name: "tiny", high: 31, plain: 24, loss: 24, least: 48, most: 112, compass: 0, widest: 12,
    along: 20, across: 5, spread: 16, farthest: 80, stack: 22, port: 6, call: 14 },
];

const isShared = (card) => pick(measuresOfCard(card)).reach.length > 1;
// Width and height before wires demand more; in a tall picture cards stand beside each other.
function sizeOf(card, level, tall) {
  const { kind, label, parameters, calls = [] } = card, wide = (text, size, weight) =>
    lengthOf(text, size, weight) + 2 * PAD;
  const most = tall ? Math.min(level.most, 128) : level.most;
  const least = tall ? level.least - 10 : level.least;
  const within = (...needs) => Math.min(most, Math.max(least, ...needs));
  const title = wide(label + (kind === "fold" ? " ___" : ""), LETTERS.title, BOLD);
  if (kind === "loss") {
    const { label: long, short } = flow.losses[card.loss];
    const text = level.name === "tiny" ? `${short}  × 0.00` : level.name === "full" ? long : short;
    const numbers = level.name === "tiny" ? 0 : wide("0.00 × 0.00", LETTERS.small, BOLD);
    const most = wide(text, LETTERS.title, BOLD) + 4;
    if (tall && level.name === "tiny") return [wide(short, LETTERS.title, BOLD), 38];
    return [Math.min(150, Math.max(within(0), most, numbers)), level.loss];
  }
  if (!parameters) {
    const about = level.plain > 40 ? wide(aboutPlain(card), LETTERS.small) : 0;
    return [within(title, about), level.plain];
  }
  const compass = level.compass && isShared(card) ? 2 * level.compass + 4 : 0;
  const all = level.name === "full" ? wide(aboutCard(card), LETTERS.small) + compass : 0;
  const about = all > most ? wide(card.shape ?? "", LETTERS.small) + compass : all;
  const word = level.name === "tiny" ? 0 : wide(widestVerdict(card, level), LETTERS.verdict, BOLD);
  const beside = level.name === "medium" ? compass + (kind === "fold" ? 20 : 0) : 0;
  const callers = calls.map(([call]) => wide(`↳ ${view().cards[call].label}`, LETTERS.small) + 44);
  const names = Math.max(0, ...callers);
  return [within(title, about, word + beside, names), level.high + calls.length * level.call];
}
const aboutPlain = ({ silent, shape, type }) => (silent ? "output, no loss" : shape || type || "");
function widestVerdict(card, { name }) {
  const { reach } = pick(measuresOfCard(card));
  if (reach.length > 1 && name === "small") return signed(-0.25);
  const marks = losses.length > 2 ? "_____" : ""; // of the pair that agrees least
  if (reach.length > 1) return phrase(VERDICTS.unrelated, signed(-0.25)) + marks;
  return reach.length ? phrase(VERDICTS.only, names[reach[0]]) : VERDICTS.unreached;
}

// Things of a card are placed from its centre.
function makeCard(parent, data, [x, y, width, height], level) {
  const card = { data, key: keyOf("card", data.name), x, y, width, height, level };
  card.parameters = measuresOfCard(data);
  const place = { transform: `translate(${r1(x)} ${r1(y)})`, tabindex: -1, role: "button" };
  const group = (card.group = el(parent, "g", { class: `card ${data.kind}`, ...place }));
  card.left = -width / 2;
  card.top = -height / 2;
  const sheet = (look, x, y, wide) =>
    el(group, "rect", { class: look, x: r1(x), y: r1(y), width: r1(wide), height, rx: 8 });
  if (data.kind === "fold") sheet("behind", card.left + 4, card.top - 4, width - 8);
  card.box = sheet("box", card.left, card.top, width);
  if (data.kind === "loss") makeLoss(card, data);
  else if (card.parameters.length) makeJudged(card, data);
  else makePlain(card, data);
  if (data.kind === "fold") makeOpener(card);
  // Whoever listens hears word by word what is written, and last what a pointer is told.
  for (const text of group.querySelectorAll("text")) text.after(" ");
  for (const title of group.querySelectorAll("title")) title.remove();
  card.title = el(group, "title");
  return card;
}

function makeLoss(card, { loss }) {
  const { group, top, left, width, level } = card, { label, short } = flow.losses[loss];
  const room = width - 2 * PAD, isFull = level.name === "full", tiny = level.name === "tiny";
  const title = isFull && fit(label, room, LETTERS.title, BOLD) === label ? label : short;
  card.reach = [loss];
  card.before = "now";
  const colour = `var(--loss${loss})`;
  const pale = `color-mix(in srgb, var(--card) var(--tint), ${colour})`;
  set(card.box, { style: `fill:${pale};stroke:${colour}` });
  const edge = { x: left, y: top + 6, width: 5, height: card.height - 12, rx: 2 };
  el(group, "rect", { class: `p${loss}`, ...edge });
  const isFlat = tiny && card.height < 30;
  const first = top + (isFull ? 24 : tiny ? 15 : 18), foot = card.height / 2 - 9;
  const at = isFlat ? { x: left + PAD + 2, y: 4.5 } : { x: 2, y: first };
  const wording = { class: `t${loss}`, ...(isFlat ? {} : CENTRED) };
  const rooms = isFull ? [room + 6, room + 6] : [isFlat ? room - 46 : room + 6];
  const lines = inLines(title, rooms, LETTERS.title, BOLD), up = 7 * (lines.length - 1);
  writeLines(group, at.x, at.y - up, title, lines, LETTERS.title, BOLD, wording);
  const small = { "font-size": LETTERS.small };
  if (isFull) card.value = el(group, "text", { x: 2, y: top + 43 + up, ...small, ...CENTRED });
  else if (!tiny) card.value = el(group, "text", { x: left + PAD + 2, y: foot, ...small });
  const end = { x: width / 2 - PAD + 2, "text-anchor": "end", y: isFlat ? 4.5 : foot };
  if (isFull) {
    const pill = { x: left + 13, y: top + 66, width: width - 22, height: 24, rx: 12 };
    const letters = { x: 2, y: pill.y + 16.5, ...small, ...CENTRED };
    el(group, "rect", { class: "pillbox", style: `stroke:${colour}`, ...pill });
    card.pill = el(group, "text", { ...letters, "font-weight": BOLD });
  } else card.pill = el(group, "text", { ...end, ...small, "font-weight": BOLD });
}

function makePlain({ group, width, height }, data) {
  const room = width - 2 * PAD + 4, most = height > 44 ? 3 : height > 38 ? 2 : 1;
  const opener = data.kind === "fold" ? 16 : 0, rooms = Array(most).fill(room - opener);
  const lines = inLines(data.label, rooms, LETTERS.title, BOLD);
  const about = lines.length < most && aboutPlain(data), number = lines.length + (about ? 1 : 0);
  const y = { 1: 4.5, 2: -3, 3: -9.5 }[number];
  writeLines(group, -opener / 2, y, data.label, lines, LETTERS.title, BOLD, CENTRED);
  const small = { class: "small", ...CENTRED }, last = { 2: 14, 3: 18.5 }[number];
  if (about) write(group, 0, last, about, room, LETTERS.small, 400, small);
}

function makeJudged(card, data) {
  const { label, kind, parameters, calls = [] } = data, { level } = card;
  const { group, left, top, width } = card, start = left + PAD, inside = width - 2 * PAD;
  card.frozen = frozenWord(parameters);
  card.reach = pick(card.parameters).reach;
  const isFull = level.name === "full", shared = level.compass && card.reach.length > 1;
  const isBeside = shared && !isFull;
  const foot = card.height / 2 - calls.length * level.call;
  const opener = kind === "fold" ? 20 : 0, beside = shared ? 2 * level.compass + 4 : 0;
  const room = inside - opener - (isBeside ? beside : 0);
  const tight = level.name === "tiny" ? 5 : 0; // where room is scarce, less of it at the edge
  const after = isFull ? inside - beside : room, most = { full: 3, medium: 2 }[level.name] ?? 1;
  const rooms = [room + 2 * tight, after, after].slice(0, most);
  const lines = inLines(label, rooms, LETTERS.title, BOLD), isLong = lines.length > 1;
  const first = top + ({ full: isLong ? 18 : 21, medium: isLong ? 16 : 19 }[level.name] ?? 15);
  writeLines(group, start - tight, first, label, lines, LETTERS.title, BOLD);
  const about = card.frozen || aboutCard(data);
  const free = inside - lengthOf(label, LETTERS.title, BOLD) - opener - 8 - (isBeside ? beside : 0);
  const isShort = lengthOf(about, LETTERS.small) > inside - beside && data.shape;
  const text = isShort ? data.shape : about;
  const below = isLong ? first + lines.length * PITCH : top + 39;
  const small = { class: "small" };
  if (isFull) write(group, start, below, text, inside - beside, LETTERS.small, 400, small);
  else if (level.name === "medium" && !isLong && lengthOf(about, LETTERS.small) < free) {
    const x = start + lengthOf(label, LETTERS.title, BOLD) + 6;
    write(group, x, first, about, free, LETTERS.small, 400, { class: "small" });
  }
  if (shared) makeCompass(card, isFull ? top + 46 : top + 21, isFull ? 0 : opener);
  const thick = { full: BAR, medium: 7, small: 5, tiny: 5 }[level.name];
  const bottom = foot - { full: 9, medium: 8, small: 5, tiny: 4 }[level.name];
  if (level.name !== "tiny") {
    const letters = { "font-size": LETTERS.verdict, "font-weight": BOLD };
    const y = bottom - thick - { full: 8, medium: 6, small: 5 }[level.name];
    const back = { x: start - 4, y: y - 11.5, height: 15.5, rx: 4 };
    const found = el(group, "g", { class: "found" });
    card.back = el(found, "rect", { class: "wordback", ...back });
    card.verdict = el(found, "text", { x: start, y, ...letters });
    const mark = { y: y - 9, width: 10, height: 10, rx: 2 };
    card.pair = [23, 11].map((d) => el(found, "rect", { x: width / 2 - PAD - d + 1, ...mark }));
    }
  card.bar = makeBar(group, start, bottom - thick, inside, thick, card.reach);
  if (card.frozen === FROZEN_WORDS[0]) fade(card.bar);
  card.calls = calls.map(([call, parts], i) => {
    const y = foot - 2 + i * level.call, from = view().cards[call].label;
    const half = Math.max(inside * 0.45, inside - 60);
    write(group, start, y + 9, `↳ ${from}`, half - 4, LETTERS.small, 400, { class: "small" });
    const bar = makeBar(group, start + half, y + 2, inside - half, 7, card.reach);
    return { parts, bar };
  });
  group.append(...group.querySelectorAll(":scope > .found")); // what is heard ends with the verdict
}
const aboutFold = ({ nodes }) => `${nodes.length} cards`;
// Its type and shape; or what it holds.
function aboutCard({ kind, type = "", shape = "", silent, nodes, calls }) {
  if (kind === "fold") return aboutFold({ nodes });
  if (kind === "weights") return `used ${calls.length} times`;
  return silent ? "no loss" : [type, shape].filter(Boolean).join(" ");
}
// How the pulls of the losses add up, in small: the total would point to the left.
function makeCompass(card, y, beside) {
  const { group, width, level } = card, radius = level.compass;
  const x = r1(width / 2 - radius - 7 - beside);
  const disc = el(group, "g", { transform: `translate(${x} ${y})` });
  el(disc, "circle", { class: "disc", r: radius });
  const found = el(disc, "g", { class: "found" });
  card.arrows = losses.map((k) => makeArrow(found, 0, 0, 2.6, { class: `q${k}` }));
  card.room = radius - 3;
}
// The plus in the corner of a fold.
function makeOpener({ group, left, top, height, parameters }) {
  const x = -left - 13, y = parameters.length && height > 40 ? top + 16 : 0;
  const open = el(group, "g", { class: "open" });
  el(open, "circle", { cx: x, cy: y, r: 8, class: "disc" });
  el(open, "path", { d: `M${x - 4} ${y}h8m-4 -4v8` });
}

// Heard as one sentence: what is written on it, in its order, and then what there was no room for.
function drawCard(card, weights, full) {
  const { data, group } = card, { kind, loss, silent } = data;
  const more = kind === "loss" ? drawLoss(card, weights[loss])
    : card.parameters.length ? drawJudged(card, weights, full) : aboutUnweighted(data);
  const seen = textsIn(group), rest = [data.name !== seen[0] && kind !== "loss" && data.name, more];
  if (silent) rest.push("an output without a loss");
  if (kind === "fold") rest.push(`${aboutFold(data)} folded here, Enter twice opens them`);
  const untold = `${rest.filter(Boolean).join("; ")}.`;
  say(card.title, untold);
  set(group, { "aria-label": `${seen.join(", ")}: ${untold}` });
}
const aboutUnweighted = ({ kind, shape }) =>
  (kind === "input" ? "an input" : "no weights") + (shape ? `, output ${shape}` : "");
function drawLoss(card, w) {
  const { loss } = card.data, value = frameNow().values[loss], isFull = card.level.name === "full";
  const text = value === null ? SENTENCES.unlabelled : `now ${number(value)}`;
  const room = card.width - 2 * PAD;
  const beside = room - lengthOf(`× ${weightText(w)}`, LETTERS.small, BOLD);
  const short = value === null ? "–" : shortNumber(value, beside);
  if (card.value) say(card.value, isFull ? fit(text, room, LETTERS.small) : short);
  const pills = [`× ${weightText(w)}`, `×${+w.toPrecision(2)}`];
  const fits = (text) => lengthOf(text, LETTERS.small, BOLD) <= room + 6;
  const pill = pills.find(fits) ?? pills[1];
  say(card.pill, fit(pill, room + 6, LETTERS.small, BOLD));
  card.group.classList.toggle("off", !w);
  const { name, kind } = flow.losses[loss], about = kind && ` (${kind})`;
  return `loss ${name}${about}, ${text}, weight ${weightText(w)}`;
}
// With as many digits as there is room for.
function shortNumber(x, room) {
  const texts = isFinite(x) ? [number(x), x.toPrecision(2), x.toPrecision(1)] : [number(x)];
  return texts.find((text) => lengthOf(text, LETTERS.small) < room) ?? "";
}
function drawJudged(card, weights, full) {
  const { measure } = card, judged = verdict(measure, weights);
  if (card.verdict) drawVerdict(card, judged);
  drawBar(card.bar, measure, weights, full);
  for (const call of card.calls) drawBar(call.bar, pick(call.parts), weights, full);
  if (card.arrows) drawCompass(card, pulls(measure, weights).arrows);
  const { shape } = card.data, whole = number(measure.total(weights));
  const parts = [shape && `output ${shape}`, card.frozen, judged.text];
  return [...parts, `the weighted gradient of its weights is ${whole}`].filter(Boolean).join(", ");
}
function drawVerdict(card, judged) {
  const inside = card.width - 2 * PAD, isTight = card.level.name === "medium" && card.arrows;
  const pair = losses.length > 2 && judged.worst && inside > 95 && !isTight;
  const room = inside - (pair ? 26 : 0);
  const text = shortVerdict(judged, room), width = lengthOf(text, LETTERS.verdict, BOLD) + 8;
  set(card.verdict, { class: judged.tone });
  say(card.verdict, text);
  set(card.back, { width: r1(width), visibility: judged.tone === "conflict" ? null : "hidden" });
  card.pair.forEach((mark, i) => {
    show(mark, pair);
    if (pair) set(mark, { class: `p${judged.worst[i + 1]}` });
  });
}
function shortVerdict({ text, only, short, worst }, room) {
  const rest = lengthOf(phrase(VERDICTS.only, ""), LETTERS.verdict, BOLD);
  if (only) return phrase(VERDICTS.only, fit(only, room - rest, LETTERS.verdict, BOLD));
  const most = short ?? text;
  if (worst && lengthOf(most, LETTERS.verdict, BOLD) > room) return signed(worst[0]);
  return fit(most, room, LETTERS.verdict, BOLD);
}
function drawCompass({ arrows: made, room }, arrows) {
  const longest = Math.max(...arrows.map((a) => a.size), 1e-300);
  for (const one of made) show(one.group, false);
  for (const a of arrows) drawArrow(made[a.k], (a.x / longest) * room, (a.y / longest) * room);
}
