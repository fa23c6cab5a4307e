"""Methods on losses and Gram matrices: recorded numbers, what they claim, and hostile gradients."""

import inspect
import itertools
import sys

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import balancing
from tinygrad_mo.balancing import METHODS, solving
from tinygrad_mo.balancing.by_gradients import CAGrad, without_conflict, worst_served_of_many

TWO = np.array([[-4.0, 1, 1], [6, 1, 1]])
THREE = np.array([[1.0, 0, 0, 2], [-1, 1, 0.5, 0], [0, -1, 1, -1]])
ON_GRAM = [name for name, cls in METHODS.items() if cls.needs == "gram"]
ON_LOSSES = [name for name, cls in METHODS.items() if cls.needs == "losses"]
CLOSED = [name for name in ON_GRAM if issubclass(METHODS[name], balancing.GramBalancer)]
DRAWN = ("rlw", "pcgrad", "gradvac", "graddrop")  # the answer depends on chance


def weights(name, gram, losses=None):
    return balancing.get(name).balance(np.ones(len(gram)) if losses is None else losses, gram)


def direction(name, rows):
    return weights(name, rows @ rows.T) @ rows


def random_rows(seed, count, width=None):
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, width or random.integers(1, 8)))
    return rows * 10.0 ** random.uniform(-2, 2, (count, 1))


# ---------------------------------------------------------------- recorded numbers

GOLDEN = {  # of TorchJD 0.18.0 in float64
    "pcgrad": ([0.5848, 3.80117, 3.80117], None),
    "mgda": ([0, 1, 1], None),
    "cagrad": ([0.1835, 1.20412, 1.20412], [-0.10561, -0.0066, 0.77886, 0.29703]),
    "imtl_g": ([0.0767, 1, 1], [-0.04121, -0.02492, 0.53307, 0.23141]),
    "nash_mtl": ([0.05415, 0.70607, 0.70607], [-0.10405, -0.01068, 0.91684, 0.38532]),
    "aligned_mtl": ([0.21328, 0.96733, 0.96733], [-0.05059, -0.00459, 0.52278, 0.23969]),
    "config": ([0.15881, 2.07061, 2.07061], [-0.12497, -0.07557, 1.61632, 0.70167]),
    "dualproj": (None, [0, 0, 0.5, 0.33333]),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_directions_are_those_of_a_reference(name):
    for rows, wanted in zip((TWO, THREE), GOLDEN[name], strict=True):
        if wanted is not None:
            np.testing.assert_allclose(direction(name, rows), wanted, atol=1.5e-5)


def test_where_the_reference_regularises_both_are_known():
    """It divides G by its trace and adds 1e-4 to the diagonal; ours is the exact projection."""
    exact = {
        "upgrad": ([0.2924, 1.90058, 1.90058], [-0.06766, -0.0413, 1.06851, 0.50819]),
        "dualproj": ([0.55556, 1.11111, 1.11111], [0, 0, 0.5, 1 / 3]),
    }
    reference = {
        "upgrad": ([0.2929, 1.90035, 1.90035], [-0.06756, -0.04132, 1.06821, 0.50816]),
        "dualproj": ([0.55632, 1.11092, 1.11092], [0, 0, 0.5, 0.33333]),
    }
    for n, rows in enumerate((TWO, THREE)):
        gram = rows @ rows.T
        near = gram / np.trace(gram) + 1e-4 * np.eye(len(gram))
        for name in exact:
            np.testing.assert_allclose(direction(name, rows), exact[name][n], atol=1e-5)
            many = balancing.get(name).of_many(near)
            np.testing.assert_allclose(many @ rows, reference[name][n], atol=1e-5)


def test_the_shortest_vector_is_exact_where_the_reference_stops_early():
    """It ends Frank-Wolfe at 1e-3. Ours meets the condition of a minimum: losses fall alike."""
    recorded = np.array([-0.07295, -0.00438, 0.53866, 0.20592])
    ours = direction("mgda", THREE)
    np.testing.assert_allclose(ours, recorded, atol=1e-3)
    np.testing.assert_allclose(THREE @ ours, ours @ ours, rtol=1e-9)
    assert np.ptp(THREE @ recorded) > 1e-4  # which that one does not


def test_the_order_of_pcgrad_is_drawn_and_that_of_the_reference_is_among_them():
    gram, recorded = THREE @ THREE.T, [-0.1037, -0.01852, 2.74074, 1.58889]
    orders = itertools.product(itertools.permutations(range(3)), repeat=3)
    found = [without_conflict(gram, order) @ THREE for order in orders]
    assert min(np.abs(one - recorded).max() for one in found) < 1e-5
    tg.set_random_seed(0)
    drawn = balancing.PCGrad()
    several = {tuple(drawn.balance(np.ones(3), gram).round(9)) for _ in range(40)}
    assert 1 < len(several) <= len({tuple(np.round(one, 9)) for one in found})


# ---------------------------------------------------------------- what cannot be


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (([1.0, 2.0],), "MGDA looks at gradients: give their Gram matrix, too"),
        (([1.0, 2.0], np.eye(3)), r"MGDA: the Gram matrix of 2 losses has the shape \(2, 2\), not"),
        ((3.0, np.eye(2)), r"MGDA: losses have the shape \(K,\), not \(\)"),
    ],
)
def test_a_method_says_what_it_is_to_be_given(given, words):
    with pytest.raises(ValueError, match=words):
        balancing.MGDA().balance(*given)
    assert balancing.MGDA().balance([1, 1, np.nan], [[4, 0, 0], [0, 4, 0], [0, 0, 0]]).tolist() == [
        0.5, 0.5, 1
    ]  # lists are arrays, too  # fmt: skip


