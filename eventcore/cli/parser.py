"""How a command line that cannot be read is refused: without a password, and with the place where a store's URL stands."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NoReturn

from eventcore.cli.output import put

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

# Also one that was mistyped: a slash is missing.
_URL: Final = re.compile(r"(?:postgres(?:ql)?|sqlite):/", re.IGNORECASE)

_WHERE_URLS_STAND: Final = """
help: the URL of a store is the argument of `eventcore streams`, events, tail, doctor and migrate: eventcore streams URL;
      it follows --url where the argument is something else: eventcore show STREAM --url URL, eventcore projections status NAME --url URL"""


def parser_for(given: Sequence[str], *, prog: str, description: str) -> argparse.ArgumentParser:
    """Return a parser for *given*, the words of a command line. Its refusals quote nothing secret out of them, nor do those of its subcommands."""

    class Parser(argparse.ArgumentParser):  # a class, for that is what subcommands take over
        def error(self, message: str) -> NoReturn:
            super().error(_told(message, given))

        def print_help(self, file: SupportsWrite[str] | None = None) -> None:
            if file is None:
                put(self.format_help().removesuffix("\n"))
            else:
                super().print_help(file)

    return Parser(prog=prog, description=description)


def _told(message: str, given: Sequence[str]) -> str:
    # Only now: a command line is seldom refused, and every command begins here.
    from eventcore.stores.redaction import scrubbed  # noqa: PLC0415

    words = values(given)
    # A word is quoted as it is, or as Python writes it.
    said = scrubbed(message, *words, *(repr(word)[1:-1] for word in words))
    return f"{said}{_WHERE_URLS_STAND}" if _URL.search(said) or "--url" in said else said


def is_url(text: str) -> bool:
    """Whether *text* begins as the URL of a store does."""
    return _URL.match(text) is not None


def holds_url(text: str) -> bool:
    """Whether the URL of a store stands anywhere in *text*."""
    return _URL.search(text) is not None


def values(given: Sequence[str]) -> list[str]:
    """Return the words of a command line, what stands behind the `=` of a `--option=VALUE`, and the URLs within words."""
    urls = (word[url.start() :] for word in given if (url := _URL.search(word)) is not None)
    return [*given, *(word.partition("=")[2] for word in given if word.startswith("--")), *urls]
