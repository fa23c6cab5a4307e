"""The CUDA text that lesson 30 shows is right, in any order of threads."""

import re

import numpy as np
import nvrtc
import pytest
import raw_module

from tinygrad_mo.learn import course_folder

pytestmark = pytest.mark.skipif(not raw_module.COMPILER, reason="kernels run on a CPU by g++")


def text_of_lesson():
    lesson = (course_folder() / "30_a_kernel_of_your_own.py").read_text("utf-8")
    found = re.search(r"^#     #define TILE 16\n(#     .*\n)+", lesson, re.M)
    return re.sub(r"^#     ", "", found[0], flags=re.M)


@pytest.mark.medium
@pytest.mark.parametrize("order", raw_module.ORDERS)
@pytest.mark.parametrize("sizes", [(1, 1, 1), (17, 5, 33), (16, 32, 16), (40, 18, 47)])
def test_the_tiled_product_of_the_lesson(sizes, order, cupy, monkeypatch):
    monkeypatch.setattr(raw_module, "order", order)
    rows, columns, inner = sizes
    random = np.random.default_rng(0)
    x, y = random.standard_normal((rows, inner)), random.standard_normal((inner, columns))
    if rows > 16:  # and 0 over an edge never meets them
        x[1, 2], y[3, 0], y[inner - 1, columns - 1] = np.nan, np.inf, -np.inf
    given = [cupy.asarray(array, "float32") for array in (x, y)]
    result = cupy.zeros((rows, columns), "float32")
    kernel = cupy.RawModule(code=text_of_lesson()).get_function("tiled_product")
    grid = (-(-columns // 16), -(-rows // 16))
    kernel(grid, (16, 16), (*map(np.int32, sizes), *given, result))
    with np.errstate(invalid="ignore"):
        assert np.allclose(result.get(), x @ y, atol=1e-4, equal_nan=True)


@pytest.mark.medium
def test_without_a_barrier_it_is_wrong(cupy):
    parts = text_of_lesson().split("__syncthreads();")
    assert len(parts) == 3
    x, y = (cupy.asarray(np.ones((40, 40), "float32")) for _ in range(2))
    for text in (parts[0] + parts[1] + "__syncthreads();" + parts[2], "".join(parts)):
        result = cupy.zeros((40, 40), "float32")
        kernel = cupy.RawModule(code=text).get_function("tiled_product")
        kernel((3, 3), (16, 16), (*map(np.int32, (40, 40, 40)), x, y, result))
        assert not np.allclose(result.get(), 40)


@pytest.mark.medium
@pytest.mark.skipif(nvrtc.library() is None, reason="no NVRTC")
def test_a_compiler_for_gpus_takes_it():
    found = nvrtc.compiled(text_of_lesson(), [], nvrtc.CHIPS[1])
    assert nvrtc.complaints(found) == []
