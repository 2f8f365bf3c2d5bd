from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar, dataclass_transform

import attrs

from eventcore import require

T = TypeVar("T")


@dataclass(frozen=True)
class ByUser:
    """What every command of this project carries: plain fields, and methods over them."""

    user: str
    tags: list[str] = field(kw_only=True, default_factory=list[str])
    reason: str | None = field(kw_only=True, default=None)

    def check_user(self) -> None:
        require(self.user, "who are you?")


@dataclass(frozen=True)
class Dated:
    """What every event of this project carries; the type of its field is known to this module alone."""

    on: date


class Named:
    """A base class without fields."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return type(self).__name__


@dataclass_transform(frozen_default=True, field_specifiers=(attrs.field,))
def shared(cls: type[T]) -> type[T]:
    """Make a base class of plain fields in attrs. (mypy does not hand on those of `attrs.frozen` itself.)"""
    return attrs.frozen(cls)


@shared
class OfDepartment:
    department: str
