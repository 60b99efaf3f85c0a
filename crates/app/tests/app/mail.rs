//! Mail over a real SMTP server: how it is encrypted, who may, whom it takes, what it says.

use nalabo_app::alert_channels::{TargetAsk, alert_channel_create, alert_channel_test};
use nalabo_app::deliveries::{SendSettings, deliveries_send_due};
use nalabo_app::mail::{SmtpSettings, SmtpTls};
use nalabo_core::alert_channel::{DeliveryErrorCode, DeliveryState, Language, NoticeEvent};
use nalabo_core::clock::Clock as _;
use nalabo_lab::Smtp;
use nalabo_store::Delivery;

use crate::deliveries::{Post, app, ask, loopback, notice};
use crate::house::cli;

fn settings(server: &Smtp, tls: SmtpTls) -> SmtpSettings {
    let signed_in = tls != SmtpTls::None;
    SmtpSettings {
        host: "localhost".to_owned(),
        port: Some(match tls {
            SmtpTls::Starttls => server.starttls_port(),
            SmtpTls::Tls => server.tls_port(),
            SmtpTls::None => server.plain_port(),
        }),
        username: signed_in.then(|| "nalabo".to_owned()),
        password: signed_in.then(|| server.password().into()),
        from: "NALABO <nalabo@example.org>".to_owned(),
        tls,
    }
}

async fn post(server: &Smtp, smtp: SmtpSettings) -> Post {
    let send = SendSettings {
        public_url: Some("https://nalabo.example".to_owned()),
        authorities_pem: Some(server.ca_pem().to_owned()),
        smtp: Some(smtp),
    };
    send.check().expect("good settings");
    Post::with(send, loopback()).await
}

fn to(addresses: &[&str]) -> TargetAsk {
    TargetAsk::Mail { to: addresses.iter().map(|it| (*it).to_owned()).collect() }
}

async fn tested(post: &Post, addresses: &[&str]) -> Vec<Delivery> {
    let name = format!("channel {}", uuid::Uuid::now_v7());
    let channel = post.channel(&name, to(addresses)).await;
    alert_channel_test(&cli(&post.app), channel.id).await.expect("an outcome")
}

