"""Gradient checks: is what a pullback or a model says about its slopes true?

A gradient is compared with central differences in float64, along random directions: for a function
f with pullback p, a direction d and a cotangent u,

    <u, f(x + h d) - f(x - h d)> / 2h   must equal   <p(u), d>.

One random direction catches every wrong gradient but those in a set of measure zero (the projection
argument of Griewank & Walther, Evaluating Derivatives, 2008).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .ops import Op, dense_gradient, unbroadcast

STEP = 1e-6  # of the size of x: rounding and curvature are then both far below the tolerance


class GradientError(AssertionError):
    """A gradient is wrong: the text names the op or parameter, what was expected and received."""


def check_op(
    op: Op,
    *inputs: Any,
    rows: int = 3,
    directions: int = 2,
    tolerance: float = 1e-6,
    seed: int = 0,
    **attributes: Any,
) -> None:
    """Check all pullbacks of an op, and that they keep the contract of `tinygrad_mo.ops`.

    Parameters
    ----------
    op : Op
    *inputs : array_like, or None where the op allows it
        Floats must be float64. Stay away from kinks (relu at 0).
    rows : int
        How many cotangents to carry at once. Default: 3.
    directions : int
        Random directions per input. Default: 2.
    tolerance : float
        Largest error, relative to the slope and to the size of the values. Default: 1e-6.
    seed : int
    **attributes
        Of the op.

    Raises
    ------
    GradientError
        If a gradient is wrong, or the contract is broken.
    TypeError
        If an input is float32, where differences drown in rounding.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_mo import ops
    >>> check_op(ops.multiply, np.array([1.0, 2.0]), np.array([[3.0], [4.0]]))
    >>> def wrong_square(x):
    ...     return x * x, (lambda g: g * x,)  # forgets the 2
    >>> check_op(ops.Op(wrong_square), np.array([1.0, 2.0]))
    Traceback (most recent call last):
    tinygrad_mo.check.GradientError: wrong_square: the gradient of input 0, shape (2,), is wrong ...
    """
    random = np.random.default_rng(seed)
    trial = Trial(op, inputs, attributes)
    u = [0.5 + random.standard_normal((rows, *v.shape)) for v in trial.values]
    gradients, again = trial.pull(u), trial.pull(u)
    nothing = trial.pull([np.zeros_like(g) for g in u])
    for i, x in enumerate(trial.arrays):
        label = f"{op.name}: the gradient of input {i}"
        if x is None or gradients[i] is None:
            continue
        require(x.dtype.kind == "f", f"{label}, which is not float, must be None")
        label += f", shape {x.shape},"
        require(same_bits(gradients[i], again[i]), f"{label} differs when pulled twice")
        require(not np.any(nothing[i]), f"{label} is not 0 for a cotangent of 0")
        gradient = unbroadcast(np.asarray(gradients[i]), x.shape)
        require(gradient.shape == (rows, *x.shape), f"{label} has shape {gradient.shape}")
        require(gradient.dtype == np.float64, f"{label} is {gradient.dtype}")
        for d in random.standard_normal((directions, *x.shape)):
            for row, (expected, size) in enumerate(trial.slopes(i, d, u)):
                received = float((gradient[row] * d).sum())
                require(
                    abs(expected - received) <= tolerance * max(abs(expected), abs(received), size),
                    f"{label} is wrong in row {row}: the slope along a random direction is "
                    f"{expected:.9g}, the pullback says {received:.9g}",
                )
    trial.inputs_are_unchanged()


class Trial:
    """An op on read-only arrays, run twice: its values, its pullbacks, and its true slopes."""

    def __init__(self, op: Op, inputs: Sequence[Any], attributes: dict[str, Any]):
        self.op, self.attributes = op, attributes
        self.arrays: list[Any] = [x if x is None else locked(x) for x in inputs]
        for i, x in enumerate(self.arrays):
            if x is not None and x.dtype.kind == "f" and x.dtype != np.float64:
                raise TypeError(f"{op.name}: input {i} is {x.dtype}; gradient checks need float64")
        self._before = [x if x is None else x.tobytes() for x in self.arrays]
        self.values, self.back, self.several = self._run(self.arrays)
        for v, w in zip(self.values, self._run(self.arrays)[0], strict=True):
            require(same_bits(v, w), f"{op.name}: two runs differ; fix its random numbers first")

    def _run(self, arrays: Sequence[Any]) -> tuple[list[np.ndarray], Any, bool]:
        y, back = self.op.rule(*arrays, **self.attributes)
        several = isinstance(y, tuple)
        return [locked(v, copy=False) for v in (y if several else (y,))], back, several

    def pull(self, cotangents: Sequence[np.ndarray]) -> list[Any]:
        """The gradients of all inputs, as the pullbacks return them."""
        gs = tuple(locked(g) for g in cotangents)
        g = gs if self.several else gs[0]
        if callable(self.back):
            found = list(self.back(g))
        else:
            found = [None if pull is None else pull(g) for pull in self.back]
        count = len(self.arrays)
        require(len(found) == count, f"{self.op.name}: {len(found)} gradients for {count} inputs")
        return [dense_gradient(gradient) for gradient in found]

    def slopes(
        self, i: int, d: np.ndarray, cotangents: Sequence[np.ndarray]
    ) -> Iterator[tuple[float, float]]:
        """Row by row, the slope when input `i` moves along `d`, and how large slopes may be."""
        x = self.arrays[i]
        h = STEP * max(1.0, largest(x))
        ends = []
        for sign in (1, -1):
            moved = [locked(x + sign * h * d) if j == i else a for j, a in enumerate(self.arrays)]
            ends.append(self._run(moved)[0])
        changes = [(a - b) / (2 * h) for a, b in zip(*ends, strict=True)]
        for gs in zip(*cotangents, strict=True):
            slope = sum(float((g * c).sum()) for g, c in zip(gs, changes, strict=True))
            size = sum(norm(g) * largest(v) for g, v in zip(gs, self.values, strict=True))
            yield slope, norm(d) * size / max(1.0, largest(x))

    def inputs_are_unchanged(self) -> None:
        """An op must leave what it is given as it was."""
        for x, bits in zip(self.arrays, self._before, strict=True):
            require(x is None or x.tobytes() == bits, f"{self.op.name} has written into its inputs")


def check_model(
    model: Any,
    x: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> dict[str, float]:
    """Check the gradient of a compiled model's weighted loss for every weight.

    Also checks that the gradients of the single losses, each times its weight, add up to it (to
    1e-12), and that sweeping twice gives identical bits. Dropout is off.

    Parameters
    ----------
    model : Model
        Compiled, and made with float64 weights: ``with tg.use(floatx="float64"): ...``.
    x, y, sample_weight
        A few samples, as for `fit`.
    tolerance : float
        Largest relative error. Default: 1e-6.
    seed : int

    Returns
    -------
    dict
        The relative error found for each weight.

    Raises
    ------
    GradientError
        Naming the weight, the expected and the received slope.
    """
    names = {w: name for name, w in model.named_weights().items()}
    for w, name in names.items():
        if w.dtype != np.float64:
            raise TypeError(f"{name} is {w.dtype}; make the model inside tg.use(floatx='float64')")
    random = np.random.default_rng(seed)
    objective = model.objective
    feed = objective.labelled_data(x, y, sample_weight)
    plan, weights = objective.plan(), objective.weight_list

    def loss() -> float:
        tape = plan.forward(feed, keep=False)
        return sum(
            w * float(plan.value(tape, t)) for w, t in zip(weights, plan.losses, strict=True)
        )

    require(loss() == loss(), "two forward passes differ: there is randomness in the model")
    tape = plan.forward(feed)
    gradients = plan.backward(tape, weights)
    again = plan.backward(tape, weights)
    apart = plan.backward(tape, [1.0] * len(weights), per_loss=True)
    scale = abs(loss())
    errors = {}
    for w in plan.wrt:
        name, g = names[w], gradients[w]
        if g is None:
            continue
        require(same_bits(g, again[w]), f"{name}: sweeping twice gives different gradients")
        gap = mixing_gap(plan.reaches(w), apart[w], weights, g)
        require(
            gap <= 1e-12 * max(largest(g), scale),
            f"{name}: the weighted gradients of the single losses miss the whole one by {gap:.3g}",
        )
        d = random.standard_normal(w.shape)
        expected = difference(w, d, loss)
        received = float((g[0] * d).sum())
        size = max(abs(expected), abs(received), scale * norm(d) / max(1.0, norm(w.value)))
        errors[name] = abs(expected - received) / size
        require(
            errors[name] <= tolerance,
            f"{name}, shape {w.shape}: the slope of the loss along a random direction is "
            f"{expected:.9g}, the gradient says {received:.9g}",
        )
    return errors


def mixing_gap(
    losses: Sequence[int], apart: np.ndarray, weights: Sequence[float], whole: np.ndarray
) -> float:
    """How far the rows of `losses`, each times its weight and added, are from the one whole row."""
    return largest(sum(weights[k] * row for k, row in zip(losses, apart, strict=True)) - whole[0])


def difference(w: Any, d: np.ndarray, loss: Callable[[], float]) -> float:
    """The central difference of the loss when `w` moves along `d`; `w` is put back."""
    original, h = w.value, STEP * max(1.0, largest(w.value))
    try:
        ends = []
        for sign in (1, -1):
            w.value = original + sign * h * d
            ends.append(loss())
    finally:
        w.value = original
    return (ends[0] - ends[1]) / (2 * h)


def require(holds: bool, message: str) -> None:
    if not holds:
        raise GradientError(message)


def locked(x: Any, copy: bool = True) -> np.ndarray:
    array = np.array(x) if copy else np.asarray(x)
    array.setflags(write=False)
    return array


def same_bits(a: Any, b: Any) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def norm(x: np.ndarray) -> float:
    return float(np.sqrt((np.asarray(x) ** 2).sum()))


def largest(x: np.ndarray) -> float:
    return float(np.abs(x).max(initial=0.0))


__all__: Sequence[str] = ["GradientError", "check_model", "check_op"]
