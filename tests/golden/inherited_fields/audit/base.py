from __future__ import annotations

import attrs

from eventcore import require


@attrs.frozen(kw_only=True)
class ByUser:
    """What every command of this project carries: plain fields, and methods over them."""

    user: str
    reason: str | None = None

    def check_user(self) -> None:
        require(self.user, "who are you?")


class Named:
    """A base class without fields."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return type(self).__name__
