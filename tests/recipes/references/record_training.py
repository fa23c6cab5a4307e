"""Reference training runs -> training.npz (versions and how to run: common.py).

A model with two inputs and two outputs takes 8 train_on_batch steps on fixed batches:

    ids (4, 6) -> Embedding(20, 6) "embedding" -> LSTM(5) "lstm" -> Dense(1, sigmoid) "aux_output"
    concatenate([lstm, numbers (4, 3)]) -> Dense(7, relu) "hidden"
                                        -> Dense(1, sigmoid) "main_output"

Both losses are binary cross-entropies; total = 1.0 * main_output + 0.2 * aux_output.
The case `common` holds ids (8, 4, 6), numbers (8, 4, 3), main_true, aux_true (8, 4, 1) and the
initial weights, named layer_weight: embedding_embeddings, lstm_kernel, lstm_recurrent_kernel ...
Each run holds total_loss, main_output_loss, aux_output_loss (8,), each before the step's update,
and the final weights. In rmsprop_mask the embedding has mask_zero=True (id 0 pads on the right);
of this run only the losses are kept.
"""

import numpy as np

from common import Book, as_array, draw, generator, keras

STEPS, BATCH, TIME, WORDS, NUMBERS = 8, 4, 6, 20, 3

RUNS = {
    "rmsprop": {"class": "RMSprop", "learning_rate": 0.01},
    "sgd_momentum": {"class": "SGD", "learning_rate": 0.1, "momentum": 0.9},
    "adam": {"class": "Adam", "learning_rate": 0.01},
    "rmsprop_mask": {"class": "RMSprop", "learning_rate": 0.01, "mask_zero": True},
}


def build_model(mask_zero):
    ids = keras.Input((TIME,), dtype="int32", name="ids")
    numbers = keras.Input((NUMBERS,), name="numbers")
    words = keras.layers.Embedding(WORDS, 6, mask_zero=mask_zero, name="embedding")(ids)
    text = keras.layers.LSTM(5, name="lstm")(words)
    aux = keras.layers.Dense(1, activation="sigmoid", name="aux_output")(text)
    both = keras.layers.concatenate([text, numbers])
    hidden = keras.layers.Dense(7, activation="relu", name="hidden")(both)
    main = keras.layers.Dense(1, activation="sigmoid", name="main_output")(hidden)
    return keras.Model([ids, numbers], [main, aux])


def named_weights(model):
    return {
        f"{layer.name}_{weight.name}": weight for layer in model.layers for weight in layer.weights
    }


def main():
    rng = generator("training")
    ids = rng.integers(1, WORDS, (STEPS, BATCH, TIME)).astype("int32")
    lengths = rng.integers(1, TIME + 1, (STEPS, BATCH, 1))
    ids[np.arange(TIME) >= lengths] = 0
    numbers = draw(rng, STEPS, BATCH, NUMBERS)
    main_true = (numbers.sum(axis=-1, keepdims=True) > 0).astype("float64")
    aux_true = rng.integers(0, 2, (STEPS, BATCH, 1)).astype("float64")
    weights = named_weights(build_model(mask_zero=False))
    start = {name: draw(rng, *weight.shape, scale=0.5) for name, weight in weights.items()}

    book = Book("training.npz")
    book.put("common", ids=ids, numbers=numbers, main_true=main_true, aux_true=aux_true, **start)
    for run, config in RUNS.items():
        book.configs[run] = config
        arguments = {
            key: value for key, value in config.items() if key not in ("class", "mask_zero")
        }
        model = build_model(config.get("mask_zero", False))
        weights = named_weights(model)
        for name, weight in weights.items():
            weight.assign(start[name])
        model.compile(
            getattr(keras.optimizers, config["class"])(**arguments),
            loss={"main_output": "binary_crossentropy", "aux_output": "binary_crossentropy"},
            loss_weights={"main_output": 1.0, "aux_output": 0.2},
        )
        logs = []
        for step in range(STEPS):
            targets = {"main_output": main_true[step], "aux_output": aux_true[step]}
            logs.append(model.train_on_batch([ids[step], numbers[step]], targets, return_dict=True))
        for key in ("loss", "main_output_loss", "aux_output_loss"):
            name = "total_loss" if key == "loss" else key
            book.put(run, **{name: np.array([float(log[key]) for log in logs])})
        if run != "rmsprop_mask":
            book.put(run, **{name: as_array(weight.value) for name, weight in weights.items()})
    book.save()


if __name__ == "__main__":
    main()
