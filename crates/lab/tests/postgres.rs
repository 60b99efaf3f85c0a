//! The throw-away PostgreSQL accepts connections with its password, and is gone afterwards.

use std::process::Command;

use nalabo_lab::{Postgres, ProcessId};

fn ask(url: &str, sql: &str) -> std::process::Output {
    Command::new("psql").args([url, "-At", "-c", sql]).output().unwrap()
}

#[tokio::test]
async fn a_private_postgres_answers_its_superuser_only_and_is_gone_when_dropped() {
    let postgres = Postgres::start().await.unwrap();
    let process = ProcessId::of(postgres.pid()).unwrap();

    let answer = ask(postgres.url(), "SELECT current_setting('max_connections')");
    assert_eq!(String::from_utf8_lossy(&answer.stdout), "300\n", "{answer:?}");
    let (before, after) = postgres.url().split_once('@').unwrap();
    let wrong = format!("{}:wrong@{after}", before.rsplit_once(':').unwrap().0);
    assert!(!ask(&wrong, "SELECT 1").status.success(), "a wrong password is refused");
    assert!(!format!("{postgres:?}").contains("postgres://"), "its URL holds the password");

    drop(postgres);
    assert!(!process.alive());
}
