"""Solutions, hints and checks of lesson 16."""

import numpy as np

import tinygrad_mo as tg


def convolve_by_shifts(x, kernel):
    size, filters = kernel.shape[0], kernel.shape[-1]
    height, width = x.shape[1] - size + 1, x.shape[2] - size + 1
    y = np.zeros((len(x), height, width, filters), x.dtype)
    for r in range(size):
        for c in range(size):
            # all windows have kernel[r, c] on this part of the picture
            y += x[:, r : r + height, c : c + width] @ kernel[r, c]
    return y


def windows(x, size):
    height, width = x.shape[1] - size + 1, x.shape[2] - size + 1
    moved = [
        x[:, r : r + height, c : c + width] for r in range(size) for c in range(size)
    ]  # in the order of the kernel's places
    side_by_side = np.concatenate(moved, axis=-1)
    return side_by_side.reshape(len(x) * height * width, size * size * x.shape[-1])


def hand_back(g, kernel, shape):
    gx = np.zeros((len(g), *shape), g.dtype)
    height, width = g.shape[2:4]
    for r in range(len(kernel)):
        for c in range(len(kernel)):
            # += because the windows overlap: a pixel gets something from each of its windows
            gx[:, :, r : r + height, c : c + width] += g @ kernel[r, c].T
    return gx


def my_prediction():
    return "alphabet"


HINTS = {
    "convolve_by_shifts": [
        "Two loops: for each place (r, c) of the kernel, add one moved part of x to y.",
        "The part for (r, c) begins at row r and column c, and is as large as y: "
        "x[:, r : r + height, c : c + width], with height = x.shape[1] - size + 1.",
        "y += x[:, r : r + height, c : c + width] @ kernel[r, c], in both loops, with "
        "y = np.zeros((len(x), height, width, kernel.shape[-1]), x.dtype) before them.",
    ],
    "windows": [
        "These are the same moved parts as before. This time, collect them in a list.",
        "np.concatenate(parts, axis=-1) puts them side by side: r is the outer loop, c the inner.",
        "Then .reshape(len(x) * height * width, size * size * x.shape[-1]): a row for each window.",
    ],
    "hand_back": [
        "The same two loops. Forward, the part of x for (r, c) was multiplied with kernel[r, c]. "
        "Back, g times the transposed kernel[r, c] goes to the same part.",
        "g has two axes before height and width (rows and batch), so the part is "
        "gx[:, :, r : r + height, c : c + width], with height, width = g.shape[2:4].",
        "gx[:, :, r : r + height, c : c + width] += g @ kernel[r, c].T",
    ],
    "my_prediction": [
        "One loss is larger. Is its gradient larger, too?",
        'Whatever you think: return "alphabet", "letter" or "both alike".',
    ],
}


def examples():
    random = np.random.default_rng(0)
    x, kernel = random.normal(size=(2, 6, 5, 3)), random.normal(size=(3, 3, 3, 4))
    options = {"strides": (1, 1), "padding": "valid", "dilation_rate": (1, 1)}
    y, (pull_x, _, _) = tg.ops.convolution(x, kernel, None, **options)
    g = random.normal(size=(3, *y.shape))
    return x, kernel, y, g, pull_x(g)


def largest_gap(received, expected):
    """How far two arrays of one shape are apart."""
    assert np.shape(received) == expected.shape, (
        f"The shape is {np.shape(received)}, expected was {expected.shape}."
    )
    return np.abs(np.asarray(received) - expected).max()


def check_convolve_by_shifts__shape(lesson):
    """The new picture is smaller by size - 1, with one channel for each filter."""
    x, kernel, y, _, _ = examples()
    received = np.shape(lesson.convolve_by_shifts(x, kernel))
    assert received == y.shape, (
        f"x {x.shape} with a kernel {kernel.shape} must give {y.shape}, received was {received}: "
        f"a window of 3 fits into 6 rows at 4 places."
    )


def check_convolve_by_shifts__one_place(lesson):
    """A kernel that is 1 at one place moves the picture."""
    x = np.arange(20.0).reshape(1, 4, 5, 1)
    for r, c in ((0, 0), (1, 2)):
        kernel = np.zeros((3, 3, 1, 1))
        kernel[r, c] = 1
        received = np.asarray(lesson.convolve_by_shifts(x, kernel))[0, :, :, 0].tolist()
        expected = x[0, r : r + 2, c : c + 3, 0].tolist()
        assert received == expected, (
            f"With a kernel that is 1 at {(r, c)} and 0 elsewhere, the picture "
            f"{x[0, :, :, 0].tolist()} must give {expected}, received was {received}: the part for "
            f"(r, c) begins at row r and column c."
        )


def check_convolve_by_shifts__values(lesson):
    """All places, channels and filters are summed up as in the library."""
    x, kernel, y, _, _ = examples()
    gap = largest_gap(lesson.convolve_by_shifts(x, kernel), y)
    assert gap < 1e-9, (
        f"The result differs from the library's by up to {gap:.3g}: do you add (+=) the parts of "
        f"all places, each times the matrix kernel[r, c]?"
    )


def check_convolve_by_shifts__type(lesson):
    """Pictures in float32 stay float32."""
    x, kernel, _, _, _ = examples()
    y = lesson.convolve_by_shifts(x.astype("float32"), kernel.astype("float32"))
    assert y.dtype == np.float32, (
        f"x was float32 and the result is {y.dtype}: make the zeros with np.zeros(shape, x.dtype)."
    )


