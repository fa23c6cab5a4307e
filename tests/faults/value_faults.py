"""Faults of shapes, types and values: rows 35 to 60."""

import numpy as np

import tinygrad_mo as tg
from faults import fault
from graph_faults import X, Y, dense
from tinygrad_mo import layers, losses, ops
from zoo import labels, numbers


@fault(35, "a product of matrices that do not fit", ValueError, r"\(2, 3\).*\(4, 5\)")
def _():
    ops.matmul(tg.Tensor(np.ones((2, 3))), tg.Tensor(np.ones((4, 5))))


@fault(36, "another width after the first call", ValueError, "Dense 'y' has weights for inputs of")
def _():
    layer = layers.Dense(1, name="y")
    layer(tg.Input((3,)))
    layer(tg.Input((4,)))


@fault(37, "labels (N,) for an output (N, 1)")
def _():
    model = dense()
    assert model.evaluate(X, Y[:, 0]) == model.evaluate(X, Y)
    return "are taken for (N, 1), never broadcast to (N, N)"


@fault(
    38,
    "labels (N, 4) for an output (N, 1)",
    ValueError,
    r"'y': shape \(4, 4\), expected \(None, 1\)",
)
def _():
    dense().fit(X, numbers(4), verbose=0)


@fault(39, "float64 data for a float32 model")
def _():
    model = dense()
    assert model.predict(X.astype("float64")).dtype == "float32"
    assert (tg.Tensor([1.0]) * 2.5).dtype == "float32"
    return "is cast where it enters, and numbers of Python take the type of the tensor"


@fault(40, "a class that does not exist", ValueError, "label 3 in row 1 is not one of")
def _():
    tg.losses.SparseCategoricalCrossentropy()(np.array([0, 3]), tg.Tensor(np.full((2, 3), 1 / 3)))


@fault(41, "classes that are no whole numbers", ValueError, "label 0.5 in row 0")
def _():
    tg.losses.SparseCategoricalCrossentropy()(np.array([0.5, 1]), tg.Tensor(np.full((2, 3), 1 / 3)))


def words():
    x = tg.Input((2,), "int32", name="ids")
    return tg.Model(x, layers.Embedding(5, 3, name="table")(x))


@fault(42, "a word that is not in the table", IndexError, "id 7 at position .*ids go from 0 to 4")
def _():
    words().predict(np.array([[0, 7]]))


@fault(43, "a word of number -1, or 1.7", TypeError, "whole numbers .int32. are needed, not 1.7")
def _():
    try:
        words().predict(np.array([[0, -1]]))
    except IndexError as error:
        assert "id -1" in str(error)
        words().predict(np.array([[0, 1.7]]))


@fault(44, "logits where probabilities belong", ValueError, "from_logits=True")
def _():
    losses.BinaryCrossentropy()(np.ones((2, 1)), tg.Tensor([[1.5], [0.5]]))


@fault(45, "a window larger than the picture", ValueError, "do not fit into an input")
def _():
    layers.MaxPooling1D(5)(tg.Input((3, 1)))


@fault(46, "a stride of 0", ValueError, "strides")
def _():
    layers.Conv1D(1, 3, strides=0)


@fault(47, "a name with a typo", ValueError, "did you mean 'relu'")
def _():
    layers.Dense(1, activation="rleu")


@fault(48, "strides and dilation above 1", ValueError, "cannot both be larger than 1")
def _():
    layers.Conv1D(1, 2, strides=2, dilation_rate=3)


@fault(49, "batch normalisation of one sample", UserWarning, "bn has one value per channel")
def _():
    x = tg.Input((3,), name="x")
    y = layers.Dense(1, name="y")(layers.BatchNormalization(name="bn")(x))
    model = tg.Model(x, y)
    model.compile("sgd", "mse")
    model.fit(X[:3], Y[:3], batch_size=2, verbose=0)


@fault(50, "no samples, or samples without steps", ValueError, "axis 1 has length 0")
def _():
    x = tg.Input((None, 2), name="x")
    model = tg.Model(x, layers.Dense(1, name="y")(layers.LSTM(3)(x)))
    model.compile("sgd", "mse")
    assert model.predict(np.ones((0, 5, 2))).shape == (0, 1)
    for none in (model.evaluate, model.fit, model.train_on_batch, model.gradient_flow):
        try:
            none(np.ones((0, 5, 2)), np.ones((0, 1)))
        except ValueError as error:
            assert "no samples" in str(error)
        else:
            raise AssertionError(none)
    model.fit(np.ones((4, 0, 2)), np.ones((4, 1)), verbose=0)


@fault(51, "a dropout rate of 1.5; of 1", ValueError, "between 0 and 1, not 1.5")
def _():
    chance = np.random.default_rng(0)
    y, (pull, *_) = ops.dropout(np.ones(4), rate=1.0, generator=chance, training=True)
    assert not y.any() and not pull(np.ones((1, 4))).any()
    try:
        ops.dropout(tg.Tensor(np.ones(4)), rate=0.5, generator=chance, training=True)
    except TypeError as error:
        assert "leave training out" in str(error)
    layers.Dropout(1.5)


@fault(52, "tensors that cannot be joined", ValueError, "all other axes must agree")
def _():
    layers.concatenate([tg.Input((2, 3)), tg.Input((4, 3))])


@fault(53, "NaN in the data", ValueError, r"1 NaN or infinite values, the first at .*1.*2")
def _():
    x = X.copy()
    x[1, 2] = np.nan
    dense().fit(x, Y, verbose=0)


@fault(54, "texts, ragged lists", TypeError, "numbers are needed, not <U1, which starts with")
def _():
    try:
        dense().predict([[1.0, 2.0, 3.0], [1.0]])
    except ValueError as error:
        assert "a ragged list" in str(error)
        dense().predict(np.array([["a", "b", "c"]]))


@fault(55, "x and y of unequal length", ValueError, "4 in input 'x', 3 in labels")
def _():
    dense().fit(X, Y[:3], verbose=0)


@fault(56, "no loss for an output", ValueError, "loss: 1 given for 2: a, b")
def _():
    x = tg.Input((3,), name="x")
    model = tg.Model(x, [layers.Dense(1, name="a")(x), layers.Dense(1, name="b")(x)])
    model.compile("sgd", ["mse"])


@fault(57, "a loss weight that is NaN", ValueError, "'y' must be a number, not nan")
def _():
    model = dense()
    model.compile("sgd", "mse", loss_weights=[float("nan")])


@fault(58, "a batch size of 0", ValueError, "batch_size must be a whole number, 1 or more, not 0")
def _():
    dense().fit(X, Y, batch_size=0)


@fault(59, "two layers of one name", ValueError, "two layers are called 'x'")
def _():
    x = tg.Input((3,))
    tg.Model(x, layers.Dense(3, name="x")(layers.Dense(3, name="x")(x)))


@fault(60, "fit before compile", RuntimeError, "compile")
def _():
    x = tg.Input((3,))
    tg.Model(x, layers.Dense(1)(x)).fit(X, labels(2, 1))
