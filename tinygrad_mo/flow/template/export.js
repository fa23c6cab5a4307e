// The picture as a file of its own: what is seen, as SVG or PNG, and as a page to print.

const HEADER = 64; // pixels above the model: title, formula, and who is who
const SHARPER = 2; // pixels of a PNG for each of the screen

// The model as it is drawn now, with a title, in an SVG that needs nothing else.
function pictureFile() {
  const drawn = picture.svg.cloneNode(true);
  const [, , width, height] = drawn.getAttribute("viewBox").split(" ");
  const size = [Math.max(560, +width), +height + HEADER];
  const svg = el(null, "svg", {
    xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${size.join(" ")}`,
    width: size[0], height: size[1], class: document.body.className, "font-family": family,
  });
  for (const sheet of document.querySelectorAll("style")) el(svg, "style", {}, sheet.textContent);
  svg.append(byId("textures").querySelector("defs").cloneNode(true));
  el(svg, "rect", { width: size[0], height: size[1], style: "fill:var(--paper)" });
  const step = flow.frames.length > 1 ? `, step ${frameNow().step}` : "";
  const run = hasRuns() ? `, trained with ${runs[state.run].label}` : "";
  write(svg, 10, 24, `${flow.name}${run}${step}: L = ${weightedSum()}`, size[0] - 20, 15, BOLD);
  let x = 10;
  for (const k of losses) {
    el(svg, "rect", { x, y: 38, width: 22, height: 12, rx: 2, class: `p${k}` });
    el(svg, "text", { x: x + 28, y: 48.5, "font-size": 12 }, `from ${names[k]}`);
    x += 48 + lengthOf(`from ${names[k]}`, 12);
  }
  const { full } = picture, most = `the widest wire: a gradient of ${number(full)} or more`;
  const scale = isLog() ? "logarithmic" : most;
  if (full) el(svg, "text", { x, y: 48.5, "font-size": 12, class: "muted" }, scale);
  set(drawn, { y: HEADER, width, height });
  svg.append(drawn);
  return { text: new XMLSerializer().serializeToString(svg), size };
}
const asAddress = (text) => `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
function offer(address, ending) {
  const link = el(null, "a", { href: address, download: `${flow.name || "flow"}.${ending}` });
  link.click();
}
function saveSvg() {
  offer(asAddress(pictureFile().text), "svg");
}
function makePng(then) {
  const { text, size: [width, height] } = pictureFile(), image = new Image();
  image.onload = () => {
    const canvas = el(null, "canvas", { width: width * SHARPER, height: height * SHARPER });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    then(canvas.toDataURL("image/png"));
  };
  image.src = asAddress(text);
}
// On paper the stage has the size of a page, and all that is folded in the text is open.
function printing(on) {
  document.body.classList.toggle("printing", on);
  strip = null;
  build();
  drawWords();
  drawTable();
}
