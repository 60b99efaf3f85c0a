//! Key files: which are read, and why others are refused.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nalabo_store::KeyRing;

const GOOD: &str = "3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs=";
const OTHER: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn write(dir: &Path, name: &str, text: &str, mode: u32) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
    path.display().to_string()
}

#[test]
fn keys_are_read_in_order_from_several_files() {
    let dir = tempfile::tempdir().expect("a folder");
    let first = write(dir.path(), "first", &format!("# 2026\n\n{GOOD}\n"), 0o600);
    let second = write(dir.path(), "second", OTHER, 0o400);
    let ring = KeyRing::read(&format!("{first}, {second}")).expect("read");
    let alone = KeyRing::read(&second).expect("read");
    assert_eq!(ring.ids().count(), 2);
    assert_eq!(ring.ids().nth(1), Some(alone.first_id()));
    assert_ne!(ring.first_id(), alone.first_id());
    assert_eq!(format!("{alone:?}"), format!("KeyRing([\"{}\"])", alone.first_id()));
}

#[test]
fn a_made_key_is_readable_by_its_owner_alone_and_never_made_over() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("key");
    KeyRing::create(&path).expect("made");
    let mode = std::fs::metadata(&path).expect("is there").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let text = std::fs::read_to_string(&path).expect("read");
    KeyRing::create(&path).expect_err("there is one");
    assert_eq!(std::fs::read_to_string(&path).expect("read"), text);
    assert_eq!(std::fs::read_dir(dir.path()).expect("read").count(), 1, "no draft is left");
    KeyRing::read(&path.display().to_string()).expect("and it is good");
}

#[test]
fn a_bad_key_file_is_refused_with_what_to_do() {
    let dir = tempfile::tempdir().expect("a folder");
    let ascending = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let sentence = "Y2hhbmdlLXRoaXMtaW4tcHJvZHVjdGlvbi1wbGVhc2U=";
    let cases = [
        ("named by nobody", None),
        ("absent", Some(("absent", None))),
        ("empty", Some(("empty", Some(("# nothing\n".to_owned(), 0o600))))),
        ("short", Some(("short", Some(("c2hvcnQ=\n".to_owned(), 0o600))))),
        ("not a key", Some(("text", Some((format!("{GOOD}\nchangeme\n"), 0o600))))),
        ("zeros", Some(("zeros", Some(("00".repeat(32), 0o600))))),
        ("counting", Some(("counting", Some((ascending.to_owned(), 0o600))))),
        ("a sentence", Some(("sentence", Some((sentence.to_owned(), 0o600))))),
        ("twice", Some(("twice", Some((format!("{GOOD}\n{GOOD}\n"), 0o600))))),
        ("for the world", Some(("world", Some((GOOD.to_owned(), 0o644))))),
        ("for the group", Some(("group", Some((GOOD.to_owned(), 0o640))))),
    ];
    let mut said = String::new();
    for (case, file) in cases {
        let path = match file {
            None => " , ".to_owned(),
            Some((name, None)) => dir.path().join(name).display().to_string(),
            Some((name, Some((text, mode)))) => write(dir.path(), name, &text, mode),
        };
        let refused = KeyRing::read(&path).expect_err(case).to_string();
        let refused = refused.replace(&dir.path().display().to_string(), "/etc/nalabo");
        said.push_str(&format!("{case}: {refused}\n"));
    }
    insta::assert_snapshot!(said, @"
    named by nobody: no key file is named; set NALABO_KEY_FILE
    absent: read the key file /etc/nalabo/absent
    empty: key file /etc/nalabo/empty holds no key; make one with: openssl rand -base64 32 > /etc/nalabo/empty
    short: line 1 of key file /etc/nalabo/short is not 32 bytes in base64 or hexadecimal; make a key with: openssl rand -base64 32
    not a key: line 2 of key file /etc/nalabo/text is not 32 bytes in base64 or hexadecimal; make a key with: openssl rand -base64 32
    zeros: the key on line 1 of key file /etc/nalabo/zeros is not random; make one with: openssl rand -base64 32
    counting: the key on line 1 of key file /etc/nalabo/counting is not random; make one with: openssl rand -base64 32
    a sentence: the key on line 1 of key file /etc/nalabo/sentence is not random; make one with: openssl rand -base64 32
    twice: the key on line 2 of key file /etc/nalabo/twice is listed already
    for the world: key file /etc/nalabo/world can be read by others (mode 0644); run: chmod 600 /etc/nalabo/world
    for the group: key file /etc/nalabo/group can be read by others (mode 0640); run: chmod 600 /etc/nalabo/group
    ");
    assert!(!said.contains(GOOD));
}