EMPTY = "name all lengths of a shape: -1 cannot be found out where there is nothing."


def without_pictures(function, full, empty):
    """The shape for a batch of 0 pictures, once that for 2 of them is right."""
    (arguments, right), (nothing, right_of_nothing) = full, empty
    found = np.shape(function(*arguments))
    assert found == right, f"For 2 pictures the shape is {right}, received was {found}."
    try:
        found = np.shape(function(*nothing))
    except ValueError as error:
        raise AssertionError(
            f"it breaks on a batch of 0 pictures, and the library tries each layer with one "
            f"({error}): {EMPTY}"
        ) from error
    assert found == right_of_nothing, (
        f"For a batch of 0 pictures the result must have the shape {right_of_nothing}, received "
        f"was {found}: {EMPTY}"
    )


def check_convolve_by_shifts__empty_batch(lesson):
    """a batch of no pictures makes no pictures, of the right size."""
    x, kernel, y, _, _ = examples()
    full, empty = ((x, kernel), y.shape), ((x[:0], kernel), (0, *y.shape[1:]))
    without_pictures(lesson.convolve_by_shifts, full, empty)


def check_my_prediction__one_of_three(lesson):
    """The prediction is one of three words."""
    received, words = lesson.my_prediction(), ("alphabet", "letter", "both alike")
    assert received in words, f"Return one of {words}, not {received!r}."


def check_my_prediction__text(lesson):
    """It is a text."""
    received = lesson.my_prediction()
    assert isinstance(received, str), f"Write it in quotation marks: a text, not {received!r}."


def check_windows__shape(lesson):
    """One row for each window, one column for each number in it."""
    x = examples()[0]
    received = np.shape(lesson.windows(x, 3))
    assert received == (24, 27), (
        f"2 pictures of 6x5 pixels have 2 * 4 * 3 = 24 windows of 3x3, each with 3 * 3 * 3 = 27 "
        f"numbers: (24, 27) was expected, received was {received}."
    )


def check_windows__first_row(lesson):
    """The first row is the first window, row by row."""
    x = np.arange(20.0).reshape(1, 4, 5, 1)
    received = np.asarray(lesson.windows(x, 2))[0].tolist()
    assert received == [0.0, 1.0, 5.0, 6.0], (
        f"The first 2x2 window of {x[0, :, :, 0].tolist()} is [0.0, 1.0, 5.0, 6.0], received was "
        f"{received}: c is the inner loop."
    )


def check_windows__values(lesson):
    """The matrix times the kernel is the convolution."""
    x, kernel, y, _, _ = examples()
    gap = largest_gap(lesson.windows(x, 3) @ kernel.reshape(27, 4), y.reshape(24, 4))
    assert gap < 1e-9, (
        f"windows @ kernel differs from the library's convolution by up to {gap:.3g}: within a row "
        f"the order is (r, c, channel), so concatenate along the last axis before you reshape."
    )


def check_hand_back__shape(lesson):
    """The gradient of x has the shape of x, behind the rows."""
    x, kernel, _, g, _ = examples()
    received = np.shape(lesson.hand_back(g, kernel, x.shape))
    assert received == (3, *x.shape), (
        f"With 3 rows and x {x.shape} the gradient must be {(3, *x.shape)}, yours is {received}."
    )


def check_hand_back__added(lesson):
    """A pixel gets the sum of what all its windows hand back."""
    ones = np.ones((1, 1, 2, 2, 1)), np.ones((2, 2, 1, 1))
    received = np.asarray(lesson.hand_back(*ones, (1, 3, 3, 1)))[0, 0, :, :, 0].tolist()
    expected = [[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]
    assert received == expected, (
        f"If all numbers in g and in a 2x2 kernel are 1, each pixel of 3x3 gets 1 from each of its "
        f"windows: {expected}. Received was {received}: use += where windows overlap."
    )


def check_hand_back__values(lesson):
    """The gradient of x is the library's."""
    x, kernel, _, g, expected = examples()
    gap = largest_gap(lesson.hand_back(g, kernel, x.shape), expected)
    assert gap < 1e-9, (
        f"The gradient differs from the library's by up to {gap:.3g}: is kernel[r, c] transposed, "
        f"and does its part begin at row r and column c?"
    )


def check_hand_back__type(lesson):
    """A gradient in float32 stays float32."""
    x, kernel, _, g, _ = examples()
    received = lesson.hand_back(g.astype("float32"), kernel.astype("float32"), x.shape)
    assert received.dtype == np.float32, (
        f"g was float32 and the result is {received.dtype}: np.zeros((len(g), *shape), g.dtype)."
    )


def check_windows__empty_batch(lesson):
    """a batch of no pictures has no windows, and they would have the right length."""
    x, _, _, _, _ = examples()
    without_pictures(lesson.windows, ((x, 3), (24, 27)), ((x[:0], 3), (0, 27)))


def check_hand_back__empty_batch(lesson):
    """a batch of no pictures gets back a gradient of no pictures."""
    x, kernel, _, g, _ = examples()
    full = (g, kernel, x.shape), (3, *x.shape)
    empty = (g[:, :0], kernel, (0, *x.shape[1:])), (3, 0, *x.shape[1:])
    without_pictures(lesson.hand_back, full, empty)
