"""One workflow as a timeline that people can read, from the events of the workflow and of all its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import attrs

from eventcore import EventCodec, EventFilter, EventStore, Position, StreamId, StreamPattern, StreamPrefix
from eventcore.store import StoredEvent
from workflow.workflows import StepActivated, StepCompleted, Workflow, WorkflowStarted, step_id

Told = WorkflowStarted | StepCompleted | StepActivated

EVENTS: Mapping[str, type[Told]] = {
    "workflow.started": WorkflowStarted,
    "workflow.step-completed": StepCompleted,
    "workflow.step.activated": StepActivated,
}


@attrs.frozen
class Moment:
    """Something that happened, *seconds* after the workflow started. *actor* is who did it, as the command's metadata says."""

    seconds: float
    actor: str
    what: str

    def __str__(self) -> str:
        return f"{f'+{self.seconds:.3f} s':>11}  {self.actor:<10}{self.what}".rstrip()


async def read_timeline(store: EventStore, workflow: StreamId[Workflow]) -> tuple[Moment, ...]:
    """Read what happened to *workflow* and its steps, in the order in which it was committed."""
    where = EventFilter(types=frozenset(EVENTS), streams=(StreamPattern(workflow), StreamPrefix(step_id(workflow, ""))))
    found: list[StoredEvent] = []
    after: Position | None = None
    more = True
    while more:
        page = await store.read_all(after, where=where)
        found += page.events
        after, more = page.position, page.more
    return tuple(_moments(found))


def _moments(events: list[StoredEvent]) -> Iterator[Moment]:
    codec = EventCodec()
    began: datetime | None = None
    for stored in events:
        began = began or stored.recorded_at
        seconds = (stored.recorded_at - began).total_seconds()
        event = codec.decoder(EVENTS[stored.type])(stored.data)
        actor = str(codec.decode_metadata(stored.metadata).get("actor", ""))
        match event:
            case WorkflowStarted(subject):
                yield Moment(seconds, actor, f"starts: {subject}")
            case StepActivated(_, name):
                yield Moment(seconds, "", f"-> {name}")
            case StepCompleted(step, outcome, next_step):
                yield Moment(seconds, actor, f"{step}: {outcome}")
                if next_step is None:
                    yield Moment(seconds, "", "-> the end")
