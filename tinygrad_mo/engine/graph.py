"""The graph is data: tensors, parameters, and the steps that made them.

Applying an op to tensors records a `Step`. If every input holds a value, the step also runs at
once (eager). If one is symbolic, the op runs on a batch of length zero instead: that finds every
shape and every shape error while the graph is wired, without a second language for shapes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import arguments
from ..device import Array, array_module, floatx, lock, xp
from ..ops import Op
from ..ops.contract import check_made, new_array
from ..questions import settled, told
from .attributes import check_samples_stay, own_attributes
from .calls import call_site, current_call
from .masks import hand_on_mask
from .operators import Comparison, Operators, held

FREE_LENGTHS = (512, 1024)  # two guesses for a free axis: what they change is free, too


class Step:
    """One call event of an op: what went in, and where in the user's code it was wired.

    It does not hold its outputs (they hold it), so graphs are free of reference cycles.
    """

    __slots__ = (
        "attributes", "back", "call", "differentiable", "inputs", "op", "outputs", "several", "site"
    )  # fmt: skip
    several: bool  # is its value a tuple?
    outputs: list[tuple[tuple[int, ...], Any]]  # shape and type of each, if the step ran at once
    differentiable: list[bool]  # by input: can a gradient pass?
    back: Any  # the pullbacks, if the step ran at once

    def __init__(self, op: Op, inputs: tuple[Tensor | None, ...], attributes: dict[str, Any]):
        self.op, self.inputs, self.attributes = op, inputs, own_attributes(op, attributes)
        self.call, self.site, self.back = current_call(), call_site(), None

    def describe(self) -> str:
        """Where and on what this step works, for error notes."""
        owner = f"in {type(self.call.owner).__name__} {self.call.path!r}, " if self.call else ""
        inputs = ", ".join(f"{x}" for x in self.inputs if x is not None)
        return f"{owner}op {self.op.name!r} of {inputs}\nwired at {self.site[0]}:{self.site[1]}"

    def run(self, arrays: list[Array], training: bool = False) -> tuple[Any, Any]:
        """The op's value and pullbacks; an error is told which step it happened in."""
        run, options = self.op.run, self.attributes
        if self.op.takes_training:
            return told(self.describe, run, *arrays, **options, training=training)
        return told(self.describe, run, *arrays, **options)

    def output(self, index: int) -> Tensor:
        """A symbolic tensor that stands for an output, as for `Plan`'s `fetch`."""
        like = np.empty(*self.outputs[index])
        return Tensor.make(None, (like, like), self, index)

    def make_outputs(self, runs: list[tuple[Any, Any]], symbolic: bool) -> Any:
        """The tensors of this step's outputs, from its runs in one or two sample worlds."""
        told(self.describe, check_made, runs[0], len(self.inputs))
        y, back = runs[0]
        self.several = isinstance(y, tuple)
        self.differentiable = [
            x is not None and is_float(x) and (callable(back) or back[i] is not None)
            for i, x in enumerate(self.inputs)
        ]
        worlds = [run[0] if self.several else (run[0],) for run in runs]
        self.outputs = [(np.shape(value), getattr(value, "dtype", None)) for value in worlds[0]]
        if symbolic:
            made = [Tensor.make(None, (w, worlds[-1][i]), self, i) for i, w in enumerate(worlds[0])]
        else:
            made = [Tensor.make(value, None, self, i) for i, value in enumerate(worlds[0])]
            for tensor in made:
                lock(tensor.value)
        return tuple(made) if self.several else made[0]


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
        self.shape, self.dtype = np.shape(like), getattr(like, "dtype", type(like))
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

    __slots__ = ("label", "regularizer", "trainable")
    label: str  # its name without that of the layer it belongs to

    def __init__(self, value: Any, name: str, trainable: bool = True, regularizer: Any = None):
        trainable = arguments.flag(f"Parameter {name!r}: trainable", trainable)
        array = new_array(value, f"Parameter {name!r}")
        super().__init__(array, floatx() if trainable and array.dtype.kind != "f" else None, name)
        self.label, self.trainable, self.regularizer = name, trainable, regularizer

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
        self.value = new_array(held(value), f"the value of {self}", self.dtype)


def placeholder(
    shape: tuple[int | None, ...], dtype: Any = None, name: str | None = None
) -> Tensor:
    """A symbolic tensor to be fed: `shape` includes the batch, None marks a free axis."""

    def zeros(free: int) -> Array:
        lengths = [0 if n is None and axis == 0 else n or free for axis, n in enumerate(shape)]
        return xp().zeros(lengths, dtype or floatx())

    first, second = map(zeros, FREE_LENGTHS)
    samples = first, (first if first.shape == second.shape else second)
    tensor = Tensor.make(None, samples, name=name)
    tensor.site = call_site()
    return tensor


def apply(op: Op, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    """Record a step, and run it: on the values, or on a zero-length batch if one is missing."""
    partners = [x.dtype for x in inputs if isinstance(x, Tensor) and is_float(x)]
    tensors = tuple(
        x if x is None or isinstance(x, Tensor) else constant(x, *partners[:1]) for x in inputs
    )
    given, step = [x for x in tensors if x is not None], Step(op, tensors, attributes)
    symbolic = any(x.value is None for x in given)
    if symbolic:
        check_samples_stay(op, given, step.attributes)
        free = any(x.samples and x.samples[0] is not x.samples[1] for x in given)
        with np.errstate(all="ignore"):
            runs = [step.run([sample(x, world) for x in tensors]) for world in range(1 + free)]
    else:
        runs = [settled(step.run, [None if x is None else x.value for x in tensors])]
        step.back = runs[0][1]
    made = step.make_outputs(runs, symbolic)
    if any(x.mask is not None for x in given):
        hand_on_mask(op, tensors, attributes, made if step.several else (made,))
    return made


def is_float(x: Tensor) -> bool:
    return np.dtype(x.dtype).kind == "f"


def sample(x: Tensor | None, world: int) -> Array:
    """What a step works on while the graph is wired."""
    return None if x is None else x.value if x.samples is None else x.samples[world]


def constant(value: Any, dtype: Any = None) -> Tensor:
    """A number, array or comparison met beside tensors; floats take the tensors' type."""
    if isinstance(value, Comparison):
        return value.recorded()
    if type(value) in (bool, int, float):  # Python numbers adapt to their partner by themselves
        return Tensor.make(value, None)
    return Tensor(value, dtype if array_module(value).asarray(value).dtype.kind == "f" else None)
