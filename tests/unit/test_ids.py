from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventcore import InvalidArgument, Position, StreamId, StreamPattern, StreamPrefix, state
from eventcore.errors import InvalidPosition, InvalidStreamId
from eventcore.ids import EventIdSource, new_event_id, state_of

ROOT = Path(__file__).resolve().parents[2]


@state
class ShoppingCart:
    def apply(self, event: object) -> ShoppingCart:
        return self


@state(category="item")
class Product:
    def apply(self, event: object) -> Product:
        return self


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "it is empty"),
        ("x" * 256, "it has 256 characters, at most 255"),
        ("a\nb", "control character"),
        ("a\x00", "control character"),
        ("a\x7f", "control character"),
        ("a\x85", "control character"),
        ("\ud800", "surrogate"),
        (" a", "begins or ends with a space"),
        ("a\u00a0", "begins or ends with a space"),
        ("a*", r"holds '\*'"),
        ("a?", "only patterns may use"),
        ("a[", "only patterns may use"),
        ("a]", "only patterns may use"),
        (5, "expected text, got int"),
        (None, "expected text, got NoneType"),
    ],
)
def test_a_bad_stream_id_is_refused_when_it_is_made(value, problem):
    with pytest.raises(InvalidStreamId, match=problem):
        StreamId(value)


@pytest.mark.parametrize("value", ["x" * 255, "konto-äöü-日本", "a b", "a/b:c%_{}", "A", "😀"])
def test_what_is_no_control_character_may_stand_in_a_stream_id(value):
    assert StreamId(value) == value


@given(st.text())
def test_a_stream_id_is_its_text_or_an_error_of_ours(text):
    try:
        assert StreamId(text) == text
    except InvalidStreamId as error:
        assert isinstance(error, InvalidArgument)


def test_a_state_names_a_category_of_streams():
    assert StreamId.of(ShoppingCart, 7) == "shopping_cart-7"
    assert StreamId.of(Product, "tea") == "item-tea"
    with pytest.raises(InvalidStreamId, match="int is no @state class"):
        StreamId.of(int, 7)
    with pytest.raises(InvalidStreamId, match="control character"):
        StreamId.of(Product, "a\tb")
    for nothing in (None, ""):
        with pytest.raises(InvalidStreamId, match="it names no stream of Product; give the key of one"):
            StreamId.of(Product, nothing)


def test_a_stream_id_remembers_its_state_and_equals_its_text():
    made = StreamId.of(Product, 1)

    for other in (made, copy.deepcopy(made), pickle.loads(pickle.dumps(made)), StreamId[Product]("item-1")):
        assert state_of(other) is Product
        assert (other, hash(other)) == ("item-1", hash("item-1"))
    assert state_of(StreamId("item-1")) is None


@given(st.lists(st.integers(0, 2**63), min_size=1, max_size=3))
def test_a_position_survives_its_text(key):
    position = Position(tuple(key))

    assert Position.parse(str(position)) == position


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=2))
def test_positions_are_ordered_as_their_keys(keys):
    assert [position.key for position in sorted(map(Position, keys))] == sorted(keys)


@pytest.mark.parametrize("text", ["", "x", "1..2", None, "1.x"])
def test_what_is_no_position_is_refused(text):
    with pytest.raises(InvalidPosition, match="is no position"):
        Position.parse(text)


def test_a_position_has_no_arithmetic():
    with pytest.raises(TypeError):
        Position((1,)) + 1
    with pytest.raises(TypeError):
        Position((1,)) < 5


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("account-*", ["account-", "account-1", "account-a/b"], ["my-account-1", "Account-1"]),
        ("account-?", ["account-x"], ["account-", "account-xy"]),
        ("account-[0-9]*", ["account-7-x"], ["account-a-x"]),
        ("account-[!0-9]", ["account-a"], ["account-7", "account-"]),
        ("a.c", ["a.c"], ["abc"]),
        ("[]x]", ["]", "x"], ["[]x]"]),
        ("[a&&b]", ["&", "a"], ["c"]),
        ("[^a]", ["^", "a"], ["b"]),
    ],
)
def test_a_pattern_selects_whole_ids(pattern, matching, others):
    glob = StreamPattern(pattern)

    assert [glob.matches(text) for text in [*matching, *others]] == [True] * len(matching) + [False] * len(others)


@pytest.mark.parametrize("text", ["", "a[", "[z-a]", "a\nb*", "x" * 256])
def test_a_bad_pattern_is_refused(text):
    with pytest.raises(InvalidStreamId):
        StreamPattern(text)


def test_a_prefix_is_literal():
    assert StreamPrefix("a_").matches("a_b")
    assert not StreamPrefix("a_").matches("axb")
    with pytest.raises(InvalidStreamId):
        StreamPrefix("a*")


def test_one_source_gives_every_thread_other_ids():
    source = EventIdSource(drawn_at_once=7)
    with ThreadPoolExecutor(8) as pool:
        drawn = list(pool.map(lambda _: [source.draw(1)[0] for _ in range(500)], range(8)))

    assert len(set().union(*drawn)) == 8 * 500


def test_ids_that_are_drawn_together_follow_one_another():
    source = EventIdSource(drawn_at_once=3)
    for _ in range(1000):
        drawn = source.draw(5)

        assert [each.int - drawn[0].int for each in drawn] == [0, 1, 2, 3, 4]
        assert {(each.version, each.variant) for each in drawn} == {(7, "specified in RFC 4122")}
        assert not drawn[0].int >> 61 & 1, "counting upwards must not reach the variant"
    assert source.draw(0) == []


FORK = """
import os, sys
from eventcore.ids import EventIdSource
source = EventIdSource()
source.draw(1)[0]
child = os.fork()
os.write(1, f"{source.draw(1)[0].int & (1 << 62) - 1}\\n".encode())  # in one piece: both processes write at once
if child:
    os.waitpid(child, 0)
"""


def test_a_forked_process_draws_other_ids():
    printed = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, check=True, cwd=ROOT).stdout.split()

    assert len(printed) == len(set(printed)) == 2


def test_event_ids_are_uuids_of_version_7_that_sort_by_time():
    first = new_event_id()
    time.sleep(0.002)
    second = new_event_id()

    assert (first.version, first.variant) == (7, "specified in RFC 4122")
    assert first < second
    assert len({new_event_id() for _ in range(10_000)}) == 10_000
