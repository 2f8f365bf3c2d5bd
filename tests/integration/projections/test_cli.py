from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from eventcore import Recorded, RetryPolicy, SqliteEventStore
from eventcore.cli import main
from eventcore.cli.look.projections import Bar
from eventcore.errors import ProjectionStopped
from eventcore.projections import Context, ProjectionRunner, on, projection
from eventcore.projections.records import ProjectionRecord
from eventcore.projections.runner import live_record
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
        last = await pay(store, [("a", 1)])
        await asyncio.sleep(0.3)
        with pytest.raises(ProjectionStopped, match="`eventcore projections resume balances`"):
            await runner.caught_up(last, timeout=20)

    during(path, paused, runs=Parking())
    code, [row] = told(capsys, "lag", *at)
    assert (code, row["state"]) == (1, "paused")
    assert shown(path) == {"a": (2, 2)}

    assert main(["projections", "resume", "balances", *at]) == 0
    assert main(["projections", "retry-parked", "balances", *at]) == 0
    assert main(["projections", "rebuild", "balances", *at]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "1 parked event of balances will be handled once more",
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


def test_who_leads_is_told_while_somebody_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.db"
    at = ("--url", str(path))

    async def work(store: SqliteEventStore, runner: ProjectionRunner) -> None:
        await runner.caught_up(await pay(store, [("a", 1)]), timeout=20)
        _, [row] = await asyncio.to_thread(told, capsys, "status", *at)
        assert str(row["leader"]).startswith(f"{socket.gethostname()}:{os.getpid()}:")
        assert datetime.fromisoformat(str(row["leads_until"])) > datetime.now(UTC)
        await asyncio.to_thread(main, ["projections", "status", *at])
        assert f"\n  leader    {row['leader']}, until 20" in capsys.readouterr().out

    during(path, work, runs=Balances())
    assert told(capsys, "status", *at)[1][0]["leader"] is None
    main(["projections", "status", *at])
    assert "\n  leader    nobody\n" in capsys.readouterr().out


def test_what_was_parked_is_shown_with_its_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.db"
    at = ("--url", str(path))
    Parking.broken = True

    async def work(store: SqliteEventStore, runner: ProjectionRunner) -> None:
        await runner.caught_up(await pay(store, [("a", 1), ("bad", 7), ("a", 1), ("bad", 8)]), timeout=20)

    main(["migrate", str(path)])
    capsys.readouterr()
    assert main(["projections", "parked", *at]) == 0
    assert capsys.readouterr().out == "nothing is parked\n"
    during(path, work, runs=Parking())
    main(["projections", "retry-parked", "balances", *at])
    capsys.readouterr()
    assert main(["projections", "parked", "balances", *at]) == 0
    shown_lines = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "NOW", capsys.readouterr().out).splitlines()
    assert shown_lines == [
        "balances, generation 1: 2 parked events",
        "  2  Paid, version 2 of payments-1",
        "    parked  NOW, after 1 attempt, to be handled once more",
        "    error   ValueError: no",
        "  4  Paid, version 4 of payments-1",
        "    parked  NOW, after 1 attempt, to be handled once more",
        "    error   ValueError: no",
    ]
    code, rows = told(capsys, "parked", *at)
    assert code == 0
    assert [(row["name"], row["position"], row["data"], row["error"], row["attempts"], row["to_retry"]) for row in rows] == [
        ("balances", "2", {"account": "bad", "amount": 7}, "ValueError: no", 1, True),
        ("balances", "4", {"account": "bad", "amount": 8}, "ValueError: no", 1, True),
    ]


def test_a_projection_without_tables_is_shown_as_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.db"
    at = ("--url", str(path))

    @projection(name="balances", retry=RetryPolicy(max_attempts=1))
    class Faulty(Balances):
        def create(self, context: Context) -> None:
            raise ValueError("no room")

    async def work(store: SqliteEventStore, runner: ProjectionRunner) -> None:
        with pytest.raises(ProjectionStopped):
            await runner.caught_up(await pay(store, [("a", 1)]), timeout=20)

    during(path, work, runs=Faulty())
    fault = "`create`, which makes its tables: ValueError: no room"
    for action, code in (("list", 0), ("status", 0), ("lag", 1)):
        told_code, [row] = told(capsys, action, *at)
        assert (told_code, row["state"], row["fault"]) == (code, "stopped", fault)
    main(["projections", "list", *at])
    assert fault in capsys.readouterr().out
    main(["projections", "status", *at])
    assert f"  stopped   by {fault}" in capsys.readouterr().out


