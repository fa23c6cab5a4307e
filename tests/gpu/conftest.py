import sys

import double
import pytest
import raw_module

import tinygrad_mo as tg
from tinygrad_mo import questions
from tinygrad_mo.compiled.cuda import products

collect_ignore = ["everywhere.py", "check.py"]  # programs


@pytest.fixture
def cupy(monkeypatch):
    """The double in place of CuPy, and new arrays on it."""
    for name, module in double.MODULES.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(products, "MOST", 1 << 16)  # more takes long on a CPU
    double.counts.clear()
    with tg.use("cupy", kernels=bool(raw_module.COMPILER)):
        yield double.cupy
    questions.OPEN.clear()
