//! The checks that need the whole record: names, numbers of items, tests against the stack effect.

use super::tests::{Marks, TestMark, ValueKind, ValueMark};
use super::{Builder, name};
use crate::model::{Cell, CellType, Param, TestCase, Value};
use crate::spec::codes;
use crate::spec::finding::{Finding, Log, Span};
use crate::spec::json::Reader;
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};

/// A word has at most so many inputs.
pub const INPUTS_MAX: usize = 16;
/// A word has at most so many outputs.
pub const OUTPUTS_MAX: usize = 16;

const CHAR_MAX: Cell = 0x10_FFFF;

impl Builder<'_, '_> {
    pub(super) fn check(&mut self) {
        let Builder { reader, scratch, spec, .. } = self;
        let text = reader.text();
        let log = &mut reader.log;
        if self.word_read {
            name::check_word(&spec.word, self.word_at, log);
        }
        if self.effect_read {
            let marks = (&scratch.inputs[..], &scratch.outputs[..]);
            check_counts(spec.inputs.len(), spec.outputs.len(), marks, log);
            check_names(&spec.inputs, marks.0, log);
            let effect = Effect { inputs: &spec.inputs, outputs: &spec.outputs };
            List { text, what: "test", tests: &spec.tests, marks: &scratch.tests }.check(effect, log);
            List { text, what: "held-out case", tests: &spec.heldout, marks: &scratch.heldout }
                .check(effect, log);
            check_contradictions(text, &spec.tests, &scratch.tests, log);
            if spec.inputs.len() <= INPUTS_MAX && spec.outputs.len() <= OUTPUTS_MAX {
                self.check_meaning();
            }
        }
        let Builder { reader, spec, .. } = self;
        let log = &mut reader.log;
        let is_bare = spec.tests.is_empty() && spec.properties.is_empty();
        if is_bare && !log.has_error && spec.outputs.iter().all(|output| output.value.is_none()) {
            let span = if self.word_read { self.word_at } else { self.record_at };
            log.add(|| {
                Finding::warning(
                    codes::NOTHING_TO_CHECK,
                    span,
                    "there are no tests, properties or values to check code by",
                )
                .suggest("add \"test_cases\": [{\"input\": [ … ], \"output\": [ … ]}]")
            });
        }
    }
}

type ParamMarks<'a> = (&'a [super::params::Mark], &'a [super::params::Mark]);

fn check_counts(n_inputs: usize, n_outputs: usize, marks: ParamMarks<'_>, log: &mut Log) {
    for (n, max, what, marks) in
        [(n_inputs, INPUTS_MAX, "inputs", marks.0), (n_outputs, OUTPUTS_MAX, "outputs", marks.1)]
    {
        if n > max {
            let span = marks[max].span;
            log.add(|| {
                Finding::error(codes::TOO_MANY, span, format!("{n} {what}, wordmill handles {max}"))
                    .suggest("an array of cells is two items, addr and count")
            });
        }
    }
}

fn check_names(inputs: &[Param], marks: &[super::params::Mark], log: &mut Log) {
    for (index, input) in inputs.iter().enumerate().take(INPUTS_MAX).skip(1) {
        if inputs[..index].iter().any(|other| other.name == input.name) {
            let span = marks[index].name;
            log.add(|| {
                let message = format!("two inputs are named \"{}\"", crate::spec::json::shown(&input.name));
                Finding::warning(codes::AMBIGUOUS_NAME, span, message)
                    .suggest("give each input a name of its own")
            });
        }
    }
}

#[derive(Clone, Copy)]
struct Effect<'a> {
    inputs: &'a [Param],
    outputs: &'a [Param],
}

/// One list of tests with the positions of its parts.
struct List<'a> {
    text: &'a str,
    what: &'static str,
    tests: &'a [TestCase],
    marks: &'a Marks,
}

impl<'a> List<'a> {
    fn check(&self, effect: Effect<'_>, log: &mut Log) {
        let is_plain = |param: &Param| matches!(param.ty, CellType::Int | CellType::Addr | CellType::Any);
        let any_number_fits =
            !self.marks.has_odd && effect.inputs.iter().all(is_plain) && effect.outputs.iter().all(is_plain);
        let arity = (effect.inputs.len(), effect.outputs.len());
        for (index, (test, mark)) in self.tests.iter().zip(&self.marks.tests).enumerate() {
            let fits = any_number_fits
                && (test.input.len(), test.output.len()) == arity
                && test.throws.is_none()
                && mark.output != 0;
            if !fits && !mark.is_bad {
                self.check_test(index, test, mark, effect, log);
            }
        }
    }

