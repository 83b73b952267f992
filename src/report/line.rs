//! One outcome as its line in `outcomes.jsonl`: no times, no history, the same bytes for the same outcome.

use crate::model::{Detail, Diagnostic, Given, Outcome, OutcomeLine, Status};
use crate::report::Row;
use std::borrow::Cow;

/// Puts the names and places of the record around its outcome.
pub fn outcome_line<'a>(row: &Row<'a>, outcome: &'a Outcome) -> OutcomeLine<'a> {
    let detail = outcome.detail.as_deref();
    OutcomeLine {
        word: row.word.map(Cow::Borrowed),
        status: outcome.status,
        code: outcome.code.as_deref().map(Cow::Borrowed),
        strategy: outcome.strategy,
        template: outcome.template.as_deref().map(Cow::Borrowed),
        tests_passed: outcome.tests_passed,
        tests_total: outcome.tests_total,
        properties_checked: outcome.properties_checked,
        properties_unchecked: outcome.properties_unchecked,
        heldout_passed: outcome.heldout_passed,
        heldout_total: outcome.heldout_total,
        stop: outcome.stop,
        candidates: outcome.candidates,
        steps: outcome.steps,
        value: outcome.value,
        file: Cow::Borrowed(row.file),
        line: row.line,
        given: outcome.given.map(|status| Cow::Owned(given(status, detail))),
        failing_test: detail.and_then(|detail| detail.failing_test.as_deref()).map(Cow::Borrowed),
        diagnostics: diagnostics(row, outcome),
    }
}

fn given(status: Status, detail: Option<&Detail>) -> Given {
    Given { status, failing_test: detail.and_then(|detail| detail.given_failing_test.clone()) }
}

/// The findings about the record, then those about its run. The latter know no place of their own and get the record's.
fn diagnostics(row: &Row<'_>, outcome: &Outcome) -> Vec<Diagnostic> {
    let of_run = outcome.detail.as_deref().map_or(&[][..], |detail| &detail.diagnostics);
    let placed = of_run.iter().cloned().map(|mut diagnostic| {
        diagnostic.file.get_or_insert_with(|| row.file.to_owned());
        if diagnostic.place.line == 0 {
            diagnostic.place.line = row.line;
            diagnostic.place.column = 1;
        }
        diagnostic
    });
    let mut all = row.diagnostics().into_owned();
    all.extend(placed);
    all
}

/// Replaces `buffer` with the line, newline included.
pub fn write_line(buffer: &mut Vec<u8>, row: &Row<'_>, outcome: &Outcome) {
    buffer.clear();
    serde_json::to_writer(&mut *buffer, &outcome_line(row, outcome))
        .expect("an outcome has no unwritable values");
    buffer.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Code, Severity, SpecId, Stop, Strategy};

    fn line(row: &Row<'_>, outcome: &Outcome) -> String {
        let mut buffer = b"left from before".to_vec();
        write_line(&mut buffer, row, outcome);
        String::from_utf8(buffer).unwrap()
    }

    #[test]
    fn a_line_has_the_fields_of_the_contract_in_order() {
        let mut outcome = Outcome::empty(SpecId(0), Status::Verified, Stop::Solved);
        outcome.code = Some(": square dup * ;".into());
        outcome.strategy = Some(Strategy::Template);
        outcome.template = Some("DUP_TRANSFORM_001".into());
        (outcome.tests_passed, outcome.tests_total, outcome.candidates, outcome.steps) = (5, 5, 7, 20);
        assert_eq!(
            line(&Row::bare(Some("square"), "a.jsonl", 3), &outcome),
            "{\"word\":\"square\",\"status\":\"verified\",\"code\":\": square dup * ;\",\"strategy\":\"template\",\
             \"template\":\"DUP_TRANSFORM_001\",\"tests_passed\":5,\"tests_total\":5,\"properties_checked\":0,\
             \"properties_unchecked\":0,\"heldout_passed\":0,\"heldout_total\":0,\"stop\":\"solved\",\"candidates\":7,\
             \"steps\":20,\"file\":\"a.jsonl\",\"line\":3,\"given\":null,\"failing_test\":null,\"diagnostics\":[]}\n"
        );
    }

    #[test]
    fn findings_of_the_run_get_the_place_of_the_record() {
        let of_record = Diagnostic::new(Code(3), Severity::Error, "not JSON")
            .at(Some("a.jsonl"), crate::model::Place { line: 9, column: 4, width: 1 });
        let mut outcome = Outcome::empty(SpecId(0), Status::Invalid, Stop::Skipped);
        let of_run = Diagnostic::new(Code(70), Severity::Warning, "property unchecked");
        outcome.given = Some(Status::Refuted);
        outcome.detail = Some(Box::new(Detail {
            given_failing_test: Some("1 -> 2, expected 3".into()),
            diagnostics: vec![of_run],
            ..Detail::default()
        }));
        let text = line(&Row::bare(None, "a.jsonl", 9).found(&[of_record]), &outcome);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["word"], serde_json::Value::Null);
        assert_eq!(value["given"]["failing_test"], "1 -> 2, expected 3");
        assert_eq!(value["diagnostics"][0]["column"], 4);
        assert_eq!(value["diagnostics"][1]["file"], "a.jsonl");
        assert_eq!(value["diagnostics"][1]["line"], 9);
        assert_eq!(value["diagnostics"][1]["code"], "WM070");
        let back: OutcomeLine<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(back.file, "a.jsonl");
    }

    #[test]
    fn newlines_in_names_stay_on_one_line() {
        let outcome = Outcome::empty(SpecId(0), Status::Invalid, Stop::Skipped);
        let text = line(&Row::bare(Some("a\nb\u{2028}\0"), "x\ny", 1), &outcome);
        assert_eq!(text.matches('\n').count(), 1);
    }
}