@pytest.mark.parametrize("answer", [None, 2.0, [1.0], [1.0, 2.0, 3.0], {"a": 1.0, "b": 2.0}])
def test_what_a_method_of_ones_own_must_return_is_said(answer):
    class Own(balancing.Balancer):
        def __init__(self):
            """It may forget about ours."""

        def weights(self, losses, gram, which):
            return answer

    with pytest.raises(ValueError, match=r"Own\.weights must return 2 numbers, one for each loss"):
        Own().balance([1.0, 2.0])
    with pytest.raises(ValueError, match="Odd: needs is one of 'losses', 'gram', 'rows', not 'gra"):
        type("Odd", (balancing.Balancer,), {"needs": "gradients"})


# ---------------------------------------------------------------- what they claim


@pytest.mark.one_in(6, rest="medium")
@pytest.mark.parametrize("name", sorted({*CLOSED} - {"pcgrad"}))
def test_the_closed_form_for_two_losses_is_that_for_many(name):
    method = balancing.get(name)
    for seed in range(60):
        rows = random_rows(seed, 2, 5)
        gram = rows @ rows.T
        few = method.of_two(gram[0, 0], gram[0, 1], gram[1, 1])
        np.testing.assert_allclose(few, method.of_many(gram), rtol=1e-5, atol=1e-9)


def test_the_closed_form_of_pcgrad_is_the_algorithm():
    for seed in range(60):
        rows = random_rows(seed, 2, 4)
        gram = rows @ rows.T
        wanted = without_conflict(gram, [[1], [0]])
        np.testing.assert_allclose(weights("pcgrad", gram), wanted, rtol=1e-9)


@pytest.mark.medium
@pytest.mark.parametrize("name", [name for name in ON_GRAM + ON_LOSSES if name != "rlw"])
def test_losses_in_another_order_get_their_weights_in_that_order(name):
    for seed in range(40):
        random, count = np.random.default_rng(seed), 2 if name in DRAWN else 2 + seed % 3
        rows = random_rows(seed, count, 6)
        losses, order = random.uniform(0.1, 3, count), random.permutation(count)
        gram, pair = rows @ rows.T, (balancing.get(name), balancing.get(name))
        for losses_now in (losses, losses * 0.9, losses**2):  # some learn
            first = pair[0].balance(losses_now, gram)
            second = pair[1].balance(losses_now[order], gram[np.ix_(order, order)])
            np.testing.assert_allclose(second, first[order], rtol=1e-6, atol=1e-9)


