"""Optimizers: rules and their twins, steps on all parameters or on none, settings and schedules."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers, optimizers
from tinygrad_mo.compiled import library
from tinygrad_mo.ops import SparseGradient
from tinygrad_mo.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    Nadam,
    Optimizer,
    RMSprop,
)
from tinygrad_mo.optimizers.clipping import norm
from tinygrad_mo.optimizers.finite import all_finite, refuse_if_not_finite

OPTIMIZERS = {
    "SGD": lambda **options: SGD(0.1, **options),
    "SGD with momentum": lambda **options: SGD(0.1, momentum=0.9, **options),
    "SGD, Nesterov": lambda **options: SGD(0.1, momentum=0.9, nesterov=True, **options),
    "RMSprop": lambda **options: RMSprop(0.1, **options),
    "RMSprop with momentum": lambda **options: RMSprop(0.1, momentum=0.5, **options),
    "Adam": lambda **options: Adam(0.1, **options),
    "AdamW": lambda **options: AdamW(0.1, 0.1, **options),
    "Adagrad": lambda **options: Adagrad(0.1, **options),
    "SGD with decay": lambda **options: SGD(0.1, momentum=0.9, weight_decay=0.1, **options),
    "RMSprop, centered": lambda **options: RMSprop(0.1, centered=True, **options),
    "RMSprop, all": lambda **options: RMSprop(
        0.1, momentum=0.5, centered=True, weight_decay=0.1, **options
    ),
    "Adam, AMSGrad": lambda **options: Adam(0.1, amsgrad=True, **options),
    "Adagrad with decay": lambda **options: Adagrad(0.1, weight_decay=0.1, **options),
    "Adadelta": lambda **options: Adadelta(1.0, **options),
    "Adamax": lambda **options: Adamax(0.1, **options),
    "Nadam": lambda **options: Nadam(0.1, **options),
    "Lion": lambda **options: Lion(0.1, **options),
}
OF_FORMULAS_ALONE = ["RMSprop, centered", "RMSprop, all", "Adam, AMSGrad"]
OF_FORMULAS_ALONE += ["Adadelta", "Adamax", "Nadam", "Lion"]
LEFT_TO_THE_SLOW = {"SGD with decay", "RMSprop, centered", "Adam, AMSGrad", "Adagrad with decay"}
LEFT_TO_THE_SLOW |= {"Adamax", "Nadam", "Lion"}  # their formulas are quick, in test_references.py


def quick_and_slow(cases):
    """What a test is tried with, by the name of an optimizer."""
    slow = {name: [pytest.mark.slow] for name in LEFT_TO_THE_SLOW}
    return [
        pytest.param(*(x if isinstance(x, tuple) else (x,)), id=name, marks=slow.get(name, []))
        for name, x in cases.items()
    ]


FUSED = {name: make for name, make in OPTIMIZERS.items() if name not in OF_FORMULAS_ALONE}
each_optimizer = pytest.mark.parametrize("make", quick_and_slow(OPTIMIZERS))
each_fused = pytest.mark.parametrize("make", quick_and_slow(FUSED))
SIZES = {"small": (3, 5), "of middle size": (100, 100), "large": (300, 301)}
each_size = pytest.mark.parametrize("shape", SIZES.values(), ids=SIZES)
TABLE = (40, 3)


@pytest.fixture(params=["compiled", "NumPy"], autouse=True)
def kernels(request):
    """Everything holds with compiled twins and without."""
    if request.param == "compiled" and library.load()[0] is None:
        pytest.skip("no compiler")
    with tg.use(kernels=request.param == "compiled"):
        yield


def random(seed=0):
    return np.random.default_rng(seed)


def parameter(name="w", shape=(3, 5), seed=0):
    return tg.Parameter(random(seed).standard_normal(shape), name)


def gradient_for(w, seed=0):
    return random(100 + seed).standard_normal(w.shape).astype(w.dtype)


def sparse_gradient(w, ids, seed=0, size=1.0):
    values = size * random(200 + seed).standard_normal((len(ids), w.shape[-1])).astype(w.dtype)
    return SparseGradient(np.array(ids), values, len(w.value))


def snapshot(optimizer, *parameters):
    """The bits of all that a step may change."""
    memory = optimizer.memory()
    kept = [[a.tobytes() for a in memory.get(w, {}).values()] for w in parameters]
    return [w.value.tobytes() for w in parameters], kept, optimizer.step


# Rules.


@pytest.mark.one_in(2, rest="medium")
@each_fused
@pytest.mark.parametrize("floatx", ["float32", "float64"])
def test_the_fused_form_has_the_bits_of_the_formula(make, floatx):
    optimizer = make()
    rule = type(optimizer).rule
    w = random().standard_normal(301).astype(floatx)
    slots = [np.full_like(w, optimizer.slot_start) for _ in optimizer.slots]
    for t in range(1, 6):
        g = random(t).standard_normal(w.shape).astype(floatx)
        found = rule.formula(optimizer, w, g, 0.1 / t, t, *slots)
        found = found if isinstance(found, tuple) else (found,)
        old, new = [w, *slots], [np.empty_like(w) for _ in found]
        before = [x.tobytes() for x in (g, *old)]
        rule.fused(optimizer, g, 0.1 / t, t, old, new)
        assert [x.tobytes() for x in (g, *old)] == before, "what is old stays as it is"
        assert [x.tobytes() for x in new] == [x.tobytes() for x in found]
        w, *slots = found


@pytest.mark.parametrize("name", OF_FORMULAS_ALONE)
def test_where_there_is_no_fused_form_the_formula_serves(name):
    optimizer, g = OPTIMIZERS[name](), np.ones(3)
    fused, slots = type(optimizer).rule.fused, [np.ones(3) for _ in optimizer.slots]
    assert fused is None or fused(optimizer, g, 0.1, 1, [g, *slots], []) is NotImplemented


@pytest.mark.one_in(2, rest="medium")
@each_fused
@pytest.mark.parametrize("rate", [0.1, 0.0])
def test_what_the_fused_form_returns_tells_whether_all_is_finite(make, rate):
    optimizer = make()
    w, g, *slots = random().standard_normal((2 + len(optimizer.slots), 301))
    arrays = [w, g, *map(abs, slots)]

    def tell():
        new = [np.empty_like(w) for _ in (w, *slots)]
        with np.errstate(all="ignore"):
            return all_finite(
                type(optimizer).rule.fused(
                    optimizer, arrays[1], rate, 3, [arrays[0], *arrays[2:]], new
                )
            )

    assert tell()
    for array in arrays:
        for odd in (np.inf, -np.inf, np.nan):
            kept, array[7] = array[7], odd
            assert not tell()
            array[7] = kept


@pytest.mark.one_in(15, rest="medium")
@each_optimizer
@each_size
def test_a_large_parameter_is_stepped_like_its_rows(make, shape):
    """In blocks, in C or side by side: the numbers are those of parameters on their own."""
    whole = parameter(shape=shape)
    rows = [tg.Parameter(row, f"row {n}") for n, row in enumerate(whole.numpy())]
    one, other = make(), make()
    for step in range(4):
        g = gradient_for(whole, step)
        one.apply({whole: g})
        other.apply(dict(zip(rows, g, strict=True)))
    together = np.stack([row.value for row in rows])
    np.testing.assert_allclose(whole.value, together, rtol=1e-5, atol=1e-6)


@pytest.mark.one_in(2, rest="medium")
@each_optimizer
def test_one_of_several_small_parameters_may_be_given_a_new_value(make):
    """They are stepped side by side: each goes on from the value that it has now."""
    together, alone = make(), make()
    ws, vs = ([tg.Parameter(np.full(3, n, "float32"), f"w{n}") for n in (1, 2)] for _ in "ab")
    for step in range(4):
        if step == 2:
            ws[1].value = vs[1].value = np.array([5.0, 6.0, 7.0], "float32")
        gs = [gradient_for(w, step) for w in ws]
        together.apply(dict(zip(ws, gs, strict=True)))
        for v, g in zip(vs, gs, strict=True):
            alone.apply({v: g})
    for w, v in zip(ws, vs, strict=True):
        np.testing.assert_allclose(w.value, v.value, rtol=1e-5, atol=1e-6)


def test_a_rule_of_ones_own_serves_every_size():
    class LastGradient(Optimizer):
        """Keeps an array that it was given, and returns one that it has not made."""

        slots = ("last",)

        def rule(self, w, g, rate, t, last):
            return w - rate * last, g

    for shape in SIZES.values():
        w, optimizer = parameter(shape=shape), LastGradient(1.0)
        start, first, second = w.numpy(), gradient_for(w, 1), gradient_for(w, 2)
        given = first.copy()
        optimizer.apply({w: given})
        given[...] = 99  # as a replay writes the next gradient into the same array
        optimizer.apply({w: second})
        np.testing.assert_allclose(w.value, start - first, rtol=1e-6)
        assert (optimizer.state[w][0] == second).all()


def test_a_rule_takes_nothing_from_the_one_that_it_replaces():
    class Half(RMSprop):
        def rule(self, w, g, rate, t, *slots):
            new, *slots = super().rule(w, g, rate, t, *slots)
            return w + (new - w) / 2, *slots

    assert not Half.rule.compiled and not Half.rule.compiled_in_place
    assert Half.rule.fused is None and Half.rule.shares_at_rest(Half()) is None
    assert RMSprop.rule.compiled and RMSprop.rule.shares_at_rest(RMSprop()) == (0.9,)
    w, v = parameter(), parameter()
    start, g = w.numpy(), gradient_for(w)
    Half(0.1).apply({w: g})
    RMSprop(0.1).apply({v: g})
    np.testing.assert_allclose(w.value - start, (v.value - start) / 2, rtol=1e-5)


def test_a_rule_from_a_class_beside_the_optimizers():
    class Still:
        def rule(self, w, g, rate, t, *slots):
            return w, *slots

    class Mixed(Still, Adam):
        pass

    w = parameter()
    start = w.numpy()
    Mixed().apply({w: gradient_for(w)})
    assert (w.value == start).all()


def test_a_rule_belongs_to_a_class():
    with pytest.raises(AttributeError, match="write a subclass"):
        SGD().rule = lambda w, g, rate, t: w


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (lambda w, s: w, r"1: \(15,\)$"),
        (lambda w, s: (w, s, s), r"3: \(15,\), \(15,\), \(15,\)$"),
        (lambda w, s: (w, s[:4]), r"2: \(15,\), \(4,\)$"),
    ],
)
def test_a_rule_that_returns_something_else_is_told_so(returned, said):
    class Wrong(Optimizer):
        slots = ("s",)

        def rule(self, w, g, rate, t, s):
            return returned(w, s)

    w, optimizer = parameter(), Wrong(0.1)
    before = snapshot(optimizer, w)
    must = (
        r"the rule of Wrong must return 2 arrays of shape \(15,\), the new w, s; it has returned "
    )
    with pytest.raises(ValueError, match=must + said):
        optimizer.apply({w: gradient_for(w)})
    assert snapshot(optimizer, w) == before


@pytest.mark.parametrize("shape", [(15,), (5, 3), (3, 1), ()])
def test_a_gradient_of_another_shape_is_refused(shape):
    w, optimizer = parameter(), SGD()
    for _ in range(2):  # at the first step, and at a later one
        with pytest.raises(ValueError, match=r"the gradient of 'w' \(3, 5\) has the shape"):
            optimizer.apply({w: np.ones(shape)})
        optimizer.apply({w: gradient_for(w)})


def test_gradients_of_another_type_leave_parameter_and_slots_as_they_are():
    for shape in SIZES.values():
        w, optimizer = parameter(shape=shape), Adam()
        optimizer.apply({w: np.ones(shape)})
        optimizer.apply({w: np.ones(shape, int)})
        assert {a.dtype for a in (w.value, *optimizer.state[w])} == {np.dtype("float32")}


@pytest.mark.one_in(8, rest="medium")
@each_optimizer
@each_size
def test_weight_decay_comes_before_the_step_and_apart_from_it(make, shape):
    """As if somebody had shrunk the weights by hand; even where no number of the gradient is."""
    w, twin, one, other = parameter(shape=shape), parameter(shape=shape), make(), make()
    one.weight_decay, other.weight_decay = 0.5, 0.0
    for step in range(3):
        g = gradient_for(w, step) if step else np.zeros_like(w.value)
        one.apply({w: g})
        twin.assign(twin.numpy() * np.float32(1 - one.learning_rate * 0.5))
        other.apply({twin: g})
        np.testing.assert_allclose(w.value, twin.value, rtol=1e-5, atol=1e-6)


def test_a_centered_step_is_finite_where_gradients_do_not_differ():
    """The mean of the squares without the square of the mean: rounding would make it negative."""
    w, optimizer = parameter(), RMSprop(centered=True)
    for _ in range(200):
        optimizer.apply({w: np.full(w.shape, 1e4, "float32")})
    assert (optimizer.state[w][0] >= 0).all() and np.isfinite(w.value).all()


def test_amsgrad_keeps_steps_small_that_adam_lets_grow():
    sizes = {}
    for amsgrad in (False, True):
        w, optimizer = tg.Parameter([0.0], "w"), Adam(0.1, beta_1=0.0, beta_2=0.5, amsgrad=amsgrad)
        for g in (100.0, *[1.0] * 30):
            before = w.numpy()
            optimizer.apply({w: np.array([g])})
        sizes[amsgrad] = float(abs(w.numpy() - before)[0])
    assert sizes[False] == pytest.approx(0.1, rel=1e-3) and sizes[True] < 0.002


# A step on all parameters or on none.


@pytest.mark.one_in(24, rest="medium")
@each_optimizer
@each_size
def test_a_gradient_that_is_not_finite_is_refused(make, shape):
    for odd, where in ((np.nan, 0), (np.inf, -1), (-np.inf, -1)):
        check_that_it_is_refused(make, shape, odd, where)


def check_that_it_is_refused(make, shape, odd, where):
    small, w, table = parameter("small"), parameter("w", shape), parameter("table", TABLE)
    optimizer = make()
    for step in range(2):  # the first step, and one with slots
        before = snapshot(optimizer, small, w, table)
        g = gradient_for(w)
        g.reshape(-1)[where] = odd
        others = {small: gradient_for(small), table: sparse_gradient(table, [1, 7])}
        with pytest.raises(FloatingPointError, match=r"gradient of 'w' .* is not finite, so no"):
            optimizer.apply({**others, w: g})
        assert snapshot(optimizer, small, w, table) == before
        assert bool(optimizer.state) == (step > 0)
        optimizer.apply({**others, w: gradient_for(w)})


@pytest.mark.parametrize(
    "clipping", [{"clipvalue": 1.0}, {"clipnorm": 1.0}, {"global_clipnorm": 1}]
)
@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_clipping_hides_no_infinity(clipping, odd):
    w, optimizer = parameter(), SGD(0.1, **clipping)
    before, g = snapshot(optimizer, w), gradient_for(w)
    g[1, 2] = odd
    with pytest.raises(FloatingPointError, match="gradient of 'w'"):
        optimizer.apply({w: g})
    assert snapshot(optimizer, w) == before


OVERFLOWS = {  # what is set, a gradient, and the array that does not end finite
    "SGD": (SGD(1e20), 1e20, "values"),
    "SGD with momentum": (SGD(1e20, momentum=0.9), 1e20, "values"),
    "RMSprop": (RMSprop(), 1e20, "mean_square"),
    "RMSprop, a rate": (RMSprop(1e38, momentum=0.5), 100.0, "values"),
    "Adam": (Adam(), 1e20, "mean_square"),
    "AdamW": (AdamW(1.0, 1e36), 1.0, "values"),
    "Adagrad": (Adagrad(), 1e20, "accumulator"),
    "SGD with decay": (SGD(1.0, weight_decay=1e36), 1.0, "values"),
    "RMSprop, centered": (RMSprop(centered=True), 1e20, "variance"),
    "Adam, AMSGrad": (Adam(amsgrad=True), 1e20, "mean_square"),
    "Adadelta": (Adadelta(), 1e20, "mean_square"),
    "Adamax": (Adamax(1.0, weight_decay=1e36), 1.0, "values"),
    "Nadam": (Nadam(), 1e20, "mean_square"),
    "Lion": (Lion(1.0, weight_decay=1e36), 1.0, "values"),
    "Adagrad, full": (Adagrad(initial_accumulator_value=3e38), 1e19, "accumulator"),
}


@pytest.mark.one_in(8, rest="medium")
@each_size
@pytest.mark.parametrize(("optimizer", "g", "array"), quick_and_slow(OVERFLOWS))
@pytest.mark.parametrize("sparse", [False, True])
def test_a_step_that_does_not_end_finite_is_refused(optimizer, g, array, shape, sparse):
    optimizer = copy.deepcopy(optimizer)
    small, w = parameter("small"), tg.Parameter(np.full(shape, 1e3), "w")
    before = snapshot(optimizer, small, w)
    large = np.zeros(shape, "float32")
    large[1] = g
    given = SparseGradient(np.array([1]), large[1:2], len(large)) if sparse else large
    said = rf"a step of {type(optimizer).__name__} would bring .* the {array} of 'w' .*no step was"
    with pytest.raises(FloatingPointError, match=said):
        optimizer.apply({small: gradient_for(small), w: given})
    assert snapshot(optimizer, small, w) == before and not optimizer.state


@each_size
def test_nan_that_a_rule_makes_is_refused(shape):
    class Sign(Optimizer):
        def rule(self, w, g, rate, t):
            return w - rate * g / abs(g)

    w, optimizer = parameter(shape=shape), Sign(0.1)
    optimizer.apply({w: gradient_for(w)})
    before, g = snapshot(optimizer, w), gradient_for(w)
    g[-1, -1] = 0
    said = "would bring infinity or NaN into the values of 'w'"
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=said):
        optimizer.apply({w: g})
    assert snapshot(optimizer, w) == before


def test_a_gradient_that_a_rule_makes_finite_is_refused_all_the_same():
    class Sign(Optimizer):
        def rule(self, w, g, rate, t):
            return w - rate * np.sign(g)

    w = parameter()
    with pytest.raises(FloatingPointError, match="the gradient of 'w'"):
        Sign(0.1).apply({w: np.full(w.shape, np.inf, "float32")})


@pytest.mark.parametrize("clipping", [{}, {"clipnorm": 9.0}, {"global_clipnorm": 9.0}])
def test_what_no_path_leads_to_stays_as_it_is(clipping):
    optimizer, twin = (tg.optimizers.Adam(0.1, **clipping) for _ in range(2))
    v, w, alone = (tg.Parameter([1.0, 2.0], name) for name in ("v", "w", "alone"))
    for step in range(3):  # v is reached in the second step only
        losses = w * w + v * step if step == 1 else w * w
        gradients = tg.gradients(losses.sum(), [v, w])
        assert (gradients[0] is None) == (step != 1)
        optimizer.apply(dict(zip([v, w], gradients, strict=True)))
        twin.apply({alone: 2 * alone.numpy()})
    assert w.numpy().tolist() == alone.numpy().tolist()
    assert v.numpy() == pytest.approx([0.9, 1.9])  # one step, the first of its own


def test_a_parameter_that_is_not_finite_already():
    w = tg.Parameter([1.0, np.nan], "w")
    with pytest.raises(FloatingPointError, match=r"'w' \(2,\) is not finite, so no step was made"):
        SGD().apply({w: np.zeros(2)})


@pytest.mark.one_in(4, rest="medium")
@each_optimizer
@each_size
def test_large_numbers_that_stay_finite_are_no_error(make, shape):
    """Their products overflow when they are looked at, and nobody is to notice."""
    w, optimizer = tg.Parameter(np.full(shape, 1e25), "w"), make()
    for _ in range(3):
        optimizer.apply({w: np.full(shape, 1e18, "float32")})
    assert np.isfinite(w.value).all() and optimizer.step == 3


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize(
    "make", [Adam, RMSprop, partial(SGD, momentum=0.9)], ids=["Adam", "RMSprop", "SGD"]
)
@pytest.mark.parametrize("shape", [(3,), (70, 70)], ids=str)
def test_an_average_that_has_all_but_vanished_becomes_0(make, shape):
    """Now and then: numbers near the smallest float are computed a hundred times more slowly."""
    optimizer, w = make(), parameter(shape=shape)
    first = np.full(shape, 1e-17 if isinstance(optimizer, RMSprop) else 1e-35, "float32")
    optimizer.apply({w: first})
    for _ in range(62):
        optimizer.apply({w: np.zeros(shape, "float32")})
    average = optimizer.state[w][0]
    assert ((abs(average) > 0) & (abs(average) < 1e-36)).all()
    optimizer.apply({w: np.zeros(shape, "float32")})
    assert not optimizer.state[w][0].any()


def test_numpys_error_handling_makes_no_difference():
    table, w = parameter("table", TABLE), parameter()
    tiny, optimizer = sparse_gradient(table, [1, 7], size=1e-30), RMSprop()
    with np.errstate(all="raise"):
        optimizer.apply({w: gradient_for(w), table: sparse_gradient(table, [3])})
        before = snapshot(optimizer, w, table)
        with pytest.raises(FloatingPointError, match="the mean_square of 'w'"):
            optimizer.apply({w: np.full(w.shape, 1e20, "float32"), table: tiny})
        assert snapshot(optimizer, w, table) == before
    with np.errstate(under="raise"):
        optimizer.apply({table: tiny})
    assert optimizer.step == 2


def test_a_sum_of_products_tells_whether_all_is_finite():
    def told(arrays):
        looked = []
        refuse_if_not_finite(arrays, lambda: looked.append(True))
        return looked

    for count in range(1, 6):
        arrays = [random(n).standard_normal(50) for n in range(count)]
        assert all_finite(arrays) and not told(arrays)
        for n in range(count):
            for odd in (np.nan, np.inf, -np.inf):
                broken = [a.copy() for a in arrays]
                broken[n][7] = odd
                assert not all_finite(broken) and told(broken)
                broken[(n + 1) % count][7] = 0 if count > 1 else odd
                assert not all_finite(broken) and told(broken)


# Steps are counted for each parameter.


def rates_of_first_steps(optimizer, w, count=5):
    sizes = []
    for _ in range(count):
        before = w.numpy()
        optimizer.apply({w: np.ones(w.shape, "float32")})
        sizes.append(float(np.abs(w.value - before).max()))
    return sizes


@pytest.mark.one_in(12, rest="medium")
@pytest.mark.parametrize("make", [Adam, AdamW, Adamax])
@each_size
def test_a_parameter_that_joins_late_begins_like_the_first(make, shape):
    early, late, optimizer = parameter("early"), tg.Parameter(np.zeros(shape), "late"), make(1e-3)
    for _ in range(300):
        optimizer.apply({early: gradient_for(early)})
    np.testing.assert_allclose(rates_of_first_steps(optimizer, late), 1e-3, rtol=0.02)


def steps_with_a_break(optimizer, early, late, go_on=None):
    """Steps of which some leave one of two parameters out."""
    for step in range(12):
        if go_on and step == 8:
            optimizer = go_on(optimizer)
        gradients = {early: gradient_for(early, step), late: gradient_for(late, step)}
        if step < 3 or step in (6, 7, 9):
            del gradients[late]
        optimizer.apply(gradients)
    return [w.value.tobytes() for w in (early, late)]


@pytest.mark.one_in(24, rest="medium")
@each_optimizer
@each_size
def test_each_parameter_is_stepped_as_if_it_were_alone(make, shape):
    early, late = parameter("early"), parameter("late", shape, 1)
    steps_with_a_break(make(), early, late)
    for w, twin, left_out in ((early, parameter("twin"), ()), (late, parameter("t", shape, 1), 1)):
        alone = make()
        for step in range(12):
            if not left_out or not (step < 3 or step in (6, 7, 9)):
                alone.apply({twin: gradient_for(twin, step)})
        np.testing.assert_allclose(w.value, twin.value, rtol=2e-6, atol=1e-7)


def copy_of(memory):
    return {w: {name: a.copy() for name, a in arrays.items()} for w, arrays in memory.items()}


def from_memory(make):
    def go_on(optimizer):
        new = make()
        new.step = optimizer.step
        new.remember(
            {
                w: {n: a.copy() for n, a in arrays.items()}
                for w, arrays in optimizer.memory().items()
            }
        )
        return new

    return go_on


@pytest.mark.one_in(16, rest="medium")
@each_optimizer
@each_size
def test_memory_goes_on_with_the_same_bits(make, shape):
    def pair():
        return parameter("early"), parameter("late", shape, 1)

    whole = steps_with_a_break(make(), *pair())
    assert whole == steps_with_a_break(make(), *pair(), go_on=from_memory(make))


@pytest.mark.one_in(4, rest="medium")
@each_optimizer
def test_tables_go_on_with_the_same_bits(make):
    def trained(go_on=None):
        table, optimizer = parameter("table", (300, 70)), make()
        for step in range(12):
            if go_on and step == 8:
                optimizer = go_on(optimizer)
            ids = random(step).choice(300, 250 if step % 3 else 2, replace=False)
            optimizer.apply({table: sparse_gradient(table, np.sort(ids), step)})
        return table.value.tobytes(), [a.tobytes() for a in optimizer.state[table]]

    assert trained() == trained(from_memory(make))


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.one_in(18, rest="medium")
@each_optimizer
def test_a_saved_model_goes_on_with_the_same_bits(make, tmp_path):
    """With a layer that thaws in between, so that its count of steps is one of its own."""

    def model():
        tg.set_random_seed(1)
        x = tg.Input((4,), name="x")
        hidden = layers.Dense(3, name="hidden")(x)
        made = tg.Model(x, layers.Dense(1, name="head")(hidden))
        made.get_layer("hidden").trainable = False
        made.compile(make(), "mse")
        return made

    def train(made, steps):
        for step in steps:
            if step == 4:
                made.get_layer("hidden").trainable = True
            x = random(step).standard_normal((8, 4))
            made.train_on_batch(x, x[:, :1])
        return made

    whole = train(model(), range(10))
    train(model(), range(7)).save(tmp_path / "half.tg")
    again = train(tg.load(tmp_path / "half.tg"), range(7, 10))
    for one, other in zip(whole.get_weights(), again.get_weights(), strict=True):
        assert one.tobytes() == other.tobytes()


def test_memory_of_another_kind_of_optimizer_is_refused():
    w, one, other = parameter(), RMSprop(), Adam()
    one.apply({w: gradient_for(w)})
    other.apply({w: gradient_for(w)})
    before = snapshot(other, w)
    said = r"Adam keeps \['mean', 'mean_square'\] of each .* 'w' .* there is \['mean_square'\]"
    with pytest.raises(ValueError, match=said):
        other.remember(one.memory())
    assert snapshot(other, w) == before


@pytest.mark.one_in(6, rest="medium")
@each_optimizer
@pytest.mark.parametrize("way", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_goes_on_with_the_same_bits(make, way):
    optimizer = make(clipnorm=1.0)
    ws = [parameter("a"), parameter("b", (120, 130), 1), parameter("table", TABLE, 2)]

    def step(optimizer, ws, n):
        optimizer.apply(
            {
                ws[0]: gradient_for(ws[0], n),
                ws[1]: gradient_for(ws[1], n),
                ws[2]: sparse_gradient(ws[2], [n, n + 5], n),
            }
        )

    for n in range(3):
        step(optimizer, ws, n)
    twin, twins = way((optimizer, ws))
    assert type(twin) is type(optimizer) and twin.made_with == optimizer.made_with
    for n in range(3, 6):
        step(optimizer, ws, n)
        step(twin, twins, n)
    for w, other in zip(ws, twins, strict=True):
        assert w.value.tobytes() == other.value.tobytes()
        for a, b in zip(optimizer.state[w], twin.state[other], strict=True):
            assert a.tobytes() == b.tobytes()


def test_the_state_is_up_to_date_whenever_it_is_read():
    w, large, optimizer = parameter(), parameter("large", (100, 100)), RMSprop()
    g, h = gradient_for(w), gradient_for(large)
    optimizer.apply({w: g, large: h})
    state, mean_square = optimizer.state, 0.1 * g**2
    np.testing.assert_allclose(state[w][0], mean_square, rtol=1e-5)
    optimizer.apply({w: g, large: h})
    np.testing.assert_allclose(state[w][0], 0.9 * mean_square + 0.1 * g**2, rtol=1e-5)
    np.testing.assert_allclose(state[large][0], 0.19 * h**2, rtol=1e-5)
    assert optimizer.state is state


# Settings.

SETTINGS = [
    (SGD, "momentum", "must be a number, 0 or more and below 1, not ", (-0.1, 1, 1.5)),
    (RMSprop, "momentum", "must be a number, 0 or more and below 1, not ", (-0.1, 1)),
    (RMSprop, "rho", "must be a number, 0 or more and below 1, not ", (-0.1, 1.0)),
    (RMSprop, "epsilon", "must be a number, above 0, not ", (0, -1e-7)),
    (Adam, "beta_1", "must be a number, 0 or more and below 1, not ", (-0.1, 1)),
    (Adam, "beta_2", "must be a number, 0 or more and below 1, not ", (-0.1, 1)),
    (Adam, "epsilon", "must be a number, above 0, not ", (0.0, -1)),
    (AdamW, "weight_decay", "must be a number, 0 or more, not ", (-1, -1e-9)),
    (AdamW, "beta_2", "must be a number, 0 or more and below 1, not ", (1.0,)),
    (SGD, "weight_decay", "must be a number, 0 or more, not ", (-1,)),
    (Adadelta, "rho", "must be a number, 0 or more and below 1, not ", (-0.1, 1.0)),
    (Adadelta, "epsilon", "must be a number, above 0, not ", (0, -1e-7)),
    (Adamax, "beta_1", "must be a number, 0 or more and below 1, not ", (-0.1, 1)),
    (Adamax, "beta_2", "must be a number, 0 or more and below 1, not ", (-0.1, 1)),
    (Nadam, "beta_1", "must be a number, 0 or more and below 1, not ", (-0.1, 1)),
    (Nadam, "epsilon", "must be a number, above 0, not ", (0,)),
    (Lion, "beta_1", "must be a number, 0 or more and below 1, not ", (-0.1, 1)),
    (Lion, "beta_2", "must be a number, 0 or more and below 1, not ", (-0.1, 1)),
    (Adagrad, "initial_accumulator_value", "must be a number, 0 or more, not ", (-0.1,)),
    (Adagrad, "epsilon", "must be a number, above 0, not ", (0,)),
    (SGD, "clipvalue", "must be a number, above 0, not ", (0, -1)),
    (Adam, "clipnorm", "must be a number, above 0, not ", (0.0, -1)),
    (RMSprop, "global_clipnorm", "must be a number, above 0, not ", (0,)),
    (
        Adam,
        "learning_rate",
        "the learning rate must be a number, 0 or more, not ",
        (-1e-3, np.float32(-1)),
    ),
]
NO_NUMBERS = [np.nan, np.inf, -np.inf, True, np.True_, "0.1", 0.1j, [0.1], np.ones(1), np.nan]
NO_NUMBERS += [10**400, np.float32("nan"), np.complex64(1), np.str_("a"), np.array("a")]


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize(("made", "name", "range_", "values"), SETTINGS, ids=str)
def test_a_setting_out_of_its_range_is_refused(made, name, range_, values):
    for value in values:
        with pytest.raises(ValueError) as error:
            made(**{name: value})
        assert name.replace("_rate", " rate") in str(error.value) and range_ in str(error.value)
        assert repr(value) in str(error.value)
    for value in NO_NUMBERS:
        with pytest.raises((TypeError, ValueError), match=r"must be a (finite )?number, ") as error:
            made(**{name: value})
        assert name.replace("_rate", " rate") in str(error.value)


@pytest.mark.parametrize("kind", [float, np.float32, np.float64, np.array, np.float16])
def test_numpys_numbers_are_numbers(kind):
    adam = AdamW(kind(0.25), kind(0.5), beta_1=kind(0.5), beta_2=kind(0.75), clipnorm=kind(2.0))
    found = adam.learning_rate, adam.weight_decay, adam.beta_1, adam.beta_2, adam.clipnorm
    assert found == (0.25, 0.5, 0.5, 0.75, 2.0) and {type(x) for x in found} == {float}
    adam.learning_rate = kind(0.125)
    assert adam.learning_rate == 0.125
    assert SGD(np.int64(1)).learning_rate == SGD(1).learning_rate == 1.0


@pytest.mark.medium
def test_a_model_with_numpys_numbers_can_be_saved(tmp_path):
    x = tg.Input((2,))
    model = tg.Model(x, layers.Dense(1)(x))
    model.compile(Adam(np.float32(0.25), beta_1=np.array(0.5)), "mse")
    model.save(tmp_path / "model.tg")
    found = tg.load(tmp_path / "model.tg").optimizer
    assert (found.learning_rate, found.beta_1) == (0.25, 0.5)


def test_an_epsilon_that_is_0_for_the_parameter_is_refused():
    w, optimizer = parameter(), RMSprop(epsilon=1e-50)
    with pytest.raises(ValueError, match="epsilon=1e-50 is 0 in float32, the type of 'w'"):
        optimizer.apply({w: np.zeros(w.shape)})
    with tg.use(floatx="float64"):
        v = parameter()
    optimizer.apply({v: np.zeros(v.shape)})
    assert np.isfinite(v.value).all()


@each_optimizer
def test_a_learning_rate_of_0_moves_nothing_and_keeps_count(make):
    w, table, optimizer = parameter(), parameter("table", TABLE), make()
    optimizer.learning_rate = 0
    before = w.numpy(), table.numpy()
    optimizer.apply({w: gradient_for(w), table: sparse_gradient(table, [1])})
    assert (w.value == before[0]).all() and (table.value == before[1]).all()
    assert optimizer.step == 1
    optimizer.learning_rate = 0.1
    optimizer.apply({w: gradient_for(w)})
    assert (w.value != before[0]).any()


@pytest.mark.parametrize("bad", [np.nan, -0.1, np.inf, None, "0.1", True, 0.1j])
def test_a_schedule_that_gives_no_rate_is_refused_at_that_step(bad):
    class Broken(tg.schedules.Schedule):
        def __call__(self, step):
            return bad if step == 2 else 0.1

    def broken(step):
        return Broken()(step)

    for schedule, name in ((Broken(), "Broken"), (broken, "broken"), (lambda s: broken(s), "<lam")):
        w, optimizer = parameter(), Adam(schedule)
        for _ in range(2):
            optimizer.apply({w: gradient_for(w)})
        before = snapshot(optimizer, w)
        said = f"the learning rate that {name}.* gives for step 2 .*{bad}"
        with pytest.raises((TypeError, ValueError), match=said):
            optimizer.apply({w: gradient_for(w)})
        assert snapshot(optimizer, w) == before


def test_a_schedule_is_asked_once_for_a_step():
    asked = []
    optimizer = Adam(lambda step: asked.append(step) or np.float32(0.1))
    ws = {parameter(), parameter("large", (300, 301)), parameter("table", TABLE)}
    for _ in range(2):
        optimizer.apply({w: gradient_for(w) for w in ws})
    assert asked == [0, 1]


def test_a_warm_up_may_start_at_0():
    w = parameter()
    optimizer = SGD(tg.schedules.CosineDecay(0.0, 100, warmup_target=1.0, warmup_steps=10))
    sizes = rates_of_first_steps(optimizer, w, 3)
    np.testing.assert_allclose(sizes, [0.0, 0.1, 0.2], atol=1e-6)


def test_an_optimizer_is_found_by_name_class_or_as_it_is():
    adam = Adam()
    assert optimizers.get(adam) is adam
    assert {type(optimizers.get(x)) for x in ("adam", "Adam", Adam)} == {Adam}
    with pytest.raises(
        (TypeError, ValueError), match="unknown optimizer 'adma': did you mean 'adam'"
    ):
        optimizers.get("adma")


def test_what_is_announced_exists():
    assert all(hasattr(optimizers, name) for name in optimizers.__all__)
    assert set(optimizers.OPTIMIZERS.values()) < {
        getattr(optimizers, n) for n in optimizers.__all__
    }


# Clipping.


@pytest.mark.parametrize("floatx", ["float32", "float64"])
def test_a_norm_does_not_overflow(floatx):
    large = 0.5 * float(np.finfo(floatx).max)
    assert norm(np.array([3, 4], floatx)) == 5
    assert norm(np.array([0.6 * large, 0.8 * large], floatx)) == pytest.approx(large)
    assert norm(np.array(3.0, floatx)) == 3 and norm(np.zeros((0, 3), floatx)) == 0
    w = tg.Parameter(np.zeros(2), "w")
    SGD(1.0, clipnorm=5.0).apply({w: np.array([0.6 * large, 0.8 * large], floatx)})
    np.testing.assert_allclose(w.value, [-3, -4], rtol=1e-5)


def test_rows_of_zeros_change_no_bit_of_a_norm():
    for width in (1, 3, 8, 70):
        g = random().standard_normal((500, width)).astype("float32")
        g[random(1).random(500) < 0.7] = 0
        ids = np.flatnonzero(g.any(axis=1))
        assert norm(SparseGradient(ids, g[ids], 500)) == norm(g)


@pytest.mark.parametrize(
    ("gradients", "said"),
    [
        (lambda w: zip([np.ones((3, 5))], [w], strict=True), "apply takes a dict.*dict.zip"),
        (lambda w: {"w": np.ones((3, 5))}, "'w' is no Parameter"),
        (lambda w: {w * 2.0: np.ones((3, 5))}, "'multiply' .3, 5. is no Parameter"),
        (lambda w: {w: tg.Tensor(np.ones((3, 5)))}, "must be an array, not a tensor"),
        (lambda w: {w: [[1.0] * 5] * 3}, "must be an array, not a list"),
        (lambda w: {w: np.ones((3, 5)) * 1j}, "holds complex128, not real numbers"),
        (lambda w: {tg.Parameter([1], "ids", trainable=False): np.ones(1)}, "'ids' .1,. holds int"),
    ],
)
def test_what_is_no_gradient_of_a_parameter_is_refused(gradients, said):
    w, optimizer = parameter(), optimizers.SGD(0.1)
    optimizer.apply({w: np.ones((3, 5))})
    before = snapshot(optimizer, w)
    with pytest.raises(TypeError, match=said):
        optimizer.apply(gradients(w))
    with pytest.raises(TypeError, match="complex128, not real numbers"):
        optimizer.apply({w: np.ones((3, 5)) * 1j})  # also where all else is known
    assert snapshot(optimizer, w) == before
