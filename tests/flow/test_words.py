"""The words: true for what is frozen, off, alone, not finite, and for one loss as for six."""

import numpy as np
import pytest

import tinygrad_mo as tg
from random_flows import random_flow, random_weights
from tinygrad_mo import layers
from tinygrad_mo.flow import Flow, FlowNode, Measure, Wire, words


def shared(rows, **more):
    """A trunk that all losses share."""
    measure = Measure.of(np.array(rows, float), range(len(rows)), len(rows))
    losses = ["main", "aux", "third"][: len(rows)]
    parts = {
        "losses": losses,
        "values": dict.fromkeys(losses, 0.5),
        "weights": dict.fromkeys(losses, 1.0),
        "nodes": [FlowNode("trunk", parameters=("trunk/kernel",))],
        "wires": [],
        "parameters": {"trunk/kernel": measure},
    }
    return Flow(**parts | more)


def lines_of(flow):
    return flow.report().splitlines()


def test_shares_are_of_weighted_pulls_and_say_what_was_lost_and_why():
    flow = shared([[3.0, 0.0], [-3.0, 4.0]])
    line = (
        "trunk is pulled by 2 losses: 38% from main and 62% from aux (weighted; conflict -0.60); "
    )
    line += "50% is lost in the addition, 23% because they oppose each other."
    assert line in lines_of(flow)
    flow.weights["aux"] = 0.0
    line = "trunk is pulled by 2 losses: 100% from main and 0% from aux (weighted; main, aux off); "
    assert line + "0% is lost in the addition." in lines_of(flow)
    flow.weights["main"] = 0.0
    line = "trunk is pulled by 2 losses: 0 from main and 0 from aux (weighted; main, aux off)."
    assert line in lines_of(flow)


def test_a_weight_of_0_would_train():
    flow = shared([[1.0], [2.0]], weights={"main": 0.0, "aux": -1.0})
    assert "main (now 0.5000, weight 0) would train, with another weight, trunk." in lines_of(flow)
    assert "aux (now 0.5000, weight -1) trains trunk." in lines_of(flow)


def test_of_a_frozen_model_nothing_is_said_to_be_trained():
    flow = shared([[1.0], [2.0]], frozen={"trunk/kernel"})
    text = flow.report()
    assert text.count("trains nothing.") == 2 and "is pulled by" not in text
    assert "No layer is trained by several losses." in text
    assert "Frozen: trunk. Gradients pass through, weights stay." in text
    assert "  not change main (by 0 x the learning rate)" in text
    assert "trunk/kernel (frozen)" in flow.table()
    measure = flow.parameters["trunk/kernel"]
    beside = {"trunk/kernel": measure, "beside": measure}  # a weight that no card shows
    both = shared([[1.0], [2.0]], parameters=beside, frozen=set(beside))
    assert "Frozen: trunk and beside. Gradients pass through, weights stay." in both.report()


def test_what_is_not_finite_is_said_to_be_so():
    flow = shared([[3.0, 4.0], [np.inf, 0.0]], values={"main": 0.5, "aux": float("nan")})
    text, table = flow.report(), flow.table()
    assert (
        "aux (now not finite, weight 1) trains trunk. Its gradient is not finite in trunk." in text
    )
    assert "trunk is pulled by 2 losses: aux not finite." in text
    assert "  change main by a number that is not finite" in text
    assert "trunk/kernel     5  not finite    not finite  aux not finite" in table
    assert "nan" not in text + table and "inf " not in text + table
    flow.weights["aux"] = 0.0
    assert "  lower main (by 25 x the learning rate)" in flow.report()
    assert "(weighted; main, aux off); 0% is lost" in flow.report()


def test_one_loss_shares_nothing():
    flow = shared([[1.0, 2.0]])
    assert "several losses" not in flow.report() and "conflict" not in flow.table()


def test_thresholds_stand_below_the_table(monkeypatch):
    flow = shared([[1.0, 0.0], [0.0, 1.0]])
    assert flow.table().endswith(words.thresholds())
    monkeypatch.setattr(words, "AGREE", -0.1)
    assert flow.table().endswith("agree: above -0.10; unrelated: between")
    assert "agree +0.00" in flow.table()


