"""The landscape, comparisons of methods, and groups of tasks."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import balancing, cli
from tinygrad_mo.lab import toy
from tinygrad_mo.lab.commands import parse
from tinygrad_mo.lab.compare import GRID, compare, divided, grid_around
from tinygrad_mo.lab.groups import Grouping, group_tasks, model_of
from tinygrad_mo.lab.ways import WAYS
from tinygrad_mo.systems import SYSTEMS

# ---------------------------------------------------------------- the landscape


def test_the_landscape_has_its_published_values():
    l1, a1, a2, l2, b1, b2 = toy.landscape(-8.5, 7.5)
    assert np.allclose([l1, l2], [6.5524, 7.9008], atol=5e-5)
    assert np.allclose([a1, a2, b1, b2], [-0.285399, 0.007249, -0.073992, 0.008739], atol=5e-7)
    for point, losses, cosine in (
        ((9, -1), (-8.8311, 2.8143), -0.8310),
        ((-7.5, -0.5), (0.3888, -4.7545), -0.7048),
    ):
        l1, a1, a2, l2, b1, b2 = toy.landscape(*point)
        assert np.allclose([l1, l2], losses, atol=5e-5)
        found = (a1 * b1 + a2 * b2) / math.hypot(a1, a2) / math.hypot(b1, b2)
        assert found == pytest.approx(cosine, abs=5e-5)


def test_the_slopes_are_those_of_the_losses():
    random = np.random.default_rng(0)
    for x1, x2 in random.uniform(-9, 9, (200, 2)).tolist():
        found, h = toy.landscape(x1, x2, 0.1), 1e-6
        for n, (u, v) in enumerate(((h, 0), (0, h))):
            high, low = toy.landscape(x1 + u, x2 + v, 0.1), toy.landscape(x1 - u, x2 - v, 0.1)
            for loss in (0, 3):
                slope = (high[loss] - low[loss]) / (2 * h)
                assert found[loss + 1 + n] == pytest.approx(slope, rel=1e-4, abs=1e-6)
    assert all(map(math.isfinite, toy.landscape(900.0, 900.0)))


@pytest.mark.medium
def test_on_the_pareto_set_no_step_is_good_for_both():
    for (x1, x2), losses in {
        (0.0, -8.3551): (-15.0916, -15.0916),
        (3.5, -8.3760): (-18.7649, -8.9695),
        (5.6, -8.4071): (-19.7935, -4.1205),
        (7.0, -8.4345): (-19.9894, -0.3979),
    }.items():
        found = toy.landscape(x1, x2)
        assert np.allclose([found[0], found[3]], losses, atol=5e-4)
        assert toy.distance(x1, x2) < 1e-4 and toy.distance(x1, x2 + 0.5) > 0.4
    for x1, x2 in toy.front()[::100].tolist():
        _, a1, a2, _, b1, b2 = toy.landscape(x1, x2)
        shortest = balancing.MGDA().of_two(a1 * a1 + a2 * a2, a1 * b1 + a2 * b2, b1 * b1 + b2 * b2)
        left = math.hypot(*(shortest[0] * a + shortest[1] * b for a, b in ((a1, b1), (a2, b2))))
        assert left < 1e-9


def test_the_loop_of_the_laboratory_does_what_training_does():
    """The same few steps, by a model with two parameters."""
    start, steps, rate = (-8.5, 7.5), 20, 0.01
    with tg.use(floatx="float64"):
        one = tg.Input((1,), dtype="float64", name="one")
        p, q = (tg.Parameter(np.array([v]), name) for v, name in zip(start, "pq", strict=True))
        # The landscape itself has no op; quadratic bowls have the same gradients' logic.
        model = tg.Model(one, {"y": one * p + one * q})
        for name, (a, b) in {"left": (1.0, 2.0), "right": (-3.0, 0.5)}.items():
            model.add_loss(
                tg.ops.square(one * p - a).mean() + 3 * tg.ops.square(one * q - b).mean(), name
            )
        model.compile(tg.optimizers.Adam(rate, epsilon=1e-8), None, loss_weights="nash_mtl")
        for _ in range(steps):
            model.train_on_batch(np.ones((1, 1)), None)
        trained = [float(p.numpy()[0]), float(q.numpy()[0])]

    def bowls(x1, x2, scale):
        found = []
        for a, b in ((1.0, 2.0), (-3.0, 0.5)):
            found += [(x1 - a) ** 2 + 3 * (x2 - b) ** 2, 2 * (x1 - a), 6 * (x2 - b)]
        return found

    own, toy.landscape = toy.landscape, bowls
    try:
        run = toy.descend(balancing.NashMTL(), start, 1.0, steps, rate)
    finally:
        toy.landscape = own
    np.testing.assert_allclose(run.end, trained, rtol=1e-6)


@pytest.fixture(scope="module")
def found():
    tg.set_random_seed(0)
    said = []
    return toy.run_all(said.append), said


@pytest.mark.exhaustive
def test_the_verdicts_are_those_of_the_papers(found):
    runs, said = found
    middle = [run.end for run in runs["CAGrad"]["cagrad"]]
    np.testing.assert_allclose(middle, [(0.0, -8.3551)] * 3, atol=1e-3)
    on_front = {name: sum(r.is_on_front for r in its) for name, its in runs["CAGrad"].items()}
    assert on_front == dict.fromkeys(on_front, 3) | {"equal": 1}
    fives = {name: sum(r.is_on_front for r in its) for name, its in runs["Nash-MTL"].items()}
    wanted = {
        "equal": 3, "mgda": 5, "pcgrad": 4, "cagrad": 3, "nash_mtl": 5, "imtl_g": 5,
        "upgrad": 4, "rlw": 3, "uncertainty": 3,
    }  # fmt: skip
    assert wanted.items() <= fives.items()
    ends = [(-1.012, -18.34), (-1.509, -15.09), (-1.834, -10.12), (-0.939, -18.62), (-1.955, -5.81)]
    for run, losses in zip(runs["Nash-MTL"]["nash_mtl"], ends, strict=True):
        assert toy.distance(*run.end) < 1e-3 and np.allclose(run.losses, losses, atol=0.02)
    famo = [run.end[0] for run in runs["FAMO"]["famo"]]
    assert np.allclose(famo, [-0.49, 0.08, 0.34, -0.95, 1.76], atol=0.3)
    assert [text.splitlines()[0].split(":")[0] for text in said] == [
        "Setting of CAGrad", "Setting of Nash-MTL", "Setting of FAMO",
    ]  # fmt: skip


@pytest.mark.exhaustive
def test_the_ways_are_drawn(found):
    pytest.importorskip("matplotlib")
    from tinygrad_mo.lab.drawing import PANELS, figure_of_toy

    figure = figure_of_toy(found[0])
    assert len(figure.axes) == len(PANELS) == 12
    for axes, (setting, method, _) in zip(figure.axes, PANELS, strict=True):
        good = sum(run.is_on_front for run in found[0][setting][method])
        assert axes.get_title("right") == f"{good} of 5"


# ---------------------------------------------------------------- systems


def tiny(name):
    """A system with few samples."""
    system = SYSTEMS[name]
    task = system.task()

    def few(arrays, n):
        return {key: array[:n] for key, array in arrays.items()}

    part = replace(
        task, x=few(task.x, 60), y=few(task.y, 60),
        held_back_x=few(task.held_back_x, 40), held_back_y=few(task.held_back_y, 40),
    )  # fmt: skip
    return replace(system, load=lambda **options: part, small_load={})


@pytest.mark.exhaustive
def test_a_comparison_has_fixed_weights_their_grid_and_methods():
    told = []
    chosen = ["pcgrad", "sample_across", "stop_each"]
    found = compare(tiny("people"), seeds=2, epochs=1, methods=chosen, told=told.append)
    names = [trial.name for trial in found.trials]
    assert sorted(names) == sorted(
        ["the system's own", "equal pulls (suggest)", *chosen, "equal", GRID]
    )
    assert len(found.grid) == 9 and told.count(GRID) == 9
    assert found.gains(found.equal) == [0.0, 0.0]
    assert all(len(t.held_back) == 2 for t in (*found.trials, *found.grid))
    lines = found.table().splitlines()
    assert len(lines) == 9 and all(line.count("|") == 6 for line in lines)
    best = max(found.grid, key=lambda t: np.mean(found.gains(t, "validated")))
    assert found.trials[-1] is best and best.note in found.table()
    assert "Better than equal weights with each seed:" in found.words()


def ready(name, way):
    """A small model that a way has made ready, its callbacks, and what it was trained on before."""
    system, trained = tiny(name), []
    first, judge = divided(system.task())
    tg.set_random_seed(0)
    model = system.make()
    model.loss_weights = {}

    def fit(one, callbacks):
        trained.append(one)
        one.fit(first.x, first.y, epochs=1, verbose=0, callbacks=callbacks)

    return model, WAYS[way](model, (judge.held_back_x, judge.held_back_y), fit), trained


@pytest.mark.medium
def test_noise_is_what_a_first_training_leaves():
    model, callbacks, (first,) = ready("people", "noise_weights")
    assert not callbacks and first is not model and model.step == 0 < first.step
    judge = divided(tiny("people").task())[1]
    left = first.evaluate(judge.held_back_x, judge.held_back_y, return_dict=True)
    assert model.loss_weights == {n: 1 / left[f"{n}_loss"] for n in model.loss_weights}


def test_decay_is_on_the_kernels_that_are_meant():
    for way in ("decay_heads", "decay_all"):
        model = ready("people", way)[0]
        named = model.named_weights().items()
        decayed = {name for name, w in named if w.regularizer is not None}
        heads = {f"{name}/kernel" for name in model.output_names}
        kernels = {name for name, w in named if w.value.ndim > 1}
        assert decayed == (heads if way == "decay_heads" else kernels) and heads < kernels
        assert model.loss_weights["regularization"] == 1 and model.step == 0


def test_samplers_and_stops_are_told_of_all_losses():
    model, (sampler,), _ = ready("people", "sample_across")
    assert list(sampler.across) == list(model.loss_weights)
    model, (sampler,), _ = ready("people", "sample_within")
    assert sampler.within == dict.fromkeys(model.loss_weights, 0.5)
    model, stops, _ = ready("people", "stop_each")
    assert [one.only for one in stops] == list(model.loss_weights)
    assert [one.watches[0].monitor for one in stops] == [
        f"val_{n}_loss" for n in model.loss_weights
    ]


def test_who_chooses_is_not_trained_on():
    task = SYSTEMS["people"].task()
    first, judge = divided(task)
    size = len(task.x["person"])
    assert len(first.x["person"]) + len(judge.held_back_x["person"]) == size
    np.testing.assert_array_equal(judge.held_back_x["person"], task.x["person"][::5])


def test_a_grid_is_around_what_it_is_given():
    assert len(grid_around({"a": 2.0, "b": 3.0})) == 5
    assert len(grid_around(dict.fromkeys("abc", 1.0))) == 9
    four = grid_around(dict.fromkeys("abcd", 2.0))
    assert len(four) == 7 and dict.fromkeys("abcd", 2.0) in four
    assert all(point["a"] == 2.0 for point in four)


@pytest.mark.medium
def test_one_loss_is_not_balanced():
    with pytest.raises(ValueError, match="siamese has one loss"):
        compare(SYSTEMS["siamese"])
    with pytest.raises(ValueError, match=r"groups are for 3 to 6 outputs .*; siamese has 1"):
        group_tasks(SYSTEMS["siamese"])


@pytest.mark.exhaustive
def test_groups_are_judged_by_what_was_trained():
    found = group_tasks(tiny("one_or_many"), seeds=2, epochs=1)
    assert len(found.losses) == 15 and found.first_order.shape == (2, 4, 4)
    assert all(one[name] == 1 for name in found.tasks for one in found.losses[(name,)])
    np.testing.assert_allclose(found.first_order, found.look_ahead, rtol=0.05, atol=0.02)
    assert set(found.agreement()) == {
        "first_order", "look_ahead", "trained, seed against seed",
    }  # fmt: skip
    assert len(found.choices().splitlines()) == 2 + 3 * 4


def test_one_seed_claims_no_spread_and_no_repetition():
    tasks, random = ["a", "b", "c"], np.random.default_rng(0)
    groups = [g for n in (1, 2, 3) for g in itertools.combinations(tasks, n)]
    scores = {group: [{name: random.uniform(0.5, 1) for name in group}] for group in groups}
    found = Grouping("s", scores, scores, *random.normal(size=(2, 1, 3, 3)), tasks)
    assert "one seed does not say how well these repeat." in found.words()
    assert "+-" not in found.table() and "nan" not in found.words() + found.table()


def test_a_part_of_a_system_is_compiled_as_the_whole():
    model = model_of(SYSTEMS["demographics"], ("age", "gender"))
    assert list(model.loss_weights.items()) == [("age", 0.01), ("gender", 2.0)]


@pytest.mark.exhaustive
def test_the_commands_print_and_draw(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    given = ["people", "--seeds", "1", "--epochs", "1", "--methods", "pcgrad"]
    assert cli.main(["lab", "compare", *given, "--out", str(tmp_path / "new")]) == 0
    printed = capsys.readouterr().out
    assert "| pcgrad |" in printed and "best of the grid" in printed
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["balancing_people.png"]
    assert cli.main(["lab", "groups", "people", "--seeds", "2", "--epochs", "1"]) == 0
    assert "chosen by" in capsys.readouterr().out


def test_what_is_misspelt_is_explained(capsys):
    assert cli.main(["lab", "compare", "peopel"]) == 2
    assert "did you mean 'people'" in capsys.readouterr().err
    assert cli.main(["lab", "compare", "people", "--methods", "pcgard"]) == 2
    assert "did you mean 'pcgrad'" in capsys.readouterr().err
    for wrong in ("0", "x"):
        with pytest.raises(SystemExit):
            cli.main(["lab", "compare", "people", "--seeds", wrong])
        assert f"a whole number, 1 or more, not '{wrong}'" in capsys.readouterr().err
    assert parse(["compare", "people", "--methods", "PCGrad"]).methods == ["pcgrad"]
