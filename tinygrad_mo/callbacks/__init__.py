"""What can happen during fit besides training."""

from ..other_names import says
from .averaging import AverageWeights
from .base import Callback, History, LambdaCallback
from .files import BackupAndRestore, CSVLogger, TerminateOnNaN
from .schedules import LearningRateScheduler, LossWeightScheduler, TaskSampler
from .watching import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau, Watch

__all__ = [
    "AverageWeights",
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "LossWeightScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TaskSampler",
    "TerminateOnNaN",
    "Watch",
]
__getattr__ = says(__name__, "callbacks")
