"""Run contestants in processes of their own, in turns, and take medians.

What else the machine does disturbs every time, so only contestants of the same round are compared: a row's ratio is the median of its rounds' ratios.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple, TypeAlias, TypedDict, cast

from benchmarks.environment import PYTHON, ROOT
from benchmarks.rows import Row

CALIBRATION: Final = 1_000
"""Transfers of the short runs that choose among the variants of an opponent."""
FINALISTS: Final = 2
"""Variants of an opponent that run in every round, at most; the better one counts."""
HOPEFUL: Final = 0.7
"""A variant runs in every round only if its short run reached this share of the best one's."""
LONGEST: Final = 8.0
"""Seconds that an opponent's round should last at most: where a disk is slow, all contestants of the row do fewer transfers."""
FEWEST: Final = 2_000
TIMEOUT: Final = 300

Say: TypeAlias = Callable[[str], None]
Settings: TypeAlias = "dict[tuple[str, str], Mapping[str, str | int]]"
"""What each contestant and variant ran with."""


class _Description(TypedDict):
    name: str
    variants: list[str]
    weaker: list[str]
    versions: dict[str, str]


class _Report(TypedDict):
    seconds: float
    settings: dict[str, str | int]


class Described(NamedTuple):
    """*weaker* are variants that promise less than we do: they are measured and told, never compared."""

    name: str
    variants: Sequence[str]
    weaker: Sequence[str]
    versions: Mapping[str, str]


class Result(NamedTuple):
    """One row, measured. *ours* and *against* are medians in transfers per second, *spread* is the least and the greatest ratio of a round."""

    row: Row
    ours: float
    against: float
    ratio: float
    rounds: int
    transfers: int
    spread: tuple[float, float]
    opponent: str
    versions: Mapping[str, str]
    settings: Mapping[str, Mapping[str, str | int]]
    every_round: Sequence[Mapping[str, float]]
    weaker: Mapping[str, float]


class ContestantFailed(Exception):
    pass


@cache
def describe(contestant: str) -> Described:
    found = cast("_Description", _call(contestant, "--describe"))
    return Described(found["name"], found["variants"], found["weaker"], found["versions"])


def measure(row: Row, *, rounds: int, say: Say) -> Result:
    """Compare *ours* with the best variant of the opponent, round by round."""
    ours, against = describe(row.ours), describe(row.against)
    finalists = _finalists(row.against, against.variants, say)
    transfers = max(FEWEST, min(row.transfers, int(LONGEST * _calibrated(row.against, finalists[0]))))
    say(f"{transfers:,} transfers in each of {rounds} rounds")
    rates: list[dict[str, float]] = []
    settings: Settings = {}
    for number in range(rounds):
        entries = [(row.ours, ours.variants[0]), *((row.against, variant) for variant in finalists)]
        # Whoever runs first in one round runs last in the next.
        rated = {
            (name, variant): _rate(name, variant, transfers, number, settings)
            for name, variant in (entries if number % 2 == 0 else reversed(entries))
        }
        rates.append({variant if name == row.against else "ours": rated[name, variant] for name, variant in entries})
        say(f"round {number + 1} of {rounds}: " + ", ".join(f"{name} {rate:,.0f}/s" for name, rate in rates[-1].items()))
    weaker = {variant: _rate(row.against, variant, transfers, 0, settings) for variant in against.weaker}
    for variant, rate in weaker.items():
        say(f"for comparison, with a weaker promise: {variant} {rate:,.0f}/s")
    best = max(finalists, key=lambda variant: statistics.median(rate[variant] for rate in rates))
    ratios = [rate["ours"] / rate[best] for rate in rates]
    return Result(
        row=row,
        ours=statistics.median(rate["ours"] for rate in rates),
        against=statistics.median(rate[best] for rate in rates),
        ratio=statistics.median(ratios),
        rounds=rounds,
        transfers=transfers,
        spread=(min(ratios), max(ratios)),
        opponent=f"{against.name}, {best}",
        versions={**ours.versions, **against.versions},
        settings={"ours": settings[row.ours, ours.variants[0]], "against": settings[row.against, best]},
        every_round=rates,
        weaker=weaker,
    )


@cache
def _calibrated(contestant: str, variant: str) -> float:
    return _rate(contestant, variant, CALIBRATION, 0, {})


def _finalists(contestant: str, variants: Sequence[str], say: Say) -> list[str]:
    if len(variants) <= FINALISTS:
        return list(variants)
    rates = {variant: _calibrated(contestant, variant) for variant in variants}
    say("its variants: " + ", ".join(f"{variant} {rate:,.0f}/s" for variant, rate in rates.items()))
    best = max(rates.values())
    return [variant for variant in sorted(variants, key=lambda variant: -rates[variant])[:FINALISTS] if rates[variant] >= HOPEFUL * best]


def _rate(contestant: str, variant: str, transfers: int, seed: int, settings: Settings) -> float:
    """Return transfers per second of one run on an empty store, whose outcome the contestant's process has verified."""
    with tempfile.TemporaryDirectory(prefix=".scratch-", dir=ROOT / "benchmarks") as folder:
        arguments = ("--variant", variant, "--transfers", str(transfers), "--seed", str(seed), "--folder", folder)
        report = cast("_Report", _call(contestant, *arguments))
    settings[contestant, variant] = report["settings"]
    return transfers / report["seconds"]


def _call(contestant: str, *arguments: str) -> object:
    command = [str(PYTHON), "-m", "benchmarks.contestant", contestant, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT, check=False)  # noqa: S603
    if done.returncode != 0:
        raise ContestantFailed(f"{contestant} {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr.strip()}")
    report: object = json.loads(done.stdout.splitlines()[-1])
    return report
