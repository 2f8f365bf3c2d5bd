"""A workflow and its steps: each step is a stream of its own, so that what happens to one does not disturb another."""

from __future__ import annotations

from eventcore import StreamId, event, state
from workflow.plans import Outcome, StepPlan


@event("workflow.started")
class WorkflowStarted:
    subject: str
    plan: tuple[StepPlan, ...]


@event("workflow.step-completed")
class StepCompleted:
    step: str
    outcome: Outcome
    next_step: str | None


@state
class Workflow:
    """Where a workflow stands. *active* is the step that is due; None before it started and after it ended."""

    subject: str | None = None
    plan: tuple[StepPlan, ...] = ()
    active: str | None = None
    completed: tuple[tuple[str, Outcome], ...] = ()

    @property
    def has_started(self) -> bool:
        return self.subject is not None

    @property
    def has_ended(self) -> bool:
        return self.has_started and self.active is None

    def step(self, name: str) -> StepPlan:
        return next(step for step in self.plan if step.name == name)

    def apply(self, event: WorkflowStarted | StepCompleted) -> Workflow:
        match event:
            case WorkflowStarted(subject, plan):
                return Workflow(subject, plan, plan[0].name)
            case StepCompleted(step, outcome, next_step):
                return Workflow(self.subject, self.plan, next_step, (*self.completed, (step, outcome)))


@event("workflow.step.activated")
class StepActivated:
    workflow: str
    name: str


@event("workflow.step.ended")
class StepEnded:
    outcome: Outcome


@state
class Step:
    """One step. It may be activated again after it ended: *round* counts how often it was."""

    name: str = ""
    is_active: bool = False
    round: int = 0

    def apply(self, event: StepActivated | StepEnded) -> Step:
        match event:
            case StepActivated(_, name):
                return Step(name, is_active=True, round=self.round + 1)
            case StepEnded():
                return Step(self.name, is_active=False, round=self.round)


def step_id(workflow: StreamId[Workflow], name: str) -> StreamId[Step]:
    """Return the id of one step of one workflow, such as step-workflow-7/order-goods."""
    return StreamId.of(Step, f"{workflow}/{name}")
