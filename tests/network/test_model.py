"""Models as graphs: names, sharing, nesting, summary, weights, predictions, masks."""

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers
from zoo import ZOO, base_model, headline, numbers, padded_ids, shared_twins

each_model = pytest.mark.parametrize("build", ZOO.values(), ids=list(ZOO))


def same(a, b):
    """Are two predictions (arrays, lists or dicts of them) equal to the bit?"""
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[name], b[name]) for name in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return np.array_equal(a, b)


def names(model):
    return [layer.name for layer in model.layers]


def test_layers_are_numbered_within_each_model():
    for _ in range(2):
        x = tg.Input((3,))
        h = layers.Dense(2)(layers.Dense(2)(layers.Dense(2, name="dense_1")(x)))
        model = tg.Model(x, layers.Dropout(0.1)(h))
        assert names(model) == ["dense_1", "dense", "dense_2", "dropout"]
    assert list(model.named_weights())[:2] == ["dense_1/kernel", "dense_1/bias"]
    assert [w.name for w in model.weights] == list(model.named_weights())


def test_inputs_and_outputs_have_names():
    a, b = tg.Input((2,)), tg.Input((2,))
    head = layers.Dense(1, name="head")
    model = tg.Model([a, b], [head(a), head(b), layers.Dense(1)(a) * 2.0])
    assert model.input_names == ["input", "input_1"]
    assert model.output_names == ["head", "head:1", "multiply"]
    named = tg.Model({"left": a, "right": b}, {"y": head(a), "z": head(b)})
    assert (named.input_names, named.output_names) == (["left", "right"], ["y", "z"])


def test_a_layer_called_twice_has_one_set_of_weights_and_two_nodes():
    model, _, _ = shared_twins()
    assert names(model) == ["embedding", "lstm", "dot", "head"]
    nodes = [node.name for node in model.nodes.all]
    assert nodes == [
        "a",
        "b",
        "embedding",
        "lstm",
        "embedding:1",
        "lstm:1",
        "dot",
        "head",
        "head:1",
    ]
    assert len(model.weights) == 1 + 3 + 2
    assert model.count_params() == 9 * 4 + (4 + 3 + 1) * 12 + 3 + 1
    a, b = padded_ids(), padded_ids()[::-1]
    there, back = model.predict([a, b]), model.predict([b, a])
    np.testing.assert_array_equal(there[1], back[2])


SUMMARY = """\
Model: model
----------------------------------------------------------------
Layer (type)               Output shape  Params  Connected to
----------------------------------------------------------------
main_input (Input)         (None, 5)          0
aux_input (Input)          (None, 3)          0
embedding (Embedding)      (None, 5, 6)      54  main_input
lstm (LSTM)                (None, 4)        176  embedding
concatenate (Concatenate)  (None, 7)          0  lstm, aux_input
dense (Dense)              (None, 7)         56  concatenate
dense_1 (Dense)            (None, 7)         56  dense
dense_2 (Dense)            (None, 7)         56  dense_1
main_output (Dense)        (None, 1)          8  dense_2
aux_output (Dense)         (None, 1)          5  lstm
----------------------------------------------------------------
Parameters: 411 (357 trainable, 54 not)"""


def test_summary_is_this_table():
    model, _, _ = headline()
    lines = []
    model.get_layer("embedding").trainable = False
    model.summary(lines.append)
    assert "\n".join(lines) == SUMMARY


def test_a_tensor_that_goes_in_twice_is_one_connection():
    x = tg.Input((3,))
    model = tg.Model(x, layers.add([x, x, x]))
    assert model.nodes.all[-1].inputs == [x]


def test_the_forget_gate_starts_open():
    layer = layers.LSTM(2)
    layer.build((None, 3, 1))
    assert layer.bias.numpy().tolist() == [0, 0, 1, 1, 0, 0, 0, 0]


