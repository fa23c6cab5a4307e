"""What students write in lesson 10."""
# ruff: noqa: F821


def wrong_momentum__sign(g, v=0.0, rate=0.1, beta=0.9):
    v = beta * v + rate * g
    return v, v


def wrong_momentum__only_the_move(g, v=0.0, rate=0.1, beta=0.9):
    return beta * v - rate * g


def wrong_momentum__fixed_beta(g, v=0.0, rate=0.1, beta=0.9):
    v = 0.9 * v - rate * g
    return v, v


def wrong_momentum__in_place(g, v=0.0, rate=0.1, beta=0.9):
    v *= beta
    v -= rate * g
    return v, v


def wrong_momentum__old_velocity_remembered(g, v=0.0, rate=0.1, beta=0.9):
    return beta * v - rate * g, v


def wrong_momentum__a_mean(g, v=0.0, rate=0.1, beta=0.9):
    v = beta * v + (1 - beta) * g
    return -rate * v, v


def wrong_momentum__rate_on_all(g, v=0.0, rate=0.1, beta=0.9):
    v = rate * (beta * v - g)
    return v, v


def right_momentum__a_list(g, v=0.0, rate=0.1, beta=0.9):
    new = -(rate * g - beta * v)
    return [new, new.copy()]


def wrong_rmsprop__no_square(g, s=0.0, rate=0.1):
    s = 0.9 * s + 0.1 * np.abs(g)
    return -rate * g / (s + 1e-7), s


def wrong_rmsprop__no_root(g, s=0.0, rate=0.1):
    s = 0.9 * s + 0.1 * g**2
    return -rate * g / (s + 1e-7), s


def wrong_rmsprop__old_s(g, s=0.0, rate=0.1):
    return -rate * g / np.sqrt(s + 1e-7), 0.9 * s + 0.1 * g**2


def wrong_rmsprop__no_tiny_number(g, s=0.0, rate=0.1):
    s = 0.9 * s + 0.1 * g**2
    return -rate * g / np.sqrt(s), s


def wrong_rmsprop__tiny_number_outside(g, s=0.0, rate=0.1):
    s = 0.9 * s + 0.1 * g**2
    return -rate * g / (np.sqrt(s) + 1e-7), s


def wrong_rmsprop__shares_swapped(g, s=0.0, rate=0.1):
    s = 0.1 * s + 0.9 * g**2
    return -rate * g / np.sqrt(s + 1e-7), s


def wrong_rmsprop__one_size_for_all(g, s=0.0, rate=0.1):
    s = 0.9 * s + 0.1 * np.mean(g**2)
    return -rate * g / np.sqrt(s + 1e-7), s


def wrong_rmsprop__uphill(g, s=0.0, rate=0.1):
    s = 0.9 * s + 0.1 * g**2
    return rate * g / np.sqrt(s + 1e-7), s


def wrong_rmsprop__in_place(g, s=0.0, rate=0.1):
    s *= 0.9
    s += 0.1 * g**2
    return -rate * g / np.sqrt(s + 1e-7), s


def right_rmsprop__as_a_difference(g, s=0.0, rate=0.1):
    s = s + 0.1 * (np.square(g) - s)
    return -(g * rate) * (s + 1e-7) ** -0.5, s


def wrong_adam__start_forgotten(g, m=0.0, s=0.0, t=0, rate=0.1, epsilon=1e-7):
    m = 0.9 * m + 0.1 * g
    s = 0.999 * s + 0.001 * g**2
    return -rate * m / (np.sqrt(s) + epsilon), m, s, t + 1


def wrong_adam__t_from_0(g, m=0.0, s=0.0, t=0, rate=0.1, epsilon=1e-7):
    m = 0.9 * m + 0.1 * g
    s = 0.999 * s + 0.001 * g**2
    start = np.sqrt(1 - 0.999**t) / np.float64(1 - 0.9**t)
    return -rate * start * m / (np.sqrt(s) + epsilon), m, s, t + 1


def wrong_adam__t_not_remembered(g, m=0.0, s=0.0, t=0, rate=0.1, epsilon=1e-7):
    m = 0.9 * m + 0.1 * g
    s = 0.999 * s + 0.001 * g**2
    start = np.sqrt(1 - 0.999 ** (t + 1)) / (1 - 0.9 ** (t + 1))
    return -rate * start * m / (np.sqrt(s) + epsilon), m, s, t


def wrong_adam__t_missing(g, m=0.0, s=0.0, t=0, rate=0.1, epsilon=1e-7):
    t = t + 1
    m = 0.9 * m + 0.1 * g
    s = 0.999 * s + 0.001 * g**2
    start = np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return -rate * start * m / (np.sqrt(s) + epsilon), m, s


