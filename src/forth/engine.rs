//! The engine: what a caller holds. Definitions go in, words run, results are looked at.

use super::bytecode::{Instr, LEAF, NATIVE, PLAIN};
use super::code::{Code, CodeMark, STOP};
use super::dictionary::{Dictionary, Entry};
use super::error::{CompileError, CompileErrorKind, Details, ForthError, Location, Stop};
use super::executor::{self, Exit, Watch};
use super::fuse::{catch_up, culprit};
use super::image::Image;
use super::input::{NAMED_TEXT_ID, Reading, Text};
use super::interpreter::Found;
use super::lexer::{Cursor, PADDING};
use super::limits::Limits;
use super::machine::{Frame, Machine, Sink};
use super::memory;
use super::native::{Natives, Ran};
use super::prove::{Room, is_static};
use super::shadow::{self, Label, Shadow};
use super::similar::similar;
use super::system::System;
use super::translator::Translator;
use super::trap::{Trap, TrapKind, throw};
use super::words::{self, WORDS};
use crate::model::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// An execution token: a word that can be executed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Xt(pub(super) u32);

/// A Forth system: the image, what is defined above it, and a machine to run it.
///
/// Every [`execute`](Self::execute) starts from the same state: memory, words and HERE as they were after the last
/// [`define`](Self::define), [`load`](Self::load) or [`checkpoint`](Self::checkpoint).
///
/// ```
/// use wordmill::forth::{Engine, Image, Limits};
/// let mut engine = Engine::new(Image::shared(), Limits::default());
/// let square = engine.define("square", "dup *").unwrap();
/// engine.execute(square, &[7]).unwrap();
/// assert_eq!(engine.stack(), [49]);
/// ```
pub struct Engine {
    pub(super) limits: Limits,
    pub(super) machine: Machine,
    pub(super) code: Code,
    pub(super) dictionary: Dictionary,
    pub(super) translator: Translator,
    pub(super) input: Cursor,
    pub(super) reading: Reading,
    /// Where the text being read begins in the source buffer.
    pub(super) origin: u32,
    /// Where the token begins that is being interpreted at the outermost level.
    pub(super) input_token: u32,
    /// Where the token begins that is being interpreted.
    pub(super) inner_token: u32,
    /// Texts that were read line by line, by where they begin in the source buffer.
    pub(super) texts: Vec<Text>,
    /// The program has asked where >IN is.
    pub(super) to_in_seen: bool,
    /// STATE is true in memory.
    pub(super) state_shown: bool,
    pub(super) system: System,
    /// `system` at the checkpoint, where it has changed.
    pub(super) system_before: Option<Box<System>>,
    /// `system` may differ from a fresh one.
    pub(super) system_used: bool,
    /// Supplies lines of input.
    pub(super) supply: Option<Supply>,
    /// The line that was supplied last, and how much of it is used.
    pub(super) typed: Vec<u8>,
    pub(super) typed_at: usize,
    /// Quotations of the open definition that are whole: tokens and `Enter`s.
    pub(super) quotations: Vec<(u32, u32)>,
    /// What the last ABORT" had to say.
    pub(super) abort_message: Option<String>,
    /// Where the texts were read from that an error came through, innermost first: places in the source buffer.
    pub(super) trail: Vec<u32>,
    /// The word being compiled, by its index in the dictionary.
    pub(super) open: Option<Open>,
    /// Whether words are compiled rather than executed. Only while a word is open.
    pub(super) compiling: bool,
    /// The newest word, which IMMEDIATE and DOES> change.
    pub(super) latest: Option<usize>,
    pub(super) nesting: u32,
    /// Which of the two string buffers was used last.
    pub(super) string_turn: bool,
    /// What a running program changed below the checkpoint, as it was.
    pub(super) undo: Vec<Undo>,
    /// The `Enter` that stands for words whose code is not whole yet.
    pub(super) unfinished: u32,
    image_mark: CodeMark,
    checkpoint: Mark,
    /// What the last `execute` left otherwise than the checkpoint has it.
    used: Used,
    /// Some word asked for the dictionary or the source since, so that there may be words to forget.
    pub(super) hosted: bool,
    fuel_at_start: i64,
    pub(super) natives: Natives,
    /// Somebody wants the running program to stop.
    interrupt: Option<Arc<AtomicBool>>,
    shadow: Option<Arc<Shadow>>,
    pub(super) labels: Vec<Label>,
}

/// A piece of the system as it was before a running program changed it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Undo {
    Instr(u32, Instr),
    Entry(usize, Entry),
}

/// A definition that is being compiled. All code from `code` on belongs to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    /// Its index in the dictionary.
    pub index: usize,
    /// What to go back to when it fails.
    pub code: CodeMark,
    /// It came through `define`, where the text does not end it.
    pub bare: bool,
}

/// What a run has used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Used {
    /// Nothing since the checkpoint.
    Nothing,
    /// The data stack and no more: a leaf cannot.
    Stack,
    /// Perhaps memory, perhaps the dictionary.
    Anything,
}

/// How much of everything there is.
#[derive(Clone, Copy)]
struct Mark {
    code: CodeMark,
    n_words: usize,
    n_source: usize,
    /// Where the text ended that was read last: SOURCE is empty there.
    read_end: u32,
    /// The newest word then.
    latest: Option<usize>,
    string_turn: bool,
}

impl Mark {
    /// The image and nothing above it.
    fn image(code: CodeMark) -> Self {
        Self { code, n_words: 0, n_source: 0, read_end: 0, latest: None, string_turn: false }
    }
}

