"""Event sourcing whose commands choose their own consistency boundary.

A command says which streams it reads and writes; `CommandExecutor` reads them, folds their events into state, runs the command's `handle` and appends
the new events to all of them, or to none. Everything public is importable from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
        HistoryChanged,
        IdempotencyKeyReused,
        InlineProjectionFailed,
        InlineProjectionsDiffer,
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
        ProjectionBehind,
        ProjectionError,
        ProjectionStopped,
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
        UndeclaredField,
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
        BlockingExecutor,
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
    from eventcore.stores.postgres import (
        PostgresEventStore as PostgresEventStore,
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
    "BlockingExecutor",
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
    "HistoryChanged",
    "IdempotencyKeyReused",
    "InMemoryEventStore",
    "InlineProjectionFailed",
    "InlineProjectionsDiffer",
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
    "ProjectionBehind",
    "ProjectionError",
    "ProjectionStopped",
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
    "UndeclaredField",
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

__version__: str

if not TYPE_CHECKING:  # hidden from type checkers, to whom every misspelt name would be found here
    from importlib import import_module as _import

    # Names as above; a test holds both equal.
    _HOMES = {
        "eventcore.codec": "EventCodec",
        "eventcore.declare": "Discovered command discovered event require state stream",
        "eventcore.errors": (
            "AliasedStreams CommandError CommandRejected DefinitionError DiscoveryLimitExceeded EventCoreError "
            "EventDataError EventNotReadable EventNotStorable ForeignWrite GeneratedCodeError "
            "GeneratedCodeMissing GeneratedCodeStale HistoryChanged IdempotencyKeyReused InlineProjectionFailed "
            "InlineProjectionsDiffer InvalidArgument InvalidCommand InvalidHandle InvalidIdempotencyKey InvalidMetadata "
            "InvalidPosition InvalidStreamId InvalidWrite LeaseLost MigrationNeeded NotACommand NotAnEventStore NotAWrite OutcomeUnknown "
            "ProjectionBehind ProjectionError ProjectionStopped ReadOnlyStreamWrite RequestRefused "
            "RetriesExhausted StoreBusy StoreClosed StoreCorrupt StoreError StoreFull StoreReadOnly "
            "StoreTooNew StoreUnavailable StreamNotRequested UndeclaredEvent UndeclaredField UndeclaredStream "
            "UnknownEventType UnknownEventVersion"
        ),
        "eventcore.events": "JsonValue Metadata Recorded",
        "eventcore.execute": (
            "AttemptStarted BatchCommitted BlockingExecutor CommandCompleted CommandExecutor CommandFailed CommandResult "
            "ConflictMet Loaded Observation Observer RetryPolicy StreamsDiscovered"
        ),
        "eventcore.ids": "Position StreamId StreamPattern StreamPrefix",
        "eventcore.store": "ANY NO_STREAM EventFilter EventStore ExpectedVersion",
        "eventcore.stores.memory": "InMemoryEventStore",
        "eventcore.stores.sqlite": "SqliteEventStore",
        "eventcore.typed": "ReadOnlyStream ReadOnlyStreams StreamResolver StreamSet StreamWrite WritableStream WritableStreams",
    }
    _HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

    def __getattr__(name: str) -> object:
        """Import a public name, or look the version up, when somebody asks.

        A program that declares events needs no store, and the command line none of the runtime: what is not asked for would be most of their start.
        """
        if name == "PostgresEventStore":  # not in __all__: `from eventcore import *` works without asyncpg
            return _postgres_event_store()
        if name in _HOME_OF:
            value = globals()[name] = getattr(_import(_HOME_OF[name]), name)
            return value
        if name == "__version__":
            return _version()
        below = [home for home in _HOMES if f"{home}.".startswith(f"{__name__}.{name}.")]
        if below:  # type checkers see these modules imported, so `eventcore.stores.sqlite` has to be there
            for home in below:
                _import(home)
            return _import(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__, "PostgresEventStore", "__version__"})

    def _postgres_event_store() -> object:
        try:
            from eventcore.stores.postgres import PostgresEventStore  # noqa: PLC0415
        except ModuleNotFoundError as error:
            if error.name != "asyncpg":
                raise
            raise ImportError("PostgresEventStore needs asyncpg; install it with `pip install 'eventcore-py[postgres]'`") from error
        return PostgresEventStore

    def _version() -> str:
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  # takes longer to import than most of eventcore

        try:
            return version("eventcore-py")
        except PackageNotFoundError:  # a checkout on sys.path that was never installed
            return "0+unknown"
