-- name: load_snapshot
SELECT version, data FROM snapshots WHERE stream_id = ? AND kind = ?;

-- name: save_snapshot
INSERT INTO snapshots (stream_id, kind, version, data) VALUES (?, ?, ?, ?)
ON CONFLICT (stream_id, kind) DO UPDATE SET version = excluded.version, data = excluded.data WHERE excluded.version >= version;

-- name: load_checkpoint
SELECT position FROM checkpoints WHERE name = ?;

-- name: save_checkpoint
INSERT INTO checkpoints (name, position) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET position = excluded.position;

-- name: load_lease
SELECT owner, token, expires_at FROM leases WHERE name = ?;

-- name: save_lease
INSERT INTO leases (name, owner, token, expires_at) VALUES (?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, token = excluded.token, expires_at = excluded.expires_at;

-- name: release_lease
UPDATE leases SET owner = NULL WHERE name = ? AND owner = ? AND token = ?;
