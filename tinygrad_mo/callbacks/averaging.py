"""The running average of the weights, which the model has wherever it is judged and kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import arguments
from ..device import Array, array_module, on_device, to_numpy
from ..engine.graph import Parameter
from ..layers.base import assign_all
from .base import Callback, Logs


class AverageWeights(Callback):
    """Train the weights, and judge and keep their running average (Polyak & Juditsky 1992).

    Weights that still sway from step to step are often better on average. After each step,
    ``average = momentum * average + (1 - momentum) * weight``; it begins as what the first step has
    made. When the steps of an epoch are done, the average takes the place of the weights: the
    held-back data are scored with it, and `EarlyStopping`, `ModelCheckpoint` and whatever else is
    told of the end of an epoch finds it in the model. The next epoch goes on from the weights.

    When `fit` ends, the model has the average: `evaluate`, `predict` and `save` need nothing more.
    If it was interrupted, by Ctrl-C or an error, the weights are those of the last step.

    What is not trained by gradients, such as the moving averages of a BatchNormalization, stays as
    it is. In Keras this is ``use_ema=True`` of an optimizer, with ``SwapEMAWeights``.

    Parameters
    ----------
    momentum : float
        From 0 to below 1: what is left of the average in each step. About the last
        ``1 / (1 - momentum)`` steps count. Default: 0.99.

    Raises
    ------
    TypeError, ValueError
        If it is not a number, or out of its range; before the first epoch, if the list of
        callbacks has two of them.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_mo as tg
    >>> x = tg.Input((1,))
    >>> model = tg.Model(x, tg.layers.Dense(1, use_bias=False, kernel_initializer="zeros")(x))
    >>> model.compile(tg.optimizers.SGD(0.25), "mse")
    >>> data = np.ones((2, 1))
    >>> average = tg.callbacks.AverageWeights(momentum=0.5)
    >>> history = model.fit(data, data, batch_size=1, epochs=1, verbose=0, callbacks=average)
    >>> model.get_weights()[0]  # halfway between the weights after the two steps, 0.5 and 0.75
    array([[0.625]], dtype=float32)
    """

    phase = "schedule"  # the first that is told: others find the average, or the weights
    saved = ("averages", "put_aside")

    def __init__(self, momentum: float = 0.99):
        self.momentum = arguments.number("AverageWeights: momentum", momentum, at_least=0, below=1)
        self._averages: list[Array] = []
        self._put_aside: list[Array] = []

    @property
    def averages(self) -> list[np.ndarray]:
        """Those of all trainable weights, in the order of `model.weights`; empty before a step."""
        return list(map(to_numpy, self._averages))

    @averages.setter
    def averages(self, arrays: Sequence[np.ndarray]) -> None:
        self._averages = list(map(on_device, arrays))

    @property
    def put_aside(self) -> list[np.ndarray]:
        """The weights of the last step, while the model has the average."""
        return list(map(to_numpy, self._put_aside))

    @put_aside.setter
    def put_aside(self, arrays: Sequence[np.ndarray]) -> None:
        self._put_aside = list(map(on_device, arrays))

    def weights(self) -> list[Parameter]:
        """What is averaged."""
        return self.model.trainable_weights

    def on_train_begin(self) -> None:
        """Start afresh, from the weights as they are."""
        others = [one for one in self.model.fitting.listeners if isinstance(one, AverageWeights)]
        if len(others) > 1:
            raise ValueError("AverageWeights is in the list of callbacks twice: give one")
        self._averages, self._put_aside = [], []

    def on_epoch_begin(self, epoch: int) -> None:
        """Go on from the weights of the last step."""
        self.go_back()

    def on_train_end(self) -> None:
        """Leave the weights of the last step, if fit was interrupted."""
        if not self.model.fitting.finished:
            self.go_back()

    def on_train_batch_end(self, step: int, logs: Logs) -> None:
        """Follow the weights."""
        values = [w.value for w in self.weights()]
        if not self._averages:
            self._averages = [array_module(value).array(value) for value in values]
            return
        for average, value in zip(self._averages, values, strict=True):
            average += (1 - self.momentum) * (value - average)  # what stands still does not drift

    def on_steps_end(self, epoch: int) -> None:
        """Give the model the average, if there is one."""
        if self._averages:
            self._put_aside = [w.value for w in self.weights()]
            assign_all(zip(self.weights(), self._averages, strict=True))

    def go_back(self) -> None:
        """Give the model the weights that were put aside, if there are any."""
        if self._put_aside:
            assign_all(zip(self.weights(), self._put_aside, strict=True))
            self._put_aside = []
