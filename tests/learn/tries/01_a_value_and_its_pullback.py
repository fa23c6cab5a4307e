"""What students write in lesson 1."""


def wrong_multiply__constants(x, y):
    return 6.0, (lambda g: 3.0, lambda g: 2.0)


def wrong_multiply__constants_times_g(x, y):
    return 6.0, (lambda g: 3.0 * g, lambda g: 2.0 * g)


def wrong_multiply__exchanged(x, y):
    return x * y, (lambda g: g * x, lambda g: g * y)


def wrong_multiply__no_g(x, y):
    return x * y, (lambda g: y, lambda g: x)


def wrong_multiply__like_add(x, y):
    return x * y, (lambda g: g, lambda g: g)


def wrong_multiply__times_the_value(x, y):
    return x * y, (lambda g: g * x * y, lambda g: g * x * y)


def wrong_multiply__slopes_not_functions(x, y):
    return x * y, (y, x)


def wrong_multiply__one_pullback(x, y):
    return x * y, (lambda g: (g * y, g * x),)


def wrong_multiply__three_things(x, y):
    return x * y, lambda g: g * y, lambda g: g * x


def wrong_multiply__a_sum(x, y):
    return x + y, (lambda g: g * y, lambda g: g * x)


def wrong_multiply__g_added(x, y):
    return x * y, (lambda g: g + y, lambda g: g + x)


def wrong_multiply__no_return(x, y):
    x * y, (lambda g: g * y, lambda g: g * x)


def wrong_multiply__one_memory_for_all(x, y, memory={}):
    memory["x"], memory["y"] = x, y
    return x * y, (lambda g: g * memory["y"], lambda g: g * memory["x"])


def right_multiply__named_functions(x, y):
    def pull_x(g):
        return y * g

    def pull_y(g):
        return x * g

    return (x * y, (pull_x, pull_y))


def right_multiply__the_library(x, y):
    return ops.multiply(x, y)


def wrong_tanh__slope_without_square(x):
    y = math.tanh(x)
    return y, (lambda g: g * (1 - y),)


def wrong_tanh__slope_of_the_input(x):
    return math.tanh(x), (lambda g: g * (1 - x * x),)


def wrong_tanh__no_comma(x):
    y = math.tanh(x)
    return y, (lambda g: g * (1 - y * y))


def wrong_tanh__no_g(x):
    y = math.tanh(x)
    return y, (lambda g: 1 - y * y,)


def wrong_tanh__parentheses(x):
    y = math.tanh(x)
    return y, (lambda g: g * 1 - y * y,)


def wrong_tanh__constants(x):
    return 0.6043677771171636, (lambda g: g * 0.6347395899824757,)


def wrong_tanh__the_value_for_the_gradient(x):
    y = math.tanh(x)
    return y, (lambda g: y,)


def wrong_tanh__another_curve(x):
    y = 1 / (1 + math.exp(-x))
    return y, (lambda g: g * y * (1 - y),)


def wrong_tanh__a_list_of_two(x):
    y = math.tanh(x)
    return y, (lambda g: g * (1 - y * y), lambda g: g)


def right_tanh__with_cosh(x):
    return math.tanh(x), (lambda g: g / math.cosh(x) ** 2,)


def right_tanh__a_list(x):
    y = np.tanh(x)
    return y, [lambda g: g - g * y**2]


def wrong_central_difference__brackets(f, x, h):
    return (f(x + h) - f(x - h)) / 2 * h


def wrong_central_difference__divided_by_h(f, x, h):
    return (f(x + h) - f(x - h)) / h


def wrong_central_difference__one_side(f, x, h):
    return (f(x + h) - f(x)) / h


def wrong_central_difference__other_sign(f, x, h):
    return (f(x - h) - f(x + h)) / (2 * h)


def wrong_central_difference__a_sum(f, x, h):
    return (f(x + h) + f(x - h)) / (2 * h)


def wrong_central_difference__a_step_of_its_own(f, x, h):
    h = 1e-5
    return (f(x + h) - f(x - h)) / (2 * h)


def wrong_central_difference__h_is_overwritten(f, x, h):
    h = 1e-5
    return (f(x + h) - f(x - h)) / (2 * h)


def wrong_central_difference__without_f(f, x, h):
    return ((x + h) - (x - h)) / (2 * h)


def right_central_difference__in_two_lines(f, x, h):
    right, left = x + h, x - h
    return (f(right) - f(left)) / (right - left)


