//! The run loop. Top of stack, stack pointers, instruction pointer and fuel live in locals.
//!
//! There are six copies of the loop. The unchecked one runs words whose stack depths are proven (`prove`); entering a
//! word takes one comparison for each stack, and where that fails, or the word is not proven, the loop hands over to the
//! checked copy, which looks at every instruction's needs first and therefore stops at exactly the right word. Each of
//! the two exists with and without a shadow stack. The others are for leaves, words of arithmetic, stack words and jumps
//! without memory or a frame, which is what most candidates are: entering and leaving the loop cost more than such a word.
//! One of them has no jumps either.

#![allow(
    unsafe_code,
    reason = "stacks and code are reached by pointers inside bounds that are proven or compared first; the gain over compared indices has not been measured"
)]

use super::bytecode::{Effect, Instr, LEAF, NATIVE, Op, PLAIN};
use super::code::{CATCH_END, Code};
use super::fuel;
use super::fuse::saved_room;
use super::image::is_immediate;
use super::machine::{CatchFrame, Frame, Machine, double};
use super::memory;
use super::prims;
use super::shadow::{Label, Shadow};
use super::trap::{Trap, TrapKind, throw};
use super::words::{WORDS, Word};
use crate::model::{Cell, scalar};

/// Why the loop ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Exit {
    /// The program is done.
    Done,
    /// Go on in the other copy of the loop, as `Machine::checked` says.
    Switch,
    /// A word was entered, whose first instruction comes next, and the caller of the loop says how it goes on: checked or
    /// not, or in machine code.
    Entered,
    /// A piece of fuel was used up at a jump back, which is done.
    Looped,
    /// The dictionary or the source is needed.
    Host(Word),
    /// The instruction before is a `SetDoes` with this code.
    SetDoes(u32),
    /// An exception or an end of fuel, at `Machine::ip`.
    Trap(TrapKind),
}

/// Who the loop tells which words it is in.
pub(super) struct Watch<'s> {
    pub shadow: &'s Shadow,
    /// By execution token.
    pub labels: &'s [Label],
}

/// A word of any kind, for the copies of the loop: not [`PLAIN`], not [`LEAF`].
const FRAMED: u8 = 0;

/// What the loop keeps in locals, on its way into the machine.
struct Locals {
    ip: usize,
    sp: *mut Cell,
    tos: Cell,
    rp: *mut Cell,
    r_base: usize,
    fuel: i64,
}

impl Machine {
    /// How deep the data stack is when the top item's place is `sp`.
    #[inline(always)]
    fn depth(&self, sp: *const Cell) -> usize {
        (sp.addr() - self.stack.as_ptr().addr()) / size_of::<Cell>()
    }

    /// How deep the return stack is when `rp` is the next free place.
    #[inline(always)]
    fn r_depth(&self, rp: *const Cell) -> usize {
        (rp.addr() - self.returns.as_ptr().addr()) / size_of::<Cell>()
    }

    #[inline(always)]
    fn keep<const CHECKED: bool>(&mut self, locals: Locals) {
        self.sp = self.depth(locals.sp);
        self.rp = self.r_depth(locals.rp);
        let sp = self.sp;
        self.stack.as_mut_slice()[sp] = locals.tos;
        self.ip = locals.ip;
        self.r_base = locals.r_base;
        self.fuel = locals.fuel;
        self.checked = CHECKED;
    }
}

/// Ends the loop.
#[cold]
#[inline(never)]
fn leave<const CHECKED: bool>(m: &mut Machine, locals: Locals, exit: Exit) -> Exit {
    m.keep::<CHECKED>(locals);
    if exit == Exit::Switch {
        m.checked = !CHECKED;
    }
    exit
}

/// Jumps back to `target` with fuel overdrawn.
#[cold]
#[inline(never)]
fn looped<const CHECKED: bool>(m: &mut Machine, locals: Locals, target: usize) -> Exit {
    match m.refill(locals.fuel) {
        Some(fuel) => {
            m.keep::<CHECKED>(Locals { ip: target, fuel, ..locals });
            Exit::Looped
        }
        None => {
            m.keep::<CHECKED>(Locals { ip: locals.ip - 1, ..locals });
            Exit::Trap(TrapKind::Fuel)
        }
    }
}

/// Does a word out of line.
#[inline(never)]
fn prim<const CHECKED: bool>(m: &mut Machine, locals: Locals, number: i32) -> Result<(), TrapKind> {
    m.keep::<CHECKED>(locals);
    let row = &WORDS[number as usize];
    let sp = m.sp;
    let done = prims::run(row.word, m);
    debug_assert!(
        done.is_err() || m.sp + row.n_in as usize == sp + row.n_out as usize || row.word == Word::Roll,
        "{} does not have the effect that its row says",
        row.name
    );
    done
}

/// `n>r`: a row of items and their number, the number on top.
#[cold]
#[inline(never)]
fn n_to_r<const CHECKED: bool>(m: &mut Machine, locals: Locals) -> Result<(), TrapKind> {
    m.keep::<CHECKED>(locals);
    let Some(n) = usize::try_from(m.stack.as_slice()[m.sp]).ok().filter(|n| *n < m.sp) else {
        return Err(TrapKind::Throw(throw::STACK_UNDERFLOW));
    };
    if n + 1 > m.rp_max - m.rp {
        return Err(TrapKind::Throw(throw::RETURN_OVERFLOW));
    }
    m.burn(fuel::of_bytes(8 * n as u64))?;
    let (sp, rp) = (m.sp, m.rp);
    m.returns.as_mut_slice()[rp..=rp + n].copy_from_slice(&m.stack.as_slice()[sp - n..=sp]);
    m.sp -= n + 1;
    m.rp += n + 1;
    Ok(())
}

