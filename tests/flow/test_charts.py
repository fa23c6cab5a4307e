"""The charts: what they draw is what was measured, and no text covers another."""

from itertools import combinations, pairwise

import numpy as np
import pytest

import tinygrad_mo as tg
from random_flows import random_flow
from tinygrad_mo.flow import Wire, charts, curves, figure, page, style
from tinygrad_mo.flow.chart_parts import blend, heat
from tinygrad_mo.flow.folded import folded
from tinygrad_mo.flow.measures import Measure
from tinygrad_mo.flow.words import RIMS, mode_of, thresholds

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

from matplotlib.colors import to_rgba  # noqa: E402

pytestmark = pytest.mark.slow  # drawing takes seconds
random = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def no_open_figures():
    yield
    plt.close("all")


def headlines(weights=(1.0, 0.2), length=6):
    """An LSTM that two losses share, one of which sees more."""
    text = tg.Input((length,), dtype="int32", name="main_input")
    h = tg.layers.Embedding(9, 5, name="embedding")(text)
    h = tg.layers.LSTM(4, name="lstm")(h)
    aux = tg.layers.Dense(1, name="aux_output")(h)
    extra = tg.Input((3,), name="aux_input")
    x = tg.layers.concatenate([h, extra], name="concatenate")
    x = tg.layers.Dense(6, activation="tanh", name="dense")(x)
    model = tg.Model([text, extra], [tg.layers.Dense(1, name="main_output")(x), aux])
    names = ("main_output", "aux_output")
    model.compile("sgd", "mse", loss_weights=dict(zip(names, weights, strict=True)))
    x = [random.integers(0, 9, (8, length)), random.normal(size=(8, 3))]
    return model, x, [random.normal(size=8), random.normal(size=8)]


def heads(count, name="task"):
    """A trunk under so many losses."""
    x = tg.Input((3,), name="x")
    h = tg.layers.Dense(4, activation="tanh", name="trunk")(x)
    outputs = [tg.layers.Dense(1, name=f"{name}{k}")(h) for k in range(count)]
    model = tg.Model(x, outputs)
    model.compile("sgd", "mse")
    y = [random.normal(size=8) for _ in outputs]
    return model, random.normal(size=(8, 3)), y if count > 1 else y[0]


def tower(depth=20):
    """So many layers, two auxiliary losses, a regularizer, and a layer that is frozen."""
    x = h = tg.Input((4,), name="x")
    outputs = []
    for i in range(depth):
        more = {"kernel_regularizer": "l2"} if i == 3 else {}
        name = "a_layer_with_a_name_that_does_not_end" if i == 4 else f"dense_{i}"
        h = tg.layers.Dense(4, activation="tanh", name=name, **more)(h)
        if i in (6, 13, depth - 1):
            outputs.append(tg.layers.Dense(1, name=f"output_{i}")(h))
    model = tg.Model(x, outputs)
    model.get_layer("dense_2").trainable = False
    model.compile("sgd", "mse")
    return model, random.normal(size=(8, 4)), [random.normal(size=8) for _ in outputs]


def flow_of(made):
    model, x, y = made
    return model.gradient_flow(x, y)


def recorded(made, steps=4):
    model, x, y = made
    recorder = tg.FlowRecorder(every=1)
    model.fit(x, y, batch_size=8, epochs=steps, verbose=0, callbacks=[recorder])
    return recorder.flows


def words_of(axes):
    return [text.get_text() for text in axes.texts if text.get_text()]


def key_of(axes):
    legend = axes.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


def stripes(axes):
    """The rectangles of each bar: its ground, the stripes of the losses, the two rims."""
    rows = {}
    for patch in axes.patches:
        rows.setdefault(patch.get_y(), []).append(patch)
    return list(rows.values())


