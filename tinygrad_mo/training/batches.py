"""Where batches come from: arrays that are cut and shuffled, or anything that yields batches."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ..device import Array, to_numpy
from ..engine.graph import Tensor
from ..network.feeding import check_batch_size

Feed = dict[Tensor, Array]


class ArrayBatches:
    """Arrays, cut into batches; in a new order in each epoch if there is a shuffler.

    Parameters
    ----------
    data : dict of array, by the tensor to which it is fed
    batch_size : int
    shuffler : numpy.random.Generator, optional
    """

    def __init__(self, data: Feed, batch_size: int, shuffler: np.random.Generator | None = None):
        self.data, self.batch_size, self.shuffler = data, batch_size, shuffler
        self.samples = count(data)
        check_batch_size(batch_size)
        if self.samples < 1:
            raise ValueError("the data hold no samples")

    @property
    def steps(self) -> int | None:
        """Batches per epoch; None if nobody knows."""
        return -(-self.samples // self.batch_size)

    def epoch(self) -> Iterator[tuple[Feed, Any]]:
        """The batches of one epoch, each with what `words` needs to know of it."""
        everything = np.arange(self.samples)
        order = everything if self.shuffler is None else self.shuffler.permutation(self.samples)
        for start in range(0, self.samples, self.batch_size):
            rows = slice(start, start + self.batch_size)
            chosen = rows if self.shuffler is None else order[rows]
            yield {tensor: array[chosen] for tensor, array in self.data.items()}, order[rows]

    def start_at(self, epoch: int) -> None:
        """Go on after so many epochs: their batches come from the same arrays."""

    def identity(self) -> dict[str, Any]:
        """What makes the batches what they are."""
        return {
            "samples": self.samples,
            "batch_size": self.batch_size,
            "shuffle": self.shuffler is not None,
            "data": {tensor.name: checksum(array) for tensor, array in self.data.items()},
        }

    def words(self, rows: np.ndarray) -> str:
        """Where a batch comes from."""
        shown = ", ".join(map(str, rows[:40].tolist())) + (", ..." if len(rows) > 40 else "")
        return f"the rows of this batch are the samples {shown}"


class StreamBatches:
    """Batches as a generator, an iterable or a function that makes one yields them.

    Parameters
    ----------
    source : iterable, or function without arguments that returns one, or sequence of batches
        Of (x, y) or (x, y, sample_weight). A function is called for each epoch.
    label : function of x, y, sample_weight
        Makes them what is to be fed.
    steps_per_epoch : int, optional
        Default: until the source ends. With it, an iterable goes on in the next epoch where it was,
        and begins anew when it has ended.
    """

    samples = None

    def __init__(self, source: Any, label: Callable[..., Feed], steps_per_epoch: int | None):
        self.source, self.label, self.limit = source, label, steps_per_epoch
        if steps_per_epoch is not None and (
            not isinstance(steps_per_epoch, int | np.integer) or steps_per_epoch < 1
        ):
            raise ValueError(
                f"the number of steps must be a whole number from 1 up, not {steps_per_epoch!r}"
            )
        self._running: Iterator[Any] | None = None
        self._fresh = False  # has nothing been taken from `_running` yet?

    @property
    def steps(self) -> int | None:
        """Batches per epoch; None if nobody knows."""
        return self.limit or (len(self.source) if hasattr(self.source, "__len__") else None)

    def epoch(self) -> Iterator[tuple[Feed, Any]]:
        """The batches of one epoch, each with what `words` needs to know of it."""
        done = 0
        for done, item in enumerate(self._items(), start=1):
            if not isinstance(item, tuple) or len(item) not in (2, 3):
                raise TypeError(
                    f"batch {done} must be a tuple (x, y) or (x, y, sample_weight), not "
                    f"{type(item).__name__}"
                )
            yield self.label(*item), done
            if done == self.limit:
                return
        if not done or (self.limit and done < self.limit):
            raise ValueError(
                f"the source ended after {done} batches of this epoch. A generator can be gone "
                f"through once: give a function that makes a new one, or fewer steps_per_epoch"
            )

    def _items(self) -> Iterator[Any]:
        """The batches from here on: of one epoch, or, with a limit, as long as there are any."""
        if callable(self.source) or not self.limit or self._running is None:
            self._begin()
        while True:
            for item in self._running or ():
                self._fresh = False
                yield item
            if not self.limit or self._fresh or self._is_gone:
                return
            self._begin()

    def _begin(self) -> None:
        source = self.source() if callable(self.source) else self.source
        self._is_gone = isinstance(source, Iterator)  # it cannot begin anew
        if hasattr(source, "__iter__"):
            self._running = iter(source)
        else:
            self._running = (source[i] for i in range(len(source)))
        self._fresh = True

    def start_at(self, epoch: int) -> None:
        """Go on after so many epochs: pass over the batches that they have taken."""
        if self.limit and not callable(self.source):
            items = self._items()
            for _ in range(epoch * self.limit):
                next(items, None)

    def identity(self) -> dict[str, Any]:
        """What makes the batches what they are, as far as one can know."""
        return {"batches": self.steps}

    def words(self, number: int) -> str:
        """Where a batch comes from."""
        return f"this is batch {number} of the epoch"


Batches = ArrayBatches | StreamBatches


def is_stream(x: Any) -> bool:
    """Does x yield batches, instead of being the data?"""
    if isinstance(x, list | tuple | Mapping | str) or hasattr(x, "__array__"):
        return False
    is_sequence = hasattr(x, "__getitem__") and hasattr(x, "__len__")
    return callable(x) or hasattr(x, "__iter__") or is_sequence


def checksum(array: Array) -> int:
    """Of the numbers in an array: other numbers have another one, almost surely."""
    return zlib.crc32(np.ascontiguousarray(to_numpy(array)).data)


def count(data: Mapping[Any, Array]) -> int:
    return len(next(iter(data.values())))


def split(data: Feed, share: float, groups: Any = None) -> tuple[Feed, Feed]:
    """The first samples and the last ones, which are the given share.

    With `groups`, one number or name per sample, the samples of a group stay together: the last
    groups are held back, as many whole ones as fit into the share, and at least one.
    """
    size = count(data)
    late = np.arange(size) >= size - int(size * share + 1e-9)  # .29 * 100 is 28.999 ...
    if groups is not None:
        late = in_last_groups(np.asarray(groups), share, size)
    if late.all() or not late.any():
        raise ValueError(
            f"validation_split={share} of {size} samples leaves one part empty: it is a share, "
            f"between 0 and 1"
        )
    return {t: a[~late] for t, a in data.items()}, {t: a[late] for t, a in data.items()}


def in_last_groups(groups: np.ndarray, share: float, size: int) -> np.ndarray:
    if groups.shape != (size,):
        raise ValueError(f"groups has shape {groups.shape}, expected ({size},): one per sample")
    if share <= 0:
        raise ValueError("groups says what stays together: give validation_split, too")
    late = np.zeros(size, bool)
    for name in list(dict.fromkeys(groups.tolist()))[::-1]:
        more = late | (groups == name)
        if late.any() and more.sum() > share * size + 1e-9:
            break
        late = more
    return late
