"""One stream, or one event, in full."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from uuid import UUID

from eventcore.cli.exits import FAILED, OK
from eventcore.cli.look.opening import Browsed, opened, url_beside
from eventcore.cli.look.shown import event_in_full, event_json
from eventcore.cli.look.terminal import Terminal
from eventcore.cli.output import put, remark
from eventcore.errors import InvalidArgument
from eventcore.ids import StreamId, StreamPrefix
from eventcore.store import StoredEvent, StreamRead
from eventcore.stores.redaction import redacted


async def run(options: argparse.Namespace) -> int:
    if options.version == 0:
        raise InvalidArgument("a stream at version 0 has no event; the first is at version 1")
    async with opened(url_beside(options.what, options, what="the id of a STREAM or an EVENT")) as store:
        events = await _found(store, options)
    if not events:
        return FAILED
    terminal = Terminal.of_stdout()
    for number, event in enumerate(events):
        if options.json:
            put(event_json(event))
        else:
            put(*([""] if number else ()), *event_in_full(event, terminal))
    return OK


async def _found(store: Browsed, options: argparse.Namespace) -> Sequence[StoredEvent]:
    """Return what there is, and complain where there is nothing."""
    event_id = _uuid(options.what)
    if event_id is not None and (event := await store.find_event(event_id)) is not None:
        return [event]
    stream_id = StreamId[object](options.what)
    version, named = await _version(store, stream_id), repr(redacted(options.what))
    if version == 0:
        remark(f"there is no stream {named}" if event_id is None else f"there is no event {named}, nor a stream of this id")
        return ()
    if options.version is not None and options.version > version:
        remark(f"the stream {named} is at version {version}: it has no event at version {options.version}")
        return ()
    if options.version is not None:
        events = await _events(store, stream_id, options.version - 1)
        return events[:1]
    return await _events(store, stream_id, max(0, version - options.limit) if options.limit else 0)


async def _version(store: Browsed, stream_id: str) -> int:
    # Of all streams that begin with its id it comes first.
    heads = await store.list_streams(limit=1, streams=[StreamPrefix(stream_id)])
    return heads[0].version if heads and heads[0].stream_id == stream_id else 0


async def _events(store: Browsed, stream_id: str, after: int) -> Sequence[StoredEvent]:
    result = await store.read([StreamRead(stream_id, after)])
    return result.slices[0].events


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
