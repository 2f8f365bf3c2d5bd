"""What an executor tells while it works: enough to see retry rates, hot streams and batch sizes.

``CommandExecutor(store, observer=...)`` takes any callable of one argument; match on the class. An observer runs within the command, so it should be
quick; one that raises is logged and does no harm to the command.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, final

import attrs

from eventcore.ids import StreamId


@final
@attrs.frozen
class AttemptStarted:
    """An attempt begins; *attempt* counts from 1."""

    command: object
    attempt: int


@final
@attrs.frozen
class StreamsDiscovered:
    """A run asked for streams that were not read yet; they are read now, and `handle` runs again."""

    command: object
    attempt: int
    round: int
    streams: tuple[StreamId, ...]


@final
@attrs.frozen
class ConflictMet:
    """Another command wrote first. The next attempt begins in *delay* seconds; None: there is none."""

    command: object
    attempt: int
    stream_id: str
    expected: int
    actual: int
    delay: float | None


@final
@attrs.frozen
class BatchCommitted:
    """The command's events were committed in one transaction with those of *requests* - 1 others."""

    command: object
    requests: int


@final
@attrs.frozen
class CommandCompleted:
    """The command is done. *events* counts what it appended, *seconds* is the time since `execute` was called."""

    command: object
    attempts: int
    events: int
    seconds: float


@final
@attrs.frozen
class CommandFailed:
    """The command ended with *error*, a rejection included; nothing of it was written (unless *error* is `OutcomeUnknown`)."""

    command: object
    attempts: int
    error: BaseException
    seconds: float


Observation: TypeAlias = AttemptStarted | StreamsDiscovered | ConflictMet | BatchCommitted | CommandCompleted | CommandFailed
"""Whatever an observer is told; match on its class."""
Observer: TypeAlias = Callable[[Observation], None]
"""Called with each `Observation` in its turn. It runs within the command, so it should be quick."""
