//! Words of a definition to instructions: control flow, literals, locals, and the few fusions that pay.

use super::bytecode::{Instr, Op, SIMPLE, WORD_COUNT};
use super::code::Code;
use super::error::CompileErrorKind;
use super::fuel;
use super::fuse::{fuse, fuse_branch};
use super::prims;
use super::prove::{Prover, Room};
use super::words::{NameKey, Word};
use crate::model::Cell;

type Result<T> = std::result::Result<T, CompileErrorKind>;

/// An item of the control-flow stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Control {
    /// A forward jump to mend.
    Orig(u32),
    /// A place to jump back to, and how many tokens came before.
    Dest { at: u32, tokens: u32 },
    /// The beginning of a counted loop, its `QDo` if it is one, and the LEAVEs of the loop around.
    Loop { at: u32, tokens: u32, qdo: bool, outer_leaves: i32 },
    /// The beginning of CASE.
    Case,
    /// The jump of an ENDOF.
    EndOf(u32),
}

/// How deep control structures nest.
const DEPTH_MAX: usize = 256;

/// Locals of one definition.
pub(super) const LOCALS_MAX: usize = 255;

/// How deep quotations nest.
const QUOTATIONS_MAX: usize = 16;

#[derive(Clone, Copy)]
struct Local {
    key: NameKey,
    start: u32,
    len: u32,
}

/// No jump follows in a chain of LEAVEs.
const END: i32 = -1;

/// The definition being compiled.
#[derive(Default)]
pub(super) struct Translator {
    control: Vec<Control>,
    locals: Vec<Local>,
    /// Locals of the definitions around a quotation and of what comes before DOES>: their values are elsewhere.
    hidden: Vec<Local>,
    /// The newest LEAVE of the innermost loop; each one's `c` is the next until they are mended.
    leaves: i32,
    /// Instructions before this one are the target of a jump, and are not fused with what follows.
    barrier: usize,
    /// The `Enter` of the word.
    enter: u32,
    /// Tokens compiled.
    tokens: u32,
    has_jumps: bool,
    /// Names that `(local)` has gathered.
    pending: Vec<(NameKey, u32, u32)>,
    /// The definitions around a quotation, outermost first.
    outer: Vec<Outer>,
    prover: Prover,
}

/// What is put aside while a quotation is compiled.
struct Outer {
    control: Vec<Control>,
    locals: Vec<Local>,
    n_hidden: usize,
    leaves: i32,
    enter: u32,
    tokens: u32,
    /// The jump over the quotation.
    jump: u32,
}

impl Translator {
    /// Begins a word; its header stands in the code already.
    #[inline(always)]
    pub fn begin(&mut self, code: &Code, enter: u32) {
        self.control.clear();
        self.locals.clear();
        self.leaves = END;
        self.barrier = code.instrs.len();
        self.enter = enter;
        self.tokens = 0;
        self.has_jumps = false;
        if !self.pending.is_empty() {
            self.pending.clear();
        }
    }

    /// Begins a definition, with no other around it.
    #[inline(always)]
    pub fn begin_outermost(&mut self, code: &Code, enter: u32) {
        if !self.outer.is_empty() || !self.hidden.is_empty() {
            self.outer.clear();
            self.hidden.clear();
        }
        self.begin(code, enter);
    }

    /// `[:`: puts the definition aside. The quotation's header and `begin` come next.
    pub fn open_quotation(&mut self, code: &mut Code, place: u32) -> Result<()> {
        if self.outer.len() == QUOTATIONS_MAX {
            return Err(CompileErrorKind::TooDeep);
        }
        let jump = self.jump(code, Op::Jump, 0, place);
        let n_hidden = self.hidden.len();
        self.hide_locals();
        self.outer.push(Outer {
            control: std::mem::take(&mut self.control),
            locals: std::mem::take(&mut self.locals),
            n_hidden,
            leaves: self.leaves,
            enter: self.enter,
            tokens: self.tokens,
            jump,
        });
        Ok(())
    }

