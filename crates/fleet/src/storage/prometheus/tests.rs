use super::*;

fn service(namespace: &str, name: &str, port: u16) -> Service {
    Service {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        port,
        scheme: ServiceScheme::Http,
    }
}

fn found(items: &str, by_name_only: bool) -> Vec<Service> {
    let mut fold = ServicesFold::default();
    fold.page(format!(r#"{{"items":[{items}]}}"#).as_bytes()).expect("a page");
    fold.candidates(by_name_only)
}

#[test]
fn prometheus_is_told_from_what_runs_around_it() {
    let items = r#"
        {"metadata":{"name":"prometheus-alertmanager","namespace":"m"},"spec":{"ports":[{"port":9093}]}},
        {"metadata":{"name":"old","namespace":"m","labels":{"app":"prometheus","component":"pushgateway"}},"spec":{"ports":[{"port":9091}]}},
        {"metadata":{"name":"reloader","namespace":"a"},"spec":{"ports":[{"name":"reloader-web","port":8080}]}},
        {"metadata":{"name":"server","namespace":"m","labels":{"app":"prometheus","component":"server"}},"spec":{"ports":[{"name":"reloader-web","port":8080},{"name":"http-web","port":9090}]}},
        {"metadata":{"name":"no-ports","namespace":"m"},"spec":{}}"#;
    assert_eq!(found(items, false), [service("m", "server", 9090), service("a", "reloader", 8080)]);
    assert_eq!(found(items, true), []);
}

#[test]
fn a_service_is_asked_by_its_name_and_nothing_else() {
    let path = query_path(&service("monitoring", "prometheus", 9090)).expect("a path");
    assert!(
        path.starts_with(
            "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query?query="
        ),
        "{path}"
    );
    let tls = Service { scheme: ServiceScheme::Https, ..service("m", "p", 443) };
    assert!(query_path(&tls).expect("a path").contains("/services/https:p:443/proxy/"));
    for odd in ["../secrets", "p/../..", "p?x", ""] {
        assert_eq!(query_path(&service("m", odd, 9090)), None, "{odd}");
        assert_eq!(query_path(&service(odd, "p", 9090)), None, "{odd}");
    }
}

fn answer(samples: &[(&str, &str, &str, &str)]) -> Answer {
    let result: Vec<_> = samples
        .iter()
        .map(|(part, node, instance, value)| {
            serde_json::json!({
                "metric": { "nalabo": part, "node": node, "instance": instance },
                "value": [1793714400.5, value],
            })
        })
        .collect();
    serde_json::from_value(serde_json::json!({ "data": { "result": result } })).expect("an answer")
}

fn node(name: &str) -> NodeFacts {
    NodeFacts { name: name.to_owned(), ..NodeFacts::default() }
}

#[test]
fn nodes_are_known_by_name_or_by_address_and_strangers_are_left_out() {
    let at: Timestamp = "2026-11-03T14:00:00Z".parse().expect("a moment");
    let seconds = at.as_second().to_string();
    let figures = figures_of(answer(&[
        ("volumes", "", "", "4096"),
        ("cadvisor_sum", "", "", "1.5e+03"),
        ("cadvisor_count", "", "", "3"),
        ("at", "", "", &seconds),
        ("exporter_sum", "", "", "9"),
        ("exporter_node", "b", "", "9"),
        ("cadvisor_node", "a", "whatever:9100", "100"),
        ("cadvisor_node", "", "10.0.0.2:10250", "200"),
        ("cadvisor_node", "", "10.0.0.9:10250", "300"),
        ("cadvisor_node", "", "", "NaN"),
    ]))
    .expect("figures");
    let addresses = ["10.0.0.1".into(), "10.0.0.2".into()];
    let used = figures.storage_used(&[node("a"), node("b")], &addresses, at).expect("used");
    assert_eq!((used.volumes_bytes, used.nodes_bytes), (Some(4096), Some(1500)));
    assert_eq!((used.measured_nodes, used.observed_at), (Some(3), Some(at)));
    assert_eq!(used.by_node, [(0, 100), (1, 200)]);
}

#[test]
fn no_figures_and_old_figures_are_a_reason_never_a_zero() {
    assert_eq!(figures_of(answer(&[])), None);
    assert_eq!(
        figures_of(answer(&[("volumes", "", "", "NaN"), ("cadvisor_sum", "", "", "-1")])),
        None
    );
    let at: Timestamp = "2026-11-03T14:00:00Z".parse().expect("a moment");
    let seconds = at.as_second().to_string();
    let old = [("exporter_sum", "", "", "7"), ("at", "", "", seconds.as_str())];
    let later = "2026-11-03T14:11:00Z".parse().expect("a moment");
    let judged = |now| figures_of(answer(&old)).expect("figures").storage_used(&[], &[], now);
    assert_eq!(judged(later), Err(Code::StorageSourceStale));
    assert_eq!(judged(at).map(|it| it.nodes_bytes), Ok(Some(7)));
    let undated = figures_of(answer(&[("exporter_sum", "", "", "7")])).expect("figures");
    assert_eq!(undated.storage_used(&[], &[], at), Err(Code::StorageSourceStale));
}
