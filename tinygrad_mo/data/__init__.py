"""Real data that ships with the package (nothing is ever downloaded), and what prepares data.

`LICENSES.md` in this folder names source, version and licence of each set, and tests/recipes/data
holds the script that makes each file anew and checks its sha256.
"""

from __future__ import annotations

from importlib import resources
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..naming import lookup
from ..other_names import says
from .preparing import pad_sequences, to_categorical
from .text import Vocabulary

__all__ = ["Vocabulary", "available", "load", "pad_sequences", "to_categorical"]
__getattr__ = says(__name__, "data")


def available() -> list[str]:
    """The names of the data sets.

    >>> "tate" in available()
    True
    """
    files = resources.files(__name__).iterdir()
    return sorted(f.name.removesuffix(".npz") for f in files if f.name.endswith(".npz"))


def load(name: str) -> SimpleNamespace:
    """A data set by name, its columns as read-only arrays (text columns as lists of str).

    Parameters
    ----------
    name : str
        One of `available()`.

    Returns
    -------
    namespace
        Columns of one length, among them ``test``: True where a sample is held back. A column
        ``kind`` of codes comes with ``kind_names``, and ``palette`` holds the colours of pictures.

    Examples
    --------
    >>> tate = load("tate")
    >>> len(tate.title), tate.title[0], tate.medium_names[tate.medium[0]], int(tate.year[0])
    (4284, 'Proposals for a Habitat', 'film', 1990)
    """
    lookup("data set", name, dict.fromkeys(available()))
    columns: dict[str, Any] = {}
    path = resources.files(__name__) / f"{name}.npz"
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        for column in arrays.files:
            columns[column] = arrays[column]
    rows = len(columns["test"])
    for column, array in columns.items():
        array.setflags(write=False)
        is_text = array.dtype == np.uint8 and array.ndim == 1 and len(array) != rows
        if is_text or column.endswith("_names"):
            columns[column] = array.tobytes().decode("utf-8").split("\n")
    return SimpleNamespace(**columns)
