"""Words to look things up: `tinygrad-mo names` and `tinygrad-mo reference`."""

import builtins
import re
import types

import pytest

import tinygrad_mo as tg
from tinygrad_mo import cli, reference
from tinygrad_mo.reference.page import Page

NEEDED = {"tinygrad_mo", "layers.Dense", "layers.initializers.constant", "losses.LOSSES"}
NEEDED |= {"Model.fit", "Model.predict", "ops.lstm", "flow.FlowData", "systems.train", "check"}


def announced():
    """Every public name, found in another way than the one that is tested."""
    for name in tg.__all__:
        x = getattr(tg, name)
        yield name
        if isinstance(x, types.ModuleType):
            yield from (f"{name}.{one}" for one in getattr(x, "__all__", ()))


def test_every_public_name_has_a_line():
    known = dict(reference.matching([]))
    modules = {section.name for section in reference.sections()}
    assert set(announced()) <= known.keys() | modules
    for name, line in known.items():
        assert re.search(r"\w", line) and line == line.strip(), name
    assert all(section.module.__doc__ for section in reference.sections())


def test_names_are_found_by_words(capsys):
    assert cli.main(["names", "layers", "DROP"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("layers.Dropout ") for line in lines)
    assert all("layers" in line and "drop" in line.lower() for line in lines)
    assert cli.main(["names", "dropuot"]) == 1
    assert "Nothing has 'dropuot' in its name or line." in capsys.readouterr().err


def test_what_a_class_has_from_a_public_parent_is_said_there():
    from tinygrad_mo.reference.names import members

    assert {"fit", "predict", "summary"} <= members(tg.Model).keys()  # also of hidden parents
    assert "apply" in members(tg.optimizers.Optimizer)
    assert "apply" not in members(tg.optimizers.Adam) and members("no class") == {}


def pages_of(names):
    return Page([one for one in reference.sections() if one.name in names]).html()


def check_links(html):
    places = re.findall(r' id="([^"]*)"', html)
    assert len(set(places)) == len(places)
    assert set(re.findall(r'href="#([^"]*)"', html)) <= set(places)
    assert len(re.findall("href=", html)) == len(re.findall('href="#', html))
    assert not re.search(r"src=|@import|url\(|<link", html)
    return set(places)


@pytest.mark.medium
def test_a_section_is_rendered():
    """Sections, tables, examples and links of docstrings in NumPy's style."""
    html = pages_of(["callbacks", "optimizers"])
    places = check_links(html)
    assert {"optimizers.Optimizer.apply", "callbacks.AverageWeights"} <= places
    assert "<h5>Parameters</h5>" in html and "-----" not in html and "====" not in html
    assert '<a href="#optimizers.Adam"><code>Adam</code></a>' in html
    assert "<td><code>schedule</code></td>" in html
    assert '<span class="gp">&gt;&gt;&gt; </span>' in html
    assert "optimizers.Lion<i>(learning_rate=0.001, beta_1=0.9, beta_2=0.99, *, weight" in html


@pytest.mark.medium
def test_what_has_two_names_is_described_once():
    html = pages_of(["", "flow"])
    assert '<p>The same as <a href="#Flow"><code>Flow</code></a>.</p>' in html
    check_links(html)


@pytest.mark.slow
def test_the_page_has_everything(tmp_path, capsys):
    path = tmp_path / "all.html"
    assert cli.main(["reference", str(path)]) == 0
    assert str(path) in capsys.readouterr().out
    html = path.read_text("utf-8")
    places = check_links(html)
    assert set(announced()) | NEEDED <= places
    assert " object at 0x" not in html and "&lt;function" not in html and len(html) < 1.5e6


def test_without_pdoc_a_sentence_says_what_to_install(tmp_path, monkeypatch, capsys):
    def without(name, *given, **options):
        if name == "pdoc":
            raise ImportError("no pdoc")
        return real(name, *given, **options)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", without)
    assert cli.main(["reference", str(tmp_path / "r.html")]) == 2
    assert "made with pdoc: python -m pip install pdoc" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
