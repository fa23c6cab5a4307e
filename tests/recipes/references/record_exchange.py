"""Reference values for weights in safetensors files (versions: common.py, and safetensors 0.8.0).

exchange_torch.safetensors     the state_dict of a PyTorch module, written by safetensors.torch
exchange_to_torch.safetensors  the same weights on their way back: our model has read and written
                               them, and the module has loaded them (strictly) and still computes
                               the same, although two biases that are added became one
exchange_keras.safetensors     the weights of a Keras model by their `path`
exchange.npz                   inputs/ ids, signal, picture; torch/ and keras/ reader, signals,
                               pictures: the outputs for them

The models are those of tests/exchange_models.py; this package must be installed.
"""

import sys
from pathlib import Path

import numpy as np
import safetensors.numpy
import safetensors.torch

from common import FOLDER, Book, as_array, draw, generator, keras, torch

sys.path.append(str(Path(__file__).resolve().parents[2] / "files"))
import tinygrad_mo as tg
from exchange_models import SHAPES, TORCH_NAMES, everything

torch.set_default_dtype(torch.float64)
nn, SAMPLES = torch.nn, 3
PARTS = ("reader", "signals", "pictures")


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(9, 4)
        self.both = nn.LSTM(4, 3, batch_first=True, bidirectional=True)
        self.gru = nn.GRU(6, 4, batch_first=True)
        self.norm = nn.LayerNorm(4, eps=1e-3)
        self.heads = nn.MultiheadAttention(4, 2, batch_first=True)
        self.rnn = nn.RNN(4, 4, batch_first=True)
        self.each = nn.ModuleDict({"inner": nn.Linear(4, 3)})
        self.lstm = nn.LSTM(3, 3, num_layers=2, batch_first=True)
        self.reader_head = nn.Linear(3, 2)

    def forward(self, ids):
        h, _ = self.gru(self.both(self.embedding(ids))[0])
        h = self.norm(h)
        h, _ = self.heads(h, h, h, need_weights=False)
        h = self.each["inner"](self.rnn(h)[0])
        return self.reader_head(self.lstm(h)[0][:, -1])


class Separable1D(nn.Module):
    def __init__(self):
        super().__init__()
        self.depthwise = nn.Conv1d(4, 8, 3, groups=4, bias=False)
        self.pointwise = nn.Conv1d(8, 4, 1)

    def forward(self, x):
        return self.pointwise(self.depthwise(x))


class Signals(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1d = nn.Conv1d(3, 4, 3, padding=1)
        self.signal_norm = nn.BatchNorm1d(4, eps=1e-3)
        self.separable1d = Separable1D()
        self.causal = nn.Conv1d(4, 6, 2, dilation=2, groups=2)
        self.signal_head = nn.Linear(6, 2)

    def forward(self, signal):
        h = self.signal_norm(self.conv1d(signal.transpose(1, 2)))
        h = self.causal(nn.functional.pad(self.separable1d(h), (2, 0)))
        return self.signal_head(h.mean(dim=2))


class Pictures(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4, eps=1e-3), nn.PReLU(4)
        )
        self.depthwise = nn.Conv2d(4, 8, 3, padding=1, groups=4)
        self.grouped = nn.Conv2d(8, 4, (3, 2), groups=2)
        self.mix = nn.Sequential(
            nn.Conv2d(4, 8, 3, padding=1, groups=4, bias=False), nn.Conv2d(8, 3, 1)
        )
        self.transpose = nn.ConvTranspose2d(3, 2, (3, 2), stride=(2, 1))
        self.picture_head = nn.Linear(126, 2)

    def forward(self, picture):
        h = self.grouped(self.depthwise(self.stem(picture.permute(0, 3, 1, 2))))
        return self.picture_head(self.transpose(self.mix(h)).flatten(1))


class Everything(nn.Module):
    def __init__(self):
        super().__init__()
        self.text = nn.ModuleDict({"encoder": Reader()})
        self.signals, self.pictures = Signals(), Pictures()

    def forward(self, ids, signal, picture):
        return self.text["encoder"](ids), self.signals(signal), self.pictures(picture)


def weight(name, shape):
    values = draw(generator(name), *shape, scale=0.5)
    return np.abs(values) + 0.5 if name.endswith(("running_var", "moving_variance")) else values


def by_part(results):
    return {part: as_array(y) for part, y in zip(PARTS, results, strict=True)}


def record_torch(book, inputs):
    module = Everything().eval()
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if value.dtype == torch.float64:
                value.copy_(torch.tensor(weight(name, value.shape)))
    safetensors.torch.save_file(module.state_dict(), FOLDER / "exchange_torch.safetensors")
    tensors = [torch.tensor(x) for x in inputs.values()]
    expected = by_part(module(*tensors))
    book.put("torch", **expected)

    there, back = (FOLDER / f"exchange_{name}.safetensors" for name in ("torch", "to_torch"))
    with tg.use(floatx="float64"):
        model = everything(tg)
        model.load_weights(there, names="torch", rename=TORCH_NAMES)
        model.save_weights(back, names="torch", rename=TORCH_NAMES)
    again = Everything().eval()
    again.load_state_dict(safetensors.torch.load_file(back), strict=True)
    for part, y in by_part(again(*tensors)).items():
        np.testing.assert_allclose(y, expected[part], rtol=1e-12, atol=1e-14)


def record_keras(book, inputs):
    model = everything(keras)
    for w in model.weights:
        w.assign(weight(w.path, w.shape))
    arrays = {w.path: as_array(w.value) for w in model.weights}
    safetensors.numpy.save_file(arrays, FOLDER / "exchange_keras.safetensors")
    book.put("keras", **by_part(model([torch.tensor(x) for x in inputs.values()])))


def main():
    rng = generator("exchange")
    inputs = {
        name: draw(rng, SAMPLES, *shape) if name != "ids" else rng.integers(0, 9, (SAMPLES, *shape))
        for name, shape in SHAPES.items()
    }
    book = Book("exchange.npz")
    book.put("inputs", **inputs)
    record_torch(book, inputs)
    record_keras(book, inputs)
    book.save()


if __name__ == "__main__":
    main()
