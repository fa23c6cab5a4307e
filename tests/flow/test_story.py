"""The sweep, the tour and what leaves the page: each sentence and number against the flow."""

import json
import re
from base64 import b64decode

import numpy as np
import pytest

from browsing import run, screen, wait_until
from test_page import growing, made, through_training
from tinygrad_mo.flow import words

pytestmark = pytest.mark.slow  # a browser takes seconds


def text_of(browser, name):
    said = run(browser, f"return document.getElementById('{name}').textContent")
    return said.replace("−", "-").replace("×", "x")


def shown_as(x):
    """As the page writes a number that is neither large nor tiny."""
    return f"{x:#.3g}".rstrip(".")


# The sweep.


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.parametrize("name", ["headline", "siamese", "nested", "six losses", "inception"])
@pytest.mark.parametrize("link", ["", "#all=1"])
def test_the_sweep_reaches_each_card_after_all_that_uses_it(show, name, link):
    browser = show(made(name), link=link)
    steps, at, cards, wires = run(
        browser,
        """const { steps, at } = page.sweep(), { cards, wires } = page.picture();
        const kinds = cards.map((c) => c.data.kind);
        return [steps, at, kinds, wires.map((w) => [...w.ends, w.reach])];""",
    )
    assert [steps[0]["kind"], steps[1]["kind"], steps[-1]["kind"]] == ["forward", "start", "done"]
    at = [np.inf if n is None else n for n in at]  # an output without a loss is never reached
    for a, b, reach in wires:
        if reach:
            assert 1 <= at[b] <= at[a] and (at[b] < at[a] or name in ("six losses", "inception"))
    for i, step in enumerate(steps):
        if step["kind"] == "fork":
            users = [b for a, b, reach in wires if a == step["fork"] and reach]
            assert max(at[b] for b in users) < i + 1 <= at[step["fork"]]
            assert len(users) > 1 and cards[step["fork"]] != "input"


def test_what_the_sweep_has_not_reached_shows_no_gradient(show):
    browser = show(made("headline"))
    script = """
    page.goTo(arguments[0]);
    const { wires, cards } = page.picture(), { at } = page.sweep();
    const isSeen = (e) => getComputedStyle(e).display !== "none";
    return [
      wires.map((w) => [isSeen(w.back), at[w.ends[1]] <= arguments[0]]),
      cards.filter((c) => c.verdict).map((c, i) =>
        [isSeen(c.verdict.parentNode), at[cards.indexOf(c)] <= arguments[0]]),
    ].flat();"""
    for step in range(run(browser, "return page.sweep().steps.length")):
        for seen, expected in run(browser, script, step):
            assert seen == expected, step
    assert "12 of 12" in text_of(browser, "sweep-text")
    run(browser, "page.goTo(null)")
    assert text_of(browser, "sweep-text") == "1 sweep carries both"


def test_at_a_fork_arrows_are_added_and_wrong_ideas_refuted(show):
    flow = made("headline")
    browser = show(flow)
    steps = run(browser, "return page.sweep().steps")
    (place,) = [i for i, step in enumerate(steps) if step["kind"] == "fork"]
    for weights in ([1.0, 0.2], [0.5, 2.0], [1.0, -1.0]):
        run(browser, "page.mix(arguments[0]); page.goTo(arguments[1]);", weights, place)
        (fork,) = flow.forks.values()
        parts = [
            flow.measure(("lstm", user)).total(weights) for user in ("concatenate", "aux_output")
        ]
        whole = fork.total(weights)
        assert fork.total(weights) == pytest.approx(
            np.linalg.norm(
                sum(
                    w * flow.gradient(loss, ("lstm", user))
                    for w, loss, user in zip(
                        weights, flow.losses, ("concatenate", "aux_output"), strict=True
                    )
                )
            )
            if flow.arrays
            else whole
        )
        said = text_of(browser, "sweep-said")
        assert said.startswith("Two gradients have come back to the output of lstm.")
        here, later = (m.worst_pair(weights)[0] for m in (fork, flow.measure("lstm")))
        assert ("one step later" in said) == (words.relation(here) != words.relation(later))
        numbers = text_of(browser, "numbers")
        for x in [*parts, whole, sum(parts)]:
            assert shown_as(x) in numbers
        run(browser, "page.state.asked = null; page.ask('average')")
        refuted = text_of(browser, "refuted")
        for x in [*parts, whole, whole / 2]:
            assert shown_as(x) in refuted
    run(browser, "page.ask('two')")
    once, twice, again, cards = cards_of_sweeps(flow)
    refuted = text_of(browser, "refuted")
    assert (
        f"pass {twice} cards instead of {once} (of {cards} in this picture): {again} a" in refuted
    )


