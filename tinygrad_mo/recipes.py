"""Objects that remember how they were made, so that a file can say how to make them again."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any


class Recipe:
    """The common part of layers, losses, metrics, optimizers ...: what they were made with.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.Dense(64, activation="relu").made_with
    ((64,), {'activation': 'relu'})
    """

    makes_recipes = True
    made_with: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        self = super().__new__(cls)
        self.made_with = arguments, options
        return self


def remembered(maker: Callable[..., Any]) -> Any:
    """Let the functions that a function makes remember it, and what it was called with."""

    @wraps(maker)
    def make(*arguments: Any, **options: Any) -> Any:
        made = maker(*arguments, **options)
        made.made_with, made.maker = (arguments, options), make
        return made

    make.makes_recipes = True  # type: ignore[attr-defined]
    return make
