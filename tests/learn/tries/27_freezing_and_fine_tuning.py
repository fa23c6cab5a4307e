"""What students may write in lesson 27."""

import numpy as np

import tinygrad_mo as tg


def wrong_with_aux__never_closed(model, closed):
    h = model.get_output("body")
    return tg.Model(model.inputs, [model.outputs["main"], tg.layers.Dense(1, name="aux")(h)])


def wrong_with_aux__always_closed(model, closed):
    h = tg.stop_gradient(model.get_output("body"))
    return tg.Model(model.inputs, [model.outputs["main"], tg.layers.Dense(1, name="aux")(h)])


def wrong_with_aux__upside_down(model, closed):
    h = model.get_output("body")
    h = h if closed else tg.stop_gradient(h)
    return tg.Model(model.inputs, [model.outputs["main"], tg.layers.Dense(1, name="aux")(h)])


def wrong_with_aux__on_first(model, closed):
    h = model.get_output("first")
    h = tg.stop_gradient(h) if closed else h
    return tg.Model(model.inputs, [model.outputs["main"], tg.layers.Dense(1, name="aux")(h)])


def wrong_with_aux__on_main(model, closed):
    h = model.outputs["main"]
    h = tg.stop_gradient(h) if closed else h
    return tg.Model(model.inputs, [model.outputs["main"], tg.layers.Dense(1, name="aux")(h)])


def wrong_with_aux__main_is_gone(model, closed):
    h = model.get_output("body")
    h = tg.stop_gradient(h) if closed else h
    return tg.Model(model.inputs, tg.layers.Dense(1, name="aux")(h))


def wrong_with_aux__closed_behind_the_head(model, closed):
    aux = tg.layers.Dense(1, name="aux")(model.get_output("body"))
    aux = tg.layers.Activation("linear", name="aux")(tg.stop_gradient(aux)) if closed else aux
    return tg.Model(model.inputs, [model.outputs["main"], aux])


def wrong_with_aux__a_sigmoid(model, closed):
    h = model.get_output("body")
    h = tg.stop_gradient(h) if closed else h
    aux = tg.layers.Dense(1, activation="sigmoid", name="aux")(h)
    return tg.Model(model.inputs, [model.outputs["main"], aux])


def wrong_with_aux__a_new_body(model, closed):
    image = model.inputs["image"]
    h = tg.layers.Dense(32, activation="relu", name="first")(image)
    h = tg.layers.Dense(32, activation="relu", name="body")(h)
    main = tg.layers.Dense(10, name="main")(h)
    aux = tg.layers.Dense(1, name="aux")(tg.stop_gradient(h) if closed else h)
    return tg.Model(image, [main, aux])


def wrong_with_aux__frozen(model, closed):
    model.get_layer("body").trainable = not closed
    aux = tg.layers.Dense(1, name="aux")(model.get_output("body"))
    return tg.Model(model.inputs, [model.outputs["main"], aux])


def right_with_aux__in_one_line(model, closed):
    way = tg.stop_gradient if closed else (lambda tensor: tensor)
    aux = tg.layers.Dense(1, name="aux")(way(model.get_output("body")))
    return tg.Model(list(model.inputs.values()), [*model.outputs.values(), aux])


def right_with_aux__a_dict(model, closed):
    head, h = tg.layers.Dense(units=1, name="aux"), model.get_output("body")
    return tg.Model(
        model.inputs,
        {"main": model.outputs["main"], "aux": head(tg.ops.stop_gradient(h) if closed else h)},
    )


def wrong_my_prediction__a_list():
    return ["trains", "no path", "off"]


def wrong_my_prediction__a_key_is_missing():
    return {"frozen": "trains", "closed": "no path"}


def wrong_my_prediction__other_words():
    return {"frozen": "nothing", "closed": "no path", "off": "off"}


def wrong_my_prediction__none():
    return {"frozen": "trains", "closed": None, "off": "off"}


