"""The workloads as a user of PyTorch writes them, to compare with: `w1` to `w15`.

The first losses are ours, too, but for three customs of PyTorch: images are padded on both sides
before strides of 2 (w3: 2.645 instead of 2.652), the epsilon of RMSprop stands outside the root,
and an LSTM has two biases that are added. With ours, the losses agree to five digits.
"""

from functools import partial

import torch
import torch.nn.functional as F
import workloads
from pytorch_networks import SETUPS, data, losses_of, network, weighted_sum


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


w1 = partial(trainer, "w1")
w2 = partial(trainer, "w2")
w3 = partial(trainer, "w3")
w4 = partial(trainer, "w4")
w5 = partial(trainer, "w5")
w6 = partial(trainer, "w6")
w7 = partial(trainer, "w7")
w10 = partial(trainer, "w10")
w11 = partial(trainer, "w11")
w12 = partial(trainer, "w12")


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


def w13(mode="layers"):
    """A loop by hand on the network of w6, by modules and an optimizer, or by tensors alone."""
    if mode == "layers":
        return trainer("w6")
    weights, turns = list(network("w6").parameters()), data("w6")
    w1, b1, w2, b2, w3, b3, w4, b4 = weights

    def step():
        (x,), (label, number) = next(turns)
        z = torch.relu(x @ w1.T + b1)
        z = torch.relu(z @ w2.T + b2)
        loss = F.cross_entropy(z @ w3.T + b3, label) + ((z @ w4.T + b4 - number) ** 2).mean()
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for w, gradient in zip(weights, gradients, strict=True):
                w -= workloads.SGD["learning_rate"] * gradient
        return loss.item()

    return step


def w14(base="w1"):
    """The gradient of each loss by all weights: one pass for each, and nothing measured."""
    model, turns = network(base), data(base)
    weights = list(model.parameters())

    def step():
        x, y = next(turns)
        losses = losses_of(base, model(*x), y)
        for k, loss in enumerate(losses):
            keep = k < len(losses) - 1
            torch.autograd.grad(loss, weights, retain_graph=keep, allow_unused=True)
        return losses[0].item()

    return step


def w15(base="w1"):
    model = network(base).eval()
    x = [a[:1] for a in next(data(base))[0]]

    def step():
        with torch.inference_mode():
            first, *_ = model(*x)
        return float(first.flatten()[0])

    return step
