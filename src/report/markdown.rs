//! `report.md`: to be read over coffee. What changed first, then what fails and why, then the rest.
//!
//! Everything that others wrote stands in code spans, where neither Markdown nor HTML in it does anything.

use crate::model::Status;
use crate::report::changes::{Change, Changes};
use crate::report::summary::Summary;
use crate::report::tally::Group;
use crate::report::text::{count, one_line, percent, time};
use std::fmt::Write;

/// At most so many changes of a kind are told here; `report.json` tells more.
const CHANGES_MAX: usize = 20;

/// At most so many groups.
const GROUPS_MAX: usize = 20;

/// The text of `report.md`.
pub fn render(summary: &Summary) -> String {
    let mut out = String::new();
    write_totals(&mut out, summary);
    if let Some(changes) = &summary.changes {
        write_changes(&mut out, changes);
    }
    write_failures(&mut out, summary);
    write_strategies(&mut out, summary);
    write_groups(&mut out, "By tag", "tag", &summary.by_tag);
    write_groups(&mut out, "By source", "source", &summary.by_source);
    write_slowest(&mut out, summary);
    write_run(&mut out, summary);
    out
}

fn write_totals(out: &mut String, summary: &Summary) {
    let totals = &summary.totals;
    let share = percent(summary.verified_per_myriad);
    let (verified, specs) = (count(totals.verdicts.verified), count(totals.specs));
    let _ = writeln!(out, "# wordmill: {verified} of {specs} verified ({share})\n");
    let _ = write!(out, "{}, {} on {}", summary.finished, time(summary.elapsed_us), threads(summary.threads));
    let _ = writeln!(out, ". {} outcomes were known already.\n", count(totals.known));
    if summary.interrupted {
        let _ = writeln!(
            out,
            "**The run was interrupted**: {} specifications are left for the next run.\n",
            count(totals.interrupted)
        );
    }
    out.push_str("| verdict | specs |\n|---|---:|\n");
    for status in Status::ALL.into_iter().filter(|&status| totals.verdicts.of(status) > 0) {
        let _ = writeln!(out, "| {} | {} |", status.name(), count(totals.verdicts.of(status)));
    }
    out.push('\n');
    write_expectations(out, summary);
    let of = |part, whole| format!("{} of {}", count(part), count(whole));
    let _ = writeln!(out, "- Tests: {} passed.", of(totals.tests_passed, totals.tests));
    if totals.heldout > 0 {
        let _ = writeln!(out, "- Held-out tests: {} passed.", of(totals.heldout_passed, totals.heldout));
    }
    let _ = writeln!(
        out,
        "- Properties and oracles: {} checked, {} **unchecked**.",
        count(totals.properties_checked),
        count(totals.properties_unchecked)
    );
    let given = totals.given_verified + totals.given_refuted;
    if given > 0 {
        let _ =
            writeln!(out, "- Supplied code and named patterns: {} hold.", of(totals.given_verified, given));
    }
}

fn write_expectations(out: &mut String, summary: &Summary) {
    let totals = &summary.totals;
    let _ = writeln!(out, "- Not verified and not expected so: {}.", count(totals.failing));
    if totals.expected_unsolved > 0 {
        let _ =
            writeln!(out, "- Not solved, as tagged `expect:unsolved`: {}.", count(totals.expected_unsolved));
    }
    if totals.unexpectedly_verified > 0 {
        let n = count(totals.unexpectedly_verified);
        let _ = writeln!(out, "- **Verified although tagged `expect:unsolved`: {n}.**");
    }
}

fn write_changes(out: &mut String, changes: &Changes) {
    out.push_str("\n## Since the last run\n\n");
    if changes.count() == 0 {
        out.push_str("Nothing changed.\n");
    }
    for (title, list) in changes.lists().into_iter().filter(|(_, list)| list.count > 0) {
        let _ = writeln!(out, "- {title}: {}", count(list.count));
        for change in list.first.iter().take(CHANGES_MAX) {
            let _ = writeln!(out, "  - {}", change_text(change));
        }
        if list.count > CHANGES_MAX as u64 {
            let _ = writeln!(out, "  - and {} more", count(list.count - CHANGES_MAX as u64));
        }
    }
}

