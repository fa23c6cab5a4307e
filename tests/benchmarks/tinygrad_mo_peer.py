"""The workloads as a user of tinygrad_mo writes them: `w1` to `w9`.

Each returns a function `step` that makes one training step (forward, weighted loss, backward,
optimizer) on the next batch and returns the weighted loss. The data are checked and cast once,
before the first step, as `fit` does it; metrics are not computed.
"""

from contextlib import ExitStack
from itertools import cycle

import workloads
from floors import total_flops

import tinygrad_mo as tg
from tinygrad_mo import layers, losses, ops, optimizers
from tinygrad_mo.pool import at_work
from tinygrad_mo.training.fitting import train_step

working = ExitStack()  # until the process ends
CLASSES = losses.SparseCategoricalCrossentropy(from_logits=True)
YES_OR_NO = losses.BinaryCrossentropy()
SQUARED = losses.MeanSquaredError()


def headlines():
    """w1: a sentence and five numbers; the auxiliary output judges the sentence alone."""
    ids, numbers = tg.Input((100,), dtype="int32"), tg.Input((5,))
    h = layers.LSTM(32, name="lstm")(layers.Embedding(10_000, 512, name="emb")(ids))
    aux = layers.Dense(1, activation="sigmoid", name="aux")(h)
    z = layers.concatenate([h, numbers])
    for name in ("d1", "d2", "d3"):
        z = layers.Dense(64, activation="relu", name=name)(z)
    main = layers.Dense(1, activation="sigmoid", name="main")(z)
    model = tg.Model([ids, numbers], [main, aux])
    return model, optimizers.RMSprop(**workloads.RMSPROP), [YES_OR_NO, YES_OR_NO]


def siamese():
    """w2: one LSTM reads two sequences."""
    left, right = tg.Input((50, 128)), tg.Input((50, 128))
    lstm = layers.LSTM(32, name="lstm")
    both = layers.concatenate([lstm(left), lstm(right)])
    model = tg.Model([left, right], layers.Dense(1, activation="sigmoid", name="out")(both))
    return model, optimizers.RMSprop(**workloads.RMSPROP), [YES_OR_NO]


def inception():
    """w3: four branches that halve the image."""

    def conv(name, size, strides=1):
        options = {"padding": "same", "activation": "relu", "name": name}
        return layers.Conv2D(128, size, strides=strides, **options)

    x = tg.Input((32, 32, 64))
    a = conv("a", 1, 2)(x)
    b = conv("b2", 3, 2)(conv("b1", 1)(x))
    c = conv("c", 3)(layers.AveragePooling2D(3, strides=2, padding="same")(x))
    d = conv("d3", 3, 2)(conv("d2", 3)(conv("d1", 1)(x)))
    z = layers.GlobalAveragePooling2D()(layers.concatenate([a, b, c, d]))
    model = tg.Model(x, layers.Dense(10, name="out")(z))
    return model, optimizers.SGD(**workloads.SGD), [CLASSES]


def glyphs():
    """w4: which alphabet, and which character?"""
    x = tg.Input((64, 64, 1))
    z = layers.MaxPooling2D(2)(layers.Conv2D(16, 3, padding="same", name="c")(x))
    z = layers.Flatten()(layers.ELU()(z))
    z = layers.Dense(128, activation="elu", name="fc")(z)
    heads = [layers.Dense(30, name="alpha")(z), layers.Dense(964, name="char")(z)]
    return tg.Model(x, heads), optimizers.Adam(**workloads.ADAM), [CLASSES, CLASSES]


def demographics():
    """w5: a number, one of ten classes, and a yes or no from one text."""

    def conv(name, filters):
        return layers.Conv1D(filters, 5, activation="relu", name=name)

    ids = tg.Input((500,), dtype="int32")
    z = layers.Embedding(50_000, 256, name="emb")(ids)
    z = layers.MaxPooling1D(5)(conv("c1", 128)(z))
    z = layers.MaxPooling1D(5)(conv("c3", 256)(conv("c2", 256)(z)))
    z = layers.GlobalMaxPooling1D()(conv("c5", 256)(conv("c4", 256)(z)))
    z = layers.Dense(128, activation="relu", name="fc")(z)
    age, income = layers.Dense(1, name="age")(z), layers.Dense(10, name="income")(z)
    gender = layers.Dense(1, activation="sigmoid", name="gender")(z)
    model = tg.Model(ids, [age, income, gender])
    return model, optimizers.RMSprop(**workloads.RMSPROP), [SQUARED, CLASSES, YES_OR_NO]


def perceptron():
    """w6: so small that what counts is the engine's own time."""
    x = tg.Input((64,))
    z = layers.Dense(32, activation="relu", name="d1")(x)
    z = layers.Dense(32, activation="relu", name="d2")(z)
    model = tg.Model(x, [layers.Dense(10, name="cls")(z), layers.Dense(1, name="reg")(z)])
    return model, optimizers.SGD(**workloads.SGD), [CLASSES, SQUARED]


def residual():
    """w7: the auxiliary output looks at the image half way up."""

    def conv(name, activation=None):
        return layers.Conv2D(32, 3, padding="same", activation=activation, name=name)

    x = tg.Input((32, 32, 3))
    z = conv("stem", "relu")(x)
    for k in range(workloads.BLOCKS):
        z = layers.add([z, conv(f"r{k}b")(conv(f"r{k}a", "relu")(z))])
        if k == workloads.AUX_AFTER - 1:
            aux = layers.Dense(10, name="aux")(layers.GlobalAveragePooling2D()(z))
    main = layers.Dense(10, name="main")(layers.GlobalAveragePooling2D()(z))
    return tg.Model(x, [main, aux]), optimizers.SGD(**workloads.MOMENTUM), [CLASSES, CLASSES]


MODELS = {
    "w1": headlines,
    "w2": siamese,
    "w3": inception,
    "w4": glyphs,
    "w5": demographics,
    "w6": perceptron,
    "w7": residual,
}


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
