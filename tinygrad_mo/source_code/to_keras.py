"""A network as source code for Keras 3, functional, and its weights beside it.

A layer of ours is Keras's layer of this name, with the same settings; what lies between layers, or
in layers of one's own, is an expression of `keras.ops`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.graph import Parameter, Step, Tensor
from ..engine.nodes import Node, calls_around
from ..files.exchange import keras_names
from ..layers import (
    AveragePooling1D,
    AveragePooling2D,
    Bidirectional,
    Layer,
    SeparableConv1D,
    activations,
    regularizers,
)
from ..layers.merging import Average, Concatenate, Dot, Merge
from ..layers.recurrent import Recurrent
from ..naming import unique_names
from ..network.network import Network
from ..recipes import signature_of
from . import keras_ops
from .expressions import inputs_of, padding
from .source import WEIGHTS, Body, checked_path, described, float_type, write_files
from .text import WIDTH, Text, call, docstring, identifier, literal

NAMES = {"Path", "keras", "layers", "load", "network", "np", "ops", "path", "regularizers"}
NAMES |= {"self", "WEIGHTS", *keras_ops.HELPERS}
LAYERS = """
Activation Add Attention Average AveragePooling1D AveragePooling2D BatchNormalization
Bidirectional Concatenate Conv1D Conv2D Conv2DTranspose Cropping1D Cropping2D Dense
DepthwiseConv2D Dot Dropout ELU Embedding Flatten GRU GaussianNoise GlobalAveragePooling1D
GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D GroupNormalization LSTM
LayerNormalization LeakyReLU Masking MaxPooling1D MaxPooling2D Maximum Minimum
MultiHeadAttention Multiply PReLU Permute RMSNormalization ReLU RepeatVector Reshape
SeparableConv1D SeparableConv2D SimpleRNN Softmax SpatialDropout1D SpatialDropout2D Subtract
TimeDistributed UpSampling1D UpSampling2D ZeroPadding1D ZeroPadding2D
"""
OURS = frozenset(LAYERS.split())
MASKS_OPS = {"all", "any", "concatenate", "logical_and", "not_equal"}  # of Keras's own
OTHER_DEFAULTS = {"cropping", "pool_size"}  # than Keras has


def write_keras(path: str | Path, network: Network) -> None:
    """Write a network to two files: source, and weights."""
    path = checked_path("to_keras", path)
    writer = Writer(network)
    write_files(path, writer.source(path.stem), writer.arrays)


class Writer:
    """All functions of a file, and the weights by their paths in Keras."""

    def __init__(self, network: Network):
        self.network, self.taken, self.layers = network, {*NAMES}, set[str]()
        self.arrays: dict[str, np.ndarray] = {}
        self.paths: dict[Tensor, str] = {}
        self.of_model: dict[Network, str] = {}
        self.functions: list[str] = []
        self.functions.append(KerasBody(network, self).function("network"))

    def function_of(self, model: Network) -> str:
        """The function that makes a model within the network."""
        if model in self.of_model:
            raise NotImplementedError(
                f"{model}, cannot be written for Keras: it belongs to several models"
            )
        self.of_model[model] = name = identifier(f"make_{model.name}", self.taken)
        self.functions.append(KerasBody(model, self).function(name))
        return name

    def enter(self, who: str, w: Tensor, path: str) -> None:
        """Take a weight along."""
        if self.paths.setdefault(w, path) != path or path in self.arrays:
            raise NotImplementedError(
                f"{who}, cannot be written for Keras: its weight {path!r} would be there twice, "
                f"which belongs to two layers or models"
            )
        self.arrays[path] = w.numpy()

    def source(self, stem: str) -> str:
        """The whole file."""
        code = "\n\n\n".join(self.functions)
        helpers = [text for word, text in keras_ops.HELPERS.items() if f"{word}(" in code]
        words = ["layers"] * bool(re.search(r"\blayers\.", code + "".join(helpers)))
        words += [word for word in ("ops", "regularizers") if f"{word}." in code + "".join(helpers)]
        head = docstring(
            [
                f"The network {self.network.name!r} in Keras 3, written by tinygrad_mo.",
                *described(self.network),
            ]
        )
        lines = ["import keras", "import numpy as np"]
        lines += [f"from keras import {', '.join(words)}"] * bool(words)
        lines += ["", WEIGHTS.format(stem=stem)]
        if float_type(self.network) == "float64":
            lines += ['keras.config.set_floatx("float64")  # much is float32, but with TensorFlow']
            lines += ['keras.config.set_dtype_policy("float64")  # of layers to come']
        top = [head, "", "from pathlib import Path", "", *lines]
        return "\n".join([*top, "", "", "\n\n\n".join([*helpers, code, LOAD])])


LOAD = '''\
def load(path=WEIGHTS):
    """The network with the weights of a file; network() makes one with new weights."""
    model = network()
    with np.load(path) as arrays:
        weights = {weight.path: weight for weight in model.weights}
        for name in arrays:
            weights[name].assign(arrays[name])
    return model
'''


def is_layer(owner: Any) -> bool:
    """Is it a layer that Keras has, too?"""
    ours = type(owner).__module__.startswith(Layer.__module__.rpartition(".")[0])
    return isinstance(owner, Layer) and ours and type(owner).__name__ in OURS


def card_of(step: Step) -> Any:
    """The outermost call of a model, or of a layer that Keras has; else the step itself."""
    calls = calls_around(step)
    return next((c for c in calls if c.owner.is_model or is_layer(c.owner)), step)


class KerasBody(Body):
    """The function that makes a model."""

    framework = "Keras"

    def __init__(self, network: Network, writer: Writer):
        super().__init__(network, NAMES, 4, card_of)
        self.writer = writer
        self.missed: set[Any] = set()  # keys of tensors that have a mask here alone
        self.made: dict[Any, str] = {}  # what is called several times, or has no room in its line
        raw = {keras_ops.auto_name(n.owner.name) for n in self.graph.all if n.kind == "op"}
        raw |= MASKS_OPS if any(x.mask is not None for x in self.tensors.values()) else set()
        calls = {n.owner: n for n in self.graph.all if n.kind == "layer"}
        names = [self.path(n.steps[0], n).replace("/", "_") for n in calls.values()]
        names = [f"{n}_layer" if re.sub(r"_\d+$", "", n) in raw else n for n in names]
        names = [f"{network.name}_{n}" if n in writer.layers else n for n in names]
        inputs = [name.replace("/", "_") for name in network.inputs]
        new = unique_names([*inputs, *names], "_")
        self.name_of_input = dict(zip(network.inputs, new, strict=False))
        self.name_of = dict(zip(calls, new[len(inputs) :], strict=True))
        writer.layers |= {*self.name_of.values()}
        self.calls = {owner: [n for n in self.graph.all if n.owner is owner] for owner in calls}

    def path(self, step: Step, node: Node | None = None) -> str:
        if node is None:
            return super().path(step)
        return self.network.contents.path_of(card_of(step))

    def function(self, name: str) -> str:
        """Write the function."""
        for input_name, (own, x) in zip(self.inputs, self.network.inputs.items(), strict=True):
            kind = None if str(x.dtype) == float_type(self.writer.network) else str(x.dtype)
            given = call(
                "keras.Input", literal(x.shape[1:]), dtype=kind, name=self.name_of_input[own]
            )
            self.line(f"{input_name} = {given}")
        found = self.write()
        first = self.inputs[0] if len(self.inputs) == 1 else f"[{', '.join(self.inputs)}]"
        last = literal(found) if len(found) > 1 else next(iter(found.values()))
        made = call("keras.Model", first, last, name=self.network.name.replace("/", "_"))
        self.line(f"return {made}")
        doc = "The network, with new weights." if name == "network" else f"The model {name[5:]!r}."
        return "\n".join([f"def {name}():", f'    """{doc}"""', *self.lines])

    # ------------------------------------------------------------ layers

    def whole(self, node: Node) -> bool:
        if not is_layer(node.owner):
            return False
        layer = node.owner
        inputs, options = self.called_with(node)
        self.check_masks(node, inputs)
        given = [self.text(x) for x in inputs]
        if is_causal(layer):  # which Keras has no separable convolution for
            before = (layer.kernel_size[0] - 1) * layer.dilation_rate[0]
            name = f"{self.name_of[layer]}_padding"
            given = [call(call("layers.ZeroPadding1D", (before, 0), name=name), *given)]
        listed = isinstance(layer, Merge) or type(layer).__name__ == "Attention"
        arguments = [literal(given)] if listed else given
        ends = self.ends(node, options)
        name = ", ".join(identifier(one, self.taken) for one in ends)
        for one, key_list in zip(name.split(", "), ends.values(), strict=True):
            for key in key_list:
                self.texts[key] = Text(one)
        function = self.made.get(layer) or self.construct(layer)
        if layer not in self.made:
            for w, _, path in keras_names(layer, "", self.name_of[layer]):
                self.writer.enter(str(layer), w, path)
        line = f"{name} = {call(function, *arguments, **options)}"
        often, pads = len(self.calls[layer]) > 1, self.pads(node)
        if layer not in self.made and (often or pads or len(line) > WIDTH - 4):
            self.made[layer] = self.assign(f"{self.name_of[layer]}_layer", function)
            line = f"{name} = {call(self.made[layer], *arguments, **options)}"
        if pads:
            line = f"{name} = {call('mean_inside', self.made[layer], *arguments, pads)}"
        self.line(line)
        return True

    def pads(self, node: Node) -> Any:
        """What stands around windows of which the mean is taken."""
        if not is_mean_of_same(node.owner):
            return ()
        layer = node.owner
        ones = (1,) * len(layer.pool_size)
        pads = padding(self, node.steps[0], layer.pool_size, layer.strides, ones)
        return literal(((0, 0), *pads, (0, 0))) if any(map(sum, pads)) else ()

    def construct(self, layer: Layer) -> str:
        """How Keras makes the layer."""
        given, options = layer.made_with
        signature = signature_of(type(layer))
        values = signature.bind_partial(*given, **options).arguments
        first, more = [], {}
        for name, parameter in signature.parameters.items():
            if name in ("name", "trainable") or (name not in values and name not in OTHER_DEFAULTS):
                continue
            value = values.get(name, parameter.default)
            if value == parameter.default and name not in OTHER_DEFAULTS:
                continue
            text = self.setting(layer, name, value)
            if name == "padding" and (is_causal(layer) or is_mean_of_same(layer)):
                continue
            if text is not None and parameter.default is parameter.empty:
                first.append(text)
            elif text is not None:
                more[name] = text
        own = self.name_of[layer] if layer in self.name_of else layer.name.replace("/", "_")
        return call(
            f"layers.{type(layer).__name__}",
            *first,
            **more,
            name=own,
            trainable=False if self.is_frozen(layer) else None,
        )

    def is_frozen(self, layer: Layer) -> bool:
        """Is the layer frozen? A part of it alone cannot be."""
        contents = self.writer.network.contents
        free = {contents.is_trainable(w) for w in layer.weights if w.trainable}
        if len(free) > 1:
            raise NotImplementedError(
                f"{layer}, cannot be written for Keras: a part of its weights is frozen"
            )
        return free == {False} or (not free and not layer.trainable)

    def setting(self, layer: Layer, name: str, value: Any) -> Text | None:
        """The value of a setting, as it is written; None: it is left out."""
        if isinstance(value, Network):
            return Text(self.model_layer(value))
        if isinstance(value, Layer):
            return Text(self.construct(value))
        if name.endswith("_initializer"):
            return literal(value) if isinstance(value, str) else None
        if name.endswith("_regularizer") and value is not None:
            found = regularizers.get(value)
            if isinstance(found, regularizers.L1L2):
                return call("regularizers.L1L2", l1=found.l1 or None, l2=found.l2 or None)
        if name == "activation" and callable(value):
            known = [n for n, f in activations.ACTIVATIONS.items() if f is value]
            value = known[0] if known else value
        if name == "stateful" or callable(value):
            why = (
                "Keras keeps the states by another rule" if name == "stateful" else "it is your own"
            )
            raise NotImplementedError(
                f"{layer}, cannot be written for Keras: {name}={value!r}: {why}"
            )
        return literal(value)

    def called_with(self, node: Node) -> tuple[list[Tensor], dict[str, Any]]:
        """The tensors that a layer was called on, in order, and the options of the call."""
        layer, kind = node.owner, type(node.owner).__name__
        if isinstance(layer, Merge):
            return merged(node), {}
        if kind in ("Attention", "MultiHeadAttention"):
            return self.attention(node)
        readers = [s for s in node.steps if s.op.name in ("lstm", "gru", "simple_rnn")]
        if readers and isinstance(layer, Recurrent | Bidirectional):
            states = [x for s in readers for x in s.inputs[4:-1]]
            texts = [self.text(x) for x in states if x is not None]
            if texts and len(texts) < len(states):
                raise self.refuse(node, "some of the states that it starts from are missing")
            if any(x is not None and x.shape[0] == 1 for x in states):
                raise self.refuse(node, "a first state that all samples share is not written")
            if layer_turns_mask(layer, readers[0]):
                raise self.refuse(node, "its mask is not turned round there, as its outputs are")
            options = {"initial_state": literal(texts)} if texts else {}
            return [outside(node, readers[0].inputs[0])], options
        found = [x for x in node.inputs if np.dtype(x.dtype) != bool]
        if len(found) != 1:
            raise self.refuse(node, f"it works on {len(found)} tensors")
        return found, {}

    def attention(self, node: Node) -> tuple[list[Tensor], dict[str, Any]]:
        """Query, value and key, and how the layer was called."""
        products = [s for s in node.steps if s.op.name == "matmul"]
        query, key = (outside(node, x) for x in products[0].inputs)
        value = outside(node, products[1].inputs[1])
        known = {x.mask.key for x in (query, key, value) if x.mask is not None}
        more = [x for x in node.inputs if np.dtype(x.dtype).kind in "biu" and x.key not in known]
        constants = [
            x for s in node.steps for x in s.inputs
            if x is not None and x.step is None and x.value is not None and x.ndim >= 2
            and not isinstance(x, Parameter)
        ]  # fmt: skip
        if constants:
            raise self.refuse(node, "its attention_mask is an array")
        options: dict[str, Any] = {}
        if more:
            options["attention_mask"] = self.text(more[0])
        if any(s.op.name == "causal_mask" for s in node.steps):
            options["use_causal_mask"] = True
        scores = products[1].inputs[0]
        if scores is not None and self.takers.get(scores.key, set()) - {node}:
            options["return_attention_scores"] = True
        if node.type_name == "MultiHeadAttention" and query.mask is not None:
            raise self.refuse(
                node, "the mask of its query would hide rows there, and here does not"
            )
        same = key.key == value.key
        return [query, value, *([] if same else [key])], options

    def ends(self, node: Node, options: dict[str, Any]) -> dict[str, list[Any]]:
        """What a layer returns: names, and the keys of the tensors that each stands for."""
        layer, steps = node.owner, set(node.steps)
        taken = [k for k, who in self.takers.items() if k[0] in steps and who - {node}]
        taken = [k for k in taken if np.dtype(k[0].outputs[k[1]][1]) != bool]
        name = node.name
        if isinstance(layer, Recurrent) and layer.return_state:
            (step,) = [s for s in node.steps if s.op.name in ("lstm", "gru", "simple_rnn")]
            states = [(step, i) for i in range(1, len(step.outputs))]
            first = [(step, 0)] if layer.return_sequences else []
            return {name: first} | {
                f"{name}_{letter}": [key] for letter, key in zip("hc", states, strict=False)
            }
        if options.get("return_attention_scores"):
            _, product = (s for s in node.steps if s.op.name == "matmul")
            scores = inputs_of(product)[0].key
            return {name: [k for k in taken if k != scores], f"{name}_scores": [scores]}
        if isinstance(layer, Bidirectional) and (
            layer.merge_mode is None or layer.forward.return_state
        ):
            raise self.refuse(node, "of a Bidirectional one merged output can be written")
        if len(taken) != 1:
            raise self.refuse(node, f"{len(taken)} values within it are taken")
        return {name: taken}

    def check_masks(self, node: Node, inputs: list[Tensor]) -> None:
        """Keras hands masks on from layer to layer; where a mask is missed, an error."""
        masked = [x for x in inputs if x.mask is not None]
        missed = [x for x in masked if x.key in self.missed or self.graph.maker(x).kind == "op"]
        if missed and any(np.dtype(x.dtype) == bool for x in node.inputs):
            raise self.refuse(node, "the mask of its input, behind an op, is not known there")
        if missed:
            self.missed |= {key for key in self.takers if key[0] in node.steps}
        elif masked and node.type_name == "Softmax":
            raise self.refuse(node, "Keras's Softmax takes the mask of its input as its own")

    # ------------------------------------------------------------ models and weights

    def model_layer(self, model: Network) -> str:
        if model not in self.made:
            function = self.writer.function_of(model)
            self.made[model] = self.assign(f"{model.name}_model", f"{function}()")
        return self.made[model]

    def model(self, node: Node, inputs: list[Text]) -> Text:
        if any(x.mask is not None for x in node.inputs):
            raise self.refuse(
                node, "in Keras it would see the mask of its input, which it does not here"
            )
        given = inputs[0] if len(inputs) == 1 else literal(inputs)
        return call(self.model_layer(node.owner), given)

    def weight(self, x: Tensor, name: str, trainable: bool) -> Text:
        """An array by itself."""
        if x not in self.made:
            self.made[x] = name = identifier(name, self.taken)
            options = {"name": name, "trainable": None if trainable else False}
            made = call("Weight", literal(x.shape), **options)
            self.line(f"{name} = {made}({self.inputs[0]})")
            self.writer.enter(name, x, f"{name}/value")
        return Text(self.made[x])

    def parameter(self, w: Parameter) -> Text:
        return self.weight(w, w.name, self.writer.network.contents.is_trainable(w))

    def constant(self, x: Tensor) -> Text:
        if x.dtype.kind != "f":
            return call("np.array", literal(x.numpy().tolist()))
        return self.weight(x, "constant", False)

    def express(self, step: Step, xs: Any) -> Any:
        if step.op.name not in keras_ops.OPS:
            raise self.refuse(step, f"keras.ops, as it is written here, has no {step.op.name}")
        return keras_ops.OPS[step.op.name](self, step, xs)

    def flipped(self, text: Text, axes: list[int]) -> Text:
        """Backwards along axes."""
        return call("ops.flip", text, axis=axes[0] if len(axes) == 1 else tuple(axes))


def layer_turns_mask(layer: Any, step: Step) -> bool:
    """Does it read from the end, and hand on a mask?"""
    backwards = isinstance(layer, Recurrent) and layer.go_backwards and layer.return_sequences
    return backwards and step.inputs[-1] is not None


def is_causal(layer: Any) -> bool:
    """Is it a separable convolution that looks back only?"""
    return isinstance(layer, SeparableConv1D) and layer.padding == "causal"


def is_mean_of_same(layer: Any) -> bool:
    """An average with padding, which Keras counts with PyTorch, and else does not."""
    return isinstance(layer, AveragePooling1D | AveragePooling2D) and layer.padding == "same"


def outside(node: Node, x: Any) -> Tensor:
    """What a tensor within a card was made of, along the first inputs."""
    steps = set(node.steps)
    while x.step in steps:
        x = x.step.inputs[1 if x.step.op.name == "where" else 0]
    return x


def merged(node: Node) -> list[Tensor]:
    """What a merging layer was called on."""
    steps: list[Any] = [s for s in node.steps if np.dtype(s.outputs[0][1]) != bool]
    last, within = steps[-1], set(steps)
    if isinstance(node.owner, Dot) and node.owner.normalize:
        return [x.step.inputs[0] for x in last.inputs]
    if isinstance(node.owner, Dot | Concatenate):
        return list(last.inputs)
    if isinstance(node.owner, Average):
        last = inputs_of(last)[0].step
    first, *found = last.inputs
    while first.step in within:
        first, second = first.step.inputs
        found.insert(0, second)
    return [first, *found]
