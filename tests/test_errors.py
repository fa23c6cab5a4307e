"""What users get wrong: each mistake is refused with words that name the culprit and the fix."""

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers, losses, optimizers
from zoo import base_model, headline, numbers

BCE, MSE = "binary_crossentropy", "mean_squared_error"
SCCE = "sparse_categorical_crossentropy"


def refused(error, words, call):
    """The error's text and notes contain the words, in this order."""
    with pytest.raises(error) as caught:
        call()
    text = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    place = 0
    for word in words:
        place = text.find(word, place)
        assert place >= 0, f"{word!r} is not in its place in: {text}"
    return text


def table(*rows):
    """Rows of (what is wrong, error, words, call) as parameters of a test."""
    return pytest.mark.parametrize(
        ("error", "words", "call"), [pytest.param(*row[1:], id=row[0]) for row in rows]
    )


def fit(x=None, y=None, **options):
    model, good_x, good_y = headline()
    model.fit(x or good_x, good_y if y is None else y, verbose=0, shuffle=False, **options)


def compile_with(**options):
    headline()[0].compile(**{"optimizer": "sgd", "loss": BCE, **options})


def one_head(loss, units=1, activation=None):
    x = tg.Input((3,), name="x")
    model = tg.Model(x, layers.Dense(units, activation, name="y")(x))
    model.compile("sgd", loss)
    return model


def fit_one(loss, y, units=1, activation=None):
    one_head(loss, units, activation).fit(numbers(3) * 9, y, verbose=0, shuffle=False)


def two_inputs(a=(3,), b=(5,)):
    return [tg.Input(a, name="a"), tg.Input(b, name="b")]


_, (IDS, EXTRA), (MAIN, AUX) = headline()


