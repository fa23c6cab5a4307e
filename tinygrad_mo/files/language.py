"""How plain values say what a model is: what they may name, and what they look like.

What JSON knows is itself; all else is a dict of one entry, ``{kind: content}``, as in ``VALUES``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import layers, losses, metrics, optimizers, schedules
from ..layers import activations, initializers, regularizers
from .schema import Maybe, by_name, check_form, refuse

MODULES = {
    "layers": layers,
    "losses": losses,
    "metrics": metrics,
    "optimizers": optimizers,
    "schedules": schedules,
    "initializers": initializers,
    "regularizers": regularizers,
}
FUNCTIONS = {**activations.ACTIVATIONS, **initializers.INITIALIZERS}


def a_value(where: str, x: Any) -> None:
    """Anything that layers and ops are made with."""
    if isinstance(x, list):
        check_form(where, x, [a_value])
    elif isinstance(x, Mapping):
        one_of(VALUES)(where, x)


def one_of(forms: Mapping[str, Any]) -> Any:
    """A dict with one of these names, and what has its form."""

    def check(where: str, x: Any) -> None:
        kind = next(iter(x), "") if isinstance(x, Mapping) and len(x) == 1 else ""
        if kind not in forms:
            refuse(where, f"a kind of value ({', '.join(forms)})", kind or x)
        check_form(f"{where}.{kind}", x[kind], forms[kind])

    return check


def nothing(where: str, x: Any) -> None:
    if x is not None:
        refuse(where, "null", x)


def an_op(where: str, x: Any) -> None:
    """Its name, or that of one's own."""
    check_form(where, x, {"own": str} if isinstance(x, Mapping) else str)


def a_source(where: str, x: Any) -> None:
    """Where an input of a step comes from: the number of a tensor, or what is no tensor."""
    if isinstance(x, Mapping):
        one_of(SOURCES)(where, x)
    elif x is not None:
        check_form(where, x, int)


def a_number(where: str, x: Any) -> None:
    if not isinstance(x, bool | int | float):
        refuse(where, "a number", x)


def a_shape(where: str, x: Any) -> None:
    """Of an input: lengths, the batch first as None."""
    check_form(where, x, {"tuple": [Maybe(int)]})
    if x["tuple"][:1] != [None]:
        refuse(where, "a shape with the batch first, as null", x["tuple"])


def a_parameter(where: str, x: Any) -> None:
    """Name, shape, type, flag and penalty of one that belongs to no layer."""
    old = isinstance(x, list) and len(x) == 4  # files once had no penalty
    check_form(where, x, (str, {"tuple": [int]}, str, bool, *([] if old else [a_value])))


def an_entry(where: str, x: Any) -> None:
    """A layer, or the attributes that were set later."""
    kind = "later" if isinstance(x, Mapping) and "later" in x else "layer"
    if kind == "later":
        check_form(where, x, {"of": int, "later": {"dict": [(str, a_value)]}})
    elif isinstance(x, Mapping) and "graph" in x:
        check_form(where, x, {"graph": GRAPH, "became": [Maybe(BECAME)]})
    else:
        check_form(where, x, {"made": MADE, "became": [Maybe(BECAME)]})


OPTIONS = {"dict": [(str, a_value)]}
MADE = (str, str, [a_value], OPTIONS)
VALUES: dict[str, Any] = {
    "tuple": [a_value],
    "dict": [(a_value, a_value)],
    "slice": (a_value, a_value, a_value),
    "ellipsis": nothing,
    "dtype": str,
    "array": str,
    "op": an_op,
    "layer": int,
    "weight": (int, int),
    "owner": int,
    "generator": int,
    "made": MADE,
    "function": str,
    "custom": str,
}
SOURCES: dict[str, Any] = {"weight": (int, int), "bare": int, "number": a_number, "array": str}
BECAME = {
    "kind": str,
    "name": str,
    "named": bool,
    "has_name": bool,
    "trainable": bool,
    "built_for": a_value,
    "weights": [str],
}
GRAPH = {
    "name": str,
    "form": str,
    "inputs": [(str, a_shape, str)],
    "inputs_by_name": bool,
    "bare": [a_parameter],
    "calls": [(a_value, Maybe(int))],
    "steps": [(an_op, [a_source], by_name(a_value), Maybe(int))],
    "outputs": [(str, int, Maybe(int))],
    "losses": [(str, int, float)],
}
MODEL = {
    "graph": GRAPH,
    "layers": [an_entry],
    "code?": by_name(str),  # checksums
    "compiled": Maybe(OPTIONS),
}
STATE = {  # of a training
    "network_trainable?": bool,
    "trainable": [bool],
    "trainable_weights": [bool],
    "generators": [Maybe(dict)],
    "step?": int,
    "optimizer_step?": int,
    "learning_rate?": Maybe(float),
    "loss_weights?": by_name(float),
    "balanced?": bool,
    "shuffler?": dict,
    "balancing?": dict,
}
