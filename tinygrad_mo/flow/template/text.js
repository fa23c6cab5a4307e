// The same in words and as a table, for those who read rather than look.

function drawText() {
  if (byId("words").open) drawWords();
  if (byId("table").open) drawTable();
}

function drawWords() {
  const { weights } = state, box = byId("report");
  const cards = picture.cards.filter((card) => card.parameters.length);
  const keys = (some) => listing(some.map((card) => card.key));
  const percent = (x) => `${Math.round(100 * x)} %`;
  const nameOf = (k) => flow.losses[k].name, weightOf = (k) => weightText(weights[k]);
  box.replaceChildren();
  const tell = (text) => el(box, "p", {}, text);
  const sum = losses.map((k) => `${weightOf(k)} × ${nameOf(k)}`).join(" + ");
  tell(`Step ${frameNow().step}. One loss is minimised, ${sum}, with one backward sweep.`);
  for (const k of losses) {
    const [able, unable] = [true, false].map((path) =>
      cards.filter((card) => card.measure.reach.includes(k) === path));
    const far = able.length && unable.length
      ? ` There is no path from it to ${keys(unable)}: its weight cannot change these.` : "";
    const now = `now ${number(frameNow().values[k])}, weight ${weightOf(k)}`;
    tell(`${nameOf(k)} (${now}) trains ${keys(able) || "nothing"}.${far}`);
  }
  for (const { key, measure } of cards.filter((card) => card.measure.reach.length > 1)) {
    const { reach } = measure, parts = measure.parts(weights), apart = sumOf(parts) || 1;
    const shares = listing(reach.map((k) => `${percent(parts[k] / apart)} from ${names[k]}`));
    const pulled = `${key} is pulled by ${reach.length} losses: ${shares}`;
    const lost = percent(1 - measure.total(weights) / apart);
    tell(`${pulled} (${verdict(measure, weights).text}); ${lost} is lost in the addition.`);
  }
  const change = forecast(picture.whole, weights).map((x, k) => {
    const way = x < 0 ? "lower" : x > 0 ? "raise" : "not change";
    return `${way} ${nameOf(k)} (by ${number(Math.abs(x))} × the learning rate)`;
  });
  tell(`A small plain SGD step along this gradient would, to first order, ${listing(change)}.`);
}

function drawTable() {
  const table = byId("rows"), { weights } = state;
  table.replaceChildren();
  el(table, "caption", { class: "unseen" }, "Length of the gradient of each weight array, by loss");
  const head = el(el(table, "thead"), "tr");
  const titles = ["weights", ...flow.losses.map((loss) => loss.name), "weighted sum", "verdict"];
  for (const title of titles) el(head, "th", { scope: "col" }, title);
  const body = el(table, "tbody");
  for (const { name, measure: n, frozen } of flow.parameters) {
    const row = el(body, "tr"), measure = pick([n]);
    el(row, "th", { scope: "row" }, name + (frozen ? " (frozen)" : ""));
    const size = (k) => (measure.reach.includes(k) ? number(measure.norms[k]) : "no path");
    const whole = number(measure.total(weights));
    const cells = [...losses.map(size), whole, verdict(measure, weights).text];
    for (const cell of cells) el(row, "td", {}, cell);
  }
}
