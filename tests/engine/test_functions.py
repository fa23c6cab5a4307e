"""NumPy's names: what is written for arrays gives the same on tensors, and its gradient is right.

Each line of the table is evaluated on arrays and on tensors. What has another meaning here, or
none, is refused in one sentence that names what to write.
"""

import re
from functools import cache

import numpy as np
import pytest

import tinygrad_mo as tg
from numpy_table import LINES, TABLE, VALUES, evaluated, names_in
from tinygrad_mo import ops
from tinygrad_mo.engine.functions import FUNCTIONS, INSTEAD
from tinygrad_mo.engine.operators import Comparison, Operators

each_line = pytest.mark.parametrize("line", LINES)


@pytest.fixture(autouse=True)
def in_double_precision():
    with tg.use(floatx="float64"):
        yield


def weights_for(value):
    """Fixed numbers that make one number of a value."""
    return np.cos(1.0 + np.arange(np.size(value))).reshape(np.shape(value))


@cache
def results_and_slopes(line):
    """Of arrays: the values, and by name the slopes of their weighted sum, by differences."""
    results = evaluated(line, VALUES)

    def total(values):
        return sum(np.sum(y * weights_for(y)) for y in evaluated(line, values))

    slopes = {}
    for name in names_in(line):
        slopes[name] = np.zeros(VALUES[name].shape)
        for place in np.ndindex(VALUES[name].shape):
            step = np.zeros(VALUES[name].shape)
            step[place] = 1e-6
            higher, lower = (total(VALUES | {name: VALUES[name] + e}) for e in (step, -step))
            slopes[name][place] = (higher - lower) / 2e-6
    return results, slopes


def assert_slopes(found, line):
    for gradient, (name, right) in zip(found, results_and_slopes(line)[1].items(), strict=True):
        gradient = np.zeros(right.shape) if gradient is None else gradient
        np.testing.assert_allclose(gradient, right, rtol=1e-5, atol=1e-7, err_msg=name)


@pytest.mark.one_in(21, rest="medium")
@each_line
def test_value_and_gradient_are_those_of_numpy(line):
    tensors = {name: tg.Tensor(VALUES[name]) for name in names_in(line)}
    found = evaluated(line, VALUES | tensors)
    for y, right in zip(found, results_and_slopes(line)[0], strict=True):
        assert isinstance(y, tg.Tensor) and y.shape == np.shape(right)
        assert np.dtype(y.dtype).kind == np.asarray(right).dtype.kind
        np.testing.assert_allclose(y.numpy(), right, rtol=1e-12)
    loss = sum(((y * weights_for(y.numpy())).sum() for y in found), tg.Tensor(0.0))
    assert_slopes(tg.gradients(loss, list(tensors.values())), line)


@pytest.mark.one_in(30, rest="medium")
@each_line
def test_the_same_in_a_plan_that_is_replayed(line):
    parameters = {name: tg.Parameter(VALUES[name], name) for name in names_in(line)}
    found = evaluated(line, VALUES | parameters)
    loss = sum(((y * weights_for(y.numpy())).sum() for y in found), tg.Tensor(0.0))
    plan = tg.ReplayedPlan([loss], list(parameters.values()))
    for _ in range(3):
        gradients = plan.backward(plan.forward(), [1.0])
        rows = [gradients[p] for p in parameters.values()]
        assert_slopes([None if row is None else row[0] for row in rows], line)


def test_the_table_has_every_name():
    named = {eval(name, {"np": np}) for name in re.findall(r"\bnp\.[\w.]*\w", TABLE)}
    assert set(FUNCTIONS) <= named
    assert not set(INSTEAD) & named
    ufuncs = {getattr(np, name, None) for name in ops.OPS}
    ufuncs = {one for one in ufuncs if isinstance(one, np.ufunc)}
    signs = {np.equal, np.not_equal, np.greater_equal, np.less, np.less_equal}  # test_comparisons
    assert ufuncs - named <= signs | {np.logical_or, np.logical_not}
    methods = {name for name in vars(Operators) if not name.startswith("_")}
    methods &= set(dir(np.ndarray)) - {"shape", "dtype", "item", "tolist"}
    assert methods <= set(re.findall(r"\.(\w+)", TABLE))