@pytest.mark.parametrize("weights", [(1.0, 0.2), (1.0, -3.0)])
def test_bars_are_as_long_as_the_measured_gradients(weights):
    flow = flow_of(headlines(weights))
    for by, measures in (
        ("weights", list(flow.parameters.values())),
        ("layer", [layer.measure for layer in charts.layers_of(flow)]),
    ):
        rows = stripes(flow.bars(by=by))
        assert len(rows) == len(measures)
        for (_, *parts, opposed, differing), measure in zip(rows, measures, strict=True):
            lengths = [part.get_width() for part in parts]
            assert sum(lengths) == pytest.approx(measure.total(weights))
            shares = np.array(measure.parts(weights)) / sum(measure.parts(weights))
            assert lengths == pytest.approx(list(shares * sum(lengths)))
            differ, oppose = measure.lost(weights)
            assert opposed.get_width() == pytest.approx(oppose, abs=1e-12)
            assert differing.get_width() == pytest.approx(differ, abs=1e-12)
            ends = sum(lengths) + opposed.get_width() + differing.get_width()
            assert ends == pytest.approx(sum(measure.parts(weights)), rel=1e-12)
            assert bool(opposed.get_hatch()) and not differing.get_hatch()


def test_the_key_shows_the_rims_that_occur():
    def rims(rows):
        flow = flow_of(heads(2))
        measure = Measure.of(np.array(rows), (0, 1), 2)
        flow.parameters = dict.fromkeys(flow.parameters, measure)
        return [label for label in key_of(flow.bars()) if "rim" in label]

    oppose, differ = RIMS["oppose"], RIMS["differ"]
    assert rims([[1.0, 0.0], [2.0, 0.0]]) == []
    assert rims([[1.0, 0.0], [0.2, 1.0]]) == [differ]
    assert rims([[1.0, 0.0], [-0.2, 1.0]]) == [oppose, differ]


def widths(axes):
    """Of the bands of a drawn wire, from the lowest to the highest."""
    bands = [patch for patch in axes.patches if len(patch.get_xy()) > 4]
    outlines = [patch.get_xy() for patch in sorted(bands, key=lambda patch: patch.get_zorder())]
    return [(abs(xy[0] - xy[-2]).max(), patch) for xy, patch in zip(outlines, bands, strict=True)]


@pytest.mark.parametrize("seed", range(8))
def test_a_wire_with_its_rims_is_as_wide_as_all_parts(seed):
    random = np.random.default_rng(seed)
    measure = Measure.of(random.normal(size=(3, 4)), (0, 1, 2), 3)
    weights = random.uniform(-2, 2, 3)
    flow = flow_of(heads(3))
    wire, line = Wire("x", "trunk", measure), np.linspace((0.0, 0.0), (200.0, 0.0), 50)
    axes = plt.subplots()[1]
    figure.draw_wire(axes, flow, wire, line, weights, scale=10.0)
    bands = widths(axes)
    rims = {bool(patch.get_hatch()): width for width, patch in bands if patch.get_zorder() == 2}
    stripes = [width for width, patch in bands if patch.get_zorder() == 3]
    differ, oppose = measure.lost(weights)
    whole = 10 * measure.total(weights)
    assert sum(stripes) == pytest.approx(whole)
    assert oppose * differ == 0 or len(rims) == 2
    assert rims.get(True, whole) == pytest.approx(whole + 10 * oppose)
    assert max(rims.values()) == pytest.approx(10 * sum(measure.parts(weights)))


def test_no_rim_is_pink_where_opposition_cost_nothing():
    """Two of three losses oppose each other, but all in all they help."""
    measure = Measure.of(np.array([[1.0, 0.0], [1.0, 1.0], [-0.3, 1.0]]), (0, 1, 2), 3)
    assert measure.worst_pair([1, 1, 1])[0] < -0.25 and measure.lost([1, 1, 1])[1] == 0
    axes = plt.subplots()[1]
    line = np.linspace((0.0, 0.0), (200.0, 0.0), 50)
    figure.draw_wire(axes, flow_of(heads(3)), Wire("x", "y", measure), line, [1, 1, 1], 10.0)
    assert [patch.get_hatch() for patch in axes.patches] == [None] * len(axes.patches)
    assert max(width for width, _ in widths(axes)) == pytest.approx(
        10 * sum(measure.parts([1] * 3))
    )


def texts_of(drawn):
    return " ".join(text.get_text() for axes in drawn.axes for text in axes.texts)