def test_rows_in_another_order_are_mixed_to_the_same():
    """In graddrop the order of the losses does not matter, but what is drawn does."""
    rows, found = random_rows(0, 4, 50), []
    for order in ([0, 1, 2, 3], [2, 0, 3, 1], [0, 1, 2, 3]):
        if len(found) < 2:
            tg.set_random_seed(0)
        method = balancing.get("graddrop")
        method.begin(4)
        found.append(method.mixed(rows[order]))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-9)
    assert np.abs(found[2] - found[0]).max() > 0.1


def test_random_weights_are_drawn_alike_for_all():
    tg.set_random_seed(0)
    drawn = balancing.RLW()
    every = np.array([drawn.balance(np.ones(3)) for _ in range(2000)])
    np.testing.assert_allclose(every.mean(axis=0), 1 / 3, atol=0.02)
    np.testing.assert_allclose(every.sum(axis=1), 1, rtol=1e-9)


def test_the_mean_over_all_orders_of_pcgrad_knows_no_order():
    rows = random_rows(3, 3, 5)
    gram, order = rows @ rows.T, [2, 0, 1]
    moved = gram[np.ix_(order, order)]
    every = list(itertools.product(itertools.permutations(range(3)), repeat=3))
    means = [np.mean([without_conflict(g, one) for one in every], axis=0) for g in (gram, moved)]
    np.testing.assert_allclose(means[1], means[0][order], rtol=1e-9)


NEVER_HARM = {"config", "mgda", "nash_mtl", "fairgrad", "upgrad", "dualproj"}
SAME_DIRECTION = {"imtl_g", "nash_mtl", "fairgrad", "config"}  # however a loss is scaled
SAME_STEP = {"nash_mtl", "fairgrad"}


@pytest.mark.medium
@pytest.mark.parametrize("name", sorted({*ON_GRAM} - {"gradnorm"}))
def test_who_claims_to_harm_no_loss_harms_none_and_the_others_do(name):
    worst = 0.0
    for seed in range(200):
        rows = random_rows(seed, 4, 6)
        d = direction(name, rows)
        along = rows @ d / (np.linalg.norm(rows, axis=1) * max(np.linalg.norm(d), 1e-300))
        worst = min(worst, along.min())
    if name in NEVER_HARM:
        assert worst > -1e-6
    else:
        assert worst < -0.01


@pytest.mark.medium
@pytest.mark.parametrize("name", sorted({*CLOSED} - {"pcgrad"}))
def test_whom_the_scale_of_a_loss_turns(name):
    turned, stretched = 0.0, 0.0
    for seed in range(60):
        rows = random_rows(seed, 3, 5)
        scaled = rows * [[1.0], [20.0], [1.0]]
        a, b = direction(name, rows), direction(name, scaled)
        sizes = np.linalg.norm(a), np.linalg.norm(b)
        turned = max(turned, np.abs(a / sizes[0] - b / sizes[1]).max())
        stretched = max(stretched, abs(sizes[1] / sizes[0] - 1))
    if name == "imtl_g":  # published: scaled to the sum 1, which may be below 0
        a, b = weights(name, rows @ rows.T), weights(name, scaled @ scaled.T)
        np.testing.assert_allclose(a[1] / a[0] / 20, b[1] / b[0], rtol=1e-9)
    else:
        assert (turned < 1e-6) == (name in SAME_DIRECTION)
    assert (stretched < 1e-6) == (name in SAME_STEP)


@pytest.mark.parametrize("name", sorted({*CLOSED} - {"pcgrad"}))
def test_all_gradients_scaled_together_keep_their_weights_but_for_bargains(name):
    rows = random_rows(1, 3, 5)
    few, many = (weights(name, 10.0**power * rows @ rows.T) for power in (-12, 12))
    assert np.allclose(few, many, rtol=1e-6) == (name not in ("nash_mtl", "fairgrad"))


