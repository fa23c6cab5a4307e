// Numbers, names and verdicts as text. The words of verdicts come from Python, which says the same.

const { AGREE, CONFLICT, VERDICTS, WEIGHTS } = flow.constants;
const names = flow.losses.map((loss) => loss.short);

function number(x) {
  if (x === null || !isFinite(x)) return "not finite";
  if (x === 0) return "0";
  const size = Math.abs(x);
  const text = size >= 1e5 || size < 1e-3 ? x.toExponential(1)
    : size >= 1000 ? x.toFixed(0) : x.toPrecision(3);
  return text.replace("-", "−").replace("e+", "e").replace("e-", "e−");
}
const signed = (x) => (x < 0 || Object.is(x, -0) ? "" : "+") + x.toFixed(2).replace("-", "−");
function weightText(w) {
  const digits = Math.abs(w * 100 - Math.round(w * 100)) < 1e-9 ? 2 : 4;
  return w.toFixed(digits).replace("-", "−");
}
const listing = (some) =>
  some.length < 2 ? some.join("") : `${some.slice(0, -1).join(", ")} and ${some.at(-1)}`;
const wireText = (key) => key.replace(">", " → ");
const namesOf = (some) => some.map((k) => names[k]).join(", ");

// One of the VERDICTS, with texts for its gaps.
function phrase(kind, ...texts) {
  return VERDICTS[kind].split("{}").map((piece, i) => piece + (texts[i] ?? "")).join("");
}
const relation = (cosine) =>
  cosine < CONFLICT ? "conflict" : cosine > AGREE ? "agree" : "unrelated";

// In a word, who trains this: "only" is a matter of paths, "off" of weights.
function verdict(measure, weights) {
  const able = measure.reach, active = able.filter((k) => weights[k]);
  const off = able.filter((k) => !weights[k]);
  const judged = (tone, kind, ...texts) => ({ tone, text: phrase(kind, ...texts) });
  if (!able.length) return judged("muted", "unreached");
  if (!active.length) return judged("muted", "off", namesOf(off));
  if (active.length === 1) {
    const [k] = active, tone = `t${k}`;
    if (off.length) return judged(tone, "partly off", names[k], namesOf(off));
    return { ...judged(tone, "only", names[k]), only: names[k] };
  }
  const worst = measure.worstPair(weights);
  if (!worst) {
    const [alive, silent] = [true, false].map((on) =>
      active.filter((k) => measure.norms[k] > 0 === on));
    if (!alive.length) return judged("muted", "zero");
    return judged("muted", "partly zero", names[alive[0]], namesOf(silent));
  }
  const [cosine, k, j] = worst, kind = relation(cosine);
  const pair = active.length > 2 ? ` ${names[k]}/${names[j]}` : "";
  const tone = kind === "unrelated" ? "muted" : kind;
  const short = phrase(kind, signed(cosine));
  return { ...judged(tone, kind, signed(cosine) + pair), short, worst };
}
