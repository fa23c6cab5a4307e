"""What is there for speed alone, or for a few, can be taken out: the numbers stay the same.

Each room is deleted from a copy of the package, together with the one line that imports it; a
program that trains, measures and saves prints the same numbers there.
"""

import functools
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_mo
from test_house import MODULES, PACKAGE, imported

REMOVABLE = {  # by room: the module with the line that imports it, and what this line becomes
    "balancing": ("training/objective.py", "method_in = lambda loss_weights: None"),
    "compiled": ("__init__.py", None),
    "distributed": ("cli.py", None),
    "pool": ("__init__.py", None),
    "replay": ("network/planning.py", "from ..engine.plan import Plan as NetworkPlan"),
    "training/captured": ("training/step.py", "captured_on_a_gpu = lambda step: step"),
}
GOES_WITH = {"replay": ["training/captured"]}  # by room, what is of no use without it
PROGRAM = """
import sys
sys.meta_path = [one for one in sys.meta_path if "editable" not in repr(one).lower()]
sys.path.insert(0, sys.argv[1])
import warnings
import numpy as np
import tinygrad_mo as tg

assert tg.__file__.startswith(sys.argv[1]), tg.__file__
gone = sys.argv[2]
try:
    __import__("tinygrad_mo." + gone.replace("/", "."))
except ImportError:
    print("without", gone, file=sys.stderr)
tg.set_random_seed(0)
random = np.random.default_rng(0)
ids = tg.Input((6,), dtype="int32", name="ids")
extra = tg.Input((3,), name="extra")
trunk = tg.layers.LSTM(8)(tg.layers.Embedding(20, 4, mask_zero=True)(ids))
both = tg.layers.BatchNormalization()(tg.layers.concatenate([trunk, extra]))
sign = tg.layers.Dense(1, activation="sigmoid", name="sign")(tg.layers.Dropout(0.2)(both))
size = tg.layers.Dense(1, name="size")(trunk)
model = tg.Model([ids, extra], [sign, size])
model.compile("adam", ["binary_crossentropy", "mse"], loss_weights=[1.0, 0.2])
x = [random.integers(0, 20, (40, 6)), random.normal(size=(40, 3))]
y = [random.integers(0, 2, (40, 1)), random.normal(size=(40, 1))]
history = model.fit(x, y, epochs=3, batch_size=8, verbose=0).history
print({name: [float(f"{v:.5g}") for v in values] for name, values in history.items()})
flow = model.gradient_flow(x, y)
print({name: float(f"{m.total(flow.weight_list):.4g}") for name, m in flow.parameters.items()})
print([float(f"{v:.4g}") for v in model.predict(x)[0][:3, 0]])
"""


def copied(folder, room=None):
    """A copy of the package in a folder, without a room."""
    package = folder / "tinygrad_mo"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "*.npz"))
    for gone in [room, *GOES_WITH.get(room, [])] * bool(room):
        shutil.rmtree(package / gone, ignore_errors=True)
        (package / f"{gone}.py").unlink(missing_ok=True)
        where, instead = REMOVABLE[gone]
        lines = (package / where).read_text("utf-8").splitlines()
        (n,) = [n for n, line in enumerate(lines) if is_import_of(gone, line)]
        lines[n : n + 1] = [instead] if instead else []
        (package / where).write_text("\n".join(lines), "utf-8")
    return package.parent


def is_import_of(room, line):
    inside = f"from .{room.split('/')[-1]} " if "/" in room else f"from ..{room} "
    return line.startswith((f"    {room},", f"from ..{room}.", inside))


def printed(folder, room, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, "utf-8")
    command = [sys.executable, str(program), str(folder), room]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert not run.returncode, run.stderr
    return run


@pytest.mark.one_in(3, rest="exhaustive")
@pytest.mark.slow
@pytest.mark.parametrize("room", REMOVABLE)
def test_without_it_the_numbers_are_the_same(room, tmp_path):
    whole = printed(copied(tmp_path / "whole"), room, tmp_path)
    less = printed(copied(tmp_path / "less", room), room, tmp_path)
    assert "without" not in whole.stderr and f"without {room}" in less.stderr
    assert less.stdout == whole.stdout


@pytest.mark.medium
def test_nobody_else_needs_them():
    allowed = {(where, room) for room, (where, _) in REMOVABLE.items()}
    allowed |= {("cli.py", "compiled")}  # the doctor, when it reports
    allowed |= {(f"{one}.py", room) for room, those in GOES_WITH.items() for one in those}
    lab = [module.as_posix() for module in MODULES if module.parts[0] == "lab"]  # goes with it
    allowed |= {(module, "balancing") for module in lab}
    found = set()
    for module in [*MODULES, Path("__init__.py")]:
        paths = [path for path, _ in imported((PACKAGE / module).read_text("utf-8"), module)]
        rooms = {path[0] for path in paths} | {"/".join(path[:2]) for path in paths}
        own = module.parts[0].removesuffix(".py")
        found |= {(module.as_posix(), room) for room in rooms & {*REMOVABLE} - {own}}
    assert found <= allowed and found >= {(where, room) for room, (where, _) in REMOVABLE.items()}


def test_replays_can_be_switched_off(monkeypatch):
    """Each step then runs in Python, so that a debugger can follow it, with the same bits.

    (With compiled kernels a replay runs in C, which rounds its sums in another order.)
    """
    from tinygrad_mo.ops import OPS

    seen = []
    rule = OPS["tanh"].rule

    @functools.wraps(rule)
    def noted(x):
        seen.append(x)
        return rule(x)

    monkeypatch.setattr(OPS["tanh"], "rule", noted)

    def losses():
        tinygrad_mo.set_random_seed(0)
        x = tinygrad_mo.Input((2,))
        model = tinygrad_mo.Model(x, tinygrad_mo.layers.Dense(1, activation="tanh")(x))
        model.compile("sgd", "mse")
        seen.clear()
        history = model.fit([[1.0, 2.0]] * 8, [1.0] * 8, batch_size=2, epochs=5, verbose=0)
        return history.history["loss"], len(seen)

    with tinygrad_mo.use(kernels=False):
        replayed, few = losses()
        with tinygrad_mo.use(replay=False):
            plain, many = losses()
    assert many == 20 > few
    assert plain == replayed
