"""Names so long that what is generated has to be broken over lines in every place where it can be."""

from __future__ import annotations

from eventcore import event, state


@event("administration.international-correspondence.letter-was-received-and-registered", version=12)
class InternationalCorrespondenceLetterReceivedAndRegistered:
    reference: str


@event("administration.international-correspondence.letter-was-forwarded-to-another-department")
class InternationalCorrespondenceLetterForwardedToAnotherDepartment:
    reference: str
    department: str


@event
class Shredded:
    pass


@state(category="international-correspondence")
class InternationalCorrespondenceDepartmentMailbox:
    letters: tuple[str, ...] = ()

    def apply(
        self,
        event: InternationalCorrespondenceLetterReceivedAndRegistered
        | InternationalCorrespondenceLetterForwardedToAnotherDepartment
        | Shredded,
    ) -> InternationalCorrespondenceDepartmentMailbox:
        match event:
            case InternationalCorrespondenceLetterReceivedAndRegistered(reference):
                return InternationalCorrespondenceDepartmentMailbox((*self.letters, reference))
            case InternationalCorrespondenceLetterForwardedToAnotherDepartment(reference):
                return InternationalCorrespondenceDepartmentMailbox(tuple(letter for letter in self.letters if letter != reference))
            case Shredded():
                return InternationalCorrespondenceDepartmentMailbox()
