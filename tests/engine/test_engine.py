"""The laws of the backward sweep."""

import copy
import gc
import pickle
import weakref
from contextlib import contextmanager

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers
from tinygrad_mo.device import to_numpy
from tinygrad_mo.engine.eager import recorded_tape
from tinygrad_mo.engine.plan import Plan
from zoo import ZOO, headline

each_model = pytest.mark.parametrize("build", ZOO.values(), ids=list(ZOO))
pytestmark = pytest.mark.usefixtures("float64")


def close(a, b, tolerance=1e-12):
    a, b = to_numpy(a), to_numpy(b)
    scale = max(np.abs(a).max(initial=0), np.abs(b).max(initial=0), 1e-300)
    return np.shape(a) == np.shape(b) and np.abs(np.subtract(a, b)).max(initial=0) <= (
        tolerance * scale
    )


def tensor(*shape):
    return tg.Tensor(np.random.default_rng(len(shape)).standard_normal(shape))


def taped(build, training=True):
    """A zoo model's training plan and a tape of it."""
    model, x, y = build()
    plan = model.training_plan()
    return model, plan, plan.forward(model.labelled_data(x, y), training=training)


def swept(plan, tape, seeds, per_loss):
    """The gradients of a sweep, and what it recorded: {(step, position): (rows, losses)}."""
    edges = {}

    def record(step, position, gradient, losses):
        assert (step, position) not in edges
        edges[step, position] = gradient, losses

    found = plan.backward(tape, seeds, per_loss=per_loss, record=record)
    return found, edges


def mixed(rows, losses, weights):
    """The weighted sum of per-loss rows, as one row."""
    return sum(weights[k] * row for k, row in zip(losses, rows, strict=True))[None]


@pytest.mark.medium
@each_model
def test_weighted_rows_add_up_to_the_training_gradient_everywhere(build):
    model, plan, tape = taped(build)
    weights = list(model.loss_weights.values())
    whole, whole_edges = swept(plan, tape, weights, per_loss=False)
    apart, apart_edges = swept(plan, tape, [1.0] * len(weights), per_loss=True)
    assert whole_edges.keys() == apart_edges.keys()
    for edge, (gradient, _) in whole_edges.items():
        assert close(mixed(*apart_edges[edge], weights), gradient), plan.steps[edge[0]].describe()
    for w in plan.wrt:
        assert close(mixed(apart[w], plan.reaches(w), weights), whole[w]), w


@pytest.mark.medium
@each_model
def test_a_sweep_of_each_loss_alone_gives_its_row(build):
    _, plan, tape = taped(build)
    apart = plan.backward(tape, [1.0] * len(plan.losses), per_loss=True)
    for k in range(len(plan.losses)):
        alone = plan.backward(tape, [float(i == k) for i in range(len(plan.losses))])
        for w in plan.wrt:
            if k in plan.reaches(w):
                assert close(apart[w][plan.reaches(w).index(k)], alone[w][0])
            else:
                assert not alone[w].any()


@pytest.mark.medium
@each_model
def test_sweeping_one_tape_twice_gives_identical_bits(build):
    _, plan, tape = taped(build)
    for per_loss in (False, True):
        first, again = (
            plan.backward(tape, [1.0] * len(plan.losses), per_loss=per_loss) for _ in range(2)
        )
        assert all(first[w].tobytes() == again[w].tobytes() for w in plan.wrt)


@pytest.mark.medium
@each_model
def test_a_float32_model_has_float32_gradients_everywhere(build):
    with tg.use(floatx="float32"):
        _, plan, tape = taped(build)
    found, edges = swept(plan, tape, [1.0] * len(plan.losses), per_loss=True)
    assert {g.dtype for g in found.values()} == {np.dtype("float32")}
    wide = [plan.steps[n].describe() for (n, _), (g, _) in edges.items() if g.dtype != np.float32]
    assert wide == []


