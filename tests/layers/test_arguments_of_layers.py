"""What layers are given: kept as it was, counted right, and never left aside in silence."""

import inspect
from copy import deepcopy

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers

IMAGE = tg.Input((8, 6, 3), name="image")
STEPS = tg.Input((6, 3), name="steps")


def test_an_input_has_lengths_and_a_type():
    for kind in ("int32", np.int32, np.dtype("int32")):
        assert tg.Input((np.int64(3), None), kind).dtype == np.int32
    assert tg.Input(np.array([2, 3])).shape == tg.Input([2, 3]).shape == (None, 2, 3)
    assert tg.Input(()).shape == (None,) and tg.Input((2,), "bool").dtype == bool
    with pytest.raises(ValueError, match=r"Input 'x': shape: each length .* 1 or more, not 0"):
        tg.Input((3, 0), name="x")


def test_who_derives_from_a_layer_may_take_what_it_does_not():
    kinds = [kind for kind in vars(layers).values() if isinstance(kind, type)]
    ours = [kind for kind in kinds if issubclass(kind, layers.Layer) and kind is not layers.Layer]
    assert len(ours) > 50 and all(kind.takes_list in (True, False) for kind in ours)
    for kind in (layers.Layer, layers.Dense, layers.Add):
        mine, one_of_ours = (
            type("New", (kind,), {"__module__": module}).takes_list
            for module in ("mine", layers.Dense.__module__)
        )
        assert mine is (True if kind is layers.Add else None)
        assert one_of_ours is (kind is layers.Add)


def test_what_a_layer_was_made_with_is_kept(tmp_path):
    shape, axes = [2, 9], np.array([1, 2])
    x = tg.Input((18,))
    y = layers.Reshape(shape)(x)
    y = layers.LayerNormalization(axis=axes, name="norm")(y)
    model = tg.Model(x, y)
    shape.append(5)
    axes[:] = 7
    assert layers.Reshape([1, 2]).made_with == (([1, 2],), {})
    assert model.get_layer("reshape").made_with == (([2, 9],), {})
    model.save(tmp_path / "model.tg")
    data = np.random.default_rng(0).standard_normal((2, 18))
    np.testing.assert_array_equal(tg.load(tmp_path / "model.tg").predict(data), model.predict(data))


def test_numpys_numbers_go_into_a_file_and_back(tmp_path):
    x = tg.Input((np.int64(4),))
    y = layers.Dense(np.int32(3), use_bias=np.bool_(False), kernel_regularizer=None, name="y")(x)
    y = layers.LeakyReLU(np.float32(0.25))(layers.Reshape(np.array([3, 1]))(y))
    model = tg.Model(x, layers.Cropping1D((np.int64(1), np.int64(0)))(y))
    model.save(tmp_path / "model.tg")
    data = np.random.default_rng(0).standard_normal((2, 4))
    read = tg.load(tmp_path / "model.tg")
    assert read.get_layer("y").use_bias is False
    np.testing.assert_array_equal(read.predict(data), model.predict(data))


@pytest.mark.parametrize(
    ("axes", "shape"),
    [
        (None, (8, 6, 3)),
        (1, (1, 6, 3)),
        ((1, 2), (1, 1, 3)),
        (-1, (8, 6, 1)),
        ([-3, -2], (1, 1, 3)),
    ],
)
def test_prelu_shares_the_axes_that_are_named(axes, shape):
    layer = layers.PReLU(shared_axes=axes)
    layer(IMAGE)
    assert layer.alpha.shape == shape


