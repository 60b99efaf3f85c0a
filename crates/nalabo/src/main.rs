//! The `nalabo` program: serve, try out, administer, examine.

mod admin;
mod check;
mod demo;
mod doctor;
mod kube_listener;
mod serve;
mod settings;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Back-office for hands-on Kubernetes workshops.
#[derive(Debug, Parser)]
#[command(name = "nalabo", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(Box<settings::Settings>),
    /// Try it out: a throw-away server with clusters connected already.
    Demo(demo::DemoOptions),
    /// Accounts and keys.
    Admin(Box<admin::AdminOptions>),
    /// Check every setting and say what to do.
    Doctor(Box<settings::Settings>),
    /// Test a kubeconfig from this terminal, stage by stage.
    Check(check::CheckOptions),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // A core file would hold credentials, and so would the memory of another user's debugger.
    let _ = nix::sys::prctl::set_dumpable(false);
    nalabo_fleet::crypto_provider_install();
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(cli.command)));
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("nalabo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(settings) => {
            settings.log_start();
            serve::serve(&settings).await.map(|()| ExitCode::SUCCESS)
        }
        Command::Demo(options) => demo::demo(options).await.map(|()| ExitCode::SUCCESS),
        Command::Admin(options) => admin::admin(*options).await.map(|()| ExitCode::SUCCESS),
        Command::Doctor(settings) => Ok(doctor::doctor(&settings).await),
        Command::Check(options) => check::check(options).await,
    }
}