def right_my_prediction__a_wrong_guess():
    return {"off": "no path", "frozen": "no path", "closed": "no path"}


def wrong_closed__lets_it_through(x):
    return x, (lambda g: g,)


def wrong_closed__zero_times(x):
    return x, (lambda g: 0 * g,)


def wrong_closed__none(x):
    return x, (lambda g: None,)


def wrong_closed__no_pullback(x):
    return x, (None,)


def wrong_closed__zeros_of_x(x):
    return x, (lambda g: np.zeros_like(x),)


def wrong_closed__zero_forward(x):
    return np.zeros_like(x), (lambda g: np.zeros_like(g),)


def wrong_closed__no_tuple(x):
    return x, lambda g: np.zeros_like(g)


def right_closed__zeros_of_a_shape(x):
    def pull(g):
        return np.zeros(g.shape)

    return x, (pull,)


def right_closed__a_copy(x):
    return x.copy(), [lambda g: np.full(np.shape(g), 0.0)]


def wrong_momentum_path__velocity_dies(gradients, rate, momentum):
    weight, velocity, path = 0.0, 0.0, []
    for gradient in gradients:
        if gradient is None:
            velocity = 0.0
        else:
            velocity = momentum * velocity - rate * gradient
            weight += velocity
        path.append(weight)
    return path


def wrong_momentum_path__rolls_on(gradients, rate, momentum):
    weight, velocity, path = 0.0, 0.0, []
    for gradient in gradients:
        velocity = momentum * velocity - rate * (gradient or 0.0)
        weight += velocity
        path.append(weight)
    return path


def wrong_momentum_path__velocity_shrinks(gradients, rate, momentum):
    weight, velocity, path = 0.0, 0.0, []
    for gradient in gradients:
        velocity = momentum * velocity - rate * (gradient or 0.0)
        if gradient is not None:
            weight += velocity
        path.append(weight)
    return path


def wrong_momentum_path__zero_is_frozen(gradients, rate, momentum):
    weight, velocity, path = 0.0, 0.0, []
    for gradient in gradients:
        if gradient:
            velocity = momentum * velocity - rate * gradient
            weight += velocity
        path.append(weight)
    return path


def wrong_momentum_path__sign(gradients, rate, momentum):
    weight, velocity, path = 0.0, 0.0, []
    for gradient in gradients:
        if gradient is not None:
            velocity = momentum * velocity + rate * gradient
            weight += velocity
        path.append(weight)
    return path


def wrong_momentum_path__skips_frozen_steps(gradients, rate, momentum):
    weight, velocity, path = 0.0, 0.0, []
    for gradient in gradients:
        if gradient is not None:
            velocity = momentum * velocity - rate * gradient
            weight += velocity
            path.append(weight)
    return path


def wrong_momentum_path__a_running_mean(gradients, rate, momentum):
    weight, velocity, path = 0.0, 0.0, []
    for gradient in gradients:
        if gradient is not None:
            velocity = momentum * velocity + (1 - momentum) * gradient
            weight -= rate * velocity
        path.append(weight)
    return path


def wrong_momentum_path__weight_first(gradients, rate, momentum):
    weight, velocity, path = 0.0, 0.0, []
    for gradient in gradients:
        if gradient is not None:
            weight += velocity
            velocity = momentum * velocity - rate * gradient
        path.append(weight)
    return path


def right_momentum_path__an_array(gradients, rate, momentum):
    path, velocity = np.zeros(len(gradients) + 1), 0.0
    for step, gradient in enumerate(gradients):
        path[step + 1] = path[step]
        if gradient is not None:
            velocity = momentum * velocity - rate * gradient
            path[step + 1] += velocity
    return path[1:]


def right_momentum_path__rate_at_the_end(gradients, rate, momentum):
    weight, memory, path = 0.0, 0.0, []
    for gradient in gradients:
        if gradient is None:
            path.append(weight)
            continue
        memory = momentum * memory + gradient
        weight = weight - rate * memory
        path.append(weight)
    return tuple(path)


