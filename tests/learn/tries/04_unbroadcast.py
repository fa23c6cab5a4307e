"""What students write in lesson 4."""


def wrong_my_prediction__one_number():
    return 4


def wrong_my_prediction__four_numbers():
    return [3, 3, 3, 3]


def wrong_my_prediction__words():
    return ["4", "4", "4"]


def wrong_my_prediction__a_table():
    return [[1, 1, 1]] * 4


def wrong_my_prediction__a_string():
    return "444"


def right_my_prediction__a_wrong_guess():
    return [1, 1, 1]


def right_my_prediction__an_array():
    return np.array([100.0, 200.0, 300.0])


def wrong_measured_gradient__all_at_once(f, array, h=1e-3):
    return np.full(array.shape, (f(array + h) - f(array - h)) / (2 * h))


def wrong_measured_gradient__one_number(f, array, h=1e-3):
    return (f(array + h) - f(array - h)) / (2 * h)


def wrong_measured_gradient__in_place(f, array, h=1e-3):
    gradient = np.zeros(array.shape)
    for place in np.ndindex(array.shape):
        array[place] += h
        up = f(array)
        array[place] -= h
        down = f(array)
        gradient[place] = (up - down) / (2 * h)
    return gradient


def wrong_measured_gradient__a_second_name(f, array, h=1e-3):
    gradient = np.zeros(array.shape)
    for place in np.ndindex(array.shape):
        up, down = array, array
        up[place] += h
        down[place] -= h
        gradient[place] = (f(up) - f(down)) / (2 * h)
    return gradient


def wrong_measured_gradient__one_copy_for_all(f, array, h=1e-3):
    gradient = np.zeros(array.shape)
    up, down = array.copy(), array.copy()
    for place in np.ndindex(array.shape):
        up[place] += h
        down[place] -= h
        gradient[place] = (f(up) - f(down)) / (2 * h)
    return gradient


def wrong_measured_gradient__divided_by_h(f, array, h=1e-3):
    gradient = np.zeros(array.shape)
    for place in np.ndindex(array.shape):
        up, down = array.copy(), array.copy()
        up[place] += h
        down[place] -= h
        gradient[place] = (f(up) - f(down)) / h
    return gradient


def wrong_measured_gradient__to_one_side(f, array, h=1e-3):
    gradient = np.zeros(array.shape)
    for place in np.ndindex(array.shape):
        up = array.copy()
        up[place] += h
        gradient[place] = (f(up) - f(array)) / h
    return gradient


def wrong_measured_gradient__first_axis_only(f, array, h=1e-3):
    gradient = np.zeros(array.shape)
    for n in range(len(array)):
        up, down = array.copy(), array.copy()
        up[n] += h
        down[n] -= h
        gradient[n] = (f(up) - f(down)) / (2 * h)
    return gradient


def wrong_measured_gradient__a_flat_list(f, array, h=1e-3):
    gradient = []
    for place in np.ndindex(array.shape):
        up, down = array.copy(), array.copy()
        up[place] += h
        down[place] -= h
        gradient.append((f(up) - f(down)) / (2 * h))
    return gradient


def wrong_measured_gradient__return_in_the_loop(f, array, h=1e-3):
    gradient = np.zeros(array.shape)
    for place in np.ndindex(array.shape):
        up, down = array.copy(), array.copy()
        up[place] += h
        down[place] -= h
        gradient[place] = (f(up) - f(down)) / (2 * h)
        return gradient


def wrong_measured_gradient__zeros_like_the_array_of_the_lesson(f, array, h=1e-3):
    gradient = np.zeros(3)
    for n in range(3):
        step = np.zeros(3)
        step[n] = h
        gradient[n] = (f(array + step) - f(array - step)) / (2 * h)
    return gradient


def right_measured_gradient__steps(f, array, h=1e-3):
    gradient = np.empty_like(array)
    for place in np.ndindex(*array.shape):
        step = np.zeros_like(array)
        step[place] = h
        gradient[place] = f(array + step) / (2 * h) - f(array - step) / (2 * h)
    return gradient


