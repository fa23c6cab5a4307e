"""Other operating systems, acted here: `platforms` is told that this is one of them."""

import pytest

from tinygrad_mo import platforms


@pytest.fixture
def windows(monkeypatch):
    monkeypatch.setattr(platforms, "SYSTEM", platforms.WINDOWS)
    monkeypatch.setattr(platforms, "PAUSES", (0.0, 0.0, 0.0))


@pytest.fixture
def macos(monkeypatch):
    monkeypatch.setattr(platforms, "SYSTEM", platforms.MACOS)