def test_summary_shows_shared_and_nested_layers():
    a, b = tg.Input((4,), name="a"), tg.Input((4,), name="b")
    base = base_model()
    model = tg.Model([a, b], [base(a)["left"], base(b)["right"]], name="pair")
    lines = []
    model.summary(lines.append)
    text = "\n".join(lines)
    assert "shares base/inner" in text and "base/inner:1" in text
    assert "Parameters: 55 (55 trainable, 0 not)" in text


class Untied(layers.Layer):
    """Goes back through the kernel of another layer, with a bias of its own."""

    def __init__(self, first, **options):
        super().__init__(**options)
        self.first = first

    def make_weights(self, shape):
        self.bias = self.add_weight("bias", (3,), "zeros")

    def call(self, h):
        return h @ tg.ops.transpose(self.first.kernel) + self.bias


def test_a_layer_that_borrows_weights_counts_its_own():
    x = tg.Input((3,), name="x")
    enc = layers.Dense(4, use_bias=False, name="enc")
    h = enc(x)
    model = tg.Model(x, [Untied(enc, name="dec")(h), layers.Dense(1, name="cls")(h)])
    lines = []
    model.summary(lines.append)
    (row,) = [line for line in "\n".join(lines).splitlines() if line.startswith("dec")]
    assert "  3, shares enc  enc" in row and "Parameters: 20 (20 trainable" in "\n".join(lines)
    model.compile("sgd", "mse")
    flow = model.gradient_flow(np.ones((2, 3)), [np.ones((2, 3)), np.ones((2, 1))])
    assert flow.weights_of_layers()["dec"] == ["dec/bias"]
    assert "cls (mean_squared_error of output cls) trains enc and cls." in model.explain()


@pytest.mark.medium
@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.one_in(28, rest="medium")
@each_model
def test_weights_can_be_taken_and_given_back(build):
    (model, x, _), (twin, _, _) = build(), build()
    before = model.get_weights()
    assert [w.shape for w in before] == [w.shape for w in model.weights]
    assert not same(model.predict(x), twin.predict(x))
    twin.set_weights(before)
    assert same(model.predict(x), twin.predict(x))
    before[0][...] = 7  # a copy
    assert not (model.get_weights()[0] == 7).all()


def test_weights_are_set_all_or_not_at_all():
    model, x, _ = headline()
    before, values = model.predict(x), [w + 1 for w in model.get_weights()]
    with pytest.raises(ValueError, match=r"main_output/bias has shape \(1,\), not \(2,\)"):
        model.set_weights([*values[:-3], np.zeros(2), *values[-2:]])
    with pytest.raises(ValueError, match="has 14 weight arrays, 13 were given"):
        model.set_weights(values[:-1])
    with pytest.raises(TypeError, match="aux_output/bias"):
        model.set_weights([*values[:-1], np.array(["a"])])
    with pytest.raises(TypeError, match="set_weights takes a list"):
        model.set_weights(model.named_weights())
    assert same(before, model.predict(x))
    model.set_weights(w - 1 for w in values)


def test_get_layer_hints_at_the_right_name():
    model, _, _ = headline()
    assert model.get_layer("lstm") is model.layers[1]
    with pytest.raises(ValueError, match="no layer 'lstn'; did you mean 'lstm'"):
        model.get_layer("lstn")


def test_predict_takes_lists_and_dicts_in_any_order():
    model, (ids, extra), _ = headline()
    expected = model.predict([ids, extra])
    assert same(model.predict((ids, extra)), expected)
    assert same(model.predict({"aux_input": extra, "main_input": ids}), expected)
    assert same(model.predict([ids.tolist(), extra.tolist()]), expected)
    assert same(model.predict([ids.astype(float), extra]), expected)


