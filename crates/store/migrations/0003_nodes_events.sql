-- Nodes of each infrastructure as of its last full check: one row, replaced whole. The fullest
-- few stand apart, so that the fleet's fullest are found without reading every node.
CREATE TABLE node_snapshots (
    infrastructure_id uuid PRIMARY KEY REFERENCES infrastructures (id) ON DELETE CASCADE,
    nodes jsonb NOT NULL CHECK (jsonb_typeof(nodes) = 'array'),
    fullest jsonb NOT NULL CHECK (jsonb_typeof(fullest) = 'array'),
    observed_at timestamptz NOT NULL,
    used_observed_at timestamptz
);

-- What the cluster's controllers reported, as of the last full check: replaced whole.
CREATE TABLE event_snapshots (
    infrastructure_id uuid PRIMARY KEY REFERENCES infrastructures (id) ON DELETE CASCADE,
    events jsonb NOT NULL CHECK (jsonb_typeof(events) = 'array'),
    observed_at timestamptz NOT NULL
);

-- When something will be full, if it goes on as it did; made anew every hour.
CREATE TABLE forecasts (
    infrastructure_id uuid NOT NULL REFERENCES infrastructures (id) ON DELETE CASCADE,
    resource text NOT NULL CHECK (resource IN ('cpu', 'memory', 'storage', 'pods')),
    full_at timestamptz NOT NULL,
    days double precision NOT NULL CHECK (days >= 0),
    slope_per_day double precision NOT NULL,
    basis_days double precision NOT NULL,
    basis_points integer NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (infrastructure_id, resource)
);

-- States within a time, for the strips of a whole list.
CREATE INDEX status_changes_until_idx ON status_changes (until);

-- Figures of use are written every minute: room for them in the page of their row.
ALTER TABLE infrastructures SET (fillfactor = 70);
