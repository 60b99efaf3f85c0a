-- The history of one infrastructure, newest first.
SELECT id, state, reason, detail, since, until
FROM status_changes
WHERE infrastructure_id = $1 AND ($2::bigint IS NULL OR id < $2)
ORDER BY id DESC
LIMIT $3
