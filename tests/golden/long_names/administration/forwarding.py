from __future__ import annotations

from typing import TYPE_CHECKING

from administration import international_correspondence_department as department
from eventcore import Discovered, StreamId, command, discovered, require, stream

if TYPE_CHECKING:
    from administration import forwarding_streams as generated


@command
class ForwardOneInternationalLetterToEveryDepartmentThatIsConcerned:
    mailbox_of_the_department_that_received_the_letter: StreamId[department.InternationalCorrespondenceDepartmentMailbox] = stream()
    mailbox_of_the_department_that_supervises_the_others: StreamId[department.InternationalCorrespondenceDepartmentMailbox] | None = stream(
        read_only=True, default=None
    )
    mailboxes_of_the_departments_that_are_concerned: Discovered[department.InternationalCorrespondenceDepartmentMailbox] = discovered()
    mailboxes_of_the_departments_that_only_look_on: tuple[StreamId[department.InternationalCorrespondenceDepartmentMailbox], ...] = stream(
        read_only=True, default=()
    )
    b: StreamId[department.InternationalCorrespondenceDepartmentMailbox] | None = stream(default=None)  # eventcore: ignore[EC202]
    reference: str = ""

    def handle(
        self,
        streams: generated.ForwardOneInternationalLetterToEveryDepartmentThatIsConcernedStreams,
        state: generated.ForwardOneInternationalLetterToEveryDepartmentThatIsConcernedState,
        resolver: generated.ForwardOneInternationalLetterToEveryDepartmentThatIsConcernedResolver,
    ) -> generated.ForwardOneInternationalLetterToEveryDepartmentThatIsConcernedWrites:
        concerned = StreamId.of(department.InternationalCorrespondenceDepartmentMailbox, "concerned")
        resolver.mailboxes_of_the_departments_that_are_concerned.add(concerned)
        known = state.mailboxes_of_the_departments_that_are_concerned[concerned].letters
        require(self.reference not in known, "{} was forwarded before", self.reference)
        yield streams.mailbox_of_the_department_that_received_the_letter.write(
            department.InternationalCorrespondenceLetterForwardedToAnotherDepartment(self.reference, "concerned")
        )
        yield streams.mailboxes_of_the_departments_that_are_concerned[concerned].write(
            department.InternationalCorrespondenceLetterReceivedAndRegistered(self.reference)
        )


@command
class Exactly80ColumnsAreReachedByTheNamesOfThisCommand:
    a: StreamId[department.InternationalCorrespondenceDepartmentMailbox] = stream(read_only=True)
    ab: StreamId[department.InternationalCorrespondenceDepartmentMailbox] = stream(read_only=True)

    def handle(
        self,
        streams: generated.Exactly80ColumnsAreReachedByTheNamesOfThisCommandStreams,
        state: generated.Exactly80ColumnsAreReachedByTheNamesOfThisCommandState,
    ) -> generated.Exactly80ColumnsAreReachedByTheNamesOfThisCommandWrites:
        return ()
