"""One generation takes the place of another, and what may be in the way of that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Self, final

from eventcore.errors import StoreBusy
from eventcore.projections.context import physical_name
from eventcore.projections.records import ProjectionRecord, Records, lease_name, records, sharing_of
from eventcore.store import ReadModelStore, Sharing

# Seconds that readers are held up at first, and later; and that the batch of the live generation is waited for, which holds nobody up.
_SHORT: Final = 0.2
_LONG: Final = 3.0
_BATCH: Final = 10.0
# A transaction that has been open for so many seconds is not one that ends soon: nobody is held up for it. After fewer it is told to who asks.
_NOT_SOON: Final = 30.0
_TOLD: Final = 5.0


@final
class SwapBlocked(StoreBusy):
    """Something of somebody else's is in the way. It *lasts* until that is removed, while a transaction may end by itself."""

    lasts = False

    @classmethod
    def by(cls, reasons: Sequence[str], name: str, *, lasts: bool) -> Self:
        blocked = cls(f"the new read model of {name!r} is built and cannot become live: {'; '.join(reasons)}")
        blocked.lasts = lasts
        return blocked


class TablesInUse(Exception):
    """Others did not let go of the read model *name* for as long as they were waited for; nothing was committed."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@final
class _Plan(NamedTuple):
    """*follow*: views that are told to show another table. *drop*: those that are dropped, with all *tables* of the generations that end."""

    follow: tuple[str, ...]
    drop: tuple[str, ...]
    tables: tuple[str, ...]


async def all_alone(kept: Records, name: str) -> Sequence[ProjectionRecord]:
    """Keep everybody else from changing any generation of the projection, and the live one from beginning a batch, until the end of the transaction.

    Return the generations as they are from then on. The batch under way is waited for before anything is locked that it may want: else this one
    would wait for the batch, and the batch for this one. Of a generation that is being built no batch is waited for, since it may be another swap,
    which waits for the live one as well. Raises `TablesInUse` after a while.
    """
    live = next((each for each in await kept.load(name) if each.live), None)
    if live is not None and (sharing := sharing_of(kept.transaction)) is not None:
        try:
            await sharing.hold_back([lease_name(live.name, live.generation)], patience=_BATCH)
        except StoreBusy as error:
            raise TablesInUse(live.name) from error
    await kept.lock(name)
    return await kept.load(name)


async def swap(kept: Records, record: ProjectionRecord, others: Sequence[ProjectionRecord], *, attempt: int = 0) -> None:
    """Let *record* answer to the name, and remove *others*. Each *attempt* waits for readers in another way.

    Raises `SwapBlocked` where others made something that rests on what has to go, and `TablesInUse`.
    """
    plan = _Plan((), tuple(_views(others)), _tables(others))
    if (sharing := sharing_of(kept.transaction)) is not None and not record.live:
        plan = await _plan(sharing, record, others)
        if reasons := await _resting(sharing, plan, [record, *others]):
            raise SwapBlocked.by(reasons, record.name, lasts=True)
        if used := await sharing.used_by([*_views(others), *_tables(others)], seconds=_NOT_SOON, surely=True):
            raise SwapBlocked.by([_uses(each) for each in used], record.name, lasts=False)
    try:
        if sharing is not None:
            await _take(sharing, [*plan.follow, *plan.drop], attempt)
        await kept.replace(record, others, following=plan.follow)
    except StoreBusy as error:
        raise TablesInUse(record.name) from error


async def _take(sharing: Sharing, views: Sequence[str], attempt: int) -> None:
    """Wait in turns: a little for each of the views, which is enough where transactions are short, and longer for one."""
    turn = attempt // 2
    first = turn % len(views) if views else 0
    patience = _SHORT if attempt % 2 == 0 else min(_LONG, _SHORT * 2.0 ** min(turn, 16))
    await sharing.take([*views[first:], *views[:first]], patience=patience)


async def obstacles(kept: Records, generations: Sequence[ProjectionRecord], *, seconds: float = _TOLD) -> Sequence[str]:
    """Tell what is in the way of the generation that is being built, or will be at its end: things, and transactions open for *seconds*."""
    sharing = sharing_of(kept.transaction)
    live = next((each for each in generations if each.live), None)
    newest = max(generations, key=lambda each: each.generation, default=None)
    if sharing is None or live is None or newest is None or newest.live:
        return ()
    others = [each for each in generations if each is not newest]
    # Of one that has no tables yet nobody knows which views can show them.
    plan = await _plan(sharing, newest, others) if newest.tables else _Plan((), (), _tables(others))
    used = await sharing.used_by([*_views(others), *_tables(others)], seconds=seconds)
    return [*await _resting(sharing, plan, generations), *map(_uses, used)]


async def in_use(store: ReadModelStore, name: str) -> SwapBlocked:
    """Tell who uses the read model, after an attempt that waited for them in vain."""
    async with records(store, read_only=True) as kept:
        reasons = await obstacles(kept, await kept.load(name), seconds=_SHORT)
    return SwapBlocked.by(reasons or ["others use the live one all the time"], name, lasts=False)


async def _plan(sharing: Sharing, record: ProjectionRecord, others: Sequence[ProjectionRecord]) -> _Plan:
    follow = [
        view for view in _views(others) if view in record.tables and await sharing.follows(view, physical_name(view, record.generation))
    ]
    return _Plan(tuple(follow), tuple(view for view in _views(others) if view not in follow), _tables(others))


async def _resting(sharing: Sharing, plan: _Plan, generations: Sequence[ProjectionRecord]) -> Sequence[str]:
    ours = [*_views(generations), *_tables(generations)]
    resting = await sharing.resting_on([*plan.drop, *plan.tables], ours)
    return [f"{each} rests on the live one, whose tables go; drop it, and make it anew behind the swap" for each in resting]


def _uses(session: str) -> str:
    return f"{session} uses the live one; let it end its transaction, or end it with `SELECT pg_terminate_backend(...)`"


def _views(generations: Sequence[ProjectionRecord]) -> Sequence[str]:
    return sorted({table for each in generations if each.live for table in each.tables})


def _tables(generations: Sequence[ProjectionRecord]) -> tuple[str, ...]:
    return tuple(physical_name(table, each.generation) for each in generations for table in each.tables)
