"""Tensors and their operators: NumPy's numbers, known shapes, clear refusals."""

import operator

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo.engine.graph import Parameter

A = np.random.default_rng(0).standard_normal((2, 3)).astype("float32")
B = np.random.default_rng(1).standard_normal((2, 3)).astype("float32") + 3
FEATURES = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "neg": lambda x, y: -x,
    "abs": lambda x, y: abs(x),
    "**": lambda x, y: abs(x) ** y,
    "** 2": lambda x, y: x**2,
    "@": lambda x, y: x @ y.T,
    "sum": lambda x, y: x.sum(),
    "sum of axis": lambda x, y: x.sum(axis=0),
    "sum of axes": lambda x, y: x.sum(axis=(0, 1), keepdims=True),
    "mean": lambda x, y: x.mean(),
    "mean of axis": lambda x, y: x.mean(axis=-1, keepdims=True),
    "max": lambda x, y: x.max(),
    "max of axis": lambda x, y: x.max(axis=1),
    "reshape": lambda x, y: x.reshape(3, 2),
    "reshape to a tuple": lambda x, y: x.reshape((6,)),
    "reshape with -1": lambda x, y: x.reshape(-1, 2),
    "T": lambda x, y: x.T,
    "transpose": lambda x, y: x.transpose(),
    "transpose of axes": lambda x, y: x.reshape(1, 2, 3).transpose(2, 0, 1),
    "transpose from the right": lambda x, y: x.transpose(-1, 0),
    "[int]": lambda x, y: x[1],
    "[slice]": lambda x, y: x[:, ::-1],
    "[...]": lambda x, y: x[..., 1:],
    "[None]": lambda x, y: x[None, 0],
    "[list]": lambda x, y: x[[1, 0, 1]],
    "[array]": lambda x, y: x[np.array([0, 0])],
    "broadcast": lambda x, y: x[:, :1] * y[0] - y,
}


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize("compute", FEATURES.values(), ids=list(FEATURES))
def test_operators_give_numpys_numbers(compute):
    expected = compute(A, B)
    found = compute(tg.Tensor(A), tg.Tensor(B))
    assert found.shape == expected.shape and found.dtype == expected.dtype == np.float32
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


INFIX = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize("sign", INFIX)
@pytest.mark.parametrize("other", [2, 0.5, np.float64(2), np.float32(3), B, B.astype("float64")])
def test_numbers_and_arrays_may_stand_on_either_side(sign, other):
    x = tg.Tensor(abs(A))
    for found, expected in (
        (sign(x, other), sign(abs(A), other)),
        (sign(other, x), sign(other, abs(A))),
    ):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("other", [B.T, B.T.astype("float64")])
def test_arrays_may_stand_on_either_side_of_a_matrix_product(other):
    np.testing.assert_allclose((tg.Tensor(A) @ other).numpy(), A @ B.T, rtol=1e-5)
    np.testing.assert_allclose((other @ tg.Tensor(A)).numpy(), B.T @ A, rtol=1e-5)


def test_the_gradient_passes_reflected_signs():
    x = tg.Tensor(2.0)
    assert tg.gradients(1 - x, x) == -1
    assert tg.gradients(1 / x, x) == -0.25
    assert float(tg.gradients(2**x, x)) == pytest.approx(4 * np.log(2))
    assert tg.gradients(np.array([3.0]) * x, x, [1.0]) == 3


@pytest.mark.parametrize("floatx", ["float32", "float64"])
def test_floats_take_the_float_type_in_use(floatx):
    with tg.use(floatx=floatx):
        for value in (1.5, [1.5], np.ones(2), np.ones(2, "float32"), np.ones(2, "float16")):
            assert tg.Tensor(value).dtype == floatx
        x = tg.Tensor([1.5])
        assert ((2 * x + 1) / 3.0 - np.float64(2)).dtype == floatx
        assert tg.Tensor([1.5], "float32").dtype == "float32"


@pytest.mark.parametrize(
    ("value", "dtype"), [([1, 2], "int64"), ([True], "bool"), (np.ones(2, "int32"), "int32")]
)
def test_whole_numbers_stay_whole(value, dtype):
    assert tg.Tensor(value).dtype == dtype


def test_means_of_whole_numbers_are_means():
    assert float(tg.Tensor([1, 2]).mean()) == 1.5


