// The gradients themselves as small pictures, where they were kept: each loss times its weight, and
// their sum.

const MIDDLE = 128; // of 0 to 255: the grey of a 0; what is positive is darker
let grid = { which: 0, at: [0, 0], maps: [] };

// The arrays of what is selected, by the numbers of their measures.
function arraysOf({ measure, wire, card, row }) {
  const kept = frameNow().grids ?? {};
  const one = flow.parameters.findIndex(({ measure: n }) => pick([n]) === measure);
  const parameters = one >= 0 ? [one] : card?.data.parameters ?? row?.parameters ?? [];
  const found = wire ? wire.parts.map((n, i) => [n, `${wireText(wire.names)} ${i || ""}`.trim()])
    : parameters.map((n) => [flow.parameters[n].measure, flow.parameters[n].name]);
  return found.filter(([n]) => kept[n]);
}
// By loss and for the sum: the weighted numbers, NaN where nothing is.
function mapsOf(n, weights) {
  const [able, size, text, about] = frameNow().grids[n], numbers = unpackNumbers(text);
  const each = size[0] * size[1], cut = (i) => numbers.slice(i * each, (i + 1) * each);
  const parts = able.map((k, i) => ({ k, numbers: cut(i).map((x) => weights[k] * x) }));
  const sum = parts[0].numbers.map((_, at) => sumOf(parts.map((part) => part.numbers[at])));
  const maps = [...parts, ...(parts.length > 1 ? [{ k: null, numbers: sum }] : [])];
  return { size, about, maps };
}

function drawGrids(now) {
  const box = byId("grids"), arrays = arraysOf(now);
  box.replaceChildren();
  const kept = flow.frames.find((frame) => frame.grids), isElsewhere = kept !== frameNow();
  box.hidden = !arrays.length && !isElsewhere;
  document.body.classList.toggle("grids", arrays.length > 0);
  if (isElsewhere) {
    const words = `Arrays: see step ${kept.step}`;
    const go = el(box, "button", { type: "button", class: "slim" }, words);
    go.addEventListener("click", () => showFrame(flow.frames.indexOf(kept)));
  }
  if (!arrays.length) return [];
  if (grid.what !== now.what) grid = { ...grid, what: now.what, which: 0, at: [0, 0] };
  const chosen = arrays[Math.min(grid.which, arrays.length - 1)];
  const { size, about, maps } = mapsOf(chosen[0], state.weights);
  Object.assign(grid, { size, maps });
  const head = el(box, "div", { class: "row" });
  chooseArray(head, arrays, chosen[1]);
  const most = Math.max(...maps.flatMap(({ numbers }) => [...numbers].map(Math.abs))
    .filter(isFinite), 0);
  el(head, "span", { class: "hint" }, `black +${number(most)}, white −${number(most)}`);
  const keys = { tabindex: 0, role: "group", "aria-label": "Arrow keys go from cell to cell" };
  const row = el(box, "div", { class: "maps", ...keys });
  for (const map of maps) drawMap(row, map, size, most);
  el(box, "p", { class: "hint" }, about);
  grid.said = el(box, "p", { class: "cell-said", role: "status" });
  sayCell();
  return maps;
}
function chooseArray(head, arrays, name) {
  if (arrays.length < 2) return void el(head, "b", {}, name);
  const choice = el(head, "select", { "aria-label": "array" });
  arrays.forEach(([, one], i) =>
    el(choice, "option", { value: i, selected: one === name }, one));
  choice.addEventListener("change", () => {
    grid.which = +choice.value;
    redraw();
    byId("grids").querySelector("select").focus();
  });
}
function drawMap(row, { k, numbers }, [high, wide], most) {
  const figure = el(row, "figure"), caption = el(figure, "figcaption");
  if (k !== null) swatch(caption, k);
  caption.append(k === null ? "sum" : termOf(k));
  const look = { width: wide, height: high, role: "img" };
  const canvas = el(figure, "canvas", { ...look, "aria-label": caption.textContent });
  canvas.style.aspectRatio = `${wide} / ${high}`;
  const pen = canvas.getContext("2d"), image = pen.createImageData(wide, high);
  numbers.forEach((x, i) => {
    const grey = Math.round(MIDDLE - (most ? (127 * x) / most : 0));
    image.data.set(isFinite(x) ? [grey, grey, grey, 255] : [0, 0, 0, 0], 4 * i);
  });
  pen.putImageData(image, 0, 0);
}
// One number of each picture, and their sum.
function sayCell() {
  const { at: [down, right], size: [, wide], maps } = grid, at = down * wide + right;
  const parts = maps.filter(({ k }) => k !== null).map(({ numbers }) => bracketed(numbers[at]));
  const sum = maps.length > 1 ? ` = ${number(maps.at(-1).numbers[at])}` : "";
  const isGap = !isFinite(maps[0].numbers[at]);
  const said = isGap ? "between two filters" : `${parts.join(" + ")}${sum}`;
  say(grid.said, `row ${down + 1}, column ${right + 1}: ${said}`);
}
function goToCell(down, right) {
  const [high, wide] = grid.size;
  grid.at = [Math.max(0, Math.min(high - 1, down)), Math.max(0, Math.min(wide - 1, right))];
  sayCell();
}
byId("grids").addEventListener("pointermove", ({ target, clientX, clientY }) => {
  if (target.tagName !== "CANVAS") return;
  const { left, top, width, height } = target.getBoundingClientRect(), [high, wide] = grid.size;
  const [down, right] = [(clientY - top) / height, (clientX - left) / width];
  goToCell(Math.floor(down * high), Math.floor(right * wide));
});
byId("grids").addEventListener("keydown", (event) => {
  const direction = DIRECTIONS[event.key], [down, right] = grid.at;
  if (!direction || !event.target.matches(".maps")) return;
  event.preventDefault();
  event.stopPropagation();
  goToCell(down + direction[1], right + direction[0]);
});
alsoInside.push(drawGrids);
