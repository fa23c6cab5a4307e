"""Small wrong changes of a line of Python.

Only what takes part in a computation is changed: no errors and what they say, no annotations, no
strings, nothing outside of functions. The syntax tree says where something stands; the change is
made in the text, within one line.
"""

import ast
from collections.abc import Iterator

SYMBOLS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.FloorDiv: "//",
    ast.Mod: "%", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==",
    ast.NotEq: "!=", ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
    ast.And: "and", ast.Or: "or",
}  # fmt: skip
OPPOSITE = {
    "+": "-", "-": "+", "*": "/", "/": "*", "**": "*", "//": "*", "%": "//", "<": "<=", "<=": "<",
    ">": ">=", ">=": ">", "==": "!=", "!=": "==", "is": "is not", "is not": "is", "in": "not in",
    "not in": "in", "and": "or", "or": "and",
}  # fmt: skip
NEUTRAL = {ast.Add: "0", ast.Sub: "0", ast.Mult: "1", ast.Div: "1", ast.Pow: "1"}
NAMES = {
    "any": "all", "all": "any", "min": "max", "max": "min", "maximum": "minimum", "sum": "mean",
    "minimum": "maximum", "mean": "sum", "zeros": "ones", "zeros_like": "ones_like", "sin": "cos",
    "ones": "zeros", "ones_like": "zeros_like", "argmax": "argmin", "argmin": "argmax",
    "cos": "sin", "sinh": "cosh", "cosh": "sinh", "floor": "ceil", "ceil": "floor",
    "sqrt": "square", "tanh": "sinh", "logical_and": "logical_or", "logical_or": "logical_and",
}  # fmt: skip
SAID = ast.Raise | ast.Assert | ast.JoinedStr | ast.arguments  # nobody computes with these
Function = ast.FunctionDef | ast.AsyncFunctionDef
FIELDS_OF_TYPES = ("annotation", "returns", "decorator_list")


def functions(text: str) -> dict[int, str]:
    """The lines of functions, with the qualified name of the function or method of each."""
    return {
        line: name
        for node, name in functions_in(ast.parse(text).body)
        for line in range(node.lineno, node.end_lineno + 1)
    }


def functions_in(body: list, outer: str = "") -> Iterator[tuple]:
    for node in body:
        if isinstance(node, Function):
            yield node, f"{outer}{node.name}"
        elif isinstance(node, ast.ClassDef):
            yield from functions_in(node.body, f"{outer}{node.name}.")


def changes(text: str) -> Iterator[tuple[int, str]]:
    """Pairs of a line's number and what this line may become."""
    lines = [line.encode() for line in text.splitlines()]  # a tree counts bytes
    for function, _ in functions_in(ast.parse(text).body):
        parameters = [each.arg for each in function.args.args if each.arg != "self"]
        for node in computing(function.body):
            for line, start, end, new in edits(node, parameters, lines):
                old = lines[line - 1]
                yield line, (old[:start] + new.encode() + old[end:]).decode()


def computing(nodes) -> Iterator[ast.AST]:
    """The nodes below some nodes that take part in a computation."""
    for node in nodes:
        if isinstance(node, SAID) or is_docstring(node) or is_strict(node):
            continue
        yield node
        yield from computing(parts_of(node))


def parts_of(node: ast.AST) -> Iterator[ast.AST]:
    for field, value in ast.iter_fields(node):
        if field not in FIELDS_OF_TYPES:
            parts = value if isinstance(value, list) else [value]
            yield from (part for part in parts if isinstance(part, ast.AST))


def is_docstring(node: ast.AST) -> bool:
    text = node.value if isinstance(node, ast.Expr) else None
    return isinstance(text, ast.Constant) and isinstance(text.value, str)


def is_strict(node: ast.AST) -> bool:
    """The `strict` of a zip, which asserts."""
    return isinstance(node, ast.keyword) and node.arg == "strict"


def edits(node: ast.AST, parameters: list[str], lines: list[bytes]) -> Iterator[tuple]:
    """Line, first and last place in it, and what to put there."""
    match node:
        case ast.BinOp():
            yield from other_operator(node.left, node.op, node.right, lines)
            yield from without_operands(node)
        case ast.AugAssign():
            yield from other_operator(node.target, node.op, node.value, lines)
            yield from without(node)
        case ast.BoolOp():
            for left, right in zip(node.values, node.values[1:], strict=False):
                yield from other_operator(left, node.op, right, lines)
        case ast.Compare(ops=[one]):
            yield from other_operator(node.left, one, node.comparators[0], lines)
        case ast.UnaryOp(op=ast.USub() | ast.Not() as op):
            length = 1 if isinstance(op, ast.USub) else 3
            yield node.lineno, node.col_offset, node.col_offset + length, ""
        case ast.Constant(value=bool(value)):
            yield replaced(node, str(not value))
        case ast.Constant(value=int(value)):
            yield replaced(node, str(value + 1))
        case ast.Constant(value=float(value)):
            yield replaced(node, repr(1.5 * value or 1.0))
        case ast.IfExp() | ast.If() | ast.While():
            yield from negated(node.test, lines)
        case ast.comprehension():
            for test in node.ifs:
                yield from negated(test, lines)
        case ast.Attribute(attr=name) if name in NAMES:
            yield node.end_lineno, node.end_col_offset - len(name), node.end_col_offset, NAMES[name]
        case ast.Name(id=name, ctx=ast.Load()):
            if name in NAMES:
                yield replaced(node, NAMES[name])
            if name in parameters and len(parameters) > 1:
                following = (parameters.index(name) + 1) % len(parameters)
                yield replaced(node, parameters[following])
        case ast.Expr(value=ast.Call()):
            yield from without(node)


def replaced(node: ast.AST, new: str) -> tuple:
    return node.lineno, node.col_offset, node.end_col_offset, new


def without(node: ast.AST) -> Iterator[tuple]:
    """A statement that is never reached."""
    yield node.lineno, node.col_offset, node.col_offset, "if False: "


def without_operands(node: ast.BinOp) -> Iterator[tuple]:
    """x or y in place of x + y, x * y ..."""
    for operand in (node.left, node.right):
        computed = not isinstance(operand, ast.Constant) and operand.lineno == operand.end_lineno
        if type(node.op) in NEUTRAL and computed:
            yield replaced(operand, NEUTRAL[type(node.op)])


def other_operator(left: ast.AST, op: ast.AST, right: ast.AST, lines: list[bytes]) -> Iterator:
    """Another operator between two operands; it stands in the line of the second one."""
    symbol = SYMBOLS.get(type(op))
    start = left.end_col_offset if left.end_lineno == right.lineno else 0
    at = lines[right.lineno - 1].rfind((symbol or "?").encode(), start, right.col_offset)
    if symbol and at >= 0:
        yield right.lineno, at, at + len(symbol), OPPOSITE[symbol]


def negated(test: ast.AST, lines: list[bytes]) -> Iterator[tuple]:
    if test.lineno == test.end_lineno:
        words = lines[test.lineno - 1][test.col_offset : test.end_col_offset].decode()
        yield replaced(test, f"not ({words})")
