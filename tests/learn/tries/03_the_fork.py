"""What students write in lesson 3."""


def wrong_my_prediction__a_number():
    return 2.0


def wrong_my_prediction__another_word():
    return "both"


def wrong_my_prediction__a_list():
    return ["sum"]


def wrong_my_prediction__two_words():
    return "sum or mean"


def right_my_prediction__a_wrong_guess():
    return "mean"


def right_my_prediction__another_guess():
    return "product"


def wrong_gradient_at_fork__mean(a):
    s, (pull_square,) = ops.square(a)
    t, (pull_tanh,) = ops.tanh(a)
    loss, (pull_s, pull_t) = ops.add(s, t)
    return (pull_square(pull_s(1.0)) + pull_tanh(pull_t(1.0))) / 2


def wrong_gradient_at_fork__product(a):
    s, (pull_square,) = ops.square(a)
    t, (pull_tanh,) = ops.tanh(a)
    return pull_square(1.0) * pull_tanh(1.0)


def wrong_gradient_at_fork__larger(a):
    return max(ops.square(a)[1][0](1.0), ops.tanh(a)[1][0](1.0))


def wrong_gradient_at_fork__upper_way(a):
    return ops.square(a)[1][0](1.0)


def wrong_gradient_at_fork__lower_way(a):
    return ops.tanh(a)[1][0](1.0)


def wrong_gradient_at_fork__both_apart(a):
    return ops.square(a)[1][0](1.0), ops.tanh(a)[1][0](1.0)


def wrong_gradient_at_fork__the_value(a):
    return ops.square(a)[0] + ops.tanh(a)[0]


def wrong_gradient_at_fork__constant(a):
    return 2.0 + 0.41997434161402614


def wrong_gradient_at_fork__no_return(a):
    ops.square(a)[1][0](1.0) + ops.tanh(a)[1][0](1.0)


def wrong_gradient_at_fork__seed_is_the_loss(a):
    s, (pull_square,) = ops.square(a)
    t, (pull_tanh,) = ops.tanh(a)
    loss, (pull_s, pull_t) = ops.add(s, t)
    return pull_square(pull_s(loss)) + pull_tanh(pull_t(loss))


def right_gradient_at_fork__with_the_engine(a):
    a = tg.Tensor(a, dtype="float64")
    return tg.gradients(ops.square(a) + ops.tanh(a), a)


def right_gradient_at_fork__a_loop(a):
    g = 0
    for op in (ops.tanh, ops.square):
        _, (pull,) = op(a)
        g = g + pull(1)
    return g


def wrong_number_of_calls__constant(levels):
    return 15


def wrong_number_of_calls__last_level_only(levels):
    return 2**levels


def wrong_number_of_calls__not_minus_one(levels):
    return 2 ** (levels + 1)


def wrong_number_of_calls__nodes_not_paths(levels):
    return levels + 1


def wrong_number_of_calls__linear(levels):
    return 5 * levels


def wrong_number_of_calls__one_level_less(levels):
    return sum(2**level for level in range(levels))


def wrong_number_of_calls__no_return(levels):
    2 ** (levels + 1) - 1


def right_number_of_calls__recursion_from_one(levels):
    if levels == 1:
        return 3
    return 2 * number_of_calls(levels - 1) + 1


def right_number_of_calls__a_sum(levels):
    return sum(2**level for level in range(levels + 1))


def right_number_of_calls__counted(levels):
    before = len(calls_made := [])
    first, last = ladder(levels)

    def walk(node):
        calls_made.append(node)
        for source in node.inputs:
            walk(source)

    walk(last)
    return len(calls_made) - before


def wrong_topological_order__node_before_inputs(last):
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            order.append(node)
            for source in node.inputs:
                visit(source)

    visit(last)
    return order


def wrong_topological_order__reversed_preorder(last):
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            order.append(node)
            for source in node.inputs:
                visit(source)

    visit(last)
    return order[::-1]


def wrong_topological_order__every_path(last):
    order = []

    def visit(node):
        for source in node.inputs:
            visit(source)
        if node not in order:
            order.append(node)

    visit(last)
    return order


def wrong_topological_order__twice(last):
    order = []

    def visit(node, depth):
        if depth > 8:
            return
        for source in node.inputs:
            visit(source, depth + 1)
        order.append(node)

    visit(last, 0)
    return order


def wrong_topological_order__names(last):
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for source in node.inputs:
                visit(source)
            order.append(node.name)

    visit(last)
    return order


def wrong_topological_order__forgets_the_last(last):
    order, seen = [], set()

    def visit(node):
        for source in node.inputs:
            if source not in seen:
                seen.add(source)
                visit(source)
                order.append(source)

    visit(last)
    return order


def wrong_topological_order__nearest_first(last):
    return nearest_first(last)[::-1]


def wrong_topological_order__first_input_only(last):
    order = [last]
    while order[-1].inputs:
        order.append(order[-1].inputs[0])
    return order[::-1]


def wrong_topological_order__no_return(last):
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for source in node.inputs:
                visit(source)
            order.append(node)

    visit(last)


def wrong_topological_order__a_list_that_lives_on(last, order=[], seen=set()):
    if last not in seen:
        seen.add(last)
        for source in last.inputs:
            topological_order(source)
        order.append(last)
    return order


def right_topological_order__without_calling_itself(last):
    order, seen, to_do = [], set(), [(last, False)]
    while to_do:
        node, inputs_done = to_do.pop()
        if inputs_done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            to_do.append((node, True))
            for source in node.inputs:
                to_do.append((source, False))
    return order


def right_topological_order__arguments(last, order=None, seen=None):
    order = [] if order is None else order
    seen = [] if seen is None else seen
    if last not in seen:
        seen.append(last)
        for source in last.inputs:
            topological_order(source, order, seen)
        order.append(last)
    return order


def right_topological_order__a_tuple(last):
    done = {}

    def visit(node):
        if node in done:
            return
        for source in reversed(node.inputs):
            visit(source)
        done[node] = True

    visit(last)
    return tuple(done)


def wrong_topological_order__a_set(last):
    found, to_do = set(), [last]
    while to_do:
        node = to_do.pop()
        if node not in found:
            found.add(node)
            to_do.extend(node.inputs)
    return found


def wrong_topological_order__depth_of_the_shortest_way(last):
    depth, layer = {}, [last]
    while layer:
        for node in layer:
            depth[node] = len(set(depth.values())) if node not in depth else depth[node]
        layer = [s for node in layer for s in node.inputs if s not in depth]
    return sorted(depth, key=depth.get, reverse=True)
