//! `bench/RESULTS.md`: one section a goal, rewritten when the goal is measured.
//!
//! Promises: a miss stands beside its limit with its ratio; figures are rounded against us. Does
//! not: keep old runs; the history of the file does.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use nalabo_core::clock::{Clock as _, SystemClock};

use crate::goals::Goal;
use crate::{RunOptions, machine};

/// Which side of the limit is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// At most the limit.
    AtMost,
    /// At least the limit.
    AtLeast,
    /// Said for its own sake; there is no limit.
    Nothing,
}

/// One figure and its limit.
#[derive(Debug, Clone)]
pub struct Line {
    what: String,
    unit: &'static str,
    wanted: Wanted,
    limit: f64,
    measured: f64,
}

impl Line {
    /// `what` is to be at most `limit`.
    pub fn at_most(what: impl Into<String>, limit: f64, measured: f64, unit: &'static str) -> Self {
        Self { what: what.into(), unit, wanted: Wanted::AtMost, limit, measured }
    }

    /// `what` is to be at least `limit`.
    pub fn at_least(
        what: impl Into<String>,
        limit: f64,
        measured: f64,
        unit: &'static str,
    ) -> Self {
        Self { what: what.into(), unit, wanted: Wanted::AtLeast, limit, measured }
    }

    /// `what` has no limit.
    pub fn said(what: impl Into<String>, measured: f64, unit: &'static str) -> Self {
        Self { what: what.into(), unit, wanted: Wanted::Nothing, limit: 0.0, measured }
    }

    /// Whether the goal is met; unknown without one.
    pub fn is_met(&self) -> Option<bool> {
        match self.wanted {
            Wanted::AtMost => Some(self.measured <= self.limit),
            Wanted::AtLeast => Some(self.measured >= self.limit),
            Wanted::Nothing => None,
        }
    }

    /// The measured figure over its limit; above one is a miss for "at most".
    fn ratio(&self) -> String {
        if self.wanted == Wanted::Nothing || self.limit == 0.0 {
            return "–".to_owned();
        }
        self.rounded(self.measured / self.limit)
    }

    /// Three digits, rounded to the side that is worse for us.
    fn rounded(&self, value: f64) -> String {
        if value == 0.0 || !value.is_finite() {
            return format!("{value}");
        }
        let digits = 2 - value.abs().log10().floor() as i32;
        let scale = 10_f64.powi(digits.clamp(0, 6));
        let scaled = value * scale;
        let worse = match self.wanted {
            Wanted::AtLeast => scaled.floor(),
            Wanted::AtMost | Wanted::Nothing => scaled.ceil(),
        };
        format!("{}", worse / scale)
    }

    fn limit_shown(&self) -> String {
        match self.wanted {
            Wanted::AtMost => format!("≤ {} {}", self.limit, self.unit),
            Wanted::AtLeast => format!("≥ {} {}", self.limit, self.unit),
            Wanted::Nothing => "–".to_owned(),
        }
    }

    fn mark(&self) -> &'static str {
        match self.is_met() {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "",
        }
    }

    /// For the terminal.
    pub fn spoken(&self) -> String {
        let Self { what, unit, .. } = self;
        format!(
            "  {:<70} {:>12} {unit:<10} {:<16} {}",
            what,
            self.rounded(self.measured),
            self.limit_shown(),
            self.mark().trim_matches('*'),
        )
    }
}

const HEAD: &str = "# Results of `make bench`\n\n\
    Goals are those of the project; `ratio` is measured over limit. Figures are rounded to the side \
    that is worse for us.\n\
    A section is rewritten when its goal is measured; the text under \u{201c}Where it goes\u{201d} is written by hand and stays.\n";
const HAND: &str = "### Where it goes";

/// Rewrites the section of `goal`.
pub fn write(
    path: &Path,
    goal: Goal,
    lines: &[Line],
    options: &RunOptions,
    others_cores: f64,
) -> anyhow::Result<()> {
    let old = fs::read_to_string(path).unwrap_or_default();
    let mut text = String::from(HEAD);
    for it in Goal::ALL {
        let heading = format!("\n## {}\n", it.title());
        let kept = old.split_once(heading.as_str()).map(|(_, rest)| {
            rest.split_once("\n## ").map_or(rest, |(section, _)| section).trim_end()
        });
        let by_hand = kept.and_then(|it| it.find(HAND).map(|at| &it[at..]));
        let section = if it == goal {
            let mut section = section_of(lines, options, others_cores);
            if let Some(by_hand) = by_hand {
                let _ = write!(section, "\n{by_hand}\n");
            }
            section
        } else {
            match kept {
                Some(kept) => format!("{}\n", kept.trim_start_matches('\n')),
                None => continue,
            }
        };
        let _ = write!(text, "{heading}\n{section}");
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("write {}", path.display()))
}

fn section_of(lines: &[Line], options: &RunOptions, others_cores: f64) -> String {
    let mut text = String::new();
    let date = SystemClock.now().strftime("%Y-%m-%d %H:%M UTC").to_string();
    let kind = if options.quick { "quick run, nothing is judged; " } else { "" };
    let note = if options.note.is_empty() { String::new() } else { format!("; {}", options.note) };
    let _ = writeln!(
        text,
        "{kind}{date}, commit {}, {}; others kept {others_cores:.2} cores busy meanwhile{note}.\n",
        commit(),
        machine::describe(),
    );
    text.push_str("| what | goal | measured | ratio | |\n|---|---|---|---|---|\n");
    for it in lines {
        let measured = it.rounded(it.measured);
        let mark = if options.quick { "" } else { it.mark() };
        let (what, unit) = (&it.what, it.unit);
        let goal = it.limit_shown();
        let _ = writeln!(text, "| {what} | {goal} | {measured} {unit} | {} | {mark} |", it.ratio());
    }
    text
}

fn commit() -> String {
    let output = Command::new("git").args(["describe", "--always", "--dirty"]).output();
    let text = output.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned());
    text.ok().filter(|it| !it.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::Line;

    #[test]
    fn nothing_is_rounded_in_our_favour() {
        assert_eq!(Line::at_most("", 1.0, 0.123_41, "").rounded(0.123_41), "0.124");
        assert_eq!(Line::at_least("", 1.0, 0.0, "").rounded(312_999.9), "312999");
        assert_eq!(Line::at_most("", 25.0, 25.001, "ms").is_met(), Some(false));
        assert_eq!(Line::at_most("", 25.0, 25.001, "ms").ratio(), "1.01");
        assert_eq!(Line::at_least("", 300.0, 299.9, "").ratio(), "0.999");
    }
}
