"""The workloads as a user of PyTorch writes them, to compare with: `w1` to `w9`.

The first losses are ours, too, but for three customs of PyTorch: images are padded on both sides
before strides of 2 (w3: 2.645 instead of 2.652), the epsilon of RMSprop stands outside the root,
and an LSTM has two biases that are added. With ours, the losses agree to five digits.

Environment variables choose PyTorch's other ways: CHANNELS_LAST=1 that layout of images in memory,
FUSED=1 the fused (RMSprop: foreach) optimizers.
"""

import os
from itertools import cycle, pairwise

import numpy as np
import torch
import torch.nn.functional as F
import workloads
from torch import nn

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
LAYOUT = torch.contiguous_format
if os.environ.get("CHANNELS_LAST") == "1":
    LAYOUT = torch.channels_last
FUSED = os.environ.get("FUSED") == "1"


def with_weights(layer, weights, name):
    """A layer that starts from the weights of that name, turned into PyTorch's order of axes."""
    own = {
        path.split("/")[1]: torch.from_numpy(w)
        for path, w in weights.items()
        if path.split("/")[0] == name
    }
    with torch.no_grad():
        if isinstance(layer, nn.Embedding):
            layer.weight.copy_(own["embeddings"])
        elif isinstance(layer, nn.LSTM):
            layer.weight_ih_l0.copy_(own["kernel"].T)
            layer.weight_hh_l0.copy_(own["recurrent_kernel"].T)
            layer.bias_ih_l0.copy_(own["bias"])
            layer.bias_hh_l0.zero_()
        else:
            kernel = own["kernel"]
            axes = (*range(kernel.ndim)[::-1][:2], *range(kernel.ndim - 2))
            layer.weight.copy_(kernel.permute(axes))
            layer.bias.copy_(own["bias"])
    return layer


class Network(nn.Module):
    """The common part: layers by the names of their weights."""

    def __init__(self, workload, **made):
        super().__init__()
        weights = workloads.initial_weights(workload)
        if workload == "w4":  # flattened, the channels come first here
            kernel = weights["fc/kernel"].reshape(32, 32, 16, 128)
            weights["fc/kernel"] = kernel.transpose(2, 0, 1, 3).reshape(-1, 128)
        for name, layer in made.items():
            setattr(self, name, with_weights(layer, weights, name))


class Headlines(Network):
    def __init__(self):
        super().__init__(
            "w1",
            emb=nn.Embedding(10_000, 512),
            lstm=nn.LSTM(512, 32, batch_first=True),
            aux=nn.Linear(32, 1),
            d1=nn.Linear(37, 64),
            d2=nn.Linear(64, 64),
            d3=nn.Linear(64, 64),
            main=nn.Linear(64, 1),
        )

    def trunk(self, ids):
        return self.lstm(self.emb(ids))[0][:, -1]

    def heads(self, h, numbers):
        z = torch.relu(self.d1(torch.cat([h, numbers], 1)))
        z = torch.relu(self.d3(torch.relu(self.d2(z))))
        return torch.sigmoid(self.main(z)), torch.sigmoid(self.aux(h))

    def forward(self, ids, numbers):
        return self.heads(self.trunk(ids), numbers)

    def shared(self):
        return [*self.emb.parameters(), *self.lstm.parameters()]


class Siamese(Network):
    def __init__(self):
        super().__init__("w2", lstm=nn.LSTM(128, 32, batch_first=True), out=nn.Linear(64, 1))

    def forward(self, left, right):
        both = [self.lstm(x)[0][:, -1] for x in (left, right)]
        return (torch.sigmoid(self.out(torch.cat(both, 1))),)