@pytest.mark.one_in(8, rest="medium")
@table(
    (
        "wrong width",
        ValueError,
        ["input 'main_input': shape (4, 4), expected (None, 5)", "Input was made at", "zoo.py:"],
        lambda: fit([IDS[:, :4], EXTRA]),
    ),
    (
        "swapped inputs",
        ValueError,
        ["'main_input': shape (4, 3)", "Did you swap 'main_input' and 'aux_input'?"],
        lambda: fit([EXTRA, IDS]),
    ),
    (
        "an input too few",
        ValueError,
        ["input: 1 given for 2: main_input, aux_input", "in this order, or a dict by name"],
        lambda: fit([IDS]),
    ),
    (
        "an input missing in a dict",
        ValueError,
        ["'aux_input' missing; given: ['main_input']"],
        lambda: fit({"main_input": IDS}),
    ),
    (
        "a typo in a dict",
        ValueError,
        ["no 'main_inptu'; did you mean 'main_input'? Known: 'main_input', 'aux_input'"],
        lambda: fit({"main_inptu": IDS, "aux_input": EXTRA}),
    ),
    (
        "one array for two inputs",
        ValueError,
        ["one ndarray given for 2: main_input, aux_input"],
        lambda: headline()[0].predict(IDS),
    ),
    (
        "inputs of unequal length",
        ValueError,
        ["different numbers of samples: 4 in main_input, 3 in aux_input"],
        lambda: fit([IDS, EXTRA[:3]]),
    ),
    (
        "labels of another length",
        ValueError,
        ["different numbers of samples", "4 in input 'main_input'", "3 in labels of 'main_output'"],
        lambda: fit(y=[MAIN[:3], AUX[:3]]),
    ),
    (
        "an id too large",
        IndexError,
        [
            "id 11 at position (0, 0) is out of range",
            "table has 9 rows, so ids go from 0 to 8",
            "Embedding 'embedding'",
            "'main_input'",
        ],
        lambda: fit([IDS + 5, EXTRA]),
    ),
    (
        "id -1",
        IndexError,
        ["id -1 at position (1, 2) is out of range", "'main_input'"],
        lambda: fit([IDS - 1, EXTRA]),
    ),
    (
        "fractions for ids",
        TypeError,
        ["input 'main_input': whole numbers (int32) are needed, not 6.5"],
        lambda: fit([IDS + 0.5, EXTRA]),
    ),
    (
        "ids from a float input",
        TypeError,
        ["ids must be integers, not float32; give the Input dtype='int32'", "'flat'"],
        lambda: layers.Embedding(5, 3)(tg.Input((3,), name="flat")),
    ),
    (
        "a ragged list",
        ValueError,
        ["input 'main_input': a ragged list", "pad them"],
        lambda: fit([[[1, 2], [1]], EXTRA]),
    ),
    (
        "strings",
        TypeError,
        ["input 'main_input': numbers are needed, not <U4", "['word']"],
        lambda: fit([[["word"] * 5] * 4, EXTRA]),
    ),
    (
        "None",
        ValueError,
        ["input: 'main_input' missing; given: ['aux_input']"],
        lambda: fit([None, EXTRA]),
    ),
    (
        "NaN in data",
        ValueError,
        ["input 'aux_input': 4 NaN or infinite values, the first at (0, 1)"],
        lambda: fit([IDS, np.where(np.arange(3) == 1, np.nan, EXTRA)]),
    ),
    (
        "infinity in labels",
        ValueError,
        ["labels of output 'aux_output': 4 NaN or infinite values"],
        lambda: fit(y=[MAIN, AUX + np.inf]),
    ),
    (
        "labels for one of two outputs",
        ValueError,
        ["labels of output: one ndarray given for 2: main_output, aux_output"],
        lambda: fit(y=MAIN),
    ),
    (
        "labels missing in a dict",
        ValueError,
        ["labels of output: 'aux_output' missing"],
        lambda: fit(y={"main_output": MAIN}),
    ),
    (
        "labels of an unknown output",
        ValueError,
        ["there is no 'aux_out'; did you mean 'aux_output'?"],
        lambda: fit(y={"main_output": MAIN, "aux_out": AUX}),
    ),
    (
        "labels of another width",
        ValueError,
        ["labels of output 'main_output': shape (4, 4), expected (None, 1)", BCE, "'main_output'"],
        lambda: fit(y=[np.ones((4, 4)), AUX]),
    ),
    (
        "sample weights of another length",
        ValueError,
        ["sample_weight of 'main_output': shape (3,), expected (4,)"],
        lambda: fit(sample_weight=np.ones(3)),
    ),
    (
        "sample weights of an unknown output",
        ValueError,
        ["sample_weight: there is no 'aux'", "'aux_output'"],
        lambda: fit(sample_weight={"aux": np.ones(4)}),
    ),
    (
        "sample weights of NaN",
        ValueError,
        ["sample_weight of 'aux_output': that of sample 0 is nan"],
        lambda: fit(sample_weight={"aux_output": np.full(4, np.nan)}),
    ),
    (
        "batch size 0 in fit",
        ValueError,
        ["batch_size must be a whole number, 1 or more, not 0"],
        lambda: fit(batch_size=0),
    ),
    (
        "batch size 0 in evaluate",
        ValueError,
        ["batch_size must be a whole number, 1 or more, not 0"],
        lambda: headline()[0].evaluate([IDS, EXTRA], [MAIN, AUX], batch_size=0),
    ),
    (
        "batch size -1 in predict",
        ValueError,
        ["batch_size must be a whole number, 1 or more, not -1"],
        lambda: headline()[0].predict([IDS, EXTRA], batch_size=-1),
    ),
    (
        "no samples",
        ValueError,
        ["the data hold no samples"],
        lambda: fit([IDS[:0], EXTRA[:0]], [MAIN[:0], AUX[:0]]),
    ),
    (
        "everything held back",
        ValueError,
        ["validation_split=1.0 of 4 samples leaves one part empty"],
        lambda: fit(validation_split=1.0),
    ),
)
def test_wrong_data(error, words, call):
    refused(error, words, call)


