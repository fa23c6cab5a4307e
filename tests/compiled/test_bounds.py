"""No kernel reads behind its arrays: they end where memory does."""

import ctypes
import mmap
import sys
from pathlib import Path

import numpy as np
import pytest
from test_compiled import (
    DRAWINGS,
    assert_close,
    by_kernel,
    draws,
    each_kernel,
    every_size,  # noqa: F401 (a fixture of every test here, too)
    floats,
    needs_compiler,
)

from tinygrad_mo import compiled
from tinygrad_mo.compiled import library

pytestmark = [
    needs_compiler,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="protects pages as Linux does"),
]
PAGE = mmap.PAGESIZE


def at_the_end(x):
    """The same numbers, and behind them a page that nobody may read: that ends the process."""
    if x is None:
        return None
    before = -(-x.nbytes // PAGE) * PAGE
    room = mmap.mmap(-1, before + PAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(room))
    nobody = 0
    assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(start + before), PAGE, nobody) == 0
    y = np.frombuffer(room, x.dtype, x.size, before - x.nbytes).reshape(x.shape)
    y[...] = x
    return y


@pytest.mark.one_in(5, rest="medium")
@each_kernel
def test_arrays_are_read_to_their_end_and_no_further(name, draw):
    for inputs, attributes, random in draws(draw, 4):
        right, gs = by_kernel(name, inputs, attributes, random=random)
        given = [at_the_end(x) for x in inputs]
        found, _ = by_kernel(name, given, attributes, gs=tuple(map(at_the_end, gs)))
        for one, other in zip(found, right, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.medium
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_any_number_of_filters_is_read_to_its_end(padding):
    random = np.random.default_rng(0)
    attributes = {"strides": (1, 1), "dilation_rate": (1, 1), "padding": padding}
    for filters in range(1, 36):
        inputs = [floats(random, *shape) for shape in ((2, 3, 3, 2), (2, 2, 2, filters))]
        _, gs = by_kernel("convolution", [*inputs, None], attributes, random=random)
        by_kernel(
            "convolution", [*map(at_the_end, inputs), None], attributes, gs=(at_the_end(gs[0]),)
        )


@pytest.fixture
def with_rooms_at_the_end(tmp_path, monkeypatch):
    """The kernels, but what they ask for with malloc ends where memory does."""
    flags = [*library.flags(), "-O1", "-include", str(Path(__file__).with_name("rooms.h"))]
    monkeypatch.setattr(library, "flags", lambda: flags)  # soon made
    made = library.build(library.find_sources(), library.find_compiler(), tmp_path, "kernels")
    return ctypes.CDLL(str(made))


@pytest.mark.slow
def test_no_kernel_needs_more_room_than_it_asks_for(with_rooms_at_the_end, monkeypatch):
    cases = [
        (name, inputs, attributes, by_kernel(name, inputs, attributes, random=random))
        for name, draw in DRAWINGS
        for inputs, attributes, random in draws(draw, 4)
    ]
    monkeypatch.setattr(library, "load", lambda: (with_rooms_at_the_end, "here"))
    for name, inputs, attributes, (right, gs) in cases:
        found, _ = by_kernel(name, inputs, attributes, gs=tuple(gs))
        assert_close(found, right, 1e-4)


def test_rows_are_read_to_their_end_and_no_further():
    rows = np.random.default_rng(0).normal(size=(3, 4097)).astype("float32")
    found = compiled.inner_products.inner_products(at_the_end(rows))
    np.testing.assert_array_equal(found, compiled.inner_products.inner_products(rows))
