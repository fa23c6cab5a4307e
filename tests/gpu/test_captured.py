"""Captured steps: the numbers of the plain way, in one launch; and who is left to the plain way.

The double launches what was captured in the memory in which it was captured, and is stricter than
a GPU (`graphs`). NumPy multiplies matrices here, since the kernel takes its time on a CPU.
"""

import contextlib
import gc
import weakref
from pathlib import Path

import double
import numpy as np
import pytest
import raw_module
from test_questions import FAULTS, classifier, nan_in_a_weight, notes_of, told_by_fit, wrong_id

import tinygrad_mo as tg
from tinygrad_mo import layers, optimizers, schedules
from tinygrad_mo.compiled.cuda import launching, losses, products
from tinygrad_mo.device import to_numpy
from tinygrad_mo.replay.captured import Captured, CapturedTape
from tinygrad_mo.training import captured
from tinygrad_mo.training.balanced import swept
from tinygrad_mo.training.captured import KNOWN, CapturedStep
from tinygrad_mo.training.fitting import train_step
from zoo import ZOO, numbers

pytestmark = pytest.mark.skipif(not raw_module.COMPILER, reason="kernels run on a CPU by g++")


def by_numpy(x, y):
    with np.errstate(all="ignore"):
        return double.launched(np.matmul, x._host, y._host, made=np.matmul(x._host, y._host))


BY_KERNEL = products.by_kernel


@pytest.fixture(autouse=True)
def same_products(monkeypatch):
    monkeypatch.setattr(products, "by_kernel", by_numpy)
    monkeypatch.setattr(losses, "ONE_BLOCK", 32)  # takes less time on a CPU
    monkeypatch.setattr(launching, "THREADS", 32)


class Session:
    """A model that is trained step by step, and what it says on the way."""

    def __init__(self, model, x, y, weights=None, batch=3):
        self.model, self.said, self.kinds = model, [], []
        self.take(x, y, weights, batch)

    def take(self, x, y, weights=None, batch=3):
        """Train on these."""
        data = self.model.labelled_data(x, y, weights)
        size = len(next(iter(data.values())))
        parts = [slice(n, n + batch) for n in range(0, size, batch)]
        self.feeds = [{tensor: a[part] for tensor, a in data.items()} for part in parts]

    def steps(self, count=1, feed=None):
        for n in range(count):
            batch = self.feeds[n % len(self.feeds)] if feed is None else feed
            tape = train_step(self.model, batch)
            plan = self.model.objective.plan()
            self.kinds.append(type(tape) is CapturedTape)
            self.say(map(float, plan.numbers(tape, plan.losses)))
            del tape
        return self

    def say(self, values):
        self.said += [np.asarray(to_numpy(x)).tobytes() for x in values]

    def all_said(self):
        """With all that a training goes on from."""
        self.say(self.model.get_weights())
        for arrays in self.model.optimizer.memory().values():
            self.say(arrays.values())
        return self.said


def both_ways(play, optimizer=None):
    """A play is the same to the bit, captured and plain; its captured session."""
    found = []
    for replay in (True, False):
        with tg.use(replay=replay):
            tg.set_random_seed(0)
            model, x, y = classifier()
            session = Session(model, x, y)
            if optimizer is not None:
                replaced(session, optimizer())
            play(session)
            found.append(session)
    one, other = found
    assert one.all_said() == other.all_said()
    assert any(one.kinds) and not any(other.kinds)
    return one


def replaced(session, optimizer):
    chosen = ["binary_crossentropy", "sparse_categorical_crossentropy"]
    session.model.compile(optimizer, chosen)
    session.take(*classifier()[1:])


# ---------------------------------------------------------------- the same numbers

OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.1),
    "momentum": lambda: optimizers.SGD(schedules.ExponentialDecay(0.1, 2, 0.5), momentum=0.9),
    "rmsprop": lambda: optimizers.RMSprop(0.01, momentum=0.5),
    "adam": lambda: optimizers.Adam(schedules.CosineDecay(0.1, 8)),
    "adamw": lambda: optimizers.AdamW(0.01, weight_decay=0.1),
    "adagrad": lambda: optimizers.Adagrad(0.1),
    "decay": lambda: optimizers.SGD(0.1, momentum=0.9, weight_decay=0.5),
}


