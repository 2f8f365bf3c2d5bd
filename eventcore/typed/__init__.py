"""The only room that generated code imports: the typed streams of a command, and the tables that the generator fills.

Generated classes subclass `StreamSet`, `StreamResolver` and use `command_state`; generated tables are `CommandSpec`s and `StateSpec`s.
Nothing here reads an annotation.
"""

from __future__ import annotations

from eventcore.ids import StreamId
from eventcore.typed.handles import (
    Handle,
    Handles,
    ReadOnlyStream,
    ReadOnlyStreams,
    StreamSet,
    StreamWrite,
    WritableStream,
    WritableStreams,
    handle,
)
from eventcore.typed.resolver import Discovery, DiscoveryRequest, StreamResolver
from eventcore.typed.spec import (
    FORMAT,
    Accepts,
    CommandSpec,
    EventRef,
    GeneratedModule,
    StateRef,
    StateSpec,
    StreamSpec,
    ValidWrite,
    command_state,
    is_write,
    refused_write,
)

__all__ = [
    "FORMAT",
    "Accepts",
    "CommandSpec",
    "Discovery",
    "DiscoveryRequest",
    "EventRef",
    "GeneratedModule",
    "Handle",
    "Handles",
    "ReadOnlyStream",
    "ReadOnlyStreams",
    "StateRef",
    "StateSpec",
    "StreamId",
    "StreamResolver",
    "StreamSet",
    "StreamSpec",
    "StreamWrite",
    "ValidWrite",
    "WritableStream",
    "WritableStreams",
    "command_state",
    "handle",
    "is_write",
    "refused_write",
]
