//! From an owned specification to the four pools: the only place that writes records.
//!
//! A [`Fragment`] is packed by one thread and appended to others by copying: within a record every reference is relative
//! to the record's own cold bytes and lanes, so that only three numbers of its hot part move.

use super::canonical;
use super::codes;
use super::layout::*;
use super::wire::{ListScratch, put_list, put_opt_str, put_signed, put_str, put_varint};
use crate::model::{Cell, Diagnostic, Lane, Param, Severity, Spec, TestCase, Value};

/// A record to be written. `spec` is `None` if and only if the entry cannot be run.
#[derive(Clone, Copy)]
pub(super) struct Draft<'a> {
    /// Line in the source file.
    pub line: u32,
    /// The word, as far as it could be read.
    pub word: Option<&'a str>,
    /// The specification.
    pub spec: Option<&'a Spec>,
    /// What was found.
    pub diagnostics: &'a [Diagnostic],
}

/// The names by which diagnostics refer to files. They are written as references, so that a source can be renamed.
#[derive(Clone, Copy, Default)]
pub(super) struct FileNames<'a> {
    /// The source's own name.
    pub own: &'a str,
    /// The name of its held-out file.
    pub heldout: Option<&'a str>,
}

/// How a diagnostic refers to its file.
pub(super) mod file_tag {
    /// It has none.
    pub const NONE: u8 = 0;
    /// The source of the record.
    pub const OWN: u8 = 1;
    /// The held-out file of that source.
    pub const HELDOUT: u8 = 2;
    /// Another, whose name follows.
    pub const OTHER: u8 = 3;
}

/// Longest cold part of a record. What is larger becomes an invalid record: segments stay addressable with 32 bits.
const COLD_MAX: usize = 1 << 28;
/// Most lanes of a record (1 GiB).
const LANES_MAX: usize = 1 << 24;

/// Packed records that belong together.
#[derive(Default)]
pub(super) struct Fragment {
    /// The pools.
    pub pools: Segment,
    /// For each record, what the generation's hash covers.
    pub digests: Vec<[u8; 32]>,
}

impl Fragment {
    /// How many records there are.
    pub(super) fn len(&self) -> usize {
        self.pools.hot.len()
    }

    /// Bytes of payload, as near as matters for bounding a segment.
    pub(super) fn bytes(&self) -> usize {
        self.len() * (size_of::<Hot>() + size_of::<Key>())
            + self.pools.lanes.len() * 64
            + self.pools.text.len()
    }
}

impl Segment {
    /// Appends record `i` of `from`, whose lanes and cold bytes are copied as they are.
    pub(super) fn append(&mut self, key: Key, hot: Hot, lanes: impl Iterator<Item = Lanes>, cold: &[u8]) {
        self.keys.push(key);
        self.hot.push(Hot { cold: self.text.len() as u32, lanes: self.lanes.len() as u32, ..hot });
        self.lanes.extend(lanes);
        self.text.extend_from_slice(cold);
    }

    /// Appends records `from..to` of another set of pools.
    pub(super) fn append_range(&mut self, other: &Segment, from: usize, to: usize) {
        for (hot, key) in other.hot[from..to].iter().zip(&other.keys[from..to]) {
            let lanes = &other.lanes[hot.lanes as usize..][..hot.n_lanes as usize];
            let cold = &other.text[hot.cold as usize..][..hot.cold_len as usize];
            self.append(*key, *hot, lanes.iter().copied(), cold);
        }
    }

    /// Bytes of record `i`.
    pub(super) fn bytes_of(&self, i: usize) -> usize {
        let hot = &self.hot[i];
        size_of::<Hot>() + size_of::<Key>() + hot.n_lanes as usize * 64 + hot.cold_len as usize
    }
}

/// Packs records one after the other; the buffers are kept between records.
#[derive(Default)]
pub(super) struct Packer {
    fragment: Fragment,
    list: ListScratch,
    sections: Vec<u8>,
    ends: Vec<u32>,
    scratch: Vec<u8>,
}

impl Packer {
    /// What was packed.
    pub(super) fn finish(self) -> Fragment {
        self.fragment
    }

    /// How many bytes were packed so far.
    pub(super) fn bytes(&self) -> usize {
        self.fragment.bytes()
    }

    /// Packs a record. One that is too large for the format is packed as an invalid one that says so.
    pub(super) fn push(&mut self, draft: Draft<'_>, names: FileNames<'_>) {
        if draft.spec.is_none_or(fits) && self.try_push(draft, names) {
            return;
        }
        let note =
            Diagnostic::new(codes::TOO_LARGE, Severity::Error, "the record is too large for the archive")
                .at(Some(names.own), crate::model::Place { line: draft.line, column: 1, width: 1 })
                .suggest("split the test cases over several specifications");
        let word = draft.word.filter(|word| word.len() < COLD_MAX);
        let small = Draft { line: draft.line, word, spec: None, diagnostics: &[note] };
        assert!(self.try_push(small, names), "an invalid record is small");
    }

