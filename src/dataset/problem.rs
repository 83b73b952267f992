//! A verified outcome of a run, with its specification and what else the run knows of it.

use super::spec_json;
use crate::corpus::Record;
use crate::forth::Engine;
use crate::model::spec::{TestCase, Value};
use crate::model::{OutcomeLine, Spec, Strategy};
use crate::synth::emit;
use crate::validate;
use std::borrow::Cow;

/// Tests that are held out, where the specification itself holds none out: every so-manieth, from behind.
const HOLD_OUT_EVERY: usize = 4;

/// Visible tests that a prompt shows.
const SHOWN_MAX: usize = 3;

/// One problem with its verified solution.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The hash of word, effect, tests and description, in hexadecimal.
    pub id: String,
    /// The hash of the specification's content, in hexadecimal.
    pub spec_hash: String,
    /// The specification, with the visible tests only.
    pub spec: Spec,
    /// Its line of JSON.
    pub spec_line: String,
    /// Tests that no prompt shows.
    pub heldout: Vec<TestCase>,
    /// The verified definition, behind those of the words that it uses.
    pub code: String,
    /// The definitions of the words that the specification uses, which a solution may call; empty for most.
    pub prelude: String,
    /// Programs for the same word that may pass too.
    pub others: Vec<String>,
    /// Programs that failed while the word was searched for.
    pub misses: Vec<String>,
    /// Where the code comes from.
    pub strategy: &'static str,
    /// Fuel that the tests burn.
    pub steps: u64,
    /// Properties that were checked.
    pub properties_checked: u32,
    /// 0 to 4; by the tag of the generator, else by the length of the code.
    pub band: u8,
    /// Words of the definition without its name and comment.
    pub size: usize,
    /// Problems that are much alike have the same, the least index among them.
    pub cluster: u32,
    /// 0 to 2: train, validation, test.
    pub split: u8,
}

impl Problem {
    /// From a record and its line in `outcomes.jsonl`, with the definitions of the words that it uses, and what the search
    /// kept; `None` where the outcome is not verified code.
    pub fn new(record: &Record<'_>, outcome: &OutcomeLine<'_>, prelude: &str, kept: &Kept) -> Option<Self> {
        if outcome.status != crate::model::Status::Verified {
            return None;
        }
        let whole = |code: &str| format!("{prelude}{code}");
        let code = whole(outcome.code.as_deref()?);
        let mut spec = record.to_spec()?;
        let difficulty: Option<u8> =
            spec.metadata.tags.iter().find_map(|tag| tag.strip_prefix("difficulty:")?.parse().ok());
        let heldout = hold_out(&mut spec);
        let text = outcome_parts(&code);
        let size = text.map_or_else(|| code.split_ascii_whitespace().count(), |parts| parts.words.len());
        let spec_line = spec_json::line(&spec);
        let id = blake3::hash(spec_line.as_bytes()).to_hex()[..16].to_owned();
        let mut problem = Self {
            id,
            spec_hash: crate::pipeline::fingerprint::hex(&record.content_hash()[..16]),
            band: difficulty.map_or_else(|| (size / 8).min(4) as u8, |it| (it.clamp(1, 100) - 1) / 20),
            strategy: outcome.strategy.map_or("given", |strategy| strategy.name()),
            steps: outcome.steps,
            properties_checked: outcome.properties_checked,
            spec,
            spec_line,
            heldout,
            code,
            prelude: prelude.to_owned(),
            others: kept.solutions.iter().map(|code| whole(code)).collect(),
            misses: kept.misses.iter().map(|code| whole(code)).collect(),
            size,
            cluster: 0,
            split: 0,
        };
        if outcome.strategy != Some(Strategy::Given)
            && let Some(given) = record.code()
        {
            // The search found another program than the specification supplies; perhaps that one is right too.
            let given = given.trim();
            let end = if given.contains('\\') { "\n;" } else { " ;" };
            let given = match (validate::is_source(given, problem.word()), problem.parts()) {
                (true, _) => Some(Cow::Borrowed(given)),
                (false, Some(parts)) => Some(Cow::Owned(format!("{} {given}{end}", parts.head))),
                (false, None) => None,
            };
            problem.others.extend(given.map(|given| whole(&given)));
        }
        let prompt = problem.prompt().replace(", ", ",");
        problem.heldout.retain(|case| !shows(&prompt, &spec_json::shown(case, &problem.spec)));
        // What else they carry is of no use to a record.
        problem.spec.code = None;
        problem.spec.metadata = crate::model::spec::Metadata::default();
        problem.spec.tests.iter_mut().chain(&mut problem.heldout).for_each(|case| {
            case.description = None;
            case.tags = Vec::new();
        });
        Some(problem)
    }

