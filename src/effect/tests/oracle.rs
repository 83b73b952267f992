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

/// Words of the text, and code that uses them; what the engine refuses is left out of the programs.
const UNITS: &[(&str, &[&str])] = &[
    ("", &["[: 1+ ;] execute", "[: dup * swap ;] execute", "[: [: over ;] execute + ;] execute"]),
    ("", &["[: dup 0< if negate exit then 2* ;] execute", "[: {: a b :} a b - ;] execute"]),
    ("", &["[: 3 0 do i + loop ;] execute", "[: dup 1 > if 1- recurse then ;] execute"]),
    ("", &["0> if [: 1+ ;] else [: negate ;] then execute"]),
    ("", &["['] + execute", "['] swap execute", "2 ['] pick execute"]),
    ("", &["['] 1+ catch", "['] dnegate catch", "[: dup 0< if 5 throw then 1+ ;] catch"]),
    ("", &["['] / catch if 2drop 0 then", "['] / catch ?dup if nip nip then", "['] mod catch throw"]),
    ("", &["['] / catch 0= if 1+ else drop then", "['] /mod catch dup if nip else drop then"]),
    ("", &["[: abort ;] catch", "5 ['] throw catch nip", "[: -1 throw ;] catch drop"]),
    ("", &["0 throw", "dup 0< if 7 throw then"]),
    ("", &["2 n>r nr> drop", "1 n>r 1+ nr> drop", "3 n>r dup nr> 2drop", "0 n>r nr>"]),
    ("", &["{: a b :} b a", "{: a b | c :} a b + to c c a", "{: a :} a {: b :} a b +"]),
    ("", &["{: k :} 0 4 0 do k + loop", "{: n :} begin n 0> while n 2/ to n repeat n"]),
    ("", &["locals| x y | x y -", "locals| x | x 0< if 0 to x then x"]),
    ("", &["s\" abc\" nip", "s\" a\" s\" ab\" compare", "s\" abc\" s\" b\" search nip nip", "[char] x"]),
    ("", &["s\" 12\" 0 0 2swap >number 2drop", "s\" ab  \" -trailing nip", "s\" abc\" 1 /string nip"]),
    ("", &["s\\\" a\\n\\m\" nip", "c\" ab\" count nip", "[ s\" abcd\" ] sliteral nip"]),
    ("", &["here here -", "depth 0<", "pad pad =", "base @ 10 =", "unused 0>"]),
    ("", &["s>d <# #s #> nip", "0 0 <# # # #> nip", "dup . 0 0 d."]),
    ("", &["case 1 of 5 endof 2 of 6 endof dup endcase", "case 0 of 1 endof dup 5 > swap endcase"]),
    ("", &["um/mod", "fm/mod", "sm/rem", "m*/", "[ 7. ] 2literal"]),
    ("", &["8 allocate throw free throw", "16 allocate drop 32 resize drop free drop"]),
    ("", &["65 xc-size", "r/o bin drop", "65 xc-width", "s\" abc\" x-width", "s\" abc\" +x/string nip"]),
    ("", &["get-current drop", "forth-wordlist drop", "wordlist drop", "source-id drop", "source nip drop"]),
    ("", &["s\" no\" r/o open-file nip 0<>", "s\" no\" file-status nip 0<>"]),
    ("", &["s\" dup\" forth-wordlist search-wordlist if drop 1 else 0 then"]),
    ("", &["s\" none\" forth-wordlist search-wordlist dup 0= if else nip then"]),
    ("", &["[defined] dup [if] 1+ [else] drop [then]", "[undefined] dup [if] drop [else] 2* [then]"]),
    ("variable v", &["v @", "v !", "dup v +!", "v v ="]),
    ("5 constant five", &["five", "five pick"]),
    ("7. 2constant seven", &["seven", "seven d+"]),
    ("7 value w", &["w", "to w", "w 1+ to w w"]),
    ("1. 2value ww", &["ww", "to ww", "ww d2* to ww"]),
    ("create t 1 , 2 , 3 ,", &["t cell+ @", "0 3 0 do t i cells + @ + loop"]),
    (": sq dup * ;", &["sq", "['] sq execute", "['] sq catch", "[: sq 1+ ;] execute"]),
    (": half dup 1 and if 5 throw then 2/ ;", &["['] half catch", "['] half catch if drop 0 then"]),
    (": const create , does> @ ; 9 const nine", &["nine"]),
    (": adder create , does> @ + ; 4 adder add4", &["add4"]),
    (": data create 0 , ; data cell1", &["cell1 @", "cell1 !"]),
    (": plain create 3 , ; : reads does> @ ; plain three reads", &["three"]),
    ("begin-structure p field: p.x field: p.y cfield: p.z end-structure", &["p", "p.y", "p.z p.x"]),
    ("defer d1 ' 1+ is d1", &["d1", "action-of d1 execute", "['] negate is d1"]),
    ("defer d2 :noname over + ; is d2", &["d2"]),
    ("synonym double dup", &["double"]),
    ("synonym endif then", &["dup 0< if negate endif"]),
    (": fi postpone then ; immediate", &["dup if 1+ fi"]),
    (": unless postpone 0= postpone if ; immediate", &["dup unless drop 1 then"]),
    (": eight 8 ; immediate", &["eight literal +"]),
    ("100 buffer: buf", &["buf drop", "5 buf c! buf c@"]),
    (": count-down begin dup 0> while 1- repeat ;", &["count-down"]),
    (": fact dup 2 < if drop 1 else dup 1- recurse * then ;", &["7 and fact"]),
    ("[undefined] plus [if] : plus + ; [then]", &["plus"]),
];

