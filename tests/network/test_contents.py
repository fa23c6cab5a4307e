"""What belongs to a model: everything its outputs and losses reach, once, whoever names it."""

import copy

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers as L
from tinygrad_mo import ops
from zoo import numbers

X, Y = numbers(4), np.ones((4, 1))


def one_head(h, x, loss="mse", **options):
    model = tg.Model(x, L.Dense(1, name="head")(h))
    model.compile(tg.optimizers.SGD(0.1), loss, **options)
    return model


def trained(model, *parameters):
    """Which of the parameters one step changes."""
    before = [w.numpy() for w in parameters]
    model.train_on_batch(X, Y)
    return [bool((w.numpy() != b).any()) for w, b in zip(parameters, before, strict=True)]


def comes_back(model, path, custom=None):
    """Do weights and whole model return from files with the same answers?"""
    before = model.predict(X)
    model.save_weights(path / "weights")
    model.save(path / "model")
    for w in model.weights:
        w.assign(np.zeros(w.shape))
    model.load_weights(path / "weights")
    loaded = tg.load(path / "model", custom)
    same = np.array_equal(model.predict(X), before) and np.array_equal(loaded.predict(X), before)
    return same and list(loaded.named_weights()) == list(model.named_weights())


class Block(L.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.parts = [L.Dense(4), L.Dense(4)]
        self.deep = {"a": {"b": (L.Dense(4),)}}
        self.scales = [tg.Parameter(np.ones(4, "float32"), "scale")]
        self.named, self.losses, self.inputs = {}, [], 3  # names that a user may well choose

    def call(self, x):
        x = self.deep["a"]["b"][0](self.parts[1](self.parts[0](x)))
        return x * self.scales[0]


@pytest.mark.medium
def test_layers_and_parameters_in_lists_and_dicts_of_a_layer_are_its_own(tmp_path):
    x, block = tg.Input((4,)), Block(name="block")
    model = one_head(block(x), x)
    assert list(model.named_weights())[:3] == [
        "block/scale",
        "block/dense/kernel",
        "block/dense/bias",
    ]
    assert "block/dense_2/kernel" in model.named_weights()
    assert trained(model, *block.weights) == [True] * 7 and block.count_params() == 64
    assert comes_back(model, tmp_path, {"Block": Block})
    block.trainable = False
    assert trained(model, *block.weights) == [False] * 7


def test_a_layer_that_a_layer_calls_without_keeping_it_belongs_to_it(tmp_path):
    hidden = L.Dense(4, name="hidden")

    class Calls(L.Layer):
        def call(self, x):
            return hidden(x)

    x, calls = tg.Input((4,)), Calls(name="calls")
    model = one_head(calls(x), x)
    assert "calls/hidden/kernel" in model.named_weights() and trained(model, hidden.kernel) == [
        True
    ]
    assert comes_back(model, tmp_path, {"Calls": Calls})
    calls.trainable = False
    assert trained(model, hidden.kernel) == [False]


@pytest.mark.parametrize("method", ["build", "make_weights"])
def test_weights_are_made_once_under_either_name(method):
    def make(self, shape):
        self.w = self.add_weight("w", (shape[-1], 3))

    def call(self, x):
        return x @ self.w

    layer = type("Linear", (L.Layer,), {method: make, "call": call})()
    a, b = tg.Input((4,), name="a"), tg.Input((4,), name="b")
    model = tg.Model([a, b], [layer(a), layer(b)])
    layer.build((None, 4))
    assert model.count_params() == 12 and np.array_equal(*model.predict([X, X]))


def test_weights_are_made_all_or_none():
    class Stumbles(L.Layer):
        def build(self, shape):
            self.add_weight("first", (2,))
            if shape[-1] != 4:
                raise ValueError("four, please")

        def call(self, x):
            return x

    layer = Stumbles()
    with pytest.raises(ValueError, match="four"):
        layer(tg.Input((3,)))
    layer(tg.Input((4,)))
    assert [w.label for w in layer.weights] == ["first"]


def test_a_parameter_of_no_layer_belongs_wherever_it_is_used(tmp_path):
    p = tg.Parameter(np.ones(4, "float32"), "scale", regularizer=L.regularizers.L2(1.0))
    x = tg.Input((4,))
    model = one_head(x * p * p, x)
    assert model.evaluate(X, Y, return_dict=True)["regularization"] == pytest.approx(4.0)
    assert list(model.named_weights())[-1] == "scale" and trained(model, p) == [True]
    assert "scale" in model.gradient_flow(X, Y).table() and "scale" in model.explain()
    assert comes_back(model, tmp_path)


def test_a_parameter_that_only_a_loss_uses_is_trained_and_named(tmp_path):
    s = tg.Parameter(np.zeros((), "float32"), "log_variance")

    def likelihood(y, p):
        return (ops.square(p - y) * ops.exp(-s) + s).mean(axis=-1)

    x = tg.Input((4,))
    model = one_head(x, x, likelihood)
    assert trained(model, s) == [True] and list(model.named_weights())[-1] == "log_variance"
    assert "trains head and log_variance." in model.gradient_flow(X, Y).report()
    assert "trains head and log_variance." in model.explain()


def test_a_layer_that_only_an_added_loss_reaches_belongs_to_the_model(tmp_path):
    x, s = tg.Input((4,)), L.Dense(1, name="s")
    model = tg.Model(x, L.Dense(1, name="head")(x))
    names = list(model.named_weights())
    model.add_loss(((s(x) - 1.0) ** 2.0).mean(), "extra")
    assert list(model.named_weights()) == [*names, "s/kernel", "s/bias"]
    model.compile("sgd", "mse")
    assert trained(model, s.kernel) == [True] and comes_back(model, tmp_path)
    assert model.loss_weights == {"head": 1.0, "extra": 1.0}


def test_an_added_loss_must_be_computed_from_the_inputs():
    x, other = tg.Input((4,)), tg.Input((4,), name="other")
    model = tg.Model(x, L.Dense(1)(x))
    with pytest.raises(ValueError, match="needs Input 'other'"):
        model.add_loss((L.Dense(1)(other) ** 2.0).mean(), "extra")
    assert not model.added and len(model.weights) == 2


def encoder():
    x = tg.Input((4,))
    model = tg.Model(x, L.Dense(3)(x), name="encoder")
    model.add_loss((model.outputs["dense"] ** 2.0).mean(), "activity", 0.5)
    return model


@pytest.mark.medium
def test_the_losses_of_nested_models_are_losses(tmp_path):
    inner, y = encoder(), tg.Input((4,))
    middle = tg.Model(y, L.Dense(4)(inner(y)), name="middle")
    x = tg.Input((4,))
    model = one_head(L.add([middle(x), middle(middle(x))]), x)
    added = {"activity": 0.5, "activity_1": 0.5, "activity_2": 0.5}
    assert model.loss_weights == {"head": 1.0} | added
    loaded = comes_back(model, tmp_path) and tg.load(tmp_path / "model")
    assert loaded.evaluate(X, Y) == model.evaluate(X, Y)
    kinds = [n.name for n in model.gradient_flow(X, Y).nodes if n.kind == "loss"]
    assert kinds == ["head_loss", *added]


def test_a_layer_may_add_a_loss_where_it_is_called():
    class Quiet(L.Layer):
        def call(self, x):
            self.add_loss((x * x).mean(), "activity", 0.3)
            return x

    x = tg.Input((4,))
    model = one_head(Quiet()(L.Dense(2)(x)), x)
    assert model.loss_weights == {"head": 1.0, "activity": 0.3}
    with pytest.raises(ValueError, match="a loss must be a scalar"):
        type("Loud", (L.Layer,), {"call": lambda self, x: self.add_loss(x)})()(x)


def test_what_is_shared_counts_once_however_many_ways_lead_to_it():
    i, shared = tg.Input((2,)), L.Dense(2, use_bias=False, kernel_regularizer="l2", name="d")
    inner = tg.Model(i, shared(i))
    x = tg.Input((2,))
    model = tg.Model(x, L.add([inner(x), shared(x), inner(shared(x))]))
    assert model.count_params() == 4 == len(model.weights) * 4
    assert shared.count_params() == 4


def test_a_name_once_given_is_not_changed_by_another_model(tmp_path):
    x = tg.Input((4,))
    first = tg.Model(x, L.Dense(4)(L.Dense(4)(x)))
    names = list(first.named_weights())
    z = tg.Input((4,))
    second = tg.Model(z, L.Dense(4)(first.layers[1](z)))
    assert [layer.name for layer in second.layers] == ["dense_1", "dense"]
    assert list(first.named_weights()) == names and first.layers[1].name == "dense_1"
    y = tg.Input((4,))
    both = tg.Model(y, second.layers[1](first.layers[0](y)))  # both are called "dense"
    assert list(both.contents.layers) == ["dense", "dense_1"]
    assert both.get_layer("dense_1") is second.layers[1] and comes_back(both, tmp_path)


def test_names_of_weights_are_unique(tmp_path):
    i = tg.Input((4,))
    inner = tg.Model(i, L.Dense(4, name="b")(i), name="a")
    x = tg.Input((4,))
    model = tg.Model(x, L.Dense(4, name="a/b")(inner(x)))
    assert list(model.named_weights())[::2] == ["a/b/kernel", "a/b/kernel:1"]
    assert comes_back(model, tmp_path)
    layer = L.Layer.__new__(L.Layer)
    L.Layer.__init__(layer, name="twins")
    for value in ("zeros", "ones"):
        layer.add_weight("w", (4,), value)
    layer.call = lambda x: x * layer.own_weights[0] + layer.own_weights[1]
    model = tg.Model(x, layer(x))
    assert list(model.named_weights()) == ["twins/w", "twins/w:1"]


def test_cards_of_all_kinds_have_names_of_their_own():
    x = tg.Input((4,), name="age")
    h = L.add([x, L.Dense(4, name="hidden")(x)])
    h = L.Dense(4, name="age_loss")(h + x)
    model = tg.Model(x, L.Dense(1, name="age")(h))
    model.compile("sgd", "mse")
    flow = model.gradient_flow(X, Y)
    names = [node.name for node in flow.nodes]
    assert len(set(names)) == len(names)
    assert {"age", "age_input", "add", "add_op", "age_loss", "age_loss_loss"} <= set(names)
    assert flow.norm("age", ("age_input", "hidden")) > 0


def test_an_identity_is_an_output_of_its_own():
    x = tg.Input((4,))
    h = L.Dense(4, name="h")(x)
    names = [L.Activation("linear", name="main")(h), L.Activation("linear", name="more")(h)]
    assert tg.Model(x, names).output_names == ["main", "more"]


def test_a_layer_hands_on_its_input_as_a_tensor_of_its_own():
    """Alone, in a list or in a dict, beside others."""

    class Sides(L.Layer):
        def call(self, x):
            return form(x, 2 * x)

    x = tg.Input((2,), name="x")
    for form, first in (
        (lambda same, twice: [same, twice], 0),
        (lambda same, twice: (same, twice), 0),
        (lambda same, twice: {"same": same, "twice": twice}, "same"),
    ):
        y = Sides(name="sides")(x)
        assert type(y) is type(form(x, x)) and y[first] is not x
        found = tg.Model(x, y).predict(np.ones((1, 2)))
        assert found[first].tolist() == [[1, 1]] and len(found) == 2


def test_an_optimizer_belongs_to_one_model():
    optimizer, x = tg.optimizers.Adam(), tg.Input((4,))
    first, second = (tg.Model(x, L.Dense(1)(x)) for _ in range(2))
    first.compile(optimizer, "mse")
    first.compile(optimizer, "mae")
    with pytest.raises(ValueError, match="this Adam is the optimizer of Model 'model' already"):
        second.compile(optimizer, "mse")
    assert not second.is_compiled
    first.train_on_batch(X, Y)
    del first
    with pytest.raises(ValueError, match="of other weights already"):
        second.compile(optimizer, "mse")
    second.compile(copy.deepcopy(tg.optimizers.Adam()), "mse")


def test_an_initializer_gives_what_it_was_asked_for():
    layer = L.Dense(3, name="d", bias_initializer=lambda shape, generator: 0.5)
    with pytest.raises(ValueError, match=r"initializer of d/bias gave an array of shape \(\)"):
        layer(tg.Input((2,)))
    assert not layer.built and layer.weights == []


def test_wrapping_a_layer_leaves_it_as_it_was():
    lstm, x = L.LSTM(2, name="reader"), tg.Input((3, 4))
    both = L.Bidirectional(lstm, name="both")
    model = tg.Model(x, both(x))
    assert lstm.name == "reader" and not lstm.built
    assert list(model.named_weights())[::3] == [
        "both/forward_reader/kernel",
        "both/backward_reader/kernel",
    ]


def judge(frozen):
    """A network that judges another one, as in a perceptual loss, and the loss."""
    x = tg.Input((1,))
    net = tg.Model(x, L.BatchNormalization(name="norm")(L.Dense(4, name="vgg")(x)), name="judge")
    net.trainable = not frozen

    def perceptual(y_true, y_pred):
        return ((net(y_true) - net(y_pred)) ** 2).mean(axis=-1)

    return net, perceptual


@pytest.mark.medium
@pytest.mark.parametrize("frozen", [True, False])
def test_a_network_that_a_loss_calls_obeys_its_flag(frozen):
    net, loss = judge(frozen)
    x = tg.Input((4,))
    model = tg.Model(x, L.Dense(1, name="a")(x))
    model.compile("sgd", loss)
    before = net.get_weights()
    model.fit(X, Y, verbose=0)
    stayed = [bool((old == new).all()) for old, new in zip(before, net.get_weights(), strict=True)]
    # a shift of both sides cancels in their difference: bias and beta get a gradient of 0
    assert all(stayed) if frozen else not any(stayed[i] for i in (0, 2, 4, 5))
    names = list(model.named_weights())
    assert names[:4] == ["a/kernel", "a/bias", "judge/vgg/kernel", "judge/vgg/bias"]
    assert ("Frozen" in model.explain()) == frozen


def test_a_frozen_network_keeps_what_belongs_to_no_layer():
    scale, log_sigma = tg.Parameter(np.ones(1), "scale"), tg.Parameter([0.5], "log_sigma")
    count = tg.Parameter([3], "count", trainable=False)
    x = tg.Input((4,))
    model = tg.Model(x, L.Dense(1, name="a")(x) * scale + count * 0.0)
    model.trainable = False
    model.compile("sgd", lambda y, p: ((y - p) ** 2).mean(axis=-1) * ops.exp(-log_sigma))
    assert model.trainable_weights == []
    with pytest.warns(UserWarning, match="every weight is frozen"):
        model.fit(X, Y, verbose=0)
    assert scale.numpy() == 1 and log_sigma.numpy() == 0.5
    copied = copy.deepcopy(model)
    copied.compile("sgd", "mse")
    assert copied.trainable_weights == []
    model.trainable = True
    model.fit(X, Y, verbose=0)
    assert scale.numpy() != 1 and log_sigma.numpy() != 0.5 and count.numpy() == 3
    outer = tg.Model(x, model(x))
    outer.compile("sgd", "mse")
    model.trainable = False
    assert outer.trainable_weights == []


@pytest.mark.medium
def test_a_model_that_is_cut_keeps_the_losses_of_its_layers():
    class Active(L.Layer):
        def call(self, x):
            self.add_loss((x * x).mean(), "act", 0.5)
            return x * 1.0

    x = tg.Input((4,))
    h = L.Dense(3, name="d")(x)
    y = L.Dense(1, name="o")(Active(name="active")(h))
    whole, cut = tg.Model(x, y), tg.Model(h, y)
    for model in (whole, cut):
        model.compile("sgd", "mse")
        assert model.metrics_names == ["loss", "o_loss", "act"]
    inner = tg.Model(x, h).predict(X)
    found, expected = cut.evaluate(inner, Y, batch_size=99), whole.evaluate(X, Y, batch_size=99)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(found[2], (inner**2).mean(), rtol=1e-6)


def test_without_an_output_only_its_losses_are_gone():
    x = tg.Input((4,))
    t = L.Dense(2, name="t")(x)
    model = tg.Model(x, {name: L.Dense(1, name=name)(t) for name in ("a", "b")})
    model.add_loss((t * t).mean(), "size")
    model.add_loss((model.outputs["b"] ** 2).mean(), "size of b")
    assert list(model.without("b").added) == ["size"]
    assert list(model.without("a").added) == ["size", "size of b"]


def test_layers_that_keep_each_other_are_refused():
    class Child(L.Layer):
        def __init__(self, parent):
            super().__init__(name="child")
            self.parent = parent

        def call(self, x):
            return x * 1.0

    class Parent(L.Layer):
        def __init__(self):
            super().__init__(name="parent")
            self.child = Child(self)

        def call(self, x):
            return self.child(x)

    x = tg.Input((4,))
    with pytest.raises(ValueError, match="Child 'child' keeps Parent 'parent', within which it is"):
        tg.Model(x, Parent()(x))


def test_the_loss_of_an_output_layer_has_a_key_of_its_own():
    class Active(L.Layer):
        def call(self, x):
            self.add_loss((x * x).mean())
            return x * 1.0

    x = tg.Input((4,))
    model = tg.Model(x, {"a": Active(name="a")(x)})
    model.compile("sgd", "mse")
    assert model.metrics_names == ["loss", "a_loss", "a_loss_1"]


def test_a_layer_that_makes_others_in_each_call_is_refused():
    class Block(L.Layer):
        def call(self, x):
            return L.Dense(4, name="q")(x)

    outside = L.Dense(4, name="outside")

    class Borrows(L.Layer):
        def call(self, x):
            return outside(x)

    x, z = tg.Input((4,), name="x"), tg.Input((4,), name="z")
    block, borrows = Block(name="block"), Borrows(name="borrows")
    assert tg.Model(x, block(x)).count_params() == 20  # once, it has it
    told = r"Block 'block' makes Dense .* anew in each of its 2 calls"
    with pytest.raises(ValueError, match=told):
        tg.Model([x, z], [block(x), block(z)])
    assert tg.Model([x, z], [borrows(x), borrows(z)]).count_params() == 20


def test_a_layer_may_have_attributes_that_cards_have():
    class Scale(L.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.kind, self.label, self.steps = "power", "another name", 3

        def call(self, x):
            return x * 2

    x = tg.Input((3,), name="x")
    model = tg.Model(x, L.Dense(1, name="y")(Scale()(x)))
    model.compile("sgd", "mse")
    flow = model.gradient_flow(np.ones((4, 3)), np.ones((4, 1)))
    found = {node.name: node.kind for node in flow.nodes}
    assert found == {"x": "input", "scale": "layer", "y": "layer", "y_loss": "loss"}
