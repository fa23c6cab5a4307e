"""The check of a model, as it trains."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..arguments import shown
from ..device import on_cpu
from ..engine.graph import Parameter, Step, lock
from ..engine.plan import Plan, Tape
from ..engine.randomness import Randomness
from .differences import (
    BEYOND,
    EPS,
    SHAKES,
    farthest,
    largest,
    random_directions,
    shaken,
    slopes,
)
from .promises import FACTORS, is_multiple, locked, no_writing, not_linear, same_bits
from .report import TOLERANCE, GradientError, Report, options, require


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
    if not hasattr(model, "is_compiled"):
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