@pytest.mark.one_in(12, rest="exhaustive")
@pytest.mark.parametrize("seed", range(10))
def test_the_figure_of_any_flow_is_drawn_without_a_warning(seed):
    """Frozen, not finite, without weights, shared: warnings are errors."""
    flow = random_flow(seed)
    drawn = flow.figure()
    drawn.canvas.draw()
    said = texts_of(drawn)
    assert mode_of(flow) in said
    several = len(flow.losses) > 1
    for sentence in (thresholds(), *RIMS.values()):
        assert (sentence[1:] in said) == several
    of_layers = {name for node in flow.nodes if node.kind != "loss" for name in node.parameters}
    assert ("frozen" in said) == bool(of_layers & flow.frozen)
    boxes = [text.get_window_extent() for axes in drawn.axes for text in axes.texts]
    assert all(box.x0 >= 0 and box.x1 <= drawn.bbox.width for box in boxes)


def test_a_figure_where_nothing_arrives():
    flow = flow_of(headlines())
    flow.weights = dict.fromkeys(flow.losses, 0.0)
    drawn = flow.figure()
    drawn.canvas.draw()
    assert "This thick" not in texts_of(drawn) and "A full bar" not in texts_of(drawn)
    assert "main, aux off" in texts_of(drawn)


def test_bars_say_how_the_losses_agree():
    flow = flow_of(headlines())
    words = words_of(flow.bars())
    cosine = flow.cosine("lstm/kernel", "main_output", "aux_output")
    assert f"{cosine:+.2f}".replace("-", "−") in words
    assert words.count("main only") == 4 and words.count("aux only") == 2
    assert "aux, main off" in words_of(flow_of(headlines((0, 1))).bars())
    turned = words_of(flow_of(headlines((1.0, -1.0))).bars(by="layer"))
    assert sum(word[0] in "+−" for word in turned) == 2


def test_with_negative_weights_the_cosine_turns_around():
    flow = flow_of(headlines())
    axes = plt.subplots()[1]
    measure = Measure.of(np.array([[1.0, 0.0], [1.0, 0.0]]), (0, 1), 2)
    flow.weights = {"main_output": 1.0, "aux_output": -1.0}
    charts.write_verdict(axes, flow, measure, 0, 9)
    assert words_of(axes) == ["−1.00"]


def test_heat_map_tells_no_path_from_zero():
    with tg.use(floatx="float64"):
        x = tg.Input((2,), name="x")
        low = lambda shape, generator: np.full(shape, -10.0)
        dead = tg.layers.Dense(3, activation="relu", bias_initializer=low, name="dead")(x)
        outputs = [tg.layers.Dense(1, name="a")(dead), tg.layers.Dense(1, name="b")(x)]
        model = tg.Model(x, outputs)
        model.compile("sgd", "mse")
    flow = model.gradient_flow(np.ones((4, 2)), [np.ones(4)] * 2)
    axes = flow.heat_map()
    cells = np.array(axes.patches).reshape(len(flow.parameters), 2)
    numbers = {text.get_position(): text.get_text() for text in axes.texts}
    for i, measure in enumerate(flow.parameters.values()):
        for k, path in enumerate(measure.reach):
            assert bool(cells[i, k].get_hatch()) == (not path)
            assert numbers.get((k + 0.5, i)) == (f"{measure.norm(k):.2g}" if path else None)
    dead_kernel = cells[list(flow.parameters).index("dead/kernel"), 0]
    assert dead_kernel.get_facecolor() == (1, 1, 1, 1)
    assert key_of(axes) == ["no path from this loss"]
    assert key_of(flow_of(heads(1)).heat_map()) == []


def test_longest_gradient_has_the_full_colour():
    flow = flow_of(headlines())
    axes = flow.heat_map()
    norms = [[m.norm(k) for k in range(2)] for m in flow.parameters.values()]
    k = int(np.argmax(norms)) % 2
    strongest = axes.patches[int(np.argmax(norms))]
    assert strongest.get_facecolor() == pytest.approx(to_rgba(style.LOSSES[k][0]))


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_any_number_of_losses(count):
    made = heads(count)
    flow = flow_of(made)
    for axes in (flow.bars(), flow.by_depth()):
        assert sum(f"task{k}" in word for word in key_of(axes) for k in range(count)) == count
    assert sum(word.startswith("task") for word in words_of(flow.heat_map())) == 2 * count
    above, below = flow.through_training(recorded(made))
    assert len(above.get_lines()) == count
    if count == 1:
        assert "No layer is trained by several losses." in words_of(below)
    else:
        assert "trunk" in words_of(below)
    marks = words_of(flow.bars(by="layer")).count("■")
    assert marks == (2 if count > 2 else 0)


