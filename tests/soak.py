"""How long the seeded tests run. `make soak` sets EVENTCORE_SOAK: they then try many times as much, drawn afresh."""

from __future__ import annotations

import os

SOAKING = bool(os.environ.get("EVENTCORE_SOAK"))


def times(count: int, *, soak: int = 25) -> int:
    """Return *count*, or *soak* times as many in a soak."""
    return count * soak if SOAKING else count
