-- What NALABO keeps. Migrations go forward only: the previous version still runs while this one
-- is applied, so columns are added first, moved to next, and dropped a release later.

-- Who this installation is, in labels on objects it makes.
CREATE TABLE installation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO installation DEFAULT VALUES;

-- People.
CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'operator', 'trainer', 'viewer')),
    password_hash text NOT NULL,
    language text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    disabled_at timestamptz
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- SHA-256 of what the cookie holds; the cookie itself is nowhere.
    token_hash bytea NOT NULL CONSTRAINT sessions_token_hash_key UNIQUE,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    address text,
    user_agent text,
    revoked_at timestamptz
);
CREATE INDEX sessions_user_id_idx ON sessions (user_id, created_at);

-- Refused sign-ins in a row, by account and by network.
CREATE TABLE sign_in_failures (
    scope text NOT NULL,
    key text NOT NULL,
    count integer NOT NULL CHECK (count > 0),
    last_at timestamptz NOT NULL,
    PRIMARY KEY (scope, key)
);

-- One-time links that make the first owner.
CREATE TABLE setup_tokens (
    token_hash bytea PRIMARY KEY,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);

-- Keys that seal credentials: their names, and a known text under each, so that a wrong key is
-- noticed at start and not at the first credential. The keys themselves are nowhere here.
CREATE TABLE seal_keys (
    kek_id text PRIMARY KEY,
    alg text NOT NULL,
    wrapped_dek bytea NOT NULL,
    nonce bytea NOT NULL,
    ciphertext bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE infrastructures (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    description text NOT NULL,
    environment text NOT NULL
        CHECK (environment IN ('production', 'staging', 'training', 'lab')),
    labels jsonb NOT NULL CHECK (jsonb_typeof(labels) = 'object'),
    region text,
    mode text NOT NULL CHECK (mode IN ('enabled', 'cordoned', 'disabled')),
    is_default boolean NOT NULL,
    source_kind text NOT NULL CHECK (source_kind IN ('kubeconfig', 'token', 'in_cluster')),
    endpoint text NOT NULL,
    context text,
    -- What may be shown of the credential. The credential itself is in a table that no list reads.
    credential_face jsonb NOT NULL,
    credential_version integer NOT NULL CHECK (credential_version > 0),
    cluster_uid text,
    certificate_expires_at timestamptz,
    inventory jsonb,
    inventory_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    revision bigint NOT NULL CHECK (revision > 0)
);
CREATE UNIQUE INDEX infrastructures_name_key ON infrastructures (lower(name));
CREATE UNIQUE INDEX infrastructures_default_key ON infrastructures (is_default) WHERE is_default;
CREATE UNIQUE INDEX infrastructures_cluster_uid_key ON infrastructures (cluster_uid)
    WHERE cluster_uid IS NOT NULL;

-- A replaced credential keeps its row, so that one sees when it went, and loses its secret.
CREATE TABLE infrastructure_credentials (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    infrastructure_id uuid NOT NULL REFERENCES infrastructures (id) ON DELETE CASCADE,
    version integer NOT NULL CHECK (version > 0),
    alg text NOT NULL,
    kek_id text REFERENCES seal_keys (kek_id),
    wrapped_dek bytea,
    nonce bytea,
    ciphertext bytea,
    created_at timestamptz NOT NULL,
    retired_at timestamptz,
    CONSTRAINT infrastructure_credentials_version_key UNIQUE (infrastructure_id, version),
    CONSTRAINT infrastructure_credentials_secret_check CHECK (
        num_nonnulls(kek_id, wrapped_dek, nonce, ciphertext)
            = CASE WHEN retired_at IS NULL THEN 4 ELSE 0 END
    )
);
CREATE INDEX infrastructure_credentials_kek_id_idx ON infrastructure_credentials (kek_id, id);

-- How each infrastructure is; written every few seconds, hence alone and with room in its pages.
CREATE TABLE infrastructure_statuses (
    infrastructure_id uuid PRIMARY KEY REFERENCES infrastructures (id) ON DELETE CASCADE,
    state text NOT NULL CHECK (state IN (
        'unreachable', 'tls_error', 'auth_failed', 'forbidden',
        'degraded', 'stale', 'healthy', 'disabled'
    )),
    reason text,
    detail text,
    since timestamptz NOT NULL,
    observed_at timestamptz,
    last_success_at timestamptz,
    latency_ms integer CHECK (latency_ms >= 0),
    -- Lease token of the watcher that wrote it; an older watcher writes no more.
    watch_token bigint NOT NULL
) WITH (fillfactor = 60);

CREATE TABLE status_changes (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    infrastructure_id uuid NOT NULL REFERENCES infrastructures (id) ON DELETE CASCADE,
    state text NOT NULL,
    reason text,
    detail text,
    since timestamptz NOT NULL,
    until timestamptz
);
CREATE INDEX status_changes_infrastructure_id_idx ON status_changes (infrastructure_id, id);
CREATE UNIQUE INDEX status_changes_open_key ON status_changes (infrastructure_id)
    WHERE until IS NULL;

-- Who does what, among replicas. A token is never given twice, also after a lease is gone.
CREATE SEQUENCE lease_tokens;
CREATE TABLE leases (
    name text PRIMARY KEY,
    holder uuid NOT NULL,
    token bigint NOT NULL,
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 60);
CREATE INDEX leases_holder_idx ON leases (holder);

CREATE TABLE audit_entries (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    actor_kind text NOT NULL CHECK (actor_kind IN ('user', 'system', 'cli', 'nobody')),
    actor_id uuid,
    actor_email text,
    action text NOT NULL CHECK (action ~ '^[a-z][a-z_]*$'),
    subject_kind text NOT NULL,
    subject_id text,
    subject_name text,
    before jsonb,
    after jsonb,
    address text,
    outcome text NOT NULL CHECK (outcome IN ('done', 'refused')),
    request_id text
);

CREATE FUNCTION audit_entries_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit entries are neither changed nor deleted'
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_entries_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_keep();
