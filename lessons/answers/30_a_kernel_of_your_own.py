"""Answers to lesson 30."""

import ast
import math

import numpy as np


def places():
    return {"x": "i * inner + k", "y": "k * columns + j", "result": "i * columns + j"}


def launch(kernel, blocks, threads, shared_shape, arguments, order=list):
    for block in order(list(np.ndindex(*blocks))):
        shared = np.full(shared_shape, np.nan)
        waiting = [
            kernel(block, thread, shared, *arguments)
            for thread in order(list(np.ndindex(*threads)))
        ]
        while waiting:
            left = [one for one in waiting if next(one, "done") is None]
            if left and len(left) < len(waiting):
                raise ValueError(
                    f"block {block}: the threads do not meet at one barrier "
                    "(those over the edge must come to each barrier, too)"
                )
            waiting = left


def reads(rows, columns, inner, tile):
    of_x = rows * inner * math.ceil(columns / tile)
    of_y = inner * columns * math.ceil(rows / tile)
    return of_x + of_y


def tiled_product(block, thread, shared, x, y, result):
    (rows, inner), columns = x.shape, y.shape[1]
    r, c = thread
    row, column = block[0] * TILE + r, block[1] * TILE + c
    total = 0.0
    for start in range(0, inner, TILE):
        in_x = row < rows and start + c < inner
        in_y = start + r < inner and column < columns
        shared[0, r, c] = x[row, start + c] if in_x else 0.0
        shared[1, r, c] = y[start + r, column] if in_y else 0.0
        yield  # all have fetched
        total += sum(shared[0, r, k] * shared[1, k, c] for k in range(TILE))
        yield  # all have read
    if row < rows and column < columns:
        result[row, column] = total


def my_prediction():
    return {"first": "wrong", "second": "wrong", "second, one step": "right"}


TILE = 4  # as in the lesson

HINTS = {
    "places": [
        "Row i of x begins behind i whole rows. How long is a row of x?",
        "x[i, k]: i rows with `inner` numbers each, and then k more.",
        'A row of y and a row of the result are `columns` long: "k * columns + j" ...',
    ],
    "launch": [
        "for block in order(list(np.ndindex(*blocks))): shared = np.full(shared_shape, np.nan)",
        "A thread is kernel(block, thread, shared, *arguments). Make a list `waiting` of all "
        "threads of the block, in order.",
        'while waiting: left = [one for one in waiting if next(one, "done") is None]',
        "If there are some left, but fewer than were waiting: raise ValueError(...). Then "
        "waiting = left.",
    ],
    "reads": [
        "x has rows * inner numbers. It is read once for each column of blocks.",
        "There are math.ceil(columns / tile) columns of blocks, math.ceil(rows / tile) rows.",
        "return rows * inner * ... + inner * columns * ...",
    ],
    "tiled_product": [
        "row = block[0] * TILE + r, column = block[1] * TILE + c. Begin with total = 0.0, and "
        "loop: for start in range(0, inner, TILE).",
        "shared[0, r, c] is x[row, start + c] if row < rows and start + c < inner, otherwise 0.0. "
        "The same for y. Then yield.",
        "Add up shared[0, r, k] * shared[1, k, c] for k in range(TILE). Then yield again.",
        "After the loop: if row < rows and column < columns, result[row, column] = total.",
    ],
    "my_prediction": [
        "Without the first barrier: is the tile full when the first thread begins to add?",
        "Without the second: who could still be reading when a quick thread fetches the next tile?",
        'The form: return {"first": "...", "second": "...", "second, one step": "..."}',
    ],
}


NAMES = ("i", "j", "k", "rows", "columns", "inner")


def place_of(lesson, key):
    """The text of a place, as something that Python can work out, too."""
    found = lesson.places()
    assert isinstance(found, dict), f"Return a dict of texts, not {found!r}."
    assert set(found) == {"x", "y", "result"}, f"The keys are x, y and result, not {list(found)}."
    text = found[key]
    assert isinstance(text, str), (
        f"The place in {key} must be a text, such as 'i * rows', not {text!r}."
    )
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError:
        raise AssertionError(f"{text!r} cannot be worked out: use +, * and names") from None
    for node in ast.walk(tree):
        known = isinstance(node, ast.Expression | ast.BinOp | ast.Add | ast.Mult | ast.Load)
        is_name = isinstance(node, ast.Name) and node.id in NAMES
        assert known or is_name, f"{text!r}: use only +, *, parentheses and {', '.join(NAMES)}."
    return text, compile(tree, "place", "eval")


def judge_place(lesson, key, right):
    text, code = place_of(lesson, key)
    for rows, columns, inner in ((2, 3, 5), (4, 1, 2), (1, 6, 3)):
        for i, j, k in np.ndindex(rows, columns, inner):
            names = dict(zip(NAMES, (i, j, k, rows, columns, inner), strict=True))
            found, expected = eval(code, {}, names), right(**names)
            assert found == expected, (
                f"{key}: with rows={rows}, columns={columns}, inner={inner}, for i={i}, j={j}, "
                f"k={k}, {text!r} is {found}; the number lies at {expected}."
            )


