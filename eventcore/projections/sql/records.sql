-- Every store that has SQL runs these: `$1` for placeholders, no more than what SQLite and PostgreSQL have in common. {projections} and
-- {parked_events} stand for the tables. `advance` answers with a row only while the generation is there,
-- is not stopped and not inline.

-- name: load
SELECT name, generation, version, live, paused, tables, position, handled, skipped, fault, updated_at, inline
FROM {projections}
WHERE name = $1
ORDER BY generation;

-- name: load_all
SELECT name, generation, version, live, paused, tables, position, handled, skipped, fault, updated_at, inline
FROM {projections}
ORDER BY name, generation;

-- name: load_one
SELECT name, generation, version, live, paused, tables, position, handled, skipped, fault, updated_at, inline
FROM {projections}
WHERE name = $1 AND generation = $2;

-- name: add
INSERT INTO {projections} (name, generation, version, live, tables, position, handled, updated_at) VALUES ($1, $2, $3, $4, $5, NULL, 0, $6);

-- name: advance
UPDATE {projections}
SET position = $3, handled = handled + $4, skipped = skipped + $5, updated_at = $6
WHERE name = $1 AND generation = $2 AND fault IS NULL AND inline = 0 AND (position = $7 OR position IS NULL AND $7 IS NULL)
RETURNING paused;

-- name: lock
UPDATE {projections} SET updated_at = updated_at WHERE name = $1;

-- name: go_live
UPDATE {projections} SET live = 1 WHERE name = $1 AND generation = $2;

-- name: remove
DELETE FROM {projections} WHERE name = $1 AND generation = $2;

-- name: set_tables
UPDATE {projections} SET tables = $3 WHERE name = $1 AND generation = $2;

-- name: set_fault
UPDATE {projections} SET fault = $3, updated_at = $4 WHERE name = $1 AND generation = $2 AND inline = 0;

-- name: set_inline
UPDATE {projections} SET inline = $3 WHERE name = $1 AND generation = $2;

-- name: pause
UPDATE {projections} SET paused = $2, updated_at = $3 WHERE name = $1 AND inline = 0 RETURNING generation;

-- name: resume
UPDATE {projections} SET paused = 0, fault = NULL, updated_at = $2 WHERE name = $1 RETURNING generation;

-- name: park
INSERT INTO {parked_events} (
    name, generation, event_id, stream_id, stream_version, position, type, type_version, data, metadata, recorded_at, error, attempts, parked_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (name, generation, event_id) DO NOTHING;

-- name: count_parked
SELECT name, generation, count(*) AS parked FROM {parked_events} GROUP BY name, generation;

-- name: request_retry
UPDATE {parked_events} SET retry = 1 WHERE name = $1 AND retry = 0 RETURNING event_id;

-- name: parked
SELECT name, generation, event_id, stream_id, stream_version, position, type, type_version, data, metadata, recorded_at, error, attempts, parked_at,
    retry
FROM {parked_events}
WHERE name = $1;

-- name: next_retry
SELECT name, generation, event_id, stream_id, stream_version, position, type, type_version, data, metadata, recorded_at, error, attempts, parked_at,
    retry
FROM {parked_events}
WHERE name = $1 AND generation = $2 AND retry = 1;

-- name: retried
DELETE FROM {parked_events} WHERE name = $1 AND generation = $2 AND event_id = $3;

-- name: retry_failed
UPDATE {parked_events} SET retry = 0, error = $4, attempts = attempts + $5 WHERE name = $1 AND generation = $2 AND event_id = $3;

-- name: forget_parked
DELETE FROM {parked_events} WHERE name = $1 AND generation = $2;
