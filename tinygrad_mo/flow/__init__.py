"""Watching the gradient: measured, in words, in tables and in pictures."""

from .data import FlowData, FlowNode, Wire
from .flow import Flow
from .measures import Measure
from .of_keras import of_keras
from .of_torch import TorchRecorder, of_torch
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
