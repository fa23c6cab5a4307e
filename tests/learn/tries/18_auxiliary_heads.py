"""What students write in lesson 18."""

# ruff: noqa: F821 (the names of the lesson are there when these run)


def wrong_add_heads__off_by_one(blocks):
    dense = tg.layers.Dense
    return [
        dense(10, name="main")(blocks[-1]),
        dense(10, name="exit_5")(blocks[5]),
        dense(10, name="exit_10")(blocks[10]),
    ]


def wrong_add_heads__main_last(blocks):
    dense = tg.layers.Dense
    return [
        dense(10, name="exit_5")(blocks[4]),
        dense(10, name="exit_10")(blocks[9]),
        dense(10, name="main")(blocks[-1]),
    ]


def wrong_add_heads__softmax(blocks):
    places = {"main": -1, "exit_5": 4, "exit_10": 9}
    return [tg.layers.Dense(10, "softmax", name=n)(blocks[k]) for n, k in places.items()]


def wrong_add_heads__all_at_the_end(blocks):
    return [tg.layers.Dense(10, name=n)(blocks[-1]) for n in ("main", "exit_5", "exit_10")]


def wrong_add_heads__one_unit(blocks):
    places = {"main": -1, "exit_5": 4, "exit_10": 9}
    return [tg.layers.Dense(1, name=n)(blocks[k]) for n, k in places.items()]


def wrong_add_heads__two(blocks):
    places = {"main": -1, "exit_5": 4}
    return [tg.layers.Dense(10, name=n)(blocks[k]) for n, k in places.items()]


def wrong_add_heads__a_dict(blocks):
    places = {"main": -1, "exit_5": 4, "exit_10": 9}
    return {n: tg.layers.Dense(10, name=n)(blocks[k]) for n, k in places.items()}


def right_add_heads__comprehension(blocks):
    places = {"main": len(blocks), "exit_5": 5, "exit_10": 10}
    return [tg.layers.Dense(10, name=n)(blocks[k - 1]) for n, k in places.items()]


def right_add_heads__a_tuple(blocks):
    main = tg.layers.Dense(10, name="main")(blocks[14])
    five = tg.layers.Dense(10, activation=None, name="exit_5")(blocks[4])
    return main, five, tg.layers.Dense(10, name="exit_10")(blocks[9])


def wrong_blocks_reached__behind(number):
    return list(range(number, BLOCKS + 1))


def wrong_blocks_reached__without_its_own(number):
    return list(range(1, number))


def wrong_blocks_reached__from_zero(number):
    return list(range(number + 1))


def wrong_blocks_reached__own_only(number):
    return [number]


def wrong_blocks_reached__all(number):
    return list(range(1, BLOCKS + 1))


def wrong_blocks_reached__a_number(number):
    return number


def right_blocks_reached__a_range(number):
    return range(1, number + 1)


def right_blocks_reached__backwards(number):
    return list(range(number, 0, -1))


def wrong_gradient_at_blocks__main_only(blocks, slope, exits):
    last = max(exits)
    return [exits[last] * slope ** (last - k) if k <= last else 0 for k in range(1, blocks + 1)]


def wrong_gradient_at_blocks__both_directions(blocks, slope, exits):
    return [sum(w * slope ** abs(p - k) for p, w in exits.items()) for k in range(1, blocks + 1)]


def wrong_gradient_at_blocks__one_factor_more(blocks, slope, exits):
    return [
        sum(w * slope ** (p - k + 1) for p, w in exits.items() if p >= k)
        for k in range(1, blocks + 1)
    ]


def wrong_gradient_at_blocks__own_block_left_out(blocks, slope, exits):
    return [
        sum(w * slope ** (p - k) for p, w in exits.items() if p > k) for k in range(1, blocks + 1)
    ]


def wrong_gradient_at_blocks__from_zero(blocks, slope, exits):
    return [sum(w * slope ** (p - k) for p, w in exits.items() if p >= k) for k in range(blocks)]


def wrong_gradient_at_blocks__weight_in_the_power(blocks, slope, exits):
    return [
        sum((w * slope) ** (p - k) for p, w in exits.items() if p >= k)
        for k in range(1, blocks + 1)
    ]


def wrong_gradient_at_blocks__the_sum(blocks, slope, exits):
    return sum(w * slope ** (p - 1) for p, w in exits.items())


def right_gradient_at_blocks__from_the_end(blocks, slope, exits):
    found, arriving = [], 0.0
    for k in range(blocks, 0, -1):
        arriving = arriving * slope + exits.get(k, 0.0)
        found.insert(0, arriving)
    return found


def right_gradient_at_blocks__an_array(blocks, slope, exits):
    found = np.zeros(blocks)
    for p, w in exits.items():
        found[:p] += w * slope ** np.arange(p - 1, -1, -1)
    return found


def wrong_without_exits__all_outputs(model):
    return tg.Model(model.inputs, model.outputs)


def wrong_without_exits__a_list(model):
    return tg.Model(model.inputs, [model.outputs["main"]])


def wrong_without_exits__wrong_head(model):
    return tg.Model(model.inputs, model.outputs["exit_5"])


def wrong_without_exits__the_tensor(model):
    return model.outputs["main"]


def wrong_without_exits__the_same_model(model):
    return model


def right_without_exits__from_the_layer(model):
    return tg.Model(list(model.inputs.values()), model.outputs["main"])
