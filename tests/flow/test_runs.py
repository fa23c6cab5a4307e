"""One network trained with several loss weights: as data, in words, compared honestly."""

import copy
import pickle

import numpy as np
import pytest

import tinygrad_mo as tg
from random_flows import random_flow
from tinygrad_mo import layers
from tinygrad_mo.files.archive import CheckpointError
from tinygrad_mo.flow import Flow, FlowNode, Run, Runs, run_words, whatif
from tinygrad_mo.flow.measures import Measure
from tinygrad_mo.flow.page import content_of_runs
from tinygrad_mo.flow.retraining import Course, parts_of
from tinygrad_mo.flow.runs import NEXT_TO_NOTHING, STUDENT, Difference, compared

LOSSES = ["main_output", "aux_output"]


def weighing(aux, main=1.0):
    return {"main_output": main, "aux_output": aux}


def by_hand(ends, key="main_output_loss"):
    """Runs whose one score is given, by weight of aux and by seed."""
    return Runs([
        Run(weighing(aux), seed, {key: [score]})
        for aux, scores in ends.items() for seed, score in enumerate(scores)
    ])  # fmt: skip


def build(optimizer="sgd", **more):
    x = tg.Input((3,), name="x")
    trunk = layers.Dense(5, activation="tanh", name="trunk")(x)
    model = tg.Model(x, [layers.Dense(1, name=name)(trunk) for name in LOSSES], name="small")
    model.compile(optimizer, "mse", loss_weights=weighing(0.2), metrics="mae", **more)
    return model


def data(count=64):
    x = np.random.default_rng(0).normal(size=(count, 3))
    return x, {"main_output": x[:, :1], "aux_output": x[:, 1:2] - x[:, 2:]}


_trained = {}


def trained():
    if not _trained:
        others = [{"aux_output": 0.0}, {"aux_output": 5.0}]
        _trained["runs"] = whatif(
            build, data(), others, seeds=3, epochs=2, batch_size=16, records=4, samples=32
        )
    return _trained["runs"]


# What a difference is.


@pytest.mark.medium
def test_a_difference_is_beyond_its_spread_or_is_none():
    """Against Student's t by numerical integration: the interval holds 95 % of its density."""
    for number, quantile in enumerate(STUDENT, start=1):
        t = np.linspace(0, quantile, 20001)
        density = (1 + t**2 / number) ** (-(number + 1) / 2)
        far = np.tan(np.linspace(0, np.pi / 2, 400_001)[:-1])
        whole = np.trapezoid((1 + far**2 / number) ** (-(number + 1) / 2), far)
        assert np.trapezoid(density, t) / whole == pytest.approx(0.95, abs=2e-4)
    base = np.array([0.5, 0.6, 0.4, 0.55, 0.45])
    wobble = np.array([1, -1, 0.5, -0.5, 0])  # its standard deviation is sqrt(2.5 / 4)
    half = STUDENT[3] * np.sqrt(2.5 / 4) / np.sqrt(5)
    for size, kind in ((1.01, "higher"), (0.99, "unseen"), (-0.99, "unseen"), (-1.01, "lower")):
        found = compared(base + 0.1 * (wobble + size * half), base)
        assert found.kind == kind
        assert found.mean == pytest.approx(0.1 * size * half)
        assert found.spread == pytest.approx(0.1 * half)


def test_seeds_are_paired():
    """What all seeds have in common shows, however far the seeds are apart."""
    base = [0.1, 5.0, 20.0]
    assert compared(
        [x + 1 + e for x, e in zip(base, (0.1, -0.1, 0.0), strict=True)], base
    ).kind == ("higher")
    assert compared([base[1] + 1, base[2] + 1, base[0] + 1], base).kind == "unseen"


@pytest.mark.parametrize(
    ("new", "old", "kind"),
    [
        ([2.0], [1.0], "one seed"),
        ([1.0], [1.0], "same"),
        ([1.0, 2.0], [1.0, 2.0], "same"),
        ([1.0, np.nan], [1.0, 2.0], "infinite"),
        ([1.0, np.inf], [1.0, 2.0], "infinite"),
        ([1.001, 1.0011, 1.0012], [1.0, 1.0, 1.0], "hardly"),
        ([1.011, 1.0111, 1.0112], [1.0, 1.0, 1.0], "higher"),
        ([1.5, 2.5], [1.0, 2.1], "few"),  # two seeds tell little
    ],
)
def test_what_is_said_of_a_difference(new, old, kind):
    assert compared(new, old).kind == kind


def test_no_difference_has_no_spread():
    assert compared([1.0, 2.0], [1.0, 2.0]) == Difference(0.0, 0.0, "same")
    assert NEXT_TO_NOTHING == 0.01


