"""What differs between operating systems stands in `platforms`; texts are UTF-8 everywhere."""

import ast
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

import tinygrad_mo

PACKAGE = Path(tinygrad_mo.__file__).parent
ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "lessons").rglob("*.py"))
KNOW = {"platforms.py", "last_words.py"}  # the one place, and a small program for Linux alone
FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.name not in KNOW] + LESSONS

MODULES = "curses fcntl grp msvcrt multiprocessing platform pwd pty readline resource termios tty"
MODULES = set(f"{MODULES} webbrowser winreg".split())
NAMES = """
    os.name os.uname os.cpu_count os.process_cpu_count os.sched_getaffinity os.fork os.forkpty
    os.kill os.killpg os.getpgid os.setsid os.getuid os.register_at_fork os.startfile os.link
    os.symlink os.mkfifo sys.platform sys.getwindowsversion signal.SIGKILL signal.SIGTERM
    signal.SIGHUP signal.SIGALRM signal.alarm signal.pthread_kill signal.raise_signal
    shutil.move os.rename
"""
NAMES = set(NAMES.split())
REPLACE = {"whole_files.py", "compiled/library.py"}  # what must know how Windows refuses it
PRINTS = {"cli.py", "console.py", "lab", "learn"}  # commands, after `print_on_any_terminal`
PRINTS |= {"distributed"}  # the last words of a process, in ASCII
DRAW = "chart_parts charts curves figure folding page words"  # on a page or picture
DRAW = {*(f"flow/{name}.py" for name in DRAW.split()), "lab/drawing.py", "console.py"}


@cache
def tree_of(path):
    return ast.parse(path.read_text("utf-8"))


def dotted(node):
    """A name such as os.path.join, also of what is no name: .open of read().open."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def complaints(tree, place):
    """What a file does that another system would do in another way."""
    room = place.split("/")[0]
    is_lesson = room == "lessons"
    nodes = list(ast.walk(tree))
    for node in nodes:
        for found in complaints_about(node):
            yield f"{place}:{node.lineno}: {found}"
        if dotted(node) == "os.replace" and place not in REPLACE:
            yield f"{place}:{node.lineno}: os.replace, see whole_files"
        is_print = isinstance(node, ast.Name) and node.id == "print"
        if is_print and not is_lesson and not {room, place} & PRINTS:
            yield f"{place}:{node.lineno}: print, see console.say"
    if not is_lesson and place not in DRAW:
        for node in texts_in(nodes):
            if not node.value.isascii():
                yield f"{place}:{node.lineno}: a sign that a terminal may lack, {node.value!r}"


def complaints_about(node):
    if isinstance(node, ast.Import):
        yield from (f"import {one.name}" for one in node.names if one.name in MODULES)
    elif isinstance(node, ast.ImportFrom) and not node.level:
        names = [f"{node.module}.{one.name}" for one in node.names]
        yield from ([node.module] if node.module in MODULES else [n for n in names if n in NAMES])
    elif isinstance(node, ast.Attribute) and dotted(node) in NAMES:
        yield dotted(node)
    elif isinstance(node, ast.Call):
        yield from complaints_about_call(node)


def complaints_about_call(node):
    name = dotted(node.func)
    last = name.rpartition(".")[2]
    options = {one.arg for one in node.keywords}
    first = [one.value for one in node.args[:1] if isinstance(one, ast.Constant)]
    if name == "hasattr" and dotted(node.args[0]) in ("os", "signal", "sys", "time"):
        yield f"asks what {dotted(node.args[0])} has"
    if last == "write_text" and len(node.args) < 2 and "encoding" not in options:
        yield "write_text without an encoding"
    if last == "read_text" and not node.args and "encoding" not in options:
        yield "read_text without an encoding"
    modes = [one.value for one in node.args[1:2] if isinstance(one, ast.Constant)]
    modes = first if "." in name else modes
    is_text = last == "open" and not any("b" in str(mode) for mode in modes)
    is_other = name in ("os.open", "Image.open") or "archive" in name
    if is_text and not is_other and "encoding" not in options:
        yield "open without an encoding"
    asks_for_text = options & {"text", "universal_newlines"} and "encoding" not in options
    if last in ("run", "Popen", "check_output") and asks_for_text:
        yield "text of a process without an encoding"
    if last == "TextIOWrapper" and len(node.args) < 2 and "encoding" not in options:
        yield "TextIOWrapper without an encoding"


def texts_in(nodes):
    """All constants that are texts, but for docstrings."""
    loose = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    texts = [one for one in nodes if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return [node for node in texts if id(node) not in loose]


def place_of(path):
    base = PACKAGE if path.is_relative_to(PACKAGE) else ROOT
    return path.relative_to(base).as_posix()


@pytest.mark.exhaustive
def test_one_place_knows_the_system():
    found = [line for path in FILES for line in complaints(tree_of(path), place_of(path))]
    assert found == []


@pytest.mark.parametrize(
    "planted",
    [
        "import platform",
        "from webbrowser import open",
        "from os import cpu_count",
        "if sys.platform == 'win32': pass",
        "n = os.cpu_count() or 1",
        "os.killpg(1, signal.SIGINT)",
        "if hasattr(os, 'fork'): pass",
        "os.replace(a, b)",
        "open(path)",
        "open(path, 'w')",
        "path.open()",
        "path.open('w')",
        "path.read_text()",
        "path.write_text(text)",
        "subprocess.run(command, text=True)",
        "io.TextIOWrapper(file)",
        "print(text)",
        "told = print",
        "text = 'a \u2192 b'",
    ],
)
def test_what_is_planted_is_noticed(planted):
    assert len(list(complaints(ast.parse(planted), "engine/graph.py"))) == 1


@pytest.mark.parametrize(
    "right",
    [
        "open(path, 'rb')",
        "open(path, newline='', encoding='utf-8')",
        "path.open('xb')",
        "path.read_text('utf-8')",
        "path.write_text(text, 'utf-8')",
        "Popen(command, encoding='utf-8')",
        "os.path.join(a, b)",
        '"""A docstring: a \u2192 b."""',
    ],
)
def test_what_is_right_is_let_through(right):
    assert list(complaints(ast.parse(right), "engine/graph.py")) == []


def files_of_the_project():
    """As they are in the repository; where there is none, as they lie."""
    asked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True)
    if asked.returncode == 0:
        return [Path(one) for one in asked.stdout.decode().split("\0") if one]
    return [path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file()]


def test_every_system_can_hold_the_files_of_the_project(windows):
    """No device's name, no two names that differ in case alone, no path that is too long."""
    files = files_of_the_project()
    assert len(files) > 500
    parts = {Path(part) for path in files for part in path.parts}
    reasons = [tinygrad_mo.platforms.why_no_name(part) for part in parts]
    assert set(reasons) == {""}
    assert all(path.as_posix().isascii() for path in files)
    assert max(len(path.as_posix()) for path in files) < 160
    assert max(Counter(path.as_posix().casefold() for path in files).values()) == 1
