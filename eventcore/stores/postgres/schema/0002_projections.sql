-- How far each projection has come, by the name and the generation: a rebuild is a generation of its own, beside the one that is live.
-- One that is `inline` is kept up to date by every append, and nobody writes down how far it is.
-- `position` is the text of a position, times are in microseconds since 1970-01-01T00:00:00 UTC.

CREATE TABLE {schema}.projections (
    name text NOT NULL,
    generation bigint NOT NULL,
    version bigint NOT NULL,
    live bigint NOT NULL CHECK (live IN (0, 1)),
    paused bigint NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    inline bigint NOT NULL DEFAULT 0 CHECK (inline IN (0, 1)),
    tables text NOT NULL,
    position text,
    handled bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,
    fault text,
    updated_at bigint NOT NULL,
    PRIMARY KEY (name, generation)
);

-- At most one generation answers to the name.
CREATE UNIQUE INDEX projections_live ON {schema}.projections (name) WHERE live = 1;

-- Events that a projection could not handle and went on without, whole, so that they can be handled later.
CREATE TABLE {schema}.parked_events (
    name text NOT NULL,
    generation bigint NOT NULL,
    event_id text NOT NULL,
    stream_id text NOT NULL,
    stream_version bigint NOT NULL,
    position text NOT NULL,
    type text NOT NULL,
    type_version bigint NOT NULL,
    data text NOT NULL,
    metadata text NOT NULL,
    recorded_at bigint NOT NULL,
    error text NOT NULL,
    attempts bigint NOT NULL,
    parked_at bigint NOT NULL,
    retry bigint NOT NULL DEFAULT 0 CHECK (retry IN (0, 1)),
    PRIMARY KEY (name, generation, event_id)
);
