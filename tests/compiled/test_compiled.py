"""Compiled kernels: each against its NumPy rule, and what happens where there is no compiler."""

import ctypes
import mmap
import os
import re
import subprocess
import sys
import threading
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import cli, compiled, device, ops, optimizers, pool
from tinygrad_mo.compiled import library, recurrent, registry
from tinygrad_mo.ops import OPS
from tinygrad_mo.replay.program import numbers_of_instructions
from tinygrad_mo.replay.tracing import Deviation, Instruction

needs_compiler = pytest.mark.skipif(
    library.load()[0] is None, reason=f"no compiled kernels: {library.load()[1]}"
)
SINGLE = np.finfo("float32").eps
TWINS = {name: op.compiled["cpu"] for name, op in OPS.items() if "cpu" in op.compiled}


@pytest.fixture(autouse=True)
def every_size(monkeypatch):
    """Small arrays, too, go to the kernels, whatever the environment says."""
    monkeypatch.setattr(device, "WORTH_A_CALL", 1)
    monkeypatch.setattr(recurrent, "WORTH_A_CALL", 1)
    with tg.use(kernels=True):
        yield


def test_where_a_compiler_is_there_are_kernels():
    try:
        library.find_compiler()
    except library.Missing:
        pytest.skip("no compiler")
    assert library.load()[0] is not None, library.load()[1]
    assert compiled.status()[0]


# Each kernel on random shapes. A drawing function returns inputs and attributes.


def floats(random, *shape):
    return random.standard_normal(shape).astype("float32")


def an_activation(random):
    return (3 * floats(random, *random.integers(1, 30, random.integers(1, 4))),), {}


def an_elu(random):
    return an_activation(random)[0], {"alpha": 0.25 + random.random()}


def a_leaky_relu(random):
    return an_activation(random)[0], {"negative_slope": random.random()}


def a_convolution(random, channels=None, least_size=1, transposed=False):
    axes = random.integers(1, 3)
    lengths = random.integers(6, 20, axes)
    size = tuple(random.integers(least_size, 5, axes))
    channels, filters = channels or random.integers(1, 40, 2)
    plain = random.random() < 0.5  # strides or dilation, not both
    few = tuple(int(n) for n in random.integers(1, 4, axes))
    attributes = {
        "strides": few if plain else (1,) * axes,
        "dilation_rate": (1,) * axes if plain else tuple(1 + (n == 3) for n in few),
        "padding": ["same", "valid"][random.integers(2)],
    }
    x = floats(random, random.integers(1, 5), *lengths, channels)
    sides = (filters, channels) if transposed else (channels, filters)
    bias = floats(random, filters) if random.random() < 0.7 else None
    return (x, floats(random, *size, *sides), bias), attributes


def a_convolution_to_single_numbers(random):
    attributes = {"strides": (1, 1), "padding": "valid", "dilation_rate": (1, 1)}
    return (floats(random, 5, 2, 2, 3), floats(random, 2, 2, 3, 1), None), attributes


def a_transposed_convolution(random):
    return a_convolution(random, transposed=True)


