"""The image systems: exact sizes, a step at full size, small ones that learn, and claims."""

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers
from tinygrad_mo.systems import (
    SYSTEMS,
    deep_supervision,
    dual_camera,
    googlenet,
    inception,
    omniglot,
    residual,
    shared_vision,
    train,
)
from tinygrad_mo.systems.pictures import draw_again, enlarged
from tinygrad_mo.systems.system import gradient_at

# Scores on held-back data that each small system reaches from any seed, with some room.
REACHES = {
    "omniglot": {"alphabet": 0.65, "letter": 0.35},  # ignoring the picture: 0.28 and 0.007
    "omniglot_inputs": {"letter": 0.3},
    "inception": {"texture": 0.75},  # 0.33
    "residual": {"digit": 0.8},  # 0.1, like all digits
    "googlenet": {"main": 0.6},
    "deep_supervision": {"exit_1": 0.85, "main": 0.8},
    "shared_vision": {"answer": 0.7},  # 0.5
    "dual_camera": {"texture": 0.75},  # 0.33
}
NAMES = list(REACHES)


# Sizes


@pytest.mark.one_in(5, rest="medium")
@pytest.mark.parametrize("name", NAMES)
def test_the_canonical_network_has_its_number_of_parameters(name):
    system = SYSTEMS[name]
    assert system.build().count_params() == system.parameters


def block(function, shape, **options):
    x = layers.Input(shape)
    return tg.Model(x, function(x, **options))


@pytest.mark.one_in(10, rest="medium")
@pytest.mark.parametrize(
    ("make", "parameters"),
    [
        (omniglot.build, 2_225_666),
        (omniglot.build_two_inputs, 2_229_756),
        (lambda: block(inception.seed_module, (32, 32, 64)), 541_568),
        (lambda: block(inception.guide_module, (256, 256, 3)), 140_160),
        (lambda: block(residual.identity_block, (32, 32, 128)), 442_752),
        (lambda: block(residual.projection_block, (32, 32, 64)), 229_760),
        (residual.build, 223_242),
        (shared_vision.build, 53_057),
        (dual_camera.xception, 20_861_480),
        (googlenet.build, 13_378_280),
        (lambda: googlenet.without_auxiliary(googlenet.build()), 6_998_552),
    ],
)
def test_what_the_seeds_describe_has_their_number_of_parameters(make, parameters):
    assert make().count_params() == parameters


@pytest.mark.medium
def test_xception_is_that_of_the_paper():
    base = dual_camera.xception()
    assert sum(w.value.size for w in base.trainable_weights) == 20_806_952
    assert len(base.layers) + len(base.inputs) == 132
    assert [y.shape for y in base.outputs.values()] == [(None, 8, 8, 2048)]
    both_eyes = dual_camera.build().get_layer("texture").kernel.shape[0]
    assert both_eyes == 2 * 2048


def test_blocks_keep_or_halve_the_size():
    x = layers.Input((33, 32, 64))
    assert residual.identity_block(x).shape == x.shape
    assert residual.projection_block(layers.Input((32, 32, 64))).shape == (None, 16, 16, 128)
    assert inception.seed_module(x).shape == (None, 17, 16, 512)
    assert inception.guide_module(x).shape == (None, 33, 32, 192)


# Full size


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_one_step_at_canonical_size(name):
    model = SYSTEMS[name].make(full=True)
    generator = np.random.default_rng(0)
    x = {
        key: generator.random((2, *t.shape[1:])).astype(np.float32)
        for key, t in model.inputs.items()
    }
    y = dict.fromkeys(model.outputs, np.array([0, 1]))
    before = [w.numpy() for w in model.trainable_weights]
    assert np.isfinite(model.train_on_batch(x, y)).all()
    moved = [
        (w.numpy() != old).any() for w, old in zip(model.trainable_weights, before, strict=True)
    ]
    assert np.mean(moved) > 0.95  # a ReLU may be dead
    assert all(np.isfinite(w.numpy()).all() for w in model.weights)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["omniglot", "residual", "inception", "shared_vision"])
def test_the_data_fit_the_canonical_network(name):
    system = SYSTEMS[name]
    task, model = system.task(full=True), system.build()
    assert {key: x.shape[1:] for key, x in task.x.items()} == {
        key: t.shape[1:] for key, t in model.inputs.items()
    }
    assert {*task.y} == {*model.outputs} and all(y.ndim == 1 for y in task.y.values())


# Learning


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", NAMES)
def test_the_small_network_learns(name):
    _, _, scores = train(SYSTEMS[name], verbose=0)
    found = {score.output: score for score in scores}
    for output, least in REACHES[name].items():
        assert found[output].value > least > found[output].baseline + 0.15


# Who reaches whom


def small_flow(name, **options):
    model = SYSTEMS[name].make()
    return model, model.gradient_flow(*SYSTEMS[name].task().some(16), **options)


