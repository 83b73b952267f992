//! Control flow: branches that join, loops that balance, exits that agree. States are copied aside at a branch and joined
//! cell by cell; a loop wraps every cell in a node of its own and finds out at its end which of them it changed.

use crate::effect::define::{Definition, Open};
use crate::effect::error::ErrorKind;
use crate::effect::locals::Local;
use crate::effect::machine::{BASE, CEILING, FLOOR, Machine, Regs, Step, Token};
use crate::effect::node::{Id, NO_VALUE, NODES_MAX, Op};
use crate::effect::quote::{Outer, Quote};
use crate::forth::words::Word;

/// Copies of cells kept at once, at most.
const SAVES_MAX: usize = 1 << 20;

/// Tests that may lead to an `exit` for its value to be told.
const CONDITIONS_MAX: usize = 32;

/// What a text without control flow never needs.
#[derive(Default)]
pub(crate) struct Control {
    /// Something here was used, and must be reset before the next text.
    pub(crate) used: bool,
    /// The code here is never reached.
    pub(crate) dead: bool,
    /// Lowest slot touched when the code was last reachable.
    pub(crate) low_alive: usize,
    /// Memory, output or a call that is not known to be pure.
    pub(crate) impure: bool,
    pub(crate) flow: Flow,
    /// What `if`, `while` and `until` test, with the place, for warnings.
    pub(crate) tests: Vec<(Id, u32)>,
    pub(crate) open: Open,
    pub(crate) definitions: Vec<Definition>,
    pub(crate) quotes: Vec<Quote>,
    pub(crate) outs: Vec<Id>,
    /// What the definitions and quotations that are open stand in, outermost first.
    pub(crate) outers: Vec<Outer>,
    /// How many immediate words were run, and how many are running now.
    pub(crate) n_put_in: u32,
    pub(crate) nesting: u32,
}

/// What belongs to one body.
#[derive(Default)]
pub(crate) struct Flow {
    frames: Vec<Frame>,
    saves: Vec<Id>,
    /// The return stack: what was put there; a counted loop puts `NO_VALUE` and its index.
    pub(crate) returns: Vec<Id>,
    exits: Vec<Exit>,
    exit_saves: Vec<Id>,
    conditions: Vec<(Id, bool)>,
    pub(crate) locals: Vec<Local>,
    /// The values of the locals.
    pub(crate) values: Vec<Id>,
    /// Inside `[ … ]`: the stack pointer and the lowest slot before it.
    pub(crate) bracket: Option<(usize, usize)>,
    /// Cells that wait for `literal`.
    pub(crate) waiting: Vec<Id>,
}

impl Control {
    #[cold]
    pub(crate) fn reset(&mut self) {
        self.used = false;
        self.impure = false;
        self.tests.clear();
        self.definitions.clear();
        self.quotes.clear();
        self.outs.clear();
        self.outers.clear();
        self.n_put_in = 0;
        self.nesting = 0;
        self.open = Open::default();
        self.reset_flow();
    }

    /// Forgets what belongs to one definition.
    pub(crate) fn reset_flow(&mut self) {
        self.dead = false;
        self.flow.clear();
    }

    /// No control structure is open, and the return stack is empty.
    pub(crate) fn is_flat(&self) -> bool {
        self.flow.frames.is_empty() && self.flow.returns.is_empty()
    }

    pub(crate) fn note_impure(&mut self) {
        self.used = true;
        self.impure = true;
    }
}

impl Flow {
    fn clear(&mut self) {
        self.frames.clear();
        self.saves.clear();
        self.returns.clear();
        self.exits.clear();
        self.exit_saves.clear();
        self.conditions.clear();
        self.locals.clear();
        self.values.clear();
        self.bracket = None;
        self.waiting.clear();
    }
}

/// A state set aside: where its cells stand in `saves`.
#[derive(Clone, Copy)]
struct Saved {
    sp: usize,
    n_returns: usize,
    n_values: usize,
    at: usize,
    dead: bool,
}

impl Saved {
    /// Where the cells of the return stack stand in `saves`.
    fn returns(&self) -> std::ops::Range<usize> {
        let from = self.at + self.sp;
        from..from + self.n_returns
    }

