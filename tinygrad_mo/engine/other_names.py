"""Names that people know from other libraries, and what is written here instead."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..ops import OPS

GRADIENTS = "tg.gradients(loss, tensors) returns the gradients; none are kept in tensors"
WHICH = "a gradient is taken of whatever tg.gradients is asked for; tg.stop_gradient(x) holds it "
WHICH += "back, and Parameter(trainable=False) is not trained"
WHERE = 'tg.use("cupy") computes on a GPU, tg.use("numpy") on the CPU'
NOT_IN_PLACE = "a tensor is not changed in place: write x = x + y, or p.assign(p + y) if it is a "
NOT_IN_PLACE += "parameter"
OF_TENSORS = {
    "add_": NOT_IN_PLACE,
    "assign": "it keeps its value; tg.Parameter(value, name) has assign",
    "assign_add": NOT_IN_PLACE,
    "assign_sub": NOT_IN_PLACE,
    "astype": "1.0 * x makes floats of whole numbers, tg.Tensor(array, dtype) what you like",
    "backward": GRADIENTS,
    "cpu": WHERE,
    "cuda": WHERE,
    "data": "x.value is its array, x.numpy() a copy, x.detach() a tensor without history",
    "dim": "x.ndim is the number of axes",
    "float": "1.0 * x makes floats of whole numbers",
    "grad": GRADIENTS,
    "is_leaf": "x.step is the step that made it, None of a leaf",
    "mm": "x @ y is the product of matrices",
    "mul_": NOT_IN_PLACE,
    "numel": "x.size is how many numbers it holds",
    "permute": "x.transpose(...) takes the order of the axes",
    "pow": "x ** y is the power",
    "requires_grad": WHICH,
    "requires_grad_": WHICH,
    "sort": "np.sort(x) makes a new tensor",
    "sub_": NOT_IN_PLACE,
    "t": "x.T is the transposed matrix",
    "to": WHERE,
    "unsqueeze": "np.expand_dims(x, axis), or x[:, None]",
    "view": "x.reshape(...) is the same numbers in another shape",
    "zero_": NOT_IN_PLACE,
    "zero_grad": GRADIENTS + ", so there is nothing to set to 0",
}
OF_PACKAGE = {
    "GradientTape": "every op on tensors is recorded; " + GRADIENTS,
    "detach": "tg.stop_gradient(x), or x.detach()",
    "grad": GRADIENTS,
    "no_grad": "nothing needs to be switched off: x.detach() has no history, predict keeps none",
    "tensor": "tg.Tensor(value)",
    "value_and_grad": GRADIENTS,
}


def words_about(what: str, name: str, known: Mapping[str, str]) -> str:
    """What is said when somebody asks for a name that is not there."""
    if name in known:
        return f"{what} has no {name!r}: {known[name]}"
    return f"{what} has no attribute {name!r}"


def words_about_tensors(what: str, name: str) -> str:
    """The same of a tensor, which has few methods: the ops are functions."""
    if name in OPS and name not in OF_TENSORS:
        also = f"np.{name}(x) or " * hasattr(np, name)
        return f"{what} has no {name!r}: write {also}tg.ops.{name}(x)"
    return words_about(what, name, OF_TENSORS)
