"""What the tests of ONNX files share: a network written, read again, and compared."""

import numpy as np
import onnx
import onnx.reference

import tinygrad_mo as tg
from tinygrad_mo.engine.plan import topological_order


def as_list(y):
    """One output, a list or a dict of them, as a list."""
    return list(y.values()) if isinstance(y, dict) else y if isinstance(y, list) else [y]


def by_input(model, x):
    """The data of each input, by name."""
    if isinstance(x, dict):
        return x
    values = x if isinstance(x, list) else [x]
    return dict(zip(model.input_names, values, strict=True))


def gradients(model, feed):
    """Of a sum of all outputs, each number with a factor of its own, for each weight by name."""
    given = {name: tg.Tensor(np.asarray(feed[name]), t.dtype) for name, t in model.inputs.items()}
    loss = 0
    for i, y in enumerate(as_list(model(given))):
        factors = np.cos(np.arange(np.prod(y.shape)) + i).reshape(y.shape)
        loss = loss + (y * factors.astype(y.dtype)).sum()
    names = {w: name for name, w in model.named_weights().items()}
    weights = model.trainable_weights
    found = zip(weights, tg.gradients(loss, weights), strict=True)
    return {names[w]: None if g is None else np.asarray(g) for w, g in found}


def by_reference(path, feed):
    """What ONNX's reference implementation computes."""
    proto = onnx.load(path)
    if all(one.type.tensor_type.HasField("shape") for one in proto.graph.output):
        onnx.checker.check_model(proto, full_check=True)  # which cannot be told that it may lack
    kinds = {
        one.name: onnx.helper.tensor_dtype_to_np_dtype(one.type.tensor_type.elem_type)
        for one in proto.graph.input
    }
    given = {name: np.asarray(value).astype(kinds[name]) for name, value in feed.items()}
    return onnx.reference.ReferenceEvaluator(proto).run(None, given)


def there_and_back(model, x, path, rtol):
    """Write a model, compare what is computed elsewhere and by the one that is read again."""
    feed = by_input(model, x)
    model.to_onnx(path)
    mine = as_list(model.predict(x))
    again = tg.from_onnx(path)
    assert again.input_names == model.input_names
    assert again.output_names == model.output_names
    for name, y, other, read in zip(
        model.output_names,
        mine,
        by_reference(path, feed),
        as_list(again.predict(feed)),
        strict=True,
    ):
        scale = np.abs(y).max()
        np.testing.assert_allclose(other, y, rtol=1e-5, atol=1e-5 * scale, err_msg=name)
        np.testing.assert_allclose(read, y, rtol=rtol, atol=rtol * scale, err_msg=name)
    steps = topological_order(list(model.outputs.values()))
    needed = {x for step in steps for x in step.inputs}
    shapes = {n: w.shape for n, w in model.named_weights().items() if w in needed}
    assert {n: w.shape for n, w in again.named_weights().items()} == shapes
    if any(step.op.name == "stop_gradient" for step in steps):
        return again  # which ONNX does not know: gradients pass
    expected, found = gradients(model, feed), gradients(again, feed)
    assert not any(w.trainable for w in needed if isinstance(w, tg.Parameter)) or any(
        g is not None and np.abs(g).max() > 0 for g in expected.values()
    )
    for name, g in expected.items():
        if g is None:
            assert found.get(name) is None
        else:
            atol = rtol * max(np.abs(g).max(), 1e-3)
            np.testing.assert_allclose(found[name], g, rtol=rtol, atol=atol, err_msg=name)
    return again
