"""What ranks tell one another, with threads in the place of processes: no MPI is needed."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from tinygrad_mo.distributed.batches import PartOfDraws
from tinygrad_mo.distributed.gradients import summed
from tinygrad_mo.distributed.moving import SMALL, Ranks
from tinygrad_mo.ops import SparseGradient


class Done:
    def Test(self):
        return True


class World:
    """What mpi4py's communicator is to `Ranks`."""

    def __init__(self, rank, shared, barrier):
        self.rank, self.shared, self.barrier = rank, shared, barrier

    def Get_rank(self):
        return self.rank

    def Get_size(self):
        return len(self.shared)

    def _move(self, x, chosen, found):
        self.shared[self.rank] = x
        self.barrier.wait(10)
        for n, one in enumerate(self.shared):
            found[n] = chosen(one)
        self.barrier.wait(10)
        return Done()

    def Dup(self):
        return self

    def allgather(self, x):
        found = np.empty(len(self.shared), object)
        self._move(x, lambda one: one, found)
        return found.tolist()

    def Iallgather(self, x, found):
        return self._move(x, lambda one: one, found)

    def Ialltoall(self, x, found):
        return self._move(x, lambda one: one[self.rank], found)


def on_ranks(count, work):
    """What ``work(ranks)`` returns on each of so many."""
    shared, barrier = [None] * count, Barrier(count)
    with ThreadPoolExecutor(count) as pool:
        each = [Ranks(World(rank, shared, barrier)) for rank in range(count)]
        return list(pool.map(work, each))


@pytest.mark.parametrize("size", [0, 1, 7, SMALL - 1, SMALL, SMALL + 5])
def test_a_sum_is_made_from_rank_0_on_whichever_way_it_takes(size):
    def numbers(rank):
        return np.random.default_rng(rank).normal(size=size).astype("float32")

    def among_others(ranks):
        wide = np.ones((2, 3))
        return ranks.totals([wide, numbers(ranks.rank), wide])[1]

    expected = numbers(0) + numbers(1) + numbers(2)
    for way in (lambda ranks: ranks.total(numbers(ranks.rank)), among_others):
        assert all(x.tobytes() == expected.tobytes() for x in on_ranks(3, way))


def test_rows_come_in_the_order_of_the_ranks_also_none():
    lengths = [2, 0, 1]

    def gathered(ranks):
        return ranks.gathered(np.full((lengths[ranks.rank], 2), ranks.rank > 0), lengths)

    expected = [[False, False], [False, False], [True, True]]
    assert [x.tolist() for x in on_ranks(3, gathered)] == [expected] * 3


def test_gradients_of_all_kinds_are_added_up_and_no_path_stays_no_path():
    def found(ranks):
        ids = np.array([[1, 3], [3, 0]][ranks.rank])
        table = SparseGradient(ids, np.ones((1, 2, 2)), 5)
        mine = {"a": np.full((1, 3), 1.0), "b": None, "c": np.ones((1, 2), "float32"), "t": table}
        return summed(ranks, mine)

    for total in on_ranks(2, found):
        assert total["a"].tolist() == [[2.0, 2.0, 2.0]] and total["b"] is None
        assert total["c"].dtype == "float32" and total["c"].tolist() == [[2.0, 2.0]]
        assert isinstance(total["t"], SparseGradient)
        assert total["t"].dense()[0, :, 0].tolist() == [1.0, 1.0, 0.0, 2.0, 0.0]


def test_ranks_draw_what_one_process_draws():
    whole = np.random.default_rng(0)
    expected = [whole.random((5, 2)), whole.normal(0, 2, (5, 3)), whole.integers(0, 9, size=(5,))]
    parts = []
    for rows in (slice(0, 2), slice(2, 2), slice(2, 5)):
        part, n = PartOfDraws(np.random.default_rng(0), 5, rows), rows.stop - rows.start
        parts.append(
            [part.random((n, 2)), part.normal(0, 2, (n, 3)), part.integers(0, 9, size=(n,))]
        )
    for mine, all_of_it in zip(zip(*parts, strict=True), expected, strict=True):
        assert np.array_equal(np.concatenate(mine), all_of_it)


def test_a_draw_that_is_not_for_the_samples_is_refused():
    part = PartOfDraws(np.random.default_rng(0), 5, slice(0, 2))
    with pytest.raises(ValueError, match="permutation draws for a part of a batch here, 2 of 5"):
        part.permutation(2)


@pytest.mark.parametrize(
    ("doing", "told", "message"),
    [
        (
            ["at the start of fit", ""],
            [{}, {}],
            "rank 0 is at the start of fit before its first step, and rank 1 is before its first "
            "step. Each process",
        ),
        (["", ""], [{"epochs": 3}, {"epochs": 5}], "differ in epochs 3 on rank 0, 5 on rank 1. E"),
        (["", ""], [{"x": {"a": "#1", "b": "#2"}}, {"x": {"a": "#1", "b": "#3"}}], "in x: b. Each"),
    ],
)
def test_ranks_that_do_not_do_the_same_are_told(doing, told, message):
    def met(ranks):
        with pytest.raises(ValueError) as error:
            ranks.agree(doing[ranks.rank], told[ranks.rank])
        return str(error.value)

    one, other = on_ranks(2, met)
    assert one == other and message in one


def test_the_first_word_counts_where_all_else_is_the_same():
    words = [[None, None, None], [False, "enough", True]]

    def met(ranks):
        return [ranks.agree("", {"batch": 3}, each[ranks.rank]) for each in words]

    assert on_ranks(3, met) == [[None, "enough"]] * 3
