//! From instructions to Cranelift's intermediate language. Every cell that a word has on its two stacks is a variable;
//! memory has them where other code may look: before calls, and where machine code stops.
//!
//! Each operation is here as in `executor`, which is the model, but where that would trap: there machine code stops.

use super::super::bytecode::{Instr, Op};
use super::super::code::Code;
use super::super::machine::{Frame, Machine};
use super::super::memory::{BASE, Place as MemoryPlace};
use super::super::words::WORDS;
use super::body::{Body, leaves};
use super::compiled::{Context, RETURNED, STOPPED, do_word, note, um_slash_mod};
use crate::model::Cell;
use cranelift_codegen::ir::condcodes::{CondCode, IntCC};
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{
    AbiParam, Block, FuncRef, Function, InstBuilder, MemFlags, SigRef, Signature, Value,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Switch, Variable};
use cranelift_module::Module;
use rustc_hash::FxHashMap;
use std::mem::offset_of;

/// The machine code of another word.
#[derive(Clone, Copy)]
pub(super) struct Address(pub usize);

/// Where a machine has its stacks and its data space: they stay where they are as long as it lives.
pub(super) struct Place {
    stack: usize,
    returns: usize,
    memory: MemoryPlace,
    /// Where the machine has what data space notes about written cells.
    noted: (i32, i32),
}

impl Place {
    pub fn of(machine: &Machine) -> Self {
        let base = offset_of!(Machine, memory);
        let (lo, cells) = super::super::memory::NOTED;
        Self {
            stack: machine.stack.as_ptr().addr(),
            returns: machine.returns.as_ptr().addr(),
            memory: machine.memory.place(),
            noted: ((base + lo) as i32, (base + cells) as i32),
        }
    }
}

/// The signature of `compiled::Function`.
pub(super) fn signature(module: &impl Module) -> Signature {
    let mut signature = module.make_signature();
    signature.params.extend([AbiParam::new(I64); 5]);
    signature.returns.extend([AbiParam::new(I64); 2]);
    signature
}

/// Fills `func` with the word whose `Enter` is at `enter`. Says where the interpreter can enter it: instructions, with
/// the data stack's depth there.
#[allow(clippy::too_many_arguments, reason = "one caller")]
pub(super) fn function(
    func: &mut Function,
    builder: &mut FunctionBuilderContext,
    code: &Code,
    enter: usize,
    body: &Body,
    calls: &FxHashMap<u32, Address>,
    itself: FuncRef,
    place: &Place,
) -> Vec<(u32, i32)> {
    let call_conv = func.signature.call_conv;
    let word_signature = func.signature.clone();
    let mut b = FunctionBuilder::new(func, builder);
    let start = b.create_block();
    b.append_block_params_for_function_params(start);
    b.switch_to_block(start);
    let params: [Value; 5] = b.block_params(start).try_into().expect("five parameters");
    let [context, sp, r_base, fuel, which] = params;
    let signatures = Signatures {
        word: b.import_signature(word_signature),
        prim: b.import_signature(plain(call_conv, 4, 2)),
        note: b.import_signature(plain(call_conv, 2, 0)),
        divide: b.import_signature(plain(call_conv, 3, 2)),
    };
    let cells = (0..body.need + body.high + 1).map(|_| b.declare_var(I64)).collect();
    let r_cells = (0..body.r_high).map(|_| b.declare_var(I64)).collect();
    let fuel_var = b.declare_var(I64);
    b.def_var(fuel_var, fuel);
    let machine = b.ins().load(I64, MemFlags::trusted(), context, offset_of!(Context, machine) as i32);
    let mut emitter = Emitter {
        b,
        code,
        enter,
        body,
        calls,
        itself,
        place,
        signatures,
        context,
        machine,
        sp,
        r_base,
        cells,
        r_cells,
        fuel: fuel_var,
        blocks: FxHashMap::default(),
        d: 0,
        r: 0,
        unsaved: 0,
        r_unsaved: 0,
        at: body.first,
    };
    let entries = emitter.entries(which);
    emitter.body();
    emitter.b.seal_all_blocks();
    emitter.b.finalize();
    entries
}

fn plain(call_conv: CallConv, params: usize, returns: usize) -> Signature {
    let mut signature = Signature::new(call_conv);
    signature.params.extend((0..params).map(|_| AbiParam::new(I64)));
    signature.returns.extend((0..returns).map(|_| AbiParam::new(I64)));
    signature
}

struct Signatures {
    word: SigRef,
    prim: SigRef,
    note: SigRef,
    divide: SigRef,
}

struct Emitter<'e, 'f> {
    b: FunctionBuilder<'f>,
    code: &'e Code,
    enter: usize,
    body: &'e Body,
    calls: &'e FxHashMap<u32, Address>,
    itself: FuncRef,
    place: &'e Place,
    signatures: Signatures,
    context: Value,
    machine: Value,
    /// The place of the top item at the word's entry.
    sp: Value,
    r_base: Value,
    /// Cells of the data stack, the lowest that the word touches first.
    cells: Vec<Variable>,
    r_cells: Vec<Variable>,
    fuel: Variable,
    /// Blocks that begin at an instruction.
    blocks: FxHashMap<usize, Block>,
    /// Depths before the instruction, or as far as it is done.
    d: i32,
    r: i32,
    /// Cells that memory may not have: a bit for each of `cells` and `r_cells`.
    unsaved: u64,
    r_unsaved: u64,
    /// The instruction.
    at: usize,
}

