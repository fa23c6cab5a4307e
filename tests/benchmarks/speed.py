"""How fast a training step is, and how fast PyTorch's is: one table, and the figures as JSON.

Run     python tests/benchmarks/speed.py [w1 w6 ...] [--torch PYTHON] [--json speed.json]

--torch is the interpreter of an environment with PyTorch (python -m pip install torch numpy); the
ratios are to PyTorch as it comes ("CPU ratio"), to PyTorch whose C library is told to keep freed
memory, as our `fit` tells its own ("keeping"), and to the fastest engine that is not ours ("best
peer", by the clock on the wall where there are several threads). Without it the table stands alone.
--engine adds any other: NAME=PYTHON:FILE[:VARIABLE=VALUE,...], where FILE has functions `w1` to
`w15` that return a step. workloads.py says what they are.

Every engine has a process of its own; they take turns, and ratios are medians over the turns of
what was measured side by side ("of best": of the best turn of each). Compare processor times of
one thread: on a machine that is busy they are what lasts (all engines get slower, by up to a factor
of two, but together). GFLOP/s count the products of matrices, convolutions as if every window were
multiplied; behind them, their share of what a product of large matrices reaches in the same turns.
"""

import argparse
import json
import os
import platform
import statistics
import sys
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from measure import Engine, prepare

HERE = Path(__file__).resolve().parent
OURS = HERE / "tinygrad_mo_peer.py"
TRAINED = ["w1", "w2", "w3", "w4", "w5", "w6", "w7", "w10", "w11", "w12"]
WORKLOADS = [*TRAINED[:7], "w8:w1", "w8:w7", "w9", *TRAINED[7:], "w13:layers", "w13:tensors"]
WORKLOADS += [f"w14:{base}" for base in ("w1", "w7", "w10", "w12")]
WORKLOADS += [f"w15:{base}" for base in ("w1", "w2", "w4", "w6", "w7")]
OWN, NO_KERNELS, PEAK = "tinygrad_mo", "without kernels", "products of large matrices"
PYTORCH, KEEPING = "PyTorch", "PyTorch keeping memory"
KEEP = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 30)}


class Side:
    """How to start an engine, and on which workloads it is of interest."""

    def __init__(self, python, module, settings=None, only=None, mode=""):
        self.python, self.module, self.settings = python, module, settings or {}
        self.only, self.mode = only, mode

    def start(self, workload):
        name = f"{workload}:{self.mode}" if self.mode else workload
        return Engine(self.python, self.module, name, self.settings)

    def is_peer(self):
        """Does it do the same work, and is it not ours?"""
        return not self.mode and self.module != OURS


def sides(torch, others):
    """All engines by name; ratios are to PyTorch."""
    no_kernels = {"TINYGRAD_MO_KERNELS": "0"}
    apart = [workload for workload in WORKLOADS if workload.startswith("w8")]
    found = {
        OWN: Side(sys.executable, OURS),
        NO_KERNELS: Side(sys.executable, OURS, no_kernels),
        "the weighted sum": Side(sys.executable, OURS, only=apart, mode="sum"),
        "wired in each step": Side(sys.executable, OURS, only=["w9"], mode="eager"),
    }
    if torch:
        module = HERE / "pytorch_peer.py"
        found |= {
            PYTORCH: Side(torch, module),
            KEEPING: Side(torch, module, KEEP),
            "PyTorch channels_last": Side(
                torch, module, {"CHANNELS_LAST": "1"}, ["w3", "w4", "w7", "w11", "w12"]
            ),
            "PyTorch fused": Side(torch, module, {"FUSED": "1"}, TRAINED),
            "PyTorch, the weighted sum": Side(torch, module, only=apart, mode="sum"),
        }
    for text in others:
        name, _, rest = text.partition("=")
        python, module, *settings = rest.split(":")
        pairs = (pair.split("=") for pair in ",".join(settings).split(",") if pair)
        found[name] = Side(python, module, dict(pairs))
    return found


def plain_step(workload):
    """What the gradients of w8 are compared with: the training step of the same network."""
    return workload.split(":")[1] if workload.startswith("w8") else workload


def ratio(engine, other, key):
    """The median of the ratios of what was measured side by side."""
    pairs = zip(engine.rounds, other.rounds, strict=True)
    return statistics.median(ours[key] / theirs[key] for ours, theirs in pairs)


