"""A judge who lets everything pass would be worth nothing: what each fault looks like, and that it is seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import pytest

from tests.faults.judge import Entry, History, Place, Told, judge


def entry(number: int, stream: str, version: int, command: str, amount: int) -> Entry:
    return Entry(f"event-{number}", stream, version, f"{number:04}", command, amount)


LOG = [
    entry(1, "a", 1, "open a", 100),
    entry(2, "b", 1, "open b", 100),
    entry(3, "a", 2, "first", -30),
    entry(4, "b", 2, "first", 30),
    entry(5, "b", 3, "second", -120),
    entry(6, "a", 3, "second", 120),
]


def streams_of(log: Sequence[Entry]) -> dict[str, list[Entry]]:
    return {stream: [each for each in log if each.stream_id == stream] for stream in ("a", "b")}


def committed(name: str, log: Sequence[Entry] = LOG) -> Told:
    return Told(name, "committed", tuple(Place(*each[:4]) for each in log if each.command == name))


def history(log: Sequence[Entry] = LOG, *told: Told, seen: Sequence[str] | None = None) -> History:
    readers = {"reader": [each.event_id for each in log] if seen is None else seen}
    answers = told or (committed("first"), committed("second"), Told("third", "failed", error="StoreBusy"), Told("fourth", "unknown"))
    return History(told=answers, log=log, streams=streams_of(log), readers=readers, openings=frozenset({"open a", "open b"}))


def test_a_sound_history_is_not_complained_of() -> None:
    assert judge(history()) == []


def test_what_nobody_knows_may_be_there_whole() -> None:
    assert judge(history(LOG, committed("first"), Told("second", "unknown"))) == []


def moved(log: Sequence[Entry], index: int, **changes: object) -> list[Entry]:
    changed = list(log)
    changed[index] = changed[index]._replace(**changes)
    return changed


FORGED: dict[str, tuple[Callable[[], History], str]] = {
    "a lost command": (lambda: history(LOG[:4]), "second was acknowledged and is lost"),
    "a doubled event": (lambda: history([*LOG, LOG[5]]), "event event-6 is stored 2 times"),
    "a doubled command": (
        lambda: history([*LOG, entry(7, "b", 4, "second", -120), entry(8, "a", 4, "second", 120)]),
        "second is not whole",
    ),
    "half a command": (lambda: history(LOG[:5], committed("first"), Told("second", "unknown")), "second is not whole"),
    "another amount": (lambda: history(moved(LOG, 5, amount=121)), "second is not whole"),
    "a command that failed and is there": (
        lambda: history(LOG, committed("first"), Told("second", "failed", error="StoreBusy")),
        "second was reported as failed (StoreBusy) and is stored",
    ),
    "a command of nobody": (lambda: history(LOG, committed("first")), "second is stored and nobody sent it"),
    "a command answered twice": (
        lambda: history(LOG, committed("first"), committed("first"), committed("second")),
        "first was answered 2 times",
    ),
    "an answer with another event id": (
        lambda: history(LOG, committed("first", moved(LOG, 2, event_id="event-9")), committed("second")),
        "first was answered with",
    ),
    "an answer with another version": (
        lambda: history(LOG, committed("first", moved(LOG, 2, version=7)), committed("second")),
        "first was answered with",
    ),
    "an answer with another position": (
        lambda: history(LOG, committed("first", moved(LOG, 2, position="0000")), committed("second")),
        "first was answered with",
    ),
    "a gap in the versions": (lambda: history(moved(LOG, 5, version=4)), "the versions of a are [1, 2, 4]"),
    "positions against the versions": (
        lambda: history([*LOG[:2], *LOG[4:], *LOG[2:4]]),
        "the versions of a are [1, 3, 2]",
    ),
    "a stream read otherwise": (
        lambda: attrs.evolve(history(), streams={**streams_of(LOG), "a": streams_of(LOG)["a"][:2]}),
        "a is read otherwise",
    ),
    "a stream that the log lacks": (
        lambda: attrs.evolve(history(), streams={**streams_of(LOG), "c": [entry(9, "c", 1, "first", 1)]}),
        "c has events that are missing",
    ),
    "a skipped event": (
        lambda: history(seen=["event-1", "event-2", "event-4", "event-5", "event-6"]),
        "reader skipped 1 events, first event-3",
    ),
    "an event seen twice": (
        lambda: history(seen=["event-1", "event-2", "event-3", "event-3", "event-4", "event-5", "event-6"]),
        "reader saw 1 events more than once, first event-3",
    ),
    "an event seen that is not there": (
        lambda: history(seen=[*(each.event_id for each in LOG), "event-7"]),
        "reader saw 1 events that are not stored, first event-7",
    ),
    "another order": (
        lambda: history(seen=["event-1", "event-2", "event-4", "event-3", "event-5", "event-6"]),
        "reader saw the events in another order",
    ),
    "money out of nothing": (lambda: history(moved(LOG, 3, amount=31)), "there are 201, 200 were put in"),
    "an overdrawn account": (
        lambda: history([*LOG[:2], entry(3, "a", 2, "first", -130), entry(4, "b", 2, "first", 130), *LOG[4:]]),
        "a was overdrawn by first",
    ),
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_history_is_seen_through(forged: str) -> None:
    make, complaint = FORGED[forged]

    assert any(found.startswith(complaint) for found in judge(make())), judge(make())
