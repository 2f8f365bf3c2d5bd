"""What the server and the driver report, in our words. No error of the driver leaves the store bare: it becomes the cause of one of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar, final

import asyncpg
import attrs

from eventcore.errors import (
    EventCoreError,
    MigrationNeeded,
    RequestRefused,
    StoreBusy,
    StoreClosed,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)
from eventcore.stores.redaction import scrubbed
from eventcore.stores.urls import missing_files

E = TypeVar("E", bound=EventCoreError)

# What a statement of ours may raise, whatever it means.
OF_THE_DRIVER: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

# The function of the server that runs RAISE, of PL/pgSQL: what it says is what somebody wrote, not what happened to the server.
_RAISE: Final = "exec_stmt_raise"
_OURS: Final = "EC"
# postgresql.org/docs/current/errcodes-appendix.html
_SERIALIZATION_FAILURE: Final = "40001"
_DEADLOCK: Final = "40P01"
_LOCK_TIMEOUT: Final = "55P03"
_CANCELED: Final = "57014"
_IDLE_TRANSACTION: Final = "25P03"
_TRANSACTION_TIMEOUT: Final = "25P04"
_DISK_FULL: Final = "53100"
_TOO_MANY_CONNECTIONS: Final = "53300"
_NOT_READ_COMMITTED: Final = "EC001"
_OTHER_INLINE: Final = "EC003"
_READ_ONLY: Final = "25006"
_NO_RIGHT: Final = "42501"
_MISSING: Final = frozenset({"3F000", "42P01", "42883"})
_DAMAGED: Final = frozenset({"XX001", "XX002"})
# The connection ends, or there will be none for a while: the server stops, starts, or threw us out.
_ENDED: Final = frozenset({"57P01", "57P02", "57P03", "57P05"})
# Not the words of one request, but the state of the server.
_SERVER_WIDE: Final = frozenset({_OTHER_INLINE, _LOCK_TIMEOUT, _READ_ONLY, _NO_RIGHT, _TOO_MANY_CONNECTIONS, *_MISSING, *_DAMAGED})

_BUSY: Final = (
    "others kept streams of {store} locked for longer than lock_timeout ({error}); nothing was written; try again, or look for a session "
    "that hangs in a transaction with `eventcore doctor`"
)
_STOPPED: Final = (
    "the server stopped a statement of {store} ({error}); nothing was written; try again, or allow it more time (statement_timeout=)"
)
_TOOK_TOO_LONG: Final = (
    "the server ended a transaction of {store} ({error}); nothing was written; try again, or allow transactions more time (the server's own "
    "transaction_timeout)"
)
_IDLED: Final = (
    "a transaction of {store} ended while nothing was asked in it ({error}); nothing was written; try again, or wait for less between its "
    "statements, in the handlers of inline projections say, or allow it more time (the server's own idle_in_transaction_session_timeout and "
    "transaction_timeout)"
)
_RIVALS: Final = (
    "{store} lost against other transactions again and again ({error}); nothing was written; try again, and look for a trigger or a tool "
    "that locks its tables"
)
_LOST: Final = "a connection to {store} was lost ({error}); try again: the next call makes a new one"
_ONLY_READ: Final = (
    "{store} can only be read ({error}); connect to the primary: several hosts in the DSN, with target_session_attrs=read-write, find it"
)
_FORBIDDEN: Final = (
    "this role may not use {store} ({error}); grant it what the page 'PostgreSQL in production' lists for the role of an application"
)
_CROWDED: Final = "the server of {store} takes no more connections ({error}); make pool_size= smaller, or max_connections larger"
_MEANINGS: Final[Mapping[str, tuple[type[StoreError], str]]] = {
    _LOCK_TIMEOUT: (StoreBusy, _BUSY),
    _CANCELED: (StoreBusy, _STOPPED),
    _TRANSACTION_TIMEOUT: (StoreBusy, _TOOK_TOO_LONG),
    _IDLE_TRANSACTION: (StoreUnavailable, _IDLED),
    _SERIALIZATION_FAILURE: (StoreBusy, _RIVALS),
    _DEADLOCK: (StoreBusy, _RIVALS),
    _DISK_FULL: (StoreFull, "the disk of {store} is full ({error}); nothing was written; make room and try again"),
    _READ_ONLY: (StoreReadOnly, _ONLY_READ),
    _NO_RIGHT: (StoreUnavailable, _FORBIDDEN),
    _TOO_MANY_CONNECTIONS: (StoreUnavailable, _CROWDED),
}


class PoolExhausted(TimeoutError):
    """The pool that a user made had no connection to give for too long."""


class LostBeforeCommit(ConnectionError):
    """The connection of a transaction was lost before its COMMIT was sent: nothing was done, for certain."""


class IdleTransaction(Exception):
    """The connection of a transaction ended while nothing was asked in it. Why, the server may have said, and the driver does not tell."""

    sqlstate = _IDLE_TRANSACTION


def code_of(error: BaseException) -> str:
    """Return the SQLSTATE; the empty string where the error comes from elsewhere, or a trigger of the user's own chose it to say what it likes."""
    code: str = getattr(error, "sqlstate", None) or ""
    chosen = getattr(error, "server_source_function", None) == _RAISE and not code.startswith(_OURS)
    return "" if chosen else code


def is_lost(error: BaseException) -> bool:
    """Whether *error* says that the connection is gone: what was sent on it may or may not have been done."""
    if isinstance(error, asyncpg.PostgresError):
        code = code_of(error)
        return code.startswith("08") or code in _ENDED
    if isinstance(error, asyncpg.InterfaceError):
        # Of what the driver itself refuses, only values that it cannot encode are no fault of the connection.
        return not isinstance(error, (asyncpg.DataError, ValueError))
    return isinstance(error, (OSError, EOFError, TimeoutError, asyncpg.InternalClientError))


