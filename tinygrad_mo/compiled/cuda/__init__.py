"""Twins on a GPU, by the kernels of `kernels/cuda`: CuPy compiles them where it runs.

They take the place of rules for float32 arrays of CuPy, of any size but 0, and keep the contract of
an op: any number of rows in one launch.
"""

from . import (
    activations,
    convolution,
    embedding,
    losses,
    normalization,
    pooling,
    products,
    recurrent,
    updates,
)
