use std::sync::atomic::{AtomicU32, Ordering};

use ipnet::IpNet;

use super::*;

fn policy(allow: &[&str], deny: &[&str]) -> AddressPolicy {
    let nets = |list: &[&str]| -> Vec<IpNet> {
        list.iter().map(|it| it.parse().expect("a network")).collect()
    };
    AddressPolicy::new(nets(allow), nets(deny))
}

fn said(policy: &AddressPolicy, address: &str, port: u16) -> String {
    match policy.check(address.parse().expect("an address"), port) {
        Ok(()) => "allowed".to_owned(),
        Err((code, why)) => format!("{}: {why}", code.as_str()),
    }
}

fn table(policy: &AddressPolicy, rows: &[(&str, u16)]) -> String {
    let rows = rows.iter().map(|(address, port)| {
        format!("{address:<28} {port:>5}  {}", said(policy, address, *port))
    });
    rows.collect::<Vec<_>>().join("\n")
}

#[test]
fn without_settings_private_networks_are_reachable_and_the_machine_itself_is_not() {
    insta::assert_snapshot!(table(&policy(&[], &[]), &[
        ("10.0.0.7", 6443),
        ("192.168.1.10", 443),
        ("203.0.113.9", 8443),
        ("fd12:3456::1", 16443),
        ("2001:db8::1", 443),
        ("10.0.0.7", 22),
        ("127.0.0.1", 6443),
        ("127.9.9.9", 6443),
        ("::1", 6443),
        ("169.254.1.1", 443),
        ("fe80::1", 443),
        ("0.0.0.0", 443),
        ("0.1.2.3", 443),
        ("::", 443),
        ("224.0.0.1", 443),
        ("255.255.255.255", 443),
        ("ff02::1", 443),
    ]), @r#"
    10.0.0.7                      6443  allowed
    192.168.1.10                   443  allowed
    203.0.113.9                   8443  allowed
    fd12:3456::1                 16443  allowed
    2001:db8::1                    443  allowed
    10.0.0.7                        22  server_port: may only be contacted on the ports of Kubernetes APIs
    127.0.0.1                     6443  denied_address: is a loopback or link-local address
    127.9.9.9                     6443  denied_address: is a loopback or link-local address
    ::1                           6443  denied_address: is a loopback or link-local address
    169.254.1.1                    443  denied_address: is a loopback or link-local address
    fe80::1                        443  denied_address: is a loopback or link-local address
    0.0.0.0                        443  denied_address: is not the address of a server
    0.1.2.3                        443  denied_address: is not the address of a server
    ::                             443  denied_address: is not the address of a server
    224.0.0.1                      443  denied_address: is not the address of a server
    255.255.255.255                443  denied_address: is not the address of a server
    ff02::1                        443  denied_address: is not the address of a server
    "#);
}

#[test]
fn metadata_services_can_never_be_allowed_in_any_spelling() {
    let everything = policy(&["0.0.0.0/0", "::/0"], &[]);
    for address in [
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "2001:0:53aa:64c:0:0:5601:5601",
        "fe80::5efe:a9fe:a9fe",
        "::ffff:0:169.254.169.254",
    ] {
        assert_eq!(
            said(&everything, address, 443),
            "denied_address: is a cloud metadata service and is never contacted",
            "{address}"
        );
    }
}

#[test]
fn what_carries_loopback_inside_is_denied_even_where_loopback_is_allowed() {
    let lab =
        policy(&["127.0.0.0/8", "::1/128", "::ffff:0:0/96", "2002::/16", "64:ff9b::/96"], &[]);
    insta::assert_snapshot!(table(&lab, &[
        ("127.0.0.1", 36443),
        ("::1", 36443),
        ("::ffff:127.0.0.1", 6443),
        ("64:ff9b::7f00:1", 6443),
        ("2002:7f00:1::", 6443),
        ("::ffff:10.0.0.7", 6443),
        ("::ffff:0.0.0.0", 6443),
    ]), @r#"
    127.0.0.1                    36443  allowed
    ::1                          36443  allowed
    ::ffff:127.0.0.1              6443  denied_address: carries a loopback or link-local address inside
    64:ff9b::7f00:1               6443  denied_address: carries a loopback or link-local address inside
    2002:7f00:1::                 6443  denied_address: carries a loopback or link-local address inside
    ::ffff:10.0.0.7               6443  allowed
    ::ffff:0.0.0.0                6443  denied_address: is not the address of a server
    "#);
}

#[test]
fn a_denied_network_wins_over_an_allowed_one_and_our_own_address_over_both() {
    let mut strict = policy(&["10.0.0.0/8"], &["10.1.0.0/16"]);
    strict.own = vec!["10.2.0.1:8443".parse().expect("an address")];
    strict.ports = vec![7443];
    insta::assert_snapshot!(table(&strict, &[
        ("10.0.0.1", 31337),
        ("10.1.0.1", 443),
        ("::ffff:10.1.0.1", 443),
        ("10.2.0.1", 8443),
        ("10.2.0.1", 443),
        ("192.168.0.1", 7443),
        ("192.168.0.1", 7444),
    ]), @r#"
    10.0.0.1                     31337  allowed
    10.1.0.1                       443  denied_address: is in a network that NALABO_DENY_NETWORKS denies
    ::ffff:10.1.0.1                443  denied_address: is in a network that NALABO_DENY_NETWORKS denies
    10.2.0.1                      8443  denied_address: is NALABO itself or its database
    10.2.0.1                       443  allowed
    192.168.0.1                   7443  allowed
    192.168.0.1                   7444  server_port: may only be contacted on the ports of Kubernetes APIs
    "#);
}

/// Answers with the first list once, and with the second ever after.
fn flipping(first: &'static [&'static str], then: &'static [&'static str]) -> Resolver {
    let asked = Arc::new(AtomicU32::new(0));
    Arc::new(move |_| {
        let answers = if asked.fetch_add(1, Ordering::SeqCst) == 0 { first } else { then };
        let answers = answers.iter().map(|it| it.parse().expect("an address")).collect();
        Box::pin(async move { Ok(answers) })
    })
}

fn endpoint(text: &str) -> Url {
    crate::endpoint::endpoint_parse(text).expect("an endpoint")
}

#[tokio::test]
async fn one_bad_answer_among_good_ones_refuses_the_name() {
    let bad = flipping(&["203.0.113.9", "169.254.169.254"], &[]);
    let connector = GuardedConnector::with_resolver(policy(&[], &[]), bad);
    let refused = connector.resolve(&endpoint("https://api.example.org:6443")).await;
    let refused = refused.expect_err("one answer is a metadata service");
    assert_eq!(refused.code, Code::DeniedAddress);
    assert_eq!(
        refused.detail,
        "api.example.org resolves to 169.254.169.254, which is a cloud metadata service and is \
         never contacted."
    );
}

#[tokio::test]
async fn a_name_that_flips_between_check_and_dial_is_dialled_where_it_was_checked() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let lab = policy(&["127.0.0.0/8"], &[]);
    let connector =
        GuardedConnector::with_resolver(lab, flipping(&["127.0.0.1"], &["169.254.169.254"]));
    let api = endpoint(&format!("https://api.example.org:{port}"));
    let deadline = Instant::now() + CONNECT_DEADLINE;
    let stream = connector.connect(&api, deadline).await.expect("the checked address");
    assert_eq!(stream.peer_addr().expect("connected").ip().to_string(), "127.0.0.1");
    let second = connector.connect(&api, deadline).await.expect_err("checked anew");
    assert_eq!(second.code, Code::DeniedAddress);
}

