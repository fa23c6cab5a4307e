"""The workloads as a user of tinygrad_mo writes them: `w1` to `w15`.

Each returns a function `step` that makes one training step (forward, weighted loss, backward,
optimizer) on the next batch and returns the weighted loss. The data are checked and cast once,
before the first step, as `fit` does it; metrics are not computed.
"""

from contextlib import ExitStack
from functools import partial
from itertools import cycle

import workloads
from floors import total_flops
from tinygrad_mo_networks import CLASSES, MODELS, SQUARED

import tinygrad_mo as tg
from tinygrad_mo import ops, optimizers
from tinygrad_mo.pool import at_work
from tinygrad_mo.training.fitting import train_step

working = ExitStack()  # until the process ends


def compiled(workload):
    """The model of a workload with its initial weights, and its batches as they are fed."""
    model, optimizer, chosen = MODELS[workload]()
    weights = workloads.initial_weights(workload)
    for path, parameter in model.named_weights().items():
        parameter.assign(weights[path])
    factors = workloads.LOSS_WEIGHTS.get(workload, [1.0] * len(chosen))
    by_output = dict(zip(model.output_names, chosen, strict=True))
    model.compile(
        optimizer, by_output, loss_weights=dict(zip(model.output_names, factors, strict=True))
    )
    feeds = [model.labelled_data(x, y) for x, y in workloads.batches(workload)]
    return model, feeds


def trainer(workload):
    model, feeds = compiled(workload)
    plan, turns = model.training_plan(), cycle(feeds)
    factors = model.objective.weight_list
    working.enter_context(at_work())  # as in `fit`

    def step():
        tape = train_step(model, next(turns))
        losses = plan.numbers(tape, plan.losses)
        return sum(factor * float(loss) for factor, loss in zip(factors, losses, strict=True))

    return described(step, plan, feeds[0], model)


def described(step, plan, feed=None, model=None, per_loss=False):
    """The step, with what a profile wants to know."""
    step.plan, step.model, step.per_loss = plan, model, per_loss
    step.tape = lambda: plan.forward(feed, training=True)
    step.flops = lambda: total_flops(plan, step.tape(), per_loss)
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


def shared_by_all(plan):
    """The weights that every loss reaches."""
    return [w for w in plan.wrt if len(plan.reaches(w)) == len(plan.losses)]


def w8(base="w1", mode="attribute"):
    """Gradients by the shared weights: `attribute` of each loss apart, `sum` of the weighted sum.

    `fwd` is the forward pass alone.
    """
    model, feeds = compiled(base)
    shared = shared_by_all(model.training_plan())
    plan = tg.Plan([term.value for term in model.objective.terms.values()], shared)
    turns = cycle(feeds)

    def step():
        tape = plan.forward(next(turns), training=True)
        if mode == "attribute":
            plan.backward(tape, [1.0] * len(plan.losses), per_loss=True)
        elif mode == "sum":
            plan.backward(tape, model.objective.weight_list)
        return float(tape.values[plan.slots[plan.losses[0].key]])

    return described(step, plan, feeds[0], per_loss=mode == "attribute")


def chain_of(x, w, b, c):
    for _ in range(workloads.OPS // 4):
        x = x * w
        x = x + b
        x = ops.relu(x)
        x = x * c
    return x.sum()


def w9(mode="plan"):
    """`plan`: the chain is wired once and run again and again, as a model is. `eager`: it is wired
    anew in each step, as PyTorch does it."""
    start, *others, c = workloads.chain()
    w, b = (tg.Parameter(value, name) for value, name in zip(others, "wb", strict=True))

    def eager():
        loss = chain_of(tg.Tensor(start), w, b, float(c))
        tg.gradients(loss, [w, b])
        return float(loss.value)

    loss = chain_of(tg.Tensor(start), w, b, float(c))
    plan = tg.ReplayedPlan([loss], [w, b])

    def step():
        tape = plan.forward()
        plan.backward(tape, [1.0])
        return float(plan.value(tape, loss))

    return eager if mode == "eager" else described(step, plan)


def w13(mode="layers"):
    """A loop by hand on the network of w6: nothing is planned or replayed, all is found anew.

    `layers`: the model is called, and an optimizer makes the step. `tensors`: products of matrices
    and functions of NumPy, and the step is a subtraction.
    """
    turns = cycle(workloads.batches("w6"))
    model, _ = compiled("w6")
    optimizer, weights = optimizers.SGD(**workloads.SGD), model.trainable_weights

    def by_layers():
        (x,), (label, number) = next(turns)
        classes, value = model(tg.Tensor(x))
        loss = CLASSES(label, classes) + SQUARED(number, value)
        optimizer.apply(dict(zip(weights, tg.gradients(loss, weights), strict=True)))
        return float(loss.value)

    w1, b1, w2, b2, w3, b3, w4, b4 = (
        model.named_weights()[f"{name}/{what}"]
        for name in ("d1", "d2", "cls", "reg")
        for what in ("kernel", "bias")
    )

    def by_tensors():
        (x,), (label, number) = next(turns)
        z = ops.relu(tg.Tensor(x) @ w1 + b1)
        z = ops.relu(z @ w2 + b2)
        loss = CLASSES(label, z @ w3 + b3) + ((z @ w4 + b4 - number) ** 2).mean()
        for w, gradient in zip(weights, tg.gradients(loss, weights), strict=True):
            w.assign(w.value - workloads.SGD["learning_rate"] * gradient)
        return float(loss.value)

    return {"layers": by_layers, "tensors": by_tensors}[mode]


def w14(base="w1"):
    model, _ = compiled(base)
    turns = cycle(workloads.batches(base))

    def step():
        x, y = next(turns)
        return next(iter(model.gradient_flow(x, y).values.values()))

    return step


def w15(base="w1"):
    model, _ = compiled(base)
    x = [a[:1] for a in workloads.batches(base)[0][0]]

    def step():
        first, *_ = model.predict(x)
        return float(first.ravel()[0])

    return step