def compare(workload, chosen, rounds, seconds, fastest_by):
    """One result per engine, as a dict; the best peer is the fastest by "cpu" or "wall"."""
    live, failed = {}, {}
    for name, side in chosen.items():
        if side.only and workload not in side.only:
            continue
        try:
            live[name] = side.start(workload)
        except RuntimeError as error:
            failed[name] = str(error).splitlines()[-1]
    peak = live[PEAK] = Engine(sys.executable, HERE / "floors.py", "products_of_large_matrices")
    reference = live.get(PYTORCH)
    if reference and plain_step(workload) != workload:
        reference = live["PyTorch, a training step"] = chosen[PYTORCH].start(plain_step(workload))
    for turn in range(rounds):
        for name in list(live)[:: -1 if turn % 2 else 1]:
            live[name].measure(seconds)
    peers = [name for name in live if name in chosen and chosen[name].is_peer()]
    best_peer = min(peers, key=lambda name: live[name].median(fastest_by), default=None)
    results = []
    peak = peak.close()["flops"] / live.pop(PEAK).median("cpu")
    for name, engine in live.items():
        result = {"workload": workload, "engine": name, "losses": engine.first["losses"]}
        result |= {"cpu": engine.median("cpu"), "wall": engine.median("wall")}
        result |= {"rounds": engine.rounds, "peak": peak, **engine.close()}
        if reference:
            for key in ("cpu", "wall"):
                result[f"{key} ratio"] = ratio(engine, reference, key)
            result["best ratio"] = engine.best("cpu") / reference.best("cpu")
        if KEEPING in live:
            result["keeping ratio"] = ratio(engine, live[KEEPING], "cpu")
        if best_peer:
            result["best peer"] = best_peer
            result["best peer ratio"] = ratio(engine, live[best_peer], fastest_by)
        results.append(result)
    flops = next((r["flops"] for r in results if r["flops"]), None)
    for result in results:
        if result["engine"] in (OWN, NO_KERNELS, PYTORCH, KEEPING, "PyTorch channels_last"):
            result["flops"] = flops
    return results + [{"workload": workload, "engine": n, "failed": e} for n, e in failed.items()]


def row(result):
    """One line of the table."""
    if "failed" in result:
        return f"| {result['workload']} | {result['engine']} | {result['failed'][:60]} |"

    def cell(key, form, factor=1.0):
        value = result.get(key)
        return "" if value is None else format(value * factor, form)

    speed = ""
    if result.get("flops") and result["flops"] > 1e7:
        per_second = result["flops"] / result["cpu"]
        speed = f"{per_second / 1e9:.0f} ({per_second / result['peak']:.0%})"
    cells = [
        result["workload"],
        result["engine"],
        cell("cpu", ".3f", 1e3),
        cell("wall", ".3f", 1e3),
        cell("cpu ratio", ".2f"),
        cell("best ratio", ".2f"),
        cell("keeping ratio", ".2f"),
        cell("wall ratio", ".2f"),
        f"{cell('best peer ratio', '.2f')} {result.get('best peer', '').removeprefix('PyTorch ')}",
        speed,
        cell("memory", ".0f"),
        f"{result['losses'][0]:.5g}",
    ]
    return f"| {' | '.join(cells)} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("workloads", nargs="*", metavar="w1", help="default: all")
    parser.add_argument("--torch", metavar="PYTHON", help="of an environment with PyTorch")
    parser.add_argument("--engine", action="append", default=[], metavar="NAME=PYTHON:FILE")
    parser.add_argument("--rounds", type=int, default=11, help="how many turns (default: 11)")
    parser.add_argument("--seconds", type=float, default=0.2, help="of a turn (default: 0.2)")
    parser.add_argument("--threads", type=int, default=1, help="of every engine (default: 1)")
    parser.add_argument("--json", default="speed.json", help="where the figures go")
    options = parser.parse_args()
    chosen = sides(options.torch, options.engine)
    prepare(options.threads)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, ", end="")
    print(f"{options.threads} thread(s)\n")
    print(
        "| | engine | CPU ms | wall ms | CPU ratio | of best | keeping | wall ratio | best peer ",
        end="",
    )
    print("| GFLOP/s | memory MB | loss |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---|---:|---:|---:|")
    results = []
    for workload in options.workloads or WORKLOADS:
        by = "cpu" if options.threads == 1 else "wall"
        some = compare(workload, chosen, options.rounds, options.seconds, by)
        print(*(row(result) for result in some), sep="\n", flush=True)
        results += some
    figures = {"threads": options.threads, "results": results}
    Path(options.json).write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
