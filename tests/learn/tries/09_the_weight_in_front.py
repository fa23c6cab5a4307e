"""What students write in lesson 9."""


def wrong_my_prediction__a_list():
    return ["neither", "neither", "same", "same", "ten times"]


def wrong_my_prediction__a_layer_is_missing():
    return {"embedding": "neither", "lstm": "neither", "dense_1": "same", "main_output": "same"}


def wrong_my_prediction__numbers():
    return {"embedding": 1, "lstm": 1, "dense_1": 1, "main_output": 1, "aux_output": 10}


def wrong_my_prediction__another_word():
    return dict.fromkeys(("embedding", "lstm", "dense_1", "main_output", "aux_output"), "10 times")


def wrong_my_prediction__the_dots_are_still_there():
    return {"embedding": ..., "lstm": ..., "dense_1": ..., "main_output": ..., "aux_output": ...}


def right_my_prediction__a_wrong_guess():
    return dict.fromkeys(("embedding", "lstm", "dense_1", "main_output", "aux_output"), "ten times")


def wrong_who_trains__one_walk(arrows, losses):
    found = {loss: {loss} for loss in losses}
    for box, follower in arrows:
        found[box] = found.get(box, set()) | found.get(follower, set())
    return found


def wrong_who_trains__one_walk_backwards(arrows, losses):
    found = {loss: {loss} for loss in losses}
    for box, follower in reversed(arrows):
        found[box] = found.get(box, set()) | found.get(follower, set())
    return found


def wrong_who_trains__along_the_arrows(arrows, losses):
    found = {loss: {loss} for loss in losses}
    for _ in arrows:
        for box, follower in arrows:
            found[follower] = found.get(box, set()) | found.get(follower, set())
    return found


def wrong_who_trains__last_follower_only(arrows, losses):
    found = {loss: {loss} for loss in losses}
    for _ in arrows:
        for box, follower in arrows:
            if follower in found:
                found[box] = set(found[follower])
    return found


def wrong_who_trains__one_step_only(arrows, losses):
    found = {}
    for box, follower in arrows:
        if follower in losses:
            found.setdefault(box, set()).add(follower)
    return found


def wrong_who_trains__first_way_only(arrows, losses):
    follower, found = dict(arrows), {}
    for box in list(follower):
        at = box
        while at in follower:
            at = follower[at]
        found[box] = {at} if at in losses else set()
    return found


def wrong_who_trains__boxes_not_losses(arrows, losses):
    found = {}
    for _ in arrows:
        for box, follower in arrows:
            found[box] = found.get(box, set()) | {follower} | found.get(follower, set())
    return found


def wrong_who_trains__the_same_set_for_all(arrows, losses):
    found = dict.fromkeys([box for arrow in arrows for box in arrow], set())
    for _ in arrows:
        for box, follower in arrows:
            if follower in losses:
                found[box].add(follower)
    return found


def wrong_who_trains__no_return(arrows, losses):
    found = {loss: {loss} for loss in losses}
    for _ in arrows:
        for box, follower in arrows:
            found[box] = found.get(box, set()) | found.get(follower, set())


def wrong_who_trains__uses_up_the_arrows(arrows, losses):
    found = {loss: {loss} for loss in losses}
    while arrows:
        box, follower = arrows.pop()
        found[box] = found.get(box, set()) | found.get(follower, set())
    return found


def right_who_trains__as_often_as_there_are_arrows(arrows, losses):
    found = {loss: {loss} for loss in losses}
    for _ in arrows:
        for box, follower in arrows:
            found[box] = found.get(box, set()) | found.get(follower, set())
    return found


def right_who_trains__from_each_box(arrows, losses):
    def ends(box):
        found = {box} if box in losses else set()
        for first, second in arrows:
            if first == box:
                found = found | ends(second)
        return found

    return {box: ends(box) for arrow in arrows for box in arrow}


def right_who_trains__against_the_arrows(arrows, losses):
    found = {}
    for loss in losses:
        to_do = [loss]
        for box in to_do:
            found.setdefault(box, []).append(loss)
            for a, b in arrows:
                if b == box and a not in to_do:
                    to_do.append(a)
    return found


