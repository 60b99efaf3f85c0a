//! `nalabo-lab`: the lab from the shell.
//!
//! `up` and `down` for people, `run` for `make test`, `fault` to break what runs, `build` to have
//! everything ready, `postgres` for a database to develop against.

mod cli {
    pub mod run;
    pub mod up;
}

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use nalabo_lab::{Fault, Lab, LabError, Postgres, build, paths};

/// Real Kubernetes clusters for tests and the demo: started, broken and removed at will.
#[derive(Parser)]
#[command(name = "nalabo-lab", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds the lab's programs that are not in the cache yet.
    Build {
        /// Names of programs, as the folders of testbed/; all of them when none is given.
        names: Vec<String>,
    },
    /// Starts `paris` (a control plane with pretended nodes) and, as root, `lyon` (a real node).
    Up {
        /// Returns when the clusters are ready and leaves them running; `down` ends them.
        #[arg(long)]
        background: bool,
        /// Only this cluster.
        #[arg(long, value_parser = ["paris", "lyon"])]
        only: Option<String>,
        /// Where the kubeconfigs and tokens are written.
        #[arg(long, env = "NALABO_LAB_DIR", default_value = ".lab")]
        dir: PathBuf,
    },
    /// Stops and removes what `up` started.
    Down {
        #[arg(long, env = "NALABO_LAB_DIR", default_value = ".lab")]
        dir: PathBuf,
    },
    /// Breaks the road to a cluster, or mends it with `none`; without a fault, shows the present one.
    #[command(after_help = format!("Faults: {}", nalabo_lab::FAULT_HELP))]
    Fault { cluster: String, fault: Option<String> },
    /// Runs a command with a PostgreSQL and the shared clusters, and removes them after it.
    Run {
        /// Without clusters: only the PostgreSQL.
        #[arg(long)]
        no_clusters: bool,
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// A throw-away PostgreSQL; prints its DATABASE_URL and ends with Ctrl-C.
    Postgres,
}

// One thread, the first: children are told of its end, and it ends with the process.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match dispatch(Cli::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("lab: {}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(command: Command) -> Result<ExitCode, LabError> {
    match command {
        Command::Build { names } => {
            let binaries = if names.is_empty() {
                build::ALL.to_vec()
            } else {
                names.iter().map(|name| binary(name)).collect::<Result<_, _>>()?
            };
            build::build(&binaries)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Up { background: true, only, dir } => cli::up::background(&dir, only).await,
        Command::Up { background: false, only, dir } => cli::up::foreground(&dir, only).await,
        Command::Down { dir } => cli::up::down(&dir).await,
        Command::Fault { cluster, fault } => {
            let road = Lab::attach(&cluster)?.fault();
            match fault {
                Some(fault) => road.set(fault.parse::<Fault>()?)?,
                None => println!("{}", road.get()?),
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Run { no_clusters, command } => cli::run::run(&command, !no_clusters).await,
        Command::Postgres => {
            let postgres = Postgres::start().await?;
            println!("DATABASE_URL={}", postgres.url());
            cli::run::stop_signal().await;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn binary(name: &str) -> Result<&'static build::Binary, LabError> {
    build::binary_find(name).ok_or_else(|| LabError::ProgramMissing {
        program: format!("{name} in {}", paths::testbed_dir().display()),
    })
}

/// An error with its causes, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
