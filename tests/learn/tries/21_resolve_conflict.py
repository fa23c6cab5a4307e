"""What students write in lesson 21."""

import numpy as np


def wrong_pcgrad__always_taken_away(g1, g2):
    ab = g1 @ g2
    return g1 - ab / (g2 @ g2) * g2 + g2 - ab / (g1 @ g1) * g1


def wrong_pcgrad__one_alone(g1, g2):
    if g1 @ g2 >= 0:
        return g1 + g2
    return g1 - (g1 @ g2) / (g2 @ g2) * g2


def wrong_pcgrad__own_length(g1, g2):
    if g1 @ g2 >= 0:
        return g1 + g2
    return g1 - (g1 @ g2) / (g1 @ g1) * g2 + g2 - (g1 @ g2) / (g2 @ g2) * g1


def wrong_pcgrad__length_not_squared(g1, g2):
    if g1 @ g2 >= 0:
        return g1 + g2
    a, b = np.linalg.norm(g1), np.linalg.norm(g2)
    return g1 - (g1 @ g2) / b * g2 + g2 - (g1 @ g2) / a * g1


def wrong_pcgrad__against_the_new_one(g1, g2):
    if g1 @ g2 >= 0:
        return g1 + g2
    first = g1 - (g1 @ g2) / (g2 @ g2) * g2
    return first + g2 - (first @ g2) / (first @ first) * first


def wrong_pcgrad__sign(g1, g2):
    if g1 @ g2 >= 0:
        return g1 + g2
    return g1 + (g1 @ g2) / (g2 @ g2) * g2 + g2 + (g1 @ g2) / (g1 @ g1) * g1


def wrong_pcgrad__writes_into_them(g1, g2):
    ab = g1 @ g2
    if ab < 0:
        a, b = g1 @ g1, g2 @ g2
        old = g1.copy()
        g1 -= ab / b * g2
        g2 -= ab / a * old
    return g1 + g2


def wrong_pcgrad__divides_by_zero(g1, g2):
    p = min(g1 @ g2 / (g2 @ g2), 0)
    q = min(g1 @ g2 / (g1 @ g1), 0)
    return g1 - p * g2 + g2 - q * g1


def wrong_pcgrad__mean(g1, g2):
    if g1 @ g2 >= 0:
        return (g1 + g2) / 2
    return (g1 - (g1 @ g2) / (g2 @ g2) * g2 + g2 - (g1 @ g2) / (g1 @ g1) * g1) / 2


def right_pcgrad__by_weights(g1, g2):
    ab = g1 @ g2
    w1, w2 = (1 - ab / (g1 @ g1), 1 - ab / (g2 @ g2)) if ab < 0 else (1, 1)
    return w1 * g1 + w2 * g2


def right_pcgrad__a_helper_and_a_list(g1, g2):
    def without(g, other):
        along = np.dot(g, other)
        return g if along >= 0 else g - along / np.dot(other, other) * other

    return list(without(g1, g2) + without(g2, g1))


def wrong_mgda__not_between(g1, g2):
    d = (g1 - g2) @ (g1 - g2)
    x = (g2 @ g2 - g1 @ g2) / d if d else 0.5
    return x * g1 + (1 - x) * g2


def wrong_mgda__x_turned(g1, g2):
    d = (g1 - g2) @ (g1 - g2)
    x = (g2 @ g2 - g1 @ g2) / d if d else 0.5
    x = min(max(x, 0), 1)
    return (1 - x) * g1 + x * g2


def wrong_mgda__equal_arrows_forgotten(g1, g2):
    x = (g2 @ g2 - g1 @ g2) / ((g1 - g2) @ (g1 - g2))
    x = min(max(x, 0), 1)
    return x * g1 + (1 - x) * g2


def wrong_mgda__the_shorter_one(g1, g2):
    return g1 if g1 @ g1 < g2 @ g2 else g2


def wrong_mgda__the_mean(g1, g2):
    return (g1 + g2) / 2


def wrong_mgda__plus_below_the_line(g1, g2):
    d = g1 @ g1 + g2 @ g2 + 2 * (g1 @ g2)
    x = (g2 @ g2 - g1 @ g2) / d if d else 0.5
    x = min(max(x, 0), 1)
    return x * g1 + (1 - x) * g2


def wrong_mgda__x_alone(g1, g2):
    d = (g1 - g2) @ (g1 - g2)
    x = (g2 @ g2 - g1 @ g2) / d if d else 0.5
    return min(max(x, 0.0), 1.0)


