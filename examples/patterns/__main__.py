"""Show the patterns at work, in memory or on a SQLite file."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from eventcore import InMemoryEventStore, SqliteEventStore
from patterns.stories import STORIES


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    asyncio.run(_tell(options.patterns or list(STORIES), options.file))
    return 0


async def _tell(names: Sequence[str], file: Path | None) -> None:
    async with InMemoryEventStore() if file is None else SqliteEventStore(file) as store:
        for name in names:
            print(f"  {name}")
            async for line in STORIES[name](store, secrets.token_hex(2)):
                print(f"      {line}")
            print()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m patterns", description=__doc__)
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help=f"which: {', '.join(STORIES)} (default: all of them)")
    parser.add_argument("--file", type=Path, help="a SQLite file; made if it does not exist (default: in memory)")
    options = parser.parse_args(arguments)
    for name in options.patterns:
        if name not in STORIES:
            parser.error(f"there is no pattern {name!r}; there are {', '.join(STORIES)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
