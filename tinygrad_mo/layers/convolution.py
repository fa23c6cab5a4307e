"""Convolutions over sequences and images, channels last."""

from __future__ import annotations

from typing import Any

from .. import arguments, ops
from ..engine.graph import Parameter, Tensor
from . import activations
from .axes import count, known_padding, per_axis
from .base import Layer


class Convolution(Layer):
    """The common part: a kernel that slides over the axes between the batch and the channels.

    Parameters
    ----------
    kernel_size : int or tuple of int
        Steps, or rows and columns, that one output sees.
    strides : int or tuple of int
        How far the kernel moves from one output to the next. Default: 1.
    padding : str
        "valid": none. "same": zeros around, so that there are ``ceil(length / stride)`` outputs.
        "causal" (sequences only): zeros before, so that no output depends on later steps.
    dilation_rate : int or tuple of int
        Distance between the elements that the kernel sees. Default: 1.
    activation : str or callable, optional
    use_bias : bool
    bias_initializer, bias_regularizer : optional
        Default: zeros and none.
    """

    fixed_width = True
    paddings: tuple[str, ...] = ("valid", "same")

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        bias_initializer: Any = "zeros",
        bias_regularizer: Any = None,
        **options: Any,
    ):
        super().__init__(**options)
        assert self.input_ndim is not None
        axes = self.input_ndim - 2
        self.kernel_size = per_axis(self, "kernel_size", kernel_size, axes)
        self.strides = per_axis(self, "strides", strides, axes)
        self.padding = known_padding(self, padding, *self.paddings)
        self.dilation_rate = per_axis(self, "dilation_rate", dilation_rate, axes)
        self.activation = activations.get(activation, self)
        self.use_bias = arguments.flag(f"{self}: use_bias", use_bias)
        self.bias_initializer, self.bias_regularizer = bias_initializer, bias_regularizer
        self.channels = 0  # of the input; known at the first call
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{self}: strides {self.strides} and dilation_rate {self.dilation_rate} cannot "
                f"both be larger than 1; use one of them, or two layers"
            )

    @property
    def input_width(self) -> int:
        return self.channels

    @property
    def geometry(self) -> dict[str, Any]:
        """How the kernel moves: what all convolution ops want to know."""
        return {
            "strides": self.strides,
            "padding": self.padding,
            "dilation_rate": self.dilation_rate,
        }

    def make_bias(self, filters: int) -> Parameter | None:
        """One number per filter, or None."""
        if not self.use_bias:
            return None
        return self.add_weight("bias", (filters,), self.bias_initializer, self.bias_regularizer)


