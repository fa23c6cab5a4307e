"""What a layer is: weights, made at the first call, and a function of tensors."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, wraps
from inspect import signature
from typing import Any, NamedTuple

import numpy as np

from .. import arguments, ops
from ..device import new_generator, xp
from ..engine.calls import Call, current_call, inside
from ..engine.graph import Parameter, Tensor
from ..engine.inputs import placeholder
from ..engine.masks import step_by_step
from ..naming import snake_case, unique_names
from ..other_names import Misnomer
from ..recipes import Recipe, options_of, refuse_unknown
from . import initializers, regularizers

NOT_TOLD = {  # what layers are told in Keras, and here by other ways
    "training": "fit and train_on_batch let layers work as in training, and nothing else does",
    "mask": "it comes with its tensor, from Masking or Embedding(mask_zero=True), as x.mask",
}


def Input(shape: Sequence[int | None], dtype: Any = None, name: str | None = None) -> Tensor:
    """A symbolic tensor that a model will be fed.

    Parameters
    ----------
    shape : sequence of int or None
        Of one sample, without the batch; None is an axis of any length.
    dtype : str or NumPy dtype, optional
        "int32" for ids. Default: the float type of `tinygrad_mo.use`.
    name : str, optional
        The name under which data, errors and pictures refer to it. Default: "input", numbered.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.Input((100,), dtype="int32", name="main_input")
    <Tensor 'main_input' (None, 100), int32>
    """
    if isinstance(shape, int | np.integer):
        raise TypeError(f"the shape of an Input is a tuple: write ({shape},)")
    who = "Input" if name is None else f"Input {arguments.name('Input: name', name)!r}"
    lengths = arguments.listed(f"{who}: shape", shape, length_or_none)
    kind = None if dtype is None else arguments.dtype(f"{who}: dtype", dtype)
    return placeholder((None, *lengths), kind, name)


def length(what: str, value: Any) -> int:
    return arguments.whole(f"{what}: each length", value, at_least=1)


def length_or_none(what: str, value: Any) -> int | None:
    return None if value is None else length(what, value)


def noted(init: Any) -> Any:
    """An `__init__` after which a layer knows the layers and weights that it was made with."""

    @wraps(init)
    def make(self: Layer, *settings: Any, **options: Any) -> None:
        init(self, *settings, **options)
        if "_named" not in vars(self):
            raise TypeError(
                f"{type(self).__name__}: __init__ does not call super().__init__(**options), which "
                f"makes it a layer: let it begin with that"
            )
        if type(self).__init__ is make:  # the outermost one
            self._parts = self.own_parts()

    return make


def done_once(build: Any) -> Any:
    """A `build` that makes weights at the first call only: all of them, or, if it fails, none."""

    @wraps(build)
    def once(self: Layer, shape: Any) -> None:
        if self.built:
            return
        before = dict(vars(self), _added_weights=list(self._added_weights))
        had = set(self.own_parts())
        try:
            with inside(None):  # a model that is made here is no part of the call that asks for it
                build(self, shape)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise
        self._parts = [*self._parts, *(x for x in self.own_parts() if x not in had)]
        self._made_by = self._made_by or f"build({shape})"
        self.built, self.built_for = True, shape

    return once


class AddedLoss(NamedTuple):
    """A scalar of the graph that a model or a layer adds to the losses."""

    name: str
    value: Tensor
    weight: float


OWN = __name__.split(".")[0]  # this package


@cache
def settings_of(kind: type) -> frozenset[str]:
    """What a class of layers is made with; looking it up takes time and leaves garbage."""
    return frozenset(options_of(kind)) - {"name", "trainable"}


class Layer(Recipe):
    """A function of tensors with weights of its own. Calling it again shares the weights.

    A subclass writes `make_weights(shape)`, which creates the weights with `add_weight` when the
    first call tells the input's shape, and `call(x)`, which computes with ops. (A method `build`,
    as in Keras, may take the place of `make_weights`.) Layers and parameters that it keeps in its
    attributes, also in lists and dicts, are its own: they are trained with it.

    A model keeps what `call` has wired when it was called on symbolic tensors: what an attribute
    is set to later, takes no effect there. The layers of this package refuse to change a setting
    then (a layer of your own may use its attributes as it likes). `trainable` and the values of
    weights take effect at once.

    Parameters
    ----------
    name : str, optional
        Default: the class's name in snake_case; a model numbers repeated ones.
    trainable : bool
        False freezes the weights. Can be changed at any time and takes effect at once.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> class Scale(tg.layers.Layer):
    ...     def make_weights(self, shape):
    ...         self.factor = self.add_weight("factor", shape[-1:], "ones")
    ...     def call(self, x):
    ...         return x * self.factor
    >>> Scale()(tg.Tensor([[1.0, 2.0]])).numpy()
    array([[1., 2.]], dtype=float32)
    """

    input_ndim: int | None = None  # axes of the input, with the batch; None: any
    fixed_width = False  # does the last axis have to stay as at the first call?
    passes_mask = False  # works on each step by itself: a mask of the input holds for the output
    uses_mask = False  # does the layer work with the mask itself?
    takes_list: bool | None = None  # of tensors; None: either, as in layers of your own
    is_model = False
    _wired_at: str  # the line of the first call on a symbolic tensor
    kinds: tuple[str, ...] = ("layer",)
    requires_grad = Misnomer("layer")

    def __init__(self, name: str | None = None, trainable: bool = True, **unknown: Any):
        refuse_unknown(type(self), unknown)
        if not self.is_model:
            self._refuse_tensors(self.made_with[0])
        self._named = name is not None  # by the user
        self._has_name = self._named  # or the first model that it belongs to has given it one
        what = f"{type(self).__name__}: name"
        self.name = self.default_name() if name is None else arguments.name(what, name)
        self.built = False
        self.built_for: Any = None  # the shape
        self._added_weights: list[Parameter] = []
        self._parts: list[Any] = []  # the layers and weights of `__init__` and `build`
        self.trainable = trainable
        self._made_by = ""  # what the weights were made by
        self._added_losses: list[AddedLoss] = []  # by the `call` that is running
        self._generator: Any = None

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse what would hide a parameter from models, or something that every layer has."""
        there = vars(self).get(name)
        is_numbers = isinstance(value, int | float | list) or hasattr(value, "shape")
        if isinstance(there, Parameter) and is_numbers and not isinstance(value, Parameter):
            raise TypeError(
                f"{self}: {name} is the parameter {there}, and models would know nothing of what "
                f"takes its place: write layer.{name}.assign(value)"
            )
        of_class = getattr(type(self), name, None)
        if isinstance(of_class, property) and of_class.fset is None:
            raise AttributeError(
                f"{type(self).__name__} cannot keep something of its own as {name!r}: every layer "
                f"has {name}; choose another name"
            )
        is_wired = name[0] != "_" and "_wired_at" in vars(self)
        if is_wired and name in self._settings():
            raise AttributeError(
                f"{self} is in a graph already, which keeps the {name} that it was wired with at "
                f"{self._wired_at}: set it before the first call, or make a new layer and model"
            )
        super().__setattr__(name, value)

    @classmethod
    def _settings(cls) -> frozenset[str]:
        """What a layer of this package, or the one that yours is derived from, was made with."""
        ours: Any = next(base for base in cls.__mro__ if base.__module__.startswith(f"{OWN}."))
        return frozenset() if cls.is_model else settings_of(ours)

    @classmethod
    def default_name(cls) -> str:
        """The class's name in snake_case."""
        return snake_case(cls.__name__)

    @property
    def generator(self) -> Any:
        """The layer's own random numbers, for initial weights and dropout."""
        if self._generator is None:
            self._generator = new_generator()
        return self._generator

    @property
    def tells_of_masks(self) -> bool:
        """Does it answer for masks itself? If not, as most layers of your own, its ops do."""
        is_own = type(self).__module__.startswith(f"{OWN}.")
        return is_own or self.passes_mask or self.uses_mask

    @property
    def trainable(self) -> bool:
        """Does training change the weights? Setting it sets it for all layers inside, too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = arguments.flag(f"{self}: trainable", value)
        for layer in self.sublayers:
            layer.trainable = value

    @property
    def own_weights(self) -> list[Parameter]:
        """The parameters of this layer itself, in the order in which they were made."""
        return [x for x in self.own_parts() if isinstance(x, Parameter)]

    @property
    def sublayers(self) -> list[Layer]:
        """The layers that this one keeps in its attributes."""
        return [x for x in self.own_parts() if isinstance(x, Layer)]

    def own_parts(self) -> list[Any]:
        """The parameters of this layer itself, and the layers that it keeps, each once."""
        return list(dict.fromkeys([*self._added_weights, *kept_in(vars(self))]))

    @property
    def weights(self) -> list[Parameter]:
        """All parameters, each once, those of layers inside included."""
        inside = (w for layer in self.sublayers for w in layer.weights)
        return list(dict.fromkeys([*self.own_weights, *inside]))

    @property
    def trainable_weights(self) -> list[Parameter]:
        """The parameters that training changes."""
        if not self.trainable:
            return []
        own = (w for w in self.own_weights if w.trainable)
        inside = (w for layer in self.sublayers for w in layer.trainable_weights)
        return list(dict.fromkeys([*own, *inside]))

    def count_params(self) -> int:
        """How many numbers the weights hold."""
        return sum(w.value.size for w in self.weights)

    def named_weights(self) -> dict[str, Parameter]:
        """All parameters by name, as in "lstm/kernel"."""
        weights = self.weights
        return dict(zip(unique_names([w.name for w in weights], ":"), weights, strict=True))

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all parameters, in the order of `weights`."""
        return [w.numpy() for w in self.weights]

    def set_weights(self, values: Sequence[np.ndarray]) -> None:
        """Set all parameters, or, if one does not fit, none."""
        if isinstance(values, Mapping) or not isinstance(values, Iterable):
            given = arguments.shown(values)
            raise TypeError(f"{self}: set_weights takes a list, as get_weights gives, not {given}")
        named, values = self.named_weights(), list(values)
        if len(values) != len(named):
            hint = "" if self.built else ": its first call, or build(shape), makes them"
            raise ValueError(
                f"{self} has {len(named)} weight arrays, {len(values)} were given{hint}"
            )
        for (name, w), value in zip(named.items(), values, strict=True):
            if np.shape(value) != w.shape:
                raise ValueError(f"{name} has shape {w.shape}, not {np.shape(value)}")
        assign_all(zip(named.values(), values, strict=True))

    def add_weight(
        self,
        name: str | None = None,
        shape: Sequence[int] = (),
        initializer: Any = "glorot_uniform",
        regularizer: Any = None,
        trainable: bool = True,
    ) -> Parameter:
        """Create a weight called ``layer/name``: floats of this shape.

        Without a name it is called "weight", the next one "weight_1". Default: a single number.
        """
        if name is None:
            name = unique_names([*(w.label for w in self._added_weights), "weight"], "_")[-1]
        elif arguments.is_list(name):
            raise TypeError(f"{self}: add_weight takes the name first: write shape={name}")
        name = arguments.name(f"{self}: the name of a weight", name)
        what = f"{self}: weight {name!r}"
        lengths = tuple(arguments.listed(f"{what}: shape", shape, length))
        trainable = arguments.flag(f"{what}: trainable", trainable)
        start = initializers.start(f"{self.name}/{name}", initializer, lengths, self.generator)
        parameter = Parameter(start, name, trainable, regularizers.get(regularizer))
        parameter.belongs_to(self.name)
        self._added_weights.append(parameter)
        return parameter

    def add_loss(self, tensor: Tensor, name: str | None = None, weight: float = 1.0) -> None:
        """Add a scalar to the losses of every model in which this layer is used; called in `call`.

        Parameters
        ----------
        tensor : Tensor
            Without axes, computed from what `call` was given: the activity of the layer ...
        name : str, optional
            Under which it is weighted, logged and drawn. Default: the layer's name and "loss".
        weight : float
            Default: 1.
        """
        if not isinstance(tensor, Tensor) or tensor.shape != ():
            given = f"{tensor}" if isinstance(tensor, Tensor) else type(tensor).__name__
            raise ValueError(f"{self}: a loss must be a scalar, use .mean() or .sum(), not {given}")
        name = f"{self.name}_loss" if name is None else arguments.name(f"{self}: loss name", name)
        factor = arguments.number(f"{self}: weight of loss {name!r}", weight)
        self._added_losses.append(AddedLoss(name, tensor, factor))

    def take_name(self, name: str) -> None:
        """Be called so from now on, the weights, too. A layer that has a name keeps it."""
        if not self._has_name:
            self.name, self._has_name = name, True
            for parameter in self.own_weights:
                parameter.belongs_to(name)

    def named_sublayers(self) -> dict[str, Layer]:
        """The layers that this one keeps, by names that are unique among them."""
        inner = self.sublayers
        names = unique_names([layer.name for layer in inner], "_")
        return dict(zip(names, inner, strict=True))

    def make_weights(self, shape: Any) -> None:
        """Create the weights; a layer without weights has nothing to do."""

    @done_once
    def build(self, shape: Any) -> None:
        """Make the weights for inputs of `shape`, the batch first as None. Done once."""
        self.make_weights(shape)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.takes_list is None and cls.__module__.startswith(f"{OWN}."):
            cls.takes_list = False
        elif cls.takes_list is False and not cls.__module__.startswith(f"{OWN}."):
            cls.takes_list = None  # who derives from a layer may write another call
        if "call" in vars(cls) and "training" in signature(cls.call).parameters:
            raise TypeError(
                f"{cls.__name__}.call takes training, but is not told: a graph is wired once, for "
                f"training and prediction. Use layers and ops that know both, such as Dropout and "
                f"ops.dropout, and leave it out"
            )
        if "call" in vars(cls) and "mask" in signature(cls.call).parameters:
            raise TypeError(
                f"{cls.__name__}.call takes mask, but is not told: leave it out, and read x.mask, "
                f"a tensor of booleans, or None"
            )
        if "build" in vars(cls):
            cls.build = done_once(cls.build)  # type: ignore[method-assign]
        if "__init__" in vars(cls):
            cls.__init__ = noted(cls.__init__)  # type: ignore[method-assign]

    def call(self, x: Any, **options: Any) -> Any:
        """The layer's function, written with ops on tensors."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say what it computes: write call()"
        )

    def __call__(self, x: Any, *more: Any, **options: Any) -> Any:
        """Apply the layer to a tensor, or a list of tensors, and return tensors.

        Arrays are taken, too, where no symbolic tensor stands beside them: it runs on them at once,
        as in prediction.
        """
        if more:
            raise TypeError(f"{self} takes one tensor, or ONE list: call it on [a, b], not on a, b")
        for name in () if self.is_model else options.keys() & NOT_TOLD.keys():
            raise TypeError(f"{self} takes no {name}: {NOT_TOLD[name]}")
        x = with_arrays_as_tensors(x)
        inputs = [x] if isinstance(x, Tensor) else list(x) if isinstance(x, list | tuple) else [x]
        call = Call(self, current_call())
        with inside(call):
            try:
                if self.takes_list is False and isinstance(x, list | tuple):
                    raise TypeError(
                        f"{self} takes one tensor, not a list of {len(x)}: call it on the tensor "
                        f"itself, or join several by Concatenate or Add"
                    )
                self._check(inputs)
                if not self.built:
                    where = f"{call.site[0]}:{call.site[1]}"
                    self._made_by = f"its first call on {described(inputs)} at {where}"
                    self.build(x.shape if isinstance(x, Tensor) else [t.shape for t in inputs])
                y, losses = self._call_with_losses(x, options)
            except Exception as error:
                if not getattr(error, "__notes__", None):
                    where = f"called at {call.site[0]}:{call.site[1]}"
                    error.add_note(f"in {self} of {described(inputs)}, {where}")
                raise
            self._hand_on_mask(inputs, y)
        if any(t.value is None for t in inputs):
            self.is_wired_by(call)
        for output in tensors_of(y) if losses else ():
            output.losses = (*output.losses, *losses)
        return y

    def is_wired_by(self, call: Call) -> None:
        """From now on a graph keeps its settings."""
        vars(self).setdefault("_wired_at", f"{call.site[0]}:{call.site[1]}")

    def _call_with_losses(self, x: Any, options: Any) -> tuple[Any, list[AddedLoss]]:
        """What `call` returns, as tensors of the layer's own, and the losses that it has added."""
        outside, self._added_losses = self._added_losses, []
        try:
            y, losses = self.call(x, **options), self._added_losses
        finally:
            self._added_losses = outside  # a layer may be called within its own call
        for output in tensors_of(y):
            if not isinstance(output, Tensor):
                made = arguments.shown(output)
                raise TypeError(f"{self} must return tensors, computed with ops, not {made}")
        given = tensors_of(x)
        if any(output is t for output in tensors_of(y) for t in given):
            y = with_each(y, lambda t: handed_on(t) if any(t is one for one in given) else t)
        return y, losses

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.name!r}"

    def _refuse_tensors(self, settings: Sequence[Any]) -> None:
        for one in settings:
            first = one[0] if isinstance(one, list | tuple) and one else one
            if isinstance(first, Tensor) and first.value is None:
                kind = type(self).__name__
                raise TypeError(
                    f"{kind} was given the tensor {first} where its settings belong: make the "
                    f"layer first and call it then, {kind}(...)(x)"
                )

    def _check(self, inputs: list[Any]) -> None:
        for t in inputs:
            if not isinstance(t, Tensor):
                raise TypeError(
                    f"{self} takes tensors, not {type(t).__name__}: wrap data in tg.Tensor(...), "
                    f"or use tg.Input(...) and give the data to the model"
                )
            if self.input_ndim is not None and t.ndim != self.input_ndim:
                raise ValueError(
                    f"{self} takes inputs of {self.input_ndim} axes (batch first), "
                    f"got {t.ndim}: {t}"
                )
            if self.fixed_width and self.built and t.shape[-1] != self.input_width:
                raise ValueError(
                    f"{self} has weights for inputs of width {self.input_width}, made by "
                    f"{self._made_by}; it cannot take {t}, of width {t.shape[-1]}. "
                    f"Inputs that share a layer must have one width"
                )
            if self.fixed_width and t.shape[-1] is None:
                raise ValueError(f"{self} needs an input with a known last axis, got {t}")

    @property
    def input_width(self) -> int:
        """The length of the input's last axis that the weights were made for."""
        return self.own_weights[0].shape[0]  # type: ignore[return-value]

    def _hand_on_mask(self, inputs: list[Tensor], y: Any) -> None:
        masked = [t for t in inputs if t.mask is not None]
        if not masked or self.uses_mask:
            return
        outputs = tensors_of(y)
        if self.passes_mask:  # where its ops do not keep it
            for output in outputs:
                if output.mask is None:
                    output.mask = step_by_step(masked, output)
        if self.tells_of_masks and all(output.mask is None for output in outputs):
            self._warn_of_mask(masked[0], stacklevel=4)

    def _warn_of_mask(self, x: Tensor, stacklevel: int) -> None:
        warnings.warn(
            f"{self} does not know what to do with the mask of {x}: from here on, padded steps "
            f"count like real ones",
            stacklevel=stacklevel,
        )

    def mask_of_steps(self, x: Tensor) -> Tensor | None:
        """The mask of a sequence, (batch, time); of one with other axes it is said that it ends."""
        if x.mask is None or x.mask.ndim == 2:
            return x.mask
        self._warn_of_mask(x, stacklevel=6)
        return None


