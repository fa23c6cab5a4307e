"""What can happen during fit besides training."""

from .base import Callback, History, LambdaCallback
from .files import BackupAndRestore, CSVLogger, TerminateOnNaN
from .schedules import LearningRateScheduler, LossWeightScheduler, TaskSampler
from .watching import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau, Watch