/// Supplies a line of input, with its end; `None` when there is no more.
pub type Supply = Box<dyn FnMut() -> Option<Vec<u8>> + Send>;

/// Where and why a program stopped, in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Description {
    /// Why.
    pub kind: TrapKind,
    /// The definition in which it happened; empty outside of any.
    pub definition: String,
    /// The word at which it happened, as the source has it.
    pub word: String,
    /// Where that word begins, in bytes from the start of the text given to `define` or `load`.
    pub position: u32,
}

impl Description {
    /// One that knows no place.
    fn of(kind: TrapKind) -> Self {
        Self { kind, definition: String::new(), word: String::new(), position: 0 }
    }
}

impl std::fmt::Display for Description {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.kind)?;
        if !self.word.is_empty() {
            write!(f, " at `{}`", self.word)?;
        }
        if !self.definition.is_empty() && self.definition != self.word {
            write!(f, " in `{}`", self.definition)?;
        }
        Ok(())
    }
}

impl Engine {
    /// A fresh engine over an image.
    pub fn new(image: &'static Image, limits: Limits) -> Self {
        let limits = limits.clamped();
        let mut translator = Translator::default();
        let room = Room { sp_max: limits.stack_cells as usize, rp_max: limits.return_cells as usize };
        let code = image.code_for(&mut translator, room);
        let image_mark = code.mark();
        let mut engine = Self {
            unfinished: code.enters[words::Word::Semicolon as usize],
            limits,
            machine: Machine::new(&limits, &image.memory),
            code,
            dictionary: Dictionary::new(),
            translator,
            input: Cursor::default(),
            reading: Reading::default(),
            origin: 0,
            input_token: 0,
            inner_token: 0,
            texts: Vec::new(),
            to_in_seen: false,
            state_shown: false,
            system: System::new(&limits),
            system_before: None,
            system_used: false,
            supply: None,
            typed: Vec::new(),
            typed_at: 0,
            quotations: Vec::new(),
            abort_message: None,
            trail: Vec::new(),
            open: None,
            compiling: false,
            latest: None,
            nesting: 0,
            string_turn: false,
            undo: Vec::new(),
            image_mark,
            checkpoint: Mark::image(image_mark),
            used: Used::Nothing,
            hosted: false,
            fuel_at_start: 0,
            natives: Natives::default(),
            interrupt: None,
            shadow: None,
            labels: Vec::new(),
        };
        engine.plan_pieces();
        engine
    }

    /// Forgets everything above the image.
    #[inline]
    pub fn reset(&mut self) {
        self.undo.clear();
        self.checkpoint = Mark::image(self.image_mark);
        self.truncate(Mark::image(self.image_mark));
        self.dictionary.clear();
        self.string_turn = false;
        if self.system_used {
            self.forget_system();
        }
        self.to_in_seen = false;
        self.state_shown = false;
        self.machine.memory.reset();
        self.machine.sp = 0;
        self.machine.output.clear();
        self.open = None;
        self.compiling = false;
        self.quotations.clear();
        self.latest = None;
        self.used = Used::Nothing;
    }

    /// Compiles `: name body ;`. The word can call itself by RECURSE.
    pub fn define(&mut self, name: &str, body: &str) -> Result<Xt, CompileError> {
        self.settle();
        let origin = self.machine.memory.text.len() as u32;
        let mut has_run = false;
        match self.define_at(name, body, &mut has_run) {
            Ok(index) => {
                self.set_checkpoint();
                Ok(self.xt_of_index(index))
            }
            Err(stop) => {
                if !has_run {
                    // Nothing was to be paid for.
                    self.start_fuel();
                }
                let error = self.error(stop, origin);
                self.give_up();
                Err(error)
            }
        }
    }

    /// `has_run` says whether a word of the program may have run, so that fuel was burned.
    #[inline]
    fn define_at(&mut self, name: &str, body: &str, has_run: &mut bool) -> Result<usize, Stop> {
        let name_error = name_error(name.as_bytes());
        self.put_text(body.as_bytes())?;
        if let Some(kind) = name_error {
            return Err(Stop::Text { kind, place: self.origin, len: 0 });
        }
        let index = self.open_definition(name.as_bytes(), true)?;
        if !self.compile_plain()? {
            *has_run = true;
            self.begin_program();
            self.begin_string();
            self.interpret()?;
        }
        match (self.open, self.compiling) {
            (Some(_), true) => {
                self.close_definition(self.input.end)?;
                self.read_nothing();
            }
            _ => {
                return Err(Stop::Text {
                    kind: CompileErrorKind::UnfinishedDefinition,
                    place: self.input.end,
                    len: 0,
                });
            }
        }
        Ok(index)
    }

    /// Reads a whole program: definitions, variables, and anything else that runs as it is read. What it leaves on the
    /// stack and in the output stays there for the next `load`. One that stops half way leaves no word and no memory.
    pub fn load(&mut self, source: &str) -> Result<(), ForthError> {
        self.load_text(source.as_bytes(), None)
    }

    /// The same for the text of a file: it is read line by line, and messages name it.
    ///
    /// Source is bytes: what is not UTF-8 is compiled as it is, and shown as far as it can be.
    pub fn load_file(&mut self, name: &str, source: impl AsRef<[u8]>) -> Result<(), ForthError> {
        self.load_text(source.as_ref(), Some(name))
    }

    fn load_text(&mut self, source: &[u8], name: Option<&str>) -> Result<(), ForthError> {
        self.settle();
        let origin = self.machine.memory.text.len() as u32;
        match self.load_at(source, name) {
            Ok(()) => {
                self.set_checkpoint();
                Ok(())
            }
            Err(stop) => {
                self.machine.flush();
                let mut error = self.error(stop, origin);
                error.details = Some(self.details(stop));
                self.give_up();
                Err(error)
            }
        }
    }

