"""NumPy's names: what is written for arrays gives the same on tensors, and its gradient is right.

Each line of the table is evaluated on arrays and on tensors. What has another meaning here, or
none, is refused in one sentence that names what to write.
"""

import re
from functools import cache

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import ops
from tinygrad_mo.engine.functions import FUNCTIONS, INSTEAD
from tinygrad_mo.engine.operators import Operators

random = np.random.default_rng(0)
VALUES = {  # no two numbers alike, none near a kink
    "a": random.permutation(np.linspace(-1.87, 2.13, 6)).reshape(2, 3),
    "b": random.permutation(np.linspace(-2.1, 1.8, 12)).reshape(3, 4),
    "c": random.permutation(np.linspace(-2, 2, 24)).reshape(2, 3, 4),
    "d": random.permutation(np.linspace(-2.2, 1.7, 6)).reshape(2, 3),
    "p": random.permutation(np.linspace(0.21, 1.73, 6)).reshape(2, 3),  # above 0
    "s": 2 * np.eye(3) + random.permutation(np.linspace(-0.4, 0.5, 9)).reshape(3, 3),
    "u": random.permutation(np.linspace(-0.7, 0.8, 6)).reshape(2, 3),  # below 1
    "v": np.array([0.3, -1.2, 2.3]),
    "w": np.array([-0.7, 1.4, 0.4]),
    "o": np.array([[[0.4], [-1.3]]]),  # axes of length 1
}
TABLE = """
np.exp(a)
np.log(p)
np.log1p(p)
np.log2(p)
np.log10(p)
np.expm1(a)
np.sqrt(p)
np.square(a)
np.absolute(a)
np.abs(a)
abs(a)
np.fabs(a)
np.negative(a)
np.positive(a)
+a
-a
np.reciprocal(p)
np.sign(a)
np.floor(a)
np.ceil(a)
np.rint(a)
np.round(a)
np.round(a, 1)
np.around(a, decimals=2)
a.round(1)
np.sin(a)
np.cos(a)
np.tan(u)
np.arcsin(u)
np.arccos(u)
np.arctan(a)
np.arctan2(a, d)
np.sinh(a)
np.cosh(a)
np.tanh(a)
np.arcsinh(a)
np.arccosh(p + 1)
np.arctanh(u)
np.add(a, 2.0)
np.subtract(a, d)
np.multiply(d, a)
np.divide(a, p)
np.true_divide(a, p)
np.power(p, a)
np.mod(a, p)
np.remainder(a, p)
a % p
3.0 % p
np.floor_divide(a, p)
a // p
2 // p
np.maximum(a, d)
np.minimum(a, 0.1)
np.where(a > d, a, d)
np.where(np.array([True, False, True]), a, 0.0)
np.logical_and(a > 0, d > 0)
np.greater(a, d)
np.clip(a, -1, 1)
np.clip(a, None, 0.5)
np.clip(a, a_min=0.3, a_max=None)
a.clip(-1, 1)
a.clip(max=0.5)
a.clip(min=d)
np.sum(a)
np.sum(a, axis=0)
np.sum(a, 1, keepdims=True)
np.sum(c, axis=(0, 2))
a.sum()
c.sum(axis=-1, keepdims=True)
np.mean(a, axis=-1)
a.mean(0)
np.max(a, axis=1)
np.amax(a)
a.max(axis=0, keepdims=True)
np.min(a, axis=1)
np.amin(c, axis=(0, 1))
a.min()
np.prod(a, axis=0)
a.prod()
np.var(a)
np.var(a, axis=1, ddof=1)
a.var(axis=0, keepdims=True)
np.std(c, axis=(0, 2))
np.std(a, ddof=1)
a.std(axis=1)
np.argmax(a)
np.argmax(a, axis=1)
a.argmax(axis=0)
np.argmin(a, axis=-1, keepdims=True)
a.argmin()
np.cumsum(a)
np.cumsum(a, axis=1)
a.cumsum(axis=0)
np.reshape(a, (3, 2))
np.reshape(a, -1)
a.reshape([3, 2])
a.reshape(1, -1)
np.ravel(a)
a.ravel()
a.flatten()
np.transpose(a)
np.transpose(c, (1, 0, 2))
c.transpose((1, 0, 2))
c.transpose(2, 0, 1)
a.T
np.swapaxes(c, 0, -1)
c.swapaxes(1, 2)
np.moveaxis(c, 0, -1)
np.moveaxis(c, (0, 1), (-1, 0))
np.expand_dims(a, 1)
np.expand_dims(a, (0, -1))
np.squeeze(o)
np.squeeze(o, axis=-1)
o.squeeze((0, 2))
o.squeeze()
np.broadcast_to(v, (2, 3))
np.concatenate([a, d])
np.concatenate((a, d), axis=1)
np.concatenate([a, v], axis=None)
np.concatenate([np.ones((2, 2)), d], axis=-1)
np.stack([a, d])
np.stack([a, np.ones((2, 3)), d], axis=1)
np.stack((v, w), axis=-1)
np.stack([v.sum(), w.sum(), 2.0])
np.vstack([v, a])
np.hstack([v, w])
np.hstack([a, d])
np.split(b, 3)
np.split(b, 2, axis=1)
np.split(b, [1, 3], axis=-1)
np.repeat(a, 2)
np.repeat(a, 2, axis=1)
a.repeat(3, axis=0)
np.tile(a, 2)
np.tile(a, (2, 1))
np.tile(v, (2, 2))
np.tile(c, (2,))
np.pad(a, 1)
np.pad(a, ((0, 1), (2, 0)))
np.pad(a, (1, 2), mode="constant", constant_values=0)
np.flip(a)
np.flip(a, axis=1)
np.flip(c, (0, 2))
np.roll(a, 1)
np.roll(a, -2, axis=1)
np.roll(c, (1, 2), axis=(0, -1))
np.take(a, [4, 0, 4])
np.take(a, [2, 0, 2], axis=1)
np.take(a, -1, axis=-1)
a.take(np.array([[0, 1], [1, 1]]), axis=0)
np.sort(a)
np.sort(a, axis=0)
np.sort(a, axis=None)
np.triu(s)
np.triu(c, 1)
np.tril(a, k=-1)
np.tril(s)
np.diag(v)
np.diag(v, 2)
np.diag(v, -1)
np.diag(s)
np.diag(b, k=1)
np.diag(b, -2)
np.diagonal(c, axis1=1, axis2=2)
np.diagonal(b, 1)
a.diagonal()
np.trace(s)
np.trace(c, offset=1)
s.trace()
np.dot(a, b)
np.dot(v, w)
np.dot(v, 2.0)
np.dot([1.0, 2.0, 3.0], v)
np.dot(a, c)
v.dot(w)
a.dot(b)
np.inner(v, w)
np.inner(a, d)
np.inner(2.0, v)
np.outer(v, w)
np.outer(a, v)
np.tensordot(a, b, 1)
np.tensordot(a, d, axes=2)
np.tensordot(c, a, axes=((0, 1), (0, 1)))
np.tensordot(c, b, axes=([1], [0]))
np.tensordot(v, w, 0)
np.matmul(a, b)
a @ b
np.einsum("ij,jk->ik", a, b)
np.einsum("ij,ij", a, d)
np.einsum("ii->i", s)
np.einsum("ijk->kj", c)
np.einsum("i,j,ij->", v[:2], w, a)
np.einsum("i,i", np.array([1.0, 2.0, 3.0]), v)
np.linalg.norm(v)
np.linalg.norm(a)
np.linalg.norm(a, axis=1, keepdims=True)
np.linalg.norm(c, axis=(0, 1))
np.linalg.norm(v, ord=2)
np.linalg.norm(v, 1)
np.linalg.norm(a, np.inf, axis=-1)
np.linalg.norm(a, "fro")
np.linalg.inv(s)
np.linalg.det(s)
np.linalg.solve(s, v)
np.linalg.solve(s, s + 1)
np.linalg.solve(np.eye(3) * 2, b)
np.size(a) * a
np.ndim(a) * a
np.ones(np.shape(a)) + a
a.size * a
a.ndim * a
a[1]
a[:, ::-1]
a[..., None]
a[[0, 1], [2, 2]]
"""
LINES = TABLE.split("\n")[1:-1]
each_line = pytest.mark.parametrize("line", LINES)


