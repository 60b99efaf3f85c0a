-- Alerts that people may see, newest first; empty lists and NULLs match everything.
SELECT
    id, rule, severity, subject_kind, subject_id, subject_name, group_id, cause, detail,
    facts AS "facts: Json<AlertFacts>",
    state, since, opened_at, clearing_since, acknowledged_at, acknowledged_by, acknowledge_note,
    acknowledged_until, resolved_at, muted_until, in_maintenance, held_by, notified_at,
    reminders_sent, next_notice_at, resolve_notice_due
FROM alerts
WHERE state <> 'pending'
  AND id < coalesce($1, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
  AND (cardinality($2::text[]) = 0 OR state = ANY ($2))
  AND (cardinality($3::text[]) = 0 OR rule = ANY ($3))
  AND ($4::uuid IS NULL OR subject_id = $4)
  AND ($5::uuid IS NULL OR group_id = $5)
  AND ($6::uuid IS NULL OR id = $6)
ORDER BY id DESC
LIMIT $7
