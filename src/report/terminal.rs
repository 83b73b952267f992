//! The few lines that a terminal shows at the end of a run. Whoever prints them strips the colours where there are none.

use crate::model::Status;
use crate::report::changes::Changes;
use crate::report::summary::{Failure, Summary};
use crate::report::text::{count, one_line, percent, time};
use anstyle::{AnsiColor, Style};
use std::fmt::Write;
use std::path::Path;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const ODD: Style = AnsiColor::Yellow.on_default();
const QUIET: Style = Style::new().dimmed();

/// How the lines are laid out.
#[derive(Clone, Copy, Debug)]
pub struct TerminalOptions {
    /// Columns there are.
    pub width: usize,
    /// At most so many failures are told.
    pub failures_max: usize,
}

impl Default for TerminalOptions {
    fn default() -> Self {
        Self { width: 100, failures_max: 10 }
    }
}

impl Summary {
    /// Totals, strategies, changes, the first failures and where the report is, with colours.
    pub fn to_terminal(&self, out: &Path, options: TerminalOptions) -> String {
        let mut text = String::new();
        write_failures(&mut text, self, options);
        write_totals(&mut text, self);
        write_strategies(&mut text, self);
        if let Some(changes) = &self.changes {
            write_changes(&mut text, changes);
        }
        let report = out.join("report.html");
        let _ = writeln!(text, "  {QUIET}report:{QUIET:#} {}", one_line(&report.to_string_lossy(), 1000));
        text
    }
}

fn write_totals(out: &mut String, summary: &Summary) {
    let totals = &summary.totals;
    let style = if totals.failing == 0 { GOOD } else { BAD };
    let (verified, specs) = (count(totals.verdicts.verified), count(totals.specs));
    let share = percent(summary.verified_per_myriad);
    let _ = write!(out, "{style}{verified} of {specs} verified{style:#} ({share})");
    // A run that found nothing to do tells no time: the one it knows is that of an earlier run.
    if summary.elapsed_us > 0 {
        let _ = write!(out, " in {}", time(summary.elapsed_us));
    }
    let others = Status::ALL.into_iter().filter(|&status| status != Status::Verified);
    for status in others.filter(|&status| totals.verdicts.of(status) > 0) {
        let _ = write!(out, ", {} {}", count(totals.verdicts.of(status)), status.name());
    }
    out.push('\n');
    let mut notes = Vec::new();
    let mut note = |n: u64, text: &str| (n > 0).then(|| notes.push(format!("{} {text}", count(n))));
    note(totals.expected_unsolved, "unsolved as expected");
    note(totals.unexpectedly_verified, "verified although tagged expect:unsolved");
    note(totals.interrupted, "left by the interruption");
    note(totals.given_refuted, "refuted as supplied");
    note(totals.properties_unchecked, "properties unchecked");
    note(totals.known, "known from earlier runs");
    if !notes.is_empty() {
        let _ = writeln!(out, "  {ODD}{}{ODD:#}", notes.join(", "));
    }
    let _ = write!(out, "  tests {}/{}", count(totals.tests_passed), count(totals.tests));
    if totals.properties_checked > 0 {
        let _ = write!(out, ", {} properties checked", count(totals.properties_checked));
    }
    if totals.heldout > 0 {
        let _ = write!(out, ", held out {}/{}", count(totals.heldout_passed), count(totals.heldout));
    }
    out.push('\n');
}

fn write_strategies(out: &mut String, summary: &Summary) {
    let used = summary.by_strategy.iter().filter(|row| row.verified > 0);
    let parts: Vec<_> = used.map(|row| format!("{} {}", row.strategy.name(), count(row.verified))).collect();
    if !parts.is_empty() {
        let _ = writeln!(out, "  by strategy: {}", parts.join(", "));
    }
}

fn write_changes(out: &mut String, changes: &Changes) {
    let lists = changes.lists().into_iter().filter(|(_, list)| list.count > 0);
    let parts: Vec<_> = lists.map(|(title, list)| format!("{} {title}", count(list.count))).collect();
    let style = if changes.newly_failing.count > 0 { BAD } else { Style::new() };
    let text = if parts.is_empty() { "nothing changed".into() } else { parts.join(", ") };
    let _ = writeln!(out, "  since the last run: {style}{text}{style:#}");
}

fn write_failures(out: &mut String, summary: &Summary, options: TerminalOptions) {
    let shown = &summary.failures[..summary.failures.len().min(options.failures_max)];
    if shown.is_empty() {
        return;
    }
    let name = |failure: &Failure| one_line(failure.word.as_deref().unwrap_or("(unreadable)"), 40);
    let name_width = shown.iter().map(|failure| name(failure).width()).max().unwrap_or(0).min(24);
    for failure in shown {
        let (word, status) = (fit(&name(failure), name_width), fit(failure.status.name(), 8));
        let room = options.width.saturating_sub(name_width + 8 + 2);
        let (reason, place) = (one_line(&failure.reason, 300), one_line(&failure.place(), 300));
        if reason.width() + 2 + place.width() <= room {
            let _ = writeln!(out, "{word} {BAD}{status}{BAD:#} {reason}  {QUIET}{place}{QUIET:#}");
        } else {
            let _ = writeln!(out, "{word} {BAD}{status}{BAD:#} {}", fit(&reason, room).trim_end());
            let _ = writeln!(out, "{:name_width$}          {QUIET}{place}{QUIET:#}", "");
        }
    }
    let left = summary.totals.failing.saturating_sub(shown.len() as u64);
    if left > 0 {
        let _ = writeln!(out, "{QUIET}and {} more{QUIET:#}", count(left));
    }
    out.push('\n');
}

/// Exactly `width` columns: cut with an ellipsis, or filled with blanks.
fn fit(text: &str, width: usize) -> String {
    let mut fitted = text.to_owned();
    if text.width() > width {
        let mut left = width.saturating_sub(1);
        let take = |c: char| {
            left = left.checked_sub(c.width().unwrap_or(0))?;
            Some(c)
        };
        fitted = text.chars().map_while(take).collect();
        fitted.push('…');
    }
    let blanks = width.saturating_sub(fitted.width());
    fitted.extend(std::iter::repeat_n(' ', blanks));
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fit_their_column() {
        let check = |text: &str, width, expect: &str| {
            assert_eq!(fit(text, width), expect);
            assert_eq!(fit(text, width).width(), width);
        };
        check("abc", 5, "abc  ");
        check("abcdef", 4, "abc…");
        check("abcd", 4, "abcd");
        check("数数数", 4, "数… ");
        check("e\u{301}tude", 4, "e\u{301}tu…");
        check("", 2, "  ");
    }
}
