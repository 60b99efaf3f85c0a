-- Where alerts are sent to. The address of a webhook is a secret as its signing key is; both are
-- in a table that no list reads.
CREATE TABLE alert_channels (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('webhook', 'mail')),
    enabled boolean NOT NULL,
    -- Why NALABO itself switched it off.
    disabled_reason text,
    min_severity text NOT NULL CHECK (min_severity IN ('critical', 'warning', 'info')),
    -- NULL: every rule.
    rules text[],
    language text NOT NULL CHECK (language IN ('en', 'fr')),
    webhook_format text CHECK (webhook_format IN ('standard', 'slack', 'teams', 'mattermost')),
    -- As much of the address as may be shown.
    url_shown text,
    has_secret boolean NOT NULL DEFAULT false,
    mail_to text[],
    -- Counts the addresses and keys it has had; what is sealed is sealed for one of them.
    secret_version integer NOT NULL CHECK (secret_version > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    revision bigint NOT NULL CHECK (revision > 0),
    CONSTRAINT alert_channels_shape_check CHECK (
        CASE kind
            WHEN 'webhook' THEN num_nonnulls(webhook_format, url_shown) = 2 AND mail_to IS NULL
            ELSE num_nonnulls(webhook_format, url_shown) = 0 AND cardinality(mail_to) > 0
        END
    )
);
CREATE UNIQUE INDEX alert_channels_name_key ON alert_channels (lower(name));

CREATE TABLE alert_channel_secrets (
    alert_channel_id uuid PRIMARY KEY REFERENCES alert_channels (id) ON DELETE CASCADE,
    version integer NOT NULL CHECK (version > 0),
    alg text NOT NULL,
    kek_id text NOT NULL REFERENCES seal_keys (kek_id),
    wrapped_dek bytea NOT NULL,
    nonce bytea NOT NULL,
    ciphertext bytea NOT NULL
);
CREATE INDEX alert_channel_secrets_kek_id_idx ON alert_channel_secrets (kek_id);

-- One notice on its way to one recipient: kept from the transaction that caused it until it was
-- taken, refused for good, or given up; then for the log.
CREATE TABLE deliveries (
    id uuid PRIMARY KEY,
    alert_channel_id uuid NOT NULL REFERENCES alert_channels (id) ON DELETE CASCADE,
    notice_id uuid NOT NULL,
    -- An e-mail address; empty for a webhook.
    recipient text NOT NULL,
    notice jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('queued', 'delivered', 'failed')),
    attempts integer NOT NULL CHECK (attempts >= 0),
    created_at timestamptz NOT NULL,
    next_attempt_at timestamptz,
    -- Somebody is sending it; when this passes, somebody else may.
    leased_until timestamptz,
    last_attempt_at timestamptz,
    ended_at timestamptz,
    duration_ms integer,
    response_status integer,
    error_code text,
    error text,
    CONSTRAINT deliveries_notice_key UNIQUE (alert_channel_id, notice_id, recipient),
    CONSTRAINT deliveries_end_check CHECK (
        CASE state
            WHEN 'queued' THEN next_attempt_at IS NOT NULL AND ended_at IS NULL
            ELSE next_attempt_at IS NULL AND ended_at IS NOT NULL
        END
    )
);
CREATE INDEX deliveries_queued_idx ON deliveries (next_attempt_at) WHERE state = 'queued';
CREATE INDEX deliveries_alert_channel_id_idx ON deliveries (alert_channel_id, id);
CREATE INDEX deliveries_ended_at_idx ON deliveries (ended_at) WHERE state <> 'queued';
