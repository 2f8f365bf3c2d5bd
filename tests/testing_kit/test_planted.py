"""Each kind of bug is found, and shown as a case that a person understands."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import textwrap
from decimal import Decimal
from pathlib import Path

import pytest
from cattrs import Converter
from planted import bugs, particular

from eventcore import CommandExecutor, EventCodec, InMemoryEventStore, InvalidArgument, StreamId
from eventcore.testing import Scenario, check_command, on
from eventcore.testing.property.outcome import World

ROOT = Path(__file__).resolve().parents[2]


class HastyStore(InMemoryEventStore):
    async def append(self, requests, /):
        return await super().append([only_what_is_written(request) for request in requests])


def only_what_is_written(request):
    written = {event.stream_id for event in request.events}
    return request._replace(expected={each: version for each, version in request.expected.items() if each in written})


def lossy_codec():
    converter = Converter()
    converter.register_unstructure_hook(Decimal, float)
    converter.register_structure_hook(Decimal, lambda value, _: Decimal(str(value)))
    return EventCodec(converter)


FOUND = {
    "undeclared write": (
        bugs.FillTank,
        {},
        "handle does what a command may do",
        r"UndeclaredStream: FillTank wrote Filled\(litres=1\) to 'tank-overflow'",
    ),
    "non-determinism": (
        bugs.DrawTicket,
        {},
        "handle decides the same on the same",
        r"a first time +tank-a: Filled\(litres=\d+\)\n +a second time +tank-a: Filled",
    ),
    "non-total fold": (
        bugs.DrainTank,
        {},
        "apply takes every event that a stream may hold",
        r"Basin.apply raised ZeroDivisionError: .*\n +on event 1 of basin-a, Drained\(share=0\)",
    ),
    "lost precision": (
        bugs.SetPrice,
        {"codec": lossy_codec},
        "every event survives the codec",
        r"stored was +Priced\(amount=Decimal\('.+'\)\)\n +read is +Priced",
    ),
    "mutation": (
        bugs.PickItem,
        {},
        "handle changes none of its inputs",
        r"state.shelf was +Shelf\(items=\{'': 1\}\)\n +and became +Shelf\(items=\{\}\)",
    ),
    "mutation of what was discovered": (
        bugs.PickAnywhere,
        {},
        "handle changes none of its inputs",
        r"state.found\['shelf-a'\] was +Shelf\(items=\{'': 1\}\)\n +and became +Shelf\(items=\{\}\)",
    ),
    "mutation of one of many": (
        bugs.PickFromMany,
        {},
        "handle changes none of its inputs",
        r"state.shelves\['shelf-(.)'\] was +Shelf\(items=\{'': 1\}\)\n +and became +Shelf\(items=\{\}\)",
    ),
    "write skew": (
        bugs.OpenValve,
        {"store": lambda: HastyStore},
        "commands at the same time do what they would do one after the other",
        r"valve-(.): Opened\(\)\n.*\n +valve-(?!\1).: Opened\(\)",
    ),
}


@pytest.mark.parametrize("kind", FOUND)
def test_a_planted_bug_is_found(kind):
    command, options, rule, how = FOUND[kind]

    with pytest.raises(AssertionError) as caught:
        check_command(command, **{name: make() for name, make in options.items()})

    said = str(caught.value)
    assert said.startswith(f"{command.__name__} breaks the rule: {rule}")
    assert re.search(how, said), said
    compile(test_in(said), "<shown>", "exec")


def test_in(said):
    """Return the test at the end of a report."""
    return textwrap.dedent(said.partition("as a test:\n\n")[2])


test_in.__test__ = False


@pytest.mark.parametrize("kind", ["lost precision", "non-total fold"])
def test_a_bug_is_found_in_what_the_command_writes(kind):
    """All of the history is what it wrote, so no event was made up that could show it."""
    command, options, rule, how = FOUND[kind]

    with pytest.raises(AssertionError) as caught:
        check_command(command, after=[command], **{name: make() for name, make in options.items()})

    assert str(caught.value).startswith(f"{command.__name__} breaks the rule: {rule}")
    assert re.search(how, str(caught.value))


@pytest.mark.parametrize("command", [bugs.SetPrice, bugs.OpenValve])
def test_what_is_right_passes(command):
    check_command(command)


def test_what_a_class_does_not_take_is_no_case():
    check_command(particular.MoveIn)


def test_a_class_that_takes_nothing_of_what_is_tried_wants_a_strategy():
    with pytest.raises(InvalidArgument, match=r"no case of Name, .* taken by Nothing \(-?\d+ is none\); say how .*strategies="):
        check_command(particular.Name)


STORES = """
import asyncio

