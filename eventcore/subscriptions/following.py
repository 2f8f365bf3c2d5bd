"""`store.subscribe(...)`: everything that was recorded, then everything that is, in one loop."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Final, TypeAlias, TypeVar, cast

from eventcore.arguments import Arguments
from eventcore.codec import EventCodec
from eventcore.errors import InvalidArgument, StoreBusy, StoreUnavailable
from eventcore.events import Recorded
from eventcore.ids import Position, StreamPattern, StreamPrefix
from eventcore.store import EventFilter, EventLog, Page, StoredEvent, check_position
from eventcore.subscriptions.decoding import EventDecoder, stream_selectors

E = TypeVar("E")
Streams: TypeAlias = "str | StreamPrefix | StreamPattern | Iterable[str | StreamPrefix | StreamPattern]"

_log: Final = logging.getLogger("eventcore")
# Seconds to wait for a store that is away: doubled from the first to the longest, of which up to half is left to chance.
_FIRST_WAIT: Final = 0.05
_LONGEST_WAIT: Final = 5.0


class Subscribing:
    """Gives a store `subscribe`."""

    __slots__ = ()

    def subscribe(
        self: EventLog,
        types: type[E] | Iterable[type[E]],
        *,
        after: Position | None = None,
        streams: Streams | None = None,
        page_size: int = 500,
        poll_interval: float = 2.0,
        codec: EventCodec | None = None,
    ) -> AsyncGenerator[Recorded[E]]:
        """Yield every event of *types* that follows *after* (None: from the beginning), in the global order, and go on as they come.

        It never ends by itself: leave the loop. *streams* selects streams: a text with a wildcard is a pattern over whole ids, one without
        is a prefix. Events are read in pages, the next one only when you have taken all of this one, so a slow reader holds up nobody. A
        store that is away is waited for, and reading goes on after the last event that you were given.

        To go on where you left off, give the position of the last event as *after*. Raises an `EventDataError` for an event that cannot be read.
        """
        given = Arguments("subscribe")
        given.check(isinstance(cast("object", types), Iterable | type), "types", types, "an @event class, or several")
        several: tuple[type[E], ...] = (types,) if isinstance(types, type) else tuple(types)
        if not several:
            raise InvalidArgument("subscribe(()) selects nothing; name at least one @event class")
        check_position(after)
        given.whole(1, page_size=page_size)
        given.number(0, poll_interval=poll_interval)
        given.instances(EventCodec | None, codec=codec)
        decoder = EventDecoder(codec or EventCodec(), "the subscription", several)
        where = EventFilter(types=decoder.types, streams=stream_selectors(streams))
        decode = cast("Callable[[Iterable[StoredEvent]], Iterable[tuple[str, Recorded[E]]]]", decoder.recorded_all)
        return _follow(self, decode, after, where, page_size, poll_interval)


async def _follow(
    log: EventLog,
    decode: Callable[[Iterable[StoredEvent]], Iterable[tuple[str, Recorded[E]]]],
    after: Position | None,
    where: EventFilter,
    limit: int,
    poll: float,
) -> AsyncGenerator[Recorded[E]]:
    failures = 0
    while True:
        try:
            page = await _next_page(log, after, where, limit, poll)
        except (StoreBusy, StoreUnavailable) as error:
            wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2**failures) * random.uniform(0.5, 1)  # noqa: S311  # chance, not secrecy
            failures = min(failures + 1, 16)
            _log.warning("a subscription lost its store and looks again in %.2f s: %s", wait, error)
            await asyncio.sleep(wait)
            continue
        failures = 0
        for _, recorded in decode(page.events):
            yield recorded
        after = page.position


async def _next_page(log: EventLog, after: Position | None, where: EventFilter, limit: int, poll: float) -> Page:
    """Return a page, which may be empty; where there is nothing beyond *after*, wait for it first."""
    page = await log.read_all(after, limit=limit, where=where)
    if not page.events and not page.more:
        await log.wait_for_news(page.position, timeout=poll)
    return page
