"""What a real GPU must show, in under five minutes.

python tests/gpu/check.py [--out FOLDER] [--only ops,models] [--double]

Every line is written to FOLDER/report.md at once, so that a run which is cut short still tells.
With --double it runs without a GPU, on the double of CuPy: a rehearsal.
"""

import argparse
import subprocess
import sys
import time
import warnings
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS), str(TESTS / "gpu"), str(TESTS / "benchmarks")]

import numpy as np  # noqa: E402

import tinygrad_mo as tg  # noqa: E402

SECONDS = {  # for each part
    "machine": 20, "kernels": 50, "ops": 50, "models": 50, "captured": 30, "systems": 40,
    "steps": 50, "ranks": 60,
}  # fmt: skip
ALLOWED = {"float64": 1e-9, "float32": 2e-5}  # relative
WORKLOADS = ("w6", "w1", "w2", "w4", "w5", "w3", "w7")  # the telling ones first


class Report:
    """Lines of a file, each written at once, and how many of them tell of a fault."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.path, self.faults = folder / "report.md", 0
        self.path.write_text("", "utf-8")

    def say(self, line, fault=False):
        self.faults += fault
        line = f"{'FAULT: ' if fault else ''}{line}"
        print(line, flush=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


def attempts(report, part, names, attempt):
    """Try each name as long as there is time; what an attempt raises is a fault."""
    end, done = time.perf_counter() + SECONDS[part], 0
    for name in names:
        if time.perf_counter() > end:
            report.say(f"out of time: {len(names) - done} of {len(names)} were not tried")
            return
        try:
            attempt(name)
        except Exception as error:
            report.say(f"{name}: {type(error).__name__}: {str(error)[:200]}", fault=True)
        done += 1
    report.say(f"{done} tried")


def machine(report, cupy):
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        report.say(subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip())
    except (OSError, subprocess.CalledProcessError) as error:
        report.say(f"nvidia-smi: {error}")
    report.say(f"NumPy {np.__version__}, CuPy {cupy.__version__}, Python {sys.version.split()[0]}")


def kernels(report, cupy):
    import kernel_checks as checks

    def attempt(name):
        cases = checks.DRAWN[name] + checks.LARGE.get(name, [])
        worst = checks.largest_gap_of(cupy, name, cases)
        report.say(f"{name}: gap {worst:.1e} to the rule in float64", worst > checks.ALLOWED)

    attempts(report, "kernels", list(checks.DRAWN), attempt)


def ops(report, cupy):
    from comparing import gap, of_op

    from op_cases import CASES

    largest = dict.fromkeys(ALLOWED, 0.0)

    def attempt(name):
        for dtype, allowed in ALLOWED.items():
            for inputs, attributes in CASES[name]:
                gaps = [gap(a, b) for a, b in of_op(name, inputs, attributes, dtype, cupy.asarray)]
                worst = max(gaps, default=0.0)
                largest[dtype] = max(largest[dtype], worst)
                if worst > allowed:
                    shapes = [np.shape(x) for x in inputs]
                    report.say(f"{name} {shapes} {attributes} {dtype}: {worst:.1e}", fault=True)

    drawn = {"dropout", "gaussian_noise"}
    attempts(report, "ops", [name for name in CASES if name not in drawn], attempt)
    for dtype, worst in largest.items():
        report.say(f"largest gap to NumPy in {dtype}: {worst:.1e}")


def models(report, cupy):
    from comparing import gap, of_model

    from zoo import ZOO

    def attempt(name):
        for floatx, allowed in {"float64": 1e-6, "float32": 5e-3}.items():
            with tg.use(floatx=floatx):
                there = of_model(name)
                with tg.use("numpy"):
                    here = of_model(name)
            worst = max(map(gap, here, there))
            report.say(f"{name} in {floatx}: gap {worst:.1e} after training", worst > allowed)

    attempts(report, "models", list(ZOO), attempt)


def systems(report, cupy):
    from comparing import run_system

    from tinygrad_mo.systems import SYSTEMS

    attempts(report, "systems", list(SYSTEMS), lambda name: run_system(SYSTEMS[name]))


def captured(report, cupy):
    import tinygrad_mo_peer as peer
    from comparing import gap

    from tinygrad_mo.device import to_numpy
    from tinygrad_mo.replay.captured import CapturedTape
    from tinygrad_mo.training.captured import KNOWN

    def trained(name, replay):
        with tg.use(replay=replay):
            model, feeds = peer.compiled(name)
            for feed in [*feeds, *feeds]:
                was_captured = type(peer.train_step(model, feed)) is CapturedTape
            kinds = KNOWN[model.objective.plan()]._kinds.values() if replay else ()
            why_not = [kind.why_not for kind in kinds if kind.why_not]
            return [to_numpy(w) for w in model.get_weights()], was_captured, why_not

    def attempt(name):
        (there, was_captured, why_not), (plain, *_) = trained(name, True), trained(name, False)
        worst = max(map(gap, plain, there))
        how = "captured" if was_captured else f"not captured: {'; '.join(why_not)[:200]}"
        report.say(f"{name}: {how}; gap {worst:.1e} to plain steps", fault=worst > 1e-4)

    attempts(report, "captured", WORKLOADS, attempt)


def steps(report, cupy):
    import tinygrad_mo_peer

    wait = cupy.cuda.runtime.deviceSynchronize

    def milliseconds(name, wait):
        step = getattr(tinygrad_mo_peer, name)()
        for _ in range(3):
            step()
        times = []
        while len(times) < 3 or (sum(times) < 1.5 and len(times) < 200):
            wait()
            start = time.perf_counter()
            step()
            wait()
            times.append(time.perf_counter() - start)
        return 1000 * float(np.median(times))

    def attempt(name):
        there = milliseconds(name, wait)
        with tg.use(replay=False):
            plain = milliseconds(name, wait)
        with tg.use("numpy"):
            here = milliseconds(name, lambda: None)
        report.say(
            f"{name}: {there:.2f} ms a step (captured where it can be, {plain:.2f} ms if not), "
            f"{there / here:.2f} times that of the CPU"
        )

    attempts(report, "steps", WORKLOADS, attempt)


def ranks(report, cupy):
    sys.path.insert(0, str(TESTS / "distributed"))
    import pickle
    import tempfile

    import scenarios

    from tinygrad_mo.distributed.starting import launcher

    count = min(cupy.cuda.runtime.getDeviceCount(), 4)
    if count < 2:
        report.say("one card: several ranks need one each, so NCCL was not tried")
        return
    where = "double" if "double" in sys.modules else "cupy"
    command = [launcher(), "-n", str(count), sys.executable, scenarios.__file__]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "found"
        names = [one.__name__ for one in scenarios.SAME if one is not scenarios.own_op]
        subprocess.run([*command, str(file), where, *names], check=True, timeout=SECONDS["ranks"])
        result, differ = pickle.loads(file.read_bytes())
    report.say(
        f"{count} ranks, other bits than on rank 0: {sorted(differ) or 'none'}", bool(differ)
    )
    with tg.use("numpy"):
        alone = scenarios.found(names)

    def attempt(name):
        worst = scenarios.largest_gap(result[name], alone[name])
        report.say(f"{name}: gap {worst:.1e} to one process on the CPU", worst > ALLOWED["float64"])

    attempts(report, "ranks", names, attempt)


EVERY = machine, kernels, ops, models, captured, systems, steps, ranks
PARTS = {part.__name__: part for part in EVERY}


def main(arguments=None):
    """Run the parts; the exit code is 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("gpu_report"), help="for the report")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between")
    parser.add_argument("--double", action="store_true", help="without a GPU, on the double")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    if options.double:
        import double

        sys.modules.update(double.MODULES)
    report, begun = Report(options.out), time.perf_counter()
    with tg.use("cupy"):
        import cupy

        for part in options.only.split(","):
            report.say(f"\n## {part}, after {time.perf_counter() - begun:.0f} s\n")
            PARTS[part](report, cupy)
    report.say(f"\n{report.faults} faults, {time.perf_counter() - begun:.0f} s")
    return int(report.faults > 0)


if __name__ == "__main__":
    sys.exit(main())
