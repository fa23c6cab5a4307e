"""The page says what Python says: sentences, verdicts and numbers, for any weights."""

import copy

import numpy as np
import pytest

import tinygrad_mo as tg
from browsing import run
from random_flows import random_flow, random_weights
from random_programs import random_model
from tinygrad_mo.flow import Flow, FlowNode, Measure, Wire, words

pytestmark = pytest.mark.slow  # a browser takes seconds

SAID = """
page.mix(arguments[0]);
const texts = (selector) => [...document.querySelectorAll(selector)].map((e) => e.textContent);
const cells = (row) => [...row.children].map((cell) => cell.textContent);
const { weights } = page.state;
return {
  report: texts("#report p"),
  rows: [...document.querySelectorAll("#rows tr")].map(cells),
  notes: document.querySelector("#rows caption").textContent.split("\\n"),
  wires: page.picture().wires.map((wire) => {
    const { whole, oppose, differ, sum } = wire.measure.added(weights);
    return [wire.names, page.verdict(wire.measure, weights).text, whole, oppose, differ, sum];
  }),
};"""


def signs(text):
    """As a terminal writes it."""
    return text.replace("×", "x").replace("−", "-").replace("±", "+-")


def opened(browser):
    run(browser, "document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    return browser


def check_words(browser, flow, weights):
    said, mixed = run(browser, SAID, weights), copy.copy(flow)
    mixed.weights = dict(zip(flow.losses, weights, strict=True))
    report = [line for line in mixed.report().splitlines() if line]
    assert [signs(line) for line in said["report"]] == report
    lines = mixed.table().splitlines()
    table = [lines[0], *lines[2 : 2 + len(flow.parameters)]]
    found = [" ".join(signs(cell) for cell in row) for row in said["rows"]]
    assert found == [" ".join(line.split()) for line in table]
    assert [signs(note) for note in said["notes"]] == lines[3 + len(flow.parameters) :]
    by_ends = {}
    for wire in flow.wires:
        by_ends.setdefault((wire.source, wire.target), []).append(wire.measure)
    names = words.short_names(flow.losses)
    for ends, text, *lengths in said["wires"]:
        if tuple(ends) not in by_ends:
            continue  # it ends at a fold
        measure = Measure.together(by_ends.pop(tuple(ends)), len(flow.losses))
        assert signs(text) == words.verdict(measure, weights, names), ends
        differ, oppose = measure.lost(weights)
        apart = sum(measure.parts(weights))
        if np.isfinite(apart):
            expected = [measure.total(weights), oppose, differ, apart]
            assert lengths == pytest.approx(expected, rel=1e-9, abs=1e-9 * apart), ends
            assert sum(lengths[:3]) == pytest.approx(lengths[3], rel=1e-13), ends


@pytest.mark.one_in(9, rest="exhaustive")
@pytest.mark.parametrize("seed", range(36))
def test_flows_made_by_hand(show, seed):
    flow = random_flow(seed)
    browser = opened(show(flow))
    for weights in random_weights(seed, len(flow.losses)):
        check_words(browser, flow, weights)


@pytest.mark.filterwarnings("ignore:.*every weight is frozen")
@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.parametrize("seed", range(12))
def test_flows_of_models(show, seed):
    tg.set_random_seed(seed)
    with tg.use(floatx="float64"):
        model, data = random_model(seed)
        flow = model.gradient_flow(*data, training=seed % 3 > 0)
    browser = opened(show(flow))
    run(browser, "page.openFold(true)")
    for weights in random_weights(seed, len(flow.losses)):
        check_words(browser, flow, weights)


def test_a_step_is_described_as_it_was(show):
    """What was frozen, which function was measured, and the weights of the losses."""
    now = random_flow(1)
    before = copy.copy(now)
    before.step, before.training = now.step - 1, not now.training
    before.frozen = {name for name in now.parameters if name not in now.frozen}
    before.weights = {name: 0.5 + k for k, name in enumerate(now.losses)}
    browser = opened(show(now, [before]))
    for frame, flow in enumerate([before, now]):
        run(browser, f"page.showFrame({frame})")
        check_words(browser, flow, flow.weight_list)
        what = signs(run(browser, "return document.getElementById('training-what').textContent"))
        names = words.short_names(flow.losses)
        terms = [f"{w:g} x {name}" for w, name in zip(flow.weight_list, names, strict=True)]
        assert what == f"step {flow.step} (its weights in this run: {' + '.join(terms)})"
        frozen = run(browser, "return page.trained.rows.map((row) => [row.name, row.frozen])")
        for key, word in frozen:
            if key in flow.parameters:
                assert (word == "frozen") == (key in flow.frozen), key


def two_losses(**more):
    pulls = Measure.of(np.array([[3.0, 0.0], [-3.0, 4.0]]), (0, 1), 2)
    wires = [Wire("trunk", "main", pulls), Wire("trunk", "aux", pulls)]
    parts = {
        "losses": ["main", "aux"],
        "values": {"main": 0.5, "aux": 0.7},
        "weights": {"main": 1.0, "aux": 1.0},
        "nodes": [
            FlowNode("trunk", type="Dense", shape=(8,), parameters=("trunk/kernel",)),
            FlowNode("main", "loss", loss="main"),
            FlowNode("aux", "loss", loss="aux"),
        ],
        "wires": wires,
        "parameters": {"trunk/kernel": pulls},
    }
    return Flow(**parts | more)


def shown(browser, selector):
    return signs(run(browser, f"return document.querySelector('{selector}').textContent"))


def test_what_stands_in_the_open(show):
    """Which function was measured, where verdicts begin, and which numbers are weighted."""
    browser = show(two_losses(training=False))
    run(browser, "page.mix([1, 0.25]); page.select('card/trunk')")
    assert "Measured as in prediction" in shown(browser, "#mode")
    thresholds = words.thresholds()
    assert f"{thresholds[0].upper()}{thresholds[1:]}." in shown(browser, "#trained-hint")
    assert all(text in shown(browser, "#key") for text in words.LOST.values())
    assert "0.25 x aux" in shown(browser, "#numbers")
    assert "each times its weight" in shown(browser, "#trained-hint")
    wire = run(browser, "return page.picture().wires[0].title.textContent")
    assert "weighted gradient 2.46, " in signs(wire)
    card = run(browser, "return page.picture().cards[0].title.textContent")
    assert "weighted gradient of its weights is 2.46" in signs(card)
    assert "plain SGD step" in shown(browser, "#numbers")
    assert {"SGD step: improves ↓", "SGD step: gets worse ↑"} >= set(
        run(browser, "return [...document.querySelectorAll('.pill')].map((p) => p.textContent)")
    )


def test_weights_of_no_layer_are_shown(show):
    """Those of an op have a card, and those that only a loss uses a row."""
    x = tg.Input((3,), name="x")
    scale = tg.Parameter(np.ones(3, "float32"), "scale")
    spread = tg.Parameter(np.zeros((), "float32"), "log_variance")
    likelihood = lambda y, p: (tg.ops.square(p - y) * tg.ops.exp(-spread) + spread).mean(axis=-1)
    model = tg.Model(x, tg.layers.Dense(1, name="head")(x * scale * scale))
    model.compile("sgd", likelihood)
    flow = model.gradient_flow(np.ones((4, 3), "float32"), np.ones((4, 1), "float32"))
    browser = opened(show(flow))
    check_words(browser, flow, [0.5])
    names = run(browser, "return page.picture().cards.map((card) => card.data.name)")
    assert "weights of scale" in names
    rows = run(browser, "return page.trained.rows.map((row) => [row.name, row.measure.norms[0]])")
    found = {key: norm for key, norm in rows if key in flow.parameters}
    assert list(found) == ["head/kernel", "head/bias", "scale", "log_variance"]
    for name, norm in found.items():
        assert norm == pytest.approx(flow.norm("head", name), rel=1e-9)
    run(browser, "page.select('weights/log_variance')")
    assert shown(browser, "#inset-what") == "log_variance"


def test_what_is_frozen_is_not_trained(show):
    browser = show(two_losses(frozen={"trunk/kernel"}))
    run(browser, "page.select('card/trunk')")
    assert run(browser, "return page.picture().cards[0].title.textContent").startswith(
        "output 8, frozen, conflict"
    )
    assert "frozen" in shown(browser, ".card .small") and "frozen" in shown(browser, ".bar-row")
    assert "Pale: frozen" in shown(browser, "#trained-hint")
    assert "SGD" not in shown(browser, "#numbers")
    pills = run(browser, "return [...document.querySelectorAll('.pill')].map((p) => p.textContent)")
    assert pills == ["SGD step: no change"] * 2


def test_what_is_not_finite_is_said_and_spoils_nothing_else(show):
    broken = Measure.of(np.array([[3.0, 4.0], [np.inf, 0.0]]), (0, 1), 2)
    fine = Measure.of(np.array([[1.0, 0.0]]), (0,), 2)
    flow = two_losses(
        wires=[Wire("trunk", "main", fine), Wire("trunk", "aux", broken)],
        parameters={"trunk/kernel": broken},
    )
    browser = show(flow)
    picture = "const { wires, cards } = page.picture();"
    widths = f"{picture} return wires.map((wire) => wire.width)"
    assert run(browser, widths) == [pytest.approx(44 / 4), 0]  # four times the only finite one
    assert run(browser, f"{picture} return cards[0].verdict.textContent") == "aux not finite"
    dashes = run(browser, f"{picture} return wires[1].none.getAttribute('style')")
    assert "--conflict" in dashes
    pills = run(browser, "return [...document.querySelectorAll('.pill')].map((p) => p.textContent)")
    assert pills == ["SGD step: not finite"] * 2
    run(browser, "page.mix([1, 0])")
    assert run(browser, f"{picture} return cards[0].verdict.textContent") == "main, aux off"
    cut = run(browser, f"{picture} return [wires[1].widest, wires[1].cut.size.textContent]")
    assert run(browser, widths) == [pytest.approx(44 / 4), pytest.approx(cut[0])]
    assert cut[1] == "5.00"


@pytest.mark.parametrize("scale", [2e-163, 1.0, 2e200])
def test_lengths_whose_squares_fit_in_no_float_and_sums_that_cancel(show, scale):
    row = scale * np.random.default_rng(0).normal(size=(1, 5000))
    rows = [np.concatenate(two) for two in ((row, 3 * row), (row, -row[:, ::-1]))]
    pulls, others = (Measure.of(one, (0, 1), 2) for one in rows)
    flow = two_losses(
        wires=[Wire("trunk", "main", pulls), Wire("trunk", "aux", others)],
        parameters={"trunk/kernel": pulls},
    )
    browser = opened(show(flow))
    for weights in ([1.0, 1.0], [3.0, -1.0], [0.0, 2.0]):
        check_words(browser, flow, weights)


def test_a_gradient_that_cancels_is_all_rim(show):
    pulls = Measure.of(np.array([[2.0], [-2.0]]), (0, 1), 2)
    flow = two_losses(wires=[Wire("trunk", "main", pulls), Wire("trunk", "aux", pulls)])
    browser = show(flow)
    found = run(
        browser,
        """const [wire] = page.picture().wires;
        const rims = [wire.oppose, wire.differ].map((rim) =>
          rim.getAttribute("visibility") ? 0 : +rim.getAttribute("stroke-width"));
        return [wire.width, wire.none.getAttribute("visibility"), ...rims];""",
    )
    root = np.sqrt(8) / 4
    assert found == [0, None, pytest.approx(11 * root, abs=1e-3), pytest.approx(11, abs=1e-3)]
