"""What annotations of stream fields say at run time, and where they say nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Generic, Optional, TypeVar, Union

import pytest

from eventcore import Discovered, StreamId, command, discovered, stream
from eventcore.annotations import Shape, is_same_class, shape_of

if TYPE_CHECKING:
    from elsewhere import Hidden

S = TypeVar("S")
Many = tuple[StreamId["Cart"], ...]


class Cart:
    pass


class Box(Generic[S]):
    pass


@command
class Everything:
    one: StreamId[Cart] = stream()
    quoted: "StreamId[Cart]" = stream()  # noqa: UP037
    optional: StreamId[Cart] | None = stream()
    spelled_out: Optional[StreamId[Cart]] = stream()  # noqa: UP045
    union: Union[StreamId[Cart], None] = stream()  # noqa: UP007
    many: tuple[StreamId[Cart], ...] = stream()
    alias: Many = stream()
    annotated: Annotated[StreamId[Cart], "a note"] = stream()
    boxed: StreamId[Box[int]] = stream()
    hidden: StreamId[Hidden] = stream()
    pair: tuple[StreamId[Cart], StreamId[Cart]] = stream()
    either: StreamId[Cart] | StreamId[Box[int]] = stream()
    found: Discovered[Cart] = discovered()

    def handle(self, streams, state, resolver):
        return ()


@pytest.mark.parametrize(
    ("field", "shape"),
    [
        ("one", Shape("one", Cart)),
        ("quoted", Shape("one", Cart)),
        ("optional", Shape("optional", Cart)),
        ("spelled_out", Shape("optional", Cart)),
        ("union", Shape("optional", Cart)),
        ("many", Shape("many", Cart)),
        ("alias", Shape("many", None)),
        ("annotated", Shape("one", Cart)),
        ("boxed", Shape("one", None)),
        ("hidden", None),
        ("pair", None),
        ("either", None),
        ("found", Shape("other", Cart)),
    ],
)
def test_an_annotation_says_what_a_field_holds_or_nothing(field: str, shape: Shape | None) -> None:
    assert shape_of(Everything, field) == shape


def named(qualname: str, module: str) -> type[object]:
    return type(qualname, (), {"__qualname__": qualname, "__module__": module})


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (named("Cart", "shop.cart"), named("Cart", "__main__"), True),
        (named("Cart", "shop.cart"), named("Cart", "cart"), True),
        (named("Cart", "shop.cart"), named("Cart", "shop.trolley"), False),
        (named("Cart", "shop.cart"), named("Basket", "shop.cart"), False),
    ],
)
def test_a_class_that_was_loaded_twice_is_one(one: type[object], other: type[object], same: bool) -> None:
    assert is_same_class(one, other) == is_same_class(other, one) == same
    assert is_same_class(one, one)
