"""What a depot does: the modules of its commands, and a day in it."""

from __future__ import annotations

from typing import Final

RECEIVING: Final = '''\
"""Goods come in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, require, stream

from depot.events import Placed, Received
from depot.states import Goods, Rack

if TYPE_CHECKING:
    from depot.commands.receiving._streams import ReceiveState, ReceiveStreams, ReceiveWrites


@command
class Receive:
    goods: StreamId[Goods] = stream()
    rack: StreamId[Rack] | None = stream()
    sku: str
    lot: str
    quantity: int = 1

    def handle(self, streams: ReceiveStreams, state: ReceiveState) -> ReceiveWrites:
        require(self.lot not in state.goods.lots, "lot {} is here already", self.lot)
        yield streams.goods.write(Received(self.lot, self.quantity))
        if streams.rack is not None and state.rack is not None and self.sku not in state.rack.skus:
            yield streams.rack.write(Placed(self.sku))
'''

RELOCATING: Final = '''\
"""What lies on many shelves goes to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, stream

import depot.events as happened
from depot import states

if TYPE_CHECKING:
    from .relocating_streams import RelocateState, RelocateStreams, RelocateWrites


@command
class Relocate:
    racks: tuple[StreamId[states.Rack], ...] = stream()
    target: StreamId[states.Rack] = stream()

    def handle(self, streams: RelocateStreams, state: RelocateState) -> RelocateWrites:
        there = set(state.target.skus)
        for rack, seen in state.racks.items():
            for sku in sorted(seen.skus - there):
                yield streams.target.write(happened.Placed(sku))
            there |= seen.skus
            if seen.skus:
                yield streams.racks[rack].write(happened.Cleared())
'''

CLIENTS: Final = '''\
"""Who may order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, require, stream

from depot.events import Barred, Issued, Registered
from depot.states import Client, Voucher

if TYPE_CHECKING:
    from depot.commands.clients_streams import (
        BarState, BarStreams, BarWrites, IssueState, IssueStreams, IssueWrites, RegisterState, RegisterStreams, RegisterWrites,
    )


@command
class Register:
    client: StreamId[Client] = stream()
    name: str

    def handle(self, streams: RegisterStreams, state: RegisterState) -> RegisterWrites:
        require(not state.client.name, "{} is registered", self.client)
        yield streams.client.write(Registered(self.name))


@command
class Bar:
    client: StreamId[Client] = stream()

    async def handle(self, streams: BarStreams, state: BarState) -> BarWrites:
        return [] if state.client.is_barred else [streams.client.write(Barred("unpaid"))]


@command
class Issue:
    voucher: StreamId[Voucher] = stream()
    client: StreamId[Client] = stream(read_only=True)
    percent: int

    def handle(self, streams: IssueStreams, state: IssueState) -> IssueWrites:
        require(state.client.name != "", "{} is nobody", self.client)
        yield streams.voucher.write(Issued(self.percent))
'''

ORDERING: Final = '''\
"""Orders, with notes of any one type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from eventcore import StreamId, command, require, stream

from depot.events import Ordered, Redeemed
from depot.states import Client, Order, Voucher

if TYPE_CHECKING:
    from depot.commands.ordering_streams import PlaceState, PlaceStreams, PlaceWrites

Note = TypeVar("Note", str, int)


@command
class Place(Generic[Note]):
    order: StreamId[Order] = stream()
    client: StreamId[Client] = stream(read_only=True)
    lines: tuple[tuple[str, int], ...]
    voucher: StreamId[Voucher] | None = stream(default=None)
    notes: tuple[Note, ...] = ()

    def handle(self, streams: PlaceStreams, state: PlaceState) -> PlaceWrites:
        require(not state.client.is_barred, "{} may not order", self.client)
        for sku, quantity in self.lines:
            yield streams.order.write(Ordered(sku, quantity))
        if streams.voucher is not None and state.voucher is not None:
            require(state.voucher.percent > 0, "{} is used up", self.voucher)
            yield streams.voucher.write(Redeemed(self.order))
'''

PACKING: Final = '''\
"""An order says which goods to pick."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import Discovered, StreamId, command, discovered, require, stream

from depot import Goods, Order
from depot.events import Packed, Picked

if TYPE_CHECKING:
    from depot.commands.packing_streams import PackResolver, PackState, PackStreams, PackWrites


@command
class Pack:
    order: StreamId[Order] = stream()
    goods: Discovered[Goods] = discovered()

    def handle(self, streams: PackStreams, state: PackState, resolver: PackResolver) -> PackWrites:
        require(not state.order.is_packed, "{} is packed", self.order)
        wanted = {StreamId.of(Goods, sku): quantity for sku, quantity in state.order.lines.items()}
        resolver.goods.add(wanted)
        for goods, quantity in wanted.items():
            require(state.goods[goods].on_hand >= quantity, "only {} of {}", state.goods[goods].on_hand, goods)
            yield streams.goods[goods].write(Picked(quantity, self.order))
        yield streams.order.write(Packed(len(wanted)))
'''

