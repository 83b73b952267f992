//! Machine code and how it is entered.

#![allow(
    unsafe_code,
    reason = "machine code is called through pointers, and works on the machine through pointers"
)]

use super::super::bytecode::{NATIVE, UNPROVEN};
use super::super::code::Code;
use super::super::machine::{Frame, Machine};
use super::super::prims;
use super::super::trap::TrapKind;
use super::super::words::WORDS;
use super::Ran;
use super::body::Body;
use super::emit::{self, Address};
use crate::model::Cell;
use crate::model::scalar;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::FunctionBuilderContext;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Linkage, Module, default_libcall_names};
use rustc_hash::FxHashMap;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// What machine code is given, and where it leaves what the interpreter goes on with.
#[repr(C)]
pub(super) struct Context {
    pub machine: *mut Machine,
    /// The return stack may be this high at a call.
    pub r_limit: *mut Cell,
    /// Where the interpreter goes on: the number of an instruction, the place of the top item, the next free place of the
    /// return stack, the first own cell there.
    pub ip: u64,
    pub sp: *mut Cell,
    pub rp: *mut Cell,
    pub r_base: *mut Cell,
    trap: Option<TrapKind>,
    panic: Option<Box<dyn Any + Send>>,
}

/// What machine code returns: how it ended, and the fuel left.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Ended {
    status: u64,
    fuel: i64,
}

/// The word has returned.
pub(super) const RETURNED: u64 = 0;
/// The interpreter goes on.
pub(super) const STOPPED: u64 = 1;
/// A word done out of line trapped or panicked.
pub(super) const TRAPPED: u64 = 2;

/// The context, the place of the top item at the word's entry, the first own cell of the return stack, the fuel, and
/// which entry.
type Function = unsafe extern "C" fn(*mut Context, *mut Cell, *mut Cell, i64, u64) -> Ended;

/// Frames of machine code that may lie on the host's stack at a time. One takes at most about a kilobyte.
const FRAMES_MAX: usize = 256;

/// Fuel that machine code gets at a time, so that a program can be interrupted.
const FUEL_MAX: i64 = 20_000_000;

/// Words compiled for one word, calls of calls included.
const CALLS_DEEP: u32 = 16;

struct NativeWord {
    enter: u32,
    function: Function,
    /// `a` of its `More` before it had machine code.
    mark: u8,
    /// `b` of its `More`, which is 0 while it has machine code, so that calls look here.
    r_span: u16,
    /// Change of the data stack's depth.
    delta: i8,
    /// Rises when it ran for a while, falls when it stopped at once.
    score: i32,
}

/// Below this score a word is interpreted again.
const SCORE_MIN: i32 = -50;
const SCORE_MAX: i32 = 50;
/// Fuel that an entry into machine code is worth.
const WORTHWHILE: i64 = 32;

/// Where machine code can be entered.
#[derive(Clone, Copy)]
struct Entry {
    word: u32,
    number: u32,
    /// The data stack's depth there, relative to the word's entry.
    depth: i32,
}

/// Machine code of words.
///
/// Invariants:
/// 1. A `Function` was made by `emit` from the instructions that `code` still has for that word, for the machine that it
///    is called with: `clear` comes before any of these instructions change or go, and one engine has one machine, whose
///    stacks and data space stay where they are.
/// 2. It is entered with the depths that its body was scanned with, in a frame of which the interpreter or other machine
///    code found that the word's proven bounds fit on both stacks.
/// 3. The module that owns the memory of all functions lives as long as they can be called.
pub(super) struct Compiled {
    /// `None` only while being dropped.
    module: Option<JITModule>,
    builder: FunctionBuilderContext,
    words: Vec<NativeWord>,
    by_enter: FxHashMap<u32, u32>,
    entries: FxHashMap<u32, Entry>,
}

impl Compiled {
    /// A compiler for this machine. `None` where there is none.
    pub fn new() -> Option<Self> {
        let mut flags = settings::builder();
        for (name, value) in [
            ("opt_level", "speed"),
            ("use_colocated_libcalls", "false"),
            ("is_pic", "false"),
            ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
            ("enable_probestack", "false"),
        ] {
            flags.set(name, value).ok()?;
        }
        let isa = cranelift_native::builder().ok()?.finish(settings::Flags::new(flags)).ok()?;
        let module = JITModule::new(JITBuilder::with_isa(isa, default_libcall_names()));
        Some(Self {
            module: Some(module),
            builder: FunctionBuilderContext::new(),
            words: Vec::new(),
            by_enter: FxHashMap::default(),
            entries: FxHashMap::default(),
        })
    }

