"""What students may write in lesson 25."""

import numpy as np


def wrong_l2_penalty__half(weights, strength):
    return strength / 2 * sum((w**2).sum() for w in weights), [strength * w for w in weights]


def wrong_l2_penalty__root(weights, strength):
    norm = np.sqrt(sum((w**2).sum() for w in weights))
    return strength * norm, [2 * strength * w for w in weights]


def wrong_l2_penalty__mean(weights, strength):
    return strength * sum((w**2).mean() for w in weights), [2 * strength * w for w in weights]


def wrong_l2_penalty__no_strength_in_the_slope(weights, strength):
    return strength * sum((w**2).sum() for w in weights), [2 * w for w in weights]


def wrong_l2_penalty__l1(weights, strength):
    return strength * sum(np.abs(w).sum() for w in weights), [
        strength * np.sign(w) for w in weights
    ]


def wrong_l2_penalty__one_array(weights, strength):
    w = weights[0]
    return strength * (w**2).sum(), [2 * strength * w]


def wrong_l2_penalty__joined(weights, strength):
    w = np.concatenate([one.ravel() for one in weights]) if weights else np.zeros(0)
    return strength * (w**2).sum(), 2 * strength * w


def wrong_l2_penalty__minus(weights, strength):
    return strength * sum((w**2).sum() for w in weights), [-2 * strength * w for w in weights]


def right_l2_penalty__by_a_loop(weights, strength):
    value, gradients = 0.0, ()
    for w in weights:
        value = value + strength * np.sum(w * w)
        gradients += (2 * strength * w,)
    return value, gradients


def right_l2_penalty__dot_products(weights, strength):
    flat = [np.ravel(w) for w in weights]
    return [strength * sum(float(w @ w) for w in flat), [w * (2 * strength) for w in weights]]


def wrong_dropout__no_division(x, rate, random):
    stays = random.random(x.shape) >= rate
    return x * stays, (lambda g: g * stays,)


def wrong_dropout__divided_by_the_rate(x, rate, random):
    scale = (random.random(x.shape) >= rate) / (rate or 1.0)
    return x * scale, (lambda g: g * scale,)


def wrong_dropout__the_rate_stays(x, rate, random):
    scale = (random.random(x.shape) < rate) / max(rate, 1e-9)
    return x * scale, (lambda g: g * scale,)


def wrong_dropout__pullback_without_scale(x, rate, random):
    stays = random.random(x.shape) >= rate
    return x * stays / (1 - rate), (lambda g: g * stays,)


def wrong_dropout__pullback_draws_again(x, rate, random):
    value = x * (random.random(x.shape) >= rate) / (1 - rate)
    return value, (lambda g: g * (random.random(x.shape) >= rate) / (1 - rate),)


def wrong_dropout__pullback_is_one(x, rate, random):
    scale = (random.random(x.shape) >= rate) / (1 - rate)
    return x * scale, (lambda g: g,)


def wrong_dropout__no_tuple(x, rate, random):
    scale = (random.random(x.shape) >= rate) / (1 - rate)
    return x * scale, lambda g: g * scale


def wrong_dropout__whole_columns(x, rate, random):
    scale = (random.random(x.shape[-1]) >= rate) / (1 - rate)
    return x * scale, (lambda g: g * scale,)


def wrong_dropout__in_place(x, rate, random):
    scale = (random.random(x.shape) >= rate) / (1 - rate)
    x *= scale
    return x, (lambda g: g * scale,)


def wrong_dropout__own_generator(x, rate, random):
    scale = (np.random.default_rng(0).random(x.shape) >= rate) / (1 - rate)
    return x * scale, (lambda g: g * scale,)


def wrong_dropout__the_first_places(x, rate, random):
    scale = np.ones(x.size) / (1 - rate)
    scale[: int(rate * x.size)] = 0
    scale = scale.reshape(x.shape)
    return x * scale, (lambda g: g * scale,)


def right_dropout__with_where(x, rate, random):
    gone = random.random(x.shape) < rate
    return np.where(gone, 0, x / (1 - rate)), (lambda g: np.where(gone, 0, g / (1 - rate)),)


