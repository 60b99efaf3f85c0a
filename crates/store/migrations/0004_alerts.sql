-- What was wrong, for how long, and who was told. Pending ones are shown to nobody; they are kept
-- so that "over its threshold for five minutes" outlasts a restart.
CREATE TABLE alerts (
    id uuid PRIMARY KEY,
    rule text NOT NULL CHECK (rule ~ '^[a-z][a-z_]*$'),
    severity text NOT NULL CHECK (severity IN ('critical', 'warning', 'info')),
    subject_kind text NOT NULL CHECK (subject_kind IN ('infrastructure', 'fleet')),
    -- No reference: the history of what is gone stays, under its name.
    subject_id uuid,
    subject_name text NOT NULL,
    group_id uuid NOT NULL,
    cause text NOT NULL,
    detail text NOT NULL,
    facts jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'open', 'acknowledged', 'resolved')),
    since timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    clearing_since timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    acknowledge_note text,
    acknowledged_until timestamptz,
    resolved_at timestamptz,
    muted_until timestamptz,
    in_maintenance boolean NOT NULL,
    held_by text CHECK (held_by IN ('network_suspect', 'flapping')),
    notified_at timestamptz,
    reminders_sent integer NOT NULL CHECK (reminders_sent >= 0),
    next_notice_at timestamptz,
    resolve_notice_due boolean NOT NULL,
    CONSTRAINT alerts_subject_check CHECK ((subject_kind = 'fleet') = (subject_id IS NULL)),
    CONSTRAINT alerts_end_check CHECK ((state = 'resolved') = (resolved_at IS NOT NULL)),
    CONSTRAINT alerts_acknowledged_check
        CHECK (state <> 'acknowledged' OR acknowledged_at IS NOT NULL)
);
-- One live alert a rule and subject, whoever decides.
CREATE UNIQUE INDEX alerts_live_key ON alerts (rule, subject_id) NULLS NOT DISTINCT
    WHERE state <> 'resolved';
CREATE INDEX alerts_resolve_notice_due_idx ON alerts (id) WHERE resolve_notice_due;
CREATE INDEX alerts_subject_id_idx ON alerts (subject_id, id);
CREATE INDEX alerts_group_id_idx ON alerts (group_id);
CREATE INDEX alerts_resolved_at_idx ON alerts (resolved_at) WHERE state = 'resolved';

CREATE TABLE alert_rules (
    kind text PRIMARY KEY CHECK (kind ~ '^[a-z][a-z_]*$'),
    enabled boolean NOT NULL,
    severity text NOT NULL CHECK (severity IN ('critical', 'warning', 'info')),
    threshold_percent double precision,
    clear_percent double precision,
    for_seconds integer CHECK (for_seconds >= 0),
    days smallint[],
    changes_per_hour smallint,
    overrides jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(overrides) = 'array'),
    updated_at timestamptz NOT NULL DEFAULT now(),
    revision bigint NOT NULL DEFAULT 1 CHECK (revision > 0)
);
INSERT INTO alert_rules
    (kind, enabled, severity, threshold_percent, clear_percent, for_seconds, days, changes_per_hour)
VALUES
    ('disconnected', true, 'critical', NULL, NULL, NULL, NULL, NULL),
    ('degraded', true, 'warning', NULL, NULL, 60, NULL, NULL),
    ('check_late', true, 'warning', NULL, NULL, 60, NULL, NULL),
    ('flapping', true, 'warning', NULL, NULL, NULL, NULL, 6),
    ('network_suspect', true, 'critical', NULL, NULL, NULL, NULL, NULL),
    ('cpu_high', true, 'warning', 90, 85, 300, NULL, NULL),
    ('memory_high', true, 'warning', 90, 85, 300, NULL, NULL),
    ('storage_high', true, 'warning', 85, 80, 300, NULL, NULL),
    ('pods_high', true, 'warning', 90, 85, 300, NULL, NULL),
    ('credential_expiring', true, 'warning', NULL, NULL, NULL, '{30,14,7,3,1}', NULL),
    ('credential_expired', true, 'critical', NULL, NULL, NULL, NULL, NULL),
    ('certificate_expiring', true, 'warning', NULL, NULL, NULL, '{30,14,7,3,1}', NULL),
    ('version_unsupported', true, 'info', NULL, NULL, NULL, '{30}', NULL),
    ('version_skew', true, 'info', NULL, NULL, NULL, NULL, NULL),
    ('forecast_full', true, 'warning', NULL, NULL, NULL, '{14,7,3,1}', NULL);

CREATE TABLE maintenance_windows (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    reason text NOT NULL,
    scope jsonb NOT NULL,
    schedule jsonb NOT NULL,
    created_by text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- How often states changed lately, over the whole fleet.
CREATE INDEX status_changes_since_idx ON status_changes (since);