def assign_all(pairs: Iterable[tuple[Parameter, Any]]) -> None:
    """Give each parameter its value, or, if one does not fit, change none."""
    before: list[tuple[Parameter, Any]] = []
    try:
        for w, value in pairs:
            before.append((w, w.value))
            w.assign(value)
    except BaseException:
        for w, value in before:
            w.value = value
        raise


HOLDS_NOTHING = str, int, float, type(None), np.ndarray  # as most attributes


def kept_in(attributes: Mapping[str, Any]) -> Iterator[Any]:
    """The layers and parameters among the values of attributes, also in lists and dicts."""
    waiting = [
        x
        for name, x in attributes.items()
        if not isinstance(x, HOLDS_NOTHING)
        and name not in ("made_with", "_added_weights", "_parts")
    ]
    seen: set[int] = set()
    while waiting:
        x = waiting.pop(0)
        if isinstance(x, Layer | Parameter):
            yield x
        elif isinstance(x, list | tuple | Mapping) and id(x) not in seen:
            seen.add(id(x))
            waiting = [*(x.values() if isinstance(x, Mapping) else x), *waiting]


def tensors_of(x: Any) -> list[Any]:
    """One tensor, or those in a list or dict, as a list."""
    return list(x.values() if isinstance(x, Mapping) else x if isinstance(x, list | tuple) else [x])


def with_arrays_as_tensors(x: Any) -> Any:
    """What a layer is called on; arrays become tensors, unless a symbolic one waits for a batch."""
    given = tensors_of(x)
    is_array = [isinstance(one, np.ndarray | xp().ndarray) for one in given]
    waits = any(isinstance(one, Tensor) and one.value is None for one in given)
    if waits or not any(is_array):
        return x
    return with_each(x, lambda one: one if isinstance(one, Tensor) else Tensor(one))


def with_each(x: Any, change: Callable[[Any], Any]) -> Any:
    """The same form, one tensor or a list or dict of them, with each tensor changed."""
    if isinstance(x, Mapping):
        return {name: change(t) for name, t in x.items()}
    return type(x)(map(change, x)) if isinstance(x, list | tuple) else change(x)


def handed_on(t: Tensor) -> Tensor:
    """The same numbers as a tensor of the layer that hands them on: they bear its name."""
    new = ops.identity(t)
    new.mask = t.mask
    return new


def described(inputs: list[Any]) -> str:
    return ", ".join(f"{t}" if isinstance(t, Tensor) else type(t).__name__ for t in inputs)
