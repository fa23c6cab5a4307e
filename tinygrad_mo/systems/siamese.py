"""The siamese LSTM: one layer reads two sentences, one number says whether they mean the same.

The seed (001, after Chollet, "Deep Learning with Python", 7.1.5) claims: similarity is symmetric,
so one LSTM reads both sentences, and its weights learn from both at once. The second half holds:
the gradient of the shared weights is the sum over its two calls. The first does not, in two ways.

1. The printed head is `Dense(concatenate([left, right]))`, with weights of its own for each side:
   score(a, b) is not score(b, a).
2. Worse, its logit is f(left) + g(right), a sum without any term that knows both sentences, so it
   cannot compare them. Where each sentence occurs in as many pairs of either kind, the gradient
   vanishes at f = g = 0; the loss is convex in f and g, so nothing beats its value there: chance.

The small network has a head that compares, from (left - right)**2 and left * right. The data are
verses of the Bible in two translations: the same verse, or the next one? On held-back pairs
(means of three seeds, by `claim`):

                                    concatenate    compare    chance
    loss                                  0.697      0.307     0.693
    accuracy                              0.56       0.88      0.5
    |score(a, b) - score(b, a)|           0.10       0 (to the last bit)

Counting shared words, without any network, is right in 0.98 of these pairs.
"""

from __future__ import annotations

import numpy as np

from .. import data, layers
from ..data.text import words_of
from ..engine.graph import Tensor
from ..model import Model
from .system import Claim, System, Task, train_variant

LENGTH = 24


def build(width: int = 128, units: int = 32, head: str = "concatenate") -> Model:
    """The network, not yet compiled; 20,673 parameters at its canonical size.

    Parameters
    ----------
    width : int
        Of the vector that stands for a word. Sentences may have any length.
    units : int
        Of the LSTM.
    head : str
        "concatenate" as printed, or "compare".

    Examples
    --------
    >>> build().count_params()
    20673
    """
    left = layers.Input((None, width), name="left")
    right = layers.Input((None, width), name="right")
    lstm = layers.LSTM(units, name="lstm")
    joined = join(lstm(left), lstm(right), head)
    score = layers.Dense(1, activation="sigmoid", name="score")(joined)
    return Model([left, right], score, name="siamese")


def join(left: Tensor, right: Tensor, head: str) -> Tensor:
    """Both readings side by side, or what tells them apart and what they share."""
    if head == "concatenate":
        return layers.concatenate([left, right], name="concatenate")
    apart = layers.subtract([left, right], name="difference")
    square = layers.multiply([apart, apart], name="distance")
    return layers.concatenate([square, layers.multiply([left, right], name="agreement")])


def load(width: int = 128, length: int = LENGTH) -> Task:
    """Pairs of verses as vectors: each King James verse with the same and with the next World
    English one, on changing sides.

    Returns
    -------
    Task
        ``left`` and ``right`` (n, length, width), ``score`` (n,): 1 for the same verse.
    """
    verses = data.load("verses")
    known = [
        f"{kjv} {web}"
        for kjv, web, held_back in zip(verses.kjv, verses.web, verses.test, strict=True)
        if not held_back
    ]
    vector_of = word_vectors(known, width)
    kjv, web = (as_vectors(texts, vector_of, length, width) for texts in (verses.kjv, verses.web))
    one = np.concatenate([kjv, kjv])
    other = np.concatenate([web, web[verses.neighbour]])
    turned = np.random.default_rng(0).random((len(one), 1, 1)) < 0.5
    x = {"left": np.where(turned, other, one), "right": np.where(turned, one, other)}
    same = np.repeat([1.0, 0.0], len(kjv))
    return Task.split(x, {"score": same}, np.concatenate([verses.test, verses.test]))


def word_vectors(texts: list[str], width: int) -> dict[str, np.ndarray]:
    """A fixed vector for each word of some texts, not learned by gradient.

    Each text gets a random vector, and a word the direction of the sum over the texts in which it
    occurs, so that words of the same texts lie close ("random indexing"). Rare words are longer.
    """
    random = np.random.default_rng(0)
    total: dict[str, np.ndarray] = {}
    count: dict[str, int] = {}
    for text in texts:
        own = random.standard_normal(width)
        for word in set(words_of(text)):
            total[word] = total.get(word, 0) + own
            count[word] = count.get(word, 0) + 1
    return {
        word: vector / np.sqrt((vector**2).mean()) * np.log(len(texts) / count[word]) / 4
        for word, vector in total.items()
    }


def as_vectors(
    texts: list[str], vector_of: dict[str, np.ndarray], length: int, width: int
) -> np.ndarray:
    """The texts as rows of vectors, padded in front with zeros; unknown words are left out."""
    rows = np.zeros((len(texts), length, width), np.float32)
    for row, text in zip(rows, texts, strict=True):
        known = [vector_of[word] for word in words_of(text) if word in vector_of][-length:]
        if known:
            row[length - len(known) :] = known
    return rows


def claim(seed: int = 0) -> Claim:
    """The printed head against one that compares.

    Accuracies are on held-back pairs. The rule without a network calls a pair the same verse if
    its parts share more of their words than the middle training pair.
    """
    task, figures = SYSTEM.task(), {}
    for head in ("concatenate", "compare"):
        model, scores = train_variant(SYSTEM, task, seed, head=head)
        figures[f"accuracy, head {head}"] = scores["score"]
        loss = model.evaluate(task.held_back_x, task.held_back_y, return_dict=True)["loss"]
        figures[f"loss, head {head} (chance: 0.693)"] = loss
        figures[f"|score(a, b) - score(b, a)|, head {head}"] = asymmetry(model, task)
    figures["accuracy of counting shared words"] = shared_words_accuracy()
    text = "A shared LSTM and a Dense layer on both readings give a score that is symmetric."
    return Claim(text, figures["|score(a, b) - score(b, a)|, head concatenate"] < 1e-3, figures)


def asymmetry(model: Model, task: Task) -> float:
    """The mean distance between the scores of a held-back pair in both orders."""
    left, right = task.held_back_x["left"], task.held_back_x["right"]
    one, other = (model.predict({"left": a, "right": b}) for a, b in ((left, right), (right, left)))
    return float(np.abs(one - other).mean())


def shared_words_accuracy() -> float:
    """How often words that both verses share, as a part of all their words, give the answer."""
    verses = data.load("verses")
    kjv, web = ([set(words_of(text)) for text in texts] for texts in (verses.kjv, verses.web))
    same = np.array([len(a & b) / len(a | b) for a, b in zip(kjv, web, strict=True)])
    following = np.array(
        [len(a & web[i]) / len(a | web[i]) for a, i in zip(kjv, verses.neighbour, strict=True)]
    )
    known, new = ~verses.test, verses.test
    middle = np.median(np.concatenate([same[known], following[known]]))
    return float(np.concatenate([same[new] > middle, following[new] <= middle]).mean())


SYSTEM = System(
    name="siamese",
    title="one LSTM that reads two verses: is it the same verse in two translations?",
    build=build,
    load=load,
    compile={"optimizer": "rmsprop", "loss": "binary_crossentropy", "metrics": ["accuracy"]},
    parameters=20_673,
    small_build={"width": 32, "head": "compare"},
    small_load={"width": 32, "length": 20},
    epochs=8,
    claim=claim,
)
