//! Where each thread is: a stack of stages and Forth words per thread, which a sampler thread reads.
//!
//! Lowest of the rooms beside `arena`; relies on nothing. Costs one relaxed load per [`stage`] while nobody samples. It
//! never touches an outcome: nothing that is computed may depend on whether a sampler runs.
//!
//! A stack is one atomic depth and an array of atomic frames, so the sampler never stops a worker. A sample taken while
//! a frame changes may show the neighbouring stack; over thousands of samples that is noise.

pub mod sampler;

pub use sampler::{Sample, Sampler};

use std::cell::OnceCell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Frames deeper than this are counted but not kept.
pub const DEPTH_MAX: usize = 128;

/// Names of Forth words kept apart; later ones are shown as `forth (other)`.
const NAMES_MAX: usize = 1 << 16;

/// A part of the way of a specification through the rooms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Stage {
    /// Reading and checking specification files.
    Spec,
    /// Building, opening and proving the archive.
    Corpus,
    /// Which specifications have no outcome yet.
    Plan,
    /// One specification on a worker, from record to outcome.
    Synth,
    /// The code that the specification supplies.
    Given,
    /// The template that the specification names.
    Pattern,
    /// Templates whose effect fits.
    Template,
    /// Enumeration of short bodies.
    Enumeration,
    /// Fitting rules to the terms of a sequence.
    Sequence,
    /// Inferring effects.
    Effect,
    /// Compiling Forth.
    Compile,
    /// Running tests.
    Validate,
    /// Checking properties and oracles on samples.
    Property,
    /// Scoring on held-out tests.
    Heldout,
    /// The outcome store.
    Store,
    /// Writing reports.
    Report,
}

impl Stage {
    /// All stages, by their number.
    pub const ALL: [Stage; 16] = [
        Stage::Spec,
        Stage::Corpus,
        Stage::Plan,
        Stage::Synth,
        Stage::Given,
        Stage::Pattern,
        Stage::Template,
        Stage::Enumeration,
        Stage::Sequence,
        Stage::Effect,
        Stage::Compile,
        Stage::Validate,
        Stage::Property,
        Stage::Heldout,
        Stage::Store,
        Stage::Report,
    ];

    /// The name in a flame graph.
    pub fn name(self) -> &'static str {
        [
            "stage spec",
            "stage corpus",
            "stage plan",
            "stage synth",
            "given",
            "pattern",
            "template",
            "enumeration",
            "sequence",
            "effect",
            "compile",
            "validate",
            "property",
            "heldout",
            "stage store",
            "stage report",
        ][self as usize]
    }
}

/// One entry of a stack: a [`Stage`] or the name of a Forth word.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Frame(u32);

/// Word frames start here; below stand the stages.
const FIRST_WORD: u32 = 1 << 8;

impl Frame {
    /// The frame of a Forth word. The name is remembered for the life of the process; call this only while
    /// [`is_on`], and not in a hot loop: it takes a lock.
    pub fn word(name: &str) -> Frame {
        let mut names = names().lock().unwrap_or_else(PoisonError::into_inner);
        Frame(FIRST_WORD + names.intern(name))
    }

    /// The text in a flame graph: `stage synth`, `enumeration`, `forth square`.
    pub fn text(self) -> String {
        match self.0.checked_sub(FIRST_WORD) {
            None => Stage::ALL.get(self.0 as usize).map_or("?", |stage| stage.name()).to_owned(),
            Some(index) => {
                let names = names().lock().unwrap_or_else(PoisonError::into_inner);
                names
                    .list
                    .get(index as usize)
                    .map_or("forth (other)".to_owned(), |name| format!("forth {name}"))
            }
        }
    }
}

impl From<Stage> for Frame {
    fn from(stage: Stage) -> Frame {
        Frame(stage as u32)
    }
}

#[derive(Default)]
struct Names {
    list: Vec<String>,
    index: std::collections::HashMap<String, u32>,
}

impl Names {
    fn intern(&mut self, name: &str) -> u32 {
        if let Some(&index) = self.index.get(name) {
            return index;
        }
        if self.list.len() == NAMES_MAX {
            return NAMES_MAX as u32;
        }
        let index = self.list.len() as u32;
        self.list.push(name.to_owned());
        self.index.insert(name.to_owned(), index);
        index
    }
}

fn names() -> &'static Mutex<Names> {
    static NAMES: OnceLock<Mutex<Names>> = OnceLock::new();
    NAMES.get_or_init(Mutex::default)
}

/// Whether somebody samples. Set by [`Sampler::start`], cleared when the sampler stops.
static ON: AtomicBool = AtomicBool::new(false);

/// Whether somebody samples: one relaxed load.
#[inline(always)]
pub fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// Names that another thread can read at any moment: the words that an engine is in, outermost first.
pub trait Words: Send + Sync {
    /// Gives each name to the sink.
    fn each(&self, sink: &mut dyn FnMut(&str));
}

/// The stack of one thread, as the sampler sees it.
pub(crate) struct Slot {
    thread: String,
    /// What the engine of this thread is in; shown above the stages.
    words: Mutex<Option<Arc<dyn Words>>>,
    depth: AtomicU32,
    frames: [AtomicU32; DEPTH_MAX],
}

impl Slot {
    fn push(&self, frame: Frame) -> u32 {
        let depth = self.depth.load(Ordering::Relaxed);
        if let Some(place) = self.frames.get(depth as usize) {
            place.store(frame.0, Ordering::Relaxed);
        }
        self.depth.store(depth + 1, Ordering::Release);
        depth
    }