@pytest.fixture(autouse=True)
def in_double_precision():
    with tg.use(floatx="float64"):
        yield


def names_in(line):
    return [name for name in VALUES if re.search(rf"\b{name}\b", line)]


def evaluated(line, values):
    """What the line makes of these values, as a list."""
    made = eval(line, {"np": np, **values})
    return made if isinstance(made, list) else [made]


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


def test_numbers_come_out():
    x = tg.Tensor([[1.5, 2.0]], name="x")
    assert x.size == np.size(x) == 2 and x.tolist() == [[1.5, 2.0]]
    assert x.sum().item() == 3.5 and type(x.sum().item()) is float
    with pytest.raises(ValueError, match="size 1"):
        x.item()
    with pytest.raises(TypeError, match=r"'input' \(None, 2\) has no known size"):
        _ = tg.Input((2,)).size


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
    "np.median(x)": r"numpy\.median cannot be recorded; write it with the ops",
    "np.zeros_like(x)": r"numpy\.zeros_like .* write np\.zeros\(x\.shape\)",
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
    "np.sum(m, axis=2)": "axis 2 does not exist in an array of 2 axes",
    "np.tensordot(m, x, 2)": r"axis -1 does not exist|axes 2 of shapes|axis 1 does not exist",
    "np.tensordot(m, t, 1)": r"axes 1 of shapes \(2, 2\) and \(3,\) do not agree",
    "x.clip()": r"clip needs a limit: x\.clip\(0, 1\)",
    "i.flatten()": r"flatten of 'i' \(None, 2\) can be read in two ways: ops\.flatten\(x\)",
    "np.roll(i, 1, axis=0)": "would pick among the samples of a batch",
    "x[x > 1]": r"ops\.where\(condition, x, 0\) is an op that chooses by a tensor",
    "np.linalg.inv(m)": "Singular matrix",
}


