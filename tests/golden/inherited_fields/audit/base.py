from __future__ import annotations

from typing import TypeVar, dataclass_transform

import attrs

from eventcore import require

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(attrs.field,))
def shared(cls: type[T]) -> type[T]:
    """Make a base class of plain fields. (mypy does not hand the fields of an `attrs.frozen` base on to a command.)"""
    return attrs.frozen(cls)


@shared
class ByUser:
    """What every command of this project carries: plain fields, and methods over them."""

    user: str
    tags: list[str]

    def check_user(self) -> None:
        require(self.user, "who are you?")


class Named:
    """A base class without fields."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return type(self).__name__
