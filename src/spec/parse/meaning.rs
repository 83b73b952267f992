//! The expressions of a specification against its own tests: what does not parse is told to be unchecked, and tests that
//! break a constraint or contradict a value are told, because one of the two is wrong.

use super::check::value_span;
use super::tests::Marks;
use super::{Builder, Scratch};
use crate::model::{Cell, CellType, Param, Spec, TestCase, Value};
use crate::spec::codes;
use crate::spec::expr::{
    ExprError, Formula, Halt, Name, Names, NoWords, Reason, Row, Word, parse_constraint, parse_property,
    parse_value,
};
use crate::spec::finding::{Finding, Log, Span};
use bumpalo::Bump;

/// So many tests are held against the expressions; a slip shows in the first few.
const TESTS_CHECKED_MAX: usize = 1_000;

/// An arena that has swelled beyond this is not kept.
const ARENA_BYTES_MAX: usize = 256 << 10;

/// The name and the type of each item, as expressions see them.
type Items<'a> = (Vec<Name<'a>>, Vec<CellType>);

impl Builder<'_, '_> {
    /// Does nothing for a specification without expressions.
    pub(super) fn check_meaning(&mut self) {
        let Builder { reader, scratch, spec, .. } = self;
        let has_expressions = !spec.properties.is_empty()
            || spec.inputs.iter().any(|input| input.constraint.is_some())
            || spec.outputs.iter().any(|output| output.value.is_some());
        if !has_expressions {
            return;
        }
        let mut arena = std::mem::take(&mut scratch.arena);
        check_expressions(reader.text(), spec, scratch, &arena, &mut reader.log);
        arena.reset();
        if arena.allocated_bytes() <= ARENA_BYTES_MAX {
            scratch.arena = arena;
        }
    }
}

fn check_expressions(text: &str, spec: &Spec, scratch: &Scratch, arena: &Bump, log: &mut Log) {
    let (params, input_types) = items(&spec.inputs);
    let (outputs, output_types) = items(&spec.outputs);
    let own = Word { name: &spec.word, effect: Some((&input_types, &output_types)) };
    let used = spec.uses.iter().map(|name| Word { name, effect: None });
    let words: Vec<Word<'_>> = std::iter::once(own).chain(used).collect();
    let names = Names { params: &params, outputs: &outputs, words: &words };
    let tests = Tests { text, types: &input_types, n_outputs: outputs.len() };
    let lists = [
        List { what: "test", cases: &spec.tests, marks: &scratch.tests },
        List { what: "held-out case", cases: &spec.heldout, marks: &scratch.heldout },
    ];

    for (slot, (input, mark)) in spec.inputs.iter().zip(&scratch.inputs).enumerate() {
        let Some(constraint) = &input.constraint else { continue };
        match parse_constraint(arena, constraint, &names, Some(slot)) {
            Err(error) => unchecked(text, "constraint", mark.expression, &error, log),
            Ok(formula) => {
                for list in lists {
                    tests.hold_constraint(list, &formula, slot, input, log);
                }
            }
        }
    }
    for (slot, (output, mark)) in spec.outputs.iter().zip(&scratch.outputs).enumerate() {
        let Some(value) = &output.value else { continue };
        match parse_value(arena, value, &names) {
            Err(error) => unchecked(text, "value", mark.expression, &error, log),
            Ok(formula) => {
                for list in lists {
                    tests.hold_value(list, &formula, slot, output, log);
                }
            }
        }
    }
    for (property, &span) in spec.properties.iter().zip(&scratch.properties) {
        if let Err(error) = parse_property(arena, property, &names) {
            unchecked(text, "property", span, &error, log);
        }
    }
}

fn items(params: &[Param]) -> Items<'_> {
    params.iter().map(|param| (Name { name: &param.name, ty: param.ty }, param.ty)).unzip()
}

#[cold]
fn unchecked(text: &str, what: &str, span: Span, error: &ExprError, log: &mut Log) {
    log.add(|| {
        let message = format!("the {what} is not checked: {}", error.message);
        let finding = Finding::warning(codes::UNCHECKED, place_in(text, span, error), message);
        error.suggestion.iter().fold(finding, |finding, hint| finding.suggest(hint))
    });
}

