"""What stateful layers ask of a training: batches of one size, in order, and one call for each."""

from __future__ import annotations

from collections.abc import Iterator

from ..layers.recurrent import Recurrent
from ..network.contents import Contents
from .averages import MovingAverages


def stateful_layers(contents: Contents) -> Iterator[tuple[Recurrent, int]]:
    """The layers that keep their states from batch to batch, and of how many samples."""
    for layer in contents.every_layer():
        if isinstance(layer, Recurrent) and layer.stateful is not None:
            yield layer, layer.stateful


def refuse_shared_states(contents: Contents, averages: MovingAverages) -> None:
    """Two calls of one layer would overwrite each other's states."""
    for layer, _ in stateful_layers(contents):
        if any(averages.averages.count(state) > 1 for state in layer.kept):
            raise ValueError(
                f"{layer} is stateful and called several times in one model, but keeps one state: "
                f"make a layer for each call"
            )


def refuse_other_batches(contents: Contents, samples: int, batch_size: int, shuffled: bool) -> None:
    """Row i of a batch goes on where that of the batch before has ended."""
    for layer, rows in stateful_layers(contents):
        if shuffled:
            raise ValueError(
                f"{layer} is stateful: row i of a batch goes on where that of the batch before "
                f"has ended, so the samples must keep their order: fit(..., shuffle=False)"
            )
        if batch_size != rows or samples % rows:
            raise ValueError(
                f"{layer} keeps the states of {rows} samples, so each batch must have as many: "
                f"batch_size={rows}, and a number of samples that it divides; here batch_size is "
                f"{batch_size}, and {samples} samples are trained on"
            )
