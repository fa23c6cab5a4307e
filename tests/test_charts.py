"""The charts: what they draw is what was measured, and nothing is written over anything."""

from itertools import combinations

import numpy as np
import pytest

import tinygrad_mo as tg
from tinygrad_mo.flow import chart_parts, charts, style
from tinygrad_mo.flow.measure import Measure

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = matplotlib.pyplot if hasattr(matplotlib, "pyplot") else __import__("matplotlib.pyplot").pyplot
