"""The README's picture of speed, from the figures that speed.py wrote.

Run     python tests/benchmarks/speed_figure.py speed.json lessons/pictures/speed.png
"""

import json
import sys

from matplotlib.figure import Figure

WHAT = {
    "w1": "titles: Embedding, LSTM,\ntwo outputs",
    "w2": "siamese LSTM",
    "w3": "inception module",
    "w4": "glyphs: small CNN,\ntwo outputs",
    "w5": "age, income, gender:\nConv1D",
    "w6": "tiny MLP, two outputs",
    "w7": "residual CNN with\nauxiliary output",
    "w9": "1,000 elementwise ops",
}
ENGINES = {  # name in the figures: label, colour
    "tinygrad_mo": ("tinygrad_mo, compiled kernels", "#1f6fd6"),
    "without kernels": ("tinygrad_mo, NumPy alone", "#8db8ec"),
    "PyTorch": ("PyTorch eager", "#b9bdca"),
}


def draw(results, threads):
    """Processor time of a step as a share of PyTorch's, one group of bars per workload."""
    figure = Figure(figsize=(9, 5.6), layout="constrained")
    axes = figure.subplots()
    ratios = {(r["workload"], r["engine"]): r.get("cpu ratio") for r in results}
    shown = [w for w in WHAT if (w, "PyTorch") in ratios]
    for n, (engine, (label, colour)) in enumerate(ENGINES.items()):
        places = [k + (n - 1) * 0.27 for k in range(len(shown))]
        values = [ratios[w, engine] for w in shown]
        bars = axes.barh(places, values, height=0.25, color=colour, label=label)
        axes.bar_label(bars, [f"{value:.2f}" for value in values], padding=3, fontsize=8.5)
    axes.set_yticks(range(len(shown)), [WHAT[w] for w in shown])
    axes.invert_yaxis()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    axes.set_xlabel("time of a training step as a share of PyTorch's: shorter is faster")
    axes.set_xlim(0, max(1.15, *(ratios[w, e] * 1.12 for w in shown for e in ENGINES)))
    plural = "thread" if threads == 1 else "threads"
    axes.set_title(f"A training step, {threads} {plural}, processor time", loc="left")
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.12), ncols=3, frameon=False)
    return figure


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        figures = json.load(file)
    draw(figures["results"], figures["threads"]).savefig(sys.argv[2], dpi=150)
