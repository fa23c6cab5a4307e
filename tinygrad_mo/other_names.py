"""Names that people know from Keras, PyTorch or TensorFlow, and what is written here instead.

There is one way to do a thing, and it has one name; of the others it is said, where they are asked
for or imported, what that name is. `OTHER_NAMES` has a sentence for each, by the kind of thing that
is asked; `OTHER_OPTIONS` the same for what things are made with.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, NoReturn

GRADIENTS = "tg.gradients(loss, tensors) returns the gradients; none are kept in tensors"
WHICH = "a gradient is taken of whatever tg.gradients is asked for; tg.stop_gradient(x) holds it "
WHICH += "back, and Parameter(trainable=False) is not trained"
WHERE = 'tg.use("cupy") computes on a GPU, tg.use("numpy") on the CPU'
NOT_IN_PLACE = "a tensor is not changed in place: write x = x + y, or p.assign(p + y) if it is a "
NOT_IN_PLACE += "parameter"
NOT_SWITCHED = "layers such as Dropout work as in training in fit and train_on_batch, and nowhere "
NOT_SWITCHED += "else, so there is nothing to switch"
TRAINED = "trainable_weights are those that training changes, weights are all"
STEPS = "model.train_on_batch(x, y) makes one step, fit many; by hand, apply({parameter: gradient})"
READS = "tg.load(path) reads a model that model.save(path) has written"
TO_DRAW = "model.summary() prints the graph, model.gradient_flow(x, y).figure(path) draws it"
NO_DOWNLOAD = "nothing is downloaded: tg.data.available() names the data sets, tg.data.load(name) "
NO_DOWNLOAD += "reads one"
BATCHES = "model.fit(x, y, batch_size=32) cuts arrays into batches, or takes batches (x, y) from "
BATCHES += "anything that yields them"
A_STEP = "LSTM, GRU and SimpleRNN read whole sequences; a step of your own is a Layer, whose call "
A_STEP += "goes over x[:, t]"
STACKED = "call one recurrent layer on the other: LSTM(32, return_sequences=True), then LSTM(32)"

OTHER_NAMES: dict[str, dict[str, str]] = {
    "package": {
        "GradientTape": "every op on tensors is recorded; " + GRADIENTS,
        "Module": "a class of tg.layers.Layer with make_weights(shape) and call(x)",
        "Variable": "tg.Parameter(value, name)",
        "activations": "tg.layers.activations",
        "applications": "tg.systems has whole networks, which are to be trained",
        "array": "tg.Tensor(value)",
        "backend": "tg.ops has the operations; " + WHERE,
        "cat": "np.concatenate([x, y], axis)",
        "constant": "tg.Tensor(value)",
        "cuda": WHERE,
        "datasets": NO_DOWNLOAD,
        "detach": "tg.stop_gradient(x), or x.detach()",
        "from_numpy": "tg.Tensor(array)",
        "function": "a model traces its steps by itself, and eager ops run at once",
        "grad": GRADIENTS,
        "initializers": "tg.layers.initializers",
        "keras": "its names are found here: from tinygrad_mo import layers, losses, optimizers, "
        "metrics, callbacks, Input, Model",
        "linalg": "np.linalg.inv(x) and its like work on tensors",
        "load_model": READS,
        "manual_seed": "tg.set_random_seed(seed)",
        "math": "np.exp(x) and its like work on tensors, and tg.ops has all operations",
        "models": "tg.Model(inputs, outputs) makes a model; " + READS,
        "nn": "tg.layers, tg.losses and tg.ops, and tg.Model(inputs, outputs) in place of a module",
        "no_grad": "nothing needs to be switched off: x.detach() has no history, predict keeps "
        "none",
        "ones": "tg.Tensor(np.ones(shape))",
        "optim": "tg.optimizers, and tg.schedules for learning rates",
        "plot_model": TO_DRAW,
        "preprocessing": "tg.data.Vocabulary makes ids of texts, tg.data.pad_sequences rows of "
        "one length",
        "rand": "tg.Tensor(np.random.rand(*shape))",
        "randn": "tg.Tensor(np.random.randn(*shape))",
        "random": "tg.set_random_seed(seed); numbers come from np.random",
        "regularizers": "tg.layers.regularizers",
        "save": "model.save(path)",
        "tensor": "tg.Tensor(value)",
        "utils": "tg.data has to_categorical and pad_sequences; " + TO_DRAW,
        "value_and_grad": GRADIENTS,
        "zeros": "tg.Tensor(np.zeros(shape))",
    },
    "tensor": {
        "add_": NOT_IN_PLACE,
        "assign": "it keeps its value; tg.Parameter(value, name) has assign",
        "assign_add": NOT_IN_PLACE,
        "assign_sub": NOT_IN_PLACE,
        "astype": "1.0 * x makes floats of whole numbers, tg.Tensor(array, dtype) what you like",
        "backward": GRADIENTS,
        "cpu": WHERE,
        "cuda": WHERE,
        "data": "x.value is its array, x.numpy() a copy, x.detach() a tensor without history",
        "dim": "x.ndim is the number of axes",
        "float": "1.0 * x makes floats of whole numbers",
        "grad": GRADIENTS,
        "is_leaf": "x.step is the step that made it, None of a leaf",
        "mm": "x @ y is the product of matrices",
        "mul_": NOT_IN_PLACE,
        "numel": "x.size is how many numbers it holds",
        "permute": "x.transpose(...) takes the order of the axes",
        "pow": "x ** y is the power",
        "requires_grad": WHICH,
        "requires_grad_": WHICH,
        "sort": "np.sort(x) makes a new tensor",
        "sub_": NOT_IN_PLACE,
        "t": "x.T is the transposed matrix",
        "to": WHERE,
        "unsqueeze": "np.expand_dims(x, axis), or x[:, None]",
        "view": "x.reshape(...) is the same numbers in another shape",
        "zero_": NOT_IN_PLACE,
        "zero_grad": GRADIENTS + ", so there is nothing to set to 0",
    },
    "layers": {
        "AdaptiveAvgPool2d": "GlobalAveragePooling2D()",
        "AvgPool2D": "AveragePooling2D(pool_size)",
        "AvgPool2d": "AveragePooling2D(pool_size)",
        "BatchNorm1d": "BatchNormalization()",
        "BatchNorm2d": "BatchNormalization()",
        "Conv1d": "Conv1D(filters, kernel_size), of inputs (batch, steps, channels)",
        "Conv2d": "Conv2D(filters, kernel_size), of inputs (batch, height, width, channels)",
        "Convolution2D": "Conv2D(filters, kernel_size)",
        "ConvTranspose2d": "Conv2DTranspose(filters, kernel_size)",
        "CuDNNGRU": "GRU(units)",
        "CuDNNLSTM": "LSTM(units)",
        "GELU": 'Activation("gelu")',
        "GRUCell": A_STEP,
        "GlobalAvgPool2D": "GlobalAveragePooling2D()",
        "GlobalMaxPool2D": "GlobalMaxPooling2D()",
        "GroupNorm": "GroupNormalization(groups)",
        "Identity": 'Activation("linear")',
        "InputLayer": "Input(shape)",
        "LSTMCell": A_STEP,
        "LayerNorm": "LayerNormalization()",
        "Linear": "Dense(units); the width of the input is found at the first call",
        "MaxPool2D": "MaxPooling2D(pool_size)",
        "MaxPool2d": "MaxPooling2D(pool_size)",
        "Module": "a class of Layer with make_weights(shape) and call(x)",
        "ModuleList": "a list of layers in an attribute of a Layer is a part of it",
        "Parameter": "self.add_weight(name, shape) in make_weights, or tg.Parameter(value, name)",
        "RMSNorm": "RMSNormalization()",
        "RNN": f"{STACKED}; {A_STEP}",
        "Sequential": "tg.Sequential([...]), which is a model",
        "SiLU": 'Activation("silu")',
        "Sigmoid": 'Activation("sigmoid")',
        "SimpleRNNCell": A_STEP,
        "StackedRNNCells": STACKED,
        "Tanh": 'Activation("tanh")',
        "TextVectorization": "tg.data.Vocabulary(texts, size) makes ids of texts",
        "merge": "Concatenate(), Add(), Multiply() ...",
    },
    "layers.initializers": {
        "Constant": "constant(value)",
        "GlorotNormal": 'kernel_initializer="glorot_normal"',
        "GlorotUniform": 'kernel_initializer="glorot_uniform"',
        "HeNormal": 'kernel_initializer="he_normal"',
        "HeUniform": 'kernel_initializer="he_uniform"',
        "Ones": 'kernel_initializer="ones"',
        "RandomNormal": "normal(mean, stddev)",
        "RandomUniform": "uniform(low, high)",
        "TruncatedNormal": "truncated_normal(stddev)",
        "Zeros": 'kernel_initializer="zeros"',
    },
    "layers.regularizers": {
        "l1": "L1(factor)",
        "l1_l2": "L1L2(l1, l2)",
        "l2": "L2(factor)",
    },
    "losses": {
        "BCELoss": "BinaryCrossentropy()",
        "BCEWithLogitsLoss": "BinaryCrossentropy(from_logits=True)",
        "CrossEntropyLoss": "SparseCategoricalCrossentropy(from_logits=True)",
        "HuberLoss": "Huber()",
        "L1Loss": "MeanAbsoluteError()",
        "MSELoss": "MeanSquaredError()",
        "NLLLoss": "SparseCategoricalCrossentropy() takes probabilities, or logits with "
        "from_logits=True",
        "SmoothL1Loss": "Huber()",
        "binary_crossentropy": "BinaryCrossentropy()(y_true, y_pred)",
        "categorical_crossentropy": "CategoricalCrossentropy()(y_true, y_pred)",
        "mean_absolute_error": "MeanAbsoluteError()(y_true, y_pred)",
        "mean_squared_error": "MeanSquaredError()(y_true, y_pred)",
        "mse": "MeanSquaredError()(y_true, y_pred)",
        "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy()(y_true, y_pred)",
    },
    "optimizers": {
        "learning_rate_schedule": "tg.schedules",
        "legacy": "there is one of each: Adam(), SGD() ...",
        "lr_scheduler": "tg.schedules",
        "schedules": "tg.schedules",
    },
    "ops": {
        "cast": "1.0 * x makes floats of whole numbers",
        "cat": "concatenate(x, y, axis=-1)",
        "mm": "matmul(x, y), or x @ y",
        "reduce_max": "max(x, axis=...)",
        "reduce_mean": "mean(x, axis=...)",
        "reduce_sum": "sum(x, axis=...)",
    },
    "metrics": {
        "Accuracy": 'metrics="accuracy" takes the one that suits the labels: BinaryAccuracy, '
        "CategoricalAccuracy or SparseCategoricalAccuracy",
    },
    "callbacks": {
        "BackupModel": "BackupAndRestore(path)",
        "ProgbarLogger": "fit(verbose=1) shows the progress",
        "TensorBoard": "tg.FlowRecorder keeps the gradient flow of a training, CSVLogger(path) its "
        "numbers",
    },
    "data": {
        "DataLoader": BATCHES,
        "Dataset": BATCHES,
        "Tokenizer": "Vocabulary(texts, size) makes ids of texts",
        "cifar10": NO_DOWNLOAD,
        "imdb": NO_DOWNLOAD,
        "load_data": NO_DOWNLOAD,
        "mnist": NO_DOWNLOAD,
    },
    "layer": {
        "add_variable": "add_weight(name, shape)",
        "eval": NOT_SWITCHED,
        "get_config": "layer.made_with is what it was made with; model.save(path) writes all",
        "input": "a layer may be called in many places: keep the tensor it is called on, or ask "
        "the model, model.get_output(the name of what comes before)",
        "non_trainable_weights": TRAINED,
        "output": "a layer has an output wherever it is called: ask the model, "
        "model.get_output({name})",
        "parameters": TRAINED,
        "register_buffer": "add_weight(name, shape, trainable=False)",
        "register_parameter": "add_weight(name, shape)",
        "requires_grad": "layer.trainable = False freezes its weights",
        "requires_grad_": "layer.trainable = False freezes its weights",
        "state_dict": "named_weights() of a model has the weights by name",
        "to": WHERE,
        "train": NOT_SWITCHED,
        "trainable_variables": TRAINED,
        "variables": TRAINED,
    },
    "model": {
        "add_metric": "compile(metrics=...) takes metrics by output, and model.add_loss(x, name, "
        "weight=0) only watches a number",
        "children": "model.layers",
        "cpu": WHERE,
        "cuda": WHERE,
        "eval": NOT_SWITCHED,
        "evaluate_generator": "model.evaluate takes batches, too",
        "fit_generator": "model.fit takes batches, too",
        "forward": "model.predict(x) returns arrays, model(x) a tensor",
        "get_config": "model.save(path) writes the whole model",
        "load_state_dict": "model.load_weights(path) reads a file, model.set_weights(arrays) takes "
        "them in the order of get_weights",
        "named_parameters": "model.named_weights() has the weights by name",
        "non_trainable_weights": TRAINED,
        "parameters": TRAINED + "; the optimizer is given to compile",
        "plot": TO_DRAW,
        "predict_generator": "model.predict takes arrays",
        "predict_on_batch": "model.predict(x)",
        "requires_grad": "model.trainable = False freezes its weights",
        "requires_grad_": "model.trainable = False freezes its weights",
        "reset_metrics": "every evaluate and every epoch counts anew",
        "state_dict": "model.named_weights() has the weights by name, model.save_weights(path) "
        "writes them",
        "test_on_batch": "model.evaluate(x, y)",
        "to": WHERE,
        "to_json": "model.save(path) writes the whole model",
        "train": NOT_SWITCHED,
        "trainable_variables": TRAINED,
        "variables": TRAINED,
        "zero_grad": GRADIENTS + ", so there is nothing to set to 0",
    },
    "optimizer": {
        "apply_gradients": "apply({parameter: gradient, ...})",
        "get_config": "made_with is what it was made with",
        "iterations": "step",
        "lr": "learning_rate",
        "minimize": STEPS,
        "param_groups": "learning_rate",
        "variables": "state has the slots of each parameter",
        "zero_grad": GRADIENTS + ", so there is nothing to set to 0",
    },
}
FIRST_CALL = "the first call finds the shape of the input: begin with Input(shape)"
OTHER_OPTIONS = {
    "W_regularizer": "kernel_regularizer",
    "batch_input_shape": FIRST_CALL,
    "border_mode": "padding",
    "decay": "a schedule for learning_rate, such as tg.schedules.InverseTimeDecay",
    "dim_ordering": "channels come last",
    "in_channels": FIRST_CALL,
    "in_features": FIRST_CALL,
    "init": "kernel_initializer",
    "input_dim": FIRST_CALL,
    "input_length": FIRST_CALL,
    "input_shape": FIRST_CALL,
    "lr": "learning_rate",
    "nb_filter": "filters",
    "num_features": FIRST_CALL,
    "out_channels": "filters",
    "out_features": "units",
    "params": "it is given the weights of the model by compile",
    "subsample": "strides",
    "weights": "set_weights([...]) of the built layer",
}


def words_about(what: str, name: str, *kinds: str) -> str:
    """What is said when somebody asks for a name that is not there."""
    for kind in kinds:
        if name in OTHER_NAMES[kind]:
            return f"{what} has no {name!r}: {OTHER_NAMES[kind][name]}"
    return f"{what} has no attribute {name!r}"


def says(module: str, kind: str) -> Callable[[str], NoReturn]:
    """The `__getattr__` of a module, which says what is written instead of a name of others."""

    def __getattr__(name: str) -> NoReturn:
        words = words_about(f"module {module!r}", name, kind)
        own = vars(sys.modules[module]).get("__all__", ())
        close = get_close_matches(name.lower(), map(str.lower, own), n=1, cutoff=0.7)
        if name not in OTHER_NAMES[kind] and close:
            words += f"; did you mean {next(one for one in own if one.lower() == close[0])!r}?"
        raise AttributeError(words, name=name, obj=sys.modules[module])

    return __getattr__


class Signpost:
    """An entry of `sys.meta_path`, asked for modules that are not there: some are known elsewhere.

    ``from tinygrad_mo import keras`` and ``import tinygrad_mo.utils`` say what to write, too.
    """

    @staticmethod
    def find_spec(full_name: str, path: Any = None, target: Any = None) -> None:
        """Raise an error that has words, or leave it to Python."""
        package, _, name = full_name.rpartition(".")
        home, _, kind = package.partition(".")
        if home == __package__ and name in OTHER_NAMES.get(kind or "package", ()):
            raise ModuleNotFoundError(words_about(f"module {package!r}", name, kind or "package"))


class Misnomer:
    """An attribute that would be set in vain, and without a word: it is refused."""

    def __init__(self, *kinds: str):
        self.kinds = kinds

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, one: Any, owner: type | None = None) -> NoReturn:
        self.refuse(owner or type(one))

    def __set__(self, one: Any, value: Any) -> NoReturn:
        self.refuse(type(one))

    def refuse(self, owner: type) -> NoReturn:
        raise AttributeError(words_about(owner.__name__, self.name, *self.kinds))
