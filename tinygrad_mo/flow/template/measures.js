// What Python measured and wrote into this page, and how it mixes for any weights of the losses.

const flow = JSON.parse(document.getElementById("flow").textContent);
const losses = flow.losses.map((_, k) => k); // each loss by its number
const { ROUNDING } = flow.constants;
const sumOf = (numbers) => numbers.reduce((a, b) => a + b, 0);
// Without what has weight 0, as 0 times infinity is not asked for.
function weighted(weights, value) {
  let sum = 0;
  for (const k of losses) if (weights[k]) sum += weights[k] * value(k);
  return sum;
}

// The gradients of one array by loss: which losses have a path to it, and rows of numbers whose
// inner products are those of the gradients (the triangular factor R). |sum of w_k g_k| = |R w|.
class Measure {
  constructor(reach, rows) {
    this.reach = reach;
    this.rows = rows;
    this.norms = losses.map((k) => Math.hypot(...rows.map((row) => row[k])));
  }
  // Different arrays as one long one: their rows below each other.
  static together(parts) {
    if (parts.length === 1) return parts[0];
    const reach = losses.filter((k) => parts.some((m) => m.reach.includes(k)));
    return new Measure(reach, parts.flatMap((m) => m.rows));
  }
  mixed(weights) {
    return this.rows.map((row) => weighted(weights, (k) => row[k]));
  }
  // 0 where the parts cancel but for rounding.
  total(weights) {
    const whole = Math.hypot(...this.mixed(weights));
    return whole < ROUNDING * sumOf(this.parts(weights)) ? 0 : whole;
  }
  parts(weights) { return losses.map((k) => weights[k] && Math.abs(weights[k]) * this.norms[k]); }
  // The lengths of the parts, of all behind each other, and of their total; and what the addition
  // takes: since they oppose each other, so that the total is shorter than that of parts at right
  // angles would be, and what parts at right angles lose, too.
  added(weights) {
    const parts = this.parts(weights), sum = sumOf(parts), whole = this.total(weights);
    const atRightAngles = Math.hypot(...parts);
    const differ = Math.max(0, sum - Math.max(atRightAngles, whole));
    return { parts, sum, whole, oppose: Math.max(0, atRightAngles - whole), differ };
  }
  cosine(k, j) {
    const [a, b] = [this.norms[k], this.norms[j]];
    if (![a, b].every((size) => size > 0 && size < Infinity)) return null;
    return Math.max(-1, Math.min(1, sumOf(this.rows.map((row) => (row[k] / a) * (row[j] / b)))));
  }
  // The pair that agrees least, among the losses that are switched on; of pairs that differ by
  // rounding alone the first.
  worstPair(weights) {
    this.pairs ??= this.reach.flatMap((k) =>
      this.reach.filter((j) => k < j).map((j) => [this.cosine(k, j), k, j]));
    let worst = null;
    for (const [cosine, k, j] of this.pairs) {
      if (cosine === null || !weights[k] || !weights[j]) continue;
      const turned = weights[k] * weights[j] > 0 ? cosine : -cosine;
      if (!worst || Math.round(1e9 * (turned - worst[0])) < 0) worst = [turned, k, j];
    }
    return worst;
  }
}

// Numbers as text: of each the first six of the eight bytes, which are 11 digits.
function unpackNumbers(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const numbers = new Float64Array(bytes.length / 6), whole = new DataView(numbers.buffer);
  bytes.forEach((byte, i) => whole.setUint8(8 * Math.floor(i / 6) + 7 - (i % 6), byte));
  const read = (i) => whole.getFloat64(8 * i, true);
  return numbers.map((_, i) => (isFinite(read(i)) ? read(i) : NaN));
}
function decode(frame) {
  const numbers = unpackNumbers(frame.r);
  let at = 0;
  return flow.reach.map((paths) => {
    const reach = losses.filter((k) => paths[k] === "1");
    const rows = reach.map((_, i) => {
      const row = losses.map(() => 0);
      for (const k of reach.slice(i)) row[k] = numbers[at++];
      return row;
    });
    return new Measure(reach, rows);
  });
}

const measured = new WeakMap(); // by what was recorded of a step, made when it is looked at
function measuresAt(n) {
  const frame = flow.frames[n];
  if (!measured.has(frame)) measured.set(frame, decode(frame));
  return measured.get(frame);
}

// How fast each loss changes along a plain SGD step, per unit of learning rate.
function forecast(measure, weights) {
  const mixed = measure.mixed(weights), apart = sumOf(measure.parts(weights));
  return losses.map((k) => {
    const size = measure.norms[k];
    const along = size && sumOf(measure.rows.map((row, i) => (row[k] / size) * mixed[i]));
    return Math.abs(along) < ROUNDING * apart ? 0 : -size * along;
  });
}

// The lengths of gradients along a sequence, which are packed: 31e-5 as 31 - 500.
function unpack(n) {
  const power = Math.floor((n ?? NaN) / 100);
  return (n - 100 * power) * 10 ** power;
}
