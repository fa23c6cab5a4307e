"""Reference values of keras.metrics -> metrics.npz (versions and how to run: common.py).

Each case holds two batches, stacked on the first axis: y_true, y_pred, sample_weight (2, N), and
    result            the result after the first and after both updates, without weights
    weighted_result   the same with sample_weight
One weight per batch is zero. The cases auc and auc_ties also hold exact_result and
exact_weighted_result: the area under the exact ROC curve of the same samples
(sklearn.metrics.roc_auc_score), where Keras sums over 200 thresholds. In auc_ties many predictions
are equal. A prediction of exactly 0.5 counts as class 0 (the comparison is >).
"""

import numpy as np
from sklearn.metrics import roc_auc_score

from common import Book, Float64Only, draw, generator, keras

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
}


def exact_auc(y_true, y_pred, weight):
    """Exact ROC AUC after one and after both batches."""
    results = []
    for batches in (1, 2):
        chosen = None if weight is None else weight[:batches].ravel()
        true, pred = y_true[:batches].ravel(), y_pred[:batches].ravel()
        results.append(roc_auc_score(true, pred, sample_weight=chosen))
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
                results.append(float(metric.result()))
            book.put(case, **{prefix + "result": np.array(results)})
        if name == "AUC":
            book.put(case, exact_result=exact_auc(y_true, y_pred, None))
            book.put(case, exact_weighted_result=exact_auc(y_true, y_pred, weight))
    book.save()


if __name__ == "__main__":
    main()
