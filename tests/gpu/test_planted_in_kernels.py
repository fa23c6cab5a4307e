"""Faults planted in the texts of the kernels: each is found by one of the checks."""

import kernel_checks as checks
import nvrtc
import pytest
import raw_module
import test_kernels
from test_kernels import complaints_of, needs_nvrtc

from tinygrad_mo.compiled.cuda import launching

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not raw_module.COMPILER, reason="kernels run on a CPU by g++"),
]


@pytest.fixture(autouse=True)
def as_before():
    yield
    checks.forget()


SPARSE = "sparse_categorical_crossentropy_from_logits"
NUMBERS = [  # seen in the numbers, in one of the orders: op, what stands there, what is put there
    ("lstm", "__syncthreads(); /* all gates are there", "/* all gates are there"),
    ("lstm", "__syncthreads(); /* state is new", "/* state is new"),
    ("lstm", "__syncthreads(); /* slope is there", "/* slope is there"),
    ("gru", "__syncthreads(); /* u and r are there", "/* u and r are there"),
    ("gru", "__syncthreads(); /* part is there", "if (gate) __syncthreads(); /* part is there"),
    ("lstm", "int t = backwards ? time - 1 - step : step;", "int t = step;"),
    ("gru", "coming = x_w[(at + (backwards ? -1 : 1))", "coming = x_w[(at + 1)"),
    ("lstm", "if (!mask || mask[at])", "if (true)"),
    ("lstm", "if (mask && !mask[sample * time + t])", "if (false)"),
    ("gru", "blockIdx.y * (num)gridDim.x + sample", "sample"),
    ("lstm", "h0 ? h0[sample * UNITS + unit] : 0.0f", "0.0f"),
    ("lstm", "of_c *= s.f;", ""),
    ("lstm", "column / UNITS == 2", "column / UNITS == 3"),
    ("gru", "gate == 2 ? mine * s.r : mine", "mine"),
    ("gru", "kept[k] = weights[k * stride]", "kept[k] = weights[k]"),
    ("embedding", "sum += g[(num)origin[at]", "sum = g[(num)origin[at]"),
    ("embedding", "g += (num)blockIdx.y * n * width;", ""),
    ("embedding", "first == 0 || sorted[first - 1] != id", "true"),
    ("embedding", "__syncthreads(); /* all sums are there */", ""),
    (SPARSE, "__syncthreads(); /* what was here has been read */", ""),
    ("categorical_crossentropy_from_logits", "weight = sum_of_row(weight);", ""),
    ("weighted_mean", "w == w && (!mask || mask[i])", "w == w"),
    ("batch_normalization", "2.0f * g_variance[k] * normal[i] * deviation", "0.0f"),
    ("batch_normalization", "float middle = sum_of_column(sum.total)", "float middle = sum.total"),
    ("layer_normalization", "g += row, gx += row;", "g += i * channels, gx += row;"),
    ("max_pool", "if (one <= best ||", "if (one < best ||"),
    (
        "convolution",
        "if (row < 0 || column < 0 || row % down",
        "if (row < 0 || column < 0 || false",
    ),
    ("depthwise_convolution", "g += blockIdx.z * outputs * filters;", ""),
    ("transposed_convolution", "p + top - a * far", "p + top - a"),
    ("average_pool", "/ ((w.bottom - w.top) * (w.right - w.left));", "/ (tall * wide);"),
    ("dense", "__syncthreads(); /* the parts are there */", ""),
    ("dense", "__syncthreads(); /* the parts have been read */", ""),
    ("dense", "total += found[other][own]", "total = found[other][own]"),
    ("matmul", "x += blockIdx.z * x_matrix,", ""),
    ("dense", "start += GROUPS * DEEP", "start += DEEP"),
    (
        "max_pool",
        "row = p + top < tall ? 0 : (p + top - tall) / down + 1",
        "row = (p + top) / down",
    ),
]


