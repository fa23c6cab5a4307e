// What follows from a change: which parts are built, measured, scaled and drawn anew.

// Another view, or another width of the page.
function build() {
  buildPicture();
  buildFolds();
  buildTrained();
  buildTraining();
  say(byId("note"), setup().notes.join(" "));
  measureAgain();
}
// Another step of training.
function measureAgain() {
  measurePicture();
  measureTrained();
  rescale();
  redraw();
}
function rescale() {
  scalePicture();
  scaleTrained();
}
function redraw() {
  drawPicture();
  drawFormula();
  drawControls();
  drawTrained();
  drawKey();
  drawNeedle();
  drawSelection();
  drawInset();
  drawText();
}

// While a slider is dragged: at most once per frame of the screen.
let waiting = false;
function redrawSoon() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; redraw(); });
}
// After a change of weights that is not part of a drag.
function settled() {
  state.dragging = false;
  redraw();
  remember();
  speak();
}
// Weights that sliders of the present length may not reach.
function mix(weights) {
  state.weights = [...weights];
  spanSliders();
  rescale();
  settled();
}

function showFrame(n) {
  if (n === state.frame) return;
  const before = setup();
  state.frame = n;
  if (setup() === before) measureAgain();
  else build();
  remember();
}
const openFold = (name) => openView(flow.views.findIndex((v) => v.open === name));
function openView(n) {
  if (n < 0 || n === state.view) return;
  state.view = n;
  build();
  remember();
}
function select(key) {
  state.select = key;
  drawSelection();
  drawInset();
  remember();
}
function hover(key) {
  if (key === state.hover) return;
  state.hover = key;
  drawSelection();
}
