"""Plans that are traced once and replayed: the same numbers as the plain way, and its promises."""

import copy
import gc
import threading
import weakref

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import compiled, layers, ops
from tinygrad_mo.ops import op
from tinygrad_mo.ops.contract import once_for_each
from tinygrad_mo.replay import plan as replay
from tinygrad_mo.replay.plan import Replay, ReplayedPlan, ReplayedTape
from zoo import ZOO, headline, numbers

COMPILED = compiled.library.load()[0] is not None
BOTH = [False, pytest.param(True, marks=pytest.mark.skipif(not COMPILED, reason="no compiler"))]


def plain_and_replayed(model):
    """Two plans of one training step."""
    losses = [term.value for term in model.objective.terms.values()]
    arguments = losses, model.trainable_weights, list(model.outputs.values())
    return tg.Plan(*arguments), ReplayedPlan(*arguments)


def small_model(units=3, loss="mse", **options):
    x = tg.Input((4,), name="x")
    h = layers.Dense(5, "tanh", name="h")(x)
    heads = [layers.Dense(units, name=name)(h) for name in ("main", "aux")]
    model = tg.Model(x, heads)
    model.compile("sgd", loss, loss_weights=[1.0, 0.5], **options)
    return model, numbers(4), [numbers(units), numbers(units) + 1]


def replays_of(plan):
    return [r for some in plan._replays.values() for r in some.free]


def close(found, expected, rtol):
    assert found.keys() == expected.keys()
    for w, g in expected.items():
        assert (g is None) == (found[w] is None)
        if g is not None:
            np.testing.assert_allclose(found[w], g, rtol, atol=rtol * max(np.abs(g).max(), 1))


def edges_of(plan, tape, seeds, per_loss):
    seen = []
    plan.backward(tape, seeds, per_loss=per_loss, record=lambda *edge: seen.append(edge))
    return seen


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.medium
@pytest.mark.parametrize("floatx", ["float64", pytest.param("float32", marks=pytest.mark.slow)])
@pytest.mark.parametrize("compiled", BOTH)
@pytest.mark.parametrize("name", ZOO)
def test_the_numbers_are_those_of_the_plain_way(name, compiled, floatx):
    rtol = 1e-12 if floatx == "float64" else 2e-4
    with tg.use(floatx=floatx, kernels=compiled):
        model, x, y = ZOO[name]()
        plain, replayed = plain_and_replayed(model)
        feed, seeds = model.labelled_data(x, y), [0.5 + k for k in range(len(plain.losses))]
        for _ in range(3):
            before = replayed.randomness.states
            slow = plain.forward(feed, training=True)
            replayed.randomness.states = before
            fast = replayed.forward(feed, training=True)
            assert isinstance(fast, ReplayedTape) == (name != "every_lstm")  # of any length
            for t in (*plain.losses, *model.outputs.values()):
                np.testing.assert_allclose(
                    replayed.value(fast, t), plain.value(slow, t), rtol, atol=rtol
                )
            for per_loss in (False, True):
                options = {"per_loss": per_loss}
                close(replayed.backward(fast, seeds, **options),
                      plain.backward(slow, seeds, **options), rtol)  # fmt: skip
                pairs = zip(
                    edges_of(plain, slow, seeds, per_loss),
                    edges_of(replayed, fast, seeds, per_loss),
                    strict=True,
                )
                for (*where, g, losses), (*where_too, g_too, losses_too) in pairs:
                    assert (where, losses) == (where_too, losses_too)
                    np.testing.assert_allclose(g_too, g, rtol, atol=rtol * max(np.abs(g).max(), 1))
            for w in model.trainable_weights:
                w.assign(w.value * 0.9)
            slow = fast = None


def test_training_makes_one_replay_and_keeps_to_it():
    model, x, y = small_model()
    model.fit(x, y, batch_size=4, epochs=20, verbose=0)
    (some,) = model.training_plan()._replays.values()
    assert some.tried == len(some.free) == 1