@table(
    (
        "BCE of what is no probability",
        ValueError,
        ["between 0 and 1, these between -", "sigmoid, or the loss from_logits=True", "'y'"],
        lambda: fit_one(BCE, (numbers(1) > 0) * 1.0),
    ),
    (
        "a label that is no class",
        ValueError,
        ["labels of output 'y' for", "label 3 in row 2 is not one of the 3 classes 0 to 2"],
        lambda: fit_one(SCCE, [0, 1, 3, 3], 3, "softmax"),
    ),
    (
        "label -1",
        ValueError,
        ["label -1 in row 1 is not one of the 3 classes"],
        lambda: fit_one(SCCE, [0, -1, 1, 2], 3, "softmax"),
    ),
    (
        "half a label",
        TypeError,
        ["labels of output 'y': whole numbers (int32) are needed, not 0.5"],
        lambda: fit_one(SCCE, [0, 0.5, 1, 2], 3, "softmax"),
    ),
    (
        "one-hot labels for a sparse loss",
        ValueError,
        ["labels of output 'y': shape (4, 3), expected (None,)", "not one-hot rows"],
        lambda: fit_one(SCCE, np.eye(3)[[0, 1, 2, 0]], 3, "softmax"),
    ),
    (
        "indices for a loss of one-hot labels",
        ValueError,
        ["labels of output 'y': shape (4,), expected (None, 3)"],
        lambda: fit_one("categorical_crossentropy", [0, 1, 2, 0], 3, "softmax"),
    ),
    (
        "labels that would be broadcast",
        ValueError,
        [MSE, "labels of shape (2,) for predictions", "(2, 1)"],
        lambda: losses.MeanSquaredError()([1.0, 2.0], [[1.0], [2.0]]),
    ),
)
def test_labels_that_do_not_suit_the_loss(error, words, call):
    refused(error, words, call)


ORDER = "main_output, aux_output. Give one for each, in this order, or a dict by name"


