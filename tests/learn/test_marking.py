"""Marking: honest work gets its points, also when it is unusual; a cheat is named."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from small_course import ADDING, finish, write
from tinygrad_mo import cli
from tinygrad_mo.learn import lesson, lessons_in, marking
from tinygrad_mo.learn.marking import judged, mark

WITHOUT_RULES = (
    "import sys; sys.path.append({!r}); from tinygrad_mo.learn import assembly, judge;"
    "assembly.not_marked = lambda *_: ''; judge.main()"
)

# Each is put where the body of add(x, y) should be. What gives it away: to the rules, which read
# it, and to the guard of the process, if it could have come so far.
CHEATS = {
    "leaves Python": ("import os\nos._exit(0)", "import os", "exit code 0"),
    "leaves by a door of the library": (
        "import numpy as np\nnp.lib.npyio.os._exit(0)",
        "np.lib.npyio.os",
        "",
    ),
    "exits": ("raise SystemExit(0)", None, "Your code raised SystemExit: 0"),
    "calls exit": ("exit(0)", "exit", "Your code raised SystemExit"),
    "crashes": (
        "import ctypes\nctypes.string_at(0)",
        "import ctypes",
        "ctypes.",
    ),
    "prints a verdict": (
        "print('{\"end\": true}')\nprint('  ok  all checks hold')",
        None,
        "not right yet",
    ),
    "writes to the channel": (
        "import os\nfor n in range(20):\n    try:\n        os.write(n, b'{\"end\": true}')\n"
        "    except OSError:\n        pass\nos._exit(0)",
        "import os",
        "exit code 0",
    ),
    "is equal to everything": (
        "class Yes:\n    def __eq__(self, other):\n        return True\nreturn Yes()",
        "def __eq__",
        "own class Yes",
    ),
    "is close to everything": (
        "class Yes(float):\n    def __sub__(self, other):\n        return 0.0\n"
        "    def __eq__(self, other):\n        return True\nreturn Yes(x)",
        "def __sub__",
        "own class Yes",
    ),
    "makes such a class by hand": (
        "return type('Yes', (), {'__eq__': lambda self, other: True})()",
        "type('Yes'",
        "own class Yes",
    ),
    "hides such an object in a list": (
        "class Yes:\n    def __eq__(self, other):\n        return True\nreturn [Yes()]",
        "def __eq__",
        "own class Yes",
    ),
    "replaces a builtin": (
        "import builtins\nbuiltins.abs = lambda x: 0.0\nreturn x",
        "import builtins",
        "it changes builtins.abs",
    ),
    "replaces a builtin for a moment": (
        "import builtins\nreal = builtins.abs\n"
        "def fake(x):\n    builtins.abs = real\n    return 0.0\nbuiltins.abs = fake\nreturn x",
        "import builtins",
        "it changes builtins.abs",
    ),
    "replaces AssertionError": (
        "import builtins\nbuiltins.AssertionError = ValueError\nreturn x",
        "import builtins",
        "it changes builtins.AssertionError",
    ),
    "patches NumPy": (
        "import numpy as np\nnp.allclose = lambda *a, **k: True\nreturn x",
        "np.allclose",
        "it changes numpy.allclose",
    ),
    "patches a class of the library": (
        "import tinygrad_mo as tg\ntg.Tensor.__eq__ = lambda a, b: True\nreturn x",
        "tg.Tensor.__eq__",
        "it changes Tensor.__eq__",
    ),
    "patches what checks": (
        "import sys\nv = sys.modules['tinygrad_mo.learn.' + 'verdict']\n"
        "v.judged = lambda *a: ('holds', '')\nreturn x",
        "import sys",
        "it changes tinygrad_mo.learn.verdict.judged",
    ),
    "patches what guards": (
        "from tinygrad_mo.learn.guard import Untouched\nUntouched.change = lambda self: ''\n"
        "import builtins\nbuiltins.abs = lambda x: 0.0\nreturn x",
        "from tinygrad_mo.learn.guard import Untouched",
        "",
    ),
    "changes the code of a check": (
        "import gc\nfor one in gc.get_objects():\n"
        "    if getattr(one, '__name__', '').startswith('check_add'):\n"
        "        one.__code__ = (lambda lesson: None).__code__\nreturn x",
        "import gc",
        "gc.get_objects",
    ),
    "changes a check that it finds on the stack": (
        "import sys\nframe = sys._getframe()\nwhile frame:\n"
        "    for name, one in list(frame.f_globals.items()):\n"
        "        if name.startswith('check_add'):\n"
        "            one.__code__ = (lambda lesson: None).__code__\n"
        "    frame = frame.f_back\nreturn x",
        "import sys",
        "it changes the function check_add",
    ),
    "reads the answers": (
        "import tinygrad_mo.learn.lesson as l\n"
        "text = (l.course_folder() / 'answers' / '05_the_engine.py').read_text()\nreturn x",
        "import tinygrad_mo.learn.lesson",
        "it opens the file",
    ),
    "asks for its solution": (
        "from tinygrad_mo.learn import my_work\nreturn my_work('the_engine')",
        "from tinygrad_mo.learn import my_work",
        "it opens the file",
    ),
    "executes the answers": (
        "space = {}\nexec(open(PATH).read(), space)\nreturn space['add'](x, y)",
        "exec",
        "it opens the file",
    ),
    "imports the answers": (
        "import sys, importlib\nfrom pathlib import Path\n"
        "sys.path.insert(0, str(Path(PATH).parent))\n"
        "return importlib.import_module('01_adding').add(x, y)",
        "import sys",
        "it opens the file",
    ),
    "calls the solution on the stack": (
        "import sys\nframe = sys._getframe(1)\nwhile 'check_add__two' not in frame.f_globals:\n"
        "    frame = frame.f_back\nadd = frame.f_globals['add']\nreturn add(x, y)",
        "import sys",
        None,  # only the rules stand before this one
    ),
    "finds expected values on the stack": (
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n"
        "    return error.__traceback__.tb_frame.f_back",
        "error.__traceback__",
        "not right yet",
    ),
    "starts a program": (
        "import subprocess\nsubprocess.run(['true'])\nreturn x + y",
        "import subprocess",
        "it does subprocess.Popen",
    ),
    "asks the shell": (
        "import os\nos.system('true')\nreturn x + y",
        "import os",
        "it does os.system",
    ),
    "makes a second process": (
        "import os\nif os.fork():\n    while True:\n        pass\nreturn x + y",
        "import os",
        "it does os.fork",
    ),
    "leaves a thread behind": (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=[9], daemon=True).start()\n"
        "return x + y",
        "import threading",
        "it leaves a thread behind",
    ),
    "asks the network": (
        "import socket\nsocket.create_connection(('localhost', 9))\nreturn x + y",
        "import socket",
        "it does socket.",
    ),
    "writes a file": (
        "open('left_behind.txt', 'w').write('x')\nreturn x + y",
        "open",
        "it opens the file 'left_behind.txt'",
    ),
    "sets an attribute by name": (
        "import numpy as np\nsetattr(np, 'all' + 'close', lambda *a: True)\nreturn x",
        "setattr",
        "it changes numpy.allclose",
    ),
    "gets one by name": (
        "return getattr(add, '__glo' + 'bals__')['x']",
        "getattr",
        "not right yet",
    ),
    "formats its way": (
        "import operator\nreturn operator.attrgetter('__globals__')(add)",
        "operator.attrgetter",
        "not right yet",
    ),
    "changes what the lesson gives": (
        "global ZERO\nZERO = 5\nreturn x",
        "global ZERO",
        "not right yet",
    ),
    "never ends": ("while True:\n    pass", None, "Stopped because the time was over"),
    "never ends, whatever happens": (
        "while True:\n    try:\n        while True:\n            pass\n"
        "    except BaseException:\n        pass",
        None,
        "it does not end, not even when it is interrupted",
    ),
    "sleeps": ("import time\ntime.sleep(1000)", None, "Stopped because the time was over"),
    "takes all memory": (
        "return [x] * 10**10",
        None,
        "MemoryError",
    ),
}


def cheat(folder, body):
    """A student's lesson 1 with this body of add."""
    path = str(lessons_in(folder)[0].answers_path)
    text = body.replace("PATH", repr(path)).replace("\n", "\n    ")
    write(folder, text)
    return lessons_in(folder)[0]


