"""Tests of commands and of stores, with the checks that eventcore runs on itself.

::

    scenario.py      given, when, then: one command on the real executor
    property/        check_command: many commands that Hypothesis makes up
    chaos.py         stores that conflict, fail, lose replies and take their time
    together.py      commands at the same time, and one after the other
    simulation.py    every interleaving is a seed that can be replayed
    contract/        what every store has to pass
    pytest_plugin    fixtures for all of it

Hypothesis is needed by `check_command` alone, pytest by the plugin alone.
"""

from __future__ import annotations

from eventcore.testing.chaos import ChaosStore
from eventcore.testing.conflicting import ConflictingStore
from eventcore.testing.meanwhile import MeanwhileStore
from eventcore.testing.property import check_command
from eventcore.testing.scenario import Outcome, Scenario
from eventcore.testing.simulation import Deadlock, explore, simulate
from eventcore.testing.stream_events import StreamEvents, on, on_any
from eventcore.testing.together import Together

__all__ = [
    "ChaosStore",
    "ConflictingStore",
    "Deadlock",
    "MeanwhileStore",
    "Outcome",
    "Scenario",
    "StreamEvents",
    "Together",
    "check_command",
    "explore",
    "on",
    "on_any",
    "simulate",
]
