"""Where the time of a training step goes: by op, forward and backward, and in the optimizer.

Run     python tests/benchmarks/profile_step.py w1 [w3 ...] [--by op|step] [--steps 20]

Times are processor times on one thread, medians over steps; what no op and not the optimizer needs
of a step is the engine's. The floor is what the products of matrices take at the speed of a large
one, or what reading and writing everything once takes at the speed of a large copy, whichever is
longer; below it get ops that multiply less than they seem to (Winograd's convolution), and data
that are still in a cache.
"""

import argparse
import os
import sys
from statistics import median
from time import perf_counter, process_time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from measure import prepare


class Clock:
    """Times each op of a plan by standing in for what it runs, and the optimizer.

    Ops run in the order of the plan's steps, so the n-th that is called is step n; what an op calls
    inside belongs to it. A plan that is replayed runs no ops: then its two scripts are timed.
    """

    def __init__(self, plan, optimizer=None):
        self.plan, self.depth, self.turn, self.watching = plan, 0, 0, True
        self.spent = {}  # by (step number or "optimizer", "forward" or "backward")
        self.cost = 0.0  # of watching one call
        self.cost = self.of_nothing()
        self.unwatched = {step.op: step.op.run for step in plan.steps}
        for op, rule in self.unwatched.items():
            op.run = self.watched(op, rule)
        for replay in replays(plan):
            replay.script.run = self.timed(("replay", "forward"), replay.script.run)
            for sweep in replay.sweeps:
                sweep.script.run = self.timed(("replay", "backward"), sweep.script.run)
        if optimizer is not None:
            optimizer.apply = self.timed(("optimizer", "forward"), optimizer.apply)

    def stop(self):
        for op, rule in self.unwatched.items():
            op.run = rule

    def timed(self, key, function):
        def run(*arguments, **options):
            if not self.watching:
                return function(*arguments, **options)
            self.depth += 1
            start = process_time()
            try:
                return function(*arguments, **options)
            finally:
                self.depth -= 1
                if not self.depth:
                    spent = max(process_time() - start - self.cost, 0.0)
                    self.spent[key] = self.spent.get(key, 0.0) + spent

        return run

    def of_nothing(self):
        """What is measured for a call that does nothing."""
        nothing = self.timed("nothing", lambda: None)
        times = []
        for _ in range(1000):
            nothing()
            times.append(self.spent.pop("nothing"))
        return median(times)

    def watched(self, op, rule):
        def run(*arrays, **attributes):
            if self.depth or not self.watching:
                return rule(*arrays, **attributes)
            n, self.turn = self.turn, self.turn + 1
            if self.plan.steps[n].op is not op:
                raise RuntimeError(f"step {n} is {self.plan.steps[n].op}, but {op} was called")
            y, back = self.timed((n, "forward"), rule)(*arrays, **attributes)
            key = n, "backward"
            if callable(back):
                return y, self.timed(key, back)
            return y, tuple(pull and self.timed(key, pull) for pull in back)

        return run

    def one(self, step):
        """Run a step unwatched and one watched: the time of that one, and of the parts of this."""
        self.turn, self.spent, self.watching = 0, {}, False
        start = process_time()
        step()
        whole = process_time() - start
        self.watching = True
        step()
        return whole, self.spent


def replays(plan):
    """Those that a plan has made, if it is one that makes any."""
    return [replay for some in getattr(plan, "_replays", {}).values() for replay in some.free]


def profile(workload, steps):
    """The step, a tape, its median seconds, and those of its parts.

    The parts are named (step number or "optimizer", direction).
    """
    import tinygrad_mo_peer

    from tinygrad_mo import Tape

    name, *arguments = workload.split(":")
    step = getattr(tinygrad_mo_peer, name)(*arguments)
    step()
    tape = Tape(*step.tape())  # a replay is not to be held
    clock = Clock(step.plan, step.model and step.model.optimizer)
    warm = perf_counter() + 0.3
    while perf_counter() < warm:
        clock.one(step)
    runs = [clock.one(step) for _ in range(steps)]
    clock.stop()
    keys = sorted({key for _, parts in runs for key in parts}, key=str)
    parts = {key: median(parts.get(key, 0.0) for _, parts in runs) for key in keys}
    return step, tape, median(whole for whole, _ in runs), parts


def row_name(plan, n, by):
    if isinstance(n, str):
        return n
    step = plan.steps[n]
    if by == "op":
        return step.op.name
    return f"{step.op.name} {step.call.path if step.call else ''}".strip()


def table(workload, by, steps):
    """The rows of one workload, the longest first, as lines of Markdown."""
    from floors import NOTHING, measured_machine, optimizer_work, work

    machine = measured_machine()
    step, tape, whole, parts = profile(workload, steps)
    plan = step.plan
    optimizer = step.model and step.model.optimizer
    spent, floors, calls = {}, {}, {}
    for (n, direction), seconds in parts.items():
        key = row_name(plan, n, by), "" if n == "optimizer" else direction
        if n == "optimizer":
            least = optimizer_work(optimizer, plan, tape)
        elif n == "replay":
            each = [work(plan, tape, i, step.per_loss) for i in range(len(plan.steps))]
            least = sum((one[direction == "backward"] for one in each), NOTHING)
        else:
            least = work(plan, tape, n, step.per_loss)[direction == "backward"]
        spent[key] = spent.get(key, 0.0) + seconds
        floors.setdefault(key, []).append(least)
        calls[key] = calls.get(key, 0) + 1
    spent["the engine", ""] = whole - sum(spent.values())
    yield f"**{workload}**: {whole * 1e3:.3f} ms, on one thread that reaches "
    yield f"{machine.flops / 1e9:.0f} GFLOP/s and {machine.bandwidth / 1e9:.0f} GB/s"
    yield ""
    yield "| op | direction | calls | ms | share | GFLOP | MB | floor ms | times floor |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|---:|"
    for key in sorted(spent, key=spent.get, reverse=True):
        seconds, each = spent[key], floors.get(key, [])
        least = sum(one.seconds(machine) for one in each)
        total = sum(each, NOTHING)
        above = f"{seconds / least:.1f}" if least else ""
        yield (
            f"| {key[0]} | {key[1]} | {calls.get(key, '')} | {seconds * 1e3:.3f} "
            f"| {seconds / whole:.0%} | {total.flops / 1e9:.3g} | {total.moved / 1e6:.3g} "
            f"| {least * 1e3:.3f} | {above} |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("workloads", nargs="+", metavar="w1", help='w1 to w12, "w8:w7:attribute"')
    parser.add_argument("--by", choices=["op", "step"], default="op", help="what a row is")
    parser.add_argument("--steps", type=int, default=20, help="how many to time (default: 20)")
    options = parser.parse_args()
    prepare(threads=1)
    for workload in options.workloads:
        print(*table(workload, options.by, options.steps), "", sep="\n", flush=True)


if __name__ == "__main__":
    main()
