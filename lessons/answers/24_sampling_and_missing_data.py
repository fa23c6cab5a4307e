"""Answers to lesson 24."""

import warnings

import numpy as np


def loss_with_gaps(p, y):
    known = ~np.isnan(y)
    count = known.sum()
    slopes = np.zeros(np.shape(p))
    if count == 0:
        return 0.0, slopes  # no label, no loss, no slope
    difference = p[known] - y[known]  # chosen, not multiplied by 0: NaN * 0 is NaN
    slopes[known] = 2 * difference / count
    return (difference**2).mean(), slopes


def chances(sizes, temperature):
    weights = np.asarray(sizes, float) ** (1 / temperature)
    return weights / weights.sum()


def mean_and_spread(gradients, chance):
    gradients, chance = np.asarray(gradients), np.asarray(chance)
    mean = chance @ gradients
    squared_distance = ((gradients - mean) ** 2).sum(axis=1)  # of each row
    return mean, np.sqrt(chance @ squared_distance)


def my_prediction():
    # SGD follows the mean. Adam divides by a size: a weight is in the size, too, a chance only
    # by its root.
    return {
        "sgd weight": "a quarter",
        "sgd chance": "a quarter",
        "adam weight": "the same",
        "adam chance": "a half",
    }


def draw_batches(random, chance, rows_of, steps, size):
    samples, tasks = [], []
    for _ in range(steps):
        task = random.choice(len(chance), p=chance)
        samples.append(random.choice(rows_of[task], size))
        tasks.append(np.full(size, task))
    return np.concatenate(samples), np.concatenate(tasks)


HINTS = {
    "loss_with_gaps": [
        "known = ~np.isnan(y) is True where there is a label. p[known] are the answers that count.",
        "If known.sum() is 0, return 0.0 and zeros. Otherwise the loss is a mean over p[known].",
        "Begin with slopes = np.zeros(len(p)), and write only slopes[known].",
        "slopes[known] = 2 * (p[known] - y[known]) / known.sum()",
    ],
    "chances": [
        "First the powers of all sizes, then divide by their sum.",
        "weights = np.asarray(sizes, float) ** (1 / temperature)",
        "return weights / weights.sum()",
    ],
    "mean_and_spread": [
        "The mean is the weighted sum of the rows: np.asarray(chance) @ gradients.",
        "gradients - mean has one row for each task. Square it, and sum along axis 1: one number "
        "for each task.",
        "The mean of these numbers, each with its chance: chance @ squared. Then np.sqrt.",
    ],
    "my_prediction": [
        "SGD adds up the gradients. What is their sum in each case?",
        "Adam divides by the root of the running mean of the squared gradient. What becomes of "
        "that mean if each gradient is 1/4? If one gradient of four is 1?",
        'The form: return {"sgd weight": "the same", "sgd chance": ...}',
    ],
    "draw_batches": [
        "Two lists, samples and tasks. A loop over the steps appends one array to each.",
        "The task is drawn once in each step; all `size` samples of the step come from its rows.",
        "task = random.choice(len(chance), p=chance), then random.choice(rows_of[task], size) and "
        "np.full(size, task).",
        "At the end: return np.concatenate(samples), np.concatenate(tasks)",
    ],
}


def pair(found, what):
    """The two things that a function returns."""
    assert found is not None, f"None came back; expected {what}. Is a `return` missing?"
    assert isinstance(found, tuple | list) and len(found) == 2, (
        f"Expected two things, {what}; what came back is {found!r}."
    )
    return found


def with_gaps(lesson, p, y):
    """Loss and slopes, for arrays; the arrays must stay as they were."""
    p, y = np.array(p), np.array(y)
    p_before, y_before = p.copy(), y.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            loss, slopes = pair(lesson.loss_with_gaps(p, y), "the loss and the slopes")
        except RuntimeWarning as warning:
            raise AssertionError(
                f"for p = {p} and y = {y} NumPy warns: {warning}. Is something divided by 0, or a "
                "mean taken of nothing?"
            ) from None
    assert np.array_equal(p, p_before) and np.array_equal(y, y_before, equal_nan=True), (
        "p or y was written into: make new arrays, they belong to whoever called you."
    )
    slopes = np.asarray(slopes, float)
    assert slopes.shape == p.shape, (
        f"p has the shape {p.shape}, so there are as many slopes; yours have the shape "
        f"{slopes.shape}."
    )
    assert np.ndim(loss) == 0, f"The loss is one number, not {loss!r}."
    return float(loss), slopes


CASES = [
    ([1.0, 2.0, 5.0], [0.0, 4.0, np.nan], 2.5, [1.0, -2.0, 0.0]),
    ([3.0, -1.0, 0.0, 2.0], [np.nan, 1.0, np.nan, np.nan], 4.0, [0.0, -4.0, 0.0, 0.0]),
]


def check_loss_with_gaps__no_gaps(lesson):
    """Without gaps it is the plain mean squared error."""
    for p, y, right in (([1.0, 3.0], [0.0, 1.0], 2.5), ([0.0, 2.0], [2.0, -2.0], 10.0)):
        loss, _ = with_gaps(lesson, p, y)
        assert np.isclose(loss, right), f"p = {p}, y = {y}: the loss is {right}, yours is {loss}."


