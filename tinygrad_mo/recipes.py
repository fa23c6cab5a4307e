"""Objects that remember how they were made, so that a file can say how to make them again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Any

import numpy as np

from .naming import did_you_mean
from .other_names import OTHER_OPTIONS, words_about


class WholeSignature:
    """What a class can be made with, for `inspect.signature` and the help of notebooks."""

    def __get__(self, made: Any, cls: type) -> Signature:
        if made is not None:
            raise AttributeError("what is made has the signature of its own call")
        return signature_of(cls)


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
    kinds: tuple[str, ...] = ()  # in the table of `other_names`
    __signature__ = WholeSignature()

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        self = super().__new__(cls)
        self.made_with = kept(arguments), kept(options)
        return self

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Say what is written here instead of a name that others have."""
            if isinstance(found := getattr(type(self), name, None), property):
                return found.fget(self)  # its own AttributeError has led here
            own = repr(vars(self).get("name", ""))
            what = " ".join([type(self).__name__, own]) if own != "''" else type(self).__name__
            words = words_about(what, name, *self.kinds).replace("{name}", own)
            raise AttributeError(words, name=name, obj=self)


def kept(x: Any) -> Any:
    """What lists, dicts and arrays hold now, whatever becomes of them; NumPy's numbers as Python's.

    >>> sizes = [3, np.int64(5)]
    >>> remembered_sizes = kept(sizes)
    >>> sizes.append(7)
    >>> remembered_sizes
    [3, 5]
    """
    if type(x) in (list, tuple):
        return type(x)(map(kept, x))
    if type(x) is dict:
        return {name: kept(one) for name, one in x.items()}
    if isinstance(x, np.ndarray):
        return x.copy()
    return x.item() if isinstance(x, np.generic) else x


def refuse_unknown(cls: type, options: Mapping[str, Any]) -> None:
    """An error for options that reached the end of a chain of `__init__` and belong to nobody."""
    for name in options:
        if name in OTHER_OPTIONS:
            raise TypeError(f"{cls.__name__} has no option {name!r}: {OTHER_OPTIONS[name]}")
        raise TypeError(
            f"{cls.__name__} has no option {name!r}; {did_you_mean(name, options_of(cls))}"
        )


def options_of(cls: type) -> list[str]:
    """The names of what a class can be made with."""
    return list(signature_of(cls).parameters)


def signature_of(cls: type) -> Signature:
    """What a class can be made with: the arguments of its `__init__`, and of those it hands on to.

    An `__init__` that ends in ``*arguments`` or ``**options`` hands these on to the next one.
    """
    by_place: dict[str, Parameter] = {}
    by_name: dict[str, Parameter] = {}
    takes_places, takes_names = True, True
    for base in cls.__mro__:
        if "__init__" not in vars(base) or not takes_names:
            continue
        own = list(signature(vars(base)["__init__"]).parameters.values())[1:]  # without self
        for one in own:
            if one.name in by_place or one.name in by_name:
                continue
            if one.kind is Parameter.POSITIONAL_OR_KEYWORD and takes_places:
                by_place[one.name] = one
            elif one.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY):
                by_name[one.name] = one.replace(kind=Parameter.KEYWORD_ONLY)
        kinds = {one.kind for one in own}
        takes_places = takes_places and Parameter.VAR_POSITIONAL in kinds
        takes_names = Parameter.VAR_KEYWORD in kinds
    return Signature([*by_place.values(), *by_name.values()])


def remembered(maker: Callable[..., Any]) -> Any:
    """Let the functions that a function makes remember it, and what it was called with."""

    @wraps(maker)
    def make(*arguments: Any, **options: Any) -> Any:
        made = maker(*arguments, **options)
        made.made_with, made.maker = (kept(arguments), kept(options)), make
        return made

    make.makes_recipes = True  # type: ignore[attr-defined]
    return make
