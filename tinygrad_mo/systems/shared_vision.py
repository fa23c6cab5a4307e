"""One vision model for two pictures: called twice, it learns from both.

The seed says that a layer or model which is called again uses what it has learned already. In the
Keras guide such a network is to say whether two digits are the same digit: it joins the two
embeddings and ends in one unit.

A slip, corrected aloud: one unit on joined embeddings computes u(left) + v(right), and no such sum
can say whether two digits are equal; three pairs of four is the best it can do. It can say what is
a sum by nature: do the two digits make ten or more? That is the task here.

Measured (`claim`, three seeds) on new digits: "the same?" is right for 0.48 to 0.51, which is
chance, but for 0.83 to 0.86 if the squared difference of the embeddings is judged; "ten or more?"
for 0.80 to 0.81.

(Why three of four: if u(a) + v(a) > 0 and u(b) + v(b) > 0, then u(a) + v(b) > 0 or u(b) + v(a) > 0.
So with all equal pairs right, half of the unequal ones are wrong, and giving up some does not pay.)
"""

from __future__ import annotations

import numpy as np

from .. import data, layers
from ..device import set_random_seed
from ..engine.graph import Tensor
from ..model import Model
from .pictures import enlarged
from .system import Claim, System, Task

SIZE = 27


def vision(size: int, filters: int) -> Model:
    """The model that both pictures pass: two convolutions, and everything in one row."""
    picture = layers.Input((size, size, 1), name="digit")
    x = layers.Conv2D(filters, 3, name="conv_1")(picture)
    x = layers.Conv2D(filters, 3, name="conv_2")(x)
    x = layers.MaxPooling2D(2, name="pool")(x)
    return Model(picture, layers.Flatten(name="flatten")(x), name="vision")


def build(size: int = SIZE, filters: int = 64, join: str = "concatenate") -> Model:
    """Two pictures, one vision model, one answer between 0 and 1.

    Parameters
    ----------
    size, filters : int
        Rows and columns of a picture; channels of both convolutions.
    join : str
        "concatenate", or "difference": the squares of the differences of the two embeddings.

    Examples
    --------
    >>> build().count_params()
    53057
    """
    shared = vision(size, filters)
    left = layers.Input((size, size, 1), name="left")
    right = layers.Input((size, size, 1), name="right")
    seen = shared(left), shared(right)
    answer = layers.Dense(1, activation="sigmoid", name="answer")(joined(seen, join))
    return Model([left, right], answer, name="shared_vision")


def joined(seen: tuple[Tensor, Tensor], join: str) -> Tensor:
    if join == "concatenate":
        return layers.concatenate(list(seen), name="join")
    difference = layers.subtract(list(seen), name="difference")
    return layers.multiply([difference, difference], name="join")


def load(size: int = SIZE, question: str = "sum", pairs: int = 3000) -> Task:
    """Pairs of handwritten digits. Half of the answers are yes.

    Parameters
    ----------
    size : int
        The 8x8 pixels are enlarged as often as goes, with an empty margin around.
    question : str
        "sum": do they make ten or more? "same": are they the same digit?
    pairs : int
        To train on; a third as many, of digits not seen in training, are held back.

    Returns
    -------
    Task
        ``left`` and ``right`` (n, size, size, 1) from 0 to 1, and ``answer`` (n,): 1 for yes.
    """
    digits = data.load("digits")
    generator = np.random.default_rng(0)
    times = size // 8
    margin = size - 8 * times
    around = (margin // 2, margin - margin // 2)
    pictures = np.pad(enlarged(digits.image / np.float32(16), times), ((0, 0), around, around))
    known, hidden = np.flatnonzero(~digits.test), np.flatnonzero(digits.test)
    drawn = [draw_pairs(known, digits.digit, pairs, question, generator)]
    drawn.append(draw_pairs(hidden, digits.digit, pairs // 3, question, generator))
    left, right = np.concatenate(drawn, axis=1)
    x = {"left": pictures[left, ..., None], "right": pictures[right, ..., None]}
    answer = answers(digits.digit[left], digits.digit[right], question)
    return Task.split(x, {"answer": answer * 1.0}, np.arange(len(left)) >= pairs)


def answers(left: np.ndarray, right: np.ndarray, question: str) -> np.ndarray:
    return left == right if question == "same" else left.astype(int) + right >= 10


def draw_pairs(
    rows: np.ndarray, digit: np.ndarray, pairs: int, question: str, generator: np.random.Generator
) -> np.ndarray:
    """Numbers of samples, (2, pairs), as many with the answer yes as with no."""
    left, right = generator.choice(rows, (2, 20 * pairs))
    yes = answers(digit[left], digit[right], question)
    chosen = [np.flatnonzero(yes)[: pairs // 2], np.flatnonzero(~yes)[: pairs - pairs // 2]]
    return np.stack([left, right])[:, generator.permutation(np.concatenate(chosen))]


def claim(seed: int = 0) -> Claim:
    """Accuracy on both questions, for both ways to join, beside the limit of a sum."""
    figures = {}
    for question in ("sum", "same"):
        task = SYSTEM.load(**{**SYSTEM.small_load, "question": question})
        for join in ("concatenate", "difference"):
            set_random_seed(seed)
            model = build(**{**SYSTEM.small_build, "join": join})
            model.compile(**{**SYSTEM.compile, "optimizer": "adam"})
            model.fit(task.x, task.y, epochs=SYSTEM.epochs, verbose=0)
            _, accuracy = model.evaluate(task.held_back_x, task.held_back_y)
            figures[f"accuracy, {question}, {join}"] = accuracy
    text = (
        "A shared model with one unit on joined embeddings tells whether two digits are the same."
    )
    return Claim(text, figures["accuracy, same, concatenate"] > 0.75, figures)


SYSTEM = System(
    name="shared_vision",
    title="one vision model for two digits: do they make ten or more?",
    build=build,
    load=load,
    compile={"optimizer": "adam", "loss": "binary_crossentropy", "metrics": ["accuracy"]},
    parameters=53_057,
    small_build={"size": 16, "filters": 8},
    small_load={"size": 16},
    epochs=10,
    claim=claim,
)
