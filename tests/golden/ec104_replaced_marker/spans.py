"""Decorators that may be eventcore's: the import of one has a replacement."""

from __future__ import annotations

try:
    import eventcore as ec
    from eventcore import command, stream
except ImportError:
    ec = None
    command = stream = lambda cls: cls

from eventcore import StreamId, event, state


@event
class Built:
    pass


@ec.event
class Torn:
    pass


@state
class Bridge:
    def apply(self, event: Built) -> Bridge:
        return self


@command
class Build:
    bridge: StreamId[Bridge] = stream()

    def handle(self, streams, state):
        yield streams.bridge.write(Built())
