"""Where batches come from: arrays that are cut and shuffled, or anything that yields batches."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import arguments
from ..device import Array, on_device, to_numpy
from ..engine.graph import Tensor
from ..files.code import checksum
from ..network.feeding import check_batch_size

Feed = dict[Tensor, Array]


class ArrayBatches:
    """Arrays, cut into batches; in a new order in each epoch if there is a shuffler.

    Parameters
    ----------
    data : dict of array, by the tensor to which it is fed
    batch_size : int
    shuffler : numpy.random.Generator, optional
    numbers : array of int, optional
        What the samples are called: their places in what the user gave. Default: from 0 on.
    """

    def __init__(
        self,
        data: Feed,
        batch_size: int,
        shuffler: np.random.Generator | None = None,
        numbers: np.ndarray | None = None,
    ):
        self.data, self.batch_size, self.shuffler = data, batch_size, shuffler
        self.samples = count(data)
        self.numbers = np.arange(self.samples) if numbers is None else numbers
        check_batch_size(batch_size)
        if self.samples < 1:
            raise ValueError("the data hold no samples")

    @property
    def steps(self) -> int | None:
        """Batches per epoch; None if nobody knows."""
        return -(-self.samples // self.batch_size)

    @property
    def smallest(self) -> int | None:
        """Samples in the smallest batch; None if nobody knows."""
        return self.samples % self.batch_size or min(self.samples, self.batch_size)

    def epoch(self) -> Iterator[tuple[Feed, Any]]:
        """The batches of one epoch, each with what `words` needs to know of it."""
        order = None if self.shuffler is None else self.shuffler.permutation(self.samples)
        order_there = None if order is None else on_device(order)  # sent once for all batches
        for start in range(0, self.samples, self.batch_size):
            rows = slice(start, start + self.batch_size)
            chosen = rows if order_there is None else order_there[rows]
            feed = {tensor: array[chosen] for tensor, array in self.data.items()}
            yield feed, rows if order is None else order[rows]

    def pass_over(self, epochs: int) -> None:
        """Go on after so many epochs: their batches come from the same arrays."""

    def identity(self) -> dict[str, Any]:
        """What makes the batches what they are."""
        arrays = {t.name: np.ascontiguousarray(to_numpy(x)) for t, x in self.data.items()}
        return {
            "samples": self.samples,
            "batch_size": self.batch_size,
            "shuffle": self.shuffler is not None,
            "data": {name: checksum(array.data) for name, array in arrays.items()},
        }

    def words(self, rows: Any) -> str:
        """Where a batch comes from."""
        numbers = self.numbers[rows]
        shown = ", ".join(map(str, numbers[:40].tolist())) + (", ..." if len(numbers) > 40 else "")
        return f"the rows of this batch are the samples {shown}"


class StreamBatches:
    """Batches as a generator, an iterable or a function that makes one yields them.

    Parameters
    ----------
    source : iterable, or function without arguments that returns one, or sequence of batches
        Of (x, y) or (x, y, sample_weight). A function is called for each epoch. A sequence may have
        a method `on_epoch_end`, as in Keras.
    label : function of x, y, sample_weight
        Makes them what is to be fed.
    steps : int, optional
        Batches per epoch. Default: until the source ends. With it, an iterable goes on in the next
        epoch where it was, and begins anew when it has ended.
    option : str
        What the user calls `steps`.
    """

    samples = None

    def __init__(
        self, source: Any, label: Callable[..., Feed], steps: int | None, option: str = "steps"
    ):
        self.source, self.label, self.option = source, label, option
        self.limit = None if steps is None else arguments.whole(option, steps, at_least=1)
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
                    f"{kind_of(item)}"
                )
            with noted(self.words(done)):
                feed = self.label(*item)
            yield feed, done
            if done == self.limit:
                break
        if not done or (self.limit and done < self.limit):
            fewer = f", or fewer {self.option}" if self.limit else ""
            raise ValueError(
                f"the source ended after {done} batches of this epoch. A generator can be gone "
                f"through once: give a function that makes a new one{fewer}"
            )
        self.end_epoch()

    def end_epoch(self) -> None:
        """Tell a source that wants to know, as one that draws a new order."""
        if hasattr(self.source, "on_epoch_end"):
            self.source.on_epoch_end()

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
        if not yields(source):
            raise TypeError(
                f"a function without arguments must return an iterable of batches (x, y), not "
                f"{kind_of(source)}"
            )
        self._is_gone = isinstance(source, Iterator)  # it cannot begin anew
        if hasattr(source, "__iter__"):
            self._running = iter(source)
        else:
            self._running = (source[i] for i in range(len(source)))
        self._fresh = True

    def pass_over(self, epochs: int) -> None:
        """Go on after so many epochs: pass over the batches that they have taken."""
        if self.limit and not callable(self.source):
            items = self._items()
            for _ in range(epochs * self.limit):
                next(items, None)
        for _ in range(epochs):
            self.end_epoch()

    @property
    def smallest(self) -> int | None:
        """Nobody knows before the batches come."""
        return None

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
    return callable(x) or yields(x)


def yields(x: Any) -> bool:
    """Can one go through it? A sequence of Keras has a length and places alone."""
    return hasattr(x, "__iter__") or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))


def refuse_list_of_batches(what: str, x: Any) -> None:
    """A list is the data; batches are told from it by a function that returns them."""
    is_list = isinstance(x, list) and bool(x)
    if is_list and all(isinstance(one, tuple) and len(one) in (2, 3) for one in x):
        raise TypeError(
            f"{what} is a list of tuples, which could be the data of several inputs: if they are "
            f"batches (x, y), write {what}=lambda: batches"
        )


def kind_of(given: Any) -> str:
    """What was given instead of a tuple of two or three.

    >>> kind_of((1, 2, 3, 4)), kind_of({})
    ('a tuple of 4', 'dict')
    """
    kind = type(given).__name__
    return f"a {kind} of {len(given)}" if isinstance(given, list | tuple) else kind


@contextmanager
def noted(words: str) -> Iterator[None]:
    """Add a note to an error that comes up within."""
    try:
        yield
    except Exception as error:
        error.add_note(words)
        raise


def count(data: Mapping[Any, Array]) -> int:
    return len(next(iter(data.values())))


def held_back(size: int, share: float, groups: Any = None) -> np.ndarray:
    """Which of so many samples are held back: the last ones, which are the given share.

    With `groups`, one number or name per sample, the samples of a group stay together: the last
    groups are held back, as many whole ones as fit into the share, and at least one.
    """
    late = np.arange(size) >= size - int(size * share + 1e-9)  # .29 * 100 is 28.999 ...
    if groups is not None:
        late = in_last_groups(as_groups(groups), share, size)
    if late.all() or not late.any():
        hint = (
            "train on: give a smaller share" if late.all() else "validate on: give a larger share"
        )
        raise ValueError(
            f"validation_split={share} of {size} samples leaves one part empty, that to {hint}"
        )
    return late


def as_groups(given: Any) -> np.ndarray:
    """The group of each sample: numbers or names."""
    try:
        groups = np.asarray(given)
    except ValueError:  # rows that differ in length
        groups = np.array([{}])
    if groups.dtype.kind == "O" and not all(isinstance(one, Hashable) for one in groups.flat):
        raise TypeError(f"groups: one number or name per sample, not {arguments.shown(given)}")
    return groups


def in_last_groups(groups: np.ndarray, share: float, size: int) -> np.ndarray:
    if groups.shape != (size,):
        raise ValueError(f"groups has shape {groups.shape}, expected ({size},): one per sample")
    if share <= 0:
        raise ValueError("groups says what stays together: give validation_split, too")
    if (groups != groups).any():  # NaN: nothing is equal to it
        number = int((groups != groups).argmax())
        raise ValueError(f"groups: that of sample {number} is NaN: name the group of each sample")
    names = list(dict.fromkeys(groups.tolist()))
    if len(names) == 1:
        raise ValueError(
            f"groups: all {size} samples are of the group {names[0]!r}, which stays together, so "
            f"that nothing can be held back: leave groups, or give validation_data"
        )
    late = np.zeros(size, bool)
    for name in names[::-1]:
        more = late | (groups == name)
        if late.any() and more.sum() > share * size + 1e-9:
            break
        late = more
    return late
