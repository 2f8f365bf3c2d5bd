from __future__ import annotations

import struct

import pytest

from tests.faults.wire import Framer, NotUnderstood


def typed(code: bytes, body: bytes = b"") -> bytes:
    return code + struct.pack("!I", len(body) + 4) + body


def opening(number: int, body: bytes = b"") -> bytes:
    return struct.pack("!II", len(body) + 8, number) + body


STARTUP = opening(196608, b"user\0me\0\0")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_messages_are_found_however_they_are_cut_into_pieces(size: int) -> None:
    sent = STARTUP + typed(b"P", b"\0SELECT 1\0\0\0") + typed(b"B", bytes(12)) + typed(b"E", bytes(5)) + typed(b"S") + typed(b"X")
    framer = Framer("request")
    messages = [message for start in range(0, len(sent), size) for message in framer.feed(sent[start : start + size])]

    assert [message.kind for message in messages] == ["Startup", "Parse", "Bind", "Execute", "Sync", "Terminate"]
    assert b"".join(message.raw for message in messages) == sent


def test_a_reply_and_a_request_of_one_letter_are_not_the_same() -> None:
    framer = Framer("reply")

    assert [message.kind for message in framer.feed(typed(b"S", b"a\0b\0") + typed(b"D") + typed(b"E") + typed(b"Z", b"I"))] == [
        "ParameterStatus",
        "DataRow",
        "ErrorResponse",
        "ReadyForQuery",
    ]


def test_a_connection_begins_anew_when_encryption_is_not_granted() -> None:
    requests, replies = Framer("request"), Framer("reply")
    [wish] = requests.feed(opening(80877103))
    replies.expect_one_byte()

    assert wish.kind == "SSLRequest"
    assert [message.kind for message in replies.feed(b"N" + typed(b"R", bytes(4)))] == ["NoEncryption", "Authentication"]
    assert [message.kind for message in requests.feed(STARTUP)] == ["Startup"]


def test_a_request_to_cancel_is_known() -> None:
    assert [message.kind for message in Framer("request").feed(opening(80877102, bytes(8)))] == ["CancelRequest"]


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\n\r\n" * 10, STARTUP + typed(b"?"), STARTUP + b"S\0\0\0\1", bytes(8)])
def test_what_is_no_message_is_not_understood(sent: bytes) -> None:
    framer = Framer("request")
    if sent.startswith(b"GET"):
        # Its length is beyond all measure: nothing is complete.
        assert framer.feed(sent) == []
    else:
        with pytest.raises(NotUnderstood):
            framer.feed(sent)


def test_encryption_is_not_understood() -> None:
    replies = Framer("reply")
    replies.expect_one_byte()
    with pytest.raises(NotUnderstood, match="sslmode=disable"):
        replies.feed(b"S")