fn straight(random: &mut Random, longest: usize) -> String {
    of(STRAIGHT, random, longest)
}

fn of(pieces: &[&str], random: &mut Random, longest: usize) -> String {
    let n = random.next(longest + 1);
    (0..n).map(|_| random.pick(pieces)).collect::<Vec<_>>().join(" ")
}

/// Code with branches and loops; much of it is not balanced.
fn structured(random: &mut Random, depth: usize) -> String {
    structured_of(STRAIGHT, random, depth)
}

fn structured_of(pieces: &[&str], random: &mut Random, depth: usize) -> String {
    if depth == 0 {
        return of(pieces, random, 3);
    }
    let a = of(pieces, random, 2);
    let (b, c) = (structured_of(pieces, random, depth - 1), structured_of(pieces, random, depth - 1));
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
        self.check_in("", code);
    }

    /// The same behind a text that defines words; whether the code has an effect.
    fn check_in(&mut self, prelude: &str, code: &str) -> bool {
        let text = format!("{prelude} : f {code} ;");
        let Ok(effect) = infer(&text, &NoWords, &mut self.scratch) else { return false };
        if effect.n_in() > 12 {
            return true;
        }
        self.engine.reset();
        self.engine.load(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let xt = self.engine.find("f").expect("it was defined");
        for _ in 0..4 {
            let inputs: Vec<Cell> = (0..effect.n_in()).map(|_| self.random.cell()).collect();
            let outputs = match self.engine.execute(xt, &inputs) {
                Ok(()) => self.engine.stack(),
                // Division by zero, endless loops and deep recursion are no matter of depth, nor is what a program
                // throws; an underflow would be.
                Err(trap) => {
                    let excused = matches!(trap.kind, TrapKind::Fuel | TrapKind::Output)
                        || matches!(trap.code(), Some(-1 | -3 | -5 | -8 | -10 | -11 | -59 | 1..));
                    assert!(excused, "{text} on {inputs:?}: {}", trap.kind);
                    continue;
                }
            };
            assert!(!effect.diverges(), "{text} on {inputs:?}");
            assert_eq!(outputs.len(), effect.n_out(), "{text} on {inputs:?}");
            self.ran += 1;
            for (k, (value, &output)) in effect.eval(&inputs).into_iter().zip(outputs).enumerate() {
                match value {
                    Evaluated::Cell(value) => {
                        assert_eq!(value, output, "{text} on {inputs:?}: output {k} of {}", effect.render());
                        self.compared += 1;
                    }
                    Evaluated::Unknown => {}
                    Evaluated::Trap => {
                        panic!("{text} on {inputs:?}: no trap in output {k} of {}", effect.render())
                    }
                }
            }
        }
        true
    }

    /// Whether the engine knows all words of a text that defines words and of code that uses them.
    fn knows(&mut self, prelude: &str, code: &str) -> bool {
        self.engine.reset();
        if self.engine.load(&format!("{prelude} : f {code} ;")).is_err() {
            return false;
        }
        let Some(xt) = self.engine.find("f") else { return false };
        let refused = |trap: crate::forth::Trap| matches!(trap.code(), Some(-13 | -14 | -21));
        !self.engine.execute(xt, &[1, 2, 3, 4, 5, 6]).is_err_and(refused)
    }
}

#[test]
fn words_of_all_kinds_do_what_is_inferred() {
    let mut oracle = Oracle::new(0xC0DE);
    let mut known: Vec<(&str, Vec<&str>)> = Vec::new();
    for &(prelude, uses) in UNITS {
        for &code in uses {
            let text = format!("{prelude} : f {code} ;");
            let inferred = infer(&text, &NoWords, &mut oracle.scratch);
            assert!(inferred.is_ok(), "{text}: {:?}", inferred.map(|_| ()));
        }
        let uses: Vec<&str> = uses.iter().copied().filter(|code| oracle.knows(prelude, code)).collect();
        if !uses.is_empty() {
            known.push((prelude, uses));
        }
    }
    let mut good = 0;
    for round in 0..12_000 {
        let mut preludes: Vec<&str> = Vec::new();
        let mut pieces: Vec<&str> = (0..6).map(|_| oracle.random.pick(STRAIGHT)).collect();
        for _ in 0..3 {
            let (prelude, uses) = &known[oracle.random.next(known.len())];
            if !preludes.contains(prelude) {
                preludes.push(prelude);
            }
            pieces.extend(uses);
        }
        let code = structured_of(&pieces, &mut oracle.random, round % 3);
        good += oracle.check_in(&preludes.join(" "), &code) as usize;
    }
    assert!(good > 5_000 && oracle.ran > 15_000, "{} {good} {} {}", known.len(), oracle.ran, oracle.compared);
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
        "[:",
        ";]",
        "[:",
        ";]",
        "catch",
        "[']",
        "does>",
        "postpone",
        "[compile]",
        "[if]",
        "[else]",
        "[then]",
        "[defined]",
        "[undefined]",
        "n>r",
        "nr>",
        "2",
        "locals|",
        ":noname",
        "defer",
        "is",
        "action-of",
        "defer!",
        "2value",
        "synonym",
        "marker",
        "begin-structure",
        "field:",
        "+field",
        "end-structure",
        "set-order",
        "search-wordlist",
        "traverse-wordlist",
        "s\\\"",
        "d+",
        "search",
        "evaluate",
        "bye",
        "see",
        "char",
        "2literal",
        "compile,",
    ];
    let mut random = Random(0xABAD);
    let mut scratch = Scratch::new();
    let (mut good, mut bad) = (0, 0);
    for _ in 0..100_000 {
        let n = random.next(20);
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
