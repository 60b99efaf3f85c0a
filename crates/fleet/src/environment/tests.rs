//! The objects of both drivers, as they are applied.

use nalabo_core::environment::{
    Driver, EnvironmentImages, EnvironmentReason, EnvironmentSpec, Preset,
};
use nalabo_core::id::EnvironmentId;
use uuid::Uuid;

use super::host::{Host, minor_of};
use super::names::Names;
use super::{guards, tools, vcluster};
use crate::rbac::ManifestObject;

fn spec(driver: Driver) -> EnvironmentSpec {
    EnvironmentSpec {
        id: EnvironmentId::from_uuid(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001)),
        instance: Uuid::from_u128(7),
        generation: 2,
        driver,
        preset: Preset::Small,
        kubernetes_version: None,
        persistent: false,
        internet: false,
        expires_at: Some("2026-11-23T18:00:00Z".parse().expect("a moment")),
        images: EnvironmentImages::default(),
    }
}

fn host() -> Host {
    Host {
        user: "system:serviceaccount:nalabo-system:nalabo-provisioner".to_owned(),
        api: vec![
            ("10.96.0.1".parse().expect("an address"), 443),
            ("192.0.2.7".parse().expect("an address"), 6443),
        ],
        dns: Some("10.96.0.10".parse().expect("an address")),
        version: "v1.35.4".to_owned(),
        minor: 35,
    }
}

fn shown(objects: impl IntoIterator<Item = ManifestObject>) -> String {
    objects.into_iter().fold(String::new(), |text, mut it| {
        // Long, and has a test of its own.
        if let Some(config) = it.body.pointer_mut("/data/config.yaml") {
            *config = "…".into();
        }
        let body = serde_json::to_string_pretty(&it.body).expect("JSON");
        format!("{text}{}\n{body}\n\n", it.path)
    })
}

fn all(spec: &EnvironmentSpec) -> Vec<ManifestObject> {
    let (names, host) = (Names::of(spec), host());
    let mut objects = vec![guards::namespace(spec, &names), guards::own_binding(&names, &host)];
    objects.extend(guards::guards(spec, &names, &host));
    match spec.driver {
        Driver::Namespace => objects.extend(guards::participant(spec, &names)),
        Driver::Vcluster => {
            let groups = vcluster::objects(spec, &names, &host, 1).expect("a version that fits");
            objects.extend(groups.into_iter().flatten());
        }
    }
    objects
}

#[test]
fn a_namespace_and_what_guards_it() {
    let spec = EnvironmentSpec { internet: true, ..spec(Driver::Namespace) };
    let mut objects = all(&spec);
    objects.push(tools::terminal(spec.id, spec.driver, &spec.images.terminal));
    insta::assert_snapshot!(shown(objects));
}

#[test]
fn a_vcluster_and_what_guards_it() {
    insta::assert_snapshot!(shown(all(&spec(Driver::Vcluster))));
}

#[test]
fn what_is_inside_a_vcluster() {
    let spec = spec(Driver::Vcluster);
    let mut objects = tools::inner_objects(&spec.images).to_vec();
    objects.push(tools::terminal(spec.id, spec.driver, &spec.images.terminal));
    insta::assert_snapshot!(shown(objects));
}

#[test]
fn a_vcluster_that_outlives_a_pause_has_a_volume_and_is_scaled_to_nothing() {
    let spec = EnvironmentSpec { persistent: true, ..spec(Driver::Vcluster) };
    let groups = vcluster::objects(&spec, &Names::of(&spec), &host(), 0).expect("a version");
    let [_, workload] = groups;
    insta::assert_snapshot!(shown(workload));
}

#[test]
fn the_same_spec_makes_the_same_objects_and_only_its_own_names() {
    let spec = spec(Driver::Vcluster);
    let (once, twice) = (all(&spec), all(&spec));
    assert_eq!(shown(once), shown(twice));
    for object in all(&spec) {
        let labels = &object.body["metadata"]["labels"];
        assert_eq!(labels["nalabo.io/environment"], spec.id.label(), "{}", object.path);
        assert_eq!(labels["nalabo.io/instance"], spec.instance.to_string(), "{}", object.path);
        assert!(object.path.contains(&spec.namespace()), "{}", object.path);
    }
}

#[test]
fn the_configuration_is_the_charts_but_for_what_is_ours() {
    let spec = spec(Driver::Vcluster);
    let names = Names::of(&spec);
    let ours = vcluster::config(&spec, &names, &host(), "v1.35.0");
    let theirs: serde_json::Value = serde_json::from_str(vcluster::VALUES).expect("JSON");
    let mut changes = Vec::new();
    differences("", &theirs, &ours, &mut changes);
    insta::assert_snapshot!(changes.join("\n"));
}

fn differences(
    at: &str,
    theirs: &serde_json::Value,
    ours: &serde_json::Value,
    changes: &mut Vec<String>,
) {
    if let (Some(theirs), Some(ours)) = (theirs.as_object(), ours.as_object()) {
        for (key, ours) in ours {
            let theirs = theirs.get(key).unwrap_or(&serde_json::Value::Null);
            differences(&format!("{at}/{key}"), theirs, ours, changes);
        }
        let gone = theirs.keys().filter(|it| !ours.contains_key(*it));
        changes.extend(gone.map(|key| format!("{at}/{key} is missing")));
    } else if theirs != ours {
        changes.push(format!("{at}: {theirs} → {ours}"));
    }
}

#[test]
fn a_vcluster_is_as_old_as_its_infrastructure_or_as_asked() {
    let inside = |minor: u32, asked: Option<&str>| {
        let spec = EnvironmentSpec {
            kubernetes_version: asked.map(str::to_owned),
            ..spec(Driver::Vcluster)
        };
        vcluster::version_of(&spec, &Host { minor, ..host() })
    };
    assert_eq!(inside(35, None).as_deref(), Ok("v1.35.0"));
    assert_eq!(inside(40, None).as_deref(), Ok("v1.36.0"));
    assert_eq!(inside(35, Some("v1.34.2")).as_deref(), Ok("v1.34.2"));
    for refused in [inside(33, None), inside(35, Some("v1.33.1")), inside(35, Some("latest"))] {
        assert_eq!(refused.expect_err("unfit").reason, EnvironmentReason::Refused);
    }
}

#[test]
fn minor_versions_are_read_as_providers_write_them() {
    for (text, minor) in [("v1.35.4", 35), ("v1.34.1-eks-abc", 34), ("1.36+", 36), ("v2", 0)] {
        assert_eq!(minor_of(text), minor, "{text}");
    }
}
