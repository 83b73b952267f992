//! Machine code comes to what the interpreter comes to: results, exceptions, places, fuel.

use super::*;
use crate::forth::native::Policy;

/// Compiles whatever loops or calls for a moment.
const SOON: Policy = Policy { piece: 40, piece_compiled: 10, samples: 1 };
const NEVER: Policy = Policy { piece: i64::MAX, piece_compiled: i64::MAX, samples: u32::MAX };

fn loaded(source: &str, policy: Policy, limits: Limits) -> (Engine, Xt) {
    let mut engine = Engine::new(Image::shared(), limits);
    engine.set_policy(policy);
    engine.load(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    let main = engine.find("main").expect("main");
    (engine, main)
}

/// Whether this machine has a compiler at all.
pub(super) fn available() -> bool {
    cfg!(all(feature = "machine-code", unix, any(target_arch = "x86_64", target_arch = "aarch64")))
}

/// Runs `main` on each row of inputs, interpreted and compiled.
#[track_caller]
fn check(source: &str, limits: Limits, rows: &[&[Cell]]) {
    let (mut interpreted, main) = loaded(source, NEVER, limits);
    let (mut compiled, _) = loaded(source, SOON, limits);
    let mut n_compiled = 0;
    for row in rows {
        let expect = interpreted.execute(main, row);
        // The first run compiles on its way, the second enters what is compiled.
        for _ in 0..2 {
            let found = compiled.execute(main, row);
            assert_eq!(found, expect, "{source} on {row:?}");
            assert_eq!(compiled.fuel_used(), interpreted.fuel_used(), "fuel of {source} on {row:?}");
            assert_eq!(compiled.output(), interpreted.output(), "{source} on {row:?}");
            if found.is_ok() {
                assert_eq!(compiled.stack(), interpreted.stack(), "{source} on {row:?}");
            }
        }
        n_compiled = n_compiled.max(compiled.natives.len());
    }
    assert_eq!(interpreted.natives.len(), 0);
    assert!(n_compiled > 0 || !available(), "nothing compiled: {source}");
}

/// A word of which each run is short: what it burns over many runs counts.
#[test]
fn many_short_runs_are_worth_machine_code() {
    let mut engine = Engine::new(Image::shared(), Limits::default());
    let sum = engine.define("sum", "0 swap 0 ?do i + loop").expect("it compiles");
    for round in 0..2_000 {
        engine.execute(sum, &[500]).expect("it runs");
        assert_eq!((engine.stack(), engine.fuel_used()), (&[124_750][..], 500), "round {round}");
    }
    assert!(engine.natives.len() == 1 || !available());
    // Other fuel, more or less than a piece, changes nothing but where it ends.
    for fuel in [400, 500, 1_000_000, 499, 500] {
        engine.set_fuel(fuel);
        let ran = engine.execute(sum, &[500]);
        assert_eq!(ran.is_ok(), fuel >= 500, "{fuel}");
        assert_eq!(engine.fuel_used(), fuel.min(500));
    }
}

/// What a text that does not compile burned is its own, in a fresh engine and after anything else.
#[test]
fn a_refused_definition_has_burned_nothing() {
    let mut engine = Engine::new(Image::shared(), Limits::default());
    for (name, body) in
        [("w", "dup nope"), ("w", "dup nope"), ("w", "if dup"), ("w", "dup then"), ("a b", "dup")]
    {
        assert!(engine.define(name, body).is_err());
        assert_eq!(engine.fuel_used(), 0, "{body}");
        let endless = engine.define("w", "begin again").expect("it compiles");
        assert!(engine.execute(endless, &[]).is_err());
        engine.reset();
    }
}

#[test]
fn loops_and_calls() {
    let limits = Limits::default();
    check(": fib dup 2 < if exit then dup 1- recurse swap 2 - recurse + ; : main fib ;", limits, &[&[15]]);
    check(
        ": gcd begin dup while tuck mod repeat drop ; : main 0 40 1 do 40 1 do i j gcd + loop loop ;",
        limits,
        &[&[]],
    );
    check(
        "8190 constant size create flags size allot
         : main flags size 1 fill 0 size 0 do flags i + c@ if i dup + 3 + dup i +
           begin dup size < while 0 over flags + c! over + repeat 2drop 1+ then loop ;",
        limits,
        &[&[]],
    );
    check(
        "create arr 100 cells allot : init 100 0 do i 7919 * 101 mod arr i cells + ! loop ;
         : main init 100 1 do arr 100 i - 0 do dup @ over cell+ @ 2dup > if 2 pick ! over cell+ ! else 2drop then cell+
           loop drop loop 0 100 0 do 31 * arr i cells + @ + loop ;",
        limits,
        &[&[]],
    );
    check(
        ": main 0 swap 0 ?do i 3 mod case 0 of 1 endof 1 of 10 endof 100 swap endcase + loop ;",
        limits,
        &[&[200]],
    );
    check(": main {: n | sum :} n 0 ?do i n * sum + to sum 2 +loop sum ;", limits, &[&[1001], &[0]]);
    check(
        ": main 0 swap begin dup while 10 /mod >r + r> repeat drop ;",
        limits,
        &[&[Cell::MAX], &[-5], &[7]],
    );
    check(": main 0. rot 0 ?do i s>d d+ i dup um* d- loop ;", limits, &[&[300]]);
    check(": main 1 swap 1 ?do i 26 mod 65 + emit i 2* xor i . loop ;", limits, &[&[300]]);
}

#[test]
fn recursion_deeper_than_the_host_allows() {
    let source = ": down dup if 1- recurse 1+ then ; : main down ;";
    let limits = Limits { return_cells: 1024, fuel: 10_000_000, ..Limits::default() };
    check(source, limits, &[&[900], &[1021], &[1022], &[1023], &[5000]]);
    let limits = Limits { return_cells: 60_000, fuel: 10_000_000, ..limits };
    check(source, limits, &[&[50_000], &[70_000]]);
}

#[test]
fn stacks_that_run_full_or_empty() {
    let limits = Limits { stack_cells: 40, return_cells: 200, ..Limits::default() };
    check(": fill-up dup if dup 1- recurse drop then ; : main 60 0 do i fill-up loop ;", limits, &[&[]]);
    check(": w 1+ ; : main 30 0 do w loop ;", limits, &[&[], &[1]]);
}

#[test]
fn exceptions_come_from_the_same_place() {
    let limits = Limits::default();
    check(": main 0 swap begin 100 over / drop 1- again ;", limits, &[&[50]]);
    check(": w 10 swap / ; : main 0 swap begin dup w rot + swap 1- again ;", limits, &[&[50]]);
    check(": main begin dup @ drop 8 + again ;", limits, &[&[0x2000]]);
    check(": main begin 1 over c! 1- again ;", limits, &[&[0x2000]]);
    check(": main begin 0 over ! 8 + again ;", limits, &[&[0x2000]]);
    check(": main begin 3 4 2 pick 2! 8 + again ;", limits, &[&[0x2001]]);
    check(": main begin dup 1 type 1- again ;", limits, &[&[0x1100]]);
    check(": main begin dup 500 = if -77 throw then 1+ again ;", limits, &[&[0]]);
    check(": w 5000 over / drop 1- ; : v begin w again ; : main ['] v catch ;", limits, &[&[100]]);
    check(": main 200 begin 0 2 pick um/mod nip 1- again ;", limits, &[&[100]]);
}

#[test]
fn fuel_ends_at_the_same_place() {
    let source = ": w dup 3 mod if 1+ then ; : main begin w 1+ dup 0< until ;";
    for fuel in 2000..2100 {
        check(source, Limits { fuel, ..Limits::default() }, &[&[0]]);
    }
}

#[test]
fn changed_words_are_compiled_anew() {
    let mut engine = engine();
    engine.set_policy(SOON);
    engine.load(": as-sum does> @ + ; : as-product does> @ * ; create w 5 , as-sum").unwrap();
    engine.load(": go 0 100 0 do 1 w + loop ; go").unwrap();
    assert_eq!(engine.stack(), [600]);
    engine.load("create v 5 , as-sum : add 0 100 0 do 2 v + loop ; add").unwrap();
    assert_eq!(engine.stack(), [600, 700]);
    // The newest created word is changed by what runs, after code that calls it has been compiled.
    engine.load("drop create u 5 , as-sum :noname 0 100 0 do 2 u + loop ; execute").unwrap();
    assert_eq!(engine.stack(), [600, 700]);
    engine.load("defer f : go3 0 100 0 do i f + loop ; ' 1+ is f go3 ' 1- is f go3").unwrap();
    assert_eq!(engine.stack(), [600, 700, 5050, 4850]);
}

#[test]
fn machine_code_goes_with_its_words() {
    let (mut engine, main) = loaded(": main 0 1000 0 do i + loop ;", SOON, Limits::default());
    engine.execute(main, &[]).unwrap();
    assert_eq!(engine.natives.len(), available() as usize);
    engine.set_shadow(Some(std::sync::Arc::default()));
    assert_eq!(engine.natives.len(), 0);
    engine.execute(main, &[]).unwrap();
    assert_eq!(engine.natives.len(), 0);
    engine.set_shadow(None);
    engine.execute(main, &[]).unwrap();
    assert_eq!(engine.natives.len(), available() as usize);
    engine.reset();
    assert_eq!(engine.natives.len(), 0);
    engine.load(": main 0 1000 0 do i - loop ;").unwrap();
    let main = engine.find("main").unwrap();
    engine.execute(main, &[]).unwrap();
    assert_eq!(engine.stack(), [-499_500]);
}

#[test]
fn a_running_program_can_be_interrupted() {
    let mut engine = Engine::new(Image::shared(), Limits { fuel: i64::MAX as u64, ..Limits::default() });
    let flag = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    engine.set_interrupt(Some(flag.clone()));
    let interrupted = TrapKind::Throw(-28);
    for body in
        ["begin again", "begin 1+ dup drop again", "begin recurse again", "begin ['] execute drop again"]
    {
        let xt = engine.define("w", body).unwrap();
        let later = std::thread::spawn({
            let flag = flag.clone();
            move || {
                std::thread::sleep(std::time::Duration::from_millis(50));
                flag.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        });
        let kind = engine.execute(xt, &[1]).unwrap_err().kind;
        assert!(kind == interrupted || body.contains("recurse"), "{body}: {kind:?}");
        later.join().unwrap();
        flag.store(false, std::sync::atomic::Ordering::Relaxed);
    }
}
