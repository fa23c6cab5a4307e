"""For everybody: what a screen reader hears, where the keyboard is, and what can be read.

Where the environment variable TINYGRAD_MO_AXE names a file axe.min.js, its rules are asked, too.
"""

import os
import re
from pathlib import Path

import pytest

import tinygrad_mo as tg
from browsing import run, screen
from test_page import flow_of, made, through_training
from tinygrad_mo import layers
from tinygrad_mo.flow import words

pytestmark = pytest.mark.slow  # a browser takes seconds

NAMES = ["headline", "six losses", "nested", "inception"]
STATES = {  # each is reached from the one before it
    "opened": "document.querySelectorAll('details').forEach((one) => { one.open = true; })",
    "tour": "page.showStop(1)",
    "present": "page.showStop(null); page.present(true)",
    "pulls": "page.click(1)",
    "fold": "page.present(false); page.openFold(page.flow.folds[0]?.[0] ?? null)",
    "step": "page.showFrame(1)",
    "sweep": "page.goTo(2)",
}
RULES = """
const found = [], isSeen = (e) => e.checkVisibility({ visibilityProperty: true });
const all = [...document.querySelectorAll("body *")], seen = all.filter(isSeen);
const told = (e) => `${e.tagName} ${e.id} ${e.textContent.slice(0, 40)}`;
if (!document.documentElement.lang || !document.title) found.push("no language, or no title");
const ids = all.map((e) => e.id).filter(Boolean);
if (new Set(ids).size < ids.length) found.push("an id is there twice");
const heads = seen.filter((e) => /^H[1-6]$/.test(e.tagName)).map((e) => +e.tagName[1]);
if (heads.filter((level) => level === 1).length !== 1) found.push(`headings ${heads}`);
if (heads.some((level, i) => level > (heads[i - 1] ?? 0) + 1)) found.push(`levels ${heads}`);
const tokens = (text) =>
  text.toLowerCase().replace(/\\([^()]*\\)/g, "").match(/[\\p{L}\\p{N}]+/gu) ?? [];
const isUnseen = (node) => node.nodeName === "title" || (node.nodeType === 1 && !isSeen(node));
const written = (e) => [...e.childNodes].map((node) =>
  node.nodeType === 3 ? node.data : isUnseen(node) ? "" : written(node)).join("");
for (const e of seen) {
  const label = e.getAttribute("aria-label");
  const isControl = e.matches("button, summary, input, select, a[href], [tabindex], [role=button]");
  const labelled = label || e.labels?.length || (written(e).trim() && !e.matches("select, input"));
  if (isControl && !labelled && e.id !== "tour") found.push(`no name: ${told(e)}`);
  if (isControl && label && !e.matches("[role=group], [role=slider], [role=region], section")) {
    const [name, text] = [label, written(e)].map((one) => ` ${tokens(one).join(" ")} `);
    if (text.trim() && !name.includes(text)) found.push(`${told(e)} is called ${label}`);
  }
  if (e.matches("svg[role=img], section, nav") && !label && !e.querySelector("h2")) {
    found.push(`what is this: ${told(e)}`);
  }
  const { overflowX, overflowY } = getComputedStyle(e), scrolls = /auto|scroll/;
  const isLong = (scrolls.test(overflowX) && e.scrollWidth > e.clientWidth + 2)
    || (scrolls.test(overflowY) && e.scrollHeight > e.clientHeight + 2);
  if (isLong && !e.matches("[tabindex]") && !e.querySelector("button, [tabindex], input")) {
    found.push(`scrolls, but not by keys: ${told(e)}`);
  }
}
return found;"""
# The contrast of each text with what is painted below its middle.
CONTRAST = """
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const rgba = (colour) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const channel = (x) => (x / 255 <= 0.04045 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const ratio = (a, b) => {
  const [dark, pale] = [light(a), light(b)].sort((x, y) => x - y);
  return (pale + 0.05) / (dark + 0.05);
};
const paint = (e) => {
  const style = getComputedStyle(e), isSvg = e instanceof SVGElement && e.tagName !== "svg";
  const colour = isSvg ? style.fill : style.backgroundColor;
  return colour.startsWith("url") ? null : rgba(colour === "none" ? "transparent" : colour);
};
const found = [];
for (const e of document.querySelectorAll("main *")) {
  const own = [...e.childNodes].filter((node) => node.nodeType === 3 && node.data.trim());
  if (!own.length || e.closest("title, select, .unseen, .aside") || !e.checkVisibility()) continue;
  const range = document.createRange();
  range.selectNodeContents(own[0]);
  const { left, right, top, bottom } = range.getBoundingClientRect();
  const [x, y] = [(left + right) / 2, (top + bottom) / 2];
  if (!(right > left) || x < 0 || y < 0 || x > innerWidth || y > innerHeight) continue;
  const text = e.closest("text") ?? e, below = document.elementsFromPoint(x, y);
  const isHtml = !(text instanceof SVGElement);
  if (isHtml && !below.includes(e)) continue; // it is cut there
  const ground = below.find((one) => !one.closest("text, line") && one.tagName !== "g"
    && !one.matches(".hit, .halo") && (paint(one)?.[3] ?? 255) > 250);
  if (!ground || !paint(ground)) continue;
  const ink = rgba(getComputedStyle(e)[isHtml ? "color" : "fill"]);
  const contrast = ratio(ink, paint(ground));
  if (contrast < 4.5) found.push([own[0].data, contrast, ground.outerHTML.slice(0, 80)]);
}
return found;"""
AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => done(
  violations.map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html }) => html)])));"""


def look(browser, name, size, scheme):
    rules = os.environ.get("TINYGRAD_MO_AXE")
    if rules:
        browser.set_script_timeout(120)
        browser.execute_script(Path(rules).read_text("utf-8"))
    for state, script in {"at first": "", **STATES}.items():
        run(browser, script)
        where = name, size, scheme, state
        assert run(browser, RULES) == [], where
        assert run(browser, CONTRAST) == [], where
        if rules:
            assert browser.execute_async_script(AXE) == [], where


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.parametrize("name", NAMES)
def test_all_has_a_name_and_can_be_read(show, name):
    flow = made(name)
    browser = show(flow, through_training(flow, 4))
    try:
        for scheme in ("light", "dark"):
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
            for size in ((1280, 720), (400, 800)):
                screen(browser, *size)
                browser.get(browser.current_url.split("#")[0])
                browser.refresh()
                look(browser, name, size, scheme)
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.parametrize("name", NAMES)
def test_what_is_heard_of_a_card_is_true(show, name):
    flow = made(name)
    browser = show(flow, link="#all=1")
    heard = run(
        browser,
        """return page.picture().cards.map(({ data, group, parameters }) =>
          [data.name, data.kind, data.loss ?? null, group.getAttribute("aria-label"),
            parameters.length]);""",
    )
    short, nodes = words.short_names(flow.losses), {node.name: node for node in flow.nodes}
    for name, kind, loss, text, own in heard:
        text = text.replace("−", "-").replace("×", "x")
        assert text.endswith(".") and text.count(".\n") == 0
        if kind == "loss":
            called = flow.losses[loss]
            assert f"loss {called}" in text and f"weight {flow.weights[called]:.2f}" in text
            assert f"now {flow.values[called]:#.3g}".rstrip(".") in text
        elif kind == "weights":
            assert "the weighted gradient of its weights is" in text
        else:
            shape = "x".join("…" if n is None else str(n) for n in nodes[name].shape)
            assert name in text and f"output {shape}" in text
            assert own or "no weights" in text or "an input" in text
        if own and kind == "node":
            layer = words.layer_of(flow, name, nodes[name].parameters)
            assert words.verdict(layer.measure, flow.weight_list, short) in text
            size = re.search(r"its weights is ([\d.e-]*\d)[.;]", text)[1]
            assert float(size) == pytest.approx(layer.measure.total(flow.weight_list), rel=6e-3)


def test_the_keyboard_keeps_its_place_and_escape_closes_a_fold(show):
    from selenium.webdriver.common.keys import Keys

    browser = show(made("nested"), through_training(made("nested"), 3))
    here = """const at = document.activeElement;
    return page.picture().cards.find(({ group }) => group === at)?.data.name ?? at.tagName;"""
    press = lambda *keys: browser.switch_to.active_element.send_keys(*keys)
    run(browser, "page.picture().cards.find((c) => c.data.name === 'base').group.focus()")
    press(Keys.ENTER, Keys.ENTER)
    assert run(browser, here) == "base/conv1"
    press(Keys.ARROW_RIGHT)
    assert run(browser, here) != "base/conv1"
    press(Keys.ESCAPE)
    assert run(browser, "return page.state.open") is None
    assert run(browser, here) == "base"
    press(Keys.ESCAPE)
    assert run(browser, "return page.state.select") is None
    run(browser, "document.querySelector('#folds button:last-child').focus()")
    press(Keys.ENTER)
    assert run(browser, "return [page.state.open, document.activeElement.textContent]") == [
        True,
        "all cards",
    ]
    screen(browser, 1000, 700)  # another width: all is built anew
    run(browser, "document.querySelector('#strip svg').focus(); dispatchEvent(new Event('resize'))")
    assert run(browser, "return document.activeElement.getAttribute('role')") == "slider"
    assert run(browser, "return document.querySelectorAll('#drawing [tabindex=\"0\"]').length") == 1


SCRIPTS = {
    "German": "Kurzzeitgedächtnis_vorwärts, Wahrscheinlichkeit_Hauptausgabe, Straßenverkehrslage",
    "French": "mémoire à court terme, probabilité d’être une estampe, sortie auxiliaire",
    "Japanese": "長短期記憶ネットワーク層, 主要出力の確率推定値を求める層, 補助出力",
}


@pytest.mark.one_in(3, rest="exhaustive")
@pytest.mark.parametrize("script", SCRIPTS)
def test_names_of_any_language_are_written_out(show, script):
    reader, main, aux = SCRIPTS[script].split(", ")
    x, tg_x = tg.Input((5, 2), name="x"), tg.Input((3,), name="z")
    h = layers.LSTM(3, name=reader)(x)
    ends = [layers.Dense(1, name=main)(layers.concatenate([h, tg_x])), layers.Dense(1, name=aux)(h)]
    browser = show(flow_of([x, tg_x], ends, "mse"))
    script = """
    return page.picture().cards.flatMap(({ group, box }) => {
      const card = box.getBoundingClientRect();
      return [...group.querySelectorAll("text")].map((text) => {
        const { left, right, top, bottom } = text.getBoundingClientRect();
        const isInside = left >= card.left - 1 && right <= card.right + 1
          && top >= card.top - 1 && bottom <= card.bottom + 1;
        return [[...text.querySelectorAll("tspan")].map((e) => e.textContent), isInside];
      });
    });"""
    for size in ((1280, 720), (1920, 1080), (400, 800)):
        screen(browser, *size)
        browser.refresh()
        found = run(browser, script)
        assert all(inside for _, inside in found), (size, found)
        titles = {"".join(lines).replace(" ", "") for lines, _ in found}
        for name in (reader, main, aux):
            assert any(name.replace(" ", "") in title for title in titles), (name, titles)
