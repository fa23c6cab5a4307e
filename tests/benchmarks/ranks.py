"""What several processes cost: the time of a step, the share of the sum of gradients, and a model.

``python ranks.py [w3 w5 w7] [--minutes 3.5] [--seconds 4]`` times training steps of one process
with two threads and of two with one thread each, in turns, and what a sum over the ranks costs by
its size: as many rounds of it as fit into the time, of which the best counts. Two ranks shall take
at most 1.15 times as long as two threads. To the sums it fits

    seconds(bytes, p) = moves(p) alpha + 2 (p - 1) / p (beta + gamma / 2) bytes

with moves(p) = 2 (p - 1): each rank sends a part to each other one, twice. alpha is the time of a
message, beta that of a byte on its way, gamma that of a byte that is added up. The efficiency is
that of weak scaling, a batch of the same size on each rank: step / (step + sum). `--alpha` and
`--beta` put those of a network in the place of what was measured. `RANKS.md` has what came out.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import measure
import numpy as np

SIZES = [1 << k for k in range(8, 23, 2)]  # numbers of float32
SHOWN = (2, 4, 16, 64, 256, 1024)  # ranks
TIMES = 25  # of a sum
clock = time.perf_counter


def two_ranks(*arguments):
    """What rank 0 of two has found."""
    from tinygrad_mo.distributed.starting import launcher

    return found_by([launcher(), "-n", "2"], arguments, threads=1)


def found_by(start, arguments, threads):
    settings = os.environ | dict.fromkeys(measure.THREADS, str(threads))
    command = [*start, sys.executable, __file__, *map(str, arguments)]
    run = subprocess.run(command, env=settings, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(run.stdout)


def steps(workload, seconds):
    """Times of one step: the least and the median by the clock, and what the processor does."""
    import tinygrad_mo as tg

    if tg.distributed.is_launched():
        tg.distributed.init()
    import tinygrad_mo_peer

    from tinygrad_mo.distributed import plan

    size = tg.distributed.size()

    spent = []

    def timed(*given):
        start = clock()
        found = summed(*given)
        spent.append(clock() - start)
        return found

    summed, plan.summed = plan.summed, timed
    step = getattr(tinygrad_mo_peer, workload)()
    for _ in range(3):
        step()
    spent.clear()
    count = max(5, round(seconds / duration(step)))
    if size > 1:
        count = plan.SharedPlan.ranks.world.bcast(count)  # all ranks make as many
    spent.clear()
    before = time.process_time()
    walls = [duration(step) for _ in range(count)]
    return {
        "least": min(walls),
        "median": float(np.median(walls)),
        "cpu": (time.process_time() - before) / count * size,
        "sum": min(spent, default=0.0),  # the others are there already
        "sum and waiting": float(np.median(spent or [0.0])),
        "bytes": sum(w.value.nbytes for w in step.plan.wrt if w.value.size < 1 << 21),
    }


def duration(step):
    start = clock()
    step()
    return clock() - start


def sums():
    """By number of bytes, the least time of a sum over the ranks, and of its additions alone.

    And that of comparing what they are about to do, which comes twice in a step.
    """
    import tinygrad_mo as tg

    tg.distributed.init()
    from tinygrad_mo.distributed.moving import added
    from tinygrad_mo.distributed.plan import SharedPlan

    ranks, found = SharedPlan.ranks, []
    for size in SIZES:
        x = np.ones(size, "float32")
        halves = x.reshape(2, -1)
        moved = [duration(lambda x=x: ranks.total_in(x)) for _ in range(TIMES)]
        alone = [duration(lambda halves=halves: added(halves)) for _ in range(TIMES)]
        found.append([x.nbytes, min(moved), min(alone)])
    told = {"samples": 32, "weights": "#12345678", "data": "#12345678"}
    compared = [duration(lambda: ranks.agree("in an evaluation", told)) for _ in range(TIMES)]
    return {"sums": found, "agree": min(compared)}


def fitted(measured):
    """alpha, beta and gamma from the sums of two ranks, by least squares of the ratios."""
    sizes, moved, alone = np.array(measured).T
    gamma = float(np.median(alone[-3:] / sizes[-3:])) * 2  # half of the bytes are added up
    terms = np.stack([np.full(len(sizes), 2.0), sizes], axis=1) / moved[:, None]
    alpha, byte = np.linalg.lstsq(terms, np.ones(len(sizes)), rcond=None)[0]
    return float(alpha), float(byte - gamma / 2), gamma


def predicted(size, ranks, alpha, beta, gamma):
    """Seconds of a sum of so many bytes over so many ranks."""
    return 2 * (ranks - 1) * alpha + 2 * (ranks - 1) / ranks * (beta + gamma / 2) * size


def main(given):
    if given[:1] == ["--child"]:
        found = sums() if given[1] == "sums" else steps(given[1], float(given[2]))
        if os.environ.get("PMI_RANK", "0") == "0":
            print(json.dumps(found))
        return
    options = argparse.ArgumentParser()
    options.add_argument("workloads", nargs="*", default=["w3", "w5", "w7"])
    options.add_argument("--minutes", type=float, default=3.5)
    options.add_argument("--seconds", type=float, default=4)
    options.add_argument("--alpha", type=float)
    options.add_argument("--beta", type=float)
    chosen = options.parse_args(given)
    print(f"{os.cpu_count()} cores, for {os.getloadavg()[0]:.1f} programs that ran before this one")
    rounds, times, begun, longest = [], {name: ([], []) for name in chosen.workloads}, clock(), 0.0
    while not rounds or clock() - begun + longest < 60 * chosen.minutes:
        start = clock()
        rounds.append(two_ranks("--child", "sums"))
        for workload, (one, two) in times.items():
            one.append(found_by([], ["--child", workload, chosen.seconds], threads=2))
            two.append(two_ranks("--child", workload, chosen.seconds))
        longest = max(longest, clock() - start)
    measured = np.min([one["sums"] for one in rounds], axis=0).tolist()
    alpha, beta, gamma = fitted(measured)
    print(
        f"alpha {alpha * 1e6:.1f} us, beta {beta * 1e9:.3f} ns, gamma {gamma * 1e9:.3f} ns a byte"
    )
    print(f"to compare what two ranks do: {min(one['agree'] for one in rounds) * 1e6:.0f} us")
    for size, moved, _ in measured:
        model = predicted(size, 2, alpha, beta, gamma)
        print(f"  {size:>10,.0f} bytes: {moved * 1e6:9.0f} us, the model {model * 1e6:9.0f} us")
    alpha = alpha if chosen.alpha is None else chosen.alpha
    beta = beta if chosen.beta is None else chosen.beta
    for workload, (one, two) in times.items():
        report(workload, one, two, (alpha, beta, gamma))
    print(f"{len(rounds)} rounds in {clock() - begun:.0f} s")


def report(workload, one, two, costs):
    for key, scale in (("least", 1e3), ("median", 1e3), ("cpu", 1e3)):
        a, b = (min(r[key] for r in rounds) * scale for rounds in (one, two))
        print(f"{workload} {key:>6}: {a:8.1f} ms two threads, {b:8.1f} ms two ranks, {b / a:.2f}")
    size, step = two[0]["bytes"], min(r["least"] for r in two)
    spent, model = min(r["sum"] for r in two), predicted(size, 2, *costs)
    waiting = min(r["sum and waiting"] for r in two)
    print(
        f"{workload}: sum of {size / 1e6:.2f} MB {spent * 1e3:.2f} ms, {spent / step:.1%} of a "
        f"step; the model {model * 1e3:.2f} ms; the median, with waiting, {waiting * 1e3:.2f} ms"
    )
    alone = step - spent
    efficiency = {p: alone / (alone + predicted(size, p, *costs)) for p in SHOWN}
    print(f"{workload}: efficiency " + "  ".join(f"{p}: {e:.0%}" for p, e in efficiency.items()))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main(sys.argv[1:])
