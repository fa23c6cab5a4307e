// The same in words and as a table, for those who read rather than look.

function drawText() {
  if (byId("words").open) drawWords();
  if (byId("table").open) drawTable();
}

function drawWords() {
  const box = byId("report");
  box.replaceChildren();
  for (const line of reportLines()) el(box, "p", {}, line);
}

// ---------------------------------------------------------------- words

// As the report of Python, sentence by sentence.
function reportLines() {
  const { lines, notes, layers } = setup();
  const known = layers.map((layer) => ({ ...layer, measure: pick(measuresOf(layer.parameters)) }));
  const moving = known.filter((layer) => layer.trained);
  return [
    phrase(SENTENCES.opening, frameNow().step, weightedSum(), setup().mode),
    ...losses.map((k) => pullOf(k, moving)),
    ...mixtures(moving),
    ...lines,
    ...forecastLines(),
    ...notes,
  ];
}
const valueText = (k) => {
  const value = frameNow().values[k];
  return value === null ? SENTENCES.unlabelled : phrase(SENTENCES.now, value);
};

// Where a loss has a path to, and where its gradient is 0 all the same.
function pullOf(k, layers) {
  const inWords = (some) => listing(some.map((layer) => layer.name));
  const able = layers.filter(({ measure }) => measure.reach.includes(k));
  const unable = layers.filter((layer) => !able.includes(layer));
  const idle = able.filter(({ measure }) => measure.norms[k] === 0);
  const pulled = able.filter((layer) => !idle.includes(layer));
  const infinite = able.filter(({ measure }) => !isFinite(measure.norms[k]));
  const kind = !pulled.length ? "trains nothing" : state.weights[k] ? "trains" : "would train";
  const now = [fullNames[k], valueText(k), state.weights[k]];
  const more = Object.entries({ idle, infinite, apart: able.length ? unable : [] });
  return phrase(SENTENCES[kind], ...now, inWords(pulled)) + more.map(([kind, some]) =>
    some.length ? phrase(SENTENCES[kind], inWords(some)) : "").join("");
}

function mixtures(layers) {
  if (losses.length < 2) return [];
  const shared = layers.filter(({ measure }) => measure.reach.length > 1);
  return shared.length ? shared.map(mixtureIn) : [SENTENCES["not shared"]];
}
function mixtureIn({ name, measure }) {
  const { weights } = state, { reach } = measure;
  const { parts, sum, oppose, differ } = measure.added(weights);
  const word = verdict(measure, weights, fullNames).text;
  if (!isFinite(sum)) return phrase(SENTENCES["infinite mixture"], name, reach.length, word);
  const share = (k) => sum ? phrase(SENTENCES.share, parts[k] / sum, fullNames[k])
    : phrase(SENTENCES["no share"], fullNames[k]);
  const shares = listing(reach.map(share));
  let lost = sum ? phrase(SENTENCES.lost, (differ + oppose) / sum) : "";
  if (oppose > WORTH * sum) lost += phrase(SENTENCES.opposed, oppose / sum);
  return phrase(SENTENCES.mixture, name, reach.length, shares, word, lost);
}

function forecastLines() {
  const lines = state.forecast.map((slope, k) => {
    const kind = state.outlooks[k], size = kind === "hardly" ? slope : Math.abs(slope);
    return phrase(SENTENCES[kind], fullNames[k], size);
  });
  return [SENTENCES.forecast, ...lines];
}

// ---------------------------------------------------------------- the moment

// The moment in one sentence, for those who sit far away.
function moment() {
  const card = picture.cards.find((one) => one.key === state.select && one.parameters.length);
  const worst = card && card.measure.worstPair(state.weights);
  const worse = losses.filter((k) => outlook(k)[0] === "worse");
  const better = losses.filter((k) => outlook(k)[0] === "better");
  const step = worse.length ? `A plain SGD step makes ${listing(worse.map((k) => names[k]))} worse.`
    : better.length ? `A plain SGD step improves ${listing(better.map((k) => names[k]))}.` : "";
  if (!worst) return `Step ${frameNow().step}. ${step}`;
  const [cosine, k, j] = worst, degrees = Math.round((Math.acos(cosine) * 180) / Math.PI);
  const unrelated = "pull in unrelated ways";
  const how = { conflict: "pull apart", agree: "pull together", unrelated };
  return `Step ${frameNow().step}: in ${card.data.label}, ${names[k]} and ${names[j]} `
    + `${how[relation(cosine)]}, ${degrees}°. ${step}`;
}
function drawMoment() {
  say(byId("moment"), isPresenting() ? moment() : "");
}

// ---------------------------------------------------------------- table

function drawTable() {
  const table = byId("rows"), { weights } = state;
  table.replaceChildren();
  el(table, "caption", {}, setup().table.join("\n"));
  const head = el(el(table, "thead"), "tr");
  for (const title of ["weights", ...fullNames, "weighted sum", "verdict"]) {
    el(head, "th", { scope: "col" }, title);
  }
  const body = el(table, "tbody");
  flow.parameters.forEach(({ name, measure: n }, p) => {
    const row = el(body, "tr"), measure = pick([n]), length = (x) => phrase(SENTENCES.length, x);
    const frozen = isFrozen(p) ? ` (${FROZEN_WORDS[0]})` : "";
    el(row, "th", { scope: "row" }, name + frozen);
    const size = (k) => measure.reach.includes(k) ? length(measure.norms[k]) : SENTENCES["no path"];
    const whole = length(measure.total(weights)), judged = verdict(measure, weights, fullNames);
    for (const cell of [...losses.map(size), whole, judged.text]) el(row, "td", {}, cell);
  });
}
