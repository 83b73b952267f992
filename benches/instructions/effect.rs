//! Instructions of one inference: `benches/instructions/run.sh` runs this under callgrind, with no turns and with many, and
//! divides the difference. Arguments: `infer|verify|compose|words`, turns, code, claim.

use std::hint::black_box;
use wordmill::effect::{NoWords, Scratch, compose, infer, infer_words, verify};
use wordmill::forth::words::{self, Word};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [mode, turns, code, rest @ ..] = args.as_slice() else {
        eprintln!("usage: effect infer|verify|compose|words TURNS CODE [CLAIM]");
        return;
    };
    let turns: u64 = turns.parse().expect("turns are a number");
    let claim = rest.first().map_or("--", String::as_str);
    let names: Vec<&str> = code.split_whitespace().collect();
    let known: Option<Vec<Word>> = names.iter().map(|name| words::lookup(name.as_bytes())).collect();
    let known = known.unwrap_or_default();
    let mut scratch = Scratch::new();
    let s = &mut scratch;
    match mode.as_str() {
        "infer" => repeat(turns, || black_box(infer(black_box(code), &NoWords, s)).is_ok()),
        "verify" => {
            repeat(turns, || black_box(verify(black_box(code), black_box(claim), &NoWords, s)).is_ok())
        }
        "compose" => repeat(turns, || black_box(compose(black_box(&names), &NoWords, s)).is_ok()),
        _ => repeat(turns, || black_box(infer_words(black_box(&known), &[], s)).is_ok()),
    }
}

fn repeat(turns: u64, mut turn: impl FnMut() -> bool) {
    for _ in 0..turns {
        assert!(black_box(turn()));
    }
}
