from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import command

if TYPE_CHECKING:
    from greeting_streams import GreetState, GreetStreams, GreetWrites


@command
class Greet:
    name: str
    times: int = 1

    def handle(self, streams: GreetStreams, state: GreetState) -> GreetWrites:
        return ()