def took_too_long(error: BaseException) -> bool:
    """Whether the server ended a transaction, and its connection, for what it took or for how long it was idle: nothing was done, for certain."""
    return code_of(error) in {_TRANSACTION_TIMEOUT, _IDLE_TRANSACTION}


def is_only_reading(error: BaseException) -> bool:
    """Whether the session may only read: another one may be let in where it can write, as after a failover."""
    return code_of(error) == _READ_ONLY


def is_refused_connection(error: BaseException) -> bool:
    """Whether it makes no sense to try again soon: a password, a name, a right, a certificate."""
    return isinstance(error, asyncpg.PostgresError) and code_of(error)[:2] in {"28", "3D", "42"}


def needs_retry(error: BaseException) -> bool:
    """Whether the server gave a victim up that may well win when it tries again."""
    return code_of(error) in {_SERIALIZATION_FAILURE, _DEADLOCK}


def was_stopped(error: BaseException) -> bool:
    """Whether the server stopped what took longer than `statement_timeout`, or its own timeouts of transactions, allow."""
    return code_of(error) == _CANCELED or took_too_long(error)


def is_forbidden(error: BaseException) -> bool:
    """Whether the role lacks a right."""
    return code_of(error) == _NO_RIGHT


def is_full(error: BaseException) -> bool:
    """Whether there was no room: nobody's fault, though something smaller may fit."""
    return code_of(error) == _DISK_FULL


def needs_read_committed(error: BaseException) -> bool:
    return code_of(error) == _NOT_READ_COMMITTED


def keeps_other_inline(error: BaseException) -> bool:
    """Whether the append was refused because it does not keep the inline projections that the store demands."""
    return code_of(error) == _OTHER_INLINE


def blames_request(error: BaseException) -> bool:
    """Whether a part of the batch may succeed without the request that met *error*."""
    if isinstance(error, EventCoreError):
        return isinstance(error, RequestRefused)
    return not is_lost(error) and code_of(error) not in _SERVER_WIDE


@final
@attrs.frozen
class Faults:
    """Translates for the store that *store* describes to people: a schema and a place, without a password. *dsns* may have some."""

    store: str
    dsns: Sequence[str] = attrs.field(default=(), repr=False)

    def refused(self, error: Exception) -> EventCoreError:
        """Translate what one request met that its neighbours did not."""
        if isinstance(error, RequestRefused) or code_of(error) in _MEANINGS:
            return self.translate(error)
        return because(
            RequestRefused(
                f"{self.store} refused the request and nothing of it was written: {self._said(error)}; a trigger or a constraint of the database, a "
                "limit of PostgreSQL, or a value that it cannot keep is in the way"
            ),
            error,
        )

    def translate(self, error: Exception) -> EventCoreError:
        """Return the error of ours that tells what *error* means here."""
        return error if isinstance(error, EventCoreError) else because(self._store_error(error), error)

    def closed(self) -> StoreClosed:
        return StoreClosed(f"{self.store} is not open; use it inside `async with PostgresEventStore(...) as store:`")

    def turned_away(self, error: BaseException) -> StoreUnavailable:
        return because(
            StoreUnavailable(f"{self.store} cannot be reached: {self._said(error)}; correct the DSN, or the environment that replaces it"),
            error,
        )

    def unreadable(self) -> StoreUnavailable:
        return StoreUnavailable(
            f"{self.store} cannot be reached: its DSN cannot be read; it looks like postgresql://user@host:5432/database, and characters "
            "such as @ : / in a user's name or password are written as %40 %3A %2F"
        )

    def uncertified(self, error: BaseException) -> StoreUnavailable:
        text = (
            f"{self.store} cannot be reached: the certificate of its server was refused ({self._said(error)}); name the authority that signed it "
            "with sslrootcert= in the DSN, and the host as the certificate does"
        )
        return because(StoreUnavailable(text), error)

    def unreachable(self, seconds: float, error: BaseException | None) -> StoreUnavailable:
        text = f"no connection to {self.store} for {seconds:.1f} s ({self._said(error)}); {self._remedy(error)}"
        return StoreUnavailable(text) if error is None else because(StoreUnavailable(text), error)

    def _remedy(self, error: BaseException | None) -> str:
        if error is not None and code_of(error) == _TOO_MANY_CONNECTIONS:
            return "the server takes no more connections: make pool_size= smaller, or max_connections larger"
        if isinstance(error, PoolExhausted):
            return "make its max_size= larger: the store keeps some (pool_size=), one more listens, and each projection takes one while it works"
        if isinstance(error, FileNotFoundError) and (missing := missing_files(self.dsns)):
            return f"there is no file {missing[0]}, which the DSN names"
        return "see that the server runs and that the DSN is right"

    def _store_error(self, error: Exception) -> StoreError:
        code = code_of(error)
        if code in _MISSING:
            return MigrationNeeded(f"{self.store} lacks what this code needs ({self._said(error)}); run `eventcore migrate` for it")
        if code in _DAMAGED:
            return StoreCorrupt(f"{self.store} is damaged ({self._said(error)}); restore a backup")
        make, text = _MEANINGS.get(code, (StoreUnavailable, _LOST if is_lost(error) else "{store} failed: {error}"))
        return make(text.format(store=self.store, error=self._said(error)))

    def _said(self, error: BaseException | None) -> str:
        """Return the words of a driver or a server, in which a password may be quoted, without it."""
        if error is None:
            return "nobody answered"
        hint = getattr(error, "hint", None)
        return scrubbed((str(error) or type(error).__name__) + (f"; {hint}" if hint else ""), *self.dsns)


def because(error: E, cause: BaseException) -> E:
    error.__cause__ = cause
    return error
