//! The proof of stack depths. One pass over the finished instructions of a word finds how many cells it needs and how
//! high it goes, when that is the same on every path. A proven word is entered after one comparison and runs without a
//! check on its stacks; any other runs checked. The proof reads nothing but the instructions themselves, so it does not
//! depend on what the compiler meant.

use super::bytecode::{Effect, Instr, Jumps, LEAF, Op, PLAIN, UNPROVEN};
use super::words::WORDS;

/// What the stacks may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub sp_max: usize,
    pub rp_max: usize,
}

/// Depths relative to the entry of the word: data stack, return stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Depths {
    d: i32,
    r: i32,
}

/// Where control has not come from anywhere yet: the return stack is never lower than at the entry.
const UNKNOWN: Depths = Depths { d: 0, r: -1 };

/// Depths at each instruction of the word being proven; the space is kept between words.
#[derive(Default)]
pub(super) struct Prover {
    at: Vec<Depths>,
    /// The same for leaves: the number of the proof in the upper half, so that what an earlier one noted counts as
    /// nothing, and the depth of the data stack in the lower.
    leaf: Vec<u64>,
    proof: u32,
}

/// What is found on the way.
struct Bounds {
    low: i32,
    high: i32,
    r_high: i32,
    /// Change of depth from entry to return, once some return is seen.
    delta: Option<i32>,
    /// A call to itself was met before `delta` was known.
    pending: bool,
}

impl Bounds {
    fn new(delta: Option<i32>) -> Self {
        Self { low: 0, high: 0, r_high: 0, delta, pending: false }
    }

    #[inline(always)]
    fn pass_plain(&mut self, now: &mut Depths, effect: Effect) {
        self.low = self.low.min(now.d - effect.need as i32);
        self.high = self.high.max(now.d + effect.peak as i32);
        now.d += effect.delta as i32;
    }

    #[inline(always)]
    fn pass(&mut self, now: &mut Depths, effect: Effect) -> Option<()> {
        let r = now.r;
        self.pass_plain(now, effect);
        if r < effect.r_need as i32 {
            return None;
        }
        now.r += effect.r_delta as i32;
        self.r_high = self.r_high.max(now.r);
        Some(())
    }
}

impl Prover {
    /// Proves the word whose `Enter` is at `enter` and whose last instruction comes before `end`, and writes what it
    /// found into the header. Leaves the word unproven where there is no proof.
    #[inline(always)]
    pub fn prove(&mut self, instrs: &mut [Instr], enter: usize, end: usize, has_jumps: bool, room: Room) {
        let word = &mut instrs[enter..end];
        let done = if has_jumps { self.prove_leaf(word, enter, room) } else { prove_line(word, room) };
        if !done {
            self.prove_any(instrs, enter, end, has_jumps, room);
        }
    }

    /// The same for a word of which nobody knows whether it jumps.
    pub fn prove_any_class(&mut self, instrs: &mut [Instr], enter: usize, end: usize, room: Room) {
        if !prove_line(&mut instrs[enter..end], room) {
            self.prove(instrs, enter, end, true, room);
        }
    }

    /// Proves a word that is a leaf, whose `Enter` is at `enter`. False where it is none or there is no proof.
    #[inline(never)]
    fn prove_leaf(&mut self, word: &mut [Instr], enter: usize, room: Room) -> bool {
        let [head, more, body @ ..] = word else { return false };
        match self.leaf(body, enter + 2) {
            Some(bounds) => {
                write(head, more, &bounds, room, LEAF);
                true
            }
            None => false,
        }
    }

