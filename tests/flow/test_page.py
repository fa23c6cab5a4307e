"""The interactive page: what is in the file, and what a real browser makes of it."""

import copy
import json
import re
import zlib
from base64 import b64decode
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tinygrad_mo as tg
from browsing import resize, run, wait_until
from tinygrad_mo import layers
from tinygrad_mo.flow import Measure, page, style, words
from tinygrad_mo.systems import headlines

pytestmark = pytest.mark.slow  # a browser takes seconds

NASTY = '</script><img src=x onerror="document.title=1"><!--'


# Models, each with the flow of a small batch.


def flow_of(inputs, outputs, losses, weights=None, optimizer="sgd"):
    model = tg.Model(inputs, outputs)
    model.compile(optimizer, losses, loss_weights=weights)
    random = np.random.default_rng(0)
    x = {
        name: random.integers(0, 9, (6, *t.shape[1:]))
        if np.dtype(t.dtype).kind == "i"
        else random.standard_normal((6, *t.shape[1:]))
        for name, t in model.inputs.items()
    }
    y = {name: random.random((6, *model.outputs[name].shape[1:])) for name in model.loss_weights
         if name in model.outputs}  # fmt: skip
    return model.gradient_flow(x, y, keep_arrays=True)


def headline(length=24):
    model = headlines.build(vocabulary=30, length=length, width=6, units=4)
    model.compile("rmsprop", "binary_crossentropy", loss_weights=headlines.WEIGHTS)
    random = np.random.default_rng(0)
    x = [random.integers(0, 30, (16, length)), random.standard_normal((16, 5))]
    return model.gradient_flow(x, [random.integers(0, 2, 16) * 1.0] * 2)


def heads(count, names=None):
    x = tg.Input((8,), name="numbers")
    h = layers.Dense(6, "tanh", name="trunk")(x)
    h = layers.Dense(6, "tanh", name="trunk_2", kernel_regularizer="l2" if count == 5 else None)(h)
    names = names or [f"head_number_{k}" for k in range(count)]
    outputs = [layers.Dense(1, name=name)(h) for name in names]
    return flow_of(x, outputs, "mse", ([1.0, 0.2, 3.0, 0.5, 1.0, 0.1] * count)[:count])


def siamese():
    a, b = tg.Input((7, 3), name="left"), tg.Input((7, 3), name="right")
    reader = layers.LSTM(4, name="lstm")
    p, q = reader(a), reader(b)
    same = layers.Dense(1, "sigmoid", name="same_author")(layers.concatenate([p, q]))
    return flow_of([a, b], [same, layers.Dense(1, name="age")(p)], "mse", [1.0, 0.3])


def nested():
    """A model called twice, an output without a loss, and a frozen layer."""
    x = tg.Input((4,), name="x")
    h = layers.Dense(4, "tanh", name="conv1")(x)
    base = tg.Model(x, layers.Dense(4, "tanh", name="conv2")(h), name="base")
    a, b = tg.Input((4,), name="left_eye"), tg.Input((4,), name="right_eye")
    p, q = base(a), base(b)
    far = layers.Dense(1, name="distance", trainable=False)(layers.concatenate([p, q]))
    heads = [far, layers.Dense(2, name="direction")(p), layers.Dense(2, name="unjudged")(q)]
    return flow_of([a, b], heads, {"distance": "mse", "direction": "mse"})


def inception(blocks=14):
    """About 130 cards: blocks of four branches, and two auxiliary heads."""
    x = tg.Input((6,), name="image")
    h, outputs = layers.Dense(6, "tanh", name="stem")(x), []
    for number in range(blocks):

        def dense(x, name, block=f"block_{number}"):
            return layers.Dense(6, "tanh", name=f"{block}/{name}")(x)

        long = dense(dense(h, "reduce_3"), "conv_3"), dense(dense(h, "reduce_5"), "conv_5")
        ends = [dense(h, "conv_1"), *long, dense(dense(h, "pool"), "project")]
        joined = layers.Concatenate(name=f"block_{number}/join")(ends)
        h = dense(joined, "squeeze")
        if number in (3, 6):
            outputs.append(layers.Dense(2, name=f"aux_{number}")(h))
    outputs.insert(0, layers.Dense(2, name="main")(h))
    return flow_of(x, outputs, "mse", [1.0, 0.3, 0.3])


def nasty():
    x = tg.Input((3,), name=NASTY)
    trunk = layers.Dense(3, name=NASTY + "trunk" * 9)(x)
    return flow_of(x, [layers.Dense(1, name=n)(trunk) for n in ("one<b>", "two&amp;")], "mse")


def through_training(flow, steps):
    """Snapshots of `flow` as if recorded at these steps."""
    found = [copy.copy(flow) for _ in range(steps)]
    for step, snapshot in enumerate(found):
        snapshot.step = 10 * step
    return found


MAKERS = {
    "headline": headline,
    "siamese": siamese,
    "nested": nested,
    "one loss": lambda: heads(1),
    "six losses": lambda: heads(
        6, [f"estimate_of_the_{k}th_unusually_long_name" for k in range(6)]
    ),
    "regularized": lambda: heads(5),
    "inception": inception,
    "nasty": nasty,
    "sixty losses": lambda: heads(60),
}
_made = {}


def made(name):
    if name not in _made:
        tg.set_random_seed(0)
        with tg.use(floatx="float64"):
            _made[name] = MAKERS[name]()
    return _made[name]


# What is in the file.


def data_of(text):
    return json.loads(re.search(r'id="flow">(.*?)</script>', text, re.DOTALL)[1])


def unpacked(text):
    """The page with its script as it runs."""
    found = re.search(r'id="packed">(.*?)</script>', text)[1]
    return text.replace(found, zlib.decompress(b64decode(found)).decode())


