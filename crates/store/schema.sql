-- Every table as it is now. Written by `make gen`; do not edit.

CREATE FUNCTION audit_entries_keep() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'audit entries are neither changed nor deleted'
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TABLE access_tokens (
    id uuid NOT NULL,
    environment_id uuid NOT NULL,
    hash bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone
);

CREATE TABLE alert_channel_secrets (
    alert_channel_id uuid NOT NULL,
    version integer NOT NULL,
    alg text NOT NULL,
    kek_id text NOT NULL,
    wrapped_dek bytea NOT NULL,
    nonce bytea NOT NULL,
    ciphertext bytea NOT NULL,
    CONSTRAINT alert_channel_secrets_version_check CHECK ((version > 0))
);

CREATE TABLE alert_channels (
    id uuid NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    enabled boolean NOT NULL,
    disabled_reason text,
    min_severity text NOT NULL,
    rules text[],
    language text NOT NULL,
    webhook_format text,
    url_shown text,
    has_secret boolean DEFAULT false NOT NULL,
    mail_to text[],
    secret_version integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    revision bigint NOT NULL,
    CONSTRAINT alert_channels_kind_check CHECK ((kind = ANY (ARRAY['webhook'::text, 'mail'::text]))),
    CONSTRAINT alert_channels_language_check CHECK ((language = ANY (ARRAY['en'::text, 'fr'::text]))),
    CONSTRAINT alert_channels_min_severity_check CHECK ((min_severity = ANY (ARRAY['critical'::text, 'warning'::text, 'info'::text]))),
    CONSTRAINT alert_channels_revision_check CHECK ((revision > 0)),
    CONSTRAINT alert_channels_secret_version_check CHECK ((secret_version > 0)),
    CONSTRAINT alert_channels_shape_check CHECK (
CASE kind
    WHEN 'webhook'::text THEN ((num_nonnulls(webhook_format, url_shown) = 2) AND (mail_to IS NULL))
    ELSE ((num_nonnulls(webhook_format, url_shown) = 0) AND (cardinality(mail_to) > 0))
END),
    CONSTRAINT alert_channels_webhook_format_check CHECK ((webhook_format = ANY (ARRAY['standard'::text, 'slack'::text, 'teams'::text, 'mattermost'::text])))
);

CREATE TABLE alert_rules (
    kind text NOT NULL,
    enabled boolean NOT NULL,
    severity text NOT NULL,
    threshold_percent double precision,
    clear_percent double precision,
    for_seconds integer,
    days smallint[],
    changes_per_hour smallint,
    overrides jsonb DEFAULT '[]'::jsonb NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    revision bigint DEFAULT 1 NOT NULL,
    CONSTRAINT alert_rules_for_seconds_check CHECK ((for_seconds >= 0)),
    CONSTRAINT alert_rules_kind_check CHECK ((kind ~ '^[a-z][a-z_]*$'::text)),
    CONSTRAINT alert_rules_overrides_check CHECK ((jsonb_typeof(overrides) = 'array'::text)),
    CONSTRAINT alert_rules_revision_check CHECK ((revision > 0)),
    CONSTRAINT alert_rules_severity_check CHECK ((severity = ANY (ARRAY['critical'::text, 'warning'::text, 'info'::text])))
);

