// Cards of the picture: losses, cards without weights, and cards that show who trains theirs.

const { BAR, CALL } = flow.constants;
const PAD = 10; // pixels between a card's edge and text that starts there
const TIGHT = 7; // and text that is centred
const LETTERS = { title: 15, small: 13, value: 14, pill: 15.5, verdict: 14 };
const BOLD = 700;
const CENTRED = { "text-anchor": "middle" };

// Things of a card are placed from its centre.
function makeCard(parent, data, [x, y, width, height]) {
  const card = { data, key: keyOf("card", data.name), x, y, width, height };
  card.parameters = measuresOfCard(data);
  const place = { transform: `translate(${x} ${y})`, tabindex: -1, role: "button" };
  const group = (card.group = el(parent, "g", { class: "card", ...place }));
  card.left = -width / 2;
  card.top = -height / 2;
  card.title = el(group, "title");
  const sheet = (name, d) =>
    el(group, "rect", { class: name, x: card.left - d, y: card.top - d, width, height, rx: 9 });
  if (data.kind === "fold") for (const d of [7, 3.5]) sheet("behind", d);
  card.box = sheet("box", 0);
  if (data.kind === "loss") makeLoss(card, data);
  else if (card.parameters.length) makeJudged(card, data);
  else makePlain(card, data);
  if (data.kind === "fold") makeOpener(card);
  return card;
}

function makeLoss(card, { loss }) {
  const { group, top, width } = card, { label, short } = flow.losses[loss];
  const room = width - 2 * TIGHT, fits = fit(label, room, LETTERS.title, BOLD) === label;
  const title = fits ? label : short;
  card.reach = [loss];
  card.before = title === short ? "loss now" : "now";
  set(card.box, { style: `fill:color-mix(in srgb, var(--card) var(--tint), var(--loss${loss}))` });
  write(group, 0, top + 28, title, room, LETTERS.title, BOLD, { class: `t${loss}`, ...CENTRED });
  const value = { y: top + 51, "font-size": LETTERS.value, ...CENTRED };
  card.value = el(group, "text", { class: "small", ...value });
  const pill = { x: -44, y: top + 64, width: 88, height: 28, rx: 14 };
  el(group, "rect", { style: `fill:var(--loss${loss})`, ...pill });
  const weight = { y: pill.y + 19.5, "font-size": LETTERS.pill, "font-weight": BOLD, ...CENTRED };
  card.pill = el(group, "text", { class: "pilltext", ...weight });
}

function makePlain({ group, width }, { name, label = name, silent, shape, type }) {
  const room = width - 2 * TIGHT, about = silent ? "output, no loss" : shape || type || "";
  write(group, 0, -4, label, room, LETTERS.title, BOLD, CENTRED);
  write(group, 0, 15, about, room, LETTERS.small, 400, { class: "small", ...CENTRED });
}