    /// `;]`: ends the quotation and goes on with the definition around it. Returns the quotation's `Enter`.
    pub fn close_quotation(&mut self, code: &mut Code, place: u32, room: Room) -> Result<u32> {
        if self.outer.is_empty() {
            return Err(CompileErrorKind::ControlMismatch);
        }
        self.finish(code, place, room)?;
        let enter = self.enter;
        if let Some(outer) = self.outer.pop() {
            self.control = outer.control;
            self.locals = outer.locals;
            self.hidden.truncate(outer.n_hidden);
            self.leaves = outer.leaves;
            self.enter = outer.enter;
            self.tokens = outer.tokens;
            self.has_jumps = true;
            self.mend(code, outer.jump);
        }
        Ok(enter)
    }

    /// Whether a quotation is being compiled.
    pub fn in_quotation(&self) -> bool {
        !self.outer.is_empty()
    }

    /// CS-PICK: copies a destination of backward jumps. Forward jumps are mended once, so they cannot be copied.
    pub fn control_pick(&mut self, n: Cell) -> Result<()> {
        let at = self.control_at(n)?;
        match self.control[at] {
            item @ Control::Dest { .. } => self.push_control(item),
            _ => Err(CompileErrorKind::ControlMismatch),
        }
    }

    /// CS-ROLL: moves an item to the top.
    pub fn control_roll(&mut self, n: Cell) -> Result<()> {
        let at = self.control_at(n)?;
        self.control[at..].rotate_left(1);
        Ok(())
    }

    fn control_at(&self, n: Cell) -> Result<usize> {
        let n = usize::try_from(n).map_err(|_| CompileErrorKind::ControlMismatch)?;
        n.checked_add(1)
            .and_then(|n| self.control.len().checked_sub(n))
            .ok_or(CompileErrorKind::ControlMismatch)
    }

    /// `(local)`: gathers a name.
    pub fn pend_local(&mut self, key: NameKey, start: u32, len: u32) -> Result<()> {
        if self.pending.len() == LOCALS_MAX {
            return Err(CompileErrorKind::TooLarge);
        }
        self.pending.push((key, start, len));
        Ok(())
    }

    /// The end of what `(local)` gathered: the first name is the top of the stack.
    pub fn declare_pending(&mut self, code: &mut Code, place: u32) -> Result<()> {
        let mut names = std::mem::take(&mut self.pending);
        names.reverse();
        self.declare_locals(code, &names, 0, place)
    }

    /// Ends the word: return, fuel, proof.
    #[inline(always)]
    pub fn finish(&mut self, code: &mut Code, place: u32, room: Room) -> Result<()> {
        if !self.control.is_empty() {
            return Err(CompileErrorKind::UnclosedControl);
        }
        self.emit_return(code, place);
        let (enter, end) = (self.enter as usize, code.instrs.len());
        code.instrs[enter + 1].c = fuel::of_tokens(self.tokens) as i32;
        self.prover.prove(&mut code.instrs, enter, end, self.has_jumps, room);
        Ok(())
    }

    /// Proves a word that was put together by hand.
    pub fn prove(&mut self, code: &mut Code, enter: usize, end: usize, room: Room) {
        self.prover.prove_any_class(&mut code.instrs, enter, end, room);
    }

    /// Counts a token.
    #[inline(always)]
    pub fn token(&mut self) {
        self.tokens += 1;
    }

    /// Compiles a word of the table that needs neither source nor dictionary, and counts it. False for the others.
    #[inline(always)]
    pub fn counted_word(&mut self, code: &mut Code, word: Word, place: u32) -> Result<bool> {
        // A loop's own end counts to its cost.
        self.tokens += 1;
        let done = self.word(code, word, place);
        if let Ok(false) = done {
            self.tokens -= 1;
        }
        done
    }

    #[inline(always)]
    fn word(&mut self, code: &mut Code, word: Word, place: u32) -> Result<bool> {
        match SIMPLE[word as usize] {
            (Some(op), false) => {
                code.push(Instr::new(op), place);
                Ok(true)
            }
            (Some(op), true) => {
                self.emit(code, op, place);
                Ok(true)
            }
            (None, _) => self.other_word(code, word, place),
        }
    }

