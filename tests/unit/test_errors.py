"""Errors cross processes: a pool that cannot unpickle one breaks, and the error is never seen."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Iterator

import pytest

from eventcore import errors
from eventcore.errors import EventCoreError, IdempotencyKeyReused, InvalidStreamId


def classes(of: type[EventCoreError] = EventCoreError) -> Iterator[type[EventCoreError]]:
    yield of
    for each in of.__subclasses__():
        if each.__module__ == errors.__name__:
            yield from classes(each)


KINDS: dict[str, object] = {"int": 3, "Sequence[str]": ["a", "b"], "Sequence[Recorded[object]]": [], "Sequence[Sequence[str]]": [["a"]]}


def made(cls: type[EventCoreError]) -> EventCoreError:
    """Return an error of *cls*, with a text of its own for each argument that has to be given."""
    given: list[object] = []
    named: dict[str, object] = {}
    if not inspect.isfunction(cls.__init__):  # that of Exception, or of a kin of it
        return cls("what happened")
    for parameter in list(inspect.signature(cls.__init__).parameters.values())[1:]:
        value: object = KINDS.get(parameter.annotation, f"<{parameter.name}>")
        if parameter.kind is parameter.KEYWORD_ONLY:
            named[parameter.name] = value
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            given.append(str if parameter.annotation == "type[object]" else value)
    return cls(*given, **named)


@pytest.mark.parametrize("cls", list(dict.fromkeys(classes())))
def test_an_error_is_the_same_after_a_journey(cls: type[EventCoreError]) -> None:
    error = made(cls)

    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is cls
        assert str(again) == str(error)
        assert again.args == error.args
        assert vars(again) == vars(error)


def test_notes_travel_along() -> None:
    error = InvalidStreamId("", "it is empty")
    error.add_note("while a form was read")

    assert pickle.loads(pickle.dumps(error)).__notes__ == ["while a form was read"]
    assert isinstance(pickle.loads(pickle.dumps(IdempotencyKeyReused("k", "Fill"))), IdempotencyKeyReused)
