"""A command's fingerprint: what makes two commands the same, in every process."""

# ruff: noqa: DTZ001  # naive datetimes are among what a command may carry
from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from itertools import combinations
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import UUID

import attrs
import pytest
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn

from eventcore import Discovered, InvalidIdempotencyKey, StreamId, command, discovered, stream
from eventcore.codec import EventCodec

if TYPE_CHECKING:
    from nowhere import Account, Thing, Writes  # type: ignore[import-not-found]  # the annotations below must never be evaluated


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@attrs.frozen
class Line:
    sku: object
    note: str = attrs.field(default="", eq=False)


@attrs.frozen
class OtherLine:
    sku: str


@command
class Pay:
    account: StreamId[Account] = stream()
    found: Discovered[Account] = discovered()
    what: Thing

    def handle(self, streams: Any, state: Any) -> Writes:
        return ()


@command
class Refund:
    account: StreamId[Account] = stream()
    found: Discovered[Account] = discovered()
    what: Thing

    def handle(self, streams: Any, state: Any) -> Writes:
        return ()


A = StreamId("account-a")


def digest(what: object) -> bytes:
    return EventCodec().fingerprint(Pay(A, what))


SAME = [
    (Decimal(1), Decimal("1.0")),
    (Decimal("-0"), Decimal("0E+5")),
    (Decimal(100), Decimal("1E+2")),
    (0.0, -0.0),
    ("a", StreamId("a")),
    (frozenset({"a", "b", "c"}), frozenset({"c", "b", "a"})),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({"a": 1}, MappingProxyType({"a": 1})),
    (datetime(2024, 1, 1, 12, tzinfo=UTC), datetime(2024, 1, 1, 13, tzinfo=timezone(timedelta(hours=1)))),
    (time(12, tzinfo=UTC), time(13, tzinfo=timezone(timedelta(hours=1)))),
    (Line("a", "x"), Line("a", "y")),
    (datetime.min.replace(tzinfo=timezone(timedelta(hours=1))), datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_equal_values_give_equal_digests(one: object, other: object) -> None:
    assert one == other
    assert digest(one) == digest(other)


def test_every_difference_counts() -> None:
    different: list[object] = [
        None, True, False, 0, 1, 2, 10, 1.0, "1", "", "None", b"1", Decimal(1), Decimal(10), Decimal("1E+2"), UUID(int=1), str(UUID(int=1)),
        (), (1,), [1], (1, 1), ((1,), 1), (1, (1,)), ("ab", "c"), ("a", "bc"), frozenset({1}), frozenset(), {}, {"a": 1}, {"a": "1"}, {1: "a"}, {"a": {"b": 1}},
        datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1).date(), time(1), time(1, tzinfo=UTC), timedelta(1), timedelta(microseconds=1),
        Colour.RED, Colour.BLUE, "red", Line("a"), Line("b"), OtherLine("a"), {"sku": "a"}, 2**70, -1, 1e300, 10**5000,
    ]  # fmt: skip
    digests = [digest(value) for value in different]

    clashes = [(a, b) for (a, da), (b, db) in combinations(zip(range(len(different)), digests, strict=True), 2) if da == db]

    assert clashes == []


def test_the_class_and_the_streams_count() -> None:
    codec = EventCodec()

    assert codec.fingerprint(Pay(A, 1)) == codec.fingerprint(Pay(StreamId("account-a"), 1))
    assert codec.fingerprint(Pay(A, 1)) != codec.fingerprint(Refund(A, 1))
    assert codec.fingerprint(Pay(A, 1)) != codec.fingerprint(Pay(StreamId("account-b"), 1))


@pytest.mark.parametrize(
    ("what", "where"),
    [
        (object(), r"Pay\.what: an object has no form"),
        ([{"a": lambda: 1}], r"Pay\.what\[0\]\.a: a function has no form"),
        (float("nan"), r"Pay\.what: nan"),
        (Decimal("sNaN"), r"Pay\.what: Decimal"),
        (Line(object()), r"Pay\.what\.sku: an object"),
        (range(3), r"Pay\.what: a range"),
    ],
)
def test_a_field_without_a_lasting_form_is_refused_by_name(what: object, where: str) -> None:
    with pytest.raises(InvalidIdempotencyKey, match=where):
        digest(what)


def test_a_value_that_holds_itself_is_refused() -> None:
    circular: list[Any] = []
    circular.append(circular)

    with pytest.raises(InvalidIdempotencyKey, match="holds itself"):
        digest(circular)


def test_a_users_hook_gives_a_class_its_form() -> None:
    class Money:
        def __init__(self, cents: int) -> None:
            self.cents = cents

    converter = Converter()
    converter.register_unstructure_hook(Money, lambda money: money.cents)
    codec = EventCodec(converter)

    assert codec.fingerprint(Pay(A, Money(1))) == codec.fingerprint(Pay(A, Money(1)))
    assert codec.fingerprint(Pay(A, Money(1))) != codec.fingerprint(Pay(A, Money(2)))


def test_a_hook_for_all_attrs_classes_is_not_asked_about_the_command() -> None:
    converter = Converter()
    converter.register_unstructure_hook_factory(attrs.has, lambda cls: make_dict_unstructure_fn(cls, converter))
    codec = EventCodec(converter)

    assert codec.fingerprint(Pay(A, Line("a"))) == codec.fingerprint(Pay(A, Line("a")))
    assert codec.fingerprint(Pay(A, Line("a"))) != codec.fingerprint(Pay(A, Line("b")))


def test_a_hook_that_fails_is_named() -> None:
    converter = Converter()
    converter.register_unstructure_hook(Line, lambda line: line.nothing)

    with pytest.raises(InvalidIdempotencyKey, match=r"Pay\.what\[0\]: the hook for Line refused .*AttributeError"):
        EventCodec(converter).fingerprint(Pay(A, (Line("a"),)))


PROGRAM = """
from __future__ import annotations
import sys
from uuid import UUID
from eventcore import StreamId, command, stream
from eventcore.codec import EventCodec

@command
class Mixed:
    account: StreamId = stream()
    names: object
    more: object
    def handle(self, streams, state):
        return ()

value = Mixed(StreamId("a-1"), frozenset({"x", "y", "z", 1, None, (2, "q")}), {"k": UUID(int=3), "j": [1.5, {"deep": b"x"}]})
print(EventCodec().fingerprint(value).hex())
"""


def test_another_process_with_other_hashes_agrees_run_as_a_script_or_imported(tmp_path: Any) -> None:
    (tmp_path / "mixed.py").write_text(PROGRAM)
    root = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    runs = [("1", "mixed.py"), ("2", "mixed.py"), ("3", "-c", "import mixed")]

    digests = {
        subprocess.run(
            [sys.executable, *args],
            cwd=tmp_path,
            env={"PYTHONPATH": root, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed, *args in runs
    }

    assert len(digests) == 1
    assert len(digests.pop().strip()) == 64


def test_a_fingerprint_stays_what_it_was() -> None:
    """Stores keep fingerprints: a change of the format would make retries across an upgrade look like other commands."""
    assert digest({"a": [1, None]}).hex() == "289d7f697b2c6615531b39ae41eee9fc99f2fffa958eeaf0902ffa2d5fc6ec8c"


def test_a_mapping_may_have_any_comparable_keys() -> None:
    mapping: Mapping[object, int] = {UUID(int=1): 1, (1, 2): 2, Colour.RED: 3}

    assert digest(mapping) == digest(dict(reversed(list(mapping.items()))))