def decoded(data, frame=-1):
    """The factors R as the page reads them: one triangle over the losses that have a path."""
    packed = np.frombuffer(b64decode(data["frames"][frame]["r"]), "u1").reshape(-1, 6)
    exact = np.pad(packed, ((0, 0), (0, 2))).copy().view(">f8")
    count, numbers = len(data["losses"]), iter(exact.ravel().tolist())
    found = []
    for paths in data["reach"]:
        able = [k for k in range(count) if paths[k] == "1"]
        r = np.zeros((count, count))
        for i in range(len(able)):
            for k in able[i:]:
                r[i, k] = next(numbers)
        found.append(r)
    assert next(numbers, None) is None
    return found


@pytest.mark.parametrize("name", MAKERS)
def test_the_file_holds_every_measurement(name):
    flow = made(name)
    measured = page.measures(flow)
    for r, measure in zip(decoded(page.content(flow)), measured.values(), strict=True):
        np.testing.assert_allclose(r, measure.r, rtol=1e-10, atol=0)


@pytest.mark.parametrize("name", MAKERS)
def test_the_file_asks_nobody_for_anything(name):
    text = unpacked(page.draw_page(made(name)))
    without_data = text.replace(re.search(r'id="flow">(.*?)</script>', text, re.DOTALL)[1], "")
    links = re.findall(r"(?:src|href)\s*=\s*\"(.*?)\"|url\((.*?)\)|@import", without_data)
    assert {a or b for a, b in links} <= {"data:,", "#hatch", "#conflicts", "#texture${k}"}
    assert "http" not in without_data.replace("http-equiv", "").replace(
        "http://www.w3.org/2000/svg", ""
    )


def test_names_cannot_leave_the_data():
    text = page.draw_page(made("nasty"))
    assert text.count("</script>") == 3
    assert NASTY not in text
    assert NASTY in {node["name"] for node in data_of(text)["nodes"]}
    assert page.as_json("\u2028<!--") == '"\\u2028\\u003c!--"'


def test_snapshots_of_another_model_are_refused():
    with pytest.raises(ValueError, match="of another model"):
        made("headline").save("never.html", [made("siamese")])


def test_each_step_says_how_long_its_sequences_were():
    x = tg.Input((None, 2), name="x")
    model = tg.Model(x, layers.Dense(1, name="out")(layers.LSTM(3, name="lstm")(x)))
    model.compile("sgd", "mse")
    recorder = tg.FlowRecorder(every=1)
    batches = [(np.ones((4, time, 2)), np.ones((4, 1))) for time in (5, 30)]
    model.fit(iter(batches), verbose=0, callbacks=[recorder])
    data = page.content(model.gradient_flow(np.ones((4, 9, 2)), np.ones((4, 1))), recorder.flows)
    assert data["sequences"] == [("x", "lstm")]
    sizes = [(steps, len(rows[0])) for frame in data["frames"] for steps, rows in frame["time"]]
    assert sizes == [(5, 5), (30, 15), (9, 9)]  # of a long one, neighbours are put together


def test_a_wire_into_a_fold_carries_the_sum_of_what_its_cards_send_back():
    flow = made("inception")
    inside = [
        ("block_0/squeeze", f"block_1/{end}") for end in ("conv_1", "reduce_3", "reduce_5", "pool")
    ]
    for loss in flow.losses:
        whole = sum(flow.gradient(loss, ends) for ends in inside)
        bundles = [m for (fold, key), m in flow.bundles.items() if fold == "block_1"]
        assert len(bundles) == 1
        k = flow.losses.index(loss)
        assert bundles[0].norm(k) == pytest.approx(np.linalg.norm(whole), rel=1e-12)


def test_folds_follow_names_and_calls():
    assert set(made("nested").folds) == {"base", "base:1"}
    folds = made("inception").folds
    assert folds["block_1"] == [name for name in folds.order if name.startswith("block_1/")]


def test_what_is_folded_never_becomes_a_cycle():
    """Two layers share a folder, but a third one sits on the way between them."""
    x = tg.Input((3,))
    h = layers.Dense(3, name="a/first")(x)
    h = layers.Dense(3, name="between")(h)
    flow = flow_of(x, layers.Dense(1, name="a/last")(h), "mse")
    assert list(flow.folds) == []


CARDS = """
return page.picture().cards.map(({ data }) => {
  const parameters = (data.parameters ?? []).map((p) => page.flow.parameters[p].name);
  const calls = (data.calls ?? []).map(([call]) => page.picture().cards[call].data.name);
  return [data.name, data.kind, parameters, calls];
});"""


def test_shared_weights_have_one_card_that_splits_by_call(show):
    cards = run(show(made("siamese")), CARDS)
    ((_, _, parameters, calls),) = [card for card in cards if card[1] == "weights"]
    assert calls == ["lstm", "lstm:1"]
    assert parameters == ["lstm/kernel", "lstm/recurrent_kernel", "lstm/bias"]


@pytest.mark.exhaustive
def test_a_large_model_opens_folded_and_every_fold_shows_its_inside(show):
    flow = made("inception")
    browser = show(flow)
    assert len(run(browser, CARDS)) < 25
    for opened in (None, *flow.folds):
        run(browser, "page.openFold(arguments[0])", opened)
        expected = dict.fromkeys(flow.folds.card_of(node.name, opened) for node in flow.nodes)
        assert [card[0] for card in run(browser, CARDS)] == list(expected)


def test_headline_page_is_small():
    flow = made("headline")
    with tg.use(floatx="float64"):
        long = headline(length=100)
    text = page.draw_page(long, through_training(long, 50))
    assert len(text.encode()) < 150_000
    assert len(page.draw_page(flow).encode()) < 120_000


@pytest.mark.exhaustive
def test_page_of_a_hundred_and_thirty_cards_is_small():
    flow = made("inception")
    assert len(flow.nodes) > 125
    assert len(page.draw_page(flow, through_training(flow, 50)).encode()) < 1_000_000