@pytest.mark.parametrize(
    ("wire", "error", "words"),
    [
        (lambda: layers.PReLU(shared_axes=0)(IMAGE), ValueError, "axis 0 is not an axis of a s"),
        (lambda: layers.PReLU(shared_axes=4)(IMAGE), ValueError, "axis 4 is not an axis of a s"),
        (
            lambda: layers.LayerNormalization(axis=(1, -2), name="norm")(STEPS),
            ValueError,
            r"'norm': two of the axes \(1, -2\) are one and the same in \(None, 6, 3\)",
        ),
        (
            lambda: layers.LayerNormalization(axis=(2, 1))(tg.Input((None, 3))),
            ValueError,
            "needs a fixed length along axis 1",
        ),
        (
            lambda: layers.Concatenate(axis=0)([STEPS, STEPS]),
            ValueError,
            "'concatenate' cannot join .*axis 0 is the batch, whose samples stay apart",
        ),
        (
            lambda: layers.concatenate([STEPS, STEPS], axis=-3),
            ValueError,
            "axis 0 is the batch",
        ),
        (
            lambda: layers.Dot(axes=(1, 0))([STEPS, STEPS]),
            ValueError,
            "'dot' cannot join .*axis 0 is the batch",
        ),
        (
            lambda: layers.TimeDistributed(layers.Concatenate())([STEPS, STEPS]),
            TypeError,
            "'time_distributed' takes one tensor, not a list of 2: call it on the tensor itself",
        ),
        (
            lambda: layers.TimeDistributed(layers.LSTM(2, return_state=True))(IMAGE),
            ValueError,
            "'time_distributed' hands on one tensor, but LSTM 'lstm' gives 3",
        ),
        (
            lambda: layers.Attention(name="look")([STEPS, STEPS], use_causal_mask="no"),
            TypeError,
            "Attention 'look': use_causal_mask must be True or False, not 'no'",
        ),
        (
            lambda: layers.MultiHeadAttention(1, 2)(STEPS, STEPS, return_attention_scores=1),
            TypeError,
            "return_attention_scores must be True or False, not 1",
        ),
        (lambda: layers.ReLU(activation="tanh"), TypeError, "ReLU has no option 'activation'"),
        (
            lambda: layers.Softmax(activation="tanh"),
            TypeError,
            "Softmax has no option 'activation'",
        ),
        (lambda: tg.Model(IMAGE, layers.ReLU()(IMAGE), name=""), ValueError, "Model: name must be"),
    ],
)
def test_what_only_the_first_call_can_tell(wire, error, words):
    with pytest.raises(error, match=words):
        wire()


def test_a_mask_of_pairs_can_be_read_in_one_way():
    x = tg.Tensor(np.random.default_rng(0).standard_normal((2, 5, 4)))
    layer = layers.MultiHeadAttention(2, 3, name="heads")
    mask = np.tril(np.ones((2, 5, 5), int))
    mask[0, 4, 1] = 0
    expected = layer(x, x, attention_mask=mask == 1).numpy()
    assert np.abs(layer(x, x).numpy() - expected).max() > 0.01
    for same in (mask, 2 * mask):
        y = layer(x, x, attention_mask=same, use_causal_mask=True)
        np.testing.assert_array_equal(y.numpy(), expected)
    for floats in (np.where(mask, 0, -1e9), mask.astype(float)):
        with pytest.raises(TypeError, match=r"'heads': attention_mask .* floats, .* in two ways"):
            layer(x, x, attention_mask=floats)


class Mine(layers.Layer):
    """A weight made with these arguments, and an added loss."""

    def __init__(self, weight=("w", (3,)), loss=None, **options):
        super().__init__(name="mine")
        self.weight, self.loss, self.options = weight, loss, options

    def make_weights(self, shape):
        self.w = self.add_weight(*self.weight, **self.options)

    def call(self, x):
        if self.loss is not None:
            self.add_loss(x.sum(), **self.loss)
        return x * 1.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"weight": ("", (3,))},
            "Mine 'mine': the name of a weight must be a name, not an empty t",
        ),
        ({"weight": (3, (3,))}, "Mine 'mine': the name of a weight must be a name, not 3"),
        ({"weight": ("w", 3)}, "Mine 'mine': weight 'w': shape must be a list, not 3"),
        ({"weight": ("w", (None, 3))}, "weight 'w': shape: each length must be .*, not None"),
        ({"weight": ("w", (0,))}, "weight 'w': shape: each length must be .* 1 or more, not 0"),
        ({"weight": ("w", (1.5,))}, "weight 'w': shape: each length must be .*, not 1.5"),
        ({"trainable": "no"}, "weight 'w': trainable must be True or False, not 'no'"),
        ({"initializer": "one"}, "unknown initializer 'one': did you mean"),
        ({"regularizer": 3}, "unknown regularizer 3"),
        ({"loss": {"name": ""}}, "Mine 'mine': loss name must be a name, not an empty text"),
        ({"loss": {"weight": np.nan}}, "Mine 'mine': weight of loss 'mine_loss' must be a finite"),
        ({"loss": {"weight": "1"}}, "Mine 'mine': weight of loss 'mine_loss' must be a number"),
    ],
)
def test_weights_and_losses_of_a_layer_of_ones_own(options, words):
    with pytest.raises((TypeError, ValueError), match=words):
        Mine(**options)(tg.Input((3,)))


