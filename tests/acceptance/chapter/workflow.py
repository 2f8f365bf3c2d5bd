"""The chapter's workflow: the next step is discovered, and activated only if there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from eventcore import Discovered, StreamId, command, discovered, event, state, stream

if TYPE_CHECKING:
    from chapter.workflow_streams import CompleteStepResolver, CompleteStepState, CompleteStepStreams, CompleteStepWrites

StepResult = Literal["approved", "rejected"]


@event
class WorkflowPlanned:
    next_step: str | None
    rejection_step: str | None


@event
class StepCompleted:
    step: str
    result: StepResult


@state
class Workflow:
    next_step: str | None = None
    rejection_step: str | None = None
    completed: tuple[str, ...] = ()

    def apply(self, event: WorkflowPlanned | StepCompleted) -> Workflow:
        match event:
            case WorkflowPlanned(next_step, rejection_step):
                return Workflow(next_step, rejection_step, self.completed)
            case StepCompleted(step):
                return Workflow(self.next_step, self.rejection_step, (*self.completed, step))


@event
class StepActivated:
    workflow: str


@event
class StepFinished:
    result: StepResult


@state
class Step:
    status: Literal["waiting", "active", "finished"] = "waiting"

    def apply(self, event: StepActivated | StepFinished) -> Step:
        match event:
            case StepActivated():
                return Step("active")
            case StepFinished():
                return Step("finished")


@command
class CompleteStep:
    workflow: StreamId[Workflow] = stream()
    current_step: StreamId[Step] = stream()
    next_steps: Discovered[Step] = discovered()
    result: StepResult

    def handle(self, streams: CompleteStepStreams, state: CompleteStepState, resolver: CompleteStepResolver) -> CompleteStepWrites:
        next_step = state.workflow.next_step if self.result == "approved" else state.workflow.rejection_step
        yield streams.workflow.write(StepCompleted(self.current_step, self.result))
        yield streams.current_step.write(StepFinished(self.result))
        if next_step is not None:
            step = StreamId.of(Step, next_step)
            resolver.next_steps.add(step)
            yield streams.next_steps[step].write(StepActivated(self.workflow))
