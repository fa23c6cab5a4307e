"""Runs with other loss weights on the page: what it shows is what they are, and what is said."""

import copy

import numpy as np
import pytest

import tinygrad_mo as tg
from browsing import run, screen
from test_access import CONTRAST, RULES
from test_page import data_of, headline, made, through_training
from test_page_words import signs
from test_runs import by_hand, trained, weighing
from test_stage import SCREENS, SEEN
from tinygrad_mo.flow import Run, Runs, page, run_words

pytestmark = pytest.mark.slow  # a browser takes seconds

STATE = "const { run, frame, weights, compare } = page.state; return [run, frame, weights, compare]"


def many(count=5, steps=4, seeds=3):
    """Runs of the headlines' network, as if they had been recorded."""
    random, found = np.random.default_rng(0), []
    for aux in np.geomspace(0.2, 5, count).round(2).tolist():
        for seed in range(seeds):
            flows = [] if seed else through_training(made("headline"), steps)
            for flow in flows:
                flow.weights = weighing(aux)
            keys = [f"{name}_{what}" for what in ("loss", "accuracy") for name in weighing(aux)]
            history = {key: random.uniform(0.4, 0.7, steps).tolist() for key in keys}
            found.append(Run(weighing(aux), seed, history, [10 * n for n in range(steps)], flows))
    return Runs(found, about="headlines, 147,170 weights, RMSprop, 4 epochs of 3,426 samples")


@pytest.fixture
def shown(browser, tmp_path):
    def open_page(runs, link="", size=(1280, 720)):
        screen(browser, *size)
        runs.save(tmp_path / "runs.html")
        browser.get("about:blank")
        browser.get((tmp_path / "runs.html").as_uri() + link)
        run(browser, "")
        return browser

    yield open_page
    assert [entry["message"] for entry in browser.get_log("browser")] == []


def test_the_page_of_five_runs_is_small():
    with tg.use(floatx="float64"):
        long = headline(length=100)
    runs = many(steps=34, seeds=5)
    for one in runs.runs:
        if one.flows:
            one.flows = through_training(long, 34)
            for flow in one.flows:
                flow.weights = one.weights
    assert len(page.draw_runs(runs).encode()) < 400_000


@pytest.mark.exhaustive
def test_a_chosen_run_shows_its_own_network(shown):
    """Every total and value is that of the chosen run's flow at the step, to 1e-9."""
    runs = trained()
    browser = shown(runs)
    assert run(browser, STATE) == [1, 4, [1, 0.2], False]  # opens with the base
    for n, weights in enumerate(runs.mixtures):
        run(browser, f"page.showRun({n})")
        for frame, flow in enumerate(runs.trained_with(weights)[0].flows):
            run(browser, f"page.showFrame({frame}); page.mix(page.state.weights)")
            mix = [weights[name] for name in flow.losses]
            if frame:  # another step leaves the sliders where they are
                run(browser, "page.mix(arguments[0])", mix)
            shown_wires = run(
                browser,
                "return page.picture().wires.map((w) => [...w.names, "
                "w.measure.total(page.state.weights)])",
            )
            for source, target, total in shown_wires:
                expected = flow.total((source, target))
                assert total == pytest.approx(expected, rel=1e-9, abs=1e-12)
            values = run(browser, "return page.flow.frames[page.state.frame].values")
            assert values == pytest.approx([flow.values[name] for name in flow.losses], rel=1e-10)


def test_the_page_says_what_python_says(shown):
    runs = trained()
    browser = shown(runs)
    for n, weights in enumerate(runs.mixtures):
        run(browser, f"page.showRun({n})")
        said = run(browser, "return document.getElementById('compare-said').textContent")
        assert signs(said) == run_words.sentence(runs, weights)
        cells = "[...document.querySelectorAll('#run-rows tbody tr')].map((row) => "
        rows = run(browser, f"return {cells} [...row.children].map((cell) => cell.textContent))")
        found = [[signs(cell) for cell in row] for row in rows]
        assert found == run_words.rows(runs, weights)
        notes = signs(run(browser, "return document.getElementById('compare-notes').textContent"))
        assert all(note[1:] in notes for note in run_words.notes(runs))
        spoken = signs(run(browser, "return document.getElementById('spoken').textContent"))
        assert spoken == run_words.sentence(runs, weights)


