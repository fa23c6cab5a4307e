"""Which kind of plan a network runs on: one that is replayed, if that may be."""

from ..replay.plan import ReplayedPlan as NetworkPlan  # without replay/: engine.plan.Plan

__all__ = ["NetworkPlan"]
