use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

#[derive(serde::Deserialize)]
struct Number(u32);

fn folded(page: &str) -> Result<(u32, PageEnd), PageUnreadable> {
    let mut sum = 0;
    let end = page_fold(page.as_bytes(), |Number(it)| sum += it)?;
    Ok((sum, end))
}

fn squeezed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("squeezed")
}

#[test]
fn items_are_folded_whatever_stands_around_them() {
    let page = r#"{"kind":"NodeList","items":[1,2,3],"extra":{"items":[9]},
        "metadata":{"resourceVersion":"42","continue":"more","remainingItemCount":7}}"#;
    let (sum, end) = folded(page).expect("a page");
    let next = Some("more".to_owned());
    assert_eq!((sum, end), (6, PageEnd { next, resource_version: "42".to_owned(), items: 3 }));
    let (sum, end) = folded(r#"{"items":null,"metadata":{"continue":""}}"#).expect("a page");
    assert_eq!((sum, end), (0, PageEnd::default()));
}

#[test]
fn what_is_no_list_is_refused() {
    for odd in [
        "",
        "[]",
        "{}",
        r#"{"kind":"Status"}"#,
        r#"{"items":{}}"#,
        r#"{"items":[1]"#,
        r#"{"items":[1]}x"#,
        r#"{"items":["one"]}"#,
        r#"{"items":[1],"items":[1]}"#,
    ] {
        assert!(folded(odd).is_err(), "{odd}");
    }
}

#[test]
fn a_bomb_is_refused_at_the_limit_and_not_after_it() {
    let page = br#"{"items":[1]}"#;
    assert_eq!(gzip_read(&squeezed(page), 13).expect("fits"), page);
    assert_eq!(gzip_read(&squeezed(page), 12), Err(Unsqueezable::TooLarge));
    let bomb = squeezed(&vec![b' '; 64 * 1024 * 1024]);
    assert!(bomb.len() < 100 * 1024, "{}", bomb.len());
    assert_eq!(gzip_read(&bomb, 1024 * 1024), Err(Unsqueezable::TooLarge));
    // Members one after the other count together.
    let twice = [squeezed(&[b' '; 600]), squeezed(&[b' '; 600])].concat();
    assert_eq!(gzip_read(&twice, 1000), Err(Unsqueezable::TooLarge));
}

#[test]
fn what_is_cut_off_or_no_gzip_is_broken() {
    let whole = squeezed(br#"{"items":[1]}"#);
    assert_eq!(gzip_read(&whole[..whole.len() - 9], 1000), Err(Unsqueezable::Broken));
    assert_eq!(gzip_read(b"{}", 1000), Err(Unsqueezable::Broken));
}
