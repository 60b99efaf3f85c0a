//! What the controllers of a cluster report.
//!
//! Promises: warnings first, the newest first, so many and no more; a crowded cluster costs some
//! pages, never all of its events. Does not: keep; the caller stores the last ones read.

use std::cmp::Reverse;

use nalabo_core::inventory::{ClusterEvent, Inspection};

use super::list::{ListAsk, PAGE_ITEMS, pages_fold};
use super::objects::EventObject;
use crate::api::Api;
use crate::certificate::shown_up_to;
use crate::page::{Fold, PageEnd, PageUnreadable, page_fold};

const EVENTS: &str = "/api/v1/events";
/// Most pages of warnings that are looked through for the newest.
const WARNING_PAGES_MAX: u32 = 4;
const MESSAGE_MAX_CHARACTERS: usize = 300;
const WORD_MAX_CHARACTERS: usize = 100;

/// Reads the events worth showing. They are a comfort: what cannot be read is left out, and a
/// right that is missing for it is named by `rights`.
pub(super) async fn events_read(api: &Api) -> Vec<ClusterEvent> {
    let mut found = EventsFold::default();
    for (selector, pages_max) in [("type=Warning", WARNING_PAGES_MAX), ("type!=Warning", 1)] {
        if found.events.len() < Inspection::EVENTS_MAX {
            let mut more = EventsFold::default();
            let query = [("fieldSelector", selector)];
            let ask = ListAsk { path: EVENTS, query: &query, page_items: PAGE_ITEMS, pages_max };
            // An error may mean only that there were more pages than are looked through.
            let _ = pages_fold(api, ask, &mut more).await;
            found.events.append(&mut more.events);
        }
    }
    found.cut();
    found.events
}

#[derive(Default)]
struct EventsFold {
    events: Vec<ClusterEvent>,
}

impl Fold for EventsFold {
    fn page(&mut self, bytes: &[u8]) -> Result<PageEnd, PageUnreadable> {
        page_fold(bytes, |it: EventObject<'_>| {
            self.events.push(event(&it));
            if self.events.len() >= 4 * Inspection::EVENTS_MAX {
                self.cut();
            }
        })
    }
}

impl EventsFold {
    fn cut(&mut self) {
        self.events.sort_by_key(|it| (Reverse(it.is_warning), Reverse(it.last_at)));
        self.events.truncate(Inspection::EVENTS_MAX);
    }
}

fn event(it: &EventObject<'_>) -> ClusterEvent {
    let word = |text: &str| shown_up_to(text, WORD_MAX_CHARACTERS);
    let series = it.series.as_ref();
    let count = series.and_then(|it| it.count).or(it.count);
    ClusterEvent {
        namespace: word(&it.involved_object.namespace),
        kind: word(&it.involved_object.kind),
        // A name is 253 characters at most, and is needed whole to find the object.
        name: shown_up_to(&it.involved_object.name, 253),
        reason: word(&it.reason),
        message: shown_up_to(&it.message, MESSAGE_MAX_CHARACTERS),
        is_warning: it.kind == "Warning",
        count: count.unwrap_or(1).max(1),
        first_at: it.first_timestamp.or(it.event_time),
        last_at: series
            .and_then(|it| it.last_observed_time)
            .or(it.last_timestamp)
            .or(it.event_time)
            .or(it.first_timestamp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(items: &[String]) -> String {
        format!(r#"{{"metadata":{{}},"items":[{}]}}"#, items.join(","))
    }

    fn warning(name: usize, kind: &str) -> String {
        let at = format!("2026-11-03T14:{:02}:{:02}Z", name / 60 % 60, name % 60);
        format!(
            r#"{{"type":"{kind}","reason":"BackOff","message":"m\u0000{}","count":3,"lastTimestamp":"{at}",
                "involvedObject":{{"kind":"Pod","namespace":"default","name":"web-{name}"}}}}"#,
            "x".repeat(1000)
        )
    }

    #[test]
    fn of_many_events_the_newest_warnings_are_kept_in_bounded_words() {
        let mut fold = EventsFold::default();
        let many: Vec<_> = (0..1000)
            .map(|it| warning(it, if it % 2 == 0 { "Warning" } else { "Normal" }))
            .collect();
        fold.page(page(&many).as_bytes()).expect("a page");
        fold.cut();
        let events = fold.events;
        assert_eq!(events.len(), Inspection::EVENTS_MAX);
        assert!(events.iter().all(|it| it.is_warning && it.message.chars().count() == 300));
        assert_eq!((events[0].name.as_str(), events[99].name.as_str()), ("web-998", "web-800"));
        assert!(!events[0].message.contains('\0'));
    }

    #[test]
    fn an_event_of_a_newer_reporter_says_when_by_its_series() {
        let newer = r#"{"type":"Warning","eventTime":"2026-11-03T14:00:00.000001Z","firstTimestamp":null,
            "lastTimestamp":null,"series":{"count":7,"lastObservedTime":"2026-11-03T15:00:00Z"}}"#;
        let mut fold = EventsFold::default();
        fold.page(page(&[newer.to_owned()]).as_bytes()).expect("a page");
        let event = &fold.events[0];
        assert_eq!(event.count, 7);
        assert_eq!(event.last_at, "2026-11-03T15:00:00Z".parse().ok());
        assert_eq!(event.first_at, "2026-11-03T14:00:00.000001Z".parse().ok());
    }
}
