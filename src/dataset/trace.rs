//! The stack after each word, as the engine has it: a copy of the definition with a word that prints after each word.

use super::problem::Parts;
use crate::forth::Engine;
use crate::model::Cell;

/// Most steps of a trace.
const STEPS_MAX: usize = 150;

/// Fuel of a trace: what takes more has too many steps.
pub const FUEL: u64 = 30_000;

/// Prints its number and the stack under it.
const TRACER: &str = ": ~t . depth 0 ?do depth i - 1- pick . loop cr ;";

/// Words after which nothing can be put, or that see what is printed.
const UNTRACEABLE: &[&str] = &[
    ".", "type", "emit", "cr", "space", "spaces", "u.", ".r", "u.r", "?", ".s", "depth", ">r", "r>", "r@",
    "2>r", "2r>",
];

/// The program that a trace is made with, tracer and all; nothing where it cannot be traced.
pub fn program(parts: &Parts<'_>, word: &str) -> Option<String> {
    let mut text = format!("{TRACER}\n{}: {word}", parts.prelude);
    let mut in_locals = false;
    for (at, token) in parts.words.iter().enumerate() {
        if UNTRACEABLE.iter().any(|it| it.eq_ignore_ascii_case(token)) {
            return None;
        }
        text.push(' ');
        text.push_str(token);
        in_locals |= *token == "{:";
        if *token == ":}" {
            in_locals = false;
        }
        if !in_locals {
            text += &format!(" {at} ~t");
        }
    }
    Some(text + " ;")
}

/// The lines of a trace: the word, and the stack after it.
pub fn run(
    engine: &mut Engine,
    parts: &Parts<'_>,
    word: &str,
    inputs: &[Cell],
    outputs: &[Cell],
) -> Option<String> {
    engine.reset();
    engine.load(&program(parts, word)?).ok()?;
    let xt = engine.find(word)?;
    engine.execute(xt, inputs).ok()?;
    if engine.stack() != outputs {
        return None;
    }
    let printed = std::str::from_utf8(engine.output()).ok()?;
    let mut text = String::new();
    for (n, line) in printed.lines().enumerate() {
        if n >= STEPS_MAX {
            return None;
        }
        let (at, stack) = line.split_once(' ')?;
        let token = parts.words.get(at.parse::<usize>().ok()?)?;
        text += &format!("{token} | {}\n", stack.trim_end());
    }
    (!text.is_empty()).then_some(text)
}
