"""How `handle` asks for streams that it did not know before it ran."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, Generic, TypeVar, final

from eventcore.errors import InvalidCommand
from eventcore.ids import StreamId

S = TypeVar("S")

DiscoveryRequest = Callable[[str, Iterable[StreamId[object]]], None]
"""Called with the name of a `discovered()` field and the ids asked for in it."""


@final
class Discovery(Generic[S]):
    """Asks for streams of one `discovered()` field."""

    __slots__ = ("_field", "_request")

    def __init__(self, field: str, request: DiscoveryRequest, /) -> None:
        self._field = field
        self._request = request

    def add(self, ids: StreamId[S] | Iterable[StreamId[S]], /) -> None:
        """Ask for streams: one id or many, as often as needed; repeats count once.

        Those that are not read yet are read once `handle` returns, or at its first touch of one of them, and `handle` runs again.
        """
        self._request(self._field, (ids,) if isinstance(ids, str) else ids)


class StreamResolver:
    """Asks for streams, one member for each `discovered()` field. The generator makes a subclass for each command."""

    __slots__ = ("_request",)

    DISCOVERED: ClassVar[tuple[str, ...]] = ()
    """The names of the command's `discovered()` fields."""

    def __init__(self, request: DiscoveryRequest, /) -> None:
        self._request = request

    def add_streams(self, ids: Iterable[StreamId[object]], /) -> None:
        """Ask for streams of the only `discovered()` field: the founding chapter's form of ``resolver.<field>.add(ids)``."""
        if len(self.DISCOVERED) != 1:
            raise InvalidCommand(
                type(self).__name__,
                "add_streams",
                f"the command has {len(self.DISCOVERED)} discovered() fields; use resolver.<field>.add(...)",
            )
        self._request(self.DISCOVERED[0], ids)