    /// The walk over a leaf, whose first instruction is number `first`: as `walk`, with one stack, no calls, and all that
    /// the next instruction needs in registers.
    #[inline(always)]
    fn leaf(&mut self, body: &[Instr], first: usize) -> Option<Bounds> {
        if self.leaf.len() < body.len() || self.proof == u32::MAX {
            self.leaf.clear();
            self.leaf.resize(body.len().next_power_of_two(), 0);
            self.proof = 0;
        }
        self.proof += 1;
        let proof = (self.proof as u64) << 32;
        let seen = &mut self.leaf[..body.len()];
        let (mut d, mut low, mut high) = (0_i32, 0, 0);
        let mut delta = None;
        let mut live = true;
        for (at, instr) in body.iter().enumerate() {
            let known = seen[at];
            if known >= proof {
                if live && known as i32 != d {
                    return None;
                }
                d = known as i32;
            } else if live {
                seen[at] = proof | d as u32 as u64;
            } else {
                continue;
            }
            let op = instr.op;
            let effect = op.effect();
            low = low.min(d - effect.need as i32);
            high = high.max(d + effect.peak as i32);
            d += effect.delta as i32;
            live = true;
            if op.is_plain() {
                continue;
            }
            live = op.jumps() == Jumps::Perhaps;
            if op == Op::Return {
                if instr.a != 0 || *delta.get_or_insert(d) != d {
                    return None;
                }
                continue;
            }
            if !op.is_leaf() {
                return None;
            }
            let target = (instr.c as usize).wrapping_sub(first);
            let there = seen.get_mut(target)?;
            let now = proof | d as u32 as u64;
            if *there < proof && target > at {
                *there = now;
            }
            if *there != now {
                return None;
            }
        }
        // Control must not run off the end.
        (!live).then_some(Bounds { low, high, r_high: 0, delta, pending: false })
    }

    #[inline(never)]
    fn prove_any(&mut self, instrs: &mut [Instr], enter: usize, end: usize, has_jumps: bool, room: Room) {
        let found = if has_jumps {
            self.walk::<true>(instrs, enter, end, None)
        } else {
            self.walk::<false>(instrs, enter, end, None)
        };
        let found = match found {
            Some(bounds) if bounds.pending => {
                let delta = bounds.delta.or(Some(0));
                self.walk::<true>(instrs, enter, end, delta)
            }
            found => found,
        };
        if let (Some(bounds), [enter, more, ..]) = (found, &mut instrs[enter..]) {
            write(enter, more, &bounds, room, 0);
        }
    }

    #[inline(always)]
    fn walk<const JUMPS: bool>(
        &mut self,
        instrs: &[Instr],
        enter: usize,
        end: usize,
        delta: Option<i32>,
    ) -> Option<Bounds> {
        let first = enter + 2;
        if JUMPS {
            self.at.clear();
            self.at.resize(end - first, UNKNOWN);
        }
        let mut bounds = Bounds::new(delta);
        let mut now = Depths { d: 0, r: 0 };
        let mut live = true;
        for at in first..end {
            if JUMPS {
                let known = &mut self.at[at - first];
                match (*known == UNKNOWN, live) {
                    (true, true) => *known = now,
                    (true, false) => continue,
                    (false, true) if *known != now => return None,
                    (false, _) => now = *known,
                }
            } else if !live {
                continue;
            }
            let op = instrs[at].op;
            if op.is_plain() {
                bounds.pass_plain(&mut now, op.effect());
                live = true;
                continue;
            }
            live = self.step::<JUMPS>(instrs, enter, at, &mut now, &mut bounds)?;
        }
        // Control must not run off the end.
        (!live).then_some(bounds)
    }