class FilterBank(Convolution):
    """The common part of convolutions in which every filter sees all channels.

    Parameters
    ----------
    filters : int
        Number of filters: channels of the output.
    kernel_initializer, kernel_regularizer : optional
        Default: glorot_uniform and none.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        **options: Any,
    ):
        super().__init__(kernel_size, strides, padding, **options)
        self.filters = count(self, "filters", filters)
        self.kernel_initializer, self.kernel_regularizer = kernel_initializer, kernel_regularizer

    def make_kernel(self, channels: int, filters: int) -> Parameter:
        return self.add_weight(
            "kernel",
            (*self.kernel_size, channels, filters),
            self.kernel_initializer,
            self.kernel_regularizer,
        )


class GroupedFilterBank(FilterBank):
    """The common part of Conv1D and Conv2D.

    Parameters
    ----------
    groups : int
        Split channels and filters evenly into groups that do not see each other. Default: 1.
    """

    def __init__(self, *more: Any, groups: int = 1, **options: Any):
        super().__init__(*more, **options)
        self.groups = count(self, "groups", groups)
        if self.filters % self.groups:
            raise ValueError(f"{self}: {self.filters} filters cannot be split into {groups} groups")

    def make_weights(self, shape: Any) -> None:
        self.channels = shape[-1]
        if self.channels % self.groups:
            raise ValueError(
                f"{self}: the {self.channels} channels of the input cannot be split into "
                f"{self.groups} groups; choose a number that divides {self.channels}"
            )
        self.kernel = self.make_kernel(self.channels // self.groups, self.filters)
        self.bias = self.make_bias(self.filters)

    def call(self, x: Tensor) -> Tensor:
        y = ops.convolution(x, self.kernel, self.bias, groups=self.groups, **self.geometry)
        return self.activation(y)


class Conv1D(GroupedFilterBank):
    """Filters that slide along a sequence (batch, steps, channels).

    Parameters
    ----------
    filters : int
        Number of filters: channels of the output.
    kernel_size : int
        Steps that one output sees.
    strides : int
        Steps from one output to the next. Default: 1.
    padding : str
        "valid": none. "same": as many outputs as steps (with strides of 1). "causal": the same
        number, but none depends on later steps.
    dilation_rate : int
        Distance between the steps that the kernel sees. Default: 1.
    groups : int
        Split channels and filters evenly into groups that do not see each other. Default: 1.
    activation : str or callable, optional
    use_bias : bool
    kernel_initializer, bias_initializer : str or callable
        Default: glorot_uniform and zeros.
    kernel_regularizer, bias_regularizer : str or callable, optional

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> words = tg.Input((500, 256), name="words")
    >>> tg.layers.Conv1D(128, 5, activation="relu")(words)
    <Tensor 'conv1d' (None, 496, 128), float32>
    """

    input_ndim = 3
    paddings = ("valid", "same", "causal")


class Conv2D(GroupedFilterBank):
    """Filters that slide over images (batch, rows, columns, channels).

    Parameters
    ----------
    filters : int
        Number of filters: channels of the output.
    kernel_size : int or (int, int)
        Rows and columns that one output sees.
    strides : int or (int, int)
        How far the kernel moves from one output to the next. Default: 1.
    padding : str
        "valid": none. "same": zeros around, so that there are ``ceil(length / stride)`` outputs
        along each axis.
    dilation_rate : int or (int, int)
        Distance between the elements that the kernel sees. Default: 1.
    groups : int
        Split channels and filters evenly into groups that do not see each other. Default: 1.
    activation : str or callable, optional
    use_bias : bool
    kernel_initializer, bias_initializer : str or callable
        Default: glorot_uniform and zeros.
    kernel_regularizer, bias_regularizer : str or callable, optional

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> image = tg.Input((64, 64, 1), name="image")
    >>> layer = tg.layers.Conv2D(16, 3, padding="same", activation="relu")
    >>> layer(image), layer.count_params()
    (<Tensor 'conv2d' (None, 64, 64, 16), float32>, 160)
    """

    input_ndim = 4


class Conv2DTranspose(FilterBank):
    """The pullback of a Conv2D, used forwards: makes images larger by its strides.

    Parameters
    ----------
    filters : int
        Number of channels of the output.
    kernel_size, strides, padding, dilation_rate, activation, use_bias
        As of the Conv2D that leads from the output's shape to the input's. With "same" the output
        is ``strides`` times as large as the input.
    kernel_initializer, bias_initializer : str or callable
        Default: glorot_uniform and zeros.
    kernel_regularizer, bias_regularizer : str or callable, optional

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> x = tg.Input((8, 8, 32))
    >>> tg.layers.Conv2DTranspose(16, 3, strides=2, padding="same")(x)
    <Tensor 'conv2d_transpose' (None, 16, 16, 16), float32>
    """

    input_ndim = 4

    def make_weights(self, shape: Any) -> None:
        self.channels = shape[-1]
        self.kernel = self.make_kernel(self.filters, self.channels)
        self.bias = self.make_bias(self.filters)

    def call(self, x: Tensor) -> Tensor:
        y = ops.transposed_convolution(x, self.kernel, self.bias, **self.geometry)
        return self.activation(y)


class DepthwiseConv2D(Convolution):
    """Filters of which each sees one channel only.

    Parameters
    ----------
    kernel_size : int or (int, int)
        Rows and columns that one output sees.
    strides, padding : optional
        As of Conv2D.
    depth_multiplier : int
        Filters per channel. Default: 1.
    dilation_rate, activation, use_bias
        As of Conv2D.
    depthwise_initializer, bias_initializer : str or callable
        Default: glorot_uniform and zeros.
    depthwise_regularizer, bias_regularizer : str or callable, optional

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> layer = tg.layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)
    >>> layer(tg.Input((8, 8, 5))), layer.count_params()
    (<Tensor 'depthwise_conv2d' (None, 8, 8, 10), float32>, 100)
    """

    input_ndim = 4

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        depthwise_initializer: Any = "glorot_uniform",
        depthwise_regularizer: Any = None,
        **options: Any,
    ):
        super().__init__(kernel_size, strides, padding, **options)
        what = f"{self}: depth_multiplier"
        self.depth_multiplier = arguments.whole(what, depth_multiplier, at_least=1)
        self.depthwise_initializer = depthwise_initializer
        self.depthwise_regularizer = depthwise_regularizer

    def make_weights(self, shape: Any) -> None:
        self.channels = shape[-1]
        self.kernel = self.make_depthwise("kernel")
        self.bias = self.make_bias(self.channels * self.depth_multiplier)

    def make_depthwise(self, name: str) -> Parameter:
        return self.add_weight(
            name,
            (*self.kernel_size, self.channels, self.depth_multiplier),
            self.depthwise_initializer,
            self.depthwise_regularizer,
        )

    def call(self, x: Tensor) -> Tensor:
        y = ops.depthwise_convolution(x, self.kernel, self.bias, **self.geometry)
        return self.activation(y)


class SeparableConvolution(DepthwiseConv2D):
    """The common part: filters of one channel each, then a 1x1 convolution that mixes them.

    Parameters
    ----------
    filters : int
        Number of channels of the output.
    pointwise_initializer, pointwise_regularizer : optional
        Of the 1x1 convolution. Default: glorot_uniform and none.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        pointwise_initializer: Any = "glorot_uniform",
        pointwise_regularizer: Any = None,
        **options: Any,
    ):
        super().__init__(kernel_size, strides, padding, **options)
        self.filters = count(self, "filters", filters)
        self.pointwise_initializer = pointwise_initializer
        self.pointwise_regularizer = pointwise_regularizer

    def make_weights(self, shape: Any) -> None:
        self.channels = shape[-1]
        self.depthwise_kernel = self.make_depthwise("depthwise_kernel")
        ones = (1,) * len(self.kernel_size)
        self.pointwise_kernel = self.add_weight(
            "pointwise_kernel",
            (*ones, self.channels * self.depth_multiplier, self.filters),
            self.pointwise_initializer,
            self.pointwise_regularizer,
        )
        self.bias = self.make_bias(self.filters)

    def call(self, x: Tensor) -> Tensor:
        ones = (1,) * len(self.kernel_size)
        y = ops.depthwise_convolution(x, self.depthwise_kernel, None, **self.geometry)
        y = ops.convolution(
            y, self.pointwise_kernel, self.bias, strides=ones, padding="valid", dilation_rate=ones
        )
        return self.activation(y)


