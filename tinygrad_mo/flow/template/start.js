// The start: what stays as it is, then the view that the link asks for.

makeColours();
if (flow.name) document.title += ` ${flow.name}`;
if (losses.length < 2) {
  say(byId("training-hint"), "Unweighted. Click or drag: the whole page shows that step.");
}
recall();
state.select ??= worthALook();
buildSliders();
sliders.forEach(listenToSlider);
build();
new ResizeObserver(([{ target }]) => {
  if (target.clientWidth !== picture.room) build();
}).observe(byId("parts"));

// For tests, and for the curious in the console.
window.gradientFlow = {
  flow, state, picture: () => picture, trained, verdict, pick, redraw, mix, select, openFold,
  showFrame,
};