    /// Passes one instruction. Says whether control goes on behind it; `None` is the end of the proof.
    #[inline(always)]
    fn step<const JUMPS: bool>(
        &mut self,
        instrs: &[Instr],
        enter: usize,
        at: usize,
        now: &mut Depths,
        bounds: &mut Bounds,
    ) -> Option<bool> {
        let instr = instrs[at];
        match instr.op {
            Op::Head | Op::Enter | Op::More | Op::Stop | Op::CatchEnd => return None,
            Op::CompileOnly => return Some(false),
            Op::Execute | Op::Catch | Op::QDup | Op::NToR | Op::NRFrom => return None,
            Op::Return => {
                if now.r != instr.a as i32 || *bounds.delta.get_or_insert(now.d) != now.d {
                    return None;
                }
                return Some(false);
            }
            Op::Call if instr.c as usize == enter => match bounds.delta {
                Some(delta) => bounds.pass(now, Effect::new(0, 0, 0, 0)).map(|()| now.d += delta)?,
                None => {
                    bounds.pending = true;
                    return Some(false);
                }
            },
            Op::Call => {
                let callee = instrs[instr.c as usize];
                if callee.b == UNPROVEN {
                    return None;
                }
                bounds.low = bounds.low.min(now.d - callee.b as i32);
                now.d += callee.a as i8 as i32;
            }
            Op::Prim | Op::Host => {
                let row = &WORDS[instr.c as usize];
                if !is_static(row.word) {
                    return None;
                }
                bounds.pass(now, Effect::new(row.n_in, row.n_out, 0, 0))?;
            }
            Op::PickAt => {
                bounds.low = bounds.low.min(now.d - 1 - instr.c);
                bounds.pass(now, instr.op.effect())?;
            }
            Op::LocalsInit => {
                if now.r != instr.b as i32 {
                    return None;
                }
                bounds.pass(now, Effect::new(instr.a, 0, 0, instr.a))?;
            }
            Op::LocalGet | Op::LocalSet => {
                if now.r <= instr.c {
                    return None;
                }
                bounds.pass(now, instr.op.effect())?;
            }
            Op::QDupBranchZero if JUMPS => {
                bounds.pass(now, instr.op.effect())?;
                bounds.low = bounds.low.min(now.d - 1);
                self.jump(instr.c, enter, at, Depths { d: now.d - 1, r: now.r })?;
            }
            Op::QDupBranchNonZero if JUMPS => {
                self.jump(instr.c, enter, at, *now)?;
                bounds.pass(now, instr.op.effect())?;
            }
            Op::Of if JUMPS => {
                bounds.pass(now, instr.op.effect())?;
                self.jump(instr.c, enter, at, Depths { d: now.d + 1, r: now.r })?;
            }
            Op::QDo if JUMPS => {
                bounds.pass(now, instr.op.effect())?;
                self.jump(instr.c, enter, at, Depths { d: now.d, r: now.r - 2 })?;
            }
            Op::Loop | Op::PlusLoop if JUMPS => {
                bounds.pass(now, instr.op.effect())?;
                self.jump(instr.c, enter, at, Depths { d: now.d, r: now.r + 2 })?;
            }
            Op::QDupBranchZero | Op::QDupBranchNonZero | Op::Of | Op::QDo | Op::Loop | Op::PlusLoop => {
                return None;
            }
            op => {
                bounds.pass(now, op.effect())?;
                match op.jumps() {
                    Jumps::Nowhere => {}
                    _ if !JUMPS => return None,
                    Jumps::Perhaps => self.jump(instr.c, enter, at, *now)?,
                    Jumps::Always => {
                        self.jump(instr.c, enter, at, *now)?;
                        return Some(false);
                    }
                }
            }
        }
        Some(true)
    }

    /// Control may also come to `target` with these depths. A target behind `at` must be known already.
    fn jump(&mut self, target: i32, enter: usize, at: usize, depths: Depths) -> Option<()> {
        let target = target as usize;
        let known = self.at.get_mut(target.checked_sub(enter + 2)?)?;
        if *known != UNKNOWN {
            return (*known == depths).then_some(());
        }
        *known = depths;
        (target > at).then_some(())
    }
}

/// Proves a word that is a straight line. False for any other.
// Out of line: amid `define` the loop kept half of what it needs in memory.
#[inline(never)]
fn prove_line(word: &mut [Instr], room: Room) -> bool {
    let [enter, more, line @ .., Instr { op: Op::Return, a: 0, .. }] = word else { return false };
    match straight_line(line) {
        Some(bounds) => {
            write(enter, more, &bounds, room, PLAIN);
            true
        }
        None => false,
    }
}

/// The bounds of plain operations, which need no walk. `None` where there is any other.
#[inline(always)]
fn straight_line(line: &[Instr]) -> Option<Bounds> {
    let (mut d, mut low, mut high) = (0, 0, 0);
    for instr in line {
        if !instr.op.is_plain() {
            return None;
        }
        let effect = instr.op.effect();
        low = low.min(d - effect.need as i32);
        high = high.max(d + effect.peak as i32);
        d += effect.delta as i32;
    }
    Some(Bounds { low, high, r_high: 0, delta: Some(d), pending: false })
}

/// Whether a word done out of line or by the host has the effect that the table says, always.
pub(super) fn is_static(word: super::words::Word) -> bool {
    use super::words::{Kind, Word};
    match word {
        Word::Roll | Word::Abort | Word::AbortWith | Word::DeferStore | Word::DeferFetch => true,
        // Acts in another way while compiling.
        _ if super::image::is_immediate(word) => false,
        _ => word.def().kind != Kind::Dynamic,
    }
}