def right_central_difference__mean_of_both_sides(f, x, h):
    return ((f(x + h) - f(x)) / h + (f(x) - f(x - h)) / h) / 2


def wrong_largest_gap__first_input_only(op, *inputs):
    _, pullbacks = op(*inputs)
    measured = central_difference(lambda x: op(x, *inputs[1:])[0], inputs[0], 1e-5)
    return abs(pullbacks[0](1.0) - measured)


def wrong_largest_gap__no_sign(op, *inputs):
    _, pullbacks = op(*inputs)
    gaps = []
    for n in range(len(inputs)):
        value = lambda x: op(*inputs[:n], x, *inputs[n + 1 :])[0]
        gaps.append(pullbacks[n](1.0) - central_difference(value, inputs[n], 1e-5))
    return max(gaps)


def wrong_largest_gap__the_smallest(op, *inputs):
    _, pullbacks = op(*inputs)
    gaps = []
    for n in range(len(inputs)):
        value = lambda x: op(*inputs[:n], x, *inputs[n + 1 :])[0]
        gaps.append(abs(pullbacks[n](1.0) - central_difference(value, inputs[n], 1e-5)))
    return min(gaps)


def wrong_largest_gap__the_sum(op, *inputs):
    _, pullbacks = op(*inputs)
    gaps = []
    for n in range(len(inputs)):
        value = lambda x: op(*inputs[:n], x, *inputs[n + 1 :])[0]
        gaps.append(abs(pullbacks[n](1.0) - central_difference(value, inputs[n], 1e-5)))
    return sum(gaps)


def wrong_largest_gap__all_inputs_move(op, *inputs):
    _, pullbacks = op(*inputs)
    gaps = []
    for n in range(len(inputs)):
        up = op(*[x + 1e-5 for x in inputs])[0]
        down = op(*[x - 1e-5 for x in inputs])[0]
        gaps.append(abs(pullbacks[n](1.0) - (up - down) / 2e-5))
    return max(gaps)


def wrong_largest_gap__pullbacks_not_called(op, *inputs):
    value, pullbacks = op(*inputs)
    return max(abs(pull(1.0) - value) for pull in pullbacks)


def wrong_largest_gap__a_return_in_the_loop(op, *inputs):
    _, pullbacks = op(*inputs)
    for n in range(len(inputs)):
        value = lambda x: op(*inputs[:n], x, *inputs[n + 1 :])[0]
        return abs(pullbacks[n](1.0) - central_difference(value, inputs[n], 1e-5))


def wrong_largest_gap__always_the_first_pullback(op, *inputs):
    _, (pull, *rest) = op(*inputs)
    gaps = []
    for n in range(len(inputs)):
        value = lambda x: op(*inputs[:n], x, *inputs[n + 1 :])[0]
        gaps.append(abs(pull(1.0) - central_difference(value, inputs[n], 1e-5)))
    return max(gaps)


def wrong_largest_gap__two_inputs_only(op, x, y):
    _, (pull_x, pull_y) = op(x, y)
    of_x = central_difference(lambda new: op(new, y)[0], x, 1e-5)
    of_y = central_difference(lambda new: op(x, new)[0], y, 1e-5)
    return max(abs(pull_x(1.0) - of_x), abs(pull_y(1.0) - of_y))


def right_largest_gap__a_loop(op, *inputs):
    value, pullbacks = op(*inputs)
    largest = 0.0
    for n, pull in enumerate(pullbacks):
        up, down = list(inputs), list(inputs)
        up[n] = up[n] + 1e-5
        down[n] = down[n] - 1e-5
        measured = (op(*up)[0] - op(*down)[0]) / 2e-5
        if abs(pull(1.0) - measured) > largest:
            largest = abs(pull(1.0) - measured)
    return largest


def right_largest_gap__numpy(op, *inputs):
    def moved(n, x):
        return op(*[x if k == n else old for k, old in enumerate(inputs)])[0]

    slopes = [central_difference(lambda x, n=n: moved(n, x), x, 1e-5) for n, x in enumerate(inputs)]
    return np.abs(np.array([pull(1) for pull in op(*inputs)[1]]) - slopes).max()


def wrong_my_prediction__a_string():
    return "1e-5"


def wrong_my_prediction__another_number():
    return 1e-7


def wrong_my_prediction__all_three():
    return [0.1, 1e-5, 1e-15]


def wrong_my_prediction__a_word():
    return "the smallest"


def right_my_prediction__a_wrong_guess():
    return 0.000000000000001


def right_my_prediction__another_guess():
    return 1 / 10
