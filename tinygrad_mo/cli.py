"""The command line: ``tinygrad-mo`` or ``python -m tinygrad_mo``."""

from __future__ import annotations

import argparse
import importlib.util
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from . import backend, data
from .flow import Model
from .flow.whatif import update_ratios
from .systems import headlines


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code is 0 if all went well, and 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="tinygrad-mo",
        description="Networks with several inputs and outputs, and where their gradients go.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    demo = commands.add_parser("demo", help="train the two-output network and draw its gradient")
    demo.add_argument("--epochs", type=int, default=3, help="how long to train (default: 3)")
    demo.add_argument("--out", type=Path, default=Path(), help="folder for the picture (default: .)")
    demo.add_argument("--seed", type=int, default=0, help="of all random numbers (default: 0)")
    commands.add_parser("doctor", help="say what is installed and in use")
    options = parser.parse_args(arguments)
    try:
        if options.command == "doctor":
            return run_doctor()
        return run_demo(options.epochs, options.out, options.seed)
    except KeyboardInterrupt:
        print("\nStopped. Nothing was written.", file=sys.stderr)
        return 130


def heading(text: str) -> None:
    print(f"\n{text}\n{'=' * len(text)}", flush=True)


def run_demo(epochs: int, out: Path, seed: int) -> int:
    """The main job: one weighted loss, two branches, one backward sweep, one picture."""
    backend.set_random_seed(seed)
    works = headlines.load()
    heading("1. The network")
    model = headlines.build()
    model.summary()
    weights = headlines.WEIGHTS
    model.compile("rmsprop", "binary_crossentropy", loss_weights=weights, metrics=["accuracy"])

    heading("2. Training: is a work of art a print? From its title (aux), and five numbers (main)")
    train, test = works.train, works.test
    held_back = [test.titles, test.numbers], [test.labels] * 2
    model.fit(
        [train.titles, train.numbers],
        [train.labels] * 2,
        epochs=epochs,
        validation_data=held_back,
    )
    scores = model.evaluate(*held_back, return_dict=True)
    majority = max(test.labels.mean(), 1 - test.labels.mean())
    print(
        f"\nRight on {len(test.labels)} works it has never seen: "
        f"main output {scores['main_output_accuracy']:.1%}, "
        f"auxiliary output {scores['aux_output_accuracy']:.1%}, "
        f"always guessing the commoner answer {majority:.1%}."
    )

    heading("3. Who trains what?")
    some = slice(0, 256)
    batch = [test.titles[some], test.numbers[some]], [test.labels[some]] * 2
    flow = model.gradient_flow(*batch)
    print(flow.report())
    print(f"\n{flow.table()}")

    heading("4. What does the weight of the auxiliary loss move?")
    print_weight_experiment(model, batch)

    if importlib.util.find_spec("matplotlib") is None:
        print("\nNo picture: matplotlib is missing. pip install 'tinygrad-mo[viz]'")
        return 0
    import matplotlib

    matplotlib.use("Agg")
    picture = out / "flow.png"
    flow.figure(str(picture))
    heading("5. The picture")
    print(f"Open {picture.resolve()}")
    return 0


def print_weight_experiment(model: Model, batch: tuple) -> None:
    """One step with the auxiliary weight 0.2 and one with 2, from the same weights, in float64."""
    with backend.use(floatx="float64"):
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
        "\nWith SGD the factor is 10 where the auxiliary loss is alone, 1 where it has no path, and\n"
        "in between where both losses meet. Adam divides by the gradient's own size: where one loss\n"
        "is alone its weight cancels."
    )


def one_sweep_gap(model: Model, x: object, y: object) -> str:
    """How well the weighted gradients of the single losses add up to the training gradient."""
    plan, feed = model.training_plan(), model.labelled_data(x, y)
    weights = list(model.loss_weights.values())
    tape = plan.forward(feed)
    whole = plan.backward(tape, weights)
    apart = plan.backward(tape, [1.0] * len(weights), per_loss=True)
    gap = 0.0
    for w in plan.wrt:
        mixed = sum(weights[k] * row for k, row in zip(plan.reaches(w), apart[w], strict=True))
        gap = max(gap, float(np.abs(mixed - whole[w][0]).max()))
    return (
        f"1.0 x (gradient of main) + 0.2 x (gradient of aux) is the training gradient,\n"
        f"number by number; the largest difference of {model.count_params():,} is {gap:.1e}."
    )


def run_doctor() -> int:
    """What is installed and in use."""
    from . import __version__

    print(f"tinygrad_mo {__version__} at {Path(__file__).parent}")
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.platform()}")
    print(f"Arrays: {backend.xp().__name__}, {backend.floatx()}")
    print(f"Data sets: {', '.join(data.available())}")
    for name, use in (
        ("matplotlib", "draws the figure"),
        ("pygraphviz", "lays out the figure"),
        ("tqdm", "shows a progress bar"),
        ("cupy", "computes on a GPU"),
    ):
        found = importlib.util.find_spec(name) is not None
        print(f"{name}: {'installed' if found else 'not installed'} ({use})")
    return 0
