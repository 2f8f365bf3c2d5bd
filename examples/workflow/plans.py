"""Plans: which steps a workflow has, and where each way of ending a step leads."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import attrs


class Outcome(StrEnum):
    APPROVED = "approved"
    REJECTED = "rejected"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Kind(StrEnum):
    APPROVAL = "approval"
    PROCESSING = "processing"

    @property
    def outcomes(self) -> tuple[Outcome, Outcome]:
        """How a step of this kind may end: well, or not."""
        match self:
            case Kind.APPROVAL:
                return (Outcome.APPROVED, Outcome.REJECTED)
            case Kind.PROCESSING:
                return (Outcome.SUCCEEDED, Outcome.FAILED)


@attrs.frozen
class StepPlan:
    """One step. *leads_to* names the step that follows each outcome; with an outcome that it does not name the workflow ends."""

    name: str
    kind: Kind
    leads_to: Mapping[Outcome, str] = attrs.field(factory=dict[Outcome, str])


Plan = tuple[StepPlan, ...]
"""The steps of a workflow; it begins with the first."""


def faults(plan: Plan) -> list[str]:
    """Return what is wrong with the plan: nothing, if a workflow can follow it."""
    names = [step.name for step in plan]
    found = [] if plan else ["a plan needs a step"]
    found += [f"there are several steps {name!r}" for name in sorted({name for name in names if names.count(name) > 1})]
    for step in plan:
        for outcome, target in step.leads_to.items():
            if target not in names:
                found.append(f"{step.name!r} leads to {target!r}, which is no step of the plan")
            if outcome not in step.kind.outcomes:
                found.append(f"{step.name!r} cannot end {outcome}: its kind is {step.kind}")
    return found


PURCHASE: Plan = (
    StepPlan("approve-budget", Kind.APPROVAL, {Outcome.APPROVED: "order-goods", Outcome.REJECTED: "inform-requester"}),
    StepPlan("order-goods", Kind.PROCESSING, {Outcome.SUCCEEDED: "pay-invoice", Outcome.FAILED: "find-supplier"}),
    StepPlan("find-supplier", Kind.PROCESSING, {Outcome.SUCCEEDED: "order-goods", Outcome.FAILED: "inform-requester"}),
    StepPlan("pay-invoice", Kind.PROCESSING, {Outcome.FAILED: "pay-invoice"}),
    StepPlan("inform-requester", Kind.PROCESSING),
)
"""A purchase: approved or not, ordered (from another supplier where one fails), paid (again until that works)."""
