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
}
LOSES = {
    "a mean over the steps": lambda h: h.mean(axis=1),
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


@pytest.mark.parametrize("what", KEEPS)
def test_padding_has_no_say(what):
    before, after, said = answers(KEEPS[what])
    np.testing.assert_allclose(before, after, rtol=1e-6)
    assert said == []


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
