"""The flow of a network that is written in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .. import arguments
from ..flow.flow import Flow
from ..naming import did_you_mean
from .torch_calls import Calls
from .torch_graph import TorchGraph, refuse_checkpoints, refuse_totals, sentences
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
        refuse_totals(graph, "of_torch")
        refuse_checkpoints(graph, "of_torch")
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


def plain_name(path: str) -> str:
    """The name of a module or parameter, without what `torch.compile` has put into it.

    >>> plain_name("head._orig_mod.weight"), plain_name("head._orig_mod")
    ('head.weight', 'head')
    """
    return ".".join(part for part in path.split(".") if part != "_orig_mod")


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


def notes_on(graph: TorchGraph, model: Any, types: set[Any], frozen: Iterable[str]) -> list[str]:
    """What one must know of the measurement, and what cannot be seen."""
    modules = dict(model.named_modules())
    other = [name for name, one in modules.items() if one.training != model.training]
    scripts = [name for name, one in modules.items() if hasattr(one, "code") and hasattr(one, "_c")]
    shown = {card.call for card in graph.cards}
    hidden = [call for call in graph.calls.calls if call.is_leaf and call not in shown]
    return sentences(
        (
            "In {} mode, unlike the model: {{}}.".format("eval" if model.training else "train"),
            (plain_name(name) for name in other if name.rpartition(".")[0] not in other),
        ),
        (
            "No gradient passes through {} (frozen, detached or under no_grad): not shown.",
            (call.path for call in hidden if any(True for _ in call.module.parameters())),
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
