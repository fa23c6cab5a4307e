"""The flow of a network that is written in PyTorch."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from .. import arguments
from ..naming import did_you_mean
from .flow import Flow
from .torch_calls import ModuleCalls, plain_name
from .torch_graph import (
    TorchGraph,
    common_shape,
    refuse_checkpoints,
    refuse_totals,
    sentences,
)

WRAPPERS = {  # around a module, and the attribute in which it is
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "OptimizedModule": "_orig_mod",  # what torch.compile returns
}


def of_torch(
    model: Any,
    losses: Callable[[Any, Any], Mapping[str, Any]],
    batch: Any,
    *,
    weights: Mapping[str, float] | None = None,
    optimizers: Any = (),
    step: int = 0,
    to_inputs: bool = False,
) -> Flow:
    """Measure the gradient of each loss on every wire and weight of a PyTorch module.

    Parameters
    ----------
    model : torch.nn.Module
        In train or eval mode, as it is. Several modules: one `torch.nn.ModuleDict` of them.
    losses : function of (model, batch)
        Calls the model as your training does, and returns the losses by name: scalar tensors.
    batch : anything
        What `losses` is given.
    weights : dict, optional
        By name: what each loss is multiplied with in training. Default: 1.
    optimizers : Optimizer or list of them, optional
        Parameters that stand in none of them count as frozen. Default: all that require gradients
        are trained.
    step : int
        Training steps made before.
    to_inputs : bool
        Follow the gradients to the data, through frozen parts, too, which takes more time. Default:
        as far as training sends them.

    Returns
    -------
    Flow

    Notes
    -----
    The cost is that of `losses` and of one backward pass for each loss, and the products of their
    gradients with one another. Nothing stays changed: parameters, their ``grad`` and
    ``requires_grad``, buffers, random numbers, the mode; hooks are gone, after an error, too.

    Examples
    --------
    A module of which `losses` computes two losses from a batch:

    >>> def losses(model, batch):
    ...     x, labels, ages = batch
    ...     kind, age = model(x)
    ...     return {"kind": cross_entropy(kind, labels), "age": mse_loss(age, ages)}
    >>> flow = tg.flow.of_torch(model, losses, batch, weights={"age": 0.1})  # doctest: +SKIP
    >>> print(flow.report())  # doctest: +SKIP
    >>> flow.save("flow.html")  # doctest: +SKIP
    """
    torch = package()
    model = unwrapped(model, torch)
    calls = ModuleCalls(model, arguments.flag("of_torch: to_inputs", to_inputs))
    with as_it_was(model, torch) as notes:
        with calls.listening():
            found = losses(model, batch)
        found = checked_losses(found, torch)
        mixed = mixture(weights, found)
        named = {plain_name(name): w for name, w in model.named_parameters()}
        graph = TorchGraph(calls, found, named)
        refuse_totals(graph, "of_torch")
        refuse_checkpoints(graph, "of_torch")
        pulls = graph.measure()
        measured = pulls.measured()
    several = list(optimizers) if isinstance(optimizers, list | tuple) else [optimizers]
    frozen = frozen_in(named, several)
    values: dict[str, float | None] = {name: float(x.detach()) for name, x in found.items()}
    return Flow(
        losses=list(found),
        values=values,
        weights=mixed,
        **graph.described(measured),
        frozen=set(frozen),
        **optimizer_of(several),
        name=type(model).__name__,
        step=step,
        training=model.training,
        notes=[*notes, *graph.notes(), *notes_on(graph, model, pulls.types, frozen)],
    )


def package() -> Any:
    """The package torch."""
    try:
        import torch
    except ImportError as error:
        raise ImportError("of_torch needs PyTorch: pip install 'tinygrad-mo[torch]'") from error
    return torch


def unwrapped(model: Any, torch: Any) -> Any:
    """The plain module in what runs it on several devices, or compiled."""
    while (inner := WRAPPERS.get(type(model).__name__)) and hasattr(model, inner):
        model = getattr(model, inner)
    if not isinstance(model, torch.nn.Module):
        raise TypeError(
            f"of_torch: model must be a torch.nn.Module, not {arguments.shown(model)}; several "
            f"modules: torch.nn.ModuleDict({{'name': module, ...}})"
        )
    if isinstance(model, torch.jit.ScriptModule):
        raise TypeError(
            "of_torch: a model compiled by torch.jit hides its modules: give the module that it "
            "was made from"
        )
    return model


@contextmanager
def as_it_was(model: Any, torch: Any) -> Iterator[list[str]]:
    """Within this, plain float32 as PyTorch computes it; then all is as it was.

    Buffers (running statistics) and random numbers are put back. What must be said of it is in the
    list.
    """
    notes: list[str] = []
    buffers = [(x, x.detach().clone()) for x in model.buffers()]
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
        for kind in {"cpu", *(x.device.type for x in model.parameters())} - {"meta"}:
            if torch.is_autocast_enabled(kind):
                notes.append(f"Autocast on {kind} was switched off for this measurement.")
                stack.enter_context(torch.autocast(kind, enabled=False))
        try:
            yield notes
        finally:
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


def checked_losses(found: Any, torch: Any) -> dict[str, Any]:
    """What `losses` returned: scalars by name."""
    if not isinstance(found, Mapping) or not found:
        raise TypeError(
            f"of_torch: losses must return a dict of losses by name, not {arguments.shown(found)}"
        )
    for name, x in found.items():
        if not isinstance(name, str):
            raise TypeError(f"of_torch: losses have names, {arguments.shown(name)} is none")
        if not isinstance(x, torch.Tensor) or x.numel() != 1:
            is_tensor = isinstance(x, torch.Tensor)
            given = f"one of shape {tuple(x.shape)}" if is_tensor else arguments.shown(x)
            raise TypeError(
                f"of_torch: loss {name!r} must be a tensor with one number, not {given}: return "
                f"its mean or sum, a tensor"
            )
    if all(x.grad_fn is None for x in found.values()):
        raise ValueError(
            "of_torch: no loss depends on a weight that requires a gradient: are they computed "
            "under no_grad, from .item() or .detach(), or is everything frozen?"
        )
    return dict(found)


def mixture(weights: Any, losses: Mapping[str, Any]) -> dict[str, float]:
    """The weight of each loss."""
    given = arguments.by_name("of_torch: weights", weights, arguments.number)
    for name in given:
        if name not in losses:
            raise ValueError(
                f"of_torch: weights: there is no loss {name!r}; {did_you_mean(name, losses)}"
            )
    return dict.fromkeys(losses, 1.0) | given


def frozen_in(parameters: Mapping[str, Any], optimizers: Sequence[Any]) -> list[str]:
    """The parameters that training does not change."""
    trained = {id(w) for one in optimizers for group in one.param_groups for w in group["params"]}
    return [
        name
        for name, w in parameters.items()
        if not w.requires_grad or (optimizers and id(w) not in trained)
    ]


OPTIMIZERS = ("SGD", "Adam", "AdamW", "Adamax", "NAdam", "RMSprop", "Adagrad", "Adadelta")


def optimizer_of(optimizers: Sequence[Any]) -> dict[str, Any]:
    """What is known of the optimizer: nothing where there are several, or several settings.

    Of a decay that is added to the gradient, as that of Adam, nothing is said but of SGD's.
    """
    groups = [group for one in optimizers for group in one.param_groups]
    plain = [{k: v for k, v in group.items() if k != "params"} for group in groups]
    name = type(optimizers[0]).__name__ if optimizers else ""
    if name not in OPTIMIZERS or len(optimizers) > 1 or any(one != plain[0] for one in plain):
        return {}
    given = plain[0]
    mixed_in = not (name in ("SGD", "AdamW") or given.get("decoupled_weight_decay"))
    if given.get("maximize") or (given.get("weight_decay") and mixed_in):
        return {}
    same = ("momentum", "weight_decay", "centered")  # as in our words
    settings = {key: given[key] for key in same if given.get(key)}
    if "eps" in given:
        settings["epsilon"] = given["eps"]
    if "betas" in given:
        settings["beta_1"] = given["betas"][0]
    return {"optimizer": {"NAdam": "Nadam"}.get(name, name), "settings": settings}


def notes_on(graph: TorchGraph, model: Any, types: set[Any], frozen: Iterable[str]) -> list[str]:
    """What one must know of the measurement, and what cannot be seen."""
    other = {n: one for n, one in model.named_modules() if one.training != model.training}
    seen = {name for card in graph.cards for name in card.parameters}
    calls = [call for call in graph.calls.calls if call.is_leaf and call.module is not None]
    scripts = {n: m for n, m in model.named_modules() if hasattr(m, "code") and hasattr(m, "_c")}
    return sentences(
        (
            "In {} mode, unlike the model: {{}}.".format("eval" if model.training else "train"),
            (plain_name(name) for name in other if name.rpartition(".")[0] not in other),
        ),
        (
            "No gradient passes through {} (frozen, detached or under no_grad): not shown.",
            (call.path for call in calls if not seen.issuperset(names_in(graph, call.module))),
        ),
        (
            "PyTorch computes no gradient for {} (requires_grad is False): none is shown.",
            (name for name in frozen if not graph.parameters[name].requires_grad),
        ),
        (
            "TorchScript hides the modules of {}: what they do is shown as functions.",
            (name for name in scripts if name.rpartition(".")[0] not in scripts),
        ),
        (
            "Some gradients are {} numbers: what is too small for these became 0.",
            sorted(str(x).removeprefix("torch.") for x in types if x.itemsize < 4),
        ),
    )


def names_in(graph: TorchGraph, module: Any) -> set[str]:
    """The parameters of a module, by their names in the model."""
    return {graph.name_of[id(w)] for w in module.parameters() if id(w) in graph.name_of}


class TorchRecorder:
    """Record the gradient flow while a PyTorch module is trained.

    Parameters
    ----------
    model, losses, weights, optimizers, to_inputs
        As of `of_torch`. `weights` may be changed from step to step.
    every : int
        Steps from one record to the next. Default: 10.

    Attributes
    ----------
    flows : list of Flow
        For the page: ``flow.save("flow.html", recorder.flows)``.
    step : int
        How many training steps came before.

    Examples
    --------
    >>> recorder = TorchRecorder(model, losses)  # doctest: +SKIP
    >>> for batch in loader:  # doctest: +SKIP
    ...     recorder.record(batch)  # before the step; draws the random numbers that it will draw
    ...     train_on(batch)
    >>> recorder.flows[-1].save("flow.html", recorder.flows)  # doctest: +SKIP
    """

    def __init__(
        self,
        model: Any,
        losses: Callable[[Any, Any], Mapping[str, Any]],
        every: int = 10,
        weights: Mapping[str, float] | None = None,
        optimizers: Any = (),
        to_inputs: bool = False,
    ):
        self.model, self.losses, self.weights = model, losses, weights
        self.optimizers, self.to_inputs = optimizers, to_inputs
        self.every = arguments.whole("TorchRecorder: every", every, at_least=1)
        self.flows: list[Flow] = []
        self.step = 0

    def record(self, batch: Any) -> None:
        """Say that a training step on this batch comes next; it is recorded, if it is time."""
        if self.step % self.every == 0:
            flow = of_torch(
                self.model,
                self.losses,
                batch,
                weights=self.weights,
                optimizers=self.optimizers,
                step=self.step,
                to_inputs=self.to_inputs,
            )
            self.flows.append(flow)
            share_shapes(self.flows)
        self.step += 1


def share_shapes(flows: Sequence[Flow]) -> None:
    """Where batches have other lengths, a card has any length."""
    names = [[node.name for node in flow.nodes] for flow in flows]
    if any(one != names[0] for one in names):
        return  # another graph: whoever draws them says so
    for same in zip(*(flow.nodes for flow in flows), strict=True):
        if len({node.shape for node in same}) > 1:
            place = flows[0].nodes.index(same[0])
            for flow, node in zip(flows, same, strict=True):
                flow.nodes[place] = replace(node, shape=common_shape(*(n.shape for n in same)))
