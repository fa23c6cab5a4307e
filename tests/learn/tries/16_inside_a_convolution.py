"""What students write in lesson 16."""

# ruff: noqa: F821 (the names of the lesson are there when these run)


def wrong_convolve_by_shifts__last_place_only(x, kernel):
    n, (height, width) = len(kernel), (x.shape[1] - len(kernel) + 1, x.shape[2] - len(kernel) + 1)
    for r in range(n):
        for c in range(n):
            y = x[:, r : r + height, c : c + width] @ kernel[r, c]
    return y


def wrong_convolve_by_shifts__turned_kernel(x, kernel):
    n, (height, width) = len(kernel), (x.shape[1] - len(kernel) + 1, x.shape[2] - len(kernel) + 1)
    y = np.zeros((len(x), height, width, kernel.shape[-1]), x.dtype)
    for r in range(n):
        for c in range(n):
            y += x[:, r : r + height, c : c + width] @ kernel[n - 1 - r, n - 1 - c]
    return y


def wrong_convolve_by_shifts__rows_and_columns(x, kernel):
    n, (height, width) = len(kernel), (x.shape[1] - len(kernel) + 1, x.shape[2] - len(kernel) + 1)
    y = np.zeros((len(x), height, width, kernel.shape[-1]), x.dtype)
    for r in range(n):
        for c in range(n):
            y += x[:, r : r + height, c : c + width] @ kernel[c, r]
    return y


def wrong_convolve_by_shifts__size_off_by_one(x, kernel):
    n, (height, width) = len(kernel), (x.shape[1] - len(kernel), x.shape[2] - len(kernel))
    y = np.zeros((len(x), height, width, kernel.shape[-1]), x.dtype)
    for r in range(n):
        for c in range(n):
            y += x[:, r : r + height, c : c + width] @ kernel[r, c]
    return y


def wrong_convolve_by_shifts__float64(x, kernel):
    n, (height, width) = len(kernel), (x.shape[1] - len(kernel) + 1, x.shape[2] - len(kernel) + 1)
    y = np.zeros((len(x), height, width, kernel.shape[-1]))
    for r in range(n):
        for c in range(n):
            y += x[:, r : r + height, c : c + width] @ kernel[r, c]
    return y


def wrong_convolve_by_shifts__mean(x, kernel):
    n, (height, width) = len(kernel), (x.shape[1] - len(kernel) + 1, x.shape[2] - len(kernel) + 1)
    y = np.zeros((len(x), height, width, kernel.shape[-1]), x.dtype)
    for r in range(n):
        for c in range(n):
            y += x[:, r : r + height, c : c + width] @ kernel[r, c] / n**2
    return y


def right_convolve_by_shifts__views(x, kernel):
    n = len(kernel)
    seen = np.lib.stride_tricks.sliding_window_view(x, (n, n), axis=(1, 2))
    return np.einsum("bhwirc,rcif->bhwf", seen, kernel)


def right_convolve_by_shifts__tensordot(x, kernel):
    n, (height, width) = len(kernel), (x.shape[1] - len(kernel) + 1, x.shape[2] - len(kernel) + 1)
    parts = [
        np.tensordot(x[:, r : r + height, c : c + width], kernel[r, c], 1)
        for r in range(n)
        for c in range(n)
    ]
    return sum(parts[1:], parts[0])


def wrong_windows__minus_one_for_the_length(x, size):
    height, width = x.shape[1] - size + 1, x.shape[2] - size + 1
    moved = [x[:, r : r + height, c : c + width] for r in range(size) for c in range(size)]
    return np.concatenate(moved, axis=-1).reshape(len(x) * height * width, -1)


def wrong_windows__stacked(x, size):
    height, width = x.shape[1] - size + 1, x.shape[2] - size + 1
    moved = [x[:, r : r + height, c : c + width] for r in range(size) for c in range(size)]
    return np.stack(moved, axis=1).reshape(-1, size * size * x.shape[-1])


def wrong_windows__c_is_the_outer_loop(x, size):
    height, width = x.shape[1] - size + 1, x.shape[2] - size + 1
    moved = [x[:, r : r + height, c : c + width] for c in range(size) for r in range(size)]
    return np.concatenate(moved, axis=-1).reshape(-1, size * size * x.shape[-1])


def wrong_windows__channels_first(x, size):
    height, width = x.shape[1] - size + 1, x.shape[2] - size + 1
    moved = [x[:, r : r + height, c : c + width] for r in range(size) for c in range(size)]
    return np.stack(moved, axis=-1).reshape(-1, size * size * x.shape[-1])


