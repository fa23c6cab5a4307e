// Where cards stand. Data runs along columns; across them, cards stand above each other. A long row
// of columns goes on in a next row, like text; short branches to a loss may stand on their trunk.

const { PORTS } = flow.constants;
const MARGIN = 10; // around all
const STUB = 13; // pixels that a wire runs straight at its ends, so that no arrow head tilts
const WAY = 16; // across, for a wire that passes a column
const TURN = 30; // between rows, for a wire that goes on in the next one; and beside them
const FEW = 4; // wires that may go on in the next row
const SWEEPS = 12;
const NEAR = 24; // across: wires that are less aslant become straight

const count = (length, make = () => 0) => Array.from({ length }, (_, i) => make(i));

// ---------------------------------------------------------------- columns

// Each card one column behind the last that it needs; inputs just before their first use; losses
// last, or (near) just behind what they judge; weights that several cards use at the last of them.
function findColumns(cards, wires, near) {
  const column = cards.map(() => 0), after = cards.map(() => []), missing = cards.map(() => 0);
  for (const [a, b] of wires) {
    after[a].push(b);
    missing[b] += 1;
  }
  const free = cards.map((_, i) => i).filter((i) => !missing[i]);
  for (const a of free) for (const b of after[a]) {
    column[b] = Math.max(column[b], column[a] + 1);
    if (!(missing[b] -= 1)) free.push(b);
  }
  const last = Math.max(...column);
  cards.forEach(({ kind }, i) => {
    if (kind === "input" && after[i].length) {
      column[i] = Math.min(...after[i].map((b) => column[b])) - 1;
    } else if (kind === "loss" && !near) column[i] = last;
  });
  cards.forEach(({ calls = [] }, i) => {
    if (calls.length) column[i] = Math.max(...calls.map(([call]) => column[call]));
  });
  return column;
}

// By card: those that stand on it, the lowest first: a branch that leads to a loss alone. Of two,
// the one whose loss weighs less.
function findStacks(cards, wires) {
  const before = cards.map(() => []), after = cards.map(() => []);
  for (const [a, b] of wires) {
    after[a].push(b);
    before[b].push(a);
  }
  const found = new Map();
  cards.forEach(({ kind }, i) => {
    const branch = [i];
    let trunk = before[i][0];
    if (kind !== "loss" || before[i].length !== 1) return;
    while (after[trunk].length === 1 && before[trunk].length === 1 && branch.length < 3) {
      branch.unshift(trunk);
      [trunk] = before[trunk];
    }
    if (after[trunk].length < 2 || cards[trunk].kind === "input") return;
    if (!found.has(trunk)) found.set(trunk, []);
    found.get(trunk).push(branch);
  });
  const weight = (branch) => flow.weights[cards[branch.at(-1)].loss];
  const least = (some) => some.sort((a, b) => weight(a) - weight(b))[0];
  return new Map([...found].filter(([, some]) => some.length < 3).map(([trunk, some]) =>
    [trunk, least(some)]));
}

// ---------------------------------------------------------------- what stands in a column

// Cards and passing wires, by column; how high each is above and below its middle. And each wire
// as the things it runs through.
function makePlan({ cards, wires }, sizes, level, { near, stacked }) {
  const columns = findColumns(cards, wires, near || stacked);
  const stacks = stacked ? findStacks(cards, wires) : new Map();
  const standing = new Set([...stacks.values()].flat());
  const things = cards.map((_, i) => {
    const [along, across] = sizes[i], stack = stacks.get(i) ?? [];
    const above = sumOf(stack.map((j) => sizes[j][1] + level.stack));
    const widest = Math.max(along, ...stack.map((j) => sizes[j][0]));
    return { card: i, column: columns[i], along: widest, up: across / 2 + above, down: across / 2 };
  });
  const byColumn = [], add = (thing) => (byColumn[thing.column] ??= []).push(thing);
  things.forEach((thing, i) => { if (!standing.has(i)) add(thing); });
  const chains = wires.map(([a, b]) => {
    if (standing.has(b)) return null;
    const between = count(columns[b] - columns[a] - 1, (n) =>
      ({ column: columns[a] + 1 + n, along: 0, up: WAY / 2, down: WAY / 2 }));
    between.forEach(add);
    return [things[a], ...between, things[b]];
  });
  const kept = count(byColumn.length, (c) => byColumn[c] ?? []).filter((some) => some.length);
  kept.forEach((some, c) => some.forEach((thing) => { thing.column = c; }));
  return { things, columns: kept, chains, stacks, wires, level };
}
const gapOf = (level, a, b) => (a.card === undefined || b.card === undefined ? 6 : level.across);
const stackOf = (some, level) => sumOf(some.map((t) => t.up + t.down))
  + sumOf(some.slice(1).map((t, i) => gapOf(level, some[i], t)));
