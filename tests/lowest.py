"""Print the lowest versions that pyproject.toml allows, as constraints for pip.

python tests/lowest.py >lowest.txt
python -m pip install -c lowest.txt -e ".[dev]"
"""

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
WANTED = re.compile(r"(?P<name>[a-z0-9-]+)>=(?P<version>[0-9.]+)(?P<where>; .+)?")


def lowest(text):
    """By name, for what is needed and each extra: the one version that pip shall take."""
    project = tomllib.loads(text)["project"]
    extras = project["optional-dependencies"].values()
    wanted = sorted({one for some in (project["dependencies"], *extras) for one in some})
    found = {}
    for one in wanted:
        if one.startswith(f"{project['name']}["):
            continue  # our own extras
        if (match := WANTED.fullmatch(one)) is None:
            raise ValueError(
                f"{one!r} in pyproject.toml: name one lowest version, as in numpy>=2.0"
            )
        name, version, where = match.groups(default="")
        if found.setdefault(name, (version, where)) != (version, where):
            raise ValueError(f"{name} has two lowest versions in pyproject.toml")
    return {name: f"=={version}{where}" for name, (version, where) in found.items()}


if __name__ == "__main__":
    for name, version in lowest(PROJECT.read_text("utf-8")).items():
        print(f"{name}{version}")
