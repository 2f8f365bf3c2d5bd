-- Pages of the global order. `after` and `until` enclose the window that is looked through; only what is in it is sorted.

-- name: newest
SELECT max(position) FROM events;

-- name: window_by_type
-- Where a window ends that holds the next `size` events of the given types: each type's next ones come from the index, then are merged.
SELECT count(*), max(position)
FROM (
    SELECT e.position
    FROM json_each(:types) AS t
    CROSS JOIN events AS e
        ON e.position IN (SELECT n.position FROM events AS n WHERE n.type = t.value AND n.position > :after ORDER BY n.position LIMIT :size)
    ORDER BY e.position
    LIMIT :size
);

-- name: page
SELECT s.stream_id, e.version, e.position, e.event_id, e.type, e.type_version, e.data, e.metadata, e.recorded_at
FROM events AS e
CROSS JOIN streams AS s ON s.id = e.stream
WHERE e.position > :after AND e.position <= :until
ORDER BY e.position
LIMIT :limit;

-- name: page_by_type
SELECT s.stream_id, e.version, e.position, e.event_id, e.type, e.type_version, e.data, e.metadata, e.recorded_at
FROM events AS e INDEXED BY events_by_type
CROSS JOIN streams AS s ON s.id = e.stream
WHERE e.type IN (SELECT t.value FROM json_each(:types) AS t) AND e.position > :after AND e.position <= :until
ORDER BY e.position
LIMIT :limit;

-- name: page_by_stream
WITH selectors (prefix, glob, pattern) AS MATERIALIZED (
    SELECT f.value ->> 0, f.value ->> 1, f.value ->> 2 FROM json_each(:selectors) AS f
)
SELECT s.stream_id, e.version, e.position, e.event_id, e.type, e.type_version, e.data, e.metadata, e.recorded_at
FROM events AS e
CROSS JOIN streams AS s ON s.id = e.stream
WHERE e.position > :after AND e.position <= :until AND EXISTS (
        SELECT 1
        FROM selectors AS f
        WHERE substr(s.stream_id, 1, length(f.prefix)) = f.prefix
            AND (f.glob IS NULL OR s.stream_id GLOB f.glob)
            AND (f.pattern IS NULL OR eventcore_matches(f.pattern, s.stream_id))
    )
ORDER BY e.position
LIMIT :limit;

-- name: page_by_type_and_stream
WITH selectors (prefix, glob, pattern) AS MATERIALIZED (
    SELECT f.value ->> 0, f.value ->> 1, f.value ->> 2 FROM json_each(:selectors) AS f
)
SELECT s.stream_id, e.version, e.position, e.event_id, e.type, e.type_version, e.data, e.metadata, e.recorded_at
FROM events AS e INDEXED BY events_by_type
CROSS JOIN streams AS s ON s.id = e.stream
WHERE e.type IN (SELECT t.value FROM json_each(:types) AS t) AND e.position > :after AND e.position <= :until
    AND EXISTS (
        SELECT 1
        FROM selectors AS f
        WHERE substr(s.stream_id, 1, length(f.prefix)) = f.prefix
            AND (f.glob IS NULL OR s.stream_id GLOB f.glob)
            AND (f.pattern IS NULL OR eventcore_matches(f.pattern, s.stream_id))
    )
ORDER BY e.position
LIMIT :limit;
