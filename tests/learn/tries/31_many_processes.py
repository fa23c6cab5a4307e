"""What students may write in lesson 31."""

import numpy as np


def wrong_parts_of__the_rest_is_lost(samples, ranks):
    size = samples // ranks
    return [(r * size, (r + 1) * size) for r in range(ranks)]


def wrong_parts_of__the_last_gets_the_rest(samples, ranks):
    size = samples // ranks
    return [(r * size, samples if r == ranks - 1 else (r + 1) * size) for r in range(ranks)]


def wrong_parts_of__rounded_up(samples, ranks):
    size = -(-samples // ranks)
    return [(min(r * size, samples), min((r + 1) * size, samples)) for r in range(ranks)]


def wrong_parts_of__lengths(samples, ranks):
    return [(samples * (r + 1) // ranks - samples * r // ranks,) for r in range(ranks)]


def wrong_parts_of__the_end_is_in(samples, ranks):
    return [(samples * r // ranks, samples * (r + 1) // ranks - 1) for r in range(ranks)]


def right_parts_of__the_first_get_one_more(samples, ranks):
    size, more = divmod(samples, ranks)
    starts = [r * size + min(r, more) for r in range(ranks + 1)]
    return list(zip(starts, starts[1:], strict=False))


def right_parts_of__array_split(samples, ranks):
    parts = np.array_split(np.arange(samples), ranks)
    ends = np.cumsum([len(part) for part in parts])
    return [(int(end) - len(part), int(end)) for part, end in zip(parts, ends, strict=True)]


def wrong_my_prediction__a_number():
    return 3


def wrong_my_prediction__other_word():
    return "bigger"


def right_my_prediction__a_wrong_guess():
    return "equal"


def wrong_together__mean_of_means(means, counts):
    return sum(means) / len(means)


def wrong_together__nan_spoils_it(means, counts):
    return sum(m * n for m, n in zip(means, counts, strict=True)) / max(sum(counts), 1)


def wrong_together__not_divided(means, counts):
    return sum(m * n for m, n in zip(means, counts, strict=True) if n)


def wrong_together__divides_by_ranks(means, counts):
    return sum(m * n for m, n in zip(means, counts, strict=True) if n) / len(means)


def wrong_together__nanmean(means, counts):
    found = [m for m, n in zip(means, counts, strict=True) if n]
    return np.mean(found) if found else 0.0


def wrong_together__no_count_is_nan(means, counts):
    known = [(m, n) for m, n in zip(means, counts, strict=True) if n]
    return np.float64(sum(m * n for m, n in known)) / np.float64(sum(counts) or np.nan)


def right_together__with_where(means, counts):
    counts = np.asarray(counts, float)
    means = np.where(counts > 0, means, 0)
    return float(means @ counts / max(counts.sum(), 1))


def right_together__a_loop(means, counts):
    total = number = 0
    for mean, count in zip(means, counts, strict=True):
        if count > 0:
            total, number = total + mean * count, number + count
    return total / number if number else 0


def wrong_share__all_alike(counts, rank):
    return 1 / len(counts) if sum(counts) else 0.0


def wrong_share__the_count(counts, rank):
    return counts[rank]


def wrong_share__upside_down(counts, rank):
    return sum(counts) / counts[rank] if counts[rank] else 0.0


def wrong_share__of_the_largest(counts, rank):
    return counts[rank] / max(counts) if max(counts) else 0.0


def wrong_share__times_ranks(counts, rank):
    return len(counts) * counts[rank] / sum(counts) if sum(counts) else 0.0


def wrong_share__divides_by_zero(counts, rank):
    return counts[rank] / sum(counts)


def right_share__with_max(counts, rank):
    return counts[rank] / max(sum(counts), 1)


def right_share__an_array(counts, rank):
    counts = np.array(counts, float)
    if not counts.any():
        return 0
    return (counts / counts.sum())[rank]


def wrong_all_reduce__only_the_own_part(arrays):
    ranks = len(arrays)
    cut = [np.split(array, ranks) for array in arrays]
    each = [sum(parts[k] for parts in cut) for k in range(ranks)]
    return each, 2 * (ranks - 1) * len(each[0])


def wrong_all_reduce__the_mean(arrays):
    mean = sum(arrays) / len(arrays)
    return [mean] * len(arrays), 2 * (len(arrays) - 1) * len(mean) // len(arrays)


def wrong_all_reduce__one_move(arrays):
    total = sum(arrays[1:], arrays[0])
    return [total] * len(arrays), (len(arrays) - 1) * len(total) // len(arrays)


def wrong_all_reduce__all_to_all(arrays):
    total = sum(arrays[1:], arrays[0])
    return [total] * len(arrays), (len(arrays) - 1) * len(total)


def wrong_all_reduce__all_ranks_together(arrays):
    ranks, total = len(arrays), sum(arrays[1:], arrays[0])
    return [total] * ranks, 2 * (ranks - 1) * len(total)


def wrong_all_reduce__own_first(arrays):
    ranks, each = len(arrays), []
    for rank in range(ranks):
        total = arrays[rank]
        for other in range(ranks):
            total = total + arrays[other] if other != rank else total
        each.append(total)
    return each, 2 * (ranks - 1) * len(arrays[0]) // ranks


def wrong_all_reduce__written_into(arrays):
    ranks = len(arrays)
    for array in arrays[1:]:
        arrays[0] += array
    return [arrays[0]] * ranks, 2 * (ranks - 1) * len(arrays[0]) // ranks


def right_all_reduce__a_plain_sum(arrays):
    ranks, total = len(arrays), arrays[0]
    for array in arrays[1:]:
        total = total + array
    return [total.copy() for _ in arrays], 2 * (ranks - 1) * (len(total) // ranks)


def right_all_reduce__a_table(arrays):
    ranks = len(arrays)
    table = np.stack([np.stack(np.split(array, ranks)) for array in arrays])
    sums = table[0]
    for rank in range(1, ranks):
        sums = sums + table[rank]
    sent = sum(table[0, k].size for k in range(1, ranks)) + (ranks - 1) * sums[0].size
    return tuple(sums.reshape(-1) for _ in range(ranks)), sent


def wrong_efficiency__no_messages(step, size, ranks, alpha, beta):
    return step / (step + 2 * (ranks - 1) / ranks * size * beta)


def wrong_efficiency__no_bytes(step, size, ranks, alpha, beta):
    return step / (step + 2 * (ranks - 1) * alpha)


def wrong_efficiency__whole_gradients(step, size, ranks, alpha, beta):
    return step / (step + 2 * (ranks - 1) * (alpha + beta * size))


def wrong_efficiency__one_move(step, size, ranks, alpha, beta):
    return step / (step + (ranks - 1) * (alpha + beta * size / ranks))


def wrong_efficiency__the_time_lost(step, size, ranks, alpha, beta):
    total = 2 * (ranks - 1) * (alpha + beta * size / ranks)
    return total / (step + total)


def right_efficiency__two_sums(step, size, ranks, alpha, beta):
    messages = 2 * (ranks - 1) * alpha
    moving = 2 * (ranks - 1) / ranks * size * beta
    return 1 / (1 + (messages + moving) / step)
