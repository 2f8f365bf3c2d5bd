from __future__ import annotations

import eventcore
from fleet.base import fact


@fact
class Licensed:
    until: int


@eventcore.event
class Retired:
    pass


DriverEvent = Licensed | Retired


@eventcore.state
class Driver:
    until: int = 0

    def apply(self, event: DriverEvent) -> Driver:
        match event:
            case Licensed(until):
                return Driver(until)
            case Retired():
                return Driver()
