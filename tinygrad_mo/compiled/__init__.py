"""Compiled twins of the costly ops, and of the rules of optimizers, where there is a compiler.

The C is in `kernels/cpu`, one file per family; here is what builds and loads it (`library`), how a
twin takes the place of an op's NumPy rule (`registry`), and one file per family of twins. All are
for float32 arrays on the CPU that are large enough; for others, and without a compiler, the
NumPy rules run. Arrays on a GPU have twins of their own, in `cuda`.
``tinygrad_mo.use(kernels=False)`` and the environment variable TINYGRAD_MO_KERNELS=0 switch all of
them off.

Importing this room registers them: in `Op.compiled` and `Rule.compiled`, by device. Replays, too,
run in C then (`tinygrad_mo.replay.program`).
"""

import sys

from .. import device
from . import (
    activations,
    convolution,
    cuda,
    depthwise,
    inner_products,
    losses,
    normalization,
    pooling,
    recurrent,
    reductions,
    updates,
)
from .registry import status

device.compiled = sys.modules[__name__]