def chain(count):
    """Layers in a row, with an auxiliary head in the middle."""
    h, ends = tg.Input((4,), name="numbers"), []
    x = h
    for n in range(1, count + 1):
        h = layers.Dense(4, "tanh", name=f"dense_{n}")(h)
        if n == count // 2:
            ends.append(layers.Dense(1, name="aux")(h))
    return flow_of(x, [layers.Dense(1, name="main")(h), *ends], "mse", [1.0, 0.3])


def test_a_long_chain_opens_in_pieces_that_fit():
    """Its folds hold folds, so that no view has more cards than can be read."""
    flow = chain(200)
    assert len({flow.folds.card_of(node.name, None) for node in flow.nodes}) < 10
    for opened in flow.folds:
        cards = {flow.folds.card_of(node.name, opened) for node in flow.nodes}
        assert len(cards) < 30, opened


def test_the_page_of_a_deep_network_grows_with_its_cards():
    sizes = [len(page.as_json(page.graph_of(chain(count)))) for count in (50, 100, 200)]
    assert sizes[2] - sizes[1] < 2.3 * (sizes[1] - sizes[0])


def test_forecast_is_what_an_sgd_step_does(float64):
    tg.set_random_seed(0)
    x = tg.Input((8,), name="numbers")
    h = layers.Dense(16, "tanh", name="trunk")(x)
    model = tg.Model(x, [layers.Dense(1, name=name)(h) for name in ("main", "aux")])
    rate = 1e-4
    model.compile(tg.optimizers.SGD(rate), "mse", loss_weights=[1.0, 0.2])
    random = np.random.default_rng(0)
    data = random.standard_normal((32, 8)), [random.standard_normal((32, 1)) for _ in range(2)]
    before = model.gradient_flow(*data)
    model.train_on_batch(*data)
    after = model.gradient_flow(*data)
    for name, slope in before.forecast().items():
        change = after.values[name] - before.values[name]
        assert rate * slope == pytest.approx(change, rel=1e-3)


# How the script is put together.

TEMPLATE = Path(page.__file__).parent / "template"
TOKEN = re.compile(r'"[^"\n]*"|//[^\n]*|`|\$\{|[{}]|[^"`${}/]+|.', re.DOTALL)


def script(name):
    return (TEMPLATE / name).read_text("utf-8")


def code_of(text):
    """A script without comments and without what is in quotes; what a template computes stays."""
    code, unclosed = [], []
    for token in TOKEN.findall(text):
        if unclosed and unclosed[-1] == "`":
            if token == "`":
                unclosed.pop()
            elif token == "${":
                unclosed.append("{")
                code.append(" {")
            continue
        if token in ("`", "{"):
            unclosed.append(token)
        elif token == "}":
            unclosed.pop()
        code.append(" " if token[0] in '"`' or token.startswith("//") else token)
    assert not unclosed
    return "".join(code)


def definitions(text):
    """The names that a script gives to all scripts after it: those at the start of a line."""
    for line in code_of(text).splitlines():
        if several := re.match(r"const \{(.*)\} =", line):
            yield from re.findall(r"\w+", several[1])
        elif one := re.match(r"(?:const|let|class|function) (\w+)", line):
            yield one[1]


def uses(text):
    """The names in a script, without those of properties."""
    code = code_of(text)
    for found in re.finditer(r"(?:(?<=\.\.\.)|(?<![\w$.]))[A-Za-z_$][\w$]*", code):
        before, after = code[: found.start()], code[found.end() :]
        if not (re.search(r"[{,]\s*$", before) and re.match(r"\s*:", after)):
            yield found[0]


def looking_ahead(scripts):
    """Names that a script uses although only a later one defines them."""
    later = set()
    for name, text in reversed(scripts.items()):
        yield from (f"{name}: {used}" for used in sorted(later & set(uses(text))))
        later |= set(definitions(text))


SCRIPTS = {name: script(name) for name in page.SCRIPT}


def test_each_file_of_the_script_is_joined_exactly_once():
    assert sorted(page.SCRIPT) == sorted(path.name for path in TEMPLATE.glob("*.js"))
    text = unpacked(page.draw_page(made("siamese")))
    assert {text.count(page.template(name)) for name in page.SCRIPT} == {1}


def test_a_file_uses_only_what_files_before_it_define():
    assert list(looking_ahead(SCRIPTS)) == []


def test_looking_ahead_is_noticed():
    first = "const a = `${later({ b: 1 })}`; // more\nlet c = x.more + {...other};"
    second = "function later() {}\nconst { b, more } = c;\nclass other {}"
    assert list(looking_ahead({"one": first, "two": second})) == ["one: later", "one: other"]


def test_the_script_defines_nothing_twice_and_nothing_in_vain():
    defined = Counter(name for text in SCRIPTS.values() for name in definitions(text))
    used = Counter(name for text in SCRIPTS.values() for name in uses(text))
    assert [name for name in defined if defined[name] > 1] == []
    assert [name for name in defined if used[name] < 2] == []  # the definition is one of them


@pytest.mark.parametrize("name", page.SCRIPT)
def test_a_file_says_what_it_is_for(name):
    assert SCRIPTS[name].startswith("// ")
    for line in SCRIPTS[name].splitlines():  # so that text in quotes is seen in each line
        assert line.count("`") % 2 == line.count('"') % 2 == 0, line
        assert len(line) <= 100, line


def test_what_python_knows_is_not_said_again():
    """Constants come from the page's data, colours from variables."""
    lines = re.findall(r"^const \{(.*)\} = flow\.constants;$", "\n".join(SCRIPTS.values()), re.M)
    assert sorted(re.findall(r"\w+", " ".join(lines))) == sorted(page.constants())
    for path in TEMPLATE.iterdir():
        assert re.findall(r"#[0-9a-fA-F]{6}", path.read_text("utf-8")) == []


