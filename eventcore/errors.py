"""The errors of eventcore: one root, one class for each thing that a caller can act on.

::

    EventCoreError
    ├── DefinitionError            a declaration is wrong; raised while the module is imported
    ├── GeneratedCodeError         the generated module of a command or a state is not usable
    │   ├── GeneratedCodeMissing       `eventcore generate` was never run for it
    │   └── GeneratedCodeStale         it was generated from another version of the source
    ├── InvalidArgument            a value given to eventcore is not acceptable
    │   ├── InvalidStreamId
    │   ├── InvalidPosition
    │   ├── InvalidCommand             a command was made with values that are no streams
    │   ├── AliasedStreams             two fields of one command name the same stream
    │   ├── InvalidMetadata
    │   ├── InvalidIdempotencyKey
    │   └── NotACommand
    ├── CommandError               a command ran and nothing was written
    │   ├── CommandRejected            the command's own rules said no
    │   ├── InvalidHandle              `handle` returned no iterable of writes
    │   ├── InvalidWrite               `handle` asked for a write that it may not do
    │   │   ├── NotAWrite
    │   │   ├── ForeignWrite               made for another command or another run
    │   │   ├── UndeclaredStream
    │   │   ├── ReadOnlyStreamWrite
    │   │   └── UndeclaredEvent
    │   ├── UndeclaredField            `streams`, `state` or `resolver` has no such stream
    │   ├── StreamNotRequested         a stream was touched that was never asked for
    │   ├── DiscoveryLimitExceeded
    │   ├── IdempotencyKeyReused
    │   └── RetriesExhausted
    ├── ProjectionError            a projection is not where it should be
    │   ├── ProjectionStopped          it met an event that it could not handle
    │   └── ProjectionBehind           it did not catch up in time
    ├── OutcomeUnknown             the store did not say in time whether it committed
    ├── EventDataError             an event cannot be stored, or what is stored cannot be read
    │   ├── EventNotStorable
    │   ├── EventNotReadable
    │   ├── UnknownEventType
    │   └── UnknownEventVersion
    └── StoreError                 the store cannot do its work now
        ├── StoreClosed
        ├── StoreBusy
        ├── StoreUnavailable           the file or the server cannot be opened or was lost
        ├── StoreReadOnly
        ├── StoreFull
        ├── StoreCorrupt
        ├── NotAnEventStore            a file or schema that is something else
        ├── MigrationNeeded
        ├── StoreTooNew
        ├── RequestRefused             the store refused this one request, and says why
        │   └── InlineProjectionFailed     an inline projection could not handle one of its events
        ├── InlineProjectionsDiffer    this process does not keep the inline projections that the store demands
        └── LeaseLost

Every message says what happened, to what, what was expected and what to do. The same facts are attributes, so that nobody has to parse a message.
Errors of drivers never leave a store bare: they are the ``__cause__`` of one of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventcore.events import Recorded

GENERATE = "eventcore generate"


class EventCoreError(Exception):
    """The root of every error that eventcore raises. What it holds goes along when it is pickled, so it crosses a process pool."""

    def __reduce__(self) -> tuple[object, ...]:
        # Not by the constructor, whose arguments are other than the text.
        return _restored, (type(self), self.args, self.__dict__)


def _restored(cls: type[EventCoreError], args: tuple[object, ...], facts: dict[str, object]) -> EventCoreError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(facts)
    return error


class DefinitionError(EventCoreError, TypeError):
    """Raised at import time when a declaration (`@command`, `@event`, `@state`, `stream()`) cannot mean anything."""

    def __init__(self, owner: str, problem: str, *, field: str | None = None) -> None:
        self.owner = owner
        self.field = field
        self.problem = problem
        where = owner if field is None else f"{owner}.{field}"
        super().__init__(f"{where}: {problem}")


class GeneratedCodeError(EventCoreError):
    """The generated module that belongs to a command or a state cannot be used."""


class GeneratedCodeMissing(GeneratedCodeError):
    """Raised on the first execution of a command whose module was never generated."""

    def __init__(self, owner: str, module: str, source: str) -> None:
        self.owner = owner
        self.module = module
        self.source = source
        super().__init__(f"{owner} has no generated module {module!r}; run `{GENERATE} {source}` and commit what it writes")


class GeneratedCodeStale(GeneratedCodeError):
    """Raised on first execution when the generated module does not match the class that runs."""

    def __init__(self, owner: str, module: str, source: str, difference: str) -> None:
        self.owner = owner
        self.module = module
        self.source = source
        self.difference = difference
        super().__init__(f"the generated module {module!r} does not fit {owner}: {difference}; run `{GENERATE} {source}`")


class InvalidArgument(EventCoreError, ValueError):
    """A value given to eventcore is not acceptable; nothing was done with it."""


class InvalidStreamId(InvalidArgument):
    """Raised on construction of a `StreamId`, prefix or pattern that no store could keep."""

    def __init__(self, value: object, problem: str) -> None:
        self.value = value
        self.problem = problem
        super().__init__(f"{shortened(value)} is no stream id: {problem}")


class InvalidPosition(InvalidArgument):
    """Raised by `Position.parse` and by stores that are given another store's position."""

    def __init__(self, value: object, problem: str) -> None:
        self.value = value
        super().__init__(f"{shortened(value)} is no position: {problem}; use a position that this store returned")