    #[inline(never)]
    fn check_test(&self, index: usize, test: &TestCase, mark: &TestMark, effect: Effect<'_>, log: &mut Log) {
        let number = index + 1;
        let what = self.what;
        if self.has_arity("input", number, &test.input, effect.inputs.len(), mark.input, log) {
            self.check_types(&test.input, mark.first_input, effect.inputs, log);
        }
        match (test.throws, mark.output) {
            // A word that leaves nothing and prints is told by what it prints alone.
            (None, 0) if test.prints.is_some() && effect.outputs.is_empty() => {}
            (None, 0) => log.add(|| {
                let span = Span::at(mark.start as usize);
                Finding::error(
                    codes::MISSING_FIELD,
                    span,
                    format!("{what} {number} has neither \"output\" nor \"throws\""),
                )
                .suggest("add \"output\": [ … ], the stack after")
            }),
            (Some(_), _) if !test.output.is_empty() => log.add(|| {
                let span = self.value_span(mark.output as usize);
                Finding::error(
                    codes::BAD_THROWS,
                    span,
                    format!("{what} {number} has both \"output\" and \"throws\""),
                )
                .suggest("a word that throws leaves nothing: take \"output\" out")
            }),
            (Some(_), _) => {}
            (None, at) => {
                if self.has_arity("output", number, &test.output, effect.outputs.len(), at, log) {
                    self.check_types(&test.output, mark.first_output, effect.outputs, log);
                }
            }
        }
    }

    fn has_arity(
        &self,
        field: &str,
        number: usize,
        values: &[Value],
        n_declared: usize,
        at: u32,
        log: &mut Log,
    ) -> bool {
        let n_cells = values.iter().map(width).sum::<usize>();
        if n_cells == n_declared || at == 0 {
            return n_cells == n_declared;
        }
        let span = self.value_span(at as usize);
        log.add(|| {
            let cells = if n_cells == 1 { "cell" } else { "cells" };
            let message = format!(
                "the {field} of {} {number} has {n_cells} {cells}, the stack effect declares {n_declared}",
                self.what
            );
            Finding::error(codes::ARITY, span, message).suggest(arity_hint(values, n_cells, n_declared))
        });
        false
    }

    fn check_types(&self, values: &[Value], first: u32, params: &[Param], log: &mut Log) {
        let marks = &self.marks.values[first as usize..][..values.len()];
        let mut cell_idx = 0;
        for (value, &mark) in values.iter().zip(marks) {
            let here = params.get(cell_idx);
            match value {
                Value::Cell(cell) => {
                    if let Some(param) = here {
                        self.check_cell(*cell, mark, param.ty, log);
                    }
                }
                _ => {
                    if let (Some(address), Some(count)) = (here, params.get(cell_idx + 1)) {
                        self.check_memory(mark, address, count, log);
                    }
                }
            }
            cell_idx += width(value);
        }
    }

    fn check_cell(&self, cell: Cell, mark: ValueMark, ty: CellType, log: &mut Log) {
        let kind = mark.kind();
        let fits = match ty {
            CellType::Int => kind != ValueKind::Big,
            CellType::Uint => cell >= 0 || kind != ValueKind::Int,
            CellType::Bool => matches!(cell, 0 | -1) && kind != ValueKind::Big,
            CellType::Char => (0..=CHAR_MAX).contains(&cell),
            CellType::Addr | CellType::Any => true,
        };
        if !fits && kind != ValueKind::Bad {
            self.tell_range(cell, mark, ty, log);
        }
    }

    #[cold]
    fn tell_range(&self, cell: Cell, mark: ValueMark, ty: CellType, log: &mut Log) {
        let span = self.value_span(mark.pos());
        let token = &self.text[span.start as usize..span.end as usize];
        log.add(|| {
            let range = |message: String| Finding::error(codes::OUT_OF_RANGE, span, message);
            match ty {
                CellType::Int => range(format!("{token} is above the largest int, 9223372036854775807"))
                    .suggest(format!("declare the item as uint, or write {cell}, which has the same bits")),
                CellType::Uint => range(format!("{token} is below 0, and the item is a uint")).suggest(
                    format!("declare the item as int, or write {}, which has the same bits", cell as u64),
                ),
                CellType::Bool => Finding::error(
                    codes::NOT_A_FLAG,
                    span,
                    format!("{token} is not a flag: true is -1, false is 0"),
                )
                .suggest("write true or false"),
                _ => range(format!("{token} is not a character, which goes from 0 to {CHAR_MAX}"))
                    .suggest("declare the item as int"),
            }
        });
    }