def reached(model, flow, loss):
    return {
        layer.name for layer in model.layers if layer.weights and flow.reaches(loss, layer.name)
    }


@pytest.mark.medium
def test_each_omniglot_output_has_its_own_classifier_and_the_shared_embedding():
    model, flow = small_flow("omniglot")
    assert reached(model, flow, "alphabet") == {"conv", "embedding", "alphabet"}
    assert reached(model, flow, "letter") == {"conv", "embedding", "letter"}


@pytest.mark.slow
def test_auxiliary_classifiers_of_googlenet_reach_what_lies_before_them():
    model, flow = small_flow("googlenet")
    first, second = (reached(model, flow, name) for name in ("aux_1", "aux_2"))
    everything = {layer.name for layer in model.layers if layer.weights}
    heads = {name for name in everything if name.startswith("aux")}
    assert reached(model, flow, "main") == everything - heads
    assert {"conv_1", "conv_2", "3a_1x1", "3b_5x5", "4a_3x3", "aux_1_conv", "aux_1"} <= first
    assert not {name for name in first if name[:2] in ("4b", "4c", "4d", "4e", "5a", "5b")}
    assert {"4a_3x3", "4d_1x1", "aux_2"} <= second
    assert not {name for name in second if name[:2] in ("4e", "5a", "5b")} | {"aux_1"} & second


@pytest.mark.exhaustive
def test_googlenet_without_its_auxiliary_classifiers_says_the_same():
    model = SYSTEMS["googlenet"].make()
    plain = googlenet.without_auxiliary(model)
    x = SYSTEMS["googlenet"].task().held_back_x["picture"][:4]
    np.testing.assert_array_equal(plain.predict(x), model.predict(x)[0])
    assert {*plain.weights} < {*model.weights}
    assert not [layer.name for layer in plain.layers if layer.name.startswith("aux")]


@pytest.mark.medium
def test_an_exit_trains_the_blocks_before_it():
    model, flow = small_flow("deep_supervision")
    for k, name in enumerate(deep_supervision.names(), start=1):
        convolutions = {f"block_{j}_{i}" for j in range(1, k + 1) for i in (1, 2)}
        assert reached(model, flow, name) == {name, *convolutions}


@pytest.mark.medium
def test_both_eyes_use_the_same_weights():
    model, flow = small_flow("dual_camera", keep_arrays=True)
    base = model.get_layer("xception")
    assert model.count_params() == base.count_params() + model.get_layer("texture").count_params()
    uses = [key for key in flow.uses if key[0] == "xception/block1_conv1/kernel"]
    assert len(uses) == 2
    parts = [flow.gradient("texture", use) for use in uses]
    whole = flow.gradient("texture", "xception/block1_conv1/kernel")
    np.testing.assert_allclose(sum(parts), whole, rtol=1e-4, atol=1e-6)
    assert all(np.abs(part).max() > 0 for part in parts)


@pytest.mark.medium
def test_the_same_picture_gives_both_eyes_the_same_features():
    left, right = (layers.Input((24, 24, 1), name=name) for name in ("left", "right"))
    base = dual_camera.xception(24, 1, shrink=16, middle=1)
    model = tg.Model([left, right], [base(left), base(right)])
    x = tg.data.load("textures").image[:4, :24, :24, None] / 255
    seen, again = model.predict([x, x])
    np.testing.assert_array_equal(seen, again)


@pytest.mark.medium
def test_two_networks_for_two_eyes_share_nothing():
    options = SYSTEMS["dual_camera"].small_build
    shared, apart = (dual_camera.build(**options, shared=yes) for yes in (True, False))
    head = shared.get_layer("texture").count_params()
    assert apart.count_params() - head == 2 * (shared.count_params() - head)


# Claims


def test_the_seeds_inception_listing_cannot_run_as_printed():
    with pytest.raises(ValueError, match=r"cannot join .*16, 16, 128.*15, 15, 128.*13, 13, 128"):
        inception.seed_module(layers.Input((32, 32, 64)), padding="valid")
    claim = inception.claim()
    assert not claim.holds
    assert list(claim.figures.values()) == [16, 15, 13, 14, 16, 16, 16, 16]


@pytest.mark.medium
def test_a_residual_connection_keeps_the_gradient_from_vanishing():
    x, y = residual.load(size=8, channels=1).some(64)
    kept = {}
    for connected in (False, True):
        tg.set_random_seed(0)
        model = residual.tower(16, residual=connected)
        model.compile("sgd", residual.CROSS_ENTROPY)
        flow = model.gradient_flow(x, y)
        kept[connected] = gradient_at(flow, "block_1_3") / gradient_at(flow, "block_16_3")
    assert kept[False] < 1e-5 and kept[True] > 1


