"""Run contestants in processes of their own, in turns, and keep what each reported.

What else the machine does disturbs every time, so only contestants of the same round are compared: a row's ratio is the median of its rounds' ratios.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from typing import Final, NamedTuple, TypeAlias, TypedDict, cast, final

from benchmarks import relay
from benchmarks.environment import PYTHON, ROOT
from benchmarks.jobs import Job
from benchmarks.rows import BEST, Entry, Row
from benchmarks.server import Server
from benchmarks.work import accounts_of

CALIBRATION: Final = 0.1
"""The share of a job that chooses among the variants of an opponent."""
FINALISTS: Final = 2
"""Variants of an opponent that run in every round, at most; the better one counts."""
HOPEFUL: Final = 0.7
"""A variant runs in every round only if its trial reached this share of the best one's."""
COUNTED: Final = 2_000
"""Commands of the run, beside all rounds, in which statements and WAL are counted."""
TIMEOUT: Final = 600

Say: TypeAlias = Callable[[str], None]
Figures: TypeAlias = Mapping[str, float]
"""What one run reported: rate, p50 and others in milliseconds, memory in MiB."""


class _Description(TypedDict):
    name: str
    variants: list[str]
    weaker: list[str]
    versions: dict[str, str]
    server: bool
    prepares: bool


class _Report(TypedDict):
    figures: dict[str, float]
    settings: dict[str, str | int]


class Described(NamedTuple):
    """*weaker* are variants that promise less than we do: they are measured and told, never compared.

    *prepares*: it opens its accounts beforehand.
    """

    name: str
    variants: Sequence[str]
    weaker: Sequence[str]
    versions: Mapping[str, str]
    server: bool
    prepares: bool


class Cost(NamedTuple):
    """What one command cost the server: statements (each is a round trip) and bytes of WAL."""

    statements: float
    wal: float


class Measured(NamedTuple):
    """One entry with its variant chosen: what each round reported, and what it ran with."""

    entry: Entry
    rounds: Sequence[Figures]
    settings: Mapping[str, str | int]
    cost: Cost | None

    def median(self, figure: str) -> float:
        return statistics.median(one[figure] for one in self.rounds)


class Result(NamedTuple):
    """One row, measured. *ours* and *against* are medians, *spread* is the least and the greatest ratio of a round."""

    row: Row
    ours: Measured
    against: Measured
    ratio: float
    spread: tuple[float, float]
    weaker: Mapping[str, float]


class ContestantFailed(Exception):
    pass


@cache
def describe(contestant: str) -> Described:
    found = cast("_Description", _call(contestant, "describe"))
    return Described(found["name"], found["variants"], found["weaker"], found["versions"], found["server"], found["prepares"])


