-- {schema} stands for the schema's name, quoted; {seed} for a number made of it, so that two schemas of one database never wait for each other.
--
-- `tx` is the transaction that wrote an event: its xid8, with the restore epoch in the bits from the 48th on. `ordinal` counts the events of one
-- transaction. (tx, ordinal) is the global order: a transaction gets its number only when it holds the locks of all its streams, so within a stream
-- the order is that of the versions, and what was read comes before what was decided on it.

-- `inline` names the read models that every append has to keep up to date in its own transaction; an append whose transaction names others in the
-- setting eventcore.inline is refused.
CREATE TABLE {schema}.store (
    epoch integer NOT NULL CHECK (epoch BETWEEN 0 AND 32767),
    inline text
);
CREATE UNIQUE INDEX store_is_one_row ON {schema}.store ((true));
INSERT INTO {schema}.store (epoch) VALUES (0);

-- The newest event of each stream. Every append moves it, in place: no index holds what changes.
-- (No CHECK that versions begin with 1, here and below: the server would parse it anew for each statement that writes.)
CREATE TABLE {schema}.streams (
    stream_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    tx bigint NOT NULL,
    ordinal integer NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE {schema}.events (
    tx bigint NOT NULL,
    version bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    ordinal integer NOT NULL,
    type_version integer NOT NULL,
    event_id uuid NOT NULL,
    stream_id text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    data jsonb NOT NULL,
    metadata jsonb NOT NULL,
    CONSTRAINT events_by_stream PRIMARY KEY (stream_id, version),
    CONSTRAINT events_in_order UNIQUE (tx, ordinal),
    CONSTRAINT events_by_id UNIQUE (event_id)
);
CREATE INDEX events_by_type ON {schema}.events (type, tx, ordinal);

CREATE TABLE {schema}.outcomes (
    key text COLLATE "C" PRIMARY KEY,
    fingerprint bytea NOT NULL,
    tx bigint NOT NULL,
    first_ordinal integer NOT NULL,
    last_ordinal integer NOT NULL,
    committed_at timestamptz NOT NULL
);
CREATE INDEX outcomes_by_age ON {schema}.outcomes (committed_at);

CREATE TABLE {schema}.snapshots (
    stream_id text COLLATE "C",
    kind text COLLATE "C",
    version bigint NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (stream_id, kind)
);

CREATE TABLE {schema}.checkpoints (
    name text COLLATE "C" PRIMARY KEY,
    tx bigint NOT NULL,
    ordinal integer NOT NULL
);

CREATE TABLE {schema}.leases (
    name text COLLATE "C" PRIMARY KEY,
    owner text COLLATE "C",
    token bigint NOT NULL,
    expires_at timestamptz NOT NULL
);

-- Append-only, whoever asks, the owner of the tables included.
CREATE FUNCTION {schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'eventcore: % on %.% is refused: % ', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_ARGV[0]
        USING ERRCODE = 'restrict_violation';
END;
$$;

CREATE TRIGGER events_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.events
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse('events are append-only');
CREATE TRIGGER streams_never_vanish BEFORE DELETE OR TRUNCATE ON {schema}.streams
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse('a stream stays');
-- (Only one comparison: the server parses it anew for each statement that writes.)
CREATE TRIGGER streams_count_their_events BEFORE UPDATE ON {schema}.streams
    FOR EACH ROW WHEN (NEW.version <= OLD.version)
    EXECUTE FUNCTION {schema}.refuse('the version of a stream only grows');
ALTER TABLE {schema}.events ENABLE ALWAYS TRIGGER events_never_change;
ALTER TABLE {schema}.streams ENABLE ALWAYS TRIGGER streams_never_vanish;
ALTER TABLE {schema}.streams ENABLE ALWAYS TRIGGER streams_count_their_events;

-- Below this number every append has ended: what readers may be shown without ever missing what commits later.
--
-- Transactions that are still open in this snapshot hold it back only where they may append: an append takes the lock {seed} before its transaction gets
-- a number, and keeps it to the end. A transaction that has a number and not that lock will not append any more (`append` refuses it). One that ended
-- since the snapshot was taken counts as open: what it wrote is not in the snapshot. Where the snapshot names none of those that are open, as on a
-- standby, the oldest of them is all that is known.
-- Which locks are of one transaction is told by the process: `virtualtransaction` changes when it ends, while it still holds its locks, and in the middle
-- of the list. A prepared transaction has no process, and keeps that number. Its locks come to it from its process one by one, and go one by one when it
-- is ended, which is when it is listed as prepared no more: in between it may look like one without the lock of appends, so it counts as open while any
-- such lock of the other kind has no number beside it, and when it is not listed.
-- `moved` tells that this was so: asking again shows more.
CREATE FUNCTION {schema}.horizon(OUT tx bigint, OUT moved boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    now_open CONSTANT pg_snapshot := pg_current_snapshot();
    oldest xid8 := pg_snapshot_xmin(now_open);
    base bigint;
BEGIN
    moved := false;
    SELECT s.epoch::bigint << 48 INTO base FROM {schema}.store AS s;
    IF oldest < pg_snapshot_xmax(now_open) AND EXISTS (SELECT FROM pg_snapshot_xip(now_open))
        AND EXISTS (SELECT FROM {schema}.events AS e WHERE e.tx >= base + oldest::text::bigint) THEN
        WITH locks AS MATERIALIZED (
            SELECT l.transactionid, coalesce(l.pid::text, l.virtualtransaction) AS owner, l.pid IS NULL AS prepared
            FROM pg_locks AS l
            WHERE l.granted AND (
                l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock'
                OR l.locktype = 'advisory' AND l.objsubid = 1 AND l.classid::bigint << 32 | l.objid::bigint = {seed}
            )
        ), alive AS (
            SELECT t.transactionid, EXISTS (
                SELECT FROM locks AS g
                WHERE g.transactionid IS NULL AND (
                    g.owner = t.owner
                    OR g.prepared <> t.prepared AND NOT EXISTS (SELECT FROM locks AS o WHERE o.owner = g.owner AND o.transactionid IS NOT NULL)
                )
            ) OR t.prepared AND NOT EXISTS (SELECT FROM pg_prepared_xact() AS p WHERE p.transaction = t.transactionid) AS appends
            FROM locks AS t
            WHERE t.transactionid IS NOT NULL
        )
        SELECT coalesce(min(o.xid), pg_snapshot_xmax(now_open)), coalesce(bool_or(a.transactionid IS NULL), false) INTO oldest, moved
        FROM pg_snapshot_xip(now_open) AS o (xid)
        LEFT JOIN alive AS a ON a.transactionid = o.xid::xid
        WHERE a.appends IS NOT false;
    END IF;
    tx := base + oldest::text::bigint;
END;
$$;

-- Decide the requests of one batch in their order, and write what they add. Requests, streams, checks and events are numbered from 1.
--
-- `layout` holds, one after the other: how many requests there are, and checks; for each request the number of its last check; for each request the
-- number of its last event; for each check its stream and the version it wants (-1 admits any); for each event its stream. Streams are numbers into
-- `streams`, which holds each stream of the batch once.
-- `resent`: the batch may have been committed before, so look for its events first.
--
-- The first row returned is the verdict of the batch: for each request 0 = committed, n = lost by check n, -1 = its key was used for the same, -2 = its
-- key was used for something else, -3 = committed when it was sent before. Further rows are events: with a request number those of what was done
-- before, without one the news of streams that losers asked about.
--
-- Called by `append` alone, which has taken the locks and then read the `heads` of the streams, with the numbers of their transactions and their ordinals.
CREATE FUNCTION {schema}.decide(
    streams text[], heads bigint[], txs bigint[], ordinals integer[], base bigint,
    event_stream_ids text[], event_ids uuid[], types text[], type_versions integer[], contents jsonb[], metadatas jsonb[],
    layout bigint[], key_requests integer[], keys text[], fingerprints bytea[],
    resent boolean, news_limit integer
) RETURNS TABLE (
    verdicts integer[], versions bigint[], check_heads bigint[], head_txs bigint[], head_ordinals integer[], first_ordinal integer,
    request integer, tx bigint, ordinal integer, recorded_at timestamptz, stream_id text, version bigint, event_id uuid, type text,
    type_version integer, data jsonb, metadata jsonb
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    events CONSTANT integer := coalesce(cardinality(event_ids), 0);
    requests CONSTANT integer := layout[1];
    checks CONSTANT integer := layout[2];
    check_ends CONSTANT integer[] := layout[3:2 + requests];
    event_ends CONSTANT integer[] := layout[3 + requests:2 + 2 * requests];
    check_streams CONSTANT integer[] := layout[3 + 2 * requests:2 + 2 * requests + checks];
    check_versions CONSTANT bigint[] := layout[3 + 2 * requests + checks:2 + 2 * requests + 2 * checks];
    event_streams CONSTANT integer[] := layout[3 + 2 * requests + 2 * checks:2 + 2 * requests + 2 * checks + events];
    known integer[];
    found record;
    -- Where the events are that were committed under the keys of requests. It is looked up once: a key may be forgotten at any time.
    done_txs bigint[];
    done_from integer[];
    done_until integer[];
    last_events integer[] := array_fill(0, ARRAY[cardinality(streams)]);
    born boolean := false;
    moved boolean := false;
    lost boolean := false;
    news_after bigint[];
    news_until bigint[];
    decided integer[] := array_fill(0, ARRAY[requests]);
    assigned bigint[] := array_fill(0::bigint, ARRAY[events]);
    seen bigint[];
    verdict integer;
    after bigint;
    s integer;
    check_from integer := 1;
    event_from integer := 1;
    this_tx bigint;
    before_first integer := 0;
    added integer := 0;
    written integer;
    now_at CONSTANT timestamptz := clock_timestamp();
BEGIN
    IF resent OR cardinality(keys) > 0 THEN
        known := array_fill(0, ARRAY[requests]);
        FOR found IN
            SELECT w.request, o.fingerprint = w.fingerprint AS same, o.tx, o.first_ordinal, o.last_ordinal
            FROM unnest(key_requests, keys, fingerprints) AS w (request, key, fingerprint)
            CROSS JOIN LATERAL (
                SELECT o.fingerprint, o.tx, o.first_ordinal, o.last_ordinal FROM {schema}.outcomes AS o WHERE o.key = w.key OFFSET 0
            ) AS o
        LOOP
            known[found.request] := CASE WHEN found.same THEN -1 ELSE -2 END;
            done_txs[found.request] := found.tx;
            done_from[found.request] := found.first_ordinal;
            done_until[found.request] := found.last_ordinal;
        END LOOP;
        IF resent THEN
            FOR r IN 1..requests LOOP
                -- All of them, in their streams: somebody may have given one an id that was used before.
                IF event_ends[r] >= event_from AND NOT EXISTS (
                    SELECT FROM unnest(event_ids[event_from:event_ends[r]], event_stream_ids[event_from:event_ends[r]]) AS n (event_id, stream_id)
                    WHERE NOT EXISTS (
                        SELECT FROM {schema}.events AS e WHERE e.event_id = n.event_id AND e.stream_id = n.stream_id OFFSET 0
                    )
                ) THEN
                    known[r] := -3;
                END IF;
                event_from := event_ends[r] + 1;
            END LOOP;
            event_from := 1;
        END IF;
    END IF;

    FOR r IN 1..requests LOOP
        verdict := 0;
        IF known IS NOT NULL THEN
            verdict := known[r];
        END IF;
        IF verdict = 0 THEN
            FOR c IN check_from..check_ends[r] LOOP
                IF check_versions[c] <> heads[check_streams[c]] AND check_versions[c] >= 0 THEN
                    verdict := c;
                    EXIT;
                END IF;
            END LOOP;
            IF verdict = 0 THEN
                FOR e IN event_from..event_ends[r] LOOP
                    s := event_streams[e];
                    heads[s] := heads[s] + 1;
                    assigned[e] := heads[s];
                    IF last_events[s] = 0 THEN
                        IF heads[s] = 1 THEN born := true; ELSE moved := true; END IF;
                    END IF;
                    last_events[s] := e;
                END LOOP;
                added := added + event_ends[r] - event_from + 1;
            ELSE
                IF NOT lost THEN
                    lost := true;
                    seen := array_fill(NULL::bigint, ARRAY[cardinality(check_streams)]);
                    news_after := array_fill(NULL::bigint, ARRAY[cardinality(streams)]);
                    news_until := news_after;
                END IF;
                FOR c IN check_from..check_ends[r] LOOP
                    s := check_streams[c];
                    seen[c] := heads[s];
                    IF check_versions[c] >= 0 AND check_versions[c] <> heads[s] THEN
                        after := CASE WHEN check_versions[c] < heads[s] THEN check_versions[c] ELSE 0 END;
                        news_after[s] := least(news_after[s], after);
                        news_until[s] := heads[s];
                    END IF;
                END LOOP;
            END IF;
        END IF;
        decided[r] := verdict;
        check_from := check_ends[r] + 1;
        event_from := event_ends[r] + 1;
    END LOOP;

    IF born OR moved THEN
        IF base IS NULL THEN
            RAISE EXCEPTION 'eventcore: this append does not keep the inline projections that the store demands'
                USING ERRCODE = 'EC003', DETAIL = coalesce((SELECT m.inline FROM {schema}.store AS m), '');
        END IF;
        IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
            -- Somebody wrote before in this transaction: perhaps an append.
            SELECT coalesce(max(e.ordinal), 0) INTO before_first FROM {schema}.events AS e
            WHERE e.tx = base + pg_current_xact_id()::text::bigint;
        END IF;
        this_tx := base + pg_current_xact_id()::text::bigint;

        INSERT INTO {schema}.events (tx, version, recorded_at, ordinal, type_version, event_id, stream_id, type, data, metadata)
        SELECT this_tx, n.version, now_at, before_first + n.number::integer, coalesce(n.type_version, 1), n.event_id, n.stream_id, n.type, n.data,
            coalesce(n.metadata, '{}')
        FROM unnest(event_stream_ids, assigned, event_ids, types, type_versions, contents, metadatas)
            WITH ORDINALITY AS n (stream_id, version, event_id, type, type_version, data, metadata, number)
        WHERE n.version > 0;
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written <> added THEN
            RAISE EXCEPTION 'eventcore: of % events only % were taken: a trigger on the table leaves some out', added, written
                USING ERRCODE = 'EC004';
        END IF;

        IF moved THEN
            UPDATE {schema}.streams AS h SET version = n.version, tx = this_tx, ordinal = before_first + n.event
            FROM unnest(streams, heads, last_events, txs) AS n (id, version, event, tx)
            WHERE n.event > 0 AND n.tx IS NOT NULL AND h.stream_id = n.id;
        END IF;
        IF born THEN
            INSERT INTO {schema}.streams (stream_id, version, tx, ordinal)
            SELECT n.id, n.version, this_tx, before_first + n.event
            FROM unnest(streams, heads, last_events, txs) AS n (id, version, event, tx)
            WHERE n.event > 0 AND n.tx IS NULL;
        END IF;
        IF cardinality(keys) > 0 THEN
            INSERT INTO {schema}.outcomes (key, fingerprint, tx, first_ordinal, last_ordinal, committed_at)
            SELECT w.key, w.fingerprint, this_tx, before_first + coalesce(event_ends[w.request - 1], 0) + 1, before_first + event_ends[w.request], now_at
            FROM unnest(key_requests, keys, fingerprints) AS w (request, key, fingerprint)
            WHERE decided[w.request] = 0 AND event_ends[w.request] > coalesce(event_ends[w.request - 1], 0);
        END IF;
    END IF;

    verdicts := decided;
    versions := assigned;
    first_ordinal := before_first;
    tx := this_tx;
    recorded_at := now_at;
    IF lost THEN
        check_heads := seen;
        head_txs := txs;
        head_ordinals := ordinals;
    END IF;
    RETURN NEXT;

    IF lost THEN
        RETURN QUERY
        SELECT NULL::integer[], NULL::bigint[], NULL::bigint[], NULL::bigint[], NULL::integer[], NULL::integer, NULL::integer,
            e.tx, e.ordinal, e.recorded_at, e.stream_id, e.version, e.event_id, e.type, e.type_version, e.data, e.metadata
        FROM unnest(streams, news_after, news_until) WITH ORDINALITY AS n (id, after, until, number)
        CROSS JOIN LATERAL (
            SELECT * FROM {schema}.events AS e
            WHERE e.stream_id = n.id AND e.version > n.after AND e.version <= n.until
            ORDER BY e.version LIMIT news_limit
        ) AS e
        ORDER BY n.number, e.version;
    END IF;

    IF known IS NOT NULL THEN
        event_from := 1;
        FOR r IN 1..requests LOOP
            IF decided[r] = -3 THEN
                RETURN QUERY
                SELECT NULL::integer[], NULL::bigint[], NULL::bigint[], NULL::bigint[], NULL::integer[], NULL::integer, r,
                    e.tx, e.ordinal, e.recorded_at, e.stream_id, e.version, e.event_id, e.type, e.type_version, e.data, e.metadata
                FROM {schema}.events AS e WHERE e.event_id = ANY (event_ids[event_from:event_ends[r]])
                ORDER BY e.tx, e.ordinal;
            ELSIF decided[r] = -1 THEN
                RETURN QUERY
                SELECT NULL::integer[], NULL::bigint[], NULL::bigint[], NULL::bigint[], NULL::integer[], NULL::integer, r,
                    e.tx, e.ordinal, e.recorded_at, e.stream_id, e.version, e.event_id, e.type, e.type_version, e.data, e.metadata
                FROM {schema}.events AS e WHERE e.tx = done_txs[r] AND e.ordinal BETWEEN done_from[r] AND done_until[r]
                ORDER BY e.ordinal;
            END IF;
            event_from := event_ends[r] + 1;
        END LOOP;
    END IF;
END;
$$;

-- Append one batch. Where each of its streams is at the version that the batch `expects`, all of it is committed by one statement, and the reply is one
-- text: the transaction (0 where nothing was to be written), how many events it had before, and when (hexadecimal, as the server sends it). In all other
-- cases, and where `expects` is null, `decide` says what becomes of each request, and each row of its reply comes as a JSON array: a reply of many
-- columns takes the server longer to get ready for than to give.
--
-- `expects`: for each of `streams` the version that the first request wants which knows it, given only where the requests build on each other, no version
-- is open and no key is to be looked up. `additions` are the events that each stream gets, and `last_events` the number of the last of them;
-- `event_versions` are the versions that the events have then. `type_versions` and `metadatas` are null where all are 1, or empty. For `layout` see `decide`.
CREATE FUNCTION {schema}.append(
    streams text[], expects bigint[], additions integer[], last_events integer[],
    event_stream_ids text[], event_versions bigint[], event_ids uuid[], types text[], type_versions integer[], contents jsonb[], metadatas jsonb[],
    layout text, key_requests integer[], keys text[], fingerprints bytea[],
    resent boolean, lock_timeout text, news_limit integer
) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    now_at CONSTANT timestamptz := clock_timestamp();
    -- What nearly every command is that comes alone; it would notice ten microseconds.
    few CONSTANT boolean := cardinality(streams) <= 2 AND keys IS NULL;
    locks bigint[];
    turned boolean;
    s integer;
    before_first integer := 0;
    fits boolean;
    heads bigint[];
    txs bigint[];
    ordinals integer[];
    base bigint;
    this_tx bigint := 0;
    written integer;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'eventcore: an append needs the isolation level "read committed", this transaction has "%"',
            current_setting('transaction_isolation') USING ERRCODE = 'EC001';
    END IF;

    IF event_ids IS NOT NULL THEN
        IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
            IF NOT EXISTS (
                SELECT FROM pg_locks AS g
                WHERE g.locktype = 'advisory' AND g.pid = pg_backend_pid() AND g.granted AND g.objsubid = 1
                    AND g.classid::bigint << 32 | g.objid::bigint = {seed}
            ) THEN
                RAISE EXCEPTION 'eventcore: an append must be the first to write in its transaction' USING ERRCODE = 'EC002';
            END IF;
        END IF;
        -- All locks first, in one order, each in its final mode (of two with one key the exclusive one comes first). Advisory ones: they guard streams
        -- that do not exist yet, and give the transaction no number, which it must not have before the last of them. That of all appends comes before
        -- those of streams: by it an append is known that waits for one.
        lock_timeout := set_config('lock_timeout', lock_timeout, true);
        IF few THEN
            -- The same by expressions alone, which are done sooner than a statement. (No void is null.)
            locks := ARRAY[hashtextextended(streams[1], {seed} + 1), hashtextextended(streams[2], {seed} + 1)];
            turned := coalesce(locks[2] < locks[1] OR locks[2] = locks[1] AND additions[2] > 0, false);
            IF pg_advisory_xact_lock_shared({seed}) IS NULL THEN END IF;
            FOR turn IN 1..cardinality(streams) LOOP
                s := CASE WHEN turned THEN 3 - turn ELSE turn END;
                IF (CASE WHEN additions[s] > 0 THEN pg_advisory_xact_lock(locks[s]) ELSE pg_advisory_xact_lock_shared(locks[s]) END) IS NULL THEN END IF;
            END LOOP;
        ELSE
            PERFORM CASE WHEN l.exclusive THEN pg_advisory_xact_lock(l.key) ELSE pg_advisory_xact_lock_shared(l.key) END
            FROM (
                SELECT 1 AS turn, {seed}::bigint AS key, false AS exclusive
                UNION ALL
                SELECT 2, hashtextextended(w.id, {seed} + 1), w.additions > 0 FROM unnest(streams, additions) AS w (id, additions)
                UNION ALL
                SELECT 2, hashtextextended(w.key, {seed} + 2), true FROM unnest(keys) AS w (key)
                ORDER BY turn, key, exclusive DESC
            ) AS l;
        END IF;
    END IF;

    -- From here on a statement sees what was committed before the locks were given.
    IF few AND NOT resent THEN
        -- Sooner than the lists below, which nobody needs if it fits.
        SELECT coalesce((SELECT h.version FROM {schema}.streams AS h WHERE h.stream_id = streams[1]), 0) = expects[1] AND (
                cardinality(streams) = 1 OR coalesce((SELECT h.version FROM {schema}.streams AS h WHERE h.stream_id = streams[2]), 0) = expects[2]
            ),
            (
                SELECT m.epoch::bigint << 48 FROM {schema}.store AS m
                WHERE m.inline IS NOT DISTINCT FROM nullif(current_setting('eventcore.inline', true), '')
            )
        INTO fits, base;
    END IF;
    IF fits IS NOT TRUE OR base IS NULL THEN
        SELECT array_agg(coalesce(h.version, 0) ORDER BY w.number), array_agg(h.tx ORDER BY w.number), array_agg(h.ordinal ORDER BY w.number),
            (
                SELECT m.epoch::bigint << 48 FROM {schema}.store AS m
                WHERE m.inline IS NOT DISTINCT FROM nullif(current_setting('eventcore.inline', true), '')
            )
        INTO heads, txs, ordinals, base
        FROM unnest(streams) WITH ORDINALITY AS w (id, number)
        LEFT JOIN LATERAL (
            SELECT h.version, h.tx, h.ordinal FROM {schema}.streams AS h WHERE h.stream_id = w.id OFFSET 0
        ) AS h ON true;
        fits := heads = expects AND NOT resent;
    END IF;
    IF fits IS NOT TRUE OR base IS NULL THEN
        RETURN QUERY
        SELECT json_build_array(
            d.verdicts, d.versions, d.check_heads, d.head_txs, d.head_ordinals, d.first_ordinal, d.request, d.tx, d.ordinal,
            encode(timestamptz_send(d.recorded_at), 'hex'), d.stream_id, d.version, d.event_id, d.type, d.type_version, d.data::text, d.metadata::text
        )::text
        FROM {schema}.decide(
            streams, heads, txs, ordinals, base, event_stream_ids, event_ids, types, type_versions, contents, metadatas,
            layout::bigint[], key_requests, keys, fingerprints, resent, news_limit
        ) AS d;
        RETURN;
    END IF;

    IF event_ids IS NOT NULL THEN
        IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
            -- Somebody wrote before in this transaction: perhaps an append.
            SELECT coalesce(max(e.ordinal), 0) INTO before_first FROM {schema}.events AS e
            WHERE e.tx = base + pg_current_xact_id()::text::bigint;
        END IF;
        this_tx := base + pg_current_xact_id()::text::bigint;
        IF 0 = ANY (expects) THEN
            INSERT INTO {schema}.streams (stream_id, version, tx, ordinal)
            SELECT n.id, n.additions, this_tx, before_first + n.event
            FROM unnest(streams, expects, additions, last_events) AS n (id, version, additions, event)
            WHERE n.additions > 0 AND n.version = 0;
        END IF;
        IF few AND cardinality(event_ids) <= 2 THEN
            -- The same as below; lists of two are read sooner where they are than as a table.
            WITH moved AS (
                UPDATE {schema}.streams AS h SET version = expects[n.s] + additions[n.s], tx = this_tx, ordinal = before_first + last_events[n.s]
                FROM (VALUES (1), (2)) AS n (s)
                WHERE additions[n.s] > 0 AND expects[n.s] > 0 AND h.stream_id = streams[n.s]
            )
            INSERT INTO {schema}.events (tx, version, recorded_at, ordinal, type_version, event_id, stream_id, type, data, metadata)
            SELECT this_tx, event_versions[n.e], now_at, before_first + n.e, coalesce(type_versions[n.e], 1), event_ids[n.e], event_stream_ids[n.e],
                types[n.e], contents[n.e], coalesce(metadatas[n.e], '{}')
            FROM (VALUES (1), (2)) AS n (e)
            WHERE n.e <= cardinality(event_ids);
        ELSE
            WITH moved AS (
                UPDATE {schema}.streams AS h SET version = n.version + n.additions, tx = this_tx, ordinal = before_first + n.event
                FROM unnest(streams, expects, additions, last_events) AS n (id, version, additions, event)
                WHERE n.additions > 0 AND n.version > 0 AND h.stream_id = n.id
            )
            INSERT INTO {schema}.events (tx, version, recorded_at, ordinal, type_version, event_id, stream_id, type, data, metadata)
            SELECT this_tx, n.version, now_at, before_first + n.number::integer, coalesce(n.type_version, 1), n.event_id, n.stream_id, n.type, n.data,
                coalesce(n.metadata, '{}')
            FROM unnest(event_stream_ids, event_versions, event_ids, types, type_versions, contents, metadatas)
                WITH ORDINALITY AS n (stream_id, version, event_id, type, type_version, data, metadata, number);
        END IF;
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written <> cardinality(event_ids) THEN
            -- Somebody may have put a trigger there that returns NULL.
            RAISE EXCEPTION 'eventcore: of % events only % were taken: a trigger on the table leaves some out', cardinality(event_ids), written
                USING ERRCODE = 'EC004';
        END IF;
    END IF;
    RETURN NEXT this_tx || ' ' || before_first || ' ' || encode(timestamptz_send(now_at), 'hex');
END;
$$;

-- Read pieces of streams, and the outcomes under keys, in one snapshot. A row has the number of its stream in `streams`, the newest event of
-- that stream, and one event (or none). A row of a stream with something `kept` has the data of a snapshot, and its version: the events begin after it.
-- A row of a key has its number in `keys`, negative, the fingerprint as what is `kept`, and one event.
-- A type set is an array of text, null where all types are wanted. At most `at_most` versions of each stream are looked at.
--
-- `bare`: each stream comes as one row, as far as a fold needs it. `version` is where its events begin after; what is `kept` is a snapshot of that version.
-- `type` are the types of its events, joined by the unit separator (chr 31), each with chr 30 and its version behind unless that is 1. `contents` are their
-- data, joined likewise: neither types nor JSON text hold that separator. `versions` is null where none is left out.
CREATE FUNCTION {schema}.read(streams text[], afters bigint[], type_sets jsonb[], kinds text[], keys text[], at_most integer, bare boolean)
RETURNS TABLE (
    number integer, head_version bigint, head_tx bigint, head_ordinal integer, kept bytea,
    tx bigint, ordinal integer, recorded_at timestamptz, stream_id text, version bigint, event_id uuid, type text, type_version integer,
    data jsonb, metadata jsonb, versions bigint[], contents text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
    IF bare THEN
        RETURN QUERY
        SELECT w.number::integer, h.version, h.tx, h.ordinal, h.kept,
            NULL::bigint, NULL::integer, NULL::timestamptz, NULL, h.after, NULL::uuid, e.types, NULL::integer, NULL::jsonb, NULL::jsonb,
            e.versions, e.contents
        FROM unnest(streams, afters, type_sets, kinds) WITH ORDINALITY AS w (id, after, types, kind, number)
        CROSS JOIN LATERAL (
            SELECT h.version, h.tx, h.ordinal, s.data AS kept,
                coalesce(s.version, CASE WHEN h.version < w.after THEN 0 ELSE w.after END) AS after
            FROM {schema}.streams AS h
            LEFT JOIN {schema}.snapshots AS s
                ON s.stream_id = w.id AND s.kind = w.kind AND s.version > w.after AND s.version <= h.version
            WHERE h.stream_id = w.id OFFSET 0
        ) AS h
        LEFT JOIN LATERAL (
            SELECT string_agg(
                    CASE WHEN e.type_version = 1 AND strpos(e.type, chr(30)) = 0 THEN e.type ELSE e.type || chr(30) || e.type_version END, chr(31)
                ) AS types,
                string_agg(e.data::text, chr(31)) AS contents,
                array_agg(e.version) FILTER (WHERE w.types IS NOT NULL) AS versions
            FROM (
                SELECT e.type, e.type_version, e.data, e.version FROM {schema}.events AS e
                -- (Nothing is looked for where the first of these says that nothing is new.)
                WHERE h.version > h.after AND e.stream_id = w.id AND e.version > h.after AND e.version <= h.after + at_most
                    AND (w.types IS NULL OR w.types ? e.type)
                ORDER BY e.version
                OFFSET 0
            ) AS e
        ) AS e ON true;
    END IF;
    IF NOT bare AND kinds IS NOT NULL THEN
        RETURN QUERY
        SELECT w.number::integer, h.version, h.tx, h.ordinal, s.data,
            NULL::bigint, NULL::integer, NULL::timestamptz, w.id, s.version, NULL::uuid, NULL, NULL::integer, NULL::jsonb, NULL::jsonb,
            NULL::bigint[], NULL
        FROM unnest(streams, afters, kinds) WITH ORDINALITY AS w (id, after, kind, number)
        JOIN {schema}.streams AS h ON h.stream_id = w.id
        JOIN {schema}.snapshots AS s ON s.stream_id = w.id AND s.kind = w.kind AND s.version > w.after AND s.version <= h.version;
    END IF;
    IF NOT bare THEN
        RETURN QUERY
        SELECT w.number::integer, h.version, h.tx, h.ordinal, NULL::bytea,
            e.tx, e.ordinal, e.recorded_at, e.stream_id, e.version, e.event_id, e.type, e.type_version, e.data, e.metadata, NULL::bigint[], NULL
        FROM unnest(streams, afters, type_sets, kinds) WITH ORDINALITY AS w (id, after, types, kind, number)
        CROSS JOIN LATERAL (
            SELECT h.version, h.tx, h.ordinal, coalesce(
                (
                    SELECT s.version FROM {schema}.snapshots AS s
                    WHERE s.stream_id = w.id AND s.kind = w.kind AND s.version > w.after AND s.version <= h.version
                ),
                CASE WHEN h.version < w.after THEN 0 ELSE w.after END
            ) AS after
            FROM {schema}.streams AS h WHERE h.stream_id = w.id OFFSET 0
        ) AS h
        LEFT JOIN LATERAL (
            SELECT * FROM {schema}.events AS e
            WHERE e.stream_id = w.id AND e.version > h.after AND e.version <= h.after + at_most AND (w.types IS NULL OR w.types ? e.type)
            ORDER BY e.version
            OFFSET 0
        ) AS e ON true
        ORDER BY w.number, e.version;
    END IF;
    IF cardinality(keys) > 0 THEN
        RETURN QUERY
        SELECT -w.number::integer, NULL::bigint, NULL::bigint, NULL::integer, o.fingerprint,
            e.tx, e.ordinal, e.recorded_at, e.stream_id, e.version, e.event_id, e.type, e.type_version, e.data, e.metadata, NULL::bigint[], NULL
        FROM unnest(keys) WITH ORDINALITY AS w (key, number)
        JOIN {schema}.outcomes AS o ON o.key = w.key
        JOIN {schema}.events AS e ON e.tx = o.tx AND e.ordinal BETWEEN o.first_ordinal AND o.last_ordinal
        ORDER BY w.number, e.tx, e.ordinal;
    END IF;
END;
$$;

-- A page of the global order. Unless it is full, one row without an event follows: (tx, ordinal) is where the page ends (NULL where there is nothing),
-- `version` is 1 where asking again at once brings more, `type_version` is 1 where the horizon moved while this was read.
-- `likes` are LIKE patterns over stream ids; with them at most `looked_at` events are looked at.
CREATE FUNCTION {schema}.read_log(after_tx bigint, after_ordinal integer, page_size integer, types text[], likes text[], looked_at integer)
RETURNS TABLE (
    tx bigint, ordinal integer, recorded_at timestamptz, stream_id text, version bigint, event_id uuid, type text, type_version integer,
    data jsonb, metadata jsonb
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_sort = off SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    limits CONSTANT record := {schema}.horizon();
    from_tx bigint := after_tx;
    from_ordinal integer := after_ordinal;
    until_tx bigint := limits.tx;
    until_ordinal integer := 0;
    windowed boolean;
    wanted integer := page_size;
    size integer := 0;
    through boolean := false;
BEGIN
    IF likes IS NOT NULL THEN
        -- A window, so that a filter that lets little through does not look through all of history at once.
        IF types IS NULL THEN
            SELECT e.tx, e.ordinal, true INTO until_tx, until_ordinal, windowed
            FROM {schema}.events AS e
            WHERE (e.tx, e.ordinal) > (after_tx, after_ordinal) AND e.tx < limits.tx
            ORDER BY e.tx, e.ordinal OFFSET looked_at LIMIT 1;
        ELSE
            SELECT e.tx, e.ordinal, true INTO until_tx, until_ordinal, windowed
            FROM unnest(types) AS w (type)
            CROSS JOIN LATERAL (
                SELECT e.tx, e.ordinal FROM {schema}.events AS e
                WHERE (e.type, e.tx, e.ordinal) > (w.type, after_tx, after_ordinal) AND (e.type, e.tx) < (w.type, limits.tx)
                ORDER BY e.type, e.tx, e.ordinal LIMIT looked_at + 1
            ) AS e
            ORDER BY e.tx, e.ordinal OFFSET looked_at LIMIT 1;
        END IF;
        IF windowed IS NULL THEN
            until_tx := limits.tx;
            until_ordinal := 0;
        END IF;
    END IF;

    IF types IS NULL THEN
        RETURN QUERY
        SELECT e.tx, e.ordinal, e.recorded_at, e.stream_id, e.version, e.event_id, e.type, e.type_version, e.data, e.metadata
        FROM {schema}.events AS e
        WHERE (e.tx, e.ordinal) > (after_tx, after_ordinal) AND (e.tx, e.ordinal) < (until_tx, until_ordinal)
            AND (likes IS NULL OR e.stream_id LIKE ANY (likes))
        ORDER BY e.tx, e.ordinal
        LIMIT page_size;
        GET DIAGNOSTICS size = ROW_COUNT;
    ELSE
        IF likes IS NULL THEN
            -- Who takes much of what is recorded finds a page in the next few events: in their order, without merging the types.
            RETURN QUERY
            SELECT e.tx, e.ordinal, e.recorded_at, e.stream_id, e.version, e.event_id, e.type, e.type_version, e.data, e.metadata
            FROM (
                SELECT * FROM {schema}.events AS e
                WHERE (e.tx, e.ordinal) > (after_tx, after_ordinal) AND (e.tx, e.ordinal) < (until_tx, until_ordinal)
                ORDER BY e.tx, e.ordinal
                LIMIT 2 * page_size
            ) AS e
            WHERE e.type = ANY (types)
            ORDER BY e.tx, e.ordinal
            LIMIT page_size;
            GET DIAGNOSTICS size = ROW_COUNT;
            wanted := page_size - size;
            IF wanted > 0 THEN
                SELECT e.tx, e.ordinal INTO from_tx, from_ordinal
                FROM {schema}.events AS e
                WHERE (e.tx, e.ordinal) > (after_tx, after_ordinal) AND (e.tx, e.ordinal) < (until_tx, until_ordinal)
                ORDER BY e.tx, e.ordinal OFFSET 2 * page_size - 1 LIMIT 1;
                through := from_tx IS NULL;
            END IF;
        END IF;
        IF wanted > 0 AND NOT through THEN
            -- Rows of (type, tx, ordinal), not `type = ... ORDER BY tx, ordinal`: the planner, who knows no type beforehand, would go through all of
            -- history in its order and look for a rare type.
            RETURN QUERY
            SELECT e.tx, e.ordinal, e.recorded_at, e.stream_id, e.version, e.event_id, e.type, e.type_version, e.data, e.metadata
            FROM unnest(types) AS w (type)
            CROSS JOIN LATERAL (
                SELECT * FROM {schema}.events AS e
                WHERE (e.type, e.tx, e.ordinal) > (w.type, from_tx, from_ordinal) AND (e.type, e.tx, e.ordinal) < (w.type, until_tx, until_ordinal)
                    AND (likes IS NULL OR e.stream_id LIKE ANY (likes))
                ORDER BY e.type, e.tx, e.ordinal
                LIMIT wanted
            ) AS e
            ORDER BY e.tx, e.ordinal
            LIMIT wanted;
            GET DIAGNOSTICS wanted = ROW_COUNT;
            size := size + wanted;
        END IF;
    END IF;
    IF size = page_size THEN
        RETURN;
    END IF;

    SELECT e.tx, e.ordinal INTO tx, ordinal
    FROM {schema}.events AS e
    WHERE (e.tx, e.ordinal) > (after_tx, after_ordinal) AND (e.tx, e.ordinal) < (until_tx, until_ordinal)
    ORDER BY e.tx DESC, e.ordinal DESC
    LIMIT 1;
    version := (windowed IS NOT NULL)::integer;
    type_version := limits.moved::integer;
    RETURN NEXT;
END;
$$;

-- Whether a reader at this place has news, and whether there will be news as soon as older appends have ended.
CREATE FUNCTION {schema}.news(after_tx bigint, after_ordinal integer, OUT visible boolean, OUT held boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    until_tx CONSTANT bigint := ({schema}.horizon()).tx;
BEGIN
    visible := EXISTS (SELECT FROM {schema}.events AS e WHERE (e.tx, e.ordinal) > (after_tx, after_ordinal) AND e.tx < until_tx);
    held := NOT visible AND EXISTS (SELECT FROM {schema}.events AS e WHERE (e.tx, e.ordinal) > (after_tx, after_ordinal));
END;
$$;

-- For people: the history as it reads best.
CREATE VIEW {schema}.history AS
SELECT e.tx || '.' || e.ordinal AS position, e.stream_id, e.version, e.type, e.type_version, e.data, e.metadata, e.event_id, e.recorded_at
FROM {schema}.events AS e;

REVOKE ALL ON FUNCTION
    {schema}.append, {schema}.decide, {schema}.read, {schema}.read_log, {schema}.news, {schema}.horizon, {schema}.refuse
FROM PUBLIC;
