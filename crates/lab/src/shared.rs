//! Clusters that outlive one test: written to a folder by their owner, attached to by others.
//!
//! `NAME.kubeconfig`, `NAME.token` and `NAME.ca.pem` are for people and for clients of any kind;
//! `NAME.json` is for [`Lab::attach`]; `NAME.images.json`, beside a cluster with a real node, names
//! the images that are there to make environments of.

use std::{fs, path::Path};

use crate::{
    cluster::Kind,
    error::{Doing, LabError},
    images::{COREDNS_IMAGE, KUBERNETES_IMAGE, TERMINAL_IMAGE, VCLUSTER_IMAGE},
    lab::{Facts, Lab},
    paths,
    state::LabDir,
};

const FILES: [&str; 5] = ["kubeconfig", "token", "ca.pem", "images.json", "json"];

/// A folder to share clusters in that is removed when dropped.
#[derive(Debug)]
pub struct SharedFolder(LabDir);

impl SharedFolder {
    /// Makes one; the name is only for whoever looks into the temporary folder.
    pub fn create(name: &str) -> Result<Self, LabError> {
        LabDir::create(name).map(Self)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Lab {
    /// A cluster that `nalabo-lab up` or `nalabo-lab run` has started, found in `NALABO_LAB_DIR`.
    pub fn attach(name: &str) -> Result<Lab, LabError> {
        Self::attach_in(&paths::shared_dir(), name)
    }

    /// The same, in a folder of your choice.
    pub fn attach_in(folder: &Path, name: &str) -> Result<Lab, LabError> {
        let not_shared =
            || LabError::NotShared { name: name.to_owned(), directory: folder.to_owned() };
        let read = |kind: &str| {
            fs::read_to_string(folder.join(format!("{name}.{kind}"))).map_err(|_| not_shared())
        };
        let facts: Facts = serde_json::from_str(&read("json")?).map_err(|_| not_shared())?;
        // The file may be all that a killed owner left.
        if std::os::unix::net::UnixStream::connect(&facts.control).is_err() {
            return Err(not_shared());
        }
        Ok(Lab {
            token: read("token")?.trim().to_owned(),
            kubeconfig: read("kubeconfig")?,
            ca_pem: read("ca.pem")?,
            facts,
            owned: None,
        })
    }

    /// Lets others attach: writes this cluster's files into `folder`, readable by this user only.
    pub fn share(&self, folder: &Path) -> Result<(), LabError> {
        fs::create_dir_all(folder).doing(|| format!("create {}", folder.display()))?;
        let facts = serde_json::to_string_pretty(&self.facts)
            .expect("names and addresses always serialize");
        let write = |kind: &str, text: &str| {
            paths::write_private(&folder.join(format!("{}.{kind}", self.name())), text)
        };
        write("kubeconfig", self.kubeconfig())?;
        write("token", &format!("{}\n", self.token()))?;
        write("ca.pem", self.ca_pem())?;
        if self.kind() == Kind::Node {
            let images = serde_json::json!({
                "vcluster": VCLUSTER_IMAGE, "kubernetes": KUBERNETES_IMAGE,
                "coredns": COREDNS_IMAGE, "terminal": TERMINAL_IMAGE,
            });
            write("images.json", &images.to_string())?;
        }
        // Last: whoever finds it finds the others too.
        write("json", &facts)
    }

    /// Removes the files [`Lab::share`] wrote.
    pub fn unshare(folder: &Path, name: &str) {
        for kind in FILES {
            let _ = fs::remove_file(folder.join(format!("{name}.{kind}")));
        }
    }
}