    /// Reads a line that a person typed. A definition may go on in the next one, as [`is_compiling`](Self::is_compiling)
    /// tells. After an error the stack is empty and the open definition gone; all else stays.
    pub fn interact(&mut self, line: &str) -> Result<(), ForthError> {
        self.settle();
        let origin = self.machine.memory.text.len() as u32;
        let done = self.read_lines_from(line.as_bytes(), 0, None).and_then(|()| {
            self.start_fuel();
            self.begin_reading();
            self.interpret()
        });
        self.machine.flush();
        let done = done.map_err(|stop| {
            let mut error = self.error(stop, origin);
            error.details = Some(self.details(stop));
            self.drop_open();
            self.nesting = 0;
            if !stop.kind().is_quit() {
                self.machine.sp = 0;
            }
            error
        });
        self.read_nothing();
        if self.open.is_none() {
            self.set_checkpoint();
        }
        done
    }

    /// Nothing runs yet: what goes wrong is at no word of an earlier program.
    fn begin_reading(&mut self) {
        self.machine.rp = 0;
        self.machine.ip = STOP;
        self.abort_message = None;
        self.trail.clear();
    }

    /// The same for a text that is read as if it were the first: what earlier programs left in the machine, apart from
    /// stack, words and memory, is none of its business.
    fn begin_program(&mut self) {
        self.start_fuel();
        self.begin_reading();
        self.clear_frames();
        self.dictionary.take_walked();
    }

    /// Whether a definition is open that the next line goes on with.
    pub fn is_compiling(&self) -> bool {
        self.open.is_some()
    }

    /// Where lines come from that ACCEPT, KEY and REFILL read; each with its line end. `None` is the end.
    pub fn set_input(&mut self, supply: Option<Supply>) {
        self.supply = supply;
        self.typed.clear();
        self.typed_at = 0;
    }

    /// A flag that is looked at now and then while a program runs: set, it throws exception -28, and is cleared.
    pub fn set_interrupt(&mut self, flag: Option<Arc<AtomicBool>>) {
        self.interrupt = flag;
        self.plan_pieces();
    }

    /// Hands output over as it comes; [`output`](Self::output) stays empty then, and there is no bound on it.
    pub fn set_output(&mut self, sink: Option<Sink>) {
        self.machine.set_sink(sink, &self.limits);
    }

    fn load_at(&mut self, source: &[u8], name: Option<&str>) -> Result<(), Stop> {
        match name {
            Some(_) => self.read_lines_from(source, NAMED_TEXT_ID, name)?,
            None => {
                self.read_from(source)?;
                self.note_text(None);
            }
        }
        self.begin_program();
        self.interpret()?;
        self.machine.flush();
        self.read_nothing();
        match self.open {
            Some(_) => Err(Stop::Text {
                kind: CompileErrorKind::UnfinishedDefinition,
                place: self.input.end,
                len: 0,
            }),
            None => Ok(()),
        }
    }

    /// The word with this name.
    pub fn find(&self, name: &str) -> Option<Xt> {
        let name = name.as_bytes();
        let found = self.search_order(super::lexer::folded(name), name)?;
        match self.meant(found) {
            Found::User(index) => Some(self.xt_of_index(index)),
            Found::Word(word) => Some(Xt(word as u32)),
        }
    }

    /// The name of a word; empty where it has none.
    pub fn name(&self, xt: Xt) -> &str {
        let name = match (xt.0 as usize).checked_sub(WORDS.len()) {
            None => WORDS[xt.0 as usize].name.as_bytes(),
            Some(index) if index < self.dictionary.len() => self.dictionary.name(index),
            Some(_) => b"",
        };
        std::str::from_utf8(name).unwrap_or("")
    }

    /// Makes memory, words and HERE as they are now what every `execute` starts from. After `define` and `load` they are
    /// anyway; this keeps what the last `execute` changed.
    pub fn checkpoint(&mut self) {
        self.used = Used::Nothing;
        self.set_checkpoint();
    }

    /// Puts test data into memory above HERE for the next `execute`, and says where.
    pub fn place(&mut self, bytes: &[u8]) -> Result<Cell, Trap> {
        self.settle();
        let placed = self.machine.memory.align().and_then(|()| self.machine.memory.append(bytes));
        placed.map_err(|kind| Trap { kind, at: STOP as u32 })
    }

    /// Puts cells into memory above HERE for the next `execute`, and says where.
    pub fn place_cells(&mut self, cells: &[Cell]) -> Result<Cell, Trap> {
        self.settle();
        let memory = &mut self.machine.memory;
        let mut placed = memory.align().map(|()| memory.here);
        for cell in cells {
            placed = placed.and_then(|addr| memory.comma(*cell).map(|()| addr));
        }
        placed.map_err(|kind| Trap { kind, at: STOP as u32 })
    }