@pytest.mark.parametrize(("line", "words"), REFUSED.items(), ids=list(REFUSED))
def test_what_is_refused_names_what_to_write(line, words):
    values = {"x": tg.Tensor([1.0, 2.0], name="x"), "m": tg.Tensor(np.ones((2, 2)), name="m")}
    values |= {"t": tg.Tensor([1.0, 2.0, 3.0]), "i": tg.Input((2,), name="i")}
    with pytest.raises((TypeError, ValueError), match=words):
        eval(line, {"np": np, **values})


OTHER = {
    "x.backward()": r"a Tensor has no 'backward': tg\.gradients\(loss, tensors\) returns",
    "x.grad": r"tg\.gradients\(loss, tensors\)",
    "x.requires_grad": r"tg\.stop_gradient\(x\)",
    "x.sin()": r"a Tensor has no 'sin': write np\.sin\(x\) or tg\.ops\.sin\(x\)",
    "x.relu()": r"no 'relu': write tg\.ops\.relu\(x\)",
    "x.pow(2)": r"x \*\* y",
    "x.view(1)": r"x\.reshape\(\.\.\.\)",
    "x.sort()": r"np\.sort\(x\)",
    "x.assign(1.0)": r"tg\.Parameter\(value, name\) has assign",
    "p.assign_sub(1.0)": r"a Parameter has no 'assign_sub': a tensor is not changed in place",
    "x.no_such_thing": r"a Tensor has no attribute 'no_such_thing'",
    "(x == p).no_such_thing": r"has no attribute 'no_such_thing'",
    "tg.no_grad()": r"'tinygrad_mo' has no 'no_grad': nothing needs to be switched off",
    "tg.tensor([1.0])": r"tg\.Tensor\(value\)",
    "tg.no_such_thing": r"module 'tinygrad_mo' has no attribute 'no_such_thing'",
}


@pytest.mark.parametrize(("line", "words"), OTHER.items(), ids=list(OTHER))
def test_names_of_other_libraries_are_answered_in_one_sentence(line, words):
    values = {"x": tg.Tensor([1.0, 2.0], name="x"), "p": tg.Parameter([1.0, 2.0], "p")}
    with pytest.raises(AttributeError, match=words):
        eval(line, {"tg": tg, **values})
