"""The check of an op."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..arguments import listed, shown, whole
from ..device import on_cpu
from ..ops import Op, dense_gradient, unbroadcast
from .differences import EPS, SHAKES, farthest, is_float, random_directions, shaken, slopes
from .promises import FACTORS, as_promised, is_multiple, locked, no_writing, not_linear, same_bits
from .report import TOLERANCE, Report, options, require


@on_cpu
def check_op(
    op: Op,
    *inputs: Any,
    constants: Sequence[int] = (),
    rows: int = 3,
    directions: int = 2,
    tolerance: float = TOLERANCE,
    seed: int = 0,
    **attributes: Any,
) -> Report:
    """Check all pullbacks of an op, and that they keep the contract of `tinygrad_mo.ops`.

    Parameters
    ----------
    op : Op
    *inputs : array_like, or None where the op allows it
        Floats must be float64. Stay away from kinks (relu at 0).
    constants : sequence of int
        The numbers of the inputs that have no gradient although the value depends on them: labels,
        weights of samples. Default: none.
    rows : int
        How many cotangents to carry at once. Default: 3. The first one is also carried alone.
    directions : int
        Random directions per input. Default: 2.
    tolerance : float
        Largest error, relative to the size of the slope. Default: 1e-6. Where differences are less
        exact (kinks nearby, an offset), the check is as exact as they are, and the report says so;
        at 100 times the tolerance, or half of the slope, it gives up. It must be less than 1: there
        a gradient of 0 would pass.
    seed : int
    **attributes
        Of the op.

    Returns
    -------
    Report
        The relative error found for each input, and what was not checked.

    Raises
    ------
    GradientError
        If a gradient is wrong, is missing or cannot be judged, if the contract is broken (a
        pullback is not linear in g, writes into it ...), or if there was nothing to check.
    TypeError
        If an input is float32, where differences drown in rounding.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_mo import ops
    >>> print(check_op(ops.multiply, np.array([1.0, 2.0]), np.array([[3.0], [4.0]])))
    multiply: gradients and differences agree, to ... of the slope, for input 0, input 1.
    >>> def wrong_square(x):
    ...     return x * x, (lambda g: g * x,)  # forgets the 2
    >>> report = check_op(ops.Op(wrong_square), np.array([1.0, 2.0]))
    Traceback (most recent call last):
    tinygrad_mo.check.report.GradientError: wrong_square: the gradient of input 0, shape (2,),
    row 0, is wrong: the slope along a random direction is ..., the gradient says ...
    """
    if not isinstance(op, Op):
        fix = "make one of a function that returns (y, pullbacks) by ops.Op(function)"
        raise TypeError(f"check_op: the first argument must be an Op, not {shown(op)}: {fix}")
    directions, tolerance, seed = options(f"check_op of {op.name}", directions, tolerance, seed)
    rows = whole(f"check_op of {op.name}: rows", rows, at_least=1)
    constants = input_numbers(f"check_op of {op.name}: constants", constants, len(inputs))
    report = Report(op.name, tolerance, "write its pullback; labels and their like are `constants`")
    random = np.random.default_rng(seed)
    trial = Trial(op, inputs, attributes)
    trial.pull_rows(rows, random)
    for i, x in enumerate(trial.arrays):
        name, label = f"input {i}", f"{op.name}: the gradient of input {i}"
        if x is None:
            report.unchecked[name] = "it is None"
            continue
        if i in constants or not is_float(x):
            why = "constant" if i in constants else f"{x.dtype}, and only floats have slopes"
            require(trial.together[i] is None, f"{label} must be None: it is {why}")
            report.unchecked[name] = f"it is {why}"
            continue
        label += f", shape {x.shape},"
        if trial.together[i] is None:
            report.unchecked[name] = "its pullback is None, and it does not move the value"
        gradients, roundings = trial.gradients(i, label)
        for d in random_directions(random, x, directions):
            changes = partial(trial.changes, i)
            each = slopes(gradients, roundings, d, changes, trial.grain, tolerance)
            for row, slope in enumerate(each):
                report.compare(name, name, f"{label} row {row % rows},", "the slope", slope)
    trial.inputs_are_unchanged()
    report.require_some()
    return report


def input_numbers(what: str, given: Any, count: int) -> list[int]:
    """The numbers of some of the inputs, once there are such inputs."""
    found = listed(what, given, whole)
    for i in found:
        if i >= count:
            raise ValueError(f"{what}: there is no input {i}, only those from 0 to {count - 1}")
    return found


def require_floats(name: str, arrays: Sequence[Any]) -> None:
    """Without a float among the inputs there is no gradient, and nothing would be checked."""
    if arrays and not any(x is not None and is_float(x) for x in arrays):
        given = ", ".join("None" if x is None else f"{x.dtype}" for x in arrays)
        raise TypeError(f"{name}: no input is float64 (given: {given}), so it has no gradient")


class Trial:
    """An op on read-only arrays: its values, what its pullbacks return, how the values change.

    What `pull_rows` finds: the cotangents `every_row` (all rows, and the first one once more, which
    is carried alone), and by input the gradients of the rows `together`.
    """

    def __init__(self, op: Op, inputs: Sequence[Any], attributes: dict[str, Any]):
        self.op, self.attributes = op, attributes
        self.arrays: list[Any] = [x if x is None else locked(x) for x in inputs]
        for i, x in enumerate(self.arrays):
            if x is not None and is_float(x) and x.dtype != np.float64:
                raise TypeError(f"{op.name}: input {i} is {x.dtype}; gradient checks need float64")
        require_floats(op.name, self.arrays)
        self._before = [x if x is None else x.tobytes() for x in self.arrays]
        self.random = np.random.default_rng(0)  # of disturbances
        self.values, self.back, self.several = self._run(self.arrays)
        for v, w in zip(self.values, self._run(self.arrays)[0], strict=True):
            require(same_bits(v, w), f"{op.name}: two runs differ; fix its random numbers first")
            is_exact = v.dtype == np.float64 or not is_float(v)
            require(is_exact, f"{op.name}: the value is {v.dtype}, though the inputs are float64")

    def _run(self, arrays: Sequence[Any]) -> tuple[list[np.ndarray], Any, bool]:
        with no_writing(f"{self.op.name} writes into an input"):
            y, back = self.op.rule(*arrays, **self.attributes)
        several = isinstance(y, tuple)
        return [locked(v, copy=False) for v in (y if several else (y,))], back, several

    def pull(self, cotangents: Sequence[np.ndarray], back: Any = None) -> list[Any]:
        """The gradients of all inputs, as the pullbacks return them."""
        back = back or self.back
        gs = tuple(locked(g) for g in cotangents)
        g = gs if self.several else gs[0]
        with no_writing(f"{self.op.name}: a pullback writes into g, an input or the value"):
            if callable(back):
                found = list(back(g))
            else:
                found = [None if pull is None else pull(g) for pull in back]
        count = len(self.arrays)
        require(len(found) == count, f"{self.op.name}: {len(found)} gradients for {count} inputs")
        return [dense_gradient(gradient) for gradient in found]

    def pull_rows(self, rows: int, random: np.random.Generator) -> None:
        """Pull some cotangents: all at once, again, alone as in training, scaled, disturbed."""
        u = [0.5 + random.standard_normal((rows, *v.shape)) for v in self.values]
        self.order = [*range(rows), 0]
        self.every_row = self.flat(u)[self.order]
        self.grain = EPS * abs(self.every_row) @ abs(self.flat(self.values))
        self.together, self.again = self.pull(u), self.pull(u)
        self.alone = self.pull([g[:1] for g in u])
        self.of_nothing = self.pull([np.zeros_like(g) for g in u])
        self.scaled = [self.pull([factor * g for g in u]) for factor in FACTORS]
        self.anew = list(self.disturbed(u, self.together))

    def gradients(self, i: int, label: str) -> tuple[list[Any], Any]:
        """Those of input `i` by row (None: it has none), and how far rounding reaches in each.

        They keep what pullbacks promise.
        """
        found, shape = self.together[i], self.arrays[i].shape
        if found is None:
            return [None for _ in self.order], [None for _ in self.order]
        require(same_bits(found, self.again[i]), f"{label} differs when pulled twice")
        require(not np.any(self.of_nothing[i]), f"{label} is not 0 for a cotangent of 0")
        every = as_promised(label, found, (len(self.order) - 1, *shape))
        alone = as_promised(label, self.alone[i], (1, *shape))
        for factor, gradients in zip(FACTORS, self.scaled, strict=True):
            require(is_multiple(gradients[i], factor, found), f"{label} {not_linear(factor)}")
        anew = (unbroadcast(np.asarray(gradients[i]), shape) for gradients in self.anew)
        return [*every, *alone], farthest(anew, every)[self.order]

    def disturbed(self, u: Sequence[np.ndarray], gradients: Sequence[Any]) -> Iterator[list[Any]]:
        """The gradients once more, from inputs and cotangents disturbed in their last places."""
        for _ in range(SHAKES):
            pairs = zip(self.arrays, gradients, strict=True)
            arrays = [x if g is None else shaken(x, self.random) for x, g in pairs]
            try:
                yield self.pull([shaken(g, self.random) for g in u], self._run(arrays)[1])
            except ValueError:  # the op refuses: that was at the border of its domain
                continue

    def flat(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """All numbers of the values that are floats, or of their cotangents, in one last axis."""
        pairs = zip(values, self.values, strict=True)
        parts = [v.reshape(*v.shape[: v.ndim - w.ndim], w.size) for v, w in pairs if is_float(w)]
        require(parts != [], f"{self.op.name}: nothing was checked: the value holds no floats")
        return np.concatenate(parts, axis=-1)

    def changes(self, i: int, step: np.ndarray, shake: bool = False) -> np.ndarray:
        """By cotangent, how much <cotangent, value> changes when input `i` takes a step.

        Values are subtracted first: a large one then hides nothing beside it.
        """
        new = self.arrays[i] + step
        new = locked(shaken(new, self.random) if shake else new)
        moved = [new if j == i else x for j, x in enumerate(self.arrays)]
        try:
            return self.every_row @ (self.flat(self._run(moved)[0]) - self.flat(self.values))
        except ValueError:  # the op refuses: the step leads out of its domain
            return np.full(len(self.order), np.nan)

    def inputs_are_unchanged(self) -> None:
        """An op must leave what it is given as it was."""
        for x, bits in zip(self.arrays, self._before, strict=True):
            require(x is None or x.tobytes() == bits, f"{self.op.name} has written into its inputs")