@pytest.mark.one_in(4, rest="medium")
@table(
    (
        "an unknown loss",
        ValueError,
        ["unknown loss 'msee': did you mean 'mse'?"],
        lambda: compile_with(loss="msee"),
    ),
    (
        "no loss",
        ValueError,
        ["a loss for at least one output: main_output, aux_output"],
        lambda: compile_with(loss=None),
    ),
    (
        "too few losses",
        ValueError,
        ["loss: 1 given for 2", ORDER],
        lambda: compile_with(loss=[BCE]),
    ),
    (
        "too many losses",
        ValueError,
        ["loss: 3 given for 2", ORDER],
        lambda: compile_with(loss=[BCE] * 3),
    ),
    (
        "a loss for an unknown output",
        ValueError,
        ["loss: there is no 'aux_outptu'; did you mean 'aux_output'?"],
        lambda: compile_with(loss={"main_output": BCE, "aux_outptu": BCE}),
    ),
    (
        "too few weights",
        ValueError,
        ["loss_weights: 1 given for 2", ORDER],
        lambda: compile_with(loss_weights=[1.0]),
    ),
    (
        "a weight for an unknown output",
        ValueError,
        ["loss_weights: there is no 'main'", "'main_output'"],
        lambda: compile_with(loss_weights={"main": 1}),
    ),
    (
        "a weight of NaN",
        ValueError,
        ["loss_weights: that of 'aux_output' must be a number, not nan"],
        lambda: compile_with(loss_weights=[1.0, np.nan]),
    ),
    (
        "an unknown metric",
        ValueError,
        ["unknown metric 'acuracy': did you mean 'accuracy'?"],
        lambda: compile_with(metrics=["acuracy"]),
    ),
    (
        "a metric for an unknown output",
        ValueError,
        ["metrics: there is no 'aux_ouput'; did you mean 'aux_output'?"],
        lambda: compile_with(metrics={"aux_ouput": ["mae"]}),
    ),
    (
        "a metric for an output without a loss",
        ValueError,
        ["metrics: output 'aux_output' has no loss, so it is given no labels"],
        lambda: compile_with(loss=[BCE, None], metrics={"aux_output": "mae"}),
    ),
    (
        "an unknown optimizer",
        ValueError,
        ["unknown optimizer 'sdg': did you mean 'sgd'?"],
        lambda: compile_with(optimizer="sdg"),
    ),
    (
        "an unknown reduction",
        ValueError,
        ["unknown reduction 'sums'", "'sum_over_batch_size'"],
        lambda: losses.MeanSquaredError(reduction="sums"),
    ),
    (
        "a learning rate that is a word",
        TypeError,
        ["the learning rate must be a number, 0 or more, not '0.1'"],
        lambda: optimizers.SGD("0.1"),
    ),
    (
        "a negative learning rate",
        ValueError,
        ["the learning rate must be a number, 0 or more, not -1"],
        lambda: optimizers.Adam(-1),
    ),
    (
        "a weight that is a word",
        ValueError,
        ["loss_weights: unknown balancing method 'a'"],
        lambda: compile_with(loss_weights="a"),
    ),
    (
        "an infinite learning rate",
        ValueError,
        ["the learning rate must be a finite number, 0 or more, not inf"],
        lambda: optimizers.SGD(float("inf")),
    ),
    (
        "a learning rate of NaN",
        ValueError,
        ["the learning rate must be a finite number, 0 or more, not nan"],
        lambda: optimizers.RMSprop(float("nan")),
    ),
    (
        "beta of 1",
        ValueError,
        ["Adam: beta_1 must be a number, 0 or more and below 1, not 1.0"],
        lambda: optimizers.Adam(beta_1=1.0),
    ),
    (
        "negative momentum",
        ValueError,
        ["SGD: momentum must be a number, 0 or more and below 1, not -0.1"],
        lambda: optimizers.SGD(momentum=-0.1),
    ),
    (
        "negative decay",
        ValueError,
        ["AdamW: weight_decay must be a number, 0 or more, not -1"],
        lambda: optimizers.AdamW(weight_decay=-1),
    ),
    (
        "fit before compile",
        RuntimeError,
        ["call compile(optimizer, loss) before training Model 'base'"],
        lambda: base_model().fit(numbers(4), numbers(3)),
    ),
    (
        "evaluate before compile",
        RuntimeError,
        ["call compile(optimizer, loss) before"],
        lambda: base_model().evaluate(numbers(4), numbers(3)),
    ),
)
def test_wrong_ways_to_compile(error, words, call):
    refused(error, words, call)


def twice(layer, first, second):
    layer(first)
    layer(second)


