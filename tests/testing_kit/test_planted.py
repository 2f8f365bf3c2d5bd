"""Each kind of bug is found, and shown as a case that a person understands."""

from __future__ import annotations

import re
import textwrap
from decimal import Decimal

import pytest
from cattrs import Converter
from planted import bugs

from eventcore import EventCodec, InMemoryEventStore
from eventcore.testing import check_command


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


@pytest.mark.parametrize("command", [bugs.SetPrice, bugs.OpenValve])
def test_what_is_right_passes(command):
    check_command(command)
