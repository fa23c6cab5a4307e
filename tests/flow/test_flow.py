"""The flow: its numbers against whole gradients, its words, its picture."""

from collections import Counter
from contextlib import nullcontext
from functools import partial
from itertools import pairwise

import numpy as np
import pytest

import tinygrad_mo as tg
from random_programs import random_model
from tinygrad_mo.flow import Flow, charts, curves
from tinygrad_mo.flow import layout as layouts
from tinygrad_mo.flow.folded import folded
from tinygrad_mo.flow.frames import measures
from tinygrad_mo.flow.layout import MARGIN, make_layout
from tinygrad_mo.flow.measures import Measure, factor, factor_on_gpu, lengths, triangle
from tinygrad_mo.flow.page import graph_of
from tinygrad_mo.flow.ratios import update_ratios
from tinygrad_mo.flow.words import verdict

random = np.random.default_rng(0)
WEIGHTS = {"main_output": 1.0, "aux_output": 0.2}


def two_branches():
    """The headlines network, small, in float64."""
    random = np.random.default_rng(3)
    tg.set_random_seed(1)
    with tg.use(floatx="float64"):
        text = tg.Input((6,), dtype="int32", name="main_input")
        h = tg.layers.LSTM(4, name="lstm")(tg.layers.Embedding(9, 5, name="embedding")(text))
        aux = tg.layers.Dense(1, activation="sigmoid", name="aux_output")(h)
        extra = tg.Input((3,), name="aux_input")
        x = tg.layers.concatenate([h, extra], name="concatenate")
        x = tg.layers.Dense(6, activation="tanh", name="dense")(x)
        main = tg.layers.Dense(1, activation="sigmoid", name="main_output")(x)
        model = tg.Model([text, extra], [main, aux])
        model.compile("sgd", "binary_crossentropy", loss_weights=WEIGHTS)
    labels = random.integers(0, 2, 8) * 1.0
    return model, ([random.integers(0, 9, (8, 6)), random.normal(size=(8, 3))], [labels, labels])


def siamese():
    """One LSTM called on two inputs."""
    random = np.random.default_rng(4)
    tg.set_random_seed(2)
    with tg.use(floatx="float64"):
        left, right = tg.Input((5, 3), name="left"), tg.Input((5, 3), name="right")
        shared = tg.layers.LSTM(4, name="lstm")
        x = tg.layers.concatenate([shared(left), shared(right)])
        model = tg.Model([left, right], tg.layers.Dense(1, name="score")(x))
        model.compile("sgd", "mse")
    return model, (list(random.normal(size=(2, 7, 5, 3))), random.normal(size=7))


def training_gradients(model, data, weights):
    plan = model.training_plan()
    found = plan.backward(plan.forward(model.labelled_data(*data)), weights)
    return {name: found[w][0] for name, w in model.named_weights().items()}


@pytest.mark.medium
@pytest.mark.parametrize("weights", random.normal(size=(4, 2)))
def test_total_is_the_length_of_the_training_gradient(weights):
    model, data = two_branches()
    flow = model.gradient_flow(*data)
    for name, gradient in training_gradients(model, data, weights).items():
        expected = float(np.linalg.norm(gradient))
        chosen = dict(zip(flow.losses, weights, strict=True))
        assert flow.total(name, chosen) == pytest.approx(expected, rel=1e-12)


def test_arrays_agree_with_their_measures():
    model, data = two_branches()
    flow = model.gradient_flow(*data, keep_arrays=True)
    kept = [*flow.parameters, *((wire.source, wire.target) for wire in flow.wires)]
    for what in kept:
        measure = flow.measure(what)
        for loss in flow.losses:
            gradient = flow.gradient(loss, what)
            assert (gradient is not None) == flow.reaches(loss, what)
            if gradient is not None:
                assert np.linalg.norm(gradient) == pytest.approx(flow.norm(loss, what), rel=1e-12)
        if all(measure.reach):
            main, aux = (flow.gradient(loss, what).ravel() for loss in flow.losses)
            cosine = main @ aux / np.linalg.norm(main) / np.linalg.norm(aux)
            assert flow.cosine(what, "main_output", "aux_output") == pytest.approx(cosine)