def right_measured_gradient__flat(f, array, h=1e-3):
    slopes = []
    for n in range(array.size):
        step = h * (np.arange(array.size) == n).reshape(array.shape)
        slopes.append((f(array + step) - f(array - step)) / (2 * h))
    return np.reshape(slopes, array.shape)


def right_measured_gradient__written_and_put_back(f, array, h=1e-3):
    gradient = np.zeros(array.shape)
    for place in np.ndindex(array.shape):
        before = float(array[place])
        array[place] = before + h
        up = f(array)
        array[place] = before - h
        down = f(array)
        array[place] = before
        gradient[place] = (up - down) / (2 * h)
    return gradient


def wrong_sum_new_axes__last_axis(g, ndim):
    while g.ndim > ndim:
        g = g.sum(axis=-1)
    return g


def wrong_sum_new_axes__once(g, ndim):
    if g.ndim > ndim:
        g = g.sum(axis=0)
    return g


def wrong_sum_new_axes__always(g, ndim):
    return g.sum(axis=0)


def wrong_sum_new_axes__everything(g, ndim):
    return g.sum()


def wrong_sum_new_axes__keepdims(g, ndim):
    for _ in range(g.ndim - ndim):
        g = g.sum(axis=0, keepdims=True)
    return g


def wrong_sum_new_axes__a_mean(g, ndim):
    while g.ndim > ndim:
        g = g.mean(axis=0)
    return g


def wrong_sum_new_axes__takes_one_row(g, ndim):
    while g.ndim > ndim:
        g = g[0]
    return g


def right_sum_new_axes__all_at_once(g, ndim):
    return g.sum(axis=tuple(range(g.ndim - ndim)))


def right_sum_new_axes__python_sum(g, ndim):
    while np.ndim(g) > ndim:
        g = sum(g)
    return g


def wrong_unbroadcast__new_axes_only(g, shape):
    return sum_new_axes(g, len(shape))


def wrong_unbroadcast__stretched_axes_only(g, shape):
    for axis, length in enumerate(shape):
        if length == 1:
            g = g.sum(axis=axis, keepdims=True)
    return g


def wrong_unbroadcast__stretched_axes_first(g, shape):
    for axis, length in enumerate(shape):
        if length == 1:
            g = g.sum(axis=axis, keepdims=True)
    return sum_new_axes(g, len(shape))


def wrong_unbroadcast__no_keepdims(g, shape):
    g = sum_new_axes(g, len(shape))
    for axis, length in enumerate(shape):
        if length == 1:
            g = g.sum(axis=axis)
    return g


def wrong_unbroadcast__reshape(g, shape):
    return np.resize(g, shape)


def wrong_unbroadcast__a_mean(g, shape):
    g = sum_new_axes(g, len(shape))
    for axis, length in enumerate(shape):
        if length == 1:
            g = g.mean(axis=axis, keepdims=True)
    return g


def wrong_unbroadcast__first_stretched_axis_only(g, shape):
    g = sum_new_axes(g, len(shape))
    for axis, length in enumerate(shape):
        if length == 1:
            return g.sum(axis=axis, keepdims=True)
    return g


def wrong_unbroadcast__a_list_of_axes(g, shape):
    return g.sum(
        axis=tuple(axis for axis, length in enumerate(shape) if length == 1), keepdims=True
    )


def wrong_unbroadcast__one_copy(g, shape):
    g = sum_new_axes(g, len(shape))
    return g[tuple(slice(0, length) for length in shape)]


def right_unbroadcast__all_axes_at_once(g, shape):
    new = g.ndim - len(shape)
    stretched = tuple(new + axis for axis, length in enumerate(shape) if length == 1)
    return g.sum(axis=(*range(new), *stretched)).reshape(shape)


def right_unbroadcast__padded_shape(g, shape):
    padded = (1,) * (g.ndim - len(shape)) + tuple(shape)
    for axis in range(g.ndim):
        if padded[axis] == 1 and g.shape[axis] != 1:
            g = np.sum(g, axis, keepdims=True)
    return g.reshape(shape)


def right_unbroadcast__the_library(g, shape):
    return ops.unbroadcast(g[None], shape)[0]
