-- name: load_snapshots
SELECT s.stream_id, s.kind, s.version, s.data
FROM unnest($1::text[], $2::text[]) AS w (stream_id, kind)
CROSS JOIN LATERAL (SELECT * FROM {schema}.snapshots AS s WHERE s.stream_id = w.stream_id AND s.kind = w.kind OFFSET 0) AS s;

-- name: save_snapshots
INSERT INTO {schema}.snapshots AS s (stream_id, kind, version, data)
SELECT DISTINCT ON (w.stream_id, w.kind) w.stream_id, w.kind, w.version, w.data
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[]) AS w (stream_id, kind, version, data)
ORDER BY w.stream_id, w.kind, w.version DESC
ON CONFLICT (stream_id, kind) DO UPDATE SET version = excluded.version, data = excluded.data WHERE excluded.version >= s.version;

-- name: load_checkpoint
SELECT tx, ordinal FROM {schema}.checkpoints WHERE name = $1;

-- name: save_checkpoint
INSERT INTO {schema}.checkpoints (name, tx, ordinal) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET tx = excluded.tx, ordinal = excluded.ordinal;

-- name: acquire_lease
-- A row where the lease was given. Its token grows whenever the owner changes; the clock is the server's.
INSERT INTO {schema}.leases AS l (name, owner, token, expires_at) VALUES ($1, $2, 1, clock_timestamp() + $3::interval)
ON CONFLICT (name) DO UPDATE SET
    owner = excluded.owner,
    token = CASE WHEN l.owner IS NOT DISTINCT FROM excluded.owner THEN l.token ELSE l.token + 1 END,
    expires_at = excluded.expires_at
WHERE l.owner IS NULL OR l.owner = excluded.owner OR l.expires_at <= clock_timestamp()
RETURNING token, expires_at;

-- name: release_lease
UPDATE {schema}.leases SET owner = NULL WHERE name = $1 AND owner = $2 AND token = $3;

-- name: forget_outcomes
WITH forgotten AS (
    DELETE FROM {schema}.outcomes WHERE committed_at < clock_timestamp() - $1::interval RETURNING 1
)
SELECT count(*) FROM forgotten;

-- name: hold_lease
-- A row while the lease has not passed on; it cannot pass on before the transaction ends. Whoever is to replace the tables that are written under it
-- waits, with `hold_back`, for the end of the transaction before taking any lock that it may want.
SELECT 1 AS held, pg_advisory_xact_lock_shared(hashtextextended($1, {seed} + 3))
FROM {schema}.leases WHERE name = $1 AND owner = $2 AND token = $3 FOR SHARE;
