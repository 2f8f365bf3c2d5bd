"""The forms of `StreamId`, and `require`."""

from __future__ import annotations

from typing import assert_type

from shop.checkout import Cart
from shop.products import Product

from eventcore import CommandRejected, StreamId, require


def forms(text: str, number: int) -> None:
    assert_type(StreamId[Cart]("cart-1"), StreamId[Cart])
    assert_type(StreamId.of(Cart, number), StreamId[Cart])
    assert_type(StreamId.of(Cart, (1, "a")), StreamId[Cart])
    assert_type(StreamId("cart-1"), StreamId[object])
    assert_type(StreamId.of(Product, text).upper(), str)
    by_id: dict[StreamId[Cart], int] = {StreamId.of(Cart, 1): 1, StreamId(text): 2}
    assert_type(by_id[StreamId[Cart](text)], int)
    takes_any(StreamId.of(Cart, 1), StreamId(text))
    takes_any(StreamId[Cart](text), StreamId.of(Product, 1))


def takes_any(bare: StreamId, text: str) -> None:
    assert_type(bare, StreamId[object])
    assert_type(text, str)


def refused(text: str, bare: StreamId, cart: StreamId[Cart]) -> None:
    StreamId(1)  # E: a stream id is text
    StreamId()  # E: of something
    StreamId.of(Cart)  # E: of which key?
    StreamId.of("cart", 1)  # E: a state class, not its name
    product: StreamId[Product] = cart  # E: another state's stream
    narrow: StreamId[Cart] = bare  # E: nothing says that it is a cart
    plain: StreamId = text  # E: text is no stream id until it was checked
    of_product: StreamId[Product] = StreamId.of(Cart, 1)  # E: of another state
    print(product, narrow, plain, of_product)


def requirements(condition: bool, number: int | None, text: str) -> None:
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
