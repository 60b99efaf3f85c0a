//! Secrets that cannot be mistaken for anything else are brought in by every way there is, and
//! then looked for wherever they must not be.

use std::io::Write;
use std::process::Command;
use std::sync::{Arc, Mutex};

use http::Method;
use nalabo_app::sign_ins::{FirstOwner, first_owner_ensure};
use nalabo_core::access::Role;
use nalabo_sim::Behaviour;
use nalabo_store::embedded::system_bin_dirs;
use nalabo_store::testing::TestDb;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::house::{House, PASSWORD};

/// Keeps the log of this process, all of it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no holder panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn log_everything() -> Log {
    let log = Log::default();
    let crates = ["nalabo_api", "nalabo_app", "nalabo_core", "nalabo_fleet", "nalabo_store"];
    let filter = crates.map(|it| format!("{it}=trace")).join(",") + ",sqlx=trace,tower_http=trace";
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(log.clone())
        .try_init()
        .expect("nothing else in these tests logs");
    log
}

/// The whole database, as a backup holds it.
fn dump(db: &TestDb) -> String {
    let dirs = system_bin_dirs().into_iter().map(|it| it.join("pg_dump"));
    let program = dirs.into_iter().find(|it| it.exists()).expect("pg_dump is installed");
    let said = Command::new(program).arg(db.url().expose_secret()).output().expect("it runs");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).expect("UTF-8")
}

/// A secret, and the forms in which it might slip out.
fn forms(secret: &str) -> Vec<String> {
    use std::fmt::Write as _;
    let mut hex = String::new();
    for byte in secret.bytes() {
        write!(hex, "{byte:02x}").expect("text grows");
    }
    let encoded = base64(secret.as_bytes());
    // The ends of base64 depend on what stands beside; the middle does not.
    vec![secret.to_owned(), hex, encoded[..encoded.len() - 4].to_owned()]
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let three = [chunk[0], *chunk.get(1).unwrap_or(&0), *chunk.get(2).unwrap_or(&0)];
        let value = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for place in 0..=chunk.len() {
            text.push(char::from(DIGITS[(value >> (18 - 6 * place)) as usize & 63]));
        }
        text.extend(std::iter::repeat_n('=', 3 - chunk.len()));
    }
    text
}

/// Nothing of `secrets` is in `text`.
fn look_for(secrets: &[(&str, String)], place: &str, text: &str) {
    for (name, secret) in secrets {
        for form in forms(secret) {
            let found = text.find(&form);
            let around = found.map(|at| {
                let start = text[..at].char_indices().rev().nth(80).map_or(0, |(it, _)| it);
                &text[start..at]
            });
            assert_eq!(around, None, "the {name} is in {place}, after this");
        }
    }
}

