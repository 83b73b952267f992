//! The engine as oracle: what inference says of random programs is what running them shows.

use crate::effect::{Evaluated, NoWords, Scratch, Verdict, infer, verify};
use crate::forth::{Engine, Image, Limits, TrapKind};
use crate::model::Cell;

struct Random(u64);

impl Random {
    fn next(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.next(from.len())]
    }

    fn cell(&mut self) -> Cell {
        const SPECIAL: [Cell; 12] = [0, 1, -1, 2, 3, -2, 7, 64, 63, Cell::MAX, Cell::MIN, 1 << 32];
        match self.next(3) {
            0 => SPECIAL[self.next(SPECIAL.len())],
            1 => self.next(41) as Cell - 20,
            _ => (self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) as Cell) >> self.next(60),
        }
    }
}

const STRAIGHT: &[&str] = &[
    "dup",
    "drop",
    "swap",
    "over",
    "rot",
    "-rot",
    "nip",
    "tuck",
    "2dup",
    "2drop",
    "2swap",
    "2over",
    "+",
    "-",
    "*",
    "/",
    "mod",
    "/mod",
    "*/",
    "*/mod",
    "1+",
    "1-",
    "2*",
    "2/",
    "negate",
    "abs",
    "min",
    "max",
    "lshift",
    "rshift",
    "and",
    "or",
    "xor",
    "invert",
    "=",
    "<>",
    "<",
    ">",
    "<=",
    ">=",
    "u<",
    "u>",
    "0=",
    "0<>",
    "0<",
    "0>",
    "within",
    "true",
    "false",
    "s>d",
    "d>s",
    "d+",
    "d-",
    "dnegate",
    "dabs",
    "d2*",
    "d2/",
    "d<",
    "du<",
    "d=",
    "d0=",
    "d0<",
    "dmin",
    "dmax",
    "m+",
    "m*",
    "um*",
    "cells",
    "cell+",
    "chars",
    "char+",
    "aligned",
    "/string",
    "0",
    "1",
    "-1",
    "2",
    "3",
    "10",
    "$ff",
    "5.",
    "'a'",
    "bl",
    "1 pick",
    "2 roll",
    "0 pick",
    ">r 1+ r>",
    ">r dup r> swap",
    "2>r 2r@ 2r>",
    "2rot",
    "[ 3 4 ] literal literal",
];

fn straight(random: &mut Random, longest: usize) -> String {
    let n = random.next(longest + 1);
    (0..n).map(|_| random.pick(STRAIGHT)).collect::<Vec<_>>().join(" ")
}

/// Code with branches and loops; much of it is not balanced.
fn structured(random: &mut Random, depth: usize) -> String {
    if depth == 0 {
        return straight(random, 3);
    }
    let (a, b, c) = (straight(random, 2), structured(random, depth - 1), structured(random, depth - 1));
    match random.next(15) {
        0 => format!("{a} if {b} then"),
        1 => format!("{a} if {b} else {c} then"),
        2 => format!("{a} ?dup if {b} else {c} then"),
        3 => format!("{a} 3 0 do {b} loop {c}"),
        4 => format!("{a} 2 0 do {b} i + loop"),
        5 => format!("{a} 7 and 0 ?do {b} loop"),
        6 => format!("{a} begin {b} 1- dup 0 < until {c}"),
        7 => format!("{a} 5 begin dup while {b} 1- repeat {c}"),
        8 => format!("{a} dup 0< if {b} exit then {c}"),
        9 => format!("{a} case 1 of {b} endof 2 of {c} endof endcase"),
        10 => format!("{a} 4 0 do {b} dup if leave then {c} loop"),
        11 => format!("{a} 4 0 do {b} dup 0> if unloop exit then loop {c}"),
        12 => format!("{a} >r {b} r> {c}"),
        13 => format!("{a} ?dup 0= if {b} else {c} then"),
        _ => format!("{b} {c}"),
    }
}

struct Oracle {
    engine: Engine,
    scratch: Scratch,
    random: Random,
    ran: usize,
    compared: usize,
}

impl Oracle {
    fn new(seed: u64) -> Self {
        let limits = Limits { fuel: 10_000, ..Limits::default() };
        let engine = Engine::new(Image::shared(), limits);
        Self { engine, scratch: Scratch::new(), random: Random(seed), ran: 0, compared: 0 }
    }

