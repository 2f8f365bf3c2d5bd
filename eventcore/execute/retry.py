"""When to try again after a conflict, and when to give up."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final, cast, final

import attrs

from eventcore.errors import InvalidArgument


@final
@attrs.frozen(kw_only=True)
class RetryPolicy:
    """How often and how long a conflicting command is tried.

    The first retry goes at once: the conflict brought the news with it. The n-th retry after that waits
    ``initial_delay * multiplier ** (n - 1)`` seconds, at most *max_delay*, of which the share *jitter* (0 to 1) is random, so that
    commands that met once do not meet again. *deadline* is the time in seconds after which no further attempt is begun.
    """

    max_attempts: int = 20
    initial_delay: float = 0.002
    max_delay: float = 0.25
    multiplier: float = 2.0
    jitter: float = 1.0
    deadline: float | None = None

    def __attrs_post_init__(self) -> None:
        _require(isinstance(cast("object", self.max_attempts), int), "max_attempts", self.max_attempts, "a whole number")
        for name in ("initial_delay", "max_delay", "multiplier", "jitter", "deadline"):
            value: object = getattr(self, name)
            _require(isinstance(value, int | float) or (value is None and name == "deadline"), name, value, "a number")
        _require(self.max_attempts >= 1, "max_attempts", self.max_attempts, "at least 1")
        _require(self.initial_delay >= 0, "initial_delay", self.initial_delay, "0 or more seconds")
        _require(self.max_delay >= 0, "max_delay", self.max_delay, "0 or more seconds")
        _require(self.multiplier >= 1, "multiplier", self.multiplier, "at least 1")
        _require(0 <= self.jitter <= 1, "jitter", self.jitter, "between 0 and 1")
        _require(self.deadline is None or self.deadline > 0, "deadline", self.deadline, "more than 0 seconds, or None")

    def delay(self, attempt: int, /, *, uniform: Callable[[float, float], float] = random.uniform) -> float:
        """Return the seconds to wait after attempt number *attempt* (from 1) conflicted."""
        if attempt <= 1:
            return 0.0
        # An exponent this large is beyond max_delay for every multiplier but 1, and would overflow.
        full = min(self.max_delay, self.initial_delay * self.multiplier ** min(attempt - 2, 64))
        return full * (1 - uniform(0, self.jitter))


def _require(holds: bool, name: str, value: object, expected: str) -> None:  # noqa: FBT001
    if not holds:
        raise InvalidArgument(f"RetryPolicy({name}={value!r}): expected {expected}")


DEFAULT_RETRY: Final = RetryPolicy()
