"""The formula and the arrays of what is selected: each number against NumPy."""

import re
from urllib.parse import quote

import numpy as np
import pytest

import tinygrad_mo as tg
from browsing import run, screen
from test_page import OVERFLOWS, flow_of, made, random_weights, through_training, unpacked
from tinygrad_mo import layers
from tinygrad_mo.flow import page

pytestmark = pytest.mark.slow  # a browser takes seconds


def eyes():
    """Convolutions, a sequence that is read, and two losses on both."""
    x, t = tg.Input((9, 9, 2), name="image"), tg.Input((30, 3), name="text")
    h = layers.Conv2D(5, 3, activation="tanh", name="conv")(x)
    h = layers.Flatten(name="flatten")(layers.Conv2D(30, 3, activation="tanh", name="deep")(h))
    r = layers.LSTM(7, name="lstm")(layers.Dense(3, "tanh", name="before")(t))
    both = layers.Dense(40, "tanh", name="both")(layers.concatenate([h, r]))
    return flow_of([x, t], [layers.Dense(1, name=n)(both) for n in ("main", "aux")], "mse")


_flows = {}


def flow_called(name):
    if name not in ("eyes",):
        return made(name)
    if name not in _flows:
        tg.set_random_seed(0)
        with tg.use(floatx="float64"):
            _flows[name] = eyes()
    return _flows[name]


