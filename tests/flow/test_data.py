"""A flow is data: made by hand, compared, pickled, saved, read back, drawn."""

import copy
import json
import pickle
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo.files.archive import CheckpointError
from tinygrad_mo.flow import Flow, FlowNode, Measure, Wire
from zoo import headline

PULLS = Measure.of(np.array([[3.0, 0.0], [0.0, 4.0]]), losses=(0, 1), count=2)


def hand_made(**more):
    parts = {
        "losses": ["main", "aux"],
        "values": {"main": 0.5, "aux": 0.7},
        "weights": {"main": 1.0, "aux": 0.2},
        "nodes": [
            FlowNode("x", "input", shape=(3,)),
            FlowNode("trunk", type="Dense", shape=(8,), parameters=("trunk/kernel",)),
            FlowNode("main", "loss", loss="main"),
            FlowNode("aux", "loss", loss="aux"),
        ],
        "wires": [Wire("x", "trunk", PULLS), Wire("trunk", "main", PULLS)],
        "parameters": {"trunk/kernel": PULLS},
    }
    parts["wires"].append(Wire("trunk", "aux", PULLS))
    return Flow(**parts | more)


def test_a_flow_made_by_hand_is_drawn(tmp_path):
    flow = hand_made()
    assert flow.total("trunk") == pytest.approx(np.hypot(3, 0.8))
    assert "trunk is pulled by 2 losses: 79% from main and 21% from aux" in flow.report()
    assert "trunk/kernel     3    4" in flow.table()
    flow.save(tmp_path / "flow.html")
    flow.figure(tmp_path / "flow.png")
    for draw in (flow.bars, flow.heat_map, flow.by_depth):
        assert draw() is not None
    assert "trunk" in (tmp_path / "flow.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"wires": [Wire("x", "nowhere", PULLS)]}, "wire x -> nowhere: there is no node 'nowhere'"),
        ({"nodes": [FlowNode("x"), FlowNode("x")]}, "two nodes of a flow are called 'x'"),
        ({"parameters": {}}, "node 'trunk' has no measured parameter 'trunk/kernel'"),
    ],
)
def test_what_does_not_fit_together_is_refused(more, words):
    with pytest.raises(ValueError, match=words):
        hand_made(**more)


def measured():
    model, x, y = headline()
    return model.gradient_flow(x, y, keep_arrays=True)


@pytest.mark.parametrize("make", [hand_made, measured])
def test_it_is_copied_pickled_saved_and_compared(make, tmp_path):
    flow = make()
    flow.save(tmp_path / "one.flow")
    others = copy.deepcopy(flow), pickle.loads(pickle.dumps(flow)), Flow.load(tmp_path / "one.flow")
    for other in others:
        assert other == flow and other.table() == flow.table() and other.report() == flow.report()
        other.save(tmp_path / "other.html")
        flow.save(tmp_path / "flow.html")
        pages = [(tmp_path / f"{name}.html").read_bytes() for name in ("flow", "other")]
        assert pages[0] == pages[1]
        other.weights["aux_output" if make is measured else "aux"] += 0.1
        assert other != flow
    assert flow != hand_made(step=7)


def test_snapshots_are_flows_of_one_training(tmp_path):
    """In any row; at its own step the flow itself is shown, beside what was recorded there."""
    flow = hand_made(step=4)
    again, other = hand_made(step=4), hand_made(step=4, values={"main": 9.0, "aux": 9.0})
    steps = [hand_made(step=step) for step in (2, 0)]

    def shown(now, snapshots):
        now.save(tmp_path / "flow.html", snapshots=snapshots)
        text = (tmp_path / "flow.html").read_text("utf-8")
        frames = json.loads(text.split('id="flow">')[1].split("</script>")[0])["frames"]
        return [(one["step"], one["values"][0]) for one in frames]

    assert shown(flow, steps) == [(0, 0.5), (2, 0.5), (4, 0.5)]
    for row in (iter(steps), filter(None, steps), tuple(steps), [*steps, flow], [*steps, again]):
        assert shown(flow, row) == [(0, 0.5), (2, 0.5), (4, 0.5)]
    assert shown(other, [*steps, flow])[-1] == (4, 9.0)  # one measured it at this step once more
    wider = hand_made(step=1, nodes=[replace(one, shape=(9,)) for one in flow.nodes])
    for snapshots, error, words in (
        (
            [*steps, flow, other],
            ValueError,
            "two different flows are of step 4; .* its own FlowRecorder",
        ),
        ([*steps, wider], ValueError, "snapshots: the flow of step 1 is of another model"),
        ([hand_made(step=1, optimizer="Adam")], ValueError, "step 1 is of a training with Adam"),
        (flow, TypeError, "snapshots must be a list of flows, .*; a Flow is none"),
        (tg.FlowRecorder(), TypeError, "snapshots must be a list .*; a FlowRecorder is none"),
        ([flow, 1], TypeError, "snapshots must be a list .*; 1 is no flow"),
    ):
        for show in (partial(flow.save, "never.html"), flow.through_training):
            with pytest.raises(error, match=words):
                show(snapshots)
    with pytest.raises(ValueError, match="holds one flow: snapshots are for a page"):
        flow.save(tmp_path / "one.flow", snapshots=iter(steps))
    flow.save(tmp_path / "one.flow", snapshots=iter([]))


def test_a_file_of_something_else_is_no_flow(tmp_path):
    headline()[0].save_weights(tmp_path / "weights.flow")
    with pytest.raises(CheckpointError, match="holds no flow"):
        Flow.load(tmp_path / "weights.flow")
    with pytest.raises(ValueError, match="holds one flow: snapshots are for a page"):
        hand_made().save(tmp_path / "one.flow", [hand_made()])


def test_a_measure_is_as_good_as_its_finite_parts():
    rows = np.array([[3.0, 4.0], [np.inf, 0.0], [0.0, 1.0]])
    m = Measure.of(rows, (0, 1, 2), 3)
    assert m.norm(0) == pytest.approx(5) and np.isnan(m.norm(1)) and m.norm(2) == pytest.approx(1)
    assert m.total([1, 0, 1]) == pytest.approx(np.hypot(3, 5)) and np.isnan(m.total([1, 1, 1]))
    assert m.parts([1, 0, 2])[1] == 0 and m.cosine(0, 2) == pytest.approx(0.8)


def test_what_is_lost_in_the_addition_is_split_exactly():
    opposed = Measure.of(np.array([[3.0, 0.0], [-3.0, 4.0]]), (0, 1), 2)
    assert opposed.lost([1, 1]) == pytest.approx((8 - np.sqrt(34), np.sqrt(34) - 4))
    agreeing = Measure.of(np.array([[3.0, 0.0], [3.0, 4.0]]), (0, 1), 2)
    assert agreeing.lost([1, 1]) == pytest.approx((8 - np.sqrt(52), 0))
    assert sum(opposed.lost([1, 1])) == pytest.approx(8 - opposed.total([1, 1]))