fn write(enter: &mut Instr, more: &mut Instr, bounds: &Bounds, room: Room, mark: u8) {
    let need = -bounds.low as usize;
    let span = room.sp_max.checked_sub(need + bounds.high as usize);
    let r_span = room.rp_max.checked_sub(bounds.r_high as usize);
    let delta = i8::try_from(bounds.delta.unwrap_or(0));
    if let (Some(span), Some(r_span), Ok(delta), true) = (span, r_span, delta, need < UNPROVEN as usize) {
        (enter.a, enter.b, enter.c) = (delta as u8, need as u16, span as i32);
        (more.a, more.b) = (mark, r_span as u16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forth::bytecode::ALL_OPS;
    use crate::forth::words::Word;

    const ROOM: Room = Room { sp_max: 1024, rp_max: 1024 };

    /// Cells needed, change of depth and greatest growth; `None` where there is no proof.
    fn check(body: &[Instr], expect: Option<(u16, i8, i32)>) {
        let mut instrs = vec![Instr::new(Op::Head), Instr { op: Op::Enter, a: 0, b: UNPROVEN, c: 0 }];
        instrs.push(Instr::new(Op::More));
        instrs.extend_from_slice(body);
        let end = instrs.len();
        Prover::default().prove(&mut instrs, 1, end, true, ROOM);
        let enter = instrs[1];
        let found = (enter.b != UNPROVEN).then(|| (enter.b, enter.a as i8, 1024 - enter.b as i32 - enter.c));
        assert_eq!(found, expect, "{body:?}");
    }

    fn op(op: Op) -> Instr {
        Instr::new(op)
    }

    fn to(op: Op, target: i32) -> Instr {
        // Bodies begin at instruction 3.
        Instr::with(op, target + 3)
    }

    #[test]
    fn straight_lines() {
        let ret = op(Op::Return);
        check(&[ret], Some((0, 0, 0)));
        check(&[op(Op::Dup), op(Op::Mul), ret], Some((1, 0, 1)));
        check(&[op(Op::Drop), op(Op::Drop), op(Op::TwoDup), ret], Some((4, 0, 0)));
        check(&[op(Op::ToR), op(Op::RFrom), ret], Some((1, 0, 0)));
        check(&[op(Op::ToR), ret], None);
        check(&[op(Op::RFrom), ret], None);
        check(&[op(Op::Execute), ret], None);
        check(&[op(Op::QDup), ret], None);
        check(&[op(Op::Dup)], None);
        check(&[Instr::with(Op::PickAt, 2), ret], Some((3, 1, 1)));
        check(&[Instr::with(Op::Prim, Word::TwoRot as i32), ret], Some((6, 0, 0)));
        check(&[Instr::with(Op::Host, Word::Evaluate as i32), ret], None);
    }

    /// A straight line of plain operations is found without the walk, and says just what the walk says.
    #[test]
    fn plain_lines_are_proven_as_by_the_walk() {
        let (mut plain, mut others) = (0, 0);
        for first in ALL_OPS {
            for second in ALL_OPS {
                let body = [Instr::with(*first, 1), Instr::with(*second, 1), Instr::new(Op::Return)];
                let mut instrs = [Op::Head, Op::Enter, Op::More].map(Instr::new).to_vec();
                instrs.extend_from_slice(&body);
                if first.is_plain() && second.is_plain() {
                    plain += 1;
                    let line = straight_line(&body[..2]).expect("a plain line");
                    let walk = Prover::default().walk::<false>(&instrs, 1, 6, None).expect("a proof");
                    let of = |bounds: &Bounds| (bounds.low, bounds.high, bounds.r_high, bounds.delta);
                    assert_eq!(of(&line), of(&walk), "{first:?} {second:?}");
                } else {
                    others += 1;
                    assert!(straight_line(&body[..2]).is_none(), "{first:?} {second:?}");
                }
            }
        }
        assert!(plain > 1000 && others > 1000);
        let header = [Op::Enter, Op::More].map(Instr::new);
        let proven = |body: &[Instr]| prove_line(&mut [&header, body].concat(), ROOM);
        assert!(proven(&[Instr::new(Op::Return)]));
        assert!(!proven(&[Instr { a: 1, ..Instr::new(Op::Return) }]), "locals");
        assert!(!proven(&[Instr::new(Op::Return), Instr::new(Op::Dup)]));
        assert!(!proven(&[]));
    }

    /// Any leaf is found to be one, and the walk over leaves says just what the walk over anything says; one prover for
    /// all, so that what the proof before has noted is met.
    #[test]
    fn leaves_are_proven_as_by_the_walk() {
        let ops = [Op::Dup, Op::Drop, Op::Swap, Op::OnePlus, Op::TuckMod, Op::Less, Op::Over, Op::Return];
        let jumps: Vec<Op> = ALL_OPS.iter().copied().filter(|op| op.is_leaf() && !op.is_plain()).collect();
        let mut random = 88_172_645_463_325_252_u64;
        let mut below = |n: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % n as u64) as usize
        };
        let mut prover = Prover::default();
        let (mut proven, mut refused, mut others) = (0, 0, 0);
        for round in 0..200_000 {
            let n = 1 + below(7);
            let mut body: Vec<Instr> = (0..n)
                .map(|_| match below(16) {
                    0 => Instr::with(ALL_OPS[below(ALL_OPS.len())], 1),
                    1..=7 => to(jumps[below(jumps.len())], below(n + 3) as i32 - 1),
                    _ => Instr::new(ops[below(ops.len())]),
                })
                .collect();
            body.push(op(Op::Return));
            let instrs = [&[Op::Head, Op::Enter, Op::More].map(Instr::new)[..], &body].concat();
            let of = |bounds: Bounds| (bounds.low, bounds.high, bounds.r_high, bounds.delta);
            let leaf = prover.leaf(&body, 3).map(of);
            let walk = prover.walk::<true>(&instrs, 1, instrs.len(), None).map(of);
            let is_leaf = body.iter().all(|instr| instr.op.is_leaf());
            if is_leaf || leaf.is_some() {
                assert_eq!(leaf, walk, "round {round}: {body:?}");
            }
            match leaf {
                Some(_) => proven += 1,
                None if is_leaf => refused += 1,
                None => others += 1,
            }
        }
        assert!(proven > 10_000 && refused > 10_000 && others > 10_000, "{proven} {refused} {others}");
        // The number of the proof begins anew.
        prover.proof = u32::MAX;
        let body = [to(Op::BranchZero, 2), op(Op::Negate), op(Op::Return)];
        assert!(prover.leaf(&body, 3).is_some() && prover.proof == 1);
    }

    #[test]
    fn branches_must_agree() {
        let ret = op(Op::Return);
        check(&[to(Op::BranchZero, 2), op(Op::Negate), ret], Some((2, -1, 0)));
        check(&[to(Op::BranchZero, 2), op(Op::Dup), ret], None);
        check(&[to(Op::QDupBranchZero, 2), op(Op::Drop), ret], Some((1, -1, 1)));
        check(&[to(Op::QDupBranchZero, 1), ret], None);
        check(&[to(Op::JumpBack, 0), ret], Some((0, 0, 0)));
        check(&[op(Op::Dup), to(Op::JumpBack, 0), ret], None);
        check(&[to(Op::Jump, 2), op(Op::QDup), ret], Some((0, 0, 0)));
        check(&[to(Op::Jump, 99), ret], None);
        check(&[to(Op::Jump, -2), ret], None);
        check(&[op(Op::Do), op(Op::I), op(Op::Drop), to(Op::Loop, 1), ret], Some((2, -2, 0)));
        check(&[to(Op::QDo, 3), op(Op::Dup), to(Op::Loop, 1), ret], None);
        check(&[op(Op::I), ret], None);
    }

    #[test]
    fn recursion_takes_the_depth_of_the_other_path() {
        let ret = op(Op::Return);
        let recurse = Instr::with(Op::Call, 1);
        check(&[op(Op::Dup), to(Op::BranchZero, 4), op(Op::OneMinus), recurse, ret], Some((1, 0, 1)));
        check(&[op(Op::Dup), to(Op::BranchZero, 4), op(Op::Dup), recurse, ret], None);
        check(&[recurse, ret], Some((0, 0, 0)));
    }
}
