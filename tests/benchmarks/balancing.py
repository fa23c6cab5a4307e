"""Write tinygrad_mo/systems/BALANCING.md: what methods that balance losses bring on our systems.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/balancing.py [SYSTEM ...]

It takes about ten minutes; of the sections that are not named, the text stays. What a balanced step
costs is measured by `balancing_cost.py`.
"""

import argparse
import re
from pathlib import Path

import tinygrad_mo
from tinygrad_mo.lab.compare import compare
from tinygrad_mo.lab.groups import group_tasks
from tinygrad_mo.systems import SYSTEMS

PAGE = Path(tinygrad_mo.__file__).parent / "systems" / "BALANCING.md"
COMPARED = "demographics", "people", "one_or_many", "headlines"
GROUPED = "one_or_many"
HEAD = """# Loss balancing on our systems

Which loss weights, or which method that sets them, train the small networks best? Each number is
the mean of {seeds} seeds and their standard deviation, on data that were held back. "Best of the
grid" are the fixed weights that did best on a fifth of the training data, on which nobody trained.
The grid is around the weights of equal pulls: each loss but the first has them 0.1, 1 and 10 times
(of two losses also 0.01 and 100 times; of four, one loss at a time). Optimizer, learning rate and
epochs are those of the system, for all: nobody has tuned them for a method.
"gain over equal" is the mean over the outputs of how much better a score is than with all weights
1, from the same seed. Written by

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/balancing.py

The methods are in `tinygrad_mo/balancing/`; `tinygrad-mo lab compare SYSTEM` does one system, and
draws it. Six rows are no methods, but other ways (`tinygrad_mo/lab/ways.py`), all weights 1:
sample_across trains one loss in each step, sample_within gives each loss half of the samples,
stop_each ends a loss when it no longer falls on the data that choose (patience 1), noise_weights
divides each loss by what a first training leaves of it there, decay_heads and decay_all are L2
(0.001) on the kernels of the heads, or on all; nobody has tuned them.

What we read from these tables:

- Where losses have very different scales (demographics), weights are worth more than anything else
  here, and fixed ones that let all losses pull alike, which `tinygrad_mo.balancing.suggest` prints,
  are as good as the best method. Methods that do not mind the scale (nash_mtl, fairgrad, config)
  find such weights by themselves; gradnorm and imtl_g come near.
- What only removes conflicts (pcgrad, gradvac, dualproj, upgrad) gets a third of that: a loss with
  a small gradient is not in conflict, it is not heard.
- Where the scales are nearer, all that a method brings, or costs, is small, and which one is best
  changes from system to system. On people and one_or_many some methods beat the best fixed weights
  from each seed, by about 1 %; around other weights than ours a finer grid may find as much. On
  headlines no method is better than equal weights by more than 1 %, and many are worse.
- dwa, rlw and graddrop do NOT help on any of these systems; mgda serves the loss with the smallest
  gradient, at the expense of age and earnings; stch, which compares losses as they are, can do
  great harm.
- The other ways were measured on people alone, so far. Weights of 1 / what a first training leaves
  (noise_weights) are as good there as most methods, at the price of a second training; weight decay
  helps a little. To sample tasks or samples does NOT help, nor does stopping each loss by itself.
- Three seeds are few. When graddrop drew other random numbers, its -1 % on demographics were +3 %,
  from each seed: differences of that size mean nothing.
- Equal pulls are no law: on one_or_many they are 4 % worse than equal weights, and the affinities
  of its tasks foretell nothing about which of them should be trained together.
"""


def compared(name, seeds, epochs=None, told=print):
    found = compare(SYSTEMS[name], seeds, epochs, told=told)
    title = SYSTEMS[name].title
    return f"## {name}: {title}\n\n{found.table()}\n\n{found.words()}\n"


def grouped(name, seeds, epochs=None, told=print):
    found = group_tasks(SYSTEMS[name], seeds, epochs, told)
    return (
        f"## Which tasks of {name} should share a network?\n\nEach pair trained, beside the "
        f"affinities measured while all were trained together (per learning rate).\n\n"
        f"{found.table()}\n\n{found.words()}\n\nGroups by branch and bound, and what they "
        f"score on held-back data:\n\n{found.choices()}\n"
    )


def page(seeds, chosen=(*COMPARED, "groups"), before="", **options):
    """All sections; those that are not chosen as they stand in the page before."""
    titles = [*COMPARED, "groups"]
    kept = dict(zip(titles, re.split(r"(?m)^(?=## )", before)[1:], strict=False))

    def section(name):
        if name not in chosen:
            return kept[name].rstrip("\n") + "\n"
        if name == "groups":
            return grouped(GROUPED, seeds, **options)
        return compared(name, seeds, **options)

    return "\n".join([HEAD.format(seeds=seeds), *map(section, titles)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("systems", nargs="*", default=[*COMPARED, "groups"], metavar="SYSTEM")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    PAGE.write_text(page(options.seeds, options.systems, PAGE.read_text("utf-8")), "utf-8")
