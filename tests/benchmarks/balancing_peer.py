"""A training step of a workload, plain or with a method that looks at gradients, of tinygrad_mo.

`step:w1:imtl_g` is that of w1 with IMTL-G. Beside the workloads there are networks of Dense layers
with five heads of one number, `mlp` and `small_mlp`, as `workloads.HEADS` says.
"""

from itertools import cycle

import numpy as np
import tinygrad_mo_peer
import workloads
from tinygrad_mo_peer import described, working

import tinygrad_mo as tg
from tinygrad_mo import layers, optimizers
from tinygrad_mo.pool import at_work
from tinygrad_mo.training.fitting import train_step


def many_heads(base):
    inputs, width, depth, batch = workloads.HEADS[base]
    x = z = tg.Input((inputs,))
    for _ in range(depth):
        z = layers.Dense(width, activation="relu")(z)
    names = [f"head_{k}" for k in range(workloads.HEAD_COUNT)]
    model = tg.Model(x, [layers.Dense(1, name=name)(z) for name in names])
    model.compile(optimizers.SGD(**workloads.SGD), "mse")
    random = np.random.RandomState(0)
    drawn = [random.randn(batch, n).astype(np.float32) for n in (inputs, *[1] * len(names))]
    return model, [model.labelled_data(drawn[0], drawn[1:])]


def step(base, method=""):
    made = many_heads if base in workloads.HEADS else tinygrad_mo_peer.compiled
    model, feeds = made(base)
    if method:
        model.loss_weights = method
    plan, turns = model.training_plan(), cycle(feeds)
    working.enter_context(at_work())  # as in `fit`

    def one():
        tape = train_step(model, next(turns))
        return sum(map(float, plan.numbers(tape, plan.losses)))

    return described(one, plan, feeds[0], model)
