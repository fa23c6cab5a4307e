"""What students write in lesson 22."""

from itertools import combinations

import numpy as np


def wrong_my_prediction__a_list():
    return ["helps", "hurts", "hurts"]


def wrong_my_prediction__signs():
    return {"a beside b": "+", "a beside c": "-", "c beside a": "-"}


def wrong_my_prediction__one_is_missing():
    return {"a beside b": "helps", "a beside c": "hurts"}


def wrong_my_prediction__numbers():
    return {"a beside b": 1, "a beside c": 0, "c beside a": -1}


def right_my_prediction__all_help():
    return dict.fromkeys(("c beside a", "a beside c", "a beside b"), "helps")


def wrong_gains__part_of_one(alone, beside):
    return 1 - beside / alone


def wrong_gains__sign(alone, beside):
    return 100 * (beside / alone - 1)


def wrong_gains__of_the_other(alone, beside):
    return 100 * (alone / beside - 1)


def wrong_gains__mean(alone, beside):
    return np.mean(100 * (1 - beside / alone))


def wrong_gains__of_the_means(alone, beside):
    return 100 * (1 - beside / alone.mean())


def wrong_gains__difference(alone, beside):
    return 100 * (alone - beside)


def right_gains__a_list(alone, beside):
    return [100 - 100 * two / one for one, two in zip(alone, beside, strict=True)]


def wrong_affinity__rows(losses, gram):
    return np.asarray(gram) / np.asarray(losses)[:, None]


def wrong_affinity__times(losses, gram):
    return np.asarray(gram) * np.asarray(losses)


def wrong_affinity__cosines(losses, gram):
    d = np.sqrt(np.diag(gram))
    return gram / np.outer(d, d)


def wrong_affinity__sum_of_losses(losses, gram):
    return np.asarray(gram) / np.sum(losses)


def wrong_affinity__sign(losses, gram):
    return -np.asarray(gram) / np.asarray(losses)


def right_affinity__loops(losses, gram):
    count = len(losses)
    return [[gram[i][j] / losses[j] for j in range(count)] for i in range(count)]


def right_affinity__matrix_product(losses, gram):
    return np.array(gram) @ np.diag(1 / np.array(losses, float))


def wrong_rank_correlation__sorted_once(a, b):
    p, q = (np.argsort(n) - (len(n) - 1) / 2 for n in (a, b))
    return p @ q / np.sqrt((p @ p) * (q @ q))


def wrong_rank_correlation__no_ranks(a, b):
    return np.corrcoef(a, b)[0, 1]


def wrong_rank_correlation__mean_forgotten(a, b):
    p, q = (np.argsort(np.argsort(n)) for n in (a, b))
    return p @ q / np.sqrt((p @ p) * (q @ q))


def wrong_rank_correlation__same_places(a, b):
    return np.mean(np.argsort(np.argsort(a)) == np.argsort(np.argsort(b)))


def wrong_rank_correlation__not_divided(a, b):
    p, q = (np.argsort(np.argsort(n)) for n in (a, b))
    return (p - p.mean()) @ (q - q.mean())


def wrong_rank_correlation__a_table(a, b):
    return np.corrcoef(np.argsort(np.argsort(a)), np.argsort(np.argsort(b)))


def right_rank_correlation__spearmans_formula(a, b):
    p, q = (np.argsort(np.argsort(n)) for n in (a, b))
    n = len(p)
    return 1 - 6 * np.sum((p - q) ** 2) / (n * (n**2 - 1))


def right_rank_correlation__corrcoef(a, b):
    ranks = [[sorted(n).index(one) for one in n] for n in (a, b)]
    return np.corrcoef(*ranks)[0, 1]


def wrong_best_groups__every_task_once(losses, budget):
    tasks = {t for g in losses for t in g}
    best, least = None, np.inf
    for count in range(1, budget + 1):
        for chosen in combinations(losses, count):
            named = [t for g in chosen for t in g]
            total = sum(losses[g][t] for g in chosen for t in g)
            if set(named) == tasks and len(named) == len(tasks) and total < least:
                best, least = list(chosen), total
    return best, least


def wrong_best_groups__missing_tasks_are_free(losses, budget):
    tasks = {t for g in losses for t in g}
    best, least = None, np.inf
    for count in range(1, budget + 1):
        for chosen in combinations(losses, count):
            total = sum(min((losses[g][t] for g in chosen if t in g), default=0) for t in tasks)
            if total < least:
                best, least = list(chosen), total
    return best, least


def wrong_best_groups__budget_minus_one(losses, budget):
    tasks = {t for g in losses for t in g}
    best, least = None, np.inf
    for count in range(1, budget):
        for chosen in combinations(losses, count):
            total = sum(min((losses[g][t] for g in chosen if t in g), default=9e9) for t in tasks)
            if total < least:
                best, least = list(chosen), total
    return best, least


def wrong_best_groups__exactly_the_budget(losses, budget):
    tasks = {t for g in losses for t in g}
    best, least = None, np.inf
    for chosen in combinations(losses, budget):
        total = sum(max((losses[g][t] for g in chosen if t in g), default=9e9) for t in tasks)
        if total < least:
            best, least = list(chosen), total
    return best, least


def wrong_best_groups__the_largest(losses, budget):
    tasks = {t for g in losses for t in g}
    best, most = None, 0.0
    for count in range(1, budget + 1):
        for chosen in combinations(losses, count):
            if {t for g in chosen for t in g} == tasks:
                total = sum(min(losses[g][t] for g in chosen if t in g) for t in tasks)
                if total > most:
                    best, most = list(chosen), total
    return best, most


def wrong_best_groups__the_groups_alone(losses, budget):
    return [("a", "b"), ("c",)]


def right_best_groups__a_set_of_tasks(losses, budget):
    tasks, tried = sorted({t for g in losses for t in g}), []
    for count in range(1, budget + 1):
        for chosen in combinations(losses, count):
            if all(any(t in g for g in chosen) for t in tasks):
                its = [min(losses[g].get(t, np.inf) for g in chosen) for t in tasks]
                tried.append((sum(its), chosen))
    total, chosen = min(tried)
    return chosen, total


def right_best_groups__calls_itself(losses, budget):
    tasks, groups = {t for g in losses for t in g}, list(losses)

    def search(start, chosen, known):
        best = (sum(known.values()), chosen) if set(known) == tasks else (np.inf, chosen)
        if len(chosen) < budget:
            for n in range(start, len(groups)):
                its = losses[groups[n]]
                more = known | {t: min(its[t], known.get(t, np.inf)) for t in its}
                best = min(best, search(n + 1, [*chosen, groups[n]], more), key=lambda b: b[0])
        return best

    total, chosen = search(0, [], {})
    return chosen, total