@pytest.mark.one_in(12, rest="medium")
@each_model
def test_edges_that_leave_a_tensor_add_up_to_its_gradient(build):
    """Kirchhoff's law, for every tensor of the model."""
    model, x, y = build()
    losses = [term.value for term in model.objective.terms.values()]
    inner = {t.key: t for step in model.training_plan().steps for t in step.inputs if t is not None}
    floats = [t for t in inner.values() if np.dtype(t.dtype).kind == "f"]
    plan = Plan(losses, floats)
    tape = plan.forward(model.labelled_data(x, y), training=True)
    found, edges = swept(plan, tape, [1.0] * len(losses), per_loss=True)
    arrived = {}
    for (n, position), (rows, reached) in edges.items():
        for k, row in zip(reached, rows, strict=True):
            key = plan.inputs[n][position], k
            arrived[key] = arrived.get(key, 0) + row
    for t in floats:
        for k, row in zip(plan.reaches(t), found[t] if plan.reaches(t) else [], strict=True):
            if t not in losses:
                assert close(arrived[plan.slots[t.key], k], row), t


@pytest.mark.medium
def test_every_layer_lives_in_the_zoo():
    def kinds(layer):
        return {type(layer)}.union(*map(kinds, layer.sublayers))

    bases = {layers.Layer, layers.Merge}
    known = {kind for kind in vars(layers).values() if isinstance(kind, type)}
    shown = set().union(*(kinds(build()[0]) for build in ZOO.values()))
    assert known - bases - shown == set()


def test_add_hands_every_branch_the_same_and_concatenate_cuts():
    """Through Concatenate squared norms add up (Pythagoras)."""
    branches = [tensor(3, 2), tensor(3, 2) * 2, tensor(3, 2) - 1]
    weights = tensor(3, 2)
    total = (layers.add(branches) * weights).sum()
    assert all((g == weights.value).all() for g in tg.gradients(total, branches))

    joined = layers.concatenate(branches)
    loss = (joined * joined * joined).sum()
    whole, *parts = tg.gradients(loss, [joined, *branches])
    squares = [float((part**2).sum()) for part in parts]
    assert sum(squares) == pytest.approx(float((whole**2).sum()), rel=1e-14)


def test_no_path_is_none_and_a_dead_relu_is_zero():
    x, off, dead = tg.Tensor([1.0, 2.0]), tg.Tensor([1.0]), tg.Tensor([-1.0])
    loss = x.sum() + tg.ops.relu(dead).sum()
    g_off, g_dead = tg.gradients(loss, [off, dead])
    assert g_off is None
    assert g_dead.tolist() == [0.0]


def test_labels_and_ids_have_no_gradient():
    ids, table = tg.Tensor([0, 1]), tensor(3, 2)
    loss = tg.ops.embedding(ids, table).sum()
    assert tg.gradients(loss, table).tolist() == [[1, 1], [1, 1], [0, 0]]
    with pytest.raises(TypeError, match=r"whole numbers .int64., which have no gradient"):
        tg.gradients(loss, ids)


def test_the_gradient_of_an_inner_tensor():
    x = tensor(3)
    h = x * x
    loss = (h * 5).sum() + h.sum()
    assert tg.gradients(loss, h).tolist() == [6, 6, 6]
    assert close(tg.gradients(loss, x), 12 * x.value)


def test_the_gradient_of_a_loss_in_itself_is_its_seed():
    loss = tensor(3).sum()
    assert tg.gradients(loss, loss) == 1
    assert tg.gradients(loss, loss, 0.25) == 0.25


def test_seeds_are_weights_or_arrays_of_the_loss_shape():
    x = tensor(2, 3)
    y = x * x
    seed = np.arange(6.0).reshape(2, 3)
    assert close(tg.gradients(y, x, seed), 2 * x.value * seed)
    assert close(tg.gradients([y.sum()], x, [0.5]), x.value)
    assert close(tg.gradients([y, x.sum()], x, [seed, 3.0]), 2 * x.value * seed + 3)


def test_there_must_be_a_seed_for_each_loss():
    x = tensor(3)
    with pytest.raises(ValueError, match="1 seeds for 2 losses"):
        tg.gradients([x.sum(), x.mean()], x, [1.0])


@pytest.mark.parametrize("seed", [1.0, np.ones(3), np.ones((3, 2)), np.ones((1, 2, 3))])
def test_a_loss_that_is_no_scalar_needs_a_seed_of_its_shape(seed):
    y = tensor(2, 3) * 2
    with pytest.raises(ValueError, match=r"'multiply' \(2, 3\) needs a seed of its own shape, not"):
        tg.gradients(y, y, seed)