def test_gradients_at_a_fork_add_up():
    """Kirchhoff: what comes back on the wires of one tensor is that tensor's gradient."""
    model, data = two_branches()
    flow = model.gradient_flow(*data, keep_arrays=True)
    to_main = flow.gradient("main_output", ("lstm", "concatenate"))
    to_aux = flow.gradient("aux_output", ("lstm", "aux_output"))
    plan = tg.Plan(
        [term.value for term in model.objective.terms.values()],
        [model.nodes.maker(model.outputs["aux_output"]).inputs[0]],
    )
    whole = plan.backward(plan.forward(model.labelled_data(*data)), [1.0, 1.0])
    expected = next(iter(whole.values()))[0]
    np.testing.assert_allclose(to_main + to_aux, expected, rtol=1e-12, atol=1e-15)


def test_no_path_is_not_a_path_with_gradient_zero():
    with tg.use(floatx="float64"):
        x = tg.Input((2,), name="x")
        dead = tg.layers.Dense(3, activation="relu", bias_initializer=minus_ten, name="dead")(x)
        alive = tg.layers.Dense(3, name="alive")(x)
        outputs = [tg.layers.Dense(1, name="a")(dead), tg.layers.Dense(1, name="b")(alive)]
        model = tg.Model(x, outputs)
        model.compile("sgd", "mse")
    flow = model.gradient_flow(np.ones((4, 2)), [np.ones(4)] * 2)
    assert flow.norm("a", "dead") == 0 and flow.reaches("a", "dead")
    assert flow.norm("b", "dead") == 0 and not flow.reaches("b", "dead")
    assert "a only" in flow.table() and "-" in flow.table()


def minus_ten(shape, generator):
    return np.full(shape, -10.0)


def test_calls_of_a_shared_layer_add_up_to_its_gradient():
    model, data = siamese()
    flow = model.gradient_flow(*data, keep_arrays=True)
    assert {node for _, node in flow.uses} >= {"lstm", "lstm:1"}
    for name in ("lstm/kernel", "lstm/recurrent_kernel", "lstm/bias"):
        first, second = (flow.gradient("score", (name, node)) for node in ("lstm", "lstm:1"))
        assert first + second == pytest.approx(flow.gradient("score", name), rel=1e-12, abs=1e-15)
        assert flow.norm("score", (name, "lstm:1")) == pytest.approx(np.linalg.norm(second))


def test_a_tensor_used_twice_by_one_node_is_measured_once():
    class Cube(tg.layers.Layer):
        def call(self, x):
            return x * x * x

    with tg.use(floatx="float64"):
        x = tg.Input((2,), name="x")
        h = tg.layers.Dense(2, name="h")(x)
        model = tg.Model(x, Cube(name="cube")(h))
        model.compile("sgd", "mse")
    data = random.normal(size=(3, 2)), random.normal(size=(3, 2))
    flow = model.gradient_flow(*data, keep_arrays=True)
    value = model.get_layer("h")(tg.Tensor(data[0], dtype="float64")).numpy()
    expected = 2 * (value**3 - data[1]) / data[1].size * 3 * value**2
    assert flow.gradient("cube", ("h", "cube")) == pytest.approx(expected)


def test_factor_stays_exact_where_losses_nearly_cancel():
    a = random.normal(size=1000)
    noise = 1e-5 * random.normal(size=1000)
    measure = Measure.of(np.stack([a, noise - a]), (0, 1), 2)
    assert measure.total([1, 1]) == pytest.approx(np.linalg.norm(noise), rel=1e-9)


def test_factor_is_the_same_in_blocks(monkeypatch):
    rows = random.normal(size=(3, 1000))
    rows[:, 200:800] = 0
    whole = triangle(rows)
    monkeypatch.setattr("tinygrad_mo.flow.measures.BLOCK", 64)
    assert triangle(rows).T @ triangle(rows) == pytest.approx(whole.T @ whole)
    assert whole.T @ whole == pytest.approx(rows @ rows.T)


def test_layers_fold_their_weights():
    model, data = two_branches()
    flow = model.gradient_flow(*data)
    parts = [flow.total(f"lstm/{name}") for name in ("kernel", "recurrent_kernel", "bias")]
    assert flow.total("lstm") == pytest.approx(np.linalg.norm(parts))


