"""The networks of the seed documents, each a short builder with the data it trains on."""

from . import headlines
from .system import Claim, Score, System, Task, score, score_table, train

SYSTEMS: dict[str, System] = {module.SYSTEM.name: module.SYSTEM for module in (headlines,)}
