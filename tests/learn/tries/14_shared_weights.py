"""What students write in lesson 14."""

# ruff: noqa: F821 (the names of the lesson are there when these run)


def wrong_share_of_each_call__without_a(w, a, b):
    left, right = np.tanh(w * a), np.tanh(w * b)
    return right * (1 - left**2), left * (1 - right**2)


def wrong_share_of_each_call__one_tanh(w, a, b):
    return (1 - np.tanh(w * a) ** 2) * a, (1 - np.tanh(w * b) ** 2) * b


def wrong_share_of_each_call__exchanged(w, a, b):
    left, right = np.tanh(w * a), np.tanh(w * b)
    return left * (1 - right**2) * b, right * (1 - left**2) * a


def wrong_share_of_each_call__sum(w, a, b):
    left, right = np.tanh(w * a), np.tanh(w * b)
    return right * (1 - left**2) * a + left * (1 - right**2) * b


def wrong_share_of_each_call__not_squared(w, a, b):
    left, right = np.tanh(w * a), np.tanh(w * b)
    return right * (1 - left) * a, left * (1 - right) * b


def wrong_share_of_each_call__slope_by_input(w, a, b):
    left, right = np.tanh(w * a), np.tanh(w * b)
    return right * (1 - left**2) * w, left * (1 - right**2) * w


def wrong_share_of_each_call__constants(w, a, b):
    return 0.5989, 0.3881


def right_share_of_each_call__by_engine(w, a, b):
    left, right = tg.Tensor(np.float64(w)), tg.Tensor(np.float64(w))
    score = tg.ops.tanh(left * a) * tg.ops.tanh(right * b)
    return [float(g) for g in tg.gradients(score, [left, right])]


def right_share_of_each_call__cosh(w, a, b):
    return np.tanh(w * b) * a / np.cosh(w * a) ** 2, np.tanh(w * a) * b / np.cosh(w * b) ** 2


def wrong_gradient_of_shared__left_only(W, a, b):
    left, right = np.tanh(a @ W), np.tanh(b @ W)
    return a.T @ (right * (1 - left**2))


def wrong_gradient_of_shared__mean(W, a, b):
    left, right = np.tanh(a @ W), np.tanh(b @ W)
    return (a.T @ (right * (1 - left**2)) + b.T @ (left * (1 - right**2))) / 2


def wrong_gradient_of_shared__two_things(W, a, b):
    left, right = np.tanh(a @ W), np.tanh(b @ W)
    return a.T @ (right * (1 - left**2)), b.T @ (left * (1 - right**2))


def wrong_gradient_of_shared__turned(W, a, b):
    left, right = np.tanh(a @ W), np.tanh(b @ W)
    return (right * (1 - left**2)).T @ a + (left * (1 - right**2)).T @ b


def wrong_gradient_of_shared__inputs_exchanged(W, a, b):
    left, right = np.tanh(a @ W), np.tanh(b @ W)
    return b.T @ (right * (1 - left**2)) + a.T @ (left * (1 - right**2))


def wrong_gradient_of_shared__no_other_reading(W, a, b):
    left, right = np.tanh(a @ W), np.tanh(b @ W)
    return a.T @ (1 - left**2) + b.T @ (1 - right**2)


def wrong_gradient_of_shared__mean_of_rows(W, a, b):
    left, right = np.tanh(a @ W), np.tanh(b @ W)
    return (a.T @ (right * (1 - left**2)) + b.T @ (left * (1 - right**2))) / len(a)


def wrong_gradient_of_shared__minus(W, a, b):
    left, right = np.tanh(a @ W), np.tanh(b @ W)
    return a.T @ (right * (1 - left**2)) - b.T @ (left * (1 - right**2))


def right_gradient_of_shared__rows_one_by_one(W, a, b):
    whole = np.zeros_like(W)
    for one, other in zip(a, b, strict=True):
        left, right = np.tanh(one @ W), np.tanh(other @ W)
        whole += np.outer(one, right * (1 - left**2)) + np.outer(other, left * (1 - right**2))
    return whole


def right_gradient_of_shared__put_together(W, a, b):
    both = np.concatenate([a, b])
    reading = np.tanh(both @ W)
    other = np.concatenate([reading[len(a) :], reading[: len(a)]])
    return both.T @ (other * (1 - reading**2))


def wrong_my_prediction__text():
    return "8320"


def wrong_my_prediction__none():
    return None


def wrong_my_prediction__float():
    return 8320.0


def wrong_my_prediction__zero():
    return 0


def wrong_my_prediction__yes():
    return True


def right_my_prediction__a_wrong_guess():
    return 2 * 8320


def wrong_join__side_by_side(left, right):
    return tg.layers.concatenate([left, right])


def wrong_join__difference(left, right):
    return left - right


def wrong_join__sum(left, right):
    return left + right


def wrong_join__one_number(left, right):
    return abs(left - right).sum()


def wrong_join__left_product(left, right):
    return tg.layers.concatenate([left, left * right])


def wrong_join__distance_and_difference(left, right):
    return tg.layers.concatenate([abs(left - right), left - right])


def wrong_join__sum_of_abs(left, right):
    return tg.layers.concatenate([abs(left) + abs(right), left + right])


def wrong_join__a_list(left, right):
    return [abs(left - right), left * right]


def right_join__square(left, right):
    return (left - right) ** 2


def right_join__with_sum(left, right):
    return tg.layers.concatenate([left + right, left * right])


def right_join__maximum(left, right):
    return tg.layers.maximum([left, right])
