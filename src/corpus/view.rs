//! A record of the archive, borrowed. Nothing here allocates, except where it says so.

use super::canonical;
use super::cold::{self, Cold, ParamView};
use super::layout::{ArchivedHot, NO_WORD, Section, WORD_IN_COLD, flags};
use super::mmap::Proven;
use super::store::Corpus;
use super::tests_view::{Tests, TestsWire};
use super::wire::{List, Proof, Reader};
use crate::model::{Complexity, Diagnostic, Lane, Metadata, Param, Place, Severity, Spec, SpecId};

/// One input record of a corpus. Copied freely; borrows from the corpus.
#[derive(Clone, Copy)]
pub struct Record<'c> {
    pub(super) corpus: &'c Corpus,
    pub(super) id: SpecId,
    pub(super) source: u32,
    pub(super) hot: &'c ArchivedHot,
    pub(super) content: &'c [u8; 32],
    pub(super) cold: Cold<'c, Proven>,
    pub(super) lanes: &'c [Lane],
}

/// What a proven record cannot lack.
#[inline]
pub(super) fn must<T>(proven: Option<T>) -> T {
    match proven {
        Some(value) => value,
        None => broken(),
    }
}

#[cold]
fn broken() -> ! {
    panic!("a proven record does not hold together: the archive was changed while it was mapped")
}

impl<'c> Record<'c> {
    /// Its rank in the corpus.
    #[inline]
    pub fn id(&self) -> SpecId {
        self.id
    }

