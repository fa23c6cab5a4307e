"""The same for flows and for runs: what is wrong in a file is refused, what is read can be used."""

import json
import warnings

import numpy as np
import pytest

import tinygrad_mo as tg
from damage import HEADER, forge, members_of
from test_hostile import changed, refused, variants
from tinygrad_mo import layers
from tinygrad_mo.files.archive import CheckpointError
from tinygrad_mo.flow import Flow, Run, Runs

DATA = np.random.default_rng(0).normal(size=(8, 3))
LABELS = {"a": DATA[:, :1], "b": DATA[:, 1:2]}


def flow_of():
    tg.set_random_seed(0)
    x = tg.Input((3,), name="x")
    h = layers.Dense(4, "tanh", name="trunk")(x)
    model = tg.Model(x, [layers.Dense(1, name="a")(h), layers.Dense(1, name="b")(h)])
    model.compile("adam", "mse")
    return model.gradient_flow(DATA, LABELS, keep_arrays=True)


def runs_of():
    history = {"a_loss": [0.5], "b_loss": [0.25]}
    return Runs([Run({"a": 1.0, "b": weight}, 0, history, [0], [flow_of()]) for weight in (1, 2.0)])


KINDS = {"flow": (flow_of, Flow.load), "runs": (runs_of, Runs.load)}


def parts_of(path, kind):
    """The members and the header of a file, and how it is read."""
    make, read = KINDS[kind]
    make().save(path)
    members = members_of(path)
    header = json.loads(members.pop(HEADER))
    return list(members.items()), header, lambda: read(path)


def used(found):
    """Everything that is asked of a flow works."""
    for flow in (
        [found] if isinstance(found, Flow) else [f for run in found.runs for f in run.flows]
    ):
        assert flow.table() and flow.report()
        flow.forecast()


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.medium
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("every", [211, pytest.param(13, marks=pytest.mark.slow)])
def test_wrong_flows_are_refused_or_harmless(kind, every, tmp_path):
    path = tmp_path / f"hostile.{kind}"
    members, header, read = parts_of(path, kind)
    used(read())
    count, tried = 0, list(variants(header))[::every]
    for where, value in tried:
        forge(path, members, changed(header, where, value))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                used(read())
        except CheckpointError:
            count += 1
    assert count > 0.85 * len(tried)  # the others are another number or name


@pytest.mark.one_in(7, rest="medium")
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("training", "yes", "flow.training: expected True or False, found 'yes'"),
        ("step", -1, "flow.step: expected a whole number, 0 or more, found -1"),
        ("losses", [1, 2], "flow.losses[0]: expected a text, found 1"),
        ("nodes", [{"dict": [["name", "x"]]}], "flow.nodes[0]: expected 'kind', which is missing"),
        ("wires", [["x", "trunk"]], "flow.wires[0]: expected a list of 5"),
        ("r", [1.0], "flow.r: expected an array of floats"),
        ("frozen", ["none"], "there is no parameter 'none'"),
        ("settings", {"dict": [["epsilon", "small"]]}, "['epsilon']: expected a number"),
        ("settings", {"dict": [["epsilon", -1.0]]}, "['epsilon']: expected a number in its range"),
        ("settings", {"dict": [["beta_1", 1.0]]}, "['beta_1']: expected a number in its range"),
        ("settings", {"dict": [["amsgrad", [1]]]}, "['amsgrad']: expected a number or a text"),
        ("parameters", [], "flow: expected 12 measures, found 18"),
    ],
)
def test_what_is_wrong_with_a_flow_is_said(name, value, words, tmp_path):
    path = tmp_path / "hostile.flow"
    members, header, read = parts_of(path, "flow")
    for entry in header["flow"]["dict"]:
        if entry[0] == name:
            entry[1] = value
    forge(path, members, header)
    said = refused(read)
    assert words in said


def test_a_node_is_of_a_kind_that_there_is(tmp_path):
    path = tmp_path / "hostile.flow"
    members, header, read = parts_of(path, "flow")
    text = json.dumps(header).replace('"kind", "layer"', '"kind", "lawyer"')
    forge(path, members, json.loads(text))
    assert "there is no kind 'lawyer'; did you mean 'layer'" in refused(read)


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.slow
@pytest.mark.parametrize("unit", ['{"a":[]}', "[]", "1.5", '"abcdefghij"'])
def test_long_headers_take_little_memory_and_time(unit, tmp_path):
    """As long as they may be, and filled with what takes most memory; and beyond."""
    path = tmp_path / "m.tg"
    values = unit.count("[") + unit.count("{") + 1
    most = min((1 << 22) // (len(unit) + 1), 300_000 // values) - 20
    start = '{"format": "tinygrad_mo 2", "members": {}, "model": ['
    for many, words in ((most, "cannot be made again|expected|holds"), (2 * most, "where at most")):
        forge(path, [], (start + ",".join([unit] * many) + "]}").encode())
        said = refused(lambda: tg.load(path))
        assert any(one in said for one in words.split("|")), said
