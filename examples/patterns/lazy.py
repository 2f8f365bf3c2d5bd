"""Lazy loading: read the details only where the decision needs them.

Use it where most commands can be decided on little, and few need much more: a small claim is settled as it was filed, a large one only
with the reports of all its assessors. Details are `discovered()` streams: to ask the resolver for them in one branch of `handle` costs the
other branch nothing, neither a read nor a conflict. Once asked for, they are part of the decision, like streams declared from the start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import CommandRejected, Discovered, StreamId, command, discovered, event, require, state, stream

if TYPE_CHECKING:
    from patterns.lazy_streams import (
        FileClaimState,
        FileClaimStreams,
        FileClaimWrites,
        SettleClaimResolver,
        SettleClaimState,
        SettleClaimStreams,
        SettleClaimWrites,
        WriteReportState,
        WriteReportStreams,
        WriteReportWrites,
    )

SETTLED_UNSEEN = 500
"""Claims up to this amount are settled without a look at the reports."""


class ClaimDoubted(CommandRejected):
    """An assessor does not find the claim plausible, or has not reported."""


@event("patterns.claim-filed")
class ClaimFiled:
    amount: int
    assessors: tuple[str, ...]


@event("patterns.claim-settled")
class ClaimSettled:
    amount: int


@state
class Claim:
    amount: int = 0
    assessors: tuple[str, ...] = ()
    is_open: bool = False

    def apply(self, event: ClaimFiled | ClaimSettled) -> Claim:
        match event:
            case ClaimFiled(amount, assessors):
                return Claim(amount, assessors, is_open=True)
            case ClaimSettled():
                return Claim(self.amount, self.assessors, is_open=False)


@event("patterns.report-written")
class ReportWritten:
    plausible: bool


@state
class Report:
    plausible: bool = False

    def apply(self, event: ReportWritten) -> Report:
        return Report(event.plausible)


def report_id(claim: StreamId[Claim], assessor: str) -> StreamId[Report]:
    return StreamId.of(Report, f"{claim}/{assessor}")


@command
class FileClaim:
    claim: StreamId[Claim] = stream()
    amount: int
    assessors: tuple[str, ...]

    def handle(self, streams: FileClaimStreams, state: FileClaimState) -> FileClaimWrites:
        require(streams.claim.version == 0, "{} was filed before", self.claim)
        yield streams.claim.write(ClaimFiled(self.amount, self.assessors))


@command
class WriteReport:
    """Report on a claim; a later report replaces the one before."""

    report: StreamId[Report] = stream()
    plausible: bool

    def handle(self, streams: WriteReportStreams, state: WriteReportState) -> WriteReportWrites:
        yield streams.report.write(ReportWritten(self.plausible))


@command
class SettleClaim:
    claim: StreamId[Claim] = stream()
    reports: Discovered[Report] = discovered(read_only=True)

    def handle(self, streams: SettleClaimStreams, state: SettleClaimState, resolver: SettleClaimResolver) -> SettleClaimWrites:
        require(state.claim.is_open, "{} is not open", self.claim)
        if state.claim.amount > SETTLED_UNSEEN:
            reports = [report_id(self.claim, assessor) for assessor in state.claim.assessors]
            resolver.reports.add(reports)
            doubted = [report for report in reports if not state.reports[report].plausible]
            require(not doubted, ClaimDoubted(f"{self.claim} is not supported by {', '.join(doubted)}"))
        yield streams.claim.write(ClaimSettled(state.claim.amount))
