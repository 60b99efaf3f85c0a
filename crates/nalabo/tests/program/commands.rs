//! The commands beside `serve`, and the starts that are refused.

use std::os::unix::fs::PermissionsExt as _;

use nalabo_sim::Behaviour;
use nalabo_store::testing::TestDb;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::server::{DataFolder, EMAIL, PASSWORD, Server, key, nalabo, run, said, sim};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_are_made_and_mended_and_keys_changed_beside_a_running_server() {
    let (folder, sim, db) = (DataFolder::new(), sim().await, TestDb::empty().await);
    let url = db.url().expose_secret();
    let old = key(folder.path(), "old");
    let first =
        Server::start(&[("DATABASE_URL", url), ("NALABO_KEY_FILE", old.to_str().expect("text"))]);
    let user = first.user(EMAIL, PASSWORD).await;
    let made = user.connect(&sim).await;
    assert!(first.stop().success());

    let new = key(folder.path(), "new");
    let both = format!("{},{}", new.display(), old.display());
    let variables = [("DATABASE_URL", url), ("NALABO_KEY_FILE", both.as_str())];
    let server = Server::start(&variables);
    let admin = |arguments: &[&str], input: &str| {
        let done = run(nalabo(&["admin"]).args(arguments).envs(variables), input);
        assert!(done.status.success(), "{arguments:?}: {}", said(&done));
        said(&done)
    };
    let text =
        admin(&["user", "create", "eve@example.org", "--role", "viewer"], "quatre chats gris\n");
    assert!(text.contains("eve@example.org"), "{text}");
    let eve = server.user("eve@example.org", "quatre chats gris").await;
    assert_eq!(eve.get("/api/auth/me").await["user"]["role"], "viewer");
    admin(&["user", "reset-password", "eve@example.org"], "cinq chats noirs\n");
    assert_eq!(eve.get_status("/api/auth/me").await, 401, "every sign-in of hers ended");
    server.user("eve@example.org", "cinq chats noirs").await;
    let refused = run(
        nalabo(&["admin", "user", "create", "eve@example.org"]).envs(variables),
        "quatre chats gris\n",
    );
    assert!(
        !refused.status.success() && said(&refused).contains("exists already"),
        "{}",
        said(&refused)
    );

    let before = admin(&["key", "status"], "");
    assert!(before.contains("  1 credentials"), "{before}");
    let text = admin(&["rotate-keys"], "");
    assert!(text.contains("1 credentials sealed under the first key"), "{text}");
    let again = admin(&["rotate-keys"], "");
    assert!(again.contains("0 credentials sealed"), "what is done is skipped: {again}");
    let user = server.user(EMAIL, PASSWORD).await;
    let path = format!("/api/admin/infrastructures/{}/test", made["id"].as_str().expect("an id"));
    let report = user.send(Method::POST, &path, Some(json!({})), None).await.expect("an answer");
    let report: serde_json::Value = report.json().await.expect("JSON");
    assert_eq!(report["passed"], true, "{report}");
    assert!(server.stop().success());

    // The old key may go now: nothing is sealed with it any more.
    let alone =
        Server::start(&[("DATABASE_URL", url), ("NALABO_KEY_FILE", new.to_str().expect("text"))]);
    assert!(alone.stop().success());
    let wrong = [("DATABASE_URL", url), ("NALABO_KEY_FILE", old.to_str().expect("text"))];
    let refused = run(nalabo(&["serve"]).envs(wrong).env("NALABO_LISTEN", "127.0.0.1:0"), "");
    assert!(!refused.status.success(), "without the key that opens them it does not start");
    assert!(said(&refused).contains("key"), "{}", said(&refused));
    sim.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_with_a_key_that_is_no_good_is_refused_with_what_to_do() {
    let (folder, db) = (DataFolder::new(), TestDb::empty().await);
    let url = db.url().expose_secret();
    let refused = |key_file: Option<&str>| {
        let mut command = nalabo(&["serve"]);
        command.env("DATABASE_URL", url).env("NALABO_LISTEN", "127.0.0.1:0");
        command.envs(key_file.map(|it| ("NALABO_KEY_FILE", it)));
        let output = run(&mut command, "");
        assert!(!output.status.success(), "{key_file:?} was accepted");
        let text = said(&output);
        assert!(!text.contains(url), "the password of the database is not shown: {text}");
        text
    };
    assert!(refused(None).contains("nalabo admin key create"));
    let missing = folder.path().join("missing");
    assert!(refused(missing.to_str()).contains("missing"));
    let open = key(folder.path(), "open");
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).expect("changed");
    let text = refused(open.to_str());
    assert!(text.contains("chmod") || text.contains("0600"), "{text}");
    let short = folder.path().join("short");
    std::fs::write(&short, "abc\n").expect("written");
    std::fs::set_permissions(&short, std::fs::Permissions::from_mode(0o600)).expect("changed");
    let text = refused(short.to_str());
    assert!(text.contains("short"), "it names the file: {text}");
    assert!(!text.contains("abc"), "and not what is in it: {text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_prints_the_stages_of_a_good_kubeconfig_and_of_one_that_fails() {
    let sim = sim().await;
    let cluster = &sim.clusters()[0];
    let good = run(&mut nalabo(&["check", "-"]), &cluster.kubeconfig());
    let text = said(&good);
    assert!(good.status.success(), "{text}");
    for stage in ["read", "resolve", "tcp", "tls", "version", "identity", "rights", "storage"] {
        assert!(text.lines().any(|it| it.contains(stage)), "{stage}: {text}");
    }
    assert!(text.contains("This configuration can be connected"), "{text}");
    assert!(!text.contains(&cluster.token()), "a credential is never shown");

    cluster.set(Behaviour::Unauthorized).await.expect("switched");
    let bad = run(&mut nalabo(&["check", "-"]), &cluster.kubeconfig());
    let text = said(&bad);
    assert!(!bad.status.success(), "{text}");
    assert!(text.contains("✓ tls") && text.contains("why:") && text.contains("do:"), "{text}");
    assert!(text.contains("not reached") || text.contains("cannot be connected"), "{text}");

    let broken = run(&mut nalabo(&["check", "-"]), "{");
    assert!(!broken.status.success() && said(&broken).contains("kubeconfig_not_yaml"));
    let listed = run(&mut nalabo(&["check", "--list", "-"]), &cluster.kubeconfig());
    assert!(listed.status.success() && said(&listed).contains(cluster.name()), "{}", said(&listed));
    sim.stop().await;
}

#[test]
fn doctor_may_be_cut_short_by_whoever_reads_it() {
    let mut doctor = nalabo(&["doctor"])
        .env("NALABO_LISTEN", "127.0.0.1:0")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(doctor.stdout.take());
    let done = doctor.wait_with_output().expect("it ends");
    assert!(done.status.code().is_some_and(|it| it < 2), "{}", said(&done));
    assert!(!said(&done).contains("panicked"), "{}", said(&done));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_finds_what_is_wrong_and_says_what_to_do() {
    let (folder, db) = (DataFolder::new(), TestDb::empty().await);
    let key = key(folder.path(), "key");
    let url = db.url().expose_secret();
    let good = [
        ("DATABASE_URL", url),
        ("NALABO_KEY_FILE", key.to_str().expect("text")),
        ("NALABO_LISTEN", "127.0.0.1:0"),
    ];
    let well = run(nalabo(&["doctor"]).envs(good), "");
    assert!(well.status.success(), "{}", said(&well));
    assert!(!said(&well).contains('✗') && !said(&well).contains(url), "{}", said(&well));

    let bad = run(
        nalabo(&["doctor"]).envs([
            ("DATABASE_URL", "postgres://nobody:secret-word@127.0.0.1:1/nothing"),
            ("NALABO_LISTEN", "0.0.0.0:0"),
            ("NALABO_ADMIN_EMAIL", EMAIL),
        ]),
        "",
    );
    let text = said(&bad);
    assert!(!bad.status.success(), "{text}");
    for finding in ["✗ database", "✗ key file", "✗ sign-in", "✗ first owner"] {
        assert!(text.contains(finding), "{finding}: {text}");
    }
    assert!(
        text.contains("NALABO_PUBLIC_URL") && text.contains("nalabo admin key create"),
        "{text}"
    );
    assert!(!text.contains("secret-word"), "{text}");
}
