// The stage as a whole: how large it is seen, and one panel at a time for those who sit far away.

const SLIDES = { model: "slide-model", training: "slide-training", pulls: "slide-pulls",
  runs: "slide-runs" };
const ZOOM = 1.25;

function zoomTo(zoom) {
  state.zoom = Math.max(0.4, Math.min(6, zoom));
  const box = byId("drawing"), middle = [box.scrollLeft + box.clientWidth / 2,
    box.scrollTop + box.clientHeight / 2].map((x) => x / picture.zoom);
  build();
  box.scrollTo(middle[0] * picture.zoom - box.clientWidth / 2,
    middle[1] * picture.zoom - box.clientHeight / 2);
}
// One drags the ground to see other parts.
let grip = null;
function grab(event) {
  if (event.target.closest(".card, .wire") || event.pointerType === "touch") return;
  const box = byId("drawing");
  grip = [event.clientX + box.scrollLeft, event.clientY + box.scrollTop];
  box.setPointerCapture(event.pointerId);
}
function pull(event) {
  if (grip) byId("drawing").scrollTo(grip[0] - event.clientX, grip[1] - event.clientY);
}
function letGo() { grip = null; }

const slides = () =>
  Object.keys(SLIDES).filter((one) =>
    (one !== "training" || flow.frames.length > 1) && (one !== "runs" || hasRuns()));
function present(on) {
  document.body.classList.toggle("presenting", on);
  set(byId("present"), { "aria-pressed": on });
  const mayFill = on && navigator.userActivation?.isActive; // a browser asks for a click or a key
  if (mayFill) document.documentElement.requestFullscreen?.().catch(() => {});
  else if (!on && document.fullscreenElement) document.exitFullscreen();
  showSlide(0);
}
function showSlide(n) {
  const all = slides();
  state.slide = Math.max(0, Math.min(all.length - 1, n));
  Object.keys(SLIDES).forEach((one) => {
    const isShown = isPresenting() && one === all[state.slide];
    document.body.classList.toggle(SLIDES[one], isShown);
  });
  if (isPresenting() && hasRuns()) state.compare = all[state.slide] === "runs";
  resized();
}
// A clicker's keys: through the sweep or the tour if one is on, otherwise through the panels.
function click(way) {
  if (isSweeping()) return way > 0 ? goOn() : goTo(state.sweep ? state.sweep - 1 : null);
  if (state.stop !== null) return showStop(state.stop + way);
  return showSlide(state.slide + way);
}
