//! The images of the real node, made from built programs and busybox, without a registry.
//!
//! An image is a docker-archive: one layer, a configuration and a manifest in a tar file. It is kept
//! in the cache by content, like the programs.
//! Does not: hold a C library or a package manager; each image has one program, or busybox's.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    build::{self, Binary},
    error::{Doing, LabError},
    paths, process,
};

/// For gcc, tar and sha256sum on the largest image, on a slow disk.
const TOOL_DEADLINE: Duration = Duration::from_secs(300);

pub const PAUSE_IMAGE: &str = "nalabo-lab.local/pause:1";
pub const BUSYBOX_IMAGE: &str = "docker.io/library/busybox:1.36";
pub const COREDNS_IMAGE: &str = "nalabo-lab.local/coredns/coredns:1.12.4";
pub const VCLUSTER_IMAGE: &str = "nalabo-lab.local/loft-sh/vcluster-oss:0.36.1";
pub const KUBERNETES_IMAGE: &str = "nalabo-lab.local/loft-sh/kubernetes:v1.35.4";
/// A shell and `kubectl`, for the web terminal.
pub const TERMINAL_IMAGE: &str = "nalabo-lab.local/nalabo/terminal:1.35.4";

/// Where a file of an image comes from.
enum Source {
    Built(&'static Binary),
    /// Static busybox of this system, and a link for each of its programs.
    Busybox,
    /// The pause program, compiled from its 20 lines.
    Pause,
    Link(&'static str),
    /// A folder anyone may write to.
    Shared,
}

struct Image {
    /// The first also names its archive.
    references: &'static [&'static str],
    entrypoint: &'static [&'static str],
    files: &'static [(&'static str, Source)],
}

/// In the order they are imported: what the first pods need comes first.
static IMAGES: [Image; 5] = [
    Image {
        references: &[PAUSE_IMAGE],
        entrypoint: &["/pause"],
        files: &[("pause", Source::Pause)],
    },
    Image {
        references: &[COREDNS_IMAGE],
        entrypoint: &["/coredns"],
        files: &[("coredns", Source::Built(&build::COREDNS))],
    },
    Image {
        references: &[BUSYBOX_IMAGE],
        entrypoint: &["/bin/sh"],
        files: &[("bin/busybox", Source::Busybox), ("tmp", Source::Shared)],
    },
    Image {
        references: &[VCLUSTER_IMAGE],
        entrypoint: &["/vcluster", "start"],
        files: &[("vcluster", Source::Built(&build::VCLUSTER)), ("tmp", Source::Shared)],
    },
    // A vCluster copies /kubernetes into its own folder and starts what it finds there; one program
    // answers to all names. It is large, and kubectl too: one image serves both.
    Image {
        references: &[KUBERNETES_IMAGE, TERMINAL_IMAGE],
        entrypoint: &["/bin/sh"],
        files: &[
            ("bin/busybox", Source::Busybox),
            ("bin/kubectl", Source::Link("/kubernetes/kube")),
            ("kubernetes/kube", Source::Built(&build::KUBE)),
            ("kubernetes/kube-apiserver", Source::Link("kube")),
            ("kubernetes/kube-controller-manager", Source::Link("kube")),
            ("kubernetes/kube-scheduler", Source::Link("kube")),
            ("kubernetes/kine", Source::Built(&build::KINE)),
            ("tmp", Source::Shared),
        ],
    },
];

/// The archive of every image, made now when it is missing.
pub(crate) fn archives() -> Result<Vec<PathBuf>, LabError> {
    IMAGES.iter().map(Image::ensure).collect()
}

/// The pause program, which is also the first process of a node.
pub(crate) fn pause_program() -> Result<PathBuf, LabError> {
    let source = paths::testbed_dir().join("images/pause.c");
    let key = hash(&[&fs::read(&source).doing(|| format!("read {}", source.display()))?]);
    cached(&format!("pause-{key}"), "pause", |folder| {
        let program = folder.join("pause");
        let (source, program) = (source.to_string_lossy(), program.to_string_lossy());
        run("gcc", &["-Os", "-static", "-o", &program, &source]).map(drop)
    })
}

impl Image {
    fn ensure(&self) -> Result<PathBuf, LabError> {
        let mut parts =
            vec![format!("{} {:?}", self.references.join(" "), self.entrypoint).into_bytes()];
        for (path, source) in self.files {
            parts.push(format!("{path} {}", source.key()?).into_bytes());
        }
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let name = self.references[0].rsplit('/').next().unwrap_or_default().replace(':', "-");
        cached(&format!("image-{name}-{}", hash(&parts)), "image.tar", |folder| self.make(folder))
    }