def test_twelve_losses_have_colours_of_their_own_and_more_are_said_to_share_them():
    for count in (13, 12):
        flow = flow_of(heads(count))
        keys = [key_of(axes) for axes in (flow.bars(), flow.by_depth(), curves.loss_curves([flow]))]
        assert [style.REPEATED in key for key in keys] == 3 * [count > 12]
        printed = " ".join(figure.key_lines(flow, figure.Scales(0, 0), 300))
        assert (style.REPEATED in printed.lower()) == (count > 12)
    lines = [to_rgba(line.get_color()) for line in curves.loss_curves([flow]).get_lines()]
    assert len(set(lines)) == 12
    for shades in zip(*(one[:2] for one in (*style.LOSSES, style.REGULARIZATION)), strict=True):
        colours = lab([to_rgba(one)[:3] for one in shades])
        apart = np.linalg.norm(colours[:, None] - colours, axis=-1)
        assert apart[~np.eye(13, dtype=bool)].min() > 15  # 2.3 are just seen side by side


def test_the_loss_of_largest_weight_has_the_first_colour():
    made = heads(3)
    model = made[0]
    for weights, places in (([0.5, 0.1, 3.0], [1, 2, 0]), ([1, 1, 1], [0, 1, 2])):
        model.loss_weights = dict(zip(model.loss_weights, map(float, weights), strict=True))
        flow = flow_of(made)
        colours = [style.coloured(place)[0] for place in places]
        assert [style.colour_of(flow, k) for k in range(3)] == colours
        assert [one["place"] for one in page.content(flow)["losses"]] == places
        lines = curves.loss_curves([flow]).get_lines()
        assert [line.get_color() for line in lines] == colours
        faces = [one.get_facecolor() for one in flow.bars().get_legend().get_patches()]
        assert faces[:3] == [to_rgba(colour) for colour in colours]


def lab(colours):
    """CIE L*, a*, b*, in which distances are differences that are seen."""
    rgb = np.array(colours)
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = linear @ np.transpose(to_xyz) / np.sum(to_xyz, axis=1)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def test_charts_use_the_axes_of_the_user():
    made = headlines()
    flow, before = flow_of(made), plt.get_fignums()
    figure, grid = plt.subplots(2, 3, layout="constrained", figsize=(20, 12))
    own = grid.ravel()
    assert flow.bars(own[0]) is own[0]
    assert flow.heat_map(own[1]) is own[1]
    assert flow.over_sequence(own[2]) is own[2]
    assert flow.by_depth(own[3]) is own[3]
    assert flow.through_training([], own[4:]) is not None
    assert all(axes.get_title(loc="left") for axes in own)
    assert plt.get_fignums() == [*before, figure.number]
    assert list(figure.axes) == list(own)


def test_strip_shows_the_measured_cosines():
    flows = recorded(headlines())
    axes = curves.cosines(flows)
    cells = np.array(axes.collections[0].get_array()).reshape(2, len(flows))
    for row, layer in zip(cells, ("embedding", "lstm"), strict=True):
        assert row == pytest.approx(
            [flow.cosine(layer, "main_output", "aux_output") for flow in flows]
        )
    mesh = axes.collections[0]
    for cosine in (-1.0, 1.0):
        assert mesh.cmap(mesh.norm(cosine))[:3] == pytest.approx(heat(cosine))
    green, pink = heat(0.5), heat(-0.5)
    assert green[1] > green[0] and pink[0] > pink[1]


def test_strip_leaves_a_gap_where_there_is_no_angle():
    silent = Measure.of(np.array([[1.0, 0.0], [0.0, 0.0]]), (0, 1), 2)
    assert np.isnan(curves.least_cosine(silent))
    several = Measure.of(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]), (0, 1, 2), 3)
    assert curves.least_cosine(several) == -1


def test_curves_are_the_values_of_the_losses():
    flows = recorded(headlines())
    axes = curves.loss_curves(flows[::-1])
    for name, line in zip(flows[0].losses, axes.get_lines(), strict=True):
        assert list(line.get_xdata()) == [0, 1, 2, 3]
        assert list(line.get_ydata()) == [flow.values[name] for flow in flows]
    with pytest.raises(ValueError, match="there are no flows"):
        curves.loss_curves([])
    with pytest.raises(ValueError, match="another model"):
        curves.cosines([flows[0], *recorded(heads(2))])


