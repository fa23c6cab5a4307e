"""Operations on arrays of any shape, layout and type: NumPy's value, and slopes as they are.

Shapes broadcast, axes may be empty, strides negative; whole numbers and float32 are compared with
NumPy, gradients of float64 with central differences.
"""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import (
    array_shapes,
    basic_indices,
    integer_array_indices,
    mutually_broadcastable_shapes,
)

from gradient_checks import check_gradients
from op_cases import BINARY, UNARY, WITHOUT_SLOPE, numbers
from tinygrad_mo.ops import OPS

LAYOUTS = {
    "plain": lambda x: x,
    "reversed": lambda x: x[(slice(None, None, -1),) * x.ndim].copy()[
        (slice(None, None, -1),) * x.ndim
    ],
    "transposed": lambda x: x.T.copy().T,
    "every second": lambda x: np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x,
}
TYPES = "float64", "float32", "int64", "int8"
NUMPY = {name: getattr(np, name) for name in (*UNARY, *BINARY) if hasattr(np, name)}
NUMPY.update({"max": np.max, "min": np.min, "sum": np.sum, "mean": np.mean, "prod": np.prod})
NUMPY.update({"var": np.var, "std": np.std})
REDUCTIONS = "sum", "mean", "max", "min", "prod", "var", "std"


@dataclass
class Case:
    """An op, the shapes of its inputs, and how these are made."""

    op: str
    shapes: list
    attributes: dict = field(default_factory=dict)
    dtype: str = "float64"
    layout: str = "plain"

    def inputs(self):
        if self.op in BINARY:
            makers = BINARY[self.op]
        else:
            makers = [UNARY.get(self.op, numbers)] * len(self.shapes)
        arrays = [make(*shape) for make, shape in zip(makers, self.shapes, strict=True)]
        arrays = [x if x.dtype == bool else (4 * x if "int" in self.dtype else x).astype(self.dtype)
                  for x in map(np.asarray, arrays)]  # fmt: skip
        arrays = [np.asarray(LAYOUTS[self.layout](x)) for x in arrays]
        for x in arrays:
            x.setflags(write=False)
        return arrays


SHAPES = array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
ALIKE = {"dtype": st.sampled_from(TYPES), "layout": st.sampled_from(list(LAYOUTS))}
FLOATS = {"dtype": st.sampled_from(TYPES[:2]), "layout": st.sampled_from(list(LAYOUTS))}
WHOLE = {"add", "subtract", "multiply", "maximum", "minimum", "negative", "square", "absolute",
         "not_equal", "equal", "greater", "less", "logical_not", "logical_and", "logical_or",
         "greater_equal", "less_equal", "sign"}  # fmt: skip


def typed(name):
    return ALIKE if name in WHOLE else FLOATS


def unary():
    names = st.sampled_from(sorted(UNARY))
    return names.flatmap(
        lambda n: st.builds(Case, st.just(n), st.lists(SHAPES, min_size=1, max_size=1), **typed(n))
    )


def binary():
    shapes = mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=3, max_dims=3)
    shapes = shapes.map(lambda found: list(found.input_shapes))
    names = st.sampled_from(sorted(BINARY))
    return names.flatmap(lambda n: st.builds(Case, st.just(n), shapes, **typed(n)))


def reductions():
    """Over some axes, none of them empty where an empty one has no value."""

    def of_shape(shape):
        axes = range(-len(shape), len(shape))
        axis = st.one_of(st.none(), *([st.sampled_from(axes)] if shape else []))
        names = REDUCTIONS if 0 not in shape else ("sum", "prod")
        options = st.fixed_dictionaries({"axis": axis, "keepdims": st.booleans()})
        return st.builds(Case, st.sampled_from(names), st.just([shape]), options, **FLOATS)

    return SHAPES.flatmap(of_shape)


def indexing():
    def of_shape(shape):
        index = basic_indices(shape, allow_newaxis=True)
        if shape and 0 not in shape:
            index = st.one_of(index, integer_array_indices(shape))
        options = st.fixed_dictionaries({"index": index})
        return st.builds(Case, st.just("getitem"), st.just([shape]), options, **FLOATS)

    return SHAPES.flatmap(of_shape)


def joining():
    def of_shape(shape):
        axes = st.integers(-len(shape), len(shape) - 1)
        lengths = st.lists(st.integers(0, 3), min_size=1, max_size=3)

        def shaped(axis_and_lengths):
            axis, lengths = axis_and_lengths
            others = [[*shape] for _ in lengths]
            for other, length in zip(others, lengths, strict=True):
                other[axis] = length
            return st.builds(
                Case, st.just("concatenate"), st.just([*map(tuple, others)]),
                st.just({"axis": axis}), **FLOATS)  # fmt: skip

        return st.tuples(axes, lengths).flatmap(shaped)

    return array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3).flatmap(of_shape)


def products():
    def of_lengths(lengths):
        n, k, m = lengths
        batches = mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=2, max_dims=2)
        shapes = batches.map(lambda found: found.input_shapes)
        shapes = shapes.map(lambda pair: [(*pair[0], n, k), (*pair[1], k, m)])
        return st.builds(Case, st.just("matmul"), shapes, **FLOATS)

    return st.tuples(*[st.integers(1, 3)] * 3).flatmap(of_lengths)


ARRAYS = st.one_of(unary(), binary(), reductions(), indexing(), joining(), products())


def by_numpy(case, arrays):
    """What NumPy makes of the same arrays, or None if it has no such function."""
    if case.op == "getitem":
        return arrays[0][case.attributes["index"]]
    if case.op == "concatenate":
        return np.concatenate(arrays, **case.attributes)
    if case.op == "matmul":
        return np.matmul(*arrays)
    function = NUMPY.get(case.op)
    return None if function is None else function(*arrays, **case.attributes)


def an_op_is_numpys_and_has_its_slopes(case):
    op, arrays = OPS[case.op], case.inputs()
    found = op(*arrays, **case.attributes)[0]
    expected = by_numpy(case, arrays)
    if expected is not None:
        assert np.shape(found) == np.shape(expected)
        tolerance = 1e-5 if case.dtype == "float32" else 1e-12
        np.testing.assert_allclose(found, expected, tolerance, 1e-6 if tolerance > 1e-6 else 1e-12)
        if np.asarray(expected).dtype in (bool, np.int64):  # short ones become longer
            assert np.asarray(found).dtype == np.asarray(expected).dtype
    if case.dtype == "float32":
        assert np.asarray(found).dtype in (np.float32, bool, np.int64)
    if case.dtype == "float64" and case.op not in WITHOUT_SLOPE:
        check_gradients(op, *arrays, directions=1, **case.attributes)


LAWS = {an_op_is_numpys_and_has_its_slopes: ARRAYS}
