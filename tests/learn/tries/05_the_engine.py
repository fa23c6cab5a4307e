"""What students write in lesson 5."""


def wrong_find_nodes__calls_itself(losses):
    found = set()

    def visit(node):
        if node not in found:
            found.add(node)
            for source in node.inputs:
                visit(source)

    for loss in losses:
        visit(loss)
    return sorted(found, key=lambda node: node.birth)


def wrong_find_nodes__empties_the_list_of_losses(losses):
    found, to_do = set(), losses
    while to_do:
        node = to_do.pop()
        if node not in found:
            found.add(node)
            to_do.extend(node.inputs)
    return sorted(found, key=lambda node: node.birth)


def wrong_find_nodes__not_sorted(losses):
    found, to_do = [], list(losses)
    while to_do:
        node = to_do.pop()
        if node not in found[-50:]:
            found.append(node)
            to_do.extend(node.inputs)
    return found


def wrong_find_nodes__youngest_first(losses):
    found, to_do = set(), list(losses)
    while to_do:
        node = to_do.pop()
        if node not in found:
            found.add(node)
            to_do.extend(node.inputs)
    return sorted(found, key=lambda node: -node.birth)


def wrong_find_nodes__losses_forgotten(losses):
    found, to_do = set(), list(losses)
    while to_do:
        for source in to_do.pop().inputs:
            if source not in found:
                found.add(source)
                to_do.append(source)
    return sorted(found, key=lambda node: node.birth)


def wrong_find_nodes__first_loss_only(losses):
    found, to_do = set(), [losses[0]]
    while to_do:
        node = to_do.pop()
        if node not in found:
            found.add(node)
            to_do.extend(node.inputs)
    return sorted(found, key=lambda node: node.birth)


def wrong_find_nodes__a_shared_node_twice(losses):
    found = []
    for loss in losses:
        to_do, seen = [loss], set()
        while to_do:
            node = to_do.pop()
            if node not in seen:
                seen.add(node)
                to_do.extend(node.inputs)
        found += seen
    return sorted(found, key=lambda node: node.birth)


def wrong_find_nodes__no_return(losses):
    found, to_do = set(), list(losses)
    while to_do:
        node = to_do.pop()
        if node not in found:
            found.add(node)
            to_do.extend(node.inputs)
    sorted(found, key=lambda node: node.birth)


def right_find_nodes__a_dict_by_birth(losses):
    found, to_do = {}, [*losses]
    while len(to_do) > 0:
        node = to_do.pop(0)
        if node.birth in found:
            continue
        found[node.birth] = node
        to_do += node.inputs
    return [found[birth] for birth in sorted(found)]


def right_find_nodes__layer_by_layer(losses):
    found, new = set(), set(losses)
    while new:
        found |= new
        new = {source for node in new for source in node.inputs} - found
    nodes = list(found)
    nodes.sort(key=lambda node: node.birth)
    return nodes


def wrong_make_plan__births_for_slots(losses):
    nodes = find_nodes(losses)
    slots = {node: node.birth for node in nodes}
    return Plan(slots, [n.op for n in nodes], [tuple(slots[s] for s in n.inputs) for n in nodes])


def wrong_make_plan__nodes_as_inputs(losses):
    nodes = find_nodes(losses)
    slots = {node: slot for slot, node in enumerate(nodes)}
    return Plan(slots, [n.op for n in nodes], [n.inputs for n in nodes])


def wrong_make_plan__slots_from_one(losses):
    nodes = find_nodes(losses)
    slots = {node: slot for slot, node in enumerate(nodes, 1)}
    return Plan(slots, [n.op for n in nodes], [tuple(slots[s] for s in n.inputs) for n in nodes])


def wrong_make_plan__a_plain_tuple(losses):
    nodes = find_nodes(losses)
    slots = {node: slot for slot, node in enumerate(nodes)}
    return slots, [n.op for n in nodes], [tuple(slots[s] for s in n.inputs) for n in nodes]


def wrong_make_plan__sorted_inputs(losses):
    nodes = find_nodes(losses)
    slots = {node: slot for slot, node in enumerate(nodes)}
    inputs = [tuple(sorted(slots[s] for s in n.inputs)) for n in nodes]
    return Plan(slots, [n.op for n in nodes], inputs)


def wrong_make_plan__inputs_as_a_set(losses):
    nodes = find_nodes(losses)
    slots = {node: slot for slot, node in enumerate(nodes)}
    return Plan(slots, [n.op for n in nodes], [{slots[s] for s in n.inputs} for n in nodes])


