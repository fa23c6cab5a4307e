"""What comes back with a layer when it is made again, and what has to be said of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..engine.graph import Parameter
from ..layers import Layer
from ..layers.base import kept_in


def walk(layers: Iterable[Layer], met: set[Layer] | None = None) -> Iterator[Layer]:
    """Layers and all that come back with them when they are made again, each once.

    What is inside a layer is looked up after it was handed out: it may be built in between.
    """
    met = set() if met is None else met
    for layer in layers:
        if layer not in met:
            met.add(layer)
            yield layer
            yield from walk(within(layer), met)


def within(layer: Layer) -> list[Layer]:
    """The layers that a layer was made and built with; of a model, all."""
    if layer.is_model:
        return layer.contents.every_layer()  # type: ignore[attr-defined]
    return [x for x in layer._parts if isinstance(x, Layer)]


def kind_of(layer: Layer) -> str:
    """What it must be when it is read again: every model is its graph."""
    return "Model" if layer.is_model else type(layer).__name__


def weights_made(layer: Layer) -> list[Parameter]:
    """The weights that a layer was made and built with, in the order of `own_weights`."""
    parts = layer.own_weights if layer.is_model else layer._parts
    return [x for x in parts if isinstance(x, Parameter)]


def set_later(layer: Layer) -> dict[str, Any]:
    """The attributes that hold layers or weights which neither `__init__` nor `build` put there."""
    late = set() if layer.is_model else {*layer.own_parts()} - {*layer._parts}
    return {
        name: x
        for name, x in (vars(layer).items() if late else ())
        if any(one in late for one in kept_in({name: x}))
    }


def given_to(layer: Layer) -> list[Any]:
    """The layers and weights among the arguments that a layer was made with."""
    arguments, options = layer.made_with
    return list(kept_in({"arguments": arguments, "options": options}))


def makers_of(layers: Iterable[Layer]) -> dict[Layer, Layer]:
    """By layer, the one that makes it for itself, in `__init__` or `build`."""
    makers: dict[Layer, Layer] = {}
    for layer in layers:
        if not layer.is_model:
            given = set(walk(x for x in given_to(layer) if isinstance(x, Layer)))
            for one in walk(within(layer)):
                if one not in given:
                    makers.setdefault(one, layer)
    return makers
