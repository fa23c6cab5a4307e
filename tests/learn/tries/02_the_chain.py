"""What students write in lesson 2."""


def wrong_loss_and_gradient__first_pullback_first(w, x, target):
    a, (pull_w, pull_x) = ops.multiply(w, x)
    y, (pull_a,) = ops.tanh(a)
    e, (pull_y, pull_target) = ops.subtract(y, target)
    loss, (pull_e,) = ops.square(e)
    return loss, pull_e(pull_y(pull_a(pull_w(1.0))))


def wrong_loss_and_gradient__two_exchanged(w, x, target):
    a, (pull_w, pull_x) = ops.multiply(w, x)
    y, (pull_a,) = ops.tanh(a)
    e, (pull_y, pull_target) = ops.subtract(y, target)
    loss, (pull_e,) = ops.square(e)
    return loss, pull_w(pull_y(pull_a(pull_e(1.0))))


def wrong_loss_and_gradient__of_x(w, x, target):
    a, (pull_w, pull_x) = ops.multiply(w, x)
    y, (pull_a,) = ops.tanh(a)
    e, (pull_y, pull_target) = ops.subtract(y, target)
    loss, (pull_e,) = ops.square(e)
    return loss, pull_x(pull_a(pull_y(pull_e(1.0))))


def wrong_loss_and_gradient__pullback_of_target(w, x, target):
    a, (pull_w, pull_x) = ops.multiply(w, x)
    y, (pull_a,) = ops.tanh(a)
    e, (pull_y, pull_target) = ops.subtract(y, target)
    loss, (pull_e,) = ops.square(e)
    return loss, pull_w(pull_a(pull_target(pull_e(1.0))))


def wrong_loss_and_gradient__starts_with_the_loss(w, x, target):
    a, (pull_w, pull_x) = ops.multiply(w, x)
    y, (pull_a,) = ops.tanh(a)
    e, (pull_y, pull_target) = ops.subtract(y, target)
    loss, (pull_e,) = ops.square(e)
    return loss, pull_w(pull_a(pull_y(pull_e(loss))))


def wrong_loss_and_gradient__each_with_one(w, x, target):
    a, (pull_w, pull_x) = ops.multiply(w, x)
    y, (pull_a,) = ops.tanh(a)
    e, (pull_y, pull_target) = ops.subtract(y, target)
    loss, (pull_e,) = ops.square(e)
    return loss, pull_w(1.0) + pull_a(1.0) + pull_y(1.0) + pull_e(1.0)


def wrong_loss_and_gradient__square_forgotten(w, x, target):
    a, (pull_w, pull_x) = ops.multiply(w, x)
    y, (pull_a,) = ops.tanh(a)
    e, (pull_y, pull_target) = ops.subtract(y, target)
    return e * e, pull_w(pull_a(pull_y(1.0)))


def wrong_loss_and_gradient__the_error_for_the_loss(w, x, target):
    a, (pull_w, pull_x) = ops.multiply(w, x)
    y, (pull_a,) = ops.tanh(a)
    e, (pull_y, pull_target) = ops.subtract(y, target)
    loss, (pull_e,) = ops.square(e)
    return e, pull_w(pull_a(pull_y(pull_e(1.0))))


def wrong_loss_and_gradient__the_gradient_alone(w, x, target):
    a, (pull_w, pull_x) = ops.multiply(w, x)
    y, (pull_a,) = ops.tanh(a)
    e, (pull_y, pull_target) = ops.subtract(y, target)
    loss, (pull_e,) = ops.square(e)
    return pull_w(pull_a(pull_y(pull_e(1.0))))


def wrong_loss_and_gradient__by_a_formula(w, x, target):
    y = math.tanh(w * x)
    return (y - target) ** 2, 2 * (y - target) * (1 - y * y) * x


def wrong_loss_and_gradient__constants(w, x, target):
    return 0.11414, -1.0629