def test_the_style_sheet_styles_what_there_is():
    sheet, rest = page.template("page.css"), "".join([*SCRIPTS.values(), script("page.html")])
    selectors = "".join(re.findall(r"[^{}]*\{", sheet))
    for kind, name in set(re.findall(r"([.#])([a-z][a-z-]*)", selectors)):
        assert re.search(rf"(?<![\w-]){name}(?![\w-])", rest), kind + name
    defined = {*style.SHADES, *re.findall(r"--([a-z]+):", sheet + rest), "at"}
    assert set(re.findall(r"var\(--([a-z-]+)\)", sheet + rest)) == defined


# What a browser makes of it.


NUMBERS = """
page.mix(arguments[0]);
const picture = page.picture(), { weights } = page.state;
const cosine = (measure) => measure.worstPair(weights)?.[0] ?? null;
const stripes = (wire) => wire.stripes
  .filter((stripe) => stripe.getAttribute("visibility") !== "hidden")
  .reduce((sum, stripe) => sum + parseFloat(stripe.getAttribute("stroke-width")), 0);
const wire = (w) =>
  [w.names, w.measure.total(weights), w.width, stripes(w), cosine(w.measure), w.widest];
const card = ({ data, measure }) =>
  [data.name, measure.total(weights), cosine(measure), page.verdict(measure, weights).text];
return {
  wires: picture.wires.map(wire),
  cards: picture.cards.filter((c) => c.parameters.length).map(card),
  scale: picture.level.widest / picture.full,
  forecast: page.state.forecast,
};
"""


RIMS = """
page.mix(arguments[0]);
const picture = page.picture(), { weights } = page.state;
const isShown = (element) => element.getAttribute("visibility") !== "hidden";
const width = (rim) => (isShown(rim) ? +rim.getAttribute("stroke-width") : null);
const length = (rect) => parseFloat(rect.getAttribute("width"));
const pieces = (bar) => [bar.stripes.map(([, rect]) => rect), [bar.oppose], [bar.differ]]
  .map((rects) => rects.map(length).reduce((a, b) => a + b, 0) / bar.room);
const split = ({ measure }) => {
  const { whole, oppose, differ, sum } = measure.added(weights);
  return [whole, oppose, differ, sum];
};
return {
  wires: picture.wires.map((w) => [split(w), w.width, width(w.oppose), width(w.differ), w.widest]),
  cards: picture.cards.filter((c) => c.bar).map((c) => [split(c), pieces(c.bar)]),
  rows: page.trained.rows.map((row) => [split(row), pieces(row.bar)]),
  scale: picture.level.widest / picture.full,
  fullBar: picture.fullBar,
  fullRow: page.trained.full,
};
"""


def scale_of(measure, weights, usual, widest):
    """Pixels of a wire per length: smaller where the wire, with its rims, is cut."""
    apart = sum(measure.parts(weights))
    return widest / apart if apart * usual > 1.001 * widest else usual


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.parametrize("name", ["headline", "regularized", "six losses", "siamese"])
def test_rims_are_what_the_addition_took(show, name):
    """Stripes, what opposition took and what differing took: together, the sum of the parts."""
    flow = made(name)
    browser = show(flow)
    thinnest, thinnest_rim = page.THINNEST, 2 * style.THINNEST_RIM + 0.001
    for weights in random_weights(12, flow):
        found = run(browser, RIMS, weights)
        for (split, width, opposed, differing, widest), wire in zip(
            found["wires"], flow.wires, strict=True
        ):
            scale = scale_of(wire.measure, weights, found["scale"], widest)
            whole, oppose, differ, apart = split
            parts = wire.measure.parts(weights)
            expected = [wire.measure.total(weights), *wire.measure.lost(weights)[::-1], sum(parts)]
            assert split == pytest.approx(expected, rel=1e-9, abs=1e-9 * sum(parts))
            assert whole + oppose + differ == pytest.approx(apart, rel=1e-13)
            assert width == pytest.approx(max(whole * scale, thinnest) if whole else 0, abs=1e-3)
            inner = width + oppose * scale
            outer = inner + differ * scale
            assert opposed == (pytest.approx(inner, abs=1e-3) if opposed else None)
            assert differing == (pytest.approx(outer, abs=1e-3) if differing else None)
            assert bool(opposed) or oppose * scale <= thinnest_rim
            assert bool(differing) or differ * scale <= thinnest_rim
        for rows, full in (("cards", "fullBar"), ("rows", "fullRow")):
            for (*pieces, apart), lengths in found[rows]:
                assert sum(pieces) == pytest.approx(apart, rel=1e-13)
                most = apart if apart > 1.001 * found[full] else found[full]  # it is cut
                assert lengths == pytest.approx([x / most for x in pieces], abs=1e-4)


def growing(flow, factors):
    """Snapshots of `flow` whose gradients are so many times longer."""
    found = through_training(flow, len(factors))
    for snapshot, factor in zip(found, factors, strict=True):
        longer = lambda m, factor=factor: Measure(m.reach, factor * m.r)
        snapshot.wires = [replace(w, measure=longer(w.measure)) for w in flow.wires]
        snapshot.parameters = {name: longer(m) for name, m in flow.parameters.items()}
    return found