def check_loss_with_gaps__loss(lesson):
    """The mean divides by the number of labels that are there."""
    for p, y, right, _ in CASES:
        loss, _ = with_gaps(lesson, p, y)
        assert not np.isnan(loss), (
            f"p = {p}, y = {y}: your loss is NaN. Choose with p[known] what counts, before you sum."
        )
        assert np.isclose(loss, right), (
            f"p = {p}, y = {y}: the loss is {right}, yours is {loss}. The mean goes over the "
            "labels that are there, and divides by their number."
        )


def check_loss_with_gaps__slopes(lesson):
    """The slope is 2 (p - y) / count where there is a label, and 0 elsewhere."""
    for p, y, _, right in CASES:
        _, slopes = with_gaps(lesson, p, y)
        assert not np.isnan(slopes).any(), f"p = {p}, y = {y}: your slopes are {slopes.tolist()}."
        assert np.allclose(slopes, right), (
            f"p = {p}, y = {y}: the slopes are {right}, yours are {slopes.tolist()}."
        )


def check_loss_with_gaps__no_labels(lesson):
    """Where no sample has a label, loss and slopes are 0."""
    for p in ([1.0, 2.0], []):
        loss, slopes = with_gaps(lesson, np.array(p, float), np.full(len(p), np.nan))
        assert loss == 0 and not slopes.any(), (
            f"No label for p = {p}: the loss is 0 and each slope is 0; yours are {loss} and "
            f"{slopes.tolist()}."
        )


def of_chances(lesson, sizes, temperature):
    found = lesson.chances(sizes, temperature)
    assert found is not None, "None came back: is a `return` missing?"
    found = np.asarray(found, float)
    assert found.shape == (len(sizes),), (
        f"{len(sizes)} tasks have {len(sizes)} chances, not {found.tolist()}."
    )
    return found


def check_chances__sum(lesson):
    """The chances add up to 1."""
    for sizes, temperature in (([60, 1378], 2), ([5, 1, 14], 0.5)):
        found = of_chances(lesson, sizes, temperature)
        assert np.isclose(found.sum(), 1), (
            f"sizes {sizes}, T = {temperature}: your chances {found.tolist()} add up to "
            f"{found.sum():.4g}, not to 1."
        )


def check_chances__by_size(lesson):
    """T = 1: in proportion to the number of labels."""
    for sizes, right in (([1, 3], [0.25, 0.75]), ([2, 2, 4], [0.25, 0.25, 0.5])):
        found = of_chances(lesson, sizes, 1)
        assert np.allclose(found, right), f"sizes {sizes}, T = 1: {right}, not {found.tolist()}."


def check_chances__between(lesson):
    """T = 2: in proportion to the root; T = 1/2: to the square."""
    for sizes, temperature, right in (
        ([1, 9], 2, [0.25, 0.75]),
        ([1, 3], 0.5, [0.1, 0.9]),
        ([4, 4, 64], 2, [1 / 6, 1 / 6, 4 / 6]),
    ):
        found = of_chances(lesson, sizes, temperature)
        assert np.allclose(found, right), (
            f"sizes {sizes}, T = {temperature}: n ** (1 / T) gives {np.round(right, 4).tolist()}, "
            f"yours are {found.round(4).tolist()}."
        )


def check_chances__all_alike(lesson):
    """T = infinity: all tasks alike."""
    found = of_chances(lesson, [60, 1378, 5], np.inf)
    assert np.allclose(found, 1 / 3), f"Three tasks, T = infinity: 1/3 each, not {found.tolist()}."


ROWS = np.array([[3.0, 0.0, 1.0], [-1.0, 4.0, 1.0]])


def of_rows(lesson, gradients, chance):
    gradients = np.array(gradients)
    before = gradients.copy()
    mean, spread = pair(lesson.mean_and_spread(gradients, chance), "the mean and the spread")
    assert np.array_equal(gradients, before), "The gradients were written into: make new arrays."
    mean = np.asarray(mean, float)
    assert mean.shape == gradients.shape[1:], (
        f"Each row has {gradients.shape[1]} numbers, so has the mean; yours has the shape "
        f"{mean.shape}."
    )
    assert np.ndim(spread) == 0, f"The spread is one number, not {spread!r}."
    return mean, float(spread)


def check_mean_and_spread__mean(lesson):
    """The mean is the sum of the rows, each times its chance."""
    for chance in ([0.25, 0.75], [0.5, 0.5]):
        mean, _ = of_rows(lesson, ROWS, chance)
        right = chance[0] * ROWS[0] + chance[1] * ROWS[1]
        assert np.allclose(mean, right), (
            f"Rows {ROWS.tolist()}, chances {chance}: the mean is {right.tolist()}, yours is "
            f"{mean.tolist()}."
        )


