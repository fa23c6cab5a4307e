"""GRU, SimpleRNN, Bidirectional and TimeDistributed (LSTM is tested with the core)."""

import numpy as np
import pytest

import tinygrad_mo as tg
from gradient_checks import check_gradients
from layer_checks import agree_with_keras, check_losses, close, numbers, recorded, two_losses
from tinygrad_mo import layers, ops

MASK = np.array([[1, 0, 1, 1], [0, 1, 1, 0], [0, 0, 0, 0]], dtype=bool)
OPS = {
    "gru": (ops.gru, (3, 6), (2, 6), (2, 6), {}),
    "gru_reset_before": (ops.gru, (3, 6), (2, 6), (6,), {"reset_after": False}),
    "simple_rnn": (ops.simple_rnn, (3, 2), (2, 2), (2,), {}),
}


@pytest.mark.one_in(22, rest="medium")
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("with_state", [False, True])
@pytest.mark.parametrize("batch, mask", [(3, None), (3, MASK), (1, None), (0, None), (0, MASK[:0])])
@pytest.mark.parametrize("op, kernel, recurrent, bias, attributes", OPS.values(), ids=OPS)
def test_ops(op, kernel, recurrent, bias, attributes, batch, mask, with_state, go_backwards):
    weights = numbers(*kernel), numbers(*recurrent), numbers(*bias)
    state = 0.3 * numbers(batch, 2) if with_state else None
    x = numbers(batch, 4, 3)
    check_gradients(op, x, *weights, state, mask, go_backwards=go_backwards, **attributes)


@pytest.mark.parametrize("time", [1, 2, 9])
@pytest.mark.parametrize(
    "op, gates, states", [(ops.lstm, 4, 2), (ops.gru, 3, 1), (ops.simple_rnn, 1, 1)]
)
def test_a_gradient_that_has_all_but_vanished_ends_as_0(op, gates, states, time):
    """What decays step by step ends among the smallest floats, which are slow."""
    bias = numbers(2, 2 * gates) if op is ops.gru else numbers(2 * gates)
    given = [numbers(3, time, 3), numbers(3, 2 * gates), numbers(2, 2 * gates), bias]
    y, pulls = op(*given, *[numbers(3, 2)] * states, None)
    for size, vanished in ((1.0, False), (1e-303, True)):
        gs = tuple(np.full((1, *one.shape), size) for one in y)
        for pull in pulls[4 : 4 + states]:
            assert (pull(gs) == 0).all() == vanished


def call(layer, inputs):
    x = inputs["x"]
    x.mask = inputs.get("mask")
    states = [inputs[name] for name in ("h0", "c0") if name in inputs]
    return layer(x, initial_state=states) if states else layer(x)


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("case", [c for c in recorded("recurrent") if c[-4:] != "mask"])
def test_keras(case):
    data = recorded("recurrent")[case][1]
    drawn = "seen_x" in data

    def call_with_draws(layer, inputs):
        if drawn:  # for the input, then for the state
            layer.build(inputs["x"].shape)
            layer._generator = Draws(data["seen_x"][:, None], data["seen_h"])
        return call(layer, inputs)

    agree_with_keras("recurrent", case, call_with_draws, training=drawn)


class Draws:
    """In place of a generator: numbers from which dropout keeps what these say."""

    def __init__(self, *kept):
        self.kept = list(kept)

    def random(self, shape):
        kept = self.kept.pop(0)
        assert kept.shape == tuple(shape)
        return kept.astype(float)


@pytest.mark.usefixtures("float64")
def test_keras_bidirectional_with_a_mask():
    agree_with_keras("recurrent", "bidirectional_mask", call)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("case", ["gru_mask", "gru_reset_before_mask", "rnn_mask"])
def test_keras_with_a_mask_and_an_initial_state(case):
    """As with LSTM we differ in one thing: before the first real step of a row, Keras returns 0 as
    output although the state is h0; ours returns the state, as after any skipped step."""
    data = recorded("recurrent")[case][1]
    not_started = ~np.logical_or.accumulate(data["mask"], axis=1)[..., None]
    upstreams = [np.where(not_started, 0, data["upstream_output"]), data["upstream_h"]]
    found = agree_with_keras("recurrent", case, call, ("output", "h"), upstreams=upstreams)
    _, plan, tape, _ = found
    output, h = (plan.value(tape, y) for y in plan.losses)
    close(output, np.where(not_started, data["h0"][:, None], data["output"]))
    close(h, data["h"])


KINDS = [layers.LSTM, layers.GRU, layers.SimpleRNN]
LAYERS = {
    "gru": lambda: layers.GRU(3),
    "gru_plain": lambda: layers.GRU(3, use_bias=False, reset_after=False),
    "both_dropped": lambda: layers.Bidirectional(
        layers.LSTM(2, return_sequences=True, dropout=0.3, recurrent_dropout=0.3, use_bias=False)
    ),
    "gru_before": lambda: layers.GRU(3, reset_after=False, return_sequences=True),
    "rnn": lambda: layers.SimpleRNN(3, go_backwards=True),
    "rnn_sequences": lambda: layers.SimpleRNN(3, return_sequences=True),
    "lstm": lambda: layers.LSTM(3, return_sequences=True),
    "both_concat": lambda: layers.Bidirectional(layers.LSTM(2, return_sequences=True)),
    "both_sum": lambda: layers.Bidirectional(layers.GRU(3), "sum"),
    "both_mul": lambda: layers.Bidirectional(layers.SimpleRNN(3, return_sequences=True), "mul"),
    "both_ave": lambda: layers.Bidirectional(layers.GRU(2, reset_after=False), "ave"),
    "each_step": lambda: layers.TimeDistributed(layers.Dense(3, "tanh")),
}


