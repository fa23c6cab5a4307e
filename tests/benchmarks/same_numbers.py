"""The benchmarks' networks, trained by several processes and by one: are the numbers the same?

``python same_numbers.py [RANKS ...] [--networks w1 ...] [--floats float64 ...] [--steps 20]``
trains each in one process and in so many (default: 2 and 4), with missing labels and weights of
samples and classes, and prints the largest gap of losses, of weights and of a flow, as a share of
the largest number of the array. `--samples` takes so many of each batch, where steps are long. "1
reversed" is the control: one process again, that gets the samples of each batch in reverse order,
so that its sums are rounded in another way. The other side is this file, too: `mpiexec` starts it
with the name of a file.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tinygrad_mo_peer as networks
import workloads

import tinygrad_mo as tg
from tinygrad_mo.distributed.starting import launcher

HERE = Path(__file__).resolve()
NETWORKS = ("w1", "w2", "w3", "w4", "w5", "w6", "w7")


def trained(network, float_type, steps, samples=None, order=1):
    """Losses by step, weights by name, and the Gram matrices of a flow.

    `samples`: so many of each batch. `order` -1: reversed.
    """
    with tg.use(floatx=float_type):
        model, _ = networks.compiled(network)
        random = np.random.default_rng(0)
        every = ([some(arrays, samples) for arrays in one] for one in workloads.batches(network))
        batches = [batch_of(model, x, y, random) for x, y in every]
        losses = []
        for step in range(steps):
            x, y, weights, of_classes = batches[step % len(batches)]
            x, y = ([array[::order] for array in arrays] for arrays in (x, y))
            weights = {name: w[::order] for name, w in weights.items()}
            found = model.train_on_batch(x, y, weights, of_classes, return_dict=True)
            losses.append(list(found.values()))
        x, y, *_ = batches[0]
        flow = model.gradient_flow(some(x, 4), some(y, 4))
    found = {f"weight {name}": w.numpy() for name, w in model.named_weights().items()}
    found |= {f"flow {name}": np.array(m.gram) for name, m in flow.parameters.items()}
    return found | {"losses": np.array(losses)}


def some(arrays, samples):
    return [x[:samples] for x in arrays]


def batch_of(model, x, y, random):
    """A batch with weights of samples; some labels are missing, and class 1 counts more."""
    weights = {name: random.uniform(0.5, 2, len(x[0])) for name in model.output_names}
    y = [labels.astype(float) for labels in y]
    for labels in y:
        labels[random.random(len(labels)) < 0.2] = np.nan
    judged = model.objective.judged().items()
    of_classes = {name: {1: 3.0} for name, term in judged if term.loss is not networks.SQUARED}
    return x, y, weights, of_classes


def gap(x, y):
    """The largest difference, as a share of the largest number."""
    return float(abs(x - y).max() / max(abs(y).max(), 1e-30))


def by_ranks(ranks, network, float_type, steps, samples):
    """The same, found by so many processes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "found.npz"
        command = [launcher(), "-n", str(ranks), sys.executable, str(HERE)]
        command += ["--write", str(file), network, float_type, str(steps), str(samples or "")]
        subprocess.run(command, check=True, timeout=1200)
        with np.load(file) as found:
            return dict(found)


def gaps(found, alone):
    """By kind of number, the largest gap."""
    kinds = dict.fromkeys(name.split()[0] for name in sorted(alone))
    return {
        kind: max(gap(found[n], alone[n]) for n in alone if n.split()[0] == kind) for kind in kinds
    }


def compare(ranks, *given):
    """The gaps between so many processes and one, and between one and one, samples reversed."""
    alone = trained(*given)
    for count in ranks:
        yield f"{count} ranks", gaps(by_ranks(count, *given), alone)
    yield "1 reversed", gaps(trained(*given, order=-1), alone)


def main(given):
    if given[:1] == ["--write"]:
        tg.distributed.init()
        network, float_type, steps, samples = given[2:]
        found = trained(network, float_type, int(steps), int(samples) if samples else None)
        if not tg.distributed.rank():
            np.savez(given[1], **found)
        return
    options = argparse.ArgumentParser()
    options.add_argument("ranks", nargs="*", type=int, default=[2, 4])
    options.add_argument("--networks", nargs="*", default=NETWORKS)
    options.add_argument("--floats", nargs="*", default=["float32", "float64"])
    options.add_argument("--steps", type=int, default=20)
    options.add_argument("--samples", type=int, help="of each batch; default: all")
    chosen = options.parse_args(given)
    for network in chosen.networks:
        for float_type in chosen.floats:
            what = network, float_type, chosen.steps, chosen.samples
            for who, found in compare(chosen.ranks, *what):
                text = "  ".join(f"{kind} {x:.1e}" for kind, x in found.items())
                print(f"{network}  {float_type}  {who:<10}  {text}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
