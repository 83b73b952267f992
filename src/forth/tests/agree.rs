//! Well-formed programs of all words through the engine and the reference: the same stack, output, exception code and fuel.

use super::generator::{Dialect, program};
use super::reference::Reference;
use super::*;
use crate::forth::native::Policy;

/// How many programs to run; `WORDMILL_REFERENCE_PROGRAMS` says otherwise.
fn n_programs() -> u64 {
    match std::env::var("WORDMILL_REFERENCE_PROGRAMS") {
        Ok(text) => text.parse().expect("a number"),
        Err(_) if cfg!(debug_assertions) => 2_000,
        Err(_) => 100_000,
    }
}

/// How one program ends; whether that is by an exception.
#[track_caller]
fn compare(engine: &mut Engine, seed: u64, text: &str) -> bool {
    engine.reset();
    let go = engine.define("go", "['] evaluate catch").unwrap();
    let addr = engine.place(text.as_bytes()).unwrap();
    let ran = engine.execute(go, &[addr, text.len() as Cell]);

    let mut reference = Reference::new(*engine.limits());
    reference.define("go", "['] evaluate catch").unwrap();
    assert_eq!(reference.place(text.as_bytes()), addr);
    let done = reference.execute("go", &[addr, text.len() as Cell]);

    let used = (engine.fuel_used() as i64, engine.limits().fuel as i64 - reference.fuel.max(0));
    let context = || format!("seed {seed}: {text}");
    let printed = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match (ran, done) {
        (Ok(()), Ok(())) => {
            let code = *engine.stack().last().unwrap();
            assert_eq!(Some(&code), reference.stack.last(), "code: {}", context());
            // What lies below the code of an exception is nobody's business.
            if code == 0 {
                assert_eq!(engine.stack(), reference.stack, "stack: {}", context());
            }
            assert_eq!(printed(engine.output()), printed(&reference.output), "output: {}", context());
            assert_eq!(used.0, used.1, "fuel: {}", context());
            code != 0
        }
        (Err(trap), Err(stop)) => {
            assert_eq!(trap.kind, stop.kind, "{}", context());
            assert_eq!(used.0, used.1, "fuel: {}", context());
            true
        }
        (ran, done) => panic!("engine {ran:?}, reference {done:?}: {}", context()),
    }
}

#[test]
fn well_formed_programs_agree_with_the_reference() {
    let mut engine = Engine::new(Image::shared(), Limits { fuel: 100_000, ..Limits::default() });
    let text = |seed: u64| match seed % 4 {
        0 => program(seed, Dialect::Gforth),
        _ => program(seed, Dialect::Standard),
    };
    let n_stopped = (0..n_programs()).filter(|seed| compare(&mut engine, *seed, &text(*seed))).count();
    assert!(n_stopped > 0 && n_stopped as u64 * 4 < n_programs(), "{n_stopped} stopped");
}

/// Words that are compiled as soon as they have looped once.
#[test]
fn machine_code_agrees_with_the_reference() {
    let mut engine = Engine::new(Image::shared(), Limits { fuel: 100_000, ..Limits::default() });
    engine.set_policy(Policy { piece: 20, piece_compiled: 7, samples: 1 });
    let mut n_compiled = 0;
    for seed in 0..n_programs() / 4 {
        compare(&mut engine, seed, &program(seed, Dialect::Standard));
        n_compiled += engine.natives.len();
    }
    let enough = n_compiled as u64 > n_programs() / 40;
    assert!(enough || !super::native::available(), "{n_compiled} words compiled");
}

#[test]
fn programs_run_out_of_fuel_at_the_same_place() {
    for seed in 0..n_programs() / 4 {
        let fuel = 5 + seed % 200;
        let mut engine = Engine::new(Image::shared(), Limits { fuel, ..Limits::default() });
        compare(&mut engine, seed, &program(seed, Dialect::Standard));
    }
}