def test_a_cosine_that_is_0_but_for_rounding_has_no_sign():
    assert words.signed(-1e-17) == "+0.00" and words.signed(-0.005001) == "-0.01"


@pytest.mark.parametrize("names", [["_out", "x_out"], ["__", "_"], ["a_b", "b"], ["_ _a", "x_a"]])
def test_no_short_name_is_empty(names):
    assert words.short_names(names) == names


def borrowing(**more):
    """A decoder that works with the weights of the encoder, and a bias of its own."""

    def nodes(*parameters):
        return [
            FlowNode("enc", parameters=("enc/kernel",)),
            FlowNode("dec", parameters=parameters),
            FlowNode("cls", parameters=("cls/kernel",)),
        ]

    both, one, two = (Measure.of(np.ones((len(k), 2)), k, 2) for k in ((0, 1), (0,), (1,)))
    parameters = {"enc/kernel": both, "dec/bias": one, "cls/kernel": two}
    own = shared(
        [[1.0], [1.0]], nodes=nodes("enc/kernel", "dec/bias"), parameters=parameters, **more
    )
    parameters = {name: one for name, one in parameters.items() if name != "dec/bias"}
    return own, shared([[1.0], [1.0]], nodes=nodes("enc/kernel"), parameters=parameters, **more)


def test_weights_that_a_layer_borrows_are_not_its_own():
    own, none = borrowing()
    for flow, trained in ((own, "enc and dec"), (none, "enc")):
        text = flow.report() + words.explain(flow)
        assert f"main (now 0.5000, weight 1) trains {trained}." in text
        assert "aux (now 0.5000, weight 1) trains enc and cls." in text
        assert text.count("enc/kernel is used in 2 places: the gradients of its uses") == 2
    assert "main trains enc and dec. No path leads from it to cls." in words.explain(own)
    assert own.norm("main", "dec") == own.norm("main", "dec/bias")
    assert not own.reaches("aux", "dec")
    with pytest.raises(
        ValueError, match=r"layer 'dec' has no weights of its own, .*as in \('enc/k"
    ):
        none.norm("main", "dec")
    frozen, _ = borrowing(frozen={"enc/kernel"})
    assert "Frozen: enc. Gradients pass" in frozen.report()


def test_the_pair_that_agrees_least_does_not_depend_on_rounding():
    measure = Measure.of(np.array([[3.0], [0.1], [7.0]]), (0, 1, 2), 3)
    assert words.verdict(measure, [1, 1, 1], "abc") == "agree +1.00 a/b"
    assert words.verdict(measure, [1, -1, -0.3], "abc") == "conflict -1.00 a/b"
    assert words.verdict(measure, [1, 1, 1], "abc", pair=False) == "agree +1.00"


def test_a_step_moves_no_loss_that_has_no_path():
    flow = shared([[1.0, 2.0], [2.0, -1.0]])
    heads = {
        "a": Measure.of(np.array([[0.3, 0.1]]), (0,), 2),
        "b": Measure.of(np.array([[0.7, 0.2]]), (1,), 2),
    }
    flow = shared([[1.0], [1.0]], parameters={"trunk/kernel": Measure.nothing(2), **heads})
    assert flow.forecast({"main": 1.0, "aux": 0.0})["aux"] == 0


def test_weights_count_in_the_order_of_the_losses():
    """A dict of a flow made by hand may be in another order."""
    flow = shared([[1.0], [2.0]], weights={"aux": 5.0, "main": 1.0})
    assert flow.weight_list == [1.0, 5.0]
    assert "1 x main + 5 x aux" in flow.report()


def test_what_no_loss_reaches_is_said():
    x = tg.Input((3,), name="x")
    outputs = [layers.Dense(1, name=name)(x) for name in ("judged", "silent")]
    model = tg.Model(x, outputs)
    model.compile("sgd", {"judged": ["mse", "mae"]})
    text = model.gradient_flow(np.ones((4, 3)), {"judged": np.ones(4)}).report()
    assert "No loss reaches silent: nothing trains it." in text
    assert "Without a loss: silent." in text


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize("seed", range(12))
def test_the_parts_of_any_sum_add_up(seed):
    flow = random_flow(seed)
    for weights in random_weights(seed, len(flow.losses)):
        for measure in [*flow.parameters.values(), *(wire.measure for wire in flow.wires)]:
            parts, whole = measure.parts(weights), measure.total(weights)
            if np.isfinite(sum(parts)):
                differ, oppose = measure.lost(weights)
                assert min(differ, oppose) >= 0
                assert whole + differ + oppose == pytest.approx(sum(parts), rel=1e-13)


