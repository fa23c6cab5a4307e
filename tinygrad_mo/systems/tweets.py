"""One LSTM that reads two short messages, letter by letter.

An old Keras guide, which seed 001 builds on, asks of two tweets whether the same person wrote both.
Its head, `Dense(concatenate([left, right]))`, cannot answer that: the logit is f(left) + g(right),
and "same" is not a sum (see `siamese`). What such a sum can tell is which of two is more so: with
f = -g it ranks. So we ask that: which of two messages is by the older hand?

The messages are verses of the Bible, each once in the King James Version (1611, 1769) and once in
the World English Bible (2000). The characters are one-hot, 256 wide, as in the guide. The small
network reads 40 letters; on held-back verses (means of three seeds, by `claim`) it is right in 0.88
of the pairs when asked which is older, and in 0.50 when asked whether both are by the same hand.
"""

from __future__ import annotations

import numpy as np

from .. import data, layers
from ..model import Model
from ..optimizers import RMSprop
from .system import Claim, System, Task, train_variant

LENGTH, CHARACTERS = 140, 256


def build(length: int = LENGTH, characters: int = CHARACTERS, units: int = 64) -> Model:
    """The network, not yet compiled; 82,305 parameters at its canonical size.

    Parameters
    ----------
    length, characters : int
        Of a message, and number of different ones.
    units : int
        Of the LSTM.

    Examples
    --------
    >>> build().count_params()
    82305
    """
    left = layers.Input((length, characters), name="left")
    right = layers.Input((length, characters), name="right")
    lstm = layers.LSTM(units, name="lstm")
    both = layers.concatenate([lstm(left), lstm(right)], name="concatenate")
    older = layers.Dense(1, activation="sigmoid", name="left_is_older")(both)
    return Model([left, right], older, name="tweets")


def load(
    length: int = LENGTH, characters: int = CHARACTERS, pairs: int = 1_000, same: bool = False
) -> Task:
    """The first letters of verses.

    Parameters
    ----------
    length, characters : int
        Of a message, and width of the one-hot vectors.
    pairs : int
        At most 3,000. (A pair of the canonical size fills 287 kB.)
    same : bool
        False: both translations of a verse, in random order. True: two different verses, each in
        one of the two translations, for the question of the guide.

    Returns
    -------
    Task
        ``left`` and ``right`` (n, length, characters); ``left_is_older`` (n,), or whether both
        are by the same hand.
    """
    verses = data.load("verses")
    random = np.random.default_rng(0)
    texts = np.array([verses.kjv, verses.web])
    one = random.permutation(texts.shape[1])[:pairs]
    other = verses.neighbour[one] if same else one
    hands = random.integers(2, size=(2, pairs))
    if not same:
        hands[1] = 1 - hands[0]
    x = {
        "left": one_hot(texts[hands[0], one], length, characters),
        "right": one_hot(texts[hands[1], other], length, characters),
    }
    label = hands[0] == hands[1] if same else hands[0] == 0
    return Task.split(x, {"left_is_older": label * 1.0}, verses.test[one])


def one_hot(texts: np.ndarray, length: int, characters: int) -> np.ndarray:
    """Texts as ones among zeros, padded in front; codes start again at 0 after `characters`."""
    rows = np.zeros((len(texts), length, characters), np.uint8)
    for row, text in zip(rows, texts, strict=True):
        codes = [ord(character) % characters for character in text[:length]]
        row[np.arange(length - len(codes), length), codes] = 1
    return rows


def claim(seed: int = 0) -> Claim:
    """The guide's question and ours, with the same network."""
    figures = {}
    for question, same in (("same hand?", True), ("which is older?", False)):
        task = load(**{**SYSTEM.small_load, "same": same})
        model, scores = train_variant(SYSTEM, task, seed)
        loss = model.evaluate(task.held_back_x, task.held_back_y, return_dict=True)["loss"]
        figures[f"accuracy, {question}"] = scores["left_is_older"]
        figures[f"loss, {question} (chance: 0.693)"] = loss
    holds = figures["accuracy, same hand?"] > 0.6
    return Claim("A shared LSTM can tell whether two messages are by one hand.", holds, figures)


SYSTEM = System(
    name="tweets",
    title="one LSTM that reads two messages letter by letter: which is older?",
    build=build,
    load=load,
    compile={
        "optimizer": "rmsprop",
        "loss": "binary_crossentropy",
        "metrics": ["accuracy"],
    },
    parameters=82_305,
    small_build={"length": 40, "characters": 96, "units": 32},
    small_load={"length": 40, "characters": 96, "pairs": 3_000},
    small_compile={"optimizer": RMSprop(0.005)},
    epochs=5,
    claim=claim,
)
