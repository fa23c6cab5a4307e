"""Data that come in batches, and validation splits that keep groups together."""

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo.training.batches import split
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


def test_a_generator_goes_on_in_the_next_epoch():
    _, x, y = headline()
    twice = (batch for _ in range(2) for batch in parts(x, y))
    expected = trained(lambda: parts(x, y))
    assert trained(twice, steps_per_epoch=2) == expected


def test_a_generator_that_runs_dry_is_explained():
    _, x, y = headline()
    with pytest.raises(ValueError, match="give a function that makes a new one"):
        trained(parts(x, y))


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


def test_validation_and_evaluation_take_batches():
    model, x, y = headline()
    history = model.fit(x, y, verbose=0, validation_data=lambda: parts(x, y))
    assert history.history["val_loss"] == pytest.approx([model.evaluate(x, y)[0]], rel=1e-6)
    assert model.evaluate(lambda: parts(x, y)) == model.evaluate(x, y, batch_size=2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"y": [0]}, "leave y"),
        ({"sample_weight": [1.0]}, "leave sample_weight"),
        ({"validation_split": 0.5}, "needs arrays"),
    ],
)
def test_what_a_stream_cannot_have(options, words):
    model, x, y = headline()
    with pytest.raises(ValueError, match=words):
        model.fit(lambda: parts(x, y), **options)


def test_a_batch_must_be_a_tuple():
    model, x, _ = headline()
    with pytest.raises(TypeError, match=r"batch 1 must be a tuple \(x, y\)"):
        model.fit(lambda: [x], verbose=0)


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
    x = tg.Input((1,))
    data = {x: np.arange(6.0)[:, None]}
    first, last = split(data, share, list(groups))
    held_back = [groups[int(i)] for i in last[x][:, 0]]
    assert "".join(sorted(held_back)) == late
    assert len(first[x]) + len(last[x]) == 6
    assert not {groups[int(i)] for i in first[x][:, 0]} & set(held_back)


def test_fit_takes_groups():
    model, x, y = headline()
    history = model.fit(x, y, verbose=0, validation_split=0.5, groups=[1, 1, 1, 2])
    one = [a[3:] for a in x], [b[3:] for b in y]
    assert history.history["val_loss"] == pytest.approx([model.evaluate(*one)[0]], rel=1e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"groups": [1, 1, 2, 2]}, "give validation_split"),
        ({"groups": [1, 2], "validation_split": 0.5}, "one per sample"),
        ({"groups": [1, 1, 1, 1], "validation_split": 0.5}, "leaves one part empty"),
    ],
)
def test_impossible_groups_are_refused(options, words):
    model, x, y = headline()
    with pytest.raises(ValueError, match=words):
        model.fit(x, y, verbose=0, **options)
