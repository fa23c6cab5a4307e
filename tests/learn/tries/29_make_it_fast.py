"""What students write in lesson 29."""

# ruff: noqa: F821 (the names of the lesson are there when these run)


def wrong_cost__mean(job, clock=time.process_time):
    kept, calls = [], 1
    while len(kept) < 3:
        start = clock()
        for _ in range(calls):
            job()
        spent = clock() - start
        if spent < 0.05:
            calls *= 2
        else:
            kept.append(spent / calls)
    return sum(kept) / 3


def wrong_cost__of_all_calls(job, clock=time.process_time):
    kept, calls = [], 1
    while len(kept) < 3:
        start = clock()
        for _ in range(calls):
            job()
        spent = clock() - start
        if spent < 0.05:
            calls *= 2
        else:
            kept.append(spent)
    return sorted(kept)[1]


def wrong_cost__smallest(job, clock=time.process_time):
    kept, calls = [], 1
    while len(kept) < 3:
        start = clock()
        for _ in range(calls):
            job()
        spent = clock() - start
        if spent < 0.05:
            calls *= 2
        else:
            kept.append(spent / calls)
    return min(kept)


def wrong_cost__not_sorted(job, clock=time.process_time):
    kept, calls = [], 1
    while len(kept) < 3:
        start = clock()
        for _ in range(calls):
            job()
        spent = clock() - start
        if spent < 0.05:
            calls *= 2
        else:
            kept.append(spent / calls)
    return kept[1]


def wrong_cost__calls_do_not_grow(job, clock=time.process_time):
    kept = []
    while len(kept) < 3:
        start = clock()
        job()
        spent = clock() - start
        if spent >= 0.05:
            kept.append(spent)
    return sorted(kept)[1]


def wrong_cost__short_ones_count(job, clock=time.process_time):
    kept = []
    for _ in range(3):
        start = clock()
        job()
        kept.append(clock() - start)
    return sorted(kept)[1]


def wrong_cost__own_clock(job, clock=time.process_time):
    kept = []
    for _ in range(3):
        start = time.process_time()
        job()
        kept.append(time.process_time() - start)
    return sorted(kept)[1]


def wrong_cost__one_measurement(job, clock=time.process_time):
    calls = 1
    while True:
        start = clock()
        for _ in range(calls):
            job()
        spent = clock() - start
        if spent >= 0.05:
            return spent / calls
        calls *= 2


def right_cost__two_loops(job, clock=time.process_time):
    def measured(calls):
        start = clock()
        for _ in range(calls):
            job()
        return clock() - start

    calls, first = 1, measured(1)
    while first < 0.05:
        calls = 2 * calls
        first = measured(calls)
    return np.median([first, measured(calls), measured(calls)]) / calls


def right_cost__recursive(job, clock=time.process_time):
    def kept(calls):
        start = clock()
        for _ in range(calls):
            job()
        spent = clock() - start
        return kept(2 * calls) if spent < 0.05 else (spent / calls, calls)

    first, calls = kept(1)
    second, calls = kept(calls)
    third, _ = kept(calls)
    return first + second + third - max(first, second, third) - min(first, second, third)


def wrong_floor_seconds__added(operations, moved, operations_per_second, bytes_per_second):
    return operations / operations_per_second + moved / bytes_per_second


def wrong_floor_seconds__smaller(operations, moved, operations_per_second, bytes_per_second):
    return min(operations / operations_per_second, moved / bytes_per_second)


def wrong_floor_seconds__turned(operations, moved, operations_per_second, bytes_per_second):
    return max(operations_per_second / operations, bytes_per_second / moved)


def wrong_floor_seconds__arithmetic_only(
    operations, moved, operations_per_second, bytes_per_second
):
    return operations / operations_per_second


def wrong_floor_seconds__times_four(operations, moved, operations_per_second, bytes_per_second):
    return max(operations / operations_per_second, 4 * moved / bytes_per_second)


def right_floor_seconds__numpy(operations, moved, operations_per_second, bytes_per_second):
    return np.maximum(operations / operations_per_second, moved / bytes_per_second)


def wrong_sigmoid_crossentropy__sign(label, logit):
    p = 0.5 * np.tanh(0.5 * logit) + 0.5
    value = np.maximum(logit, 0) + np.log1p(np.exp(-np.abs(logit))) - label * logit
    return value, (None, lambda g: g * (label - p))


def wrong_sigmoid_crossentropy__overflow(label, logit):
    p = 1 / (1 + np.exp(-logit))
    return np.log(1 + np.exp(logit)) - label * logit, (None, lambda g: g * (p - label))


def wrong_sigmoid_crossentropy__one_pullback(label, logit):
    p = 0.5 * np.tanh(0.5 * logit) + 0.5
    value = np.maximum(logit, 0) + np.log1p(np.exp(-np.abs(logit))) - label * logit
    return value, (lambda g: g * (p - label),)


def wrong_sigmoid_crossentropy__without_g(label, logit):
    p = 0.5 * np.tanh(0.5 * logit) + 0.5
    value = np.maximum(logit, 0) + np.log1p(np.exp(-np.abs(logit))) - label * logit
    return value, (None, lambda g: p - label)


def wrong_sigmoid_crossentropy__mean(label, logit):
    p = 0.5 * np.tanh(0.5 * logit) + 0.5
    value = np.maximum(logit, 0) + np.log1p(np.exp(-np.abs(logit))) - label * logit
    return value.mean(), (None, lambda g: g * (p - label) / label.size)


def wrong_sigmoid_crossentropy__softplus_only(label, logit):
    p = 0.5 * np.tanh(0.5 * logit) + 0.5
    value = np.maximum(logit, 0) + np.log1p(np.exp(-np.abs(logit)))
    return value, (None, lambda g: g * p)


def wrong_sigmoid_crossentropy__slope_of_the_sigmoid(label, logit):
    p = 0.5 * np.tanh(0.5 * logit) + 0.5
    value = np.maximum(logit, 0) + np.log1p(np.exp(-np.abs(logit))) - label * logit
    return value, (None, lambda g: g * (p - label) * p * (1 - p))


def wrong_sigmoid_crossentropy__in_place(label, logit):
    p = 0.5 * np.tanh(0.5 * logit) + 0.5
    value = np.maximum(logit, 0) + np.log1p(np.exp(-np.abs(logit))) - label * logit

    def pull(g):
        g *= p - label
        return g

    return value, (None, pull)


def right_sigmoid_crossentropy__logaddexp(label, logit):
    p = (np.tanh(logit / 2) + 1) / 2
    return np.logaddexp(0, logit) - logit * label, (None, lambda g: (p - label) * g)


def wrong_whole_gain__time_after(share, factor):
    return (1 - share) + share / factor


def wrong_whole_gain__only_the_part(share, factor):
    return 1 / (share / factor) if share else 1.0


def wrong_whole_gain__times_the_share(share, factor):
    return 1 + share * (factor - 1)


def wrong_whole_gain__share_times_factor(share, factor):
    return 1 / ((1 - share) + share * factor)


def right_whole_gain__one_fraction(share, factor):
    return factor / (factor - factor * share + share)
