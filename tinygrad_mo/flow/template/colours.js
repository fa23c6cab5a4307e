// The colours and textures of the losses, and those of cosines; all others are in page.css.

const { HEAT } = flow.constants;

// Of each loss: for areas (p), lines (s) and text (t: darker, to be read), also with a texture.
function makeColours() {
  const rules = flow.losses.flatMap(({ colours: [light, dark] }, k) => {
    const variables = (area, text) => `:root { --loss${k}: ${area}; --text${k}: ${text}; }`;
    const mixed = (tone, part, other) => `color-mix(in srgb, ${tone} ${part}%, ${other})`;
    return [
      variables(light, mixed(light, 78, "black")),
      `@media (prefers-color-scheme: dark) { ${variables(dark, mixed(dark, 80, "white"))} }`,
      `.p${k} { fill: var(--loss${k}); background: var(--loss${k}); }`,
      `.s${k} { stroke: var(--loss${k}); }`,
      `.textured .p${k} { fill: url(#texture${k}); }`,
      `.textured .s${k} { stroke: url(#texture${k}); }`,
      `.t${k}, svg text.t${k} { color: var(--text${k}); fill: var(--text${k}); }`,
    ];
  });
  el(document.head, "style", {}, rules.join("\n"));
  makeTextures();
}
function makeTextures() {
  const hidden = { width: 0, height: 0, style: "position:absolute", "aria-hidden": true };
  const defs = el(el(document.body, "svg", hidden), "defs"), size = { width: 6, height: 6 };
  const texture = (id, base, turn, lines) => {
    const place = { patternUnits: "userSpaceOnUse", patternTransform: `rotate(${turn})` };
    const made = el(defs, "pattern", { id, ...size, ...place });
    el(made, "rect", { ...size, style: `fill:${base};stroke:none` });
    for (const [d, paint, width] of lines) {
      el(made, "path", { d, style: `stroke:${paint};stroke-width:${width};fill:none` });
    }
  };
  texture("hatch", "var(--rim-conflict)", -45, [["M0 3H6", "var(--hatch)", 1.5]]);
  const pale = "color-mix(in srgb, var(--card) 62%, transparent)";
  const marks = [
    [0, []],
    [-45, [["M0 3H6", pale, 1.6]]],
    [0, [["M2 3H4", pale, 2]]],
    [0, [["M3 0V6", pale, 1.6]]],
    [0, [["M0 3H6M3 0V6", pale, 1]]],
    [45, [["M0 3H6", pale, 1.6]]],
  ];
  losses.forEach((k) => texture(`texture${k}`, `var(--loss${k})`, ...marks[k % marks.length]));
}

// Pink for conflict, green for agreement, the stronger the more.
function heatOf(cosine) {
  const tone = cosine < 0 ? "--conflict" : "--agree", [least, more] = HEAT;
  const strength = Math.round(100 * (least + more * Math.abs(cosine)));
  return {
    paint: `color-mix(in srgb, var(${tone}) ${strength}%, var(--card))`,
    ink: strength > 52 ? "var(--card)" : "var(--ink)",
  };
}
