"""What students may write in lesson 24."""

import numpy as np


def wrong_loss_with_gaps__nan_stays(p, y):
    known = ~np.isnan(y)
    difference = (p - y) * known
    return (difference**2).sum() / known.sum(), 2 * difference / known.sum()


def wrong_loss_with_gaps__divides_by_all(p, y):
    difference = np.where(np.isnan(y), 0.0, p - y)
    if len(p) == 0:
        return 0.0, difference
    return (difference**2).mean(), 2 * difference / len(p)


def wrong_loss_with_gaps__filled_with_zero(p, y):
    known = np.nan_to_num(y)
    if len(p) == 0:
        return 0.0, np.zeros(0)
    return ((p - known) ** 2).mean(), 2 * (p - known) / len(p)


def wrong_loss_with_gaps__no_labels_is_nan(p, y):
    known = ~np.isnan(y)
    slopes = np.zeros(len(p))
    slopes[known] = 2 * (p[known] - y[known]) / known.sum()
    return np.mean((p[known] - y[known]) ** 2), slopes


def wrong_loss_with_gaps__short_slopes(p, y):
    known = ~np.isnan(y)
    if not known.any():
        return 0.0, np.zeros(len(p))
    difference = p[known] - y[known]
    return (difference**2).mean(), 2 * difference / len(difference)


def wrong_loss_with_gaps__slope_of_the_sum(p, y):
    known = ~np.isnan(y)
    if not known.any():
        return 0.0, np.zeros(len(p))
    difference = np.where(known, p - y, 0.0)
    return (difference**2).sum() / known.sum(), 2 * difference


def wrong_loss_with_gaps__sign(p, y):
    known = ~np.isnan(y)
    difference = np.where(known, y - p, 0.0)
    return (difference**2).sum() / max(known.sum(), 1), 2 * difference / max(known.sum(), 1)


def wrong_loss_with_gaps__in_place(p, y):
    count = max((~np.isnan(y)).sum(), 1)
    y[np.isnan(y)] = p[np.isnan(y)]
    return ((p - y) ** 2).sum() / count, 2 * (p - y) / count


def wrong_loss_with_gaps__only_the_loss(p, y):
    return np.nanmean((p - y) ** 2)


def right_loss_with_gaps__with_where(p, y):
    count = max((~np.isnan(y)).sum(), 1)
    difference = np.where(np.isnan(y), 0, p - y)
    return np.sum(difference**2) / count, difference * (2 / count)


def right_loss_with_gaps__a_loop(p, y):
    pairs = [(i, a - b) for i, (a, b) in enumerate(zip(p, y, strict=True)) if b == b]
    slopes = [0.0] * len(p)
    for i, difference in pairs:
        slopes[i] = 2 * difference / len(pairs)
    return sum(d * d for _, d in pairs) / max(len(pairs), 1), slopes


def right_loss_with_gaps__a_list_comes_back(p, y):
    known = np.isfinite(y)
    count = np.count_nonzero(known) or 1
    difference = np.nan_to_num(p - y)
    return [float(difference @ difference / count), 2 * difference / count]


def wrong_chances__temperature_upside_down(sizes, temperature):
    weights = np.asarray(sizes, float) ** temperature
    return weights / weights.sum()


def wrong_chances__not_divided(sizes, temperature):
    return np.asarray(sizes, float) ** (1 / temperature)


def wrong_chances__softmax(sizes, temperature):
    weights = np.exp(np.asarray(sizes, float) / max(sizes) / temperature)
    return weights / weights.sum()


def wrong_chances__divided_before_the_power(sizes, temperature):
    return (np.asarray(sizes, float) / np.sum(sizes)) ** (1 / temperature)


def wrong_chances__no_temperature(sizes, temperature):
    return np.asarray(sizes) / np.sum(sizes)


def wrong_chances__the_rare_more_often(sizes, temperature):
    weights = np.asarray(sizes, float) ** (-1 / temperature)
    return weights / weights.sum()


def wrong_chances__of_two(sizes, temperature):
    first, second = sizes[0] ** (1 / temperature), sizes[1] ** (1 / temperature)
    return np.array([first / (first + second), second / (first + second)])


def right_chances__a_list(sizes, temperature):
    weights = [size ** (1 / temperature) for size in sizes]
    return [weight / sum(weights) for weight in weights]


def right_chances__through_logarithms(sizes, temperature):
    logs = np.log(sizes) / temperature
    weights = np.exp(logs - logs.max())
    return weights / weights.sum()


def right_chances__shares_first(sizes, temperature):
    shares = (np.array(sizes) / np.sum(sizes)) ** (1 / temperature)
    return shares / np.sum(shares)


def wrong_mean_and_spread__plain_mean(gradients, chance):
    mean = gradients.mean(axis=0)
    return mean, np.sqrt(((gradients - mean) ** 2).sum(axis=1).mean())


def wrong_mean_and_spread__no_root(gradients, chance):
    mean = np.asarray(chance) @ gradients
    return mean, np.asarray(chance) @ ((gradients - mean) ** 2).sum(axis=1)


def wrong_mean_and_spread__mean_of_lengths(gradients, chance):
    mean = np.asarray(chance) @ gradients
    return mean, np.asarray(chance) @ np.linalg.norm(gradients - mean, axis=1)