class Inception(Network):
    def __init__(self):
        super().__init__(
            "w3",
            a=nn.Conv2d(64, 128, 1, stride=2),
            b1=nn.Conv2d(64, 128, 1),
            b2=nn.Conv2d(128, 128, 3, stride=2, padding=1),
            c=nn.Conv2d(64, 128, 3, padding=1),
            d1=nn.Conv2d(64, 128, 1),
            d2=nn.Conv2d(128, 128, 3, padding=1),
            d3=nn.Conv2d(128, 128, 3, stride=2, padding=1),
            out=nn.Linear(512, 10),
        )

    def forward(self, x):
        relu = torch.relu
        a, b = relu(self.a(x)), relu(self.b2(relu(self.b1(x))))
        c = relu(self.c(F.avg_pool2d(x, 3, 2, 1)))
        d = relu(self.d3(relu(self.d2(relu(self.d1(x))))))
        return (self.out(torch.cat([a, b, c, d], 1).mean((2, 3))),)


class Glyphs(Network):
    def __init__(self):
        super().__init__(
            "w4",
            c=nn.Conv2d(1, 16, 3, padding=1),
            fc=nn.Linear(16 * 32 * 32, 128),
            alpha=nn.Linear(128, 30),
            char=nn.Linear(128, 964),
        )

    def forward(self, x):
        z = F.elu(F.max_pool2d(self.c(x), 2)).flatten(1)
        z = F.elu(self.fc(z))
        return self.alpha(z), self.char(z)


class Demographics(Network):
    def __init__(self):
        widths = pairwise((256, 128, 256, 256, 256, 256))
        super().__init__(
            "w5",
            emb=nn.Embedding(50_000, 256),
            **{f"c{k}": nn.Conv1d(*pair, 5) for k, pair in enumerate(widths, start=1)},
            fc=nn.Linear(256, 128),
            age=nn.Linear(128, 1),
            income=nn.Linear(128, 10),
            gender=nn.Linear(128, 1),
        )

    def forward(self, ids):
        relu = torch.relu
        z = F.max_pool1d(relu(self.c1(self.emb(ids).transpose(1, 2))), 5)
        z = F.max_pool1d(relu(self.c3(relu(self.c2(z)))), 5)
        z = relu(self.fc(relu(self.c5(relu(self.c4(z)))).amax(2)))
        return self.age(z), self.income(z), torch.sigmoid(self.gender(z))


class Perceptron(Network):
    def __init__(self):
        super().__init__(
            "w6",
            d1=nn.Linear(64, 32),
            d2=nn.Linear(32, 32),
            cls=nn.Linear(32, 10),
            reg=nn.Linear(32, 1),
        )

    def forward(self, x):
        z = torch.relu(self.d2(torch.relu(self.d1(x))))
        return self.cls(z), self.reg(z)


class Residual(Network):
    def __init__(self):
        names = [f"r{k}{half}" for k in range(workloads.BLOCKS) for half in "ab"]
        super().__init__(
            "w7",
            stem=nn.Conv2d(3, 32, 3, padding=1),
            **{name: nn.Conv2d(32, 32, 3, padding=1) for name in names},
            aux=nn.Linear(32, 10),
            main=nn.Linear(32, 10),
        )
        pairs = [
            (getattr(self, a), getattr(self, b))
            for a, b in zip(names[::2], names[1::2], strict=True)
        ]
        self.low, self.high = pairs[: workloads.AUX_AFTER], pairs[workloads.AUX_AFTER :]

    def trunk(self, x):
        x = torch.relu(self.stem(x))
        for first, second in self.low:
            x = x + second(torch.relu(first(x)))
        return x

    def heads(self, low):
        x = low
        for first, second in self.high:
            x = x + second(torch.relu(first(x)))
        return self.main(x.mean((2, 3))), self.aux(low.mean((2, 3)))

    def forward(self, x):
        return self.heads(self.trunk(x))

    def shared(self):
        return [w for layer in (self.stem, *sum(self.low, ())) for w in layer.parameters()]


def rmsprop(weights):
    rho, eps, rate = (workloads.RMSPROP[k] for k in ("rho", "epsilon", "learning_rate"))
    return torch.optim.RMSprop(weights, rate, rho, eps, foreach=FUSED or None)


