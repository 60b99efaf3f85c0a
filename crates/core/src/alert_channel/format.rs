//! A notice in the forms that receivers understand.
//!
//! Names, details and titles go into plain text elements where a format has them; where it has
//! only markup (Mattermost, HTML) they are escaped.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::text::{DETAIL_MAX, LINES_MAX, NAME_MAX, clean, open_line};
use super::{Language, Notice, NoticeEvent, NoticeText, WebhookFormat, notice_text};
use crate::alert::Severity;

/// Slack refuses a longer header, and a longer text of a section.
const SLACK_HEADER_MAX: usize = 150;
const SLACK_TEXT_MAX: usize = 2_900;
const SUBJECT_MAX: usize = 150;

/// One e-mail, twice: with and without markup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailText {
    /// The subject line.
    pub subject: String,
    /// For readers without markup.
    pub plain: String,
    /// The same, as simple HTML.
    pub html: String,
}

/// The body of a webhook. `at` is when the notice was enqueued, the same at every attempt; `url`
/// leads to the alerts in the console, where it is known how people reach it.
pub fn webhook_body(
    notice: &Notice,
    format: WebhookFormat,
    language: Language,
    at: Timestamp,
    url: Option<&str>,
) -> Value {
    let text = notice_text(notice, language);
    match format {
        WebhookFormat::Standard => standard(notice, &text, at, url),
        WebhookFormat::Slack => slack(&text, url),
        WebhookFormat::Teams => teams(&text, url),
        WebhookFormat::Mattermost => mattermost(notice, &text, url),
    }
}

/// `type`, `timestamp` and `data`, as Standard Webhooks recommends.
fn standard(notice: &Notice, text: &NoticeText, at: Timestamp, url: Option<&str>) -> Value {
    let event = serde_json::to_value(notice.event).expect("a word");
    let lines: Vec<Value> = notice
        .lines
        .iter()
        .take(LINES_MAX)
        .map(|it| {
            json!({
                "name": clean(&it.name, NAME_MAX), "infrastructure_id": it.infrastructure_id,
                "state": it.state, "detail": clean(&it.detail, DETAIL_MAX),
                "since": it.since, "until": it.until, "facts": it.facts,
            })
        })
        .collect();
    json!({
        "type": format!("alert.{}", event.as_str().unwrap_or_default()),
        "timestamp": at,
        "data": {
            "id": notice.id, "event": notice.event, "severity": notice.severity,
            "group_id": notice.group_id, "rule": notice.rule,
            "title": clean(&notice.title, DETAIL_MAX), "text": text.headline,
            "lines": lines, "count": notice.count,
            "opened_at": notice.opened_at, "resolved_at": notice.resolved_at,
            "duration_seconds": notice.duration_seconds, "url": url,
        },
    })
}

/// Blocks of plain text; only the link is markup, and it is ours.
fn slack(text: &NoticeText, url: Option<&str>) -> Value {
    let plain = |said: &str| json!({ "type": "plain_text", "text": said, "emoji": false });
    let mut blocks =
        vec![json!({ "type": "header", "text": plain(&clean(&text.headline, SLACK_HEADER_MAX)) })];
    if !text.lines.is_empty() {
        let lines = cut(&text.lines.join("\n"), SLACK_TEXT_MAX);
        blocks.push(json!({ "type": "section", "text": plain(&lines) }));
    }
    blocks.push(json!({ "type": "context", "elements": [plain(&text.when)] }));
    if let Some(url) = url {
        let link = format!("<{}|{}>", slack_escape(url), text.open);
        blocks.push(json!({ "type": "section", "text": { "type": "mrkdwn", "text": link } }));
    }
    json!({ "text": slack_escape(&text.headline), "blocks": blocks })
}