def slow_but(quick, names):
    """Names to try, of which all but some take too long for each time."""
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.medium
@pytest.mark.parametrize("name", slow_but(["adam"], OPTIMIZERS))
def test_six_captured_steps_are_six_plain_ones(name, cupy):
    session = both_ways(lambda s: s.steps(8), OPTIMIZERS[name])
    assert session.kinds == [False] * 2 + [True] * 6


QUALIFY = (
    "headline",
    "masked_headline",
    "three_heads_at_three_depths",
    "every_activation",
    "masked_lstms",
    "nested_twice",
)


@pytest.mark.medium
@pytest.mark.parametrize("name", slow_but(["headline"], QUALIFY))
def test_models_train_as_on_the_plain_way(name, cupy):
    def trained(replay):
        with tg.use(replay=replay):
            tg.set_random_seed(0)
            model, x, y = ZOO[name]()
            session = Session(model, x, y, batch=4).steps(8)
        return session.all_said(), session.kinds

    (one, kinds), (other, _) = trained(True), trained(False)
    assert one == other and kinds == [False] * 2 + [True] * 6


@pytest.mark.slow
def test_by_the_kernel_for_products_too_the_numbers_are_the_same(cupy, monkeypatch):
    monkeypatch.setattr(products, "by_kernel", BY_KERNEL)
    both_ways(lambda s: s.steps(5))


@pytest.mark.slow
def test_fit_says_the_same_with_a_smaller_last_batch_missing_labels_and_weights(cupy):
    def trained(replay):
        with tg.use(replay=replay):
            tg.set_random_seed(0)
            model, x, y = classifier()
            model.compile(
                "adam",
                ["binary_crossentropy", "sparse_categorical_crossentropy"],
                loss_weights=[1.0, 0.3],
                metrics={"yes": "binary_accuracy", "class": "sparse_categorical_accuracy"},
            )
            y = [y[0].astype("float32"), y[1]]
            y[0][2] = np.nan
            weights = {"class": np.array([1, 2, 0, 1, 0.5, 1])}
            history = model.fit(
                x, y, epochs=5, batch_size=4, sample_weight=weights, verbose=0,
                validation_data=(x, y),
            ).history  # fmt: skip
            steps = [kind.step is not None for kind in kinds_of(model)]
        return history, model.get_weights(), steps

    (one, weights, steps), (other, plain, _) = trained(True), trained(False)
    assert steps == [True, True]  # of four samples, and of two
    assert one == other and "gradient_share/yes" in one
    assert [w.tobytes() for w in weights] == [w.tobytes() for w in plain]


def kinds_of(model):
    steps = KNOWN.get(model.objective.plan())
    return steps._kinds.values() if steps else ()


# ---------------------------------------------------------------- what happens between steps


def assign(model, name, factor=0.5):
    w = model.named_weights()[name]
    w.assign(w.value * np.float32(factor))


def set_attribute(owner, **values):
    for name, value in values.items():
        setattr(owner, name, value)


def frozen(session, name, trainable=False):
    layer = next(one for one in session.model.layers if one.name == name)
    layer.trainable = trainable


def looked_at(session):
    model, x, y = session.model, *classifier()[1:]
    session.say(model.predict(x))
    session.say(model.evaluate(x, y, return_dict=True).values())
    flow = model.gradient_flow(x, y)
    session.say([flow.norm(loss, w) for w in flow.parameters for loss in flow.losses])


def updated_weights(session, **weights):
    session.model.loss_weights.update(weights)


BETWEEN = {  # what is done, and then captured steps come after so many plain ones
    "a parameter is assigned": lambda s: assign(s.model, "class/kernel"),
    "a moving average is assigned": lambda s: assign(s.model, "norm/moving_variance", 2.0),
    "the learning rate is set": lambda s: set_attribute(s.model.optimizer, learning_rate=0.3),
    "momentum is set": lambda s: set_attribute(s.model.optimizer, beta_1=0.5),
    "loss weights change": lambda s: updated_weights(s, yes=3.0),
    "a loss weight is 0": lambda s: updated_weights(s, yes=0.0),
    "loss weights are replaced": lambda s: set_attribute(s.model, loss_weights=[0.25, 4.0]),
    "a layer is frozen": lambda s: frozen(s, "table"),
    "normalisation is frozen": lambda s: frozen(s, "norm"),
    "the optimizer is replaced": lambda s: replaced(s, optimizers.SGD(0.2, momentum=0.5)),
    "somebody looks": looked_at,
    "a plain step is made": lambda s: plain_step(s),
    "weights are set": lambda s: s.model.set_weights([w * 0.5 for w in s.model.get_weights()]),
}