impl Emitter<'_, '_> {
    /// From each entry to its instruction, with the cells from memory.
    fn entries(&mut self, which: Value) -> Vec<(u32, i32)> {
        let body = self.body;
        let mut entries = vec![(body.first as u32, 0)];
        for (at, depths) in body.instructions() {
            let reached = body.reached(at);
            if reached.jumped || reached.entry || at == body.first {
                let block = self.b.create_block();
                self.blocks.insert(at, block);
            }
            if reached.entry && at != body.first {
                entries.push((at as u32, depths.d));
            }
        }
        let first = self.b.create_block();
        if entries.len() == 1 {
            self.b.ins().jump(first, &[]);
        } else {
            let others = self.b.create_block();
            self.b.ins().brif(which, others, &[], first, &[]);
            self.b.switch_to_block(others);
            let mut switch = Switch::new();
            let mut loads = Vec::new();
            for (number, (at, _)) in entries.iter().enumerate().skip(1) {
                let block = self.b.create_block();
                switch.set_entry(number as u128, block);
                loads.push((block, *at as usize));
            }
            switch.emit(&mut self.b, which, first);
            for (block, at) in loads {
                self.enter_at(block, at);
            }
        }
        self.enter_at(first, body.first);
        entries
    }

    fn enter_at(&mut self, block: Block, at: usize) {
        self.b.switch_to_block(block);
        let depths = self.body.depths(at).expect("an entry is reached");
        for k in 1 - self.body.need..=depths.d {
            self.load_cell(k);
        }
        for k in 0..depths.r {
            let value = self.b.ins().load(I64, MemFlags::trusted(), self.r_base, 8 * k);
            self.b.def_var(self.r_cells[k as usize], value);
        }
        let target = self.blocks[&at];
        self.b.ins().jump(target, &[]);
    }

    fn body(&mut self) {
        let body = self.body;
        // Whether control may run from the instruction before into the next block.
        let mut live = false;
        for (at, depths) in body.instructions() {
            self.at = at;
            (self.d, self.r) = (depths.d, depths.r);
            if let Some(block) = self.blocks.get(&at).copied() {
                if live {
                    self.b.ins().jump(block, &[]);
                }
                self.b.switch_to_block(block);
                // Behind a call all is in memory, and at the word's entry.
                if body.reached(at).jumped {
                    (self.unsaved, self.r_unsaved) = (u64::MAX, u64::MAX);
                } else {
                    (self.unsaved, self.r_unsaved) = (0, 0);
                }
            }
            live = self.instruction(self.code.instrs[at]);
        }
    }

    // Cells.

    fn variable(&self, k: i32) -> Variable {
        self.cells[(k + self.body.need - 1) as usize]
    }

    fn bit(&self, k: i32) -> u64 {
        1 << (k + self.body.need - 1)
    }

    fn load_cell(&mut self, k: i32) {
        let value = self.b.ins().load(I64, MemFlags::trusted(), self.sp, 8 * k);
        self.b.def_var(self.variable(k), value);
        self.unsaved &= !self.bit(k);
    }

    /// The item `k` places below the top.
    fn item(&mut self, k: i32) -> Value {
        self.b.use_var(self.variable(self.d - k))
    }

    fn set_item(&mut self, k: i32, value: Value) {
        let k = self.d - k;
        self.b.def_var(self.variable(k), value);
        self.unsaved |= self.bit(k);
    }

    fn push(&mut self, value: Value) {
        self.d += 1;
        self.set_item(0, value);
    }

    fn pop(&mut self) -> Value {
        let value = self.item(0);
        self.d -= 1;
        value
    }

    /// The cell `k` places down the return stack: 1 is its top.
    fn r_item(&mut self, k: i32) -> Value {
        self.b.use_var(self.r_cells[(self.r - k) as usize])
    }

    fn set_r_item(&mut self, k: i32, value: Value) {
        let k = self.r - k;
        self.b.def_var(self.r_cells[k as usize], value);
        self.r_unsaved |= 1 << k;
    }

    fn r_push(&mut self, value: Value) {
        self.r += 1;
        self.set_r_item(1, value);
    }

    /// Puts into memory what it does not have.
    fn save_cells(&mut self) {
        for k in 1 - self.body.need..=self.d {
            if self.unsaved & self.bit(k) != 0 {
                let value = self.b.use_var(self.variable(k));
                self.b.ins().store(MemFlags::trusted(), value, self.sp, 8 * k);
            }
        }
    }

    fn save_r_cells(&mut self) {
        for k in 0..self.r {
            if self.r_unsaved & 1 << k != 0 {
                let value = self.b.use_var(self.r_cells[k as usize]);
                self.b.ins().store(MemFlags::trusted(), value, self.r_base, 8 * k);
            }
        }
    }

    fn save(&mut self) {
        self.save_cells();
        self.save_r_cells();
        (self.unsaved, self.r_unsaved) = (0, 0);
    }

    // Ends.

    /// The interpreter goes on before this instruction. The depths must still be those before it.
    fn stop(&mut self) {
        self.save_cells();
        self.save_r_cells();
        let ip = self.number(self.at as Cell);
        let sp = self.b.ins().iadd_imm(self.sp, 8 * self.d as i64);
        let rp = self.b.ins().iadd_imm(self.r_base, 8 * self.r as i64);
        for (value, offset) in [
            (ip, offset_of!(Context, ip)),
            (sp, offset_of!(Context, sp)),
            (rp, offset_of!(Context, rp)),
            (self.r_base, offset_of!(Context, r_base)),
        ] {
            self.b.ins().store(MemFlags::trusted(), value, self.context, offset as i32);
        }
        let status = self.number(STOPPED as Cell);
        let fuel = self.b.use_var(self.fuel);
        self.b.ins().return_(&[status, fuel]);
    }

    /// Stops where the condition holds.
    fn stop_if(&mut self, condition: Value) {
        let (stop, go_on) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(condition, stop, &[], go_on, &[]);
        self.b.set_cold_block(stop);
        self.b.switch_to_block(stop);
        self.stop();
        self.b.switch_to_block(go_on);
    }

