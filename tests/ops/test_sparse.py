"""Gradients of tables of which a batch reads few entries: the numbers of dense ones, everywhere."""

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers, ops
from tinygrad_mo.compiled import library
from tinygrad_mo.device import xp
from tinygrad_mo.engine.plan import Plan
from tinygrad_mo.ops import SparseGradient, dense_gradient
from tinygrad_mo.optimizers import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Lion, Nadam, RMSprop

pytestmark = pytest.mark.usefixtures("float64")
ENTRIES, WIDTH = 11, 3


def random(seed=0):
    return np.random.default_rng(seed)


def draw_ids(*shape, seed=0):
    """Few different ones, so that they repeat, and many zeros: padding."""
    ids = random(seed).integers(1, 6, shape)
    return np.where(random(seed + 1).random(shape) < 0.5, 0, ids)


def table_of(values=None):
    return tg.Parameter(random(7).standard_normal((ENTRIES, WIDTH)), "table")


def read_once(table, ids):
    return ops.embedding(ids, table)


def read_twice(table, ids):
    return ops.embedding(ids, table) * ops.embedding(ids[:, ::-1], table)


def read_and_multiplied(table, ids):
    """Tied weights: the table is an embedding below, and a kernel above."""
    return ops.matmul(ops.embedding(ids, table), ops.transpose(table, axes=(1, 0)))


def multiplied_and_read(table, ids):
    return ops.matmul(ops.transpose(table, axes=(1, 0)), table) * ops.embedding(ids, table).sum()


def read_after_a_step(table, ids):
    """What is read is computed, so the sparse gradient has to pass through an op."""
    return ops.embedding(ids, ops.tanh(table * 2.0))


def read_twice_after_a_step(table, ids):
    computed = ops.tanh(table)
    return ops.embedding(ids, computed) + ops.embedding(ids + 5, computed)


GRAPHS = [
    read_once,
    read_twice,
    read_and_multiplied,
    multiplied_and_read,
    read_after_a_step,
    read_twice_after_a_step,
]


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize("build", GRAPHS)
@pytest.mark.parametrize("shape", [(4, 6), (1, 1), (0, 6), (300, 9)], ids=str)
def test_sparse_and_dense_gradients_are_the_same(build, shape):
    table, ids = table_of(), tg.Input(shape[1:], "int64")
    y = build(table, ids)
    loss = (y * ops.sin(y)).sum()
    plan = Plan([loss], [table])
    tape = plan.forward({ids: draw_ids(*shape)})
    dense = plan.backward(tape, [1.0])[table]
    assert isinstance(dense, xp().ndarray) and dense.shape == (1, ENTRIES, WIDTH)
    sparse = plan.backward(tape, [1.0], sparse=True)[table]
    assert isinstance(sparse, SparseGradient) == (build in (read_once, read_twice))
    assert sparse.shape == dense.shape and sparse.dtype == dense.dtype
    np.testing.assert_allclose(dense_gradient(sparse), dense, rtol=1e-12, atol=1e-12)
    expected = np.zeros((ENTRIES, WIDTH))
    if build is read_once:
        value = table.numpy()[draw_ids(*shape)]
        np.add.at(expected, draw_ids(*shape), np.sin(value) + value * np.cos(value))
        np.testing.assert_allclose(dense[0], expected, rtol=1e-10, atol=1e-12)


def test_rows_per_loss_and_recorded_edges_are_dense_and_add_up():
    table, ids = table_of(), tg.Input((6,), "int64")
    first, second = ops.embedding(ids, table).sum(), (ops.embedding(ids, table) ** 2).mean()
    plan = Plan([first, second], [table])
    tape, seen = plan.forward({ids: draw_ids(5, 6)}), []
    rows = plan.backward(
        tape, [1.0, 1.0], per_loss=True, record=lambda n, i, g, losses: seen.append(g)
    )[table]
    summed = plan.backward(tape, [1.0, 1.0], sparse=True)[table]
    assert all(isinstance(g, xp().ndarray) for g in (*seen, rows))
    np.testing.assert_allclose(rows.sum(axis=0), summed[0].dense(), rtol=1e-12)
    sparse_rows = plan.backward(tape, [1.0, 1.0], per_loss=True, sparse=True)[table]
    np.testing.assert_array_equal(dense_gradient(sparse_rows), rows)


