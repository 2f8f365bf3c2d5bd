"""`eventcore migrate`: make or bring up to date what a store needs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Final

OK: Final = 0
FAILED: Final = 2

_SQLITE: Final = "sqlite:///"


def add_parser(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add this command to others; *add* makes a parser for one."""
    parser = add(
        "migrate",
        help="make a store, or bring it up to date",
        description="Create what the store at URL needs, or bring it up to date, under a lock; nothing happens where it is. "
        "A program that opens its store with migrate=False leaves this to you.",
    )
    parser.add_argument("url", metavar="URL", help="sqlite:///FILE (sqlite:////FILE for an absolute path)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Migrate as *options* say; return the exit code."""
    # Only now: the stores and asyncio take longer to import than `eventcore generate` takes.
    import asyncio  # noqa: PLC0415

    from eventcore.errors import EventCoreError  # noqa: PLC0415

    try:
        asyncio.run(_migrate(options.url))
    except EventCoreError as error:
        print(f"eventcore: {error}", file=sys.stderr)  # noqa: T201
        return FAILED
    print(f"eventcore: {options.url} is up to date")  # noqa: T201
    return OK


async def _migrate(url: str) -> None:
    from eventcore.errors import InvalidArgument  # noqa: PLC0415
    from eventcore.stores.sqlite import SqliteEventStore  # noqa: PLC0415

    path = url.removeprefix(_SQLITE)
    if path == url or not path:
        raise InvalidArgument(f"{url!r} names no store; expected sqlite:///FILE")
    async with SqliteEventStore(path):
        pass
