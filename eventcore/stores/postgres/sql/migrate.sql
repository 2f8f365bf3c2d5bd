-- name: lock
SELECT pg_advisory_xact_lock($1);

-- name: exists
SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1);

-- name: applied
SELECT coalesce(max(number), 0) FROM {schema}.migrations;

-- name: record
INSERT INTO {schema}.migrations (number, name) VALUES ($1, $2);

-- name: create_schema
CREATE SCHEMA IF NOT EXISTS {schema};

-- name: create_migrations
CREATE TABLE {schema}.migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE {schema}.migrations IS 'eventcore: which migrations this schema has seen';

-- name: whose
-- Whether the schema has our table of migrations, and which of our names somebody else took.
SELECT
    coalesce(bool_or(c.relname = 'migrations' AND obj_description(c.oid, 'pg_class') LIKE 'eventcore: %'), false) AS ours,
    coalesce(
        array_agg(c.relname::text ORDER BY c.relname)
            FILTER (
                WHERE c.relname IN (
                    'migrations', 'store', 'streams', 'events', 'outcomes', 'snapshots', 'checkpoints', 'leases', 'history', 'projections', 'parked_events'
                )
            ),
        '{}'
    ) AS names
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1;

-- name: ahead
-- The newest transaction that is written down, where the counter of this cluster has not come so far: the schema was restored from another cluster.
SELECT e.tx, s.epoch
FROM {schema}.store AS s
CROSS JOIN (SELECT max(tx) AS tx FROM {schema}.events) AS e
WHERE e.tx >= (s.epoch::bigint << 48) + pg_snapshot_xmax(pg_current_snapshot())::text::bigint;

-- name: new_epoch
UPDATE {schema}.store SET epoch = $1;
