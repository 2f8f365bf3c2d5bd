"""PostgreSQL's messages, as far as their borders: postgresql.org/docs/current/protocol-message-formats.html."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias, final

Direction: TypeAlias = Literal["request", "reply"]

_REQUESTS: Final[Mapping[int, str]] = {
    ord("B"): "Bind",
    ord("C"): "Close",
    ord("d"): "CopyData",
    ord("c"): "CopyDone",
    ord("f"): "CopyFail",
    ord("D"): "Describe",
    ord("E"): "Execute",
    ord("H"): "Flush",
    ord("F"): "FunctionCall",
    ord("p"): "Password",
    ord("P"): "Parse",
    ord("Q"): "Query",
    ord("S"): "Sync",
    ord("X"): "Terminate",
}
_REPLIES: Final[Mapping[int, str]] = {
    ord("R"): "Authentication",
    ord("K"): "BackendKeyData",
    ord("2"): "BindComplete",
    ord("3"): "CloseComplete",
    ord("C"): "CommandComplete",
    ord("d"): "CopyData",
    ord("c"): "CopyDone",
    ord("G"): "CopyInResponse",
    ord("H"): "CopyOutResponse",
    ord("D"): "DataRow",
    ord("I"): "EmptyQueryResponse",
    ord("E"): "ErrorResponse",
    ord("v"): "NegotiateProtocolVersion",
    ord("n"): "NoData",
    ord("N"): "NoticeResponse",
    ord("A"): "NotificationResponse",
    ord("t"): "ParameterDescription",
    ord("S"): "ParameterStatus",
    ord("1"): "ParseComplete",
    ord("s"): "PortalSuspended",
    ord("Z"): "ReadyForQuery",
    ord("T"): "RowDescription",
}
# What a connection begins with has no type of its own, but a number where the version of the protocol would be.
_OPENINGS: Final[Mapping[int, str]] = {80877102: "CancelRequest", 80877103: "SSLRequest", 80877104: "GSSENCRequest"}


class NotUnderstood(Exception):
    """What came is not the protocol, or it is encrypted."""


class Message(NamedTuple):
    """One message, whole, as it travels."""

    kind: str
    raw: bytes


@final
class Framer:
    """Cuts one direction of one connection into messages. What is incomplete is kept until the rest comes."""

    def __init__(self, direction: Direction) -> None:
        self._names = _REQUESTS if direction == "request" else _REPLIES
        self._is_request = direction == "request"
        self._opening = self._is_request
        self._answers_to_come = 0
        self._kept = b""

    def expect_one_byte(self) -> None:
        """The next reply is one byte without a frame: the answer to a wish for encryption."""
        self._answers_to_come += 1

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that *data* completes. Raises `NotUnderstood`."""
        self._kept += data
        messages = []
        while (message := self._next()) is not None:
            messages.append(message)
            self._kept = self._kept[len(message.raw) :]
        return messages

    def _next(self) -> Message | None:
        kept = self._kept
        if self._answers_to_come and kept:
            return self._answer(kept[:1])
        start = 0 if self._opening else 1
        if len(kept) < start + 4:
            return None
        (length,) = struct.unpack_from("!I", kept, start)
        if length < 4 or (self._opening and length < 8):
            raise NotUnderstood(f"a message cannot be {length} bytes long: {kept[:40]!r}")
        if len(kept) < start + length:
            return None
        return Message(self._opened(kept) if self._opening else self._named(kept[0]), kept[: start + length])

    def _answer(self, answer: bytes) -> Message:
        if answer != b"N":
            raise NotUnderstood(
                f"the server answered {answer!r} to a wish for encryption, and what is encrypted cannot be looked at: use sslmode=disable"
            )
        self._answers_to_come -= 1
        return Message("NoEncryption", answer)

    def _opened(self, raw: bytes) -> str:
        (number,) = struct.unpack_from("!I", raw, 4)
        kind = _OPENINGS.get(number, "Startup")
        # After a wish for encryption that was not granted, the connection begins anew.
        self._opening = kind != "Startup"
        return kind

    def _named(self, code: int) -> str:
        try:
            return self._names[code]
        except KeyError:
            raise NotUnderstood(f"no {'request' if self._is_request else 'reply'} has the type {chr(code)!r}") from None
