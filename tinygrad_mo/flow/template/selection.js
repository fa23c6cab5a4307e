// What is selected or pointed at, in all parts of the page at once.

const allThings = () => [...picture.cards, ...picture.wires, ...trained.rows];
const focusOf = (thing) => thing.label ?? thing.group;

// The card, wire or row that an element of the page belongs to.
function thingOf(element) {
  const group = element?.closest(".card, .wire, .bar-row");
  return group ? allThings().find((thing) => thing.group === group) : undefined;
}

// The next thing in the direction of an arrow key: another row, or in the picture the nearest.
function neighbour(from, [dx, dy]) {
  const row = trained.rows.indexOf(from);
  if (row >= 0) return trained.rows[row + dy];
  let nearest, least = Infinity;
  for (const thing of [...picture.cards, ...picture.wires]) {
    const x = thing.x - from.x, y = thing.y - from.y;
    const along = x * dx + y * dy, aside = Math.abs(x * dy) + Math.abs(y * dx);
    if (along > 4 && along + 2.5 * aside < least) [nearest, least] = [thing, along + 2.5 * aside];
  }
  return nearest;
}

// The losses whose gradient comes to a card without weights, or leaves it, if any does.
function reachOfWires(i) {
  const wires = picture.wires.filter(({ ends }) => ends.includes(i));
  const found = losses.filter((k) => wires.some(({ measure }) => measure.reach.includes(k)));
  return found.length ? found : undefined;
}
// It stands out, also its weights and rows; what a loss cannot reach steps back.
function drawSelection() {
  const { select: chosen, hover: pointed } = state;
  const isOne = (key) => key === chosen || key === pointed;
  const loss = picture.cards.find((card) => card.key === (pointed ?? chosen))?.data.loss;
  const isAside = (reach) => loss !== undefined && reach !== undefined && !reach.includes(loss);
  const mark = (thing, related, reach = thing.reach) => {
    const { group, key } = thing;
    set(focusOf(thing), { "aria-pressed": key === chosen });
    group.classList.toggle("selected", key === chosen);
    group.classList.toggle("hover", (key === pointed && key !== chosen) || related);
    group.classList.toggle("aside", isAside(reach));
  };
  picture.cards.forEach((card, i) => {
    const related = (card.data.parameters ?? []).some((p) => isOne(keysOfArrays[p]));
    mark(card, related, card.reach ?? reachOfWires(i));
  });
  for (const wire of picture.wires) mark(wire, false);
  for (const row of trained.rows) mark(row, isOne(row.card));
}
