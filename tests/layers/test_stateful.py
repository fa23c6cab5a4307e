"""Sequences that go on from batch to batch, while training."""

import numpy as np
import pytest

import tinygrad_mo as tg
from layer_checks import numbers
from tinygrad_mo import layers

KINDS = [layers.LSTM, layers.GRU, layers.SimpleRNN]
ROWS, TIME = 3, 4
X, Y = numbers(4 * ROWS, TIME, 2), numbers(4 * ROWS, 2) / 4
each_kind = pytest.mark.parametrize("kind", KINDS)


def stateful(kind, learning_rate=0.1, **options):
    tg.set_random_seed(0)
    x = tg.Input((TIME, 2))
    layer = kind(2, stateful=ROWS, name="reader", **options)
    model = tg.Model(x, layer(x))
    model.compile(tg.optimizers.SGD(learning_rate), "mse")
    return model, layer


def batches():
    return [(X[i : i + ROWS], Y[i : i + ROWS]) for i in range(0, len(X), ROWS)]


def states(layer):
    return [state.numpy() for state in layer.kept]


def by_hand(kind, weights):
    """A layer without a memory of its own, with these weights."""
    plain = kind(2, return_state=True)
    plain(tg.Input((TIME, 2)))
    for w, value in zip(plain.weights, weights, strict=False):
        w.assign(value.numpy())
    return plain


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.usefixtures("float64")
@each_kind
def test_a_batch_starts_where_the_one_before_has_ended(kind):
    """Losses, gradients and states are those of a layer that is handed the states by hand."""
    model, layer = stateful(kind)
    h = None
    for x, y in batches():
        plain = by_hand(kind, layer.weights)
        out, *h = plain(tg.Tensor(x), initial_state=h)
        loss = ((out - y) ** 2).mean()
        gradients = tg.gradients(loss, plain.weights)
        moved = [w.value - 0.1 * g for w, g in zip(plain.weights, gradients, strict=True)]
        assert model.train_on_batch(x, y) == pytest.approx(float(loss.value))
        for w, expected in zip(layer.weights, moved, strict=False):
            np.testing.assert_allclose(w.numpy(), expected, rtol=1e-9, atol=1e-12)
        for state, expected in zip(states(layer), h, strict=True):
            np.testing.assert_allclose(state, expected.numpy(), rtol=1e-12, atol=1e-14)
        h = [one.detach() for one in h]  # no gradient goes back into earlier batches


@pytest.mark.one_in(3, rest="medium")
@each_kind
def test_only_training_uses_and_moves_the_states(kind):
    model, layer = stateful(kind)
    model.fit(X, Y, batch_size=ROWS, shuffle=False, verbose=0, validation_data=(X[:5], Y[:5]))
    before = states(layer)
    assert all((state != 0).any() for state in before)
    expected = by_hand(kind, layer.weights)(tg.Tensor(X[:7].astype("float32")))[0].numpy()
    np.testing.assert_allclose(model.predict(X[:7]), expected, rtol=1e-4, atol=1e-6)
    model.evaluate(X, Y)
    model.gradient_flow(X[:ROWS], Y[:ROWS])
    for now, then in zip(states(layer), before, strict=True):
        assert (now == then).all()
    layer.reset_states()
    assert all((state == 0).all() for state in states(layer))


@pytest.mark.one_in(4, rest="medium")
@each_kind
def test_fit_goes_on_from_batch_to_batch_and_a_file_too(kind, tmp_path):
    model, other = stateful(kind)[0], stateful(kind)[0]
    model.fit(X, Y, batch_size=ROWS, shuffle=False, verbose=0)
    for x, y in batches():
        other.train_on_batch(x, y)
    model.save(tmp_path / "model.tg")
    copy = tg.load(tmp_path / "model.tg")
    for one in (model, other, copy):
        one.train_on_batch(*batches()[0])
    for a, b, c in zip(*(one.get_weights() for one in (model, other, copy)), strict=True):
        assert a.tobytes() == b.tobytes() == c.tobytes()
    assert copy.get_layer("reader").kept[0].name == "reader/h"


@pytest.mark.medium
@pytest.mark.usefixtures("float64")
def test_two_in_a_row_and_padding():
    x = tg.Input((TIME, 2))
    h = layers.LSTM(2, stateful=ROWS, return_sequences=True)(layers.Masking()(x))
    model = tg.Model(x, layers.GRU(2, stateful=ROWS, dropout=0.2, recurrent_dropout=0.2)(h))
    model.compile("sgd", "mse")
    padded = X.copy()
    padded[:, 2:] = 0
    model.fit(padded, Y, batch_size=ROWS, shuffle=False, verbose=0)
    tg.check.check_model(model, X[:ROWS], Y[:ROWS])


def test_what_does_not_go_together_is_refused():
    model, layer = stateful(layers.LSTM)
    before = model.get_weights()
    with pytest.raises(
        ValueError, match=r"LSTM 'reader' is stateful: .* fit\(..., shuffle=False\)"
    ):
        model.fit(X, Y, batch_size=ROWS, verbose=0)
    for x, size in ((X, 4), (X[:-1], ROWS)):
        with pytest.raises(
            ValueError, match="'reader' keeps the states of 3 samples, so each batch"
        ):
            model.fit(x, Y[: len(x)], batch_size=size, shuffle=False, verbose=0)
    with pytest.raises(ValueError, match="states of 3 samples were kept, so each batch must") as e:
        model.train_on_batch(X[:2], Y[:2])
    assert "in LSTM 'reader'" in "".join(e.value.__notes__)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    with pytest.raises(ValueError, match="'reader' is stateful, so that it has no other initial_s"):
        layer(tg.Input((TIME, 2)), initial_state=[None, None])
    with pytest.raises(ValueError, match="'bidirectional': GRU 'gru' is stateful, but a sequence"):
        layers.Bidirectional(layers.GRU(2, stateful=3))
    with pytest.raises(TypeError, match="stateful, the number of samples in each batch, must be"):
        layers.GRU(2, stateful=True)
    with pytest.raises(ValueError, match="'gru' keeps no states: it is not stateful"):
        layers.GRU(2).reset_states()
    a, b = tg.Input((TIME, 2), name="a"), tg.Input((TIME, 2), name="b")
    twice = tg.Model([a, b], [layer(a), layer(b)])
    with pytest.raises(ValueError, match="'reader' is stateful and called several times in one"):
        twice.compile("sgd", "mse")