    fn check_memory(&self, mark: ValueMark, address: &Param, count: &Param, log: &mut Log) {
        let fits = matches!(address.ty, CellType::Addr | CellType::Any)
            && matches!(count.ty, CellType::Int | CellType::Uint | CellType::Any);
        if fits {
            return;
        }
        let span = self.value_span(mark.pos());
        log.add(|| {
            let what = if mark.kind() == ValueKind::Str { "a string" } else { "an array" };
            let message = format!(
                "{what} is an address and a count, but \"{}\" and \"{}\" are declared as {} and {}",
                address.name,
                count.name,
                address.ty.name(),
                count.ty.name()
            );
            Finding::warning(codes::NOT_AN_ADDRESS, span, message).suggest("declare them as addr and uint")
        });
    }

    /// From the first byte of a value to its last.
    fn value_span(&self, pos: usize) -> Span {
        value_span(self.text, pos)
    }
}

pub(super) fn value_span(text: &str, pos: usize) -> Span {
    let mut reader = Reader::at(text, pos);
    let _ = reader.skip();
    Span::new(pos, reader.pos())
}

/// How many cells a value is on the stack.
fn width(value: &Value) -> usize {
    match value {
        Value::Cell(_) => 1,
        Value::Str(_) | Value::Cells(_) => 2,
    }
}

fn arity_hint(values: &[Value], n_cells: usize, n_declared: usize) -> String {
    if let ([Value::Str(text)], 1) = (values, n_declared)
        && let Some(c) = single(text)
    {
        return format!("a string counts as two cells, c-addr u; for the character write {}", c as u32);
    }
    let hint = if values.iter().any(|value| matches!(value, Value::Str(_))) {
        "a string counts as two cells, c-addr u"
    } else if n_cells != values.len() {
        "an array counts as two cells, addr and the number of cells"
    } else if n_cells < n_declared {
        "a value is missing"
    } else {
        "there are too many values"
    };
    hint.to_owned()
}

/// The character of a text that has just one.
fn single(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

/// Warns where one input has two answers.
fn check_contradictions(text: &str, tests: &[TestCase], marks: &Marks, log: &mut Log) {
    if is_ascending(tests) {
        return;
    }
    let mut seen: FxHashMap<u64, u32> = FxHashMap::with_capacity_and_hasher(tests.len(), Default::default());
    for (index, test) in tests.iter().enumerate() {
        let other = *seen.entry(hash_of(&test.input)).or_insert(index as u32) as usize;
        if other == index || tests[other].input != test.input {
            continue;
        }
        let printed = tests[other].prints.as_ref().zip(test.prints.as_ref());
        let same = tests[other].output == test.output
            && tests[other].throws == test.throws
            && printed.is_none_or(|(one, another)| one == another);
        if !same && !marks.tests[index].is_bad && !marks.tests[other].is_bad {
            let span = value_span(text, marks.tests[index].start as usize);
            log.add(|| {
                let message =
                    format!("test {} has the input of test {} and another answer", index + 1, other + 1);
                Finding::warning(codes::CONTRADICTION, span, message).suggest("one of the two is wrong")
            });
        }
    }
}

/// Whether the first cells of the inputs rise, as in most lists: then no two inputs are the same.
fn is_ascending(tests: &[TestCase]) -> bool {
    let mut last = None;
    tests.iter().all(|test| match test.input.first() {
        Some(&Value::Cell(cell)) => last.replace(cell).is_none_or(|before| before < cell),
        _ => false,
    })
}

fn hash_of(values: &[Value]) -> u64 {
    let mut hasher = FxHasher::default();
    for value in values {
        match value {
            Value::Cell(cell) => cell.hash(&mut hasher),
            Value::Str(text) => text.hash(&mut hasher),
            Value::Cells(cells) => cells.hash(&mut hasher),
        }
    }
    hasher.finish()
}
