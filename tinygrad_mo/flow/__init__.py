"""Watching the gradient: measured, in words, in tables and in pictures."""

from .flow import Flow, Wire
from .measure import Measure
from .model import FlowRecorder, Model, load
