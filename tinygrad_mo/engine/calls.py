"""To which use of which layer, and to which line of the user's code, a step belongs."""

from __future__ import annotations

import os
import sys
from contextvars import ContextVar
from typing import Any

PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep


class Call:
    """One use of a layer (or model, or loss): the steps recorded inside it belong to it.

    A layer that is called twice is one owner with two calls: two cards in the picture, one set
    of weights. `parent` is the call that this one happened in, such as that of a nested model.
    """

    __slots__ = ("owner", "parent", "site")

    def __init__(self, owner: Any, parent: Call | None = None):
        self.owner, self.parent, self.site = owner, parent, call_site()

    @property
    def path(self) -> str:
        """The names from the outermost owner inwards, as in "base/conv1"."""
        return f"{self.parent.path}/{self.owner.name}" if self.parent else self.owner.name


_current_call: ContextVar[Call | None] = ContextVar("current_call", default=None)


class inside:
    """Let the steps recorded in this block belong to `call`."""

    __slots__ = ("call", "token")

    def __init__(self, call: Call | None):
        self.call = call

    def __enter__(self) -> None:
        self.token = _current_call.set(self.call)

    def __exit__(self, *error: object) -> None:
        _current_call.reset(self.token)


def current_call() -> Call | None:
    return _current_call.get()


def call_site(ours: int = 1) -> tuple[str, int]:
    """File and line of the user's code that led here: the first frame outside this package.

    The nearest `ours` frames are known to be inside, and not looked at.
    """
    frame = sys._getframe(ours)
    while (file := frame.f_code.co_filename).startswith(PACKAGE) and frame.f_back:
        frame = frame.f_back
    return file, frame.f_lineno