def a_convolution_by_groups(random):
    groups = int(random.integers(2, 4))
    channels, filters = groups * random.integers(1, 12, 2)
    (x, kernel, bias), attributes = a_convolution(random, (channels, filters), least_size=2)
    kernel = np.ascontiguousarray(kernel[..., : channels // groups, :])
    return (x, kernel, bias), attributes | {"groups": groups}


def a_depthwise_convolution(random):
    (x, kernel, _), attributes = a_convolution(random)
    kernel = np.ascontiguousarray(kernel[..., : random.integers(1, 4)])
    bias = floats(random, kernel.shape[-2] * kernel.shape[-1]) if random.random() < 0.7 else None
    return (x, kernel, bias), attributes


def a_3x3_convolution(random, transposed=False):
    """One that Winograd's way suits."""
    channels, filters = 16 * random.integers(2, 5, 2)
    sides = (filters, channels) if transposed else (channels, filters)
    x = floats(random, random.integers(1, 5), *random.integers(3, 15, 2), channels)
    attributes = {"strides": (1, 1), "dilation_rate": (1, 1)}
    attributes["padding"] = ["same", "valid"][random.integers(2)]
    return (x, floats(random, 3, 3, *sides), floats(random, filters)), attributes


def a_pooling(random):
    axes = random.integers(1, 3)
    x = floats(random, random.integers(1, 4), *random.integers(4, 12, axes), random.integers(1, 20))
    return (x.round(1),), {  # rounded, so that some are equal
        "pool_size": tuple(random.integers(1, 5, axes)),
        "strides": tuple(random.integers(1, 4, axes)),
        "padding": ["same", "valid"][random.integers(2)],
    }


def a_normalisation(random):
    x = 5 + 2 * floats(random, *random.integers(2, 20, random.integers(1, 4)))
    affine = [floats(random, x.shape[-1]) if random.random() < 0.8 else None for _ in range(2)]
    moving = floats(random, 2, x.shape[-1])
    return (x, *affine, *moving, None), {"training": True, "epsilon": 0.01}


def a_normalisation_of_samples(random):
    x = 2 + floats(random, *random.integers(1, 20, random.integers(2, 4)), random.integers(1, 40))
    count = int(random.integers(1, x.ndim))
    affine = [floats(random, *x.shape[-count:]) if random.random() < 0.8 else None for _ in "gb"]
    return (x, *affine), {"axis": tuple(range(-count, 0)), "epsilon": 0.01}


def a_normalisation_of_groups(random):
    groups, width = (int(n) for n in random.integers(1, 7, 2))
    x = 2 + floats(random, *random.integers(1, 15, random.integers(2, 4)), groups * width)
    affine = [floats(random, x.shape[-1]) if random.random() < 0.8 else None for _ in "gb"]
    return (x, *affine), {"groups": groups, "epsilon": 0.01}


def an_rms_normalisation(random):
    (x, _, _), attributes = a_normalisation_of_samples(random)
    return (x, floats(random, *x.shape[attributes["axis"][0] :])), attributes


def a_mean(random):
    x = floats(random, *random.integers(1, 9, random.integers(2, 5)))
    axes = tuple(range(-int(random.integers(1, min(x.ndim, 3))), 0))
    return (x,), {"axis": axes, "keepdims": bool(random.integers(2))}


def an_lstm(random):
    batch, time, features = random.integers(1, 20, 3)
    units = int(random.integers(1, 40))
    weights = [
        floats(random, *shape) / 2
        for shape in [(features, 4 * units), (units, 4 * units), (4 * units,)]
    ]
    states = [floats(random, batch, units) if random.random() < 0.5 else None for _ in range(2)]
    mask = random.random((batch, time)) < 0.7 if random.random() < 0.5 else None
    attributes = {"go_backwards": bool(random.integers(2))}
    return (floats(random, batch, time, features), *weights, *states, mask), attributes


def a_gru(random):
    (x, _, _, _, h0, _, mask), attributes = an_lstm(random)
    units = h0.shape[1] if h0 is not None else 7
    weights = [
        floats(random, *shape) / 2
        for shape in [(x.shape[-1], 3 * units), (units, 3 * units), (2, 3 * units)]
    ]
    return (x, *weights, h0, mask), attributes


def some_logits(random):
    """Few classes or many; all of a row may lie far from 0."""
    shape = (*random.integers(1, 8, random.integers(0, 3)), random.integers(1, 40))
    return (4 * floats(random, *shape) + np.float32(random.choice([-200, 0, 200])),), {}


def labels_and_logits(random):
    logits = some_logits(random)[0][0]
    label = random.random(logits.shape).astype("float32")  # whose sums are not 1
    return (label, logits), {}


def indices_and_logits(random):
    logits = some_logits(random)[0][0]
    return (random.integers(0, logits.shape[-1], logits.shape[:-1]), logits), {}


DRAWINGS = [
    ("relu", an_activation),
    ("leaky_relu", an_activation),
    ("leaky_relu", a_leaky_relu),
    ("elu", an_activation),
    ("elu", an_elu),
    ("tanh", an_activation),
    ("sigmoid", an_activation),
    ("silu", an_activation),
    ("gelu", an_activation),
    ("softplus", an_activation),
    ("selu", an_activation),
    ("hard_sigmoid", an_activation),
    ("convolution", a_convolution),
    ("convolution", a_3x3_convolution),
    ("transposed_convolution", a_transposed_convolution),
    ("transposed_convolution", lambda random: a_3x3_convolution(random, transposed=True)),
    ("convolution", a_convolution_by_groups),
    ("depthwise_convolution", a_depthwise_convolution),
    ("max_pool", a_pooling),
    ("average_pool", a_pooling),
    ("batch_normalization", a_normalisation),
    ("layer_normalization", a_normalisation_of_samples),
    ("group_normalization", a_normalisation_of_groups),
    ("rms_normalization", an_rms_normalisation),
    ("mean", a_mean),
    ("lstm", an_lstm),
    ("gru", a_gru),
    ("softmax", some_logits),
    ("categorical_crossentropy_from_logits", labels_and_logits),
    ("sparse_categorical_crossentropy_from_logits", indices_and_logits),
]
ACTIVATIONS = (an_activation, an_elu, a_leaky_relu)
each_kernel = pytest.mark.parametrize(
    ("name", "draw"), DRAWINGS, ids=[f"{name}{i}" for i, (name, _) in enumerate(DRAWINGS)]
)


def draws(draw, count=12):
    """Inputs and attributes that the NumPy rule accepts."""
    for seed in range(count):
        random = np.random.default_rng(seed)
        yield *draw(random), random


def results(function, inputs, attributes, random=None, gs=None, dtype="float32"):
    """All values and gradients as a list, for cotangents drawn or given; and the cotangents."""
    given = [
        x.astype(dtype) if x is not None and x.dtype.kind == "f" and x.dtype != dtype else x
        for x in inputs
    ]
    y, back = function(*given, **attributes)
    values = y if isinstance(y, tuple) else (y,)
    if gs is None:
        gs = tuple(floats(random, 2, *np.shape(v)) for v in values)
    sent = tuple(g.astype(dtype) for g in gs) if dtype != "float32" else gs
    found = (sent if isinstance(y, tuple) else sent[0],)
    gradients = back(*found) if callable(back) else [pull and pull(*found) for pull in back]
    return [*values, *gradients], gs


def by_kernel(name, inputs, attributes, **options):
    def run(*arrays, **others):
        found = TWINS[name](*arrays, **others)
        assert found is not NotImplemented, "the kernel declined"
        return found

    return results(run, inputs, attributes, **options)


def assert_close(found, right, digits=1e-5):
    """Equal shapes and types; NaN in the same places; close, measured by the largest number."""
    assert len(found) == len(right)
    for one, other in zip(found, right, strict=True):
        if other is None:
            assert one is None
            continue
        assert one.shape == other.shape and one.dtype == np.float32
        np.testing.assert_array_equal(np.isnan(one), np.isnan(other))
        finite = np.isfinite(other)
        assert (one[~finite & ~np.isnan(other)] == other[~finite & ~np.isnan(other)]).all()
        if finite.any():
            scale = max(np.abs(other[finite]).max(), SINGLE)
            assert np.abs(one[finite] - other[finite]).max() <= digits * scale


def test_every_kernel_is_drawn():
    assert {name for name, _ in DRAWINGS} == set(TWINS)


@pytest.mark.one_in(12, rest="medium")
@needs_compiler
@each_kernel
def test_a_kernel_does_what_its_rule_does(name, draw):
    """The rule in double precision, whose pullbacks `check_op` has compared with differences."""
    for inputs, attributes, random in draws(draw):
        found, gs = by_kernel(name, inputs, attributes, random=random)
        right = results(OPS[name].rule, inputs, attributes, gs=gs, dtype="float64")[0]
        assert_close(found, right, 2e-6 if draw in ACTIVATIONS else 2e-5)


@needs_compiler
@pytest.mark.parametrize("name", dict.fromkeys(n for n, d in DRAWINGS if d in ACTIVATIONS))
def test_an_activation_is_exact_in_single_precision_everywhere(name):
    """Each number by itself, so that no term of a series is too much or too little."""
    x, one = np.linspace(-20, 20, 4001, dtype="float32"), (np.ones((1, 4001), "float32"),)
    found, right = by_kernel(name, [x], {}, gs=one)[0], OPS[name].rule(x.astype(float))
    for y, exact in zip(found, (right[0], right[1][0](one[0].astype(float))), strict=True):
        assert (np.abs(y - exact) <= 3 * SINGLE * np.maximum(1, np.abs(x))).all()


@needs_compiler
@pytest.mark.parametrize("shape", [(1, 1), (2, 15), (3, 4097), (5, 12_345), (33, 700)])
def test_inner_products_are_summed_in_double_precision(shape):
    rows = 1 + floats(np.random.default_rng(0), shape[0], shape[1] + 3)
    for some in (rows, rows[:, 1:-2], rows[::2]):  # rows that lie apart, too
        found = compiled.inner_products.inner_products(some)
        exact = some.astype(float)
        np.testing.assert_allclose(found, exact @ exact.T, rtol=1e-12)
        np.testing.assert_array_equal(found, found.T)
    assert compiled.inner_products.inner_products(rows.T[:, :2]) is NotImplemented or len(rows) < 3
    assert compiled.inner_products.inner_products(rows.astype(float)) is NotImplemented
    for odd in (np.nan, np.inf):
        rows[0, -1] = odd
        found = compiled.inner_products.inner_products(rows)
        assert not np.isfinite(found[0]).any() and np.isfinite(found[1:, 1:]).all()


@pytest.mark.one_in(4, rest="medium")
@needs_compiler
@each_kernel
def test_nan_infinity_and_subnormal_numbers_pass_as_they_do_through_the_rule(name, draw):
    if draw is a_3x3_convolution or name == "transposed_convolution":
        pytest.skip("spoils the whole tile, as winograd.c says")
    with np.errstate(all="ignore"), tg.use(winograd=False):
        for odd in (np.nan, np.inf, -np.inf, 1e-40, -1e-40, 1e30):
            if (name in ("lstm", "gru") or "normalization" in name) and np.isinf(odd):
                continue  # whether it becomes NaN depends on the order of steps
            inputs, attributes, random = next(draws(draw))
            which = -1 if "crossentropy" in name else 0
            x = inputs[which].copy()
            x.reshape(-1)[random.integers(x.size)] = odd
            inputs = [x if i is inputs[which] else i for i in inputs]
            found, gs = by_kernel(name, inputs, attributes, random=random)
            assert_close(found, results(OPS[name].rule, inputs, attributes, gs=gs)[0])


@pytest.mark.one_in(4, rest="medium")
@needs_compiler
@each_kernel
def test_nan_in_a_cotangent_is_not_lost(name, draw):
    for inputs, attributes, random in draws(draw, 3):
        _, gs = by_kernel(name, inputs, attributes, random=random)
        for g in gs:
            g[0] = np.nan
        count = len(gs)
        with np.errstate(all="ignore"):
            found = by_kernel(name, inputs, attributes, gs=gs)[0][count:]
            right = results(OPS[name].rule, inputs, attributes, gs=gs)[0][count:]
        for one, other in zip(found, right, strict=True):
            assert one is None or (np.isnan(one[0]).any() and not np.isnan(one[1]).any())
            assert other is None or np.isnan(other[0]).any()


def backwards(x):
    """The same numbers, stored from the last to the first, and locked."""
    new = np.flip(np.flip(x).copy())
    new.setflags(write=False)
    return new


def spread_out(x):
    new = np.repeat(np.asarray(x, order="F")[..., None], 2, axis=-1)[..., 0]
    new.setflags(write=False)
    return new


@pytest.mark.one_in(4, rest="medium")
@needs_compiler
@each_kernel
def test_memory_layout_and_locks_make_no_difference(name, draw):
    for inputs, attributes, random in draws(draw, 4):
        right, gs = by_kernel(name, inputs, attributes, random=random)
        for layout in (backwards, spread_out):
            arrays = [x if x is None else layout(x) for x in inputs]
            found, _ = by_kernel(name, arrays, attributes, gs=tuple(map(layout, gs)))
            assert_close(found, right, 1e-6 if "convolution" in name else 0)


@pytest.mark.one_in(3, rest="medium")
@needs_compiler
@each_kernel
def test_rows_do_not_mix_and_pulling_twice_gives_the_same_bits(name, draw):
    for inputs, attributes, random in draws(draw, 4):
        before = [x if x is None else x.tobytes() for x in inputs]
        y, back = TWINS[name](*inputs, **attributes)
        values = y if isinstance(y, tuple) else (y,)
        kept = [np.asarray(v).tobytes() for v in values]

        def pull(gs, y=y, back=back):
            g = gs if isinstance(y, tuple) else gs[0]
            return list(back(g)) if callable(back) else [p and p(g) for p in back]

        gs = tuple(floats(random, 2, *v.shape) for v in values)
        sent = [g.tobytes() for g in gs]
        both, again = pull(gs), pull(tuple(gs))
        nothing = pull(tuple(0 * g for g in gs))
        for row in (0, 1):
            alone = pull(tuple(g[row : row + 1] for g in gs))
            for one, other in zip(both, alone, strict=True):
                assert one is None or one[row].tobytes() == other[0].tobytes()
        for one, other, zero in zip(both, again, nothing, strict=True):
            assert one is None or (one.tobytes() == other.tobytes() and not zero.any())
        assert [g.tobytes() for g in gs] == sent
        assert [np.asarray(v).tobytes() for v in values] == kept
        assert [x if x is None else x.tobytes() for x in inputs] == before


def before_a_wall(x):
    """The same numbers, where behind the last one begins a page that may not be read."""
    page, size = mmap.PAGESIZE, x.nbytes
    room = -(-size // page) * page
    memory = mmap.mmap(-1, room + page)
    new = np.frombuffer(memory, x.dtype, x.size, room - size).reshape(x.shape)
    new[...] = x
    wall = ctypes.addressof(ctypes.c_char.from_buffer(memory)) + room
    assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(wall), ctypes.c_size_t(page), 0) == 0
    return new


def read_before_walls():
    """Run every kernel on such arrays; a process that reads too far ends here."""
    device.WORTH_A_CALL = recurrent.WORTH_A_CALL = 1
    for name, draw in [*DRAWINGS, ("convolution", a_convolution_to_single_numbers)]:
        for inputs, attributes, random in draws(draw, 6):
            _, gs = by_kernel(name, inputs, attributes, random=random)
            walled = [x if x is None else before_a_wall(x) for x in inputs]
            by_kernel(name, walled, attributes, gs=tuple(before_a_wall(g[:1]) for g in gs))


@needs_compiler
@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="there is no mprotect")
def test_no_kernel_reads_behind_its_arrays():
    folder = str(Path(__file__).parent)
    code = f"import sys; sys.path.insert(0, {folder!r}); import test_compiled as t"
    assert "all read" in run_python(f"{code}; t.read_before_walls(); print('all read')")


def values_of(run, inputs, attributes):
    y = run(*inputs, **attributes)[0]
    return y if isinstance(y, tuple) else (y,)


WITH_ROOM = {  # of their own: lengths for which there is never enough memory, as powers of 2
    "correlate": 20, "kernel_gradient": 20, "depthwise": 22, "depthwise_kernel_gradient": 22,
    "gru_forward": 25, "gru_backward": 25, "lstm_forward": 25, "lstm_backward": 25,
    "winograd_correlate": 21, "winograd_kernel_gradient": 21, "max_pool_pull": 50, "moments": 50,
    "gradient_sums": 50, "normalise_rows_pull": 50, "normalise_groups": 50,
    "normalise_groups_pull": 50, "inner_products": 50, "program_run": 25,
}  # fmt: skip


@needs_compiler
@pytest.mark.parametrize("name", WITH_ROOM)
def test_a_kernel_that_gets_no_memory_says_so(name):
    """Before it reads or writes anything: there is nothing."""
    huge = 1 << WITH_ROOM[name]
    lengths, numbers = np.full(32, huge), [ctypes.c_int64(huge)] * 4
    given = numbers if WITH_ROOM[name] == 50 and name != "max_pool_pull" else [lengths.ctypes]
    if WITH_ROOM[name] < 25:
        lengths[1:3] = 1  # an image that does not fill its frame
    elif name == "program_run":
        lengths[0], given = numbers_of_instructions()["matmul_fff"], [lengths.ctypes, 1]
    assert getattr(library.load()[0], name)(*given, *[None] * 12) == 0


def test_kernels_that_need_memory_are_known():
    texts = [path.read_text("utf-8") for path in library.find_sources() if path.suffix == ".c"]
    functions = re.findall(r"^EXPORT int (\w+)\((.*?)^}", "\n".join(texts), re.M | re.S)
    asking = {name for name, body in functions if re.search("alloc|make_room|product\\(p", body)}
    assert asking == set(WITH_ROOM)


@pytest.mark.one_in(2, rest="medium")
@each_kernel
def test_what_a_kernel_declines_its_rule_does(name, draw):
    inputs, attributes, _ = next(draws(draw))
    double = [np.float64(x) if x is not None and x.dtype == "float32" else x for x in inputs]
    right = values_of(OPS[name].rule, double, attributes)
    for one, other in zip(values_of(OPS[name].run, double, attributes), right, strict=True):
        assert one.dtype == np.float64
        np.testing.assert_array_equal(one, other)


@pytest.mark.one_in(2, rest="medium")
@each_kernel
def test_a_batch_may_be_empty(name, draw):
    for inputs, attributes, _ in draws(draw, 3):
        batch = len(inputs[0])
        weights = range(1, 4) if name in ("lstm", "gru") or "normalization" in name else ()
        empty = [
            x
            if x is None or i in weights or len(x) != batch or ("convolution" in name and i)
            else x[:0]
            for i, x in enumerate(inputs)
        ]
        if inputs[0].ndim > 1:
            assert len(values_of(OPS[name].run, empty, attributes)[0]) == 0


def test_a_kernel_leaves_wrong_channels_to_the_rule_that_explains_them():
    x, kernel = np.ones((4, 8, 8, 3), "float32"), np.ones((3, 3, 2, 5), "float32")
    with pytest.raises(ValueError, match="3 != 2"):
        ops.convolution.run(x, kernel, None, strides=(1, 1), padding="same", dilation_rate=(1, 1))


@pytest.mark.one_in(2, rest="medium")
@needs_compiler
@each_kernel
def test_a_cotangent_of_a_wrong_shape_is_refused(name, draw):
    inputs, attributes, _ = next(draws(draw))
    y, back = TWINS[name](*inputs, **attributes)
    several = isinstance(y, tuple)
    gs = tuple(
        np.ones((2, *v.shape[:-1], v.shape[-1] + 1), "float32") for v in (y if several else (y,))
    )
    pulls = [back] if callable(back) else [pull for pull in back if pull]
    with pytest.raises(ValueError, match="shape"):
        pulls[0](gs if several else gs[0])


# In parts, side by side.


@pytest.fixture
def cut_always(monkeypatch):
    if pool.blas_threads() is None:
        pytest.skip("nothing is cut without threadpoolctl")
    monkeypatch.setattr(pool, "WORTH_CUTTING", 0)


@pytest.mark.one_in(20, rest="medium")
@needs_compiler
@each_kernel
@pytest.mark.parametrize("threads", [2, 4])
def test_parts_make_up_the_whole_with_the_same_bits_each_time(name, draw, threads, cut_always):
    for inputs, attributes, random in draws(draw, 4):
        whole, gs = by_kernel(name, inputs, attributes, random=random)
        with tg.use(threads=threads), pool.at_work():
            parts, again = (by_kernel(name, inputs, attributes, gs=gs)[0] for _ in range(2))
        assert_close(parts, whole)
        for one, other in zip(parts, again, strict=True):
            assert one is None or one.tobytes() == other.tobytes()


@pytest.mark.one_in(2, rest="medium")
@needs_compiler
@each_kernel
def test_every_kernel_is_cut(name, draw, cut_always, monkeypatch):
    together = []
    call = registry.call_c
    for module in ("convolution", "depthwise", "normalization", "registry"):
        monkeypatch.setattr(
            f"tinygrad_mo.compiled.{module}.call_c",
            lambda *arguments: (together.append(threading.get_ident()), call(*arguments)),
        )
    inputs, attributes, _ = next(i for i in draws(draw) if len(i[0][0]) > 1 or i[0][0].ndim == 1)
    with tg.use(threads=2), pool.at_work():
        forward = by_kernel(name, inputs, attributes, random=np.random.default_rng(0))
    assert forward and len(together) >= (2 if name in ("tanh", "gelu", "softplus", "mean") else 4)


@needs_compiler
def test_an_error_of_one_part_comes_through(cut_always, monkeypatch):
    call = registry.call_c

    def out_of_memory(name, shape, x, *others):
        if x[0, 0, 0, 0] == 1:  # the second half
            raise MemoryError("no memory for the second half")
        call(name, shape, x, *others)

    monkeypatch.setattr(registry, "call_c", out_of_memory)
    x = np.zeros((4, 4, 4, 1), "float32")
    x[2:] = 1
    options = {"pool_size": (2, 2), "strides": (2, 2), "padding": "valid"}
    with tg.use(threads=2), pool.at_work():
        with pytest.raises(MemoryError, match="second half"):
            ops.max_pool.run(x, **options)
        assert (ops.max_pool.run(x[:2], **options)[0] == 0).all()


@pytest.mark.medium
@needs_compiler
@pytest.mark.parametrize("threads", [2, 4])
def test_models_train_the_same_in_parts(threads, cut_always):
    with tg.use(threads=1):
        whole = losses_of_training(True)[0]
    with tg.use(threads=threads):
        parts, again = (losses_of_training(True) for _ in range(2))
    np.testing.assert_allclose(parts[0], whole, rtol=1e-4)
    assert parts == again


# Optimizers.

OPTIMIZERS = [
    optimizers.SGD(0.1),
    optimizers.SGD(0.1, momentum=0.9),
    optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    optimizers.RMSprop(),
    optimizers.RMSprop(momentum=0.5),
    optimizers.Adam(),
    optimizers.AdamW(),
    optimizers.Adagrad(0.01),
]


def twin_of_rule(optimizer):
    return type(optimizer).rule.compiled["cpu"]


def slots_of(optimizer, w):
    return [np.full_like(w, optimizer.slot_start) for _ in optimizer.slots]


def results_of(rule, *given):
    """The new values, and behind them the slots, as a list."""
    found = rule(*given)
    return list(found) if isinstance(found, list | tuple) else [found]


@needs_compiler
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: type(o).__name__)
def test_a_compiled_step_is_the_step_of_the_rule(optimizer):
    random = np.random.default_rng(0)
    w = v = floats(random, 37 * 5)
    slots, others = slots_of(optimizer, w), slots_of(optimizer, w)
    rate = optimizer.learning_rate
    for step in range(1, 5):
        g = floats(random, 37 * 5)
        given = [x.tobytes() for x in (w, g, *slots)]
        found = results_of(twin_of_rule(optimizer), optimizer, w, backwards(g), rate, step, *slots)
        assert given == [x.tobytes() for x in (w, g, *slots)], "what it was given has not changed"
        right = type(optimizer).rule.after_step_of_few(optimizer, v, g, rate, step, others)
        (w, *slots), (v, *others) = found, right
        for one, other in zip((w, *slots), (v, *others), strict=True):
            np.testing.assert_allclose(one, other, rtol=2e-6, atol=2e-7)


