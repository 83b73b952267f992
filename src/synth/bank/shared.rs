//! Banks that many specifications look things up in. Specifications with the same inputs, vocabulary and bounds would all bank
//! the same expressions; here that is done once.
//!
//! A shared bank is a cache, never an input. It is built up to the bound that its readers have in common, and then only read. Where
//! each block of candidates ended is known, so that a reader sees exactly the part that it would have banked itself, whatever
//! its own bound is, and finds nothing beyond it. Who gets a shared bank changes no outcome; so memory and chance may
//! decide that.

use super::kernel::Column;
use super::{Bank, Filled, Sizes, View, Vocabulary};
use crate::model::{Sharing, SpecId};
use rustc_hash::FxHashMap;
use std::any::Any;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The hash of all that a bank is made from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Key([u8; 16]);

/// All that a bank is made from.
#[derive(Clone, Copy, Debug)]
pub struct Recipe<'r, const L: usize> {
    /// The values of the inputs on the lanes.
    pub inputs: &'r [Column<L>],
    /// What expressions are made of.
    pub vocabulary: &'r Vocabulary,
    /// Most candidates that any reader banks.
    pub candidates_max: u64,
    /// Most entries.
    pub entries_max: usize,
}

impl<const L: usize> Recipe<'_, L> {
    /// The same for equal recipes.
    pub fn key(&self) -> Key {
        let mut hasher = blake3::Hasher::new();
        let text = format!("{L} {:?} {} {}", self.vocabulary, self.candidates_max, self.entries_max);
        hasher.update(text.as_bytes());
        let cells = self.inputs.iter().flat_map(|column| column.0);
        cells.for_each(|cell| {
            hasher.update(&cell.to_le_bytes());
        });
        Key(hasher.finalize().as_bytes()[..16].try_into().expect("16 bytes"))
    }

    /// Most bytes that the bank takes.
    fn bytes_max(&self) -> u64 {
        let n = self.candidates_max.min(self.entries_max as u64);
        n * (Bank::<L>::ENTRY_BYTES + size_of::<Mark>()) as u64
    }
}

/// The end of a block of candidates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Mark {
    /// Candidates until then.
    pub(super) candidates: u32,
    /// Entries until then.
    pub(super) len: u32,
}

/// A bank that is whole, or was built up to its bound.
pub struct Built<const L: usize> {
    bank: Bank<L>,
    /// The ends of blocks, size by size; each size begins with what is banked before its first block.
    marks: Vec<Mark>,
    /// Where the marks of each size end.
    levels: Vec<usize>,
    /// Whether the last size reached the bound.
    is_cut: bool,
}

impl<const L: usize> Built<L> {
    fn new(recipe: Recipe<'_, L>) -> Self {
        let mut bank = Bank::default();
        bank.start(recipe.inputs, recipe.vocabulary.clone());
        let mut marks = vec![bank.mark()];
        let mut levels = vec![1];
        let mut last_new = 1;
        let is_cut = loop {
            let before = bank.len();
            bank.log = Some(std::mem::take(&mut marks));
            let filled = bank.grow(recipe.candidates_max, recipe.entries_max);
            marks = bank.log.take().expect("it was lent");
            levels.push(marks.len());
            if filled == Filled::Cut {
                break true;
            }
            if bank.len() > before {
                last_new = bank.size();
            } else if bank.size() > 2 * last_new + 4 {
                // No size beyond has anything to compute.
                break false;
            }
        };
        bank.table.shrink();
        Self { bank, marks, levels, is_cut }
    }

    fn bytes(&self) -> u64 {
        (self.bank.bytes() + self.marks.len() * size_of::<Mark>()) as u64
    }
}

/// How far a reader of a shared bank came.
#[derive(Clone, Default)]
struct Cursor {
    sizes: Sizes,
    candidates: u64,
    is_cut: bool,
}

impl Cursor {
    fn start<const L: usize>(&mut self, built: &Built<L>) {
        self.sizes.clear();
        self.sizes.push(built.marks[0].len as usize);
        self.candidates = built.marks[0].candidates.into();
        self.is_cut = false;
    }

