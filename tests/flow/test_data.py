"""A flow is data: made by hand, compared, pickled, saved, read back, drawn."""

import copy
import json
import pickle
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo.files.archive import CheckpointError
from tinygrad_mo.flow import Flow, FlowNode, Measure, Wire
from tinygrad_mo.flow.data import same
from tinygrad_mo.flow.figure import draw_flow
from tinygrad_mo.flow.folded import card
from tinygrad_mo.flow.folding import Folds, find_folds
from tinygrad_mo.flow.inside import weight_picture
from tinygrad_mo.flow.measures import lengths
from tinygrad_mo.flow.page import constants, content, rounded
from tinygrad_mo.flow.recording import settings_of
from tinygrad_mo.optimizers import SGD, Adagrad
from tinygrad_mo.systems.system import gradient_at
from zoo import headline

PULLS = Measure.of(np.array([[3.0, 0.0], [0.0, 4.0]]), losses=(0, 1), count=2)
HALF = Measure.of(np.array([[1.5, 0.0], [0.0, 2.0]]), losses=(0, 1), count=2)
FOLD = {"a": "fold"}
ONE = Measure.of(np.array([[3.0, 0.0]]), losses=(0,), count=1)


def hand_made(**more):
    parts = {
        "losses": ["main", "aux"],
        "values": {"main": 0.5, "aux": 0.7},
        "weights": {"main": 1.0, "aux": 0.2},
        "nodes": [
            FlowNode("x", "input", shape=(3,)),
            FlowNode("trunk", type="Dense", shape=(8,), parameters=("trunk/kernel",)),
            FlowNode("main", "loss", loss="main"),
            FlowNode("aux", "loss", loss="aux"),
        ],
        "wires": [Wire("x", "trunk", PULLS), Wire("trunk", "main", PULLS)],
        "parameters": {"trunk/kernel": PULLS},
    }
    parts["wires"].append(Wire("trunk", "aux", PULLS))
    return Flow(**parts | more)


@pytest.mark.medium
def test_a_flow_made_by_hand_is_drawn(tmp_path):
    flow = hand_made()
    assert flow.total("trunk") == pytest.approx(np.hypot(3, 0.8))
    assert "trunk is pulled by 2 losses: 79% from main and 21% from aux" in flow.report()
    assert "trunk/kernel     3    4" in flow.table()
    flow.save(tmp_path / "flow.html")
    flow.figure(tmp_path / "flow.png")
    for draw in (flow.bars, flow.heat_map, flow.by_depth):
        assert draw() is not None
    assert "trunk" in (tmp_path / "flow.html").read_text("utf-8")


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"wires": [Wire("x", "nowhere", PULLS)]}, "wire x -> nowhere: there is no node 'nowhere'"),
        ({"wires": [Wire("x", "trunk", PULLS), Wire("trunk", "x", PULLS)]}, "lead in a circle"),
        ({"wires": [Wire("x", "x", PULLS)]}, "lead in a circle"),
        ({"wires": [Wire("x", "trunk", ONE)]}, "measure of x -> trunk must be of all .* count=2"),
        ({"nodes": [FlowNode("x"), FlowNode("x")]}, "two nodes of a flow are called 'x'"),
        ({"nodes": [FlowNode("x", "layr")]}, "node 'x' .* no kind 'layr'; did you mean 'layer'"),
        ({"nodes": [FlowNode("x", "loss")]}, "node 'x' of a flow: there is no loss ''"),
        ({"nodes": [FlowNode(n, "loss", loss="aux") for n in "ab"]}, "two loss nodes .* 'aux'"),
        ({"parameters": {}}, "node 'trunk' has no measured parameter 'trunk/kernel'"),
        ({"parameters": {"trunk/kernel": ONE}}, "measure of trunk/kernel must be of all losses"),
        ({"losses": ["main", "main"]}, "two losses of a flow are called 'main'"),
        ({"weights": {"main": 1.0}}, "weights of a flow lack loss 'aux'"),
        ({"weights": {"main": 1.0, "aux": np.nan}}, "weights .* 'aux' must be a finite number"),
        ({"weights": {"main": 1, "aux": 1, "z": 1}}, "weights of a flow: there is no loss 'z'"),
        ({"values": {"aux": 1.0}}, "values of a flow lack loss 'main'"),
        ({"values": {"main": "x", "aux": None}}, "values .* 'main' must be a number, or None"),
        ({"kinds": {"man": "mse"}}, "kinds of a flow: there is no loss 'man'; did you mean 'main'"),
        ({"frozen": {"trunk"}}, "frozen of a flow: there is no parameter 'trunk'; did you mean"),
        ({"outputs": {"out": "head"}}, "outputs of a flow: there is no node 'head'"),
        ({"silent": ["out"]}, "silent of a flow: there is no output 'out'"),
        ({"uses": {("trunk/kernel", "trnk"): PULLS}}, "uses .* no node 'trnk'; did you mean"),
        ({"uses": {("trunk/kernel", "trunk"): ONE}}, "measure of .* must be of all losses"),
        ({"over_time": {("x", "y"): np.ones((2, 5))}}, "over_time of a flow: there is no wire"),
        ({"over_time": {("x", "trunk"): np.ones(5)}}, r"over_time of .* has shape \(5,\)"),
        ({"bundles": {("fold", 0): PULLS}}, "bundles of a flow: there is no fold 'fold'"),
        ({"folds": Folds(["y"])}, "folds of a flow: there is no node 'y'"),
        ({"arrays": {"trunk": ((0,), np.ones((1, 3)))}}, "arrays .* no parameter, use or wire"),
        ({"arrays": {("x", "trunk", 0): ((0, 1), np.ones((1, 3)))}}, "1 rows for the losses"),
    ],
)
def test_what_does_not_fit_together_is_refused(more, words):
    with pytest.raises((ValueError, TypeError), match=words):
        hand_made(**more)


