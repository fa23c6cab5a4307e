"""What an answer that is marked may use, read from its syntax tree before any of it runs.

The rules are narrow: an honest answer needs NumPy, the library, and a little of Python. Whatever
could reach the checks, the solutions or the machine is not marked but shown to the teacher, who can
see at once whether it is a cheat or only unusual.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator

import tinygrad_mo


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MODULES = words("""
    __future__ bisect collections collections.abc copy dataclasses enum fractions functools heapq
    itertools math numbers operator random statistics string time typing
    numpy numpy.fft numpy.linalg numpy.polynomial numpy.random numpy.typing
""")
NAMES = words("""
    breakpoint compile delattr eval exec exit globals help input locals memoryview open quit setattr
    vars builtins ctypes gc importlib inspect os subprocess sys threading
""")
# From a harmless module or object to the machine, to the frames of the checks, or to memory.
DOORS = words("""
    ag_frame attrgetter bltns builtins cr_frame ctypes ctypeslib f2py f_back f_builtins f_globals
    f_locals gc gi_frame importlib inspect learn make_dataclass methodcaller multiprocessing os
    pathlib posix setflags shutil socket subprocess sys tb_frame tb_next threading types writeable
""")
# What a class of the student's may define.
METHODS = words("""
    __call__ __contains__ __enter__ __exit__ __getitem__ __init__ __iter__ __len__ __next__ __op__
    __post_init__ __repr__ __setitem__ __str__
""")
READABLE = METHODS | {"__doc__", "__name__", "__version__"}
TUPLE_PARTS = ("_asdict", "_fields", "_make", "_replace")  # of a NamedTuple, and public
SPECIAL = re.compile(r"__\w+__")


def not_marked(node: ast.AST, given: Collection[str] = ()) -> str:
    """What in a definition is outside the rules, with its line; empty if there is nothing.

    Parameters
    ----------
    node : ast.AST
        A statement of the student's file.
    given : collection of str
        Names that the lesson defines or imports itself: nobody may write into what they name.

    Examples
    --------
    >>> not_marked(ast.parse("def f(x):\\n    import os\\n    os._exit(0)"))
    'line 2 has `import os`'
    >>> not_marked(ast.parse("def f(x):\\n    return 2 * x"))
    ''
    """
    imported = {
        alias.asname or alias.name.split(".")[0]
        for part in ast.walk(node)
        if isinstance(part, ast.Import | ast.ImportFrom)
        for alias in part.names
    }
    for part in ast.walk(node):
        if found := next(complaints(part, imported.union(given)), None):
            return f"line {getattr(part, 'lineno', '?')} has `{found}`"
    return ""


def complaints(node: ast.AST, given: Collection[str]) -> Iterator[str]:
    """What is outside the rules in one node of a tree, as it is written."""
    match node:
        case ast.Import(names=names):
            yield from (f"import {one.name}" for one in names if not is_plain_module(one.name))
        case ast.ImportFrom(module=module, names=names, level=level):
            if level or not is_plain_module(module or ""):
                yield f"from {'.' * level}{module or ''} import {names[0].name}"
            yield from (f"import {one.name}" for one in names if is_door(one.name))
        case ast.Name(id=name) if name in NAMES or (SPECIAL.search(name) and name != "__name__"):
            yield name
        case ast.Call(func=ast.Name(id="getattr"), args=arguments):
            asked = arguments[1] if len(arguments) > 1 else None
            if not isinstance(asked, ast.Constant) or is_door(str(asked.value)):
                yield ast.unparse(node)
        case ast.Call(func=ast.Name(id="type"), args=arguments, keywords=keywords):
            if len(arguments) != 1 or keywords:  # three arguments make a class
                yield ast.unparse(node)
        case ast.Attribute(attr=name, ctx=ctx):
            own = isinstance(node.value, ast.Name) and node.value.id == "self"
            if is_door(name) and not (own and not SPECIAL.search(name)):
                yield ast.unparse(node)
            if not isinstance(ctx, ast.Load) and root(node) in given:
                yield f"{ast.unparse(node)} = ..."
        case ast.Subscript(ctx=ast.Store() | ast.Del()) if root(node) in given:
            yield f"{ast.unparse(node)} = ..."
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            if SPECIAL.search(name) and name not in METHODS:
                yield f"def {name}"
        case ast.ClassDef(keywords=[_, *_]):
            yield f"class {node.name}(... {node.keywords[0].arg}=...)"
        case ast.Global(names=names):
            yield from (f"global {name}" for name in names if name in given)
        case ast.MatchClass(kwd_attrs=names):
            yield from filter(is_door, names)
        case ast.Constant(value=str(text)) if SPECIAL.fullmatch(text.strip(".")):
            yield repr(text)
    yield from handed_on(node)


def handed_on(node: ast.AST) -> Iterator[str]:
    """`getattr` or `type` that is not called on the spot: who knows for what."""
    for name, value in ast.iter_fields(node):
        for one in value if isinstance(value, list) else [value]:
            harmless = isinstance(node, ast.Call) and name == "func"
            doubtful = ("getattr",) if isinstance(node, ast.Compare) else ("getattr", "type")
            if isinstance(one, ast.Name) and one.id in doubtful and not harmless:
                yield one.id


def is_plain_module(name: str) -> bool:
    first, _, rest = name.partition(".")
    if first != "tinygrad_mo":
        return name in MODULES
    return not rest or rest.split(".")[0] in tinygrad_mo.__all__


def is_door(name: str) -> bool:
    """Does an attribute of this name lead out of what an answer is about?"""
    private = name.startswith("_") and len(name) > 1
    return name in DOORS or (private and name not in READABLE and name not in TUPLE_PARTS)


def root(node: ast.expr) -> str:
    """The name that a chain such as ``np.linalg.norm`` or ``ops.OPS["add"]`` begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