def test_a_fair_step_solves_its_equation():
    for seed, alpha in itertools.product(range(20), (0.5, 1.0, 2.0, 5.0)):
        rows = np.random.default_rng(seed).normal(size=(4, 9))
        gram = rows @ rows.T
        w = balancing.FairGrad(alpha).of_many(gram)
        np.testing.assert_allclose(gram @ w, w ** (-1 / alpha), rtol=1e-5)


def test_a_step_of_cagrad_serves_the_worst_off_best():
    """No direction within the ball has a larger smallest product."""
    for seed in range(20):
        random = np.random.default_rng(seed)
        rows = random.normal(size=(3, 3))
        d, mean = direction("cagrad", rows), rows.mean(axis=0)
        radius = 0.5 * np.linalg.norm(mean)
        assert np.linalg.norm(d - mean) <= radius * (1 + 1e-6)
        other = random.normal(size=(4000, 3))
        other *= radius / np.linalg.norm(other, axis=1, keepdims=True)
        assert ((mean + other) @ rows.T).min(axis=1).max() <= (rows @ d).min() + 1e-9


def test_a_loss_that_is_the_sum_of_others_stops_nobody():
    """No step makes the same angle with a, b and a + b: the pseudo-inverse comes nearest."""
    for seed in range(20):
        rows = np.random.default_rng(seed).normal(size=(2, 30)) * [[1.0], [4.0]]
        rows = np.vstack([rows, rows.sum(axis=0)])
        rows += 1e-7 * np.random.default_rng(99).normal(size=rows.shape)  # as in float32
        lengths = np.linalg.norm(rows, axis=1)
        u = np.linalg.pinv(rows / lengths[:, None], rcond=1e-5).sum(axis=1)
        u /= np.linalg.norm(u)
        np.testing.assert_allclose(direction("config", rows), (rows @ u).sum() * u, rtol=1e-4)
        d = direction("imtl_g", rows)
        assert d @ u / np.linalg.norm(d) == pytest.approx(1, abs=1e-6)
        assert np.linalg.norm(d) > 0.1 * lengths.min()


@pytest.mark.parametrize("name", ["imtl_g", "config"])
def test_gradients_that_cancel_out_are_weighed_until_they_do(name):
    turn = np.array([[1, 0], [-0.5, 3**0.5 / 2], [-0.5, -(3**0.5) / 2]])
    found = weights(name, (turn * [[1.0], [2.0], [4.0]]) @ (turn * [[1.0], [2.0], [4.0]]).T)
    np.testing.assert_allclose(found, np.array([4.0, 2.0, 1.0]) / 7, rtol=1e-9)


# ---------------------------------------------------------------- programs


@pytest.mark.medium
def test_more_than_four_losses_are_solved_as_few_are(monkeypatch):
    for seed in range(20):
        rows = np.random.default_rng(seed).normal(size=(4, 6 if seed % 2 else 3))
        gram = rows @ rows.T
        _, cosines = solving.lengths_and_cosines(gram)
        least = np.eye(4)[seed % 4]
        few = solving.shortest(gram) @ rows, solving.above(cosines, least) @ cosines
        pull, radius = gram.mean(axis=0), 0.5 * np.sqrt(gram.mean())
        fair = CAGrad().worst_served(gram, pull, radius)
        monkeypatch.setattr(solving, "FEW", 3)
        many = solving.shortest(gram) @ rows, solving.above(cosines, least) @ cosines
        for a, b in zip(few, many, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)
        close = worst_served_of_many(gram, pull, radius)
        np.testing.assert_allclose(close @ rows, fair @ rows, atol=1e-5)
        monkeypatch.undo()


def test_without_scipy_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    rows = np.random.default_rng(0).normal(size=(5, 3))
    with pytest.raises(ImportError, match="SciPy for more than 4 losses: python -m pip install"):
        weights("mgda", rows @ rows.T)
    weights("mgda", rows[:4] @ rows[:4].T)


# ---------------------------------------------------------------- hostile gradients