/// Else a cluster called `<!channel>` would wake everybody.
fn slack_escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// An adaptive card, as workflows take it: the connectors that took a `MessageCard` are retired.
/// Rich text blocks, because a plain text block of a card reads Markdown.
fn teams(text: &NoticeText, url: Option<&str>) -> Value {
    let block = |said: &str, size: &str, weight: &str, subtle: bool| {
        json!({ "type": "RichTextBlock", "inlines": [{
            "type": "TextRun", "text": said, "size": size, "weight": weight, "isSubtle": subtle,
        }] })
    };
    let mut body = vec![block(&text.headline, "Medium", "Bolder", false)];
    body.extend(text.lines.iter().map(|it| block(it, "Default", "Default", false)));
    body.push(block(&text.when, "Small", "Default", true));
    let actions: Vec<Value> = url
        .iter()
        .map(|url| json!({ "type": "Action.OpenUrl", "title": text.open, "url": url }))
        .collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard", "version": "1.4", "msteams": { "width": "Full" },
                "body": body, "actions": actions,
            },
        }],
    })
}

fn mattermost(notice: &Notice, text: &NoticeText, url: Option<&str>) -> Value {
    let color = match (notice.event, notice.severity) {
        (NoticeEvent::Resolved | NoticeEvent::Test, _) => "#2f8f5b",
        (_, Severity::Critical) => "#c8102e",
        (_, Severity::Warning) => "#c77700",
        (_, Severity::Info) => "#3568b8",
    };
    let lines: Vec<String> = text.lines.iter().map(|it| markdown_escape(it)).collect();
    let mut attachment = json!({
        "fallback": markdown_escape(&text.headline), "color": color,
        "title": markdown_escape(&text.headline), "text": lines.join("\n\n"),
        "footer": text.when,
    });
    if let Some(url) = url {
        attachment["title_link"] = url.into();
    }
    json!({ "attachments": [attachment] })
}

/// Markdown as text. After an `@` goes a character of no width, so that nobody is called.
fn markdown_escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '~' | '<' | '>' | '|' | '!') {
            escaped.push('\\');
        }
        escaped.push(c);
        if matches!(c, '@') {
            escaped.push('\u{2060}');
        }
    }
    escaped
}

/// The e-mail that tells of `notice`.
pub fn mail_text(notice: &Notice, language: Language, url: Option<&str>) -> MailText {
    let text = notice_text(notice, language);
    let subject = clean(&format!("[NALABO] {}", text.headline), SUBJECT_MAX);
    let mut plain = format!("{}\n\n", text.headline);
    for line in &text.lines {
        plain.push_str(&format!("- {line}\n"));
    }
    if !text.lines.is_empty() {
        plain.push('\n');
    }
    plain.push_str(&format!("{}\n", text.when));
    if let Some(url) = url {
        plain.push_str(&format!("\n{}\n", open_line(language, url)));
    }
    plain.push_str(&format!("\n-- \n{}\n", text.footer));
    MailText { subject, plain, html: html(&text, language, url) }
}

fn html(text: &NoticeText, language: Language, url: Option<&str>) -> String {
    let language = match language {
        Language::En => "en",
        Language::Fr => "fr",
    };
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{language}\"><body style=\"font-family:sans-serif\">\n\
         <h2 style=\"font-size:18px\">{}</h2>\n",
        html_escape(&text.headline)
    );
    if !text.lines.is_empty() {
        page.push_str("<ul>\n");
        for line in &text.lines {
            page.push_str(&format!("<li>{}</li>\n", html_escape(line)));
        }
        page.push_str("</ul>\n");
    }
    page.push_str(&format!("<p>{}</p>\n", html_escape(&text.when)));
    if let Some(url) = url {
        page.push_str(&format!("<p><a href=\"{}\">{}</a></p>\n", html_escape(url), text.open));
    }
    page.push_str(&format!(
        "<p style=\"font-size:12px\">{}</p>\n</body></html>\n",
        html_escape(text.footer)
    ));
    page
}

fn html_escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// At most `max` characters, lines kept.
fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(max - 1).collect();
    short.push('…');
    short
}