/// `nr>`: what `n>r` put away.
#[cold]
#[inline(never)]
fn n_r_from<const CHECKED: bool>(m: &mut Machine, locals: Locals) -> Result<(), TrapKind> {
    m.keep::<CHECKED>(locals);
    let own = m.rp - m.r_base;
    let n = own.checked_sub(1).and_then(|_| usize::try_from(m.returns.as_slice()[m.rp - 1]).ok());
    let Some(n) = n.filter(|n| *n < own) else {
        return Err(TrapKind::Throw(throw::RETURN_UNDERFLOW));
    };
    if n + 1 > m.sp_max - m.sp {
        return Err(TrapKind::Throw(throw::STACK_OVERFLOW));
    }
    m.burn(fuel::of_bytes(8 * n as u64))?;
    let (sp, rp) = (m.sp, m.rp);
    m.stack.as_mut_slice()[sp + 1..=sp + 1 + n].copy_from_slice(&m.returns.as_slice()[rp - n - 1..rp]);
    m.sp += n + 1;
    m.rp -= n + 1;
    Ok(())
}

/// What stands behind the operation of an instruction, read at once and taken apart where it is needed: taking all of it
/// apart before the jump to the operation cost a quarter of the run loop's instructions (nest of benches/engine.rs).
#[derive(Clone, Copy)]
struct Operands(u64);

impl Operands {
    /// # Safety
    /// `ip` points to an instruction.
    #[inline(always)]
    unsafe fn of(ip: *const Instr) -> Self {
        // SAFETY: an instruction is eight bytes, all of them initialised (invariant 1); `Instr` is aligned to four.
        Self(unsafe { ip.cast::<u64>().read_unaligned() })
    }

    /// The whole instruction.
    #[inline(always)]
    fn of_op(self, op: Op) -> Instr {
        Instr { op, a: self.a(), b: self.b(), c: self.c() }
    }

    /// The bits from byte `at` on in memory, `n` bytes of them; shifts, where arrays of bytes were put together one by one.
    #[inline(always)]
    fn bits(self, at: u32, n: u32) -> u64 {
        self.0 >> if cfg!(target_endian = "little") { 8 * at } else { 64 - 8 * (at + n) }
    }

    #[inline(always)]
    fn a(self) -> u8 {
        self.bits(1, 1) as u8
    }

    #[inline(always)]
    fn b(self) -> u16 {
        self.bits(2, 2) as u16
    }

    #[inline(always)]
    fn c(self) -> i32 {
        self.bits(4, 4) as i32
    }
}

/// The loop for a word that is [`LEAF`], run on its own from its `Enter`: it ends where the word returns, so it needs no
/// frame, and it calls nothing, so it saves no registers. `depth` is that of the data stack. False where it has stopped
/// at `Machine::ip`, for [`leaf_trap`] to say why.
///
/// # Panics
/// In debug builds, where no such word begins there.
#[inline(never)]
pub(super) fn run_leaf(m: &mut Machine, code: &Code, enter: usize, depth: usize) -> bool {
    debug_assert!(code.instrs[enter + 1].op == Op::More && code.instrs[enter + 1].a == LEAF);
    run_loop::<false, false, LEAF>(m, code, None, (enter + 2, depth)) == Exit::Done
}

/// The same for a word that is [`PLAIN`].
#[inline(never)]
pub(super) fn run_plain(m: &mut Machine, code: &Code, enter: usize, depth: usize) -> bool {
    debug_assert!(code.instrs[enter + 1].op == Op::More && code.instrs[enter + 1].a == PLAIN);
    run_loop::<false, false, PLAIN>(m, code, None, (enter + 2, depth)) == Exit::Done
}

/// Why a leaf has stopped. The one exception that it can throw is a division by zero; without one, its fuel did not
/// suffice for a jump back, which is not done yet.
#[cold]
#[inline(never)]
pub(super) fn leaf_trap(m: &Machine, code: &Code) -> Option<Trap> {
    let divided = !code.instrs[m.ip].op.burns();
    divided.then_some(Trap { kind: TrapKind::Throw(throw::DIVISION_BY_ZERO), at: m.ip as u32 })
}

/// Runs from `m.ip` on.
pub(super) fn run<const CHECKED: bool, const SHADOW: bool>(
    m: &mut Machine,
    code: &Code,
    watch: Option<&Watch<'_>>,
) -> Exit {
    let start = (m.ip, m.sp);
    run_loop::<CHECKED, SHADOW, FRAMED>(m, code, watch, start)
}

