"""The states of a sequence that goes on from batch to batch, while training."""

from ..device import array_module
from .contract import in_floats, op

__all__ = ["keep_state", "kept_state"]


@op
@in_floats
def kept_state(x, state, *, training=False):
    """The state with which a sequence x (batch, ...) goes on: the one that was kept, or zeros.

    state (samples, units) serves while training, for batches of as many samples. No gradient goes
    back into earlier batches: truncated backpropagation through time (Williams & Peng 1990).
    """
    if not training or not len(x):
        return array_module(x).zeros((len(x), *state.shape[1:]), state.dtype), (None, None)
    if len(x) != len(state):
        raise ValueError(
            f"states of {len(state)} samples were kept, so each batch must have as many, not "
            f"{len(x)}"
        )
    return state, (None, None)


@op(averages={1: 2})
@in_floats
def keep_state(y, last, state, *, momentum=0.0):
    """y; after a training step, `last` is what `state` holds."""
    return (y, last), (lambda gs: gs[0], None, None)
