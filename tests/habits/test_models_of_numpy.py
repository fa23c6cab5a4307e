"""Models wired with NumPy's functions: trained plainly or replayed, saved and loaded, the same."""

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo import layers

LINES = """
np.exp(-np.square(h))
np.log1p(np.abs(h)) / np.arctan2(h, 2.0)
np.clip(h, -0.5, 0.5)
h.clip(max=0.3) + np.minimum(h, 0.1) * np.sign(h)
np.where(h > 0, h, 0.1 * h)
np.where(np.logical_and(h > -1, h < 1), np.sin(h), np.cos(h))
h % 2.0 + h // 1.0
np.floor(h) * np.round(h, 1)
np.power(np.abs(h) + 0.1, h)
np.sum(h, axis=1)
h.mean(-1, keepdims=True)
np.max(h, axis=(1, 2))[:, None]
h.reshape(h.shape[0], -1)
np.reshape(h, (None, 2, -1))
np.diff(h, axis=1)
np.var(h, axis=-1) + np.std(h, axis=2, ddof=1)
np.prod(h, axis=1)
np.cumsum(h, axis=1)
np.cumprod(h, axis=2)
np.median(h, axis=1)
np.quantile(h, 0.3, axis=2, keepdims=True)
np.moveaxis(np.percentile(h, [20, 70], axis=1), 0, 1)
np.reshape(h, (-1, 12))
np.transpose(h, (0, 2, 1))
np.swapaxes(h, 1, 2)
np.moveaxis(h, -1, 1)
np.expand_dims(h, 1)
np.squeeze(h[..., :1], axis=-1)
h.sum(axis=1, keepdims=True) * np.ones((3, 4))
np.concatenate([h, 2 * h], axis=-1)
np.stack([h, np.tanh(h)], axis=1)
np.split(h, 2, axis=2)[1] * np.split(h, [2], axis=-1)[0]
np.repeat(h, 2, axis=1)
np.tile(h, (1, 2, 2))
np.pad(h, ((0, 0), (1, 0), (0, 2)))
np.flip(h, (1, 2))
np.roll(h, 1, axis=1)
np.take(h, [2, 0, 2], axis=1)
h[:, ::-1, 1:] + h[:, :, None, 2][:, :, 0, None]
h[:, [0, 2]] * h[:, 1, None]
np.sort(h, axis=1)
np.tril(h) + np.triu(h, 1) * h
np.diagonal(h, axis1=1, axis2=2)
np.trace(h, axis1=1, axis2=2)[:, None]
h @ np.ones((4, 2)) + np.dot(h, np.ones((4, 2)))
np.inner(h, np.ones((5, 4)))
np.tensordot(h, np.ones((3, 4, 2)), 2)
np.einsum("bij,bkj->bik", h, h)
np.matmul(h, np.transpose(h, (0, 2, 1)))
np.linalg.norm(h, axis=-1)
np.linalg.inv(np.eye(3) + np.einsum("bij,bkj->bik", h, h))
np.linalg.det(np.eye(3) + 0.1 * h[..., :3])[:, None]
np.linalg.solve(np.eye(3) + np.einsum("bij,bkj->bik", h, h), h)
np.linalg.cholesky(np.eye(3) + np.einsum("bij,bkj->bik", h, h))
np.linalg.eigvalsh(np.einsum("bij,bkj->bik", h, h))
np.linalg.svd(h, full_matrices=False)[1]
"""


@pytest.mark.one_in(4, rest="exhaustive")
@pytest.mark.medium
@pytest.mark.parametrize("line", LINES.strip().split("\n"))
def test_it_is_trained_replayed_and_saved_like_any_other(line, tmp_path):
    with tg.use(floatx="float64"):
        found = []
        for replay in (False, True):
            tg.set_random_seed(0)
            x = tg.Input((3, 5), name="x")
            h = layers.Dense(4, name="h")(x)
            y = eval(line, {"np": np, "h": h})
            model = tg.Model(x, {"y": y})
            model.compile(tg.optimizers.SGD(0.01), "mse")
            random = np.random.default_rng(0)
            with tg.use(replay=replay):
                for size in (7, 4, 7, 7, 4):
                    fed = random.normal(size=(size, 3, 5))
                    model.train_on_batch(fed, np.zeros((size, *y.shape[1:])))
                found.append([*model.get_weights(), model.predict(fed)["y"]])
        for plain, replayed in zip(*found, strict=True):
            np.testing.assert_allclose(replayed, plain, rtol=1e-9, atol=1e-11)
        model.save(tmp_path / "model.tg")
        again = tg.load(tmp_path / "model.tg")
        np.testing.assert_array_equal(again.predict(fed)["y"], found[1][-1])
        for one in (model, again):
            one.train_on_batch(fed, np.zeros((4, *y.shape[1:])))
        for mine, its in zip(model.get_weights(), again.get_weights(), strict=True):
            np.testing.assert_array_equal(mine, its)
