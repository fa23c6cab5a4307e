"""Python source: expressions that know how tightly they bind, and lines as ruff wraps them."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

WIDTH = 88  # of a line
COMPARISON, SUM, PRODUCT, SIGN, ATOM = range(5)  # the later, the tighter
RESERVED = {*keyword.kwlist, *dir(builtins)} - {"input"}


class Text(str):
    """An expression; `level` says how tightly its outermost operator binds."""

    level: int

    def __new__(cls, text: str, level: int = ATOM) -> Text:
        new = super().__new__(cls, text)
        new.level = level
        return new

    def within(self, level: int = ATOM) -> str:
        """As a part of an expression of this level.

        >>> Text("x + 1", SUM).within(PRODUCT), Text("x + 1", SUM).within(SUM)
        ('(x + 1)', 'x + 1')
        """
        return str(self) if self.level >= level else f"({self})"


def pair(x: Text, sign: str, y: Text, level: int) -> Text:
    """Two expressions with an operator between them.

    >>> pair(Text("a - b", SUM), "-", Text("c - d", SUM), SUM)
    'a - b - (c - d)'
    """
    left = x.within(level + (level == COMPARISON))
    return Text(f"{left} {sign} {y.within(level + 1)}", level)


def call(function: str, *given: Any, **options: Any) -> Text:
    """A call; options that are None are left out.

    >>> call("f", "x", 2, axis=(1, 2), eps=None)
    'f(x, 2, axis=(1, 2))'
    """
    named = [f"{name}={literal(x)}" for name, x in options.items() if x is not None]
    return Text(f"{function}({', '.join([*map(str, given), *named])})")


def literal(x: Any) -> Text:
    """A number, text, None, or a tuple, list or dict of them, as it is written.

    >>> literal(np.float32(0.1)), literal((1, "a", None)), literal(-2)
    ('0.1', '(1, "a", None)', '-2')
    """
    if isinstance(x, Text):
        return x
    if isinstance(x, str):
        quoted = repr(x)
        plain = '"' not in x and "'" not in x
        return Text(f'"{quoted[1:-1]}"' if plain else quoted)
    if isinstance(x, tuple | list):
        parts = ", ".join(map(literal, x))
        one = "," * (isinstance(x, tuple) and len(x) == 1)
        return Text(f"({parts}{one})" if isinstance(x, tuple) else f"[{parts}]")
    if isinstance(x, dict):
        return Text("{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in x.items()) + "}")
    text = str(x) if isinstance(x, np.generic) else repr(x)
    text = f'float("{text}")' if text in ("inf", "-inf", "nan") else text
    return Text(text, SIGN if text[0] == "-" else ATOM)


def identifier(name: str, taken: set[str], else_with: str = "layer") -> str:
    """A name as Python has them, which is taken from now on.

    >>> identifier("base/conv:1", set()), identifier("3b", set()), identifier("x", {"x"})
    ('base_conv_1', 'layer_3b', 'x_1')
    """
    word = re.sub(r"\W", "_", name)
    word = word if word.isidentifier() and word.strip("_") else f"{else_with}_{word.strip('_')}"
    new, number = word, 0
    while new in taken or new in RESERVED:
        number += 1
        new = f"{word}_{number}"
    taken.add(new)
    return new


def class_name(name: str, taken: set[str]) -> str:
    """A name for a class.

    >>> class_name("left_reader", set())
    'LeftReader'
    """
    words = re.sub(r"\W", "_", name).split("_")
    return identifier("".join(word[:1].upper() + word[1:] for word in words), taken, "Model")


def parts_of(text: str) -> list[str]:
    """What commas part, outside all brackets and quotes.

    >>> parts_of("a, [b, c], f('d, e')")
    ['a', '[b, c]', "f('d, e')"]
    """
    parts, depth, quote, start = [], 0, "", 0
    for i, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote and text[i - 1] != "\\" else quote
        elif sign in "'\"":
            quote = sign
        depth += (sign in "([{") - (sign in ")]}") if not quote else 0
        if sign == "," and not depth and not quote:
            parts.append(text[start:i].strip())
            start = i + 1
    return [*parts, *filter(None, [text[start:].strip()])]


def lines_of(text: str, indent: int, tail: str = "") -> list[str]:
    """A statement, in several lines if it is too long for one: broken in its last brackets.

    >>> lines_of("x = f(" + "a" * 80 + ", b)", 0) == ["x = f(", "    " + "a" * 80 + ", b", ")"]
    True
    """
    margin = " " * indent
    whole = margin + text + tail
    start = opening(text)
    if len(whole) <= WIDTH or start is None:
        return [whole]
    inner = text[start + 1 : -1]
    parts = parts_of(inner)
    is_call = text[start] == "(" and re.search(r"[\w)\]]$", text[:start])
    if len(margin) + 4 + len(inner) <= WIDTH and (is_call or len(parts) == 1):
        within = [f"{margin}    {inner}"]
    else:
        end = "," if len(parts) > 1 or not is_call else ""
        within = [line for part in parts for line in lines_of(part, indent + 4, end)]
    return [margin + text[: start + 1], *within, margin + text[-1] + tail]


def opening(text: str) -> int | None:
    """Where the bracket opens that ends the text."""
    if text[-1] not in ")]}":
        return None
    depth = 0
    for i in reversed(range(len(text))):
        depth += (text[i] in ")]}") - (text[i] in "([{")
        if not depth:
            return i if i < len(text) - 2 else None
    return None


def docstring(lines: Iterable[str]) -> str:
    """The docstring of a file; whatever stands in it, it ends where it should."""
    text = "\n".join(lines).replace("\\", "\\\\").replace('"""', r"\"\"\"")
    return f'"""{text}\n"""'


def method(x: Text, name: str, *given: Any, **options: Any) -> Text:
    """The call of a method."""
    return call(f"{x.within()}.{name}", *given, **options)