def plain_step(session):
    with tg.use(replay=False):
        session.steps()


@pytest.mark.one_in(16, rest="exhaustive")
@pytest.mark.medium
@pytest.mark.parametrize("what", slow_but(["a parameter is assigned"], BETWEEN))
def test_what_happens_between_steps_is_heeded(what, cupy):
    def play(session):
        session.steps(4)
        BETWEEN[what](session)
        session.steps(4)
        BETWEEN[what](session)
        session.steps(3)

    session = both_ways(play)
    assert session.kinds[3] and session.kinds[-1]


@pytest.mark.slow
def test_a_layer_that_was_frozen_thaws_and_is_assigned_meanwhile(cupy):
    def play(session):
        frozen(session, "table")
        session.steps(4)
        assign(session.model, "table/embeddings", 3.0)
        session.steps(2)
        frozen(session, "table", trainable=True)
        session.steps(4)

    session = both_ways(play)
    assert session.kinds[2:6] == [True] * 4 and session.kinds[-1]


@pytest.mark.slow
@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU])
def test_a_sequence_goes_on_from_batch_to_batch(kind, cupy):
    """The states are carried on, and forgotten when that is asked for."""
    found = []
    for replay in (True, False):
        with tg.use(replay=replay):
            tg.set_random_seed(0)
            reader = kind(2, stateful=3)
            model = small(reader, shape=(4, 3))
            session = Session(model, numbers(4, 3)[:3], np.ones((3, 1))).steps(6)
            reader.reset_states()
            found.append(session.steps(3).all_said())
        assert session.kinds[-1] is replay
    assert found[0] == found[1]


@pytest.mark.medium
def test_an_optimizer_that_is_used_by_hand_meanwhile(cupy):
    def play(session):
        session.steps(4)
        w = session.model.named_weights()["class/bias"]
        session.model.optimizer.apply({w: np.ones(w.shape, "float32")})
        session.steps(4)

    assert both_ways(play).kinds[-1]


@pytest.mark.slow
def test_a_training_is_saved_and_goes_on_elsewhere(cupy, tmp_path):
    def play(session):
        session.steps(4)
        session.model.save(tmp_path / "then.tg")
        session.steps(4)
        session.all_said()
        session.model = tg.load(tmp_path / "then.tg")
        session.take(*classifier()[1:])
        session.steps(4)

    assert (
        both_ways(play).kinds == [False, False, True, True] + [True] * 4 + [False] * 2 + [True] * 2
    )


@pytest.mark.exhaustive
def test_an_interrupted_training_comes_to_the_same_bits(cupy, tmp_path, monkeypatch):
    monkeypatch.setattr(products, "by_kernel", BY_KERNEL)
    tg.set_random_seed(0)
    whole = Session(*classifier()).steps(8)
    tg.set_random_seed(0)
    first = Session(*classifier()).steps(4)
    first.model.save(tmp_path / "then.tg")
    rest = Session(tg.load(tmp_path / "then.tg"), *classifier()[1:]).steps(4)
    for session in (whole, rest):
        session.said.clear()
    assert whole.all_said() == rest.all_said() and whole.kinds[3:] == [True] * 5


@pytest.mark.slow
def test_a_model_that_goes_to_numpy_and_back(cupy):
    def trained(replay):
        with tg.use(replay=replay):
            tg.set_random_seed(0)
            model, x, y = classifier()
            for backend in ("cupy", "numpy", "cupy"):
                with tg.use(backend):
                    model.fit(x, y, epochs=4, verbose=0, shuffle=False)
            return model.get_weights()

    for one, other in zip(trained(True), trained(False), strict=True):
        np.testing.assert_allclose(one, other, 1e-6, 1e-7)


# ---------------------------------------------------------------- promises


