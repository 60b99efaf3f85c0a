//! Making an environment, step by step, until it answers.
//!
//! Promises: guards first, so that nothing of a participant's runs without them; each step may be
//! repeated, and whoever begins again goes on from what is there. Does not: remove what it made
//! when it fails; whoever asked for it does.

use std::time::Duration;

use http::StatusCode;
use nalabo_core::environment::{
    Driver, EnvironmentFailure, EnvironmentReason, EnvironmentSpec, EnvironmentStep,
};
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::calls::{CallFailure, Calls};
use super::host::Host;
use super::names::{MANAGED_BY, Names, TERMINAL, TERMINAL_LABEL, owner_of};
use super::pods::{Pod, Pods, PodsWatch};
use super::removal::NamespaceFace;
use super::{Progress, Provisioned, guards, tools, vcluster};
use crate::KubernetesInfrastructureService;
use crate::api::Api;
use crate::certificate::shown;
use crate::inventory::Version;

/// What the inside has not made yet is asked for again after this.
const INSIDE_PAUSE: Duration = Duration::from_millis(200);
/// A terminal that does not come is asked for again: what was there may have been on its way out.
const TERMINAL_ASKED_EVERY: Duration = Duration::from_secs(5);

pub(super) async fn provision(
    service: &KubernetesInfrastructureService,
    spec: &EnvironmentSpec,
    progress: Progress<'_>,
) -> Result<Provisioned, EnvironmentFailure> {
    let calls = service.calls();
    let names = Names::of(spec);
    progress(EnvironmentStep::Guards, None);
    let host = service.inner.host.read(calls).await?;
    let groups = match spec.driver {
        Driver::Vcluster => vcluster::objects(spec, &names, &host, 1)?,
        Driver::Namespace => [guards::participant(spec, &names), Vec::new()],
    };
    let uid = namespace_apply(calls, spec, &names).await?;
    progress(EnvironmentStep::Guards, Some(&uid));
    guards_apply(calls, spec, &names, &host).await?;
    progress(EnvironmentStep::Objects, Some(&uid));
    for group in groups {
        calls.apply_all(group).await?;
    }
    progress(EnvironmentStep::Starting, Some(&uid));
    let mut pods = PodsWatch::new(calls, &names);
    let kubernetes_version = match spec.driver {
        Driver::Vcluster => {
            control_plane_await(&mut pods, &names, &uid, progress).await?;
            let inside = inside(service, spec).await?;
            progress(EnvironmentStep::Tools, Some(&uid));
            inside_complete(&inside, spec, &names, &mut pods).await?
        }
        Driver::Namespace => {
            progress(EnvironmentStep::Tools, Some(&uid));
            let is_terminal = |pod: &Pod| pod.has(TERMINAL_LABEL, TERMINAL);
            terminal_await(service.calls(), spec, &mut pods, is_terminal, |_| true).await?;
            host.version.clone()
        }
    };
    progress(EnvironmentStep::Done, Some(&uid));
    Ok(Provisioned { namespace_uid: uid, kubernetes_version })
}

/// Scales the control plane to nothing, and takes the pods away that nobody controls then.
pub(super) async fn pause(
    service: &KubernetesInfrastructureService,
    spec: &EnvironmentSpec,
) -> Result<(), EnvironmentFailure> {
    let names = Names::of(spec);
    if spec.driver == Driver::Namespace || !spec.persistent {
        return Err(EnvironmentFailure {
            reason: EnvironmentReason::Refused,
            detail: "only an environment whose state is on a volume outlives a pause".to_owned(),
        });
    }
    let calls = service.calls();
    let host = service.inner.host.read(calls).await?;
    let path = format!("/api/v1/namespaces/{}", names.namespace);
    let found = calls.find::<NamespaceFace>(&path).await;
    let found = found.map_err(|it| it.of("look for the namespace"))?;
    let Some(_) = found.filter(|it| owner_of(&it.metadata.labels, spec.instance) == Some(spec.id))
    else {
        return Err(EnvironmentFailure {
            reason: EnvironmentReason::Vanished,
            detail: format!("there is no namespace {} of ours", names.namespace),
        });
    };
    let [_, workload] = vcluster::objects(spec, &names, &host, 0)?;
    calls.apply_all(workload).await?;
    let mut pods = PodsWatch::new(calls, &names);
    let control_plane = |pod: &Pod| pod.has("release", &names.vcluster);
    // A watch begins with what is there: nothing is seen before it was heard.
    pods.begun().await?;
    pods.seen(|pods| !pods.values().any(control_plane)).await?;
    let pods_path = format!(
        "/api/v1/namespaces/{}/pods?labelSelector=vcluster.loft.sh%2Fmanaged-by%3D{}",
        names.namespace, names.vcluster
    );
    let removed = calls.delete(&pods_path, &json!({})).await;
    removed.map_err(|it| it.of("remove the pods of the environment"))?;
    pods.seen(|pods| !pods.values().any(|it| it.has(MANAGED_BY, &names.vcluster))).await
}

