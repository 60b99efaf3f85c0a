-- Workshops, their sessions and seats, and the environments that participants get.

-- What an administrator sets for all workshops; no row means the defaults.
CREATE TABLE platform_settings (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    settings jsonb NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE workshops (
    id uuid PRIMARY KEY,
    profile jsonb NOT NULL,
    created_by uuid REFERENCES users (id) ON DELETE SET NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    revision bigint NOT NULL CHECK (revision > 0)
);

CREATE TABLE workshop_sessions (
    id uuid PRIMARY KEY,
    workshop_id uuid NOT NULL REFERENCES workshops (id),
    profile jsonb NOT NULL,
    -- What of the profile is searched for.
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    code text NOT NULL CONSTRAINT workshop_sessions_code_key UNIQUE,
    created_by uuid REFERENCES users (id) ON DELETE SET NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    -- A person ended it before its time.
    closed_at timestamptz,
    -- Nothing of it was left on any infrastructure.
    ended_at timestamptz,
    revision bigint NOT NULL CHECK (revision > 0)
);
CREATE INDEX workshop_sessions_workshop_id_idx ON workshop_sessions (workshop_id);
CREATE INDEX workshop_sessions_live_idx ON workshop_sessions (starts_at) WHERE ended_at IS NULL;

CREATE TABLE environments (
    id uuid PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES workshop_sessions (id) ON DELETE CASCADE,
    -- Whose it is; nobody's while it waits in a pool.
    seat_id uuid,
    driver text NOT NULL CHECK (driver IN ('vcluster', 'namespace')),
    preset text NOT NULL CHECK (preset IN ('small', 'medium', 'large')),
    persistent boolean NOT NULL,
    internet boolean NOT NULL,
    selector jsonb NOT NULL,
    -- As it was asked for, then as it is.
    kubernetes_version text,
    state text NOT NULL CHECK (state IN (
        'requested', 'placed', 'provisioning', 'ready', 'claimed', 'paused', 'ending', 'ended',
        'failed'
    )),
    -- Since when the state holds.
    since timestamptz NOT NULL,
    step text NOT NULL,
    step_since timestamptz NOT NULL,
    reason text,
    detail text,
    -- It could not be made, or was lost: it ends as failed.
    has_failed boolean NOT NULL DEFAULT false,
    -- Which try this is for its seat; another try is another environment.
    attempt integer NOT NULL CHECK (attempt > 0),
    -- Where earlier tries failed.
    suspects uuid[] NOT NULL,
    infrastructure_id uuid REFERENCES infrastructures (id) ON DELETE SET NULL,
    infrastructure_name text,
    placement jsonb,
    namespace_uid text,
    created_at timestamptz NOT NULL,
    placed_at timestamptz,
    started_at timestamptz,
    ready_at timestamptz,
    claimed_at timestamptz,
    expires_at timestamptz,
    ending_at timestamptz,
    ended_at timestamptz,
    -- When there is something to do next; nothing while it waits for a place or is over.
    next_at timestamptz,
    -- Somebody is doing it; when this passes, somebody else may. The token tells them apart.
    leased_until timestamptz,
    lease_token bigint NOT NULL DEFAULT 0,
    CONSTRAINT environments_place_check CHECK (
        state NOT IN ('placed', 'provisioning') OR infrastructure_name IS NOT NULL
    ),
    CONSTRAINT environments_end_check CHECK (
        (state IN ('ended', 'failed')) = (ended_at IS NOT NULL)
    )
);
CREATE INDEX environments_next_at_idx ON environments (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX environments_waiting_idx ON environments (created_at) WHERE state = 'requested';
CREATE INDEX environments_session_id_idx ON environments (session_id, state);
CREATE INDEX environments_seat_id_idx ON environments (seat_id) WHERE seat_id IS NOT NULL;
CREATE INDEX environments_live_idx ON environments (infrastructure_id)
    WHERE state NOT IN ('ended', 'failed');

CREATE TABLE seats (
    id uuid PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES workshop_sessions (id) ON DELETE CASCADE,
    number integer NOT NULL CHECK (number > 0),
    name text NOT NULL,
    email text,
    -- By which the person comes back. Trainers print it on cards, so it is not hashed; it opens
    -- one seat of one session, as long as that lasts.
    key text NOT NULL,
    joined_at timestamptz,
    last_seen_at timestamptz,
    help_requested_at timestamptz,
    help_text text,
    message text,
    environment_id uuid REFERENCES environments (id) ON DELETE SET NULL,
    CONSTRAINT seats_number_key UNIQUE (session_id, number),
    CONSTRAINT seats_key_key UNIQUE (session_id, key)
);
CREATE UNIQUE INDEX seats_name_key ON seats (session_id, lower(name));
CREATE INDEX seats_environment_id_idx ON seats (environment_id) WHERE environment_id IS NOT NULL;

-- A browser that sits on a seat. Only the hash of its cookie is kept.
CREATE TABLE seat_cookies (
    hash bytea PRIMARY KEY,
    seat_id uuid NOT NULL REFERENCES seats (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL
);
CREATE INDEX seat_cookies_seat_id_idx ON seat_cookies (seat_id);

-- The token of a kubeconfig that was handed out. Only its hash is kept.
CREATE TABLE access_tokens (
    id uuid PRIMARY KEY,
    environment_id uuid NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    hash bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX access_tokens_environment_id_idx ON access_tokens (environment_id);

ALTER TABLE audit_entries DROP CONSTRAINT audit_entries_actor_kind_check;
ALTER TABLE audit_entries ADD CONSTRAINT audit_entries_actor_kind_check
    CHECK (actor_kind IN ('user', 'system', 'cli', 'participant', 'nobody'));
