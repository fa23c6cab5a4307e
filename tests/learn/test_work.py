"""What later lessons use of earlier ones, and how lessons draw."""

import builtins
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import tinygrad_mo as tg
from small_course import ADDING, finish, write
from tinygrad_mo.learn import loss_colours, my_work, page, picture
from tinygrad_mo.learn.picture import in_notebook


def test_right_work_is_used(student, capsys):
    finish(student)
    assert my_work("adding").add(2, 3) == 5
    assert capsys.readouterr().out == "adding: all of it is yours\n"


def test_what_is_not_right_yet_is_ours(student, capsys):
    write(student, "return x + y + 0 * 7", "return 3 * x")
    work = my_work("adding", student)
    assert (work.add(2, 3), work.double(4)) == (5, 8)
    assert work.add.__code__.co_consts != work.double.__code__.co_consts
    printed = capsys.readouterr().out
    assert printed == "adding: yours, but for double: not right yet, so ours\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (ADDING, "nothing in it is right yet"),
        ("def add(x, y:\n", "your file cannot be run as it is"),
        ("import nonsense\n", "your file cannot be run as it is"),
    ],
)
def test_where_nothing_can_be_used_all_of_it_is_ours(text, why, student, capsys):
    (student / "01_adding.py").write_text(text, "utf-8")
    work = my_work("adding")
    assert (work.add(2, 3), work.double(4)) == (5, 8)
    assert why in capsys.readouterr().out


def test_work_in_a_notebook_and_under_an_old_number(student, capsys):
    finish(student)
    (student / "01_adding.py").rename(student / "07_adding.py")
    assert my_work("adding").double(4) == 8
    assert capsys.readouterr().out == "adding: all of it is yours\n"


def test_a_lesson_that_is_not_there(student, tmp_path, capsys):
    assert my_work("adding", tmp_path / "nowhere").add(1, 1) == 2
    assert "not in this folder, so all of it is ours" in capsys.readouterr().out
    with pytest.raises(ValueError, match="no lesson 'x'; it has adding, counting"):
        my_work("x")


def test_random_numbers_do_not_depend_on_what_is_done(student):
    def draw():
        tg.set_random_seed(3)
        my_work("adding")
        return tg.layers.Dense(3)(tg.Tensor([[1.0, 2.0]])).numpy()

    untouched = draw()
    finish(student)
    assert np.array_equal(draw(), untouched)


# Pictures


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def draw_a_line(figure):
    figure.subplots().plot([1, 2])


@pytest.mark.medium
def test_a_picture_is_written(here, capsys):
    pytest.importorskip("matplotlib")
    picture("lesson.png", draw_a_line, size=(2, 1))
    assert (here / "lesson.png").read_bytes()[:4] == b"\x89PNG"
    assert capsys.readouterr().out == "Look at lesson.png.\n"


def test_without_matplotlib_a_lesson_goes_on(here, monkeypatch, capsys):
    real = builtins.__import__

    def without(name, *more):
        if name.startswith("matplotlib"):
            raise ImportError("No module named 'matplotlib'")
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    picture("lesson.png", draw_a_line)
    printed = capsys.readouterr().out
    assert printed.startswith("No picture was drawn (No module named 'matplotlib')")
    assert list(here.iterdir()) == []


@pytest.mark.medium
def test_in_a_notebook_it_is_shown_at_once(here, monkeypatch):
    pytest.importorskip("matplotlib")
    shown = []
    display = SimpleNamespace(Image=lambda name: f"image of {name}", display=shown.append)
    shell = type("ZMQInteractiveShell", (), {})()
    ipython = SimpleNamespace(get_ipython=lambda: shell, display=display, version_info=(9, 0))
    assert in_notebook() is None
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    picture("lesson.png", draw_a_line)
    assert shown == ["image of lesson.png"]


def test_in_a_terminal_of_ipython_it_is_not(monkeypatch):
    shell = type("TerminalInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert in_notebook() is None


def test_a_page_is_written(here, capsys):
    x = tg.Input((2,), name="x")
    model = tg.Model(x, tg.layers.Dense(1, name="y")(x))
    model.compile("sgd", "mse")
    data = np.ones((4, 2)), np.ones((4, 1))
    page("lesson.html", model.gradient_flow(*data), snapshots=[model.gradient_flow(*data)])
    assert "<html" in (here / "lesson.html").read_text("utf-8")
    assert capsys.readouterr().out.startswith("Written: lesson.html.")


def test_each_loss_has_its_colour():
    names = [f"loss_{k}" for k in range(20)]
    colours = loss_colours(names)
    assert list(colours) == names and colours["loss_0"] == loss_colours(["main"])["main"]
    assert len(set(list(colours.values())[:4])) == 4
