"""Read-only streams: decide on what you do not change.

Use it where a rule rests on something that the command leaves as it is: prices, permissions, or, as here, what a colleague does. Declared
`read_only=True`, the stream has no `write`, and its version is checked when the command commits all the same.

That check is what refuses write skew. Two doctors are on call, one has to stay. Both ask to go at once, each sees the other on call, and each would
write a stream that the other one only reads: without the check, both would go. With it, the second to commit meets a conflict, is run again, and
sees that the colleague has gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import CommandRejected, StreamId, command, event, require, state, stream

if TYPE_CHECKING:
    from patterns.read_only_streams import (
        GoOffCallState,
        GoOffCallStreams,
        GoOffCallWrites,
        GoOnCallState,
        GoOnCallStreams,
        GoOnCallWrites,
    )


class NobodyLeftOnCall(CommandRejected):
    """The colleague is not on call either."""


@event("patterns.went-on-call")
class WentOnCall:
    pass


@event("patterns.went-off-call")
class WentOffCall:
    pass


@state
class Doctor:
    on_call: bool = False

    def apply(self, event: WentOnCall | WentOffCall) -> Doctor:
        match event:
            case WentOnCall():
                return Doctor(on_call=True)
            case WentOffCall():
                return Doctor(on_call=False)


@command
class GoOnCall:
    doctor: StreamId[Doctor] = stream()

    def handle(self, streams: GoOnCallStreams, state: GoOnCallState) -> GoOnCallWrites:
        if not state.doctor.on_call:
            yield streams.doctor.write(WentOnCall())


@command
class GoOffCall:
    doctor: StreamId[Doctor] = stream()
    colleague: StreamId[Doctor] = stream(read_only=True)

    def handle(self, streams: GoOffCallStreams, state: GoOffCallState) -> GoOffCallWrites:
        require(state.colleague.on_call, NobodyLeftOnCall(f"{self.doctor} has to stay: {self.colleague} is not on call"))
        if state.doctor.on_call:
            yield streams.doctor.write(WentOffCall())