    /// Runs a word on these inputs, the last on top, from the state of the checkpoint, with fresh fuel and no output.
    // In line: a call of it costs a tenth of what a short word costs.
    #[inline(always)]
    pub fn execute(&mut self, xt: Xt, inputs: &[Cell]) -> Result<(), Trap> {
        if self.used != Used::Stack && self.begin_run() {
            return self.execute_watched(xt, inputs);
        }
        let Some(enter) = self.code.enters.get(xt.0 as usize).map(|enter| *enter as usize) else {
            return self.no_run(throw::INVALID_ADDRESS, STOP);
        };
        let m = &mut self.machine;
        if !m.put_items(inputs) {
            return self.no_run(throw::STACK_OVERFLOW, enter);
        }
        let Some([head, more]) = self.code.instrs.get(enter..enter + 2) else {
            return self.no_run(throw::INVALID_ADDRESS, STOP);
        };
        let fits = inputs.len().wrapping_sub(head.b as usize) <= head.c as usize;
        if more.a == PLAIN && fits && self.limits.fuel >= more.c as u64 {
            // What it burns is known, so none is given out.
            self.fuel_at_start = m.fuel_left().max(0).wrapping_add(more.c as i64);
            let done = executor::run_plain(m, &self.code, enter, inputs.len());
            return if done { Ok(()) } else { self.leaf_stopped() };
        }
        let (is_leaf, fuel) = (more.a == LEAF && fits, more.c as i64);
        self.start_fuel();
        let m = &mut self.machine;
        if is_leaf && m.fuel >= fuel {
            m.fuel -= fuel;
            let done = executor::run_leaf(m, &self.code, enter, inputs.len());
            return if done { Ok(()) } else { self.leaf_stopped() };
        }
        self.execute_framed(enter, inputs.len())
    }

    /// Clears away what leaves do not touch. Whether somebody watches the run, so that no word counts as a leaf.
    #[inline(always)]
    fn begin_run(&mut self) -> bool {
        match self.used {
            Used::Anything => self.settle_memory(),
            // What was placed goes when the run is over.
            _ if self.machine.memory.is_changed() => self.used = Used::Anything,
            _ => self.used = Used::Stack,
        }
        self.machine.output.clear();
        self.shadow.is_some()
    }

    /// Runs any word as one that may need more than the data stack.
    #[cold]
    #[inline(never)]
    fn execute_watched(&mut self, xt: Xt, inputs: &[Cell]) -> Result<(), Trap> {
        let Some(enter) = self.code.enters.get(xt.0 as usize).map(|enter| *enter as usize) else {
            return self.no_run(throw::INVALID_ADDRESS, STOP);
        };
        if !self.machine.put_items(inputs) {
            return self.no_run(throw::STACK_OVERFLOW, enter);
        }
        self.start_fuel();
        self.execute_framed(enter, inputs.len())
    }

    /// Leaves an empty stack, where no run can begin.
    #[cold]
    #[inline(never)]
    fn no_run(&mut self, code: Cell, at: usize) -> Result<(), Trap> {
        self.start_fuel();
        self.machine.sp = 0;
        Err(Trap { kind: TrapKind::Throw(code), at: at as u32 })
    }

    /// Goes on after the loop has ended, and says how that ends.
    #[inline(never)]
    fn end_of(&mut self, exit: Exit) -> Result<(), Trap> {
        self.go_on_from(exit).map_err(|stop| self.trap_of(stop))
    }

    /// Runs a word that may need more than the data stack, which has `depth` items.
    #[inline(never)]
    fn execute_framed(&mut self, enter: usize, depth: usize) -> Result<(), Trap> {
        self.used = Used::Anything;
        self.machine.sp = depth;
        self.clear_frames();
        if let Err(stop) = self.start(enter) {
            return Err(self.trap_of(stop));
        }
        match self.run_loop() {
            Exit::Done => Ok(()),
            exit => self.end_of(exit),
        }
    }

    /// Nothing runs yet.
    #[inline(always)]
    fn clear_frames(&mut self) {
        let m = &mut self.machine;
        (m.rp, m.r_base, m.handler) = (0, 0, 0);
        m.hold = memory::HOLD_END;
        m.shadow_depth = 0;
    }

    /// A leaf has stopped before its end. Where it needs more fuel, it goes on as one that was entered with a frame.
    #[cold]
    #[inline(never)]
    fn leaf_stopped(&mut self) -> Result<(), Trap> {
        if let Some(trap) = executor::leaf_trap(&self.machine, &self.code) {
            return Err(trap);
        }
        self.used = Used::Anything;
        self.clear_frames();
        self.machine.push_frame(Frame::new(STOP, 0, false));
        self.machine.checked = false;
        self.drive().map_err(|stop| self.trap_of(stop))
    }

    #[cold]
    fn trap_of(&self, stop: Stop) -> Trap {
        match stop {
            Stop::Trap(trap) => trap,
            stop => Trap { kind: stop.kind(), at: self.machine.ip as u32 },
        }
    }

    /// The data stack, bottom first.
    #[inline]
    pub fn stack(&self) -> &[Cell] {
        self.machine.items()
    }

    /// What the program printed.
    #[inline]
    pub fn output(&self) -> &[u8] {
        &self.machine.output
    }

    /// Fuel that the last `execute` or `load` burned. A program that ran out has burned all there was.
    #[inline]
    pub fn fuel_used(&self) -> u64 {
        self.fuel_at_start.wrapping_sub(self.machine.fuel_left().max(0)) as u64
    }

    /// Bytes of data space, where all of them lie in it.
    pub fn read(&self, addr: Cell, len: usize) -> Option<&[u8]> {
        self.machine.memory.string(addr, Cell::try_from(len).ok()?).ok()
    }

    /// The bounds of this engine.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Changes the fuel of later `execute` and `load`.
    pub fn set_fuel(&mut self, fuel: u64) {
        self.limits.fuel = fuel.min(i64::MAX as u64);
        self.machine.change_fuel();
    }

