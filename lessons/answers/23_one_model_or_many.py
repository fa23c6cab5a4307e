"""Solutions, hints and checks of lesson 23."""

import numpy as np


def parameters(inputs, units, heads):
    return inputs * units + units + sum(units * answers + answers for answers in heads)


def fastest(run, times, clock):
    shortest = None
    for _ in range(times):
        start = clock()
        run()
        took = clock() - start
        shortest = took if shortest is None else min(shortest, took)
    return shortest


def my_prediction():
    # One unit is too narrow for three questions; 16 are enough.
    return {1: "one for each", 5: "not seen", 16: "not seen"}


def compare(shared, alone):
    percent = 100 * (1 - shared / alone)
    by_seed = percent.mean(axis=1)
    return by_seed.mean(), 2.78 * by_seed.std(ddof=1) / np.sqrt(5)


def widest(budget, inputs, heads):
    units = 0
    while sum(parameters(inputs, units + 1, [answers]) for answers in heads) <= budget:
        units += 1
    return units


HINTS = {
    "parameters": [
        "The layer in the middle: inputs * units weights, and units biases.",
        "Each head: units * answers weights, and as many biases as answers. Add them all up.",
        "inputs * units + units + sum(units * m + m for m in heads)",
    ],
    "fastest": [
        "Before run(): start = clock(). After it: clock() - start is what this call took.",
        "Keep all times in a list, and return min(list).",
    ],
    "my_prediction": [
        "Any of the words is welcome: it is your guess. The lesson shows later what came out.",
        "How many different things can one unit tell the heads?",
    ],
    "compare": [
        "percent = 100 * (1 - shared / alone), a table like both.",
        "One number for each seed: the mean over the tasks, percent.mean(axis=1).",
        "return by_seed.mean(), 2.78 * by_seed.std(ddof=1) / np.sqrt(5)",
    ],
    "widest": [
        "All networks of this width: sum(parameters(inputs, units, [m]) for m in heads).",
        "Begin with units = 0, and add 1 as long as units + 1 still fits.",
        "while sum(parameters(inputs, units + 1, [m]) for m in heads) <= budget: units += 1",
    ],
}

WIDTHS = {1, 5, 16}
WORDS = ("one for all", "one for each", "not seen")


def one_number(found, what="the result"):
    assert found is not None, "You returned None: is a `return` missing?"
    assert np.ndim(found) == 0, f"{what} is one number, not an array of {np.shape(found)}."
    return float(found)


def check_parameters__one_head(lesson):
    """A network with one head."""
    found = one_number(lesson.parameters(3, 4, [2]))
    assert found != 20, "The biases are missing: one for each unit, and one for each answer."
    assert found == 26, (
        f"3 inputs, 4 units and 2 answers: 3 * 4 + 4 + 4 * 2 + 2 = 26 parameters, not {found:g}."
    )


def check_parameters__several_heads(lesson):
    """The layer in the middle counts once, each head by itself."""
    for inputs, units, heads, right in ((63, 16, [1, 1, 5], 1143), (5, 2, [1, 3], 24)):
        found = one_number(lesson.parameters(inputs, units, list(heads)))
        assert found == right, (
            f"{inputs} inputs, {units} units, heads {heads}: {right} parameters, not {found:g}."
        )


class Clock:
    """Says times that were chosen before."""

    def __init__(self, durations):
        self.now, self.durations, self.runs = 100.0, list(durations), 0

    def run(self):
        self.now += self.durations[self.runs]
        self.runs += 1

    def __call__(self):
        return self.now


def check_fastest__shortest(lesson):
    """The shortest of all calls counts."""
    clock = Clock([3.0, 1.0, 5.0, 2.0])
    found = one_number(lesson.fastest(clock.run, 4, clock))
    assert clock.runs == 4, f"run() was called {clock.runs} times, not 4."
    assert found == 1, f"Four calls took 3, 1, 5 and 2 seconds: the shortest is 1, not {found}."


def check_fastest__first_and_last(lesson):
    """The first call and the last one count, too."""
    for durations, right in (([1.0, 4.0, 4.0], 1.0), ([4.0, 4.0, 0.5], 0.5), ([7.0], 7.0)):
        clock = Clock([*durations, 0.001, 0.001])
        found = one_number(lesson.fastest(clock.run, len(durations), clock))
        assert clock.runs == len(durations), (
            f"run() was called {clock.runs} times, not {len(durations)}."
        )
        assert found == right, f"The calls took {durations}: {right}, not {found}."


