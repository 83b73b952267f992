//! The run loop. Top of stack, depths, instruction pointer and fuel live in locals.
//!
//! There are four copies of the loop. The unchecked one runs words whose stack depths are proven (`prove`); entering a
//! word takes one comparison for each stack, and where that fails, or the word is not proven, the loop hands over to the
//! checked copy, which looks at every instruction's needs first and therefore stops at exactly the right word. Each of
//! the two exists with and without a shadow stack.

#![allow(
    unsafe_code,
    reason = "bounds checks on code and stacks cost 1.3 to 1.6 times; see benches/engine.rs"
)]

use super::bytecode::{Effect, Instr, Op};
use super::code::{CATCH_END, Code};
use super::machine::{CatchFrame, Frame, Machine, double};
use super::memory;
use super::prims;
use super::shadow::{Label, Shadow};
use super::trap::{TrapKind, throw};
use super::words::{WORDS, Word};
use crate::model::{Cell, scalar};

/// Why the loop ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Exit {
    /// The program is done.
    Done,
    /// Go on in the other copy of the loop, as `Machine::checked` says.
    Switch,
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

/// Runs from `m.ip` on.
///
/// The unsafe code relies on:
/// 1. Code is well formed: every jump and call target, and what follows every instruction but `Stop`, `Return` and the
///    jumps, is inside `code.instrs`; a `Call` names an `Enter`, which `More` follows; numbers of words and constants are
///    those of their tables. The compiler makes only such code, and `Execute` looks tokens up in `code.enters`.
/// 2. `sp <= sp_max` and the stack has `sp_max + 1` cells; `r_base <= rp <= rp_max` and the return stack has `rp_max`.
///    In the checked loop every instruction's `Effect` is compared first. In the unchecked loop a word is entered only
///    if its header, written by `prove`, says that it stays inside.
/// 3. A frame's own cells lie at `r_base..rp`, the frame to return to at `r_base - 1`. Only the loop writes below
///    `r_base`, so a frame read there is one that the loop pushed: instruction and base are good.
pub(super) fn run<const CHECKED: bool, const SHADOW: bool>(
    m: &mut Machine,
    code: &Code,
    watch: Option<&Watch<'_>>,
) -> Exit {
    let instrs: *const Instr = code.instrs.as_ptr();
    let stack = m.stack.as_ptr();
    let returns = m.returns.as_ptr();
    let mut ip = m.ip;
    let mut sp = m.sp;
    let mut rp = m.rp;
    let mut r_base = m.r_base;
    let mut fuel = m.fuel;
    // SAFETY: invariant 2.
    let mut tos = unsafe { *stack.add(sp) };

    // Debug builds compare every index.
    macro_rules! item {
        ($k:expr) => {{
            let k = $k;
            debug_assert!(k <= m.sp_max, "stack index {k}");
            // SAFETY: invariant 2.
            unsafe { *stack.add(k) }
        }};
    }
    macro_rules! set_item {
        ($k:expr, $value:expr) => {{
            let (k, value) = ($k, $value);
            debug_assert!(k <= m.sp_max, "stack index {k}");
            // SAFETY: invariant 2.
            unsafe { *stack.add(k) = value }
        }};
    }
    macro_rules! r_item {
        ($k:expr) => {{
            let k = $k;
            debug_assert!(k < m.rp_max, "return stack index {k}");
            // SAFETY: invariant 2.
            unsafe { *returns.add(k) }
        }};
    }
    macro_rules! set_r_item {
        ($k:expr, $value:expr) => {{
            let (k, value) = ($k, $value);
            debug_assert!(k < m.rp_max, "return stack index {k}");
            // SAFETY: invariant 2.
            unsafe { *returns.add(k) = value }
        }};
    }
    macro_rules! instr {
        ($at:expr) => {{
            let at: usize = $at;
            debug_assert!(at < code.instrs.len(), "instruction {at}");
            // SAFETY: invariant 1.
            unsafe { *instrs.add(at) }
        }};
    }
    macro_rules! push {
        ($value:expr) => {{
            let value = $value;
            set_item!(sp, tos);
            sp += 1;
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
            let ($a, $b) = (item!(sp - 1), tos);
            sp -= 1;
            tos = $value;
        }};
    }
    macro_rules! drop_tos {
        () => {{
            sp -= 1;
            tos = item!(sp);
        }};
    }
    macro_rules! save {
        () => {{
            set_item!(sp, tos);
            m.ip = ip;
            m.sp = sp;
            m.rp = rp;
            m.r_base = r_base;
            m.fuel = fuel;
            m.checked = CHECKED;
        }};
    }
    macro_rules! trap {
        ($kind:expr) => {{
            let kind = $kind;
            save!();
            m.ip = ip - 1;
            return Exit::Trap(kind);
        }};
    }
    macro_rules! throw {
        ($code:ident) => {
            trap!(TrapKind::Throw(throw::$code))
        };
    }
    macro_rules! burn {
        ($instr:expr) => {{
            fuel -= $instr.b as i64;
            if fuel < 0 {
                trap!(TrapKind::Fuel);
            }
        }};
    }
    macro_rules! jump {
        ($instr:expr) => {
            ip = $instr.c as usize
        };
    }
    // Enters the word at `$enter`, to come back to `$back`.
    macro_rules! call {
        ($enter:expr, $back:expr) => {{
            let (enter, back): (usize, usize) = ($enter, $back);
            let head = instr!(enter);
            let more = instr!(enter + 1);
            debug_assert!(head.op == Op::Enter && more.op == Op::More);
            fuel -= more.c as i64;
            let proven = sp.wrapping_sub(head.b as usize) <= head.c as usize && rp < more.b as usize;
            if CHECKED {
                if fuel < 0 {
                    trap!(TrapKind::Fuel);
                }
                if rp >= m.rp_max {
                    throw!(RETURN_OVERFLOW);
                }
            } else if fuel < 0 {
                trap!(TrapKind::Fuel);
            } else if !proven && rp >= m.rp_max {
                throw!(RETURN_OVERFLOW);
            }
            if SHADOW {
                enter_shadow(m, code, watch, enter);
            }
            set_r_item!(rp, Frame::new(back, r_base, CHECKED).0);
            rp += 1;
            r_base = rp;
            ip = enter + 2;
            if CHECKED == proven {
                save!();
                m.checked = !CHECKED;
                return Exit::Switch;
            }
        }};
    }
    macro_rules! leave_frame {
        () => {{
            let frame = Frame(r_item!(r_base - 1));
            if SHADOW {
                leave_shadow(m, watch);
            }
            rp = r_base - 1;
            ip = frame.ip();
            r_base = frame.r_base();
            if frame.checked() != CHECKED {
                save!();
                m.checked = !CHECKED;
                return Exit::Switch;
            }
        }};
    }

    loop {
        let instr = instr!(ip);
        ip += 1;
        if CHECKED && let Err(kind) = check(instr, sp, rp, r_base, m) {
            trap!(kind);
        }
        match instr.op {
            Op::Head | Op::Enter | Op::More => unreachable!("header run as code"),
            Op::Stop => {
                save!();
                return Exit::Done;
            }
            Op::Return => leave_frame!(),
            Op::CatchEnd => {
                m.handler = CatchFrame(r_item!(rp - 1)).handler();
                rp -= 1;
                r_base = rp;
                push!(0);
                leave_frame!();
            }
            Op::Lit => push!(instr.c as Cell),
            Op::LitWide => push!(code.consts[instr.c as usize]),
            Op::Call => call!(instr.c as usize, ip),
            Op::Execute => match code.enter_of_cell(tos) {
                Some(enter) => {
                    drop_tos!();
                    call!(enter, ip);
                }
                None => throw!(INVALID_ADDRESS),
            },
            Op::Catch => match code.enter_of_cell(tos) {
                Some(enter) => {
                    if rp + 3 > m.rp_max {
                        throw!(RETURN_OVERFLOW);
                    }
                    drop_tos!();
                    // What lies on the stack now is what an exception goes back to.
                    set_item!(sp, tos);
                    set_r_item!(rp, Frame::new(ip, r_base, CHECKED).0);
                    set_r_item!(rp + 1, CatchFrame::new(sp, m.handler, m.shadow_depth).0);
                    rp += 2;
                    m.handler = rp;
                    if SHADOW {
                        // The frame of CATCH itself is left through `leave_frame`, too.
                        m.shadow_depth += 1;
                    }
                    r_base = rp;
                    call!(enter, CATCH_END);
                }
                None => throw!(INVALID_ADDRESS),
            },
            Op::Throw => {
                let thrown = tos;
                drop_tos!();
                if thrown != 0 {
                    trap!(TrapKind::Throw(thrown));
                }
            }
            Op::Prim => {
                save!();
                let word = WORDS[instr.c as usize].word;
                let done = prims::run(word, m);
                sp = m.sp;
                tos = item!(sp);
                fuel = m.fuel;
                if let Err(kind) = done {
                    trap!(kind);
                }
            }
            Op::Host => {
                save!();
                return Exit::Host(WORDS[instr.c as usize].word);
            }
            Op::SetDoes => {
                save!();
                return Exit::SetDoes(instr.c as u32);
            }
            Op::CompileOnly => throw!(COMPILE_ONLY),

            Op::Jump => jump!(instr),
            Op::JumpBack => {
                burn!(instr);
                jump!(instr);
            }
            Op::BranchZero => {
                let flag = tos;
                drop_tos!();
                if flag == 0 {
                    jump!(instr);
                }
            }
            Op::BranchZeroBack => {
                let flag = tos;
                drop_tos!();
                if flag == 0 {
                    burn!(instr);
                    jump!(instr);
                }
            }
            Op::QDupBranchZero => {
                if tos == 0 {
                    drop_tos!();
                    jump!(instr);
                } else if CHECKED && sp >= m.sp_max {
                    throw!(STACK_OVERFLOW);
                }
            }
            Op::QDupBranchNonZero => {
                if tos != 0 {
                    if CHECKED && sp >= m.sp_max {
                        throw!(STACK_OVERFLOW);
                    }
                    jump!(instr);
                } else {
                    drop_tos!();
                }
            }
            Op::Do => {
                set_r_item!(rp, item!(sp - 1));
                set_r_item!(rp + 1, tos);
                rp += 2;
                sp -= 2;
                tos = item!(sp);
            }
            Op::QDo => {
                let (limit, start) = (item!(sp - 1), tos);
                sp -= 2;
                tos = item!(sp);
                if limit == start {
                    jump!(instr);
                } else {
                    set_r_item!(rp, limit);
                    set_r_item!(rp + 1, start);
                    rp += 2;
                }
            }
            Op::Loop => {
                let index = r_item!(rp - 1).wrapping_add(1);
                if index == r_item!(rp - 2) {
                    rp -= 2;
                } else {
                    set_r_item!(rp - 1, index);
                    burn!(instr);
                    jump!(instr);
                }
            }
            Op::PlusLoop => {
                let step = tos;
                drop_tos!();
                let index = r_item!(rp - 1);
                // The loop ends when the index crosses the boundary between limit-1 and limit.
                let before = index.wrapping_sub(r_item!(rp - 2));
                let after = before.wrapping_add(step);
                if (before ^ after) & (before ^ step) < 0 {
                    rp -= 2;
                } else {
                    set_r_item!(rp - 1, index.wrapping_add(step));
                    burn!(instr);
                    jump!(instr);
                }
            }
            Op::Unloop => rp -= 2,
            Op::Of => {
                let choice = tos;
                drop_tos!();
                if choice == tos {
                    drop_tos!();
                } else {
                    jump!(instr);
                }
            }

            Op::ToR => {
                set_r_item!(rp, tos);
                rp += 1;
                drop_tos!();
            }
            Op::RFrom => {
                rp -= 1;
                push!(r_item!(rp));
            }
            Op::RFetch | Op::I => push!(r_item!(rp - 1)),
            Op::TwoToR => {
                set_r_item!(rp, item!(sp - 1));
                set_r_item!(rp + 1, tos);
                rp += 2;
                sp -= 2;
                tos = item!(sp);
            }
            Op::TwoRFrom => {
                rp -= 2;
                push!(r_item!(rp));
                push!(r_item!(rp + 1));
            }
            Op::TwoRFetch => {
                push!(r_item!(rp - 2));
                push!(r_item!(rp - 1));
            }
            Op::J => push!(r_item!(rp - 3)),
            Op::LocalsInit => {
                set_item!(sp, tos);
                let n = instr.a as usize;
                for k in 0..n {
                    set_r_item!(rp + k, item!(sp + 1 - n + k));
                }
                rp += n;
                sp -= n;
                tos = item!(sp);
            }
            Op::LocalGet => push!(r_item!(r_base + instr.c as usize)),
            Op::LocalSet => {
                set_r_item!(r_base + instr.c as usize, tos);
                drop_tos!();
            }

            Op::Dup => push!(tos),
            Op::Drop | Op::DToS => drop_tos!(),
            Op::Swap => {
                let below = item!(sp - 1);
                set_item!(sp - 1, tos);
                tos = below;
            }
            Op::Over => push!(item!(sp - 1)),
            Op::Rot => {
                let third = item!(sp - 2);
                set_item!(sp - 2, item!(sp - 1));
                set_item!(sp - 1, tos);
                tos = third;
            }
            Op::MinusRot => {
                let second = item!(sp - 1);
                set_item!(sp - 1, item!(sp - 2));
                set_item!(sp - 2, tos);
                tos = second;
            }
            Op::Nip => sp -= 1,
            Op::Tuck => {
                let second = item!(sp - 1);
                set_item!(sp - 1, tos);
                set_item!(sp, second);
                sp += 1;
            }
            Op::TwoDup => {
                let second = item!(sp - 1);
                set_item!(sp, tos);
                set_item!(sp + 1, second);
                sp += 2;
            }
            Op::TwoDrop => {
                sp -= 2;
                tos = item!(sp);
            }
            Op::TwoSwap => {
                let (a, b, c) = (item!(sp - 3), item!(sp - 2), item!(sp - 1));
                set_item!(sp - 3, c);
                set_item!(sp - 2, tos);
                set_item!(sp - 1, a);
                tos = b;
            }
            Op::TwoOver => {
                let (a, b) = (item!(sp - 3), item!(sp - 2));
                push!(a);
                push!(b);
            }
            Op::QDup => {
                if tos != 0 {
                    if sp >= m.sp_max {
                        throw!(STACK_OVERFLOW);
                    }
                    push!(tos);
                }
            }
            Op::Pick => {
                // Items above the picked one and below the count.
                if tos as u64 >= sp as u64 - 1 {
                    throw!(STACK_UNDERFLOW);
                }
                tos = item!(sp - 1 - tos as usize);
            }
            Op::PickAt => {
                set_item!(sp, tos);
                tos = item!(sp - instr.c as usize);
                sp += 1;
            }
            Op::Depth => push!(sp as Cell),

            Op::Add => binary!(|a, b| a.wrapping_add(b)),
            Op::Sub => binary!(|a, b| a.wrapping_sub(b)),
            Op::Mul => binary!(|a, b| a.wrapping_mul(b)),
            Op::Div => match scalar::div_floored(item!(sp - 1), tos) {
                Some(quotient) => {
                    sp -= 1;
                    tos = quotient;
                }
                None => throw!(DIVISION_BY_ZERO),
            },
            Op::Mod => match scalar::mod_floored(item!(sp - 1), tos) {
                Some(remainder) => {
                    sp -= 1;
                    tos = remainder;
                }
                None => throw!(DIVISION_BY_ZERO),
            },
            Op::DivMod => match scalar::div_mod_floored(item!(sp - 1), tos) {
                Some((quotient, remainder)) => {
                    set_item!(sp - 1, remainder);
                    tos = quotient;
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
                let (x, low) = (item!(sp - 2), item!(sp - 1));
                sp -= 2;
                tos = scalar::within(x, low, tos);
            }

            Op::SToD => push!(tos >> 63),
            Op::DAdd => {
                let sum = double(item!(sp - 3), item!(sp - 2)).wrapping_add(double(item!(sp - 1), tos));
                sp -= 2;
                set_item!(sp - 1, sum as Cell);
                tos = (sum >> 64) as Cell;
            }
            Op::DSub => {
                let difference =
                    double(item!(sp - 3), item!(sp - 2)).wrapping_sub(double(item!(sp - 1), tos));
                sp -= 2;
                set_item!(sp - 1, difference as Cell);
                tos = (difference >> 64) as Cell;
            }
            Op::MStar => {
                let product = item!(sp - 1) as i128 * tos as i128;
                set_item!(sp - 1, product as Cell);
                tos = (product >> 64) as Cell;
            }
            Op::UMStar => {
                let product = item!(sp - 1) as u64 as u128 * tos as u64 as u128;
                set_item!(sp - 1, product as Cell);
                tos = (product >> 64) as Cell;
            }
            Op::UMSlashMod => {
                let dividend = double(item!(sp - 2), item!(sp - 1)) as u128;
                match scalar::um_slash_mod(dividend, tos as u64) {
                    Ok((quotient, remainder)) => {
                        sp -= 1;
                        set_item!(sp - 1, remainder as Cell);
                        tos = quotient as Cell;
                    }
                    Err(error) => trap!(prims::division(error)),
                }
            }

            Op::Fetch => match m.memory.fetch(tos) {
                Some(value) => tos = value,
                None => throw!(INVALID_ADDRESS),
            },
            Op::CFetch => match m.memory.fetch_byte(tos) {
                Some(value) => tos = value as Cell,
                None => throw!(INVALID_ADDRESS),
            },
            Op::Store => match m.memory.store(tos, item!(sp - 1)) {
                Some(()) => {
                    sp -= 2;
                    tos = item!(sp);
                }
                None => throw!(INVALID_ADDRESS),
            },
            Op::CStore => match m.memory.store_byte(tos, item!(sp - 1) as u8) {
                Some(()) => {
                    sp -= 2;
                    tos = item!(sp);
                }
                None => throw!(INVALID_ADDRESS),
            },
            Op::TwoFetch => match (m.memory.fetch(tos), m.memory.fetch(tos.wrapping_add(8))) {
                (Some(top), Some(below)) => {
                    tos = below;
                    push!(top);
                }
                _ => throw!(INVALID_ADDRESS),
            },
            Op::TwoStore => {
                // Both cells must be good before one is written.
                if m.memory.fetch(tos).is_none()
                    || m.memory.store(tos.wrapping_add(8), item!(sp - 2)).is_none()
                {
                    throw!(INVALID_ADDRESS);
                }
                m.memory.store(tos, item!(sp - 1));
                sp -= 3;
                tos = item!(sp);
            }
            Op::PlusStore => match m.memory.fetch(tos) {
                Some(value) => {
                    m.memory.store(tos, value.wrapping_add(item!(sp - 1)));
                    sp -= 2;
                    tos = item!(sp);
                }
                None => throw!(INVALID_ADDRESS),
            },
            Op::Count => match m.memory.fetch_byte(tos) {
                Some(value) => {
                    tos = tos.wrapping_add(1);
                    push!(value as Cell);
                }
                None => throw!(INVALID_ADDRESS),
            },
            Op::FetchAt => match m.memory.fetch(instr.c as Cell) {
                Some(value) => push!(value),
                None => throw!(INVALID_ADDRESS),
            },
            Op::StoreAt => match m.memory.store(instr.c as Cell, tos) {
                Some(()) => drop_tos!(),
                None => throw!(INVALID_ADDRESS),
            },
        }
    }
}

/// Whether the stacks hold what `instr` takes and have room for what it leaves.
#[inline]
fn check(instr: Instr, sp: usize, rp: usize, r_base: usize, m: &Machine) -> Result<(), TrapKind> {
    let effect = effect_of(instr);
    let own = rp - r_base;
    let need = if instr.op == Op::PickAt { instr.c as usize + 1 } else { effect.need as usize };
    if sp < need {
        return Err(TrapKind::Throw(throw::STACK_UNDERFLOW));
    }
    if sp + effect.peak as usize > m.sp_max {
        return Err(TrapKind::Throw(throw::STACK_OVERFLOW));
    }
    if own < effect.r_need as usize {
        let in_loop = matches!(instr.op, Op::I | Op::J | Op::Loop | Op::PlusLoop | Op::Unloop);
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

fn effect_of(instr: Instr) -> Effect {
    match instr.op {
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
