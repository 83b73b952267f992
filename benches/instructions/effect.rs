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
    for _ in 0..turns {
        let ok = match mode.as_str() {
            "infer" => black_box(infer(black_box(code), &NoWords, &mut scratch)).is_ok(),
            "verify" => black_box(verify(black_box(code), black_box(claim), &NoWords, &mut scratch)).is_ok(),
            "compose" => black_box(compose(black_box(&names), &NoWords, &mut scratch)).is_ok(),
            _ => black_box(infer_words(black_box(&known), &[], &mut scratch)).is_ok(),
        };
        assert!(black_box(ok));
    }
}