    /// Keeps a shadow stack from now on, or stops keeping one.
    pub fn set_shadow(&mut self, shadow: Option<Arc<Shadow>>) {
        self.shadow = shadow;
        if self.used == Used::Stack {
            // The next run looks anew who watches it.
            self.used = Used::Anything;
        }
        // Only the run loop keeps a shadow stack.
        self.forget_natives();
        self.labels.clear();
        if self.shadow.is_some() {
            let xts = 0..self.code.enters.len() as u32;
            self.labels = xts.map(|xt| shadow::label(self.name(Xt(xt)).as_bytes())).collect();
        }
    }

    /// Why and where a program stopped, in words.
    pub fn describe(&self, trap: Trap) -> Description {
        let mut description = Description::of(trap.kind);
        let Some(xt) = self.code.xt_at(trap.at as usize).map(Xt) else { return description };
        description.definition = self.name(xt).to_owned();
        if (xt.0 as usize) < WORDS.len() {
            description.word = description.definition.clone();
        } else if let Some((index, place)) = self.place_of(trap) {
            description.position = place.saturating_sub(self.dictionary.get(index).origin);
            description.word = self.token_at(place);
        }
        description
    }

    /// The word above the image in which a program stopped, and where the word at which it did stands in the source buffer.
    fn place_of(&self, trap: Trap) -> Option<(usize, u32)> {
        let at = trap.at as usize;
        let index = (self.code.xt_at(at)? as usize).checked_sub(WORDS.len())?;
        let n_before = culprit(self.code.instrs[at], trap.kind);
        (index < self.dictionary.len()).then(|| (index, self.skip_tokens(self.code.place(at), n_before)))
    }

    /// Names of the words above the image, newest first, for completion and listings.
    pub fn user_words(&self) -> impl Iterator<Item = &str> {
        self.dictionary.names().map(|name| std::str::from_utf8(name).unwrap_or(""))
    }

    /// Whether the depths of a word's stacks are proven, so that it runs unchecked.
    #[cfg(test)]
    pub(super) fn is_proven(&self, xt: Xt) -> bool {
        self.code.instrs[self.code.enters[xt.0 as usize] as usize].b != super::bytecode::UNPROVEN
    }

    /// Changes when words are compiled to machine code.
    #[cfg(any(test, fuzzing))]
    pub(super) fn set_policy(&mut self, policy: super::native::Policy) {
        self.natives.set_policy(policy);
        self.plan_pieces();
    }

    /// Compiles a word to machine code now. False where that cannot be done.
    #[cfg(any(test, fuzzing))]
    pub(super) fn compile_native(&mut self, xt: Xt) -> bool {
        let enter = self.code.enters[xt.0 as usize] as usize;
        let compiled = self.natives.force(&mut self.code, &self.machine, enter);
        self.plan_pieces();
        compiled
    }

    #[inline(always)]
    pub(super) fn xt_of_index(&self, index: usize) -> Xt {
        Xt((WORDS.len() + index) as u32)
    }

    pub(super) fn room(&self) -> Room {
        Room { sp_max: self.machine.sp_max, rp_max: self.machine.rp_max }
    }

    #[inline(always)]
    fn start_fuel(&mut self) {
        self.fuel_at_start = self.limits.fuel as i64;
        self.machine.set_fuel(self.fuel_at_start);
    }

    #[inline(always)]
    pub(super) fn image_code_len(&self) -> usize {
        self.image_mark.instrs as usize
    }

    pub(super) fn checkpoint_code_len(&self) -> u32 {
        self.checkpoint.code.instrs
    }

    fn mark(&self) -> Mark {
        Mark {
            code: self.code.mark(),
            n_words: self.dictionary.len(),
            n_source: self.machine.memory.text.len(),
            read_end: self.input.end,
            latest: self.latest,
            string_turn: self.string_turn,
        }
    }

    #[inline(always)]
    fn truncate(&mut self, mark: Mark) {
        if self.natives.reaches(mark.code.instrs as usize) {
            self.forget_natives();
        }
        self.code.truncate(mark.code);
        self.machine.memory.text.truncate(mark.n_source);
        self.labels.truncate(self.code.enters.len());
        // Nothing is left to read: what was being read may be gone.
        let end = mark.read_end;
        self.input = Cursor { at: end, end };
        self.reading = Reading { line: end, text_end: end, ..Reading::default() };
        while self.texts.last().is_some_and(|text| text.start as usize >= mark.n_source) {
            self.texts.pop();
        }
    }

    #[inline(always)]
    fn set_checkpoint(&mut self) {
        self.undo.clear();
        self.checkpoint = self.mark();
        if self.system_before.is_some() {
            self.keep_system();
        }
        self.machine.memory.checkpoint();
    }

    /// Goes back to the checkpoint, when something ran since.
    #[inline(always)]
    pub(super) fn settle(&mut self) {
        self.settle_memory();
        if self.used != Used::Nothing {
            self.used = Used::Nothing;
            self.machine.sp = 0;
        }
    }

    /// Goes back to the checkpoint in all but the data stack.
    #[inline(always)]
    fn settle_memory(&mut self) {
        if self.used == Used::Anything {
            self.used = Used::Stack;
            self.machine.memory.restore();
            if self.hosted {
                self.forget_hosted();
            }
        }
    }

    /// Forgets what the words that a program ran have defined.
    #[cold]
    #[inline(never)]
    fn forget_hosted(&mut self) {
        self.hosted = false;
        self.dictionary.take_walked();
        self.forget_words(self.checkpoint);
    }

    /// Forgets machine code: the code that it was made from is about to change.
    #[cold]
    pub(super) fn forget_natives(&mut self) {
        self.natives.clear(&mut self.code);
        self.plan_pieces();
    }

