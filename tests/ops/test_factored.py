"""Inner products and weighted sums of gradients, whether they have been multiplied or not."""

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers, ops
from tinygrad_mo.device import to_numpy
from tinygrad_mo.ops import dense_gradient, factored
from tinygrad_mo.ops.factored import FactoredGradient, cheaper_in_factors
from tinygrad_mo.ops.products import inner_products, weighted_sum
from tinygrad_mo.training.balanced import Rows, swept


@pytest.fixture
def any_size(monkeypatch):
    monkeypatch.setattr(factored, "SMALL", 0)


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def test_factors_are_the_product():
    x, g = drawn(3, 9), drawn(4, 3, 7, seed=1)
    apart, rows = FactoredGradient(x, g), x.T @ g
    exact = (x.T.astype(float) @ g.astype(float)).reshape(4, -1)
    np.testing.assert_array_equal(dense_gradient(apart), rows)
    np.testing.assert_allclose(apart.inner_products(), exact @ exact.T, rtol=1e-11)
    weights = [0.5, 0.0, -2.0, 1.0]
    np.testing.assert_allclose(
        apart.weighted_sum(weights), weighted_sum(rows, weights), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_array_equal(dense_gradient(apart[[2, 0]]), rows[[2, 0]])
    assert apart.shape == rows.shape and apart.size == rows.size and apart.ndim == 3


def test_nothing_is_lost_where_gradients_all_but_cancel():
    """The factors are multiplied in double precision, as rows are not."""
    x, g = drawn(3, 400), drawn(2, 3, 300, seed=1)
    g[1] = -g[0] + 1e-6 * g[1]
    exact = (x.T.astype(float) @ g.astype(float)).reshape(2, -1)
    along = np.array([1.0, 1.0])  # of length 1e-6 of the rows
    found = along @ FactoredGradient(x, g).inner_products() @ along
    assert found == pytest.approx(np.square(along @ exact).sum(), rel=1e-3)


def test_sums_of_factors_have_the_factors_of_both():
    one = FactoredGradient(drawn(2, 300), drawn(3, 2, 400, seed=1))
    other = FactoredGradient(drawn(5, 300, seed=2), drawn(3, 5, 400, seed=3))
    both, rows = one + other, dense_gradient(one) + dense_gradient(other)
    assert isinstance(both, FactoredGradient) and both.x.shape == (7, 300)
    np.testing.assert_allclose(dense_gradient(both), rows, rtol=1e-4, atol=1e-4)
    for mixture in (one + rows, rows + one):
        np.testing.assert_array_equal(mixture, dense_gradient(one) + rows)
    many = FactoredGradient(drawn(200, 300), drawn(3, 200, 400, seed=1))
    assert isinstance(many + one, np.ndarray)  # too many for factors to be cheaper


@pytest.mark.medium
@pytest.mark.parametrize(
    ("n", "inputs", "units", "rows", "apart"),
    [
        (32, 512, 512, 2, True),
        (32, 512, 512, 1, False),
        (600, 512, 512, 5, False),
        (32, 100, 100, 5, False),
    ],
)
def test_a_large_kernel_and_a_small_batch_are_kept_in_factors(n, inputs, units, rows, apart):
    x, kernel, g = drawn(n, inputs), drawn(inputs, units), drawn(rows, n, units)
    pulled = ops.dense(x, kernel, None)[1][1](g)
    assert isinstance(pulled, FactoredGradient) == apart == cheaper_in_factors(x, g)
    np.testing.assert_allclose(dense_gradient(pulled), x.T @ g, rtol=1e-5)


def siamese():
    """A shared layer, one of its own for a loss, and several batches in a sequence."""
    tg.set_random_seed(0)
    a, b = tg.Input((40,)), tg.Input((40,))
    shared, deep = layers.Dense(60, "tanh", name="shared"), layers.Dense(50, name="deep")
    both = deep(layers.concatenate([shared(a), shared(b)]))
    heads = [layers.Dense(30, name="u")(both), layers.Dense(1, name="v")(both)]
    model = tg.Model([a, b], heads)
    model.compile("sgd", "mse")
    return model, [drawn(2, 40), drawn(2, 40, seed=1)], [drawn(2, 30), drawn(2, 1)]


def test_a_balanced_step_is_the_same_in_factors(any_size):
    model, x, y = siamese()
    objective, plan = model.objective, model.objective.plan()
    feed = model.labelled_data(x, y)
    with tg.use(replay=False):
        tape = plan.forward(feed, training=True)
        apart = Rows(plan, tape, objective.balanced)
        rows = Rows(plan, tape, objective.balanced, apart=True)
        kept = {w.name for _, (w, *_), r in apart.packs if isinstance(r, FactoredGradient)}
        assert kept == {"shared/kernel", "deep/kernel"}
        np.testing.assert_allclose(apart.gram(), rows.gram(), rtol=1e-5)
        wanted, found = swept(plan, tape, [0.3, 2.0]), apart.mixed([0.3, 2.0])
    assert list(found) == list(wanted)
    for w, g in wanted.items():
        np.testing.assert_allclose(found[w], g, rtol=1e-3, atol=1e-6)


def test_who_asks_for_arrays_gets_arrays(any_size):
    model, x, y = siamese()
    plan = model.objective.plan()
    tape = tg.Plan.forward(plan, model.labelled_data(x, y), training=True)
    found = plan.backward(tape, [1.0, 1.0], per_loss=True)
    assert not any(isinstance(g, FactoredGradient) for g in found.values())
    flow = model.gradient_flow(x, y)
    for w, g in found.items():
        name = model.objective.contents.names[w]
        for row, k in zip(g, plan.reaches(w), strict=True):
            loss = list(model.objective.terms)[k]
            assert flow.norm(loss, name) == pytest.approx(np.linalg.norm(to_numpy(row)), rel=1e-4)


@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (3, 5000), (5, 20_001), (4, 0)])
def test_inner_products_are_those_of_one_large_product(shape):
    rows = drawn(*shape)
    exact = rows.astype(float)
    np.testing.assert_allclose(inner_products(rows), exact @ exact.T, rtol=1e-12, atol=1e-12)
    assert inner_products(rows).dtype == np.float64


def test_weighted_sums_leave_out_what_has_no_weight():
    rows = drawn(3, 4, 2)
    rows[1] = np.inf
    wanted = 2 * rows[0] - rows[2]
    np.testing.assert_allclose(weighted_sum(rows, [2.0, 0.0, -1.0]), wanted, rtol=1e-6)
    np.testing.assert_array_equal(weighted_sum(rows, [0.0, 0.0, 2.0]), 2 * rows[2])
