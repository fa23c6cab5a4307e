"""Gradient checks: is what a pullback or a model says about its slopes true?

A gradient is compared with central differences in float64, along random directions: for a function
f with pullback p, a direction d and a cotangent u,

    <u, f(x + h d) - f(x - h d)> / 2h   must equal   <p(u), d>.

One random direction catches every wrong gradient but those in a set of measure zero (the projection
argument of Griewank & Walther, Evaluating Derivatives, 2008). Each slope is judged by its own size:
a wrong 0 is wrong beside any other number. What cannot be judged is an error, and what there was
not to judge stands in the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from .engine.graph import Parameter, Step, lock
from .engine.plan import Plan, Tape
from .engine.randomness import Randomness
from .ops import Op, dense_gradient, unbroadcast

# Steps h of a difference, as parts of the size of x, in the order in which they are tried: shorter
# ones for functions that bend, longer ones where the rounding of a value hides its slope.
STEPS = (1e-4, 1e-5, 1e-3, 1e-6, 1e-2, 1e-7, 1e-1, 1e-8, 1.0)

# At the first step bending makes an error of about h**2 = 1e-8, and rounding one of EPS / h = 2e-12
# if the value is as large as its slope times x: two digits to spare.
TOLERANCE = 1e-6
COARSEST = 1e2  # tolerances: where differences are no more exact than that, nothing is judged
EPS = float(np.finfo(np.float64).eps)


class GradientError(AssertionError):
    """A gradient is wrong or cannot be judged: the text names the op or weight, and says why."""


class Report(dict[str, float]):
    """What a gradient check has compared, and what it has not. Print it to read it.

    By input or weight: the largest error that was found, relative to the size of the slope.

    Attributes
    ----------
    unchecked : dict
        What was not checked, and why not.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_mo import ops
    >>> report = check_op(ops.embedding, np.array([2, 0]), np.array([[1.0], [2.0], [3.0]]))
    >>> list(report), report.unchecked
    (['input 1'], {'input 0': 'it is int64, and only floats have slopes'})
    >>> print(report)
    embedding: gradients and differences agree, to ... of the slope, for input 1.
    Not checked: input 0: it is int64, and only floats have slopes.
    """

    def __init__(self, subject: str, tolerance: float, cure: str):
        self.subject, self.tolerance = subject, tolerance
        self.cure = cure  # of a missing gradient
        self.unchecked: dict[str, str] = {}

    def __str__(self) -> str:
        agree = f"to {max(self.values()):.0e} of the slope, for {', '.join(self)}"
        lines = [f"{self.subject}: gradients and differences agree, {agree}"]
        lines += [f"Not checked: {part}: {why}" for part, why in self.unchecked.items()]
        return "\n".join(f"{line}." for line in lines)

    def compare(
        self, name: str, part: str, what: str, slope: str, found: np.ndarray, told: Any, size: float
    ) -> bool:
        """Enter the error of one slope of `name`, or why this `part` is not checked, or raise.

        `what` and `slope` begin a complaint; the others are what `slopes` yields. True: it was
        compared.
        """
        true, error, jump = found
        slope += " along a random direction is"
        require(error < np.inf, f"{what} cannot be judged: the value is not finite around here")
        if told is None:
            still = true == jump == 0
            require(still, f"{what} is None, but {slope} {true:.9g}: {self.cure}")
            return False
        gap, size, says = abs(true - told), max(abs(true), size), f"the gradient says {told:.9g}"
        if abs(jump) > 10 * error:
            sides = f"{true + jump / 2:.9g} ahead and {true - jump / 2:.9g} behind"
            require(
                gap <= self.tolerance * size,
                f"{what} cannot be judged at a kink: {slope} {sides}, {says}. Move away from it",
            )
            self.unchecked[part] = "there is a kink; its gradient is the mean of both slopes"
        elif size <= error:
            self.unchecked.setdefault(part, "its slope is 0 here, up to rounding")
            return False
        # where differences are less exact than the tolerance, the check is as exact as they are
        bound = self.tolerance * size if error <= self.tolerance * size else 10 * error
        require(gap <= bound, f"{what} is wrong: {slope} {true:.9g}, {says}")
        require(
            bound <= COARSEST * self.tolerance * size,
            f"{what} cannot be judged: {slope} {true:.9g}, give or take {error:.0e}, {says}. The "
            f"value rounds too coarsely or bends too much here: take an offset away from it, move "
            f"the inputs, or allow a larger tolerance than {self.tolerance:g}",
        )
        gap = gap if bound == self.tolerance * size else bound
        self[name] = max(self.get(name, 0.0), float(gap / size) if size else 0.0)
        return True

    def require_some(self) -> None:
        """A check that has compared nothing must not pass."""
        why = "; ".join(f"{part}: {why}" for part, why in self.unchecked.items())
        require(bool(self), f"{self.subject}: nothing was checked: {why or 'there is no input'}")


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
        at 100 times the tolerance it gives up.
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
        If a gradient is wrong, is missing or cannot be judged, if the contract is broken, or if
        there was nothing to check.
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
    tinygrad_mo.check.GradientError: wrong_square: the gradient of input 0, shape (2,), row 0,
    is wrong: the slope along a random direction is ..., the gradient says ...
    """
    report = Report(op.name, tolerance, "write its pullback; labels and their like are `constants`")
    random = np.random.default_rng(seed)
    trial = Trial(op, inputs, attributes)
    u = [0.5 + random.standard_normal((rows, *v.shape)) for v in trial.values]
    together, again = trial.pull(u), trial.pull(u)
    nothing = trial.pull([np.zeros_like(g) for g in u])
    alone = trial.pull([g[:1] for g in u])  # one row, as in training
    every_row = trial.flat(u)[[*range(rows), 0]]
    grain = EPS * abs(every_row) @ abs(trial.flat(trial.values))
    for i, x in enumerate(trial.arrays):
        name, label = f"input {i}", f"{op.name}: the gradient of input {i}"
        if x is None:
            report.unchecked[name] = "it is None"
            continue
        if i in constants or not is_float(x):
            why = "constant" if i in constants else f"{x.dtype}, and only floats have slopes"
            require(together[i] is None, f"{label} must be None: it is {why}")
            report.unchecked[name] = f"it is {why}"
            continue
        label += f", shape {x.shape},"
        gradients: list[Any] = [None] * (rows + 1)
        if together[i] is None:
            report.unchecked[name] = "its pullback is None, and it does not move the value"
        else:
            require(same_bits(together[i], again[i]), f"{label} differs when pulled twice")
            require(not np.any(nothing[i]), f"{label} is not 0 for a cotangent of 0")
            gradients = [
                *as_promised(label, together[i], (rows, *x.shape)),
                *as_promised(label, alone[i], (1, *x.shape)),
            ]
        changes = partial(trial.changes, every_row, i)
        for d in random_directions(random, x, directions):
            for row, judged in enumerate(slopes(gradients, d, changes, grain, tolerance)):
                report.compare(name, name, f"{label} row {row % rows},", "the slope", *judged)
    trial.inputs_are_unchanged()
    report.require_some()
    return report