def wrong_windows__four_axes(x, size):
    height, width = x.shape[1] - size + 1, x.shape[2] - size + 1
    moved = [x[:, r : r + height, c : c + width] for r in range(size) for c in range(size)]
    return np.concatenate(moved, axis=-1)


def wrong_windows__transposed(x, size):
    height, width = x.shape[1] - size + 1, x.shape[2] - size + 1
    moved = [x[:, r : r + height, c : c + width] for r in range(size) for c in range(size)]
    return np.concatenate(moved, axis=-1).reshape(-1, size * size * x.shape[-1]).T


def right_windows__minus_one_for_the_rows(x, size):
    height, width = x.shape[1] - size + 1, x.shape[2] - size + 1
    moved = [x[:, r : r + height, c : c + width] for r in range(size) for c in range(size)]
    return np.concatenate(moved, axis=-1).reshape(-1, size * size * x.shape[-1])


def right_windows__one_by_one(x, size):
    height, width = x.shape[1] - size + 1, x.shape[2] - size + 1
    rows = [
        one[r : r + size, c : c + size].ravel()
        for one in x
        for r in range(height)
        for c in range(width)
    ]
    return np.array(rows).reshape(len(rows), size * size * x.shape[-1])


def wrong_hand_back__no_sum(g, kernel, shape):
    gx, (height, width) = np.zeros((len(g), *shape), g.dtype), g.shape[2:4]
    for r in range(len(kernel)):
        for c in range(len(kernel)):
            gx[:, :, r : r + height, c : c + width] = g @ kernel[r, c].T
    return gx


def wrong_hand_back__turned(g, kernel, shape):
    gx, (height, width) = np.zeros((len(g), *shape), g.dtype), g.shape[2:4]
    for r in range(len(kernel)):
        for c in range(len(kernel)):
            gx[:, :, r : r + height, c : c + width] += g @ kernel[-1 - r, -1 - c].T
    return gx


def wrong_hand_back__not_transposed(g, kernel, shape):
    gx, (height, width) = np.zeros((len(g), *shape), g.dtype), g.shape[2:4]
    for r in range(len(kernel)):
        for c in range(len(kernel)):
            gx[:, :, r : r + height, c : c + width] += g @ kernel[r, c]
    return gx


def wrong_hand_back__without_rows(g, kernel, shape):
    gx, (height, width) = np.zeros(shape, g.dtype), g.shape[2:4]
    for r in range(len(kernel)):
        for c in range(len(kernel)):
            gx[:, r : r + height, c : c + width] += g[0] @ kernel[r, c].T
    return gx


def wrong_hand_back__first_row_for_all(g, kernel, shape):
    gx, (height, width) = np.zeros((len(g), *shape), g.dtype), g.shape[2:4]
    for r in range(len(kernel)):
        for c in range(len(kernel)):
            gx[:, :, r : r + height, c : c + width] += g[:1] @ kernel[r, c].T
    return gx


def wrong_hand_back__float64(g, kernel, shape):
    gx, (height, width) = np.zeros((len(g), *shape)), g.shape[2:4]
    for r in range(len(kernel)):
        for c in range(len(kernel)):
            gx[:, :, r : r + height, c : c + width] += g @ kernel[r, c].T
    return gx


def right_hand_back__as_a_convolution(g, kernel, shape):
    n = len(kernel)
    wide = np.pad(g, [(0, 0), (0, 0), (n - 1, n - 1), (n - 1, n - 1), (0, 0)])
    flat = wide.reshape(wide.shape[0] * wide.shape[1], *wide.shape[2:])
    turned = kernel[::-1, ::-1].swapaxes(2, 3)
    return convolve_by_shifts(flat, turned).reshape(len(g), *shape)


def right_hand_back__einsum(g, kernel, shape):
    gx, (height, width) = np.zeros((len(g), *shape), g.dtype), g.shape[2:4]
    for r, c in np.ndindex(kernel.shape[:2]):
        part = np.einsum("kbhwf,if->kbhwi", g, kernel[r, c])
        gx[:, :, r : r + height, c : c + width] += part
    return gx


def wrong_my_prediction__a_number():
    return 2


def wrong_my_prediction__another_word():
    return "the larger one"


def wrong_my_prediction__a_list():
    return ["alphabet"]


def wrong_my_prediction__none():
    return None


def right_my_prediction__a_wrong_guess():
    return "letter"