@pytest.mark.medium
def test_whoever_holds_a_value_keeps_it(cupy):
    model, x, y = classifier()
    session = Session(model, x, y).steps(3)
    kept = [w.value for w in model.weights]
    views = [w.value[..., :1] for w in model.weights]
    before = [x.get().tobytes() for x in (*kept, *views)]
    session.steps(3)
    assert session.kinds[-3:] == [True] * 3
    assert [x.get().tobytes() for x in (*kept, *views)] == before
    assert all(w.value is not old for w, old in zip(model.weights, kept, strict=True))


@pytest.mark.medium
def test_a_tape_that_is_held_keeps_its_numbers(cupy):
    model, x, y = classifier()
    session = Session(model, x, y).steps(3)
    plan = model.objective.plan()

    def seen(tape):
        outputs = [plan.value(tape, x).get() for x in model.objective.outputs.values()]
        gradients = plan.backward(tape, [1.0, 1.0], per_loss=True)
        return [x.tobytes() for x in outputs] + [g.get().tobytes() for g in gradients.values()]

    tape = train_step(model, session.feeds[0])
    assert type(tape) is CapturedTape
    before = seen(tape)
    kept = plan.value(tape, next(iter(model.objective.outputs.values())))
    assert kept.get().tobytes() == before[0]
    session.steps(2)
    assert session.kinds[-2:] == [False] * 2 and seen(tape) == before
    del tape
    session.steps(2)
    assert session.kinds[-2:] == [True] * 2 and kept.get().tobytes() == before[0]


@pytest.mark.medium
def test_a_tape_shows_what_was_before_the_step(cupy):
    found = []
    for replay in (True, False):
        with tg.use(replay=replay):
            tg.set_random_seed(0)
            model, x, y = classifier()
            session, plan = Session(model, x, y).steps(3), model.objective.plan()
            tape = train_step(model, session.feeds[0])
            assert (type(tape) is CapturedTape) == replay
            gradients = plan.backward(tape, [1.0, 2.0], per_loss=True)
            found.append([g.get().tobytes() for g in gradients.values()])
    assert found[0] == found[1]


@pytest.mark.medium
def test_nothing_keeps_a_model_alive(cupy):
    model, x, y = classifier()
    Session(model, x, y).steps(4)
    step = weakref.ref(next(iter(kinds_of(model))).step)
    plan = weakref.ref(model.objective.plan())
    kinds = KNOWN[plan()]._kinds
    del model
    gc.collect()
    assert plan() is None and step() is not None
    gc.disable()  # memory of a GPU is given back at once
    kinds.clear()
    gc.enable()
    assert step() is None


@pytest.mark.medium
def test_a_graph_that_finds_other_numbers_is_not_used(cupy, monkeypatch):
    def trained(replay):
        model, x, y = classifier()
        with tg.use(replay=replay):
            session = Session(model, x, y).steps(6)
        return [w.numpy() for w in model.weights], session

    plain, _ = trained(replay=False)
    launch, launches = Captured.launch, []

    def stale(graph):  # from the second time on it does nothing, as if a batch were baked in
        launches.append(graph)
        if len(launches) < 2:
            launch(graph)

    monkeypatch.setattr(Captured, "launch", stale)
    found, session = trained(replay=True)
    assert len(launches) == 2 and all(map(np.array_equal, plain, found))
    (steps,) = [s for plan, s in KNOWN.items() if plan is session.model.objective.plan()]
    assert [kind.why_not[:23] for kind in steps._kinds.values()] == ["a graph has found other"]


