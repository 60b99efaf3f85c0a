//! `schema.sql` is what the migrations make; `NALABO_GEN=1` rewrites it.

use std::path::Path;
use std::process::Command;

use nalabo_store::embedded::system_bin_dirs;
use nalabo_store::testing::TestDb;
use secrecy::ExposeSecret;

#[tokio::test]
async fn schema_sql_shows_every_table_as_it_is_now() {
    let db = TestDb::new().await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.sql");
    let now = normalised(&dump(&db, &["--schema-only", "--exclude-table=_sqlx_migrations"]));
    if std::env::var_os("NALABO_GEN").is_some() {
        std::fs::write(&path, &now).expect("schema.sql is written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == now, "crates/store/schema.sql is stale; run: make gen");
}

/// What `pg_dump` says of a database.
pub fn dump(db: &TestDb, options: &[&str]) -> String {
    let program = system_bin_dirs()
        .into_iter()
        .map(|dir| dir.join("pg_dump"))
        .find(|it| it.exists())
        .expect("pg_dump, of the package postgresql-client");
    let said = Command::new(program)
        .args(["--no-owner", "--no-privileges"])
        .args(options)
        .arg(db.url().expose_secret())
        .output()
        .expect("pg_dump runs");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).expect("UTF-8")
}

/// Without what differs between versions of `pg_dump`, and without empty words.
fn normalised(dump: &str) -> String {
    let mut text =
        String::from("-- Every table as it is now. Written by `make gen`; do not edit.\n");
    let noise = ["--", "SET ", "SELECT pg_catalog.set_config", "\\restrict", "\\unrestrict"];
    for line in dump.lines().filter(|line| !noise.iter().any(|it| line.starts_with(it))) {
        if !(line.is_empty() && text.ends_with("\n\n")) {
            text.push_str(&line.replace("public.", ""));
            text.push('\n');
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}