class InvalidCommand(InvalidArgument):
    """Raised when a command is made with a value that cannot be its stream."""

    def __init__(self, command: str, field: str, problem: str) -> None:
        self.command = command
        self.field = field
        super().__init__(f"{command}.{field}: {problem}")


class AliasedStreams(InvalidCommand):
    """Raised when a command is made with the same stream in two of its fields."""

    def __init__(self, command: str, field: str, other: str, stream_id: str) -> None:
        self.other = other
        self.stream_id = stream_id
        super().__init__(
            command,
            field,
            f"{other!r} and {field!r} are the same stream {stream_id!r}; give two streams, or declare the command "
            "with @command(allow_aliases=True) if one stream in two roles makes sense",
        )


class InvalidMetadata(InvalidArgument):
    """Raised when the metadata of a command is no mapping of strings to JSON values."""


class InvalidIdempotencyKey(InvalidArgument):
    """Raised for an idempotency key that is no string of 1 to 255 storable characters, or a command that has no fingerprint."""


class NotACommand(InvalidArgument, TypeError):
    """Raised by `execute` for anything that is not an instance of a `@command` class."""

    def __init__(self, value: object) -> None:
        self.value = value
        if isinstance(value, type):
            hint = f"the class {value.__name__} was given; make an instance of it"
        else:
            hint = f"{shortened(value)} is an instance of {type(value).__name__}, which carries no @command"
        super().__init__(f"execute takes a command: {hint}")


class CommandError(EventCoreError):
    """A command ran and nothing was written; it names the reason."""


class CommandRejected(CommandError):
    """The command's own rules said no. Raise it in `handle`, or let `require` raise it.

    The executor lets it pass to the caller, unchanged, once the state it was decided on was current at one moment.
    Subclass it to tell one rejection from another.
    """


class InvalidHandle(CommandError, TypeError):
    """Raised when `handle` returned something that is no iterable of writes."""

    def __init__(self, command: str, returned: object) -> None:
        self.command = command
        self.returned = returned
        super().__init__(
            f"{command}.handle returned {shortened(returned)}, expected an iterable of writes; yield or return "
            "`streams.<field>.write(event)`, or return () to write nothing"
        )


class InvalidWrite(CommandError):
    """`handle` asked for a write that it may not do; nothing of the command was written."""


class NotAWrite(InvalidWrite, TypeError):
    """Raised when `handle` yields something other than a `StreamWrite`."""

    def __init__(self, command: str, value: object) -> None:
        self.command = command
        self.value = value
        super().__init__(f"{command}.handle yielded {shortened(value)}, which is no write; yield `streams.<field>.write(event)`")


class ForeignWrite(InvalidWrite):
    """Raised for a write that was made with the streams of another command, or of an earlier run of the same."""

    def __init__(self, command: str, stream_id: str, event: object, made_with: str) -> None:
        self.command = command
        self.stream_id = stream_id
        self.event = event
        self.made_with = made_with
        super().__init__(
            f"{command}.handle yielded a write of {shortened(event)} to {stream_id!r} that was made with {made_with}; "
            "make every write with the `streams` that this run of handle was given"
        )