@pytest.mark.medium
def test_what_cannot_be_drawn_says_so(tmp_path):
    empty = hand_made(nodes=[], wires=[])
    for draw in (empty.figure, lambda: empty.save(tmp_path / "flow.html")):
        with pytest.raises(ValueError, match="a flow without nodes cannot be drawn"):
            draw()
    bare = hand_made(nodes=[FlowNode("trunk", parameters=("trunk/kernel",))], wires=[])
    with pytest.raises(ValueError, match="by_depth: loss 'main' has no node to which a way leads"):
        bare.by_depth()
    with pytest.raises(ValueError, match=r"draw_flow: weights .* main, aux, not \[1.0\]"):
        draw_flow(hand_made(), [1.0])
    sequence = hand_made(over_time={("x", "trunk"): np.ones((2, 5))})
    assert sequence.over_sequence(wire=["x", "trunk"]) is not None
    with pytest.raises(KeyError, match="no sequence on"):
        sequence.over_sequence(wire=("x", "main"))


def test_what_has_no_weights_is_not_said_to_have_no_path():
    flow = hand_made()
    ask = flow.reaches, flow.norm, flow.gradient, lambda loss, what: flow.total(what)
    for one in ask:
        with pytest.raises(ValueError, match=r"input 'x' has no weights.* as in \('x', 'trunk'\)"):
            one("main", "x")
        with pytest.raises(ValueError, match=r"loss 'aux' has no weights.* \('trunk', 'aux'\)"):
            one("main", "aux")
        with pytest.raises(
            TypeError, match=r"or is a tuple, as in .*; \['x', 'trunk'\] is neither"
        ):
            one("main", ["x", "trunk"])
    assert flow.reaches("main", ("x", "trunk")) and flow.norm("main", ("x", "trunk")) == 3
    for weights, error in (({"aux": "1"}, TypeError), ({"aux": np.nan}, ValueError)):
        with pytest.raises(error, match="weights: that of 'aux' must be a"):
            flow.total("trunk", weights)
    with pytest.raises(KeyError, match="have place 0"):
        flow.norm("main", ("x", "trunk", True))


def test_a_call_is_neither_its_layer_nor_its_weights():
    calls = [
        FlowNode(f"x{end}", parameters=("x/kernel", "x/bias"), layer="x") for end in ("", ":1")
    ]
    flow = hand_made(nodes=calls, wires=[], parameters={"x/kernel": PULLS, "x/bias": PULLS})
    assert flow.norm("aux", "x") == pytest.approx(4 * np.sqrt(2))
    with pytest.raises(ValueError, match=r"one call of a layer: .* 'x', .* \('x/kernel', 'x:1'\)"):
        flow.norm("aux", "x:1")
    with pytest.raises(ValueError, match="'x' has no single array: ask for 'x/kernel' or 'x/bias'"):
        flow.gradient("aux", "x")