    /// Runs code that has an effect, and compares depth and values.
    fn check(&mut self, code: &str) {
        let Ok(effect) = infer(code, &NoWords, &mut self.scratch) else { return };
        if effect.n_in() > 12 {
            return;
        }
        self.engine.reset();
        let xt = self.engine.define("f", code).unwrap_or_else(|error| panic!("{code}: {error}"));
        for _ in 0..4 {
            let inputs: Vec<Cell> = (0..effect.n_in()).map(|_| self.random.cell()).collect();
            let outputs = match self.engine.execute(xt, &inputs) {
                Ok(()) => self.engine.stack(),
                // Division by zero, endless loops and deep recursion are no matter of depth; an underflow would be.
                Err(trap) => {
                    let excused =
                        trap.kind == TrapKind::Fuel || matches!(trap.code(), Some(-3 | -5 | -10 | -11));
                    assert!(excused, "{code} on {inputs:?}: {}", trap.kind);
                    continue;
                }
            };
            assert!(!effect.diverges(), "{code} on {inputs:?}");
            assert_eq!(outputs.len(), effect.n_out(), "{code} on {inputs:?}");
            self.ran += 1;
            for (k, (value, &output)) in effect.eval(&inputs).into_iter().zip(outputs).enumerate() {
                match value {
                    Evaluated::Cell(value) => {
                        assert_eq!(value, output, "{code} on {inputs:?}: output {k} of {}", effect.render());
                        self.compared += 1;
                    }
                    Evaluated::Unknown => {}
                    Evaluated::Trap => {
                        panic!("{code} on {inputs:?}: no trap in output {k} of {}", effect.render())
                    }
                }
            }
        }
    }
}

#[test]
fn straight_code_does_what_is_inferred() {
    let mut oracle = Oracle::new(0x5EED);
    for _ in 0..6_000 {
        let code = straight(&mut oracle.random, 12);
        oracle.check(&code);
    }
    assert!(oracle.ran > 10_000 && oracle.compared > 40_000, "{} {}", oracle.ran, oracle.compared);
}

#[test]
fn structured_code_does_what_is_inferred() {
    let mut oracle = Oracle::new(0xF00D);
    for round in 0..40_000 {
        let code = structured(&mut oracle.random, 1 + round % 3);
        oracle.check(&code);
    }
    assert!(oracle.ran > 10_000 && oracle.compared > 10_000, "{} {}", oracle.ran, oracle.compared);
}

#[test]
fn recursion_does_what_is_inferred() {
    let mut oracle = Oracle::new(0xBEEF);
    for code in [
        "dup 2 < if drop 1 else dup 1- recurse * then",
        "?dup if tuck mod recurse then",
        "dup 0> if 1- recurse 1+ then",
        "dup 1 > if dup 1- recurse swap 2 - recurse + then",
    ] {
        oracle.check(code);
    }
    assert!(oracle.ran >= 4);
}

#[test]
fn what_is_rendered_can_be_read_back() {
    let mut random = Random(0xCAFE);
    let mut scratch = Scratch::new();
    let mut checked = 0;
    for round in 0..8_000 {
        let code = if round % 2 == 0 { straight(&mut random, 8) } else { structured(&mut random, 1) };
        let Ok(effect) = infer(&code, &NoWords, &mut scratch) else { continue };
        for text in [effect.render(), effect.render_comment()] {
            assert_eq!(text.matches(')').count().min(1), 1, "{text}");
            let report = verify(&code, &text, &NoWords, &mut scratch).unwrap().unwrap();
            assert_eq!(report.verdict, Verdict::Agrees, "{code}: {text} {:?}", report.differences);
            checked += 1;
        }
    }
    assert!(checked > 5_000, "{checked}");
}

#[test]
fn any_text_is_answered() {
    const TOKENS: &[&str] = &[
        "if",
        "else",
        "then",
        "begin",
        "while",
        "repeat",
        "until",
        "again",
        "do",
        "?do",
        "loop",
        "+loop",
        "leave",
        "exit",
        "recurse",
        "case",
        "of",
        "endof",
        "endcase",
        ":",
        ";",
        "f",
        "{:",
        "|",
        ":}",
        "x",
        "to",
        "r>",
        ">r",
        "r@",
        "2>r",
        "2r>",
        "i",
        "j",
        "unloop",
        "?dup",
        "pick",
        "roll",
        "dup",
        "drop",
        "+",
        "1",
        "0",
        "(",
        ")",
        "--",
        "\\",
        "s\"",
        "\"",
        "[",
        "]",
        "literal",
        "'",
        "execute",
        "throw",
        "abort",
        "variable",
        "constant",
        "value",
        "create",
        "ahead",
        "immediate",
        "\n",
        "5.",
        "abort\"",
        ".(",
        "2swap",
        "swap",
        "over",
        "rot",
    ];
    let mut random = Random(0xABAD);
    let mut scratch = Scratch::new();
    let (mut good, mut bad) = (0, 0);
    for _ in 0..60_000 {
        let n = random.next(14);
        let code = (0..n).map(|_| random.pick(TOKENS)).collect::<Vec<_>>().join(" ");
        match infer(&code, &NoWords, &mut scratch) {
            Ok(effect) => {
                good += 1;
                assert!(effect.render().ends_with(')'));
                effect.warnings(&NoWords);
            }
            Err(error) => {
                bad += 1;
                assert!(error.position as usize <= code.len(), "{code}: {error:?}");
                assert!(!error.message(&code).is_empty());
                if bad % 16 == 0 {
                    crate::effect::diagnose(&code, &NoWords, &error);
                }
            }
        }
    }
    assert!(good > 2_000 && bad > 20_000, "{good} {bad}");
}
