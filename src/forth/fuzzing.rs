//! What the fuzzers drive (`fuzz/`), and what tests run on random bytes: source text, and instructions as no compiler would
//! put them together, well formed as the run loop demands and senseless otherwise.

use super::bytecode::{ALL_OPS, Instr, Jumps, Op, UNPROVEN};
use super::dictionary::Kind;
use super::engine::{Engine, Xt};
use super::fuse::saved_room;
use super::image::{Image, is_immediate};
use super::limits::Limits;
use super::native::Policy;
use super::prims;
use super::trap::{Trap, TrapKind};
use super::words::WORDS;
use crate::model::Cell;

#[cfg(all(fuzzing, not(feature = "machine-code")))]
compile_error!("the fuzzers are to run machine code, too");

fn engine() -> Engine {
    let limits = Limits {
        fuel: 2000,
        stack_cells: 32,
        return_cells: 40,
        memory_bytes: 0x4000,
        output_bytes: 1000,
        file_bytes: 1000,
        ..Limits::default()
    };
    let mut engine = Engine::new(Image::shared(), limits);
    engine.files_mut().insert("f", *b"1 2 + .\nthe rest").ok();
    engine
}

/// Reads a text as a program and as a body, and runs what comes of it.
///
/// # Panics
///
/// Where a test afterwards does not find the state that the first one found: that is what is looked for.
pub fn source(text: &str) {
    let mut engine = engine();
    if text.len() % 4 == 3 {
        engine.set_policy(Policy { piece: 50, piece_compiled: 20, samples: 1 });
    }
    let loaded = engine.load(text).is_ok();
    let interacted = engine.interact(text).is_ok();
    engine.reset();
    let loaded_file = engine.load_file("f", text);
    if let Err(error) = &loaded_file {
        assert!(!error.to_string().is_empty() && error.details.is_some());
    }
    if let Ok(xt) = engine.define("w", text) {
        let inputs: [&[Cell]; 3] = [&[], &[1, 2, 3], &[0x2000, 0x4000_0000_0000, 0, 5]];
        for inputs in inputs {
            let first = observe(&mut engine, xt, inputs);
            if let (Err(kind), _, _, _) = &first {
                assert!(!kind.to_string().is_empty());
            }
            assert_eq!(first, observe(&mut engine, xt, inputs), "{loaded} {interacted}");
        }
    }
    engine.reset();
    let probe =
        engine.define("probe", "8192 @ base @ state @ depth unused get-order").expect("a body that compiles");
    engine.execute(probe, &[]).expect("a body that runs");
    assert_eq!(engine.stack()[..5], [0, 10, 0, 3, 0x3000]);
    assert_eq!(engine.stack().len(), 7);
}

type Observed = (Result<(), TrapKind>, Vec<Cell>, Vec<u8>, u64);

fn observe(engine: &mut Engine, xt: Xt, inputs: &[Cell]) -> Observed {
    let done = engine.execute(xt, inputs).map_err(|Trap { kind, .. }| kind);
    let stack = if done.is_ok() { engine.stack().to_vec() } else { Vec::new() };
    (done, stack, engine.output().to_vec(), engine.fuel_used())
}

/// Makes words of instructions and runs the last: as far as it is proven without checks, with its fuel in small pieces,
/// in machine code, and with all checks. All must come to the same.
///
/// # Panics
///
/// Where they do not.
pub fn bytecode(data: &[u8]) {
    let mut engine = engine();
    let mut bytes = data.iter().copied();
    let mut words = Vec::new();
    let n_words = 1 + bytes.next().unwrap_or(0) % 4;
    for _ in 0..n_words {
        let index = engine.add_word(b"", Kind::Colon, 0);
        let enter = engine.dictionary.get(index).enter;
        let n = 1 + (bytes.next().unwrap_or(0) % 24) as usize;
        // Every other word is a leaf, which words of any operations hardly are.
        let n_ops = if bytes.next().unwrap_or(0) % 2 == 0 { Op::Head as usize } else { ALL_OPS.len() };
        let first = enter as usize + 2;
        for at in first..first + n {
            let instr = instruction(&mut engine, &mut bytes, &ALL_OPS[..n_ops], at, first, n, enter);
            engine.code.push(instr, 0);
        }
        let n_locals = if n_ops < ALL_OPS.len() { 0 } else { bytes.next().unwrap_or(0) % 3 };
        engine.code.push(Instr { a: n_locals, ..Instr::new(Op::Return) }, 0);
        let (room, end) = (engine.room(), engine.code.instrs.len());
        engine.translator.prove(&mut engine.code, enter as usize, end, room);
        words.push((engine.xt_of_index(index), enter as usize));
    }
    engine.checkpoint();
    let inputs: Vec<Cell> = (0..bytes.next().unwrap_or(3) % 8).map(|n| n as Cell - 2).collect();
    let Some((main, _)) = words.last().copied() else { return };
    let proven = observe(&mut engine, main, &inputs);
    let never = Policy { piece: 1 + inputs.len() as i64, piece_compiled: 3, samples: u32::MAX };
    engine.set_policy(never);
    assert_eq!(proven, observe(&mut engine, main, &inputs), "in pieces");
    // Compiling takes far longer than running.
    if data.get(1).is_some_and(|byte| byte % 4 == 3) {
        for (xt, _) in &words {
            engine.compile_native(*xt);
        }
        assert_eq!(proven, observe(&mut engine, main, &inputs), "in machine code");
        assert_eq!(proven, observe(&mut engine, main, &inputs), "in machine code again");
        engine.forget_natives();
    }
    for (_, enter) in words {
        engine.code.instrs[enter].b = UNPROVEN;
        engine.code.instrs[enter + 1].a = 0;
    }
    assert_eq!(proven, observe(&mut engine, main, &inputs), "checked");
}