@pytest.mark.one_in(18, rest="exhaustive")
@pytest.mark.parametrize(("name", "old", "new"), NUMBERS, ids=range(len(NUMBERS)))
def test_a_fault_in_a_kernel_is_seen_in_the_numbers(name, old, new, cupy):
    checks.plant(old, new)
    try:
        assert checks.largest_gap_of(cupy, name) > checks.ALLOWED
    except RuntimeError as error:
        assert "do not meet" in str(error)


STEPS = [  # seen in the step of an optimizer
    ("adam", "sqrtf(v) + epsilon", "sqrtf(v + epsilon)"),
    ("adamw", "rate = changing[0], shrink = changing[1];", "rate = changing[0];"),
    ("nesterov", "move = nesterov ? momentum * v + move : v;", "move = v;"),
]


@pytest.mark.parametrize(("name", "old", "new"), STEPS, ids=[name for name, *_ in STEPS])
def test_a_fault_in_a_step_is_seen(name, old, new, cupy):
    checks.plant(old, new)
    with pytest.raises(AssertionError):
        test_kernels.test_a_step_is_that_of_the_rule(test_kernels.OPTIMIZERS[name], cupy)


PLACES = [  # seen by the sanitizer
    ("lstm", "if (step + 1 < time)", "if (step < time)"),
    ("gru", "Step coming = read(time - 1);", "Step coming = read(time);"),
    ("gru", "__shared__ float gate[2 * UNITS];", "__shared__ float gate[2 * UNITS - 1];"),
    ("embedding", "start + k < i", "start + k <= i"),
    ("softmax", "is_there && k < classes", "k < classes"),
]


@pytest.mark.exhaustive
@pytest.mark.parametrize(("name", "old", "new"), PLACES, ids=range(len(PLACES)))
def test_a_place_outside_of_an_array_is_seen_by_the_sanitizer(name, old, new):
    run = checks.sanitized(name, old, new)
    assert "AddressSanitizer" in run.stderr or "runtime error" in run.stderr, run.stderr


WORDS = [  # seen in what a compiler makes of it: a file, its UNITS
    ("lstm", 32, "0.5f * tanhf(0.5f * x)", "0.5 * tanhf(0.5f * x)", ".f64"),
    ("gru", 256, "(UNITS <= 128 ? 64 : 16) + UNITS % 4", "UNITS", "spill"),
    (
        "gru",
        32,
        "sum[k % 4] += x[k] * kept[k]",
        "sum[k % 4] += x[k] * kept[stride % KEPT]",
        ".local",
    ),
]


@needs_nvrtc
@pytest.mark.parametrize(("file", "units", "old", "new", "said"), WORDS, ids=range(len(WORDS)))
def test_what_makes_a_gpu_slow_is_seen_by_its_compiler(file, units, old, new, said):
    checks.plant(old, new)
    assert any(said in line for line in complaints_of(file, nvrtc.CHIPS[0], units))


CALLS = [  # seen by the stand-in for CuPy
    ("fitting", lambda kernel, parameter, x: launching.NOTHING if x is None else x, "is int64"),
    ("contiguous", lambda x, dtype=None: x, "has gaps"),
]


@pytest.mark.parametrize(("function", "wrong", "said"), CALLS, ids=[c[0] for c in CALLS])
def test_a_wrong_call_is_refused(function, wrong, said, cupy, monkeypatch):
    monkeypatch.setattr(launching, function, wrong)
    monkeypatch.setattr(f"tinygrad_mo.compiled.cuda.recurrent.{function}", wrong, raising=False)
    inputs, attributes = checks.DRAWN["gru"][0]
    given = [x if x is None else cupy.asarray(x) for x in inputs]
    given[2] = cupy.asarray(inputs[2].T.copy()).T
    with pytest.raises((TypeError, ValueError), match=said):
        checks.twin("gru")(*given, **attributes)