def wrong_adam__g_for_m(g, m=0.0, s=0.0, t=0, rate=0.1, epsilon=1e-7):
    t = t + 1
    m = 0.9 * m + 0.1 * g
    s = 0.999 * s + 0.001 * g**2
    return -rate * np.sqrt(1 - 0.999**t) * g / (np.sqrt(s) + epsilon), m, s, t


def wrong_adam__epsilon_in_the_root(g, m=0.0, s=0.0, t=0, rate=0.1, epsilon=1e-7):
    t = t + 1
    m = 0.9 * m + 0.1 * g
    s = 0.999 * s + 0.001 * g**2
    start = np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return -rate * start * m / np.sqrt(s + epsilon), m, s, t


def wrong_adam__epsilon_fixed(g, m=0.0, s=0.0, t=0, rate=0.1, epsilon=1e-7):
    t = t + 1
    m = 0.9 * m + 0.1 * g
    s = 0.999 * s + 0.001 * g**2
    start = np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return -rate * start * m / (np.sqrt(s) + 1e-7), m, s, t


def wrong_adam__root_forgotten(g, m=0.0, s=0.0, t=0, rate=0.1, epsilon=1e-7):
    t = t + 1
    m = 0.9 * m + 0.1 * g
    s = 0.999 * s + 0.001 * g**2
    start = (1 - 0.999**t) / (1 - 0.9**t)
    return -rate * start * m / (np.sqrt(s) + epsilon), m, s, t


def wrong_adam__returned_in_another_order(g, m=0.0, s=0.0, t=0, rate=0.1, epsilon=1e-7):
    t = t + 1
    m = 0.9 * m + 0.1 * g
    s = 0.999 * s + 0.001 * g**2
    start = np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return -rate * start * m / (np.sqrt(s) + epsilon), t, m, s


def right_adam__step_by_step(g, m=0.0, s=0.0, t=0, rate=0.1, epsilon=1e-7):
    m = m + 0.1 * (g - m)
    s = s + 0.001 * (g * g - s)
    t += 1
    below = (1 - 0.9**t) * (s**0.5 + epsilon)
    return [-rate * (1 - 0.999**t) ** 0.5 * m / below, m, s, t]


def wrong_my_prediction__bools():
    return {"sgd": False, "momentum": True, "rmsprop": False, "adam": True}


def wrong_my_prediction__adam_missing():
    return {"sgd": "stands still", "momentum": "goes on", "rmsprop": "goes on"}


def wrong_my_prediction__a_set():
    return {"momentum", "adam"}


def wrong_my_prediction__other_words():
    return {"sgd": "stops", "momentum": "goes on", "rmsprop": "stops", "adam": "goes on"}


def right_my_prediction__a_wrong_guess():
    return dict.fromkeys(["adam", "rmsprop", "momentum", "sgd"], "stands still")


def wrong_clip_together__each_alone(gradients, limit):
    lengths = [np.linalg.norm(g) for g in gradients]
    return [g * min(1.0, limit / max(n, 1e-12)) for g, n in zip(gradients, lengths, strict=True)]


def wrong_clip_together__always(gradients, limit):
    length = np.sqrt(sum((g**2).sum() for g in gradients))
    return [limit / length * g for g in gradients]


def wrong_clip_together__sum_of_lengths(gradients, limit):
    length = sum(np.linalg.norm(g) for g in gradients)
    return [g * limit / length if length > limit else g for g in gradients]


def wrong_clip_together__each_number(gradients, limit):
    return [np.clip(g, -limit, limit) for g in gradients]


def wrong_clip_together__root_forgotten(gradients, limit):
    length = sum((g**2).sum() for g in gradients)
    return [g * limit / length if length > limit else g for g in gradients]


def wrong_clip_together__in_place(gradients, limit):
    length = np.sqrt(sum((g**2).sum() for g in gradients))
    for g in gradients:
        if length > limit:
            g *= limit / length
    return gradients


def wrong_clip_together__one_long_array(gradients, limit):
    g = np.concatenate([g.ravel() for g in gradients])
    return g * min(1.0, limit / max(np.linalg.norm(g), 1e-12))


def right_clip_together__min(gradients, limit):
    length = np.linalg.norm(np.concatenate([np.ravel(g) for g in gradients]))
    factor = min(1.0, limit / length) if length else 1.0
    return tuple(g * factor for g in gradients)


def right_clip_together__max_below_the_line(gradients, limit):
    length = sum(float(np.vdot(g, g)) for g in gradients) ** 0.5
    return [limit * g / max(limit, length) for g in gradients]


def wrong_adam__epsilon_as_in_the_paper(g, m=0.0, s=0.0, t=0, rate=0.1, epsilon=1e-7):
    t, m, s = t + 1, 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
    mean, size = m / (1 - 0.9**t), s / (1 - 0.999**t)
    return -rate * mean / (np.sqrt(size) + epsilon), m, s, t
