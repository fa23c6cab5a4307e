"""Data that come in batches, and validation splits that keep groups together."""

from types import SimpleNamespace

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import callbacks, layers
from tinygrad_mo.training.batches import held_back
from tinygrad_mo.training.terms import classes_in
from zoo import headline


def parts(x, y, size=2):
    for start in range(0, len(x[0]), size):
        rows = slice(start, start + size)
        yield [one[rows] for one in x], [one[rows] for one in y]


def trained(*data, **options):
    tg.set_random_seed(0)
    model, x, y = headline()
    history = model.fit(*(data or (x, y)), epochs=2, verbose=0, **options)
    return history.history, [w.tobytes() for w in model.get_weights()]


@pytest.mark.medium
def test_batches_from_a_function_train_like_arrays():
    _, x, y = headline()
    assert trained(lambda: parts(x, y)) == trained(x, y, batch_size=2, shuffle=False)
    listed = Reiterable(list(parts(x, y)))
    assert trained(listed) == trained(lambda: parts(x, y))


class Reiterable:
    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)

    def __len__(self):
        return len(self.batches)


@pytest.mark.medium
def test_a_generator_goes_on_in_the_next_epoch():
    _, x, y = headline()
    twice = (batch for _ in range(2) for batch in parts(x, y))
    expected = trained(lambda: parts(x, y))
    assert trained(twice, steps_per_epoch=2) == expected


@pytest.mark.medium
def test_a_generator_that_runs_dry_is_explained():
    _, x, y = headline()
    with pytest.raises(ValueError, match="give a function that makes a new one"):
        trained(parts(x, y))


@pytest.mark.medium
def test_sample_weights_and_class_weights_come_along():
    _, x, y = headline()
    weights = {"aux_output": np.array([1.0, 0, 2, 1])}

    def weighted():
        for start in (0, 2):
            rows = slice(start, start + 2)
            w = {name: values[rows] for name, values in weights.items()}
            yield [one[rows] for one in x], [one[rows] for one in y], w

    found = trained(weighted, class_weight={"main_output": {0: 3.0}})
    model = {"sample_weight": weights, "class_weight": {"main_output": {0: 3.0}}}
    assert found == trained(x, y, batch_size=2, shuffle=False, **model)


@pytest.mark.medium
def test_validation_and_evaluation_take_batches():
    model, x, y = headline()
    history = model.fit(x, y, verbose=0, validation_data=lambda: parts(x, y))
    assert history.history["val_loss"] == pytest.approx([model.evaluate(x, y)[0]], rel=1e-6)
    assert model.evaluate(lambda: parts(x, y)) == model.evaluate(x, y, batch_size=2)


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"y": [0]}, "leave y"),
        ({"sample_weight": [1.0]}, "leave sample_weight"),
        ({"validation_split": 0.5}, "needs arrays"),
        ({"class_weight": "balanced"}, "counts all labels"),
        ({"class_weight": {"main_output": "balanced"}}, "counts all labels"),
        ({"class_weight": [None, "balanced"]}, "counts all labels"),
        ({"class_weight": [None, "auto"]}, "or a dict by class, not 'auto'"),
    ],
)
def test_what_a_stream_cannot_have(options, words):
    model, x, y = headline()
    with pytest.raises(ValueError, match=words):
        model.fit(lambda: parts(x, y), **options)
    if "validation_split" not in options:
        with pytest.raises(ValueError, match=words):
            model.evaluate(lambda: parts(x, y), **options)


@pytest.mark.parametrize("item", [[1, 2], (1, 2, 3, 4), (1,), {}])
def test_a_batch_must_be_a_tuple_of_two_or_three(item):
    model, x, y = headline()
    kind = f"a {type(item).__name__} of {len(item)}" if item else "dict"
    with pytest.raises(TypeError, match=rf"batch 1 must be a tuple \(x, y\) or .*, not {kind}$"):
        model.fit(lambda: [item], verbose=0)
    if not isinstance(item, list):
        with pytest.raises(TypeError, match=rf"validation_data is \(x, y\) or .*, not {kind}$"):
            model.fit(x, y, verbose=0, validation_data=item)