def test_the_error_names_the_two_ways_out():
    y = tensor(3) * 2
    with pytest.raises(ValueError, match=r"a scalar with \.sum\(\) or \.mean\(\), or pass seeds"):
        tg.gradients(y, y)


def test_one_tensor_as_two_losses():
    x = tensor(3)
    loss = (x * x).sum()
    assert close(tg.gradients([loss, loss], x), 4 * x.value)
    assert close(tg.gradients([loss, loss], x, [1.0, -1.0]), 0 * x.value)
    first, second = tg.gradients([loss, loss], x, per_loss=True)
    assert close(first, 2 * x.value) and close(second, 2 * x.value)


def test_a_loss_that_feeds_another_loss():
    x = tensor(3)
    inner = (x * x).sum()
    outer = inner * 3.0
    assert close(tg.gradients([inner, outer], x, [1.0, 10.0]), 62 * x.value)
    assert close(tg.gradients([outer, inner], x, [10.0, 1.0]), 62 * x.value)
    one, three = tg.gradients([inner, outer], x, per_loss=True)
    assert close(one, 2 * x.value) and close(three, 6 * x.value)
    assert tg.gradients([inner, outer], inner, per_loss=True) == [1, 3]


def test_losses_may_start_at_a_wanted_leaf():
    x = tg.Tensor(2.0)
    assert tg.gradients([x, x * x], x) == 5


def test_ragged_reach():
    """Three losses at three depths: each tensor carries the rows of those that reach it."""
    a = tensor(2)
    first = (a * 2).sum()
    b = tg.ops.tanh(a)
    second = b.sum()
    c = b * b
    third = c.sum()
    plan = Plan([first, second, third], [a, b, c])
    assert [plan.reaches(t) for t in (a, b, c)] == [(0, 1, 2), (1, 2), (2,)]
    found = plan.backward(recorded_tape(plan), [1.0] * 3, per_loss=True)
    assert [found[t].shape for t in (a, b, c)] == [(3, 2), (2, 2), (1, 2)]
    slope = 1 - b.numpy() ** 2
    assert close(found[a], [[2, 2], slope, 2 * b.numpy() * slope])
    assert tg.gradients([first, second, third], c, per_loss=True)[:2] == [None, None]


def test_the_sweep_without_a_plan_gives_the_bits_of_the_plan():
    """Through a fork, a broadcast, a value that nobody used, a table and a wanted tensor inside."""

    def both(x):
        return (x * x, x + 1), lambda g: (2 * x * g[0] + g[1],)

    x, w, table = tensor(3, 4), tensor(4), tensor(5, 4)
    square, _ = tg.ops.Op(both)(x)
    h = tg.ops.tanh(square * w)
    read = tg.ops.embedding(np.array([[1, 1, 3], [0, 1, 3]]), table)
    losses = [(h * w + x).sum(), (h @ read[0].T).mean() + table.sum(), read.sum()]
    targets, seeds = [x, w, table, h, square, tensor(2)], [1.0, 0.3, -2.0]
    plan = Plan(losses, targets)
    expected = plan.backward(recorded_tape(plan), seeds)
    found = tg.gradients(losses, targets, seeds)
    assert found[-1] is expected[targets[-1]] is None
    for target, gradient in zip(targets[:-1], found, strict=False):
        assert np.array_equal(gradient, expected[target][0])


def test_dead_branches_are_not_swept():
    """A step above which no loss lies, or below which nothing is wanted, is never pulled."""

    def rule(x):
        return 2 * x, (lambda g: pytest.fail("pulled for nothing"),)

    op = tg.ops.Op(rule)
    x, constant = tensor(3), tensor(3)
    loss = (x * op(constant)).sum()
    op(x).sum()  # no loss
    assert close(tg.gradients(loss, x), 2 * constant.value)


def test_several_values_of_which_some_are_unused():
    def split(x):
        return (x * 1.0, x * 2.0, x * 3.0), lambda g: (g[0] + 2 * g[1] + 3 * g[2],)

    x = tensor(3)
    a, b, c = tg.ops.Op(split)(x)
    assert tg.gradients(b.sum(), x).tolist() == [2, 2, 2]
    assert tg.gradients((a * c).sum(), x).shape == (3,)
    per_loss = tg.gradients([a.sum(), c.sum(), c.sum()], x, per_loss=True)
    assert [row[0] for row in per_loss] == [1, 3, 3]
    assert tg.gradients([a.sum(), c.sum()], b) is None


