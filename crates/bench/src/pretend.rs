//! Pretend clusters in a process of their own, so that their work is not counted as NALABO's.
//!
//! The child says one line of JSON when all listen, then does what each line of its standard
//! input says and answers `ok`: `<behaviour> <position> …`. It ends with its standard input.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use nalabo_sim::{Behaviour, Sim, SimOptions};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// A thousand certificates take a while to sign.
const START_DEADLINE: Duration = Duration::from_secs(180);
const SWITCH_DEADLINE: Duration = Duration::from_secs(60);

/// `nalabo-bench sim`.
#[derive(Debug, Clone, Args)]
pub struct SimCommand {
    /// How many clusters.
    #[arg(long)]
    clusters: usize,
    /// Nodes of each.
    #[arg(long)]
    nodes: u32,
    /// Pods on each node.
    #[arg(long)]
    pods: u32,
}

/// One pretend cluster, as the parent knows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pretended {
    /// Its name.
    pub name: String,
    /// A kubeconfig that opens it.
    pub kubeconfig: String,
}

/// The child: runs until its standard input ends.
pub async fn sim(options: SimCommand) -> anyhow::Result<()> {
    let SimCommand { clusters, nodes, pods } = options;
    let options = SimOptions {
        clusters,
        nodes_per_cluster: nodes..=nodes,
        pods_per_node: pods..=pods,
        seed: 7,
        ..SimOptions::default()
    };
    let sim = Sim::start(options).await?;
    let all: Vec<Pretended> = sim
        .clusters()
        .iter()
        .map(|it| Pretended { name: it.name().to_owned(), kubeconfig: it.kubeconfig() })
        .collect();
    let mut out = tokio::io::stdout();
    out.write_all(format!("{}\n", serde_json::to_string(&all)?).as_bytes()).await?;
    out.flush().await?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let mut words = line.split_ascii_whitespace();
        let behaviour = behaviour_read(words.next().unwrap_or_default())?;
        for position in words {
            let position: usize = position.parse()?;
            let cluster = sim.clusters().get(position).context("no such cluster")?;
            cluster.set(behaviour.clone()).await?;
        }
        out.write_all(b"ok\n").await?;
        out.flush().await?;
    }
    sim.stop().await;
    Ok(())
}

fn behaviour_read(word: &str) -> anyhow::Result<Behaviour> {
    Ok(match word {
        "healthy" => Behaviour::Healthy,
        "down" => Behaviour::Down,
        "hang" => Behaviour::Hang,
        "endless" => Behaviour::EndlessBody,
        "drip" => Behaviour::Drip { pause_milliseconds: 200 },
        // A day: more than anybody should wait.
        "later" => Behaviour::RateLimited { retry_after_seconds: 86_400 },
        other => bail!("{other} is no behaviour"),
    })
}

/// The parent's end: a running fleet.
#[derive(Debug)]
pub struct Pretend {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    /// Every cluster, by position.
    pub clusters: Vec<Pretended>,
}

impl Pretend {
    /// Starts `clusters` pretend clusters of this size.
    pub async fn start(clusters: usize, nodes: u32, pods: u32) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("sim")
            .args(["--clusters", &clusters.to_string()])
            .args(["--nodes", &nodes.to_string()])
            .args(["--pods", &pods.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("start the pretend clusters")?;
        let input = child.stdin.take().context("its input")?;
        let mut output = BufReader::new(child.stdout.take().context("its output")?).lines();
        let line = timeout(START_DEADLINE, output.next_line())
            .await
            .context("the pretend clusters did not start in time")??
            .context("the pretend clusters ended")?;
        let clusters = serde_json::from_str(&line)?;
        Ok(Self { child, input, output, clusters })
    }

    /// Makes those at `positions` behave so; in force when this returns.
    pub async fn set(
        &mut self,
        behaviour: &str,
        positions: impl IntoIterator<Item = usize>,
    ) -> anyhow::Result<()> {
        let mut line = behaviour.to_owned();
        for it in positions {
            line.push_str(&format!(" {it}"));
        }
        line.push('\n');
        self.input.write_all(line.as_bytes()).await?;
        let answer = timeout(SWITCH_DEADLINE, self.output.next_line()).await??;
        ensure!(answer.as_deref() == Some("ok"), "the pretend clusters said {answer:?}");
        Ok(())
    }

    /// Ends it.
    pub async fn stop(mut self) {
        drop(self.input);
        if timeout(Duration::from_secs(20), self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}
