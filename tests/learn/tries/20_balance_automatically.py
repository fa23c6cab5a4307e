"""What students write in lesson 20."""

import numpy as np


def wrong_my_prediction__a_list():
    return ["notices", "does not notice", "notices"]


def wrong_my_prediction__yes_and_no():
    return {"uncertainty": "yes", "dwa": "no", "gradnorm": "yes"}


def wrong_my_prediction__a_rule_is_missing():
    return {"uncertainty": "notices", "dwa": "does not notice"}


def wrong_my_prediction__truth_values():
    return {"uncertainty": True, "dwa": False, "gradnorm": True}


def wrong_my_prediction__other_names():
    return {"UW": "notices", "DWA": "does not notice", "GradNorm": "notices"}


def wrong_my_prediction__nothing():
    pass


def right_my_prediction__all_notice():
    return dict.fromkeys(["uncertainty", "dwa", "gradnorm"], "notices")


def right_my_prediction__another_order():
    return {"gradnorm": "does not notice", "dwa": "notices", "uncertainty": "does not notice"}


def wrong_uncertainty__no_half(s, losses):
    w = np.exp(-s)
    return w, 1 - w * losses


def wrong_uncertainty__sign_of_s(s, losses):
    w = np.exp(s) / 2
    return w, w * losses + 0.5


def wrong_uncertainty__slopes_turned(s, losses):
    w = np.exp(-s) / 2
    return w, w * losses - 0.5


def wrong_uncertainty__price_forgotten(s, losses):
    w = np.exp(-s) / 2
    return w, -w * losses


def wrong_uncertainty__value_for_slope(s, losses):
    w = np.exp(-s) / 2
    return w, w * losses + s / 2


def wrong_uncertainty__slopes_summed(s, losses):
    w = np.exp(-s) / 2
    return w, (0.5 - w * losses).sum()


def wrong_uncertainty__weights_alone(s, losses):
    return np.exp(-s) / 2


def wrong_uncertainty__order(s, losses):
    w = np.exp(-s) / 2
    return 0.5 - w * losses, w


def right_uncertainty__lists(s, losses):
    w = [float(np.exp(-one) / 2) for one in s]
    return [w, [0.5 - a * b for a, b in zip(w, losses, strict=True)]]


def right_uncertainty__written_out(s, losses):
    return 1 / (2 * np.exp(s)), (1 - losses / np.exp(s)) / 2


def wrong_dwa__ratio_turned(windows, temperature):
    if len(windows) < 2:
        return np.ones(windows.shape[1])
    e = np.exp(windows[-2] / windows[-1] / temperature)
    return len(e) * e / e.sum()


def wrong_dwa__sum_one(windows, temperature):
    if len(windows) < 2:
        return np.ones(windows.shape[1])
    e = np.exp(windows[-1] / windows[-2] / temperature)
    return e / e.sum()


def wrong_dwa__temperature_times(windows, temperature):
    if len(windows) < 2:
        return np.ones(windows.shape[1])
    e = np.exp(windows[-1] / windows[-2] * temperature)
    return len(e) * e / e.sum()


def wrong_dwa__first_two_windows(windows, temperature):
    if len(windows) < 2:
        return np.ones(windows.shape[1])
    e = np.exp(windows[1] / windows[0] / temperature)
    return len(e) * e / e.sum()


def wrong_dwa__one_window_is_enough(windows, temperature):
    if len(windows) == 0:
        return np.ones(windows.shape[1])
    e = np.exp(windows[-1] / windows[0] / temperature) * windows[-1]
    return len(e) * e / e.sum()


def wrong_dwa__two_losses_only(windows, temperature):
    if len(windows) < 2:
        return np.ones(2)
    e = np.exp(windows[-1] / windows[-2] / temperature)
    return 2 * e / e.sum()


def wrong_dwa__difference(windows, temperature):
    if len(windows) < 2:
        return np.ones(windows.shape[1])
    e = np.exp((windows[-1] - windows[-2]) / temperature)
    return len(e) * e / e.sum()


