//! The namespaces of a real node, and the cable that connects them to the host.
//!
//! One first process holds them; the kernel ends every process of the node and removes its mounts,
//! interfaces and rules with it, also when the lab is killed. The host's end of the cable can stay
//! behind for a moment; a later lab removes it.
//! Does not: know what runs inside.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use crate::{
    cluster::blocking,
    error::{Doing, LabError},
    images, paths,
    process::{self, Component, Launch},
    state::{Claim, LabDir},
};

/// For commands that set something up and end.
pub(crate) const COMMAND_DEADLINE: Duration = Duration::from_secs(10);

/// The namespaces of a node.
pub(crate) struct Sandbox {
    holder: Component,
    /// Its first process, as the host numbers it.
    first: u32,
}

impl Sandbox {
    /// Makes the namespaces and lays the cable to the host.
    pub async fn create(dir: &mut LabDir, claim: &Claim) -> Result<Self, LabError> {
        let pause = blocking(images::pause_program).await?;
        let folder = dir.path().to_owned();
        let script = folder.join("node-init.sh");
        paths::write_private(&script, include_str!("../../../testbed/config/node-init.sh"))?;
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let mut command: Vec<String> = [
            "unshare",
            "--net",
            "--pid",
            "--mount",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "--propagation",
            "slave",
            "sh",
        ]
        .map(str::to_owned)
        .to_vec();
        command.extend([text(&script), text(&folder), text(&pause)]);
        let mut holder = Launch::new("node-init", &dir.sub("log")?, command).start()?;
        dir.process_add(&holder)?;
        let first = first_process(&mut holder, &folder.join("node-init.done")).await?;
        let sandbox = Self { holder, first };
        sandbox.cable_lay(dir, claim).await?;
        Ok(sandbox)
    }

    async fn cable_lay(&self, dir: &mut LabDir, claim: &Claim) -> Result<(), LabError> {
        let interface = format!("{}{}", paths::PREFIX, claim.number);
        let (node, host) = claim.node();
        let (node_net, host_net) = (format!("{node}/24"), format!("{host}/24"));
        let (host, first) = (host.to_string(), self.first.to_string());
        // One of that name can only be what a dead lab of this number left.
        let _ = process::run(&["ip", "link", "delete", &interface], COMMAND_DEADLINE).await;
        dir.interface_set(interface.clone())?;
        let on_host: [&[&str]; 3] = [
            &[
                "ip", "link", "add", &interface, "type", "veth", "peer", "name", "eth0", "netns",
                &first,
            ],
            &["ip", "addr", "add", &host_net, "dev", &interface],
            &["ip", "link", "set", &interface, "up"],
        ];
        for command in on_host {
            process::run(command, COMMAND_DEADLINE).await?;
        }
        let inside: [&[&str]; 3] = [
            &["ip", "addr", "add", &node_net, "dev", "eth0"],
            &["ip", "link", "set", "eth0", "up"],
            &["ip", "route", "add", "default", "via", &host],
        ];
        for command in inside {
            let mut entered = vec!["nsenter", "-t", &first, "--net", "--"];
            entered.extend(command);
            process::run(&entered, COMMAND_DEADLINE).await?;
        }
        Ok(())
    }

    fn enter(&self, namespaces: &[&str]) -> Vec<String> {
        let mut command = vec!["nsenter".to_owned(), "-t".to_owned(), self.first.to_string()];
        command.extend(namespaces.iter().map(|it| (*it).to_owned()));
        command.push("--".to_owned());
        command
    }

    /// The same component, seeing the node's network and the host's files and processes.
    pub fn inside_network(&self, mut launch: Launch) -> Launch {
        let command = std::mem::take(&mut launch.command);
        launch.command = self.enter(&["--net"]);
        launch.command.extend(command);
        launch
    }

    /// The same component, wholly on the node.
    pub fn inside(&self, mut launch: Launch) -> Launch {
        let command = std::mem::take(&mut launch.command);
        launch.command = self.enter(&["--net", "--pid", "--mount"]);
        launch.command.extend(command);
        launch
    }

    /// Runs a short command on the node.
    pub async fn run(&self, command: &[&str], deadline: Duration) -> Result<String, LabError> {
        let entered = self.enter(&["--net", "--pid", "--mount"]);
        let mut entered: Vec<&str> = entered.iter().map(String::as_str).collect();
        entered.extend(command);
        process::run(&entered, deadline).await
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Its child, the first process, goes with it, and with that everything on the node.
        self.holder.stop(Signal::SIGKILL, Duration::from_secs(10));
    }
}

async fn first_process(holder: &mut Component, done: &Path) -> Result<u32, LabError> {
    let until = Instant::now() + COMMAND_DEADLINE;
    let waiting_for = || "the first process of the node".to_owned();
    while !done.exists() {
        let log = holder.log().to_owned();
        if holder.stopped().is_some() {
            let component = holder.name().to_owned();
            return Err(LabError::ComponentStopped { component, waiting_for: waiting_for(), log });
        }
        if Instant::now() > until {
            let seconds = COMMAND_DEADLINE.as_secs();
            return Err(LabError::TooLate { waiting_for: waiting_for(), seconds, log });
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let pid = holder.pid();
    let children = format!("/proc/{pid}/task/{pid}/children");
    let text = fs::read_to_string(&children).doing(|| format!("read {children}"))?;
    text.trim().parse().map_err(|_| LabError::Command {
        command: "unshare".to_owned(),
        output: format!("has {text:?} as children, where one was expected"),
    })
}