class UndeclaredStream(InvalidWrite):
    """Raised for a write to a stream that the command neither declared nor asked for in this run."""

    def __init__(self, command: str, stream_id: str, event: object, writable: Sequence[str]) -> None:
        self.command = command
        self.stream_id = stream_id
        self.event = event
        self.writable = tuple(writable)
        known = ", ".join(map(repr, self.writable)) or "none"
        super().__init__(
            f"{command} wrote {shortened(event)} to {stream_id!r}, a stream that it did not declare (writable here: {known}); "
            "declare a `stream()` field for it, or ask for it with `resolver.<field>.add(...)` of a `discovered()` field"
        )


class ReadOnlyStreamWrite(InvalidWrite):
    """Raised for a write to a stream that the command declared read-only.

    *event* is None where `handle` came no further than ``streams.<field>.write``, which such a stream does not have.
    """

    def __init__(self, command: str, field: str, stream_id: str, event: object = None) -> None:
        self.command = command
        self.field = field
        self.stream_id = stream_id
        self.event = event
        did = "wanted to write to" if event is None else f"wrote {shortened(event)} to"
        super().__init__(
            f"{command} {did} {stream_id!r}, but its field {field!r} is read-only; remove the write, or "
            f"`read_only=True` from the field and run `{GENERATE}`"
        )


class UndeclaredEvent(InvalidWrite, TypeError):
    """Raised for a write of an event that is not one of the stream's events."""

    def __init__(self, command: str, field: str, stream_id: str, event: object, accepted: Sequence[str]) -> None:
        self.command = command
        self.field = field
        self.stream_id = stream_id
        self.event = event
        self.accepted = tuple(accepted)
        if isinstance(event, type):
            repair = "write an instance of a class"
        else:
            repair = f"write one of these, or let the state's `apply` take {type(event).__name__} and run `{GENERATE}`"
        super().__init__(
            f"{command} wrote {shortened(event)} to {field!r} ({stream_id!r}), which takes {' | '.join(self.accepted) or 'no events'}; {repair}"
        )


class UndeclaredField(CommandError):
    """Raised when `handle` touches ``streams.<name>``, ``state.<name>`` or ``resolver.<name>`` that the command does not declare.

    *declared* are the names that there are.
    """

    def __init__(self, command: str, place: str, field: str, declared: Sequence[str]) -> None:
        self.command = command
        self.place = place
        self.field = field
        self.declared = tuple(declared)
        known = ", ".join(f"{place}.{name}" for name in self.declared) or "none"
        kind = "Discovered[<State>] = discovered()" if place == "resolver" else "StreamId[<State>] = stream()"
        super().__init__(
            f"{command}.handle touched {place}.{field}, which the command does not declare (there is: {known}); use one of these, or "
            f"declare `{field}: {kind}` and run `{GENERATE}`"
        )


class StreamNotRequested(CommandError):
    """Raised when `handle` touches a stream that this run never asked for. Not a `KeyError`: no default can answer for it."""

    def __init__(self, command: str, field: str, stream_id: object) -> None:
        self.command = command
        self.field = field
        self.stream_id = stream_id
        super().__init__(
            f"{command}.handle touched {shortened(stream_id)} through {field!r} without having asked for it in this run; "
            f"call `resolver.{field}.add(...)` with it first if the field is discovered(), or give it to the command's constructor"
        )


class DiscoveryLimitExceeded(CommandError):
    """Raised when a command asked for new streams in more rounds than `max_discoveries` allows."""

    def __init__(self, command: str, limit: int, rounds: Sequence[Sequence[str]]) -> None:
        self.command = command
        self.limit = limit
        self.rounds = tuple(tuple(asked) for asked in rounds)
        listed = "; ".join(f"round {n}: {_listed(asked)}" for n, asked in enumerate(self.rounds, 1))
        super().__init__(
            f"{command}.handle still asks for new streams after {limit} rounds of discovery ({listed}); ask for more streams "
            "at once, or raise CommandExecutor(max_discoveries=...)"
        )