def test_a_layer_of_ones_own_may_have_a_width():
    class Wide(layers.Layer):
        fixed_width = True

        def __init__(self, width, **options):
            super().__init__(**options)
            self.width = width

        def make_weights(self, shape):
            self.kernel = self.add_weight("kernel", (shape[-1], self.width))

        def call(self, x):
            return x @ self.kernel

    layer = Wide(5, name="wide")
    assert layer(tg.Input((3,))).shape == (None, 5)
    with pytest.raises(ValueError, match="'wide' has weights for inputs of width 3, made by"):
        layer(tg.Input((1,)))


def test_a_weight_takes_numpys_numbers():
    layer = Mine(weight=("w", np.array([3])), trainable=np.bool_(False))
    layer(tg.Input((3,)))
    assert layer.w.shape == (3,) and layer.trainable_weights == []


def test_trainable_is_yes_or_no():
    layer = layers.Bidirectional(layers.LSTM(2), name="both")
    with pytest.raises(TypeError, match="'both': trainable must be True or False, not 'no'"):
        layer.trainable = "no"
    layer.trainable = np.bool_(False)
    assert layer.forward.trainable is layer.trainable is False
    layer(STEPS)
    assert layer.trainable_weights == []


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(
    "make", [lambda: layers.Dense(2), layers.Flatten, lambda: layers.Reshape((18,)), layers.ReLU]
)
def test_a_layer_that_takes_one_tensor_says_so(make, count):
    with pytest.raises(TypeError, match=f"takes one tensor, not a list of {count}: call it on"):
        make()([STEPS] * count)

    class Own(layers.Dense):
        def call(self, x):
            return super().call(x[0] if isinstance(x, list) else x)

        def make_weights(self, shape):
            super().make_weights(shape[0] if isinstance(shape, list) else shape)

    assert Own(2)([STEPS] * count).shape == (None, 6, 2)  # one's own may take either


@pytest.mark.parametrize("name", ["generator", "weights", "input_width"])
def test_what_every_layer_has_is_no_place_for_something_else(name):
    class Own(layers.Layer):
        def __init__(self):
            super().__init__()
            setattr(self, name, 3)

    with pytest.raises(AttributeError, match=f"Own cannot keep .* {name!r}.*choose another name"):
        Own()


WITH_WEIGHTS = [  # a layer, what makes one, and what it is called on
    (layers.Dense, (2,), STEPS),
    (layers.Embedding, (5, 2), tg.Input((6,), "int32")),
    (layers.PReLU, (), STEPS),
    (layers.BatchNormalization, (), STEPS),
    (layers.LayerNormalization, (), STEPS),
    (layers.GroupNormalization, (1,), STEPS),
    (layers.SimpleRNN, (2,), STEPS),
    (layers.GRU, (2,), STEPS),
    (layers.LSTM, (2,), STEPS),
    (layers.Conv1D, (2, 3), STEPS),
    (layers.Conv2D, (2, 3), IMAGE),
    (layers.Conv2DTranspose, (2, 3), IMAGE),
    (layers.DepthwiseConv2D, (3,), IMAGE),
    (layers.SeparableConv2D, (2, 3), IMAGE),
    (layers.MultiHeadAttention, (2, 3), STEPS),
]