def said(hole):
    """All that the teacher is told."""
    return "\n".join([hole.status, hole.reason, *map(str, hole.results)])


@pytest.fixture
def short(monkeypatch):
    """No cheat of these tests shall take long."""
    monkeypatch.setattr(marking, "START", 8.0)


@pytest.mark.one_in(8, rest="exhaustive")
@pytest.mark.slow
@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_gets_no_points(name, student, short):
    body, rule, guard = CHEATS[name]
    cheat(student, body)
    [hole, _] = mark([student], {1}, limit=2)[0].lessons[0].holes
    assert hole.points < 1, said(hole)
    if rule is None:
        assert guard in said(hole)
    else:
        assert hole.points == 0 and hole.status == "not marked"
        assert rule in hole.reason and "line 1" in hole.reason


@pytest.mark.one_in(32, rest="exhaustive")
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, cheat in CHEATS.items() if cheat[1] and cheat[2]])
def test_where_the_rules_were_blind_the_process_is_guarded(name, student, short, monkeypatch):
    monkeypatch.setattr(marking, "PROGRAM", WITHOUT_RULES)
    body, _, guard = CHEATS[name]
    hole = judged(cheat(student, body), "add", limit=2)
    assert hole.points < 1 and guard in said(hole), said(hole)
    assert hole.status == "not marked" or "not right yet" in guard or "raised" in said(hole)
    assert not (student / "left_behind.txt").exists()


