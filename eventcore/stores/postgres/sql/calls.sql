-- Lists come as text, which the driver encodes in one piece and not element by element: numbers as array literals, texts joined by the unit
-- separator (chr 31), which no stream id and no JSON text can hold. A list that held it would be longer than its neighbours, and be refused.

-- name: append
SELECT * FROM {schema}.append(
    string_to_array($1::text, chr(31)), $2::text::bigint[], $3::text::integer[], $4::text::integer[],
    string_to_array($5::text, chr(31)), $6::text::bigint[], $7::text::uuid[], string_to_array($8::text, chr(31)), $9::text::integer[],
    string_to_array($10::text, chr(31))::jsonb[], string_to_array($11::text, chr(31))::jsonb[],
    $12::text::bigint[], $13::text::integer[], $14::text[], $15::bytea[], $16, $17, $18
);

-- name: read
SELECT * FROM {schema}.read(string_to_array($1::text, chr(31)), $2::text::bigint[], $3, $4, $5, $6, $7);

-- name: read_log
SELECT * FROM {schema}.read_log($1, $2, $3, $4, $5, $6);

-- name: news
SELECT visible, held FROM {schema}.news($1, $2);
