from __future__ import annotations

from fleet.drivers import Driver as Driver
from fleet.vans.model import Van

Truck = Van

__all__ = ["Driver", "Truck", "Van"]
