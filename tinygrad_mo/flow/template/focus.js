// The keyboard keeps its place, also while what it stands on is built anew.

// Where it stands: on a thing of the picture or a row, by its key and the nodes that are in it; on
// a button of the folds; or on the strip.
function placeOfFocus() {
  const at = document.activeElement, thing = thingOf(at);
  if (at === strip?.svg) return { isStrip: true };
  if (!thing) return { opens: at?.opens };
  const card = thing.ends ? picture.cards[thing.ends[0]] : thing;
  return { key: thing.key, isRow: !thing.tip && !thing.box, nodes: card.data?.nodes ?? [] };
}
function focusAgain({ key, isRow, nodes, opens, isStrip }) {
  if (document.activeElement !== document.body) return; // it is still there
  if (isStrip) strip?.svg.focus();
  else if (key) focusOn(thingLike(key, isRow, nodes));
  else if (opens !== undefined) {
    const buttons = [...byId("folds").children];
    (buttons.find((button) => button.opens === opens) ?? buttons[0])?.focus();
  }
}
// The same thing; or the card that its nodes are in now, or the first of the cards that they are.
function thingLike(key, isRow, nodes) {
  const some = isRow ? trained.rows : [...picture.cards, ...picture.wires];
  return some.find((thing) => thing.key === key)
    ?? picture.cards.find(({ data }) => data.nodes.some((n) => nodes.includes(n))) ?? some[0];
}
function focusOn(thing) {
  for (const one of [...picture.cards, ...picture.wires]) set(one.group, { tabindex: -1 });
  if (!picture.cards.includes(thing)) set(picture.cards[0].group, { tabindex: 0 });
  set(focusOf(thing), { tabindex: 0 });
  focusOf(thing).focus({ preventScroll: true });
}
