"""The model in words, cut-off heads, and outputs of inner layers."""

import re

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers
from tinygrad_mo.flow.ratios import update_ratios
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
    with pytest.raises(ValueError, match=r"called 2 times .* say which, 'shared:0' or 'shared:1'"):
        model.get_output("shared")
    values = numbers(3)
    left = tg.Model(x, model.get_output("shared:0")).predict(values)
    right = tg.Model(z, model.get_output("shared:1")).predict(values)
    np.testing.assert_array_equal(left, right)


def test_a_layer_itself_has_no_output():
    model, _, _ = headline()
    with pytest.raises(AttributeError, match=r"model\.get_output\('lstm'\)"):
        _ = model.get_layer("lstm").output


def two_heads(optimizer="sgd", **options):
    x = tg.Input((3,), name="x")
    model = tg.Model(x, {name: layers.Dense(1, name=name)(x) for name in ("a", "b")})
    model.compile(optimizer, "mse", **options)
    return model


def moves(make, weight):
    """How far three steps move the weights of a, for a weight of its loss."""
    tg.set_random_seed(0)
    model = two_heads(make(), loss_weights={"a": weight})
    x = np.random.default_rng(1).standard_normal((8, 3))
    y = {name: np.ones((8, 1)) for name in ("a", "b")}
    before = model.named_weights()["a/kernel"].numpy()
    for scale in (10.0, 0.1, 0.1):
        model.train_on_batch(x * scale, y)
    return np.linalg.norm(model.named_weights()["a/kernel"].numpy() - before)


@pytest.mark.one_in(8, rest="medium")
@pytest.mark.parametrize(
    ("make", "cancels"),
    [
        (lambda: tg.optimizers.Adam(0.01), True),
        (lambda: tg.optimizers.Adam(0.01, clipnorm=1.0), False),
        (lambda: tg.optimizers.Adam(0.01, global_clipnorm=1.0), False),
        (lambda: tg.optimizers.RMSprop(0.01, clipnorm=1.0), False),
        (lambda: tg.optimizers.Adagrad(0.01), False),
        (lambda: tg.optimizers.Adagrad(0.01, initial_accumulator_value=1e-12), True),
        (lambda: tg.optimizers.AdamW(0.01, weight_decay=0.1), True),
        (lambda: tg.optimizers.Adam(0.01, amsgrad=True), True),
        (lambda: tg.optimizers.RMSprop(0.01, centered=True), True),
        (lambda: tg.optimizers.Adadelta(10.0), True),
        (lambda: tg.optimizers.Adamax(0.01), True),
        (lambda: tg.optimizers.Nadam(0.01), True),
        (lambda: tg.optimizers.Lion(0.01), True),
        (lambda: tg.optimizers.Lion(0.01, clipnorm=1.0), False),
        (lambda: tg.optimizers.SGD(0.01), False),
    ],
)
def test_a_weight_cancels_where_it_is_said_to(make, cancels):
    text = sentences(two_heads(make()))
    large = "and 0.1, with which it starts, is small beside its squares"  # which it is not here
    assert ("its weight cancels" in text and large not in text) == cancels
    if cancels:
        assert moves(make, 1.0) == pytest.approx(moves(make, 1000.0), rel=0.01)


FIRST = [("adam", 2.0), ("rmsprop", np.sqrt(2)), ("adadelta", np.sqrt(2))]


@pytest.mark.parametrize(("name", "largest"), FIRST)
def test_epsilon_is_said_as_it_counts_in_the_first_step(name, largest):
    """Where a gradient is as large as that, a weight that makes it infinite doubles its step."""
    with tg.use(floatx="float64"):
        x = tg.Input((1,), name="x")
        heads = [layers.Dense(1, use_bias=False, name=one)(x) for one in ("a", "b")]
        model = tg.Model(x, heads)
        model.compile(name, "mse")
    counts = float(re.search(r"in the first step it counts as (\S+)\)", sentences(model))[1])
    model.set_weights([np.full((1, 1), counts / 2), np.ones((1, 1))])  # so the gradient is this
    data = np.ones((1, 1)), [np.zeros((1, 1))] * 2
    moved = update_ratios(model, *data, name, {}, {"a": 1e9})
    assert moved["a"] == pytest.approx(largest, rel=2e-3) and moved["b"] == 1


