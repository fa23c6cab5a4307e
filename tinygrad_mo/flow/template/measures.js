// What Python measured and wrote into this page, and how it mixes for any weights of the losses.

const flow = JSON.parse(document.getElementById("flow").textContent);
const losses = flow.losses.map((_, k) => k); // each loss by its number
const sumOf = (numbers) => numbers.reduce((a, b) => a + b, 0);

// The gradients of one array by loss: which losses have a path to it, and rows of numbers whose
// inner products are those of the gradients (the triangular factor R). |sum of w_k g_k| = |R w|.
class Measure {
  constructor(reach, rows) {
    this.reach = reach;
    this.rows = rows;
    this.norms = losses.map((k) => Math.sqrt(this.dot(k, k)));
  }
  // Different arrays as one long one: their rows below each other.
  static together(parts) {
    if (parts.length === 1) return parts[0];
    const reach = losses.filter((k) => parts.some((m) => m.reach.includes(k)));
    return new Measure(reach, parts.flatMap((m) => m.rows));
  }
  dot(k, j) { return this.rows.reduce((sum, row) => sum + row[k] * row[j], 0); }
  mixed(weights) {
    return this.rows.map((row) => losses.reduce((sum, k) => sum + row[k] * weights[k], 0));
  }
  total(weights) { return Math.sqrt(this.mixed(weights).reduce((sum, x) => sum + x * x, 0)); }
  parts(weights) { return losses.map((k) => Math.abs(weights[k]) * this.norms[k]); }
  cosine(k, j) {
    const size = this.norms[k] * this.norms[j];
    return size ? Math.max(-1, Math.min(1, this.dot(k, j) / size)) : null;
  }
  // The pair that agrees least, among the losses that are switched on.
  worstPair(weights) {
    this.pairs ??= this.reach.flatMap((k) =>
      this.reach.filter((j) => k < j).map((j) => [this.cosine(k, j), k, j]));
    let worst = null;
    for (const [cosine, k, j] of this.pairs) {
      if (cosine === null || !weights[k] || !weights[j]) continue;
      const turned = weights[k] * weights[j] > 0 ? cosine : -cosine;
      if (!worst || turned < worst[0]) worst = [turned, k, j];
    }
    return worst;
  }
}

function measuresOf(frame) {
  let at = 0;
  return flow.reach.map((bits) => {
    const reach = losses.filter((k) => (bits >> k) & 1);
    const rows = reach.map((_, i) => {
      const row = losses.map(() => 0);
      for (const k of reach.slice(i)) row[k] = frame.r[at++] ?? NaN;
      return row;
    });
    return new Measure(reach, rows);
  });
}

const measured = flow.frames.map(() => null); // by training step, made when it is looked at
const measuresAt = (frame) => (measured[frame] ??= measuresOf(flow.frames[frame]));
const measuresOfCard = (card) => (card.parameters ?? []).map((p) => flow.parameters[p].measure);
const trainedMeasures = flow.parameters.filter((p) => !p.frozen).map((p) => p.measure);

// How fast each loss changes along a plain SGD step, per unit of learning rate.
function forecast(measure, weights) {
  return losses.map((k) => -losses.reduce((sum, j) => sum + measure.dot(k, j) * weights[j], 0));
}
