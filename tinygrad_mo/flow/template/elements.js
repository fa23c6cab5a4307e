// Making and changing elements of the page, and text that fits into its place.

const byId = (id) => document.getElementById(id);
const BOLD = 700;
const r1 = (x) => Math.round(x * 10) / 10; // pixels, as they are written into pictures

function el(parent, tag, attributes = {}, text = null) {
  const svg = parent instanceof SVGElement || tag === "svg";
  const made = svg
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
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

const ruler = document.createElement("canvas").getContext("2d");
const family = getComputedStyle(document.body).fontFamily;
// How long a text is, in pixels.
const measuredTexts = new Map();
function lengthOf(text, size, weight = 400) {
  const key = `${weight} ${size} ${text}`;
  if (!measuredTexts.has(key)) {
    ruler.font = `${weight} ${size}px ${family}`;
    measuredTexts.set(key, ruler.measureText(text).width);
  }
  return measuredTexts.get(key);
}
const fitted = new Map();
// Text that fits a width: shortened in the middle, as beginnings and ends tell names apart.
function fit(text, width, size, weight = 400) {
  const key = `${text}|${width}|${size}|${weight}`;
  if (!fitted.has(key)) {
    ruler.font = `${weight} ${size}px ${family}`;
    let short = text, keep = text.length;
    while (keep > 1 && ruler.measureText(short).width > width) {
      keep -= 1;
      const [start, end] = [Math.ceil(keep / 2), text.length - Math.floor(keep / 2)];
      short = `${text.slice(0, start)}…${text.slice(end)}`;
    }
    fitted.set(key, short);
  }
  return fitted.get(key);
}
// Text in as many lines as rooms are given: broken where words end, or else anywhere; what is too
// long even so is shortened.
const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });
const wordsOf = (text) => [...segmenter.segment(text)].flatMap(({ segment }) =>
  segment.split(/(?<=_)|(?<=\p{Ll})(?=\p{Lu})/u));
function brokenInto(pieces, rooms, size, weight) {
  const text = pieces.join("");
  if (rooms.length === 1 || lengthOf(text, size, weight) <= rooms[0]) {
    return [fit(text, rooms[0], size, weight)];
  }
  let n = 1;
  while (lengthOf(pieces.slice(0, n + 1).join("").trimEnd(), size, weight) <= rooms[0]) n += 1;
  const [head, rest] = [pieces.slice(0, n).join(""), pieces.slice(n)], line = head.trimEnd();
  const first = fit(line, rooms[0], size, weight) + head.slice(line.length);
  return [first, ...brokenInto(rest, rooms.slice(1), size, weight)];
}
function inLines(text, rooms, size, weight) {
  const isCut = (lines) => lines.some((line) => line.includes("…"));
  const byWords = brokenInto(wordsOf(text), rooms, size, weight);
  if (!isCut(byWords)) return byWords;
  const byLetters = brokenInto([...text], rooms, size, weight);
  return isCut(byLetters) ? byWords : byLetters;
}
// These lines as one text; what was too long for them is told to a pointer.
const PITCH = 14; // pixels from line to line
function writeLines(parent, x, y, text, lines, size, weight, attributes = {}) {
  const font = { "font-size": size, "font-weight": weight };
  const made = el(parent, "text", { x, y, ...font, ...attributes });
  lines.forEach((line, i) => el(made, "tspan", { x, y: r1(y + i * PITCH) }, line));
  if (lines.some((line) => line.includes("…"))) el(made, "title", {}, text);
}
// What is written in a picture, text by text.
const textsIn = (group) => [...group.querySelectorAll("text")]
  .filter((text) => text.getAttribute("visibility") !== "hidden")
  .map((text) => [...text.childNodes].filter((node) => node.nodeName !== "title")
    .map((node) => node.textContent).join("").trim()).filter(Boolean);
function write(parent, x, y, text, room, size, weight = 400, attributes = {}) {
  const font = { "font-size": size, "font-weight": weight };
  const made = el(parent, "text", { x, y, ...font, ...attributes }, fit(text, room, size, weight));
  if (made.textContent !== text) el(made, "title", {}, text);
  return made;
}