TWO = ["allclose", "cross", "fmax", "fmin", "hypot", "isclose", "kron", "logaddexp", "vdot"]
CALLS = {  # of those that take more than one array
    "append": "np.append(x, y)",
    "array_split": "np.array_split(x, places)",
    "average": "np.average(x, weights=y)",
    "column_stack": "np.column_stack([x, y])",
    "full_like": "np.full_like(x, y)",
} | {name: f"np.{name}(x, y)" for name in TWO}


OF_VECTORS, OF_MATRICES = {"kron", "atleast_2d", "column_stack"}, {"fliplr", "flipud"}


@pytest.mark.one_in(4, rest="medium")
@pytest.mark.parametrize("shape", [(3,), (2, 3)])
@pytest.mark.parametrize("function", INSTEAD, ids=lambda function: function.__name__)
def test_what_is_said_instead_does_the_same(function, shape):
    """As far as it is code: words stand behind a comma or a "with"."""
    if function.__name__ in (OF_MATRICES if len(shape) == 1 else OF_VECTORS):
        return
    code = re.split(", [a-z]+ |, with | with ", INSTEAD[function])[0]
    name = function.__name__
    values = {"np": np, "ops": ops, "places": [1]}
    x = VALUES["a"].reshape(-1)[: np.prod(shape)].reshape(shape)
    y = x[..., ::-1] + 0.5
    right = eval(CALLS.get(name, f"np.{name}(x)"), values | {"x": x, "y": y})
    found = eval(code, values | {"x": tg.Tensor(x), "y": tg.Tensor(y)})
    found, right = ([made] if type(made) is not list else made for made in (found, right))
    for one, other in zip(found, right, strict=True):
        one = one.numpy() if isinstance(one, tg.Tensor | Comparison) else one
        np.testing.assert_allclose(one, other, rtol=1e-12)
    with pytest.raises(TypeError, match=re.escape(f"write {INSTEAD[function]}, or")):
        eval(CALLS.get(name, f"np.{name}(x)"), values | {"x": tg.Tensor(x), "y": tg.Tensor(y)})


def test_numbers_come_out():
    x = tg.Tensor([[1.5, 2.0]], name="x")
    assert x.size == np.size(x) == 2 and x.tolist() == [[1.5, 2.0]]
    assert x.sum().item() == 3.5 and type(x.sum().item()) is float
    with pytest.raises(ValueError, match="size 1"):
        x.item()
    with pytest.raises(TypeError, match=r"'input' \(None, 2\) has no known size"):
        _ = tg.Input((2,)).size


def test_an_op_is_found_under_its_plain_name():
    assert (ops.sum, ops.max, ops.min, ops.round) == (ops.sum_, ops.max_, ops.min_, ops.round_)
    with pytest.raises(TypeError, match=r"^sum\(\) got an unexpected keyword argument 'dtype'"):
        tg.Tensor([1.0]).sum(dtype=float)


def test_an_error_within_a_function_stays_as_it_is():
    with pytest.raises(TypeError, match=r"^getitem: index is the tensor"):
        np.take(tg.Tensor([1.0, 2.0]), tg.Tensor([0]))


def test_a_model_of_numpys_functions():
    x = tg.Input((2, 3), name="x")
    y = np.stack([np.std(x, axis=-1), np.squeeze(x[:, :, :1], axis=-1)], axis=1)
    y = np.concatenate([np.roll(y, 1, axis=-1), np.flip(x, 1)[..., :2]], axis=1)
    model = tg.Model(x, np.einsum("bij,bij->b", y, y)[:, None])
    a = VALUES["c"][:, :2, :3]
    pair = np.stack([np.std(a, axis=-1), a[:, :, 0]], axis=1)
    right = np.concatenate([np.roll(pair, 1, axis=-1), np.flip(a, 1)[..., :2]], axis=1)
    for _ in range(3):
        np.testing.assert_allclose(model.predict(a)[:, 0], (right**2).sum((1, 2)), rtol=1e-12)


# ---------------------------------------------------------------- what is refused