    /// The fuel after this much is burned; stops where there is not so much.
    fn burn(&mut self, fuel: i64) {
        let before = self.b.use_var(self.fuel);
        let after = self.b.ins().iadd_imm(before, -fuel);
        let short = self.b.ins().icmp_imm(IntCC::SignedLessThan, after, 0);
        self.stop_if(short);
        self.b.def_var(self.fuel, after);
    }

    // Small things.

    fn number(&mut self, value: Cell) -> Value {
        self.b.ins().iconst(I64, value)
    }

    fn flag(&mut self, condition: Value) -> Value {
        self.b.ins().bmask(I64, condition)
    }

    fn compare(&mut self, how: IntCC) {
        let (b, a) = (self.pop(), self.item(0));
        let truth = self.b.ins().icmp(how, a, b);
        let flag = self.flag(truth);
        self.set_item(0, flag);
    }

    fn compare_zero(&mut self, how: IntCC) {
        let a = self.item(0);
        let truth = self.b.ins().icmp_imm(how, a, 0);
        let flag = self.flag(truth);
        self.set_item(0, flag);
    }

    fn unary(&mut self, f: impl FnOnce(&mut Self, Value) -> Value) {
        let a = self.item(0);
        let value = f(self, a);
        self.set_item(0, value);
    }

    fn binary(&mut self, f: impl FnOnce(&mut Self, Value, Value) -> Value) {
        let (b, a) = (self.pop(), self.item(0));
        let value = f(self, a, b);
        self.set_item(0, value);
    }

    /// Goes to instruction `to` where the condition holds, and on behind it otherwise.
    fn jump_if(&mut self, condition: Value, to: Cell) {
        let target = self.blocks[&(to as usize)];
        let next = self.next();
        self.b.ins().brif(condition, target, &[], next, &[]);
        self.b.switch_to_block(next);
    }

    /// A block for what comes behind a branch, in this instruction or after it.
    fn next(&mut self) -> Block {
        self.b.create_block()
    }

    fn branch(&mut self, instr: Instr, unless: IntCC) {
        let (b, a) = (self.pop(), self.pop());
        let fails = self.b.ins().icmp(unless.complement(), a, b);
        self.jump_if(fails, instr.c as Cell);
    }

    fn lit_branch(&mut self, instr: Instr, unless: IntCC) {
        let a = self.pop();
        let fails = self.b.ins().icmp_imm(unless.complement(), a, instr.b as i16 as i64);
        self.jump_if(fails, instr.c as Cell);
    }

    fn dup_lit_branch(&mut self, instr: Instr, unless: IntCC) {
        let a = self.item(0);
        let fails = self.b.ins().icmp_imm(unless.complement(), a, instr.b as i16 as i64);
        self.jump_if(fails, instr.c as Cell);
    }

    fn two_dup_branch(&mut self, instr: Instr, unless: IntCC) {
        let (a, b) = (self.item(1), self.item(0));
        let fails = self.b.ins().icmp(unless.complement(), a, b);
        self.jump_if(fails, instr.c as Cell);
    }

    /// Jumps back where the top, which goes, is zero, or where it is not.
    fn branch_back(&mut self, instr: Instr, when: IntCC) {
        let flag = self.item(0);
        let jumps = self.b.ins().icmp_imm(when, flag, 0);
        self.jump_back_if(jumps, instr);
        self.d -= 1;
    }

    /// Burns and jumps where the condition holds. Nothing that the instruction does may be done before.
    fn jump_back_if(&mut self, condition: Value, instr: Instr) {
        let (back, next) = (self.b.create_block(), self.next());
        self.b.ins().brif(condition, back, &[], next, &[]);
        self.b.switch_to_block(back);
        self.burn(instr.b as i64);
        let target = self.blocks[&(instr.c as usize)];
        self.b.ins().jump(target, &[]);
        self.b.switch_to_block(next);
    }

    // Memory.

    /// The offset of `n_bytes` at an address; stops where they are not in data space.
    fn offset(&mut self, addr: Value, n_bytes: usize) -> Value {
        let offset = self.b.ins().iadd_imm(addr, -BASE);
        let last = (self.place.memory.len - n_bytes) as i64;
        let outside = self.b.ins().icmp_imm(IntCC::UnsignedGreaterThan, offset, last);
        self.stop_if(outside);
        offset
    }

    fn place(&mut self, offset: Value) -> Value {
        let bytes = self.number(self.place.memory.bytes as Cell);
        self.b.ins().iadd(bytes, offset)
    }

    fn fetch(&mut self, addr: Value) -> Value {
        let offset = self.offset(addr, 8);
        let place = self.place(offset);
        self.b.ins().load(I64, MemFlags::new().with_notrap(), place, 0)
    }

    fn fetch_byte(&mut self, addr: Value) -> Value {
        let offset = self.offset(addr, 1);
        let place = self.place(offset);
        self.b.ins().uload8(I64, MemFlags::new().with_notrap(), place, 0)
    }

