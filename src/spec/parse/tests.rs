//! Test cases and their values. Of each value the position and the kind are kept in one number, for the checks at the
//! end.

use super::Builder;
use crate::model::{Cell, FALSE, TRUE, TestCase, Value, Values};
use crate::spec::codes;
use crate::spec::fields::{FieldSet, SpecField, TestField};
use crate::spec::finding::{Finding, Span};
use crate::spec::json::{Kind, Literal, Number, Reader, Step, shown, whole_value};

/// What a value was in the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ValueKind {
    /// A number that fits a signed cell.
    Int = 0,
    /// A number that fits an unsigned cell only.
    Big = 1,
    /// `true` or `false`.
    Flag = 2,
    /// A string.
    Str = 3,
    /// An array.
    Cells = 4,
    /// Something wrong that has been told already.
    Bad = 5,
}

/// The position of a value in the text, and its kind in the highest four bits.
#[derive(Clone, Copy, Debug)]
pub struct ValueMark(u32);

const KIND_SHIFT: u32 = 28;
const _: () = assert!(super::RECORD_BYTES_MAX <= 1 << KIND_SHIFT);

impl ValueMark {
    fn new(pos: usize, kind: ValueKind) -> Self {
        Self(pos as u32 | (kind as u32) << KIND_SHIFT)
    }

    /// Where the value begins.
    pub fn pos(self) -> usize {
        (self.0 & ((1 << KIND_SHIFT) - 1)) as usize
    }

    /// What it was.
    pub fn kind(self) -> ValueKind {
        match self.0 >> KIND_SHIFT {
            0 => ValueKind::Int,
            1 => ValueKind::Big,
            2 => ValueKind::Flag,
            3 => ValueKind::Str,
            4 => ValueKind::Cells,
            _ => ValueKind::Bad,
        }
    }
}

/// Where the parts of a test stand.
#[derive(Clone, Copy, Debug, Default)]
pub struct TestMark {
    /// Its opening bracket.
    pub start: u32,
    /// The opening bracket of its input; 0 where there is none.
    pub input: u32,
    /// The opening bracket of its output; 0 where there is none.
    pub output: u32,
    /// The value of `throws`; 0 where there is none.
    pub throws: u32,
    /// The rank of its first input value among the values.
    pub first_input: u32,
    /// The rank of its first output value among the values.
    pub first_output: u32,
    /// Something about it has been told already.
    pub is_bad: bool,
}

/// Positions of all tests of one list.
#[derive(Debug, Default)]
pub struct Marks {
    /// The tests.
    pub tests: Vec<TestMark>,
    /// Their values.
    pub values: Vec<ValueMark>,
    /// Some value is not a plain number that fits a signed cell.
    pub has_odd: bool,
}

impl Marks {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.tests.clear();
        self.values.clear();
        self.has_odd = false;
    }
}

type Pick = fn(&mut super::Scratch) -> &mut Marks;

impl Builder<'_, '_> {
    pub(super) fn tests(&mut self, field: SpecField, pick: Pick) -> Step<Vec<TestCase>> {
        let mut tests = Vec::new();
        if !self.enter(field, Kind::Array)? {
            return Ok(tests);
        }
        let mut first = true;
        while self.reader.next_element(&mut first)? {
            let start = self.reader.pos();
            if !self.plain_test(pick, &mut tests) {
                if self.reader.kind() != Kind::Object {
                    self.not_a_test(field)?;
                    continue;
                }
                let test = self.test(field, pick)?;
                tests.push(test);
            }
            if tests.len() == 1 {
                // As many as there may be, if the others are as long as the first.
                let n_left = (self.reader.text().len() - start) / (self.reader.pos() - start);
                tests.reserve_exact(n_left.clamp(1, 256));
            }
        }
        Ok(tests)
    }

    /// Reads a test as nearly all are written, `{"input":[1,2],"output":[3]}` with at most one blank after each colon and
    /// comma; any other test is left to [`Builder::test`]. This is half of the reading time of a typical corpus.
    #[inline(always)]
    fn plain_test(&mut self, pick: Pick, tests: &mut Vec<TestCase>) -> bool {
        let Self { reader, scratch, .. } = self;
        let marks = pick(scratch);
        let (start, n_values) = (reader.pos(), marks.values.len());
        let is_plain = plain_sides(reader, marks, tests);
        if !is_plain {
            reader.back_to(start);
            marks.values.truncate(n_values);
        }
        is_plain
    }

    #[cold]
    fn not_a_test(&mut self, field: SpecField) -> Step<()> {
        let (start, kind) = (self.reader.pos(), self.reader.kind());
        self.reader.skip()?;
        let span = Span::new(start, self.reader.pos());
        self.reader.log.add(|| {
            let row = &SpecField::ROWS[field.index()];
            Finding::error(
                codes::WRONG_TYPE,
                span,
                format!("\"{}\" holds objects, here is {}", row.name, kind.name()),
            )
            .suggest(format!("for example {}", row.example))
        });
        Ok(())
    }