def wrong_dwa__windows_counted_as_losses(windows, temperature):
    if len(windows) < 2:
        return np.ones(windows.shape[1])
    e = np.exp(windows[-1] / windows[-2] / temperature)
    return len(windows) * e / e.sum()


def right_dwa__largest_subtracted(windows, temperature):
    if windows.shape[0] < 2:
        return [1.0] * windows.shape[1]
    before, last = windows[-2:]
    z = last / before / temperature
    e = np.exp(z - z.max())
    return e / e.mean()


def right_dwa__a_loop(windows, temperature):
    count = windows.shape[1]
    weights = np.ones(count)
    if len(windows) >= 2:
        for i in range(count):
            weights[i] = np.exp(windows[-1, i] / windows[-2, i] / temperature)
        weights *= count / weights.sum()
    return weights


def wrong_gradnorm__squares(weights, losses, first, gram, alpha):
    d = np.diag(gram)
    r = losses / first / (losses / first).mean()
    pulls = weights * d
    return np.sign(pulls - pulls.mean() * r**alpha) * d


def wrong_gradnorm__signs(weights, losses, first, gram, alpha):
    d = np.sqrt(np.diag(gram))
    r = losses / first / (losses / first).mean()
    pulls = weights * d
    return np.sign(pulls.mean() * r**alpha - pulls) * d


def wrong_gradnorm__weights_forgotten(weights, losses, first, gram, alpha):
    d = np.sqrt(np.diag(gram))
    r = losses / first / (losses / first).mean()
    return np.sign(d - d.mean() * r**alpha) * d


def wrong_gradnorm__not_divided_by_the_mean(weights, losses, first, gram, alpha):
    d = np.sqrt(np.diag(gram))
    pulls = weights * d
    return np.sign(pulls - pulls.mean() * (losses / first) ** alpha) * d


def wrong_gradnorm__ratio_turned(weights, losses, first, gram, alpha):
    d = np.sqrt(np.diag(gram))
    r = first / losses / (first / losses).mean()
    pulls = weights * d
    return np.sign(pulls - pulls.mean() * r**alpha) * d


def wrong_gradnorm__first_forgotten(weights, losses, first, gram, alpha):
    d = np.sqrt(np.diag(gram))
    r = losses / losses.mean()
    pulls = weights * d
    return np.sign(pulls - pulls.mean() * r**alpha) * d


def wrong_gradnorm__alpha_times(weights, losses, first, gram, alpha):
    d = np.sqrt(np.diag(gram))
    r = losses / first / (losses / first).mean()
    pulls = weights * d
    return np.sign(pulls - pulls.mean() * r * alpha) * d


def wrong_gradnorm__signs_alone(weights, losses, first, gram, alpha):
    d = np.sqrt(np.diag(gram))
    r = losses / first / (losses / first).mean()
    pulls = weights * d
    return np.sign(pulls - pulls.mean() * r**alpha)


def wrong_gradnorm__differences(weights, losses, first, gram, alpha):
    d = np.sqrt(np.diag(gram))
    r = losses / first / (losses / first).mean()
    pulls = weights * d
    return (pulls - pulls.mean() * r**alpha) * d


def right_gradnorm__where(weights, losses, first, gram, alpha):
    d = np.diag(gram) ** 0.5
    r = losses / first
    r = r / np.mean(r)
    target = np.mean(weights * d) * r**alpha
    return np.where(weights * d > target, d, -d)


def right_gradnorm__a_list(weights, losses, first, gram, alpha):
    n = len(weights)
    d = [gram[i][i] ** 0.5 for i in range(n)]
    fallen = [losses[i] / first[i] for i in range(n)]
    pull = [weights[i] * d[i] for i in range(n)]
    target = [sum(pull) / n * (one * n / sum(fallen)) ** alpha for one in fallen]
    return [d[i] if pull[i] > target[i] else -d[i] for i in range(n)]