    /// Gives the run loop its fuel in the pieces that the next sample asks for; a shadow stack leaves no machine code.
    fn plan_pieces(&mut self) {
        let piece = if self.shadow.is_some() { i64::MAX } else { self.natives.piece() };
        self.machine.set_piece(if self.interrupt.is_some() { piece.min(INTERRUPT_FUEL) } else { piece });
    }

    fn undo_changes(&mut self) {
        if !self.undo.is_empty() {
            self.forget_natives();
        }
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Instr(at, instr) => self.code.instrs[at as usize] = instr,
                Undo::Entry(index, entry) => *self.dictionary.get_mut(index) = entry,
            }
        }
    }

    /// Goes back to the checkpoint after a `define` or `load` that failed.
    #[cold]
    fn give_up(&mut self) {
        self.forget_words(self.checkpoint);
        self.machine.memory.restore();
    }

    /// Forgets what was defined since `mark`, which is the checkpoint or later, and what was changed before it.
    #[cold]
    fn forget_words(&mut self, mark: Mark) {
        self.undo_changes();
        self.open = None;
        self.compiling = false;
        self.quotations.clear();
        self.state_shown = false;
        self.string_turn = mark.string_turn;
        self.restore_system();
        self.dictionary.truncate(mark.n_words);
        self.truncate(mark);
        self.latest = mark.latest;
        self.nesting = 0;
    }

    /// Runs the word with this `Enter` to its end, on top of whatever runs now.
    #[inline]
    pub(super) fn call(&mut self, enter: usize) -> Result<(), Stop> {
        let m = &self.machine;
        let outer = (m.ip, m.rp, m.r_base, m.handler, m.checked);
        let done = self.start(enter).and_then(|()| self.drive());
        let m = &mut self.machine;
        if done.is_ok() {
            m.ip = outer.0;
        }
        (_, m.rp, m.r_base, m.handler, m.checked) = outer;
        done
    }

    /// Enters the word with this `Enter`, to stop when it returns.
    #[inline(always)]
    fn start(&mut self, enter: usize) -> Result<(), Stop> {
        let m = &mut self.machine;
        let [head, more] = [self.code.instrs[enter], self.code.instrs[enter + 1]];
        m.fuel -= more.c as i64;
        if m.fuel < 0 {
            match m.refill(m.fuel) {
                Some(piece) => m.fuel = piece,
                None => return Err(Stop::Trap(Trap { kind: TrapKind::Fuel, at: enter as u32 })),
            }
        }
        if m.rp >= m.rp_max {
            let kind = TrapKind::Throw(throw::RETURN_OVERFLOW);
            return Err(Stop::Trap(Trap { kind, at: enter as u32 }));
        }
        if self.shadow.is_some() {
            self.enter_shadow(enter);
        }
        let m = &mut self.machine;
        m.checked = m.sp.wrapping_sub(head.b as usize) > head.c as usize || m.rp >= more.b as usize;
        m.push_frame(Frame::new(STOP, m.r_base, false));
        m.handler = 0;
        m.ip = enter + 2;
        if more.a & NATIVE != 0 { self.entered() } else { Ok(()) }
    }

    /// Says how a word goes on that was just entered.
    #[cold]
    fn entered(&mut self) -> Result<(), Stop> {
        let enter = self.machine.ip - 2;
        self.sample(Some(enter))?;
        let head = self.code.instrs[enter];
        let r_span = self.natives.r_span(&self.code, enter) as usize;
        let m = &mut self.machine;
        m.checked = m.sp.wrapping_sub(head.b as usize) > head.c as usize || m.rp > r_span;
        self.run_native()
    }

    /// A piece of fuel was used up in a loop.
    #[cold]
    fn looped(&mut self) -> Result<(), Stop> {
        self.sample(self.code.enter_at(self.machine.ip))?;
        self.run_native()
    }

    /// Counts what is running, when a piece of fuel was used up.
    fn sample(&mut self, enter: Option<usize>) -> Result<(), Stop> {
        if !std::mem::take(&mut self.machine.spent) {
            return Ok(());
        }
        if let Some(flag) = &self.interrupt
            && flag.swap(false, Ordering::Relaxed)
        {
            let kind = TrapKind::Throw(throw::USER_INTERRUPT);
            return Err(Stop::Trap(Trap { kind, at: self.machine.ip as u32 }));
        }
        if self.shadow.is_none()
            && let Some(enter) = enter
        {
            self.natives.sample(&mut self.code, &self.machine, enter);
            self.plan_pieces();
        }
        Ok(())
    }

    /// Goes on in machine code as far as there is any.
    fn run_native(&mut self) -> Result<(), Stop> {
        while !self.machine.checked && self.shadow.is_none() {
            let Some(ran) = self.natives.run(&mut self.machine, &mut self.code) else { break };
            self.machine.begin_piece();
            match ran {
                Ran::Returned => {}
                Ran::Stopped => break,
                Ran::Trapped(kind) => {
                    return Err(Stop::Trap(Trap { kind, at: self.machine.ip as u32 }));
                }
            }
        }
        Ok(())
    }

    #[cold]
    fn enter_shadow(&mut self, enter: usize) {
        if let Some(shadow) = &self.shadow {
            let label = self.labels.get(self.code.xt_of_enter(enter) as usize).copied().unwrap_or_default();
            shadow.enter(self.machine.shadow_depth, &label);
            self.machine.shadow_depth += 1;
        }
    }

    /// Runs until the program is done or stops.
    #[inline]
    fn drive(&mut self) -> Result<(), Stop> {
        match self.run_loop() {
            Exit::Done => Ok(()),
            exit => self.go_on_from(exit),
        }
    }

    /// Runs the loop until it ends, for whatever reason.
    #[inline(always)]
    fn run_loop(&mut self) -> Exit {
        match self.shadow.is_none() && !self.machine.checked {
            true => executor::run::<false, false>(&mut self.machine, &self.code, None),
            false => self.run_other_loop(),
        }
    }

    #[inline(never)]
    fn run_other_loop(&mut self) -> Exit {
        let Some(shadow) = &self.shadow else {
            return executor::run::<true, false>(&mut self.machine, &self.code, None);
        };
        let watch = Watch { shadow, labels: &self.labels };
        match self.machine.checked {
            false => executor::run::<false, true>(&mut self.machine, &self.code, Some(&watch)),
            true => executor::run::<true, true>(&mut self.machine, &self.code, Some(&watch)),
        }
    }

    /// Does what the loop ended for, and runs it again, until the program is done or stops.
    #[inline(never)]
    fn go_on_from(&mut self, mut exit: Exit) -> Result<(), Stop> {
        loop {
            let done = match exit {
                Exit::Done => return Ok(()),
                Exit::Switch => Ok(()),
                Exit::Entered => self.entered(),
                Exit::Looped => self.looped(),
                Exit::Trap(kind) => Err(Stop::Trap(Trap { kind, at: self.machine.ip as u32 })),
                Exit::Host(word) => self.hosted(word),
                Exit::SetDoes(does) => self
                    .set_does(does)
                    .map_err(|kind| Stop::Trap(Trap { kind, at: self.machine.ip as u32 - 1 })),
            };
            if let Err(stop) = done {
                self.catch(stop)?;
            }
            exit = self.run_loop();
        }
    }

    #[cold]
    fn hosted(&mut self, word: words::Word) -> Result<(), Stop> {
        self.hosted = true;
        let row = word.def();
        let sp = self.machine.sp;
        let done = self.host(word);
        debug_assert!(
            done.is_err()
                || !is_static(word)
                || self.machine.sp + row.n_in as usize == sp + row.n_out as usize,
            "{} does not have the effect that its row says",
            row.name
        );
        done
    }

    /// Hands an exception to the innermost CATCH of this run.
    #[cold]
    fn catch(&mut self, stop: Stop) -> Result<(), Stop> {
        let caught = match stop.kind() {
            TrapKind::Throw(code) => self.machine.unwind(code),
            TrapKind::Fuel | TrapKind::Output | TrapKind::Quit | TrapKind::Bye => false,
        };
        if let Some(shadow) = &self.shadow {
            shadow.set_depth(self.machine.shadow_depth);
        }
        if caught {
            self.trail.clear();
            Ok(())
        } else {
            Err(stop)
        }
    }

    /// The error that a caller sees.
    #[cold]
    fn error(&self, stop: Stop, origin: u32) -> CompileError {
        let (kind, place, token, trap) = match stop {
            Stop::Text { kind, place, len } => {
                let end = (place + len) as usize;
                let token = self.machine.memory.text.get(place as usize..end).unwrap_or(b"");
                (kind, place, String::from_utf8_lossy(token).into_owned(), None)
            }
            Stop::Trap(trap) => {
                let place = self.input_token;
                (CompileErrorKind::Trapped(trap.kind), place, self.token_at(place), Some(trap))
            }
        };
        let kind = match not_provided(&token) {
            Some(set) if kind == CompileErrorKind::UndefinedWord => CompileErrorKind::NotProvided(set),
            _ => kind,
        };
        let suggestion = match kind {
            CompileErrorKind::UndefinedWord => similar(&token, self.user_words()).map(Box::from),
            _ => None,
        };
        let position = place.saturating_sub(origin);
        CompileError { kind, position, token: token.into(), suggestion, trap, details: None }
    }

    /// What a person wants to know about it.
    #[cold]
    fn details(&mut self, stop: Stop) -> Box<Details> {
        let (place, described) = match stop {
            Stop::Text { place, .. } => (place, None),
            Stop::Trap(trap) => (self.inner_token, Some(self.describe(trap))),
        };
        let mut stack = self.machine.items().to_vec();
        if let (Stop::Trap(trap), Some(described)) = (stop, &described)
            && let Some(instr) = self.code.instrs.get(trap.at as usize)
        {
            catch_up(*instr, trap.kind, &described.word, &mut stack);
        }
        let described = described.unwrap_or_else(|| Description::of(stop.kind()));
        let location = self.location(place);
        let trail = std::mem::take(&mut self.trail);
        let is_other = |other: &Location| (&other.file, other.line) != (&location.file, location.line);
        let from = trail.into_iter().map(|place| self.location(place)).filter(is_other).collect();
        let word_at = match stop {
            Stop::Trap(trap) => self.place_of(trap).and_then(|(_, word)| self.location_beside(word, place)),
            Stop::Text { .. } => None,
        };
        let word_at = word_at.filter(is_other);
        Box::new(Details {
            location,
            from,
            definition: described.definition,
            word: described.word,
            word_at,
            message: self.abort_message.take().filter(|_| stop.kind() == TrapKind::Throw(throw::ABORT_QUOTE)),
            stack: stack[stack.len().saturating_sub(STACK_SHOWN)..].to_vec(),
            depth: stack.len(),
        })
    }

    /// Where a place is, if that can be said beside another: it has a file, or is in the same text.
    fn location_beside(&self, place: u32, other: u32) -> Option<Location> {
        let text = self.text_of(place).filter(|text| place < text.end)?;
        let same = self.text_of(other).is_some_and(|other| other.start == text.start);
        (text.name.is_some() || same).then(|| self.location(place))
    }

    /// The text that a place of the source buffer is in, or the last before it.
    fn text_of(&self, place: u32) -> Option<&Text> {
        self.texts.iter().rev().find(|text| text.start <= place)
    }

    /// Where a place of the source buffer is for a person.
    fn location(&self, place: u32) -> Location {
        let text = self.text_of(place);
        let (start, end) = text.map_or((0, 0), |text| (text.start as usize, text.end as usize));
        let source = self.machine.memory.text.get(..end).unwrap_or(b"");
        let place = (place as usize).clamp(start.min(source.len()), source.len());
        let start = start.min(place);
        let line_start =
            source[start..place].iter().rposition(|byte| *byte == b'\n').map_or(start, |n| start + n + 1);
        let len = source[line_start..].iter().position(|byte| *byte == b'\n');
        let line =
            String::from_utf8_lossy(&source[line_start..len.map_or(source.len(), |len| line_start + len)]);
        let line: String = line.trim_end().chars().take(LINE_SHOWN).collect();
        Location {
            file: text.and_then(|text| text.name.clone()),
            line: 1 + source[start..line_start].iter().filter(|byte| **byte == b'\n').count() as u32,
            column: 1 + String::from_utf8_lossy(&source[line_start..place]).chars().count() as u32,
            text: line.into(),
        }
    }

    fn token_at(&self, place: u32) -> String {
        let mut cursor =
            Cursor { at: place, end: (self.machine.memory.text.len().saturating_sub(PADDING)) as u32 };
        match cursor.next(&self.machine.memory.text) {
            Some(token) => String::from_utf8_lossy(token.text(&self.machine.memory.text)).into_owned(),
            None => String::new(),
        }
    }

    /// Where the n-th token behind the one at `place` begins, comments left out.
    fn skip_tokens(&self, place: u32, n: usize) -> u32 {
        let mut cursor =
            Cursor { at: place, end: (self.machine.memory.text.len().saturating_sub(PADDING)) as u32 };
        let mut left = n;
        let mut start = place;
        while let Some(token) = cursor.next(&self.machine.memory.text) {
            match token.text(&self.machine.memory.text) {
                b"(" => drop(cursor.parse(&self.machine.memory.text, b')')),
                b"\\" => cursor.skip_line(&self.machine.memory.text),
                _ => {
                    start = token.start;
                    match left.checked_sub(1) {
                        Some(fewer) => left = fewer,
                        None => break,
                    }
                }
            }
        }
        start
    }
}

