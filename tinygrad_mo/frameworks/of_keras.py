"""The flow of a network that is written in Keras 3, on its PyTorch backend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .. import arguments
from ..flow.flow import Flow
from ..flow.words import listing
from ..naming import unique_names
from .torch_calls import Calls, mapped
from .torch_graph import TorchGraph
from .torch_nodes import refuse_checkpoints
from .torch_notes import notes_on_graph
from .torch_pulls import Pulls
from .torch_state import as_it_was

SETTINGS = (  # of its optimizers, which are named and work as ours
    "momentum", "beta_1", "beta_2", "rho", "epsilon", "centered", "weight_decay", "clipnorm",
    "clipvalue", "global_clipnorm",
)  # fmt: skip


def of_keras(
    model: Any,
    x: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    step: int | None = None,
    training: bool = True,
    to_inputs: bool = False,
) -> Flow:
    """Measure the gradient of each loss on every wire and weight of a compiled Keras model.

    Keras must run on PyTorch, whose autograd is watched: ``KERAS_BACKEND=torch``.

    Parameters
    ----------
    model : keras.Model
        Compiled. Its losses and weights are those of `compile`, paired with outputs and labels as
        Keras pairs them; where that is not what the names say, the report has a note.
    x, y, sample_weight : arrays, or lists or dicts of them
        One batch, as for `model.fit`.
    step : int, optional
        Training steps made before. Default: those that the optimizer has counted.
    training : bool
        True: of the function that trains. False: of the function that predicts.
    to_inputs : bool
        Follow the gradients to the data, through frozen parts, too, which takes more time. Default:
        as far as training sends them.

    Returns
    -------
    Flow
    """
    keras = package()
    if not isinstance(model, keras.Model) or not getattr(model, "_compile_loss", None):
        raise ValueError(
            "of_keras: model must be a keras.Model that is compiled with a loss, not "
            f"{arguments.shown(model)}"
        )
    to_inputs = arguments.flag("of_keras: to_inputs", to_inputs)
    calls = LayerCalls(model, keras)
    statistics = [v.value for v in model.non_trainable_variables]
    with as_it_was(model, "of_keras", statistics) as notes:
        x, y, sample_weight = keras.tree.map_structure(
            lambda one: None if one is None else keras.ops.convert_to_tensor(one),
            (x, y, sample_weight),
        )
        with calls.listening():
            predicted = model(x, training=training)
        found = losses_of(model, y, predicted, sample_weight)
        named = calls.parameters()
        graph = TorchGraph(calls, {one.name: one.value for one in found}, named, to_inputs)
        refuse_checkpoints(graph.nodes, "of_keras")
        measured = Pulls(graph).measured
    settings = {key: getattr(model.optimizer, key, None) for key in SETTINGS}
    return Flow(
        losses=[one.name for one in found],
        values={one.name: float(one.value.detach()) for one in found},
        weights={one.name: one.weight for one in found},
        **graph.described(measured),
        kinds={one.name: one.kind for one in found if one.kind},
        frozen={name for name, w in named.items() if not w.requires_grad},
        optimizer=type(model.optimizer).__name__,
        settings={key: value for key, value in settings.items() if value},
        name=model.name,
        step=int(model.optimizer.iterations) if step is None else step,
        training=training,
        notes=[*notes, *notes_on_graph(graph), *pairing_notes(model, found, predicted)],
    )


def package() -> Any:
    """The package keras, on PyTorch."""
    try:
        import keras
    except ImportError as error:
        raise ImportError("of_keras needs Keras 3 and PyTorch: pip install keras torch") from error
    if keras.backend.backend() != "torch":
        raise ValueError(
            f"of_keras watches PyTorch's autograd, but Keras runs on {keras.backend.backend()}: "
            f"set KERAS_BACKEND=torch in the environment before keras is imported (a model saved "
            f"on another backend can be loaded there)"
        )
    return keras


class LayerCalls(Calls):
    """Notes the calls of models, and of the layers that lie directly in models.

    Keras's layers are modules on this backend. What a layer calls within itself is part of it.
    """

    separator = "/"

    def __init__(self, model: Any, keras: Any):
        self.model, self.keras = model, keras
        paths = dict(self._paths(model, ""))
        super().__init__(paths, [layer for layer in paths if self._is_model(layer)])

    def _paths(self, model: Any, path: str) -> Iterator[tuple[Any, str]]:
        yield model, path
        for layer in model.layers:
            inner = f"{path}/{layer.name}" if path else layer.name
            if isinstance(layer, self.keras.Model):
                yield from self._paths(layer, inner)
            elif not isinstance(layer, self.keras.layers.InputLayer):
                yield layer, inner

    def parameters(self) -> dict[str, Any]:
        """All weights that are no statistics, by name."""
        found: dict[str, Any] = {}
        for layer, path in self.paths.items():
            for one in layer._flatten_layers() if not self._is_model(layer) else [layer]:
                for v in one._trainable_variables:
                    own = v.path.split(f"{layer.name}/", 1)[-1]
                    name = "/".join(filter(None, [path, own]))
                    if all(v.value is not w for w in found.values()):
                        found[name if name not in found else v.path] = v.value
        return found

    def _is_model(self, layer: Any) -> bool:
        return isinstance(layer, self.keras.Model)

    def feed(self, path: str, module: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
        return (self._named(args[0]), *args[1:]), kwargs

    def _named(self, x: Any) -> Any:
        """The data, with the names of the model's inputs."""
        flat = self.keras.tree.flatten(x)
        inputs = getattr(self.model, "inputs", None) or ()
        if len(inputs) != len(flat):
            return mapped(x, "input", self.enter)
        fed = [
            self.enter(one.name, self.keras.ops.cast(t, one.dtype))
            for one, t in zip(inputs, flat, strict=True)
        ]
        return self.keras.tree.pack_sequence_as(x, fed)


