"""A camera with two eyes: one Xception network, used as a layer on the left and the right picture.

The seed claims that both eyes need the same low-level vision, so one network can serve them both.
Its listing ends at the joined features, (8, 8, 4096) for pictures of 250x250 pixels; a dense layer
on their means is ours.

A slip in the listing: ``right_input = xception_base(right_input)`` overwrites the input with its
features, and joins them by that name. It works by accident: no model can be made of it afterwards,
for the input is lost.

Measured (`claim`, three seeds): it holds. One shared network is right for 0.93 to 0.95 of the
unseen patches, two networks with twice the weights for 0.93 to 0.96.

Pairs of photographs are not shipped. The two views are cut, a few pixels apart, from one photograph
of brick, grass or gravel: which is it?
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import data, layers
from ..device import set_random_seed
from ..engine.graph import Tensor
from ..losses import SparseCategoricalCrossentropy
from ..model import Model
from ..optimizers import Adam
from .pictures import enlarged
from .system import Claim, System, Task

SIZE = 250


def xception(
    size: int = SIZE,
    channels: int = 3,
    shrink: int = 1,
    middle: int = 8,
    momentum: float = 0.99,
    name: str = "xception",
) -> Model:
    """Xception without its top (Chollet 2017): 36 convolutions, almost all of them separable.

    Parameters
    ----------
    size, channels : int
        Rows and columns of a picture, and its colours.
    shrink : int
        Divide the number of filters by it.
    middle : int
        Blocks that keep the size.
    momentum : float
        Of batch normalisation: how slowly its averages follow.
    name : str

    Examples
    --------
    >>> base = xception()
    >>> base.count_params(), list(base.outputs.values())[0].shape
    (20861480, (None, 8, 8, 2048))
    """

    def normalised(x: Tensor, layer: layers.Layer) -> Tensor:
        return layers.BatchNormalization(momentum=momentum, name=f"{layer.name}_bn")(layer(x))

    def conv(x: Tensor, filters: int, size: int, name: str, **options: Any) -> Tensor:
        return normalised(
            x, layers.Conv2D(filters // shrink, size, use_bias=False, name=name, **options)
        )

    def separable(x: Tensor, filters: int, name: str) -> Tensor:
        return normalised(
            x,
            layers.SeparableConv2D(filters // shrink, 3, padding="same", use_bias=False, name=name),
        )

    def relu(x: Tensor, name: str) -> Tensor:
        return layers.Activation("relu", name=f"{name}_act")(x)

    def halving(x: Tensor, first: int, second: int, name: str) -> Tensor:
        """Two separable convolutions and a pooling, beside a 1x1 convolution."""
        projected = conv(x, second, 1, f"{name}_project", strides=2, padding="same")
        x = x if name == "block2" else relu(x, f"{name}_sepconv1")
        x = separable(x, first, f"{name}_sepconv1")
        x = separable(relu(x, f"{name}_sepconv2"), second, f"{name}_sepconv2")
        x = layers.MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool")(x)
        return layers.add([x, projected], name=f"{name}_add")

    def keeping(x: Tensor, filters: int, name: str) -> Tensor:
        """Three separable convolutions, and the input added."""
        y = x
        for i in (1, 2, 3):
            y = separable(relu(y, f"{name}_sepconv{i}"), filters, f"{name}_sepconv{i}")
        return layers.add([y, x], name=f"{name}_add")

    picture = layers.Input((size, size, channels), name="picture")
    x = relu(conv(picture, 32, 3, "block1_conv1", strides=2), "block1_conv1")
    x = relu(conv(x, 64, 3, "block1_conv2"), "block1_conv2")
    x = halving(x, 128, 128, "block2")
    x = halving(x, 256, 256, "block3")
    x = halving(x, 728, 728, "block4")
    for k in range(5, 5 + middle):
        x = keeping(x, 728, f"block{k}")
    x = halving(x, 728, 1024, f"block{5 + middle}")
    for i, filters in ((1, 1536), (2, 2048)):
        name_here = f"block{6 + middle}_sepconv{i}"
        x = relu(separable(x, filters, name_here), name_here)
    return Model(picture, x, name=name)


def build(size: int = SIZE, channels: int = 3, shared: bool = True, **options: Any) -> Model:
    """Two pictures, their features from one network, joined, and a texture; its output are logits.

    Parameters
    ----------
    size, channels : int
        Rows and columns of a picture, and its colours.
    shared : bool
        False gives each eye a network of its own, for comparison.
    **options
        Of `xception`.

    Examples
    --------
    >>> model = build()
    >>> model.count_params() - model.get_layer("texture").count_params()
    20861480
    """
    left = layers.Input((size, size, channels), name="left")
    right = layers.Input((size, size, channels), name="right")
    base = xception(size, channels, **options)
    other = base if shared else xception(size, channels, name="xception_right", **options)
    merged = layers.concatenate([base(left), other(right)], name="merged")
    x = layers.GlobalAveragePooling2D(name="mean")(merged)
    return Model([left, right], layers.Dense(3, name="texture")(x), name="dual_camera")


def load(size: int = SIZE, channels: int = 3) -> Task:
    """Two views of each photograph, in the eight ways to turn and mirror it.

    Returns
    -------
    Task
        ``left`` and ``right`` (n, size, size, channels): 24x24 pixels, the right view 8 pixels
        further right, enlarged as often as goes, with a margin around, and with a mean of 0;
        ``texture`` (n,) from 0 to 2.
    """
    textures = data.load("textures")
    pictures = textures.image / np.float32(64)
    pictures = pictures - pictures.mean(axis=(1, 2), keepdims=True)
    turned = [np.rot90(pictures, k, axes=(1, 2)) for k in range(4)]
    pictures = np.concatenate(turned + [picture.swapaxes(1, 2) for picture in turned])
    times, margin = size // 24, size % 24
    around = (margin // 2, margin - margin // 2)
    views = {"left": pictures[:, 4:28, :24], "right": pictures[:, 4:28, 8:]}
    x = {}
    for eye, view in views.items():
        view = np.pad(enlarged(view, times), ((0, 0), around, around))
        x[eye] = np.repeat(view[..., None], channels, axis=-1)
    texture = np.tile(textures.texture.astype(int), 8)
    return Task.split(x, {"texture": texture}, np.tile(textures.test, 8))


def claim(seed: int = 0) -> Claim:
    """One network for both eyes against one for each."""
    task, figures = SYSTEM.task(), {}
    for name, shared in (("one shared network", True), ("two networks", False)):
        set_random_seed(seed)
        model = build(**SYSTEM.small_build, shared=shared)
        model.compile(Adam(LEARNING_RATE), CROSS_ENTROPY, metrics=["accuracy"])
        model.fit(task.x, task.y, SYSTEM.batch_size, SYSTEM.epochs, verbose=0)
        _, accuracy = model.evaluate(task.held_back_x, task.held_back_y)
        figures[f"accuracy of {name}"] = accuracy
        figures[f"parameters of {name}"] = float(model.count_params())
    shared, apart = figures["accuracy of one shared network"], figures["accuracy of two networks"]
    text = "Two eyes do not need two networks."
    return Claim(text, shared > apart - 0.02, figures)


CROSS_ENTROPY = SparseCategoricalCrossentropy(from_logits=True)
LEARNING_RATE = 0.003

SYSTEM = System(
    name="dual_camera",
    title="one Xception network for two eyes: brick, grass or gravel?",
    build=build,
    load=load,
    compile={
        "optimizer": Adam(LEARNING_RATE),
        "loss": CROSS_ENTROPY,
        "metrics": ["accuracy"],
    },
    parameters=20_873_771,
    small_build={"size": 24, "channels": 1, "shrink": 8, "middle": 1, "momentum": 0.9},
    small_load={"size": 24, "channels": 1},
    epochs=3,
    batch_size=16,
    claim=claim,
)