@needs_compiler
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: type(o).__name__)
def test_a_step_in_parts_has_the_same_bits(optimizer, cut_always):
    w, g = floats(np.random.default_rng(0), 2, 37 * 5)

    def step():
        found = twin_of_rule(optimizer)(optimizer, w, g, 0.1, 1, *slots_of(optimizer, w))
        return [a.tobytes() for a in found]

    whole = step()
    with tg.use(threads=4), pool.at_work():
        assert step() == whole


@needs_compiler
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: type(o).__name__)
def test_a_compiled_step_declines_what_does_not_end_finite(optimizer):
    """In any array, and anywhere in it: vectors, and what is left behind the last of them."""
    w, g, *slots = floats(np.random.default_rng(0), 2 + len(optimizer.slots), 37 * 5)
    arrays = [w, g, *map(np.abs, slots)]
    twin = twin_of_rule(optimizer)
    assert twin(optimizer, *arrays[:2], 0.1, 3, *arrays[2:]) is not NotImplemented
    places, numbers = [0, 17, 18, 100, 184], [np.inf, -np.inf, np.nan]
    for array, place, odd in product(arrays, places, numbers):
        kept, array[place] = array[place], odd
        assert twin(optimizer, *arrays[:2], 0.1, 3, *arrays[2:]) is NotImplemented
        assert twin(optimizer, *arrays[:2], 0.0, 3, *arrays[2:]) is NotImplemented
        array[place] = kept