@pytest.mark.medium
def test_a_misfit_says_in_which_batch_and_of_what():
    model, x, y = headline()
    misfit = [x[0], x[1][:, :2]], y
    for options, notes in (
        ({"x": lambda: [(x, y), misfit]}, ["this is batch 2 of the epoch"]),
        ({"x": x, "y": y, "validation_data": misfit}, ["in validation_data"]),
        (
            {"x": x, "y": y, "validation_data": lambda: [(x, y), misfit]},
            ["this is batch 2 of the epoch", "in the validation data"],
        ),
    ):
        with pytest.raises(ValueError, match="input 'aux_input': shape") as caught:
            model.fit(**options, verbose=0)
        assert caught.value.__notes__ == notes


def test_a_fault_in_what_is_held_back_names_the_samples():
    model, x, y = headline()
    x[0][2, 0] = 99  # no such word
    with pytest.raises(IndexError) as caught:
        model.fit(x, y, verbose=0, validation_split=0.5, groups=[1, 1, 2, 2])
    words = "the rows of this batch are the samples 2, 3"
    assert caught.value.__notes__[-2:] == [words, "in the validation data"]


@pytest.mark.medium
def test_an_error_names_the_samples_and_the_step_of_the_user():
    told = []

    def fail(step, logs):
        if step == 2:
            raise RuntimeError("out of paper")

    x = tg.Input((1,), name="x")
    model = tg.Model(x, layers.Dense(1)(x))
    model.compile("sgd", "mse")
    numbers = np.arange(12.0)[:, None]
    note = callbacks.LambdaCallback(
        on_train_batch_begin=lambda step, batch: told.append(batch[x][:, 0].astype(int).tolist()),
        on_train_batch_end=fail,
    )
    options = {"groups": [0, 1] * 6, "validation_split": 0.5, "batch_size": 2, "verbose": 0}
    with pytest.raises(RuntimeError) as caught:
        model.fit(numbers, numbers, **options, callbacks=[note])
    samples = ", ".join(map(str, told[2]))
    assert {n for batch in told for n in batch} == {0, 2, 4, 6, 8, 10}
    assert caught.value.__notes__ == [
        f"in step 2 of the training; the rows of this batch are the samples {samples}"
    ]


@pytest.mark.medium
@pytest.mark.parametrize("option", ["steps_per_epoch", "validation_steps"])
def test_an_iterable_that_runs_dry_names_the_option(option):
    model, x, y = headline()
    options = {"x": parts(x, y), option: 3}
    if option == "validation_steps":
        options = {"x": x, "y": y, "validation_data": parts(x, y), option: 3}
    with pytest.raises(ValueError, match=f"makes a new one, or fewer {option}"):
        model.fit(**options, verbose=0)
    del options[option]
    with pytest.raises(ValueError, match=r"makes a new one(\n|$)"):
        model.fit(**options, epochs=2, verbose=0)


def test_a_fault_in_the_data_names_the_samples():
    model, x, y = headline()
    x[0][3, 0] = 99  # no such word
    with pytest.raises(IndexError) as caught:
        model.fit(x, y, batch_size=2, shuffle=False, verbose=0)
    assert "step 1 of the training" in caught.value.__notes__[-1]
    assert "the rows of this batch are the samples 2, 3" in caught.value.__notes__[-1]


@pytest.mark.parametrize(
    ("groups", "share", "late"),
    [
        ("aabbcc", 0.4, "cc"),
        ("aabbcc", 0.1, "cc"),
        ("abcabc", 0.7, "bbcc"),
        ("aaaaab", 0.5, "b"),
    ],
)
def test_groups_stay_together(groups, share, late):
    is_late = held_back(6, share, list(groups))
    assert "".join(sorted(np.array(list(groups))[is_late])) == late
    assert not {g for g, one in zip(groups, is_late, strict=True) if not one} & set(late)


