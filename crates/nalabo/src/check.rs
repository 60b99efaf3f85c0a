//! `nalabo check`: the staged connection test, in a terminal.
//!
//! The same reader, guard and stages as the console; nothing is stored and no database is needed.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use ipnet::IpNet;
use nalabo_core::clock::{Clock as _, SystemClock};
use nalabo_core::connection::{Advice, Outcome, Stage, StageEvent, StageResult};
use nalabo_fleet::{
    AddressPolicy, ContextEntry, InfrastructureFactory, Refusal, in_cluster_source,
    kubeconfig_parse, kubeconfig_source,
};
use tokio::sync::mpsc;

/// Most bytes of a kubeconfig that are read; the reader refuses more than 256 KiB by itself.
const READ_MAX_BYTES: u64 = 1024 * 1024;

/// `nalabo check KUBECONFIG`.
#[derive(Debug, Args)]
pub struct CheckOptions {
    /// The kubeconfig; `-` reads standard input.
    #[arg(required_unless_present = "in_cluster")]
    kubeconfig: Option<PathBuf>,
    /// Test the cluster that this runs in, by its pod's service account.
    #[arg(long, conflicts_with_all = ["kubeconfig", "context", "list"])]
    in_cluster: bool,
    /// Test this context instead of the current one.
    #[arg(long)]
    context: Option<String>,
    /// List the contexts, test nothing.
    #[arg(long)]
    list: bool,
    /// Networks that may be contacted although they are loopback or link-local.
    #[arg(long, env = "NALABO_ALLOW_NETWORKS", value_delimiter = ',')]
    allow_networks: Vec<IpNet>,
    /// Networks that must not be contacted.
    #[arg(long, env = "NALABO_DENY_NETWORKS", value_delimiter = ',')]
    deny_networks: Vec<IpNet>,
    /// Ports of API servers beside 443, 6443, 8443 and 16443.
    #[arg(long, env = "NALABO_ALLOW_PORTS", value_delimiter = ',')]
    allow_ports: Vec<u16>,
}

/// Runs the test; the exit code says whether it passed.
pub async fn check(options: CheckOptions) -> anyhow::Result<ExitCode> {
    let read = match &options.kubeconfig {
        None => in_cluster_source(),
        Some(path) => {
            let text = kubeconfig_read(path)?;
            if options.list {
                return Ok(match kubeconfig_parse(&text) {
                    Ok(contexts) => contexts_print(&contexts),
                    Err(refusal) => refusal_print(&refusal),
                });
            }
            kubeconfig_source(&text, options.context.as_deref())
        }
    };
    let source = match read {
        Ok(source) => source,
        Err(refusal) => return Ok(refusal_print(&refusal)),
    };
    let mut policy = AddressPolicy::new(options.allow_networks, options.deny_networks);
    policy.ports.extend(options.allow_ports);
    let service = match InfrastructureFactory::new(policy).service(&source) {
        Ok(service) => service,
        Err(failure) => bail!("{}", failure.detail),
    };
    println!("{}", source.face().endpoint);
    let (events, mut heard) = mpsc::channel(32);
    let printing = tokio::spawn(async move {
        while let Some(event) = heard.recv().await {
            if let StageEvent::Ended { result, .. } = event {
                stage_print(&result);
            }
        }
    });
    let tested = service.connection_test(events, SystemClock.now()).await;
    printing.await?;
    if tested.report.passed {
        println!("\nThis configuration can be connected.");
        if tested.report.overpowered {
            println!(
                "It may do more than NALABO needs: let the console make a narrow service account."
            );
        }
        return Ok(ExitCode::SUCCESS);
    }
    println!("\nThis configuration cannot be connected yet.");
    Ok(ExitCode::FAILURE)
}

fn kubeconfig_read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin().take(READ_MAX_BYTES).read_to_string(&mut text)?;
    } else {
        std::fs::File::open(path)
            .with_context(|| format!("open {}", path.display()))?
            .take(READ_MAX_BYTES)
            .read_to_string(&mut text)
            .with_context(|| format!("read {}", path.display()))?;
    }
    Ok(text)
}

fn contexts_print(contexts: &[ContextEntry]) -> ExitCode {
    for it in contexts {
        let current = if it.is_current { "*" } else { " " };
        let mark = if it.is_usable() { "✓" } else { "✗" };
        println!("{mark} {current} {}  {}", it.name, it.server.as_deref().unwrap_or("—"));
        for problem in &it.problems {
            advice_print(&problem.advice(), problem.path.as_deref());
        }
    }
    let usable = contexts.iter().any(ContextEntry::is_usable);
    if usable { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn refusal_print(refusal: &Refusal) -> ExitCode {
    println!("✗ {:<10} {}", word(Stage::Read), refusal.code.as_str());
    advice_print(&refusal.advice(), refusal.path.as_deref());
    ExitCode::FAILURE
}

fn advice_print(advice: &Advice, path: Option<&str>) {
    let place = path.map(|it| format!(" ({it})")).unwrap_or_default();
    println!("    why:  {}{place}", advice.cause);
    println!("    do:   {}", advice.remedy);
    if let Some(command) = &advice.command {
        println!("    try:  {command}");
    }
}

fn stage_print(it: &StageResult) {
    let mark = match it.outcome {
        Outcome::Passed => "✓",
        Outcome::Warning => "!",
        Outcome::Failed => "✗",
        Outcome::NotReached => "·",
    };
    let said = match (&it.finding, it.code) {
        (Some(finding), _) => finding.clone(),
        (None, Some(code)) => code.as_str(),
        (None, None) if it.outcome == Outcome::NotReached => "not reached".to_owned(),
        (None, None) => String::new(),
    };
    let took = it.duration_ms.map(|ms| format!("  {ms} ms")).unwrap_or_default();
    println!("{mark} {:<10} {said}{took}", word(it.stage));
    for right in &it.missing_rights {
        let group =
            if right.group.is_empty() { String::new() } else { format!(".{}", right.group) };
        println!("    lacks {} {}{group}: {}", right.verb, right.resource, right.purpose);
    }
    if let (Some(cause), Some(remedy)) = (&it.cause, &it.remedy) {
        let advice =
            Advice { cause: cause.clone(), remedy: remedy.clone(), command: it.command.clone() };
        advice_print(&advice, None);
    }
}

const fn word(stage: Stage) -> &'static str {
    match stage {
        Stage::Read => "read",
        Stage::Resolve => "resolve",
        Stage::Tcp => "tcp",
        Stage::Tls => "tls",
        Stage::Version => "version",
        Stage::Identity => "identity",
        Stage::Rights => "rights",
        Stage::Metrics => "metrics",
        Stage::Storage => "storage",
    }
}
