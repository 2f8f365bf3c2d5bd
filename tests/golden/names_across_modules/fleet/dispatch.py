"""Names that take several steps to find: re-exports, renamed imports, aliases of decorators and classes, imports for checkers only."""

from __future__ import annotations

import typing as t
from typing import TYPE_CHECKING

import fleet.base as base
import fleet.vans.events
from eventcore import stream as st
from fleet import Truck
from fleet.base import Id, cmd, ec
from fleet.vans import events as ev

if TYPE_CHECKING:
    import fleet.dispatch_streams as g
    from fleet import Driver
    from fleet.dispatch_streams import BuyVanState, BuyVanStreams, BuyVanWrites

if t.TYPE_CHECKING:
    from fleet import drivers


@cmd
class BuyVan:
    van: Id[Truck] = st()
    plate: str

    def handle(self, streams: BuyVanStreams, state: BuyVanState) -> BuyVanWrites:
        ec.require(not state.van.plate, "{} was bought before", self.van)
        yield streams.van.write(ev.Bought(self.plate))


@base.cmd
class License:
    driver: base.Id[drivers.Driver] = base.ec.stream()
    until: int

    def handle(self, streams: g.LicenseStreams, state: g.LicenseState) -> g.LicenseWrites:
        from fleet.drivers import Licensed

        yield streams.driver.write(Licensed(self.until))


@ec.command(allow_aliases=True)
class Dispatch:
    van: ec.StreamId[Truck] = ec.stream()
    driver: Id[Driver] = st(read_only=True)
    weight: int

    def handle(self, streams: g.DispatchStreams, state: g.DispatchState) -> g.DispatchWrites:
        ec.require(state.driver.until > 0, "{} has no licence", self.driver)
        yield streams.van.write(fleet.vans.events.Loaded(self.weight))
