"""What an old snapshot depends on in its module: whatever can change how its state folds, and nothing else that is near it."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from eventcore_codegen.scan.fingerprints import fingerprints

MODULE = dedent(
    """
    from __future__ import annotations

    import logging
    from functools import singledispatch

    from eventcore import StreamId, command, event, state, stream

    log = logging.getLogger("shop")
    log.setLevel(101)
    RATES = {}
    RATES["low"] = 102
    if True:
        RATES["high"] = 103
    for number in range(104):
        RATES[number] = number
    RATES.update(middle=105)

    HANDLERS = {}

    def handles(kind):
        def register(function):
            HANDLERS[kind] = function
            return function
        return register

    @handles(str)
    def _of_text(amount):
        return 106

    def _table():
        return HANDLERS

    def _fill(kind):
        _table()[kind] = lambda amount: 0

    _fill(107)

    @singledispatch
    def rate(amount):
        raise TypeError(amount)

    @rate.register
    def _(amount: int):
        return 108

    class Limits:
        low = 0

    Limits.low = 109
    setattr(Limits, "high", RATES.pop(110, None))

    @event
    class Added:
        amount: int

    @state(snapshot_every=3)
    class Cart:
        size: int = 111

        def apply(self, event: Added) -> Cart:
            return Cart(rate(event.amount) + RATES["low"] + HANDLERS[str](1) + Limits.low)

    @event
    class Other:
        amount: int = 201

    @state
    class Shelf:
        size: int = 202

        def apply(self, event: Other) -> Shelf:
            return Shelf(203)

    OTHERS = {}
    OTHERS["low"] = 204

    @command
    class Fill:
        cart: StreamId[Cart] = stream()
        amount: int = 205

        def handle(self, streams, state):
            yield streams.cart.write(Added(206))

    log.info("loaded %s", 207)
    """
)


def fingerprint(text: str) -> str:
    (found,) = fingerprints(ast.parse(text), text.split("\n")).values()
    return found


@pytest.mark.parametrize("number", range(102, 112))
def test_what_a_state_reaches_counts_whatever_changes_it(number):
    assert fingerprint(MODULE.replace(str(number), "999")) != fingerprint(MODULE)


@pytest.mark.parametrize("number", [101, *range(201, 208)])
def test_what_a_state_does_not_reach_counts_for_nothing(number):
    assert MODULE.count(str(number)) == 1
    assert fingerprint(MODULE.replace(str(number), "999")) == fingerprint(MODULE)
