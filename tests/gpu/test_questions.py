"""What a GPU is asked: together, once per step, and what is wrong is told as on NumPy."""

from pathlib import Path

import double
import numpy as np
import pytest
import raw_module

import tinygrad_mo as tg
from tinygrad_mo import layers, questions
from tinygrad_mo.callbacks import LambdaCallback
from tinygrad_mo.device import to_numpy
from tinygrad_mo.questions import ask, refuse_if, settle, told


def refuse(words):
    raise ValueError(words)


def notes_of(error):
    return getattr(error, "__notes__", [])


# ---------------------------------------------------------------- questions


def test_on_numpy_nothing_is_put_off():
    assert ask(np.float32(2)) == 2.0
    refuse_if(np.bool_(False), lambda: refuse("no"))
    with pytest.raises(ValueError, match="yes"):
        refuse_if(np.bool_(True), lambda: refuse("yes"))
    assert questions.OPEN == []


def test_all_answers_come_in_one_transfer(cupy):
    x = cupy.asarray([1.5, 2.5])
    double.counts.clear()
    answers = [ask(x.sum()), ask(x[0].astype("float32")), ask((x > 2).any()), ask(x.size)]
    refuse_if((x < 0).any(), lambda: refuse("negative"))
    assert double.counts["wait"] == 0 and repr(answers[0]) == "an answer to come"
    assert [float(answer) for answer in answers] == [4, 1.5, 1, 2]
    assert bool(answers[2]) and double.counts["wait"] == 1 and questions.OPEN == []


def test_who_looks_at_numbers_is_told_what_is_wrong(cupy):
    x = cupy.asarray([1.0, -2.0])
    refuse_if((x < 0).any(), lambda: refuse("negative"))
    with pytest.raises(ValueError, match="negative"):
        to_numpy(x)
    assert to_numpy(x).tolist() == [1, -2]


def test_who_has_asked_is_told_with_the_answer(cupy):
    x = cupy.asarray([-1.0])

    def work():
        refuse_if((x < 0).any(), lambda: refuse("negative"))
        return 3

    assert told(lambda: "outside", told, lambda: "inside", work) == 3
    with pytest.raises(ValueError, match="negative") as caught:
        settle()
    assert notes_of(caught.value) == ["inside", "outside"]


def test_an_eager_op_tells_at_once(cupy):
    with pytest.raises(IndexError, match="id 7"):
        tg.ops.embedding(tg.Tensor([7]), tg.Tensor([[1.0]]))
    assert questions.OPEN == []


def test_what_belonged_to_work_that_failed_is_not_asked(cupy):
    def work():
        refuse_if((cupy.asarray([-1.0]) < 0).any(), lambda: refuse("negative"))
        raise KeyError("other")

    with pytest.raises(KeyError):
        told(lambda: "here", work)
    settle()


def test_there_is_an_end_to_what_is_left_open(cupy, monkeypatch):
    monkeypatch.setattr(questions, "MOST_OPEN", 3)
    answers = [ask(cupy.asarray(float(n))) for n in range(5)]
    assert len(questions.OPEN) == 2
    assert list(map(float, answers)) == [0, 1, 2, 3, 4]


# ---------------------------------------------------------------- what is wrong


def classifier(activation="sigmoid"):
    tg.set_random_seed(0)
    ids, x = tg.Input((3,), dtype="int32", name="ids"), tg.Input((2,), name="x")
    h = layers.Flatten()(layers.Embedding(5, 2, name="table")(ids))
    h = layers.BatchNormalization(name="norm")(layers.concatenate([h, x]))
    yes = layers.Dense(1, activation=activation, name="yes")(h)
    model = tg.Model([ids, x], [yes, layers.Dense(4, activation="softmax", name="class")(h)])
    model.compile("adam", ["binary_crossentropy", "sparse_categorical_crossentropy"])
    random = np.random.default_rng(0)
    data = [random.integers(0, 5, (6, 3)), random.normal(size=(6, 2)).astype("float32")]
    return model, data, [random.integers(0, 2, (6, 1)), random.integers(0, 4, 6)]


def wrong_id(model, x, y):
    x[0][4, 1] = 5


def wrong_probabilities(model, x, y):
    kernel, bias = (model.named_weights()[f"yes/{name}"] for name in ("kernel", "bias"))
    kernel.assign(np.zeros(kernel.shape))
    bias.assign(np.array([2.0]))


def far_too_large(model, x, y):
    x[1][3] = 3e38


def nan_in_a_weight(model, x, y):
    model.named_weights()["class/kernel"].assign(np.full((8, 4), np.nan))


FAULTS = {
    wrong_id: (IndexError, "sigmoid"),
    wrong_probabilities: (ValueError, "linear"),
    far_too_large: (FloatingPointError, "sigmoid"),
    nan_in_a_weight: (FloatingPointError, "sigmoid"),
}