def means(x, most=24):
    """Of neighbouring rows and columns, so that at most so many are left."""
    high, wide = (max(1, -(-n // most)) for n in x.shape)
    return np.array(
        [
            [x[i : i + high, j : j + wide].mean() for j in range(0, x.shape[1], wide)]
            for i in range(0, x.shape[0], high)
        ]
    )


def pictured(g, what):
    """What the page should show of a gradient."""
    if isinstance(what, tuple):
        if g.ndim == 3:
            return means(g.mean(axis=0).T)
        return means(g.mean(axis=(0, 3)) if g.ndim == 4 else g.reshape(len(g), -1))
    if g.ndim == 4:
        return g.mean(axis=2)
    return means(g.reshape(-1, g.shape[-1]))


def key_of(what):
    kind = "wire" if isinstance(what, tuple) else "weights"
    names = what if isinstance(what, tuple) else (what,)
    return "/".join([kind, *(quote(name, safe="") for name in names)])


def things(flow):
    return [*flow.parameters, *((w.source, w.target) for w in flow.wires)]


@pytest.mark.one_in(3, rest="exhaustive")
@pytest.mark.parametrize("name", ["eyes", "siamese", "six losses"])
def test_the_formula_and_the_arrays_are_those_of_numpy(show, name):
    flow = flow_called(name)
    browser = show(flow, link="#all=1")
    run(browser, "page.lookInside(true)")
    for what, weights in zip(things(flow), random_weights(60, flow), strict=False):
        run(browser, "page.mix(arguments[0]); page.select(arguments[1])", weights, key_of(what))
        arrays = [flow.gradient(loss, what) for loss in flow.losses]
        script = """
        const [formula, maps] = page.inside();
        return [formula, maps.map(({ k, numbers }) => [k, [...numbers]])];"""
        formula, maps = run(browser, script)
        active = [k for k, g in enumerate(arrays) if g is not None and weights[k]]
        assert formula["active"] == active, what
        scale = sum(abs(weights[k]) * np.linalg.norm(arrays[k]) for k in active)
        for k in active:
            assert formula["norms"][k] == pytest.approx(np.linalg.norm(arrays[k]), rel=1e-9)
        for pair in formula["pairs"]:
            a, b = arrays[pair["k"]], arrays[pair["j"]]
            apart = np.linalg.norm(a) * np.linalg.norm(b)
            assert pair["inner"] == pytest.approx(np.vdot(a, b), abs=1e-9 * apart)
        able = [k for k, g in enumerate(arrays) if g is not None]
        whole = sum(weights[k] * arrays[k] for k in able) if able else np.zeros(1)
        assert formula["total"] == pytest.approx(np.linalg.norm(whole), abs=1e-9 * scale)
        squares, twice = formula["squares"], formula["twice"]
        assert squares + twice == pytest.approx(formula["total"] ** 2, abs=1e-9 * scale**2)
        assert [k for k, _ in maps] == [*able, *([None] if len(able) > 1 else [])]
        for k, numbers in maps:
            shown = pictured(whole if k is None else weights[k] * arrays[k], what)
            found = np.array([x for x in numbers if x is not None], float)
            if shown.ndim == 3:  # filters, the first ones in rows with gaps between them
                assert sorted(found) == pytest.approx(
                    sorted(shown[..., :24].ravel()), abs=1e-9 * (scale or 1)
                )
            else:
                assert found == pytest.approx(shown.ravel(), abs=1e-9 * (scale or 1)), what


def said(browser):
    lines = run(browser, "return document.getElementById('lines').innerText").split("\n")
    return [line.replace("−", "-").replace("×", "x") for line in lines]


def test_the_formula_is_written_with_the_numbers_of_this_step_and_these_weights(show):
    flow = made("headline")
    browser = show(flow)
    run(browser, "page.select('card/lstm'); page.lookInside(true)")
    for weights in ([1.0, 0.2], [0.5, -2.0]):
        run(browser, "page.mix(arguments[0])", weights)
        m = flow.measure("lstm")
        text, (first, second) = " ".join(said(browser)), weights
        assert f"{first:.2f} x g(main) + {second:.2f} x g(aux)" in text
        for k, w in enumerate(weights):
            assert f"{abs(w):.2f} x {m.norm(k):#.3g} = {abs(w) * m.norm(k):#.3g}" in text
        assert f"= {m.cosine(0, 1):+.2f}" in text
        assert text.endswith(f"= {m.total(weights):#.3g}")
    assert "step 0" in run(browser, "return document.getElementById('inside-what').textContent")
    run(browser, "page.select('card/dense_1')")
    assert len(said(browser)) == 4  # the total, and the one pull that it is
    assert "inside=1" in browser.current_url
    browser.refresh()
    assert len(said(browser)) == 4
    run(browser, "document.getElementById('look').click()")
    assert run(browser, "return document.getElementById('lines').offsetHeight") == 0


def test_cells_are_read_by_keys(show):
    from selenium.webdriver.common.keys import Keys

    flow = flow_called("eyes")
    browser = show(flow)
    run(browser, "page.select('weights/both%2Fkernel'); page.lookInside(true)")
    assert not run(browser, "return document.getElementById('grids').hidden")
    run(browser, "document.querySelector('.maps').focus()")
    browser.switch_to.active_element.send_keys(Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    text = run(browser, "return document.querySelector('.cell-said').textContent")
    assert text.startswith("row 2, column 3: ")
    weights, grids = flow.weight_list, [
        pictured(flow.gradient(loss, "both/kernel"), "both/kernel")[1, 2] for loss in flow.losses
    ]  # fmt: skip
    total = float(re.search(r"= (\S+)$", text.replace("−", "-"))[1])
    assert total == pytest.approx(np.dot(weights, grids), rel=0.06)  # two digits where it is small


@pytest.mark.one_in(2, rest="exhaustive")
@pytest.mark.parametrize("name", ["eyes", "six losses"])
def test_the_formula_has_its_place(show, name):
    browser = show(flow_called(name), through_training(flow_called(name), 3))
    for size in ((1280, 720), (1920, 1080), (400, 800)):
        screen(browser, *size)
        browser.refresh()
        run(browser, "document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        run(browser, "page.showFrame(0); page.lookInside(true)")
        assert run(browser, OVERFLOWS) == [], size


def test_a_page_without_arrays_carries_nothing_for_them():
    text = unpacked(page.draw_page(made("headline")))
    assert page.template("inside.js") not in text and '"grids":' not in text
    assert page.template("inside.js") in unpacked(page.draw_page(made("siamese")))
