"""What the losses are multiplied with before they are added."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, NoReturn

from ..arguments import plain_number, shown
from ..naming import did_you_mean


class LossWeights(dict[str, float]):
    """A number for each loss, by name, in the order of the losses.

    It can be changed like any dict, but a number stays a number, no loss comes or goes, and what a
    method sets in each step is refused: it would be overwritten.

    Attributes
    ----------
    set_by : dict of str
        By name of loss, the method that sets its weight.

    >>> weights = LossWeights({"main": 1.0, "aux": 0.2})
    >>> weights["aux"] = 0
    >>> weights
    {'main': 1.0, 'aux': 0.0}
    >>> weights["auxiliary"] = 0.5
    Traceback (most recent call last):
    ValueError: loss_weights: there is no 'auxiliary'; did you mean 'aux'? Known: 'main', 'aux'
    """

    def __init__(self, given: Mapping[str, Any]):
        super().__init__({name: checked_weight(name, factor) for name, factor in given.items()})
        self.set_by: dict[str, str] = {}

    def __setitem__(self, name: str, factor: Any) -> None:
        self.update({name: factor})

    def update(self, *given: Any, **more: Any) -> None:
        """Change some, or, if one is no number or of no loss, none."""
        changes = dict(*given, **more)
        for name in changes:
            if name not in self:
                raise ValueError(
                    f"loss_weights: there is no {name!r}; {did_you_mean(str(name), self)}"
                )
            if who := self.set_by.get(name):
                others = [other for other in self.set_by if other != name]
                fix = f", or leave it to the others, {who}(only={others})" * (len(others) > 1)
                raise ValueError(
                    f"loss_weights: {who} sets that of {name!r} in each step, and would "
                    f"overwrite {shown(changes[name])}: give numbers to all, "
                    f"model.loss_weights = {{...}}{fix}"
                )
        self.put(changes)

    def put(self, changes: Mapping[str, Any]) -> None:
        """The same, for who sets them: a method, or a file."""
        super().update({name: checked_weight(name, factor) for name, factor in changes.items()})

    def __ior__(self, changes: Any) -> LossWeights:  # type: ignore[override,misc]
        self.update(changes)
        return self

    def _keep(self, *name: Any) -> NoReturn:
        raise TypeError("loss_weights: no loss can be taken out; its weight can be set to 0")

    __delitem__ = pop = popitem = clear = setdefault = _keep  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        return type(self), (dict(self),), vars(self)


def checked_weight(name: str, factor: Any) -> float:
    if plain_number(factor) is None or not isfinite(factor):
        raise ValueError(f"loss_weights: that of {name!r} must be a number, not {shown(factor)}")
    return float(factor)
