"""Small networks as PyTorch and Keras export them, with what they predict.

    pip install torch==2.13.0 onnx==1.23.2 onnxscript
    pip install keras==3.15.1
    cd tests/recipes/references
    python record_onnx.py

PyTorch has two exporters: one traces a program (dynamo), the older one writes its script. Keras
writes what PyTorch's older exporter makes of its layers. What the files say of the programs that
they came from is left out, as it is longer than the networks.
"""

import os
import warnings
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional

FOLDER = Path(__file__).resolve().parents[2] / "references"
warnings.simplefilter("ignore")
torch.manual_seed(0)
keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)


class Pictures(nn.Module):
    """What networks for pictures have, with two heads."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, 1),
        )
        self.deep, self.slope = nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.PReLU(4)
        self.up, self.norm = nn.ConvTranspose2d(4, 3, 2, stride=2), nn.GroupNorm(3, 3)
        self.drop, self.a, self.b = nn.Dropout(0.3), nn.Linear(3 * 4 * 4, 2), nn.Linear(4, 3)

    def forward(self, x):
        h = self.stem(x)
        h = h + self.slope(self.deep(h))
        y = self.norm(self.up(h)).flatten(1)
        mean = functional.adaptive_avg_pool2d(h, 1).flatten(1)
        return self.a(self.drop(y)), torch.softmax(self.b(mean), -1)


class Reader(nn.Module):
    """Each recurrent module, one behind the other."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(9, 4)
        self.lstm = nn.LSTM(4, 3, batch_first=True, bidirectional=True)
        self.gru, self.rnn = nn.GRU(6, 3, batch_first=True), nn.RNN(3, 3, batch_first=True)
        self.head = nn.Linear(3, 2)

    def forward(self, ids):
        h, _ = self.lstm(self.table(ids))
        h, last = self.rnn(self.gru(h)[0])
        return self.head(last[0] + h[:, -1])


class Tied(nn.Module):
    """A transformer whose table of words is its last matrix, too."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(9, 4)
        self.mix = nn.TransformerEncoderLayer(
            4, 2, 8, dropout=0.0, activation="gelu", batch_first=True
        )

    def forward(self, ids):
        return self.mix(self.table(ids)) @ self.table.weight.T


def disturbed(model):
    """No two weights are equal: an exporter writes equal ones once, as if they were shared."""
    with torch.no_grad():
        for w in [*model.parameters(), *model.buffers()]:
            if w.is_floating_point():
                w += 0.1 * torch.rand(w.shape)
    return model.eval()


def keras_pictures():
    layers = keras.layers
    x = keras.Input((12, 12, 3), name="picture")
    h = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="conv")(x)
    h = layers.SeparableConv2D(4, 3, padding="same", name="sep")(layers.BatchNormalization()(h))
    h = layers.Conv2DTranspose(3, 2, strides=2, name="up")(layers.MaxPooling2D(2)(h))
    a = layers.Dense(2, name="a")(layers.Dropout(0.2)(layers.Flatten()(h)))
    pooled = layers.GlobalAveragePooling2D()(h)
    return keras.Model(x, [a, layers.Dense(3, activation="softmax", name="b")(pooled)])


def keras_reader():
    layers = keras.layers
    ids = keras.Input((3,), dtype="int32", name="ids")
    h = layers.Embedding(9, 4, name="table")(ids)
    h = layers.GRU(3, name="gru")(layers.Bidirectional(layers.LSTM(2, return_sequences=True))(h))
    return keras.Model(ids, layers.Dense(1, name="out")(h))


def slim(path):
    """Leave out what a file says of the program that it came from."""
    model = onnx.load(path)
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for one in [*model.graph.value_info, *model.graph.input, *model.graph.output]:
        del one.metadata_props[:]
    for one in model.graph.initializer:
        del one.metadata_props[:]
    del model.graph.value_info[:], model.graph.metadata_props[:], model.metadata_props[:]
    onnx.save(model, path)
    print(f"{path.name}: {path.stat().st_size / 1000:.1f} kB")


def main():
    ids = rng.integers(0, 9, (4, 5))
    pictures = rng.normal(size=(4, 3, 8, 8)).astype("float32")
    torches = {"pictures": (Pictures(), pictures), "reader": (Reader(), ids), "tied": (Tied(), ids)}
    book = {}
    for name, (model, x) in torches.items():
        disturbed(model)
        given = (torch.tensor(x),)
        new, old = (FOLDER / f"onnx_torch_{name}_{how}.onnx" for how in ("dynamo", "script"))
        batch = ({0: torch.export.Dim("batch")},)
        torch.onnx.export(
            model, given, new, dynamo=True, dynamic_shapes=batch, external_data=False, verbose=False
        )
        axes = {"x": {0: "batch"}}
        torch.onnx.export(model, given, old, dynamo=False, input_names=["x"], dynamic_axes=axes)
        y = model(*given)
        record(book, f"torch_{name}", x, y if isinstance(y, tuple) else (y,))
        slim(new)
        slim(old)
    fixed = FOLDER / "onnx_torch_pictures_fixed.onnx"
    model, x = torches["pictures"]
    torch.onnx.export(model, (torch.tensor(x[:1]),), fixed, dynamo=False, input_names=["x"])
    slim(fixed)
    channels_last = pictures_last()
    for name, model, x in [
        ("pictures", keras_pictures(), channels_last),
        ("reader", keras_reader(), ids[:, :3].astype("int32")),
    ]:
        for w in model.weights:
            if "seed" not in w.path:
                w.assign(w + 0.1 * rng.random(w.shape))
        y = model.predict(x, verbose=0)
        record(book, f"keras_{name}", x, y if isinstance(y, list) else [y])
        path = FOLDER / f"onnx_keras_{name}.onnx"
        model.export(path, format="onnx", verbose=False)
        slim(path)
    np.savez_compressed(FOLDER / "onnx.npz", **book)


def pictures_last():
    return rng.normal(size=(4, 12, 12, 3)).astype("float32")


def record(book, name, x, outputs):
    """Data and predictions, one array for each output."""
    book[f"{name}/x"] = x
    for i, y in enumerate(outputs):
        book[f"{name}/{i}"] = y.detach().numpy() if hasattr(y, "detach") else y


if __name__ == "__main__":
    main()