#[tokio::test]
async fn a_secret_is_in_no_answer_no_log_no_audit_and_no_backup() {
    let log = log_everything();
    let house = House::new(2).await;
    let loops = house.loops();
    let (cluster, other) = (house.cluster(0), house.cluster(1));
    let wrong_token = "canary-token-4f7b2d9e61".to_owned();
    let client_key = "canary-client-key-83c1a5f0".to_owned();
    let wrong_password = "canary password 71d0b3e8".to_owned();
    let new_password = "canary password c95f2a46 new".to_owned();

    let FirstOwner::Link { token } = first_owner_ensure(&house.cli(), None).await.expect("a link")
    else {
        panic!("there is nobody yet");
    };
    let link = token.expose_secret().to_owned();
    let nobody = house.nobody();
    let body = json!({"token": link, "email": "ada@example.org", "password": PASSWORD});
    let session = nobody.post("/api/auth/setup", body.clone()).await.session();
    nobody.post("/api/auth/setup", body).await;
    let ada = nobody.holding(&session);
    for password in [&wrong_password, &new_password] {
        let body = json!({"email": "ada@example.org", "password": password});
        nobody.post("/api/auth/login", body).await.refused(401, "sign_in_refused");
    }
    for current in [wrong_password.as_str(), PASSWORD] {
        let body = json!({"current_password": current, "new_password": new_password});
        ada.post("/api/auth/password", body).await;
    }

    let kubeconfig = cluster.kubeconfig();
    let right = json!({"kind": "kubeconfig", "kubeconfig": kubeconfig});
    let wrong_text = kubeconfig.replace(&cluster.token(), &wrong_token);
    let wrong = json!({"kind": "kubeconfig", "kubeconfig": wrong_text});
    let token_line = format!("token: {}", cluster.token());
    let key_lines = |key: &str| {
        let pair =
            format!("client-certificate-data: {}\n    client-key-data: {key}", base64(b"none"));
        json!({"kind": "kubeconfig", "kubeconfig": kubeconfig.replace(&token_line, &pair)})
    };
    let path = "/api/admin/infrastructures";
    let sources = [
        right.clone(),
        wrong.clone(),
        key_lines(&client_key),
        key_lines(&base64(client_key.as_bytes())),
        json!({"kind": "kubeconfig", "kubeconfig": format!("{{token: {wrong_token}")}),
        json!({"kind": "token", "endpoint": format!("https://{wrong_token}@127.0.0.1"), "token": "a"}),
        json!({"kind": "token", "endpoint": other.endpoint(), "token": wrong_token,
            "certificate_authority": other.ca_pem()}),
        json!({"kind": "token", "endpoint": other.endpoint(), "token": format!("{wrong_token}\u{1}"),
            "certificate_authority": client_key}),
        json!({"kind": wrong_token}),
    ];
    for source in &sources {
        ada.post(&format!("{path}/test"), json!({"source": source})).await;
        ada.post(path, json!({"name": "x", "source": source, "environment": "nowhere"})).await;
        let yaml = source["kubeconfig"].as_str().unwrap_or(&wrong_token);
        ada.post(&format!("{path}/parse"), json!({"kubeconfig": yaml})).await;
    }
    let made = ada.post(path, json!({"name": "a", "source": right})).await.ok(201);
    let body = json!({"name": "b", "narrow": true, "source": house.kubeconfig(1)});
    let narrow = ada.post(path, body).await.ok(201);
    let id = |it: &Value| format!("{path}/{}", it["id"].as_str().expect("an id"));
    for source in &sources {
        ada.put(&format!("{}/credential", id(&made)), json!({"source": source})).await;
        let body = json!({"name": "a", "source": source});
        ada.with("if-match", "\"1\"").put(&id(&made), body).await;
    }
    let body = json!({"name": "c", "save_if_failing": true, "source": sources[6]});
    other.set(Behaviour::Unauthorized).await.expect("switched");
    ada.post(path, body).await;
    let mut watched =
        ada.listen(Method::POST, &format!("{}/test", id(&narrow)), Some(json!({}))).await;
    while watched.next().await.is_some() {}
    let webhook_path = "canary-webhook-path-9c4e1a77".to_owned();
    let webhook_key = format!("whsec_{}", base64(b"canary-webhook-key-5b30de9f"));
    let channels = "/api/admin/alert-channels";
    for url in [
        format!("http://127.0.0.1:9/hooks/{webhook_path}?sig={webhook_path}"),
        format!("https://10.1.2.3/{webhook_path}"),
        format!("https://{webhook_path}@127.0.0.1/"),
    ] {
        for key in [webhook_key.clone(), format!("{webhook_key} ")] {
            let webhook = json!({"format": "standard", "url": url, "secret": key});
            let body = json!({"name": format!("{} {}", url.len(), key.len()), "webhook": webhook});
            let channel: Value =
                serde_json::from_str(&ada.post(channels, body.clone()).await.text).expect("JSON");
            let Some(id) = channel["id"].as_str() else { continue };
            ada.post(&format!("{channels}/{id}/test"), json!({})).await.ok(200);
            let mut change = body;
            change["revision"] = json!(1);
            ada.put(&format!("{channels}/{id}"), change.clone()).await.ok(200);
            ada.put(&format!("{channels}/{id}"), change).await;
            ada.get(&format!("{channels}/{id}/deliveries")).await.ok(200);
        }
    }
    ada.get(channels).await.ok(200);
    let reads = ["/", "/api/admin/audit?limit=200", "/api/openapi.json", "/api/admin/stats"];
    for read in reads.into_iter().chain([path, "/api/auth/me", "/api/auth/sessions"]) {
        ada.get(read).await;
    }
    ada.get(&id(&made)).await.ok(200);
    ada.post("/api/auth/logout", json!({})).await.ok(204);
    loops.stop().await;

    let secrets = [
        ("token of a cluster", cluster.token()),
        ("token of another cluster", other.token()),
        ("refused token", wrong_token),
        ("client key", client_key),
        ("password", PASSWORD.to_owned()),
        ("wrong password", wrong_password),
        ("new password", new_password),
        ("path of a webhook", webhook_path),
        ("key of a webhook", "canary-webhook-key-5b30de9f".to_owned()),
        ("key of a webhook as typed", webhook_key),
        ("session", session),
        ("set-up link", link),
    ];
    let answers = house.heard.lock().expect("no holder panics").join("\n");
    assert!(answers.len() > 50_000, "there was something to look through");
    look_for(&secrets, "an answer", &answers);
    let log = String::from_utf8_lossy(&log.0.lock().expect("no holder panics")).into_owned();
    assert!(log.contains("the state changed") || log.contains("request"), "there is a log");
    look_for(&secrets, "the log", &log);
    let backup = dump(&house.db);
    assert!(
        backup.contains("infrastructure_created")
            && backup.contains("alert_channel_created")
            && backup.contains("ada@example.org")
    );
    look_for(&secrets, "a backup", &backup);
    assert_eq!(house.signed_in(Role::Owner).await.get("/readyz").await.status, 200);
}

#[test]
fn the_search_finds_what_is_there() {
    assert_eq!(base64(b"trois"), "dHJvaXM=");
    let secret = [("secret", "canary-1234".to_owned())];
    for hidden in
        ["x canary-1234 y".to_owned(), "63616e6172792d31323334".to_owned(), base64(b"canary-1234")]
    {
        let searched = std::panic::catch_unwind(|| look_for(&secret, "a text", &hidden));
        assert!(searched.is_err(), "{hidden}");
    }
}