class IdempotencyKeyReused(CommandError):
    """Raised when an idempotency key was used before by another command, or by the same with other fields."""

    def __init__(self, key: str, command: str) -> None:
        self.key = key
        self.command = command
        super().__init__(
            f"the idempotency key {shortened(key)} was already used by another command than this {command}; "
            "make one key per intended effect, and send a retry with exactly the same command"
        )


class RetriesExhausted(CommandError):
    """Raised when a command conflicted on every attempt that the `RetryPolicy` allows.

    *expected* and *actual* are versions (events in the stream) of *stream_id*, the stream of the last conflict; *events* are those between.
    """

    def __init__(self, command: str, attempts: int, stream_id: str, expected: int, actual: int, events: Sequence[Recorded[object]]) -> None:
        self.command = command
        self.attempts = attempts
        self.stream_id = stream_id
        self.expected = expected
        self.actual = actual
        self.events = tuple(events)
        between = ", ".join(type(recorded.event).__name__ for recorded in self.events[:5]) or "none readable"
        super().__init__(
            f"{command} conflicted {attempts} times and gave up: stream {stream_id!r} is at version {actual}, expected {expected} "
            f"(written in between: {between}); run it again, allow more attempts with RetryPolicy(max_attempts=...), or split the hot stream"
        )


class ProjectionError(EventCoreError):
    """A projection is not where it should be."""


class ProjectionStopped(ProjectionError):
    """Raised when a projection is waited for that will not go on by itself."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"the projection {name!r} does not go on: {reason}")


class ProjectionBehind(ProjectionError, TimeoutError):
    """Raised when a projection did not reach a position in time. What was appended is safe; only the read model is not there yet."""

    def __init__(self, name: str, wanted: object, reached: object, timeout: float) -> None:
        self.name = name
        self.wanted = wanted
        self.reached = reached
        super().__init__(
            f"the projection {name!r} did not reach position {wanted} within {timeout} s (it is at {reached}); is a runner of it at work? "
            "`eventcore projections lag` shows how far it is behind"
        )


class OutcomeUnknown(EventCoreError):
    """Raised when a store could not learn in time whether an append was committed. It may have been: look before doing it again."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"it is not known whether {what} was committed; look at the streams, or send it again with the same idempotency key"
        )


class EventDataError(EventCoreError):
    """An event cannot be stored, or what is stored cannot be read."""


class EventNotStorable(EventDataError, ValueError):
    """Raised when an event holds a value that not every store can keep exactly."""

    def __init__(self, event: str, problem: str) -> None:
        self.event = event
        self.problem = problem
        super().__init__(f"{event} cannot be stored: {problem}")


class EventNotReadable(EventDataError, ValueError):
    """Raised when the stored data of an event does not fit its class."""

    def __init__(self, event: str, where: str, problem: str) -> None:
        self.event = event
        self.where = where
        self.problem = problem
        super().__init__(
            f"{event} at {where} cannot be read: {problem}; make the class accept what is stored, or give the changed event "
            "a class and a name of its own"
        )


class UnknownEventType(EventDataError):
    """Raised when a stream holds an event that the state's `apply` (or the command's `events=`) does not take."""

    def __init__(self, event_type: str, stream_id: str, version: int, reader: str, known: Sequence[str]) -> None:
        self.event_type = event_type
        self.stream_id = stream_id
        self.version = version
        self.reader = reader
        self.known = tuple(known)
        super().__init__(
            f"stream {stream_id!r} holds {event_type!r} at version {version}, which {reader} does not take (it takes "
            f"{', '.join(self.known) or 'none'}); add it to `apply` and run `{GENERATE}`, or, where its class was renamed, let that keep the "
            f"name with @event({event_type!r}), or declare @state(ignore_unknown=True)"
        )


class UnknownEventVersion(EventDataError):
    """Raised when an event was stored in another version than the code declares."""

    def __init__(self, event_type: str, stored: int, known: int, where: str) -> None:
        self.event_type = event_type
        self.stored = stored
        self.known = known
        super().__init__(
            f"{event_type!r} at {where} was stored in version {stored}, this code declares version {known}; deploy code that knows "
            f"version {stored}, or keep one event class per version under a name of its own"
        )