/// The part of a string of the text that an error in its contents is about; all of it where escapes shift the places.
fn place_in(text: &str, span: Span, error: &ExprError) -> Span {
    let (start, end) = (span.start as usize, span.end as usize);
    let token = text.get(start..end).unwrap_or_default();
    if token.len() < 2 || token.contains('\\') {
        return span;
    }
    let from = (start + 1 + error.position as usize).min(end - 1);
    Span::new(from, (from + error.len.max(1) as usize).min(end))
}

/// A list of tests with its name and its positions.
#[derive(Clone, Copy)]
struct List<'a> {
    what: &'static str,
    cases: &'a [TestCase],
    marks: &'a Marks,
}

/// Holds tests against one expression after the other.
struct Tests<'a> {
    text: &'a str,
    types: &'a [CellType],
    n_outputs: usize,
}

impl Tests<'_> {
    fn hold_constraint(
        &self,
        list: List<'_>,
        formula: &Formula<'_>,
        slot: usize,
        input: &Param,
        log: &mut Log,
    ) {
        let List { what, marks, .. } = list;
        self.each(list, |index, row, test| {
            let holds = formula.holds(row);
            if holds == Ok(false) && test.throws.is_none() {
                let first = marks.tests[index].first_input as usize;
                let span = value_span(self.text, marks.values[first + slot].pos());
                log.add(|| {
                    let constraint =
                        input.constraint.as_deref().map(crate::spec::json::shown).unwrap_or_default();
                    let message =
                        format!("the input of {what} {} breaks the constraint \"{constraint}\"", index + 1);
                    Finding::warning(codes::CONSTRAINT_BROKEN, span, message)
                        .suggest("one of the two is wrong")
                });
            }
            holds.map(drop)
        });
    }

    fn hold_value(&self, list: List<'_>, formula: &Formula<'_>, slot: usize, output: &Param, log: &mut Log) {
        let List { what, marks, .. } = list;
        self.each(list, |index, row, test| {
            let given = match &test.output[..] {
                values if values.len() != self.n_outputs => return Ok(()),
                values => match values[slot] {
                    Value::Cell(cell) => cell,
                    _ => return Ok(()),
                },
            };
            let right = formula.cell(row, output.ty, &mut NoWords)?;
            if right != given {
                let first = marks.tests[index].first_output as usize;
                let span = value_span(self.text, marks.values[first + slot].pos());
                log.add(|| {
                    let value = output.value.as_deref().map(crate::spec::json::shown).unwrap_or_default();
                    let message = format!(
                        "{what} {} expects {}, and the value \"{value}\" gives {}",
                        index + 1,
                        shown_cell(given, output.ty),
                        shown_cell(right, output.ty)
                    );
                    Finding::warning(codes::VALUE_BROKEN, span, message).suggest("one of the two is wrong")
                });
            }
            Ok(())
        });
    }

    /// Goes over the tests whose input is plain cells of the right number. An expression that burns its whole budget is
    /// not tried again.
    fn each(&self, list: List<'_>, mut hold: impl FnMut(usize, Row<'_>, &TestCase) -> Result<(), Halt>) {
        let mut cells: Vec<Cell> = Vec::with_capacity(self.types.len());
        for (index, test) in list.cases.iter().enumerate().take(TESTS_CHECKED_MAX) {
            cells.clear();
            cells.extend(test.input.iter().filter_map(|value| match value {
                Value::Cell(cell) => Some(*cell),
                _ => None,
            }));
            let fits = cells.len() == self.types.len() && cells.len() == test.input.len();
            if !fits || list.marks.tests[index].is_bad {
                continue;
            }
            if hold(index, Row { cells: &cells, types: self.types }, test)
                == Err(Halt::Unusable(Reason::Steps))
            {
                return;
            }
        }
    }
}

fn shown_cell(cell: Cell, ty: CellType) -> String {
    if ty == CellType::Uint { (cell as u64).to_string() } else { cell.to_string() }
}
