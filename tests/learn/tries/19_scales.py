"""What students write in lesson 19."""

# ruff: noqa: F821 (the names of the lesson are there when these run)


def wrong_shares__squares(gram, weights):
    pulls = np.array(weights) * np.diag(gram)
    return pulls / pulls.sum()


def wrong_shares__without_weights(gram, weights):
    pulls = np.sqrt(np.diag(gram))
    return pulls / pulls.sum()


def wrong_shares__not_divided(gram, weights):
    return np.array(weights) * np.sqrt(np.diag(gram))


def wrong_shares__weights_under_the_root(gram, weights):
    pulls = np.sqrt(np.array(weights) * np.diag(gram))
    return pulls / pulls.sum()


def wrong_shares__row_sums(gram, weights):
    pulls = np.array(weights) * np.sqrt(gram.sum(axis=1))
    return pulls / pulls.sum()


def wrong_shares__divided_by_the_length_of_the_sum(gram, weights):
    w = np.array(weights)
    return w * np.sqrt(np.diag(gram)) / np.sqrt(w @ gram @ w)


def right_shares__a_list(gram, weights):
    pulls = [weight * gram[k, k] ** 0.5 for k, weight in enumerate(weights)]
    return [pull / sum(pulls) for pull in pulls]


def right_shares__matrix(gram, weights):
    pulls = np.sqrt(np.diag(np.diag(weights) @ gram @ np.diag(weights)))
    return pulls / np.sum(pulls)


def wrong_equal_pull__squares(gram):
    return 1 / np.diag(gram)


def wrong_equal_pull__lengths(gram):
    return list(np.sqrt(np.diag(gram)))


def wrong_equal_pull__sum_one(gram):
    weights = 1 / np.sqrt(np.diag(gram))
    return list(weights / weights.sum())


def wrong_equal_pull__all_alike(gram):
    return [1 / len(gram)] * len(gram)


def wrong_equal_pull__a_matrix(gram):
    return 1 / np.sqrt(np.abs(gram) + 1e-9)


def right_equal_pull__an_array(gram):
    return np.diag(gram) ** -0.5


def wrong_scaled__mean_of_all(ages, known_ages):
    return (ages - ages.mean()) / ages.std()


def wrong_scaled__std_of_all(ages, known_ages):
    return (ages - known_ages.mean()) / ages.std()


def wrong_scaled__variance(ages, known_ages):
    return (ages - known_ages.mean()) / known_ages.var()


def wrong_scaled__only_divided(ages, known_ages):
    return ages / known_ages.std()


def wrong_scaled__zero_to_one(ages, known_ages):
    return (ages - known_ages.min()) / (known_ages.max() - known_ages.min())


def wrong_scaled__known_ones_only(ages, known_ages):
    return (known_ages - known_ages.mean()) / known_ages.std()


def right_scaled__by_hand(ages, known_ages):
    mean = np.sum(known_ages) / len(known_ages)
    return (ages - mean) / np.sqrt(np.mean((known_ages - mean) ** 2))


def wrong_epoch_to_stop__against_the_first(losses, min_delta):
    for epoch, loss in enumerate(losses):
        if epoch and loss > losses[0] - min_delta:
            return epoch
    return None


def wrong_epoch_to_stop__from_one(losses, min_delta):
    for epoch in range(1, len(losses)):
        if losses[epoch] >= losses[epoch - 1] - min_delta:
            return epoch + 1
    return None


def wrong_epoch_to_stop__first_epoch_counts(losses, min_delta):
    best = 0.0
    for epoch, loss in enumerate(losses):
        if loss >= best - min_delta:
            return epoch
        best = loss
    return None


def wrong_epoch_to_stop__the_last(losses, min_delta):
    found = None
    for epoch in range(1, len(losses)):
        if losses[epoch] >= losses[epoch - 1] - min_delta:
            found = epoch
    return found


def wrong_epoch_to_stop__rising_only(losses, min_delta):
    for epoch in range(1, len(losses)):
        if losses[epoch] > losses[epoch - 1]:
            return epoch
    return None


def wrong_epoch_to_stop__length_for_none(losses, min_delta):
    for epoch in range(1, len(losses)):
        if losses[epoch] >= losses[epoch - 1] - min_delta:
            return epoch
    return len(losses)


def wrong_epoch_to_stop__minus_forgotten(losses, min_delta):
    for epoch in range(1, len(losses)):
        if losses[epoch] >= losses[epoch - 1] + min_delta:
            return epoch
    return None


def right_epoch_to_stop__pairs(losses, min_delta):
    for epoch, (before, after) in enumerate(zip(losses[:-1], losses[1:], strict=True), 1):
        if not after < before - min_delta:
            return epoch
    return None


def right_epoch_to_stop__next(losses, min_delta):
    gains = (losses[k - 1] - losses[k] for k in range(1, len(losses)))
    return next((k for k, gain in enumerate(gains, 1) if gain <= min_delta), None)


def right_scaled__the_spread_of_lesson_12(ages, known_ages):
    return (ages - np.mean(known_ages)) / np.std(known_ages, ddof=1)
