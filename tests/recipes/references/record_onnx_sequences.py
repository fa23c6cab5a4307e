"""Recurrent networks as PyTorch exports them: what they predict, and their gradients.

    pip install torch==2.14.1 onnx==1.23.2 onnxscript
    cd tests/recipes/references
    python record_onnx_sequences.py

The name of a file says what differs: kind, layers, directions, batch_first or time first, first
states as inputs, output, which lengths are free, and the exporter.
"""

import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

from record_onnx import slim

FOLDER = Path(__file__).resolve().parents[2] / "references"
NAMES = [
    "LSTM_2_bi_batch_zeros_all_fixed_script",
    "LSTM_2_one_time_zeros_states_both_script",
    "LSTM_2_bi_time_zeros_last_fixed_dynamo",
    "LSTM_1_one_batch_given_states_batch_dynamo",
    "GRU_1_bi_time_given_all_both_script",
    "GRU_2_bi_batch_zeros_all_fixed_dynamo",
    "RNN_1_one_batch_zeros_all_fixed_dynamo",
    "RNN_2_bi_batch_given_last_fixed_script",
]


class Reader(nn.Module):
    """A recurrent module and what is made of its states."""

    def __init__(self, kind, layers, ways, first, _, output):
        super().__init__()
        options = {"bidirectional": ways == "bi", "batch_first": first == "batch"}
        self.rnn = getattr(nn, kind)(3, 4, num_layers=int(layers), **options)
        self.head = nn.Linear(8 if ways == "bi" else 4, 2)
        self.output, self.batch_first = output, first == "batch"

    def forward(self, x, *states):
        given = (states if len(states) == 2 else states[0],) if states else ()
        y, last = self.rnn(x, *given)
        if self.output == "last":
            y = y[:, -1] if self.batch_first else y[-1]
        more = last if isinstance(last, tuple) else (last,)
        return (self.head(y), *(more if self.output == "states" else ()))


def main():
    book = {}
    for name in NAMES:
        torch.manual_seed(0)
        kind, layers, ways, first, start, output, free, how = name.split("_")
        model = Reader(kind, layers, ways, first, start, output).eval()
        x = torch.randn(2, 5, 3) if first == "batch" else torch.randn(5, 2, 3)
        rows = int(layers) * (2 if ways == "bi" else 1)
        count = (2 if kind == "LSTM" else 1) * (start == "given")
        given = [x, *(torch.randn(rows, 2, 4) for _ in range(count))]
        names = ["x", "h0", "c0"][: len(given)]
        batch = {0 if first == "batch" else 1: "batch"}
        axes = [batch | ({} if free == "batch" else {1 - min(batch): "time"})]
        axes += [{1: "batch"}] * count
        path = FOLDER / f"sequence_{name}.onnx"
        options = {"dynamo": how == "dynamo", "input_names": names}
        if how == "script":
            options["dynamic_axes"] = dict(zip(names, axes, strict=True)) if free != "fixed" else {}
        elif free != "fixed":
            dims = [{a: torch.export.Dim(n) for a, n in one.items()} for one in axes]
            options["dynamic_shapes"] = {"x": dims[0], "states": tuple(dims[1:])}
        torch.onnx.export(model, tuple(given), path, verbose=False, **options)
        slim(path)
        for one in given:
            one.requires_grad_()
        outputs, loss = model(*given), 0
        for i, y in enumerate(outputs):
            loss = loss + (y * torch.cos(torch.arange(y.numel()) + i).reshape(y.shape)).sum()
        loss.backward()
        for i, one in enumerate(given):
            book[f"{name}/in{i}"], book[f"{name}/gradient{i}"] = one.detach(), one.grad
        for i, y in enumerate(outputs):
            book[f"{name}/out{i}"] = y.detach()
    np.savez_compressed(FOLDER / "onnx_sequences.npz", **{k: v.numpy() for k, v in book.items()})


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