def test_gradients_of_eager_tensors_are_arrays():
    table = tg.Tensor(np.ones((4, 2)))
    found = tg.gradients(ops.embedding(np.array([1, 1, 3]), table).sum(), table)
    assert isinstance(found, xp().ndarray) and found.tolist() == [[0, 0], [2, 2], [0, 0], [1, 1]]


class TestArithmetic:
    def pair(self):
        a = SparseGradient(np.array([[4, 0], [4, 2]]).ravel(), np.arange(8.0).reshape(4, 2), 5)
        b = SparseGradient(np.array([2, 1, 2]), np.ones((3, 2)), 5)
        return a, b

    def test_sums(self):
        a, b = self.pair()
        dense = a.dense() + b.dense()
        assert isinstance(a + b, SparseGradient) and (a + b).ids.tolist() == [0, 1, 2, 4]
        for total in (a + b, a + b.dense(), a.dense() + b):
            assert dense_gradient(total).tolist() == dense.tolist()

    def test_a_sum_leaves_its_parts_as_they_are(self):
        a, b = self.pair()
        before, array = a.dense(), b.dense()
        array.setflags(write=False)
        _ = a + array, array + a, a + b
        assert (a.dense() == before).all()

    def test_scaling_and_clipping(self):
        a, _ = self.pair()
        assert (a * 3.0).dense().tolist() == (a.dense() * 3).tolist()
        assert a.clip(-3.0, 3.0).dense().tolist() == a.dense().clip(-3, 3).tolist()

    def test_it_can_be_looked_at_as_an_array(self):
        a, _ = self.pair()
        assert np.asarray(a).tolist() == a.dense().tolist()
        assert np.asarray(a, "float32").dtype == np.float32


def make_sparse(g):
    """The same gradient, without the entries that are 0."""
    ids = np.flatnonzero(g.any(axis=1))
    return SparseGradient(ids, g[ids], len(g))


def gradient_of_step(step, read):
    g = np.zeros((ENTRIES, WIDTH))
    ids = random(step).choice(ENTRIES, read, replace=False)
    g[ids] = random(step + 100).standard_normal((read, WIDTH))
    return g


OPTIMIZERS = {
    "sgd": lambda **clipping: SGD(0.1, **clipping),
    "sgd with momentum": lambda **clipping: SGD(0.1, momentum=0.9, **clipping),
    "rmsprop": lambda **clipping: RMSprop(0.1, rho=0.8, **clipping),
    "rmsprop with momentum": lambda **clipping: RMSprop(0.1, momentum=0.5, **clipping),
    "adam": lambda **clipping: Adam(0.1, **clipping),
    "adamw": lambda **clipping: AdamW(0.1, 0.01, **clipping),
    "adagrad": lambda **clipping: Adagrad(0.1, **clipping),
    "adagrad with decay": lambda **clipping: Adagrad(0.1, weight_decay=0.1, **clipping),
    "rmsprop, centered": lambda **clipping: RMSprop(0.1, centered=True, **clipping),
    "adadelta": lambda **clipping: Adadelta(1.0, **clipping),
    "adamax": lambda **clipping: Adamax(0.1, **clipping),
    "nadam": lambda **clipping: Nadam(0.1, **clipping),
    "lion": lambda **clipping: Lion(0.1, **clipping),
}
SLOW = {"rmsprop, centered", "adamax", "nadam", "lion"}  # stepped everywhere, as adam is
each_optimizer = pytest.mark.parametrize(
    "make",
    [
        pytest.param(make, id=name, marks=[pytest.mark.slow] * (name in SLOW))
        for name, make in OPTIMIZERS.items()
    ],
)
CLIPPING = [{}, {"clipvalue": 0.5}, {"clipnorm": 1.0}, {"global_clipnorm": 1.0}]