def measured():
    model, x, y = headline()
    return model.gradient_flow(x, y, keep_arrays=True)


@pytest.mark.medium
@pytest.mark.parametrize("make", [hand_made, measured])
def test_it_is_copied_pickled_saved_and_compared(make, tmp_path):
    flow = make()
    flow.save(tmp_path / "one.flow")
    others = copy.deepcopy(flow), pickle.loads(pickle.dumps(flow)), Flow.load(tmp_path / "one.flow")
    for other in others:
        assert other == flow and other.table() == flow.table() and other.report() == flow.report()
        other.save(tmp_path / "other.html")
        flow.save(tmp_path / "flow.html")
        pages = [(tmp_path / f"{name}.html").read_bytes() for name in ("flow", "other")]
        assert pages[0] == pages[1]
        other.weights["aux_output" if make is measured else "aux"] += 0.1
        assert other != flow
    assert flow != hand_made(step=7)


@pytest.mark.medium
def test_snapshots_are_flows_of_one_training(tmp_path):
    """In any row; at its own step the flow itself is shown, beside what was recorded there."""
    flow = hand_made(step=4)
    again, other = hand_made(step=4), hand_made(step=4, values={"main": 9.0, "aux": 9.0})
    steps = [hand_made(step=step) for step in (2, 0)]

    def shown(now, snapshots):
        now.save(tmp_path / "flow.html", snapshots=snapshots)
        text = (tmp_path / "flow.html").read_text("utf-8")
        frames = json.loads(text.split('id="flow">')[1].split("</script>")[0])["frames"]
        return [(one["step"], one["values"][0]) for one in frames]

    assert shown(flow, steps) == [(0, 0.5), (2, 0.5), (4, 0.5)]
    for row in (iter(steps), filter(None, steps), tuple(steps), [*steps, flow], [*steps, again]):
        assert shown(flow, row) == [(0, 0.5), (2, 0.5), (4, 0.5)]
    assert shown(other, [*steps, flow])[-1] == (4, 9.0)  # one measured it at this step once more
    wider = hand_made(step=1, nodes=[replace(one, shape=(9,)) for one in flow.nodes])
    for snapshots, error, words in (
        (
            [*steps, flow, other],
            ValueError,
            "two different flows are of step 4; .* its own FlowRecorder",
        ),
        ([*steps, wider], ValueError, "snapshots: the flow of step 1 is of another model"),
        ([hand_made(step=1, optimizer="Adam")], ValueError, "step 1 is of a training with Adam"),
        (flow, TypeError, "snapshots must be a list of flows, .*; a Flow is none"),
        (tg.FlowRecorder(), TypeError, "snapshots must be a list .*; a FlowRecorder is none"),
        ([flow, 1], TypeError, "snapshots must be a list .*; 1 is no flow"),
    ):
        for show in (partial(flow.save, "never.html"), flow.through_training):
            with pytest.raises(error, match=words):
                show(snapshots)
    with pytest.raises(ValueError, match="holds one flow: snapshots and tours are for a page"):
        flow.save(tmp_path / "one.flow", snapshots=iter(steps))
    flow.save(tmp_path / "one.flow", snapshots=iter([]))


def test_what_is_the_same_is_so_part_by_part_and_in_order():
    x = np.array([3.0])
    found = [{"a": x}, {"b": x}, {"a": x, "b": 0}, {"b": 0, "a": x}, {"a": 2 * x}, {}, x, 2 * x]
    found += [x[None], [], (), [1], (1,), [1, 2], [[1], 2], 3, "a", None, Folds(), Folds("a", FOLD)]
    for i, one in enumerate(found):
        for k, other in enumerate(copy.deepcopy(found)):
            assert same(one, other) == (i == k), (one, other)


@pytest.mark.parametrize(
    ("shape", "mean", "words"),
    [
        ((), (), "1 numbers"),
        ((5,), (), "5 numbers"),
        ((3, 5), (), "3 x 5 numbers"),
        ((3, 4, 5), (2,), "3 x 4 x 5 numbers, their mean over axis 1"),
        ((2, 3, 4, 1), (3, 4), "1 filters of 2 x 3; a cell is the mean over 4 channels"),
        ((2, 3, 1, 2, 2), (), "2 x 3 x 1 x 2 x 2 numbers"),
    ],
)
def test_weights_are_shown_as_they_lie(shape, mean, words):
    rows = np.random.default_rng(0).normal(size=(2, *shape))
    shown, said = weight_picture(rows)
    assert said == words and shown.ndim == 3
    np.testing.assert_allclose(shown.reshape(-1), rows.mean(axis=mean).reshape(-1))


