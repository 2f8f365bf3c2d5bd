-- How far each projection has come, by the name and the generation: a rebuild is a generation of its own, beside the one that is live.
-- One that is `inline` is kept up to date by every append, and nobody writes down how far it is.
-- `position` is the text of a position, times are in microseconds since 1970-01-01T00:00:00 UTC.

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

-- At most one generation answers to the name.
CREATE UNIQUE INDEX projections_live ON projections (name) WHERE live = 1;

-- Events that a projection could not handle and went on without, whole, so that they can be handled later.
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

-- One row, or none: the read models that every append has to keep up to date in its own transaction. Whoever does not is refused.
CREATE TABLE inline_projections (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    kept TEXT NOT NULL
) STRICT;