    #[inline]
    fn test(&mut self, inside: SpecField, pick: Pick) -> Step<TestCase> {
        let mut test = TestCase::default();
        let mut mark = TestMark { start: self.reader.pos() as u32, ..TestMark::default() };
        let n_before = self.reader.log.findings.len();
        self.object::<TestField>(Some(inside), |this, field| {
            let start = this.reader.pos() as u32;
            match field {
                TestField::Input => {
                    mark.input = start;
                    mark.first_input = pick(this.scratch).values.len() as u32;
                    test.input = this.values(field, pick)?;
                }
                TestField::Output => {
                    if this.reader.byte() != b'n' {
                        mark.output = start;
                    }
                    mark.first_output = pick(this.scratch).values.len() as u32;
                    test.output = this.values(field, pick)?;
                }
                TestField::Throws => {
                    test.throws = this.throws()?;
                    if test.throws.is_some() {
                        mark.throws = start;
                    }
                }
                TestField::Prints => test.prints = this.text(field)?,
                TestField::Description => test.description = this.text(field)?,
                TestField::Tags => test.tags = this.texts(field)?,
            }
            Ok(())
        })?;
        mark.is_bad = self.reader.log.findings.len() > n_before || self.reader.log.n_dropped > 0;
        pick(self.scratch).tests.push(mark);
        Ok(test)
    }

    #[inline(always)]
    fn values(&mut self, field: TestField, pick: Pick) -> Step<Values> {
        if !self.enter(field, Kind::Array)? {
            return Ok(Values::new());
        }
        let mut values = Values::new();
        let mut first = true;
        while self.reader.next_element(&mut first)? {
            let start = self.reader.pos();
            let (value, kind) = match self.reader.byte() {
                b'0'..=b'9' | b'-' => match self.reader.number() {
                    Number::Int(value) => (Value::Cell(value), ValueKind::Int),
                    other => self.odd_number(start, other),
                },
                _ => self.other_value(field)?,
            };
            let marks = pick(self.scratch);
            marks.has_odd |= kind != ValueKind::Int;
            marks.values.push(ValueMark::new(start, kind));
            values.push(value);
        }
        Ok(values)
    }

    #[cold]
    fn odd_number(&mut self, start: usize, number: Number) -> (Value, ValueKind) {
        match self.cell_of(start, number) {
            Some((cell, kind)) => (Value::Cell(cell), kind),
            None => (Value::Cell(0), ValueKind::Bad),
        }
    }

    /// A number as a cell by its bits; what is not a cell is told.
    fn cell_of(&mut self, start: usize, number: Number) -> Option<(Cell, ValueKind)> {
        let span = Span::new(start, self.reader.pos());
        let token = &self.reader.text()[start..self.reader.pos()];
        match number {
            Number::Int(value) => return Some((value, ValueKind::Int)),
            Number::Big(value) => return Some((value as Cell, ValueKind::Big)),
            Number::Huge => self.reader.log.add(|| {
                Finding::error(codes::OUT_OF_RANGE, span, format!("{} does not fit 64 bits", shown(token)))
                    .suggest("a cell goes from -9223372036854775808 to 18446744073709551615, the upper half as uint")
            }),
            Number::Float => self.reader.log.add(|| {
                let finding =
                    Finding::error(codes::NOT_WHOLE, span, format!("{} is written with a point or an exponent", shown(token)));
                match whole_value(token) {
                    Some(whole) => finding.suggest(format!("write {whole}")),
                    None => finding.suggest("cells are whole numbers"),
                }
            }),
            Number::Bad => {}
        }
        None
    }

    #[cold]
    fn other_value(&mut self, field: TestField) -> Step<(Value, ValueKind)> {
        let (start, kind) = (self.reader.pos(), self.reader.kind());
        match kind {
            Kind::String => {
                let text = if self.reader.byte() == b'"' {
                    self.reader.string()?
                } else {
                    self.reader.single_quoted()?
                };
                return Ok((Value::Str(text.into_owned()), ValueKind::Str));
            }
            Kind::Array => return self.cells(),
            Kind::Word => match self.reader.literal() {
                Literal::True => return Ok((Value::Cell(TRUE), ValueKind::Flag)),
                Literal::False => return Ok((Value::Cell(FALSE), ValueKind::Flag)),
                Literal::Bad => return Ok((Value::Cell(0), ValueKind::Bad)),
                Literal::Null => {}
            },
            Kind::Number => {
                let number = self.reader.number();
                return Ok(self.odd_number(start, number));
            }
            Kind::Object => self.reader.skip()?,
            Kind::Other => return Err(self.reader.unexpected("a stack value")),
        }
        let span = Span::new(start, self.reader.pos());
        self.reader.log.add(|| {
            let found = if kind == Kind::Word { "null" } else { kind.name() };
            let name = TestField::ROWS[field.index()].name;
            Finding::error(codes::WRONG_TYPE, span, format!("\"{name}\" holds stack values, here is {found}"))
                .suggest("a stack value is a number, true, false, a string, or an array of numbers")
        });
        Ok((Value::Cell(0), ValueKind::Bad))
    }

