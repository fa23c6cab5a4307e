"""What students write in lesson 13."""

# ruff: noqa: F821 (the names of the lesson are there when these run)


def wrong_pull_back_concatenate__first_axis(g, width):
    return g[:width], g[width:]


def wrong_pull_back_concatenate__second_axis(g, width):
    return g[:, :width], g[:, width:]


def wrong_pull_back_concatenate__off_by_one(g, width):
    return g[..., :width], g[..., width + 1 :]


def wrong_pull_back_concatenate__exchanged(g, width):
    return g[..., width:], g[..., :width]


def wrong_pull_back_concatenate__halves(g, width):
    return np.split(g, 2, axis=-1) if g.shape[-1] % 2 == 0 else (g[..., :width], g[..., width:])


def wrong_pull_back_concatenate__from_the_end(g, width):
    return g[..., :-width], g[..., -width:]


def wrong_pull_back_concatenate__all_to_both(g, width):
    return g, g


def wrong_pull_back_concatenate__zeros(g, width):
    first, second = g.copy(), g.copy()
    first[..., width:] = 0
    second[..., :width] = 0
    return first, second


def right_pull_back_concatenate__split(g, width):
    return np.split(g, [width], axis=-1)


def right_pull_back_concatenate__take(g, width):
    places = np.arange(g.shape[-1])
    return np.take(g, places[:width], axis=-1), np.compress(places >= width, g, axis=-1)


def wrong_pull_back_add__half(g):
    return g / 2, g / 2


def wrong_pull_back_add__one(g):
    return np.ones_like(g), np.ones_like(g)


def wrong_pull_back_add__single(g):
    return g


def wrong_pull_back_add__first_only(g):
    return g, np.zeros_like(g)


def wrong_pull_back_add__sign(g):
    return g, -g


def right_pull_back_add__copies(g):
    return [1.0 * g, g.copy()]


def wrong_gradients_at_h__one_wire(h, b, c):
    both, plus = np.concatenate([h, b], axis=-1), h + c
    return pull_back_concatenate(2 * both, h.shape[-1])[0], 2 * plus


def wrong_gradients_at_h__mean_of_wires(h, b, c):
    return (2 * h + 1) / 2, 2 * (h + c)


def wrong_gradients_at_h__without_2(h, b, c):
    return h + 1, h + c


def wrong_gradients_at_h__two_wires_for_loss_1(h, b, c):
    return 2 * h + 1, 2 * h + 2 * (h + c)


def wrong_gradients_at_h__plus_is_h(h, b, c):
    return 2 * h + 1, 2 * h


def wrong_gradients_at_h__width_of_b(h, b, c):
    both, plus = np.concatenate([h, b], axis=-1), h + c
    first, _ = pull_back_concatenate(2 * both, b.shape[-1])
    return first + np.ones_like(plus), 2 * plus


def wrong_gradients_at_h__three_columns(h, b, c):
    both, plus = np.concatenate([h, b], axis=-1), h + c
    first, _ = pull_back_concatenate(2 * both, 3)
    return first + 1, 2 * plus


def wrong_gradients_at_h__exchanged(h, b, c):
    return 2 * (h + c), 2 * h + 1


def right_gradients_at_h__worked_out(h, b, c):
    return np.stack([2 * h + 1, 2 * (h + c)])


def right_gradients_at_h__with_tensors(h, b, c):
    tensor = tg.Tensor(h)
    both, plus = tg.layers.concatenate([tensor, tg.Tensor(b)]), tensor + tg.Tensor(c)
    return tuple(
        tg.gradients(loss, tensor)
        for loss in ((both * both).sum() + plus.sum(), (plus * plus).sum())
    )


def wrong_weighted_answer__divided(answers, weights):
    return sum(w * a for w, a in zip(weights, answers, strict=True)) / sum(weights)


def wrong_weighted_answer__mean(answers, weights):
    return np.mean([w * a for w, a in zip(weights, answers, strict=True)], axis=0)


def wrong_weighted_answer__one_number(answers, weights):
    return np.sum([w * a for w, a in zip(weights, answers, strict=True)])


def wrong_weighted_answer__first_two(answers, weights):
    return weights[0] * answers[0] + (1 - weights[0]) * answers[1]


def wrong_weighted_answer__transposed(answers, weights):
    return np.stack(answers) @ np.ones(len(answers[0]))


def right_weighted_answer__matrix(answers, weights):
    return np.array(weights) @ np.stack(answers)


def right_weighted_answer__tensordot(answers, weights):
    return np.tensordot(weights, answers, 1)
