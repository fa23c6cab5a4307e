"""Working through the lessons: copies for the student, checks of their work, a guide, notebooks.

A lesson is a script in which some functions, its holes, wait for the student. The answers to a
lesson hold the solution of each hole, hints, and checks: functions that look at the student's
version and say what is right about it.
"""

from .cell import check, hint
from .lesson import Lesson, copy_lessons, course_folder, lessons_in
from .marking import mark
from .notebook import make_notebook
from .picture import loss_colours, page, picture
from .runner import Runner, first_task
from .verdict import Result, Verdict, run_check, verdict
from .work import my_work