const widthOf = (some) => Math.max(...some.map((t) => t.along));

// Columns in so many rows, of about one width, broken where few wires pass.
function makeRows(plan, rows) {
  const { columns, chains, level } = plan, widths = columns.map(widthOf);
  const passing = columns.map(() => 0);
  for (const chain of chains) {
    for (const { column } of chain?.slice(0, -1) ?? []) passing[column] += 1;
  }
  const broken = (room) => {
    const found = [[]];
    let used = 0, could = 0; // where the row could end
    for (let c = 0; c < columns.length; c++) {
      const more = widths[c] + (used ? level.along : 0);
      if (used && used + more > room) {
        if (!could) return null;
        const back = found.at(-1).splice(could);
        found.push(back);
        used = sumOf(back.map((b) => widths[b] + level.along));
        could = 0;
      }
      used += widths[c] + (found.at(-1).length ? level.along : 0);
      found.at(-1).push(c);
      if (passing[c] <= FEW) could = found.at(-1).length;
    }
    return found;
  };
  let least = Math.max(...widths), most = sumOf(widths) + level.along * columns.length, best = null;
  for (let n = 0; n < 12 && rows > 1; n++) {
    const room = (least + most) / 2, found = broken(room);
    if (found && found.length <= rows) [best, most] = [found, room];
    else least = room;
  }
  return best ?? [columns.map((_, c) => c)];
}
// What it needs at least: along and across, by row.
function needsOf(plan, rows) {
  const { columns, level } = plan, side = rows.length > 1 ? TURN : 0;
  const along = rows.map((row) =>
    sumOf(row.map((c) => widthOf(columns[c]))) + level.along * (row.length - 1));
  const across = rows.map((row) => Math.max(...row.map((c) => stackOf(columns[c], level))));
  return {
    along: Math.max(...along) + 2 * (MARGIN + side),
    across: sumOf(across) + 2 * MARGIN + TURN * (rows.length - 1),
    byRow: across,
  };
}

// ---------------------------------------------------------------- order and place

// So that few wires cross: things stand in the order of what they are wired to.
function orderThings({ columns, chains }) {
  const links = new Map(columns.flat().map((thing) => [thing, [[], []]]));
  for (const chain of chains) chain?.slice(1).forEach((b, i) => {
    links.get(chain[i])[1].push(b);
    links.get(b)[0].push(chain[i]);
  });
  const number = () => columns.forEach((some) => some.forEach((t, i) => { t.order = i; }));
  const crossings = () => sumOf(columns.map((some) => {
    const pairs = some.flatMap((a) => links.get(a)[1].map((b) => [a.order, b.order]));
    let found = 0;
    pairs.forEach(([a, b], i) => {
      for (let j = 0; j < i; j++) if ((a - pairs[j][0]) * (b - pairs[j][1]) < 0) found += 1;
    });
    return found;
  }));
  number();
  let best = columns.map((some) => [...some]), least = crossings();
  for (let n = 0; n < SWEEPS && least; n++) {
    const back = n % 2, way = back ? [...columns].reverse() : columns;
    for (const some of way) {
      const wish = new Map(some.map((t) => {
        const near = links.get(t)[back].map((other) => other.order);
        return [t, near.length ? sumOf(near) / near.length : t.order];
      }));
      some.sort((a, b) => wish.get(a) - wish.get(b) || a.order - b.order);
      some.forEach((t, i) => { t.order = i; });
    }
    const now = crossings();
    if (now < least) [best, least] = [columns.map((some) => [...some]), now];
  }
  columns.forEach((some, c) => some.splice(0, some.length, ...best[c]));
  number();
  return links;
}

