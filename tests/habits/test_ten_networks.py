"""Ten networks, typed as people know them from Keras and PyTorch.

What is typed first either runs, or ends with an error; then what that error says is typed, and
runs. `first_try` holds what did not run, and the words that lead to the second try.
"""

import warnings

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import Input, Model, callbacks, layers, losses, optimizers

random = np.random.default_rng(0)


def first_try(words, kind=Exception):
    """It fails, and says what to type."""
    return pytest.raises(kind, match=words)


def said(words):
    """It runs, and something is said about it."""
    return pytest.warns(UserWarning, match=words)


def is_learning(history, key="loss"):
    return history.history[key][-1] < history.history[key][0]


@pytest.mark.medium
def test_ticket_system(tmp_path):
    words, tags, departments = 50, 6, 4
    with first_try("ids must be integers, not float32; give the Input dtype='int32'"):
        layers.Embedding(words, 8)(Input(shape=(None,), name="title"))
    title = Input(shape=(None,), dtype="int32", name="title")
    body = Input(shape=(None,), dtype="int32", name="body")
    tag = Input(shape=(tags,), name="tags")
    title_features = layers.LSTM(8)(layers.Embedding(words, 8)(title))
    body_features = layers.LSTM(4)(layers.Embedding(words, 8)(body))
    x = layers.concatenate([title_features, body_features, tag])
    priority = layers.Dense(1, name="priority")(x)
    department = layers.Dense(departments, name="department")(x)
    model = Model(
        inputs=[title, body, tag], outputs={"priority": priority, "department": department}
    )
    with first_try(r"model\.summary\(\) prints the graph", AttributeError):
        tg.utils.plot_model(model, "tickets.png", show_shapes=True)
    model.summary(print_fn=lambda line: None)
    judged = [
        losses.BinaryCrossentropy(from_logits=True),
        losses.CategoricalCrossentropy(from_logits=True),
    ]
    with first_try("a list can be read in two ways.*Give a dict with these keys"):
        model.compile(optimizers.RMSprop(1e-2), loss=judged, loss_weights=[1.0, 0.2])
    model.compile(
        optimizer=optimizers.RMSprop(1e-2),
        loss={"priority": judged[0], "department": judged[1]},
        loss_weights={"priority": 1.0, "department": 0.2},
    )
    data = {
        "title": random.integers(words, size=(64, 5)),
        "body": random.integers(words, size=(64, 7)),
        "tags": random.integers(2, size=(64, tags)).astype("float32"),
    }
    labels = {
        "priority": data["tags"][:, :1],
        "department": tg.data.to_categorical(data["title"][:, 0] % departments, departments),
    }
    assert is_learning(model.fit(data, labels, epochs=4, batch_size=16, verbose=0))
    with said("call it .*model.tg"):
        model.save(tmp_path / "model.keras")
    with first_try(r"tg\.load\(path\) reads a model"):
        tg.models.load_model(tmp_path / "model.keras")
    again = tg.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(data)["priority"], model.predict(data)["priority"])


@pytest.mark.medium
def test_headlines_of_the_old_guide():
    with first_try("tg.Model", ImportError):
        from tinygrad_mo.models import Model as OldModel  # noqa: F401
    main_input = Input(shape=(20,), dtype="int32", name="main_input")
    with first_try("no option 'input_length': the first call finds the shape", TypeError):
        layers.Embedding(output_dim=8, input_dim=100, input_length=20)(main_input)
    x = layers.Embedding(output_dim=8, input_dim=100)(main_input)
    lstm_out = layers.LSTM(8)(x)
    auxiliary_output = layers.Dense(1, activation="sigmoid", name="aux_output")(lstm_out)
    auxiliary_input = Input(shape=(5,), name="aux_input")
    x = layers.concatenate([lstm_out, auxiliary_input])
    for _ in range(3):
        x = layers.Dense(8, activation="relu")(x)
    main_output = layers.Dense(1, activation="sigmoid", name="main_output")(x)
    model = Model(inputs=[main_input, auxiliary_input], outputs=[main_output, auxiliary_output])
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", loss_weights=[1.0, 0.2])
    headlines = random.integers(1, 100, size=(40, 20))
    additional = random.normal(size=(40, 5))
    with first_try("labels of output 'main_output' for binary_crossentropy.*between 0 and 1"):
        noise = random.normal(size=(40, 1))
        model.fit([headlines, additional], [noise, noise], epochs=1, verbose=0)
    labels = (additional[:, :1] > 0).astype(int)
    history = model.fit([headlines, additional], [labels, labels], epochs=6, verbose=0)
    assert is_learning(history) and is_learning(history, "aux_output_loss")


