//! A verified outcome of a run, with its specification, run once more.

use super::spec_json;
use crate::corpus::Record;
use crate::model::spec::{TestCase, Value};
use crate::model::{OutcomeLine, Spec};

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
    /// The verified definition.
    pub code: String,
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
    /// From a record and its line in `outcomes.jsonl`; `None` where the outcome is not verified code that stands by itself.
    pub fn new(record: &Record<'_>, outcome: &OutcomeLine<'_>) -> Option<Self> {
        if outcome.status != crate::model::Status::Verified || record.has_uses() {
            return None;
        }
        let code = outcome.code.as_deref()?.to_owned();
        let mut spec = record.to_spec()?;
        let difficulty: Option<u8> =
            spec.metadata.tags.iter().find_map(|tag| tag.strip_prefix("difficulty:")?.parse().ok());
        let heldout = hold_out(&mut spec);
        let text = outcome_parts(&code);
        let size = text.map_or_else(|| code.split_ascii_whitespace().count(), |parts| parts.words.len());
        let spec_line = spec_json::line(&spec);
        let id = blake3::hash(spec_line.as_bytes()).to_hex()[..16].to_owned();
        Some(Self {
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
            size,
            cluster: 0,
            split: 0,
        })
    }

    /// The word.
    pub fn word(&self) -> &str {
        &self.spec.word
    }

    /// The effect as a comment: `( a b -- g )`.
    pub fn effect(&self) -> String {
        let names = |params: &[crate::model::spec::Param]| {
            params.iter().map(|param| format!("{} ", param.name)).collect::<String>()
        };
        format!("( {}-- {})", names(&self.spec.inputs), names(&self.spec.outputs))
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
        if !self.spec.tests.is_empty() {
            text += "\n\nExamples (the last value is on top of the stack):";
            for case in self.spec.tests.iter().take(SHOWN_MAX) {
                text += &format!("\n  {}", spec_json::shown(case));
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

/// The parts of a plain definition.
#[derive(Clone, Debug)]
pub struct Parts<'c> {
    /// Colon, name and comment.
    pub head: &'c str,
    /// The words of the body.
    pub words: Vec<&'c str>,
}

/// Takes a definition apart, if it is one colon definition without strings, comments in its body, or words that read
/// further words.
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
    let inner = code.trim().strip_prefix(": ")?.strip_suffix(" ;")?;
    let name_end = inner.find(' ')?;
    let mut rest = inner[name_end..].trim_start();
    if rest.starts_with("( ") {
        rest = rest[rest.find(')')? + 1..].trim_start();
    }
    let head = code.trim();
    let head = &head[..head.len() - " ;".len() - rest.len()];
    let words: Vec<&str> = rest.split_ascii_whitespace().collect();
    let reads = |word: &&str| READS.iter().any(|it| it.eq_ignore_ascii_case(word)) || word.ends_with('"');
    (!words.is_empty() && !words.iter().any(reads)).then_some(Parts { head: head.trim_end(), words })
}

impl Parts<'_> {
    /// The definition with other words in its body.
    pub fn with<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> String {
        let mut text = self.head.to_owned();
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
    fn definitions_are_taken_apart() {
        let parts = outcome_parts(": f ( a -- b ) dup * ;").expect("plain");
        assert_eq!((parts.head, parts.words.as_slice()), (": f ( a -- b )", &["dup", "*"][..]));
        assert_eq!(parts.with(["1+"]), ": f ( a -- b ) 1+ ;");
        assert_eq!(outcome_parts(": f 1+ ;").expect("plain").head, ": f");
        for code in ["1+", ": f s\" x\" type ;", ": f ['] x execute ;", ": g ; : f g ;", ": f ;"] {
            assert!(outcome_parts(code).is_none(), "{code}");
        }
    }
}