REFUSED = {
    "np.sum(x, dtype=int)": r"np\.sum of a tensor takes \(x, axis=None, \*, keepdims=F.*'dtype'",
    "np.sum(x, 0, float)": r"np\.sum of a tensor takes .* too many positional",
    "np.mean(x, where=x > 0)": "'where'",
    "np.max(x, initial=0.0)": "'initial'",
    "np.var(x, correction=1)": r"np\.var of a tensor takes .*ddof.*'correction'",
    "np.sort(x, kind='stable')": "'kind'",
    "np.reshape(x, 2, order='F')": "'order'",
    "np.take(x, [0], mode='clip')": "'mode'",
    "np.einsum('i,i', x, x, optimize=True)": "'optimize'",
    "np.einsum(x, [0])": r"einsum takes letters such as 'ij,jk->ik', not",
    "np.where(x > 0)": r"np\.where of a tensor takes \(condition, x, y\): missing .* 'x'",
    "np.exp(x, out=np.ones(2))": r"np\.exp with out of a tensor cannot be recorded",
    "np.add.reduce(x)": r"np\.add\.reduce of a tensor cannot be recorded",
    "np.cbrt(x)": r"np\.cbrt of a tensor cannot be recorded: write np\.sign\(x\) \* abs\(x\)",
    "np.nextafter(x, x)": r"np\.nextafter of a tensor cannot .*: write it with the ops",
    "np.partition(x, 1)": r"numpy\.partition cannot be recorded; write it with the ops",
    "np.zeros_like(x)": r"numpy\.zeros_like .* write np\.where\(True, 0\.0, x\)",
    "np.array(x)": r"NumPy was given the tensor 'x' .*\.numpy\(\)",
    "np.array([x, x])": r"np\.stack\(\[x, y\]\) makes one tensor of several",
    "np.linalg.norm(x, 3)": r"ord None or 2\).* not ord 3 of 'x' \(2,\)",
    "np.linalg.norm(m, 2)": r"not ord 2 of 'm' \(2, 2\)",
    "np.linalg.norm(m, 1, axis=(0, 1))": "not ord 1 of 'm'",
    "np.pad(x, 1, 'edge')": "puts zeros there, not mode='edge'",
    "np.pad(x, 1, constant_values=2)": r"constant_values=2: join .* np\.concatenate",
    "np.split(x, 3)": r"axis 0 of 'x' \(2,\) cannot be cut into 3 equal parts",
    "np.squeeze(x, 0)": r"squeeze: axis 0 of 'x' \(2,\) has not length 1",
    "np.repeat(x, [1, 2])": r"repeat: repeats must be a whole number, 0 or more, not \[1, 2\]",
    "np.tile(x, 0)": "tile: reps must be a whole number, 1 or more, not 0",
    "np.triu(x)": r"matrices of known size, and 'x' \(2,\) holds none",
    "np.argmax(m, axis=(0, 1))": r"the axis must be one number here, not \(0, 1\)",
    "np.concatenate([m, m], axis=(0, 1))": r"the axis must be one number here, not \(0, 1\)",
    "np.sum(m, axis=2)": "axis 2 does not exist in an array of 2 axes",
    "np.tensordot(m, x, 2)": r"axis -1 does not exist|axes 2 of shapes|axis 1 does not exist",
    "np.tensordot(m, t, 1)": r"axes 1 of shapes \(2, 2\) and \(3,\) do not agree",
    "x.clip()": r"clip needs a limit: x\.clip\(0, 1\)",
    "i.flatten()": r"flatten of 'i' \(None, 2\) can be read in two ways: ops\.flatten\(x\)",
    "i.reshape(2, None)": r"reshape of 'i' \(None, 2\) to \(2, None\): write -1 for the one",
    "i.reshape(None, None)": r"reshape of 'i' \(None, 2\) to \(None, None\): write -1 for the one",
    "np.broadcast_to(i, i.shape)": r"broadcast_to of 'i' .* a length must be known",
    "np.median(i)": r"quantile: axis 0 of 'reshape' \(None,\) must have a known length",
    "np.median(m, axis=(0, 1))": r"quantile: axis must be a whole number, not \(0, 1\)",
    "np.quantile(x, 2)": "shares lie between 0 and 1",
    "np.quantile(x, [0.5, -0.1])": "shares lie between 0 and 1",
    "np.linalg.svd(m[:1])": "full_matrices=False",
    "np.roll(i, 1, axis=0)": "would pick among the samples of a batch",
    "x[x > 1]": r"ops\.where\(condition, x, 0\) is an op that chooses by a tensor",
    "np.linalg.inv(m)": "Singular matrix",
}


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize(("line", "words"), REFUSED.items(), ids=list(REFUSED))
def test_what_is_refused_names_what_to_write(line, words):
    values = {"x": tg.Tensor([1.0, 2.0], name="x"), "m": tg.Tensor(np.ones((2, 2)), name="m")}
    values |= {"t": tg.Tensor([1.0, 2.0, 3.0]), "i": tg.Input((2,), name="i")}
    with pytest.raises((TypeError, ValueError), match=words):
        eval(line, {"np": np, **values})


