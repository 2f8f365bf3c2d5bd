-- name: demand_nothing
DELETE FROM inline_projections;

-- name: demand
INSERT INTO inline_projections (one, kept) VALUES (1, $1);
