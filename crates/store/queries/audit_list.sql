-- The audit, newest first.
SELECT
    id, at, actor_kind, actor_id, actor_email, action, subject_kind, subject_id, subject_name,
    before, after, address, outcome, request_id
FROM audit_entries
WHERE $1::uuid IS NULL OR id < $1
ORDER BY id DESC
LIMIT $2
