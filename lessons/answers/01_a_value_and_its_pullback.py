"""Answers to lesson 1."""

import math


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
}


def check_multiply__returns_a_value_and_two_pullbacks(lesson):
    """multiply returns a value and a tuple of two functions."""
    result = lesson.multiply(2.0, 3.0)
    assert isinstance(result, tuple) and len(result) == 2, (
        f"multiply(2.0, 3.0) returned {result!r}. It must return two things: "
        "the value, and a tuple of pullbacks."
    )
    pullbacks = result[1]
    assert isinstance(pullbacks, tuple | list) and len(pullbacks) == 2, (
        f"The second thing that came back is {pullbacks!r}. Expected: a tuple of two pullbacks, "
        "one for x and one for y."
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


def check_multiply__value(lesson):
    """The value is the product."""
    value, _ = parts(lesson.multiply(2.0, 3.0), 2)
    assert value == 6.0, f"multiply(2.0, 3.0) gave the value {value!r}; expected 6.0."


def check_multiply__slopes(lesson):
    """With g = 1, the pullback of x gives y, and the pullback of y gives x."""
    _, (pull_x, pull_y) = parts(lesson.multiply(2.0, 3.0), 2)
    received = pull_x(1.0), pull_y(1.0)
    assert received != (2.0, 3.0), (
        "pull_x(1.0) gave 2.0 and pull_y(1.0) gave 3.0: they are exchanged. The slope in x is y."
    )
    assert received == (3.0, 2.0), (
        f"For x = 2 and y = 3, pull_x(1.0) and pull_y(1.0) gave {received}; expected (3.0, 2.0). "
        "The slope in x is y, the slope in y is x."
    )


def check_multiply__uses_g(lesson):
    """Ten times the gradient comes in, ten times the gradient goes out."""
    _, (pull_x, pull_y) = parts(lesson.multiply(2.0, 3.0), 2)
    received = pull_x(10.0), pull_y(10.0)
    assert received == (30.0, 20.0), (
        f"pull_x(10.0) and pull_y(10.0) gave {received}; expected (30.0, 20.0). "
        "A pullback must multiply with the g that it receives."
    )


def check_tanh__returns_a_value_and_one_pullback(lesson):
    """tanh returns a value and a tuple of one function."""
    result = lesson.tanh(0.7)
    assert isinstance(result, tuple) and len(result) == 2, (
        f"tanh(0.7) returned {result!r}. It must return the value and a tuple with one pullback."
    )
    assert not callable(result[1]), (
        "The second thing that came back is a function, not a tuple with a function in it. "
        "A tuple of one needs a comma: (lambda g: ...,)"
    )
    assert len(result[1]) == 1, (
        f"tanh has one input, so it needs one pullback; {len(result[1])} came back."
    )


def check_tanh__value(lesson):
    """The value is tanh of x."""
    value, _ = parts(lesson.tanh(0.7), 1)
    assert abs(value - math.tanh(0.7)) < 1e-12, (
        f"tanh(0.7) gave the value {value!r}; expected {math.tanh(0.7):.6f}. Use math.tanh."
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
    _, (pull_x,) = parts(lesson.tanh(0.7), 1)
    assert abs(pull_x(10.0) - 10 * pull_x(1.0)) < 1e-9, (
        f"pull_x(10.0) gave {pull_x(10.0):.6f} and pull_x(1.0) gave {pull_x(1.0):.6f}; the first "
        "must be ten times the second. Multiply the slope with g."
    )


def check_central_difference__of_a_line(lesson):
    """The slope of the line 4 * x is 4, whatever the step."""
    for h in (0.5, 0.25):
        received = lesson.central_difference(lambda x: 4 * x, 1.0, h)
        assert received == 4.0, (
            f"For the line 4 * x and h = {h} you found the slope {received}; expected 4.0. "
            "From x - h to x + h the distance is 2 * h. Are there brackets around 2 * h?"
        )


def check_central_difference__goes_to_both_sides(lesson):
    """One step goes to the right, the other to the left."""
    received = lesson.central_difference(lambda x: x * x, 3.0, 0.5)
    assert received == 6.0, (
        f"For x * x at 3 and h = 0.5 you found {received}; expected 6.0, because both ends count "
        "alike: f(3.5) - f(2.5). (6.5 or 5.5 means: one of your ends is x itself.)"
    )