def check_places__x(lesson):
    """x[i, k] is found: a row of x has `inner` numbers."""
    judge_place(lesson, "x", lambda i, k, inner, **_: i * inner + k)


def check_places__y(lesson):
    """y[k, j] is found: a row of y has `columns` numbers."""
    judge_place(lesson, "y", lambda k, j, columns, **_: k * columns + j)


def check_places__result(lesson):
    """result[i, j] is found."""
    judge_place(lesson, "result", lambda i, j, columns, **_: i * columns + j)


BACKWARD = {"forward": list, "backward": lambda places: places[::-1]}


def check_launch__everybody_once(lesson):
    """Each thread of each block runs once, to its end, with the arguments."""
    for blocks, threads in (((2, 3), (2, 2)), ((1,), (3,)), ((2,), (1, 4))):
        seen = []

        def kernel(block, thread, shared, to, number):
            yield
            yield
            to.append((tuple(block), tuple(thread), number))

        lesson.launch(kernel, blocks, threads, (1,), [seen, 7])
        expected = {(b, t, 7) for b in np.ndindex(*blocks) for t in np.ndindex(*threads)}
        assert len(seen) == len(set(seen)), f"Some threads came to their end twice: {seen}."
        assert set(seen) == expected, (
            f"{blocks} blocks of {threads} threads with two barriers: {len(expected)} threads come "
            f"to their end, yours are {len(seen)}: {seen[:6]}."
        )


def check_launch__a_barrier_waits(lesson):
    """Behind a barrier each thread sees what all others have written before it."""
    for name, order in BACKWARD.items():
        found = {}

        def kernel(block, thread, shared, to):
            shared[thread] = 10 * block[0] + thread[0]
            yield
            to[block[0], thread[0]] = shared.sum()
            yield
            shared[thread] = 0.0
            yield
            to[block[0], thread[0], "later"] = shared.sum()

        lesson.launch(kernel, (2,), (3,), (3,), [found], order)
        for (b, *rest), value in found.items():
            expected = 0.0 if "later" in rest else 30 * b + 3
            assert value == expected, (
                f"order {name}: a thread sees the sum {value} behind a barrier, not {expected}. "
                "Run ALL threads up to their next yield before one goes on."
            )
        assert len(found) == 12, f"order {name}: not all threads came to their end."


def check_launch__shared_is_new(lesson):
    """Shared memory is one for a block, new for the next, and full of NaN."""
    seen = []

    def kernel(block, thread, shared):
        seen.append((block[0], shared, np.isnan(shared).all(), shared.shape))
        yield
        shared[...] = 5.0
        yield

    lesson.launch(kernel, (3,), (2,), (2, 4), [])
    assert all(shape == (2, 4) for *_, shape in seen), f"The shape is (2, 4), not {seen[0][-1]}."
    assert all(is_nan for _, _, is_nan, _ in seen), "It must be full of NaN when a block begins."
    for one in range(3):
        parts = [shared for block, shared, _, _ in seen if block == one]
        assert parts[0] is parts[1], "The threads of a block must get the same array."


def check_launch__order(lesson):
    """Blocks and threads run in the order that is given."""
    seen = []

    def kernel(block, thread, shared):
        seen.append((block[0], thread[0]))
        yield

    for order in (list, lambda p: p[::-1], lambda p: p[1::2] + p[::2]):
        seen.clear()
        lesson.launch(kernel, (3,), (4,), (1,), [], order)
        blocks, threads = order(list(range(3))), order(list(range(4)))
        expected = [(b, t) for b in blocks for t in threads]
        assert seen == expected, (
            f"(block, thread) should begin in the order {expected}, not {seen}."
        )


def check_launch__one_barrier(lesson):
    """Threads that do not meet at one barrier are a ValueError."""

    def kernel(block, thread, shared):
        if thread[0] == 0:
            yield

    try:
        lesson.launch(kernel, (1,), (3,), (1,), [])
    except ValueError:
        return
    raise AssertionError(
        "thread 0 waits at a barrier, the others are done: that must raise a ValueError"
    )


def check_launch__nothing(lesson):
    """No blocks, nothing to do."""

    def kernel(block, thread, shared):
        raise AssertionError("there is no block, and yet a thread runs")
        yield

    lesson.launch(kernel, (0, 2), (2, 2), (1,), [])


def judge_reads(lesson, cases):
    for sizes, expected in cases:
        found = lesson.reads(*sizes)
        assert found == expected, (
            f"rows, columns, inner, tile = {sizes}: {expected} reads, yours is {found}."
        )


def check_reads__no_tiles(lesson):
    """With a tile of 1, each result reads a row and a column."""
    judge_reads(lesson, [((2, 3, 5, 1), 60), ((1, 1, 1, 1), 2)])