def test_a_source_array_may_change_afterwards():
    source = np.ones(3)
    x, shifted = tg.Tensor(source, "float64"), None
    shifted = x + source
    loss = (x * source).sum()
    source[:] = 100
    assert x.numpy().tolist() == [1, 1, 1] and shifted.numpy().tolist() == [2, 2, 2]
    assert tg.gradients(loss, x).tolist() == [1, 1, 1]


def test_what_a_step_is_told_may_change_afterwards():
    """Indices, axes and shapes are copied: later changes reach neither values nor gradients."""
    x, w = tg.Input((3,), name="x"), Parameter([1.0, 2.0, 3.0], "w")
    index, axes, shape, order = np.array([0, 1]), [1], [-1, 3, 1], [0, 1]
    y = x[:, index] + tg.ops.sum_(x, axis=axes)[:, None]
    y = y + tg.ops.transpose(tg.ops.reshape(x, shape=shape)[:, :2, 0], axes=order)
    picked = w[[index, index]].sum()
    index[:], axes[0], shape[:], order[:] = 2, 0, [1, 1, -1], [1, 0]
    assert tg.Model(x, y).predict([[1, 2, 4]]).tolist() == [[1 + 7 + 1, 2 + 7 + 2]]
    assert tg.gradients(picked, w).tolist() == [2, 2, 0]


def test_a_value_given_to_a_parameter_may_change_afterwards():
    w, value = Parameter([1.0, 2.0], "w"), np.array([3.0, 4.0], "float32")
    w.assign(value)
    value[:] = 9
    assert w.numpy().tolist() == [3, 4]


@pytest.mark.parametrize("number", [2.0, 2, 0.0, np.float64(2)])
def test_gradients_beside_a_python_number_have_the_type_of_the_tensor(number):
    w = Parameter([1.0, 2.0], "w")
    with np.errstate(all="ignore"):
        for y in (number**w, w**number, w / number, number / w, tg.ops.maximum(number, w)):
            for seed in (1.0, 0.0):
                assert tg.gradients(y.sum(), w, seed).dtype == y.dtype == np.float32
    found = tg.gradients((2.0**w).sum(), w)
    np.testing.assert_allclose(found, [2 * np.log(2), 4 * np.log(2)], rtol=1e-6)


def test_axes_and_shapes_may_be_given_as_numpy_takes_them():
    x = np.arange(6.0).reshape(2, 3)
    for found, right in [
        (tg.Tensor(x).sum(axis=np.int64(1)), x.sum(axis=1)),
        (tg.Tensor(x).reshape([3, 2]), x.reshape(3, 2)),
        (tg.Tensor(x).reshape(np.array([3, 2])), x.reshape(3, 2)),
        (tg.Tensor(x).transpose([1, 0]), x.T),
        (np.reshape(tg.Tensor(x), [3, 2]), x.reshape(3, 2)),
    ]:
        assert found.numpy().tolist() == right.tolist()
    assert tg.ops.sum_(x, axis=np.int64(1))[0].tolist() == [3, 12]


def test_a_format_is_that_of_the_number():
    assert f"{tg.Tensor(2.5) * 2:.3f} and {tg.Tensor([[3]]):03d}" == "5.000 and 003"


@pytest.mark.parametrize(
    "x",
    [
        tg.Tensor([1.0, 2.0]),
        tg.Tensor([1.0, 2.0]) * 2,
        tg.Tensor([[1.0, 2.0]])[0],
        Parameter([1.0], "w"),
    ],
)
def test_values_are_locked(x):
    with pytest.raises(ValueError, match="read-only"):
        x.value[0] = 5
    copy = x.numpy()
    copy[0] = 5
    assert x.value[0] != 5


def test_a_parameter_stays_locked():
    """After `assign` and after steps, too: a loss on the way back needs the numbers of before."""
    w = Parameter([3.0, 1.0], "w")
    large = Parameter(np.ones(20_000), "large")
    adam = tg.optimizers.Adam()
    changes = [
        lambda: w.assign([3.0, 1.0]),
        lambda: adam.apply({w: np.ones(2), large: np.ones(20_000)}),  # `large` is stepped alone
    ]
    for change in changes * 2:
        change()
        for x in (w, large):
            loss, twice = (x * x).sum(), 2 * x.numpy()
            with pytest.raises(ValueError, match="read-only"):
                x.value[:] = 100
            np.testing.assert_array_equal(tg.gradients(loss, x), twice)