def wrong_make_plan__names_of_operations(losses):
    nodes = find_nodes(losses)
    slots = {node: slot for slot, node in enumerate(nodes)}
    inputs = [tuple(slots[s] for s in n.inputs) for n in nodes]
    return Plan(slots, [n.name for n in nodes], inputs)


def wrong_make_plan__slot_to_node(losses):
    nodes = find_nodes(losses)
    slots = {node: slot for slot, node in enumerate(nodes)}
    inputs = [tuple(slots[s] for s in n.inputs) for n in nodes]
    return Plan(dict(enumerate(nodes)), [n.op for n in nodes], inputs)


def right_make_plan__a_loop(losses):
    plan = Plan({}, [], [])
    for node in find_nodes(losses):
        plan.slots[node] = len(plan.ops)
        plan.ops.append(node.op)
        plan.inputs.append(tuple(plan.slots[source] for source in node.inputs))
    return plan


def right_make_plan__lists_of_inputs(losses):
    nodes = find_nodes(losses)
    slots = dict(zip(nodes, range(len(nodes))))
    inputs = [[slots[s] for s in node.inputs] for node in nodes]
    return Plan(slots=slots, inputs=inputs, ops=[node.op for node in nodes])


def wrong_forward__pullbacks_left_out(plan, feed):
    values = []
    for node, slot in plan.slots.items():
        if plan.ops[slot] is None:
            values.append(feed[node])
        else:
            values.append(plan.ops[slot](*[values[s] for s in plan.inputs[slot]])[0])
    return Tape(values, [None] * len(values))


def wrong_forward__value_and_pullbacks_as_value(plan, feed):
    values, backs = [], []
    for node, slot in plan.slots.items():
        if plan.ops[slot] is None:
            value, back = feed[node], None
        else:
            value = plan.ops[slot](*[values[s] for s in plan.inputs[slot]])
            back = value[1]
        values.append(value)
        backs.append(back)
    return Tape(values, backs)


def wrong_forward__no_entry_for_fed_pullbacks(plan, feed):
    values, backs = [], []
    for node, slot in plan.slots.items():
        if plan.ops[slot] is None:
            values.append(feed[node])
            continue
        value, back = plan.ops[slot](*[values[s] for s in plan.inputs[slot]])
        values.append(value)
        backs.append(back)
    return Tape(values, backs)


def wrong_forward__inputs_reversed(plan, feed):
    values, backs = [], []
    for node, slot in plan.slots.items():
        if plan.ops[slot] is None:
            value, back = feed[node], None
        else:
            value, back = plan.ops[slot](*[values[s] for s in reversed(plan.inputs[slot])])
        values.append(value)
        backs.append(back)
    return Tape(values, backs)


def wrong_forward__lists_that_live_on(plan, feed, values=[], backs=[]):
    for node, slot in plan.slots.items():
        if plan.ops[slot] is None:
            value, back = feed[node], None
        else:
            value, back = plan.ops[slot](*[values[s] for s in plan.inputs[slot]])
        values.append(value)
        backs.append(back)
    return Tape(values, backs)


def wrong_forward__dicts(plan, feed):
    values, backs = {}, {}
    for node, slot in plan.slots.items():
        if plan.ops[slot] is None:
            values[slot], backs[slot] = feed[node], None
        else:
            values[slot], backs[slot] = plan.ops[slot](*[values[s] for s in plan.inputs[slot]])
    return Tape(values, backs)


def wrong_forward__slots_as_values(plan, feed):
    values, backs = [], []
    for node, slot in plan.slots.items():
        if plan.ops[slot] is None:
            value, back = feed[node], None
        else:
            value, back = plan.ops[slot](*plan.inputs[slot])
        values.append(value)
        backs.append(back)
    return Tape(values, backs)


def right_forward__lists_of_the_right_length(plan, feed):
    n = len(plan.ops)
    tape = Tape([None] * n, [None] * n)
    for node in plan.slots:
        slot = plan.slots[node]
        if node in feed:
            tape.values[slot] = feed[node]
        else:
            inputs = [tape.values[source] for source in plan.inputs[slot]]
            tape.values[slot], tape.backs[slot] = plan.ops[slot](*inputs)
    return tape


def wrong_seed_rows__all_ones(plan, losses):
    seeds = [None] * len(plan.ops)
    for loss in losses:
        seeds[plan.slots[loss]] = np.ones(len(losses))
    return seeds