fn change_text(change: &Change) -> String {
    let mut text = format!("{} at {}", word(&change.word), code(&format!("{}:{}", change.file, change.line)));
    if let (Some(before), Some(now)) = (change.before, change.now)
        && before != now
    {
        let _ = write!(text, ", {} before, {} now", before.name(), now.name());
    }
    if let Some(test) = &change.failing_test {
        let _ = write!(text, ": {}", code(test));
    }
    text
}

fn write_failures(out: &mut String, summary: &Summary) {
    if summary.failures.is_empty() {
        return;
    }
    out.push_str("\n## Not verified\n\n| word | verdict | why | where |\n|---|---|---|---|\n");
    for failure in &summary.failures {
        let (reason, place) = (cell(&failure.reason), cell(&failure.place()));
        let _ = writeln!(
            out,
            "| {} | {} | {reason} | {place} |",
            cell_word(&failure.word),
            failure.status.name()
        );
    }
    let left = summary.totals.failing.saturating_sub(summary.failures.len() as u64);
    if left > 0 {
        let _ = writeln!(out, "\nAnd {} more: `outcomes.jsonl` has them all.", count(left));
    }
}

fn write_strategies(out: &mut String, summary: &Summary) {
    out.push_str("\n## By strategy\n\n| strategy | verified |\n|---|---:|\n");
    for row in &summary.by_strategy {
        let _ = writeln!(out, "| {} | {} |", row.strategy.name(), count(row.verified));
    }
}

fn write_groups(out: &mut String, title: &str, column: &str, groups: &[Group]) {
    if groups.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n## {title}\n\n| {column} | specs | verified | share |\n|---|---:|---:|---:|");
    for group in groups.iter().take(GROUPS_MAX) {
        let (total, verified) = (group.verdicts.total(), group.verdicts.verified);
        let share = percent(group.verdicts.verified_per_myriad());
        let _ = writeln!(out, "| {} | {} | {} | {share} |", cell(&group.name), count(total), count(verified));
    }
    if groups.len() > GROUPS_MAX {
        let _ = writeln!(out, "\nAnd {} more in `report.json`.", count((groups.len() - GROUPS_MAX) as u64));
    }
}

fn write_slowest(out: &mut String, summary: &Summary) {
    if summary.slowest.is_empty() {
        return;
    }
    out.push_str("\n## Slowest\n\n| word | time | candidates | steps | verdict | where |\n|---|---:|---:|---:|---|---|\n");
    for slow in &summary.slowest {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            cell_word(&slow.word),
            time(slow.elapsed_us),
            count(slow.candidates),
            count(slow.steps),
            slow.status.name(),
            cell(&format!("{}:{}", slow.file, slow.line))
        );
    }
}

fn write_run(out: &mut String, summary: &Summary) {
    out.push_str("\n## The run\n\n");
    if !summary.stages.is_empty() {
        out.push_str("| stage | time over all threads |\n|---|---:|\n");
        for stage in &summary.stages {
            let _ = writeln!(out, "| {} | {} |", stage.name, time(stage.elapsed_us));
        }
        out.push('\n');
    }
    if !summary.sharing.is_none() {
        let _ = writeln!(out, "- {}", summary.sharing);
    }
    let _ = writeln!(out, "- {}, seed {}", summary.tool, summary.seed);
    for (name, value) in &summary.settings {
        let _ = writeln!(out, "- {name}: {}", code(&value.to_string()));
    }
}

fn threads(n: usize) -> String {
    if n == 1 { "1 thread".into() } else { format!("{n} threads") }
}

fn word(word: &Option<String>) -> String {
    word.as_deref().map_or("an unreadable record".into(), code)
}

fn cell_word(word: &Option<String>) -> String {
    word.as_deref().map_or("(unreadable)".into(), cell)
}

/// A code span. Its fence is longer than any run of backticks inside.
fn code(text: &str) -> String {
    let text = one_line(text, 200);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // One blank at each end is not shown, and keeps backticks at the ends apart from the fence.
    let pad = if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A code span in a table, where a bar ends the cell even inside code unless it is escaped.
fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_spans_hold_anything() {
        let check = |text: &str, expect: &str| assert_eq!(cell(text), expect);
        check("square", "`square`");
        check("a`b", "``a`b``");
        check("``", "``` `` ```");
        check("a|b", "`a\\|b`");
        check("x\ny", "`x y`");
        check("", "`  `");
        check("<img>", "`<img>`");
    }
}
