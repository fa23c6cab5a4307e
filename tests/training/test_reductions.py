"""What a loss is whose reduction is "sum": in a step, in an epoch, and in what is measured."""

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers, losses
from zoo import every_kind_of_loss, padded_ids

nan = np.nan
RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(11, 3))
Y = {"size": RANDOM.normal(size=(11, 2)), "kind": RANDOM.integers(0, 3, 11).astype(float)}
Y["size"][[2, 7]], Y["kind"][[0, 1, 2, 3, 9]] = nan, nan  # what has no label
WEIGHT = RANDOM.uniform(0, 2, 11).round(1)


def judged(size="sum", kind="sum_over_batch_size", weights=(0.5, 2.0)):
    tg.set_random_seed(1)
    x = tg.Input((3,), name="x")
    trunk = layers.Dense(4, "tanh", name="trunk")(x)
    heads = [layers.Dense(2, name="size"), layers.Dense(3, "softmax", name="kind")]
    model = tg.Model(x, {head.name: head(trunk) for head in heads})
    chosen = {
        "size": losses.MeanSquaredError(reduction=size),
        "kind": losses.SparseCategoricalCrossentropy(reduction=kind),
    }
    model.compile("sgd", chosen, dict(zip(chosen, weights, strict=True)))
    return model


@pytest.mark.medium
@pytest.mark.parametrize("kind", ["sum", "sum_over_batch_size", "mean_with_sample_weight"])
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.usefixtures("float64")
def test_an_evaluation_is_what_one_batch_of_everything_gives(kind, weight):
    """However the data are cut; a batch may lack all labels of an output."""
    model = judged("sum", kind)
    p = model.predict(X)
    alone = {name: float(model.objective.terms[name].loss(Y[name], p[name], weight)) for name in Y}
    size = np.square(p["size"] - Y["size"]).mean(axis=-1) * (1 if weight is None else weight)
    assert alone["size"] == pytest.approx(np.nansum(size))
    total = 0.5 * alone["size"] + 2 * alone["kind"]
    for batch_size in (1, 2, 4, 11):
        found = model.evaluate(X, Y, batch_size, weight, return_dict=True)
        assert found["size_loss"] == pytest.approx(alone["size"])
        assert found["kind_loss"] == pytest.approx(alone["kind"])
        assert found["loss"] == pytest.approx(total)


@pytest.mark.medium
@pytest.mark.usefixtures("float64")
def test_an_epoch_is_the_sum_of_its_batches():
    """With a learning rate of 0, and its parts and shares add up."""
    model = judged()
    whole = model.evaluate(X, Y, return_dict=True)
    model.optimizer.learning_rate = 0.0
    for batch_size in (3, 11):
        history = model.fit(X, Y, batch_size, verbose=0, validation_data=(X, Y)).history
        for key, value in whole.items():
            assert history[key] == [pytest.approx(value)]
            assert history[f"val_{key}"] == [pytest.approx(value)]
        parts = [history[f"weighted/{name}"][0] for name in Y]
        assert sum(parts) == pytest.approx(whole["loss"])
        assert history["share/size"] == [pytest.approx(parts[0] / sum(parts))]


@pytest.mark.medium
@pytest.mark.usefixtures("float64")
def test_a_step_pulls_by_the_sum_of_its_batch():
    model, labelled = judged(), 11 - 2
    flow, by_mean = (m.gradient_flow(X, Y) for m in (model, judged("sum_over_batch_size")))
    weights = [name for name in flow.parameters if flow.reaches("size", name)]
    assert weights
    for name in weights:
        assert flow.norm("size", name) == pytest.approx(labelled * by_mean.norm("size", name))
        if flow.reaches("kind", name):
            assert flow.norm("kind", name) == pytest.approx(by_mean.norm("kind", name))
    assert flow.values["size"] == pytest.approx(labelled * by_mean.values["size"])
    twin = judged("sum_over_batch_size", weights=(0.5 * labelled, 2.0))
    for one in (model, twin):
        for _ in range(4):  # the later ones are replayed
            one.train_on_batch(X, Y)
    for one, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


@pytest.mark.usefixtures("float64")
def test_padding_is_not_summed():
    ids, p = padded_ids(), tg.Input((5,), "int32", "ids")
    every = layers.LSTM(3, return_sequences=True)(layers.Embedding(9, 4, mask_zero=True)(p))
    model = tg.Model(p, layers.Dense(2, name="out")(every))
    model.compile("sgd", losses.LogCosh(reduction="sum"))
    y = RANDOM.normal(size=(4, 5, 2))
    each = np.log(np.cosh(model.predict(ids) - y)).mean(axis=-1)
    for batch_size in (1, 3, 4):
        assert model.evaluate(ids, y, batch_size) == pytest.approx(each[ids != 0].sum())


