"""The graph is data: tensors, parameters, and the steps that made them.

Applying an op to tensors records a `Step`. If every input holds a value, the step also runs at
once (eager). If one is symbolic, the op runs on a batch of length zero instead: that finds every
shape and every shape error while the graph is wired, without a second language for shapes.
"""

from __future__ import annotations

from itertools import repeat
from typing import Any

import numpy as np

from .. import arguments
from ..device import Array, array_module, floatx, lock
from ..ops import Op
from ..ops.contract import new_array
from ..questions import settled, told
from .attributes import check_samples_stay, own_attributes
from .calls import call_site, current_call
from .masks import hand_on_mask
from .operators import Comparison, Operators, held


class Step:
    """One call event of an op: what went in, and where in the user's code it was wired.

    It does not hold its outputs (they hold it), so graphs are free of reference cycles.
    """

    __slots__ = (
        "_passes", "attributes", "back", "call", "inputs", "op", "outputs", "several", "site"
    )  # fmt: skip
    several: bool  # is its value a tuple?
    outputs: list[tuple[tuple[int, ...], Any]]  # shape and type of each, if the step ran at once
    back: Any  # the pullbacks, if the step ran at once
    _passes: list[bool] | None

    def __init__(self, op: Op, inputs: tuple[Tensor | None, ...], attributes: dict[str, Any]):
        self.op, self.inputs, self.attributes = op, inputs, own_attributes(op, attributes)
        self.call, self.site = current_call(), call_site(4)
        self.back = self._passes = None

    @property
    def differentiable(self) -> list[bool]:
        """By input: can a gradient pass? Of a step that ran at once it is found when asked for."""
        if self._passes is None:
            self._passes = self.passes(self.back)
        return self._passes

    def passes(self, back: Any) -> list[bool]:
        """By input: is it of floats, and is there a pullback for it?"""
        pulls = repeat(back) if callable(back) else back
        each = zip(self.inputs, pulls, strict=False)
        return [x is not None and x.dtype.kind == "f" and pull is not None for x, pull in each]

    def describe(self) -> str:
        """Where and on what this step works, for error notes."""
        owner = ""
        if self.call:
            kind = type(self.call.owner)
            owner = f"in {getattr(kind, 'kind', kind.__name__)} {self.call.path!r}, "
        inputs = ", ".join(f"{x}" for x in self.inputs if x is not None)
        return f"{owner}op {self.op.name!r} of {inputs}\nwired at {self.site[0]}:{self.site[1]}"

    def run(self, arrays: list[Array], training: bool = False, by: Any = None) -> tuple[Any, Any]:
        """The op's value and pullbacks; an error is told which step it happened in."""
        op, options = self.op, self.attributes
        if op.takes_training:
            options = {**options, "training": training}
        return told(self.describe, by or op.run, *arrays, **options)

    def run_alone(self, arrays: list[Array], training: bool = False) -> tuple[Any, Any]:
        """The same where nobody will sweep: the pullbacks may be missing."""
        return self.run(arrays, training, self.op.run_alone)

    def output(self, index: int) -> Tensor:
        """A symbolic tensor that stands for an output, as for `Plan`'s `fetch`."""
        like = np.empty(*self.outputs[index])
        return Tensor.make(None, (like, like), self, index)

    def found(self, made: Any) -> tuple[Array, ...]:
        """The values of a run, as a tuple that nobody changes; what they show is noted."""
        y, _ = made
        self.several = isinstance(y, tuple)
        values = y if self.several else (y,)
        self.outputs = []
        for value in values:
            lock(value)
            self.outputs.append((getattr(value, "shape", ()), getattr(value, "dtype", None)))
        return values


