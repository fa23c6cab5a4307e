"""Under which names, and in which layout, PyTorch's modules keep the weights of our layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..layers import (
    GRU,
    LSTM,
    BatchNormalization,
    Conv1D,
    Conv2D,
    Conv2DTranspose,
    Dense,
    DepthwiseConv2D,
    Embedding,
    GroupNormalization,
    Layer,
    LayerNormalization,
    MultiHeadAttention,
    PReLU,
    RMSNormalization,
    SeparableConv1D,
    SeparableConv2D,
    SimpleRNN,
)


class Layout(NamedTuple):
    """How arrays of ours become theirs, and theirs ours.

    Both functions take one or several arrays and return one or a tuple of them; `back` is told the
    shape of ours first (where ours are several, they have one shape).
    """

    there: Callable[..., Any]
    back: Callable[..., Any]


def moved(*axes: int) -> Layout:
    """The same axes in another order."""
    return Layout(lambda x: x.transpose(axes), lambda shape, y: y.transpose(np.argsort(axes)))


def channels_first(x: np.ndarray) -> np.ndarray:
    """Depthwise kernels (..., channels, filters per channel) as (all filters, 1, ...)."""
    y = np.moveaxis(x, (-2, -1), (0, 1))
    return y.reshape(-1, 1, *y.shape[2:])


def channels_last(shape: tuple[int, ...], y: np.ndarray) -> np.ndarray:
    """The way back from `channels_first`."""
    return np.moveaxis(y.reshape(*shape[-2:], *shape[:-2]), (0, 1), (-2, -1))


def gates_swapped(x: np.ndarray) -> np.ndarray:
    """Columns of the gates update, reset, candidate as reset, update, candidate, or back."""
    first, second, third = np.split(x, 3, axis=-1)
    return np.concatenate([second, first, third], axis=-1)


def packed(*kernels: np.ndarray) -> np.ndarray:
    """Kernels (width, heads, width of a head) of query, key and value as rows of one matrix."""
    return np.concatenate([kernel.reshape(len(kernel), -1).T for kernel in kernels])


SAME = Layout(lambda x: x, lambda shape, y: y)
FLAT = Layout(lambda x: x.reshape(-1), lambda shape, y: y.reshape(shape))
TRANSPOSED = moved(1, 0)
DEPTHWISE = Layout(channels_first, channels_last)
GATES = Layout(lambda x: gates_swapped(x).T, lambda shape, y: gates_swapped(y.T))
TWO_BIASES = Layout(lambda x: tuple(gates_swapped(x)), lambda shape, *y: gates_swapped(np.stack(y)))
SUM_OF_BIASES = Layout(lambda x: (x, np.zeros_like(x)), lambda shape, y, z: y + z)
PACKED_KERNELS = Layout(
    packed, lambda shape, y: tuple(part.T.reshape(shape) for part in np.split(y, 3))
)
PACKED_BIASES = Layout(
    lambda *x: np.concatenate([bias.reshape(-1) for bias in x]),
    lambda shape, y: tuple(part.reshape(shape) for part in np.split(y, 3)),
)
JOINED_HEADS = Layout(lambda x: x.reshape(-1, x.shape[-1]).T, lambda shape, y: y.T.reshape(shape))


class Counterpart(NamedTuple):
    """Weights of a layer, and the entries of a module that stand for them (names, in order)."""

    ours: str
    theirs: str
    layout: Layout


BIAS = Counterpart("bias", "bias", SAME)
GAMMA_AND_BETA = [Counterpart("gamma", "weight", SAME), Counterpart("beta", "bias", SAME)]
LSTM_OR_RNN = [
    Counterpart("kernel", "weight_ih_l0", TRANSPOSED),
    Counterpart("recurrent_kernel", "weight_hh_l0", TRANSPOSED),
    Counterpart("bias", "bias_ih_l0 bias_hh_l0", SUM_OF_BIASES),
]

TORCH: dict[type[Layer], list[Counterpart]] = {
    Dense: [Counterpart("kernel", "weight", TRANSPOSED), BIAS],
    Embedding: [Counterpart("embeddings", "weight", SAME)],
    Conv1D: [Counterpart("kernel", "weight", moved(2, 1, 0)), BIAS],
    Conv2D: [Counterpart("kernel", "weight", moved(3, 2, 0, 1)), BIAS],
    Conv2DTranspose: [Counterpart("kernel", "weight", moved(3, 2, 0, 1)), BIAS],
    DepthwiseConv2D: [Counterpart("kernel", "weight", DEPTHWISE), BIAS],
    SeparableConv1D: [
        Counterpart("depthwise_kernel", "depthwise.weight", DEPTHWISE),
        Counterpart("pointwise_kernel", "pointwise.weight", moved(2, 1, 0)),
        Counterpart("bias", "pointwise.bias", SAME),
    ],
    SeparableConv2D: [
        Counterpart("depthwise_kernel", "depthwise.weight", DEPTHWISE),
        Counterpart("pointwise_kernel", "pointwise.weight", moved(3, 2, 0, 1)),
        Counterpart("bias", "pointwise.bias", SAME),
    ],
    LSTM: LSTM_OR_RNN,
    SimpleRNN: LSTM_OR_RNN,
    GRU: [
        Counterpart("kernel", "weight_ih_l0", GATES),
        Counterpart("recurrent_kernel", "weight_hh_l0", GATES),
        Counterpart("bias", "bias_ih_l0 bias_hh_l0", TWO_BIASES),
    ],
    BatchNormalization: [
        *GAMMA_AND_BETA,
        Counterpart("moving_mean", "running_mean", SAME),
        Counterpart("moving_variance", "running_var", SAME),
    ],
    LayerNormalization: GAMMA_AND_BETA,
    GroupNormalization: GAMMA_AND_BETA,
    RMSNormalization: [Counterpart("scale", "weight", SAME)],
    MultiHeadAttention: [
        Counterpart("query_kernel key_kernel value_kernel", "in_proj_weight", PACKED_KERNELS),
        Counterpart("query_bias key_bias value_bias", "in_proj_bias", PACKED_BIASES),
        Counterpart("attention_output_kernel", "out_proj.weight", JOINED_HEADS),
        Counterpart("attention_output_bias", "out_proj.bias", SAME),
    ],
    PReLU: [Counterpart("alpha", "weight", FLAT)],
}


def has_one_width(layer: MultiHeadAttention) -> bool:
    """Are query, key, value and output as wide as all heads together?"""
    heads, width = layer.num_heads, layer.num_heads * layer.key_dim
    shapes = [kernel.shape for kernel, _ in layer.projections.values()]
    return shapes == [(width, heads, layer.key_dim)] * 3 + [(heads, layer.key_dim, width)]


def is_over_last_axes(layer: LayerNormalization | RMSNormalization) -> bool:
    """Are the axes the last ones?"""
    ndim = len(layer.built_for)
    return {axis % ndim for axis in layer.axes} == set(range(ndim - len(layer.axes), ndim))


def is_layer_norm(layer: LayerNormalization) -> bool:
    """Are the axes the last ones, and is there a gamma if there is a beta?"""
    return is_over_last_axes(layer) and (layer.scale or not layer.center)


# Not every layer of these classes has a counterpart: what must be true of it, and what to say.
TORCH_NEEDS: dict[type[Layer], tuple[Callable[[Any], bool], str]] = {
    GRU: (lambda layer: layer.reset_after, "its GRU has reset_after=True"),
    BatchNormalization: (
        lambda layer: layer.scale == layer.center,
        "its batch normalisation has both scale and center, or neither",
    ),
    LayerNormalization: (
        is_layer_norm,
        "its layer normalisation is over the last axes, and has no center without scale",
    ),
    GroupNormalization: (
        lambda layer: layer.scale == layer.center,
        "its group normalisation has both scale and center, or neither",
    ),
    RMSNormalization: (is_over_last_axes, "its RMS normalisation is over the last axes"),
    MultiHeadAttention: (
        has_one_width,
        "in its multi-head attention query, key, value and output are num_heads * key_dim wide",
    ),
    PReLU: (
        lambda layer: set(layer.alpha.shape[:-1]) <= {1},
        "its PReLU has one alpha per channel, or one for all: list the other axes in shared_axes",
    ),
}
