"""What students may write in lesson 30."""

import itertools
import math

import numpy as np

TILE = 4


def wrong_places__rows_for_inner():
    return {"x": "i * rows + k", "y": "k * columns + j", "result": "i * columns + j"}


def wrong_places__columns_everywhere():
    return {"x": "i * columns + k", "y": "k * columns + j", "result": "i * columns + j"}


def wrong_places__y_turned():
    return {"x": "i * inner + k", "y": "j * inner + k", "result": "i * columns + j"}


def wrong_places__column_by_column():
    return {"x": "k * rows + i", "y": "j * inner + k", "result": "j * rows + i"}


def wrong_places__no_texts():
    return {"x": ("i", "k"), "y": ("k", "j"), "result": ("i", "j")}


def wrong_places__two_brackets():
    return {"x": "x[i][k]", "y": "y[k][j]", "result": "result[i][j]"}


def wrong_places__a_key_is_missing():
    return {"x": "i * inner + k", "y": "k * columns + j"}


def wrong_places__off_by_one():
    return {"x": "i * inner + k + 1", "y": "k * columns + j", "result": "i * columns + j"}


def right_places__turned_around():
    return {"result": "j + columns * i", "y": "(k*columns)+j", "x": " k + i*inner "}


def wrong_launch__no_barrier(kernel, blocks, threads, shared_shape, arguments, order=list):
    for block in order(list(np.ndindex(*blocks))):
        shared = np.full(shared_shape, np.nan)
        for thread in order(list(np.ndindex(*threads))):
            for _ in kernel(block, thread, shared, *arguments):
                pass


def wrong_launch__shared_by_all_blocks(
    kernel, blocks, threads, shared_shape, arguments, order=list
):
    shared = np.full(shared_shape, np.nan)
    for block in order(list(np.ndindex(*blocks))):
        waiting = [kernel(block, t, shared, *arguments) for t in order(list(np.ndindex(*threads)))]
        while waiting:
            left = [one for one in waiting if next(one, "done") is None]
            if left and len(left) < len(waiting):
                raise ValueError("not one barrier")
            waiting = left


def wrong_launch__shared_is_zero(kernel, blocks, threads, shared_shape, arguments, order=list):
    for block in order(list(np.ndindex(*blocks))):
        shared = np.zeros(shared_shape)
        waiting = [kernel(block, t, shared, *arguments) for t in order(list(np.ndindex(*threads)))]
        while waiting:
            left = [one for one in waiting if next(one, "done") is None]
            if left and len(left) < len(waiting):
                raise ValueError("not one barrier")
            waiting = left


def wrong_launch__shared_by_nobody(kernel, blocks, threads, shared_shape, arguments, order=list):
    for block in order(list(np.ndindex(*blocks))):
        waiting = [
            kernel(block, t, np.full(shared_shape, np.nan), *arguments)
            for t in order(list(np.ndindex(*threads)))
        ]
        while waiting:
            left = [one for one in waiting if next(one, "done") is None]
            if left and len(left) < len(waiting):
                raise ValueError("not one barrier")
            waiting = left


def wrong_launch__forgets_the_order(kernel, blocks, threads, shared_shape, arguments, order=list):
    for block in np.ndindex(*blocks):
        shared = np.full(shared_shape, np.nan)
        waiting = [kernel(block, t, shared, *arguments) for t in np.ndindex(*threads)]
        while waiting:
            left = [one for one in waiting if next(one, "done") is None]
            if left and len(left) < len(waiting):
                raise ValueError("not one barrier")
            waiting = left


def wrong_launch__blocks_without_order(
    kernel, blocks, threads, shared_shape, arguments, order=list
):
    for block in np.ndindex(*blocks):
        shared = np.full(shared_shape, np.nan)
        waiting = [kernel(block, t, shared, *arguments) for t in order(list(np.ndindex(*threads)))]
        while waiting:
            left = [one for one in waiting if next(one, "done") is None]
            if left and len(left) < len(waiting):
                raise ValueError("not one barrier")
            waiting = left


