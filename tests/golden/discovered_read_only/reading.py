from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import Discovered, StreamId, command, discovered, event, require, state, stream

if TYPE_CHECKING:
    from reading_streams import (
        AddNoteState,
        AddNoteStreams,
        AddNoteWrites,
        SummariseResolver,
        SummariseState,
        SummariseStreams,
        SummariseWrites,
    )


@event
class NoteAdded:
    text: str
    follows: str | None


@event
class Summarised:
    text: str


@state
class Note:
    text: str = ""
    follows: str | None = None

    def apply(self, event: NoteAdded) -> Note:
        return Note(event.text, event.follows)


@state
class Summary:
    text: str = ""

    def apply(self, event: Summarised) -> Summary:
        return Summary(event.text)


@command
class AddNote:
    note: StreamId[Note] = stream()
    text: str
    follows: str | None = None

    def handle(self, streams: AddNoteStreams, state: AddNoteState) -> AddNoteWrites:
        yield streams.note.write(NoteAdded(self.text, self.follows))


@command
class Summarise:
    """Follows a chain of notes, each found in the one before: one discovery after another."""

    summary: StreamId[Summary] = stream()
    notes: Discovered[Note] = discovered(read_only=True)
    last: str

    def handle(self, streams: SummariseStreams, state: SummariseState, resolver: SummariseResolver) -> SummariseWrites:
        texts: list[str] = []
        key: str | None = self.last
        while key is not None:
            note = StreamId.of(Note, key)
            resolver.notes.add(note)
            require(streams.notes[note].version > 0, "there is no {}", note)
            texts.append(state.notes[note].text)
            key = state.notes[note].follows
        yield streams.summary.write(Summarised(" ".join(reversed(texts))))