@pytest.mark.parametrize("name", ["adamax", "nadam"])
def test_epsilon_counts_as_it_is_where_nothing_else_is_said(name):
    assert "epsilon (1e-07) is small beside each number" in sentences(two_heads(name))
    w, optimizer = tg.Parameter(np.zeros(2), "w"), tg.optimizers.get(name)
    optimizer.apply({w: np.array([1e-7, 1e9])})
    moved = abs(w.numpy())
    assert moved[1] / moved[0] == pytest.approx(2.0, rel=1e-3)


def test_epsilon_of_a_centered_step_is_beside_a_variance():
    text = sentences(two_heads(tg.optimizers.RMSprop(centered=True)))
    assert "epsilon (1e-07) is small beside the variance of each number of the gradient;" in text


def test_where_weights_decay_a_step_is_in_proportion_but_for_that():
    text = sentences(two_heads(tg.optimizers.SGD(0.1, weight_decay=0.01)))
    assert "twice the weight, twice the step, apart from weight decay." in text
    assert "Its weight decay shrinks weights, whatever the losses say." in text
    text = sentences(two_heads(tg.optimizers.SGD(0.1)))
    assert "twice the weight, twice the step." in text and "decay" not in text


def test_a_long_name_stays_as_it_is():
    names = ["a-name-with-hyphens-" + "and-more-" * 9, "tab\tstop"]
    x = tg.Input((3,), name="x")
    model = tg.Model(x, [layers.Dense(1, name=name)(x) for name in names])
    model.compile("sgd", "mse")
    lines = model.explain().splitlines()
    assert all(any(name in line for line in lines) for name in names)
    assert all(len(line) <= 88 for line in lines if names[0] not in line)


def test_an_optimizer_without_momentum_is_not_said_to_remember():
    assert "remembers" in sentences(two_heads(tg.optimizers.Adam()))
    assert "remembers" not in sentences(two_heads(tg.optimizers.Adam(beta_1=0.0)))


def test_a_function_that_sets_the_weights_is_named():
    def balance(step, losses):
        return {"a": 0.1, "b": 7.0}

    model = two_heads(loss_weights=balance)
    said = "balance sets the weights in each step"
    x, y = np.ones((4, 3)), {name: np.zeros((4, 1)) for name in ("a", "b")}
    assert said in sentences(model) and said in model.gradient_flow(x, y).report()
    assert "1 (set by balance)" in model.pairing()
    model.loss_weights = {"a": 1.0}
    assert said not in sentences(model) and "set by" not in model.pairing()


def test_an_output_without_a_loss_is_named_though_its_layer_has_one():
    class Two(layers.Layer):
        def call(self, x):
            return [x * 1.0, x * 2.0]

    x = tg.Input((3,), name="x")
    a, b = Two(name="two")(layers.Dense(1, name="d")(x))
    model = tg.Model(x, {"a": a, "b": b, "c": a})
    model.compile("sgd", {"a": "mse"})
    flow = model.gradient_flow(np.ones((4, 3)), {"a": np.ones((4, 1))})
    assert flow.silent_outputs() == ["b", "c"]
    assert "Without a loss: b and c." in sentences(model) and "b and c." in flow.report()


def test_a_parameter_of_no_layer_is_called_by_its_name():
    k, x = tg.Parameter(np.ones(1), "k"), tg.Input((3,), name="x")
    model = tg.Model(x, {name: layers.Dense(1, name=name)(x) * k for name in ("a", "b")})
    model.compile("sgd", "mse")
    text = sentences(model)
    assert "a (mean_squared_error of output a) trains a and k. No path leads from it to b." in text
    assert "k is used in 2 places: the gradients of its uses are added." in text
    flow = model.gradient_flow(np.ones((4, 3)), {name: np.ones((4, 1)) for name in ("a", "b")})
    assert "k is pulled by 2 losses" in flow.report()
    assert [flow.reaches("a", use) for use in ("multiply", "multiply:1")] == [True, False]


def test_a_loss_without_any_label_is_not_said_to_be_0():
    model = two_heads()
    labels = {"a": np.ones((4, 1)), "b": np.full((4, 1), np.nan)}
    flow = model.gradient_flow(np.ones((4, 3)), labels)
    assert flow.values["b"] is None
    assert "b (nothing counts here, weight 1) trains nothing." in flow.report()


@pytest.mark.parametrize("data", [(np.ones((4, 3)),), np.ones((4, 3)), 5])
def test_a_recorder_says_what_its_data_must_be(data):
    with pytest.raises(TypeError, match=r"FlowRecorder: data is \(x, y\) or \(x, y, sample"):
        tg.FlowRecorder(data=data)