COUNTING: Final = '''\
"""Stock is counted from the events of all goods at once, by a fold of the command's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import Discovered, Recorded, StreamId, command, discovered, event, stream

import depot.events.goods as goods_events
from depot import Goods
from depot.events import GoodsEvent

if TYPE_CHECKING:
    from depot.commands.counting_streams import CountResolver, CountStreams, CountWrites


@event("stock.counted", version=2)
class Counted:
    pieces: int


@command
class Count:
    tally: StreamId = stream(events=Counted)
    goods: Discovered = discovered(read_only=True, events=GoodsEvent)
    skus: tuple[str, ...]

    def initial(self) -> int:
        return 0

    def apply(self, state: int, event: Recorded[Counted | GoodsEvent]) -> int:
        match event.event:
            case goods_events.Received(quantity=quantity):
                return state + quantity
            case goods_events.Picked(quantity=quantity):
                return state - quantity
            case Counted():
                return state

    def handle(self, streams: CountStreams, state: int, resolver: CountResolver) -> CountWrites:
        resolver.goods.add([StreamId.of(Goods, sku) for sku in self.skus])
        yield streams.tally.write(Counted(state))
'''

COMMANDS: Final = {
    "clients": (CLIENTS, ("Bar", "Issue", "Register")),
    "counting": (COUNTING, ("Count", "Counted")),
    "ordering": (ORDERING, ("Place",)),
    "packing": (PACKING, ("Pack",)),
    "receiving": (RECEIVING, ("Receive",)),
    "receiving.relocating": (RELOCATING, ("Relocate",)),
}

DAY: Final = '''\
"""A day in the depot, on the installed package and a file; the second start finds what the first left."""

from __future__ import annotations

import asyncio
import sys

from eventcore import CommandExecutor, CommandRejected, SqliteEventStore, StreamId

import depot
from depot import Bar, Client, Count, Counted, Goods, Issue, Order, Pack, Place, Rack, Receive, Register, Relocate, Voucher

bolt, nut = StreamId.of(Goods, "bolt"), StreamId.of(Goods, "nut")
left, right = StreamId.of(Rack, "left"), StreamId.of(Rack, "right")
ada, order, late = StreamId.of(Client, "ada"), StreamId.of(Order, 1), StreamId.of(Order, 2)
voucher, tally = StreamId.of(Voucher, "v"), StreamId("tally")


async def refusal(executor: CommandExecutor, command: Place[int] | Pack | Issue) -> str:
    try:
        await executor.execute(command)
    except CommandRejected as rejected:
        return str(rejected)
    raise AssertionError(f"{command} was not rejected")


async def first_day(executor: CommandExecutor) -> None:
    assert await refusal(executor, Issue(voucher, ada, 10)) == "client-ada is nobody"
    await executor.execute(Register(ada, "Ada"))
    await executor.execute(Issue(voucher, ada, 10))
    await executor.execute(Receive(bolt, left, "bolt", "b-1", 5))
    await executor.execute(Receive(nut, right, "nut", "n-1", 2))
    alone = await executor.execute(Receive(nut, None, "nut", "n-2"))
    assert alone.versions == {nut: 2}
    moved = await executor.execute(Relocate((left, right, left), StreamId.of(Rack, "middle")))
    assert len(moved.events) == 4
    placed = await executor.execute(Place(order, ada, (("bolt", 4), ("nut", 1)), voucher, notes=("soon", "please")))
    assert placed.versions == {order: 2, ada: 1, voucher: 2}
    packed = await executor.execute(Pack(order))
    assert {recorded.stream_id for recorded in packed.events} == {bolt, nut, order}
    await executor.execute(Bar(ada))
    assert (await executor.execute(Bar(ada))).events == ()


async def second_day(executor: CommandExecutor) -> None:
    assert await refusal(executor, Place(late, ada, (), notes=(7,))) == "client-ada may not order"
    assert await refusal(executor, Pack(order)) == "order-1 is packed"
    ben = StreamId.of(Client, "ben")
    await executor.execute(Register(ben, "Ben"))
    assert await refusal(executor, Place[int](late, ben, (), voucher)) == "voucher-v is used up"
    await executor.execute(Place[int](late, ben, (("bolt", 2),)))
    assert await refusal(executor, Pack(late)) == "only 1 of goods-bolt"
    counted = await executor.execute(Count(tally, ("bolt", "nut")))
    assert [recorded.event for recorded in counted.events] == [Counted(3)]
    assert (await executor.load(StreamId.of(Rack, "middle"))).state == Rack(frozenset({"bolt", "nut"}))
    assert (await executor.load(bolt)).state == Goods(1, ("b-1",))
    assert (await executor.load(order)).state == Order({"bolt": 4, "nut": 1}, is_packed=True)


async def main() -> None:
    for day in first_day, second_day:
        async with SqliteEventStore("depot.db") as store:
            await day(CommandExecutor(store))
    print(depot.__file__)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
'''
