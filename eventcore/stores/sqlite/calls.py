"""What is queued for the threads."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import TypeVar, final

from eventcore.store import AppendRequest, ReadResult, StreamRead, Verdict
from eventcore.stores.sqlite.lane import Call

T = TypeVar("T")


@final
class ReadCall(Call[ReadResult]):
    """Read streams, and look up a key. Shares its snapshot with others."""

    __slots__ = ("key", "reads")

    def __init__(self, reads: Sequence[StreamRead], key: str | None) -> None:
        super().__init__(len(reads) + 1)
        self.reads = reads
        self.key = key


@final
class AppendCall(Call[Sequence[Verdict]]):
    """Decide requests. Shares its transaction with others."""

    __slots__ = ("requests",)

    def __init__(self, requests: Sequence[AppendRequest]) -> None:
        super().__init__(sum(map(_weight, requests)))
        self.requests = requests


@final
class Job(Call[T]):
    """Anything else: *act* runs alone in its transaction. A job that *writes* takes the write lock first."""

    __slots__ = ("act", "writes")

    def __init__(self, act: Callable[[sqlite3.Connection], T], *, writes: bool = False, asked_by: Call[T] | None = None) -> None:
        super().__init__(asked_by=asked_by)
        self.act = act
        self.writes = writes


def _weight(request: AppendRequest) -> int:
    """Count a request as one, and as one more for every 4 KiB that it carries."""
    return 1 + sum(len(event.data) + len(event.metadata) for event in request.events) // 4096
