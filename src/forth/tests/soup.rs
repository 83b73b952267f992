//! Texts that make no sense, in any quantity: nothing may panic, hang or reach outside.

use super::*;
use crate::forth::words::WORDS;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

/// Texts to try; debug builds, which compare every index, take their time.
const N_SOUPS: u32 = if cfg!(debug_assertions) { 15_000 } else { 100_000 };

const OTHERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "8192",
    "8200",
    "5000",
    "$7fffffffffffffff",
    "10.",
    "'x'",
    "w",
    "x",
    "y",
    "foo",
    ":}",
    "|",
    "--",
    "70368744177664",
    "70368744177800",
    "70368744177870",
    ")",
    "\"",
    "\n",
    "text\"",
    ": x",
    "variable y",
    "create x",
    "{: a b :}",
    "{: a | c -- d :}",
    "locals| a b |",
    "[: 1+ ;]",
    "[: 1 throw ;] catch",
    "s\\\" a\\n\"",
    "s\" x y\" evaluate",
    "s\" small\"",
    "s\" small\" r/w open-file",
    "s\" new\" w/o create-file",
    "s\" f\" included",
    "include small",
    "include lines",
    "require small",
    "include itself",
    "0 >in !",
    "100 >in !",
    "1 state !",
    "wordlist",
    "wordlist set-current",
    "0 set-order",
    "-1 set-order",
    "get-order",
    "marker x",
    "x",
    "defer y",
    "' dup is y",
    "5 value x",
    "to x",
    "1. 2value y",
    "synonym y dup",
    "24 allocate",
    "1 2 2",
    "0 [if]",
    "8364",
    "s\" %x%\" pad 100",
    "s\" x\" s\" x\"",
];

/// Small files for the texts to find.
const FILES: &[(&str, &str)] = &[
    ("small", "1 constant z"),
    ("lines", ": v ( over\nlines ) 1 ;\nv \\ comment\n0 [if]\nnothing [else] 2 [then]\n"),
    ("itself", "include itself"),
    ("f", "refill source type >in @ save-input restore-input"),
];

fn insert_files(engine: &mut Engine) {
    for (name, text) in FILES {
        engine.files_mut().insert(name, *text).expect("there is room");
    }
}

fn soup(dice: &mut Dice) -> String {
    let mut text = String::new();
    for _ in 0..dice.roll(25) {
        let n = WORDS.len() + OTHERS.len() * 2;
        match dice.roll(n) {
            k if k < WORDS.len() => text.push_str(WORDS[k].name),
            k => text.push_str(OTHERS[(k - WORDS.len()) / 2]),
        }
        text.push(if dice.roll(30) == 0 { '\n' } else { ' ' });
    }
    text
}

#[test]
fn token_soups_never_panic() {
    let limits = Limits { fuel: 300, memory_bytes: 0x4000, output_bytes: 1000, ..Limits::default() };
    let mut engine = Engine::new(Image::shared(), limits);
    insert_files(&mut engine);
    let mut dice = Dice(0x1234_5678_9ABC_DEF1);
    let (mut n_ran, mut n_compiled, mut n_loaded) = (0, 0, 0);
    for round in 0..N_SOUPS {
        let text = soup(&mut dice);
        if round % 2 == 0 {
            n_loaded += engine.load(&text).is_ok() as u32;
        }
        if let Ok(xt) = engine.define("w", &text) {
            n_compiled += 1;
            for inputs in [&[][..], &[1, 2, 3], &[8192, 70_368_744_177_664, 0, 5]] {
                match engine.execute(xt, inputs) {
                    Ok(()) => n_ran += 1,
                    Err(trap) => assert!(!engine.describe(trap).to_string().is_empty()),
                }
            }
        }
        if dice.roll(4) == 0 {
            engine.reset();
            let xt = engine.define("probe", "8192 @ base @ state @ depth unused").unwrap();
            engine.execute(xt, &[]).unwrap();
            assert_eq!(engine.stack(), [0, 10, 0, 3, 0x3000], "after {text:?}");
            engine.reset();
            insert_files(&mut engine);
        }
    }
    assert!(
        n_ran > N_SOUPS / 20 && n_compiled > N_SOUPS / 20 && n_loaded > N_SOUPS / 1000,
        "{n_ran} {n_compiled} {n_loaded}"
    );
}

#[test]
fn random_bytes_never_panic() {
    let mut engine = engine();
    let mut dice = Dice(77);
    for _ in 0..N_SOUPS / 5 {
        let bytes: Vec<u8> = (0..dice.roll(40)).map(|_| dice.roll(256) as u8).collect();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Err(error) = engine.load(&text) {
            assert!(!error.to_string().is_empty());
        }
        engine.reset();
        if let Err(error) = engine.define(&text, &text) {
            assert!(error.position as usize <= text.len(), "{text:?}: {error:?}");
        }
        engine.reset();
    }
}