@pytest.mark.one_in(3, rest="exhaustive")
@pytest.mark.medium
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_two_losses(make):
    check_losses(*two_losses(make(), 4, 3))


@pytest.mark.one_in(3, rest="exhaustive")
@pytest.mark.medium
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_two_losses_with_padding(make):
    ids = np.array([[1, 2, 0, 0], [3, 0, 0, 0], [1, 1, 2, 3]])
    words, layer = layers.Embedding(4, 3, mask_zero=True), make()
    check_losses(*two_losses(lambda x: layer(words(x)), 4, dtype="int32", data=ids))


@pytest.mark.one_in(4, rest="medium")
@pytest.mark.parametrize("kind", KINDS)
def test_dropout_is_drawn_anew_in_each_step_and_from_the_seed(kind):
    def outputs(steps):
        tg.set_random_seed(3)
        x = tg.Input((4, 3))
        layer = kind(2, dropout=0.4, recurrent_dropout=0.4)
        model = tg.Model(x, layer(x))
        model.compile(tg.optimizers.SGD(0.0), "mse")
        plan, feed = model.training_plan(), model.labelled_data(data, np.zeros((50, 2)))
        runs = [plan.forward(feed, training=True) for _ in range(steps)]
        return [plan.value(tape, model.output).copy() for tape in runs], model

    data = numbers(50, 4, 3)
    (first, second, third), model = outputs(3)
    assert (first != second).any() and (second != third).any()
    assert all((a == b).all() for a, b in zip((first, second, third), outputs(3)[0], strict=True))
    plain = kind(2)
    x = tg.Input((4, 3))
    alike = tg.Model(x, plain(x))
    alike.set_weights(model.get_weights())
    found, expected = model.predict(data), alike.predict(data)  # where nothing is left out
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", KINDS)
def test_no_state_is_seen_with_a_recurrent_dropout_of_1(kind):
    """Then each step knows the first state only as far as the gates let it pass."""
    x, layer = tg.Input((4, 3)), kind(2, recurrent_dropout=1.0, bias_initializer="normal")
    y = layer(x)
    layer.recurrent_kernel.assign(numbers(2, layer.recurrent_kernel.shape[1]))
    plan, data = tg.Plan([y], [layer.recurrent_kernel]), numbers(3, 4, 3)
    tape = plan.forward({x: data}, training=True)
    found = plan.value(tape, y)
    assert (plan.backward(tape, [np.ones_like(found)])[layer.recurrent_kernel] == 0).all()
    layer.recurrent_kernel.assign(np.zeros(layer.recurrent_kernel.shape))
    close(found, plan.value(plan.forward({x: data}), y))


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing(kind):
    """The states of a padded sequence are those of the sequence without its padding."""
    layer = kind(2, return_state=True)
    short = tg.Tensor(numbers(1, 3, 2))
    long = tg.Tensor(np.concatenate([short.numpy(), numbers(1, 2, 2)], axis=1))
    long.mask = tg.Tensor(np.array([[True, True, True, False, False]]))
    for a, b in zip(layer(short), layer(long), strict=True):
        close(a.numpy(), b.numpy())


@pytest.mark.usefixtures("float64")
def test_a_state_hands_over_to_the_next_piece():
    x = numbers(2, 6, 3)
    for layer in (layers.GRU(2, return_state=True), layers.SimpleRNN(2, return_state=True)):
        whole, _ = layer(tg.Tensor(x))
        _, h = layer(tg.Tensor(x[:, :4]))
        rest, _ = layer(tg.Tensor(x[:, 4:]), initial_state=h)
        close(rest.numpy(), whole.numpy())


@pytest.mark.usefixtures("float64")
def test_bidirectional_is_two_layers():
    x = tg.Tensor(numbers(2, 4, 3))
    both = layers.Bidirectional(layers.GRU(2, return_sequences=True, return_state=True), None)
    forward, backward, h_forward, h_backward = both(x)
    assert [w.name for w in both.weights][::3] == ["forward_gru/kernel", "backward_gru/kernel"]
    twin = layers.GRU(2, return_sequences=True, return_state=True)
    twin(x)
    for w, value in zip(twin.weights, both.backward.weights, strict=True):
        w.assign(value.numpy())
    turned, h = twin(tg.Tensor(x.numpy()[:, ::-1]))
    close(backward.numpy(), turned.numpy()[:, ::-1])
    close(h_backward.numpy(), h.numpy())
    close(h_forward.numpy(), forward.numpy()[:, -1])


