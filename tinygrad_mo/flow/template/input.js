// What pointer and keyboard do.

const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// ---------------------------------------------------------------- cards, wires and rows

function choose({ key, data }) {
  if (data?.kind === "fold" && state.select === key) openFold(data.name);
  else select(key);
}
function moveFocus(from, to) {
  if (!to) return;
  set(focusOf(from), { tabindex: -1 });
  set(focusOf(to), { tabindex: 0 });
  focusOf(to).focus();
}
// They come and go with every view; what listens are the parts of the page that hold them.
for (const part of ["drawing", "bars"].map(byId)) {
  const on = (kind, act) => part.addEventListener(kind, (event) => {
    const thing = thingOf(event.target);
    if (thing) act(thing, event);
  });
  const across = (act) => (thing, { relatedTarget }) => {
    if (thingOf(relatedTarget) !== thing) act(thing); // not from one of its parts to another
  };
  on("click", (thing, { target }) => {
    if (target.closest(".open")) openFold(thing.data.name);
    else choose(thing);
  });
  on("pointerover", across((thing) => hover(thing.key)));
  on("pointerout", across(() => hover(null)));
  on("focusin", (thing) => hover(thing.key));
  on("focusout", () => hover(null));
  on("keydown", (thing, event) => {
    const { key } = event, direction = DIRECTIONS[key];
    if (direction || key === "Enter" || key === " ") event.preventDefault();
    if (direction) moveFocus(thing, neighbour(thing, direction));
    else if (key === "Enter" || key === " ") choose(thing);
  });
}
byId("folds").addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button) openFold(button.opens);
});

// ---------------------------------------------------------------- weights

// A key moves a slider by a hundredth of its length; where it is dragged, it stops at each half.
const STEPS = {
  ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10,
};
function stopNear(x, most) {
  const unit = most / 200;
  return +(Math.round(x / unit) * unit).toPrecision(6);
}
function listenToSlider({ range, typed }, k) {
  range.addEventListener("input", () => {
    state.dragging = true;
    state.weights[k] = stopNear(+range.value, state.spans[k][1]);
    redrawSoon();
  });
  range.addEventListener("change", settled);
  range.addEventListener("keydown", (event) => {
    const steps = STEPS[event.key], [least, most] = state.spans[k], unit = most / 100;
    if (!steps) return;
    event.preventDefault();
    const value = (Math.round(state.weights[k] / unit) + steps) * unit;
    state.weights[k] = stopNear(Math.min(most, Math.max(least, value)), most);
    settled();
  });
  typed.addEventListener("change", () => {
    const text = typed.value.trim().replace(",", "."), value = Number(text);
    const isNumber = text !== "" && isFinite(value);
    mix(state.weights.map((w, j) => (j === k && isNumber ? value : w))); // if not: as it was
  });
}
byId("presets").addEventListener("change", ({ target }) => {
  if (target.value !== "") mix(presets[+target.value][1]());
});
byId("scale").addEventListener("change", ({ target }) => {
  state.scale = target.value;
  rescale();
  redraw();
  remember();
});

byId("runs").addEventListener("change", ({ target }) => showRun(+target.value));

// ---------------------------------------------------------------- steps of training

byId("strip").addEventListener("pointerdown", (event) => {
  strip.svg.setPointerCapture(event.pointerId);
  showFrame(frameAt(event.clientX));
});
byId("strip").addEventListener("pointermove", (event) => {
  if (event.buttons) showFrame(frameAt(event.clientX));
});
byId("strip").addEventListener("keydown", (event) => {
  const now = state.frame, last = flow.frames.length - 1;
  const to = {
    ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1,
    PageDown: now - 5, PageUp: now + 5, Home: 0, End: last,
  }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  showFrame(Math.max(0, Math.min(last, to)));
});

// ---------------------------------------------------------------- sweep, tour, stage

const BUTTONS = {
  play,
  next: () => { stop(); goOn(); },
  "sweep-play": play,
  "sweep-next": () => { stop(); goOn(); },
  "sweep-end": () => goTo(null),
  "ask-two": () => ask("two"),
  "ask-average": () => ask("average"),
  "to-runs": () => compare(true),
  "to-pulls": () => compare(false),
  "tour-button": () => showStop(state.stop === null ? 0 : null),
  "tour-back": () => showStop(state.stop - 1),
  "tour-next": () => showStop(state.stop + 1),
  "tour-end": () => showStop(null),
  look: () => lookInside(!state.inside),
  present: () => present(!isPresenting()),
  larger: () => zoomTo(state.zoom * ZOOM),
  smaller: () => zoomTo(state.zoom / ZOOM),
  fit: () => zoomTo(1),
  "save-svg": saveSvg,
  "save-png": () => makePng((address) => offer(address, "png")),
  print: () => print(),
};
for (const [id, act] of Object.entries(BUTTONS)) byId(id).addEventListener("click", act);
byId("steps").addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  stop();
  if (button) goTo(+button.value);
});
const drawing = byId("drawing");
drawing.addEventListener("pointerdown", grab);
drawing.addEventListener("pointermove", pull);
drawing.addEventListener("pointerup", letGo);
drawing.addEventListener("wheel", (event) => {
  if (!event.ctrlKey) return;
  event.preventDefault();
  zoomTo(state.zoom * (event.deltaY < 0 ? ZOOM : 1 / ZOOM));
}, { passive: false });
// Escape: one thing at a time.
function giveUp() {
  const menu = byId("menu");
  if (menu.open) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (state.stop !== null) showStop(null);
  else if (isSweeping()) goTo(null);
  else if (isPresenting()) present(false);
  else if (state.open !== null) closeFold();
  else select(null);
}
const CLICKER = { PageDown: 1, PageUp: -1, ArrowRight: 1, ArrowLeft: -1, " ": 1 };
document.addEventListener("keydown", (event) => {
  const { key, target } = event, isFree = !target.closest("input, select, button, summary, svg");
  if (key === "Escape") giveUp();
  const isTurning = isPresenting() || isSweeping() || state.stop !== null;
  const isPage = key.startsWith("Page") && !target.closest("input, #strip");
  if (!CLICKER[key] || !isTurning || !(isFree || isPage)) return;
  event.preventDefault();
  stop();
  click(CLICKER[key]);
});

// ---------------------------------------------------------------- the page

byId("words").addEventListener("toggle", drawText);
byId("table").addEventListener("toggle", drawText);
window.addEventListener("beforeprint", () => printing(true));
window.addEventListener("afterprint", () => printing(false));
window.addEventListener("hashchange", () => { recall(); build(); });
