"""Training by hand: how numbers drop their history, and what is said of one that grows."""

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers, ops
from tinygrad_mo.engine.plan import topological_order

X = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]], "float32")
Y = X @ np.array([2.0, -1.0], "float32")


def loss_of(w):
    return ((X @ w - Y) ** 2).mean()


def test_a_parameter_takes_the_next_value():
    w = tg.Parameter([0.0, 0.0], "w")
    for _ in range(100):
        w.assign(w - 0.1 * tg.gradients(loss_of(w), w))
        assert w.step is None and w.dtype == "float32"
    np.testing.assert_allclose(w.numpy(), [2, -1], atol=1e-3)


def test_a_tensor_drops_its_history():
    w = tg.Tensor([0.0, 0.0])
    for _ in range(100):
        w = (w - 0.1 * tg.gradients(loss_of(w), w)).detach()
        assert topological_order([w]) == []
    np.testing.assert_allclose(w.numpy(), [2, -1], atol=1e-3)


@pytest.mark.parametrize(
    "start", [tg.Tensor([0.0, 0.0]), tg.Parameter([0.0, 0.0], "w")], ids=["tensor", "parameter"]
)
@pytest.mark.parametrize("step", [lambda w, g: w - 0.1 * g, lambda w, g: -0.1 * g + w])
def test_a_history_that_grows_is_told(start, step):
    w = start
    for _ in range(10):
        w = step(w, tg.gradients(loss_of(w), w))
    words = r"'(subtract|add)' \(2,\) was updated 10 times .* w\.assign\(w - \.\.\.\), or .*detach"
    with pytest.warns(UserWarning, match=words) as caught:
        tg.gradients(loss_of(w), w)
    assert caught[0].filename == __file__


def test_other_long_histories_are_not_told_of():
    """A state that is computed step by step, and a sum of losses."""
    w, state, total = tg.Tensor([0.5, 0.25]), tg.Tensor([1.0, 1.0]), tg.Tensor(0.0)
    for _ in range(30):
        state = ops.tanh(state * w)
        total = total + state.sum()
    assert np.isfinite(tg.gradients(total, w)).all()
    assert np.isfinite(tg.gradients(total, state)).all()
    assert tg.gradients(total, total) == 1


def test_no_gradient_passes():
    x = tg.Tensor([1.0, 2.0])
    for y in (tg.stop_gradient(x), x.detach(), (x * x).detach(), tg.stop_gradient(x * x)):
        assert tg.gradients(y.sum(), x) is None
        assert tg.gradients((x * y).sum(), x).tolist() == y.numpy().tolist()
    assert (x * x).detach().step is None and tg.stop_gradient(x * x).step is not None


def test_a_model_stops_a_gradient_with_each_batch_anew():
    """Where x is symbolic, or computed of weights inside a layer, `detach` is a step, too."""

    class Own(layers.Layer):
        def make_weights(self, shape):
            self.w = self.add_weight("w", (2,), "ones")

        def call(self, x):
            return x * (2.0 * self.w).detach() + self.w

    x, own = tg.Input((2,), name="x"), Own(name="own")
    h = own(x)
    model = tg.Model(x, (h * tg.stop_gradient(h)).sum(axis=-1, keepdims=True) + 0.0 * h.detach())
    plan = tg.Plan([(h * h.detach()).sum()], [own.w])
    for value in ([1.0, 1.0], [2.0, -1.0]):
        own.w.assign(value)
        seen = X * 2 * own.w.numpy() + own.w.numpy()
        for _ in range(3):
            right = (seen**2).sum(axis=-1, keepdims=True)
            np.testing.assert_allclose(model.predict(X)[:, :1], right, rtol=1e-6)
        gradient = plan.backward(plan.forward({x: X}), [1.0])[own.w][0]
        np.testing.assert_allclose(gradient, seen.sum(axis=0), rtol=1e-5)


SIGNS = ["+", "-", "*", "/", "**", "@"]


@pytest.mark.parametrize("sign", SIGNS)
def test_a_parameter_is_not_replaced_by_a_tensor(sign):
    p, y = tg.Parameter(np.eye(2) + 1, "p"), np.full((2, 2), 2.0)
    words = rf"plain tensor in .* parameter 'p' \(2, 2\), .*: write p\.assign\(p \{sign} \.\.\.\)"
    with pytest.raises(TypeError, match=words):
        exec(f"p {sign}= y", {"p": p, "y": y})
    names = {"x": tg.Tensor(np.eye(2) + 1), "y": y}
    before = names["x"]
    exec(f"x {sign}= y", names)
    right = eval(f"x {sign} y", {"x": np.eye(2) + 1, "y": y})
    assert names["x"].numpy().tolist() == right.tolist()
    assert before.numpy().tolist() == [[2, 1], [1, 2]]


def test_a_parameter_takes_numbers_only():
    p = tg.Parameter([1.0, 2.0], "p")
    with pytest.raises(TypeError, match=r"'sum' \(2,\) is symbolic and has no value yet"):
        p.assign(tg.Input((2,)).sum(axis=0))
    with pytest.raises(ValueError, match=r"'p' \(2,\) cannot take a value of shape \(3,\)"):
        p.assign(tg.Tensor([1.0, 2.0, 3.0]))
    assert p.numpy().tolist() == [1, 2]


def test_each_gradient_has_memory_of_its_own():
    p, q = tg.Parameter(np.ones(3), "p"), tg.Parameter(np.ones(3), "q")
    seed = np.ones(3, "float32")
    several = {
        "one tensor twice": tg.gradients((2 * p).sum(), [p, p]),
        "a sum": tg.gradients((p + q).sum(), [p, q]),
        "the seed itself": [*tg.gradients([p + q], [p, q], [seed]), seed],
        "losses apart": [
            *(rows[0] for rows in tg.gradients([(p + q).sum()], [p, q], per_loss=True)),
            *tg.gradients([p.sum(), p.sum()], p, per_loss=True),
        ],
    }
    for case, found in several.items():
        before = [g.copy() for g in found]
        found[0][:] = 7.0
        assert [g.tolist() for g in found[1:]] == [g.tolist() for g in before[1:]], case
        assert all(g.flags.writeable for g in found), case
