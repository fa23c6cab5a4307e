"""Text that stands in source for PyTorch as it is, and names that are taken there."""

from __future__ import annotations

NAMES = {"F", "Path", "load", "nn", "np", "path", "self", "torch"}  # of what a file has
# Attributes of every nn.Module, and what np.savez calls its own.
MODULE_HAS = """
T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double
dump_patches eval extra_repr file float forward get_buffer get_extra_state get_parameter
get_submodule half ipu load_state_dict modules mtia named_buffers named_children named_modules
named_parameters parameters register_backward_hook register_buffer register_forward_hook
register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu
zero_grad
"""

CHANNELS_LAST = '''\
class ChannelsLast:
    """Lets a module of torch, which has channels first, take and return them last."""

    def forward(self, x):
        return super().forward(x.movedim(-1, 1)).movedim(1, -1)
'''

BATCH_NORM = '''\
class BatchNorm(nn.Module):
    """Over all axes but the last; where a mask says so, only the real steps count.

    Unlike in torch, the running variance is the biased one, as in training.
    """

    def __init__(self, channels, eps, momentum, scale=True, center=True, frozen=False):
        super().__init__()
        self.eps, self.momentum, self.frozen = eps, momentum, frozen
        self.weight = nn.Parameter(torch.ones(channels)) if scale else None
        self.bias = nn.Parameter(torch.zeros(channels)) if center else None
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x, mask=None):
        mean, var = self.running_mean, self.running_var
        real = x if mask is None else x[mask]
        if self.training and not self.frozen and len(real):
            var, mean = torch.var_mean(real, tuple(range(real.ndim - 1)), correction=0)
            self.running_mean.lerp_(mean.detach(), self.momentum)
            self.running_var.lerp_(var.detach(), self.momentum)
        y = (x - mean) * torch.rsqrt(var + self.eps)
        y = y if self.weight is None else y * self.weight
        return y if self.bias is None else y + self.bias
'''

GAUSSIAN_NOISE = '''\
class GaussianNoise(nn.Module):
    """Adds random numbers while training."""

    def __init__(self, stddev):
        super().__init__()
        self.stddev = stddev

    def forward(self, x):
        return x + self.stddev * torch.randn_like(x) if self.training else x
'''

MEAN_INSIDE = '''\
def mean_inside(pool, x, pads):
    """An average pooling of padded data, in which the padding does not count."""
    return pool(F.pad(x, pads)) / pool(F.pad(torch.ones_like(x), pads))
'''

REAL_STEPS = '''\
def real_steps(reader, x, mask, first=None):
    """What a recurrent module makes of the steps where the mask is True.

    At the others, wherever they are, the state stays as it was.
    """
    count = mask.sum(1)
    real_first = (~mask).long().argsort(stable=True, dim=1)[..., None]
    x = torch.where(mask[..., None], x, 0.0).take_along_dim(real_first, 1)
    lengths = count.clamp(min=1).cpu()
    x = nn.utils.rnn.pack_padded_sequence(x, lengths, True, enforce_sorted=False)
    y, last = reader(x, first)
    y, _ = nn.utils.rnn.pad_packed_sequence(y, True, total_length=mask.shape[1])
    states = last if isinstance(last, tuple) else (last,)
    if first is None:
        first = [torch.zeros_like(state) for state in states]
    starts = first if isinstance(first, tuple | list) else [first]
    some = (count > 0)[:, None]
    ends = tuple(torch.where(some, s, f) for s, f in zip(states, starts, strict=True))
    y = torch.cat([starts[0].transpose(0, 1), y], 1)  # the state before each step, too
    y = y.take_along_dim(mask.cumsum(1)[..., None], 1)
    return y, ends if isinstance(last, tuple) else ends[0]
'''

HELPERS = {"ChannelsLast": CHANNELS_LAST}
HELPERS |= {
    kind: f"class {kind}(ChannelsLast, nn.{kind}):\n    pass\n"
    for kind in [
        f"{kind}{n}d" for kind in ("Conv", "MaxPool", "AvgPool", "Dropout") for n in (1, 2)
    ]
    + ["ConvTranspose2d", "GroupNorm"]
}
HELPERS |= {"BatchNorm": BATCH_NORM, "GaussianNoise": GAUSSIAN_NOISE}
HELPERS |= {"mean_inside": MEAN_INSIDE, "real_steps": REAL_STEPS}
HELPERS = {name: text.rstrip("\n") for name, text in HELPERS.items()}