DECLINED = [
    optimizers.SGD(0.1, weight_decay=0.1),
    optimizers.RMSprop(weight_decay=0.1),
    optimizers.RMSprop(centered=True),
    optimizers.RMSprop(centered=True, momentum=0.5),
    optimizers.Adam(amsgrad=True),
    optimizers.Adagrad(weight_decay=0.1),
]


@needs_compiler
@pytest.mark.parametrize("optimizer", DECLINED, ids=lambda o: type(o).__name__)
def test_what_a_twin_does_not_know_it_declines(optimizer):
    w, g = floats(np.random.default_rng(0), 2, 37 * 5)
    twin, slots = twin_of_rule(optimizer), slots_of(optimizer, w)
    assert twin(optimizer, w, g, 0.1, 1, *slots) is NotImplemented


def test_a_rule_of_ones_own_is_not_replaced():
    class Adam(optimizers.Adam):
        def rule(self, w, g, rate, t, *slots):
            return w, *slots

    class Untouched(optimizers.Adam):
        pass

    assert not Adam.rule.compiled and Adam.rule.fused is None
    assert Untouched.rule is optimizers.Adam.rule and Untouched.rule.compiled
    w, adam = tg.Parameter(np.ones(3), "w"), Adam()
    adam.apply({w: np.ones(3)})
    assert (w.value == 1).all()


