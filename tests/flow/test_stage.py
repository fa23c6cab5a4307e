"""In front of a class: what one screen shows, how thick wires and how large texts are."""

import pytest

import tinygrad_mo as tg
from browsing import run, screen
from test_page import chain, made, through_training
from tinygrad_mo.systems import SYSTEMS

pytestmark = pytest.mark.slow  # a browser takes seconds

SCREENS = [(1280, 720), (1440, 900), (1920, 1080), (400, 800)]


def supervised():
    """A head on each of seven blocks, and eight losses."""
    system = SYSTEMS["deep_supervision"]
    return system.make().gradient_flow(*system.task().some(8))


OTHERS = {"deep supervision": supervised, "chain of 60": lambda: chain(60)}
NAMES = ["headline", "siamese", "nested", "six losses", "inception", "regularized", *OTHERS]
_others = {}


def flow_called(name):
    if name not in OTHERS:
        return made(name)
    if name not in _others:
        tg.set_random_seed(0)
        _others[name] = OTHERS[name]()
    return _others[name]


SEEN = """
const box = (e) => e.getBoundingClientRect(), picture = page.picture(), { weights } = page.state;
const totals = picture.wires.map((w) => w.measure.total(weights)), most = Math.max(...totals);
const large = picture.wires.filter((_, i) => totals[i] > 0.02 * most);
const lengths = (text) => {
  const matrix = text.closest("svg") && text.getScreenCTM?.();
  return parseFloat(getComputedStyle(text).fontSize) * (matrix ? matrix.a : 1);
};
const written = [...document.querySelectorAll("#stage *")].filter((e) =>
  box(e).width && !e.closest("title, details, select, .unseen") &&
  [...e.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
const isLoss = (card) => card.data.kind === "loss";
const drawing = box(document.getElementById("drawing"));
return {
  losses: picture.cards.filter(isLoss).map((card) => {
    const { left, right, bottom } = box(card.box);
    return [left - drawing.left, drawing.right - right, bottom, drawing.bottom - bottom];
  }),
  sliders: Math.max(...[...document.querySelectorAll(".slider")].map((e) => box(e).bottom)),
  thin: large.filter((w) => w.width * picture.zoom < 2.995).map((w) => w.names),
  small: written.filter((e) => lengths(e) < 11.99).map((e) => e.textContent),
};"""


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.parametrize("name", NAMES)
def test_all_is_on_one_screen_and_can_be_read(show, name):
    flow = flow_called(name)
    browser = show(flow, through_training(flow, 4))
    for width, height in SCREENS:
        screen(browser, width, height)
        browser.refresh()
        seen = run(browser, SEEN)
        screens = 1 if width >= 900 else 2
        for left, right, bottom, below in seen["losses"]:
            assert min(left, right) > -1, (width, left, right)
            assert bottom <= screens * height, width
            assert below > -1 or screens == 2, width
        assert seen["sliders"] <= height
        assert seen["thin"] == [] and seen["small"] == []