@pytest.mark.medium
def test_toy_resnet():
    with first_try(r"nothing is downloaded: tg\.data\.available\(\)"):
        tg.datasets.cifar10.load_data()
    x_train, y_train = random.normal(size=(24, 8, 8, 3)), random.integers(3, size=24)
    with first_try("tg.data has to_categorical"):
        tg.utils.to_categorical(y_train, 3)
    y_train = tg.data.to_categorical(y_train, 3)
    inputs = Input(shape=(8, 8, 3), name="img")
    x = layers.Conv2D(4, 3, activation="relu")(inputs)
    block_1 = layers.MaxPooling2D(2)(layers.Conv2D(4, 3, activation="relu")(x))
    x = layers.Conv2D(4, 3, activation="relu", padding="same")(block_1)
    block_2 = layers.add([layers.Conv2D(4, 3, padding="same")(x), block_1])
    x = layers.GlobalAveragePooling2D()(block_2)
    x = layers.Dropout(0.1)(layers.Dense(8, activation="relu")(x))
    model = Model(inputs, layers.Dense(3)(x), name="toy_resnet")
    model.compile(
        optimizer=optimizers.RMSprop(1e-2),
        loss=losses.CategoricalCrossentropy(from_logits=True),
        metrics=["acc"],
    )
    history = model.fit(
        x_train, y_train, batch_size=8, epochs=4, validation_split=0.25, verbose=0
    ).history
    assert {"acc", "val_acc", "val_loss"} <= history.keys()
    assert history["loss"][-1] < history["loss"][0]


def contrastive_loss(y_true, y_pred):
    square_pred = np.square(y_pred)
    margin_square = np.square(np.maximum(1.0 - y_pred, 0))
    return np.mean(y_true * square_pred + (1 - y_true) * margin_square)


def contrastive_of_each(y_true, y_pred):
    square_pred = np.square(y_pred)
    margin_square = np.square(np.maximum(1.0 - y_pred, 0))
    return (y_true * square_pred + (1 - y_true) * margin_square).mean(axis=-1)


def euclidean_distance(vectors):
    x, y = vectors
    return np.sqrt(np.maximum(np.sum(np.square(x - y), axis=1, keepdims=True), 1e-7))


def test_siamese_with_a_contrastive_loss(tmp_path):
    digit = Input((16,))
    embedding = Model(digit, layers.Dense(4, activation="tanh")(digit), name="embedding")
    a, b = Input((16,), name="left"), Input((16,), name="right")
    towers = [embedding(a), embedding(b)]
    distance = layers.Lambda(euclidean_distance, name="distance")(towers)
    siamese = Model(inputs=[a, b], outputs=distance)
    x = random.normal(size=(2, 40, 16))
    x[1, :20] = x[0, :20] + 0.05 * random.normal(size=(20, 16))
    same = np.repeat([1.0, 0.0], 20)
    with first_try(r"must return one number per sample.*\.mean\(axis=-1\)"):
        siamese.compile(loss=contrastive_loss, optimizer="adam")
        siamese.fit(list(x), same, epochs=1, verbose=0)
    siamese.compile(loss=contrastive_of_each, optimizer="adam")
    assert is_learning(siamese.fit(list(x), same, epochs=5, batch_size=8, verbose=0))
    siamese.save(tmp_path / "siamese.tg")
    with first_try(r"custom_objects=\{'\w+': \.\.\.\}"):
        tg.load(tmp_path / "siamese.tg", compile=False)
        tg.load(tmp_path / "siamese.tg")
    own = [contrastive_of_each, euclidean_distance]
    again = tg.load(tmp_path / "siamese.tg", custom_objects={one.__name__: one for one in own})
    np.testing.assert_array_equal(again.predict(list(x)), siamese.predict(list(x)))


@pytest.mark.medium
def test_autoencoder_with_a_classifier():
    with first_try(r"no 'regularizers': tg\.layers\.regularizers"):
        tg.regularizers.l2(1e-4)
    with first_try(r"no 'l2': L2\(factor\)"):
        layers.regularizers.l2(1e-4)
    image = Input(shape=(16,), name="image")
    code = layers.Dense(
        6, activation="relu", kernel_regularizer=layers.regularizers.L2(1e-4), name="code"
    )(image)
    decoded = layers.Dense(16, activation="sigmoid", name="decoded")(code)
    digit = layers.Dense(3, activation="softmax", name="digit")(code)
    autoencoder = Model(image, [decoded, digit])
    encoder = Model(image, code)
    autoencoder.compile(
        optimizer="adam",
        loss={"decoded": "binary_crossentropy", "digit": "sparse_categorical_crossentropy"},
        metrics={"digit": "accuracy"},
    )
    x = random.uniform(size=(60, 16))
    y = x[:, :3].argmax(axis=1)
    history = autoencoder.fit(
        x, {"decoded": x, "digit": y}, epochs=4, validation_data=(x, [x, y]), verbose=0
    )
    assert is_learning(history, "val_loss")
    kernel, bias = autoencoder.get_layer("code").get_weights()
    encoded = encoder(x[:2]).numpy()
    np.testing.assert_allclose(encoded, np.maximum(x[:2] @ kernel + bias, 0), atol=1e-5)


