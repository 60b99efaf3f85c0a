-- The audit, newest first.
SELECT
    id, at, actor_kind, actor_id, actor_email, action, subject_kind, subject_id, subject_name,
    before, after, address, outcome, request_id
FROM audit_entries
WHERE id < coalesce($1, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
ORDER BY id DESC
LIMIT $2
