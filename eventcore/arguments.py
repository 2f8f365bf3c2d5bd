"""What a user gives, checked where it is given: an argument that will not do is told by its name there, not met later as an error of Python's."""

from __future__ import annotations

from math import inf
from typing import Any, final, get_args

from eventcore.errors import InvalidArgument, shortened


@final
class Arguments:
    """Checks the arguments of one *call*. What will not do is an `InvalidArgument` that says ``call(name=value): expected ...``.

    Arguments come to the checks by their names, so that no name is written twice.
    """

    __slots__ = ("_call",)

    def __init__(self, call: str) -> None:
        self._call = call

    def check(self, holds: bool, name: str, value: object, expected: str) -> None:  # noqa: FBT001
        """Refuse *value* unless *holds*."""
        if not holds:
            raise InvalidArgument(f"{self._call}({name}={shortened(value)}): expected {expected}")

    def whole(self, least: int, most: float = inf, /, **given: object) -> None:
        """Expect whole numbers from *least* to *most*."""
        bounds = f"at least {least}" if most == inf else f"between {least} and {most}"
        for name, value in given.items():
            self.check(_is_within(value, int, least, most), name, value, f"a whole number, {bounds}")

    def number(self, least: float, most: float = inf, /, **given: object) -> None:
        """Expect numbers from *least* to *most*."""
        bounds = f"at least {least}" if most == inf else f"between {least} and {most}"
        for name, value in given.items():
            self.check(_is_within(value, int | float, least, most), name, value, f"a number, {bounds}")

    def seconds(self, most: float = inf, /, *, optional: bool = False, **given: object) -> None:
        """Expect numbers above 0, up to *most*; None too where they are *optional*."""
        bounds = f"more than 0{'' if most == inf else f' and at most {most}'}{', or None' if optional else ''}"
        for name, value in given.items():
            holds = (optional and value is None) or (_is_within(value, int | float, 0, most) and value != 0)
            self.check(holds, name, value, f"a number of seconds, {bounds}")

    def flags(self, **given: object) -> None:
        """Expect True or False, and nothing that only counts as one of them, as the text ``"false"`` counts as True."""
        self.instances(bool, **given)

    def instances(self, kind: Any, /, **given: object) -> None:
        """Expect instances of *kind*, a class or a union of some."""
        for name, value in given.items():
            self.check(isinstance(value, kind), name, value, " or ".join(map(_described, get_args(kind) or (kind,))))

    def callables(self, **given: object) -> None:
        """Expect what can be called."""
        for name, value in given.items():
            self.check(callable(value), name, value, "what can be called")


def is_whole(value: object, least: int) -> bool:
    """Tell whether *value* is a whole number of at least *least*."""
    return _is_within(value, int, least)


def _is_within(value: Any, kind: Any, least: float, most: float = inf) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool) and least <= value <= most


def _described(cls: type[object]) -> str:
    if cls is bool:
        return "True or False"
    if cls is type(None):
        return "None"
    return f"{'an' if cls.__name__[0] in 'AEIOaeio' else 'a'} {cls.__name__}"
