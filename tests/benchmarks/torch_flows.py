"""What `tg.flow.of_torch` costs beside what it needs: one forward pass and K backward passes.

Run     python tests/benchmarks/torch_flows.py [NAME ...]
where torch is installed. Processor times of one thread, the least of many turns, in which both are
measured one after the other.
"""

import sys
from pathlib import Path
from time import process_time

import torch
import torch.nn.functional as F
from torch import nn

import tinygrad_mo as tg

sys.path.append(str(Path(__file__).parents[1] / "frameworks"))
import torch_twins as twins

SECONDS = 20  # for each network


class Encoder(nn.Module):
    """Four blocks of a transformer, and two heads: what word was hidden, and what it is about."""

    def __init__(self, vocabulary=5_000, width=256):
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        block = nn.TransformerEncoderLayer(width, 4, 4 * width, 0.1, batch_first=True)
        self.blocks = nn.TransformerEncoder(block, 4, enable_nested_tensor=False)
        self.word, self.topic = nn.Linear(width, vocabulary), nn.Linear(width, 20)

    def forward(self, ids):
        h = self.blocks(self.words(ids))
        return {"word": self.word(h[:, 0]), "topic": self.topic(h.mean(1))}


def classes(*shape, n=2):
    return torch.randint(0, n, shape)


def labelled(module, batch):
    """The losses of a module that returns what `batch` has labels for."""
    found = module(**batch["x"])
    return {name: loss(found[name], y) for name, (loss, y) in batch["y"].items()}


def networks():
    """By name: a module, its data, and for each of its outputs the loss and the labels."""
    n = 32
    titles = {"main_input": classes(n, 100, n=10_000), "aux_input": torch.randn(n, 5)}
    pairs = {name: torch.randn(n, 30, 128) for name in ("left", "right")}
    posts = {"posts": classes(n, 500, n=50_000)}
    pictures = {"picture": torch.randn(16, 80, 80, 3)}
    words = {"ids": classes(16, 64, n=5_000)}
    yes = twins.log_loss, classes(n, 1).float()
    of_titles = {"main_output": yes, "aux_output": yes}
    of_posts = {
        "age": (F.mse_loss, torch.randn(n, 1)),
        "income": (twins.class_loss, F.one_hot(classes(n, n=10), 10).float()),
        "gender": yes,
    }
    kind = F.cross_entropy, classes(16, n=10)
    of_pictures = dict.fromkeys(("main", "aux_1", "aux_2"), kind)
    of_words = {"word": (F.cross_entropy, classes(16, n=5_000)), "topic": kind}
    return {
        "headlines": (twins.Headlines(10_000, 512, 32), titles, of_titles),
        "siamese": (twins.Siamese(128, 32), pairs, {"score": yes}),
        "demographics": (twins.Demographics(50_000, 256, 128, 128), posts, of_posts),
        "GoogLeNet": (twins.GoogLeNet(10, 1), pictures, of_pictures),
        "transformer": (Encoder(), words, of_words),
    }


def passes(module, batch):
    """What nobody can do without."""
    losses = labelled(module, batch).values()
    weights = [w for w in module.parameters() if w.requires_grad]
    for k, loss in enumerate(losses, start=1):
        torch.autograd.grad(loss, weights, retain_graph=k < len(losses), allow_unused=True)


def flow(module, batch):
    tg.flow.of_torch(module, labelled, batch)


def milliseconds(work, *arguments):
    start = process_time()
    work(*arguments)
    return 1e3 * (process_time() - start)


def main(names):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    print("| network | losses | forward and passes, ms | `of_torch`, ms | ratio |")
    print("|---|---:|---:|---:|---:|")
    for name, (module, x, y) in networks().items():
        if names and name not in names:
            continue
        batch, times, end = {"x": x, "y": y}, [], process_time() + SECONDS
        while process_time() < end or len(times) < 5:
            times.append([milliseconds(work, module, batch) for work in (passes, flow)])
        least, ours = map(min, zip(*times, strict=True))
        print(f"| {name} | {len(y)} | {least:.1f} | {ours:.1f} | {ours / least:.2f} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