@pytest.mark.medium
def test_a_step_is_one_launch_and_copies(cupy, monkeypatch):
    monkeypatch.setattr(captured, "PROOFS", 0)
    model, x, y = classifier()
    session = Session(model, x, y).steps(3)
    expected = {  # six arrays of a batch, those of parameters and averages to and fro, two slots
        "adam": {"launch": 6 + 1 + 4 + 2, "send": 1, "wait": 1, "fetch": 1},
        "sgd": {"launch": 6 + 1 + 4, "wait": 1, "fetch": 1},
    }
    for name, counts in expected.items():
        replaced(session, name)
        session.steps(3)
        double.counts.clear()
        tape = train_step(model, session.feeds[0])
        plan = model.objective.plan()
        list(map(float, plan.numbers(tape, plan.losses)))
        assert double.counts == counts
        del tape


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("name", "launches"), [("w1", 10), ("w2", 8), ("w4", 10), ("w6", 8), ("w7", 9)]
)
def test_a_step_of_a_workload(name, launches, cupy, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    import tinygrad_mo_peer as peer
    import workloads

    monkeypatch.setitem(workloads.BATCH, name, 4)

    def trained(replay):
        with tg.use(replay=replay):
            model, feeds = peer.compiled(name)
            for feed in [*feeds, *feeds[:2]]:
                double.counts.clear()
                train_step(model, feed)
                counts = dict(double.counts)
            return [w.tobytes() for w in model.get_weights()], counts

    (one, counts), (other, _) = trained(True), trained(False)
    assert one == other
    sends = {"send": 1} if name == "w4" else {}  # Adam's corrections are others in each step
    assert counts == {"launch": launches, "wait": 1, "fetch": 1} | sends


# ---------------------------------------------------------------- what is not finite


def spoilt(session, value):
    x = next(tensor for tensor in session.feeds[0] if tensor.name == "x")
    feed = dict(session.feeds[0])
    feed[x] = feed[x].copy()
    feed[x][1, 0] = value
    return feed


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.medium
@pytest.mark.parametrize("value", slow_but([np.nan], [np.nan, np.inf, 3e38]))
def test_a_batch_that_is_not_finite_changes_nothing_and_training_goes_on(value, cupy):
    words = []

    def play(session):
        session.steps(4)
        before = Session.all_said(copy_of(session))
        with pytest.raises(FloatingPointError) as caught:
            session.steps(feed=spoilt(session, value))
        assert Session.all_said(copy_of(session)) == before
        words.append((str(caught.value), notes_of(caught.value)))
        session.steps(3)

    session = both_ways(play)
    assert session.kinds == [False] * 2 + [True] * 5
    assert words[0] == words[1] and "no step was made" in words[0][0]


def copy_of(session):
    """For looking at it."""
    other = object.__new__(Session)
    other.model, other.said = session.model, []
    return other


@pytest.mark.slow
@pytest.mark.parametrize("fault", [wrong_id, nan_in_a_weight], ids=lambda fault: fault.__name__)
def test_a_fault_is_told_as_on_the_plain_way(fault, cupy):
    def later(model, x, y):
        right = classifier()[1:]
        model.fit(*right, batch_size=3, epochs=2, verbose=0, shuffle=False)
        fault(model, x, y)

    error, activation = FAULTS[fault]
    with tg.use(replay=False):
        plain = told_by_fit(later, activation, error)
    assert told_by_fit(later, activation, error) == plain


@pytest.mark.slow
def test_a_flag_that_was_set_is_cleared(cupy):
    def play(session):
        session.steps(4)
        model, (x, y) = session.model, classifier()[1:]
        wrong_id(model, x, y)
        with pytest.raises(IndexError, match="id 5"):
            session.steps(feed=Session(model, x, y).feeds[1])
        session.steps(3)

    assert both_ways(play).kinds == [False] * 2 + [True] * 5


@pytest.mark.slow
def test_a_step_that_would_overflow_is_refused_as_a_whole(cupy):
    """A gradient that is finite, and whose square is not."""

    def play(session):
        session.steps(4)
        before = Session.all_said(copy_of(session))
        updated_weights(session, yes=1e25)
        with pytest.raises(FloatingPointError, match="would bring infinity or NaN into"):
            session.steps()
        assert Session.all_said(copy_of(session)) == before
        updated_weights(session, yes=1.0)
        session.steps(2)

    assert both_ways(play).kinds[-1]


@pytest.mark.slow
def test_a_loss_weight_that_float32_cannot_hold_is_told(cupy):
    def play(session):
        session.steps(4)
        updated_weights(session, yes=1e300)
        with np.errstate(over="ignore"), pytest.raises(FloatingPointError):
            session.steps()
        updated_weights(session, yes=1.0)
        session.steps()

    both_ways(play)


@pytest.mark.slow
def test_a_loss_of_weight_0_that_is_infinite_stops_nothing(cupy):
    def play(session):
        session.steps(4)
        updated_weights(session, **{"class": 0.0})
        assign(session.model, "class/kernel", 1e38)
        session.steps(2)
        assign(session.model, "class/kernel", 1e-38)
        session.steps(2)

    both_ways(play)


# ---------------------------------------------------------------- what is left to the plain way


def twice_by_oneself(x):
    return 2 * x, (lambda g: 2 * g,)


twice_by_oneself = tg.ops.Op(twice_by_oneself)  # which is in no table


def small(make=lambda x: x, shape=(3,), optimizer="sgd", **how):
    x = tg.Input(shape, name="x")
    model = tg.Model(x, layers.Dense(1, name="y")(make(x)))
    model.compile(optimizer, "mse", **how)
    return model


def any_length(x):
    return layers.GlobalAveragePooling1D()(x)


class Twice(optimizers.SGD):
    def rule(self, w, g, rate, t):
        return w - 2 * rate * g


class Own(optimizers.SGD):
    def apply(self, gradients, check=None):
        super().apply(gradients, check)


def shared_normalisation(x):
    norm = layers.BatchNormalization()
    return norm(norm(x))


PLAIN = {
    "dropout": lambda: small(layers.Dropout(0.2)),
    "noise": lambda: small(layers.GaussianNoise(0.2)),
    "an op of one's own": lambda: small(twice_by_oneself),
    "inputs of any length": lambda: small(any_length, shape=(None, 3)),
    "clipping": lambda: small(optimizer=optimizers.SGD(clipnorm=1.0)),
    "a rule without a kernel": lambda: small(optimizer=optimizers.Nadam()),
    "a setting that its kernel lacks": lambda: small(optimizer=optimizers.Adam(amsgrad=True)),
    "a rule of one's own": lambda: small(optimizer=Twice(0.1)),
    "a way to apply of one's own": lambda: small(optimizer=Own(0.1)),
    "weights by a function": lambda: small(loss_weights=lambda step, losses: {"y": 0.5}),
    "a moving average that is moved twice": lambda: small(shared_normalisation),
    "what asks cuBLAS": lambda: small(layers.SimpleRNN(2), shape=(4, 3)),
}


@pytest.mark.medium
@pytest.mark.parametrize("what", PLAIN)
def test_where_it_cannot_serve_the_plain_way_does(what, cupy):
    model = PLAIN[what]()
    (x,) = model.inputs.values()
    shape = [4 if n is None else n for n in x.shape[1:]]
    data = np.ones((6, *shape), "float32") + numbers(*shape)[:1]
    session = Session(model, data, np.ones((6, 1))).steps(5)
    assert session.kinds == [False] * 5


@pytest.mark.medium
@pytest.mark.parametrize("how", [{"replay": False}, {"kernels": False}, {"floatx": "float64"}])
def test_it_can_be_switched_off(how, cupy):
    with tg.use(**how):
        session = Session(*classifier()).steps(5)
    assert session.kinds == [False] * 5


@pytest.mark.exhaustive
def test_who_changes_settings_again_and_again_is_left_to_the_plain_way(cupy, monkeypatch):
    session = Session(*classifier())
    for worth_it, expected in ((10**9, False), (2, True)):
        monkeypatch.setattr(captured, "WORTH_IT", worth_it)
        session.model.compile("adam", ["binary_crossentropy", "sparse_categorical_crossentropy"])
        session.take(*classifier()[1:])
        for n in range(6):
            session.model.optimizer.beta_1 = 0.5 + n / 100
            session.steps(5)
        assert session.kinds[-1] is expected


@pytest.mark.medium
def test_why_a_step_is_not_captured_is_kept(cupy):
    model = PLAIN["what asks cuBLAS"]()
    session = Session(model, np.ones((6, 4, 3)), np.ones((6, 1))).steps(4)
    assert session.kinds == [False] * 4
    (kind,) = kinds_of(model)
    assert "cuBLAS" in kind.why_not


@pytest.mark.slow
def test_batches_of_many_kinds_are_left_to_the_plain_way(cupy):
    model, x, y = classifier()
    for size in (1, 2, 3, 4, 5):
        session = Session(model, x, y, batch=size)
        session.steps(3, feed=session.feeds[0])
    assert session.kinds[-1] is False and len(kinds_of(model)) == captured.KINDS


# ---------------------------------------------------------------- planted faults: each is seen


def plant(monkeypatch, method, around):
    """From now on a captured step does something else around one of its methods."""
    right = getattr(CapturedStep, method)
    monkeypatch.setattr(CapturedStep, method, lambda self, *given: around(right, self, *given))


def is_seen(test, *given):
    with pytest.raises((Exception, pytest.fail.Exception)):
        test(*given)


NOT_BROUGHT = {  # what the graph reads, what becomes of it, and what is done meanwhile
    "_inputs": (lambda kept: {}, "somebody looks"),
    "_numbers": (lambda kept: kept.copy(), "the learning rate is set"),
    "_values": (lambda kept: [x.copy() for x in kept], "a parameter is assigned"),
    "_fixed": (lambda kept: {}, None),
}


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.slow
@pytest.mark.parametrize("name", NOT_BROUGHT)
def test_planted_something_is_not_brought(name, cupy, monkeypatch):
    instead, what = NOT_BROUGHT[name]

    def around(bring, step, *given):
        kept = getattr(step, name)
        if hasattr(step, "_captured"):
            setattr(step, name, instead(kept))
        bring(step, *given)
        setattr(step, name, kept)

    plant(monkeypatch, "_bring", around)
    if what:
        is_seen(test_what_happens_between_steps_is_heeded, what, cupy)
    else:
        is_seen(test_a_layer_that_was_frozen_thaws_and_is_assigned_meanwhile, cupy)


@pytest.mark.slow
def test_planted_the_learning_rate_is_a_constant(cupy, monkeypatch):
    constants = []

    def around(work, step, *given):
        if not constants:  # not in the capture itself
            constants.append(step._numbers.copy())
        kept, step._numbers = step._numbers, constants[0]
        found = work(step, *given)
        step._numbers = kept
        return found

    plant(monkeypatch, "_work", around)
    is_seen(test_six_captured_steps_are_six_plain_ones, "momentum", cupy)


@pytest.mark.slow
def test_planted_a_loss_weight_is_a_constant(cupy, monkeypatch):
    def with_constants(plan, tape, seeds):
        return swept(plan, tape, [1.0] * len(seeds))

    monkeypatch.setattr(captured, "swept", with_constants)
    is_seen(test_what_happens_between_steps_is_heeded, "loss weights change", cupy)


@pytest.mark.slow
def test_planted_what_is_wrong_is_not_looked_at(cupy, monkeypatch):
    class Careless:
        def __init__(self, told):
            self.told = told

        def get(self):
            return np.append(self.told.get()[:-1], 0)

    def around(run, step, *given):
        kept, step._told = step._told, Careless(step._told)
        try:
            return run(step, *given)
        finally:
            step._told = kept

    plant(monkeypatch, "run", around)
    is_seen(test_a_batch_that_is_not_finite_changes_nothing_and_training_goes_on, np.nan, cupy)
    is_seen(test_a_step_that_would_overflow_is_refused_as_a_whole, cupy)
    is_seen(test_a_flag_that_was_set_is_cleared, cupy)


@pytest.mark.medium
def test_planted_a_flag_of_a_kernel_is_left_out(cupy, monkeypatch):
    monkeypatch.setattr(captured, "set_apart", lambda: contextlib.nullcontext([]))
    is_seen(test_a_flag_that_was_set_is_cleared, cupy)


@pytest.mark.medium
def test_planted_values_are_left_in_the_memory_of_the_graph(cupy, monkeypatch):
    class Uncopied:
        def __init__(self, x):
            self.x = x

        def copy(self):
            return self.x

    def around(run, step, *given):
        kept, step._new = step._new, [[Uncopied(v), *slots] for v, *slots in step._new]
        try:
            return run(step, *given)
        finally:
            step._new = kept

    plant(monkeypatch, "run", around)
    is_seen(test_whoever_holds_a_value_keeps_it, cupy)


@pytest.mark.medium
def test_planted_the_tape_is_not_lent(cupy, monkeypatch):
    def around(run, step, *given):
        step._free = [step]
        return run(step, *given)

    plant(monkeypatch, "run", around)
    is_seen(test_a_tape_that_is_held_keeps_its_numbers, cupy)


@pytest.mark.slow
def test_planted_settings_of_the_optimizer_are_not_heeded(cupy, monkeypatch):
    monkeypatch.setattr(captured, "settings_of", lambda optimizer: {})
    is_seen(test_what_happens_between_steps_is_heeded, "momentum is set", cupy)
