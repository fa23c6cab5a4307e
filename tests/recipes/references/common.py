"""What all recipes in this folder share: a book of arrays, and one way to record a layer.

The recipes run Keras 3.15.1 on the CPU backend of torch 2.13.0, in float64 throughout, and write
down what comes out; the tests load the small .npz files with NumPy alone. (A recipe imports keras
from this module, which chooses the backend first.) To make the files again:

    pip install torch==2.13.0
    pip install keras==3.15.1 scikit-learn==1.9.1 safetensors==0.8.0
    cd tests/recipes/references
    for recipe in record_*.py; do python $recipe; done

Keys are `case/name`. A layer case holds its inputs, its weights, `upstream` (the random numbers
that make the scalar L = sum(output * upstream)), `output`, and `grad_<name>` = dL/d<name> for
every float input and weight. Where a layer has several outputs, each has its `upstream_<output>`.
The key `configs` is one JSON text: for every case the Keras class and the arguments it was built
with.

Inputs, weights and upstreams are random multiples of a power of two: exact in float32 as well, and
small once compressed.
"""

import io
import json
import os
import zipfile
import zlib
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import torch
from keras.src.backend.common import dtypes
from torch.utils._python_dispatch import TorchDispatchMode

# On the torch backend Keras turns float64 into float32 wherever it works out a dtype. Not here:
dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
keras.config.set_floatx("float64")
keras.config.set_image_data_format("channels_last")
torch.set_num_threads(1)

FOLDER = Path(__file__).resolve().parents[2] / "references"


class Float64Only(TorchDispatchMode):
    """Stops a recipe as soon as any torch operation returns float32 numbers (while `strict`)."""

    strict = True

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for part in result if isinstance(result, (list, tuple)) else [result]:
            if self.strict and isinstance(part, torch.Tensor) and part.dtype == torch.float32:
                raise TypeError(f"{func} returned float32")
        return result


Float64Only().__enter__()


def generator(case):
    """A random generator that depends on the case name only: adding a case changes no other."""
    return np.random.default_rng(zlib.crc32(case.encode()))


def draw(rng, *shape, scale=1.0):
    """Normal random numbers, rounded to multiples of 1/64."""
    return np.round(rng.normal(size=shape) * scale * 64) / 64


def distinct(rng, *shape):
    """Distinct odd multiples of 1/128 around zero: no ties for a maximum, no kink at zero."""
    size = int(np.prod(shape))
    return ((rng.permutation(size) - size // 2 + 0.5) / 64).reshape(shape)


class Book:
    """Collects arrays under `case/name` and saves them as one compressed file."""

    def __init__(self, filename):
        self.filename, self.arrays, self.configs = filename, {}, {}

    def put(self, case, **arrays):
        for name, array in arrays.items():
            key = f"{case}/{name}"
            if key in self.arrays:
                raise KeyError(f"{key} is recorded twice")
            array = np.asarray(array)
            if array.dtype == np.float32 or array.dtype == object:
                raise TypeError(f"{key} has dtype {array.dtype}")
            self.arrays[key] = array

    def save(self):
        self.arrays["configs"] = np.array(json.dumps(self.configs, separators=(",", ":")))
        FOLDER.mkdir(exist_ok=True)
        # what np.savez_compressed does, in fewer bytes per array (most arrays are tiny)
        with zipfile.ZipFile(
            FOLDER / self.filename, "w", zipfile.ZIP_DEFLATED, compresslevel=9
        ) as archive:
            for key, array in self.arrays.items():
                content = io.BytesIO()
                np.save(content, array, allow_pickle=False)
                archive.writestr(zipfile.ZipInfo(key), content.getvalue(), zipfile.ZIP_DEFLATED, 9)
        size = (FOLDER / self.filename).stat().st_size
        counts = f"{len(self.configs)} cases, {len(self.arrays)} arrays"
        print(f"{self.filename}: {counts}, {size / 1000:.1f} kB")


def build(config):
    """A Keras layer from {"class": name, **arguments}; an argument `layer` is a config as well."""
    arguments = {key: value for key, value in config.items() if key != "class"}
    if "layer" in arguments:
        arguments["layer"] = build(arguments["layer"])
    return getattr(keras.layers, config["class"])(**arguments)


def weight_names(layer):
    """`kernel`, `bias` ...; where two weights share a name, that of the inner layer comes first."""
    names = [weight.name for weight in layer.weights]
    if len(set(names)) < len(names):
        names = [f"{weight.path.split('/')[1]}_{weight.name}" for weight in layer.weights]
    if len(set(names)) < len(names):
        raise ValueError(f"weights with the same name: {names}")
    return names


def as_tensor(array):
    return torch.tensor(array, requires_grad=np.asarray(array).dtype == np.float64)


def as_array(tensor):
    return tensor.detach().numpy().copy()


def layer_case(
    book, case, config, inputs, call=None, outputs=("output",), draw_weight=None, **extra
):
    """Record one layer: random weights, forward, and the pullback of a random upstream.

    inputs: {name: array}; float arrays get a gradient. `call(layer, tensors)` is only needed when
    the layer is not simply called on the first input. `outputs` names the results; with several of
    them each has its own `upstream_<name>`. `draw_weight(rng, name, shape)` replaces the normal
    weights of scale 0.5. `extra` arrays are written down as they are.
    """
    keras.utils.set_random_seed(1)
    rng = generator(case)
    layer = build(config)
    tensors = {name: as_tensor(array) for name, array in inputs.items()}
    call = call or (lambda layer, tensors: layer(next(iter(tensors.values()))))

    call(layer, tensors)  # builds the layer
    weights = dict(zip(weight_names(layer), layer.weights, strict=True))
    for name, weight in weights.items():
        shape = tuple(weight.shape)
        weight.assign(
            draw_weight(rng, name, shape) if draw_weight else draw(rng, *shape, scale=0.5)
        )
    start = {name: as_array(weight.value) for name, weight in weights.items()}

    results = call(layer, tensors)
    results = list(results) if isinstance(results, (list, tuple)) else [results]
    if len(results) != len(outputs):
        raise ValueError(f"{case}: {len(results)} outputs, expected {outputs}")
    upstreams = [draw(rng, *result.shape) for result in results]
    loss = sum(
        (result * torch.tensor(up)).sum() for result, up in zip(results, upstreams, strict=True)
    )

    targets = {name: tensor for name, tensor in tensors.items() if tensor.requires_grad}
    targets |= {name: weight.value for name, weight in weights.items() if weight.trainable}
    gradients = torch.autograd.grad(loss, list(targets.values()))

    book.configs[case] = config
    book.put(case, **inputs, **start, **extra)
    for name, result, up in zip(outputs, results, upstreams, strict=True):
        upstream_name = "upstream" if len(outputs) == 1 else f"upstream_{name}"
        book.put(case, **{name: as_array(result), upstream_name: up})
    for name, gradient in zip(targets, gradients, strict=True):
        book.put(case, **{f"grad_{name}": as_array(gradient)})
    return layer