/// The text of a part that is written in quoted-printable, and of headers that are not.
fn readable(data: &str) -> String {
    let joined = data.replace("=\r\n", "").replace('\r', "");
    let (mut bytes, mut rest) = (Vec::new(), joined.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        match hex.and_then(|it| u8::from_str_radix(it, 16).ok()) {
            Some(byte) if *first == b'=' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn mail_goes_encrypted_and_signed_in_by_starttls_and_by_tls_from_the_first_byte() {
    let server = Smtp::start().await.expect("an SMTP server");
    for (tls, port) in [(SmtpTls::Starttls, "starttls"), (SmtpTls::Tls, "tls")] {
        let post = post(&server, settings(&server, tls)).await;
        let sent = tested(&post, &["ada@example.org"]).await;
        assert_eq!(sent[0].state, DeliveryState::Delivered, "{sent:?}");
        assert_eq!(sent[0].response_status, Some(250));
        let taken = server.messages().expect("messages").pop().expect("it came");
        assert_eq!((taken.port.as_str(), taken.user.as_str(), taken.tls), (port, "nalabo", true));
        assert_eq!(taken.from, "nalabo@example.org");
        assert_eq!(taken.to, ["ada@example.org"]);
    }
    let post = post(&server, settings(&server, SmtpTls::None)).await;
    let sent = tested(&post, &["ada@example.org"]).await;
    assert_eq!(sent[0].state, DeliveryState::Delivered, "a relay beside us needs neither");
    let taken = server.messages().expect("messages").pop().expect("it came");
    assert_eq!((taken.port.as_str(), taken.user.as_str(), taken.tls), ("plain", "", false));
}

#[tokio::test]
async fn nothing_is_sent_when_the_server_does_not_encrypt_or_is_a_stranger() {
    let server = Smtp::start().await.expect("an SMTP server");
    let without =
        SmtpSettings { port: Some(server.plain_port()), ..settings(&server, SmtpTls::Starttls) };
    let post = post(&server, without).await;
    let sent = tested(&post, &["ada@example.org"]).await;
    assert_eq!(sent[0].error_code, Some(DeliveryErrorCode::Tls), "{sent:?}");
    for tls in [SmtpTls::Starttls, SmtpTls::Tls] {
        let send = SendSettings { smtp: Some(settings(&server, tls)), ..SendSettings::default() };
        let stranger = Post::with(send, loopback()).await;
        let sent = tested(&stranger, &["ada@example.org"]).await;
        assert_eq!(sent[0].error_code, Some(DeliveryErrorCode::Tls), "{sent:?}");
    }
    assert!(server.messages().expect("messages").is_empty());
}

#[tokio::test]
async fn a_wrong_password_is_said_and_is_in_no_sentence() {
    let server = Smtp::start().await.expect("an SMTP server");
    let wrong = SmtpSettings {
        password: Some("wrong-smtp-password".into()),
        ..settings(&server, SmtpTls::Starttls)
    };
    let post = post(&server, wrong).await;
    let sent = tested(&post, &["ada@example.org"]).await;
    assert_eq!(sent[0].error_code, Some(DeliveryErrorCode::SmtpAuth), "{sent:?}");
    assert_eq!(sent[0].response_status, Some(535));
    let said = sent[0].error.as_deref().expect("a sentence");
    assert!(said.contains("refuses the user or the password") && !said.contains("wrong-smtp"));
}

#[tokio::test]
async fn one_recipient_who_is_refused_keeps_nothing_from_the_others() {
    let server = Smtp::start().await.expect("an SMTP server");
    let post = post(&server, settings(&server, SmtpTls::Starttls)).await;
    let people = ["ada@example.org", "refused@example.org", "later@example.org"];
    let channel = post.channel("people", to(&people)).await;
    assert_eq!(post.enqueue(&notice(post.clock.now())).await, 3);
    assert_eq!(post.send().await, 3);
    let log = post.log(channel.id).await;
    let of = |who: &str| log.iter().find(|it| it.recipient == who).expect("a line").clone();
    assert_eq!(of("ada@example.org").state, DeliveryState::Delivered);
    let refused = of("refused@example.org");
    assert_eq!(refused.error_code, Some(DeliveryErrorCode::RecipientRefused));
    assert_eq!(refused.state, DeliveryState::Failed, "asking again makes no mailbox");
    let later = of("later@example.org");
    assert_eq!((later.state, later.response_status), (DeliveryState::Queued, Some(451)));
    post.advance(10);
    assert_eq!(post.send().await, 1, "only the one who may come later");
    let taken = server.messages().expect("messages");
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].to, ["ada@example.org"]);
    assert!(!taken[0].data.contains("refused@"), "nobody reads who else is told");
}

#[tokio::test]
async fn a_mail_is_written_in_the_language_of_its_channel() {
    let server = Smtp::start().await.expect("an SMTP server");
    let post = post(&server, settings(&server, SmtpTls::Starttls)).await;
    for (name, language) in [("english", Language::En), ("french", Language::Fr)] {
        let mut ask = ask(name, to(&[&format!("{name}@example.org")]));
        ask.language = language;
        alert_channel_create(&cli(&post.app), &ask).await.expect("a channel");
    }
    let opened = notice(post.clock.now());
    let mut resolved = notice(post.clock.now());
    resolved.group_id = opened.group_id;
    resolved.event = NoticeEvent::Resolved;
    resolved.duration_seconds = Some(125 * 60);
    resolved.resolved_at = Some(post.clock.now());
    post.enqueue(&opened).await;
    post.send().await;
    post.enqueue(&resolved).await;
    post.send().await;
    let taken = server.messages().expect("messages");
    let of = |name: &str| -> Vec<String> {
        let to = format!("{name}@example.org");
        let mine = taken.iter().filter(|it| it.to.contains(&to));
        mine.map(|it| readable(&it.data)).collect()
    };
    let english = of("english");
    assert_eq!(english.len(), 2);
    assert!(english[0].contains("Subject: [NALABO] Critical: paris does not answer"));
    assert!(english[0].contains("paris has not answered since"), "{}", english[0]);
    assert!(english[0].contains("https://nalabo.example/admin/alerts"));
    assert!(english[0].contains("Content-Type: text/html"), "in both forms");
    assert!(english[0].contains("Auto-Submitted: auto-generated"));
    assert!(english[0].contains(&format!("Message-ID: <{}@example.org>", opened.id)));
    assert!(english[1].contains("It lasted 2 hours 5 minutes"), "{}", english[1]);
    let group = opened.group_id.expect("a group");
    let thread = format!("References: <{group}@example.org>");
    assert!(english.iter().all(|it| it.contains(&thread)), "they stand together in a mailbox");
    let french = of("french");
    assert!(french[0].contains("paris ne répond plus depuis le"), "{}", french[0]);
    assert!(french[0].contains("lang=\"fr\""));
    assert!(french[1].contains("2 heures 5 minutes"), "{}", french[1]);
}

#[tokio::test]
async fn mail_waits_for_a_server_that_is_down_and_arrives_when_it_is_back() {
    let mut server = Smtp::start().await.expect("an SMTP server");
    let post = post(&server, settings(&server, SmtpTls::Starttls)).await;
    let channel = post.channel("people", to(&["ada@example.org"])).await;
    server.stop();
    let notice = notice(post.clock.now());
    post.enqueue(&notice).await;
    post.send().await;
    let line = post.only(channel.id).await;
    assert_eq!(line.error_code, Some(DeliveryErrorCode::Refused), "{line:?}");
    server.start_again().await.expect("it is back");
    // It listens on another port now: NALABO is started anew with it.
    let send = SendSettings {
        authorities_pem: Some(server.ca_pem().to_owned()),
        smtp: Some(settings(&server, SmtpTls::Starttls)),
        ..SendSettings::default()
    };
    let again = app(&post.house, post.clock.clone(), send, loopback());
    post.advance(10);
    assert_eq!(deliveries_send_due(&again).await.expect("sent"), 1);
    assert_eq!(post.only(channel.id).await.state, DeliveryState::Delivered);
    let taken = server.messages().expect("messages").pop().expect("it came");
    assert!(taken.data.contains(&format!("<{}@example.org>", notice.id)));
}

#[tokio::test]
async fn without_a_mail_server_a_test_says_which_settings_are_missing() {
    let post = Post::new().await;
    let sent = tested(&post, &["ada@example.org"]).await;
    assert_eq!(sent[0].error_code, Some(DeliveryErrorCode::SmtpMissing));
    assert!(sent[0].error.as_deref().expect("a sentence").contains("NALABO_SMTP_HOST"));
}
