"""Watching the gradient: measured, in words, in tables and in pictures."""

from .data import FlowData, FlowNode, Wire
from .flow import Flow
from .measures import Measure
from .recorder import FlowRecorder
from .recording import measure

__all__ = ["Flow", "FlowData", "FlowNode", "FlowRecorder", "Measure", "Wire", "measure"]
