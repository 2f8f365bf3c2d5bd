-- What the doctor asks. Each part in a read-only transaction of its own, with the schema and pg_catalog as the search path.

-- name: prologue
SELECT
    set_config('search_path', 'pg_catalog, ' || quote_ident($1), true),
    set_config('statement_timeout', '15s', true),
    set_config('lock_timeout', '2s', true);

-- name: server
SELECT
    current_setting('server_version_num')::integer AS number,
    current_setting('server_version') AS version,
    pg_is_in_recovery() AS replica,
    current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('max_locks_per_transaction')::bigint
        * (current_setting('max_connections')::bigint + current_setting('max_prepared_transactions')::bigint) AS lock_room,
    (SELECT count(*) FROM pg_locks AS l WHERE NOT l.fastpath) AS locks,
    pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_sessions,
    current_user::text AS role;

-- name: objects
-- All that the migrations make, as text that is the same on all versions: definitions for a digest, and the state that may be changed without them.
WITH ours AS (
    SELECT c.oid, c.relname, c.relkind, c.relpersistence, c.relrowsecurity
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relkind IN ('r', 'v')
)
SELECT CASE o.relkind WHEN 'r' THEN 'table' ELSE 'view' END AS kind, o.relname::text AS name,
    concat_ws(' ', o.relkind, o.relpersistence, o.relrowsecurity) AS definition, NULL AS state, o.relname::text AS of_table
FROM ours AS o
UNION ALL
SELECT 'column', o.relname || '.' || a.attname,
    concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attcollation::regcollation, pg_get_expr(d.adbin, d.adrelid)), NULL, o.relname
FROM ours AS o
JOIN pg_attribute AS a ON a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS d ON d.adrelid = o.oid AND d.adnum = a.attnum
UNION ALL
-- Whether a column may be null is told with the column: only newer servers have constraints for it.
SELECT 'constraint', o.relname || '.' || c.conname, concat_ws(' ', pg_get_constraintdef(c.oid, true), c.convalidated), NULL, o.relname
FROM ours AS o
JOIN pg_constraint AS c ON c.conrelid = o.oid AND c.contype NOT IN ('n', 't')
UNION ALL
SELECT 'index', i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid, 0, true),
    CASE WHEN i.indisvalid AND i.indisready THEN 'valid' ELSE 'invalid' END, o.relname
FROM ours AS o
JOIN pg_index AS i ON i.indrelid = o.oid
UNION ALL
SELECT 'trigger', o.relname || '.' || t.tgname, pg_get_triggerdef(t.oid, true), t.tgenabled::text, o.relname
FROM ours AS o
JOIN pg_trigger AS t ON t.tgrelid = o.oid AND NOT t.tgisinternal
UNION ALL
SELECT 'rule', o.relname || '.' || r.rulename, pg_get_ruledef(r.oid, true), NULL, o.relname
FROM ours AS o
JOIN pg_rewrite AS r ON r.ev_class = o.oid AND o.relkind = 'r'
UNION ALL
SELECT 'function', p.proname,
    concat_ws(
        ' ', pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid), l.lanname, p.provolatile, p.prosecdef, p.proisstrict,
        array_to_string(p.proconfig, ','), p.prosrc
    ),
    CASE WHEN EXISTS (
        SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE'
    ) THEN 'public' END,
    NULL
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_language AS l ON l.oid = p.prolang
WHERE n.nspname = $1
ORDER BY 1, 2, 3;

-- name: epoch
SELECT
    s.epoch,
    e.tx >= (s.epoch::bigint << 48) + pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS ahead,
    e.tx & ((1::bigint << 48) - 1) AS newest,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next
FROM {schema}.store AS s
CROSS JOIN (SELECT max(tx) AS tx FROM {schema}.events) AS e;

-- name: appends
-- Who holds the lock that appends hold to their end, and what it waits for. A prepared transaction has no process.
SELECT
    l.pid,
    p.gid,
    a.usename::text AS role,
    a.application_name AS application,
    a.client_addr::text AS client,
    a.state,
    extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, p.prepared))::float8 AS seconds,
    EXISTS (
        SELECT FROM pg_locks AS t WHERE t.locktype = 'transactionid' AND t.mode = 'ExclusiveLock' AND t.granted
            AND t.virtualtransaction = l.virtualtransaction
    ) AS holds_readers,
    coalesce(pg_blocking_pids(l.pid), '{}') AS waits_for,
    l.mode = 'ExclusiveLock' AS migrates
FROM pg_locks AS l
LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
LEFT JOIN pg_prepared_xacts AS p ON l.pid IS NULL AND EXISTS (
    SELECT FROM pg_locks AS t WHERE t.locktype = 'transactionid' AND t.transactionid = p.transaction AND t.virtualtransaction = l.virtualtransaction
)
WHERE l.locktype = 'advisory' AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
    AND l.objsubid = 1 AND l.classid::bigint << 32 | l.objid::bigint = {seed} AND l.granted
ORDER BY seconds DESC NULLS LAST, l.pid;