@pytest.mark.medium
def test_balanced_classes_are_those_of_what_is_trained_on():
    x = tg.Input((2,), name="x")
    model = tg.Model(x, layers.Dense(1, "sigmoid", name="y")(x))
    model.compile(tg.optimizers.SGD(0), "binary_crossentropy")
    weights, term = [], model.objective.terms["y"]

    def note(step, batch):
        labels, own = (batch[one].tolist() for one in (term.target, term.weights))
        weights.append({label: weight for (label,), weight in zip(labels, own, strict=True)})

    look = callbacks.LambdaCallback(on_train_batch_begin=note)
    data, y = np.ones((20, 2)), np.array([0.0] * 8 + [1.0] * 2 + [0.0] * 10)
    fit = {"validation_split": 0.5, "verbose": 0, "callbacks": [look]}
    history = model.fit(data, y, class_weight="balanced", **fit).history
    assert weights[-1] == {0: pytest.approx(10 / (2 * 8)), 1: pytest.approx(10 / (2 * 2))}
    assert history["val_loss"] == pytest.approx([model.evaluate(data[10:], y[10:])])
    model.fit(data[::-1], y[::-1], class_weight={1: 3.0}, **fit)  # only what is held back has a 1
    assert weights[-1] == {0: 1.0}


def test_a_batch_may_lack_a_class():
    x = tg.Input((2,), name="x")
    model = tg.Model(x, layers.Dense(1, name="y")(x))
    model.compile("sgd", "mse")
    data, y = np.ones((4, 2)), np.array([1.0, 1, -1, -1])
    options = {"class_weight": {-1: 1.0, 1: 2.0}, "verbose": 0}
    halves = [(data[:2], y[:2]), (data[2:], y[2:])]
    model.fit(lambda: iter(halves), **options)
    by_class = model.evaluate(lambda: iter(halves), **options)
    assert by_class == model.evaluate(data, y, batch_size=2, sample_weight=[2.0, 2.0, 1.0, 1.0])
    model.train_on_batch(data[:2], y[:2], class_weight=options["class_weight"])
    with pytest.raises(ValueError, match="no label is 3; known: -1, 1"):
        model.fit(data, y, class_weight={3: 1.0})
    with pytest.raises(ValueError, match=r"no label is 0\.5; a class is a whole number"):
        model.train_on_batch(data, y, class_weight={0.5: 1.0})


@pytest.mark.parametrize(
    ("labels", "sample"),
    [
        ([[0, 1, 0], [1, 1, 0]], r"1 is \[1.0, 1.0, 0.0\]"),
        ([[0, 1, 0], [0, 0, 0]], r"1 is \[0.0, 0.0, 0.0\]"),
        ([[0.5, 0.5, 0], [1, 0, 0]], r"0 is \[0.5, 0.5, 0.0\]"),
        ([[1, 0, 0], [-1, 1, 1]], r"1 is \[-1.0, 1.0, 1.0\]"),
    ],
)
def test_class_weights_need_one_class_per_sample(labels, sample):
    x = tg.Input((2,), name="x")
    model = tg.Model(x, layers.Dense(3, "sigmoid", name="y")(x))
    model.compile("sgd", "mse")
    one = {"class_weight": {0: 1.0, 1: 5.0}}
    with pytest.raises(ValueError, match=f"not one class per sample.*that of sample {sample}"):
        model.evaluate(np.ones((2, 2)), np.array(labels), **one)
    feed = model.labelled_data(np.ones((3, 2)), [[0, 1, 0], [np.nan] * 3, [0, 0, 1]], **one)
    assert feed[model.objective.terms["y"].weights].tolist() == pytest.approx(
        [5.0, np.nan, 1.0], nan_ok=True
    )


def test_labels_that_are_no_classes_at_all_are_refused():
    term, labels = SimpleNamespace(target="y"), np.ones((2, 2, 3))
    with pytest.raises(ValueError, match="what: its labels are not one class per sample"):
        classes_in("what", term, {"y": labels}, np.ones(2, bool))