    fn other_word(&mut self, code: &mut Code, word: Word, place: u32) -> Result<bool> {
        if is_control(word) {
            self.control_word(code, word, place)?;
            return Ok(true);
        }
        match word {
            Word::True => self.literal(code, -1, place),
            Word::False => self.literal(code, 0, place),
            Word::Bl => self.literal(code, b' ' as Cell, place),
            Word::Base => self.literal(code, super::memory::VAR_BASE, place),
            Word::State => self.literal(code, super::memory::VAR_STATE, place),
            Word::Pad => self.literal(code, super::memory::PAD, place),
            _ if prims::is_prim(word) => code.push(Instr::with(Op::Prim, word as i32), place),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Compiles a word that the host does at run time.
    pub fn host(&mut self, code: &mut Code, word: Word, place: u32) {
        code.push(Instr::with(Op::Host, word as i32), place);
    }

    /// Compiles a number.
    #[inline(always)]
    pub fn literal(&mut self, code: &mut Code, value: Cell, place: u32) {
        code.push_literal(value, place);
    }

    /// Compiles a call.
    #[inline(always)]
    pub fn call(&mut self, code: &mut Code, enter: u32, place: u32) {
        code.push(Instr::with(Op::Call, enter as i32), place);
    }

    /// Compiles one operation, fused with those before where that is known to pay.
    #[inline(always)]
    pub fn emit(&mut self, code: &mut Code, op: Op, place: u32) {
        match fuse(self.own(code), op) {
            None => code.push(Instr::new(op), place),
            Some((n_fused, instr)) => replace(code, n_fused, instr),
        }
    }

    /// The newest instructions, as far as they may be fused: no jump leads between them.
    #[inline(always)]
    fn own<'c>(&self, code: &'c Code) -> &'c [Instr] {
        code.instrs.get(self.barrier..).unwrap_or(&[])
    }

    /// Makes the next instruction a target of jumps; returns where that is.
    fn label(&mut self, code: &Code) -> i32 {
        self.barrier = code.instrs.len();
        self.barrier as i32
    }

    fn emit_return(&mut self, code: &mut Code, place: u32) {
        code.push(Instr { a: self.locals.len() as u8, ..Instr::new(Op::Return) }, place);
    }

    fn jump(&mut self, code: &mut Code, op: Op, target: i32, place: u32) -> u32 {
        self.has_jumps = true;
        code.push(Instr::with(op, target), place);
        code.instrs.len() as u32 - 1
    }

    #[inline(always)]
    fn jump_back(&mut self, code: &mut Code, op: Op, target: u32, tokens: u32, place: u32) {
        let at = self.jump(code, op, target as i32, place);
        code.instrs[at as usize].b = fuel::of_tokens(self.tokens - tokens);
    }

    fn mend(&mut self, code: &mut Code, jump: u32) {
        code.instrs[jump as usize].c = self.label(code);
    }

    #[inline(always)]
    fn push_control(&mut self, item: Control) -> Result<()> {
        if self.control.len() == DEPTH_MAX {
            return Err(CompileErrorKind::TooDeep);
        }
        self.control.push(item);
        Ok(())
    }

    fn pop_orig(&mut self) -> Result<u32> {
        match self.control.pop() {
            Some(Control::Orig(jump)) => Ok(jump),
            _ => Err(CompileErrorKind::ControlMismatch),
        }
    }

    fn pop_dest(&mut self) -> Result<(u32, u32)> {
        match self.control.pop() {
            Some(Control::Dest { at, tokens }) => Ok((at, tokens)),
            _ => Err(CompileErrorKind::ControlMismatch),
        }
    }

    /// A conditional forward jump, fused with the condition before it.
    #[inline(always)]
    fn branch_zero(&mut self, code: &mut Code, place: u32) -> u32 {
        let (n_fused, instr) = fuse_branch(self.own(code));
        self.has_jumps = true;
        match n_fused {
            0 => code.push(instr, place),
            _ => replace(code, n_fused, instr),
        }
        code.instrs.len() as u32 - 1
    }

