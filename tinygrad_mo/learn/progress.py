"""What the student has done, remembered in one small file of their folder."""

from __future__ import annotations

import json
from pathlib import Path

from ..whole_files import CheckpointError, replace_file
from .lesson import NUMBER, Lesson

FILE_NAME = ".progress.json"


class Progress:
    """Which holes are done, and which lesson was the last one.

    Parameters
    ----------
    folder : Path
        Where the student's lessons are. A file that is missing or damaged means a fresh start:
        nothing is lost by it, because the checks can be run again.
    """

    def __init__(self, folder: Path):
        self.path = folder / FILE_NAME
        self.current = ""
        self._done: set[str] = set()
        try:
            kept = json.loads(self.path.read_text("utf-8"))
            current, done = kept["current"], kept["done"]
            # Files of earlier courses have numbers in front of the names.
            self.current = NUMBER.sub("", str(current))
            self._done = {NUMBER.sub("", str(name)) for name in done}
        except (OSError, ValueError, KeyError, TypeError):
            pass

    def is_done(self, lesson: Lesson, hole: str) -> bool:
        return f"{lesson.name}/{hole}" in self._done

    def count(self, lesson: Lesson) -> int:
        """How many holes of a lesson are done."""
        return sum(self.is_done(lesson, hole) for hole in lesson.holes)

    def note(self, lesson: Lesson, hole: str, right: bool) -> None:
        """Remember what the checks have said."""
        name = f"{lesson.name}/{hole}"
        (self._done.add if right else self._done.discard)(name)

    def save(self) -> None:
        """Replace the file in one instant: it is never half written."""
        text = json.dumps({"current": self.current, "done": sorted(self._done)}, indent=1)
        try:
            replace_file(self.path, f"{text}\n".encode())
        except (OSError, CheckpointError) as error:
            print(f"(Your progress could not be remembered: {error})")
