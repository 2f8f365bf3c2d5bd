from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import Discovered, StreamId, command, discovered, event, state, stream

if TYPE_CHECKING:
    from chess_streams import PlayResolver, PlayState, PlayStreams, PlayWrites


@event
class Moved:
    move: str


@state
class Board:
    moves: tuple[str, ...] = ()

    def apply(self, event: Moved) -> Board:
        return Board((*self.moves, event.move))


@command(allow_aliases=True)
class Play:
    """One board in two roles, or three: what one of them may write may be written."""

    model: StreamId[Board] = stream(read_only=True)
    board: StreamId[Board] = stream()
    seen: Discovered[Board] = discovered(read_only=True)
    move: str

    def handle(self, streams: PlayStreams, state: PlayState, resolver: PlayResolver) -> PlayWrites:
        resolver.seen.add((self.model, self.board))
        move = f"{self.move}{len(state.model.moves) + len(state.seen[self.board].moves)}"
        yield streams.board.write(Moved(move))
