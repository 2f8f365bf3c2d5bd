"""An office where many purchases are under way at once, and now and then two people complete the same step."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence

import attrs

from eventcore import CommandExecutor, ConflictMet, Observation, StreamId
from workflow.commands import CompleteWorkflowStep, StartWorkflow, StepNotActive
from workflow.plans import PURCHASE, StepPlan
from workflow.workflows import Workflow, step_id

CLERKS = ("Ada", "Barbara", "Claude", "Donald", "Edsger", "Frances", "Grace", "Hedy")
GOODS = ("laptops", "desks", "lamps", "chairs", "whiteboards", "kettles")


@attrs.define
class Office:
    """What was done. It is also the executor's observer."""

    completed: int = 0
    too_late: int = 0
    conflicts: int = 0
    seconds: float = 0.0
    endings: Counter[str] = attrs.field(factory=Counter[str])

    def __call__(self, observation: Observation) -> None:
        if isinstance(observation, ConflictMet):
            self.conflicts += 1

    @property
    def per_second(self) -> float:
        return (self.completed + self.too_late) / self.seconds


def workflow_ids(count: int, *, day: str) -> list[StreamId[Workflow]]:
    return [StreamId.of(Workflow, f"{day}-{number}") for number in range(1, count + 1)]


async def work_through(
    executor: CommandExecutor, workflows: Sequence[StreamId[Workflow]], *, concurrency: int, office: Office, seed: int
) -> None:
    """Start the workflows and see each to its end, *concurrency* at a time. Equal seeds take equal decisions for a workflow."""
    waiting = iter(enumerate(workflows))

    async def work() -> None:
        for number, workflow in waiting:
            await see_through(executor, workflow, office=office, dice=random.Random(f"{seed}/{number}"))

    began = time.perf_counter()
    async with asyncio.TaskGroup() as desks:
        for _ in range(concurrency):
            desks.create_task(work())
    office.seconds = time.perf_counter() - began


async def see_through(executor: CommandExecutor, workflow: StreamId[Workflow], *, office: Office, dice: random.Random) -> None:
    """Start one workflow and complete the step that is due until none is."""
    subject = f"{dice.randint(2, 20)} {dice.choice(GOODS)}"
    await executor.execute(StartWorkflow(workflow, subject, PURCHASE), metadata={"actor": dice.choice(CLERKS)})
    stands = (await executor.load(workflow)).state
    while stands.active is not None:
        await complete_step(executor, workflow, stands.step(stands.active), office=office, dice=dice)
        stands = (await executor.load(workflow)).state
    step, outcome = stands.completed[-1]
    office.endings[f"{step}: {outcome}"] += 1


async def complete_step(
    executor: CommandExecutor, workflow: StreamId[Workflow], due: StepPlan, *, office: Office, dice: random.Random
) -> None:
    """Complete the step that is due; one time in five a second clerk does the same at the same time, with an outcome of her own."""
    current = step_id(workflow, due.name)
    well, ill = due.kind.outcomes
    round_now = (await executor.load(current)).state.round
    clerks = dice.sample(CLERKS, 2 if dice.random() < 0.2 else 1)

    async def complete(clerk: str) -> None:
        outcome = well if dice.random() < 0.75 else ill
        try:
            await executor.execute(CompleteWorkflowStep(workflow, current, outcome, round_now), metadata={"actor": clerk})
        except StepNotActive:
            office.too_late += 1
        else:
            office.completed += 1

    await asyncio.gather(*(complete(clerk) for clerk in clerks))
