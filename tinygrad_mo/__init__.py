"""tinygrad_mo: networks with several inputs and outputs, and where their gradients go.

The house, from the top; an import only points down:

- `cli`, `learn`, `lab`, `reference`: commands, the guide through the lessons, experiments with
  loss balancing, words to look things up
- `systems`, `data`: networks to try, and what they train on
- `sequential`: `Sequential`, a model as a list of layers
- `model`: `Model` and `load`
- `frameworks`: networks of PyTorch and Keras, measured
- `flow`, `check`: the gradient watched, as data, in words and pictures; gradient checks
- `distributed`: one training on several processes, whose batches are shared out
- `training`: objective, batches, one step, a whole training
- `balancing`: how several losses share the weights
- `files`: models, weights and trainings in files; `onnx_files`: networks in ONNX files
- `network`, `metrics`: a graph of layers between inputs and outputs, and what belongs to it
- `compiled`: twins in C of costly operations and of optimizers' rules
- `layers`, `losses`, `optimizers`, `schedules`, `callbacks`
- `replay`: the same plan without the time between operations
- `engine`: how gradients flow (the heart, read it first: `graph`, then `plan`)
- `ops`: what one operation is
- `device`, `pool`, `recipes`, `arguments`, `console`, `naming`, `ranks`: small things that all
  rooms use;
  `platforms`: what differs from one operating system to another;
  `other_names`: what is written here for names of other libraries

`compiled`, `pool`, `replay` and `distributed` are there for speed: each is imported by one line,
and without this line all numbers are the same. Without `balancing`, and the line in `training` that
asks it, loss weights are numbers or functions.
"""

import sys
from importlib import import_module
from typing import Any

from . import (
    callbacks,
    check,
    compiled,  # twins in C of what takes long; without this line, NumPy alone
    data,
    flow,
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
from .flow import Flow, FlowRecorder
from .layers import Input
from .model import Model, from_onnx, load
from .ops import stop_gradient
from .other_names import Signpost, words_about
from .sequential import Sequential

__version__ = "0.1.0"
__all__ = [
    "Flow",
    "FlowRecorder",
    "Input",
    "Model",
    "Parameter",
    "Plan",
    "ReplayedPlan",
    "Sequential",
    "Tape",
    "Tensor",
    "balancing",
    "callbacks",
    "check",
    "compiled",
    "data",
    "distributed",
    "exchange",
    "flow",
    "from_onnx",
    "gradients",
    "layers",
    "load",
    "losses",
    "metrics",
    "ops",
    "optimizers",
    "schedules",
    "set_random_seed",
    "stop_gradient",
    "systems",
    "use",
]


def __getattr__(name: str) -> Any:
    """What few programs need is loaded when it is asked for."""
    if name in ("balancing", "distributed", "systems"):
        return import_module(f".{name}", __name__)
    if name == "ReplayedPlan":
        return import_module(".replay.plan", __name__).ReplayedPlan
    raise AttributeError(words_about(f"module {__name__!r}", name, "package"))


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


if Signpost not in sys.meta_path:
    sys.meta_path.append(Signpost)  # type: ignore[arg-type]
