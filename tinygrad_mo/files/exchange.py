"""Weights to and from other frameworks: safetensors files with Keras's or PyTorch's names.

Keras lays its weights out as this package does. For PyTorch a table says, for each class of layers,
under which names and in which layout a module keeps the weights. `Model.save_weights` and
`Model.load_weights` come here for every path that ends with ".safetensors".
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import arguments
from ..engine.graph import Parameter
from ..layers import GRU, LSTM, Bidirectional, Layer, MultiHeadAttention, SimpleRNN
from ..layers.base import assign_all
from ..naming import did_you_mean, lookup
from ..network.network import Network
from ..whole_files import CheckpointError, replace_file, why_not_read
from .archive import shortened
from .layouts import SAME, TORCH, TORCH_NEEDS, Layout

__all__ = ["load_safetensors", "save_safetensors"]

SEPARATORS = {"keras": "/", "torch": "."}  # of the parts of a name
Rename = Mapping[str, str] | None


def is_safetensors(path: str | Path, names: str, rename: Rename) -> bool:
    """Is the file one for other frameworks? Only there names can be chosen."""
    arguments.by_name("rename", rename, text)
    found = arguments.path("path", path).suffix.lower() == ".safetensors"
    if not found and (names != "keras" or rename):
        raise ValueError(f"names and rename are for files that end with .safetensors, not {path}")
    return found


def text(what: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a name in the file, not {arguments.shown(value)}")
    return value


class Entry(NamedTuple):
    """Weights of a model, and the names of the arrays that stand for them in a file."""

    weights: list[Parameter]
    names: list[str]
    layout: Layout

    def there(self) -> dict[str, np.ndarray]:
        """The arrays of the file, by name."""
        made = self.layout.there(*(w.numpy() for w in self.weights))
        arrays = made if isinstance(made, tuple) else (made,)
        return {name: np.asarray(a, order="C") for name, a in zip(self.names, arrays, strict=True)}

    def back(self, found: Mapping[str, np.ndarray]) -> list[tuple[Parameter, np.ndarray]]:
        """The weights, and what they become by a file's arrays."""
        made = self.layout.back(self.weights[0].shape, *(found[name] for name in self.names))
        values = made if isinstance(made, tuple) else (made,)
        return [(w, np.array(v, order="C")) for w, v in zip(self.weights, values, strict=True)]


def torch_entries(layer: Layer, path: str, end: str = "") -> Iterator[Entry]:
    """The entries of a layer and the layers inside, called ``path.weight`` and so on."""
    own = {w.label: w for w in layer.own_weights}
    matches = [m for m in TORCH.get(type(layer), []) if m.ours.split()[0] in own]
    unmatched = own.keys() - {name for m in matches for name in m.ours.split()}
    if unmatched:
        raise ValueError(
            f"PyTorch has no counterpart of {type(layer).__name__} {path!r}: its weights "
            f"{', '.join(sorted(unmatched))} are not in the table tinygrad_mo.files.layouts.TORCH"
        )
    if own and type(layer) in TORCH_NEEDS:
        fits, need = TORCH_NEEDS[type(layer)]
        if not fits(layer):
            kind = type(layer).__name__
            raise ValueError(f"PyTorch has no counterpart of {kind} {path!r}: {need}")
    for ours, theirs, layout in matches:
        names = [f"{path}.{name}{end}" for name in theirs.split()]
        yield Entry([own[name] for name in ours.split()], names, layout)
    for name, inner in layer.named_sublayers().items():
        if isinstance(layer, Bidirectional):  # one module in PyTorch
            yield from torch_entries(inner, path, "_reverse" if inner is layer.backward else "")
        else:
            yield from torch_entries(inner, f"{path}.{name}")