class StoreError(EventCoreError):
    """The store cannot do its work now. Nothing of the failed call was written unless the class says otherwise."""


class StoreClosed(StoreError):
    """Raised when a store is used before `async with` opened it, or after it was closed."""


class StoreBusy(StoreError):
    """Raised when others kept the store locked for longer than the waiting time; nothing was written."""


class StoreUnavailable(StoreError):
    """Raised when the file or the server behind a store cannot be opened or was lost."""


class HistoryChanged(StoreError):
    """Raised by an append that rests on what was read before the store went over to another history; nothing was written.

    The server fell back on a copy without the newest commits (a failover to a standby that lagged behind, a restore). Read again, and decide
    again: an executor does so by itself.
    """

    def __init__(self, store: str) -> None:
        super().__init__(
            f"{store} went over to another history while an append waited, as after a failover or a restore: events that it may rest on are no more; "
            "nothing was written; read its streams again, and decide again"
        )


class StoreReadOnly(StoreError):
    """Raised by a write to a store that may only be read."""


class StoreFull(StoreError):
    """Raised when the disk is full; nothing was written."""


class StoreCorrupt(StoreError):
    """Raised when what is stored is damaged."""


class NotAnEventStore(StoreError):
    """Raised when a file or a schema exists but holds something else than an event store."""


class MigrationNeeded(StoreError):
    """Raised with `migrate=False` when the store is missing or older than the code; the message names the command to run."""


class StoreTooNew(StoreError):
    """Raised when the store was made by a newer version of eventcore; nothing was changed."""


class RequestRefused(StoreError):
    """Raised when the store refused one request for a reason of its own (a trigger, a constraint, a limit); its neighbours are unharmed."""


class InlineProjectionFailed(RequestRefused):
    """Raised by a command whose event an inline projection could not handle; nothing of the command was written.

    The cause is what the handler raised, or why the database refused its SQL. *event* is the type of the event, which was to be *version* of
    *stream_id*; all three are None while it is not known which of several it was.
    """

    def __init__(
        self, projection: str, reason: object, *, event: str | None = None, stream_id: str | None = None, version: int | None = None
    ) -> None:
        self.projection = projection
        self.event = event
        self.stream_id = stream_id
        self.version = version
        where = "an event of the request" if event is None else f"{event!r}, which was to be version {version} of stream {stream_id!r}"
        # What refused says by itself what to do.
        repair = (
            ""
            if isinstance(reason, RequestRefused)
            else "; mend the handler, or do not let the command write what the read model cannot take"
        )
        super().__init__(
            f"the inline projection {projection!r} failed on {where}, and nothing of the command was written: {reason}{repair}"
        )


class InlineProjectionsDiffer(StoreError):
    """Raised by an append of a process that does not keep the inline projections that the store demands; nothing was written.

    *demanded* and *kept* are the projections with their generations, such as ``"balances/1"``.
    """

    def __init__(self, store: str, demanded: str | None, kept: str | None) -> None:
        self.demanded = demanded
        self.kept = kept
        super().__init__(
            f"{store} demands of every append the inline projections {demanded or 'none'}, this process keeps {kept or 'none'}; nothing was "
            "written; call `await project_inline(store, [...])` with all of them after opening the store, with the code that the others run; "
            "`eventcore projections list` shows what is inline, and `eventcore projections end-inline` ends it"
        )


class LeaseLost(StoreError):
    """Raised by a transaction under a lease that is over: it was not renewed in time, and whoever holds it by now goes on."""


def shortened(value: object, limit: int = 120) -> str:
    """Return how *value* is shown in a message."""
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001  # an error about a value must not be replaced by one about showing it
        text = f"<{type(value).__name__} that cannot be shown: {error}>"
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def _listed(ids: Sequence[str], limit: int = 5) -> str:
    shown = ", ".join(map(repr, ids[:limit]))
    return shown if len(ids) <= limit else f"{shown} and {len(ids) - limit} more"
