"""Inline projections: read models that every append keeps up to date in its own transaction, so that they never lag.

A projection becomes inline in two steps. History is gone through in batches, while everybody goes on appending; then, while nobody appends, the rest
is handled and the store is told what it has to demand of every append from then on. So no event is left out or handled twice, and a process that
does not keep the projection is refused instead of letting it lag.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from eventcore.arguments import Arguments
from eventcore.codec import EventCodec
from eventcore.errors import InlineProjectionsDiffer, InvalidArgument, ProjectionStopped, RequestRefused
from eventcore.projections.building import Building, chosen, handled
from eventcore.projections.inline_work import InlineReadModels, names_of
from eventcore.projections.projector import Projector, check_projections
from eventcore.projections.records import Progress, ProjectionRecord, Records, records
from eventcore.projections.swapping import SwapBlocked, TablesInUse, all_alone, in_use, swap
from eventcore.store import InlineStore

_THIS: Final = "this store"
# Seconds between two attempts at a switch for which readers did not let go of the read model.
_LOOK_AGAIN: Final = 0.1


async def project_inline(
    store: InlineStore, projections: Iterable[object], /, *, codec: EventCodec | None = None, batch_size: int = 500, timeout: float = 600.0
) -> None:
    """Keep read models up to date in the transaction of every append that is made through *store* from here on.

    Call it after opening the store and before the first command, in every process that appends, always with all of the *projections*
    (instances of `@projection` classes): a process that keeps others than the store demands gets `InlineProjectionsDiffer` for its appends. The
    first call goes through history, *batch_size* events at a time, while others go on appending; so does the first call with a new version of a
    projection. *timeout* is how many seconds it waits for whoever builds or runs the same projection now. *codec* is the one that your events are
    stored with.

    A command whose event cannot be handled fails with `InlineProjectionFailed`, and with it nothing but its own events. Raises
    `ProjectionStopped` where history holds such an event, `InvalidArgument` for a projection that cannot be inline.
    """
    given = Arguments("project_inline")
    check_projections(given, store, "switch_inline", projections)
    given.whole(1, batch_size=batch_size)
    given.number(0, timeout=timeout)
    given.instances(EventCodec | None, codec=codec)
    projectors = _projectors(projections, codec or EventCodec())
    kept = await _kept_already(store, projectors)
    if kept is not None:
        store.attach(InlineReadModels(kept))
        return
    deadline = asyncio.get_running_loop().time() + timeout
    await _build(store, projectors, batch_size, deadline)
    attempt = 0
    while True:
        try:
            await _switch(store, projectors, batch_size, attempt)
        except (TablesInUse, SwapBlocked) as error:
            # Between two attempts others append and read.
            blocked = error if isinstance(error, SwapBlocked) else await in_use(store, error.name)
            if blocked.lasts or asyncio.get_running_loop().time() >= deadline:
                raise blocked from error.__cause__
        except RequestRefused:
            # Outside the switch it is told which event it was; otherwise it was none.
            await _build(store, projectors, batch_size, deadline)
            raise
        else:
            return
        attempt += 1
        await asyncio.sleep(_LOOK_AGAIN)


async def end_inline(store: InlineStore, name: str, /) -> None:
    """Let the projection *name* be one that a runner keeps: its read model stays, and a `ProjectionRunner` goes on from here.

    Processes that still keep it inline get `InlineProjectionsDiffer` for their appends until they are started without it.
    """
    before = None
    try:
        async with store.switch_inline() as switch:
            kept = Records(switch)
            await kept.lock(name)
            record = await _inline_one(kept, name)
            await kept.set_inline(name, record.generation, inline=False)
            # A fault would keep it at the place where it became inline; older code may have left one.
            await kept.resume(name)
            await kept.advance(name, record.generation, Progress(await switch.newest(), 0), after=record.position)
            await switch.demand(names_of(await _inline(kept)))
            # Appends of this store that wait for the end of the switch go on without it.
            before = store.attach(None)
            store.attach(before.without(name) if isinstance(before, InlineReadModels) else before)
    except BaseException:
        if before is not None:
            store.attach(before)
        raise


def _projectors(projections: Iterable[object], codec: EventCodec) -> list[Projector]:
    projectors = [Projector(each, codec) for each in projections]
    names = [projector.name for projector in projectors]
    if len(set(names)) != len(names) or not names:
        raise InvalidArgument(f"project_inline needs projections of different names, got {', '.join(names) or 'none'}")
    for projector in projectors:
        marker = projector.marker
        if any(handler.effect for _, handler in marker.handlers):
            raise InvalidArgument(
                f"{projector.name!r} has an effect and cannot be inline: an append may be rolled back after its handlers ran; put the effect "
                "into a projection of its own, for a runner"
            )
        if marker.on_fault != "stop":
            raise InvalidArgument(
                f"{projector.name!r} says on_fault={marker.on_fault!r} and cannot be inline: what it cannot handle is not appended; leave it out"
            )
    return projectors


async def _inline_one(kept: Records, name: str) -> ProjectionRecord:
    record = next((each for each in await kept.load(name) if each.inline), None)
    if record is None:
        raise InvalidArgument(f"there is no inline projection {name!r}; `eventcore projections list` shows those that there are")
    return record


async def _inline(kept: Records) -> list[ProjectionRecord]:
    return [record for record in await kept.load_all() if record.inline]


async def _kept_already(store: InlineStore, projectors: Sequence[Projector]) -> list[tuple[Projector, ProjectionRecord]] | None:
    """Return the records where all of *projectors*, and no others, are inline as this code has them; None where something is to be done."""
    async with records(store, read_only=True) as kept:
        inline = {record.name: record for record in await _inline(kept)}
    _refuse_others(inline.values(), projectors)
    if all(projector.name in inline and inline[projector.name].version == projector.marker.version for projector in projectors):
        return [(projector, inline[projector.name]) for projector in projectors]
    return None


def _refuse_others(inline: Iterable[ProjectionRecord], projectors: Sequence[Projector]) -> None:
    names = {projector.name for projector in projectors}
    if any(record.name not in names for record in inline):
        raise InlineProjectionsDiffer(_THIS, names_of(inline), " ".join(sorted(names)))


async def _build(store: InlineStore, projectors: Iterable[Projector], batch_size: int, deadline: float) -> None:
    """Go through history while others go on appending."""
    for projector in projectors:
        await Building(store, projector, batch_size).catch_up(deadline)


async def _switch(store: InlineStore, projectors: Sequence[Projector], batch_size: int, attempt: int) -> None:
    """Handle the rest of history while nobody appends, and demand from then on that every append does it by itself."""
    before = store.attach(None)
    try:
        async with store.switch_inline() as switch:
            kept = Records(switch)
            work = InlineReadModels(
                [(projector, await _become_inline(store, kept, projector, batch_size, attempt)) for projector in projectors]
            )
            _refuse_others(await _inline(kept), projectors)
            await switch.demand(work.kept)
            # Appends of this store that wait for the end of the switch go on with it.
            store.attach(work)
    except BaseException:
        store.attach(before)
        raise


async def _become_inline(store: InlineStore, kept: Records, projector: Projector, batch_size: int, attempt: int) -> ProjectionRecord:
    name = projector.name
    generations = await all_alone(kept, name)
    record = chosen(generations, projector)
    if record is None:
        raise ProjectionStopped(name, "somebody removed what was built of it; call project_inline again")
    if record.inline:
        return record
    if not record.goes_on:
        raise ProjectionStopped(name, record.stopped_by)
    position, more = record.position, True
    while more:
        page = await store.read_all(position, limit=batch_size, where=projector.where)
        await handled(kept, projector, record, page, after=position)
        position, more = page.position, page.more
    others = [other for other in generations if other.generation != record.generation]
    if others or not record.live:
        await swap(kept, record, others, attempt=attempt)
    await kept.set_inline(name, record.generation, inline=True)
    return record