def entries(model: Network, names: str, rename: Rename) -> list[Entry]:
    """Everything that a file of weights of `model` holds."""
    separator = lookup("names", names, SEPARATORS)
    if names == "keras":
        found = [Entry([w], [name], SAME) for name, w in model.named_weights().items()]
    else:
        found = [Entry([w], [w.label], SAME) for w in model.contents.bare]
        met = set(model.contents.bare)
        for name, layer in model.contents.layers.items():
            for entry in torch_entries(layer, name):
                if met.isdisjoint(entry.weights):  # a shared layer is written once
                    found.append(entry)
                    met.update(entry.weights)
        warn_about_flatten(model)
    new = renamed([name for entry in found for name in entry.names], rename or {}, separator)
    return [entry._replace(names=[new[name] for name in entry.names]) for entry in found]


def renamed(names: Iterable[str], rename: Mapping[str, str], separator: str) -> dict[str, str]:
    """The names, with the longest start that `rename` knows replaced.

    >>> renamed(["base.conv1.weight", "top.weight"], {"base/conv1": "features.0"}, ".")
    {'base.conv1.weight': 'features.0.weight', 'top.weight': 'top.weight'}
    """

    def parts(name: str) -> tuple[str, ...]:
        return tuple(part for part in name.split(separator) if part)

    table = {parts(key.replace("/", separator)): parts(new) for key, new in rename.items()}
    result: dict[str, str] = {}
    unused = set(table)
    for name in names:
        whole = parts(name)
        starts = [whole[:n] for n in range(len(whole) + 1) if whole[:n] in table]
        unused -= set(starts)
        longest = starts[-1] if starts else ()
        new = separator.join(table.get(longest, ()) + whole[len(longest) :])
        if new in result.values():
            raise ValueError(f"rename gives two entries the name {new!r}, one of them is {name!r}")
        result[name] = new
    if unused:
        wrong = separator.join(min(unused))
        layers = dict.fromkeys(name.rpartition(separator)[0] for name in result)
        raise ValueError(f"rename: there is no {wrong!r}; {did_you_mean(wrong, layers)}")
    return result


def warn_about_flatten(model: Network) -> None:
    """Tell where the order of the channels changes the order of a flat sample."""
    has_convolution = any("convolution" in step.op.name for step in model.steps)
    for step in model.steps:
        x = step.inputs[0] if step.op.name == "flatten" else None
        if x is None or (x.step is not None and x.step.op.name == "transpose"):
            continue
        *places, channels = x.shape[1:]
        has_channels = len(places) > 1 or (places and has_convolution)
        if has_channels and channels != 1 and any(n != 1 for n in places):
            warnings.warn(
                f"{step.call.path if step.call else 'flatten'!r} makes {x} flat with the channels "
                f"last, a PyTorch module does it with the channels first, so the weights behind "
                f"do not fit; put a Permute layer in front that brings the channels first",
                stacklevel=5,
            )
            return