def test_what_is_not_there_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.db"
    main(["migrate", str(path)])
    capsys.readouterr()
    for arguments in (["pause", "x"], ["resume", "x"], ["retry-parked", "x"], ["rebuild", "x"], ["status", "x"], ["parked", "x"]):
        assert main(["projections", *arguments, "--url", str(path)]) == 2
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1
        assert "no projection 'x'" in captured.err


def test_what_follows_the_bar_of_a_rebuild_begins_a_line(tmp_path: Path) -> None:
    path = tmp_path / "events.db"

    async def first(store: SqliteEventStore, runner: ProjectionRunner) -> None:
        await runner.caught_up(await pay(store, [("a", 1)] * 10), timeout=20)

    during(path, first, runs=Balances())
    ours, theirs = pty.openpty()
    rebuilding = subprocess.Popen(
        [sys.executable, "-m", "eventcore", "projections", "rebuild", "balances", "--wait", "--url", str(path)], stdout=theirs
    )
    os.close(theirs)
    printed = ""
    try:
        while "waiting for a runner" not in printed:
            printed += os.read(ours, 1000).decode(errors="replace")

        async def then(store: SqliteEventStore, runner: ProjectionRunner) -> None:
            assert await asyncio.to_thread(rebuilding.wait, 20) == 0

        during(path, then, runs=Balances())
        printed += os.read(ours, 10_000).decode(errors="replace")
    finally:
        rebuilding.kill()
        rebuilding.wait()
        os.close(ours)
    assert re.search(r"\r\n *balances is live as generation 2\r\n", printed), printed


def test_interrupting_the_look_at_a_rebuild_does_not_end_it(tmp_path: Path) -> None:
    path = tmp_path / "events.db"

    async def first(store: SqliteEventStore, runner: ProjectionRunner) -> None:
        await runner.caught_up(await pay(store, [("a", 1)] * 10), timeout=20)

    during(path, first, runs=Balances())
    command = [sys.executable, "-m", "eventcore", "projections", "rebuild", "balances", "--wait", "--url", str(path)]
    looking = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert looking.stdout is not None
    assert "waiting for a runner" in looking.stdout.readline()
    looking.send_signal(signal.SIGINT)
    _, said = looking.communicate(timeout=20)
    assert (looking.returncode, "Traceback" in said) == (130, False), said

    async def then(store: SqliteEventStore, runner: ProjectionRunner) -> None:
        while (live := await live_record(store, "balances")) is None or live.generation != 2:
            await asyncio.sleep(0.02)

    during(path, then, runs=Balances())


@pytest.mark.parametrize("stopped", [True, False], ids=["stopped", "paused"])
def test_waiting_for_a_rebuild_that_does_not_go_on_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str], stopped: bool) -> None:
    path = tmp_path / "events.db"

    @projection(name="balances", retry=RetryPolicy(max_attempts=1))
    class Faulty(Balances):
        @on(Paid)
        async def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            if context.rebuilding and not stopped:
                await asyncio.to_thread(main, ["projections", "pause", "balances", "--url", str(path)])
            elif context.rebuilding:
                raise ValueError("no")

    async def work(store: SqliteEventStore, runner: ProjectionRunner) -> None:
        await runner.caught_up(await pay(store, [("a", 1)] * 10), timeout=20)
        assert await asyncio.to_thread(main, ["projections", "rebuild", "balances", "--wait", "--url", str(path)]) == 2

    during(path, work, runs=Faulty())
    told = capsys.readouterr().err
    assert "eventcore: the projection 'balances' does not go on: " in told
    assert ("ValueError: no" if stopped else "it is paused; resume it") in told


def test_the_time_that_is_left_is_told_by_what_was_seen(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebuild that was half done when somebody began to look is not half done in no time."""
    bar = Bar()
    for clock, handled in ((10.0, 500), (20.0, 750), (25.0, 1200)):
        monkeypatch.setattr(time, "monotonic", clock.__pos__)
        bar.draw(counting(handled, live=False), counting(1000, live=True))
    assert [line[30:].split("events  ")[1] for line in capsys.readouterr().out.splitlines()] == [
        "waiting for a runner",
        "10 s left",
        "0 s left",
    ]


def counting(handled: int, *, live: bool) -> ProjectionRecord:
    return ProjectionRecord(
        "balances",
        1,
        1,
        live,
        False,
        ("balances",),
        None,
        handled,
        0,
        None,
        datetime(2026, 11, 28, tzinfo=UTC),
        False,
    )
