-- Lists come as text, which the driver encodes in one piece and not element by element: numbers as array literals, texts joined by the unit
-- separator (chr 31), which no stream id and no JSON text can hold: the client sends none that does.
-- JSON comes and goes as text as well: what a codec of the user's pool makes of jsonb is nothing to us. The doctor knows each statement by its first words.

-- name: append
SELECT append AS reply FROM {schema}.append(
    string_to_array($1::text, chr(31)), $2::text::bigint[], $3::text::integer[], $4::text::integer[],
    string_to_array($5::text, chr(31)), $6::text::bigint[], $7::text::uuid[], string_to_array($8::text, chr(31)), $9::text::integer[],
    string_to_array($10::text, chr(31))::jsonb[], string_to_array($11::text, chr(31))::jsonb[],
    $12, $13::text::integer[], $14::text[], $15::bytea[], $16, $17, $18
);

-- name: read
SELECT number, head_version, head_tx, head_ordinal, kept,
    tx, ordinal, recorded_at, stream_id, version, event_id, type, type_version, data::text, metadata::text, versions, contents
FROM {schema}.read(string_to_array($1::text, chr(31)), $2::text::bigint[], $3::text[]::jsonb[], $4, $5, $6, $7);

-- name: read_log
WITH page AS (SELECT * FROM {schema}.read_log($1, $2, $3, $4, $5, $6))
-- A page in one row, which the server makes and the driver takes apart sooner than many.
-- `places` has 44 bytes for each event; `ended` is the row without an event, which no other column tells of: each leaves NULL out.
SELECT
    string_agg(CASE WHEN p.type_version = 1 AND strpos(p.type, chr(30)) = 0 THEN p.type ELSE p.type || chr(30) || p.type_version END, chr(31)) AS types,
    string_agg(p.data::text, chr(31)) AS contents,
    string_agg(p.stream_id, chr(31)) AS stream_ids,
    string_agg(p.metadata::text, chr(31)) AS metadata,
    string_agg(
        int8send(p.tx) || int4send(p.ordinal) || int8send(p.version) || uuid_send(p.event_id) || timestamptz_send(p.recorded_at), ''::bytea
    ) AS places,
    string_agg(concat_ws(' ', p.version, p.type_version, p.tx, p.ordinal), '') FILTER (WHERE p.event_id IS NULL) AS ended
FROM page AS p;

-- name: read_log_in_rows
SELECT tx, ordinal, recorded_at, stream_id, version, event_id, type, type_version, data::text, metadata::text
FROM {schema}.read_log($1, $2, $3, $4, $5, $6);

-- name: news
SELECT visible, held FROM {schema}.news($1, $2);
