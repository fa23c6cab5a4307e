"""Padding: an answer does not depend on it, or it is said that it does."""

import warnings

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers as L
from tinygrad_mo import ops

IDS = np.array([[1, 2, 0, 0], [3, 0, 0, 0]])


def custom(call):
    """A layer of one's own that knows nothing of masks."""
    return type("Own", (L.Layer,), {"call": lambda self, x: call(x)})()


def nested(h):
    z = tg.Input((4, 3))
    return tg.Model(z, L.LSTM(2)(z))(h)


def turned(x):
    return ops.transpose(x, axes=(0, 2, 1))


def without_mask(h):
    return L.RepeatVector(6)(L.GRU(3)(h))


def scores_of_each_with_each(h):
    return L.Dot(axes=2)([h, h])


HALVES = np.full((4, 4), 0.5, "float32")
KEEPS = {
    "a recurrent layer": L.LSTM(2),
    "minus": lambda h: L.LSTM(2)(-h),
    "a number": lambda h: L.LSTM(2)(2.0 * h + 1.0),
    "itself": lambda h: L.LSTM(2)(h * h),
    "an activation": lambda h: L.GRU(2)(ops.tanh(h)),
    "a dense layer": lambda h: L.GRU(2)(L.Dense(4)(h)),
    "an own activation": lambda h: L.LSTM(2)(L.Activation(lambda t: t * 2.0)(h)),
    "some features": lambda h: L.LSTM(2)(h[:, :, :2]),
    "some features, by ...": lambda h: L.LSTM(2)(h[..., 1:]),
    "some steps": lambda h: L.LSTM(2)(h[:, :2]),
    "reversed steps": lambda h: L.LSTM(2)(h[:, ::-1]),
    "joined features": lambda h: L.LSTM(2)(ops.concatenate(h, h, axis=-1)),
    "joined sequences": lambda h: L.LSTM(2)(ops.concatenate(h, h, axis=1)),
    "a layer that joins sequences": lambda h: L.LSTM(2)(L.Concatenate(axis=1)([h, h])),
    "a product": lambda h: L.LSTM(2)(h @ tg.Parameter(np.ones((3, 2), "float32"), "W")),
    "another shape of each step": lambda h: L.LSTM(2)(h.reshape(-1, 4, 3)),
    "a sum within steps": lambda h: L.LSTM(2)((h * h).sum(axis=-1, keepdims=True)),
    "a variance within steps": lambda h: L.LSTM(2)(ops.var(h, axis=-1, keepdims=True)),
    "sums so far within steps": lambda h: L.LSTM(2)(ops.cumsum(h)),
    "sorted features": lambda h: L.LSTM(2)(ops.sort(ops.arctan(h))),
    "log shares of features": lambda h: L.LSTM(2)(ops.log_softmax(ops.stop_gradient(h))),
    "a choice": lambda h: L.LSTM(2)(ops.where(ops.not_equal(h, 0), h, 0.0)),
    "normalized features": lambda h: L.LSTM(2)(L.LayerNormalization()(h)),
    "normalized channels": lambda h: L.LSTM(2)(L.BatchNormalization()(h)),
    "positions": lambda h: L.LSTM(2)(h + tg.Parameter(np.ones((4, 3), "float32"), "positions")),
    "a layer for each step": lambda h: L.LSTM(2)(L.TimeDistributed(L.Dense(2))(h)),
    "both directions": lambda h: L.LSTM(2)(L.Bidirectional(L.LSTM(2, return_sequences=True))(h)),
    "a mean that knows masks": L.GlobalAveragePooling1D(),
    "a softmax over the steps": lambda h: L.LSTM(2)(L.Softmax(axis=1)(h)),
    "a softmax over scores": lambda h: L.Activation("softmax")(h[..., 0]),
    "attention": lambda h: L.GlobalAveragePooling1D()(L.Attention()([h, h])),
    "an own layer of such ops": lambda h: L.LSTM(2)(custom(lambda x: ops.tanh(x) * 2.0)(h)),
    "fewer steps": lambda h: L.LSTM(2)(L.Cropping1D((0, 1))(h)),
    "one step beside several": lambda h: L.LSTM(2)(h[:, :1] * without_mask(h)),
    "a score for each step": lambda h: L.Softmax()(L.Dot((1, 2))([L.GRU(3)(h), h])),
    "keys": lambda h: L.Attention()([h, without_mask(h)[:, :4], h]),
}
LOSES = {
    "a mean over the steps": lambda h: h.mean(axis=1),
    "sums so far over the steps": lambda h: L.LSTM(2)(ops.cumsum(h, axis=1)),
    "sorted steps": lambda h: L.LSTM(2)(ops.sort(h, axis=1)),
    "a product of steps": lambda h: ops.prod(h, axis=1),
    "a largest step": lambda h: h.max(axis=1),
    "the last step": lambda h: h[:, -1],
    "everything": lambda h: (h * h).mean() + h[:, 0] * 0.0,
    "a flat sequence": L.Flatten(),
    "a maximum": L.GlobalMaxPooling1D(),
    "a convolution": lambda h: L.LSTM(2)(L.Conv1D(2, 2)(h)),
    "statistics over the steps": L.LayerNormalization(axis=(1, 2)),
    "channels that are steps": L.BatchNormalization(axis=1),
    "a product over the steps": lambda h: L.Dot(axes=1)([h, h]),
    "repeated steps": lambda h: L.LSTM(2)(L.UpSampling1D(2)(h)),
    "more steps": lambda h: L.LSTM(2)(L.ZeroPadding1D(1)(h)),
    "steps as features": L.Permute((2, 1)),
    "turned axes": turned,
    "a softmax over scores, by its op": lambda h: ops.softmax(h[..., 0]),
    "a model built without a mask": nested,
    "features made of steps": lambda h: L.Dense(4)(h.sum(axis=-1)),
    "an activation that mixes steps": lambda h: L.Activation(lambda t: t @ HALVES)(h.sum(axis=-1)),
    "parts of steps as samples": lambda h: h.reshape(-1, 4, 1).reshape(-1, 3, 4),
    "scores of each step for each": scores_of_each_with_each,
    "a mean of padded steps": lambda h: h[:, :3] @ h[:, 1:],
    "statistics of each step": lambda h: L.TimeDistributed(L.BatchNormalization())(h),
    "statistics of scores": lambda h: L.BatchNormalization()(h.sum(axis=-1)),
    "an own layer of other ops": lambda h: L.LSTM(2)(custom(lambda x: turned(turned(x)))(h)),
}


