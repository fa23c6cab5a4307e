"""Metrics: what is reported beside the losses, exact over all batches of an epoch.

`base` says what a metric is, `choosing` which one a name stands for; the other files hold a family
each. A loss is a metric, too: its mean.
"""

from ..other_names import says
from .accuracy import (
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from .base import FunctionMetric, MeanMetric, Metric
from .choosing import METRICS, get
from .confusion import confusion_matrix
from .decisions import AUC, F1Score, Precision, Recall
from .of_losses import (
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsolutePercentageError,
    MeanLoss,
    MeanSquaredLogarithmicError,
    Poisson,
    SquaredHinge,
)
from .regression import MeanAbsoluteError, MeanSquaredError, R2Score, RootMeanSquaredError

__all__ = [
    "AUC",
    "METRICS",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "CategoricalHinge",
    "CosineSimilarity",
    "F1Score",
    "FunctionMetric",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanLoss",
    "MeanMetric",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "Poisson",
    "Precision",
    "R2Score",
    "Recall",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "SquaredHinge",
    "TopKCategoricalAccuracy",
    "confusion_matrix",
    "get",
]
__getattr__ = says(__name__, "metrics")
