"""Methods in training: what they are told, what becomes of a step, History, files, and errors."""

import copy

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import balancing, callbacks, layers, systems
from tinygrad_mo.balancing import METHODS
from tinygrad_mo.device import to_numpy
from tinygrad_mo.files.archive import CheckpointError
from tinygrad_mo.training.balanced import Rows, gradients_of_step, swept
from zoo import ZOO, X, headline, numbers, two_heads

SEVERAL = [
    "headline",
    "masked_headline",
    "three_heads_at_three_depths",
    "every_merge",
    "every_lstm",
    "shapes_and_dropout",
]


class Alike(balancing.Balancer):
    """Not of the package."""

    needs = "gram"

    def weights(self, losses, gram, which):
        self.asked = losses, gram, which
        return 1 / np.sqrt(np.diag(gram))


Y = {"a": X[:, :1], "b": 3 * X[:, 1:2] - 1}


# ---------------------------------------------------------------- what a step is


@pytest.mark.one_in(18, rest="medium")
@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("method", ["nash_mtl", "mgda", "famo", "imtl_g"])
def test_the_gradient_is_that_of_the_weighted_losses(name, method):
    """The rows of one sweep, mixed, are what a sweep with these weights brings."""
    model, x, y = ZOO[name]()
    model.loss_weights = method
    objective, feed = model.objective, model.labelled_data(x, y)
    plan = objective.plan()
    tape = plan.forward(feed, training=True)
    losses = plan.numbers(tape, plan.losses)
    found = gradients_of_step(objective, plan, tape, 0, losses)
    wanted = swept(plan, tape, objective.weight_list)
    assert list(map(id, sorted(found, key=id))) == list(map(id, sorted(wanted, key=id)))
    for w, g in wanted.items():
        g, own = (tg.ops.sparse.dense_gradient(one) for one in (g, found[w]))
        np.testing.assert_allclose(own, g, rtol=2e-4, atol=2e-5 * max(abs(g).max(), 1e-6))


@pytest.mark.medium
@pytest.mark.parametrize("name", SEVERAL)
def test_the_gram_matrix_is_that_of_what_two_losses_reach(name):
    """As the picture of the gradient measures it, parameter by parameter."""
    model, x, y = ZOO[name]()
    objective = model.objective
    plan = objective.plan()
    states = objective.randomness.states
    tape = plan.forward(model.labelled_data(x, y), training=True)
    objective.randomness.states = states
    found = Rows(plan, tape, objective.balanced).gram()
    flow = model.gradient_flow(x, y)
    k = objective.balanced
    shared = [
        m.gram[np.ix_(k, k)]
        for w, m in flow.parameters.items()
        if sum(m.reach[i] for i in k) > 1 and w not in flow.frozen
    ]
    np.testing.assert_allclose(found, sum(shared), rtol=1e-4, atol=1e-9)


def test_a_shared_layer_has_one_gradient_from_all_its_uses():
    a, b = tg.Input((3,), name="a"), tg.Input((3,), name="b")
    shared = layers.Dense(2, use_bias=False, name="shared")
    left, right = shared(a), shared(b)
    heads = [layers.Dense(1, name=n)(layers.concatenate([left, right])) for n in ("u", "v")]
    model = tg.Model([a, b], heads)
    model.compile("sgd", "mse", loss_weights=Alike())
    x, y = [numbers(3), numbers(3)[::-1]], [numbers(1), -2 * numbers(1)]
    plan, feed = model.objective.plan(), model.labelled_data(x, y)
    tape, (w,) = plan.forward(feed), shared.weights
    each = np.array([swept(plan, tape, only)[w].flatten() for only in ([1.0, 0.0], [0.0, 1.0])])
    model.train_on_batch(x, y)
    np.testing.assert_allclose(model.objective.balancer.asked[1], each @ each.T, rtol=1e-5)


