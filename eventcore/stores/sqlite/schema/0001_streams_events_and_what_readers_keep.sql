-- Versions, positions and times are integers: a version counts the events of its stream, a position orders the events of the whole store,
-- a time is in microseconds since 1970-01-01T00:00:00 UTC.

CREATE TABLE streams (
    id INTEGER PRIMARY KEY,
    stream_id TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL CHECK (version >= 0),
    position INTEGER NOT NULL
) STRICT;

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

CREATE UNIQUE INDEX events_by_stream ON events (stream, version);

-- An index of a rowid table ends with the rowid, which is the position: this one finds the next event of a type.
CREATE INDEX events_by_type ON events (type);

CREATE TABLE outcomes (
    key TEXT PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    first_position INTEGER NOT NULL,
    last_position INTEGER NOT NULL,
    committed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX outcomes_by_age ON outcomes (committed_at);

CREATE TABLE snapshots (
    stream_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (stream_id, kind)
) STRICT;

CREATE TABLE checkpoints (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    owner TEXT,
    token INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Append-only, from whichever connection. REPLACE deletes the row in its way without firing a delete trigger, so the guard stands
-- before the insert: nothing may be written but what follows the newest event, and the newest of its stream.
CREATE TRIGGER events_follow_the_newest BEFORE INSERT ON events
WHEN NEW.position <= (SELECT max(position) FROM events)
    OR NEW.version IS NOT (SELECT version + 1 FROM streams WHERE id = NEW.stream)
BEGIN
    SELECT RAISE(ABORT, 'eventcore: events are append-only; an event may only follow the newest one of its stream');
END;

-- The head moves with the event, so that the two never differ.
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

-- For people: the history as it reads best, `SELECT * FROM history WHERE stream_id = 'account-1'`.
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
