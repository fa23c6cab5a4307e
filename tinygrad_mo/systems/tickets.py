"""A router of tickets: title, body and tags in; priority and department out.

Keras's guide builds it with two LSTMs, and "Deep Learning with Python" (2nd edition, 7.2.2) from
bags of words; there a third output, the difficulty, is added to a finished model by starting at one
of its inner tensors.

No free tickets are known to us. The entries of a dictionary (WordNet) stand for them:

    title       the word
    body        what it means
    tags        whether the word ends in one of the commonest endings of three letters
    priority    is it a living being? (a person, animal or plant)
    department  part of speech: noun, verb, adjective or adverb
    difficulty  a noun that can be touched, another noun, or no noun
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from .. import data, layers
from ..data.text import Vocabulary
from ..losses import BinaryCrossentropy, CategoricalCrossentropy
from ..metrics import BinaryAccuracy
from ..model import Model
from ..optimizers import RMSprop
from .system import System, Task

VOCABULARY, TITLE, BODY = 10_000, 8, 24
TAGS, BAG_TAGS = 12, 100
DEPARTMENTS, DIFFICULTIES = 4, 3
LIVING = ("noun.person", "noun.animal", "noun.plant")
TOUCHED = (*LIVING, "noun.artifact", "noun.body", "noun.food", "noun.object", "noun.substance")


def build(
    vocabulary: int = VOCABULARY,
    width: int = 64,
    title_units: int = 128,
    body_units: int = 32,
    tags: int = TAGS,
) -> Model:
    """The network of the guide, not yet compiled; 1,392,097 parameters at its canonical size.

    Parameters
    ----------
    vocabulary, width : int
        Number of different word ids, and width of both embeddings.
    title_units, body_units : int
        Of the LSTMs.
    tags : int
        Number of tags.

    Notes
    -----
    Both outputs are logits: the losses need ``from_logits=True``.

    Examples
    --------
    >>> build().count_params()
    1392097
    """
    title = layers.Input((None,), dtype="int32", name="title")
    body = layers.Input((None,), dtype="int32", name="body")
    marks = layers.Input((tags,), name="tags")
    title_words = layers.Embedding(vocabulary, width, name="title_embedding")(title)
    body_words = layers.Embedding(vocabulary, width, name="body_embedding")(body)
    read_title = layers.LSTM(title_units, name="title_lstm")(title_words)
    read_body = layers.LSTM(body_units, name="body_lstm")(body_words)
    x = layers.concatenate([read_title, read_body, marks], name="concatenate")
    priority = layers.Dense(1, name="priority")(x)
    department = layers.Dense(DEPARTMENTS, name="department")(x)
    return Model([title, body, marks], [priority, department], name="tickets")


def load(
    vocabulary: int = VOCABULARY, title: int = TITLE, body: int = BODY, tags: int = TAGS
) -> Task:
    """Words and what they mean.

    Returns
    -------
    Task
        ``title`` (n, title) and ``body`` (n, body) of word ids, ``tags`` (n, tags); ``priority``
        (n,), ``department`` (n, 4) one-hot.
    """
    glosses = data.load("glosses")
    words, texts = training(glosses.word, glosses.test), training(glosses.gloss, glosses.test)
    x = {
        "title": Vocabulary(words, vocabulary).ids(glosses.word, title),
        "body": Vocabulary(texts, vocabulary).ids(glosses.gloss, body),
        "tags": endings(glosses.word, words, tags),
    }
    y = answers()
    return Task.split(x, {name: y[name] for name in ("priority", "department")}, glosses.test)


def training(texts: list[str], held_back: np.ndarray) -> list[str]:
    """The texts that are not held back."""
    return [text for text, hidden in zip(texts, held_back, strict=True) if not hidden]


def endings(words: list[str], known: list[str], count: int) -> np.ndarray:
    """Which of the commonest last three letters of known words each word has.

    >>> endings(["nothing", "cat"], ["being", "thing", "bat"], 2).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    common = [ending for ending, _ in Counter(word[-3:] for word in known).most_common(count)]
    return np.array([[float(word[-3:] == ending) for ending in common] for word in words])


def answers() -> dict[str, np.ndarray]:
    """What stands for priority, department and difficulty, of all samples."""
    glosses = data.load("glosses")
    topic = np.array(glosses.topic_names)[glosses.topic]
    noun = glosses.part == glosses.part_names.index("noun")
    kind = np.where(noun, np.where(np.isin(topic, TOUCHED), 0, 1), 2)
    return {
        "priority": np.isin(topic, LIVING) * 1.0,
        "department": np.eye(DEPARTMENTS)[glosses.part],
        "difficulty": np.eye(DIFFICULTIES)[kind],
    }


