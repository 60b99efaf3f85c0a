//! Lists that people open all day, and the query of every request, use an index, also when
//! PostgreSQL plans them without knowing the parameters.

use nalabo_store::testing::TestDb;
use sqlx::{AssertSqlSafe, Row};

async fn plan(db: &TestDb, query: &str, types: &str, values: &str) -> String {
    let mut connection = db.pool().acquire().await.expect("connection");
    let prepare = format!("PREPARE asked ({types}) AS {query}");
    for statement in ["SET plan_cache_mode = force_generic_plan".to_owned(), prepare] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await.expect("prepared");
    }
    let explain = format!("EXPLAIN (COSTS OFF) EXECUTE asked ({values})");
    let rows =
        sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut *connection).await.expect("plan");
    rows.iter().map(|row| row.get::<String, _>(0)).collect::<Vec<_>>().join("\n")
}

async fn fill(db: &TestDb, statements: &'static str) {
    sqlx::raw_sql(statements).execute(db.pool()).await.expect("rows");
}

#[tokio::test]
async fn a_page_of_the_audit_reads_only_that_page() {
    let db = TestDb::new().await;
    fill(
        &db,
        "INSERT INTO audit_entries (id, at, actor_kind, action, subject_kind, outcome)
         SELECT gen_random_uuid(), now(), 'system', 'signed_in', 'user', 'done'
         FROM generate_series(1, 5000);
         ANALYZE audit_entries",
    )
    .await;
    let query = include_str!("../../queries/audit_list.sql");
    insta::assert_snapshot!(plan(&db, query, "uuid, bigint", "NULL, 50").await, @"
    Limit
      ->  Index Scan Backward using audit_entries_pkey on audit_entries
            Index Cond: (id < COALESCE($1, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
    ");
}

#[tokio::test]
async fn a_page_of_a_history_reads_only_that_page() {
    let db = TestDb::new().await;
    let id = crate::fixture::infrastructure(&db, "paris").await;
    for n in 0..100 {
        crate::fixture::infrastructure(&db, &format!("cluster-{n}")).await;
    }
    fill(
        &db,
        "INSERT INTO status_changes (infrastructure_id, state, since, until)
         SELECT id, 'healthy', now(), now() FROM infrastructures, generate_series(1, 300) AS n ORDER BY n;
         ANALYZE status_changes",
    )
    .await;
    let query = include_str!("../../queries/status_change_list.sql");
    let values = format!("'{id}', NULL, 50");
    insta::assert_snapshot!(plan(&db, query, "uuid, bigint, bigint", &values).await, @"
    Limit
      ->  Index Scan Backward using status_changes_infrastructure_id_idx on status_changes
            Index Cond: ((infrastructure_id = $1) AND (id < COALESCE($2, '9223372036854775807'::bigint)))
    ");
}

#[tokio::test]
async fn the_sign_in_behind_a_request_is_one_look_into_an_index() {
    let db = TestDb::new().await;
    crate::fixture::user(&db, "ana@example.org").await;
    fill(
        &db,
        "INSERT INTO sessions (id, user_id, token_hash, created_at, last_seen_at, expires_at)
         SELECT gen_random_uuid(), id, sha256(n::text::bytea), now(), now(), now()
         FROM users, generate_series(1, 5000) AS n;
         ANALYZE sessions",
    )
    .await;
    let query = include_str!("../../queries/session_find_by_hash.sql");
    let plan = plan(&db, query, "bytea", "'\\x00'").await;
    assert!(plan.contains("Index Scan using sessions_token_hash_key on sessions"), "{plan}");
}

#[tokio::test]
async fn a_history_reads_only_its_series_in_only_its_partitions() {
    let db = TestDb::new().await;
    nalabo_store::partitions_ensure(&db, crate::fixture::noon(), 3).await.expect("partitions");
    crate::fixture::infrastructure(&db, "paris").await;
    fill(
        &db,
        "INSERT INTO history_series (infrastructure_id) SELECT id FROM infrastructures;
         INSERT INTO history_samples (level, series, at, values)
         SELECT 1, series, at, '\\x00' FROM generate_series(1, 50) AS series,
             generate_series('2026-11-21Z', '2026-11-22 23:55Z', interval '5 minutes') AS at;
         INSERT INTO history_chunks (series, day, values)
         SELECT series, day, '\\x00' FROM generate_series(1, 2000) AS series,
             generate_series('2026-11-16Z', '2026-11-22Z', interval '1 day') AS day;
         ANALYZE",
    )
    .await;
    let query = include_str!("../../queries/history_read.sql");
    let types = "smallint, integer, timestamptz, timestamptz";
    let plan = plan(&db, query, types, "1, 1, '2026-11-22 11:00Z', '2026-11-22 12:00Z'").await;
    // The table of series is small enough to be read as it is.
    let is_told = |it: &&str| it.contains("Scan") && !it.contains("history_series");
    let scans: Vec<_> = plan.lines().map(str::trim).filter(is_told).collect();
    insta::assert_snapshot!(scans.join("\n"), @r"
    ->  Index Scan using samples_five_minutes_20261122_pkey on samples_five_minutes_20261122 history_samples_1
    ->  Index Scan using history_chunks_20261116_pkey on history_chunks_20261116 history_chunks_1
    ");
    assert!(plan.contains("Subplans Removed"), "partitions are left out:\n{plan}");
}
