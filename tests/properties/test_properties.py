"""All laws on a few cases, the same ones each time; and a planted fault is found by them.

`python tests/properties/run.py --examples 10000` tries many more, and others each time.
"""

import inspect
import textwrap

import numpy as np
import pytest

import laws_of_arrays
from laws import LAWS, smallest_failure
from random_programs import Draw, random_program
from tinygrad_mo.engine import plan
from tinygrad_mo.files import checkpoint
from tinygrad_mo.flow import flow, storing
from tinygrad_mo.network.network import Network
from tinygrad_mo.ops.contract import Op
from tinygrad_mo.replay import program
from tinygrad_mo.training import batches, objective
from tinygrad_mo.training.scores import Scores


def kept(name, examples):
    found = smallest_failure(name, examples)
    if found is not None:
        case, error = found
        error.add_note(f"the simplest case that breaks it:\n{case!r}")
        raise error


COSTLY = "replayed_is_plain", "odd_names_are_told_apart_or_refused", "a_file_holds_the_model"


@pytest.mark.one_in(30, rest="medium")
@pytest.mark.parametrize("name", LAWS)
def test_a_law_is_kept(name):
    kept(name, 3 if name in COSTLY else 5)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", LAWS)
def test_a_law_is_kept_in_more_cases(name):
    kept(name, 12 if name in COSTLY else 25)


@pytest.mark.medium
def test_programs_hold_what_they_promise():
    """In two hundred of them there is all that this room speaks of."""
    texts = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        draw = Draw(lambda low, high, random=random: int(random.integers(low, high + 1)))
        texts.append(random_program(draw).text)
    every = "\n".join(texts)
    for words in (
        "tg.Model(z", "m0(h", "o0 = m", "L.concatenate(", "L.add(", "L.multiply(", "L.average(",
        "stop_gradient", ".trainable = False", "model.add_loss", "mask_zero=True", "L.LSTM(",
        "['mse', 'mae']", ": None", ": 0.0", "np.nan", "random.uniform", "Block(", "tg.Parameter",
        "kernel_regularizer", "{'out_0': x0",
    ):  # fmt: skip
        assert words in every, words


def plant(monkeypatch, owner, name, right, wrong):
    """A fault: some words of a function are others, where `owner` calls it by `name`."""
    function = vars(owner)[name]
    text = textwrap.dedent(inspect.getsource(function))
    assert text.count(right) == 1, (name, right)
    made = {}
    text = "from __future__ import annotations\n" + text.replace(right, wrong)
    exec(text, vars(inspect.getmodule(function)), made)
    monkeypatch.setattr(owner, name, made[name])


PLANTED = {  # by the law that finds it: where, and the right and the wrong words
    "gradients_are_slopes": (plan.Plan, "sweep", "added(so_far, new) if so_far else new", "new"),
    "one_sweep_is_each_loss_alone": (plan, "added", "row_of[k] + row if k in row_of", "row if 1"),
    "reach_is_what_the_program_says": (plan.Plan, "_find_reach", "slot] |= above", "slot] = above"),
    "edges_are_those_that_a_search_finds": (plan.Plan, "__init__", "live[slot] and s", "s"),
    "predicting_changes_nothing": (Network, "predict", "[start : start + batch", "[0 : batch"),
    "a_file_holds_the_model": (checkpoint, "training_state", "(model.objective.weights)", "()"),
    "replayed_is_plain": (program, "one_by_one", "in instructions]", "in instructions[1:]]"),
    "the_total_is_the_weighted_sum": (Scores, "_read", "weight * value", "value"),
    "a_flow_goes_through_a_file": (storing, "as_plain", "[m.r for", "[0 * m.r for"),
    "compile_does_what_the_rule_says": (
        *(objective.Objective, "_metrics"),
        *("not by_output and len(given)", "False and len(given)"),
    ),
    "fit_does_what_the_rule_says": (
        *(batches.ArrayBatches, "epoch"),
        *("self.samples, self.batch_size", "self.samples, self.batch_size + 1"),
    ),
    "evaluate_does_what_the_rule_says": (objective, "class_weights", "(c, 1.0)", "(c, 2.0)"),
    "damage_is_found_or_harmless": (
        checkpoint,
        "opened",
        "with whole(path):\n        a",
        "if 1:\n        a",
    ),
    "a_forged_file_is_refused_or_in_good_order": (flow, "load_flow", ", made_again(path)", ""),
}


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_breaks_the_law(name, monkeypatch):
    plant(monkeypatch, *PLANTED[name])
    assert smallest_failure(name, 150, simplify=False) is not None


@pytest.mark.slow
def test_a_fault_in_the_sharing_of_gradients_is_found_and_made_small(monkeypatch):
    """Where a tensor is used twice, one of two gradients is lost: one fork shows it."""
    plant(monkeypatch, *PLANTED["gradients_are_slopes"])
    program, _ = smallest_failure("gradients_are_slopes", 60)
    assert len(program.lines) < 9


@pytest.mark.medium
def test_a_wrong_slope_of_an_op_is_found(monkeypatch):
    rule = laws_of_arrays.OPS["matmul"].rule

    def matmul(x, y):
        value, (left, right) = rule(x, y)
        return value, (left, lambda g: 2 * right(g))

    monkeypatch.setitem(laws_of_arrays.OPS, "matmul", Op(matmul))
    case, _ = smallest_failure("an_op_is_numpys_and_has_its_slopes", 200, simplify=False)
    assert case.op == "matmul"