@pytest.mark.medium
def test_outputs_after_every_block_raise_the_gradient_in_early_layers():
    _, flow = small_flow("deep_supervision")
    alone = deep_supervision.weights(auxiliary=0.0)
    raised = [
        gradient_at(flow, f"block_{k}_2") / gradient_at(flow, f"block_{k}_2", alone)
        for k in range(1, deep_supervision.BLOCKS + 1)
    ]
    assert raised[0] > 10
    assert raised[-1] == 1  # behind the last block there is one loss only


@pytest.mark.exhaustive
def test_auxiliary_classifiers_raise_the_gradient_of_googlenet_where_they_reach():
    model = SYSTEMS["googlenet"].make(full=True)
    digits = residual.load(224, channels=3).held_back_x["picture"][:4]
    flow = model.gradient_flow(digits, [np.arange(4)] * 3)
    assert flow.total("conv_1") > 1.1 * flow.total("conv_1", googlenet.WITHOUT)
    assert flow.total("5b_3x3") == flow.total("5b_3x3", googlenet.WITHOUT)


def test_a_sum_of_two_embeddings_cannot_say_whether_they_are_equal():
    """At most 3/4 of the answers are right, whatever u and v are (see the module)."""
    generator = np.random.default_rng(0)
    same = np.eye(10, dtype=bool)
    share = np.where(same, 0.5 / 10, 0.5 / 90)

    def accuracy(u, v):
        return share[(u[:, None] + v > 0) == same].sum()

    ranks = np.arange(10.0)
    assert accuracy(ranks + 0.5, -ranks) == pytest.approx(0.75)
    tries = [accuracy(*generator.standard_normal((2, 10))) for _ in range(2000)]
    assert max(tries) <= 0.75 + 1e-12


# Pictures


def test_redrawing_without_distortion_changes_nothing():
    pictures = tg.data.load("glyphs").image[:3] / 255
    again = draw_again(pictures, 28, np.random.default_rng(0), slant=0, shift=0, bend=0)
    np.testing.assert_allclose(again, pictures, atol=1e-6)


def test_redrawing_is_seeded_and_keeps_most_of_the_ink():
    pictures = tg.data.load("glyphs").image[:50] / 255
    first, second = (draw_again(pictures, 32, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, draw_again(pictures, 32, np.random.default_rng(8)))
    assert first.min() >= 0 and first.max() <= 1
    ink = first.mean(axis=(1, 2)) / pictures.mean(axis=(1, 2))
    assert 0.8 < np.median(ink) < 1.2


def test_redrawing_moves_a_dot_to_where_the_shift_says():
    class OneStepDown:  # of a picture that is 9 pixels wide: a quarter of half its width
        def standard_normal(self, shape):
            down = np.zeros(shape)
            if shape == (1, 2, 1, 1):
                down[:, 0] = -0.25
            return down

    dot = np.zeros((1, 9, 9))
    dot[0, 4, 4] = 1
    moved = draw_again(dot, 9, OneStepDown(), shift=1.0)
    assert np.argwhere(moved[0] > 0.99).tolist() == [[5, 4]]


def test_enlarging_keeps_the_mean():
    pictures = np.random.default_rng(0).random((2, 3, 4))
    assert enlarged(pictures, 3).shape == (2, 9, 12)
    assert enlarged(pictures, 3).mean() == pytest.approx(pictures.mean())


def test_every_letter_has_its_drawers_and_some_are_held_back():
    task = omniglot.load(size=8, alphabets=3, drawers=8)
    letters, counts = np.unique(task.y["letter"], return_counts=True)
    _, held_back = np.unique(task.held_back_y["letter"], return_counts=True)
    assert (counts == 6).all() and (held_back == 2).all() and len(held_back) == len(letters)
    assert (letters == np.arange(len(letters))).all()
    glyphs = tg.data.load("glyphs")
    alphabet_of = dict(zip(glyphs.letter.tolist(), glyphs.alphabet.tolist(), strict=True))
    for y in (task.y, task.held_back_y):
        assert [alphabet_of[n] for n in y["letter"].tolist()] == y["alphabet"].tolist()


def test_the_sibling_is_told_the_right_alphabet():
    two, one = omniglot.load_two_inputs(8, 3, 4), omniglot.load(8, 3, 4)
    np.testing.assert_array_equal(two.x["alphabet"].argmax(axis=1), one.y["alphabet"])
    np.testing.assert_array_equal(two.x["picture"], one.x["picture"])


@pytest.mark.parametrize("question", ["sum", "same"])
def test_half_of_the_questions_about_two_digits_are_answered_with_yes(question):
    task = shared_vision.load(8, question, pairs=200)
    assert task.y["answer"].mean() == task.held_back_y["answer"].mean() == 0.5
    assert len(task.y["answer"]) == 200 and len(task.held_back_y["answer"]) == 66


def test_the_eyes_see_parts_of_one_photograph():
    task = dual_camera.load(24, 1)
    left, right = task.x["left"], task.x["right"]
    first = slice(0, 205)  # not turned
    np.testing.assert_array_equal(left[first, :, 8:], right[first, :, :16])