def check_reads__tiles(lesson):
    """Tiles that fit divide the reads by their side."""
    judge_reads(lesson, [((8, 12, 4, 4), 8 * 4 * 3 + 4 * 12 * 2), ((16, 16, 16, 16), 512)])


def check_reads__odd(lesson):
    """Blocks at the edge count as blocks, too."""
    judge_reads(
        lesson, [((5, 3, 7, 4), 5 * 7 * 1 + 7 * 3 * 2), ((9, 10, 2, 8), 9 * 2 * 2 + 2 * 10 * 2)]
    )


def check_reads__empty(lesson):
    """Where nothing is, nothing is read."""
    judge_reads(lesson, [((0, 3, 2, 4), 0), ((3, 0, 2, 4), 0), ((3, 2, 0, 4), 0)])


def multiplied(lesson, x, y, order=list):
    """What the kernel makes of x and y, and its reads; x and y must stay as they are."""
    x, y = np.array(x, float), np.array(y, float)
    before = x.copy(), y.copy()
    result = np.full((len(x), y.shape[1]), 777.0)
    slow = [lesson.SlowMemory(x), lesson.SlowMemory(y)]
    blocks = [math.ceil(n / TILE) for n in result.shape]

    def kernel(*arguments):
        thread = lesson.tiled_product(*arguments)
        assert hasattr(thread, "__next__"), (
            f"A thread must have barriers (yield); your function returned {thread!r}."
        )
        return thread

    with np.errstate(all="ignore"):
        launch(kernel, blocks, (TILE, TILE), (2, TILE, TILE), [*slow, result], order)
    assert np.array_equal(x, before[0], equal_nan=True), "x was written into."
    assert np.array_equal(y, before[1], equal_nan=True), "y was written into."
    return result, sum(memory.reads for memory in slow)


def compare(lesson, sizes, order=list, change=None):
    random = np.random.default_rng(1)
    for rows, inner, columns in sizes:
        x, y = random.standard_normal((rows, inner)), random.standard_normal((inner, columns))
        if change:
            change(x, y)
        with np.errstate(all="ignore"):
            right = x @ y
        found, _ = multiplied(lesson, x, y, order)
        assert np.allclose(found, right, equal_nan=True), (
            f"x {x.shape} times y {y.shape} is\n{right.round(2)}\nyours is\n{found.round(2)}\n"
            "(777: nobody has written there). Numbers over the edge count as 0. NaN or wrong: "
            "is there a barrier before the sum, and a second one after it?"
        )


def check_tiled_product__one_tile(lesson):
    """It multiplies matrices of one tile."""
    compare(lesson, [(4, 4, 4)])


def check_tiled_product__several_tiles(lesson):
    """It goes along `inner`, and knows its block."""
    compare(lesson, [(4, 8, 4), (8, 4, 12), (8, 12, 8)])


def check_tiled_product__odd_sizes(lesson):
    """It multiplies matrices whose sizes are no multiples of the tile."""
    compare(lesson, [(1, 1, 1), (5, 7, 3), (3, 9, 6), (2, 3, 10)])


def check_tiled_product__empty(lesson):
    """Nothing times nothing: an `inner` of 0 gives zeros."""
    compare(lesson, [(3, 0, 2), (0, 3, 2), (2, 3, 0)])


def check_tiled_product__any_order(lesson):
    """It is right in whatever order the threads run: both barriers are there."""
    for order in (lambda p: p[::-1], lambda p: p[1::2] + p[::2]):
        compare(lesson, [(5, 9, 6), (8, 8, 8)], order)


def check_tiled_product__infinity(lesson):
    """NaN and infinity come only where they belong."""

    def change(x, y):
        x[1, 2], y[4, 1], y[0, 0] = np.nan, np.inf, -np.inf

    compare(lesson, [(5, 6, 7), (3, 5, 2)], change=change)


def check_tiled_product__reads(lesson):
    """It reads each number of a tile once, and nothing over the edge."""
    for rows, inner, columns in ((8, 8, 8), (5, 7, 3)):
        x, y = np.ones((rows, inner)), np.ones((inner, columns))
        found, expected = multiplied(lesson, x, y)[1], reads(rows, columns, inner, TILE)
        assert found == expected, (
            f"x {x.shape} times y {y.shape}: {expected} reads from slow memory, yours are {found}. "
            "Each thread fetches one number of x and one of y in a step, and adds from `shared`."
        )


KEYS = {"first", "second", "second, one step"}


def check_my_prediction__keys(lesson):
    """It is a dict with the three keys."""
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"Return a dict, not {found!r}."
    assert set(found) == KEYS, f"The keys are {sorted(KEYS)}, not {list(found)}."


def check_my_prediction__words(lesson):
    """Each value is "right" or "wrong"."""
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"Return a dict, not {found!r}."
    other = [word for word in found.values() if word not in ("right", "wrong")]
    assert not other, f'Use "right" or "wrong", not {other}.'