CREATE TABLE alerts (
    id uuid NOT NULL,
    rule text NOT NULL,
    severity text NOT NULL,
    subject_kind text NOT NULL,
    subject_id uuid,
    subject_name text NOT NULL,
    group_id uuid NOT NULL,
    cause text NOT NULL,
    detail text NOT NULL,
    facts jsonb NOT NULL,
    state text NOT NULL,
    since timestamp with time zone NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    clearing_since timestamp with time zone,
    acknowledged_at timestamp with time zone,
    acknowledged_by text,
    acknowledge_note text,
    acknowledged_until timestamp with time zone,
    resolved_at timestamp with time zone,
    muted_until timestamp with time zone,
    in_maintenance boolean NOT NULL,
    held_by text,
    notified_at timestamp with time zone,
    reminders_sent integer NOT NULL,
    next_notice_at timestamp with time zone,
    resolve_notice_due boolean NOT NULL,
    CONSTRAINT alerts_acknowledged_check CHECK (((state <> 'acknowledged'::text) OR (acknowledged_at IS NOT NULL))),
    CONSTRAINT alerts_end_check CHECK (((state = 'resolved'::text) = (resolved_at IS NOT NULL))),
    CONSTRAINT alerts_held_by_check CHECK ((held_by = ANY (ARRAY['network_suspect'::text, 'flapping'::text]))),
    CONSTRAINT alerts_reminders_sent_check CHECK ((reminders_sent >= 0)),
    CONSTRAINT alerts_rule_check CHECK ((rule ~ '^[a-z][a-z_]*$'::text)),
    CONSTRAINT alerts_severity_check CHECK ((severity = ANY (ARRAY['critical'::text, 'warning'::text, 'info'::text]))),
    CONSTRAINT alerts_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'open'::text, 'acknowledged'::text, 'resolved'::text]))),
    CONSTRAINT alerts_subject_check CHECK (((subject_kind = 'fleet'::text) = (subject_id IS NULL))),
    CONSTRAINT alerts_subject_kind_check CHECK ((subject_kind = ANY (ARRAY['infrastructure'::text, 'fleet'::text])))
);

CREATE TABLE audit_entries (
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    actor_kind text NOT NULL,
    actor_id uuid,
    actor_email text,
    action text NOT NULL,
    subject_kind text NOT NULL,
    subject_id text,
    subject_name text,
    before jsonb,
    after jsonb,
    address text,
    outcome text NOT NULL,
    request_id text,
    CONSTRAINT audit_entries_action_check CHECK ((action ~ '^[a-z][a-z_]*$'::text)),
    CONSTRAINT audit_entries_actor_kind_check CHECK ((actor_kind = ANY (ARRAY['user'::text, 'system'::text, 'cli'::text, 'participant'::text, 'nobody'::text]))),
    CONSTRAINT audit_entries_outcome_check CHECK ((outcome = ANY (ARRAY['done'::text, 'refused'::text])))
);

CREATE TABLE deliveries (
    id uuid NOT NULL,
    alert_channel_id uuid NOT NULL,
    notice_id uuid NOT NULL,
    recipient text NOT NULL,
    notice jsonb NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    next_attempt_at timestamp with time zone,
    leased_until timestamp with time zone,
    last_attempt_at timestamp with time zone,
    ended_at timestamp with time zone,
    duration_ms integer,
    response_status integer,
    error_code text,
    error text,
    CONSTRAINT deliveries_attempts_check CHECK ((attempts >= 0)),
    CONSTRAINT deliveries_end_check CHECK (
CASE state
    WHEN 'queued'::text THEN ((next_attempt_at IS NOT NULL) AND (ended_at IS NULL))
    ELSE ((next_attempt_at IS NULL) AND (ended_at IS NOT NULL))
END),
    CONSTRAINT deliveries_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'delivered'::text, 'failed'::text])))
);

CREATE TABLE environments (
    id uuid NOT NULL,
    session_id uuid NOT NULL,
    seat_id uuid,
    driver text NOT NULL,
    preset text NOT NULL,
    persistent boolean NOT NULL,
    internet boolean NOT NULL,
    selector jsonb NOT NULL,
    kubernetes_version text,
    state text NOT NULL,
    since timestamp with time zone NOT NULL,
    step text NOT NULL,
    step_since timestamp with time zone NOT NULL,
    reason text,
    detail text,
    has_failed boolean DEFAULT false NOT NULL,
    attempt integer NOT NULL,
    suspects uuid[] NOT NULL,
    infrastructure_id uuid,
    infrastructure_name text,
    placement jsonb,
    namespace_uid text,
    created_at timestamp with time zone NOT NULL,
    placed_at timestamp with time zone,
    started_at timestamp with time zone,
    ready_at timestamp with time zone,
    claimed_at timestamp with time zone,
    expires_at timestamp with time zone,
    ending_at timestamp with time zone,
    ended_at timestamp with time zone,
    next_at timestamp with time zone,
    leased_until timestamp with time zone,
    lease_token bigint DEFAULT 0 NOT NULL,
    CONSTRAINT environments_attempt_check CHECK ((attempt > 0)),
    CONSTRAINT environments_driver_check CHECK ((driver = ANY (ARRAY['vcluster'::text, 'namespace'::text]))),
    CONSTRAINT environments_end_check CHECK (((state = ANY (ARRAY['ended'::text, 'failed'::text])) = (ended_at IS NOT NULL))),
    CONSTRAINT environments_place_check CHECK (((state <> ALL (ARRAY['placed'::text, 'provisioning'::text])) OR (infrastructure_name IS NOT NULL))),
    CONSTRAINT environments_preset_check CHECK ((preset = ANY (ARRAY['small'::text, 'medium'::text, 'large'::text]))),
    CONSTRAINT environments_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'placed'::text, 'provisioning'::text, 'ready'::text, 'claimed'::text, 'paused'::text, 'ending'::text, 'ended'::text, 'failed'::text])))
);