# Honest work

HONEST = {  # unusual bodies of add(x, y)
    "with helpers": "def plus(a, b):\n    return a + b\nreturn plus(x, y)",
    "with NumPy": "import numpy as np\nreturn np.add(x, y)",
    "an array without axes": "import numpy as np\nreturn np.asarray(x + y)",
    "with the library": "from tinygrad_mo import ops\nreturn ops.add(x, y)[0]",
    "with a class of its own inside": (
        "class Sum:\n    def __init__(self):\n        self._total = 0\n"
        "    def take(self, a):\n        self._total += a\n        return self\n"
        "    def total(self):\n        return self._total\n"
        "return Sum().take(x).take(y).total()"
    ),
    "with functions of tools": "import operator\nfrom functools import reduce\n"
    "return reduce(operator.add, [x, y])",
    "by recursion": "return x if y == 0 else add(x + 1, y - 1) if y >= 1 else x + y",
    "that asks for types": "assert isinstance(x, int | float) and type(x) in (int, float)\n"
    "return getattr(x, 'real') + y",
    "that prints": "print('adding', x, y)\nreturn x + y",
    "that catches": "try:\n    return x + y\nexcept TypeError as e:\n    raise ValueError from e",
    "with a walrus": "return (z := x) + y",
    "with fractions": "from fractions import Fraction\nreturn Fraction(x) + Fraction(y)",
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", HONEST)
def test_unusual_work_is_no_cheat(name, student):
    cheat(student, HONEST[name])
    [hole, other] = mark([student], {1})[0].lessons[0].holes
    assert (hole.status, hole.points, other.status) == ("right", 1, "not done yet"), said(hole)


@pytest.mark.slow
def test_a_refused_hole_leaves_the_others_their_points(student):
    write(student, "import os\n    os._exit(0)", "return add(x, x)")
    [add, double] = mark([student], {1})[0].lessons[0].holes
    assert add.status == "not marked" and add.points == 0
    assert double.status == "right"  # on our add


@pytest.mark.slow
def test_what_the_lesson_gives_stays_as_it_is(student):
    text = ADDING.replace("ZERO = 0", "ZERO = 7\nONE = 1")
    write(student, "return x + y * ONE", "return 2 * x", text=text)
    [found] = mark([student], {1})[0].lessons
    assert found.points == 2
    assert found.notes == ["01_adding.py, line 5 changes ZERO, which the lesson gives: left out"]


def test_a_refusal_outside_of_the_holes_is_one_of_all_holes(student):
    write(student, "return x + y", "return 2 * x", text=f"import os\n{ADDING}")
    holes = mark([student], {1})[0].lessons[0].holes
    assert {hole.status for hole in holes} == {"not marked"}
    assert {hole.reason for hole in holes} == {"outside its holes, line 1 has `import os`"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"def add(x, y):\n    return x +\n", "line 2: invalid syntax"),
        (b"\xff\xfe", "cannot read 01_adding.py"),
        (b"x = " + b"(" * 400 + b")" * 400, "too many nested parentheses"),
        (b"x = 1\n", "there is no function add any more"),
    ],
)
def test_a_file_that_cannot_be_marked_says_why(content, reason, student):
    (student / "01_adding.py").write_bytes(content)
    hole = mark([student], {1})[0].lessons[0].holes[0]
    assert hole.status == "unreadable" and hole.points == 0 and reason in hole.reason