    /// What `prove` wrote about the return stack of a word that has machine code.
    pub fn r_span(&self, enter: usize) -> Option<u16> {
        let word = self.by_enter.get(&(enter as u32))?;
        Some(self.words[*word as usize].r_span)
    }

    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Makes machine code of the word with this `Enter` and of what it calls. False where that cannot be done.
    pub fn compile(&mut self, code: &mut Code, machine: &Machine, enter: usize) -> bool {
        self.compile_deep(code, machine, enter, CALLS_DEEP)
    }

    fn compile_deep(&mut self, code: &mut Code, machine: &Machine, enter: usize, deep: u32) -> bool {
        if self.by_enter.contains_key(&(enter as u32)) {
            return true;
        }
        if code.instrs[enter].b == UNPROVEN || deep == 0 {
            return false;
        }
        let Some(body) = Body::of(code, enter) else { return false };
        let mut calls = body.calls.clone();
        calls.sort_unstable();
        calls.dedup();
        // Of words that have none, the interpreter does the call.
        let mut known: FxHashMap<u32, Address> = FxHashMap::default();
        for callee in calls {
            if self.compile_deep(code, machine, callee as usize, deep - 1) {
                let word = &self.words[self.by_enter[&callee] as usize];
                known.insert(callee, Address(word.function as usize));
            }
        }
        let Some((function, entries)) = self.define(code, machine, enter, &body, &known) else {
            return false;
        };
        let number = self.words.len() as u32;
        let [head, more] = [code.instrs[enter], code.instrs[enter + 1]];
        self.words.push(NativeWord {
            enter: enter as u32,
            function,
            mark: more.a,
            r_span: more.b,
            delta: head.a as i8,
            score: 0,
        });
        self.by_enter.insert(enter as u32, number);
        for (n, (at, depth)) in entries.into_iter().enumerate() {
            self.entries.insert(at, Entry { word: number, number: n as u32, depth });
        }
        code.instrs[enter + 1].a = NATIVE;
        code.instrs[enter + 1].b = 0;
        true
    }

    /// Makes the function, and says where it can be entered.
    #[allow(clippy::type_complexity, reason = "one caller")]
    fn define(
        &mut self,
        code: &Code,
        machine: &Machine,
        enter: usize,
        body: &Body,
        calls: &FxHashMap<u32, Address>,
    ) -> Option<(Function, Vec<(u32, i32)>)> {
        let module = self.module.as_mut()?;
        let mut context = module.make_context();
        context.func.signature = emit::signature(module);
        let name = format!("word{enter}");
        let id = module.declare_function(&name, Linkage::Export, &context.func.signature).ok()?;
        let itself = module.declare_func_in_func(id, &mut context.func);
        let place = emit::Place::of(machine);
        let entries =
            emit::function(&mut context.func, &mut self.builder, code, enter, body, calls, itself, &place);
        module.define_function(id, &mut context).ok()?;
        module.clear_context(&mut context);
        module.finalize_definitions().ok()?;
        let address = module.get_finalized_function(id);
        // SAFETY: `emit::signature` is the signature of `Function`, by the host's calling convention.
        let function = unsafe { std::mem::transmute::<*const u8, Function>(address) };
        Some((function, entries))
    }