@pytest.mark.one_in(2, rest="medium")
@table(
    (
        "a shared layer on another width",
        ValueError,
        [
            "Dense 's' has weights for inputs of width 3",
            "first call on 'a' (None, 3) at",
            "test_errors.py:",
            "cannot take 'b' (None, 5), of width 5",
        ],
        lambda: twice(layers.Dense(2, name="s"), *two_inputs()),
    ),
    (
        "an LSTM on two axes",
        ValueError,
        ["LSTM 'lstm' takes inputs of 3 axes (batch first), got 2: 'a' (None, 3)"],
        lambda: layers.LSTM(3)(two_inputs()[0]),
    ),
    (
        "a state of another width",
        ValueError,
        ["LSTM 'lstm' keeps a state of shape (None, 4)", "it cannot start from 'b' (None, 5)"],
        lambda: layers.LSTM(4)(tg.Input((2, 3)), initial_state=two_inputs(a=(4,))),
    ),
    (
        "concatenate of unequal shapes",
        ValueError,
        ["Concatenate 'concatenate' cannot join 'a' (None, 3, 4), 'b' (None, 5, 4)", "must agree"],
        lambda: layers.concatenate(two_inputs((3, 4), (5, 4))),
    ),
    (
        "add of unequal shapes",
        ValueError,
        ["Add 'add' cannot join 'a' (None, 3), 'b' (None, 5)", "Dense", "Concatenate"],
        lambda: layers.add(two_inputs()),
    ),
    (
        "one tensor to concatenate",
        ValueError,
        ["Concatenate 'concatenate' joins a list of at least two tensors", "'a' (None, 3)"],
        lambda: layers.concatenate([two_inputs()[0]]),
    ),
    (
        "a bare tensor to concatenate",
        ValueError,
        ["Concatenate 'concatenate' joins a list of at least two tensors", "'a' (None, 3)"],
        lambda: layers.concatenate(two_inputs()[0]),
    ),
    (
        "three tensors to subtract",
        ValueError,
        ["Subtract 'subtract' joins exactly 2 tensors, got 3"],
        lambda: layers.subtract([*two_inputs(), tg.Input((3,))]),
    ),
    (
        "dot along unequal axes",
        ValueError,
        ["Dot 'dot' cannot join 'a' (None, 3), 'b' (None, 5)", "axis 1 of the first has 3"],
        lambda: layers.dot(two_inputs(), axes=1),
    ),
    (
        "dot along an axis too many",
        ValueError,
        ["Dot 'dot' cannot join", "axis 3 does not exist"],
        lambda: layers.dot(two_inputs(), axes=3),
    ),
    (
        "a mask on one of two joined sequences",
        ValueError,
        ["Concatenate 'concatenate' joins sequences, but 'plain' (None, 2, 3) has no mask"],
        lambda: layers.concatenate(
            [
                layers.Embedding(5, 3, mask_zero=True)(tg.Input((2,), "int32")),
                tg.Input((2, 3), name="plain"),
            ],
            axis=1,
        ),
    ),
    (
        "a shape of another size",
        ValueError,
        ["Reshape 'reshape' cannot turn samples of shape (3,) into (4,): 3 numbers each, and 4"],
        lambda: layers.Reshape((4,))(two_inputs()[0]),
    ),
    (
        "data beside a tensor to come",
        TypeError,
        ["Add 'add' takes tensors, not ndarray", "tg.Tensor(...)", "tg.Input(...)"],
        lambda: layers.Add()([two_inputs()[0], np.ones((2, 3))]),
    ),
    (
        "a free last axis",
        ValueError,
        ["Dense 'dense' needs an input with a known last axis, got 'free'"],
        lambda: layers.Dense(2)(tg.Input((None,), name="free")),
    ),
    (
        "a dropout rate of 1.5",
        ValueError,
        ["Dropout 'dropout': the rate must lie between 0 and 1, not 1.5"],
        lambda: layers.Dropout(1.5),
    ),
    (
        "an activation for the units",
        ValueError,
        ["needs a whole number of units from 1 up, not 'relu'"],
        lambda: layers.Dense("relu"),
    ),
    (
        "an Input of a number",
        TypeError,
        ["the shape of an Input is a tuple: write (3,)"],
        lambda: tg.Input(3),
    ),
    (
        "an empty table",
        ValueError,
        ["Embedding 'embedding': input_dim must be a whole number, 1 or more, not 0"],
        lambda: layers.Embedding(0, 3),
    ),
    (
        "no units",
        ValueError,
        ["Dense 'empty' needs a whole number of units from 1 up, not 0"],
        lambda: layers.Dense(0, name="empty"),
    ),
    (
        "an unknown activation",
        ValueError,
        ["unknown activation 'rellu': did you mean 'relu'?"],
        lambda: layers.Dense(2, "rellu"),
    ),
    (
        "an unknown initializer",
        ValueError,
        ["unknown initializer 'glorot_unifrm': did you mean 'glorot_uniform'?", "Dense 'd' of 'a'"],
        lambda: layers.Dense(2, kernel_initializer="glorot_unifrm", name="d")(two_inputs()[0]),
    ),
    (
        "an unknown regularizer",
        ValueError,
        ["unknown regularizer 'L3'", "'l1', 'l2', 'l1_l2'"],
        lambda: layers.Dense(2, kernel_regularizer="L3")(two_inputs()[0]),
    ),
    (
        "a negative penalty",
        ValueError,
        ["a penalty cannot be negative", "l2=-1"],
        lambda: layers.regularizers.L2(-1),
    ),
    (
        "a layer that says nothing",
        NotImplementedError,
        ["Layer does not say what it computes: write call()"],
        lambda: layers.Layer()(two_inputs()[0]),
    ),
)
def test_wrong_use_of_layers(error, words, call):
    refused(error, words, call)