    fn grow<const L: usize>(&mut self, built: &Built<L>, candidates_max: u64) -> Filled {
        if self.is_cut {
            return Filled::Cut;
        }
        // Sizes begin at 1.
        let level = self.sizes.size();
        let Some(end) = built.levels.get(level) else {
            assert!(!built.is_cut, "a reader goes beyond the bound that it told");
            self.sizes.push(self.sizes.len());
            return Filled::Whole;
        };
        let marks = &built.marks[built.levels[level - 1]..*end];
        // The first is no block: it is banked whatever the bound.
        let n = marks.partition_point(|mark| u64::from(mark.candidates) <= candidates_max).max(1);
        self.candidates = marks[n - 1].candidates.into();
        self.sizes.push(marks[n - 1].len as usize);
        self.is_cut = n < marks.len() || built.is_cut && level + 1 == built.levels.len();
        if self.is_cut { Filled::Cut } else { Filled::Whole }
    }
}

type Slot<const L: usize> = OnceLock<Built<L>>;

/// A bank to read and grow: one's own, or a part of a shared one.
#[derive(Default)]
pub struct Reader<const L: usize> {
    own: Bank<L>,
    shared: Option<Arc<Slot<L>>>,
    cursor: Cursor,
}

impl<const L: usize> Reader<L> {
    /// Forgets everything and banks the leaves; in a shared bank, if there is one for the recipe.
    pub fn start(&mut self, recipe: Recipe<'_, L>, banks: Option<&SharedBanks>) {
        self.shared = banks.and_then(|banks| banks.lend(recipe));
        match self.shared.as_ref().and_then(|slot| slot.get()) {
            None => self.own.start(recipe.inputs, recipe.vocabulary.clone()),
            Some(built) => self.cursor.start(built),
        }
    }

    fn built(&self) -> Option<&Built<L>> {
        self.shared.as_ref().and_then(|slot| slot.get())
    }

    /// What is banked.
    pub fn view(&self) -> View<'_, L> {
        match self.built() {
            None => self.own.view(),
            Some(built) => View { bank: &built.bank, sizes: &self.cursor.sizes },
        }
    }

    /// Banks the expressions of the next size, as [`Bank::grow`] does.
    pub fn grow(&mut self, candidates_max: u64, entries_max: usize) -> Filled {
        match self.shared.as_ref().and_then(|slot| slot.get()) {
            None => self.own.grow(candidates_max, entries_max),
            Some(built) => self.cursor.grow(built, candidates_max),
        }
    }

    /// How many expressions there were, those included that equal earlier ones.
    pub fn candidates(&self) -> u64 {
        if self.shared.is_some() { self.cursor.candidates } else { self.own.candidates() }
    }

    /// How many bytes of its own it holds.
    pub fn own_bytes(&self) -> usize {
        self.own.bytes()
    }

    /// How many bytes the bank takes.
    pub fn bytes(&self) -> usize {
        self.built().map_or_else(|| self.own.bytes(), |built| built.bytes() as usize)
    }

    /// Gives a shared bank back.
    pub fn give_back(&mut self) {
        self.shared = None;
    }
}

/// The banks of a run, and who wants them.
pub struct SharedBanks {
    state: Mutex<State>,
    bytes_max: u64,
}

#[derive(Default)]
struct State {
    /// The first bank that a specification would begin.
    wanted_by: FxHashMap<SpecId, Key>,
    wanted: FxHashMap<Key, Wanted>,
    /// Bytes that the banks take, or may come to.
    bytes: u64,
    clock: u64,
}

#[derive(Default)]
struct Wanted {
    /// Specifications that are known to begin with it.
    n_specs: usize,
    /// How often it was lent.
    n_served: usize,
    bank: Option<Held>,
}

struct Held {
    /// A `Slot` of as many lanes as the key says.
    slot: Arc<dyn Any + Send + Sync>,
    bytes: u64,
    last_lent: u64,
}

