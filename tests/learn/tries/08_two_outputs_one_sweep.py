"""What students write in lesson 8."""


def wrong_my_prediction__a_word():
    return "one"


def wrong_my_prediction__a_string():
    return "2"


def wrong_my_prediction__zero():
    return 0


def wrong_my_prediction__a_fraction():
    return 1.5


def wrong_my_prediction__yes():
    return True


def right_my_prediction__a_wrong_guess():
    return 2


def right_my_prediction__a_number_of_numpy():
    return np.int64(32)


def wrong_count_pulls__closures_in_a_loop(engine, plan, tape, seeds):
    counts, backs = {}, []
    for slot, back in enumerate(tape.backs):
        if back is None:
            backs.append(None)
            continue
        new = []
        for position, pull in enumerate(back):

            def counted(g):
                counts[slot, position] = counts.get((slot, position), 0) + 1
                return pull(g)

            new.append(counted)
        backs.append(new)
    engine.backward(plan, engine.Tape(tape.values, backs), seeds)
    return counts


def wrong_count_pulls__does_not_return(engine, plan, tape, seeds):
    counts = {}

    def spy(pull, key):
        def counted(g):
            counts[key] = counts.get(key, 0) + 1
            pull(g)

        return counted

    backs = [b and [spy(p, (s, k)) for k, p in enumerate(b)] for s, b in enumerate(tape.backs)]
    engine.backward(plan, engine.Tape(tape.values, backs), seeds)
    return counts


def wrong_count_pulls__one_for_each_edge(engine, plan, tape, seeds):
    return {(s, k): 1 for s, back in enumerate(tape.backs) for k, _ in enumerate(back or ())}


def wrong_count_pulls__counts_when_made(engine, plan, tape, seeds):
    counts = {}

    def spy(pull, key):
        counts[key] = counts.get(key, 0) + 1
        return pull

    backs = [b and [spy(p, (s, k)) for k, p in enumerate(b)] for s, b in enumerate(tape.backs)]
    engine.backward(plan, engine.Tape(tape.values, backs), seeds)
    return counts


def wrong_count_pulls__always_one(engine, plan, tape, seeds):
    counts = {}

    def spy(pull, key):
        def counted(g):
            counts[key] = 1
            return pull(g)

        return counted

    backs = [b and [spy(p, (s, k)) for k, p in enumerate(b)] for s, b in enumerate(tape.backs)]
    engine.backward(plan, engine.Tape(tape.values, backs), seeds)
    return counts


def wrong_count_pulls__slots_only(engine, plan, tape, seeds):
    counts = {}

    def spy(pull, key):
        def counted(g):
            counts[key] = counts.get(key, 0) + 1
            return pull(g)

        return counted

    backs = [b and [spy(p, s) for p in b] for s, b in enumerate(tape.backs)]
    engine.backward(plan, engine.Tape(tape.values, backs), seeds)
    return counts


def wrong_count_pulls__writes_into_the_tape(engine, plan, tape, seeds):
    counts = {}

    def spy(pull, key):
        def counted(g):
            counts[key] = counts.get(key, 0) + 1
            return pull(g)

        return counted

    for slot, back in enumerate(tape.backs):
        if back is not None:
            tape.backs[slot] = tuple(spy(pull, (slot, k)) for k, pull in enumerate(back))
    engine.backward(plan, tape, seeds)
    return counts


def wrong_count_pulls__fed_slots_left_out(engine, plan, tape, seeds):
    counts = {}

    def spy(pull, key):
        def counted(g):
            counts[key] = counts.get(key, 0) + 1
            return pull(g)

        return counted

    backs = [
        [spy(p, (s, k)) for k, p in enumerate(b)] for s, b in enumerate(tape.backs) if b is not None
    ]
    engine.backward(plan, engine.Tape(tape.values, backs), seeds)
    return counts


def wrong_count_pulls__no_sweep(engine, plan, tape, seeds):
    counts = {}

    def spy(pull, key):
        def counted(g):
            counts[key] = counts.get(key, 0) + 1
            return pull(g)

        return counted

    backs = [b and [spy(p, (s, k)) for k, p in enumerate(b)] for s, b in enumerate(tape.backs)]
    engine.Tape(tape.values, backs)
    return counts


def wrong_count_pulls__sweeps_the_old_tape(engine, plan, tape, seeds):
    counts = {}

    def spy(pull, key):
        def counted(g):
            counts[key] = counts.get(key, 0) + 1
            return pull(g)

        return counted

    backs = [b and [spy(p, (s, k)) for k, p in enumerate(b)] for s, b in enumerate(tape.backs)]
    assert backs
    engine.backward(plan, tape, seeds)
    return counts


