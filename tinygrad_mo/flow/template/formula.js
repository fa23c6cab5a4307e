// The panel "The formula": how the total of what is selected follows from the pulls, in numbers.

const GRAM = 4; // losses: of more, the pairs are only added up
const alsoInside = []; // what else draws into the panel

// Of what was measured: each loss's gradient, and of each pair the inner product.
function productsOf(measure, weights) {
  const { reach, rows, norms } = measure, parts = measure.parts(weights);
  const active = reach.filter((k) => parts[k] > 0 && isFinite(parts[k]));
  const pairs = active.flatMap((k) => active.filter((j) => k < j).map((j) => {
    const inner = sumOf(rows.map((row) => row[k] * row[j]));
    return { k, j, inner };
  }));
  const squares = sumOf(active.map((k) => parts[k] ** 2));
  const twice = 2 * sumOf(pairs.map(({ k, j, inner }) => weights[k] * weights[j] * inner));
  return { active, norms, parts, pairs, squares, twice, total: measure.total(weights) };
}
const gradientOf = (k) => `g(${names[k]})`;
const bracketed = (x) => (x < 0 ? `(${number(x)})` : number(x));
function formulaLines(measure, weights) {
  const found = productsOf(measure, weights), { active, norms, parts, pairs } = found;
  if (!active.length) return [["", verdict(measure, weights).text]];
  const product = (k) => `${weightText(weights[k])} × ${gradientOf(k)}`;
  const lines = [["total =", active.map(product).join(" + ")]];
  for (const k of active) {
    const [w, size] = [weightText(Math.abs(weights[k])), number(norms[k])];
    lines.push([`|${product(k)}| =`, `${w} × ${size} = ${number(parts[k])}`, k]);
  }
  if (active.length < 2) return lines;
  if (active.length <= GRAM) for (const { k, j, inner } of pairs) {
    const [both, apart] = [number(inner), `${number(norms[k])} × ${number(norms[j])}`];
    const title = `cos(${names[k]}, ${names[j]}) =`;
    lines.push([title, `${both} / (${apart}) = ${signed(measure.cosine(k, j))}`]);
  }
  const isLong = active.length > GRAM, { squares, twice, total } = found;
  const pulls = isLong ? "the squares" : active.map((k) => `${number(parts[k])}²`).join(" + ");
  const [{ k, j, inner }] = pairs, factors = [weights[k], weights[j]].map(weightText).join(" × ");
  const pair = `${factors} × ${bracketed(inner)}`;
  const mixed = pairs.length > 1 ? `(w w × their product, for all ${pairs.length} pairs)` : pair;
  lines.push(["|total|² =", `${pulls} + 2 × ${mixed}`]);
  lines.push(["=", `${number(squares)} + ${bracketed(twice)} = ${number(total ** 2)}`]);
  lines.push(["|total| =", `√${number(total ** 2)} = ${number(total)}`]);
  return lines;
}

function drawFormulaOf(now) {
  document.body.classList.toggle("inside", state.inside);
  set(byId("look"), { "aria-pressed": state.inside });
  if (!state.inside) return;
  const box = byId("lines");
  say(byId("inside-what"), `${now.what}, step ${frameNow().step}`);
  box.replaceChildren();
  for (const [left, right, k] of formulaLines(now.measure, state.weights)) {
    el(box, "span", { class: k === undefined ? "" : `t${k}` }, left);
    el(box, "span", {}, right);
  }
  const length = "|…|: the length, the root of the sum of all squares.";
  say(byId("inside-hint"), `g: the gradient of one loss, unweighted. ${length}`);
  for (const draw of alsoInside) draw(now);
}
