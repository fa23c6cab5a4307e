"""Every test starts from the same seed and must leave the package's settings as it found them."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: tests run side by side

import numpy as np
import pytest

import tinygrad_mo as tg
from sizes import mark_the_rest
from tinygrad_mo import device, pool
from tinygrad_mo.ops import OPS

collect_ignore = ["conftest.py", "recipes"]  # recipes need Keras and others, and are run by hand
collect_ignore_glob = ["learn/tries/*"]  # parts of lessons, not modules


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parts[-2:] == ("lessons", "test_checks.py"):  # students have it, without marks
            item.add_marker(pytest.mark.one_in(8, rest="medium"))
    mark_the_rest(items)


@pytest.fixture(autouse=True)
def fresh_start():
    before, numpy_state = dict(device._settings), np.random.get_state()[1].copy()
    ops = dict(OPS)
    tg.set_random_seed(0)
    yield
    OPS.clear()  # an op that a test makes is known in that test alone
    OPS.update(ops)
    assert device._settings == before, "this test has changed the settings for all others"
    assert not pool._inside, "this test has left the pool at work"
    assert (np.random.get_state()[1] == numpy_state).all(), "numpy.random's global state was used"


@pytest.fixture
def float64():
    with tg.use(floatx="float64"):
        yield
