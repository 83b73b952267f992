//! What a run is asked to do. `cli` builds it once, before any thread starts.

use crate::corpus::{Corpus, Record, Tests};
use crate::forth::{self, Limits};
use crate::model::SpecId;
use crate::pipeline::fingerprint::settings_hash;
use crate::synth::{self, frozen::Frozen};
use crate::template::Library;
use crate::validate;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// Options of a run.
#[derive(Clone)]
pub struct Options {
    /// Threads; 0 for one per core.
    pub jobs: usize,
    /// Most bytes that the searches hold together. It bounds how many run at once, and changes no outcome.
    pub memory_max: u64,
    /// The template library.
    pub library: Arc<Library>,
    /// Words verified earlier, to compose over.
    pub frozen: Option<Arc<Frozen>>,
    /// Bounds of the engine.
    pub limits: Limits,
    /// Bounds of the search.
    pub synth: synth::Settings,
    /// Samples and seed.
    pub validate: validate::Settings,
    /// Held-out cases from a file given on the command line, in place of those in the corpus.
    pub heldout: Option<Arc<Heldout>>,
    /// Make held-out cases into tests.
    pub merge_heldout: bool,
    /// The words that others of the corpus use; filled by [`Options::note_used`].
    pub words_used: FxHashSet<SpecId>,
}

impl Options {
    /// The default bounds with a library.
    pub fn new(library: Arc<Library>) -> Self {
        Self {
            jobs: 0,
            memory_max: 2 << 30,
            library,
            frozen: None,
            limits: Limits::default(),
            synth: synth::Settings::default(),
            validate: validate::Settings::default(),
            heldout: None,
            merge_heldout: false,
            words_used: FxHashSet::default(),
        }
    }

    /// How many specifications are worked on at once: as many as there are threads, or as many as fit the memory.
    pub fn n_at_once(&self) -> usize {
        let threads = match self.jobs {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            jobs => jobs,
        };
        let fitting = self.memory_max / self.synth.bytes_max(self.limits.memory_bytes);
        threads.min(usize::try_from(fitting).unwrap_or(usize::MAX)).max(1)
    }

    /// Most bytes of banks that specifications share: what the searches leave of the limit.
    pub fn shared_bytes_max(&self) -> u64 {
        let searches = self.n_at_once() as u64 * self.synth.bytes_max(self.limits.memory_bytes);
        self.memory_max.saturating_sub(searches)
    }

    /// Notes which words of a corpus others use, so that their code is kept while the run lasts.
    pub fn note_used(&mut self, corpus: &Corpus) {
        self.words_used.clear();
        for index in 0..corpus.len() {
            let record = corpus.record(SpecId(index as u32));
            if record.has_uses() {
                self.words_used.extend(record.uses().flat_map(|name| corpus.find(name)));
            }
        }
    }

    /// The held-out cases of a record.
    pub fn heldout_of<'a>(&'a self, record: &Record<'a>) -> Option<Tests<'a>> {
        match &self.heldout {
            None => Some(record.heldout()),
            Some(heldout) => heldout.of(record),
        }
    }

    /// The name of the held-out cases of a record: outcomes are scored again when it changes.
    pub fn heldout_key(&self, record: &Record<'_>) -> u64 {
        let hash = match &self.heldout {
            None => *record.heldout_hash(),
            Some(heldout) => heldout.hash_of(record),
        };
        u64::from_le_bytes(hash[..8].try_into().expect("8 bytes"))
    }

    /// The hash of every setting that an outcome depends on. Threads and held-out cases are not among them, unless these
    /// are merged: then each fingerprint covers them by itself.
    pub fn hash(&self) -> [u8; 32] {
        let limits = &self.limits;
        let limits = [
            limits.fuel,
            limits.stack_cells.into(),
            limits.return_cells.into(),
            limits.memory_bytes.into(),
            limits.output_bytes.into(),
            limits.code_ops.into(),
            limits.dictionary_words.into(),
            limits.source_bytes.into(),
            limits.nesting.into(),
        ];
        let limits: Vec<u8> = limits.iter().flat_map(|limit: &u64| limit.to_le_bytes()).collect();
        settings_hash(&[
            ("engine", &forth::ENGINE_VERSION.to_le_bytes()),
            ("search", &synth::SEARCH_VERSION.to_le_bytes()),
            ("validate", &validate::VALIDATE_VERSION.to_le_bytes()),
            ("templates", &self.library.hash()),
            ("library", &self.frozen.as_ref().map_or([0; 32], |frozen| frozen.hash())),
            ("limits", &limits),
            ("candidates", &self.synth.candidates_max.to_le_bytes()),
            ("length", &(self.synth.length_max as u64).to_le_bytes()),
            ("search fuel", &self.synth.search_fuel.to_le_bytes()),
            ("ignore given", &[u8::from(self.synth.ignore_given)]),
            ("seed", &self.validate.seed.to_le_bytes()),
            ("samples", &self.validate.samples.to_le_bytes()),
            ("merge held-out", &[u8::from(self.merge_heldout)]),
        ])
    }
}

/// Held-out cases from a file of their own, found by word.
pub struct Heldout {
    corpus: Corpus,
    words: FxHashMap<Box<str>, SpecId>,
}

impl Heldout {
    /// Held-out cases are the tests of these records; the first of a word counts.
    pub fn new(corpus: Corpus) -> Self {
        let mut words = FxHashMap::default();
        for index in 0..corpus.len() {
            let id = SpecId(index as u32);
            if let Some(word) = corpus.record(id).word() {
                words.entry(word.into()).or_insert(id);
            }
        }
        Self { corpus, words }
    }

    /// How many words have held-out cases.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    fn record(&self, record: &Record<'_>) -> Option<Record<'_>> {
        self.words.get(record.word()?).map(|id| self.corpus.record(*id))
    }

    fn of(&self, record: &Record<'_>) -> Option<Tests<'_>> {
        self.record(record).map(|found| found.tests())
    }

    /// The hash of all held-out cases.
    pub fn hash(&self) -> [u8; 32] {
        self.corpus.generation()
    }

    fn hash_of(&self, record: &Record<'_>) -> [u8; 32] {
        self.record(record).map_or([0; 32], |found| *found.content_hash())
    }
}
