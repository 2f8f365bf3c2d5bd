"""The global order, page by page."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from typing import Final, NamedTuple

import orjson

from eventcore.ids import Position, StreamPattern, StreamPrefix
from eventcore.store import EventFilter, Page, StoredEvent
from eventcore.stores.selecting import literal_prefix
from eventcore.stores.sqlite.rows import all_rows, position_of, stored_event
from eventcore.stores.sqlite.statements import statements

_SQL: Final = statements("log")
# Events that one page looks through for the few that a filter lets through: bounded work, whatever the filter.
_WINDOW: Final = 20_000
_SET: Final = re.compile(r"\[!?.[^\]]*\]", re.DOTALL)


class _Window(NamedTuple):
    """The positions that a page looks through: greater than *after*, up to *until*. *newest* is the last there is."""

    after: int
    until: int
    newest: int


def read_page(connection: sqlite3.Connection, after: Position | None, limit: int, where: EventFilter) -> Page:
    """Return the next page. The connection must be in a transaction."""
    start = after.key[0] if after is not None else 0
    (newest,) = connection.execute(_SQL["newest"]).fetchone()
    if newest is None or newest <= start:
        return Page((), after, more=False)
    window = _window(connection, start, newest, limit, where)
    events = _select(connection, window, limit, where)
    reached = events[-1].position.key[0] if len(events) == limit else window.until
    return Page(events, position_of(reached), more=reached < newest)


def _window(connection: sqlite3.Connection, after: int, newest: int, limit: int, where: EventFilter) -> _Window:
    if where.types is not None:
        size = limit if where.streams is None else max(limit, _WINDOW)
        count, last = connection.execute(
            _SQL["window_by_type"], {"types": types_json(where.types), "after": after, "size": size}
        ).fetchone()
        return _Window(after, last if count == size else newest, newest)
    if where.streams is not None:
        return _Window(after, min(newest, after + max(limit, _WINDOW)), newest)
    return _Window(after, newest, newest)


def _select(connection: sqlite3.Connection, window: _Window, limit: int, where: EventFilter) -> list[StoredEvent]:
    name = "page" + ("_by_type" if where.types is not None else "")
    if where.streams is not None:
        name += "_and_stream" if where.types is not None else "_by_stream"
    parameters = {
        "after": window.after,
        "until": window.until,
        "limit": limit,
        "types": types_json(where.types),
        "selectors": selectors_json(where.streams),
    }
    return sorted((stored_event(*row) for row in all_rows(connection, _SQL[name], parameters, width=9)), key=_by_position)


def types_json(types: Iterable[str] | None) -> str | None:
    return None if types is None else _json(list(types))


def selectors_json(streams: Iterable[StreamPrefix | StreamPattern] | None) -> str:
    return _json([_selector(select) for select in streams or ()])


def _selector(select: StreamPrefix | StreamPattern) -> tuple[str, str | None, str | None]:
    """Return the literal beginning, a GLOB that lets at least the right ids through, and the pattern itself where that is not exact.

    SQLite's sets differ from ours in small ways, so a set becomes ``?`` and the pattern has the last word on what is left.
    """
    literal = literal_prefix(select)
    if isinstance(select, StreamPrefix):
        return literal, None, None
    glob = _SET.sub("?", select.text)
    return literal, glob, select.text if glob != select.text else None


def _by_position(event: StoredEvent) -> Position:
    return event.position


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
