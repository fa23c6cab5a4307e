"""What students write in lesson 17."""

# ruff: noqa: F821 (the names of the lesson are there when these run)


def wrong_new_size__same_rounded_down(n, window, stride, padding):
    return n // stride if padding == "same" else (n - window) // stride + 1


def wrong_new_size__without_the_first_place(n, window, stride, padding):
    return -(-n // stride) if padding == "same" else (n - window) // stride


def wrong_new_size__valid_rounded_up(n, window, stride, padding):
    return -(-n // stride) if padding == "same" else -(-(n - window) // stride) + 1


def wrong_new_size__padding_ignored(n, window, stride, padding):
    return (n - window) // stride + 1


def wrong_new_size__window_in_same(n, window, stride, padding):
    return (n - window) // stride + (2 if padding == "same" else 1)


def wrong_new_size__a_fraction(n, window, stride, padding):
    return n / stride if padding == "same" else (n - window) / stride + 1


def right_new_size__count_the_places(n, window, stride, padding):
    return len(range(0, n if padding == "same" else n - window + 1, stride))


def right_new_size__round_up(n, window, stride, padding):
    return int(np.ceil((n if padding == "same" else n - window + 1) / stride))


def wrong_sizes__last_window_only(branches, n, padding):
    behind = {}
    for name, windows in branches.items():
        behind[name] = n
        for window, stride in windows:
            behind[name] = new_size(n, window, stride, padding)
    return behind, len(set(behind.values())) == 1


def wrong_sizes__goes_on_from_the_last_branch(branches, n, padding):
    behind = {}
    for name, windows in branches.items():
        for window, stride in windows:
            n = new_size(n, window, stride, padding)
        behind[name] = n
    return behind, len(set(behind.values())) == 1


def wrong_sizes__first_window_only(branches, n, padding):
    behind = {
        name: new_size(n, *windows[0], padding) if windows else n
        for name, windows in branches.items()
    }
    return behind, len(set(behind.values())) == 1


def wrong_sizes__only_the_dict(branches, n, padding):
    behind = {}
    for name, windows in branches.items():
        size = n
        for window, stride in windows:
            size = new_size(size, window, stride, padding)
        behind[name] = size
    return behind


def wrong_sizes__any_two_equal(branches, n, padding):
    behind = {}
    for name, windows in branches.items():
        size = n
        for window, stride in windows:
            size = new_size(size, window, stride, padding)
        behind[name] = size
    return behind, len(set(behind.values())) < len(behind) or len(behind) == 1


def wrong_sizes__first_and_last_only(branches, n, padding):
    behind = {}
    for name, windows in branches.items():
        size = n
        for window, stride in windows:
            size = new_size(size, window, stride, padding)
        behind[name] = size
    found = list(behind.values())
    return behind, found[0] == found[-1]


def wrong_sizes__fits_is_a_size(branches, n, padding):
    behind = {}
    for name, windows in branches.items():
        size = n
        for window, stride in windows:
            size = new_size(size, window, stride, padding)
        behind[name] = size
    return behind, min(behind.values())


def wrong_sizes__always_valid(branches, n, padding):
    behind = {}
    for name, windows in branches.items():
        size = n
        for window, stride in windows:
            size = new_size(size, window, stride, "valid")
        behind[name] = size
    return behind, len(set(behind.values())) == 1


def right_sizes__reduce(branches, n, padding):
    from functools import reduce

    behind = {
        name: reduce(lambda size, pair: new_size(size, *pair, padding), windows, n)
        for name, windows in branches.items()
    }
    return behind, min(behind.values()) == max(behind.values())


def wrong_slope_of_tower__added(slope, blocks, residual):
    return blocks * (1 + slope) if residual else blocks * slope


def wrong_slope_of_tower__one_plus_the_product(slope, blocks, residual):
    return 1 + slope**blocks if residual else slope**blocks


def wrong_slope_of_tower__the_same(slope, blocks, residual):
    return slope**blocks


def wrong_slope_of_tower__exchanged(slope, blocks, residual):
    return slope**blocks if residual else (1 + slope) ** blocks


def wrong_slope_of_tower__one_block_less(slope, blocks, residual):
    return (1 + slope if residual else slope) ** (blocks - 1)


def right_slope_of_tower__loop(slope, blocks, residual):
    product = 1.0
    for _ in range(blocks):
        product *= slope + residual
    return product


def wrong_block__one_convolution(x, residual, convolution):
    y = convolution(x)
    return tg.layers.add([x, y]) if residual else y


def wrong_block__added_between(x, residual, convolution):
    y = convolution(x)
    if residual:
        y = tg.layers.add([x, y])
    return convolution(y)


def wrong_block__input_after_one(x, residual, convolution):
    x = convolution(x)
    y = convolution(x)
    return tg.layers.add([x, y]) if residual else y


def wrong_block__always_added(x, residual, convolution):
    return tg.layers.add([x, convolution(convolution(x))])


def wrong_block__two_of_x(x, residual, convolution):
    return tg.layers.add([convolution(x), convolution(x)]) if residual else convolution(x)


def wrong_block__side_by_side(x, residual, convolution):
    y = convolution(convolution(x))
    return tg.layers.concatenate([x, y]) if residual else y


def right_block__plus(x, residual, convolution):
    y = convolution(convolution(x))
    return x + y if residual else y


def right_block__early_return(x, residual, convolution):
    if not residual:
        return convolution(convolution(x))
    return tg.layers.add([convolution(convolution(x)), x])
