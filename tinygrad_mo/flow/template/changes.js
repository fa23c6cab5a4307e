// What follows from a change: which parts are built, measured, scaled and drawn anew.

// Another view, or another width of the page.
function build(again = true) {
  const place = placeOfFocus();
  buildFolds();
  buildPicture();
  buildTrained();
  buildTraining();
  say(byId("note"), setup().notes.join(" "));
  sweep = planSweep();
  if (isSweeping()) state.sweep = Math.min(state.sweep, sweep.steps.length - 1);
  measureAgain();
  focusAgain(place);
  // What was said now may have taken some of the picture's room.
  if (again && isStage() && byId("drawing").clientHeight !== picture.height) build(false);
}
function resized() {
  strip = null;
  build();
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
  drawSweep();
  drawInset();
  drawRuns();
  drawMoment();
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
// Another training, at the same step, with its own weights.
function showRun(n) {
  enterRun(n);
  state.weights = [...weightsNow()];
  spanSliders();
  compare(!isPresenting() || state.compare);
  say(byId("spoken"), runs[state.run].said);
}
function compare(on) {
  state.compare = on;
  document.body.classList.toggle("comparing", isComparing());
  resized();
  remember();
}
function openFold(name) {
  if (name === state.open) return;
  state.open = name;
  build();
  remember();
}
// What is around it is open then.
function closeFold() {
  const around = state.open === ALL ? -1 : parentOf(flow.folds.findIndex(([name]) =>
    name === state.open));
  openFold(around < 0 ? null : flow.folds[around][0]);
}
// The strip has its width anew when it is back.
function lookInside(on) {
  state.inside = on;
  drawInset();
  if (!on) resized();
  remember();
}
function select(key) {
  state.select = key;
  if (isComparing() && key) compare(false); // its pulls are shown
  drawSelection();
  drawInset();
  remember();
}
function hover(key) {
  if (key === state.hover) return;
  state.hover = key;
  drawSelection();
}
