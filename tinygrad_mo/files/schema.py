"""What the plain values in a header must look like, and an error that says where they do not.

A form is a type; ``[form]``, a list of any length; ``(form, form)``, a list of so many;
``{"name": form}``, a dict with these names ("name?" may be missing); a `Maybe`; or a function that
checks by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..arguments import shown
from ..whole_files import CheckpointError

WORDS = {
    bool: "True or False",
    dict: "a dict",
    float: "a number",
    int: "a whole number, 0 or more",
    list: "a list",
    str: "a text",
}


class Maybe(NamedTuple):
    """None, or what has this form."""

    form: Any


def check_form(where: str, value: Any, form: Any) -> None:
    """An error that names the first place where a value is not of its form.

    >>> check_form("steps", [["add", -1]], [(str, int)])
    Traceback (most recent call last):
    tinygrad_mo.whole_files.CheckpointError: steps[0][1]: expected a whole number, 0 or more, \
found -1
    """
    match form:
        case Maybe():
            if value is not None:
                check_form(where, value, form.form)
        case list():
            expect(where, value, list)
            for n, item in enumerate(value):
                check_form(f"{where}[{n}]", item, form[0])
        case tuple():
            expect(where, value, list)
            if len(value) != len(form):
                refuse(where, f"a list of {len(form)}", value)
            for n, (item, its) in enumerate(zip(value, form, strict=True)):
                check_form(f"{where}[{n}]", item, its)
        case Mapping():
            check_names(where, value, form)
        case type():
            expect(where, value, form)
        case _:
            form(where, value)


def check_names(where: str, value: Any, form: Mapping[str, Any]) -> None:
    """A dict with certain names."""
    expect(where, value, dict)
    known = [name.removesuffix("?") for name in form]
    for name in value:
        if name not in known:
            raise CheckpointError(f"{where}: expected {', '.join(known)}, found {name[:40]!r}, too")
    for name, its in form.items():
        bare = name.removesuffix("?")
        if bare in value:
            check_form(f"{where}.{bare}", value[bare], its)
        elif bare == name:
            raise CheckpointError(f"{where}: expected {name!r}, which is missing")


def expect(where: str, value: Any, kind: type) -> None:
    fits = {
        float: isinstance(value, int | float) and not isinstance(value, bool),
        int: type(value) is int and value >= 0,
    }
    if not fits.get(kind, isinstance(value, kind)):
        refuse(where, WORDS[kind], value)


def by_name(form: Any) -> Any:
    """A dict with names of any kind, each with something of this form."""

    def check(where: str, value: Any) -> None:
        expect(where, value, dict)
        for name, item in value.items():
            check_form(f"{where}[{name[:40]!r}]", item, form)

    return check


def refuse(where: str, expected: str, value: Any) -> None:
    raise CheckpointError(f"{where}: expected {expected}, found {shown(value)}")


def numbered(where: str, items: list[Any], number: Any) -> Any:
    """The item of this number, which a file asks for.

    >>> numbered("a layer", ["a", "b"], -1)
    Traceback (most recent call last):
    tinygrad_mo.whole_files.CheckpointError: a layer: expected a number from 0 to 1, found -1
    """
    if type(number) is int and 0 <= number < len(items):
        return items[number]
    last = len(items) - 1
    raise CheckpointError(
        f"{where}: expected {f'a number from 0 to {last}' if items else 'none, there is no'}, "
        f"found {shown(number)}"
    )
