"""Which events and streams are asked for: options that several commands share, read into one value."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

from eventcore.errors import InvalidArgument
from eventcore.ids import Position, StreamPattern, StreamPrefix
from eventcore.store import EventFilter

_DURATION: Final = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")
_UNITS: Final = ("weeks", "days", "hours", "minutes", "seconds")


@attrs.frozen(kw_only=True)
class Selection:
    """What is asked for. *since* is in, *until*, *after* and *before* are out."""

    where: EventFilter
    since: datetime | None
    until: datetime | None
    after: Position | None
    before: Position | None

    def in_time(self, moment: datetime) -> bool:
        return not self.is_too_early(moment) and not self.is_too_late(moment)

    def is_too_early(self, moment: datetime) -> bool:
        return self.since is not None and moment < self.since

    def is_too_late(self, moment: datetime) -> bool:
        return self.until is not None and moment >= self.until


def selected(options: argparse.Namespace, *, now: datetime) -> Selection:
    """Return what *options* ask for; those that a command does not have ask for nothing. Raises `InvalidArgument`."""
    given = vars(options)
    since, until, after, before = (given.get(name) for name in ("since", "until", "after", "before"))
    prefixes = [StreamPrefix(text) for text in given.get("prefix") or ()]
    patterns = [StreamPattern(text) for text in given.get("match") or ()]
    types = given.get("types")
    return Selection(
        where=EventFilter(types=frozenset(types) if types else None, streams=(*prefixes, *patterns) or None),
        since=None if since is None else moment(since, now=now),
        until=None if until is None else moment(until, now=now),
        after=None if after is None else Position.parse(after),
        before=None if before is None else Position.parse(before),
    )


def moment(text: str, *, now: datetime) -> datetime:
    """Return the time that *text* names. Raises `InvalidArgument`."""
    duration = _DURATION.fullmatch(text.lower())
    try:
        if text and duration is not None:
            return now - timedelta(**{unit: float(amount) for unit, amount in zip(_UNITS, duration.groups(), strict=True) if amount})
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise InvalidArgument(f"{text!r} is no time; write 2026-11-24T16:00, or how long ago: 90s, 15m, 2h, 1d12h, 2w") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
