//! `nalabo-bench`: measures the built program against its goals, and writes what it saw.
//!
//! Promises: the program runs as a process of its own, as people run it, on its private
//! PostgreSQL with `fsync` on, against pretend clusters of another process; CPU and memory are
//! the kernel's figures of those processes; what was measured is written as it was, rounded
//! against us. Does not: judge on a machine that is busy with other things; it says how busy.
//!
//! ```text
//! nalabo-bench run g1 g4 ──▶ nalabo serve ──▶ PostgreSQL
//!        │                        │
//!        └──▶ nalabo-bench sim ◀──┘ probes, full checks
//! ```

mod goals;
mod house;
mod load;
mod machine;
mod past;
mod pretend;
mod results;
mod stage;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};

use goals::Goal;

/// Counts what is allocated here, for the comparison of readers. The measured program has its own.
#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

#[derive(Debug, Parser)]
#[command(name = "nalabo-bench", version, about = "Measures NALABO against its goals")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure goals by name, or all of them.
    Run(RunOptions),
    /// Pretend clusters in a process of their own; told what to do on standard input.
    #[command(hide = true)]
    Sim(pretend::SimCommand),
}

/// `nalabo-bench run`.
#[derive(Debug, Args)]
pub struct RunOptions {
    /// g1 g3 g4 g5 g7 g8 g9 g11 g12 parse: all of them when none is named.
    goals: Vec<Goal>,
    /// The built program.
    #[arg(long, env = "NALABO_BENCH_PROGRAM")]
    program: PathBuf,
    /// Few clusters and short times, to see that the benches work. Judges nothing.
    #[arg(long)]
    quick: bool,
    /// The file to write; sections of goals that were not measured stay as they are.
    #[arg(long, default_value = "bench/RESULTS.md")]
    results: PathBuf,
    /// Said in the results beside the machine, for example what else ran.
    #[arg(long, default_value = "")]
    note: String,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    nalabo_fleet::crypto_provider_install();
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| match cli.command {
            Command::Run(options) => runtime.block_on(run(options)),
            Command::Sim(options) => runtime.block_on(pretend::sim(options)),
        });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nalabo-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: RunOptions) -> anyhow::Result<()> {
    let program = std::fs::canonicalize(&options.program)
        .with_context(|| format!("{}: build it with `make release`", options.program.display()))?;
    let goals = if options.goals.is_empty() { Goal::ALL.to_vec() } else { options.goals.clone() };
    let mut stage = stage::Stage::new(program, options.quick);
    let mut failed = 0;
    for goal in Goal::ALL.into_iter().filter(|it| goals.contains(it)) {
        eprintln!("== {}", goal.title());
        let before = machine::busy_read();
        let measured = goal.measure(&mut stage).await;
        let others = machine::others_share(&before);
        match measured {
            Ok(lines) => {
                for line in &lines {
                    eprintln!("{}", line.spoken());
                }
                results::write(&options.results, goal, &lines, &options, others)?;
            }
            // One bench that breaks does not cost the figures of the others.
            Err(error) => {
                failed += 1;
                eprintln!("{}: not measured: {error:#}", goal.title());
            }
        }
    }
    stage.end().await;
    anyhow::ensure!(failed == 0, "{failed} goals could not be measured");
    Ok(())
}
