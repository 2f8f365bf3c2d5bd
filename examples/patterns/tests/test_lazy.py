"""What a claim is settled on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from eventcore import StreamId
from eventcore.testing import Scenario, on
from patterns.lazy import SETTLED_UNSEEN, Claim, ClaimDoubted, ClaimSettled, FileClaim, SettleClaim, WriteReport, report_id

CLAIM = StreamId.of(Claim, "1")
FRANCES, HEDY = report_id(CLAIM, "frances"), report_id(CLAIM, "hedy")


@pytest.fixture
def claim(scenario: Scenario) -> Callable[[int], Scenario]:
    """A claim for an amount, which both its assessors find plausible."""
    return lambda amount: scenario.given(
        FileClaim(CLAIM, amount, ("frances", "hedy")), WriteReport(FRANCES, plausible=True), WriteReport(HEDY, plausible=True)
    )


@pytest.mark.parametrize(("amount", "decided_on"), [(SETTLED_UNSEEN, {CLAIM: 2}), (SETTLED_UNSEEN + 1, {CLAIM: 2, FRANCES: 1, HEDY: 1})])
def test_reports_are_read_only_where_they_are_needed(
    claim: Callable[[int], Scenario], amount: int, decided_on: dict[StreamId, int]
) -> None:
    settled = claim(amount).when(SettleClaim(CLAIM)).then(on(CLAIM, ClaimSettled(amount)))

    assert settled.result.versions == decided_on
    settled.scenario.when(SettleClaim(CLAIM)).then_rejected(match="claim-1 is not open")


def test_a_doubted_claim_is_not_settled(claim: Callable[[int], Scenario]) -> None:
    doubted = claim(9_000).given(WriteReport(HEDY, plausible=False))

    doubted.when(SettleClaim(CLAIM)).then_rejected(ClaimDoubted, match="claim-1 is not supported by report-claim-1/hedy")
    assert doubted.state(CLAIM).is_open


def test_a_claim_without_a_report_waits_for_it(scenario: Scenario) -> None:
    scenario.given(FileClaim(CLAIM, 9_000, ("frances",))).when(SettleClaim(CLAIM)).then_rejected(
        ClaimDoubted, match="report-claim-1/frances"
    )


@pytest.mark.parametrize("after", [1, 2])
def test_an_assessor_who_changes_her_mind_is_heard_before_and_after_her_report_was_read(
    claim: Callable[[int], Scenario], after: int
) -> None:
    """The claim is read first, then the reports."""
    doubted = claim(9_000).meanwhile(WriteReport(FRANCES, plausible=False), after=after)

    doubted.when(SettleClaim(CLAIM)).then_rejected(ClaimDoubted)
    assert doubted.state(CLAIM).is_open


def test_a_report_that_was_not_needed_does_not_disturb(claim: Callable[[int], Scenario]) -> None:
    assert claim(100).meanwhile(WriteReport(FRANCES, plausible=False)).when(SettleClaim(CLAIM)).result.attempts == 1
