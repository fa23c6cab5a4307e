"""The model in words, cut-off heads, and outputs of inner layers."""

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers
from zoo import headline, numbers


def sentences(model):
    return " ".join(model.explain().split())


def test_who_trains_what():
    model, _, _ = headline()
    text = sentences(model)
    assert "One number is minimised: 1 x main_output + 0.2 x aux_output." in text
    assert (
        "aux_output (binary_crossentropy of output aux_output) trains embedding, lstm and "
        "aux_output. No path leads from it to dense, dense_1, dense_2 and main_output."
    ) in text
    assert (
        "The weight of aux_output scales the whole gradient of aux_output, changes the mixture in "
        "embedding and lstm and leaves the gradient of dense, dense_1, dense_2 and main_output "
        "exactly as before."
    ) in text
    assert "twice the weight, twice the step" in text


def test_what_the_optimizer_cancels():
    model, _, _ = headline(optimizer="rmsprop")
    text = sentences(model)
    assert "RMSprop divides each gradient by its own running size." in text
    assert "(dense, dense_1, dense_2, main_output and aux_output) its weight cancels" in text


def test_what_one_might_overlook():
    x, z = tg.Input((3,), name="x"), tg.Input((3,), name="z")
    shared, frozen = layers.Dense(3, name="shared"), layers.Dense(3, name="frozen", trainable=False)
    joined = layers.add([shared(x), shared(z)])
    outputs = [layers.Dense(1, name="a")(frozen(joined)), layers.Dense(1, name="b")(joined)]
    model = tg.Model([x, z], outputs)
    model.compile("sgd", {"a": "mse"})
    text = sentences(model)
    assert "shared is called 2 times with the same weights: the gradients of its calls" in text
    assert "Frozen: frozen. Gradients pass through, weights stay." in text
    assert "No loss reaches b: nothing trains it." in text
    assert "Without a loss: b." in text


def test_a_weight_of_0_is_not_a_missing_path():
    model, _, _ = headline()
    model.loss_weights = {"aux_output": 0.0}
    assert "aux_output has weight 0; with another weight it would train embedding" in sentences(
        model
    ).replace("(binary_crossentropy of output aux_output) ", "")


def test_an_auxiliary_head_can_be_cut_off():
    model, x, _ = headline()
    rest = model.without("aux_output")
    assert list(rest.outputs) == ["main_output"] and list(rest.inputs) == list(model.inputs)
    np.testing.assert_array_equal(rest.predict(x), model.predict(x)[0])
    head = model.get_layer("aux_output").count_params()
    assert rest.count_params() == model.count_params() - head
    assert rest.get_layer("lstm") is model.get_layer("lstm")


def test_inputs_that_nothing_needs_go_with_the_head():
    model, x, _ = headline()
    rest = model.without("main_output")
    assert list(rest.inputs) == ["main_input"]
    np.testing.assert_array_equal(rest.predict(x[0]), model.predict(x)[1])


def test_what_cannot_be_cut_off():
    model, _, _ = headline()
    with pytest.raises(ValueError, match="did you mean 'aux_output'"):
        model.without("aux")
    with pytest.raises(ValueError, match="no output is left"):
        model.without("aux_output", "main_output")


def test_the_output_of_an_inner_layer():
    model, x, _ = headline()
    inner = tg.Model(model.inputs["main_input"], model.get_output("lstm"))
    assert inner.predict(x[0]).shape == (4, 4)
    with pytest.raises(ValueError, match="did you mean 'lstm'"):
        model.get_output("lsm")


def test_a_layer_that_is_called_twice_has_two_outputs():
    x, z = tg.Input((3,), name="x"), tg.Input((3,), name="z")
    shared = layers.Dense(2, name="shared")
    model = tg.Model([x, z], layers.subtract([shared(x), shared(z)]))
    with pytest.raises(ValueError, match=r"called 2 times .* from 'shared:0' to 'shared:1'"):
        model.get_output("shared")
    values = numbers(3)
    left = tg.Model(x, model.get_output("shared:0")).predict(values)
    right = tg.Model(z, model.get_output("shared:1")).predict(values)
    np.testing.assert_array_equal(left, right)


def test_a_layer_itself_has_no_output():
    model, _, _ = headline()
    with pytest.raises(AttributeError, match=r"model\.get_output\('lstm'\)"):
        _ = model.get_layer("lstm").output
