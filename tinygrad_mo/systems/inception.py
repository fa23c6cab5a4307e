"""Inception modules: parallel branches that look at one picture in several ways, and are joined.

The seed says of its listing that all branches have the stride 2, so that their outputs have one
size and can be joined.

It is necessary, but not enough. The listing leaves the padding at "valid", where each convolution
also cuts off a margin of its own size: pictures of 32x32 leave branches of 16, 15, 13 and 14 rows.
With "same" all have 16.
"""

from __future__ import annotations

import numpy as np

from .. import data, layers
from ..engine.graph import Tensor
from ..losses import SparseCategoricalCrossentropy
from ..model import Model
from .system import Claim, System, Task


def branches(x: Tensor, filters: int = 128, padding: str = "same") -> list[Tensor]:
    """The four branches of the seed's listing, each with one stride of 2."""

    def conv(size: int, strides: int, name: str) -> layers.Conv2D:
        return layers.Conv2D(
            filters, size, strides=strides, padding=padding, activation="relu", name=name
        )

    a = conv(1, 2, "a_1x1")(x)
    b = conv(1, 1, "b_1x1")(x)
    b = conv(3, 2, "b_3x3")(b)
    c = layers.AveragePooling2D(3, strides=2, padding=padding, name="c_pool")(x)
    c = conv(3, 1, "c_3x3")(c)
    d = conv(1, 1, "d_1x1")(x)
    d = conv(3, 1, "d_3x3")(d)
    d = conv(3, 2, "d_3x3_too")(d)
    return [a, b, c, d]


def seed_module(x: Tensor, filters: int = 128, padding: str = "same") -> Tensor:
    """The seed's module: four branches, joined along the channels.

    Examples
    --------
    >>> x = layers.Input((32, 32, 64))
    >>> y = seed_module(x)
    >>> y.shape, Model(x, y).count_params()
    ((None, 16, 16, 512), 541568)
    """
    return layers.concatenate(branches(x, filters, padding), name="join")


def guide_module(x: Tensor, filters: int = 64) -> Tensor:
    """The module of the Keras guide: three branches without strides.

    Examples
    --------
    >>> x = layers.Input((256, 256, 3))
    >>> Model(x, guide_module(x)).count_params()
    140160
    """

    def conv(size: int, name: str) -> layers.Conv2D:
        return layers.Conv2D(filters, size, padding="same", activation="relu", name=name)

    a = conv(3, "a_3x3")(conv(1, "a_1x1")(x))
    b = conv(5, "b_5x5")(conv(1, "b_1x1")(x))
    c = layers.MaxPooling2D(3, strides=1, padding="same", name="c_pool")(x)
    c = conv(1, "c_1x1")(c)
    return layers.concatenate([a, b, c], name="join")


def build(size: int = 32, width: int = 64, filters: int = 128) -> Model:
    """A small network around the seed's module; its output are logits.

    Parameters
    ----------
    size : int
        Rows and columns of a picture.
    width, filters : int
        Channels that the module sees, and of each of its convolutions.

    Examples
    --------
    >>> build().count_params()
    543747
    """
    picture = layers.Input((size, size, 1), name="picture")
    x = layers.Conv2D(width, 3, padding="same", activation="relu", name="stem")(picture)
    x = seed_module(x, filters)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return Model(picture, layers.Dense(3, name="texture")(x), name="inception")


def load(size: int = 32) -> Task:
    """Photographs of brick, grass and gravel, each in all eight ways to turn and mirror it.

    Returns
    -------
    Task
        ``picture`` (n, size, size, 1), the middle of each patch, about -1 to 1 with a mean of 0
        per patch (brightness would tell too much); ``texture`` (n,) from 0 to 2.
    """
    textures = data.load("textures")
    edge = (textures.image.shape[1] - size) // 2
    middle = textures.image[:, edge : edge + size, edge : edge + size, None] / np.float32(64)
    middle -= middle.mean(axis=(1, 2), keepdims=True)
    turned = [np.rot90(middle, k, axes=(1, 2)) for k in range(4)]
    pictures = np.concatenate(turned + [np.swapaxes(picture, 1, 2) for picture in turned])
    y = {"texture": np.tile(textures.texture.astype(int), 8)}
    return Task.split({"picture": pictures}, y, np.tile(textures.test, 8))


def claim(seed: int = 0) -> Claim:
    """How large is what each branch hands to the concatenation?"""
    x = layers.Input((32, 32, 64))
    figures = {
        f"rows of branch {name}, padding {padding!r}": float(branch.shape[1] or 0)
        for padding in ("valid", "same")
        for name, branch in zip("abcd", branches(x, padding=padding), strict=True)
    }
    rows = [size for name, size in figures.items() if "valid" in name]
    text = "Branches with the same stride have the same size, with the listing's padding, too."
    return Claim(text, len(set(rows)) == 1, figures)


SYSTEM = System(
    name="inception",
    title="parallel branches in one module: brick, grass or gravel?",
    build=build,
    load=load,
    compile={
        "optimizer": "rmsprop",
        "loss": SparseCategoricalCrossentropy(from_logits=True),
        "metrics": ["accuracy"],
    },
    parameters=543_747,
    small_build={"size": 24, "width": 8, "filters": 8},
    small_load={"size": 24},
    epochs=8,
    claim=claim,
)
