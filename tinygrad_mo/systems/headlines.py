"""The network with a main and an auxiliary output, which reads titles.

A title runs through an embedding and an LSTM. The auxiliary output judges the title alone; the
main output sees five further numbers, too. Both learn the same label, with one loss

    L = 1.0 * main_loss + 0.2 * aux_loss.

The question that this network answers: how are the weights of the auxiliary branch trained, if
there is one backward sweep and one loss? The data are 4,284 art works of Tate made since 1990:
from its title, and from what is known about the year and the artist, is the work a print?
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from .. import data, layers
from ..data.text import Vocabulary, words_of
from ..model import Model
from .system import System, Task

LENGTH, VOCABULARY = 100, 10_000
WEIGHTS = {"main_output": 1.0, "aux_output": 0.2}
PRINTS = ("etching", "screenprint", "other print")


def build(
    vocabulary: int = VOCABULARY, length: int = LENGTH, width: int = 512, units: int = 32
) -> Model:
    """The network, not yet compiled; 5,200,610 parameters at its canonical size.

    Parameters
    ----------
    vocabulary, length : int
        Number of different word ids, and of ids in a title.
    width, units : int
        Of the embedding, and of the LSTM.

    Examples
    --------
    >>> build().count_params()
    5200610
    """
    title = layers.Input((length,), dtype="int32", name="main_input")
    words = layers.Embedding(vocabulary, width, name="embedding")(title)
    reading = layers.LSTM(units, name="lstm")(words)
    aux_output = layers.Dense(1, activation="sigmoid", name="aux_output")(reading)

    numbers = layers.Input((5,), name="aux_input")
    x = layers.concatenate([reading, numbers], name="concatenate")
    for i in (1, 2, 3):
        x = layers.Dense(64, activation="relu", name=f"dense_{i}")(x)
    main_output = layers.Dense(1, activation="sigmoid", name="main_output")(x)
    return Model([title, numbers], [main_output, aux_output], name="headlines")


def load(length: int = LENGTH, vocabulary: int = VOCABULARY) -> Task:
    """Titles, numbers and labels of the Tate works.

    Returns
    -------
    Task
        ``main_input`` (n, length) of word ids, ``aux_input`` (n, 5), and for both outputs the same
        labels (n,): 1 for prints. The vocabulary and the scale of the numbers come from the
        training samples alone.
    """
    tate = data.load("tate")
    numbers = five_numbers(tate)
    known = numbers[~tate.test]
    titles = [
        title for title, held_back in zip(tate.title, tate.test, strict=True) if not held_back
    ]
    labels = np.isin(tate.medium, [tate.medium_names.index(name) for name in PRINTS]) * 1.0
    x = {
        "main_input": Vocabulary(titles, vocabulary).ids(tate.title, length),
        "aux_input": (numbers - known.mean(axis=0)) / known.std(axis=0),
    }
    return Task.split(x, {"main_output": labels, "aux_output": labels}, tate.test)


def five_numbers(tate: SimpleNamespace) -> np.ndarray:
    """Year; words and letters of the title; the artist's works and active years in training."""
    train, artists = ~tate.test, len(tate.artist_names)
    works = np.bincount(tate.artist[train], minlength=artists)
    pairs = np.unique(np.stack([tate.artist[train], tate.year[train]]), axis=1)
    years = np.bincount(pairs[0], minlength=artists)
    columns = [
        tate.year,
        np.log1p([len(words_of(title)) for title in tate.title]),
        np.log1p([len(title) for title in tate.title]),
        np.log1p(works)[tate.artist],
        np.log1p(years)[tate.artist],
    ]
    return np.stack(columns, axis=1).astype(float)


SYSTEM = System(
    name="headlines",
    title="a main and an auxiliary output that judge titles (is this work of art a print?)",
    build=build,
    load=load,
    compile={
        "optimizer": "rmsprop",
        "loss": "binary_crossentropy",
        "loss_weights": WEIGHTS,
        "metrics": ["accuracy"],
    },
    parameters=5_200_610,
    small_build={"length": 20, "vocabulary": 4_000, "width": 32},
    small_load={"length": 20, "vocabulary": 4_000},
    epochs=4,
)
