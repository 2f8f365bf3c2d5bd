"""The rules of a workflow, as scenarios; its timeline; and the program, on SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from eventcore import CommandExecutor, EventStore, StreamId
from eventcore.testing import Scenario, on
from workflow.__main__ import main
from workflow.commands import CompleteWorkflowStep, StartWorkflow, StepNotActive
from workflow.office import Office, work_through, workflow_ids
from workflow.plans import PURCHASE, Kind, Outcome, Plan, StepPlan, faults
from workflow.timeline import read_timeline
from workflow.workflows import Step, StepActivated, StepCompleted, StepEnded, Workflow, WorkflowStarted, step_id

LAPTOP, DESK = StreamId.of(Workflow, "laptop"), StreamId.of(Workflow, "desk")
BUDGET, GOODS, INVOICE = (step_id(LAPTOP, name) for name in ("approve-budget", "order-goods", "pay-invoice"))


@pytest.fixture
def office(scenario: Scenario) -> Scenario:
    """An office where the purchase of a laptop has started."""
    return scenario.given(StartWorkflow(LAPTOP, "a laptop", PURCHASE))


def complete(name: str, outcome: Outcome, round: int = 1, *, workflow: StreamId[Workflow] = LAPTOP) -> CompleteWorkflowStep:  # noqa: A002
    return CompleteWorkflowStep(workflow, step_id(workflow, name), outcome, round)


APPROVED = complete("approve-budget", Outcome.APPROVED)


def test_a_workflow_starts_with_its_first_step(office: Scenario) -> None:
    first = step_id(DESK, "approve-budget")

    outcome = office.when(StartWorkflow(DESK, "a desk", PURCHASE))

    outcome.then(on(DESK, WorkflowStarted("a desk", PURCHASE)), on(first, StepActivated(DESK, "approve-budget")))
    assert office.state(DESK).active == "approve-budget"


@pytest.mark.parametrize(
    ("so_far", "due", "outcome", "following"),
    [
        ([], "approve-budget", Outcome.APPROVED, "order-goods"),
        ([], "approve-budget", Outcome.REJECTED, "inform-requester"),
        ([APPROVED], "order-goods", Outcome.SUCCEEDED, "pay-invoice"),
        ([APPROVED], "order-goods", Outcome.FAILED, "find-supplier"),
    ],
)
def test_each_outcome_leads_to_the_step_that_the_plan_says(
    office: Scenario, so_far: Sequence[CompleteWorkflowStep], due: str, outcome: Outcome, following: str
) -> None:
    ended, begun = step_id(LAPTOP, due), step_id(LAPTOP, following)

    completed = office.given(*so_far).when(complete(due, outcome))

    completed.then(
        on(LAPTOP, StepCompleted(due, outcome, following)), on(ended, StepEnded(outcome)), on(begun, StepActivated(LAPTOP, following))
    )
    completed.then_state(ended, Step(due, is_active=False, round=1)).then_state(begun, Step(following, is_active=True, round=1))


def test_the_next_step_is_discovered_where_there_is_one_and_only_there(office: Scenario) -> None:
    inform = step_id(LAPTOP, "inform-requester")

    rejected = office.when(complete("approve-budget", Outcome.REJECTED)).result
    ended = office.when(complete("inform-requester", Outcome.SUCCEEDED)).result

    assert rejected.versions.keys() == {LAPTOP, BUDGET, inform}
    assert ended.versions.keys() == {LAPTOP, inform}
    assert office.state(LAPTOP).has_ended


def test_a_step_comes_round_again_after_an_error(office: Scenario) -> None:
    office.given(APPROVED, complete("order-goods", Outcome.FAILED), complete("find-supplier", Outcome.SUCCEEDED))

    late = office.when(complete("order-goods", Outcome.SUCCEEDED))

    late.then_rejected(StepNotActive, match="round 1 of step-workflow-laptop/order-goods is not active")
    late.then_state(GOODS, Step("order-goods", is_active=True, round=2))
    office.given(complete("order-goods", Outcome.SUCCEEDED, 2))


def test_a_step_may_lead_to_itself(office: Scenario) -> None:
    office.given(APPROVED, complete("order-goods", Outcome.SUCCEEDED)).when(complete("pay-invoice", Outcome.FAILED)).then(
        on(LAPTOP, StepCompleted("pay-invoice", Outcome.FAILED, "pay-invoice")),
        on(INVOICE, StepEnded(Outcome.FAILED), StepActivated(LAPTOP, "pay-invoice")),
    ).then_state(INVOICE, Step("pay-invoice", is_active=True, round=2))


def test_of_two_who_complete_a_step_at_once_one_decides(office: Scenario) -> None:
    office.meanwhile(complete("approve-budget", Outcome.REJECTED)).when(APPROVED).then_rejected(StepNotActive)

    active = [plan.name for plan in PURCHASE if office.state(step_id(LAPTOP, plan.name)).is_active]
    assert active == [office.state(LAPTOP).active] == ["inform-requester"]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (complete("approve-budget", Outcome.SUCCEEDED), "step-workflow-laptop/approve-budget cannot end succeeded: its kind is approval"),
        (complete("order-goods", Outcome.SUCCEEDED), "round 1 of step-workflow-laptop/order-goods is not active"),
        (CompleteWorkflowStep(DESK, BUDGET, Outcome.APPROVED), "step-workflow-laptop/approve-budget is no step of workflow-desk"),
        (StartWorkflow(LAPTOP, "another laptop", PURCHASE), "workflow-laptop has started already"),
        (StartWorkflow(DESK, "a desk", ()), "workflow-desk cannot follow this plan: a plan needs a step"),
    ],
)
def test_the_office_says_why_it_refuses(office: Scenario, command: CompleteWorkflowStep | StartWorkflow, reason: str) -> None:
    office.when(command).then_rejected(match=f"^{reason}$")


@pytest.mark.parametrize(
    ("plan", "wrong"),
    [
        (PURCHASE, []),
        ((StepPlan("a", Kind.APPROVAL), StepPlan("a", Kind.APPROVAL)), ["there are several steps 'a'"]),
        ((StepPlan("a", Kind.APPROVAL, {Outcome.APPROVED: "b"}),), ["'a' leads to 'b', which is no step of the plan"]),
        ((StepPlan("a", Kind.PROCESSING, {Outcome.APPROVED: "a"}),), ["'a' cannot end approved: its kind is processing"]),
    ],
)
def test_a_plan_that_cannot_be_followed_is_found_out(plan: Plan, wrong: list[str]) -> None:
    assert faults(plan) == wrong


async def test_a_timeline_tells_of_one_workflow_alone_who_did_what(executor: CommandExecutor, event_store: EventStore) -> None:
    for workflow in (LAPTOP, StreamId.of(Workflow, "laptop-2")):
        await executor.execute(StartWorkflow(workflow, "a laptop", PURCHASE), metadata={"actor": "Ada"})
        await executor.execute(complete("approve-budget", Outcome.REJECTED, workflow=workflow), metadata={"actor": "Grace"})
    await executor.execute(complete("inform-requester", Outcome.SUCCEEDED))

    assert [(moment.actor, moment.what) for moment in await read_timeline(event_store, LAPTOP)] == [
        ("Ada", "starts: a laptop"),
        ("", "-> approve-budget"),
        ("Grace", "approve-budget: rejected"),
        ("", "-> inform-requester"),
        ("", "inform-requester: succeeded"),
        ("", "-> the end"),
    ]


async def test_a_busy_office_completes_each_step_once(event_store: EventStore) -> None:
    office = Office()
    executor = CommandExecutor(event_store, observer=office)
    workflows = workflow_ids(40, day="d")
    await work_through(executor, workflows, concurrency=8, office=office, seed=3)
    states = [(await executor.load(workflow)).state for workflow in workflows]

    assert all(state.has_ended for state in states)
    assert sum(len(state.completed) for state in states) == office.completed
    assert office.too_late > 0
    assert office.endings.total() == 40
    assert len(office.endings) > 1


def test_the_program_prints_a_timeline_and_finds_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--file", str(tmp_path / "workflow.db"), "--workflows", "25"]

    assert main(arguments) == 0
    first = capsys.readouterr().out
    assert main(arguments) == 0
    second = capsys.readouterr().out

    for output in (first, second):
        assert "-> approve-budget\n" in output
        assert "-> the end\n" in output
        assert "0 steps whose stream and workflow disagree   never" in output


@pytest.mark.parametrize("name", ["workflows", "concurrency"])
def test_the_program_refuses_options_that_make_no_sense(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([f"--{name}", "0"])

    assert caught.value.code == 2
    assert f"--{name} must be at least 1" in capsys.readouterr().err
