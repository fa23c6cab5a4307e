"""Reference values of keras.metrics -> metrics.npz (versions and how to run: common.py).

Each case holds two batches, stacked on the first axis: y_true, y_pred, sample_weight (2, N), and
    result            the result after the first and after both updates, without weights
    weighted_result   the same with sample_weight
One weight per batch is zero. The cases auc and auc_ties also hold exact_result and
exact_weighted_result: the area under the exact ROC curve of the same samples
(sklearn.metrics.roc_auc_score), where Keras sums over 200 thresholds; and the cases of F1Score
those of sklearn.metrics.f1_score, where Keras adds 1e-7 to denominators. In auc_ties many
predictions are equal. A prediction of exactly 0.5 counts as class 0 (the comparison is >). The
results of cases ending in _none have a number for each class.
"""

import numpy as np
from sklearn.metrics import f1_score, roc_auc_score

from common import Book, Float64Only, as_array, draw, generator, keras

N, C = 6, 3


def probabilities(rng, *shape):
    return np.round(rng.uniform(0.02, 0.98, shape) * 64) / 64


def binary_column(rng, size=N):
    y_true = rng.integers(0, 2, (2, size, 1)).astype("float64")
    y_pred = probabilities(rng, 2, size, 1)
    y_true[:, :2, 0], y_pred[0, 0, 0] = [0.0, 1.0], 0.5
    return y_true, y_pred


def binary_wide(rng):
    return rng.integers(0, 2, (2, N, C)).astype("float64"), probabilities(rng, 2, N, C)


def classes(rng):
    return rng.integers(0, C, (2, N)), probabilities(rng, 2, N, C)


def one_hot(rng):
    y_true, y_pred = classes(rng)
    return np.eye(C)[y_true], y_pred


def clear(rng):
    """Labels of classes, and predictions without ties."""
    y_true, y_pred = one_hot(rng)
    return y_true, y_pred + np.arange(C) / 256


def clear_classes(rng):
    y_true, y_pred = clear(rng)
    return y_true.argmax(axis=-1), y_pred


def sequence(rng):
    return rng.integers(0, C, (2, N, 4)), probabilities(rng, 2, N, 4, C)


def numbers(rng):
    return draw(rng, 2, N, C), draw(rng, 2, N, C)


def many(rng):
    y_true, y_pred = binary_column(rng, 20)
    return y_true, np.clip(y_pred * 0.6 + y_true * 0.25, 0, 1).round(3)


def ties(rng):
    y_true, y_pred = many(rng)
    return y_true, y_pred.round(1)


def positive(rng):
    return np.abs(draw(rng, 2, N, C)) + 0.125, np.abs(draw(rng, 2, N, C)) + 0.125


def signs(rng):
    return 2 * rng.integers(0, 2, (2, N, C)) - 1.0, draw(rng, 2, N, C)


def distributions(rng):
    y_true = probabilities(rng, 2, N, C)
    return y_true / y_true.sum(axis=-1, keepdims=True), probabilities(rng, 2, N, C)


def rare(rng):
    """Labels of three classes, of which the last one does not occur."""
    return np.eye(C)[rng.integers(0, 2, (2, N))], clear(rng)[1]