    /// Packs a record, or changes nothing and says no if it is too large.
    fn try_push(&mut self, draft: Draft<'_>, names: FileNames<'_>) -> bool {
        let pools = &mut self.fragment.pools;
        let (text_mark, lanes_mark) = (pools.text.len(), pools.lanes.len());
        let mut hot = Hot {
            cold: text_mark as u32,
            lanes: lanes_mark as u32,
            line: draft.line,
            cold_len: 0,
            n_lanes: 0,
            tests: 0,
            heldout: 0,
            n_in: 0,
            n_out: 0,
            present: 0,
            flags: 0,
            word_len: NO_WORD,
            word: [0; WORD_MAX],
        };
        self.sections.clear();
        self.ends.clear();
        let content = match draft.spec {
            Some(spec) => canonical::content_hash(spec, &mut self.scratch),
            None => canonical::invalid_hash(draft.word, draft.diagnostics, &mut self.scratch),
        };
        let heldout = match draft.spec {
            Some(spec) => canonical::heldout_hash(&spec.heldout, &mut self.scratch),
            None => canonical::NO_HELDOUT,
        };
        self.put_word(&mut hot, draft.word);
        if let Some(spec) = draft.spec {
            hot.flags |= flags::VALID;
            self.put_spec(&mut hot, spec);
        }
        if !draft.diagnostics.is_empty() {
            self.section(&mut hot, Section::Diagnostics, |list, out| {
                put_list(out, list, draft.diagnostics.len(), |i, out| {
                    put_diagnostic(out, &draft.diagnostics[i], names)
                })
            });
        }
        if heldout != canonical::NO_HELDOUT {
            self.section(&mut hot, Section::HeldoutHash, |_, out| out.extend_from_slice(&heldout));
        }
        self.put_cold();
        let pools = &mut self.fragment.pools;
        let (cold_len, n_lanes) = (pools.text.len() - text_mark, pools.lanes.len() - lanes_mark);
        if cold_len > COLD_MAX || n_lanes > LANES_MAX {
            pools.text.truncate(text_mark);
            pools.lanes.truncate(lanes_mark);
            return false;
        }
        (hot.cold_len, hot.n_lanes) = (cold_len as u32, n_lanes as u32);
        pools.keys.push(Key { content, word: draft.word.map_or(0, canonical::word_hash) });
        pools.hot.push(hot);
        self.fragment.digests.push(digest(&content, &heldout, &draft, names, &mut self.scratch));
        true
    }

    fn put_word(&mut self, hot: &mut Hot, word: Option<&str>) {
        match word {
            None => {}
            Some(word) if word.len() <= WORD_MAX => {
                hot.word_len = word.len() as u8;
                hot.word[..word.len()].copy_from_slice(word.as_bytes());
            }
            Some(word) => {
                hot.word_len = WORD_IN_COLD;
                self.section(hot, Section::Word, |_, out| out.extend_from_slice(word.as_bytes()));
            }
        }
    }

    /// Writes the sections of a specification, in the order of [`Section`], and its lanes.
    fn put_spec(&mut self, hot: &mut Hot, spec: &Spec) {
        (hot.n_in, hot.n_out) = (spec.inputs.len() as u16, spec.outputs.len() as u16);
        (hot.tests, hot.heldout) = (spec.tests.len() as u32, spec.heldout.len() as u32);
        if spec.inputs.len() + spec.outputs.len() > 0 {
            self.section(hot, Section::Signature, |list, out| {
                put_list(out, list, spec.inputs.len() + spec.outputs.len(), |i, out| {
                    put_param(out, spec.inputs.get(i).unwrap_or_else(|| &spec.outputs[i - spec.inputs.len()]))
                })
            });
        }
        self.put_text(hot, Section::Code, spec.code.as_deref());
        self.put_text(hot, Section::Pattern, spec.pattern.as_deref());
        let lanes_start = hot.lanes as usize;
        if is_plain(&spec.tests, spec) {
            hot.flags |= flags::PLAIN_TESTS;
            put_columns(&mut self.fragment.pools.lanes, &spec.tests, spec);
        }
        if is_plain(&spec.heldout, spec) {
            hot.flags |= flags::PLAIN_HELDOUT;
            put_columns(&mut self.fragment.pools.lanes, &spec.heldout, spec);
        }
        self.put_tests(
            hot,
            &spec.tests,
            [Section::Tests, Section::TestsMeta],
            flags::PLAIN_TESTS,
            lanes_start,
        );
        self.put_tests(
            hot,
            &spec.heldout,
            [Section::Heldout, Section::HeldoutMeta],
            flags::PLAIN_HELDOUT,
            lanes_start,
        );
        self.put_strings(hot, Section::Properties, &spec.properties);
        self.put_strings(hot, Section::Uses, &spec.uses);
        self.put_strings(hot, Section::Hints, &spec.hints);
        self.put_strings(hot, Section::Tags, &spec.metadata.tags);
        self.put_text(hot, Section::Description, spec.description.as_deref());
        let origin = [
            &spec.complexity.time,
            &spec.complexity.space,
            &spec.metadata.author,
            &spec.metadata.version,
            &spec.metadata.created,
        ];
        if origin.iter().any(|text| text.is_some()) {
            self.section(hot, Section::Origin, |_, out| {
                origin.iter().for_each(|text| put_opt_str(out, text.as_deref()))
            });
        }
    }

