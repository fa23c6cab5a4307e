"""The model as users meet it: a graph that can be trained and watched."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary, ref

from . import arguments, ranks
from .arguments import flag, verbosity, whole
from .callbacks import Callback, History
from .console import say
from .device import new_generator
from .engine.graph import Step, Tensor
from .engine.plan import Plan, topological_order
from .files.archive import save_arrays, tell_of_format
from .files.checkpoint import load_model, load_weights, save_model
from .files.exchange import is_safetensors, load_safetensors, save_safetensors
from .flow.flow import Flow
from .flow.recording import measure, unmeasured
from .flow.words import explain, listing
from .layers.base import AddedLoss
from .losses import LOSSES
from .naming import did_you_mean, unique_names
from .network.network import Network, below
from .onnx_files.reading import read_network
from .onnx_files.writing import write_network
from .optimizers import Optimizer
from .optimizers import get as get_optimizer
from .source_code.to_keras import write_keras
from .source_code.to_torch import write_torch
from .training.batches import count
from .training.data import evaluated_batches, training_batches, validation_batches
from .training.fitting import Fit, all_of, as_callbacks, settings_now, train_step
from .training.memory import bytes_of_step, in_bytes
from .training.objective import Objective, check_unique
from .training.progress import numbers
from .training.scores import Scores, score

USERS: WeakKeyDictionary[Optimizer, Any] = WeakKeyDictionary()  # the model of each optimizer


class Model(Network):
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

    _objective: Objective | None = None  # before `compile`
    optimizer: Optimizer
    stop_training: bool | str = False
    fitting: Fit | None = None  # the last training
    _agreed: Objective | None = None  # with other processes

    # ------------------------------------------------------------ what to learn

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
    ) -> None:
        """Say what to learn.

        A new optimizer begins without a state, and steps are counted from 0. Given once more, the
        one that the model has goes on from where it is.

        Parameters
        ----------
        optimizer : str or Optimizer
        loss : str, Loss or function; or a list or dict of them
            One for all outputs, one per output in order, or by output name. None, or a name that a
            dict leaves out, is an output without a loss; a list is several losses for one output.
        loss_weights : float, a list or dict of them, a method or a function, optional
            What each loss is multiplied with before they are added. Default: 1. A method of
            `tinygrad_mo.balancing` ("pcgrad", ``PCGrad()``) or a function sets them in each step. A
            function ``f(step, losses)`` gets the losses of the batch by name and returns weights by
            name, those that change.
        metrics : str, Metric, Loss, function, a list of them, or a list or dict of lists, optional
            For the only output, or by output. A function of (y_true, y_pred) returns one number per
            sample.

        Raises
        ------
        ValueError
            For names that no output has, wrong counts, or a list that can be read in two ways.
        """
        if isinstance(optimizer, str) and optimizer in LOSSES:
            raise ValueError(f"{optimizer!r} is a loss: the optimizer comes first, then the loss")
        if self.fitting is not None and self.fitting.running:
            raise RuntimeError(
                f"{self} is being trained: compile it before or after fit. Learning rate, loss "
                f"weights and layer.trainable can be changed meanwhile"
            )
        chosen = get_optimizer(optimizer)
        self._refuse_used(chosen)
        objective = Objective(self, loss, loss_weights, metrics)
        USERS[chosen] = ref(self)
        if not self.is_compiled or chosen is not self.optimizer:
            self.step = 0
        self.optimizer, self._objective, self.contents = chosen, objective, objective.contents
        self.optimizer.names, self.shuffler = objective.contents.names, new_generator()

    def _refuse_used(self, optimizer: Optimizer) -> None:
        """An optimizer counts steps and keeps averages: they are of one model."""
        user = USERS[optimizer]() if optimizer in USERS else None
        used = f"{user}" if user else "other weights"
        strangers = optimizer.state.keys() - set(self.contents.weights.values())
        if (user is not None and user is not self) or strangers:
            raise ValueError(
                f"this {type(optimizer).__name__} is the optimizer of {used} already, and counts "
                f"its steps and averages there: make one for each model"
            )

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "call" in vars(cls):
            raise TypeError(
                f"{cls.__name__}: a Model is the graph between its inputs and outputs and has no "
                f"call: write a Layer with this call, or call layers on an Input, and make "
                f"Model(inputs, outputs)"
            )

    @property
    def objective(self) -> Objective:
        """What `compile` has made: losses, weights, metrics, and the data that they need."""
        if self._objective is None:
            raise RuntimeError(f"call compile(optimizer, loss) before training {self}")
        late = [name for name in self.added if name not in self._objective.terms]
        if late:
            raise RuntimeError(f"the loss {late[0]!r} was added after compile: call compile again")
        return self._objective

    def _every_step(self) -> list[Step]:
        if self._objective is None:
            return self.steps
        losses = [term.value for term in self._objective.terms.values()]
        return topological_order([*self.outputs.values(), *losses])

    @property
    def is_compiled(self) -> bool:
        return self._objective is not None

    def add_loss(self, tensor: Tensor, name: str | None = None, weight: float = 1.0) -> None:
        """Add a scalar of the graph to the losses, before `compile`.

        Parameters
        ----------
        tensor : Tensor
            Symbolic, without axes, computed from what the model computes: of an inner tensor, of
            several outputs ...
        name : str, optional
            Under which it is weighted, logged and drawn. Default: "added_loss", numbered.
        weight : float
            Default: 1.
        """
        if name is None:
            name = unique_names([*self.outputs, *self.added, "added_loss"], "_")[-1]
        name = arguments.name("add_loss: name", name)
        weight = arguments.number(f"add_loss: the weight of {name!r}", weight)
        if not isinstance(tensor, Tensor) or tensor.shape != ():
            given = f"{tensor}" if isinstance(tensor, Tensor) else type(tensor).__name__
            raise ValueError(f"loss {name!r} must be a scalar, use .mean() or .sum(), not {given}")
        if name in self.added or name in self.outputs:
            raise ValueError(f"there is a loss or output called {name!r} already")
        self.take_loss(AddedLoss(name, tensor, weight))

    @property
    def loss_weights(self) -> dict[str, float]:
        """What each loss is multiplied with, by name.

        Set it at any time (left out means 1), or set a method or function that is asked in each
        step, as in `compile`. The optimizer keeps its state.
        """
        return self.objective.weights

    @loss_weights.setter
    def loss_weights(self, given: Any) -> None:
        self.objective.set_weights(given)

    @property
    def metrics_names(self) -> list[str]:
        """The keys of a row of History, in order."""
        return self.objective.keys

    def pairing(self) -> str:
        """What belongs to what, as a table: output, loss, weight, metrics, shape of the labels."""
        return self.objective.pairing()

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
        leaves the gradient of size exactly as before.
        The weight of size scales the whole gradient of size, changes the mixture in trunk and
        leaves the gradient of price exactly as before.
        <BLANKLINE>
        Adam divides each gradient by its own running size. Where one loss is alone (price and
        size) its weight cancels, as long as it is positive, stays the same, and epsilon (1e-07;
        in the first step it counts as 3.16e-06) is small beside each number of the gradient;
        where losses meet, it decides how they mix.
        Adam remembers the gradients of earlier steps: a changed weight takes effect little by
        little, and what a loss of weight 0 has pulled moves on for a while.
        """
        return explain(unmeasured(self.objective, self.optimizer))

    def summary(
        self,
        print_fn: Callable[[str], Any] = say,
        batch_size: int | None = None,
        length: int | Mapping[str, int] | None = None,
    ) -> None:
        """Print each call of a layer: type, output shape, parameters, what it is connected to.

        Parameters
        ----------
        print_fn : function
            Gets the lines one by one. Default: print.
        batch_size : int, optional
            Of a compiled model: say, too, how much memory a training step with so many samples
            keeps from its forward to its backward pass (what pullbacks need; parameters, data and
            gradients come on top). A forward pass on zeros finds it out, with the compiled kernels
            or without them, as `tinygrad_mo.use` says at present.
        length : int or dict of int, optional
            For that: how long inputs are whose length is free, all or by name.

        Examples
        --------
        >>> import tinygrad_mo as tg
        >>> x = tg.Input((100,), name="x")
        >>> h = tg.layers.Dense(50, activation="tanh", name="hidden")(x)
        >>> model = tg.Model(x, tg.layers.Dense(1, name="y")(h))
        >>> model.compile("sgd", "mse")
        >>> model.summary(batch_size=32)
        Model: model
        --------------------------------------------------
        Layer (type)    Output shape  Params  Connected to
        --------------------------------------------------
        x (Input)       (None, 100)        0
        hidden (Dense)  (None, 50)     5,050  x
        y (Dense)       (None, 1)         51  hidden
        --------------------------------------------------
        Parameters: 5,101 (5,101 trainable, 0 not)
        Kept for the backward pass: 13.4 kB with batches of 32
        """
        lengths = self._lengths(length)
        if lengths and batch_size is None:
            raise ValueError("summary: length is for the memory of a step: give batch_size, too")
        if batch_size is not None:
            batch_size = whole("summary: batch_size", batch_size, at_least=1)
        super().summary(print_fn)
        if batch_size is not None:
            kept = in_bytes(bytes_of_step(self.objective, batch_size, lengths))
            print_fn(f"Kept for the backward pass: {kept} with batches of {batch_size}")

    def _lengths(self, given: Any) -> dict[str, int]:
        """How long the inputs are whose length is free, by name."""

        def each(what: str, value: Any) -> int:
            return whole(what, value, at_least=1)

        if given is None or isinstance(given, Mapping):
            lengths: dict[str, int] = arguments.by_name("summary: length", given, each)
        else:
            free = [name for name, x in self.inputs.items() if None in x.shape[1:]]
            lengths = dict.fromkeys(free or self.inputs, each("summary: length", given))
        for name in lengths:
            if name not in self.inputs:
                hint = did_you_mean(name, self.inputs)
                raise ValueError(f"summary: length: no input is called {name!r}; {hint}")
            if None not in self.inputs[name].shape[1:]:
                raise ValueError(
                    f"summary: length: no axis of input {self.inputs[name]} is free: leave it out"
                )
        return lengths

    # ------------------------------------------------------------ training

    def training_plan(self) -> Plan:
        """The plan of a training step: it starts from the losses."""
        return self.objective.plan()

    def labelled_data(
        self, x: Any, y: Any, sample_weight: Any = None, class_weight: Any = None
    ) -> dict[Tensor, Any]:
        """A batch, matched and checked, as `Plan.forward` is fed: see `Objective.labelled_data`."""
        return self.objective.labelled_data(x, y, sample_weight, class_weight)

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        epochs: int = 1,
        verbose: int = 1,
        callbacks: Sequence[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        sample_weight: Any = None,
        class_weight: Any = None,
        groups: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
    ) -> History:
        """Train.

        Parameters
        ----------
        x, y : array, or a list or dict of arrays
            Per input and per output. Or x alone: an iterable (or a function without arguments that
            makes one, which is called for each epoch) of batches ``(x, y)`` or
            ``(x, y, sample_weight)``.
        batch_size, epochs : int
            Samples per step, and how often to go through the data. Default: 32 and 1.
        verbose : int
            0: silent, 1 (or "auto"): progress bar (with tqdm) and a line per epoch, 2: a line per
            epoch.
        callbacks : list of Callback, optional
        validation_split : float
            This share of the samples, the last ones, is held back, unless there is validation_data.
            Default: 0.
        validation_data : (x, y) or (x, y, sample_weight), or an iterable of batches, optional
        shuffle : bool
            Draw a new order in each epoch. Default: True.
        sample_weight : array, or a list or dict of arrays, optional
            How much each sample counts, for all outputs or by output.
        class_weight : "balanced" or dict by class; or a dict of them by output, optional
            How much the samples of each class count in training (not in validation). "balanced":
            each class as much as the others, where labels of padded steps are not counted.
        groups : array, shape (samples,), optional
            Which samples belong together (frames of one video, pictures of one person): the
            `validation_split` never parts them, so that held-back data are really new.
        initial_epoch : int
            Epochs that were done before. Default: 0.
        steps_per_epoch : int, optional
            Of an iterable: how many batches are an epoch; the next one goes on behind them.
            Default: all.
        validation_steps : int, optional
            The same of validation data that are an iterable. One that never ends needs it.

        Returns
        -------
        History
            Ctrl-C stops after the running step; the model is then as that step left it, and
            KeyboardInterrupt is raised.
        """
        objective, verbose = self.objective, verbosity("fit: verbose", verbose)
        shuffle = flag("fit: shuffle", shuffle)
        if validation_data is not None and groups is not None:
            raise ValueError("groups is of no use beside validation_data: leave groups")
        batches, held_out = training_batches(
            objective,
            x,
            y,
            sample_weight,
            class_weight,
            batch_size=batch_size,
            shuffler=self.shuffler if shuffle else None,
            steps_per_epoch=steps_per_epoch,
            validation_split=0.0 if validation_data is not None else validation_split,
            groups=groups,
        )
        if validation_data is not None:
            held_out = validation_batches(objective, validation_data, batch_size, validation_steps)
        elif validation_steps is not None:
            raise ValueError("validation_steps is for validation_data, an iterable of batches")
        epochs = whole("fit: epochs, which counts passes through the data,", epochs)
        initial_epoch = whole("fit: initial_epoch", initial_epoch)
        self._warn_if_frozen()
        self._warn_of_untrained()
        self._warn_of_lone_samples(batches.smallest)
        self.log_names = [*objective.keys, *objective.account_keys]
        if held_out is not None:
            self.log_names += [f"val_{name}" for name in objective.keys]
        check_unique(self.log_names)
        history = History()
        listeners = [history, *as_callbacks(callbacks)]
        around, stop = self.fitting, self.stop_training
        self.stop_training = False
        self.fitting = Fit(self, batches, held_out, listeners, epochs, initial_epoch, verbose)
        try:
            self.fitting.run()
        finally:
            if around is not None and around.running:  # a callback of another fit has called this
                self.fitting, self.stop_training = around, stop
        return history

    def train_on_batch(
        self,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """One step on one batch; returns its losses and metrics as they were before the step."""
        return_dict = flag("train_on_batch: return_dict", return_dict)
        feed = self.objective.labelled_data(x, y, sample_weight, class_weight)
        self._warn_if_frozen()
        self._warn_of_lone_samples(count(feed))
        ranks.agree("at train_on_batch", self._agreement)
        scores = Scores(self.objective)
        scores.add(feed, self.objective.plan(), train_step(self, feed))
        return as_asked(scores.logs(), return_dict)

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        sample_weight: Any = None,
        return_dict: bool = False,
        class_weight: Any = None,
        verbose: int = 0,
        steps: int | None = None,
    ) -> Any:
        """Losses and metrics on data, without training.

        Parameters
        ----------
        x, y, batch_size, sample_weight, class_weight
            As for `fit`.
        return_dict : bool
            Default: False.
        verbose : int
            Default: 0, silent. 1, 2 or "auto": the numbers are printed, too.

        Returns
        -------
        list of float in the order of `metrics_names`, a float if that is only the loss, or a dict
        """
        objective, verbose = self.objective, verbosity("evaluate: verbose", verbose)
        return_dict = flag("evaluate: return_dict", return_dict)
        batches = evaluated_batches(objective, x, y, sample_weight, class_weight, batch_size, steps)
        ranks.agree("at the start of evaluate", lambda: batches.identity() | all_of(self))
        scored = score(objective, batches)
        if verbose:
            say(numbers(scored))
        return as_asked(scored, return_dict)

    def _agreement(self) -> dict[str, Any]:
        """What must be the same in all processes at a step; of the model itself, once."""
        known, self._agreed = self._agreed, self.objective
        return settings_now(self) if known is self.objective else all_of(self)

    def _warn_if_frozen(self) -> None:
        if not self.objective.plan().wrt and self.weights:
            warnings.warn(f"{self}: every weight is frozen, so nothing is trained", stacklevel=3)

    def _warn_of_lone_samples(self, samples: int | None) -> None:
        if samples != 1:
            return
        plan = self.objective.plan()
        averaging = (one for one in plan.steps if one.op.averages and one not in plan.frozen)
        names = [one.call.path for one in averaging if set(one.inputs[0].shape[1:-1]) <= {1}]
        if names:
            warnings.warn(
                f"a batch has 1 sample, so that {', '.join(dict.fromkeys(names))} has one value "
                f"per channel, which is its own mean: it becomes 0, and nothing in front learns "
                f"from this batch; choose another batch_size",
                stacklevel=3,
            )

    def _warn_of_untrained(self) -> None:
        objective, plan = self.objective, self.objective.plan()
        idle = [objective.contents.names[w] for w in plan.wrt if not plan.reaches(w)]
        if idle:
            without = objective.silent_outputs()
            warnings.warn(
                f"no loss reaches {', '.join(idle)}: they keep the values that they have"
                + (f" (outputs without a loss: {', '.join(without)})" if without else ""),
                stacklevel=3,
            )

    # ------------------------------------------------------------ the gradient watched

    def gradient_flow(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        *,
        training: bool = True,
        keep_arrays: bool = False,
    ) -> Flow:
        """Measure the gradient of each loss on every wire and weight, in one sweep.

        Parameters
        ----------
        x, y, sample_weight, class_weight
            A batch, as for `fit`. It is run at once, so some hundred samples are a good size.
        training : bool
            True (default): of the function that trains, with the statistics of this batch in batch
            normalisation, and with dropout. Nothing is trained: moving averages and the random
            numbers of the training stay as they are. False: of the function that predicts.
        keep_arrays : bool
            Keep the gradients themselves, for `Flow.gradient`, not only their sizes and angles.

        Returns
        -------
        Flow
            Of the model as it is.
        """
        flag("gradient_flow: training", training)
        flag("gradient_flow: keep_arrays", keep_arrays)
        data = self.objective.labelled_data(x, y, sample_weight, class_weight)
        if not count(data):
            raise ValueError("the data hold no samples, so that there is no gradient to measure")
        return measure(self, data, training=training, keep_arrays=keep_arrays)

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
            Not compiled. Inputs and added losses that only these outputs needed are gone, too.
        """
        for name in outputs:
            if not isinstance(name, str):
                given = arguments.shown(name)
                raise TypeError(f"without takes names, as without('a', 'b'), not {given}")
            if name not in self.outputs:
                raise ValueError(
                    f"{self} has no output {name!r}; {did_you_mean(name, self.outputs)}"
                )
        left = {name: t for name, t in self.outputs.items() if name not in outputs}
        if not left:
            raise ValueError(f"without {listing(outputs)} no output is left")
        before, stays = below(self.outputs.values()), below(left.values())
        losses = [loss for loss in self.added.values() if below([loss.value]) & before <= stays]
        needed = stays.union(*(below([loss.value]) for loss in losses))
        inputs = {name: t for name, t in self.inputs.items() if t in needed}
        ends: Any = left if self.outputs_are_dict else list(left.values())
        if len(left) == 1 and not self.outputs_are_dict:
            (ends,) = left.values()
        starts: Any = inputs if self.inputs_are_dict else list(inputs.values())
        rest = Model(starts, ends, name=self.name)
        known = {loss.value.key for loss in rest.added.values()}  # which layers have added
        for loss in losses:
            if loss.value.key not in known:
                rest.take_loss(loss)
        return rest

    # ------------------------------------------------------------ files

    def save(self, path: str | Path) -> None:
        """Write the whole model to a file: graph, weights, and where its training stands.

        `tinygrad_mo.load` reads it. A function of your own inside (a loss, an activation, a layer's
        class) is written as its name; hand it to `load`. Nothing in a file is ever executed.

        Raises
        ------
        CheckpointError
            If something would not come back: a weight that a layer has made in its `call`, two
            functions of one name, a value that no file can hold.
        ValueError
            For a path that ends in ".safetensors": such a file holds weights alone.
        """
        save_model(path, self)
        tell_of_format(path, ".tg")

    def to_onnx(self, path: str | Path) -> None:
        """Write what the model predicts to an ONNX file, which most frameworks read.

        Inputs, outputs and weights keep their names. What only training does is left out: of a
        dropout the rate is kept, noise and `stop_gradient` become nothing, and of optimizer and
        losses nothing is written, nor which weights are frozen, or what no output needs. Recurrent
        layers of ONNX skip no steps: around one with a mask, products with matrices of 0 and 1
        take out the steps that it skips, and fill in the states that are carried over them, which
        needs time x time numbers for each sample.

        Parameters
        ----------
        path : str or Path
            Needs the package onnx.

        Raises
        ------
        ImportError
            Without the package onnx.
        NotImplementedError
            Naming the layer and the op that ONNX has no counterpart of, such as the last cell of
            an LSTM with a mask, or an op of your own. Nothing is written then.
        """
        write_network(path, self)

    def to_torch(self, path: str | Path) -> None:
        """Write the network as source code for PyTorch, to read and to go on with.

        The file has a class `Net`, a module whose parts and variables are called as the layers, a
        class for each model within, and a function `load`, which returns it with the weights in a
        file beside it: net.npz for net.py. It needs PyTorch and NumPy, and nothing of this package.
        Axes are as here, channels last. Several outputs are a dict. It predicts and trains as the
        model does; what is compiled (losses, optimizer), penalties on weights and initializers
        are not written. A layer that is called several times in one step of training moves its
        averages (batch normalisation) after each call there; of equal numbers in a window, another
        one may get the gradient of their maximum.

        Parameters
        ----------
        path : str or Path
            Ends with ".py".

        Raises
        ------
        NotImplementedError
            Naming the layer that PyTorch has no counterpart of, such as a GRU with
            ``reset_after=False``. Nothing is written then.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> import tinygrad_mo as tg
        >>> x = tg.Input((8,), name="flat")
        >>> trunk = tg.layers.Dense(16, activation="relu", name="trunk")(x)
        >>> outputs = [tg.layers.Dense(1, name=name)(trunk) for name in ("price", "size")]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     tg.Model(x, outputs).to_torch(folder + "/net.py")
        ...     source = Path(folder, "net.py").read_text()
        >>> print(source[source.index("class Net") : source.index("def load")].rstrip())
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.trunk = nn.Linear(8, 16)
                self.price = nn.Linear(16, 1)
                self.size = nn.Linear(16, 1)
        <BLANKLINE>
            def forward(self, flat):
                trunk = torch.relu(self.trunk(flat))
                price = self.price(trunk)
                size = self.size(trunk)
                return {"price": price, "size": size}
        """
        write_torch(path, self)

    def to_keras(self, path: str | Path) -> None:
        """Write the network as source code for Keras 3, to read and to go on with.

        The file has a function `network`, which makes a functional model of the same layers, and
        one `load`, which returns it with the weights in a file beside it: net.npz for net.py. It
        needs Keras and NumPy, and nothing of this package. Several outputs are a dict. It predicts
        and trains as the model does; what is compiled (losses, optimizer) is not written.

        Parameters
        ----------
        path : str or Path
            Ends with ".py".

        Raises
        ------
        NotImplementedError
            Naming the layer that Keras has no counterpart of, or to which it does something else,
            such as a mask in multi-head attention. Nothing is written then.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> import tinygrad_mo as tg
        >>> x = tg.Input((8,), name="flat")
        >>> trunk = tg.layers.Dense(16, activation="relu", name="trunk")(x)
        >>> model = tg.Model(x, tg.layers.Dense(1, name="price")(trunk))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.to_keras(folder + "/net.py")
        ...     source = Path(folder, "net.py").read_text()
        >>> print(source[source.index("def network") : source.index("def load")].rstrip())
        def network():
            \"""The network, with new weights.\"""
            flat = keras.Input((8,), name="flat")
            trunk = layers.Dense(16, activation="relu", name="trunk")(flat)
            price = layers.Dense(1, name="price")(trunk)
            return keras.Model(flat, price, name="model")
        """
        write_keras(path, self)

    def save_weights(
        self, path: str | Path, names: str = "keras", rename: Mapping[str, str] | None = None
    ) -> None:
        """Write all parameters to a file, by name.

        Parameters
        ----------
        path : str or Path
            ".safetensors" at its end makes a file that other frameworks read; every other file has
            checksums, which find a changed byte.
        names : "keras" or "torch"
            Names and layouts of a .safetensors file: `tinygrad_mo.files.exchange.save_safetensors`
            says more.
        rename : dict, optional
            What layers are called in a .safetensors file, where it is not as here.
        """
        if is_safetensors(path, names, rename):
            save_safetensors(path, self, names, rename)
        else:
            named = {name: w.numpy() for name, w in self.named_weights().items()}
            save_arrays(path, named, model=self.name)
            tell_of_format(path, ".npz")

    def load_weights(
        self, path: str | Path, names: str = "keras", rename: Mapping[str, str] | None = None
    ) -> None:
        """Take all parameters from a file, or, if one misfits, none.

        Parameters
        ----------
        path, names, rename
            As of `save_weights`, or the file of a whole model. A .safetensors file may come from
            another framework.

        Raises
        ------
        CheckpointError
            Naming the weights that are missing, superfluous or of another shape.
        """
        if is_safetensors(path, names, rename):
            load_safetensors(path, self, names, rename)
        else:
            load_weights(path, self)


