-- name: traits
-- What the schema $1 is, by the rows that say so: whatever is made, altered, granted or dropped in it leaves a row of another transaction.
WITH the AS (SELECT oid, xmin FROM pg_namespace WHERE nspname = $1),
rows (catalog, id, xmin) AS (
    SELECT 'pg_namespace', oid, xmin FROM the
    UNION ALL SELECT 'pg_class', c.oid, c.xmin FROM pg_class AS c JOIN the ON the.oid = c.relnamespace
    UNION ALL SELECT 'pg_type', t.oid, t.xmin FROM pg_type AS t JOIN the ON the.oid = t.typnamespace
    UNION ALL SELECT 'pg_proc', p.oid, p.xmin FROM pg_proc AS p JOIN the ON the.oid = p.pronamespace
    UNION ALL SELECT 'pg_constraint', k.oid, k.xmin FROM pg_constraint AS k JOIN the ON the.oid = k.connamespace
    UNION ALL SELECT 'pg_attribute', a.attrelid, a.xmin FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN the ON the.oid = c.relnamespace
    UNION ALL SELECT 'pg_trigger', t.oid, t.xmin FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid JOIN the ON the.oid = c.relnamespace
    UNION ALL SELECT 'pg_policy', p.oid, p.xmin FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid JOIN the ON the.oid = c.relnamespace
)
SELECT md5(string_agg(concat_ws(' ', catalog, id, xmin), ',' ORDER BY catalog, id, xmin::text)) FROM rows;

-- name: kept
-- The rows that stay in a schema that is emptied. They are never changed by a store that is used as it is meant to be.
SELECT md5(concat((SELECT array_agg(m.*::text ORDER BY m.number) FROM {schema}.migrations AS m), (SELECT array_agg(s.*::text) FROM {schema}.store AS s)));

-- name: emptying
-- The statements that empty the schema $1, whose events nobody may delete: the triggers that see to that rest meanwhile, and are as they were afterwards.
WITH tables AS (
    SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relname NOT IN ('migrations', 'store')
), triggers AS (
    SELECT t.name, g.tgname, CASE g.tgenabled WHEN 'A' THEN 'ALWAYS' WHEN 'R' THEN 'REPLICA' ELSE '' END AS how
    FROM pg_trigger AS g
    JOIN tables AS t ON t.oid = g.tgrelid
    WHERE NOT g.tgisinternal AND g.tgenabled <> 'D'
)
SELECT string_agg(statement, '; ' ORDER BY step, statement)
FROM (
    SELECT 1, format('ALTER TABLE %s DISABLE TRIGGER %I', name, tgname) FROM triggers
    UNION ALL SELECT 2, format('DELETE FROM %s', name) FROM tables
    UNION ALL SELECT 3, format('ALTER TABLE %s ENABLE %s TRIGGER %I', name, how, tgname) FROM triggers
) AS statements (step, statement);
