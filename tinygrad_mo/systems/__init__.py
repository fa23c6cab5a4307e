"""The networks of the seed documents, each a short builder with the data it trains on."""

from . import (
    deep_supervision,
    demographics,
    dual_camera,
    genre_date,
    googlenet,
    headlines,
    inception,
    multi_label,
    omniglot,
    one_or_many,
    price,
    question_answering,
    residual,
    shared_vision,
    siamese,
    tickets,
    tweets,
)
from .system import Claim, Score, System, Task, score, score_table, train

SYSTEMS: dict[str, System] = {
    system.name: system
    for system in (
        headlines.SYSTEM,
        omniglot.SYSTEM,
        omniglot.TWO_INPUTS,
        inception.SYSTEM,
        residual.SYSTEM,
        googlenet.SYSTEM,
        deep_supervision.SYSTEM,
        shared_vision.SYSTEM,
        dual_camera.SYSTEM,
        siamese.SYSTEM,
        tweets.SYSTEM,
        question_answering.SYSTEM,
        demographics.SYSTEM,
        demographics.TABLE,
        genre_date.SYSTEM,
        price.SYSTEM,
        price.CARS,
        tickets.SYSTEM,
        tickets.BAGS,
        multi_label.SYSTEM,
        multi_label.HEADS_SYSTEM,
        one_or_many.SYSTEM,
    )
}

__all__ = ["SYSTEMS", "Claim", "Score", "System", "Task", "score", "score_table", "train"]