def wrong_seed_rows__one_number(plan, losses):
    seeds = [None] * len(plan.ops)
    for loss in losses:
        seeds[plan.slots[loss]] = 1.0
    return seeds


def wrong_seed_rows__zeros_elsewhere(plan, losses):
    seeds = [np.zeros(len(losses)) for _ in plan.ops]
    for k, loss in enumerate(losses):
        seeds[plan.slots[loss]] = np.eye(len(losses))[k]
    return seeds


def wrong_seed_rows__the_order_of_the_slots(plan, losses):
    seeds = [None] * len(plan.ops)
    for k, slot in enumerate(sorted(plan.slots[loss] for loss in losses)):
        seeds[slot] = np.eye(len(losses))[k]
    return seeds


def wrong_seed_rows__two_losses_only(plan, losses):
    seeds = [None] * len(plan.ops)
    seeds[plan.slots[losses[0]]] = np.array([1.0, 0.0])
    seeds[plan.slots[losses[1]]] = np.array([0.0, 1.0])
    return seeds


def wrong_seed_rows__at_the_end_of_the_list(plan, losses):
    seeds = [None] * len(plan.ops)
    for k in range(len(losses)):
        seeds[len(plan.ops) - len(losses) + k] = np.eye(len(losses))[k]
    return seeds


def wrong_seed_rows__as_long_as_the_graph(plan, losses):
    return [
        row if n in map(plan.slots.get, losses) else None
        for n, row in enumerate(np.eye(len(plan.ops)))
    ]


def right_seed_rows__by_hand(plan, losses):
    seeds = []
    for node in plan.slots:
        seeds.append(None)
        if node in losses:
            seeds[-1] = np.zeros(len(losses))
            seeds[-1][losses.index(node)] = 1
    return seeds


def wrong_backward__last_use_wins(plan, tape, seeds):
    g = list(seeds)
    for slot in reversed(range(len(plan.ops))):
        if g[slot] is None or plan.ops[slot] is None:
            continue
        for source, pull in zip(plan.inputs[slot], tape.backs[slot]):
            g[source] = ops.unbroadcast(pull(g[slot]), np.shape(tape.values[source]))
    return g


def wrong_backward__no_unbroadcast(plan, tape, seeds):
    g = list(seeds)
    for slot in reversed(range(len(plan.ops))):
        if g[slot] is None or plan.ops[slot] is None:
            continue
        for source, pull in zip(plan.inputs[slot], tape.backs[slot]):
            part = pull(g[slot])
            g[source] = part if g[source] is None else g[source] + part
    return g


def wrong_backward__shape_of_the_value_of_the_slot(plan, tape, seeds):
    g = list(seeds)
    for slot in reversed(range(len(plan.ops))):
        if g[slot] is None or plan.ops[slot] is None:
            continue
        for source, pull in zip(plan.inputs[slot], tape.backs[slot]):
            part = ops.unbroadcast(pull(g[slot]), np.shape(tape.values[slot]))
            g[source] = part if g[source] is None else g[source] + part
    return g


def wrong_backward__from_the_first_slot(plan, tape, seeds):
    g = list(seeds)
    for slot in range(len(plan.ops)):
        if g[slot] is None or plan.ops[slot] is None:
            continue
        for source, pull in zip(plan.inputs[slot], tape.backs[slot]):
            part = ops.unbroadcast(pull(g[slot]), np.shape(tape.values[source]))
            g[source] = part if g[source] is None else g[source] + part
    return g


def wrong_backward__writes_into_the_seeds(plan, tape, seeds):
    g = seeds
    for slot in reversed(range(len(plan.ops))):
        if g[slot] is None or plan.ops[slot] is None:
            continue
        for source, pull in zip(plan.inputs[slot], tape.backs[slot]):
            part = ops.unbroadcast(pull(g[slot]), np.shape(tape.values[source]))
            g[source] = part if g[source] is None else g[source] + part
    return g


def wrong_backward__in_place(plan, tape, seeds):
    g = list(seeds)
    for slot in reversed(range(len(plan.ops))):
        if g[slot] is None or plan.ops[slot] is None:
            continue
        for source, pull in zip(plan.inputs[slot], tape.backs[slot]):
            part = ops.unbroadcast(pull(g[slot]), np.shape(tape.values[source]))
            if g[source] is None:
                g[source] = part
            else:
                g[source] += part
    return g