def test_using_a_weight_n_times_is_the_sum_of_n_copies():
    w = tg.Tensor(np.random.default_rng(0).standard_normal((3, 3)))
    copies = [tg.Tensor(w.value) for _ in range(4)]
    x = tensor(2, 3)

    def stacked(weights):
        h = x
        for one in weights:
            h = tg.ops.tanh(h @ one)
        return h.sum()

    shared = tg.gradients(stacked([w] * 4), w)
    assert close(shared, sum(tg.gradients(stacked(copies), copies)))


def test_a_layer_called_twice_gets_both_gradients():
    layer = layers.Dense(2)
    a, b = tensor(4, 3), tensor(4, 3) + 1
    loss_a, loss_b = (layer(a) ** 2).sum(), (layer(b) ** 2).sum()
    both = tg.gradients(loss_a + loss_b, layer.kernel)
    apart = [tg.gradients(loss, layer.kernel) for loss in (loss_a, loss_b)]
    assert close(both, sum(apart))
    assert close(tg.gradients([loss_a, loss_b], layer.kernel), sum(apart))


def test_a_tape_without_pullbacks_cannot_be_swept():
    model, x, y = headline()
    plan = model.training_plan()
    tape = plan.forward(model.labelled_data(x, y), keep=False)
    with pytest.raises(ValueError, match="kept no pullbacks: run forward with keep=True"):
        plan.backward(tape, [1.0, 1.0])


def test_a_tape_keeps_the_values_it_was_recorded_with():
    model, x, y = headline()
    plan = model.training_plan()
    tape = plan.forward(model.labelled_data(x, y))
    before = plan.backward(tape, [1.0, 1.0])
    model.fit(x, y, verbose=0, epochs=2)
    after = plan.backward(tape, [1.0, 1.0])
    assert all(before[w].tobytes() == after[w].tobytes() for w in plan.wrt)


def test_an_input_that_is_not_fed_is_named():
    x = tg.Input((3,), name="left")
    with pytest.raises(KeyError, match=r"input 'left' \(None, 3\) was not fed"):
        Plan([], [], fetch=[x * 2.0]).forward({})


def test_symbolic_losses_have_no_eager_gradient():
    x = tg.Input((3,), name="left")
    with pytest.raises(TypeError, match=r"(?s)holds no value: op 'sum'.*train a Model instead"):
        tg.gradients(x.sum(), x)


def test_an_error_in_a_pullback_keeps_its_type_and_is_told_where():
    def broken(x):
        def pull(g):
            raise ZeroDivisionError("oh")

        return 2 * x, (pull,)

    y = tg.ops.Op(broken)(tensor(3))
    with pytest.raises(ZeroDivisionError, match="oh") as caught:
        tg.gradients(y.sum(), y.step.inputs[0])
    (note,) = caught.value.__notes__
    assert note.startswith("in the backward sweep, op 'broken' of 'constant' (3,)")
    assert f"{__file__}:" in note


@pytest.mark.parametrize(
    ("back", "words"),
    [
        (lambda g: (g, g), "2 gradients came back for 1 inputs"),
        ((lambda g: g[:, :2],), r"a pullback returned shape \(1, 2\) .* input of shape \(3,\)"),
    ],
)
def test_a_pullback_of_wrong_count_or_shape_is_named(back, words):
    x = tensor(3)
    y = tg.ops.Op(lambda x: (2 * x, back))(x)
    with pytest.raises(ValueError, match=words) as caught:
        tg.gradients(y.sum(), x)
    assert "in the backward sweep, op '<lambda>'" in caught.value.__notes__[0]


def test_long_sequences_need_no_recursion():
    layer = layers.LSTM(2)
    x = tensor(1, 2000, 1)
    assert np.isfinite(tg.gradients(layer(x).sum(), x)).all()


def test_a_diamond_of_diamonds_is_swept_in_linear_time():
    """2**60 paths, 60 steps: each step is pulled once."""
    x = tg.Tensor(1.0)
    y = x
    for _ in range(60):
        y = y + y
    assert tg.gradients(y, x) == 2.0**60


