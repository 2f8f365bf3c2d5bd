"""Several commands of one module; two of them over the same streams, one that writes nothing, one that keeps a resolver it does not need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import Discovered, StreamId, command, discovered, event, require, state, stream

if TYPE_CHECKING:
    from game_streams import (
        CheckScoreState,
        CheckScoreStreams,
        CheckScoreWrites,
        HTTPScoreState,
        HTTPScoreStreams,
        HTTPScoreWrites,
        MergeResolver,
        MergeState,
        MergeStreams,
        MergeWrites,
        ScoreState,
        ScoreStreams,
        ScoreWrites,
    )


@event
class Scored:
    points: int


@event
class Merged:
    other: str


@state
class Player:
    points: int = 0

    def apply(self, event: Scored | Merged) -> Player:
        match event:
            case Scored(points):
                return Player(self.points + points)
            case Merged():
                return self


@command
class Score:
    player: StreamId[Player] = stream()
    points: int

    def handle(self, streams: ScoreStreams, state: ScoreState) -> ScoreWrites:
        yield streams.player.write(Scored(self.points))


@command
class HTTPScore:
    player: StreamId[Player] = stream()
    points: str

    def handle(self, streams: HTTPScoreStreams, state: HTTPScoreState) -> HTTPScoreWrites:
        return [streams.player.write(Scored(int(self.points)))]


@command
class CheckScore:
    """Only reads: its outcome is its rejection."""

    player: StreamId[Player] = stream(read_only=True)
    rivals: tuple[StreamId[Player], ...] = stream(read_only=True, default=())

    def handle(self, streams: CheckScoreStreams, state: CheckScoreState) -> CheckScoreWrites:
        best = max((rival.points for rival in state.rivals.values()), default=0)
        require(state.player.points > best, "{} points, a rival has {}", state.player.points, best)
        return ()


@command
class Merge:
    into: StreamId[Player] = stream()
    first: Discovered[Player] = discovered()
    second: Discovered[Player] = discovered(read_only=True)
    names: tuple[str, ...]

    def handle(self, streams: MergeStreams, state: MergeState, resolver: MergeResolver) -> MergeWrites:
        ids = [StreamId.of(Player, name) for name in self.names]
        resolver.first.add(ids[:1])
        resolver.second.add(ids[1:])
        for player in streams.first.values():
            yield player.write(Merged(self.into))
        yield streams.into.write(Scored(sum(player.points for player in (*state.first.values(), *state.second.values()))))