def cards_of_sweeps(flow):
    """That send a gradient on: in one sweep, in one for each loss, and the difference."""
    passed = [
        {wire.source for wire in flow.wires if wire.measure.reach[k]}
        for k in range(len(flow.losses))
    ]
    once, each = len(set.union(*passed)), sum(map(len, passed))
    return once, each, each - once, len(flow.nodes)


def test_the_sweep_plays_and_stands_still_where_motion_is_unwelcome(show):
    browser = show(made("headline"))
    run(browser, "document.getElementById('play').click()")
    wait_until(browser, "return page.state.sweep >= 1")
    run(browser, "document.getElementById('play').click()")
    stopped = run(browser, "return page.state.sweep")
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    run(browser, "document.getElementById('play').click()")
    assert run(browser, "return page.state.sweep") == stopped + 1
    moving = "return getComputedStyle(document.querySelector('.arriving .back')).animationName"
    assert run(browser, moving) == "none"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_keys_of_a_clicker_go_through_sweep_and_slides(show):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser = show(made("headline"), through_training(made("headline"), 3), "#sweep=3")
    body = browser.find_element(By.TAG_NAME, "body")
    assert run(browser, "return page.state.sweep") == 2
    body.send_keys(Keys.PAGE_DOWN)
    body.send_keys(Keys.ARROW_RIGHT)
    body.send_keys(Keys.PAGE_UP)
    assert run(browser, "return page.state.sweep") == 3
    assert "sweep=4" in browser.current_url
    body.send_keys(Keys.ESCAPE)
    assert run(browser, "return page.state.sweep") is None
    run(browser, "page.present(true)")
    seen = []
    panels = ["picture", "training", "inset"]
    for _ in range(3):
        script = f"return {panels}.filter((id) => document.getElementById(id).offsetHeight > 0)"
        seen.append(run(browser, script))
        body.send_keys(Keys.PAGE_DOWN)
    assert seen == [["picture"], ["training"], ["inset"]]
    body.send_keys(Keys.ESCAPE)
    assert run(browser, "return document.body.classList.contains('presenting')") is False


@pytest.mark.one_in(3, rest="exhaustive")
@pytest.mark.parametrize("name", ["headline", "nested", "six losses"])
def test_text_is_large_while_presenting(show, name):
    browser = show(made(name), through_training(made(name), 3))
    screen(browser, 1280, 720)
    for slide in range(3):
        run(
            browser,
            "page.present(true); for (let i = 0; i < arguments[0]; i++) page.click(1)",
            slide,
        )
        small = run(
            browser,
            """const length = (e) => parseFloat(getComputedStyle(e).fontSize)
              * (e.closest("svg") && e.getScreenCTM ? e.getScreenCTM().a : 1);
            return [...document.querySelectorAll("#stage *")].filter((e) =>
              e.getBoundingClientRect().width && !e.closest("title, select") &&
              [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) &&
              length(e) < 15.9).map((e) => [e.textContent, length(e)]);""",
        )
        assert small == [], slide


# The tour.