def check_mean_and_spread__spread(lesson):
    """The spread is the root of the mean squared distance."""
    # The rows lie sqrt(32) apart: the distances are shares of that.
    for chance, right in (([0.25, 0.75], np.sqrt(6)), ([0.5, 0.5], np.sqrt(8))):
        _, spread = of_rows(lesson, ROWS, chance)
        assert np.isclose(spread, right), (
            f"Rows {ROWS.tolist()}, chances {chance}: the spread is {right:.4f}, yours is "
            f"{spread:.4f}. Squares are summed over each row; the rows count by their chances; "
            "the root comes last."
        )


def check_mean_and_spread__three(lesson):
    """With three tasks, too."""
    rows, chance = np.array([[1.0, 1.0], [1.0, -1.0], [-2.0, 0.0]]), [0.2, 0.2, 0.6]
    mean, spread = of_rows(lesson, rows, chance)
    right = np.sqrt(0.2 * (1.8**2 + 1) * 2 + 0.6 * 1.2**2)
    assert np.allclose(mean, [-0.8, 0.0]) and np.isclose(spread, right), (
        f"Rows {rows.tolist()}, chances {chance}: mean [-0.8, 0], spread {right:.4f}; yours "
        f"{mean.tolist()}, {spread:.4f}."
    )


def check_mean_and_spread__sure(lesson):
    """A task with the chance 1 has no spread."""
    mean, spread = of_rows(lesson, ROWS, [0.0, 1.0])
    assert np.allclose(mean, ROWS[1]) and spread == 0, (
        f"chances [0, 1]: each step is row 1, {ROWS[1].tolist()}, and the spread is 0; yours "
        f"{mean.tolist()}, {spread}."
    )


KEYS = {"sgd weight", "sgd chance", "adam weight", "adam chance"}


def check_my_prediction__keys(lesson):
    """It is a dict with the four keys."""
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"Return a dict, not {found!r}."
    assert set(found) == KEYS, f"The keys are {sorted(KEYS)}, not {sorted(map(str, found))}."


def check_my_prediction__words(lesson):
    """Each value is one of the three words."""
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"Return a dict, not {found!r}."
    other = [word for word in found.values() if word not in ("a quarter", "a half", "the same")]
    assert not other, f'Use "a quarter", "a half" or "the same", not {other}.'


def batches(lesson, chance, steps, size):
    """What is drawn from three lists that have nothing in common."""
    rows_of = [np.arange(100, 130), np.arange(200, 205), np.arange(300, 301)][: len(chance)]
    found = lesson.draw_batches(np.random.default_rng(7), chance, rows_of, steps, size)
    samples, tasks = map(np.asarray, pair(found, "the samples and the tasks"))
    for what, array in (("samples", samples), ("tasks", tasks)):
        assert array.shape == (steps * size,), (
            f"{steps} steps of {size}: expected an array of {steps * size} {what}, yours has the "
            f"shape {array.shape}."
        )
    return rows_of, samples, tasks


def check_draw_batches__of_its_task(lesson):
    """Each sample has a label for its task."""
    rows_of, samples, tasks = batches(lesson, [0.3, 0.3, 0.4], 40, 3)
    for sample, task in zip(samples, tasks, strict=True):
        assert task in (0, 1, 2), f"A task is 0, 1 or 2 here, not {task}."
        assert sample in rows_of[int(task)], (
            f"Sample {sample} was drawn for task {task}, which has the samples "
            f"{rows_of[int(task)][0]} to {rows_of[int(task)][-1]}."
        )


def check_draw_batches__one_task_in_a_step(lesson):
    """All samples of a step are for one task, and not all steps for the same one."""
    _, _, tasks = batches(lesson, [0.5, 0.5], 40, 4)
    for step, row in enumerate(tasks.reshape(40, 4)):
        assert len(set(row.tolist())) == 1, f"Step {step} mixes tasks: {row.tolist()}."
    assert len(set(tasks.tolist())) == 2, f"40 steps, two chances of 0.5, but all for {tasks[0]}."


def check_draw_batches__chances(lesson):
    """A task is drawn as often as its chance says."""
    for chance in ([0.2, 0.8], [0.7, 0.1, 0.2]):
        _, _, tasks = batches(lesson, chance, 1000, 2)
        share = np.bincount(tasks.astype(int), minlength=len(chance)) / 2000
        assert np.allclose(share, chance, atol=0.06), (  # four standard deviations
            f"chances {chance}: of 1000 steps your shares are {share.tolist()}."
        )


def check_draw_batches__fresh(lesson):
    """Samples are drawn anew in each step, also more of them than there are."""
    rows_of, samples, _ = batches(lesson, [1.0], 50, 40)
    missing = set(rows_of[0].tolist()) - set(samples.tolist())
    assert not missing, f"2000 draws from 30 samples, and these never came: {sorted(missing)}."
    steps = {tuple(row) for row in samples.reshape(50, 40).tolist()}
    assert len(steps) > 1, "Each step has the same samples: draw them inside of the loop."
    first, second = (
        lesson.draw_batches(np.random.default_rng(seed), [0.5, 0.5], [[1, 2], [3, 4]], 30, 2)
        for seed in (1, 2)
    )
    assert not np.array_equal(first[0], second[0]), (
        "Two generators with different seeds give the same samples: use `random`."
    )