class KerasLoss(NamedTuple):
    """One of the losses that Keras adds up."""

    name: str
    value: Any
    weight: float
    kind: str = ""


def losses_of(model: Any, y: Any, predicted: Any, sample_weight: Any) -> list[KerasLoss]:
    """What Keras adds up, loss by loss, from the labels and outputs that it pairs."""
    given = model._compile_loss
    own = type(given)(  # what is compiled has counters, which stay as they are
        given._user_loss, given._user_loss_weights, output_names=given.output_names
    )
    own(y, predicted, sample_weight)  # now it knows its parts
    values: list[Any] = []

    def kept(loss: Any) -> Any:
        def call(*args: Any) -> Any:
            values.append(loss(*args))
            return values[-1]

        return call

    parts = own._flat_losses
    own._flat_losses = [part._replace(loss=kept(part.loss)) for part in parts]
    own(y, predicted, sample_weight)
    names = unique_names([part.name for part in parts], ":")
    found = [
        KerasLoss(
            name,
            value,
            1.0 if part.loss_weights is None else float(part.loss_weights),
            f"{part.loss.name} of output {part.name}",
        )
        for name, part, value in zip(names, parts, values, strict=True)
    ]
    if model.losses:
        found.append(KerasLoss("regularization", sum(one.sum() for one in model.losses), 1.0))
    return found


def pairing_notes(model: Any, found: Iterable[KerasLoss], predicted: Any) -> list[str]:
    """Where Keras pairs losses, weights and outputs by sorted names, which few expect."""
    losses, weights = model._compile_loss._user_loss, model._compile_loss._user_loss_weights
    parts = [one for one in found if one.kind]
    if len(parts) < 2:
        return []
    notes = []
    if isinstance(losses, list | tuple) and isinstance(predicted, Mapping):
        pairs = listing(one.kind for one in parts)
        notes.append(
            f"Keras pairs a list of losses with outputs sorted by name: {pairs}. Give a dict."
        )
    expected: Any = None
    if isinstance(weights, Mapping):
        expected = weights
    elif isinstance(weights, list | tuple) and isinstance(losses, Mapping):
        expected = dict(zip(losses, weights, strict=False))
    if expected is not None and any(expected.get(one.name) != one.weight for one in parts):
        pairs = listing(f"{one.name} with {one.weight:g}" for one in parts)
        notes.append(
            f"Keras multiplies {pairs}, although loss_weights is {weights}: unless losses and "
            f"weights are both dicts or both lists, it sorts the names. Give two dicts."
        )
    return notes