@pytest.mark.one_in(18, rest="medium")
@each_optimizer
@pytest.mark.parametrize("clipping", CLIPPING, ids=str)
def test_a_sparse_step_is_the_dense_step(make, clipping):
    table, twin, other, other_twin = (table_of() for _ in range(4))
    sparse, dense = make(**clipping), make(**clipping)
    for step in range(25):
        g = gradient_of_step(step, read=step % 4)
        one, two = {table: make_sparse(g)}, {twin: g}
        if step == 12:
            one = {table: g}  # a dense one in between
        if step in (5, 6):
            one, two = {}, {}  # the table rests: not even its averages move
        h = random(step).standard_normal((ENTRIES, WIDTH))
        sparse.apply({other: h, **one})
        dense.apply({other_twin: h, **two})
        np.testing.assert_allclose(table.value, twin.value, rtol=1e-12)
        assert (other.value == other_twin.value).all()
        if step in (3, 17, 24):  # asked for in between, and at the end
            for a, b in zip(sparse.state.get(table, []), dense.state.get(twin, []), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-12)


SCHEDULES = {
    "cosine": tg.schedules.CosineDecay(0.0, 20, warmup_target=0.1, warmup_steps=5),
    "steps": tg.schedules.PiecewiseConstantDecay([8, 16], [0.1, 0.0, 0.01]),
}


