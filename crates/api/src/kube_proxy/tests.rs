use super::*;

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers
            .append(name.parse::<HeaderName>().expect("a name"), value.parse().expect("a value"));
    }
    headers
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_request_brings_along_nothing_about_who_asks_or_the_way_here() {
    let given = headers(&[
        ("accept", "application/json"),
        ("authorization", "Bearer nlbk_secret"),
        ("connection", "keep-alive, X-Hop"),
        ("content-type", "application/json"),
        ("cookie", "__Host-nalabo=secret"),
        ("forwarded", "for=192.0.2.1"),
        ("host", "nalabo.example.org"),
        ("impersonate-extra-scopes", "everything"),
        ("impersonate-group", "system:masters"),
        ("impersonate-user", "admin"),
        ("kubectl-command", "kubectl get"),
        ("origin", "https://elsewhere.example.org"),
        ("proxy-authorization", "Basic c2VjcmV0"),
        ("te", "trailers"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("user-agent", "kubectl/v1.35.4"),
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-proto", "https"),
        ("x-hop", "dropped, as Connection names it"),
        ("x-nalabo-background", "1"),
        ("x-real-ip", "192.0.2.1"),
        ("x-remote-group", "system:masters"),
        ("x-remote-user", "admin"),
    ]);
    let kept = ["accept", "content-type", "kubectl-command", "user-agent"];
    assert_eq!(names(&request_headers(&given)), kept);
}

#[test]
fn an_answer_names_nobody_behind_it() {
    let given = headers(&[
        ("audit-id", "a2f6"),
        ("content-type", "application/json"),
        ("location", "/api/v1/namespaces/default/services/web/proxy/"),
        ("server", "lb-17.internal"),
        ("set-cookie", "route=lb-17"),
        ("strict-transport-security", "max-age=1"),
        ("via", "1.1 lb-17.internal"),
        ("warning", "299 - \"deprecated\""),
        ("x-kubernetes-pf-flowschema-uid", "b7c1"),
    ]);
    let kept = answer_headers(&given, "abc");
    assert_eq!(names(&kept), ["content-type", "location", "warning"]);
    assert_eq!(kept["location"], "/k8s/abc/api/v1/namespaces/default/services/web/proxy/");
    for elsewhere in ["https://10.0.0.7:6443/", "//10.0.0.7/", "relative"] {
        let kept = answer_headers(&headers(&[("location", elsewhere)]), "abc");
        assert!(kept.is_empty(), "{elsewhere}");
    }
}

#[test]
fn impersonation_is_seen_however_it_is_written() {
    for name in ["Impersonate-User", "IMPERSONATE-GROUP", "impersonate-uid", "impersonate-extra-a"]
    {
        assert!(impersonates(&headers(&[(name, "x")])), "{name}");
    }
    assert!(!impersonates(&headers(&[("accept", "x")])));
}

#[test]
fn one_bearer_token_is_read_and_nothing_else() {
    let token = |value: &str| bearer(&headers(&[("authorization", value)])).map(str::to_owned);
    assert_eq!(token("Bearer nlbk_a").as_deref(), Some("nlbk_a"));
    assert_eq!(token("bearer nlbk_a").as_deref(), Some("nlbk_a"));
    for value in ["", "Bearer", "Bearer ", "Basic bmFsYWJv"] {
        assert_eq!(token(value), None, "{value}");
    }
    assert_eq!(token(&format!("Bearer {}", "a".repeat(TOKEN_MAX_BYTES + 1))), None);
    let two = [("authorization", "Bearer nlbk_a"), ("authorization", "Bearer nlbk_b")];
    assert_eq!(bearer(&headers(&two)), None, "which of them counts is nobody's to guess");
}

#[test]
fn the_path_goes_on_as_it_was_written() {
    let inside = |uri: &str| path_inside(&uri.parse().expect("an address"), "abc");
    let inside = |uri: &str| inside(uri).map(|it| it.to_string());
    assert_eq!(inside("/k8s/abc").as_deref(), Some("/"));
    assert_eq!(inside("/k8s/abc?timeout=32s").as_deref(), Some("/?timeout=32s"));
    assert_eq!(inside("/k8s/abc/api/v1").as_deref(), Some("/api/v1"));
    assert_eq!(
        inside("/k8s/abc/api/v1/pods?labelSelector=a%3Db%2Cc&watch=true").as_deref(),
        Some("/api/v1/pods?labelSelector=a%3Db%2Cc&watch=true")
    );
    assert_eq!(inside("/k8s/abc/a%2Fb/%2e%2e").as_deref(), Some("/a%2Fb/%2e%2e"));
    assert_eq!(inside("/k8s/abcd/api"), None, "another label");
    assert_eq!(inside("/k8s/ab%63/api"), None, "a label is written one way");
}

#[test]
fn only_the_protocols_of_kubectl_are_changed_to() {
    let asked = |pairs: &[(&str, &str)]| upgrade_asked(&headers(pairs));
    assert_eq!(asked(&[]), Ok(None));
    assert_eq!(asked(&[("upgrade", "websocket")]), Ok(None), "not asked for without Connection");
    for (given, passed) in
        [("websocket", "websocket"), ("WebSocket", "websocket"), ("spdy/3.1", "SPDY/3.1")]
    {
        let found = asked(&[("connection", "keep-alive, Upgrade"), ("upgrade", given)]);
        assert_eq!(found, Ok(Some(HeaderValue::from_static(passed))));
    }
    for other in ["h2c", "TLS/1.0", "websocket, h2c"] {
        let found = asked(&[("connection", "upgrade"), ("upgrade", other)]);
        assert_eq!(found, Err(Refusal::Upgrade), "{other}");
    }
}
