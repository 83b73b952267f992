//! The test cases of a record, borrowed: as columns of lanes where every value is one cell, else case by case.

use super::cold::{self, Answer, Cold, ValueView};
use super::layout::{Section, lanes_for};
use super::mmap::Proven;
use super::view::must;
use super::wire::Reader;
use crate::model::{Cell, Lane, TestCase, Value};

/// In which sections the cases and their descriptions stand.
#[derive(Clone, Copy)]
pub(super) struct TestsWire {
    pub rich: Section,
    pub meta: Section,
}

/// The tests of a record, or its held-out tests. Copied freely.
#[derive(Clone, Copy)]
pub struct Tests<'c> {
    pub(super) count: u32,
    pub(super) n_in: u16,
    pub(super) n_out: u16,
    pub(super) plain: bool,
    pub(super) first_lane: u32,
    pub(super) lanes: &'c [Lane],
    pub(super) cold: Cold<'c, Proven>,
    pub(super) wire: TestsWire,
}

impl<'c> Tests<'c> {
    /// How many tests there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether every value of every test is one cell, and none throws or says what is printed: then the lanes and [`Tests::input`] may be used.
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.plain
    }

    /// Column of input `param`, eight tests a lane; what is left over in the last lane repeats the last test.
    ///
    /// # Panics
    /// If the tests are not plain or there is no such input.
    #[inline]
    pub fn input_lanes(&self, param: usize) -> &'c [Lane] {
        assert!(param < self.n_in as usize, "input {param} of {}", self.n_in);
        self.column(param)
    }

    /// Column of output `param`, like [`Tests::input_lanes`].
    ///
    /// # Panics
    /// If the tests are not plain or there is no such output.
    #[inline]
    pub fn output_lanes(&self, param: usize) -> &'c [Lane] {
        assert!(param < self.n_out as usize, "output {param} of {}", self.n_out);
        self.column(self.n_in as usize + param)
    }

    /// Input `param` of a plain test.
    ///
    /// # Panics
    /// If the tests are not plain or there is no such test or input.
    #[inline]
    pub fn input(&self, test: usize, param: usize) -> Cell {
        assert!(test < self.len(), "test {test} of {}", self.len());
        self.input_lanes(param)[test / 8][test % 8]
    }

    /// Output `param` of a plain test.
    ///
    /// # Panics
    /// If the tests are not plain or there is no such test or output.
    #[inline]
    pub fn output(&self, test: usize, param: usize) -> Cell {
        assert!(test < self.len(), "test {test} of {}", self.len());
        self.output_lanes(param)[test / 8][test % 8]
    }

    /// Any test, plain or not.
    ///
    /// # Panics
    /// If there is no such test.
    pub fn case(&self, test: usize) -> CaseView<'c> {
        assert!(test < self.len(), "test {test} of {}", self.len());
        CaseView { tests: *self, test }
    }

    /// All tests in order.
    pub fn cases(&self) -> impl ExactSizeIterator<Item = CaseView<'c>> + use<'c> {
        let tests = *self;
        (0..self.len()).map(move |test| tests.case(test))
    }

    /// How many lanes the columns fill.
    pub(super) fn n_lanes(&self) -> usize {
        if self.plain { lanes_for(self.len(), self.n_in as usize + self.n_out as usize) } else { 0 }
    }

    /// The tests as owned values.
    pub(super) fn to_cases(self) -> Vec<TestCase> {
        self.cases().map(CaseView::to_case).collect()
    }

    #[inline]
    fn column(&self, column: usize) -> &'c [Lane] {
        assert!(self.plain, "tests with strings, arrays, throws or prints have no lanes");
        let height = self.len().div_ceil(8);
        &self.lanes[self.first_lane as usize + column * height..][..height]
    }
}

/// One test case.
#[derive(Clone, Copy)]
pub struct CaseView<'c> {
    tests: Tests<'c>,
    test: usize,
}

