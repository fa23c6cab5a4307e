"""What is said of scales, affinities and groups."""

import itertools

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import balancing, layers
from tinygrad_mo.systems import demographics
from zoo import ZOO, X, two_heads

Y = {"a": X[:, :1], "b": 30 * X[:, 1:2] - 1}


def test_the_weights_that_are_proposed_make_all_pulls_alike():
    model = two_heads()
    found = balancing.suggest(model, X, Y)
    flow = model.gradient_flow(X, Y)
    for name, weight in found.weights.items():
        length = np.hypot(flow.norm(name, "trunk/kernel"), flow.norm(name, "trunk/bias"))
        assert found.lengths[name] == pytest.approx(length)
        assert weight * length == pytest.approx(found.weights["a"] * found.lengths["a"])
    assert np.prod(list(found.weights.values())) == pytest.approx(1)
    assert found.pulls(found.weights) == pytest.approx({"a": 0.5, "b": 0.5})
    assert model.loss_weights == {"a": 1, "b": 1} and model.step == 0


@pytest.mark.medium
def test_the_weights_of_the_book_are_compared():
    """Age / income / gender (Chollet): .25, 1, 10 frees gender, not income, on our data."""
    tg.set_random_seed(0)
    model, task = demographics.SYSTEM.make(), demographics.SYSTEM.task()
    model.loss_weights = {}
    found = balancing.suggest(model, *task.some(), compare={"the book": demographics.BOOK_WEIGHTS})
    book = found.pulls(demographics.BOOK_WEIGHTS)
    assert book["age"] > 0.7 and book["gender"] > 3 * book["income"]
    text = str(found)
    assert "With the weights of this model, age pulls" in text
    assert "With the weights of the book, age pulls" in text and "RMSprop divides" in text
    assert all(len(line) <= 88 for line in text.splitlines())


def test_what_shares_nothing_is_named_and_keeps_weight_1():
    x = tg.Input((4,), name="x")
    h = layers.Dense(5, kernel_regularizer="l2", name="trunk")(x)
    heads = [layers.Dense(1, name=n)(h) for n in ("a", "b")] + [layers.Dense(1, name="c")(x)]
    model = tg.Model(x, heads)
    model.compile("adam", "mse")
    found = balancing.suggest(model, X, Y | {"c": X[:, :1]})
    assert (
        found.alone == ["c"] and found.weights["c"] == 1 and "regularization" not in found.lengths
    )
    text = " ".join(str(found).split())
    assert "since nothing is shared, or without a gradient there in this batch: c." in text


def test_opposite_gradients_are_pointed_out():
    model = two_heads()
    found = balancing.Suggestion({"a": 1.0, "b": 1.0}, {"a": 1.0, "b": 1.0}, {("a", "b"): -0.9}, {})
    assert "a and b pull against each other (cosine -0.90)" in str(found)
    for compare, words in (
        ({"mine": {"c": 1.0}}, "suggest: compare, mine: no loss is called 'c'"),
        ({"suggested": {"a": 1.0}}, "suggest: compare: 'suggested' has a row already"),
        ({"mine": {"a": np.nan}}, "that of 'mine': that of 'a' must be a finite number, not"),
    ):
        with pytest.raises(ValueError, match=words):
            balancing.suggest(model, X, Y, compare=compare)
    with pytest.raises(TypeError, match="compare: that of 'a' must be a dict by name, not"):
        balancing.suggest(model, X, Y, compare={"a": 2.0})
    x = tg.Input((4,), name="x")
    single = tg.Model(x, layers.Dense(1)(x))
    single.compile("sgd", "mse")
    with pytest.raises(ValueError, match="suggest: no two losses have a gradient on the same"):
        balancing.suggest(single, X, Y["a"])


def test_a_weight_of_0_pulls_nothing_and_clipping_is_said():
    x = tg.Input((4,), name="x")
    h = layers.Dense(5, activation="tanh", name="trunk")(x)
    model = tg.Model(x, [layers.Dense(1, name=name)(h) for name in ("a", "b", "c")])
    model.compile(tg.optimizers.SGD(0.1, clipnorm=1.0), "mse", loss_weights={"b": 0.0})
    missing = Y | {"c": np.full((4, 1), np.nan)}
    text = " ".join(str(balancing.suggest(model, X, missing)).split())
    assert "With the weights of this model, no pull comes from b, of weight 0." in text
    assert "times as hard" not in text and "without a gradient there in this batch: c." in text
    assert "clipnorm=1 cuts gradients off" in text and "learning rate" not in text


@pytest.mark.medium
@pytest.mark.parametrize(
    "name", ["three_heads_at_three_depths", "shapes_and_dropout", "every_lstm"]
)
def test_looking_ahead_agrees_with_the_first_order(name):
    with tg.use(floatx="float64"):
        model, x, y = ZOO[name]()
    before, states = model.get_weights(), model.objective.randomness.states
    found = balancing.affinity(model, x, y, rate=1e-6)
    np.testing.assert_allclose(found.first_order, found.look_ahead, rtol=1e-2, atol=1e-3)
    assert all(map(np.array_equal, before, model.get_weights()))
    assert str(states) == str(model.objective.randomness.states)
    assert "first order" in str(found) and len(str(found).splitlines()) == 2 + 2 * len(found.losses)


def test_a_loss_without_labels_has_no_relative_change():
    found = balancing.affinity(two_heads(), X, Y | {"b": np.full((4, 1), np.nan)})
    for table in (found.first_order, found.look_ahead):
        assert np.isnan(table[:, 1]).all()
        assert table[0, 0] > 0 and table[1, 0] == pytest.approx(0, abs=1e-3)


def test_an_error_while_looking_ahead_leaves_the_model_as_it_was(monkeypatch):
    model = two_heads()
    before, plan = model.get_weights(), model.objective.plan()
    own, calls = plan.forward, []

    def forward(*given, **options):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError
        return own(*given, **options)

    plan.forward = forward
    with pytest.raises(RuntimeError):
        balancing.affinity(model, X, Y)
    assert all(map(np.array_equal, before, model.get_weights()))


def test_a_pair_that_was_not_trained_is_named():
    with pytest.raises(ValueError, match="higher_order: pairs lack that of 'a' and 'c'"):
        balancing.higher_order(
            {"a": 1.0, "b": 1.0, "c": 1.0}, {("b", "a"): {"a": 1.0, "b": 1.0}, ("b", "c"): {}}
        )


def test_the_best_groups_are_the_best_of_all():
    """Against every choice of groups."""
    names = tuple("abcd")
    every = [g for n in (1, 2, 3, 4) for g in itertools.combinations(names, n)]
    for seed in range(8):
        random = np.random.default_rng(seed)
        candidates = {g: {name: float(random.uniform()) for name in g} for g in every}
        cost = {g: float(random.uniform(0.5, 2)) for g in every}
        for budget in (1.5, 3.0):
            totals = []
            for n in (1, 2, 3):
                for chosen in itertools.combinations(every, n):
                    done = {name for g in chosen for name in g}
                    if done == {*names} and sum(cost[g] for g in chosen) <= budget:
                        totals.append(
                            sum(min(candidates[g][t] for g in chosen if t in g) for t in names)
                        )
            if totals:
                groups, total = balancing.best_groups(candidates, budget, cost.get)
                assert total == pytest.approx(min(totals) if budget < 2 else total)
                assert total <= min(totals) + 1e-12
                assert sum(cost[g] for g in groups) <= budget
    with pytest.raises(ValueError, match="no groups within a budget of 0"):
        balancing.best_groups(candidates, 0)