def build_bags(vocabulary: int = VOCABULARY, tags: int = BAG_TAGS, units: int = 64) -> Model:
    """The network of the book: 1,286,789 parameters at its canonical size.

    >>> build_bags().count_params()
    1286789
    """
    title = layers.Input((vocabulary,), name="title")
    body = layers.Input((vocabulary,), name="body")
    marks = layers.Input((tags,), name="tags")
    x = layers.concatenate([title, body, marks], name="concatenate")
    features = layers.Dense(units, activation="relu", name="features")(x)
    priority = layers.Dense(1, activation="sigmoid", name="priority")(features)
    department = layers.Dense(DEPARTMENTS, activation="softmax", name="department")(features)
    return Model([title, body, marks], [priority, department], name="ticket_bags")


def add_difficulty(model: Model) -> Model:
    """A model with a third output, which starts at an inner tensor of the given one.

    Both share all weights that they have in common: 195 are new.

    >>> add_difficulty(build_bags()).count_params()
    1286984
    """
    features = next(node.output for node in model.nodes.all if node.name == "features")
    difficulty = layers.Dense(DIFFICULTIES, activation="softmax", name="difficulty")(features)
    outputs = [*model.outputs.values(), difficulty]
    return Model(list(model.inputs.values()), outputs, name="tickets_with_difficulty")


def build_with_difficulty(**options: int) -> Model:
    """`build_bags` with the third output."""
    return add_difficulty(build_bags(**options))


def load_bags(
    vocabulary: int = VOCABULARY, tags: int = BAG_TAGS, samples: int | None = 2_000
) -> Task:
    """The same, as bags of words: 1 for each word that occurs.

    Parameters
    ----------
    samples : int, optional
        Take only the first ones: a bag of 10,000 words fills 40 kB. None: take all.
    """
    glosses = data.load("glosses")
    word, gloss, held_back = glosses.word[:samples], glosses.gloss[:samples], glosses.test[:samples]
    x = {
        "title": bags(Vocabulary(training(word, held_back), vocabulary), word, vocabulary),
        "body": bags(Vocabulary(training(gloss, held_back), vocabulary), gloss, vocabulary),
        "tags": endings(word, training(word, held_back), tags),
    }
    y = {name: column[:samples] for name, column in answers().items()}
    return Task.split(x, y, held_back)


def bags(vocabulary: Vocabulary, texts: list[str], size: int) -> np.ndarray:
    """A row of `size` zeros and ones per text."""
    rows = np.zeros((len(texts), size), np.uint8)
    np.put_along_axis(rows, vocabulary.ids(texts, BODY), 1, axis=1)
    rows[:, 0] = 0  # padding
    return rows


SYSTEM = System(
    name="tickets",
    title="title, body and tags: which priority, which department? (three inputs, two outputs)",
    build=build,
    load=load,
    compile={
        "optimizer": RMSprop(1e-3),
        "loss": {
            "priority": BinaryCrossentropy(from_logits=True),
            "department": CategoricalCrossentropy(from_logits=True),
        },
        "loss_weights": {"priority": 1.0, "department": 0.2},
        "metrics": {
            "priority": [BinaryAccuracy(threshold=0.0, name="accuracy")],
            "department": ["accuracy"],
        },
    },
    parameters=1_392_097,
    small_build={"vocabulary": 4_000, "width": 32, "title_units": 16, "body_units": 16},
    small_load={"vocabulary": 4_000, "title": 3, "body": 12},
    small_compile={"optimizer": RMSprop(0.005)},
    epochs=4,
    batch_size=64,
)

BAGS = System(
    name="ticket_bags",
    title="the ticket router from bags of words, with a third output added afterwards",
    build=build_with_difficulty,
    load=load_bags,
    compile={
        "optimizer": "rmsprop",
        "loss": {
            "priority": "mean_squared_error",
            "department": "categorical_crossentropy",
            "difficulty": "categorical_crossentropy",
        },
        "metrics": {
            "priority": [BinaryAccuracy(name="accuracy")],
            "department": ["accuracy"],
            "difficulty": ["accuracy"],
        },
    },
    parameters=1_286_984,
    small_build={"vocabulary": 1_000},
    small_load={"vocabulary": 1_000, "samples": None},
    epochs=3,
)
