-- name: demand
UPDATE {schema}.store SET inline = $1;

-- name: newest
SELECT tx, ordinal FROM {schema}.events ORDER BY tx DESC, ordinal DESC LIMIT 1;

-- name: begin
-- One append after the other, in the order of their numbers: the lock comes before all others. $kept and $lock_timeout stand for literals, so that
-- all of this is one round trip.
BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL lock_timeout = $lock_timeout;
SET LOCAL eventcore.inline = $kept;
SELECT pg_advisory_xact_lock({seed} + 1);

-- name: wait
SET LOCAL lock_timeout = $lock_timeout;

-- name: keep_out
-- The lock that every append shares.
SELECT pg_advisory_xact_lock({seed});