def test_another_value_put_into_a_parameter_is_told():
    x = tg.Input((3,), name="x")
    model = tg.Model(x, tg.layers.Dense(2, name="y")(x))
    model.compile("sgd", "mse")
    kernel, before = model.get_layer("y").kernel, model.get_weights()[0]
    for wrong in (np.ones((7, 7)), tg.Tensor(np.ones((3, 2))), 1.0, None):
        kernel.value = wrong
        for use in (model.predict, lambda x: model.fit(x, np.ones((4, 2)), verbose=0)):
            with pytest.raises(ValueError, match=r"'y/kernel' \(3, 2\) has been set to .*p.assign"):
                use(np.ones((4, 3)))
    kernel.value = before
    assert model.predict(np.ones((4, 3))).shape == (4, 2)


def test_a_parameter_takes_values_of_its_shape_only():
    w = Parameter([[1.0, 2.0]], "dense/kernel")
    w.assign([[3, 4]])
    assert w.value.tolist() == [[3, 4]] and w.dtype == w.value.dtype == np.float32
    with pytest.raises(ValueError, match=r"'dense/kernel' \(1, 2\) cannot take a value of shape"):
        w.assign([1.0, 2.0])


SYMBOLIC = {
    "dense": (lambda x: tg.layers.Dense(4)(x), (None, 5, 4)),
    "+": (lambda x: x + 1.0, (None, 5, 3)),
    "sum": (lambda x: x.sum(), ()),
    "mean of time": (lambda x: x.mean(axis=1), (None, 3)),
    "max of width": (lambda x: x.max(axis=-1, keepdims=True), (None, 5, 1)),
    "[slice]": (lambda x: x[:, 1:4], (None, 3, 3)),
    "[int]": (lambda x: x[:, -1], (None, 3)),
    "reshape": (lambda x: x.reshape(-1, 15), (None, 15)),
    "flatten": (lambda x: tg.layers.Flatten()(x), (None, 15)),
    "lstm": (lambda x: tg.layers.LSTM(2)(x), (None, 2)),
    "transpose": (lambda x: x.transpose(0, 2, 1), (None, 3, 5)),
    "concatenate": (lambda x: tg.layers.concatenate([x, x], axis=1), (None, 10, 3)),
}


@pytest.mark.parametrize(("compute", "expected"), SYMBOLIC.values(), ids=list(SYMBOLIC))
def test_shapes_are_known_while_wiring(compute, expected):
    y = compute(tg.Input((5, 3)))
    assert y.value is None and y.shape == expected and y.dtype == np.float32


FREE = {
    "dense": (lambda x: tg.layers.Dense(4)(x), (None, None, 4)),
    "relu": (tg.ops.relu, (None, None, 3)),
    "sequences": (lambda x: tg.layers.LSTM(2, return_sequences=True)(x), (None, None, 2)),
    "last": (lambda x: tg.layers.LSTM(2)(x), (None, 2)),
    "mean": (lambda x: x.mean(axis=1), (None, 3)),
    "[slice]": (lambda x: x[:, 1:], (None, None, 3)),
    "[int]": (lambda x: x[:, -1], (None, 3)),
    "twice": (lambda x: tg.layers.concatenate([x, x], axis=1), (None, None, 3)),
    "product": (lambda x: x @ x.transpose(0, 2, 1), (None, None, None)),
}


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize(("compute", "expected"), FREE.values(), ids=list(FREE))
def test_a_free_time_axis_stays_free_as_far_as_it_reaches(compute, expected):
    x = tg.Input((None, 3))
    y = compute(x)
    assert x.shape == (None, None, 3) and y.shape == expected
    model = tg.Model(x, y)
    for time in (1, 6):
        found = model.predict(np.ones((2, time, 3))).shape
        assert all(n is None or n == m for n, m in zip(expected[1:], found[1:], strict=True))


