from __future__ import annotations

import typing
from collections import defaultdict
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Dict, Optional

import attrs

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from baskets_streams import FillState, FillStreams, FillWrites


@event
class Filled:
    items: list[str]
    prices: dict[str, int] | None
    tags: tuple[set[str], ...]
    old: Optional[Dict[str, int]] = None
    older: typing.List[int] = attrs.field(factory=list)


@state
class Basket:
    items: list[str] = attrs.field(factory=list)
    seen: "set[str]" = attrs.field(factory=set)
    counts: defaultdict[str, int] = attrs.field(factory=lambda: defaultdict(int))
    notes: MutableMapping[str, str] = attrs.field(factory=dict)
    data: bytearray = attrs.field(factory=bytearray)

    def apply(self, event: Filled) -> Basket:
        return Basket(event.items)


@command
class Fill:
    basket: StreamId[Basket] = stream()
    items: list[str]

    def handle(self, streams: FillStreams, state: FillState) -> FillWrites:
        return ()
