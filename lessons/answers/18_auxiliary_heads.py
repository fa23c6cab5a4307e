"""Solutions, hints and checks of lesson 18."""

import numpy as np

import tinygrad_mo as tg


def add_heads(blocks):
    # block 5 is blocks[4], because lists count from 0
    exits = [tg.layers.Dense(10, name=f"exit_{k}")(blocks[k - 1]) for k in (5, 10)]
    return [tg.layers.Dense(10, name="main")(blocks[-1]), *exits]


def blocks_reached(number):
    # the gradient goes backward: from the exit to its own block, and on to block 1
    return list(range(1, number + 1))


def gradient_at_blocks(blocks, slope, exits):
    found = []
    for k in range(1, blocks + 1):
        arriving = 0.0
        for position, weight in exits.items():
            if position >= k:  # a loss has no way to blocks behind it
                arriving += weight * slope ** (position - k)
        found.append(arriving)
    return found


def without_exits(model):
    # the same layers, but only what lies on the way to this output
    return tg.Model(model.inputs, model.outputs["main"])


HINTS = {
    "add_heads": [
        'tg.layers.Dense(10, name="exit_5")(h) puts a head behind h. You need three heads.',
        "Lists count from 0: the output of block 5 is blocks[4]. That of the last one is "
        "blocks[-1].",
        'Return [..., ..., ...] with tg.layers.Dense(10, name="main")(blocks[-1]) as the first, '
        "and the other two made in the same way.",
    ],
    "blocks_reached": [
        "A gradient travels backward, from a loss to the inputs.",
        "The loss behind block 5 has a way to block 5, 4, 3, 2 and 1. It has none to block 6.",
        "list(range(1, number + 1)) is the list from 1 to number.",
    ],
    "gradient_at_blocks": [
        "Two loops: over the blocks k = 1 ... blocks, and inside it over exits.items().",
        "A loss behind block `position` sends something to block k only if position >= k.",
        "It sends weight * slope ** (position - k). Add these, and append the sum to a list.",
    ],
    "without_exits": [
        "tg.Model(inputs, outputs) makes a model of all layers on the way between them.",
        'model.outputs["main"] is the tensor at which the new model ends.',
        'return tg.Model(model.inputs, model.outputs["main"])',
    ],
}


def some_blocks(lesson):
    """Blocks whose outputs have different widths, so that one can see which head is where."""
    h = tg.Input((3,))
    return [tg.layers.Dense(k, name=f"b{k}")(h) for k in range(1, lesson.BLOCKS + 1)]


def outputs_of(lesson, blocks):
    found = lesson.add_heads(blocks)
    assert isinstance(found, list | tuple), f"Return a list, not {type(found).__name__}."
    return found


def check_add_heads__three(lesson):
    """There is one output per exit, and the main output."""
    found = outputs_of(lesson, some_blocks(lesson))
    assert len(found) == 3, f"There should be 3 outputs: two exits and main; found {len(found)}."


def check_add_heads__names(lesson):
    """The heads are called main, exit_5 and exit_10, in this order."""
    found = [t.name for t in outputs_of(lesson, some_blocks(lesson))]
    assert found == ["main", "exit_5", "exit_10"], (
        f"The outputs are called {found}, expected ['main', 'exit_5', 'exit_10']: the main loss "
        f"comes first, in every lesson."
    )


def check_add_heads__places(lesson):
    """Each head sits behind the right block."""
    blocks = some_blocks(lesson)
    for output in outputs_of(lesson, blocks):
        number = {"exit_5": 5, "exit_10": 10}.get(output.name, lesson.BLOCKS)
        reader = tg.Model(blocks[0].step.inputs[0], output).get_layer(output.name)
        width = reader.weights[0].shape[0]  # block k has k outputs here
        assert width == number, (
            f"The head {output.name!r} sits behind block {width}, expected block {number} "
            f"(the output of block 1 is blocks[0])."
        )


def check_add_heads__logits(lesson):
    """Each head gives ten numbers, without an activation."""
    for output in outputs_of(lesson, some_blocks(lesson)):
        assert output.shape == (None, 10), (
            f"{output.name!r} has the shape {output.shape}: a head has 10 units."
        )
        assert output.step.op.name == "dense", (
            f"{output.name!r} ends with {output.step.op.name}: leave the activation away."
        )


def numbers(lesson, number):
    found = lesson.blocks_reached(number)
    assert isinstance(found, list | tuple | range | set), (
        f"Return a list of numbers, not {type(found).__name__}."
    )
    return sorted(found)