/// Makes the namespace, if what has its name is ours, and says its UID.
async fn namespace_apply(
    calls: Calls<'_>,
    spec: &EnvironmentSpec,
    names: &Names,
) -> Result<String, EnvironmentFailure> {
    let object = guards::namespace(spec, names);
    let found = calls.find::<NamespaceFace>(&object.path).await;
    let found = found.map_err(|it| it.of("look for the namespace"))?;
    let conflict = |detail| Err(EnvironmentFailure { reason: EnvironmentReason::Conflict, detail });
    if let Some(found) = found {
        if owner_of(&found.metadata.labels, spec.instance) != Some(spec.id) {
            return conflict(format!(
                "the namespace {} is there already and not of this installation",
                names.namespace
            ));
        }
        if found.metadata.deletion_timestamp.is_some() {
            return conflict(format!("the namespace {} is being removed", names.namespace));
        }
    }
    let applied = calls.apply::<NamespaceFace>(&object).await;
    Ok(applied.map_err(|it| it.of("make the namespace"))?.metadata.uid)
}

async fn guards_apply(
    calls: Calls<'_>,
    spec: &EnvironmentSpec,
    names: &Names,
    host: &Host,
) -> Result<(), EnvironmentFailure> {
    let binding = guards::own_binding(names, host);
    let bound = calls.apply::<IgnoredAny>(&binding).await;
    bound.map_err(|it| it.of("let ourselves into the namespace"))?;
    // The first of them is the wall; whoever applied it has arrived with its rights.
    let mut objects = guards::guards(spec, names, host);
    let others = objects.split_off(1);
    calls.apply_all(objects).await?;
    calls.apply_all(others).await
}

async fn control_plane_await(
    pods: &mut PodsWatch<'_>,
    names: &Names,
    uid: &str,
    progress: Progress<'_>,
) -> Result<(), EnvironmentFailure> {
    let is_control_plane = |pod: &Pod| pod.has("release", &names.vcluster);
    let one = |pods: &Pods, seen: fn(&Pod) -> bool| {
        pods.values().any(|it| is_control_plane(it) && seen(it))
    };
    pods.until(is_control_plane, |pods| one(pods, Pod::is_running)).await?;
    progress(EnvironmentStep::Api, Some(uid));
    pods.until(is_control_plane, |pods| one(pods, Pod::is_ready)).await
}

/// The API inside, as its administrator.
async fn inside(
    service: &KubernetesInfrastructureService,
    spec: &EnvironmentSpec,
) -> Result<Api, EnvironmentFailure> {
    loop {
        match service.vcluster_admin(spec.id).await {
            Ok(api) => return Ok(api),
            // The control plane writes its kubeconfig a moment before or after it is ready.
            Err(absent) if absent.is(StatusCode::NOT_FOUND) => sleep(INSIDE_PAUSE).await,
            Err(failed) => {
                let failed = CallFailure::from(failed.failure);
                return Err(failed.of("read the kubeconfig of the vCluster"));
            }
        }
    }
}

/// Account and terminal inside, and DNS; says the version inside.
async fn inside_complete(
    inside: &Api,
    spec: &EnvironmentSpec,
    names: &Names,
    pods: &mut PodsWatch<'_>,
) -> Result<String, EnvironmentFailure> {
    let calls = Calls { api: inside };
    let version = calls.get::<Version>("/version").await;
    let version = version.map_err(|it| it.of("ask the vCluster for its version"))?;
    for object in tools::inner_objects(&spec.images) {
        calls.apply_in_time(&object).await?;
    }
    for account in ["default/serviceaccounts/default", "nalabo/serviceaccounts/participant"] {
        let path = format!("/api/v1/namespaces/{account}");
        let found = || calls.find::<IgnoredAny>(&path);
        while found().await.map_err(|it| it.of("look for accounts inside"))?.is_none() {
            sleep(INSIDE_PAUSE).await;
        }
    }
    let synced = |pod: &Pod| pod.has(MANAGED_BY, &names.vcluster);
    let is_dns = |pod: &Pod| synced(pod) && pod.has("k8s-app", "vcluster-kube-dns");
    let is_terminal = |pod: &Pod| synced(pod) && pod.has(TERMINAL_LABEL, TERMINAL);
    let dns_is_ready = |pods: &Pods| pods.values().any(|it| is_dns(it) && it.is_ready());
    terminal_await(calls, spec, pods, |pod| is_terminal(pod) || is_dns(pod), dns_is_ready).await?;
    Ok(shown(&version.git_version))
}

/// Makes the terminal and waits until it runs, and `seen` is true.
async fn terminal_await(
    calls: Calls<'_>,
    spec: &EnvironmentSpec,
    pods: &mut PodsWatch<'_>,
    counts: impl Fn(&Pod) -> bool,
    seen: impl Fn(&Pods) -> bool,
) -> Result<(), EnvironmentFailure> {
    let runs = |pods: &Pods| {
        let is_terminal = |it: &&Pod| it.has(TERMINAL_LABEL, TERMINAL);
        seen(pods) && pods.values().filter(is_terminal).any(Pod::is_running)
    };
    loop {
        tools::terminal_apply(calls, spec.id, spec.driver, &spec.images.terminal).await?;
        let ended = timeout(TERMINAL_ASKED_EVERY, pods.until(&counts, &runs)).await;
        if let Ok(ended) = ended {
            return ended;
        }
    }
}