def test_a_step_is_that_of_the_weights_which_the_method_has_set():
    one, other = two_heads(loss_weights="cagrad"), two_heads()
    one.train_on_batch(X, Y)
    other.loss_weights = dict(one.loss_weights)
    other.train_on_batch(X, Y)
    assert one.loss_weights["a"] != one.loss_weights["b"]
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_graddrop_changes_only_what_is_shared():
    one, other = two_heads(loss_weights="graddrop"), two_heads()
    for model in (one, other):
        model.train_on_batch(X, Y)
    pairs = zip(one.weights, one.get_weights(), other.get_weights(), strict=True)
    alike = {w.name: np.allclose(a, b, rtol=1e-5) for w, a, b in pairs}
    assert [name for name, same in alike.items() if not same] == ["trunk/kernel", "trunk/bias"]


@pytest.mark.medium
@pytest.mark.parametrize("method", ["upgrad", "graddrop"])
def test_replayed_or_not_the_numbers_are_the_same(method):
    found = []
    for replay in (True, False):
        with tg.use(replay=replay, kernels=False):
            tg.set_random_seed(0)
            model, x, y = headline(optimizer="sgd")
            model.loss_weights = method
            model.fit(x, y, epochs=4, batch_size=2, verbose=0)
            found.append(model.get_weights())
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


# ---------------------------------------------------------------- which losses


def test_losses_without_labels_in_a_batch_are_left_out():
    model = two_heads(loss_weights=Alike())
    model.train_on_batch(X, Y | {"b": np.full((4, 1), np.nan)})
    losses, gram, which = model.objective.balancer.asked
    assert which.tolist() == [0] and gram.shape == (1, 1) and len(losses) == 1
    assert model.loss_weights["b"] == 1
    model.loss_weights = "uncertainty"
    model.train_on_batch(X, Y | {"b": np.full((4, 1), np.nan)})
    assert model.objective.balancer.log_variances[0] != 0
    assert model.objective.balancer.log_variances[1] == 0


def test_a_penalty_is_no_task_but_can_be_named():
    model, x, y = ZOO["three_heads_at_three_depths"]()
    model.loss_weights = {"regularization": 0.01}
    model.loss_weights = Alike()
    model.train_on_batch(x, y)
    assert model.objective.balancer.asked[1].shape == (3, 3)
    assert model.loss_weights["regularization"] == 0.01
    model.loss_weights = Alike(only=["early", "regularization"])
    model.train_on_batch(x, y)
    assert model.objective.balancer.asked[1].shape == (2, 2)


def test_added_losses_are_balanced_too():
    x = tg.Input((4,), name="x")
    h = layers.Dense(5, activation="tanh", name="trunk")(x)
    model = tg.Model(x, layers.Dense(1, name="a")(h))
    model.add_loss(tg.ops.square(h).mean(), "small", weight=0.1)
    model.compile("sgd", "mse", loss_weights="imtl_g")
    model.train_on_batch(X, Y["a"])
    assert sum(model.loss_weights.values()) == pytest.approx(1)


