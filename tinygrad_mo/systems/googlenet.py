"""GoogLeNet: 22 layers deep, with two auxiliary classifiers on the way that help to train it.

The student of seed 004 has read about networks with such branches, and asks how they are trained.
Szegedy et al. (2014) added them for fear that the gradient would not reach the first layers through
so many; their losses count 0.3, and they are thrown away after training: `without_auxiliary`.

Measured (`claim`, three seeds): before training, at full size, the auxiliary losses make the
gradient on the first convolution 1.8 to 4.0 times as large; behind the second classifier they
change nothing. In the small network, which starts as He et al. propose, little is left to raise
(1.03 to 1.17), and they do not help: trained with them, main reads 0.82 to 0.88 of unseen digits,
without them 0.83 to 0.93.

ImageNet is not shipped: the data are handwritten digits, enlarged. Local response normalisation,
which has no weights, is left out.
"""

from __future__ import annotations

from .. import layers
from ..device import set_random_seed
from ..engine.graph import Tensor
from ..losses import SparseCategoricalCrossentropy
from ..model import Model
from ..optimizers import Adam
from . import residual
from .system import Claim, System, Task, score

#  Table 1 of the paper: filters of 1x1; 3x3 reduced, 3x3; 5x5 reduced, 5x5; pool projected.
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
WEIGHTS = {"main": 1.0, "aux_1": 0.3, "aux_2": 0.3}


def build(
    size: int = 224, classes: int = 1000, shrink: int = 1, initializer: str = "glorot_uniform"
) -> Model:
    """GoogLeNet with both auxiliary classifiers; the outputs main, aux_1 and aux_2 are logits.

    Parameters
    ----------
    size : int
        Rows and columns of a picture, at least 80.
    classes : int
    shrink : int
        Divide the number of filters by it.
    initializer : str
        Of the convolutions.

    Examples
    --------
    >>> model = build()
    >>> model.count_params(), without_auxiliary(model).count_params()
    (13378280, 6998552)
    """

    def conv(x: Tensor, filters: int, size: int, name: str, strides: int = 1) -> Tensor:
        layer = layers.Conv2D(
            filters // shrink,
            size,
            strides=strides,
            padding="same",
            activation="relu",
            kernel_initializer=initializer,
            name=name,
        )
        return layer(x)

    def pool(x: Tensor, strides: int, name: str) -> Tensor:
        return layers.MaxPooling2D(3, strides=strides, padding="same", name=name)(x)

    def inception(x: Tensor, name: str) -> Tensor:
        """A module of the table: four branches, joined."""
        ones, threes_in, threes, fives_in, fives, pooled = MODULES[name]
        a = conv(x, ones, 1, f"{name}_1x1")
        b = conv(conv(x, threes_in, 1, f"{name}_3x3_reduce"), threes, 3, f"{name}_3x3")
        c = conv(conv(x, fives_in, 1, f"{name}_5x5_reduce"), fives, 5, f"{name}_5x5")
        d = conv(pool(x, 1, f"{name}_pool"), pooled, 1, f"{name}_pool_proj")
        return layers.concatenate([a, b, c, d], name=name)

    def auxiliary(x: Tensor, name: str) -> Tensor:
        """A classifier on the way."""
        x = layers.AveragePooling2D(5, strides=3, name=f"{name}_pool")(x)
        x = conv(x, 128, 1, f"{name}_conv")
        x = layers.Flatten(name=f"{name}_flatten")(x)
        x = layers.Dense(1024 // shrink, activation="relu", name=f"{name}_dense")(x)
        x = layers.Dropout(0.7, name=f"{name}_dropout")(x)
        return layers.Dense(classes, name=name)(x)

    picture = layers.Input((size, size, 3), name="picture")
    x = conv(picture, 64, 7, "conv_1", strides=2)
    x = pool(x, 2, "pool_1")
    x = conv(x, 64, 1, "conv_2_reduce")
    x = conv(x, 192, 3, "conv_2")
    x = pool(x, 2, "pool_2")
    outputs: dict[str, Tensor] = {}
    for name in MODULES:
        x = inception(x, name)
        if name in ("3b", "4e"):
            x = pool(x, 2, f"pool_{name[0]}")
        if name in ("4a", "4d"):
            head = f"aux_{len(outputs) + 1}"
            outputs[head] = auxiliary(x, head)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.Dropout(0.4, name="dropout")(x)
    main = layers.Dense(classes, name="main")(x)
    return Model(picture, [main, *outputs.values()], name="googlenet")


def without_auxiliary(model: Model) -> Model:
    """The main output alone, for inference: another model on the same layers and weights."""
    return Model(model.inputs, model.outputs["main"], name="googlenet_main")


def load(size: int = 224) -> Task:
    """Handwritten digits, enlarged from 8x8 pixels, and the digit as label of all three outputs.

    ``picture`` is (n, size, size, 3) from 0 to 1; `size` is a multiple of 8.
    """
    digits = residual.load(size, channels=3)
    labels, held_back = (dict.fromkeys(WEIGHTS, y["digit"]) for y in (digits.y, digits.held_back_y))
    return Task(digits.x, labels, digits.held_back_x, held_back)


COMPILE = {
    "loss": SparseCategoricalCrossentropy(from_logits=True),
    "loss_weights": WEIGHTS,
    "metrics": ["accuracy"],
}
WITHOUT = {"main": 1.0, "aux_1": 0.0, "aux_2": 0.0}
LOOK_AT = ("conv_1", "conv_2", "3a_3x3", "4a_3x3", "4e_3x3", "5b_3x3")


def claim(seed: int = 0) -> Claim:
    """The gradient on early and late weights, with and without the auxiliary losses."""
    figures = {}
    for size, full, samples in (("full size", True, 16), ("small", False, 256)):
        set_random_seed(seed)
        task = SYSTEM.task(full)
        flow = SYSTEM.make(full).gradient_flow(*task.some(samples))
        for layer in LOOK_AT:
            ratio = flow.total(layer, WEIGHTS) / flow.total(layer, WITHOUT)
            figures[f"|gradient| on {layer}, with / without, {size}"] = ratio
    for kind, weights in (("with", WEIGHTS), ("without", WITHOUT)):
        set_random_seed(seed)
        model = SYSTEM.make()
        model.loss_weights = weights
        model.fit(task.x, task.y, SYSTEM.batch_size, SYSTEM.epochs, verbose=0)
        accuracy = {s.output: s.value for s in score(model, task)}["main"]
        figures[f"accuracy of main, small, {kind}"] = accuracy
    raised = figures["|gradient| on conv_1, with / without, full size"] > 1.1
    return Claim("Auxiliary classifiers raise the gradient in early layers.", raised, figures)


SYSTEM = System(
    name="googlenet",
    title="GoogLeNet with two auxiliary classifiers, reading handwritten digits",
    build=build,
    load=load,
    compile={**COMPILE, "optimizer": Adam(0.001)},
    parameters=13_378_280,
    small_build={"size": 80, "classes": 10, "shrink": 8, "initializer": "he_uniform"},
    small_load={"size": 80},
    epochs=3,
    batch_size=16,
    claim=claim,
)
