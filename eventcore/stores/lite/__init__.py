"""Read models in SQLite: what the SQLite store keeps in its file and the memory store in memory, in the same SQL."""

from __future__ import annotations

from eventcore.stores.lite.driving import drive
from eventcore.stores.lite.sql import StatementFailed, execute, fetch, quoted, schema

__all__ = ["StatementFailed", "drive", "execute", "fetch", "quoted", "schema"]
