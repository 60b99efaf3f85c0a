//! Notices on their way, with a receiver that can do what receivers do, and a clock that only the
//! test moves.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nalabo_app::alert_channels::{
    AlertChannelAsk, TargetAsk, alert_channel_create, alert_channel_list, alert_channel_test,
    alert_channel_update, delivery_list,
};
use nalabo_app::audit::audit_list;
use nalabo_app::deliveries::{SendSettings, deliveries_send_due};
use nalabo_app::reconcile::Loops;
use nalabo_app::{App, Settings};
use nalabo_core::alert::{RuleKind, Severity};
use nalabo_core::alert_channel::{
    DeliveryErrorCode, DeliveryState, Language, Notice, NoticeEvent, NoticeFacts, NoticeLine,
    WebhookFormat,
};
use nalabo_core::audit::AuditAction;
use nalabo_core::clock::{Clock, ManualClock, SystemClock};
use nalabo_core::id::{AlertChannelId, NoticeId};
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_fleet::{AddressPolicy, GuardedConnector, InfrastructureFactory};
use nalabo_store::{AlertChannel, Delivery, commit, delivery_enqueue, delivery_take};

use crate::house::{House, cli, eventually};
use crate::receiver::{Receiver, Reply};

const KEY: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// A NALABO and its clock.
pub struct Post {
    pub house: House,
    pub app: Arc<App>,
    pub clock: Arc<ManualClock>,
}

impl Post {
    pub async fn new() -> Self {
        Self::with(SendSettings::default(), loopback()).await
    }

    pub async fn with(send: SendSettings, factory: InfrastructureFactory) -> Self {
        let house = House::new().await;
        let now = Timestamp::from_second(SystemClock.now().as_second()).expect("a moment");
        let clock = Arc::new(ManualClock::at(now));
        let app = app(&house, clock.clone(), send, factory);
        Self { house, app, clock }
    }

