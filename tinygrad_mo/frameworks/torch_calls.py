"""Which modules of PyTorch were called, in which call each node of autograd was made, with what.

Autograd counts the nodes that it makes. Hooks note how far it has counted when the call of a module
begins and when it ends, so that each node belongs to the innermost call in which it was made. The
calls of PyTorch's functions are noted in the same way.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cache
from inspect import signature
from typing import Any

from ..naming import unique_names


@dataclass(eq=False)
class Call:
    """One call of a module of the model, or of a function of PyTorch.

    Attributes
    ----------
    path : str
        The module's name in the model (that of the model itself is empty), or the function's.
    module : Module
        None: it is a function.
    around : Call, optional
        The call of a module within which it was made.
    is_leaf : bool
        Were no modules called within it? (Of a model that calls none, the functions are shown.)
    shape : tuple
        Of the first tensor that it returned.
    storages : set of int
        Where the data lie that it was given and that need no gradient.
    """

    path: str
    module: Any
    around: Call | None
    is_leaf: bool = True
    shape: tuple[int, ...] = ()
    storages: set[int] = field(default_factory=set)

    def chain(self) -> list[Call]:
        """The calls around it and itself, the outermost first."""
        return [*(self.around.chain() if self.around else ()), self]

    @property
    def card(self) -> Call | None:
        """The call that is shown as one card, with all that was done in it; None if none is."""
        if self.around and self.module is None and self.around.is_leaf:
            return self.around
        return self if self.is_leaf else None


@dataclass(eq=False)
class Entry:
    """A tensor of data with which the model was called.

    Attributes
    ----------
    name : str
        Of the argument of `forward`, and of the key in it, as in "batch.title". The tensors of a
        list have one name.
    card : object
        The same for all tensors of a list.
    shape : tuple
        Of the card, the batch first.
    tensor, leaf, fed : Tensor
        What was given; what stands for it, so that autograd notes what becomes of it; what the
        model gets, a copy of that (a leaf may not be written into).
    node : object
        Of autograd: what made the copy.
    """

    name: str
    card: Any
    shape: tuple[int, ...]
    tensor: Any
    leaf: Any = None
    fed: Any = None
    node: Any = None


class Calls:
    """Notes calls of modules and of PyTorch's functions, while `listening`.

    Parameters
    ----------
    paths : dict of str
        By module: its name in the model.
    containers : modules
        Those that are no card, even if they call no other module.
    """

    separator = "."  # of the parts of a path

    def __init__(self, paths: Mapping[Any, str], containers: Collection[Any]):
        import torch

        self.torch, self.paths, self.containers = torch, paths, containers
        self.calls: list[Call] = []
        self.entries: dict[int, Entry] = {}
        self.outputs: dict[str, Any] = {}
        self._open: list[Call] = []
        self._counts: list[int] = []  # how far autograd had counted when ...
        self._innermost: list[Call | None] = []  # ... this became the innermost call

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within this the calls are noted."""
        with ExitStack() as hooks:
            for module in self.paths:
                enter = module.register_forward_pre_hook(
                    self._begin, with_kwargs=True, prepend=True
                )
                hooks.callback(enter.remove)
                hooks.callback(module.register_forward_hook(self._end).remove)
            hooks.enter_context(watch_of_functions()(self._run))
            yield

    def maker(self, node: Any) -> Call | None:
        """The innermost call in which a node of autograd was made."""
        place = bisect_right(self._counts, node._sequence_nr()) - 1
        return self._innermost[place] if place >= 0 else None

    def entries_of(self, call: Call) -> list[Entry]:
        """The data that a call was given, which need no gradient."""
        entries = self.entries.values()
        return [e for e in entries if e.leaf is None and storage(e.tensor) in call.storages]

    def _mark(self, count: int, innermost: Call | None) -> None:
        self._counts.append(count)
        self._innermost.append(innermost)

    def _run(self, function: Any, args: Any, kwargs: Any) -> Any:
        """Call a function of PyTorch, and note the nodes that it has made."""
        counted = self.torch.autograd._get_sequence_nr
        before, marks = counted(), len(self._counts)
        result = function(*args, **kwargs)
        if (after := counted()) > before and len(self._counts) == marks:
            around = self._open[-1] if self._open else None
            self._mark(before, Call(getattr(function, "__name__", "").rstrip("_"), None, around))
            self._mark(after, around)
        return result

    def _begin(self, module: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """A module is called, with these."""
        path, around = self.paths[module], self._open[-1] if self._open else None
        if around:
            around.is_leaf = False
        else:
            args, kwargs = self.feed(path, module, args, kwargs)
        call = Call(path, module, around, is_leaf=module not in self.containers)
        given = [x for _, x in self._tensors_in((args, kwargs)) if not x.requires_grad]
        call.storages.update(map(storage, given))
        self.calls.append(call)
        self._open.append(call)
        self._mark(self.torch.autograd._get_sequence_nr(), call)
        return args, kwargs

    def _end(self, module: Any, args: Any, output: Any) -> None:
        """The innermost call has returned this."""
        call = self._open.pop()
        tensors = self._tensors_in(output)
        call.shape = tuple(tensors[0][1].shape) if tensors else ()
        if not self._open:
            known = len(self.outputs)
            names = unique_names([*self.outputs, *(name or "output" for name, _ in tensors)], ":")
            self.outputs |= dict(zip(names[known:], (x for _, x in tensors), strict=True))
        self._mark(self.torch.autograd._get_sequence_nr(), call.around)

    def feed(self, path: str, module: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """What a module is given by `losses`, with tensors whose gradient can be asked for."""
        try:
            given = signature(module.forward).bind(*args, **kwargs)
        except (TypeError, ValueError):  # a function in C, or wrong ones: the call itself says so
            return mapped(args, "input", self.enter), mapped(kwargs, "", self.enter)
        for name, value in given.arguments.items():
            place = f"{path}{self.separator}{name}" if path else name
            given.arguments[name] = mapped(value, place, self.enter)
        return given.args, given.kwargs

    def enter(self, name: str, x: Any) -> Any:
        """What the model gets in place of data: autograd notes what becomes of it."""
        if not isinstance(x, self.torch.Tensor) or x.grad_fn is not None:
            return x
        plain = ".".join(part for part in name.split(".") if not part.isdigit())
        listed = plain != name  # then it is one sample, or whatever else
        shape = (0, *x.shape) if listed else tuple(x.shape)
        card = (len(self.calls), plain) if listed else id(x)
        entry = self.entries.setdefault(id(x), Entry(plain, card, shape, x))
        if entry.fed is None:
            if x.requires_grad:
                entry.leaf = entry.fed = x
            elif self.torch.is_grad_enabled() and x.dtype.is_floating_point:
                entry.leaf = x.detach().requires_grad_()
                entry.fed = entry.leaf.clone()
                entry.node = entry.fed.grad_fn
        return x if entry.fed is None else entry.fed

    def _tensors_in(self, value: Any) -> list[tuple[str, Any]]:
        """The tensors in lists, dicts and the like, by where they stand."""
        found: list[tuple[str, Any]] = []

        def note(name: str, x: Any) -> Any:
            if isinstance(x, self.torch.Tensor):
                found.append((name, x))
            return x

        mapped(value, "", note)
        return found


def plain_name(path: str) -> str:
    """The name of a module or parameter, without what `torch.compile` has put into it.

    >>> plain_name("head._orig_mod.weight"), plain_name("head._orig_mod")
    ('head.weight', 'head')
    """
    return ".".join(part for part in path.split(".") if part != "_orig_mod")


def storage(x: Any) -> int:
    """Where the numbers of a tensor lie."""
    return x.untyped_storage().data_ptr() if str(x.layout) == "torch.strided" else id(x)


@cache
def watch_of_functions() -> Any:
    """The class of what calls functions of PyTorch, within it, by a function that it is given.

    One class for all: each class is a circle, and would keep what it refers to in memory.
    """
    from torch.overrides import TorchFunctionMode

    class Watch(TorchFunctionMode):
        def __init__(self, run: Callable[[Any, Any, Any], Any]):
            self.run = run

        def __torch_function__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            return self.run(function, args, kwargs or {})

    return Watch


def mapped(value: Any, name: str, change: Callable[[str, Any], Any]) -> Any:
    """A value in which everything that is no list, dict or the like is changed.

    >>> mapped({"a": [1, 2], "b": 3}, "x", lambda name, one: f"{name}={one}")
    {'a': ['x.a.0=1', 'x.a.1=2'], 'b': 'x.b=3'}
    """

    def inner(key: Any, one: Any) -> Any:
        return mapped(one, f"{name}.{key}" if name else str(key), change)

    if isinstance(value, Mapping):
        new = {key: inner(key, one) for key, one in value.items()}
        if all(new[key] is value[key] for key in new):
            return value
        changed = copy(value)  # of its own class
        changed.update(new)  # type: ignore[attr-defined]
        return changed
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(inner, value._fields, value))
    if type(value) in (list, tuple):
        return type(value)(inner(i, one) for i, one in enumerate(value))
    if is_dataclass(value) and not isinstance(value, type):
        names = [one.name for one in fields(value) if one.init]
        new = {one: inner(one, getattr(value, one)) for one in names}
        same = all(new[one] is getattr(value, one) for one in names)
        return value if same else replace(value, **new)
    return change(name, value)
