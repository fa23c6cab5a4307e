"""A whole model in a file: the same predictions, names and training after reading it."""

import json
from functools import partial

import numpy as np
import pytest

import tinygrad_mo as tg
from damage import HEADER, forge, members_of
from tinygrad_mo import layers, optimizers, schedules
from tinygrad_mo.files.archive import CheckpointError, save_arrays
from zoo import ZOO, headline, numbers


def saved(model, tmp_path, custom=None):
    model.save(tmp_path / "model.tg")
    return tg.load(tmp_path / "model.tg", custom)


def same_bits(a, b):
    a, b = (
        x.values() if isinstance(x, dict) else x if isinstance(x, list) else [x] for x in (a, b)
    )
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


@pytest.mark.one_in(3, rest="exhaustive")
@pytest.mark.medium
@pytest.mark.parametrize("name", ZOO)
def test_a_model_comes_back_and_goes_on_training_bit_by_bit(name, tmp_path):
    tg.set_random_seed(0)
    model, x, y = ZOO[name]()
    model.fit(x, y, epochs=2, batch_size=2, verbose=0)
    copy = saved(model, tmp_path)
    assert same_bits(model.predict(x), copy.predict(x))
    assert [node.name for node in model.nodes.all] == [node.name for node in copy.nodes.all]
    assert list(model.named_weights()) == list(copy.named_weights())
    assert model.pairing() == copy.pairing()
    options = {"epochs": 2, "batch_size": 2, "verbose": 0}
    assert model.fit(x, y, **options).history == copy.fit(x, y, **options).history
    assert same_bits(model.get_weights(), copy.get_weights())


def one_dense(**options):
    x = tg.Input((3,), name="x")
    return tg.Model(x, layers.Dense(1, name="y", **options)(x))


def test_the_optimizer_its_schedule_and_its_slots_come_back(tmp_path):
    model = one_dense()
    model.compile(
        optimizers.Adam(schedules.CosineDecay(0.1, 50), clipnorm=1.0), "mse", metrics="mae"
    )
    model.fit(numbers(3), numbers(1), epochs=3, verbose=0)
    copy = saved(model, tmp_path)
    assert copy.optimizer.learning_rate == model.optimizer.learning_rate < 0.1
    assert (copy.optimizer.step, copy.optimizer.clipnorm, copy.step) == (3, 1.0, 3)
    for (w, slots), (v, others) in zip(
        model.optimizer.state.items(), copy.optimizer.state.items(), strict=True
    ):
        assert w.name == v.name and same_bits(slots, others)
    assert copy.metrics_names == ["loss", "mae"]


def test_what_was_set_after_compile_comes_back(tmp_path):
    model, _, _ = headline()
    model.loss_weights = {"main_output": 3.0, "aux_output": 0.0}
    model.optimizer.learning_rate = 0.5
    model.get_layer("lstm").trainable = False
    copy = saved(model, tmp_path)
    assert copy.loss_weights == {"main_output": 3.0, "aux_output": 0.0}
    assert copy.optimizer.learning_rate == 0.5
    assert [layer.trainable for layer in copy.layers] == [layer.trainable for layer in model.layers]
    assert not copy.get_layer("lstm").trainable


def test_added_losses_come_back(tmp_path):
    x = tg.Input((3,), name="x")
    hidden = layers.Dense(2, name="hidden")(x)
    model = tg.Model(x, layers.Dense(1, name="y")(hidden))
    model.add_loss((hidden * hidden).mean(), "small", 0.1)
    model.compile("sgd", "mse")
    copy = saved(model, tmp_path)
    assert copy.loss_weights == {"y": 1.0, "small": 0.1}
    x, y = numbers(3), numbers(1)
    assert copy.evaluate(x, y) == model.evaluate(x, y)


def test_a_model_without_training_comes_back(tmp_path):
    model = one_dense()
    copy = saved(model, tmp_path)
    assert not copy.is_compiled and same_bits(copy.predict(numbers(3)), model.predict(numbers(3)))


class Scale(layers.Layer):
    def __init__(self, start, **options):
        super().__init__(**options)
        self.start = start

    def make_weights(self, shape):
        self.factor = self.add_weight("factor", shape[-1:], self.start)

    def call(self, x):
        return x * self.factor


def squash(x):
    return tg.ops.tanh(x) * 2.0