-- name: vacuum
-- Who keeps rows from being removed: `transactions` is how many began since.
SELECT *
FROM (
    SELECT
        'session' AS kind, a.pid, a.pid::text AS name, a.datname::text AS database, a.usename::text AS role, a.application_name AS application,
        coalesce(a.state, a.backend_type) AS state,
        extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.backend_start))::float8 AS seconds,
        age(a.backend_xmin) AS transactions
    FROM pg_stat_activity AS a
    WHERE a.backend_xmin IS NOT NULL AND a.pid <> pg_backend_pid() AND a.backend_type <> 'autovacuum worker'
    UNION ALL
    SELECT
        'prepared', NULL, p.gid, p.database::text, p.owner::text, NULL, 'prepared',
        extract(epoch FROM clock_timestamp() - p.prepared)::float8, age(p.transaction)
    FROM pg_prepared_xacts AS p
    UNION ALL
    SELECT
        'slot', s.active_pid, s.slot_name::text, s.database::text, NULL, NULL, CASE WHEN s.active THEN 'active' ELSE 'inactive' END, NULL,
        greatest(age(s.xmin), age(s.catalog_xmin))
    FROM pg_replication_slots AS s
    WHERE s.xmin IS NOT NULL OR s.catalog_xmin IS NOT NULL
) AS holders
ORDER BY transactions DESC NULLS LAST, kind, name;

-- name: connections
SELECT coalesce(nullif(a.application_name, ''), '(unnamed)') AS application, count(*) AS connections, count(*) FILTER (WHERE a.state = 'active') AS active
FROM pg_stat_activity AS a
WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
GROUP BY 1
ORDER BY 2 DESC, 1;

-- name: lanes
-- What each connection of this database does for the store, or did last: told by its statement, in the words of calls.sql. $1: the schema, quoted.
SELECT
    coalesce(nullif(a.application_name, ''), '(unnamed)') AS application, l.lane, count(*) AS connections,
    count(*) FILTER (WHERE a.state = 'active') AS at_work,
    count(*) FILTER (WHERE a.state = 'active' AND a.wait_event_type = 'Lock') AS held_up,
    coalesce(max(extract(epoch FROM clock_timestamp() - a.query_start)) FILTER (WHERE a.state = 'active'), 0)::float8 AS seconds
FROM pg_stat_activity AS a
JOIN (
    VALUES ('append', 'SELECT append', '.append('), ('read', 'SELECT number,', '.read('), ('log', 'SELECT tx,', '.read_log('),
        ('log', 'WITH page AS (', '.read_log(')
) AS l (lane, begin, call) ON starts_with(a.query, l.begin) AND strpos(a.query, 'FROM ' || $1 || l.call) > 0
WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid() AND a.datname = current_database()
GROUP BY 1, 2
ORDER BY 1, 2;

-- name: look_anew
-- Or a transaction would see the sessions of its first look again.
SELECT pg_stat_clear_snapshot();

-- name: connection_room
SELECT
    current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
        - coalesce(current_setting('reserved_connections', true), '0')::integer;

-- name: notify_queue
SELECT pg_notification_queue_usage();

-- name: estimates
SELECT c.relname::text AS name, greatest(c.reltuples, 0)::bigint AS rows, c.reltuples >= 0 AS known, pg_total_relation_size(c.oid) AS bytes
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relname IN ('streams', 'events');

-- name: count_streams
SELECT count(*) FROM {schema}.streams;

-- name: count_events
SELECT count(*) FROM {schema}.events;

-- name: largest
-- No index holds what changes with every append: this looks through the table, or through a part of it.
SELECT s.stream_id, s.version FROM {schema}.streams AS s TABLESAMPLE SYSTEM ($1) ORDER BY s.version DESC, s.stream_id LIMIT 5;

-- name: hottest
SELECT e.stream_id, count(*) AS events, sum(count(*)) OVER ()::bigint AS looked_at
FROM (SELECT n.stream_id FROM {schema}.events AS n ORDER BY n.tx DESC, n.ordinal DESC LIMIT $1) AS e
GROUP BY e.stream_id
ORDER BY 2 DESC, 1
LIMIT 5;

-- name: tables
SELECT
    t.relname::text AS name,
    t.n_live_tup AS live,
    t.n_dead_tup AS dead,
    t.n_tup_upd AS updates,
    t.n_tup_hot_upd AS updates_in_place,
    greatest(t.last_vacuum, t.last_autovacuum)::text AS vacuumed_at,
    current_setting('autovacuum') = 'on' AND NOT coalesce('autovacuum_enabled=false' = ANY (c.reloptions), false) AS autovacuum
FROM pg_stat_user_tables AS t
JOIN pg_class AS c ON c.oid = t.relid
WHERE t.schemaname = $1 AND t.relname IN ('streams', 'events', 'outcomes', 'snapshots')
ORDER BY t.relname;

-- name: indexes
SELECT i.indexrelname::text AS name, i.relname::text AS of_table, i.idx_scan AS used, pg_relation_size(i.indexrelid) AS bytes
FROM pg_stat_user_indexes AS i
WHERE i.schemaname = $1
ORDER BY 1;