CREATE TABLE event_snapshots (
    infrastructure_id uuid NOT NULL,
    events jsonb NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    CONSTRAINT event_snapshots_events_check CHECK ((jsonb_typeof(events) = 'array'::text))
);

CREATE TABLE forecasts (
    infrastructure_id uuid NOT NULL,
    resource text NOT NULL,
    full_at timestamp with time zone NOT NULL,
    days double precision NOT NULL,
    slope_per_day double precision NOT NULL,
    basis_days double precision NOT NULL,
    basis_points integer NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT forecasts_days_check CHECK ((days >= (0)::double precision)),
    CONSTRAINT forecasts_resource_check CHECK ((resource = ANY (ARRAY['cpu'::text, 'memory'::text, 'storage'::text, 'pods'::text])))
);

CREATE TABLE history_chunks (
    day timestamp with time zone NOT NULL,
    series integer NOT NULL,
    "values" bytea NOT NULL
)
PARTITION BY RANGE (day);
ALTER TABLE ONLY history_chunks ALTER COLUMN "values" SET STORAGE EXTERNAL;

CREATE TABLE history_levels (
    level smallint NOT NULL
);

CREATE SEQUENCE history_mark_tokens
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE history_marks (
    level smallint NOT NULL,
    at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    token bigint DEFAULT nextval('history_mark_tokens'::regclass) NOT NULL
)
WITH (fillfactor='60');

CREATE TABLE history_partitions (
    name text NOT NULL,
    parent text NOT NULL,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL,
    CONSTRAINT history_partitions_check CHECK ((until > since))
);

CREATE TABLE history_samples (
    at timestamp with time zone NOT NULL,
    series integer NOT NULL,
    level smallint NOT NULL,
    "values" bytea NOT NULL
)
PARTITION BY LIST (level);

CREATE TABLE history_series (
    key integer NOT NULL,
    infrastructure_id uuid
);

ALTER TABLE history_series ALTER COLUMN key ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME history_series_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE infrastructure_credentials (
    id bigint NOT NULL,
    infrastructure_id uuid NOT NULL,
    version integer NOT NULL,
    alg text NOT NULL,
    kek_id text,
    wrapped_dek bytea,
    nonce bytea,
    ciphertext bytea,
    created_at timestamp with time zone NOT NULL,
    retired_at timestamp with time zone,
    CONSTRAINT infrastructure_credentials_secret_check CHECK ((num_nonnulls(kek_id, wrapped_dek, nonce, ciphertext) =
CASE
    WHEN (retired_at IS NULL) THEN 4
    ELSE 0
END)),
    CONSTRAINT infrastructure_credentials_version_check CHECK ((version > 0))
);

ALTER TABLE infrastructure_credentials ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME infrastructure_credentials_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE infrastructure_statuses (
    infrastructure_id uuid NOT NULL,
    state text NOT NULL,
    reason text,
    detail text,
    since timestamp with time zone NOT NULL,
    observed_at timestamp with time zone,
    last_success_at timestamp with time zone,
    latency_ms integer,
    watch_token bigint NOT NULL,
    CONSTRAINT infrastructure_statuses_latency_ms_check CHECK ((latency_ms >= 0)),
    CONSTRAINT infrastructure_statuses_state_check CHECK ((state = ANY (ARRAY['unreachable'::text, 'tls_error'::text, 'auth_failed'::text, 'forbidden'::text, 'degraded'::text, 'stale'::text, 'healthy'::text, 'disabled'::text])))
)
WITH (fillfactor='60');

