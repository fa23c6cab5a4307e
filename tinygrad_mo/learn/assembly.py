"""What is marked: the course's lesson, with the holes and the helpers of one student in it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import CodeType

from . import source
from .lesson import Lesson, waits
from .notebook import TUTOR
from .rules import not_marked
from .verdict import is_definition


@dataclass(frozen=True)
class Assembly:
    """The parts that are executed one after the other, and what the teacher should know.

    Attributes
    ----------
    given, own, late : CodeType
        What the lesson defines, as the course has it; what the student has defined; and those
        constants of the lesson that hold functions of the student.
    waiting, missing : set of str
        Holes that nobody has filled, and holes that are gone.
    refused : dict
        Why a hole is not marked. Where other holes are marked, it has our solution.
    notes : list of str
        What of the student's file was left out.
    """

    given: CodeType
    own: CodeType
    late: CodeType
    waiting: set[str]
    missing: set[str]
    refused: dict[str, str]
    notes: list[str]


def assemble(lesson: Lesson) -> Assembly:
    """Sort a student's file; nothing of it is executed.

    Raises
    ------
    SyntaxError, ValueError, RecursionError, MemoryError, OSError
        If Python cannot read it.
    """
    text = source.read(lesson.path)
    compile(text, str(lesson.path), "exec")  # what Python does not accept elsewhere counts, too
    given = [
        node for node in definitions(lesson.course_path.read_bytes()) if not is_hole(node, lesson)
    ]
    known = {name for node in given for name in bound(node)}
    as_given = {ast.dump(node) for node in given}
    own, notes, refused = [], [], {}
    holes: dict[str, list[ast.FunctionDef]] = {name: [] for name in lesson.holes}
    for node in definitions(text):
        if isinstance(node, ast.FunctionDef) and node.name in holes:
            holes[node.name].append(node)
        elif ast.dump(node) in as_given or is_of_notebook(node):
            continue
        elif both := sorted(known.intersection(bound(node))):
            where = lesson.place(node.lineno)
            notes.append(f"{where} changes {both[0]}, which the lesson gives: left out")
            continue
        elif reason := not_marked(node, known):
            refused = dict.fromkeys(lesson.holes, f"outside its holes, {reason}")
        own.append(node)
    for name, nodes in holes.items():
        reasons = [not_marked(node, known) for node in nodes]
        if any(reasons):
            refused.setdefault(name, next(filter(None, reasons)))
            own = [node for node in own if node not in nodes]
            own += ast.parse(lesson.solution(name)).body
    late = [node for node in given if isinstance(node, ast.Assign) and uses(node, lesson.holes)]
    early = [node for node in given if node not in late]
    return Assembly(
        compiled(early, str(lesson.course_path)),
        compiled(own, str(lesson.path)),
        compiled(late, str(lesson.course_path)),
        {name for name, nodes in holes.items() if nodes and all(map(waits, nodes))},
        {name for name, nodes in holes.items() if not nodes},
        refused,
        notes,
    )


def definitions(text: bytes) -> Iterator[ast.stmt]:
    """Those of a text, imports one name at a time."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                fields = {**dict(ast.iter_fields(node)), "names": [alias]}
                yield ast.copy_location(type(node)(**fields), node)
        elif is_definition(node):
            yield node


def is_hole(node: ast.stmt, lesson: Lesson) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name in lesson.holes


def is_of_notebook(node: ast.stmt) -> bool:
    """Is this what the cells of a notebook that check and hint import?"""
    line = ast.unparse(node)
    return line in (TUTOR, *(f"from tinygrad_mo.learn import {name}" for name in ("check", "hint")))


def bound(node: ast.stmt) -> Iterable[str]:
    """The names that a definition gives a meaning to."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.split(".")[0] for alias in node.names]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else []


def uses(node: ast.AST, names: Collection[str]) -> bool:
    return any(isinstance(part, ast.Name) and part.id in names for part in ast.walk(node))


def compiled(nodes: Sequence[ast.stmt], name: str) -> CodeType:
    """The code of some definitions; `from __future__` must stand in front."""
    front = [node for node in nodes if getattr(node, "module", "") == "__future__"]
    rest = [node for node in nodes if node not in front]
    return compile(ast.Module([*front, *rest], []), name, "exec")
