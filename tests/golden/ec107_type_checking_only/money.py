from __future__ import annotations

from enum import Enum


class Currency(Enum):
    EUR = "eur"