impl<'c> CaseView<'c> {
    /// The stack before, from bottom to top.
    pub fn inputs(&self) -> Values<'c> {
        self.rich().map_or_else(|| self.plain(0, self.tests.n_in), |(_, inputs)| inputs)
    }

    /// The stack after, from bottom to top.
    pub fn outputs(&self) -> Values<'c> {
        match self.rich() {
            None => self.plain(self.tests.n_in, self.tests.n_out),
            Some((_, mut inputs)) => {
                inputs.by_ref().for_each(drop);
                match inputs.0 {
                    Kind::Rich { mut reader, lanes, .. } => {
                        Values(Kind::Rich { left: must(reader.u32()), reader, lanes })
                    }
                    Kind::Plain { .. } => unreachable!("the case is rich"),
                }
            }
        }
    }

    /// The exception code that the word must throw, instead of an output.
    pub fn throws(&self) -> Option<Cell> {
        self.rich().and_then(|(answer, _)| answer.throws)
    }

    /// The text that the word must print; `None` where printing is not looked at.
    pub fn prints(&self) -> Option<&'c str> {
        self.rich().and_then(|(answer, _)| answer.prints)
    }

    /// What it is for.
    pub fn description(&self) -> Option<&'c str> {
        self.meta().and_then(|mut meta| must(meta.opt_str()))
    }

    /// Tags such as `edge_case`.
    pub fn tags(&self) -> impl Iterator<Item = &'c str> + use<'c> {
        let mut meta = self.meta();
        if let Some(meta) = &mut meta {
            must(meta.opt_str());
        }
        std::iter::from_fn(move || match &mut meta {
            Some(meta) if !meta.is_empty() => Some(must(cold::tag(meta))),
            _ => None,
        })
    }

    fn plain(&self, first: u16, count: u16) -> Values<'c> {
        Values(Kind::Plain { tests: self.tests, test: self.test, next: first, end: first + count })
    }

    fn rich(&self) -> Option<(Answer<'c>, Values<'c>)> {
        if self.tests.plain {
            return None;
        }
        let list = must(must(must(self.tests.cold.section(self.tests.wire.rich))).list());
        let mut reader = must(list.get(self.test));
        let answer = must(cold::answer(&mut reader));
        Some((answer, Values(Kind::Rich { left: must(reader.u32()), reader, lanes: self.tests.lanes })))
    }

    fn meta(&self) -> Option<Reader<'c, Proven>> {
        let list = must(must(self.tests.cold.section(self.tests.wire.meta)?).list());
        list.get(self.test)
    }

    fn to_case(self) -> TestCase {
        let owned = |values: Values<'_>| {
            values
                .map(|value| match value {
                    ValueView::Cell(cell) => Value::Cell(cell),
                    ValueView::Str(text) => Value::Str(text.to_owned()),
                    ValueView::Cells(cells) => Value::Cells(cells.to_vec()),
                })
                .collect()
        };
        TestCase {
            description: self.description().map(str::to_owned),
            input: owned(self.inputs()),
            output: owned(self.outputs()),
            throws: self.throws(),
            prints: self.prints().map(str::to_owned),
            tags: self.tags().map(str::to_owned).collect(),
        }
    }
}

/// The values on one side of a test case, from bottom to top.
#[derive(Clone)]
pub struct Values<'c>(Kind<'c>);

#[derive(Clone)]
enum Kind<'c> {
    Plain { tests: Tests<'c>, test: usize, next: u16, end: u16 },
    Rich { reader: Reader<'c, Proven>, left: u32, lanes: &'c [Lane] },
}

impl<'c> Iterator for Values<'c> {
    type Item = ValueView<'c>;

    fn next(&mut self) -> Option<ValueView<'c>> {
        match &mut self.0 {
            Kind::Plain { next, end, .. } if next == end => None,
            Kind::Plain { tests, test, next, .. } => {
                let cell = tests.column(*next as usize)[*test / 8][*test % 8];
                *next += 1;
                Some(ValueView::Cell(cell))
            }
            Kind::Rich { left: 0, .. } => None,
            Kind::Rich { reader, left, lanes } => {
                *left -= 1;
                Some(must(cold::value(reader, lanes)))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match &self.0 {
            Kind::Plain { next, end, .. } => (end - next) as usize,
            Kind::Rich { left, .. } => *left as usize,
        };
        (left, Some(left))
    }
}

impl ExactSizeIterator for Values<'_> {}
