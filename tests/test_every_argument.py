"""Every argument of every layer, loss, metric, penalty, initializer is checked where it is given.

`NONSENSE` says for each argument, by its name, what it must refuse; an argument that stands neither
there nor in `UNCHECKED` fails, and so does one that takes nonsense, or whose error does not name
the argument, the value and (of a layer, loss or metric) whose it is.
"""

import inspect
from math import inf, nan

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers, losses, metrics
from tinygrad_mo.arguments import shown
from tinygrad_mo.layers import initializers, regularizers

KINDS = "x", None, True, [1.5]  # None is left out where it is the default, and so has a meaning
NUMBER = (*KINDS, nan, inf, -inf)
NOT_NEGATIVE = (*NUMBER, -1)
ABOVE_0 = (*NOT_NEGATIVE, 0)
SHARE = (*NOT_NEGATIVE, 1.5)
AXIS = (*NUMBER, 1.5)
COUNT = (*AXIS, 0, -1)
SIZE = (*COUNT, (2, 0), (1, 1, 1), (1.5, 1), (), {2, 3}, iter([2, 2]))  # one number, or per axis
FLAG = "yes", "", None, 0, 1, 2, nan
NAME = "", 3, True, nan, ["a"]
WORD = "no such", 3, True, nan, ["same"]
NONSENSE = {
    "activation": WORD,
    "alpha": NOT_NEGATIVE,
    "apply_class_balancing": FLAG,
    "average": WORD,
    "axes": (*AXIS, (1,), (1, 1, 1), (1.5, 1)),
    "axis": AXIS,
    "center": FLAG,
    "class_aggregation": WORD,
    "cropping": (*AXIS, -1, (1, -1), (1, 1, 1), ((1, 1), (1, 1), (1, 1)), (), {1, 2}),
    "delta": ABOVE_0,
    "depth_multiplier": COUNT,
    "dilation_rate": SIZE,
    "dims": (*AXIS, 1, (0, 1), (1, 1), (2.0, 1.0), {1, 2}),
    "dropout": SHARE,
    "dtype": ("int33", "complex64", "str", "U3", 3, True, nan),
    "epsilon": ABOVE_0,
    "filters": COUNT,
    "from_logits": FLAG,
    "function": ("mse", None, 3, lambda y_true: y_true),
    "gamma": NOT_NEGATIVE,
    "go_backwards": FLAG,
    "groups": COUNT,
    "high": (*NUMBER, -1),  # lower than `low`
    "input_dim": COUNT,
    "interpolation": (*WORD, None),
    "keepdims": FLAG,
    "kernel_size": SIZE,
    "k": COUNT,
    "key_dim": COUNT,
    "l1": NOT_NEGATIVE,
    "l2": NOT_NEGATIVE,
    "label_smoothing": SHARE,
    "layer": (None, 3, True),
    "loss": ("no such", 3, None, ["mse"]),
    "low": NUMBER,
    "mask_value": NUMBER,
    "mask_zero": FLAG,
    "max_value": NOT_NEGATIVE,
    "mean": NUMBER,
    "merge_mode": WORD,
    "missing": NUMBER,
    "momentum": (*NOT_NEGATIVE, 1, 1.5),
    "n": COUNT,
    "name": NAME,
    "negative_slope": NOT_NEGATIVE,
    "normalize": FLAG,
    "num_heads": COUNT,
    "output_dim": COUNT,
    "output_shape": (*COUNT, (8,)),
    "padding": (*WORD, None),
    "pool_size": SIZE,
    "rate": SHARE,
    "recurrent_dropout": SHARE,
    "reduction": (*WORD, None),
    "reset_after": FLAG,
    "return_sequences": FLAG,
    "return_state": FLAG,
    "scale": FLAG,
    "shape": ("ab", None, nan, 3, np.int64(3), {3, 4}, (0,), (-1,), (1.5,), (True,), ("x",)),
    "shared_axes": (*AXIS, (), (1, 1), (1.5,), {1, 2}),
    "size": SIZE,
    "stateful": COUNT,
    "stddev": NOT_NEGATIVE,
    "strides": SIZE,
    "target_shape": (*KINDS, 4, (0, 4), (-2,), (-1, -1), {2, 3}, iter([4])),
    "threshold": NUMBER,
    "trainable": FLAG,
    "unit_forget_bias": FLAG,
    "units": COUNT,
    "use_bias": FLAG,
    "use_scale": FLAG,
    "value": NUMBER,
    "value_dim": COUNT,
}
SPECIAL = {  # where the same name means something else
    ("CategoricalFocalCrossentropy", "alpha"): ("x", None, True, nan, -1, [0.5, -1.0], {0.5}),
    ("ZeroPadding1D", "padding"): NONSENSE["cropping"],
    ("ZeroPadding2D", "padding"): NONSENSE["cropping"],
    ("BatchNormalization", "axis"): (*AXIS, (1, 2)),
    ("GroupNormalization", "axis"): (*AXIS, (1, 2)),
    ("GroupNormalization", "groups"): (*AXIS, 0, -2),
    ("LayerNormalization", "axis"): (*AXIS, (), (1, 1), (1.5,), {1, 2}),
    ("Lambda", "function"): ("mse", None, 3, layers.Dense),
    ("RMSNormalization", "axis"): (*AXIS, (), (1, 1), (1.5,), {1, 2}),
}
UNCHECKED = {  # and why
    "initializer": "found when the weights are made: test_own_functions.py, test_errors.py",
    "regularizer": "found when the weights are made, asked at compile: test_own_functions.py",
}
NEEDED = {
    "units": 3,
    "filters": 2,
    "kernel_size": 2,
    "rate": 0.2,
    "stddev": 0.1,
    "input_dim": 5,
    "output_dim": 3,
    "target_shape": (2,),
    "dims": (2, 1),
    "n": 2,
    "axes": 1,
    "num_heads": 1,
    "key_dim": 2,
    "activation": "relu",
    "function": lambda y_true, y_pred: y_pred,
    "loss": "mse",
    "value": 1.0,
    "shape": (3,),
}


