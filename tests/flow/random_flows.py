"""Flows made by hand and at random, as any program may have measured them."""

import numpy as np

from tinygrad_mo.flow import Flow, FlowNode, Measure, Wire

NAMES = [
    ["price"],
    ["main_output", "aux_output"],
    ["age", "income", "gender"],
    ["a x b", "{c}", "$d$", "e/f"],
    ["one", "two", "three", "four", "five", "six"],
]
OPTIMIZERS = [
    ("", {}),
    ("SGD", {}),
    ("SGD", {"momentum": 0.9, "clipnorm": 1.5}),
    ("Adam", {"epsilon": 1e-7}),
    ("AdamW", {"epsilon": 1e-8, "weight_decay": 0.004, "global_clipnorm": 2.0}),
]


def random_measure(random, count, broken=0.0):
    """Some losses have no path, some a gradient of 0, and some one that is not finite."""
    losses = [k for k in range(count) if random.random() < 0.75]
    rows = random.normal(size=(len(losses), random.integers(1, 5))) * 10 ** random.uniform(-4, 3)
    rows[random.random(len(losses)) < 0.12] = 0
    rows[random.random(len(losses)) < broken] = np.nan
    return Measure.of(rows, losses, count) if losses else Measure.nothing(count)


def random_flow(seed):
    """Layers in a row, some called twice, some frozen; ops and losses with weights of their own."""
    random = np.random.default_rng(seed)
    losses = NAMES[seed % len(NAMES)]
    count, broken = len(losses), 0.15 if seed % 4 == 3 else 0.0
    nodes, wires, parameters, uses = [FlowNode("x", "input", shape=(3,))], [], {}, {}

    def measure():
        return random_measure(random, count, broken)

    for i in range(random.integers(1, 6)):
        name, kind = f"layer_{i}", "op" if random.random() < 0.15 else "layer"
        own = tuple(f"{name}/{part}" for part in ("kernel", "bias")[: random.integers(1, 3)])
        parameters |= {one: measure() for one in own}
        for call in range(1 + (kind == "layer" and random.random() < 0.3)):
            node = f"{name}:{call}" if call else name
            tensors = 1 + (random.random() < 0.1)
            wires += [Wire(nodes[-1].name, node, measure()) for _ in range(tensors)]
            nodes.append(FlowNode(node, kind, "Dense", (4,), own, name))
            if random.random() < 0.5:
                uses |= {(one, node): measure() for one in own}
    makers = [node.name for node in nodes[1:]]
    for k, loss in enumerate(losses):
        own = ("log_variance",) if k == 0 and random.random() < 0.3 else ()
        parameters |= {one: measure() for one in own}
        nodes.append(FlowNode(f"{loss} (loss)", "loss", "Loss", (), own, loss=loss))
        wires.append(Wire(makers[random.integers(len(makers))], nodes[-1].name, measure()))
    values = {name: random.normal() for name in losses}
    if broken:
        values[losses[0]] = float("inf")
    if seed % 5 == 1:
        values[losses[-1]] = None
    optimizer, settings = OPTIMIZERS[random.integers(len(OPTIMIZERS))]
    frozen = 1.0 if seed % 9 == 8 else 0.2
    return Flow(
        losses=losses,
        values=values,
        weights=dict(zip(losses[::-1], random.uniform(0, 2, count), strict=True)),
        nodes=nodes,
        wires=wires,
        parameters=parameters,
        uses=uses,
        outputs={"out": makers[-1], "other": makers[0]},
        frozen={name for name in parameters if random.random() < frozen},
        balancer="balance" if seed % 4 == 3 else "",
        mixes=seed % 8 == 7,
        step=int(random.integers(1000)),
        training=random.random() < 0.7,
        optimizer=optimizer,
        settings=settings,
    )


def random_weights(seed, count):
    """By loss: some are 0, some negative; the last ones are all 0."""
    random = np.random.default_rng(seed)
    rows = random.uniform(-1, 2, (4, count))
    rows[random.random(rows.shape) < 0.25] = 0
    rows[-1] = 0
    return rows.tolist()