@pytest.mark.medium
def test_a_run_is_said_to_differ_by_chance_in_one_case_of_twenty():
    random = np.random.default_rng(0)
    pairs = random.normal(size=(4000, 2, 5))
    seen = sum(compared(*pair.tolist()).kind not in ("few", "unseen") for pair in pairs)
    assert seen / 4000 == pytest.approx(0.05, abs=0.012)


# In words.


def test_the_table_says_what_is_known():
    runs = by_hand({0.2: (0.5, 0.6, 0.4), 1.0: (0.51, 0.62, 0.39), 5.0: (0.71, 0.80, 0.61)})
    table = runs.table()
    assert "main loss" in table and "against aux x 0.2, seed by seed" in table
    rows = {" ".join(line.split()[:3]): line for line in table.splitlines() if "+-" in line}
    assert rows["aux x 0.2"].split("  ")[-1].strip() == "compared with"
    assert rows["aux x 1"].endswith("+0.007 +- 0.038  no difference seen")
    assert rows["aux x 5"].endswith("+0.207 +- 0.014  higher")
    assert "0.50 +- 0.10" in rows["aux x 0.2"]
    assert runs.report().splitlines() == [
        "Trained with aux x 0.2: the others are compared with this.",
        "Trained with aux x 1 instead of aux x 0.2: no difference to be seen: main loss.",
        "Trained with aux x 5 instead of aux x 0.2: higher at the end: "
        "main loss (+0.207 +- 0.014).",
    ]
    assert "standard deviation of 3 seeds" in table and "1 of 20" in table


def test_one_seed_tells_nothing():
    runs = by_hand({0.2: [0.5], 1.0: [0.3]})
    assert "one seed cannot tell: main loss." in runs.report()
    assert "nobody knows" in runs.table() and "+-" not in runs.table()


def test_what_is_not_finite_is_said_to_be_so():
    runs = by_hand({0.2: (0.5, 0.6), 1.0: (0.5, np.nan)})
    assert "not finite: main loss" in runs.report() and "nan" not in runs.table()


def test_names_are_those_of_losses_and_of_what_varies():
    runs = by_hand({0.2: [1.0], 5.0: [1.0]}, key="aux_output_mean_error")
    assert run_words.title(runs, "aux_output_mean_error") == "aux mean error"
    assert run_words.title(runs, "total") == "total"
    two = Runs([Run(weighing(aux, main)) for aux, main in ((0.2, 1.0), (1.0, 0.5))])
    labels = [run_words.label(two, weights) for weights in two.mixtures]
    assert labels == ["main 1, aux 0.2", "main 0.5, aux 1"]


