"""What a claim is settled on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from eventcore import CommandExecutor, CommandRejected, InMemoryEventStore, StreamId
from patterns.lazy import SETTLED_UNSEEN, Claim, ClaimDoubted, FileClaim, SettleClaim, WriteReport, report_id
from patterns.tests.meanwhile import Meanwhile

CLAIM = StreamId.of(Claim, "1")
FRANCES, HEDY = report_id(CLAIM, "frances"), report_id(CLAIM, "hedy")


def with_claim(amount: int, use: Callable[[CommandExecutor], Awaitable[None]]) -> None:
    """Run *use* where a claim was filed that both its assessors find plausible."""

    async def run() -> None:
        async with InMemoryEventStore() as store:
            insurance = CommandExecutor(store)
            await insurance.execute(FileClaim(CLAIM, amount, ("frances", "hedy")))
            for report in (FRANCES, HEDY):
                await insurance.execute(WriteReport(report, plausible=True))
            await use(insurance)

    asyncio.run(run())


@pytest.mark.parametrize(("amount", "decided_on"), [(SETTLED_UNSEEN, {CLAIM: 2}), (SETTLED_UNSEEN + 1, {CLAIM: 2, FRANCES: 1, HEDY: 1})])
def test_reports_are_read_only_where_they_are_needed(amount: int, decided_on: dict[StreamId, int]) -> None:
    async def use(insurance: CommandExecutor) -> None:
        assert (await insurance.execute(SettleClaim(CLAIM))).versions == decided_on
        with pytest.raises(CommandRejected, match="claim-1 is not open"):
            await insurance.execute(SettleClaim(CLAIM))

    with_claim(amount, use)


def test_a_doubted_claim_is_not_settled() -> None:
    async def use(insurance: CommandExecutor) -> None:
        await insurance.execute(WriteReport(HEDY, plausible=False))
        with pytest.raises(ClaimDoubted, match="claim-1 is not supported by report-claim-1/hedy"):
            await insurance.execute(SettleClaim(CLAIM))

        assert (await insurance.load(CLAIM)).state.is_open

    with_claim(9_000, use)


def test_a_claim_without_a_report_waits_for_it() -> None:
    async def use(insurance: CommandExecutor) -> None:
        other = StreamId.of(Claim, "2")
        await insurance.execute(FileClaim(other, 9_000, ("frances",)))
        with pytest.raises(ClaimDoubted, match="report-claim-2/frances"):
            await insurance.execute(SettleClaim(other))

    with_claim(9_000, use)


@pytest.mark.parametrize("after", [1, 2])
def test_an_assessor_who_changes_her_mind_is_heard_before_and_after_her_report_was_read(after: int) -> None:
    """The claim is read first, then the reports."""

    async def use(insurance: CommandExecutor) -> None:
        race = Meanwhile(insurance.store, lambda: insurance.execute(WriteReport(FRANCES, plausible=False)), after=after)
        with pytest.raises(ClaimDoubted):
            await CommandExecutor(race).execute(SettleClaim(CLAIM))

        assert (await insurance.load(CLAIM)).state.is_open

    with_claim(9_000, use)


def test_a_report_that_was_not_needed_does_not_disturb() -> None:
    async def use(insurance: CommandExecutor) -> None:
        race = Meanwhile(insurance.store, lambda: insurance.execute(WriteReport(FRANCES, plausible=False)))

        assert (await CommandExecutor(race).execute(SettleClaim(CLAIM))).attempts == 1

    with_claim(100, use)
