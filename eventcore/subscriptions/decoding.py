"""From stored events to `Recorded` ones, by the event classes that a reader names. No registry is needed: the classes say how they are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, Final, cast, final

import orjson

from eventcore.codec import EventCodec
from eventcore.declare import event_marker
from eventcore.errors import EventDataError, EventNotReadable, InvalidArgument, UnknownEventType, UnknownEventVersion, shortened
from eventcore.events import Recorded
from eventcore.ids import StreamPattern, StreamPrefix
from eventcore.store import EventColumns, StoredEvent

_WILDCARDS = frozenset("*?[]")
_NO_METADATA: Final = b"{}"
# Events whose JSON is parsed at once: enough to share the call, and few enough that large ones are not all held.
_AT_ONCE: Final = 64
_new: Final = cast("Callable[[type[Recorded[object]]], Recorded[object]]", object.__new__)
_set_stored, _set_event, _set_metadata = (
    cast("Callable[[Recorded[object], Any], None]", getattr(Recorded, name).__set__) for name in ("_stored", "event", "metadata")
)


@final
class EventDecoder:
    """Decodes the events of *classes*. *owner* is who reads them, for errors. Raises `InvalidArgument` for a class that is no event."""

    def __init__(self, codec: EventCodec, owner: str, classes: Iterable[type[object]]) -> None:
        self._codec = codec
        self._owner = owner
        self._classes: dict[str, tuple[type[object], int]] = {}
        self._decoders: dict[str, tuple[int, Callable[[bytes], object]]] = {}
        # By name where the version is 1, by both otherwise.
        self._value_decoders: dict[str | tuple[str, int], Callable[[object], object]] = {}
        for cls in classes:
            marker = event_marker(cls)
            if marker is None:
                raise InvalidArgument(f"{owner} asks for {getattr(cls, '__qualname__', cls)}, which is no event; decorate it with @event")
            known, version = self._classes.setdefault(marker.name, (cls, marker.version))
            if known is not cls:
                raise InvalidArgument(
                    f"{owner} asks for {known.__qualname__} and {cls.__qualname__}, which are both stored as {marker.name!r}; "
                    f"give one of them another name (versions {version} and {marker.version})"
                )
            self._decoders[marker.name] = marker.version, codec.decoder(cls)
            self._value_decoders[marker.name if marker.version == 1 else (marker.name, marker.version)] = codec.value_decoder(cls)

    @property
    def types(self) -> frozenset[str]:
        """The names under which the events are stored."""
        return frozenset(self._classes)

    def type_of(self, cls: type[object]) -> str:
        """Return the name under which events of *cls*, one of the classes, are stored."""
        return next(name for name, (known, _) in self._classes.items() if known is cls)

    def recorded(self, stored: StoredEvent) -> Recorded[object]:
        """Return the event with all that is known about it. Raises an `EventDataError`."""
        _, _, _, _, type_, type_version, data, metadata, _ = stored
        known = self._decoders.get(type_)
        if known is None or known[0] != type_version:
            raise self._unknown(stored)
        # Around the constructor, which costs as much as the decoding.
        recorded = _new(Recorded)
        try:
            _set_event(recorded, known[1](data))
            _set_metadata(recorded, {} if metadata == _NO_METADATA else self._codec.decode_metadata(metadata))
        except EventDataError:
            raise
        except Exception as error:
            raise EventNotReadable(type_, _where(stored), str(error) or repr(error)) from error
        _set_stored(recorded, stored)
        return recorded

    def recorded_all(self, events: Iterable[StoredEvent]) -> Iterator[tuple[str, Recorded[object]]]:
        """Yield the type of each event, and the event as `recorded` returns it; those of a page that comes in columns sooner."""
        if isinstance(events, EventColumns):
            return self._of_columns(events)
        return ((stored.type, self.recorded(stored)) for stored in events)

    def _of_columns(self, columns: EventColumns) -> Iterator[tuple[str, Recorded[object]]]:
        """Decode the JSON of some events at once. What is wrong with one is met again, and told, by `recorded`."""
        types, data = columns.types, columns.data
        kinds: Sequence[Any] = types
        if columns.type_versions is not None:
            kinds = [name if version == 1 else (name, version) for name, version in zip(types, columns.type_versions, strict=True)]
        metadata: Iterator[bytes | None] = repeat(None) if columns.metadata is None else iter(columns.metadata)
        decoders, late = self._value_decoders, columns.late()
        for start in range(0, len(types), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            values = _values(data[part])
            known = kinds[part] if values else repeat(None)
            # Those that are late come last: where the first have no more, nothing is taken of them.
            for type_, kind, value, its_metadata, source in zip(types[part], known, values or repeat(None), metadata, late, strict=False):
                recorded, failed = _new(Recorded), False
                try:
                    _set_event(recorded, decoders[kind](value))
                    if its_metadata is not None:
                        _set_metadata(recorded, self._codec.decode_metadata(its_metadata))
                    _set_stored(recorded, source)
                except Exception:  # noqa: BLE001  # whatever it is, it is met again and told below
                    failed = True
                yield type_, self.recorded(source[0](*source[1:])) if failed else recorded

    def _unknown(self, stored: StoredEvent) -> EventDataError:
        known = self._classes.get(stored.type)
        if known is None:
            return UnknownEventType(stored.type, stored.stream_id, stored.version, self._owner, tuple(self._classes))
        return UnknownEventVersion(stored.type, stored.type_version, known[1], _where(stored))


def _values(data: Sequence[bytes]) -> Sequence[object] | None:
    """Return what the JSON of some events says, None where it is not that of just as many."""
    try:
        values: list[object] = orjson.loads(b"[" + b",".join(data) + b"]")
    except ValueError:
        return None
    return values if len(values) == len(data) else None


def stream_selectors(
    streams: Iterable[str | StreamPrefix | StreamPattern] | str | StreamPrefix | StreamPattern | None,
) -> tuple[StreamPrefix | StreamPattern, ...] | None:
    """Return what *streams* select: a text with a wildcard is a pattern over whole ids, one without is a prefix. Raises `InvalidArgument`."""
    if streams is None:
        return None
    several = (streams,) if isinstance(streams, str | StreamPrefix | StreamPattern) else tuple(_each(streams))
    if not several:
        raise InvalidArgument("streams=() selects nothing; leave it out to select every stream")
    return tuple(_selector(each) for each in several)


def _each(streams: object) -> Iterator[str | StreamPrefix | StreamPattern]:
    several = cast("Iterable[object]", streams) if isinstance(streams, Iterable) else (streams,)
    for each in several:
        if not isinstance(each, str | StreamPrefix | StreamPattern):
            raise InvalidArgument(f"streams={shortened(several)}: expected texts, StreamPrefix or StreamPattern, got {shortened(each)}")
        yield each


def _selector(stream: str | StreamPrefix | StreamPattern) -> StreamPrefix | StreamPattern:
    if isinstance(stream, StreamPrefix | StreamPattern):
        return stream
    return StreamPattern(stream) if _WILDCARDS & set(stream) else StreamPrefix(stream)


def _where(stored: StoredEvent) -> str:
    return f"version {stored.version} of stream {stored.stream_id!r}"
