"""How the house is built: what an import loads, which way imports point, how large each room is.

A room is a folder of the package or a file beside the folders. It stands on one floor; an import
leads to a lower floor, or, within a room, to a file that does not lead back.
"""

import ast
import importlib
import inspect
import io
import subprocess
import sys
import tokenize
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import tinygrad_mo

PACKAGE = Path(tinygrad_mo.__file__).parent
README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
FLOORS = [  # from the ground up
    "platforms",
    "naming arguments questions other_names ranks",
    "recipes device console whole_files",
    "pool ops",
    "engine",
    "replay layers",
    "losses optimizers schedules callbacks",
    "compiled metrics network",
    "files onnx_files",
    "balancing",
    "training",
    "check flow distributed",
    "frameworks source_code",
    "model",
    "sequential",
    "data",
    "systems",
    "lab learn reference",
    "cli",
]
FLOOR = {name: height for height, names in enumerate(FLOORS) for name in names.split()}
MODULES = sorted(
    path.relative_to(PACKAGE)
    for path in PACKAGE.rglob("*.py")
    if path.parent != PACKAGE or path.name not in ("__init__.py", "__main__.py")
)

# Lines of code (no docstrings, comments, blanks) that a room may have. To raise a number is a
# decision, made in the commit that needs it, with its reason.
LEDGER = {
    "arguments": 132,
    "balancing": 955,
    "callbacks": 710,
    "check": 517,
    "cli": 251,
    "compiled": 1715,
    "console": 55,
    "data": 106,
    "device": 229,
    "distributed": 530,
    "engine": 1515,
    "files": 1565,
    "flow": 4207,
    "frameworks": 1052,
    "lab": 751,
    "layers": 2096,
    "learn": 1775,
    "losses": 445,
    "metrics": 631,
    "model": 361,
    "naming": 44,
    "network": 699,
    "onnx_files": 2241,
    "ops": 2736,
    "optimizers": 928,
    "other_names": 319,
    "platforms": 141,
    "pool": 109,
    "questions": 115,
    "ranks": 8,
    "recipes": 74,
    "reference": 151,
    "replay": 709,
    "schedules": 108,
    "sequential": 95,
    "source_code": 1489,
    "systems": 1866,
    "training": 2239,
    "whole_files": 91,
}


@pytest.mark.medium
def test_importing_the_package_loads_numpy_and_the_standard_library_only():
    code = (
        "import sys, numpy; before = set(sys.modules); import tinygrad_mo;"
        "new = {n: m for n, m in sys.modules.items() if n not in before};"
        "print(*{n.split('.')[0] for n, m in new.items() if getattr(m, '__file__', None)})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    others = set(run.stdout.split()) - sys.stdlib_module_names
    assert others == {"tinygrad_mo", "numpy"}


@cache
def imports_in(text):
    kinds = ast.Import | ast.ImportFrom
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]


def imported(text, module):
    """The paths in the package that a module with this text imports anywhere, and the lines."""
    here = ["tinygrad_mo", *module.parts[:-1]]
    for node in imports_in(text):
        if isinstance(node, ast.Import):
            paths = [alias.name.split(".") for alias in node.names]
        else:
            base = here[: len(here) - node.level + 1] if node.level else []
            base = base + (node.module or "").split(".") * bool(node.module)
            paths = [[*base, alias.name] for alias in node.names]
        for path in paths:
            if path[0] == "tinygrad_mo" and len(path) > 1:
                yield path[1:], node.lineno


def room_of(module):
    return module.parts[0].removesuffix(".py")


def pointing_up(text, module):
    """Complaints about imports that do not lead to a lower floor."""
    room = room_of(module)
    for path, line in imported(text, module):
        other = path[0]
        if other in ("__version__", room):
            continue
        if FLOOR.get(other, len(FLOORS)) >= FLOOR[room]:
            yield f"{module}:{line}: {room} must not import {other}"


@pytest.mark.medium
def test_imports_point_down():
    texts = {module: (PACKAGE / module).read_text("utf-8") for module in MODULES}
    assert [line for module, text in texts.items() for line in pointing_up(text, module)] == []


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("layers/core.py", "from ..training.objective import Objective"),
        ("layers/core.py", "from .. import ops, training"),
        ("ops/linear.py", "def f():\n    from tinygrad_mo.engine.graph import Tensor"),
        ("engine/plan.py", "import tinygrad_mo.flow.flow"),
        ("engine/graph.py", "from ..replay import plan"),
        ("engine/graph.py", "from .. import Model"),
        ("flow/flow.py", "from ..cli import main"),
        ("flow/flow.py", "from ..check import check_op"),
    ],
)
def test_an_import_that_points_up_is_noticed(module, text):
    assert len(list(pointing_up(text, Path(module)))) == 1


