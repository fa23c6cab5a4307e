"""Answers to lesson 31."""

import numpy as np


def parts_of(samples, ranks):
    return [(samples * r // ranks, samples * (r + 1) // ranks) for r in range(ranks)]


def my_prediction():
    # Two samples with a large loss count as much as six with a small one.
    return "larger"


def together(means, counts):
    total = sum(mean * count for mean, count in zip(means, counts, strict=True) if count)
    return total / sum(counts) if sum(counts) else 0.0


def share(counts, rank):
    return counts[rank] / sum(counts) if sum(counts) else 0.0


def all_reduce(arrays):
    ranks = len(arrays)
    in_charge = list(zip(*(np.split(array, ranks) for array in arrays), strict=True))
    sums = []
    for parts in in_charge:
        total = parts[0].copy()
        for part in parts[1:]:
            total += part
        sums.append(total)
    sent = 2 * (ranks - 1) * len(sums[0])
    return [np.concatenate(sums) for _ in arrays], sent


def efficiency(step, size, ranks, alpha, beta):
    total = 2 * (ranks - 1) * (alpha + beta * size / ranks)
    return step / (step + total)


HINTS = {
    "parts_of": [
        "With 8 samples and 4 ranks, rank r begins at 2 r: that is 8 r / 4.",
        "A part begins where the one before has ended. Cut off, samples * r // ranks is whole.",
        "[(samples * r // ranks, samples * (r + 1) // ranks) for r in range(ranks)]",
    ],
    "my_prediction": [
        "Work it out: what do all eight losses add up to?",
        "Any of the three is a good guess: we will see.",
    ],
    "together": [
        "A mean times its count is a sum. Add up the sums, add up the counts, divide once.",
        "Leave out the ranks with a count of 0: their NaN would spoil the sum.",
        "If no count is left, return 0.",
    ],
    "share": [
        "It is the part of all counts that this rank has.",
        "counts[rank] / sum(counts), or 0 if that sum is 0.",
    ],
    "all_reduce": [
        "np.split(array, ranks) gives the parts of one array; part k goes to rank k.",
        "Rank k adds up part k of all arrays: of rank 0, then 1, then 2.",
        "All end with the sums of the parts, one behind the other: np.concatenate.",
        "Each rank sends ranks - 1 parts in the first move, and as many in the second.",
    ],
    "efficiency": [
        "The time of the sum: 2 (ranks - 1) alpha, and 2 (ranks - 1) / ranks * size * beta.",
        "step / (step + both of them).",
    ],
}


def of_parts(lesson, samples, ranks):
    found = lesson.parts_of(samples, ranks)
    assert found is not None, "None came back: is a `return` missing?"
    found = [tuple(part) for part in found]
    assert len(found) == ranks and all(len(part) == 2 for part in found), (
        f"{ranks} ranks need {ranks} pairs (start, end), not {found}."
    )
    return found


def check_parts_of__everything(lesson):
    """The parts make up the batch, in order."""
    for samples, ranks in ((8, 4), (7, 3), (5, 2), (10, 4), (1, 3)):
        found = of_parts(lesson, samples, ranks)
        samples_of = [n for start, end in found for n in range(start, end)]
        assert samples_of == list(range(samples)), (
            f"{samples} samples, {ranks} ranks: your parts {found} have the samples {samples_of}."
        )


def check_parts_of__fair(lesson):
    """No rank has two samples more than another one."""
    for samples, ranks in ((7, 4), (11, 4), (3, 5), (64, 7)):
        sizes = [end - start for start, end in of_parts(lesson, samples, ranks)]
        assert min(sizes) >= 0 and max(sizes) - min(sizes) <= 1, (
            f"{samples} samples, {ranks} ranks: your parts have {sizes} samples."
        )


def check_my_prediction__word(lesson):
    """It is one of the three words."""
    found = lesson.my_prediction()
    assert found in ("larger", "smaller", "equal"), (
        f'Return "larger", "smaller" or "equal", not {found!r}.'
    )


def check_my_prediction__text(lesson):
    """A prediction is a text."""
    assert isinstance(lesson.my_prediction(), str), "Return one of the words, in quotes."


def mean_of(lesson, means, counts):
    found = lesson.together(list(means), list(counts))
    assert found is not None, "None came back: is a `return` missing?"
    assert np.ndim(found) == 0, f"The loss is one number, not {found!r}."
    return float(found)


def check_together__counts(lesson):
    """Each sample counts once."""
    for means, counts, right in (([1.0, 5.0], [6, 2], 2.0), ([3.0, 9.0, -3.0], [2, 1, 1], 3.0)):
        found = mean_of(lesson, means, counts)
        assert np.isclose(found, right), (
            f"means {means} of {counts} samples: {right}, yours is {found}."
        )


def check_together__one_rank(lesson):
    """Of one rank, it is its own mean."""
    found = mean_of(lesson, [0.25], [7])
    assert found == 0.25, f"One rank with the mean 0.25 of 7 samples: 0.25, yours is {found}."


def check_together__nothing(lesson):
    """A rank with nothing that counts changes nothing, whatever it tells."""
    found = mean_of(lesson, [np.nan, 4.0, np.nan], [0, 3, 0])
    assert found == 4, f"means [NaN, 4, NaN] of [0, 3, 0] samples: 4, yours is {found}."
    found = mean_of(lesson, [np.nan, np.nan], [0, 0])
    assert found == 0, f"If no sample counts anywhere, the loss is 0; yours is {found}."


def check_share__by_count(lesson):
    """It is the part of all counts that a rank has."""
    for counts, rank, right in (([6, 2], 0, 0.75), ([6, 2], 1, 0.25), ([1, 0, 3], 1, 0.0)):
        found = lesson.share(list(counts), rank)
        assert found is not None, "None came back: is a `return` missing?"
        assert np.isclose(found, right), f"counts {counts}, rank {rank}: {right}, not {found}."


def check_share__gradient(lesson):
    """The gradients of the parts, each times its share, add up to that of the whole."""
    x = np.array([1.0, -2.0, 4.0, 0.5, 3.0])
    cuts = [(0, 1), (1, 4), (4, 5)]
    counts = [end - start for start, end in cuts]
    of_mean = [2 * x[start:end].mean() for start, end in cuts]  # of mean((w + x)**2), where w is 0
    found = sum(lesson.share(counts, rank) * of_mean[rank] for rank in range(3))
    assert np.isclose(found, 2 * x.mean()), (
        f"The gradient of the whole batch is {2 * x.mean():.3f}, with your shares {found:.3f}."
    )


def check_share__nothing(lesson):
    """If nothing counts anywhere, it is 0."""
    assert lesson.share([0, 0], 1) == 0, "counts [0, 0]: the share of each rank is 0."


def reduced(lesson, arrays):
    before = [array.copy() for array in arrays]
    found = lesson.all_reduce(arrays)
    assert isinstance(found, tuple | list) and len(found) == 2, (
        "Return two things: the list of arrays, and how many numbers a rank has sent."
    )
    assert all(map(np.array_equal, arrays, before)), "An array was written into: make new ones."
    each, sent = found
    assert len(each) == len(arrays), f"{len(arrays)} ranks end with an array each, not {len(each)}."
    for array in each:
        assert np.shape(array) == arrays[0].shape, (
            f"Each rank ends with all {len(arrays[0])} numbers, yours has the shape "
            f"{np.shape(array)}."
        )
    return each, sent


def check_all_reduce__sum(lesson):
    """Each rank ends with the sum of all arrays."""
    for ranks in (1, 2, 3, 5):
        arrays = [np.arange(15.0)[: 3 * ranks] * (rank + 1) for rank in range(ranks)]
        each, _ = reduced(lesson, arrays)
        for rank, array in enumerate(each):
            assert np.allclose(array, sum(arrays)), (
                f"{ranks} ranks: rank {rank} ends with {np.round(array, 3).tolist()}, the sum is "
                f"{sum(arrays).tolist()}."
            )


def check_all_reduce__order(lesson):
    """It is added up from rank 0 on, to the same bits."""
    numbers = [
        np.float32([1e8, 1.0, 1e8]),
        np.float32([-1e8, 1e8, 1.0]),
        np.float32([1, -1e8, -1e8]),
    ]
    each, _ = reduced(lesson, numbers)
    right = (numbers[0] + numbers[1]) + numbers[2]
    for array in each:
        assert np.array_equal(array, right), (
            f"In the order of the ranks {[x.tolist() for x in numbers]} add up to "
            f"{right.tolist()}, yours is {np.asarray(array).tolist()}."
        )


def check_all_reduce__sent(lesson):
    """A rank sends 2 (p - 1) parts."""
    for ranks, size, right in ((2, 10, 10), (4, 12, 18), (5, 5, 8), (1, 4, 0)):
        _, sent = reduced(lesson, [np.ones(size) for _ in range(ranks)])
        assert sent == right, (
            f"{ranks} ranks, {size} numbers: a part has {size // ranks}, and a rank sends {right} "
            f"in all, not {sent}."
        )


def check_efficiency__parts(lesson):
    """Messages and bytes both count."""
    for alpha, beta, right in ((0.25, 0.0, 0.4), (0.0, 0.5, 0.25), (0.0, 0.0, 1.0)):
        found = lesson.efficiency(1.0, 4.0, 4, alpha, beta)
        assert found is not None, "None came back: is a `return` missing?"
        assert np.isclose(found, right), (
            f"a step of 1 s, 4 bytes, 4 ranks, alpha {alpha}, beta {beta}: {right}, not {found}."
        )


def check_efficiency__alone(lesson):
    """One rank tells nobody anything."""
    found = lesson.efficiency(0.1, 1e6, 1, 1e-3, 1e-6)
    assert np.isclose(found, 1), f"One rank works all of the time: 1, not {found}."


def check_efficiency__step(lesson):
    """It depends on how long a step takes."""
    found = lesson.efficiency(3.0, 2.0, 2, 0.5, 0.0)
    assert np.isclose(found, 0.75), f"3 s of work, 1 s for the sum: 0.75, not {found}."
