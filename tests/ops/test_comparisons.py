"""Comparing tensors: number by number, while a tensor stays what it is in lists and dicts."""

import copy
import operator

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import ops

X, Y = [1.0, 2.0, np.nan, -np.inf], [1.0, 5.0, np.nan, 0.0]
SIGNS = {
    "equal": operator.eq,
    "not_equal": operator.ne,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "less": operator.lt,
    "less_equal": operator.le,
}
each_sign = pytest.mark.parametrize(("name", "sign"), SIGNS.items(), ids=list(SIGNS))


def forms(value):
    """The ways to write one side of a comparison."""
    return {"tensor": tg.Tensor(value), "array": np.array(value, "float32"), "list": value}


@each_sign
def test_signs_compare_number_by_number(name, sign):
    right = sign(np.array(X), np.array(Y))
    for left, x in forms(X).items():
        for other, y in forms(Y).items():
            if "tensor" in (left, other):
                found = sign(x, y)
                assert found.numpy().tolist() == right.tolist(), (left, other)
                assert found.dtype == bool
    assert getattr(ops, name)(tg.Tensor(X), tg.Tensor(Y)).numpy().tolist() == right.tolist()
    assert getattr(np, name)(np.array(X, "float32"), tg.Tensor(Y)).step.op.name == name


@each_sign
@pytest.mark.parametrize("number", [0, 1.0, np.float32(2), True])
def test_a_number_stands_on_either_side(name, sign, number):
    x = tg.Tensor([0.0, 1.0, 2.0])
    assert sign(x, number).numpy().tolist() == sign(x.numpy(), number).tolist()
    assert sign(number, x).numpy().tolist() == sign(number, x.numpy()).tolist()


@each_sign
def test_symbolic_tensors_compare_in_a_plan(name, sign):
    a, b = tg.Input((3,)), tg.Input((3,))
    picked = ops.where(sign(a, b), a * 10.0, a)
    feed = {a: np.array([[1, 2, 3]], "float32"), b: np.array([[1, 0, 5]], "float32")}
    for kind in (tg.Plan, tg.ReplayedPlan):
        plan = kind([picked.sum()], [], [picked])
        for _ in range(3):
            found = plan.value(plan.forward(feed), picked)
            right = np.where(sign(feed[a], feed[b]), feed[a] * 10, feed[a])
            assert found.tolist() == right.tolist()


def test_equality_picks_and_has_a_gradient_around_it():
    a, b = tg.Tensor([1.0, 2.0]), tg.Tensor([1.0, 5.0])
    y = ops.where(a == b, a * 10.0, a)
    assert y.numpy().tolist() == [10, 2]
    assert tg.gradients(y.sum(), a).tolist() == [10, 1]
    assert ((a == b) * a).numpy().tolist() == [1, 0] == (a * (a == b)).numpy().tolist()
    assert ((a != b) * 1.0).sum().value == 1
    assert (~(a == b)).numpy().tolist() == [False, True]


def test_conditions_are_joined():
    x = tg.Tensor([-1.0, 0.5, 2.0])
    assert ((x > 0) & (x < 1)).numpy().tolist() == [False, True, False]
    assert ((x < 0) | (x > 1)).numpy().tolist() == [True, False, True]
    assert (~(x > 0)).numpy().tolist() == [True, False, False]
    assert (np.array([True, True, False]) & (x > 0)).numpy().tolist() == [False, True, False]
    assert ((x > 0) & True).numpy().tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("sign", "call"),
    [
        ("&", lambda x: x & 1),
        ("&", lambda x: 1 & x),
        ("&", lambda x: (x > 0) & x),
        (r"\|", lambda x: x | x),
        ("~", lambda x: ~x),
    ],
)
def test_numbers_are_no_conditions(sign, call):
    with pytest.raises(TypeError, match=rf"{sign} joins conditions, but .* compare it first"):
        call(tg.Tensor([1, 2]))


def test_a_tensor_is_known_by_what_it_is():
    """In lists, tuples, dicts and sets, whichever numbers it holds."""
    a, b, c = tg.Parameter([0.0], "a"), tg.Parameter([0.0], "b"), tg.Parameter([1.0, 2.0], "c")
    assert len({a, b, c}) == 3 and {a: 1, b: 2}[b] == 2
    assert a in [b, a] and a in (a,) and c not in [a, b] and b not in [a, c]
    assert [a, b].index(b) == 1 and [b, a, b].count(b) == 2
    assert [a, c] == [a, c] and [a, c] != [b, c] and (a, 0) != (b, 0) and (a, 0) == (a, 0)
    several = [a, b, c]
    several.remove(b)
    assert len(several) == 2 and several[0] is a


def test_symbolic_tensors_are_known_by_what_they_are():
    a, b, wide = tg.Input((3,)), tg.Input((3,)), tg.Input((5,))
    assert a in [wide, b, a] and a not in [wide, b]
    assert [bool(a == a), bool(a != a)] == [True, False]
    assert [bool(a == b), bool(a != b)] == [False, True]


def test_tensors_that_differ_are_not_confused():
    a, b = tg.Tensor([1.0, 2.0]), tg.Tensor([1.0, 5.0])
    assert a in [b, a] and b not in [a]
    assert [bool(a == b), bool(a != b)] == [False, True]
    assert tg.Tensor([1.0]) not in [tg.Tensor([1.0, 1.0])]


def test_what_can_be_read_in_two_ways_is_refused():
    a, b = tg.Tensor(3.0, name="a"), tg.Tensor(3.0, name="b")
    for ask in (lambda: bool(a == b), lambda: bool(a != b), lambda: a in [b], lambda: [a].index(b)):
        with pytest.raises(TypeError) as caught:
            ask()
        text = str(caught.value)
        assert "'a' ()" in text and "'b' ()" in text and "two ways" in text
        assert "`a is b`" in text and "(a == b).numpy().all()" in text
    assert (a == b).numpy().all()


def test_the_truth_of_other_comparisons_is_that_of_their_numbers():
    a, b = tg.Tensor(3.0), tg.Tensor(4.0)
    assert a < b and a <= b and not a > b and a == 3.0 and a != 4.0
    with pytest.raises(TypeError, match="no single truth value"):
        bool(tg.Tensor([1.0, 2.0]) > 0)
    with pytest.raises(TypeError, match="a graph cannot branch on data"):
        bool(tg.Input((3,)) > 0)


def test_what_has_no_numbers_is_not_equal():
    x = tg.Tensor([1.0])
    for other in (None, "x", object(), tg.layers.Dense(1)):
        assert (x == other) is False and (x != other) is True
        assert (other == x) is False


def test_shapes_that_do_not_fit_are_refused_when_compared():
    a, b = tg.Tensor([1.0, 2.0], name="a"), tg.Tensor([1.0, 2.0, 3.0], name="b")
    assert a not in [b]
    with pytest.raises(ValueError, match="broadcast") as caught:
        ops.where(a == b, 1.0, 0.0)
    assert "op 'equal' of 'a' (2,), 'b' (3,)" in caught.value.__notes__[0]


def test_a_comparison_is_a_tensor_wherever_it_is_used():
    a, b = tg.Tensor([1.0, 2.0], name="a"), tg.Tensor([1.0, 5.0], name="b")
    same = a == b
    assert same.shape == (2,) and same.ndim == 1 and len(same) == 2
    assert repr(same) == "<Tensor 'equal' (2,), bool, [ True False]>"
    assert (same == (a > 1.0)).numpy().tolist() == [False, False]
    assert same.sum().value == 1
    assert copy.copy(same).numpy().tolist() == [True, False]
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = same.no_such_thing