@pytest.mark.medium
def test_forecast_is_what_a_small_sgd_step_does():
    model, data = two_branches()
    rate = 1e-4
    model.compile(tg.optimizers.SGD(rate), "binary_crossentropy", loss_weights=WEIGHTS)
    forecast = model.gradient_flow(*data).forecast()
    before = model.evaluate(*data, return_dict=True)
    model.train_on_batch(*data)
    after = model.evaluate(*data, return_dict=True)
    for name, slope in forecast.items():
        change = after[f"{name}_loss"] - before[f"{name}_loss"]
        assert change == pytest.approx(rate * slope, rel=1e-3)


def test_frozen_layers_do_not_move_in_the_forecast():
    model, data = two_branches()
    free = model.gradient_flow(*data).forecast()
    model.get_layer("embedding").trainable = False
    flow = model.gradient_flow(*data)
    assert flow.frozen == {"embedding/embeddings"}
    assert abs(flow.forecast()["main_output"]) < abs(free["main_output"])
    assert "embedding/embeddings (frozen)" in flow.table()


def test_regularization_is_a_loss_of_its_own():
    with tg.use(floatx="float64"):
        x = tg.Input((2,), name="x")
        model = tg.Model(x, tg.layers.Dense(1, kernel_regularizer="l2", name="y")(x))
        model.compile("sgd", "mse")
    flow = model.gradient_flow(np.ones((4, 2)), np.ones(4))
    kernel = model.get_layer("y").kernel.numpy()
    assert flow.losses == ["y", "regularization"]
    assert flow.norm("regularization", "y/kernel") == pytest.approx(0.02 * np.linalg.norm(kernel))
    assert not flow.reaches("regularization", "y/bias")


def test_report_names_who_trains_what():
    model, data = two_branches()
    text = model.gradient_flow(*data).report()
    assert "main_output (now 0.6" in text
    assert "trains embedding, lstm, dense and main_output." in text
    assert "There is no path from it to dense and main_output" in text
    assert "lstm is pulled by 2 losses: " in text
    assert text.count("lower ") + text.count("raise ") == 2


@pytest.mark.parametrize(
    ("weights", "word"),
    [
        ((1, 1), "conflict -1.00"),
        ((1, -1), "agree +1.00"),
        ((0, 1), "aux, main off"),
        ((0, 0), "main, aux off"),
    ],
)
def test_verdicts_follow_the_weights(weights, word):
    opposed = Measure.of(np.array([[1.0, 0.0], [-2.0, 0.0]]), (0, 1), 2)
    assert verdict(opposed, weights, ["main", "aux"]) == word


def test_a_verdict_says_whose_gradient_is_0():
    for rows, word in (
        ([[0.0, 0.0], [1.0, 2.0]], "aux, 0 from main"),
        ([[1.0, 2.0], [0.0, 0.0]], "main, 0 from aux"),
        ([[0.0, 0.0], [0.0, 0.0]], "gradient is 0"),
    ):
        measure = Measure.of(np.array(rows), (0, 1), 2)
        assert verdict(measure, (1, 1), ["main", "aux"]) == word


def test_unknown_names_are_explained():
    flow = two_branches()[0].gradient_flow(*two_branches()[1])
    with pytest.raises(KeyError, match="did you mean 'lstm/kernel'"):
        flow.norm("main_output", "lstm/kernl")
    with pytest.raises(KeyError, match="did you mean 'aux_output'"):
        flow.norm("aux_ouput", "lstm/kernel")
    with pytest.raises(KeyError, match="no wire or use"):
        flow.norm("aux_output", ("lstm", "dense"))
    with pytest.raises(KeyError, match="keep_arrays=True"):
        flow.gradient("aux_output", "lstm/kernel")


@pytest.mark.medium
def test_recorder_measures_during_fit():
    model, (x, y) = two_branches()
    recorder = tg.FlowRecorder(every=2)
    model.fit(x, y, batch_size=2, epochs=2, verbose=0, callbacks=[recorder])
    assert [flow.step for flow in recorder.flows] == [0, 2, 4, 6]
    fixed = tg.FlowRecorder(every=4, data=(x, y))
    model.fit(x, y, batch_size=2, epochs=1, verbose=0, callbacks=[fixed])
    assert fixed.flows[0].step == 8


