"""tinygrad_mo: networks with several inputs and outputs, and where their gradients go."""

from . import callbacks, layers, losses, metrics, ops, optimizers
from .backend import set_random_seed, use
from .engine import Plan, Tape, gradients
from .graph import Parameter, Tensor
from .layers import Input
from .training import TrainableModel as Model
