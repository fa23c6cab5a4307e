"""The pictures of the lessons: written as files, and shown at once where a lesson is a notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ..console import in_notebook
from ..flow import Flow
from ..flow.style import LOSSES
from ..whole_files import write_picture


def loss_colours(losses: Sequence[str]) -> dict[str, str]:
    """One colour per loss, the same in every lesson and on the page: the main loss comes first.

    Examples
    --------
    >>> loss_colours(["main", "aux"])
    {'main': '#1f6fd6', 'aux': '#d97706'}
    """
    return {loss: LOSSES[k % len(LOSSES)][0] for k, loss in enumerate(losses)}


def picture(
    name: str, draw: Callable[[Any], object], size: tuple[float, float] = (8.0, 4.0)
) -> None:
    """Draw into a file in the current folder; without Matplotlib say so, and go on.

    Parameters
    ----------
    name : str
        Of the file, such as ``"lesson08.png"``.
    draw : callable
        Gets an empty Matplotlib `Figure`, and draws on it.
    size : tuple of float
        Width and height in inches.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        print(f"No picture was drawn ({error}); the numbers tell the same.")
        return
    figure = Figure(figsize=size, layout="constrained")
    draw(figure)
    write_picture(figure.savefig, name, dpi=110)
    notebook = in_notebook()
    if notebook is not None:
        notebook.display(notebook.Image(name))
    print(f"Look at {name}.")


def page(name: str, flow: Flow, snapshots: Iterable[Flow] = ()) -> None:
    """Write the interactive page of a flow into the current folder.

    Parameters
    ----------
    name : str
        Of the file, such as ``"lesson09.html"``.
    flow : Flow
    snapshots : iterable of Flow
        Made during training, as for `Flow.save`.
    """
    frames = list(snapshots)
    flow.save(name, snapshots=frames)
    if in_notebook() is not None:
        flow.show(snapshots=frames)
    print(f"Written: {Path(name)}. Open it in a browser; it needs no internet.")
