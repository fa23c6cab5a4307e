"""Answers to lesson 1."""

import math

import numpy as np


def multiply(x, y):
    # In a product, each input is the slope of the other one.
    return x * y, (lambda g: g * y, lambda g: g * x)


def tanh(x):
    y = math.tanh(x)
    # The slope is 1 - y * y, and the gradient of the value is multiplied with it.
    return y, (lambda g: g * (1 - y * y),)


def central_difference(f, x, h):
    # From x - h to x + h it is 2 * h.
    return (f(x + h) - f(x - h)) / (2 * h)


def largest_gap(op, *inputs):
    _, pullbacks = op(*inputs)

    def gap(n):
        def value(x):  # all other inputs stay as they are
            return op(*inputs[:n], x, *inputs[n + 1 :])[0]

        return abs(pullbacks[n](1.0) - central_difference(value, inputs[n], 1e-5))

    return max(gap(n) for n in range(len(inputs)))


def my_prediction():
    # Two errors fight: the curve bends, and digits are lost.
    return 1e-5


HINTS = {
    "multiply": [
        "Copy the line of add. The value is a product now, and the two pullbacks must change.",
        "If x grows, z grows y times as much. So the first pullback multiplies g with y.",
        "return x * y, (lambda g: g * y, lambda g: ...)",
    ],
    "tanh": [
        "Compute y = math.tanh(x) first. The pullback uses y, not x.",
        "The slope is 1 - y * y. A pullback returns g times the slope.",
        "return y, (lambda g: g * ...,) and do not forget the comma before the last bracket.",
    ],
    "central_difference": [
        "You need f at two places: x + h and x - h.",
        "How far is it from x - h to x + h? Divide the change of f by this distance.",
        "return (f(x + h) - f(...)) / (...): mind the brackets around 2 * h.",
    ],
    "largest_gap": [
        "First: value, pullbacks = op(*inputs). Then do the same for each number n of an input.",
        "A function inside a function: def value(x): return op(*inputs[:n], x, *inputs[n + 1:])[0]",
        "For input n: abs(pullbacks[n](1.0) - central_difference(value, inputs[n], 1e-5)).",
        "Collect the gaps in a list, and return max(gaps).",
    ],
    "my_prediction": [
        "A guess is enough: return one of the three numbers.",
        "Two things go wrong: a long step does not see the bend, and a short one loses digits.",
    ],
}


def shown(thing):
    """What came back, in words."""
    if callable(thing):
        return "a function"
    if isinstance(thing, tuple | list):
        return f"({', '.join(map(shown, thing))})"
    return repr(thing)


def check_multiply__returns_a_value_and_two_pullbacks(lesson):
    """multiply returns a value and a tuple of two functions."""
    result = lesson.multiply(2.0, 3.0)
    assert isinstance(result, tuple) and len(result) == 2, (
        f"multiply(2.0, 3.0) returned {shown(result)}. It must return two things: "
        "the value, and a tuple of pullbacks."
    )
    pullbacks = result[1]
    assert isinstance(pullbacks, tuple | list) and len(pullbacks) == 2, (
        f"The second thing that came back is {shown(pullbacks)}. Expected: a tuple of two "
        "pullbacks, one for x and one for y."
    )
    assert all(map(callable, pullbacks)), (
        "A pullback is a function that takes g. Write it as lambda g: ..."
    )


def parts(result, count):
    """The value and the pullbacks of what came back."""
    fits = isinstance(result, tuple) and len(result) == 2
    fits = fits and isinstance(result[1], tuple | list) and len(result[1]) == count
    assert fits and all(map(callable, result[1])), (
        "This cannot be checked before the function returns its value and a tuple of pullbacks."
    )
    return result


PAIRS = [(2.0, 3.0), (-0.5, 4.0), (0.0, 1.5)]


def check_multiply__value(lesson):
    """The value is the product."""
    for x, y in PAIRS:
        value, _ = parts(lesson.multiply(x, y), 2)
        assert np.shape(value) == () and value == x * y, (
            f"multiply({x}, {y}) gave the value {value!r}; expected {x * y}."
        )


def check_multiply__slopes(lesson):
    """With g = 1, the pullback of x gives y, and the pullback of y gives x."""
    for x, y in PAIRS:
        _, (pull_x, pull_y) = parts(lesson.multiply(x, y), 2)
        received = pull_x(1.0), pull_y(1.0)
        assert received != (x, y), (
            f"For x = {x} and y = {y}, pull_x(1.0) gave {x} and pull_y(1.0) gave {y}: they are "
            "exchanged. The slope in x is y."
        )
        assert received == (y, x), (
            f"For x = {x} and y = {y}, pull_x(1.0) and pull_y(1.0) gave {received}; expected "
            f"({y}, {x}). The slope in x is y, the slope in y is x."
        )