CREATE TABLE infrastructures (
    id uuid NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    environment text NOT NULL,
    labels jsonb NOT NULL,
    region text,
    mode text NOT NULL,
    is_default boolean NOT NULL,
    source_kind text NOT NULL,
    endpoint text NOT NULL,
    context text,
    credential_face jsonb NOT NULL,
    credential_version integer NOT NULL,
    cluster_uid text,
    certificate_expires_at timestamp with time zone,
    inventory jsonb,
    inventory_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    revision bigint NOT NULL,
    monitoring jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT infrastructures_credential_version_check CHECK ((credential_version > 0)),
    CONSTRAINT infrastructures_environment_check CHECK ((environment = ANY (ARRAY['production'::text, 'staging'::text, 'training'::text, 'lab'::text]))),
    CONSTRAINT infrastructures_labels_check CHECK ((jsonb_typeof(labels) = 'object'::text)),
    CONSTRAINT infrastructures_mode_check CHECK ((mode = ANY (ARRAY['enabled'::text, 'cordoned'::text, 'disabled'::text]))),
    CONSTRAINT infrastructures_revision_check CHECK ((revision > 0)),
    CONSTRAINT infrastructures_source_kind_check CHECK ((source_kind = ANY (ARRAY['kubeconfig'::text, 'token'::text, 'in_cluster'::text])))
)
WITH (fillfactor='70');

CREATE TABLE installation (
    only_row boolean DEFAULT true NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT installation_only_row_check CHECK (only_row)
);

CREATE SEQUENCE lease_tokens
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE leases (
    name text NOT NULL,
    holder uuid NOT NULL,
    token bigint NOT NULL,
    expires_at timestamp with time zone NOT NULL
)
WITH (fillfactor='60');

CREATE TABLE maintenance_windows (
    id uuid NOT NULL,
    name text NOT NULL,
    reason text NOT NULL,
    scope jsonb NOT NULL,
    schedule jsonb NOT NULL,
    created_by text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);

CREATE TABLE node_names (
    series integer NOT NULL,
    digest bytea NOT NULL,
    names text[] NOT NULL,
    made_at timestamp with time zone NOT NULL
);

CREATE TABLE node_samples (
    at timestamp with time zone NOT NULL,
    series integer NOT NULL,
    names bytea NOT NULL,
    "values" bytea NOT NULL
)
PARTITION BY RANGE (at);

CREATE TABLE node_snapshots (
    infrastructure_id uuid NOT NULL,
    nodes jsonb NOT NULL,
    fullest jsonb NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    used_observed_at timestamp with time zone,
    CONSTRAINT node_snapshots_fullest_check CHECK ((jsonb_typeof(fullest) = 'array'::text)),
    CONSTRAINT node_snapshots_nodes_check CHECK ((jsonb_typeof(nodes) = 'array'::text))
);

CREATE TABLE platform_settings (
    id boolean DEFAULT true NOT NULL,
    settings jsonb NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT platform_settings_id_check CHECK (id)
);

CREATE TABLE samples_day (
    at timestamp with time zone NOT NULL,
    series integer NOT NULL,
    level smallint NOT NULL,
    "values" bytea NOT NULL
)
PARTITION BY RANGE (at);

CREATE TABLE samples_five_minutes (
    at timestamp with time zone NOT NULL,
    series integer NOT NULL,
    level smallint NOT NULL,
    "values" bytea NOT NULL
)
PARTITION BY RANGE (at);

CREATE TABLE samples_hour (
    at timestamp with time zone NOT NULL,
    series integer NOT NULL,
    level smallint NOT NULL,
    "values" bytea NOT NULL
)
PARTITION BY RANGE (at);

CREATE TABLE samples_live (
    at timestamp with time zone NOT NULL,
    series integer NOT NULL,
    level smallint NOT NULL,
    "values" bytea NOT NULL
)
PARTITION BY RANGE (at);