def check_blocks_reached__own_block(lesson):
    """The loss behind block 5 reaches block 5."""
    found = numbers(lesson, 5)
    assert 5 in found, f"Block 5 is missing in {found}: the head reads it, so the loss reaches it."


def check_blocks_reached__not_behind(lesson):
    """It reaches no block behind block 5."""
    found = numbers(lesson, 5)
    assert max(found, default=0) <= 5, (
        f"{found}: no way leads from this loss to a block behind block 5."
    )


def check_blocks_reached__all_before(lesson):
    """Each loss reaches all blocks before it, down to block 1."""
    for number in (5, 10, lesson.BLOCKS):
        found, expected = numbers(lesson, number), list(range(1, number + 1))
        missing = [k for k in expected if k not in found]
        assert not missing, f"blocks_reached({number}) lacks {missing}: where does the way end?"
        assert found == expected, f"blocks_reached({number}) is {found}, expected {expected}."


def at_blocks(lesson, *arguments):
    found = lesson.gradient_at_blocks(*arguments)
    assert found is not None, "gradient_at_blocks returned None: is a `return` missing?"
    assert len(found) == arguments[0], (
        f"There are {arguments[0]} blocks, so {arguments[0]} numbers; received were {len(found)}."
    )
    return [float(number) for number in found]


def check_gradient_at_blocks__one_loss(lesson):
    """A loss at the end gets smaller from block to block."""
    found = at_blocks(lesson, 4, 0.5, {4: 2.0})
    assert np.allclose(found, [0.25, 0.5, 1.0, 2.0]), (
        f"4 blocks of slope 0.5, and a loss of weight 2 behind the last one: at blocks 1 to 4 "
        f"arrive [0.25, 0.5, 1, 2], not {found}."
    )


def check_gradient_at_blocks__not_behind(lesson):
    """Nothing arrives behind the block of a loss."""
    found = at_blocks(lesson, 3, 0.5, {2: 1.0})
    assert np.allclose(found, [0.5, 1.0, 0.0]), (
        f"A loss behind block 2 of 3 sends [0.5, 1, 0], not {found}: it has no way to block 3."
    )


def check_gradient_at_blocks__sum(lesson):
    """What several losses send is added."""
    found = at_blocks(lesson, 3, 0.1, {1: 0.3, 3: 1.0})
    assert np.allclose(found, [0.31, 0.1, 1.0]), (
        f"slope 0.1, weights 0.3 behind block 1 and 1 behind block 3: [0.31, 0.1, 1], not {found}."
    )
    found = at_blocks(lesson, 2, 1.5, {2: 1.0, 1: 0.5})
    assert np.allclose(found, [2.0, 1.0]), (
        f"slope 1.5, weights 1 behind block 2 and 0.5 behind block 1: [2, 1], not {found}."
    )


def small_model():
    x = tg.Input((3,), name="picture")
    h = tg.layers.Dense(4, name="trunk")(x)
    heads = [tg.layers.Dense(2, name=name) for name in ("exit_5", "exit_10", "main")]
    return tg.Model(x, [one(h) for one in heads])


def model_of(lesson, model):
    found = lesson.without_exits(model)
    assert isinstance(found, tg.Model), f"Return a tg.Model, not {type(found).__name__}."
    return found


def check_without_exits__one_output(lesson):
    """The new model has the output main, and no other."""
    found = model_of(lesson, small_model())
    assert list(found.outputs) == ["main"], (
        f"Its outputs are {list(found.outputs)}. If you have built new layers: take the tensor "
        f'that is there, model.outputs["main"].'
    )
    names = [layer.name for layer in found.layers]
    assert names == ["trunk", "main"], (
        f"Its layers are {names}, and not trunk and main: the exits should be gone, and nothing "
        f'new be built. model.outputs["main"] is the tensor you need.'
    )


def check_without_exits__same_predictions(lesson):
    """It predicts what main predicted before."""
    model, x = small_model(), np.eye(3)
    before, after = model.predict(x)[-1], model_of(lesson, model).predict(x)
    assert isinstance(after, np.ndarray), (
        f"It predicts a {type(after).__name__}, because the output was given in one: give the "
        f"tensor itself."
    )
    assert np.array_equal(before, after), "It predicts other numbers than main did before."


def check_without_exits__same_layers(lesson):
    """It uses the trained layers; it does not make new ones."""
    model = small_model()
    assert model_of(lesson, model).get_layer("trunk") is model.get_layer("trunk"), (
        'You built new layers, with new weights: use model.inputs and model.outputs["main"].'
    )
