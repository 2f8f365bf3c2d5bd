"""Snapshots: what makes one valid, and saving them in the background.

A snapshot is valid for one state class as it is now. Its *kind* is a digest of all that says so: the generator's fingerprint of the source, the
fields as the codec reads them, ``@state(version=)``, and what `apply` reaches in its own package (`reached.py`): that sees a change
even where nobody has generated again. What does not match is never asked for, what cannot be read is folded afresh, and losing one costs
nothing but time.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Sequence
from typing import Final, Protocol, final, runtime_checkable

import attrs

from eventcore.codec import EventCodec
from eventcore.errors import EventDataError, StoreClosed
from eventcore.execute.reached import reached
from eventcore.store import History, Snapshot

_log: Final = logging.getLogger("eventcore")

_FORMAT: Final = "1"
_SAVED_AT_ONCE: Final = 64
# Seconds after which a task of another event loop is looked at again.
_LOOKED_AGAIN: Final = 0.05


@final
@attrs.frozen(eq=False)
class SnapshotRule:
    """When states of a class are saved, under which kind, and how they become bytes and come back."""

    kind: str
    every: int
    encode: Callable[[object], bytes]
    decode: Callable[[bytes], object]


def snapshot_rule(
    cls: type[object], name: str, codec: EventCodec, *, every: int, version: int, fingerprint: str, events: Sequence[type[object]] = ()
) -> SnapshotRule:
    """Return the rule of a state class; *name* is its module's, *events* are the classes that `apply` takes.

    Raises `DefinitionError` where the codec cannot store it.
    """
    decode = codec.decoder(cls)
    parts = (_FORMAT, name, cls.__qualname__, str(version), fingerprint, codec.outline(cls), *reached(cls, name, events))
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return SnapshotRule(f"{cls.__qualname__[:180]}:{digest[:32]}", every, codec.encode, decode)


@runtime_checkable
class SavesSnapshots(Protocol):
    """A store that keeps snapshots. An executor makes do with one that doesn't."""

    async def save_snapshots(self, snapshots: Sequence[Snapshot], /) -> None: ...


@final
class Snapshots:
    """Saves states behind the commands: they never wait for it, and none fails because of it."""

    def __init__(self, store: SavesSnapshots | None, history: History) -> None:
        self.enabled = store is not None
        self._store = store
        self._history = history
        self._of = history.now
        self._waiting: dict[tuple[str, str], tuple[SnapshotRule, int, object]] = {}
        self._task: asyncio.Task[None] | None = None

    def offer(self, stream_id: str, rule: SnapshotRule, version: int, state: object) -> None:
        """Save *state* soon; one of the same stream that is still waiting is dropped for it."""
        self._waiting[str(stream_id), rule.kind] = (rule, version, state)
        self._begin()

    async def saved(self) -> None:
        """Wait until all that was offered is saved, or was given up."""
        while (task := self._begin()) is not None:
            # One of another event loop ends without waking this one.
            await asyncio.wait([task], timeout=_LOOKED_AGAIN)

    def _begin(self) -> asyncio.Task[None] | None:
        """Return the task that saves what is waiting, a new one where there is none; None where nothing is to be done."""
        task = self._task
        if task is None or task.done() or task.get_loop().is_closed():
            task = self._task = asyncio.get_running_loop().create_task(self._save()) if self._waiting else None
        return task

    async def _save(self) -> None:
        while self._waiting and self._store is not None:
            if self._history.now is not self._of:
                self._waiting.clear()  # their events may be no more
                return
            keys = list(self._waiting)[:_SAVED_AT_ONCE]
            offered = [(*key, *self._waiting.pop(key)) for key in keys]
            snapshots = [made for each in offered if (made := _snapshot(*each)) is not None]
            try:
                await self._store.save_snapshots(snapshots)
            except StoreClosed:
                _log.info("%d snapshots were not saved: the store was closed before; await executor.save_snapshots() first", len(snapshots))
            except Exception as error:  # noqa: BLE001  # nothing but time is lost with a snapshot
                _log.warning("%d snapshots could not be saved: %s", len(snapshots), error)


def _snapshot(stream_id: str, kind: str, rule: SnapshotRule, version: int, state: object) -> Snapshot | None:
    try:
        return Snapshot(stream_id, kind, version, rule.encode(state))
    except EventDataError as error:
        _log.warning("the state of %r at version %d cannot be kept as a snapshot: %s", stream_id, version, error)
        return None