def answers(build):
    """Predictions before and after the vector of the padding has changed, and what was said."""
    x, embedding = tg.Input((4,), dtype="int32"), L.Embedding(5, 3, mask_zero=True)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model = tg.Model(x, build(embedding(x)))
    before, table = model.predict(IDS), embedding.embeddings.numpy()
    table[0] += 7
    embedding.embeddings.assign(table)
    return before, model.predict(IDS), [str(one.message) for one in said]


@pytest.mark.one_in(9, rest="medium")
@pytest.mark.parametrize("what", KEEPS)
def test_padding_has_no_say(what):
    before, after, said = answers(KEEPS[what])
    np.testing.assert_allclose(before, after, rtol=1e-6)
    assert said == []


@pytest.mark.one_in(3, rest="medium")
@pytest.mark.parametrize("what", LOSES)
def test_where_padding_has_a_say_it_is_said(what):
    _, _, said = answers(LOSES[what])
    words = "padded steps count like real ones", "they count like real ones", "does not see that of"
    assert said and any(one in said[0] for one in words)


def test_a_softmax_leaves_padding_out_exactly():
    ids = tg.Tensor(IDS)
    scores = L.Dense(1)(L.Embedding(5, 3, mask_zero=True)(ids))
    shares = L.Softmax(axis=1)(scores).numpy()[..., 0]
    assert (shares[IDS == 0] == 0).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    nothing = L.Softmax(axis=1)(L.Embedding(5, 3, mask_zero=True)(tg.Tensor(IDS * 0))).numpy()
    assert (nothing == 0).all()


