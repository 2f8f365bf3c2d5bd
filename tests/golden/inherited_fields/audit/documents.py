from __future__ import annotations

from typing import TYPE_CHECKING

from audit.base import ByUser, Named
from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from audit.documents_streams import EditState, EditStreams, EditWrites


@event
class Edited:
    text: str
    by: str


@state
class Document:
    text: str = ""
    editors: frozenset[str] = frozenset()

    def apply(self, event: Edited) -> Document:
        return Document(event.text, self.editors | {event.by})


@command
class Edit(ByUser, Named):
    document: StreamId[Document] = stream()
    text: str

    def handle(self, streams: EditStreams, state: EditState) -> EditWrites:
        self.check_user()
        if self.text != state.document.text:
            yield streams.document.write(Edited(f"{self.name}: {self.text}", self.user))