CREATE TABLE seal_keys (
    kek_id text NOT NULL,
    alg text NOT NULL,
    wrapped_dek bytea NOT NULL,
    nonce bytea NOT NULL,
    ciphertext bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE seat_cookies (
    hash bytea NOT NULL,
    seat_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE seats (
    id uuid NOT NULL,
    session_id uuid NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    email text,
    key text NOT NULL,
    joined_at timestamp with time zone,
    last_seen_at timestamp with time zone,
    help_requested_at timestamp with time zone,
    help_text text,
    message text,
    environment_id uuid,
    CONSTRAINT seats_number_check CHECK ((number > 0))
);

CREATE TABLE sessions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    address text,
    user_agent text,
    revoked_at timestamp with time zone
);

CREATE TABLE setup_tokens (
    token_hash bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone
);

CREATE TABLE sign_in_failures (
    scope text NOT NULL,
    key text NOT NULL,
    count integer NOT NULL,
    last_at timestamp with time zone NOT NULL,
    CONSTRAINT sign_in_failures_count_check CHECK ((count > 0))
);

CREATE TABLE status_changes (
    id bigint NOT NULL,
    infrastructure_id uuid NOT NULL,
    state text NOT NULL,
    reason text,
    detail text,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone
);

ALTER TABLE status_changes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME status_changes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE users (
    id uuid NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    password_hash text NOT NULL,
    language text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    disabled_at timestamp with time zone,
    CONSTRAINT users_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'operator'::text, 'trainer'::text, 'viewer'::text])))
);

CREATE TABLE workshop_sessions (
    id uuid NOT NULL,
    workshop_id uuid NOT NULL,
    profile jsonb NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    code text NOT NULL,
    created_by uuid,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    ended_at timestamp with time zone,
    revision bigint NOT NULL,
    CONSTRAINT workshop_sessions_revision_check CHECK ((revision > 0))
);

CREATE TABLE workshops (
    id uuid NOT NULL,
    profile jsonb NOT NULL,
    created_by uuid,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    revision bigint NOT NULL,
    CONSTRAINT workshops_revision_check CHECK ((revision > 0))
);

ALTER TABLE ONLY history_samples ATTACH PARTITION samples_day FOR VALUES IN ('3');

ALTER TABLE ONLY history_samples ATTACH PARTITION samples_five_minutes FOR VALUES IN ('1');

ALTER TABLE ONLY history_samples ATTACH PARTITION samples_hour FOR VALUES IN ('2');

ALTER TABLE ONLY history_samples ATTACH PARTITION samples_live FOR VALUES IN ('0');

ALTER TABLE ONLY access_tokens
    ADD CONSTRAINT access_tokens_hash_key UNIQUE (hash);

ALTER TABLE ONLY access_tokens
    ADD CONSTRAINT access_tokens_pkey PRIMARY KEY (id);

ALTER TABLE ONLY alert_channel_secrets
    ADD CONSTRAINT alert_channel_secrets_pkey PRIMARY KEY (alert_channel_id);

ALTER TABLE ONLY alert_channels
    ADD CONSTRAINT alert_channels_pkey PRIMARY KEY (id);

ALTER TABLE ONLY alert_rules
    ADD CONSTRAINT alert_rules_pkey PRIMARY KEY (kind);

ALTER TABLE ONLY alerts
    ADD CONSTRAINT alerts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY audit_entries
    ADD CONSTRAINT audit_entries_pkey PRIMARY KEY (id);

ALTER TABLE ONLY deliveries
    ADD CONSTRAINT deliveries_notice_key UNIQUE (alert_channel_id, notice_id, recipient);

ALTER TABLE ONLY deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id);

ALTER TABLE ONLY environments
    ADD CONSTRAINT environments_pkey PRIMARY KEY (id);

ALTER TABLE ONLY event_snapshots
    ADD CONSTRAINT event_snapshots_pkey PRIMARY KEY (infrastructure_id);

ALTER TABLE ONLY forecasts
    ADD CONSTRAINT forecasts_pkey PRIMARY KEY (infrastructure_id, resource);

ALTER TABLE ONLY history_chunks
    ADD CONSTRAINT history_chunks_pkey PRIMARY KEY (series, day);

ALTER TABLE ONLY history_levels
    ADD CONSTRAINT history_levels_pkey PRIMARY KEY (level);

ALTER TABLE ONLY history_marks
    ADD CONSTRAINT history_marks_pkey PRIMARY KEY (level, at);

