//! Which instructions become one. Each rule is here because a program of benches/engine.rs, or short bodies as
//! specifications have them, run through it often; a fused instruction does exactly what its words do one after the
//! other, exceptions and bounds included.

use super::bytecode::{Instr, Op};
use super::trap::{TrapKind, throw};
use crate::model::Cell;

/// Whether there is any rule for what an operation becomes with those before it.
#[inline(always)]
pub(super) const fn fuses(op: Op) -> bool {
    use Op::*;
    matches!(
        op,
        Add | Sub
            | OnePlus
            | OneMinus
            | Swap
            | Cells
            | Mul
            | And
            | LShift
            | RShift
            | Div
            | Mod
            | Pick
            | Fetch
            | CFetch
            | Store
            | PlusStore
    )
}

/// What the newest instructions and the next operation become: how many of them go, and what comes instead.
#[inline]
pub(super) fn fuse(before: &[Instr], op: Op) -> Option<(usize, Instr)> {
    let (earlier, last) = match before {
        [.., earlier, last] => (Some(earlier), last),
        [last] => (None, last),
        [] => return None,
    };
    let lit = |fused: Op| (last.op == Op::Lit).then_some((1, Instr::with(fused, last.c)));
    let lit_in =
        |low: i32, high: i32, fused: Op| lit(fused).filter(|(_, instr)| (low..=high).contains(&instr.c));
    let plain = |fused: Op| Some((1, Instr::new(fused)));
    match (op, last.op) {
        (Op::Add, Op::Lit) => Some(lit_add(earlier, last.c)),
        (Op::Sub, Op::Lit) => last.c.checked_neg().map(|c| lit_add(earlier, c)),
        (Op::OnePlus, Op::Dup) => Some((1, short(Op::DupLitAdd, 1))),
        (Op::OneMinus, Op::Dup) => Some((1, short(Op::DupLitAdd, -1))),
        (Op::Swap, Op::OnePlus) if is(earlier, Op::Swap) => Some((2, short(Op::UnderLitAdd, 1))),
        (Op::Swap, Op::OneMinus) if is(earlier, Op::Swap) => Some((2, short(Op::UnderLitAdd, -1))),
        (Op::Swap, Op::LitAdd) if is(earlier, Op::Swap) => Some((2, Instr::with(Op::UnderLitAdd, last.c))),
        (Op::Add, Op::Over) => plain(Op::OverAdd),
        (Op::Add, Op::I) => plain(Op::IAdd),
        (Op::Add, Op::J) => plain(Op::JAdd),
        (Op::Add, Op::ICells) => plain(Op::ICellsAdd),
        (Op::Cells, Op::I) => plain(Op::ICells),
        (Op::Mul, Op::Lit) => lit(Op::LitMul),
        (Op::Mul, Op::Dup) => plain(Op::DupMul),
        (Op::And, Op::Lit) => lit(Op::LitAnd),
        (Op::LShift, Op::Lit) => lit_in(0, 63, Op::LitLShift),
        (Op::RShift, Op::Lit) => lit_in(0, 63, Op::LitRShift),
        (Op::Div, Op::Lit) => lit_in(1, i32::MAX, Op::LitDiv),
        (Op::Mod, Op::Lit) => lit_in(1, i32::MAX, Op::LitMod),
        (Op::Mod, Op::Tuck) => plain(Op::TuckMod),
        (Op::Pick, Op::Lit) => lit_in(0, 255, Op::PickAt),
        (Op::Fetch, Op::Lit) => lit(Op::LitFetch),
        (Op::Fetch, Op::Dup) => plain(Op::DupFetch),
        (Op::Fetch, Op::CellPlus) => plain(Op::CellPlusFetch),
        (Op::Fetch, Op::Add) => plain(Op::AddFetch),
        (Op::CFetch, Op::Add) => plain(Op::AddCFetch),
        (Op::Store, Op::Lit) => lit(Op::LitStore),
        (Op::PlusStore, Op::Lit) => lit(Op::LitPlusStore),
        _ => None,
    }
}