A = np.array([1.0, 2.0, -1.0])
HOSTILE = {
    "zero": [A * 0, A, A[::-1]],
    "all zero": [A * 0] * 3,
    "parallel": [A, A, 3 * A],
    "opposite": [A, -A],
    "opposite of three": [A, -A, A],
    "a triangle": [[1, 0], [-0.5, 3**0.5 / 2], [-0.5, -(3**0.5) / 2]],
    "single": [A],
    "huge": [1e30 * A, -1e30 * A[::-1], 1e30 * A * [1, 0, 1]],
    "tiny": [1e-30 * A, -1e-30 * A[::-1], 1e-30 * A * [1, 0, 1]],
    "huge and tiny": [1e30 * A, -1e-30 * A[::-1], A * [1, 0, 1]],
    "five": [A, -A, A[::-1], A * [1, 0, 1], 1e-9 * A],
}


@pytest.mark.one_in(80, rest="medium")
@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("name", METHODS)
def test_no_gradient_brings_a_weight_that_is_no_number(name, case):
    rows = np.array(HOSTILE[case], float)
    method = balancing.get(name)
    for losses in (np.ones(len(rows)), np.full(len(rows), 1e30), np.full(len(rows), 1e-30)):
        for _ in range(3):
            found = method.balance(losses, rows @ rows.T)
            assert found.shape == (len(rows),) and np.isfinite(found).all()
            assert np.isfinite(found @ rows).all()
            idle = ~rows.any(axis=1)
            if method.needs == "gram":
                assert (found[idle] == 1).all()


@pytest.mark.parametrize("name", [name for name in METHODS if name not in DRAWN])
def test_a_loss_that_is_not_in_the_batch_has_weight_1_and_disturbs_nobody(name):
    rows, method, other = random_rows(2, 3, 5), balancing.get(name), balancing.get(name)
    gram = rows @ rows.T
    for losses in ([0.5, np.nan, 0.7], [0.4, np.nan, 0.9]):
        found = method.balance(losses, gram)
        known = other.balance(np.delete(losses, 1), np.delete(np.delete(gram, 1, 0), 1, 1))
        assert found[1] == 1
        if name != "gradnorm":  # whose weights have the sum of the number of losses
            np.testing.assert_allclose(found[[0, 2]], known, rtol=1e-9)
    assert np.isfinite(method.balance([0.3, 2.0, 0.8], gram)).all()


def test_geometric_means_need_losses_above_0():
    with pytest.raises(ValueError, match="GeometricMean: there is no geometric mean of losses bel"):
        balancing.GeometricMean().balance([1.0, -2.0])


def test_famo_needs_losses_above_their_minimum():
    """It would give nearly all weight to a loss that it cannot compare."""
    famo = balancing.FAMO(minimum=[0.0, -3.0])
    famo.balance([0.0, -2.0])
    with pytest.raises(ValueError, match=r"FAMO: .* one is -4, below -3: give FAMO\(minimum=...\)"):
        famo.balance([1.0, -4.0])


@pytest.mark.medium
def test_what_is_dropped_has_the_other_sign():
    tg.set_random_seed(0)
    rows = np.array([[1.0, 1.0, -3.0, 0.0], [2.0, -1.0, 1.0, 0.0]])
    method = balancing.GradDrop()
    method.balance([1.0, 1.0])
    found = np.array([method.mixed(rows) for _ in range(4000)])
    assert set(found[:, 0]) == {3.0} and set(found[:, 1]) == {1.0, -1.0}
    assert set(found[:, 2]) == {-3.0, 1.0} and set(found[:, 3]) == {0.0}
    assert np.mean(found[:, 1] > 0) == pytest.approx(0.5, abs=0.03)
    assert np.mean(found[:, 2] > 0) == pytest.approx(0.25, abs=0.03)


# ---------------------------------------------------------------- what they learn


@pytest.mark.medium
def test_log_variances_find_the_size_of_a_loss():
    method = balancing.Uncertainty(learning_rate=0.05)
    for _ in range(800):
        found = method.balance([4.0, 0.01])
    np.testing.assert_allclose(found, [0.5 / 4, 0.5 / 0.01], rtol=0.02)


def test_scales_find_the_size_of_a_loss():
    method = balancing.IMTLL(learning_rate=0.05)
    for _ in range(800):
        found = method.balance([4.0, 0.01])
    np.testing.assert_allclose(found, [1 / 4, 1 / 0.01], rtol=0.02)


