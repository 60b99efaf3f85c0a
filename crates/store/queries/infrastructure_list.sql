-- All infrastructures that match, by name; empty lists and a NULL text match everything.
SELECT
    i.id, i.name, i.description, i.environment,
    i.labels AS "labels: Json<BTreeMap<String, String>>",
    i.region, i.mode, i.is_default, i.source_kind, i.endpoint, i.context,
    i.credential_face AS "credential_face: Json<CredentialFace>",
    i.cluster_uid,
    s.state, s.reason, s.detail, s.since, s.observed_at, s.last_success_at, s.latency_ms,
    i.inventory AS "inventory: IfReadable<Inventory>",
    i.certificate_expires_at, i.created_at, i.updated_at, i.revision
FROM infrastructures AS i
JOIN infrastructure_statuses AS s ON s.infrastructure_id = i.id
WHERE ($1::text IS NULL
       OR concat_ws(' ', i.name, i.description, i.region, i.endpoint, i.labels::text) ILIKE $1)
  AND (cardinality($2::text[]) = 0 OR s.state = ANY ($2))
  AND (cardinality($3::text[]) = 0 OR i.environment = ANY ($3))
  AND (cardinality($4::text[]) = 0 OR i.mode = ANY ($4))
ORDER BY lower(i.name)
LIMIT $5