def wrong_mean_and_spread__chances_not_in_the_spread(gradients, chance):
    mean = np.asarray(chance) @ gradients
    return mean, np.sqrt(((gradients - mean) ** 2).sum(axis=1).mean())


def wrong_mean_and_spread__mean_over_the_row(gradients, chance):
    mean = np.asarray(chance) @ gradients
    return mean, np.sqrt(np.asarray(chance) @ ((gradients - mean) ** 2).mean(axis=1))


def wrong_mean_and_spread__axis(gradients, chance):
    mean = np.asarray(chance) @ gradients
    return mean, np.sqrt(((gradients - mean) ** 2).sum(axis=0))


def wrong_mean_and_spread__in_place(gradients, chance):
    mean = np.asarray(chance) @ gradients
    gradients -= mean
    return mean, np.sqrt(np.asarray(chance) @ (gradients**2).sum(axis=1))


def right_mean_and_spread__by_a_loop(gradients, chance):
    mean = sum(p * row for p, row in zip(chance, gradients, strict=True))
    return mean, sum(
        p * ((g - mean) ** 2).sum() for p, g in zip(chance, gradients, strict=True)
    ) ** 0.5


def right_mean_and_spread__with_average(gradients, chance):
    mean = np.average(gradients, axis=0, weights=chance)
    return mean, np.sqrt(np.average((gradients - mean) ** 2, axis=0, weights=chance).sum())


def right_mean_and_spread__square_of_the_mean(gradients, chance):
    mean = np.asarray(chance) @ gradients
    squares = np.asarray(chance) @ (gradients**2).sum(axis=1)
    return list(mean), np.sqrt(max(squares - mean @ mean, 0.0))


def wrong_my_prediction__a_list():
    return ["a quarter", "a quarter", "the same", "a half"]


def wrong_my_prediction__numbers():
    return {"sgd weight": 0.25, "sgd chance": 0.25, "adam weight": 1.0, "adam chance": 0.5}


def wrong_my_prediction__one_is_missing():
    return {"sgd weight": "a quarter", "sgd chance": "a quarter", "adam weight": "a half"}


def wrong_my_prediction__other_words():
    return dict.fromkeys(["sgd weight", "sgd chance", "adam weight", "adam chance"], "half")


def right_my_prediction__a_wrong_guess():
    return dict.fromkeys(["sgd weight", "sgd chance", "adam weight", "adam chance"], "the same")


def wrong_draw_batches__a_task_for_each_sample(random, chance, rows_of, steps, size):
    tasks = random.choice(len(chance), steps * size, p=chance)
    return np.array([random.choice(rows_of[task]) for task in tasks]), tasks


def wrong_draw_batches__all_tasks_alike(random, chance, rows_of, steps, size):
    tasks = [random.choice(len(chance)) for _ in range(steps)]
    samples = [random.choice(rows_of[task], size) for task in tasks]
    return np.concatenate(samples), np.repeat(tasks, size)


def wrong_draw_batches__the_first_rows(random, chance, rows_of, steps, size):
    tasks = [random.choice(len(chance), p=chance) for _ in range(steps)]
    samples = [np.resize(rows_of[task], size) for task in tasks]
    return np.concatenate(samples), np.repeat(tasks, size)


def wrong_draw_batches__a_list_of_steps(random, chance, rows_of, steps, size):
    tasks = [random.choice(len(chance), p=chance) for _ in range(steps)]
    return [random.choice(rows_of[task], size) for task in tasks], tasks


def wrong_draw_batches__places_for_samples(random, chance, rows_of, steps, size):
    tasks = [random.choice(len(chance), p=chance) for _ in range(steps)]
    samples = [random.choice(len(rows_of[task]), size) for task in tasks]
    return np.concatenate(samples), np.repeat(tasks, size)


def wrong_draw_batches__one_step_too_few(random, chance, rows_of, steps, size):
    tasks = [random.choice(len(chance), p=chance) for _ in range(1, steps)]
    samples = [random.choice(rows_of[task], size) for task in tasks]
    return np.concatenate(samples), np.repeat(tasks, size)


def wrong_draw_batches__own_generator(random, chance, rows_of, steps, size):
    random = np.random.default_rng(0)
    tasks = [random.choice(len(chance), p=chance) for _ in range(steps)]
    samples = [random.choice(rows_of[task], size) for task in tasks]
    return np.concatenate(samples), np.repeat(tasks, size)


def right_draw_batches__all_tasks_first(random, chance, rows_of, steps, size):
    tasks = random.choice(len(chance), steps, p=chance)
    samples = np.array([random.choice(rows_of[task], size) for task in tasks])
    return samples.ravel(), np.repeat(tasks, size)


def right_draw_batches__lists(random, chance, rows_of, steps, size):
    samples, tasks = [], []
    for _ in range(steps):
        task = int(random.choice(len(chance), p=chance))
        for _ in range(size):
            samples.append(int(random.choice(rows_of[task])))
            tasks.append(task)
    return samples, tasks


def right_draw_batches__filled_in(random, chance, rows_of, steps, size):
    samples, tasks = np.zeros((steps, size), int), np.zeros((steps, size), int)
    for step in range(steps):
        tasks[step] = random.choice(len(chance), p=chance)
        samples[step] = random.choice(rows_of[tasks[step, 0]], size)
    return samples.reshape(-1), tasks.reshape(-1)