@pytest.mark.usefixtures("float64")
@pytest.mark.filterwarnings("ignore:no output depends on input 'label'")
def test_an_added_loss_may_be_a_sum():
    x, label = tg.Input((3,), name="x"), tg.Input((2,), name="label")
    out = layers.Dense(2, name="out")(x)
    model = tg.Model([x, label], out)
    model.add_loss(losses.MeanSquaredError(reduction="sum")(label, out), "own")
    model.compile("sgd")
    y = X[:, :2]
    total = np.square(model.predict([X, y]) - y).mean(axis=-1).sum()
    assert [model.evaluate([X, y], batch_size=n) for n in (2, 11)] == [pytest.approx(total)] * 2


def test_what_was_never_labelled_has_no_sum():
    model = judged()
    y = {"size": np.full((11, 2), nan), "kind": Y["kind"]}
    with pytest.warns(UserWarning, match="no label of output 'size' counts"):
        found = model.evaluate(X, y, 4, return_dict=True)
    assert np.isnan(found["size_loss"]) and found["loss"] == pytest.approx(2 * found["kind_loss"])


@pytest.mark.medium
def test_a_sum_comes_back_from_a_file(tmp_path):
    model, x, y = every_kind_of_loss()
    model.save(tmp_path / "model.tg")
    again = tg.load(tmp_path / "model.tg")
    assert again.evaluate(x, y, 3) == model.evaluate(x, y, 3)
    assert again.objective.terms["place_log_cosh"].is_sum
    assert "log_cosh (a sum)" in again.pairing() and again.pairing().count("(a sum)") == 1


@pytest.mark.parametrize(
    "given", [losses.Huber(reduction="none"), ["mse", losses.Huber(reduction="none")]]
)
def test_a_loss_for_each_sample_is_not_trained(given):
    model = judged()
    before = model.objective
    with pytest.raises(ValueError, match="loss 'huber' of output 'size': with reduction='none' it"):
        model.compile("sgd", {"size": given, "kind": None})
    assert model.objective is before
    x = tg.Input((3,), name="x")
    out = layers.Dense(2, name="out")(x)
    other = tg.Model(x, out)
    with pytest.raises(ValueError, match="loss 'own' must be a scalar, use"):
        other.add_loss(losses.Huber(reduction="none")(x[:, :2], out), "own")


def test_a_loss_for_each_sample_and_step():
    """Called by itself: weighted, 0 where padding is or a label is missing, with its gradient."""
    p, y = tg.Tensor(RANDOM.normal(size=(2, 3, 2))), RANDOM.normal(size=(2, 3, 2))
    y[0, 1] = nan
    p.mask = tg.Tensor([[True, True, False], [True, True, True]])
    loss = losses.MeanSquaredError(reduction="none")
    each = loss(y, p, [2.0, 0.5])
    expected = np.square(p.numpy() - y).mean(axis=-1) * [[2.0], [0.5]]
    expected[[0, 0], [1, 2]] = 0
    np.testing.assert_allclose(each.numpy(), expected, rtol=1e-6)
    summed = losses.MeanSquaredError(reduction="sum")
    assert float(summed(y, p, [2.0, 0.5])) == pytest.approx(expected.sum())
    slopes = [tg.gradients(one, p) for one in (each.sum(), summed(y, p, [2.0, 0.5]))]
    np.testing.assert_allclose(*slopes, rtol=1e-6)
    assert not slopes[0][0, 1:].any() and slopes[0][1].all()


def test_a_mask_of_steps_is_one_of_all_that_a_step_has():
    """Predictions of shape (samples, steps, rows, columns, numbers), and a loss for each column."""
    shape = (2, 3, 4, 2, 5)
    p, y = tg.Tensor(RANDOM.normal(size=shape)), RANDOM.normal(size=shape)
    real = np.array([[True, True, False], [True, False, False]])
    p.mask = tg.Tensor(real)
    each = np.square(p.numpy() - y).mean(axis=-1)
    assert float(losses.MeanSquaredError()(y, p)) == pytest.approx(each[real].mean())
    assert float(losses.MeanSquaredError(reduction="sum")(y, p)) == pytest.approx(each[real].sum())
