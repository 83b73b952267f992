//! Machine code for words that run long. The run loop gets its fuel in pieces; whenever a piece is used up, the word that
//! runs is sampled, and one that is met often is compiled, with what it calls (`emit`, by Cranelift). Results and fuel are
//! the interpreter's: machine code does only what cannot fail. Wherever an instruction would trap, needs the host, or
//! fuel or room run short, it stops before that instruction with the machine as the interpreter expects it, and the
//! interpreter does the rest.
//!
//! Only words whose stack depths are proven are compiled (`prove`); while one runs, its cells live in registers.

#[cfg(all(feature = "machine-code", unix, any(target_arch = "x86_64", target_arch = "aarch64")))]
mod body;
#[cfg(all(feature = "machine-code", unix, any(target_arch = "x86_64", target_arch = "aarch64")))]
mod compiled;
#[cfg(all(feature = "machine-code", unix, any(target_arch = "x86_64", target_arch = "aarch64")))]
mod emit;

#[cfg(all(feature = "machine-code", unix, any(target_arch = "x86_64", target_arch = "aarch64")))]
use compiled::Compiled;

use super::bytecode::{NATIVE, UNPROVEN};
use super::code::Code;
use super::machine::Machine;
use super::trap::TrapKind;

/// How machine code ended.
#[cfg_attr(not(feature = "machine-code"), allow(dead_code, reason = "machine code alone ends so"))]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ran {
    /// The word that was entered has returned.
    Returned,
    /// The interpreter goes on where the machine stands.
    Stopped,
    /// A word done out of line ended in an exception.
    Trapped(TrapKind),
}

/// When a word is compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Policy {
    /// Fuel between two samples as long as nothing is compiled.
    pub piece: i64,
    /// The same when something is, so that a run that fell out of machine code soon comes back to it.
    pub piece_compiled: i64,
    /// Samples that make a word worth it.
    pub samples: u32,
}

impl Default for Policy {
    /// Compiling a word takes about as long as interpreting a quarter of a million instructions.
    fn default() -> Self {
        Self { piece: 50_000, piece_compiled: 4_000, samples: 6 }
    }
}

/// Without a compiler for this machine nothing is ever compiled.
#[cfg(not(all(feature = "machine-code", unix, any(target_arch = "x86_64", target_arch = "aarch64"))))]
struct Compiled;

#[cfg(not(all(feature = "machine-code", unix, any(target_arch = "x86_64", target_arch = "aarch64"))))]
impl Compiled {
    fn new() -> Option<Self> {
        None
    }

    fn r_span(&self, _enter: usize) -> Option<u16> {
        None
    }

    fn compile(&mut self, _code: &mut Code, _machine: &Machine, _enter: usize) -> bool {
        false
    }

    fn run(&mut self, _machine: &mut Machine, _code: &mut Code) -> Option<Ran> {
        None
    }

    fn clear(&mut self, _code: &mut Code) {}

    #[cfg(test)]
    fn len(&self) -> usize {
        0
    }

    fn is_empty(&self) -> bool {
        true
    }
}

/// The machine code of one engine.
#[derive(Default)]
pub(super) struct Natives {
    policy: Policy,
    /// Words met by samples, by their `Enter`s: how often, or [`GIVEN_UP`].
    samples: Vec<(u32, u32)>,
    compiled: Option<Box<Compiled>>,
    /// Nothing here knows of code from here on.
    end: usize,
    /// No compiler for this machine, or it failed to start.
    unavailable: bool,
}

/// Instead of a number of samples: not to be compiled.
const GIVEN_UP: u32 = u32::MAX;

/// Words that are counted at a time; with one more, counting starts anew.
const SAMPLED: usize = 64;

impl Natives {
    /// Changes when words are compiled.
    #[cfg(any(test, fuzzing))]
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// Fuel between two samples.
    #[inline]
    pub fn piece(&self) -> i64 {
        match &self.compiled {
            _ if self.unavailable => i64::MAX,
            Some(compiled) if !compiled.is_empty() => self.policy.piece_compiled,
            _ => self.policy.piece,
        }
    }

    /// Whether something here knows of code at `len` or behind.
    #[inline(always)]
    pub fn reaches(&self, len: usize) -> bool {
        self.end > len
    }

    /// The highest return depth at the entry of the word with this `Enter`, as `prove` wrote it.
    pub fn r_span(&self, code: &Code, enter: usize) -> u16 {
        let compiled = self.compiled.as_ref().and_then(|compiled| compiled.r_span(enter));
        compiled.unwrap_or(code.instrs[enter + 1].b)
    }

    /// The word with this `Enter` was running when a piece of fuel was used up.
    #[cold]
    pub fn sample(&mut self, code: &mut Code, machine: &Machine, enter: usize) {
        let [head, more] = [code.instrs[enter], code.instrs[enter + 1]];
        if head.b == UNPROVEN || more.a & NATIVE != 0 || self.unavailable {
            return;
        }
        self.end = self.end.max(enter + 1);
        let at = match self.samples.iter().position(|(known, _)| *known == enter as u32) {
            Some(at) => at,
            None => {
                if self.samples.len() == SAMPLED {
                    self.samples.clear();
                }
                self.samples.push((enter as u32, 0));
                self.samples.len() - 1
            }
        };
        if self.samples[at].1 == GIVEN_UP {
            return;
        }
        self.samples[at].1 += 1;
        if self.samples[at].1 >= self.policy.samples {
            self.samples[at].1 = GIVEN_UP;
            if self.compiled.is_none() {
                self.compiled = Compiled::new().map(Box::new);
                self.unavailable = self.compiled.is_none();
            }
            if let Some(compiled) = &mut self.compiled {
                compiled.compile(code, machine, enter);
                // What it calls may lie anywhere below it.
                self.end = self.end.max(code.instrs.len());
            }
        }
    }

    /// Runs machine code from where the machine stands, if there is any for it.
    #[cold]
    pub fn run(&mut self, machine: &mut Machine, code: &mut Code) -> Option<Ran> {
        self.compiled.as_mut()?.run(machine, code)
    }

    /// Forgets all machine code, as some of the code it was made from is about to change or go.
    #[cold]
    pub fn clear(&mut self, code: &mut Code) {
        if let Some(mut compiled) = self.compiled.take() {
            compiled.clear(code);
        }
        self.samples.clear();
        self.end = 0;
    }

    /// Compiles a word now. False where that cannot be done.
    #[cfg(any(test, fuzzing))]
    pub fn force(&mut self, code: &mut Code, machine: &Machine, enter: usize) -> bool {
        self.end = code.instrs.len();
        if self.compiled.is_none() {
            self.compiled = Compiled::new().map(Box::new);
        }
        self.compiled.as_mut().is_some_and(|compiled| compiled.compile(code, machine, enter))
    }

    /// How many words have machine code.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.compiled.as_ref().map_or(0, |compiled| compiled.len())
    }
}
