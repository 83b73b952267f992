//! What reports want to know of a specification, borrowed from wherever it stands.

use crate::corpus::{CaseView, Record, ValueView, Values};
use crate::model::{Cell, Diagnostic, Param, Spec, TestCase, Value};
use std::borrow::Cow;
use std::fmt::Write;
use std::time::Duration;

/// One input record beside its outcome. Copying it copies a few pointers.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// The word, or `None` where the record could not be parsed.
    pub word: Option<&'a str>,
    /// The file, as the user would name it.
    pub file: &'a str,
    /// Line of the record, from 1.
    pub line: u32,
    /// How long this run worked on it; `None` where the outcome was known already.
    pub elapsed: Option<Duration>,
    found: &'a [Diagnostic],
    facts: Facts<'a>,
}

#[derive(Clone, Copy)]
enum Facts<'a> {
    Nothing,
    Spec(&'a Spec),
    Record(Record<'a>),
}

/// A value of a test.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TestValue<'t> {
    /// One cell.
    Cell(Cell),
    /// A string in memory: `c-addr u`.
    Str(&'t str),
    /// Cells in memory: `addr n`.
    Cells(&'t [Cell]),
}

impl TestValue<'_> {
    /// How many stack cells it takes.
    pub fn width(&self) -> usize {
        if matches!(self, TestValue::Cell(_)) { 1 } else { 2 }
    }
}

/// One test, from bottom to top of the stack.
#[derive(Clone, Copy, Debug)]
pub struct TestRow<'t> {
    /// The stack before.
    pub inputs: &'t [TestValue<'t>],
    /// The stack after.
    pub outputs: &'t [TestValue<'t>],
    /// The exception code expected instead of an output.
    pub throws: Option<Cell>,
    /// The text that must be printed; `None` where printing is not looked at.
    pub prints: Option<&'t str>,
}

impl<'a> Row<'a> {
    /// A record of which only the place is known: it could not be parsed.
    pub fn bare(word: Option<&'a str>, file: &'a str, line: u32) -> Self {
        Self { word, file, line, elapsed: None, found: &[], facts: Facts::Nothing }
    }

    /// A specification in memory.
    pub fn from_spec(spec: &'a Spec, file: &'a str, line: u32) -> Self {
        Self { facts: Facts::Spec(spec), ..Self::bare(Some(&spec.word), file, line) }
    }

    /// A record of a corpus.
    pub fn from_record(record: Record<'a>) -> Self {
        Self { facts: Facts::Record(record), ..Self::bare(record.word(), record.file(), record.line()) }
    }

    /// The same row with the time that was spent on it, where it is known.
    pub fn timed(self, elapsed: impl Into<Option<Duration>>) -> Self {
        Self { elapsed: elapsed.into(), ..self }
    }

    /// The same row with findings about the record; a record of a corpus knows its own.
    pub fn found(self, found: &'a [Diagnostic]) -> Self {
        Self { found, ..self }
    }

