//! Databases for tests: a real PostgreSQL, a fresh database for each.
//!
//! Promises: a [`TestDb`] is migrated, empty and nobody else's, made from a template in
//! milliseconds, and dropped with its test; what killed tests left behind is swept by later ones.
//! Does not: start a server; `NALABO_TEST_DATABASE_URL` names one that `nalabo-lab` started.

use std::ops::Deref;
use std::str::FromStr;

use secrecy::SecretString;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use crate::Db;

const VARIABLE: &str = "NALABO_TEST_DATABASE_URL";
/// Of the advisory lock under which templates are made and leftovers swept.
const LOCK: i64 = 0x6e61_6c61_626f;
const MAX_CONNECTIONS: u32 = 8;
/// A test that runs longer than this was killed.
const LEFTOVER_SECONDS: u64 = 2 * 3600;

/// A fresh, migrated database that goes with this value.
#[derive(Debug)]
pub struct TestDb {
    db: Db,
    name: String,
    url: SecretString,
}

impl Deref for TestDb {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

impl TestDb {
    /// A database with the schema as it is now.
    pub async fn new() -> Self {
        let server = server_options();
        let mut admin = connect(&server).await;
        let template = template_ensure(&mut admin).await;
        let name = name_new();
        execute(&mut admin, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        Self::open(name).await
    }

    /// A database without any schema.
    pub async fn empty() -> Self {
        let server = server_options();
        let mut admin = connect(&server).await;
        let name = name_new();
        execute(&mut admin, format!("CREATE DATABASE {name} TEMPLATE template0")).await;
        Self::open(name).await
    }

    /// Its address, for another connection or a program.
    pub const fn url(&self) -> &SecretString {
        &self.url
    }

    async fn open(name: String) -> Self {
        let url = database_url(&name);
        let db = Db::connect(&url, MAX_CONNECTIONS).await.expect("the database was just made");
        Self { db, name, url }
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        // A thread with its own runtime: the test's is on its way out. What fails here is swept
        // later.
        let name = self.name.clone();
        let dropped = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(async {
                let mut admin = PgConnection::connect_with(&server_options()).await.ok()?;
                database_drop(&mut admin, &name).await.ok()
            })
        });
        let _ = dropped.join();
    }
}

/// The server that tests use.
fn server_options() -> PgConnectOptions {
    PgConnectOptions::from_str(&server_url())
        .unwrap_or_else(|_| panic!("{VARIABLE} is not an address of PostgreSQL"))
}

/// The server's address with another database, all else as it was given.
fn database_url(name: &str) -> SecretString {
    let url = server_url();
    let host = url.find("://").map_or(0, |it| it + 3);
    let end = url[host..].find(['/', '?']).map_or(url.len(), |it| host + it);
    let parameters = url.find('?').map_or("", |it| &url[it..]);
    format!("{}/{name}{parameters}", &url[..end]).into()
}

fn server_url() -> String {
    std::env::var(VARIABLE).unwrap_or_else(|_| {
        panic!(
            "{VARIABLE} is not set. This test needs a PostgreSQL server; run it through the lab:\n\n    \
             cargo run -p nalabo-lab -- run --no-clusters -- cargo test -p nalabo-store\n\n\
             or start one with `cargo run -p nalabo-lab -- postgres` and export what it prints."
        );
    })
}

async fn connect(options: &PgConnectOptions) -> PgConnection {
    PgConnection::connect_with(options)
        .await
        .unwrap_or_else(|cause| panic!("the PostgreSQL of {VARIABLE} does not answer: {cause}"))
}

/// The name says when it was made, so that leftovers can be told from databases in use.
fn name_new() -> String {
    format!("nalabo_test_{}", Uuid::now_v7().simple())
}

/// One template for each state of the migrations, made once, by whichever test comes first.
async fn template_ensure(admin: &mut PgConnection) -> String {
    let template = template_name();
    sqlx::query("SELECT pg_advisory_lock($1)").bind(LOCK).execute(&mut *admin).await.expect("lock");
    if !database_exists(admin, &template).await {
        leftovers_sweep(admin).await;
        // Renamed when it is whole: a killed test must not leave half a template.
        let draft = name_new();
        execute(admin, format!("CREATE DATABASE {draft} TEMPLATE template0")).await;
        let db = Db::connect(&database_url(&draft), 1).await.expect("the database was just made");
        db.migrate().await.expect("the migrations apply to an empty database");
        db.close().await;
        execute(admin, format!("ALTER DATABASE {draft} RENAME TO {template}")).await;
    }
    sqlx::query("SELECT pg_advisory_unlock($1)")
        .bind(LOCK)
        .execute(&mut *admin)
        .await
        .expect("unlock");
    template
}

fn template_name() -> String {
    let mut digest = Sha256::new();
    for migration in crate::db::migrations() {
        digest.update(&migration.checksum);
    }
    let hash: String = digest.finalize().iter().take(8).map(|it| format!("{it:02x}")).collect();
    format!("nalabo_template_{hash}")
}

async fn database_exists(admin: &mut PgConnection, name: &str) -> bool {
    let found: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
        .bind(name)
        .fetch_optional(admin)
        .await
        .expect("the list of databases can be read");
    found.is_some()
}

/// Databases of tests that were killed.
async fn leftovers_sweep(admin: &mut PgConnection) {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT datname FROM pg_database WHERE datname LIKE 'nalabo\\_test\\_%'",
    )
    .fetch_all(&mut *admin)
    .await
    .expect("the list of databases can be read");
    let now_seconds = Uuid::now_v7().get_timestamp().map_or(0, |it| it.to_unix().0);
    for name in names {
        let made = name.trim_start_matches("nalabo_test_").parse::<Uuid>().ok();
        let made_seconds = made.and_then(|it| it.get_timestamp()).map_or(0, |it| it.to_unix().0);
        if made_seconds + LEFTOVER_SECONDS < now_seconds {
            // Another sweeper may have been faster.
            let _ = database_drop(admin, &name).await;
        }
    }
}

async fn database_drop(admin: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    sqlx::query(AssertSqlSafe(drop)).execute(admin).await.map(|_| ())
}

async fn execute(admin: &mut PgConnection, statement: String) {
    sqlx::query(AssertSqlSafe(statement.as_str()))
        .execute(admin)
        .await
        .unwrap_or_else(|cause| panic!("{statement}: {cause}"));
}
