"""What `tinygrad-mo lab toy`, `lab compare` and `lab groups` do."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from ..arguments import whole
from ..balancing import METHODS
from ..console import make_folder
from ..device import set_random_seed
from ..naming import lookup
from ..systems import SYSTEMS
from ..whole_files import write_picture
from .ways import WAYS


def parse(given: Sequence[str]) -> argparse.Namespace:
    """The options of an experiment, such as ``["compare", "people", "--seeds", "1"]``."""
    parser = argparse.ArgumentParser(
        prog="tinygrad-mo lab", description="Experiments with methods that balance losses."
    )
    commands = parser.add_subparsers(dest="experiment", metavar="EXPERIMENT", required=True)
    toy = commands.add_parser("toy", help="all methods on two losses of two parameters")
    compare = commands.add_parser("compare", help="methods side by side on a system")
    groups = commands.add_parser("groups", help="which outputs of a system should share a network")
    for command in (compare, groups):
        command.add_argument("name", help="one of the names that `list` shows")
        command.add_argument("--seeds", type=at_least_1, default=3, help="trainings (default: 3)")
        command.add_argument("--epochs", type=at_least_1, help="default: the system's own")
    compare.add_argument(
        "--methods",
        nargs="+",
        type=str.lower,
        default=[*METHODS, *WAYS],
        metavar="M",
        help=f"default: all methods, and {', '.join(WAYS)}",
    )
    for command in (toy, compare):
        command.add_argument("--out", type=Path, default=Path(), help="folder for the picture")
    return parser.parse_args(given)


def at_least_1(text: str) -> int:
    try:
        return whole("the number", int(text), at_least=1)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a whole number, 1 or more, not {text!r}") from None


def run(options: argparse.Namespace) -> int:
    """Run an experiment; the exit code is 0."""
    if options.experiment == "toy":
        run_toy(options.out)
    elif options.experiment == "compare":
        run_compare(options)
    else:
        run_groups(options)
    return 0


def run_toy(out: Path) -> None:
    """Print the verdicts, and draw the ways."""
    from . import toy

    make_folder("--out", out)
    set_random_seed(0)
    found = toy.run_all(lambda text: print(f"{text}\n", flush=True))
    save("figure_of_toy", found, out / "balancing_toy.png")


def run_compare(options: argparse.Namespace) -> None:
    from . import compare

    system = lookup("system", options.name, SYSTEMS)
    methods = list(dict.fromkeys(options.methods))
    for name in methods:
        lookup("balancing method", name, METHODS | WAYS)
    make_folder("--out", options.out)
    found = compare.compare(system, options.seeds, options.epochs, methods, tell)
    print(f"\n{found.table()}\n\n{fill(found.words(), 88)}")
    save("figure_of_comparison", found, options.out / f"balancing_{system.name}.png")


def run_groups(options: argparse.Namespace) -> None:
    from . import groups

    system = lookup("system", options.name, SYSTEMS)
    found = groups.group_tasks(system, options.seeds, options.epochs, tell)
    print(f"\n{found.table()}\n\n{fill(found.words(), 88)}\n\n{found.choices()}")


def tell(text: str) -> None:
    """What is done, for who waits."""
    print(f"  {text}", file=sys.stderr, flush=True)


def save(drawing: str, found: Any, path: Path) -> None:
    """Draw a picture, if that is possible."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        print("\nNot drawn: python -m pip install matplotlib")
        return
    from . import drawing as drawings

    write_picture(getattr(drawings, drawing)(found).savefig, path, dpi=150)
    print(f"\nDrawn: {path.resolve()}")
