"""What belongs to a network: its layers and weights, each once, however many ways lead to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .. import arguments
from ..device import on_device
from ..engine.calls import Call
from ..engine.graph import Parameter, Step, Tensor
from ..layers import Layer
from ..naming import unique_names


class Rest:
    """What belongs to none of the layers of a network: one thing that can be frozen."""

    trainable = True


class Contents:
    """What a walk over the steps of a graph finds.

    Parameters
    ----------
    steps : sequence of Step
        All that the outputs and the losses of a network are computed with.
    rest : Rest, optional
        Stands for all that belongs to none of the layers.

    Attributes
    ----------
    layers : dict of Layer
        Those that are called directly, by the name that they have in this network, in the order of
        their first call.
    weights : dict of Parameter
        All parameters by path, as in "lstm/kernel" or "base/conv1/kernel": those of the layers, of
        layers within layers, and those that belong to no layer.
    names : dict of str
        By parameter, its path.
    bare : list of Parameter
        Those that belong to no layer.
    """

    def __init__(self, steps: Sequence[Step], rest: Rest | None = None):
        self._calls = [call for call in calls_of(steps) if isinstance(call.owner, Layer)]
        self._called_in: dict[Layer | None, list[Layer]] = {}
        self._within: dict[Layer, dict[Call, set[Layer]]] = {}  # by layer and its call
        for call in self._calls:
            outer = call_around(call)
            self._called_in.setdefault(layer_around(call), []).append(call.owner)
            self._within.setdefault(call.owner, {})[call] = set()
            if outer is not None:
                self._within[outer.owner][outer].add(call.owner)
        owners = list(dict.fromkeys(self._called_in.get(None, ())))
        self.layers = dict(zip(self._names(owners), owners, strict=True))
        self.weights: dict[str, Parameter] = {}
        self._name_of: dict[tuple[Any, Layer], str] = {}  # by the layer around it (None: none)
        self._ways: dict[Any, list[tuple[Any, ...]]] = {}  # to layers and weights: what is around
        for name, layer in self.layers.items():
            self._name_of[None, layer] = name
            layer.take_name(name)
            self._enter(layer, name, ())
        used = dict.fromkeys(x for step in steps for x in step.inputs if isinstance(x, Parameter))
        self.bare = [w for w in used if w not in self._ways]
        self._refuse_weights_made_anew()
        around: tuple[Any, ...] = () if rest is None else (rest,)
        for w in self.bare:
            self._add(w, unique_names([*self.layers, w.label], "_")[-1], around)
        read = {x for step in steps for x in step.inputs if x is not None and x.value is not None}
        self._holding = read.union(self.weights.values())
        self.names = {w: name for name, w in self.weights.items()}
        self._freezable = [*around, *self.every_layer(), *self.weights.values()]

    def _names(self, layers: Sequence[Layer]) -> list[str]:
        """Names that are unique here: as the user, or else an earlier network, has given them."""
        by_user: dict[str, Layer] = {}
        for layer in layers:
            if layer._named and layer.name in by_user:
                places = [self._where(one) for one in (by_user[layer.name], layer)]
                raise ValueError(
                    f"two layers are called {layer.name!r}: {' and '.join(places)}; names must be "
                    f"unique within a model"
                )
            if layer._named:
                by_user[layer.name] = layer
        others = sorted(
            (one for one in layers if not one._named), key=lambda one: not one._has_name
        )
        new = unique_names([*by_user, *(one.name for one in others)], "_")
        given = dict(zip([*by_user.values(), *others], new, strict=True))
        return [given[layer] for layer in layers]

    def _where(self, layer: Layer) -> str:
        site = next(call.site for call in self._calls if call.owner is layer)
        return f"{type(layer).__name__} at {site[0]}:{site[1]}"

    def _enter(self, layer: Layer, path: str, around: tuple[Layer, ...]) -> None:
        """Add the weights of a layer, and of the layers within it."""
        if layer in around:
            raise ValueError(
                f"{around[-1]} keeps {layer}, within which it is itself: give it what it needs of "
                f"it in call, and let it not keep it"
            )
        around = (*around, layer)
        self._ways.setdefault(layer, []).append(around)
        for w in layer.own_weights:
            self._add(w, f"{path}/{w.label}", around)
        within = layer.named_sublayers()
        more = [one for one in self._called_in.get(layer, ()) if one not in within.values()]
        more = list(dict.fromkeys(more))
        self._refuse_made_anew(layer, set(more))
        names = unique_names([*within, *(one.name for one in more)], "_")
        for name, inner in zip(names, [*within.values(), *more], strict=True):
            self._name_of[layer, inner] = name
            self._enter(inner, f"{path}/{name}", around)

    def _refuse_made_anew(self, layer: Layer, more: set[Layer]) -> None:
        """Of a layer that is called several times, each call must use the same layers."""
        each = [inner & more for inner in self._within.get(layer, {}).values()]
        if len(each) > 1 and more and sum(map(len, each)) == len(more) and all(each):
            one = next(iter(each[-1]))
            raise ValueError(
                f"{layer} makes {one} anew in each of its {len(each)} calls, so that they share no "
                f"weights: make it once, in __init__"
            )

    def _refuse_weights_made_anew(self) -> None:
        """The same of parameters that a call makes, and that the layer does not keep."""
        first: dict[Layer, Call] = {}
        for w in self.bare:
            for call in calls_of_layers(w.made_in):
                if first.setdefault(call.owner, call) is not call:
                    raise ValueError(
                        f"{call.owner} makes the parameter {w.label!r} anew in each of its calls, "
                        f"so that they share no weights: make it once, outside or in make_weights"
                    )

    def _add(self, w: Parameter, path: str, around: tuple[Any, ...]) -> None:
        if w not in self._ways:
            taken = path in self.weights
            name = unique_names([*self.weights, path], ":")[-1] if taken else path
            self.weights[name] = w
        self._ways.setdefault(w, []).append(around)

    def path_of(self, call: Call) -> str:
        """The names of the owners of a call and of those around it, as in "base/conv1"."""
        name = self._name_of.get((layer_around(call), call.owner), call.owner.name)
        return f"{self.path_of(call.parent)}/{name}" if call.parent else name

    def every_layer(self) -> list[Layer]:
        """The layers, those within layers included, each once."""
        return list(dict.fromkeys(layer for _, layer in self._name_of))

    def move(self) -> None:
        """Bring weights and constants to where new arrays live now (see `device.use`)."""
        for x in self._holding:
            if isinstance(x, Parameter):
                check_value(x)
            x.value = on_device(x.value)

    def flags(self) -> list[bool]:
        """The `trainable` of everything that has one."""
        return [one.trainable for one in self._freezable]

    def check_flags(self) -> None:
        """An error if one of them is neither True nor False."""
        for one in self._freezable:
            arguments.flag(f"{one}: trainable", one.trainable)

    def is_trainable(self, x: Any) -> bool:
        """Is a layer or weight free on some way to it: no layer around is frozen, nor itself?"""
        return x.trainable and any(all(one.trainable for one in way) for way in self._ways[x])

    def trainable_weights(self) -> list[Parameter]:
        """The weights that training changes."""
        return [w for w in self.weights.values() if self.is_trainable(w)]

    def frozen_steps(self, steps: Iterable[Step]) -> frozenset[Step]:
        """Those with moving averages whose layer is frozen: the averages serve in training, too."""
        averaging = (step for step in steps if step.op.averages and step.call is not None)
        layers = ((step, step.call.owner) for step in averaging)  # type: ignore[union-attr]
        return frozenset(
            step for step, one in layers if one in self._ways and not self.is_trainable(one)
        )


def check_value(w: Parameter) -> None:
    """An error if somebody has put something else into a parameter."""
    if isinstance(w.value, Tensor) or getattr(w.value, "shape", None) != w.shape:
        raise ValueError(
            f"the value of {w} has been set to {arguments.shown(w.value)}: write p.assign(array), "
            f"which takes what fits"
        )


def call_around(call: Call) -> Call | None:
    """The call of a layer within which a call happened; losses, which call layers, are none."""
    return next(calls_of_layers(call.parent), None)


def calls_of_layers(call: Call | None) -> Iterator[Call]:
    """A call and those around it, as far as they are calls of layers, from within."""
    while call is not None:
        if isinstance(call.owner, Layer):
            yield call
        call = call.parent


def layer_around(call: Call) -> Layer | None:
    """The layer within which a call happened."""
    outer = call_around(call)
    return outer.owner if outer else None


def calls_of(steps: Iterable[Step]) -> list[Call]:
    """The calls that the steps were recorded in, each after the one that it happened in."""
    found: dict[Call, None] = {}
    for step in steps:
        chain, call = [], step.call
        while call is not None and call not in found:
            chain.append(call)
            call = call.parent
        found |= dict.fromkeys(reversed(chain))
    return list(found)
