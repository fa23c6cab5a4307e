"""Networks of ours written in PyTorch, card by card: a module for each layer, with its name."""

import warnings

import torch
import torch.nn.functional as F
from torch import nn

from tinygrad_mo.files.exchange import entries
from tinygrad_mo.systems.googlenet import MODULES


class Dense(nn.Linear):
    def __init__(self, inside, outside, activation=None):
        super().__init__(inside, outside)
        self.activation = activation or (lambda x: x)

    def forward(self, x):
        return self.activation(super().forward(x))


class LSTM(nn.LSTM):
    def __init__(self, inside, outside):
        super().__init__(inside, outside, batch_first=True)

    def forward(self, x):
        return super().forward(x)[0][:, -1]


class Conv1D(nn.Conv1d):
    def forward(self, x):
        return F.relu(super().forward(x.transpose(1, 2))).transpose(1, 2)


def padded(x, size, stride, value=0.0):
    """As padding "same" does it: what is left over stands at the end."""
    pads = []
    for n in x.shape[:1:-1]:
        more = max((-(-n // stride) - 1) * stride + size - n, 0)
        pads += [more // 2, more - more // 2]
    return F.pad(x, pads, value=value)


class Conv2D(nn.Conv2d):
    def forward(self, x):
        x = padded(x, self.kernel_size[0], self.stride[0])
        return F.relu(super().forward(x))


class FirstConv2D(Conv2D):
    """Of pictures with the channels last, as ours are."""

    def forward(self, x):
        return super().forward(x.permute(0, 3, 1, 2))


class Does(nn.Module):
    """A card for a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *x):
        return self.function(*x)


def concatenate(axis=1):
    return Does(lambda *x: torch.cat(x, axis))


def max_pool(size, stride):
    return Does(lambda x: F.max_pool2d(padded(x, size, stride, -torch.inf), size, stride))


def log_loss(p, y):
    return F.binary_cross_entropy(p.flatten(), y.flatten())


def class_loss(p, y):
    return -(y * torch.log(p / p.sum(-1, keepdim=True))).sum(-1).mean()


class Headlines(nn.Module):
    def __init__(self, vocabulary, width, units):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.lstm = LSTM(width, units)
        self.aux_output = Dense(units, 1, torch.sigmoid)
        self.concatenate = concatenate()
        self.dense_1 = Dense(units + 5, 64, torch.relu)
        self.dense_2 = Dense(64, 64, torch.relu)
        self.dense_3 = Dense(64, 64, torch.relu)
        self.main_output = Dense(64, 1, torch.sigmoid)

    def forward(self, main_input, aux_input):
        reading = self.lstm(self.embedding(main_input))
        x = self.concatenate(reading, aux_input)
        main = self.main_output(self.dense_3(self.dense_2(self.dense_1(x))))
        return {"main_output": main, "aux_output": self.aux_output(reading)}


class Siamese(nn.Module):
    def __init__(self, width, units):
        super().__init__()
        self.lstm = LSTM(width, units)
        self.concatenate = concatenate()
        self.score = Dense(2 * units, 1, torch.sigmoid)

    def forward(self, left, right):
        return {"score": self.score(self.concatenate(self.lstm(left), self.lstm(right)))}


class Demographics(nn.Module):
    def __init__(self, vocabulary, width, filters, units):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.conv_1_1 = Conv1D(width, filters, 3)
        self.pool_1 = Does(lambda x: F.max_pool1d(x.transpose(1, 2), 5).transpose(1, 2))
        self.conv_2_1 = Conv1D(filters, filters, 3)
        self.conv_2_2 = Conv1D(filters, filters, 3)
        self.global_pool = Does(lambda x: x.amax(dim=1))  # ties share, as ours do
        self.shared = Dense(filters, units, torch.relu)
        self.age = Dense(units, 1)
        self.income = Dense(units, 10, lambda x: x.softmax(-1))
        self.gender = Dense(units, 1, torch.sigmoid)

    def forward(self, posts):
        x = self.conv_1_1(self.embedding(posts))
        x = self.conv_2_2(self.conv_2_1(self.pool_1(x)))
        x = self.shared(self.global_pool(x))
        return {"age": self.age(x), "income": self.income(x), "gender": self.gender(x)}


class GoogLeNet(nn.Module):
    """In eval mode: its dropouts are cards that do nothing."""

    def __init__(self, classes, shrink):
        super().__init__()
        self.shrink = shrink
        self.add("conv_1", FirstConv2D(3, 64 // shrink, 7, stride=2))
        self.add("pool_1", max_pool(3, 2))
        self.conv(64, 64, 1, "conv_2_reduce")
        self.conv(64, 192, 3, "conv_2")
        self.add("pool_2", max_pool(3, 2))
        width, self.heads = 192, []
        for name, (ones, threes_in, threes, fives_in, fives, pooled) in MODULES.items():
            self.conv(width, ones, 1, f"{name}_1x1")
            self.conv(width, threes_in, 1, f"{name}_3x3_reduce")
            self.conv(threes_in, threes, 3, f"{name}_3x3")
            self.conv(width, fives_in, 1, f"{name}_5x5_reduce")
            self.conv(fives_in, fives, 5, f"{name}_5x5")
            self.add(f"{name}_pool", max_pool(3, 1))
            self.conv(width, pooled, 1, f"{name}_pool_proj")
            self.add(name, concatenate())
            width = ones + threes + fives + pooled
            if name in ("3b", "4e"):
                self.add(f"pool_{name[0]}", max_pool(3, 2))
            if name in ("4a", "4d"):
                head = f"aux_{1 + (name == '4d')}"
                self.add(f"{head}_pool", Does(lambda x: F.avg_pool2d(x, 5, 3)))
                self.conv(width, 128, 1, f"{head}_conv")
                self.add(f"{head}_flatten", Does(lambda x: x.permute(0, 2, 3, 1).flatten(1)))
                self.add(f"{head}_dense", Dense(128 // shrink, 1024 // shrink, torch.relu))
                self.add(f"{head}_dropout", Does(lambda x: x * 1.0))
                self.add(head, Dense(1024 // shrink, classes))
        self.add("mean", Does(lambda x: x.mean((2, 3))))
        self.add("dropout", Does(lambda x: x * 1.0))
        self.add("main", Dense(width // shrink, classes))

    def add(self, name, module):
        self.add_module(name, module)

    def conv(self, inside, outside, size, name):
        self.add(name, Conv2D(inside // self.shrink, outside // self.shrink, size))

    def run(self, x, *names):
        for name in names:
            x = self.get_submodule(name)(x)
        return x

    def forward(self, picture):
        x = self.run(picture, "conv_1", "pool_1", "conv_2_reduce", "conv_2", "pool_2")
        found = {}
        for name in MODULES:
            branches = [
                self.run(x, f"{name}_1x1"),
                self.run(x, f"{name}_3x3_reduce", f"{name}_3x3"),
                self.run(x, f"{name}_5x5_reduce", f"{name}_5x5"),
                self.run(x, f"{name}_pool", f"{name}_pool_proj"),
            ]
            x = self.get_submodule(name)(*branches)
            if name in ("3b", "4e"):
                x = self.run(x, f"pool_{name[0]}")
            if name in ("4a", "4d"):
                head = f"aux_{len(found) + 1}"
                parts = ("pool", "conv", "flatten", "dense", "dropout")
                found[head] = self.run(x, *(f"{head}_{part}" for part in parts), head)
        return {"main": self.run(x, "mean", "dropout", "main"), **found}


def their_names(model):
    """Our weights, and the entries of a module that stand for each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a Flatten has the channels last: so has the twin's
        return entries(model, "torch", None)


def take_weights(module, model):
    arrays = {}
    for entry in their_names(model):
        arrays |= {name: torch.tensor(array) for name, array in entry.there().items()}
    module.load_state_dict(arrays)