def test_the_curves_are_means_of_the_seeds(shown):
    runs = trained()
    data = data_of(page.draw_runs(runs))
    for n, weights in enumerate(runs.mixtures):
        for k, loss in enumerate(runs.losses):
            curve = runs.curve(loss, weights)
            found = data["runs"][n]["curves"][k]
            expected = [curve.mean(axis=0), curve.min(axis=0), curve.max(axis=0)]
            np.testing.assert_allclose(found, expected, rtol=1e-3)
    browser = shown(runs, "#run=3&compare=1")
    lines = run(
        browser,
        "return [...document.querySelectorAll('#run-curves svg')].map((svg) => "
        "[...svg.querySelectorAll('polyline')].map((line) => line.getAttribute('points')))",
    )
    for k, loss in enumerate(runs.losses):
        assert len(lines[k]) == 3
        heights = [float(y) for y in lines[k][-1].split(" ")[1::2]]
        mean = runs.curve(loss, runs.mixtures[2]).mean(axis=0)
        slope, start = np.polyfit(mean, heights, 1)
        assert slope < 0  # a larger loss is drawn higher
        np.testing.assert_allclose(np.array(heights), start + slope * mean, atol=0.15)


@pytest.mark.exhaustive
def test_a_run_is_chosen_by_keyboard_and_by_link(shown):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    runs = many()
    browser = shown(runs)
    chosen = browser.find_element(By.CSS_SELECTOR, "#runs input:checked")
    chosen.send_keys(Keys.ARROW_RIGHT)
    assert run(browser, STATE)[0] == 1 and run(browser, STATE)[2] == [
        1,
        runs.mixtures[1]["aux_output"],
    ]
    browser.switch_to.active_element.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    state = run(browser, STATE)
    assert state[0] == 3 and state[3]
    name = run(browser, "return document.activeElement.getAttribute('aria-label')")
    assert signs(name) == f"trained with {run_words.label(runs, runs.mixtures[3])}"
    link = run(browser, "return location.hash")
    again = shown(runs, link)
    assert run(again, STATE) == state
    assert "trained with aux ×" in run(again, "return page.pictureFile().text")
    # the pulls of what is selected come back, and the run stays
    run(again, "page.select('card/lstm')")
    assert run(again, STATE) == [*state[:3], False]
    assert run(again, "return getComputedStyle(document.getElementById('inset')).display") != "none"
    run(again, "document.getElementById('to-runs').click()")
    assert run(again, STATE) == state
    for bad in ("#run=99", "#run=x", "#run=0"):
        assert run(shown(runs, bad), STATE)[0] == 0


def test_one_scale_for_all_runs(shown):
    browser = shown(many())
    scales = [
        run(browser, f"page.showRun({n}); return [page.picture().full, page.picture().fullBar]")
        for n in range(5)
    ]
    assert all(scale == scales[0] for scale in scales)
    assert "one scale for all runs" in run(
        browser, "return document.getElementById('key').textContent"
    )


def test_the_tour_asks_about_training_with_it(shown):
    runs = many()
    browser = shown(runs)
    run(browser, "page.showStop(4)")
    title = run(browser, "return document.getElementById('tour-title').textContent")
    assert signs(title) == "And if the model is trained with aux x 5?"
    text = run(browser, "return document.getElementById('tour-words').textContent")
    assert signs(text) == run_words.sentence(runs, runs.mixtures[-1])
    assert run(browser, STATE)[0] == 4 and run(browser, STATE)[3]
    run(browser, "page.showStop(0)")
    assert run(browser, STATE)[0] == 0


CUT = """
const box = (e) => e.getBoundingClientRect();
const parts = ["retrain", "compare", "controls"].map((id) => document.getElementById(id));
const written = parts.flatMap((part) => [...part.querySelectorAll("*")]).filter((e) =>
  box(e).width && e.tagName !== "OPTION" && !e.closest("title") &&
  [...e.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
const out = written.filter((e) => {
  const around = box(e.closest("svg") ?? e.closest(".panel")), own = box(e);
  return own.left < around.left - 1 || own.right > around.right + 1 || own.top < around.top - 1
    || own.bottom > around.bottom + 1;
});
const texts = [...document.querySelectorAll("#run-curves text")];
const hits = (a, b) => Math.min(box(a).right, box(b).right) - Math.max(box(a).left, box(b).left) > 1
  && Math.min(box(a).bottom, box(b).bottom) - Math.max(box(a).top, box(b).top) > 5;
const over = texts.filter((a, i) => texts.some((b, j) => j > i && hits(a, b)));
return {
  out: out.map((e) => e.textContent), over: over.map((e) => e.textContent),
  wide: document.documentElement.scrollWidth - innerWidth,
};"""