// Places near what each wishes, at least so far apart: those that would overlap are moved together
// (the weighted least squares under order constraints, by pooling of neighbours).
function spaced(wishes, weights, apart, low, high) {
  const before = [];
  apart.forEach((gap, i) => { before[i] = (before[i - 1] ?? 0) + gap; });
  const pools = [];
  wishes.forEach((wish, i) => {
    let pool = { sum: weights[i] * (wish - before[i]), weight: weights[i], size: 1 };
    while (pools.length && pools.at(-1).sum / pools.at(-1).weight > pool.sum / pool.weight) {
      const other = pools.pop();
      pool = { sum: pool.sum + other.sum, weight: pool.weight + other.weight,
        size: pool.size + other.size };
    }
    pools.push(pool);
  });
  const places = pools.flatMap(({ sum, weight, size }) => count(size, () => sum / weight));
  const last = before.at(-1);
  return places.map((place, i) =>
    Math.max(low, Math.min(high - last, place)) + before[i]);
}

// The places across, within a row from 0 to its room.
function placeAcross(plan, rows, rooms, links) {
  const { columns, level } = plan, rowOf = [];
  rows.forEach((row, r) => row.forEach((c) => { rowOf[c] = r; }));
  const gaps = columns.map((some, c) => {
    const spare = Math.max(0, rooms[rowOf[c]] - stackOf(some, level));
    const more = Math.min(level.spread, spare / Math.max(1, some.length));
    return some.map((t, i) => i
      ? some[i - 1].down + t.up + gapOf(level, some[i - 1], t) + (t.card === undefined ? 0 : more)
      : 0);
  });
  columns.forEach((some, c) => {
    let at = (rooms[rowOf[c]] - sumOf(gaps[c])) / 2;
    some.forEach((t, i) => { t.y = at += gaps[c][i]; });
  });
  const apart = columns.map((some) => some.map((t, i) =>
    i ? some[i - 1].down + t.up + gapOf(level, some[i - 1], t) : 0));
  const strength = (a, b) => (a.card === undefined && b.card === undefined ? 8
    : a.card === undefined || b.card === undefined ? 4 : 2);
  for (let n = 0; n < 4 * SWEEPS; n++) {
    const order = n % 2 ? columns.map((_, c) => columns.length - 1 - c) : columns.keys();
    for (const c of order) {
      const some = columns[c], room = rooms[rowOf[c]];
      const wished = some.map((t) => {
        const near = links.get(t).flat().filter((other) => rowOf[other.column] === rowOf[c]);
        const weights = near.map((other) => strength(t, other)), weight = sumOf(weights);
        if (!weight) return [t.y, 0.01];
        return [sumOf(near.map((other, i) => weights[i] * other.y)) / weight, weight];
      });
      const first = some[0].up, last = some.at(-1).down;
      const [wishes, weights] = [0, 1].map((i) => wished.map((one) => one[i]));
      const placed = spaced(wishes, weights, gaps[c], first, room - last);
      some.forEach((t, i) => { t.y = placed[i]; });
    }
  }
  straighten(plan, links, apart, columns.map((_, c) => rooms[rowOf[c]]));
}

// Wires that are almost straight become straight, where there is room: first each thing moves to
// the height of what is before it, then to that of what is behind it, if that is no worse.
function straighten({ columns }, links, gaps, rooms) {
  const isStraight = (t, side) => links.get(t)[side].some((other) => other.y === t.y);
  const level = (some, c, side) => some.forEach((t, i) => {
    const wired = links.get(t)[side], near = wired.filter((a) => Math.abs(a.y - t.y) < NEAR);
    if (wired.length > 2 || !near.length) return;
    if (side && t.card !== undefined && isStraight(t, 0)) return;
    const { y } = near.sort((a, b) => Math.abs(a.y - t.y) - Math.abs(b.y - t.y))[0];
    const [above, below] = [some[i - 1], some[i + 1]];
    const isFree = (other, gap) => !other || Math.abs(other.y - y) > gap - 0.5;
    const isOrdered = !(above?.y > y) && !(below?.y < y);
    const isInside = y >= t.up && y <= rooms[c] - t.down;
    const isApart = isFree(above, gaps[c][i]) && isFree(below, gaps[c][i + 1]);
    if (isOrdered && isInside && isApart) t.y = y;
  });
  columns.forEach((some, c) => level(some, c, 0));
  for (let c = columns.length - 1; c >= 0; c--) level(columns[c], c, 1);
}

