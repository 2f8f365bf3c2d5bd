"""Event sourcing whose commands choose their own consistency boundary.

A command says which streams it reads and writes; `CommandExecutor` reads them, folds their events into state, runs the command's `handle` and appends
the new events to all of them, or to none. Everything public is importable from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore.codec import (
    EventCodec,
)
from eventcore.declare import (
    Discovered,
    command,
    discovered,
    event,
    require,
    state,
    stream,
)
from eventcore.errors import (
    AliasedStreams,
    CommandError,
    CommandRejected,
    DefinitionError,
    DiscoveryLimitExceeded,
    EventCoreError,
    EventDataError,
    EventNotReadable,
    EventNotStorable,
    ForeignWrite,
    GeneratedCodeError,
    GeneratedCodeMissing,
    GeneratedCodeStale,
    IdempotencyKeyReused,
    InvalidArgument,
    InvalidCommand,
    InvalidHandle,
    InvalidIdempotencyKey,
    InvalidMetadata,
    InvalidPosition,
    InvalidStreamId,
    InvalidWrite,
    LeaseLost,
    MigrationNeeded,
    NotACommand,
    NotAnEventStore,
    NotAWrite,
    OutcomeUnknown,
    ReadOnlyStreamWrite,
    RequestRefused,
    RetriesExhausted,
    StoreBusy,
    StoreClosed,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreTooNew,
    StoreUnavailable,
    StreamNotRequested,
    UndeclaredEvent,
    UndeclaredStream,
    UnknownEventType,
    UnknownEventVersion,
)
from eventcore.events import (
    JsonValue,
    Metadata,
    Recorded,
)
from eventcore.execute import (
    AttemptStarted,
    BatchCommitted,
    CommandCompleted,
    CommandExecutor,
    CommandFailed,
    CommandResult,
    ConflictMet,
    Loaded,
    Observation,
    Observer,
    RetryPolicy,
    StreamsDiscovered,
)
from eventcore.ids import (
    Position,
    StreamId,
    StreamPattern,
    StreamPrefix,
)
from eventcore.store import (
    ANY,
    NO_STREAM,
    EventFilter,
    EventStore,
    ExpectedVersion,
)
from eventcore.stores.memory import (
    InMemoryEventStore,
)
from eventcore.stores.sqlite import (
    SqliteEventStore,
)
from eventcore.typed import (
    ReadOnlyStream,
    ReadOnlyStreams,
    StreamResolver,
    StreamSet,
    StreamWrite,
    WritableStream,
    WritableStreams,
)

__all__ = [
    "ANY",
    "NO_STREAM",
    "AliasedStreams",
    "AttemptStarted",
    "BatchCommitted",
    "CommandCompleted",
    "CommandError",
    "CommandExecutor",
    "CommandFailed",
    "CommandRejected",
    "CommandResult",
    "ConflictMet",
    "DefinitionError",
    "Discovered",
    "DiscoveryLimitExceeded",
    "EventCodec",
    "EventCoreError",
    "EventDataError",
    "EventFilter",
    "EventNotReadable",
    "EventNotStorable",
    "EventStore",
    "ExpectedVersion",
    "ForeignWrite",
    "GeneratedCodeError",
    "GeneratedCodeMissing",
    "GeneratedCodeStale",
    "IdempotencyKeyReused",
    "InMemoryEventStore",
    "InvalidArgument",
    "InvalidCommand",
    "InvalidHandle",
    "InvalidIdempotencyKey",
    "InvalidMetadata",
    "InvalidPosition",
    "InvalidStreamId",
    "InvalidWrite",
    "JsonValue",
    "LeaseLost",
    "Loaded",
    "Metadata",
    "MigrationNeeded",
    "NotACommand",
    "NotAWrite",
    "NotAnEventStore",
    "Observation",
    "Observer",
    "OutcomeUnknown",
    "Position",
    "ReadOnlyStream",
    "ReadOnlyStreamWrite",
    "ReadOnlyStreams",
    "Recorded",
    "RequestRefused",
    "RetriesExhausted",
    "RetryPolicy",
    "SqliteEventStore",
    "StoreBusy",
    "StoreClosed",
    "StoreCorrupt",
    "StoreError",
    "StoreFull",
    "StoreReadOnly",
    "StoreTooNew",
    "StoreUnavailable",
    "StreamId",
    "StreamNotRequested",
    "StreamPattern",
    "StreamPrefix",
    "StreamResolver",
    "StreamSet",
    "StreamWrite",
    "StreamsDiscovered",
    "UndeclaredEvent",
    "UndeclaredStream",
    "UnknownEventType",
    "UnknownEventVersion",
    "WritableStream",
    "WritableStreams",
    "command",
    "discovered",
    "event",
    "require",
    "state",
    "stream",
]

if TYPE_CHECKING:
    from eventcore.stores.postgres import (
        PostgresEventStore as PostgresEventStore,
    )

__version__: str

if not TYPE_CHECKING:  # hidden from type checkers, to whom every misspelt name would be found here

    def __getattr__(name: str) -> object:
        """Look up what not everybody has or needs: the store that needs asyncpg, and the version, which takes long to find out."""
        if name == "PostgresEventStore":
            return _postgres_event_store()
        if name == "__version__":
            return _version()
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def _postgres_event_store() -> object:
        try:
            from eventcore.stores.postgres import PostgresEventStore  # noqa: PLC0415
        except ModuleNotFoundError as error:
            if error.name != "asyncpg":
                raise
            raise ImportError("PostgresEventStore needs asyncpg; install it with `pip install 'eventcore-py[postgres]'`") from error
        return PostgresEventStore

    def _version() -> str:
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

        try:
            return version("eventcore-py")
        except PackageNotFoundError:  # a checkout on sys.path that was never installed
            return "0+unknown"