def test_the_page_opens_where_opposition_costs_most(show):
    flow = made("headline")
    flows = growing(flow, [1.0, 3.0, 0.5])
    turned = flows[1]
    for name in ("lstm/kernel", "lstm/recurrent_kernel", "lstm/bias"):
        m = turned.parameters[name]
        r = np.stack([m.r[:, 0], -4 * m.r[:, 0]], axis=1)
        turned.parameters[name] = type(m)(m.reach, r)
    browser = show(flows[-1], flows[:-1])
    costs = {}
    for flow in flows:
        for layer in words.layers_of(flow):
            _, oppose = layer.measure.lost(flow.weight_list)
            costs[flow.step, layer.name] = oppose / sum(layer.measure.parts(flow.weight_list))
    step, layer = max(costs, key=costs.get)
    shown = run(browser, "return [page.flow.frames[page.state.frame].step, page.state.select]")
    assert shown == [step, f"card/{layer}"] and costs[step, layer] > 0.02


def test_the_tour_says_what_is_so(show):
    flow = made("headline")
    browser = show(flow, through_training(flow, 4))
    run(browser, "page.showStop(0)")
    layers = [layer for layer in words.layers_of(flow) if layer.trained]
    said = text_of(browser, "tour-words")
    for k, loss in enumerate(flow.losses):
        names = words.listing(layer.name for layer in layers if layer.measure.reach[k])
        assert f"{loss} has a path to {names}" in said
    run(browser, "page.showStop(1)")
    unable = words.listing(layer.name for layer in layers if not layer.measure.reach[1])
    assert f"No path leads from it to {unable}:" in text_of(browser, "tour-words")
    assert run(browser, "return page.state.weights") == [1.0, 0]
    run(browser, "page.showStop(2)")
    said, title = text_of(browser, "tour-words"), text_of(browser, "tour-title")
    cost = lambda layer: (
        layer.measure.lost(flow.weight_list)[1] / sum(layer.measure.parts(flow.weight_list))
    )
    layer = max((one for one in layers if len(one.losses()) > 1), key=cost)
    assert title == f"Do the losses agree or fight in {layer.name}, and when?"
    cosine = layer.measure.worst_pair(flow.weight_list)[0]
    assert f"(cosine {cosine:+.2f})" in said
    assert f"{np.degrees(np.arccos(cosine)):.0f}°" in said
    share = sum(layer.measure.lost(flow.weight_list)) / sum(layer.measure.parts(flow.weight_list))
    assert f"{share:.0%} of the length" in said
    fights = 4 if cosine < words.CONFLICT else 0
    assert (f"fight at {fights} of 4" if fights else "At none of 4 recorded steps") in said
    run(browser, "page.showStop(3)")
    said = text_of(browser, "tour-words")
    for weights in (flow.weights, {**flow.weights, flow.losses[1]: 1.0}):
        for slope in flow.forecast(weights).values():
            assert shown_as(slope) in said
    assert run(browser, "return page.state.weights") == [1.0, 1.0]
    run(browser, "page.showStop(4)")
    assert "One: it starts from one number, L, and carries both losses." in text_of(
        browser, "tour-words"
    )
    assert run(browser, "return page.state.sweep") == 0
    run(browser, "page.showStop(5)")
    assert run(browser, "return [page.state.stop, page.state.sweep]") == [None, None]


@pytest.mark.one_in(3, rest="exhaustive")
@pytest.mark.parametrize("name", ["siamese", "nested", "one loss", "sixty losses", "nasty"])
def test_every_model_has_a_tour(show, name):
    browser = show(made(name))
    run(browser, "document.getElementById('tour-button').click()")
    titles = []
    while run(browser, "return page.state.stop") is not None:
        titles.append(text_of(browser, "tour-title"))
        said = text_of(browser, "tour-words")
        assert said and "undefined" not in said and "NaN" not in said
        assert f"tour={len(titles)}" in browser.current_url
        run(browser, "document.getElementById('tour-next').click()")
    assert len(set(titles)) == len(titles) >= (2 if len(made(name).losses) == 1 else 4)
    assert titles[-1] == "One backward sweep, or two?"


