"""One model for all tasks, or one model per task: tomorrow's weather, four ways.

The seed (003, notes on a talk of Andrej Karpathy) weighs both. One model per task: functions are
decoupled and easier to manage, but expensive at test time, without shared features, and they may
overfit. One model for all: cheap at test time, but the tasks are coupled and fight for capacity.
Data: the weather of Seattle. From the last seven days, the highest and lowest temperature, the wind
(all three in standard deviations) and the kind of weather of the next day.

With an LSTM of 32 units, one model does as well as four with a quarter of the parameters (5,640
against 21,768): errors of 0.31, 0.28 and 0.64 against 0.30, 0.28 and 0.65, and 0.63 of the kinds
right either way. With 3 units the tasks do fight: 0.40, 0.39, 0.67 and 0.59 against 0.36, 0.34,
0.65 and 0.62. (Means of nine runs, by `claim`. The guess that tomorrow will be like today: 0.31,
0.29, 0.75 and 0.60.)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import data, layers
from ..model import Model
from .system import Claim, System, Task, mean_scores

DAYS, KINDS = 7, 5
OUTPUTS = ("high", "low", "wind", "kind")


def build(units: int = 32, outputs: Sequence[str] = OUTPUTS) -> Model:
    """The network, not yet compiled; 5,640 parameters for all four tasks.

    Parameters
    ----------
    units : int
        Of the LSTM that all tasks share.
    outputs : sequence of str
        "high", "low", "wind" and "kind", or some of them.

    Examples
    --------
    >>> build().count_params(), [build(outputs=[name]).count_params() for name in OUTPUTS]
    (5640, [5409, 5409, 5409, 5541])
    """
    days = layers.Input((DAYS, 4 + KINDS), name="days")
    reading = layers.LSTM(units, name="lstm")(days)
    heads = {name: layers.Dense(1, name=name) for name in OUTPUTS[:3]}
    heads["kind"] = layers.Dense(KINDS, activation="softmax", name="kind")
    return Model(days, [heads[name](reading) for name in outputs], name="one_or_many")


def load() -> Task:
    """Three years to learn from, and a fourth that is held back.

    Returns
    -------
    Task
        ``days`` (n, 7, 9): rain, highest and lowest temperature, wind, and the kind one-hot;
        ``high``, ``low``, ``wind`` (n,) and ``kind`` (n, 5) of the day after.
    """
    weather = data.load("weather")
    table = np.stack(
        [np.log1p(weather.precipitation), weather.temp_max, weather.temp_min, weather.wind], axis=1
    )
    known = table[~weather.test]
    table = (table - known.mean(axis=0)) / known.std(axis=0)
    kind = np.eye(KINDS)[weather.weather]
    table = np.concatenate([table, kind], axis=1)
    weeks = np.stack([table[i : len(table) - DAYS + i] for i in range(DAYS)], axis=1)
    y = {name: table[DAYS:, i] for i, name in enumerate(OUTPUTS[:3], start=1)}
    return Task.split({"days": weeks}, {**y, "kind": kind[DAYS:]}, weather.test[DAYS:])


def claim(seed: int = 0) -> Claim:
    """One model for all against one per task, and both with a narrow LSTM; means of 3 runs.

    For comparison the guess that tomorrow will be like today.
    """
    task = SYSTEM.task()
    figures: dict[str, float] = {}
    for size, units in (("wide", 32), ("narrow", 3)):
        joint, together = mean_scores(SYSTEM, task, seed, units=units)
        figures[f"{size}: parameters, one for all"] = joint.count_params()
        figures[f"{size}: parameters, one per task"] = 0
        for name in OUTPUTS:
            single, alone = mean_scores(SYSTEM, task, seed, units=units, outputs=[name])
            figures[f"{size}: parameters, one per task"] += single.count_params()
            what = "accuracy" if name == "kind" else "error"
            figures[f"{size}: {what} of {name}, one for all"] = together[name]
            figures[f"{size}: {what} of {name}, one per task"] = alone[name]
    today = task.held_back_x["days"][:, -1]
    for i, name in enumerate(OUTPUTS[:3], start=1):
        error = np.abs(today[:, i] - task.held_back_y[name]).mean()
        figures[f"error of {name}, as today"] = float(error)
    same = today[:, 4:].argmax(axis=1) == task.held_back_y["kind"].argmax(axis=1)
    figures["accuracy of kind, as today"] = float(same.mean())
    return Claim("Tasks fight for capacity.", fight(figures), figures)


def fight(figures: dict[str, float]) -> bool:
    """Does one narrow model for all lose more, over all tasks, than a wide one?"""
    lost = {}
    for size in ("wide", "narrow"):
        errors = [f"{size}: error of {name}, " for name in OUTPUTS[:3]]
        lost[size] = sum(figures[e + "one for all"] - figures[e + "one per task"] for e in errors)
        kind = f"{size}: accuracy of kind, "
        lost[size] += figures[kind + "one per task"] - figures[kind + "one for all"]
    return lost["narrow"] > max(lost["wide"], 0)


SYSTEM = System(
    name="one_or_many",
    title="tomorrow's weather: one model for four tasks",
    build=build,
    load=load,
    compile={
        "optimizer": "rmsprop",
        "loss": {
            "high": "mean_squared_error",
            "low": "mean_squared_error",
            "wind": "mean_squared_error",
            "kind": "categorical_crossentropy",
        },
        "metrics": {**{name: ["mae"] for name in OUTPUTS[:3]}, "kind": ["accuracy"]},
    },
    parameters=5_640,
    epochs=16,
    claim=claim,
)
