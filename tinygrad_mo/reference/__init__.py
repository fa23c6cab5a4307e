"""Words to look things up: every public name with a line, and one page of all docstrings.

`names` says what is public; `page` makes the page, with pdoc, which renders docstrings.
"""

from .names import Section, line_about, matching, sections
from .page import write

__all__ = ["Section", "line_about", "matching", "sections", "write"]
