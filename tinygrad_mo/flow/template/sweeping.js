// Going through the sweep: playing, step by step, and what is asked on the way.

const PAUSE = 1500; // milliseconds from one step to the next

function goTo(n) {
  const was = isSweeping();
  state.sweep = n === null ? null : Math.max(0, Math.min(sweep.steps.length - 1, n));
  if (!isSweeping()) stop();
  const isShown = was !== isSweeping();
  drawSweep();
  if (isShown) resized();
  drawInset();
  remember();
  if (isSweeping()) say(byId("spoken"), stepText(sweep.steps[state.sweep]));
}
function goOn() {
  if (!isSweeping()) goTo(0);
  else if (state.sweep < sweep.steps.length - 1) goTo(state.sweep + 1);
  else goTo(null);
}
function stop() {
  clearInterval(ticking);
  ticking = null;
}
// Where motion is unwelcome, a press of the button is one step.
function play() {
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (ticking) stop();
  else if (isCalm) goOn();
  else {
    goTo(isSweeping() && state.sweep < sweep.steps.length - 1 ? state.sweep + 1 : 0);
    ticking = setInterval(() => {
      goTo(state.sweep + 1);
      if (state.sweep === sweep.steps.length - 1) stop();
      drawSweep();
    }, PAUSE);
  }
  drawSweep();
}
function ask(what) {
  state.asked = state.asked === what ? null : what;
  drawSweep();
}
