"""One number from a table, a text and a picture: one network against an average of three.

The seed (001, after Chollet, "Deep Learning with Python", fig. 7.2) wants the price of second-hand
clothing from metadata, a description and a picture. It claims: a weighted average of three separate
models is not as good as one model that sees everything. The seed shows a drawing and no listing;
the layers here are ours, and so are the data, in two parts, since no free set has all of it:

- `price`: all three kinds of input. Year, name and picture of an emoji; the "price" is its place in
  the official list, from -2 (first, smileys) to 2 (last, flags).
- `car_price`: real prices of 804 used cars, in 10,000 dollars, from a table (mileage, cylinders,
  equipment) and a text (make and body in words).

Mean absolute errors on held-back samples (means of three seeds, by `claim`):

                                                 price    car_price
    metadata alone                               0.96     0.46
    text alone                                   0.61     0.40
    picture alone                                0.67
    average of the separate networks             0.68     0.35
    weighted average, weights from hindsight     0.53     0.35
    one network for all inputs                   0.56     0.19

So the claim holds against a plain average. Against the best weights, which nobody can know
beforehand, it holds where inputs must be combined (what a mile costs depends on the make), and not
where each tells something of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from .. import data, layers
from ..data.text import Vocabulary
from ..engine.graph import Tensor
from ..model import Model
from .system import Claim, System, Task, train_variant

INPUTS = ("metadata", "text", "picture")
YEARS = 13
SIZE, LENGTH, VOCABULARY = 24, 8, 1_000


def build(
    inputs: Sequence[str] = INPUTS,
    columns: int = YEARS,
    vocabulary: int = VOCABULARY,
    size: int = SIZE,
    units: int = 32,
    dropout: float = 0.3,
) -> Model:
    """The network, not yet compiled; 85,889 parameters at its canonical size.

    Parameters
    ----------
    inputs : sequence of str
        "metadata", "text" and "picture", or some of them.
    columns, vocabulary, size : int
        Columns of the table, number of different word ids, width and height of the picture.
    units : int
        Width of each branch and of what follows.
    dropout : float
        Behind the concatenation, while training.

    Examples
    --------
    >>> build().count_params()
    85889
    """
    branches = {
        "metadata": lambda: read_table(columns, units),
        "text": lambda: read_text(vocabulary, units),
        "picture": lambda: read_picture(size, units),
    }
    given, read = zip(*(branches[name]() for name in inputs), strict=True)
    x = layers.concatenate(list(read), name="concatenate") if len(read) > 1 else read[0]
    x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Dense(units, activation="relu", name="shared")(x)
    return Model(list(given), layers.Dense(1, name="price")(x), name="price")


def read_table(columns: int, units: int) -> tuple[Tensor, Tensor]:
    """The input and what a dense layer makes of it."""
    table = layers.Input((columns,), name="metadata")
    return table, layers.Dense(units, activation="relu", name="dense")(table)


def read_text(vocabulary: int, units: int) -> tuple[Tensor, Tensor]:
    """The input and what an LSTM makes of it."""
    text = layers.Input((None,), dtype="int32", name="text")
    words = layers.Embedding(vocabulary, units, name="embedding")(text)
    return text, layers.LSTM(units, name="lstm")(words)


def read_picture(size: int, units: int) -> tuple[Tensor, Tensor]:
    """The input and what a convolutional network makes of it."""
    picture = layers.Input((size, size, 3), name="picture")
    x = picture
    for i, filters in enumerate((16, 32), start=1):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"conv_{i}")(x)
        x = layers.MaxPooling2D(2, name=f"pool_{i}")(x)
    x = layers.Flatten(name="flatten")(x)
    return picture, layers.Dense(units, activation="relu", name="picture_dense")(x)


def load(size: int = SIZE, vocabulary: int = VOCABULARY) -> Task:
    """Emoji.

    Returns
    -------
    Task
        ``metadata`` (n, 13): the year from 2010 to 2022, one-hot; ``text`` (n, 8): word ids of the
        name; ``picture`` (n, size, size, 3): how dark it is, from 0 to 1; ``price`` (n,): the
        place in the list.
    """
    emoji = data.load("emoji")
    known = [name for name, held_back in zip(emoji.name, emoji.test, strict=True) if not held_back]
    x = {
        "metadata": np.eye(YEARS)[emoji.year - 2010],
        "text": Vocabulary(known, vocabulary).ids(emoji.name, LENGTH),
        "picture": pictures(emoji.image, emoji.palette, size),
    }
    return Task.split(x, {"price": np.linspace(-2, 2, len(emoji.name))}, emoji.test)


def pictures(image: np.ndarray, palette: np.ndarray, size: int) -> np.ndarray:
    """Pixels of a palette as darkness from 0 to 1, squares of them averaged to `size`."""
    dark = 1 - palette[image].astype(np.float32) / 255
    factor = image.shape[1] // size
    return dark.reshape(-1, size, factor, size, factor, 3).mean(axis=(2, 4))


def load_cars() -> Task:
    """Used cars.

    Returns
    -------
    Task
        ``metadata`` (n, 6) standardized, ``text`` (n, 2) of word ids, ``price`` (n,) in 10,000
        dollars.
    """
    cars = data.load("cars")
    table = np.stack(
        [cars.mileage, cars.cylinders, cars.doors, cars.cruise, cars.sound, cars.leather], axis=1
    ).astype(float)
    known = table[~cars.test]
    texts = [
        f"{cars.make_names[make]} {cars.body_names[body]}"
        for make, body in zip(cars.make, cars.body, strict=True)
    ]
    x = {
        "metadata": (table - known.mean(axis=0)) / known.std(axis=0),
        "text": Vocabulary(texts, CAR_WORDS).ids(texts, 2),
    }
    return Task.split(x, {"price": cars.price / 10_000}, cars.test)


def claim(seed: int = 0) -> Claim:
    """One network against averages of separate networks, for emoji and cars.

    The best weights of an average are found with hindsight, on the held-back samples themselves:
    no honest choice can do better.
    """
    figures: dict[str, float] = {}
    holds = True
    for system, names in ((SYSTEM, INPUTS), (CARS, INPUTS[:2])):
        task = system.task()
        true = task.held_back_y["price"]

        def error(prices: np.ndarray, true: np.ndarray = true) -> float:
            return float(np.abs(prices - true).mean())

        _, joint = train_variant(system, task, seed)
        apart = []
        for name in names:
            alone, scores = train_variant(system, task, seed, inputs=[name])
            apart.append(alone.predict(task.of(alone).held_back_x)[:, 0])
            figures[f"{system.name}: error of {name} alone"] = scores["price"]
        votes = np.stack(apart, axis=1)
        best = np.linalg.lstsq(votes, true, rcond=None)[0]
        figures[f"{system.name}: error of their average"] = error(votes.mean(axis=1))
        figures[f"{system.name}: error of the best average"] = error(votes @ best)
        figures[f"{system.name}: error of one network"] = joint["price"]
        holds &= joint["price"] < error(votes.mean(axis=1))
    return Claim("One network is better than an average of separate ones.", holds, figures)


CAR_WORDS = 13
COMPILE = {"optimizer": "rmsprop", "loss": "mean_squared_error", "metrics": ["mae"]}

SYSTEM = System(
    name="price",
    title="a number from a table, a text and a picture (place of an emoji in the official list)",
    build=build,
    load=load,
    compile=COMPILE,
    parameters=85_889,
    small_build={"size": 12},
    small_load={"size": 12},
    epochs=20,
    claim=claim,
)

CARS = System(
    name="car_price",
    title="the price of a used car from a table and a text",
    build=partial(build, inputs=INPUTS[:2], columns=6, vocabulary=CAR_WORDS, dropout=0.0),
    load=load_cars,
    compile=COMPILE,
    parameters=11_073,
    epochs=40,
)
