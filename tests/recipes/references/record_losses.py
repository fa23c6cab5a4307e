"""Reference values of keras.losses -> losses.npz (versions and how to run: common.py).

Each case holds y_true, y_pred, sample_weight, and
    value, grad                     without sample_weight
    weighted_value, weighted_grad   with sample_weight
where grad is the gradient of the value with respect to y_pred. The reduction is
sum_over_batch_size: the sum of the (weighted) losses over their number; a sample of weight zero
still counts. One sample weight is zero. Cases ending in _3d predict (N, T, C) and have weights of
shape (N, 1); _3d_steps has weights of shape (N, T). (Weights of shape (N,) Keras would multiply
onto the (N, T) losses by broadcasting: along T, not N.) y_true is integer in the sparse cases.
y_pred of the cases ending in _edges contains exact 0 and 1. In huber_half some |error| equals
delta, in cosine_similarity_zero a label has the length 0. Cases ending in _sum have the reduction
"sum"; with "none" value holds one number per sample, and grad is that of its sum.
"""

import numpy as np
import torch

from common import Book, as_array, draw, generator, keras

N, T, C = 4, 3, 3


def rounded(array):
    return np.round(array * 64) / 64


def probabilities(rng, shape):
    return rounded(rng.uniform(0.05, 0.95, shape))


def unnormalized(rng, shape):
    """Positive rows; the first sums to 1 exactly, the others do not."""
    array = rounded(rng.uniform(0.05, 0.9, shape))
    first = array.reshape(-1, shape[-1])[0]
    first[:] = [0.25, 0.625, 0.125]
    return array


def edges(rng, shape):
    array = probabilities(rng, shape)
    array[0] = [0.0, 1.0, 0.0]
    array[1] = [1.0, 0.0, 1.0]
    return array


def normal(rng, shape):
    return draw(rng, *shape, scale=1.5)


def positive(rng, shape):
    return rounded(rng.uniform(0.1, 3.0, shape))