def public():
    """All that users make layers, losses, metrics, penalties and initial values with."""
    for room in (layers, losses, metrics, regularizers):
        found = [getattr(room, name) for name in room.__all__]
        yield from (
            x for x in found if isinstance(x, type) or x in (regularizers.L1, regularizers.L2)
        )
    yield from (x for x in vars(initializers).values() if getattr(x, "makes_recipes", False))
    yield tg.Input


def needed(maker):
    """The arguments without which it cannot be made."""
    parameters = inspect.signature(maker).parameters.values()
    options = {p.name: NEEDED.get(p.name) for p in parameters if p.default is p.empty}
    if "layer" in options:
        options["layer"] = layers.LSTM(2)
    if maker is initializers.uniform:
        options = {"low": 0.0, "high": 0.5}
    return options


def what_to_refuse(maker, parameter):
    kind = parameter.name.rpartition("_")[2]
    if kind in UNCHECKED:
        return ()
    key = maker.__name__, parameter.name
    values = SPECIAL.get(key) or NONSENSE.get(parameter.name)
    assert values, f"say in NONSENSE what {key[1]} of {key[0]} must refuse"
    return [x for x in values if x is not None or parameter.default is not None]


def texts(value):
    """How an error may show a value: as it is, or the item at fault."""
    items = value if isinstance(value, tuple | list) else ()
    name = getattr(value, "__name__", "an empty text" if value == "" else str(value))
    return [name, *(shown(x) for x in (value, *items))]


def check(maker, parameter):
    """Each nonsense is refused, and the error names the argument, the value and the owner."""
    for value in what_to_refuse(maker, parameter):
        options = needed(maker)
        if "name" in inspect.signature(maker).parameters:
            options["name"] = "mine"
        options[parameter.name] = value
        with pytest.raises((TypeError, ValueError)) as caught:
            maker(**options)
            pytest.fail(f"{maker.__name__} takes {parameter.name}={value!r}")
        text = str(caught.value)
        assert parameter.name in text, text
        assert any(one in text for one in texts(value)), (value, text)
        if isinstance(maker, type) and parameter.name not in ("name", "function"):
            owner = "L1L2" if maker is regularizers.L1L2 else f"{maker.__name__} 'mine'"
            assert owner in text or "penalty" in text, text


MAKERS = list(public())
CASES = [(one, arg) for one in MAKERS for arg in inspect.signature(one).parameters.values()]
each_maker = pytest.mark.parametrize("maker", MAKERS, ids=lambda x: f"{x.__module__}.{x.__name__}")


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.one_in(48, rest="medium")
@each_maker
def test_nonsense_is_refused(maker):
    for parameter in inspect.signature(maker).parameters.values():
        check(maker, parameter)


def test_all_are_walked_over():
    names = {maker.__name__ for maker in MAKERS}
    assert len(CASES) >= 360
    assert names >= {"Dense", "LSTM", "Bidirectional", "Huber", "FunctionLoss", "Recall", "L1"}
    assert names >= {"constant", "uniform", "normal", "truncated_normal", "Input"}


def test_no_entry_is_left_over():
    used = {parameter.name for _, parameter in CASES}
    assert used >= NONSENSE.keys()
    assert {(maker.__name__, p.name) for maker, p in CASES} >= set(SPECIAL)


class Careless(layers.Layer):
    def __init__(self, rate=0.5, depth=1, **options):
        super().__init__(**options)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("rate", "takes rate='x'"), ("depth", "say in NONSENSE what depth of Careless")],
)
def test_an_argument_without_a_check_is_noticed(name, complaint):
    with pytest.raises((AssertionError, pytest.fail.Exception), match=complaint):
        check(Careless, inspect.signature(Careless).parameters[name])


def numpys(x):
    """The same in NumPy's types."""
    if isinstance(x, tuple):
        return np.array(x)
    kinds = {bool: np.bool_, int: np.int32, float: np.float64}
    return kinds[type(x)](x) if type(x) in kinds else x


@pytest.mark.one_in(6, rest="medium")
@each_maker
def test_numpys_numbers_are_numbers(maker):
    if maker in (metrics.Metric, metrics.MeanMetric):
        pytest.skip("cannot be made")
    parameters = inspect.signature(maker).parameters.values()
    plain = {p.name: p.default for p in parameters if p.default is not p.empty} | needed(maker)
    one, other = maker(**plain), maker(**{name: numpys(x) for name, x in plain.items()})
    for name in plain:
        if hasattr(one, name) and not callable(getattr(one, name)):
            values = getattr(one, name), getattr(other, name)
            if name != "layer":
                assert values[0] == values[1] and type(values[0]) is type(values[1]), name
