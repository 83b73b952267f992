//! The stack after each word, as the engine has it: a copy of the definition that prints after each word.
//!
//! Where control goes elsewhere, the word that sent it there is named: behind `if` that finds no flag the trace goes on in the
//! other branch, and the step is `if`.

use super::problem::Parts;
use crate::forth::Engine;
use crate::model::Cell;

/// Most steps of a trace.
const STEPS_MAX: usize = 150;

/// Fuel of a trace: what takes more has too many steps.
pub const FUEL: u64 = 40_000;

/// `~w` holds the number of the word that was run last; `~t` prints it and the stack.
const TRACER: &str = "variable ~w : ~t ~w @ . depth 0 ?do depth i - 1- pick . loop cr ;";

/// Words behind which control need not go on: they are noted before they run.
const CONTROL: &[&str] = &[
    "if", "else", "then", "begin", "while", "repeat", "until", "again", "do", "?do", "loop", "+loop",
    "leave", "exit", "case", "of", "endof", "endcase",
];

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
        in_locals |= *token == "{:";
        if *token == ":}" {
            in_locals = false;
        }
        text += &if in_locals {
            format!(" {token}")
        } else if CONTROL.iter().any(|it| it.eq_ignore_ascii_case(token)) {
            format!(" {at} ~w ! {token} ~t")
        } else {
            format!(" {token} {at} ~w ! ~t")
        };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::problem::outcome_parts;
    use crate::forth::{Image, Limits};

    fn traced(code: &str, inputs: &[Cell], outputs: &[Cell]) -> Option<String> {
        let mut engine = Engine::new(Image::shared(), Limits { fuel: FUEL, ..Limits::default() });
        let lines = run(&mut engine, &outcome_parts(code)?, "w", inputs, outputs)?;
        Some(lines.trim_end().replace(" | ", ":").replace('\n', ", "))
    }

    #[test]
    fn a_jump_is_the_word_that_jumps() {
        let branch = ": w dup 0< if negate else 1+ then 2* ;";
        let loops = ": w 0 swap begin dup while tuck + swap 1- repeat drop ;";
        let until = ": w begin 2/ dup 3 < until ;";
        let counted = ": w 0 swap 0 ?do i + loop ;";
        let early = ": w 5 0 do i over = if drop i leave then loop ;";
        let case = ": w case 1 of 10 endof 2 of 20 endof 7 swap endcase ;";
        let recursive = ": w dup if 1- recurse then ;";
        let exits = ": w dup 0= if exit then 1- ;";
        let no_else = ": w dup 5 > if drop 5 then ;";
        for (code, inputs, outputs, expect) in [
            (branch, &[-3][..], &[6][..], "dup:-3 -3, 0<:-3 -1, if:-3, negate:3, else:3, 2*:6"),
            (branch, &[3], &[8], "dup:3 3, 0<:3 0, if:3, 1+:4, then:4, 2*:8"),
            (no_else, &[3], &[3], "dup:3 3, 5:3 3 5, >:3 0, if:3"),
            (no_else, &[9], &[5], "dup:9 9, 5:9 9 5, >:9 -1, if:9, drop:, 5:5, then:5"),
            (
                loops,
                &[1],
                &[1],
                "0:1 0, swap:0 1, begin:0 1, dup:0 1 1, while:0 1, tuck:1 0 1, +:1 1, swap:1 1, 1-:1 0, repeat:1 0, \
                 dup:1 0 0, while:1 0, drop:1",
            ),
            (
                until,
                &[6],
                &[1],
                "begin:6, 2/:3, dup:3 3, 3:3 3 3, <:3 0, until:3, 2/:1, dup:1 1, 3:1 1 3, <:1 -1, until:1",
            ),
            (counted, &[2], &[1], "0:2 0, swap:0 2, 0:0 2 0, ?do:0, i:0 0, +:0, loop:0, i:0 1, +:1, loop:1"),
            (counted, &[0], &[0], "0:0 0, swap:0 0, 0:0 0 0, ?do:0"),
            (
                early,
                &[1],
                &[1],
                "5:1 5, 0:1 5 0, do:1, i:1 0, over:1 0 1, =:1 0, if:1, loop:1, i:1 1, over:1 1 1, =:1 -1, if:1, drop:, i:1, leave:1",
            ),
            (case, &[1], &[10], "case:1, 1:1 1, of:, 10:10, endof:10"),
            (case, &[2], &[20], "case:2, 1:2 1, of:2, 2:2 2, of:, 20:20, endof:20"),
            (case, &[4], &[7], "case:4, 1:4 1, of:4, 2:4 2, of:4, 7:4 7, swap:7 4, endcase:7"),
            (recursive, &[1], &[0], "dup:1 1, if:1, 1-:0, dup:0 0, if:0, recurse:0, then:0"),
            (exits, &[0], &[0], "dup:0 0, 0=:0 -1, if:0"),
            (exits, &[4], &[3], "dup:4 4, 0=:4 0, if:4, 1-:3"),
        ] {
            assert_eq!(traced(code, inputs, outputs).as_deref(), Some(expect), "{code} {inputs:?}");
        }
    }
}
