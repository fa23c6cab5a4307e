"""What attention needs besides products and softmax: heads, and a mask that hides the future."""

from ..device import array_module
from .contract import op, rows_of

__all__ = ["causal_mask", "join_heads", "split_heads"]


@op
def split_heads(x, *, heads):
    """(batch, time, heads * width) as (batch, heads, time, width)."""
    by_head = x.reshape(*x.shape[:-1], heads, x.shape[-1] // heads)

    def pull_x(g):
        return g.swapaxes(-2, -3).reshape(g.shape[: g.ndim - 4] + x.shape)

    return by_head.swapaxes(-2, -3), (pull_x,)


@op
def join_heads(x):
    """(batch, heads, time, width) as (batch, time, heads * width)."""
    batch, heads, time, width = x.shape
    y = x.swapaxes(-2, -3).reshape(batch, time, heads * width)

    def pull_x(g):
        return g.reshape(*rows_of(g, y), batch, time, heads, width).swapaxes(-2, -3)

    return y, (pull_x,)


@op
def causal_mask(scores):
    """True where a query (row) may see a key (column): at its own place and before it.

    scores is (..., queries, keys), the mask (queries, keys).
    """
    return array_module(scores).tri(*scores.shape[-2:], dtype=bool), (None,)