def check_multiply__uses_g(lesson):
    """Ten times the gradient comes in, ten times the gradient goes out."""
    for x, y in PAIRS:
        _, (pull_x, pull_y) = parts(lesson.multiply(x, y), 2)
        for g in (10.0, -2.0, 0.0):
            received = pull_x(g), pull_y(g)
            assert received == (g * y, g * x), (
                f"For x = {x} and y = {y}, pull_x({g}) and pull_y({g}) gave {received}; expected "
                f"({g * y}, {g * x}). A pullback must multiply with the g that it receives."
            )


def check_multiply__each_call_remembers(lesson):
    """A second call does not change the pullbacks of the first."""
    _, (pull_x, pull_y) = parts(lesson.multiply(2.0, 3.0), 2)
    lesson.multiply(5.0, 7.0)
    received = pull_x(1.0), pull_y(1.0)
    assert received == (3.0, 2.0), (
        f"After another call, multiply(5.0, 7.0), the pullbacks of multiply(2.0, 3.0) gave "
        f"{received}; expected (3.0, 2.0). They must remember the x and y of their own call."
    )


def check_tanh__returns_a_value_and_one_pullback(lesson):
    """tanh returns a value and a tuple of one function."""
    result = lesson.tanh(0.7)
    assert isinstance(result, tuple) and len(result) == 2, (
        f"tanh(0.7) returned {shown(result)}. It must return the value and a tuple with one "
        "pullback."
    )
    assert not callable(result[1]), (
        "The second thing that came back is a function, not a tuple with a function in it. "
        "A tuple of one needs a comma: (lambda g: ...,)"
    )
    assert isinstance(result[1], tuple | list) and len(result[1]) == 1, (
        f"tanh has one input, so it needs a tuple of one pullback, not {shown(result[1])}."
    )


def check_tanh__value(lesson):
    """The value is tanh of x."""
    for x in (0.7, -2.0, 0.0):
        value, _ = parts(lesson.tanh(x), 1)
        assert abs(value - math.tanh(x)) < 1e-12, (
            f"tanh({x}) gave the value {value!r}; expected {math.tanh(x):.6f}. Use math.tanh."
        )


def check_tanh__slope(lesson):
    """With g = 1, the pullback gives the slope that differences measure."""
    for x in (-1.0, 0.0, 0.7):
        _, (pull_x,) = parts(lesson.tanh(x), 1)
        received = pull_x(1.0)
        expected = (math.tanh(x + 1e-5) - math.tanh(x - 1e-5)) / 2e-5
        assert abs(received - expected) < 1e-8, (
            f"At x = {x} the pullback gave {received:.6f} for g = 1; measured: {expected:.6f}. "
            "The slope is 1 - y * y, where y is the VALUE of tanh, not its input."
        )


def check_tanh__uses_g(lesson):
    """Ten times the gradient comes in, ten times the gradient goes out."""
    for x in (0.7, -0.3):
        _, (pull_x,) = parts(lesson.tanh(x), 1)
        for g in (10.0, -3.0):
            received, expected = pull_x(g), g * (1 - math.tanh(x) ** 2)
            assert abs(received - expected) < 1e-9, (
                f"At x = {x}, pull_x({g}) gave {received:.6f}; expected {g} times the slope, "
                f"{expected:.6f}. Multiply the slope with g."
            )


def check_central_difference__of_a_line(lesson):
    """The slope of a straight line is the same everywhere, whatever the step."""
    for slope, x in ((4, 1.0), (-2, 3.0), (0, 5.0)):
        for h in (0.5, 0.25):
            received = lesson.central_difference(lambda x, slope=slope: slope * x, x, h)
            assert abs(received - slope) < 1e-6, (
                f"For the line {slope} * x at x = {x} and h = {h} you found the slope {received}; "
                f"expected {slope}. From x - h to x + h the distance is 2 * h. Are there brackets "
                "around 2 * h?"
            )


