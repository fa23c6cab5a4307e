"""Trainings on several processes, which `mpiexec` starts; skipped where there is no MPI."""

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import scenarios

from tinygrad_mo.cli import main
from tinygrad_mo.distributed import starting

pytestmark = pytest.mark.slow
OF_FOUR = ["masks_and_draws", "few_samples", "judged"]
ON_THE_DOUBLE = ["masks_and_draws", "few_samples", "stepped"]
TRAINED = """
import json, os, sys, time
import numpy as np
import tinygrad_mo as tg

tg.distributed.init()
tg.set_random_seed(0)
x = tg.Input((8,), name="x")
h = tg.layers.Dropout(0.3)(tg.layers.Dense(16, activation="relu")(x))
h = tg.layers.BatchNormalization()(h)
model = tg.Model(x, [tg.layers.Dense(1, name=name)(h) for name in "ab"])
model.compile("adam", "mse", metrics={"a": "mae"}, loss_weights="pcgrad")
data = np.random.default_rng(0).normal(size=(60, 8))
folder, wait = sys.argv[1], float(sys.argv[2])
with open(f"{folder}/process{tg.distributed.rank()}", "w") as file:
    file.write(str(os.getpid()))
watching = [
    tg.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: time.sleep(wait)),
    tg.callbacks.BackupAndRestore(f"{folder}/backup", every=3),
    tg.callbacks.CSVLogger(f"{folder}/log.csv"),
    tg.callbacks.ModelCheckpoint(f"{folder}/best.tg", save_best_only=True),
]
y = [data[:, :1] ** 2, data[:, 1:2]]
history = model.fit(
    data, y, epochs=4, batch_size=16, validation_split=0.1, callbacks=watching, verbose=2
)
if not tg.distributed.rank():
    with open(f"{folder}/history.json", "w") as file:
        json.dump(history.history, file)
"""
APART = """
import numpy as np
import tinygrad_mo as tg

tg.distributed.init()
rank = tg.distributed.rank()
tg.set_random_seed(0)
x = tg.Input((3,))
m = tg.Model(x, tg.layers.Dense(1)(x))
m.compile(tg.optimizers.SGD(np.broadcast_to({rate}, 2)[rank]), "mse")
m.fit(np.ones((8, 3)), np.ones(8), batch_size=4, verbose=0)
{meanwhile}
m.fit(np.ones((8, 3)), np.ones(8), batch_size=4, verbose=0)
print("end")
"""

WRONG = """
import numpy as np, tinygrad_mo as tg
tg.distributed.init()
x = tg.Input((2,), dtype="int32", name="ids")
h = tg.layers.Flatten()(tg.layers.Embedding(10, 3)(x))
model = tg.Model(x, tg.layers.Dense(1, name="y")(h))
model.compile("sgd", "mse")
ids = np.zeros((16, 2), int)
ids[15] = 10  # on the last rank, in step 2
model.fit(ids, np.zeros((16, 1)), batch_size=8, shuffle=False, verbose=0)
"""
ALONE = """
import numpy as np, tinygrad_mo as tg
from tinygrad_mo.distributed import moving
moving.PATIENCE = 0.5
tg.distributed.init()
x = tg.Input((2,), name="x")
model = tg.Model(x, tg.layers.Dense(1, name="y")(x))
model.compile("sgd", "mse")
if tg.distributed.rank():
    model.evaluate(np.zeros((4, 2)), np.zeros((4, 1)))
else:
    import time
    time.sleep(1.5)
    raise RuntimeError("rank 0 has other plans")
"""


@pytest.mark.parametrize(
    ("ranks", "where", "names"),
    [(2, "numpy", []), (4, "numpy", OF_FOUR), (2, "double", ON_THE_DOUBLE)],
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


def history(folder):
    return json.loads((folder / "history.json").read_text())


def process_of(rank, folder):
    """The process of a rank, as soon as its second backup is written."""
    seen, end = set(), time.monotonic() + 60
    while len(seen) < 3 and time.monotonic() < end:
        file = folder / "backup"
        seen.add(file.stat().st_mtime_ns if file.exists() else 0)
        time.sleep(0.01)
    return int((folder / f"process{rank}").read_text())


@pytest.mark.skipif(sys.platform != "linux", reason="who was killed is seen on Linux alone")
def test_a_rank_that_is_killed_ends_all_and_nothing_is_lost(mpi, tmp_path, program):
    """The training goes on where it was, on two ranks, and, from a copy, on three."""
    path, whole, cut = program(TRAINED), tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    run = mpi(2, path, whole, 0)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("Epoch 4/4") == 1
    start = [starting.launcher(), "-n", "2", sys.executable, str(path), str(cut), "0.05"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(start, text=True, **pipes) as running:
        os.kill(process_of(1, cut), signal.SIGKILL)
        _, told = running.communicate(timeout=60)
    assert running.returncode != 0
    assert re.search(r"rank [01] \(process \d+\).* died in step \d+ of this run", told), told
    backup, log = (cut / "backup").read_bytes(), (cut / "log.csv").read_bytes()
    assert mpi(2, path, cut, 0).returncode == 0
    assert history(cut) == history(whole)
    assert (cut / "log.csv").read_bytes() == (whole / "log.csv").read_bytes()
    assert not (cut / "backup").exists()
    (cut / "backup").write_bytes(backup)
    (cut / "log.csv").write_bytes(log)
    run = mpi(3, path, cut, 0)
    assert run.returncode == 0, run.stderr
    for name, values in history(whole).items():
        assert np.allclose(history(cut)[name], values, rtol=1e-4, equal_nan=True), name


def test_an_error_of_one_rank_ends_all_and_says_where(mpi, program):
    run = mpi(2, program(WRONG))
    assert run.returncode != 0
    assert (
        "in step 1 of the training; the rows of this batch are the samples 8, 9, 10" in run.stderr
    )
    assert "rank 1 of 2 ended in step 2 of this run, and all others with it" in run.stderr


@pytest.mark.parametrize(
    ("rate", "meanwhile"),
    [(0.1, "rank or m.set_weights([w + 1 for w in m.get_weights()])"), ([0.1, 0.01], "None")],
    ids=["set on one rank", "two learning rates"],
)
def test_ranks_whose_weights_have_become_different_are_told(mpi, program, rate, meanwhile):
    run = mpi(2, program(APART.format(rate=rate, meanwhile=meanwhile)))
    assert run.returncode != 0 and "end" not in run.stdout.split()
    assert "ranks 0 and 1 have different weights" in run.stderr


def test_a_rank_that_waits_in_vain_says_so(mpi, program):
    run = mpi(2, program(ALONE))
    assert "rank 1 has waited 0 s in an evaluation for the others: does every rank" in run.stderr


def test_the_command_trains_in_processes_and_one_of_them_speaks(mpi, tmp_path, monkeypatch, capfd):
    options = ["train", "price", "--epochs", "1", "--out", str(tmp_path)]
    assert main([*options, "--ranks", "2"]) == 0
    shared = capfd.readouterr().out
    assert main(options) == 0
    alone = capfd.readouterr().out
    assert shared.count("Epoch 1/1") == alone.count("Epoch 1/1") == 1
    line = next(line for line in alone.splitlines() if line.startswith("Epoch"))
    assert line in shared
    assert sorted(file.name for file in tmp_path.iterdir()) == ["price.html", "price.png"]