def test_a_replay_takes_the_way_that_serves_infinity_too():
    """What is replayed may not look whether there is a 0 or an infinity: one batch has none.

    A rule that looked could not be traced, and would run ("run") as always, which is slower.
    """
    x, w = tg.Input((3,), name="x"), tg.Parameter(np.ones(3), "w")
    v = x * w
    loss = (np.where(v > 0, np.log(v), 0.0) + np.where(v < 100, np.exp(v), 0.0)).sum()
    plan = ReplayedPlan([loss], [w], [])
    for given in (np.array([[1.0, 2.0, 3.0]]), np.array([[0.0, 1000.0, 3.0]])):
        with np.errstate(all="ignore"):
            tape = plan.forward({x: given.astype("float32")}, training=True)
            found = plan.backward(tape, [1.0])[w][0]
            slopes = np.where(given > 0, 1 / given, 0) + np.where(given < 100, np.exp(given), 0)
        assert isinstance(tape, ReplayedTape)
        np.testing.assert_allclose(found, (given * slopes)[0], rtol=1e-6)
        tape = None
    (made,) = replays_of(plan)
    scripts = [made.script, *(sweep.script for sweep in made.sweeps)]
    assert not [i for script in scripts for i in script.instructions if i.what == "run"]


def test_values_and_gradients_are_copies():
    model, x, y = small_model()
    _, plan = plain_and_replayed(model)
    feed, more = model.labelled_data(x, y), model.labelled_data(x + 1, y)
    (w, *_), seeds = plan.wrt, [1.0, 1.0]
    tape = plan.forward(feed)
    value, g = plan.value(tape, model.outputs["main"]), plan.backward(tape, seeds)[w]
    kept = value.copy(), g.copy()
    plan.backward(tape, [5.0, 0.0])
    tape = None
    tape = plan.forward(more)
    plan.backward(tape, seeds)
    assert (value == kept[0]).all() and (g == kept[1]).all()
    assert len(replays_of(plan)) == 0, "it is lent"
    tape = None
    assert len(replays_of(plan)) == 1, "and comes back"


def test_a_tape_that_is_held_keeps_its_numbers():
    model, x, y = small_model()
    plain, plan = plain_and_replayed(model)
    feeds = [model.labelled_data(x + n, y) for n in range(replay.ATTEMPTS + 3)]
    tapes = [plan.forward(feed) for feed in feeds]
    for w in model.trainable_weights:
        w.assign(w.value * 2)
    found = [plan.backward(tape, [1.0, 2.0]) for tape in tapes]
    again = [plan.backward(tape, [1.0, 2.0]) for tape in tapes]
    for w in model.trainable_weights:
        w.assign(w.value / 2)
    for feed, g, g_again in zip(feeds, found, again, strict=True):
        close(g, plain.backward(plain.forward(feed), [1.0, 2.0]), 1e-4)
        assert all((g[w] == g_again[w]).all() for w in g), "sweeping twice: the same bits"
    assert [isinstance(tape, ReplayedTape) for tape in tapes].count(True) == replay.ATTEMPTS


@pytest.mark.parametrize("compiled", BOTH)
def test_each_way_through_a_branch_has_its_replay(compiled):
    """A label that is missing takes another way than labels that are all there."""
    model, x, y = small_model(units=1)
    whole, holes = y[0], np.where([[1], [0], [1], [1]], y[0], np.nan)
    plain, plan = plain_and_replayed(model)
    with tg.use(kernels=compiled):
        for label in (holes, whole, whole, holes, whole):
            feed = model.labelled_data(x, [label, y[1]])
            tape = plan.forward(feed)
            assert isinstance(tape, ReplayedTape)
            expected = plain.backward(plain.forward(feed), [1.0, 1.0])
            close(plan.backward(tape, [1.0, 1.0]), expected, 1e-5)
            tape = None
    assert len(replays_of(plan)) == 2


def test_what_is_wrong_is_said_as_in_the_plain_way_and_training_goes_on():
    x = tg.Input((4,))
    model = tg.Model(x, layers.Dense(3, name="y")(x))
    model.compile("sgd", tg.losses.SparseCategoricalCrossentropy(from_logits=True))
    good, bad = np.array([0, 1, 2, 0]), np.array([0, 1, 3, 0])
    for labels in (bad, good, bad, good):
        if labels is bad:
            with pytest.raises(ValueError, match="label 3 in row 2 is not one of the 3 classes"):
                model.train_on_batch(numbers(4), labels)
        else:
            assert np.isfinite(model.train_on_batch(numbers(4), labels))
    assert len(replays_of(model.training_plan())) == 1