    fn put_tests(
        &mut self,
        hot: &mut Hot,
        tests: &[TestCase],
        [rich, meta]: [Section; 2],
        plain: u16,
        lanes_start: usize,
    ) {
        if hot.flags & plain == 0 {
            let mut lanes = std::mem::take(&mut self.fragment.pools.lanes);
            self.section(hot, rich, |list, out| {
                put_list(out, list, tests.len(), |i, out| put_case(out, &tests[i], &mut lanes, lanes_start))
            });
            self.fragment.pools.lanes = lanes;
        }
        if tests.iter().any(|test| test.description.is_some() || !test.tags.is_empty()) {
            self.section(hot, meta, |list, out| {
                put_list(out, list, tests.len(), |i, out| put_case_meta(out, &tests[i]))
            });
        }
    }

    fn put_strings(&mut self, hot: &mut Hot, section: Section, strings: &[String]) {
        if !strings.is_empty() {
            self.section(hot, section, |list, out| {
                put_list(out, list, strings.len(), |i, out| out.extend_from_slice(strings[i].as_bytes()))
            });
        }
    }

    fn put_text(&mut self, hot: &mut Hot, section: Section, text: Option<&str>) {
        if let Some(text) = text {
            self.section(hot, section, |_, out| out.extend_from_slice(text.as_bytes()));
        }
    }

    fn section(
        &mut self,
        hot: &mut Hot,
        section: Section,
        write: impl FnOnce(&mut ListScratch, &mut Vec<u8>),
    ) {
        let bit = 1 << section as u16;
        assert!(hot.present < bit, "sections are written in order, each once");
        hot.present |= bit;
        write(&mut self.list, &mut self.sections);
        self.ends.push(self.sections.len() as u32);
    }

    /// The table of ends, then the sections.
    fn put_cold(&mut self) {
        let text = &mut self.fragment.pools.text;
        let width = section_width(self.ends.len(), self.sections.len());
        for end in &self.ends {
            text.extend_from_slice(&end.to_le_bytes()[..width]);
        }
        text.extend_from_slice(&self.sections);
    }
}

/// Bytes of an end in the table of sections: known from the whole length alone.
fn section_width(n: usize, body: usize) -> usize {
    if n * 2 + body < 1 << 16 { 2 } else { 4 }
}

/// Whether the counts fit the fields of the hot part.
fn fits(spec: &Spec) -> bool {
    let small = |n: usize| n <= u16::MAX as usize;
    let tests = |n: usize| n <= LANES_MAX;
    small(spec.inputs.len())
        && small(spec.outputs.len())
        && tests(spec.tests.len())
        && tests(spec.heldout.len())
}

/// Whether every case has one cell a parameter, and none throws or says what is printed.
fn is_plain(tests: &[TestCase], spec: &Spec) -> bool {
    let cells = |values: &[Value]| values.iter().all(|value| matches!(value, Value::Cell(_)));
    tests.iter().all(|test| {
        test.throws.is_none()
            && test.prints.is_none()
            && test.input.len() == spec.inputs.len()
            && test.output.len() == spec.outputs.len()
            && cells(&test.input)
            && cells(&test.output)
    })
}

/// Column by column, eight tests a lane; the last lane of a column repeats the last test.
fn put_columns(lanes: &mut Vec<Lanes>, tests: &[TestCase], spec: &Spec) {
    let cell = |value: &Value| match value {
        Value::Cell(cell) => *cell,
        _ => unreachable!("the tests are plain"),
    };
    let mut column = |of: &dyn Fn(&TestCase) -> Cell| {
        lanes.extend(tests.chunks(8).map(|chunk| {
            let last = chunk.len() - 1;
            Lanes(std::array::from_fn(|i| of(&chunk[i.min(last)])))
        }));
    };
    (0..spec.inputs.len()).for_each(|p| column(&|test| cell(&test.input[p])));
    (0..spec.outputs.len()).for_each(|p| column(&|test| cell(&test.output[p])));
}