REFUSALS = {
    "bool of a symbolic tensor": (
        lambda: bool(tg.Input((3,), name="x")),
        TypeError,
        r"'x' \(None, 3\) has no single truth value; a graph cannot branch on data",
    ),
    "bool of many": (lambda: bool(tg.Tensor([1.0, 2.0])), TypeError, "no single truth value"),
    "comparing in an if": (
        lambda: 1 if tg.Tensor([1.0, 2.0]) else 0,
        TypeError,
        "no single truth value",
    ),
    "np.cbrt": (lambda: np.cbrt(tg.Tensor([1.0])), TypeError, "np.cbrt of a tensor cannot"),
    "iteration": (lambda: list(tg.Tensor([1.0])), TypeError, "not iterable"),
    "unpacking": (lambda: [*tg.Input((3,))], TypeError, "not iterable"),
    "numpy() of a symbolic tensor": (
        lambda: tg.Input((3,), name="x").numpy(),
        TypeError,
        r"'x' \(None, 3\) is symbolic and has no value yet: use Model\.predict",
    ),
    "float of a symbolic tensor": (lambda: float(tg.Input(())), TypeError, "no value yet"),
    "objects": (lambda: tg.Tensor([{}, None]), TypeError, "holds numbers, not object"),
    "words": (lambda: tg.Tensor(["a", "b"]), TypeError, r"holds numbers, not <U1 \(\['a', 'b'\]"),
    "complex numbers": (lambda: tg.Tensor(1j), TypeError, "holds numbers, not complex128"),
    "len of a free axis": (
        lambda: len(tg.Input((3,), name="x")),
        TypeError,
        r"'x' \(None, 3\) has no known length",
    ),
    "len of a scalar": (lambda: len(tg.Tensor(1.0)), TypeError, "no known length"),
    "an axis too many": (
        lambda: tg.Input((3,)).sum(axis=2),
        ValueError,
        "axis 2 does not exist in an array of 2 axes",
    ),
    "a format for many": (
        lambda: f"{tg.Tensor([1.0, 2.0], name='w'):.2f}",
        TypeError,
        r"'w' \(2,\) has no single number that could be written as '.2f'",
    ),
    "None on the right": (lambda: tg.Input((3,)) + None, TypeError, "add: input 1 is None"),
    "None on the left": (lambda: None * tg.Input((3,)), TypeError, "multiply: input 0 is None"),
    "a comparison with None": (lambda: tg.Tensor(1.0) > None, TypeError, "greater: input 1 is"),
    "a choice of None": (
        lambda: tg.ops.where(tg.Tensor(1.0) > 0, tg.Tensor(1.0), None),
        TypeError,
        r"where: input 2 is None, .* \(a bias with use_bias=False\), leave the op out",
    ),
    "None for an array": (lambda: tg.ops.maximum(np.ones(2), None), TypeError, "input 1 is None"),
    "no kernel": (
        lambda: tg.ops.dense(tg.Input((3,)), None, None),
        TypeError,
        "dense: input 1 is None, .* only bias may be None",
    ),
    "half floats for an Input": (
        lambda: tg.Input((3,), dtype="float16", name="x"),
        ValueError,
        "Input 'x': dtype must be 'float32', 'float64' or a type of whole numbers, not 'float16'",
    ),
    "half floats for a Tensor": (
        lambda: tg.Tensor([1.0], dtype=np.float16),
        ValueError,
        "Tensor: dtype must be 'float32', 'float64' or",
    ),
    "too large for float32": (
        lambda: tg.Tensor([1.0, -1e300]),
        ValueError,
        r"1e\+300 is more than float32 can hold: .* tg\.use\(floatx='float64'\)",
    ),
    "too large a constant": (
        lambda: tg.Tensor([1.0]) * np.array([1e300]),
        ValueError,
        "1e\\+300 is more than float32",
    ),
    "too large for a parameter": (
        lambda: Parameter([1e300], "w"),
        ValueError,
        "Parameter 'w': 1e\\+300 is more than float32",
    ),
    "too large to be assigned": (
        lambda: Parameter([1.0], "w").assign([1e300]),
        ValueError,
        "'w' .*: 1e\\+300 is more than float32",
    ),
    "too large for uint8": (
        lambda: tg.Tensor([300], dtype="uint8"),
        ValueError,
        "300 is more than uint8 can hold",
    ),
    "halves in integers": (
        lambda: tg.Tensor([1.5], dtype="int32"),
        TypeError,
        r"whole numbers \(int32\) are needed, not 1.5",
    ),
    "a condition as index": (
        lambda: tg.Tensor([1.0])[tg.Tensor([1.0]) > 0],
        TypeError,
        r"getitem: index is the tensor 'greater' .* ops\.where\(condition, x, 0\) is an op",
    ),
    "ids as index": (
        lambda: tg.Tensor([[1.0]])[:, tg.Tensor([0], name="ids")],
        TypeError,
        r"index is the tensor 'ids' .* ops\.embedding\(ids, table\) is an op",
    ),
    "a tensor as end of a slice": (
        lambda: tg.Tensor([1.0])[: tg.Tensor(1, name="n")],
        TypeError,
        "^getitem: index is the tensor 'n'",
    ),
    "a tensor as axis": (
        lambda: tg.Tensor([1.0]).sum(axis=tg.Tensor(0, name="a")),
        TypeError,
        "sum: axis is the tensor 'a' .*, but must be known when the graph is wired",
    ),
    "a third float type": (lambda: tg.use(floatx="float16"), ValueError, "'float32' or 'float64'"),
    "an unknown backend": (lambda: tg.use("torch"), ValueError, "'numpy' or 'cupy', not 'torch'"),
}


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize(("call", "error", "words"), REFUSALS.values(), ids=list(REFUSALS))
def test_what_cannot_work_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_single_number_has_a_truth_value_and_a_length_is_known():
    assert tg.Tensor([1.0]) and not tg.Tensor(0.0)
    assert len(tg.Tensor([1.0, 2.0])) == 2
    assert float(tg.Tensor([1.5])[0]) == 1.5


