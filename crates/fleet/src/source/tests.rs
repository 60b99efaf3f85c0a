use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::*;

const CANARY: &str = "s3cr3t-c4n4ry-0123456789";

fn source() -> Source {
    token_source("https://api.example.org", CANARY, None).expect("a source")
}

#[test]
fn a_source_shows_all_but_its_secret() {
    let source = source();
    assert!(!format!("{source:?}").contains(CANARY));
    let face = source.face();
    assert_eq!(face.endpoint, "https://api.example.org:443");
    assert_eq!(face.credential.fingerprint, "cb63d790fc374713");
    assert_eq!((face.credential.subject, face.credential.expires_at), (None, None));
}

#[test]
fn what_was_sealed_is_what_comes_back() {
    let sealed = source().to_sealable();
    assert!(!format!("{sealed:?}").contains(CANARY));
    let back = Source::from_sealed(sealed.expose_secret()).expect("our own form");
    assert_eq!(back.face(), source().face());
    assert_eq!(back.origin(), source().origin());
    assert_eq!(back.to_sealable().expose_secret(), sealed.expose_secret());
}

#[test]
fn a_form_of_another_version_is_refused_without_being_quoted() {
    for bytes in [&b"{}"[..], b"s3cr3t-c4n4ry", b"{\"version\":2}"] {
        let error = Source::from_sealed(bytes).expect_err("not our form");
        assert!(!format!("{error} {error:?}").contains("c4n4ry"));
    }
}

#[test]
fn the_origin_changes_with_host_port_and_authority() {
    let key = rcgen::KeyPair::generate().expect("a key");
    let authority = rcgen::CertificateParams::default().self_signed(&key).expect("a certificate");
    let origin = |endpoint, authority: Option<&str>| {
        token_source(endpoint, CANARY, authority).expect("a source").origin()
    };
    let plain = origin("https://api.example.org", None);
    assert_eq!(plain, origin("https://api.example.org:443/", None), "the same, said otherwise");
    assert_ne!(plain, origin("https://api.example.org:6443", None));
    assert_ne!(plain, origin("https://api.example.com", None));
    assert_ne!(plain, origin("https://api.example.org", Some(&authority.pem())));
}

#[test]
fn a_service_account_token_says_who_it_is_and_until_when() {
    // {"sub":"system:serviceaccount:nalabo-system:nalabo-monitor","exp":1800000000}
    let token = "e30.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6bmFsYWJvLXN5c3RlbTpuYWxhYm8tbW9uaXRvciIsImV4cCI6MTgwMDAwMDAwMH0.x";
    let face = token_source("https://api.example.org", token, None).expect("a source").face();
    assert_eq!(
        face.credential.subject.as_deref(),
        Some("system:serviceaccount:nalabo-system:nalabo-monitor")
    );
    assert_eq!(face.credential.expires_at, Timestamp::from_second(1_800_000_000).ok());
}

#[test]
fn a_pod_reads_its_mounted_account_anew_and_seals_no_token() {
    let folder = tempfile::tempdir().expect("a folder");
    let from = |folder: &std::path::Path| in_cluster_source_from(folder, "10.96.0.1", "443");
    assert_eq!(from(folder.path()).map(|_| ()).map_err(|it| it.code), Err(Code::NotInCluster));
    let key = rcgen::KeyPair::generate().expect("a key");
    let authority = rcgen::CertificateParams::default().self_signed(&key).expect("a certificate");
    std::fs::write(folder.path().join("ca.crt"), authority.pem()).expect("written");
    std::fs::write(folder.path().join("token"), format!("{CANARY}\n")).expect("written");
    let source = from(folder.path()).expect("mounted");
    assert_eq!(source.face().credential.kind, CredentialKind::ServiceAccount);
    let sealed = source.to_sealable();
    let text = String::from_utf8_lossy(sealed.expose_secret()).into_owned();
    assert!(!text.contains(CANARY), "the token changes every hour; its file is what is kept");
    assert_eq!(
        Source::from_sealed(sealed.expose_secret()).expect("ours").origin(),
        source.origin()
    );
}

#[test]
fn a_pasted_token_of_our_own_service_account_is_renewed_and_no_other_is() {
    let renewed = |claims: &str| {
        let payload = URL_SAFE_NO_PAD.encode(claims);
        let token = format!("e30.{payload}.c2ln");
        Credential::token(&token).expect("visible characters").face().renewed
    };
    let account = "system:serviceaccount:nalabo-system:nalabo-monitor";
    assert!(renewed(&format!(r#"{{"sub":"{account}","iat":1000,"exp":2000}}"#)));
    assert!(!renewed(&format!(r#"{{"sub":"{account}"}}"#)), "one that never ends needs no other");
    assert!(!renewed(r#"{"sub":"system:serviceaccount:default:nalabo-monitor","exp":2000}"#));
    assert!(!renewed(r#"{"sub":"system:serviceaccount:nalabo-system:default","exp":2000}"#));
}

#[test]
fn a_pinned_key_is_sealed_with_its_source_and_part_of_its_origin() {
    let pinned = |key: u8| {
        let pin = format!("sha256/{}", STANDARD.encode([key; 32]));
        token_source("https://10.0.0.7", CANARY, Some(&pin)).expect("a source")
    };
    let sealed = pinned(1).to_sealable();
    let back = Source::from_sealed(sealed.expose_secret()).expect("our own form");
    assert_eq!(back.origin(), pinned(1).origin());
    assert_ne!(back.origin(), pinned(2).origin());
    assert_eq!(back.to_sealable().expose_secret(), sealed.expose_secret());
}
