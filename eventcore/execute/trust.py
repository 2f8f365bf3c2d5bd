"""Whether states from the cache are worth deciding on before anything is read.

Where one process writes, they nearly always are: the read is saved. Where many do, a kept state is old more often than not, and a decision on it
costs an append that is refused. What became of such decisions lately says which of the two it is.
"""

from __future__ import annotations

from typing import Final, final

# How much one outcome counts against all before it.
_WEIGHT: Final = 1 / 32
# Below this share of appends that were not refused, reading first is cheaper.
_WORTH: Final = 0.5
# While reading comes first, one command of so many tries without: others may have gone away.
_PROBE: Final = 32


@final
class Trust:
    """The share of decisions on kept states that were committed, the recent ones counting most."""

    def __init__(self) -> None:
        self._share = 1.0
        self._distrusted = 0

    def worth_it(self) -> bool:
        """Tell whether the next command shall decide on kept states at once."""
        if self._share >= _WORTH:
            return True
        self._distrusted += 1
        return self._distrusted % _PROBE == 0

    def committed(self) -> None:
        self._share += (1 - self._share) * _WEIGHT

    def refused(self) -> None:
        self._share -= self._share * _WEIGHT
