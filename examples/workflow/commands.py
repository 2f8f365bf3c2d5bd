"""Start a workflow, and complete its steps one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import CommandRejected, Discovered, StreamId, command, discovered, require, stream
from workflow.plans import Outcome, StepPlan, faults
from workflow.workflows import Step, StepActivated, StepCompleted, StepEnded, Workflow, WorkflowStarted, step_id

if TYPE_CHECKING:
    from workflow.commands_streams import (
        CompleteWorkflowStepResolver,
        CompleteWorkflowStepState,
        CompleteWorkflowStepStreams,
        CompleteWorkflowStepWrites,
        StartWorkflowResolver,
        StartWorkflowState,
        StartWorkflowStreams,
        StartWorkflowWrites,
    )


class StepNotActive(CommandRejected):
    """The step was not activated yet, or somebody else has completed it."""


@command
class StartWorkflow:
    """Start a workflow: its first step is active from then on."""

    workflow: StreamId[Workflow] = stream()
    first_step: Discovered[Step] = discovered()
    subject: str
    plan: tuple[StepPlan, ...]

    def handle(self, streams: StartWorkflowStreams, state: StartWorkflowState, resolver: StartWorkflowResolver) -> StartWorkflowWrites:
        wrong = faults(self.plan)
        require(not wrong, "{} cannot follow this plan: {}", self.workflow, "; ".join(wrong))
        require(not state.workflow.has_started, "{} has started already", self.workflow)
        first = self.plan[0]
        first_id = step_id(self.workflow, first.name)
        resolver.first_step.add(first_id)
        yield streams.workflow.write(WorkflowStarted(self.subject, self.plan))
        yield streams.first_step[first_id].write(StepActivated(self.workflow, first.name))


@command
class CompleteWorkflowStep:
    """End the active step, and activate the one that follows this outcome, if there is one: all of it at once.

    Which step follows stands in the workflow, so its stream can be named only when the workflow has been read: it is discovered.
    *round* says which activation of the step is meant: it may have ended and be active again by the time this runs.
    """

    workflow: StreamId[Workflow] = stream()
    current_step: StreamId[Step] = stream()
    next_step: Discovered[Step] = discovered()
    outcome: Outcome
    round: int = 1

    def handle(
        self, streams: CompleteWorkflowStepStreams, state: CompleteWorkflowStepState, resolver: CompleteWorkflowStepResolver
    ) -> CompleteWorkflowStepWrites:
        current = state.current_step
        require(
            current.is_active and current.round == self.round,
            StepNotActive(f"round {self.round} of {self.current_step} is not active"),
        )
        require(self.current_step == step_id(self.workflow, current.name), "{} is no step of {}", self.current_step, self.workflow)
        plan = state.workflow.step(current.name)
        require(self.outcome in plan.kind.outcomes, "{} cannot end {}: its kind is {}", self.current_step, self.outcome, plan.kind)
        next_name = plan.leads_to.get(self.outcome)
        yield streams.workflow.write(StepCompleted(current.name, self.outcome, next_name))
        yield streams.current_step.write(StepEnded(self.outcome))
        if next_name is not None:
            next_id = step_id(self.workflow, next_name)
            resolver.next_step.add(next_id)
            yield streams.next_step[next_id].write(StepActivated(self.workflow, next_name))