@final
class Meter:
    """Measures entries on one server. *share* of each job is done, for a quick look."""

    def __init__(self, server: Server | None, *, rounds: int, share: float, say: Say) -> None:
        self._server = server
        self._rounds = rounds
        self._share = share
        self._say = say
        self._settings: dict[Entry, Mapping[str, str | int]] = {}
        self._trials: dict[Entry, Figures] = {}

    def rows(self, rows: Sequence[Row]) -> list[Result]:
        """Measure rows of one heat."""
        measured = self.entries([entry for row in rows for entry in (row.ours, row.against)], figure=rows[0].figure)
        return [self._result(row, measured) for row in rows]

    def entries(self, entries: Iterable[Entry], *, figure: str, cost: bool = True) -> dict[Entry, Measured]:
        """Measure *entries* in turns, round by round; return for each its best variant."""
        unique = list(dict.fromkeys(entries))
        chosen = {entry: self._finalists(entry, figure) for entry in unique}
        runners = list(dict.fromkeys(runner for finalists in chosen.values() for runner in finalists))
        found: dict[Entry, list[Figures]] = {runner: [] for runner in runners}
        for number in range(self._rounds):
            # Whoever runs first in one round runs last in the next.
            for runner in runners if number % 2 == 0 else reversed(runners):
                found[runner].append(self._run(runner, seed=number))
            self._say(
                f"round {number + 1} of {self._rounds}: "
                + ", ".join(f"{_label(runner)} {found[runner][-1][figure]:,.4g}" for runner in runners)
            )
        best = {entry: _best(finalists, found, figure) for entry, finalists in chosen.items()}
        costs = {runner: self._cost(runner) if cost else None for runner in dict.fromkeys(best.values())}
        if self._server is not None:
            self._server.forget_templates()
        return {entry: Measured(runner, found[runner], self._settings[runner], costs[runner]) for entry, runner in best.items()}

    def _result(self, row: Row, measured: Mapping[Entry, Measured]) -> Result:
        ours, against = measured[row.ours], measured[row.against]
        ratios = [mine[row.figure] / theirs[row.figure] for mine, theirs in zip(ours.rounds, against.rounds, strict=True)]
        weaker = {
            variant: self._run(row.against._replace(variant=variant), seed=0)[row.figure]
            for variant in describe(row.against.contestant).weaker
        }
        return Result(row, ours, against, statistics.median(ratios), (min(ratios), max(ratios)), weaker)

    def _finalists(self, entry: Entry, figure: str) -> list[Entry]:
        variants = describe(entry.contestant).variants
        if entry.variant != BEST:
            return [entry]
        entries = [entry._replace(variant=variant) for variant in variants]
        if len(entries) <= FINALISTS:
            return entries
        trial = entry.job.scaled(CALIBRATION)
        merits = {one: _merit(self._run(one._replace(job=trial), seed=0), figure) for one in entries}
        best = max(merits.values())
        ranked = sorted(entries, key=lambda one: -merits[one])[:FINALISTS]
        self._say("its variants: " + ", ".join(f"{one.variant} {merits[one] / best:.2f}" for one in entries))
        return [one for one in ranked if merits[one] >= HOPEFUL * best]

    def _run(self, entry: Entry, *, seed: int) -> Figures:
        """Return what one run reported, on a new store, whose outcome the contestant's process has verified."""
        job = entry.job if self._share == 1 else entry.job.scaled(self._share)
        contestant, variant = entry.contestant, entry.variant
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix=".scratch-", dir=ROOT / "benchmarks"))
            arguments = ["--variant", variant, "--job", json.dumps(job), "--seed", str(seed), "--folder", folder]
            if describe(contestant).server:
                arguments += ["--dsn", self._database(stack, contestant, job)]
            report = cast("_Report", _call(contestant, "run", *arguments))
        self._settings[entry] = report["settings"]
        return report["figures"]

    def _database(self, stack: ExitStack, contestant: str, job: Job) -> str:
        """Return the DSN of a database of its own, with the accounts opened, reached through a relay where the job wants one."""
        server = self._needed(contestant)
        template = self._template(contestant, job) if describe(contestant).prepares else "template1"
        database = server.create(template)
        stack.callback(server.drop, database)
        server.settle()
        port = stack.enter_context(relay.running(server.port, job.delay)) if job.delay else server.port
        return server.dsn(database, port=port)

    def _needed(self, contestant: str) -> Server:
        if self._server is None:
            raise ContestantFailed(f"{contestant} needs a server")
        return self._server

    def _template(self, contestant: str, job: Job) -> str:
        server = self._needed(contestant)
        key = f"{contestant} {len(accounts_of(job))} {job.history} {job.untouched}"
        template = server.template(key)
        if template is None:
            template = server.create()
            _call(contestant, "prepare", "--job", json.dumps(job), "--dsn", server.dsn(template))
            server.keep_as_template(key, template)
        return template

    def _cost(self, entry: Entry) -> Cost | None:
        """Count what the second half of a run costs: a run of all, less a run of half of it."""
        server, job = self._server, entry.job
        if server is None or not describe(entry.contestant).server or job.untouched or job.delay or entry.contestant.endswith("catch_up"):
            return None
        count = min(COUNTED, int(job.commands * self._share))
        with server.counting():
            whole, half = (self._counted(entry._replace(job=job._replace(commands=some))) for some in (count, count // 2))
        commands = count - count // 2
        return Cost((whole.statements - half.statements) / commands, (whole.wal - half.wal) / commands)

    def _counted(self, entry: Entry) -> Cost:
        server = self._needed(entry.contestant)
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix=".scratch-", dir=ROOT / "benchmarks"))
            dsn = self._database(stack, entry.contestant, entry.job)
            before = server.counted()
            _call(entry.contestant, "run", *("--variant", entry.variant, "--job", json.dumps(entry.job), "--folder", folder, "--dsn", dsn))
            after = server.counted()
        return Cost(after.statements - before.statements, after.wal - before.wal)


def _merit(figures: Figures, figure: str) -> float:
    return figures["rate"] if figure == "rate" else 1 / figures[figure]


def _best(finalists: Sequence[Entry], found: Mapping[Entry, Sequence[Figures]], figure: str) -> Entry:
    return max(finalists, key=lambda one: statistics.median(_merit(figures, figure) for figures in found[one]))


def _label(entry: Entry) -> str:
    return f"{entry.contestant} ({entry.variant}, {entry.job.name})"


def _call(contestant: str, *arguments: str) -> object:
    command = [str(PYTHON), "-m", "benchmarks.contestant", contestant, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT, check=False)  # noqa: S603
    if done.returncode != 0:
        raise ContestantFailed(f"{contestant} {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr.strip()}")
    lines = done.stdout.splitlines()
    report: object = json.loads(lines[-1]) if lines else None
    return report
