-- What rules ask of every infrastructure, in figures, not in whole inventories.
SELECT
    i.id, i.name,
    i.labels AS "labels: Json<BTreeMap<String, String>>",
    i.mode = 'disabled' AS "disabled!",
    s.state, s.reason, s.detail, s.since, s.observed_at, s.last_success_at, s.latency_ms,
    coalesce(c.changes, 0) AS "changes!",
    (i.inventory #>> '{cpu,used_millicores}')::float8 AS cpu_used,
    (i.inventory #>> '{cpu,allocatable_millicores}')::float8 AS cpu_allocatable,
    (i.inventory #>> '{memory,used_bytes}')::float8 AS memory_used,
    (i.inventory #>> '{memory,allocatable_bytes}')::float8 AS memory_allocatable,
    (i.inventory #>> '{storage,used_bytes}')::float8 AS storage_used,
    (i.inventory #>> '{storage,allocatable_bytes}')::float8 AS storage_allocatable,
    (i.inventory #>> '{pods,running}')::float8 AS pods_running,
    (i.inventory #>> '{pods,allocatable}')::float8 AS pods_allocatable,
    i.inventory ->> 'kubernetes_version' AS kubernetes_version,
    (i.credential_face ->> 'expires_at')::timestamptz AS credential_ends_at,
    coalesce((i.credential_face ->> 'renewed')::boolean, false) AS "credential_renewed!",
    i.certificate_expires_at,
    f.resource AS "forecast_resource?", f.full_at AS "forecast_full_at?"
FROM infrastructures AS i
JOIN infrastructure_statuses AS s ON s.infrastructure_id = i.id
LEFT JOIN (
    SELECT infrastructure_id, count(*) AS changes
    FROM status_changes
    WHERE since > $1
      AND state NOT IN ('stale', 'disabled')
    GROUP BY infrastructure_id
) AS c ON c.infrastructure_id = i.id
LEFT JOIN (
    SELECT DISTINCT ON (infrastructure_id) infrastructure_id, resource, full_at
    FROM forecasts
    ORDER BY infrastructure_id, full_at
) AS f ON f.infrastructure_id = i.id
