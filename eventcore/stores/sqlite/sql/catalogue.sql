-- What people look for: streams by name, events from the newest back, one event by its id.

-- name: streams
-- `low` and `high` enclose what the selectors can let through, so that a prefix is found in the index.
WITH selectors (prefix, glob, pattern) AS MATERIALIZED (
    SELECT f.value ->> 0, f.value ->> 1, f.value ->> 2 FROM json_each(:selectors) AS f
)
SELECT s.stream_id, s.version, s.position, e.type, e.recorded_at
FROM streams AS s
CROSS JOIN events AS e ON e.position = s.position
WHERE s.stream_id > :after AND s.stream_id >= :low AND (:high IS NULL OR s.stream_id < :high)
    AND (:every OR EXISTS (
        SELECT 1
        FROM selectors AS f
        WHERE substr(s.stream_id, 1, length(f.prefix)) = f.prefix
            AND (f.glob IS NULL OR s.stream_id GLOB f.glob)
            AND (f.pattern IS NULL OR eventcore_matches(f.pattern, s.stream_id))
    ))
ORDER BY s.stream_id
LIMIT :limit;

-- name: newest_before
SELECT max(position) FROM events WHERE position < coalesce(?, 9223372036854775807);

-- name: page_back
-- `floor` and `before` enclose the window that is looked through.
WITH selectors (prefix, glob, pattern) AS MATERIALIZED (
    SELECT f.value ->> 0, f.value ->> 1, f.value ->> 2 FROM json_each(:selectors) AS f
)
SELECT s.stream_id, e.version, e.position, e.event_id, e.type, e.type_version, e.data, e.metadata, e.recorded_at
FROM events AS e
CROSS JOIN streams AS s ON s.id = e.stream
WHERE e.position < :before AND e.position > :floor
    AND (:types IS NULL OR e.type IN (SELECT t.value FROM json_each(:types) AS t))
    AND (:every OR EXISTS (
        SELECT 1
        FROM selectors AS f
        WHERE substr(s.stream_id, 1, length(f.prefix)) = f.prefix
            AND (f.glob IS NULL OR s.stream_id GLOB f.glob)
            AND (f.pattern IS NULL OR eventcore_matches(f.pattern, s.stream_id))
    ))
ORDER BY e.position DESC
LIMIT :limit;

-- name: event
-- No index holds the ids: this looks through all events.
SELECT s.stream_id, e.version, e.position, e.event_id, e.type, e.type_version, e.data, e.metadata, e.recorded_at
FROM events AS e
CROSS JOIN streams AS s ON s.id = e.stream
WHERE e.event_id = ?
LIMIT 1;

-- name: lease
SELECT owner, token, expires_at FROM leases WHERE name = ? AND owner IS NOT NULL AND expires_at > ?;