def test_nan_is_traced_to_its_birthplace():
    x = tg.Input((4,), name="x")
    model = tg.Model(x, layers.Dense(1, name="y")(ops.log(x)))
    model.compile("sgd", "mse")
    model.train_on_batch(np.ones((4, 4)), np.ones(4))
    with (
        np.errstate(all="ignore"),
        pytest.raises(FloatingPointError, match="op 'log'"),
    ):
        model.train_on_batch(-np.ones((4, 4)), np.ones(4))


@pytest.fixture
def own_op():
    """An op that depends on more than its inputs."""
    strength = [1.0]

    @op
    def scaled(x):
        if x.sum() > 1e9:
            raise ValueError("too strong")
        return x * strength[0], (lambda g: g * strength[0],)

    return scaled, strength


def test_an_op_of_your_own_is_run_as_always(own_op):
    scaled, strength = own_op
    w = tg.Parameter(np.ones(3), "w")
    plan = ReplayedPlan([ops.tanh(scaled(w * 2)).sum()], [w])
    for strength[0] in (1.0, 2.0, 3.0):
        tape = plan.forward()
        assert isinstance(tape, ReplayedTape)
        g = plan.backward(tape, [1.0])[w]
        np.testing.assert_allclose(g[0], 2 * strength[0] / np.cosh(2 * strength[0]) ** 2, atol=1e-6)
        tape = None
    w.assign(np.full(3, 1e12))
    with pytest.raises(ValueError, match="too strong") as caught:
        plan.forward()
    assert any("op 'scaled'" in note for note in caught.value.__notes__)
    w.assign(np.ones(3))
    assert isinstance(plan.forward(), ReplayedTape), "all goes on"


def test_pullbacks_that_share_work_share_it_in_each_sweep_anew():
    calls = []

    @op
    def shared(x, y):
        @once_for_each
        def doubled(g):
            calls.append(g)
            return 2 * g

        return 2 * (x + y), (doubled, doubled)

    w, v = tg.Parameter(np.ones(3), "w"), tg.Parameter(np.ones(3), "v")
    plan = ReplayedPlan([shared(w, v).sum()], [w, v])
    tape = plan.forward()
    assert isinstance(tape, ReplayedTape)
    calls.clear()
    for seed in (1.0, 3.0, 3.0):
        found = plan.backward(tape, [seed])
        assert found[w].tolist() == found[v].tolist() == [[2 * seed] * 3]
    assert len(calls) == 3


def test_an_error_on_the_way_back_names_the_step():
    divisor = [1.0]

    @op
    def fragile(x):
        return x * 1, (lambda g: g / (1 / divisor[0]),)

    w = tg.Parameter(np.ones(3), "w")
    plan = ReplayedPlan([fragile(w).sum()], [w])
    tape = None
    for divisor[0] in (1.0, 0.0, 1.0):
        tape = None  # given back
        tape = plan.forward()
        assert isinstance(tape, ReplayedTape)
        if divisor[0]:
            assert plan.backward(tape, [2.0])[w].tolist() == [[2.0] * 3]
            continue
        with pytest.raises(ZeroDivisionError) as caught:
            plan.backward(tape, [2.0])
        (note,) = caught.value.__notes__
        assert note.startswith("in the backward sweep") and "op 'fragile'" in note


