"""Gradient checks: is what a pullback or a model says about its slopes true?

A gradient is compared with central differences in float64, along random directions: for a function
f with pullback p, a direction d and a cotangent u,

    <u, f(x + h d) - f(x - h d)> / 2h   must equal   <p(u), d>.

One random direction catches every wrong gradient but those in a set of measure zero (the projection
argument of Griewank & Walther, Evaluating Derivatives, 2008). Each slope is judged by its own size:
a wrong 0 is wrong beside any other number. What cannot be judged is an error, and what there was
not to judge stands in the report.

How far rounding reaches is measured, not guessed: numbers are disturbed in their last places, and
what moves by that much is not known better (Monte Carlo arithmetic, Parker 1997). So a bias before
batch normalisation, whose slope is 0, is not blamed for the 1e-15 that its gradient says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .arguments import listed, number, shown, whole
from .device import on_cpu, to_numpy
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
SHAKES = 8  # how often a gradient is found anew from disturbed numbers
BEYOND = 10  # times the error that was seen: no error is larger

# Of a cotangent, to see that a pullback is linear. As powers of two they change no digit.
FACTORS = (-(2.0**40), 2.0**-40)


class GradientError(AssertionError):
    """A gradient is wrong or cannot be judged: the text names the op or weight, and says why."""


class Slope(NamedTuple):
    """How one value changes along one direction: by differences, and by its gradient."""

    true: float  # by differences
    error: float  # how far that may be wrong
    jump: float  # at a kink: the slope ahead, less that behind
    told: float | None  # by the gradient; None: there is none
    size: float  # of such a slope, if the terms of the gradient do not cancel
    rounding: float  # how far that of the gradient has moved by rounding


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

    def compare(self, name: str, part: str, what: str, of: str, slope: Slope) -> bool:
        """Enter the error of one slope of `name`, or why this `part` is not checked, or raise.

        `what` and `of` begin a complaint. True: it was compared.
        """
        true, error, jump, told, size, rounding = slope
        of += " along a random direction is"
        require(error < np.inf, f"{what} cannot be judged: the value is not finite around here")
        if told is None:
            still = true == jump == 0
            require(still, f"{what} is None, but {of} {true:.9g}: {self.cure}")
            return False
        gap, size, says = abs(true - told), max(abs(true), size), f"the gradient says {told:.9g}"
        bound = exact = self.tolerance * size
        if abs(jump) > BEYOND * error:
            sides = f"{true + jump / 2:.9g} ahead and {true - jump / 2:.9g} behind"
            require(
                gap <= exact,
                f"{what} cannot be judged at a kink: {of} {sides}, {says}. Move away from it",
            )
            self.unchecked[part] = "there is a kink; its gradient is the mean of both slopes"
        elif size <= error + BEYOND * rounding and abs(true) <= BEYOND * error:
            self.unchecked.setdefault(part, "its slope is 0 here, up to rounding")
            return False
        else:  # where both are less exact than the tolerance, the check is as exact as they are
            bound = max(exact, BEYOND * (error + rounding))
        require(gap <= bound, f"{what} is wrong: {of} {true:.9g}, {says}")
        require(
            bound <= min(COARSEST * self.tolerance, 0.5) * size,
            f"{what} cannot be judged: {of} {true:.9g}, give or take {error + rounding:.0e}, "
            f"{says}. The value rounds too coarsely or bends too much here: take an offset away "
            f"from it, move the inputs, or allow a larger tolerance than {self.tolerance:g}",
        )
        gap = gap if bound == exact else bound
        self[name] = max(self.get(name, 0.0), float(gap / size) if size else 0.0)
        return True

    def require_some(self) -> None:
        """A check that has compared nothing must not pass."""
        why = "; ".join(f"{part}: {why}" for part, why in self.unchecked.items())
        require(bool(self), f"{self.subject}: nothing was checked: {why or 'there is no input'}")


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
    tinygrad_mo.check.GradientError: wrong_square: the gradient of input 0, shape (2,), row 0,
    is wrong: the slope along a random direction is ..., the gradient says ...
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
    u = [0.5 + random.standard_normal((rows, *v.shape)) for v in trial.values]
    together, again = trial.pull(u), trial.pull(u)
    nothing = trial.pull([np.zeros_like(g) for g in u])
    alone = trial.pull([g[:1] for g in u])  # one row, as in training
    scaled = [trial.pull([factor * g for g in u]) for factor in FACTORS]
    disturbed = list(trial.disturbed(u, together))
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
        roundings: Any = gradients
        if together[i] is None:
            report.unchecked[name] = "its pullback is None, and it does not move the value"
        else:
            require(same_bits(together[i], again[i]), f"{label} differs when pulled twice")
            require(not np.any(nothing[i]), f"{label} is not 0 for a cotangent of 0")
            every = as_promised(label, together[i], (rows, *x.shape))
            gradients = [*every, *as_promised(label, alone[i], (1, *x.shape))]
            anew = (unbroadcast(np.asarray(gs[i]), x.shape) for gs in disturbed)
            roundings = farthest(anew, every)[[*range(rows), 0]]
            for factor, gs in zip(FACTORS, scaled, strict=True):
                linear = is_multiple(gs[i], factor, together[i])
                require(linear, f"{label} {not_linear(factor)}")
        changes = partial(trial.changes, every_row, i)
        for d in random_directions(random, x, directions):
            each = slopes(gradients, roundings, d, changes, grain, tolerance)
            for row, slope in enumerate(each):
                report.compare(name, name, f"{label} row {row % rows},", "the slope", slope)
    trial.inputs_are_unchanged()
    report.require_some()
    return report


def options(caller: str, directions: Any, tolerance: Any, seed: Any) -> tuple[int, float, int]:
    """Those of both checks, once they are found to be such."""
    return (
        whole(f"{caller}: directions", directions, at_least=1),
        number(f"{caller}: tolerance", tolerance, above=0, below=1),
        whole(f"{caller}: seed", seed),
    )


def input_numbers(what: str, given: Any, count: int) -> list[int]:
    """The numbers of some of the inputs, once there are such inputs."""
    found = listed(what, given, whole)
    for i in found:
        if i >= count:
            raise ValueError(f"{what}: there is no input {i}, only those from 0 to {count - 1}")
    return found


class Trial:
    """An op on read-only arrays, run twice: its values, pullbacks, and how the values change."""

    def __init__(self, op: Op, inputs: Sequence[Any], attributes: dict[str, Any]):
        self.op, self.attributes = op, attributes
        self.arrays: list[Any] = [x if x is None else locked(x) for x in inputs]
        for i, x in enumerate(self.arrays):
            if x is not None and is_float(x) and x.dtype != np.float64:
                raise TypeError(f"{op.name}: input {i} is {x.dtype}; gradient checks need float64")
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

    def changes(self, u: np.ndarray, i: int, step: np.ndarray, shake: bool = False) -> np.ndarray:
        """By cotangent, how much <cotangent, value> changes when input `i` takes a step.

        Values are subtracted first: a large one then hides nothing beside it.
        """
        new = self.arrays[i] + step
        new = locked(shaken(new, self.random) if shake else new)
        moved = [new if j == i else x for j, x in enumerate(self.arrays)]
        try:
            return u @ (self.flat(self._run(moved)[0]) - self.flat(self.values))
        except ValueError:  # the op refuses: the step leads out of its domain
            return np.full(len(u), np.nan)

    def inputs_are_unchanged(self) -> None:
        """An op must leave what it is given as it was."""
        for x, bits in zip(self.arrays, self._before, strict=True):
            require(x is None or x.tobytes() == bits, f"{self.op.name} has written into its inputs")


@on_cpu
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
        at 100 times the tolerance, or half of the slope, it gives up. It must be less than 1: there
        a gradient of 0 would pass.
    seed : int

    Returns
    -------
    Report
        The relative error found for each weight, and what was not checked.

    Raises
    ------
    GradientError
        Naming the weight, the loss, the expected and the received slope; or if there was nothing to
        check, for one of the losses or at all; or naming the op whose pullback is not linear in g,
        or that writes into what it is given.
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
    if not hasattr(model, "named_weights"):
        raise TypeError(f"check_model: the first argument must be a Model, not {shown(model)}")
    directions, tolerance, seed = options(f"check_model of {model}", directions, tolerance, seed)
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
    with training, no_writing(f"{report.subject}: an op writes into what it was given or returned"):
        training.sweep(names)
        for w in plan.wrt:
            name, what = names[w], f"{names[w]}, shape {w.shape}: the gradient"
            rows, roundings = training.rows(name, w)
            changes = partial(training.changes, w, training.moved_by(w))
            for d in random_directions(random, w.value, directions):
                each = slopes(rows, roundings, d, changes, training.grain, tolerance)
                for loss, slope in zip(losses, each, strict=True):
                    part, of = f"loss {loss!r} by {name}", f"the slope of the loss {loss!r}"
                    if report.compare(name, part, what, of, slope):
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
        leaves = [tensor for _, tensor in self.plan.leaves]
        self.parameters = [(w, w.value) for w in leaves if isinstance(w, Parameter)]
        data = objective.labelled_data(x, y, sample_weight)
        self.feed = {tensor: locked(array) for tensor, array in data.items()}
        self.randomness = Randomness(self.plan.steps)
        self.states = self.randomness.states
        self.random = np.random.default_rng(0)  # of disturbances

    def __enter__(self) -> None:
        for w, value in self.parameters:
            w.value = locked(value)

    def __exit__(self, *error: Any) -> None:
        for w, value in self.parameters:
            w.value = value
        self.randomness.states = self.states

    def forward(self, keep: bool, run: Any = None) -> Tape:
        """As in training; with `run`, the plain way, each step by that function."""
        self.randomness.states = self.states
        if run is None:
            return self.plan.forward(self.feed, training=True, keep=keep)
        return Plan.forward(self.plan, self.feed, training=True, keep=keep, run=run)

    def losses(self, run: Any = None) -> np.ndarray:
        tape = self.forward(keep=False, run=run)
        return np.array(self.plan.numbers(tape, self.plan.losses))

    def sweep(self, names: Mapping[Parameter, str]) -> None:
        """Find the gradient of training, the same once more, and that of each loss.

        The last one is swept the plain way, on arrays that nobody can write into, and again with
        larger and smaller cotangents, and after the numbers were disturbed in their last places.
        """
        self.values = self.losses()
        same = same_bits(self.values, self.losses())
        require(same, "two forward passes differ: there is randomness in the model")
        self.grain = EPS * abs(self.values)
        tape = self.forward(keep=True)
        self.whole, again = (self.plan.backward(tape, self.weights) for _ in range(2))
        reached = [w for w in self.plan.wrt if self.plan.reaches(w)]
        for w in reached:
            twice = same_bits(self.whole[w], again[w])
            require(twice, f"{names[w]}: sweeping twice gives different gradients")
        tape = self.forward(keep=True, run=run_locked)
        passed: list[np.ndarray] = []
        self.apart = self.seeded(1.0, tape, lambda step, i, g, losses: passed.append(g))
        for factor in FACTORS:
            self.seeded(factor, tape, partial(self.require_linear, factor, iter(passed)))
        edges = zip(self.plan.steps, self.plan.edges, strict=True)
        run = self.disturbing({step: [i for i, _ in live] for step, live in edges})
        anew = [self.seeded(1.0, self.forward(keep=True, run=run)) for _ in range(SHAKES)]
        self.rounding = {w: farthest((g[w] for g in anew), self.apart[w]) for w in reached}

    def seeded(self, seed: float, tape: Tape, record: Any = None) -> dict[Any, Any]:
        """The gradient of each loss, from this cotangent on."""
        seeds = [seed] * len(self.weights)
        return self.plan.backward(tape, seeds, per_loss=True, record=record)

    def require_linear(
        self, factor: float, passed: Iterator[np.ndarray], n: int, i: int, g: np.ndarray, _: Any
    ) -> None:
        """A sweep records this gradient, and one with a cotangent of 1 has recorded the next."""
        step = self.plan.steps[n]
        what = f"{step.op.name}: the gradient of input {i} {not_linear(factor)}"
        require(is_multiple(g, factor, next(passed)), what)

    def disturbing(self, positions: Mapping[Step, Sequence[int]]) -> Callable[..., Any]:
        """Runs steps on inputs and cotangents that are disturbed in their last places: on these."""
        shake = partial(shaken, random=self.random)

        def run(step: Step, arrays: list[Any], training: bool) -> tuple[Any, Any]:
            for i in positions[step]:
                arrays[i] = shake(arrays[i])
            y, back = step.run(arrays, training)
            return y, receiving(back, shake)

        return run

    def moved_by(self, w: Parameter) -> dict[Step, list[int]]:
        """By step: the inputs that change when `w` does, along edges that carry gradients."""
        plan, slots, moved = self.plan, {self.plan.slots.get(w.key)}, {}
        for step, edges, outputs in zip(plan.steps, plan.edges, plan.outputs, strict=True):
            moved[step] = [i for i, slot in edges if slot in slots]
            slots.update(outputs if moved[step] else ())
        return moved

    def changes(
        self, w: Parameter, moved: Mapping[Step, Sequence[int]], step: np.ndarray, shake=False
    ) -> np.ndarray:
        """By loss, how much it changes when `w` takes a step; `w` is put back."""
        before = w.value
        w.value = locked(before + step)
        try:
            return self.losses(self.disturbing(moved) if shake else None) - self.values
        finally:
            w.value = before

    def rows(self, name: str, w: Parameter) -> tuple[list[Any], list[Any]]:
        """By loss, its gradient for `w` (None: no path), once they add up to that of training.

        And how far rounding reaches in each.
        """
        reached, whole = self.plan.reaches(w), self.whole[w]
        rows: list[Any] = [None] * len(self.weights)
        roundings = list(rows)
        if not reached:
            return rows, roundings
        limit = 0.0
        for k, row, rounding in zip(reached, self.apart[w], self.rounding[w], strict=True):
            rows[k], roundings[k] = row, rounding
            # in another order they add up to other last digits, and so does what they are made of
            limit += abs(self.weights[k]) * (1e-12 * largest(row) + BEYOND * largest(rounding))
        gap = mixing_gap(reached, self.apart[w], self.weights, whole)
        require(
            gap <= limit,
            f"{name}: the weighted gradients of the single losses miss the whole one by {gap:.3g}",
        )
        return rows, roundings


def run_locked(step: Step, arrays: list[Any], training: bool) -> tuple[Any, Any]:
    """Run a step, and forbid to write into what it makes, and into the cotangents of that."""

    def keep(g: Any) -> Any:
        lock(g)
        return g

    y, back = step.run(arrays, training)
    for value in y if step.several else (y,):
        lock(value)
    return y, receiving(back, keep)


def receiving(back: Any, change: Callable[[Any], Any]) -> Any:
    """Pullbacks that receive what is made of each cotangent."""

    def received(pull: Any) -> Any:
        return pull and (
            lambda g: pull(tuple(map(change, g)) if isinstance(g, tuple) else change(g))
        )

    return received(back) if callable(back) else tuple(map(received, back))


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
    roundings: Sequence[Any],
    d: np.ndarray,
    changes: Callable[..., np.ndarray],
    grain: np.ndarray,
    tolerance: float,
) -> Iterator[Slope]:
    """By value: its slope along d by `differences`, and that by its gradient.

    Without a gradient (None) nothing is to move, and one step shows whether it does.
    """
    terms = [None if g is None else g * d for g in gradients]
    told = [None if one is None else float(one.sum()) for one in terms]
    sizes = np.array([np.inf if one is None else norm(one) for one in terms])
    reach = np.array([0.0 if one is None else norm(one * d) for one in roundings])
    good = np.maximum(tolerance * sizes, BEYOND * reach)
    found = differences(changes, d, grain, lambda slope: np.maximum(good, tolerance * abs(slope)))
    return map(Slope, *found, told, sizes, reach)


def differences(
    changes: Callable[..., np.ndarray],
    d: np.ndarray,
    grain: np.ndarray,
    good: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """By value: its slope along d, how far that may be wrong, and how much it jumps at a kink.

    `changes` says of a step how much each value changes, and `grain` how far rounding may take it.
    Steps are tried until the error is well below what is `good` enough for such a slope.
    """
    tried: list[tuple[Any, ...]] = []
    with np.errstate(all="ignore"):
        for h in STEPS:
            ahead, behind = changes(h * d), changes(-h * d)
            far_ahead, far_behind = changes(2 * h * d), changes(-2 * h * d)
            noise = abs(changes(2 * h * d, shake=True) - far_ahead)
            near, far = (ahead - behind) / (2 * h), (far_ahead - far_behind) / (4 * h)
            # over twice the step a kink bends twice as much, and a smooth function four times
            bend, far_bend = ahead + behind, far_ahead + far_behind
            kink = abs(far_bend - 2 * bend) < 0.2 * abs(far_bend)
            tried.append((h, near, far, np.where(kink, bend / h, 0), noise))
            best = most_certain(sorted(tried, key=lambda one: one[0]), grain)
            if (BEYOND * best[1] <= good(best[0])).all():
                break
    return best


def most_certain(tried: Sequence[tuple[Any, ...]], grain: np.ndarray) -> np.ndarray:
    """The most certain of the differences that were tried, from the shortest step to the longest.

    The distance of the differences over h and 2 h shows how good they are; together they make a
    better one (Richardson 1911). Rounding, by its rule or as this step or a shorter one has shown
    it, makes an error of 1 / h. A longer step may see another part of the function: it must fit.
    """
    best, rounding = np.array([0 * grain, np.inf + grain, 0 * grain]), 1.5 * grain
    for h, near, far, jump, noise in tried:
        slope, rounding = near + (near - far) / 3, np.fmax(rounding, noise)
        error = np.maximum(abs(near - far) + rounding / h, abs(slope - best[0]) - BEYOND * best[1])
        if h >= 1e-2:  # every function may bend so: only a short step can have seen a kink
            jump = np.where(abs(best[2]) > BEYOND * best[1], best[2], 0)
        rounding = np.fmax(rounding, abs(near - far) * h)
        best = np.where(error < best[1], np.array([slope, error, jump]), best)
    return best


def shaken(x: Any, random: np.random.Generator) -> Any:
    """The same numbers, disturbed by some units in the last place, if they are floats."""
    if x is None or not is_float(x):
        return x
    eps = 2 * np.finfo(x.dtype).eps
    return x * random.uniform(1 - eps, 1 + eps, x.shape).astype(x.dtype)


def farthest(anew: Iterable[np.ndarray], first: np.ndarray) -> np.ndarray:
    """By element: how far it has been from the first one."""
    far = np.zeros_like(first)
    for one in anew:
        far = np.fmax(far, abs(one - first))
    return far


def is_multiple(found: Any, factor: float, of: Any) -> bool:
    """Is it that many times the other? As in gradients, None and NaN are so, too."""
    if found is None or of is None:
        return found is of
    with np.errstate(all="ignore"):
        return np.allclose(found, factor * of, rtol=1e-9, atol=1e-290, equal_nan=True)


def not_linear(factor: float) -> str:
    return (
        f"is not linear in g: for {factor:.0e} times g it is not {factor:.0e} times as large. A "
        f"pullback multiplies g by slopes, and leaves its size to the optimizer (clipping, too)"
    )


@contextmanager
def no_writing(what: str) -> Iterator[None]:
    """Arrays are read-only in here: NumPy's error says neither whose they are nor who writes."""
    try:
        yield
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        new = GradientError(f"{what}: leave that as it is, and make a new array")
        for note in getattr(error, "__notes__", ()):
            new.add_note(note)
        raise new from error


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
    array = np.array(to_numpy(x)) if copy else to_numpy(x)
    array.setflags(write=False)
    return array


def is_float(x: np.ndarray) -> bool:
    return x.dtype.kind == "f"


def same_bits(a: Any, b: Any) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def norm(x: np.ndarray) -> float:
    m = largest(x)  # whose square may be too large or too small for a float
    return m * float(np.sqrt(((x / m) ** 2).sum())) if 0 < m < np.inf else m


def largest(x: np.ndarray) -> float:
    return float(np.abs(x).max(initial=0.0))


__all__: Sequence[str] = ["GradientError", "Report", "check_model", "check_op"]
