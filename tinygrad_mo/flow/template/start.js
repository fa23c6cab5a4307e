// The start: what stays as it is, then the view that the link asks for.

makeColours();
if (flow.name) document.title += ` ${flow.name}`;
openWhereItMatters();
recall();
state.select ??= worthALook();
buildSliders();
sliders.forEach(listenToSlider);
build();
window.addEventListener("resize", () => build());

// For tests, and for the curious in the console.
window.gradientFlow = {
  flow, state, picture: () => picture, trained, verdict, pick, redraw, mix, select, openFold,
  showFrame,
};
