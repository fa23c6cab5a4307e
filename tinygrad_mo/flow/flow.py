"""The flow as users meet it: what was measured, and the words and pictures made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from .. import arguments
from ..console import in_notebook, say
from ..platforms import show_in_browser
from ..whole_files import replace_file, write_picture
from . import animation, charts, curves, figure, page, words
from .chart_parts import any_script
from .data import FlowData
from .frames import flow_list, in_order
from .storing import load_flow, no_page, no_picture, save_flow


class Flow(FlowData):
    """Who trains what, at one moment: what `model.gradient_flow(x, y)` returns.

    It is plain data: it can be made by hand, pickled, compared, saved and read back, whoever has
    measured it. What it holds, `FlowData` says; `words`, `table`, `figure`, `save` ... show it.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_mo.flow import Flow, FlowNode, Measure, Wire
    >>> pulls = Measure.of(np.array([[3.0, 0.0], [0.0, 4.0]]), losses=(0, 1), count=2)
    >>> flow = Flow(
    ...     losses=["main", "aux"],
    ...     values={"main": 0.5, "aux": 0.7},
    ...     weights={"main": 1.0, "aux": 0.2},
    ...     nodes=[
    ...         FlowNode("trunk", parameters=("trunk/kernel",), shape=(8,)),
    ...         FlowNode("main", "loss", loss="main"),
    ...         FlowNode("aux", "loss", loss="aux"),
    ...     ],
    ...     wires=[Wire("trunk", "main", pulls), Wire("trunk", "aux", pulls)],
    ...     parameters={"trunk/kernel": pulls},
    ... )
    >>> print(flow.table())
    weights       main  aux  weighted sum  verdict
    ------------------------------------------------------
    trunk/kernel     3    4         3.105  unrelated +0.00
    ------------------------------------------------------
    -: no path from this loss
    each loss alone is unweighted; measured as in training (batch statistics, dropout)
    conflict: a cosine below -0.25; agree: above +0.25; unrelated: between
    """

    def report(self) -> str:
        """Who trains what, in plain sentences."""
        return words.report(self)

    def explain(self) -> str:
        """What follows from the paths between losses and weights, as `Model.explain` says it."""
        return words.explain(self)

    def table(self) -> str:
        """One row per weight array: the gradient of each loss, their sum, and how they agree."""
        return words.table(self)

    def figure(self, path: str | None = None, unfolded: bool = False) -> Any:
        """The printed picture: each loss alone, and all added together, on one page of A4.

        Where that would be too small to be read, all added together are shown alone.

        Parameters
        ----------
        path : str, optional
            Also save it there; the ending (.png, .pdf, .svg) says how.
        unfolded : bool, optional
            Show all cards of a large model, each loss alone, too, on as much paper as that takes.
            Default: cards are folded as on the page.

        Returns
        -------
        matplotlib Figure
        """
        if path is not None:
            no_page(path)
        with any_script(self):
            drawn = figure.draw_figure(self, arguments.flag("figure: unfolded", unfolded))
        if path is not None:
            write_picture(drawn.savefig, path, dpi=144)
        return drawn

    def animate(self, path: str | Path, seconds: float = 1.2) -> None:
        """The one sweep as a moving picture for slides: the gradient comes back card by card.

        Parameters
        ----------
        path : str or Path
            A file that ends in .gif.
        seconds : float, optional
            How long each image stays; the last one three times as long. Default: 1.2.

        Raises
        ------
        ValueError
            If the file is of another kind.

        Examples
        --------
        >>> flow.animate("sweep.gif")  # doctest: +SKIP
        """
        if Path(path).suffix.lower() != ".gif":
            raise ValueError(f"animate: {path} must end in .gif")
        each = 1000 * arguments.number("animate: seconds", seconds, above=0)
        with any_script(self):
            first, *others = animation.draw_animation(self)
        made = BytesIO()
        stay = [each] * len(others) + [3 * each]
        first.save(made, "GIF", save_all=True, append_images=others, duration=stay, loop=0)
        replace_file(path, made.getvalue())

    def bars(self, axes: Any = None, by: str | None = None) -> Any:
        """Who trains what, as stacked bars: see `charts.bars`."""
        with any_script(self):
            return charts.bars(self, axes, by)

    def heat_map(self, axes: Any = None, by: str | None = None) -> Any:
        """How long each loss's gradient is on all weights: see `charts.heat_map`."""
        with any_script(self):
            return charts.heat_map(self, axes, by)

    def over_sequence(self, axes: Any = None, wire: tuple[str, str] | None = None) -> Any:
        """The gradient at each step that a recurrent layer reads: see `curves.over_sequence`."""
        with any_script(self):
            return curves.over_sequence(self, axes, wire)

    def by_depth(self, axes: Any = None) -> Any:
        """The gradient on its way from the losses to the inputs: see `curves.by_depth`."""
        with any_script(self):
            return curves.by_depth(self, axes)

    def through_training(self, snapshots: Iterable[Flow], axes: Any = None) -> Any:
        """Losses and cosines at all recorded steps and this one: see `curves.through_training`."""
        frames = in_order("snapshots", snapshots, self)
        with any_script(self):
            return curves.through_training(frames, axes)

    def save(
        self,
        path: str | Path,
        snapshots: Iterable[Flow] = (),
        tour: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        """Write the interactive picture, or the data.

        Parameters
        ----------
        path : str or Path
            With ".flow" at its end: the numbers, for `Flow.load`. Any other: the picture, one HTML
            file that opens in any browser. Where arrays were kept (``keep_arrays=True``) it shows
            them, too, as small grids of means.
        snapshots : list of Flow
            Recorded during one training (`FlowRecorder.flows`): the page then shows all these steps
            (at its own step, this flow itself).
        tour : list of dict, optional
            The questions that the page's tour asks, instead of its own. Each has a "title", and may
            have a "text", a list of texts to "look" at, and the state that answers it: a recorded
            "step", "weights" by loss, a "select"-ed node ("lstm"), parameter ("lstm/kernel") or
            wire (("lstm", "dense")), and the number of a step of the "sweep".

        Raises
        ------
        ValueError
            If the snapshots are of another training, or a stop of the tour asks for what is not
            there.

        Examples
        --------
        >>> flow.save("flow.html", tour=[
        ...     {"title": "Who is alone here?", "weights": {"aux": 0}, "select": "trunk"},
        ... ])  # doctest: +SKIP
        """
        no_picture(path)
        frames = flow_list("snapshots", snapshots)
        if Path(path).suffix.lower() != ".flow":
            replace_file(path, page.draw_page(self, frames, tour).encode())
        elif frames or tour:
            raise ValueError(f"{path} holds one flow: snapshots and tours are for a page (.html)")
        else:
            save_flow(path, self)

    def show(
        self,
        snapshots: Iterable[Flow] = (),
        tour: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        """Show the interactive picture: in Jupyter below the cell, otherwise in a browser.

        Parameters
        ----------
        snapshots, tour : optional
            As for `save`.
        """
        drawn = page.draw_page(self, flow_list("snapshots", snapshots), tour)
        notebook = in_notebook()
        if notebook is not None:
            notebook.display(notebook.HTML(page.in_frame(drawn)))
            return
        path = Path(mkdtemp()) / "flow.html"  # it must outlive this call
        replace_file(path, drawn.encode())
        if not show_in_browser(path):
            say(f"No browser was found here: open {path} in one")

    @classmethod
    def load(cls, path: str | Path) -> Flow:
        """Read a flow that `save` wrote as data."""
        return load_flow(path, cls)

    def _repr_html_(self) -> str:
        return page.in_frame(page.draw_page(self))