@pytest.mark.medium
def test_lengths_of_weighted_gradients_become_alike():
    method, gram = balancing.GradNorm(alpha=0.0), np.diag([100.0, 1.0, 4.0])
    for _ in range(1500):
        found = method.balance([1.0, 1.0, 1.0], gram)
    lengths = found * [10.0, 1.0, 2.0]
    np.testing.assert_allclose(lengths, lengths.mean(), rtol=0.15)
    assert found.sum() == pytest.approx(3)


@pytest.mark.medium
def test_who_lags_behind_gets_more():
    fast, slow = np.geomspace(1, 0.01, 400), np.geomspace(1, 0.9, 400)
    for name in ("gradnorm", "famo", "dwa"):
        method = balancing.get(name)
        for losses in zip(fast, slow, strict=True):
            found = method.balance(losses, np.eye(2))
        relative = found * losses if name == "famo" else found
        assert relative[1] > relative[0]


def test_weights_are_averages_of_windows():
    method = balancing.DWA(window=2)
    found = [method.balance(losses) for losses in [[1, 4], [3, 4], [1, 2], [1, 2], [1, 1]]]
    np.testing.assert_array_equal(found[:4], np.ones((4, 2)))
    shares = np.exp([0.5 / 2, 0.5 / 2])
    np.testing.assert_allclose(found[4], 2 * shares / shares.sum())


@pytest.mark.one_in(6, rest="medium")
@pytest.mark.parametrize("name", METHODS)
def test_what_a_method_remembers_brings_the_same_bits(name):
    rows = random_rows(5, 3, 6)
    gram, losses = rows @ rows.T, np.array([1.0, 0.5, 2.0])
    first, second = balancing.get(name), balancing.get(name)
    for n in range(30):
        first.balance(losses / (n + 1), gram)
    second.remember(first.memory())
    for n in range(5):
        a, b = (one.balance(losses / (n + 2), gram) for one in (first, second))
        np.testing.assert_array_equal(a, b)
        if name == "graddrop":
            np.testing.assert_array_equal(first.mixed(rows), second.mixed(rows))


WRONG = {
    "Uncertainty": {"learning_rate": [0, "x", None], "start": ["x", np.inf]},
    "DWA": {"temperature": [0, "x"], "window": [0, 1.5, "x"]},
    "IMTLL": {"learning_rate": [0, -1]},
    "STCH": {"mu": [0, "x"]},
    "FAMO": {"learning_rate": [0], "decay": [-1], "minimum": ["x", [1.0, "x"]]},
    "GradNorm": {"alpha": [-1, "x"], "learning_rate": [0]},
    "GradVac": {"beta": [1.5, "x"]},
    "CAGrad": {"c": [-1, "x"]},
    "FairGrad": {"alpha": [0, "x"]},
    "NashMTL": {"max_norm": [0, "x"]},
}


@pytest.mark.medium
@pytest.mark.parametrize("cls", METHODS.values())
def test_every_argument_is_checked_where_it_is_given(cls):
    wrong = WRONG.get(cls.__name__, {}) | {"only": [3, ""], "every": [0, 1.5]}
    wrong |= {"on": [3, "", []], "per": [3, "row"]}
    known = {*inspect.signature(cls).parameters} - (
        {"alpha"} if cls.__name__ == "NashMTL" else set()
    )
    assert known == {*wrong}
    for name, values in wrong.items():
        for value in values:
            with pytest.raises((TypeError, ValueError), match=f"{cls.__name__}: {name}"):
                cls(**{name: value})
    with pytest.raises(TypeError, match=f"{cls.__name__} has no option 'rate'"):
        cls(rate=1)
    assert isinstance(balancing.get(cls), cls)


def test_one_minimum_for_each_loss():
    with pytest.raises(ValueError, match="FAMO: 2 minima for 3 losses: give one for each"):
        balancing.FAMO(minimum=[0.0, 1.0]).balance([1.0, 2.0, 3.0])
