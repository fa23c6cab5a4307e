"""Random models: what a flow shows and says is what one step of training does.

RANDOM_MODELS=500 python -m pytest tests/flow/test_random_models.py tries more of them.
"""

import os
import re

import numpy as np
import pytest

import tinygrad_mo as tg
from random_programs import random_model
from tinygrad_mo.engine.randomness import Randomness
from tinygrad_mo.flow.words import AGREE, CONFLICT, HARDLY, layers_of

QUICK, ALL = 8, int(os.environ.get("RANDOM_MODELS", 100))


def moves(model, data, weights):
    """What one SGD step of learning rate 1 subtracts from each weight; the model stays as it is."""
    before, kept = model.get_weights(), dict(model.loss_weights)
    randomness = Randomness(model.training_plan().steps)
    states = randomness.states
    model.loss_weights = weights
    model.train_on_batch(*data)
    after = dict(zip(model.named_weights(), model.get_weights(), strict=True))
    model.set_weights(before)
    model.loss_weights, randomness.states = kept, states
    return {name: b - after[name] for name, b in zip(after, before, strict=True)}


def check(seed):
    with tg.use(floatx="float64"):
        tg.set_random_seed(seed)
        model, data = random_model(seed)
        weights = dict(model.loss_weights)
        states = Randomness(model.training_plan().steps).states
        averages, values = model.get_weights(), model.objective.averages.averages
        flow = model.gradient_flow(*data, keep_arrays=True)
        assert Randomness(model.training_plan().steps).states == states
        same = zip(averages, model.get_weights(), strict=True)
        assert all(np.array_equal(a, b) for a, b in same)
        moving = {name for name, w in model.named_weights().items() if w in values}
        alone = {}
        for loss in flow.losses:
            one = {name: float(name == loss) for name in flow.losses}
            alone[loss] = {n: m for n, m in moves(model, data, one).items() if n not in moving}
        whole = {n: m for n, m in moves(model, data, weights).items() if n not in moving}
    check_numbers(flow, alone, whole)
    check_wires(flow)
    check_report(flow, alone, whole)
    check_table(flow, whole)
    check_explain(model.explain(), flow, alone)


def close(a, b, scale=1.0):
    return abs(a - b) <= 1e-9 * max(abs(a), abs(b), scale)


def check_numbers(flow, alone, whole):
    assert list(flow.parameters) == list(whole)
    for name, m in flow.parameters.items():
        for loss in flow.losses:
            moved = alone[loss][name]
            if name in flow.frozen:
                assert not moved.any(), (name, loss)
            else:
                assert close(flow.norm(loss, name), np.linalg.norm(moved)), (name, loss)
                gradient = flow.gradient(loss, name)
                assert gradient is None or np.allclose(gradient, moved, 1e-9, 1e-9)
                assert gradient is not None or not moved.any()
        if name not in flow.frozen:
            assert close(m.total(flow.weight_list), np.linalg.norm(whole[name])), name
    trained = {n: m for n, m in whole.items() if n not in flow.frozen}
    for loss, slope in flow.forecast().items():
        by_hand = -sum((alone[loss][n] * m).sum() for n, m in trained.items())
        assert close(slope, by_hand), loss


def check_wires(flow):
    """A wire's total is that of its parts, and its array is as long as its norm."""
    for wire in flow.wires:
        place = wire.source, wire.target
        for loss in flow.losses:
            g = flow.gradient(loss, place)
            arrays = g if isinstance(g, list) else [g]
            squares = [float((a**2).sum()) for a in arrays if a is not None]
            assert close(flow.norm(loss, place), np.sqrt(sum(squares)))


def weights_of(flow, layer):
    """Of a layer, of a part of one, or a parameter: as their names say.

    Where a layer is called within several models, of which one is used in part, its weights may
    have the name of a call that is not there.
    """
    named = [name for name in flow.parameters if f"{name}/".startswith(f"{layer}/")]
    return named or flow.weights_of_layers()[layer]


def moved(flow, layer, moves):
    return any(moves[name].any() for name in weights_of(flow, layer))


def names_in(text):
    return re.split(r", | and ", text) if text else []


def sentence(pattern, text):
    return re.findall(pattern, text, flags=re.MULTILINE)