def wrong_mgda__zero_for_equal_arrows(g1, g2):
    d = (g1 - g2) @ (g1 - g2)
    if d == 0:
        return np.zeros_like(g1)
    x = np.clip((g2 @ g2 - g1 @ g2) / d, 0, 1)
    return x * g1 + (1 - x) * g2


def right_mgda__clip(g1, g2):
    d = g2 - g1
    if not d.any():
        return 1.0 * g2
    return g1 + np.clip(-(g1 @ d) / (d @ d), 0, 1) * d


def right_mgda__a_search(g1, g2):
    low, high = 0.0, 1.0
    for _ in range(200):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        if np.linalg.norm(a * g1 + (1 - a) * g2) < np.linalg.norm(b * g1 + (1 - b) * g2):
            high = b
        else:
            low = a
    return low * g1 + (1 - low) * g2


def wrong_my_prediction__a_list():
    return ["one end", "several ends", "several ends"]


def wrong_my_prediction__numbers():
    return {"sum": 1, "pcgrad": 3, "mgda": 3}


def wrong_my_prediction__one_is_missing():
    return {"sum": "one end", "pcgrad": "several ends"}


def wrong_my_prediction__other_words():
    return {"sum": "one", "pcgrad": "several", "mgda": "several"}


def right_my_prediction__all_one():
    return dict.fromkeys(("mgda", "pcgrad", "sum"), "one end")


def wrong_pcgrad_many__new_rows(rows, orders):
    rows = rows.copy()
    for i, order in enumerate(orders):
        for j in order:
            if j != i and rows[i] @ rows[j] < 0:
                rows[i] -= (rows[i] @ rows[j]) / (rows[j] @ rows[j]) * rows[j]
    return rows.sum(axis=0)


def wrong_pcgrad_many__in_place(rows, orders):
    old = rows.copy()
    for i, order in enumerate(orders):
        for j in order:
            if j != i and rows[i] @ old[j] < 0:
                rows[i] -= (rows[i] @ old[j]) / (old[j] @ old[j]) * old[j]
    return rows.sum(axis=0)


def wrong_pcgrad_many__old_part(rows, orders):
    total = np.zeros(rows.shape[1])
    for i, order in enumerate(orders):
        part = rows[i].copy()
        for j in order:
            if j != i and rows[i] @ rows[j] < 0:
                part -= (rows[i] @ rows[j]) / (rows[j] @ rows[j]) * rows[j]
        total += part
    return total


def wrong_pcgrad_many__order_ignored(rows, orders):
    total = np.zeros(rows.shape[1])
    for i in range(len(rows)):
        part = rows[i].copy()
        for j in range(len(rows)):
            if j != i and part @ rows[j] < 0:
                part -= (part @ rows[j]) / (rows[j] @ rows[j]) * rows[j]
        total += part
    return total


def wrong_pcgrad_many__no_if(rows, orders):
    total = np.zeros(rows.shape[1])
    for i, order in enumerate(orders):
        part = rows[i].copy()
        for j in order:
            if j != i:
                part -= (part @ rows[j]) / (rows[j] @ rows[j]) * rows[j]
        total += part
    return total


def wrong_pcgrad_many__all_parts_as_a_table(rows, orders):
    parts = rows.copy()
    for i, order in enumerate(orders):
        for j in order:
            along = parts[i] @ rows[j]
            if j != i and along < 0:
                parts[i] -= along / (rows[j] @ rows[j]) * rows[j]
    return parts


def wrong_pcgrad_many__places_for_numbers(rows, orders):
    total = np.zeros(rows.shape[1])
    for i, order in enumerate(orders):
        part = rows[i].copy()
        for j, _ in enumerate(order):
            along = part @ rows[j]
            if j != i and along < 0:
                part -= along / (rows[j] @ rows[j]) * rows[j]
        total += part
    return total


def right_pcgrad_many__a_list(rows, orders):
    parts = []
    for i, order in enumerate(orders):
        part = list(rows[i])
        for j in order:
            along = sum(a * b for a, b in zip(part, rows[j], strict=True))
            if along < 0:  # with itself it never is
                size = sum(b * b for b in rows[j])
                part = [a - along / size * b for a, b in zip(part, rows[j], strict=True)]
        parts.append(part)
    return [sum(column) for column in zip(*parts, strict=True)]
