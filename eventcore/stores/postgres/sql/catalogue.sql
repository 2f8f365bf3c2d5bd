-- What people look for: streams by name, events from the newest back, one event by its id.

-- name: streams
SELECT s.stream_id, s.version, s.tx, s.ordinal, e.type, e.recorded_at
FROM {schema}.streams AS s
JOIN {schema}.events AS e ON e.stream_id = s.stream_id AND e.version = s.version
WHERE s.stream_id > $1 AND s.stream_id >= $2 AND ($3::text IS NULL OR s.stream_id < $3) AND ($4::text[] IS NULL OR s.stream_id LIKE ANY ($4))
ORDER BY s.stream_id
LIMIT $5;

-- name: end_of_history
-- What readers may be shown comes before this place. `moved`: what held it back has ended meanwhile, so that asking again shows more.
SELECT h.tx, h.moved FROM {schema}.horizon() AS h;

-- name: floor
-- Where a window of $3 events before ($1, $2) begins.
SELECT e.tx, e.ordinal
FROM {schema}.events AS e
WHERE (e.tx, e.ordinal) < ($1, $2)
ORDER BY e.tx DESC, e.ordinal DESC
OFFSET $3 - 1 LIMIT 1;

-- name: page_back
SELECT e.tx, e.ordinal, e.recorded_at, e.stream_id, e.version, e.event_id, e.type, e.type_version, e.data::text, e.metadata::text
FROM {schema}.events AS e
WHERE (e.tx, e.ordinal) < ($1, $2) AND (e.tx, e.ordinal) >= ($3, $4)
    AND ($5::text[] IS NULL OR e.type = ANY ($5)) AND ($6::text[] IS NULL OR e.stream_id LIKE ANY ($6))
ORDER BY e.tx DESC, e.ordinal DESC
LIMIT $7;

-- name: event
SELECT e.tx, e.ordinal, e.recorded_at, e.stream_id, e.version, e.event_id, e.type, e.type_version, e.data::text, e.metadata::text
FROM {schema}.events AS e
WHERE e.event_id = $1;

-- name: lease
SELECT l.owner, l.token, l.expires_at FROM {schema}.leases AS l WHERE l.name = $1 AND l.owner IS NOT NULL AND l.expires_at > clock_timestamp();
