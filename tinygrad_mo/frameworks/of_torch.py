"""The flow of a network that is written in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .. import arguments
from ..flow.flow import Flow
from ..naming import did_you_mean
from .torch_calls import Calls, plain_name
from .torch_graph import TorchGraph
from .torch_nodes import refuse_checkpoints, refuse_totals
from .torch_notes import notes_on_graph, notes_on_model
from .torch_optimizers import frozen_in, optimizer_of
from .torch_pulls import Pulls
from .torch_state import as_it_was

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
    The cost is that of `losses`, of one backward pass for each loss, and of the products of their
    gradients with one another, for which each pass's gradients are kept until the last loss that
    reaches the same place.

    Measuring changes nothing: parameters, their ``grad`` and ``requires_grad``, buffers, random
    numbers and the mode are afterwards what they were; hooks are gone, after an error, too. What
    `losses` does by itself is its own affair: a call of ``backward`` there is refused; what it
    writes into weights stays, and is said in the report unless it goes through ``.data``; what it
    does elsewhere (counters, files, whole numbers in `batch`) is not seen.

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
    to_inputs = arguments.flag("of_torch: to_inputs", to_inputs)
    model = unwrapped(model, torch)
    calls = calls_of(model, torch)
    with as_it_was(model, "of_torch") as notes:
        with calls.listening():
            found = losses(model, batch)
        found = checked_losses(found, torch)
        mixed = mixture(weights, found)
        named = {plain_name(name): w for name, w in model.named_parameters()}
        graph = TorchGraph(calls, found, named, to_inputs)
        refuse_totals(graph.nodes, found, "of_torch")
        refuse_checkpoints(graph.nodes, "of_torch")
        pulls = Pulls(graph)
    several = list(optimizers) if isinstance(optimizers, list | tuple) else [optimizers]
    frozen = frozen_in(named, several)
    values: dict[str, float | None] = {name: float(x.detach()) for name, x in found.items()}
    return Flow(
        losses=list(found),
        values=values,
        weights=mixed,
        **graph.described(pulls.measured),
        frozen=set(frozen),
        **optimizer_of(several),
        name=type(model).__name__,
        step=step,
        training=model.training,
        notes=[*notes, *notes_on_graph(graph), *notes_on_model(graph, model, pulls.types, frozen)],
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


def calls_of(model: Any, torch: Any) -> Calls:
    """Notes all calls of modules of the model.

    What modules that are losses do belongs to the loss; scripts are seen from outside alone.
    """
    passed = torch.nn.modules.loss._Loss, torch.jit.ScriptModule
    paths = {
        module: plain_name(path)
        for path, module in model.named_modules()
        if not isinstance(module, passed) and type(module).__name__ != "OptimizedModule"
    }
    return Calls(paths, () if type(model).__module__.startswith("torch.") else (model,))


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
