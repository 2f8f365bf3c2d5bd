"""What SQLite reports, in our words. No error of the driver leaves the store bare: it becomes the cause of one of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar, final

import attrs
import orjson

from eventcore.errors import (
    EventCoreError,
    NotAnEventStore,
    OutcomeUnknown,
    RequestRefused,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)

_E = TypeVar("_E", bound=EventCoreError)

# sqlite.org/rescode.html; the low byte is the kind, the rest tells more.
_BUSY: Final = 5
_LOCKED: Final = 6
_READONLY: Final = 8
_IOERR: Final = 10
_CORRUPT: Final = 11
_FULL: Final = 13
_CANTOPEN: Final = 14
_PROTOCOL: Final = 15
_NOTADB: Final = 26
_IOERR_WRITE: Final = _IOERR | 3 << 8
_IOERR_SHMSIZE: Final = _IOERR | 19 << 8

# A file could not grow: the database or its log, and the index of the log.
_NO_ROOM: Final = frozenset({_IOERR_WRITE, _IOERR_SHMSIZE})

# These say something about the whole file, not about what was asked of it.
_STORE_WIDE: Final = frozenset({_BUSY, _LOCKED, _READONLY, _IOERR, _CORRUPT, _CANTOPEN, _PROTOCOL, _NOTADB})


def code_of(error: BaseException) -> int:
    """Return SQLite's extended result code, 0 where the error comes from elsewhere."""
    return getattr(error, "sqlite_errorcode", 0)


def is_busy(error: BaseException) -> bool:
    """Whether others were in the way. SQLite calls it a matter of its protocol where they were at each of a hundred tries to begin a snapshot."""
    return code_of(error) & 0xFF in {_BUSY, _LOCKED, _PROTOCOL}


def is_full(error: BaseException) -> bool:
    """Whether there was no room: nobody's fault, though something smaller may fit."""
    return code_of(error) & 0xFF == _FULL or code_of(error) in _NO_ROOM


_BUSY_TEXT: Final = (
    "{path} stayed locked by others for more than {busy_timeout} s; nothing was written; try again, let the other process commit sooner, "
    "or wait longer with busy_timeout="
)
_FULL_TEXT: Final = (
    "{path} cannot grow: the disk is full, or a quota or a limit of the file's size was met ({error}); nothing was written; make room and "
    "try again"
)
_MEANINGS: Final[Mapping[int, tuple[type[StoreError], str]]] = {
    _BUSY: (StoreBusy, _BUSY_TEXT),
    _LOCKED: (StoreBusy, _BUSY_TEXT),
    _PROTOCOL: (StoreBusy, _BUSY_TEXT),
    _READONLY: (StoreReadOnly, "{path} can only be read ({error}); allow this user to write the file and its folder"),
    _CORRUPT: (
        StoreCorrupt,
        "{path} is damaged ({error}); restore a backup, or save what is left with the `.recover` of the sqlite3 shell",
    ),
    _FULL: (StoreFull, _FULL_TEXT),
    _CANTOPEN: (StoreUnavailable, "{path} cannot be opened ({error}); look at the permissions of the file and of its folder"),
    _NOTADB: (NotAnEventStore, "{path} is no SQLite database; it was left as it is; give the path of an event store"),
}


@final
@attrs.frozen
class Faults:
    """Translates for the store at *path*, which waits *busy_timeout* seconds for others."""

    path: str
    busy_timeout: float

    def blames_request(self, error: Exception) -> bool:
        """Whether a part of the batch may succeed without the request that met *error*. A full disk counts: a smaller one may fit."""
        if isinstance(error, EventCoreError):
            return isinstance(error, RequestRefused)
        return code_of(error) & 0xFF not in _STORE_WIDE

    def busy(self) -> StoreBusy:
        """Return what to tell whoever waited in vain for others of the same store."""
        return StoreBusy(_BUSY_TEXT.format(path=self.path, busy_timeout=self.busy_timeout))

    def unconfirmed(self, error: Exception) -> OutcomeUnknown | None:
        """Return what to tell where COMMIT raised *error* and the log may hold all of it: what was written may yet come back.

        Of the errors of a disk only that of a write says that something is missing there. The others come after the last write: the disk did not
        confirm it, or the index of the log, a file that grows by itself, had no room for it; who repairs the log after a crash finds it whole.
        """
        if code_of(error) & 0xFF == _IOERR and code_of(error) != _IOERR_WRITE:
            return _because(OutcomeUnknown(f"an append to {self.path}"), error)
        return None

    def refused(self, error: Exception) -> EventCoreError:
        """Translate what one request met that its neighbours did not."""
        if isinstance(error, RequestRefused) or code_of(error) & 0xFF == _FULL:
            return self.translate(error)
        return _because(
            RequestRefused(
                f"{self.path} refused the request and nothing of it was written: {error}; a trigger or a constraint of the database, a "
                "limit of SQLite, or a value that is no text in UTF-8 is in the way"
            ),
            error,
        )

    def translate(self, error: Exception) -> EventCoreError:
        """Return the error of ours that tells what *error* means here."""
        return error if isinstance(error, EventCoreError) else _because(self._store_error(error), error)

    def _store_error(self, error: Exception) -> StoreError:
        code = _CANTOPEN if isinstance(error, OSError) else code_of(error)
        if isinstance(error, orjson.JSONDecodeError):
            return StoreCorrupt(f"{self.path} holds an event that is no text in UTF-8 ({error}); something else than eventcore wrote it")
        if code in _NO_ROOM:
            code = _FULL
        make, text = _MEANINGS.get(code & 0xFF, (StoreUnavailable, "{path} failed: {error}"))
        said = error.strerror if isinstance(error, OSError) else str(error)
        return make(text.format(path=self.path, error=said or repr(error), busy_timeout=self.busy_timeout))


def _because(error: _E, cause: Exception) -> _E:
    error.__cause__ = cause
    return error
