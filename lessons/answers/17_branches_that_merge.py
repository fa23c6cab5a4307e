"""Solutions, hints and checks of lesson 17."""

import numpy as np

import tinygrad_mo as tg


def new_size(n, window, stride, padding):
    if padding == "same":
        return -(-n // stride)  # n / stride, rounded up; the margin makes room for any window
    return (n - window) // stride + 1  # the first place, and one more for each full stride


def sizes(branches, n, padding):
    behind = {}
    for name, windows in branches.items():
        size = n
        for window, stride in windows:
            size = new_size(size, window, stride, padding)
        behind[name] = size
    return behind, len(set(behind.values())) == 1


def slope_of_tower(slope, blocks, residual):
    # the chain rule multiplies the blocks; x + f(x) has the slope 1 + f'
    return (1 + slope if residual else slope) ** blocks


def block(x, residual, convolution):
    y = convolution(convolution(x))
    return tg.layers.add([x, y]) if residual else y


HINTS = {
    "new_size": [
        'For "same" the window does not matter: it is n / stride, rounded up.',
        'For "valid", the window can begin at pixel 0, stride, 2 * stride ... and at the latest at '
        "pixel n - window.",
        '"valid" has (n - window) // stride + 1 places, "same" has -(-n // stride).',
    ],
    "sizes": [
        "An empty dict first. For each branch, begin with size = n.",
        "For each (window, stride) of the branch: size = new_size(size, window, stride, padding).",
        "set(behind.values()) has one element if all sizes are equal.",
        "return behind, len(set(behind.values())) == 1",
    ],
    "slope_of_tower": [
        "What is the slope of f(x)? And what is the slope of x + f(x)?",
        "x alone has the slope 1, so x + f(x) has 1 + slope. A chain multiplies the slopes.",
        "return (1 + slope) ** blocks if residual, otherwise slope ** blocks.",
    ],
    "block": [
        "y = convolution(x) is the first one; the second one takes y.",
        "Keep x under its own name, you need it at the end: tg.layers.add([x, y]).",
        "if residual: return tg.layers.add([x, y]), otherwise return y.",
    ],
}


def check_new_size__valid(lesson):
    """Without a margin the window must fit."""
    for n, window, stride, expected in ((32, 1, 1, 32), (28, 3, 1, 26), (7, 7, 1, 1)):
        received = lesson.new_size(n, window, stride, "valid")
        assert received == expected, (
            f'A window of {window} has {expected} places in {n} pixels ("valid", stride 1), '
            f"received was {received}."
        )


def check_new_size__valid_stride(lesson):
    """With a stride, places are skipped."""
    for n, window, stride, expected in ((32, 1, 2, 16), (32, 3, 2, 15), (10, 3, 3, 3)):
        received = lesson.new_size(n, window, stride, "valid")
        assert received == expected, (
            f"A window of {window} with stride {stride} has {expected} places in {n} pixels "
            f'("valid"), received was {received}: the first place counts, too.'
        )


def check_new_size__same(lesson):
    """With "same" only the stride counts, rounded up."""
    for n, window, stride, expected in ((32, 3, 1, 32), (32, 3, 2, 16), (7, 4, 3, 3)):
        received = lesson.new_size(n, window, stride, "same")
        assert received == expected, (
            f'{n} pixels with stride {stride} have {expected} places ("same"), received was '
            f"{received}: n / stride, rounded up, whatever the window."
        )


def check_new_size__as_in_the_library(lesson):
    """All sizes are those of Conv2D."""
    for n in (8, 11):
        for window, stride, padding in ((2, 1, "same"), (3, 2, "valid"), (2, 3, "valid")):
            layer = tg.layers.Conv2D(1, window, strides=stride, padding=padding)
            expected = layer(tg.Input((n, n, 1))).shape[1]
            received = lesson.new_size(n, window, stride, padding)
            assert received == expected, (
                f"For n={n}, window={window}, stride={stride}, {padding}: Conv2D makes {expected}, "
                f"received was {received}."
            )


MODULE = {"one": [(1, 2)], "two": [(3, 1), (3, 2)], "none": [], "three": [(2, 2)]}


def two_things(lesson, branches, n, padding):
    found = lesson.sizes(branches, n, padding)
    assert isinstance(found, tuple | list) and len(found) == 2, (
        f"Return two things, the sizes and True or False, not {found!r}."
    )
    behind, fits = found
    assert isinstance(behind, dict), f"The first thing is a dict like {{'a': 16}}, not {behind!r}."
    assert isinstance(fits, bool | np.bool_), f"The second thing is True or False, not {fits!r}."
    return behind, fits


def check_sizes__valid(lesson):
    """Each window of a branch changes the size that the one before has left."""
    behind, _ = two_things(lesson, MODULE, 20, "valid")
    assert behind == {"one": 10, "two": 8, "none": 20, "three": 10}, (
        f'For {MODULE} and 20 pixels, "valid", they are 10, 8, 20 and 10, not {behind}: in branch '
        f"two the first window leaves 18 pixels, and the second one looks at these."
    )


def check_sizes__same(lesson):
    """With "same" only the strides count."""
    behind, _ = two_things(lesson, MODULE, 21, "same")
    assert behind == {"one": 11, "two": 11, "none": 21, "three": 11}, (
        f'For 21 pixels, "same", the sizes of {MODULE} are 11, 11, 21 and 11, not {behind}.'
    )


def check_sizes__fit(lesson):
    """Branches can be merged if all sizes are equal."""
    for names, padding, right in (
        (("one", "two"), "same", True),
        (("one", "two"), "valid", False),
        (("one", "two", "none"), "same", False),
        (("one", "two", "three"), "valid", False),  # 10, 8, 10
        (("two", "one", "three"), "valid", False),  # 8, 10, 10
        (("two",), "valid", True),
    ):
        _, fits = two_things(lesson, {name: MODULE[name] for name in names}, 20, padding)
        assert fits == right, (
            f"The branches {names} of {MODULE} with 20 pixels, {padding}: can they be merged? You "
            f"say {fits}, it is {right}."
        )


def check_slope_of_tower__plain(lesson):
    """The slopes of plain blocks are multiplied."""
    for slope, blocks, expected in ((0.5, 1, 0.5), (0.5, 3, 0.125), (2.0, 4, 16.0)):
        received = lesson.slope_of_tower(slope, blocks, False)
        assert abs(received - expected) < 1e-9, (
            f"{blocks} plain blocks of slope {slope} have the slope {expected}, received was "
            f"{received}."
        )


def check_slope_of_tower__one_residual_block(lesson):
    """x + f(x) has the slope 1 + that of f."""
    received = lesson.slope_of_tower(0.25, 1, True)
    assert abs(received - 1.25) < 1e-9, (
        f"If f has the slope 0.25, x + f(x) has 1.25; received was {received}."
    )


def check_slope_of_tower__residual(lesson):
    """The slopes of residual blocks are multiplied, too."""
    for slope, blocks, expected in ((0.0, 9, 1.0), (0.5, 3, 3.375)):
        received = lesson.slope_of_tower(slope, blocks, True)
        assert abs(received - expected) < 1e-9, (
            f"{blocks} residual blocks with f of slope {slope} have the slope {expected}, received "
            f"was {received}: each block multiplies with 1 + slope."
        )


def halved_plus_one(x):
    """Stands for a convolution: it keeps the shape, and its numbers are easy to follow."""
    return x * 0.5 + 1.0


def check_block__shape(lesson):
    """A block returns a tensor of the shape of its input."""
    x = tg.Tensor(np.ones((2, 5, 5, 3)))
    for residual in (False, True):
        y = lesson.block(x, residual, halved_plus_one)
        assert isinstance(y, tg.Tensor), f"block must return a tensor, it returned {y!r}."
        assert y.shape == x.shape, f"A block keeps the shape {x.shape}, it returned {y.shape}."


def check_block__plain(lesson):
    """The plain block is two convolutions, one after the other."""
    received = lesson.block(tg.Tensor([[8.0]]), False, halved_plus_one).numpy().item()
    assert received == 3.5, (
        f"If a convolution halves a number and adds 1, the plain block makes 8 -> 5 -> 3.5, "
        f"received was {received}: use two convolutions, and add nothing."
    )


def check_block__residual(lesson):
    """The residual block adds its input."""
    received = lesson.block(tg.Tensor([[8.0]]), True, halved_plus_one).numpy().item()
    assert received == 11.5, (
        f"If a convolution halves a number and adds 1, the residual block makes 8 + 3.5 = 11.5 of "
        f"8, received was {received}: add x itself to what the second convolution returns."
    )


def check_block__gradient(lesson):
    """Through the residual block the gradient arrives in two parts, and one of them is 1."""
    x = tg.Tensor([[8.0]])
    received = tg.gradients(lesson.block(x, True, halved_plus_one).sum(), x).item()
    assert abs(received - 1.25) < 1e-6, (
        f"With two convolutions of slope 0.5 the residual block has the slope "
        f"1 + 0.5 * 0.5 = 1.25, received was {received}."
    )