@pytest.mark.one_in(2, rest="exhaustive")
@pytest.mark.parametrize("link", ["", "#run=5&compare=1"])
def test_all_is_on_one_screen_and_can_be_read(shown, link):
    runs = many()
    for width, height in SCREENS:
        browser = shown(runs, link, (width, height))
        seen, cut = run(browser, SEEN), run(browser, CUT)
        screens = 1 if width >= 900 else 2
        for left, right, bottom, below in seen["losses"]:
            assert min(left, right) > -1 and bottom <= screens * height, width
            assert below > -1 or screens == 2, width
        assert seen["sliders"] <= height and seen["small"] == [], width
        assert cut["wide"] <= 0 and cut["over"] == [], (width, cut["over"])
        if width >= 900:
            assert cut["out"] == [], (width, cut["out"])


@pytest.mark.one_in(2, rest="exhaustive")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_has_a_name_and_can_be_read(shown, scheme):
    runs, features = many(), [{"name": "prefers-color-scheme", "value": scheme}]
    try:
        for size in ((1280, 720), (400, 800)):
            browser = shown(runs, "#run=5&compare=1", size)
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
            for script in ("", "page.compare(false)", "page.showRun(2)", "page.present(true)"):
                run(browser, script)
                assert run(browser, RULES) == [], (size, script)
                assert run(browser, CONTRAST) == [], (size, script)
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_presenting_has_a_slide_for_the_runs(shown):
    browser = shown(many())
    run(browser, "page.present(true)")
    seen = []
    for _ in range(4):
        boxes = ["inset", "compare", "training", "picture"]
        script = "return arguments[0].filter((id) => document.getElementById(id).offsetHeight > 0)"
        seen.append(run(browser, script, boxes))
        run(browser, "page.click(1)")
    assert seen == [["picture"], ["training"], ["inset"], ["compare"]]
    run(browser, "page.present(false)")


def test_runs_that_differ_in_several_weights_are_named_by_all(shown):
    flows = [through_training(made("headline"), 2) for _ in range(2)]
    mixtures = [weighing(0.2), weighing(1.0, 0.5)]
    for some, weights in zip(flows, mixtures, strict=True):
        for flow in some:
            flow.weights = weights
    runs = Runs(
        [Run(w, steps=[0, 10], flows=some) for w, some in zip(mixtures, flows, strict=True)]
    )
    browser = shown(runs)
    texts = run(
        browser, "return [...document.querySelectorAll('#runs span')].map((e) => e.textContent)"
    )
    assert texts == ["main 1, aux 0.2", "main 0.5, aux 1"]


def test_weights_that_a_method_sets_are_drawn_at_every_step(show):
    flow = copy.copy(made("headline"))
    flows = through_training(flow, 5)
    for n, one in enumerate(flows):
        one.weights = weighing(0.2 + 0.1 * n, 1 - 0.1 * n)
    browser = show(flows[-1], flows[:-1])
    script = """
    const lines = [...document.querySelectorAll("#strip polyline")].slice(-2);
    return lines.map((line) => line.getAttribute("points").split(" ").map(Number));"""
    for points, name in zip(run(browser, script), flow.losses, strict=True):
        heights, weights = points[1::2], [one.weights[name] for one in flows]
        slope, start = np.polyfit(weights, heights, 1)
        assert slope < 0
        np.testing.assert_allclose(heights, start + slope * np.array(weights), atol=0.15)
    texts = run(browser, "return document.querySelector('#strip').textContent")
    assert "weights" in texts and "× 0.6" in texts
    fixed = show(made("headline"), through_training(made("headline"), 3))
    assert "weights" not in run(fixed, "return document.querySelector('#strip').textContent")


def test_hand_made_runs_without_flows_are_no_page():
    with pytest.raises(ValueError, match="whatif records them"):
        page.draw_runs(by_hand({0.2: [1.0], 1.0: [1.0]}))