class SeparableConv1D(SeparableConvolution):
    """Filters of one channel each along a sequence, then a mix of the channels at every step.

    Parameters
    ----------
    filters : int
        Number of channels of the output.
    kernel_size, strides, padding, dilation_rate, activation, use_bias
        As of Conv1D.
    depth_multiplier : int
        Filters per channel. Default: 1.
    depthwise_initializer, pointwise_initializer, bias_initializer : str or callable
        Default: glorot_uniform, glorot_uniform and zeros.
    depthwise_regularizer, pointwise_regularizer, bias_regularizer : optional

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> layer = tg.layers.SeparableConv1D(8, 3, padding="causal")
    >>> layer(tg.Input((20, 4))), layer.count_params()  # 3 * 4 + 4 * 8 + 8
    (<Tensor 'separable_conv1d' (None, 20, 8), float32>, 52)
    """

    input_ndim = 3
    paddings = ("valid", "same", "causal")


class SeparableConv2D(SeparableConvolution):
    """Filters of one channel each over images, then a mix of the channels at every pixel.

    Parameters
    ----------
    filters : int
        Number of channels of the output.
    kernel_size, strides, padding, dilation_rate, activation, use_bias
        As of Conv2D.
    depth_multiplier : int
        Filters per channel. Default: 1.
    depthwise_initializer, pointwise_initializer, bias_initializer : str or callable
        Default: glorot_uniform, glorot_uniform and zeros.
    depthwise_regularizer, pointwise_regularizer, bias_regularizer : optional

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> layer = tg.layers.SeparableConv2D(64, 3, use_bias=False)
    >>> layer(tg.Input((16, 16, 32))), layer.count_params()  # 9 * 32 + 32 * 64
    (<Tensor 'separable_conv2d' (None, 14, 14, 64), float32>, 2336)
    """