@pytest.mark.parametrize("link", ["", "#scale=all"])
def test_one_scale_holds_for_all_steps_of_a_training(show, link):
    factors = [1.0, 9.0, 0.5]
    flow = made("headline")
    flows = growing(flow, factors)
    browser = show(flows[-1], flows[:-1], link)
    script = """
    page.showFrame(arguments[0]);
    const { wires, full, fullBar } = page.picture(), key = document.getElementById("key");
    const isShown = (element) => element.getAttribute("visibility") !== "hidden";
    const drawn = wires.map((wire) =>
      [wire.width, isShown(wire.cut.group), isShown(wire.hollow), wire.cut.size.textContent]);
    return [[full, fullBar, page.trained.full, page.state.opening], drawn, key.textContent];"""
    found = [run(browser, script, frame) for frame in range(3)]
    assert found[0][0] == found[1][0] == found[2][0]
    totals = np.array([wire.measure.total(flow.weight_list) for wire in flow.wires])
    if link:
        pooled = np.concatenate([factor * totals for factor in factors])
        sizes = sorted(pooled[pooled > 0])
    else:
        sizes = sorted(factors[found[0][0][-1]] * totals[totals > 0])
    assert found[0][0][0] == pytest.approx(4 * sizes[len(sizes) // 2], rel=1e-9)
    assert "one scale for all steps" in found[0][2]
    cuts = []
    for (_, drawn, key), factor in zip(found, factors, strict=True):
        for wire, (usual, was_cut, *_), (width, is_cut, is_hollow, text) in zip(
            flow.wires, found[0][1], drawn, strict=True
        ):
            total = factor * wire.measure.total(flow.weight_list)
            if is_cut:
                cuts.append(factor)
                assert float(text) == pytest.approx(total, rel=1e-2)
            elif not was_cut and min(width, usual) > page.THINNEST:
                assert width == pytest.approx(factor * usual)
            assert not total or width >= page.THINNEST
            assert is_hollow == (width == page.THINNEST), wire.name
        assert ("cut: read the number" in key) == any(is_cut for _, is_cut, *_ in drawn)
        assert ("hollow: under" in key) == any(is_hollow for *_, is_hollow, _ in drawn)
    assert cuts.count(9.0) > cuts.count(0.5)


@pytest.mark.parametrize("link", ["", "#scale=log"])
def test_the_key_is_true(show, link):
    """What it draws is as thick as a wire with such a gradient."""
    browser = show(made("headline"), link=link)
    text, thick, zoom, full, widest, key = run(
        browser,
        """const item = document.querySelector("#key span"), picture = page.picture();
        const { zoom, full, level } = picture;
        const thick = +item.querySelector("rect").getAttribute("height");
        return [item.textContent, thick, zoom, full, level.widest, item.parentNode.textContent];
        """,
    )
    size = float(re.findall(r"\d[\d.]*(?:e-\d+)?", text.replace("−", "-"))[0])
    assert text.startswith(f"this thick: {size:g}")
    share = (lambda x: 1 + np.log10(x / full) / 6) if link else (lambda x: x / full)
    assert thick == pytest.approx(widest * share(size) * zoom, rel=0.02)
    if hollow := re.search(r"hollow: under ([\d.]+(?:e-\d+)?)", key.replace("−", "-")):
        assert widest * share(float(hollow[1])) == pytest.approx(page.THINNEST, rel=0.02)


def random_weights(count, flow):
    """Some of them 0, some negative."""
    random = np.random.default_rng(1)
    rows = random.uniform(0, 2, (count, len(flow.losses)))
    rows[random.random(rows.shape) < 0.15] = 0
    rows[-2:] *= -1
    return rows.tolist()


def signed_cosine(measure, weights):
    active = [k for k, w in enumerate(weights) if w]
    pairs = [
        np.sign(weights[k] * weights[j]) * measure.cosine(k, j)
        for k in active
        for j in active
        if k < j and measure.cosine(k, j) is not None
    ]
    return min(pairs, default=None)


ARROWS = """
page.mix(arguments[0]);
const cards = page.picture().cards.filter((c) => c.parameters.length);
return cards.map(({ data, measure }) => {
  const { arrows, length } = page.pulls(measure, page.state.weights);
  return [data.name, length, arrows.map(({ size, x, y }) => [size, x, y])];
});
"""


@pytest.mark.parametrize("name", ["headline", "six losses"])
def test_arrows_add_up_to_the_total_and_show_most_of_the_rest(show, name):
    flow = made(name)
    browser = show(flow)
    for weights in random_weights(5, flow):
        for key, length, arrows in run(browser, ARROWS, weights):
            if not arrows:
                continue
            size, x, y = np.transpose(arrows)
            vectors = flow.measure(key).r * weights
            vectors = vectors[:, np.hypot.reduce(vectors, axis=0) > 0]
            total = vectors.sum(axis=1)
            ahead = total / np.linalg.norm(total)
            rest = vectors - np.outer(ahead, ahead @ vectors)
            within = {"abs": 1e-9 * size.sum()}
            assert size == pytest.approx(np.linalg.norm(vectors, axis=0), rel=1e-9)
            assert x == pytest.approx(-(ahead @ vectors), **within)
            assert (x.sum(), y.sum()) == pytest.approx((-length, 0), **within)
            most = np.linalg.norm(rest, 2)
            assert np.linalg.norm(y) == pytest.approx(most, rel=1e-3, **within)
            if len(arrows) == 2:
                assert np.hypot(x, y) == pytest.approx(size, rel=1e-9)


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.parametrize("name", ["headline", "regularized", "one loss", "sixty losses"])
def test_the_page_computes_what_numpy_computes(show, name):
    flow = made(name)
    browser = show(flow)
    short = words.short_names(flow.losses)
    for weights in random_weights(20 if len(flow.losses) < 9 else 3, flow):
        found = run(browser, NUMBERS, weights)
        chosen = dict(zip(flow.losses, weights, strict=True))
        for (key, total, width, stripes, cosine, widest), wire in zip(
            found["wires"], flow.wires, strict=True
        ):
            assert key == [wire.source, wire.target]
            expected = wire.measure.total(weights)
            assert total == pytest.approx(expected, rel=1e-9)
            scale = scale_of(wire.measure, weights, found["scale"], widest)
            drawn = max(expected * scale, page.THINNEST) if expected else 0
            assert width == pytest.approx(drawn, rel=1e-9)
            assert stripes == pytest.approx(drawn, abs=0.005)
            assert cosine == pytest.approx(signed_cosine(wire.measure, weights), abs=1e-9)
        for key, total, cosine, verdict in found["cards"]:
            assert total == pytest.approx(flow.total(key, chosen), rel=1e-9)
            assert cosine == pytest.approx(signed_cosine(flow.measure(key), weights), abs=1e-9)
            assert verdict.replace("−", "-") == words.verdict(flow.measure(key), weights, short)
        expected = np.array(list(flow.forecast(chosen).values()))
        np.testing.assert_allclose(found["forecast"], expected, atol=1e-9 * abs(expected).max())


def test_the_page_takes_constants_from_python(show, monkeypatch):
    monkeypatch.setattr(words, "CONFLICT", -2.0)
    monkeypatch.setattr(words, "AGREE", 2.0)
    monkeypatch.setitem(words.VERDICTS, "unrelated", "strangers {}")
    monkeypatch.setattr(page, "THINNEST", 7.0)
    monkeypatch.setattr(style, "MANY", 0)
    monkeypatch.setitem(style.SHADES, "paper", ("#010203", "#010203"))
    flow = made("headline")
    browser = show(flow)
    picture = "return page.picture()"
    verdict = run(
        browser, f"{picture}.cards.find((c) => c.data.name === 'lstm').verdict.textContent"
    )
    assert verdict.startswith("strangers")
    assert min(w for w in run(browser, f"{picture}.wires.map((w) => w.width)") if w) == 7
    rows = run(browser, "return document.querySelectorAll('.bar-row').length")
    assert rows == len(words.layers_of(flow)) < len(flow.parameters)
    paper = run(browser, "return getComputedStyle(document.body).backgroundColor")
    assert paper == "rgb(1, 2, 3)"


def test_the_page_makes_no_request(show):
    browser = show(made("headline"), through_training(made("headline"), 3))
    run(
        browser,
        "page.mix([1, 0]); page.showFrame(1); page.select('card/lstm'); page.openFold(true);",
    )
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in asked if not url.startswith(("data:", "about:"))] == [
        url for url in asked if url.endswith("flow.html")
    ]


def test_names_are_text(show):
    browser = show(made("nasty"))
    assert browser.title.startswith("Where does the gradient go?")
    assert run(browser, "return document.querySelectorAll('img, main b b').length") == 0
    assert NASTY in run(browser, "return document.querySelector('.card').textContent")


OVERFLOWS = """
const found = [], W = innerWidth, box = (e) => e.getBoundingClientRect();
const inside = (a, b, by) =>
  Math.min(a.left - b.left, b.right - a.right, a.top - b.top, b.bottom - a.bottom) >= -by;
const meet = (a, b) =>
  a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
const apart = (boxes, what) => boxes.forEach((a, i) => boxes.slice(0, i).forEach((b) => {
  if (meet(a, b)) found.push(`${what} overlap`);
}));

if (document.documentElement.scrollWidth > W) found.push("the page scrolls sideways");
const cards = [...document.querySelectorAll(".card")];
apart(cards.map((card) => box(card.querySelector(".box"))), "cards");
for (const card of cards)
  for (const text of card.querySelectorAll("text"))
    if (box(text).width && !inside(box(text), box(card.querySelector(".box")), 1))
      found.push(`${text.textContent} leaves its card`);
for (const text of document.querySelectorAll("svg text"))
  if (box(text).width && !inside(box(text), box(text.closest("svg")), 2))
    found.push(`${text.textContent} leaves its picture`);
for (const e of document.querySelectorAll("main *")) {
  const style = getComputedStyle(e), who = `${e.tagName} ${e.id} ${e.className}`;
  if (e.closest("svg, .scroll, .unseen") || !box(e).width) continue;
  if (box(e).right > W + 1 || box(e).left < -1) found.push(`${who} leaves the page`);
  const open = style.overflowX === "visible" && style.display !== "inline" && e.tagName !== "INPUT";
  if (open && e.scrollWidth > e.clientWidth + 1) found.push(`${who} overflows: ${e.textContent}`);
}
for (const parent of document.querySelectorAll(".slider, .row, #parts, .bar-row, #numbers > div"))
  apart([...parent.children].map(box).filter((b) => b.width), parent.className || parent.id);
return found;
"""


@pytest.mark.one_in(3, rest="exhaustive")
@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["headline", "siamese", "nested", "six losses", "inception", "nasty"]
)
def test_nothing_overlaps_and_nothing_overflows(show, name):
    browser = show(made(name), through_training(made(name), 3), width=1920)
    run(browser, "document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    for width in (1920, 1024, 400):
        resize(browser, width)
        wait_until(browser, "return Math.abs(page.picture().room - innerWidth) < 80")
        assert run(browser, OVERFLOWS) == [], width


@pytest.mark.exhaustive
def test_every_control_works_by_keyboard(show):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser = show(made("headline"), through_training(made("headline"), 5))
    run(browser, "page.mix([1, 0.2])")
    visited = []

    def tab():
        browser.switch_to.active_element.send_keys(Keys.TAB)
        here = browser.switch_to.active_element
        visited.append(here.get_attribute("id") or here.get_attribute("class") or here.text)
        return here

    def until(wanted):
        for _ in range(30):
            here = tab()
            if wanted in (visited[-1].split(" ")[0], here.text):
                return here
        raise AssertionError(f"{wanted} is never reached by Tab, only {visited}")

    browser.find_element(By.TAG_NAME, "body").click()
    until("•••").send_keys(Keys.ENTER)
    until("scale").send_keys("log")
    wait_until(browser, "return page.state.scale === 'log'")
    until("presets").send_keys("only aux")
    wait_until(browser, "return page.state.weights[0] === 0")
    until("weight-0").send_keys(Keys.END)
    until("weight-0").send_keys(Keys.ARROW_LEFT)
    assert run(browser, "return page.state.weights") == pytest.approx([0.99, 0.2])
    until("weight-1").send_keys(Keys.HOME)
    until("card").send_keys(Keys.ENTER)
    chosen = run(browser, "return page.state.select")
    browser.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert run(browser, "return page.state.select") != chosen
    strip = browser.find_element(By.CSS_SELECTOR, "#strip svg")
    while tab() != strip:
        assert visited[-1] != "The same in words"
    strip.send_keys(Keys.END)
    strip.send_keys(Keys.ARROW_LEFT)
    assert run(browser, "return page.state.frame") == 3
    until("label").send_keys(Keys.ARROW_DOWN)
    browser.switch_to.active_element.send_keys(Keys.SPACE)
    assert "/" in run(browser, "return page.state.select")
    tab().send_keys(Keys.ENTER)
    wait_until(browser, "return document.getElementById('report').innerText.includes('trains')")
    until("The same as a table").send_keys(Keys.ENTER)
    wait_until(browser, "return document.getElementById('rows').innerText.includes('lstm/bias')")


def test_a_fold_opens_by_keyboard_and_by_mouse(show):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser = show(made("nested"))
    names = "return page.picture().cards.map((c) => c.data.name)"
    assert "base" in run(browser, names)
    run(browser, "page.picture().cards.find((c) => c.data.name === 'base').group.focus()")
    browser.switch_to.active_element.send_keys(Keys.ENTER, Keys.ENTER)
    assert {"base/conv1", "base:1"} <= set(run(browser, names))
    browser.find_element(By.XPATH, "//button[text()='folded']").click()
    assert "base/conv1" not in run(browser, names)
    browser.find_element(By.CSS_SELECTOR, ".card .open").click()
    assert "base/conv1" in run(browser, names)


def test_one_selection_everywhere(show):
    from selenium.webdriver.common.by import By

    browser = show(made("headline"))
    cards = browser.find_elements(By.CSS_SELECTOR, ".card")
    next(c for c in cards if c.get_attribute("aria-label").startswith("dense_2")).click()
    assert browser.find_element(By.ID, "inset-what").text == "weights of dense_2"
    assert len(browser.find_elements(By.CSS_SELECTOR, ".bar-row.hover")) == 2
    assert "select=card%2Fdense_2" in browser.current_url
    browser.find_element(By.CSS_SELECTOR, ".bar-row .label").click()
    assert browser.find_element(By.ID, "inset-what").text == "embedding/embeddings"
    run(browser, "page.select('wire/lstm/aux_output')")
    assert browser.find_element(By.ID, "inset-what").text == "wire lstm → aux_output"
    assert len(browser.find_elements(By.CSS_SELECTOR, ".wire.selected")) == 1


def test_names_are_no_identity(show):
    """Joined names are alike: of the wires user>item, score and user, item>score, and of rows."""
    x = tg.Input((3,), name="x")
    far, near = layers.Dense(4, name="user>item")(x), layers.Dense(4, name="user")(x)
    near = layers.Dense(4, name="user/kernel")(layers.Dense(2, name="item>score")(near))
    ends = [layers.Dense(1, name=name)(h) for name, h in (("score", far), ("aux", near))]
    flow = flow_of(x, ends, "mse")
    browser = show(flow)
    for wire in flow.wires:
        script = """
        const found = page.picture().wires.filter(({ names: [a, b] }) =>
          a === arguments[0] && b === arguments[1]);
        page.select(found[0].key);
        const said = document.getElementById("inset-what").textContent;
        return [said, document.querySelectorAll(".wire.selected").length, found.length];"""
        said = run(browser, script, wire.source, wire.target)
        assert said == [f"wire {wire.source} → {wire.target}", 1, 1]
    script = """
    return page.trained.rows.map((row) => {
      page.select(row.key);
      const selected = document.querySelectorAll(".selected");
      return [row.name, document.getElementById("inset-what").textContent, selected.length];
    });"""
    assert run(browser, script) == [[name, name, 1] for name in flow.parameters]


def test_a_card_shows_its_own_sequence(show):
    x = tg.Input((5, 2), name="x")
    read = [layers.LSTM(3, name="old>rnn")(x), layers.GRU(3, name="rnn")(x)]
    flow = flow_of(x, [layers.Dense(1, name=f"out_{k}")(h) for k, h in enumerate(read)], "mse")
    browser = show(flow)
    for name in ("old>rnn", "rnn"):
        script = "page.picture().cards.find((c) => c.data.name === arguments[0]).key"
        run(browser, f"page.select({script})", name)
        title = run(browser, "return document.querySelector('#time-what').textContent")
        assert title == f"x → {name}"


def test_folds_may_have_any_name(show):
    x = tg.Input((3,), name="x")
    h = layers.Dense(3, name="between")(x)
    for name in ("*/a", "*/b", "/a", "/b", "true/a", "true/b"):
        h = layers.Dense(3, name=name)(h)
    flow = flow_of(x, layers.Dense(1, name="out")(h), "mse")
    assert list(flow.folds) == ["*", "/", "true"]
    browser = show(flow)
    names = "return page.picture().cards.map((c) => c.data.name)"
    for fold, inside in flow.folds.items():
        run(browser, "page.openFold(arguments[0])", fold)
        shown = run(browser, names)
        assert set(inside) < set(shown) and fold not in shown and len(shown) == 8
        browser.refresh()  # the link says it, too
        assert run(browser, names) == shown
    run(browser, "document.querySelector('#folds button:last-child').click()")
    assert len(run(browser, names)) == len(flow.nodes)
    assert browser.current_url.endswith("&all=1")


def test_colours_are_those_of_python(show):
    """Also where they repeat, which the key says then."""
    flow = made("sixty losses")
    browser = show(flow)
    script = """
    const root = getComputedStyle(document.documentElement);
    return page.flow.losses.map((_, k) =>
      ["loss", "text"].map((what) => root.getPropertyValue(`--${what}${k}`)));"""
    expected = [style.colours_of(flow, k) for k in range(len(flow.losses))]
    assert run(browser, script) == [[light, text] for light, _, text, _ in expected]
    key = "return document.getElementById('key').textContent"
    assert style.REPEATED in run(browser, key)
    assert style.REPEATED not in run(show(made("six losses")), key)


def test_links_say_what_is_shown(show):
    flow = made("headline")
    browser = show(flow, through_training(flow, 5), "#w=1,0.7&step=20&select=card/lstm&scale=log")
    state = run(
        browser,
        "const { weights, frame, select, scale } = page.state;"
        "return [weights, frame, select, scale]",
    )
    assert state == [[1, 0.7], 2, "card/lstm", "log"]
    run(browser, "page.mix([0.5, 0]); page.showFrame(3); page.select(null)")
    assert browser.current_url.endswith("#w=0.5,0&step=30&scale=log")


def test_the_scale_stays_while_a_slider_is_dragged(show):
    browser = show(made("headline"))
    script = """
    const range = document.getElementById("weight-1"), scale = () => page.picture().full;
    const found = [scale()];
    for (const value of [0.1, 0.9, 0.4]) {
      range.value = value;
      range.dispatchEvent(new Event("input"));
      page.redraw();
      found.push(scale(), page.state.weights[1]);
    }
    return found;"""
    first, *rest = run(browser, script)
    assert rest == [first, 0.1, first, 0.9, first, 0.4]


def test_off_is_not_only(show):
    flow = made("headline")
    browser = show(flow)
    script = """
    page.mix([0, 1]);
    return page.picture().cards.find((c) => c.data.name === arguments[0]).verdict.textContent;"""
    assert run(browser, script, "dense_1") == "main off"
    assert run(browser, script, "aux_output") == "aux only"
    assert run(browser, script, "lstm") == "aux, main off"


def test_dots_stand_still_where_motion_is_unwelcome(show):
    browser = show(made("headline"))
    moving = "return getComputedStyle(document.querySelector('.dots')).animationName"
    assert run(browser, moving) == "backward"
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    assert run(browser, moving) == "none"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_it_works_inside_a_notebook(browser, tmp_path):
    path = tmp_path / "notebook.html"
    path.write_text(f"<!DOCTYPE html><body>{made('headline')._repr_html_()}", encoding="utf-8")
    browser.get(path.as_uri())
    browser.switch_to.frame(0)
    assert run(browser, "page.mix([1, 1]); return page.picture().cards.length") == 12
    browser.switch_to.default_content()


@pytest.mark.exhaustive
@pytest.mark.parametrize("link", ["", "#all=1"])
def test_a_redraw_changes_what_is_there_and_draws_little_anew(show, link):
    """Of a picture of a hundred and thirty cards, in counts: they are the same on every machine."""
    browser = show(made("inception"), through_training(made("inception"), 50), link)
    script = """
    const observer = new MutationObserver(() => {});
    const everything = {subtree: true, childList: true, attributes: true, characterData: true};
    observer.observe(document.body, everything);
    const counted = (act) => {
      act();
      const changes = observer.takeRecords();
      const added = changes.flatMap((change) => [...change.addedNodes]);
      const elements = added.filter((node) => node instanceof Element);
      const inside = elements.map((element) => 1 + element.querySelectorAll("*").length);
      return [changes.length, inside.reduce((a, b) => a + b, 0)];
    };
    page.state.weights[1] = 0.1;
    const [changed, added] = counted(() => page.redraw());
    const [, whole] = counted(() => {
      const cards = document.querySelector("svg .card").parentNode;
      cards.innerHTML = cards.innerHTML;
    });
    return [changed, added, whole, document.querySelectorAll("svg *").length];"""
    changed, added, whole, elements = run(browser, script)
    assert added < 200 < whole  # the table, the sum and the key, however many cards there are
    assert changed < elements / 2


TYPE = """
const typed = document.querySelector(".slider input[type=text]");
typed.focus();
typed.value = arguments[0];
typed.dispatchEvent(new Event("change"));
return [page.state.weights[0], typed.value];
"""


@pytest.mark.parametrize(
    ("text", "weight"), [("0.3", 0.3), ("0,3", 0.3), (" -1 ", -1.0), ("1e-3", 0.001)]
)
def test_a_weight_can_be_typed(show, text, weight):
    assert run(show(made("headline")), TYPE, text)[0] == weight


def test_what_is_no_number_leaves_the_weight_as_it_was(show):
    browser = show(made("headline"))
    before = run(browser, TYPE, "0.4")
    for text in ("abc", "", "1e999", "0,3,1"):
        assert run(browser, TYPE, text) == before == [0.4, "0.4"]


ASIDE = """
const loss = page.picture().cards.find((card) => card.data.loss === arguments[0]);
page.select(loss.key);
return page.picture().cards.filter((card) => card.group.classList.contains("aside"))
  .map((card) => card.data.name).sort();
"""


def test_what_a_selected_loss_cannot_reach_steps_back(show):
    browser = show(made("headline"))
    dense = ["concatenate", "dense_1", "dense_2", "dense_3", "main_output", "aux_input"]
    assert set(dense) <= set(run(browser, ASIDE, 1)) and "lstm" not in run(browser, ASIDE, 1)
    assert "aux_output" in run(browser, ASIDE, 0) and "concatenate" not in run(browser, ASIDE, 0)
