"""Watching the gradient: measured, in words, in tables and in pictures."""

from importlib import import_module
from typing import Any

from .data import FlowData, FlowNode, Wire
from .flow import Flow
from .measures import Measure
from .recorder import FlowRecorder
from .recording import measure
from .retraining import Runs, whatif
from .runs import Run

__all__ = [
    "Flow",
    "FlowData",
    "FlowNode",
    "FlowRecorder",
    "Measure",
    "Run",
    "Runs",
    "TorchRecorder",
    "Wire",
    "measure",
    "of_keras",
    "of_torch",
    "whatif",
]

MEASURED_ELSEWHERE = {
    "of_keras": "of_keras",
    "of_torch": "of_torch",
    "TorchRecorder": "torch_recorder",
}


def __getattr__(name: str) -> Any:
    """Who measures networks of other frameworks is above this room, and loaded when asked for."""
    if name in MEASURED_ELSEWHERE:
        return getattr(import_module(f"..frameworks.{MEASURED_ELSEWHERE[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *MEASURED_ELSEWHERE]