// ---------------------------------------------------------------- all together

// Places for cards of these sizes in a room, [along, across] each; wires as lines between them.
function arrange(view, sizes, level, options, room) {
  const plan = makePlan(view, sizes, level, options), links = orderThings(plan);
  const rows = makeRows(plan, options.rows), needs = needsOf(plan, rows);
  const spare = Math.max(0, room[1] - needs.across);
  const turn = TURN + (rows.length > 1 ? Math.min(26, spare / 2 / (rows.length - 1)) : 0);
  const taken = sumOf(needs.byRow) + 2 * MARGIN + turn * (rows.length - 1);
  const more = Math.max(0, room[1] - taken) / rows.length;
  const rooms = needs.byRow.map((need) => need + Math.min(more, level.spread * 4));
  placeAcross(plan, rows, rooms, links);
  const edges = placeRows(plan, rows, rooms, turn, room, needs);
  for (const [trunk, stack] of plan.stacks) {
    const below = plan.things[trunk];
    let y = below.y - sizes[trunk][1] / 2;
    for (const i of stack) {
      y -= level.stack + sizes[i][1] / 2;
      Object.assign(plan.things[i], { x: below.x, y, row: below.row });
      y -= sizes[i][1] / 2;
    }
  }
  const ports = makePorts(plan, sizes);
  const { lanes, apart } = lanesOf(plan, ports);
  const paths = plan.chains.map((chain, i) =>
    chain ? pathOf(chain, ports[i], edges, lanes[i]) : upright(view.wires[i], plan.things, sizes));
  const places = plan.things.map(({ x, y }) => [x, y]);
  return { places, paths, lanes, apart, rows: plan.things.map((t) => t.row), size: edges.size };
}
// The places along, and where rows begin and end.
function placeRows({ columns, level }, rows, rooms, turn, room, needs) {
  const side = MARGIN + (rows.length > 1 ? TURN : 0), size = [Math.max(room[0], needs.along), 0];
  let top = MARGIN;
  const edges = rows.map((row, r) => {
    const widths = row.map((c) => widthOf(columns[c])), free = size[0] - 2 * side - sumOf(widths);
    const even = free / Math.max(1, row.length - 1);
    const isShort = rows.length > 1 && r === rows.length - 1;
    const gap = Math.min(level.farthest, isShort ? Math.min(even, 2 * level.along) : even);
    const used = sumOf(widths) + gap * (row.length - 1);
    let x = rows.length > 1 ? side : (size[0] - used) / 2;
    row.forEach((c, i) => {
      for (const t of columns[c]) {
        Object.assign(t, { x: x + widths[i] / 2, y: t.y + top, wide: widths[i], row: r });
      }
      x += widths[i] + gap;
    });
    const found = { left: side, right: x - gap, bottom: top + rooms[r] };
    top += rooms[r] + turn;
    return found;
  });
  size[1] = top - turn + MARGIN;
  return { edges, turn, size };
}

// Where wires meet the sides of their cards: in the order of their other ends, as straight as they
// can be.
function makePorts({ chains, things }, sizes) {
  const ports = chains.map((chain) => chain && [chain[0].y, chain.at(-1).y]);
  const sides = new Map();
  chains.forEach((chain, i) => chain && [0, 1].forEach((end) => {
    const key = `${(end ? chain.at(-1) : chain[0]).card} ${end}`;
    if (!sides.has(key)) sides.set(key, []);
    sides.get(key).push([i, end]);
  }));
  const wishOf = ([i, end]) => {
    const other = chains[i].at(end ? -2 : 1), own = chains[i].at(end ? -1 : 0);
    if (other.row !== own.row) return other.row > own.row ? 1e6 : -1e6;
    return chains[i].length > 2 ? other.y : ports[i][1 - end];
  };
  for (let n = 0; n < 4; n++) for (const [key, some] of sides) {
    const card = parseInt(key, 10), room = sizes[card][1] * PORTS, { y } = things[card];
    some.sort((a, b) => wishOf(a) - wishOf(b) || a[0] - b[0]);
    const each = room / some.length, first = y - room / 2 + each / 2;
    const even = some.map((_, i) => first + i * each);
    const wishes = some.map((one, i) => {
      const wish = wishOf(one);
      return Math.abs(wish) > 1e5 ? even[i] : wish;
    });
    const apart = some.map((_, i) => (i ? each : 0));
    const last = first + each * (some.length - 1);
    const placed = spaced(wishes, some.map(() => 1), apart, first, last);
    some.forEach(([i, end], at) => { ports[i][end] = placed[at]; });
  }
  return ports.map((port, i) => port && port.map((y, end) => {
    const { card, x } = end ? chains[i].at(-1) : chains[i][0];
    return [x + (end ? -1 : 1) * sizes[card][0] / 2, y];
  }));
}

