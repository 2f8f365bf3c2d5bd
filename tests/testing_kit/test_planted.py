"""Each kind of bug is found, and shown as a case that a person understands."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Callable
from decimal import Decimal

import pytest
from cattrs import Converter
from planted import bugs

from eventcore import CommandExecutor, EventCodec, InMemoryEventStore, InvalidArgument
from eventcore.testing import Scenario, check_command


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


def test_a_printed_meeting_of_commands_goes_wrong_again():
    """Where the store is at fault both valves are opened; the store that is right refuses one."""
    with pytest.raises(AssertionError) as caught:
        check_command(bugs.OpenValve, store=HastyStore)
    printed: dict[str, Callable[[Scenario], None]] = {}
    exec(test_in(str(caught.value)), printed)  # noqa: S102  # as if it were put into a file

    with pytest.raises(AssertionError, match=r"wrote something else(.|\n)*\+ Opened\(\)"):
        printed["test_open_valve"](Scenario(CommandExecutor(HastyStore())))
    with pytest.raises(AssertionError, match="but was rejected: valve-. is open"):
        printed["test_open_valve"](Scenario())


def test_without_hypothesis_the_extra_is_named(monkeypatch):
    for name in [name for name in sys.modules if name == "hypothesis" or name.startswith("eventcore.testing.property.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "hypothesis", None)

    with pytest.raises(InvalidArgument, match=re.escape("pip install 'eventcore-py[testing]'")):
        check_command(bugs.SetPrice)
