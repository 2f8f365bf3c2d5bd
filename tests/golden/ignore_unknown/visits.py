from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from visits_streams import CountState, CountStreams, CountWrites, VisitState, VisitStreams, VisitWrites


@event
class Visited:
    by: str


@event
class Left:
    by: str


@state
class Page:
    """All that happens on a page."""

    inside: frozenset[str] = frozenset()

    def apply(self, event: Visited | Left) -> Page:
        match event:
            case Visited(by):
                return Page(self.inside | {by})
            case Left(by):
                return Page(self.inside - {by})


@state(ignore_unknown=True, category="page")
class VisitCount:
    """The same streams, read for one kind of event alone."""

    visits: int = 0

    def apply(self, event: Visited) -> VisitCount:
        return VisitCount(self.visits + 1)


@event
class Counted:
    visits: int


@state
class Statistics:
    visits: int = 0

    def apply(self, event: Counted) -> Statistics:
        return Statistics(event.visits)


@command
class Visit:
    page: StreamId[Page] = stream()
    by: str

    def handle(self, streams: VisitStreams, state: VisitState) -> VisitWrites:
        yield streams.page.write(Left(self.by) if self.by in state.page.inside else Visited(self.by))


@command
class Count:
    page: StreamId[VisitCount] = stream(read_only=True)
    statistics: StreamId[Statistics] = stream()

    def handle(self, streams: CountStreams, state: CountState) -> CountWrites:
        if state.statistics.visits != state.page.visits:
            yield streams.statistics.write(Counted(state.page.visits))
