//! What programs do, seen from outside.

mod agree;
mod generator;
mod hostile;
mod leaves;
mod native;
mod programs;
mod reference;
mod rows;
mod soup;
mod wild;
mod words;

use super::*;
use crate::model::Cell;

/// An engine with default limits.
fn engine() -> Engine {
    Engine::new(Image::shared(), Limits::default())
}

/// Runs a body on inputs and compares the stack.
#[track_caller]
fn check(body: &str, inputs: &[Cell], expect: &[Cell]) {
    let mut engine = engine();
    let xt = engine.define("w", body).unwrap_or_else(|error| panic!("{body}: {error}"));
    match engine.execute(xt, inputs) {
        Ok(()) => assert_eq!(engine.stack(), expect, "{body} on {inputs:?}"),
        Err(trap) => panic!("{body} on {inputs:?}: {}", engine.describe(trap)),
    }
}

/// Runs a body on inputs and compares how it stops, and at which word.
#[track_caller]
fn check_trap(body: &str, inputs: &[Cell], kind: TrapKind, word: &str) {
    let mut engine = engine();
    let xt = engine.define("w", body).unwrap_or_else(|error| panic!("{body}: {error}"));
    match engine.execute(xt, inputs) {
        Ok(()) => panic!("{body} on {inputs:?} leaves {:?}", engine.stack()),
        Err(trap) => {
            let description = engine.describe(trap);
            assert_eq!((trap.kind, description.word.as_str()), (kind, word), "{body} on {inputs:?}");
        }
    }
}

/// Reads a program, runs its word `main` and compares the stack.
#[track_caller]
fn check_program(source: &str, inputs: &[Cell], expect: &[Cell]) {
    let mut engine = engine();
    engine.load(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    let xt = engine.find("main").expect("main");
    match engine.execute(xt, inputs) {
        Ok(()) => assert_eq!(engine.stack(), expect, "{source} on {inputs:?}"),
        Err(trap) => panic!("{source} on {inputs:?}: {}", engine.describe(trap)),
    }
}

/// Reads a text and compares what it prints.
#[track_caller]
fn check_output(source: &str, expect: &str) {
    let mut engine = engine();
    engine.load(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    assert_eq!(String::from_utf8_lossy(engine.output()), expect, "{source}");
}

/// A body that does not compile: why, and at which token.
#[track_caller]
fn check_error(body: &str, kind: CompileErrorKind, token: &str) {
    let mut engine = engine();
    let error = engine.define("w", body).expect_err(body);
    assert_eq!((error.kind, &*error.token), (kind, token), "{body}");
    assert!(body.as_bytes()[error.position as usize..].starts_with(token.as_bytes()), "{body}: {error:?}");
}