/// All copies of the loop, from instruction `first` on, with `depth` items on the data stack. That for leaves
/// changes nothing in the machine but the data stack, the fuel and, where it stops, `ip`.
///
/// The unsafe code relies on:
/// 1. Code is well formed: every jump and call target, and what follows every instruction but `Stop`, `Return` and the
///    jumps, is inside `code.instrs`; a `Call` names an `Enter`, which `More` follows; numbers of words and constants are
///    those of their tables. The compiler makes only such code, `Execute` looks tokens up in `code.enters`, and a word is
///    not there before its code is whole.
/// 2. With `sp` the place of the top item and `rp` the next free place, `0 <= depth(sp) <= sp_max` and the stack has
///    `sp_max + 1` cells; `r_base <= r_depth(rp) <= rp_max` and the return stack has `rp_max`. In the checked loop every
///    instruction's `Effect` is compared first. In the unchecked loop a word is entered only if its header, written by
///    `prove`, says that it stays inside.
/// 3. A frame's own cells lie at `r_base..r_depth(rp)`, the frame to return to at `r_base - 1`. Only the loop writes below
///    `r_base`, so a frame read there is one that the loop pushed: instruction and base are good.
/// 4. In the loop for leaves, all instructions that control comes to are `Op::is_leaf`, and `Return` has no locals; in
///    that for plain words, all up to the only `Return`, which is the last, are `Op::is_plain`: `prove` writes `LEAF` and
///    `PLAIN` into the headers of such words alone, and whoever changes a proven word's code takes them back.
#[inline(always)]
fn run_loop<const CHECKED: bool, const SHADOW: bool, const CLASS: u8>(
    m: &mut Machine,
    code: &Code,
    watch: Option<&Watch<'_>>,
    (first, depth): (usize, usize),
) -> Exit {
    let instrs: *const Instr = code.instrs.as_ptr();
    // SAFETY: invariant 1: the machine stands at an instruction of this code, or begins a word.
    let mut ip: *const Instr = unsafe { instrs.add(first) };
    // SAFETY: invariant 2.
    let mut sp: *mut Cell = unsafe { m.stack.as_ptr().add(depth) };
    // SAFETY: invariant 2.
    let mut rp: *mut Cell = unsafe { m.returns.as_ptr().add(m.rp) };
    // SAFETY: invariant 2.
    let mut tos = unsafe { *sp };
    let mut r_base = m.r_base;
    let mut fuel = m.fuel;

    // The cell `$k` places below the top, which is not in memory: 1 is the second item. Debug builds compare.
    macro_rules! item {
        ($k:expr) => {{
            let k: usize = $k;
            debug_assert!(k <= m.depth(sp), "stack item {k}");
            // SAFETY: invariant 2.
            unsafe { *sp.sub(k) }
        }};
    }
    macro_rules! set_item {
        ($k:expr, $value:expr) => {{
            let (k, value): (usize, Cell) = ($k, $value);
            debug_assert!(k <= m.depth(sp) && m.depth(sp) - k <= m.sp_max, "stack item {k}");
            // SAFETY: invariant 2.
            unsafe { *sp.sub(k) = value }
        }};
    }
    macro_rules! move_sp {
        ($by:expr) => {{
            let by: isize = $by;
            debug_assert!(
                (0..=m.sp_max as isize).contains(&(m.depth(sp) as isize + by)),
                "depth changed by {by}"
            );
            // SAFETY: invariant 2.
            sp = unsafe { sp.offset(by) };
        }};
    }
    // The cell `$k` places down the return stack: 1 is its top.
    macro_rules! r_item {
        ($k:expr) => {{
            let k: usize = $k;
            debug_assert!(k >= 1 && k <= m.r_depth(rp), "return stack item {k}");
            // SAFETY: invariant 2.
            unsafe { *rp.sub(k) }
        }};
    }
    macro_rules! set_r_item {
        ($k:expr, $value:expr) => {{
            let (k, value): (usize, Cell) = ($k, $value);
            debug_assert!(k >= 1 && k <= m.r_depth(rp), "return stack item {k}");
            // SAFETY: invariant 2.
            unsafe { *rp.sub(k) = value }
        }};
    }
    macro_rules! move_rp {
        ($by:expr) => {{
            let by: isize = $by;
            debug_assert!(
                (0..=m.rp_max as isize).contains(&(m.r_depth(rp) as isize + by)),
                "return depth by {by}"
            );
            // SAFETY: invariant 2.
            rp = unsafe { rp.offset(by) };
        }};
    }
    macro_rules! go {
        ($to:expr) => {{
            let to: usize = $to;
            debug_assert!(to < code.instrs.len(), "instruction {to}");
            // SAFETY: invariant 1.
            ip = unsafe { instrs.add(to) };
        }};
    }
    macro_rules! here {
        () => {
            (ip.addr() - instrs.addr()) / size_of::<Instr>()
        };
    }
    macro_rules! locals {
        () => {
            Locals { ip: here!(), sp, tos, rp, r_base, fuel }
        };
    }
    macro_rules! exit {
        ($exit:expr) => {
            return leave::<CHECKED>(m, locals!(), $exit)
        };
    }
    // Ends the run of a leaf before its end: not even a call, and nothing else has changed.
    macro_rules! stop_leaf {
        () => {{
            set_item!(0, tos);
            m.sp = m.depth(sp);
            m.ip = here!() - 1;
            return Exit::Switch;
        }};
    }
    macro_rules! trap {
        ($kind:expr) => {{
            if CLASS != FRAMED {
                debug_assert!($kind == TrapKind::Throw(throw::DIVISION_BY_ZERO));
                stop_leaf!();
            }
            return leave::<CHECKED>(m, Locals { ip: here!() - 1, ..locals!() }, Exit::Trap($kind));
        }};
    }
    macro_rules! throw {
        ($code:ident) => {
            trap!(TrapKind::Throw(throw::$code))
        };
    }
    macro_rules! push {
        ($value:expr) => {{
            let value: Cell = $value;
            set_item!(0, tos);
            move_sp!(1);
            tos = value;
        }};
    }
    macro_rules! unary {
        (|$a:ident| $value:expr) => {{
            let $a = tos;
            tos = $value;
        }};
    }
    macro_rules! binary {
        (|$a:ident, $b:ident| $value:expr) => {{
            let ($a, $b) = (item!(1), tos);
            move_sp!(-1);
            tos = $value;
        }};
    }
    // Makes the item `$n` places below the top the top.
    macro_rules! drop_items {
        ($n:expr) => {{
            move_sp!(-$n);
            tos = item!(0);
        }};
    }
    macro_rules! jump {
        ($instr:expr) => {
            go!($instr.c() as usize)
        };
    }
    // Stands before anything that an instruction with `jump_back` does, where it will jump.
    macro_rules! can_jump_back {
        ($instr:expr) => {
            if CLASS != FRAMED {
                // In memory, as the loop has no register for it.
                let left = m.fuel - $instr.b() as i64;
                if left < 0 {
                    stop_leaf!();
                }
                m.fuel = left;
            }
        };
    }
    macro_rules! jump_back {
        ($instr:expr) => {{
            if CLASS == FRAMED {
                fuel -= $instr.b() as i64;
                if fuel < 0 {
                    return looped::<CHECKED>(m, locals!(), $instr.c() as usize);
                }
            }
            jump!($instr);
        }};
    }
    // Jumps where the comparison does not hold: of two items, of one with a literal, the same keeping the items.
    macro_rules! branch {
        ($instr:ident, |$a:ident, $b:ident| $holds:expr) => {{
            let ($a, $b) = (item!(1), tos);
            drop_items!(2);
            if !$holds {
                jump!($instr);
            }
        }};
    }
    macro_rules! lit_branch {
        ($instr:ident, |$a:ident, $b:ident| $holds:expr) => {{
            let ($a, $b) = (tos, $instr.b() as i16 as Cell);
            drop_items!(1);
            if !$holds {
                jump!($instr);
            }
        }};
    }
    macro_rules! dup_lit_branch {
        ($instr:ident, |$a:ident, $b:ident| $holds:expr) => {{
            let ($a, $b) = (tos, $instr.b() as i16 as Cell);
            if !$holds {
                jump!($instr);
            }
        }};
    }
    macro_rules! two_dup_branch {
        ($instr:ident, |$a:ident, $b:ident| $holds:expr) => {{
            let ($a, $b) = (item!(1), tos);
            if !$holds {
                jump!($instr);
            }
        }};
    }
    // Enters the word at `$enter`, to come back to `$back`.
    macro_rules! call {
        ($enter:expr, $back:expr) => {{
            let (enter, back): (usize, usize) = ($enter, $back);
            debug_assert!(code.instrs[enter].op == Op::Enter && code.instrs[enter + 1].op == Op::More);
            // SAFETY: invariant 1.
            let (head, more) = unsafe { (*instrs.add(enter), *instrs.add(enter + 1)) };
            fuel -= more.c as i64;
            let r_depth = m.r_depth(rp);
            let mut proven =
                m.depth(sp).wrapping_sub(head.b as usize) <= head.c as usize && r_depth < more.b as usize;
            if fuel < 0 {
                match m.refill(fuel) {
                    Some(piece) => fuel = piece,
                    None => trap!(TrapKind::Fuel),
                }
                // Leaves the loop once the word is entered.
                proven = CHECKED;
            }
            if (CHECKED || !proven) && r_depth >= m.rp_max {
                throw!(RETURN_OVERFLOW);
            }
            if SHADOW {
                enter_shadow(m, code, watch, enter);
            }
            move_rp!(1);
            set_r_item!(1, Frame::new(back, r_base, CHECKED).0);
            r_base = r_depth + 1;
            go!(enter + 2);
            // A word with machine code says so in its `a`, and has a `b` by which it never counts as proven.
            if CHECKED == proven || (CHECKED && more.a & NATIVE != 0) {
                exit!(Exit::Entered);
            }
        }};
    }
    macro_rules! leave_frame {
        () => {{
            let frame = Frame(r_item!(1));
            if SHADOW {
                leave_shadow(m, watch);
            }
            move_rp!(-1);
            r_base = frame.r_base();
            go!(frame.ip());
            if frame.checked() != CHECKED {
                exit!(Exit::Switch);
            }
        }};
    }
    // The value that memory has, or the end.
    macro_rules! valid {
        ($value:expr) => {
            match $value {
                Some(value) => value,
                None => throw!(INVALID_ADDRESS),
            }
        };
    }

    // Places the code that fetches the next operation, 25 to 34 bytes some way behind this, so that no line of 64 bytes
    // ends in the midst of it. Where one did, which every build decided anew, gcd took 130 ns instead of 96
    // (benches/engine.rs). Another compiler may place it otherwise, which costs nothing but time.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: no instruction but padding.
    unsafe {
        use std::arch::asm;
        if CLASS == LEAF {
            asm!(".p2align 6", ".nops 24", options(nomem, nostack, preserves_flags));
        } else if CLASS == FRAMED && !CHECKED && !SHADOW {
            asm!(".p2align 6", options(nomem, nostack, preserves_flags));
        }
    }
    loop {
        debug_assert!(here!() < code.instrs.len());
        // SAFETY: invariant 1.
        let op = unsafe { (*ip).op };
        // SAFETY: invariant 1.
        let instr = unsafe { Operands::of(ip) };
        // SAFETY: invariant 1: code never ends behind an instruction that control passes.
        ip = unsafe { ip.add(1) };
        if CHECKED
            && let Err(kind) =
                check(instr.of_op(op), m.depth(sp), m.r_depth(rp) - r_base, m.r_depth(rp), tos, m)
        {
            trap!(kind);
        }
        if (CLASS == PLAIN && op as u8 > Op::Return as u8) || (CLASS == LEAF && !op.is_leaf()) {
            debug_assert!(false, "{op:?} in a word of class {CLASS}");
            // SAFETY: invariant 4.
            unsafe { std::hint::unreachable_unchecked() };
        }
        match op {
            Op::Head | Op::Enter | Op::More => unreachable!("header run as code"),
            Op::Return if CLASS != FRAMED => {
                set_item!(0, tos);
                m.sp = m.depth(sp);
                return Exit::Done;
            }
            Op::Stop => {
                // All else is the caller's, who restores it.
                set_item!(0, tos);
                m.sp = m.depth(sp);
                m.fuel = fuel;
                return Exit::Done;
            }
            Op::Return => {
                move_rp!(-(instr.a() as isize));
                leave_frame!();
            }
            Op::CatchEnd => {
                m.handler = CatchFrame(r_item!(1)).handler();
                move_rp!(-1);
                push!(0);
                leave_frame!();
            }
            Op::Lit => push!(instr.c() as Cell),
            Op::LitWide => push!(code.consts[instr.c() as usize]),
            Op::Call => call!(instr.c() as usize, here!()),
            Op::Execute => match code.enter_of_cell(tos) {
                Some(enter) => {
                    drop_items!(1);
                    call!(enter, here!());
                }
                None => throw!(INVALID_ADDRESS),
            },
            Op::Catch => match code.enter_of_cell(tos) {
                Some(enter) => {
                    if m.r_depth(rp) + 3 > m.rp_max {
                        throw!(RETURN_OVERFLOW);
                    }
                    drop_items!(1);
                    // What lies on the stack now is what an exception goes back to.
                    set_item!(0, tos);
                    move_rp!(2);
                    set_r_item!(2, Frame::new(here!(), r_base, CHECKED).0);
                    set_r_item!(1, CatchFrame::new(m.depth(sp), m.handler, m.shadow_depth).0);
                    m.handler = m.r_depth(rp);
                    if SHADOW {
                        // The frame of CATCH itself is left through `leave_frame`, too.
                        m.shadow_depth += 1;
                    }
                    r_base = m.handler;
                    call!(enter, CATCH_END);
                }
                None => throw!(INVALID_ADDRESS),
            },
            Op::Throw => {
                let thrown = tos;
                drop_items!(1);
                if thrown != 0 {
                    trap!(TrapKind::Throw(thrown));
                }
            }
            Op::Prim => {
                let done = prim::<CHECKED>(m, locals!(), instr.c());
                // SAFETY: invariant 2: the words done out of line keep `m.sp` inside.
                sp = unsafe { m.stack.as_ptr().add(m.sp) };
                tos = item!(0);
                fuel = m.fuel;
                if let Err(kind) = done {
                    trap!(kind);
                }
            }
            Op::Host => exit!(Exit::Host(WORDS[instr.c() as usize].word)),
            Op::SetDoes => exit!(Exit::SetDoes(instr.c() as u32)),
            Op::CompileOnly => throw!(COMPILE_ONLY),

            Op::Jump => jump!(instr),
            Op::JumpBack => {
                can_jump_back!(instr);
                jump_back!(instr);
            }
            Op::BranchZero => {
                let flag = tos;
                drop_items!(1);
                if flag == 0 {
                    jump!(instr);
                }
            }
            Op::BranchNonZero => {
                let flag = tos;
                drop_items!(1);
                if flag != 0 {
                    jump!(instr);
                }
            }
            Op::BranchZeroBack => {
                let flag = tos;
                if flag == 0 {
                    can_jump_back!(instr);
                }
                drop_items!(1);
                if flag == 0 {
                    jump_back!(instr);
                }
            }
            Op::BranchNonZeroBack => {
                let flag = tos;
                if flag != 0 {
                    can_jump_back!(instr);
                }
                drop_items!(1);
                if flag != 0 {
                    jump_back!(instr);
                }
            }
            Op::DupBranchZero => {
                if tos == 0 {
                    jump!(instr);
                }
            }
            Op::DupBranchNonZero => {
                if tos != 0 {
                    jump!(instr);
                }
            }
            Op::QDupBranchZero => {
                if tos == 0 {
                    drop_items!(1);
                    jump!(instr);
                }
            }
            Op::QDupBranchNonZero => {
                if tos != 0 {
                    jump!(instr);
                } else {
                    drop_items!(1);
                }
            }
            Op::BranchEqual => branch!(instr, |a, b| a == b),
            Op::BranchNotEqual => branch!(instr, |a, b| a != b),
            Op::BranchLess => branch!(instr, |a, b| a < b),
            Op::BranchGreater => branch!(instr, |a, b| a > b),
            Op::BranchLessEq => branch!(instr, |a, b| a <= b),
            Op::BranchGreaterEq => branch!(instr, |a, b| a >= b),
            Op::LitBranchEqual => lit_branch!(instr, |a, b| a == b),
            Op::LitBranchNotEqual => lit_branch!(instr, |a, b| a != b),
            Op::LitBranchLess => lit_branch!(instr, |a, b| a < b),
            Op::LitBranchGreater => lit_branch!(instr, |a, b| a > b),
            Op::LitBranchLessEq => lit_branch!(instr, |a, b| a <= b),
            Op::LitBranchGreaterEq => lit_branch!(instr, |a, b| a >= b),
            Op::DupLitBranchEqual => dup_lit_branch!(instr, |a, b| a == b),
            Op::DupLitBranchNotEqual => dup_lit_branch!(instr, |a, b| a != b),
            Op::DupLitBranchLess => dup_lit_branch!(instr, |a, b| a < b),
            Op::DupLitBranchGreater => dup_lit_branch!(instr, |a, b| a > b),
            Op::DupLitBranchLessEq => dup_lit_branch!(instr, |a, b| a <= b),
            Op::DupLitBranchGreaterEq => dup_lit_branch!(instr, |a, b| a >= b),
            Op::TwoDupBranchEqual => two_dup_branch!(instr, |a, b| a == b),
            Op::TwoDupBranchNotEqual => two_dup_branch!(instr, |a, b| a != b),
            Op::TwoDupBranchLess => two_dup_branch!(instr, |a, b| a < b),
            Op::TwoDupBranchGreater => two_dup_branch!(instr, |a, b| a > b),
            Op::TwoDupBranchLessEq => two_dup_branch!(instr, |a, b| a <= b),
            Op::TwoDupBranchGreaterEq => two_dup_branch!(instr, |a, b| a >= b),
            Op::Do => {
                move_rp!(2);
                set_r_item!(2, item!(1));
                set_r_item!(1, tos);
                drop_items!(2);
            }
            Op::QDo => {
                let (limit, start) = (item!(1), tos);
                drop_items!(2);
                if limit == start {
                    jump!(instr);
                } else {
                    move_rp!(2);
                    set_r_item!(2, limit);
                    set_r_item!(1, start);
                }
            }
            Op::Loop => {
                let index = r_item!(1).wrapping_add(1);
                if index == r_item!(2) {
                    move_rp!(-2);
                } else {
                    set_r_item!(1, index);
                    jump_back!(instr);
                }
            }
            Op::PlusLoop => {
                let step = tos;
                drop_items!(1);
                let index = r_item!(1);
                // The loop ends when the index crosses the boundary between limit-1 and limit.
                let before = index.wrapping_sub(r_item!(2));
                let after = before.wrapping_add(step);
                if (before ^ after) & (before ^ step) < 0 {
                    move_rp!(-2);
                } else {
                    set_r_item!(1, index.wrapping_add(step));
                    jump_back!(instr);
                }
            }
            Op::Unloop => move_rp!(-2),
            Op::Of => {
                let choice = tos;
                drop_items!(1);
                if choice == tos {
                    drop_items!(1);
                } else {
                    jump!(instr);
                }
            }

            Op::ToR => {
                move_rp!(1);
                set_r_item!(1, tos);
                drop_items!(1);
            }
            Op::RFrom => {
                push!(r_item!(1));
                move_rp!(-1);
            }
            Op::RFetch | Op::I => push!(r_item!(1)),
            Op::TwoToR => {
                move_rp!(2);
                set_r_item!(2, item!(1));
                set_r_item!(1, tos);
                drop_items!(2);
            }
            Op::TwoRFrom => {
                push!(r_item!(2));
                push!(r_item!(1));
                move_rp!(-2);
            }
            Op::TwoRFetch => {
                push!(r_item!(2));
                push!(r_item!(1));
            }
            Op::NToR | Op::NRFrom => {
                let done = match op {
                    Op::NToR => n_to_r::<CHECKED>(m, locals!()),
                    _ => n_r_from::<CHECKED>(m, locals!()),
                };
                // SAFETY: invariant 2: both keep `m.sp` and `m.rp` inside.
                (sp, rp) = unsafe { (m.stack.as_ptr().add(m.sp), m.returns.as_ptr().add(m.rp)) };
                tos = item!(0);
                fuel = m.fuel;
                if let Err(kind) = done {
                    trap!(kind);
                }
            }
            Op::J => push!(r_item!(3)),
            Op::ICells => push!(r_item!(1) << 3),
            Op::IAdd => unary!(|a| a.wrapping_add(r_item!(1))),
            Op::JAdd => unary!(|a| a.wrapping_add(r_item!(3))),
            Op::ICellsAdd => unary!(|a| a.wrapping_add(r_item!(1) << 3)),
            Op::LocalsInit => {
                set_item!(0, tos);
                let n = instr.a() as usize;
                move_rp!(n as isize);
                for k in 0..n {
                    set_r_item!(k + 1, item!(k));
                }
                drop_items!(n as isize);
            }
            Op::LocalGet => push!(r_item!(m.r_depth(rp) - r_base - instr.c() as usize)),
            Op::LocalSet => {
                set_r_item!(m.r_depth(rp) - r_base - instr.c() as usize, tos);
                drop_items!(1);
            }

            Op::Dup => push!(tos),
            Op::Drop | Op::DToS => drop_items!(1),
            Op::Swap => {
                let below = item!(1);
                set_item!(1, tos);
                tos = below;
            }
            Op::Over => push!(item!(1)),
            Op::Rot => {
                let third = item!(2);
                set_item!(2, item!(1));
                set_item!(1, tos);
                tos = third;
            }
            Op::MinusRot => {
                let second = item!(1);
                set_item!(1, item!(2));
                set_item!(2, tos);
                tos = second;
            }
            Op::Nip => move_sp!(-1),
            Op::Tuck => {
                let second = item!(1);
                set_item!(1, tos);
                set_item!(0, second);
                move_sp!(1);
            }
            Op::TwoDup => {
                let second = item!(1);
                set_item!(0, tos);
                move_sp!(2);
                set_item!(1, second);
            }
            Op::TwoDrop => drop_items!(2),
            Op::TwoSwap => {
                let (a, b, c) = (item!(3), item!(2), item!(1));
                set_item!(3, c);
                set_item!(2, tos);
                set_item!(1, a);
                tos = b;
            }
            Op::TwoOver => {
                let (a, b) = (item!(3), item!(2));
                push!(a);
                push!(b);
            }
            Op::QDup => {
                if tos != 0 {
                    if m.depth(sp) >= m.sp_max {
                        throw!(STACK_OVERFLOW);
                    }
                    push!(tos);
                }
            }
            Op::Pick => {
                // Items above the picked one and below the count.
                if tos as u64 >= m.depth(sp) as u64 - 1 {
                    throw!(STACK_UNDERFLOW);
                }
                tos = item!(1 + tos as usize);
            }
            Op::PickAt => {
                set_item!(0, tos);
                tos = item!(instr.c() as usize);
                move_sp!(1);
            }
            Op::Depth => push!(m.depth(sp) as Cell),

            Op::Add => binary!(|a, b| a.wrapping_add(b)),
            Op::Sub => binary!(|a, b| a.wrapping_sub(b)),
            Op::Mul => binary!(|a, b| a.wrapping_mul(b)),
            Op::Div => match scalar::div_floored(item!(1), tos) {
                Some(quotient) => {
                    move_sp!(-1);
                    tos = quotient;
                }
                None => throw!(DIVISION_BY_ZERO),
            },
            Op::Mod => match scalar::mod_floored(item!(1), tos) {
                Some(remainder) => {
                    move_sp!(-1);
                    tos = remainder;
                }
                None => throw!(DIVISION_BY_ZERO),
            },
            Op::DivMod => match scalar::div_mod_floored(item!(1), tos) {
                Some((quotient, remainder)) => {
                    set_item!(1, remainder);
                    tos = quotient;
                }
                None => throw!(DIVISION_BY_ZERO),
            },
            Op::TuckMod => match scalar::mod_floored(item!(1), tos) {
                Some(remainder) => {
                    set_item!(1, tos);
                    tos = remainder;
                }
                None => throw!(DIVISION_BY_ZERO),
            },
            Op::OnePlus => unary!(|a| a.wrapping_add(1)),
            Op::OneMinus => unary!(|a| a.wrapping_sub(1)),
            Op::TwoStar => unary!(|a| a << 1),
            Op::TwoSlash => unary!(|a| scalar::two_slash(a)),
            Op::Negate => unary!(|a| a.wrapping_neg()),
            Op::Abs => unary!(|a| a.wrapping_abs()),
            Op::Min => binary!(|a, b| a.min(b)),
            Op::Max => binary!(|a, b| a.max(b)),
            Op::LShift => binary!(|a, b| scalar::lshift(a, b)),
            Op::RShift => binary!(|a, b| scalar::rshift(a, b)),
            Op::And => binary!(|a, b| a & b),
            Op::Or => binary!(|a, b| a | b),
            Op::Xor => binary!(|a, b| a ^ b),
            Op::Invert => unary!(|a| !a),
            Op::Cells => unary!(|a| a << 3),
            Op::CellPlus => unary!(|a| a.wrapping_add(8)),
            Op::Aligned => unary!(|a| memory::aligned(a)),
            Op::Same => {}
            Op::LitAdd => unary!(|a| a.wrapping_add(instr.c() as Cell)),
            Op::LitMul => unary!(|a| a.wrapping_mul(instr.c() as Cell)),
            Op::LitAnd => unary!(|a| a & instr.c() as Cell),
            Op::LitLShift => unary!(|a| scalar::lshift(a, instr.c() as Cell)),
            Op::LitRShift => unary!(|a| scalar::rshift(a, instr.c() as Cell)),
            // Fused only with positive literals, which euclidean division floors.
            Op::LitDiv => unary!(|a| a.wrapping_div_euclid(instr.c().max(1) as Cell)),
            Op::LitMod => unary!(|a| a.wrapping_rem_euclid(instr.c().max(1) as Cell)),
            Op::DupLitAdd => push!(tos.wrapping_add(instr.c() as Cell)),
            Op::UnderLitAdd => set_item!(1, item!(1).wrapping_add(instr.c() as Cell)),
            Op::DupMul => unary!(|a| a.wrapping_mul(a)),
            Op::OverAdd => unary!(|a| a.wrapping_add(item!(1))),

            Op::Equal => binary!(|a, b| scalar::flag(a == b)),
            Op::NotEqual => binary!(|a, b| scalar::flag(a != b)),
            Op::Less => binary!(|a, b| scalar::flag(a < b)),
            Op::Greater => binary!(|a, b| scalar::flag(a > b)),
            Op::LessEq => binary!(|a, b| scalar::flag(a <= b)),
            Op::GreaterEq => binary!(|a, b| scalar::flag(a >= b)),
            Op::ULess => binary!(|a, b| scalar::flag((a as u64) < b as u64)),
            Op::UGreater => binary!(|a, b| scalar::flag(a as u64 > b as u64)),
            Op::ZeroEqual => unary!(|a| scalar::flag(a == 0)),
            Op::ZeroNotEqual => unary!(|a| scalar::flag(a != 0)),
            Op::ZeroLess => unary!(|a| a >> 63),
            Op::ZeroGreater => unary!(|a| scalar::flag(a > 0)),
            Op::Within => {
                let (x, low) = (item!(2), item!(1));
                move_sp!(-2);
                tos = scalar::within(x, low, tos);
            }

            Op::SToD => push!(tos >> 63),
            Op::DAdd => {
                let sum = double(item!(3), item!(2)).wrapping_add(double(item!(1), tos));
                move_sp!(-2);
                set_item!(1, sum as Cell);
                tos = (sum >> 64) as Cell;
            }
            Op::DSub => {
                let difference = double(item!(3), item!(2)).wrapping_sub(double(item!(1), tos));
                move_sp!(-2);
                set_item!(1, difference as Cell);
                tos = (difference >> 64) as Cell;
            }
            Op::MStar => {
                let product = item!(1) as i128 * tos as i128;
                set_item!(1, product as Cell);
                tos = (product >> 64) as Cell;
            }
            Op::UMStar => {
                let product = item!(1) as u64 as u128 * tos as u64 as u128;
                set_item!(1, product as Cell);
                tos = (product >> 64) as Cell;
            }
            Op::UMSlashMod => {
                let dividend = double(item!(2), item!(1)) as u128;
                match scalar::um_slash_mod(dividend, tos as u64) {
                    Ok((quotient, remainder)) => {
                        move_sp!(-1);
                        set_item!(1, remainder as Cell);
                        tos = quotient as Cell;
                    }
                    Err(error) => trap!(prims::division(error)),
                }
            }

            Op::Fetch => tos = valid!(m.memory.fetch(tos)),
            Op::CFetch => tos = valid!(m.memory.fetch_byte(tos)) as Cell,
            Op::DupFetch => push!(valid!(m.memory.fetch(tos))),
            Op::CellPlusFetch => tos = valid!(m.memory.fetch(tos.wrapping_add(8))),
            Op::AddFetch => {
                let value = valid!(m.memory.fetch(item!(1).wrapping_add(tos)));
                move_sp!(-1);
                tos = value;
            }
            Op::AddCFetch => {
                let value = valid!(m.memory.fetch_byte(item!(1).wrapping_add(tos)));
                move_sp!(-1);
                tos = value as Cell;
            }
            Op::FetchAt | Op::LitFetch => push!(valid!(m.memory.fetch(instr.c() as Cell))),
            Op::Store => {
                valid!(m.memory.store(tos, item!(1)));
                drop_items!(2);
            }
            Op::CStore => {
                valid!(m.memory.store_byte(tos, item!(1) as u8));
                drop_items!(2);
            }
            Op::StoreAt | Op::LitStore => {
                valid!(m.memory.store(instr.c() as Cell, tos));
                drop_items!(1);
            }
            Op::PlusStore => {
                let value = valid!(m.memory.fetch(tos));
                m.memory.store(tos, value.wrapping_add(item!(1)));
                drop_items!(2);
            }
            Op::LitPlusStore => {
                let value = valid!(m.memory.fetch(instr.c() as Cell));
                m.memory.store(instr.c() as Cell, value.wrapping_add(tos));
                drop_items!(1);
            }
            Op::TwoFetch => {
                let top = valid!(m.memory.fetch(tos));
                tos = valid!(m.memory.fetch(tos.wrapping_add(8)));
                push!(top);
            }
            Op::TwoStore => {
                // Both cells must be good before one is written.
                valid!(m.memory.fetch(tos));
                valid!(m.memory.store(tos.wrapping_add(8), item!(2)));
                m.memory.store(tos, item!(1));
                drop_items!(3);
            }
            Op::Count => {
                let value = valid!(m.memory.fetch_byte(tos));
                tos = tos.wrapping_add(1);
                push!(value as Cell);
            }
        }
    }
}