def test_wires_between_the_same_nodes_are_all_on_the_page():
    """They may be without a number."""
    from tinygrad_mo.flow import page

    m = Measure.of(np.array([[1.0]]), (0,), 1)
    flow = shared([[1.0]])
    flow.nodes = [FlowNode("a"), FlowNode("b"), *flow.nodes]
    flow.wires = [Wire("a", "b", m), Wire("a", "b", m), Wire("b", "trunk", m)]
    assert len([what for what in page.measures(flow) if what[0] == "wire"]) == 3


class Heads(layers.Layer):
    """Two heads in one layer."""

    def __init__(self, both, **options):
        super().__init__(**options)
        self.both = both
        self.price, self.size = (layers.Dense(1, name=name) for name in ("price", "size"))

    def call(self, x, which=None):
        heads = {"price": self.price, "size": self.size}
        return {name: head(x) for name, head in heads.items()} if self.both else heads[which](x)


@pytest.mark.parametrize("both", [True, False])
def test_parts_of_a_layer_that_other_losses_reach_are_told_apart(both):
    x = tg.Input((3,), name="x")
    heads = Heads(both, name="heads")
    ends = heads(x) if both else {name: heads(x, which=name) for name in ("price", "size")}
    model = tg.Model(x, ends)
    model.compile("sgd", "mse")
    said = " ".join(model.explain().split())
    assert "output price) trains heads/price. No path leads from it to heads/size." in said
    assert "twice the step" in said and "called 2 times" not in said
    flow = model.gradient_flow(np.ones((2, 3)), {name: np.ones((2, 1)) for name in ends})
    assert "No layer is trained by several losses." in flow.report()
    heads.price.trainable = False
    said = " ".join(model.explain().split())
    assert "price) trains nothing. No path leads from it to heads/size." in said
    assert "Frozen: heads/price." in said


def test_both_directions_of_a_layer_are_told_apart():
    x = tg.Input((4, 2), name="x")
    ways = layers.Bidirectional(layers.LSTM(2, name="lstm"), merge_mode=None, name="both")(x)
    named = zip(("forth", "back"), ways, strict=True)
    model = tg.Model(x, {name: layers.Dense(1, name=name)(way) for name, way in named})
    model.compile("sgd", "mse")
    said = " ".join(model.explain().split())
    assert "forth (mean_squared_error of output forth) trains both/forward_lstm and forth." in said


def test_a_penalty_on_the_kernel_tears_no_layer_apart():
    x = tg.Input((3,), name="x")
    model = tg.Model(x, layers.Dense(1, kernel_regularizer="l2", name="a")(x))
    model.compile("sgd", "mse")
    assert "a (mean_squared_error of output a) trains a." in model.explain()


def test_what_is_next_to_nothing_hardly_changes():
    """Beside what another loss changes of its value, or where the step is at a right angle."""
    small = shared([[2.0, 0.0], [0.05, 0.1]], weights={"main": 1.0, "aux": -0.5})
    assert small.forecast()["aux"] == pytest.approx(-0.09375)
    text = small.report()
    assert "  lower main (by 3.95 x" in text and "  hardly change aux (by -0.09375 x" in text
    small.values = {"main": 50.0, "aux": 0.5}  # as a part of its value, aux changes more
    text = small.report()
    assert "  hardly change main" not in text and "  lower aux (by 0.09375 x" in text
    twentieth = shared([[1.0], [0.05]], weights={"main": 1.0, "aux": 0.0})
    assert "  lower aux (by 0.05 x" in twentieth.report()
    aside = shared([[1.0, 0.0], [0.0, 1.0]], weights={"main": 1.0, "aux": 0.01})
    assert "  hardly change aux (by -0.01 x" in aside.report()
    assert "  not change aux (by 0 x" in shared([[1.0], [0.0]]).report()