from eventcore import InMemoryEventStore


class RightStore(InMemoryEventStore):
    pass


class CrowdedStore(InMemoryEventStore):
    # Of three appends at a time the last is in a hurry, and checks only the streams that it writes.
    waiting = 0

    async def append(self, requests, /):
        self.waiting += 1
        if self.waiting >= 3:
            requests = [only_what_is_written(request) for request in requests]
        try:
            await asyncio.sleep(0)
            return await super().append(requests)
        finally:
            self.waiting -= 1


def only_what_is_written(request):
    written = {event.stream_id for event in request.events}
    return request._replace(expected={each: version for each, version in request.expected.items() if each in written})
"""


@pytest.fixture
def crowded(tmp_path, monkeypatch):
    (tmp_path / "crowded_stores.py").write_text(STORES)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("crowded_stores").CrowdedStore
    sys.modules.pop("crowded_stores")


@pytest.fixture
def printed(crowded):
    """What is printed of a meeting of three commands, of which no two go wrong by themselves."""
    with pytest.raises(AssertionError) as caught:
        check_command(bugs.OpenValve, store=crowded)
    assert re.search(r"when_together\((\s*OpenValve\(.*\),\s*){3}seed=\d+,?\s*\)\.then_in_some_order\(\)", str(caught.value)), str(
        caught.value
    )
    return test_in(str(caught.value))


@pytest.mark.parametrize("hash_seed", ["0", "1", "2"])
def test_a_printed_meeting_of_commands_goes_wrong_again(printed, tmp_path, hash_seed):
    """In another process too, where sets are in another order."""
    (tmp_path / "test_printed.py").write_text(printed)
    (tmp_path / "test_right.py").write_text(printed.replace("CrowdedStore", "RightStore"))
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = . {ROOT} {ROOT / 'tests' / 'integration'}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rA"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=False
    )

    assert "FAILED test_printed.py::test_open_valve" in done.stdout, done.stdout + done.stderr
    assert "did what they do one after the other in no order" in done.stdout
    assert "PASSED test_right.py::test_open_valve" in done.stdout


def test_a_seed_means_the_same_to_check_command_and_to_a_scenario(crowded):
    """Whatever happened before, and however long that took."""
    a, b = (StreamId.of(bugs.Valve, key) for key in "ab")
    commands = [bugs.OpenValve(a, b), bugs.OpenValve(b, a), bugs.OpenValve(a, b)]
    history = [on(StreamId.of(bugs.Shelf, "x"), bugs.Stocked("lamp"), bugs.Stocked("mug")), bugs.PickItem(StreamId.of(bugs.Shelf, "x"))]
    seen = set()
    for seed in range(100):
        found = World(crowded, EventCodec()).at_once(history, commands, seed=seed)
        again = Scenario(CommandExecutor(crowded())).given(*history).when_together(*commands, seed=seed)
        assert again._meeting == found
        seen.add(found.told(commands))
        if found.told(commands).count("Opened()") == 1:
            again.then_in_some_order()
    assert len(seen) > 3


def test_what_a_printed_test_cannot_make_is_named():
    with pytest.raises(AssertionError) as caught:
        check_command(bugs.SetPrice, codec=lossy_codec(), store=lambda: HastyStore())  # noqa: PLW0108

    assert "# `executor` has to have the store and the codec that check_command was given" in str(caught.value)
    compile(test_in(str(caught.value)), "<shown>", "exec")


def test_without_hypothesis_the_extra_is_named(monkeypatch):
    for name in [name for name in sys.modules if name == "hypothesis" or name.startswith("eventcore.testing.property.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "hypothesis", None)

    with pytest.raises(InvalidArgument, match=re.escape("pip install 'eventcore-py[testing]'")):
        check_command(bugs.SetPrice)