/// What the newest instructions and an IF or WHILE become; the target is filled in later.
pub(super) fn fuse_branch(before: &[Instr]) -> (usize, Instr) {
    let nth = |k: usize| before.len().checked_sub(k).map(|at| before[at]);
    let (last, second, third) = (nth(1), nth(2), nth(3));
    let Some(last) = last else { return (0, Instr::new(Op::BranchZero)) };
    let second_is = |op: Op| second.is_some_and(|instr| instr.op == op);
    match last.op {
        Op::QDup => (1, Instr::new(Op::QDupBranchZero)),
        Op::ZeroEqual if second_is(Op::QDup) => (2, Instr::new(Op::QDupBranchNonZero)),
        Op::ZeroEqual if second_is(Op::Dup) => (2, Instr::new(Op::DupBranchNonZero)),
        Op::ZeroEqual => (1, Instr::new(Op::BranchNonZero)),
        Op::Dup => (1, Instr::new(Op::DupBranchZero)),
        Op::ZeroLess | Op::ZeroGreater => {
            let less = last.op == Op::ZeroLess;
            match (second_is(Op::Dup), less) {
                (true, true) => (2, short(Op::DupLitBranchLess, 0)),
                (true, false) => (2, short(Op::DupLitBranchGreater, 0)),
                (false, true) => (1, short(Op::LitBranchLess, 0)),
                (false, false) => (1, short(Op::LitBranchGreater, 0)),
            }
        }
        op => {
            let Some([plain, lit, dup_lit, two_dup]) = comparing(op) else {
                return (0, Instr::new(Op::BranchZero));
            };
            let literal =
                second.filter(|instr| instr.op == Op::Lit).and_then(|instr| i16::try_from(instr.c).ok());
            match literal {
                Some(b) => {
                    let b = b as u16;
                    let dup = third.is_some_and(|instr| instr.op == Op::Dup);
                    if dup {
                        (3, Instr { b, ..Instr::new(dup_lit) })
                    } else {
                        (2, Instr { b, ..Instr::new(lit) })
                    }
                }
                None if second_is(Op::TwoDup) => (2, Instr::new(two_dup)),
                None => (1, Instr::new(plain)),
            }
        }
    }
}

/// The branches that jump where a comparison does not hold.
fn comparing(op: Op) -> Option<[Op; 4]> {
    Some(match op {
        Op::Equal => [Op::BranchEqual, Op::LitBranchEqual, Op::DupLitBranchEqual, Op::TwoDupBranchEqual],
        Op::NotEqual => {
            [Op::BranchNotEqual, Op::LitBranchNotEqual, Op::DupLitBranchNotEqual, Op::TwoDupBranchNotEqual]
        }
        Op::Less => [Op::BranchLess, Op::LitBranchLess, Op::DupLitBranchLess, Op::TwoDupBranchLess],
        Op::Greater => {
            [Op::BranchGreater, Op::LitBranchGreater, Op::DupLitBranchGreater, Op::TwoDupBranchGreater]
        }
        Op::LessEq => [Op::BranchLessEq, Op::LitBranchLessEq, Op::DupLitBranchLessEq, Op::TwoDupBranchLessEq],
        Op::GreaterEq => [
            Op::BranchGreaterEq,
            Op::LitBranchGreaterEq,
            Op::DupLitBranchGreaterEq,
            Op::TwoDupBranchGreaterEq,
        ],
        _ => return None,
    })
}

fn lit_add(earlier: Option<&Instr>, c: i32) -> (usize, Instr) {
    if is(earlier, Op::Dup) { (2, Instr::with(Op::DupLitAdd, c)) } else { (1, Instr::with(Op::LitAdd, c)) }
}

