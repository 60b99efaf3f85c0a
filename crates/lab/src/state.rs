//! What a running lab has on this machine, and the removal of what a dead one left.
//!
//! Each lab has one folder, `nalabo-lab-NAME-xxxxxx`, with a lock the kernel releases when its owner
//! dies, however it dies. A folder whose lock can be taken belongs to nobody: its processes, control
//! groups, network interface and files are removed by the next lab that starts.
//! Does not: touch folders of other users, or a process whose start time differs from the record.

use std::{
    env,
    fs::{self, File, OpenOptions},
    net::{Ipv4Addr, TcpListener},
    os::{
        linux::net::SocketAddrExt,
        unix::{
            fs::MetadataExt,
            net::{SocketAddr, UnixListener},
        },
    },
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, geteuid},
};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Doing, LabError},
    paths,
    process::{self, Component, ProcessId},
};

const STATE: &str = "state.json";
const LOCK: &str = "lock";
/// A folder without a state file younger than this may be one that is just being made.
const NEWBORN: Duration = Duration::from_secs(60);

/// What has to be removed when a lab ends, besides its folder.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Belongings {
    processes: Vec<ProcessId>,
    /// Control groups of this name, in every hierarchy.
    cgroup: Option<String>,
    /// The host's end of the cable to the node.
    interface: Option<String>,
}

/// The folder of one lab; removed with all that belongs to the lab when dropped.
#[derive(Debug)]
pub(crate) struct LabDir {
    path: PathBuf,
    belongings: Belongings,
    _lock: File,
}

impl LabDir {
    /// Makes a folder for `name`, after removing what dead labs left.
    pub fn create(name: &str) -> Result<Self, LabError> {
        sweep();
        let path =
            env::temp_dir().join(format!("{}{name}-{}", paths::PREFIX, paths::random_suffix()));
        paths::create_private_dir(&path)?;
        let lock = lock_file(&path).doing(|| format!("lock {}", path.display()))?;
        lock.try_lock().map_err(|cause| LabError::Io {
            doing: format!("lock {}", path.display()),
            cause: cause.into(),
        })?;
        let dir = Self { path, belongings: Belongings::default(), _lock: lock };
        dir.write()?;
        Ok(dir)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A folder inside this one, made when it is missing.
    pub fn sub(&self, name: &str) -> Result<PathBuf, LabError> {
        let path = self.path.join(name);
        paths::create_private_dir(&path)?;
        Ok(path)
    }

    pub fn process_add(&mut self, component: &Component) -> Result<(), LabError> {
        self.belongings.processes.extend(ProcessId::of(component.pid()));
        self.write()
    }

    pub fn cgroup_set(&mut self, name: String) -> Result<(), LabError> {
        self.belongings.cgroup = Some(name);
        self.write()
    }

    pub fn interface_set(&mut self, name: String) -> Result<(), LabError> {
        self.belongings.interface = Some(name);
        self.write()
    }

    fn write(&self) -> Result<(), LabError> {
        let text = serde_json::to_vec_pretty(&self.belongings)
            .expect("names and numbers always serialize");
        let next = self.path.join("state.json.next");
        paths::write_private(&next, text)?;
        fs::rename(&next, self.path.join(STATE))
            .doing(|| format!("write the state of {}", self.path.display()))
    }
}

impl Drop for LabDir {
    fn drop(&mut self) {
        // For whoever has to find out why a lab did not start.
        if env::var_os("NALABO_LAB_KEEP").is_some() {
            self.belongings.remove();
            eprintln!("lab: kept {}", self.path.display());
            return;
        }
        remove(&self.path, &self.belongings);
    }
}

fn lock_file(folder: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(LOCK))
}

/// Removes every lab of this user whose owner is gone.
pub fn sweep() {
    let Ok(entries) = fs::read_dir(env::temp_dir()) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let ours = entry.file_name().to_string_lossy().starts_with(paths::PREFIX)
            && fs::symlink_metadata(&path)
                .is_ok_and(|data| data.is_dir() && data.uid() == geteuid().as_raw());
        if ours && (path.join(STATE).exists() || old(&path)) {
            sweep_one(&path);
        }
    }
}

fn old(path: &Path) -> bool {
    let modified = fs::metadata(path).and_then(|data| data.modified());
    modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > NEWBORN))
}

