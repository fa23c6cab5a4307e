"""What a training step costs with a method that looks at the gradient of each loss.

Run     python tests/benchmarks/balancing_cost.py [w1 w4 ...] [--torch PYTHON] [--write]

--torch is the interpreter of an environment with PyTorch and TorchJD (python -m pip install torch
torchjd); without it the table stands alone. The method is IMTL-G, which needs but a Gram matrix.
Every engine has a process of its own; they take turns, and ratios are medians over the turns, by
processor time, of steps that were measured side by side: of a balanced step to a plain one of the
same engine, and of both to PyTorch's plain step. --write puts the table into BALANCING_COST.md.
"""

import argparse
import os
import platform
import statistics
import sys
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from measure import Engine, prepare

HERE = Path(__file__).resolve().parent
METHOD = "imtl_g"
NETWORKS = {  # losses, what they share, and how many plain steps a balanced one may cost
    "w1": (2, "nearly all", 1.6),
    "w4": (2, "nearly all", 1.6),
    "w7": (2, "half", 1.4),
    "w5": (3, "nearly all", None),
    "mlp": (5, "nearly all", 3.0),
    "w6": (2, "nearly all", 2.0),
    "small_mlp": (5, "nearly all", 2.0),
}
HEAD = """# What balancing costs

Written by `python tests/benchmarks/balancing_cost.py --torch PYTHON --write`: processor times of a
training step on one thread of {machine}, medians over {rounds} turns. "x plain" is a balanced step
in plain steps of the same engine; a sweep that carries K losses does (1 + 2 K) / 3 of the products
of a plain step, and the bar is what we want. w1 to w7 are those of `workloads.py`; mlp has three
Dense layers of 512 units on batches of 128, small_mlp of 64 units on 32, both five heads. TorchJD
runs loss by loss (`parallel_chunk_size=1`). The method is IMTL-G.

"""


def sides(base, torch):
    """All engines by name: how to start them."""
    own, theirs = HERE / "balancing_peer.py", HERE / "balancing_pytorch_peer.py"
    found = {"plain": (sys.executable, own, ""), "balanced": (sys.executable, own, METHOD)}
    if torch:
        found |= {"PyTorch": (torch, theirs, "")}
        found |= {f"PyTorch, {how}": (torch, theirs, how) for how in ("loop", "torchjd")}
    return {
        name: Engine(python, module, f"step:{base}:{how}" if how else f"step:{base}")
        for name, (python, module, how) in found.items()
    }


def measured(base, torch, rounds, seconds):
    """The row of a network."""
    engines = sides(base, torch)
    for turn in range(rounds):
        for name in list(engines)[:: -1 if turn % 2 else 1]:
            engines[name].measure(seconds)

    def ratio(name, other):
        pairs = zip(engines[name].rounds, engines[other].rounds, strict=True)
        return statistics.median(one["cpu"] / its["cpu"] for one, its in pairs)

    count, share, bar = NETWORKS[base]
    cells = [base, str(count), share, f"{engines['plain'].median('cpu') * 1e3:.2f}"]
    cells += [f"{engines['balanced'].median('cpu') * 1e3:.2f}"]
    cells += [f"**{ratio('balanced', 'plain'):.2f}**", f"{(1 + 2 * count) / 3:.2f}"]
    cells += ["" if bar is None else f"{bar:.1f}"]
    if torch:
        cells += [f"{ratio(name, 'PyTorch'):.2f}" for name in ("PyTorch, loop", "PyTorch, torchjd")]
        cells += [f"{ratio(name, 'PyTorch'):.2f}" for name in ("plain", "balanced")]
    for engine in engines.values():
        engine.close()
    return f"| {' | '.join(cells)} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("networks", nargs="*", default=list(NETWORKS), metavar="w1")
    parser.add_argument("--torch", metavar="PYTHON", help="of an environment with PyTorch, TorchJD")
    parser.add_argument("--rounds", type=int, default=11, help="how many turns (default: 11)")
    parser.add_argument("--seconds", type=float, default=0.3, help="of a turn (default: 0.3)")
    parser.add_argument("--write", action="store_true", help="write BALANCING_COST.md")
    options = parser.parse_args()
    prepare(threads=1)
    titles = ["", "K", "shared", "plain ms", "balanced ms", "x plain", "(1 + 2 K) / 3", "bar"]
    if options.torch:
        titles += ["PyTorch loop, x its plain", "TorchJD, x its plain"]
        titles += ["plain / PyTorch's plain", "balanced / PyTorch's plain"]
    lines = [f"| {' | '.join(titles)} |", f"|---|---:|---|{'---:|' * (len(titles) - 3)}"]
    print(*lines, sep="\n")
    for base in options.networks:
        lines.append(measured(base, options.torch, options.rounds, options.seconds))
        print(lines[-1], flush=True)
    if options.write:
        machine = platform.processor() or platform.machine()
        head = HEAD.format(machine=machine, rounds=options.rounds)
        (HERE / "BALANCING_COST.md").write_text(head + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
