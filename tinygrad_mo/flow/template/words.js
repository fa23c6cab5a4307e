// Numbers, names and verdicts as text. Its words come from Python, which says the same.

const { AGREE, CONFLICT, SENTENCES, VERDICTS } = flow.constants;
const names = flow.losses.map((loss) => loss.short);
const fullNames = flow.losses.map((loss) => loss.name);

function number(x) {
  if (x === null || !isFinite(x)) return "not finite";
  if (x === 0) return "0";
  const size = Math.abs(x);
  const text = size >= 1e5 || size < 1e-3 ? x.toExponential(1)
    : size >= 1000 ? x.toFixed(0) : x.toPrecision(3);
  return text.replace("-", "−").replace("e+", "e").replace("e-", "e−");
}
const signed = (cosine) => phrase(SENTENCES.cosine, +cosine.toFixed(2));
const weightText = (w) =>
  Math.abs(w * 100 - Math.round(w * 100)) < 1e-9 ? formatted(w, "", 2, "f") : formatted(w, "", 4);
const listing = (some) =>
  some.length < 2 ? some.join("") : `${some.slice(0, -1).join(", ")} and ${some.at(-1)}`;
const wireText = (ends) => ends.join(" → ");

// A pattern with texts, or numbers as Python writes them, in gaps such as {} and {:.4g}.
function phrase(pattern, ...given) {
  const gap = /\{:?(\+?)\.?(\d*)([fg%]?)\}/g;
  return pattern.replace(gap, (_, sign, digits, kind) => {
    const value = given.shift();
    return kind ? formatted(value, sign, +digits, kind) : value;
  });
}
function formatted(x, sign, digits, kind = "g") {
  if (x === null || !isFinite(x)) return "not finite";
  const text = kind === "g" ? general(x, digits || 6)
    : kind === "f" ? x.toFixed(digits) : `${(100 * x).toFixed(digits)}%`;
  return (x < 0 ? "" : sign) + text.replaceAll("-", "−");
}
// With so many digits that count, and without zeros at the end.
function general(x, digits) {
  const [start, power] = x.toExponential(digits - 1).split("e");
  const short = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (power >= -4 && power < digits) return short(x.toFixed(digits - 1 - power));
  return `${short(start)}e${power[0]}${power.slice(1).padStart(2, "0")}`;
}
const weightedSum = () =>
  losses.map((k) => phrase(SENTENCES.term, state.weights[k], fullNames[k])).join(" + ");
const relation = (cosine) =>
  cosine < CONFLICT ? "conflict" : cosine > AGREE ? "agree" : "unrelated";

// In a word, who trains this: "only" is a matter of paths, "off" of weights.
function verdict(measure, weights, called = names) {
  const able = measure.reach, active = able.filter((k) => weights[k]);
  const off = able.filter((k) => !weights[k]);
  const infinite = active.filter((k) => !isFinite(measure.norms[k]));
  const listed = (some) => some.map((k) => called[k]).join(", ");
  const judged = (tone, kind, ...some) =>
    ({ tone, text: phrase(VERDICTS[kind], ...some.map(listed)) });
  if (!able.length) return judged("muted", "unreached");
  if (!active.length) return judged("muted", "off", off);
  if (infinite.length) return judged("conflict", "infinite", infinite);
  if (active.length === 1) {
    const [k] = active, tone = `t${k}`;
    if (off.length) return judged(tone, "partly off", active, off);
    return { ...judged(tone, "only", active), only: called[k] };
  }
  const worst = measure.worstPair(weights);
  if (!worst) {
    const [alive, silent] = [true, false].map((on) =>
      active.filter((k) => measure.norms[k] > 0 === on));
    if (!alive.length) return judged("muted", "zero");
    return judged("muted", "partly zero", alive.slice(0, 1), silent);
  }
  const [cosine, k, j] = worst, kind = relation(cosine);
  const short = phrase(VERDICTS[kind], signed(cosine));
  const pair = active.length > 2 ? ` ${called[k]}/${called[j]}` : "";
  const text = phrase(VERDICTS[kind], signed(cosine) + pair);
  return { tone: kind === "unrelated" ? "muted" : kind, text, short, worst };
}