@pytest.mark.parametrize("compiled", BOTH)
def test_random_numbers_are_drawn_as_in_the_plain_way(compiled):
    def rows(make):
        tg.set_random_seed(3)
        x = tg.Input((50,), name="x")
        model = tg.Model(x, layers.Dropout(0.5)(layers.Activation("relu")(x)))
        model.compile("sgd", "mse")
        plan, y = make(model), model.outputs[model.output_names[0]]
        whole, holes = np.ones(4), np.array([1, 1, np.nan, 1])
        feeds = [model.labelled_data(np.ones((4, 50)), np.ones((4, 50)) * n[:, None])
                 for n in (whole, holes, holes, whole)]  # fmt: skip
        return [plan.value(plan.forward(feed, training=True), y) for feed in feeds]

    with tg.use(kernels=compiled):
        plain, replayed = (rows(lambda m, i=i: plain_and_replayed(m)[i]) for i in (0, 1))
    assert (plain[0] != plain[1]).any()
    assert all((a == b).all() for a, b in zip(plain, replayed, strict=True))


def test_a_frozen_normalisation_takes_its_moving_averages():
    x = tg.Input((3,), name="x")
    norm = layers.BatchNormalization(center=False, scale=False)
    model = tg.Model(x, layers.Dense(1, name="y")(norm(x)))
    model.compile("sgd", "mse")
    feed, found = model.labelled_data(5 + numbers(3), numbers(1)), []
    for norm.trainable in (True, False, True):
        terms = list(model.objective.terms.values())
        plans = [model.objective.plan_for(terms, kind) for kind in (tg.Plan, ReplayedPlan)]
        values = [p.value(p.forward(feed, training=True), p.losses[0]) for p in plans]
        np.testing.assert_allclose(*values, rtol=1e-5)
        found.append(values[0])
    assert found[0] == found[2] != found[1]


@pytest.mark.parametrize("columns", [4, replay.SMALL])
def test_large_arrays_go_the_plain_way(columns):
    x = tg.Input((columns,), name="x")
    model = tg.Model(x, layers.Dense(2)(ops.tanh(x)))
    plan = model._forward
    tape = plan.forward({model.inputs["x"]: np.ones((2, columns), "float32")}, keep=False)
    assert isinstance(tape, ReplayedTape) == (columns == 4)


def test_the_rows_of_many_losses_are_small_arrays_too():
    """Together they may be larger than one may be: five heads are replayed as two are."""
    tg.set_random_seed(0)
    x = tg.Input((40,))
    h = layers.Dense(60, "relu", name="trunk")(x)
    model = tg.Model(x, [layers.Dense(1, name=f"head_{k}")(h) for k in range(8)])
    model.compile("sgd", "mse")
    assert 8 * 40 * 60 > replay.SMALL > 40 * 60
    data = np.random.default_rng(0).normal(size=(6, 40)).astype("float32")
    feed = model.labelled_data(data, [data[:, :1]] * 8)
    plan = model.training_plan()
    for kernels in (True, False):
        with tg.use(kernels=kernels):
            tape = plan.forward(feed, training=True)
            assert isinstance(tape, ReplayedTape)
            found = plan.backward(tape, [1.0] * 8, per_loss=True)
            plain = tg.Plan.forward(plan, feed, training=True)
            expected = tg.Plan.backward(plan, plain, [1.0] * 8, per_loss=True)
            for w, g in expected.items():
                np.testing.assert_allclose(found[w], g, rtol=1e-4, atol=1e-6)
            del tape


def test_a_feed_of_another_type_is_of_another_kind():
    x = tg.Input((2,), name="x")
    plan = ReplayedPlan([], [], fetch=[y := x * 3.0])
    for dtype in ("float32", "float64", "float32"):
        fed = np.full((1, 2), 1 / 3, dtype)
        tape = plan.forward({x: fed})
        found = plan.value(tape, y)
        assert isinstance(tape, ReplayedTape)
        assert found.dtype == dtype and (found == fed * np.float32(3)).all()
        tape = None


def test_a_long_loop_is_not_traced():
    """A recurrent layer traces one step as well as the next: that would be a long list."""
    lengths = []
    for time in (3, 300):
        x = tg.Input((time, 2), name="x")
        model = tg.Model(x, layers.SimpleRNN(3)(x))
        model.predict(np.ones((4, time, 2)))
        (made,) = replays_of(model._forward)
        lengths.append(len(made.script.instructions))
    assert 3 < lengths[0] < replay.LONGEST_OP and lengths[1] <= 3