    /// Whether the solution passes all held-out tests, and all tests where none are held out by the specification itself.
    pub fn passes_heldout(&self, engine: &mut Engine, record: &Record<'_>) -> bool {
        let cases = if record.heldout().is_empty() { record.tests() } else { record.heldout() };
        let (passed, total) = validate::score(engine, "", self.word(), &self.code, Some(cases));
        passed == total
    }

    /// The word.
    pub fn word(&self) -> &str {
        &self.spec.word
    }

    /// The parts of the solution, where it is a plain definition of the word.
    pub fn parts(&self) -> Option<Parts<'_>> {
        let is_of_the_word = |parts: &Parts<'_>| {
            parts.head.split(' ').nth(1).is_some_and(|name| name.eq_ignore_ascii_case(self.word()))
        };
        outcome_parts(&self.code).filter(is_of_the_word)
    }

    /// The effect as a comment that any Forth reads: `( a b -- g )`.
    pub fn effect(&self) -> String {
        let spec = &self.spec;
        emit::effect_comment(
            spec.inputs.iter().map(|param| &*param.name),
            spec.outputs.iter().map(|param| &*param.name),
        )
    }

    /// What is asked for, in words; held-out tests are not in it.
    pub fn prompt(&self) -> String {
        let mut text =
            format!("Write the Forth word `{}` with the stack effect {}.", self.word(), self.effect());
        if let Some(description) = &self.spec.description {
            text += &format!("\n\n{description}");
        }
        let constraints: Vec<&str> =
            self.spec.inputs.iter().filter_map(|param| param.constraint.as_deref()).collect();
        if !constraints.is_empty() {
            text += &format!("\n\nInputs: {}.", constraints.join(", "));
        }
        if !self.prelude.is_empty() {
            text += &format!(
                "\n\nThese words may be used; an answer begins with the definitions that it needs:\n```forth\n{}\n```",
                self.prelude.trim_end()
            );
        }
        if !self.spec.tests.is_empty() {
            text += "\n\nExamples (the last value is on top of the stack):";
            for case in self.spec.tests.iter().take(SHOWN_MAX) {
                text += &format!("\n  {}", spec_json::shown(case, &self.spec));
            }
        }
        text
    }

    /// Whether all tests are plain numbers.
    pub fn is_plain(&self) -> bool {
        let plain = |case: &TestCase| {
            case.throws.is_none()
                && case.prints.is_none()
                && case.input.iter().chain(&case.output).all(|value| matches!(value, Value::Cell(_)))
        };
        self.spec.tests.iter().chain(&self.heldout).all(plain)
    }
}

/// What the search kept of one specification beside the solution.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Further programs that passed.
    pub solutions: Vec<String>,
    /// Programs that failed, the best first.
    pub misses: Vec<String>,
}

/// Takes the held-out tests out of a specification: its own, else a quarter of its tests where it has enough. A held-out
/// test whose inputs are also those of a visible one is no secret, and goes.
fn hold_out(spec: &mut Spec) -> Vec<TestCase> {
    let mut heldout = std::mem::take(&mut spec.heldout);
    if heldout.is_empty() && spec.tests.len() >= HOLD_OUT_EVERY {
        let from = spec.tests.len() - spec.tests.len() / HOLD_OUT_EVERY;
        heldout = spec.tests.split_off(from);
    }
    heldout.retain(|held| spec.tests.iter().all(|test| test.input != held.input));
    heldout
}

