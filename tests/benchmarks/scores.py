"""Train every system small, from three seeds, and print two Markdown tables.

Run     python tests/benchmarks/scores.py [--seeds 3] [--claims] [NAME ...]

The first table: the score of each output on held-back data, against the best answer that ignores
the input. With --claims the second: what the seed documents claim, and what we measure.
"""

import argparse
import time

from tinygrad_mo.systems import SYSTEMS, train


def several(values):
    """Numbers from several seeds in one cell."""
    return " / ".join(f"{value:.3g}" for value in values)


def print_scores(systems, seeds):
    print("| system | parameters | output | metric | held back | baseline | seconds |")
    print("|---|---:|---|---|---|---:|---:|")
    for system in systems:
        start = time.perf_counter()
        runs = [train(system, seed=seed, verbose=0) for seed in range(seeds)]
        seconds = (time.perf_counter() - start) / seeds
        size = f"{runs[0][0].count_params():,}"
        for scores in zip(*(scores for _, _, scores in runs), strict=True):
            first = scores[0]
            value = several(score.value for score in scores)
            print(
                f"| {system.name} | {size} | {first.output} | {first.metric} | {value} "
                f"| {first.baseline:.3g} | {seconds:.1f} |",
                flush=True,
            )


def print_claims(systems, seeds):
    for system in systems:
        if system.claim is None:
            continue
        claims = [system.claim(seed=seed) for seed in range(seeds)]
        verdicts = ", ".join("holds" if claim.holds else "does not hold" for claim in claims)
        print(f"\n**{system.name}**: {claims[0].text} ({verdicts})\n")
        print("| measured | by seed |\n|---|---|")
        for name in claims[0].figures:
            cell = name.replace("|", "\\|")
            print(f"| {cell} | {several(claim.figures[name] for claim in claims)} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="systems (default: all)")
    parser.add_argument("--seeds", type=int, default=3, help="how many (default: 3)")
    parser.add_argument("--claims", action="store_true", help="measure the claims, too: minutes")
    options = parser.parse_args()
    systems = [SYSTEMS[name] for name in options.names or SYSTEMS]
    print_scores(systems, options.seeds)
    if options.claims:
        print_claims(systems, options.seeds)


if __name__ == "__main__":
    main()
