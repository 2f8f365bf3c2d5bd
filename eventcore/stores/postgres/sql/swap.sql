-- name: hold_back
-- What `hold_lease` shares, alone.
SELECT pg_advisory_xact_lock(hashtextextended(w.name, {seed} + 3)) FROM (SELECT name FROM unnest($1::text[]) AS u (name) ORDER BY name OFFSET 0) AS w;

-- name: wait_for
SELECT set_config('lock_timeout', $1, true);

-- name: deadlock_timeout
SELECT setting::bigint AS milliseconds FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout';

-- name: follows
-- Whether each column of the view $1 is one of the table $2, in the same place: then the view can show the table without being dropped.
SELECT NOT EXISTS (
    SELECT FROM (
        SELECT row_number() OVER (ORDER BY attnum) AS place, attname, atttypid, atttypmod, attcollation
        FROM pg_catalog.pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
    ) AS shown
    LEFT JOIN (
        SELECT row_number() OVER (ORDER BY attnum) AS place, attname, atttypid, atttypmod, attcollation
        FROM pg_catalog.pg_attribute WHERE attrelid = to_regclass($2) AND attnum > 0 AND NOT attisdropped
    ) AS made USING (place, attname, atttypid, atttypmod, attcollation)
    WHERE made.place IS NULL
) AND to_regclass($1) IS NOT NULL AS follows;

-- name: resting_on
-- What others made and what DROP would stop at: views, foreign keys, functions. $1 is dropped; what belongs to $2 is dropped with it.
WITH dropped AS (SELECT to_regclass(name)::oid AS id FROM unnest($1::text[]) AS w (name)),
ours AS (SELECT to_regclass(name)::oid AS id FROM unnest($2::text[]) AS w (name))
SELECT DISTINCT
    CASE
        WHEN r.ev_class IS NOT NULL THEN pg_catalog.pg_describe_object('pg_class'::regclass, r.ev_class, 0)
        ELSE pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
    END AS what
FROM pg_catalog.pg_depend AS d
LEFT JOIN pg_catalog.pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
LEFT JOIN pg_catalog.pg_constraint AS c ON d.classid = 'pg_constraint'::regclass AND c.oid = d.objid
WHERE d.deptype = 'n'
    AND (
        (d.refclassid = 'pg_class'::regclass AND d.refobjid IN (SELECT id FROM dropped))
        OR (
            d.refclassid = 'pg_type'::regclass
            AND d.refobjid IN (SELECT t.oid FROM pg_catalog.pg_type AS t WHERE t.typrelid IN (SELECT id FROM dropped))
        )
    )
    AND coalesce(r.ev_class, c.conrelid, 0) NOT IN (SELECT id FROM ours WHERE id IS NOT NULL)
ORDER BY what;

-- name: used_by
-- Whose transactions have used one of $1 and are older than $2. Of the sessions of other roles not everybody may know that: $3 is what it is then.
SELECT l.pid, a.usename, a.backend_type, a.state, a.xact_start
FROM (
    SELECT DISTINCT pid FROM pg_catalog.pg_locks
    WHERE locktype = 'relation' AND granted
        AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
        AND relation IN (SELECT to_regclass(name)::oid FROM unnest($1::text[]) AS w (name))
) AS l
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.pid IS DISTINCT FROM pg_backend_pid() AND coalesce(clock_timestamp() - a.xact_start > $2::interval, $3::boolean)
ORDER BY l.pid;
