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

sys.path.append(str(Path(__file__).parents[1] / "flow"))
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
    yes = twins.log_loss, classes(64, 1).float()
    posts = {"posts": classes(64, 500, n=10_000)}
    of_posts = {
        "age": (F.mse_loss, torch.randn(64, 1)),
        "income": (twins.class_loss, F.one_hot(classes(64, n=10), 10).float()),
        "gender": yes,
    }
    titles = {"main_input": classes(64, 100, n=10_000), "aux_input": torch.randn(64, 5)}
    pairs = {name: torch.randn(64, 30, 64) for name in ("left", "right")}
    pictures, kinds = torch.randn(8, 128, 128, 3), (F.cross_entropy, classes(8, n=10))
    words = {"ids": classes(16, 64, n=5_000)}
    of_words = {"word": (F.cross_entropy, classes(16, n=5_000)), "topic": kinds}
    of_words["topic"] = F.cross_entropy, classes(16, n=20)
    return {
        "headlines": (
            twins.Headlines(10_000, 64, 32),
            titles,
            {"main_output": yes, "aux_output": yes},
        ),
        "siamese": (twins.Siamese(64, 32), pairs, {"score": yes}),
        "demographics": (twins.Demographics(10_000, 64, 128, 128), posts, of_posts),
        "GoogLeNet": (
            twins.GoogLeNet(10, 2),
            {"picture": pictures},
            dict.fromkeys(("main", "aux_1", "aux_2"), kinds),
        ),
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