def wrong_launch__no_complaint(kernel, blocks, threads, shared_shape, arguments, order=list):
    for block in order(list(np.ndindex(*blocks))):
        shared = np.full(shared_shape, np.nan)
        waiting = [kernel(block, t, shared, *arguments) for t in order(list(np.ndindex(*threads)))]
        while waiting:
            waiting = [one for one in waiting if next(one, "done") is None]


def wrong_launch__one_barrier_only(kernel, blocks, threads, shared_shape, arguments, order=list):
    for block in order(list(np.ndindex(*blocks))):
        shared = np.full(shared_shape, np.nan)
        running = [kernel(block, t, shared, *arguments) for t in order(list(np.ndindex(*threads)))]
        found = [next(one, "done") for one in running]
        if len(set(found)) > 1:
            raise ValueError("not one barrier")
        for one in running:
            next(one, "done")


def wrong_launch__arguments_as_a_list(kernel, blocks, threads, shared_shape, arguments, order=list):
    for block in order(list(np.ndindex(*blocks))):
        shared = np.full(shared_shape, np.nan)
        waiting = [kernel(block, t, shared, arguments) for t in order(list(np.ndindex(*threads)))]
        while waiting:
            left = [one for one in waiting if next(one, "done") is None]
            if left and len(left) < len(waiting):
                raise ValueError("not one barrier")
            waiting = left


def right_launch__with_try(kernel, blocks, threads, shared_shape, arguments, order=list):
    places = list(itertools.product(*map(range, blocks)))
    for block in order(places):
        shared = np.full(shared_shape, np.nan)
        running = []
        for thread in order(list(itertools.product(*map(range, threads)))):
            running.append(kernel(block, thread, shared, *arguments))
        while running:
            still = []
            for one in running:
                try:
                    next(one)
                    still.append(one)
                except StopIteration:
                    pass
            if 0 < len(still) < len(running):
                raise ValueError(f"{len(still)} of {len(running)} threads wait")
            running = still


def right_launch__all_at_a_time(kernel, blocks, threads, shared_shape, arguments, order=list):
    for block in order(list(np.ndindex(*blocks))):
        shared = np.empty(shared_shape)
        shared[...] = np.nan
        all_of_it = [
            kernel(block, t, shared, *arguments) for t in order(list(np.ndindex(*threads)))
        ]
        said = {None}
        while said == {None}:
            said = {next(one, "done") for one in all_of_it}
        if len(said) > 1:
            raise ValueError("the threads do not meet")


def wrong_reads__no_edges(rows, columns, inner, tile):
    return 2 * rows * columns * inner // tile


def wrong_reads__upside_down(rows, columns, inner, tile):
    return rows * inner * math.ceil(rows / tile) + inner * columns * math.ceil(columns / tile)


def wrong_reads__over_the_edge(rows, columns, inner, tile):
    high, wide, deep = (math.ceil(n / tile) for n in (rows, columns, inner))
    return 2 * high * wide * deep * tile * tile


def wrong_reads__each_once(rows, columns, inner, tile):
    return rows * inner + inner * columns


def wrong_reads__half_of_it(rows, columns, inner, tile):
    return rows * inner * math.ceil(columns / tile)