/// Fuel between two looks at the flag that interrupts a program: a fraction of a millisecond.
const INTERRUPT_FUEL: i64 = 50_000;

/// Items of the stack that an error shows.
const STACK_SHOWN: usize = 16;

/// Characters of a line that an error shows.
const LINE_SHOWN: usize = 400;

/// The word set that a name belongs to, where that is one which this system leaves out.
fn not_provided(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let name = name.as_str();
    const FLOATING: &[&str] = &[
        ">float",
        "d>f",
        "f!",
        "f*",
        "f**",
        "f+",
        "f-",
        "f.",
        "f/",
        "f0<",
        "f0=",
        "f<",
        "f>d",
        "f>s",
        "f@",
        "fabs",
        "facos",
        "falign",
        "faligned",
        "fasin",
        "fatan",
        "fatan2",
        "fconstant",
        "fcos",
        "fdepth",
        "fdrop",
        "fdup",
        "fe.",
        "fexp",
        "ffield:",
        "fliteral",
        "fln",
        "float+",
        "floats",
        "floor",
        "flog",
        "fmax",
        "fmin",
        "fnegate",
        "fover",
        "frot",
        "fround",
        "fs.",
        "fsin",
        "fsqrt",
        "fswap",
        "ftan",
        "ftrunc",
        "fvalue",
        "fvariable",
        "f~",
        "precision",
        "represent",
        "s>f",
        "set-precision",
        "sf!",
        "sf@",
        "df!",
        "df@",
    ];
    const BLOCK: &[&str] = &[
        "blk",
        "block",
        "buffer",
        "empty-buffers",
        "flush",
        "list",
        "load",
        "save-buffers",
        "scr",
        "thru",
        "update",
    ];
    const FACILITY: &[&str] = &[
        "at-xy",
        "ekey",
        "ekey>char",
        "ekey?",
        "emit?",
        "key?",
        "ms",
        "page",
        "time&date",
        "ekey>xchar",
        "xkey?",
    ];
    const ASSEMBLER: &[&str] = &[";code", "assembler", "code", "editor", "forget"];
    let is_float = || {
        let (mantissa, exponent) = name.split_once('e')?;
        let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+'));
        (mantissa.contains(|c: char| c.is_ascii_digit()) && digits(mantissa) && digits(exponent))
            .then_some(())
    };
    match name {
        _ if FLOATING.contains(&name) || is_float().is_some() => Some("floating-point"),
        _ if BLOCK.contains(&name) => Some("block"),
        _ if FACILITY.contains(&name) => Some("facility"),
        _ if ASSEMBLER.contains(&name) => Some("assembler and editor"),
        _ => None,
    }
}

/// What is wrong with a name, if anything.
#[inline]
pub(super) fn name_error(name: &[u8]) -> Option<CompileErrorKind> {
    match name.len() {
        0 => Some(CompileErrorKind::MissingName),
        1..256 if name.iter().all(|byte| *byte > b' ') => None,
        1..256 => Some(CompileErrorKind::InvalidName),
        _ => Some(CompileErrorKind::NameTooLong),
    }
}
