"""Reference steps of keras.optimizers -> optimizers.npz (versions and how to run: common.py).

Two variables, w (3, 4) and b (4,), take 6 steps. The case `common` holds what all share: the
values before the first step (w, b) and the gradients of every step (grad_w (6, 3, 4), grad_b
(6, 4)); the first gradient entry of w is zero at every step. Each optimizer is a case with the
values AFTER every step: w (6, 3, 4) and b (6, 4); where it keeps an average of the weights, that
is average_w and average_b. Everything that `configs` does not name is the Keras default.
"""

import numpy as np

from common import Book, as_array, draw, generator, keras

STEPS = 6
RATE = 0.05

CASES = {
    "sgd": {"class": "SGD"},
    "sgd_momentum": {"class": "SGD", "momentum": 0.9},
    "sgd_nesterov": {"class": "SGD", "momentum": 0.9, "nesterov": True},
    "sgd_weight_decay": {"class": "SGD", "momentum": 0.9, "weight_decay": 0.1},
    "sgd_clipnorm": {"class": "SGD", "clipnorm": 1.0},
    "sgd_clipvalue": {"class": "SGD", "clipvalue": 0.5},
    "sgd_global_clipnorm": {"class": "SGD", "global_clipnorm": 1.0},
    "rmsprop": {"class": "RMSprop"},
    "rmsprop_momentum": {"class": "RMSprop", "momentum": 0.9},
    "rmsprop_centered": {"class": "RMSprop", "centered": True},
    "rmsprop_all": {"class": "RMSprop", "centered": True, "momentum": 0.5, "weight_decay": 0.1},
    "adam": {"class": "Adam"},
    "adam_amsgrad": {"class": "Adam", "amsgrad": True},
    "adamw": {"class": "AdamW", "weight_decay": 0.1},
    "adamax": {"class": "Adamax"},
    "nadam": {"class": "Nadam"},
    "adagrad": {"class": "Adagrad"},
    "adadelta": {"class": "Adadelta"},
    "lion": {"class": "Lion"},
    "lion_weight_decay": {"class": "Lion", "beta_1": 0.5, "weight_decay": 0.1},
    "sgd_average": {"class": "SGD", "use_ema": True, "ema_momentum": 0.75},
}


def main():
    rng = generator("optimizers")
    start = {"w": draw(rng, 3, 4), "b": draw(rng, 4)}
    # later gradients shrink: this is what tells amsgrad from plain Adam
    shrink = np.array([2.0, 1.0, 1.0, 0.5, 0.25, 0.125])
    gradients = {
        "grad_w": draw(rng, STEPS, 3, 4) * shrink[:, None, None],
        "grad_b": draw(rng, STEPS, 4) * shrink[:, None],
    }
    gradients["grad_w"][:, 0, 0] = 0.0

    book = Book("optimizers.npz")
    book.put("common", **start, **gradients)
    for case, config in CASES.items():
        config = {**config, "learning_rate": RATE}
        book.configs[case] = config
        arguments = {key: value for key, value in config.items() if key != "class"}
        optimizer = getattr(keras.optimizers, config["class"])(**arguments)
        variables = [
            keras.Variable(value, dtype="float64", name=name) for name, value in start.items()
        ]
        optimizer.build(variables)
        values, averages = [], []
        for step in range(STEPS):
            step_gradients = [array[step] for array in gradients.values()]
            optimizer.apply([keras.ops.convert_to_tensor(array) for array in step_gradients])
            values.append([as_array(variable.value) for variable in variables])
            if optimizer.use_ema:
                kept = optimizer._model_variables_moving_average
                averages.append([as_array(average.value) for average in kept])
        book.put(case, w=np.stack([w for w, _ in values]), b=np.stack([b for _, b in values]))
        if averages:
            w, b = map(np.stack, zip(*averages, strict=True))
            book.put(case, average_w=w, average_b=b)
    book.save()


if __name__ == "__main__":
    main()
