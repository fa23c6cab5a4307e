"""tinygrad_mo: networks with several inputs and outputs, and where their gradients go."""

from . import callbacks, check, data, kernels, layers, losses, metrics, ops, optimizers, schedules
from .backend import set_random_seed, use
from .eager import gradients
from .engine import Plan, Tape
from .flow import Flow, FlowRecorder, Model, load
from .graph import Parameter, Tensor
from .layers import Input
from .replay import ReplayedPlan

__version__ = "0.1.0"
