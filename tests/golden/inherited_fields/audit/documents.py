from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from audit.base import ByUser, Dated, Named, OfDepartment
from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from audit.documents_streams import ArchiveState, ArchiveStreams, ArchiveWrites, EditState, EditStreams, EditWrites


@event
class Edited(Dated):
    text: str
    by: str


@event
class Archived(OfDepartment):
    pass


@state
class Document:
    text: str = ""
    editors: frozenset[str] = frozenset()
    archive: str | None = None

    def apply(self, event: Edited | Archived) -> Document:
        match event:
            case Edited():
                return Document(event.text, self.editors | {event.by}, self.archive)
            case Archived(department):
                return Document(self.text, self.editors, department)


@command
class Edit(ByUser, Named):
    document: StreamId[Document] = stream()
    text: str

    def handle(self, streams: EditStreams, state: EditState) -> EditWrites:
        self.check_user()
        if self.text != state.document.text:
            yield streams.document.write(Edited(datetime.date(2031, 2, 3), f"{self.name}: {self.text}", self.user))


@command
class Archive(OfDepartment):
    document: StreamId[Document] = stream()

    def handle(self, streams: ArchiveStreams, state: ArchiveState) -> ArchiveWrites:
        yield streams.document.write(Archived(self.department))
