"""What else may stand in a declared class: class variables, private fields, defaults, factories, properties, nested functions, comments."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

import attrs

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from members_streams import (
        AssignState,
        AssignStreams,
        AssignWrites,
    )


class NotDeclared:
    """A plain class with a field and a method named as if it were."""

    items: list[str]

    def handle(self, streams: int) -> None: ...


@event
class Assigned:
    """With a docstring, a class variable of any type, and a method."""

    LIMITS: ClassVar[dict[str, int]] = {"a": 1}

    to: str  # with a comment
    _note: str = attrs.field(default="-", alias="note")
    order: int = attrs.field(default=0, kw_only=True)
    seen: tuple[str, ...] = attrs.field(factory=tuple)

    @property
    def note(self) -> str:
        return self._note

    @classmethod
    def nobody(cls) -> Assigned:
        return cls("nobody")


@state
class Task:
    KINDS: ClassVar[list[str]] = ["task"]
    to: str = ""
    _times: int = 0

    @property
    def times(self) -> int:
        return self._times

    def apply(self, happened: Assigned, /) -> Task:
        return Task(happened.to, self._times + 1)

    def assigned(self) -> bool:
        return bool(self.to)


@command
class Assign:
    """A command with more than streams."""

    DEFAULT: ClassVar[str] = "nobody"
    PREFIX: ClassVar = "to "

    task: StreamId[Task] = stream()
    to: str = DEFAULT
    _check: Callable[[str], bool] = attrs.field(default=bool, repr=False)
    labels: list[str] = attrs.field(factory=list[str], kw_only=True)

    def __attrs_post_init__(self) -> None:
        self.labels.append(self.to)

    @property
    def target(self) -> str:
        return self.PREFIX + self.to

    @staticmethod
    def other(state: int) -> int:
        def handle() -> int:
            return state

        return handle()

    def handle(self, streams: AssignStreams, state: AssignState) -> AssignWrites:
        def fresh() -> bool:
            return not state.task.assigned() or self._check(self.to)

        if fresh():
            yield streams.task.write(Assigned(self.target, note=",".join(self.labels), order=state.task.times))


def helper() -> None:
    @attrs.frozen
    class Local:
        items: list[str]

    Local([])