@pytest.mark.one_in(28, rest="medium")
@each_optimizer
@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
@pytest.mark.parametrize("clipping", [{}, {"global_clipnorm": 1.0}], ids=str)
def test_a_table_that_thaws_is_stepped_like_a_dense_one(make, schedule, clipping):
    table, twin, other, other_twin = (table_of() for _ in range(4))
    sparse, dense = make(**clipping), make(**clipping)
    for optimizer in (sparse, dense):
        optimizer.learning_rate = schedule
    for step in range(25):
        g, h = gradient_of_step(step, read=1 + step % 4), gradient_of_step(step + 50, read=3)
        frozen = step < 6 or step in (11, 12)
        sparse.apply({other: make_sparse(h), **({} if frozen else {table: make_sparse(g)})})
        dense.apply({other_twin: h, **({} if frozen else {twin: g})})
        for one, two in ((table, twin), (other, other_twin)):
            np.testing.assert_allclose(one.value, two.value, rtol=1e-12)
    for one, two in ((table, twin), (other, other_twin)):
        for a, b in zip(sparse.state[one], dense.state[two], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.medium
def test_float32_stays_close_over_many_steps():
    table, twin = (tg.Parameter(np.ones((50, 4)), "table") for _ in range(2))
    for parameter in (table, twin):
        parameter.dtype = np.dtype("float32")
        parameter.assign(np.ones((50, 4)))
    sparse, dense = RMSprop(), RMSprop()
    for step in range(300):
        g = np.zeros((50, 4), "float32")
        ids = random(step).choice(50, 3)
        g[ids] = random(step).standard_normal((3, 4))
        sparse.apply({table: make_sparse(g)})
        dense.apply({twin: g})
    assert np.abs(table.value - twin.value).max() < 2e-6


def test_a_rule_of_ones_own_is_applied_everywhere():
    """A subclass may move weights without a gradient: it has to say that it does not."""

    class Decaying(SGD):
        def rule(self, w, g, rate, t):
            return 0.9 * super().rule(w, g, rate, t)

    table = table_of()
    before = table.numpy()
    Decaying(0.1).apply({table: make_sparse(gradient_of_step(0, read=1))})
    assert (table.value != before).all()


@each_optimizer
def test_nan_is_refused(make):
    table, optimizer = table_of(), make()
    before, g = table.numpy(), gradient_of_step(0, read=2)
    sparse = make_sparse(g)
    sparse.values[1, 0] = np.nan
    with pytest.raises(FloatingPointError, match="gradient of 'table'"):
        optimizer.apply({table: sparse})
    assert (table.value == before).all() and optimizer.step == 0


class TestWhoHoldsTheArray:
    def step(self, table, optimizer=None):
        (optimizer or SGD(0.1)).apply({table: make_sparse(gradient_of_step(0, read=2))})

    def test_nobody_else_so_nothing_is_copied(self):
        table = table_of()
        address = table.value.ctypes.data
        for _ in range(3):
            self.step(table)
        assert table.value.ctypes.data == address

    @pytest.mark.parametrize(
        "hold", [lambda a: a, lambda a: a[2:], memoryview], ids=["it", "view", "memory"]
    )
    def test_somebody_who_then_keeps_the_old_numbers(self, hold):
        table = table_of()
        before, holder = table.numpy(), hold(table.value)
        self.step(table)
        assert (np.asarray(holder) == before[-len(holder) :]).all()
        assert (table.value != before).any()

    def test_a_value_that_is_a_view_of_something_else_is_copied(self):
        table, source = table_of(), np.zeros((2, ENTRIES, WIDTH))
        table.assign(source[0])
        self.step(table)
        assert not source.any() and table.value.any()

    def test_it_is_locked_before_and_after(self):
        table = table_of()
        self.step(table)
        with pytest.raises(ValueError, match="read-only"):
            table.value[0] = 1

    def test_a_tape_can_be_swept_again_after_the_step(self):
        table, ids = table_of(), tg.Input((6,), "int64")
        y = read_and_multiplied(table, ids)
        plan = Plan([(y * y).sum()], [table])
        tape = plan.forward({ids: draw_ids(4, 6)})
        first = plan.backward(tape, [1.0])[table]
        self.step(table)
        assert plan.backward(tape, [1.0])[table].tobytes() == first.tobytes()


@pytest.mark.medium
@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adagrad", "adam", "adadelta"])
def test_fit_learns_the_same_with_dense_gradients(optimizer, monkeypatch):
    def fitted():
        tg.set_random_seed(0)
        ids = tg.Input((6,), "int64")
        h = layers.GlobalAveragePooling1D()(layers.Embedding(ENTRIES, 4, mask_zero=True)(ids))
        model = tg.Model(ids, layers.Dense(1)(h))
        model.compile(optimizer, "mse")
        x = draw_ids(64, 6)
        model.fit(x, x.sum(axis=1, keepdims=True) / 10, epochs=3, batch_size=8, verbose=0)
        return model.get_weights()

    sparse = fitted()
    sweep = Plan.backward

    def swept_dense(plan, tape, seeds, *, sparse=False, **options):
        return sweep(plan, tape, seeds, **options)

    monkeypatch.setattr(Plan, "backward", swept_dense)
    for a, b in zip(sparse, fitted(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)


IN_PLACE = {"SGD": SGD, "RMSprop": RMSprop, "Adagrad": Adagrad}
needs_compiler = pytest.mark.skipif(library.load()[0] is None, reason="no C compiler")


def trained_table(make, kernels):
    """A table after ten steps, each of which reads some of its entries, and its slots."""
    draw = np.random.default_rng(4)
    with tg.use(floatx="float32"):
        table = tg.Parameter(draw.normal(size=(700, 40)), "table")
    optimizer = make(0.01)
    with tg.use(kernels=kernels):
        for _ in range(10):
            ids = draw.integers(0, 700, 1200)
            values = draw.normal(size=(1200, 40)).astype("float32")
            optimizer.apply({table: SparseGradient(ids, values, 700)})
    return [table.numpy(), *optimizer.state[table]]


@pytest.mark.one_in(2, rest="medium")
@needs_compiler
@pytest.mark.parametrize("make", IN_PLACE.values(), ids=IN_PLACE)
def test_the_compiled_step_of_a_table_is_that_of_numpy(make):
    for compiled, plain in zip(*(trained_table(make, way) for way in (True, False)), strict=True):
        np.testing.assert_allclose(compiled, plain, rtol=2e-5, atol=1e-7)
        assert not np.array_equal(compiled, plain)  # so the kernel was really used


@needs_compiler
@pytest.mark.parametrize("make", IN_PLACE.values(), ids=IN_PLACE)
def test_every_rule_for_tables_has_a_twin_that_works_in_place(make, monkeypatch):
    asked = []
    (twin,) = make.rule.compiled_in_place.values()

    def watched(*given):
        asked.append(twin(*given))
        return asked[-1]

    monkeypatch.setitem(make.rule.compiled_in_place, "cpu", watched)
    trained_table(make, True)
    assert len(asked) == 10 and NotImplemented not in asked
    trained_table(make, False)
    assert len(asked) == 10, "switched off, it is not asked"


@pytest.mark.parametrize("make", IN_PLACE.values(), ids=IN_PLACE)
@pytest.mark.parametrize("floatx", ["float32", "float64"])
@pytest.mark.parametrize("rate", [1e-3, 1e33])
def test_what_is_certain_to_end_finite_does_even_from_the_largest_numbers(make, rate, floatx):
    """The bound below which a table is written in place without a look at its numbers."""
    limits, rule, optimizer = np.finfo(floatx), make.rule, make()
    size = 2.0 ** np.floor(np.log2(limits.max) / 2)
    largest = np.array([limits.max, -limits.max], floatx)
    certain = []
    while not certain:
        for sign in (1, -1):
            g = np.full(2, sign * size, floatx)
            if rule.ends_finite(optimizer, g, rate):
                certain.append(g)
        size /= 2
    for g in certain:
        slots = [abs(largest) for _ in optimizer.slots]
        for start in (0.0, limits.smallest_subnormal, 1.0):
            for state in (slots, [np.full(2, start, floatx) for _ in slots]):
                for new in rule.after_step(optimizer, largest, g, rate, 1, state):
                    assert np.isfinite(new).all()
    for odd in (np.nan, np.inf, limits.max):
        assert not rule.ends_finite(optimizer, np.array([0, odd], floatx), rate)
    assert not rule.ends_finite(optimizer, np.ones(2, floatx), float(limits.max))


def test_of_a_rule_of_ones_own_nothing_is_certain():
    class Mine(SGD):
        def rule(self, w, g, rate, t):
            return w - rate * g

    assert not Mine.rule.ends_finite(Mine(), np.zeros(2), 0.1)
    table = table_of()
    start, g = table.numpy(), gradient_of_step(0, read=2)
    Mine(0.1).apply({table: make_sparse(g)})
    np.testing.assert_allclose(table.value, start - 0.1 * g)


@pytest.mark.parametrize("make", IN_PLACE.values(), ids=IN_PLACE)
@pytest.mark.parametrize("kernels", [True, False])
def test_a_step_that_is_not_certain_is_worked_out_beside_the_table(make, kernels):
    """With numbers so large that only the result tells: the same as for a dense gradient."""
    with tg.use(floatx="float32", kernels=kernels):
        table, twin = (tg.Parameter(np.full((700, 40), 1e30), "table") for _ in range(2))
        values = np.full((600, 40), 1e17, "float32")
        g, sparse, dense = SparseGradient(np.arange(600), values, 700), make(1e14), make(1e14)
        assert not make.rule.ends_finite(sparse, values, 1e14)
        sparse.apply({table: g})
        dense.apply({twin: g.dense()})
    np.testing.assert_allclose(table.value, twin.value, rtol=1e-5)
    for a, b in zip(sparse.state[table], dense.state[twin], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


@pytest.mark.parametrize("make", IN_PLACE.values(), ids=IN_PLACE)
def test_what_is_certain_is_judged_by_the_type_of_the_table(make):
    """A gradient in double precision, whose squares single precision does not hold."""
    with tg.use(floatx="float32"):
        table = tg.Parameter(np.ones((700, 40)), "table")
    before, optimizer = table.numpy(), make(1e20)
    with pytest.raises(FloatingPointError, match="of 'table'"):
        optimizer.apply({table: SparseGradient(np.arange(600), np.full((600, 40), 1e25), 700)})
    assert (table.value == before).all() and not optimizer.state