function makeJudged(card, data) {
  const { name, label = name, kind, parameters, calls = [] } = data;
  const { group, left, top, width } = card, start = left + PAD, inside = width - 2 * PAD;
  card.frozen = frozenWord(parameters);
  card.history = historyOf((n) => pick(measuresOfCard(data, n), n));
  // Of a fold, the first and the last card.
  const [title, until] = kind === "fold" ? label.split(" … ") : [label];
  const beforePlus = kind === "fold" ? inside - 18 : inside;
  const size = calls.length ? 14.5 : 16;
  write(group, start, top + 23, until ? `${title} …` : title, beforePlus, size, BOLD);
  card.reach = pick(card.parameters).reach;
  const room = card.reach.length > 1 ? width - 66 : inside; // beside the compass
  const about = card.frozen || aboutCard(data, until, room);
  write(group, start, top + 42, about, room, LETTERS.small, 400, { class: "small" });
  if (card.reach.length > 1) makeCompass(card);
  const foot = card.height / 2 - calls.length * CALL;
  // Smaller with more than two losses: marks at its right say which pair it is about.
  const letters = { "font-size": losses.length > 2 ? 12.5 : LETTERS.verdict, "font-weight": BOLD };
  card.verdict = el(group, "text", { x: start, y: foot - 24, ...letters });
  const mark = { y: foot - 33, width: 4, height: 10 };
  card.pair = [18, 13].map((d) => el(group, "rect", { x: width / 2 - d, ...mark }));
  card.bar = makeBar(group, start, foot - 17, inside, BAR, card.reach);
  if (card.frozen === FROZEN_WORDS[0]) fade(card.bar);
  card.calls = calls.map(([call, parts], i) => {
    const y = foot - 1 + i * CALL, from = view().cards[call].name;
    write(group, start, y + 9, from, 82, 12, 400, { class: "small" });
    const bar = makeBar(group, left + 98, y + 2, width - 98 - PAD, 7, card.reach);
    return { parts, bar, history: historyOf((n) => pick(parts, n)) };
  });
}
// Its type and shape, or where there is no room for both, its shape.
function aboutCard({ type, shape, silent }, until, room) {
  if (silent) return "no loss";
  const about = until ? `… ${until}` : [type, shape].filter(Boolean).join(" ");
  return fit(about, room, LETTERS.small) === about ? about : shape || about;
}
// How the pulls of the losses add up, in small: the total would point to the left.
function makeCompass(card) {
  const { group, top, width } = card;
  const disc = el(group, "g", { transform: `translate(${width / 2 - 29} ${top + 50})` });
  el(disc, "circle", { class: "disc", r: 20 });
  card.arrows = losses.map((k) => makeArrow(disc, 0, 0, 2.6, { class: `p${k} s${k}` }));
}
// The plus in the corner of a fold.
function makeOpener({ group, left, top }) {
  const open = el(group, "g", { class: "open" });
  el(open, "circle", { cx: -left - 14, cy: top + 15, r: 8, class: "disc" });
  const plus = `M${-left - 18} ${top + 15}h8m-4 -4v8`;
  el(open, "path", { d: plus, style: "stroke:var(--ink);stroke-width:1.6" });
}

function drawCard(card, weights, full) {
  const { name, kind, shape, type, silent } = card.data;
  let text = `${name}${shape ? `, output ${shape}` : ""}`;
  if (kind === "loss") text = drawLoss(card, weights[card.data.loss]);
  else if (card.parameters.length) text += drawJudged(card, weights, full);
  if (kind === "fold") text += `. ${type} are folded here: press Enter twice to open`;
  if (silent) text += ". An output without a loss";
  say(card.title, text);
  set(card.group, { "aria-label": text });
}
function drawLoss(card, w) {
  const { loss } = card.data, value = frameNow().values[loss];
  const text = value === null ? SENTENCES.unlabelled : `now ${number(value)}`;
  say(card.value, value === null ? text : `${card.before} ${number(value)}`);
  say(card.pill, fit(`× ${weightText(w)}`, 80, LETTERS.pill, BOLD));
  set(card.group, { opacity: w ? null : 0.55 });
  const { name, kind } = flow.losses[loss], about = kind && ` (${kind})`;
  return `loss ${name}${about}: ${text}, weight ${weightText(w)}`;
}
function drawJudged(card, weights, full) {
  const { measure } = card, judged = verdict(measure, weights);
  set(card.verdict, { class: judged.tone });
  say(card.verdict, shortVerdict(judged, card.width - 2 * PAD));
  card.pair.forEach((mark, i) => {
    const shown = losses.length > 2 && judged.worst;
    show(mark, shown);
    if (shown) set(mark, { class: `p${judged.worst[i + 1]}` });
  });
  drawBar(card.bar, measure, weights, full);
  for (const call of card.calls) drawBar(call.bar, pick(call.parts), weights, full);
  if (card.arrows) drawCompass(card.arrows, pulls(measure, weights).arrows);
  const frozen = card.frozen && `, ${card.frozen}`, whole = number(measure.total(weights));
  return `${frozen}: ${judged.text}, weighted gradient of its weights ${whole}`;
}
function shortVerdict({ text, only, short }, room) {
  if (only) return phrase(VERDICTS.only, fit(only, room - 40, LETTERS.verdict, BOLD));
  return short ?? fit(text, room, LETTERS.verdict, BOLD);
}
function drawCompass(made, arrows) {
  const longest = Math.max(...arrows.map((a) => a.size), 1e-300), room = 17;
  for (const one of made) show(one.group, false);
  for (const a of arrows) drawArrow(made[a.k], (a.x / longest) * room, (a.y / longest) * room);
}
