use insta::{assert_json_snapshot, assert_snapshot};
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

fn line(name: &str) -> NoticeLine {
    NoticeLine {
        name: name.to_owned(),
        infrastructure_id: None,
        state: "unreachable".to_owned(),
        detail: "paris.example:6443 refuses connections".to_owned(),
        since: at("2026-11-22T14:02:31Z"),
        until: None,
        facts: NoticeFacts::default(),
    }
}

fn notice(rule: RuleKind, names: &[&str]) -> Notice {
    Notice {
        id: "01900000-0000-7000-8000-000000000001".parse().expect("an id"),
        event: NoticeEvent::Opened,
        severity: Severity::Critical,
        group_id: None,
        rule: Some(rule),
        title: "paris does not answer".to_owned(),
        lines: names.iter().map(|it| line(it)).collect(),
        count: u32::try_from(names.len()).expect("few"),
        opened_at: at("2026-11-22T14:02:31Z"),
        resolved_at: None,
        duration_seconds: None,
        url_path: "/admin/alerts".to_owned(),
    }
}

fn resolved(mut it: Notice) -> Notice {
    it.event = NoticeEvent::Resolved;
    it.resolved_at = Some(at("2026-11-22T16:07:40Z"));
    it.duration_seconds = Some(2 * 3_600 + 5 * 60 + 9);
    for line in &mut it.lines {
        line.until = it.resolved_at;
    }
    it
}

const ALL: [RuleKind; 15] = [
    RuleKind::Disconnected,
    RuleKind::Degraded,
    RuleKind::CheckLate,
    RuleKind::Flapping,
    RuleKind::NetworkSuspect,
    RuleKind::CpuHigh,
    RuleKind::MemoryHigh,
    RuleKind::StorageHigh,
    RuleKind::PodsHigh,
    RuleKind::CredentialExpiring,
    RuleKind::CredentialExpired,
    RuleKind::CertificateExpiring,
    RuleKind::VersionUnsupported,
    RuleKind::VersionSkew,
    RuleKind::ForecastFull,
];

/// Every sentence of every rule, for whoever reads the languages better than the code.
fn sentences(language: Language) -> String {
    let mut said = String::new();
    for rule in ALL {
        let mut one = notice(rule, &["paris"]);
        one.lines[0].detail = String::new();
        let plain = notice_text(&one, language).lines[0].clone();
        one.lines[0].facts = NoticeFacts {
            percent: Some(93.4),
            threshold_percent: Some(85.0),
            resource: Some("memory".to_owned()),
            ends_at: Some(at("2026-12-01T00:00:00Z")),
            version: Some("v1.31.2".to_owned()),
        };
        let many = notice(rule, &["paris", "lyon"]);
        let of = |it: &Notice| notice_text(it, language);
        said.push_str(&format!("{rule:?}\n  {}\n  {}\n", of(&one).title, of(&many).title));
        let (one_over, many_over) = (of(&resolved(one.clone())), of(&resolved(many)));
        said.push_str(&format!("  {}\n  {}\n", one_over.title, many_over.title));
        said.push_str(&format!("  {}\n", of(&one).lines[0]));
        if plain != of(&one).lines[0] {
            said.push_str(&format!("  {plain}\n"));
        }
    }
    said
}

#[test]
fn every_rule_speaks_english() {
    assert_snapshot!(sentences(Language::En));
}

#[test]
fn every_rule_speaks_french() {
    assert_snapshot!(sentences(Language::Fr));
}

fn mails(language: Language) -> String {
    let reminder = |mut it: Notice| {
        it.event = NoticeEvent::Reminder;
        it.duration_seconds = Some(4 * 3_600);
        it
    };
    let one = notice(RuleKind::Disconnected, &["paris"]);
    let two = notice(RuleKind::Disconnected, &["paris", "lyon"]);
    let mut test = notice(RuleKind::Disconnected, &[]);
    (test.event, test.rule, test.severity) = (NoticeEvent::Test, None, Severity::Info);
    let url = Some("https://nalabo.example/admin/alerts");
    [one.clone(), two.clone(), reminder(two), resolved(one), test]
        .iter()
        .map(|it| {
            let said = mail_text(it, language, url);
            format!("Subject: {}\n\n{}\n", said.subject, said.plain)
        })
        .collect::<Vec<_>>()
        .join("=====\n")
}

#[test]
fn a_mail_says_what_happened_in_english() {
    assert_snapshot!(mails(Language::En));
}

#[test]
fn a_mail_says_what_happened_in_french() {
    assert_snapshot!(mails(Language::Fr));
}

/// A cluster whose name and messages are an attack on whoever reads of it.
fn hostile() -> Notice {
    let mut it = notice(RuleKind::Degraded, &["<!channel> *x* [a](http://b) @all"]);
    it.lines[0].detail = "</li><script>alert(1)</script>\u{202e}\nSubject: x {name}".to_owned();
    it
}

fn body(notice: &Notice, format: WebhookFormat) -> serde_json::Value {
    let url = Some("https://nalabo.example/admin/alerts?a=1&b=2");
    webhook_body(notice, format, Language::En, at("2026-11-22T14:02:40Z"), url)
}

