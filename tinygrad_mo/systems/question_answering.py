"""Question answering: one branch reads a text, another a question, and one word is the answer.

The seed (001, after Chollet, "Deep Learning with Python", listing 7.1) claims: encode text and
question apart, concatenate, and a softmax over known answers picks the right one. Measured on
stories of our own grammar, to which every right answer is known:

- The printed head cannot do it: 0.43 right (the commonest answer: 0.22). Its logits are a sum,
  f(text) + g(question): the question moves the answers up and down in the same way whatever the
  text says, so "where is Mary?" and "where is John?" always differ by the same vector.
- One hidden layer behind the concatenation is enough to combine both: 0.89 right.

(Small networks, stories that were held back, means of three seeds, by `claim`.)

The book's listing also swaps the arguments of its Embeddings, `Embedding(64, 10000)`: a table of
64 words, 10,000 wide. That network has 2,909,812 parameters and fails at the first word id above
63. What was meant is `Embedding(10000, 64)`, as here.
"""

from __future__ import annotations

import numpy as np

from .. import layers
from ..data.text import Vocabulary
from ..model import Model
from ..optimizers import RMSprop
from .system import Claim, System, Task, train_variant

VOCABULARY, ANSWERS = 10_000, 500
PEOPLE = [
    "Mary", "John", "Sandra", "Daniel", "Anna", "Ben", "Clara", "David", "Emma", "Frank",
    "Gina", "Henry", "Ida", "Jack", "Kate", "Leo", "Maria", "Noah", "Olga", "Paul",
]  # fmt: skip
PLACES = ["kitchen", "garden", "office", "hallway", "bathroom", "bedroom", "cellar", "attic"]


def build(
    vocabulary: int = VOCABULARY,
    answers: int = ANSWERS,
    text_width: int = 64,
    question_width: int = 32,
    hidden: int = 0,
) -> Model:
    """The network, not yet compiled; 1,000,052 parameters at its canonical size.

    Parameters
    ----------
    vocabulary, answers : int
        Number of different word ids, and of answers.
    text_width, question_width : int
        Of the embeddings; the LSTMs are half as wide.
    hidden : int
        Units of a layer behind the concatenation. 0: none, as printed.

    Examples
    --------
    >>> build().count_params()
    1000052
    """
    text = layers.Input((None,), dtype="int32", name="text")
    words = layers.Embedding(vocabulary, text_width, name="text_embedding")(text)
    read_text = layers.LSTM(text_width // 2, name="text_lstm")(words)

    question = layers.Input((None,), dtype="int32", name="question")
    words = layers.Embedding(vocabulary, question_width, name="question_embedding")(question)
    read_question = layers.LSTM(question_width // 2, name="question_lstm")(words)

    x = layers.concatenate([read_text, read_question], name="concatenate")
    if hidden:
        x = layers.Dense(hidden, activation="relu", name="hidden")(x)
    answer = layers.Dense(answers, activation="softmax", name="answer")(x)
    return Model([text, question], answer, name="question_answering")


def load(
    samples: int = 1000,
    people: int = 20,
    places: int = 8,
    vocabulary: int = VOCABULARY,
    answers: int = ANSWERS,
) -> Task:
    """Stories, questions and answers. A story of 20 people has 100 words.

    Returns
    -------
    Task
        ``text`` (n, 5 * people) and ``question`` (n, 7) of word ids, ``answer`` (n, answers)
        one-hot. A fifth of all stories is held back, with all questions about them.
    """
    told = tell(samples, PEOPLE[:people], PLACES[:places])
    texts, questions, words = zip(*told, strict=True)
    ids = Vocabulary([*texts, *questions], vocabulary)
    known = [*PEOPLE[:people], *PLACES[:places], *map(str, range(people + 1))]
    x = {"text": ids.ids(texts, 5 * people), "question": ids.ids(questions, 7)}
    y = {"answer": np.eye(answers, dtype=np.float32)[[known.index(word) for word in words]]}
    different = sorted(set(texts), key=texts.index)
    number = {text: i for i, text in enumerate(different)}
    return Task.split(x, y, np.array([number[text] % 5 == 0 for text in texts]))


def tell(samples: int, people: list[str], places: list[str]) -> list[tuple[str, str, str]]:
    """(story, question, answer), drawn from the grammar with a fixed seed.

    Everyone goes somewhere, in the same order in each story. Three kinds of question:
    where somebody is, who is in a place (if exactly one is), and how many are in a place.

    >>> print(*tell(1, ["Mary", "John"], ["kitchen", "garden"])[0], sep="; ")
    Mary went to the garden John went to the garden; where is Mary; garden
    """
    random = np.random.default_rng(0)
    told = []
    for _ in range(samples):
        goals = [places[i] for i in random.integers(len(places), size=len(people))]
        steps = list(zip(people, goals, strict=True))
        story = " ".join(f"{person} went to the {goal}" for person, goal in steps)
        place, chosen = places[random.integers(len(places))], random.integers(len(people))
        inside = [person for person, goal in steps if goal == place]
        kind = random.integers(3)
        if kind == 0:
            told.append((story, f"where is {people[chosen]}", goals[chosen]))
        elif kind == 1 and len(inside) == 1:
            told.append((story, f"who is in the {place}", inside[0]))
        else:
            told.append((story, f"how many people are in the {place}", str(len(inside))))
    return told


def claim(seed: int = 0) -> Claim:
    """The printed head against one with a hidden layer, on stories that were held back."""
    task, figures = SYSTEM.task(), {}
    asked = task.held_back_x["question"]
    kinds = {"where": (asked > 0).sum(axis=1) == 3, "who": (asked > 0).sum(axis=1) == 5}
    kinds["how many"] = ~kinds["where"] & ~kinds["who"]
    right = task.held_back_y["answer"].argmax(axis=1)
    for head, hidden in (("printed head", 0), ("hidden layer", SYSTEM.small_build["hidden"])):
        model, scores = train_variant(SYSTEM, task, seed, hidden=hidden)
        figures[f"accuracy, {head}"] = scores["answer"]
        hits = model.predict(task.held_back_x).argmax(axis=1) == right
        for kind, chosen in kinds.items():
            figures[f"accuracy, {head}, {kind}"] = float(hits[chosen].mean())
    text = "Reading text and question apart and a softmax on both readings answers questions."
    return Claim(text, figures["accuracy, printed head"] > 0.9, figures)


SYSTEM = System(
    name="question_answering",
    title="a text and a question: one word answers",
    build=build,
    load=load,
    compile={
        "optimizer": "rmsprop",
        "loss": "categorical_crossentropy",
        "metrics": ["accuracy"],
    },
    parameters=1_000_052,
    small_build={"vocabulary": 32, "answers": 16, "hidden": 128},
    small_load={"samples": 5000, "people": 4, "places": 4, "vocabulary": 32, "answers": 16},
    small_compile={"optimizer": RMSprop(0.005)},
    epochs=10,
    claim=claim,
)
