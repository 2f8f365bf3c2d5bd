-- name: heads
-- ?1: the stream ids, as a JSON array. The newest stream, the newest position, what read models every append has to keep, and the streams among
-- them that exist, as one JSON value: one step of SQLite, one release of the GIL.
SELECT CAST(
    json_array(
        (SELECT max(id) FROM streams),
        (SELECT max(position) FROM events),
        (SELECT kept FROM inline_projections),
        json_group_array(json_array(s.stream_id, s.id, s.version, s.position))
    ) AS BLOB
)
FROM json_each(?1) AS w
CROSS JOIN streams AS s ON s.stream_id = w.value;

-- name: add_streams
INSERT INTO streams (id, stream_id, version, position) VALUES (?, ?, 0, 0);

-- name: add_events
INSERT INTO events (position, stream, version, event_id, type, type_version, data, metadata, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: remember
INSERT INTO outcomes (key, fingerprint, first_position, last_position, committed_at) VALUES (?, ?, ?, ?, ?);

-- name: forget
DELETE FROM outcomes WHERE committed_at < ?;
