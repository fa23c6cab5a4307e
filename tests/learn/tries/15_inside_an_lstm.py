"""What students write in lesson 15."""

# ruff: noqa: F821 (the names of the lesson are there when these run)


def wrong_one_step__f_first(x, h, c, kernel, recurrent_kernel, bias):
    f, i, j, o = tg.ops.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=-1)
    c = tg.ops.sigmoid(f) * c + tg.ops.sigmoid(i) * tg.ops.tanh(j)
    return tg.ops.sigmoid(o) * tg.ops.tanh(c), c


def wrong_one_step__old_memory_shown(x, h, c, kernel, recurrent_kernel, bias):
    z, n = x @ kernel + h @ recurrent_kernel + bias, h.shape[-1]
    i, f, o = (tg.ops.sigmoid(z[:, k * n : (k + 1) * n]) for k in (0, 1, 3))
    new = f * c + i * tg.ops.tanh(z[:, 2 * n : 3 * n])
    return o * tg.ops.tanh(c), new


def wrong_one_step__without_bias(x, h, c, kernel, recurrent_kernel, bias):
    z, n = x @ kernel + h @ recurrent_kernel, h.shape[-1]
    i, f, o = (tg.ops.sigmoid(z[:, k * n : (k + 1) * n]) for k in (0, 1, 3))
    c = f * c + i * tg.ops.tanh(z[:, 2 * n : 3 * n])
    return o * tg.ops.tanh(c), c


def wrong_one_step__sigmoid_for_the_candidate(x, h, c, kernel, recurrent_kernel, bias):
    z, n = x @ kernel + h @ recurrent_kernel + bias, h.shape[-1]
    i, f, j, o = (tg.ops.sigmoid(z[:, k * n : (k + 1) * n]) for k in range(4))
    c = f * c + i * j
    return o * tg.ops.tanh(c), c


def wrong_one_step__c_first(x, h, c, kernel, recurrent_kernel, bias):
    z, n = x @ kernel + h @ recurrent_kernel + bias, h.shape[-1]
    i, f, o = (tg.ops.sigmoid(z[:, k * n : (k + 1) * n]) for k in (0, 1, 3))
    c = f * c + i * tg.ops.tanh(z[:, 2 * n : 3 * n])
    return c, o * tg.ops.tanh(c)


def wrong_one_step__columns_of_the_lesson(x, h, c, kernel, recurrent_kernel, bias):
    z = x @ kernel + h @ recurrent_kernel + bias
    i, f, o = (tg.ops.sigmoid(z[:, k * 24 : (k + 1) * 24]) for k in (0, 1, 3))
    c = f * c + i * tg.ops.tanh(z[:, 48:72])
    return o * tg.ops.tanh(c), c


def wrong_one_step__no_tanh_at_the_end(x, h, c, kernel, recurrent_kernel, bias):
    z, n = x @ kernel + h @ recurrent_kernel + bias, h.shape[-1]
    i, f, o = (tg.ops.sigmoid(z[:, k * n : (k + 1) * n]) for k in (0, 1, 3))
    c = f * c + i * tg.ops.tanh(z[:, 2 * n : 3 * n])
    return o * c, c


def wrong_one_step__with_arrays(x, h, c, kernel, recurrent_kernel, bias):
    z, n = x.value @ kernel.value + h.value @ recurrent_kernel.value + bias.value, h.shape[-1]
    i, f, o = (tg.ops.sigmoid(tg.Tensor(z[:, k * n : (k + 1) * n])) for k in (0, 1, 3))
    c = f * tg.Tensor(c.value) + i * tg.ops.tanh(tg.Tensor(z[:, 2 * n : 3 * n]))
    return o * tg.ops.tanh(c), c


def right_one_step__one_function_for_all(x, h, c, kernel, recurrent_kernel, bias):
    z = x @ kernel + h @ recurrent_kernel + bias
    n = z.shape[-1] // 4
    kinds = [tg.ops.sigmoid, tg.ops.sigmoid, tg.ops.tanh, tg.ops.sigmoid]
    i, f, j, o = (kind(z[:, k * n : (k + 1) * n]) for k, kind in enumerate(kinds))
    new = i * j + c * f
    return [tg.ops.tanh(new) * o, new]