def weights_of(layer, name):
    """The weights that an option called name_initializer or name_regularizer is about."""
    if layer is layers.MultiHeadAttention:
        return {f"{part}_{name}" for part in ("query", "key", "value", "attention_output")}
    if layer is layers.DepthwiseConv2D and name == "depthwise":
        return {"kernel"}
    return {f"{name}_kernel" if name in ("recurrent", "depthwise", "pointwise") else name}


@pytest.mark.one_in(3, rest="medium")
@pytest.mark.parametrize(("layer", "given", "x"), WITH_WEIGHTS, ids=lambda v: getattr(v, "name", v))
@pytest.mark.parametrize("kind", ["initializer", "regularizer"])
def test_an_option_of_a_weight_reaches_this_weight_alone(layer, given, x, kind):
    inputs = [x, x] if layer is layers.MultiHeadAttention else [x]
    options = [name for name in inspect.signature(layer).parameters if name.endswith(f"_{kind}")]
    assert options
    for option in options:
        sevens = lambda shape, generator: np.full(shape, 7.5)
        one = sevens if kind == "initializer" else layers.regularizers.L2(7.5)
        made = layer(*given, **{option: one})
        made(*inputs)
        if kind == "regularizer":
            reached = {w.label for w in made.weights if w.regularizer is one}
        else:  # some, as the forget gates of an LSTM start at 1
            reached = {w.label for w in made.weights if (w.value == 7.5).any()}
        assert reached == weights_of(layer, option.removesuffix(f"_{kind}"))


@pytest.mark.parametrize(
    ("layer", "setting", "value"),
    [
        (layers.Dropout(0.9), "rate", 0.0),
        (layers.Dense(3), "activation", None),
        (layers.Dense(3), "use_bias", False),
        (layers.LeakyReLU(), "negative_slope", 3.0),
        (layers.BatchNormalization(), "epsilon", 1.0),
        (layers.Lambda(abs), "function", None),
        (layers.Activation("tanh"), "activation", None),
    ],
)
def test_a_setting_cannot_be_changed_in_a_graph_that_would_not_notice(layer, setting, value):
    setattr(layer, setting, before := getattr(layer, setting))  # it can be set before
    layer(tg.Tensor(np.ones((2, 3))))
    setattr(layer, setting, before)
    layer(tg.Input((3,)))
    says = f"{layer} is in a graph already, which keeps the {setting} .*test_arguments_of_layers"
    with pytest.raises(AttributeError, match=says):
        setattr(layer, setting, value)
    assert getattr(layer, setting) == before
    layer.trainable = False
    layer.remark = "mine"


def test_settings_of_layers_within_layers_and_of_read_and_copied_ones_are_kept(tmp_path):
    lstm = layers.LSTM(2)
    x = tg.Input((4, 3), name="x")
    model = tg.Model(x, layers.Dense(1, name="y")(layers.Bidirectional(lstm, name="both")(x)))
    model.save(tmp_path / "model.tg")
    read, copied = tg.load(tmp_path / "model.tg"), deepcopy(model)
    for one in (model, read, copied):
        with pytest.raises(AttributeError, match="LSTM 'forward_lstm' is in a graph already"):
            one.get_layer("both").forward.go_backwards = True
        with pytest.raises(AttributeError, match="Dense 'y' is in a graph already"):
            one.get_layer("y").units = 2


class Times(layers.Layer):
    def __init__(self, factor, **options):
        super().__init__(**options)
        self.factor = factor

    def call(self, x):
        return self.factor * x


def test_attributes_of_ones_own_layer_are_free_and_a_graph_keeps_what_they_were():
    layer, x = Times(2.0), tg.Input((1,))
    model = tg.Model(x, layer(x))
    layer.factor = 5.0
    assert model.predict([[1.0]]).tolist() == [[2.0]]
    assert layer(tg.Tensor([[1.0]])).numpy().tolist() == [[5.0]]
