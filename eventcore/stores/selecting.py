"""What selects streams, as bounds of an index over their ids in the order of code points."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from eventcore.ids import StreamPattern, StreamPrefix

_FIRST_WILDCARD: Final = re.compile(r"[*?\[]")
_LAST: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)


def literal_prefix(select: StreamPrefix | StreamPattern) -> str:
    """Return what every id begins with that *select* lets through."""
    return select.text if isinstance(select, StreamPrefix) else _FIRST_WILDCARD.split(select.text, maxsplit=1)[0]


def enclosing(streams: Sequence[StreamPrefix | StreamPattern] | None) -> tuple[str, str | None]:
    """Return bounds of all ids that any of *streams* lets through: from the first on, below the second (None: no bound)."""
    prefixes = [""] if streams is None else [literal_prefix(select) for select in streams]
    ends = [_end_of(prefix) for prefix in prefixes]
    return min(prefixes, default=""), None if None in ends else max((end for end in ends if end is not None), default="")


def _end_of(prefix: str) -> str | None:
    """Return the first text that comes behind all that begin with *prefix*."""
    kept = prefix.rstrip(chr(_LAST))
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(_SURROGATES.stop if following in _SURROGATES else following)