#[tokio::test]
async fn an_address_written_as_a_number_is_checked_as_the_address_it_is() {
    let connector = GuardedConnector::new(policy(&[], &[]));
    for text in [
        "https://2130706433:6443",
        "https://0x7f.1:6443",
        "https://0177.0.0.1:6443",
        "https://[::ffff:169.254.169.254]",
        "https://127.1:6443",
        "https://[::1]:6443",
    ] {
        let refused = connector.resolve(&endpoint(text)).await.expect_err(text);
        assert_eq!(refused.code, Code::DeniedAddress, "{text}");
    }
}

#[tokio::test]
async fn a_name_without_addresses_is_unknown() {
    let connector = GuardedConnector::with_resolver(policy(&[], &[]), flipping(&[], &[]));
    let unknown = connector.resolve(&endpoint("https://api.example.org")).await;
    assert_eq!(unknown.expect_err("no answer").code, Code::Dns);
}

#[tokio::test]
async fn a_closed_port_refuses_and_an_open_one_among_many_addresses_is_found() {
    let listener = tokio::net::TcpListener::bind("127.0.0.2:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let both = flipping(&["127.0.0.3", "127.0.0.2"], &["127.0.0.3"]);
    let connector = GuardedConnector::with_resolver(policy(&["127.0.0.0/8"], &[]), both);
    let api = endpoint(&format!("https://api.example.org:{port}"));
    let deadline = Instant::now() + CONNECT_DEADLINE;
    let stream = connector.connect(&api, deadline).await.expect("the second address");
    assert_eq!(stream.peer_addr().expect("connected").ip().to_string(), "127.0.0.2");
    let refused = connector.connect(&api, deadline).await.expect_err("nothing listens");
    assert_eq!(refused.code, Code::Refused);
}

#[test]
fn a_webhook_goes_to_a_private_network_only_where_the_operator_names_it() {
    let nothing = policy(&[], &[]).for_webhooks();
    insta::assert_snapshot!(table(&nothing, &[
        ("203.0.114.9", 443),
        ("203.0.114.9", 8443),
        ("203.0.114.9", 6443),
        ("203.0.114.9", 80),
        ("10.0.0.7", 443),
        ("172.16.3.4", 443),
        ("192.168.1.10", 443),
        ("100.64.0.1", 443),
        ("198.18.0.1", 443),
        ("127.0.0.1", 443),
        ("169.254.1.1", 443),
        ("169.254.169.254", 443),
        ("2001:db8::1", 443),
        ("fd12:3456::1", 443),
        ("fe80::1", 443),
        ("::1", 443),
        ("::ffff:10.0.0.7", 443),
        ("64:ff9b::a00:7", 443),
        ("2002:a00:7::1", 443),
    ]), @r#"
    203.0.114.9                    443  allowed
    203.0.114.9                   8443  allowed
    203.0.114.9                   6443  server_port: may only be contacted on port 443 or 8443
    203.0.114.9                     80  server_port: may only be contacted on port 443 or 8443
    10.0.0.7                       443  denied_address: is an address of a private network
    172.16.3.4                     443  denied_address: is an address of a private network
    192.168.1.10                   443  denied_address: is an address of a private network
    100.64.0.1                     443  denied_address: is an address of a private network
    198.18.0.1                     443  denied_address: is an address of a private network
    127.0.0.1                      443  denied_address: is a loopback or link-local address
    169.254.1.1                    443  denied_address: is a loopback or link-local address
    169.254.169.254                443  denied_address: is a cloud metadata service and is never contacted
    2001:db8::1                    443  allowed
    fd12:3456::1                   443  denied_address: is an address of a private network
    fe80::1                        443  denied_address: is a loopback or link-local address
    ::1                            443  denied_address: is a loopback or link-local address
    ::ffff:10.0.0.7                443  denied_address: carries a private address inside
    64:ff9b::a00:7                 443  denied_address: carries a private address inside
    2002:a00:7::1                  443  denied_address: carries a private address inside
    "#);
    let named = policy(&["10.0.0.0/8", "127.0.0.1/32"], &["10.9.0.0/16"]).for_webhooks();
    insta::assert_snapshot!(table(&named, &[
        ("10.0.0.7", 8065),
        ("10.9.0.7", 443),
        ("127.0.0.1", 8065),
        ("192.168.1.10", 443),
        ("::ffff:10.0.0.7", 443),
    ]), @r#"
    10.0.0.7                      8065  allowed
    10.9.0.7                       443  denied_address: is in a network that NALABO_DENY_NETWORKS denies
    127.0.0.1                     8065  allowed
    192.168.1.10                   443  denied_address: is an address of a private network
    ::ffff:10.0.0.7                443  denied_address: carries a private address inside
    "#);
}