def line_of_this():
    import sys

    return f"{__file__}:{sys._getframe(1).f_lineno}"


def test_a_shape_error_names_op_site_and_both_shapes():
    x = tg.Input((3,), name="left")
    y = tg.Tensor(np.ones((4, 2)), name="right")
    with pytest.raises(ValueError) as caught:
        site = line_of_this(); x @ y  # fmt: skip # noqa: E702
    (note,) = caught.value.__notes__
    assert note == f"op 'matmul' of 'left' (None, 3), 'right' (4, 2)\nwired at {site}"


def test_an_error_in_a_layer_names_the_layer():
    x = tg.Input((3,), name="left")

    class Odd(tg.layers.Layer):
        def call(self, x):
            return x @ np.ones((5, 2))

    with pytest.raises(ValueError) as caught:
        site = line_of_this(); Odd(name="odd")(x)  # fmt: skip # noqa: E702
    note = "\n".join(caught.value.__notes__)
    assert "in Odd 'odd', op 'matmul' of 'left' (None, 3), 'constant' (5, 2)" in note
    assert __file__ in note and site


def test_an_error_while_running_names_the_nested_layer():
    ids = tg.Input((2,), "int32", "ids")
    inner = tg.Model(ids, tg.layers.Embedding(3, 2, name="table")(ids), name="base")
    words = tg.Input((2,), "int32", "words")
    model = tg.Model(words, inner(words))
    with pytest.raises(IndexError) as caught:
        model.predict(np.array([[0, 3]]))
    note = "\n".join(caught.value.__notes__)
    assert "in Embedding 'base/table', op 'embedding' of 'words' (None, 2)" in note


def test_texts_of_tensors():
    x = tg.Input((3,), name="x")
    assert f"{x}" == "'x' (None, 3)"
    assert repr(x) == "<Tensor 'x' (None, 3), float32>"
    assert repr(tg.Tensor([1.0], name="one")) == "<Tensor 'one' (1,), float32, [1.]>"
    assert (x + 1.0).name == "add"
    assert tg.layers.Dense(1, name="head")(x).name == "head"


def test_use_inside_with_is_undone_even_after_an_error():
    with pytest.raises(RuntimeError), tg.use(floatx="float64"):
        raise RuntimeError
    assert tg.Tensor(1.0).dtype == "float32"


def test_functions_of_numpy_refuse_tensors():
    x = tg.Tensor([1.0, 2.0], name="x")
    for function in (np.array, np.nanmedian, lambda x: np.convolve([1.0, 1.0], x)):
        with pytest.raises(TypeError, match=r"NumPy was given the tensor 'x' \(2,\).*\.numpy\(\)"):
            function(x)


def test_a_parameter_that_is_trained_holds_floats():
    for floatx in ("float32", "float64"):
        with tg.use(floatx=floatx):
            for value in (np.array([1, 2]), np.array([1.0, 2.0])):
                assert tg.Parameter(value, "trained").dtype == floatx
    assert tg.Parameter(np.array([1, 2]), "count", trainable=False).dtype == np.int64