@pytest.mark.medium
def test_a_recorder_is_for_one_training():
    model, (x, y) = two_branches()
    recorder = tg.FlowRecorder(every=1)
    fit = partial(model.fit, x, y, batch_size=4, verbose=0, callbacks=[recorder])
    fit()
    fit()
    assert [flow.step for flow in recorder.flows] == [0, 1, 2, 3]
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match="flows of another training, up to step 3, and this one"):
        fit()
    assert model.step == 0 and len(recorder.flows) == 4


@pytest.mark.medium
def test_a_step_that_an_error_stopped_is_recorded_once():
    class Stop(tg.callbacks.Callback):
        phase = "look"

        def on_train_batch_begin(self, step, batch):
            if step == 1:
                raise InterruptedError

    model, (x, y) = two_branches()
    recorder = tg.FlowRecorder(every=1)
    with pytest.raises(InterruptedError):
        model.fit(x, y, batch_size=4, verbose=0, callbacks=[recorder, Stop()])
    assert [flow.step for flow in recorder.flows] == [0, 1]
    model.fit(x, y, batch_size=4, verbose=0, callbacks=[recorder])
    assert [flow.step for flow in recorder.flows] == [0, 1, 2]


def test_a_sequence_is_shown_where_a_recurrent_op_reads_the_tensor_itself():
    class Turned(tg.layers.Layer):
        def make_weights(self, shape):
            self.lstm = tg.layers.LSTM(3, name="lstm")

        def call(self, x):
            return self.lstm(x if self.name == "plain" else tg.ops.transpose(x, axes=(0, 2, 1)))

    x = tg.Input((7, 2), name="x")
    lasts = [Turned(name=name)(x) for name in ("plain", "turned")]
    lasts.append(tg.layers.GRU(3, name="backwards", go_backwards=True)(x))
    lasts.append(tg.layers.Bidirectional(tg.layers.LSTM(3), name="both")(x))
    model = tg.Model(x, [tg.layers.Dense(1)(h) for h in lasts])
    model.compile("sgd", "mse")
    flow = model.gradient_flow(np.ones((2, 7, 2)), [np.ones((2, 1))] * 4)
    assert {ends: norms.shape for ends, norms in flow.over_time.items()} == {
        ("x", name): (4, 7) for name in ("plain", "backwards", "both")
    }


