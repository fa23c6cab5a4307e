"""Age, income and gender from what somebody writes: three outputs, three different losses.

The seeds (001, after Chollet, "Deep Learning with Python", 7.3-7.5; and 002) claim: very imbalanced
losses make the network serve the task with the largest loss, at the expense of the others, and loss
weights cure it. It holds, and it shows in the gradient before the first step. "Pull" is a loss's
share in the weighted gradients on the first shared convolution (means of three seeds, by `claim`):

                     all weights 1      book: .25, 1, 10    equal pull: .01, 1, 2
                     pull    score      pull    score       pull    score
    age (error)      0.99    3.2        0.84    3.1         0.39    3.4     (baseline 4.4)
    income           0.007   0.30       0.025   0.40        0.29    0.66    (baseline 0.25)
    gender           0.004   0.66       0.14    0.99        0.32    0.99    (baseline 0.59)

The book's weights free gender, but not income: our errors of age are larger than the book's.

The book's listing swaps the arguments of its Embedding, `Embedding(256, 50000)`: a table of 256
words, 50,000 wide, 45,982,476 parameters in all. What was meant is `Embedding(50000, 256)`.

Nobody's posts ship with this package. A "post" is the artist and title of a work of Tate, and

    age     its age in years in 2013 (0 to 23; mean squared error)
    income  its medium, the first 8 of 10 classes (categorical cross-entropy)
    gender  whether Tate owns 20 works or more by that artist since 1990 (binary cross-entropy)

A second system does the same with a table: of 10,000 real people, earnings in dollars (mean squared
error), in ten classes and in two halves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .. import data, layers
from ..data.text import Vocabulary
from ..device import set_random_seed
from ..model import Model
from .system import Claim, System, Task, train_variant

VOCABULARY, LENGTH = 50_000, 300
BOOK_WEIGHTS = {"age": 0.25, "income": 1.0, "gender": 10.0}
EQUAL_WEIGHTS = {"age": 0.01, "income": 1.0, "gender": 2.0}  # about 1 / first gradient norm
YEAR, MANY = 2013, 20
INCOMES = 10


def build(
    vocabulary: int = VOCABULARY,
    width: int = 256,
    blocks: Sequence[Sequence[int]] = ((128,), (256, 256), (256, 256)),
    kernel_size: int = 5,
    units: int = 128,
) -> Model:
    """The network, not yet compiled; 14,146,316 parameters at its canonical size.

    Parameters
    ----------
    vocabulary, width : int
        Number of different word ids, and width of the embedding.
    blocks : sequence of sequences of int
        Filters of the convolutions; between two blocks, pooling makes texts five times shorter.
        (The canonical network needs texts of at least 269 words.)
    kernel_size : int
    units : int
        Of the last layer that all outputs share.

    Examples
    --------
    >>> build().count_params()
    14146316
    """
    posts = layers.Input((None,), dtype="int32", name="posts")
    x = layers.Embedding(vocabulary, width, name="embedding")(posts)
    for i, block in enumerate(blocks, start=1):
        for j, filters in enumerate(block, start=1):
            name = f"conv_{i}_{j}"
            x = layers.Conv1D(filters, kernel_size, activation="relu", name=name)(x)
        if i < len(blocks):
            x = layers.MaxPooling1D(5, name=f"pool_{i}")(x)
    x = layers.GlobalMaxPooling1D(name="global_pool")(x)
    x = layers.Dense(units, activation="relu", name="shared")(x)
    age = layers.Dense(1, name="age")(x)
    income = layers.Dense(INCOMES, activation="softmax", name="income")(x)
    gender = layers.Dense(1, activation="sigmoid", name="gender")(x)
    return Model(posts, [age, income, gender], name="demographics")


def load(vocabulary: int = VOCABULARY, length: int = LENGTH) -> Task:
    """Artist and title of the Tate works, and what stands for age, income and gender.

    Returns
    -------
    Task
        ``posts`` (n, length) of word ids; ``age`` (n,), ``income`` (n, 10) one-hot, ``gender``
        (n,).
    """
    tate = data.load("tate")
    posts = [f"{tate.artist_names[a]}: {t}" for a, t in zip(tate.artist, tate.title, strict=True)]
    known = [post for post, held_back in zip(posts, tate.test, strict=True) if not held_back]
    works = np.bincount(tate.artist)[tate.artist]
    y = {
        "age": YEAR - tate.year.astype(float),
        "income": np.eye(INCOMES)[tate.medium],
        "gender": (works >= MANY) * 1.0,
    }
    x = {"posts": Vocabulary(known, vocabulary).ids(posts, length)}
    return Task.split(x, y, tate.test)


def claim(seed: int = 0) -> Claim:
    """Loss weights 1, those of the book, and such that all gradients start out alike.

    The gradients are those of the first shared convolution. "share" is the part of the weighted
    gradients' summed lengths that belongs to a loss; all else are scores on held-back works.
    """
    task = SYSTEM.task()
    settings = {
        "all 1": dict.fromkeys(BOOK_WEIGHTS, 1.0),
        "book": BOOK_WEIGHTS,
        "equal": EQUAL_WEIGHTS,
    }
    figures = {}
    set_random_seed(seed)
    flow = SYSTEM.make().gradient_flow(*task.some())
    for name in flow.losses:
        figures[f"first |gradient| of {name}"] = flow.norm(name, "conv_1_1")
    for setting, weights in settings.items():
        pulls = {name: w * flow.norm(name, "conv_1_1") for name, w in weights.items()}
        weighted = replace(SYSTEM, small_compile={"loss_weights": weights})
        model, scores = train_variant(weighted, task, seed)
        for name in model.outputs:
            figures[f"{setting}: share of {name}"] = pulls[name] / sum(pulls.values())
        for name, value in scores.items():
            metric = model.objective.metrics[name][0].name
            figures[f"{setting}: {metric} of {name}"] = value
    cured = all(
        figures[f"equal: accuracy of {name}"] > figures[f"all 1: accuracy of {name}"] + 0.05
        for name in ("income", "gender")
    )
    return Claim(
        "Imbalanced losses starve the small ones, and loss weights cure it.", cured, figures
    )


LOSSES = {
    "age": "mean_squared_error",
    "income": "categorical_crossentropy",
    "gender": "binary_crossentropy",
}
METRICS = {"age": ["mae"], "income": ["accuracy"], "gender": ["accuracy"]}

SYSTEM = System(
    name="demographics",
    title="age, income and gender: three outputs with three different losses",
    build=build,
    load=load,
    compile={
        "optimizer": "rmsprop",
        "loss": LOSSES,
        "loss_weights": BOOK_WEIGHTS,
        "metrics": METRICS,
    },
    parameters=14_146_316,
    small_build={
        "vocabulary": 4_000,
        "width": 64,
        "blocks": ((64,),),
        "kernel_size": 3,
        "units": 64,
    },
    small_load={"vocabulary": 4_000, "length": 14},
    small_compile={"loss_weights": EQUAL_WEIGHTS},
    epochs=8,
    batch_size=32,
    claim=claim,
)


def build_table(units: int = 64) -> Model:
    """Three outputs that tell one thing at three scales, from a table of people.

    >>> build_table().count_params()
    5516
    """
    person = layers.Input((8,), name="person")
    x = layers.Dense(units, activation="relu", name="shared_1")(person)
    x = layers.Dense(units, activation="relu", name="shared_2")(x)
    earnings = layers.Dense(1, name="earnings")(x)
    income = layers.Dense(INCOMES, activation="softmax", name="income")(x)
    upper = layers.Dense(1, activation="sigmoid", name="upper")(x)
    return Model(person, [earnings, income, upper], name="people")


def load_table() -> Task:
    """Age, gender, education and region of 10,000 people, and what they earn.

    Returns
    -------
    Task
        ``person`` (n, 8); ``earnings`` (n,) in dollars an hour, ``income`` (n, 10) one-hot tenths,
        ``upper`` (n,): 1 for the upper half. Tenths and halves are those of the training samples.
    """
    people = data.load("people")
    age, schooling = (people.age - 40.0) / 10, (people.education - 13.0) / 2.5
    columns = [age, age**2, schooling, people.gender, *np.eye(4)[people.region].T]
    known = people.earnings[~people.test]
    tenths = np.quantile(known, np.arange(1, INCOMES) / INCOMES)
    y = {
        "earnings": people.earnings,
        "income": np.eye(INCOMES)[np.searchsorted(tenths, people.earnings)],
        "upper": (people.earnings > np.median(known)) * 1.0,
    }
    return Task.split({"person": np.stack(columns, axis=1)}, y, people.test)


TABLE = System(
    name="people",
    title="what people earn: in dollars, in ten classes and in two halves",
    build=build_table,
    load=load_table,
    compile={
        "optimizer": "rmsprop",
        "loss": {
            "earnings": "mean_squared_error",
            "income": "categorical_crossentropy",
            "upper": "binary_crossentropy",
        },
        "loss_weights": {"earnings": 0.002, "income": 1.0, "upper": 2.0},
        "metrics": {"earnings": ["mae"], "income": ["accuracy"], "upper": ["accuracy"]},
    },
    parameters=5_516,
    epochs=6,
)