fn sweep_one(path: &Path) {
    let Ok(lock) = OpenOptions::new().write(true).open(path.join(LOCK)) else { return };
    if lock.try_lock().is_err() {
        return;
    }
    let belongings = fs::read(path.join(STATE))
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    remove(path, &belongings);
}

impl Belongings {
    fn remove(&self) {
        for process in self.processes.iter().rev() {
            process.kill();
        }
        if let Some(interface) = &self.interface {
            // Usually gone already, with the namespace that held its other end.
            let mut delete = Command::new("ip");
            delete.args(["link", "delete", interface]);
            let _ = process::run_blocking(&mut delete, Duration::from_secs(10));
        }
        if let Some(name) = &self.cgroup {
            cgroups_remove(name);
        }
    }
}

fn remove(path: &Path, belongings: &Belongings) {
    belongings.remove();
    // The last processes may still be closing their files.
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        match fs::remove_dir_all(path) {
            Ok(()) => return,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return,
            Err(cause) if Instant::now() > until => {
                eprintln!("lab: {} is left behind: {cause}", path.display());
                return;
            }
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// The folders under which control groups are made: one per controller, or the unified one.
pub(crate) fn cgroup_hierarchies() -> Vec<PathBuf> {
    let root = PathBuf::from("/sys/fs/cgroup");
    if root.join("cgroup.controllers").exists() {
        return vec![root];
    }
    let folders = fs::read_dir(&root).into_iter().flatten().flatten().map(|entry| entry.path());
    folders.filter(|path| path.join("cgroup.procs").exists()).collect()
}

/// Ends what still runs in the control groups of that name, then removes them.
fn cgroups_remove(name: &str) {
    let until = Instant::now() + Duration::from_secs(10);
    for hierarchy in cgroup_hierarchies() {
        let group = hierarchy.join(name);
        while group.exists() && Instant::now() < until {
            if cgroup_remove(&group).is_err() {
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

fn cgroup_remove(group: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(group)?.flatten() {
        if entry.file_type()?.is_dir() {
            cgroup_remove(&entry.path())?;
        }
    }
    // Only processes of this lab are in its groups, so they may be ended by their number.
    for pid in fs::read_to_string(group.join("cgroup.procs"))?.lines() {
        if let Ok(pid) = pid.parse() {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
    fs::remove_dir(group)
}

/// A loopback address that no other lab uses while this value lives.
///
/// Held by a socket with an abstract name: every user of this machine sees it, the kernel releases
/// it with its owner, and it leaves no file.
#[derive(Debug)]
pub(crate) struct Claim {
    /// The last but one part of the address; also numbers the node's network.
    pub number: u8,
    _name: UnixListener,
}

impl Claim {
    pub fn take() -> Result<Self, LabError> {
        for number in 1..=250 {
            let name = SocketAddr::from_abstract_name(format!("{}{number}", paths::PREFIX))
                .doing(|| "name an address of the lab".to_owned())?;
            let Ok(held) = UnixListener::bind_addr(&name) else { continue };
            let claim = Self { number, _name: held };
            // A program that is no lab shows on the port.
            if claim.free() {
                return Ok(claim);
            }
        }
        Err(LabError::NoAddress)
    }

    pub fn loopback(&self) -> Ipv4Addr {
        Ipv4Addr::new(127, 90, self.number, 1)
    }

    /// The node's address inside its namespace, and the host's at the other end of the cable.
    pub fn node(&self) -> (Ipv4Addr, Ipv4Addr) {
        (Ipv4Addr::new(10, 90, self.number, 1), Ipv4Addr::new(10, 90, self.number, 2))
    }

    fn free(&self) -> bool {
        let (node, host) = self.node();
        let in_use = |address: Ipv4Addr| TcpListener::bind((address, 0)).is_ok();
        TcpListener::bind((self.loopback(), crate::fault::PORT)).is_ok()
            && !in_use(node)
            && !in_use(host)
    }

    /// A port that is free on the lab's address: the usual one, unless a program listens on every
    /// address of the machine.
    pub fn port(&self, usual: u16) -> Result<u16, LabError> {
        let address = self.loopback();
        TcpListener::bind((address, usual))
            .or_else(|_| TcpListener::bind((address, 0)))
            .and_then(|listener| listener.local_addr())
            .map(|address| address.port())
            .doing(|| format!("find a free port on {address}"))
    }
}
