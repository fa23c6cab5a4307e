"""What a training step keeps in memory between its forward and its backward pass."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from ..device import Array, on_device
from ..engine.graph import Step, Tensor
from ..engine.plan import Plan
from ..questions import settle
from .objective import Objective

MOST = 64  # samples that a step is tried with


def bytes_of_step(objective: Objective, batch_size: int, lengths: Mapping[str, int]) -> int:
    """How many bytes of arrays a step holds when its forward pass has ended.

    That is found out by a forward pass on zeros, on at most 64 samples. Each array has a row per
    sample or none, so that passes on 32 and on 64 tell the bytes of larger batches. They are those
    of the plain way of computing (small arrays may be replayed, which keeps others, too), with
    compiled kernels or without, as it is set; without parameters and data.

    Parameters
    ----------
    objective : Objective
    batch_size : int
    lengths : dict of int
        By name of an input whose length is free, how long it is.

    Raises
    ------
    ValueError
        If the length of an input is free and not given.
    """
    randomness = objective.randomness
    before = randomness.states
    try:
        kept = kept_of(objective, min(batch_size, MOST), lengths)
        if batch_size > MOST:
            half = kept_of(objective, MOST // 2, lengths)
            kept += round((kept - half) / (MOST // 2) * (batch_size - MOST))
    finally:
        randomness.states = before
    return kept


def kept_of(objective: Objective, samples: int, lengths: Mapping[str, int]) -> int:
    """The same of so many samples."""
    objective.contents.move()
    feed = zeros_for(objective, samples, lengths)
    plan = objective.plan_for(list(objective.terms.values()), kind=Plan)
    with np.errstate(all="ignore"):
        tape = plan.forward(feed, training=True)
        settle()
    there_before = (*feed.values(), *(x.value for _, x in plan.leaves))
    known = {id(owner_of(x)) for x in there_before if hasattr(x, "nbytes")}
    kept = {id(x): x.nbytes for x in map(owner_of, arrays_in((tape.values, tape.backs)))}
    return sum(size for array, size in kept.items() if array not in known)


def zeros_for(
    objective: Objective, samples: int, lengths: Mapping[str, int]
) -> dict[Tensor, Array]:
    """A batch. Labels and sample weights are as long as the outputs that they belong to."""
    feed: dict[Tensor, Array] = {}
    for name, x in objective.inputs.items():
        if None in x.shape[1:] and name not in lengths:
            raise ValueError(
                f"the length of input {x} is free, so that it must be said how long it is: "
                f"summary(batch_size=..., length={{{name!r}: 100}})"
            )
        feed[x] = on_device(zeros(x, (samples, *(n or lengths[name] for n in x.shape[1:]))))
    outputs = list(objective.outputs.values())
    plan = Plan([], [], fetch=outputs)
    tape = plan.forward(feed, keep=False)
    shapes = {n: plan.value(tape, y).shape for n, y in objective.outputs.items()}
    for term in objective.judged().values():
        for x in (term.target, term.weights):
            feed[x] = on_device(zeros(x, shapes[term.output or ""][: x.ndim]))
    return feed


def zeros(x: Tensor, like: tuple[int, ...]) -> np.ndarray:
    """Where the shape of a tensor is free, it is as another one."""
    lengths = (m if n is None else n for n, m in zip(x.shape, like, strict=True))
    return np.zeros([*lengths], x.dtype)


def owner_of(x: Array) -> Array:
    """The array whose memory this one looks at."""
    while isinstance(x.base, type(x)) and x.base is not x:
        x = x.base
    return x


def arrays_in(x: Any) -> Iterator[Array]:
    """All arrays that something holds, in closures, too."""
    waiting, seen = [x], set[int]()
    while waiting:
        x = waiting.pop()
        if id(x) in seen or isinstance(x, type | ModuleType | Step | Plan | Tensor):
            continue
        seen.add(id(x))
        if hasattr(x, "nbytes"):
            yield x
        else:
            waiting.extend(held_by(x))


def held_by(x: Any) -> Iterable[Any]:
    """What an object refers to; of a function, without the names of its module."""
    if isinstance(x, FunctionType):
        return [*(x.__closure__ or ()), *(x.__defaults__ or ()), *(x.__kwdefaults__ or {}).values()]
    return gc.get_referents(x)


def in_bytes(count: int) -> str:
    """A number of bytes in words.

    >>> in_bytes(512), in_bytes(817_392)
    ('512 bytes', '817 kB')
    """
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"
