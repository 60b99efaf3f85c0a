//! What goals share in one run: a connected fleet, which takes a minute to connect.
//!
//! A goal takes the stage as it likes it; one that leaves it in disorder takes it down.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use crate::house::{House, Person, connect_all};
use crate::past::Past;
use crate::pretend::Pretend;

/// How large and how long.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Infrastructures of the large fleet.
    pub clusters: usize,
    /// Nodes of each.
    pub nodes: u32,
    /// Pods on each node.
    pub pods: u32,
    /// Seconds of the long measurement, of G1.
    pub long_seconds: f64,
    /// Seconds of each short one.
    pub short_seconds: f64,
    /// Hours of the day that the history lives.
    pub past_hours: i64,
}

impl Scale {
    /// That of the goals.
    const FULL: Self = Self {
        clusters: 1_000,
        nodes: 10,
        pods: 30,
        long_seconds: 200.0,
        short_seconds: 20.0,
        past_hours: 24,
    };
    /// That of a test.
    const QUICK: Self = Self {
        clusters: 20,
        nodes: 2,
        pods: 5,
        long_seconds: 3.0,
        short_seconds: 1.0,
        past_hours: 1,
    };
}

/// NALABO with every pretend cluster connected.
#[derive(Debug)]
pub struct Fleet {
    /// The program.
    pub house: House,
    /// The clusters.
    pub pretend: Pretend,
    /// Somebody who uses it.
    pub person: Person,
    /// The ids by position of the clusters.
    pub ids: Vec<String>,
    /// How long connecting took.
    pub connected_in: Duration,
    /// Resident memory before the first was connected, in KiB.
    pub rss_empty_kib: u64,
}

/// The shared parts of a run.
#[derive(Debug)]
pub struct Stage {
    program: PathBuf,
    /// How large and how long.
    pub scale: Scale,
    /// Whether anything is judged.
    pub quick: bool,
    fleet: Option<Fleet>,
    past: Option<Past>,
}

impl Stage {
    /// An empty stage.
    pub fn new(program: PathBuf, quick: bool) -> Self {
        let scale = if quick { Scale::QUICK } else { Scale::FULL };
        Self { program, scale, quick, fleet: None, past: None }
    }

    /// The program that is measured.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The large fleet, connected when it is not.
    pub async fn fleet(&mut self) -> anyhow::Result<&mut Fleet> {
        if self.fleet.is_none() {
            let Scale { clusters, nodes, pods, .. } = self.scale;
            self.fleet = Some(fleet_connect(&self.program, clusters, nodes, pods).await?);
        }
        self.fleet.as_mut().context("it was just connected")
    }

    /// Takes the large fleet down, so that the next goal finds a fresh one.
    pub async fn fleet_end(&mut self) {
        if let Some(fleet) = self.fleet.take() {
            fleet.end().await;
        }
    }

    /// A year of history, made when there is none.
    pub async fn past(&mut self) -> anyhow::Result<&Past> {
        if self.past.is_none() {
            self.past = Some(Past::make(self.scale.clusters, self.scale.past_hours).await?);
        }
        self.past.as_ref().context("it was just made")
    }

    /// The same, to keep.
    pub async fn past_take(&mut self) -> anyhow::Result<Past> {
        self.past().await?;
        self.past.take().context("it was just made")
    }

    /// Ends everything.
    pub async fn end(mut self) {
        if let Some(past) = self.past.take() {
            let _ = past.into_folder().await;
        }
        self.fleet_end().await;
    }
}

/// Name of the infrastructure at `position`.
fn name_of(position: usize) -> String {
    format!("bench-{position:04}")
}

/// Starts clusters and the program, and connects the ones to the other.
pub async fn fleet_connect(
    program: &Path,
    clusters: usize,
    nodes: u32,
    pods: u32,
) -> anyhow::Result<Fleet> {
    let pretend = Pretend::start(clusters, nodes, pods).await?;
    let house = House::start(program).await?;
    // Each of them may connect 300 a minute.
    let mut people = house.people(clusters / 250).await?;
    let rss_empty_kib = house.rss_kib();
    let named: Vec<_> = pretend
        .clusters
        .iter()
        .enumerate()
        .map(|(position, it)| (name_of(position), it.clone()))
        .collect();
    let connected_in = connect_all(&people, &named).await?;
    let person = people.swap_remove(0);
    eprintln!("  connected {clusters} in {:.1} s", connected_in.as_secs_f64());
    let ids = ids_by_position(&person, clusters).await?;
    Ok(Fleet { house, pretend, person, ids, connected_in, rss_empty_kib })
}

async fn ids_by_position(person: &Person, count: usize) -> anyhow::Result<Vec<String>> {
    let mut ids = vec![String::new(); count];
    for it in list(person).await? {
        let position = it["name"].as_str().and_then(|it| it.strip_prefix("bench-")?.parse().ok());
        if let (Some(position), Some(id)) = (position, it["id"].as_str()) {
            let position: usize = position;
            ids[position] = id.to_owned();
        }
    }
    Ok(ids)
}

/// Every row of the list.
pub async fn list(person: &Person) -> anyhow::Result<Vec<Value>> {
    let page = person.get("/api/admin/infrastructures?limit=1000&sort=name").await?;
    Ok(page["items"].as_array().cloned().unwrap_or_default())
}

impl Fleet {
    /// Ends it.
    pub async fn end(self) {
        self.house.stop().await;
        self.pretend.stop().await;
    }
}
