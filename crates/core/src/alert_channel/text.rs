//! What a notice says, in whole sentences.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::phrases::{Frame, frame, phrases};
use super::{Language, Notice, NoticeEvent, NoticeLine};
use crate::alert::{RuleKind, Severity};
use crate::infrastructure::is_invisible;

/// Most alerts that one message lists; the rest is counted, and shown in the console.
pub(super) const LINES_MAX: usize = 25;
/// Longest name and longest detail that are repeated.
pub(super) const NAME_MAX: usize = 63;
pub(super) const DETAIL_MAX: usize = 300;

/// A notice in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeText {
    /// How bad it is, or that it is over: `Critical`, `Resolved`.
    pub label: String,
    /// What happened, without a full stop.
    pub title: String,
    /// Both, for a subject line.
    pub headline: String,
    /// One line an alert.
    pub lines: Vec<String>,
    /// When, and for how long.
    pub when: String,
    /// What stands on the link to the console.
    pub open: &'static str,
    /// Why somebody receives this.
    pub footer: &'static str,
}

/// What `notice` says in `language`.
pub fn notice_text(notice: &Notice, language: Language) -> NoticeText {
    let words = frame(language);
    let label = label(words, notice);
    let title = title(words, notice, language);
    let headline = fill(words.headline, &[("label", &label), ("title", &title)]);
    let mut lines: Vec<String> =
        notice.lines.iter().take(LINES_MAX).map(|it| line(words, notice, it, language)).collect();
    let listed = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    match notice.count.saturating_sub(listed) {
        0 => {}
        1 => lines.push(words.more_one.to_owned()),
        more => lines.push(fill(words.more_many, &[("count", &more.to_string())])),
    }
    let when = when(words, notice, language);
    NoticeText { label, title, headline, lines, when, open: words.open, footer: words.footer }
}

fn label(words: &Frame, notice: &Notice) -> String {
    let severity = match notice.severity {
        Severity::Critical => words.critical,
        Severity::Warning => words.warning,
        Severity::Info => words.info,
    };
    match notice.event {
        NoticeEvent::Opened => severity.to_owned(),
        NoticeEvent::Reminder => fill(words.reminder, &[("severity", &severity.to_lowercase())]),
        NoticeEvent::Resolved => words.resolved.to_owned(),
        NoticeEvent::Test => words.test.to_owned(),
    }
}

fn title(words: &Frame, notice: &Notice, language: Language) -> String {
    let Some(rule) = notice.rule else { return words.test_title.to_owned() };
    let said = phrases(language, rule);
    let resolved = notice.event == NoticeEvent::Resolved;
    match (notice.lines.as_slice(), notice.count) {
        ([only], 0 | 1) => {
            let sentence = if resolved { said.resolved_one } else { said.opened_one };
            fill(sentence, &[("name", &clean(&only.name, NAME_MAX))])
        }
        (_, count) => {
            let sentence = if resolved { said.resolved_many } else { said.opened_many };
            fill(sentence, &[("count", &count.to_string())])
        }
    }
}

fn line(words: &Frame, notice: &Notice, it: &NoticeLine, language: Language) -> String {
    let name = clean(&it.name, NAME_MAX);
    let since = moment_text(words, it.since);
    if notice.event == NoticeEvent::Resolved
        && let Some(until) = it.until
    {
        let seconds = until.duration_since(it.since).as_secs().max(0).unsigned_abs();
        let duration = duration_text(seconds, language);
        let until = moment_text(words, until);
        let slots = [("name", &*name), ("duration", &*duration), ("until", &*until)];
        return fill(words.resolved_line, &slots);
    }
    let detail = sentence_of(&clean(&it.detail, DETAIL_MAX));
    let Some(rule) = notice.rule else { return detail };
    if let Some(whole) = figures(words, rule, it, &name, &since, language) {
        return whole;
    }
    let said = phrases(language, rule);
    let sentence = if said.line.contains("{since}") {
        fill(said.line, &[("name", &name), ("since", &since)])
    } else {
        let sentence = fill(said.opened_one, &[("name", &name)]);
        fill(words.since_line, &[("sentence", &sentence), ("since", &since)])
    };
    if detail.is_empty() {
        return sentence;
    }
    fill(words.detail, &[("sentence", &sentence), ("detail", &detail)])
}

