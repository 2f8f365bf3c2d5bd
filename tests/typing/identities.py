"""The forms of `StreamId`, and `require`."""

from __future__ import annotations

from typing import assert_type

from shop.checkout import Cart
from shop.products import Product

from eventcore import CommandRejected, StreamId, require


def typed(text: str, cart: StreamId[Cart], product: StreamId[Product], bare: StreamId) -> None:
    """row: StreamId is a str, generic in the state"""
    assert_type(StreamId[Cart](text), StreamId[Cart])
    assert_type(cart.upper(), str)
    by_id: dict[StreamId[Cart], int] = {cart: 1, StreamId(text): 2}
    assert_type(by_id[StreamId[Cart](text)], int)
    takes_text(cart)
    other: StreamId[Product] = cart  # E: another state's stream
    narrow: StreamId[Cart] = bare  # E: nothing says that it is a cart
    by_id[product]  # E: another state's stream
    StreamId(1)  # E: a stream id is text
    StreamId()  # E: of something
    print(other, narrow)


def takes_text(text: str) -> None:
    pass


def untyped(text: str, cart: StreamId[Cart], product: StreamId[Product]) -> None:
    """row: a bare StreamId"""
    assert_type(StreamId(text), StreamId)
    assert_type(StreamId("cart-1"), StreamId[object])
    assert_type(takes_any(cart, product, StreamId(text)), StreamId)
    takes_any(text)  # E: text is no stream id until it was checked
    plain: StreamId = text  # E: text is no stream id until it was checked
    print(plain)


def takes_any(*bare: StreamId) -> StreamId:
    return bare[0]


def of_a_key(text: str, number: int, key: object) -> None:
    """row: StreamId.of(Product, key)"""
    assert_type(StreamId.of(Cart, number), StreamId[Cart])
    assert_type(StreamId.of(Cart, text), StreamId[Cart])
    assert_type(StreamId.of(Product, key), StreamId[Product])
    assert_type(StreamId.of(Product, (1, "a")), StreamId[Product])
    StreamId.of(Cart)  # E: of which key?
    StreamId.of("cart", 1)  # E: a state class, not its name
    StreamId.of(Cart(), 1)  # E: a state class, not a state
    product: StreamId[Product] = StreamId.of(Cart, 1)  # E: of another state
    print(product)


def requirements(condition: bool, number: int | None, text: str) -> None:
    """row: require(cond, "text {}", x)"""
    require(condition, "no")
    require(number, "no number but {}", number)
    require(text and number, "{} and {}", text, number)
    require(condition, CommandRejected("no"))
    require(condition, ValueError("no"))
    assert_type(require(condition, "no"), None)
    require(condition)  # E: say why not
    require(condition, ValueError)  # E: an exception, not its class
    require(condition, 1)  # E: a text or an exception
    require(condition, otherwise="no")  # E: by position
