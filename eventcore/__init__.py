"""Event sourcing whose commands choose their own consistency boundary."""

from __future__ import annotations

from eventcore.declare import Discovered, command, discovered, event, require, state, stream
from eventcore.errors import CommandRejected, EventCoreError
from eventcore.events import JsonValue, Metadata, Recorded
from eventcore.ids import Position, StreamId, StreamPattern, StreamPrefix
from eventcore.store import EventStore, ExpectedVersion
from eventcore.typed import StreamResolver, StreamSet, StreamWrite

__all__ = ["CommandRejected", "Discovered", "EventCoreError", "EventStore", "ExpectedVersion", "JsonValue", "Metadata", "Position", "Recorded", "StreamId", "StreamPattern", "StreamPrefix", "StreamResolver", "StreamSet", "StreamWrite", "command", "discovered", "event", "require", "state", "stream"]
