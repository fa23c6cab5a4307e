"""ONNX's own tests of its ops, for the ops that are read."""

import inspect
from collections import Counter

import numpy as np
import pytest

import tinygrad_mo as tg
from nodes import all_cases, check
from tinygrad_mo.onnx_files.reading import SUPPORTED


@pytest.mark.exhaustive
@pytest.mark.filterwarnings("ignore")
def test_all_of_onnx_own_tests_pass_or_are_refused_with_a_reason():
    passed, refused = Counter(), Counter()
    for case in all_cases():
        ops = {node.op_type for node in case.model.graph.node}
        with np.errstate(all="ignore"):
            reason = check(case)
        if reason is None:
            passed.update(ops)
        else:
            refused[reason] += 1
    assert set(SUPPORTED) <= passed.keys()
    assert passed.total() >= 600
    assert refused.total() <= 320


def test_the_docstring_lists_the_ops_that_are_read():
    text = inspect.getdoc(tg.from_onnx).partition("constant:")[2].partition("Examples")[0]
    assert text.replace("\n", " ").strip(" .").split(", ") == SUPPORTED