def test_a_teacher_writes_a_tour(browser, tmp_path):
    flow = made("headline")
    stops = [
        {"title": "Who is alone?", "weights": {flow.losses[1]: 0}, "select": "lstm"},
        {"title": "And this wire?", "text": "Look.", "look": ["here"], "step": 10,
         "select": ("lstm", "aux_output"), "sweep": 2},
    ]  # fmt: skip
    flow.save(tmp_path / "flow.html", through_training(flow, 3), tour=stops)
    browser.get((tmp_path / "flow.html").as_uri())
    state = "const { weights, select, frame, sweep } = page.state;"
    run(browser, "page.showStop(0)")
    assert text_of(browser, "tour-title") == "Who is alone?"
    assert text_of(browser, "tour-count") == "Question 1 of 2"
    assert run(browser, f"{state} return [weights, select]") == [[1, 0], "card/lstm"]
    run(browser, "page.showStop(1)")
    assert run(browser, f"{state} return [frame, select, sweep]") == [1, "wire/lstm/aux_output", 1]
    assert len(run(browser, "return document.querySelectorAll('#tour-look li')")) == 1


@pytest.mark.parametrize(
    ("stop", "words"),
    [
        ({"text": "no title"}, "title, text and each thing"),
        ({"title": "a", "stop": 1}, "no part 'stop'"),
        ({"title": "a", "step": 7}, "step 7 is none of the recorded ones"),
        ({"title": "a", "select": "lstn"}, "did you mean 'lstm'"),
        ({"title": "a", "weights": {"mein": 1}}, "no loss 'mein'"),
        ({"title": "a", "sweep": 0}, "sweep"),
        ("a", "must be a dict"),
    ],
)
def test_a_tour_that_asks_for_what_is_not_there_is_refused(stop, words, tmp_path):
    with pytest.raises((TypeError, ValueError, KeyError), match=words):
        made("headline").save(tmp_path / "flow.html", tour=[stop])
    assert not list(tmp_path.iterdir())


# Out of the page.


def test_the_picture_leaves_the_page_as_svg_and_png(show):
    browser = show(made("headline"))
    text, size = run(browser, "const { text, size } = page.pictureFile(); return [text, size]")
    assert text.startswith("<svg") and text.count("<svg") == 2
    assert not re.search(r"(?:href|src)=", text) and "lstm" in text and "url(#texture1)" in text
    script = "const done = arguments[0]; window.gradientFlow.makePng(done);"
    data = browser.execute_async_script(script)
    png = b64decode(data.removeprefix("data:image/png;base64,"))
    width, height = (int.from_bytes(png[i : i + 4], "big") for i in (16, 20))
    assert [width, height] == pytest.approx([2 * x for x in size], abs=2)
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if "requestWillBeSent" in e["method"]]
    assert all(url.startswith(("data:", "about:", "file:")) for url in asked)


def test_paper_shows_the_whole_stage(show):
    browser = show(made("headline"), through_training(made("headline"), 3))
    pdf = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"]
    assert len(b64decode(pdf)) > 10_000
    run(browser, "window.dispatchEvent(new Event('beforeprint'))")
    width, height = run(
        browser,
        "const e = document.getElementById('stage'); return [e.offsetWidth, e.offsetHeight]",
    )
    assert (width, height) == (1045, 690)  # an A4 page, turned, without its margins
    run(browser, "window.dispatchEvent(new Event('afterprint'))")


def test_the_picture_is_enlarged_and_fits_again(show):
    browser = show(made("headline"))
    widths = [run(browser, "return page.picture().svg.clientWidth")]
    for button in ("larger", "fit"):
        run(
            browser,
            f"page.zoomTo(page.state.zoom * 1.01); document.getElementById('{button}').click()",
        )
        widths.append(run(browser, "return page.picture().svg.clientWidth"))
    assert widths[1] > 1.2 * widths[0] and widths[2] == widths[0]