    fn control_word(&mut self, code: &mut Code, word: Word, place: u32) -> Result<()> {
        match word {
            Word::If => {
                let jump = self.branch_zero(code, place);
                self.push_control(Control::Orig(jump))
            }
            Word::Ahead => {
                let jump = self.jump(code, Op::Jump, 0, place);
                self.push_control(Control::Orig(jump))
            }
            Word::Then => {
                let jump = self.pop_orig()?;
                self.mend(code, jump);
                Ok(())
            }
            Word::Else => {
                let before = self.pop_orig()?;
                let jump = self.jump(code, Op::Jump, 0, place);
                self.mend(code, before);
                self.push_control(Control::Orig(jump))
            }
            Word::Begin => {
                let at = self.label(code) as u32;
                self.push_control(Control::Dest { at, tokens: self.tokens })
            }
            Word::While => {
                let below = self.control.pop().ok_or(CompileErrorKind::ControlMismatch)?;
                let jump = self.branch_zero(code, place);
                self.push_control(Control::Orig(jump))?;
                self.push_control(below)
            }
            Word::Repeat => {
                let (at, tokens) = self.pop_dest()?;
                let jump = self.pop_orig()?;
                self.jump_back(code, Op::JumpBack, at, tokens, place);
                self.mend(code, jump);
                Ok(())
            }
            Word::Until => {
                let (at, tokens) = self.pop_dest()?;
                if let [.., Instr { op: Op::ZeroEqual, .. }] = self.own(code) {
                    replace(code, 1, Instr::with(Op::BranchNonZeroBack, at as i32));
                    self.has_jumps = true;
                    let last = code.instrs.len() - 1;
                    code.instrs[last].b = fuel::of_tokens(self.tokens - tokens);
                } else {
                    self.jump_back(code, Op::BranchZeroBack, at, tokens, place);
                }
                Ok(())
            }
            Word::Again => {
                let (at, tokens) = self.pop_dest()?;
                self.jump_back(code, Op::JumpBack, at, tokens, place);
                Ok(())
            }
            Word::Do | Word::QDo => self.begin_loop(code, word == Word::QDo, place),
            Word::Loop => self.end_loop(code, Op::Loop, place),
            Word::PlusLoop => self.end_loop(code, Op::PlusLoop, place),
            Word::Leave => self.leave(code, place),
            Word::Exit => {
                self.emit_return(code, place);
                Ok(())
            }
            Word::Recurse => {
                self.call(code, self.enter, place);
                Ok(())
            }
            Word::Case => self.push_control(Control::Case),
            Word::Of => {
                let jump = self.jump(code, Op::Of, 0, place);
                self.push_control(Control::Orig(jump))
            }
            Word::EndOf => {
                let before = self.pop_orig()?;
                let jump = self.jump(code, Op::Jump, 0, place);
                self.mend(code, before);
                self.push_control(Control::EndOf(jump))
            }
            Word::EndCase => self.end_case(code, place),
            _ => Err(CompileErrorKind::NotInDefinition),
        }
    }

    fn begin_loop(&mut self, code: &mut Code, qdo: bool, place: u32) -> Result<()> {
        if qdo {
            self.jump(code, Op::QDo, 0, place);
        } else {
            code.push(Instr::new(Op::Do), place);
        }
        let at = self.label(code) as u32;
        self.push_control(Control::Loop { at, tokens: self.tokens, qdo, outer_leaves: self.leaves })?;
        self.leaves = END;
        Ok(())
    }

    fn end_loop(&mut self, code: &mut Code, op: Op, place: u32) -> Result<()> {
        let Some(Control::Loop { at, tokens, qdo, outer_leaves }) = self.control.pop() else {
            return Err(CompileErrorKind::ControlMismatch);
        };
        self.jump_back(code, op, at, tokens, place);
        if qdo {
            self.mend(code, at - 1);
        }
        let mut jump = std::mem::replace(&mut self.leaves, outer_leaves);
        while jump != END {
            let next = code.instrs[jump as usize].c;
            self.mend(code, jump as u32);
            jump = next;
        }
        Ok(())
    }

    fn leave(&mut self, code: &mut Code, place: u32) -> Result<()> {
        if !self.control.iter().any(|item| matches!(item, Control::Loop { .. })) {
            return Err(CompileErrorKind::ControlMismatch);
        }
        code.push(Instr::new(Op::Unloop), place);
        let next = self.leaves;
        self.leaves = self.jump(code, Op::Jump, next, place) as i32;
        Ok(())
    }

