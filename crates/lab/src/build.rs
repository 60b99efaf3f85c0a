//! Builds the lab's programs from their Go modules, once for each content.
//!
//! Promises: a program lives in the cache under a name that holds the hash of its module files, its
//! sources and its flags, so building again costs nothing and a changed module builds anew; two
//! builders at once do not disturb each other; a half-built program is never seen.
//! Does not: remove old builds, or fetch anything but what `go build` needs.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};

use crate::{
    error::{Doing, LabError},
    paths, process,
};

/// A build of everything on a slow machine; one program takes a few minutes.
const BUILD_DEADLINE: Duration = Duration::from_secs(40 * 60);

/// One program of the lab and how it is built.
#[derive(Debug)]
pub struct Binary {
    /// The folder under `testbed/` that holds its module, and the name of the program.
    pub name: &'static str,
    package: &'static str,
    cgo: bool,
    tags: &'static str,
    ldflags: &'static str,
    /// What the progress line calls it, and how long it takes on two cores with nothing cached.
    shown: &'static str,
    about_minutes: u32,
}

const PLAIN: Binary = Binary {
    name: "",
    package: ".",
    cgo: false,
    tags: "",
    ldflags: "-s -w",
    shown: "",
    about_minutes: 1,
};

pub static KUBE: Binary = Binary {
    name: "kube",
    // The version is stamped by the linker in every Kubernetes build; without it the API server
    // calls itself v0.0.0.
    ldflags: "-s -w -X k8s.io/component-base/version.gitVersion=v1.35.4 -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=35",
    shown: "kube-apiserver, etcd, kubelet and friends",
    about_minutes: 6,
    ..PLAIN
};
pub static KWOK: Binary = Binary {
    name: "kwok",
    package: "sigs.k8s.io/kwok/cmd/kwok",
    shown: "kwok (pretended nodes)",
    about_minutes: 2,
    ..PLAIN
};
pub static METRICS_SERVER: Binary = Binary {
    name: "metrics-server",
    package: "sigs.k8s.io/metrics-server/cmd/metrics-server",
    shown: "metrics-server",
    about_minutes: 2,
    ..PLAIN
};
pub static KINE: Binary = Binary {
    name: "kine",
    package: "github.com/k3s-io/kine",
    // SQLite is C; static, because the image it goes into holds no C library.
    cgo: true,
    tags: "netgo,osusergo",
    ldflags: "-s -w -linkmode external -extldflags -static",
    shown: "kine (the store of a vCluster)",
    about_minutes: 1,
};
pub static COREDNS: Binary = Binary {
    name: "coredns",
    package: "github.com/coredns/coredns",
    shown: "CoreDNS",
    about_minutes: 2,
    ..PLAIN
};
pub static VCLUSTER: Binary =
    Binary { name: "vcluster", shown: "vCluster", about_minutes: 5, ..PLAIN };
pub static LOCAL_PATH: Binary = Binary {
    name: "local-path-provisioner",
    package: "github.com/rancher/local-path-provisioner",
    shown: "local-path-provisioner (volumes)",
    about_minutes: 1,
    ..PLAIN
};
pub static KUBE_ROUTER: Binary = Binary {
    name: "kube-router",
    package: "github.com/cloudnativelabs/kube-router/cmd/kube-router",
    shown: "kube-router (network policies)",
    about_minutes: 2,
    ..PLAIN
};

/// Prometheus' own linter of metrics; small, and built by the test that uses it.
pub static PROMLINT: Binary =
    Binary { name: "promlint", shown: "promlint (linter of metrics)", ..PLAIN };

/// A server that scrapes and answers as Prometheus does; built by the tests that use it.
pub static VICTORIA_METRICS: Binary = Binary {
    name: "victoriametrics",
    package: "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics",
    shown: "VictoriaMetrics (a Prometheus-compatible server)",
    ..PLAIN
};

/// A mail server; small, and built by the test that uses it.
pub static SMTP: Binary = Binary { name: "smtp", shown: "an SMTP server", ..PLAIN };

