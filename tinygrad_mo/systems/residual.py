"""Residual connections: a block's input is added to its output.

The seed claims that a residual connection, which adds an earlier tensor to a later one, keeps
information from being lost on the way. The book it follows adds: and the gradient does not vanish
in deep networks, since it can pass each block unchanged.

Measured (`claim`, three seeds): it holds. In a plain tower of 16 blocks, with Keras's usual start,
the gradient |dl/dh| at the first block is 7e-9 to 4e-8 of that at the last; with residual
connections it is 7 to 11 times as large, so here it grows. A tower of 8 blocks stays at chance
(0.10) when plain and reaches 0.35 to 0.54 in four epochs with them. But residual connections are
not the only cure: a plain tower with He's start keeps 0.04 to 0.26 of the gradient over 16 blocks,
and reaches 0.33 to 0.46 with 8.

Two blocks are shown, one for equal shapes and one that projects; and the toy ResNet of the Keras
guide, here to read handwritten digits (enlarged from 8x8 to 32x32 pixels).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import data, layers
from ..device import set_random_seed
from ..engine.graph import Tensor
from ..losses import SparseCategoricalCrossentropy
from ..model import Model
from .pictures import enlarged
from .system import Claim, System, Task, gradient_at


def identity_block(
    x: Tensor, convolutions: int = 3, residual: bool = True, name: str = "block", **options: Any
) -> Tensor:
    """Convolutions that keep the shape, and their input added to what comes out.

    Parameters
    ----------
    x : Tensor
    convolutions : int
        How many.
    residual : bool
        False leaves the addition out, for comparison.
    name : str
        Of the block; a prefix for its layers.
    **options
        Of the convolutions.

    Examples
    --------
    >>> x = layers.Input((32, 32, 128))
    >>> Model(x, identity_block(x)).count_params()
    442752
    """
    y = x
    for i in range(convolutions):
        conv = layers.Conv2D(
            x.shape[-1], 3, padding="same", activation="relu", name=f"{name}_{i + 1}", **options
        )
        y = conv(y)
    return layers.add([y, x], name=f"{name}_add") if residual else y


def projection_block(x: Tensor, filters: int = 128, name: str = "block") -> Tensor:
    """Half the size, other channels: a 1x1 convolution brings the input into the same shape.

    Examples
    --------
    >>> x = layers.Input((32, 32, 64))
    >>> Model(x, projection_block(x)).count_params()
    229760
    """
    y = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"{name}_1")(x)
    y = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"{name}_2")(y)
    y = layers.MaxPooling2D(2, name=f"{name}_pool")(y)
    projected = layers.Conv2D(filters, 1, strides=2, padding="same", name=f"{name}_project")(x)
    return layers.add([y, projected], name=f"{name}_add")


def build(size: int = 32, channels: int = 3, width: int = 32, units: int = 256) -> Model:
    """The toy ResNet; its output are logits.

    Parameters
    ----------
    size, channels : int
        Rows and columns, and colours.
    width, units : int
        Filters of the first convolution (the others have twice as many), and of the dense layer.

    Examples
    --------
    >>> build().count_params()
    223242
    """
    picture = layers.Input((size, size, channels), name="picture")
    x = layers.Conv2D(width, 3, activation="relu", name="conv_1")(picture)
    x = layers.Conv2D(2 * width, 3, activation="relu", name="conv_2")(x)
    x = layers.MaxPooling2D(3, name="pool")(x)
    x = identity_block(x, 2, name="block_1")
    x = identity_block(x, 2, name="block_2")
    x = layers.Conv2D(2 * width, 3, activation="relu", name="conv_3")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.Dense(units, activation="relu", name="dense")(x)
    x = layers.Dropout(0.5, name="dropout")(x)
    return Model(picture, layers.Dense(10, name="digit")(x), name="toy_resnet")


def load(size: int = 32, channels: int = 3) -> Task:
    """Handwritten digits: ``picture`` (n, size, size, channels) from 0 to 1, and ``digit`` (n,).

    `size` is a multiple of 8; all channels show the same.
    """
    digits = data.load("digits")
    pictures = enlarged(digits.image / np.float32(16), size // 8)
    pictures = np.repeat(pictures[..., None], channels, axis=-1)
    return Task.split({"picture": pictures}, {"digit": digits.digit.astype(int)}, digits.test)


def tower(
    blocks: int, residual: bool = True, width: int = 8, initializer: str = "glorot_uniform"
) -> Model:
    """Many identity blocks on 8x8 pixels, with or without their additions."""
    picture = layers.Input((8, 8, 1), name="picture")
    x = layers.Conv2D(width, 3, padding="same", activation="relu", name="stem")(picture)
    for k in range(1, blocks + 1):
        x = identity_block(x, 3, residual, f"block_{k}", kernel_initializer=initializer)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return Model(picture, layers.Dense(10, name="digit")(x), name="tower")


CROSS_ENTROPY = SparseCategoricalCrossentropy(from_logits=True)


def claim(seed: int = 0) -> Claim:
    """How much gradient arrives at the first block of a deep tower, and does the tower learn?"""
    task = load(size=8, channels=1)
    kinds: dict[str, dict[str, Any]] = {
        "plain": {"residual": False},
        "plain, He start": {"residual": False, "initializer": "he_uniform"},
        "residual": {},
    }
    figures, accuracies = {}, {}
    for kind, options in kinds.items():
        for blocks in (2, 4, 8, 16):
            set_random_seed(seed)
            model = tower(blocks, **options)
            model.compile("adam", CROSS_ENTROPY, metrics=["accuracy"])
            flow = model.gradient_flow(*task.some())
            first, last = (gradient_at(flow, f"block_{k}_3") for k in (1, blocks))
            figures[f"|dl/dh| first / last of {blocks} blocks, {kind}"] = first / last
            if blocks == 8:
                model.fit(task.x, task.y, epochs=4, verbose=0)
                _, accuracy = model.evaluate(task.held_back_x, task.held_back_y)
                accuracies[f"accuracy with 8 blocks, {kind}"] = accuracy
    holds = figures["|dl/dh| first / last of 16 blocks, residual"] > 0.1
    text = "A residual connection keeps the gradient from vanishing with depth."
    return Claim(text, holds, figures | accuracies)


SYSTEM = System(
    name="residual",
    title="a toy ResNet that reads handwritten digits",
    build=build,
    load=load,
    compile={"optimizer": "rmsprop", "loss": CROSS_ENTROPY, "metrics": ["accuracy"]},
    parameters=223_242,
    small_build={"size": 16, "channels": 1, "width": 8, "units": 64},
    small_load={"size": 16, "channels": 1},
    epochs=20,
    claim=claim,
)