def test_rules_have_compiled_twins_that_are_tested():
    named = optimizers.OPTIMIZERS
    without = [name for name, kind in named.items() if "cpu" not in kind.rule.compiled]
    assert without == ["adadelta", "adamax", "nadam", "lion"]
    twins = {name for name, kind in named.items() if kind.rule.compiled}
    tested = {name for name, kind in named.items() if any(isinstance(o, kind) for o in OPTIMIZERS)}
    assert twins - tested == set()


# The whole.


def small_model():
    x = tg.Input((8, 8, 3))
    y = tg.layers.Conv2D(32, 3, padding="same", activation="relu")(x)
    y = tg.layers.BatchNormalization()(tg.layers.Conv2D(32, 3, activation="elu")(y))
    y = tg.layers.MaxPooling2D(2)(y)
    y = tg.layers.LSTM(5)(tg.layers.Reshape((9, 32))(y))
    model = tg.Model(x, [tg.layers.Dense(16, name="a")(y), tg.layers.Dense(1, name="b")(y)])
    loss = {"a": tg.losses.SparseCategoricalCrossentropy(from_logits=True), "b": "mse"}
    model.compile("adam", loss, loss_weights={"a": 1.0, "b": 0.5})
    return model


def losses_of_training(wanted):
    random = np.random.default_rng(0)
    x, a, b = floats(random, 16, 8, 8, 3), random.integers(0, 16, 16), floats(random, 16, 1)
    tg.set_random_seed(0)
    with tg.use(kernels=wanted):
        model = small_model()
        history = model.fit(x, [a, b], epochs=3, batch_size=8, verbose=0)
        flow = model.gradient_flow(x, [a, b])
        return history.history["loss"], flow.report()


