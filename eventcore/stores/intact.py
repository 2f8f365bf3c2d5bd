"""A transaction that has ended, or of which something failed, is over, whoever swallowed the error."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import final

from eventcore.errors import StoreError, StoreUnavailable


@final
class Intact:
    """Remembers that a step of a transaction failed: databases differ in what they would let it do then, down to committing half of it."""

    def __init__(self) -> None:
        self._error: BaseException | None = None

    def require(self) -> None:
        """Raise what a step of the transaction has raised, if one did: nothing is done any more, and nothing committed."""
        if isinstance(self._error, Exception):
            raise self._error
        if self._error is not None:
            raise StoreUnavailable("a statement of this transaction was cancelled, and nothing of the transaction was written; do it again")

    def end(self) -> None:
        """Let nothing be done any more: what holds the transaction goes to the next one."""
        self._error = StoreError("this transaction has ended; do all of it before its block ends, and open another one for more")

    @contextmanager
    def step(self) -> Generator[None]:
        self.require()
        try:
            yield
        except BaseException as error:
            self._error = error
            raise
