from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import attrs

from eventcore import event, state


@event
class Opened:
    owner: str


@dataclasses.dataclass(frozen=True)
class Kept:
    bank: str
    branch: str = "main"


@state
class Account:
    KIND: ClassVar[str]
    owner: str
    balance: int = 0
    limits: Mapping[str, int] = attrs.field(factory=dict[str, int])
    opened: bool = attrs.field(converter=bool)
    number: int = attrs.field(init=False)

    def apply(self, event: Opened) -> Account:
        return self


@state
class Vault(Kept):
    count: int = 0

    def apply(self, event: Opened) -> Vault:
        return self
