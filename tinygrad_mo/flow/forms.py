"""What a flow, and runs, must look like in a file: as strict as the forms of models (`files`)."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ..files.schema import Maybe, by_name, check_form, expect, refuse


def a_whole_number(where: str, x: Any) -> None:
    if type(x) is not int:
        refuse(where, "a whole number", x)


# What words compute with: of shares, what is left of 1.
SHARES = "momentum", "rho", "beta_1", "beta_2"
SIZES = "epsilon", "weight_decay", "slot_start", "clipvalue", "clipnorm", "global_clipnorm"


def settings(where: str, x: Any) -> None:
    """Of an optimizer: numbers, flags and texts by name."""
    expect(where, x, dict)
    for name, value in x.items():
        place = f"{where}[{str(name)[:40]!r}]"
        if name in (*SHARES, *SIZES):
            a_number(place, value)
            if value < 0 or (name in SHARES and value >= 1):
                refuse(place, "a number in its range", value)
        elif not isinstance(value, bool | int | float | str):
            refuse(place, "a number or a text", value)


def a_number(where: str, x: Any) -> None:
    """One that a float can hold."""
    expect(where, x, float)
    if isinstance(x, int) and abs(x) > sys.float_info.max:
        refuse(where, "a number", x)


def a_tensor(where: str, x: Any) -> None:
    """The number of one, or the name of a parameter."""
    if type(x) is not int:
        expect(where, x, str)


def tuple_of(form: Any, length: int | None = None) -> Any:
    """Several, each of this form; so many, if a length is given."""

    def check(where: str, x: Any) -> None:
        if not isinstance(x, tuple | list) or length not in (None, len(x)):
            refuse(where, "several" if length is None else f"{length} values", x)
        for n, one in enumerate(x):
            check_form(f"{where}[{n}]", one, form)

    return check


def an_array(kind: str, ndim: int | None = None) -> Any:
    """Of numbers ("f") or of booleans ("b")."""

    def check(where: str, x: Any) -> None:
        fits = isinstance(x, np.ndarray) and x.dtype.kind == kind and ndim in (None, x.ndim)
        if not fits:
            refuse(where, f"an array of {'floats' if kind == 'f' else 'booleans'}", x)

    return check


def over_time(where: str, x: Any) -> None:
    """By ends of a wire, an array (losses, steps)."""
    expect(where, x, dict)
    for ends, lengths in x.items():
        check_form(f"{where}: a wire", ends, tuple_of(str, 2))
        check_form(f"{where}[{ends!r}]", lengths, an_array("f", 2))


def arrays(where: str, x: Any) -> None:
    """By parameter or wire, the numbers of losses and a row for each."""
    expect(where, x, dict)
    for what, kept in x.items():
        check_form(f"{where}: a name", what, str if isinstance(what, str) else tuple_of(a_tensor))
        if not isinstance(kept, tuple | list) or len(kept) != 2:
            refuse(f"{where}[{what!r}]", "losses and rows", kept)
        check_form(f"{where}[{what!r}]: losses", kept[0], tuple_of(int))
        check_form(f"{where}[{what!r}]: rows", kept[1], an_array("f"))


SHAPE = tuple_of(Maybe(int))
NODE = {
    "name": str, "kind": str, "type": str, "shape": SHAPE, "parameters": tuple_of(str),
    "layer": str, "folders": tuple_of(str), "loss": str,
}  # fmt: skip
FLOW = {
    "losses": [str],
    "values": by_name(Maybe(a_number)),
    "weights": by_name(a_number),
    "outputs": by_name(str),
    "silent?": Maybe([str]),
    "balancer?": str,
    "kinds?": by_name(str),
    "name?": str,
    "step?": int,
    "training?": bool,
    "optimizer?": str,
    "mixes?": bool,
    "notes?": [str],
    "settings": settings,
    "nodes": [NODE],
    "wires": [(str, str, str, SHAPE, a_whole_number)],  # source, target, tensor, shape, number
    "parameters": [str],
    "uses": [tuple_of(str, 2)],
    "bundles": [tuple_of(a_tensor, 2)],
    "forks?": [a_whole_number],  # older files have none
    "r": an_array("f", 3),
    "reach": an_array("b", 2),
    "over_time": over_time,
    "parent": by_name(str),
    "frozen": [str],
    "arrays": arrays,
}
RUN = {
    "weights": by_name(a_number),
    "seed": int,
    "history": by_name([a_number]),
    "steps": [int],
    "flows": [FLOW],
}
RUNS = {"base": Maybe(by_name(a_number)), "about": str, "runs": [RUN]}