def test_the_card_of_a_node_is_the_outermost_fold_that_is_closed():
    folds = Folds("ab", {"a": "inner", "inner": "outer"})
    for opened, found in ((None, "outer"), ("outer", "inner"), ("inner", "a")):
        assert folds.card_of("a", opened) == found and folds.card_of("b", opened) == "b"


def test_a_folder_is_a_fold_if_no_wire_leaves_it_and_comes_back():
    kinds = {"in": "input", "a": "layer", "b": "layer", "c": "layer", "d": "layer", "end": "loss"}
    for within, sound in (("ab", True), ("ac", False), ("a", False)):
        folders = {name: ["folder"] if name in within else [] for name in kinds}
        folds = find_folds(kinds, folders, list(pairwise(kinds)))
        assert ("folder" in folds) == sound


def test_folds_with_the_same_weights_are_calls_of_one_layer():
    first = {}
    for weights, ends in (("", ["f", "g"]), ("k", ["f", "f"])):
        nodes = [FlowNode("a"), FlowNode("b", parameters=tuple(weights))]
        assert [card(name, nodes, first).layer for name in "fg"] == ends
    assert card("a", nodes[:1], first) is nodes[0]


def test_a_page_knows_how_exact_its_numbers_are():
    exact = constants()["ROUNDING"]
    for x in np.random.default_rng(0).normal(size=50):
        assert abs(rounded(x) / x - 1) < exact
    assert abs(rounded(1 + 1 / 3 * exact) - 1) < exact < 1e-9


def test_each_frame_has_measurements_of_its_own():
    steps = [hand_made(step=0, parameters={"trunk/kernel": HALF}), hand_made(step=2)]
    alone = [content(one)["frames"][0] for one in steps]
    assert alone[0]["r"] != alone[1]["r"]
    assert content(steps[1], steps[:1])["frames"] == alone


def test_settings_are_what_the_optimizer_was_made_with_whatever_it_has_done():
    w = tg.Parameter([1.0, 2.0], "w")
    for optimizer, settings in (
        (
            SGD(0.1, 0.9, clipnorm=1.0),
            {"momentum": 0.9, "nesterov": False, "weight_decay": 0.0, "clipnorm": 1.0},
        ),
        (Adagrad(0.1), {"slot_start": 0.1, "epsilon": 1e-7, "weight_decay": 0.0}),
    ):
        optimizer.apply({w: np.ones(2, "float32")})
        assert settings_of(optimizer) == settings


def test_a_file_of_something_else_is_no_flow(tmp_path):
    headline()[0].save_weights(tmp_path / "weights.flow")
    with pytest.raises(CheckpointError, match=r"weights\.flow.* holds weights only"):
        Flow.load(tmp_path / "weights.flow")
    with pytest.raises(ValueError, match="holds one flow: snapshots and tours are for a page"):
        hand_made().save(tmp_path / "one.flow", [hand_made()])


def test_a_measure_is_as_good_as_its_finite_parts():
    rows = np.array([[3.0, 4.0], [np.inf, 0.0], [0.0, 1.0]])
    m = Measure.of(rows, (0, 1, 2), 3)
    assert m.norm(0) == pytest.approx(5) and np.isnan(m.norm(1)) and m.norm(2) == pytest.approx(1)
    assert m.total([1, 0, 1]) == pytest.approx(np.hypot(3, 5)) and np.isnan(m.total([1, 1, 1]))
    assert m.parts([1, 0, 2])[1] == 0 and m.cosine(0, 2) == pytest.approx(0.8)


def test_what_is_lost_in_the_addition_is_split_exactly():
    opposed = Measure.of(np.array([[3.0, 0.0], [-3.0, 4.0]]), (0, 1), 2)
    assert opposed.lost([1, 1]) == pytest.approx((8 - np.sqrt(34), np.sqrt(34) - 4))
    agreeing = Measure.of(np.array([[3.0, 0.0], [3.0, 4.0]]), (0, 1), 2)
    assert agreeing.lost([1, 1]) == pytest.approx((8 - np.sqrt(52), 0))
    assert sum(opposed.lost([1, 1])) == pytest.approx(8 - opposed.total([1, 1]))