/// The line with its figures, when the rule has some and all of them are known.
fn figures(
    words: &Frame,
    rule: RuleKind,
    it: &NoticeLine,
    name: &str,
    since: &str,
    language: Language,
) -> Option<String> {
    let template = phrases(language, rule).line;
    let percent = |value: f64| fill(words.percent, &[("value", &format!("{value:.0}"))]);
    let facts = &it.facts;
    let known = [
        ("percent", facts.percent.map(percent)),
        ("threshold", facts.threshold_percent.map(percent)),
        ("ends_at", facts.ends_at.map(|at| moment_text(words, at))),
        ("version", facts.version.as_deref().map(|it| clean(it, NAME_MAX))),
        ("resource", facts.resource.as_deref().and_then(|it| resource(words, it))),
    ];
    let wanted: Vec<_> =
        known.iter().filter(|(slot, _)| template.contains(&format!("{{{slot}}}"))).collect();
    if wanted.is_empty() {
        return None;
    }
    let mut slots = vec![("name", name), ("since", since)];
    for (slot, value) in &wanted {
        slots.push((slot, value.as_deref()?));
    }
    Some(fill(template, &slots))
}

fn resource(words: &Frame, word: &str) -> Option<String> {
    let said = match word {
        "cpu" => words.cpu,
        "memory" => words.memory,
        "storage" => words.storage,
        "pods" => words.pods,
        _ => return None,
    };
    Some(said.to_owned())
}

fn when(words: &Frame, notice: &Notice, language: Language) -> String {
    let opened_at = moment_text(words, notice.opened_at);
    let duration = notice.duration_seconds.map(|it| duration_text(it, language));
    let resolved_at = notice.resolved_at.map(|at| moment_text(words, at));
    match (notice.event, duration, resolved_at) {
        (NoticeEvent::Test, _, _) => fill(words.when_test, &[("opened_at", &opened_at)]),
        (NoticeEvent::Resolved, Some(duration), Some(resolved_at)) => fill(
            words.when_resolved,
            &[("duration", &duration), ("opened_at", &opened_at), ("resolved_at", &resolved_at)],
        ),
        (NoticeEvent::Reminder, Some(duration), _) => {
            fill(words.when_reminder, &[("duration", &duration), ("opened_at", &opened_at)])
        }
        _ => fill(words.when_opened, &[("opened_at", &opened_at)]),
    }
}

/// So long, in the two largest units that say something: `2 hours 5 minutes`.
pub fn duration_text(seconds: u64, language: Language) -> String {
    let words = frame(language);
    let minutes = seconds / 60;
    let counts = [minutes / (24 * 60), minutes / 60 % 24, minutes % 60];
    let Some(first) = counts.iter().position(|count| *count > 0) else {
        return words.moment_short.to_owned();
    };
    let said: Vec<String> = counts
        .iter()
        .zip(&words.units)
        .skip(first)
        .take(2)
        .filter(|(count, _)| **count > 0)
        .map(|(count, (one, many))| {
            // Zero never comes here, so both languages agree on what is singular.
            fill(if *count == 1 { one } else { many }, &[("count", &count.to_string())])
        })
        .collect();
    said.join(" ")
}

/// A moment as both languages write it, in UTC: a channel has no time zone of its own.
fn moment_text(words: &Frame, at: Timestamp) -> String {
    let at = at.to_zoned(TimeZone::UTC);
    let month = usize::try_from(at.month() - 1).unwrap_or(0);
    let time = format!("{:02}:{:02}", at.hour(), at.minute());
    let day = if at.day() == 1 { words.first.to_owned() } else { at.day().to_string() };
    fill(
        words.moment,
        &[
            ("day", &day),
            ("month", words.months[month]),
            ("year", &at.year().to_string()),
            ("time", &time),
        ],
    )
}

/// The line that leads to the console, where there are no links but addresses.
pub(super) fn open_line(language: Language, url: &str) -> String {
    fill(frame(language).open_line, &[("url", url)])
}

/// Puts values into the slots of a sentence; what a value holds is never taken for a slot.
fn fill(template: &str, slots: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (slot, behind) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(slots.iter().find(|(name, _)| *name == slot).map_or("", |(_, value)| value));
        rest = behind;
    }
    text.push_str(rest);
    text
}

/// Text from a cluster: one line, nothing that hides or turns, no longer than `max` characters.
pub(super) fn clean(text: &str, max: usize) -> String {
    let visible: String = text.chars().map(|c| if is_invisible(c) { ' ' } else { c }).collect();
    // Spaces that French typography wants stay as they are.
    let line = visible.split(' ').filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" ");
    if line.chars().count() <= max {
        return line;
    }
    let mut short: String = line.chars().take(max - 1).collect();
    short.push('…');
    short
}

/// With a full stop, unless it ends in one already.
fn sentence_of(text: &str) -> String {
    match text.chars().last() {
        None | Some('.' | '!' | '?' | '…') => text.to_owned(),
        Some(_) => format!("{text}."),
    }
}
