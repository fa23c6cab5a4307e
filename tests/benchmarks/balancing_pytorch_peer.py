"""The same in PyTorch: `step:w1` plain, `step:w1:loop` with a backward pass for each loss, and
`step:w1:torchjd` by TorchJD (python -m pip install torchjd), both with IMTL-G.

The loop is what most papers publish: the gradients of each loss on all that is shared are copied
into a row of a matrix.
"""

import pytorch_peer
import torch
import torch.nn.functional as F
import workloads
from torch import nn


class ManyHeads(nn.Module):
    def __init__(self, base):
        super().__init__()
        inputs, width, depth, _ = workloads.HEADS[base]
        widths = [inputs, *[width] * depth]
        self.trunk = nn.ModuleList(map(nn.Linear, widths, widths[1:]))
        self.heads = nn.ModuleList(nn.Linear(width, 1) for _ in range(workloads.HEAD_COUNT))

    def forward(self, x):
        for layer in self.trunk:
            x = torch.relu(layer(x))
        return [head(x) for head in self.heads]


def of_many_heads(base):
    model, (inputs, _, _, batch) = ManyHeads(base), workloads.HEADS[base]
    x, y = torch.randn(batch, inputs), torch.randn(workloads.HEAD_COUNT, batch, 1)

    def losses():
        return list(map(F.mse_loss, model(x), y))

    return model, losses, torch.optim.SGD(model.parameters(), workloads.SGD["learning_rate"])


def of_workload(base):
    model, turns = pytorch_peer.network(base), pytorch_peer.data(base)

    def losses():
        x, y = next(turns)
        return pytorch_peer.losses_of(base, model(*x), y)

    return model, losses, pytorch_peer.SETUPS[base][1](model.parameters())


def imtl_g(rows):
    """Two losses: w is as 1 / length; else it solves that the step is equally long along each."""
    gram = rows @ rows.T
    lengths = gram.diagonal().sqrt()
    w = torch.linalg.pinv(gram, hermitian=True) @ lengths
    return w / w.sum()


def flat(weights, gradients):
    pairs = zip(weights, gradients, strict=True)
    return torch.cat([(torch.zeros_like(w) if g is None else g).flatten() for w, g in pairs])


def loop(weights, losses):
    """The gradient of each loss apart, then their mixture."""
    each = []
    for loss in losses:
        more = loss is not losses[-1]
        each.append(torch.autograd.grad(loss, weights, retain_graph=more, allow_unused=True))
    reached = [sum(g is not None for g in of_one) for of_one in zip(*each, strict=True)]
    shared = [n for n, count in enumerate(reached) if count > 1]
    rows = torch.stack([flat([weights[n] for n in shared], [g[n] for n in shared]) for g in each])
    w = imtl_g(rows)
    mixed, start = w @ rows, 0
    for n, weight in enumerate(weights):
        if n in shared:
            weight.grad = mixed[start : start + weight.numel()].view_as(weight)
            start += weight.numel()
        else:
            weight.grad = sum(x * g[n] for x, g in zip(w, each, strict=True) if g[n] is not None)


def torchjd_step():
    from torchjd.aggregation import IMTLG
    from torchjd.autojac import backward, jac_to_grad

    aggregator = IMTLG()

    def run(weights, losses):
        backward(losses, parallel_chunk_size=1)  # its other way, vmap, knows no LSTM
        jac_to_grad(weights, aggregator)

    return run


def step(base, how=""):
    model, losses, optimizer = (of_many_heads if base in workloads.HEADS else of_workload)(base)
    weights = list(model.parameters())
    balance = {"loop": lambda: loop, "torchjd": torchjd_step}[how]() if how else None

    def one():
        optimizer.zero_grad()
        found = losses()
        if balance is None:
            pytorch_peer.weighted_sum(base, found).backward()
        else:
            balance(weights, found)
        optimizer.step()
        return sum(loss.item() for loss in found)

    return one
