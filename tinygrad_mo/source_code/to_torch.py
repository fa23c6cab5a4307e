"""A network as a module of PyTorch: source code to read, and its weights beside it.

What has weights, a window or chance is a module, made in `__init__` under the name of its layer;
all else is an expression in `forward`. Axes stay as they are here: the channels are the last ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..engine.graph import Parameter, Step, Tensor
from ..files.layouts import Layout
from ..network.network import Network
from .expressions import inputs_of
from .source import WEIGHTS, Body, checked_path, described, float_type, write_files
from .text import Text, call, class_name, docstring, identifier, lines_of, literal, method
from .torch_modules import MODULES, Weights, source, views
from .torch_ops import OPS, TAKES_WHOLE
from .torch_words import HELPERS, MODULE_HAS, NAMES


def write_torch(path: str | Path, network: Network) -> None:
    """Write a network to two files: source, and weights."""
    path = checked_path("to_torch", path)
    writer = Writer(network)
    write_files(path, writer.source(path.stem), writer.net.arrays)


class Writer:
    """All classes of a file.

    Attributes
    ----------
    helpers : set of str
        Names of `HELPERS` that the source needs.
    """

    def __init__(self, network: Network):
        self.network, self.helpers = network, set[str]()
        self.taken = {*NAMES, "Net"}
        self.of_model: dict[Network, tuple[str, TorchBody]] = {}
        self.classes: list[str] = []
        self.net = TorchBody(network, self)
        self.net.write_class("Net")

    def class_of(self, model: Network) -> tuple[str, TorchBody]:
        """The class of a model within the network, written once."""
        if model not in self.of_model:
            body = TorchBody(model, self)
            name = class_name(model.name, self.taken)
            self.of_model[model] = name, body
            body.write_class(name)
        return self.of_model[model]

    def source(self, stem: str) -> str:
        """The whole file."""
        helpers = [text for name, text in HELPERS.items() if name in self.helpers]
        double = ".double()" * (float_type(self.network) == "float64")
        load = LOAD.format(double=double)
        code = "\n\n\n".join([*helpers, *self.classes, load])
        lines = ["import numpy as np", "import torch"]
        lines += ["import torch.nn.functional as F"] * ("F." in code)
        head = docstring(
            [
                f"The network {self.network.name!r} in PyTorch, written by tinygrad_mo.",
                "",
                "Axes are as there: the batch is the first one, channels are the last.",
                *described(self.network),
            ]
        )
        lines += ["from torch import nn", "", WEIGHTS.format(stem=stem)]
        return "\n".join([head, "", "from pathlib import Path", "", *lines, "", "", code])


LOAD = '''\
def load(path=WEIGHTS):
    """The network with the weights of a file; Net() alone begins with new ones."""
    net = Net(){double}
    with np.load(path) as arrays:
        net.load_state_dict({{name: torch.tensor(arrays[name]) for name in arrays}})
    return net
'''


class TorchBody(Body):
    """The class of a network.

    Attributes
    ----------
    arrays : dict of array
        By name in the `state_dict`.
    owned : dict of list
        By module, or bare parameter, the weights in it with their names there.
    modules : dict of str
        By what makes a module, where it is.
    """

    framework = "PyTorch"

    def __init__(self, network: Network, writer: Writer):
        super().__init__(network, NAMES, indent=8)
        self.writer, self.attributes = writer, {*MODULE_HAS.split()}
        self.arrays: dict[str, np.ndarray] = {}
        self.owned: dict[str, list[tuple[str, Parameter]]] = {}
        self.modules: dict[Any, str] = {}
        self.made: list[str] = []
        self.seen_through = {x.key for step in self.steps for x in views(step)}

    def write_class(self, name: str) -> None:
        """Add the class to those of the file."""
        found = self.write()
        if name == "Net":
            self.tie()
            self.freeze()
        (one, *others) = found.values()
        self.line(f"return {literal(found) if others else one}")
        init = ["    def __init__(self):", "        super().__init__()"]
        init += [line for text in self.made for line in lines_of(text, 8)]
        head = lines_of(f"def forward({', '.join(['self', *self.inputs])})", 4, ":")
        text = [f"class {name}(nn.Module):", *init, "", *head, *self.lines]
        self.writer.classes.append("\n".join(text))

    # ------------------------------------------------------------ what __init__ makes

    def module(self, step: Step, text: Text, weights: Weights, also: str = "") -> Text:
        """A module of a layer: made once for the same weights, wherever it is called."""
        mine: Any = [id(source(x)) for _, x, _ in weights] or step.call or step
        owner = step.call.owner if step.call else None
        key = (text, tuple(mine) if weights else owner or step)
        if key not in self.modules:
            name = identifier(f"{self.path(step)}{also and '_'}{also}", self.attributes)
            self.modules[key] = name
            self.made.append(f"self.{name} = {text}")
            self.owned[name] = []
            for names, x, layout in weights:
                self.own(step, name, names, x, layout)
        return Text(f"self.{self.modules[key]}")

    def own(self, step: Step, module: str, names: str, x: Tensor, layout: Layout) -> None:
        """Enter a weight of a module."""
        w = source(x)
        if not isinstance(w, Parameter):
            raise self.refuse(step, "what it computes with are no weights")
        made = layout.there(w.numpy().reshape(x.shape))
        arrays = made if isinstance(made, tuple) else (made,)
        for name, array in zip(names.split(), arrays, strict=True):
            self.arrays[f"{module}.{name}"] = np.asarray(array, order="C")
            if not name.startswith("running"):
                self.owned[module].append((f"{module}.{name}", w))

    def parameter(self, w: Parameter) -> Text:
        """A parameter of the class itself, or a weight of a module that is used bare, too."""
        for step in self.steps:
            if step.op.name == "embedding" and step.inputs[1] is w:
                return Text(f"{MODULES['embedding'](self, step, [])}.weight")
            if step.op.name == "dense" and step.inputs[1] is w:
                return Text(f"{MODULES['dense'](self, step, [])}.weight.T")
        if w not in self.modules:
            layer = next((s for s in self.steps if w in s.inputs), None)
            path = self.path(layer) + "_" if layer is not None and layer.call else ""
            name = identifier(f"{path}{w.label}", self.attributes)
            self.modules[w] = name
            self.made.append(f"self.{name} = nn.Parameter(torch.ones({literal(w.shape)}))")
            self.arrays[name], self.owned[name] = w.numpy(), [(name, w)]
        return Text(f"self.{self.modules[w]}")

    def constant(self, x: Tensor) -> Text:
        if x not in self.modules:
            self.modules[x] = name = identifier("constant", self.attributes)
            kind = f"torch.ones({literal(x.shape)}, dtype=torch.{x.dtype})"
            self.made.append(f'self.register_buffer("{name}", {kind})')
            self.arrays[name] = x.numpy()
        return Text(f"self.{self.modules[x]}")

    def model(self, node: Any, inputs: list[Text]) -> Text:
        name, body = self.writer.class_of(node.owner)
        if node.owner not in self.modules:
            attribute = identifier(node.name, self.attributes)
            self.modules[node.owner] = attribute
            self.made.append(f"self.{attribute} = {name}()")
            self.arrays |= {f"{attribute}.{n}": array for n, array in body.arrays.items()}
        return call(f"self.{self.modules[node.owner]}", *inputs)

    def places(self, before: str = "") -> list[tuple[Any, str]]:
        """All modules, those of models within included: what makes each, and where it is."""
        found: list[tuple[Any, str]] = []
        for key, name in self.modules.items():
            found.append((key, before + name))
            if isinstance(key, Network):
                found += self.writer.of_model[key][1].places(f"{before}{name}.")
        return found

    def tie(self) -> None:
        """What is one layer in several models shall be one module."""
        first: dict[Any, str] = {}
        for key, place in self.places():
            has_weights = isinstance(key, Parameter) or (isinstance(key, tuple) and key[0])
            if has_weights and first.setdefault(key, place) != place:
                self.made.append(f"self.{place} = self.{first[key]}")

    def freeze(self) -> None:
        """Say what training leaves as it is."""
        contents = self.network.contents
        for key, place in self.places():
            body, name = self, place
            for model in place.split(".")[:-1]:
                owner = next(k for k, n in body.modules.items() if n == model)
                body, name = self.writer.of_model[owner][1], name.partition(".")[2]
            weights = body.owned.get(name, [])
            frozen = [one for one, w in weights if not contents.is_trainable(w)]
            start = place[: len(place) - len(name)]
            if frozen and len(frozen) == len(weights):
                frozen = [name]
            for one in frozen:
                self.made.append(f"self.{start}{one}.requires_grad_(False)")
            second = [one for one, _ in weights if one.endswith("bias_hh_l0")]
            if second and key[0].startswith(("nn.LSTM", "nn.RNN")) and frozen != [name]:
                self.made.append(f"self.{start}{second[0]}.requires_grad_(False)  # one is enough")

    # ------------------------------------------------------------ what forward computes

    def express(self, step: Step, xs: Any) -> Any:
        if (step, 0) in self.seen_through:
            return Text("_")
        if step.op.name not in OPS:
            raise self.refuse(step, f"PyTorch, as it is written here, has no {step.op.name}")
        return OPS[step.op.name](self, step, xs)

    def given(self, step: Step, i: int) -> Any:
        """An input of a step; whole numbers as floats, where they are computed with."""
        text = super().given(step, i)
        if text is None or step.op.name in TAKES_WHOLE or np.dtype(step.outputs[0][1]).kind != "f":
            return text
        x = inputs_of(step)[i]
        if np.dtype(x.dtype).kind == "f" or x.shape == ():
            return text
        return method(text, "double" if float_type(self.network) == "float64" else "float")

    def flipped(self, text: Text, axes: list[int]) -> Text:
        """Backwards along axes."""
        return method(text, "flip", *axes)

    def helper(self, *names: str) -> str:
        """Ask for helpers; returns the name of the first."""
        self.writer.helpers |= {*names}
        return names[0]

    def last(self, step: Step, kind: str, *given: Any, **options: Any) -> Text:
        """A module of torch that has channels first, as one that has them last."""
        self.helper(kind, "ChannelsLast")
        return call(kind, *given, **options)