    /// Findings about the record itself, with file and line.
    pub fn diagnostics(&self) -> Cow<'a, [Diagnostic]> {
        match self.facts {
            Facts::Record(record) if record.has_diagnostics() => record.diagnostics().into(),
            _ => self.found.into(),
        }
    }

    /// What the word does, for people.
    pub fn description(&self) -> Option<&'a str> {
        match self.facts {
            Facts::Nothing => None,
            Facts::Spec(spec) => spec.description.as_deref(),
            Facts::Record(record) => record.description(),
        }
    }

    /// Calls `sink` with every tag of the specification.
    pub fn each_tag(&self, sink: &mut dyn FnMut(&'a str)) {
        match self.facts {
            Facts::Nothing => {}
            Facts::Spec(spec) => spec.metadata.tags.iter().for_each(|tag| sink(tag)),
            Facts::Record(record) => record.tags().for_each(sink),
        }
    }

    /// Whether this specification is not expected to be solved: it stays out of the exit code.
    pub fn is_expected_unsolved(&self) -> bool {
        let mut expected = false;
        self.each_tag(&mut |tag| expected |= tag == "expect:unsolved");
        expected
    }

    /// Calls `sink` with every other word that this one may call.
    pub fn each_use(&self, sink: &mut dyn FnMut(&'a str)) {
        match self.facts {
            Facts::Nothing => {}
            Facts::Spec(spec) => spec.uses.iter().for_each(|word| sink(word)),
            Facts::Record(record) => record.uses().for_each(sink),
        }
    }

    /// Calls `sink` with every test that is not held out.
    pub fn each_test(&self, sink: &mut dyn FnMut(&TestRow<'_>)) {
        match self.facts {
            Facts::Nothing => {}
            Facts::Spec(spec) => spec.tests.iter().for_each(|test| sink_owned(test, sink)),
            Facts::Record(record) => sink_views(record.tests().cases(), sink),
        }
    }

    /// Appends the declared effect, `( a b -- sum )`.
    pub fn write_effect(&self, out: &mut String) {
        match self.facts {
            Facts::Nothing => {}
            Facts::Spec(spec) => {
                let names = |params: &'a [Param]| params.iter().map(|param| param.name.as_str());
                write_effect(out, names(&spec.inputs), names(&spec.outputs));
            }
            // A record that cannot be run has lost its effect.
            Facts::Record(record) if !record.is_valid() => {}
            Facts::Record(record) => {
                write_effect(
                    out,
                    record.inputs().map(|param| param.name),
                    record.outputs().map(|param| param.name),
                );
            }
        }
    }
}

fn sink_owned(test: &TestCase, sink: &mut dyn FnMut(&TestRow<'_>)) {
    fn views(values: &[Value]) -> Vec<TestValue<'_>> {
        let view = |value| match value {
            &Value::Cell(cell) => TestValue::Cell(cell),
            Value::Str(text) => TestValue::Str(text),
            Value::Cells(cells) => TestValue::Cells(cells),
        };
        values.iter().map(view).collect()
    }
    let (inputs, outputs) = (views(&test.input), views(&test.output));
    sink(&TestRow {
        inputs: &inputs,
        outputs: &outputs,
        throws: test.throws,
        prints: test.prints.as_deref(),
    });
}

fn sink_views<'c>(cases: impl Iterator<Item = CaseView<'c>>, sink: &mut dyn FnMut(&TestRow<'_>)) {
    let view = |value| match value {
        ValueView::Cell(cell) => TestValue::Cell(cell),
        ValueView::Str(text) => TestValue::Str(text),
        ValueView::Cells(cells) => TestValue::Cells(cells),
    };
    let fill = |views: &mut Vec<TestValue<'c>>, values: Values<'c>| {
        views.clear();
        views.extend(values.map(view));
    };
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for case in cases {
        fill(&mut inputs, case.inputs());
        fill(&mut outputs, case.outputs());
        sink(&TestRow { inputs: &inputs, outputs: &outputs, throws: case.throws(), prints: case.prints() });
    }
}

fn write_effect<'n>(
    out: &mut String,
    inputs: impl Iterator<Item = &'n str>,
    outputs: impl Iterator<Item = &'n str>,
) {
    out.push('(');
    inputs.for_each(|name| write!(out, " {name}").expect("a String takes all"));
    out.push_str(" --");
    outputs.for_each(|name| write!(out, " {name}").expect("a String takes all"));
    out.push_str(" )");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_tells_its_effect_and_tags() {
        let param = |name: &str| Param {
            name: name.into(),
            ty: crate::model::CellType::Int,
            constraint: None,
            value: None,
        };
        let mut spec = Spec { word: "sum".into(), inputs: vec![param("a"), param("b")], ..Spec::default() };
        spec.outputs = vec![param("a+b")];
        let effect = |spec: &Spec| {
            let mut text = String::new();
            Row::from_spec(spec, "f", 1).write_effect(&mut text);
            text
        };
        assert_eq!(effect(&spec), "( a b -- a+b )");
        assert_eq!(effect(&Spec::default()), "( -- )");
        assert!(!Row::from_spec(&spec, "f", 1).is_expected_unsolved());
        spec.metadata.tags = vec!["hard".into(), "expect:unsolved".into()];
        assert!(Row::from_spec(&spec, "f", 1).is_expected_unsolved());
    }
}
