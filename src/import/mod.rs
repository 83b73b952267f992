//! Forth test files become specifications: `T{ 5 square -> 25 }T` is a test of `square`, and the definitions that stand in
//! the file are its code.
//!
//! The text is read, never run: what stands before and after `->` must be values, or arithmetic on values. What cannot be
//! turned into a specification is told with its place and costs nothing else. Relies on `spec` for the meaning of a
//! record (each one that comes out has been read back by it) and on `forth` for how numbers are written.

mod effect;
mod scan;
mod source;
mod value;

mod group;

use crate::model::{Diagnostic, Place};

/// One specification that came out.
#[derive(Clone, PartialEq, Debug)]
pub struct Imported {
    /// The word.
    pub word: String,
    /// The record, one line of JSON without its end.
    pub line: String,
    /// Where its first test stands.
    pub place: Place,
    /// How many tests it has.
    pub n_tests: usize,
    /// Whether the file defines the word, so that there is code to judge.
    pub has_code: bool,
}

/// What came of a file.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Import {
    /// The specifications, in the order of their first tests.
    pub specs: Vec<Imported>,
    /// What was passed over, and why.
    pub diagnostics: Vec<Diagnostic>,
    /// Tests that the file has.
    pub n_tests: usize,
}

impl Import {
    /// Tests that became part of a specification.
    pub fn n_imported(&self) -> usize {
        self.specs.iter().map(|spec| spec.n_tests).sum()
    }
}

/// Reads a Forth test file; `name` is the file as the user would name it.
///
/// ```
/// let text = b": square ( n -- n*n ) dup * ;\nT{ 5 square -> 25 }T";
/// let import = wordmill::import::import(text, "tests.fs");
/// assert_eq!(import.specs[0].word, "square");
/// assert!(import.specs[0].line.contains(r#""test_cases":[{"input":[5],"output":[25]}]"#));
/// ```
pub fn import(text: &[u8], name: &str) -> Import {
    let findings = scan::Findings::new(text, name);
    match std::str::from_utf8(text) {
        Ok(text) => group::specifications(source::read(text, findings, false)),
        Err(error) if text.contains(&0) => findings.not_utf8(error),
        Err(error) => {
            // An older encoding: its letters mostly stand in comments, where they do no harm.
            let readable = String::from_utf8_lossy(text);
            let mut findings = scan::Findings::new(readable.as_bytes(), name);
            findings.not_utf8_in_places(text, error);
            group::specifications(source::read(&readable, findings, true))
        }
    }
}

#[cfg(test)]
mod cases;
