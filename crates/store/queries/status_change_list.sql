-- The history of one infrastructure, newest first.
SELECT id, state, reason, detail, since, until
FROM status_changes
WHERE infrastructure_id = $1 AND id < coalesce($2, 9223372036854775807)
ORDER BY id DESC
LIMIT $3