@pytest.mark.usefixtures("float64")
def test_bidirectional_starts_from_given_states():
    x = tg.Tensor(numbers(2, 4, 3))
    both = layers.Bidirectional(layers.LSTM(2, return_state=True))
    states = [tg.Tensor(numbers(2, 2) + i) for i in range(4)]
    y, *last = both(x, initial_state=states)
    expected, *_ = both.backward(x, initial_state=states[2:])
    close(y.numpy()[:, 2:], expected.numpy())
    assert len(last) == 4


def test_the_twin_draws_weights_of_its_own():
    both = layers.Bidirectional(layers.LSTM(4))
    both(tg.Input((5, 3)))
    first, second = both.forward.kernel.numpy(), both.backward.kernel.numpy()
    assert (first != second).any()
    assert both.count_params() == 2 * 4 * (3 * 4 + 4 * 4 + 4)
    assert both.forward.go_backwards is False
    assert both.backward.go_backwards is True


def test_time_distributed_over_images_and_words():
    frames = tg.Input((None, 6, 6, 1))
    features = layers.TimeDistributed(layers.Conv2D(2, 3, name="conv"))(frames)
    flat = layers.TimeDistributed(layers.Flatten())(features)
    model = tg.Model(frames, layers.LSTM(3)(flat))
    assert (features.shape, flat.shape) == ((None, None, 4, 4, 2), (None, None, 32))
    assert model.predict(numbers(2, 5, 6, 6, 1)).shape == (2, 3)

    sentences = tg.Input((4, 7), "int32")
    words = layers.TimeDistributed(layers.Embedding(9, 3, mask_zero=True))(sentences)
    assert words.mask.shape == (None, 4, 7)
    each = layers.TimeDistributed(layers.LSTM(5))(words)
    assert (each.shape, each.mask) == ((None, 4, 5), None)


@pytest.mark.medium
def test_free_lengths_and_masks():
    ids = tg.Input((None,), "int32")
    words = layers.Embedding(9, 4, mask_zero=True)(ids)
    both = layers.Bidirectional(layers.GRU(3, return_sequences=True))
    y = both(words)
    assert y.shape == (None, None, 6)
    assert y.mask is words.mask
    model = tg.Model(ids, both(words))
    assert (model.predict(np.array([[1, 2, 0]]))[:, 2] == 0).all(), "zero at padding"


def test_float32_stays():
    x = tg.Tensor(numbers(2, 3, 4))
    for layer in (layers.GRU(2), layers.GRU(2, reset_after=False), layers.SimpleRNN(2)):
        y = layer(x)
        assert y.dtype == np.float32
        assert {g.dtype for g in tg.gradients(y.sum(), layer.weights)} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    "wire, error, message",
    [
        (lambda: layers.GRU(0), ValueError, "'gru' needs a whole number of units from 1 up, not 0"),
        (
            lambda: layers.GRU(2)(tg.Input((4, 3)), initial_state=tg.Input((3,))),
            ValueError,
            "'gru' keeps a state of shape .*: it cannot start from 'input'",
        ),
        (
            lambda: layers.LSTM(2)(tg.Input((4, 3)), initial_state=tg.Input((2,))),
            ValueError,
            r"'lstm' has 2 states, initial_state holds 1: give a list \[h, c\], each of shape",
        ),
        (
            lambda: layers.GRU(2)(tg.Input((4, 3)), initial_state=np.zeros((3, 2))),
            ValueError,
            r"shape \(None, 2\), or \(1, 2\) for all samples: it cannot start from .* \(3, 2\)",
        ),
        (
            lambda: layers.GRU(2)(tg.Tensor(np.ones((5, 4, 3))), initial_state=np.zeros((3, 2))),
            ValueError,
            r"shape \(5, 2\), .* cannot start from .* \(3, 2\)",
        ),
        (
            lambda: layers.GRU(2)(tg.Input((4, 3)), initial_state=3.0),
            TypeError,
            "'gru': initial_state must be a list, not 3.0",
        ),
        (
            lambda: layers.Bidirectional(layers.Dense(3)),
            TypeError,
            "'bidirectional' wraps a recurrent layer such as LSTM",
        ),
        (
            lambda: layers.Bidirectional(layers.LSTM(3), "conact"),
            ValueError,
            "unknown merge_mode 'conact': did you mean 'concat'",
        ),
        (
            lambda: layers.Bidirectional(layers.LSTM(3))(tg.Input((4, 3)), initial_state=[None]),
            ValueError,
            "starts from 4 states, not 1",
        ),
        (lambda: layers.TimeDistributed(3), TypeError, "wraps a layer such as Dense"),
        (
            lambda: layers.TimeDistributed(layers.Dense(3))(tg.Input((4,))),
            ValueError,
            r"takes sequences \(batch, time, ...\)",
        ),
    ],
)
def test_errors(wire, error, message):
    with pytest.raises(error, match=message):
        wire()


def test_bidirectional_wants_a_new_layer():
    layer = layers.LSTM(2, name="used")
    layer(tg.Input((4, 3)))
    with pytest.raises(ValueError, match="'used' has weights already"):
        layers.Bidirectional(layer)