def test_what_was_fed_last_is_what_counts():
    """Batches of many sizes: replays are dropped and made anew, and each sees its own batch."""
    model, x, _ = small_model()
    weights = [w.value.astype(float) for w in model.trainable_weights]
    for n in [*range(1, replay.KINDS + 5), 1, 2, 1]:
        rows = np.resize(x, (n, 4))
        h = np.tanh(rows @ weights[0] + weights[1])
        np.testing.assert_allclose(model.predict(rows, batch_size=n)[0], h @ weights[2], atol=1e-5)
    assert len(model._forward._replays) == replay.KINDS


@pytest.mark.medium
def test_threads_do_not_share_a_replay():
    model, x, _ = small_model()
    inputs = [x + n for n in range(4)]
    expected = [model.predict(one)[0] for one in inputs]
    wrong = []

    def work(one, result):
        same = [(model.predict(one)[0] == result).all() for _ in range(200)]
        wrong.append(same.count(False))

    threads = [
        threading.Thread(target=work, args=pair) for pair in zip(inputs, expected, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [0] * 4


@pytest.mark.skipif(not COMPILED, reason="no compiler")
def test_kernels_can_be_switched_while_a_replay_lives():
    model, x, y = small_model()
    _, plan = plain_and_replayed(model)
    feed, results = model.labelled_data(x, y), []
    for kernels in (True, False, True, False):
        with tg.use(kernels=kernels):
            results.append(plan.value(plan.forward(feed), model.outputs["main"]))
    assert results[0].tobytes() == results[2].tobytes()
    assert results[1].tobytes() == results[3].tobytes()
    (made,) = replays_of(plan)
    assert len(made.script.calls[True]) < len(made.script.calls[False])


def test_a_plan_and_its_replays_are_freed_by_reference_counting():
    model, x, y = small_model()
    _, plan = plain_and_replayed(model)
    feed = model.labelled_data(x, y)
    gc.disable()
    try:
        tape = plan.forward(feed)
        plan.backward(tape, [1.0, 1.0])
        refs = [
            weakref.ref(tape.lender),
            weakref.ref(tape.lender.values[plan.slots[plan.losses[0].key]]),
        ]
        del tape, plan
        assert [ref() for ref in refs] == [None] * 2
    finally:
        gc.enable()


def test_a_copied_model_has_replays_of_its_own():
    model, x, y = small_model()
    model.fit(x, y, verbose=0)
    copied = copy.deepcopy(model)
    assert replays_of(model.training_plan()) and not replays_of(copied.training_plan())
    model.fit(x, y, verbose=0)
    before = copied.predict(x)[0]
    copied.fit(x, y, epochs=2, verbose=0)
    assert (before != model.predict(x)[0]).any() and (before != copied.predict(x)[0]).any()


def test_feeding_a_parameter_asks_what_if():
    model, x, y = small_model()
    plain, plan = plain_and_replayed(model)
    w = model.trainable_weights[0]
    feed = {**model.labelled_data(x, y), w: np.zeros(w.shape, "float32")}
    results = [p.value(p.forward(feed), model.outputs["main"]) for p in (plain, plan)]
    np.testing.assert_allclose(*results)
    assert (results[0] == results[0][0]).all(), "with these weights every sample is the same"


def test_a_trace_of_a_plan_says_what_it_did():
    w = tg.Parameter([1.0, 2.0], "w")
    plan = tg.Plan([(w * w).sum()], [w])
    made = Replay(plan, {}, training=False, keep=True)
    assert [i.what for i in made.script.instructions] == ["multiply", "add.reduce"]
    assert [i.what for i in made.sweeps[0].script.instructions] == ["multiply", "multiply", "add"]


def test_a_small_table_gives_a_gradient_to_keep():
    model, x, y = headline()
    plain, plan = plain_and_replayed(model)
    table = model.get_layer("embedding").weights[0]
    feed = model.labelled_data(x, y)
    for _ in range(2):
        tape = plan.forward(feed)
        (g,) = plan.backward(tape, [1.0, 0.0], sparse=True)[table]
        expected = plain.backward(plain.forward(feed), [1.0, 0.0])[table][0]
        np.testing.assert_allclose(g, expected, rtol=1e-4, atol=1e-7)
        tape = None
