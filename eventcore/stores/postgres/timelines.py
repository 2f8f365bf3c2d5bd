"""Whether the server is still of the history that was read from it.

After a failover to a standby that had not got the newest commits yet, or a restore to an earlier moment, streams are shorter, and some of what was
read is of events that are no more. Versions cannot tell: the streams grow again. PostgreSQL counts such turns: a server that begins to take writes
after it followed another one, or a backup, does so on a timeline of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Final, Protocol, final

import asyncpg

from eventcore.store import History

_log: Final = logging.getLogger("eventcore")

# A file of the log is named after the timeline. (What the server says of its last checkpoint may be from before it took over.)
_ASK: Final = """
SELECT CASE WHEN NOT pg_is_in_recovery() THEN
    (SELECT system_identifier FROM pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
END
"""


class Asked(Protocol):
    """A connection, as far as it is asked here."""

    def fetchval(self, query: str, /) -> Awaitable[str | None]: ...


@final
class Timelines:
    """Compares what new connections say of their servers, and tells *history* of another one."""

    def __init__(self, history: History, store: str) -> None:
        self.history: Final = history
        self._store = store
        self._known: str | None = None

    async def meet(self, connection: Asked) -> object:
        """Ask the server of a new *connection*; return the history that it is of, or None where that may change while the connection lives.

        That is so of a standby, once a primary was known: it may take over any moment, and lack the newest of what that one told.
        """
        try:
            told = await connection.fetchval(_ASK)
        except (asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError, asyncpg.UndefinedFunctionError) as error:
            _log.debug("the server of %s does not tell its timeline: %s", self._store, error)
            return self.history.now
        if told is None:
            return self.history.now if self._known is None else None
        if self._known not in (None, told):
            _log.warning(
                "%s goes on with another history (timeline %s, before %s), as after a failover or a restore: what was read before is read again",
                self._store, told, self._known,
            )  # fmt: skip
            self.history.turn()
        self._known = told
        return self.history.now
