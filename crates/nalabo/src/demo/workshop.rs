//! The workshop of the demo: five short steps in two languages, a session that is open, and a
//! pool, so that whoever opens the link has a Kubernetes of their own within seconds.

use std::path::Path;

use anyhow::Context as _;
use nalabo_core::clock::{Clock as _, SystemClock};
use nalabo_core::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::Client;

const SEATS: u32 = 12;
const POOL: u32 = 2;
const SESSION: SignedDuration = SignedDuration::from_hours(8);

/// The images of the lab's real node, where a cluster in that folder has one.
pub(super) fn images_in(folder: &Path) -> Option<Value> {
    let entries = std::fs::read_dir(folder).ok()?;
    entries
        .filter_map(Result::ok)
        .map(|it| it.path())
        .filter(|it| it.to_string_lossy().ends_with(".images.json"))
        .find_map(|it| serde_json::from_slice(&std::fs::read(it).ok()?).ok())
}

/// The images of the cluster with that kubeconfig, where it has a real node.
pub(super) fn images_beside(kubeconfig: &Path) -> Option<Value> {
    let text = std::fs::read(kubeconfig.with_extension("images.json")).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Makes the workshop and an open session of it; the link to join.
pub(super) async fn workshop_seed(
    client: &Client,
    images: Option<Value>,
) -> anyhow::Result<String> {
    let has_node = images.is_some();
    if let Some(images) = images {
        // A small machine that is busy with other things: its limits are not those of a class.
        let settings = json!({ "settings": {
            "cpu_max_percent": 150.0, "memory_max_percent": 100.0, "images": images,
        } });
        client.send(Method::PUT, "/api/admin/settings", &settings).await?;
    }
    let workshop = json!({
        "title": "Discover Kubernetes",
        "summary": "Five short steps, in a cluster of your own.",
        "instructions": {
            "en": include_str!("discover.en.md"),
            "fr": include_str!("discover.fr.md"),
        },
        "driver": if has_node { "vcluster" } else { "namespace" },
        "preset": "small",
        "duration_minutes": 120,
        "extension_minutes": 30,
        "deadline_minutes": 240,
        "selector": { "kind": "real" },
        "parameters": { "image": "busybox:1.36" },
    });
    let workshop = client.send(Method::POST, "/api/admin/workshops", &workshop).await?;
    let starts_at: Timestamp = SystemClock.now();
    let session = json!({
        "workshop_id": workshop["id"],
        "name": "Discover Kubernetes, demo",
        "starts_at": starts_at,
        "ends_at": starts_at + SESSION,
        "ready_by": starts_at,
        "seats": SEATS,
        "pool_initial": POOL,
        "pool_reserved": 1,
    });
    let session = client.send(Method::POST, "/api/admin/workshop-sessions", &session).await?;
    let url = session["join_url"].as_str().context("the session names no link")?;
    Ok(url.to_owned())
}
