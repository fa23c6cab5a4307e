"""Disks that are full, programs that are killed, and what must not matter: the order of hashes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers

resource = pytest.importorskip("resource", reason="limits of a process are of Unix")

MODEL = """
import signal, sys
import numpy as np
import tinygrad_mo as tg
from tinygrad_mo import layers

tg.set_random_seed(0)
x = tg.Input((3,), name="x")
h = layers.Dense(8, "tanh", name="trunk")(x)
model = tg.Model(x, [layers.Dense(1, name=name)(h) for name in ("a", "b")])
model.compile("adam", "mse", loss_weights="gradnorm", metrics=["mae"])
data = np.random.default_rng(0).normal(size=(8, 3))
labels = [data[:, :1], data[:, 1:2]]
class Stop(tg.callbacks.Callback):
    phase = "keep"
    def on_epoch_end(self, epoch, logs):
        if epoch == 1:
            raise KeyboardInterrupt
"""

WRITE = """
backup = tg.callbacks.BackupAndRestore("backup.tg", 1)
others = [tg.callbacks.EarlyStopping("a_loss", patience=3), tg.FlowRecorder()]
try:
    model.fit(data, labels, batch_size=4, epochs=3, verbose=0, callbacks=[backup, *others, Stop()])
except KeyboardInterrupt:
    pass
model.save("model.tg")
model.save_weights("weights.tg")
flow = model.gradient_flow(data, labels)
flow.save("flow.flow")
flow.save("flow.html")
"""


def run(program, folder, **environment):
    found = subprocess.run(
        [sys.executable, "-c", MODEL + program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(tg.__file__).parents[1]), **environment},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.mark.medium
def test_files_do_not_depend_on_the_order_of_hashes_or_on_the_time(tmp_path):
    written = []
    for seed in ("1", "2"):
        (tmp_path / seed).mkdir()
        run(WRITE, tmp_path / seed, PYTHONHASHSEED=seed)
        written.append({one.name: one.read_bytes() for one in (tmp_path / seed).iterdir()})
    assert written[0].keys() == {"backup.tg", "model.tg", "weights.tg", "flow.flow", "flow.html"}
    for name, content in written[0].items():
        assert content == written[1][name], name


FULL = """
import os, resource
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log, backup = tg.callbacks.CSVLogger("log.csv"), tg.callbacks.BackupAndRestore("backup.tg")
def refused(write):
    before = {name: open(name, "rb").read() for name in os.listdir(".")}
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, -1))  # bytes that a file may have
    try:
        write()
    except OSError as error:
        print(error.strerror, error.__notes__)
    resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
    assert before == {name: open(name, "rb").read() for name in os.listdir(".")}
model.fit(data, labels, epochs=2, verbose=0, callbacks=[log])
flow = model.gradient_flow(data, labels)
for name in ("model.tg", "weights.tg", "flow.flow", "flow.html", "flow.png"):
    write = {"m": model.save, "w": model.save_weights}.get(name[0], flow.save)
    write = flow.figure if name.endswith("png") else write
    write(name)
    refused(lambda: write(name))
def again():
    model.fit(data, labels, epochs=2, verbose=0, callbacks=[backup])
refused(again)
"""


@pytest.mark.medium
def test_a_full_disk_leaves_every_file_as_it_was(tmp_path):
    said = run(FULL, tmp_path, MPLBACKEND="agg").splitlines()
    names = ["model.tg", "weights.tg", "flow.flow", "flow.html", "flow.png", "backup.tg"]
    assert len(said) == len(names)
    for name, line in zip(names, said, strict=True):
        assert f"{name} was not written; what was there before is unchanged" in line


LOG = """
import os, resource
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
class Fills(tg.callbacks.Callback):
    def on_epoch_begin(self, epoch):
        if epoch == 3:
            self.size = os.path.getsize("log.csv")
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.size + 7, -1))
fills = Fills()
log = tg.callbacks.CSVLogger("log.csv")
try:
    model.fit(data, labels, epochs=9, verbose=0, callbacks=[log, fills])
except OSError as error:
    print(error.strerror)
assert os.path.getsize("log.csv") == fills.size
print(open("log.csv").read().count("\\n"), open("log.csv").read()[-1] == "\\n")
"""


@pytest.mark.medium
def test_no_line_of_a_log_is_cut_by_a_full_disk(tmp_path):
    said = run(LOG, tmp_path).splitlines()
    assert said[0] in ("File too large", "No space left on device")
    assert said[1] == "4 True"


def test_a_link_stays_a_link(tmp_path):
    x = tg.Input((2,), name="x")
    model = tg.Model(x, layers.Dense(1, name="y")(x))
    (tmp_path / "far").mkdir()
    (tmp_path / "link.tg").symlink_to(tmp_path / "far" / "model.tg")
    for _ in range(2):
        model.save(tmp_path / "link.tg")
        assert (tmp_path / "link.tg").is_symlink()
    assert np.array_equal(
        tg.load(tmp_path / "far" / "model.tg").get_weights()[0], model.get_weights()[0]
    )