def test_a_batch_stays_where_none_is_written():
    x = tg.Input((2, 3))
    for lengths, shape in (((-1,), (6,)), ((3, -1), (3, 2)), ((-1, 1, 6), (1, 1, 6))):
        assert x.reshape(None, *lengths).shape == (None, *shape)


OTHER = {
    "x.backward()": r"a Tensor has no 'backward': tg\.gradients\(loss, tensors\) returns",
    "x.grad": r"tg\.gradients\(loss, tensors\)",
    "x.requires_grad": r"tg\.stop_gradient\(x\)",
    "x.sin()": r"a Tensor has no 'sin': write np\.sin\(x\) or tg\.ops\.sin\(x\)",
    "x.relu()": r"no 'relu': write tg\.ops\.relu\(x\)",
    "x.pow(2)": r"x \*\* y",
    "x.view(1)": r"x\.reshape\(\.\.\.\)",
    "x.sort()": r"np\.sort\(x\) makes a new tensor",
    "x.assign(1.0)": r"tg\.Parameter\(value, name\) has assign",
    "p.assign_sub(1.0)": r"a Parameter has no 'assign_sub': a tensor is not changed in place",
    "x.no_such_thing": r"a Tensor has no attribute 'no_such_thing'",
    "(x == p).no_such_thing": r"has no attribute 'no_such_thing'",
    "tg.no_grad()": r"'tinygrad_mo' has no 'no_grad': nothing needs to be switched off",
    "tg.tensor([1.0])": r"tg\.Tensor\(value\)",
    "tg.ops.abs(x)": r"no op 'abs': np\.abs\(x\) works on tensors, or says what does",
    "tg.ops.no_such_thing": r"module 'tinygrad_mo\.ops' has no op 'no_such_thing'$",
    "tg.no_such_thing": r"module 'tinygrad_mo' has no attribute 'no_such_thing'",
}


@pytest.mark.parametrize(("line", "words"), OTHER.items(), ids=list(OTHER))
def test_names_of_other_libraries_are_answered_in_one_sentence(line, words):
    values = {"x": tg.Tensor([1.0, 2.0], name="x"), "p": tg.Parameter([1.0, 2.0], "p")}
    with pytest.raises(AttributeError, match=words):
        eval(line, {"tg": tg, **values})


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.75, 1.0])
def test_quantiles_of_what_is_not_finite(share):
    """By definition; NumPy's rounding makes NaN of infinities that are not even in between."""
    for numbers in ([1, np.nan, 3], [1, 2, np.inf], [-np.inf, 0, 1], [np.nan, np.inf, 1, 2]):
        x = np.array([numbers, numbers[::-1]], float)
        found = np.quantile(tg.Tensor(x), share, axis=1).numpy()
        at = share * (len(numbers) - 1)
        low, high = sorted(numbers)[int(at)], sorted(numbers)[int(np.ceil(at))]
        right = low if low == high else low * (1 - at % 1) + high * (at % 1)
        right = np.nan if np.isnan(numbers).any() else right
        np.testing.assert_allclose(found, [right, right])
    assert np.median(tg.Tensor([np.inf, np.inf])).item() == np.inf
    assert np.isnan(np.median(tg.Tensor([1.0, np.nan, 3, 4, 5])).item())


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("shares", [0.3, [0.25, 0.6], [[0.1, 0.2, 0.3], [0.7, 0.8, 1.0]]], ids=str)
def test_quantiles_keep_the_axis_that_is_asked_for(axis, shares):
    x = np.random.default_rng(0).normal(size=(3, 4, 5)).astype("float32")
    for keepdims in (True, False):
        options = {"axis": axis, "keepdims": keepdims}
        found = np.quantile(tg.Tensor(x), shares, **options).numpy()
        right = np.quantile(x, shares, **options)
        assert found.shape == right.shape
        np.testing.assert_allclose(found, right, rtol=1e-5, atol=1e-6)
