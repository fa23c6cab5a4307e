"""Objects that remember how they were made, so that a file can say how to make them again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Parameter, signature
from typing import Any

from .naming import did_you_mean


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


def refuse_unknown(cls: type, options: Mapping[str, Any]) -> None:
    """An error for options that reached the end of a chain of `__init__` and belong to nobody."""
    for name in options:
        raise TypeError(
            f"{cls.__name__} has no option {name!r}; {did_you_mean(name, options_of(cls))}"
        )


def options_of(cls: type) -> list[str]:
    """What a class can be made with: the arguments of its `__init__`, and of those it calls."""
    found: dict[str, None] = {}
    for base in cls.__mro__:
        if "__init__" in vars(base):
            for name, one in signature(vars(base)["__init__"]).parameters.items():
                if one.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY):
                    found[name] = None
    return [name for name in found if name != "self"]


def remembered(maker: Callable[..., Any]) -> Any:
    """Let the functions that a function makes remember it, and what it was called with."""

    @wraps(maker)
    def make(*arguments: Any, **options: Any) -> Any:
        made = maker(*arguments, **options)
        made.made_with, made.maker = (arguments, options), make
        return made

    make.makes_recipes = True  # type: ignore[attr-defined]
    return make
