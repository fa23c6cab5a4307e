"""From text to the whole numbers that an Embedding takes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import numpy as np

from ..arguments import shown, whole

PADDING, UNKNOWN = 0, 1


def words_of(text: str) -> list[str]:
    """
    >>> words_of("Study for 'The Lake', 1998")
    ['study', 'for', 'the', 'lake', '1998']
    """
    return re.findall(r"\w+", text.lower())


class Vocabulary:
    """Numbers for the words of some texts: 0 is padding, 1 any unknown word, then by frequency.

    Parameters
    ----------
    texts : iterable of str
        To learn the words from: training texts only.
    size : int
        The largest number of ids, padding and unknown included: 2 or more.

    Raises
    ------
    TypeError, ValueError
        If `texts` is one text, or a number is none or too small.

    Examples
    --------
    >>> vocabulary = Vocabulary(["the lake", "the sea"], size=4)
    >>> vocabulary.ids(["the sea", "The lake!", "sky"], length=3).tolist()
    [[0, 2, 1], [0, 2, 3], [0, 0, 1]]
    """

    def __init__(self, texts: Iterable[str], size: int):
        size = whole("Vocabulary: size", size, at_least=2)
        texts = several("Vocabulary: texts", texts)
        counts = Counter(word for text in texts for word in words_of(text))
        ordered = sorted(counts, key=lambda word: (-counts[word], word))
        self.id_of = {word: i for i, word in enumerate(ordered[: size - 2], start=2)}

    def ids(self, texts: Iterable[str], length: int) -> np.ndarray:
        """The texts as rows of `length` ids, padded in front; of a longer text the end counts."""
        texts, length = several("ids: texts", texts), whole("ids: length", length, at_least=1)
        rows = np.full((len(texts), length), PADDING, np.int32)
        for row, text in zip(rows, texts, strict=True):
            ids = [self.id_of.get(word, UNKNOWN) for word in words_of(text)][-length:]
            row[length - len(ids) :] = ids
        return rows


def several(what: str, texts: Iterable[str]) -> list[str]:
    """Texts as a list; one text alone would be read letter by letter."""
    if isinstance(texts, str):
        raise TypeError(f"{what} must be a list of texts, not one: write [{shown(texts)}]")
    return list(texts)