fn put_param(out: &mut Vec<u8>, param: &Param) {
    out.push(param.ty as u8);
    put_str(out, &param.name);
    put_opt_str(out, param.constraint.as_deref());
    put_opt_str(out, param.value.as_deref());
}

fn put_case(out: &mut Vec<u8>, test: &TestCase, lanes: &mut Vec<Lanes>, lanes_start: usize) {
    put_answer(out, test);
    for values in [&test.input, &test.output] {
        put_varint(out, values.len() as u64);
        for value in values {
            put_value(out, value, lanes, lanes_start);
        }
    }
}

/// What a case demands beside its outputs: a byte of [`answer_bits`], then what they announce. Part of the archive and of the
/// canonical content.
pub(super) fn put_answer(out: &mut Vec<u8>, test: &TestCase) {
    let throws = if test.throws.is_some() { answer_bits::THROWS } else { 0 };
    let prints = if test.prints.is_some() { answer_bits::PRINTS } else { 0 };
    out.push(throws | prints);
    if let Some(code) = test.throws {
        put_signed(out, code);
    }
    if let Some(text) = &test.prints {
        put_str(out, text);
    }
}

/// What follows the first byte of a case.
pub(super) mod answer_bits {
    /// An exception code.
    pub const THROWS: u8 = 1;
    /// The text that is printed.
    pub const PRINTS: u8 = 2;
    /// All that exist.
    pub const ALL: u8 = 3;
}

/// An array of cells is put into lanes, so that it can be borrowed as cells.
fn put_value(out: &mut Vec<u8>, value: &Value, lanes: &mut Vec<Lanes>, lanes_start: usize) {
    match value {
        Value::Cell(cell) => {
            out.push(value_tag::CELL);
            put_signed(out, *cell);
        }
        Value::Str(text) => {
            out.push(value_tag::STR);
            put_str(out, text);
        }
        Value::Cells(cells) => {
            out.push(value_tag::CELLS);
            put_varint(out, (lanes.len() - lanes_start) as u64);
            put_varint(out, cells.len() as u64);
            lanes.extend(cells.chunks(8).map(|chunk| {
                let mut lane: Lane = [0; 8];
                lane[..chunk.len()].copy_from_slice(chunk);
                Lanes(lane)
            }));
        }
    }
}

/// The kinds of values of a test case that is not plain.
pub(super) mod value_tag {
    /// A signed number follows.
    pub const CELL: u8 = 0;
    /// A string follows.
    pub const STR: u8 = 1;
    /// First lane (of the record) and number of cells follow.
    pub const CELLS: u8 = 2;
}

/// Description, then tags to the end of the item: a known one is a byte, another a zero byte and its text.
fn put_case_meta(out: &mut Vec<u8>, test: &TestCase) {
    put_opt_str(out, test.description.as_deref());
    for tag in &test.tags {
        match KNOWN_TAGS.iter().position(|known| known == tag) {
            Some(i) => out.push(i as u8 + 1),
            None => {
                out.push(0);
                put_str(out, tag);
            }
        }
    }
}

fn put_diagnostic(out: &mut Vec<u8>, diagnostic: &Diagnostic, names: FileNames<'_>) {
    put_varint(out, diagnostic.code.0 as u64);
    out.push(diagnostic.severity as u8);
    put_str(out, &diagnostic.message);
    match diagnostic.file.as_deref() {
        None => out.push(file_tag::NONE),
        Some(file) if file == names.own => out.push(file_tag::OWN),
        Some(file) if Some(file) == names.heldout => out.push(file_tag::HELDOUT),
        Some(file) => {
            out.push(file_tag::OTHER);
            put_str(out, file);
        }
    }
    let place = diagnostic.place;
    [place.line, place.column, place.width].iter().for_each(|&n| put_varint(out, n as u64));
    put_opt_str(out, diagnostic.suggestion.as_deref());
    put_opt_str(out, diagnostic.source.as_ref().map(|(text, _)| text.as_str()));
    put_varint(out, diagnostic.source.as_ref().map_or(0, |(_, column)| *column as u64));
}

/// What the hash of a generation covers of a record, so that it does not depend on how records lie in segments.
fn digest(
    content: &[u8; 32],
    heldout: &[u8; 32],
    draft: &Draft<'_>,
    names: FileNames<'_>,
    scratch: &mut Vec<u8>,
) -> [u8; 32] {
    scratch.clear();
    scratch.extend_from_slice(content);
    scratch.extend_from_slice(heldout);
    put_varint(scratch, draft.line as u64);
    draft.diagnostics.iter().for_each(|diagnostic| put_diagnostic(scratch, diagnostic, names));
    *blake3::hash(scratch).as_bytes()
}