/// An instruction of these operations that may stand at `at` in a word of `n` instructions and a return from `first` on.
fn instruction(
    engine: &mut Engine,
    bytes: &mut impl Iterator<Item = u8>,
    ops: &[Op],
    at: usize,
    first: usize,
    n: usize,
    enter: u32,
) -> Instr {
    let mut byte = || bytes.next().unwrap_or(0);
    let op = ops[byte() as usize % ops.len()];
    let (x, y) = (byte(), byte());
    let wide = i16::from_le_bytes([x, y]) as i32;
    let mut instr = Instr::new(op);
    // Behind it, up to the return; code only jumps back where that burns fuel.
    let ahead = (at + 1 + x as usize % (first + n - at)) as i32;
    let anywhere = (first + x as usize % (n + 1)) as i32;
    match op {
        // The image's, or written by words that have no place here.
        Op::Head | Op::Enter | Op::More | Op::Stop | Op::CatchEnd | Op::SetDoes => {
            instr = Instr::new(Op::Dup)
        }
        Op::LitWide => {
            instr.c = engine.code.consts.len() as i32;
            engine.code.consts.push((wide as Cell) << 40 | y as Cell);
        }
        Op::Call => {
            // A word of the image, an earlier one, or this one.
            let known = engine.code.enters.len();
            let xt = if x < 128 { known - 1 - (y as usize % known.min(4)) } else { y as usize % known };
            instr.c = engine.code.enters[xt] as i32;
            debug_assert!(instr.c <= enter as i32);
        }
        Op::Prim | Op::Host => {
            let row = &WORDS[u16::from_le_bytes([x, y]) as usize % WORDS.len()];
            let is_prim = prims::is_prim(row.word);
            instr = match super::bytecode::op_of(row.word) {
                Some(_) => Instr::new(Op::CompileOnly),
                None if is_prim => Instr::with(Op::Prim, row.word as i32),
                None if is_immediate(row.word) => Instr::new(Op::CompileOnly),
                None => Instr::with(Op::Host, row.word as i32),
            };
        }
        Op::Return => instr.a = x % 3,
        Op::LocalsInit => (instr.a, instr.b) = (x % 4, (y % 3) as u16),
        Op::LocalGet | Op::LocalSet => instr.c = (x % 4) as i32,
        Op::PickAt => instr.c = (x % 40) as i32,
        Op::LitLShift | Op::LitRShift => instr.c = (x % 64) as i32,
        Op::LitDiv | Op::LitMod => instr.c = wide.max(1),
        Op::JumpBack | Op::BranchZeroBack | Op::BranchNonZeroBack | Op::Loop | Op::PlusLoop => {
            (instr.b, instr.c) = (1 + y as u16, anywhere);
        }
        Op::QDupBranchZero | Op::QDupBranchNonZero | Op::QDo | Op::Of => instr.c = ahead,
        op if op.jumps() != Jumps::Nowhere => {
            (instr.b, instr.c) = ((y as i8) as u16, ahead);
        }
        _ => instr.c = wide,
    }
    // Whether the literal of a fused instruction was pushed by a word.
    let short = Instr { a: x >> 7, ..instr };
    if saved_room(short) == (x >> 7) as usize && saved_room(Instr { a: 1, ..instr }) == 1 {
        short
    } else {
        instr
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each operation alone, on numbers at the edges, interpreted and in machine code.
    #[test]
    fn every_operation_means_the_same_in_machine_code() {
        let edges = [0, 1, -1, 2, 3, -7, 8, 63, 64, 0x2000, 0x2007, 0x2000 + 0x3000, Cell::MAX, Cell::MIN];
        let mut state = 1_u64;
        let mut pick = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            edges[(state >> 33) as usize % edges.len()]
        };
        let mut n_ops = 0;
        for op in ALL_OPS {
            if matches!(
                op,
                Op::Head | Op::Enter | Op::More | Op::Stop | Op::CatchEnd | Op::Call | Op::SetDoes
            ) {
                continue;
            }
            let effect = op.effect();
            let in_loops = effect.r_need > 0 && effect.r_delta == 0;
            let mut engine = engine();
            let mut compiled = false;
            for (b, c) in [(3, 1), (8, 3), (64, 0x2000), (u16::MAX, -1), (5, 2), (0, 64)] {
                let positive = matches!(op, Op::LitDiv | Op::LitMod);
                let short = matches!(op, Op::LitLShift | Op::LitRShift);
                if positive && c < 1
                    || short && !(0..64).contains(&c)
                    || matches!(op, Op::PickAt | Op::LocalGet | Op::LocalSet) && !(0..5).contains(&c)
                {
                    continue;
                }
                engine.reset();
                let index = engine.add_word(b"", Kind::Colon, 0);
                let enter = engine.dictionary.get(index).enter;
                if in_loops {
                    engine.code.push(Instr::new(Op::Do), 0);
                    engine.code.push(Instr::new(Op::Do), 0);
                }
                let at = engine.code.instrs.len() as i32;
                let mut instr = Instr { op: *op, a: 0, b, c };
                match op {
                    Op::LitWide => {
                        instr.c = engine.code.consts.len() as i32;
                        engine.code.consts.push(1 << 40);
                    }
                    Op::Prim | Op::Host => {
                        instr = Instr::with(Op::Prim, super::super::words::Word::FMSlashMod as i32);
                    }
                    Op::Return => instr.a = 0,
                    Op::JumpBack | Op::BranchZeroBack | Op::BranchNonZeroBack | Op::Loop | Op::PlusLoop => {
                        instr = Instr { b: 9, c: enter as i32 + 2, ..instr };
                    }
                    // Over the next instruction.
                    op if op.jumps() != Jumps::Nowhere => instr.c = at + 2,
                    Op::QDupBranchZero | Op::QDupBranchNonZero | Op::QDo | Op::Of => instr.c = at + 2,
                    _ => {}
                }
                engine.code.push(instr, 0);
                engine.code.push(Instr::new(Op::Negate), 0);
                if in_loops {
                    engine.code.push(Instr::new(Op::Unloop), 0);
                    engine.code.push(Instr::new(Op::Unloop), 0);
                }
                engine.code.push(Instr::new(Op::Return), 0);
                let (room, end) = (engine.room(), engine.code.instrs.len());
                engine.translator.prove(&mut engine.code, enter as usize, end, room);
                engine.checkpoint();
                let xt = engine.xt_of_index(index);
                if !engine.is_proven(xt) {
                    continue;
                }
                let rows: Vec<Vec<Cell>> = (0..60).map(|_| (0..8).map(|_| pick()).collect()).collect();
                let expect: Vec<Observed> = rows.iter().map(|row| observe(&mut engine, xt, row)).collect();
                if !engine.compile_native(xt) {
                    continue;
                }
                compiled = true;
                for (row, expect) in rows.iter().zip(&expect) {
                    assert_eq!(&observe(&mut engine, xt, row), expect, "{instr:?} on {row:?}");
                }
            }
            n_ops += compiled as usize;
        }
        let available =
            cfg!(all(feature = "machine-code", unix, any(target_arch = "x86_64", target_arch = "aarch64")));
        assert!(!available || n_ops > 120, "{n_ops} of {} operations", ALL_OPS.len());
    }

    /// Debug builds, which compare every index, take their time.
    const N_ROUNDS: u32 = if cfg!(debug_assertions) { 20_000 } else { 200_000 };

    #[test]
    fn senseless_instructions_mean_the_same_proven_and_checked() {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        for _ in 0..N_ROUNDS {
            let data: Vec<u8> = (0..160)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    state as u8
                })
                .collect();
            bytecode(&data);
        }
    }
}
