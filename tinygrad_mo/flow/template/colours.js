// The colours and textures of the losses; all others are in page.css.

// Of each loss: for areas (p) and stripes (s), from the second loss on with a texture; for lines
// and arrows (q); for text (t).
function makeColours() {
  const rules = flow.losses.flatMap(({ colours, place }, k) => {
    const [light, dark, text, pale, tone, darkTone] = colours;
    const variables = (area, read, line) =>
      `:root { --loss${k}: ${area}; --text${k}: ${read}; --tone${k}: ${line}; }`;
    const paint = place % TEXTURES.length ? `url(#texture${k})` : `var(--loss${k})`;
    return [
      variables(light, text, tone),
      `@media (prefers-color-scheme: dark) { ${variables(dark, pale, darkTone)} }`,
      `.p${k} { fill: ${paint}; }`,
      `.s${k} { stroke: ${paint}; }`,
      `.q${k} { fill: var(--loss${k}); stroke: var(--loss${k}); }`,
      `.t${k}, svg text.t${k} { color: var(--text${k}); fill: var(--text${k}); }`,
    ];
  });
  el(document.head, "style", {}, rules.join("\n"));
  makeTextures();
}
// By loss: the size of the tile, and the lines in it, with their width.
const TEXTURES = [
  [],
  [6, ["M-1 7L7 -1M-1 1L1 -1M5 7L7 5", 1.5]],
  [5, ["M1.5 2.5h.01M4 0h.01M4 5h.01", 1.9]],
  [7, ["M0 0L7 7M7 0L0 7", 1.1]],
  [5, ["M2.5 0V5", 1.5]],
  [6, ["M-1 -1L7 7M5 -1L7 1M-1 5L1 7", 1.5]],
  [4, ["M0 2H4", 1.3]],
  [7, ["M0 3.5H7M3.5 0V7", 1.1]],
  [8, ["M0 6L4 2L8 6", 1.3]],
  [7, ["M1 3.5H5", 1.8]],
  [8, ["M4 1.5a2.5 2.5 0 1 0 .01 0", 1.1]],
  [8, ["M0 2.5H8M0 5.5H8", 1.1]],
];
function makeTextures() {
  const hidden = { width: 0, height: 0, style: "position:absolute", "aria-hidden": true };
  const defs = el(el(document.body, "svg", { id: "textures", ...hidden }), "defs");
  const texture = (id, base, size, d, paint, width) => {
    const tile = { width: size, height: size };
    const made = el(defs, "pattern", { id, ...tile, patternUnits: "userSpaceOnUse" });
    el(made, "rect", { ...tile, style: `fill:${base}` });
    const line = `stroke:${paint};stroke-width:${width};fill:none;stroke-linecap:round`;
    el(made, "path", { d, style: line });
  };
  const [size, [slanted]] = TEXTURES[5];
  texture("hatch", "var(--rim-conflict)", size, slanted, "var(--hatch)", 1.5);
  texture("conflicts", "var(--cell-conflict)", size, slanted, "var(--card)", 1.2);
  losses.forEach((k) => {
    const [tile, lines] = TEXTURES[flow.losses[k].place % TEXTURES.length];
    const tone = `var(--tone${k})`;
    if (lines) texture(`texture${k}`, `var(--loss${k})`, tile, lines[0], tone, lines[1]);
  });
}