def save_safetensors(
    path: str | Path, model: Network, names: str = "keras", rename: Rename = None
) -> None:
    """Write all weights of a model to a safetensors file; `Model.save_weights` calls it.

    Parameters
    ----------
    path : str or Path
    model : Model
    names : str
        "keras": as in ``model.named_weights()`` ("lstm/kernel"), in Keras's layout.
        "torch": as in a module's `state_dict` ("lstm.weight_ih_l0"), in PyTorch's layout.
    rename : dict, optional
        What a layer, or a nested model, is called in the file, by its path here; also whole names
        of entries, as they would be without it.

    Raises
    ------
    ValueError
        Naming a layer that has no counterpart in PyTorch.
    ImportError
        If the package safetensors is missing.

    Notes
    -----
    The file holds weights only. In PyTorch, make the modules so that they compute the same:

    - ``eps`` of its normalisations is 1e-5 by default; give it our `epsilon`, by default 1e-3.
      ``momentum`` of its batch normalisation is the weight of the new, ours is that of the old:
      ``momentum=0.01`` there is 0.99 here. While training it keeps the unbiased variance, we keep
      the biased one.
    - Its convolutions take the channels first, so what stands behind a `Flatten` of pictures fits
      only if a `Permute` in front brings the channels first here, too (else you are warned).
      Padding "same" with strides adds more zeros at the end than at the start: there by hand.
    - Recurrent modules and attention need ``batch_first=True``. They read forwards: for
      ``go_backwards=True`` turn the sequence round. Both directions are always concatenated.
    - Its LSTM and RNN have two biases that are added: ours becomes the first, the second is zero.
    - A separable convolution is a module with the convolutions ``depthwise`` and ``pointwise``.
    - Layers of an ``LSTM(..., num_layers=2)`` are layers of their own here. `rename` entries:
      ``{"second.weight_ih_l0": "lstm.weight_ih_l1", ...}``.

    Examples
    --------
    >>> import tempfile
    >>> import tinygrad_mo as tg
    >>> from safetensors.numpy import load_file
    >>> x = tg.Input((5, 3))
    >>> model = tg.Model(x, tg.layers.LSTM(2, name="lstm")(x))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = folder + "/weights.safetensors"
    ...     model.save_weights(path, names="torch", rename={"lstm": "encoder.rnn"})
    ...     for name, array in sorted(load_file(path).items()):
    ...         print(name, array.shape)
    encoder.rnn.bias_hh_l0 (8,)
    encoder.rnn.bias_ih_l0 (8,)
    encoder.rnn.weight_hh_l0 (8, 2)
    encoder.rnn.weight_ih_l0 (8, 3)
    """
    arrays: dict[str, np.ndarray] = {}
    for entry in entries(model, names, rename):
        arrays |= entry.there()
    replace_file(path, package().numpy.save(arrays))


def load_safetensors(
    path: str | Path, model: Network, names: str = "keras", rename: Rename = None
) -> None:
    """Take all weights of a model from a safetensors file; `Model.load_weights` calls it.

    Parameters
    ----------
    path : str or Path
    model : Model
    names, rename
        As of `save_safetensors`, which also says what a file does not hold.

    Raises
    ------
    CheckpointError
        Naming the entries that are missing, superfluous or of another shape. The model is then as
        it was.

    Examples
    --------
    What PyTorch wrote with ``safetensors.torch.save_file(module.state_dict(), path)``, for a module
    whose only part is ``self.fc = torch.nn.Linear(3, 2)``:

    >>> import tempfile
    >>> import numpy as np
    >>> import tinygrad_mo as tg
    >>> from safetensors.numpy import save_file
    >>> state_dict = {"fc.weight": np.arange(6.0).reshape(2, 3), "fc.bias": np.zeros(2)}
    >>> x = tg.Input((3,))
    >>> model = tg.Model(x, tg.layers.Dense(2, name="dense")(x))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = folder + "/weights.safetensors"
    ...     save_file(state_dict, path)
    ...     model.load_weights(path, names="torch", rename={"dense": "fc"})
    >>> model.get_weights()[0]
    array([[0., 3.],
           [1., 4.],
           [2., 5.]], dtype=float32)
    """
    wanted = entries(model, names, rename)
    found = {
        name: array
        for name, array in arrays_of(path).items()
        if not (names == "torch" and name.endswith(".num_batches_tracked"))  # of BatchNorm
    }
    problems = misfits(wanted, found, OTHER_NAMES[names])
    if problems:
        raise CheckpointError(f"{path} does not fit model {model.name!r}: {'; '.join(problems)}")
    assign_all(pair for entry in wanted for pair in entry.back(found))


def arrays_of(path: str | Path) -> dict[str, np.ndarray]:
    """Everything in a safetensors file."""
    safetensors = package()
    if reason := why_not_read(Path(path)):
        raise CheckpointError(reason)
    try:
        found: dict[str, np.ndarray] = safetensors.numpy.load_file(path)
        if foreign := {str(x.dtype) for x in found.values() if x.dtype.isbuiltin != 1}:
            raise TypeError(*foreign)  # as without the package that has taught them to NumPy
        return found
    except safetensors.SafetensorError as error:
        raise CheckpointError(f"{path} is not a whole safetensors file ({error})") from error
    except (TypeError, KeyError) as error:
        raise CheckpointError(
            f"{path} holds numbers that NumPy does not know ({error}): write them as float32"
        ) from error