    pub fn advance(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    pub async fn channel(&self, name: &str, target: TargetAsk) -> AlertChannel {
        alert_channel_create(&cli(&self.app), &ask(name, target)).await.expect("a channel")
    }

    pub async fn enqueue(&self, notice: &Notice) -> u64 {
        let mut tx = self.house.db.begin().await.expect("a transaction");
        let made = delivery_enqueue(&mut tx, notice, self.clock.now()).await.expect("enqueued");
        commit(tx).await.expect("kept");
        made
    }

    /// Sends what is due; how many attempts that were.
    pub async fn send(&self) -> u64 {
        deliveries_send_due(&self.app).await.expect("the database answers")
    }

    pub async fn log(&self, id: AlertChannelId) -> Vec<Delivery> {
        delivery_list(&cli(&self.app), id, None, None).await.expect("a log").0
    }

    pub async fn only(&self, id: AlertChannelId) -> Delivery {
        let log = self.log(id).await;
        assert_eq!(log.len(), 1, "{log:?}");
        log.into_iter().next().expect("one")
    }

    async fn shown(&self, id: AlertChannelId) -> AlertChannel {
        let page = alert_channel_list(&cli(&self.app)).await.expect("a list");
        page.items.into_iter().find(|it| it.id == id).expect("it is there")
    }
}

pub fn app(
    house: &House,
    clock: Arc<dyn Clock>,
    send: SendSettings,
    factory: InfrastructureFactory,
) -> Arc<App> {
    house.app_of(clock, Settings { send, ..Settings::default() }, factory)
}

pub fn loopback() -> InfrastructureFactory {
    let loopback = "127.0.0.0/8".parse().expect("a network");
    InfrastructureFactory::new(AddressPolicy::new(vec![loopback], Vec::new()))
}

pub fn ask(name: &str, target: TargetAsk) -> AlertChannelAsk {
    AlertChannelAsk {
        name: name.to_owned(),
        enabled: true,
        min_severity: Severity::Info,
        rules: None,
        language: Language::En,
        target,
    }
}

fn webhook(url: &str) -> TargetAsk {
    TargetAsk::Webhook {
        format: WebhookFormat::Standard,
        url: Some(url.into()),
        secret: Some(KEY.into()),
        remove_secret: false,
    }
}

pub fn notice(now: Timestamp) -> Notice {
    Notice {
        id: NoticeId::new(),
        event: NoticeEvent::Opened,
        severity: Severity::Critical,
        group_id: Some(uuid::Uuid::now_v7()),
        rule: Some(RuleKind::Disconnected),
        title: "paris does not answer".to_owned(),
        lines: vec![NoticeLine {
            name: "paris".to_owned(),
            infrastructure_id: None,
            state: "unreachable".to_owned(),
            detail: "no answer within 5 s".to_owned(),
            since: now,
            until: None,
            facts: NoticeFacts::default(),
        }],
        count: 1,
        opened_at: now,
        resolved_at: None,
        duration_seconds: None,
        url_path: "/admin/alerts".to_owned(),
    }
}

#[tokio::test]
async fn a_notice_arrives_signed_and_says_what_happened() {
    let (post, receiver) = (Post::new().await, Receiver::new().await);
    let channel = post.channel("ops", webhook(&receiver.url())).await;
    let notice = notice(post.clock.now());
    assert_eq!(post.enqueue(&notice).await, 1);
    assert_eq!(post.send().await, 1);
    let heard = receiver.heard();
    assert_eq!(heard.len(), 1);
    assert!(heard[0].is_signed_with(KEY), "{:?}", heard[0].headers);
    let other = format!("whsec_{}", STANDARD.encode([7; 32]));
    assert!(!heard[0].is_signed_with(&other));
    assert_eq!(heard[0].header("webhook-id"), notice.id.to_string());
    assert_eq!(heard[0].header("content-type"), "application/json");
    let said = heard[0].json();
    assert_eq!(said["type"], "alert.opened");
    assert_eq!(said["data"]["lines"][0]["name"], "paris");
    let line = post.only(channel.id).await;
    assert_eq!((line.state, line.attempts), (DeliveryState::Delivered, 1));
    assert_eq!(line.response_status, Some(204));
    post.advance(3_600);
    assert_eq!(post.send().await, 0, "once is enough");
    let last = post.shown(channel.id).await.last_delivery.expect("it is shown");
    assert_eq!((last.state, last.error), (DeliveryState::Delivered, None));
}

#[tokio::test]
async fn a_receiver_that_fails_is_asked_again_and_told_the_same_when_it_is_back() {
    let (post, receiver) = (Post::new().await, Receiver::new().await);
    let channel = post.channel("ops", webhook(&receiver.url())).await;
    receiver.reply(Reply::Status(500));
    post.enqueue(&notice(post.clock.now())).await;
    assert_eq!(post.send().await, 1);
    let line = post.only(channel.id).await;
    assert_eq!((line.state, line.response_status), (DeliveryState::Queued, Some(500)));
    let expected = post.clock.now() + SignedDuration::from_secs(10);
    assert_eq!(line.next_attempt_at, Some(expected));
    post.advance(9);
    assert_eq!(post.send().await, 0, "not before its time");
    post.advance(1);
    assert_eq!(post.send().await, 1);
    receiver.reply(Reply::Status(200));
    post.advance(60);
    assert_eq!(post.send().await, 1);
    assert_eq!(post.only(channel.id).await.state, DeliveryState::Delivered);
    let heard = receiver.heard();
    assert_eq!(heard.len(), 3);
    assert!(heard.iter().all(|it| it.is_signed_with(KEY)));
    assert!(heard.iter().all(|it| it.body == heard[0].body), "the same words");
    assert!(heard.iter().all(|it| it.header("webhook-id") == heard[0].header("webhook-id")));
    assert_ne!(heard[0].header("webhook-timestamp"), heard[2].header("webhook-timestamp"));
}

#[tokio::test]
async fn a_receiver_that_never_answers_well_is_given_up_after_six_attempts() {
    let (post, receiver) = (Post::new().await, Receiver::new().await);
    let channel = post.channel("ops", webhook(&receiver.url())).await;
    receiver.reply(Reply::Status(404));
    post.enqueue(&notice(post.clock.now())).await;
    for wait in [0, 10, 60, 300, 1_800, 7_200] {
        post.advance(wait);
        assert_eq!(post.send().await, 1, "after {wait} s");
    }
    let line = post.only(channel.id).await;
    assert_eq!((line.state, line.attempts), (DeliveryState::Failed, 6));
    assert_eq!(line.error_code, Some(DeliveryErrorCode::Status));
    post.advance(100_000);
    assert_eq!(post.send().await, 0);
    assert_eq!(receiver.heard().len(), 6);
}

#[tokio::test]
async fn nothing_is_lost_when_nalabo_stops_between_or_in_the_middle_of_attempts() {
    let (post, receiver) = (Post::new().await, Receiver::new().await);
    let channel = post.channel("ops", webhook(&receiver.url())).await;
    receiver.reply(Reply::Status(503));
    let notice = notice(post.clock.now());
    post.enqueue(&notice).await;
    post.send().await;
    // Another process takes it up, takes it, and dies before it says how it ended.
    let clock = post.clock.clone();
    let again = Post { app: app(&post.house, clock, SendSettings::default(), loopback()), ..post };
    again.advance(10);
    let now = again.clock.now();
    let lease = now + SignedDuration::from_secs(60);
    let taken = delivery_take(again.house.db.pool(), now, lease, 8).await.expect("taken");
    assert_eq!((taken.len(), taken[0].attempts), (1, 2));
    assert_eq!(again.send().await, 0, "somebody holds it");
    receiver.reply(Reply::Status(200));
    again.advance(61);
    assert_eq!(again.send().await, 1, "nobody holds it any more");
    let line = again.only(channel.id).await;
    assert_eq!((line.state, line.attempts), (DeliveryState::Delivered, 3));
    let heard = receiver.heard();
    assert_eq!(heard.len(), 2);
    assert!(heard.iter().all(|it| it.header("webhook-id") == notice.id.to_string()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_hangs_holds_up_nobody_else_and_ends_as_silence() {
    let (post, hanging, well) = (Post::new().await, Receiver::new().await, Receiver::new().await);
    let silent = post.channel("silent", webhook(&hanging.url())).await;
    post.channel("well", webhook(&well.url())).await;
    hanging.reply(Reply::Hang);
    post.enqueue(&notice(post.clock.now())).await;
    let second = notice(post.clock.now());
    post.enqueue(&second).await;
    let app = post.app.clone();
    let sending = tokio::spawn(async move { deliveries_send_due(&app).await });
    eventually("both arrive where somebody listens", async || well.heard().len() == 2).await;
    eventually("the silent one is asked", async || !hanging.heard().is_empty()).await;
    assert!(!sending.is_finished(), "while the other still hangs");
    assert_eq!(hanging.heard().len(), 1, "one at a time");
    sending.await.expect("it ends").expect("the database answers");
    let log = post.log(silent.id).await;
    assert!(log.iter().all(|it| it.error_code == Some(DeliveryErrorCode::Timeout)), "{log:?}");
    assert!(log.iter().all(|it| it.state == DeliveryState::Queued));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (post, receiver, target) =
        (Post::new().await, Receiver::new().await, Receiver::new().await);
    let channel = post.channel("ops", webhook(&receiver.url())).await;
    receiver.reply(Reply::Redirect(target.url()));
    post.enqueue(&notice(post.clock.now())).await;
    post.send().await;
    let line = post.only(channel.id).await;
    assert_eq!(line.error_code, Some(DeliveryErrorCode::Redirect));
    assert_eq!((line.state, line.response_status), (DeliveryState::Queued, Some(307)));
    assert!(target.heard().is_empty());
}

#[tokio::test]
async fn a_receiver_may_ask_for_more_patience_than_the_table() {
    let (post, receiver) = (Post::new().await, Receiver::new().await);
    let channel = post.channel("ops", webhook(&receiver.url())).await;
    receiver.reply(Reply::RetryAfter(90));
    post.enqueue(&notice(post.clock.now())).await;
    post.send().await;
    let next = post.only(channel.id).await.next_attempt_at.expect("it is tried again");
    assert_eq!(next, post.clock.now() + SignedDuration::from_secs(90));
}

#[tokio::test]
async fn a_receiver_that_is_gone_for_good_switches_its_channel_off() {
    let (post, receiver) = (Post::new().await, Receiver::new().await);
    let channel = post.channel("ops", webhook(&receiver.url())).await;
    receiver.reply(Reply::Status(410));
    post.enqueue(&notice(post.clock.now())).await;
    post.enqueue(&notice(post.clock.now())).await;
    assert_eq!(post.send().await, 1, "the second is given up unsent");
    let shown = post.shown(channel.id).await;
    assert!(!shown.profile.enabled);
    assert_eq!(shown.disabled_reason.as_deref(), Some("gone"));
    let log = post.log(channel.id).await;
    assert_eq!(log.len(), 2);
    assert!(log.iter().all(|it| it.state == DeliveryState::Failed));
    assert!(log.iter().all(|it| it.error_code == Some(DeliveryErrorCode::Gone)));
    assert_eq!(post.enqueue(&notice(post.clock.now())).await, 0, "nobody is told any more");
    let audit = audit_list(&cli(&post.app), None, None).await.expect("an audit");
    assert_eq!(audit.items[0].action, AuditAction::AlertChannelDisabled);
    // Somebody who knows better switches it on again.
    let ask = ask("ops", webhook(&receiver.url()));
    let back = alert_channel_update(&cli(&post.app), channel.id, shown.revision, &ask).await;
    let back = back.expect("changed");
    assert!(back.profile.enabled && back.disabled_reason.is_none());
}

#[tokio::test]
async fn what_waits_for_more_than_a_day_is_not_sent_any_more() {
    let (post, receiver) = (Post::new().await, Receiver::new().await);
    let channel = post.channel("ops", webhook(&receiver.url())).await;
    post.enqueue(&notice(post.clock.now())).await;
    post.advance(24 * 3_600 + 1);
    post.send().await;
    let line = post.only(channel.id).await;
    assert_eq!(line.error_code, Some(DeliveryErrorCode::Expired));
    assert_eq!(line.state, DeliveryState::Failed);
    assert!(receiver.heard().is_empty());
}

/// The outcome of the test of a channel with this address.
async fn tested(post: &Post, url: &str) -> Delivery {
    let name = format!("channel {}", uuid::Uuid::now_v7());
    let channel = post.channel(&name, webhook(url)).await;
    let sent = alert_channel_test(&cli(&post.app), channel.id).await.expect("an outcome");
    assert_eq!(sent.len(), 1);
    sent.into_iter().next().expect("one")
}

#[tokio::test]
async fn a_webhook_never_goes_to_the_machine_itself_or_its_neighbours_unless_named() {
    let receiver = Receiver::new().await;
    let factory = InfrastructureFactory::new(AddressPolicy::new(Vec::new(), Vec::new()));
    let post = Post::with(SendSettings::default(), factory).await;
    let local = receiver.url();
    for url in [
        local.as_str(),
        "https://10.1.2.3/x/y",
        "https://192.168.0.9/x/y",
        "https://[::1]/x/y",
        "https://[fd00::7]/x/y",
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433/x/y",
        "http://0x7f.1/x/y",
    ] {
        let line = tested(&post, url).await;
        assert_eq!(line.error_code, Some(DeliveryErrorCode::DeniedAddress), "{url} {line:?}");
        let said = line.error.expect("a sentence");
        assert!(said.contains("NALABO_ALLOW_NETWORKS"), "{said}");
        assert!(!said.contains("s3cr3t"), "{said}");
        assert_eq!(line.state, DeliveryState::Failed, "a test is not repeated");
    }
    assert!(receiver.heard().is_empty());
    let port = tested(&post, "https://203.0.114.9:22/x/y").await;
    assert_eq!(port.error_code, Some(DeliveryErrorCode::DeniedPort));
}

#[tokio::test]
async fn a_name_is_judged_by_every_address_that_it_resolves_to() {
    let answers = |name: String| {
        let addresses: Vec<IpAddr> = match name.as_str() {
            "inside.example" => vec!["10.0.0.7".parse().expect("an address")],
            "both.example" => {
                vec!["203.0.114.9".parse().expect("one"), "127.0.0.1".parse().expect("another")]
            }
            "outside.example" => vec!["203.0.114.9".parse().expect("an address")],
            _ => Vec::new(),
        };
        futures::FutureExt::boxed(async move { Ok(addresses) })
    };
    let mut policy = AddressPolicy::new(Vec::new(), Vec::new());
    policy.ports.push(80);
    let connector = GuardedConnector::with_resolver(policy, Arc::new(answers));
    let factory = InfrastructureFactory::with_connector(connector);
    let post = Post::with(SendSettings::default(), factory).await;
    for (url, code) in [
        ("https://inside.example/x/y", DeliveryErrorCode::DeniedAddress),
        ("https://both.example/x/y", DeliveryErrorCode::DeniedAddress),
        ("https://nowhere.example/x/y", DeliveryErrorCode::Dns),
        ("http://outside.example/x/y", DeliveryErrorCode::PlainHttp),
    ] {
        let line = tested(&post, url).await;
        assert_eq!(line.error_code, Some(code), "{url} {:?}", line.error);
    }
}

#[tokio::test]
async fn a_receiver_with_tls_is_trusted_when_an_authority_vouches_for_it() {
    let (receiver, certificate) = Receiver::with_tls().await;
    let stranger = Post::new().await;
    let refused = tested(&stranger, &receiver.url()).await;
    assert_eq!(refused.error_code, Some(DeliveryErrorCode::Tls), "{refused:?}");
    assert!(refused.error.expect("a sentence").contains("NALABO_CA_FILE"));
    assert!(receiver.heard().is_empty(), "nothing is sent to a stranger");
    let send = SendSettings { authorities_pem: Some(certificate), ..SendSettings::default() };
    let post = Post::with(send, loopback()).await;
    let taken = tested(&post, &receiver.url()).await;
    assert_eq!(taken.state, DeliveryState::Delivered, "{taken:?}");
    assert!(receiver.heard()[0].is_signed_with(KEY));
    let wrong_name = receiver.url().replace("localhost", "127.0.0.1");
    let refused = tested(&post, &wrong_name).await;
    assert_eq!(refused.error_code, Some(DeliveryErrorCode::Tls));
}

#[tokio::test]
async fn each_format_is_sent_as_its_receiver_wants_it_and_links_to_the_console() {
    let receiver = Receiver::new().await;
    let public_url = Some("https://nalabo.example".to_owned());
    let send = SendSettings { public_url, ..SendSettings::default() };
    let post = Post::with(send, loopback()).await;
    for (format, pointer) in [
        (WebhookFormat::Slack, "/blocks/0/text/text"),
        (WebhookFormat::Teams, "/attachments/0/content/body/0/inlines/0/text"),
        (WebhookFormat::Mattermost, "/attachments/0/title"),
    ] {
        let mut ask = ask(&format!("{format:?}"), webhook(&receiver.url()));
        ask.language = Language::Fr;
        let TargetAsk::Webhook { format: asked, .. } = &mut ask.target else { unreachable!() };
        *asked = format;
        let made = alert_channel_create(&cli(&post.app), &ask).await.expect("a channel");
        alert_channel_test(&cli(&post.app), made.id).await.expect("sent");
        let said = receiver.heard().last().expect("it came").json();
        let title = said.pointer(pointer).and_then(|it| it.as_str()).unwrap_or_default();
        assert_eq!(title, "Test\u{202f}: Ceci est un test des alertes de NALABO", "{said}");
        assert!(said.to_string().contains("https://nalabo.example/admin/alerts"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loop_sends_by_itself_and_lets_what_is_under_way_end() {
    let (house, receiver) = (House::new().await, Receiver::new().await);
    let clock = Arc::new(SystemClock);
    let app = app(&house, clock, SendSettings::default(), loopback());
    let ask = ask("ops", webhook(&receiver.url()));
    let channel = alert_channel_create(&cli(&app), &ask).await.expect("a channel");
    let loops = Loops::start(&app);
    let mut tx = house.db.begin().await.expect("a transaction");
    delivery_enqueue(&mut tx, &notice(app.now()), app.now()).await.expect("enqueued");
    commit(tx).await.expect("kept");
    eventually("it arrives", async || receiver.heard().len() == 1).await;
    eventually("it is written down", async || {
        let (log, _) = delivery_list(&cli(&app), channel.id, None, None).await.expect("a log");
        log[0].state == DeliveryState::Delivered
    })
    .await;
    loops.stop().await;
}
