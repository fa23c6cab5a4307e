"""Work of a GPU that is captured once, as a CUDA graph, and launched again and again.

A launch from Python takes longer than what a small kernel does, and a training step is a hundred of
them. A graph is all of them in one. It is bound to the memory in which it was captured: what it is
to read is put there before, and what it has found lies there until the next launch.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..device import xp
from ..engine.plan import Plan
from ..questions import settle
from .plan import LentTape, is_traceable


class Captured:
    """What a function has a GPU do, to be done again in one launch.

    Parameters
    ----------
    work : function
        It is called twice: to compile and make what is needed once, and to be captured. All that it
        reads stays where it is, in memory that somebody keeps, and it writes into new arrays only.
        It waits for nothing, sends nothing, and calls no library: CuPy refuses that in a capture.

    Attributes
    ----------
    found : object
        What the function has returned; each launch fills its arrays anew.

    Raises
    ------
    Exception
        If the work cannot be captured. Nothing has happened then.
    """

    def __init__(self, work: Callable[[], Any]):
        cuda: Any = xp().cuda  # type: ignore[attr-defined]
        settle()
        cuda.runtime.deviceSynchronize()
        self._pool, stream = cuda.MemoryPool(), cuda.Stream(non_blocking=True)
        try:
            with cuda.using_allocator(self._pool.malloc), stream:
                work()
                stream.synchronize()
                self.found, self._graph = captured(work, stream)
        finally:
            cuda.runtime.deviceSynchronize()  # also where an error has come between

    def launch(self) -> None:
        """Do it, in order with all else that the GPU is to do."""
        self._graph.launch()


def captured(work: Callable[[], Any], stream: Any) -> tuple[Any, Any]:
    """What the work returns, and the graph of it."""
    stream.begin_capture()
    try:
        found = work()
    except BaseException:
        with suppress(Exception):  # nothing has come of it
            stream.end_capture()
        raise
    return found, stream.end_capture()


class CapturedTape(LentTape):
    """A tape on the arrays of a graph: until somebody lets go of it, the graph waits."""


def can_be_captured(plan: Plan) -> bool:
    """Does a plan always do the same to arrays of the same shapes?

    Not if it draws random numbers, has ops of one's own, or is for inputs of any length.
    """
    fed = [tensor for _, tensor in plan.leaves if tensor.value is None]
    return all(None not in x.shape[1:] for x in fed) and all(map(is_traceable, plan.steps))