def test_sequence_is_drawn_as_it_was_measured():
    flow = flow_of(headlines())
    axes = flow.over_sequence()
    for norms, line in zip(flow.over_time["embedding", "lstm"], axes.get_lines(), strict=True):
        assert list(line.get_xdata()) == [1, 2, 3, 4, 5, 6]
        assert line.get_ydata() == pytest.approx(norms)
    assert axes.get_yscale() == "log"
    assert "embedding → lstm" in key_of(axes)
    with pytest.raises(KeyError, match="no sequence on"):
        flow.over_sequence(wire=("lstm", "dense"))
    with pytest.raises(ValueError, match="no layer of this model reads a sequence"):
        flow_of(heads(2)).over_sequence()


def test_depth_shows_the_wires_of_the_longest_way_and_the_branches():
    flow = flow_of(headlines())
    axes = flow.by_depth()
    total, main, aux, branch = axes.get_lines()
    weights = list(flow.weights.values())
    way = ["main_input", "embedding", "lstm", "concatenate", "dense", "main_output"]
    measures = [flow.measure(wire) for wire in pairwise([*way, "main_output_loss"])]
    drawn = np.array([total.get_ydata(), main.get_ydata(), aux.get_ydata()])[:, 1:]
    expected = [[m.total(weights), *m.parts(weights)] for m in measures[1:]]
    assert np.nan_to_num(drawn) == pytest.approx(np.array(expected).T)
    assert np.isnan(drawn[2, 1:]).all()  # the auxiliary loss trains only what lies before the fork
    ends = ("embedding", "lstm"), ("lstm", "aux_output"), ("aux_output", "aux_output_loss")
    assert branch.get_ydata() == pytest.approx([flow.measure(e).parts(weights)[1] for e in ends])
    assert [label.get_text() for label in axes.get_xticklabels()] == [*way[1:], "loss: main"]


def test_regularization_and_frozen_weights():
    flow = flow_of(tower(8))
    axes = flow.bars()
    assert "sent by regularization" in key_of(axes)
    assert words_of(axes).count("kernel (frozen)") == 1
    assert sum(patch.get_alpha() == 0.45 for patch in axes.patches) == 2 * (3 + 2)
    assert "(frozen)" in words_of(flow.bars(by="layer"))
    grey = blend(style.REGULARIZATION[0], 1)
    assert any(p.get_facecolor()[:3] == pytest.approx(grey) for p in axes.patches)
    assert "regularization" in words_of(flow.heat_map(by="layer"))
    assert "regularization" not in key_of(flow.by_depth())  # it is on no wire


def test_many_weights_are_shown_by_layer(monkeypatch):
    flow = flow_of(heads(2))
    assert len(stripes(flow.bars())) == 6
    monkeypatch.setattr(style, "MANY", 5)
    assert len(stripes(flow.bars())) == 3
    with pytest.raises(ValueError, match="unknown by='layers': did you mean 'layer'"):
        flow.bars(by="layers")


@pytest.mark.slow
def test_names_are_text_not_markup():
    made = heads(2, name="_$\\frac_")
    flow = flow_of(made)
    for axes in (flow.heat_map(), flow.by_depth()):
        axes.figure.canvas.draw()
    flow.through_training(recorded(made))[0].figure.canvas.draw()
    assert "sent by $\\frac_0" in key_of(flow.bars())


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_gradients_that_overflowed_are_named():
    flow = flow_of(headlines())
    broken = Measure((True, True), np.full((2, 2), np.nan))
    flow.parameters = {**flow.parameters, "lstm/kernel": broken}
    axes = flow.bars()
    assert "main, aux not finite" in words_of(axes)
    assert "nan" in words_of(flow.heat_map())
    axes.figure.canvas.draw()


def boxes_of(axes):
    """The texts and where they stand, in pixels; but not names that are turned."""
    figure = axes.figure
    figure.canvas.draw()
    texts = [*axes.texts, axes._left_title, axes.xaxis.label, axes.yaxis.label]
    texts += axes.get_legend().get_texts() if key_of(axes) else []
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
        texts += [tick.label1 for tick in ticks if not tick.label1.get_rotation()]
    shown = [text for text in texts if text.get_text() and text.get_visible()]
    return [(text.get_text(), text.get_window_extent()) for text in shown]