class Tensor(Operators):
    """An array in a graph: with a value, or symbolic (a shape and a type, for a value to come).

    Parameters
    ----------
    value : array_like
        Copied, so that later changes of the original cannot reach the graph.
    dtype : str, optional
        Default: the float type of `tinygrad_mo.use` for floats, otherwise as it is.
    name : str, optional
        Shown in errors and pictures.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> x = tg.Tensor([1.0, 2.0, 3.0])
    >>> loss = (x * x).sum()
    >>> loss.value, tg.gradients(loss, x)
    (np.float32(14.0), array([2., 4., 6.], dtype=float32))
    """

    __slots__ = (
        "_name", "dtype", "index", "losses", "mask", "samples", "shape", "site", "step", "value"
    )  # fmt: skip
    value: Array  # None if symbolic
    samples: tuple[Array, Array] | None  # if symbolic: values for a batch of length zero
    shape: tuple[int | None, ...]
    step: Step | None
    mask: Tensor | None  # which steps of a sequence are real
    losses: tuple[Any, ...]  # that models and layers have added on the way here
    site: tuple[str, int]  # where an Input was made

    def __init__(self, value: Any, dtype: Any = None, name: str | None = None):
        dtype = None if dtype is None else arguments.dtype("Tensor: dtype", dtype)
        array = new_array(value, "the value of a tensor", dtype)
        lock(array)
        self._set(array, None, name=name)

    @classmethod
    def make(cls, value: Array, samples: Any, step: Any = None, index=0, name=None) -> Tensor:
        """A tensor around arrays that are its own already, without a copy."""
        return Tensor.__new__(Tensor)._set(value, samples, step, index, name)

    def _set(self, value: Array, samples: Any, step: Any = None, index=0, name=None) -> Tensor:
        like = samples[0] if value is None else value
        self.value, self.samples, self.step, self.index = value, samples, step, index
        self.shape = getattr(like, "shape", ())
        self.dtype = like.dtype if hasattr(like, "dtype") else np.dtype(type(like))
        if samples:
            pairs = zip(self.shape, np.shape(samples[1]), strict=True)
            self.shape = tuple(None if n == 0 or n != m else n for n, m in pairs)
        self._name, self.mask, self.losses = name, None, ()
        return self

    @property
    def name(self) -> str:
        """Its own name, or that of the layer or op that made it."""
        if self._name or self.step is None:
            return self._name or ("constant" if self.value is not None else "input")
        return self.step.call.path if self.step.call else self.step.op.name

    @property
    def key(self) -> tuple[Any, int]:
        """What this tensor is, whichever object stands for it: output `index` of a step."""
        return (self, 0) if self.step is None else (self.step, self.index)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __op__(self, op: Op, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
        return apply(op, inputs, attributes)


class Parameter(Tensor):
    """A tensor that training changes: by a new array (`assign`), not in place.

    A tape that was recorded before the change therefore keeps the values it was recorded with. (In
    a large table an optimizer may change few entries in place, if nobody else holds its array.)

    Parameters
    ----------
    value : array_like
        Copied. Whole numbers become floats, unless training is not to change them.
    name : str
    trainable : bool
        Default: True.
    regularizer : str, Regularizer or function, optional
        A penalty that is added to the losses. A function makes a scalar tensor of the parameter.
        Default: none.

    Raises
    ------
    TypeError, ValueError
        If the value is not one of real numbers, or another argument is not what it should be.
    """

    __slots__ = ("label", "made_in", "regularizer", "trainable")
    label: str  # its name without that of the layer it belongs to

    def __init__(self, value: Any, name: str, trainable: bool = True, regularizer: Any = None):
        self.trainable = arguments.flag(f"Parameter {name!r}: trainable", trainable)
        array = new_array(value, f"Parameter {name!r}")
        super().__init__(array, floatx() if trainable and array.dtype.kind != "f" else None, name)
        self.label, self.regularizer, self.made_in = name, regularizer, current_call()

    def belongs_to(self, owner: str) -> None:
        """Be called by the name of a layer and the own label, as in "lstm/kernel"."""
        self._name = f"{owner}/{self.label}"

    def assign(self, value: Array) -> None:
        """Take a new value of the same shape: a copy, as when it was made.

        Of a tensor it is what that holds now, without its history: a training loop by hand says
        ``w.assign(w - 0.1 * gradient)``.
        """
        if getattr(value, "shape", None) != self.shape and np.shape(value) != self.shape:
            raise ValueError(f"{self} cannot take a value of shape {np.shape(value)}")
        new = new_array(held(value), self, self.dtype)
        lock(new)
        self.value = new


def apply(op: Op, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    """Record a step, and run it: on the values, or on a zero-length batch if one is missing."""
    tensors: list[Any] = []
    values: list[Any] = []
    symbolic = masked = False
    for x in inputs:
        if not isinstance(x, Tensor) and x is not None:
            x = constant(x, inputs)
        tensors.append(x)
        value = None if x is None else x.value
        values.append(value)
        if x is not None:
            symbolic, masked = symbolic or value is None, masked or x.mask is not None
    step = Step(op, tuple(tensors), attributes)
    made = outputs_to_come(step) if symbolic else outputs_at_once(step, values)
    if masked:
        hand_on_mask(op, tensors, attributes, made)
    return tuple(made) if step.several else made[0]


def outputs_at_once(step: Step, values: list[Array]) -> list[Tensor]:
    """Run an eager step, and keep its pullbacks."""
    made = settled(step.run, values)
    each, step.back = enumerate(step.found(made)), made[1]
    return [Tensor.make(value, None, step, i) for i, value in each]


def outputs_to_come(step: Step) -> list[Tensor]:
    """Run a symbolic step on no samples: once, or twice where a free axis may have any length."""
    given = [x for x in step.inputs if x is not None]
    check_samples_stay(step.op, given, step.attributes)
    free = any(x.samples and x.samples[0] is not x.samples[1] for x in given)
    with np.errstate(all="ignore"):
        runs = [step.run([sample(x, world) for x in step.inputs]) for world in range(1 + free)]
    first, step._passes = step.found(runs[0]), step.passes(runs[0][1])
    last = runs[-1][0] if step.several else runs[-1][:1]
    pairs = zip(first, last, strict=True)
    return [Tensor.make(None, pair, step, i) for i, pair in enumerate(pairs)]


def is_float(x: Tensor) -> bool:
    return x.dtype.kind == "f"


def sample(x: Tensor | None, world: int) -> Array:
    """What a step works on while the graph is wired."""
    return None if x is None else x.value if x.samples is None else x.samples[world]


def constant(value: Any, among: tuple[Any, ...]) -> Tensor:
    """A number, array or comparison met among tensors; floats take the tensors' type."""
    if type(value) in (bool, int, float):  # Python numbers adapt to their partner by themselves
        return Tensor.make(value, None)
    if isinstance(value, Comparison):
        return value.recorded()
    dtype = next((x.dtype for x in among if isinstance(x, Tensor) and is_float(x)), None)
    return Tensor(value, dtype if array_module(value).asarray(value).dtype.kind == "f" else None)
