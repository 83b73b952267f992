//! What machine code must know of a word before any is made: which instructions are reached, at what depths, and where
//! control comes together.

use super::super::bytecode::{Instr, Jumps, Op, UNPROVEN};
use super::super::code::Code;
use super::super::executor::effect_of;
use super::super::words::{WORDS, Word};

/// Depths relative to the entry of the word: data stack, return stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Depths {
    pub d: i32,
    pub r: i32,
}

/// How control comes to an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Reached {
    /// By a jump.
    pub jumped: bool,
    /// The interpreter may enter machine code here.
    pub entry: bool,
}

/// A word as machine code sees it.
pub(super) struct Body {
    /// The first instruction.
    pub first: usize,
    /// Depths at each instruction from `first` on; `None` where control never comes.
    depths: Vec<Option<Depths>>,
    reached: Vec<Reached>,
    /// Cells below the top at entry that the word touches.
    pub need: i32,
    /// The highest depth of the data stack.
    pub high: i32,
    /// The highest depth of the return stack.
    pub r_high: i32,
    /// `Enter`s of the words it calls.
    pub calls: Vec<u32>,
}

/// Longer words are not compiled.
const LENGTH_MAX: usize = 4000;

/// Words with more cells are not compiled: a frame of machine code must stay small, and one word of bits tells of them.
pub(super) const CELLS_MAX: i32 = 60;

impl Body {
    /// Looks at the word with this `Enter`. `None` where machine code cannot do it.
    pub fn of(code: &Code, enter: usize) -> Option<Self> {
        let first = enter + 2;
        let mut body = Self {
            first,
            depths: Vec::new(),
            reached: Vec::new(),
            need: 0,
            high: 0,
            r_high: 0,
            calls: Vec::new(),
        };
        body.reach(first, Depths { d: 0, r: 0 })?.entry = true;
        let mut open = vec![first];
        while let Some(at) = open.pop() {
            let now = body.depths(at)?;
            let (next, jump) = body.pass(code, enter, at, now)?;
            if let Some((to, depths)) = jump {
                let is_new = body.depths(to).is_none();
                let reached = body.reach(to, depths)?;
                reached.jumped = true;
                reached.entry |= to <= at;
                if is_new {
                    open.push(to);
                }
            }
            if let Some(depths) = next {
                let is_new = body.depths(at + 1).is_none();
                let reached = body.reach(at + 1, depths)?;
                reached.entry |= code.instrs[at].op == Op::Call;
                if is_new {
                    open.push(at + 1);
                }
            }
        }
        let cells = body.need + body.high;
        (cells <= CELLS_MAX && body.r_high <= CELLS_MAX).then_some(body)
    }

    /// The depths at an instruction; `None` where control never comes.
    pub fn depths(&self, at: usize) -> Option<Depths> {
        *self.depths.get(at.checked_sub(self.first)?)?
    }

    /// How control comes to an instruction.
    pub fn reached(&self, at: usize) -> Reached {
        self.reached[at - self.first]
    }

    /// The instructions that control reaches, in order.
    pub fn instructions(&self) -> impl Iterator<Item = (usize, Depths)> {
        (self.first..).zip(&self.depths).filter_map(|(at, depths)| Some((at, (*depths)?)))
    }

    /// Notes that control comes to `at`. `None` where it came there with other depths, or too far away.
    fn reach(&mut self, at: usize, depths: Depths) -> Option<&mut Reached> {
        let index = at.checked_sub(self.first).filter(|index| *index < LENGTH_MAX)?;
        if self.depths.len() <= index {
            self.depths.resize(index + 1, None);
            self.reached.resize(index + 1, Reached::default());
        }
        if *self.depths[index].get_or_insert(depths) != depths {
            return None;
        }
        Some(&mut self.reached[index])
    }

    /// Passes one instruction: the depths behind it, where control goes there, and where it may jump to.
    #[allow(clippy::type_complexity, reason = "one caller")]
    fn pass(
        &mut self,
        code: &Code,
        enter: usize,
        at: usize,
        now: Depths,
    ) -> Option<(Option<Depths>, Option<(usize, Depths)>)> {
        let instr = code.instrs[at];
        let after = self.effect(code, enter, instr, now)?;
        let target = instr.c as usize;
        let depths = |d: i32, r: i32| Depths { d: now.d + d, r: now.r + r };
        Some(match instr.op {
            op if leaves(op) => (None, None),
            Op::Return => (None, None),
            Op::QDupBranchZero => (Some(now), Some((target, depths(-1, 0)))),
            Op::QDupBranchNonZero => (Some(depths(-1, 0)), Some((target, now))),
            Op::Of => (Some(after), Some((target, depths(-1, 0)))),
            Op::QDo => (Some(after), Some((target, depths(-2, 0)))),
            Op::Loop => (Some(after), Some((target, now))),
            Op::PlusLoop => (Some(after), Some((target, depths(-1, 0)))),
            op => match op.jumps() {
                Jumps::Nowhere => (Some(after), None),
                Jumps::Perhaps => (Some(after), Some((target, after))),
                Jumps::Always => (None, Some((target, after))),
            },
        })
    }

    /// The depths behind an instruction where control goes on, and what it touches on the way.
    fn effect(&mut self, code: &Code, enter: usize, instr: Instr, now: Depths) -> Option<Depths> {
        if leaves(instr.op) {
            return Some(now);
        }
        let (need, peak, delta, r_delta) = match instr.op {
            // Not in proven words, or nothing that machine code does.
            Op::Head | Op::Enter | Op::More | Op::Stop | Op::CatchEnd | Op::Execute | Op::Catch => {
                return None;
            }
            Op::QDup | Op::NToR | Op::NRFrom => return None,
            // It moves cells that belong to callers.
            Op::Prim if WORDS[instr.c as usize].word == Word::Roll => return None,
            Op::Call => {
                let callee = code.instrs[instr.c as usize];
                if callee.b == UNPROVEN {
                    return None;
                }
                if instr.c as usize != enter {
                    self.calls.push(instr.c as u32);
                }
                let delta = callee.a as i8 as i32;
                // A call to itself looks for its cells when it comes to it.
                let need = if instr.c as usize == enter { 0 } else { callee.b as i32 };
                (need, delta.max(0), delta, 0)
            }
            Op::PickAt => (instr.c.checked_add(1)?, 1, 1, 0),
            _ => {
                let effect = effect_of(instr);
                (effect.need as i32, effect.peak as i32, effect.delta as i32, effect.r_delta as i32)
            }
        };
        self.need = self.need.max(need - now.d);
        let after = Depths { d: now.d + delta, r: now.r + r_delta };
        self.high = self.high.max(now.d + peak).max(after.d);
        self.r_high = self.r_high.max(after.r);
        Some(after)
    }
}

/// Whether machine code stops before this operation for good: ends of programs, and what the engine does itself.
pub(super) fn leaves(op: Op) -> bool {
    matches!(op, Op::Throw | Op::CompileOnly | Op::Host | Op::SetDoes)
}
