"""The rules of a workflow, on the memory store; its timeline; and the program, on SQLite."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from eventcore import CommandExecutor, CommandRejected, InMemoryEventStore, Observation, Observer, StreamId, StreamsDiscovered
from workflow.__main__ import main
from workflow.commands import CompleteWorkflowStep, StartWorkflow, StepNotActive
from workflow.office import Office, work_through, workflow_ids
from workflow.plans import PURCHASE, Kind, Outcome, Plan, StepPlan, faults
from workflow.timeline import read_timeline
from workflow.workflows import Step, StepActivated, StepCompleted, StepEnded, Workflow, WorkflowStarted, step_id

T = TypeVar("T")
LAPTOP, DESK = StreamId.of(Workflow, "laptop"), StreamId.of(Workflow, "desk")


def with_office(use: Callable[[CommandExecutor], Awaitable[T]], *, observer: Observer | None = None) -> T:
    """Run *use* on an office where the purchase of a laptop has started."""

    async def run() -> T:
        async with InMemoryEventStore() as store:
            executor = CommandExecutor(store, observer=observer)
            await executor.execute(StartWorkflow(LAPTOP, "a laptop", PURCHASE))
            return await use(executor)

    return asyncio.run(run())


def complete(name: str, outcome: Outcome, round: int = 1, *, workflow: StreamId[Workflow] = LAPTOP) -> CompleteWorkflowStep:  # noqa: A002
    return CompleteWorkflowStep(workflow, step_id(workflow, name), outcome, round)


def test_a_workflow_starts_with_its_first_step() -> None:
    async def use(office: CommandExecutor) -> None:
        result = await office.execute(StartWorkflow(DESK, "a desk", PURCHASE))

        assert [(recorded.stream_id, recorded.event) for recorded in result.events] == [
            (DESK, WorkflowStarted("a desk", PURCHASE)),
            (step_id(DESK, "approve-budget"), StepActivated(DESK, "approve-budget")),
        ]
        assert (await office.load(DESK)).state.active == "approve-budget"

    with_office(use)


@pytest.mark.parametrize(
    ("so_far", "outcome", "following"),
    [
        ([], Outcome.APPROVED, "order-goods"),
        ([], Outcome.REJECTED, "inform-requester"),
        ([("approve-budget", Outcome.APPROVED)], Outcome.SUCCEEDED, "pay-invoice"),
        ([("approve-budget", Outcome.APPROVED)], Outcome.FAILED, "find-supplier"),
    ],
)
def test_each_outcome_leads_to_the_step_that_the_plan_says(so_far: Sequence[tuple[str, Outcome]], outcome: Outcome, following: str) -> None:
    async def use(office: CommandExecutor) -> None:
        for name, before in so_far:
            await office.execute(complete(name, before))
        due = (await office.load(LAPTOP)).state.active or ""
        result = await office.execute(complete(due, outcome))

        assert [(recorded.stream_id, recorded.event) for recorded in result.events] == [
            (LAPTOP, StepCompleted(due, outcome, following)),
            (step_id(LAPTOP, due), StepEnded(outcome)),
            (step_id(LAPTOP, following), StepActivated(LAPTOP, following)),
        ]
        assert (await office.load(step_id(LAPTOP, due))).state == Step(due, is_active=False, round=1)
        assert (await office.load(step_id(LAPTOP, following))).state == Step(following, is_active=True, round=1)

    with_office(use)


def test_the_next_step_is_discovered_where_there_is_one_and_only_there() -> None:
    discovered: list[StreamId] = []

    def observe(observation: Observation) -> None:
        if isinstance(observation, StreamsDiscovered) and isinstance(observation.command, CompleteWorkflowStep):
            discovered.extend(observation.streams)

    async def use(office: CommandExecutor) -> None:
        await office.execute(complete("approve-budget", Outcome.REJECTED))
        result = await office.execute(complete("inform-requester", Outcome.SUCCEEDED))

        assert [recorded.stream_id for recorded in result.events] == [LAPTOP, step_id(LAPTOP, "inform-requester")]
        assert (await office.load(LAPTOP)).state.has_ended

    with_office(use, observer=observe)

    assert discovered == [step_id(LAPTOP, "inform-requester")]


def test_a_step_comes_round_again_after_an_error() -> None:
    async def use(office: CommandExecutor) -> None:
        await office.execute(complete("approve-budget", Outcome.APPROVED))
        await office.execute(complete("order-goods", Outcome.FAILED))
        await office.execute(complete("find-supplier", Outcome.SUCCEEDED))

        assert (await office.load(step_id(LAPTOP, "order-goods"))).state == Step("order-goods", is_active=True, round=2)
        with pytest.raises(StepNotActive, match="round 1 of step-workflow-laptop/order-goods is not active"):
            await office.execute(complete("order-goods", Outcome.SUCCEEDED))
        await office.execute(complete("order-goods", Outcome.SUCCEEDED, 2))

    with_office(use)


def test_a_step_may_lead_to_itself() -> None:
    async def use(office: CommandExecutor) -> None:
        for name, outcome in (("approve-budget", Outcome.APPROVED), ("order-goods", Outcome.SUCCEEDED)):
            await office.execute(complete(name, outcome))
        result = await office.execute(complete("pay-invoice", Outcome.FAILED))

        assert [recorded.event for recorded in result.events][1:] == [StepEnded(Outcome.FAILED), StepActivated(LAPTOP, "pay-invoice")]
        assert (await office.load(step_id(LAPTOP, "pay-invoice"))).state == Step("pay-invoice", is_active=True, round=2)

    with_office(use)


def test_of_two_who_complete_a_step_at_once_one_decides() -> None:
    async def use(office: CommandExecutor) -> None:
        colleague = CommandExecutor(office.store)
        outcomes = await asyncio.gather(
            office.execute(complete("approve-budget", Outcome.APPROVED)),
            colleague.execute(complete("approve-budget", Outcome.REJECTED)),
            return_exceptions=True,
        )
        (rejection,) = (outcome for outcome in outcomes if isinstance(outcome, BaseException))
        active = [plan.name for plan in PURCHASE if (await office.load(step_id(LAPTOP, plan.name))).state.is_active]

        assert isinstance(rejection, StepNotActive)
        assert active == [(await office.load(LAPTOP)).state.active]

    with_office(use)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (complete("approve-budget", Outcome.SUCCEEDED), "step-workflow-laptop/approve-budget cannot end succeeded: its kind is approval"),
        (complete("order-goods", Outcome.SUCCEEDED), "round 1 of step-workflow-laptop/order-goods is not active"),
        (
            CompleteWorkflowStep(DESK, step_id(LAPTOP, "approve-budget"), Outcome.APPROVED),
            "step-workflow-laptop/approve-budget is no step of workflow-desk",
        ),
        (StartWorkflow(LAPTOP, "another laptop", PURCHASE), "workflow-laptop has started already"),
        (StartWorkflow(DESK, "a desk", ()), "workflow-desk cannot follow this plan: a plan needs a step"),
    ],
)
def test_the_office_says_why_it_refuses(command: CompleteWorkflowStep | StartWorkflow, reason: str) -> None:
    async def use(office: CommandExecutor) -> None:
        with pytest.raises(CommandRejected) as caught:
            await office.execute(command)

        assert str(caught.value) == reason

    with_office(use)


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


def test_a_timeline_tells_of_one_workflow_alone_who_did_what() -> None:
    async def run() -> list[tuple[str, str]]:
        async with InMemoryEventStore() as store:
            executor = CommandExecutor(store)
            for workflow in (LAPTOP, StreamId.of(Workflow, "laptop-2")):
                await executor.execute(StartWorkflow(workflow, "a laptop", PURCHASE), metadata={"actor": "Ada"})
                await executor.execute(complete("approve-budget", Outcome.REJECTED, workflow=workflow), metadata={"actor": "Grace"})
            await executor.execute(complete("inform-requester", Outcome.SUCCEEDED))
            return [(moment.actor, moment.what) for moment in await read_timeline(store, LAPTOP)]

    assert asyncio.run(run()) == [
        ("Ada", "starts: a laptop"),
        ("", "-> approve-budget"),
        ("Grace", "approve-budget: rejected"),
        ("", "-> inform-requester"),
        ("", "inform-requester: succeeded"),
        ("", "-> the end"),
    ]


def test_a_busy_office_completes_each_step_once() -> None:
    office = Office()

    async def run() -> None:
        async with InMemoryEventStore() as store:
            executor = CommandExecutor(store, observer=office)
            workflows = workflow_ids(40, day="d")
            await work_through(executor, workflows, concurrency=8, office=office, seed=3)
            states = [(await executor.load(workflow)).state for workflow in workflows]

        assert all(state.has_ended for state in states)
        assert sum(len(state.completed) for state in states) == office.completed

    asyncio.run(run())

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
