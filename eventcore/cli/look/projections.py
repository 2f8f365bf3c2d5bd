"""Projections: how far they are, and what is asked of them."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Final, NamedTuple

from eventcore.cli.exits import OK
from eventcore.cli.look.opening import Browsed, opened, url_beside
from eventcore.cli.look.parked import counted, parked_json, parked_lines
from eventcore.cli.look.shown import full_time, time_text
from eventcore.cli.look.terminal import Column, Table, Terminal, harmless, shortened
from eventcore.cli.output import put, remark, write
from eventcore.errors import InvalidArgument, ProjectionStopped
from eventcore.projections.inline import end_inline
from eventcore.projections.records import ProjectionRecord, Records, lease_name, records
from eventcore.projections.swapping import obstacles
from eventcore.store import Lease, StoredEvent

_BEHIND: Final = 1
_LOOK_AGAIN: Final = 0.5
_BAR: Final = 30


class _Seen(NamedTuple):
    """A generation, the first event that it has not come to yet, how many events it has parked, who leads it, and what will not let it be live."""

    record: ProjectionRecord
    next: StoredEvent | None
    parked: int
    lease: Lease | None
    in_the_way: Sequence[str]


async def run(options: argparse.Namespace) -> int:
    async with opened(url_beside(options.name, options, what="the NAME of a projection")) as store:
        match options.action:
            case "list" | "status" | "lag":
                return await _show(store, options)
            case "parked":
                return await _show_parked(store, options)
            case "rebuild":
                return await _rebuild(store, options.name, wait=options.wait)
            case action:
                put(await _tell(store, action, options.name))
                return OK


async def _show(store: Browsed, options: argparse.Namespace) -> int:
    seen = await _seen(store, options.name)
    if options.json:
        put(*(json.dumps(_as_json(each)) for each in seen))
    elif not seen:
        remark("no projection has run on this store yet")
    elif options.action == "status":
        for each in seen:
            put(*_described(each))
    else:
        put(*_rows(seen, why=options.action == "list" and any(each.record.fault is not None or each.in_the_way for each in seen)))
    late = any(each.record.live and not each.record.inline and (each.next is not None or not each.record.goes_on) for each in seen)
    return _BEHIND if options.action == "lag" and late else OK


async def _seen(store: Browsed, name: str | None) -> list[_Seen]:
    async with records(store, read_only=True) as kept:
        generations = await (kept.load_all() if name is None else kept.load(name))
        parked = await kept.count_parked()
        obstructed = await _obstructed(kept, generations)
    if name is not None and not generations:
        raise _unknown(name)
    seen: list[_Seen] = []
    for record in generations:
        following = () if record.inline else (await store.read_all(record.position, limit=1)).events
        lease = await store.find_lease(lease_name(record.name, record.generation))
        key = record.name, record.generation
        seen.append(_Seen(record, following[0] if following else None, parked.get(key, 0), lease, obstructed.get(key, ())))
    return seen


async def _obstructed(kept: Records, generations: Sequence[ProjectionRecord]) -> Mapping[tuple[str, int], Sequence[str]]:
    """Return what is in the way of those that are being built, by name and generation."""
    found: dict[tuple[str, int], Sequence[str]] = {}
    for name, same in groupby(generations, lambda record: record.name):
        together = list(same)
        found[name, together[-1].generation] = await obstacles(kept, together)
    return found


async def _show_parked(store: Browsed, options: argparse.Namespace) -> int:
    async with records(store, read_only=True) as kept:
        generations = await (kept.load_all() if options.name is None else kept.load(options.name))
        parked = [each for name in dict.fromkeys(record.name for record in generations) for each in await kept.parked(name)]
    if options.name is not None and not generations:
        raise _unknown(options.name)
    if options.json:
        put(*map(parked_json, parked))
    elif parked:
        put(*parked_lines(parked, Terminal.of_stdout()))
    else:
        put("nothing is parked")
    return OK


async def _tell(store: Browsed, action: str, name: str) -> str:
    if action == "end-inline":
        await end_inline(store, name)
        return f"{name} is kept by its runner from here on"
    async with records(store) as kept:
        match action:
            case "pause":
                if any(record.inline for record in await kept.load(name)):
                    raise InvalidArgument(f"{name} is inline, and no runner keeps it; `eventcore projections end-inline {name}` ends that")
                known, said = await kept.pause(name, paused=True), f"{name} pauses after the batch that it is at"
            case "resume":
                known, said = await kept.resume(name), f"{name} goes on"
            case _:
                known, count = bool(await kept.load(name)), await kept.request_retry(name)
                said = f"{counted(count)} of {name} will be handled once more"
    if not known:
        raise _unknown(name)
    return said


async def _rebuild(store: Browsed, name: str, *, wait: bool) -> int:
    async with records(store) as kept:
        generation = await kept.request_rebuild(name)
    if not wait:
        put(
            f"{name} is being rebuilt already"
            if generation is None
            else f"{name} will be rebuilt by its runner, as generation {generation}"
        )
        async with records(store, read_only=True) as kept:
            in_the_way = await obstacles(kept, await kept.load(name))
        Bar().warn(in_the_way)
        return OK
    bar = Bar()
    try:
        live = await _built(store, name, bar)
    finally:
        bar.end()
    put(f"{name} is live as generation {live.generation}" if live is not None else f"{name} was removed")
    return OK


async def _built(store: Browsed, name: str, bar: Bar) -> ProjectionRecord | None:
    """Return the live generation once no other one is being built. Raises `ProjectionStopped` where that will not be."""
    while True:
        async with records(store, read_only=True) as kept:
            generations = await kept.load(name)
            in_the_way = await obstacles(kept, generations)
        live = next((each for each in generations if each.live), None)
        building = next((each for each in reversed(generations) if not each.live), None)
        if building is None or live is None:
            return live
        if not building.goes_on:
            raise ProjectionStopped(name, building.stopped_by)
        bar.draw(building, live)
        bar.warn(in_the_way)
        await asyncio.sleep(_LOOK_AGAIN)


class Bar:
    """How far a read model is that is being built: one line that is drawn anew in a terminal, a line each time elsewhere."""

    def __init__(self) -> None:
        self._terminal = Terminal.of_stdout()
        self._drawn = False
        self._warned = set[str]()
        self._began: tuple[float, int] | None = None

    def draw(self, building: ProjectionRecord, live: ProjectionRecord) -> None:
        share = min(1.0, building.handled / live.handled) if live.handled else 1.0
        text = (
            f"{'█' * round(share * _BAR):░<{_BAR}} {share:4.0%}  {building.handled} of {live.handled} events  {self._left(building, live)}"
        )
        if self._terminal.width is None:
            put(text)
            return
        # Within the line: the rest of a longer one would not be drawn over.
        write(f"\r\x1b[K{shortened(text, self._terminal.width - 1)}")
        self._drawn = True

    def warn(self, in_the_way: Sequence[str]) -> None:
        """Say what the new read model will have to wait for, or waits for now; each of it once."""
        for each in in_the_way:
            if each not in self._warned:
                self._warned.add(each)
                self.end()
                remark(f"in the way of the new read model: {harmless(each)}")

    def end(self) -> None:
        """Let what is printed next begin a line."""
        if self._drawn:
            put("")
            self._drawn = False

    def _left(self, building: ProjectionRecord, live: ProjectionRecord) -> str:
        """Return how long it takes, by what was handled while somebody looked: it may have begun long ago."""
        now = time.monotonic()
        if self._began is None:
            self._began = now, building.handled
        since, handled = self._began
        if building.handled <= handled:
            return "waiting for a runner"
        return f"{(now - since) / (building.handled - handled) * max(0, live.handled - building.handled):.0f} s left"


def _state(record: ProjectionRecord) -> str:
    if record.inline:
        return "inline"
    if record.fault is not None:
        return "stopped"
    if record.paused:
        return "paused"
    return "live" if record.live else "building"


def _rows(seen: Sequence[_Seen], *, why: bool) -> Iterable[str]:
    """Return a table; *why* tells in a last column what stopped those that are stopped, or will stop those that are being built."""
    columns = [Column("projection", "cyan"), Column("version", right=True), Column("state"), Column("behind")]
    table = Table(Terminal.of_stdout(), [*columns, Column("stopped by", "red", shrinks=True)] if why else columns)
    return table.lines([[*_row(each), each.record.fault or "; ".join(each.in_the_way)] if why else _row(each) for each in seen])


def _row(seen: _Seen) -> Sequence[str]:
    return (seen.record.name, str(seen.record.version), _state(seen.record), _lag(seen))


def _lag(seen: _Seen) -> str:
    return "nothing" if seen.next is None else f"{_seconds(seen.next):.1f} s"


def _seconds(event: StoredEvent) -> float:
    return max(0.0, (datetime.now(UTC) - event.recorded_at).total_seconds())


def _described(seen: _Seen) -> list[str]:
    record = seen.record
    return [
        f"{record.name}: {_state(record)}, version {record.version}, generation {record.generation}",
        f"  tables    {', '.join(record.tables) or 'none'}",
        *(
            ["  position  that of the newest event: every append keeps it"]
            if record.inline
            else [
                f"  position  {record.position if record.position is not None else 'the beginning'}, {_lag(seen)} behind",
                f"  events    {record.handled} handled, {record.skipped} of them skipped, {seen.parked} parked",
                f"  leader    {_leader(seen.lease)}",
            ]
        ),
        *([f"  stopped   by {harmless(record.fault)}"] if record.fault is not None else []),
        *(f"  blocked   {harmless(each)}" for each in seen.in_the_way),
    ]


def _leader(lease: Lease | None) -> str:
    return "nobody" if lease is None else f"{harmless(lease.owner)}, until {time_text(lease.expires_at)}"


def _as_json(seen: _Seen) -> Mapping[str, object]:
    record = seen.record
    return {
        "name": record.name,
        "version": record.version,
        "generation": record.generation,
        "state": _state(record),
        "live": record.live,
        "inline": record.inline,
        "tables": record.tables,
        "position": None if record.position is None else str(record.position),
        "behind_seconds": 0.0 if seen.next is None else _seconds(seen.next),
        "handled": record.handled,
        "skipped": record.skipped,
        "parked": seen.parked,
        "leader": None if seen.lease is None else seen.lease.owner,
        "leads_until": None if seen.lease is None else full_time(seen.lease.expires_at),
        "fault": record.fault,
        "blocked_by": seen.in_the_way,
        "updated_at": record.updated_at.isoformat(),
    }


def _unknown(name: str) -> InvalidArgument:
    return InvalidArgument(f"there is no projection {name!r}; `eventcore projections list` shows those that ran before")