def check_report(flow, alone, whole):
    report = flow.report()
    layers = {layer.name: layer for layer in layers_of(flow)}
    for loss in flow.losses:
        (line,) = sentence(rf"^{re.escape(loss)} \(now .*", report)
        said = re.search(r"(?:trains|would train, with another weight,) (.*?)\.(?: |$)", line)[1]
        trained = [] if said == "nothing" else names_in(said)
        assert ("would train" in line) == (flow.weights[loss] == 0 and bool(trained))
        for name in layers:
            assert (name in trained) == moved(flow, name, alone[loss]), (loss, name, line)
        for name in names_in((re.search(r"no path from it to (.*?): it has", line) or ["", ""])[1]):
            assert not layers[name].measure.reach[flow.losses.index(loss)]
            assert not moved(flow, name, alone[loss])
        for name in names_in((re.search(r"has a path to (.*?), where", line) or ["", ""])[1]):
            assert layers[name].measure.reach[flow.losses.index(loss)]
            assert not moved(flow, name, alone[loss])
    frozen = sentence(r"^Frozen: (.*)\. (?:Gradients pass|These)", report)
    for name in layers:
        stays = all(n in flow.frozen for n in weights_of(flow, name))
        if stays and len(layers) < 8:
            assert name in names_in(frozen[0])
        assert not (stays and moved(flow, name, whole))
    for name, count, shares, word in sentence(
        r"^(.*) is pulled by (\d+) losses: (.*) \(weighted; (.*?)\)", report
    ):
        assert int(count) == len(layers[name].losses()) > 1
        check_shares(flow, layers[name], shares, word)
    if "No layer is trained by several losses" in report:
        assert all(len(one.losses()) < 2 or not one.trained for one in layers.values())
    for text in sentence(r"^No loss reaches (.*): nothing trains", report):
        assert not any(moved(flow, name, whole) for name in names_in(text) if name in layers)
    for name, count in sentence(r"^(.*) is called (\d+) times", report):
        assert int(count) == layers[name].calls > 1
    for word, loss, size in sentence(
        r"^  (lower|raise|hardly change|not change) (.*) \(by (.*) x", report
    ):
        slope = flow.forecast()[loss]
        way = "lower" if slope < 0 else "raise" if slope > 0 else "not change"
        little = slope and next_to_nothing(flow, loss, alone, whole)
        assert word == ("hardly change" if little else way)
        assert float(size) == pytest.approx(slope if little else abs(slope), rel=1e-3)


def next_to_nothing(flow, loss, alone, whole):
    """Is the step nearly at a right angle to a loss's gradient, or does another loss gain far more?

    The gains are parts of the losses' values.
    """
    flat = lambda moves: np.concatenate([m.ravel() for m in moves.values()])
    step, gradient = flat(whole), flat(alone[loss])
    if abs(step @ gradient) < HARDLY * np.linalg.norm(step) * np.linalg.norm(gradient):
        return True
    gains = {
        name: abs(flat(alone[name]) @ step / flow.values[name])
        for name in flow.losses
        if flow.values[name]
    }
    return loss in gains and gains[loss] < HARDLY * max(gains.values())


def check_shares(flow, layer, shares, word):
    m, weights = layer.measure, flow.weight_list
    apart = sum(m.parts(weights))
    for share, loss in re.findall(r"(\d+)% from (\S+?)(?:,| and|$)", shares):
        part = m.parts(weights)[flow.losses.index(loss)]
        assert abs(int(share) / 100 - part / apart) <= 0.00501
    cosine = re.search(r"(conflict|agree|unrelated) ([+-]\d\.\d\d)", word)
    if cosine:
        worst = m.worst_pair(weights)[0]
        expected = "conflict" if worst < CONFLICT else "agree" if worst > AGREE else "unrelated"
        assert cosine[1] == expected and abs(float(cosine[2]) - worst) <= 0.00501


def check_table(flow, whole):
    for line in flow.table().splitlines()[2 : 2 + len(flow.parameters)]:
        name = line.split()[0]
        assert ("(frozen)" in line) == (name in flow.frozen)
        cells = line.replace("(frozen)", "").split()[1 : 2 + len(flow.losses)]
        for loss, cell in zip(flow.losses, cells, strict=False):
            if cell == "-":
                assert not flow.reaches(loss, name)
            else:
                assert float(cell) == pytest.approx(flow.norm(loss, name), rel=1e-3, abs=1e-300)
        if name not in flow.frozen:
            total = float(cells[len(flow.losses)])
            assert total == pytest.approx(np.linalg.norm(whole[name]), rel=1e-3, abs=1e-9)


def check_explain(text, flow, alone):
    text = " ".join(text.split())
    for loss in flow.losses:
        said = re.search(
            rf"{re.escape(loss)}(?: \(.*?\))? (?:trains|has weight 0; .*?train) (.*?)\.", text
        )
        trained = names_in(said[1])
        for layer in layers_of(flow):
            if moved(flow, layer.name, alone[loss]) and "others" not in said[1]:
                assert layer.name in trained, (loss, layer.name)


@pytest.mark.medium
@pytest.mark.filterwarnings("ignore:.*every weight is frozen")
@pytest.mark.parametrize("seed", range(QUICK))
def test_the_flow_is_what_a_step_does(seed):
    check(seed)


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*every weight is frozen")
@pytest.mark.parametrize("first", range(QUICK, ALL, 20))
def test_the_flow_is_what_a_step_does_in_many_models(first):
    for seed in range(first, min(first + 20, ALL)):
        check(seed)