@pytest.mark.medium
def test_fit_takes_groups():
    model, x, y = headline()
    history = model.fit(x, y, verbose=0, validation_split=0.5, groups=[1, 1, 1, 2])
    one = [a[3:] for a in x], [b[3:] for b in y]
    assert history.history["val_loss"] == pytest.approx([model.evaluate(*one)[0]], rel=1e-6)


@pytest.mark.one_in(2, rest="medium")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"groups": [1, 1, 2, 2]}, "give validation_split"),
        ({"groups": [1, 2], "validation_split": 0.5}, "one per sample"),
        ({"groups": [[1], [2, 3]] * 2, "validation_split": 0.5}, "groups: one number or name per"),
        ({"groups": [{}] * 4, "validation_split": 0.5}, "groups: one number or name per sample"),
        ({"groups": [1, 1, 1, 1], "validation_split": 0.5}, "all 4 samples are of the group 1"),
        ({"groups": [1, 1, 2, 2], "validation_split": 1.0}, "one part empty, that to train on"),
        ({"validation_split": 0.1}, "leaves one part empty, that to validate on: give a larger"),
        ({"groups": [1, 2, np.nan, np.nan], "validation_split": 0.5}, "that of sample 2 is NaN"),
        ({"groups": [1, 1, 2, 2], "validation_data": ()}, "of no use beside validation_data"),
    ],
)
def test_impossible_groups_are_refused(options, words):
    model, x, y = headline()
    with pytest.raises((TypeError, ValueError), match=words):
        model.fit(x, y, verbose=0, **options)


def one_output():
    """y = w . x with known weights, and data."""
    x = tg.Input((2,), name="x")
    model = tg.Model(x, layers.Dense(1, use_bias=False, name="y")(x))
    model.set_weights([[[1.0], [2.0]]])
    model.compile(tg.optimizers.SGD(0.0), "mse")
    return model, np.eye(2, dtype="float32"), np.array([[3.0], [6.0]], "float32")


def labels_of(batch):
    return next(tensor for tensor in batch if tensor.name == "y labels")


@pytest.mark.parametrize("how", ["arrays", "arrays in order", "batches"])
def test_a_callback_cannot_write_into_the_data(how):
    model, x, y = one_output()

    def double(step, batch):
        batch[labels_of(batch)] *= 2

    data = [lambda: [(x, y)]] if how == "batches" else [x, y]
    watch = callbacks.LambdaCallback(on_train_batch_begin=double)
    with pytest.raises(ValueError, match="read-only") as caught:
        model.fit(*data, shuffle=how == "arrays", verbose=0, callbacks=[watch])
    assert "batch[tensor] = 0.9 * batch[tensor]" in caught.value.__notes__[0]
    assert y.tolist() == [[3.0], [6.0]]


def test_what_a_callback_puts_into_a_batch_counts_for_this_step_alone():
    model, x, y = one_output()
    seen = []

    def change(step, batch):
        labels = labels_of(batch)
        seen.append(batch[labels].tolist())
        if step == 1:
            batch[labels] = np.array([[1.0], [2.0]])  # what the model says; in another type, too

    watch = callbacks.LambdaCallback(on_train_batch_begin=change)
    found = model.fit(x, y, epochs=3, shuffle=False, verbose=0, callbacks=[watch]).history["loss"]
    assert found == [10.0, 0.0, 10.0]  # ((3 - 1) ** 2 + (6 - 2) ** 2) / 2
    assert seen == [[[3.0], [6.0]]] * 3
    assert y.tolist() == [[3.0], [6.0]]


def taken_away(batch):
    batch.clear()


def of_another_width(batch):
    batch[labels_of(batch)] = np.ones((2, 3))


def of_fewer_samples(batch):
    batch[labels_of(batch)] = np.ones((1, 1))


