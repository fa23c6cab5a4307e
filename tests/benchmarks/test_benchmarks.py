"""The benchmarks measure what they say: their networks train as PyTorch's, and their tools work."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import ranks
import scaling
import tinygrad_mo_peer
import workloads
from floors import Machine, Work
from measure import Engine
from profile_step import table

import tinygrad_mo as tg

HERE = Path(__file__).resolve().parent
FROM_PYTORCH = {  # of the first four steps, with padding, epsilon and biases as ours
    "w1": [0.81635, 0.83353, 0.81564, 0.89988],
    "w2": [0.68265, 0.67792, 0.69901, 0.73643],
    "w3": [2.65169, 2.42595, 2.34835, 2.70805],
    "w4": [11.22480, 10.71950, 11.42424, 11.00616],
    "w5": [9.56707, 10.23398, 9.67416, 9.55702],
    "w6": [3.85497, 3.97608, 3.59997, 3.66946],
    "w7": [3.45655, 3.24301, 3.09909, 3.32600],
    "w9": [18.48015] * 2,
    "w10": [2.69235, 2.62354, 2.67540, 2.70240],
    "w11": [0.34789, 0.3063334, 0.3487343, 0.3467337],
    "w12": [3.11062, 3.07627, 3.07024, 3.07205],
    "w13:layers": [3.85497, 3.97608, 3.59997, 3.66946],
    "w13:tensors": [3.85497, 3.97608, 3.59997, 3.66946],
    "w14:w1": [0.67777, 0.69831],
    "w15:w2": [0.52143],  # not a loss, but what is predicted
    "w15:w4": [-0.88565],
}


def test_the_model_of_a_sum_is_found_again_in_what_follows_from_it():
    costs = 5e-6, 3e-10, 1e-10
    sums = [[4 * n, ranks.predicted(4 * n, 2, *costs), 2 * n * costs[2]] for n in ranks.SIZES]
    assert np.allclose(ranks.fitted(sums), costs)
    assert np.isclose(ranks.predicted(1e6, 1, *costs), 0)
    assert np.isclose(ranks.predicted(4e6, 4, *costs), 6 * costs[0] + 6e6 * 3.5e-10)


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.slow
@pytest.mark.parametrize("workload", FROM_PYTORCH)
def test_the_losses_are_those_of_pytorch(workload):
    name, *arguments = workload.split(":")
    step = getattr(tinygrad_mo_peer, name)(*arguments)
    losses = FROM_PYTORCH[workload]
    np.testing.assert_allclose([step() for _ in losses], losses, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("base", ["w1", "w7"])
def test_what_is_asked_of_w8_adds_up_to_the_gradient_of_training(base):
    model, feeds = tinygrad_mo_peer.compiled(base)
    plan = model.training_plan()
    tape = plan.forward(feeds[0], training=True)
    factors = workloads.LOSS_WEIGHTS[base]
    whole = plan.backward(tape, factors)
    apart = plan.backward(tape, [1.0, 1.0], per_loss=True)
    shared = tinygrad_mo_peer.shared_by_all(plan)
    assert len(shared) == {"w1": 4, "w7": 18}[base]
    for w in shared:
        added = sum(f * row for f, row in zip(factors, apart[w], strict=True))
        np.testing.assert_allclose(added, whole[w][0], rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_an_engine_is_timed_in_a_process_of_its_own():
    engine = Engine(sys.executable, Path(tinygrad_mo_peer.__file__), "w6")
    engine.measure(0.01)
    assert 0 < engine.best("cpu") <= engine.median("cpu") < 1
    np.testing.assert_allclose(engine.first["losses"], FROM_PYTORCH["w6"], rtol=1e-5)
    seen = engine.close()
    assert seen["flops"] == 2 * 32 * (3 * (32 * 32 + 32 * 11) + 2 * 64 * 32)


@pytest.mark.medium
def test_an_engine_that_cannot_start_says_why():
    with pytest.raises(RuntimeError, match="no_such_workload"):
        Engine(sys.executable, Path(tinygrad_mo_peer.__file__), "no_such_workload")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("workload", "parts"), [("w2", {"lstm", "concatenate"}), ("w6", {"replay"})]
)
def test_a_profile_accounts_for_the_whole_step(workload, parts):
    rules = {op: op.run for op in tg.ops.OPS.values()}
    lines = list(table(workload, "op", steps=5))
    assert rules == {op: op.run for op in tg.ops.OPS.values()}, "all is as before"
    rows = [line.split(" | ") for line in lines if line.startswith("| ")][1:]
    names = {row[0].strip("| ") for row in rows}
    assert {*parts, "optimizer", "the engine"} <= names
    whole = float(lines[0].split()[1])
    rounding = 0.0005 * (len(rows) + 1)
    assert sum(float(row[3]) for row in rows) == pytest.approx(whole, abs=rounding)


@pytest.mark.medium
@pytest.mark.parametrize("script", ["speed", "profile_step", "scaling"])
def test_what_tunes_the_matrix_products_is_dropped_before_numpy_is_loaded(script):
    code = f"""
import os, sys
sys.path.insert(0, {str(HERE)!r})
import {script}
if {script!r} != "scaling":
    assert "numpy" not in sys.modules
    {script}.prepare(1)
import measure
print(*(os.environ.get(name) for name in measure.THREADS))
print(*(os.environ.get(name) for name in measure.TUNING))
"""
    tuned = os.environ | {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_L2_SIZE": "512"}
    run = subprocess.run(
        [sys.executable, "-c", code], env=tuned, capture_output=True, text=True, check=True
    )
    threads, tuning = (line.split() for line in run.stdout.splitlines())
    assert (set(threads), set(tuning)) == ({"1"}, {"None"})


def test_a_floor_is_what_takes_longer():
    machine = Machine(flops=100.0, bandwidth=10.0)
    assert Work(flops=200, moved=10).seconds(machine) == 2
    assert Work(flops=200, moved=30).seconds(machine) == 3


def test_the_exponent_of_a_power_is_found():
    sizes = [1, 2, 4, 8, 16, 32]
    assert scaling.exponent(sizes, [5 * s**2 for s in sizes]) == pytest.approx(2)
    assert scaling.exponent(sizes, [7.0] * 6) == pytest.approx(0)


@pytest.mark.one_in(4, rest="medium")
@pytest.mark.parametrize("series", scaling.SERIES, ids=lambda series: series.name)
def test_every_series_runs(series):
    series.make(series.sizes[0])()
