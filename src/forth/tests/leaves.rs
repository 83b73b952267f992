//! Words that run without a frame come to what they come to with one: results, exceptions, places, fuel, however much of
//! that there is.

use super::*;
use crate::forth::bytecode::{LEAF, PLAIN};
use crate::forth::native::Policy;
use crate::forth::shadow::{self, Shadow};
use crate::forth::trap::throw;
use std::sync::Arc;

/// Loops, conditions and divisions, with inputs that end each in every way it can end.
const LEAVES: &[(&str, &[&[Cell]])] = &[
    (
        "begin dup while tuck mod repeat drop",
        &[&[48, 18], &[7, 0], &[0, 5], &[Cell::MIN, -1], &[-7, 3], &[5], &[]],
    ),
    ("dup 0 < if negate then", &[&[-3], &[3], &[]]),
    ("0 swap begin dup while swap over + swap 1- repeat drop", &[&[0], &[1], &[9]]),
    ("begin 1- dup 0= until", &[&[1], &[40]]),
    ("begin 1- dup until", &[&[1], &[2]]),
    ("begin 1- dup 5 < until 100 swap /", &[&[9], &[5], &[1], &[0]]),
    ("begin again", &[&[], &[1]]),
    ("begin dup 1 and if 3 * 1+ else 2/ then dup 1 = until", &[&[27], &[1], &[6]]),
    ("2dup < if swap then begin 2dup mod dup while nip repeat drop nip", &[&[4, 6], &[1, 0]]),
    ("dup if 1- exit then drop 7", &[&[0], &[3]]),
    ("over if 2dup / else 0 then", &[&[6, 3], &[0, 3], &[6, 0]]),
];

fn leaf_engine(body: &str, piece: i64) -> Option<(Engine, Xt)> {
    let mut engine = engine();
    engine.set_policy(Policy { piece, piece_compiled: piece, samples: u32::MAX });
    let xt = engine.define("w", body).ok()?;
    let enter = engine.code.enters[xt.0 as usize] as usize;
    assert!([PLAIN, LEAF].contains(&engine.code.instrs[enter + 1].a), "not a leaf: {body}");
    Some((engine, xt))
}

#[test]
fn a_frame_changes_nothing() {
    let (mut n_done, mut n_divided, mut n_out) = (0, 0, 0);
    for (body, rows) in LEAVES {
        for piece in [1, 3, 7, i64::MAX] {
            let Some((mut leaf, xt)) = leaf_engine(body, piece) else { panic!("{body}") };
            let mut framed = engine();
            framed.set_shadow(Some(Arc::new(Shadow::default())));
            assert_eq!(framed.define("w", body), Ok(xt));
            for fuel in (0..60).chain([1000, 1_000_000]) {
                leaf.set_fuel(fuel);
                framed.set_fuel(fuel);
                for row in *rows {
                    let context = || format!("{body} on {row:?} with {fuel} in pieces of {piece}");
                    if *body == "begin again" && fuel == 1_000_000 {
                        continue;
                    }
                    let (found, expect) = (leaf.execute(xt, row), framed.execute(xt, row));
                    assert_eq!(found, expect, "{}", context());
                    assert_eq!(leaf.fuel_used(), framed.fuel_used(), "fuel of {}", context());
                    match found {
                        Ok(()) => {
                            assert_eq!(leaf.stack(), framed.stack(), "{}", context());
                            n_done += 1;
                        }
                        Err(trap) => {
                            assert_eq!(leaf.describe(trap), framed.describe(trap), "{}", context());
                            n_divided += (trap.kind == TrapKind::Throw(throw::DIVISION_BY_ZERO)) as u32;
                            n_out += (trap.kind == TrapKind::Fuel) as u32;
                        }
                    }
                }
            }
        }
    }
    assert!(n_done > 1000 && n_divided > 100 && n_out > 500, "{n_done} {n_divided} {n_out}");
}

/// What a leaf burns over many runs counts, too.
#[test]
fn leaves_become_machine_code() {
    let mut engine = engine();
    let count = engine.define("count", "begin 1- dup 0= until").expect("it compiles");
    for round in 0..2_000 {
        engine.execute(count, &[500]).expect("it runs");
        assert_eq!((engine.stack(), engine.fuel_used()), (&[0][..], 500), "round {round}");
    }
    assert!(engine.natives.len() == 1 || !super::native::available());
    // And again without it.
    engine.forget_natives();
    engine.execute(count, &[500]).expect("it runs");
    assert_eq!((engine.stack(), engine.fuel_used()), (&[0][..], 500));
}

/// A shadow stack that is set after a leaf ran without one.
#[test]
fn leaves_are_seen_by_whoever_watches() {
    for body in ["begin 1 swap / again", "1 swap /"] {
        let mut engine = engine();
        let word = engine.define("seen", body).expect("it compiles");
        assert!(engine.execute(word, &[0]).is_err());
        let shadow = Arc::new(Shadow::default());
        engine.set_shadow(Some(Arc::clone(&shadow)));
        assert!(engine.execute(word, &[0]).is_err());
        let mut names = [Default::default(); 4];
        assert_eq!((shadow.snapshot(&mut names), shadow::text(&names[0])), (1, "seen"), "{body}");
    }
}