ALTER TABLE ONLY history_partitions
    ADD CONSTRAINT history_partitions_pkey PRIMARY KEY (name);

ALTER TABLE ONLY history_partitions
    ADD CONSTRAINT history_partitions_since_key UNIQUE (parent, since);

ALTER TABLE ONLY history_samples
    ADD CONSTRAINT history_samples_pkey PRIMARY KEY (level, series, at);

ALTER TABLE ONLY history_series
    ADD CONSTRAINT history_series_infrastructure_id_key UNIQUE (infrastructure_id);

ALTER TABLE ONLY history_series
    ADD CONSTRAINT history_series_pkey PRIMARY KEY (key);

ALTER TABLE ONLY infrastructure_credentials
    ADD CONSTRAINT infrastructure_credentials_pkey PRIMARY KEY (id);

ALTER TABLE ONLY infrastructure_credentials
    ADD CONSTRAINT infrastructure_credentials_version_key UNIQUE (infrastructure_id, version);

ALTER TABLE ONLY infrastructure_statuses
    ADD CONSTRAINT infrastructure_statuses_pkey PRIMARY KEY (infrastructure_id);

ALTER TABLE ONLY infrastructures
    ADD CONSTRAINT infrastructures_pkey PRIMARY KEY (id);

ALTER TABLE ONLY installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (name);

ALTER TABLE ONLY maintenance_windows
    ADD CONSTRAINT maintenance_windows_pkey PRIMARY KEY (id);

ALTER TABLE ONLY node_names
    ADD CONSTRAINT node_names_pkey PRIMARY KEY (series, digest);

ALTER TABLE ONLY node_samples
    ADD CONSTRAINT node_samples_pkey PRIMARY KEY (series, at);

ALTER TABLE ONLY node_snapshots
    ADD CONSTRAINT node_snapshots_pkey PRIMARY KEY (infrastructure_id);

ALTER TABLE ONLY platform_settings
    ADD CONSTRAINT platform_settings_pkey PRIMARY KEY (id);

ALTER TABLE ONLY samples_day
    ADD CONSTRAINT samples_day_pkey PRIMARY KEY (level, series, at);

ALTER TABLE ONLY samples_five_minutes
    ADD CONSTRAINT samples_five_minutes_pkey PRIMARY KEY (level, series, at);

ALTER TABLE ONLY samples_hour
    ADD CONSTRAINT samples_hour_pkey PRIMARY KEY (level, series, at);

ALTER TABLE ONLY samples_live
    ADD CONSTRAINT samples_live_pkey PRIMARY KEY (level, series, at);

ALTER TABLE ONLY seal_keys
    ADD CONSTRAINT seal_keys_pkey PRIMARY KEY (kek_id);

ALTER TABLE ONLY seat_cookies
    ADD CONSTRAINT seat_cookies_pkey PRIMARY KEY (hash);

ALTER TABLE ONLY seats
    ADD CONSTRAINT seats_key_key UNIQUE (session_id, key);

ALTER TABLE ONLY seats
    ADD CONSTRAINT seats_number_key UNIQUE (session_id, number);

ALTER TABLE ONLY seats
    ADD CONSTRAINT seats_pkey PRIMARY KEY (id);

ALTER TABLE ONLY sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY sessions
    ADD CONSTRAINT sessions_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY setup_tokens
    ADD CONSTRAINT setup_tokens_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY sign_in_failures
    ADD CONSTRAINT sign_in_failures_pkey PRIMARY KEY (scope, key);

ALTER TABLE ONLY status_changes
    ADD CONSTRAINT status_changes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY workshop_sessions
    ADD CONSTRAINT workshop_sessions_code_key UNIQUE (code);

ALTER TABLE ONLY workshop_sessions
    ADD CONSTRAINT workshop_sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY workshops
    ADD CONSTRAINT workshops_pkey PRIMARY KEY (id);

CREATE INDEX access_tokens_environment_id_idx ON access_tokens USING btree (environment_id);

CREATE INDEX alert_channel_secrets_kek_id_idx ON alert_channel_secrets USING btree (kek_id);

CREATE UNIQUE INDEX alert_channels_name_key ON alert_channels USING btree (lower(name));