def words(batch):
    batch[labels_of(batch)] = np.array([["a"], ["b"]])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (taken_away, "a batch has arrays for x, y labels.* left with those for nothing"),
        (of_another_width, r"LambdaCallback: batch\['y labels'\]: shape \(2, 3\), expected"),
        (of_fewer_samples, "different numbers of samples: 2 in x, 1 in y labels"),
        (words, "numbers are needed"),
    ],
)
def test_a_batch_that_a_callback_has_spoilt_is_refused(change, says):
    model, x, y = one_output()
    watch = callbacks.LambdaCallback(on_train_batch_begin=lambda step, batch: change(batch))
    with pytest.raises((ValueError, TypeError), match=says):
        model.fit(x, y, verbose=0, callbacks=[watch])
    assert model.step == 0


@pytest.mark.parametrize("made", [None, 5])
def test_a_function_that_makes_no_batches_is_told_so(made):
    model, _, _ = one_output()
    with pytest.raises(TypeError, match="must return an iterable of batches"):
        model.fit(lambda: made, verbose=0)


def test_a_list_of_batches_is_given_as_a_function():
    model, x, y = one_output()
    for count in (1, 2, 3, 5):
        batches = [(x, y)] * count
        for way in (model.fit, model.evaluate):
            with pytest.raises(TypeError, match="write x=lambda: batches"):
                way(batches)
        with pytest.raises(TypeError, match="write validation_data=lambda: batches"):
            model.fit(x, y, validation_data=batches)
        assert model.evaluate(lambda batches=batches: batches) == 10.0
    rows = [(1.0, 0.0), (0.0, 1.0)]
    found = model.fit(x, y, validation_data=(rows, [3.0, 6.0]), verbose=0)  # these are the data
    assert found.history["val_loss"] == [10.0]


def test_it_is_said_once_that_an_output_has_no_labels():
    model, x, y = one_output()
    none = y * np.nan
    with pytest.warns(UserWarning, match="no label of output 'y' counts") as told:
        assert np.isnan(model.fit(x, none, epochs=3, verbose=0).history["loss"]).all()
    assert len(told) == 1 and told[0].filename == __file__
    with pytest.warns(UserWarning, match="no label of output 'y' counts"):
        assert np.isnan(model.evaluate(x, none))
    with pytest.warns(UserWarning, match="no label of output 'y' counts") as told:
        model.fit(x, y, epochs=3, verbose=0, validation_data=(x, none))
    assert len(told) == 1


def test_whole_numbers_may_come_in_half_precision():
    ids = tg.Input((2,), dtype="int32", name="ids")
    vectors = layers.Flatten()(layers.Embedding(4, 2)(ids))
    model = tg.Model(ids, layers.Dense(3, activation="softmax", name="y")(vectors))
    x, y = np.array([[0, 1], [2, 3]], "float16"), np.array([0, 2], "float16")
    for loss in (
        "sparse_categorical_crossentropy",
        tg.losses.SparseCategoricalCrossentropy(missing=-100_000),
    ):
        model.compile("sgd", loss)
        assert model.evaluate(x, y) == model.evaluate(x.astype(int), y.astype(int))


def test_a_fit_in_a_callback_leaves_the_outer_one_as_it_was():
    model, x, y = one_output()
    seen = []

    def fit_and_compile(epoch, logs):
        model.stop_training = epoch == 1
        model.fit(x, y, verbose=0)
        outer = model.fitting
        seen.append((outer.epochs, outer.running))
        with pytest.raises(RuntimeError, match="is being trained"):
            model.compile("sgd", "mae")

    watch = callbacks.LambdaCallback(on_epoch_end=fit_and_compile)
    history = model.fit(x, y, epochs=5, verbose=0, callbacks=[watch])
    assert seen == [(5, True)] * 2 and history.epoch == [0, 1]
    assert not model.fitting.running
    model.compile("sgd", "mae")


@pytest.mark.parametrize("given", [None, 5])
def test_what_is_no_optimizer_is_told_so(given):
    model, _, _ = one_output()
    with pytest.raises(ValueError, match=f"an optimizer is a name .* not {given}"):
        model.compile(given, "mse")
