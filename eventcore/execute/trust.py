"""Whether states from the cache are worth deciding on before anything is read.

Where one process writes, they nearly always are: the read is saved. Where many do, a kept state is old more often than not, and a decision on it
costs an append that is refused. What kept states turned out to be lately says which of the two it is: those that were decided on, and those that a
read has brought the news of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

# How much one outcome counts against all before it.
_WEIGHT: Final = 1 / 32
# Below this share of kept states that were current, reading first is cheaper.
_WORTH: Final = 0.5
# Below this one, others write a good deal, too.
_SHAKEN: Final = 0.9


@final
class Trust:
    """The share of commands whose kept states were current, the recent ones counting most."""

    __slots__ = ("_share",)

    def __init__(self) -> None:
        self._share = 1.0

    def worth_it(self) -> bool:
        """Tell whether the next command shall decide on kept states at once."""
        return self._share >= _WORTH

    @property
    def shaken(self) -> bool:
        """Whether others write to the same streams so often that it is worth keeping step."""
        return self._share < _SHAKEN

    def current(self) -> None:
        """Note that what was decided on kept states was committed."""
        self._share += (1 - self._share) * _WEIGHT

    def outdated(self) -> None:
        """Note that a decision on kept states was refused."""
        self._share -= self._share * _WEIGHT

    def compare(self, kept: Sequence[int], read: Sequence[int]) -> None:
        """Note what became of the states that were kept at some versions when a command began by reading, if it had all of them (none is at 0)."""
        if 0 not in kept:
            if kept == read:
                self.current()
            else:
                self.outdated()