@contextmanager
def reference_counting_alone():
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.medium
@pytest.mark.parametrize("length", [3000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_long_chains_need_no_recursion(length):
    x = tg.Tensor(1.0)
    y = x
    with reference_counting_alone():
        for _ in range(length):
            y = y + 1e-6
        assert float(y) == pytest.approx(1 + length * 1e-6)
        assert tg.gradients(y, x) == 1
        first = weakref.ref(x.value)
        del x, y  # freeing must not recurse, either
        assert first() is None


def eager_graph():
    x = tensor(2, 3)
    every = [x, h := layers.Dense(4, "tanh")(x), layers.LSTM(3)(h.reshape(2, 2, 2))]
    loss = (every[-1] ** 2).sum()
    tg.gradients([loss, h.sum()], x, per_loss=True)
    return every


def test_an_eager_graph_is_freed_by_reference_counting():
    with reference_counting_alone():
        tensors = eager_graph()
        values = [weakref.ref(t.value) for t in tensors]
        assert all(ref() is not None for ref in values)
        del tensors
        assert all(ref() is None for ref in values)


def functions(backs):
    for back in backs:
        yield from [back] if callable(back) else [p for p in back or () if p]


@pytest.mark.one_in(6, rest="medium")
@each_model
def test_a_tape_is_freed_by_reference_counting(build):
    model, x, y = build()
    plan = tg.Plan([term.value for term in model.objective.terms.values()], model.trainable_weights)
    feed = model.labelled_data(x, y)
    with reference_counting_alone():
        tape = plan.forward(feed, training=True)
        plan.backward(tape, [1.0] * len(plan.losses), per_loss=True)
        pullbacks = [weakref.ref(f) for f in functions(tape.backs)]
        assert pullbacks and all(ref() is not None for ref in pullbacks)
        del tape
        assert all(ref() is None for ref in pullbacks)


def test_values_that_nobody_needs_are_dropped_at_once():
    model, x, y = headline()
    tape = model.training_plan().forward(model.labelled_data(x, y), keep=False)
    kept = sum(value is not None for value in tape.values)
    assert kept == 2 * len(model.objective.terms) + len(model.outputs)  # losses, and their counts


def test_pullbacks_that_nobody_needs_are_dropped_at_once():
    """Embedding's mask and what works on it; and everything below a frozen layer."""
    model, x, y = ZOO["masked_headline"]()
    model.get_layer("embedding").trainable = False
    plan = model.training_plan()
    tape = plan.forward(model.labelled_data(x, y))
    kept = {step.op.name for step, back in zip(plan.steps, tape.backs, strict=True) if back}
    assert "lstm" in kept and not {"embedding", "not_equal"} & kept


def test_tensors_are_ordered_the_same_in_every_run():
    """No step order may depend on hashes: two builds of a model list the same ops."""
    first, second = (
        [step.op.name for step in headline()[0].training_plan().steps] for _ in range(2)
    )
    assert first == second


@pytest.mark.one_in(2, rest="exhaustive")
@pytest.mark.medium
@pytest.mark.parametrize("steps", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_a_long_history_is_copied_and_pickled(steps):
    """Without recursion, and what two tensors share stays shared."""
    x = y = tg.Tensor([1.0, 2.0])
    for _ in range(steps):
        y = y * 1.0
    middle, loss = y, (y * y).sum()
    for copied in (copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))):
        again = copied({"x": x, "middle": middle, "loss": loss})
        assert again["loss"].item() == loss.item() and again["x"] is not x
        for wrt in (again["x"], again["middle"]):
            assert tg.gradients(again["loss"], wrt).tolist() == [2, 4]
        assert tg.gradients(again["loss"], x) is None  # it is another tensor


def test_what_ran_at_once_can_be_copied_and_pickled():
    """Pullbacks are functions: a copy makes its own."""
    w = tg.Tensor([1.0, 2.0])
    for copied in (copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))):
        x, loss = copied((w, (w * w).sum()))
        np.testing.assert_array_equal(tg.gradients(loss, x), [2, 4])
    with tg.use(floatx="float64"):
        x = tg.Input((3,))
        model = tg.Model(x, layers.Dense(1, kernel_regularizer="l2")(x))
        model.compile("sgd", "mse")  # its penalty is one of what ran at once
        again = pickle.loads(pickle.dumps(model))
        data = np.ones((2, 3)), np.ones((2, 1))
        assert model.train_on_batch(*data) == again.train_on_batch(*data)
        assert model.evaluate(*data) == again.evaluate(*data)