def wrong_loss_and_gradient__with_the_engine(w, x, target):
    w = tg.Tensor(w, dtype="float64")
    loss = ops.square(ops.tanh(w * x) - target)
    return float(loss), float(tg.gradients(loss, w))


def right_loss_and_gradient__target_first(w, x, target):
    a, (pull_x, pull_w) = ops.multiply(x, w)
    y, (pull_a,) = ops.tanh(a)
    e, (pull_target, pull_y) = ops.subtract(target, y)
    loss, (pull_e,) = ops.square(e)
    return loss, pull_w(pull_a(pull_y(pull_e(1))))


def right_loss_and_gradient__all_gradients(w, x, target):
    a, of_product = ops.multiply(w, x)
    y, of_tanh = ops.tanh(a)
    e, of_difference = ops.subtract(y, target)
    loss, of_square = ops.square(e)
    g = of_square[0](1.0)
    found = [of_difference[1](g)]
    g = of_tanh[0](of_difference[0](g))
    found += [of_product[1](g), of_product[0](g)]
    return loss, found[-1]


def right_loss_and_gradient__a_loop(w, x, target):
    a, (pull_w, _) = ops.multiply(w, x)
    y, (pull_a,) = ops.tanh(a)
    e, (pull_y, _) = ops.subtract(y, target)
    loss, (pull_e,) = ops.square(e)
    g = 1.0
    for pull in (pull_e, pull_y, pull_a, pull_w):
        g = pull(g)
    return loss, g


def wrong_my_prediction__a_tuple():
    return 200, 1


def wrong_my_prediction__dots():
    return {"runs": ..., "sweeps": ...}


def wrong_my_prediction__words():
    return {"runs": "many", "sweeps": "one"}


def wrong_my_prediction__other_names():
    return {"differences": 200, "sweeps": 1}


def right_my_prediction__a_wrong_guess():
    return {"sweeps": 100, "runs": 100}


def wrong_chain_and_gradients__last_weight_first(weights, x):
    layers = []
    for w in weights:
        a, (pull_w, pull_x) = ops.multiply(w, x)
        x, (pull_a,) = ops.tanh(a)
        layers.append((pull_w, pull_x, pull_a))
    g, gradients = 1.0, []
    for pull_w, pull_x, pull_a in reversed(layers):
        g_a = pull_a(g)
        gradients.append(pull_w(g_a))
        g = pull_x(g_a)
    return x, gradients


def wrong_chain_and_gradients__not_reversed(weights, x):
    layers = []
    for w in weights:
        a, (pull_w, pull_x) = ops.multiply(w, x)
        x, (pull_a,) = ops.tanh(a)
        layers.append((pull_w, pull_x, pull_a))
    g, gradients = 1.0, []
    for pull_w, pull_x, pull_a in layers:
        g_a = pull_a(g)
        gradients.append(pull_w(g_a))
        g = pull_x(g_a)
    return x, gradients


def wrong_chain_and_gradients__g_stays_one(weights, x):
    layers = []
    for w in weights:
        a, (pull_w, pull_x) = ops.multiply(w, x)
        x, (pull_a,) = ops.tanh(a)
        layers.append((pull_w, pull_x, pull_a))
    gradients = []
    for pull_w, pull_x, pull_a in reversed(layers):
        gradients.insert(0, pull_w(pull_a(1.0)))
    return x, gradients


def wrong_chain_and_gradients__goes_on_with_the_weight(weights, x):
    layers = []
    for w in weights:
        a, (pull_w, pull_x) = ops.multiply(w, x)
        x, (pull_a,) = ops.tanh(a)
        layers.append((pull_w, pull_x, pull_a))
    g, gradients = 1.0, []
    for pull_w, pull_x, pull_a in reversed(layers):
        g = pull_w(pull_a(g))
        gradients.insert(0, g)
    return x, gradients


