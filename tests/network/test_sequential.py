"""Sequential: a Model whose layers stand in a row, and which grows and shrinks at its end."""

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers

X, Y = np.random.default_rng(0).normal(size=(20, 5, 3)), np.arange(20.0)[:, None] / 20


def three_layers():
    return [layers.LSTM(4), layers.Dropout(0.2), layers.Dense(1, name="end")]


def in_a_row():
    tg.set_random_seed(0)
    return tg.Sequential([tg.Input((5, 3)), *three_layers()])


def by_hand():
    tg.set_random_seed(0)
    x = tg.Input((5, 3))
    lstm, dropout, end = three_layers()
    return tg.Model(x, end(dropout(lstm(x))))


def grown():
    tg.set_random_seed(0)
    model = tg.Sequential()
    for one in (tg.Input((5, 3)), *three_layers(), layers.Dense(7)):
        model.add(one)
    assert model.pop().units == 7
    return model


def built_later():
    tg.set_random_seed(0)
    model = tg.Sequential(three_layers())
    assert not model.built and model.weights == []
    model.build((None, 5, 3))
    return model


def built_by_a_call():
    tg.set_random_seed(0)
    model = tg.Sequential(three_layers())
    assert model(tg.Input((5, 3))).shape == (None, 1)
    return model


@pytest.mark.medium
@pytest.mark.parametrize("make", [in_a_row, grown, built_later, built_by_a_call])
def test_it_is_the_model_that_is_wired_by_hand(make, tmp_path):
    model, other = make(), by_hand()
    assert [layer.name for layer in model.layers] == ["lstm", "dropout", "end"]
    assert list(model.named_weights()) == list(other.named_weights())
    for one in (model, other):
        tg.set_random_seed(1)
        one.compile("adam", "mse")
        one.fit(X, Y, epochs=2, verbose=0)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()
    assert model.gradient_flow(X, Y).table() == other.gradient_flow(X, Y).table()
    model.save(tmp_path / "model.tg")
    again = tg.load(tmp_path / "model.tg")
    assert type(again) is tg.Model
    for one in (model, again):
        one.fit(X, Y, verbose=0)
    assert (again.predict(X) == model.predict(X)).all()


def test_it_is_a_layer_in_other_models(tmp_path):
    head = tg.Sequential([layers.Dense(3, "tanh"), layers.Dense(2)], name="head")
    a, b = tg.Input((4, 5), name="a"), tg.Input((6, 5), name="b")
    each = layers.TimeDistributed(head)
    model = tg.Model([a, b], [each(a), each(b)])
    assert model.count_params() == 5 * 3 + 3 + 3 * 2 + 2
    data = [np.ones((2, 4, 5)), np.ones((2, 6, 5))]
    model.save(tmp_path / "model.tg")
    for y, again in zip(
        model.predict(data), tg.load(tmp_path / "model.tg").predict(data), strict=True
    ):
        assert (y == again).all()


class Mine(tg.Model):
    """A model of one's own class."""


def test_a_model_of_ones_own_class_is_its_graph_in_a_file(tmp_path):
    x, inner = tg.Input((3,)), tg.Input((3,))
    model = tg.Model(x, Mine(inner, layers.Dense(2)(inner), name="inner")(x))
    model.save(tmp_path / "model.tg")
    assert (tg.load(tmp_path / "model.tg").predict(X[:, 0]) == model.predict(X[:, 0])).all()


def test_ids_are_whole_numbers_when_a_call_builds():
    model = tg.Sequential([layers.Embedding(9, 3), layers.GRU(2)])
    model(tg.Input((5,), "int32"))
    assert model.inputs["input"].dtype == "int32"
    assert model.predict(np.ones((2, 5), int)).shape == (2, 2)


def test_what_grows_is_compiled_again():
    model = in_a_row()
    model.compile("sgd", "mse")
    model.add(layers.Dense(2))
    assert model.output_names == ["dense"] and not model.is_compiled
    with pytest.raises(RuntimeError, match="call compile"):
        model.fit(X, Y)


def test_a_layer_that_does_not_fit_changes_nothing():
    model = in_a_row()
    model.compile("sgd", "mse")
    for wrong in (layers.LSTM(2), layers.Dense(2, name="end"), 3, tg.Input((3,))):
        with pytest.raises((TypeError, ValueError)):
            model.add(wrong)
    assert len(model.layers) == 3 and model.is_compiled
    model.train_on_batch(X, Y)


def test_all_layers_can_be_taken_away():
    model = tg.Sequential([tg.Input((3,)), layers.Dense(2)])
    model.pop()
    with pytest.raises(RuntimeError, match="'sequential' has no layers yet"):
        model.predict(X)
    with pytest.raises(ValueError, match="no layer that could be taken away"):
        model.pop()
    model.add(layers.Dense(4))
    assert model.predict(X[:, 0]).shape == (20, 4)


def test_before_it_is_built_it_says_what_is_missing():
    model = tg.Sequential([layers.Dense(2)], name="late")
    uses = (model.summary, lambda: model.compile("sgd", "mse"), lambda: model.save("x.tg"))
    for use in uses:
        with pytest.raises(RuntimeError, match=r"'late' does not know what it takes: let it begin"):
            use()
    assert not hasattr(model, "no_such_thing")
    with pytest.raises(TypeError, match="'late' takes one tensor"):
        model([tg.Input((3,)), tg.Input((3,))])


def test_several_outputs_belong_to_a_model():
    with pytest.raises(ValueError, match="but LSTM 'lstm' gives 3: call layers on tensors"):
        tg.Sequential([tg.Input((5, 3)), layers.LSTM(2, return_state=True)])
