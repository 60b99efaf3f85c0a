-- What is not over, and what is over and still to be told of.
SELECT
    id, rule, severity, subject_kind, subject_id, subject_name, group_id, cause, detail,
    facts AS "facts: Json<AlertFacts>",
    state, since, opened_at, clearing_since, acknowledged_at, acknowledged_by, acknowledge_note,
    acknowledged_until, resolved_at, muted_until, in_maintenance, held_by, notified_at,
    reminders_sent, next_notice_at, resolve_notice_due
FROM alerts
WHERE state <> 'resolved' OR resolve_notice_due
ORDER BY id
FOR UPDATE
