"""Trainings on several processes, which `mpiexec` starts; skipped where there is no MPI."""

import pickle
import re
import sys

import kills
import numpy as np
import pytest
import scenarios

from tinygrad_mo.cli import main

pytestmark = pytest.mark.slow
OF_FOUR = ["masks_and_draws", "few_samples", "judged"]
ON_THE_DOUBLE = ["masks_and_draws", "few_samples", "stepped"]
WRONG = """
import numpy as np, tinygrad_mo as tg
from tinygrad_mo.distributed import moving
tg.distributed.init()
x = tg.Input((2,), dtype="int32", name="ids")
h = tg.layers.Flatten()(tg.layers.Embedding(10, 3)(x))
model = tg.Model(x, tg.layers.Dense(1, name="y")(h))
model.compile("sgd", "mse")
ids = np.zeros((16, 2), int)
ids[15] = 10  # on the last rank, in step 2
model.fit(ids, np.zeros((16, 1)), batch_size=8, shuffle=False, verbose=0)
"""
CAUGHT = (
    WRONG.replace("model.fit", "moving.LOST = 0.2\ntry: model.fit")
    + """
except IndexError: pass
"""
)
LEFT = """
import sys, time
import numpy as np, tinygrad_mo as tg
from tinygrad_mo.distributed import moving
moving.LOST = moving.PATIENCE = 0.2
tg.distributed.init()

def leave(step, logs):
    if tg.distributed.rank() and step == 2:
        time.sleep(0.5)
        sys.exit()

x = tg.Input((2,), name="x")
model = tg.Model(x, tg.layers.Dense(1, name="y")(x))
model.compile("sgd", "mse")
ends = tg.callbacks.LambdaCallback(on_train_batch_end=leave)
model.fit(np.zeros((20, 2)), np.zeros((20, 1)), batch_size=4, verbose=0, callbacks=[ends])
"""


@pytest.mark.parametrize(
    ("ranks", "where", "names"),
    [
        (2, "numpy", []),
        pytest.param(2, "numpy", ["balanced_by_all"], marks=pytest.mark.exhaustive),
        pytest.param(4, "numpy", OF_FOUR, marks=pytest.mark.exhaustive),
        pytest.param(2, "double", ON_THE_DOUBLE, marks=pytest.mark.exhaustive),
    ],
)
def test_several_processes_find_what_one_finds(mpi, tmp_path, ranks, where, names):
    run = mpi(ranks, "-W", "error", scenarios.__file__, tmp_path / "found", where, *names)
    assert run.returncode == 0, run.stderr
    result, differ = pickle.loads((tmp_path / "found").read_bytes())
    assert differ == set()
    refused = {one.__name__ for one in scenarios.REFUSED} & result.keys()
    assert [result.pop(name) for name in refused] == [{"refused": 1}] * (0 if names else 4)
    alone = scenarios.found(result)
    gaps = {name: scenarios.largest_gap(result[name], alone[name]) for name in result}
    assert max(gaps.values()) < 1e-12, gaps


@pytest.mark.skipif(sys.platform != "linux", reason="who was killed is seen on Linux alone")
@pytest.mark.parametrize("goes_on", [2, pytest.param(3, marks=pytest.mark.exhaustive)])
def test_a_rank_that_is_killed_ends_all_and_nothing_is_lost(mpi, tmp_path, goes_on):
    whole = kills.trained(tmp_path / "whole", 2)
    told = kills.cut(tmp_path / "cut", 2, np.random.default_rng(0))
    assert re.search(r"rank [01] \(process \d+\).* died in step \d+ of this run", told), told
    found = kills.trained(tmp_path / "cut", goes_on)
    assert kills.nearly(found, whole) and (goes_on != 2 or found == whole)


def test_an_error_of_one_rank_ends_all_and_says_where(mpi, program):
    run = mpi(2, program(WRONG))
    assert run.returncode != 0
    assert (
        "in step 1 of the training; the rows of this batch are the samples 8, 9, 10" in run.stderr
    )
    assert "rank 1 of 2 ended in step 2 of this run, and all others with it" in run.stderr


@pytest.mark.exhaustive
def test_an_error_that_one_rank_catches_ends_all(mpi, program):
    run = mpi(2, program(CAUGHT))
    assert run.returncode != 0
    assert "rank 0 waits in step 2 of this run for a rank that has gone on from there" in run.stderr


def test_a_rank_that_ends_alone_ends_all_and_it_is_said_where(mpi, program):
    run = mpi(2, program(LEFT))
    assert run.returncode != 0
    assert "rank 0 has waited 0 s after step 3 of this run for the others" in run.stderr
    assert (
        "rank 0 is after step 3 of this run, and rank 1 is at the end of its program after step 3 "
        "of this run" in run.stderr
    )


def test_the_command_trains_in_processes_and_one_of_them_speaks(mpi, tmp_path, capfd):
    assert main(["train", "price", "--epochs", "1", "--out", str(tmp_path), "--ranks", "2"]) == 0
    assert capfd.readouterr().out.count("Epoch 1/1") == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["price.html", "price.png"]
