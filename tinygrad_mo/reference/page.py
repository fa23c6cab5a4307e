"""One page with all public docstrings, which opens in any browser, without internet.

pdoc renders a docstring; what a page of everything needs beside that, links and a list, is made
here.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..whole_files import replace_file
from .names import PACKAGE, Section, line_about, members, sections, signature_in_words

TEMPLATE = Path(__file__).with_name("page.html")
TABLE = re.compile(r"^(=+(?: +=+)+)\n(?:.+\n)+?\1$(?=\n\n|\Z)", re.MULTILINE)
CODE = re.compile(r"<code>(?:(?:tinygrad_mo|tg)\.)?([A-Za-z_][\w.]*)</code>")


def write(path: Path) -> None:
    """Write the page of everything into a file.

    Raises
    ------
    ImportError
        If pdoc is not installed.
    OSError
        If the file cannot be written.
    """
    text = Page(sections()).html()
    replace_file(path, text.encode())


class Page:
    """The page of some sections.

    Attributes
    ----------
    places : dict
        What is described, and at which level of headings, by the name behind # that leads there.
    homes : dict of str
        By the id of an object that has several names, the first of them.
    """

    def __init__(self, shown: Sequence[Section]):
        self.shown, self.render = shown, renderer()
        self.places: dict[str, tuple[str, Any]] = {}
        self.homes: dict[int, str] = {}
        for section in shown:
            self.places[section.name or PACKAGE] = "h2", section.module
            for name, x in section.entries.items():
                full = section.full(name)
                self.places[full] = "h3", x
                if self.homes.setdefault(id(x), full) == full:
                    self.places |= {f"{full}.{n}": ("h4", one) for n, one in members(x).items()}

    def html(self) -> str:
        """The whole file."""
        parts = {
            "LIST": "".join(map(listed, self.shown)),
            "BODY": "".join(self.described(place, *what) for place, what in self.places.items()),
        }
        frame = TEMPLATE.read_text("utf-8")
        return re.sub(r"<!--(LIST|BODY)-->", lambda found: parts[found[1]], frame)

    def described(self, place: str, level: str, x: Any) -> str:
        """What is said of one thing."""
        home = self.homes.get(id(x), place) if level == "h3" else place
        if home == place:
            text = self.linked(place, self.render(x))
        else:
            text = f'<p>The same as <a href="#{home}"><code>{home}</code></a>.</p>'
        called = f"<{level}>{place}<i>{escape(signature_in_words(x))}</i></{level}>"
        return f'<section id="{place}">{called}{text}</section>\n'

    def linked(self, place: str, html: str) -> str:
        """Words of code that name something on the page, as links to it."""
        around = place.split(".")

        def link(found: re.Match[str]) -> str:
            for depth in range(len(around), -1, -1):  # the nearest of that name
                to = ".".join([*around[:depth], found[1]])
                if to in self.places:
                    return found[0] if to == place else f'<a href="#{to}">{found[0]}</a>'
            return found[0]

        return CODE.sub(link, html)


def listed(section: Section) -> str:
    """A section in the list at the side."""
    items = (
        f'<li title="{escape(line_about(x))}"><a href="#{section.full(name)}">{name}</a>'
        for name, x in section.entries.items()
    )
    name = section.name or PACKAGE
    return f'<h2><a href="#{name}">{name}</a></h2>\n<ul>{"".join(items)}</ul>\n'


def renderer() -> Callable[[Any], str]:
    """A function that makes HTML of the docstring of something."""
    try:
        from pdoc import docstrings, render_helpers
    except ImportError as error:
        raise ImportError("the reference is made with pdoc: python -m pip install pdoc") from error

    def render(x: Any) -> str:
        if isinstance(x, Mapping):
            return f"<p>{escape(line_about(x))}</p>"
        plain = TABLE.sub(lambda found: in_markdown(found[0]), inspect.getdoc(x) or "")
        html = render_helpers.to_html(docstrings.convert(plain, "numpy", None))
        return re.sub(r'<(/?)h\d(?: id="[^"]*")?>', r"<\1h5>", html)

    return render


def in_markdown(table: str) -> str:
    """A table of a docstring, between lines of =, as pdoc takes it.

    >>> print(in_markdown("==  =====\\na   first\\n    more\\nb   other\\n==  ====="))
    |  |  |
    |---|---|
    | a | first more |
    | b | other |
    """
    rule, *lines = table.split("\n")
    starts = [found.start() for found in re.finditer("=+", rule)]
    columns = [slice(*span) for span in pairwise([*starts, None])]
    rows: list[list[str]] = []
    for line in lines:
        cells = [line[column].strip().replace("|", "\\|") for column in columns]
        if line == rule:
            continue
        if cells[0]:
            rows.append(cells)
        else:  # a line that goes on
            rows[-1] = [f"{x} {more}".strip() for x, more in zip(rows[-1], cells, strict=True)]
    head = rows.pop(0) if lines.count(rule) > 1 else [""] * len(columns)
    first, *rest = (f"| {' | '.join(cells)} |" for cells in (head, *rows))
    return "\n".join([first, "|---" * len(columns) + "|", *rest])