def binary(rng, shape):
    y_true = rng.integers(0, 2, shape).astype("float64")
    y_true.reshape(-1, shape[-1])[:2] = [[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    return y_true


def classes(rng, shape):
    return rng.integers(0, shape[-1], shape[:-1])


def one_hot(rng, shape):
    return np.eye(shape[-1])[classes(rng, shape)]


def signs(rng, shape):
    return 2 * binary(rng, shape) - 1


def with_zeros(rng, shape):
    array = normal(rng, shape)
    array[0] = 0.0
    return array


def distribution(rng, shape):
    """Rows of probabilities that sum to 1 and contain an exact zero."""
    table = np.array([[0.25, 0.5, 0.25], [0.0, 0.75, 0.25], [0.125, 0.625, 0.25]])
    return table[classes(rng, shape)]


BCE, CCE, SCCE = "BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"
BFCE, CFCE = "BinaryFocalCrossentropy", "CategoricalFocalCrossentropy"
LOGITS, SMOOTH = {"from_logits": True}, {"label_smoothing": 0.1}
BALANCED = {"apply_class_balancing": True, "alpha": 0.75, "gamma": 1.5}
ALPHAS = {"alpha": [0.5, 0.25, 2.0], "gamma": 1.0}
FLAT, DEEP = (N, C), (N, T, C)

# case: (class, arguments, how y_true is drawn, how y_pred is drawn, shape of y_pred)
CASES = {
    "bce": (BCE, {}, binary, probabilities, FLAT),
    "bce_edges": (BCE, {}, binary, edges, FLAT),
    "bce_smooth": (BCE, SMOOTH, binary, probabilities, FLAT),
    "bce_logits": (BCE, LOGITS, binary, normal, FLAT),
    "bce_logits_smooth": (BCE, LOGITS | SMOOTH, binary, normal, FLAT),
    "bce_3d": (BCE, {}, binary, probabilities, DEEP),
    "cce": (CCE, {}, one_hot, unnormalized, FLAT),
    "cce_smooth": (CCE, SMOOTH, one_hot, unnormalized, FLAT),
    "cce_logits": (CCE, LOGITS, one_hot, normal, FLAT),
    "cce_logits_smooth": (CCE, LOGITS | SMOOTH, one_hot, normal, FLAT),
    "cce_logits_soft": (CCE, LOGITS, distribution, normal, FLAT),
    "cce_3d": (CCE, {}, one_hot, unnormalized, DEEP),
    "cce_3d_steps": (CCE, LOGITS, one_hot, normal, DEEP),
    "scce": (SCCE, {}, classes, unnormalized, FLAT),
    "scce_logits": (SCCE, LOGITS, classes, normal, FLAT),
    "scce_3d": (SCCE, {}, classes, unnormalized, DEEP),
    "mse": ("MeanSquaredError", {}, normal, normal, FLAT),
    "mse_3d": ("MeanSquaredError", {}, normal, normal, DEEP),
    "mae": ("MeanAbsoluteError", {}, normal, normal, FLAT),
    "huber": ("Huber", {}, normal, normal, FLAT),
    "huber_half": ("Huber", {"delta": 0.5}, normal, normal, FLAT),
    "msle": ("MeanSquaredLogarithmicError", {}, positive, positive, FLAT),
    "log_cosh": ("LogCosh", {}, normal, normal, FLAT),
    "kl_divergence": ("KLDivergence", {}, distribution, probabilities, FLAT),
    "poisson": ("Poisson", {}, positive, positive, FLAT),
    "hinge": ("Hinge", {}, binary, normal, FLAT),
    "cosine_similarity": ("CosineSimilarity", {}, normal, normal, FLAT),
    "cosine_similarity_zero": ("CosineSimilarity", {}, with_zeros, normal, FLAT),
    "mape": ("MeanAbsolutePercentageError", {}, positive, normal, FLAT),
    "hinge_signs": ("Hinge", {}, signs, normal, FLAT),
    "squared_hinge": ("SquaredHinge", {}, binary, normal, FLAT),
    "categorical_hinge": ("CategoricalHinge", {}, one_hot, normal, FLAT),
    "binary_focal": (BFCE, {}, binary, probabilities, FLAT),
    "binary_focal_balanced": (BFCE, BALANCED, binary, probabilities, FLAT),
    "binary_focal_smooth": (BFCE, SMOOTH | {"gamma": 0.5}, binary, probabilities, FLAT),
    "binary_focal_logits": (BFCE, LOGITS, binary, normal, FLAT),
    "categorical_focal": (CFCE, {}, one_hot, unnormalized, FLAT),
    "categorical_focal_alphas": (CFCE, ALPHAS, one_hot, unnormalized, FLAT),
    "categorical_focal_logits": (CFCE, LOGITS | SMOOTH, one_hot, normal, FLAT),
    "categorical_focal_3d": (CFCE, {}, one_hot, unnormalized, DEEP),
    "mse_sum": ("MeanSquaredError", {"reduction": "sum"}, normal, normal, FLAT),
    "mse_none": ("MeanSquaredError", {"reduction": "none"}, normal, normal, FLAT),
    "scce_3d_sum": (SCCE, {"reduction": "sum"}, classes, unnormalized, DEEP),
    "scce_3d_none": (SCCE, {"reduction": "none"}, classes, unnormalized, DEEP),
}


def weight_shape(case):
    if case.endswith("_steps"):
        return (N, T)
    return (N, 1) if "_3d" in case else (N,)


def main():
    book = Book("losses.npz")
    for case, (name, arguments, draw_true, draw_pred, shape) in CASES.items():
        rng = generator(case)
        y_true, y_pred = draw_true(rng, shape), draw_pred(rng, shape)
        weight = positive(rng, weight_shape(case))
        weight.flat[1] = 0.0
        loss = getattr(keras.losses, name)(**arguments)
        book.configs[case] = {"class": name, **arguments}
        book.put(case, y_true=y_true, y_pred=y_pred, sample_weight=weight)
        for prefix, sample_weight in (("", None), ("weighted_", weight)):
            prediction = torch.tensor(y_pred, requires_grad=True)
            value = loss(y_true, prediction, sample_weight)
            (gradient,) = torch.autograd.grad(value.sum(), [prediction])
            book.put(
                case, **{prefix + "value": as_array(value), prefix + "grad": as_array(gradient)}
            )
    book.save()


if __name__ == "__main__":
    main()
