"""Networks as source for PyTorch, run and compared."""

import torch

from tinygrad_mo.source_code.to_torch import Writer
from written import as_weights, by_input, check, imported, ours, same


def there(model, x, path, rtol, training=False):
    """Write a model, and compare outputs, gradients, and what is frozen."""
    model.to_torch(path)
    net = imported(path).load().train(training)
    feed = by_input(model, x)
    expected, gradients = ours(model, feed, training)
    given = {name: torch.tensor(value) for name, value in feed.items()}
    for value in given.values():
        value.requires_grad_(value.is_floating_point())
    found = net(*given.values())
    found = found if isinstance(found, dict) else {model.output_names[0]: found}
    assert list(found) == model.output_names
    check(model, feed, expected, gradients, found, given, rtol)
    right = as_weights(model, gradients, lambda model: Writer(model).net.arrays)
    for name, p in net.named_parameters():
        if not p.requires_grad or p.grad is None:
            assert not right[name].any(), name
        else:
            same(p.grad.numpy(), right[name], rtol, name)
    return net