    fn make(&self, folder: &Path) -> Result<(), LabError> {
        let root = folder.join("root");
        for (path, source) in self.files {
            source.place(&root, path)?;
        }
        let layer = folder.join("layer.tar");
        tar(&layer, &root, &["."])?;
        let digest = sha256(&layer)?;
        let config = json!({
            "architecture": std::env::consts::ARCH.replace("x86_64", "amd64").replace("aarch64", "arm64"),
            "os": "linux",
            "config": {
                "Entrypoint": self.entrypoint,
                "Env": ["PATH=/bin:/usr/bin:/usr/local/bin:/binaries", "HOME=/"],
                "WorkingDir": "/",
            },
            "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{digest}")] },
            "history": [{ "created_by": "nalabo-lab" }],
        });
        let config = config.to_string();
        let config_name = format!("{}.json", sha256_of(config.as_bytes()));
        let manifest = json!([{
            "Config": config_name, "RepoTags": self.references, "Layers": ["layer.tar"],
        }]);
        let write = |name: &str, text: &str| {
            fs::write(folder.join(name), text).doing(|| format!("write {name}"))
        };
        write(&config_name, &config)?;
        write("manifest.json", &manifest.to_string())?;
        tar(&folder.join("image.tar"), folder, &["manifest.json", &config_name, "layer.tar"])?;
        fs::remove_file(&layer).doing(|| format!("remove {}", layer.display()))?;
        fs::remove_dir_all(&root).doing(|| format!("remove {}", root.display()))
    }
}

impl Source {
    fn key(&self) -> Result<String, LabError> {
        Ok(match self {
            Source::Built(binary) => binary.key()?,
            Source::Busybox => {
                let busybox = paths::program("busybox")?;
                let content = fs::read(&busybox).doing(|| format!("read {}", busybox.display()))?;
                format!("busybox {}", hash(&[&content]))
            }
            Source::Pause => pause_program()?.to_string_lossy().into_owned(),
            Source::Link(target) => format!("-> {target}"),
            Source::Shared => "shared".to_owned(),
        })
    }

    fn place(&self, root: &Path, path: &str) -> Result<(), LabError> {
        let target = root.join(path);
        let folder = target.parent().unwrap_or(root);
        fs::create_dir_all(folder).doing(|| format!("create {}", folder.display()))?;
        match self {
            Source::Built(binary) => copy(&binary.ensure()?, &target),
            Source::Pause => copy(&pause_program()?, &target),
            Source::Link(to) => symlink(to, &target).doing(|| format!("link {}", target.display())),
            Source::Shared => fs::create_dir_all(&target)
                .and_then(|()| fs::set_permissions(&target, fs::Permissions::from_mode(0o1777)))
                .doing(|| format!("create {}", target.display())),
            Source::Busybox => {
                let busybox = paths::program("busybox")?;
                copy(&busybox, &target)?;
                let names = run("busybox", &["--list"])?;
                for name in names.lines().filter(|name| *name != "busybox") {
                    symlink("busybox", folder.join(name)).doing(|| format!("link {name}"))?;
                }
                Ok(())
            }
        }
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), LabError> {
    // A second name for the same file where the cache allows it: these are large.
    fs::hard_link(from, to)
        .or_else(|_| fs::copy(from, to).map(drop))
        .doing(|| format!("copy {}", from.display()))
}

/// Makes a folder of the cache once: built beside its place and renamed into it.
fn cached(
    key: &str,
    file: &str,
    make: impl FnOnce(&Path) -> Result<(), LabError>,
) -> Result<PathBuf, LabError> {
    let folder = paths::cache_dir().join(key);
    let wanted = folder.join(file);
    if wanted.is_file() {
        return Ok(wanted);
    }
    fs::create_dir_all(paths::cache_dir()).doing(|| "create the cache".to_owned())?;
    let _lock = build::build_lock("images")?;
    if wanted.is_file() {
        return Ok(wanted);
    }
    let next = paths::cache_dir().join(format!("{key}.next-{}", std::process::id()));
    let _ = fs::remove_dir_all(&next);
    fs::create_dir_all(&next).doing(|| format!("create {}", next.display()))?;
    let made = make(&next);
    if made.is_err() {
        let _ = fs::remove_dir_all(&next);
    }
    made?;
    fs::rename(&next, &folder).doing(|| format!("keep {}", folder.display()))?;
    Ok(wanted)
}

/// A tar file that is the same whenever its content is.
fn tar(file: &Path, folder: &Path, names: &[&str]) -> Result<(), LabError> {
    let (file, folder) = (file.to_string_lossy(), folder.to_string_lossy());
    let same = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
    let mut arguments = same.to_vec();
    arguments.extend(["--hard-dereference", "-C", &folder, "-cf", &file]);
    arguments.extend(names);
    run("tar", &arguments).map(drop)
}

fn run(program: &str, arguments: &[&str]) -> Result<String, LabError> {
    process::run_blocking(Command::new(paths::program(program)?).args(arguments), TOOL_DEADLINE)
}

/// By the system's own tool: an unoptimized build of ours would take a minute for these files.
fn sha256(file: &Path) -> Result<String, LabError> {
    let text = run("sha256sum", &[&file.to_string_lossy()])?;
    Ok(text.split_whitespace().next().unwrap_or_default().to_owned())
}

fn sha256_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hash(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