class Trial:
    """An op on read-only arrays, run twice: its values, pullbacks, and how the values change."""

    def __init__(self, op: Op, inputs: Sequence[Any], attributes: dict[str, Any]):
        self.op, self.attributes = op, attributes
        self.arrays: list[Any] = [x if x is None else locked(x) for x in inputs]
        for i, x in enumerate(self.arrays):
            if x is not None and is_float(x) and x.dtype != np.float64:
                raise TypeError(f"{op.name}: input {i} is {x.dtype}; gradient checks need float64")
        self._before = [x if x is None else x.tobytes() for x in self.arrays]
        self.values, self.back, self.several = self._run(self.arrays)
        for v, w in zip(self.values, self._run(self.arrays)[0], strict=True):
            require(same_bits(v, w), f"{op.name}: two runs differ; fix its random numbers first")
            is_exact = v.dtype == np.float64 or not is_float(v)
            require(is_exact, f"{op.name}: the value is {v.dtype}, though the inputs are float64")

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

    def flat(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """All numbers of the values that are floats, or of their cotangents, in one last axis."""
        pairs = zip(values, self.values, strict=True)
        parts = [v.reshape(*v.shape[: v.ndim - w.ndim], w.size) for v, w in pairs if is_float(w)]
        require(parts != [], f"{self.op.name}: nothing was checked: the value holds no floats")
        return np.concatenate(parts, axis=-1)

    def changes(self, u: np.ndarray, i: int, step: np.ndarray) -> np.ndarray:
        """By cotangent, how much <cotangent, value> changes when input `i` takes a step.

        Values are subtracted first: a large one then hides nothing beside it.
        """
        moved = [locked(x + step) if j == i else x for j, x in enumerate(self.arrays)]
        try:
            return u @ (self.flat(self._run(moved)[0]) - self.flat(self.values))
        except ValueError:  # the op refuses: the step leads out of its domain
            return np.full(len(u), np.nan)

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
    directions: int = 2,
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> Report:
    """Check the gradient of each loss of a compiled model for every weight that is trained.

    The function that trains is checked: batch normalisation takes the statistics of the batch, and
    dropout drops the same numbers each time. Checked, too: that a weight moves no loss that has no
    path to it, that the gradients of the single losses, each times its weight, add up to that of
    training, and that sweeping twice gives identical bits. The model is left as it was.

    Parameters
    ----------
    model : Model
        Compiled, and made with float64 weights: ``with tg.use(floatx="float64"): ...``.
    x, y, sample_weight
        A few samples, as for `fit`.
    directions : int
        Random directions per weight. Default: 2.
    tolerance : float
        Largest error, relative to the size of the slope. Default: 1e-6. Where differences are less
        exact (kinks nearby, an offset), the check is as exact as they are, and the report says so;
        at 100 times the tolerance it gives up.
    seed : int

    Returns
    -------
    Report
        The relative error found for each weight, and what was not checked.

    Raises
    ------
    GradientError
        Naming the weight, the loss, the expected and the received slope; or if there was nothing to
        check, for one of the losses or at all.
    TypeError
        If a weight is float32, where differences drown in rounding.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> with tg.use(floatx="float64"):
    ...     x = tg.Input((2,))
    ...     model = tg.Model(x, tg.layers.Dense(1, name="y")(x), name="line")
    ...     model.compile("sgd", "mse")
    ...     print(check_model(model, [[1.0, 2.0], [3.0, 5.0]], [[1.0], [2.0]]))
    Model 'line' in training: gradients and differences agree, to ..., for y/kernel, y/bias.
    """
    names = {w: name for name, w in model.named_weights().items()}
    for w, name in names.items():
        if w.dtype != np.float64:
            raise TypeError(f"{name} is {w.dtype}; make the model inside tg.use(floatx='float64')")
    report = Report(f"{model} in training", tolerance, "a pullback on the way to it is None")
    random = np.random.default_rng(seed)
    training = Training(model, x, y, sample_weight)
    plan, losses, trained = training.plan, training.names, set(training.plan.wrt)
    report.unchecked |= {names[w]: "it is not trained" for w in names if w not in trained}
    compared = set()  # losses
    with training:
        training.sweep()
        for w in plan.wrt:
            name, what = names[w], f"{names[w]}, shape {w.shape}: the gradient"
            rows, changes = training.rows(name, w), partial(training.changes, w)
            for d in random_directions(random, w.value, directions):
                each = slopes(rows, d, changes, training.grain, tolerance)
                for loss, judged in zip(losses, each, strict=True):
                    part, slope = f"loss {loss!r} by {name}", f"the slope of the loss {loss!r}"
                    if report.compare(name, part, what, slope, *judged):
                        compared.add(loss)
            if not plan.reaches(w):
                report.unchecked[name] = "no loss has a path to it"
    for k, loss in enumerate(losses):
        if not any(k in plan.reaches(w) for w in plan.wrt):
            report.unchecked[f"loss {loss!r}"] = "it has no path to a weight that is trained"
        elif loss not in compared:
            raise GradientError(
                f"loss {loss!r} was not checked: no weight moves its value, "
                f"{training.values[k]:.4g}, by more than rounding"
            )
    report.require_some()
    return report


class Training:
    """The losses of one training step as functions of the weights, and their gradients.

    Inside `with`, weights and data are read-only, and each forward pass draws the same numbers.
    """

    def __init__(self, model: Any, x: Any, y: Any, sample_weight: Any):
        objective = model.objective
        self.plan, self.weights = objective.plan(), objective.weight_list
        self.names = list(objective.terms)
        data = objective.labelled_data(x, y, sample_weight)
        self.feed = {tensor: locked(array) for tensor, array in data.items()}
        self.randomness = Randomness(self.plan.steps)
        self.states = self.randomness.states
        leaves = [tensor for _, tensor in self.plan.leaves]
        self.parameters = [(w, w.value) for w in leaves if isinstance(w, Parameter)]

    def __enter__(self) -> None:
        for w, value in self.parameters:
            w.value = locked(value)

    def __exit__(self, *error: Any) -> None:
        for w, value in self.parameters:
            w.value = value
        self.randomness.states = self.states

    def forward(self, keep: bool) -> Tape:
        self.randomness.states = self.states
        return self.plan.forward(self.feed, training=True, keep=keep)

    def losses(self) -> np.ndarray:
        tape = self.forward(keep=False)
        return np.array(self.plan.numbers(tape, self.plan.losses))

    def sweep(self) -> None:
        """Find the gradient of training, the same once more, and that of each loss.

        The last one is swept the plain way, on arrays that nobody can write into.
        """
        self.values = self.losses()
        same = same_bits(self.values, self.losses())
        require(same, "two forward passes differ: there is randomness in the model")
        self.grain = EPS * abs(self.values)
        tape = self.forward(keep=True)
        self.whole, self.again = (self.plan.backward(tape, self.weights) for _ in range(2))
        self.randomness.states = self.states
        tape = Plan.forward(self.plan, self.feed, training=True, run=run_locked)
        self.apart = self.plan.backward(tape, [1.0] * len(self.weights), per_loss=True)

    def changes(self, w: Parameter, step: np.ndarray) -> np.ndarray:
        """By loss, how much it changes when `w` takes a step; `w` is put back."""
        before = w.value
        w.value = locked(before + step)
        try:
            return self.losses() - self.values
        finally:
            w.value = before

    def rows(self, name: str, w: Parameter) -> list[Any]:
        """By loss, its gradient for `w` (None: no path), once they add up to that of training."""
        reached, whole = self.plan.reaches(w), self.whole[w]
        rows: list[Any] = [None] * len(self.weights)
        if not reached:
            return rows
        twice = same_bits(whole, self.again[w])
        require(twice, f"{name}: sweeping twice gives different gradients")
        limit = 0.0
        for k, row in zip(reached, self.apart[w], strict=True):
            rows[k] = row
            # in another order they add up to other last digits, and so does what they are made of
            rounding = 1e-12 * largest(row) + 1e3 * self.grain[k] / (largest(w.value) or 1.0)
            limit += abs(self.weights[k]) * rounding
        gap = mixing_gap(reached, self.apart[w], self.weights, whole)
        require(
            gap <= limit,
            f"{name}: the weighted gradients of the single losses miss the whole one by {gap:.3g}",
        )
        return rows


def run_locked(step: Step, arrays: list[Any], training: bool) -> tuple[Any, Any]:
    """Run a step, and forbid to write into what it makes."""
    y, back = step.run(arrays, training)
    for value in y if step.several else (y,):
        lock(value)
    return y, back


def mixing_gap(
    losses: Sequence[int], apart: np.ndarray, weights: Sequence[float], whole: np.ndarray
) -> float:
    """How far the rows of `losses`, each times its weight and added, are from the one whole row."""
    return largest(sum(weights[k] * row for k, row in zip(losses, apart, strict=True)) - whole[0])


def random_directions(random: np.random.Generator, x: np.ndarray, count: int) -> np.ndarray:
    """Steps as large as x, in which no element stands still."""
    shape = (count, *x.shape)
    return (largest(x) or 1.0) * random.uniform(0.5, 1.0, shape) * random.choice([-1, 1], shape)


def slopes(
    gradients: Sequence[Any],
    d: np.ndarray,
    changes: Callable[[np.ndarray], np.ndarray],
    grain: np.ndarray,
    tolerance: float,
) -> Iterator[tuple[np.ndarray, Any, float]]:
    """By value: its slope along d by `differences`, that by its gradient, and the size of such.

    Without a gradient (None) nothing is to move, and one step shows whether it does.
    """
    terms = [None if g is None else g * d for g in gradients]
    told = [None if one is None else float(one.sum()) for one in terms]
    sizes = [np.inf if one is None else float(np.sqrt((one**2).sum())) for one in terms]
    return zip(differences(changes, d, grain, np.array(sizes), tolerance), told, sizes, strict=True)


def differences(
    changes: Callable[[np.ndarray], np.ndarray],
    d: np.ndarray,
    grain: np.ndarray,
    sizes: np.ndarray,
    tolerance: float,
) -> np.ndarray:
    """By value: its slope along d, how far that may be wrong, and how much it jumps at a kink.

    `changes` says of a step how much each value changes, and `grain` how far rounding may take it.
    Steps are tried until the error is small beside the slope, or the size that it is said to have.
    """
    tried: list[tuple[Any, ...]] = []
    with np.errstate(all="ignore"):
        for h in STEPS:
            ahead, behind = changes(h * d), changes(-h * d)
            far_ahead, far_behind = changes(2 * h * d), changes(-2 * h * d)
            near, far = (ahead - behind) / (2 * h), (far_ahead - far_behind) / (4 * h)
            # over twice the step a kink bends twice as much, and a smooth function four times
            bend, far_bend = ahead + behind, far_ahead + far_behind
            kink = (abs(far_bend - 2 * bend) < 0.2 * abs(far_bend)) & (h < 1e-2)
            tried.append((h, near, far, np.where(kink, bend / h, 0)))
            best = most_certain(sorted(tried, key=lambda one: one[0]), grain)
            if (best[1] <= tolerance * np.maximum(abs(best[0]), sizes)).all():
                break
    return best.T


def most_certain(tried: Sequence[tuple[Any, ...]], grain: np.ndarray) -> np.ndarray:
    """The most certain of the differences that were tried, from the shortest step to the longest.

    The distance of the differences over h and 2 h shows how good they are; together they make a
    better one (Richardson 1911). Rounding, by its rule or as a shorter step has shown it, makes an
    error of 1 / h. A longer step may see another part of the function: it must fit the shorter.
    """
    best, noise = np.array([0 * grain, np.inf + grain, 0 * grain]), 1.5 * grain
    for h, near, far, jump in tried:
        slope = near + (near - far) / 3
        error = np.maximum(abs(near - far) + noise / h, abs(slope - best[0]) - 10 * best[1])
        noise = np.fmax(noise, abs(near - far) * h)
        best = np.where(error < best[1], np.array([slope, error, jump]), best)
    return best


def as_promised(label: str, gradient: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A gradient as the engine takes it: rows first, broadcast axes summed."""
    try:
        gradient = unbroadcast(np.asarray(gradient), shape[1:])
    except ValueError as error:
        raise GradientError(f"{label} does not fit: {error}") from None
    require(gradient.shape == shape, f"{label} has shape {gradient.shape} for {shape[0]} rows")
    require(gradient.dtype == np.float64, f"{label} is {gradient.dtype}")
    require(bool(np.isfinite(gradient).all()), f"{label} is not finite")
    return gradient


def require(holds: bool, message: str) -> None:
    if not holds:
        raise GradientError(message)


def locked(x: Any, copy: bool = True) -> np.ndarray:
    array = np.array(x) if copy else np.asarray(x)
    array.setflags(write=False)
    return array


def is_float(x: np.ndarray) -> bool:
    return x.dtype.kind == "f"


def same_bits(a: Any, b: Any) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def largest(x: np.ndarray) -> float:
    return float(np.abs(x).max(initial=0.0))


__all__: Sequence[str] = ["GradientError", "Report", "check_model", "check_op"]