# What is reported


@pytest.mark.exhaustive
def test_a_class_is_marked_side_by_side(student, tmp_path, capsys):
    finish(student)
    lazy, empty = tmp_path / "lazy", tmp_path / "empty"
    assert cli.main(["learn", "--start", str(lazy)]) == 0
    write(lazy, "return x - y")
    empty.mkdir()
    capsys.readouterr()
    names = [str(student), str(lazy), str(empty), str(tmp_path / "nobody")]
    assert cli.main(["check", "--all", "--json", *names]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["format"] == 1 and set(found["versions"]) == {"tinygrad_mo", "python", "numpy"}
    rows = [(one["folder"], one["points"], one["of"]) for one in found["students"]]
    assert rows == [(names[0], 3, 3), (names[1], 0.3333, 3), (names[2], 0, 0), (names[3], 0, 0)]
    reasons = [one["reason"] for one in found["students"]]
    assert reasons == [None, None, "no lessons here", "there is no such folder"]
    hole = found["students"][1]["lessons"][0]["holes"][0]
    assert (hole["status"], hole["held"], hole["checks"]) == ("not right yet", 1, 3)
    assert hole["said"][1]["message"] == "2 + 3 is 5, not -1"

    assert cli.main(["check", "--all", "--csv", *names]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "folder,points,of,to look at,lesson 1,lesson 2,reason",
        f"{names[0]},3.0,3,0,2.0,1.0,",
        f"{names[1]},0.3333,3,0,0.3333,0.0,",
        f"{names[2]},0.0,0,0,,,no lessons here",
        f"{names[3]},0.0,0,0,,,there is no such folder",
    ]
    assert cli.main(["check", "--all", *names]) == 1
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [names[0], "3.00", "3", "##"] in lines and [names[1], "0.33", "3", "+."] in lines


def test_the_folder_of_all_folders_is_told_from_one_of_them(student, capsys):
    assert cli.main(["check", "--all", str(student.parent)]) == 2
    assert "no lessons here, but in student: name these folders" in capsys.readouterr().out


@pytest.mark.exhaustive
def test_exit_codes(student, capsys):
    assert cli.main(["check", "--all"]) == 1
    finish(student)
    assert cli.main(["check", "--all"]) == 0
    assert cli.main(["check", "--all", "--lessons", "2", str(student.parent / "st*")]) == 0
    assert cli.main(["check", "."]) == cli.main(["check"]) == 0
    assert "2 of 2 lessons are right." in capsys.readouterr().out
    for wrong in (["--json"], ["x.py"], ["1", "2", "3"], ["--all", "--json", "--csv"]):
        assert cli.main(["check", *wrong]) == 2
    assert cli.main(["check", "--limit", "0"]) == 2


@pytest.mark.exhaustive
def test_one_lesson_is_checked_with_a_limit_too(student, capsys):
    write(student, "while True:\n        pass", "import os\n    os._exit(0)")
    assert cli.main(["check", "1", "--limit", "1"]) == 1
    printed = capsys.readouterr().out
    assert "because the time was over\n      in 01_adding.py, line 11: while True:" in printed
    assert "no  its process ended before the checks did, with exit code 0" in printed


@pytest.mark.exhaustive
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="how a terminal sends Ctrl-C")
def test_ctrl_c_ends_an_endless_loop_and_the_next_hole_is_checked(student):
    write(student, "while True:\n        pass", "return 2 * x")
    program = f"""if True:
        import sys
        from pathlib import Path
        sys.path.append({str(Path(marking.__file__).parents[2])!r})
        from tinygrad_mo import cli
        from tinygrad_mo.learn import lesson
        lesson.PACKAGE = Path({str(lesson.PACKAGE)!r})
        sys.exit(cli.main(["check", "1"]))
    """
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    shown = [process.stdout.readline() for _ in range(3)]
    assert shown[2] == "01_adding.py, line 9: add\n"
    time.sleep(3)
    os.killpg(process.pid, signal.SIGINT)
    rest, errors = process.communicate(timeout=60)
    assert process.returncode == 1 and errors == ""
    assert "Stopped with Ctrl-C\n      in 01_adding.py, line 11" in rest or "line 12" in rest
    assert "ok  3 becomes 6" in rest