def check_central_difference__goes_to_both_sides(lesson):
    """One step goes to the right, the other to the left."""
    for x in (3.0, -1.5):
        received = lesson.central_difference(lambda x: x * x, x, 0.5)
        assert abs(received - 2 * x) < 1e-6, (
            f"For x * x at {x} and h = 0.5 you found {received}; expected {2 * x}, because both "
            f"ends count alike: f({x + 0.5}) - f({x - 0.5}). ({2 * x + 0.5} or {2 * x - 0.5} "
            "means: one of your ends is x itself.)"
        )


def check_central_difference__uses_h(lesson):
    """The step h is the one that was given."""
    for h in (1.0, 2.0):
        received = lesson.central_difference(lambda x: x**3, 1.0, h)
        expected = 3 + h * h
        assert abs(received - expected) < 1e-9, (
            f"For x**3 at 1 and h = {h} you found {received}; expected {expected}: "
            f"({1 + h}**3 - {1 - h}**3) / {2 * h}. Is h the step, in both places?"
        )


def three_inputs(slopes, called=None):
    """An operation x * y + z whose pullbacks claim to have these slopes; None: the right ones."""

    def op(x, y, z):
        if called is not None:
            called.append((x, y, z))
        right = (y, x, 1.0)
        claimed = [r if s is None else s for r, s in zip(right, slopes, strict=True)]
        return x * y + z, tuple(lambda g, s=s: g * s for s in claimed)

    return op


def check_largest_gap__nothing_wrong(lesson):
    """For a right operation the gap is nearly 0, whatever the number of inputs."""
    square = lambda x: (x * x, (lambda g: g * 2 * x,))
    for name, found in [
        ("x * x at 3", lesson.largest_gap(square, 3.0)),
        ("x * y + z at 2, 3, 4", lesson.largest_gap(three_inputs([None] * 3), 2.0, 3.0, 4.0)),
    ]:
        assert found is not None, "largest_gap returned None. Is a `return` missing?"
        assert np.shape(found) == () and 0 <= found < 1e-6, (
            f"{name} has right pullbacks, but your largest gap is {found!r}; expected nearly 0, "
            "and not negative."
        )


def check_largest_gap__finds_each_input(lesson):
    """A wrong pullback is found, for whichever input it is."""
    for n, wrong in ((0, 5.0), (1, 1.5), (2, -1.0)):
        slopes = [None, None, None]
        slopes[n] = wrong
        expected = abs(wrong - (3.0, 2.0, 1.0)[n])
        found = lesson.largest_gap(three_inputs(slopes), 2.0, 3.0, 4.0)
        assert abs(found - expected) < 1e-6, (
            f"For x * y + z at 2, 3, 4 the slopes are 3, 2 and 1. Pullback {n} claims {wrong}, so "
            f"the gap is {expected}; you found {found}."
        )


def check_largest_gap__the_largest(lesson):
    """Of several gaps it is the largest, also where a pullback says too little."""
    for slopes, expected in (
        ([2.5, 2.25, 1.0], 0.5),
        ([3.25, 6.0, 0.0], 4.0),
        ([0.0, 1.0, 1.0], 3.0),
    ):
        found = lesson.largest_gap(three_inputs(slopes), 2.0, 3.0, 4.0)
        assert abs(found - expected) < 1e-6, (
            f"For x * y + z at 2, 3, 4 the slopes are 3, 2 and 1; the pullbacks claim {slopes}. "
            f"The largest distance is {expected}; you found {found}. Distances have no sign: abs."
        )


def check_largest_gap__one_at_a_time(lesson):
    """While one input moves, the others stay as they are."""
    called = []
    lesson.largest_gap(three_inputs([None] * 3, called), 2.0, 3.0, 4.0)
    for inputs in called:
        moved = [n for n in range(3) if inputs[n] != (2.0, 3.0, 4.0)[n]]
        assert len(moved) <= 1, (
            f"For the inputs 2, 3, 4 you have called the operation with {inputs}: {len(moved)} of "
            "them have moved at the same time. Move one, and leave the others as they are."
        )


def check_my_prediction__a_number(lesson):
    """Your guess is a number."""
    found = lesson.my_prediction()
    assert isinstance(found, int | float | np.number), (
        f"You returned {found!r}; expected a number, without quotes: 0.1, 1e-5 or 1e-15."
    )


def check_my_prediction__one_of_three(lesson):
    """Your guess is one of the three, right or wrong."""
    found = lesson.my_prediction()
    assert any(found == h for h in (0.1, 1e-5, 1e-15)), (
        f"You returned {found!r}; choose one of 0.1, 1e-5 and 1e-15."
    )