// Wires that go on in the next row run beside each other: where, and how wide each may be.
function lanesOf({ chains }, ports) {
  const turning = chains.map((chain, i) => [chain, i]).filter(([chain]) =>
    chain && chain[0].row !== chain.at(-1).row);
  const lanes = chains.map(() => 0), room = chains.map(() => Infinity);
  const at = ([, i]) => ports[i][1][1] - ports[i][0][1];
  const rows = new Set(turning.map(([chain]) => chain[0].row));
  for (const row of rows) {
    const some = turning.filter(([chain]) => chain[0].row === row).sort((a, b) => at(a) - at(b));
    const apart = Math.min(WAY / 2, (TURN - 8) / some.length);
    some.forEach(([, i], n) => {
      lanes[i] = (n - (some.length - 1) / 2) * apart;
      room[i] = some.length > 1 ? apart : TURN / 2;
    });
  }
  return { lanes, apart: room };
}

// ---------------------------------------------------------------- lines

// Level at each of its points; from row to row round the outside.
function pathOf(chain, [start, end], { edges, turn }, lane) {
  const points = [start, [start[0] + STUB, start[1]]];
  let row = chain[0].row;
  const to = (x, y, next) => {
    if (next === row) points.push(...bend(points.at(-1), [x, y]));
    else {
      const out = edges[row].right + TURN / 2 + MARGIN / 2 + lane, from = points.pop();
      const between = edges[next - 1].bottom + turn / 2 + lane;
      const back = edges[next].left - TURN / 2 + lane;
      const corners = [[out, from[1]], [out, between], [back, between], [back, y]];
      points.push(...rounded([from, ...corners, [x, y]]));
      row = next;
    }
  };
  for (const { x, y, wide, row: next } of chain.slice(1, -1)) {
    to(x - 0.3 * wide, y, next);
    to(x + 0.3 * wide, y, next);
  }
  to(end[0] - STUB, end[1], chain.at(-1).row);
  return [...points, end];
}
function bend([x0, y0], [x1, y1]) {
  if (Math.abs(y1 - y0) < 0.3) return [[x1, y1]];
  const half = (x1 - x0) / 2;
  return count(16, (n) => {
    const t = (n + 1) / 16, s = 1 - t;
    const [a, b, c, d] = [s * s * s, 3 * t * s * s, 3 * t * t * s, t * t * t];
    return [a * x0 + b * (x0 + half) + c * (x1 - half) + d * x1, (a + b) * y0 + (c + d) * y1];
  });
}
// Corners cut round.
function rounded(points, radius = 14) {
  return points.flatMap((at, i) => {
    const [before, after] = [points[i - 1], points[i + 1]];
    if (!before || !after) return [at];
    const toward = (other) => {
      const far = Math.hypot(other[0] - at[0], other[1] - at[1]) || 1;
      const part = Math.min(radius, far / 2) / far;
      return [at[0] + part * (other[0] - at[0]), at[1] + part * (other[1] - at[1])];
    };
    const [a, b] = [toward(before), toward(after)];
    return count(7, (n) => {
      const t = n / 6, s = 1 - t;
      return [0, 1].map((k) => s * s * a[k] + 2 * s * t * at[k] + t * t * b[k]);
    });
  });
}
// From a card to the one that stands on it.
function upright([a, b], things, sizes) {
  const [low, high] = [things[a], things[b]];
  return [[low.x, low.y - sizes[a][1] / 2], [high.x, high.y + sizes[b][1] / 2]];
}
