"""Nothing is declared here, so nothing is generated for it."""

from __future__ import annotations

VERSION = 1


def twice(number: int) -> int:
    return 2 * number
