"""The standard output: all that commands print there goes through here, so that each of them ends alike where it takes no more."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import final


@final
class Unread(Exception):
    """Whoever read the output, such as `head`, has seen enough."""


@final
class CannotPrint(Exception):
    """The standard output takes no more, though somebody wants it: the disk is full, as a rule."""


def put(*lines: str) -> None:
    """Print *lines* now: whoever reads them should not wait for more. Raises Unread and CannotPrint."""
    if lines:
        write("\n".join(lines) + "\n")


def show(text: str) -> None:
    """Print *text*, all that a command has to say; how it ends does not depend on who reads that to the end. Raises CannotPrint."""
    with suppress(Unread):
        put(text)


def remark(text: str) -> None:
    """Say *text* beside the standard output, which may be read by a program: what went wrong, or that an answer is empty."""
    with suppress(OSError, AttributeError):  # it may be closed: then there is none, or nobody who reads it
        sys.stderr.write(f"eventcore: {text}\n")


def write(text: str) -> None:
    r"""Print *text*, with ``\u00e4`` for what the output has no character for, which is the same in JSON. Raises Unread and CannotPrint."""
    try:
        try:
            sys.stdout.write(text)
        except UnicodeEncodeError as error:
            sys.stdout.write("".join(_sayable(character, error.encoding) for character in text))
        sys.stdout.flush()
    except OSError as error:
        # Python flushes once more when it exits, and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise Unread from None
        raise CannotPrint(f"the standard output cannot be written: {error.strerror or error}") from None


def _sayable(character: str, encoding: str) -> str:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(character)[1:-1]
    return character


def is_closed() -> bool:
    """Tell whether the process was started without a standard output, as `>&-` does: nothing that is printed could fail, or be seen."""
    return sys.__stdout__ is None
