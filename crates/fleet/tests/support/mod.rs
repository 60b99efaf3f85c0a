//! The cluster that the tests of this crate run against, and how a report is written down.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod server;

use std::fmt::Write as _;
use std::sync::{Arc, Weak};
use std::time::Duration;

use nalabo_core::Timestamp;
use nalabo_core::clock::{Clock as _, SystemClock};
use nalabo_core::connection::{Outcome, StageResult, TestReport};
use nalabo_fleet::{AddressPolicy, InfrastructureFactory, Source, Tested};
use nalabo_lab::Lab;
use tokio::sync::{Mutex, mpsc};

/// One cluster for all tests of a file, which ends with the last test that holds it. Our own,
/// because what is there decides what a test says: a default storage class, fresh metrics.
pub async fn lab() -> Arc<Lab> {
    static LAB: Mutex<Weak<Lab>> = Mutex::const_new(Weak::new());
    let mut known = LAB.lock().await;
    if let Some(lab) = known.upgrade() {
        return lab;
    }
    let lab = Lab::control_plane().name("paris").kwok_pods(7).start().await;
    let lab = Arc::new(lab.expect("the lab starts"));
    metrics_await(&lab).await;
    *known = Arc::downgrade(&lab);
    lab
}

/// metrics-server needs two rounds before it knows how much CPU is used.
async fn metrics_await(lab: &Lab) {
    let until = tokio::time::Instant::now() + Duration::from_secs(120);
    while lab.kubectl(&["top", "nodes", "--no-headers"]).await.is_err() {
        assert!(tokio::time::Instant::now() < until, "metrics-server has no figures");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Contacts the loopback, where the lab is.
pub fn factory() -> InfrastructureFactory {
    InfrastructureFactory::new(policy())
}

pub fn policy() -> AddressPolicy {
    AddressPolicy::new(vec!["127.0.0.0/8".parse().expect("a network")], Vec::new())
}

pub fn now() -> Timestamp {
    SystemClock.now()
}

pub async fn tested(factory: &InfrastructureFactory, source: &Source) -> Tested {
    let service = factory.service(source).expect("a service");
    let (events, mut heard) = mpsc::channel(32);
    let tested = service.connection_test(events, now()).await;
    let mut ended = Vec::new();
    while let Some(event) = heard.recv().await {
        if let nalabo_core::connection::StageEvent::Ended { stage, .. } = event {
            ended.push(stage);
        }
    }
    let reached: Vec<_> = tested
        .report
        .stages
        .iter()
        .filter(|it| it.outcome != Outcome::NotReached)
        .map(|it| it.stage)
        .collect();
    assert_eq!(ended, reached, "whoever listens hears of every stage that was reached");
    tested
}

/// A report as a person reads it: what passed in one line each, what did not with its advice.
pub fn report_text(report: &TestReport) -> String {
    let mut text = if report.passed { "passed".to_owned() } else { "failed".to_owned() };
    if report.overpowered {
        text.push_str(", may do more than is needed");
    }
    for stage in &report.stages {
        stage_write(&mut text, stage);
    }
    let reached = report.stages.iter().filter(|it| it.outcome != Outcome::NotReached).count();
    let failed = report.stages.iter().position(|it| it.outcome == Outcome::Failed);
    assert_eq!(failed.map_or(9, |it| it + 1), reached, "a failure is the last stage reached");
    text
}

fn stage_write(text: &mut String, stage: &StageResult) {
    let name = format!("{:?}", stage.stage).to_lowercase();
    let finding = stage.finding.as_deref().unwrap_or("–");
    let mark = match stage.outcome {
        Outcome::Passed => "✔",
        Outcome::Warning => "!",
        Outcome::Failed => "✖",
        Outcome::NotReached => return,
    };
    let code = stage.code.map(|it| format!(" [{}]", it.as_str())).unwrap_or_default();
    let _ = write!(text, "\n  {mark} {name}{code} {finding}");
    for line in [&stage.cause, &stage.remedy, &stage.command].into_iter().flatten() {
        let _ = write!(text, "\n      {line}");
    }
    if stage.outcome == Outcome::Failed {
        assert_eq!(stage.duration_ms, None, "a failed stage tells no time: {name}");
        assert!(stage.cause.is_some() && stage.remedy.is_some(), "{name} says what to do");
    }
    for right in &stage.missing_rights {
        let group = if right.group.is_empty() { "" } else { &format!(".{}", right.group) };
        let _ = write!(
            text,
            "\n      missing: {} {}{group}, for {}",
            right.verb, right.resource, right.purpose
        );
    }
}

/// Takes out what differs from run to run: addresses of the lab, moments and ages.
pub fn redacted(text: &str, lab: &Lab) -> String {
    let own_net = lab.endpoint().trim_start_matches("https://").rsplit_once('.');
    let own_net = own_net.map(|(net, _)| format!("{net}.")).unwrap_or_default();
    let words = text.split_inclusive([' ', '\n']).map(|word| {
        if let Some(start) = word.find(&own_net) {
            let digits =
                word[start + own_net.len()..].trim_start_matches(|c: char| c.is_ascii_digit());
            return format!("{}LAB{digits}", &word[..start]);
        }
        let is_moment =
            word.len() > 19 && word.as_bytes()[4] == b'-' && word.as_bytes()[10] == b'T';
        if is_moment && let Some(end) = word.find('Z') {
            return format!("MOMENT{}", &word[end + 1..]);
        }
        word.to_owned()
    });
    let text: String = words.collect();
    let age = text.split_once("the newest figure ").and_then(|(head, tail)| {
        let (_, tail) = tail.split_once(" s old")?;
        Some(format!("{head}the newest figure AGE old{tail}"))
    });
    age.unwrap_or(text)
}
