-- Lists come as text, which the driver encodes in one piece and not element by element: numbers as array literals, texts joined by the unit
-- separator (chr 31), which no stream id and no JSON text can hold. A list that held it would be longer than its neighbours, and be refused.

-- name: append
SELECT * FROM {schema}.append(
    string_to_array($1::text, chr(31)), $2::text::boolean[], $3::text::integer[], $4::text::integer[], $5::text::bigint[], $6::text::integer[],
    $7::text::integer[], string_to_array($8::text, chr(31)), $9::text::uuid[], string_to_array($10::text, chr(31)), $11::text::integer[],
    string_to_array($12::text, chr(31))::jsonb[], string_to_array($13::text, chr(31))::jsonb[],
    $14::text::integer[], $15::text[], $16::bytea[], $17, $18, $19
);

-- name: read
SELECT * FROM {schema}.read(string_to_array($1::text, chr(31)), $2::text::bigint[], $3, $4, $5, $6);

-- name: read_log
SELECT * FROM {schema}.read_log($1, $2, $3, $4, $5, $6);

-- name: news
SELECT visible, held FROM {schema}.news($1, $2);
