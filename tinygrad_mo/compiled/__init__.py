"""Compiled twins of the costly ops, where the user has a C compiler.

The C is in `kernels/cpu`, one file per family; here is what builds and loads it (`library`), how a
kernel takes the place of an op's NumPy rule (`registry`), and one file per family of kernels. All
are for float32 arrays on the CPU that are large enough; for others, and without a compiler, the
NumPy rules run. ``tinygrad_mo.use(kernels=False)`` and the environment variable
TINYGRAD_MO_KERNELS=0 switch them off.
"""

from . import activations, convolution, losses, normalization, pooling, recurrent
from .registry import KERNELS, status
from .updates import UPDATES, update, update_entries