impl SharedBanks {
    /// No banks yet, and at most so many bytes of them.
    pub fn new(bytes_max: u64) -> Self {
        Self { state: Mutex::default(), bytes_max }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A specification will begin this bank later; the first of those that it tells is its group.
    pub fn note(&self, spec: SpecId, key: Key) {
        let mut state = self.lock();
        state.wanted_by.entry(spec).or_insert(key);
        state.wanted.entry(key).or_default().n_specs += 1;
    }

    /// All have told: what only one wants is no longer of interest.
    pub fn all_noted(&self) {
        let mut state = self.lock();
        state.wanted.retain(|_, wanted| wanted.n_specs > 1);
        let State { wanted, wanted_by, .. } = &mut *state;
        wanted_by.retain(|_, key| wanted.contains_key(key));
    }

    /// The group of a specification: those with the same are best worked on together. `None` for one that stands alone.
    pub fn group(&self, spec: SpecId) -> Option<Key> {
        let state = self.lock();
        let key = *state.wanted_by.get(&spec)?;
        state.wanted.get(&key).is_some_and(|wanted| wanted.n_specs > 1).then_some(key)
    }

    /// How many specifications are known to begin with the bank of this one, itself included.
    pub fn n_wanting(&self, spec: SpecId) -> usize {
        let state = self.lock();
        let wanted = state.wanted_by.get(&spec).and_then(|key| state.wanted.get(key));
        wanted.map_or(0, |wanted| wanted.n_specs)
    }

    /// Forgets who wants what, and all banks; returns how much was shared since the last time.
    pub fn forget(&self) -> Sharing {
        let state = std::mem::take(&mut *self.lock());
        let served = state.wanted.values().map(|wanted| wanted.n_served).filter(|n| *n > 1);
        served.fold(Sharing::default(), |all, n| all.plus(Sharing { banks: 1, specs: n, most: n }))
    }

    /// The bank of a recipe that several specifications want, if there is room for it. The first to come builds it, and others
    /// wait for that; nobody who builds waits for anything.
    fn lend<const L: usize>(&self, recipe: Recipe<'_, L>) -> Option<Arc<Slot<L>>> {
        let key = recipe.key();
        let slot = self.slot(key, &recipe)?;
        if slot.get().is_none() {
            let built = slot.get_or_init(|| Built::new(recipe));
            self.lock().is_built(key, built.bytes());
        }
        Some(slot)
    }

    fn slot<const L: usize>(&self, key: Key, recipe: &Recipe<'_, L>) -> Option<Arc<Slot<L>>> {
        let mut state = self.lock();
        state.clock += 1;
        let clock = state.clock;
        if state.wanted.get(&key)?.n_specs < 2 || recipe.candidates_max > u64::from(u32::MAX) {
            return None;
        }
        let bytes = recipe.bytes_max();
        if state.wanted[&key].bank.is_none() {
            state.make_room(bytes, self.bytes_max)?;
            state.bytes += bytes;
        }
        let wanted = state.wanted.get_mut(&key)?;
        wanted.n_served += 1;
        let held = wanted.bank.get_or_insert_with(|| Held {
            slot: Arc::new(Slot::<L>::new()),
            bytes,
            last_lent: clock,
        });
        held.last_lent = clock;
        Arc::clone(&held.slot).downcast().ok()
    }
}

impl State {
    /// Gives up banks that nobody reads, the longest unused first, until so many bytes are free.
    fn make_room(&mut self, bytes: u64, bytes_max: u64) -> Option<()> {
        while self.bytes + bytes > bytes_max {
            let held = self
                .wanted
                .values_mut()
                .filter(|wanted| wanted.bank.as_ref().is_some_and(|held| Arc::strong_count(&held.slot) == 1));
            let oldest = held.min_by_key(|wanted| wanted.bank.as_ref().map(|held| held.last_lent))?;
            self.bytes -= oldest.bank.take()?.bytes;
        }
        Some(())
    }

    /// What a bank came to is known.
    fn is_built(&mut self, key: Key, bytes: u64) {
        if let Some(held) = self.wanted.get_mut(&key).and_then(|wanted| wanted.bank.as_mut()) {
            self.bytes = self.bytes + bytes - held.bytes;
            held.bytes = bytes;
        }
    }
}