    fn cells(&mut self) -> Step<(Value, ValueKind)> {
        self.reader.open()?;
        let mut cells = Vec::new();
        let mut first = true;
        while self.reader.next_element(&mut first)? {
            let start = self.reader.pos();
            let cell = match self.reader.kind() {
                Kind::Number => {
                    let number = self.reader.number();
                    self.cell_of(start, number).map(|(cell, _)| cell)
                }
                Kind::Word => match self.reader.literal() {
                    Literal::True => Some(TRUE),
                    Literal::False => Some(FALSE),
                    Literal::Bad => None,
                    Literal::Null => self.not_a_cell(start, "null"),
                },
                kind => {
                    self.reader.skip()?;
                    self.not_a_cell(start, kind.name())
                }
            };
            cells.push(cell.unwrap_or(0));
        }
        Ok((Value::Cells(cells), ValueKind::Cells))
    }

    fn not_a_cell(&mut self, start: usize, found: &str) -> Option<Cell> {
        let span = Span::new(start, self.reader.pos());
        self.reader.log.add(|| {
            Finding::error(
                codes::WRONG_TYPE,
                span,
                format!("an array of cells holds numbers, here is {found}"),
            )
            .suggest("strings and arrays stand in \"input\" and \"output\" directly")
        });
        None
    }

    #[cold]
    fn throws(&mut self) -> Step<Option<Cell>> {
        let start = self.reader.pos();
        if !self.expect(TestField::Throws, Kind::Number)? {
            return Ok(None);
        }
        let number = self.reader.number();
        let code = match self.cell_of(start, number) {
            Some((code, ValueKind::Int)) => code,
            Some(_) => {
                let span = Span::new(start, self.reader.pos());
                self.reader.log.add(|| {
                    Finding::error(codes::OUT_OF_RANGE, span, "an exception code is a signed 64-bit number")
                });
                return Ok(None);
            }
            None => return Ok(None),
        };
        if code == 0 {
            let span = Span::new(start, self.reader.pos());
            self.reader.log.add(|| {
                Finding::error(codes::BAD_THROWS, span, "0 is not an exception: 0 THROW does nothing")
                    .suggest("leave \"throws\" out and give the output")
            });
        }
        Ok(Some(code))
    }
}

/// Reads a plain test; `false` where it is none, with the reader and the values left anywhere.
#[inline(always)]
fn plain_sides(reader: &mut Reader<'_>, marks: &mut Marks, tests: &mut Vec<TestCase>) -> bool {
    let start = reader.pos() as u32;
    let first_input = marks.values.len() as u32;
    if !(reader.eat(b"{\"input\":[") || reader.eat(b"{\"input\": [")) {
        return false;
    }
    let input_at = reader.pos() as u32 - 1;
    let Some(input) = plain_values(reader, marks) else {
        return false;
    };
    let first_output = marks.values.len() as u32;
    if !(reader.eat(b",\"output\":[") || reader.eat(b", \"output\": [")) {
        return false;
    }
    let output_at = reader.pos() as u32 - 1;
    let Some(output) = plain_values(reader, marks) else {
        return false;
    };
    if !reader.eat(b"}") {
        return false;
    }
    let (throws, is_bad) = (0, false);
    marks.tests.push(TestMark {
        start,
        input: input_at,
        output: output_at,
        throws,
        first_input,
        first_output,
        is_bad,
    });
    tests.push(TestCase { description: None, input, output, throws: None, prints: None, tags: Vec::new() });
    true
}

/// Plain numbers up to the closing bracket.
#[inline(always)]
fn plain_values(reader: &mut Reader<'_>, marks: &mut Marks) -> Option<Values> {
    let first = plain_value(reader, marks)?;
    if reader.eat(b"]") {
        return Some(Values::from_buf([first]));
    }
    more_values(first, reader, marks)
}

#[inline(never)]
fn more_values(first: Value, reader: &mut Reader<'_>, marks: &mut Marks) -> Option<Values> {
    let mut values = Values::from_buf([first]);
    while reader.eat(b",") {
        reader.eat(b" ");
        values.push(plain_value(reader, marks)?);
    }
    reader.eat(b"]").then_some(values)
}

#[inline(always)]
fn plain_value(reader: &mut Reader<'_>, marks: &mut Marks) -> Option<Value> {
    let mark = ValueMark::new(reader.pos(), ValueKind::Int);
    let value = Value::Cell(reader.plain_int()?);
    marks.values.push(mark);
    Some(value)
}