/// A fused instruction whose literal no word pushed: it needs one cell less room than its effect says.
fn short(op: Op, literal: i32) -> Instr {
    match op {
        Op::DupLitAdd | Op::UnderLitAdd => Instr { op, a: 1, b: 0, c: literal },
        _ => Instr { op, a: 1, b: literal as i16 as u16, c: 0 },
    }
}

fn is(instr: Option<&Instr>, op: Op) -> bool {
    instr.is_some_and(|instr| instr.op == op)
}

/// How much less room than its effect says an instruction needs.
#[inline]
pub(super) fn saved_room(instr: Instr) -> usize {
    match instr.op {
        Op::DupLitAdd | Op::UnderLitAdd => instr.a as usize,
        op if (Op::LitBranchEqual as u8..=Op::DupLitBranchGreaterEq as u8).contains(&(op as u8)) => {
            instr.a as usize
        }
        _ => 0,
    }
}

/// Which of the words behind an instruction it was that stopped, from 0.
pub(super) fn culprit(instr: Instr, kind: TrapKind) -> usize {
    let underflow = kind == TrapKind::Throw(throw::STACK_UNDERFLOW);
    let address = kind == TrapKind::Throw(throw::INVALID_ADDRESS);
    match instr.op {
        Op::LitAdd | Op::LitMul | Op::LitAnd | Op::LitLShift | Op::LitRShift | Op::LitDiv | Op::LitMod => {
            underflow as usize
        }
        Op::PickAt | Op::IAdd | Op::JAdd => underflow as usize,
        Op::ICellsAdd => 2 * underflow as usize,
        Op::TuckMod => (kind == TrapKind::Throw(throw::DIVISION_BY_ZERO)) as usize,
        Op::DupFetch | Op::CellPlusFetch | Op::AddFetch | Op::AddCFetch | Op::LitFetch => address as usize,
        Op::LitStore | Op::LitPlusStore => (underflow || address) as usize,
        Op::BranchNonZeroBack => (kind == TrapKind::Fuel) as usize,
        op if (Op::LitBranchEqual as u8..=Op::LitBranchGreaterEq as u8).contains(&(op as u8)) => {
            (underflow && instr.a == 0) as usize
        }
        _ => 0,
    }
}

