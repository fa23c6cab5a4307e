"""Layers that read a sequence step by step."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..graph import Tensor
from . import initializers
from .base import Layer


class LSTM(Layer):
    """Long short-term memory, with the gates in Keras's order: input, forget, candidate, output.

    Parameters
    ----------
    units : int
        Width of the state.
    return_sequences : bool
        True: the state after every step, (batch, time, units). False: after the last.
    return_state : bool
        True: return ``(output, h, c)``, with the last state and the last cell.
    go_backwards : bool
        Read the sequence from its end; outputs come in the order in which they are computed.
    unit_forget_bias : bool
        Start the forget gate's bias at 1 (Jozefowicz et al. 2015).
    kernel_initializer, recurrent_initializer, bias_initializer : str or callable
        Default: glorot_uniform, orthogonal, zeros.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or callable, optional

    Notes
    -----
    Steps that the input's mask marks as padding are skipped: the state is carried over them.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> words = tg.Input((100, 512), name="words")
    >>> tg.layers.LSTM(32)(words)
    <Tensor 'lstm' (None, 32), float32>
    """

    input_ndim = 3
    fixed_width = True
    uses_mask = True

    def __init__(
        self,
        units: int,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        unit_forget_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        **options: Any,
    ):
        super().__init__(**options)
        if units < 1:
            raise ValueError(f"{self} needs at least 1 unit, not {units}")
        self.units, self.go_backwards = units, go_backwards
        self.return_sequences, self.return_state = return_sequences, return_state
        self.unit_forget_bias = unit_forget_bias
        self.kernel_initializer, self.kernel_regularizer = kernel_initializer, kernel_regularizer
        self.recurrent_initializer = recurrent_initializer
        self.recurrent_regularizer = recurrent_regularizer
        self.bias_initializer, self.bias_regularizer = bias_initializer, bias_regularizer

    def make_weights(self, shape: Any) -> None:
        n = self.units
        self.kernel = self.add_weight(
            "kernel", (shape[-1], 4 * n), self.kernel_initializer, self.kernel_regularizer
        )
        self.recurrent_kernel = self.add_weight(
            "recurrent_kernel", (n, 4 * n), self.recurrent_initializer, self.recurrent_regularizer
        )
        self.bias = self.add_weight("bias", (4 * n,), self._first_bias, self.bias_regularizer)

    def _first_bias(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
        bias = initializers.get(self.bias_initializer)(shape, generator)
        if self.unit_forget_bias:
            bias[self.units : 2 * self.units] = 1
        return bias

    def call(self, x: Tensor, initial_state: Any = (None, None)) -> Any:
        h0, c0 = initial_state
        for state in (h0, c0):
            if state is not None and state.shape[-1] != self.units:
                raise ValueError(
                    f"{self} keeps a state of width {self.units}, it cannot start from {state}"
                )
        weights = self.kernel, self.recurrent_kernel, self.bias
        every, h, c = ops.lstm(x, *weights, h0, c0, x.mask, go_backwards=self.go_backwards)
        y = every if self.return_sequences else h
        if self.return_sequences and x.mask is not None:
            y.mask = x.mask[:, ::-1] if self.go_backwards else x.mask
        return (y, h, c) if self.return_state else y