#[test]
fn each_format_carries_what_its_receiver_understands() {
    let it = resolved(notice(RuleKind::Disconnected, &["paris", "lyon"]));
    assert_json_snapshot!("standard", body(&it, WebhookFormat::Standard));
    assert_json_snapshot!("slack", body(&it, WebhookFormat::Slack));
    assert_json_snapshot!("teams", body(&it, WebhookFormat::Teams));
    assert_json_snapshot!("mattermost", body(&it, WebhookFormat::Mattermost));
}

#[test]
fn what_a_cluster_says_is_text_and_never_markup() {
    let it = hostile();
    let slack = body(&it, WebhookFormat::Slack);
    assert!(!slack["text"].as_str().expect("text").contains("<!channel>"));
    assert_eq!(slack["blocks"][0]["text"]["type"], "plain_text");
    assert_eq!(slack["blocks"][1]["text"]["type"], "plain_text");
    let mattermost = body(&it, WebhookFormat::Mattermost).to_string();
    assert!(!mattermost.contains("@all") && !mattermost.contains("[a]("), "{mattermost}");
    let html = mail_text(&it, Language::Fr, None).html;
    assert!(!html.contains("<script>") && !html.contains("<!channel>"), "{html}");
    let mail = mail_text(&it, Language::En, None);
    assert!(!mail.subject.contains(['\n', '\r']) && !mail.plain.contains('\u{202e}'));
    assert!(mail.plain.contains("{name}"), "a slot in a message is text: {}", mail.plain);
}

#[test]
fn a_storm_fits_into_one_message_and_says_how_many_it_does_not_list() {
    let mut it = notice(RuleKind::Disconnected, &[]);
    let long = line(&"é".repeat(63));
    it.lines = vec![NoticeLine { detail: "\u{1f4a5}".repeat(300), ..long }; 400];
    it.count = 400;
    for format in [
        WebhookFormat::Standard,
        WebhookFormat::Slack,
        WebhookFormat::Teams,
        WebhookFormat::Mattermost,
    ] {
        let bytes = body(&it, format).to_string().len();
        assert!(bytes <= 64 * 1024, "{format:?}: {bytes}");
    }
    let text = notice_text(&it, Language::Fr);
    assert_eq!(text.lines.last().expect("a line"), "375 autres ne sont pas citées ici.");
    assert_eq!(text.title, "400 infrastructures ne répondent plus");
}

#[test]
fn a_duration_is_said_in_the_two_largest_units() {
    let table = [0, 59, 60, 119, 3_600, 3_661, 7_500, 86_400, 90_000, 200_000, 86_460]
        .map(|it| {
            let (en, fr) = (duration_text(it, Language::En), duration_text(it, Language::Fr));
            format!("{it:>6}  {en:<22} {fr}")
        })
        .join("\n");
    assert_snapshot!(table, @"
         0  less than a minute     moins d'une minute
        59  less than a minute     moins d'une minute
        60  1 minute               1 minute
       119  1 minute               1 minute
      3600  1 hour                 1 heure
      3661  1 hour 1 minute        1 heure 1 minute
      7500  2 hours 5 minutes      2 heures 5 minutes
     86400  1 day                  1 jour
     90000  1 day 1 hour           1 jour 1 heure
    200000  2 days 7 hours         2 jours 7 heures
     86460  1 day                  1 jour
    ");
}

#[test]
fn a_channel_for_warnings_hears_of_what_is_worse_and_not_of_what_is_less() {
    use Severity::{Critical, Info, Warning};
    assert!(severity_reaches(Warning, Critical) && severity_reaches(Warning, Warning));
    assert!(!severity_reaches(Warning, Info) && !severity_reaches(Critical, Warning));
    assert!(severity_reaches(Info, Info));
}

#[test]
fn a_delivery_is_tried_six_times_over_two_and_a_half_hours_then_given_up() {
    let created = at("2026-11-22T12:00:00Z");
    let (mut now, mut attempts, mut waits) = (created, 1, Vec::new());
    while let Some(next) = next_attempt_at(attempts, created, now) {
        waits.push(next.duration_since(now).as_secs());
        (now, attempts) = (next, attempts + 1);
    }
    assert_eq!((attempts, waits), (6, vec![10, 60, 300, 1_800, 7_200]));
    let late = created + jiff::SignedDuration::from_hours(23);
    assert_eq!(next_attempt_at(5, created, late), None, "older than a day it tells of another day");
}

proptest! {
    #[test]
    fn any_name_and_detail_make_a_text_of_one_line_each(name in ".{0,200}", detail in ".{0,600}") {
        let mut it = notice(RuleKind::Degraded, &["x"]);
        it.lines[0].name = name;
        it.lines[0].detail = detail;
        for language in [Language::En, Language::Fr] {
            let text = notice_text(&it, language);
            for said in text.lines.iter().chain([&text.headline]) {
                prop_assert!(!said.chars().any(|c| c.is_control()));
                prop_assert!(said.chars().count() < 600);
            }
        }
    }
}