def wrong_total__no_weights(rows, weights):
    parts = [row for row in rows if row is not None]
    return sum(parts) if parts else None


def wrong_total__weights_of_the_wrong_rows(rows, weights):
    rows = [row for row in rows if row is not None]
    return sum(w * row for w, row in zip(weights, rows)) if rows else None


def wrong_total__none_is_zero(rows, weights):
    return sum(w * row for w, row in zip(weights, rows) if row is not None)


def wrong_total__none_if_one_is_missing(rows, weights):
    if any(row is None for row in rows):
        return None
    return sum(w * row for w, row in zip(weights, rows))


def wrong_total__none_if_the_sum_is_zero(rows, weights):
    parts = [w * row for w, row in zip(weights, rows) if row is not None]
    return sum(parts) if parts and np.any(sum(parts)) else None


def wrong_total__weight_zero_is_no_path(rows, weights):
    parts = [w * row for w, row in zip(weights, rows) if row is not None and w]
    return sum(parts) if parts else None


def wrong_total__a_mean(rows, weights):
    parts = [w * row for w, row in zip(weights, rows) if row is not None]
    return sum(parts) / len(parts) if parts else None


def wrong_total__one_number(rows, weights):
    parts = [np.sum(w * row) for w, row in zip(weights, rows) if row is not None]
    return sum(parts) if parts else None


def wrong_total__in_place(rows, weights):
    found = None
    for w, row in zip(weights, rows):
        if row is not None:
            row *= w
            found = row if found is None else found + row
    return found


def right_total__a_loop(rows, weights):
    found = None
    for k in range(len(rows)):
        if rows[k] is None:
            continue
        part = np.multiply(weights[k], rows[k])
        found = part if found is None else np.add(found, part)
    return found


def right_total__numpy(rows, weights):
    there = [k for k, row in enumerate(rows) if row is not None]
    if not there:
        return None
    return np.tensordot([weights[k] for k in there], np.stack([rows[k] for k in there]), axes=1)


def wrong_adam_first_step__parentheses(g, rate):
    return rate * g / np.abs(g) + 1e-7


def wrong_adam_first_step__no_tiny_number(g, rate):
    return rate * g / np.abs(g)


def wrong_adam_first_step__the_sign(g, rate):
    return rate * np.sign(g)


def wrong_adam_first_step__no_absolute_value(g, rate):
    return rate * g / (g + 1e-7)


def wrong_adam_first_step__length_of_the_array(g, rate):
    return rate * g / (np.linalg.norm(g) + 1e-7)


def wrong_adam_first_step__no_rate(g, rate):
    return g / (np.abs(g) + 1e-7)


def wrong_adam_first_step__in_place(g, rate):
    g /= np.abs(g) + 1e-7
    g *= rate
    return g


def wrong_adam_first_step__a_large_tiny_number(g, rate):
    return rate * g / (np.abs(g) + 1e-3)


def right_adam_first_step__number_by_number(g, rate):
    return np.array([rate * each / (abs(each) + 1e-7) for each in g])


def right_adam_first_step__from_the_formula_of_adam(g, rate):
    mean, size = 0.1 * g / (1 - 0.9), 0.001 * g**2 / (1 - 0.999)
    return rate * mean / (np.sqrt(size) + 1e-7)


def right_who_trains__names_at_first(arrows, losses):
    found = {name: set() for arrow in arrows for name in arrow}
    for loss in losses:
        found[loss].add(loss)
    for _ in range(len(arrows)):
        for before, after in arrows:
            found[before] |= found[after]
    return found


def wrong_who_trains__shares_one_set(arrows, losses):
    found = {loss: {loss} for loss in losses}
    for _ in range(len(arrows)):
        for before, after in arrows:
            if after in found:
                found[before] = found[after]
    return found


def wrong_total__truth_of_an_array(rows, weights):
    parts = [w * row for w, row in zip(weights, rows) if row]
    return sum(parts) if parts else None


def wrong_adam_first_step__minus(g, rate):
    return -rate * g / (np.abs(g) + 1e-7)