# case: (class, arguments, how a pair of batches is drawn)
CASES = {
    "binary_accuracy": ("BinaryAccuracy", {}, binary_column),
    "binary_accuracy_wide": ("BinaryAccuracy", {}, binary_wide),
    "categorical_accuracy": ("CategoricalAccuracy", {}, one_hot),
    "sparse_categorical_accuracy": ("SparseCategoricalAccuracy", {}, classes),
    "sparse_categorical_accuracy_3d": ("SparseCategoricalAccuracy", {}, sequence),
    "mean_absolute_error": ("MeanAbsoluteError", {}, numbers),
    "mean_squared_error": ("MeanSquaredError", {}, numbers),
    "root_mean_squared_error": ("RootMeanSquaredError", {}, numbers),
    "auc": ("AUC", {}, many),
    "auc_ties": ("AUC", {}, ties),
    "precision": ("Precision", {}, binary_column),
    "recall": ("Recall", {}, binary_column),
    "precision_threshold": ("Precision", {"thresholds": 0.3}, binary_column),
    "recall_threshold": ("Recall", {"thresholds": 0.3}, binary_column),
    "top_k": ("TopKCategoricalAccuracy", {"k": 2}, clear),
    "sparse_top_k": ("SparseTopKCategoricalAccuracy", {"k": 2}, clear_classes),
    "f1_none": ("F1Score", {}, clear),
    "f1_macro": ("F1Score", {"average": "macro"}, clear),
    "f1_micro": ("F1Score", {"average": "micro"}, clear),
    "f1_weighted": ("F1Score", {"average": "weighted"}, clear),
    "f1_rare": ("F1Score", {"average": "macro"}, rare),
    "f1_threshold": ("F1Score", {"average": "macro", "threshold": 0.5}, binary_wide),
    "f1_column": ("F1Score", {"average": "macro", "threshold": 0.5}, binary_column),
    "r2_none": ("R2Score", {"class_aggregation": None}, numbers),
    "r2_uniform": ("R2Score", {}, numbers),
    "r2_variance": ("R2Score", {"class_aggregation": "variance_weighted_average"}, numbers),
    "cosine_similarity": ("CosineSimilarity", {}, numbers),
    "mape": ("MeanAbsolutePercentageError", {}, positive),
    "msle": ("MeanSquaredLogarithmicError", {}, positive),
    "log_cosh": ("LogCoshError", {}, numbers),
    "poisson": ("Poisson", {}, positive),
    "kl_divergence": ("KLDivergence", {}, distributions),
    "hinge": ("Hinge", {}, signs),
    "squared_hinge": ("SquaredHinge", {}, signs),
    "categorical_hinge": ("CategoricalHinge", {}, one_hot),
}


def exact_auc(y_true, y_pred, weight):
    """Exact ROC AUC after one and after both batches."""
    results = []
    for batches in (1, 2):
        chosen = None if weight is None else weight[:batches].ravel()
        true, pred = y_true[:batches].ravel(), y_pred[:batches].ravel()
        results.append(roc_auc_score(true, pred, sample_weight=chosen))
    return np.array(results)


def exact_f1(y_true, y_pred, weight, average=None, threshold=None):
    """Exact F1 score after one and after both batches."""
    claims = y_pred > threshold if threshold else y_pred == y_pred.max(axis=-1, keepdims=True)
    results = []
    for batches in (1, 2):
        chosen = None if weight is None else weight[:batches].ravel()
        pair = [x[:batches].reshape(-1, x.shape[-1]).astype(int) for x in (y_true, claims)]
        if y_true.shape[-1] == 1:
            average, pair = "binary", [x[:, 0] for x in pair]
        results.append(f1_score(*pair, average=average, sample_weight=chosen, zero_division=0))
    return np.array(results)


def main():
    book = Book("metrics.npz")
    for case, (name, arguments, draw_pair) in CASES.items():
        rng = generator(case)
        y_true, y_pred = draw_pair(rng)
        weight = np.round(rng.uniform(0.1, 3.0, y_true.shape[:2]) * 64) / 64
        weight[:, 2] = 0.0
        book.configs[case] = {"class": name, **arguments}
        book.put(case, y_true=y_true, y_pred=y_pred, sample_weight=weight)
        Float64Only.strict = name != "AUC"  # it multiplies a (float32) shape, which does no harm
        for prefix, weights in (("", [None, None]), ("weighted_", weight)):
            metric = getattr(keras.metrics, name)(**arguments)
            results = []
            for batch in range(2):
                metric.update_state(y_true[batch], y_pred[batch], sample_weight=weights[batch])
                results.append(as_array(metric.result()))
            book.put(case, **{prefix + "result": np.array(results)})
        if name == "AUC":
            book.put(case, exact_result=exact_auc(y_true, y_pred, None))
            book.put(case, exact_weighted_result=exact_auc(y_true, y_pred, weight))
        if name == "F1Score":
            book.put(case, exact_result=exact_f1(y_true, y_pred, None, **arguments))
            book.put(case, exact_weighted_result=exact_f1(y_true, y_pred, weight, **arguments))
    book.save()


if __name__ == "__main__":
    main()
