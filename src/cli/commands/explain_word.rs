//! `wordmill run --explain WORD`: how one verdict comes about. Works the word out anew, and writes nothing.

use crate::cli::args::MessageFormat;
use crate::cli::context::Context;
use crate::cli::message::{self, visible};
use crate::cli::output::{BAD, BOLD, DIM, GOOD};
use crate::cli::running::Job;
use crate::cli::signals::Signals;
use crate::cli::{Exit, text};
use crate::corpus::Record;
use crate::model::{Detail, Outcome, Status, Stop};
use crate::report::{Row, outcome_line};
use crate::synth::Tried;
use crate::{effect, pipeline};
use anyhow::bail;
use std::io::Write;

/// Explains every record of the word.
pub fn run(word: &str, job: &Job, signals: &Signals, context: &mut Context) -> anyhow::Result<Exit> {
    let found = job.corpus.find(word);
    if found.is_empty() {
        match super::corpus::nearest_word(&job.corpus, word) {
            Some(near) => bail!("no specification of the word `{word}`; did you mean `{near}`?"),
            None => bail!("no specification of the word `{word}`"),
        }
    }
    let mut exit = Exit::Good;
    for id in found {
        let (outcome, tried) = pipeline::outcome(&job.corpus, id, &job.options, signals.stop());
        if let Some(signal) = signals.exit() {
            return Ok(signal);
        }
        let has_bank = tried.iter().any(|tried| tried.bank.is_some());
        let company = if has_bank { pipeline::company(&job.corpus, id, &job.options) } else { 0 };
        explain(job.corpus.record(id), &outcome, (&tried, company), context)?;
        if outcome.status != Status::Verified {
            exit = Exit::Bad;
        }
    }
    Ok(exit)
}

fn explain(
    record: Record<'_>,
    outcome: &Outcome,
    (tried, company): (&[Tried], usize),
    context: &mut Context,
) -> anyhow::Result<()> {
    let row = Row::from_record(record);
    let line = outcome_line(&row, outcome);
    if context.format == MessageFormat::Json {
        let mut value = serde_json::to_value(&line)?;
        value["tried"] = serde_json::to_value(tried)?;
        if company > 1 {
            value["bank_served"] = company.into();
        }
        if let Some(detail) = &outcome.detail {
            value["near_misses"] = serde_json::to_value(&detail.near_misses)?;
            value["solutions"] = serde_json::to_value(&detail.solutions)?;
        }
        write!(context.out, "{}", message::json(&value))?;
        return Ok(());
    }
    for diagnostic in &line.diagnostics {
        context.emit(diagnostic)?;
    }
    let style = if outcome.status == Status::Verified { GOOD } else { BAD };
    let place = format!("{}:{}", visible(record.file()), record.line());
    let word = visible(record.word().unwrap_or("?"));
    let status = outcome.status.name();
    writeln!(context.out, "{BOLD}{word}{BOLD:#}: {style}{status}{style:#}  {DIM}{place}{DIM:#}")?;
    let mut tell =
        |name: &str, value: &str| writeln!(context.out, "  {DIM}{name:<11}{DIM:#} {}", visible(value));
    if let Some(description) = record.description() {
        tell("wanted", description)?;
    }
    if let Some(given) = &line.given {
        let failing = given.failing_test.as_deref().map_or(String::new(), |test| format!(": {test}"));
        tell("supplied", &format!("{}{failing}", given.status.name()))?;
    }
    if let Some(code) = &outcome.code {
        tell("code", code)?;
        if let Ok(effect) = effect::infer(code, &effect::NoWords, &mut effect::Scratch::new()) {
            tell("effect", &effect.render())?;
        }
    }
    tell("found by", &found_by(outcome))?;
    tell("search", &search(outcome))?;
    for tried in tried {
        tell("tried", &in_words(tried))?;
    }
    if company > 1 {
        let specs = text::count(company as u64, "specification");
        tell(
            "shared",
            &format!("its first bank is the same for {specs} of the corpus: a run builds it once"),
        )?;
    }
    tell("tests", &share(outcome.tests_passed, outcome.tests_total, "passed"))?;
    if outcome.properties_checked + outcome.properties_unchecked > 0 {
        let (checked, unchecked) = (outcome.properties_checked, outcome.properties_unchecked);
        tell("properties", &format!("{checked} checked, {unchecked} could not be checked"))?;
    }
    if let Some(value) = outcome.value {
        tell("value", &value.to_string())?;
    }
    if outcome.heldout_total > 0 {
        tell("held out", &share(outcome.heldout_passed, outcome.heldout_total, "passed"))?;
    }
    if let Some(failing) = &line.failing_test {
        tell("fails", failing)?;
    }
    outcome.detail.iter().try_for_each(|detail| details(detail, &mut tell))?;
    Ok(())
}

fn details(detail: &Detail, tell: &mut impl FnMut(&str, &str) -> std::io::Result<()>) -> std::io::Result<()> {
    for solution in &detail.solutions {
        tell("also", &solution.code)?;
    }
    for miss in &detail.near_misses {
        tell(
            "near miss",
            &format!(
                "{}  passes {}, but {}",
                miss.code,
                text::count(miss.tests_passed.into(), "test"),
                miss.failing_test
            ),
        )?;
    }
    Ok(())
}

fn found_by(outcome: &Outcome) -> String {
    match (outcome.strategy, outcome.template.as_deref()) {
        (Some(strategy), Some(template)) => format!("{} {template}", strategy.name()),
        (Some(strategy), None) => strategy.name().to_owned(),
        (None, _) => "nothing".to_owned(),
    }
}

fn search(outcome: &Outcome) -> String {
    let candidates = text::count(outcome.candidates, "candidate");
    match outcome.stop {
        Stop::Solved => {
            format!("solved after {candidates}; the tests cost {}", text::count(outcome.steps, "step"))
        }
        Stop::Exhausted => format!("exhausted: all {candidates} within the size bound were tried"),
        Stop::Budget => format!("ended by the budget after {candidates}; --budget raises it"),
        Stop::Skipped => "there was nothing to search for".to_owned(),
        Stop::Interrupted => format!("interrupted after {candidates}"),
    }
}

/// `unsigned bits: 300,000 candidates; 210,000 expressions of up to size 6 …`
fn in_words(tried: &Tried) -> String {
    use std::fmt::Write;
    let mut words = format!("{}: {}", tried.what, text::count(tried.candidates, "candidate"));
    if let Some(bank) = &tried.bank {
        let expressions = text::count(bank.expressions as u64, "distinct expression");
        let mib = bank.bytes as f64 / f64::from(1 << 20);
        write!(words, "; a bank of {expressions} up to size {}, {mib:.1} MiB", bank.size)
            .expect("a String takes everything");
        write!(
            words,
            "; {}, {}, {} of {} tests at once",
            text::count(bank.terms as u64, "partial solution"),
            text::count(bank.predicates as u64, "condition"),
            text::count(bank.rounds as u64, "round"),
            bank.lanes,
        )
        .expect("a String takes everything");
    }
    if let Some(found) = tried.found {
        write!(words, "; found a program by {}", found.name()).expect("a String takes everything");
    }
    words
}

fn share(part: u32, whole: u32, what: &str) -> String {
    format!("{part} of {whole} {what}")
}
