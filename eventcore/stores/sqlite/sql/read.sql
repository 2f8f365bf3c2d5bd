-- name: slices
-- ?1: an array of [stream id, after, types]; ?2: how many versions at most. The head of each stream and its events after `after`
-- (from the first, where the stream is shorter than that), in one snapshot.
SELECT w.key, s.version, s.position, e.version, e.position, e.event_id, e.type, e.type_version, e.data, e.metadata, e.recorded_at
FROM json_each(?1) AS w
CROSS JOIN streams AS s ON s.stream_id = w.value ->> 0
LEFT JOIN events AS e
    ON e.stream = s.id
    AND e.version > iif(s.version < w.value ->> 1, 0, w.value ->> 1)
    AND e.version <= iif(s.version < w.value ->> 1, 0, w.value ->> 1) + ?2
    AND (w.value ->> 2 IS NULL OR e.type IN (SELECT t.value FROM json_each(w.value ->> 2) AS t));

-- name: outcomes
SELECT o.key, o.fingerprint, o.first_position, o.last_position
FROM json_each(?1) AS w
CROSS JOIN outcomes AS o ON o.key = w.value;

-- name: events_between
SELECT s.stream_id, e.version, e.position, e.event_id, e.type, e.type_version, e.data, e.metadata, e.recorded_at
FROM events AS e
CROSS JOIN streams AS s ON s.id = e.stream
WHERE e.position BETWEEN ?1 AND ?2;

-- name: newest_position
SELECT max(position) FROM events;
