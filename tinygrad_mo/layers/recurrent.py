"""Layers that read a sequence step by step."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np

from .. import arguments, ops
from ..engine.graph import Parameter, Tensor
from . import initializers
from .axes import count
from .base import Layer

STATES = ["h", "c"]


class Recurrent(Layer):
    """The common part: a state that each step of a sequence changes.

    A subclass names the number of its gates and states, and computes with `run`.

    Parameters
    ----------
    units : int
        Width of the state.
    return_sequences : bool
        True: the state after every step, (batch, time, units). False: after the last.
    return_state : bool
        True: return the output and the last states.
    go_backwards : bool
        Read the sequence from its end; outputs come in the order in which they are computed.
    kernel_initializer, recurrent_initializer, bias_initializer : str or callable
        Default: glorot_uniform, orthogonal, zeros.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or callable, optional
    use_bias : bool
        Default: True.
    dropout, recurrent_dropout : float
        While training, the share of the features of the input, and of the units of the state, that
        the gates do not see: one draw for all steps of a sequence. Default: 0.
    stateful : int, optional
        The number of samples in each batch, if sequences go on from batch to batch: while training,
        row i starts from the state with which row i of the batch before has ended, with
        ``fit(..., shuffle=False)``. No gradient goes back into earlier batches. `predict` and
        `evaluate` start from zeros and change nothing. `reset_states` lets new sequences begin.
        The states count among the weights: a layer for another number of samples takes kernel,
        recurrent_kernel and bias over one by one, ``new.kernel.assign(old.kernel)``.
    """

    input_ndim = 3
    fixed_width = True
    uses_mask = True
    gates = 1
    states = 1

    def __init__(
        self,
        units: int,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        use_bias: bool = True,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        stateful: int | None = None,
        **options: Any,
    ):
        super().__init__(**options)
        self.units = count(self, "units", units)
        self.return_sequences = arguments.flag(f"{self}: return_sequences", return_sequences)
        self.return_state = arguments.flag(f"{self}: return_state", return_state)
        self.go_backwards = arguments.flag(f"{self}: go_backwards", go_backwards)
        self.kernel_initializer, self.kernel_regularizer = kernel_initializer, kernel_regularizer
        self.recurrent_initializer = recurrent_initializer
        self.recurrent_regularizer = recurrent_regularizer
        self.bias_initializer, self.bias_regularizer = bias_initializer, bias_regularizer
        self.use_bias = arguments.flag(f"{self}: use_bias", use_bias)
        self.dropout = arguments.share(f"{self}: dropout", dropout)
        self.recurrent_dropout = arguments.share(f"{self}: recurrent_dropout", recurrent_dropout)
        if stateful is not None:
            what = f"{self}: stateful, the number of samples in each batch,"
            stateful = arguments.whole(what, stateful, at_least=1)
        self.stateful = stateful
        self.kept: list[Parameter] = []  # the states, if it is stateful

    def make_weights(self, shape: Any) -> None:
        columns = self.gates * self.units
        self.kernel = self.add_weight(
            "kernel", (shape[-1], columns), self.kernel_initializer, self.kernel_regularizer
        )
        self.recurrent_kernel = self.add_weight(
            "recurrent_kernel",
            (self.units, columns),
            self.recurrent_initializer,
            self.recurrent_regularizer,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", self.bias_shape, self.first_bias, self.bias_regularizer
            )

        if self.stateful is not None:
            shape = self.stateful, self.units
            names = STATES[: self.states]
            self.kept = [self.add_weight(one, shape, "zeros", trainable=False) for one in names]

    def reset_states(self) -> None:
        """Let new sequences begin: the states of a stateful layer become zeros."""
        if self.stateful is None:
            raise ValueError(f"{self} keeps no states: it is not stateful")
        for state in self.kept:
            state.assign(np.zeros(state.shape))

    @property
    def bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def first_bias(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
        return initializers.get(self.bias_initializer)(shape, generator)

    def twin(self, name: str, other_way: bool = False) -> Recurrent:
        """A new layer with the same options, which may read in the other direction."""
        if self.built:
            raise ValueError(f"{self} has weights already; give a new layer")
        twin = copy(self)
        twin._added_weights, twin._generator, twin.kept = [], None, []
        twin.name, twin.go_backwards = name, self.go_backwards != other_way
        return twin

    def run(self, x: Tensor, states: tuple[Any, ...], mask: Any) -> tuple[Tensor, ...]:
        """All outputs (batch, time, units), then the last states, from the first ones."""
        raise NotImplementedError

    @property
    def op_inputs(self) -> tuple[Any, ...]:
        """The weights, as the op takes them."""
        bias = np.zeros(self.bias_shape) if self.bias is None else self.bias
        return self.kernel, self.recurrent_kernel, bias

    @property
    def op_options(self) -> dict[str, Any]:
        """The attributes that the ops of all kinds have; those of dropout only where it is."""
        options: dict[str, Any] = {"go_backwards": self.go_backwards}
        if self.recurrent_dropout:
            options |= {
                "recurrent_dropout": self.recurrent_dropout,
                "generator": self.generator,
            }
        return options

    def first_state(self, x: Tensor, state: Any) -> Tensor | None:
        """A state to start from, checked; None: zeros."""
        if state is None:
            return None
        state = state if isinstance(state, Tensor) else Tensor(state)
        if state.shape not in ((n, self.units) for n in (x.shape[0], 1)):
            raise ValueError(
                f"{self} keeps a state of shape {(x.shape[0], self.units)}, or {(1, self.units)} "
                f"for all samples: it cannot start from {state}"
            )
        return state

    def call(self, x: Tensor, initial_state: Any = None) -> Any:
        if self.stateful is not None:
            if initial_state is not None:
                raise ValueError(f"{self} is stateful, so that it has no other initial_state")
            initial_state = [ops.kept_state(x, state) for state in self.kept]
        if initial_state is None:
            initial_state = (None,) * self.states
        if hasattr(initial_state, "shape"):  # one tensor or array
            initial_state = [initial_state]
        first = arguments.listed(f"{self}: initial_state", initial_state, lambda _, state: state)
        if len(first) != self.states:
            names = ", ".join(STATES[: self.states])
            raise ValueError(
                f"{self} has {self.states} states, initial_state holds {len(first)}: give a list "
                f"[{names}], each of shape {(x.shape[0], self.units)}"
            )
        first, mask = [self.first_state(x, state) for state in first], self.mask_of_steps(x)
        if self.dropout:
            x = ops.dropout(x, rate=self.dropout, generator=self.generator, shared_axes=(1,))
        every, *last = self.run(x, tuple(first), mask)
        y = every if self.return_sequences else last[0]
        for state, new in zip(self.kept, last, strict=False):
            y, _ = ops.keep_state(y, new, state, momentum=0.0)
        if self.return_sequences and mask is not None:
            y.mask = mask[:, ::-1] if self.go_backwards else mask
        return (y, *last) if self.return_state else y


class LSTM(Recurrent):
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
    use_bias : bool
        Default: True.
    dropout, recurrent_dropout : float
        While training, the share of the features of the input, and of the units of the state, that
        the gates do not see: one draw for all steps of a sequence. Default: 0.
    stateful : int, optional
        The number of samples in each batch, if sequences go on from batch to batch: while training,
        row i starts from the state with which row i of the batch before has ended, with
        ``fit(..., shuffle=False)``. No gradient goes back into earlier batches. `predict` and
        `evaluate` start from zeros and change nothing. `reset_states` lets new sequences begin.
        The states count among the weights: a layer for another number of samples takes kernel,
        recurrent_kernel and bias over one by one, ``new.kernel.assign(old.kernel)``.

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

    gates = 4
    states = 2

    def __init__(self, units: int, *more: Any, unit_forget_bias: bool = True, **options: Any):
        super().__init__(units, *more, **options)
        self.unit_forget_bias = arguments.flag(f"{self}: unit_forget_bias", unit_forget_bias)

    def first_bias(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
        bias = np.array(super().first_bias(shape, generator))
        if self.unit_forget_bias and bias.shape == shape:
            bias[self.units : 2 * self.units] = 1
        return bias

    def run(self, x: Tensor, states: tuple[Any, ...], mask: Any) -> tuple[Tensor, ...]:
        return ops.lstm(x, *self.op_inputs, *states, mask, **self.op_options)


class GRU(Recurrent):
    """Gated recurrent unit, with the gates in Keras's order: update, reset, candidate.

    Parameters
    ----------
    units : int
        Width of the state.
    return_sequences : bool
        True: the state after every step, (batch, time, units). False: after the last.
    return_state : bool
        True: return ``(output, h)``, with the last state.
    go_backwards : bool
        Read the sequence from its end; outputs come in the order in which they are computed.
    reset_after : bool
        Apply the reset gate after the recurrent kernel (default), or before it (Cho et al. 2014).
    kernel_initializer, recurrent_initializer, bias_initializer : str or callable
        Default: glorot_uniform, orthogonal, zeros.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or callable, optional
    use_bias : bool
        Default: True.
    dropout, recurrent_dropout : float
        While training, the share of the features of the input, and of the units of the state, that
        the gates do not see: one draw for all steps of a sequence. Default: 0.
    stateful : int, optional
        The number of samples in each batch, if sequences go on from batch to batch: while training,
        row i starts from the state with which row i of the batch before has ended, with
        ``fit(..., shuffle=False)``. No gradient goes back into earlier batches. `predict` and
        `evaluate` start from zeros and change nothing. `reset_states` lets new sequences begin.
        The states count among the weights: a layer for another number of samples takes kernel,
        recurrent_kernel and bias over one by one, ``new.kernel.assign(old.kernel)``.

    Notes
    -----
    Steps that the input's mask marks as padding are skipped: the state is carried over them.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> layer = tg.layers.GRU(32)
    >>> layer(tg.Input((100, 64))), layer.count_params()  # 3 * (64 * 32 + 32 * 32 + 2 * 32)
    (<Tensor 'gru' (None, 32), float32>, 9408)
    """

    gates = 3

    def __init__(self, units: int, *more: Any, reset_after: bool = True, **options: Any):
        super().__init__(units, *more, **options)
        self.reset_after = arguments.flag(f"{self}: reset_after", reset_after)

    @property
    def bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def run(self, x: Tensor, states: tuple[Any, ...], mask: Any) -> tuple[Tensor, ...]:
        options = self.op_options | {"reset_after": self.reset_after}
        return ops.gru(x, *self.op_inputs, *states, mask, **options)


class SimpleRNN(Recurrent):
    """A state that each step moves to ``tanh(x W + h U + b)``.

    Parameters
    ----------
    units : int
        Width of the state.
    return_sequences : bool
        True: the state after every step, (batch, time, units). False: after the last.
    return_state : bool
        True: return ``(output, h)``, with the last state.
    go_backwards : bool
        Read the sequence from its end; outputs come in the order in which they are computed.
    kernel_initializer, recurrent_initializer, bias_initializer : str or callable
        Default: glorot_uniform, orthogonal, zeros.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or callable, optional
    use_bias : bool
        Default: True.
    dropout, recurrent_dropout : float
        While training, the share of the features of the input, and of the units of the state, that
        the gates do not see: one draw for all steps of a sequence. Default: 0.
    stateful : int, optional
        The number of samples in each batch, if sequences go on from batch to batch: while training,
        row i starts from the state with which row i of the batch before has ended, with
        ``fit(..., shuffle=False)``. No gradient goes back into earlier batches. `predict` and
        `evaluate` start from zeros and change nothing. `reset_states` lets new sequences begin.
        The states count among the weights: a layer for another number of samples takes kernel,
        recurrent_kernel and bias over one by one, ``new.kernel.assign(old.kernel)``.

    Notes
    -----
    Steps that the input's mask marks as padding are skipped: the state is carried over them.

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> tg.layers.SimpleRNN(16, return_sequences=True)(tg.Input((None, 8)))
    <Tensor 'simple_rnn' (None, None, 16), float32>
    """

    @classmethod
    def default_name(cls) -> str:
        return "simple_rnn"

    def run(self, x: Tensor, states: tuple[Any, ...], mask: Any) -> tuple[Tensor, ...]:
        return ops.simple_rnn(x, *self.op_inputs, *states, mask, **self.op_options)
