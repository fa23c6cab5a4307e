"""Which of several processes this is, where they train one model together (`distributed` says)."""

from __future__ import annotations

from typing import Any

rank, size = 0, 1  # the first one writes files and speaks, for all
plan_kind: Any = None  # of training steps, in place of that of a network
