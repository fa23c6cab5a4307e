"""Print the matrix of faults: `python tests/faults/table.py`."""

import os
import sys
import tempfile
from pathlib import Path

from faults import behaviour, every


def lines():
    """Number, fault, what happens here, verdict, as a table of Markdown."""
    yield "| | fault | what happens | verdict |"
    yield "|---|---|---|---|"
    for number, one in every().items():
        said = behaviour(one).replace("|", r"\|")
        yield f"| {number} | {one.title} | {said[:300]} | {one.verdict} |"


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[1]))  # what the tests share
    os.chdir(tempfile.mkdtemp())
    print(*lines(), sep="\n")