@pytest.mark.parametrize("scale", [1e-310, 2e-163, 1.0, 2e200, 3e306])
def test_lengths_whose_squares_fit_in_no_float(scale):
    rows = scale * np.array([[3.0, 4.0, 0.0], [0.0, -8.0, 6.0]])
    m = Measure.of(rows, (0, 1), 2)
    both = Measure.together([m, m], 2)
    assert [m.norm(0) / scale, m.norm(1) / scale] == pytest.approx([5, 10])
    assert both.norm(0) / scale == pytest.approx(5 * np.sqrt(2))
    assert [m.cosine(0, 1), both.cosine(0, 1)] == pytest.approx([-0.64, -0.64])
    assert m.total([2, 1]) / scale == pytest.approx(np.sqrt(72))
    assert np.divide(m.lost([2, 1]), scale) == pytest.approx(
        [20 - np.sqrt(200), 10 * np.sqrt(2) - np.sqrt(72)]
    )
    assert lengths(rows, (1,)) / scale == pytest.approx([5, 10])
    huge = hand_made(parameters={"trunk/kernel": m}, weights={"main": 2.0, "aux": 1.0})
    assert "trunk is pulled by 2 losses: 50% from main and 50% from aux" in huge.report()


def test_lengths_of_what_is_not_finite_are_not():
    rows = np.array([[np.inf, 1.0], [np.nan, 1.0], [0.0, 0.0], [3.0, 4.0]])
    for kind in (np.float32, np.float64):
        assert lengths(rows.astype(kind), (1,)).tolist() == [
            np.inf,
            pytest.approx(np.nan, nan_ok=True),
            0,
            5,
        ]


def test_a_sum_that_is_0_but_for_rounding_is_0():
    """R is found by reflections, so equal gradients differ in the last digits of its numbers."""
    rows = np.random.default_rng(0).normal(size=(1, 100_000))
    m = Measure.of(np.concatenate([rows, 3 * rows]), (0, 1), 2)
    assert m.total([3, -1]) == 0 and m.slopes([3, -1]) == [0, 0]
    assert m.lost([3, -1])[1] == pytest.approx(m.norm(0) * np.sqrt(18))
    apart = np.concatenate([rows, 3 * rows * (1 + 1e-9)])
    near = Measure.of(apart, (0, 1), 2)
    assert near.total([3, -1]) == pytest.approx(3e-9 * m.norm(0), rel=1e-5)
    flow = hand_made(parameters={"trunk/kernel": m}, weights={"main": 3.0, "aux": -1.0})
    text = flow.report()
    assert "  not change main (by 0 x" in text and "  not change aux (by 0 x" in text
    assert flow.table().splitlines()[2].split()[3] == "0"


@pytest.mark.parametrize("weights", [[1.0], [1.0, 2.0, 3.0]])
def test_a_weight_is_asked_for_each_loss(weights):
    for mix in (PULLS.total, PULLS.parts, PULLS.lost, PULLS.worst_pair, PULLS.slopes):
        with pytest.raises(ValueError, match=f"of 2 losses .* not with {len(weights)}"):
            mix(weights)
    with pytest.raises(ValueError, match=r"Measure.of: 1 rows for the losses \(0, 2\) of 2"):
        Measure.of(np.ones((1, 3)), (0, 2), 2)


def test_the_gradient_at_a_layer_is_asked_where_one_other_reads_it():
    flow = hand_made()
    assert gradient_at(flow, "x") == flow.total(("x", "trunk"))
    with pytest.raises(ValueError, match="'trunk' is read by main and by aux: ask for a wire"):
        gradient_at(flow, "trunk")
    with pytest.raises(ValueError, match="nothing reads a layer 'trnk'; did you mean 'trunk'"):
        gradient_at(flow, "trnk")


def test_a_page_is_no_picture_and_a_picture_no_page(tmp_path):
    flow = hand_made()
    for ending in ("pdf", "PNG", "gif"):
        with pytest.raises(ValueError, match=r"figure\(path\) draws a picture"):
            flow.save(tmp_path / f"flow.{ending}")
    for ending in ("html", "flow"):
        with pytest.raises(ValueError, match="write this by save"):
            flow.figure(str(tmp_path / f"flow.{ending}"))
    assert list(tmp_path.iterdir()) == []
