"""When to try again after a conflict, and when to give up."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final, final

import attrs

from eventcore.arguments import Arguments


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
        given = Arguments("RetryPolicy")
        given.whole(1, max_attempts=self.max_attempts)
        given.number(0, initial_delay=self.initial_delay, max_delay=self.max_delay)
        given.number(1, multiplier=self.multiplier)
        given.number(0, 1, jitter=self.jitter)
        given.seconds(deadline=self.deadline, optional=True)

    def delay(self, attempt: int, /, *, uniform: Callable[[float, float], float] = random.uniform) -> float:
        """Return the seconds to wait after attempt number *attempt* (from 1) conflicted."""
        if attempt <= 1:
            return 0.0
        return self._full(attempt - 2) * (1 - uniform(0, self.jitter))

    def _full(self, grown: int) -> float:
        try:
            return min(self.max_delay, self.initial_delay * float(self.multiplier) ** grown)
        except OverflowError:
            return self.max_delay if self.initial_delay else 0.0


DEFAULT_RETRY: Final = RetryPolicy()
