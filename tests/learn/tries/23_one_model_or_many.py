"""What students write in lesson 23."""

import numpy as np


def wrong_parameters__biases_forgotten(inputs, units, heads):
    return inputs * units + sum(units * m for m in heads)


def wrong_parameters__biases_of_the_heads_forgotten(inputs, units, heads):
    return inputs * units + units + sum(units * m for m in heads)


def wrong_parameters__a_layer_for_each_head(inputs, units, heads):
    return sum(inputs * units + units + units * m + m for m in heads)


def wrong_parameters__number_of_heads(inputs, units, heads):
    return inputs * units + units + len(heads) * (units + 1)


def wrong_parameters__heads_after_one_another(inputs, units, heads):
    total, width = inputs * units + units, units
    for m in heads:
        total += width * m + m
        width = m
    return total


def wrong_parameters__a_list(inputs, units, heads):
    return [inputs * units + units] + [units * m + m for m in heads]


def right_parameters__one_more_input(inputs, units, heads):
    return (inputs + 1) * units + (units + 1) * sum(heads)


def right_parameters__shapes(inputs, units, heads):
    shapes = [(inputs, units), (units,)]
    for m in heads:
        shapes += [(units, m), (m,)]
    return sum(int(np.prod(shape)) for shape in shapes)


def wrong_fastest__mean(run, times, clock):
    start = clock()
    for _ in range(times):
        run()
    return (clock() - start) / times


def wrong_fastest__longest(run, times, clock):
    took = []
    for _ in range(times):
        start = clock()
        run()
        took.append(clock() - start)
    return max(took)


def wrong_fastest__one_call_too_many(run, times, clock):
    run()
    took = []
    for _ in range(times):
        start = clock()
        run()
        took.append(clock() - start)
    return min(took)


def wrong_fastest__clock_started_once(run, times, clock):
    start, took = clock(), []
    for _ in range(times):
        run()
        took.append(clock() - start)
    return min(took)


def wrong_fastest__clock_not_called(run, times, clock):
    took = []
    for _ in range(times):
        start = clock
        run()
        took.append(clock is start)
    return min(took)


def wrong_fastest__never_runs(run, times, clock):
    took = []
    for _ in range(times):
        start = clock()
        run  # noqa: B018
        took.append(clock() - start)
    return min(took)


def right_fastest__a_list(run, times, clock):
    took = [0.0] * times
    for i in range(times):
        took[i] = -clock()
        run()
        took[i] += clock()
    return np.min(took)


def right_fastest__infinity(run, times, clock):
    best = float("inf")
    while times:
        times -= 1
        start = clock()
        run()
        end = clock()
        if end - start < best:
            best = end - start
    return best


def wrong_my_prediction__a_list():
    return ["one for each", "not seen", "not seen"]


def wrong_my_prediction__names_as_text():
    return {"1": "one for each", "5": "not seen", "16": "not seen"}


def wrong_my_prediction__other_words():
    return {1: "each", 5: "none", 16: "all"}


def wrong_my_prediction__one_is_missing():
    return {1: "one for each", 16: "not seen"}


def right_my_prediction__always_all():
    return {16: "one for all", 5: "one for all", 1: "one for all"}


def wrong_compare__sign(shared, alone):
    gain = 100 * (shared / alone - 1).mean(axis=1)
    return gain.mean(), 2.78 * gain.std(ddof=1) / np.sqrt(5)


def wrong_compare__of_the_means(shared, alone):
    gain = 100 * (1 - shared.mean(axis=1) / alone.mean(axis=1))
    return gain.mean(), 2.78 * gain.std(ddof=1) / np.sqrt(5)


def wrong_compare__all_as_seeds(shared, alone):
    gain = 100 * (1 - shared / alone)
    return gain.mean(), 2.78 * gain.std(ddof=1) / np.sqrt(gain.size)


def wrong_compare__tasks_as_seeds(shared, alone):
    gain = 100 * (1 - shared / alone).mean(axis=0)
    return gain.mean(), 2.78 * gain.std(ddof=1 if len(gain) > 1 else 0) / np.sqrt(5)


def wrong_compare__ddof(shared, alone):
    gain = 100 * (1 - shared / alone).mean(axis=1)
    return gain.mean(), 2.78 * gain.std() / np.sqrt(5)


def wrong_compare__no_root(shared, alone):
    gain = 100 * (1 - shared / alone).mean(axis=1)
    return gain.mean(), 2.78 * gain.std(ddof=1) / 5


def wrong_compare__of_the_other(shared, alone):
    gain = 100 * (alone / shared - 1).mean(axis=1)
    return gain.mean(), 2.78 * gain.std(ddof=1) / np.sqrt(5)


def wrong_compare__mean_alone(shared, alone):
    return np.mean(100 * (1 - shared / alone))


def right_compare__a_loop(shared, alone):
    gain = []
    for ours, theirs in zip(shared, alone, strict=True):
        parts = [100 * (b - a) / b for a, b in zip(ours, theirs, strict=True)]
        gain.append(sum(parts) / len(parts))
    mean = sum(gain) / 5
    variance = sum((g - mean) ** 2 for g in gain) / 4
    return [mean, 2.78 * (variance / 5) ** 0.5]


def wrong_widest__shared_layer(budget, inputs, heads):
    units = 0
    while parameters(inputs, units + 1, heads) <= budget:  # noqa: F821
        units += 1
    return units


def wrong_widest__one_too_many(budget, inputs, heads):
    units = 0
    while sum(parameters(inputs, units, [m]) for m in heads) <= budget:  # noqa: F821
        units += 1
    return units


def wrong_widest__less_than(budget, inputs, heads):
    units = 0
    while sum(parameters(inputs, units + 1, [m]) for m in heads) < budget:  # noqa: F821
        units += 1
    return units


def wrong_widest__at_least_one(budget, inputs, heads):
    units = 1
    while sum(parameters(inputs, units + 1, [m]) for m in heads) <= budget:  # noqa: F821
        units += 1
    return units


def wrong_widest__a_share_of_the_units(budget, inputs, heads):
    return 16 // len(heads)


def right_widest__solved(budget, inputs, heads):
    each = len(heads) * (inputs + 1) + sum(heads)  # of one unit in each network
    return max(0, (budget - sum(heads)) // each)


def right_widest__from_above(budget, inputs, heads):
    for units in range(200, 0, -1):
        if sum(parameters(inputs, units, [m]) for m in heads) <= budget:  # noqa: F821
            return units
    return 0