CREATE INDEX alerts_group_id_idx ON alerts USING btree (group_id);

CREATE UNIQUE INDEX alerts_live_key ON alerts USING btree (rule, subject_id) NULLS NOT DISTINCT WHERE (state <> 'resolved'::text);

CREATE INDEX alerts_resolve_notice_due_idx ON alerts USING btree (id) WHERE resolve_notice_due;

CREATE INDEX alerts_resolved_at_idx ON alerts USING btree (resolved_at) WHERE (state = 'resolved'::text);

CREATE INDEX alerts_subject_id_idx ON alerts USING btree (subject_id, id);

CREATE INDEX deliveries_alert_channel_id_idx ON deliveries USING btree (alert_channel_id, id);

CREATE INDEX deliveries_ended_at_idx ON deliveries USING btree (ended_at) WHERE (state <> 'queued'::text);

CREATE INDEX deliveries_queued_idx ON deliveries USING btree (next_attempt_at) WHERE (state = 'queued'::text);

CREATE INDEX environments_live_idx ON environments USING btree (infrastructure_id) WHERE (state <> ALL (ARRAY['ended'::text, 'failed'::text]));

CREATE INDEX environments_next_at_idx ON environments USING btree (next_at) WHERE (next_at IS NOT NULL);

CREATE INDEX environments_seat_id_idx ON environments USING btree (seat_id) WHERE (seat_id IS NOT NULL);

CREATE INDEX environments_session_id_idx ON environments USING btree (session_id, state);

CREATE INDEX environments_waiting_idx ON environments USING btree (created_at) WHERE (state = 'requested'::text);

CREATE INDEX infrastructure_credentials_kek_id_idx ON infrastructure_credentials USING btree (kek_id, id);

CREATE UNIQUE INDEX infrastructures_cluster_uid_key ON infrastructures USING btree (cluster_uid) WHERE (cluster_uid IS NOT NULL);

CREATE UNIQUE INDEX infrastructures_default_key ON infrastructures USING btree (is_default) WHERE is_default;

CREATE UNIQUE INDEX infrastructures_name_key ON infrastructures USING btree (lower(name));

CREATE INDEX leases_holder_idx ON leases USING btree (holder);

CREATE INDEX seat_cookies_seat_id_idx ON seat_cookies USING btree (seat_id);

CREATE INDEX seats_environment_id_idx ON seats USING btree (environment_id) WHERE (environment_id IS NOT NULL);

CREATE UNIQUE INDEX seats_name_key ON seats USING btree (session_id, lower(name));

CREATE INDEX sessions_user_id_idx ON sessions USING btree (user_id, created_at);

CREATE INDEX status_changes_infrastructure_id_idx ON status_changes USING btree (infrastructure_id, id);

CREATE UNIQUE INDEX status_changes_open_key ON status_changes USING btree (infrastructure_id) WHERE (until IS NULL);

CREATE INDEX status_changes_since_idx ON status_changes USING btree (since);

CREATE INDEX status_changes_until_idx ON status_changes USING btree (until);

CREATE UNIQUE INDEX users_email_key ON users USING btree (lower(email));

CREATE INDEX workshop_sessions_live_idx ON workshop_sessions USING btree (starts_at) WHERE (ended_at IS NULL);

CREATE INDEX workshop_sessions_workshop_id_idx ON workshop_sessions USING btree (workshop_id);

ALTER INDEX history_samples_pkey ATTACH PARTITION samples_day_pkey;

ALTER INDEX history_samples_pkey ATTACH PARTITION samples_five_minutes_pkey;

ALTER INDEX history_samples_pkey ATTACH PARTITION samples_hour_pkey;

ALTER INDEX history_samples_pkey ATTACH PARTITION samples_live_pkey;

CREATE TRIGGER audit_entries_keep BEFORE DELETE OR UPDATE OR TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_keep();

ALTER TABLE ONLY access_tokens
    ADD CONSTRAINT access_tokens_environment_id_fkey FOREIGN KEY (environment_id) REFERENCES environments(id) ON DELETE CASCADE;

ALTER TABLE ONLY alert_channel_secrets
    ADD CONSTRAINT alert_channel_secrets_alert_channel_id_fkey FOREIGN KEY (alert_channel_id) REFERENCES alert_channels(id) ON DELETE CASCADE;