def joined(names, given):
    """A model of two inputs to which only those at the given positions are declared."""
    inputs = [tg.Input((3,), name=name) for name in names]
    return tg.Model([inputs[i] for i in given], layers.add(inputs))


def namesakes():
    x = tg.Input((3,))
    return tg.Model(x, layers.Dense(2, name="d")(layers.Dense(2, name="d")(x)))


@table(
    (
        "a forgotten input",
        ValueError,
        [
            "the model is not connected: output 'add' needs Input 'b' (None, 3), made at",
            "test_errors.py:",
            "used by 'add'",
            "Model([a, b], ...)",
        ],
        lambda: joined("ab", [0]),
    ),
    (
        "the same input twice",
        ValueError,
        ["the same Input is listed twice"],
        lambda: joined("ab", [0, 1, 0]),
    ),
    (
        "two inputs of one name",
        ValueError,
        ["two inputs are called 'a'", "unique"],
        lambda: joined("aa", [0, 1]),
    ),
    (
        "two layers of one name",
        ValueError,
        ["two layers are called 'd': Dense at", "test_errors.py:", "Dense at", "unique"],
        namesakes,
    ),
    (
        "data for a model's inputs",
        TypeError,
        ["the inputs of a model are symbolic tensors, which start at an Input"],
        lambda: tg.Model(tg.Tensor(1.0), tg.Tensor(1.0)),
    ),
    ("no inputs", ValueError, ["a model needs inputs"], lambda: tg.Model([], [])),
    (
        "a nested model on another shape",
        ValueError,
        ["Model 'base': input 'x' has shape (None, 4), it cannot take 'b' (None, 5)"],
        lambda: base_model()(two_inputs()[1]),
    ),
    (
        "a typo in the inputs of a nested model",
        ValueError,
        ["there is no 'y'", "Known: 'x'"],
        lambda: base_model()({"y": tg.Input((4,))}),
    ),
)
def test_wrong_ways_to_wire_a_model(error, words, call):
    refused(error, words, call)


def test_an_input_that_nothing_uses_is_a_warning():
    a, b = two_inputs()
    with pytest.warns(UserWarning, match=r"no output depends on input 'b' \(None, 5\)"):
        tg.Model([a, b], layers.Dense(1)(a))


def test_an_error_leaves_the_weights_alone():
    model, x, y = headline()
    before = model.get_weights()
    with pytest.raises(IndexError):
        model.fit([x[0] + 5, x[1]], y, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def one_for_all(y_true, y_pred):
    return (y_true - y_pred).mean()


@table(
    (
        "a label that is neither 0 nor 1",
        ValueError,
        ["label 7 in row 2 is not between 0 and 1", "another loss"],
        lambda: fit_one(BCE, [0, 1, 7, 0], activation="sigmoid"),
    ),
    (
        "no samples to evaluate on",
        ValueError,
        ["the data hold no samples"],
        lambda: one_head(MSE).evaluate(np.zeros((0, 3)), np.zeros(0)),
    ),
    (
        "fewer than no epochs",
        ValueError,
        ["epochs, which counts passes through the data,", "0 or more, not -1"],
        lambda: fit(epochs=-1),
    ),
    (
        "a loss that is one number for the batch",
        ValueError,
        ["loss 'one_for_all' must return one number per sample"],
        lambda: one_head(one_for_all),
    ),
)
def test_what_cannot_be_trained(error, words, call):
    refused(error, words, call)