# As data.


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda runs: [], "at least one Run"),
        (lambda runs: [*runs, 1], "at least one Run"),
        (
            lambda runs: runs[:-1],
            "seed by seed, but those with .* 5.0} are of the seeds \\[0, 1\\]",
        ),
        (lambda runs: [*runs, runs[0]], "are of the seeds \\[0, 0, 1, 2\\]"),
        (lambda runs: [*runs, Run({"other": 1.0})], "of different losses: main_output, aux_output"),
        (lambda runs: [*runs, Run(weighing(3.0))], "different scores: main_output_loss, and none"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(change, words):
    runs = by_hand({0.2: (0.5, 0.6, 0.4), 5.0: (0.5, 0.6, 0.4)}).runs
    with pytest.raises(ValueError, match=words):
        Runs(change(runs))


def random_like(flow):
    other = random_flow(1)
    other.step = flow.step
    return other


def run_of(aux, flows):
    return Run(weighing(aux), steps=[flow.step for flow in flows], flows=flows)


@pytest.mark.medium
def test_flows_that_do_not_belong_together_are_refused():
    flows = trained().runs[0].flows
    late = copy.copy(flows[-1])
    late.step += 1
    for others, words in (
        ([*flows[:-1], late], "two runs recorded different steps"),
        ([random_like(flow) for flow in flows], "of different models"),
    ):
        with pytest.raises(ValueError, match=words):
            Runs([run_of(0.2, flows), run_of(1.0, others)])
    with pytest.raises(ValueError, match=r"weights of price has a flow of the losses main_output"):
        Run({"price": 1.0}, flows=flows)
    with pytest.raises(ValueError, match=r"recorded the steps .*, and flows of other ones"):
        Run(weighing(0.2), steps=[1], flows=flows)
    with pytest.raises(ValueError, match=r"has \[1, 2\] numbers of each kind, and its steps are 2"):
        Run(weighing(0.2), history={"a": [1.0, 2.0], "b": [1.0]})
    with pytest.raises(ValueError, match="no run was trained with the weights of the base"):
        Runs([Run(weighing(0.2))], weighing(7.0))
    with pytest.raises(TypeError, match="flows of the run of seed 0 must be a list of flows"):
        Run(weighing(0.2), flows=[1])
    with pytest.raises(KeyError, match=r"no run was trained with .*3"):
        trained().trained_with({"aux_output": 3})
    with pytest.raises(KeyError, match="no score 'main_loss'; did you mean 'main_output_loss'"):
        trained().scores("main_loss", trained().base)


@pytest.mark.medium
def test_they_are_copied_pickled_saved_and_compared(tmp_path):
    runs = trained()
    runs.save(tmp_path / "one.runs")
    for other in (
        copy.deepcopy(runs),
        pickle.loads(pickle.dumps(runs)),
        Runs.load(tmp_path / "one.runs"),
    ):
        assert other == runs and other.table() == runs.table()
        assert isinstance(other.runs[0].flows[0], Flow)
        other.runs[0].history["main_output_loss"][0] += 1
        assert other != runs
    with pytest.raises(CheckpointError, match="holds runs with several loss weights"):
        Flow.load(tmp_path / "one.runs")
    runs.runs[0].flows[0].save(tmp_path / "one.flow")
    with pytest.raises(CheckpointError, match="holds a flow"):
        Runs.load(tmp_path / "one.flow")
    with pytest.raises(ValueError, match="holds runs: a tour is for a page"):
        runs.save(tmp_path / "two.runs", tour=[{"title": "a"}])
    with pytest.raises(CheckpointError, match="runs with several loss weights"):
        tg.load(tmp_path / "one.runs")


def test_runs_without_flows_have_no_pictures(tmp_path):
    runs = by_hand({0.2: [1.0], 1.0: [2.0]})
    with pytest.raises(ValueError, match="runs without flows cannot be drawn: whatif records them"):
        runs.save(tmp_path / "runs.html")


def test_the_page_shows_other_runs_in_frames_of_their_own():
    """Those of the base are the frames of the page."""
    measure, losses = Measure.of(np.eye(2), (0, 1), 2), weighing(0.5)
    parts = {
        "losses": LOSSES,
        "nodes": [FlowNode("trunk", parameters=("trunk/kernel",))],
        "wires": [],
        "parameters": {"trunk/kernel": measure},
    }

    def run(aux):
        flows = [
            Flow(values=dict.fromkeys(losses, aux), weights=weighing(aux), step=step, **parts)
            for step in (1, 2, 3)
        ]
        return Run(weighing(aux), 0, {"main_output_loss": [0.5] * 3}, [1, 2, 3], flows)

    made = content_of_runs(Runs([run(0.25), run(0.5), run(0.75)], weighing(0.5)))
    assert len(made["frames"]) == 3
    assert [len(one["frames"]) for one in made["runs"]] == [3, 0, 3]
    assert [frame["values"] for frame in made["runs"][2]["frames"]] == [[0.75, 0.75]] * 3


# Training.


@pytest.mark.medium
def test_each_run_is_the_training_it_says():
    runs, (x, y) = trained(), data()
    assert runs.base == weighing(0.2)
    assert [mix["aux_output"] for mix in runs.mixtures] == [0.0, 0.2, 5.0]
    assert runs.seeds == [0, 1, 2] and len(runs.steps) == 5 and runs.steps[-1] == 8
    assert runs.names == [f"{name}_{what}" for what in ("loss", "mae") for name in LOSSES]
    for run in runs.runs[-3:]:
        tg.set_random_seed(run.seed)
        model = build()
        model.loss_weights = run.weights
        model.fit(x, y, epochs=2, batch_size=16, verbose=0)
        found = model.evaluate(x, y, batch_size=256, return_dict=True)
        assert run.scores == {name: found[name] for name in runs.names}
        assert run.seed == 2 and not run.flows  # the picture shows those of the first seed
    for run in runs.runs[:3]:
        tg.set_random_seed(run.seed)
        model = build()
        model.loss_weights = run.weights
        start = model.evaluate(x, y, batch_size=256, return_dict=True)
        assert {name: run.history[name][0] for name in runs.names} == {
            name: start[name] for name in runs.names
        }
        model.fit(x, y, epochs=2, batch_size=16, verbose=0)
        steps = {flow.step: flow.weights for flow in run.flows}
        assert steps == dict.fromkeys(runs.steps, run.weights)
        rows = np.linspace(0, 63, 32).astype(int)
        flow = model.gradient_flow(x[rows], {name: one[rows] for name, one in y.items()})
        assert flow == run.flows[-1]


@pytest.mark.medium
def test_runs_of_a_seed_start_alike():
    runs = trained()
    for loss in LOSSES:
        first = [runs.curve(loss, weights)[:, 0] for weights in runs.mixtures]
        assert all(np.array_equal(one, first[0]) for one in first)
        assert len(set(first[0])) == 3  # of three seeds


@pytest.mark.parametrize(("records", "steps"), [(1, [0, 8]), (2, [0, 4, 8]), (99, [*range(9)])])
def test_a_training_is_looked_at_so_often(records, steps):
    """At its start and end, and in even steps between: 8 batches are 2 epochs."""
    given = [parts_of("data", data(some)) for some in (64, 8, 5)]
    assert Course(*given, 2, 16, records).train(build(), with_flows=False)[1] == steps


def test_a_picture_of_runs_is_no_page():
    with pytest.raises(ValueError, match="write this by save"):
        by_hand({0.2: [1.0], 1.0: [1.0]}).figure("runs.html")


def test_words_about_the_training():
    def about(epochs, held_back, apart):
        given = (parts_of("data", some) for some in (data(), held_back, data(5)))
        return Course(*given, epochs, batch_size=16, records=1).about(build(), apart)

    assert about(1, data(8), True) == (
        "small, 32 weights, SGD, 1 epoch of 64 samples; scores and curves on 8 held-back, "
        "flows on 5"
    )
    assert about(2000, data(), False) == (
        "small, 32 weights, SGD, 2000 epochs of 64 samples; scores and curves on 64 of these, "
        "flows on 5"
    )


@pytest.mark.medium
def test_what_no_path_reaches_is_the_same_with_each_seed():
    def apart():
        x = tg.Input((3,), name="x")
        model = tg.Model(x, [layers.Dense(1, name=name)(x) for name in LOSSES])
        model.compile("sgd", "mse", loss_weights=weighing(0.2))
        return model

    runs = whatif(apart, data(), [{"aux_output": 3.0}], seeds=2, records=1)
    assert "exactly the same with each seed: main loss" in runs.report()


@pytest.mark.medium
def test_what_cannot_be_trained_so_is_refused():
    model = build()
    model.fit(*data(), verbose=0)

    def with_method():
        made = build()
        made.loss_weights = "imtl_g"
        return made

    def drawn_elsewhere():
        made = build()
        made.set_weights([w + np.random.default_rng().normal() for w in made.get_weights()])
        return made

    others = [{"aux_output": 1.0}]
    for make, weights, more, error, words in (
        (lambda: model, others, {}, ValueError, "make a new model each time, .* at step 2 already"),
        (lambda: None, others, {}, TypeError, "must return a compiled model"),
        (build(), others, {}, TypeError, r"give build, and not build\(\)"),
        (build, others[0], {}, TypeError, r"a list of mixtures: \[\{'aux_output': 1.0\}\]"),
        (with_method, others, {}, ValueError, "sets the loss weights in each step: compile"),
        (drawn_elsewhere, others, {}, ValueError, "with seed 0, build made models with different"),
        (build, [{"aux": 1.0}], {}, ValueError, "no loss 'aux'; did you mean 'aux_output'"),
        (build, [{"aux_output": "1"}], {}, TypeError, "whatif: weights: that of 'aux_output'"),
        (build, 3, {}, TypeError, "whatif: weights must be a list"),
        (build, [weighing(0.2)], {}, ValueError, "none differ from those of the model"),
        (build, others, {"seeds": 0}, ValueError, "seeds must be a whole number, 1 or more"),
        (build, others, {"seeds": [1, 1]}, ValueError, "seeds must be different"),
        (build, others, {"epochs": 0}, ValueError, "epochs must be a whole number, 1 or more"),
        (build, others, {"held_back": [1]}, TypeError, r"held_back is \(x, y\) or"),
    ):
        with pytest.raises(error, match=words):
            whatif(make, data(), weights, **more)


@pytest.mark.medium
def test_the_figure_has_a_panel_for_each_loss_and_a_line_for_each_run(tmp_path):
    pytest.importorskip("matplotlib")
    runs = trained()
    figure = runs.figure(str(tmp_path / "runs.png"))
    assert (tmp_path / "runs.png").stat().st_size > 10_000 and len(figure.axes) == 2
    for axes, loss in zip(figure.axes, LOSSES, strict=True):
        found = [line.get_ydata() for line in axes.get_lines()]
        means = [runs.curve(loss, weights).mean(axis=0) for weights in runs.mixtures]
        expected = [means[0], means[2], means[1]]  # the base above all others
        np.testing.assert_allclose(found, expected)
        texts = [text.get_text() for text in axes.texts]
        assert texts == ["aux x 0", "aux x 0.2", "aux x 5"] or sorted(texts) == sorted(
            ["aux x 0", "aux x 0.2", "aux x 5"]
        )