/// Does to the stack, as it was before an instruction that stopped, what the words before the [`culprit`] have done, as far
/// as the instruction and the stack tell. `word` is the culprit.
pub(super) fn catch_up(instr: Instr, kind: TrapKind, word: &str, stack: &mut Vec<Cell>) {
    let n_done = culprit(instr, kind);
    if n_done == 0 {
        return;
    }
    let literal = instr.c as Cell;
    match instr.op {
        // `5 -` adds -5.
        Op::LitAdd if word == "-" => stack.push(-literal),
        Op::LitAdd | Op::LitMul | Op::LitAnd | Op::LitLShift | Op::LitRShift | Op::LitDiv | Op::LitMod => {
            stack.push(literal);
        }
        Op::PickAt | Op::LitFetch | Op::LitStore | Op::LitPlusStore => stack.push(literal),
        Op::DupFetch => {
            if let Some(top) = stack.last().copied() {
                stack.push(top);
            }
        }
        Op::CellPlusFetch => {
            if let Some(addr) = stack.last_mut() {
                *addr = addr.wrapping_add(8);
            }
        }
        Op::AddFetch | Op::AddCFetch => {
            if let (Some(top), Some(below)) = (stack.pop(), stack.last_mut()) {
                *below = below.wrapping_add(top);
            }
        }
        Op::TuckMod => {
            if let [.., second, top] = stack[..] {
                stack.truncate(stack.len() - 2);
                stack.extend([top, second, top]);
            }
        }
        op if (Op::LitBranchEqual as u8..=Op::LitBranchGreaterEq as u8).contains(&(op as u8)) => {
            stack.push(instr.b as i16 as Cell);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forth::bytecode::ALL_OPS;
    use Op::*;

    /// What a run of operations becomes; a number is a literal.
    fn check(ops: &[Instr], expect: &[Op]) {
        let mut code: Vec<Instr> = Vec::new();
        for instr in ops {
            match fuse(&code, instr.op) {
                Some((n, fused)) => {
                    code.truncate(code.len() - n);
                    code.push(fused);
                }
                None => code.push(*instr),
            }
        }
        let found: Vec<Op> = code.iter().map(|instr| instr.op).collect();
        assert_eq!(found, expect, "{ops:?}");
    }

    fn op(op: Op) -> Instr {
        Instr::new(op)
    }

    fn lit(c: i32) -> Instr {
        Instr::with(Lit, c)
    }

    /// `emit` asks `fuse` about no other operation.
    #[test]
    fn an_operation_without_a_rule_never_fuses() {
        let mut with_a_rule = 0;
        for op in ALL_OPS {
            let before = |earlier: Op, last: Op| {
                [3, -1, 70]
                    .iter()
                    .any(|c| fuse(&[Instr::with(earlier, *c), Instr::with(last, *c)], *op).is_some())
            };
            let fused =
                ALL_OPS.iter().any(|last| [Swap, Dup, Lit].iter().any(|earlier| before(*earlier, *last)));
            assert_eq!(fused, fuses(*op), "{op:?}");
            with_a_rule += fused as u32;
        }
        assert!(with_a_rule > 10);
    }

    #[test]
    fn words_fuse() {
        check(&[lit(2), op(Add)], &[LitAdd]);
        check(&[lit(i32::MIN), op(Sub)], &[Lit, Sub]);
        check(&[op(Dup), lit(2), op(Sub)], &[DupLitAdd]);
        check(&[op(Swap), op(OnePlus), op(Swap)], &[UnderLitAdd]);
        check(&[op(Swap), lit(5), op(Add), op(Swap)], &[UnderLitAdd]);
        check(&[lit(0), op(Mod)], &[Lit, Mod]);
        check(&[lit(-3), op(Div)], &[Lit, Div]);
        check(&[lit(3), op(Div)], &[LitDiv]);
        check(&[lit(64), op(LShift)], &[Lit, LShift]);
        check(&[lit(9), op(I), op(Cells), op(Add), op(Fetch)], &[Lit, ICellsAdd, Fetch]);
        check(&[lit(9), op(Fetch)], &[LitFetch]);
        check(&[op(Over), op(Add), op(Swap)], &[OverAdd, Swap]);
        check(&[lit(256), op(Pick)], &[Lit, Pick]);
        check(&[op(Tuck), op(Mod)], &[TuckMod]);
    }

    #[test]
    fn conditions_fuse() {
        for (before, expect) in [
            (&[][..], (0, BranchZero)),
            (&[op(Swap)], (0, BranchZero)),
            (&[op(Dup)], (1, DupBranchZero)),
            (&[op(QDup)], (1, QDupBranchZero)),
            (&[op(QDup), op(ZeroEqual)], (2, QDupBranchNonZero)),
            (&[op(Dup), op(ZeroEqual)], (2, DupBranchNonZero)),
            (&[op(Swap), op(ZeroEqual)], (1, BranchNonZero)),
            (&[op(Less)], (1, BranchLess)),
            (&[lit(5), op(Less)], (2, LitBranchLess)),
            (&[lit(40_000), op(Less)], (1, BranchLess)),
            (&[op(Dup), lit(-5), op(GreaterEq)], (3, DupLitBranchGreaterEq)),
            (&[op(TwoDup), op(NotEqual)], (2, TwoDupBranchNotEqual)),
            (&[op(Dup), op(ZeroLess)], (2, DupLitBranchLess)),
            (&[op(ZeroGreater)], (1, LitBranchGreater)),
            (&[op(ULess)], (0, BranchZero)),
        ] {
            let (n, fused) = fuse_branch(before);
            assert_eq!((n, fused.op), expect, "{before:?}");
        }
    }
}