def test_a_mask_of_several_is_what_is_real_in_all():
    a, b = (L.Embedding(5, 3, mask_zero=True)(tg.Tensor(i)) for i in (IDS, IDS[::-1].copy()))
    np.testing.assert_array_equal((a + b).mask.numpy(), (IDS > 0) & (IDS[::-1] > 0))
    np.testing.assert_array_equal((a * 2.0).mask.numpy(), IDS > 0)
    np.testing.assert_array_equal(a[:, 1:3].mask.numpy(), (IDS > 0)[:, 1:3])
    both = ops.concatenate(a, b, axis=1).mask.numpy()
    np.testing.assert_array_equal(both, np.concatenate([IDS > 0, IDS[::-1] > 0], axis=1))


def embedded(ids, width=3):
    return L.Embedding(5, width, mask_zero=True)(tg.Tensor(ids))


@pytest.mark.filterwarnings("ignore:Dense .* does not know what to do with the mask")
@pytest.mark.parametrize("units", [3, 4])
def test_a_mask_ends_where_steps_have_become_features(units):
    h = L.Dense(units)(embedded(IDS).sum(axis=-1))
    assert h.mask is None
    np.testing.assert_allclose(L.Softmax()(h).numpy().sum(axis=1), 1, rtol=1e-6)
    assert L.concatenate([h, tg.Tensor(np.ones((2, 1)))]).shape == (2, units + 1)


@pytest.mark.parametrize("join", [lambda a, b: a * b, lambda a, b: L.add([a, b])])
def test_the_mask_of_one_step_is_that_of_all_it_is_joined_with(join):
    z = tg.Tensor(np.random.default_rng(0).normal(size=(3, 6, 3)))
    y = join(embedded(np.array([[1, 2], [0, 3], [4, 0]]))[:, :1], z)
    np.testing.assert_array_equal(y.mask.numpy(), [[True] * 6, [False] * 6, [True] * 6])
    mean = np.where([[True], [False], [True]], y.numpy().mean(axis=1), 0)
    np.testing.assert_allclose(L.GlobalAveragePooling1D()(y).numpy(), mean, rtol=1e-5)
    for layer in (L.LSTM(2), L.GRU(2), L.SimpleRNN(2), L.Bidirectional(L.GRU(1))):
        found = layer(y).numpy()
        assert found[[0, 2]].all() and not found[1].any()
    assert L.concatenate([y, embedded(np.ones((3, 2), int))], axis=1).mask.shape == (3, 8)


