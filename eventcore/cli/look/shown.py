"""Events and streams as they are shown: as rows of a table, in full, and as JSON, one value a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import orjson

from eventcore.cli.look.terminal import Column, Table, Terminal, harmless
from eventcore.store import StoredEvent

if TYPE_CHECKING:
    from eventcore.stores.catalogue import StreamHead

_EVENT_COLUMNS: Final = (
    Column("POSITION", "dim", right=True),
    Column("RECORDED AT", "dim"),
    Column("STREAM", "cyan", shrinks=True),
    Column("VERSION", right=True),
    Column("TYPE", "bold", shrinks=True),
    Column("DATA", shrinks=True),
)
_STREAM_COLUMNS: Final = (
    Column("STREAM", "cyan", shrinks=True),
    Column("VERSION", right=True),
    Column("LAST EVENT AT", "dim"),
    Column("LAST EVENT", "bold", shrinks=True),
    Column("POSITION", "dim", right=True),
)


def event_table(terminal: Terminal) -> Table:
    return Table(terminal, _EVENT_COLUMNS)


def stream_table(terminal: Terminal) -> Table:
    return Table(terminal, _STREAM_COLUMNS)


def event_row(event: StoredEvent) -> Sequence[str]:
    type_ = event.type if event.type_version == 1 else f"{event.type} v{event.type_version}"
    return (str(event.position), time_text(event.recorded_at), event.stream_id, str(event.version), type_, event.data.decode())


def stream_row(head: StreamHead) -> Sequence[str]:
    return (head.stream_id, str(head.version), time_text(head.recorded_at), head.type, str(head.position))


def event_json(event: StoredEvent) -> str:
    """Return *event* as one line of JSON. What it carries is given on byte for byte."""
    return _line(
        {
            "position": str(event.position),
            "recorded_at": full_time(event.recorded_at),
            "stream_id": event.stream_id,
            "version": event.version,
            "type": event.type,
            "type_version": event.type_version,
            "event_id": str(event.event_id),
            "data": orjson.Fragment(event.data),
            "metadata": orjson.Fragment(event.metadata),
        }
    )


def stream_json(head: StreamHead) -> str:
    return _line(
        {
            "stream_id": head.stream_id,
            "version": head.version,
            "position": str(head.position),
            "type": head.type,
            "recorded_at": full_time(head.recorded_at),
        }
    )


def event_in_full(event: StoredEvent, terminal: Terminal) -> Iterable[str]:
    """Return all that is kept of *event*, for people."""
    version = "" if event.type_version == 1 else f" v{event.type_version}"
    yield terminal.styled(harmless(event.type) + version, "bold")
    facts = {
        "stream": f"{harmless(event.stream_id)} at version {event.version}",
        "position": str(event.position),
        "recorded": full_time(event.recorded_at),
        "event id": str(event.event_id),
    }
    for name, value in facts.items():
        yield f"  {terminal.styled(name.ljust(8), 'dim')}  {value}"
    for name, text in (("data", event.data), ("metadata", event.metadata)):
        first, *others = _indented(text)
        yield f"  {terminal.styled(name.ljust(8), 'dim')}  {first}"
        yield from (f"            {line}" for line in others)


def _indented(text: bytes) -> Sequence[str]:
    return [harmless(line) for line in orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode().splitlines()]


def time_text(moment: datetime) -> str:
    """Return *moment* to the second, in UTC: precise enough to look at."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def full_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _line(value: object) -> str:
    return orjson.dumps(value).decode()
