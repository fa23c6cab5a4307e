"""What a layer is: weights, made at the first call, and a function of tensors."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from ..device import new_generator
from ..engine.calls import Call, current_call, inside
from ..engine.graph import Parameter, Tensor, placeholder
from ..naming import snake_case
from ..recipes import Recipe, refuse_unknown
from . import initializers, regularizers


def Input(shape: Sequence[int | None], dtype: str | None = None, name: str | None = None) -> Tensor:
    """A symbolic tensor that a model will be fed.

    Parameters
    ----------
    shape : sequence of int or None
        Of one sample, without the batch; None is an axis of any length.
    dtype : str, optional
        "int32" for ids. Default: the float type of `tinygrad_mo.use`.
    name : str, optional
        The name under which data, errors and pictures refer to it. Default: "input", numbered.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.Input((100,), dtype="int32", name="main_input")
    <Tensor 'main_input' (None, 100), int32>
    """
    if isinstance(shape, int):
        raise TypeError(f"the shape of an Input is a tuple: write ({shape},)")
    return placeholder((None, *shape), dtype, name)


class Layer(Recipe):
    """A function of tensors with weights of its own. Calling it again shares the weights.

    A subclass writes `make_weights(shape)`, which creates the weights with `add_weight` when the
    first call tells the input's shape, and `call(x)`, which computes with ops.

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
    passes_mask = False  # does a mask of the input hold for the output?
    uses_mask = False  # does the layer work with the mask itself?
    is_model = False

    def __init__(self, name: str | None = None, trainable: bool = True, **unknown: Any):
        refuse_unknown(type(self), unknown)
        if not self.is_model:
            self._refuse_tensors(self.made_with[0])
        self.named = name is not None
        self.name = name or self.default_name()
        self.built = False
        self.built_for: Any = None  # the shape
        self.own_weights: list[Parameter] = []
        self.sublayers: list[Layer] = []
        self.trainable = trainable
        self._first_call = ""
        self._generator: Any = None

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
    def trainable(self) -> bool:
        """Does training change the weights? Setting it sets it for all layers inside, too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = value
        for layer in self.sublayers:
            layer.trainable = value

    @property
    def weights(self) -> list[Parameter]:
        """All parameters, those of layers inside included."""
        return [*self.own_weights, *(w for layer in self.sublayers for w in layer.weights)]

    @property
    def trainable_weights(self) -> list[Parameter]:
        """The parameters that training changes."""
        if not self.trainable:
            return []
        own = [w for w in self.own_weights if w.trainable]
        return own + [w for layer in self.sublayers for w in layer.trainable_weights]

    def switches(self) -> list[Any]:
        """Everything whose `trainable` has a say: this layer, its weights, the layers within."""
        within = [one for layer in self.sublayers for one in layer.switches()]
        return [self, *self.own_weights, *within]

    def count_params(self) -> int:
        """How many numbers the weights hold."""
        return sum(w.value.size for w in self.weights)

    def add_weight(
        self,
        name: str,
        shape: Sequence[int],
        initializer: Any = "glorot_uniform",
        regularizer: Any = None,
        trainable: bool = True,
    ) -> Parameter:
        """Create a weight called ``layer/name``."""
        value = initializers.get(initializer)(tuple(shape), self.generator)
        parameter = Parameter(
            value, f"{self.name}/{name}", trainable, regularizers.get(regularizer)
        )
        self.own_weights.append(parameter)
        return parameter

    def rename(self, name: str) -> None:
        """Take a name, for the weights, too."""
        for parameter in self.own_weights:
            parameter.rename(f"{name}/{parameter.name.rsplit('/', 1)[-1]}")
        self.name = name

    def build(self, shape: Any) -> None:
        """Make the weights for inputs of `shape`, the batch first as None. Done once."""
        if not self.built:
            self.make_weights(shape)
            self.built, self.built_for = True, shape

    def make_weights(self, shape: Any) -> None:
        """Create the weights; a layer without weights has nothing to do."""

    def call(self, x: Any, **options: Any) -> Any:
        """The layer's function, written with ops on tensors."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say what it computes: write call()"
        )

    def __call__(self, x: Any, *more: Any, **options: Any) -> Any:
        """Apply the layer to a tensor, or a list of tensors, and return tensors."""
        if more:
            raise TypeError(f"{self} takes one tensor, or ONE list: call it on [a, b], not on a, b")
        inputs = [x] if isinstance(x, Tensor) else list(x) if isinstance(x, list | tuple) else [x]
        call = Call(self, current_call())
        with inside(call):
            try:
                self._check(inputs)
                if not self.built:
                    self._first_call = f"{described(inputs)} at {call.site[0]}:{call.site[1]}"
                    self.build(x.shape if isinstance(x, Tensor) else [t.shape for t in inputs])
                y = self.call(x, **options)
            except Exception as error:
                if not getattr(error, "__notes__", None):
                    where = f"called at {call.site[0]}:{call.site[1]}"
                    error.add_note(f"in {self} of {described(inputs)}, {where}")
                raise
            self._hand_on_mask(inputs, y)
        return y

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.name!r}"

    @property
    def output(self) -> Tensor:
        """A layer may be called in many places: the model knows what it makes in which."""
        raise AttributeError(
            f"{self} has an output wherever it is called: ask the model, "
            f"model.get_output({self.name!r})"
        )

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
            if self.fixed_width and self.built and t.shape[-1] != self.width:
                raise ValueError(
                    f"{self} has weights for inputs of width {self.width}, made by its first call "
                    f"on {self._first_call}; it cannot take {t}, of width {t.shape[-1]}. "
                    f"Inputs that share a layer must have one width"
                )
            if self.fixed_width and t.shape[-1] is None:
                raise ValueError(f"{self} needs an input with a known last axis, got {t}")

    @property
    def width(self) -> int:
        """The length of the input's last axis that the weights were made for."""
        return self.own_weights[0].shape[0]  # type: ignore[return-value]

    def _hand_on_mask(self, inputs: list[Tensor], y: Any) -> None:
        masked = [t for t in inputs if t.mask is not None]
        if not masked or self.uses_mask:
            return
        if self.passes_mask:
            y.mask = masked[0].mask
        else:
            warnings.warn(
                f"{self} does not know what to do with the mask of {masked[0]}: from here on, "
                f"padded steps count like real ones",
                stacklevel=3,
            )


def described(inputs: list[Any]) -> str:
    return ", ".join(f"{t}" if isinstance(t, Tensor) else type(t).__name__ for t in inputs)