def test_predict_answers_in_the_declared_form():
    x = tg.Input((3,))
    y = layers.Dense(2)(x)
    data = numbers(3)
    one = tg.Model(x, y).predict(data)
    assert same(tg.Model(x, [y]).predict(data), [one])
    assert same(tg.Model({"x": x}, {"y": y}).predict({"x": data}), {"y": one})
    assert one.shape == (4, 2) and one.dtype == np.float32


@pytest.mark.one_in(16, rest="medium")
@each_model
def test_the_batch_size_of_predict_does_not_matter(build):
    with tg.use(floatx="float64"):
        model, x, _ = build()
        by_size = [model.predict(x, batch_size=size) for size in (1, 3, 100)]
    first, *others = [p.values() if isinstance(p, dict) else p for p in by_size]
    for other in others:
        for a, b in zip(first, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.one_in(8, rest="medium")
@each_model
def test_predict_on_0_rows_gives_0_rows(build):
    model, x, _ = build()
    empty = [array[:0] for array in x] if isinstance(x, list) else x[:0]
    found = model.predict(empty)
    for y, t in zip(
        found.values() if isinstance(found, dict) else found, model.outputs.values(), strict=True
    ):
        assert y.shape[0] == 0 and len(y.shape) == len(t.shape)


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.medium
@each_model
def test_the_same_seed_gives_the_same_bits(build):
    def run():
        tg.set_random_seed(5)
        model, x, y = build()
        history = model.fit(x, y, batch_size=2, epochs=2, verbose=0).history
        return [history, *model.get_weights(), model.predict(x)]

    first, numpys = run(), np.random.get_state()
    np.random.rand()  # what others draw does not matter
    second = run()
    np.random.set_state(numpys)
    assert first[0] == second[0] and same(first[1:], second[1:])


def test_another_seed_gives_other_weights():
    tg.set_random_seed(1)
    first = headline()[0].get_weights()
    assert not same(first, headline()[0].get_weights())
    tg.set_random_seed(2)
    assert not same(first, headline()[0].get_weights())


def test_dropout_rests_while_predicting():
    x = tg.Input((50,))
    model = tg.Model(x, layers.Dropout(0.5)(x))
    data = np.ones((2, 50), "float32")
    assert same(model.predict(data), data)


class TestNested:
    def test_it_shares_weights_and_keeps_paths(self):
        base = base_model()
        a = tg.Input((4,))
        model = tg.Model(a, base(a)["left"])
        assert list(model.named_weights())[:2] == ["base/inner/kernel", "base/inner/bias"]
        assert model.weights == base.weights
        assert same(model.predict(numbers(4)), base.predict(numbers(4))["left"])

    def test_outputs_may_be_one_a_list_or_a_dict(self):
        x, a = tg.Input((3,)), tg.Input((3,))
        y, z = layers.Dense(2)(x), layers.Dense(1)(x)
        one, two, named = tg.Model(x, y), tg.Model(x, [y, z]), tg.Model(x, {"y": y, "z": z})
        assert one(a).shape == (None, 2)
        assert [t.shape for t in two(a)] == [(None, 2), (None, 1)]
        assert {name: t.shape for name, t in named(a).items()} == {"y": (None, 2), "z": (None, 1)}

    def test_inputs_may_be_given_by_name(self):
        a, b = tg.Input((2,), name="a"), tg.Input((3,), name="b")
        inner = tg.Model([a, b], layers.concatenate([a, b]))
        p, q = tg.Input((2,)), tg.Input((3,))
        assert inner({"b": q, "a": p}).shape == inner([p, q]).shape == (None, 5)

    def test_it_can_be_nested_in_depth(self):
        x = tg.Input((4,))
        inner = tg.Model(x, layers.Dense(4, name="core")(x), name="inner")
        middle = tg.Model(x, inner(inner(x)), name="middle")
        outer = tg.Model(x, middle(x), name="outer")
        assert list(outer.named_weights()) == ["middle/inner/core/kernel", "middle/inner/core/bias"]
        data = numbers(4)
        np.testing.assert_array_equal(
            outer.predict(data), inner.predict(inner.predict(data)).astype("float32")
        )

    def test_it_runs_on_values_at_once(self):
        base = base_model()
        data = numbers(4)
        found = base(tg.Tensor(data))["left"].numpy()
        np.testing.assert_allclose(found, base.predict(data)["left"], rtol=1e-6)

    def test_a_new_model_may_be_cut_out_of_inner_tensors(self):
        x = tg.Input((4,), name="x")
        first = layers.Dense(3, "tanh", name="first")(x)
        second = layers.Dense(2, name="second")(first)
        whole, head = tg.Model(x, second), tg.Model(first, second)
        trunk = tg.Model(x, first)
        assert (names(trunk), names(head)) == (["first"], ["second"])
        data = numbers(4)
        assert same(head.predict(trunk.predict(data)), whole.predict(data))
        head.set_weights([w + 1 for w in head.get_weights()])  # the same weights
        assert same(head.predict(trunk.predict(data)), whole.predict(data))

    def test_a_wrong_input_is_refused(self):
        base = base_model()
        with pytest.raises(ValueError, match=r"'x' has shape \(None, 4\), it cannot take '.*5\)"):
            base(tg.Input((5,)))
        with pytest.raises(ValueError, match=r"takes 1 inputs \(x\)"):
            base([tg.Input((4,)), tg.Input((4,))])


def ids_and_words(**options):
    ids = tg.Input((4,), "int32", "ids")
    return ids, layers.Embedding(5, 3, mask_zero=True)(ids)


IDS = np.array([[1, 2, 0, 0], [3, 0, 0, 0], [1, 2, 3, 4]])


def mask_of(y, ids, data=IDS):
    return tg.Model(ids, y.mask).predict(data)


class TestMasks:
    def test_they_travel_through_layers_that_work_step_by_step(self):
        ids, words = ids_and_words()
        for y in (
            words,
            layers.Dense(2)(words),
            layers.Dropout(0.5)(words),
            layers.Activation("tanh")(words),
            layers.LSTM(2, return_sequences=True)(words),
            layers.concatenate([words, words]),
            layers.add([words, layers.Dense(3)(words)]),
        ):
            np.testing.assert_array_equal(mask_of(y, ids), IDS != 0)

    def test_joined_sequences_join_their_masks(self):
        ids, words = ids_and_words()
        y = layers.concatenate([words, words], axis=1)
        np.testing.assert_array_equal(mask_of(y, ids), np.hstack([IDS, IDS]) != 0)

    def test_a_merge_keeps_the_steps_that_are_real_in_all(self):
        a, b = tg.Input((4,), "int32", "a"), tg.Input((4,), "int32", "b")
        embedding = layers.Embedding(5, 3, mask_zero=True)
        y = layers.multiply([embedding(a), embedding(b)])
        found = tg.Model([a, b], y.mask).predict([IDS, IDS[::-1]])
        np.testing.assert_array_equal(found, (IDS != 0) & (IDS[::-1] != 0))

    def test_they_end_where_time_ends(self):
        _, words = ids_and_words()
        assert layers.LSTM(2)(words).mask is None

    def test_reading_backwards_reverses_them(self):
        ids, words = ids_and_words()
        y = layers.LSTM(2, return_sequences=True, go_backwards=True)(words)
        np.testing.assert_array_equal(mask_of(y, ids), (IDS != 0)[:, ::-1])

    def test_padding_makes_no_difference_to_an_lstm(self):
        ids, words = ids_and_words()
        model = tg.Model(ids, layers.LSTM(2)(words))
        free = tg.Input((None,), "int32")
        longer = tg.Model(free, model.layers[1](model.layers[0](free)))
        padded = np.hstack([IDS, np.zeros((3, 5), int)])
        np.testing.assert_allclose(longer.predict(padded), model.predict(IDS), rtol=1e-6)

    def test_a_layer_that_loses_the_mask_warns(self):
        _, words = ids_and_words()
        with pytest.warns(UserWarning, match=r"Flatten 'flatten' .* the mask of 'embedding'"):
            layers.Flatten()(words)

    def test_masked_steps_have_no_loss(self):
        ids, words = ids_and_words()
        model = tg.Model(ids, layers.Dense(1)(words))
        model.compile("sgd", "mse")
        targets = model.predict(IDS) + 1
        assert model.evaluate(IDS, targets) == pytest.approx(1, rel=1e-5)
        targets[IDS == 0] = 1e6
        assert model.evaluate(IDS, targets) == pytest.approx(1, rel=1e-5)

    def test_a_nested_model_hands_its_mask_on(self):
        ids, words = ids_and_words()
        inner = tg.Model(ids, words)
        again = tg.Input((4,), "int32")
        np.testing.assert_array_equal(mask_of(inner(again), again), IDS != 0)


def test_a_parameter_of_ones_own_holds_floats():
    """Whole numbers would be cut off at each step."""
    assert tg.Parameter([1, 2], "w").dtype == "float32"
    assert tg.Parameter([1, 2], "count", trainable=False).dtype == "int64"
    w = tg.Parameter([1.0, 2.0], "w", regularizer="l2")
    x = tg.Input((2,), name="x")
    model = tg.Model(x, x * w)
    model.compile(tg.optimizers.SGD(1.0), "mse")
    model.train_on_batch(np.zeros((1, 2)), np.zeros((1, 2)))
    np.testing.assert_allclose(w.value, [0.98, 1.96])
    for wrong, culprit in [
        (lambda: tg.Parameter([1.0], "w", trainable="no"), "Parameter 'w': trainable"),
        (lambda: w.assign(np.ma.array([1.0, 2.0], mask=[0, 1])), "a masked array"),
        (lambda: w.assign(np.array([1j, 2])), "holds numbers, not complex128"),
    ]:
        with pytest.raises(TypeError, match=culprit):
            wrong()
    np.testing.assert_allclose(w.value, [0.98, 1.96])
    w.trainable = "no"
    with pytest.raises(TypeError, match="trainable must be True or False, not 'no'"):
        model.train_on_batch(np.zeros((1, 2)), np.zeros((1, 2)))


def test_a_loss_that_needs_an_unknown_input_is_refused():
    x, other = tg.Input((3,), name="x"), tg.Input((2,), name="other")
    model = tg.Model(x, layers.Dense(1, kernel_regularizer=lambda w: (other * other).sum())(x))
    with pytest.raises(ValueError, match="the loss 'regularization' needs Input 'other'"):
        model.compile("sgd", "mse")
    model = tg.Model(x, layers.Dense(1)(x))
    with pytest.raises(ValueError, match="the loss 'size' needs Input 'other'"):
        model.add_loss(other.sum(), "size")
    with pytest.raises(ValueError, match="add_loss: name must be a name, not an empty text"):
        model.add_loss(x.sum(), "")
    with pytest.raises(TypeError, match="add_loss: the weight of 'size' must be a number"):
        model.add_loss(x.sum(), "size", weight="1")
    with pytest.raises(TypeError, match="the outputs of a model are named by texts, not by ''"):
        tg.Model(x, {"": layers.Dense(1)(x)})
    assert not model.added


def test_an_output_has_one_row_for_each_sample():
    """Batches are put together along the first axis: 3 and 3 rows must be those of 6 samples."""
    x, steps, data = tg.Input((3,), name="x"), tg.Input((None, 2)), np.arange(18.0).reshape(6, 3)
    for y in (x.sum(axis=0), x.T, x.mean(), x[None], steps.transpose(1, 0, 2)):
        with pytest.raises(ValueError, match="has no samples along its first axis, where predict"):
            tg.Model([x, steps], {"y": y, "x": x, "steps": steps})
    for y in (x.reshape(-1, 1), tg.ops.concatenate(x, x, axis=0)):
        with pytest.raises(ValueError, match=r"output '\w+' has \d+ rows for a batch of 3 samples"):
            tg.Model(x, y).predict(data, batch_size=3)
    centred = tg.Model(x, x - x.mean(axis=0)).predict(data)  # statistics of a batch are legitimate
    np.testing.assert_allclose(centred, data - data.mean(axis=0))


def test_no_samples_are_picked_from_a_batch():
    x = tg.Input((3, 2), name="x")
    for index, shown in [
        (slice(2), r"\[:2\]"),
        (slice(None, None, -1), r"\[::-1\]"),
        ((slice(1, None), 0), r"\[1:, 0\]"),
        (0, r"\[0\]"),
        ([0, 1], r"\[\[0, 1\]\]"),
        (np.ones((2, 3), bool), r"\[array of shape \(2, 3\)\]"),
        ((None, 0), r"\[None, 0\]"),
    ]:
        with pytest.raises(ValueError, match=f"{shown} would pick among the samples of a batch"):
            x[index]
    with pytest.raises(ValueError, match=r"\(axis 2\)"):
        x.T[..., 0]
    data = np.arange(12.0).reshape(2, 3, 2)
    for index in [np.s_[:, ::-1], np.s_[..., 0], np.s_[0:, 1], np.s_[:, [0, 2]], np.s_[::1, None]]:
        assert tg.Model(x, x[index]).predict(data).tolist() == data[index].tolist()
        assert tg.Tensor(data)[index].numpy().tolist() == data[index].tolist()


def test_the_output_of_a_model_is_as_it_was_given():
    x = tg.Input((3,), name="x")
    a, b = layers.Dense(1, name="a")(x), layers.Dense(1, name="b")(x)
    assert tg.Model(x, a).output is a and tg.Model(x, [a, b]).output == [a, b]
    assert tg.Model(x, {"one": a}).output == {"one": a}


def test_of_several_outputs_of_one_call_that_to_a_layer_is_chosen():
    x = tg.Input((5, 3), name="x")
    lstm = layers.LSTM(4, return_sequences=True, return_state=True, name="enc")
    y, h, c = lstm(x)
    ends = [layers.Dense(1, name="of_c")(c), layers.Dense(1, name="of_h")(h), h * 2.0, y]
    model = tg.Model(x, ends)
    with pytest.raises(
        ValueError, match=r"'enc' has 3 outputs .*to='of_h'\) or .*outputs\['enc'\]"
    ):
        model.get_output("enc")
    assert model.get_output("enc", to="of_c").key == c.key
    assert model.get_output("enc", to="of_h").key == h.key
    assert model.get_output("enc", to="multiply").key == h.key
    with pytest.raises(ValueError, match=r"'x' takes nothing of 'enc': say which, get_output"):
        model.get_output("enc", to="x")
    z = tg.Input((2, 3), name="z")
    both = tg.Model([x, z], layers.LSTM(4, name="dec")(z, initial_state=[h, c]))
    for to in (None, "dec"):
        with pytest.raises(ValueError, match=r"let each pass through a layer of its own"):
            both.get_output("enc", to=to)
    assert tg.Model(x, [h, layers.Dense(1)(h)]).get_output("enc").key == h.key  # read twice


def test_a_loss_that_a_layer_adds_is_none_of_its_outputs():
    class Small(layers.Layer):
        def call(self, x):
            y = x * 2.0
            self.add_loss((y * y).mean())
            return y

    x = tg.Input((3,))
    for model in (tg.Model(x, Small()(x)), tg.Model(x, layers.Dense(1)(Small()(x)))):
        assert model.get_output("small").shape == (None, 3)
        assert model.nodes.all[1].output.shape == (None, 3)


@pytest.mark.parametrize("where", ["build", "call"])
def test_a_model_that_a_layer_makes_is_a_model_of_its_own(where):
    class Encoder(layers.Layer):
        def build(self, shape):
            if where == "build":
                self.make()

        def call(self, x):
            if where == "call":
                self.make()
            return self.net(x)

        def make(self):
            start = tg.Input((3,))
            self.net = tg.Model(start, layers.Dense(2, name="core")(start), name="net")

    x = tg.Input((3,), name="x")
    model = tg.Model(x, Encoder(name="enc")(x))
    inner = model.get_layer("enc").net
    assert list(model.named_weights()) == ["enc/net/core/kernel", "enc/net/core/bias"]
    assert list(inner.named_weights()) == ["core/kernel", "core/bias"]
    data = numbers(3)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(model.predict(data), data @ kernel + bias, rtol=1e-5)
    np.testing.assert_array_equal(inner.predict(data), model.predict(data))


def test_the_outputs_of_a_layer_are_listed_by_the_names_that_they_have():
    x, y = tg.Input((3,), name="x"), tg.Input((3,), name="y")
    a, other = layers.Dense(3, name="a"), layers.Dense(3, name="a:1")
    calls = [a(x), a(y), other(x)]
    model = tg.Model([x, y], layers.concatenate(calls))
    with pytest.raises(ValueError, match="say which, 'a:0' or 'a:2'"):
        model.get_output("a")
    found = [model.get_output(name) for name in ("a:0", "a:2", "a:1")]
    assert [one.key for one in found] == [one.key for one in calls]


def test_a_list_of_one_sample_is_one_sample():
    """Whatever can be one array as it stands is that; else it is a list of the only input."""
    x = tg.Input((None, 1), name="x")
    model = tg.Model(x, layers.LSTM(2)(x))
    sample = [[1.0], [2.0], [3.0]]
    one = model.predict(np.array([sample]))
    assert one.shape == (1, 2)
    np.testing.assert_array_equal(model.predict([sample]), one)
    np.testing.assert_array_equal(model.predict([np.array([sample])]), one)
    np.testing.assert_array_equal(model.predict([sample, sample]), np.repeat(one, 2, axis=0))
    image = tg.Input((4, 4, 1), name="image")
    flat = tg.Model(image, layers.Flatten()(image))
    assert flat.predict([np.ones((4, 4, 1))]).shape == (1, 16)
    column = tg.Input((1,), name="column")
    same = tg.Model(column, column * 1.0)
    for given in ([1.0, 2.0], [[1.0, 2.0]], [[1.0], [2.0]], [np.array([1.0, 2.0])]):
        assert same.predict(given).tolist() == [[1], [2]]


def test_a_model_takes_no_options_when_it_is_called():
    x = tg.Input((3,), name="x")
    model = tg.Model(x, layers.Dropout(0.5)(x))
    with pytest.raises(TypeError, match="no option 'training': leave it out, only fit"):
        model(tg.Tensor(np.ones((1, 3))), training=True)
    with pytest.raises(TypeError, match="takes no option 'nonsense'"):
        model(x, nonsense=2)
    with pytest.raises(TypeError, match=r"Noise.call takes training, but is not told"):

        class Noise(layers.Layer):
            def call(self, x, training=None):
                return x if training else x * 0.0


def test_what_a_layer_is_not_told_is_said():
    with pytest.raises(TypeError, match=r"Pooled.call takes mask, but is not told: .* x\.mask"):

        class Pooled(layers.Layer):
            def call(self, x, mask=None):
                return x

    with pytest.raises(TypeError, match=r"Net: a Model is the graph .* write a Layer with this"):

        class Net(tg.Model):
            def call(self, x):
                return x

    x = tg.Input((3, 2))
    for name in ("training", "mask"):
        with pytest.raises(TypeError, match=f"LSTM 'lstm' takes no {name}"):
            layers.LSTM(2, name="lstm")(x, **{name: None})