@pytest.mark.medium
def test_first_loop_with_sgd_by_hand():
    x = np.linspace(-np.pi, np.pi, 50)
    y = np.sin(x)
    with first_try(r"no 'tensor': tg\.Tensor\(value\)"):
        tg.tensor(0.1, requires_grad=True)
    with first_try("requires_grad"):
        tg.Tensor(0.1, requires_grad=True)
    a, b = tg.Parameter(0.0, "a"), tg.Parameter(0.0, "b")

    def error():
        return ((a + b * x - y) ** 2).sum()

    before = error().item()
    with first_try(r"tg\.gradients\(loss, tensors\) returns the gradients"):
        error().backward()
    with first_try("nothing needs to be switched off"), tg.no_grad():
        pass
    gradient = tg.gradients(error(), [a, b])
    with first_try(r"write p\.assign\(p - \.\.\.\)"):
        b -= 1e-3 * gradient[1]
    for _ in range(200):
        for w, g in zip((a, b), tg.gradients(error(), [a, b]), strict=True):
            w.assign(w - 1e-3 * g)
    slope = (x * y).sum() / (x * x).sum()
    assert error().item() < before and abs(b.item() - slope) < 1e-3


def test_first_loop_with_an_optimizer():
    layer = layers.Dense(1)
    x, y = random.normal(size=(32, 3)), random.normal(size=(32, 1))
    layer(x)
    with first_try("Dense 'dense' has no 'parameters': trainable_weights are"):
        optimizers.SGD(layer.parameters(), lr=0.1)
    with first_try("no option 'lr': learning_rate"):
        optimizers.SGD(lr=0.1)
    optimizer, mse = optimizers.SGD(learning_rate=0.1), losses.MeanSquaredError()
    found = []
    for _ in range(5):
        loss = mse(y, layer(x))
        with first_try("nothing to set to 0"):
            optimizer.zero_grad()
        weights = layer.trainable_weights
        pairs = zip(weights, tg.gradients(loss, weights), strict=True)
        with first_try(r"apply\(\{parameter: gradient"):
            optimizer.apply_gradients(pairs)
        optimizer.apply(dict(pairs))
        found.append(loss.item())
    assert found == sorted(found, reverse=True)


@pytest.mark.medium
def test_face_attributes_with_callbacks(tmp_path):
    inputs = Input(shape=(8, 8, 1))
    x = layers.Conv2D(4, (3, 3), padding="same")(inputs)
    x = layers.Activation("relu")(x)
    x = layers.BatchNormalization(axis=-1)(x)
    x = layers.Flatten()(layers.MaxPooling2D(pool_size=(3, 3))(x))
    age = layers.Dense(1, activation="linear", name="age_output")(x)
    race = layers.Dense(3, activation="softmax", name="race_output")(x)
    gender = layers.Dense(2, activation="softmax", name="gender_output")(x)
    model = Model(inputs=inputs, outputs=[age, race, gender], name="face_net")
    with first_try("no option 'lr': learning_rate", TypeError):
        optimizers.Adam(lr=1e-3)
    model.compile(
        optimizer=optimizers.Adam(learning_rate=1e-2),
        loss={
            "age_output": "mse",
            "race_output": "categorical_crossentropy",
            "gender_output": "categorical_crossentropy",
        },
        loss_weights={"age_output": 4.0, "race_output": 1.5, "gender_output": 0.1},
        metrics={"age_output": "mae", "race_output": "accuracy", "gender_output": "accuracy"},
    )
    x = random.normal(size=(30, 8, 8, 1))
    y = [x[:, 4, 4], *(tg.data.to_categorical(random.integers(n, size=30), n) for n in (3, 2))]
    with first_try("unexpected keyword argument 'verbose'", TypeError):
        callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_loss", verbose=1)
    kept = callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_loss")
    stop = callbacks.EarlyStopping(monitor="val_loss", patience=10, restore_best_weights=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "best.keras|.*best.keras")
        history = model.fit(
            x, y, epochs=3, validation_data=(x, y), callbacks=[kept, stop], verbose=0
        )
    assert is_learning(history) and "val_race_output_accuracy" in history.history
    best = min(history.history["val_loss"])
    model.load_weights(tmp_path / "best.keras")
    assert model.evaluate(x, y)[0] == pytest.approx(best, rel=1e-5)