    /// Appends the frames as they are now; nothing for an idle thread.
    fn read(&self, into: &mut Vec<Frame>) {
        let depth = (self.depth.load(Ordering::Acquire) as usize).min(DEPTH_MAX);
        into.extend(self.frames[..depth].iter().map(|frame| Frame(frame.load(Ordering::Relaxed))));
        if depth > 0 {
            let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
            words.iter().for_each(|words| words.each(&mut |name| into.push(Frame::word(name))));
        }
    }
}

fn slots() -> &'static Mutex<Vec<Arc<Slot>>> {
    static SLOTS: Mutex<Vec<Arc<Slot>>> = Mutex::new(Vec::new());
    &SLOTS
}

fn register() -> Arc<Slot> {
    let name = std::thread::current().name().unwrap_or("thread").to_owned();
    // `wordmill-7` and `wordmill-8` do the same work: one frame for all of them.
    let thread =
        name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '_' | ' ')).to_owned();
    let frames = [const { AtomicU32::new(0) }; DEPTH_MAX];
    let slot = Arc::new(Slot { thread, words: Mutex::new(None), depth: AtomicU32::new(0), frames });
    slots().lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&slot));
    slot
}

thread_local! {
    static SLOT: OnceCell<Arc<Slot>> = const { OnceCell::new() };
}

/// Leaves the frame that [`stage`] or [`enter`] entered, and whatever was entered above it.
#[must_use = "the stage ends when this is dropped"]
pub struct Guard {
    /// The depth to go back to; `u32::MAX` when nothing was entered.
    depth: u32,
    /// A guard belongs to the thread whose stack it shortens.
    not_send: PhantomData<*const ()>,
}

impl Drop for Guard {
    #[inline(always)]
    fn drop(&mut self) {
        if self.depth != u32::MAX {
            leave_to(self.depth);
        }
    }
}

/// Marks this thread as being in a stage until the guard is dropped.
#[inline(always)]
pub fn stage(stage: Stage) -> Guard {
    if is_on() { enter(stage.into()) } else { Guard { depth: u32::MAX, not_send: PhantomData } }
}

/// Pushes a frame on the stack of this thread, whether or not anybody samples.
#[cold]
pub fn enter(frame: Frame) -> Guard {
    let depth = SLOT.try_with(|slot| slot.get_or_init(register).push(frame)).unwrap_or(u32::MAX);
    Guard { depth, not_send: PhantomData }
}

/// Marks this thread as running a Forth word until the guard is dropped.
#[inline(always)]
pub fn word(name: &str) -> Guard {
    if is_on() { enter(Frame::word(name)) } else { Guard { depth: u32::MAX, not_send: PhantomData } }
}

/// Shows `words` above the stages of this thread from now on; `None` shows nothing there.
pub fn show_words(words: Option<Arc<dyn Words>>) {
    let show = |slot: &OnceCell<Arc<Slot>>| {
        let slot = slot.get_or_init(register);
        *slot.words.lock().unwrap_or_else(PoisonError::into_inner) = words;
    };
    // A thread that ends shows nothing any more.
    let _ = SLOT.try_with(show);
}

#[cold]
fn leave_to(depth: u32) {
    // A thread that ends has no slot any more, and nothing to leave.
    let _ = SLOT.try_with(|slot| slot.get().map(|slot| slot.depth.store(depth, Ordering::Release)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> Vec<String> {
        SLOT.with(|slot| {
            let mut frames = Vec::new();
            slot.get_or_init(register).read(&mut frames);
            frames.into_iter().map(Frame::text).collect()
        })
    }

    #[test]
    fn guards_nest_and_leave() {
        let outer = enter(Stage::Synth.into());
        {
            let _inner = enter(Stage::Enumeration.into());
            let _word = enter(Frame::word("square"));
            assert_eq!(here(), ["stage synth", "enumeration", "forth square"]);
        }
        assert_eq!(here(), ["stage synth"]);
        drop(outer);
        assert_eq!(here(), [""; 0]);
    }

    #[test]
    fn words_of_an_engine_stand_above_the_stages() {
        struct Two;
        impl Words for Two {
            fn each(&self, sink: &mut dyn FnMut(&str)) {
                sink("main");
                sink("square");
            }
        }
        show_words(Some(Arc::new(Two)));
        assert_eq!(here(), [""; 0], "an idle thread runs nothing");
        let _stage = enter(Stage::Validate.into());
        assert_eq!(here(), ["validate", "forth main", "forth square"]);
        show_words(None);
        assert_eq!(here(), ["validate"]);
    }

    #[test]
    fn a_panic_leaves_the_stage() {
        let caught = std::panic::catch_unwind(|| {
            let _stage = enter(Stage::Validate.into());
            std::panic::resume_unwind(Box::new(()));
        });
        assert!(caught.is_err());
        assert_eq!(here(), [""; 0]);
    }

    #[test]
    fn stacks_deeper_than_the_bound_are_cut_not_lost() {
        let guards: Vec<Guard> = (0..DEPTH_MAX + 50).map(|_| enter(Stage::Plan.into())).collect();
        assert_eq!(here().len(), DEPTH_MAX);
        drop(guards.into_iter().rev().collect::<Vec<_>>());
        // Guards of a `Vec` drop front to back: the first takes the depth to where it was at the end.
        let _last = enter(Stage::Plan.into());
        assert!(!here().is_empty());
    }

    #[test]
    fn every_stage_has_its_own_name() {
        for (index, stage) in Stage::ALL.into_iter().enumerate() {
            assert_eq!(stage as usize, index);
            assert_eq!(Frame::from(stage).text(), stage.name());
        }
    }
}
