"""The code of a lesson, a script or a notebook, as one text with lines that can be named."""

from __future__ import annotations

import json
import re
from pathlib import Path

SUFFIXES = (".py", ".ipynb")
CELL = "# %% code cell "  # begins each cell of a notebook in the text, with its number
OF_JUPYTER = re.compile(r"^(\s*)([%!].*|[^#'\"]*\?)$", re.M)  # %matplotlib inline, !pip ..., help?


def read(path: Path) -> bytes:
    """The code in a file. Python itself finds out how the text of a script is encoded.

    Raises
    ------
    OSError
        If the file cannot be read.
    SyntaxError
        If it should be a notebook and is none.
    """
    content = path.read_bytes()
    return content if path.suffix == ".py" else code_cells(content, path).encode()


def code_cells(content: bytes, path: Path) -> str:
    """The code cells of a notebook, one below the other; what is for Jupyter alone is left out."""
    try:
        cells = json.loads(content)["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        raise SyntaxError(f"it is no notebook ({type(error).__name__}: {error})") from None
    texts = [source if isinstance(source, str) else "".join(source) for source in sources]
    parts = [f"{CELL}{number}\n{text}\n" for number, text in enumerate(texts, 1)]
    return OF_JUPYTER.sub(r"\1pass", "".join(parts))


def place_of(line: int, path: Path, text: str) -> str:
    """How a student finds a line: ``04_x.py, line 12``, or ``04_x.ipynb, code cell 3, line 2``.

    Examples
    --------
    >>> text = "# %% code cell 1\\nimport numpy\\n# %% code cell 2\\nx = 1\\ny = 2\\n"
    >>> place_of(5, Path("04_x.ipynb"), text)
    '04_x.ipynb, code cell 2, line 2'
    """
    above = text.splitlines()[:line]
    starts = [number for number, each in enumerate(above, 1) if each.startswith(CELL)]
    if path.suffix == ".py" or not starts:
        return f"{path.name}, line {line}"
    cell = above[starts[-1] - 1].removeprefix(CELL)
    return f"{path.name}, code cell {cell}, line {max(line - starts[-1], 1)}"
