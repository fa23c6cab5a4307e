"""tinygrad_mo: networks with several inputs and outputs, and where their gradients go."""

from . import (
    callbacks,
    check,
    compiled,  # twins in C of what takes long; without this line, NumPy alone
    data,
    layers,
    losses,
    metrics,
    ops,
    optimizers,
    pool,  # several threads; without this line, one
    schedules,
)
from .device import set_random_seed, use
from .engine.eager import gradients
from .engine.graph import Parameter, Tensor
from .engine.plan import Plan, Tape
from .files import exchange
from .flow import Flow, FlowRecorder, Model, load
from .layers import Input
from .replay.plan import ReplayedPlan

__version__ = "0.1.0"