OTHER_NAMES = {
    "keras": "say what has another name in the file: rename={'ours': 'theirs'}, or, if the names "
    "are Keras's own, rename=tinygrad_mo.files.exchange.keras_paths(model)",
    "torch": "say what has another name in the file: rename={'ours': 'theirs'}",
}


def misfits(
    wanted: Iterable[Entry], found: Mapping[str, np.ndarray], other_names: str
) -> list[str]:
    """What keeps `found` arrays from being those of all entries, of the right shapes."""
    shapes = {name: a.shape for entry in wanted for name, a in entry.there().items()}
    others = [name for name in found if name not in shapes]
    missing, wrong = [], []
    for name, shape in shapes.items():
        if name not in found:
            alike = [other for other in others if found[other].shape == shape]
            hints = [f" (did you mean {n}?)" for n in difflib.get_close_matches(name, alike, n=1)]
            missing.append(f"{name} is missing{''.join(hints)}")
        elif found[name].shape != shape:
            wrong.append(f"{name} has shape {found[name].shape} instead of {shape}")
    unknown = [f"{name} is not in the model" for name in others]
    texts = [shortened(problems) for problems in (missing, unknown, wrong) if problems]
    return [*texts, other_names] if missing and unknown else texts


def package() -> Any:
    """The package safetensors."""
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "files that end with .safetensors need the package safetensors: "
            "pip install 'tinygrad-mo[exchange]'"
        ) from error
    return safetensors


CELLS = {LSTM: "lstm_cell/", GRU: "gru_cell/", SimpleRNN: "simple_rnn_cell/"}


def keras_paths(model: Network) -> dict[str, str]:
    """What Keras calls each weight (its ``weight.path``), by our name: a `rename` for files.

    It differs for recurrent layers, attention, and layers of nested models.

    Parameters
    ----------
    model : Model

    Notes
    -----
    Keras, for a model of the same layers with the same names, reads such a file with

        for weight in keras_model.weights:
            weight.assign(arrays[weight.path])

    and writes one as ``{weight.path: weight.numpy() for weight in keras_model.weights}``, with
    `load_file` and `save_file` of `safetensors.numpy`. A `Sequential` puts its own name in front of
    the paths of its layers: change the dict accordingly.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> x = tg.Input((5, 3))
    >>> model = tg.Model(x, tg.layers.LSTM(2, name="lstm")(x))
    >>> tg.exchange.keras_paths(model)["lstm/kernel"]
    'lstm/lstm_cell/kernel'

    ``model.save_weights("weights.safetensors", rename=tg.exchange.keras_paths(model))`` writes
    these names.
    """

    top = model.contents.layers.items()
    pairs = (pair for name, layer in top for pair in keras_names(layer, name, name))
    return {ours: theirs for _, ours, theirs in pairs}


def keras_names(layer: Layer, ours: str, theirs: str) -> Iterator[tuple[Parameter, str, str]]:
    """The weights of a layer, and what each is called here and in Keras."""
    for w in layer.own_weights:
        name = w.label
        if isinstance(layer, MultiHeadAttention):  # query_kernel: query/kernel
            yield w, f"{ours}/{name}", f"{theirs}/{'/'.join(name.rsplit('_', 1))}"
        else:
            yield w, f"{ours}/{name}", f"{theirs}/{CELLS.get(type(layer), '')}{name}"
    for inner_name, inner in layer.named_sublayers().items():
        path = inner_name if layer.is_model else f"{theirs}/{inner_name}"
        yield from keras_names(inner, f"{ours}/{inner_name}", path)