    /// Runs machine code from where the machine stands. `None` where there is none for it.
    pub fn run(&mut self, m: &mut Machine, code: &mut Code) -> Option<Ran> {
        let entry = *self.entries.get(&u32::try_from(m.ip).ok()?)?;
        let word = &self.words[entry.word as usize];
        if word.score < SCORE_MIN {
            return None;
        }
        let (function, delta) = (word.function, word.delta);
        let left = m.fuel_left();
        let fuel = left.min(FUEL_MAX);
        m.reserve = left - fuel;
        let bottom = m.returns.as_ptr();
        let frames = FRAMES_MAX.min((m.rp_max - m.r_base).saturating_sub(super::body::CELLS_MAX as usize));
        // SAFETY: `r_base` is at most `rp_max`, and `frames` is what is left above it or less; `sp` less the depth is where
        // the top was at the word's entry, which may be the unused cell below the first.
        let (r_base, r_limit, sp) = unsafe {
            let r_base = bottom.add(m.r_base);
            (r_base, r_base.add(frames), m.stack.as_ptr().add(m.sp).offset(-entry.depth as isize))
        };
        let mut context = Context {
            machine: m,
            r_limit,
            ip: 0,
            sp: std::ptr::null_mut(),
            rp: std::ptr::null_mut(),
            r_base: std::ptr::null_mut(),
            trap: None,
            panic: None,
        };
        // SAFETY: the invariants of `Compiled`. `m` is not used while the function runs but through the context.
        let ended = unsafe { function(&mut context, sp, r_base, fuel, entry.number as u64) };
        let Context { ip, sp: stopped_sp, rp, r_base: stopped_base, trap, panic, .. } = context;
        m.fuel = ended.fuel;
        let cells = |place: *mut Cell, base: *mut Cell| (place.addr() - base.addr()) / size_of::<Cell>();
        let ran = match ended.status {
            RETURNED => {
                // As the interpreter's `Return`.
                m.rp = m.r_base - 1;
                let frame = Frame(m.returns.as_slice()[m.rp]);
                m.sp = (cells(sp, m.stack.as_ptr()) as isize + delta as isize) as usize;
                m.r_base = frame.r_base();
                m.ip = frame.ip();
                m.checked = frame.checked();
                Ran::Returned
            }
            STOPPED => {
                m.ip = ip as usize;
                m.sp = cells(stopped_sp, m.stack.as_ptr());
                m.rp = cells(rp, bottom);
                m.r_base = cells(stopped_base, bottom);
                m.checked = false;
                Ran::Stopped
            }
            _ => {
                if let Some(panic) = panic {
                    resume_unwind(panic);
                }
                m.ip = ip as usize;
                Ran::Trapped(trap.unwrap_or(TrapKind::Fuel))
            }
        };
        let word = &mut self.words[entry.word as usize];
        let gain = if left - m.fuel_left() < WORTHWHILE { -1 } else { 1 };
        word.score = (word.score + gain).min(SCORE_MAX);
        if word.score < SCORE_MIN {
            code.instrs[word.enter as usize + 1].a = word.mark;
            code.instrs[word.enter as usize + 1].b = word.r_span;
        }
        Some(ran)
    }

    /// Makes all words interpreted words again.
    pub fn clear(&mut self, code: &mut Code) {
        for word in self.words.drain(..) {
            if let Some(more) = code.instrs.get_mut(word.enter as usize + 1) {
                more.a = word.mark;
                more.b = word.r_span;
            }
        }
        self.by_enter.clear();
        self.entries.clear();
    }
}

impl Drop for Compiled {
    fn drop(&mut self) {
        if let Some(module) = self.module.take() {
            // SAFETY: the functions are only called through this value, which is going.
            unsafe { module.free_memory() };
        }
    }
}

/// Does a word out of line, `number` in the low half of `which`, its instruction's number in the high half.
pub(super) extern "C" fn do_word(context: *mut Context, sp: *mut Cell, fuel: i64, which: u64) -> Ended {
    // SAFETY: machine code hands over the context that it was given, which nothing else refers to while it runs; the
    // machine likewise.
    let (context, m) = unsafe {
        let context = &mut *context;
        let machine = context.machine;
        (context, &mut *machine)
    };
    m.sp = (sp.addr() - m.stack.as_ptr().addr()) / size_of::<Cell>();
    m.fuel = fuel;
    let word = WORDS[which as u32 as usize].word;
    context.ip = which >> 32;
    // A panic must not run through machine code, which does not know how to unwind.
    let done = catch_unwind(AssertUnwindSafe(|| prims::run(word, m)));
    let status = match done {
        Ok(Ok(())) => RETURNED,
        Ok(Err(trap)) => {
            context.trap = Some(trap);
            TRAPPED
        }
        Err(panic) => {
            context.panic = Some(panic);
            TRAPPED
        }
    };
    Ended { status, fuel: m.fuel }
}

/// Notes that the cell at `offset`, or its first byte, is about to be written.
pub(super) extern "C" fn note(context: *mut Context, offset: u64) {
    // SAFETY: as in `do_word`; `offset` was compared with the size of data space.
    let m = unsafe { &mut *(*context).machine };
    m.memory.note_line(offset as usize);
}

/// Quotient and remainder of `um/mod`, in the place of an [`Ended`]. They exist: machine code has compared.
pub(super) extern "C" fn um_slash_mod(low: u64, high: u64, divisor: u64) -> Ended {
    let (quotient, remainder) =
        scalar::um_slash_mod((high as u128) << 64 | low as u128, divisor).unwrap_or_default();
    Ended { status: quotient, fuel: remainder as i64 }
}
