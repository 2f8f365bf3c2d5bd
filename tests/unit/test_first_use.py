"""Codecs, plans and folds are made once, whichever threads ask for them at the same time."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import pytest

from bank.accounts import Account
from bank.commands import DepositMoney, OpenAccount, TransferMoney
from eventcore import event
from eventcore.codec import EventCodec
from eventcore.execute.binding import Binder

T = TypeVar("T")


@event
class Part:
    name: str
    parts: tuple[Part, ...] = ()


@event
class Assembled:
    by_name: Mapping[str, Part]
    first: Part
    size: int | None


@pytest.fixture(autouse=True)
def hectic() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(*work: Callable[[], T]) -> list[T]:
    barrier = threading.Barrier(len(work))

    def begin(act: Callable[[], T]) -> T:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(len(work)) as threads:
        return list(threads.map(begin, work))


def test_a_codec_that_threads_use_for_the_first_time_at_once_knows_every_class() -> None:
    """One thread got what another had not made to its end: an event of one number was "nested too deeply"."""
    made = Assembled({"a": Part("a", (Part("b"),))}, Part("c"), None)
    expected = EventCodec().encode(made)
    for _ in range(60):
        codec = EventCodec()

        def there_and_back(codec: EventCodec = codec) -> tuple[bytes, object]:
            return codec.encode(made), codec.decoder(Assembled)(expected)

        assert at_once(*[there_and_back] * 4) == [(expected, made)] * 4


def test_threads_that_bind_commands_at_once_get_one_fold_of_a_state() -> None:
    """Of two folds, each has its own kept states, and no command would build on those of the other."""
    for _ in range(60):
        binder = Binder(EventCodec())
        commands = [OpenAccount, DepositMoney, TransferMoney]
        plans = at_once(*[partial(binder.plan, command) for command in commands])
        folds = {stream.fold for plan in plans for stream in plan.streams if stream.fold is not None and stream.fold.state is Account}
        assert folds == {binder.fold(Account)}
