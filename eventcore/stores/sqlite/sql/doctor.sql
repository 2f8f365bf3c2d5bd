-- What the doctor asks, on a connection that can only read.

-- name: objects
SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name;

-- name: counts
SELECT (SELECT count(*) FROM streams), (SELECT count(*) FROM events);

-- name: largest
SELECT stream_id, version FROM streams ORDER BY version DESC, stream_id LIMIT 5;

-- name: hottest
SELECT s.stream_id, count(*) AS events, sum(count(*)) OVER () AS looked_at
FROM (SELECT stream FROM events ORDER BY position DESC LIMIT ?) AS e
JOIN streams AS s ON s.id = e.stream
GROUP BY s.stream_id
ORDER BY 2 DESC, 1
LIMIT 5;
