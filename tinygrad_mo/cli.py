"""The command line: ``tinygrad-mo`` or ``python -m tinygrad_mo``."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from . import (
    data,
    device,
    distributed,  # several processes; without this line, `train` knows one
    platforms,
    reference,
)
from .arguments import whole
from .check.model import mixing_gap
from .console import make_folder, print_on_any_terminal, stop_printing
from .flow import Flow, FlowRecorder, Runs, whatif
from .flow.ratios import update_ratios
from .learn import commands as course
from .model import Model
from .naming import lookup
from .systems import SYSTEMS, System, Task, headlines, score_table, train

AUX_WEIGHTS = (0.0, 0.05, 1.0, 5.0)  # beside that of the headlines, 0.2
WIDTH = 88  # of text that is filled
EXPERIMENTS = ("toy", "compare", "groups")  # behind `lab`: with loss balancing


SAMPLES = 64  # on which a flow is measured


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code is 0 if all went well, and 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="tinygrad-mo",
        description="Networks with several inputs and outputs, and where their gradients go.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    demo = commands.add_parser("demo", help="train the two-output network and draw its gradient")
    demo.add_argument("--epochs", type=int, help="how long to train (default: 3; --whatif: 4)")
    demo.add_argument(
        "--whatif",
        action="store_true",
        help="instead, train a small one with five auxiliary weights, from five seeds each",
    )
    some = commands.add_parser("train", help="train one of the systems and draw its gradient")
    some.add_argument("name", help="one of the names that `list` shows")
    some.add_argument("--full", action="store_true", help="at its canonical size, not small")
    some.add_argument("--epochs", type=int, help="how long to train (default: the system's own)")
    some.add_argument("--ranks", type=count, default=1, help="in so many processes, by MPI")
    for command in (demo, some):
        command.add_argument("--out", type=Path, default=Path(), help="folder for pictures")
        command.add_argument("--seed", type=seed, default=0, help="of all random numbers")
    commands.add_parser("list", help="list the systems")
    names = commands.add_parser("names", help="list everything by name, with a line on each")
    names.add_argument("words", nargs="*", help="only what has all of these in its name or line")
    page = commands.add_parser("reference", help="write all of that, in full, into one page")
    page.add_argument("file", nargs="?", type=Path, default=Path("reference.html"))
    course.add_commands(commands)
    commands.add_parser("doctor", help="say what is installed and in use")
    given = sys.argv[1:] if arguments is None else list(arguments)
    is_experiment = given[:1] == ["lab"] and given[1:2] and given[1] in EXPERIMENTS
    options = lab_options(given[1:]) if is_experiment else parser.parse_args(given)
    if options.command is None:
        parser.print_help()
        return 2
    print_on_any_terminal()
    try:
        if is_experiment:
            return run_experiment(options)
        if options.command in course.COMMANDS:
            return course.run(options)
        if options.command == "doctor":
            run_doctor()
        elif options.command == "list":
            run_list()
        elif options.command == "names":
            return run_names(options.words)
        elif options.command == "reference":
            reference.write(options.file)
            print(f"To look things up, in a browser: {options.file.resolve()}")
        elif options.command == "train":
            lookup("system", options.name, SYSTEMS)  # before a folder is made
            make_folder("--out", options.out)
            if options.ranks > 1 and not distributed.is_launched():
                return distributed.launch(options.ranks, ["-m", __package__, *given])
            if distributed.is_launched():
                distributed.init()
            run_train(options.name, options.full, options.epochs, options.out, options.seed)
        else:
            make_folder("--out", options.out)
            run = run_whatif if options.whatif else run_demo
            run(options.epochs, options.out, options.seed)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        stop_printing()
        return 0
    except (ImportError, ValueError, OSError) as error:
        print(f"tinygrad-mo: {error}", file=sys.stderr)
        return 2
    return 0


def lab_options(given: Sequence[str]) -> argparse.Namespace:
    """Those of an experiment with loss balancing, which is loaded only then."""
    from .lab import commands

    options = commands.parse(given)
    options.command = "lab"
    return options


def run_experiment(options: argparse.Namespace) -> int:
    from .lab import commands

    return commands.run(options)


def seed(text: str) -> int:
    """A whole number, 0 or more."""
    return whole("--seed", int(text))


def count(text: str) -> int:
    """A whole number, 1 or more."""
    return whole("--ranks", int(text), at_least=1)


def heading(text: str) -> None:
    print(f"\n{text}\n{'=' * len(text)}", flush=True)


def run_demo(epochs: int | None, out: Path, seed: int) -> None:
    """The main job: one weighted loss, two branches, one backward sweep, one picture."""
    system, epochs = SYSTEMS["headlines"], 3 if epochs is None else epochs
    heading("Training: is a work of art a print? From its title (aux), and five numbers (main)")
    system.make(full=True).summary()
    print()
    model, task = train_and_tell(system, True, epochs, seed, out / "flow")
    heading("What does the weight of the auxiliary loss move?")
    print_weight_experiment(model, task.some(SAMPLES))


def run_whatif(epochs: int | None, out: Path, seed: int) -> None:
    """What no re-mix of one step can tell: the same network, trained with other weights."""
    system, task = SYSTEMS["headlines"], SYSTEMS["headlines"].task()
    times = 5 * (1 + len(AUX_WEIGHTS))
    heading(f"What if aux had another weight? The small network, trained {times} times")
    runs = whatif(
        system.make,
        (task.x, task.y),
        [{"aux_output": weight} for weight in AUX_WEIGHTS],
        held_back=(task.held_back_x, task.held_back_y),
        seeds=range(5 * seed, 5 * seed + 5),
        epochs=system.epochs if epochs is None else epochs,
        batch_size=system.batch_size,
        records=20,
        told=lambda text: print(text, flush=True),
    )
    heading("What came out")
    print(runs.table())
    print("\n" + "\n".join(fill(line, WIDTH) for line in runs.report().splitlines()))
    heading("The pictures")
    save_pictures(runs, out / "whatif")


def save_pictures(shown: Flow | Runs, path: Path, **more: Any) -> None:
    """The page, and the figure where there is matplotlib."""
    shown.save(path.with_suffix(".html"), **more)
    print(f"To play with, in a browser: {path.with_suffix('.html').resolve()}")
    if not is_installed("matplotlib"):
        print("No figure to print: pip install matplotlib")
        return
    import matplotlib

    matplotlib.use("Agg")
    shown.figure(str(path.with_suffix(".png")))
    print(f"To print: {path.with_suffix('.png').resolve()}")


def run_train(name: str, full: bool, epochs: int | None, out: Path, seed: int) -> None:
    """Train a system, score it, and say and draw who trains what."""
    system = lookup("system", name, SYSTEMS)
    if not distributed.rank():
        heading(f"{system.name}: {system.title}")
    samples = 8 if full else 64  # a large network keeps half a gigabyte for each
    train_and_tell(system, full, epochs, seed, out / name, samples)


def train_and_tell(
    system: System,
    full: bool,
    epochs: int | None,
    seed: int,
    pictures: Path,
    samples: int = SAMPLES,
) -> tuple[Model, Task]:
    """Train with snapshots of the flow; print scores, report and table; write both pictures."""
    recorder = FlowRecorder()
    try:
        model, task, scores = train(system, full, epochs, seed, 1, recorder, samples)
    except KeyboardInterrupt:
        save_interrupted(recorder, pictures.with_suffix(".npz"))
        raise
    if distributed.rank():  # the first one tells
        return model, task
    print(f"\nOn data that was held back:\n{score_table(scores)}")
    heading(f"Who trains what? (Measured on {samples} samples that were held back)")
    flow = model.gradient_flow(*task.some(samples))
    print(f"{flow.report()}\n\n{flow.table()}")
    heading("The pictures")
    save_pictures(flow, pictures, snapshots=recorder.flows)
    return model, task


def save_interrupted(recorder: FlowRecorder, path: Path) -> None:
    """Keep the weights as the last whole step left them."""
    if recorder.model is not None:
        recorder.model.save_weights(path)
        print(f"\nStopped after {recorder.model.step} steps. Weights: {path.resolve()}")
        print(f"Go on with: model.load_weights({str(path)!r})")


def is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def run_list() -> None:
    """Names, sizes and titles of the systems."""
    widest = max(map(len, SYSTEMS))
    for system in SYSTEMS.values():
        print(f"{system.name:<{widest}}{system.parameters:>12,} parameters  {system.title}")


def run_names(words: Sequence[str]) -> int:
    """What a program finds behind ``tg.``, as far as it has to do with these words."""
    found = reference.matching(words)
    widest = max((len(name) for name, _ in found), default=0)
    for name, line in found:
        print(f"{name:<{widest}}  {line}")
    if not found:
        print(f"Nothing has {' and '.join(map(repr, words))} in its name or line.", file=sys.stderr)
    return 0 if found else 1


def print_weight_experiment(model: Model, batch: tuple) -> None:
    """One step with the auxiliary weight 0.2 and one with 2, from the same weights, in float64."""
    with device.use(floatx="float64"):
        exact = headlines.build()
        exact.compile("sgd", "binary_crossentropy", loss_weights=headlines.WEIGHTS)
    exact.set_weights(model.get_weights())
    x, y = batch
    print(f"One sweep, not two: {one_sweep_gap(exact, x, y)}\n")
    low, high = {"aux_output": 0.2}, {"aux_output": 2.0}
    columns = {name: update_ratios(exact, x, y, name, low, high) for name in ("sgd", "adam")}
    print("Raised from 0.2 to 2, it makes the next step of each layer larger by a factor of")
    print(f"{'layer':<14}{'SGD':>10}{'Adam':>10}")
    for layer in columns["sgd"]:
        print(f"{layer:<14}" + "".join(f"{ratio[layer]:>10.4f}" for ratio in columns.values()))
    print(
        "\nWith SGD the factor is 10 where the auxiliary loss is alone, 1 where it has no path,\n"
        "and in between where both losses meet. Adam divides by the gradient's own size: where\n"
        "one loss is alone its weight all but cancels (epsilon keeps a rest of it)."
    )


def one_sweep_gap(model: Model, x: object, y: object) -> str:
    """How well the weighted gradients of the single losses add up to the training gradient."""
    plan, feed = model.objective.plan(), model.objective.labelled_data(x, y)
    weights = model.objective.weight_list
    tape = plan.forward(feed)
    whole = plan.backward(tape, weights)
    apart = plan.backward(tape, [1.0] * len(weights), per_loss=True)
    gap = max(mixing_gap(plan.reaches(w), apart[w], weights, whole[w]) for w in plan.wrt)
    return (
        f"1.0 x (gradient of main) + 0.2 x (gradient of aux) is the training gradient,\n"
        f"number by number; the largest difference of {model.count_params():,} is {gap:.1e}."
    )


def run_doctor() -> None:
    """What is installed and in use."""
    from . import __version__, compiled

    print(f"tinygrad_mo {__version__} at {Path(__file__).parent}")
    print(f"Python {platforms.PYTHON}, NumPy {np.__version__}, {platforms.description()}")
    print(f"Arrays: {device.xp().__name__}, {device.floatx()}")
    try:
        print(f"GPU: ready, with CuPy {device.library('cupy').__version__}: use('cupy')")
    except (ImportError, RuntimeError) as error:
        print(f"GPU: not in reach; {error}")
    in_use, text = compiled.status()
    print(f"Compiled kernels: {'in use' if in_use else 'not in use'}, {text}")
    print(f"Data sets: {', '.join(data.available())}")
    for name, use in (
        ("matplotlib", "draws the figure"),
        ("pygraphviz", "lays out the figure with fewer crossings"),
        ("tqdm", "shows a progress bar"),
        ("threadpoolctl", "keeps recurrent layers fast beside other programs"),
        ("scipy", "balances more than four losses"),
        ("mpi4py", "trains on several processes, with an MPI"),
    ):
        found = is_installed(name)
        print(f"{name}: {'installed' if found else 'not installed'} ({use})")
