"""Deep supervision: an output after every block, all predicting the same.

The seed claims that outputs which predict the same targets after every block make the early blocks
learn useful features, and that they regularize the network.

Measured (`claim`, three seeds): at the start they make the gradient |dl/dh| at the first of eight
blocks 48 to 71 times as large. Plain SGD needs that: without them the last output stays at chance
(0.10) from two seeds of three, with them it reaches 0.92 to 0.95. Adam, which divides by the
gradient's own size, does as well without (0.93 to 0.96) as with them (0.94 to 0.98). We see no
regularization: nothing is gained on held-back digits where both networks learn.

The loss is that of the last block plus 0.3 times each of the others. (Lee et al. 2015, who gave the
method its name, let these weights decay, and stop listening to an output once it is good enough.)
"""

from __future__ import annotations

from copy import deepcopy

from .. import layers
from ..device import set_random_seed
from ..losses import SparseCategoricalCrossentropy
from ..model import Model
from ..optimizers import SGD, Adam
from . import residual
from .system import Claim, System, Task, gradient_at, score

BLOCKS = 8


def names(blocks: int = BLOCKS) -> list[str]:
    """Of the outputs, from the first block to the last."""
    return [f"exit_{k}" for k in range(1, blocks)] + ["main"]


def weights(blocks: int = BLOCKS, auxiliary: float = 0.3) -> dict[str, float]:
    """Of the losses: 1 for the last output, less for the others."""
    return {**dict.fromkeys(names(blocks), auxiliary), "main": 1.0}


def build(size: int = 8, width: int = 32, blocks: int = BLOCKS) -> Model:
    """A plain deep network; after each block it says what it sees. The outputs are logits.

    Parameters
    ----------
    size : int
        Rows and columns of a picture.
    width : int
        Filters of each convolution.
    blocks : int
        Of two convolutions each.

    Examples
    --------
    >>> build().count_params()
    302960
    """
    x = picture = layers.Input((size, size, 1), name="picture")
    outputs = []
    for k, name in enumerate(names(blocks), start=1):
        x = layers.Conv2D(width, 3, padding="same", activation="relu", name=f"block_{k}_1")(x)
        x = layers.Conv2D(width, 3, padding="same", name=f"block_{k}_2")(x)
        x = layers.ReLU(name=f"block_{k}")(x)
        seen = layers.Flatten(name=f"flatten_{k}")(x)
        outputs.append(layers.Dense(10, name=name)(seen))
    return Model(picture, outputs, name="deep_supervision")


def load(size: int = 8) -> Task:
    """Handwritten digits of 8x8 pixels (or enlarged), and the digit as label of every output."""
    digits = residual.load(size, channels=1)
    labels, held_back = (dict.fromkeys(names(), y["digit"]) for y in (digits.y, digits.held_back_y))
    return Task(digits.x, labels, digits.held_back_x, held_back)


def claim(seed: int = 0) -> Claim:
    """|dl/dh| block by block at the start, and the last output's accuracy after training."""
    task, figures = SYSTEM.task(), {}
    kinds = {"without": weights(auxiliary=0.0), "with": weights()}
    set_random_seed(seed)
    flow = SYSTEM.make().gradient_flow(*task.some())
    for k in range(1, BLOCKS + 1):
        for kind, chosen in kinds.items():
            figures[f"|dl/dh| at block {k}, {kind}"] = gradient_at(flow, f"block_{k}_2", chosen)
    for optimizer in (SGD(RATE, MOMENTUM), Adam()):
        for kind, chosen in kinds.items():
            set_random_seed(seed)
            model = build(**SYSTEM.small_build)
            model.compile(deepcopy(optimizer), CROSS_ENTROPY, chosen, ["accuracy"])
            model.fit(task.x, task.y, epochs=SYSTEM.epochs, verbose=0)
            accuracy = {s.output: s.value for s in score(model, task)}["main"]
            figures[f"accuracy of main, {type(optimizer).__name__}, {kind}"] = accuracy
    raised = figures["|dl/dh| at block 1, with"] > figures["|dl/dh| at block 1, without"]
    return Claim("Outputs after every block raise the gradient in early layers.", raised, figures)


CROSS_ENTROPY = SparseCategoricalCrossentropy(from_logits=True)
RATE, MOMENTUM = 0.01, 0.9

SYSTEM = System(
    name="deep_supervision",
    title="an output after every block of a deep network, reading handwritten digits",
    build=build,
    load=load,
    compile={
        "optimizer": SGD(RATE, MOMENTUM),
        "loss": CROSS_ENTROPY,
        "loss_weights": weights(),
        "metrics": ["accuracy"],
    },
    parameters=302_960,
    small_build={"width": 8},
    epochs=8,
    claim=claim,
)