@pytest.mark.medium
def test_sequence_to_sequence_with_masking():
    encoder_inputs = Input(shape=(None, 5), name="source")
    decoder_inputs = Input(shape=(None, 4), name="target")
    source = layers.Masking(mask_value=0.0)(encoder_inputs)
    _, state_h, state_c = layers.LSTM(6, return_state=True)(source)
    decoder = layers.LSTM(6, return_sequences=True, return_state=True)
    decoder_outputs, _, _ = decoder(decoder_inputs, initial_state=[state_h, state_c])
    decoder_outputs = layers.Dense(4, activation="softmax")(decoder_outputs)
    model = Model([encoder_inputs, decoder_inputs], decoder_outputs)
    model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    source = random.normal(size=(16, 6, 5))
    source[:, :2] = 0  # padded in front
    target = tg.data.to_categorical(random.integers(4, size=(16, 3)), 4)
    shifted = np.concatenate([np.zeros((16, 1, 4)), target[:, :-1]], axis=1)
    history = model.fit(
        [source, shifted], target, batch_size=8, epochs=3, validation_split=0.25, verbose=0
    )
    assert is_learning(history)
    shorter = model.predict([source[:, 2:], shifted])
    np.testing.assert_allclose(model.predict([source, shifted]), shorter, atol=1e-6)
    encoder = Model(encoder_inputs, [state_h, state_c])
    assert [one.shape for one in encoder.predict(source)] == [(16, 6), (16, 6)]


@pytest.mark.medium
def test_a_layer_and_an_op_of_ones_own(tmp_path):
    @tg.ops.op
    def cube(x):
        return x**3, (lambda g: g * 3 * x**2)

    x = tg.Tensor([1.0, 2.0])
    with first_try(r"with a comma: return y, \(pull_x,\)"):
        tg.gradients(cube(x).sum(), x)

    @tg.ops.op
    def cube(x):
        return x**3, (lambda g: g * 3 * x**2,)

    np.testing.assert_allclose(tg.gradients(cube(x).sum(), x), [3, 12])

    class Linear(layers.Layer):
        def __init__(self, units=32, **kwargs):
            super().__init__(**kwargs)
            self.units = units

        def build(self, input_shape):
            self.w = self.add_weight(
                shape=(input_shape[-1], self.units), initializer="glorot_uniform", trainable=True
            )
            self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

        def call(self, inputs):
            return cube(inputs @ self.w + self.b)

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    inputs = Input((3,))
    model = Model(inputs, Linear(1)(inputs))
    model.compile("adam", "mse")
    data = random.normal(size=(20, 3))
    assert is_learning(model.fit(data, data[:, :1], epochs=3, verbose=0))
    model.save(tmp_path / "model.tg")
    with first_try(r"custom_objects=\{'Linear': \.\.\.\}\)"):
        tg.load(tmp_path / "model.tg")
    again = tg.load(tmp_path / "model.tg", custom_objects={"Linear": Linear})
    np.testing.assert_array_equal(again.predict(data), model.predict(data))


def test_uncertainty_weighting():
    class MultiLoss(layers.Layer):
        """Kendall, Gal and Cipolla 2018: a log-variance for each loss."""

        def build(self, input_shape=None):
            self.log_vars = [
                self.add_weight(name=f"log_var_{i}", shape=(1,), initializer="zeros")
                for i in range(2)
            ]
            super().build(input_shape)

        def call(self, inputs):
            y_true, y_pred = inputs[:2], inputs[2:]
            for true, pred, log_var in zip(y_true, y_pred, self.log_vars, strict=True):
                precision = np.exp(-log_var)
                self.add_loss(np.mean(precision * (true - pred) ** 2 + log_var))
            return layers.concatenate(inputs)

    x = Input((3,), name="x")
    h = layers.Dense(8, activation="relu")(x)
    y1, y2 = layers.Dense(1, name="y1")(h), layers.Dense(1, name="y2")(h)
    t1, t2 = Input((1,), name="y1_true"), Input((1,), name="y2_true")
    out = MultiLoss()([t1, t2, y1, y2])
    model = Model([x, t1, t2], out)
    model.compile(optimizer="adam", loss=None)
    data = random.normal(size=(64, 3))
    fed = [data, data[:, :1], 5 * random.normal(size=(64, 1))]
    history = model.fit(fed, epochs=5, batch_size=8, verbose=0)
    assert is_learning(history)
    sure, unsure = (w.numpy()[0] for w in model.get_layer("multi_loss").log_vars)
    assert sure < unsure  # the second one is noise
    flow = model.gradient_flow(fed)
    assert len(flow.losses) == 2 and flow.silent_outputs() == ["multi_loss"]
