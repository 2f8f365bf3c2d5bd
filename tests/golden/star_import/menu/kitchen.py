from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, stream
from menu.dishes import *

if TYPE_CHECKING:
    from menu.kitchen_streams import CookState, CookStreams, CookWrites


@command
class Cook:
    dish: StreamId[Dish] = stream()

    def handle(self, streams: CookStreams, state: CookState) -> CookWrites:
        yield streams.dish.write(Cooked())
