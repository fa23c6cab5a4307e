"""All other tests on the double of CuPy: ``python -m pytest -p gpu.everywhere -m varied``.

What the library does stays as strict as CuPy is. Only what the tests themselves do with arrays is
forgiven, since they were written for NumPy's. Left out is what is about NumPy's own arrays.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import double

sys.modules.update(double.MODULES)

import tinygrad_mo as tg  # noqa: E402

TESTS = Path(__file__).parents[1]
BETWEEN = (str(Path(np.__file__).parent), double.__file__, __file__, "functools", "contextlib")
OF_NUMPY_ALONE = {  # by what a test is about
    "rooms that serve NumPy's arrays": [
        "gpu/",
        "compiled/",
        "replay/",
        "benchmarks/",
        "test_pool.py",
    ],
    "arrays that are locked, or held by somebody": [
        "test_graph.py::test_values_are_locked",
        "test_graph.py::test_a_parameter_stays_locked",
        "test_sparse.py::TestWhoHoldsTheArray",
        "test_check.py::test_writing_into_weights_or_data_is_caught",
        "test_faults.py::test_fault[7]",
        "test_faults.py::test_fault[9]",
        "test_batches.py::test_a_callback_cannot_write_into_the_data",
        "test_optimizers.py::test_one_of_several_small_parameters_may_be_given_a_new_value",
    ],
    "numbers that are slow on a CPU alone": [
        "test_optimizers.py::test_an_average_that_has_all_but_vanished_becomes_0",
    ],
    "when metrics are asked, which on a GPU is to wait": [
        "test_training.py::test_metrics_see_each_batch_at_once",
    ],
    "laws that compare by functions of NumPy": ["test_properties.py"],
    "tables of which few entries are stepped": [
        "test_sparse.py::test_a_step_that_is_not_certain_is_worked_out_beside_the_table",
        "test_sparse.py::test_what_is_certain_is_judged_by_the_type_of_the_table",
        "test_sparse.py::test_the_compiled_step_of_a_table_is_that_of_numpy",
        "test_sparse.py::test_every_rule_for_tables_has_a_twin_that_works_in_place",
    ],
    "the memory of a process, and its threads": [
        "faults/test_resources.py",
        "test_memory.py::test_the_memory_of_a_step",
    ],
    "the place that a warning names": ["test_by_hand.py::test_a_history_that_grows_is_told"],
    "warnings and errors of NumPy": [
        "test_optimizers.py::test_numpys_error_handling_makes_no_difference",
        "test_error_texts.py",
    ],
    "copies of the package, or its texts": ["test_removable.py", "test_readme.py", "test_house.py"],
}


def called_by_a_test():
    """Is it a test that asks, and not the library?"""
    frame = sys._getframe(2)
    while frame and any(name in frame.f_code.co_filename for name in BETWEEN):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(str(TESTS))


def forgiving(x):
    if isinstance(x, np.ndarray) and called_by_a_test():
        return x
    return type(x)(map(forgiving, x)) if type(x) in (tuple, list) else strict_host_of(x)


def as_numpy(x, dtype=None, copy=None):
    return np.array(x._host, dtype) if called_by_a_test() else strict_array(x)


def put(x, index, value):
    is_here = isinstance(value, np.ndarray) and called_by_a_test()
    strict_put(x, index, double.ndarray(value) if is_here else value)


tg.use("cupy", kernels=False)
strict_host_of, double.host_of = double.host_of, forgiving
strict_array, double.ndarray.__array__ = double.ndarray.__array__, as_numpy
strict_put, double.ndarray.__setitem__ = double.ndarray.__setitem__, put


def pytest_collection_modifyitems(items):
    """Mark what is left out."""
    for item in items:
        for reason, places in OF_NUMPY_ALONE.items():
            if any(place in item.nodeid for place in places):
                item.add_marker(pytest.mark.skip(reason=f"about {reason}"))
