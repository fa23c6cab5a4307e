// Cards and wires of a view: what is shown while one fold is open, and all others are one card.

const { ALL, WEIGHTS } = flow.constants;
const parentOf = (fold) => flow.folds[fold][1];
// The folds around a node, the outermost first, each by its number.
function foldsAround({ fold = -1 }) {
  const found = [];
  for (let one = fold; one >= 0; one = parentOf(one)) found.unshift(one);
  return found;
}
const around = flow.nodes.map(foldsAround);

// The view in which a fold is open, by its name (null: all are folded, ALL: none).
function makeView(open) {
  const unfolded = new Set();
  let one = flow.folds.findIndex(([name]) => name === open);
  for (; one >= 0; one = parentOf(one)) unfolded.add(one);
  const foldOf = (n) => (open === ALL ? -1 : around[n].find((fold) => !unfolded.has(fold)) ?? -1);
  const cards = [], cardOfFold = new Map();
  const cardOf = flow.nodes.map((node, n) => {
    const fold = foldOf(n);
    let card = fold >= 0 ? cardOfFold.get(fold) : undefined;
    if (!card) {
      card = fold >= 0 ? makeFoldCard(fold) : makeNodeCard(node);
      card.number = cards.push(card) - 1;
      if (fold >= 0) cardOfFold.set(fold, card);
    }
    card.nodes.push(n);
    card.silent ||= node.silent === 1;
    return card;
  });
  shareParameters(cards, cardOf);
  for (const card of cards) {
    const [first] = card.nodes.length ? card.nodes : cards[card.calls[0][0]].nodes;
    card.inner = around[first].filter((fold) => unfolded.has(fold) || open === ALL);
    card.label = labelOf(card);
  }
  return { open, cards, ...wiresBetween(cards, cardOf), frames: openFrames(cards, unfolded, open) };
}
function makeNodeCard({ name, kind, type = "", shape = "", loss }) {
  const own = kind === "loss" ? { loss } : { type, shape };
  return { name, kind: kind === "layer" || kind === "op" ? "node" : kind, nodes: [], ...own };
}
const makeFoldCard = (fold) => ({ name: flow.folds[fold][0], kind: "fold", nodes: [], fold });

// Weights belong to the card that uses them; those that several use have a card of their own.
function shareParameters(cards, cardOf) {
  const users = new Map();
  flow.nodes.forEach(({ kind, parameters = [] }, n) => {
    for (const p of kind === "loss" ? [] : parameters) {
      if (!users.has(p)) users.set(p, new Set());
      users.get(p).add(cardOf[n]);
    }
  });
  const together = new Map();
  for (const [p, some] of users) {
    const [first] = some;
    if (some.size === 1) (first.parameters ??= []).push(p);
    else {
      const calls = [...some].map((card) => card.number).join();
      if (!together.has(calls)) together.set(calls, [[...some], []]);
      together.get(calls)[1].push(p);
    }
  }
  for (const [calls, parameters] of together.values()) {
    let name = WEIGHTS + commonPath(parameters.map((p) => flow.parameters[p].name));
    while (cards.some((card) => card.name === name)) name += " …";
    const card = { name, kind: "weights", nodes: [], parameters };
    card.calls = calls.map((call) => [call.number, usesBy(call, parameters)]);
    card.number = cards.push(card) - 1;
  }
}
// What was measured of the contributions of a card to weights that others use, too.
function usesBy(card, parameters) {
  return parameters.flatMap((p) => {
    const bundle = bundleOf(card.fold, `w${p}`);
    if (bundle !== undefined) return [bundle];
    const uses = flow.uses.filter(([q, node]) => q === p && card.nodes.includes(node));
    return uses.length === 1 ? [uses[0][2]] : [];
  });
}
const bundles = new Map(flow.bundles.map(([fold, key, measure]) => [`${fold} ${key}`, measure]));
const bundleOf = (fold, key) => bundles.get(`${fold} ${key}`);
function commonPath(arrays) {
  const folders = new Set(arrays.map((name) => name.replace(/[/.][^/.]*$/, "")));
  if (folders.size === 1 && !arrays.includes([...folders][0])) return [...folders][0];
  const paths = arrays.map((name) => name.split("/").slice(0, -1));
  const same = paths[0].filter((part, i) => paths.every((path) => path[i] === part));
  return same.join("/") || (arrays.length === 1 ? arrays[0] : `${arrays[0]} …`);
}

// A wire between folds carries several gradients: of one tensor that several nodes inside use (they
// were added before measuring), or of different tensors (their squares add up). And the forks: by
// number of card, the tensors that leave it to several cards from which a gradient can come back.
function wiresBetween(cards, cardOf) {
  const byEnds = new Map(), leaving = cards.map(() => new Map()), inside = new Set();
  for (const [source, target, tensor, measure] of flow.wires) {
    const [a, b] = [cardOf[source].number, cardOf[target].number], key = `${a} ${b}`;
    if (a === b) inside.add(tensor);
    if (a === b) continue;
    if (!byEnds.has(key)) byEnds.set(key, [a, b, []]);
    const parts = byEnds.get(key)[2], part = bundleOf(cards[b].fold, tensor) ?? measure;
    if (!parts.includes(part)) parts.push(part);
    if (!leaving[a].has(tensor)) leaving[a].set(tensor, new Map());
    if (flow.reach[part].includes("1")) leaving[a].get(tensor).set(b, part);
  }
  const isFork = ([tensor, ends]) => ends.size > 1 && !inside.has(tensor) && wholes.has(tensor);
  const forks = leaving.map((tensors) => [...tensors].filter(isFork).map(([tensor, ends]) =>
    ({ tensor, ends, measure: wholes.get(tensor) })));
  return { wires: [...byEnds.values()], forks };
}
const wholes = new Map(flow.forks); // by tensor that several nodes use: the measure of all together

// The folds whose insides are visible, and the cards in them.
function openFrames(cards, unfolded, open) {
  return flow.folds.flatMap(([name], fold) => {
    if (open !== ALL && !unfolded.has(fold)) return [];
    const isInside = ({ nodes, inner }) => nodes.length && inner.includes(fold);
    const inside = cards.filter(isInside).map((card) => card.number);
    return inside.length ? [{ name, cards: inside }] : [];
  });
}
// Its name without that of the open fold around it.
function labelOf({ name, kind, inner }) {
  const weights = kind === "weights", path = weights ? name.slice(WEIGHTS.length) : name;
  let short = path;
  for (const [fold] of inner.map((one) => flow.folds[one]).reverse()) {
    const stem = fold.split(":")[0];
    const rest = path.slice(stem.length + 1);
    const isInside = path.startsWith(stem) && "/_-.".includes(path[stem.length] || " ");
    if (isInside && isNaN(parseInt(rest, 10))) { // a number alone is no name
      short = rest;
      break;
    }
  }
  while (kind === "fold" && short.endsWith(" …")) short = short.slice(0, -2);
  return weights ? `${short} weights` : short;
}