def wrong_normalise__always_the_batch(x, mean, variance, momentum, frozen):
    y = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 0.001)
    if frozen:
        return y, mean, variance
    mean = momentum * mean + (1 - momentum) * x.mean(axis=0)
    return y, mean, momentum * variance + (1 - momentum) * x.var(axis=0)


def wrong_normalise__the_running_ones_always(x, mean, variance, momentum, frozen):
    if not frozen:
        mean = momentum * mean + (1 - momentum) * x.mean(axis=0)
        variance = momentum * variance + (1 - momentum) * x.var(axis=0)
    return (x - mean) / np.sqrt(variance + 0.001), mean, variance


def wrong_normalise__moves_when_frozen(x, mean, variance, momentum, frozen):
    used = (mean, variance) if frozen else (x.mean(axis=0), x.var(axis=0))
    y = (x - used[0]) / np.sqrt(used[1] + 0.001)
    mean = momentum * mean + (1 - momentum) * x.mean(axis=0)
    return y, mean, momentum * variance + (1 - momentum) * x.var(axis=0)


def wrong_normalise__momentum_upside_down(x, mean, variance, momentum, frozen):
    if frozen:
        return (x - mean) / np.sqrt(variance + 0.001), mean, variance
    m, v = x.mean(axis=0), x.var(axis=0)
    y = (x - m) / np.sqrt(v + 0.001)
    return y, (1 - momentum) * mean + momentum * m, (1 - momentum) * variance + momentum * v


def wrong_normalise__axis(x, mean, variance, momentum, frozen):
    if frozen:
        return (x - mean) / np.sqrt(variance + 0.001), mean, variance
    m, v = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    y = (x - m) / np.sqrt(v + 0.001)
    return y, momentum * mean + (1 - momentum) * m, momentum * variance + (1 - momentum) * v


def wrong_normalise__no_root(x, mean, variance, momentum, frozen):
    if frozen:
        return (x - mean) / (variance + 0.001), mean, variance
    m, v = x.mean(axis=0), x.var(axis=0)
    mean, variance = momentum * mean + (1 - momentum) * m, momentum * variance + (1 - momentum) * v
    return (x - m) / (v + 0.001), mean, variance


def wrong_normalise__in_place(x, mean, variance, momentum, frozen):
    if frozen:
        return (x - mean) / np.sqrt(variance + 0.001), mean, variance
    m, v = x.mean(axis=0), x.var(axis=0)
    mean *= momentum
    mean += (1 - momentum) * m
    variance *= momentum
    variance += (1 - momentum) * v
    return (x - m) / np.sqrt(v + 0.001), mean, variance


def wrong_normalise__one_number_for_all(x, mean, variance, momentum, frozen):
    if frozen:
        return (x - mean) / np.sqrt(variance + 0.001), mean, variance
    m, v = x.mean(), x.var()
    mean, variance = momentum * mean + (1 - momentum) * m, momentum * variance + (1 - momentum) * v
    return (x - m) / np.sqrt(v + 0.001), mean, variance


def right_normalise__moved_by_the_difference(x, mean, variance, momentum, frozen):
    m, v = (mean, variance) if frozen else (np.mean(x, axis=0), np.var(x, axis=0))
    step = 1 - momentum
    return (x - m) * (v + 0.001) ** -0.5, mean + step * (m - mean), variance + step * (v - variance)


def right_normalise__variance_by_hand(x, mean, variance, momentum, frozen):
    m, v = mean, variance
    if not frozen:
        m = x.sum(axis=0) / len(x)
        v = ((x - m) ** 2).sum(axis=0) / len(x)
        mean = mean * momentum + m * (1 - momentum)
        variance = variance * momentum + v * (1 - momentum)
    return [(x - m) / np.sqrt(v + 1e-3), mean, variance]
