"""A batch in the hands of callbacks: they read it, and may put other arrays in the place of its."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..callbacks.base import Callback
from ..device import Array, lock, on_device
from ..network.feeding import as_numbers, counted, fits
from ..ops.contract import check_holds
from .batches import Feed


def takers(listeners: Sequence[Callback]) -> list[Callback]:
    """The callbacks that are told of a batch: those that have something to do then."""
    nothing = Callback.on_train_batch_begin
    return [
        one
        for one in listeners
        if getattr(one.on_train_batch_begin, "__func__", None) is not nothing
    ]


def handed_round(step: int, feed: Feed, listeners: Sequence[Callback]) -> Feed:
    """The batch that callbacks leave for a step.

    What they are given refers to the data of the user, or to a copy that the next epoch reads, too:
    so it refuses to be written into.
    """
    shown = {tensor: read_only(array) for tensor, array in feed.items()}
    for one in listeners:
        left = dict(shown)
        try:
            one.on_train_batch_begin(step, left)
        except ValueError as error:
            if "read-only" in str(error):
                error.add_note(
                    "the arrays of a batch are views of the data, which stay as they are: put a "
                    "new one in the place, as in batch[tensor] = 0.9 * batch[tensor]"
                )
            raise
        shown = taken_back(type(one).__name__, shown, left)
    return shown


def read_only(array: Array) -> Array:
    """A view that refuses to be written into; on a GPU, which knows no such thing, a copy."""
    if not isinstance(array, np.ndarray):
        return array.copy()
    view = array.view()
    lock(view)
    return view


def taken_back(who: str, given: Feed, left: Feed) -> Feed:
    """The batch as a callback has left it, checked where it has put something new."""
    if given.keys() != left.keys():
        names, found = (", ".join(getattr(t, "name", str(t)) for t in x) for x in (given, left))
        raise ValueError(
            f"{who}: a batch has arrays for {names}, and was left with those for "
            f"{found or 'nothing'}: put new arrays in their places, and take none away"
        )
    new = {tensor for tensor in given if left[tensor] is not given[tensor]}
    if not new:
        return given
    feed = dict(given)
    for tensor in new:
        what = f"{who}: batch[{tensor.name!r}]"
        array = as_numbers(what, left[tensor])
        if array.ndim != len(tensor.shape) or not fits(array, tensor):
            raise ValueError(f"{what}: shape {array.shape}, expected {tensor.shape}")
        check_holds(what, array, tensor.dtype)
        feed[tensor] = on_device(array.astype(tensor.dtype))
    lengths = {tensor.name: len(array) for tensor, array in feed.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{who}: a batch of different numbers of samples: {counted(lengths)}")
    return feed
