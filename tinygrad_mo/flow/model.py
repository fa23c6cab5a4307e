"""The model as users meet it: a graph that can be trained and watched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..callbacks import Callback
from ..device import Array
from ..engine.graph import Tensor
from ..engine.plan import topological_order
from ..files.checkpoint import load_model
from ..naming import did_you_mean
from ..training.training import TrainableModel
from .explain import explain
from .flow import Flow
from .recording import FlowPlan
from .words import listing


class Model(TrainableModel):
    """A network between inputs and outputs: train it, predict with it, see its gradient flow.

    Parameters
    ----------
    inputs, outputs : Tensor, or a list or dict of Tensor
        Where the graph starts (`Input` tensors) and ends. Names of outputs are the keys of a dict,
        otherwise the names of the layers that make them.
    name : str, optional

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_mo as tg
    >>> tg.set_random_seed(0)
    >>> x = tg.Input((3,), name="numbers")
    >>> trunk = tg.layers.Dense(4, activation="tanh", name="trunk")(x)
    >>> outputs = [tg.layers.Dense(1, name="price")(trunk), tg.layers.Dense(1, name="size")(trunk)]
    >>> model = tg.Model(x, outputs)
    >>> model.compile("sgd", loss="mse", loss_weights={"price": 1.0, "size": 0.1})
    >>> data = np.eye(3)
    >>> history = model.fit(data, [data.sum(1), data[:, 0]], epochs=2, verbose=0)
    >>> flow = model.gradient_flow(data, [data.sum(1), data[:, 0]])
    >>> flow.reaches("size", "trunk"), flow.reaches("size", "price")
    (True, False)
    """

    def gradient_flow(
        self, x: Any, y: Any, sample_weight: Any = None, *, keep_arrays: bool = False
    ) -> Flow:
        """Measure the gradient of each loss on every wire and weight, in one sweep.

        Parameters
        ----------
        x, y, sample_weight
            A batch, as for `fit`. It is run at once, so some hundred samples are a good size.
        keep_arrays : bool
            Keep the gradients themselves, for `Flow.gradient`, not only their sizes and angles.

        Returns
        -------
        Flow
            Of the model as it is; dropout is off. Nothing is trained.
        """
        return self.flow_of(self.labelled_data(x, y, sample_weight), keep_arrays)

    def explain(self) -> str:
        """The compiled model in plain words: which loss trains what, and what its weight touches.

        It follows from the graph alone, without data; `gradient_flow` measures.

        Examples
        --------
        >>> import tinygrad_mo as tg
        >>> x = tg.Input((3,))
        >>> trunk = tg.layers.Dense(4, name="trunk")(x)
        >>> heads = [tg.layers.Dense(1, name=name)(trunk) for name in ("price", "size")]
        >>> model = tg.Model(x, heads)
        >>> model.compile("adam", "mse", loss_weights={"size": 0.1})
        >>> print(model.explain())
        One number is minimised: 1 x price + 0.1 x size.
        One backward sweep finds all gradients.
        <BLANKLINE>
        price (mean_squared_error of output price) trains trunk and price. No path leads from it
        to size.
        size (mean_squared_error of output size) trains trunk and size. No path leads from it to
        price.
        <BLANKLINE>
        The weight of price scales the whole gradient of price, changes the mixture in trunk and
        leaves size exactly as before.
        The weight of size scales the whole gradient of size, changes the mixture in trunk and
        leaves price exactly as before.
        <BLANKLINE>
        Adam divides each gradient by its own running size. Where one loss is alone (price and
        size) its weight cancels; it matters only where losses meet.
        """
        return explain(self)

    def without(self, *outputs: str) -> Model:
        """The model without some outputs, and without the layers that only they need.

        The layers that stay are shared with this model, weights and all: auxiliary heads that
        helped to train it are cut off before it is used.

        Parameters
        ----------
        outputs : str
            Names of outputs; at least one output must stay.

        Returns
        -------
        Model
            Not compiled. Inputs that nothing needs any more are gone, too.
        """
        for name in outputs:
            if name not in self.outputs:
                raise ValueError(
                    f"{self} has no output {name!r}; {did_you_mean(name, self.outputs)}"
                )
        left = {name: t for name, t in self.outputs.items() if name not in outputs}
        if not left:
            raise ValueError(f"without {listing(outputs)} no output is left")
        needed = {x for step in topological_order(list(left.values())) for x in step.inputs}
        inputs = {name: t for name, t in self.inputs.items() if t in needed or t in left.values()}
        ends: Any = left if self.outputs_are_dict else list(left.values())
        if len(left) == 1 and not self.outputs_are_dict:
            (ends,) = left.values()
        starts: Any = inputs if self.inputs_are_dict else list(inputs.values())
        return Model(starts, ends, name=self.name)

    def flow_of(self, data: Mapping[Tensor, Array], keep_arrays: bool = False) -> Flow:
        """The flow for data that was matched to tensors already."""
        return Flow(self, FlowPlan(self, keep_arrays), data)


def load(path: str | Path, custom: Mapping[str, Any] | None = None) -> Model:
    """Read a model that `Model.save` wrote, compiled and ready to go on training.

    Parameters
    ----------
    path : str or Path
    custom : dict, optional
        Classes and functions of your own that the model was made with, by name.

    Raises
    ------
    CheckpointError
        If the file is not whole, holds weights only, or needs something that `custom` lacks.

    Examples
    --------
    >>> import tempfile
    >>> import tinygrad_mo as tg
    >>> x = tg.Input((3,))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tg.Model(x, tg.layers.Dense(2, name="out")(x)).save(folder + "/model.tg")
    ...     print(tg.load(folder + "/model.tg").get_layer("out"))
    Dense 'out'
    """
    return load_model(path, Model, custom)


class FlowRecorder(Callback):
    """Record the gradient flow during `fit`.

    Parameters
    ----------
    every : int
        Steps from one record to the next. Default: 10.
    data : (x, y), optional
        Always measure these samples. Default: the batch that is about to be trained on.

    Attributes
    ----------
    flows : list of Flow
        The `step` of each says how many training steps came before.
    """

    phase = "look"

    def __init__(self, every: int = 10, data: Any = None):
        if every < 1:
            raise ValueError(f"every counts training steps, it cannot be {every}")
        self.every, self.data = every, data
        self.flows: list[Flow] = []

    def on_train_begin(self) -> None:
        """Look at the data once, so that mistakes show before the first step."""
        self._fixed = None if self.data is None else self.model.labelled_data(*self.data)

    def on_train_batch_begin(self, step: int, batch: Mapping[Any, Any]) -> None:
        """Record, if it is time."""
        if step % self.every == 0:
            self.flows.append(self.model.flow_of(self._fixed or batch))
