"""Functions of tensors as layers."""

import numpy as np
import pytest

import tinygrad_mo as tg
from layer_checks import check_losses, numbers, two_losses
from tinygrad_mo import layers
from tinygrad_mo.files.archive import CheckpointError

FACTOR = tg.Parameter([2.0, 3.0, 4.0], "factor")


def scaled(x):
    return x * FACTOR


def difference(pair):
    a, b = pair
    return np.tanh(a) - b


@pytest.mark.medium
@pytest.mark.usefixtures("float64")
def test_gradients_and_the_law_of_the_losses():
    check_losses(*two_losses(layers.Lambda(lambda x: np.exp(-x * x) + x[:, :1]), 3))


def test_it_takes_what_its_function_takes():
    a, b = numbers(2, 3), numbers(2, 3) + 1
    x, z = tg.Input((3,), name="x"), tg.Input((3,), name="z")
    model = tg.Model([x, z], layers.Lambda(difference, name="apart")([x, z]))
    assert model.output_names == ["apart"]
    np.testing.assert_allclose(model.predict([a, b]), np.tanh(a) - b, rtol=1e-5)


def test_what_the_function_uses_is_trained():
    x, inner = tg.Input((3,)), layers.Dense(3, name="inner")
    model = tg.Model(x, layers.Lambda(lambda x: scaled(inner(x)), name="outer")(x))
    assert list(model.named_weights()) == ["outer/inner/kernel", "outer/inner/bias", "factor"]
    before = FACTOR.numpy()
    model.compile("sgd", "mse")
    model.train_on_batch(numbers(4, 3), numbers(4, 3))
    assert (FACTOR.numpy() != before).all()
    FACTOR.assign(before)


def makes_a_parameter(x):
    return x * tg.Parameter(np.ones(3), "mine")


@pytest.mark.parametrize(
    ("function", "what"),
    [(makes_a_parameter, "the parameter 'mine'"), (lambda x: layers.Dense(3)(x), "Dense 'dense'")],
)
def test_what_it_makes_anew_in_each_call_is_refused(function, what):
    x, z = tg.Input((3,), name="x"), tg.Input((3,), name="z")
    layer = layers.Lambda(function, name="maker")
    assert tg.Model(x, layer(x)).count_params() in (3, 12), "made once, it is found"
    with pytest.raises(ValueError, match=f"Lambda 'maker' makes {what} anew in each of its"):
        tg.Model([x, z], [layer(x), layer(z)])


@pytest.mark.parametrize(
    ("function", "custom"),
    [
        (scaled, {"scaled": scaled}),
        (lambda x: x + 1.0, {"<lambda>": lambda x: x + 1.0}),
        (tg.ops.square, None),
    ],
)
def test_a_file_holds_the_name_of_the_function(function, custom, tmp_path):
    x = tg.Input((3,))
    model = tg.Model(x, layers.Lambda(function, name="own")(x))
    model.save(tmp_path / "model.tg")
    copy = tg.load(tmp_path / "model.tg", custom)
    assert (copy.predict(numbers(2, 3)) == model.predict(numbers(2, 3))).all()
    if custom:
        ((name, handed_over),) = custom.items()
        assert copy.get_layer("own").function is handed_over
        with pytest.raises(CheckpointError, match=f"the file uses {name!r}.* Hand it over"):
            tg.load(tmp_path / "model.tg")


def test_two_functions_of_one_name_are_refused(tmp_path):
    x = tg.Input((3,))
    h = layers.Lambda(lambda x: x + 1.0)(x)
    model = tg.Model(x, layers.Lambda(lambda x: x * 2.0)(h))
    with pytest.raises(CheckpointError, match="two different ones are called '<lambda>'"):
        model.save(tmp_path / "model.tg")


def test_masks_go_as_far_as_its_ops_know_them():
    x = layers.Masking()(tg.Input((5, 3)))
    assert layers.Lambda(lambda x: x * 2.0)(x).mask is x.mask
    with pytest.warns(UserWarning, match="Lambda 'sum' does not know what to do with the mask"):
        layers.Lambda(lambda x: x.sum(axis=1), name="sum")(x)


def test_mistakes():
    with pytest.raises(TypeError, match="'l': function must be a function of tensors, not 'relu'"):
        layers.Lambda("relu", name="l")
    with pytest.raises(TypeError, match="not a Dense"):
        layers.Lambda(layers.Dense(3))
    with pytest.raises(TypeError, match="Lambda 'l' must return tensors, computed with ops"):
        layers.Lambda(lambda x: np.ones(3), name="l")(tg.Input((3,)))
