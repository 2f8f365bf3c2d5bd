-- A file of the schema 1, with data: made once, when that schema was new, and never changed.

CREATE TABLE streams (
    id INTEGER PRIMARY KEY,
    stream_id TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL CHECK (version >= 0),
    position INTEGER NOT NULL
) STRICT;
INSERT INTO streams VALUES (1, 'a-1', 2, 3);
INSERT INTO streams VALUES (2, 'b-1', 1, 2);
CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL,
    version INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    type_version INTEGER NOT NULL,
    data TEXT NOT NULL,
    metadata TEXT NOT NULL,
    recorded_at INTEGER NOT NULL
) STRICT;
INSERT INTO events VALUES (1, 1, 1, '01a20726c26c765f9511fe23ba7fbb85', 'Happened', 1, '{"label": 1}', '{}', 1795416310380729);
INSERT INTO events VALUES (2, 2, 1, '01a20726c26c701d9f642bda4584be68', 'Happened', 1, '{"label": 2}', '{}', 1795416310380729);
INSERT INTO events VALUES (3, 1, 2, '01a20726c270798eac924f0da788aa6d', 'Happened', 1, '{"label": 3}', '{}', 1795416310384380);
CREATE TABLE outcomes (
    key TEXT PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    first_position INTEGER NOT NULL,
    last_position INTEGER NOT NULL,
    committed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO outcomes VALUES ('order-1', X'0066', 1, 2, 1795416310380729);
CREATE TABLE snapshots (
    stream_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (stream_id, kind)
) STRICT;
INSERT INTO snapshots VALUES ('a-1', 'State', 2, X'666F6C646564');
CREATE TABLE checkpoints (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO checkpoints VALUES ('reader', 2);
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    owner TEXT,
    token INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO leases VALUES ('daily', 'one', 1, 1795416315387099);
CREATE UNIQUE INDEX events_by_stream ON events (stream, version);
CREATE INDEX events_by_type ON events (type);
CREATE INDEX outcomes_by_age ON outcomes (committed_at);
CREATE TRIGGER events_follow_the_newest BEFORE INSERT ON events
WHEN NEW.position <= (SELECT max(position) FROM events)
    OR NEW.version IS NOT (SELECT version + 1 FROM streams WHERE id = NEW.stream)
BEGIN
    SELECT RAISE(ABORT, 'eventcore: events are append-only; an event may only follow the newest one of its stream');
END;
CREATE TRIGGER events_move_the_head AFTER INSERT ON events
BEGIN
    UPDATE streams SET version = NEW.version, position = NEW.position WHERE id = NEW.stream;
END;
CREATE TRIGGER events_never_change BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'eventcore: events are append-only and cannot be updated');
END;
CREATE TRIGGER events_never_vanish BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'eventcore: events are append-only and cannot be deleted');
END;
CREATE TRIGGER streams_begin_empty BEFORE INSERT ON streams
WHEN NEW.version IS NOT 0
    OR EXISTS (SELECT 1 FROM streams WHERE id = NEW.id)
    OR EXISTS (SELECT 1 FROM streams WHERE stream_id = NEW.stream_id)
BEGIN
    SELECT RAISE(ABORT, 'eventcore: a stream is added once, and begins at version 0');
END;
CREATE TRIGGER streams_count_their_events BEFORE UPDATE ON streams
WHEN NEW.id IS NOT OLD.id
    OR NEW.stream_id IS NOT OLD.stream_id
    OR NOT EXISTS (SELECT 1 FROM events WHERE position = NEW.position AND stream = NEW.id AND version = NEW.version)
    OR NEW.version <= OLD.version
BEGIN
    SELECT RAISE(ABORT, 'eventcore: the version of a stream counts its events and is changed by appending alone');
END;
CREATE TRIGGER streams_never_vanish BEFORE DELETE ON streams
BEGIN
    SELECT RAISE(ABORT, 'eventcore: streams cannot be deleted');
END;
CREATE VIEW history AS
SELECT
    e.position,
    s.stream_id,
    e.version,
    e.type,
    e.type_version,
    e.data,
    e.metadata,
    e.event_id,
    strftime('%Y-%m-%dT%H:%M:%S', e.recorded_at / 1000000, 'unixepoch') || printf('.%06dZ', e.recorded_at % 1000000) AS recorded_at
FROM events AS e
JOIN streams AS s ON s.id = e.stream;
CREATE TABLE projections (
    name TEXT NOT NULL,
    generation INTEGER NOT NULL,
    version INTEGER NOT NULL,
    live INTEGER NOT NULL CHECK (live IN (0, 1)),
    paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    inline INTEGER NOT NULL DEFAULT 0 CHECK (inline IN (0, 1)),
    tables TEXT NOT NULL,
    position TEXT,
    handled INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    fault TEXT,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (name, generation)
) STRICT;

CREATE UNIQUE INDEX projections_live ON projections (name) WHERE live = 1;

CREATE TABLE parked_events (
    name TEXT NOT NULL,
    generation INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    stream_id TEXT NOT NULL,
    stream_version INTEGER NOT NULL,
    position TEXT NOT NULL,
    type TEXT NOT NULL,
    type_version INTEGER NOT NULL,
    data TEXT NOT NULL,
    metadata TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    error TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    parked_at INTEGER NOT NULL,
    retry INTEGER NOT NULL DEFAULT 0 CHECK (retry IN (0, 1)),
    PRIMARY KEY (name, generation, event_id)
) STRICT;
CREATE TABLE inline_projections (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    kept TEXT NOT NULL
) STRICT;

INSERT INTO projections VALUES ('balances', 1, 1, 1, 0, 0, '["balances"]', '2', 2, 0, NULL, 1767225600000000);
INSERT INTO parked_events VALUES ('balances', 1, '00000000-0000-7000-8000-000000000001', 'a-1', 1, '1', 'Happened', 1, '{}', '{}', 1767225600000000, 'ValueError: no', 5, 1767225600000000, 0);
PRAGMA application_id = 1702257519;
PRAGMA user_version = 2;