def cubic(y_true, y_pred):
    return abs((y_pred - y_true) ** 3.0).mean(axis=-1)


class TestOwnClassesAndFunctions:
    def model(self):
        x = tg.Input((3,))
        start = layers.initializers.uniform(-0.5, 0.5)
        model = tg.Model(x, layers.Dense(2, activation=squash)(Scale(start)(x)))
        model.compile("sgd", cubic)
        return model

    def test_they_are_handed_over_by_name(self, tmp_path):
        model = self.model()
        copy = saved(model, tmp_path, {"Scale": Scale, "squash": squash, "cubic": cubic})
        x, y = numbers(3), numbers(2)
        assert copy.evaluate(x, y) == model.evaluate(x, y)
        assert isinstance(copy.layers[0], Scale)

    def test_a_missing_one_is_named(self, tmp_path):
        with pytest.raises(CheckpointError, match=r"'Scale'.*Hand it over"):
            saved(self.model(), tmp_path, {"squash": squash, "cubic": cubic})


def test_a_file_of_weights_is_not_a_model(tmp_path):
    one_dense().save_weights(tmp_path / "w.tg")
    with pytest.raises(CheckpointError, match="holds weights only"):
        tg.load(tmp_path / "w.tg")


@pytest.mark.parametrize("home", ["metrics", "os"])
@pytest.mark.parametrize("maker", ["get", "annotations", "system"])
def test_a_file_can_make_nothing_but_layers_losses_and_the_like(tmp_path, home, maker):
    path = tmp_path / "model.tg"
    one_dense().save(path)
    members = members_of(path)
    header = json.loads(members.pop(HEADER))
    header["model"]["layers"][0]["made"] = [home, maker, ["a", "b"], {"dict": []}]
    forge(path, list(members.items()), header)
    with pytest.raises(CheckpointError, match=f"asks for {home}.{maker}, which is nothing to be"):
        tg.load(path)


def test_a_layer_that_cannot_be_made_again_is_named(tmp_path):
    class Tied(layers.Layer):
        def __init__(self, other, **options):
            super().__init__(**options)
            self.table = other.own_weights[0]

        def call(self, x):
            return tg.ops.matmul(x, self.table)

    x = tg.Input((3,))
    first = layers.Dense(3, name="first")
    h = first(x)
    model = tg.Model(x, Tied(first, name="tied")(h))
    model.save(tmp_path / "model.tg")
    with pytest.raises(CheckpointError, match="layer 'tied' could not be made again"):
        tg.load(tmp_path / "model.tg", custom_objects={"Tied": Tied})


def test_a_bare_parameter_comes_back_with_its_penalty_and_a_frozen_model_frozen(tmp_path):
    p = tg.Parameter(np.full(3, 2.0), "gain", regularizer=layers.regularizers.L2(0.1))
    x = tg.Input((3,))
    model = tg.Model(x, layers.Dense(1, kernel_regularizer="l2", name="a")(x * p))
    model.compile("sgd", "mse")
    model.trainable = False
    model.save(tmp_path / "model.tg")
    again = tg.load(tmp_path / "model.tg")
    data = np.ones((4, 3)), np.ones((4, 1))
    assert again.evaluate(*data) == model.evaluate(*data)
    assert again.loss_weights == model.loss_weights and again.trainable_weights == []
    penalty = again.evaluate(*data, return_dict=True)["regularization"]
    kernel = model.named_weights()["a/kernel"].value
    np.testing.assert_allclose(penalty, 0.01 * (kernel**2).sum() + 1.2, rtol=1e-6)


def net(*names):
    start = h = tg.Input((3,))
    for name in names:
        h = layers.Dense(3, activation="tanh", name=name)(h)
    return tg.Model(start, h, name="net")


