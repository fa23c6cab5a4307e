"""The numbers of lessons have changed once: a folder from before goes on working, with a word."""

import json

import pytest

from small_course import ADDING, COUNTING, talk, write
from tinygrad_mo import cli
from tinygrad_mo.learn import Lesson, course_folder, lessons_in, mark, verdict
from tinygrad_mo.learn.progress import FILE_NAME, Progress


@pytest.fixture
def old(student):
    """Counting was lesson 1 when this student began; adding did not exist."""
    (student / "01_adding.py").unlink()
    (student / "02_counting.py").unlink()
    text = COUNTING.replace("Lesson 2", "Lesson 1")
    write(student, "return [*range(n)]", name="01_counting.py", text=text)
    kept = {"current": "01_counting", "done": ["01_counting/count"]}
    (student / FILE_NAME).write_text(json.dumps(kept), "utf-8")
    return student


def test_a_lesson_is_known_by_its_name(old):
    [counting] = lessons_in(old)
    assert (counting.number, counting.old_number, counting.name) == (2, 1, "counting")
    assert counting.title == "Lesson 2: Counting → 10"
    assert verdict(counting, "count").right


@pytest.mark.medium
def test_start_does_not_copy_it_again(old, capsys):
    assert cli.main(["learn", "--start", str(old)]) == 0
    assert "01_counting.py (lesson 2 now)" in capsys.readouterr().out
    assert [p.name for p in sorted(old.glob("[0-9]*"))] == ["01_adding.py", "01_counting.py"]


@pytest.mark.exhaustive
def test_the_old_number_gets_a_word(old, capsys):
    word = "Lesson 1 was 'Counting → 10' before; that is lesson 2 now."
    assert cli.main(["check", "1"]) == 2
    assert f"there is no lesson 1; there are 2. {word}" in capsys.readouterr().err
    assert cli.main(["check", "2"]) == 0
    assert word not in capsys.readouterr().out
    assert cli.main(["learn", "--start", str(old)]) == 0
    capsys.readouterr()
    assert cli.main(["check", "1"]) == 1
    assert capsys.readouterr().out.startswith(f"{word}\nLesson 1: Adding\n")
    talk(old, "1", "q")
    assert word in capsys.readouterr().out


def test_a_new_folder_hears_nothing_of_old_numbers(student, capsys):
    talk(student, "1", "2", "q")
    assert " before; " not in capsys.readouterr().out


def test_the_progress_of_then_is_understood(old):
    [counting] = lessons_in(old)
    progress = Progress(old)
    assert progress.current == "counting" and progress.is_done(counting, "count")
    progress.save()
    kept = json.loads((old / FILE_NAME).read_text("utf-8"))
    assert kept == {"current": "counting", "done": ["counting/count"]}


@pytest.mark.slow
def test_it_is_marked_under_its_new_number(old):
    [adding, counting] = mark([old])[0].lessons
    assert [hole.status for hole in adding.holes] == ["missing", "missing"]
    assert (counting.lesson.number, counting.file, counting.points) == (2, "01_counting.py", 1)


def test_two_files_of_one_lesson(old, capsys):
    write(old, name="02_counting.py", text=COUNTING)  # as it is handed out
    [counting] = lessons_in(old)
    assert counting.path.name == "01_counting.py" and not counting.doubt
    assert counting.note == "This is 01_counting.py: in 02_counting.py less is done."
    write(old, "return list(range(n))", name="02_counting.py", text=COUNTING)
    [counting] = lessons_in(old)
    assert "02_counting.py and 01_counting.py are the same lesson" in counting.doubt
    assert not verdict(counting, "count").right
    assert "To look at one of them: check 02_counting.py or" in str(verdict(counting, "count"))
    assert verdict(Lesson(old / "01_counting.py", counting.answers_path), "count").right


def test_names_that_came_later_are_those_of_today(old):
    answers = course_folder() / "answers" / "01_adding.py"
    text = ADDING.replace("ZERO = 0\n", "")
    write(old, "return x + y", "return 2 * x", name="07_adding.py", text=text)
    [adding, _] = lessons_in(old)
    assert adding.answers_path == answers and verdict(adding, "add").right


RENUMBERED = {
    "two_outputs_one_sweep": 7,
    "the_weight_in_front": 8,
    "the_gram_matrix": 9,
    "several_inputs": 10,
    "shared_weights": 11,
    "inside_an_lstm": 12,
    "inside_a_convolution": 13,
    "branches_that_merge": 14,
    "auxiliary_heads": 15,
    "scales": 16,
    "models_as_layers": 17,
    "make_it_fast": 18,
}


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.slow
@pytest.mark.parametrize("name", RENUMBERED)
def test_the_lessons_of_the_course_under_their_old_numbers(name, tmp_path):
    [course] = [one for one in lessons_in(course_folder()) if one.name == name]
    old = tmp_path / f"{RENUMBERED[name]:02}_{name}.py"
    old.write_text(course.solved_text(), "utf-8")
    [found] = lessons_in(tmp_path)
    assert found.number == course.number != RENUMBERED[name] == found.old_number
    assert all(verdict(found, hole).right for hole in found.holes)
