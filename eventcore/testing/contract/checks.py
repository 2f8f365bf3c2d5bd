"""Checks whose messages stand on their own: pytest explains no `assert` of an installed package, and ``python -O`` drops them.

``__tracebackhide__`` lets pytest point at the line of the scenario and not at the check.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from itertools import pairwise
from typing import Final, TypeVar

from eventcore.store import AlreadyDone, Committed, Conflict, KeyReused, Refused, StoredEvent, StreamSlice, Verdict

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)

_SHOWN: Final = 600


def require_that(holds: bool, claim: str) -> None:  # noqa: FBT001 - it reads like an assert
    """Fail with *claim*, which says what every store must do, unless it *holds*."""
    __tracebackhide__ = True
    if not holds:
        raise AssertionError(claim)


def require_equal(actual: object, expected: object, claim: str) -> None:
    __tracebackhide__ = True
    if actual != expected:
        raise AssertionError(f"{claim}: expected {_shown(expected)}, got {_shown(actual)}")


def require_committed(verdict: Verdict, claim: str) -> Committed:
    __tracebackhide__ = True
    return _require_kind(verdict, Committed, claim)


def require_conflict(verdict: Verdict, claim: str) -> Conflict:
    __tracebackhide__ = True
    return _require_kind(verdict, Conflict, claim)


def require_already_done(verdict: Verdict, claim: str) -> AlreadyDone:
    __tracebackhide__ = True
    return _require_kind(verdict, AlreadyDone, claim)


def require_key_reused(verdict: Verdict, claim: str) -> KeyReused:
    __tracebackhide__ = True
    return _require_kind(verdict, KeyReused, claim)


def require_refused(verdict: Verdict, claim: str) -> Refused:
    __tracebackhide__ = True
    return _require_kind(verdict, Refused, claim)


async def require_raises(error: type[E], action: Awaitable[object], claim: str) -> E:
    """Fail unless *action* raises *error*; any other error passes through, with its own traceback."""
    __tracebackhide__ = True
    try:
        outcome = await action
    except error as raised:
        return raised
    raise AssertionError(f"{claim}: expected {error.__name__}, got {_shown(outcome)}")


def require_whole(found: StreamSlice, claim: str) -> None:
    """Fail unless *found* holds every event after `StreamSlice.after` up to its version, in order, and names the newest one's position."""
    __tracebackhide__ = True
    require_equal([event.version for event in found.events], list(range(found.after + 1, found.version + 1)), f"{claim}: versions")
    require_equal([event for event in found.events if event.stream_id != found.stream_id], [], f"{claim}: events of other streams")
    if found.events:
        require_equal(found.position, found.events[-1].position, f"{claim}: position of the newest event")
    require_growing(found.events, claim)


def require_growing(events: Sequence[StoredEvent], claim: str) -> None:
    """Fail unless every event lies at a greater position than the one before."""
    __tracebackhide__ = True
    for earlier, later in pairwise(events):
        if not earlier.position < later.position:
            raise AssertionError(f"{claim}: positions must grow, but {_shown(later)} follows {_shown(earlier)}")


def _require_kind(verdict: Verdict, kind: type[T], claim: str) -> T:
    __tracebackhide__ = True
    if not isinstance(verdict, kind):
        raise AssertionError(f"{claim}: expected the verdict {kind.__name__}, got {type(verdict).__name__}\n{_shown(verdict)}")  # noqa: TRY004
    return verdict


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} characters)"