@pytest.mark.medium
@needs_compiler
def test_models_train_the_same_with_and_without_kernels(monkeypatch):
    called = set()
    call = registry.call_c
    for module in ("convolution", "normalization", "registry"):
        monkeypatch.setattr(
            f"tinygrad_mo.compiled.{module}.call_c",
            lambda name, *arguments: (called.add(name), call(name, *arguments)),
        )
    without = losses_of_training(False)
    assert not called
    with_kernels = losses_of_training(True)
    used = "relu relu_pull elu elu_pull correlate kernel_gradient winograd_correlate moments"
    used += " winograd_kernel_gradient max_pool max_pool_pull lstm_forward lstm_backward softmax"
    assert set(used.split()) <= called
    np.testing.assert_allclose(with_kernels[0], without[0], rtol=1e-4)
    assert with_kernels[0] == losses_of_training(True)[0]


# A kernel that is wrong must be noticed by the tests above.

MUTATIONS = [
    ("activations.c", "(float)(y > 0)", "(float)(y >= 0)", "relu", an_activation),
    ("activations.c", "1 - y * y", "1 - y", "tanh", an_activation),
    ("activations.c", "p * t + 0.132302795f", "p * t + 0.1323f", "gelu", an_activation),
    ("activations.c", "x * (bell *", "(bell *", "gelu", an_activation),
    ("activations.c", "p * u + 1.0f / 5;", "p * u + 1.0f / 4;", "softplus", an_activation),
    ("activations.c", "(x < 0 ? e : 1) /", "e /", "softplus", an_activation),
    ("normalization.c", "-inverse[c] * inverse[c]", "-inverse[c]", "group_normalization",
     a_normalisation_of_groups),
    ("common.h", "3.493937992e-3f", "3.5e-3f", "sigmoid", an_activation),
    ("common.h", "1.0f / 24;", "1.0f / 25;", "elu", an_activation),
    ("convolution.c", "bias ? bias + f : NULL", "bias", "convolution", a_convolution),
    ("convolution.c", "i * s->row_step *", "i *", "convolution", a_convolution),
    ("convolution.c", "load_some(bias + c,", "load_some(bias,", "depthwise_convolution",
     a_depthwise_convolution),
    ("convolution.c", "sum[t].left += old.left,", "", "depthwise_convolution",
     a_depthwise_convolution),
    ("winograd.c", "8 * difference2", "4 * difference2", "convolution", a_3x3_convolution),
    ("winograd.c", "wide - half", "wide + half", "convolution", a_3x3_convolution),
    ("pooling.c", "left_over[c] -= is_first", "left_over[c] -= 0", "max_pool", a_pooling),
    ("normalization.c", "total[c] / n;\n    free", "total[c] / (n - 1);\n    free",
     "batch_normalization", a_normalisation),
    ("normalization.c", "of_one = centred ?", "of_one = 0 ?", "layer_normalization",
     a_normalisation_of_samples),
    ("normalization.c", "parts[k] = 0;", "", "layer_normalization",
     lambda r: ((floats(r, 300, 2), None, None), {})),
    ("lstm.c", "cb[u] = c * f[u]", "cb[u] = c", "lstm", an_lstm),
    ("lstm.c", "if (!mask || mask[at])", "if (1)", "lstm", an_lstm),
    ("gru.c", "hb[k] *= u[k]", "hb[k] *= r[k]", "gru", a_gru),
    ("reductions.c", "x += width", "x += 1", "mean", a_mean),
    ("softmax.c", "scale * (p[k] * weight", "scale * (p[k]",
     "categorical_crossentropy_from_logits", lambda r: ((floats(r, 2, 20), floats(r, 2, 20)), {})),
]  # fmt: skip


