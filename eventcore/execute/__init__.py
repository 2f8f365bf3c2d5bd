"""Executing commands: read, fold, handle, validate, append; again on a conflict."""

from __future__ import annotations

from eventcore.execute.blocking import BlockingExecutor
from eventcore.execute.executor import CommandExecutor, DiscoveringCommand, PlainCommand
from eventcore.execute.observe import (
    AttemptStarted,
    BatchCommitted,
    CommandCompleted,
    CommandFailed,
    ConflictMet,
    Observation,
    Observer,
    StreamsDiscovered,
)
from eventcore.execute.results import CommandResult, Loaded
from eventcore.execute.retry import RetryPolicy

__all__ = [
    "AttemptStarted",
    "BatchCommitted",
    "BlockingExecutor",
    "CommandCompleted",
    "CommandExecutor",
    "CommandFailed",
    "CommandResult",
    "ConflictMet",
    "DiscoveringCommand",
    "Loaded",
    "Observation",
    "Observer",
    "PlainCommand",
    "RetryPolicy",
    "StreamsDiscovered",
]
