"""What students write in lesson 6."""


def wrong_dense__number_by_number(x, kernel, bias):
    return x * kernel + bias


def wrong_dense__no_bias(x, kernel, bias):
    return x @ kernel


def wrong_dense__bias_subtracted(x, kernel, bias):
    return x @ kernel - bias


def wrong_dense__kernel_first(x, kernel, bias):
    return kernel @ x + bias


def wrong_dense__transposed(x, kernel, bias):
    return x @ kernel.T + bias


def wrong_dense__bias_inside(x, kernel, bias):
    return x @ (kernel + bias)


def wrong_dense__an_array(x, kernel, bias):
    return x.value @ kernel.value + bias.value


def wrong_dense__gradient_lost(x, kernel, bias):
    return tg.Tensor(x.numpy() @ kernel.numpy() + bias.numpy())


def wrong_dense__no_return(x, kernel, bias):
    x @ kernel + bias


def wrong_dense__sum_over_cars(x, kernel, bias):
    return (x @ kernel).sum(axis=0) + bias


def right_dense__ops(x, kernel, bias):
    return ops.add(ops.matmul(x, kernel), bias)


def right_dense__einsum(x, kernel, bias):
    return bias + np.matmul(x, kernel)


def wrong_step__plus(weights, gradients, rate):
    for w, g in zip(weights, gradients):
        w.assign(w.value + rate * g)


def wrong_step__gradient_alone(weights, gradients, rate):
    for w, g in zip(weights, gradients):
        w.assign(-rate * g)


def wrong_step__no_rate(weights, gradients, rate):
    for w, g in zip(weights, gradients):
        w.assign(w.value - g)


def wrong_step__only_a_new_name(weights, gradients, rate):
    for w, g in zip(weights, gradients):
        w = w - rate * g


def wrong_step__in_place(weights, gradients, rate):
    for w, g in zip(weights, gradients):
        w.value -= rate * g


def wrong_step__first_weight_only(weights, gradients, rate):
    for w, g in zip(weights, gradients):
        w.assign(w.value - rate * g)
        return


def wrong_step__first_gradient_for_all(weights, gradients, rate):
    for w in weights:
        w.assign(w.value - rate * gradients[0])


def wrong_step__the_sign_alone(weights, gradients, rate):
    for w, g in zip(weights, gradients):
        w.assign(w.value - rate * np.sign(g))


def right_step__by_number(weights, gradients, rate):
    for i in range(len(weights)):
        weights[i].assign(np.subtract(weights[i].numpy(), np.multiply(rate, gradients[i])))


def right_step__a_copy_in_place(weights, gradients, rate):
    for w, g in zip(weights, gradients, strict=True):
        new = w.value.copy()
        new -= rate * g
        w.assign(new)


def wrong_train__loss_after_the_step(answer, weights, x, true, rate, steps):
    losses = []
    for _ in range(steps):
        loss = ((answer(x) - true) ** 2).mean()
        step(weights, tg.gradients(loss, weights), rate)
        losses.append(float(((answer(x) - true) ** 2).mean()))
    return losses


def wrong_train__a_sum(answer, weights, x, true, rate, steps):
    losses = []
    for _ in range(steps):
        loss = ((answer(x) - true) ** 2).sum()
        losses.append(float(loss))
        step(weights, tg.gradients(loss, weights), rate)
    return losses


def wrong_train__not_squared(answer, weights, x, true, rate, steps):
    losses = []
    for _ in range(steps):
        loss = (answer(x) - true).mean()
        losses.append(float(loss))
        step(weights, tg.gradients(loss, weights), rate)
    return losses


def wrong_train__return_in_the_loop(answer, weights, x, true, rate, steps):
    losses = []
    for _ in range(steps):
        loss = ((answer(x) - true) ** 2).mean()
        losses.append(float(loss))
        step(weights, tg.gradients(loss, weights), rate)
        return losses


def wrong_train__gradients_once(answer, weights, x, true, rate, steps):
    losses = []
    gradients = tg.gradients(((answer(x) - true) ** 2).mean(), weights)
    for _ in range(steps):
        losses.append(float(((answer(x) - true) ** 2).mean()))
        step(weights, gradients, rate)
    return losses


def wrong_train__tensors_are_kept(answer, weights, x, true, rate, steps):
    losses = []
    for _ in range(steps):
        losses.append(((answer(x) - true) ** 2).mean())
        step(weights, tg.gradients(losses[-1], weights), rate)
    return losses


def wrong_train__no_step(answer, weights, x, true, rate, steps):
    return [float(((answer(x) - true) ** 2).mean()) for _ in range(steps)]


def wrong_train__one_step_too_many(answer, weights, x, true, rate, steps):
    losses = []
    for _ in range(steps + 1):
        loss = ((answer(x) - true) ** 2).mean()
        losses.append(float(loss))
        step(weights, tg.gradients(loss, weights), rate)
    return losses


def wrong_train__truth_forgotten(answer, weights, x, true, rate, steps):
    losses = []
    for _ in range(steps):
        loss = (answer(x) * answer(x)).mean()
        losses.append(float(loss))
        step(weights, tg.gradients(loss, weights), rate)
    return losses


def wrong_train__first_weight_only(answer, weights, x, true, rate, steps):
    losses = []
    for _ in range(steps):
        loss = ((answer(x) - true) ** 2).mean()
        losses.append(float(loss))
        step(weights[:1], tg.gradients(loss, weights[:1]), rate)
    return losses


def right_train__while(answer, weights, x, true, rate, steps):
    losses = []
    while len(losses) < steps:
        loss = np.mean(np.square(true - answer(x)))
        for w, g in zip(weights, tg.gradients(loss, weights)):
            w.assign(w.value - rate * g)
        losses.append(loss.numpy())
    return np.array(losses).tolist()


def right_train__the_loss_of_the_library(answer, weights, x, true, rate, steps):
    mse, found = tg.losses.MeanSquaredError(), []
    for _ in range(steps):
        loss = mse(true, answer(x))
        found += [float(loss)]
        step(weights, tg.gradients(loss, weights), rate)
    return found


def wrong_my_prediction__another_text():
    return "it explodes"


def wrong_my_prediction__a_number():
    return 0.5


def wrong_my_prediction__all_of_them():
    return ["falls faster", "falls, then grows", "grows at once"]


def wrong_my_prediction__no_return():
    "grows at once"


def right_my_prediction__a_wrong_guess():
    return "falls faster"


def wrong_run_chain__last_first(layers, x):
    for layer in reversed(layers):
        x = layer(x)
    return x


def wrong_run_chain__return_in_the_loop(layers, x):
    for layer in layers:
        x = layer(x)
        return x


def wrong_run_chain__the_same_x(layers, x):
    for layer in layers:
        y = layer(x)
    return y


def wrong_run_chain__a_list(layers, x):
    return [layer(x) for layer in layers]


def wrong_run_chain__first_layer_assumed(layers, x):
    x = layers[0](x)
    for layer in layers[1:]:
        x = layer(x)
    return x


def wrong_run_chain__two_layers(layers, x):
    return layers[1](layers[0](x))


def right_run_chain__reduce(layers, x):
    import functools

    return functools.reduce(lambda value, layer: layer(value), layers, x)


def right_run_chain__recursion(layers, x):
    return run_chain(layers[1:], layers[0](x)) if layers else x


def right_step__with_tensors(weights, gradients, rate):
    for w, g in zip(weights, gradients):
        w.assign((w - rate * g).numpy())