/// Whether the stacks hold what `instr` takes and have room for what it leaves. `own` is the number of cells that the
/// frame has on the return stack.
#[inline]
fn check(instr: Instr, sp: usize, own: usize, rp: usize, tos: Cell, m: &Machine) -> Result<(), TrapKind> {
    let effect = effect_of(instr);
    let need = if instr.op == Op::PickAt { instr.c as usize + 1 } else { effect.need as usize };
    // Of two fused words the first is `i` or `j`, which misses its loop before the other misses its cells.
    let loop_first = matches!(instr.op, Op::IAdd | Op::JAdd | Op::ICellsAdd) && own < effect.r_need as usize;
    if sp < need && !loop_first {
        return Err(TrapKind::Throw(throw::STACK_UNDERFLOW));
    }
    // `?dup` takes room for anything but zero.
    let no_copy = matches!(instr.op, Op::QDupBranchZero | Op::QDupBranchNonZero) && tos == 0;
    if sp + effect.peak as usize - saved_room(instr) > m.sp_max && !no_copy {
        return Err(TrapKind::Throw(throw::STACK_OVERFLOW));
    }
    if own < effect.r_need as usize {
        let in_loop = !matches!(instr.op, Op::RFrom | Op::RFetch | Op::TwoRFrom | Op::TwoRFetch | Op::NRFrom);
        return Err(TrapKind::Throw(if in_loop { throw::LOOP_UNAVAILABLE } else { throw::RETURN_UNDERFLOW }));
    }
    if rp as isize + effect.r_delta as isize > m.rp_max as isize {
        return Err(TrapKind::Throw(throw::RETURN_OVERFLOW));
    }
    let balanced = match instr.op {
        Op::Return => own == instr.a as usize,
        Op::LocalsInit => own == instr.b as usize,
        Op::LocalGet | Op::LocalSet => own > instr.c as usize,
        _ => true,
    };
    if balanced { Ok(()) } else { Err(TrapKind::Throw(throw::RETURN_IMBALANCE)) }
}

pub(super) fn effect_of(instr: Instr) -> Effect {
    match instr.op {
        // What acts while compiling takes nothing then, and looks for itself otherwise.
        Op::Host if is_immediate(WORDS[instr.c as usize].word) => Effect::new(0, 0, 0, 0),
        Op::Prim | Op::Host => {
            let row = &WORDS[instr.c as usize];
            Effect::new(row.n_in, row.n_out, 0, 0)
        }
        Op::LocalsInit => Effect::new(instr.a, 0, 0, instr.a),
        op => op.effect(),
    }
}

#[cold]
#[inline(never)]
fn enter_shadow(m: &mut Machine, code: &Code, watch: Option<&Watch<'_>>, enter: usize) {
    if let Some(watch) = watch {
        let label = watch.labels.get(code.xt_of_enter(enter) as usize).copied().unwrap_or_default();
        watch.shadow.enter(m.shadow_depth, &label);
    }
    m.shadow_depth += 1;
}

#[cold]
#[inline(never)]
fn leave_shadow(m: &mut Machine, watch: Option<&Watch<'_>>) {
    m.shadow_depth = m.shadow_depth.saturating_sub(1);
    if let Some(watch) = watch {
        watch.shadow.set_depth(m.shadow_depth);
    }
}