def right_one_step__side_by_side(x, h, c, kernel, recurrent_kernel, bias):
    z = tg.layers.concatenate([x, h]) @ tg.ops.concatenate(kernel, recurrent_kernel, axis=0) + bias
    n = h.shape[-1]
    i, f, o = (1 / (1 + tg.ops.exp(-z[:, k * n : (k + 1) * n])) for k in (0, 1, 3))
    c = f * c + i * tg.ops.tanh(z[:, 2 * n : 3 * n])
    return o * tg.ops.tanh(c), c


def wrong_back_through_step__no_fork(g_h, g_c, i, f, j, o, c):
    shown = np.tanh(f * c + i * j)
    at = g_h * o * (1 - shown**2)
    return at * j, at * c, at * i, g_h * shown, at * f


def wrong_back_through_step__memory_only(g_h, g_c, i, f, j, o, c):
    shown = np.tanh(f * c + i * j)
    return g_c * j, g_c * c, g_c * i, g_h * shown, g_c * f


def wrong_back_through_step__mean_at_the_fork(g_h, g_c, i, f, j, o, c):
    shown = np.tanh(f * c + i * j)
    at = (g_c + g_h * o * (1 - shown**2)) / 2
    return at * j, at * c, at * i, g_h * shown, at * f


def wrong_back_through_step__old_memory(g_h, g_c, i, f, j, o, c):
    shown = np.tanh(c)
    at = g_c + g_h * o * (1 - shown**2)
    return at * j, at * c, at * i, g_h * shown, at * f


def wrong_back_through_step__without_o(g_h, g_c, i, f, j, o, c):
    shown = np.tanh(f * c + i * j)
    at = g_c + g_h * (1 - shown**2)
    return at * j, at * c, at * i, g_h * shown, at * f


def wrong_back_through_step__exchanged(g_h, g_c, i, f, j, o, c):
    shown = np.tanh(f * c + i * j)
    at = g_c + g_h * o * (1 - shown**2)
    return at * i, at * c, at * j, g_h * shown, at * f


def wrong_back_through_step__no_slope(g_h, g_c, i, f, j, o, c):
    shown = np.tanh(f * c + i * j)
    at = g_c + g_h * o
    return at * j, at * c, at * i, g_h * shown, at * f


def wrong_back_through_step__in_place(g_h, g_c, i, f, j, o, c):
    shown = np.tanh(f * c + i * j)
    g_c += g_h * o * (1 - shown**2)
    return g_c * j, g_c * c, g_c * i, g_h * shown, g_c * f


def right_back_through_step__by_engine(g_h, g_c, i, f, j, o, c):
    tensors = [tg.Tensor(np.asarray(number, float)) for number in (i, f, j, o, c)]
    i, f, j, o, c = tensors
    c_new = f * c + i * j
    return tg.gradients((g_h * (o * tg.ops.tanh(c_new)) + g_c * c_new).sum(), tensors)


def right_back_through_step__an_array(g_h, g_c, i, f, j, o, c):
    new = f * c + i * j
    at = g_c + g_h * o / np.cosh(new) ** 2
    return np.stack([at * j, at * c, at * i, g_h * np.tanh(new), at * f])


def wrong_kept_by_memory__steps_times(forget_bias, steps):
    return steps / (1 + np.exp(-forget_bias))


def wrong_kept_by_memory__one_step_less(forget_bias, steps):
    return (1 / (1 + np.exp(-forget_bias))) ** (steps - 1)


def wrong_kept_by_memory__sign(forget_bias, steps):
    return (1 / (1 + np.exp(forget_bias))) ** steps


def wrong_kept_by_memory__tanh(forget_bias, steps):
    return np.tanh(forget_bias) ** steps


def wrong_kept_by_memory__sigmoid_of_all(forget_bias, steps):
    return 1 / (1 + np.exp(-forget_bias * steps))


def right_kept_by_memory__loop(forget_bias, steps):
    kept = 1.0
    for _ in range(steps):
        kept *= 1 / (1 + np.exp(-forget_bias))
    return kept


def right_kept_by_memory__log(forget_bias, steps):
    return np.exp(-steps * np.logaddexp(0, -forget_bias))


def wrong_kept_by_memory__slope_of_the_gate(forget_bias, steps):
    gate = 1 / (1 + np.exp(-forget_bias))
    return (gate * (1 - gate)) ** steps
