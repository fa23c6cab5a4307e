// The start: what stays as it is, then the view that the link asks for.

makeColours();
if (flow.name) document.title += ` ${flow.name}`;
openWhereItMatters();
recall();
state.select ??= worthALook();
if (flow.frames.length < 2) byId("parts").prepend(byId("trained"));
if (flow.frames.length < 2) byId("parts").prepend(byId("sweep"));
buildSliders();
buildRuns();
sliders.forEach(listenToSlider);
build();
const askedStop = new URLSearchParams(location.hash.slice(1)).get("tour");
if (askedStop) showStop(parseInt(askedStop, 10) - 1);
window.addEventListener("resize", () => build());

// For tests, and for the curious in the console.
window.gradientFlow = {
  flow, state, picture: () => picture, trained, verdict, pick, pulls, redraw, mix, select, openFold,
  inside: () =>
    [productsOf(selected().measure, state.weights), ...alsoInside.map((draw) => draw(selected()))],
  lookInside,
  showFrame, showRun, compare, sweep: () => sweep, goTo, ask, showStop, present, click, pictureFile,
  makePng, zoomTo,
};
