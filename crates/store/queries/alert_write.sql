-- Alerts as they are now. What only people change is theirs: a row that is there was locked and
-- read by whoever writes it here.
INSERT INTO alerts (
    id, rule, severity, subject_kind, subject_id, subject_name, group_id, cause, detail, facts,
    state, since, opened_at, clearing_since, acknowledged_at, acknowledged_by, acknowledge_note,
    acknowledged_until, resolved_at, muted_until, in_maintenance, held_by, notified_at,
    reminders_sent, next_notice_at, resolve_notice_due
)
SELECT
    id, rule, severity, subject_kind, subject_id, subject_name, group_id, cause, detail, facts,
    state, since, opened_at, clearing_since, acknowledged_at, acknowledged_by, acknowledge_note,
    acknowledged_until, resolved_at, muted_until, in_maintenance, held_by, notified_at,
    reminders_sent, next_notice_at, resolve_notice_due
FROM jsonb_to_recordset($1::jsonb) AS new (
    id uuid, rule text, severity text, subject_kind text, subject_id uuid, subject_name text,
    group_id uuid, cause text, detail text, facts jsonb, state text, since timestamptz,
    opened_at timestamptz, clearing_since timestamptz, acknowledged_at timestamptz,
    acknowledged_by text, acknowledge_note text, acknowledged_until timestamptz,
    resolved_at timestamptz, muted_until timestamptz, in_maintenance boolean, held_by text,
    notified_at timestamptz, reminders_sent integer, next_notice_at timestamptz,
    resolve_notice_due boolean
)
ON CONFLICT (id) DO UPDATE
SET severity = excluded.severity, subject_name = excluded.subject_name,
    group_id = excluded.group_id, cause = excluded.cause, detail = excluded.detail,
    facts = excluded.facts, state = excluded.state, since = excluded.since,
    opened_at = excluded.opened_at, clearing_since = excluded.clearing_since,
    acknowledged_at = excluded.acknowledged_at, acknowledged_by = excluded.acknowledged_by,
    acknowledge_note = excluded.acknowledge_note,
    acknowledged_until = excluded.acknowledged_until, resolved_at = excluded.resolved_at,
    muted_until = excluded.muted_until, in_maintenance = excluded.in_maintenance,
    held_by = excluded.held_by, notified_at = excluded.notified_at,
    reminders_sent = excluded.reminders_sent, next_notice_at = excluded.next_notice_at,
    resolve_notice_due = excluded.resolve_notice_due
