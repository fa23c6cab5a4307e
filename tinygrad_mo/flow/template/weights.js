// The row "weights" of the strip: what the losses were multiplied with, where that changes.

const WEIGHTS_HIGH = 50; // pixels of the row
const weightsMove = () =>
  flow.frames.some((_, n) => losses.some((k) => weightsAt(n)[k] !== weightsAt(0)[k]));

function drawWeights({ svg, x, left, right, width }, from, dashes) {
  const all = flow.frames.flatMap((_, n) => weightsAt(n)), top = from + 10;
  const bottom = from + WEIGHTS_HIGH - 8, most = Math.max(0, ...all), least = Math.min(0, ...all);
  const y = (w) => bottom - ((w - least) / (most - least || 1)) * (bottom - top);
  const beside = { "text-anchor": "end" };
  write(svg, left - 10, (top + bottom) / 2 + 4, "weights", left - 12, 12, 600, beside);
  for (const tick of [least, most]) {
    el(svg, "line", { class: "grid", x1: left, x2: right, y1: r1(y(tick)), y2: r1(y(tick)) });
    const place = { x: left - 10, y: r1(y(tick) + 4), ...beside };
    el(svg, "text", { class: "muted", ...place }, formatted(tick, "", 3));
  }
  const ends = losses.map((k) => {
    const points = flow.frames.map(({ step }, n) => `${r1(x(step))} ${r1(y(weightsAt(n)[k]))}`);
    const line = { points: points.join(" "), "stroke-dasharray": dashes[k % dashes.length] };
    el(svg, "polyline", { class: `q${k} curve`, ...line });
    const last = weightsAt(flow.frames.length - 1)[k];
    return [y(last), k, formatted(last, "", 3)];
  });
  let next = from + 12;
  for (const [at, k, text] of ends.sort((a, b) => a[0] - b[0])) {
    const place = Math.max(at + 4, next);
    if (place > from + WEIGHTS_HIGH) break;
    write(svg, right + 8, r1(place), `× ${text}`, width - right - 8, 12, BOLD, { class: `t${k}` });
    next = place + 13;
  }
}
