"""The sweep as a moving picture, and the page shown from a program or a notebook."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from test_page import headline, made
from tinygrad_mo.flow import animation, style

pytest.importorskip("matplotlib")
Image = pytest.importorskip("PIL.Image")


def seen(image, colour):
    """How many pixels have this colour."""
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return int((np.asarray(image.convert("RGB")) == wanted).all(axis=2).sum())


@pytest.mark.exhaustive
def test_the_gradient_comes_back_column_by_column():
    flow = headline()
    layout = animation.make_layout(flow)
    images = animation.draw_animation(flow)
    assert len(images) == 1 + len({card.column for card in layout.cards.values()})
    main = [seen(image, style.LOSSES[0][0]) for image in images]
    assert main[0] == 0 and main == sorted(main) and main[1] < main[-1]
    captions = {c: animation.caption(flow, layout, c) for c in range(len(images))}
    (meeting,) = (c for c, words in captions.items() if "meet" in words)
    assert captions[meeting] == "gradients meet at the output of lstm, and are added"
    assert layout.cards["lstm"].column == meeting
    aux = flow.measure(("lstm", "aux_output")), flow.measure(("lstm", "concatenate"))
    assert [m.reach for m in aux] == [(False, True), (True, False)]  # one from each loss


@pytest.mark.slow
def test_the_moving_picture_is_a_gif(tmp_path):
    path = tmp_path / "sweep.gif"
    made("one loss").animate(path, seconds=0.5)
    stay = []
    with Image.open(path) as film:
        for n in range(film.n_frames):
            film.seek(n)
            stay.append(film.info["duration"])
        assert film.info["loop"] == 0
    assert stay == [500] * (len(stay) - 1) + [1500] and len(stay) > 3


def test_other_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.gif"):
        made("one loss").animate(tmp_path / "sweep.mp4")
    with pytest.raises(ValueError, match="seconds must be a number, above 0"):
        made("one loss").animate(tmp_path / "sweep.gif", seconds=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.medium
def test_a_program_opens_a_browser_and_a_notebook_shows_the_page_below_its_cell(monkeypatch):
    opened, shown = [], []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    flow = made("one loss")
    flow.show()
    assert len(opened) == 1 and opened[0].startswith("file:") and opened[0].endswith("flow.html")
    shell = type("ZMQInteractiveShell", (), {})()
    display = SimpleNamespace(display=shown.append, HTML=lambda text: text)
    notebook = SimpleNamespace(get_ipython=lambda: shell, display=display)
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    flow.show()
    assert len(opened) == 1 and shown == [flow._repr_html_()]