@pytest.mark.exhaustive
@pytest.mark.parametrize("make", [headlines, tower, lambda: heads(4, "a_rather_long_name_")])
def test_no_text_covers_another_or_leaves_the_figure(make):
    made = make()
    flow, flows = flow_of(made), recorded(made)
    drawn = [flow.bars(), flow.bars(by="layer"), flow.heat_map(), flow.by_depth()]
    drawn += [*curves.through_training(flows), curves.cosines(flows)]
    drawn += [flow.over_sequence()] if flow.over_time else []
    for axes in drawn:
        found = boxes_of(axes)
        paper = axes.figure.bbox
        for words, box in found:
            assert paper.x0 <= box.x0 and box.x1 <= paper.x1, words
            assert paper.y0 <= box.y0 and box.y1 <= paper.y1, words
        for (a, one), (b, other) in combinations(found, 2):
            assert not one.overlaps(other), (a, b)


def test_turned_names_keep_their_distance():
    axes = flow_of(tower()).by_depth()
    axes.figure.canvas.draw()
    labels = axes.get_xticklabels()
    points = axes.transData.transform([(x, 1) for x in axes.get_xticks()])[:, 0]
    height = labels[0].get_size() * axes.figure.dpi / 72
    assert np.diff(points).min() > 1.2 * height


# The printed picture on one page.


def blocks(count=9):
    """So many blocks of four branches, with two heads."""
    h = x = tg.Input((4,), name="x")
    outputs = []
    for n in range(count):
        ends = [tg.layers.Dense(3, "tanh", name=f"b{n}/way_{i}")(h) for i in range(4)]
        h = tg.layers.Concatenate(name=f"b{n}/join")(ends)
        if n in (3, count - 1):
            outputs.append(tg.layers.Dense(1, name=f"head_{n}")(h))
    model = tg.Model(x, outputs)
    model.compile("sgd", "mse", loss_weights=[0.3, 1.0])
    return model, random.normal(size=(8, 4)), [random.normal(size=8) for _ in outputs]


@pytest.mark.exhaustive
def test_a_large_model_is_folded_onto_one_page_with_the_gradients_of_the_page():
    flow = flow_of(blocks())
    shown = folded(flow)
    assert len(flow.nodes) > 40 and len(shown.nodes) < 20
    for node in shown.nodes:
        inside = flow.folds.get(node.name, [node.name])
        for loss in flow.losses if node.parameters else ():
            own = [name for one in flow.nodes if one.name in inside for name in one.parameters]
            norms = [flow.norm(loss, name) for name in own]
            assert shown.norm(loss, node.name) == pytest.approx(np.linalg.norm(norms), rel=1e-12)
    for wire in shown.wires:
        if wire.target in flow.folds:  # of one tensor that several cards inside use
            (bundle,) = [m for (fold, _), m in flow.bundles.items() if fold == wire.target]
            gram, right = (m.r.T @ m.r for m in (wire.measure, bundle))  # r itself is not unique
            np.testing.assert_allclose(gram, right, rtol=1e-12)
    for one in (flow, flow_of(heads(9)), flow_of(tower())):
        wide, high = sorted(one.figure().get_size_inches())
        assert wide <= 8.27 and high <= 11.69
    assert len(folded(flow_of(heads(2))).nodes) == len(flow_of(heads(2)).nodes)


def test_shrunk_letters_stay_in_their_cards_and_names_are_written_out():
    made = heads(2, "a_name_of_two_lines_")
    drawn = flow_of(made).figure()
    words = [text.get_text() for one in drawn.axes for text in one.texts]
    assert "loss: a_name_of_two_lines_0" not in words
    assert {"a_name_of_", "two_lines_0"} <= set(words)


def test_letters_that_the_usual_font_lacks_come_from_another_one():
    from matplotlib.font_manager import findfont, get_font

    usual = set(get_font(findfont("DejaVu Sans")).get_charmap())
    letter = chr(min(set(get_font(findfont("STIXGeneral")).get_charmap()) - usual))
    x = tg.Input((3,), name=f"x{letter}")
    model = tg.Model(x, tg.layers.Dense(1, name="y")(x))
    model.compile("sgd", "mse")
    drawn = flow_of((model, np.ones((2, 3)), np.ones(2))).figure()
    drawn.canvas.draw()  # a box instead of a letter would be a warning
    assert any(letter in text.get_text() for one in drawn.axes for text in one.texts)
