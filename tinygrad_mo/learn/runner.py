"""The guide through the lessons: it shows one task, waits, and looks again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from .lesson import Lesson, lessons_in, put_aside, renumbered
from .progress import Progress
from .verdict import Verdict, indented, verdict

KEYS = """What you can type here, each with Enter behind it:
  nothing: look again    h: a hint    s: a solution    t: the next task, leave this one open
  n: next lesson         p: the one before    5: lesson 5    l: list of lessons    q: quit
h and s are about the task that is shown.
Ctrl-C stops a check that does not come to an end."""
PROMPT = "\n[Enter h s t l n p 5 q] > "


def first_task(lessons: Sequence[Lesson]) -> tuple[Lesson, Verdict] | None:
    """The first hole that is not right, as the files are now; None if everything is right."""
    for lesson in lessons:
        for hole in lesson.holes:
            found = verdict(lesson, hole)
            if not found.right:
                return lesson, found
    return None


def task_text(lesson: Lesson, found: Verdict) -> str:
    """Where the student is, and what the checks say."""
    number, total = lesson.holes.index(found.hole) + 1, len(lesson.holes)
    note = f"{lesson.note}\n" if lesson.note else ""
    return (
        f"\n{'-' * 72}\n{lesson.title}   (task {number} of {total})\n{note}"
        f"{lesson.place_of_hole(found.hole)}: {found.hole}\n\n{found}"
    )


class Runner:
    """A conversation about the lessons in a folder.

    Parameters
    ----------
    folder : Path
        The student's folder.
    ask : callable
        Shows a prompt and returns what was typed.
    """

    def __init__(self, folder: Path, ask: Callable[[str], str] = input):
        self.lessons = lessons_in(folder)
        self.progress = Progress(folder)
        self.ask = ask
        self.hole: str | None = None  # the task that was shown last
        self.first = 0  # the number of the hole that is looked at first
        self.hints_given: Counter[str] = Counter()
        names = [lesson.name for lesson in self.lessons]
        if self.progress.current in names:
            self.at = names.index(self.progress.current)
        else:
            self.at = next((i for i in self.places() if self.is_open(i)), 0)

    @property
    def lesson(self) -> Lesson:
        return self.lessons[self.at]

    def is_open(self, place: int) -> bool:
        lesson = self.lessons[place]
        return self.progress.count(lesson) < len(lesson.holes)

    def places(self, first: int = 0) -> list[int]:
        """All lessons, beginning with one of them."""
        return [*range(first, len(self.lessons)), *range(first)]

    def run(self) -> None:
        """Show the task and obey, until the student leaves."""
        print("Open the file that is named below in your editor, read and run it from the top.")
        print(f"Where it says YOUR TURN, write your code, save, and press Enter here.\n\n{KEYS}")
        try:
            self.show()
            while True:
                typed = self.ask(PROMPT).strip().lower()
                if typed in ("q", "quit", "exit"):
                    break
                self.obey(typed)
        except (EOFError, KeyboardInterrupt):
            print()
        print("See you soon. The same command brings you back to this place.")

    def obey(self, typed: str) -> None:
        actions: dict[str, Callable[[], None]] = {
            "": self.show,
            "h": self.hint,
            "s": self.solution,
            "t": self.skip,
            "l": self.overview,
            "n": lambda: self.go(self.at + 1),
            "p": lambda: self.go(self.at - 1),
        }
        numbers = {lesson.number: place for place, lesson in enumerate(self.lessons)}
        if typed.isdecimal():
            if word := renumbered(self.lessons, int(typed)):
                print(word)
            self.go(numbers.get(int(typed), -1))
        elif typed in actions:
            actions[typed]()
        else:
            print(f"{typed!r} is not known. {KEYS}")

    def show(self, go_on: bool = True) -> None:
        """Look at the current lesson; if all of it is right, go on to the next open one."""
        while True:
            self.lessons[self.at] = self.lesson.again()  # by now, the work may be in the notebook
            if self.lesson.doubt and not self.settle():
                return
            praise = "Well done! " if self.is_open(self.at) else ""
            task = self.look()
            if task is not None:
                print(task_text(self.lesson, task))
                return
            print(f"\n{praise}{self.lesson.title.rstrip('?')}: finished, every check holds.")
            still_open = [place for place in self.places(self.at) if self.is_open(place)]
            if not still_open:
                print(f"All {len(self.lessons)} lessons are done: congratulations!")
                return
            if not go_on:
                print("Press Enter to go on with the next open lesson.")
                return
            self.at, self.first = still_open[0], 0

    def settle(self) -> bool:
        """Ask which of two files counts, and put the others aside; does one count now?"""
        lesson = self.lesson
        self.progress.current, self.hole = lesson.name, None
        self.progress.save()
        print(f"\n{'-' * 72}\n{lesson.title}\n{lesson.doubt}")
        files = {path.name: path for path in (lesson.path, *lesson.rivals)}
        ways = ", ".join(f"{number}: {name}" for number, name in enumerate(files, 1))
        typed = self.ask(f"Which one counts? [{ways}; Enter: decide later] ").strip()
        if typed not in map(str, range(1, len(files) + 1)):
            print("Both stay as they are.")
            return False
        kept = list(files)[int(typed) - 1]
        for name, path in files.items():
            if name != kept:
                print(f"{name} has the name {put_aside(path).name} now.")
        self.lessons[self.at] = lesson.again()
        return True

    def look(self) -> Verdict | None:
        """Check the current lesson up to its first hole that is not right, and remember it."""
        self.progress.current, self.hole = self.lesson.name, None
        holes, task = self.lesson.holes, None
        for hole in [*holes[self.first :], *holes[: self.first]]:
            known = self.progress.is_done(self.lesson, hole)
            found = verdict(self.lesson, hole)
            self.progress.note(self.lesson, hole, found.right)
            if not found.right:
                self.hole, task = hole, found
                break
            if not known:
                print(f"\n{hole}\n{found}")
        self.progress.save()
        return task

    def go(self, place: int) -> None:
        if 0 <= place < len(self.lessons):
            self.at, self.first = place, 0
            self.show(go_on=False)
        else:
            first, last = self.lessons[0].number, self.lessons[-1].number
            print(f"There is no such lesson; they go from {first} to {last}.")

    def skip(self) -> None:
        """Leave the task open, and look at the next one of this lesson that is not right."""
        if self.hole is not None:
            holes = self.lesson.holes
            self.first = (holes.index(self.hole) + 1) % len(holes)
        self.show(go_on=False)

    def hint(self) -> None:
        """One more hint for the task, each stronger than the last."""
        if self.hole is None:
            print("There is nothing left to do in this lesson.")
            return
        hints, task = self.lesson.hints(self.hole), f"{self.lesson.number}/{self.hole}"
        self.hints_given[task] += 1
        given = self.hints_given[task]
        if given > len(hints):
            print("There are no more hints; s shows the solution. The hints once more:")
        shown = list(enumerate(hints, 1))
        for number, text in shown if given > len(hints) else shown[given - 1 : given]:
            print(f"Hint {number} of {len(hints)}:{indented(text, 2)}")

    def solution(self) -> None:
        if self.hole is None:
            print("There is nothing left to do in this lesson.")
            return
        question = f"Show a solution of {self.hole}? One more try of your own teaches more. [y/n] "
        if self.ask(question).strip().lower() in ("y", "yes"):
            print(f"\n{self.lesson.solution(self.hole)}")

    def overview(self) -> None:
        """All lessons, and how far they are."""
        print()
        for place, lesson in enumerate(self.lessons):
            done, total = self.progress.count(lesson), len(lesson.holes)
            state = "done" if done == total else f"{done} of {total}"
            print(
                f"{'>' if place == self.at else ' '} {lesson.number:>2}  {state:<8}{lesson.title}"
            )