ALTER TABLE ONLY alert_channel_secrets
    ADD CONSTRAINT alert_channel_secrets_kek_id_fkey FOREIGN KEY (kek_id) REFERENCES seal_keys(kek_id);

ALTER TABLE ONLY deliveries
    ADD CONSTRAINT deliveries_alert_channel_id_fkey FOREIGN KEY (alert_channel_id) REFERENCES alert_channels(id) ON DELETE CASCADE;

ALTER TABLE ONLY environments
    ADD CONSTRAINT environments_infrastructure_id_fkey FOREIGN KEY (infrastructure_id) REFERENCES infrastructures(id) ON DELETE SET NULL;

ALTER TABLE ONLY environments
    ADD CONSTRAINT environments_session_id_fkey FOREIGN KEY (session_id) REFERENCES workshop_sessions(id) ON DELETE CASCADE;

ALTER TABLE ONLY event_snapshots
    ADD CONSTRAINT event_snapshots_infrastructure_id_fkey FOREIGN KEY (infrastructure_id) REFERENCES infrastructures(id) ON DELETE CASCADE;

ALTER TABLE ONLY forecasts
    ADD CONSTRAINT forecasts_infrastructure_id_fkey FOREIGN KEY (infrastructure_id) REFERENCES infrastructures(id) ON DELETE CASCADE;

ALTER TABLE ONLY history_series
    ADD CONSTRAINT history_series_infrastructure_id_fkey FOREIGN KEY (infrastructure_id) REFERENCES infrastructures(id) ON DELETE SET NULL;

ALTER TABLE ONLY infrastructure_credentials
    ADD CONSTRAINT infrastructure_credentials_infrastructure_id_fkey FOREIGN KEY (infrastructure_id) REFERENCES infrastructures(id) ON DELETE CASCADE;

ALTER TABLE ONLY infrastructure_credentials
    ADD CONSTRAINT infrastructure_credentials_kek_id_fkey FOREIGN KEY (kek_id) REFERENCES seal_keys(kek_id);

ALTER TABLE ONLY infrastructure_statuses
    ADD CONSTRAINT infrastructure_statuses_infrastructure_id_fkey FOREIGN KEY (infrastructure_id) REFERENCES infrastructures(id) ON DELETE CASCADE;

ALTER TABLE ONLY node_names
    ADD CONSTRAINT node_names_series_fkey FOREIGN KEY (series) REFERENCES history_series(key) ON DELETE CASCADE;

ALTER TABLE ONLY node_snapshots
    ADD CONSTRAINT node_snapshots_infrastructure_id_fkey FOREIGN KEY (infrastructure_id) REFERENCES infrastructures(id) ON DELETE CASCADE;

ALTER TABLE ONLY seat_cookies
    ADD CONSTRAINT seat_cookies_seat_id_fkey FOREIGN KEY (seat_id) REFERENCES seats(id) ON DELETE CASCADE;

ALTER TABLE ONLY seats
    ADD CONSTRAINT seats_environment_id_fkey FOREIGN KEY (environment_id) REFERENCES environments(id) ON DELETE SET NULL;

ALTER TABLE ONLY seats
    ADD CONSTRAINT seats_session_id_fkey FOREIGN KEY (session_id) REFERENCES workshop_sessions(id) ON DELETE CASCADE;

ALTER TABLE ONLY sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;

ALTER TABLE ONLY status_changes
    ADD CONSTRAINT status_changes_infrastructure_id_fkey FOREIGN KEY (infrastructure_id) REFERENCES infrastructures(id) ON DELETE CASCADE;

ALTER TABLE ONLY workshop_sessions
    ADD CONSTRAINT workshop_sessions_created_by_fkey FOREIGN KEY (created_by) REFERENCES users(id) ON DELETE SET NULL;

ALTER TABLE ONLY workshop_sessions
    ADD CONSTRAINT workshop_sessions_workshop_id_fkey FOREIGN KEY (workshop_id) REFERENCES workshops(id);

ALTER TABLE ONLY workshops
    ADD CONSTRAINT workshops_created_by_fkey FOREIGN KEY (created_by) REFERENCES users(id) ON DELETE SET NULL;
