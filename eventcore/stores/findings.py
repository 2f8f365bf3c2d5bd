"""What `eventcore doctor` may find in a store: one table of it, and the report that names what was found.

A finding's code is stable: programs read it, and the page "Ask the doctor" has a section for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, TypeAlias, final

import attrs

Severity: TypeAlias = Literal["ok", "info", "warning", "error"]
Fact: TypeAlias = "str | int | float | bool | Sequence[Fact] | Mapping[str, Fact] | None"

SEVERITIES: Final[Sequence[Severity]] = ("ok", "info", "warning", "error")


@final
@attrs.frozen
class Kind:
    """What may be found: how bad it is, what it means, and what to do."""

    severity: Severity
    meaning: str
    advice: str


KINDS: Final[Mapping[str, Kind]] = {
    # Of every store.
    "not-examined": Kind(
        "error",
        "This part could not be looked at, so nothing is known about it.",
        "Do what the error says: most often the role lacks a right, or a statement met a lock or took too long.",
    ),
    "schema-missing": Kind(
        "error", "There is no event store here.", "Correct the URL and the schema, or make the store with `eventcore migrate`."
    ),
    "schema-foreign": Kind(
        "error",
        "What is here belongs to something else.",
        "Correct the URL and the schema: an event store needs a schema, or a file, of its own.",
    ),
    "schema-behind": Kind(
        "error",
        "The store was made by an older eventcore. This one refuses to open it.",
        "Run `eventcore migrate`, as the role that owns the store.",
    ),
    "schema-newer": Kind(
        "error", "The store was made by a newer eventcore. This one refuses to open it.", "Use the newer eventcore that migrated the store."
    ),
    "object-missing": Kind(
        "error",
        "Something that the migrations made was dropped. Calls that need it fail, or a guard is gone.",
        "Find out who dropped it. Make it again from the migration of that name, or restore a backup.",
    ),
    "object-changed": Kind(
        "error",
        "Something is not as the migrations made it. What the store promises rests on it.",
        "Find out who changed it, and why. Make it again from the migration of that name.",
    ),
    "object-added": Kind(
        "info",
        "Somebody added something to tables of the store: it is run, or kept up to date, within every append.",
        "Nothing, if it is yours and meant to be there.",
    ),
    "stream-large": Kind(
        "info",
        "Whoever reads the whole stream reads all its events.",
        "Keep its state in memory or in snapshots, or let a stream end and another one begin (a month, a year).",
    ),
    "stream-hot": Kind(
        "info",
        "Much of what is appended goes to one stream: commands that read and write it are done one after the other.",
        "Choose smaller streams, if its commands conflict often or wait long.",
    ),
    # Of PostgreSQL: the server.
    "server-untested": Kind(
        "info",
        "eventcore is tested on PostgreSQL 15 and 18, and meant for those from 15 to 18.",
        "Use one of these versions where you can.",
    ),
    "server-read-only": Kind(
        "info",
        "This server is a replica: it can be read, and appends are refused.",
        "Nothing, if you meant it. Applications name all hosts, and target_session_attrs=read-write.",
    ),
    "crash-unsafe": Kind(
        "error",
        "A crash of the machine may destroy the database: the server does not wait for the disk, or writes pages that may be torn.",
        "Set fsync and full_page_writes to on, and reload the server. Only a database that may be lost, such as one of tests, can do without.",
    ),
    "commit-unsafe": Kind(
        "warning",
        "Appends are acknowledged before they are on the disk: a crash takes the last ones away.",
        "Set synchronous_commit to on for the role or the database of the application.",
    ),
    "lock-table-small": Kind(
        "warning",
        "An append locks each of its streams, up to 512 at once. The server has room for few locks, or little is left of it.",
        "Raise max_locks_per_transaction, and restart the server.",
    ),
    "sessions-hidden": Kind(
        "warning",
        "This role may not see what other sessions do, so what they hold up may not have been seen.",
        "Let the doctor use a role with more rights: GRANT pg_monitor TO that role.",
    ),
    # Of PostgreSQL: the schema.
    "trigger-off": Kind(
        "error",
        "A trigger that keeps history from being changed is off, or off for replicated changes.",
        "Find out what was changed meanwhile, then: ALTER TABLE ... ENABLE ALWAYS TRIGGER ...",
    ),
    "index-missing": Kind(
        "warning",
        "An index is gone: what it was for looks through the whole table now.",
        "Make it again as its migration does, with CREATE INDEX CONCURRENTLY.",
    ),
    "index-invalid": Kind(
        "warning",
        "An index is not used, because making it did not end well, and still costs every append.",
        "REINDEX INDEX CONCURRENTLY, or drop it, if it is yours.",
    ),
    "index-unused": Kind(
        "info",
        "An index that eventcore did not make costs every append, and nobody has used it since the statistics began.",
        "Drop it, if it is not needed: DROP INDEX CONCURRENTLY.",
    ),
    "public-access": Kind(
        "warning",
        "Every role of the database may call a function of the store. A restore that leaves grants out (pg_dump --no-acl) does this.",
        "REVOKE ALL ON FUNCTION ... FROM PUBLIC, and grant it to the roles of the application.",
    ),
    "epoch-behind": Kind(
        "error",
        "The store holds events of transactions that this server has not come to: it was restored from another one. "
        "Readers would miss what is appended.",
        "Run `eventcore migrate`: it begins a new epoch.",
    ),
    # Of PostgreSQL: what holds up.
    "append-open": Kind(
        "warning",
        "An append is open for long. Others wait for its streams; where it has written, nobody is shown what was appended after it.",
        "See what its session does. If it hangs: SELECT pg_terminate_backend(pid), or ROLLBACK PREPARED 'name'. It is undone whole.",
    ),
    "append-waiting": Kind(
        "warning",
        "An append waits long for others to end. It fails with StoreBusy after lock_timeout.",
        "See what the sessions do that it waits for.",
    ),
    "vacuum-held": Kind(
        "warning",
        "Rows that are dead for everybody else cannot be removed while this is there, in any table of the server: tables grow, and get slow.",
        "End the session or the transaction, or drop the slot, if nobody needs it: pg_terminate_backend, ROLLBACK PREPARED, "
        "pg_drop_replication_slot.",
    ),
    "prepared-left": Kind(
        "warning",
        "A transaction was prepared and neither committed nor rolled back. It keeps its locks, also through a restart.",
        "COMMIT PREPARED or ROLLBACK PREPARED, as its coordinator says; in the database that it was prepared in.",
    ),
    "notify-queue-filling": Kind(
        "warning",
        "The queue of NOTIFY fills up: a session that listens stays in a transaction. When it is full, appends are not told about any more.",
        "End the oldest transaction of a session that listens.",
    ),
    "connections-scarce": Kind(
        "warning",
        "Few connections are left. The next process that starts may get none.",
        "Make pool_size= smaller, use a pooler, or raise max_connections.",
    ),
    "lane-full": Kind(
        "warning",
        "Calls of this application wait for each other: whenever the doctor looked, every connection that serves them was at work.",
        "See what they wait for: locks of a long append, a disk, the processor. Raise pool_size= if it is none of these, or use more processes.",
    ),
    "autovacuum-off": Kind(
        "warning",
        "Every append leaves a dead row of `streams` behind, and nobody removes them.",
        "Turn it on: autovacuum in the server's settings, autovacuum_enabled of the table.",
    ),
    "dead-rows": Kind(
        "warning",
        "A table has more dead rows than rows: reading it gets slow. Autovacuum does not keep up, or is held up.",
        "See what holds vacuum up, then VACUUM the table.",
    ),
    # Of SQLite.
    "file-damaged": Kind(
        "error",
        "SQLite finds the file damaged.",
        "Stop what uses it, keep a copy, and restore a backup; `sqlite3 FILE .recover` saves what can be.",
    ),
    "journal-not-wal": Kind(
        "warning",
        "The file has no write-ahead log: readers and the writer wait for each other.",
        "Open the store once where the file can be written: it switches to the log.",
    ),
    "wal-large": Kind(
        "warning",
        "The write-ahead log cannot be moved into the file: a reader keeps a transaction open, or nobody has written for long. Reading gets slower.",
        "End what reads for so long; the next append moves it.",
    ),
    "pages-free": Kind("info", "A large part of the file is empty.", "Nothing: it will be used again. VACUUM makes the file smaller."),
}


@final
@attrs.frozen
class Finding:
    """Something found: what exactly, in words and as facts for programs."""

    code: str = attrs.field(validator=attrs.validators.in_(KINDS))
    what: str
    facts: Mapping[str, Fact] = attrs.field(factory=dict[str, Fact])

    @property
    def kind(self) -> Kind:
        return KINDS[self.code]


@final
@attrs.frozen
class Area:
    """A part of a store that was looked at: what it is like in one line, and what was found."""

    name: str
    summary: str
    facts: Mapping[str, Fact] = attrs.field(factory=dict[str, Fact])
    findings: Sequence[Finding] = ()

    @property
    def severity(self) -> Severity:
        return worst(found.kind.severity for found in self.findings)


Report: TypeAlias = Sequence[Area]


def worst(severities: Iterable[Severity]) -> Severity:
    """Return the worst of *severities*, "ok" of none."""
    found: Severity = "ok"
    for each in severities:
        if SEVERITIES.index(each) > SEVERITIES.index(found):
            found = each
    return found


def told(largest: Sequence[Mapping[str, Fact]], hottest: Sequence[Mapping[str, Fact]]) -> str:
    """Return the first of both as the end of a sentence."""
    if not (largest and hottest):
        return ""
    large, hot = largest[0], hottest[0]
    return f"; largest {large['stream_id']} ({large['version']}), hottest {hot['stream_id']} ({hot['events']} of the newest {hot['looked_at']})"