@pytest.mark.one_in(4, rest="medium")
@pytest.mark.parametrize("many", [1, 300])  # few steps run in NumPy, many in C
@pytest.mark.parametrize(
    "layer",
    [
        L.LSTM(2),
        L.GRU(2),
        L.GRU(2, reset_after=False),
        L.SimpleRNN(2),
        L.Bidirectional(L.LSTM(2, return_sequences=True)),
        L.BatchNormalization(),
        L.Softmax(axis=1),
        L.GlobalAveragePooling1D(),
        L.Attention(),
        L.MultiHeadAttention(2, 3),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_nan_in_padded_steps_spoils_nothing(layer, many):
    ids, table = np.tile(IDS, (many, 3)), np.random.default_rng(0).normal(size=(5, 3))
    found = []
    for odd in (0.0, np.nan, np.inf):
        table[0] = odd
        words = tg.Parameter(table, "words")
        x = ops.embedding(tg.Tensor(ids), words)
        x.mask = tg.Tensor(ids > 0)
        y = layer([x, x]) if isinstance(layer, L.Attention) else layer(x, *attended(layer, x))
        y = L.GlobalAveragePooling1D()(y) if y.ndim == 3 else y
        gradients = tg.gradients((y * y).sum(), [words, *layer.trainable_weights])
        found.append([y.numpy(), *gradients])
    for other in found[1:]:
        for one, right in zip(other, found[0], strict=True):
            np.testing.assert_allclose(one, right, rtol=1e-4, atol=1e-5)


def attended(layer, x):
    return [x] if isinstance(layer, L.MultiHeadAttention) else []


def test_words_of_length_1_train_although_padding_has_none():
    """0 / 0 in each padded step: no loss and no gradient sees it."""
    x = tg.Input((4,), dtype="int32")
    table = L.Embedding(5, 3, mask_zero=True, name="words")
    words = table(x)
    model = tg.Model(x, L.GRU(2)(words / ops.norm(words, axis=-1, keepdims=True)))
    model.compile("sgd", "mse")
    table.embeddings.assign(np.vstack([np.zeros(3), np.eye(3), np.ones(3)]))
    with np.errstate(invalid="ignore"):
        model.fit(IDS, np.ones((2, 2)), epochs=2, verbose=0)
    assert np.isfinite(table.embeddings.numpy()).all() and not table.embeddings.numpy()[0].any()


@pytest.mark.parametrize("ids", [IDS * 0, IDS])
def test_moving_averages_follow_real_steps_only(ids):
    x, norm = tg.Input((4,), dtype="int32"), L.BatchNormalization(momentum=0.5)
    table = L.Embedding(5, 3, mask_zero=True)
    model = tg.Model(x, L.GlobalAveragePooling1D()(norm(table(x))))
    model.compile("sgd", "mse")
    start = np.ones(3), np.full(3, 3.0)
    norm.moving_mean.assign(start[0])
    norm.moving_variance.assign(start[1])
    rows = table.embeddings.numpy()[ids[ids > 0]]
    model.train_on_batch(ids, np.zeros((2, 3)))
    seen = (rows.mean(axis=0), rows.var(axis=0)) if len(rows) else start
    for average, old, new in zip(
        (norm.moving_mean, norm.moving_variance), start, seen, strict=True
    ):
        np.testing.assert_allclose(average.numpy(), (old + new) / 2, rtol=1e-5)


def test_where_everything_is_padding_attention_sees_nothing():
    query, nothing = tg.Tensor(np.ones((2, 3, 3))), embedded(IDS * 0)
    y, weights = L.Attention()([query, nothing], return_attention_scores=True)
    assert not y.numpy().any() and not weights.numpy().any()
    layer = L.MultiHeadAttention(2, 3, bias_initializer="ones")
    y, weights = layer(query, nothing, return_attention_scores=True)
    assert (y.numpy() == 1).all() and not weights.numpy().any()  # the bias of the output


class Reads(L.Layer):
    """One's own, whose inner layer knows what to do with a mask."""

    def __init__(self, **options):
        super().__init__(**options)
        self.lstm = L.LSTM(2)

    def call(self, x):
        return self.lstm(x)


class Centres(L.Layer):
    def call(self, x):
        return x - x.mean(axis=1, keepdims=True)


def test_the_ops_of_ones_own_layers_tell_of_masks():
    """The layer may not know that there are masks at all."""
    i = tg.Input((4,), dtype="int32", name="ids")
    h = L.Embedding(5, 3, mask_zero=True)(i)
    model = tg.Model(i, Reads()(h))  # nothing is lost
    answers = model.predict([[1, 2, 0, 0], [1, 2, 0, 0]]), model.predict([[1, 2, 0, 0]])
    np.testing.assert_array_equal(answers[0][:1], answers[1])
    with pytest.warns(UserWarning, match="op 'mean' does not know what to do with the mask"):
        Centres()(h)


@pytest.mark.parametrize("value", [0.0, -1.3])
def test_masking_marks_the_steps_in_which_all_numbers_have_one_value(value):
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    x[0, 2:], x[1, 0], x[1, 1, 0] = value, value, value
    real = np.array([[True, True, False, False], [False, True, True, True]])
    given = tg.Tensor(x)
    y = L.Masking(value)(given)
    np.testing.assert_array_equal(y.mask.numpy(), real)
    np.testing.assert_array_equal(y.numpy(), np.where(real[..., None], x, 0))
    again = L.Masking(x[0, 0, 0])(y[..., :1])  # what was padding stays so
    np.testing.assert_array_equal(again.mask.numpy()[0], [False, True, False, False])
    y.mask = None  # the sum is over all steps
    gradient = tg.gradients(y.sum(), given)
    np.testing.assert_array_equal(gradient, np.broadcast_to(real[..., None], x.shape))


def test_masking_takes_sequences():
    with pytest.raises(ValueError, match="Masking 'gaps' takes inputs of 3 axes"):
        L.Masking(name="gaps")(tg.Input((4,)))