def test_a_loss_for_itself_is_not_balanced():
    x = tg.Input((4,), name="x")
    h = layers.Dense(5, activation="tanh", name="trunk")(x)
    heads = [layers.Dense(1, name=n)(h) for n in ("a", "b")] + [layers.Dense(1, name="c")(x)]
    model = tg.Model(x, heads)
    model.compile("sgd", "mse", loss_weights="mgda")
    model.train_on_batch(X, Y | {"c": X[:, :1]})
    weights = model.loss_weights
    assert weights["a"] + weights["b"] == pytest.approx(1) and weights["c"] == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("pcgard", "unknown balancing method 'pcgard': did you mean 'pcgrad'?"),
        (balancing.MGDA(only="c"), "MGDA: only: no loss is called 'c'; Known: 'a', 'b'"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_has_changed(given, words):
    model = two_heads(loss_weights="mgda")
    before = model.objective.balancer
    with pytest.raises(ValueError, match=words.replace("?", r"\?")):
        model.loss_weights = given
    with pytest.raises(ValueError, match=words.replace("?", r"\?")):
        model.compile("sgd", "mse", loss_weights=given)
    assert model.objective.balancer is before


def test_weights_that_are_no_numbers_name_the_loss():
    class Lost(balancing.Balancer):
        def weights(self, losses, gram, which):
            return losses * np.nan

    model = two_heads(loss_weights=Lost())
    with pytest.raises(ValueError, match="loss_weights: that of 'a' must be a number, not nan"):
        model.train_on_batch(X, Y)


def test_rows_that_were_mixed_to_nan_make_no_step():
    """Nor are they stepped by the weights alone, as after an infinite loss of weight 0."""

    class Lost(balancing.GradDrop):
        def mixed(self, rows):
            return rows.sum(axis=0) * np.nan

    model = two_heads(loss_weights=Lost())
    before = model.get_weights()
    with pytest.raises(FloatingPointError, match="is not finite, so no step was made"):
        model.train_on_batch(X, Y)
    assert all(map(np.array_equal, model.get_weights(), before))


def test_rows_that_were_not_mixed_are_refused():
    class Unmixed(balancing.GradDrop):
        def mixed(self, rows):
            return rows

    model = two_heads(loss_weights=Unmixed())
    words = r"mixed must make one gradient of shape \(4, 5\) of the rows \(2, 4, 5\) of 'kernel'"
    with pytest.raises(ValueError, match=words):
        model.train_on_batch(X, Y)


# ---------------------------------------------------------------- given, changed, copied


def test_a_method_can_be_given_and_changed_at_any_time():
    for given in ("PCGrad", balancing.PCGrad, balancing.PCGrad()):
        model = two_heads(loss_weights=given)
        assert isinstance(model.objective.balancer, balancing.PCGrad)
    model.train_on_batch(X, Y)
    model.loss_weights = "famo"
    model.train_on_batch(X, Y)
    model.loss_weights = {"a": 2.0}
    assert model.objective.balancer is None and model.loss_weights == {"a": 2.0, "b": 1.0}
    model.loss_weights = lambda step, losses: {"b": 0.5}
    model.train_on_batch(X, Y)
    assert model.loss_weights == {"a": 2.0, "b": 0.5}
    model.loss_weights = None  # as in compile
    assert model.objective.balancer is None and model.loss_weights == {"a": 1.0, "b": 1.0}
    with pytest.raises(ValueError, match="PCGrad: only names no loss"):
        balancing.PCGrad(only=[])


def test_one_pattern_serves_several_models():
    pattern = balancing.GradNorm(learning_rate=0.1)
    first, second = two_heads(loss_weights=pattern), two_heads(loss_weights=pattern)
    first.fit(X, Y, epochs=5, verbose=0)
    assert first.objective.balancer is not second.objective.balancer
    assert not pattern.count and not second.objective.balancer.count
    twin = copy.deepcopy(first)
    for model in (first, twin):
        model.fit(X, Y, epochs=3, verbose=0, shuffle=False)
    assert twin.loss_weights == first.loss_weights


def test_a_method_of_gradients_needs_no_second_sweep():
    model, sweeps = two_heads(loss_weights="nash_mtl"), []
    model.train_on_batch(X, Y)
    plan = model.objective.plan()
    own = plan.backward
    plan.backward = lambda *given, **options: sweeps.append(options) or own(*given, **options)
    model.train_on_batch(X, Y)
    assert len(sweeps) == 1 and sweeps[0]["per_loss"]
    model.loss_weights = "uncertainty"
    model.train_on_batch(X, Y)
    assert len(sweeps) == 2 and "per_loss" not in sweeps[1]


def test_a_method_may_be_asked_now_and_then():
    model, seen = two_heads(loss_weights=balancing.NashMTL(every=3)), []
    plan = model.objective.plan()
    own = plan.backward
    plan.backward = lambda *given, **options: (
        seen.append("per_loss" in options) or own(*given, **options)
    )
    weights = []
    for _ in range(7):
        model.train_on_batch(X, Y)
        weights.append(model.loss_weights["a"])
    assert seen == [True, False, False, True, False, False, True]
    assert weights[0] == weights[2] != weights[3] == weights[5] != weights[6]
    with pytest.raises(ValueError, match="MGDA: every must be a whole number, 1 or more, not 0"):
        balancing.MGDA(every=0)


# ---------------------------------------------------------------- where a method looks


def gradients_by(model, x, y):
    """The gradients of each loss by name of parameter, and those of a balanced step."""
    objective, plan = model.objective, model.objective.plan()
    tape = plan.forward(model.labelled_data(x, y), training=True)
    names = objective.contents.names
    rows = plan.backward(tape, [1.0] * 2, per_loss=True)
    step = gradients_of_step(objective, plan, tape, 0, plan.numbers(tape, plan.losses))
    return tuple({names[w]: to_numpy(g) for w, g in found.items()} for found in (rows, step))


def two_deep(**options):
    tg.set_random_seed(2)
    x = tg.Input((4,), name="x")
    h = layers.Dense(6, "tanh", name="low")(x)
    h = layers.Dense(5, "tanh", name="high")(h)
    model = tg.Model(x, [layers.Dense(1, name=name)(h) for name in ("a", "b")])
    model.compile("sgd", "mse", **options)
    return model


GROUPS = {
    "model": [["low/kernel", "low/bias", "high/kernel", "high/bias"]],
    "layer": [["low/kernel", "low/bias"], ["high/kernel", "high/bias"]],
    "parameter": [["low/kernel"], ["low/bias"], ["high/kernel"], ["high/bias"]],
}


@pytest.mark.one_in(3, rest="medium")
@pytest.mark.parametrize("method", ["gradvac", "imtl_g", "upgrad"])
@pytest.mark.parametrize("per", GROUPS)
def test_each_layer_or_parameter_is_mixed_by_its_own_gram_matrix(method, per):
    cls = METHODS[method]
    model = two_deep(loss_weights=cls(per=per))
    rows, step = gradients_by(model, X, Y)
    wanted = []
    for group in GROUPS[per]:
        flat = np.concatenate([rows[name].reshape(2, -1) for name in group], axis=1).astype(float)
        weights = cls().balance([1.0, 1.0], flat @ flat.T)
        wanted.append(weights)
        for name in group:
            mixed = np.tensordot(weights, rows[name], 1)
            np.testing.assert_allclose(step[name], mixed, rtol=1e-4, atol=1e-6)
    if per != "model":
        assert len({tuple(one.round(6)) for one in wanted}) == len(wanted) or method == "gradvac"
        assert model.loss_weights == {"a": 1, "b": 1} and model.objective.balancer.mixes
        for name in ("a", "b"):
            np.testing.assert_allclose(step[f"{name}/kernel"], rows[f"{name}/kernel"][0])
        assert "in a way of its own" in " ".join(model.explain().split())


def test_lengths_are_compared_on_the_last_shared_layer():
    """As GradNorm is published."""
    model = two_deep(loss_weights=Alike(on="high"))
    rows, _ = gradients_by(model, X, Y)
    flat = np.concatenate([rows[n].reshape(2, -1) for n in ("high/kernel", "high/bias")], axis=1)
    np.testing.assert_allclose(model.objective.balancer.asked[1], flat @ flat.T, rtol=1e-5)
    for name, d in zip(("a", "b"), np.linalg.norm(flat, axis=1), strict=True):
        assert model.loss_weights[name] == pytest.approx(1 / d, rel=1e-5)
    model.loss_weights = balancing.GradVac(on=["high"], per="parameter")
    rows, step = gradients_by(model, X, Y)
    np.testing.assert_allclose(step["low/kernel"], rows["low/kernel"].sum(axis=0), rtol=1e-5)
    assert sorted(model.objective.balancer.parts) == ["high/bias", "high/kernel"]


def test_where_a_method_cannot_look_is_said():
    for wrong in ("hihg", "a"):
        model = two_deep(loss_weights=balancing.GradNorm(on=wrong))
        before = model.get_weights()
        with pytest.raises(ValueError, match=f"GradNorm: on: no two .* layer called '{wrong}'; "):
            model.train_on_batch(X, Y)
        assert all(map(np.array_equal, before, model.get_weights()))
    for options, words in (
        ({"per": "matrix"}, "PCGrad: per is 'model', 'layer', 'parameter', not 'matrix'"),
        ({"per": "layer", "every": 2}, "PCGrad: per='layer' mixes in each step anew: leave every"),
        ({"on": []}, "PCGrad: on names no layer: leave it out"),
    ):
        with pytest.raises(ValueError, match=words):
            balancing.PCGrad(**options)
    for cls in (balancing.DWA, balancing.GradDrop):
        with pytest.raises(ValueError, match="on and per are for methods on Gram matrices"):
            cls(per="layer")


def test_what_each_part_has_learned_is_kept(tmp_path):
    model = two_deep(loss_weights=balancing.GradVac(per="layer"))
    model.fit(X, Y, epochs=3, batch_size=2, verbose=0)
    model.save(tmp_path / "model.tg")
    twin = tg.load(tmp_path / "model.tg")
    parts = [m.objective.balancer.parts for m in (model, twin)]
    assert list(parts[0]) == list(parts[1]) == ["high", "low"]
    for part in parts[0]:
        np.testing.assert_array_equal(parts[0][part].phi, parts[1][part].phi)
    for one in (model, twin):
        one.fit(X, Y, epochs=3, batch_size=2, verbose=0)
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


# ---------------------------------------------------------------- what is reported


def test_history_has_the_mean_weights_of_each_epoch():
    model, seen = two_heads(loss_weights="imtl_g"), []
    look = callbacks.LambdaCallback(
        on_train_batch_end=lambda step, logs: seen.append(dict(model.loss_weights))
    )
    history = model.fit(X, Y, epochs=2, batch_size=2, verbose=0, callbacks=[look]).history
    for name in ("a", "b"):
        means = [np.mean([one[name] for one in seen[n : n + 2]]) for n in (0, 2)]
        np.testing.assert_allclose(history[f"weight/{name}"], means)
    model.loss_weights = {}
    assert "weight/a" not in model.fit(X, Y, verbose=0).history


def test_a_mean_weight_is_that_of_the_steps_in_which_the_loss_has_labels():
    model, seen = two_heads(loss_weights="imtl_g"), []
    look = callbacks.LambdaCallback(
        on_train_batch_end=lambda step, logs: seen.append(dict(model.loss_weights))
    )
    y = {"a": np.concatenate([Y["a"], Y["a"]]), "b": np.concatenate([Y["b"], Y["b"] * np.nan])}
    history = model.fit(
        np.concatenate([X, X]), y, batch_size=4, shuffle=False, verbose=0, callbacks=[look]
    ).history
    assert seen[1] == {"a": 1, "b": 1}
    assert history["weight/b"] == [seen[0]["b"]]
    assert history["weight/a"] == [(seen[0]["a"] + 1) / 2]
    assert history["weighted/b"] == pytest.approx([seen[0]["b"] * history["b_loss"][0]])


def test_an_epoch_prints_the_weights_beside_the_losses(capsys):
    model = two_heads(loss_weights="imtl_g")
    history = model.fit(X, Y, verbose=2).history
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["Epoch", "1/1", "loss", "weight"]
    for line, name in zip(lines[2:], ("a", "b"), strict=True):
        assert line.split()[0] == name
        assert float(line.split()[2]) == pytest.approx(history[f"weight/{name}"][0], rel=1e-3)


def test_a_small_weight_has_room_in_the_table():
    from tinygrad_mo.training.progress import epoch_table

    logs = {"loss": 1.0, "a_loss": 1.0, "a_weight": 0.00012345}
    table = epoch_table("Epoch 1/1", logs, ["a"], {"a_loss": "a", "a_weight": "a"})
    assert table.splitlines()[-1].split() == ["a", "1.000", "0.0001234"]


def test_recorded_flows_have_the_weights_of_their_step():
    model, recorder = two_heads(loss_weights="imtl_g"), tg.FlowRecorder(every=1)
    model.fit(X, Y, epochs=3, batch_size=2, verbose=0, callbacks=[recorder], shuffle=False)
    assert len({flow.weights["a"] for flow in recorder.flows}) == 6
    for flow in recorder.flows:
        gram = sum(m.gram for m in flow.parameters.values() if all(m.reach))
        d = np.sqrt(np.diag(gram))
        assert flow.weights["a"] == pytest.approx(d[1] / d.sum(), rel=1e-4)
    assert "IMTLG sets the weights in each step" in recorder.flows[-1].report()
    assert "(set by IMTLG)" in model.pairing()


def test_what_is_said_without_the_mixture_of_graddrop_says_so(tmp_path):
    model = two_heads(loss_weights="graddrop")
    flow = model.gradient_flow(X, Y)
    flow.save(tmp_path / "flow.flow")
    for words in (model.explain(), flow.report(), tg.Flow.load(tmp_path / "flow.flow").report()):
        words = " ".join(words.split())
        assert "sets the weights" not in words
        assert "GradDrop mixes the gradients of what is shared in a way of its own" in words


def test_callbacks_that_set_weights_are_refused_by_name():
    sampler = callbacks.TaskSampler({"a": 1.0, "b": 1.0})
    with pytest.raises(ValueError, match="so does what was given as loss_weights, PCGrad, in each"):
        two_heads(loss_weights="pcgrad").fit(X, Y, verbose=0, callbacks=[sampler])


# ---------------------------------------------------------------- files, and refused steps


@pytest.mark.medium
@pytest.mark.parametrize("name", METHODS)
def test_a_saved_training_goes_on_with_the_same_bits(name, tmp_path):
    model = two_heads("adam", loss_weights=name)
    model.fit(X, Y, epochs=3, batch_size=2, verbose=0)
    model.save(tmp_path / "model.tg")
    twin = tg.load(tmp_path / "model.tg")
    assert type(twin.objective.balancer) is METHODS[name]
    for one in (model, twin):
        one.fit(X, Y, epochs=3, batch_size=2, verbose=0)
    assert twin.loss_weights == model.loss_weights
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_method_of_ones_own_is_handed_over(tmp_path):
    model = two_heads(loss_weights=Alike(only=["a", "b"]))
    model.save(tmp_path / "model.tg")
    twin = tg.load(tmp_path / "model.tg", custom_objects={"Alike": Alike})
    assert twin.objective.balancer.only == ["a", "b"]


@pytest.mark.medium
@pytest.mark.parametrize("name", ["gradnorm", "gradvac", "uncertainty"])
def test_an_interrupted_training_ends_with_the_same_bits(name, tmp_path):
    def run(*steps):
        stops = list(steps)  # a backup does not compare lists

        def stop(step, logs):
            if step in stops:
                raise KeyboardInterrupt

        model = two_heads("adam", loss_weights=name)
        backup = callbacks.BackupAndRestore(tmp_path / "backup", every=1)
        stopper = callbacks.LambdaCallback(on_train_batch_end=stop)
        history = model.fit(X, Y, epochs=4, batch_size=2, verbose=0, callbacks=[backup, stopper])
        return model.get_weights(), history.history

    with pytest.raises(KeyboardInterrupt):
        run(4)
    resumed = run()
    whole = run()
    for a, b in zip(resumed[0], whole[0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert resumed[1] == whole[1]


@pytest.mark.medium
@pytest.mark.parametrize("first", [None, "pcgrad"])
@pytest.mark.parametrize("epoch", [0, 1])
def test_an_interrupted_training_goes_on_with_the_method_that_a_callback_has_set(
    first, epoch, tmp_path
):
    def run(*steps):
        stops = list(steps)  # a backup does not compare lists

        def switch(number):
            if number == epoch:
                model.loss_weights = balancing.RLW(every=2)

        def stop(step, logs):
            if step in stops:
                raise KeyboardInterrupt

        model = two_heads("adam", loss_weights=first)
        backup = callbacks.BackupAndRestore(tmp_path / "backup", every=1)
        other = callbacks.LambdaCallback(on_epoch_begin=switch, on_train_batch_end=stop)
        model.fit(X, Y, epochs=4, batch_size=2, verbose=0, callbacks=[backup, other])
        return model

    for last in (4, 6):  # twice interrupted
        with pytest.raises(KeyboardInterrupt):
            run(last)
    resumed = run()
    whole = run()
    assert resumed.objective.balancer.made_with == ((), {"every": 2})
    assert resumed.loss_weights == whole.loss_weights
    for a, b in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_method_of_ones_own_that_a_callback_has_set_is_asked_for(tmp_path):
    def run(*steps):
        stops = list(steps)  # a backup does not compare lists

        def switch(number):
            model.loss_weights = Alike()

        def stop(step, logs):
            if step in stops:
                raise KeyboardInterrupt

        model = two_heads()
        backup = callbacks.BackupAndRestore(tmp_path / "backup", every=1)
        other = callbacks.LambdaCallback(on_epoch_begin=switch, on_train_batch_end=stop)
        model.fit(X, Y, epochs=2, verbose=0, callbacks=[backup, other])

    with pytest.raises(KeyboardInterrupt):
        run(1)
    with pytest.raises(CheckpointError, match="the file uses 'Alike'") as error:
        run()
    assert "which a callback has given as loss_weights" in error.value.__notes__[0]


@pytest.mark.one_in(6, rest="medium")
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid:RuntimeWarning")
@pytest.mark.parametrize("name", METHODS)
def test_a_step_that_is_not_made_teaches_a_method_nothing(name):
    model = two_heads(loss_weights=name)
    model.train_on_batch(X, Y)
    before, method = model.get_weights(), model.objective.balancer
    memory, weights = method.memory(), dict(model.loss_weights)
    with pytest.raises(FloatingPointError, match=r"'a' is inf|not finite"):
        model.train_on_batch(X, Y | {"a": Y["a"] * 1e30})
    assert all(map(np.array_equal, before, model.get_weights()))
    assert model.loss_weights == weights and model.step == 1
    for key, value in method.memory().items():
        assert (
            np.array_equal(value, memory[key], equal_nan=True)
            if key != "generator"
            else (value == memory[key])
        )


def root_of_nothing(y_true, y_pred):
    """A loss of 0 whose gradient is NaN."""
    return tg.ops.sqrt(tg.ops.square(0 * y_pred))


@pytest.mark.one_in(16, rest="medium")
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid:RuntimeWarning")
@pytest.mark.parametrize("name", METHODS)
def test_a_first_step_that_is_not_made_teaches_a_method_nothing(name):
    model = two_heads()
    model.compile("sgd", {"a": "mse", "b": root_of_nothing}, loss_weights=name)
    for bad in (Y, Y | {"a": Y["a"] * 1e30}):
        with pytest.raises(FloatingPointError, match="not finite"):
            model.train_on_batch(X, bad)
        assert model.objective.balancer.memory() == {}
        assert model.loss_weights == {"a": 1, "b": 1}


# ---------------------------------------------------------------- published, and all systems


@pytest.mark.exhaustive
def test_the_noise_of_kendalls_example_is_found():
    """Published for Keras 8.648 and 0.9255, for PyTorch 8.587 and 0.9198 (Kendall et al. 2018)."""
    random = np.random.RandomState(0)
    x = random.randn(100, 1)
    y = [2 * x + 8 + 10 * random.randn(100, 1), 3 * x + 3 + random.randn(100, 1)]
    tg.set_random_seed(0)
    numbers = tg.Input((1,))
    h = layers.Dense(1024, "relu")(numbers)
    model = tg.Model(numbers, [layers.Dense(1, name=name)(h) for name in ("one", "two")])
    model.compile("adam", "mse", loss_weights=balancing.Uncertainty(learning_rate=1e-3))
    model.fit(x, y, epochs=2000, batch_size=20, verbose=0)
    noise = np.exp(model.objective.balancer.log_variances / 2)
    assert noise[0] == pytest.approx(8.62, abs=0.1) and noise[1] == pytest.approx(0.9226, abs=0.01)


def small_task(system):
    task = system.task()
    return [{n: a[:16] for n, a in part.items()} for part in (task.x, task.y)]


@pytest.mark.one_in(12, rest="exhaustive")
@pytest.mark.slow
@pytest.mark.parametrize("system", systems.SYSTEMS.values(), ids=lambda s: s.name)
def test_every_method_trains_every_system_of_several_losses(system):
    model = system.make()
    if len(model.loss_weights) < 2:
        pytest.skip("one loss")
    x, y = small_task(system)
    start = model.get_weights()
    for name in METHODS:
        model.set_weights(start)
        model.compile("sgd", **{k: model.objective.made_with[k] for k in ("loss", "metrics")})
        model.optimizer.learning_rate = 1e-3
        model.loss_weights = name
        history = model.fit(x, y, epochs=2, batch_size=8, verbose=0).history
        assert np.isfinite(history["loss"]).all() and model.step == 4
        assert any(
            not np.array_equal(a, b) for a, b in zip(start, model.get_weights(), strict=True)
        )


def test_a_headline_step_touches_only_the_words_it_read():
    """The gradient of a table stays sparse."""
    model, x, y = headline(optimizer="sgd")
    model.loss_weights = "pcgrad"
    before = model.get_weights()[0]
    model.train_on_batch(x, y)
    after = model.get_weights()[0]
    assert before.shape == (9, 6)
    read = np.unique(x[0])
    same = (before == after).all(axis=1)
    assert same[np.setdiff1d(np.arange(len(before)), read)].all() and not same[read].all()


def test_one_loss_is_not_balanced():
    x = tg.Input((4,), name="x")
    model = tg.Model(x, layers.Dense(1, name="a")(x))
    with pytest.raises(ValueError, match="PCGrad balances several losses, and here is one, 'a'"):
        model.compile("sgd", "mse", loss_weights="pcgrad")
    with pytest.raises(ValueError, match="here is one, 'b'"):
        two_heads(loss_weights=balancing.MGDA(only="b"))


def test_what_a_method_would_overwrite_is_refused():
    model = two_heads(loss_weights="pcgrad")
    before = dict(model.loss_weights)
    words = r"PCGrad sets that of 'a' in each step, .* overwrite 5: .* = \{\.\.\.\}$"
    for change in (
        lambda w: w.__setitem__("a", 5),
        lambda w: w.update(a=5),
        lambda w: w.__ior__({"a": 5}),
    ):
        for one in (model, copy.deepcopy(model)):
            with pytest.raises(ValueError, match=words):
                change(one.loss_weights)
    assert model.loss_weights == before
    model.loss_weights = {"a": 5}
    model.loss_weights["a"] = 6
    model.loss_weights = lambda step, losses: {"a": 2.0}
    model.loss_weights["b"] = 3
    model.train_on_batch(X, Y)
    assert model.loss_weights == {"a": 2, "b": 3}


def test_what_a_method_leaves_alone_can_be_set():
    model, x, y = ZOO["three_heads_at_three_depths"]()
    model.loss_weights = Alike()
    model.loss_weights["regularization"] = 0.5
    with pytest.raises(
        ValueError, match=r"or leave it to the others, Alike\(only=\['early', 'late"
    ):
        model.loss_weights["middle"] = 5.0
    model.loss_weights = Alike(only=["early", "late"])
    model.loss_weights["middle"] = 5.0
    model.train_on_batch(x, y)
    assert model.loss_weights["middle"] == 5.0
    assert model.loss_weights["regularization"] == 0.5


@pytest.mark.parametrize("monitor", ["loss", "val_loss"])
def test_who_watches_a_sum_whose_weights_change_is_warned(monitor):
    model, data = two_heads(loss_weights="rlw"), {"validation_data": (X, Y), "verbose": 0}
    with pytest.warns(UserWarning, match=f"EarlyStopping watches '{monitor}', the weighted sum"):
        model.fit(X, Y, callbacks=callbacks.EarlyStopping(monitor), **data)
    model.fit(X, Y, callbacks=callbacks.EarlyStopping("val_a_loss"), **data)
    model.loss_weights = {"a": 2.0}
    model.fit(X, Y, callbacks=callbacks.EarlyStopping(monitor), **data)