def adam(weights):
    betas = workloads.ADAM["beta_1"], workloads.ADAM["beta_2"]
    rate, eps = workloads.ADAM["learning_rate"], workloads.ADAM["epsilon"]
    return torch.optim.Adam(weights, rate, betas, eps, fused=FUSED or None)


def sgd(weights):
    return torch.optim.SGD(weights, workloads.SGD["learning_rate"], fused=FUSED or None)


def sgd_with_momentum(weights):
    rate, momentum = workloads.MOMENTUM["learning_rate"], workloads.MOMENTUM["momentum"]
    return torch.optim.SGD(weights, rate, momentum, fused=FUSED or None)


CLASSES, YES_OR_NO, SQUARED = F.cross_entropy, F.binary_cross_entropy, F.mse_loss
SETUPS = {
    "w1": (Headlines, rmsprop, [YES_OR_NO, YES_OR_NO]),
    "w2": (Siamese, rmsprop, [YES_OR_NO]),
    "w3": (Inception, sgd, [CLASSES]),
    "w4": (Glyphs, adam, [CLASSES, CLASSES]),
    "w5": (Demographics, rmsprop, [SQUARED, CLASSES, YES_OR_NO]),
    "w6": (Perceptron, sgd, [CLASSES, SQUARED]),
    "w7": (Residual, sgd_with_momentum, [CLASSES, CLASSES]),
}


def network(workload):
    model = SETUPS[workload][0]()
    return model.to(memory_format=LAYOUT) if LAYOUT is torch.channels_last else model


def data(workload):
    """The batches as tensors, images with their channels first, again and again."""

    def tensor(a):
        image = torch.from_numpy(np.moveaxis(a, -1, 1)) if a.ndim == 4 else None
        return torch.from_numpy(a) if image is None else image.contiguous(memory_format=LAYOUT)

    return cycle([([*map(tensor, x)], [*map(tensor, y)]) for x, y in workloads.batches(workload)])


def losses_of(workload, outputs, labels):
    each = zip(SETUPS[workload][2], outputs, labels, strict=True)
    return [loss(output, label) for loss, output, label in each]


def weighted_sum(workload, losses):
    factors = workloads.LOSS_WEIGHTS.get(workload, [1.0] * len(losses))
    return sum(loss if w == 1 else loss * w for loss, w in zip(losses, factors, strict=True))


def trainer(workload):
    model = network(workload)
    optimizer = SETUPS[workload][1](model.parameters())
    turns = data(workload)

    def step():
        x, y = next(turns)
        optimizer.zero_grad()
        loss = weighted_sum(workload, losses_of(workload, model(*x), y))
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def w1():
    return trainer("w1")


def w2():
    return trainer("w2")


def w3():
    return trainer("w3")


def w4():
    return trainer("w4")


def w5():
    return trainer("w5")


def w6():
    return trainer("w6")


def w7():
    return trainer("w7")


def w8(base="w1", mode="attribute"):
    """Gradients by the shared weights: `attribute` of each loss apart (one pass each), `sum` of the
    weighted sum. `fwd` is the forward pass alone."""
    model, turns = network(base), data(base)
    shared = model.shared()

    def step():
        (x, *others), y = next(turns)
        losses = losses_of(base, model.heads(model.trunk(x), *others), y)
        if mode == "attribute":
            for k, loss in enumerate(losses):
                torch.autograd.grad(loss, shared, retain_graph=k < len(losses) - 1)
        elif mode == "sum":
            torch.autograd.grad(weighted_sum(base, losses), shared)
        return float(losses[0].detach())

    return step


def w9():
    start, w, b, c = workloads.chain()
    x0, w, b = (torch.from_numpy(a) for a in (start, w, b))
    w.requires_grad_(), b.requires_grad_()
    c = float(c)

    def step():
        w.grad = b.grad = None
        x = x0
        for _ in range(workloads.OPS // 4):
            x = x * w
            x = x + b
            x = torch.relu(x)
            x = x * c
        loss = x.sum()
        loss.backward()
        return loss.item()

    return step