def from_onnx(path: str | Path, numbers: Sequence[str] = ()) -> Model:
    """Read a network from an ONNX file, as a model that trains.

    Nodes become layers where one fits (Gemm or MatMul: Dense, Conv, LSTM, BatchNormalization ...),
    and ops otherwise. Initializers of floats become weights, under the names they have in the file:
    "fc.weight" is "fc/kernel" of the layer "fc". Axes of data are those of the file: pictures from
    PyTorch have channels first. But the first axis of each input and output is the batch, of any
    length, even if the file has a fixed one. Where it has the batch along its second axis, as
    PyTorch has it behind the steps of a sequence (without batch_first) and behind the layers of
    first and last states, it is moved, and a warning names what. Numbers are of the type that new
    models have at present (`tinygrad_mo.use`). Every weight trains, but for moving averages.

    Parameters
    ----------
    path : str or Path
        A file of opset 7 or later, of numbers of type float or double. Needs the package onnx.
    numbers : list of str
        Initializers of one number each that are weights. Exporters write constants such as 0.5 as
        initializers, too, so that one number which no layer takes is a constant, if it is not
        named here. (In a file of `Model.to_onnx` all are weights.)

    Returns
    -------
    Model
        Not compiled. Its inputs and outputs are called as in the file; `predict` returns one output
        as an array, and several by name, as `fit` takes their labels.

    Raises
    ------
    ImportError
        Without the package onnx.
    CheckpointError
        If there is no such file, or it is none of ONNX.
    NotImplementedError
        Naming the node and the op that has no counterpart here, and all that have one, or what is
        not read of an op.

    Notes
    -----
    Where a weight is read by several nodes, it is one weight here. What an exporter has taken apart
    stays so: a recurrent layer that it has written step by step is read as its steps, and a batch
    normalisation that it has worked into numbers has no moving averages any more. What a file for
    so many samples has worked out for each of them, all alike, is one row here. Ops that are
    read, for floats and where they are constant:

    Abs, Acos, Acosh, Add, And, ArgMax, ArgMin, Asin, Asinh, Atan, Atanh, AveragePool,
    BatchNormalization, Cast, Ceil, Celu, Clip, Concat, Constant, ConstantOfShape, Conv,
    ConvTranspose, Cos, Cosh, CumSum, Div, Dropout, Einsum, Elu, Equal, Erf, Exp, Expand,
    Flatten, Floor, GRU, Gather, Gelu, Gemm, GlobalAveragePool, GlobalMaxPool, Greater,
    GreaterOrEqual, GroupNormalization, HardSigmoid, HardSwish, Identity, InstanceNormalization,
    LSTM, LayerNormalization, LeakyRelu, Less, LessOrEqual, Log, LogSoftmax, MatMul, Max,
    MaxPool, Mean, Min, Mish, Mod, Mul, Neg, Not, Or, PRelu, Pad, Pow, RNN, Range, Reciprocal,
    ReduceL1, ReduceL2, ReduceLogSum, ReduceLogSumExp, ReduceMax, ReduceMean, ReduceMin,
    ReduceProd, ReduceSum, ReduceSumSquare, Relu, Reshape, Resize, Round, Selu, Shape, Sigmoid,
    Sign, Sin, Sinh, Slice, Softmax, Softplus, Softsign, Split, Sqrt, Squeeze, Sub, Sum, Tan,
    Tanh, Tile, Transpose, Trilu, Unsqueeze, Upsample, Where.

    Examples
    --------
    >>> import tempfile
    >>> import tinygrad_mo as tg
    >>> x = tg.Input((3,), name="numbers")
    >>> model = tg.Model(x, tg.layers.Dense(2, activation="relu", name="out")(x))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.to_onnx(folder + "/model.onnx")
    ...     again = tg.from_onnx(folder + "/model.onnx")
    >>> print(again.get_layer("out"), list(again.named_weights()))
    Dense 'out' ['out/kernel', 'out/bias']
    """
    return read_network(path, numbers, Model)


