from __future__ import annotations

from decimal import Decimal
from enum import Enum, IntEnum

import attrs


class Currency(Enum):
    EUR = "eur"
    USD = "usd"


class Priority(IntEnum):
    LOW = 1
    HIGH = 2


@attrs.frozen
class Money:
    amount: Decimal
    currency: Currency


@attrs.frozen
class Place:
    name: str
    inside: Place | None = None


@attrs.frozen
class Train:
    number: int
    stops: tuple[Place, ...] = ()


@attrs.frozen
class Flight:
    code: str
    seat: str | None = None
