"""Objects that remember how they were made, so that a file can say how to make them again."""

from __future__ import annotations

from typing import Any


class Recipe:
    """The common part of layers, losses, metrics, optimizers ...: what they were made with.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.Dense(64, activation="relu").made_with
    ((64,), {'activation': 'relu'})
    """

    made_with: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        self = super().__new__(cls)
        self.made_with = arguments, options
        return self
