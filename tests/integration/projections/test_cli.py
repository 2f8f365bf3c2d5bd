from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from eventcore import Recorded, RetryPolicy, SqliteEventStore
from eventcore.cli import main
from eventcore.projections import Context, ProjectionRunner, on, projection
from tests.integration.projections.lab import Balances, Paid, pay, shown


@projection(name="balances", on_fault="park", retry=RetryPolicy(max_attempts=1))
class Parking(Balances):
    broken = True

    @on(Paid)
    def paid(self, recorded: Recorded[Paid], context: Context) -> None:
        if Parking.broken and recorded.event.account == "bad":
            raise ValueError("no")
        super().paid(recorded, context)


def during(path: Path, work: Callable[[SqliteEventStore, ProjectionRunner], Awaitable[None]], *, runs: object) -> None:
    async def run() -> None:
        async with SqliteEventStore(path) as store, ProjectionRunner(store, [runs], poll_interval=0.05) as runner, asyncio.timeout(30):
            await work(store, runner)

    asyncio.run(run())


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, object]]]:
    code = main(["projections", *arguments, "--json"])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_life_of_a_projection(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.db"
    at = ("--url", str(path))

    async def first(store: SqliteEventStore, runner: ProjectionRunner) -> None:
        await runner.caught_up(await pay(store, [("a", 1), ("bad", 1), ("a", 1)]), timeout=20)

    during(path, first, runs=Parking())
    code, [row] = told(capsys, "lag", *at)
    assert (code, row["state"], row["behind_seconds"], row["parked"], row["handled"]) == (0, "live", 0.0, 1, 3)
    assert shown(path) == {"a": (2, 2)}

    assert main(["projections", "pause", "balances", *at]) == 0
    assert capsys.readouterr().out == "balances pauses after the batch that it is at\n"

    async def paused(store: SqliteEventStore, runner: ProjectionRunner) -> None:
        await pay(store, [("a", 1)])
        await asyncio.sleep(0.3)

    during(path, paused, runs=Parking())
    code, [row] = told(capsys, "lag", *at)
    assert (code, row["state"]) == (1, "paused")
    assert shown(path) == {"a": (2, 2)}

    assert main(["projections", "resume", "balances", *at]) == 0
    assert main(["projections", "retry-parked", "balances", *at]) == 0
    assert main(["projections", "rebuild", "balances", *at]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "1 parked events of balances will be handled once more",
        "balances will be rebuilt by its runner, as generation 2",
    ]
    Parking.broken = False

    # What the command line runs needs a loop of its own.
    async def elsewhere(store: SqliteEventStore, runner: ProjectionRunner) -> None:
        while (await asyncio.to_thread(told, capsys, "list", *at))[1][0]["generation"] != 2:
            await asyncio.sleep(0.05)

    during(path, elsewhere, runs=Parking())
    assert shown(path) == {"a": (3, 3), "bad": (1, 1)}
    assert main(["projections", "status", *at]) == 0
    assert "0 parked" in capsys.readouterr().out


def test_what_is_not_there_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.db"
    main(["migrate", str(path)])
    capsys.readouterr()
    for arguments in (["pause", "x"], ["resume", "x"], ["retry-parked", "x"], ["rebuild", "x"], ["status", "x"]):
        assert main(["projections", *arguments, "--url", str(path)]) == 2
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1
        assert "no projection 'x'" in captured.err