def check_my_prediction__widths(lesson):
    """There are words for the three widths."""
    found = lesson.my_prediction()
    assert isinstance(found, dict), f"Return a dict with words for each width, not {found!r}."
    assert set(found) == WIDTHS, f"The dict needs the keys {sorted(WIDTHS)}, not {list(found)}."


def check_my_prediction__words(lesson):
    """Each is one of the three words."""
    found = lesson.my_prediction()
    words = list(found.values()) if isinstance(found, dict) else [found]
    wrong = [word for word in words if word not in WORDS]
    assert not wrong, f"Use {', '.join(map(repr, WORDS))}, not {wrong}."


ALONE = np.array([[1.0, 100.0], [2.0, 100.0], [4.0, 50.0], [1.0, 10.0], [1.0, 20.0]])
PERCENT = np.array([[10.0, 0.0], [20.0, -10.0], [0.0, 0.0], [30.0, 10.0], [-10.0, 20.0]])


def two(found):
    assert isinstance(found, tuple | list | np.ndarray) and len(found) == 2, (
        f"Return two numbers, the mean and half of the interval, not {found!r}."
    )
    return one_number(found[0], "the mean"), one_number(found[1], "half of the interval")


def check_compare__mean(lesson):
    """The mean over tasks and seeds, in percent of the loss alone."""
    mean, _ = two(lesson.compare(ALONE * (1 - PERCENT / 100), ALONE.copy()))
    assert not np.isclose(mean, -7), "A smaller loss in company is a gain: the sign is turned."
    assert not np.isclose(mean, 0.07), "That is a part of 1: multiply by 100."
    assert np.isclose(mean, 7), (
        f"The tasks gain {PERCENT.tolist()} percent, by seed; the mean is 7, not {mean:.3f}. Each "
        "loss is compared with its own loss alone, before any mean is taken."
    )


def check_compare__interval(lesson):
    """Half of the interval comes from one number for each seed."""
    _, half = two(lesson.compare(ALONE * (1 - PERCENT / 100), ALONE.copy()))
    by_seed = PERCENT.mean(axis=1)
    right = 2.78 * by_seed.std(ddof=1) / np.sqrt(5)
    assert not np.isclose(half, 2.78 * by_seed.std() / np.sqrt(5)), "Use ddof=1 in np.std."
    assert not np.isclose(half, 2.78 * by_seed.std(ddof=1)), "Divide by sqrt(5)."
    assert np.isclose(half, right), (
        f"The seeds gain {by_seed.tolist()}: half of the interval is {right:.3f}, not {half:.3f}."
    )


def check_compare__one_task(lesson):
    """A table with one task is possible."""
    mean, half = two(lesson.compare(0.5 * ALONE[:, :1], ALONE[:, :1].copy()))
    assert np.isclose(mean, 50) and np.isclose(half, 0, atol=1e-9), (
        f"From each seed the loss is halved: 50 +- 0, not {mean} +- {half}."
    )


def check_widest__budget(lesson):
    """The largest width whose networks fit the budget."""
    for budget, inputs, heads, right in ((1143, 63, [1, 1, 5], 5), (100, 3, [1], 19)):
        found = one_number(lesson.widest(budget, inputs, list(heads)))
        assert found == right, (
            f"budget {budget}, {inputs} inputs, heads {heads}: {right} units each, not {found:g}. "
            "Each head has a network of its own."
        )


def check_widest__exactly(lesson):
    """A budget that is just reached is allowed."""
    budget = 2 * (4 * 3 + 3 + 3 + 1)
    assert one_number(lesson.widest(budget, 4, [1, 1])) == 3, (
        f"Two networks of 3 units with 4 inputs have exactly {budget} parameters: 3 units fit."
    )
    assert one_number(lesson.widest(budget - 1, 4, [1, 1])) == 2, (
        f"With one parameter less, {budget - 1}, only 2 units fit."
    )


def check_widest__nothing_fits(lesson):
    """0 if not even one unit fits."""
    found = one_number(lesson.widest(10, 63, [1, 1]))
    assert found == 0, f"With 10 parameters and 63 inputs no unit fits: 0, not {found:g}."
