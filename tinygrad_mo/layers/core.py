"""Dense, Embedding, Masking, Dropout, functions as layers, and layers that only reshape."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from .. import arguments, ops
from ..engine.graph import Tensor
from . import activations
from .axes import count, whole_numbers
from .base import Layer


class Dense(Layer):
    """``activation(x @ kernel + bias)`` on the last axis.

    Parameters
    ----------
    units : int
        Width of the output.
    activation : str or callable, optional
        Default: none.
    use_bias : bool
    kernel_initializer, bias_initializer : str or callable
        Default: glorot_uniform and zeros.
    kernel_regularizer, bias_regularizer : str or callable, optional

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> layer = tg.layers.Dense(2, kernel_initializer="ones")
    >>> layer(tg.Tensor([[1.0, 2.0, 3.0]])).numpy()
    array([[6., 6.]], dtype=float32)
    """

    fixed_width = True
    passes_mask = True

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        **options: Any,
    ):
        super().__init__(**options)
        self.units = count(self, "units", units)
        self.activation = activations.get(activation, self)
        self.use_bias = arguments.flag(f"{self}: use_bias", use_bias)
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer

    def make_weights(self, shape: Any) -> None:
        self.kernel = self.add_weight(
            "kernel", (shape[-1], self.units), self.kernel_initializer, self.kernel_regularizer
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", (self.units,), self.bias_initializer, self.bias_regularizer
            )

    def call(self, x: Tensor) -> Tensor:
        return self.activation(ops.dense(x, self.kernel, self.bias))


class Embedding(Layer):
    """A table of vectors, one row per id.

    Parameters
    ----------
    input_dim : int
        Number of ids, which go from 0 to ``input_dim - 1``.
    output_dim : int
        Width of a vector.
    mask_zero : bool
        True: id 0 is padding, which layers that know masks (LSTM ...) skip.
    embeddings_initializer : str or callable
        Default: uniform between -0.05 and 0.05.
    embeddings_regularizer : str or callable, optional

    Raises
    ------
    IndexError
        When a model is fed an id outside the table; the message says which and where.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> ids = tg.Input((100,), dtype="int32", name="title")
    >>> tg.layers.Embedding(10_000, 512)(ids)
    <Tensor 'embedding' (None, 100, 512), float32>
    """

    uses_mask = True

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        mask_zero: bool = False,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        **options: Any,
    ):
        super().__init__(**options)
        self.input_dim = arguments.whole(f"{self}: input_dim", input_dim, at_least=1)
        self.output_dim = arguments.whole(f"{self}: output_dim", output_dim, at_least=1)
        self.mask_zero = arguments.flag(f"{self}: mask_zero", mask_zero)
        self.embeddings_initializer = embeddings_initializer
        self.embeddings_regularizer = embeddings_regularizer

    def make_weights(self, shape: Any) -> None:
        self.embeddings = self.add_weight(
            "embeddings",
            (self.input_dim, self.output_dim),
            self.embeddings_initializer,
            self.embeddings_regularizer,
        )

    def call(self, ids: Tensor) -> Tensor:
        y = ops.embedding(ids, self.embeddings)
        if self.mask_zero:
            y.mask = ops.not_equal(ids, 0)
        return y


class Masking(Layer):
    """Marks the steps of a sequence as padding in which every number is `mask_value`.

    Layers that know masks (LSTM ...) skip them. In the output they are 0. What is padding already,
    by a mask of the input, stays so.

    Parameters
    ----------
    mask_value : float
        Default: 0.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> y = tg.layers.Masking(-1.0)(tg.Tensor([[[2.0, -1.0], [-1.0, -1.0]]]))
    >>> y.numpy(), y.mask.numpy()
    (array([[[ 2., -1.],
            [ 0.,  0.]]], dtype=float32), array([[ True, False]]))
    """

    input_ndim = 3
    uses_mask = True

    def __init__(self, mask_value: float = 0.0, **options: Any):
        super().__init__(**options)
        self.mask_value = arguments.number(f"{self}: mask_value", mask_value)

    def call(self, x: Tensor) -> Tensor:
        before = self.mask_of_steps(x)
        real = ops.max(ops.not_equal(x, self.mask_value), axis=-1)
        real = real if before is None else ops.logical_and(real, before)
        y = ops.where(real[..., None], x, 0.0)
        y.mask = real
        return y


class Dropout(Layer):
    """While training, set a share `rate` of the elements to 0 and scale up the others.

    Training is what `fit` and `train_on_batch` do. Called on a tensor with a value, it changes
    nothing; `ops.dropout` can be told.

    Parameters
    ----------
    rate : float
        Between 0 and 1.
    """

    passes_mask = True

    def __init__(self, rate: float, **options: Any):
        super().__init__(**options)
        self.rate = arguments.share(f"{self}: the rate", rate)

    def call(self, x: Tensor) -> Tensor:
        return ops.dropout(x, rate=self.rate, generator=self.generator)


class Lambda(Layer):
    """A function of tensors as a layer, with a name and a card of its own.

    Parameters
    ----------
    function : callable
        Of a tensor, or of a list of tensors: of what the layer is called on. It computes with
        operators, with NumPy's functions, or with `tinygrad_mo.ops`.

    Notes
    -----
    Parameters and layers that the function uses are trained, if they are there before: what it
    makes itself is made anew in each call. So write weights as a `Layer`, in `make_weights`.

    A file holds the name of the function. It is handed over when the file is read, as
    ``tg.load(path, custom_objects={"squared": squared})``; ``def`` gives it a name of its own.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> def squared(x):
    ...     return x * x
    >>> tg.layers.Lambda(squared, name="squared")(tg.Input((3,)))
    <Tensor 'squared' (None, 3), float32>
    """

    def __init__(self, function: Callable[[Any], Any], **options: Any):
        super().__init__(**options)
        self.takes_list = None  # as the function likes
        if not callable(function) or isinstance(function, type | Layer):
            raise TypeError(
                f"{self}: function must be a function of tensors, not {arguments.shown(function)}"
            )
        self.function = function

    def call(self, x: Any) -> Any:
        return self.function(x)


class Flatten(Layer):
    """All axes behind the batch made one, the last changing fastest."""

    def call(self, x: Tensor) -> Tensor:
        return ops.flatten(x)


class Reshape(Layer):
    """Give each sample a new shape (without the batch); one axis may be -1."""

    def __init__(self, target_shape: tuple[int, ...], **options: Any):
        super().__init__(**options)
        lengths = whole_numbers(target_shape)
        if lengths is None or any(n < 1 and n != -1 for n in lengths) or lengths.count(-1) > 1:
            raise ValueError(
                f"{self}: target_shape must be a tuple of lengths from 1 up, one of which may be "
                f"-1, not {arguments.shown(target_shape)}"
            )
        self.target_shape = lengths

    def call(self, x: Tensor) -> Tensor:
        shape, size = list(self.target_shape), prod(n or 1 for n in x.shape[1:])
        if -1 in shape:
            shape[shape.index(-1)] = size // -prod(shape)
        if prod(shape) != size or None in x.shape[1:]:
            raise ValueError(
                f"{self} cannot turn samples of shape {x.shape[1:]} into {self.target_shape}: "
                f"{size} numbers each, and {prod(shape)}"
            )
        return ops.reshape(x, shape=(-1, *shape))