def wrong_reads__rounded_down(rows, columns, inner, tile):
    return rows * inner * (columns // tile) + inner * columns * (rows // tile)


def right_reads__without_math(rows, columns, inner, tile):
    return inner * (rows * -(-columns // tile) + columns * -(-rows // tile))


def right_reads__counted(rows, columns, inner, tile):
    total = 0
    for top, left in itertools.product(range(0, rows, tile), range(0, columns, tile)):
        total += inner * (min(tile, rows - top) + min(tile, columns - left))
    return total


def wrong_tiled_product__no_first_barrier(block, thread, shared, x, y, result):
    (rows, inner), columns = x.shape, y.shape[1]
    r, c = thread
    row, column = block[0] * TILE + r, block[1] * TILE + c
    total = 0.0
    for start in range(0, inner, TILE):
        shared[0, r, c] = x[row, start + c] if row < rows and start + c < inner else 0.0
        shared[1, r, c] = y[start + r, column] if start + r < inner and column < columns else 0.0
        total += sum(shared[0, r, k] * shared[1, k, c] for k in range(TILE))
        yield
    if row < rows and column < columns:
        result[row, column] = total


def wrong_tiled_product__no_second_barrier(block, thread, shared, x, y, result):
    (rows, inner), columns = x.shape, y.shape[1]
    r, c = thread
    row, column = block[0] * TILE + r, block[1] * TILE + c
    total = 0.0
    for start in range(0, inner, TILE):
        shared[0, r, c] = x[row, start + c] if row < rows and start + c < inner else 0.0
        shared[1, r, c] = y[start + r, column] if start + r < inner and column < columns else 0.0
        yield
        total += sum(shared[0, r, k] * shared[1, k, c] for k in range(TILE))
    if row < rows and column < columns:
        result[row, column] = total


def wrong_tiled_product__no_edges(block, thread, shared, x, y, result):
    inner = x.shape[1]
    r, c = thread
    row, column = block[0] * TILE + r, block[1] * TILE + c
    total = 0.0
    for start in range(0, inner, TILE):
        shared[0, r, c] = x[row, start + c]
        shared[1, r, c] = y[start + r, column]
        yield
        total += sum(shared[0, r, k] * shared[1, k, c] for k in range(TILE))
        yield
    result[row, column] = total


def wrong_tiled_product__clipped_reads(block, thread, shared, x, y, result):
    (rows, inner), columns = x.shape, y.shape[1]
    r, c = thread
    row, column = block[0] * TILE + r, block[1] * TILE + c
    total = 0.0
    for start in range(0, inner, TILE):
        in_x = row < rows and start + c < inner
        shared[0, r, c] = x[row, start + c] if in_x else 0.0
        shared[1, r, c] = y[min(start + r, inner - 1), min(column, columns - 1)]
        yield
        total += sum(shared[0, r, k] * shared[1, k, c] for k in range(TILE))
        yield
    if row < rows and column < columns:
        result[row, column] = total


def wrong_tiled_product__first_tile_only(block, thread, shared, x, y, result):
    (rows, inner), columns = x.shape, y.shape[1]
    r, c = thread
    row, column = block[0] * TILE + r, block[1] * TILE + c
    shared[0, r, c] = x[row, c] if row < rows and c < inner else 0.0
    shared[1, r, c] = y[r, column] if r < inner and column < columns else 0.0
    yield
    if row < rows and column < columns:
        result[row, column] = sum(shared[0, r, k] * shared[1, k, c] for k in range(TILE))


def wrong_tiled_product__total_starts_anew(block, thread, shared, x, y, result):
    (rows, inner), columns = x.shape, y.shape[1]
    r, c = thread
    row, column = block[0] * TILE + r, block[1] * TILE + c
    total = 0.0
    for start in range(0, inner, TILE):
        shared[0, r, c] = x[row, start + c] if row < rows and start + c < inner else 0.0
        shared[1, r, c] = y[start + r, column] if start + r < inner and column < columns else 0.0
        yield
        total = sum(shared[0, r, k] * shared[1, k, c] for k in range(TILE))
        yield
    if row < rows and column < columns:
        result[row, column] = total


def wrong_tiled_product__writes_inside_the_loop(block, thread, shared, x, y, result):
    (rows, inner), columns = x.shape, y.shape[1]
    r, c = thread
    row, column = block[0] * TILE + r, block[1] * TILE + c
    for start in range(0, inner, TILE):
        shared[0, r, c] = x[row, start + c] if row < rows and start + c < inner else 0.0
        shared[1, r, c] = y[start + r, column] if start + r < inner and column < columns else 0.0
        yield
        if row < rows and column < columns:
            result[row, column] += sum(shared[0, r, k] * shared[1, k, c] for k in range(TILE))
        yield


def wrong_tiled_product__reads_it_all(block, thread, shared, x, y, result):
    row, column = block[0] * TILE + thread[0], block[1] * TILE + thread[1]
    if row < x.shape[0] and column < y.shape[1]:
        result[row, column] = sum(x[row, k] * y[k, column] for k in range(x.shape[1]))
    yield


def wrong_tiled_product__tile_turned(block, thread, shared, x, y, result):
    (rows, inner), columns = x.shape, y.shape[1]
    r, c = thread
    row, column = block[0] * TILE + r, block[1] * TILE + c
    total = 0.0
    for start in range(0, inner, TILE):
        shared[0, r, c] = x[row, start + c] if row < rows and start + c < inner else 0.0
        shared[1, r, c] = y[start + r, column] if start + r < inner and column < columns else 0.0
        yield
        total += sum(shared[0, r, k] * shared[1, c, k] for k in range(TILE))
        yield
    if row < rows and column < columns:
        result[row, column] = total


def wrong_tiled_product__leaves_early(block, thread, shared, x, y, result):
    (rows, inner), columns = x.shape, y.shape[1]
    r, c = thread
    row, column = block[0] * TILE + r, block[1] * TILE + c
    if row >= rows or column >= columns:
        return
    total = 0.0
    for start in range(0, inner, TILE):
        shared[0, r, c] = x[row, start + c] if start + c < inner else 0.0
        shared[1, r, c] = y[start + r, column] if start + r < inner else 0.0
        yield
        total += sum(shared[0, r, k] * shared[1, k, c] for k in range(TILE))
        yield
    result[row, column] = total


def wrong_tiled_product__no_yield(block, thread, shared, x, y, result):
    row, column = block[0] * TILE + thread[0], block[1] * TILE + thread[1]
    if row < x.shape[0] and column < y.shape[1]:
        result[row, column] = sum(x[row, k] * y[k, column] for k in range(x.shape[1]))


def right_tiled_product__steps_are_counted(block, thread, shared, x, y, result):
    r, c = thread
    row, column = TILE * block[0] + r, TILE * block[1] + c
    rows, inner = x.shape
    _, columns = y.shape
    total = 0
    for step in range(math.ceil(inner / TILE)):
        shared[:, r, c] = 0
        if row < rows and step * TILE + c < inner:
            shared[0, r, c] = x[row, step * TILE + c]
        if column < columns and step * TILE + r < inner:
            shared[1, r, c] = y[step * TILE + r, column]
        yield
        for k in range(TILE):
            total += shared[0, r, k] * shared[1, k, c]
        yield
    inside = row < rows and column < columns
    if inside:
        result[row, column] = total


def right_tiled_product__dot_product(block, thread, shared, x, y, result):
    (r, c), total, start = thread, 0.0, 0
    row, column = block[0] * TILE + r, block[1] * TILE + c
    is_row, is_column = row < x.shape[0], column < y.shape[1]
    while start < x.shape[1]:
        shared[0][r][c] = x[row, start + c] if is_row and start + c < x.shape[1] else 0.0
        shared[1][r][c] = y[start + r, column] if is_column and start + r < y.shape[0] else 0.0
        yield "all have fetched" and None
        total = total + shared[0][r] @ shared[1][:, c]
        start += TILE
        yield
    if is_row and is_column:
        result[row, column] = total


def wrong_my_prediction__a_list():
    return ["wrong", "wrong", "right"]


def wrong_my_prediction__booleans():
    return {"first": False, "second": False, "second, one step": True}


def wrong_my_prediction__a_key_is_missing():
    return {"first": "wrong", "second": "wrong"}


def wrong_my_prediction__other_words():
    return {"first": "wrong", "second": "sometimes", "second, one step": "right"}


def right_my_prediction__a_wrong_guess():
    return {"second, one step": "wrong", "first": "right", "second": "right"}
