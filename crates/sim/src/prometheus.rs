//! A pretended Prometheus: instant queries of what kubelets tell of storage.
//!
//! Promises: the answers agree with the summaries of the kubelets; selectors, aggregations over
//! labels, `+ - * /` and `or` are worked out; whatever else is asked gives an empty vector, as a
//! metric that nobody scrapes does. Does not: know ranges, functions, offsets or subqueries.

use std::collections::BTreeMap;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::kinds::volumes::claims;
use crate::load::{node_disk_used_bytes, volume_used_bytes};
use crate::profile::Profile;
use crate::reply::{Reply, json, path_not_found, text};

mod query;

/// Labels and a value.
pub(crate) type Sample = (BTreeMap<String, String>, f64);

/// The answer to `path` with `query`.
pub(crate) fn answer(profile: &Profile, path: &str, query: &str, at: Timestamp) -> Reply {
    match path {
        "/-/healthy" | "/-/ready" => text(StatusCode::OK, "Prometheus Server is Healthy.\n"),
        "/api/v1/status/buildinfo" => {
            json(StatusCode::OK, &success(json!({"version": "3.5.0", "goVersion": "go1.24.6"})))
        }
        "/api/v1/query" => {
            let parameter = |wanted: &str| {
                url::form_urlencoded::parse(query.as_bytes())
                    .find(|it| it.0 == wanted)
                    .map(|it| it.1.into_owned())
            };
            let Some(text) = parameter("query").filter(|it| !it.trim().is_empty()) else {
                let refusal = json!({"status": "error", "errorType": "bad_data",
                    "error": "invalid parameter \"query\": unknown position: parse error: no expression found in input"});
                return json(StatusCode::BAD_REQUEST, &refusal);
            };
            let seconds = parameter("time").and_then(|it| it.parse::<f64>().ok());
            let at = seconds.and_then(|it| Timestamp::from_second(it as i64).ok()).unwrap_or(at);
            let samples =
                query::evaluate(&text, at.as_second(), &|metric| series(profile, metric, at));
            let result: Vec<Value> = samples
                .unwrap_or_default()
                .into_iter()
                .map(|(labels, value)| {
                    json!({"metric": labels, "value": [at.as_second(), value.to_string()]})
                })
                .collect();
            json(StatusCode::OK, &success(json!({"resultType": "vector", "result": result})))
        }
        _ => path_not_found(),
    }
}

fn success(data: Value) -> Value {
    json!({"status": "success", "data": data})
}

/// Every series of a metric, with its name among the labels.
fn series(profile: &Profile, metric: &str, at: Timestamp) -> Vec<Sample> {
    let labels = |more: &[(&str, &str)]| -> BTreeMap<String, String> {
        let all =
            [("__name__", metric), ("job", "kubelet")].into_iter().chain(more.iter().copied());
        all.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    };
    let of_nodes = |more: &[(&str, &str)], value: &dyn Fn(u32) -> f64| -> Vec<Sample> {
        (0..profile.nodes)
            .map(|node| {
                let name = profile.node_name(node);
                let place = [("node", name.as_str()), ("instance", name.as_str())];
                (labels(&[more, &place].concat()), value(node))
            })
            .collect()
    };
    let of_claims = |value: &dyn Fn(u64, u32) -> f64| -> Vec<Sample> {
        claims(profile)
            .iter()
            .filter_map(|it| {
                let node = profile.node_name(it.node?);
                let of = labels(&[
                    ("namespace", &it.namespace),
                    ("persistentvolumeclaim", &it.name),
                    ("node", &node),
                    ("instance", &node),
                ]);
                Some((of, value(it.number, it.gib)))
            })
            .collect()
    };
    let volume_used = |number, gib| volume_used_bytes(profile, number, gib, at) as f64;
    let volume_size = |gib: u32| (u64::from(gib) << 30) as f64;
    let disk_size = (profile.node_disk_kib() * 1024) as f64;
    let disk_used = |node| node_disk_used_bytes(profile, node, at) as f64;
    let root = [("id", "/"), ("device", "/dev/vda1")];
    let mounted = [("mountpoint", "/"), ("fstype", "ext4"), ("device", "/dev/vda1")];
    match metric {
        "up" => of_nodes(&[], &|_| 1.0),
        "kubelet_volume_stats_used_bytes" => of_claims(&volume_used),
        "kubelet_volume_stats_capacity_bytes" => of_claims(&|_, gib| volume_size(gib)),
        "kubelet_volume_stats_available_bytes" => {
            of_claims(&|number, gib| volume_size(gib) - volume_used(number, gib))
        }
        "container_fs_usage_bytes" => of_nodes(&root, &disk_used),
        "container_fs_limit_bytes" => of_nodes(&root, &|_| disk_size),
        "node_filesystem_size_bytes" => of_nodes(&mounted, &|_| disk_size),
        "node_filesystem_avail_bytes" | "node_filesystem_free_bytes" => {
            of_nodes(&mounted, &|node| disk_size - disk_used(node))
        }
        _ => Vec::new(),
    }
}
