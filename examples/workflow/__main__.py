"""See many purchases through at once on a SQLite file, print the timeline of one, and show that each step was completed once."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

import attrs

from eventcore import CommandExecutor, RetryPolicy, SqliteEventStore, StreamId
from workflow.office import Office, work_through, workflow_ids
from workflow.timeline import Moment, read_timeline
from workflow.workflows import Workflow, step_id


@attrs.frozen
class Outlook:
    """What the streams say when the office closes."""

    faults: tuple[str, ...]
    longest: StreamId[Workflow]
    timeline: tuple[Moment, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if every workflow ended and its steps agree with it, else 1."""
    options = _parse(arguments)
    office = Office()
    outlook = asyncio.run(_run(options, office))
    _show(options, office, outlook)
    return 1 if outlook.faults else 0


async def _run(options: argparse.Namespace, office: Office) -> Outlook:
    async with SqliteEventStore(options.file) as store:
        executor = CommandExecutor(store, retry=RetryPolicy(max_attempts=1_000, deadline=60), observer=office)
        workflows = workflow_ids(options.workflows, day=secrets.token_hex(3))
        await work_through(executor, workflows, concurrency=options.concurrency, office=office, seed=options.seed)
        states = {workflow: (await executor.load(workflow)).state for workflow in workflows}
        faults = [fault for workflow, state in states.items() for fault in await _faults(executor, workflow, state)]
        longest = max(workflows, key=lambda workflow: len(states[workflow].completed))
        return Outlook(tuple(faults), longest, await read_timeline(store, longest))


async def _faults(executor: CommandExecutor, workflow: StreamId[Workflow], state: Workflow) -> list[str]:
    """Return where a workflow and its steps tell different stories: nowhere, if they were always written together."""
    names = [name for name, _ in state.completed]
    faults = [] if state.has_ended else [f"{workflow} never ended"]
    for plan in state.plan:
        step = (await executor.load(step_id(workflow, plan.name))).state
        if step.is_active:
            faults.append(f"{plan.name} of {workflow} is still active")
        if step.round != names.count(plan.name):
            faults.append(f"{plan.name} of {workflow} was active {step.round} times and completed {names.count(plan.name)} times")
    return faults


def _show(options: argparse.Namespace, office: Office, outlook: Outlook) -> None:
    print(f"  {options.workflows:,} purchases, {options.concurrency} at a time\n")
    print(f"  the longest of them, {outlook.longest}:\n")
    for moment in outlook.timeline:
        print(f"  {moment}")
    print()
    for ending, count in office.endings.most_common():
        print(f"  {count:>7,} purchases ended with {ending}")
    print(f"  {office.completed:>7,} steps completed: workflow, step and next step in one atomic append")
    print(f"  {office.too_late:>7,} rejected: somebody else had completed the step")
    print(f"  {office.conflicts:>7,} conflicts met and retried")
    print(f"  {office.per_second:>7,.0f} steps per second, each on the disk before it was reported")
    print(f"  {len(outlook.faults):>7,} steps whose stream and workflow disagree   {'never' if not outlook.faults else 'WRONG'}")
    for fault in outlook.faults:
        print(f"  FOUND: {fault}")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m workflow", description=__doc__)
    parser.add_argument(
        "--file", type=Path, default=Path("workflow.db"), help="the SQLite file; made if it does not exist (default: %(default)s)"
    )
    parser.add_argument("--workflows", type=int, default=200, metavar="N", help="how many purchases (default: %(default)s)")
    parser.add_argument("--concurrency", type=int, default=16, metavar="N", help="how many of them at a time (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="which decisions are taken (default: %(default)s)")
    options = parser.parse_args(arguments)
    for name in ("workflows", "concurrency"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} must be at least 1, got {getattr(options, name)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
