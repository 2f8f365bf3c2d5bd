"""The decoders that both sides of the catch-up use: eventcore's codec on the events of the bank."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.domain.accounts import AccountOpened, MoneyReceived, MoneySent
from eventcore.codec import EventCodec


def decoders() -> Mapping[tuple[str, int], Callable[[bytes], object]]:
    codec = EventCodec()
    return {(event.__name__, 1): codec.decoder(event) for event in (AccountOpened, MoneySent, MoneyReceived)}
