from __future__ import annotations

from typing import Union

from fleet.base import ec, fact, sign


@fact
class Bought:
    plate: str


@ec.event("van.loaded")
class Loaded:
    weight: int


@sign
class Unloaded:
    pass


LoadEvent = Union[Loaded, Unloaded]
Everything = Union[Bought, LoadEvent]