def told_by_fit(fault, activation, error):
    model, x, y = classifier(activation)
    fault(model, x, y)
    before = [w.numpy() for w in model.weights]
    with np.errstate(all="ignore"), pytest.raises(error) as caught:
        model.fit(x, y, batch_size=3, verbose=0, shuffle=False)
    now = [w.numpy() for w in model.weights]
    steps = model.step
    model.fit(*classifier()[1:], verbose=0) if fault is wrong_id else None  # it can go on
    return str(caught.value), notes_of(caught.value), steps, list(map(np.array_equal, before, now))


@pytest.mark.one_in(4, rest="medium")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_told_as_on_numpy(fault, cupy):
    error, activation = FAULTS[fault]
    with tg.use("numpy"):
        here = told_by_fit(fault, activation, error)
    with tg.use(kernels=False):  # infinity of a rule may be NaN of a kernel
        assert told_by_fit(fault, activation, error) == here


@pytest.mark.medium
def test_a_wrong_id_is_told_by_predict_and_evaluate(cupy):
    model, x, y = classifier()
    wrong_id(model, x, y)
    for call in (lambda: model.predict(x, batch_size=3), lambda: model.evaluate(x, y, 3)):
        with pytest.raises(
            IndexError, match=r"id 5 at position \(1, 1\) is out of range"
        ) as caught:
            call()
        words = " ".join(notes_of(caught.value))
        assert "Embedding 'table'" in words and "samples" in words and "3" in words


@pytest.mark.medium
def test_metrics_and_history_are_those_of_numpy(cupy):
    def trained():
        model, x, y = classifier()
        metrics = {"yes": ["binary_accuracy", "auc"], "class": "sparse_categorical_accuracy"}
        losses = ["binary_crossentropy", "sparse_categorical_crossentropy"]
        model.compile("adam", losses, metrics=metrics)
        return model.fit(x, y, epochs=2, batch_size=4, verbose=0, validation_data=(x, y)).history

    with tg.use("numpy"):
        here = trained()
    there = trained()
    assert list(here) == list(there)
    for name, values in here.items():
        np.testing.assert_allclose(there[name], values, 1e-5, 1e-6, err_msg=name)


@pytest.mark.medium
def test_predict_waits_once(cupy):
    model, x, _ = classifier()
    double.counts.clear()
    model.predict(x, batch_size=2)
    assert double.counts["fetch"] == 1


# ---------------------------------------------------------------- a training step


def test_a_gradient_that_a_rule_hides_is_looked_at(cupy):
    """The sign of infinity is 1, as if nothing had happened."""

    class Signs(tg.optimizers.Optimizer):
        def rule(self, w, g, rate, t):
            return w - rate * np.sign(g)

    for system in ("numpy", "cupy"):
        with tg.use(system, kernels=False):
            w, optimizer = tg.Parameter(np.ones(3), "w"), Signs(0.1)
            bad = tg.Tensor(np.array([1.0, np.inf, 2.0], "float32")).value
            with pytest.raises(FloatingPointError, match="the gradient of 'w'"):
                optimizer.apply({w: bad})
            assert to_numpy(w.value).tolist() == [1, 1, 1]


def test_metrics_of_a_gpu_wait_until_somebody_asks(cupy):
    class Noting(tg.metrics.MeanMetric):
        def scores(self, y_true, y_pred):
            seen.append(len(y_true))
            return np.zeros(len(y_true))

    seen, counts = [], []
    x = tg.Input((3,), name="x")
    model = tg.Model(x, layers.Dense(1, name="y")(x))
    model.compile("sgd", "mse", metrics=[Noting()])
    note = LambdaCallback(on_train_batch_end=lambda step, logs: counts.append(sum(seen)))
    with tg.use(kernels=False):
        model.fit(np.ones((6, 3)), np.ones((6, 1)), batch_size=2, verbose=0, callbacks=[note])
    assert np.diff(counts).tolist() == [0, 0] and sum(seen) == counts[-1] + 6


LAUNCHES = {"w1": 75, "w2": 50, "w3": 90, "w4": 50, "w5": 120, "w6": 44, "w7": 210}  # at most


@pytest.mark.one_in(7, rest="exhaustive")
@pytest.mark.slow
@pytest.mark.skipif(not raw_module.COMPILER, reason="there is no g++ for the CUDA text")
@pytest.mark.parametrize("name", LAUNCHES)
def test_a_training_step_waits_once_and_sends_nothing(name, cupy, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    import tinygrad_mo_peer as peer
    import workloads

    monkeypatch.setitem(workloads.BATCH, name, 2)
    model, feeds = peer.compiled(name)
    with tg.use(replay=False):
        for feed in feeds:  # what is made once is made
            peer.train_step(model, feed)
        double.counts.clear()
        tape = peer.train_step(model, feeds[0])
    model.objective.plan().numbers(tape, model.objective.plan().losses)
    assert double.counts["wait"] == 1 and double.counts["send"] == 0
    assert double.counts["launch"] <= LAUNCHES[name]
