"""What optimizers share: settings, slots, clipping, and a step on all parameters or on none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from .. import arguments, device
from ..device import Array, array_module, drop_subnormal, lock, on_device
from ..engine.graph import Parameter, Tensor
from ..naming import name_of
from ..ops import SparseGradient, dense_gradient
from ..other_names import Misnomer
from ..questions import OPEN, on_gpu, settle
from ..recipes import Recipe, refuse_unknown
from .clipping import clipped_by_global_norm, clipped_by_norm, clipped_by_value
from .finite import NotFinite, is_finite, numbers_of
from .rule import Rule
from .tables import array_to_write_into, shares_left, step_where_read, unlock
from .together import Arrangement, Together, check_shape

Change = Callable[[], None]


class Optimizer(Recipe):
    """The common part of optimizers: how a rule makes a step on all parameters, or on none.

    A subclass names its `slots`, what it keeps of each parameter (running averages ...), and writes
    a `rule` (see `tinygrad_mo.optimizers.Rule`).

    Parameters
    ----------
    learning_rate : float or function
        Size of a step, at least 0. A function of the step (0, 1 ...), such as one of
        `tinygrad_mo.schedules`, is asked before each.
    weight_decay : float
        At least 0: before each step every weight that it moves, biases too, loses this share of
        itself, times the learning rate, ``w -= learning_rate * weight_decay * w``, apart from the
        gradient (Loshchilov & Hutter 2019). Default: 0. To add it to the loss instead, there are
        `tinygrad_mo.layers.regularizers`.
    clipvalue : float, optional
        Cut every number of a gradient to between ``-clipvalue`` and ``clipvalue``.
    clipnorm : float, optional
        Scale the gradient of each parameter down to this norm, if it is longer.
    global_clipnorm : float, optional
        Scale all gradients together down to this norm, which keeps their direction (Pascanu et
        al. 2013).

    Raises
    ------
    TypeError, ValueError
        If something is not a number, or out of its range, or if more than one way of clipping is
        chosen.

    Attributes
    ----------
    slots : tuple of str
        Their names.
    slot_start : float
        What they start from.
    step : int
        How many steps have been made.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_mo as tg
    >>> class Momentum(tg.optimizers.Optimizer):
    ...     slots = ("velocity",)
    ...
    ...     def rule(self, w, g, rate, t, velocity):
    ...         velocity = 0.5 * velocity - rate * g
    ...         return w + velocity, velocity
    >>> w, optimizer = tg.Parameter([1.0, 2.0], "w"), Momentum(learning_rate=1.0)
    >>> for _ in range(2):
    ...     optimizer.apply({w: np.array([1.0, -1.0])})
    >>> w.numpy()
    array([-1.5,  4.5], dtype=float32)
    >>> optimizer.state[w]
    [array([-1.5,  1.5], dtype=float32)]

    A copy (`copy.deepcopy`, `pickle`) has copies of the parameters, too. Copy the model together
    with its optimizer.
    """

    slots: tuple[str, ...] = ()
    slot_start = 0.0
    weight_decay = 0.0
    kinds = ("optimizer",)
    lr = Misnomer("optimizer")

    def __init_subclass__(cls, **options: Any):
        super().__init_subclass__(**options)
        if not isinstance(cls.rule, Rule):  # a method as anybody writes it
            cls.rule = Rule(cls.rule)  # type: ignore[method-assign]

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float = 0.0,
        clipvalue: float | None = None,
        clipnorm: float | None = None,
        global_clipnorm: float | None = None,
        **unknown: Any,
    ):
        name = type(self).__name__
        if "use_ema" in unknown:
            raise TypeError(
                f"{name} has no option 'use_ema': a callback keeps the average of the weights, "
                f"fit(..., callbacks=tg.callbacks.AverageWeights(momentum=0.99))"
            )
        refuse_unknown(type(self), unknown)
        self.weight_decay = arguments.number(f"{name}: weight_decay", weight_decay, at_least=0)
        limits = {
            "clipvalue": clipvalue, "clipnorm": clipnorm, "global_clipnorm": global_clipnorm
        }  # fmt: skip
        given = {
            way: arguments.number(f"{name}: {way}", limit, above=0)
            for way, limit in limits.items()
            if limit is not None
        }
        if len(given) > 1:
            raise ValueError(f"give one of clipvalue, clipnorm, global_clipnorm, not {given}")
        self.clipvalue, self.clipnorm, self.global_clipnorm = map(given.get, limits)
        self.step = 0
        self._steps: dict[Parameter, int] = {}  # of each parameter
        self._slots: dict[Parameter, list[Array]] = {}
        self._seen: dict[Parameter, Array] = {}  # of a table: how many of its steps, by entry
        self._arrangement: Arrangement | None = None  # the last step's
        self._on_gpu: bool | None = None  # are all arrays there? None: nobody knows
        self.names: Mapping[Parameter, str] = {}  # as errors call parameters; default: their own
        self._rate: Any = None
        self.learning_rate = learning_rate

    def __getstate__(self) -> dict[str, Any]:
        self._count()
        # A copy puts parameters together anew, and looks where they are.
        return {**vars(self), "_arrangement": None, "_on_gpu": None}

    @Rule
    def rule(self, w: Array, g: Array, rate: float, t: int, *slots: Array) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no rule")

    @property
    def learning_rate(self) -> float:
        """Size of the next step. It can be set at any time, unless it follows a schedule."""
        if not callable(self._rate):
            return self._rate
        name = f"the learning rate that {name_of(self._rate)} gives for step {self.step}"
        return arguments.number(name, self._rate(self.step), at_least=0)

    @learning_rate.setter
    def learning_rate(self, rate: Any) -> None:
        if callable(self._rate) and not callable(rate):
            raise ValueError(
                f"the learning rate follows {name_of(self._rate)}, it cannot be set to "
                f"{rate}, too: give the optimizer a number first, or leave out what sets it"
            )
        if callable(rate):
            self._rate = arguments.function_of("the learning rate", rate, ["step"])
        else:
            self._rate = arguments.number("the learning rate", rate, at_least=0)

    @property
    def follows_schedule(self) -> bool:
        """Is the learning rate a function of the step?"""
        return callable(self._rate)

    @property
    def state(self) -> dict[Parameter, list[Array]]:
        """The slots of each parameter, all up to date."""
        for w in list(self._seen):
            self._slots[w] = self._slots_of(w)
            del self._seen[w]
        return self._slots

    @property
    def arrangement(self) -> Arrangement | None:
        """Which parameters the last step has put together; None if it is to be found anew."""
        return self._arrangement

    def memory(self) -> dict[Parameter, dict[str, Array]]:
        """The arrays by name from which training goes on with the same bits (and not copies)."""
        self._count()
        found = {}
        for w, slots in self._slots.items():
            found[w] = dict(zip(self.slots, slots, strict=True))
            found[w]["steps"] = np.array(self._steps[w])
            if w in self._seen:
                found[w]["seen"] = self._seen[w]
        return found

    def remember(self, memory: Mapping[Parameter, Mapping[str, Array]]) -> None:
        """Go on from what `memory` gave; the arrays are then the optimizer's own.

        Raises
        ------
        ValueError
            If they are those of another kind of optimizer. Nothing has changed then.
        """
        for w, arrays in memory.items():
            kept = [name for name in arrays if name not in ("steps", "seen")]
            if set(kept) != set(self.slots):
                raise ValueError(
                    f"{type(self).__name__} keeps {list(self.slots)} of each parameter; of {w} "
                    f"there is {kept}: that is from another kind of optimizer"
                )
        self._slots = {w: [arrays[name] for name in self.slots] for w, arrays in memory.items()}
        self._steps = {w: int(arrays.get("steps", self.step)) for w, arrays in memory.items()}
        self._seen = {w: arrays["seen"] for w, arrays in memory.items() if "seen" in arrays}
        self._arrangement, self._on_gpu = None, None

    def apply(
        self, gradients: Mapping[Parameter, Any], check: Callable[[], Any] | None = None
    ) -> None:
        """Make one step on all parameters, or, if anything is not finite, on none.

        Parameters
        ----------
        gradients : dict
            The gradient of each parameter, in its shape: an array, or a `SparseGradient`. None: no
            path leads to it, and it stays as it is. There must be one at least.
        check : function, optional
            Called when the step is worked out and before it is taken; it may raise.

        Raises
        ------
        FloatingPointError
            If a gradient holds NaN or infinity, or the step would bring NaN or infinity into a
            parameter or slot. Neither has changed then.
        TypeError, ValueError
            If a schedule gives no learning rate (a finite number, at least 0), or something is no
            parameter, or no gradient in its shape. Nothing has changed then, either.
        """
        is_gpu = device.xp() is not np
        if is_gpu is not self._on_gpu:
            self._move()
        now = known = self._arrangement
        is_known = type(gradients) is dict and now is not None
        if not is_known or now.parameters != list(gradients):  # type: ignore[union-attr]
            gradients = checked_gradients(gradients)
        if is_gpu:  # which has time for all entries of a table
            gradients = {w: on_device(dense_gradient(g)) for w, g in gradients.items()}
        rate = self.learning_rate
        try:
            if now is None or now.parameters != list(gradients):
                self._count()
                now = Arrangement(gradients, self._steps, self._slots_of)
            clipped = self._clipped(gradients)
            changes = [self._step_together(some, clipped, rate) for some in now.together]
            changes += [self._step_alone(w, clipped[w], rate) for w in now.alone]
            if check is not None:
                check()
            if OPEN:
                settle()
        except (NotFinite, RuntimeWarning, FloatingPointError) as error:  # as NumPy is told to do
            raise self._refusal(gradients, rate) or error from None
        except (AttributeError, TypeError, ValueError):
            rest = checked_gradients(gradients)  # what had a gradient may have none any more
            if len(rest) == len(gradients):
                raise
            return self.apply(rest, check)
        if now is not known:
            self._arrangement = now
            for some in now.together:
                self._slots.update(zip(some.parameters, some.slots_of_each(), strict=True))
                for w in self._seen.keys() & some.parameters:
                    del self._seen[w]
        for change in changes:
            change()
        self.step += 1
        if self.step % 64 == 0:  # averages of what no longer gets a gradient decay
            for w in gradients.keys() - self._seen.keys():
                for slot in self._slots[w]:
                    drop_subnormal(slot)

    def _move(self) -> None:
        """Bring all that is kept to where new arrays live."""
        self._on_gpu = there = device.xp() is not np
        held = [x for w, slots in self._slots.items() for x in (w.value, *slots)]
        if any(on_gpu(x) is not there for x in held):
            self._count()
            for w, slots in self.state.items():
                w.value, slots[:] = on_device(w.value), map(on_device, slots)
            self._arrangement = None

    def _count(self) -> None:
        """Note for each parameter what is known of those that are stepped together."""
        for some in self._arrangement.together if self._arrangement else ():
            self._steps.update(dict.fromkeys(some.parameters, some.steps))

    # Each of these works out a step and returns the function that takes it. Until then nothing has
    # changed.

    def _step_together(
        self, some: Together, gradients: Mapping[Parameter, Any], rate: float
    ) -> Change:
        """Of small parameters, all at once."""
        w, g, rule = some.value(), some.gradient(gradients), type(self).rule
        is_small = w.size < device.WORTH_A_CALL and isinstance(w, np.ndarray)
        after_step = rule.after_step_of_few if is_small else rule.after_step
        return partial(some.take_step, *after_step(self, w, g, rate, some.steps + 1, some.slots))

    def _step_alone(self, w: Parameter, g: Any, rate: float) -> Change:
        """Of one parameter."""
        check_shape(w, g)
        rule, t = type(self).rule, self._steps.get(w, 0) + 1
        shares = None if self.weight_decay else rule.shares_at_rest(self)
        if isinstance(g, SparseGradient) and shares is not None:
            return self._step_of_table(w, g, rate, t, shares)
        flat = [a.reshape(-1) for a in (w.value, dense_gradient(g), *self._slots_of(w))]
        new = rule.after_step(self, flat[0], flat[1], rate, t, flat[2:])

        def change() -> None:
            value, *slots = (a.reshape(w.shape) for a in new)
            value = value.astype(w.dtype, copy=False)
            lock(value)
            w.value = value  # it is new, so that `assign` need not copy it
            self._slots[w], self._steps[w] = slots, t
            self._seen.pop(w, None)

        return change

    def _step_of_table(
        self, w: Parameter, g: SparseGradient, rate: float, t: int, shares: tuple[float, ...]
    ) -> Change:
        """The same where a batch has read few entries of a table, and only on these."""
        slots = self._slots[w] if w in self._slots else self._slots_of(w)
        table = array_to_write_into(w)
        seen = self._seen.get(w)
        if seen is None:
            seen = array_module(table).full(len(table), t - 1)
        if g.dtype != w.dtype:
            g = g.with_values(g.values.astype(w.dtype))
        left = shares_left(shares, t - 1 - seen[g.ids], w.dtype)
        take_it = step_where_read(self, table, g, rate, t, slots, left)

        def change() -> None:
            unlock(table)
            take_it()
            lock(table)
            w.value = table
            seen[g.ids] = t
            self._slots[w], self._steps[w], self._seen[w] = slots, t, seen

        return change

    def _slots_of(self, w: Parameter) -> list[Array]:
        """Its slots, all entries up to date; at first, new ones."""
        if w not in self._slots:
            self._check_epsilon(w)
            new = array_module(w.value).full
            return [new(w.shape, self.slot_start, w.dtype) for _ in self.slots]
        if w in self._seen:
            shares = type(self).rule.shares_at_rest(self)
            left = shares_left(shares, self._steps[w] - self._seen[w], w.dtype)
            return [slot * x[:, None] for slot, x in zip(self._slots[w], left, strict=True)]
        return self._slots[w]

    def _check_epsilon(self, w: Parameter) -> None:
        epsilon = getattr(self, "epsilon", 1.0)
        if w.dtype.type(epsilon) == 0:
            raise ValueError(f"epsilon={epsilon} is 0 in {w.dtype}, the type of {w}")

    def _clipped(self, gradients: Mapping[Parameter, Any]) -> Mapping[Parameter, Any]:
        if self.clipvalue is not None:
            return clipped_by_value(gradients, self.clipvalue)
        if self.clipnorm is not None:
            return clipped_by_norm(gradients, self.clipnorm)
        if self.global_clipnorm is not None:
            return clipped_by_global_norm(gradients, self.global_clipnorm)
        return gradients

    def _called(self, w: Parameter) -> str:
        return f"{self.names.get(w, w.name)!r} {w.shape}"

    def _refusal(
        self, gradients: Mapping[Parameter, Any], rate: float
    ) -> FloatingPointError | None:
        """The error that names the parameter and the cause, if there is one."""
        self._count()
        for w, g in gradients.items():
            if not is_finite(g):
                return FloatingPointError(
                    f"the gradient of {self._called(w)} is not finite, so no step was made: look "
                    f"for NaN in the data, a log or division by 0, or a learning rate that is too "
                    f"high"
                )
        with np.errstate(all="ignore"), device.use(kernels=False):  # which formulas need not be
            for w, g in self._clipped(gradients).items():
                if not is_finite(w.value):
                    return FloatingPointError(
                        f"{self._called(w)} is not finite, so no step was made"
                    )
                try:
                    self._step_alone(w, g, rate)
                    settle()
                except NotFinite as where:
                    largest = float(abs(numbers_of(g)).max())
                    return FloatingPointError(
                        f"a step of {type(self).__name__} would bring infinity or NaN into the "
                        f"{where} of {self._called(w)}, so no step was made (its largest gradient "
                        f"is {largest:.3g}, the learning rate {rate:.3g}): clip the gradients "
                        f"(clipnorm=1.0), scale the loss, or lower the learning rate"
                    )
        return None


def checked_gradients(gradients: Any) -> dict[Parameter, Any]:
    """Those that there are, if all are gradients of parameters."""
    if not isinstance(gradients, Mapping):
        raise TypeError(
            f"apply takes a dict, the gradient by parameter, not {arguments.shown(gradients)}: "
            f"pairs of lists become one by dict(zip(parameters, gradients))"
        )
    for w, g in gradients.items():
        if not isinstance(w, Parameter):
            raise TypeError(
                f"apply: {w if isinstance(w, Tensor) else arguments.shown(w)} is no Parameter, "
                f"which alone can be changed: make it by tg.Parameter(value, name)"
            )
        if np.dtype(w.dtype).kind != "f":
            raise TypeError(f"apply: {w} holds {w.dtype}, and a step would be cut off: make floats")
        if isinstance(g, Tensor) or (g is not None and not hasattr(g, "shape")):
            kind = "tensor" if isinstance(g, Tensor) else type(g).__name__
            raise TypeError(f"apply: the gradient of {w} must be an array, not a {kind}")
        if g is not None and g.dtype.kind not in "fiub":
            raise TypeError(f"apply: the gradient of {w} holds {g.dtype}, not real numbers")
    found = {w: g for w, g in gradients.items() if g is not None}
    if not found:
        why = "was given no gradients"
        if gradients:
            why = f"was given None alone: no loss reaches {', '.join(map(format, gradients))}"
        raise ValueError(
            f"apply {why}, so that nothing would be trained: give the gradient by parameter, as "
            f"dict(zip(parameters, tg.gradients(loss, parameters)))"
        )
    return found
