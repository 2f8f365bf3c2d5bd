-- name: append
SELECT * FROM {schema}.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19);

-- name: read
SELECT * FROM {schema}.read($1, $2, $3, $4, $5, $6);

-- name: read_log
SELECT * FROM {schema}.read_log($1, $2, $3, $4, $5, $6);

-- name: news
SELECT visible, held FROM {schema}.news($1, $2);
