"""The networks of the workloads as a user of PyTorch writes them.

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
NORM_EPSILON = 1e-3  # as ours


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
        elif isinstance(layer, nn.MultiheadAttention):
            width, kinds = layer.embed_dim, ("query", "key", "value")
            matrices = [own[f"{kind}_kernel"].reshape(width, width).T for kind in kinds]
            layer.in_proj_weight.copy_(torch.cat(matrices))
            layer.in_proj_bias.copy_(torch.cat([own[f"{kind}_bias"].flatten() for kind in kinds]))
            layer.out_proj.weight.copy_(own["attention_output_kernel"].reshape(width, width).T)
            layer.out_proj.bias.copy_(own["attention_output_bias"])
        elif isinstance(layer, nn.LayerNorm | nn.BatchNorm2d):
            layer.weight.copy_(own["gamma"])
            layer.bias.copy_(own["beta"])
        else:
            kernel = own["kernel"]
            axes = (*range(kernel.ndim)[::-1][:2], *range(kernel.ndim - 2))
            if getattr(layer, "groups", 1) > 1:  # a filter for each channel: (height, width, n, 1)
                axes = (2, 3, 0, 1)
            layer.weight.copy_(kernel.permute(axes))
            if layer.bias is not None:
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


class Transformer(Network):
    def __init__(self):
        super().__init__(
            "w10",
            ln1=nn.LayerNorm(128, eps=NORM_EPSILON),
            att=nn.MultiheadAttention(128, 4, batch_first=True),
            ln2=nn.LayerNorm(128, eps=NORM_EPSILON),
            up=nn.Linear(128, 512),
            down=nn.Linear(512, 128),
            aux=nn.Linear(128, 1),
            main=nn.Linear(128, 10),
        )

    def forward(self, x):
        z = self.ln1(x)
        x = x + self.att(z, z, z, need_weights=False)[0]
        y = x + self.down(F.gelu(self.up(self.ln2(x))))
        return self.main(y.mean(1)), self.aux(x.mean(1))


class Autoencoder(Network):
    def __init__(self):
        super().__init__(
            "w11",
            c1=nn.Conv2d(3, 16, 4, stride=2, padding=1),
            c2=nn.Conv2d(16, 32, 4, stride=2, padding=1),
            t1=nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1),
            t2=nn.ConvTranspose2d(16, 3, 4, stride=2, padding=1),
            label=nn.Linear(32, 10),
        )

    def forward(self, x):
        code = torch.relu(self.c2(torch.relu(self.c1(x))))
        image = torch.sigmoid(self.t2(torch.relu(self.t1(code))))
        return image, self.label(code.mean((2, 3)))


class Separable(Network):
    def __init__(self):
        made = {}
        for k, (before, width) in enumerate(pairwise((32, *workloads.SEPARABLE))):
            made |= {
                f"d{k}": nn.Conv2d(before, before, 3, padding=1, groups=before, bias=False),
                f"nd{k}": nn.BatchNorm2d(before, eps=NORM_EPSILON),
                f"p{k}": nn.Conv2d(before, width, 1, bias=False),
                f"np{k}": nn.BatchNorm2d(width, eps=NORM_EPSILON),
            }
        heads = {"aux": workloads.SEPARABLE[workloads.SEPARABLE_AUX], "main": width}
        made |= {name: nn.Linear(width, 10) for name, width in heads.items()}
        super().__init__("w12", stem=nn.Conv2d(3, 32, 3, padding=1), **made)

    def forward(self, x):
        x = torch.relu(self.stem(x))
        for k in range(len(workloads.SEPARABLE)):
            for convolution, norm in ((f"d{k}", f"nd{k}"), (f"p{k}", f"np{k}")):
                x = torch.relu(getattr(self, norm)(getattr(self, convolution)(x)))
            if k == workloads.SEPARABLE_AUX:
                aux = self.aux(x.mean((2, 3)))
                x = F.max_pool2d(x, 2)
        return self.main(x.mean((2, 3))), aux


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
    "w10": (Transformer, adam, [CLASSES, SQUARED]),
    "w11": (Autoencoder, adam, [SQUARED, CLASSES]),
    "w12": (Separable, sgd_with_momentum, [CLASSES, CLASSES]),
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