def right_count_pulls__a_counter(engine, plan, tape, seeds):
    from collections import Counter

    counts = Counter()

    def spy(pull, *key):
        return lambda g: (counts.update([key]), pull(g))[1]

    backs = list(tape.backs)
    for slot in range(len(backs)):
        if backs[slot]:
            backs[slot] = tuple(spy(pull, slot, k) for k, pull in enumerate(backs[slot]))
    engine.backward(plan, tape._replace(backs=backs), seeds)
    return counts


def right_count_pulls__default_arguments(engine, plan, tape, seeds):
    counts, backs = {}, []
    for slot, back in enumerate(tape.backs):
        new = []
        for position, pull in enumerate(back or []):

            def counted(g, key=(slot, position), pull=pull):
                if key not in counts:
                    counts[key] = 0
                counts[key] += 1
                return pull(g)

            new.append(counted)
        backs.append(new if back is not None else None)
    engine.backward(plan=plan, tape=engine.Tape(values=tape.values, backs=backs), seeds=seeds)
    return counts


def wrong_count_sent__no_return(plan, tape, seeds):
    counts = {}

    def record(step, position, gradient, losses):
        counts[step, position] = counts.get((step, position), 0) + 1

    plan.backward(tape, seeds, record=record)


def wrong_count_sent__set_to_one(plan, tape, seeds):
    counts = {}

    def record(step, position, gradient, losses):
        counts[step, position] = 1

    plan.backward(tape, seeds, record=record)
    return counts


def wrong_count_sent__by_step(plan, tape, seeds):
    counts = {}

    def record(step, position, gradient, losses):
        counts[step] = counts.get(step, 0) + 1

    plan.backward(tape, seeds, record=record)
    return counts


def wrong_count_sent__a_sweep_for_each_seed(plan, tape, seeds):
    counts = {}

    def record(step, position, gradient, losses):
        counts[step, position] = counts.get((step, position), 0) + 1

    for seed in seeds:
        plan.backward(tape, [seed], record=record)
    return counts


def wrong_count_sent__a_dict_that_lives_on(plan, tape, seeds, counts={}):
    def record(step, position, gradient, losses):
        counts[step, position] = counts.get((step, position), 0) + 1

    plan.backward(tape, seeds, record=record)
    return counts


def wrong_count_sent__record_is_not_given(plan, tape, seeds):
    counts = {}

    def record(step, position, gradient, losses):
        counts[step, position] = counts.get((step, position), 0) + 1

    plan.backward(tape, seeds)
    return counts


def wrong_count_sent__seeds_of_one(plan, tape, seeds):
    counts = {}

    def record(step, position, gradient, losses):
        counts[step, position] = counts.get((step, position), 0) + 1

    plan.backward(tape, [1.0] * len(seeds), record=record)
    return counts


def right_count_sent__a_list_counted_later(plan, tape, seeds):
    edges = []
    plan.backward(tape, seeds, record=lambda step, position, *rest: edges.append((step, position)))
    return {edge: edges.count(edge) for edge in edges}


def wrong_mix__no_weights(rows, losses, weights):
    return sum(rows)


def wrong_mix__weights_by_place(rows, losses, weights):
    return sum(w * row for w, row in zip(weights, rows))


def wrong_mix__a_mean(rows, losses, weights):
    return sum(weights[k] * row for k, row in zip(losses, rows)) / len(losses)


def wrong_mix__one_number(rows, losses, weights):
    return sum(weights[k] * row.sum() for k, row in zip(losses, rows))


def wrong_mix__all_losses(rows, losses, weights):
    return sum(weights[k] * rows[k] for k in range(len(weights)))


def wrong_mix__in_place(rows, losses, weights):
    for i, k in enumerate(losses):
        rows[i] *= weights[k]
    return rows.sum(axis=0)


def wrong_mix__first_row_only(rows, losses, weights):
    return weights[losses[0]] * rows[0]


def wrong_mix__rows_stay_apart(rows, losses, weights):
    return np.array([weights[k] * row for k, row in zip(losses, rows)])


def right_mix__tensordot(rows, losses, weights):
    return np.tensordot([weights[k] for k in losses], rows, axes=1)


def right_mix__a_loop(rows, losses, weights):
    mixed = np.zeros(np.shape(rows)[1:])
    for i in range(len(losses)):
        mixed = mixed + weights[losses[i]] * np.asarray(rows[i])
    return mixed