def as_asked(logs: dict[str, float], return_dict: bool) -> Any:
    """The numbers as Keras returns them: one, or a list of them, or by name."""
    if return_dict:
        return logs
    return logs["loss"] if len(logs) == 1 else list(logs.values())


def load(
    path: str | Path, custom_objects: Mapping[str, Any] | None = None, compile: bool = True
) -> Model:
    """Read a model that `Model.save` wrote, compiled and ready to go on training.

    Its numbers are of the type that new models have at present (`tinygrad_mo.use`): one of float64
    is rounded, unless it is read inside ``use(floatx="float64")``.

    Parameters
    ----------
    path : str or Path
    custom_objects : dict, optional
        Classes and functions of your own that the model was made with, by name. What a function
        itself refers to (a parameter, a layer) is not copied: it takes the values in the file.
        Losses, metrics, ops and regularizers compute by the code given. Layers and the functions
        of a `Lambda` have made the steps of the graph, which are in the file: code that is not as
        it was is used only when a layer is called again, and a warning says so.
    compile : bool
        False: leave out what `compile` made, optimizer, losses and metrics, and all that only they
        need of `custom_objects`. Default: True.

    Raises
    ------
    CheckpointError
        If the file is not whole, holds weights only, or needs something that
        `custom_objects` lacks.

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
    compile = flag("load: compile", compile)
    objects = arguments.by_name("load: custom_objects", custom_objects, lambda _, one: one)
    return load_model(path, Model, objects, compile)
