"""Frozen classes are what attrs makes of them, by a constructor of ours where nothing special is asked for."""

from __future__ import annotations

import inspect
import traceback
from dataclasses import dataclass
from keyword import iskeyword
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventcore import StreamId, command, event, state, stream
from eventcore.frozen import frozen


def is_ours(cls: type[object]) -> bool:
    return cls.__init__.__code__.co_filename.startswith("<eventcore constructor")  # type: ignore[attr-defined]


def is_free(name: str) -> bool:
    return name != "self" and not iskeyword(name)


@st.composite
def plain_classes(draw: st.DrawFn) -> type[object]:
    """Return a class of up to six fields, as it is before it is frozen; those that have defaults come last."""
    names = draw(st.lists(st.from_regex("[a-z][a-z0-9_]{0,5}", fullmatch=True).filter(is_free), max_size=6, unique=True))
    defaults = draw(st.lists(st.integers() | st.text() | st.none(), max_size=len(names)))
    body: dict[str, Any] = {"__annotations__": dict.fromkeys(names, object)}
    body |= dict(zip(reversed(names), defaults, strict=False))
    return type("Made", (), body)


def outcome(make: Any, *args: object, **named: object) -> object:
    try:
        made = make(*args, **named)
    except TypeError as error:
        return str(error)
    return attrs.asdict(made)


@given(plain_classes(), st.lists(st.integers(), max_size=7), st.data())
def test_it_takes_what_the_constructor_of_attrs_takes_and_refuses_the_rest_alike(
    cls: type[object], values: list[int], data: st.DataObject
) -> None:
    theirs, ours = attrs.frozen(cls), frozen(cls)
    by_name = data.draw(st.dictionaries(st.sampled_from([*inspect.signature(theirs).parameters, "absent"]), st.integers()))

    assert is_ours(ours)
    assert inspect.signature(ours) == inspect.signature(theirs)
    assert outcome(ours, *values, **by_name) == outcome(theirs, *values, **by_name)


def test_nothing_can_be_set_afterwards():
    @event
    class Added:
        sku: str

    assert is_ours(Added)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Added("a").sku = "b"  # type: ignore[misc]


def test_copies_are_made_by_it():
    @state
    class Cart:
        items: int = 0
        owner: str | None = None

        def apply(self, event: object) -> Cart:
            return self

    assert attrs.evolve(Cart(1), owner="ann") == Cart(1, "ann")


def test_a_command_is_still_checked():
    @command
    class Move:
        source: StreamId = stream()
        target: StreamId = stream()

        def handle(self, streams: object, state: object) -> list[object]:
            return []

    same = StreamId("a-1")

    assert is_ours(Move)
    with pytest.raises(Exception, match="a-1") as refused:
        Move(same, same)
    assert "self.__attrs_post_init__()" in "".join(traceback.format_exception(refused.value))


def test_fields_of_a_base_are_set():
    @dataclass(frozen=True)
    class Base:
        tenant: str

    @event
    class Added(Base):
        sku: str

    assert (Added("t", "s").tenant, Added("t", "s").sku) == ("t", "s")


class Own:
    x: int

    def __init__(self, x: int) -> None:
        object.__setattr__(self, "x", x + 1)


class Before:
    x: int

    def __attrs_pre_init__(self) -> None:
        raise LookupError


@pytest.mark.parametrize(
    "special",
    [
        attrs.field(converter=int),
        attrs.field(validator=attrs.validators.instance_of(int)),
        attrs.field(kw_only=True),
        attrs.field(factory=int),
        attrs.field(init=False, default=1),
        attrs.field(alias="y"),
    ],
    ids=["converter", "validator", "kw_only", "factory", "init", "alias"],
)
def test_a_field_that_asks_for_more_leaves_the_class_to_attrs(special: object):
    assert not is_ours(frozen(type("Made", (), {"__annotations__": {"x": object}, "x": special})))


def test_a_private_field_leaves_the_class_to_attrs():
    assert not is_ours(frozen(type("Made", (), {"__annotations__": {"_x": object}})))


def test_a_constructor_of_ones_own_is_kept():
    assert frozen(Own)(1).x == 2
    with pytest.raises(LookupError):
        frozen(Before)(1)  # type: ignore[call-arg]
