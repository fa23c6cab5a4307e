"""The lowest versions that are tested are those that pyproject.toml allows."""

from importlib import metadata
from pathlib import Path

import pytest

from lowest import PROJECT, lowest

TEXT = PROJECT.read_text("utf-8")
OTHERS = """
[project]
name = "a-net"
dependencies = ["numpy>=2.0"]
[project.optional-dependencies]
viz = ["matplotlib>=3.10.7"]
dev = ["a-net[viz]", "nvrtc>=13.0; sys_platform == 'linux'", "matplotlib{}"]
"""


def test_each_requirement_has_one_lowest_version():
    found = lowest(TEXT)
    assert found["numpy"] == "==2.0" and len(found) > 15
    assert lowest(OTHERS.format(">=3.10.7")) == {
        "matplotlib": "==3.10.7",
        "numpy": "==2.0",
        "nvrtc": "==13.0; sys_platform == 'linux'",
    }


@pytest.mark.parametrize("wrong", ["", ">3.9", ">=3.9", ">=3.10.7,<4", "==3.10.7"])
def test_what_is_no_lowest_version_is_refused(wrong):
    with pytest.raises(ValueError, match="matplotlib"):
        lowest(OTHERS.format(wrong))


def numbers(version):
    return [int(part) for part in version.split(".") if part.isdecimal()]


def test_what_is_installed_here_is_allowed():
    """Nor is there a bound that nothing reaches."""
    for name, version in lowest(TEXT).items():
        try:
            here = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        assert numbers(here) >= numbers(version.removeprefix("==").partition(";")[0]), name


def test_they_are_run_before_anything_lands():
    run = (Path(__file__).parents[1] / ".ci" / "run").read_text("utf-8")
    assert 'python tests/lowest.py >"$work/lowest.txt"' in run
    assert '-c "$work/lowest.txt"' in run
