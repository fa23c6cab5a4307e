"""The table that `Model.summary` prints."""

from __future__ import annotations

from collections.abc import Sequence

from ..engine.graph import Parameter
from ..engine.nodes import Nodes

HEADER = ("Layer (type)", "Output shape", "Params", "Connected to")


def summary_lines(
    name: str, nodes: Nodes, weights: Sequence[Parameter], trainable: Sequence[Parameter]
) -> list[str]:
    """One row per node. What works with weights of another row shows whose."""
    rows: list[tuple[str, ...]] = [HEADER]
    first_with: dict[Parameter, str] = {}
    for node in nodes.all:
        shared = dict.fromkeys(first_with[w] for w in node.parameters if w in first_with)
        own = [w for w in node.parameters if w not in first_with]
        count = [f"{sum(w.value.size for w in own):,}"] if own or not shared else []
        first_with |= dict.fromkeys(own, node.name)
        sources = dict.fromkeys(nodes.maker(t).name for t in node.inputs)
        rows.append(
            (
                f"{node.name} ({node.type_name})",
                "" if node.output is None else str(node.output.shape),
                ", ".join([*count, *(f"shares {name}" for name in shared)]),
                ", ".join(sources),
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADER))]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    lines = [f"Model: {name}", rule]
    for row in rows:
        cells = [
            cell.rjust(width) if i == 2 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
        if row is HEADER:
            lines.append(rule)
    total, moving = (sum(w.value.size for w in group) for group in (weights, trainable))
    lines += [rule, f"Parameters: {total:,} ({moving:,} trainable, {total - moving:,} not)"]
    return lines