/// What a control plane with pretended nodes needs.
pub static CONTROL_PLANE: [&Binary; 3] = [&KUBE, &KWOK, &METRICS_SERVER];
/// Everything: what a real node with vClusters needs.
pub static ALL: [&Binary; 11] = [
    &KUBE,
    &KWOK,
    &METRICS_SERVER,
    &KINE,
    &COREDNS,
    &LOCAL_PATH,
    &KUBE_ROUTER,
    &VCLUSTER,
    &PROMLINT,
    &VICTORIA_METRICS,
    &SMTP,
];

/// Finds a program by the name people type.
pub fn binary_find(name: &str) -> Option<&'static Binary> {
    ALL.into_iter().find(|binary| binary.name == name)
}

/// Builds what is missing of these, one after the other: each build uses every core by itself.
pub fn build(binaries: &[&'static Binary]) -> Result<(), LabError> {
    binaries.iter().try_for_each(|binary| binary.ensure().map(drop))
}

impl Binary {
    /// The built program, built now when it is missing.
    pub fn ensure(&self) -> Result<PathBuf, LabError> {
        let folder = paths::cache_dir().join(self.key()?);
        let program = folder.join(self.name);
        if program.is_file() {
            return Ok(program);
        }
        fs::create_dir_all(paths::cache_dir())
            .doing(|| format!("create {}", paths::cache_dir().display()))?;
        let _lock = build_lock(self.name)?;
        // Another builder may have finished while we waited for its lock.
        if !program.is_file() {
            self.build_into(&folder)?;
        }
        Ok(program)
    }

    /// The name of its folder in the cache: what the program is, hashed.
    pub fn key(&self) -> Result<String, LabError> {
        let module = paths::testbed_dir().join(self.name);
        let mut hash = Sha256::new();
        for file in module_files(&module)? {
            let content = fs::read(&file).doing(|| format!("read {}", file.display()))?;
            hash.update(format!("{} {}\n", file_name(&file), content.len()));
            hash.update(content);
        }
        hash.update(format!("{} {} {} {}", self.package, self.cgo, self.tags, self.ldflags));
        let digest =
            hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>();
        Ok(format!("{}-{digest}", self.name))
    }

    fn build_into(&self, folder: &Path) -> Result<(), LabError> {
        let started = Instant::now();
        eprintln!(
            "lab: building {}, about {} min the first time …",
            self.shown, self.about_minutes
        );
        let next = folder.with_extension(format!("next-{}", std::process::id()));
        let _ = fs::remove_dir_all(&next);
        fs::create_dir_all(&next).doing(|| format!("create {}", next.display()))?;
        let log = paths::cache_dir().join(format!("{}.build.log", self.name));
        let outcome = self.go_build(&next, &log).and_then(|()| {
            if self.name == KWOK.name { self.kwok_files_copy(&next, &log) } else { Ok(()) }
        });
        if let Err(error) = outcome {
            let _ = fs::remove_dir_all(&next);
            return Err(error);
        }
        fs::rename(&next, folder).doing(|| format!("keep the build in {}", folder.display()))?;
        eprintln!("lab: built {} in {} s", self.name, started.elapsed().as_secs());
        Ok(())
    }

    fn go_build(&self, folder: &Path, log: &Path) -> Result<(), LabError> {
        let mut go = self.go()?;
        go.args([
            "build",
            "-trimpath",
            "-buildvcs=false",
            "-mod=readonly",
            "-ldflags",
            self.ldflags,
        ]);
        if !self.tags.is_empty() {
            go.args(["-tags", self.tags]);
        }
        go.arg("-o").arg(folder.join(self.name)).arg(self.package);
        let file = File::create(log).doing(|| format!("create {}", log.display()))?;
        let errors = file.try_clone().doing(|| format!("open {}", log.display()))?;
        let mut child = go
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .spawn()
            .doing(|| "start go build".to_owned())?;
        let until = Instant::now() + BUILD_DEADLINE;
        let failed =
            |detail: String| LabError::Build { binary: self.name, detail, log: log.to_owned() };
        loop {
            match child.try_wait().doing(|| "wait for go build".to_owned())? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(failed(format!("go build ended with {status}"))),
                None if Instant::now() > until => {
                    let _ = child.kill();
                    let _ = child.wait();
                    let minutes = BUILD_DEADLINE.as_secs() / 60;
                    return Err(failed(format!("go build took more than {minutes} min")));
                }
                None => thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    /// A `go` in the module's folder, kind to whatever else this machine does.
    fn go(&self) -> Result<Command, LabError> {
        let mut command = Command::new(paths::program("nice")?);
        command
            .args(["-n", "10"])
            .arg(paths::program("go")?)
            .current_dir(paths::testbed_dir().join(self.name))
            .env("CGO_ENABLED", if self.cgo { "1" } else { "0" });
        Ok(command)
    }

    /// How pretended nodes and pods behave is data in kwok's module; it is kept beside the program.
    fn kwok_files_copy(&self, folder: &Path, log: &Path) -> Result<(), LabError> {
        let mut go = self.go()?;
        go.args(["list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok"]);
        let folder_line = process::run_blocking(&mut go, Duration::from_secs(300))?;
        let module = PathBuf::from(folder_line.trim());
        for (file, sources) in KWOK_FILES {
            let mut documents = Vec::new();
            for source in sources {
                documents.extend(yaml_documents(&module.join("kustomize").join(source))?);
            }
            if documents.is_empty() {
                return Err(LabError::Build {
                    binary: self.name,
                    detail: format!("found nothing for {file} in {}", module.display()),
                    log: log.to_owned(),
                });
            }
            let path = folder.join(file);
            fs::write(&path, documents.join("\n---\n"))
                .doing(|| format!("write {}", path.display()))?;
        }
        Ok(())
    }
}

pub(crate) const KWOK_STAGES: &str = "stages.yaml";
pub(crate) const KWOK_CRDS: &str = "crds.yaml";
pub(crate) const KWOK_METRICS: &str = "metrics.yaml";
/// What is read from kwok's module, and into which file it is put together.
const KWOK_FILES: [(&str, &[&str]); 3] = [
    (KWOK_STAGES, &["stage/node/fast", "stage/node/heartbeat-with-lease", "stage/pod/fast"]),
    (
        KWOK_CRDS,
        &[
            "crd/bases/kwok.x-k8s.io_metrics.yaml",
            "crd/bases/kwok.x-k8s.io_clusterresourceusages.yaml",
        ],
    ),
    (KWOK_METRICS, &["metrics/resource", "metrics/usage"]),
];

/// The YAML of one file, or of every file of a folder but what kustomize keeps there.
fn yaml_documents(source: &Path) -> Result<Vec<String>, LabError> {
    let read =
        |path: &PathBuf| fs::read_to_string(path).doing(|| format!("read {}", path.display()));
    if source.is_file() {
        return Ok(vec![read(&source.to_owned())?]);
    }
    let mut files: Vec<PathBuf> = fs::read_dir(source)
        .doing(|| format!("read {}", source.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|it| it == "yaml"))
        .filter(|path| file_name(path) != "kustomization.yaml")
        .collect();
    files.sort();
    files.iter().map(read).collect()
}

/// What decides the content of a build: the module's two files and its sources.
fn module_files(module: &Path) -> Result<Vec<PathBuf>, LabError> {
    let mut files: Vec<PathBuf> = fs::read_dir(module)
        .doing(|| format!("read {}", module.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|it| it == "go" || it == "mod" || it == "sum"))
        .collect();
    files.sort();
    Ok(files)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Waits for the lock on the cache entry called `name`; the kernel releases it if a builder dies.
pub(crate) fn build_lock(name: &str) -> Result<File, LabError> {
    let path = paths::cache_dir().join(format!("{name}.lock"));
    let open = || OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let lock = open().doing(|| format!("open {}", path.display()))?;
    let until = Instant::now() + BUILD_DEADLINE;
    let mut said = false;
    while lock.try_lock().is_err() {
        if Instant::now() > until {
            return Err(LabError::CommandTooSlow {
                command: format!("the other build of {name}"),
                seconds: BUILD_DEADLINE.as_secs(),
            });
        }
        if !said {
            eprintln!("lab: waiting for another build of {name} …");
            said = true;
        }
        thread::sleep(Duration::from_millis(200));
    }
    Ok(lock)
}