/// Whether a text tells a test, which is shown like `48 18 -> 6`, so or in words.
fn shows(text: &str, shown: &str) -> bool {
    let Some((input, output)) = shown.split_once("-> ") else { return false };
    text.match_indices(input).any(|(at, _)| {
        let rest = text[at + input.len()..].trim_start();
        ["->", "gives", "leaves", "is", "="]
            .iter()
            .filter_map(|between| rest.strip_prefix(between))
            .any(|rest| rest.trim_start().starts_with(output))
    })
}

/// The parts of a plain definition.
#[derive(Clone, Debug)]
pub struct Parts<'c> {
    /// Definitions before it, each on a line of its own; empty for most.
    pub prelude: &'c str,
    /// Colon, name and comment.
    pub head: &'c str,
    /// The words of the body.
    pub words: Vec<&'c str>,
}

/// Takes a definition apart, the last one if there are several, if it is a colon definition without strings, comments in
/// its body, or words that read further words.
pub fn outcome_parts(code: &str) -> Option<Parts<'_>> {
    const READS: &[&str] = &[
        ":",
        ";",
        "(",
        "\\",
        "char",
        "[char]",
        "'",
        "[']",
        "to",
        "is",
        "postpone",
        "[",
        "]",
        "create",
        "variable",
        "constant",
        "value",
        "does>",
        "[compile]",
        "[:",
        ";]",
        "immediate",
        ":noname",
        "action-of",
    ];
    let (prelude, code) = code.trim().split_at(code.trim().rfind("\n: ").map_or(0, |end| end + 1));
    let inner = code.strip_prefix(": ")?.strip_suffix(" ;")?;
    let name_end = inner.find(' ')?;
    let mut rest = inner[name_end..].trim_start();
    if rest.starts_with("( ") {
        rest = rest[rest.find(')')? + 1..].trim_start();
    }
    let head = &code[..code.len() - " ;".len() - rest.len()];
    let words: Vec<&str> = rest.split_ascii_whitespace().collect();
    let reads = |word: &&str| READS.iter().any(|it| it.eq_ignore_ascii_case(word)) || word.ends_with('"');
    (!words.is_empty() && !words.iter().any(reads)).then_some(Parts { prelude, head: head.trim_end(), words })
}

impl Parts<'_> {
    /// The program with other words in the body of its definition.
    pub fn with<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> String {
        let mut text = format!("{}{}", self.prelude, self.head);
        for word in words {
            text.push(' ');
            text.push_str(word);
        }
        text + " ;"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_tells_a_test_shows_it() {
        for text in ["  48 18 -> 6", "So 48 18 leaves 6.", "48 18 = 6"] {
            assert!(shows(text, "48 18 -> 6"), "{text}");
        }
        assert!(!shows("48 18 -> 7 and 6 is six", "48 18 -> 6"));
    }

    #[test]
    fn definitions_are_taken_apart() {
        let parts = outcome_parts(": f ( a -- b ) dup * ;").expect("plain");
        assert_eq!((parts.head, parts.words.as_slice()), (": f ( a -- b )", &["dup", "*"][..]));
        assert_eq!(parts.with(["1+"]), ": f ( a -- b ) 1+ ;");
        assert_eq!(outcome_parts(": f 1+ ;").expect("plain").head, ": f");
        let parts = outcome_parts(": g ( a -- b ) s\" x\" nip ;\n: f ( a -- b ) g 1+ ;").expect("plain");
        assert_eq!((parts.head, parts.words.as_slice()), (": f ( a -- b )", &["g", "1+"][..]));
        assert_eq!(parts.with(["g"]), ": g ( a -- b ) s\" x\" nip ;\n: f ( a -- b ) g ;");
        for code in ["1+", ": f s\" x\" type ;", ": f ['] x execute ;", ": g ; : f g ;", ": f ;"] {
            assert!(outcome_parts(code).is_none(), "{code}");
        }
    }
}
