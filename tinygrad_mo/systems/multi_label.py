"""A picture can show several things: one output with a yes or no for each of them.

The seed (000) says that each label needs an output of its own. K sigmoids in one Dense layer are
that: K yes-or-no outputs, whose losses are averaged. A softmax is not, since its classes exclude
each other: it must share 1 among the labels, also where there are none or three. Data: pictures of
emoji, and which of twelve words occur in the name ("smiling face with open mouth"). All twelve
answers are right for 0.84 of the held-back pictures with sigmoids, for 0.40 with a softmax; if the
name has none of the words, for 0.97 and 0.31 (means of three seeds, by `claim`).

A second system corrects a mistake of seed 002, which gives as an example of two outputs "the class
and the probability of each class". These are one output: the class IS the most likely one. Made as
two heads (`class_and_probability`), they learn the same thing twice: neither is better than one
head alone (0.91 and 0.91 right, against 0.93), and for 5 % of the pictures they contradict each
other.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .. import data, layers
from ..data.text import words_of
from ..model import Model
from .price import pictures
from .system import Claim, System, Task, train_variant

SIZE = 24
WORDS = (
    "face", "person", "button", "heart", "hand", "arrow", "square", "smiling", "moon", "eyes",
    "mouth", "clock",
)  # fmt: skip
DIGITS = 10
HEADS = ("class", "probability")


def build(size: int = SIZE, units: int = 64, activation: str = "sigmoid") -> Model:
    """The network, not yet compiled; 79,660 parameters at its canonical size.

    Parameters
    ----------
    size : int
        Width and height of the picture.
    units : int
        Of the layer before the output.
    activation : str
        "sigmoid", or "softmax" to see what goes wrong.

    Examples
    --------
    >>> build().count_params()
    79660
    """
    picture = layers.Input((size, size, 3), name="picture")
    x = picture
    for i, filters in enumerate((16, 32), start=1):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"conv_{i}")(x)
        x = layers.MaxPooling2D(2, name=f"pool_{i}")(x)
    x = layers.Dense(units, activation="relu", name="dense")(layers.Flatten(name="flatten")(x))
    words = layers.Dense(len(WORDS), activation=activation, name="words")(x)
    return Model(picture, words, name="multi_label")


def load(size: int = SIZE) -> Task:
    """Emoji.

    Returns
    -------
    Task
        ``picture`` (n, size, size, 3): how dark it is, from 0 to 1; ``words`` (n, 12): 1 for
        each of `WORDS` in its name.
    """
    emoji = data.load("emoji")
    names = [set(words_of(name)) for name in emoji.name]
    words = np.array([[float(word in name) for word in WORDS] for name in names])
    x = {"picture": pictures(emoji.image, emoji.palette, size)}
    return Task.split(x, {"words": words}, emoji.test)


def claim(seed: int = 0) -> Claim:
    """Twelve sigmoids against a softmax, with the loss that belongs to each.

    "All right" is the share of pictures for which all twelve answers are right (is it above 1/2?),
    of those with no, one, or several of the words.
    """
    task, figures = SYSTEM.task(), {}
    true = task.held_back_y["words"]
    counts = true.sum(axis=1)
    for activation, loss in (
        ("sigmoid", "binary_crossentropy"),
        ("softmax", "categorical_crossentropy"),
    ):
        trained = replace(SYSTEM, compile={**SYSTEM.compile, "loss": loss})
        with warnings.catch_warnings():  # that labels of several words are none for a softmax
            warnings.simplefilter("ignore")
            model, scores = train_variant(trained, task, seed, activation=activation)
        figures[f"{activation}: area under the curve"] = scores["words"]
        right = ((model.predict(task.held_back_x) > 0.5) == true).all(axis=1)
        for name, chosen in (
            ("no word", counts == 0),
            ("one word", counts == 1),
            ("several", counts > 1),
        ):
            figures[f"{activation}: all right, {name}"] = float(right[chosen].mean())
        figures[f"{activation}: all right"] = float(right.mean())
    holds = figures["sigmoid: all right"] > figures["softmax: all right"]
    return Claim("Several labels at once need an output for each.", holds, figures)


SYSTEM = System(
    name="multi_label",
    title="a picture of an emoji: which of twelve words are in its name? (twelve sigmoids)",
    build=build,
    load=load,
    compile={"optimizer": "rmsprop", "loss": "binary_crossentropy", "metrics": ["auc"]},
    parameters=79_660,
    small_build={"size": 12},
    small_load={"size": 12},
    epochs=30,
    claim=claim,
)


def build_heads(units: int = 32, outputs: Sequence[str] = HEADS) -> Model:
    """A network that classifies digits, with two heads for the same thing.

    >>> build_heads().count_params()
    2740
    """
    picture = layers.Input((64,), name="picture")
    x = layers.Dense(units, activation="relu", name="dense")(picture)
    heads = [layers.Dense(DIGITS, activation="softmax", name=name)(x) for name in outputs]
    return Model(picture, heads, name="class_and_probability")


def load_digits() -> Task:
    """Handwritten digits: ``picture`` (n, 64), and the same labels for both heads."""
    digits = data.load("digits")
    labels = np.eye(DIGITS)[digits.digit]
    x = {"picture": digits.image.reshape(-1, 64) / 16}
    return Task.split(x, dict.fromkeys(HEADS, labels), digits.test)


def claim_heads(seed: int = 0) -> Claim:
    """Two heads for one thing against one head, whose most likely class is the class."""
    task = HEADS_SYSTEM.task()
    both, together = train_variant(HEADS_SYSTEM, task, seed)
    one, alone = train_variant(HEADS_SYSTEM, task, seed, outputs=HEADS[1:])
    classes = [p.argmax(axis=1) for p in both.predict(task.held_back_x)]
    figures = {
        "parameters, two heads": both.count_params(),
        "parameters, one head": one.count_params(),
        "accuracy of the head for the class": together["class"],
        "accuracy of the head for the probability": together["probability"],
        "accuracy of one head": alone["probability"],
        "share of pictures where two heads disagree": float((classes[0] != classes[1]).mean()),
    }
    useful = together["class"] > alone["probability"] + 0.02
    return Claim("Class and probability are two outputs.", useful, figures)


HEADS_SYSTEM = System(
    name="class_and_probability",
    title="a mistake to look at: two heads for one thing",
    build=build_heads,
    load=load_digits,
    compile={
        "optimizer": "rmsprop",
        "loss": "categorical_crossentropy",
        "metrics": {name: ["accuracy"] for name in HEADS},
    },
    parameters=2_740,
    epochs=10,
    claim=claim_heads,
)
