"""A module of PyTorch that is watched, and is afterwards what it was."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from .torch_notes import sentences

MADE_FOR_INFERENCE = (
    "{}: the model or its data were made under torch.inference_mode(), and PyTorch computes no "
    "gradients with such tensors: make them outside of it, or give a copy, x.clone(), made outside"
)


@contextmanager
def as_it_was(model: Any, what: str, statistics: Iterable[Any] = ()) -> Iterator[list[str]]:
    """Within this, plain float32 as PyTorch computes it; then all is as it was.

    Buffers (running statistics), gradients and random numbers are put back, and what else is named
    as a statistic. What must be said of it is in the list.
    """
    import torch

    notes: list[str] = []
    parameters = dict(model.named_parameters())
    gradients = [(w, w.grad) for w in parameters.values()]
    written = [*model.buffers(), *statistics]
    if any(x.is_inference() for x in (*parameters.values(), *written)):
        raise ValueError(MADE_FOR_INFERENCE.format(what))
    buffers = [(x, x.detach().clone()) for x in written]
    kept = {id(x) for x in written}
    versions = {name: w._version for name, w in parameters.items() if id(w) not in kept}
    owned = [(m, dict(m._buffers)) for m in model.modules() if type(m._buffers) is dict]
    mode = {module: module.training for module in model.modules()}
    states = random.getstate(), np.random.get_state()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        if "torch._dynamo" in sys.modules:  # else nothing is compiled; to import it takes seconds
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        for kind in {"cpu", *(x.device.type for x in parameters.values())} - {"meta"}:
            if torch.is_autocast_enabled(kind):
                notes.append(f"Autocast on {kind} was switched off for this measurement.")
                stack.enter_context(torch.autocast(kind, enabled=False))
        try:
            for w, _ in gradients:
                w.grad = None
            yield notes
            refuse_backward(parameters, what)
        except RuntimeError as error:
            refuse_backward(parameters, what)
            if "nference tensor" in str(error):
                raise ValueError(MADE_FOR_INFERENCE.format(what)) from error
            raise
        finally:
            for w, g in gradients:
                w.grad = g
            random.setstate(states[0])
            np.random.set_state(states[1])
            for module, own in owned:
                for name, x in own.items():
                    if module._buffers[name] is not x:
                        module._buffers[name] = x
            for module, training in mode.items():
                if module.training != training:
                    module.training = training
            with torch.no_grad():
                for x, before in buffers:
                    x.copy_(before)
    notes += sentences(
        (
            "The losses have written into {}: this stays.",
            (name for name, version in versions.items() if parameters[name]._version != version),
        )
    )


def refuse_backward(parameters: Mapping[str, Any], what: str) -> None:
    """Of losses that have made a backward pass of their own, the graph may be gone."""
    if reached := [name for name, w in parameters.items() if w.grad is not None]:
        raise ValueError(
            f"{what}: losses has called backward(), which filled {reached[0]}.grad: return the "
            f"losses alone, and call backward() on their sum where you train"
        )