    /// The word; `None` where it could not be read.
    #[inline]
    pub fn word(&self) -> Option<&'c str> {
        match self.hot.word_len {
            NO_WORD => None,
            WORD_IN_COLD => self.text(Section::Word),
            len => self.cold.proof().text(&self.hot.word[..len as usize]),
        }
    }

    /// Whether it can be run; if not, [`Record::diagnostics`] says why, and it has neither tests nor parameters.
    #[inline]
    pub fn is_valid(&self) -> bool {
        self.hot.flags.to_native() & flags::VALID != 0
    }

    /// The source file, as the user named it.
    pub fn file(&self) -> &'c str {
        self.corpus.source_name(self.source)
    }

    /// The rank of its source file in corpus order.
    pub fn source(&self) -> usize {
        self.source as usize
    }

    /// The line in the file at which it starts, from 1.
    pub fn line(&self) -> u32 {
        self.hot.line.to_native()
    }

    /// Its position among the records of its file, from 0.
    pub fn index_in_file(&self) -> u32 {
        self.id.0 - self.corpus.first_of(self.source).0
    }

    /// Hash of what it says, independent of path, line, whitespace and key order, and without the held-out cases.
    #[inline]
    pub fn content_hash(&self) -> &'c [u8; 32] {
        self.content
    }

    /// Hash of its held-out cases; zeros when there are none.
    pub fn heldout_hash(&self) -> &'c [u8; 32] {
        match self.section(Section::HeldoutHash) {
            None => &canonical::NO_HELDOUT,
            Some(reader) => must(reader.rest().try_into().ok()),
        }
    }

    /// How many inputs the effect declares.
    #[inline]
    pub fn n_inputs(&self) -> usize {
        self.hot.n_in.to_native() as usize
    }

    /// How many outputs the effect declares.
    #[inline]
    pub fn n_outputs(&self) -> usize {
        self.hot.n_out.to_native() as usize
    }

    /// Input `i`, counted from the bottom of the stack.
    pub fn input(&self, i: usize) -> ParamView<'c> {
        assert!(i < self.n_inputs(), "input {i} of {}", self.n_inputs());
        self.param(i)
    }

    /// Output `i`, counted from the bottom of the stack.
    pub fn output(&self, i: usize) -> ParamView<'c> {
        assert!(i < self.n_outputs(), "output {i} of {}", self.n_outputs());
        self.param(self.n_inputs() + i)
    }

    /// All inputs.
    pub fn inputs(&self) -> impl ExactSizeIterator<Item = ParamView<'c>> + use<'c> {
        let record = *self;
        (0..self.n_inputs()).map(move |i| record.param(i))
    }

    /// All outputs.
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = ParamView<'c>> + use<'c> {
        let record = *self;
        (0..self.n_outputs()).map(move |i| record.param(record.n_inputs() + i))
    }

    fn param(&self, i: usize) -> ParamView<'c> {
        let list = must(must(self.section(Section::Signature)).list());
        must(cold::param(&mut must(list.get(i))))
    }

    /// The tests that the search may see.
    #[inline]
    pub fn tests(&self) -> Tests<'c> {
        self.tests_of(
            self.hot.tests.to_native(),
            0,
            flags::PLAIN_TESTS,
            TestsWire { rich: Section::Tests, meta: Section::TestsMeta },
        )
    }

    /// The tests that are only scored.
    #[inline]
    pub fn heldout(&self) -> Tests<'c> {
        let plain = self.hot.flags.to_native() & flags::PLAIN_TESTS != 0;
        let before = if plain { self.tests().n_lanes() } else { 0 };
        self.tests_of(
            self.hot.heldout.to_native(),
            before,
            flags::PLAIN_HELDOUT,
            TestsWire { rich: Section::Heldout, meta: Section::HeldoutMeta },
        )
    }

    #[inline]
    fn tests_of(&self, count: u32, first_lane: usize, plain: u16, wire: TestsWire) -> Tests<'c> {
        Tests {
            count,
            n_in: self.hot.n_in.to_native(),
            n_out: self.hot.n_out.to_native(),
            plain: self.hot.flags.to_native() & plain != 0,
            first_lane: first_lane as u32,
            lanes: self.lanes,
            cold: self.cold,
            wire,
        }
    }

    /// The code to judge: a body or a whole definition.
    pub fn code(&self) -> Option<&'c str> {
        self.text(Section::Code)
    }

    /// The named pattern.
    pub fn pattern(&self) -> Option<&'c str> {
        self.text(Section::Pattern)
    }

    /// What it does, for people.
    pub fn description(&self) -> Option<&'c str> {
        self.text(Section::Description)
    }

    /// Properties that must hold.
    pub fn properties(&self) -> Texts<'c> {
        self.texts(Section::Properties)
    }

    /// Other words of the corpus that it may call.
    pub fn uses(&self) -> Texts<'c> {
        self.texts(Section::Uses)
    }

    /// Hints for people and templates.
    pub fn hints(&self) -> Texts<'c> {
        self.texts(Section::Hints)
    }

    /// Tags of the specification.
    pub fn tags(&self) -> Texts<'c> {
        self.texts(Section::Tags)
    }

    /// Claimed complexity of time.
    pub fn time_complexity(&self) -> Option<&'c str> {
        self.origin()[0]
    }

    /// Claimed complexity of space.
    pub fn space_complexity(&self) -> Option<&'c str> {
        self.origin()[1]
    }

    /// Who wrote it.
    pub fn author(&self) -> Option<&'c str> {
        self.origin()[2]
    }

    /// Its version.
    pub fn version(&self) -> Option<&'c str> {
        self.origin()[3]
    }

    /// When it was written, as text.
    pub fn created(&self) -> Option<&'c str> {
        self.origin()[4]
    }

    /// Whether it names other words; cheap.
    #[inline]
    pub fn has_uses(&self) -> bool {
        self.cold.has(Section::Uses)
    }

    /// Whether anything was found about it; cheap.
    #[inline]
    pub fn has_diagnostics(&self) -> bool {
        self.cold.has(Section::Diagnostics) || self.is_duplicate()
    }

    /// Whether its word stands more than once in the corpus; cheap.
    #[inline]
    pub fn is_duplicate(&self) -> bool {
        self.corpus.is_duplicate(self.id)
    }

    /// What was found about it, with the warning about a duplicate word last. Allocates; most records have none.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut found = self.own_diagnostics();
        if self.is_duplicate() {
            found.push(self.duplicate_warning());
        }
        found
    }

    /// What was found about it alone.
    pub(super) fn own_diagnostics(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        if let Some(reader) = self.section(Section::Diagnostics) {
            let list = must(reader.list());
            let heldout = self.corpus.heldout_name(self.source);
            found.extend(
                (0..list.len()).map(|i| must(cold::diagnostic(&mut must(list.get(i)), self.file(), heldout))),
            );
        }
        found
    }

    fn duplicate_warning(&self) -> Diagnostic {
        let word = self.word().unwrap_or_default();
        let all = self.corpus.find(word);
        let other = all.iter().map(|&id| self.corpus.record(id)).find(|other| other.id != self.id);
        let also =
            other.map_or(String::new(), |other| format!(", also at {}:{}", other.file(), other.line()));
        let message = format!("the word `{word}` stands {} times in the corpus{also}", all.len());
        let place = Place { line: self.line(), column: 1, width: 1 };
        Diagnostic::new(crate::spec::codes::DUPLICATE_WORD, Severity::Warning, message)
            .at(Some(self.file()), place)
            .suggest("rename or remove all but one")
    }

    /// The specification as an owned value, equal to the one that was packed. For tools and tests; workers have no need of it.
    pub fn to_spec(&self) -> Option<Spec> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let all = |texts: Texts<'_>| texts.map(str::to_owned).collect();
        let params = |param: ParamView<'_>| Param {
            name: param.name.to_owned(),
            ty: param.ty,
            constraint: owned(param.constraint),
            value: owned(param.value),
        };
        self.is_valid().then(|| Spec {
            word: self.word().unwrap_or_default().to_owned(),
            description: owned(self.description()),
            inputs: self.inputs().map(params).collect(),
            outputs: self.outputs().map(params).collect(),
            properties: all(self.properties()),
            tests: self.tests().to_cases(),
            heldout: self.heldout().to_cases(),
            complexity: Complexity {
                time: owned(self.time_complexity()),
                space: owned(self.space_complexity()),
            },
            pattern: owned(self.pattern()),
            hints: all(self.hints()),
            code: owned(self.code()),
            uses: all(self.uses()),
            metadata: Metadata {
                author: owned(self.author()),
                version: owned(self.version()),
                created: owned(self.created()),
                tags: all(self.tags()),
            },
        })
    }

    #[inline]
    fn section(&self, section: Section) -> Option<Reader<'c, Proven>> {
        self.cold.section(section).map(must)
    }

    #[inline]
    fn text(&self, section: Section) -> Option<&'c str> {
        self.section(section).map(|reader| must(reader.text()))
    }

    fn texts(&self, section: Section) -> Texts<'c> {
        Texts { list: self.section(section).map(|reader| must(reader.list())), next: 0 }
    }

    fn origin(&self) -> [Option<&'c str>; 5] {
        match self.section(Section::Origin) {
            None => [None; 5],
            Some(mut reader) => std::array::from_fn(|_| must(reader.opt_str())),
        }
    }
}

impl std::fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Record({} {:?} {}:{})", self.id.0, self.word(), self.file(), self.line())
    }
}

/// Some texts of a record.
#[derive(Clone)]
pub struct Texts<'c> {
    list: Option<List<'c, Proven>>,
    next: usize,
}

impl<'c> Texts<'c> {
    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'c> Iterator for Texts<'c> {
    type Item = &'c str;

    fn next(&mut self) -> Option<&'c str> {
        let item = self.list?.get(self.next)?;
        self.next += 1;
        Some(must(item.text()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.list.map_or(0, |list| list.len()) - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Texts<'_> {}
