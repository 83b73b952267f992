//! Compiled code: one run of instructions, the image's first, then what is defined above it.

use super::bytecode::{Instr, Op, UNPROVEN};
use crate::model::Cell;

/// Instructions and what they refer to by number.
#[derive(Clone, Default)]
pub(super) struct Code {
    pub instrs: Vec<Instr>,
    /// For each instruction the offset of its token in the source buffer, then room for more of them.
    places: Vec<u32>,
    /// Numbers too wide for an instruction.
    pub consts: Vec<Cell>,
    /// The `Enter` of each execution token.
    pub enters: Vec<u32>,
}

/// How much of the code there is: what to go back to.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct CodeMark {
    pub instrs: u32,
    consts: u32,
    enters: u32,
}

/// Where the instruction `Stop` lies.
pub(super) const STOP: usize = 0;
/// Where the instruction `CatchEnd` lies.
pub(super) const CATCH_END: usize = 1;

/// Execution tokens are seen by programs as numbers from here on, so that small numbers and addresses are none.
pub(super) const TOKEN_BASE: Cell = 0x4000_0000_0000;

impl Code {
    /// Appends an instruction.
    #[inline(always)]
    pub fn push(&mut self, instr: Instr, place: u32) {
        let at = self.instrs.len();
        self.instrs.push(instr);
        self.set_place(at, place);
    }

    /// The offset in the source buffer of the token that the instruction at `at` was made from.
    pub fn place(&self, at: usize) -> u32 {
        self.places[at]
    }

    /// One comparison and one write, where keeping a length, too, cost as much as the instruction itself.
    #[inline(always)]
    fn set_place(&mut self, at: usize, place: u32) {
        match self.places.get_mut(at) {
            Some(known) => *known = place,
            None => self.add_place(at, place),
        }
    }

    #[cold]
    #[inline(never)]
    fn add_place(&mut self, at: usize, place: u32) {
        self.places.resize((at + 1).next_power_of_two(), 0);
        self.places[at] = place;
    }

    /// Appends the header of the word `xt` and says where its `Enter` is.
    #[inline(always)]
    pub fn begin(&mut self, xt: u32, place: u32) -> u32 {
        let enter = self.instrs.len() as u32 + 1;
        self.instrs.extend_from_slice(&[
            Instr::with(Op::Head, xt as i32),
            Instr { op: Op::Enter, a: 0, b: UNPROVEN, c: 0 },
            Instr::with(Op::More, 1),
        ]);
        self.set_place(enter as usize + 1, place);
        for before in &mut self.places[enter as usize - 1..=enter as usize] {
            *before = place;
        }
        enter
    }

    /// Appends a literal.
    #[inline(always)]
    pub fn push_literal(&mut self, value: Cell, place: u32) {
        match i32::try_from(value) {
            Ok(small) => self.push(Instr::with(Op::Lit, small), place),
            Err(_) => {
                self.push(Instr::with(Op::LitWide, self.consts.len() as i32), place);
                self.consts.push(value);
            }
        }
    }

    /// The `Enter` behind what a program takes for an execution token.
    #[inline(always)]
    pub fn enter_of_cell(&self, cell: Cell) -> Option<usize> {
        self.enters.get(cell.wrapping_sub(TOKEN_BASE) as u64 as usize).map(|enter| *enter as usize)
    }

    /// The token of the word with this `Enter`.
    #[inline]
    pub fn xt_of_enter(&self, enter: usize) -> u32 {
        self.instrs[enter - 1].c as u32
    }

    /// The token of the definition that the instruction at `at` stands in, around all quotations.
    pub fn xt_at(&self, at: usize) -> Option<u32> {
        let mut head = self.head_at(at)?;
        while self.instrs[head].a != 0 {
            head = self.head_at(head.checked_sub(1)?)?;
        }
        Some(self.instrs[head].c as u32)
    }

    /// The `Enter` of the word that the instruction at `at` belongs to.
    pub fn enter_at(&self, at: usize) -> Option<usize> {
        self.head_at(at).map(|head| head + 1)
    }

    fn head_at(&self, at: usize) -> Option<usize> {
        let mut before = at + 1;
        loop {
            let head = self.instrs.get(..before)?.iter().rposition(|instr| instr.op == Op::Head)?;
            // A quotation stands within the word around it, behind a jump over it.
            let is_quotation = self.instrs[head].a != 0;
            let end = head.checked_sub(1).map_or(0, |jump| self.instrs[jump].c as usize);
            if !is_quotation || at < end {
                return Some(head);
            }
            before = head;
        }
    }

    #[inline]
    pub fn mark(&self) -> CodeMark {
        CodeMark {
            instrs: self.instrs.len() as u32,
            consts: self.consts.len() as u32,
            enters: self.enters.len() as u32,
        }
    }

    #[inline(always)]
    pub fn truncate(&mut self, mark: CodeMark) {
        self.instrs.truncate(mark.instrs as usize);
        self.consts.truncate(mark.consts as usize);
        self.enters.truncate(mark.enters as usize);
    }
}