def wrong_backward__rows_are_summed(plan, tape, seeds):
    g = list(seeds)
    for slot in reversed(range(len(plan.ops))):
        if g[slot] is None or plan.ops[slot] is None:
            continue
        for source, pull in zip(plan.inputs[slot], tape.backs[slot]):
            part = ops.unbroadcast(pull(g[slot]), np.shape(tape.values[source]))
            part = part.sum(axis=0, keepdims=True)
            g[source] = part if g[source] is None else g[source] + part
    return g


def wrong_backward__zeros_for_none(plan, tape, seeds):
    rows = max(len(seed) for seed in seeds if seed is not None)
    g = [np.zeros((rows, *np.shape(value))) for value in tape.values]
    for slot in reversed(range(len(plan.ops))):
        if seeds[slot] is not None:
            g[slot] = g[slot] + seeds[slot]
        if plan.ops[slot] is None:
            continue
        for source, pull in zip(plan.inputs[slot], tape.backs[slot]):
            g[source] = g[source] + ops.unbroadcast(pull(g[slot]), np.shape(tape.values[source]))
    return g


def wrong_backward__first_input_only(plan, tape, seeds):
    g = list(seeds)
    for slot in reversed(range(len(plan.ops))):
        if g[slot] is None or plan.ops[slot] is None:
            continue
        source, pull = plan.inputs[slot][0], tape.backs[slot][0]
        part = ops.unbroadcast(pull(g[slot]), np.shape(tape.values[source]))
        g[source] = part if g[source] is None else g[source] + part
    return g


def wrong_backward__only_the_weights(plan, tape, seeds):
    g = list(seeds)
    for slot in reversed(range(len(plan.ops))):
        if g[slot] is None or plan.ops[slot] is None:
            continue
        for source, pull in zip(plan.inputs[slot], tape.backs[slot]):
            part = ops.unbroadcast(pull(g[slot]), np.shape(tape.values[source]))
            g[source] = part if g[source] is None else g[source] + part
    return [gradient for gradient in g if gradient is not None]


def right_backward__collects_first(plan, tape, seeds):
    arrived = [[] if seed is None else [seed] for seed in seeds]
    for slot in range(len(plan.ops) - 1, -1, -1):
        if not arrived[slot] or tape.backs[slot] is None:
            continue
        g = sum(arrived[slot])
        for source, pull in zip(plan.inputs[slot], tape.backs[slot]):
            arrived[source].append(ops.unbroadcast(pull(g), tape.values[source].shape))
    return [sum(parts) if parts else None for parts in arrived]


def right_backward__own_unbroadcast(plan, tape, seeds):
    g = [None if seed is None else seed.copy() for seed in seeds]
    for slot in reversed(range(len(plan.ops))):
        if g[slot] is not None and plan.ops[slot] is not None:
            for k, source in enumerate(plan.inputs[slot]):
                part, shape = tape.backs[slot][k](g[slot]), np.shape(tape.values[source])
                while part.ndim > len(shape) + 1:
                    part = part.sum(axis=1)
                for axis, length in enumerate(shape, 1):
                    if length == 1:
                        part = part.sum(axis=axis, keepdims=True)
                if g[source] is None:
                    g[source] = part
                else:
                    g[source] = np.add(g[source], part)
    return g


def right_find_nodes__a_list_of_seen(losses):
    found, to_do = [], list(losses)
    while to_do:
        node = to_do.pop()
        if node not in found:
            found.append(node)
            to_do += list(node.inputs)
    return sorted(found, key=lambda node: node.birth)


def wrong_backward__truth_of_an_array(plan, tape, seeds):
    g = list(seeds)
    for slot in reversed(range(len(plan.ops))):
        if not g[slot] or plan.ops[slot] is None:
            continue
        for source, pull in zip(plan.inputs[slot], tape.backs[slot]):
            part = ops.unbroadcast(pull(g[slot]), np.shape(tape.values[source]))
            g[source] = part if g[source] is None else g[source] + part
    return g


def wrong_backward__each_slot_once(plan, tape, seeds):
    g = list(seeds)
    for slot in reversed(range(len(plan.ops))):
        if g[slot] is None or plan.ops[slot] is None:
            continue
        for source, pull in zip(plan.inputs[slot], tape.backs[slot]):
            if g[source] is None:
                g[source] = ops.unbroadcast(pull(g[slot]), np.shape(tape.values[source]))
    return g


def right_seed_rows__zip(plan, losses):
    seeds = dict.fromkeys(range(len(plan.ops)))
    for loss, row in zip(losses, np.identity(len(losses))):
        seeds[plan.slots[loss]] = row
    return [seeds[slot] for slot in sorted(seeds)]