def right_dropout__binomial(x, rate, random):
    scale = random.binomial(1, 1 - rate, x.shape) / (1 - rate)

    def pull(g):
        return scale * g

    return scale * x, [pull]


def wrong_when_to_stop__stops_one_late(losses, patience, min_delta=0.0):
    lowest, best = np.inf, 0
    for epoch, loss in enumerate(losses):
        if loss < lowest - min_delta:
            lowest, best = loss, epoch
        elif epoch - best > patience:
            return epoch, best
    return len(losses) - 1, best


def wrong_when_to_stop__first_rise(losses, patience, min_delta=0.0):
    for epoch in range(1, len(losses)):
        if losses[epoch] > losses[epoch - 1]:
            return epoch, epoch - 1
    return len(losses) - 1, len(losses) - 1


def wrong_when_to_stop__best_of_all(losses, patience, min_delta=0.0):
    best = int(np.argmin(losses))
    return min(best + patience, len(losses) - 1), best


def wrong_when_to_stop__equal_is_better(losses, patience, min_delta=0.0):
    lowest, best = np.inf, 0
    for epoch, loss in enumerate(losses):
        if loss <= lowest - min_delta:
            lowest, best = loss, epoch
        elif epoch - best >= patience:
            return epoch, best
    return len(losses) - 1, best


def wrong_when_to_stop__no_min_delta(losses, patience, min_delta=0.0):
    lowest, best = np.inf, 0
    for epoch, loss in enumerate(losses):
        if loss < lowest:
            lowest, best = loss, epoch
        elif epoch - best >= patience:
            return epoch, best
    return len(losses) - 1, best


def wrong_when_to_stop__nan_is_better(losses, patience, min_delta=0.0):
    lowest, best = np.inf, 0
    for epoch, loss in enumerate(losses):
        if not loss >= lowest - min_delta:
            lowest, best = loss, epoch
        elif epoch - best >= patience:
            return epoch, best
    return len(losses) - 1, best


def wrong_when_to_stop__counts_from_1(losses, patience, min_delta=0.0):
    lowest, best = np.inf, 0
    for epoch, loss in enumerate(losses, 1):
        if loss < lowest - min_delta:
            lowest, best = loss, epoch
        elif epoch - best >= patience:
            return epoch, best
    return len(losses), best


def wrong_when_to_stop__forgets_the_end(losses, patience, min_delta=0.0):
    lowest, best = np.inf, 0
    for epoch, loss in enumerate(losses):
        if loss < lowest - min_delta:
            lowest, best = loss, epoch
        elif epoch - best >= patience:
            return epoch, best


def wrong_when_to_stop__waits_in_a_row(losses, patience, min_delta=0.0):
    waited, best = 0, 0
    for epoch in range(1, len(losses)):
        waited = waited + 1 if losses[epoch] >= losses[epoch - 1] - min_delta else 0
        best = epoch if waited == 0 else best
        if waited == patience:
            return epoch, best
    return len(losses) - 1, best


def right_when_to_stop__counts_the_wait(losses, patience, min_delta=0.0):
    lowest, best, waited, epoch = float("inf"), 0, 0, -1
    for loss in losses:
        epoch += 1
        if loss < lowest - min_delta:
            lowest, best, waited = loss, epoch, 0
        else:
            waited += 1
        if waited == patience:
            break
    return epoch, best


def right_when_to_stop__a_list_comes_back(losses, patience, min_delta=0.0):
    best = 0
    for epoch in range(1, len(losses)):
        if losses[epoch] < losses[best] - min_delta:
            best = epoch
        if epoch - best >= patience:
            return [epoch, best]
    return [len(losses) - 1, best]


def wrong_my_prediction__a_word():
    return "dropout"


def wrong_my_prediction__one_task():
    return {"medium": "dropout"}


def wrong_my_prediction__other_words():
    return {"medium": "early stopping", "age": "dropout"}


def wrong_my_prediction__both_ways():
    return {"L2": "medium", "dropout": "age"}


def right_my_prediction__a_guess():
    return {"age": "nothing", "medium": "age stopped alone"}