class NetInInit(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.net = net("a", None)

    def call(self, x):
        return self.net(self.net(x))


class NetInBuild(layers.Layer):
    def build(self, shape):
        self.net = net("a", "b")

    def call(self, x):
        return self.net(x)


class NetInCall(layers.Layer):
    def call(self, x):
        if not hasattr(self, "net"):
            self.net = net(None, "b")
        return self.net(x)


class LateLayers(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.parts = [layers.Dense(3)]

    def call(self, x):
        if len(self.parts) == 1:
            self.parts.append(layers.Dense(3))
            self.last = {"norm": layers.LayerNormalization()}
        return self.last["norm"](self.parts[1](self.parts[0](x)))


class Transposed(layers.Layer):
    def __init__(self, dense, **options):
        super().__init__(**options)
        self.dense = dense

    def call(self, x):
        return x @ self.dense.kernel.T


class TiedInCall(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.encoder = layers.Dense(3, name="encoder")

    def call(self, x):
        h = self.encoder(x)
        if not hasattr(self, "decoder"):
            self.decoder = Transposed(self.encoder)
        return self.decoder(h)


class Around(layers.Layer):
    def __init__(self, inner, **options):
        super().__init__(**options)
        self.inner = inner

    def call(self, x):
        return self.inner(x)


class Table(Around):
    def call(self, x):
        self.table = self.inner.weights[0]
        return x @ self.table


class InnerModel(layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.dense = layers.Dense(3)

    def call(self, x):
        h = self.dense(x)
        self.features = tg.Model(x, h, name="features")
        return tg.ops.tanh(h)


def part_first(x):
    """The layer that a block makes for itself is met before the block."""
    block = NetInInit()
    return block(Around(block.net.get_layer("a"))(x))


def new_head(x):
    block = Around(layers.Dense(3))
    block(x)
    block.inner = layers.Dense(3, name="new")
    return block(x)


class Gain(layers.Layer):
    def __init__(self, factor, **options):
        super().__init__(**options)
        self.factor = factor

    def call(self, x):
        return x * self.factor


def weight_as_argument(x):
    dense = layers.Dense(3)
    y = dense(x)
    return Gain(dense.bias)(y)


def table_first(x):
    dense = layers.Dense(3)
    dense.build((None, 3))
    return Table(dense)(x) + dense(x)


OWN = [
    NetInInit, NetInBuild, NetInCall, LateLayers, Transposed, TiedInCall, Around, Table, InnerModel,
    Gain,
]  # fmt: skip


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.medium
@pytest.mark.parametrize(
    "wire",
    [
        lambda x: NetInInit()(NetInInit()(x)),
        lambda x: NetInBuild()(x),
        lambda x: (lambda layer: layer(layer(x)))(NetInCall()),
        lambda x: LateLayers()(x),
        lambda x: TiedInCall()(x),
        lambda x: InnerModel()(x),
        lambda x: Around(Around(NetInInit()))(x),
        lambda x: layers.TimeDistributed(NetInBuild())(layers.Reshape((1, 3))(x))[:, 0],
        part_first,
        new_head,
        weight_as_argument,
        table_first,
    ],
)
def test_layers_that_make_models_and_layers_come_back(wire, tmp_path):
    x, data = tg.Input((3,), name="x"), (numbers(3), numbers(3))
    model = tg.Model(x, wire(x))
    model.compile("adam", "mse")
    model.fit(*data, verbose=0)
    custom = {kind.__name__: kind for kind in OWN}
    once = saved(model, tmp_path, custom)
    for copy in (once, saved(once, tmp_path, custom)):
        assert list(copy.named_weights()) == list(model.named_weights())
        assert [node.name for node in copy.nodes.all] == [node.name for node in model.nodes.all]
        assert same_bits(copy.get_weights(), model.get_weights())
    assert (
        once.fit(*data, epochs=2, verbose=0).history
        == model.fit(*data, epochs=2, verbose=0).history
    )
    assert same_bits(once.get_weights(), model.get_weights())


@pytest.mark.medium
@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize("kind", [NetInCall, LateLayers, TiedInCall])
def test_what_a_call_has_made_is_kept_again(kind, tmp_path):
    x = tg.Input((3,))
    model = tg.Model(x, kind(name="own")(x))
    copy = saved(model, tmp_path, {one.__name__: one for one in OWN})
    z, again = tg.Tensor(numbers(3)), copy.get_layer("own")
    assert same_bits(again(z).numpy(), model.get_layer("own")(z).numpy())
    assert len(again.weights) == len(copy.weights)


def test_a_weight_that_a_call_has_made_is_refused(tmp_path):
    class Late(layers.Layer):
        def call(self, x):
            self.gain = tg.Parameter(np.ones(3), "gain")
            return x * self.gain

    x = tg.Input((3,))
    with pytest.raises(CheckpointError, match="Late 'late' was given the weight 'gain' after"):
        tg.Model(x, Late()(x)).save(tmp_path / "model.tg")
    assert not (tmp_path / "model.tg").exists()


def test_a_class_that_makes_something_else_now_is_named(tmp_path):
    x = tg.Input((3,))
    tg.Model(x, NetInInit(name="enc")(x)).save(tmp_path / "model.tg")

    class Fewer(NetInInit):
        def __init__(self, **options):
            super().__init__(**options)
            self.net = net("a")

    class Other(NetInInit):
        def __init__(self, **options):
            super().__init__(**options)
            self.net = layers.Dense(3)

    Fewer.__name__ = Other.__name__ = "NetInInit"
    with pytest.raises(CheckpointError, match="'enc' has 2 layers within it, in the file it has 3"):
        tg.load(tmp_path / "model.tg", {"NetInInit": Fewer})
    with pytest.raises(CheckpointError, match="where the file has those of Model 'net'"):
        tg.load(tmp_path / "model.tg", {"NetInInit": Other})


class Scaled:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, y_true, y_pred):
        return self.loss(y_true, y_pred)

    def loss(self, y_true, y_pred):
        return self.factor * abs(y_true - y_pred).mean(axis=-1)

    def double(self, x):
        return self.factor * x


def power(x, exponent):
    return x**exponent


@pytest.mark.medium
def test_whatever_can_be_called_has_a_name_in_a_file(tmp_path):
    scaled, cube = Scaled(2.0), partial(power, exponent=3.0)
    x, data = tg.Input((3,), name="x"), (numbers(3), [numbers(1), numbers(1), numbers(1)])
    h = layers.Dense(4, activation=scaled.double)(layers.Dense(3, activation=cube)(x))
    model = tg.Model(x, [layers.Dense(1, name=name)(h) for name in "abc"])
    model.compile("sgd", [scaled.loss, scaled.loss, scaled])  # one method, met twice
    custom = {"partial": cube, "double": scaled.double, "loss": scaled.loss, "Scaled": scaled}
    copy = saved(model, tmp_path, custom)
    assert copy.fit(*data, verbose=0).history == model.fit(*data, verbose=0).history
    backup = tg.callbacks.BackupAndRestore(tmp_path / "backup.tg")
    model.fit(*data, epochs=2, verbose=0, callbacks=[backup])
    model.compile("sgd", [scaled.loss, Scaled(3.0).loss, "mse"])
    with pytest.raises(CheckpointError, match="two different ones are called 'loss'"):
        model.save(tmp_path / "model.tg")


def test_what_a_file_holds_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = one_dense()
    model.compile("sgd", "mse")
    model.save("model.tg")
    model.gradient_flow(numbers(3), numbers(1)).save("flow.flow")
    model.load_weights("model.tg")  # those of a whole model
    with pytest.raises(CheckpointError, match=r"holds a flow: tinygrad_mo\.Flow\.load reads it"):
        tg.load("flow.flow")
    with pytest.raises(ValueError, match=r"save_weights writes m\.safetensors; .* such as m\.tg"):
        model.save("m.safetensors")
    x = tg.Input((3,))
    tg.Model(x, layers.Dense(1)(x), name="graph").save_weights("weights.tg")
    with pytest.raises(CheckpointError, match="holds weights only"):
        tg.load("weights.tg")


def test_weights_are_loaded_all_or_not_at_all(tmp_path):
    model = one_dense()
    before = model.get_weights()
    arrays = {"y/kernel": np.zeros((3, 1)), "y/bias": np.array(["a"])}
    save_arrays(tmp_path / "w.tg", arrays, model="model")
    with pytest.raises(TypeError, match="'y/bias'"):
        model.load_weights(tmp_path / "w.tg")
    assert same_bits(before, model.get_weights())


def test_an_op_that_was_written_again_is_not_taken_for_the_one_of_the_model(tmp_path):
    def made(factor):
        @tg.ops.op
        def often(x):
            return x * factor, (lambda g: g * factor,)

        return often

    x = tg.Input((3,), name="x")
    model = tg.Model(x, layers.Dense(1)(made(3.0)(x)))
    model.save(tmp_path / "model.tg")
    made(5.0)
    with pytest.raises(CheckpointError, match="an op called 'often', and there is a newer one"):
        model.save(tmp_path / "model.tg")
