"""How the house is built: what an import loads, which way imports point, how large the core is."""

import ast
import io
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

import tinygrad_mo

PACKAGE = Path(tinygrad_mo.__file__).parent
FLOORS = [  # from the ground up
    "naming recipes",
    "device",
    "pool",
    "ops",
    "engine",
    "layers losses metrics schedules optimizers callbacks",
    "compiled",
    "replay",
    "network",
    "files",
    "training",
    "check",
    "flow",
    "data systems",
    "learn",
    "cli",
]
FLOOR = {name: height for height, names in enumerate(FLOORS) for name in names.split()}
MODULES = sorted(
    path.relative_to(PACKAGE)
    for path in PACKAGE.rglob("*.py")
    if path.parent != PACKAGE or path.name not in ("__init__.py", "__main__.py")
)


def test_importing_the_package_loads_numpy_and_the_standard_library_only():
    code = (
        "import sys, numpy; before = set(sys.modules); import tinygrad_mo;"
        "new = {n: m for n, m in sys.modules.items() if n not in before};"
        "print(*{n.split('.')[0] for n, m in new.items() if getattr(m, '__file__', None)})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    others = set(run.stdout.split()) - sys.stdlib_module_names
    assert others == {"tinygrad_mo", "numpy"}


def imported(text, module):
    """The parts of the package that a module with this text imports anywhere, and the lines."""
    here = ["tinygrad_mo", *module.parts[:-1]]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            paths = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            base = base + (node.module or "").split(".") * bool(node.module)
            paths = [[*base, alias.name] for alias in node.names]
        else:
            continue
        for path in paths:
            if path[0] == "tinygrad_mo" and len(path) > 1:
                yield path[1], node.lineno


def pointing_up(text, module):
    """Complaints about imports of higher floors."""
    part = module.parts[0].removesuffix(".py")
    for other, line in imported(text, module):
        if FLOOR.get(other, FLOOR["cli"]) > FLOOR[part]:
            yield f"{module}:{line}: {part} must not import {other}"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_point_down(module):
    assert list(pointing_up((PACKAGE / module).read_text("utf-8"), module)) == []


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("layers/core.py", "from ..training.training import TrainableModel"),
        ("layers/core.py", "from .. import ops, training"),
        ("ops/linear.py", "def f():\n    from tinygrad_mo.engine.graph import Tensor"),
        ("engine/plan.py", "import tinygrad_mo.flow.flow"),
        ("engine/graph.py", "from ..replay import plan"),
        ("engine/graph.py", "from .. import Model"),
        ("flow/flow.py", "from ..cli import main"),
    ],
)
def test_an_import_that_points_up_is_noticed(module, text):
    assert len(list(pointing_up(text, Path(module)))) == 1


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
        sum(lines_of_code(PACKAGE / name) for name in ("engine/graph.py", "engine/plan.py")) <= 350
    )


PUBLIC = "Input Model Tensor Parameter Plan Tape gradients use set_random_seed"
PUBLIC += " ops layers losses optimizers metrics callbacks"


@pytest.mark.parametrize("name", PUBLIC.split())
def test_public_names_are_there(name):
    assert hasattr(tinygrad_mo, name)


@pytest.mark.parametrize("module", [tinygrad_mo.ops, tinygrad_mo.layers])
def test_what_is_announced_exists(module):
    assert all(hasattr(module, name) for name in module.__all__)
