"""Attention: each query looks at all keys and takes a weighted mean of their values."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from .. import arguments, ops
from ..engine.graph import Tensor, is_float
from .base import Layer

FAR_BELOW = -1e9  # the score of a key that must not be seen


def attend(
    query: Tensor, key: Tensor, value: Tensor, masks: Sequence[Any], causal: bool, dropout: Any
) -> tuple[Tensor, Tensor]:
    """softmax(query keyᵀ) value, and the softmax; both are 0 for a query that may look at no key.

    Parameters
    ----------
    query, key, value : Tensor, shapes (..., queries, width), (..., keys, width), (..., keys, any)
    masks : sequence of Tensor
        Of a shape that broadcasts to (..., queries, keys): True where a query may look at a key.
    causal : bool
        Query t may look at keys up to t only.
    dropout : function of a Tensor
        Applied to the weights.
    """
    axes = list(range(key.ndim))
    scores = query @ key.transpose(*axes[:-2], axes[-1], axes[-2])
    may_hide_all = len(masks) > 0
    masks = [*masks, ops.causal_mask(scores)] if causal else masks
    if masks:
        seen = reduce(ops.logical_and, masks)
        scores = ops.where(seen, scores, FAR_BELOW)
    weights = ops.softmax(scores)
    if may_hide_all:
        weights = ops.where(seen, weights, 0.0)
    weights = dropout(weights)
    return weights @ value, weights


def without_padding(*pairs: tuple[Tensor, Tensor | None]) -> list[Tensor]:
    """Each tensor with zeros where its mask hides it: NaN there would be NaN times the weight 0."""
    done = {
        (x, mask): x if mask is None else ops.where(mask[..., None], x, 0.0)
        for x, mask in dict.fromkeys(pairs)  # often all are one
    }
    return [done[pair] for pair in pairs]


class DotAttention(Layer):
    """The common part of attention layers.

    Parameters
    ----------
    dropout : float
        Share of the weights that is dropped while training. Default: 0.
    """

    uses_mask = True

    def __init__(self, dropout: float = 0.0, **options: Any):
        super().__init__(**options)
        self.dropout = arguments.share(f"{self}: dropout", dropout)

    def __call__(self, x: Any, *more: Any, **options: Any) -> Any:
        for name in ("use_causal_mask", "return_attention_scores"):
            arguments.flag(f"{self}: {name}", options.get(name, False))
        return super().__call__(x, *more, **options)

    def drop(self, weights: Tensor) -> Tensor:
        if not self.dropout:
            return weights
        return ops.dropout(weights, rate=self.dropout, generator=self.generator)


class Attention(DotAttention):
    """Dot-product attention without weights (Luong et al. 2015).

    It is called on a list ``[query, value]`` or ``[query, value, key]`` of sequences; without a key
    the value is its own. Scores are the dot products of queries and keys, not divided by anything.

    Parameters
    ----------
    use_scale : bool
        Learn one number that all scores are multiplied with.
    dropout : float
        Share of the weights that is dropped while training. Default: 0.

    Notes
    -----
    The masks of key and value hide their steps; where the mask of the query marks padding, or all
    steps are hidden, the output is zero. Options of a call: ``use_causal_mask=True`` lets step t
    look at steps up to t only, ``return_attention_scores=True`` returns (output, weights).

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> question, text = tg.Input((10, 64)), tg.Input((200, 64))
    >>> tg.layers.Attention()([question, text])
    <Tensor 'attention' (None, 10, 64), float32>
    """

    input_ndim = 3
    takes_list = True

    def __init__(self, use_scale: bool = False, dropout: float = 0.0, **options: Any):
        super().__init__(dropout, **options)
        self.use_scale = arguments.flag(f"{self}: use_scale", use_scale)

    def make_weights(self, shape: Any) -> None:
        if self.use_scale:
            self.scale = self.add_weight("scale", (), "ones")

    def call(
        self,
        xs: Sequence[Tensor],
        use_causal_mask: bool = False,
        return_attention_scores: bool = False,
    ) -> Any:
        if isinstance(xs, Tensor) or len(xs) not in (2, 3):
            raise ValueError(f"{self} takes a list [query, value] or [query, value, key]")
        query, value, key = (*xs, xs[1])[:3]
        if query.shape[-1] != key.shape[-1]:
            raise ValueError(
                f"{self}: queries and keys must have one width: {query} and {key}; bring them to "
                f"it with a Dense"
            )
        masks = [self.mask_of_steps(x) for x in (query, key, value)]
        q, k, v = without_padding(*zip((query, key, value), masks, strict=True))
        of_query = masks[0]
        hidden = [mask[:, None] for mask in dict.fromkeys(masks[1:]) if mask is not None]
        scaled = q * self.scale if self.use_scale else q
        y, weights = attend(scaled, k, v, hidden, use_causal_mask, self.drop)
        if of_query is not None:
            y = ops.where(of_query[..., None], y, 0.0)
        y.mask = of_query
        return (y, weights) if return_attention_scores else y


class MultiHeadAttention(DotAttention):
    """Attention of several heads, each with a view of its own (Vaswani et al. 2017).

    Called as ``layer(query, value)`` or ``layer(query, value, key)``; self-attention is
    ``layer(x, x)``. Scores are divided by ``sqrt(key_dim)``.

    Parameters
    ----------
    num_heads : int
    key_dim : int
        Width of a head's queries and keys.
    value_dim : int, optional
        Width of a head's values. Default: `key_dim`.
    dropout : float
        Share of the weights that is dropped while training. Default: 0.
    use_bias : bool
    output_shape : int, optional
        Width of the output. Default: that of the query.
    kernel_initializer, bias_initializer : str or callable
        Default: glorot_uniform and zeros.
    kernel_regularizer, bias_regularizer : str or callable, optional

    Notes
    -----
    The masks of key and value hide their steps. Options of a call: ``attention_mask`` (batch,
    queries, keys), True where a query may look at a key; ``use_causal_mask=True`` lets step t look
    at steps up to t only; ``return_attention_scores=True`` returns (output, weights), the weights
    of shape (batch, heads, queries, keys).

    Examples
    --------
    >>> import tinygrad_mo as tg
    >>> x = tg.Input((20, 16))
    >>> layer = tg.layers.MultiHeadAttention(num_heads=2, key_dim=8)
    >>> layer(x, x), layer.count_params()  # 4 * (16 * 16 + 16)
    (<Tensor 'multi_head_attention' (None, 20, 16), float32>, 1088)
    """

    input_ndim = 3
    takes_list = True

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        **options: Any,
    ):
        super().__init__(dropout, **options)
        self.num_heads = arguments.whole(f"{self}: num_heads", num_heads, at_least=1)
        self.key_dim = self.value_dim = arguments.whole(f"{self}: key_dim", key_dim, at_least=1)
        if value_dim is not None:
            self.value_dim = arguments.whole(f"{self}: value_dim", value_dim, at_least=1)
        if output_shape is not None:
            output_shape = arguments.whole(f"{self}: output_shape", output_shape, at_least=1)
        self.output_shape = output_shape
        self.use_bias = arguments.flag(f"{self}: use_bias", use_bias)
        self.kernel_initializer, self.kernel_regularizer = kernel_initializer, kernel_regularizer
        self.bias_initializer, self.bias_regularizer = bias_initializer, bias_regularizer

    def __call__(self, query: Any, value: Any = None, key: Any = None, **options: Any) -> Any:
        if value is None:
            raise ValueError(f"{self} takes a query and a value; self-attention is layer(x, x)")
        return super().__call__([query, value, value if key is None else key], **options)

    def make_weights(self, shape: Any) -> None:
        (*_, query_width), (*_, value_width), (*_, key_width) = shape
        heads, out = self.num_heads, self.output_shape or query_width
        self.projections = {
            name: self.make_projection(name, (width, heads, dim), (heads, dim))
            for name, width, dim in (
                ("query", query_width, self.key_dim),
                ("key", key_width, self.key_dim),
                ("value", value_width, self.value_dim),
            )
        }
        self.projections["output"] = self.make_projection(
            "attention_output", (heads, self.value_dim, out), (out,)
        )

    def make_projection(self, name: str, shape: Sequence[int], bias_shape: Sequence[int]) -> Any:
        kernel = self.add_weight(
            f"{name}_kernel", shape, self.kernel_initializer, self.kernel_regularizer
        )
        if not self.use_bias:
            return kernel, None
        return kernel, self.add_weight(
            f"{name}_bias", bias_shape, self.bias_initializer, self.bias_regularizer
        )

    def project(self, name: str, x: Tensor) -> Tensor:
        """x through one of the projections; its kernel, of three axes, taken as a matrix."""
        kernel, bias = self.projections[name]
        matrix = kernel.reshape(x.shape[-1], -1)
        return ops.dense(x, matrix, None if bias is None else bias.reshape(-1))

    def pairs_seen(self, mask: Any, query: Tensor, key: Tensor) -> Tensor:
        """A mask as booleans, checked."""
        mask = mask if isinstance(mask, Tensor) else Tensor(mask)
        pairs = (query.shape[0], query.shape[1], key.shape[1])
        fits = all(n in (1, m) for n, m in zip(mask.shape[::-1], pairs[::-1], strict=False))
        if mask.ndim not in (2, 3) or not fits:
            raise ValueError(
                f"{self}: attention_mask must be of shape {pairs} (batch, queries, keys), or "
                f"{pairs[1:]} for all samples, not {mask.shape}"
            )
        if is_float(mask):
            raise TypeError(
                f"{self}: attention_mask must be True where a query may look at a key; {mask} "
                f"holds floats, which can be read in two ways: give mask > 0.5 if 1 says that it "
                f"may, mask == 0 if they are meant to be added to the scores"
            )
        return ops.not_equal(mask, 0) if mask.dtype != bool else mask

    def call(
        self,
        xs: Sequence[Tensor],
        attention_mask: Any = None,
        use_causal_mask: bool = False,
        return_attention_scores: bool = False,
    ) -> Any:
        query, value, key = xs
        masks = [self.mask_of_steps(x) for x in (query, key, value)]
        hidden = [mask[:, None, None] for mask in dict.fromkeys(masks[1:]) if mask is not None]
        real = without_padding(*zip((query, key, value), masks, strict=True))
        q, k, v = (
            ops.split_heads(self.project(name, x), heads=self.num_heads)
            for name, x in zip(("query", "key", "value"), real, strict=True)
        )
        if attention_mask is not None:
            hidden.append(self.pairs_seen(attention_mask, query, key)[..., None, :, :])
        q = q * self.key_dim**-0.5
        y, weights = attend(q, k, v, hidden, use_causal_mask, self.drop)
        y = self.project("output", ops.join_heads(y))
        y.mask = masks[0]
        return (y, weights) if return_attention_scores else y