    fn end_case(&mut self, code: &mut Code, place: u32) -> Result<()> {
        self.emit(code, Op::Drop, place);
        loop {
            match self.control.pop() {
                Some(Control::EndOf(jump)) => self.mend(code, jump),
                Some(Control::Case) => return Ok(()),
                _ => return Err(CompileErrorKind::ControlMismatch),
            }
        }
    }

    /// Declares locals: names in the order of the stack, the last `n_zero` of them set to zero.
    pub fn declare_locals(
        &mut self,
        code: &mut Code,
        names: &[(NameKey, u32, u32)],
        n_zero: usize,
        place: u32,
    ) -> Result<()> {
        let before = self.locals.len();
        if before + names.len() > LOCALS_MAX {
            return Err(CompileErrorKind::TooLarge);
        }
        for _ in 0..n_zero {
            self.literal(code, 0, place);
        }
        self.locals.extend(names.iter().map(|(key, start, len)| Local {
            key: *key,
            start: *start,
            len: *len,
        }));
        code.push(Instr { op: Op::LocalsInit, a: names.len() as u8, b: before as u16, c: 0 }, place);
        Ok(())
    }

    /// Whether the definition has locals.
    #[inline(always)]
    pub fn has_locals(&self) -> bool {
        !self.locals.is_empty() || !self.hidden.is_empty()
    }

    /// Which local has this name. An error where one has that cannot be used here.
    #[inline(always)]
    pub fn local(&self, source: &[u8], key: NameKey, name: &[u8]) -> Result<Option<i32>> {
        if !self.has_locals() {
            return Ok(None);
        }
        let is_named = |local: &Local| {
            let text = &source[local.start as usize..(local.start + local.len) as usize];
            local.key == key && text.eq_ignore_ascii_case(name)
        };
        match self.locals.iter().rposition(is_named) {
            None if self.hidden.iter().any(is_named) => Err(CompileErrorKind::OuterLocal),
            found => Ok(found.map(|index| index as i32)),
        }
    }

    /// What comes next in this definition has locals of its own.
    pub fn hide_locals(&mut self) {
        self.hidden.extend_from_slice(&self.locals);
    }

    /// Compiles getting or setting a local.
    pub fn use_local(&mut self, code: &mut Code, op: Op, index: i32, place: u32) {
        code.push(Instr::with(op, index), place);
    }

    /// ABORT": throws -2 where the flag is not zero, and says why.
    pub fn abort_quote(&mut self, code: &mut Code, (addr, len): (Cell, Cell), place: u32) {
        let jump = self.jump(code, Op::BranchZero, 0, place);
        self.literal(code, addr, place);
        self.literal(code, len, place);
        self.host(code, Word::AbortWith, place);
        self.mend(code, jump);
    }

    /// DOES>: ends the defining part; the code behind it begins with the next `begin`.
    pub fn end_before_does(&mut self, code: &mut Code, place: u32, room: Room) -> Result<()> {
        if !self.control.is_empty() || self.in_quotation() {
            return Err(CompileErrorKind::UnclosedControl);
        }
        // Head, then Enter, comes behind this instruction and the return.
        let does = code.instrs.len() as i32 + 3;
        code.push(Instr::with(Op::SetDoes, does), place);
        self.finish(code, place, room)
    }
}

/// Puts one instruction in the place of the newest `n`; it stands where the first of them stood in the source.
#[inline(always)]
fn replace(code: &mut Code, n: usize, instr: Instr) {
    if n > 1 {
        let len = code.instrs.len() + 1 - n;
        code.instrs.truncate(len);
    }
    if let Some(last) = code.instrs.last_mut() {
        *last = instr;
    }
}

/// Whether a word acts on the control flow of a definition.
pub(super) const fn is_control(word: Word) -> bool {
    use Word::*;
    matches!(
        word,
        If | Else
            | Then
            | Begin
            | While
            | Repeat
            | Until
            | Again
            | Do
            | QDo
            | Loop
            | PlusLoop
            | Leave
            | Exit
            | Recurse
            | Case
            | Of
            | EndOf
            | EndCase
            | Ahead
    )
}

const _: () = assert!(WORD_COUNT <= 512, "`SIMPLE` has a row for every word");