def wrong_chain_and_gradients__multiply_before_tanh(weights, x):
    layers = []
    for w in weights:
        a, (pull_w, pull_x) = ops.multiply(w, x)
        x, (pull_a,) = ops.tanh(a)
        layers.append((pull_w, pull_x, pull_a))
    g, gradients = 1.0, []
    for pull_w, pull_x, pull_a in reversed(layers):
        gradients.insert(0, pull_a(pull_w(g)))
        g = pull_a(pull_x(g))
    return x, gradients


def wrong_chain_and_gradients__tanh_forgotten_on_the_way_back(weights, x):
    layers = []
    for w in weights:
        a, (pull_w, pull_x) = ops.multiply(w, x)
        x, (pull_a,) = ops.tanh(a)
        layers.append((pull_w, pull_x))
    g, gradients = 1.0, []
    for pull_w, pull_x in reversed(layers):
        gradients.insert(0, pull_w(g))
        g = pull_x(g)
    return x, gradients


def wrong_chain_and_gradients__each_layer_gets_the_first_x(weights, x):
    layers = []
    for w in weights:
        a, (pull_w, pull_x) = ops.multiply(w, x)
        y, (pull_a,) = ops.tanh(a)
        layers.append((pull_w, pull_x, pull_a))
    g, gradients = 1.0, []
    for pull_w, pull_x, pull_a in reversed(layers):
        g_a = pull_a(g)
        gradients.insert(0, pull_w(g_a))
        g = pull_x(g_a)
    return y, gradients


def wrong_chain_and_gradients__the_last_pullbacks_for_all(weights, x):
    for w in weights:
        a, (pull_w, pull_x) = ops.multiply(w, x)
        x, (pull_a,) = ops.tanh(a)
    g, gradients = 1.0, []
    for w in weights:
        g_a = pull_a(g)
        gradients.insert(0, pull_w(g_a))
        g = pull_x(g_a)
    return x, gradients


def wrong_chain_and_gradients__only_the_gradients(weights, x):
    layers = []
    for w in weights:
        a, (pull_w, pull_x) = ops.multiply(w, x)
        x, (pull_a,) = ops.tanh(a)
        layers.append((pull_w, pull_x, pull_a))
    g, gradients = 1.0, []
    for pull_w, pull_x, pull_a in reversed(layers):
        g_a = pull_a(g)
        gradients.insert(0, pull_w(g_a))
        g = pull_x(g_a)
    return gradients


def wrong_chain_and_gradients__uses_up_the_weights(weights, x):
    layers = []
    while weights:
        a, (pull_w, pull_x) = ops.multiply(weights.pop(0), x)
        x, (pull_a,) = ops.tanh(a)
        layers.append((pull_w, pull_x, pull_a))
    g, gradients = 1.0, []
    for pull_w, pull_x, pull_a in reversed(layers):
        g_a = pull_a(g)
        gradients.insert(0, pull_w(g_a))
        g = pull_x(g_a)
    return x, gradients


def right_chain_and_gradients__by_calling_itself(weights, x):
    def rest(n, x):
        if n == len(weights):
            return x, 1.0, []
        a, (pull_w, pull_x) = ops.multiply(weights[n], x)
        y, (pull_a,) = ops.tanh(a)
        value, g, gradients = rest(n + 1, y)
        g_a = pull_a(g)
        return value, pull_x(g_a), [pull_w(g_a), *gradients]

    value, _, gradients = rest(0, x)
    return value, gradients


def right_chain_and_gradients__two_lists(weights, x):
    products, curves = [], []
    for w in weights:
        a, back = ops.multiply(x, w)
        products += [back]
        x, back = ops.tanh(a)
        curves += [back]
    gradients, g = [0.0] * len(weights), 1
    for n in range(len(weights) - 1, -1, -1):
        (pull_a,), (pull_x, pull_w) = curves[n], products[n]
        g = pull_a(g)
        gradients[n] = pull_w(g)
        g = pull_x(g)
    return x, gradients
