"""Layers: functions of tensors that own weights. One family per file."""

from .activations import ELU, Activation, LeakyReLU, ReLU, Softmax
from .base import Input, Layer
from .core import Dense, Dropout, Embedding, Flatten, Reshape
from .merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Merge,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from .recurrent import LSTM

__all__ = [name for name in globals() if not name.startswith("_")]