@pytest.mark.one_in(12, rest="exhaustive")
@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize(("file", "old", "new", "name", "draw"), MUTATIONS)
def test_a_wrong_kernel_is_noticed(file, old, new, name, draw, tmp_path, monkeypatch):
    main = {"common.h": "activations.c", "matrix.h": "gru.c"}.get(file, file)
    sources = [s for s in library.find_sources() if s.suffix == ".h" or s.name == main]
    for source in sources:
        text = source.read_text()
        if source.name == file:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / source.name).write_text(text)
    monkeypatch.setenv("TINYGRAD_MO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(library, "find_sources", lambda: sorted(tmp_path.glob("*.[ch]")))
    wrong = library.load.__wrapped__()
    assert wrong[0] is not None, wrong[1]
    monkeypatch.setattr(library, "load", lambda: wrong)
    with pytest.raises(AssertionError):
        test_a_kernel_does_what_its_rule_does(name, draw)


# Building and finding the library.


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder of its own, and one small file to compile."""
    monkeypatch.setenv("TINYGRAD_MO_CACHE", str(tmp_path / "cache"))
    few = [s for s in library.find_sources() if s.name in ("common.h", "updates.c")]
    monkeypatch.setattr(library, "find_sources", lambda: few)
    return tmp_path / "cache"


def load():
    return library.load.__wrapped__()


@pytest.mark.medium
@needs_compiler
def test_a_library_is_built_once(cache):
    found, path = load()
    assert found.update_sgd and list(cache.iterdir()) == [Path(path)]
    built = Path(path).stat().st_mtime_ns
    assert load()[1] == path and Path(path).stat().st_mtime_ns == built


@pytest.mark.slow
@needs_compiler
def test_what_decides_about_a_library_is_in_its_name(cache, monkeypatch):
    names = {load()[1]}
    monkeypatch.setattr(library.platforms, "processor", lambda: "another one")
    names.add(load()[1])
    monkeypatch.setattr(library, "FLAGS", [*library.FLAGS, "-O1"])
    names.add(load()[1])
    monkeypatch.setenv("CC", f"{library.find_compiler()[0]} -DX")
    names.add(load()[1])
    assert len(names) == 4 and len(list(cache.iterdir())) == 4


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("harm", ["cut short", "one byte", "empty", "text"])
def test_a_broken_library_is_built_anew(cache, harm):
    path = Path(load()[1])
    whole = path.read_bytes()
    if harm == "text":  # with a fingerprint that is right
        text = b"not a library"
        path = path.with_stem(f"{path.stem.rpartition('-')[0]}-{library.fingerprint(text)}")
        path.write_bytes(text)
    else:
        new = {"cut short": whole[:5000], "one byte": b"\0" + whole[1:], "empty": b""}[harm]
        path.unlink()
        path.write_bytes(new)
    found, other = load()
    assert found.update_sgd and Path(other).read_bytes() == whole


@pytest.mark.exhaustive
@needs_compiler
def test_two_processes_may_build_at_once(cache):
    code = "from tinygrad_mo.compiled import library as l; r = l.load(); print(bool(r[0]), r[1])"
    run = [subprocess.Popen([sys.executable, "-c", code], stdout=-1, text=True) for _ in range(3)]
    said = {process.communicate()[0].split()[0] for process in run}
    assert said == {"True"}
    assert all(path.suffix == ".so" for path in cache.iterdir())


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("CC", "/nonexistent/cc", "no C compiler found"),
        ("CC", "false", "failed"),
        ("CC", "'", "closing quotation"),
        ("TINYGRAD_MO_CACHE", __file__, "File exists"),  # a file where the folder should be
    ],
)
def test_without_a_library_numpy_serves_and_the_doctor_says_why(
    cache, monkeypatch, capsys, variable, value, reason
):
    monkeypatch.setenv(variable, value)
    found, why = load()
    assert found is None and (reason.lower() in why.lower() or os.name == "nt")
    monkeypatch.setattr(library, "load", lambda: (found, why))
    with tg.use(kernels=True):
        cli.run_doctor()
    assert f"Compiled kernels: not in use, {why}" in capsys.readouterr().out
    x = floats(np.random.default_rng(0), 8)
    y, (pull,) = ops.relu.run(x)
    assert (y == np.maximum(x, 0)).all() and (pull(x[None]) == y).all()
    assert twin_of_rule(OPTIMIZERS[0])(OPTIMIZERS[0], x, x, 0.1, 1) is NotImplemented


def run_python(code, **variables):
    environment = {**os.environ, **variables}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return run.stdout


@pytest.mark.medium
def test_the_environment_switches_kernels_off():
    code = "import tinygrad_mo as tg; print(tg.compiled.status())"
    assert "switched off" in run_python(code, TINYGRAD_MO_KERNELS="0")


@pytest.mark.medium
@needs_compiler
def test_what_computes_nothing_builds_nothing(tmp_path):
    code = """if True:
        import numpy as np, tinygrad_mo as tg
        x = tg.Input((4,))
        model = tg.Model(x, tg.layers.Dense(1, activation="sigmoid")(x))
        model.compile("adam", "binary_crossentropy")
        tg.gradients((tg.Tensor([1.0, 2.0]) ** 2).sum(), [])"""
    run_python(code, TINYGRAD_MO_CACHE=str(tmp_path / "cache"))
    assert not (tmp_path / "cache").exists()


def test_use_switches_kernels_off_and_on():
    x = np.ones(4, "float32")
    with tg.use(kernels=False):
        assert not compiled.status()[0] and "switched off" in compiled.status()[1]
        assert device.by_twin({"cpu": lambda x: x}, x, x) is NotImplemented
    with tg.use(kernels=True):
        assert "switched off" not in compiled.status()[1]
        assert device.by_twin({"cpu": lambda x: x}, x, x) is x
        assert device.by_twin({"cuda": lambda x: x}, x, x) is NotImplemented
        assert device.by_twin({"cpu": lambda x: x}, object(), x) is NotImplemented


# Programs: each instruction of C against NumPy.

if library.load()[0] is not None:
    from tinygrad_mo.replay.program import Block, in_one_call, numbers_of_instructions

    INSTRUCTIONS = sorted(numbers_of_instructions())
else:
    INSTRUCTIONS = []
TYPES = {"f": "float32", "b": "bool", "i": "int32", "l": "int64"}
C_NAMES = {"sum": "add", "largest": "maximum", "smallest": "minimum"}
C_NAMES |= {"any": "logical_or", "every": "logical_and"}
ODD = np.array([0.0, -0.0, 1.0, np.inf, -np.inf, np.nan, 1e-41, -1e-41, 3e38], "float32")


def some_numbers(random, letter, shape):
    if letter == "f":
        x = 2 * floats(random, *shape)
        odd = random.random(shape) < 0.1
        return np.where(odd, random.choice(ODD, shape), x)
    return random.integers(0, 2 if letter == "b" else 5, shape).astype(TYPES[letter])


def laid_out(random, x):
    """The same numbers, perhaps not one after the other."""
    kind = random.integers(3)
    if kind == 1 and x.ndim:
        return np.asfortranarray(x)
    if kind == 2 and x.ndim:
        wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
        wide[..., ::2] = x
        return wide[..., ::2]
    return x


def an_instruction(random, name):
    """One of this name, on arrays of random shapes."""
    what, (to, *of) = name.rsplit("_", 1)
    shape = tuple(random.integers(0, 7, random.integers(0, 5)))
    if random.random() < 0.3:
        shape = (int(random.integers(200, 600)),)
    if what == "matmul":
        m, k, n = random.integers(1, 40, 3)
        x, y = floats(random, m, k), floats(random, k, n)
        return Instruction(
            what, (laid_out(random, x), laid_out(random, y)), floats(random, m, n), {}
        )
    x, y = (laid_out(random, some_numbers(random, letter, shape)) for letter in of)
    if what in C_NAMES:
        axes = tuple(np.flatnonzero(random.random(len(shape)) < 0.5).tolist())
        ufunc = getattr(np, C_NAMES[what])
        if C_NAMES[what] in ("maximum", "minimum") and 0 in shape:
            x = some_numbers(random, of[0], (2, 3))
            axes = (0,)
        keepdims = bool(random.integers(2))
        like = ufunc.reduce(np.zeros_like(x), axis=axes, keepdims=keepdims)
        out = np.zeros_like(like, TYPES[to], order="C")
        options = {"axis": axes, "keepdims": keepdims}
        return Instruction(f"{C_NAMES[what]}.reduce", (x,), np.asarray(out), options)
    out = laid_out(random, some_numbers(random, to, shape))
    two = what == "choose" or (what != "copy" and getattr(np, what).nin == 2)
    if two and shape and random.random() < 0.3:
        y = y[..., :1]  # broadcast
    return Instruction(what, (x, y) if two else (x,), out, {})


@pytest.mark.one_in(48, rest="medium")
@needs_compiler
@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_an_instruction_does_what_numpys_does(name):
    random, by_c = np.random.default_rng(len(name)), 0
    for _ in range(60):
        plain = an_instruction(random, name)
        copy = plain._replace(out=laid_out(random, plain.out.copy()))
        with np.errstate(all="ignore"):
            plain.call()()
        (call,) = in_one_call([copy.simplified()])
        by_c += isinstance(call, Block)
        with np.errstate(all="ignore"):
            call()
        if plain.out.dtype == "float32":
            exact = plain.what in ("add", "subtract", "multiply", "divide", "maximum", "copy")
            scale = 30 if plain.what == "matmul" else 1
            tolerance = 0 if exact else 4 * SINGLE
            if plain.what == "add.reduce":
                finite = np.abs(plain.inputs[0][np.isfinite(plain.inputs[0])])
                scale = finite.sum() if finite.max(initial=0) < 1e30 else np.inf
            if np.isinf(scale):
                continue
            np.testing.assert_allclose(copy.out, plain.out, tolerance, tolerance * scale)
        else:
            np.testing.assert_array_equal(copy.out, plain.out)
    assert by_c > 10, "many are done in C"


@needs_compiler
def test_what_c_does_not_know_is_left_to_numpy():
    x, y = np.ones(3, "float32"), np.ones(3)
    known, unknown = Instruction("add", (x, x), x.copy(), {}), Instruction("add", (y, y), y, {})
    shifted = Instruction("copy", (x[1:],), x[:-1], {})  # it would read what it has overwritten
    calls = in_one_call([known, known, unknown, shifted, known])
    assert [isinstance(call, Block) for call in calls] == [True, False, False, True]
    assert len(calls[0].code) == 2


@needs_compiler
def test_guards_are_asked_before_what_is_not_done_in_c():
    x, done, yes = np.ones(3, "float32"), [], np.array(True)
    in_c = Instruction("add", (x, x), x, {})
    guard = Instruction("guard", (yes,), np.empty(0), {"expected": True})
    run = Instruction("run", (), np.empty(0), {"function": lambda: done.append(1)})
    calls = in_one_call([in_c, guard, in_c, run, in_c, guard])
    assert [isinstance(call, Block) for call in calls] == [True, False, False, True, False]
    for call in calls:
        call()
    assert done == [1] and x.tolist() == [8, 8, 8]
    yes[...] = False
    with pytest.raises(Deviation):
        for call in calls:
            call()
    assert done == [1]