    /// As `Memory::note_cell`.
    fn note(&mut self, offset: Value) {
        let (lo, cells) = self.place.noted;
        let lo = self.b.ins().load(I64, MemFlags::trusted(), self.machine, lo);
        let cells = self.b.ins().load(I64, MemFlags::trusted(), self.machine, cells);
        let behind = self.b.ins().isub(offset, lo);
        let fresh = self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, behind, cells);
        let (new, go_on) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(fresh, new, &[], go_on, &[]);
        self.b.set_cold_block(new);
        self.b.switch_to_block(new);
        let function = self.number(note as *const () as Cell);
        self.b.ins().call_indirect(self.signatures.note, function, &[self.context, offset]);
        self.b.ins().jump(go_on, &[]);
        self.b.switch_to_block(go_on);
    }

    fn store_at(&mut self, offset: Value, value: Value) {
        self.note(offset);
        let place = self.place(offset);
        self.b.ins().store(MemFlags::new().with_notrap(), value, place, 0);
    }

    fn store(&mut self, addr: Value, value: Value) {
        let offset = self.offset(addr, 8);
        self.store_at(offset, value);
    }

    fn store_byte(&mut self, addr: Value, value: Value) {
        let offset = self.offset(addr, 1);
        self.note(offset);
        let place = self.place(offset);
        self.b.ins().istore8(MemFlags::new().with_notrap(), value, place, 0);
    }

    fn plus_store(&mut self, addr: Value, value: Value) {
        let offset = self.offset(addr, 8);
        let place = self.place(offset);
        let before = self.b.ins().load(I64, MemFlags::new().with_notrap(), place, 0);
        let after = self.b.ins().iadd(before, value);
        self.store_at(offset, after);
    }

    // Arithmetic, as in `model::scalar`.

    /// Floored quotient and remainder; stops on a zero divisor.
    fn divide(&mut self, a: Value, b: Value) -> (Value, Value) {
        let by_zero = self.b.ins().icmp_imm(IntCC::Equal, b, 0);
        self.stop_if(by_zero);
        // -1 is the only divisor on which the processor's division may trap; its quotient is the negated dividend.
        let negates = self.b.ins().icmp_imm(IntCC::Equal, b, -1);
        let one = self.number(1);
        let divisor = self.b.ins().select(negates, one, b);
        let quotient = self.b.ins().sdiv(a, divisor);
        let product = self.b.ins().imul(quotient, divisor);
        let remainder = self.b.ins().isub(a, product);
        let (quotient, remainder) = self.floor(quotient, remainder, divisor);
        let negated = self.b.ins().ineg(a);
        (self.b.ins().select(negates, negated, quotient), remainder)
    }

    /// From truncated to floored.
    fn floor(&mut self, quotient: Value, remainder: Value, divisor: Value) -> (Value, Value) {
        let signs = self.b.ins().bxor(remainder, divisor);
        let differ = self.b.ins().icmp_imm(IntCC::SignedLessThan, signs, 0);
        let some = self.b.ins().icmp_imm(IntCC::NotEqual, remainder, 0);
        let wrong = self.b.ins().band(differ, some);
        let lower = self.b.ins().iadd_imm(quotient, -1);
        let higher = self.b.ins().iadd(remainder, divisor);
        (self.b.ins().select(wrong, lower, quotient), self.b.ins().select(wrong, higher, remainder))
    }

    /// The same by a positive literal.
    fn divide_by(&mut self, a: Value, divisor: i32) -> (Value, Value) {
        let divisor = divisor.max(1) as i64;
        if divisor & (divisor - 1) == 0 {
            let quotient = self.b.ins().sshr_imm(a, divisor.trailing_zeros() as i64);
            return (quotient, self.b.ins().band_imm(a, divisor - 1));
        }
        let by = self.number(divisor);
        let quotient = self.b.ins().sdiv(a, by);
        let product = self.b.ins().imul(quotient, by);
        let remainder = self.b.ins().isub(a, product);
        self.floor(quotient, remainder, by)
    }

    fn shift(&mut self, a: Value, count: Value, left: bool) -> Value {
        let shifted = if left { self.b.ins().ishl(a, count) } else { self.b.ins().ushr(a, count) };
        let in_range = self.b.ins().icmp_imm(IntCC::UnsignedLessThan, count, 64);
        let zero = self.number(0);
        self.b.ins().select(in_range, shifted, zero)
    }

    fn shift_by(&mut self, a: Value, count: i32, left: bool) -> Value {
        match count {
            0..64 if left => self.b.ins().ishl_imm(a, count as i64),
            0..64 => self.b.ins().ushr_imm(a, count as i64),
            _ => self.number(0),
        }
    }

    /// Sum of two doubles, low half first.
    fn add_double(&mut self, a: (Value, Value), b: (Value, Value)) -> (Value, Value) {
        let low = self.b.ins().iadd(a.0, b.0);
        let carry = self.b.ins().icmp(IntCC::UnsignedLessThan, low, a.0);
        let carry = self.b.ins().uextend(I64, carry);
        let high = self.b.ins().iadd(a.1, b.1);
        (low, self.b.ins().iadd(high, carry))
    }

    // Calls.

    /// Returns from here where a callee did not return.
    fn propagate(&mut self, status: Value) {
        let (end, go_on) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(status, end, &[], go_on, &[]);
        self.b.set_cold_block(end);
        self.b.switch_to_block(end);
        let fuel = self.b.use_var(self.fuel);
        self.b.ins().return_(&[status, fuel]);
        self.b.switch_to_block(go_on);
    }

    /// Calls a word. False where only the interpreter can.
    fn call(&mut self, callee: u32) -> bool {
        let itself = callee as usize == self.enter;
        let address = self.calls.get(&callee).copied();
        if !itself && address.is_none() {
            self.stop();
            return false;
        }
        let [head, more] = [self.code.instrs[callee as usize], self.code.instrs[callee as usize + 1]];
        let top = self.b.ins().iadd_imm(self.sp, 8 * self.d as i64);
        let rp = self.b.ins().iadd_imm(self.r_base, 8 * self.r as i64);
        // Room, as the interpreter's `call!` looks for it; of the return stack with something to spare.
        let highest = self.place.stack + 8 * (head.b as usize + head.c as usize);
        let highest = self.number(highest as Cell);
        let too_high = self.b.ins().icmp(IntCC::UnsignedGreaterThan, top, highest);
        self.stop_if(too_high);
        if itself {
            let lowest = self.number((self.place.stack + 8 * head.b as usize) as Cell);
            let too_low = self.b.ins().icmp(IntCC::UnsignedLessThan, top, lowest);
            self.stop_if(too_low);
        }
        let limit =
            self.b.ins().load(I64, MemFlags::trusted(), self.context, offset_of!(Context, r_limit) as i32);
        let too_deep = self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, rp, limit);
        self.stop_if(too_deep);
        self.burn(more.c as i64);

        // The frame, as `Frame::new(self.at + 1, r_base, false)`.
        let returns = self.number(self.place.returns as Cell);
        let depth = self.b.ins().isub(self.r_base, returns);
        let depth = self.b.ins().ishl_imm(depth, 29);
        let frame = self.b.ins().bor_imm(depth, Frame::new(self.at + 1, 0, false).0);
        self.b.ins().store(MemFlags::trusted(), frame, rp, 0);
        self.save();
        let fuel = self.b.use_var(self.fuel);
        let base = self.b.ins().iadd_imm(rp, 8);
        let zero = self.number(0);
        let arguments = [self.context, top, base, fuel, zero];
        let call = match address {
            Some(Address(address)) => {
                let function = self.number(address as Cell);
                self.b.ins().call_indirect(self.signatures.word, function, &arguments)
            }
            None => self.b.ins().call(self.itself, &arguments),
        };
        self.came_back(call, head.b as i32, head.a as i8 as i32);
        true
    }

    /// Does a word out of line.
    fn prim(&mut self, number: i32) {
        self.save();
        let row = &WORDS[number as usize];
        let top = self.b.ins().iadd_imm(self.sp, 8 * self.d as i64);
        let fuel = self.b.use_var(self.fuel);
        let which = self.number((self.at as Cell) << 32 | number as Cell);
        let function = self.number(do_word as *const () as Cell);
        let arguments = [self.context, top, fuel, which];
        let call = self.b.ins().call_indirect(self.signatures.prim, function, &arguments);
        self.came_back(call, row.n_in as i32, row.n_out as i32 - row.n_in as i32);
    }

    /// Behind a call: its fuel, its end, and the cells that it may have changed.
    fn came_back(&mut self, call: cranelift_codegen::ir::Inst, need: i32, delta: i32) {
        let [status, fuel]: [Value; 2] = self.b.inst_results(call).try_into().expect("two results");
        self.b.def_var(self.fuel, fuel);
        self.propagate(status);
        let first = (self.d - need + 1).max(1 - self.body.need);
        self.d += delta;
        for k in first..=self.d {
            self.load_cell(k);
        }
    }

    /// Emits one instruction. False where control does not go on behind it.
    #[allow(clippy::too_many_lines, reason = "a table of operations, as in `executor`")]
    fn instruction(&mut self, instr: Instr) -> bool {
        use IntCC::*;
        let c = instr.c as Cell;
        match instr.op {
            op if leaves(op) => {
                self.stop();
                return false;
            }
            Op::Head
            | Op::Enter
            | Op::More
            | Op::Stop
            | Op::CatchEnd
            | Op::Execute
            | Op::Catch
            | Op::QDup
            | Op::NToR
            | Op::NRFrom
            | Op::Throw
            | Op::CompileOnly
            | Op::Host
            | Op::SetDoes => {
                unreachable!("not in a body that was scanned")
            }
            Op::Return => {
                self.save_cells();
                let status = self.number(RETURNED as Cell);
                let fuel = self.b.use_var(self.fuel);
                self.b.ins().return_(&[status, fuel]);
                return false;
            }
            Op::Lit => {
                let value = self.number(c);
                self.push(value);
            }
            Op::LitWide => {
                let value = self.number(self.code.consts[instr.c as usize]);
                self.push(value);
            }
            Op::Call => return self.call(instr.c as u32),
            Op::Prim => self.prim(instr.c),

            Op::Jump => {
                let target = self.blocks[&(instr.c as usize)];
                self.b.ins().jump(target, &[]);
                return false;
            }
            Op::JumpBack => {
                self.burn(instr.b as i64);
                let target = self.blocks[&(instr.c as usize)];
                self.b.ins().jump(target, &[]);
                return false;
            }
            Op::BranchZero => {
                let flag = self.pop();
                let zero = self.b.ins().icmp_imm(Equal, flag, 0);
                self.jump_if(zero, c);
            }
            Op::BranchNonZero => {
                let flag = self.pop();
                self.jump_if(flag, c);
            }
            Op::BranchZeroBack => self.branch_back(instr, Equal),
            Op::BranchNonZeroBack => self.branch_back(instr, NotEqual),
            Op::DupBranchZero => {
                let flag = self.item(0);
                let zero = self.b.ins().icmp_imm(Equal, flag, 0);
                self.jump_if(zero, c);
            }
            Op::DupBranchNonZero => {
                let flag = self.item(0);
                self.jump_if(flag, c);
            }
            Op::QDupBranchZero => {
                let flag = self.item(0);
                let zero = self.b.ins().icmp_imm(Equal, flag, 0);
                self.jump_if(zero, c);
            }
            Op::QDupBranchNonZero => {
                let flag = self.item(0);
                self.jump_if(flag, c);
                self.d -= 1;
            }
            Op::BranchEqual => self.branch(instr, Equal),
            Op::BranchNotEqual => self.branch(instr, NotEqual),
            Op::BranchLess => self.branch(instr, SignedLessThan),
            Op::BranchGreater => self.branch(instr, SignedGreaterThan),
            Op::BranchLessEq => self.branch(instr, SignedLessThanOrEqual),
            Op::BranchGreaterEq => self.branch(instr, SignedGreaterThanOrEqual),
            Op::LitBranchEqual => self.lit_branch(instr, Equal),
            Op::LitBranchNotEqual => self.lit_branch(instr, NotEqual),
            Op::LitBranchLess => self.lit_branch(instr, SignedLessThan),
            Op::LitBranchGreater => self.lit_branch(instr, SignedGreaterThan),
            Op::LitBranchLessEq => self.lit_branch(instr, SignedLessThanOrEqual),
            Op::LitBranchGreaterEq => self.lit_branch(instr, SignedGreaterThanOrEqual),
            Op::DupLitBranchEqual => self.dup_lit_branch(instr, Equal),
            Op::DupLitBranchNotEqual => self.dup_lit_branch(instr, NotEqual),
            Op::DupLitBranchLess => self.dup_lit_branch(instr, SignedLessThan),
            Op::DupLitBranchGreater => self.dup_lit_branch(instr, SignedGreaterThan),
            Op::DupLitBranchLessEq => self.dup_lit_branch(instr, SignedLessThanOrEqual),
            Op::DupLitBranchGreaterEq => self.dup_lit_branch(instr, SignedGreaterThanOrEqual),
            Op::TwoDupBranchEqual => self.two_dup_branch(instr, Equal),
            Op::TwoDupBranchNotEqual => self.two_dup_branch(instr, NotEqual),
            Op::TwoDupBranchLess => self.two_dup_branch(instr, SignedLessThan),
            Op::TwoDupBranchGreater => self.two_dup_branch(instr, SignedGreaterThan),
            Op::TwoDupBranchLessEq => self.two_dup_branch(instr, SignedLessThanOrEqual),
            Op::TwoDupBranchGreaterEq => self.two_dup_branch(instr, SignedGreaterThanOrEqual),
            Op::Do => {
                let (start, limit) = (self.pop(), self.pop());
                self.r_push(limit);
                self.r_push(start);
            }
            Op::QDo => {
                let (start, limit) = (self.pop(), self.pop());
                let none = self.b.ins().icmp(Equal, limit, start);
                self.jump_if(none, c);
                self.r_push(limit);
                self.r_push(start);
            }
            Op::Loop => {
                let (index, limit) = (self.r_item(1), self.r_item(2));
                let index = self.b.ins().iadd_imm(index, 1);
                let more = self.b.ins().icmp(NotEqual, index, limit);
                self.loop_back_if(more, index, instr);
                self.r -= 2;
            }
            Op::PlusLoop => {
                let (step, index, limit) = (self.item(0), self.r_item(1), self.r_item(2));
                let before = self.b.ins().isub(index, limit);
                let after = self.b.ins().iadd(before, step);
                let turned = self.b.ins().bxor(before, after);
                let stepped = self.b.ins().bxor(before, step);
                let crossed = self.b.ins().band(turned, stepped);
                let more = self.b.ins().icmp_imm(SignedGreaterThanOrEqual, crossed, 0);
                let index = self.b.ins().iadd(index, step);
                self.loop_back_if(more, index, instr);
                self.d -= 1;
                self.r -= 2;
            }
            Op::Unloop => self.r -= 2,
            Op::Of => {
                let choice = self.pop();
                let value = self.item(0);
                let other = self.b.ins().icmp(NotEqual, choice, value);
                self.jump_if(other, c);
                self.d -= 1;
            }

            Op::ToR => {
                let value = self.pop();
                self.r_push(value);
            }
            Op::RFrom => {
                let value = self.r_item(1);
                self.r -= 1;
                self.push(value);
            }
            Op::RFetch | Op::I => {
                let value = self.r_item(1);
                self.push(value);
            }
            Op::TwoToR => {
                let (b, a) = (self.pop(), self.pop());
                self.r_push(a);
                self.r_push(b);
            }
            Op::TwoRFrom | Op::TwoRFetch => {
                let (a, b) = (self.r_item(2), self.r_item(1));
                self.push(a);
                self.push(b);
                if instr.op == Op::TwoRFrom {
                    self.r -= 2;
                }
            }
            Op::J => {
                let value = self.r_item(3);
                self.push(value);
            }
            Op::ICells => {
                let value = self.r_item(1);
                let value = self.b.ins().ishl_imm(value, 3);
                self.push(value);
            }
            Op::IAdd => {
                let index = self.r_item(1);
                self.unary(|e, a| e.b.ins().iadd(a, index));
            }
            Op::JAdd => {
                let index = self.r_item(3);
                self.unary(|e, a| e.b.ins().iadd(a, index));
            }
            Op::ICellsAdd => {
                let index = self.r_item(1);
                let index = self.b.ins().ishl_imm(index, 3);
                self.unary(|e, a| e.b.ins().iadd(a, index));
            }
            Op::LocalsInit => {
                let n = instr.a as i32;
                let values: Vec<Value> = (0..n).map(|k| self.item(k)).collect();
                self.d -= n;
                for value in values.into_iter().rev() {
                    self.r_push(value);
                }
            }
            Op::LocalGet => {
                let value = self.r_item(self.r - instr.c);
                self.push(value);
            }
            Op::LocalSet => {
                let value = self.pop();
                self.set_r_item(self.r - instr.c, value);
            }

            Op::Dup => {
                let value = self.item(0);
                self.push(value);
            }
            Op::Drop | Op::DToS => self.d -= 1,
            Op::Swap => self.permute(&[1, 0]),
            Op::Over => {
                let value = self.item(1);
                self.push(value);
            }
            Op::Rot => self.permute(&[2, 0, 1]),
            Op::MinusRot => self.permute(&[1, 2, 0]),
            Op::Nip => {
                let value = self.pop();
                self.set_item(0, value);
            }
            Op::Tuck => {
                self.d += 1;
                let (below, top) =
                    (self.b.use_var(self.variable(self.d - 2)), self.b.use_var(self.variable(self.d - 1)));
                self.set_item(2, top);
                self.set_item(1, below);
                self.set_item(0, top);
            }
            Op::TwoDup => {
                let (a, b) = (self.item(1), self.item(0));
                self.push(a);
                self.push(b);
            }
            Op::TwoDrop => self.d -= 2,
            Op::TwoSwap => self.permute(&[2, 3, 0, 1]),
            Op::TwoOver => {
                let (a, b) = (self.item(3), self.item(2));
                self.push(a);
                self.push(b);
            }
            Op::Pick => {
                // The picked item may be any, a caller's too.
                self.save_cells();
                self.unsaved = 0;
                let count = self.item(0);
                let top = self.b.ins().iadd_imm(self.sp, 8 * self.d as i64);
                let bottom = self.number(self.place.stack as Cell);
                let bytes = self.b.ins().isub(top, bottom);
                let depth = self.b.ins().ushr_imm(bytes, 3);
                let below = self.b.ins().iadd_imm(depth, -1);
                let none = self.b.ins().icmp(UnsignedGreaterThanOrEqual, count, below);
                self.stop_if(none);
                let distance = self.b.ins().ishl_imm(count, 3);
                let place = self.b.ins().isub(top, distance);
                let value = self.b.ins().load(I64, MemFlags::trusted(), place, -8);
                self.set_item(0, value);
            }
            Op::PickAt => {
                let value = self.item(instr.c);
                self.push(value);
            }
            Op::Depth => {
                let top = self.b.ins().iadd_imm(self.sp, 8 * self.d as i64);
                let bottom = self.number(self.place.stack as Cell);
                let bytes = self.b.ins().isub(top, bottom);
                let depth = self.b.ins().ushr_imm(bytes, 3);
                self.push(depth);
            }

            Op::Add => self.binary(|e, a, b| e.b.ins().iadd(a, b)),
            Op::Sub => self.binary(|e, a, b| e.b.ins().isub(a, b)),
            Op::Mul => self.binary(|e, a, b| e.b.ins().imul(a, b)),
            Op::Div | Op::Mod | Op::DivMod | Op::TuckMod => {
                let (a, b) = (self.item(1), self.item(0));
                let (quotient, remainder) = self.divide(a, b);
                match instr.op {
                    Op::Div => {
                        self.d -= 1;
                        self.set_item(0, quotient);
                    }
                    Op::Mod => {
                        self.d -= 1;
                        self.set_item(0, remainder);
                    }
                    Op::TuckMod => {
                        self.set_item(1, b);
                        self.set_item(0, remainder);
                    }
                    _ => {
                        self.set_item(1, remainder);
                        self.set_item(0, quotient);
                    }
                }
            }
            Op::OnePlus => self.unary(|e, a| e.b.ins().iadd_imm(a, 1)),
            Op::OneMinus => self.unary(|e, a| e.b.ins().iadd_imm(a, -1)),
            Op::TwoStar => self.unary(|e, a| e.b.ins().ishl_imm(a, 1)),
            Op::TwoSlash => self.unary(|e, a| e.b.ins().sshr_imm(a, 1)),
            Op::Negate => self.unary(|e, a| e.b.ins().ineg(a)),
            Op::Abs => self.unary(|e, a| {
                let negated = e.b.ins().ineg(a);
                let negative = e.b.ins().icmp_imm(SignedLessThan, a, 0);
                e.b.ins().select(negative, negated, a)
            }),
            Op::Min => self.binary(|e, a, b| e.b.ins().smin(a, b)),
            Op::Max => self.binary(|e, a, b| e.b.ins().smax(a, b)),
            Op::LShift => self.binary(|e, a, b| e.shift(a, b, true)),
            Op::RShift => self.binary(|e, a, b| e.shift(a, b, false)),
            Op::And => self.binary(|e, a, b| e.b.ins().band(a, b)),
            Op::Or => self.binary(|e, a, b| e.b.ins().bor(a, b)),
            Op::Xor => self.binary(|e, a, b| e.b.ins().bxor(a, b)),
            Op::Invert => self.unary(|e, a| e.b.ins().bnot(a)),
            Op::Cells => self.unary(|e, a| e.b.ins().ishl_imm(a, 3)),
            Op::CellPlus => self.unary(|e, a| e.b.ins().iadd_imm(a, 8)),
            Op::Aligned => self.unary(|e, a| {
                let above = e.b.ins().iadd_imm(a, 7);
                e.b.ins().band_imm(above, !7)
            }),
            Op::Same => {}
            Op::LitAdd => self.unary(|e, a| e.b.ins().iadd_imm(a, c)),
            Op::LitMul => self.unary(|e, a| e.b.ins().imul_imm(a, c)),
            Op::LitAnd => self.unary(|e, a| e.b.ins().band_imm(a, c)),
            Op::LitLShift => self.unary(|e, a| e.shift_by(a, instr.c, true)),
            Op::LitRShift => self.unary(|e, a| e.shift_by(a, instr.c, false)),
            Op::LitDiv => self.unary(|e, a| e.divide_by(a, instr.c).0),
            Op::LitMod => self.unary(|e, a| e.divide_by(a, instr.c).1),
            Op::DupLitAdd => {
                let value = self.item(0);
                let value = self.b.ins().iadd_imm(value, c);
                self.push(value);
            }
            Op::UnderLitAdd => {
                let value = self.item(1);
                let value = self.b.ins().iadd_imm(value, c);
                self.set_item(1, value);
            }
            Op::DupMul => self.unary(|e, a| e.b.ins().imul(a, a)),
            Op::OverAdd => {
                let below = self.item(1);
                self.unary(|e, a| e.b.ins().iadd(a, below));
            }

            Op::Equal => self.compare(Equal),
            Op::NotEqual => self.compare(NotEqual),
            Op::Less => self.compare(SignedLessThan),
            Op::Greater => self.compare(SignedGreaterThan),
            Op::LessEq => self.compare(SignedLessThanOrEqual),
            Op::GreaterEq => self.compare(SignedGreaterThanOrEqual),
            Op::ULess => self.compare(UnsignedLessThan),
            Op::UGreater => self.compare(UnsignedGreaterThan),
            Op::ZeroEqual => self.compare_zero(Equal),
            Op::ZeroNotEqual => self.compare_zero(NotEqual),
            Op::ZeroLess => self.unary(|e, a| e.b.ins().sshr_imm(a, 63)),
            Op::ZeroGreater => self.compare_zero(SignedGreaterThan),
            Op::Within => {
                let (high, low) = (self.pop(), self.pop());
                self.unary(|e, x| {
                    let above = e.b.ins().isub(x, low);
                    let span = e.b.ins().isub(high, low);
                    let inside = e.b.ins().icmp(UnsignedLessThan, above, span);
                    e.flag(inside)
                });
            }

            Op::SToD => {
                let value = self.item(0);
                let high = self.b.ins().sshr_imm(value, 63);
                self.push(high);
            }
            Op::DAdd => {
                let (bh, bl, ah, al) = (self.pop(), self.pop(), self.pop(), self.pop());
                let (low, high) = self.add_double((al, ah), (bl, bh));
                self.push(low);
                self.push(high);
            }
            Op::DSub => {
                let (bh, bl, ah, al) = (self.pop(), self.pop(), self.pop(), self.pop());
                let low = self.b.ins().isub(al, bl);
                let borrow = self.b.ins().icmp(UnsignedLessThan, al, bl);
                let borrow = self.b.ins().uextend(I64, borrow);
                let high = self.b.ins().isub(ah, bh);
                let high = self.b.ins().isub(high, borrow);
                self.push(low);
                self.push(high);
            }
            Op::MStar | Op::UMStar => {
                let (a, b) = (self.item(1), self.item(0));
                let low = self.b.ins().imul(a, b);
                let high = match instr.op {
                    Op::MStar => self.b.ins().smulhi(a, b),
                    _ => self.b.ins().umulhi(a, b),
                };
                self.set_item(1, low);
                self.set_item(0, high);
            }
            Op::UMSlashMod => {
                let (low, high, divisor) = (self.item(2), self.item(1), self.item(0));
                // By zero, or with a quotient that does not fit.
                let fails = self.b.ins().icmp(UnsignedGreaterThanOrEqual, high, divisor);
                self.stop_if(fails);
                let function = self.number(um_slash_mod as *const () as Cell);
                let arguments = [low, high, divisor];
                let call = self.b.ins().call_indirect(self.signatures.divide, function, &arguments);
                let [quotient, remainder]: [Value; 2] =
                    self.b.inst_results(call).try_into().expect("two results");
                self.d -= 1;
                self.set_item(1, remainder);
                self.set_item(0, quotient);
            }

            Op::Fetch => self.unary(|e, a| e.fetch(a)),
            Op::CFetch => self.unary(|e, a| e.fetch_byte(a)),
            Op::DupFetch => {
                let addr = self.item(0);
                let value = self.fetch(addr);
                self.push(value);
            }
            Op::CellPlusFetch => self.unary(|e, a| {
                let addr = e.b.ins().iadd_imm(a, 8);
                e.fetch(addr)
            }),
            Op::AddFetch | Op::AddCFetch => {
                let (a, b) = (self.item(1), self.item(0));
                let addr = self.b.ins().iadd(a, b);
                let value = match instr.op {
                    Op::AddFetch => self.fetch(addr),
                    _ => self.fetch_byte(addr),
                };
                self.d -= 1;
                self.set_item(0, value);
            }
            Op::FetchAt | Op::LitFetch => {
                let addr = self.number(c);
                let value = self.fetch(addr);
                self.push(value);
            }
            Op::Store => {
                let (value, addr) = (self.item(1), self.item(0));
                self.store(addr, value);
                self.d -= 2;
            }
            Op::CStore => {
                let (value, addr) = (self.item(1), self.item(0));
                self.store_byte(addr, value);
                self.d -= 2;
            }
            Op::StoreAt | Op::LitStore => {
                let (addr, value) = (self.number(c), self.item(0));
                self.store(addr, value);
                self.d -= 1;
            }
            Op::PlusStore => {
                let (value, addr) = (self.item(1), self.item(0));
                self.plus_store(addr, value);
                self.d -= 2;
            }
            Op::LitPlusStore => {
                let (addr, value) = (self.number(c), self.item(0));
                self.plus_store(addr, value);
                self.d -= 1;
            }
            Op::TwoFetch => {
                let addr = self.item(0);
                let top = self.fetch(addr);
                let next = self.b.ins().iadd_imm(addr, 8);
                let below = self.fetch(next);
                self.set_item(0, below);
                self.push(top);
            }
            Op::TwoStore => {
                let (below, top, addr) = (self.item(2), self.item(1), self.item(0));
                let first = self.offset(addr, 8);
                let next = self.b.ins().iadd_imm(addr, 8);
                let second = self.offset(next, 8);
                self.store_at(second, below);
                self.store_at(first, top);
                self.d -= 3;
            }
            Op::Count => {
                let addr = self.item(0);
                let value = self.fetch_byte(addr);
                let next = self.b.ins().iadd_imm(addr, 1);
                self.set_item(0, next);
                self.push(value);
            }
        }
        true
    }

    /// Burns and goes round a counted loop where the condition holds.
    fn loop_back_if(&mut self, condition: Value, index: Value, instr: Instr) {
        let (back, next) = (self.b.create_block(), self.next());
        self.b.ins().brif(condition, back, &[], next, &[]);
        self.b.switch_to_block(back);
        self.burn(instr.b as i64);
        self.set_r_item(1, index);
        let target = self.blocks[&(instr.c as usize)];
        self.b.ins().jump(target, &[]);
        self.b.switch_to_block(next);
    }

    /// Gives the items, the top first, the values that these have now, counted from the top.
    fn permute(&mut self, from: &[i32]) {
        let values: Vec<Value> = from.iter().map(|k| self.item(*k)).collect();
        for (k, value) in values.into_iter().enumerate() {
            self.set_item(k as i32, value);
        }
    }
}

const _: () = assert!(size_of::<Cell>() == 8 && cfg!(target_endian = "little"));
