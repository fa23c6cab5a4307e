"""A model as a list of layers, each of which takes what the one before it gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import arguments
from .engine.calls import inside
from .engine.graph import Tensor
from .layers import Input, Layer
from .model import Model
from .network.contents import Contents, Rest

GRAPH = {"inputs", "outputs", "added", "steps", "form", "inputs_are_dict", "_forward"}


class Sequential(Model):
    """A model of layers in a row, which can grow and shrink at its end.

    Parameters
    ----------
    layers : list of Layer, optional
        The first may be an `Input`. If it is not, the model learns what it takes when it is first
        called on a tensor, or from `build`; until then it can neither be compiled nor used.
    name : str, optional

    Notes
    -----
    Several inputs or outputs, ways that part or meet: that is a `Model`. In a file a model is its
    graph, so that `tinygrad_mo.load` returns a `Model`; ``Sequential([Input(...), model])`` lets
    it grow again.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> model = tg.Sequential([tg.Input((3,)), tg.layers.Dense(4, activation="relu")])
    >>> model.add(tg.layers.Dense(1, name="price"))
    >>> model.compile("sgd", "mse")
    >>> model.output, model.count_params()
    (<Tensor 'price' (None, 1), float32>, 21)
    >>> [layer.name for layer in model.layers]
    ['dense', 'price']
    """

    def __init__(self, layers: Sequence[Any] = (), name: str | None = None):
        self.rest, self.contents = Rest(), Contents(())
        self.chain: list[Layer] = []
        self.ends: list[Tensor] = []  # the input, and what each layer gives; empty if not built
        Layer.__init__(self, name=name)
        for one in arguments.listed(f"{self}: layers", layers, lambda _, one: one):
            self._put(one)
        self._wire()

    def __getattr__(self, name: str) -> Any:
        if name not in GRAPH:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        if not self.chain:
            raise RuntimeError(f"{self} has no layers yet: add(layer)")
        raise RuntimeError(
            f"{self} does not know what it takes: let it begin with an Input, as in "
            f"Sequential([Input((10,)), ...]), or call build((None, 10)), the batch first as None"
        )

    @property
    def layers(self) -> list[Layer]:
        """The layers, in order, each once."""
        return list(dict.fromkeys(self.chain))

    def add(self, layer: Any) -> None:
        """Put a layer behind the others. A compiled model is to be compiled again.

        Parameters
        ----------
        layer : Layer
            Or, into an empty model, an `Input`.
        """
        self._whole_or_not_at_all(lambda: self._put(layer))

    def pop(self) -> Layer:
        """Take the last layer away, and return it. A compiled model is to be compiled again."""
        if not self.chain:
            raise ValueError(f"{self} has no layer that could be taken away")
        last = self.chain[-1]
        self._whole_or_not_at_all(self._take_last)
        return last

    def make_weights(self, shape: Any) -> None:
        """Wire the model for inputs of `shape`; for whole numbers, begin with an Input."""
        self._begin(Input(shape[1:]))

    def __call__(self, x: Any, *more: Any, **options: Any) -> Any:
        """Use the model as a layer on a tensor; the first call says what the model takes."""
        if not self.built and self.chain:
            if not isinstance(x, Tensor):
                raise TypeError(f"{self} takes one tensor, not {arguments.shown(x)}")
            kind = None if x.dtype.kind == "f" else x.dtype
            with inside(None):  # the model is no part of the call that asks for it
                self._whole_or_not_at_all(lambda: self._begin(Input(x.shape[1:], kind)))
        return super().__call__(x, *more, **options)

    def _whole_or_not_at_all(self, change: Callable[[], None]) -> None:
        before = dict(vars(self))
        try:
            change()
            self._wire()
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    def _begin(self, start: Tensor) -> None:
        """Let all layers work on this Input."""
        layers, self.chain, self.ends = self.chain, [], [start]
        for layer in layers:
            self._put(layer)
        self._wire()

    def _put(self, layer: Any) -> None:
        """One layer more, on what the last one gives."""
        if isinstance(layer, Tensor):
            if self.chain or self.ends or layer.step is not None or layer.value is not None:
                raise ValueError(f"{self}: only an Input, and only in the first place, not {layer}")
            self.ends = [layer]
            return
        if not isinstance(layer, Layer):
            raise TypeError(
                f"{self} is made of layers, not of {arguments.shown(layer)}: a function of tensors "
                f"is a layer as Lambda(function)"
            )
        if self.ends:
            y = layer(self.ends[-1])
            if not isinstance(y, Tensor):
                raise ValueError(
                    f"{self} hands on one tensor from layer to layer, but {layer} gives {len(y)}: "
                    f"call layers on tensors, and make a Model(inputs, outputs)"
                )
            self.ends = [*self.ends, y]
        self.chain = [*self.chain, layer]

    def _take_last(self) -> None:
        self.chain = self.chain[:-1]
        self.ends = self.ends[:-1] if self.built else self.ends

    def _wire(self) -> None:
        """Be the graph from the Input to what the last layer gives, if there is one."""
        vars(self).pop("_objective", None)
        self.built = len(self.ends) > 1
        if self.built:
            self._connect(self.ends[0], self.ends[-1])
        else:
            self.contents = Contents(())
            for name in GRAPH:
                vars(self).pop(name, None)