    /// Where the values of the locals stand.
    fn values(&self) -> std::ops::Range<usize> {
        let from = self.at + self.sp + self.n_returns;
        from..from + self.n_values
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FrameKind {
    /// After `if`: the state of the other branch is saved.
    If,
    /// After `else`: the state at the end of the first branch is saved.
    Else,
    /// After `while`: the state that leaves the loop is saved.
    While,
    Begin,
    Do {
        question: bool,
    },
    Case,
    /// After `of`: the state that goes on to the next comparison is saved.
    Of,
    /// After `endof`: the state that waits for `endcase` is saved.
    EndOf,
}

struct Frame {
    kind: FrameKind,
    position: u32,
    /// The word that opened it.
    word: Word,
    /// What was tested; `NO_VALUE` where the join cannot say.
    condition: Id,
    saved: Saved,
    /// Length of `saves` before the frame.
    saves_before: usize,
    /// For loops: the depths at the head, and the nodes that stand for its cells.
    sp: usize,
    n_returns: usize,
    n_values: usize,
    vars: usize,
    /// For counted loops: cells that some `leave` changes, and whether there is a `leave`.
    changed: [u64; 8],
    left: bool,
}

impl Frame {
    /// All cells of a loop: the slot, and the node that stands for it.
    fn vars(&self) -> impl Iterator<Item = (Slot, Id)> {
        let n_cells = self.sp - FLOOR;
        let cells = (0..n_cells).map(|k| Slot::Cell(FLOOR + k));
        let returns = (0..self.n_returns).map(Slot::Return);
        let locals = (0..self.n_values).map(Slot::Local);
        let vars = self.vars;
        cells.chain(returns).chain(locals).enumerate().map(move |(k, slot)| (slot, Id((vars + k) as u16)))
    }
}

#[derive(Clone, Copy)]
enum Slot {
    Cell(usize),
    Return(usize),
    Local(usize),
}

/// An `exit` met on the way.
#[derive(Clone, Copy)]
struct Exit {
    sp: usize,
    at: usize,
    position: u32,
    /// The tests on the way here, as a range of `conditions`; `None` where they cannot be told.
    conditions: Option<(usize, usize)>,
}

impl Machine<'_, '_> {
    pub(crate) fn control_word(&mut self, word: Word, token: Token<'_>, mut r: Regs) -> Step {
        self.s.control.used = true;
        match word {
            Word::If | Word::While | Word::Until => {
                let condition = self.pop(&mut r);
                self.s.control.tests.push((condition, token.position));
                self.test(word, condition, &[], &[], token, r)
            }
            Word::Else => self.else_word(token, r),
            Word::Then => self.then_word(token, r),
            Word::Ahead => {
                self.open_frame(FrameKind::If, word, NO_VALUE, Some(r.sp), token, r);
                self.die(r);
                Ok(r)
            }
            Word::Begin => {
                self.open_loop(FrameKind::Begin, word, token, r)?;
                Ok(r)
            }
            Word::Repeat => self.repeat_word(token, r),
            Word::Again => {
                let frame = self.close(token, |kind| kind == FrameKind::Begin)?;
                self.close_loop(&frame, token, r)?;
                self.die(r);
                Ok(r)
            }
            Word::Do | Word::QDo => self.do_word(word, token, r),
            Word::Loop => self.loop_word(token, r),
            Word::PlusLoop => {
                self.pop(&mut r);
                self.loop_word(token, r)
            }
            Word::Leave => self.leave_word(token, r),
            Word::Exit => self.exit_word(token, r),
            Word::Recurse => self.recurse_word(token, r),
            Word::Case => {
                self.open_frame(FrameKind::Case, word, NO_VALUE, None, token, r);
                Ok(r)
            }
            Word::Of => self.of_word(token, r),
            Word::EndOf => self.endof_word(token, r),
            Word::EndCase => self.endcase_word(token, r),
            _ => Err(token.error(ErrorKind::Misplaced)),
        }
    }

    pub(crate) fn pop(&mut self, r: &mut Regs) -> Id {
        r.touch(1);
        r.sp -= 1;
        self.s.stack.at(r.sp)
    }

    /// `if`, `while` or `until` on a value that is off the stack already; what lies over the stack after it may differ:
    /// `yes` where the value is true, `no` where it is 0.
    pub(crate) fn test(
        &mut self,
        word: Word,
        condition: Id,
        yes: &[Id],
        no: &[Id],
        token: Token<'_>,
        r: Regs,
    ) -> Step {
        let base = r.sp;
        if self.s.control.flow.saves.len() > SAVES_MAX {
            return Err(token.error(ErrorKind::TooLarge));
        }
        if base + yes.len().max(no.len()) > CEILING {
            return Err(token.error(ErrorKind::TooDeep));
        }
        let mut r = self.lay(no, base, r);
        match word {
            Word::If => {
                let frame_at = Regs { sp: base + yes.len(), ..r };
                self.open_frame(FrameKind::If, word, condition, Some(r.sp), token, frame_at);
            }
            Word::While => {
                if self.s.control.flow.frames.last().is_none_or(|frame| frame.kind != FrameKind::Begin) {
                    return Err(self.unmatched(token));
                }
                let frame_at = Regs { sp: base + yes.len(), ..r };
                self.open_frame(FrameKind::While, word, NO_VALUE, Some(r.sp), token, frame_at);
                let top = self.s.control.flow.frames.len();
                self.s.control.flow.frames.swap(top - 1, top - 2);
            }
            _ => {
                let frame = self.close(token, |kind| kind == FrameKind::Begin)?;
                self.close_loop(&frame, token, r)?;
            }
        }
        r = self.lay(yes, base, r);
        Ok(r)
    }

    /// Puts cells from a slot on.
    pub(crate) fn lay(&mut self, cells: &[Id], base: usize, r: Regs) -> Regs {
        for (k, &id) in cells.iter().enumerate() {
            self.s.stack.set(base + k, id);
        }
        Regs { sp: base + cells.len(), ..r }
    }

    fn open_frame(
        &mut self,
        kind: FrameKind,
        word: Word,
        condition: Id,
        save: Option<usize>,
        token: Token<'_>,
        r: Regs,
    ) {
        let saves_before = self.s.control.flow.saves.len();
        let saved = self.save(save.unwrap_or(0));
        self.s.control.flow.frames.push(Frame {
            kind,
            position: token.position,
            word,
            condition,
            saved,
            saves_before,
            sp: r.sp,
            n_returns: self.s.control.flow.returns.len(),
            n_values: self.s.control.flow.values.len(),
            vars: 0,
            changed: [0; 8],
            left: false,
        });
    }

    /// Takes the innermost frame if it is of the wanted kind.
    fn close(
        &mut self,
        token: Token<'_>,
        wanted: impl Fn(FrameKind) -> bool,
    ) -> Result<Frame, crate::effect::EffectError> {
        match self.s.control.flow.frames.pop() {
            Some(frame) if wanted(frame.kind) => Ok(frame),
            Some(frame) => {
                self.s.control.flow.frames.push(frame);
                Err(self.unmatched(token))
            }
            None => Err(self.unmatched(token)),
        }
    }

    fn unmatched(&self, token: Token<'_>) -> crate::effect::EffectError {
        token.error(ErrorKind::Unmatched { open: self.s.control.flow.frames.last().map(|frame| frame.word) })
    }

    /// Sets the state aside, as if the stack ended at `sp`.
    fn save(&mut self, sp: usize) -> Saved {
        let dead = self.s.control.dead;
        let flow = &mut self.s.control.flow;
        let at = flow.saves.len();
        flow.saves.extend_from_slice(self.s.stack.slice(0, sp));
        flow.saves.extend_from_slice(&flow.returns);
        flow.saves.extend_from_slice(&flow.values);
        Saved { sp, n_returns: flow.returns.len(), n_values: flow.values.len(), at, dead }
    }

    /// Goes back to a state set aside.
    fn restore(&mut self, saved: Saved, mut r: Regs) -> Regs {
        let control = &mut *self.s.control;
        let flow = &mut control.flow;
        let cells = &flow.saves[saved.at..saved.at + saved.sp];
        self.s.stack.slice_mut(0, saved.sp).copy_from_slice(cells);
        flow.returns.clear();
        flow.returns.extend_from_slice(&flow.saves[saved.returns()]);
        flow.values.clear();
        flow.values.extend_from_slice(&flow.saves[saved.values()]);
        if control.dead {
            r.low = control.low_alive;
        }
        if saved.dead {
            control.low_alive = r.low;
        }
        control.dead = saved.dead;
        r.sp = saved.sp;
        r
    }

    /// What follows is never reached.
    pub(crate) fn die(&mut self, r: Regs) {
        if !self.s.control.dead {
            self.s.control.dead = true;
            self.s.control.low_alive = r.low;
        }
    }

    fn else_word(&mut self, token: Token<'_>, r: Regs) -> Step {
        let frame = self.close(token, |kind| matches!(kind, FrameKind::If | FrameKind::While))?;
        let saved = self.save(r.sp);
        let r = self.restore(frame.saved, r);
        // What comes out of a loop by `while` has no test that the join could name.
        self.s.control.flow.frames.push(Frame { kind: FrameKind::Else, word: Word::Else, saved, ..frame });
        Ok(r)
    }

    fn then_word(&mut self, token: Token<'_>, r: Regs) -> Step {
        let frame =
            self.close(token, |kind| matches!(kind, FrameKind::If | FrameKind::Else | FrameKind::While))?;
        let r = self.join(&frame, frame.kind == FrameKind::Else, token, r)?;
        self.s.control.flow.saves.truncate(frame.saves_before);
        Ok(r)
    }

    /// Joins the state of a frame with the current one.
    fn join(&mut self, frame: &Frame, saved_is_true: bool, token: Token<'_>, r: Regs) -> Step {
        let saved = frame.saved;
        if saved.dead {
            return Ok(r);
        }
        if self.s.control.dead {
            return Ok(self.restore(saved, r));
        }
        let order = |here: usize, other: usize, base: usize| {
            let (here, other) = (here as i16 - base as i16, other as i16 - base as i16);
            if saved_is_true { (other, here) } else { (here, other) }
        };
        if saved.sp != r.sp {
            let (taken, other) = order(r.sp, saved.sp, frame.sp);
            return Err(token.error(ErrorKind::Branches { taken, other }));
        }
        let n_returns = self.s.control.flow.returns.len();
        if saved.n_returns != n_returns {
            let (taken, other) = order(n_returns, saved.n_returns, frame.n_returns);
            return Err(token.error(ErrorKind::ReturnBranches { taken, other }));
        }
        for slot in r.low..r.sp {
            let (here, other) = (self.s.stack.at(slot), self.s.control.flow.saves[saved.at + slot]);
            let id = self.choose(frame.condition, here, other, saved_is_true, token.position);
            self.s.stack.set(slot, id);
        }
        for (k, at) in saved.returns().enumerate() {
            let (here, other) = (self.s.control.flow.returns[k], self.s.control.flow.saves[at]);
            self.s.control.flow.returns[k] =
                self.choose(frame.condition, here, other, saved_is_true, token.position);
        }
        for (k, at) in saved.values().enumerate() {
            let (here, other) = (self.s.control.flow.values[k], self.s.control.flow.saves[at]);
            self.s.control.flow.values[k] =
                self.choose(frame.condition, here, other, saved_is_true, token.position);
        }
        Ok(r)
    }

    /// One value where two ways meet.
    fn choose(&mut self, condition: Id, here: Id, other: Id, other_is_true: bool, position: u32) -> Id {
        if here == other {
            return here;
        }
        let graph = &mut self.s.graph;
        let (here, other) = (graph.resolve(here), graph.resolve(other));
        if here == other || here == NO_VALUE || other == NO_VALUE || graph.same(here, other) {
            return here;
        }
        let (yes, no) = if other_is_true { (other, here) } else { (here, other) };
        match condition {
            NO_VALUE => graph.unknown(position),
            _ => graph.push(Op::Phi, condition, yes, no, position),
        }
    }

    fn open_loop(
        &mut self,
        kind: FrameKind,
        word: Word,
        token: Token<'_>,
        r: Regs,
    ) -> Result<(), crate::effect::EffectError> {
        let flow = &self.s.control.flow;
        if self.s.graph.nodes.len() + r.sp + flow.returns.len() + flow.values.len() > NODES_MAX {
            return Err(token.error(ErrorKind::TooLarge));
        }
        self.open_frame(kind, word, NO_VALUE, None, token, r);
        let vars = crate::effect::node::FIRST_NODE + self.s.graph.nodes.len();
        for slot in FLOOR..r.sp {
            let var =
                self.s.graph.push(Op::LoopVar, self.s.stack.at(slot), NO_VALUE, NO_VALUE, token.position);
            self.s.stack.set(slot, var);
        }
        let flow = &mut self.s.control.flow;
        for value in flow.returns.iter_mut().chain(&mut flow.values) {
            let var = self.s.graph.push(Op::LoopVar, *value, NO_VALUE, NO_VALUE, token.position);
            if *value != NO_VALUE {
                *value = var;
            }
        }
        if let Some(frame) = self.s.control.flow.frames.last_mut() {
            frame.vars = vars;
        }
        Ok(())
    }

    fn slot(&self, slot: Slot) -> Id {
        match slot {
            Slot::Cell(slot) => self.s.stack.at(slot),
            Slot::Return(k) => self.s.control.flow.returns[k],
            Slot::Local(k) => self.s.control.flow.values[k],
        }
    }

    fn set_slot(&mut self, slot: Slot, id: Id) {
        match slot {
            Slot::Cell(slot) => self.s.stack.set(slot, id),
            Slot::Return(k) => self.s.control.flow.returns[k] = id,
            Slot::Local(k) => self.s.control.flow.values[k] = id,
        }
    }

    /// The way back to the head of a loop: the depths must be as they were; cells that are as they were become their
    /// values before the loop, the others unknowns.
    fn close_loop(
        &mut self,
        frame: &Frame,
        token: Token<'_>,
        r: Regs,
    ) -> Result<(), crate::effect::EffectError> {
        let dead = self.s.control.dead;
        if !dead {
            let extra = if matches!(frame.kind, FrameKind::Do { .. }) { 2 } else { 0 };
            let change = r.sp as i16 - frame.sp as i16;
            if change != 0 {
                return Err(token.error(ErrorKind::Loop { change }));
            }
            let change = self.s.control.flow.returns.len() as i16 - frame.n_returns as i16 - extra;
            if change != 0 {
                return Err(token.error(ErrorKind::ReturnLoop { change }));
            }
        }
        for (slot, var) in frame.vars() {
            let unchanged = dead || {
                let value = self.slot(slot);
                value == NO_VALUE || self.s.graph.resolve(value) == var
            };
            if let Some(node) = self.s.graph.node_mut(var) {
                node.op = if unchanged { Op::Alias } else { Op::Unknown };
            }
        }
        Ok(())
    }

    fn repeat_word(&mut self, token: Token<'_>, r: Regs) -> Step {
        let frames = &self.s.control.flow.frames;
        let fits = matches!(frames.as_slice(), [.., outer, inner]
            if inner.kind == FrameKind::Begin && outer.kind == FrameKind::While);
        if !fits {
            return Err(self.unmatched(token));
        }
        let frame = self.close(token, |kind| kind == FrameKind::Begin)?;
        self.close_loop(&frame, token, r)?;
        let frame = self.close(token, |kind| kind == FrameKind::While)?;
        let r = self.restore(frame.saved, r);
        self.s.control.flow.saves.truncate(frame.saves_before);
        Ok(r)
    }

    fn do_word(&mut self, word: Word, token: Token<'_>, mut r: Regs) -> Step {
        r.touch(2);
        r.sp -= 2;
        self.open_loop(FrameKind::Do { question: word == Word::QDo }, word, token, r)?;
        let index = self.s.graph.push(Op::Index, NO_VALUE, NO_VALUE, NO_VALUE, token.position);
        self.s.control.flow.returns.extend([NO_VALUE, index]);
        Ok(r)
    }

    fn loop_word(&mut self, token: Token<'_>, mut r: Regs) -> Step {
        let frame = self.close(token, |kind| matches!(kind, FrameKind::Do { .. }))?;
        self.close_loop(&frame, token, r)?;
        let falls_through = !self.s.control.dead;
        let question = frame.kind == FrameKind::Do { question: true };
        self.s.control.flow.returns.resize(frame.n_returns, NO_VALUE);
        if frame.saved.dead || !falls_through && !question && !frame.left {
            return Ok(r);
        }
        if self.s.control.dead {
            r.low = self.s.control.low_alive;
            self.s.control.dead = false;
        }
        // All ways out have the depth of the head. A cell that no way changes keeps its value.
        r.sp = frame.sp;
        for (k, (slot, var)) in frame.vars().enumerate() {
            let Some(node) = self.s.graph.node(var).copied() else { continue };
            let kept = node.op == Op::Alias && frame.changed[k / 64] >> (k % 64) & 1 == 0;
            let certain = falls_through && !question && !frame.left;
            if kept {
                self.set_slot(slot, node.a);
            } else if !(certain && self.s.graph.literal_of(self.slot(slot)).is_some()) {
                let id = self.s.graph.unknown(token.position);
                self.set_slot(slot, id);
            }
        }
        Ok(r)
    }

    fn leave_word(&mut self, token: Token<'_>, r: Regs) -> Step {
        let is_counted = |frame: &Frame| matches!(frame.kind, FrameKind::Do { .. });
        let Some(at) = self.s.control.flow.frames.iter().rposition(is_counted) else {
            return Err(token.error(ErrorKind::NoLoop));
        };
        if !self.s.control.dead {
            let (sp, n_returns) =
                (self.s.control.flow.frames[at].sp, self.s.control.flow.frames[at].n_returns + 2);
            if r.sp != sp {
                return Err(token.error(ErrorKind::Leave { change: r.sp as i16 - sp as i16 }));
            }
            if self.s.control.flow.returns.len() != n_returns {
                return Err(token.error(ErrorKind::NoLoop));
            }
            let mut changed = self.s.control.flow.frames[at].changed;
            for (k, (slot, var)) in self.s.control.flow.frames[at].vars().enumerate() {
                let value = self.slot(slot);
                if value != NO_VALUE && self.s.graph.resolve(value) != var {
                    changed[k / 64] |= 1 << (k % 64);
                }
            }
            let frame = &mut self.s.control.flow.frames[at];
            frame.changed = changed;
            frame.left = true;
        }
        self.die(r);
        Ok(r)
    }

    fn of_word(&mut self, token: Token<'_>, mut r: Regs) -> Step {
        if !matches!(
            self.s.control.flow.frames.last().map(|frame| frame.kind),
            Some(FrameKind::Case | FrameKind::EndOf)
        ) {
            return Err(self.unmatched(token));
        }
        r.touch(2);
        let (x, y) = (self.s.stack.at(r.sp - 2), self.s.stack.at(r.sp - 1));
        let condition = self.s.graph.push(Op::Word(Word::Equals), x, y, NO_VALUE, token.position);
        r.sp -= 2;
        self.open_frame(FrameKind::Of, Word::Of, condition, Some(r.sp + 1), token, r);
        Ok(r)
    }

    fn endof_word(&mut self, token: Token<'_>, r: Regs) -> Step {
        let frame = self.close(token, |kind| kind == FrameKind::Of)?;
        let saved = self.save(r.sp);
        let r = self.restore(frame.saved, r);
        self.s.control.flow.frames.push(Frame { kind: FrameKind::EndOf, word: Word::EndOf, saved, ..frame });
        Ok(r)
    }

    fn endcase_word(&mut self, token: Token<'_>, mut r: Regs) -> Step {
        if !self.s.control.dead {
            self.pop(&mut r);
        }
        loop {
            let frame = self.close(token, |kind| matches!(kind, FrameKind::Case | FrameKind::EndOf))?;
            if frame.kind == FrameKind::Case {
                self.s.control.flow.saves.truncate(frame.saves_before);
                return Ok(r);
            }
            r = self.join(&frame, true, token, r)?;
        }
    }

    fn exit_word(&mut self, token: Token<'_>, r: Regs) -> Step {
        if !self.s.control.dead {
            let flow = &mut self.s.control.flow;
            if flow.returns.contains(&NO_VALUE) {
                return Err(token.error(ErrorKind::NeedsUnloop));
            }
            if !flow.returns.is_empty() {
                return Err(token.error(ErrorKind::ReturnLeft { n: flow.returns.len() as u8 }));
            }
            if flow.exit_saves.len() > SAVES_MAX {
                return Err(token.error(ErrorKind::TooLarge));
            }
            let at = flow.exit_saves.len();
            flow.exit_saves.extend_from_slice(self.s.stack.slice(0, r.sp));
            let conditions = flow.way_here();
            flow.exits.push(Exit { sp: r.sp, at, position: token.position, conditions });
        }
        self.die(r);
        Ok(r)
    }

    /// The end of a definition: everything is closed, and every `exit` is joined in.
    pub(crate) fn end_flow(&mut self, end: Token<'_>, mut r: Regs) -> Step {
        let control = &mut *self.s.control;
        if let Some(frame) = control.flow.frames.last() {
            let (position, len) = (frame.position, frame.word.name().len() as u32);
            let kind = ErrorKind::Unclosed { closer: frame.closer() };
            return Err(crate::effect::EffectError { kind, position, len });
        }
        let n_left = control.flow.returns.len();
        if n_left > 0 && !control.dead {
            return Err(end.error(ErrorKind::ReturnLeft { n: n_left as u8 }));
        }
        while let Some(exit) = self.s.control.flow.exits.pop() {
            if self.s.control.dead {
                self.s.control.dead = false;
                r.low = self.s.control.low_alive;
                r.sp = exit.sp;
                for slot in FLOOR..exit.sp {
                    self.s.stack.set(slot, self.s.control.flow.exit_saves[exit.at + slot]);
                }
                continue;
            }
            r = self.join_exit(exit, r)?;
        }
        Ok(r)
    }

    fn join_exit(&mut self, exit: Exit, r: Regs) -> Step {
        if exit.sp != r.sp {
            let base = BASE as i16;
            let kind = ErrorKind::Exits { here: exit.sp as i16 - base, end: r.sp as i16 - base };
            return Err(crate::effect::EffectError { kind, position: exit.position, len: 4 });
        }
        for slot in r.low..r.sp {
            let end = self.s.stack.at(slot);
            let here = self.s.control.flow.exit_saves[exit.at + slot];
            let id = match exit.conditions {
                None => self.choose(NO_VALUE, here, end, false, exit.position),
                Some((from, to)) => self.exit_value(from, to, here, end, exit.position),
            };
            self.s.stack.set(slot, id);
        }
        Ok(r)
    }

    /// What an `exit` behind some tests makes of the value at the end, outermost test first.
    fn exit_value(&mut self, from: usize, to: usize, here: Id, end: Id, position: u32) -> Id {
        if from == to {
            return here;
        }
        let (condition, truth) = self.s.control.flow.conditions[to - 1];
        let (yes, no) = self.s.graph.arms(end, condition);
        let (this_way, other_way) = if truth { (yes, no) } else { (no, yes) };
        let inside = self.exit_value(from, to - 1, here, this_way, position);
        self.choose(condition, inside, other_way, !truth, position)
    }

    fn recurse_word(&mut self, token: Token<'_>, r: Regs) -> Step {
        // Behind `does>` it would call code over an address that only the made words push.
        if self.s.control.open.before_does.is_some() {
            return Err(token.error(ErrorKind::NotStatic));
        }
        self.s.control.open.recursed = Some(token.position);
        match self.s.control.open.recursion.or(self.declared) {
            Some((n_in, n_out)) => {
                let effect = crate::effect::WordEffect::pure(n_in, n_out);
                let name = self.name_of_open();
                self.call(name, effect, None, token, r)
            }
            None => {
                self.die(r);
                Ok(r)
            }
        }
    }
}

impl Flow {
    /// The tests that lead to this place, innermost first.
    fn way_here(&mut self) -> Option<(usize, usize)> {
        let from = self.conditions.len();
        if self.frames.len() > CONDITIONS_MAX {
            return None;
        }
        for frame in self.frames.iter().rev() {
            match frame.kind {
                FrameKind::If | FrameKind::Of if frame.condition != NO_VALUE => {
                    self.conditions.push((frame.condition, true));
                }
                FrameKind::Else | FrameKind::EndOf if frame.condition != NO_VALUE => {
                    self.conditions.push((frame.condition, false));
                }
                FrameKind::Case => {}
                _ => {
                    self.conditions.truncate(from);
                    return None;
                }
            }
        }
        Some((from, self.conditions.len()))
    }
}

impl Frame {
    fn closer(&self) -> Word {
        match self.kind {
            FrameKind::If | FrameKind::Else => Word::Then,
            FrameKind::While => Word::Repeat,
            FrameKind::Begin => Word::Until,
            FrameKind::Do { .. } => Word::Loop,
            FrameKind::Of => Word::EndOf,
            FrameKind::Case | FrameKind::EndOf => Word::EndCase,
        }
    }
}
