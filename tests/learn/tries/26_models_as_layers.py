"""What students write in lesson 26."""

# ruff: noqa: F821 (the names of the lesson are there when these run)


def wrong_two_views__one_input(left_eye, right_eye):
    left = tg.Input((24, 24, 1), name="left")
    return [left, left], tg.layers.concatenate([left_eye(left), right_eye(left)])


def wrong_two_views__right_first(left_eye, right_eye):
    left, right = (tg.Input((24, 24, 1), name=name) for name in ("left", "right"))
    return [left, right], tg.layers.concatenate([right_eye(right), left_eye(left)])


def wrong_two_views__left_eye_twice(left_eye, right_eye):
    left, right = (tg.Input((24, 24, 1), name=name) for name in ("left", "right"))
    return [left, right], tg.layers.concatenate([left_eye(left), left_eye(right)])


def wrong_two_views__one_name_for_two(left_eye, right_eye):
    left, right = (tg.Input((24, 24, 1), name=name) for name in ("left", "right"))
    left, right = left_eye(left), right_eye(right)
    return [left, right], tg.layers.concatenate([left, right])


def wrong_two_views__names(left_eye, right_eye):
    left, right = (tg.Input((24, 24, 1), name=name) for name in ("a", "b"))
    return [left, right], tg.layers.concatenate([left_eye(left), right_eye(right)])


def wrong_two_views__new_eyes(left_eye, right_eye):
    left, right = (tg.Input((24, 24, 1), name=name) for name in ("left", "right"))
    return [left, right], tg.layers.concatenate([make_eye("a")(left), make_eye("b")(right)])


def wrong_two_views__added(left_eye, right_eye):
    left, right = (tg.Input((24, 24, 1), name=name) for name in ("left", "right"))
    return [left, right], tg.layers.add([left_eye(left), right_eye(right)])


def right_two_views__in_a_loop(left_eye, right_eye):
    inputs = [tg.Input((24, 24, 1), name=name) for name in ("left", "right")]
    seen = [eye(view) for eye, view in zip((left_eye, right_eye), inputs, strict=True)]
    return inputs, tg.layers.concatenate(seen, axis=-1)


def right_two_views__a_tuple_of_inputs(left_eye, right_eye):
    right = tg.Input((24, 24, 1), name="right")
    left = tg.Input((24, 24, 1), name="left")
    seen_right = right_eye(right)
    return (left, right), tg.layers.Concatenate()([left_eye(left), seen_right])


def wrong_my_prediction__text():
    return "1665"


def wrong_my_prediction__none():
    return None


def wrong_my_prediction__two_numbers():
    return 576, 1089


def wrong_my_prediction__zero():
    return 0


def right_my_prediction__a_wrong_guess():
    return 2 * 576 + 1089


def wrong_count_once__twice(model):
    return sum(
        count_once(layer) if isinstance(layer, tg.Model) else sum(w.size for w in layer.weights)
        for layer in model.layers
    )


def wrong_count_once__not_opened(model):
    return sum(w.size for one in model.layers if not isinstance(one, tg.Model) for w in one.weights)


def wrong_count_once__arrays(model):
    return len({id(w) for layer in model.layers for w in layer.weights})


def wrong_count_once__two_levels(model):
    seen = {}
    for layer in model.layers:
        for inner in layer.layers if isinstance(layer, tg.Model) else [layer]:
            if not isinstance(inner, tg.Model):
                seen[id(inner)] = sum(w.size for w in inner.weights)
    return sum(seen.values()) + len(model.layers)


def wrong_count_once__kernels_only(model):
    seen, stack = {}, [model]
    while stack:
        layer = stack.pop()
        if isinstance(layer, tg.Model):
            stack += layer.layers
        elif layer.weights:
            seen[id(layer)] = layer.weights[0].size
    return sum(seen.values())


def wrong_count_once__by_size(model):
    sizes, stack = set(), [model]
    while stack:
        layer = stack.pop()
        if isinstance(layer, tg.Model):
            stack += layer.layers
        else:
            sizes |= {w.size for w in layer.weights}
    return sum(sizes)


def right_count_once__a_stack(model):
    seen, stack = {}, [model]
    while stack:
        layer = stack.pop()
        if isinstance(layer, tg.Model):
            stack += layer.layers
        else:
            seen |= {id(w): w.size for w in layer.weights}
    return sum(seen.values())


def right_count_once__all_weights(model):
    return sum({id(w): int(np.prod(w.shape)) for w in model.weights}.values())


def wrong_gradient_from_uses__first_use(flow, loss, weight):
    return next(flow.gradient(loss, use) for use in flow.uses if use[0] == weight)


def wrong_gradient_from_uses__mean(flow, loss, weight):
    return np.mean([flow.gradient(loss, use) for use in flow.uses if use[0] == weight], axis=0)


def wrong_gradient_from_uses__last_use(flow, loss, weight):
    for use in flow.uses:
        if use[0] == weight:
            found = flow.gradient(loss, use)
    return found


def wrong_gradient_from_uses__all_uses_of_the_layer(flow, loss, weight):
    layer = weight.rsplit("/", 1)[0]
    return sum(flow.gradient(loss, use).sum() for use in flow.uses if use[0].startswith(layer))


def wrong_gradient_from_uses__one_number(flow, loss, weight):
    return sum(flow.gradient(loss, use).sum() for use in flow.uses if use[0] == weight)


def wrong_gradient_from_uses__length(flow, loss, weight):
    return sum(flow.norm(loss, use) for use in flow.uses if use[0] == weight)


def right_gradient_from_uses__stacked(flow, loss, weight):
    return np.sum([flow.gradient(loss, (w, c)) for w, c in flow.uses if w == weight], axis=0)
