"""A flow as plain values and arrays, for a file, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..files.archive import RECORDING, check_kind, made_again, opened, save_arrays
from ..files.reading import read_value
from ..files.schema import check_form
from ..files.writing import Writer
from ..whole_files import CheckpointError
from .data import FlowData, FlowNode, Wire
from .folding import Folds
from .forms import FLOW, RUNS
from .measures import Measure
from .runs import Run, RunData

AnyFlow = TypeVar("AnyFlow", bound=FlowData)
AnyRuns = TypeVar("AnyRuns", bound=RunData)
PLAIN = (
    "losses", "values", "weights", "outputs", "silent", "balancer", "kinds", "name", "step",
    "training", "optimizer", "mixes", "notes",
)  # fmt: skip
PICTURES = (".gif", ".jpeg", ".jpg", ".pdf", ".png", ".svg", ".webp")


def no_picture(path: str | Path) -> None:
    """Refuse the name of a picture for a page or for data."""
    if Path(path).suffix.lower() in PICTURES:
        raise ValueError(
            f"{path}: save writes a page (.html) or the numbers; figure(path) draws a picture to "
            f"print, and animate(path) of a flow one that moves (.gif)"
        )


def no_page(path: str | Path) -> None:
    """Refuse the name of a page or of data for a picture."""
    if Path(path).suffix.lower() in (".html", ".htm", ".flow", ".runs"):
        raise ValueError(f"{path}: figure draws a picture (.png, .pdf, .svg); write this by save")


def as_plain(flow: FlowData) -> dict[str, Any]:
    """Numbers, texts and arrays, in lists and dicts; all measures as rows of one array."""
    measures = [wire.measure for wire in flow.wires]
    for named in (flow.parameters, flow.uses, flow.bundles, flow.forks):
        measures += named.values()
    count = len(flow.losses)
    return {name: getattr(flow, name) for name in PLAIN} | {
        "settings": dict(flow.settings),
        "nodes": [asdict(node) for node in flow.nodes],
        "wires": [[w.source, w.target, w.tensor, w.shape, w.number] for w in flow.wires],
        "parameters": list(flow.parameters),
        "uses": list(flow.uses),
        "bundles": list(flow.bundles),
        "forks": list(flow.forks),
        "r": np.array([m.r for m in measures]).reshape(-1, count, count),
        "reach": np.array([m.reach for m in measures], bool).reshape(-1, count),
        "over_time": dict(flow.over_time),
        "parent": dict(flow.folds.parent),
        "frozen": sorted(flow.frozen),
        "arrays": dict(flow.arrays),
    }


def from_plain(cls: type[AnyFlow], plain: Mapping[str, Any]) -> AnyFlow:
    """The flow that `as_plain` took apart."""
    check_form("flow", plain, FLOW)
    named_ones = ("wires", "parameters", "uses", "bundles", "forks")
    wanted = sum(len(plain.get(name, ())) for name in named_ones)
    if not wanted == len(plain["reach"]) == len(plain["r"]):
        raise CheckpointError(
            f"flow: expected {wanted} measures, found {len(plain['r'])} in r and "
            f"{len(plain['reach'])} in reach"
        )
    rows = zip(plain["reach"].tolist(), plain["r"], strict=True)
    measures = iter([Measure(tuple(reach), r) for reach, r in rows])

    def named(names: Iterable[Any]) -> dict[Any, Measure]:
        return {name: next(measures) for name in names}

    nodes = [FlowNode(**node) for node in plain["nodes"]]
    wires = [
        Wire(source, target, next(measures), tensor, shape, number)
        for source, target, tensor, shape, number in plain["wires"]
    ]
    known = {name: plain[name] for name in PLAIN if name in plain}
    values = {name: None if x is None else float(x) for name, x in plain["values"].items()}
    return cls(
        **known | {"values": values},
        settings=plain["settings"],
        nodes=nodes,
        wires=wires,
        parameters=named(plain["parameters"]),
        uses=named(plain["uses"]),
        bundles=named(plain["bundles"]),
        forks=named(plain.get("forks", ())),  # older files have none
        over_time=plain["over_time"],
        folds=Folds([node.name for node in nodes], plain["parent"]),
        frozen=set(plain["frozen"]),
        arrays=plain["arrays"],
    )


def save_flow(path: str | Path, flow: FlowData) -> None:
    """Write a flow to a file."""
    writer = Writer()
    content = writer.value(as_plain(flow))
    save_arrays(path, writer.arrays, flow=content)


def load_flow(path: str | Path, cls: type[AnyFlow]) -> AnyFlow:
    """Read a flow that `save_flow` wrote."""
    with opened(path) as (arrays, header), made_again(path):
        check_kind(path, header, "flow")
        return from_plain(cls, read_value(f"{path}: flow", header["flow"], arrays))


def save_runs(path: str | Path, runs: RunData) -> None:
    """Write runs to a file."""
    writer = Writer()
    plain = {
        "base": runs.base,
        "about": runs.about,
        "runs": [
            {
                "weights": run.weights,
                "seed": run.seed,
                "history": run.history,
                "steps": run.steps,
                "flows": [as_plain(flow) for flow in run.flows],
            }
            for run in runs.runs
        ],
    }
    content = writer.value(plain)
    save_arrays(path, writer.arrays, runs=content)


def load_runs(path: str | Path, cls: type[AnyRuns], flow: type[FlowData]) -> AnyRuns:
    """Read runs that `save_runs` wrote; their flows become those of a class."""
    with opened(path, RECORDING) as (arrays, header), made_again(path):
        check_kind(path, header, "runs")
        plain = read_value(f"{path}: runs", header["runs"], arrays)
        check_form("runs", plain, RUNS)
        runs = [
            Run(**{**one, "flows": [from_plain(flow, plain) for plain in one["flows"]]})
            for one in plain["runs"]
        ]
        return cls(runs, plain["base"], plain["about"])