def circle_in(files):
    """Files of one room, by name with their text, that import one another in a circle, or []."""
    needs = {}
    for module, text in files.items():
        inside = [path for path, _ in imported(text, module) if path[0] == room_of(module)]
        names = {path[1] for path in inside if len(path) > 1}
        known = {other.stem: other for other in files}
        needs[module] = {known[name] for name in names & known.keys()} - {module}
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return error.args[1]
    return []


ROOMS = sorted({room_of(module) for module in MODULES})


@pytest.mark.one_in(21, rest="medium")
@pytest.mark.parametrize("room", ROOMS)
def test_no_files_of_a_room_import_one_another_in_a_circle(room):
    files = {
        module: (PACKAGE / module).read_text("utf-8")
        for module in MODULES
        if room_of(module) == room and module.name != "__init__.py"
    }
    assert circle_in(files) == []


def test_a_circle_is_noticed():
    files = {
        Path("flow/words.py"): "from .flow import Flow",
        Path("flow/flow.py"): "def f():\n    from . import words",
        Path("flow/page.py"): "from .flow import Flow",
    }
    assert {path.stem for path in circle_in(files)} == {"words", "flow"}


def lines_of_code(path):
    """Lines that hold more than docstrings, comments and blanks."""
    text = path.read_text("utf-8")
    lines = set()
    skipped = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in (*skipped, tokenize.ENDMARKER):
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            lines -= set(range(node.lineno, node.end_lineno + 1))  # a docstring
    return len(lines)


def test_the_heart_can_be_read_in_an_evening():
    assert (
        sum(lines_of_code(PACKAGE / "engine" / f"{name}.py") for name in ("graph", "plan")) <= 350
    )


@pytest.mark.medium
def test_no_room_grows_without_a_decision():
    lines = dict.fromkeys(ROOMS, 0)
    for module in MODULES:
        lines[room_of(module)] += lines_of_code(PACKAGE / module)
    assert sorted(LEDGER) == ROOMS
    over = {room: (n, LEDGER[room]) for room, n in lines.items() if n > LEDGER[room]}
    assert over == {}, "more lines than LEDGER, above, allows (room: now, allowed)"
    around = round(sum(lines.values()) - 350, -2)
    assert "350 lines of code, `engine/graph.py` and `engine/plan.py`" in README
    assert f"a library of about {around:,} lines" in README


# ---------------------------------------------------------------- the public face

PUBLIC = "Input Model Sequential Tensor Parameter Plan Tape gradients use set_random_seed load Flow"
PUBLIC += " FlowRecorder balancing ops layers losses optimizers metrics callbacks schedules"
PUBLIC += " systems data check"
FACES = "balancing callbacks check data flow layers losses metrics ops optimizers schedules systems"


def test_what_is_announced_is_what_is_there():
    assert set(PUBLIC.split()) <= set(tinygrad_mo.__all__)
    assert sorted(dir(tinygrad_mo)) == sorted([*tinygrad_mo.__all__, "__version__"])
    assert all(getattr(tinygrad_mo, name) is not None for name in tinygrad_mo.__all__)


@pytest.mark.parametrize("name", FACES.split())
def test_each_package_says_what_is_for_users(name):
    module = importlib.import_module(f"tinygrad_mo.{name}")
    assert len(set(module.__all__)) == len(module.__all__) > 0
    assert all(hasattr(module, one) for one in module.__all__)


def public_classes():
    for name in FACES.split():
        module = importlib.import_module(f"tinygrad_mo.{name}")
        for one in module.__all__:
            found = getattr(module, one)
            if isinstance(found, type) and not issubclass(found, Exception):
                yield found


def test_a_signature_shows_the_real_parameters():
    hidden = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    for cls in public_classes():
        kinds = {one.kind for one in inspect.signature(cls).parameters.values()}
        assert not kinds & hidden or cls.__name__ == "LambdaCallback", inspect.signature(cls)
