"""What students write in lesson 12."""
# ruff: noqa: F821


def wrong_my_prediction__a_number():
    return 5


def wrong_my_prediction__other_words():
    return "more than five"


def wrong_my_prediction__a_list():
    return ["1 to 5"]


def wrong_my_prediction__a_dict():
    return {"points": "1 to 5"}


def wrong_my_prediction__nothing():
    "less than 1"


def right_my_prediction__a_wrong_guess():
    return "less than 1"


def wrong_mean_and_spread__divided_by_n(scores):
    if len(scores) == 1:
        return scores[0], None
    return np.mean(scores), np.std(scores)


def wrong_mean_and_spread__of_one_is_zero(scores):
    n = len(scores)
    mean = sum(scores) / n
    return mean, (sum((s - mean) ** 2 for s in scores) / max(n - 1, 1)) ** 0.5


def wrong_mean_and_spread__of_one_is_nan(scores):
    return np.mean(scores), np.std(scores, ddof=1) if len(scores) > 1 else float("nan")


def wrong_mean_and_spread__variance(scores):
    return np.mean(scores), np.var(scores, ddof=1) if len(scores) > 1 else None


def wrong_mean_and_spread__median(scores):
    return np.median(scores), np.std(scores, ddof=1) if len(scores) > 1 else None


def wrong_mean_and_spread__range(scores):
    return np.mean(scores), max(scores) - min(scores) if len(scores) > 1 else None


def wrong_mean_and_spread__error_of_the_mean(scores):
    n = len(scores)
    return np.mean(scores), np.std(scores, ddof=1) / np.sqrt(n) if n > 1 else None


def right_mean_and_spread__by_hand(scores):
    n, mean = len(scores), sum(scores) / len(scores)
    if n < 2:
        return [mean, None]
    return [mean, (sum((s - mean) ** 2 for s in scores) / (n - 1)) ** 0.5]


def wrong_half_width__no_root_of_n(scores):
    return None if len(scores) == 1 else t(len(scores)) * np.std(scores, ddof=1)


def wrong_half_width__always_two(scores):
    n = len(scores)
    return None if n == 1 else 2 * np.std(scores, ddof=1) / np.sqrt(n)


def wrong_half_width__t_of_one_less(scores):
    n = len(scores)
    return None if n == 1 else t(n - 1) * np.std(scores, ddof=1) / np.sqrt(n)


def wrong_half_width__divided_by_n(scores):
    n = len(scores)
    return None if n == 1 else t(n) * np.std(scores) / np.sqrt(n)


def wrong_half_width__whole_interval(scores):
    n = len(scores)
    return None if n == 1 else 2 * t(n) * np.std(scores, ddof=1) / np.sqrt(n)


def wrong_half_width__root_of_n_less_one(scores):
    n = len(scores)
    return None if n == 1 else t(n) * np.std(scores, ddof=1) / np.sqrt(n - 1)


def wrong_half_width__one_score_forgotten(scores):
    n = len(scores)
    return t(n) * np.std(scores, ddof=1) / np.sqrt(n)


def right_half_width__with_the_other_hole(scores):
    _, spread = mean_and_spread(scores)
    if spread is None:
        return None
    return spread * t(len(scores)) * len(scores) ** -0.5


def right_half_width__none_at_the_end(scores):
    half = t(max(2, len(scores))) * np.std(scores, ddof=1) / np.sqrt(len(scores))
    return half if len(scores) > 1 else None


def wrong_compare__not_paired(new, old):
    middle = np.mean(new) - np.mean(old)
    if len(new) == 1:
        return middle, None, "one seed"
    half = t(len(new)) * np.sqrt((np.var(new, ddof=1) + np.var(old, ddof=1)) / len(new))
    word = "not seen" if abs(middle) <= half else "higher" if middle > 0 else "lower"
    return middle, half, word


def wrong_compare__old_minus_new(new, old):
    pairs = np.subtract(old, new)
    middle, half = pairs.mean(), half_width(pairs)
    if half is None:
        return middle, None, "one seed"
    return middle, half, "not seen" if abs(middle) <= half else "higher" if middle > 0 else "lower"


def wrong_compare__sign_forgotten(new, old):
    pairs = np.subtract(new, old)
    middle, half = pairs.mean(), half_width(pairs)
    if half is None:
        return middle, None, "one seed"
    return middle, half, "higher" if middle > half else "lower" if middle < half else "not seen"


def wrong_compare__only_the_sign(new, old):
    pairs = np.subtract(new, old)
    middle, half = pairs.mean(), half_width(pairs)
    if half is None:
        return middle, None, "one seed"
    return middle, half, "higher" if middle > 0 else "lower"


def wrong_compare__one_seed_crashes(new, old):
    pairs = np.subtract(new, old)
    middle, half = pairs.mean(), half_width(pairs)
    word = "not seen" if abs(middle) <= half else "higher" if middle > 0 else "lower"
    return middle, half, word


def wrong_compare__within_the_spread(new, old):
    pairs = np.subtract(new, old)
    middle = pairs.mean()
    if len(pairs) == 1:
        return middle, None, "one seed"
    half = pairs.std(ddof=1)
    return middle, half, "not seen" if abs(middle) <= half else "higher" if middle > 0 else "lower"


def wrong_compare__word_only(new, old):
    pairs = np.subtract(new, old)
    middle, half = pairs.mean(), half_width(pairs)
    if half is None:
        return "one seed"
    return "not seen" if abs(middle) <= half else "higher" if middle > 0 else "lower"


def right_compare__by_the_ends(new, old):
    pairs = [a - b for a, b in zip(new, old, strict=True)]
    middle = sum(pairs) / len(pairs)
    if len(pairs) == 1:
        return [middle, None, "one seed"]
    half = half_width(pairs)
    low, high = middle - half, middle + half
    return [middle, half, "higher" if low > 0 else "lower" if high < 0 else "not seen"]


def wrong_seeds_needed__one_too_many(spread, difference):
    n = 2
    while t(n) * spread / np.sqrt(n) >= difference:
        n += 1
    return n + 1


def wrong_seeds_needed__without_t(spread, difference):
    n = 2
    while spread / np.sqrt(n) >= difference:
        n += 1
    return n


def wrong_seeds_needed__formula_with_two(spread, difference):
    return max(2, int(np.ceil((2 * spread / difference) ** 2)))


def wrong_seeds_needed__only_the_table(spread, difference):
    for n in range(2, 21):
        if t(n) * spread / np.sqrt(n) < difference:
            return n


def wrong_seeds_needed__from_one(spread, difference):
    n = 1
    while t(max(n, 2)) * spread / np.sqrt(n) >= difference:
        n += 1
    return n


def wrong_seeds_needed__root_forgotten(spread, difference):
    n = 2
    while t(n) * spread / n >= difference:
        n += 1
    return n


def right_seeds_needed__next(spread, difference):
    return next(n for n in range(2, 10**9) if t(n) * spread < difference * np.sqrt(n))


def wrong_compare__with_1_96(new, old):
    pairs = np.subtract(new, old)
    if len(pairs) == 1:
        return pairs.mean(), None, "one seed"
    middle, half = pairs.mean(), 1.96 * pairs.std(ddof=1) / np.sqrt(len(pairs))
    return middle, half, "not seen" if abs(middle) <= half else "higher" if middle > 0 else "lower"
