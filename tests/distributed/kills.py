"""Trainings of which a rank is killed, and which go on from their backup.

``python kills.py FOLDER [--count 20] [--ranks 2] [--seed 0]`` kills so many, each time a random
rank at a random moment, runs each again, and prints what was said of its death, and whether its
History, log and best model are, byte by byte, those of a training that nobody has killed.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from tinygrad_mo.distributed.starting import launcher

WAIT = 0.05  # seconds after each step of one that shall be killed
LASTS = 16 * WAIT  # from the first step on
PROGRAM = """
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


def command(folder, ranks, wait=0.0):
    folder.mkdir(exist_ok=True)
    program = folder / "program.py"
    program.write_text(PROGRAM, "utf-8")
    return [launcher(), "-n", str(ranks), sys.executable, str(program), str(folder), str(wait)]


def trained(folder, ranks):
    """What a training leaves that runs, or goes on, to its end."""
    run = subprocess.run(command(folder, ranks), capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("Epoch 4/4") == 1 and not (folder / "backup").exists()
    history = json.loads((folder / "history.json").read_text())
    return history, (folder / "log.csv").read_bytes(), (folder / "best.tg").read_bytes()


def cut(folder, ranks, random):
    """What is said when a random rank is killed at a random moment after its first backup."""
    rank, after = int(random.integers(ranks)), random.uniform(0, 0.8 * LASTS)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command(folder, ranks, WAIT), text=True, **pipes) as running:
        end = time.monotonic() + 60
        while not (folder / "backup").exists() and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(after)
        os.kill(int((folder / f"process{rank}").read_text()), signal.SIGKILL)
        _, told = running.communicate(timeout=60)
    assert running.returncode != 0
    return told


def nearly(found, whole):
    """Is one History the other but for rounding?"""
    pairs = [(found[0][name], values) for name, values in whole[0].items()]
    return all(np.allclose(one, other, rtol=1e-4, equal_nan=True) for one, other in pairs)


def main(given):
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=Path)
    options.add_argument("--count", type=int, default=20)
    options.add_argument("--ranks", type=int, default=2)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args(given)
    random, same = np.random.default_rng(chosen.seed), 0
    chosen.folder.mkdir(exist_ok=True)
    whole = trained(chosen.folder / "whole", chosen.ranks)
    for n in range(chosen.count):
        folder = chosen.folder / f"cut{n}"
        told = cut(folder, chosen.ranks, random)
        lines = [line for line in told.splitlines() if "died" in line]
        is_same = trained(folder, chosen.ranks) == whole
        same += is_same
        print(f"{n + 1}: {'; '.join(lines)}: {'the same' if is_same else 'ANOTHER'}", flush=True)
    print(f"{same} of {chosen.count} the same")


if __name__ == "__main__":
    main(sys.argv[1:])
