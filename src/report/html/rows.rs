//! The rows of the table: at most 5,000, failures first, as JSON that is safe inside a script element.

use crate::model::{Outcome, Status};
use crate::report::Row;
use crate::report::summary::reason;
use crate::report::tally::{Expectation, code_size, micros};
use serde::Serialize;

/// At most so many rows are embedded.
pub const ROWS_MAX: usize = 5_000;

/// At most so many bytes of rows are embedded, so that a browser opens the page at once.
const BYTES_MAX: usize = 16 << 20;

/// Texts are cut after so many characters; `outcomes.jsonl` has them whole.
const TEXT_MAX: usize = 2_000;

/// Rows that have been chosen so far. A failure pushes out the last row that is none.
#[derive(Default)]
pub struct Rows {
    failures: Vec<Box<str>>,
    others: Vec<Box<str>>,
    n_bytes: usize,
    n_seen: u64,
}

/// One row as the page reads it. What is empty is left out.
#[derive(Serialize)]
struct PageRow<'a> {
    #[serde(rename = "w", skip_serializing_if = "Option::is_none")]
    word: Option<String>,
    #[serde(rename = "f")]
    file: String,
    #[serde(rename = "l")]
    line: u32,
    /// Index into the verdicts.
    #[serde(rename = "v")]
    verdict: u8,
    #[serde(rename = "x", skip_serializing_if = "is_false")]
    is_expected: bool,
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    strategy: Option<&'static str>,
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    template: Option<&'a str>,
    #[serde(rename = "tests")]
    tests: [u32; 2],
    #[serde(rename = "held", skip_serializing_if = "Option::is_none")]
    heldout: Option<[u32; 2]>,
    #[serde(rename = "props", skip_serializing_if = "Option::is_none")]
    properties: Option<[u32; 2]>,
    #[serde(rename = "n", skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    steps: u64,
    #[serde(rename = "cand")]
    candidates: u64,
    stop: &'static str,
    #[serde(rename = "us", skip_serializing_if = "Option::is_none")]
    elapsed_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    given: Option<&'static str>,
    #[serde(rename = "givenWhy", skip_serializing_if = "Option::is_none")]
    given_why: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    effect: String,
    #[serde(rename = "about", skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(rename = "found", skip_serializing_if = "Vec::is_empty")]
    diagnostics: Vec<String>,
}

impl Rows {
    /// Considers the next record in corpus order.
    pub fn add(&mut self, row: &Row<'_>, outcome: &Outcome, verdict: Expectation) {
        self.n_seen += 1;
        let is_failure = verdict == Expectation::Failing;
        let kept = if is_failure { self.failures.len() } else { self.failures.len() + self.others.len() };
        if kept >= ROWS_MAX {
            return;
        }
        let json = render(row, outcome, verdict);
        self.n_bytes += json.len();
        if is_failure { &mut self.failures } else { &mut self.others }.push(json);
        while self.failures.len() + self.others.len() > ROWS_MAX || self.n_bytes > BYTES_MAX {
            let dropped = self.others.pop().or_else(|| self.failures.pop()).expect("there are rows");
            self.n_bytes -= dropped.len();
        }
    }

    /// How many rows are shown, and of how many.
    pub fn counts(&self) -> (u64, u64) {
        ((self.failures.len() + self.others.len()) as u64, self.n_seen)
    }

    /// A JSON array of them.
    pub fn to_json(&self) -> String {
        let mut text = String::with_capacity(self.n_bytes + self.failures.len() + self.others.len() + 2);
        text.push('[');
        for (i, row) in self.failures.iter().chain(&self.others).enumerate() {
            text.push_str(if i > 0 { ",\n" } else { "\n" });
            text.push_str(row);
        }
        text.push_str("\n]");
        text
    }
}