@pytest.mark.medium
def test_recording_changes_nothing():
    (plain, data), (watched, _) = two_branches(), two_branches()
    plain.fit(*data, batch_size=4, verbose=0)
    watched.fit(*data, batch_size=4, verbose=0, callbacks=[tg.FlowRecorder(every=1)])
    for a, b in zip(plain.get_weights(), watched.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.mark.medium
def test_weight_of_the_auxiliary_loss_scales_what_it_should():
    model, data = two_branches()
    before, after = {"aux_output": 0.2}, {"aux_output": 2.0}
    sgd = update_ratios(model, *data, "sgd", before, after)
    assert sgd["aux_output"] == pytest.approx(10, abs=1e-10)
    assert sgd["dense"] == sgd["main_output"] == 1.0
    assert 1 < sgd["lstm"] < 10 and 1 < sgd["embedding"] < 10
    adam = update_ratios(model, *data, "adam", before, after)
    assert 1.0 <= adam["aux_output"] <= 1.07


@pytest.mark.parametrize(
    ("optimizer", "before", "error", "words"),
    [
        ("sgd", {"aux": 1.0}, ValueError, "before: there is no loss 'aux'; did you mean 'aux_outp"),
        ("sgd", {"aux_output": "1"}, TypeError, "before: that of 'aux_output' must be a number"),
        ("sgd", 0.5, TypeError, "before must be a dict by name, not 0.5"),
        (tg.optimizers.Adam(), {}, TypeError, "this Adam keeps what it has seen"),
        (lambda: KEPT, {}, TypeError, "this SGD keeps what it has seen"),
    ],
)
def test_both_steps_are_of_known_losses_and_fresh_optimizers(optimizer, before, error, words):
    model, data = two_branches()
    weights = model.get_weights()
    with pytest.raises(error, match=f"update_ratios: .*{words}"):
        update_ratios(model, *data, optimizer, before, {})
    assert all(map(np.array_equal, weights, model.get_weights()))


KEPT = tg.optimizers.SGD(0.01, momentum=0.9)


def test_a_gradient_that_vanishes_in_a_sequence_is_measured_to_its_end():
    """Each step back takes nine tenths of it away; at 0, tanh passes all on."""
    with tg.use(floatx="float64"):
        x = tg.Input((250, 1), name="x")
        model = tg.Model(x, tg.layers.SimpleRNN(1, name="rnn")(x))
        model.compile("sgd", "mse")
    model.set_weights([np.ones((1, 1)), np.full((1, 1), 0.1), np.zeros(1)])
    flow = model.gradient_flow(np.zeros((1, 250, 1)), np.full((1, 1), -0.5))
    (norms,) = flow.over_time["x", "rnn"]
    assert norms == pytest.approx(0.1 ** np.arange(249.0, -1, -1), rel=1e-9)


def test_whether_it_trains_is_true_or_false():
    model, data = two_branches()
    for name in ("training", "keep_arrays"):
        with pytest.raises(
            TypeError, match=f"gradient_flow: {name} must be True or False, not 'no'"
        ):
            model.gradient_flow(*data, **{name: "no"})


@pytest.mark.one_in(5, rest="medium")
@pytest.mark.parametrize("seed", range(8))
def test_at_a_fork_the_gradients_of_all_uses_are_added_as_vectors(seed, float64, tmp_path):
    """In random models: the whole is the sum of the arrays that arrive on the wires."""
    tg.set_random_seed(seed)
    model, data = random_model(seed)
    flow = model.gradient_flow(*data, keep_arrays=True)
    users = Counter(wire.number for wire in flow.wires)
    assert set(flow.forks) == {number for number, count in users.items() if count > 1}
    for number, fork in flow.forks.items():
        for k, loss in enumerate(flow.losses):
            arrived = []
            for place, wire in enumerate(flow.wires):
                if wire.number == number and wire.measure.reach[k]:
                    ends = (wire.source, wire.target)
                    beside = [w for w in flow.wires[:place] if (w.source, w.target) == ends]
                    arrived.append(flow.gradient(loss, (*ends, len(beside))))
            assert fork.reach[k] == bool(arrived)
            whole = np.linalg.norm(sum(arrived)) if arrived else 0.0
            assert fork.norm(k) == pytest.approx(whole, rel=1e-9, abs=1e-12)
    flow.save(tmp_path / "one.flow")
    assert Flow.load(tmp_path / "one.flow").forks == flow.forks


def test_a_layer_has_the_name_by_which_its_weights_are_called():
    """Whichever of its calls the sweep meets first: here the one within another model."""
    z, w = tg.Input((3,)), tg.Input((3,))
    inner = tg.Model(z, tg.layers.Dense(3)(z), name="inner")
    outer = tg.Model(w, inner(w * 2.0), name="outer")
    x = tg.Input((3,), name="x")
    u, v = outer(x), inner(x)
    ends = {"silent": v, "a": tg.layers.Dense(1)(u), "b": tg.layers.Dense(1)(v)}
    model = tg.Model(x, ends)
    model.compile("sgd", {"a": "mse", "b": "mse"})
    flow = model.gradient_flow(np.eye(3), {"a": np.ones(3), "b": np.ones(3)})
    assert "inner/dense/kernel" in flow.parameters
    assert [node.name for node in flow.nodes if node.layer == "inner/dense"] == [
        "outer/inner/dense",
        "inner/dense",
    ]
    for line in flow.report().splitlines()[2:4]:
        assert " trains inner/dense and " in line
    assert flow.norm("a", "inner/dense") > 0
    with pytest.raises(ValueError, match="ask for the whole layer, 'inner/dense'"):
        flow.norm("a", "outer/inner/dense")


def overlaps(a, b):
    return abs(a.x - b.x) * 2 < a.width + b.width and abs(a.y - b.y) * 2 < a.height + b.height


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize("make", [two_branches, siamese])
@pytest.mark.parametrize("missing", [False, True])
def test_cards_do_not_overlap_and_data_runs_to_the_right(make, missing, monkeypatch):
    if missing:
        monkeypatch.setattr(layouts, "find_spec", lambda name: None)
    model, data = make()
    flow = model.gradient_flow(*data)
    layout = make_layout(flow)
    cards = list(layout.cards.values())
    assert not any(overlaps(a, b) for i, a in enumerate(cards) for b in cards[:i])
    for path in layout.paths:
        assert all(x0 < x1 for (x0, _), (x1, _) in pairwise(path))
    for path in layout.paths:
        for x, y in path[1:-1]:
            assert not any(
                abs(x - c.x) * 2 < c.width and abs(y - c.y) * 2 < c.height for c in cards
            )
    right = max(c.x + c.width / 2 for c in cards)
    low = max(max(c.y + c.height / 2 for c in cards), *(y for p in layout.paths for _, y in p))
    assert (layout.width, layout.height) == pytest.approx((right + MARGIN, low + MARGIN))
    assert all(c.x - c.width / 2 >= 0 and c.y - c.height / 2 >= 0 for c in cards)


@pytest.mark.parametrize("missing", [False, True])
def test_a_loss_without_wires_stands_on_no_other_card(missing, monkeypatch):
    """dot would put what nobody points to into the first column, and its height beside that."""
    if missing:
        monkeypatch.setattr(layouts, "find_spec", lambda name: None)
    x = tg.Input((3,), name="x")
    trunk = tg.layers.Dense(4, name="trunk", kernel_regularizer="l2")(x)
    near = tg.layers.Dense(1, name="near")(trunk)
    far = tg.layers.Dense(1, name="far")(tg.layers.Dense(4)(trunk))
    model = tg.Model(x, [far, near])
    model.compile("sgd", "mse")
    layout = make_layout(model.gradient_flow(np.ones((2, 3)), [np.ones(2)] * 2))
    losses = [card for card in layout.cards.values() if card.kind == "loss"]
    assert [card.node.name for card in losses] == ["far_loss", "near_loss", "regularization"]
    assert len({card.column for card in losses}) == 1
    assert not any(overlaps(a, b) for i, a in enumerate(losses) for b in losses[:i])


def test_columns_run_from_inputs_to_losses():
    kinds = {"x": "input", "late": "input", "unused": "input", "trunk": "layer", "head": "layer"}
    kinds |= {"end": "layer", "near_loss": "loss", "end_loss": "loss"}
    wires = [("x", "trunk"), ("trunk", "head"), ("late", "head"), ("late", "end")]
    wires += [("head", "end"), ("end", "end_loss"), ("trunk", "near_loss")]
    columns = {"x": 0, "unused": 0, "trunk": 1, "late": 1, "head": 2, "end": 3}
    assert layouts.find_columns(kinds, wires) == columns | {"near_loss": 4, "end_loss": 4}
    assert layouts.find_columns({"alone": "layer"}, []) == {"alone": 0}


def test_without_dot_wires_are_straight_and_do_not_cross():
    sizes = dict.fromkeys(("x", "a", "b", "p", "q"), (100.0, 40.0))
    columns = {"x": 0, "a": 1, "b": 1, "p": 3, "q": 3}
    wires = [("x", "a"), ("x", "b"), ("a", "q"), ("b", "p")]
    chains = [layouts.waypoints(i, *wire, columns) for i, wire in enumerate(wires)]
    y = layouts.heights_from_order(sizes, columns, chains)
    assert y["x"] == pytest.approx((y["a"] + y["b"]) / 2)
    for chain in chains[2:]:
        assert [y[name] for name in chain] == pytest.approx([y[chain[0]]] * 3)
    assert abs(y["a"] - y["b"]) == pytest.approx(40 + layouts.GAP)


def test_without_dot_things_stand_in_the_middle_of_what_they_are_wired_to_on_either_side():
    sizes = dict.fromkeys(("z", "x", "a", "b", "c", "end"), (100.0, 40.0))
    columns = {"z": 0, "x": 0, "a": 1, "b": 1, "c": 1, "end": 2}
    wires = [("x", "a"), ("x", "b"), ("z", "c"), ("c", "end")]
    chains = [layouts.waypoints(i, *wire, columns) for i, wire in enumerate(wires)]
    y = layouts.heights_from_order(sizes, columns, chains)
    assert y["x"] == pytest.approx((y["a"] + y["b"]) / 2)
    assert y["z"] == pytest.approx(y["c"]) == pytest.approx(y["end"])


@pytest.mark.parametrize(
    ("wishes", "heights"),
    [
        ([0.0, 100.0, 200.0], [0, 100, 200]),  # there is room
        ([5.0, 5.0, 5.0], [-31, 5, 41]),
        ([3.0, 9.0, 100.0], [-12, 24, 100]),  # the mean of the first two stays 6
        ([9.0, 3.0, 45.0], [-17, 19, 55]),  # and of all three, 19
    ],
)
def test_what_would_overlap_is_moved_together(wishes, heights):
    names, height = ["a", "b", "c"], {"c": 10.0, "b": 10.0, "a": 10.0}
    found = layouts.stacked(names, height, dict(zip(names, wishes, strict=True)))
    assert found == pytest.approx(dict(zip(names, heights, strict=True)))


def test_twins_stand_in_the_order_of_the_flow():
    """However their columns have been found."""
    sizes = dict.fromkeys(("x", "a", "b", "c"), (100.0, 40.0))
    columns = {"x": 0, "a": 1, "b": 1, "c": 1}
    wires = [("x", name) for name in "abc"]
    places = layouts.arrange(sizes, wires, columns)
    assert layouts.arrange(sizes, wires, dict(reversed(columns.items()))) == places
    heights = [places.centres[name][1] for name in "abc"]
    assert heights == sorted(heights)


@pytest.mark.medium
def test_a_folded_flow_keeps_the_weights_of_its_cards():
    h = x = tg.Input((2,))
    for _ in range(60):
        h = tg.layers.Dense(2)(h)
    model = tg.Model(x, tg.layers.Dense(1)(h))
    model.compile("sgd", "mse")
    flow = model.gradient_flow(np.ones((2, 2)), np.ones(2))
    shown = folded(flow)
    assert len(shown.nodes) < len(flow.nodes) and list(shown.parameters) == list(flow.parameters)


def test_the_page_numbers_what_was_measured():
    model, data = siamese()
    flow = model.gradient_flow(*data)
    made, measured = graph_of(flow), list(measures(flow))
    names, arrays = [node.name for node in flow.nodes], list(flow.parameters)
    assert [node["name"] for node in made["nodes"]] == names
    for source, target, tensor, number in made["wires"]:
        assert measured[number] == ("wire", names[source], names[target], tensor)
    for weight, node, number in made["uses"]:
        assert measured[number] == ("use", arrays[weight], names[node])
    for tensor, number in made["forks"]:
        assert measured[number] == ("fork", tensor)
    counts = Counter(what[0] for what in measured)
    for kind in ("wire", "use", "fork", "bundle"):
        assert len(made[f"{kind}s"]) == counts[kind], kind
    assert counts["wire"] and counts["use"]


def test_a_chart_is_asked_for_as_it_was(monkeypatch):
    """What it draws is tested in test_charts.py."""
    model, data = siamese()
    flow = model.gradient_flow(*data)
    monkeypatch.setattr("tinygrad_mo.flow.flow.any_script", lambda flow: nullcontext())
    for room, chart, given in (
        (charts, "bars", {"by": "layer"}),
        (charts, "heat_map", {"by": "layer"}),
        (curves, "over_sequence", {"wire": ("lstm", "score")}),
        (curves, "by_depth", {}),
    ):
        monkeypatch.setattr(room, chart, lambda *asked: asked)
        assert getattr(flow, chart)("axes", **given) == (flow, "axes", *given.values())


def test_names_never_reach_the_layout_language():
    with tg.use(floatx="float64"):
        x = tg.Input((2,), name='a"]; b')
        model = tg.Model(x, tg.layers.Dense(1, name="<b>{|}\\N")(x))
        model.compile("sgd", "mse")
    layout = make_layout(model.gradient_flow(np.ones((2, 2)), np.ones(2)))
    assert len(layout.cards) == 3


@pytest.mark.slow
def test_figure_has_a_row_per_loss_and_one_for_all(tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    model, data = two_branches()
    flow = model.gradient_flow(*data)
    figure = flow.figure(str(tmp_path / "flow.png"))
    assert (tmp_path / "flow.png").stat().st_size > 10_000
    words = [text.get_text() for axes in figure.axes for text in axes.texts]
    for row in ("main alone", "aux alone", "added together:   L = 1 × main + 0.2 × aux"):
        assert row in words
    assert words.count("dense") == 3
    renderer = figure.canvas.get_renderer()
    layout = make_layout(flow)
    widest = max(card.width for card in layout.cards.values())
    for axes in figure.axes[2::2]:  # the drawings between the titles
        for text in axes.texts:
            box = text.get_window_extent(renderer)
            assert box.width * 96 / figure.dpi < widest, text.get_text()
    matplotlib.pyplot.close(figure)


@pytest.mark.medium
def test_a_dollar_sign_in_a_name_is_no_formula(tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    x = tg.Input((2,), name="x")
    model = tg.Model(x, tg.layers.Dense(1, name="_$\\frac_0$")(x))
    model.compile("sgd", "mse")
    figure = model.gradient_flow(np.ones((2, 2)), np.ones(2)).figure(str(tmp_path / "a.png"))
    assert any("frac" in text.get_text() for axes in figure.axes for text in axes.texts)
    matplotlib.pyplot.close(figure)


def test_a_batch_without_samples_has_no_flow():
    x = tg.Input((3,), name="x")
    model = tg.Model(x, tg.layers.Dense(1, name="y")(x))
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="no samples, so that there is no gradient to measure"):
        model.gradient_flow(np.ones((0, 3)), np.ones((0, 1)))


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize("apart", [1.0, 1e-1, 1e-3, 1e-6, 1e-12])
@pytest.mark.parametrize("size", [1.0, 1e-150, 1e170])
def test_the_factor_is_exact_however_near_columns_are(apart, size):
    random = np.random.default_rng(0)
    first, other = random.standard_normal((2, 20_000))
    columns = size * np.stack([first, first + apart * other, random.standard_normal(20_000)])
    found, right = (
        np.sign(np.diagonal(r))[:, None] * r for r in (factor(columns), triangle(columns))
    )
    digits = 1e-14 / apart  # none that follows from a difference of two columns has more
    np.testing.assert_allclose(found, right, rtol=0, atol=digits * np.abs(right).max())
    np.testing.assert_allclose(np.linalg.norm(found / size, axis=0) * size, lengths(columns, (1,)))
    gap = found @ [1.0, -1.0, 0.0]  # how far apart the first two are, exactly
    assert np.linalg.norm(gap / size) == pytest.approx(apart * np.linalg.norm(other), rel=1e-3)


def test_the_factor_of_a_gpu_keeps_what_is_not_finite_to_its_column():
    columns = np.array([[1.0, 2.0, 2.0], [1.0, np.inf, 0.0], [2.0, 0.0, 1.0], [np.nan, 0.0, 0.0]])
    found = factor_on_gpu(columns)
    gram = columns[[0, 2]] @ columns[[0, 2]].T
    np.testing.assert_allclose(found[:, [0, 2]].T @ found[:, [0, 2]], gram, rtol=1e-14)
    assert np.isnan(found[:, [1, 3]]).all()


def test_columns_of_zeros_and_parallel_ones_are_factored_like_others():
    rows = np.random.default_rng(0).standard_normal((5, 20_000)).astype("float32")
    rows[1] = 0
    rows[3] = 2 * rows[0]
    rows[4] = rows[0] - rows[2]
    found = factor(rows)
    assert found.T @ found == pytest.approx(rows.astype(float) @ rows.T.astype(float), abs=1e-9)
    assert np.array_equal(found, np.triu(found))
    assert np.linalg.norm(found @ [2.0, 0, 0, -1.0, 0]) < 1e-12
    assert np.linalg.norm(found @ [1.0, 0, -1.0, 0, -1.0]) < 2e-5  # rows[4] is rounded
    assert not factor(rows[1:2]).any()