fn render(row: &Row<'_>, outcome: &Outcome, verdict: Expectation) -> Box<str> {
    let detail = outcome.detail.as_deref();
    let mut effect = String::new();
    row.write_effect(&mut effect);
    let mut tags = Vec::new();
    row.each_tag(&mut |tag| tags.push(clip(tag)));
    tags.truncate(32);
    let of_record = row.diagnostics();
    let of_run = detail.map_or(&[][..], |detail| &detail.diagnostics);
    let diagnostics = of_record.iter().chain(of_run).take(20);
    let is_verified = outcome.status == Status::Verified;
    let page = PageRow {
        word: row.word.map(clip),
        file: clip(row.file),
        line: row.line,
        verdict: outcome.status as u8,
        is_expected: verdict == Expectation::ExpectedUnsolved,
        strategy: outcome.strategy.map(|strategy| strategy.name()),
        template: outcome.template.as_deref(),
        tests: [outcome.tests_passed, outcome.tests_total],
        heldout: pair(outcome.heldout_passed, outcome.heldout_total),
        properties: pair(
            outcome.properties_checked,
            outcome.properties_checked + outcome.properties_unchecked,
        ),
        size: outcome.code.as_deref().map(code_size),
        steps: outcome.steps,
        candidates: outcome.candidates,
        stop: outcome.stop.name(),
        elapsed_us: row.elapsed.map(micros),
        code: outcome.code.as_deref().map(clip),
        why: (!is_verified).then(|| reason(row, outcome)),
        given: outcome.given.map(|status| status.name()),
        given_why: detail.and_then(|detail| detail.given_failing_test.as_deref()).map(clip),
        effect: clip(&effect),
        description: row.description().map(clip),
        tags,
        diagnostics: diagnostics.map(|found| clip(&format!("{}: {}", found.code, found.message))).collect(),
    };
    let json = serde_json::to_string(&page).expect("a row has no unwritable values");
    escape_for_script(&json).into()
}

fn pair(part: u32, whole: u32) -> Option<[u32; 2]> {
    (whole > 0).then_some([part, whole])
}

fn is_false(truth: &bool) -> bool {
    !truth
}

fn clip(text: &str) -> String {
    match text.char_indices().nth(TEXT_MAX) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

/// JSON that nothing inside a script element can end: `<`, `>` and `&` stand in strings only, where they may be escaped.
pub fn escape_for_script(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SpecId, Stop};

    #[test]
    fn failures_push_out_the_others() {
        let mut rows = Rows::default();
        let outcome = |status| Outcome::empty(SpecId(0), status, Stop::Exhausted);
        let mut add = |n: u32, status| {
            for i in 0..n {
                let verdict =
                    if status == Status::Verified { Expectation::Met } else { Expectation::Failing };
                rows.add(&Row::bare(Some(&format!("w{i}")), "f", i), &outcome(status), verdict);
            }
            (rows.failures.len(), rows.others.len(), rows.counts())
        };
        assert_eq!(add(6_000, Status::Verified), (0, 5_000, (5_000, 6_000)));
        assert_eq!(add(1_000, Status::Unsolved), (1_000, 4_000, (5_000, 7_000)));
        assert_eq!(add(9_000, Status::Refuted), (5_000, 0, (5_000, 16_000)));
        assert_eq!(add(10, Status::Verified), (5_000, 0, (5_000, 16_010)));
    }

    #[test]
    fn the_page_is_bounded_in_bytes() {
        let mut rows = Rows::default();
        let mut outcome = Outcome::empty(SpecId(0), Status::Verified, Stop::Solved);
        outcome.code = Some("<".repeat(5_000).into());
        let word = "w".repeat(5_000);
        for i in 0..4_000 {
            rows.add(&Row::bare(Some(&word), "f", i), &outcome, Expectation::Met);
        }
        assert!(rows.to_json().len() <= BYTES_MAX + 3 * ROWS_MAX);
        assert!(rows.counts().0 > 500);
    }

    #[test]
    fn json_cannot_end_the_script() {
        let text = "</script><!--<script> & \u{2028}";
        let escaped = escape_for_script(&serde_json::to_string(text).unwrap());
        assert!(!escaped.contains(['<', '>', '&', '\u{2028}']));
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
    }
}
